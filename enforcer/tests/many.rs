//! Many orders, one after the other and at once: none leaves anything behind. Tells how long each took from the approver's word to the device's
//! own, which `docs/performance.md` states.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops here")]

mod common;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use common::{interlocks, modbus_of, netconf, order, ovs, real_now, snmp};
use fieldwarden_enforcer::{
    drivers::nftables::Nftables,
    interlocks::Interlocks,
    journal::{COMPACT_AT, Journal},
    moment::Boot,
    points::Points,
    settings::Settings,
    warden::{MAX_ENDED, Mode, Warden},
};
use fieldwarden_model::{
    Order, OrderState, Target,
    order::{Answer, Ask, PlanHash},
};

/// Orders of the packet filter: of a full run and of a quick one.
const CUTS: [usize; 2] = [10_000, 60];
/// How many are in force while others come and go.
const LEVELS: [usize; 3] = [1, 250, 1_000];
/// How many of these come and go, of a full run and of a quick one.
const BESIDE: [usize; 2] = [300, 20];
/// Moves of a port likewise.
const MOVES: [usize; 2] = [300, 15];
/// In force at once.
const AT_ONCE: usize = 250;
/// What the journal grows by at most between two looks at its size, in octets.
const GROWTH: u64 = 4 << 20;

fn count([full, quick]: [usize; 2]) -> usize {
    if std::env::var("SCALE").is_ok_and(|scale| scale == "5") { full } else { quick }
}

/// As many as it takes; how many may begin is held elsewhere.
fn without_limits() -> Interlocks {
    Interlocks { max_orders: 1_100, max_orders_per_hour: usize::MAX, ..interlocks() }
}

fn warden(points: Points, journal: &Path) -> Warden {
    let (record, held) = Journal::open(journal).unwrap();
    let boot = Boot("this".into());
    Warden::start(Mode::Enforce, without_limits(), points, Box::new(record), held.entries, boot, real_now())
}

/// Applies an order, and notes how long it took to be verified.
fn apply(warden: &mut Warden, order: &Order, took: &mut Vec<Duration>) -> PlanHash {
    let Answer::Planned { plan } = warden.handle(Ask::Rehearse { order: order.clone() }, real_now()) else {
        panic!("{order:?}")
    };
    let ask = Ask::Apply { order: order.clone(), plan: plan.hash.clone(), approved_by: vec!["jo".into()] };
    let since = Instant::now();
    let answer = warden.handle(ask, real_now());
    took.push(since.elapsed());
    let Answer::Reported { report } = answer else { panic!("{answer:?}") };
    assert_eq!(report.state, OrderState::Provisional, "{report:?}");
    plan.hash
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn client(n: usize) -> String {
    format!("10.{}.{}.{}", 20 + n / 62_500, n / 250 % 250, n % 250 + 1)
}

fn release(warden: &mut Warden, order: &Order) {
    let (by, reason) = ("jo".into(), "done".into());
    let ask = Ask::Release { order: order.id.clone(), by, reason, degraded: false };
    assert!(matches!(warden.handle(ask, real_now()), Answer::Reported { .. }));
}

fn tell(driver: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |hundredths: usize| took.get(took.len() * hundredths / 100).unwrap();
    println!("{driver}: {} orders, approved to verified p50 {:?}, p99 {:?}", took.len(), at(50), at(99));
}

#[test]
fn thousands_of_cuts_kept_released_and_forgotten_leave_the_packet_filter_as_it_was() {
    let name = "thousands_of_cuts_kept_released_and_forgotten_leave_the_packet_filter_as_it_was";
    if !common::is_inside() {
        return common::in_namespace(name);
    }
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("orders.journal");
    assert!(common::run("nft", &["add", "table", "ip", "theirs"]));
    let ruleset = || common::output("nft", &["--stateless", "list", "ruleset"]);
    let points = || Points::from(Box::new(Nftables::with_table("fieldwarden", &[])));
    let mut warden = warden(points(), &journal);
    let before = ruleset();
    let open_before = descriptors();
    let mut took = Vec::new();
    let total = count(CUTS);
    let mut n = 0;
    while n < total {
        let group = AT_ONCE.min(total - n);
        for _ in 0..group {
            // Between two of them none of the ones before may have lapsed by itself for long.
            let order = order(modbus_of(&client(n), "10.1.0.10"), 3, 3, real_now().wall);
            let plan = apply(&mut warden, &order, &mut took);
            match n % 3 {
                0 => {
                    let (id, verdict) = (order.id.clone(), String::new());
                    let keep = Ask::Keep { order: id, plan, verdict, degraded: false };
                    assert!(matches!(warden.handle(keep, real_now()), Answer::Reported { .. }));
                }
                1 => release(&mut warden, &order),
                _ => {}
            }
            n += 1;
        }
        thread::sleep(Duration::from_millis(3_100));
        warden.tick(real_now());
        assert!(!warden.watches(), "all of them lapsed, were released or were not kept");
    }
    assert_eq!(ruleset(), before);
    let list = warden.list();
    let ended = |state| list.iter().filter(|(_, report)| report.state == state).count();
    let (lapsed, released, reverted) =
        (ended(OrderState::Lapsed), ended(OrderState::Released), ended(OrderState::Reverted));
    assert!(lapsed > 0 && released > 0 && reverted > 0);
    assert_eq!(lapsed + released + reverted, list.len(), "and none is anything else");
    assert_eq!(descriptors(), open_before);
    let size = std::fs::metadata(&journal).unwrap().len();
    assert!(size < COMPACT_AT + GROWTH, "the journal is written anew again and again: {size} octets");
    assert!(list.len() <= MAX_ENDED + AT_ONCE, "{} are listed", list.len());
    drop(warden);
    let again = self::warden(points(), &journal);
    assert!(!again.watches(), "and the journal agrees");
    assert_eq!(ruleset(), before);
    tell("nftables", took);
}

#[test]
fn an_order_is_as_quick_beside_a_thousand_as_alone() {
    let name = "an_order_is_as_quick_beside_a_thousand_as_alone";
    if !common::is_inside() {
        return common::in_namespace(name);
    }
    let folder = tempfile::tempdir().unwrap();
    let points = Points::from(Box::new(Nftables::with_table("fieldwarden", &[])));
    let mut warden = warden(points, &folder.path().join("orders.journal"));
    let begin = |warden: &mut Warden, n: usize, took: &mut Vec<Duration>| {
        let order = order(modbus_of(&client(n), "10.1.0.10"), 1_800, 3_600, real_now().wall);
        apply(warden, &order, took);
        order
    };
    let mut standing = 0;
    for level in LEVELS {
        while standing + 1 < level {
            begin(&mut warden, standing, &mut Vec::new());
            standing += 1;
        }
        let mut took = Vec::new();
        for n in 0..count(BESIDE) {
            let order = begin(&mut warden, 5_000 + level * 1_000 + n, &mut took);
            release(&mut warden, &order);
        }
        tell(&format!("nftables, {level} in force"), took);
    }
    let held = common::output("nft", &["list", "set", "bridge", "fieldwarden", "fieldwarden_service4"]);
    assert_eq!(held.matches("expires").count(), standing);
}

/// Moves a port to and fro; tells how long each took.
fn moves(switch: &str, is_there: impl Fn() -> bool) -> Vec<Duration> {
    let site = format!("[enforcer]\nmode = \"enforce\"\n{switch}");
    let site = site.split("[[enforcer.switch.port]]").next().unwrap().to_owned();
    let mut sources = fieldwarden_config::Sources::new();
    let file = sources.add("site.toml", site);
    let section = fieldwarden_config::parse(&sources, file).unwrap();
    let settings = Settings::configure(&section);
    let points =
        settings.unwrap_or_else(|faults| panic!("{}", fieldwarden_config::render(&faults, &sources))).points;
    let folder = tempfile::tempdir().unwrap();
    let mut warden = warden(points, &folder.path().join("orders.journal"));
    let mut took = Vec::new();
    for n in 0..count(MOVES) {
        let target = Target::SwitchPort { switch: "cell-1".into(), port: "v-rogue".into() };
        let mut order = order(target, 30, 60, real_now().wall);
        order.reason = format!("move {n}");
        order.id = order.identify();
        let plan = apply(&mut warden, &order, &mut took);
        assert!(is_there());
        if n % 2 == 0 {
            let (id, verdict) = (order.id.clone(), String::new());
            warden.handle(Ask::Keep { order: id, plan, verdict, degraded: false }, real_now());
        }
        release(&mut warden, &order);
        assert!(!is_there());
    }
    assert!(!warden.watches());
    took
}

#[test]
fn hundreds_of_moves_of_a_port_leave_it_where_it_was() {
    let Some(switch) = ovs::Switch::up("many", &[("rogue", "10.79.0.66")]) else { return };
    let took = moves(&switch.settings("db.sock"), || !switch.is_plain("v-rogue"));
    tell("ovsdb", took);
}

#[test]
fn hundreds_of_moves_by_netconf_leave_the_configuration_as_it_was() {
    let Some(switch) = netconf::Switch::up("many") else { return };
    let before = switch.ports();
    let took = moves(&switch.settings("openconfig"), || switch.ports() != before);
    tell("netconf", took);
}

#[test]
fn hundreds_of_moves_by_snmp_leave_every_list_of_ports_as_it_was() {
    let Some(managed) = snmp::Managed::up("snmany", &[("rogue", "10.79.0.66")]) else { return };
    managed.enter();
    let settings = managed.settings(snmp::STRONG, "").replace("\"cell-2\"", "\"cell-1\"");
    let took = moves(&settings, || !managed.is_as_before());
    tell("snmp-qbridge", took);
}
