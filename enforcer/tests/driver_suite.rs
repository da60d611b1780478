//! The suite every driver passes, alone and with a fault at every step of an order's life.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops here")]

mod common;

use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

use common::{
    Fault, Faulty, Memory, Misfortune, PLC, ROGUE, interlocks, modbus_of, order, ovs, real_now, snmp, talker,
};
use fieldwarden_enforcer::{
    content::{Content, Match, Until},
    drivers::{
        DRIVERS, Driver, SWITCH_DRIVERS, Switch, SwitchRegistration, dry_run, netconf,
        nftables::{self, Nftables},
        ovsdb, snmp_qbridge,
    },
    moment::Boot,
    points::Points,
    warden::{Mode, Warden, difference},
};
use fieldwarden_model::{
    OrderState, Site, Target, Transport,
    order::{Answer, Ask},
};

/// What every driver of the gateway is held to.
fn kinds() -> Vec<Match> {
    [("10.2.0.20", "10.1.0.10"), ("fd00:2::20", "fd00:1::10")]
        .iter()
        .flat_map(|(client, server)| {
            let (client, server) = (talker(client), talker(server));
            [
                Match::Talker(client),
                Match::Pair { client, server },
                Match::Carried { client, server, transport: Transport::Udp },
                Match::Service { client, server, transport: Transport::Tcp, port: 502 },
                Match::Service { client, server, transport: Transport::Udp, port: 502 },
                Match::Writes { client, server, port: 502 },
            ]
        })
        .collect()
}

fn holds(driver: &mut dyn Driver, desired: &Content) {
    driver.apply(desired).unwrap();
    let observed = driver.observe().unwrap();
    assert_eq!(difference(desired, &observed, driver.expiry_tolerance_ms(), real_now()), None);
}

fn until(seconds: u64) -> Until {
    Until(real_now().uptime_ms + seconds * 1_000)
}

/// What every driver of the gateway must do.
fn suite(driver: &mut dyn Driver) {
    suite_of(driver, &kinds(), modbus_of(ROGUE, PLC));
    let many = (0..=255).map(|n| Match::Talker(talker(&format!("10.9.0.{n}"))));
    holds(driver, &many.map(|cut| (cut, until(60))).collect());
    holds(driver, &Content::new());
}

/// What every driver must do, with `kinds` of matches and an order against `target`.
fn suite_of(driver: &mut dyn Driver, kinds: &[Match], target: Target) {
    let all = |seconds| kinds.iter().map(move |cut| (cut.clone(), until(seconds)));
    holds(driver, &Content::new());
    for cut in kinds {
        holds(driver, &Content::from([(cut.clone(), until(60))]));
    }
    holds(driver, &all(60).collect());
    holds(driver, &all(600).collect());
    holds(driver, &all(20).skip(kinds.len() / 4).collect());
    holds(driver, &Content::new());
    // The same where nobody has kept it, kept one after the other, and ended before anybody did.
    let unkept: BTreeSet<Match> = kinds.iter().cloned().collect();
    driver.unkept(&unkept);
    holds(driver, &all(60).collect());
    for n in 1..=kinds.len() {
        driver.unkept(&kinds.iter().skip(n).cloned().collect());
        holds(driver, &all(600).collect());
    }
    holds(driver, &Content::new());
    driver.unkept(&unkept);
    holds(driver, &all(60).collect());
    holds(driver, &Content::new());
    driver.unkept(&BTreeSet::new());
    let order = order(target, 30, 600, real_now().wall);
    let (none, own) = (BTreeSet::new(), Match::of(&order).into_iter().collect());
    assert_eq!(driver.steps(&order, &none), driver.steps(&order, &none));
    assert_ne!(driver.steps(&order, &none), driver.steps(&order, &own), "a plan tells what is there already");
}

/// An order's whole life with one fault at the `at`-th call; returns how many calls there were.
///
/// Whatever goes wrong, the report must agree with the device: in force when it says so, gone when it says so, and
/// stuck only while the device cannot be brought to either.
fn life_with(inner: &Rc<RefCell<Box<dyn Driver>>>, target: &Target, at: usize, fault: Fault) -> usize {
    inner.borrow_mut().apply(&Content::new()).unwrap();
    let misfortune = Rc::new(Misfortune::default());
    let record = Memory { misfortune: Rc::clone(&misfortune), ..Memory::default() };
    let start = |held| {
        let driver = Faulty { inner: Rc::clone(inner), misfortune: Rc::clone(&misfortune) };
        Warden::start(
            Mode::Enforce,
            interlocks(),
            points(target, Box::new(driver)),
            Box::new(record.clone()),
            held,
            Boot("this".into()),
            real_now(),
        )
    };
    let mut warden = start(Vec::new());
    misfortune.calls.set(0);
    misfortune.countdown.set(Some((at, fault)));
    let order = order(target.clone(), 30, 600, real_now().wall);
    let Answer::Planned { plan } = warden.handle(Ask::Rehearse { order: order.clone() }, real_now()) else {
        panic!()
    };
    let apply = Ask::Apply { order: order.clone(), plan: plan.hash.clone(), approved_by: vec!["jo".into()] };
    let keep =
        Ask::Keep { order: order.id.clone(), plan: plan.hash, verdict: String::new(), degraded: false };
    let release =
        Ask::Release { order: order.id.clone(), by: "jo".into(), reason: "done".into(), degraded: false };
    for ask in [apply, keep, release] {
        let answer = warden.handle(ask, real_now());
        if misfortune.dead.replace(false) {
            let held = record.entries.borrow().clone();
            warden = start(held);
            agree(&mut warden, inner, &format!("after dying at call {at}"));
            continue;
        }
        if let Answer::Refused { .. } = answer {
            continue;
        }
        agree(&mut warden, inner, &format!("{fault:?} at call {at}: {answer:?}"));
    }
    misfortune.countdown.set(None);
    let mut later = real_now();
    later.uptime_ms += 10_000;
    warden.tick(later);
    let stuck = warden.list().into_iter().any(|(_, report)| report.state == OrderState::Stuck);
    assert!(!stuck, "{fault:?} at call {at}: still stuck though the device works again");
    misfortune.calls.get()
}

fn agree(warden: &mut Warden, inner: &Rc<RefCell<Box<dyn Driver>>>, what: &str) {
    let held = inner.borrow_mut().observe().unwrap().content;
    for (order, report) in warden.list() {
        let there = Match::of(&order).iter().all(|cut| held.contains_key(cut));
        match report.state {
            OrderState::Provisional | OrderState::Kept => assert!(there, "{what}: {report:?}"),
            OrderState::Stuck => {}
            _ => assert!(!there, "{what}: {report:?}"),
        }
    }
}

/// The driver as the one the target asks for.
fn points(target: &Target, driver: Box<dyn Driver>) -> Points {
    match target {
        Target::SwitchPort { switch, .. } => {
            let switch = Switch { name: switch.clone(), driver };
            Points::new(Box::new(dry_run::DryRun::default()), vec![switch])
        }
        _ => driver.into(),
    }
}

fn a_fault_at_every_step(driver: Box<dyn Driver>, target: &Target) {
    let inner = Rc::new(RefCell::new(driver));
    for fault in
        [Fault::Refuse, Fault::DoAndDeny, Fault::Pretend, Fault::Invent, Fault::DieBefore, Fault::DieAfter]
    {
        let mut at = 0;
        while life_with(&inner, target, at, fault) > at {
            at += 1;
            assert!(at < 64, "an order's life does not end");
        }
        assert!(at > 8, "the faults reach every step");
    }
}

#[test]
fn every_driver_in_the_registry_is_tested_here() {
    let names: Vec<&str> = DRIVERS.iter().map(|driver| driver.name).collect();
    assert_eq!(names, ["nftables", "dry-run"]);
    let names: Vec<&str> = SWITCH_DRIVERS.iter().map(|driver| driver.name).collect();
    assert_eq!(names, ["ovsdb", "netconf", "snmp-qbridge"]);
}

#[test]
fn dry_run() {
    suite(&mut dry_run::DryRun::default());
    a_fault_at_every_step(Box::new(dry_run::DryRun::default()), &modbus_of(ROGUE, PLC));
}

fn configured(text: &str) -> Box<dyn Driver> {
    let mut sources = fieldwarden_config::Sources::new();
    let file = sources.add("site.toml", text);
    (nftables::REGISTRATION.configure)(&fieldwarden_config::parse(&sources, file).unwrap()).unwrap()
}

#[test]
fn nftables() {
    if !common::is_inside() {
        return common::in_namespace("nftables");
    }
    for ingress in [&[] as &[&str], &["lo"]] {
        suite(&mut Nftables::with_table("fieldwarden", ingress));
    }
    // Every fault is one of a call, whichever and however many tables the call is about.
    let scale = std::env::var("SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1);
    let all = "families = [\"inet\", \"bridge\", \"netdev\"]\ningress = [\"lo\"]";
    a_fault_at_every_step(
        configured(if scale >= 5 { all } else { "families = [\"inet\"]" }),
        &modbus_of(ROGUE, PLC),
    );
}

/// The driver that the lines of one `[[enforcer.switch]]` tell.
fn switch_driver(registration: &SwitchRegistration, text: &str) -> Box<dyn Driver> {
    let mut sources = fieldwarden_config::Sources::new();
    let text = text.replace("[[enforcer.switch]]\n", "").replace("enforcer.switch.", "");
    let file = sources.add("site.toml", text);
    let section = fieldwarden_config::parse(&sources, file).unwrap();
    let made = (registration.configure)(&section, &Site::default());
    made.unwrap_or_else(|faults| panic!("{}", fieldwarden_config::render(&faults, &sources))).driver
}

#[test]
fn ovsdb() {
    let machines =
        [("plc", "10.78.0.10"), ("hmi", "10.78.0.20"), ("rogue", "10.78.0.30"), ("pump", "10.78.0.40")];
    let Some(switch) = ovs::Switch::up("suite", &machines) else { return };
    let mut driver = switch_driver(&ovsdb::REGISTRATION, &switch.settings("db.sock"));
    let port = |name: &str| Match::Port { switch: "cell-1".into(), port: format!("v-{name}") };
    let target = Target::SwitchPort { switch: "cell-1".into(), port: "v-rogue".into() };
    suite_of(&mut *driver, &["plc", "hmi", "rogue", "pump"].map(port), target.clone());
    a_fault_at_every_step(driver, &target);
    assert!(machines.iter().all(|(machine, _)| switch.is_plain(&format!("v-{machine}"))), "all is as it was");
}

#[test]
fn netconf() {
    for (n, model) in common::netconf::MODELS.into_iter().enumerate() {
        let Some(switch) = common::netconf::Switch::up(&format!("suite{n}")) else { return };
        let before = switch.ports();
        let mut sources = fieldwarden_config::Sources::new();
        let text =
            switch.settings(model).replace("[[enforcer.switch]]\n", "").replace("enforcer.switch.", "");
        let file = sources.add("site.toml", text);
        let section = fieldwarden_config::parse(&sources, file).unwrap();
        let made = (netconf::REGISTRATION.configure)(&section, &Site::default());
        let mut driver = made.unwrap_or_else(|faults| panic!("{faults:?}")).driver;
        let port = |name: &str| Match::Port { switch: "cell-1".into(), port: format!("v-{name}") };
        let target = Target::SwitchPort { switch: "cell-1".into(), port: "v-rogue".into() };
        suite_of(&mut *driver, &["plc", "hmi", "rogue"].map(port), target.clone());
        a_fault_at_every_step(driver, &target);
        assert_eq!(switch.ports(), before, "all is as it was");
    }
}

#[test]
fn snmp_qbridge() {
    let machines =
        [("plc", "10.78.0.10"), ("hmi", "10.78.0.20"), ("rogue", "10.78.0.30"), ("pump", "10.78.0.40")];
    let Some(managed) = snmp::Managed::up("snsuite", &machines) else { return };
    managed.enter();
    let port = |name: &str| Match::Port { switch: "cell-2".into(), port: format!("v-{name}") };
    let target = Target::SwitchPort { switch: "cell-2".into(), port: "v-rogue".into() };
    let ports = ["plc", "hmi", "rogue", "pump"].map(port);
    let registration = &snmp_qbridge::REGISTRATION;
    suite_of(
        &mut *switch_driver(registration, &managed.settings(snmp::STRONG, "sets = \"one-by-one\"\n")),
        &ports,
        target.clone(),
    );
    assert!(managed.is_as_before(), "all is as it was: {}", managed.state());
    let mut driver = switch_driver(registration, &managed.settings(snmp::YOUNG, ""));
    suite_of(&mut *driver, &ports, target.clone());
    a_fault_at_every_step(driver, &target);
    assert!(managed.is_as_before(), "all is as it was: {}", managed.state());
}

#[test]
fn a_release_survives_the_death_of_the_enforcer_in_its_midst() {
    let driver: Box<dyn Driver> = Box::new(dry_run::DryRun::default());
    let inner = Rc::new(RefCell::new(driver));
    let record = Memory::default();
    let misfortune = Rc::clone(&record.misfortune);
    let start = |held| {
        let driver = Faulty { inner: Rc::clone(&inner), misfortune: Rc::clone(&misfortune) };
        let (driver, boot) = (Box::new(driver), Boot("this".into()));
        Warden::start(Mode::Enforce, interlocks(), driver, Box::new(record.clone()), held, boot, real_now())
    };
    let mut warden = start(Vec::new());
    let order = order(modbus_of(ROGUE, PLC), 30, 600, real_now().wall);
    let Answer::Planned { plan } = warden.handle(Ask::Rehearse { order: order.clone() }, real_now()) else {
        panic!()
    };
    let approved_by = vec!["jo".into()];
    warden.handle(Ask::Apply { order: order.clone(), plan: plan.hash.clone(), approved_by }, real_now());
    warden.handle(
        Ask::Keep { order: order.id.clone(), plan: plan.hash, verdict: String::new(), degraded: false },
        real_now(),
    );
    // The first call writes down how it is to end, the second changes the device.
    misfortune.countdown.set(Some((1, Fault::DieAfter)));
    warden.handle(
        Ask::Release { order: order.id, by: "jo".into(), reason: "done".into(), degraded: false },
        real_now(),
    );
    assert!(misfortune.dead.replace(false), "it died");
    let held = record.entries.borrow().clone();
    let warden = start(held);
    assert_eq!(warden.list().first().map(|(_, report)| report.state), Some(OrderState::Released));
    assert!(inner.borrow_mut().observe().unwrap().content.is_empty());
}

#[test]
fn a_device_that_cannot_be_undone_is_reported_as_stuck_until_it_can() {
    let driver: Box<dyn Driver> = Box::new(dry_run::DryRun::default());
    let inner = Rc::new(RefCell::new(driver));
    let misfortune = Rc::new(Misfortune::default());
    let record = Memory { misfortune: Rc::clone(&misfortune), ..Memory::default() };
    let faulty = Faulty { inner: Rc::clone(&inner), misfortune: Rc::clone(&misfortune) };
    let boot = Boot("this".into());
    let mut warden = Warden::start(
        Mode::Enforce,
        interlocks(),
        Box::new(faulty),
        Box::new(record.clone()),
        Vec::new(),
        boot,
        real_now(),
    );
    let order = order(modbus_of(ROGUE, PLC), 30, 600, real_now().wall);
    let Answer::Planned { plan } = warden.handle(Ask::Rehearse { order: order.clone() }, real_now()) else {
        panic!()
    };
    let apply = Ask::Apply { order: order.clone(), plan: plan.hash, approved_by: vec!["jo".into()] };
    warden.handle(apply, real_now());
    misfortune.dead.set(true);
    let release = Ask::Release { order: order.id, by: "jo".into(), reason: "done".into(), degraded: false };
    let answer = warden.handle(release.clone(), real_now());
    let Answer::Reported { report } = answer else { panic!("{answer:?}") };
    assert_eq!(report.state, OrderState::Stuck);
    assert!(report.cause.contains("released"), "it tells what should be: {}", report.cause);
    misfortune.dead.set(false);
    let Answer::Reported { report } = warden.handle(release, real_now()) else { panic!() };
    assert_eq!(report.state, OrderState::Released);
    assert!(inner.borrow_mut().observe().unwrap().content.is_empty());
}

/// `nft` itself is the judge of what the kernel was told.
#[test]
fn nft_shows_the_ruleset_that_the_documentation_shows() {
    if !common::is_inside() {
        return common::in_namespace("nft_shows_the_ruleset_that_the_documentation_shows");
    }
    let mut driver = Nftables::with_table("fieldwarden", &["lo"]);
    let list = || common::output("nft", &["--stateless", "list", "ruleset"]);
    driver.apply(&Content::new()).unwrap();
    let empty = list();
    let routed = empty.split_inclusive("\n}\n").find(|table| table.starts_with("table inet ")).unwrap();
    let whole = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/drivers/nftables.ruleset");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(whole, routed).unwrap();
    }
    assert_eq!(std::fs::read_to_string(whole).unwrap(), routed, "docs/drivers/nftables.ruleset is another");
    let page = include_str!("../../docs/drivers/nftables.md");
    let chain =
        routed.split_inclusive("\t}\n").find(|part| part.contains("chain fieldwarden_forward")).unwrap();
    assert!(page.contains(chain.trim()), "docs/drivers/nftables.md shows another chain than nft:\n{chain}");
    let until = Until(real_now().uptime_ms + 60_000);
    driver.apply(&kinds().into_iter().map(|cut| (cut, until)).collect()).unwrap();
    let full = list();
    for element in [
        "elements = { 10.2.0.20 timeout",
        "elements = { 10.2.0.20 . 10.1.0.10 timeout",
        "elements = { 10.2.0.20 . 10.1.0.10 . udp timeout",
        "10.2.0.20 . 10.1.0.10 . tcp . 502 timeout",
        "elements = { fd00:2::20 . fd00:1::10 . udp timeout",
    ] {
        assert!(full.contains(element), "{element} is not in\n{full}");
    }
    driver.apply(&Content::new()).unwrap();
    assert_eq!(list(), empty, "what was cut leaves no trace");
}

#[test]
fn whatever_someone_else_does_to_the_table_is_noticed_and_mended() {
    if !common::is_inside() {
        return common::in_namespace("whatever_someone_else_does_to_the_table_is_noticed_and_mended");
    }
    let mut driver = Nftables::with_table("fieldwarden", &["lo"]);
    driver.apply(&Content::new()).unwrap();
    for change in [
        "delete table bridge fieldwarden",
        "delete table netdev fieldwarden",
        "flush chain bridge fieldwarden fieldwarden_forward",
        "flush chain netdev fieldwarden fieldwarden_ingress0",
        "insert rule bridge fieldwarden fieldwarden_frames accept",
        "insert rule bridge fieldwarden fieldwarden_two_tags_ip4 accept",
        "add rule netdev fieldwarden fieldwarden_one_tag counter drop",
        "add element bridge fieldwarden fieldwarden_talker4 { 10.9.9.9 timeout 60s }",
        "delete element inet fieldwarden fieldwarden_s7_lengths4 { 71 . 20480 . 31 . 14 . 1025 }",
        "add element bridge fieldwarden fieldwarden_s7_lengths6 { 51 . 20480 . 31 . 14 . 1281 }",
        "add rule inet fieldwarden fieldwarden_modbus_reads4 accept",
        "add element inet fieldwarden fieldwarden_writes4 { 10.9.9.9 . 10.9.9.8 . 502 }",
        "add element netdev fieldwarden fieldwarden_talker6 { fd00::9 timeout 60s }",
        "flush ruleset",
        "flush chain inet fieldwarden fieldwarden_forward",
        "add rule inet fieldwarden fieldwarden_forward counter drop",
        "insert rule inet fieldwarden fieldwarden_forward accept",
        "add chain inet fieldwarden other",
        "add set inet fieldwarden other { type ipv4_addr; }",
        "add element inet fieldwarden fieldwarden_talker4 { 10.9.9.9 }",
        "add element inet fieldwarden fieldwarden_carried4 { 10.9.9.9 . 10.9.9.8 . icmp timeout 60s }",
        "add table inet fieldwarden { flags dormant; }",
        "delete table inet fieldwarden; add table inet fieldwarden",
        "replace rule inet fieldwarden fieldwarden_forward handle HANDLE ip saddr @fieldwarden_talker4 counter accept",
    ] {
        let rules =
            common::output("nft", &["-a", "list", "chain", "inet", "fieldwarden", "fieldwarden_forward"]);
        let handle = rules.lines().find(|line| line.contains("ip saddr @fieldwarden_talker4"));
        let handle = handle.and_then(|line| line.rsplit(' ').next()).unwrap();
        let change = change.replace("HANDLE", handle);
        assert!(common::run("nft", &[&change]), "{change}");
        let observed = driver.observe().unwrap();
        let seen = difference(&Content::new(), &observed, driver.expiry_tolerance_ms(), real_now());
        assert!(seen.is_some(), "`{change}` is not noticed");
        driver.apply(&Content::new()).unwrap();
        let observed = driver.observe().unwrap();
        let seen = difference(&Content::new(), &observed, driver.expiry_tolerance_ms(), real_now());
        assert_eq!(seen, None, "`{change}` is not mended");
    }
}
