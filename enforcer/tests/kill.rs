//! kill -9 and power cuts at every line of the journal: device, journal and what the enforcer tells agree within 10 s of its next
//! start. Nothing stands that no order owns, nothing owed is missing, and a neighbour's order is never lost by it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod common;
#[path = "kill/devices.rs"]
mod devices;
#[path = "kill/story.rs"]
mod story;

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    thread,
    time::{Duration, Instant},
};

use common::{in_namespace, is_inside, live::Enforcer, order, ovs::Switch, real_now};
use devices::{Filter, Plant, Ports};
use fieldwarden_enforcer::journal::{Entry, line};
use fieldwarden_model::{
    Order, OrderId, OrderState,
    order::{Answer, Ask, Report},
};
use story::{Story, Way, entries, last, retold};

/// The promise: so soon after the enforcer's start everything agrees.
const AGREE: Duration = Duration::from_secs(10);
/// What a slow and busy machine may take until something that must come has come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Ways to die of each device that a quick run tries; a full one tries all.
const QUICK: usize = 40;

/// Which target the order of each story is against; the neighbour's is 0.
const STORIES: [(usize, &[&str]); 3] = [
    (1, &["applying", "provisional", "kept", "kept?", "released"]),
    (2, &["applying", "provisional", "kept", "kept?", "lapsed"]),
    (3, &["applying", "provisional", "provisional?", "reverted"]),
];

/// `SCALE` 5 tries everything.
fn is_full() -> bool {
    std::env::var("SCALE").is_ok_and(|scale| scale.parse::<u32>().is_ok_and(|scale| scale >= 5))
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn release(order: &Order) -> Ask {
    Ask::Release { order: order.id.clone(), by: "jo".into(), reason: "done".into(), degraded: false }
}

/// Lets four real orders live: the neighbour's, kept and going on; one that is released, one that lapses, one that nobody keeps.
fn record(plant: &dyn Plant) -> (Story, Vec<Story>) {
    let journal = plant.folder().join("journal");
    let mut enforcer = plant.start();
    let against = |target, keep, lapse| order(plant.target(target), keep, lapse, real_now().wall);
    let orders = [against(0, 30, 3_000), against(1, 30, 600), against(2, 6, 7), against(3, 3, 600)];
    for order in &orders {
        let plan = enforcer.apply(order);
        if order.id != orders[3].id {
            enforcer.keep(order, plan);
        }
        if order.id == orders[1].id {
            assert_eq!(held(plant), BTreeSet::from([0, 1]));
            enforcer.ask(&release(order));
        }
    }
    until("both end by themselves", || {
        let is_over = |order: &Order| {
            last(&journal, &order.id).is_some_and(|(state, is_ending)| !state.in_force() && !is_ending)
        };
        is_over(&orders[2]) && is_over(&orders[3])
    });
    assert_eq!(held(plant), BTreeSet::from([0]), "what ended is given back");
    enforcer.kill();
    let stories: Vec<Story> = orders.iter().map(|order| Story::read(&journal, &order.id)).collect();
    let mut stories = stories.into_iter();
    let neighbour = stories.next().unwrap();
    let stories: Vec<Story> = stories.collect();
    for (story, (_, words)) in stories.iter().zip(STORIES) {
        assert_eq!(story.words(), words, "what is written of a life");
    }
    (neighbour, stories)
}

fn held(plant: &dyn Plant) -> BTreeSet<usize> {
    plant.holds().into_keys().collect()
}

/// Lays out journal and device as `way` says, starts the real enforcer and looks whether all agree.
fn die(plant: &dyn Plant, (neighbour, stories): &(Story, Vec<Story>), way: &Way, round: usize) {
    let (story, target) = (&stories[way.story], STORIES[way.story].0);
    let (now, journal) = (real_now(), plant.folder().join("journal"));
    let beside = retold(neighbour.last(), &way.of_neighbour(), now);
    let beside_until = beside.lapse_by;
    let mut text = line(&Entry::Order(Box::new(beside))).into_bytes();
    text.extend(story.journal(way, now));
    if way.tail == story::Tail::Unended {
        text.pop();
    }
    fs::write(&journal, text).unwrap();
    let mut device = vec![(0, beside_until)];
    device.extend(story.on_device(way, now).map(|until| (target, until)));
    plant.put(&device, way.forgets());
    plant.protect(way.is_protected.then_some(target));
    let must_be = story.must_be(way, held(plant).contains(&target));

    // Whoever comes back may die once more on the way.
    if round.is_multiple_of(4) {
        plant.start_and_kill(Duration::from_millis(u64::try_from(round * 7 % 120).unwrap()));
    }
    let since = Instant::now();
    let mut enforcer = plant.start();
    let mut seen = agreement(plant, &mut enforcer, story, target);
    while seen.is_err() && since.elapsed() < AGREE {
        thread::sleep(Duration::from_millis(50));
        seen = agreement(plant, &mut enforcer, story, target);
    }
    let state = seen.unwrap_or_else(|what| panic!("{way:?}: not within {AGREE:?}: {what}"));
    assert!(since.elapsed() < AGREE, "{way:?}: it took {:?}", since.elapsed());
    assert_eq!(state, must_be, "{way:?}: {:?}", enforcer.listed());
    if let Some(state) = state.filter(|state| state.in_force()) {
        plant.ends_in(target, Story::ends_in_ms(state, way));
    }
    plant.ends_in(0, Story::ends_in_ms(OrderState::Kept, &way.of_neighbour()));
    enforcer.kill();
    if let Some(state) = state {
        assert_eq!(last(&journal, story.id()), Some((state, false)), "{way:?}: the journal says so too");
    }
    let known = [story.id(), neighbour.id()];
    let stranger = entries(&journal).into_iter().find(|entry| match entry {
        Entry::Order(life) => !known.contains(&&life.order.id),
        _ => false,
    });
    assert_eq!(stranger, None, "{way:?}");
}

/// The state told of the order, once the device holds what that state and the neighbour's order own, and nothing else.
fn agreement(
    plant: &dyn Plant,
    enforcer: &mut Enforcer,
    story: &Story,
    target: usize,
) -> Result<Option<OrderState>, String> {
    let listed = enforcer.listed();
    let held = held(plant);
    let state_of = |story: &Story| -> Option<OrderState> {
        let is_it = |(order, _): &&(Order, Report)| order.id == *story.id();
        listed.iter().find(is_it).map(|(_, report)| report.state)
    };
    let state = state_of(story);
    let mut owed = BTreeSet::from([0]);
    owed.extend(state.filter(|state| state.in_force()).map(|_| target));
    let neighbour =
        listed.iter().filter(|(order, _)| order.id != *story.id()).map(|(_, report)| report.state);
    let neighbour: Vec<OrderState> = neighbour.collect();
    if neighbour != [OrderState::Kept] || held != owed || state == Some(OrderState::Stuck) {
        return Err(format!("the device holds {held:?}, owed is {owed:?}; {listed:?}"));
    }
    Ok(state)
}

/// Every way to die, or so many of them that each kind is among them.
fn matrix(plant: &dyn Plant, forgets: bool) {
    let recorded = record(plant);
    let all: Vec<Way> =
        recorded.1.iter().enumerate().flat_map(|(at, story)| story.ways(at, forgets)).collect();
    // The inner loops are over two and three: a step that neither divides walks through all their values.
    let coarse = (all.len() / QUICK).max(1);
    let step = if is_full() { 1 } else { (coarse..).find(|step| step % 2 != 0 && step % 3 != 0).unwrap() };
    let (since, mut count) = (Instant::now(), 0);
    for (round, way) in all.iter().step_by(step).enumerate() {
        die(plant, &recorded, way, round);
        count += 1;
    }
    println!("{count} of {} ways to die in {:?}", all.len(), since.elapsed());
}

/// Lets an order live to the first so many of `apply`, `keep` and `release`; returns as soon as the journal has `lines` of it.
fn live_to(plant: &dyn Plant, (keep, lapse): (u32, u32), asks: usize, lines: usize) -> (Enforcer, OrderId) {
    let journal = plant.folder().join("journal");
    let _ = fs::remove_file(&journal);
    plant.put(&[], false);
    let mut enforcer = plant.start();
    let order = order(plant.target(1), keep, lapse, real_now().wall);
    let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: order.clone() }) else { panic!() };
    let (id, plan, verdict) = (order.id.clone(), plan.hash, String::new());
    let approved_by = vec!["jo".into()];
    let all = [
        Ask::Apply { order: order.clone(), plan: plan.clone(), approved_by },
        Ask::Keep { order: id.clone(), plan, verdict, degraded: false },
        release(&order),
    ];
    for ask in all.iter().take(asks) {
        writeln!(enforcer.stream, "{}", serde_json::to_string(ask).unwrap()).unwrap();
    }
    let written = || fs::read(&journal).unwrap().iter().filter(|octet| **octet == b'\n').count();
    let since = Instant::now();
    while written() < lines {
        assert!(since.elapsed() < PATIENCE, "{lines} lines are never written");
        // Soon: the device is told within milliseconds of it.
        thread::sleep(Duration::from_micros(200));
    }
    (enforcer, id)
}

/// The state of the one order, once the device holds what that state owns and nothing else.
fn in_step(plant: &dyn Plant, enforcer: &mut Enforcer, id: &OrderId) -> Option<OrderState> {
    let listed = enforcer.listed();
    let state = listed.iter().find(|(order, _)| order.id == *id).map(|(_, report)| report.state)?;
    let owed: BTreeSet<usize> = state.in_force().then_some(1).into_iter().collect();
    (state != OrderState::Stuck && held(plant) == owed).then_some(state)
}

/// Kills the enforcer as soon as the journal has `lines` of an order; then all agree.
fn killed_at_line(plant: &dyn Plant, terms: (u32, u32), asks: usize, lines: usize) {
    let journal = plant.folder().join("journal");
    let (enforcer, id) = live_to(plant, terms, asks, lines);
    enforcer.kill();
    let before = last(&journal, &id);
    let since = Instant::now();
    let mut enforcer = plant.start();
    let mut seen = in_step(plant, &mut enforcer, &id);
    while seen.is_none() && since.elapsed() < AGREE {
        thread::sleep(Duration::from_millis(50));
        seen = in_step(plant, &mut enforcer, &id);
    }
    let what = format!("killed at line {lines}, where the journal ended with {before:?}");
    let state = seen.unwrap_or_else(|| panic!("{what}: {:?}, {:?}", held(plant), enforcer.listed()));
    // What was decided before the kill is what comes of it; what was not begun to be ended may end by its deadlines.
    if let Some((decided, false)) = before.filter(|(decided, _)| !decided.in_force()) {
        assert_eq!(state, decided, "{what}");
    }
    if terms.0 > 30 && before == Some((OrderState::Kept, false)) {
        assert_eq!(state, OrderState::Kept, "{what}");
    }
    enforcer.kill();
    until("the journal says so", || last(&journal, &id).is_some_and(|last| last == (state, false)));
}

/// At each line of an order that is released, and at those with which the others end.
fn at_each_line(plant: &dyn Plant) {
    for lines in 1..=5 {
        killed_at_line(plant, (60, 600), 3, lines);
    }
    for lines in 4..=5 {
        killed_at_line(plant, (5, 6), 2, lines);
    }
    for lines in 3..=4 {
        killed_at_line(plant, (2, 600), 1, lines);
    }
}

/// Kills programs of the switch, and with them the enforcer where it is named, as soon as the journal has `lines` of an order. They come
/// back one after the other, the enforcer first; then all agree.
fn the_switch_dies(ports: &Ports, victims: &[&str], lines: usize) {
    let asks = if lines > 3 { 3 } else { 2 };
    let (mut enforcer, id) = live_to(ports, (60, 600), asks, lines);
    victims.iter().for_each(|victim| ports.switch.stop(victim));
    if victims.contains(&"enforcer") {
        enforcer.kill();
        enforcer = ports.start();
    }
    let what = format!("{victims:?} killed at line {lines}");
    let told = enforcer.listed();
    assert_eq!(told.len(), 1, "{what}: it answers with the switch gone");
    if victims.contains(&"ovsdb") {
        ports.switch.start_database();
    }
    if victims.contains(&"vswitchd") {
        ports.switch.start_daemon();
    }
    until(&what, || in_step(ports, &mut enforcer, &id).is_some());
    let state = in_step(ports, &mut enforcer, &id).unwrap();
    if asks == 3 {
        assert!(
            matches!(state, OrderState::Released | OrderState::Reverted),
            "{what}: {told:?}, then {state:?}"
        );
    } else {
        // What the switch could not be heard to take is undone, and never called kept.
        let known = [OrderState::Kept, OrderState::Provisional, OrderState::Reverted];
        assert!(known.contains(&state), "{what}: {told:?}, then {state:?}");
    }
    enforcer.kill();
    until("the journal says so", || {
        last(&ports.folder().join("journal"), &id).is_some_and(|last| last == (state, false))
    });
}

#[test]
fn whatever_line_the_journal_ends_with_packet_filter_journal_and_report_agree_after_the_next_start() {
    let name =
        "whatever_line_the_journal_ends_with_packet_filter_journal_and_report_agree_after_the_next_start";
    if !is_inside() {
        return in_namespace(name);
    }
    matrix(&Filter::new("line"), true);
}

#[test]
fn whatever_line_the_journal_ends_with_port_journal_and_report_agree_after_the_next_start() {
    let Some(switch) = Switch::up("line", &devices::MACHINES) else { return };
    matrix(&Ports::new(switch), false);
}

#[test]
fn killed_as_it_writes_a_line_packet_filter_and_journal_agree_after_the_next_start() {
    if !is_inside() {
        return in_namespace(
            "killed_as_it_writes_a_line_packet_filter_and_journal_agree_after_the_next_start",
        );
    }
    at_each_line(&Filter::new("write"));
}

#[test]
fn killed_as_it_writes_a_line_port_and_journal_agree_after_the_next_start() {
    let Some(switch) = Switch::up("write", &devices::MACHINES) else { return };
    at_each_line(&Ports::new(switch));
}

#[test]
fn the_switch_s_programs_killed_as_the_enforcer_writes_a_line_come_back_to_what_it_tells() {
    let Some(switch) = Switch::up("gone", &devices::MACHINES) else { return };
    let ports = Ports::new(switch);
    let victims: [&[&str]; 4] =
        [&["vswitchd"], &["ovsdb"], &["vswitchd", "ovsdb"], &["enforcer", "vswitchd", "ovsdb"]];
    for lines in 1..=5 {
        for (at, victims) in victims.iter().enumerate() {
            if is_full() || at == lines % 4 {
                the_switch_dies(&ports, victims, lines);
            }
        }
    }
}
