//! A port of a real switch moved into the quarantine VLAN by SNMPv3: what it does to traffic, what is refused, and what is left
//! of it when the switch lies, stalls, restarts or is not alone.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops here")]

mod common;

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{
    Memory, interlocks,
    live::{Enforcer, report},
    order,
    ovs::QUARANTINE,
    real_now,
    snmp::{ADDRESS, Managed, STRONG, USERS, User, YOUNG},
};
use fieldwarden_enforcer::{
    content::{Content, Match, Until},
    drivers::{Driver, dry_run, snmp_qbridge},
    moment::Boot,
    points::Points,
    warden::{Mode, Warden},
};
use fieldwarden_model::{
    Order, OrderState, Site, Target,
    order::{Answer, Ask, Report},
};
use serde_json::json;

const MACHINES: [(&str, &str); 3] = [("plc", PLC), ("hmi", "10.78.0.20"), ("rogue", "10.78.0.30")];
const PLC: &str = "10.78.0.10";

fn port(name: &str) -> Target {
    Target::SwitchPort { switch: "cell-2".into(), port: name.into() }
}

fn release(order: &Order) -> Ask {
    Ask::Release { order: order.id.clone(), by: "jo".into(), reason: "done".into(), degraded: false }
}

/// Every order; reports of what changed by itself may come before the answer.
fn listed(enforcer: &mut Enforcer) -> Vec<(Order, Report)> {
    let mut answer = enforcer.ask(&Ask::List);
    loop {
        match answer {
            Answer::Orders { orders } => return orders,
            Answer::Reported { .. } => answer = enforcer.next(),
            other => panic!("{other:?}"),
        }
    }
}

fn state(enforcer: &mut Enforcer, of: &Order) -> Option<OrderState> {
    let orders = listed(enforcer);
    orders.into_iter().find(|(order, _)| order.id == of.id).map(|(_, report)| report.state)
}

fn script(managed: &Managed, place: &str, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("ip");
    let file = format!("{}/tests/scripts/{name}", env!("CARGO_MANIFEST_DIR"));
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../.venv/bin/python");
    command.args(["netns", "exec", &managed.switch.at(place), python, &file]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The switch with a Modbus server in the PLC's place, and an enforcer's site file.
fn plant(test: &str, user: User) -> Option<Managed> {
    let mut managed = Managed::up(test, &MACHINES)?;
    let folder = managed.switch.folder.display().to_string();
    let text = format!(
        "[site]\n[[site.protected]]\nname = \"safety loop\"\ntalker = \"{PLC}\"\n\n[enforcer]\nmode = \
         \"enforce\"\ndriver = \"dry-run\"\nmax_orders_per_hour = 200\nsocket = \"{folder}/socket\"\njournal = \
         \"{folder}/journal\"\n{}",
        managed.settings(user, "")
    );
    fs::write(managed.switch.folder.join("site.toml"), text).unwrap();
    let server = script(&managed, "plc", "modbus_server.py", &[]).spawn().unwrap();
    managed.switch.children.push(server);
    Some(managed)
}

fn start(managed: &Managed) -> Enforcer {
    Enforcer::start(&managed.switch.at("sw"), &managed.switch.folder)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        thread::sleep(Duration::from_millis(50));
    }
    since.elapsed()
}

fn answered(child: std::process::Child) -> String {
    let told = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    told.lines().last().unwrap_or_default().into()
}

fn quarantine(test: &str, user: User) {
    let Some(managed) = plant(test, user) else { return };
    until("the PLC serves", || {
        let probe = format!("import socket; socket.create_connection(('{PLC}', 502), 0.5)");
        managed.switch.inside("rogue", "python3", &["-c", &probe])
    });
    let mut enforcer = start(&managed);
    let order = order(port("v-rogue"), 20, 22, real_now().wall);
    let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: order.clone() }) else { panic!() };
    assert_eq!(plan.driver, "snmp-qbridge at switch cell-2", "a rehearsal says which point acts");
    assert!(plan.steps.iter().any(|step| step.contains("from VLAN 10 into VLAN 666")), "{plan:?}");
    assert_eq!(plan.behind.len(), 1, "the switch has heard one machine there: {:?}", plan.behind);

    let polls = script(&managed, "hmi", "modbus_poll.py", &[PLC, "3000", "2"]).spawn().unwrap();
    let plan = enforcer.apply(&order);
    enforcer.keep(&order, plan);
    assert_eq!(managed.switch.port("v-rogue").0, QUARANTINE.to_string());
    let cut = script(&managed, "rogue", "modbus_poll.py", &[PLC, "3", "0.5"]).spawn().unwrap();
    assert_eq!(answered(cut), "0", "nothing of the rogue's arrives");
    assert_eq!(answered(polls), "3000", "and every poll of the other client is answered");
    assert_eq!(managed.filtering("rogue"), 1, "tags do not lead back either");
    until("the order lapses", || managed.is_as_before());
    until("it is told", || state(&mut enforcer, &order) == Some(OrderState::Lapsed));
    let back = script(&managed, "rogue", "modbus_poll.py", &[PLC, "3", "2"]).spawn().unwrap();
    assert_eq!(answered(back), "3", "it is given back");
    enforcer.kill();
}

#[test]
fn the_rogue_s_port_is_quarantined_while_no_poll_of_another_client_is_lost_and_comes_back_on_lapse() {
    quarantine("snlive", YOUNG);
    quarantine("snstrong", STRONG);
}

#[test]
fn killed_while_an_order_stands_it_is_undone_within_ten_seconds_of_the_next_start() {
    let Some(managed) = plant("snkill", STRONG) else { return };
    let mut enforcer = start(&managed);
    let first = order(port("v-rogue"), 8, 10, real_now().wall);
    let plan = enforcer.apply(&first);
    enforcer.keep(&first, plan);
    let lapse = Instant::now() + Duration::from_secs(11);
    enforcer.kill();
    thread::sleep(lapse.saturating_duration_since(Instant::now()));
    assert_eq!(managed.pvid("rogue"), u64::from(QUARANTINE), "with nobody there it stays");
    assert!(!managed.switch.reaches("rogue", PLC));
    let since = Instant::now();
    let mut enforcer = start(&managed);
    until("it is undone", || managed.is_as_before());
    assert!(since.elapsed() < Duration::from_secs(10), "within {:?}", since.elapsed());
    assert_eq!(state(&mut enforcer, &first), Some(OrderState::Lapsed));
    assert!(managed.switch.reaches("rogue", PLC));

    // With nothing of ours running, everything can be ended by hand.
    let last = order(port("v-rogue"), 8, 600, real_now().wall);
    let plan = enforcer.apply(&last);
    enforcer.keep(&last, plan);
    enforcer.kill();
    let program = env!("CARGO_BIN_EXE_fieldwarden-enforcer");
    let words = ["release", "--all", "--config", &managed.switch.path("site.toml")];
    assert!(managed.switch.inside("sw", program, &words));
    assert!(managed.is_as_before());
}

/// The driver that the switch's settings tell.
fn driver(text: &str) -> Box<dyn Driver> {
    let mut sources = fieldwarden_config::Sources::new();
    let text = text.replace("[[enforcer.switch]]\n", "").replace("enforcer.switch.", "");
    let file = sources.add("site.toml", text);
    let section = fieldwarden_config::parse(&sources, file).unwrap();
    let made = (snmp_qbridge::REGISTRATION.configure)(&section, &Site::default());
    made.unwrap_or_else(|faults| panic!("{}", fieldwarden_config::render(&faults, &sources))).driver
}

fn rogue() -> Match {
    Match::Port { switch: "cell-2".into(), port: "v-rogue".into() }
}

#[test]
fn every_pair_of_digest_and_cipher_is_spoken_and_who_is_not_let_in_is_told_why() {
    let Some(managed) = Managed::up("snusers", &MACHINES) else { return };
    managed.enter();
    for user in USERS {
        let why = driver(&managed.settings(user, "")).not_enforceable(&rogue());
        assert_eq!(why, None, "{user:?}");
    }
    let why = |settings: &str| driver(settings).not_enforceable(&rogue()).unwrap_or_default();
    let settings = managed.settings(YOUNG, "");
    let other = |was: &str, is: &str| why(&settings.replace(was, is));
    for (was, is) in [("\"young\"", "\"nobody\""), ("sha-256", "sha-512"), ("aes-128", "aes-256-reeder")] {
        let told = other(was, is);
        assert!(told.contains("look at `user`, `auth`, `privacy`"), "{is}: {told}");
    }
    let gone = other(":1161", ":1162");
    assert!(gone.contains("switch cell-2 at `127.0.0.1:1162`") && !gone.contains("look at"), "{gone}");
    fs::write(managed.switch.path("auth"), "wrong horse\n").unwrap();
    assert!(why(&settings).contains("`auth`"), "{}", why(&settings));
    fs::remove_file(managed.switch.path("auth")).unwrap();
    let missing = why(&settings);
    assert!(missing.contains(&managed.switch.path("auth")) && !missing.contains("horse"), "{missing}");
}

#[test]
fn what_is_protected_and_what_may_be_an_uplink_is_refused_by_name() {
    let Some(managed) = plant("snrefuse", YOUNG) else { return };
    let mut enforcer = start(&managed);
    let mut why = |name: &str| match enforcer
        .ask(&Ask::Rehearse { order: order(port(name), 5, 60, real_now().wall) })
    {
        Answer::Planned { plan } => plan.not_enforceable.unwrap_or_default(),
        Answer::Refused { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert!(managed.switch.reaches("hmi", PLC));
    assert_eq!(why("v-hmi"), "", "one machine at an access port may be moved");
    assert!(why("v-plc").contains("`safety loop`"), "{}", why("v-plc"));
    assert!(why("v-none").contains("port v-none"), "{}", why("v-none"));
    assert!(why("lo").contains("no port of the bridge"), "{}", why("lo"));
    let hmi = managed.number("hmi");
    let bit = format!("{:04x}", 0x8000_u32 >> (hmi - 1));
    for (place, odd, word) in [
        ("/root".to_owned(), json!(hmi), "spanning tree"),
        ("/lldp".into(), json!([[hmi, "2000"]]), "LLDP"),
        (format!("/frames/{hmi}"), json!(2), "tagged frames alone"),
        ("/vlans/20/egress".into(), json!(bit), "trunk of 2"),
        ("/vlans/10/untagged".into(), json!("0000"), "sends tagged"),
        ("/vlans/666/egress".into(), json!(bit), "trunk of 2"),
        (format!("/pvid/{hmi}"), json!(20), "no plain access port"),
        (format!("/pvid/{hmi}"), json!(666), "somebody else"),
        ("/vlans/666/forbidden".into(), json!(bit), "dot1qVlanForbiddenEgressPorts"),
    ] {
        let before = managed.at(&place);
        managed.alter(&place, odd);
        assert!(why("v-hmi").contains(word), "{word}: {}", why("v-hmi"));
        managed.alter(&place, before);
    }
    managed.alter("/lldp", json!([[hmi, "0100"]]));
    assert_eq!(why("v-hmi"), "", "a station that speaks LLDP may be moved");
    // A second machine behind the same port, as behind a switch that nobody knows of.
    assert!(managed.switch.inside("hmi", "ip", &["link", "set", "eth0", "address", "02:00:00:00:00:99"]));
    assert!(managed.switch.reaches("hmi", PLC));
    assert!(why("v-hmi").contains("2 addresses"), "{}", why("v-hmi"));
    enforcer.kill();
}

#[test]
fn what_somebody_else_changed_is_told_and_not_overwritten() {
    let Some(managed) = plant("snforeign", YOUNG) else { return };
    let mut enforcer = start(&managed);
    let mut kept = || {
        let order = order(port("v-rogue"), 5, 600, real_now().wall);
        let plan = enforcer.apply(&order);
        enforcer.keep(&order, plan);
        order
    };
    // Moved on, while the order stands: noticed by itself, and left there.
    let first = kept();
    managed.set_member("rogue", 20, true);
    managed.set_pvid("rogue", 20);
    until("it is noticed", || state(&mut enforcer, &first) == Some(OrderState::Reverted));
    assert_eq!(managed.pvid("rogue"), 20, "left");
    let journal = fs::read_to_string(managed.switch.folder.join("journal")).unwrap();
    assert!(journal.contains("somebody else"), "and told");
    managed.reset();

    // Put into a further VLAN: ours is given back, and the further VLAN left.
    let mut kept = || {
        let order = order(port("v-rogue"), 5, 600, real_now().wall);
        let plan = enforcer.apply(&order);
        enforcer.keep(&order, plan);
        order
    };
    let second = kept();
    managed.set_member("rogue", 20, true);
    until("it is noticed", || state(&mut enforcer, &second) == Some(OrderState::Reverted));
    managed.set_member("rogue", 20, false);
    assert!(managed.is_as_before(), "{}", managed.state());

    // Another port of the same VLANs stays as it was made meanwhile.
    let third = order(port("v-rogue"), 5, 600, real_now().wall);
    enforcer.apply(&third);
    managed.set_member("hmi", QUARANTINE, true);
    let answer = enforcer.ask(&release(&third));
    assert_eq!(report(&answer).state, OrderState::Released, "{answer:?}");
    assert!(managed.is_member("hmi", QUARANTINE) && !managed.is_member("rogue", QUARANTINE));
    managed.set_member("hmi", QUARANTINE, false);
    assert!(managed.is_as_before(), "{}", managed.state());
    enforcer.kill();
}

#[test]
fn a_switch_that_restarts_is_spoken_to_again_and_one_that_is_gone_leaves_no_order_forgotten() {
    let Some(mut managed) = plant("snrestart", YOUNG) else { return };
    let mut enforcer = start(&managed);
    let first = order(port("v-rogue"), 30, 600, real_now().wall);
    let plan = enforcer.apply(&first);
    let boots = managed.boots();
    managed.start_agent();
    assert!(managed.boots() > boots, "its engine has started once more: {boots}");
    enforcer.keep(&first, plan);
    managed.stop_agent();
    let answer = enforcer.ask(&release(&first));
    assert_eq!(
        report(&answer).state,
        OrderState::Stuck,
        "a release that cannot be done is told as such: {answer:?}"
    );
    assert!(report(&answer).cause.contains("cell-2"), "{answer:?}");
    assert_eq!(managed.pvid("rogue"), u64::from(QUARANTINE));
    managed.start_agent();
    until("it is undone once the switch is back", || managed.is_as_before());
    until("it is told", || state(&mut enforcer, &first) == Some(OrderState::Released));

    // One that comes back with the configuration it was saved with gets kept orders again.
    let second = order(port("v-rogue"), 30, 600, real_now().wall);
    let plan = enforcer.apply(&second);
    enforcer.keep(&second, plan);
    managed.stop_agent();
    managed.reset();
    managed.start_agent();
    until("it is applied again", || managed.pvid("rogue") == u64::from(QUARANTINE));
    until("it is told", || state(&mut enforcer, &second) == Some(OrderState::Kept));
    let answer = enforcer.ask(&release(&second));
    assert_eq!(report(&answer).state, OrderState::Released, "{answer:?}");
    assert!(managed.is_as_before(), "{}", managed.state());
    enforcer.kill();
}

#[test]
fn a_record_that_was_spoiled_changes_nothing_and_is_named() {
    let Some(managed) = Managed::up("snrecord", &MACHINES) else { return };
    managed.enter();
    let mut driver = driver(&managed.settings(YOUNG, ""));
    fs::write(managed.switch.path("cell-2.moved"), "{").unwrap();
    let desired = Content::from([(rogue(), Until(u64::MAX))]);
    for told in [driver.apply(&desired).unwrap_err().to_string(), driver.observe().unwrap_err().to_string()] {
        assert!(told.contains("cell-2.moved") && told.contains("damaged"), "{told}");
    }
    assert!(managed.is_as_before());
}

#[test]
fn what_a_crash_left_half_way_is_known_and_undone_or_completed_by_whoever_comes_next() {
    let Some(managed) = Managed::up("snhalf", &MACHINES) else { return };
    managed.enter();
    let text = managed.settings(YOUNG, "sets = \"one-by-one\"\n");
    let desired = Content::from([(rogue(), Until(u64::MAX))]);
    // The first two objects put the port into the new VLAN, the third is its PVID, two take it out of the old one, the last filters.
    for at in 1..=6 {
        for then in [&Content::new(), &desired] {
            managed.mood(&format!("refuse {at}"));
            let told = driver(&text).apply(&desired).unwrap_err().to_string();
            assert!(told.contains("inconsistentValue"), "object {at}: {told}");
            let mut next = driver(&text);
            let observed = next.observe().unwrap();
            assert_eq!(observed.partial.contains(&rogue()), at > 1, "object {at}: {observed:?}");
            assert_eq!(observed.damage.iter().any(|text| text.contains("half")), at > 1, "{observed:?}");
            next.apply(then).unwrap();
            let held: Vec<Match> = next.observe().unwrap().content.into_keys().collect();
            assert_eq!(held, then.keys().cloned().collect::<Vec<_>>(), "object {at}");
            next.apply(&Content::new()).unwrap();
            assert!(managed.is_as_before(), "object {at}: {}", managed.state());
        }
    }
}

/// The whole life of an order while `spoil` goes wrong at some point; what is told and what the switch has agree all the time.
fn life(managed: &Managed, text: &str, what: &str, spoil: impl FnOnce(), mend: impl FnOnce()) {
    let points = Points::new(
        Box::new(dry_run::DryRun::default()),
        vec![fieldwarden_enforcer::drivers::Switch { name: "cell-2".into(), driver: driver(text) }],
    );
    let boot = Boot("this".into());
    let record = Box::new(Memory::default());
    let mut warden = Warden::start(Mode::Enforce, interlocks(), points, record, Vec::new(), boot, real_now());
    spoil();
    let order = order(port("v-rogue"), 30, 600, real_now().wall);
    if let Answer::Planned { plan } = warden.handle(Ask::Rehearse { order: order.clone() }, real_now()) {
        let (approved_by, plan) = (vec!["jo".into()], plan.hash);
        let apply = Ask::Apply { order: order.clone(), plan: plan.clone(), approved_by };
        let keep = Ask::Keep { order: order.id.clone(), plan, verdict: String::new(), degraded: false };
        for ask in [apply, keep, release(&order)] {
            warden.handle(ask, real_now());
            let state = warden.list().first().map(|(_, report)| report.state);
            match state {
                Some(OrderState::Provisional | OrderState::Kept) => {
                    assert_eq!(managed.pvid("rogue"), u64::from(QUARANTINE), "{what}: {state:?}");
                }
                Some(OrderState::Stuck) => {}
                _ => assert!(managed.is_as_before(), "{what}: {state:?} {}", managed.state()),
            }
        }
    }
    mend();
    let is_over = |warden: &Warden| !warden.list().iter().any(|(_, report)| report.state.in_force());
    let mut later = real_now();
    for _ in 0..20 {
        later.uptime_ms += 10_000;
        warden.tick(later);
        if is_over(&warden) && managed.is_as_before() {
            return;
        }
    }
    panic!("{what}: not undone though the switch behaves: {:?} {}", warden.list(), managed.state());
}

fn scale() -> usize {
    std::env::var("SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1)
}

#[test]
fn a_switch_that_lies_refuses_or_stalls_at_any_point_leaves_the_report_and_the_port_in_agreement() {
    let Some(managed) = Managed::up("snmood", &MACHINES) else { return };
    managed.enter();
    let calm = || managed.mood("");
    life(&managed, &managed.settings(YOUNG, ""), "it lies", || managed.mood("lie"), calm);
    let since = Instant::now();
    managed.mood("endless");
    let why = driver(&managed.settings(YOUNG, "")).not_enforceable(&rogue()).unwrap_or_default();
    assert!(why.contains("cell-2") && since.elapsed() < Duration::from_secs(20), "{why}");
    calm();
    for sets in ["together", "one-by-one"] {
        let text = managed.settings(YOUNG, &format!("sets = \"{sets}\"\n"));
        // Twelve objects are set in the life of an order, six each way.
        for at in 1..=13 {
            let what = format!("{sets}: it refuses object {at}");
            life(&managed, &text, &what, || managed.mood(&format!("refuse {at}")), calm);
        }
    }
    let text = managed.settings(YOUNG, "timeout_secs = 1\n");
    for at in (1..=400).step_by(if scale() < 5 { 66 } else { 7 }) {
        let what = format!("it stalls at object {at}");
        life(&managed, &text, &what, || managed.mood(&format!("stall {at}")), calm_after_a_stall(&managed));
    }
}

/// Waits until an agent that may still sleep answers again.
fn calm_after_a_stall(managed: &Managed) -> impl FnOnce() + '_ {
    || {
        managed.mood("");
        until("the agent answers", || managed.tool("snmpget", &["1.3.6.1.2.1.17.2.7.0"]));
    }
}

/// What happens on the way at one datagram to the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The switch does not hear of it, and not when it is sent again either, for a while.
    Lost,
    /// The switch does it, and its answer does not arrive.
    Unsaid,
    /// What arrives is cut in half.
    Truncated,
    /// What arrives is the answer to the question before.
    Repeated,
    /// One bit of what arrives is another.
    Spoiled,
    /// What arrives first is no BER, many times over.
    Flood,
    /// It arrives twice.
    Twice,
}

/// Stands between driver and switch, and spoils the datagram counted down to.
fn between(countdown: Arc<AtomicUsize>, way: Arc<Mutex<Way>>) -> String {
    let (near, far) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    far.connect(ADDRESS).unwrap();
    let address = near.local_addr().unwrap().to_string();
    let client = Arc::new(Mutex::new(None));
    let spoilt = Arc::new(Mutex::new(None));
    {
        let (near, far) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let (client, spoilt) = (Arc::clone(&client), Arc::clone(&spoilt));
        thread::spawn(move || answers(&near, &far, &client, &spoilt));
    }
    thread::spawn(move || {
        let mut octets = [0; 65_536];
        while let Ok((length, from)) = near.recv_from(&mut octets) {
            *client.lock().unwrap() = Some(from);
            let take = |left: usize| left.checked_sub(1);
            let is_hit = countdown.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) == Ok(1);
            let question = octets.get(..length).unwrap_or_default();
            let way = is_hit.then(|| *way.lock().unwrap());
            if way == Some(Way::Lost) {
                // Whatever is sent again meanwhile is lost with it.
                drain(&near, Duration::from_millis(1_500));
                continue;
            }
            *spoilt.lock().unwrap() = way;
            for _ in 0..if way == Some(Way::Twice) { 2 } else { 1 } {
                let _ = far.send(question);
            }
            if way == Some(Way::Unsaid) {
                drain(&near, Duration::from_millis(1_500));
            }
        }
    });
    address
}

/// Hands answers back, the next one spoilt where that is demanded.
fn answers(
    near: &UdpSocket,
    far: &UdpSocket,
    client: &Mutex<Option<SocketAddr>>,
    spoilt: &Mutex<Option<Way>>,
) {
    let (mut octets, mut last) = ([0; 65_536], Vec::new());
    loop {
        // An agent that is not there refuses, and may come back.
        let Ok(length) = far.recv(&mut octets) else { continue };
        let answer = octets.get(..length).unwrap_or_default();
        let Some(client) = *client.lock().unwrap() else { continue };
        let say = |octets: &[u8]| drop(near.send_to(octets, client));
        match spoilt.lock().unwrap().take() {
            None | Some(Way::Lost | Way::Twice) => say(answer),
            Some(Way::Unsaid) => {}
            Some(Way::Truncated) => say(answer.get(..length / 2).unwrap_or_default()),
            Some(Way::Repeated) => say(&last),
            Some(Way::Spoiled) => {
                let mut spoiled = answer.to_vec();
                spoiled.iter_mut().rev().take(1).for_each(|octet| *octet ^= 1);
                say(&spoiled);
            }
            Some(Way::Flood) => {
                (0..200).for_each(|_| say(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]));
                say(answer);
            }
        }
        last = answer.to_vec();
    }
}

/// Hears whatever comes for so long, and forgets it.
fn drain(socket: &UdpSocket, time: Duration) {
    let since = Instant::now();
    let mut octets = [0; 65_536];
    let _ = socket.set_read_timeout(Some(Duration::from_millis(50)));
    while since.elapsed() < time {
        let _ = socket.recv(&mut octets);
    }
    let _ = socket.set_read_timeout(None);
}

#[test]
fn whatever_happens_on_the_way_to_the_switch_the_report_and_the_port_agree() {
    let Some(managed) = Managed::up("snway", &MACHINES) else { return };
    managed.enter();
    let countdown = Arc::new(AtomicUsize::new(0));
    let way = Arc::new(Mutex::new(Way::Lost));
    let address = between(Arc::clone(&countdown), Arc::clone(&way));
    let text = managed.settings(YOUNG, "timeout_secs = 1\n").replace(ADDRESS, &address);
    for kind in [Way::Lost, Way::Unsaid, Way::Truncated, Way::Repeated, Way::Spoiled, Way::Flood, Way::Twice]
    {
        *way.lock().unwrap() = kind;
        let (mut at, mut lives) = (1, 0);
        loop {
            let mut left = 0;
            let what = format!("{kind:?} at datagram {at}");
            life(
                &managed,
                &text,
                &what,
                || countdown.store(at, Ordering::SeqCst),
                || left = countdown.swap(0, Ordering::SeqCst),
            );
            if left > 0 {
                break;
            }
            // Some seventy questions are asked in the life of an order; the quick run looks at every seventeenth.
            (at, lives) = (at + if scale() < 5 { 17 } else { 1 }, lives + 1);
            assert!(at < 1_000, "an order's life does not end");
        }
        assert!(lives > 3, "the faults reach every step: {lives}");
    }
}
