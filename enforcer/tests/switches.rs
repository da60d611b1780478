//! A port of a real switch moved into the quarantine VLAN: what it does to traffic, what is refused, and what is left of it
//! when a switch, the way to it or the enforcer fails.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops here")]

mod common;

use std::{
    cell::RefCell,
    fs,
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    process::{Command, Stdio},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use common::{
    Memory, interlocks,
    live::{Enforcer, report},
    order,
    ovs::{QUARANTINE, Switch},
    real_now,
};
use fieldwarden_enforcer::{
    drivers::{
        dry_run,
        ovsdb::{self, wire::Framer},
    },
    moment::{Boot, Moment},
    points::Points,
    warden::{Mode, Warden},
};
use fieldwarden_model::{
    Order, OrderState, Site, Target,
    order::{Answer, Ask},
};

const MACHINES: [(&str, &str); 3] = [("plc", PLC), ("hmi", "10.78.0.20"), ("rogue", "10.78.0.30")];
const PLC: &str = "10.78.0.10";

fn port(name: &str) -> Target {
    Target::SwitchPort { switch: "cell-1".into(), port: name.into() }
}

fn release(order: &Order) -> Ask {
    Ask::Release { order: order.id.clone(), by: "jo".into(), reason: "done".into(), degraded: false }
}

fn python() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../.venv/bin/python").into()
}

fn script(switch: &Switch, place: &str, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("ip");
    let file = format!("{}/tests/scripts/{name}", env!("CARGO_MANIFEST_DIR"));
    command.args(["netns", "exec", &switch.at(place), &python(), &file]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The switch with a Modbus server in the PLC's place, and an enforcer's site file.
fn plant(test: &str) -> Option<Switch> {
    let mut switch = Switch::up(test, &MACHINES)?;
    let folder = switch.folder.display().to_string();
    let text = format!(
        "[site]\n[[site.protected]]\nname = \"safety loop\"\ntalker = \"{PLC}\"\n\n[enforcer]\nmode = \
         \"enforce\"\ndriver = \"dry-run\"\nmax_orders_per_hour = 200\nsocket = \"{folder}/socket\"\njournal = \
         \"{folder}/journal\"\n{}",
        switch.settings("db.sock")
    );
    fs::write(switch.folder.join("site.toml"), text).unwrap();
    let server = script(&switch, "plc", "modbus_server.py", &[]).spawn().unwrap();
    switch.children.push(server);
    Some(switch)
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

#[test]
fn the_rogue_s_port_is_quarantined_while_no_poll_of_another_client_is_lost_and_comes_back_on_lapse() {
    let Some(switch) = plant("live") else { return };
    until("the PLC serves", || {
        let probe = format!("import socket; socket.create_connection(('{PLC}', 502), 0.5)");
        switch.inside("rogue", "python3", &["-c", &probe])
    });
    let mut enforcer = Enforcer::start(&switch.at("sw"), &switch.folder);
    let order = order(port("v-rogue"), 20, 25, real_now().wall);
    let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: order.clone() }) else { panic!() };
    assert_eq!(plan.driver, "ovsdb at switch cell-1", "a rehearsal says which point acts");
    assert!(plan.steps.iter().any(|step| step.contains("from VLAN 10 into VLAN 666")), "{plan:?}");
    assert_eq!(plan.behind.len(), 1, "the switch has heard one machine there: {:?}", plan.behind);

    let polls = script(&switch, "hmi", "modbus_poll.py", &[PLC, "4000", "2"]).spawn().unwrap();
    let plan = enforcer.apply(&order);
    enforcer.keep(&order, plan);
    assert_eq!(switch.port("v-rogue").0, QUARANTINE.to_string());
    let cut = script(&switch, "rogue", "modbus_poll.py", &[PLC, "3", "0.5"]).spawn().unwrap();
    assert_eq!(answered(cut), "0", "nothing of the rogue's arrives");
    assert_eq!(answered(polls), "4000", "and every poll of the other client is answered");
    until("the order lapses", || switch.is_plain("v-rogue"));
    let orders = enforcer.listed();
    assert_eq!(orders.first().map(|(_, report)| report.state), Some(OrderState::Lapsed));
    let back = script(&switch, "rogue", "modbus_poll.py", &[PLC, "3", "2"]).spawn().unwrap();
    assert_eq!(answered(back), "3", "it is given back");
    enforcer.kill();
}

#[test]
fn killed_while_an_order_stands_it_is_taken_up_and_after_its_lapse_undone_within_ten_seconds() {
    let Some(switch) = plant("kill") else { return };
    let start = || Enforcer::start(&switch.at("sw"), &switch.folder);
    let mut enforcer = start();
    let first = order(port("v-rogue"), 8, 10, real_now().wall);
    let plan = enforcer.apply(&first);
    enforcer.keep(&first, plan);
    let lapse = Instant::now() + Duration::from_secs(11);
    enforcer.kill();
    let mut enforcer = start();
    let orders = enforcer.listed();
    let state = orders.first().map(|(_, report)| report.state);
    if Instant::now() + Duration::from_secs(3) < lapse {
        assert_eq!(state, Some(OrderState::Kept), "taken up where it stood");
        assert!(!switch.reaches("rogue", PLC));
    }
    enforcer.kill();
    thread::sleep(lapse.saturating_duration_since(Instant::now()));
    if state == Some(OrderState::Kept) {
        assert_eq!(switch.port("v-rogue").0, QUARANTINE.to_string(), "with nobody there it stays");
    }
    let since = Instant::now();
    let mut enforcer = start();
    until("it is undone", || switch.is_plain("v-rogue"));
    assert!(since.elapsed() < Duration::from_secs(10), "within {:?}", since.elapsed());
    let orders = enforcer.listed();
    assert_eq!(orders.first().map(|(_, report)| report.state), Some(OrderState::Lapsed));
    assert!(switch.reaches("rogue", PLC));

    // With nothing of ours running, everything can be ended by hand.
    let last = order(port("v-rogue"), 8, 600, real_now().wall);
    let plan = enforcer.apply(&last);
    enforcer.keep(&last, plan);
    enforcer.kill();
    let program = env!("CARGO_BIN_EXE_fieldwarden-enforcer");
    assert!(switch.inside("sw", program, &["release", "--all", "--config", &switch.path("site.toml")]));
    assert!(switch.is_plain("v-rogue"));
}

#[test]
fn what_is_protected_and_what_may_be_an_uplink_is_refused_by_name() {
    let Some(switch) = plant("refuse") else { return };
    let mut enforcer = Enforcer::start(&switch.at("sw"), &switch.folder);
    let mut why = |name: &str| match enforcer
        .ask(&Ask::Rehearse { order: order(port(name), 5, 60, real_now().wall) })
    {
        Answer::Planned { plan } => plan.not_enforceable.unwrap_or_default(),
        Answer::Refused { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert!(switch.reaches("hmi", PLC));
    assert_eq!(why("v-hmi"), "", "one machine at an access port may be moved");
    assert!(why("v-plc").contains("`safety loop`"), "{}", why("v-plc"));
    assert!(why("v-none").contains("no port v-none"), "{}", why("v-none"));
    for (change, word) in [
        (&["set", "port", "v-hmi", "trunks=10,20"][..], "trunk"),
        (&["clear", "port", "v-hmi", "trunks", "--", "clear", "port", "v-hmi", "tag"], "no access VLAN"),
        (&["set", "port", "v-hmi", "tag=10", "vlan_mode=native-tagged"], "native-tagged"),
        (
            &["clear", "port", "v-hmi", "vlan_mode", "--", "set", "interface", "v-hmi", "lldp:enable=true"],
            "LLDP",
        ),
        (&["clear", "interface", "v-hmi", "lldp", "--", "set", "port", "v-hmi", "tag=666"], "somebody else"),
    ] {
        assert!(switch.vsctl(change), "{change:?}");
        assert!(why("v-hmi").contains(word), "{word}: {}", why("v-hmi"));
    }
    assert!(switch.vsctl(&["set", "port", "v-hmi", "tag=10"]));
    // What a switch has heard it forgets when its ports change.
    assert!(switch.reaches("hmi", PLC));
    // A second machine behind the same port, as behind a switch that nobody knows of.
    assert!(switch.inside("hmi", "ip", &["link", "set", "eth0", "address", "02:00:00:00:00:99"]));
    assert!(switch.reaches("hmi", PLC));
    assert!(why("v-hmi").contains("2 addresses"), "{}", why("v-hmi"));
    let elsewhere = Target::SwitchPort { switch: "cell-2".into(), port: "v-hmi".into() };
    let answer = enforcer.ask(&Ask::Rehearse { order: order(elsewhere, 5, 60, real_now().wall) });
    assert!(
        matches!(&answer, Answer::Refused { reason, .. } if reason.contains("known is: cell-1")),
        "{answer:?}"
    );
    enforcer.kill();
}

#[test]
fn what_somebody_else_changed_is_told_and_not_overwritten() {
    let Some(switch) = plant("foreign") else { return };
    let mut enforcer = Enforcer::start(&switch.at("sw"), &switch.folder);
    let first = order(port("v-rogue"), 5, 600, real_now().wall);
    let plan = enforcer.apply(&first);
    enforcer.keep(&first, plan);
    assert!(switch.vsctl(&["set", "port", "v-rogue", "tag=20"]));
    let answer = enforcer.ask(&release(&first));
    assert!(!report(&answer).state.in_force(), "{answer:?}");
    assert_eq!(switch.port("v-rogue"), ("20".into(), "{}".into()), "left, without our mark");
    let journal = fs::read_to_string(switch.folder.join("journal")).unwrap();
    assert!(journal.contains("somebody else moved it"), "and told");

    // Where only something beside the VLAN was changed the VLAN is given back, and the rest left.
    assert!(switch.vsctl(&["set", "port", "v-rogue", "tag=10"]));
    let beside = order(port("v-rogue"), 5, 600, real_now().wall);
    enforcer.apply(&beside);
    assert!(switch.vsctl(&["set", "port", "v-rogue", "trunks=10,20"]));
    let answer = enforcer.ask(&release(&beside));
    assert_eq!(report(&answer).state, OrderState::Released, "{answer:?}");
    assert!(switch.is_plain("v-rogue"));
    assert!(switch.vsctl(&["clear", "port", "v-rogue", "trunks"]));

    // Noticed by itself as well, while the order stands.
    assert!(switch.vsctl(&["set", "port", "v-rogue", "tag=10"]));
    let second = order(port("v-rogue"), 5, 600, real_now().wall);
    let plan = enforcer.apply(&second);
    enforcer.keep(&second, plan);
    assert!(switch.vsctl(&["set", "port", "v-rogue", "tag=20"]));
    until("it is noticed", || {
        let orders = enforcer.listed();
        orders.iter().any(|(order, report)| order.id == second.id && report.state == OrderState::Reverted)
    });
    assert_eq!(switch.port("v-rogue"), ("20".into(), "{}".into()));
    enforcer.kill();
}

#[test]
fn a_switch_that_restarts_keeps_the_quarantine_and_one_that_is_gone_leaves_no_order_forgotten() {
    let Some(switch) = plant("restart") else { return };
    let mut enforcer = Enforcer::start(&switch.at("sw"), &switch.folder);
    let order = order(port("v-rogue"), 5, 600, real_now().wall);
    let plan = enforcer.apply(&order);
    enforcer.keep(&order, plan);
    switch.stop("vswitchd");
    switch.stop("ovsdb");
    let answer = enforcer.ask(&release(&order));
    assert_eq!(
        report(&answer).state,
        OrderState::Stuck,
        "a release that cannot be done is told as such: {answer:?}"
    );
    assert!(report(&answer).cause.contains("cell-1"), "{answer:?}");
    switch.start_database();
    assert_eq!(switch.port("v-rogue").0, QUARANTINE.to_string(), "a switch keeps its database");
    switch.start_daemon();
    until("it is undone once the switch is back", || switch.is_plain("v-rogue"));
    until("the port is there again", || switch.reaches("rogue", PLC));
    until("it is told", || {
        let orders = enforcer.listed();
        orders.first().is_some_and(|(_, report)| report.state == OrderState::Released)
    });
    enforcer.kill();
}

/// What happens on the way at one message to the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The connection breaks before the switch hears of it.
    Lost,
    /// The switch does it, and the connection breaks before it can say so.
    Unsaid,
    /// The switch does it, and an error is what arrives.
    Denied,
    /// The switch never hears of it, and a success is what arrives.
    Pretended,
    /// What arrives is no JSON.
    Nonsense,
    /// What arrives never ends.
    Endless,
    /// Nothing arrives for longer than the enforcer waits.
    Slow,
}

/// Stands between driver and switch, and spoils the message counted down to.
fn between(switch: &Switch, countdown: Arc<AtomicUsize>, way: Arc<std::sync::Mutex<Way>>) {
    let listener = UnixListener::bind(switch.folder.join("between.sock")).unwrap();
    let database = switch.folder.join("db.sock");
    thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(server)) = (client, UnixStream::connect(&database)) else { continue };
            let (countdown, way) = (Arc::clone(&countdown), Arc::clone(&way));
            thread::spawn(move || pass(client, server, &countdown, &way));
        }
    });
}

fn message(stream: &mut UnixStream, frames: &mut Framer) -> Option<Vec<u8>> {
    let mut octets = [0; 65_536];
    loop {
        if let Some(message) = frames.next_message().ok()? {
            return Some(message);
        }
        let length = stream.read(&mut octets).ok().filter(|length| *length > 0)?;
        frames.push(octets.get(..length)?);
    }
}

fn pass(
    mut client: UnixStream,
    mut server: UnixStream,
    countdown: &AtomicUsize,
    way: &std::sync::Mutex<Way>,
) -> Option<()> {
    let (mut asked, mut said) = (Framer::default(), Framer::default());
    loop {
        let question = message(&mut client, &mut asked)?;
        let id = serde_json::from_slice::<serde_json::Value>(&question).ok()?.get("id")?.clone();
        let is_hit = countdown.fetch_sub(1, Ordering::SeqCst) == 1;
        let way = *way.lock().ok()?;
        let reply = |result: serde_json::Value| {
            serde_json::json!({"id": id, "result": result, "error": null}).to_string()
        };
        let mut exchange = || {
            server.write_all(&question).ok()?;
            message(&mut server, &mut said)
        };
        if !is_hit {
            client.write_all(&exchange()?).ok()?;
            continue;
        }
        match way {
            Way::Lost => return None,
            Way::Unsaid => {
                exchange()?;
                return None;
            }
            Way::Denied => {
                exchange()?;
                let denied =
                    reply(serde_json::json!([{"error": "constraint violation", "details": "made up"}]));
                client.write_all(denied.as_bytes()).ok()?;
            }
            Way::Pretended => client.write_all(reply(serde_json::json!([{}, {}, {}, {}])).as_bytes()).ok()?,
            Way::Nonsense => client.write_all(b"\x00\xff}{").ok()?,
            Way::Endless => while client.write_all(&[b'{', b'"'].repeat(4_096)).is_ok() {},
            Way::Slow => {
                let answer = exchange()?;
                thread::sleep(Duration::from_millis(3_500));
                client.write_all(&answer).ok()?;
            }
        }
    }
}

/// The whole life of an order with the way to the switch spoiled at the `at`-th message; returns whether it was reached.
fn life(switch: &Switch, countdown: &AtomicUsize, at: usize, what: &str) -> bool {
    let mut sources = fieldwarden_config::Sources::new();
    let text =
        switch.settings("between.sock").replace("[[enforcer.switch]]\n", "").replace("enforcer.switch.", "");
    let file = sources.add("site.toml", text);
    let section = fieldwarden_config::parse(&sources, file).unwrap();
    let made =
        (ovsdb::REGISTRATION.configure)(&section, &Site::default()).unwrap_or_else(|f| panic!("{f:?}"));
    let points = Points::new(Box::new(dry_run::DryRun::default()), vec![made]);
    let record = Memory { entries: Rc::new(RefCell::new(Vec::new())), ..Memory::default() };
    let boot = Boot("this".into());
    let mut warden =
        Warden::start(Mode::Enforce, interlocks(), points, Box::new(record), Vec::new(), boot, real_now());
    countdown.store(at, Ordering::SeqCst);
    let order = order(port("v-rogue"), 30, 600, real_now().wall);
    if let Answer::Planned { plan } = warden.handle(Ask::Rehearse { order: order.clone() }, real_now()) {
        let (approved_by, plan) = (vec!["jo".into()], plan.hash);
        let apply = Ask::Apply { order: order.clone(), plan: plan.clone(), approved_by };
        for ask in [
            apply,
            Ask::Keep { order: order.id.clone(), plan, verdict: String::new(), degraded: false },
            release(&order),
        ] {
            warden.handle(ask, real_now());
            let state = warden.list().first().map(|(_, report)| report.state);
            let is_there = switch.port("v-rogue").0 == QUARANTINE.to_string();
            match state {
                Some(OrderState::Provisional | OrderState::Kept) => assert!(is_there, "{what}: {state:?}"),
                Some(OrderState::Stuck) => {}
                _ => assert!(switch.is_plain("v-rogue"), "{what}: {state:?} {:?}", switch.port("v-rogue")),
            }
        }
    }
    let left = countdown.swap(0, Ordering::SeqCst);
    let reached = left == 0 || left > at;
    let later = Moment { uptime_ms: real_now().uptime_ms + 10_000, ..real_now() };
    warden.tick(later);
    assert!(switch.is_plain("v-rogue"), "{what}: undone once the switch can be spoken to");
    assert!(!warden.list().iter().any(|(_, report)| report.state.in_force()), "{what}: {:?}", warden.list());
    reached
}

#[test]
fn whatever_happens_on_the_way_to_the_switch_the_report_and_the_port_agree() {
    let Some(switch) = Switch::up("way", &[("plc", PLC), ("rogue", "10.78.0.30")]) else { return };
    let scale = std::env::var("SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1_usize);
    let countdown = Arc::new(AtomicUsize::new(0));
    let way = Arc::new(std::sync::Mutex::new(Way::Lost));
    between(&switch, Arc::clone(&countdown), Arc::clone(&way));
    for kind in [Way::Lost, Way::Unsaid, Way::Denied, Way::Pretended, Way::Nonsense, Way::Endless, Way::Slow]
    {
        *way.lock().unwrap() = kind;
        // Each slow message takes its time.
        let step = if kind == Way::Slow && scale < 5 { 5 } else { 1 };
        let (mut at, mut lives) = (1, 0);
        while life(&switch, &countdown, at, &format!("{kind:?} at message {at}")) {
            (at, lives) = (at + step, lives + 1);
            assert!(at < 200, "an order's life does not end");
        }
        assert!(lives * step > 10, "the faults reach every step: {lives}");
    }
}
