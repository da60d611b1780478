//! A port of a real switch moved into the quarantine VLAN by NETCONF: what the switch undoes by itself, what the journal does, what is
//! refused, and what is left of it when the switch, the way to it or the enforcer fails.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use std::{
    cell::RefCell,
    fs,
    process::Command,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use common::{
    Memory, interlocks,
    live::{Enforcer, report},
    netconf::{MODELS, PLANT_VLAN, QUARANTINE, Switch, Way, model},
    order, real_now,
};
use fieldwarden_enforcer::{
    drivers::{dry_run, netconf::Netconf},
    moment::{Boot, Moment},
    points::Points,
    warden::{Mode, Warden},
};
use fieldwarden_model::{
    Order, OrderState, Target,
    order::{Answer, Ask},
};

fn port(name: &str) -> Target {
    Target::SwitchPort { switch: "cell-1".into(), port: name.into() }
}

fn release(order: &Order) -> Ask {
    Ask::Release { order: order.id.clone(), by: "jo".into(), reason: "done".into(), degraded: false }
}

fn state(enforcer: &mut Enforcer, of: &Order) -> (OrderState, String) {
    let found = enforcer.listed().into_iter().find(|(order, _)| order.id == of.id);
    found.map(|(_, report)| (report.state, report.cause)).unwrap()
}

/// The switch, and an enforcer's site file beside it.
fn plant(test: &str, model: &str) -> Option<Switch> {
    let switch = Switch::up(test)?;
    write_site(&switch, &switch.settings(model));
    Some(switch)
}

fn write_site(switch: &Switch, settings: &str) {
    let folder = switch.folder.display();
    let text = format!(
        "[site]\n[[site.protected]]\nname = \"safety loop\"\ntalker = \"10.78.0.10\"\n\n[enforcer]\nmode = \"enforce\"\ndriver = \
         \"dry-run\"\nmax_orders_per_hour = 200\nsocket = \"{folder}/socket\"\njournal = \"{folder}/journal\"\n{settings}"
    );
    fs::write(switch.folder.join("site.toml"), text).unwrap();
}

/// Waits for a condition. netconfd looks at its clock only when nobody has asked it anything for a second.
fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(90), "{what}: not within 90 s");
        thread::sleep(Duration::from_secs(2));
    }
    since.elapsed()
}

#[test]
fn an_order_is_a_confirmed_commit_until_it_is_kept_and_leaves_the_configuration_to_the_letter_as_it_was() {
    for (n, name) in MODELS.into_iter().enumerate() {
        let Some(switch) = plant(&format!("life{n}"), name) else { return };
        let before = switch.ports();
        let mut enforcer = Enforcer::here(&switch.folder);
        let kept = order(port("v-rogue"), 4, 600, real_now().wall);
        let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: kept.clone() }) else { panic!() };
        assert_eq!(plan.driver, "netconf at switch cell-1");
        assert!(plan.steps.iter().any(|step| step.contains("from VLAN 10 into VLAN 666")), "{plan:?}");
        let plan = enforcer.apply(&kept);
        enforcer.keep(&kept, plan);
        let (vlan, description) = switch.vlan(name, "v-rogue");
        assert_eq!(vlan, QUARANTINE, "{name}");
        assert!(description.unwrap().starts_with("fieldwarden-vlan-before=10"));
        assert_eq!(switch.vlan(name, "v-hmi").0, PLANT_VLAN, "nothing else is moved");
        let other = MODELS.into_iter().find(|other| *other != name).unwrap();
        assert_eq!(switch.vlan(other, "v-rogue").0, PLANT_VLAN, "and no other model is written to");
        // The switch would have undone it by now, and the enforcer have noticed.
        thread::sleep(Duration::from_secs(10));
        assert_eq!(switch.vlan(name, "v-rogue").0, QUARANTINE, "confirmed, it lasts");
        let (is, cause) = state(&mut enforcer, &kept);
        assert!(is == OrderState::Kept && !cause.contains("applied again"), "{cause}");
        assert_eq!(report(&enforcer.ask(&release(&kept))).state, OrderState::Released);
        assert_eq!(switch.ports(), before, "{name}: released");

        let silent = order(port("v-rogue"), 4, 600, real_now().wall);
        enforcer.apply(&silent);
        until("nobody keeps it", || state(&mut enforcer, &silent).0 == OrderState::Reverted);
        assert_eq!(switch.ports(), before, "{name}: reverted");

        let lapsing = order(port("v-hmi"), 4, 5, real_now().wall);
        let plan = enforcer.apply(&lapsing);
        enforcer.keep(&lapsing, plan);
        until("it lapses", || state(&mut enforcer, &lapsing).0 == OrderState::Lapsed);
        assert_eq!(switch.ports(), before, "{name}: lapsed");
        enforcer.kill();
    }
}

#[test]
fn killed_before_the_keep_the_switch_undoes_it_by_itself() {
    let Some(switch) = plant("before", "openconfig") else { return };
    let before = switch.ports();
    let mut enforcer = Enforcer::here(&switch.folder);
    let order = order(port("v-rogue"), 10, 600, real_now().wall);
    enforcer.apply(&order);
    enforcer.kill();
    assert_eq!(switch.vlan("openconfig", "v-rogue").0, QUARANTINE);
    until("the switch undoes it with nothing of ours running", || switch.ports() == before);
    let mut enforcer = Enforcer::here(&switch.folder);
    assert_eq!(state(&mut enforcer, &order).0, OrderState::Reverted);
    assert_eq!(switch.ports(), before);
    enforcer.kill();
}

#[test]
fn killed_and_started_again_before_the_deadline_it_can_still_be_kept() {
    let Some(switch) = plant("again", "openconfig") else { return };
    let before = switch.ports();
    let mut enforcer = Enforcer::here(&switch.folder);
    let order = order(port("v-rogue"), 20, 600, real_now().wall);
    let plan = enforcer.apply(&order);
    let applied = Instant::now();
    enforcer.kill();
    let mut enforcer = Enforcer::here(&switch.folder);
    enforcer.keep(&order, plan);
    // Past the moment at which the switch would have undone it, and long enough for an enforcer to notice.
    thread::sleep(Duration::from_secs(27).saturating_sub(applied.elapsed()));
    assert_eq!(
        switch.vlan("openconfig", "v-rogue").0,
        QUARANTINE,
        "confirmed by another session than the one that began it"
    );
    let (state, cause) = state(&mut enforcer, &order);
    assert_eq!(state, OrderState::Kept);
    assert!(!cause.contains("applied again"), "and never undone: {cause}");
    assert_eq!(report(&enforcer.ask(&release(&order))).state, OrderState::Released);
    assert_eq!(switch.ports(), before);
    enforcer.kill();
}

#[test]
fn killed_after_the_keep_it_is_undone_within_ten_seconds_of_the_start_after_its_lapse() {
    let Some(switch) = plant("after", "ietf-interfaces") else { return };
    let before = switch.ports();
    let mut enforcer = Enforcer::here(&switch.folder);
    let first = order(port("v-rogue"), 5, 8, real_now().wall);
    let plan = enforcer.apply(&first);
    enforcer.keep(&first, plan);
    let lapse = Instant::now() + Duration::from_secs(9);
    enforcer.kill();
    thread::sleep(lapse.saturating_duration_since(Instant::now()));
    assert_eq!(switch.vlan("ietf-interfaces", "v-rogue").0, QUARANTINE, "with nobody there it stays");
    let since = Instant::now();
    let mut enforcer = Enforcer::here(&switch.folder);
    assert_eq!(switch.ports(), before);
    assert!(since.elapsed() < Duration::from_secs(10), "within {:?}", since.elapsed());
    assert_eq!(state(&mut enforcer, &first).0, OrderState::Lapsed);

    // With nothing of ours running, everything can be ended by hand: what was kept, and what the switch would yet undo.
    for is_kept in [true, false] {
        let last = order(port("v-rogue"), 60, 600, real_now().wall);
        let plan = enforcer.apply(&last);
        if is_kept {
            enforcer.keep(&last, plan);
        }
        enforcer.kill();
        let program = env!("CARGO_BIN_EXE_fieldwarden-enforcer");
        assert!(common::run(program, &["release", "--all", "--config", &switch.path("site.toml")]));
        assert_eq!(switch.ports(), before, "kept: {is_kept}");
        enforcer = Enforcer::here(&switch.folder);
    }
    enforcer.kill();
}

#[test]
fn where_somebody_else_holds_the_switch_locked_the_order_fails_by_name_and_leaves_nothing() {
    let Some(switch) = plant("lock", "openconfig") else { return };
    let before = switch.ports();
    let mut enforcer = Enforcer::here(&switch.folder);
    for store in ["candidate", "running"] {
        let mut engineer = switch.session();
        engineer.must(&format!("<lock><target><{store}/></target></lock>"));
        let order = order(port("v-rogue"), 20, 600, real_now().wall);
        let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: order.clone() }) else {
            panic!()
        };
        let apply = Ask::Apply { order: order.clone(), plan: plan.hash, approved_by: vec!["jo".into()] };
        let answer = enforcer.ask(&apply);
        let report = report(&answer);
        assert_eq!(report.state, OrderState::Reverted, "{store}: {answer:?}");
        assert!(report.cause.contains("lock-denied") && report.cause.contains("session"), "{answer:?}");
        drop(engineer);
        assert_eq!(switch.ports(), before);
    }
    // What somebody else has in the candidate and has not committed is not committed by us.
    let mut engineer = switch.session();
    engineer.must(
        "<edit-config><target><candidate/></target><config><interfaces xmlns=\"http://openconfig.net/yang/interfaces\"><interface>\
         <name>v-hmi</name><config><description>not yet</description></config></interface></interfaces></config></edit-config>",
    );
    let order = order(port("v-rogue"), 20, 600, real_now().wall);
    let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: order.clone() }) else { panic!() };
    let answer = enforcer.ask(&Ask::Apply { order, plan: plan.hash, approved_by: vec!["jo".into()] });
    assert_eq!(report(&answer).state, OrderState::Reverted, "{answer:?}");
    engineer.must("<discard-changes/>");
    assert_eq!(switch.ports(), before);
    enforcer.kill();
}

#[test]
fn a_switch_with_another_key_is_told_nothing_and_one_that_lets_us_not_in_is_named() {
    let Some(switch) = plant("key", "openconfig") else { return };
    let why = |switch: &Switch| {
        let mut enforcer = Enforcer::here(&switch.folder);
        let answer = enforcer.ask(&Ask::Rehearse { order: order(port("v-rogue"), 5, 60, real_now().wall) });
        let Answer::Planned { plan } = answer else { panic!("{answer:?}") };
        enforcer.kill();
        plan.not_enforceable.unwrap_or_default()
    };
    assert_eq!(why(&switch), "", "the right key is let in");
    switch.stop();
    fs::remove_file(switch.folder.join("sshd.log")).unwrap();
    switch.start("other");
    let told = why(&switch);
    assert!(told.contains("none of `host_keys`") && told.contains(&switch.fingerprint("other")), "{told}");
    let log = fs::read_to_string(switch.folder.join("sshd.log")).unwrap();
    assert!(!log.contains("Accepted") && !log.contains("root"), "not even who asks: {log}");
    switch.stop();
    switch.start("host");
    write_site(&switch, &switch.settings("openconfig").replace("/client\"", "/stranger\""));
    assert!(why(&switch).contains("lets `root` not in"), "{}", why(&switch));
    // A key of another kind than Ed25519 does as well, on either side; one of RSA does not, and is told as the reason.
    switch.stop();
    switch.start("ecdsa");
    let ecdsa = switch.settings("openconfig").replace("/client\"", "/ecdsa\"");
    write_site(&switch, &ecdsa.replace(&switch.fingerprint("host"), &switch.fingerprint("ecdsa")));
    assert_eq!(why(&switch), "");
    switch.stop();
    switch.start("rsa");
    assert!(why(&switch).contains("No common Key algorithm"), "{}", why(&switch));
    switch.stop();
    switch.start("host");
    assert!(Command::new("chmod").args(["644", &switch.path("client")]).status().unwrap().success());
    write_site(&switch, &switch.settings("openconfig"));
    assert!(why(&switch).contains("may be read by others"), "{}", why(&switch));
}

#[test]
fn what_is_protected_and_what_may_be_an_uplink_is_refused_by_name() {
    for (n, name) in MODELS.into_iter().enumerate() {
        let Some(switch) = plant(&format!("refuse{n}"), name) else { return };
        let mut enforcer = Enforcer::here(&switch.folder);
        let mut why = |name: &str| match enforcer
            .ask(&Ask::Rehearse { order: order(port(name), 5, 60, real_now().wall) })
        {
            Answer::Planned { plan } => plan.not_enforceable.unwrap_or_default(),
            Answer::Refused { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(why("v-hmi"), "");
        for (port, word) in [
            ("v-plc", "`safety loop`"),
            ("v-none", "no port v-none"),
            ("v-pump", "`uplinks`"),
            ("v-up", "no access port"),
        ] {
            assert!(why(port).contains(word), "{name}: {}", why(port));
        }
        enforcer.kill();
    }
}

#[test]
fn a_second_order_takes_the_first_from_the_switch_s_clock_and_says_so_and_both_end_as_they_should() {
    let Some(switch) = plant("two", "openconfig") else { return };
    let before = switch.ports();
    let mut enforcer = Enforcer::here(&switch.folder);
    let first = order(port("v-rogue"), 25, 600, real_now().wall);
    let plan = enforcer.apply(&first);
    let second = order(port("v-hmi"), 8, 600, real_now().wall);
    enforcer.apply(&second);
    let journal = fs::read_to_string(switch.folder.join("journal")).unwrap();
    assert!(
        journal.contains("port v-rogue of switch cell-1 was confirmed before anybody kept it"),
        "{journal}"
    );
    until("nobody keeps the second", || state(&mut enforcer, &second).0 == OrderState::Reverted);
    assert_eq!(switch.vlan("openconfig", "v-hmi").0, PLANT_VLAN);
    assert_eq!(
        switch.vlan("openconfig", "v-rogue").0,
        QUARANTINE,
        "the first is not touched by the end of the second"
    );
    enforcer.keep(&first, plan);
    assert_eq!(report(&enforcer.ask(&release(&first))).state, OrderState::Released);
    assert_eq!(switch.ports(), before);

    // The other way round: kept first, it stands while the second is undone by the switch alone.
    let kept = order(port("v-rogue"), 20, 600, real_now().wall);
    let plan = enforcer.apply(&kept);
    enforcer.keep(&kept, plan);
    let silent = order(port("v-hmi"), 5, 600, real_now().wall);
    enforcer.apply(&silent);
    enforcer.kill();
    until("the switch undoes the second", || switch.vlan("openconfig", "v-hmi").0 == PLANT_VLAN);
    assert_eq!(switch.vlan("openconfig", "v-rogue").0, QUARANTINE, "and the first stands");
    let mut enforcer = Enforcer::here(&switch.folder);
    assert_eq!(state(&mut enforcer, &silent).0, OrderState::Reverted);
    assert_eq!(report(&enforcer.ask(&release(&kept))).state, OrderState::Released);
    assert_eq!(switch.ports(), before);
    enforcer.kill();
}

#[test]
fn what_somebody_else_changed_is_told_and_not_overwritten() {
    let Some(switch) = plant("foreign", "ietf-interfaces") else { return };
    let before = switch.ports();
    let mut enforcer = Enforcer::here(&switch.folder);
    let order = order(port("v-rogue"), 20, 600, real_now().wall);
    let plan = enforcer.apply(&order);
    enforcer.keep(&order, plan);
    let put = |vlan: u16| {
        let mut engineer = switch.session();
        engineer.must(&format!(
            "<edit-config><target><candidate/></target><config><interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\">\
             <interface><name>v-rogue</name><switchport xmlns=\"urn:fieldwarden:test:switchport\"><access-vlan>{vlan}\
             </access-vlan></switchport></interface></interfaces></config></edit-config>"
        ));
        engineer.must("<commit/>");
    };
    put(20);
    until("it is noticed", || state(&mut enforcer, &order).0 == OrderState::Reverted);
    let (vlan, description) = switch.vlan("ietf-interfaces", "v-rogue");
    assert_eq!(
        (vlan, description.as_deref()),
        (20, Some("cell 1, <v-rogue> & more")),
        "left, without our mark"
    );
    let journal = fs::read_to_string(switch.folder.join("journal")).unwrap();
    assert!(journal.contains("somebody else moved it"), "and told");
    put(10);
    assert_eq!(switch.ports(), before);
    enforcer.kill();
}

#[test]
fn a_switch_that_restarts_and_one_that_is_gone_leave_no_order_forgotten() {
    let Some(switch) = plant("restart", "openconfig") else { return };
    let (before, startup) = (switch.ports(), switch.folder.join("startup-cfg.xml"));
    let as_shipped = fs::read(&startup).unwrap();
    let mut enforcer = Enforcer::here(&switch.folder);
    let first = order(port("v-rogue"), 20, 600, real_now().wall);
    let plan = enforcer.apply(&first);
    enforcer.keep(&first, plan);
    switch.stop();
    let answer = enforcer.ask(&release(&first));
    assert_eq!(
        report(&answer).state,
        OrderState::Stuck,
        "a release that cannot be done is told as such: {answer:?}"
    );
    assert!(report(&answer).cause.contains("cell-1"), "{answer:?}");
    switch.start("host");
    until("it is undone once the switch is back", || state(&mut enforcer, &first).0 == OrderState::Released);
    assert_eq!(switch.ports(), before);

    // One that comes back with the configuration of long ago gets what is kept again.
    let second = order(port("v-rogue"), 20, 600, real_now().wall);
    let plan = enforcer.apply(&second);
    enforcer.keep(&second, plan);
    switch.stop();
    fs::write(&startup, as_shipped).unwrap();
    switch.start("host");
    until("it is applied again", || state(&mut enforcer, &second).1.contains("applied again"));
    assert_eq!(switch.vlan("openconfig", "v-rogue").0, QUARANTINE);
    assert_eq!(report(&enforcer.ask(&release(&second))).state, OrderState::Released);
    assert_eq!(switch.ports(), before);
    enforcer.kill();
}

#[test]
fn a_switch_that_stands_still_is_named_and_a_session_that_it_ended_is_opened_anew() {
    let Some(switch) = plant("still", "openconfig") else { return };
    let before = switch.ports();
    let mut enforcer = Enforcer::here(&switch.folder);
    let why = |enforcer: &mut Enforcer| {
        let ask = Ask::Rehearse { order: order(port("v-rogue"), 5, 60, real_now().wall) };
        let answer = enforcer.ask(&ask);
        let Answer::Planned { plan } = answer else { panic!("{answer:?}") };
        plan.not_enforceable.unwrap_or_default()
    };
    assert_eq!(why(&mut enforcer), "");
    let id = fs::read_to_string(switch.folder.join("netconfd.pid")).unwrap();
    assert!(common::run("kill", &["-STOP", id.trim()]));
    assert!(why(&mut enforcer).contains("did not answer within 3000 ms"), "{}", why(&mut enforcer));
    assert!(common::run("kill", &["-CONT", id.trim()]));
    assert_eq!(why(&mut enforcer), "");
    // Idle sessions are ended by switches; what is asked next must not fail by that.
    switch.end_sessions();
    let order = order(port("v-rogue"), 20, 600, real_now().wall);
    enforcer.apply(&order);
    assert_eq!(report(&enforcer.ask(&release(&order))).state, OrderState::Released);
    assert_eq!(switch.ports(), before);
    enforcer.kill();
}

/// The whole life of an order with the way to the switch spoiled at the `at`-th message; returns whether it was reached.
fn life(switch: &Switch, before: &str, at: usize, way: Way) -> bool {
    let what = format!("{way:?} at message {at}");
    let local = switch.local();
    let countdown = Rc::clone(&local.way);
    let driver = Netconf::new("cell-1", Box::new(local), model("openconfig"), QUARANTINE);
    let driver = fieldwarden_enforcer::drivers::Switch { name: "cell-1".into(), driver: Box::new(driver) };
    let points = Points::new(Box::new(dry_run::DryRun::default()), vec![driver]);
    let record = Memory { entries: Rc::new(RefCell::new(Vec::new())), ..Memory::default() };
    let boot = Boot("this".into());
    let mut warden =
        Warden::start(Mode::Enforce, interlocks(), points, Box::new(record), Vec::new(), boot, real_now());
    countdown.set(Some((at, way)));
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
            match state {
                Some(OrderState::Provisional | OrderState::Kept) => {
                    assert_eq!(switch.vlan("openconfig", "v-rogue").0, QUARANTINE, "{what}: {state:?}");
                }
                Some(OrderState::Stuck) => {}
                _ => assert_eq!(switch.ports(), before, "{what}: {state:?}"),
            }
        }
    }
    let reached = countdown.take().is_none();
    warden.tick(Moment { uptime_ms: real_now().uptime_ms + 10_000, ..real_now() });
    assert_eq!(switch.ports(), before, "{what}: undone once the switch can be spoken to");
    assert!(!warden.list().iter().any(|(_, report)| report.state.in_force()), "{what}: {:?}", warden.list());
    reached
}

#[test]
fn whatever_happens_on_the_way_to_the_switch_the_report_and_the_port_agree() {
    let Some(switch) = Switch::up("way") else { return };
    let before = switch.ports();
    let scale = std::env::var("SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1_usize);
    // A quick run takes every third message, beginning at another one for each way.
    let step = if scale < 5 { 3 } else { 1 };
    let ways = [Way::Lost, Way::Unsaid, Way::Denied, Way::Pretended, Way::Nonsense, Way::Endless, Way::Slow];
    for (n, way) in ways.into_iter().enumerate() {
        let mut at = 1 + n % step;
        while life(&switch, &before, at, way) {
            at += step;
            assert!(at < 200, "an order's life does not end");
        }
        assert!(at > 20, "the faults reach every step: {at}");
    }
}
