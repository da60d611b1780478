//! The engine as a whole, over frames of a small plant that speaks Modbus over UDP.

use std::{net::Ipv4Addr, time::Duration};

use fieldwarden_model::{
    Alert, FrameRef, Incident, LinkType, Loss, Order, OrderId, RawFrame, Scope, Talker, Timestamp,
    order::OnDegraded, order::PlanHash, order::Target,
};

use super::{Engine, Input, Output, Settings, Switch};
use crate::{
    baseline::{Baseline, InMode, learn, learn::Learner},
    blindness::Reason,
    map::Seed,
    rehearse::KeepVerdict,
};

const HMI: [u8; 4] = [10, 0, 0, 5];
const PLC: [u8; 4] = [10, 0, 0, 20];
const ROGUE: [u8; 4] = [10, 0, 0, 66];

/// A frame with its time in milliseconds.
#[derive(Clone)]
struct Sent(u64, Vec<u8>);

#[derive(Default)]
struct Said {
    alerts: Vec<Alert>,
    incidents: Vec<Incident>,
    verdicts: Vec<KeepVerdict>,
}

impl Said {
    fn take(&mut self, output: Output) {
        match output {
            Output::Alert(alert) => self.alerts.push(alert),
            Output::Incident(incident) => self.incidents.push(incident),
            Output::Verdict(verdict) => self.verdicts.push(verdict),
            Output::Write(_) => {}
        }
    }
}

#[test]
fn what_was_learned_is_not_told_and_what_was_not_is() {
    let mut engine = engine(learned(), 1);
    let quiet = run(&mut engine, &shift(0, 60));
    assert!(quiet.alerts.is_empty(), "{:?}", quiet.alerts);
    let said = run(&mut engine, &[write(61_000, ROGUE, 100, 9_000)]);
    let detectors: Vec<&str> = said.alerts.iter().map(|alert| alert.detector.as_str()).collect();
    assert_eq!(detectors, ["new-talker", "new-conversation", "new-point-write"]);
    let write = &said.alerts[2];
    assert_eq!(write.old, [fieldwarden_model::Value::Integer(7)], "as last polled");
    assert_eq!(engine.incidents().len(), 1);
    assert_eq!(engine.summary().messages["modbus"], 121);
}

#[test]
fn a_device_that_changed_while_nobody_listened_is_told() {
    let mut before = engine(learned(), 1);
    run(&mut before, &identity(0, b"v2.5"));
    let mut after = engine(learned(), 1);
    after.restore(&before.checkpoint(), at(60_000)).unwrap();
    let said = run(&mut after, &identity(61_000, b"v2.6"));
    let told: Vec<&str> = said.alerts.iter().map(|alert| alert.summary.as_str()).collect();
    let change = "10.0.0.20 now tells the firmware `v2.6` over modbus; until now it was `v2.5`";
    assert!(told.contains(&change), "{told:?}");
}

#[test]
fn idle_time_told_or_not_changes_nothing() {
    let mut frames = shift(0, 20);
    frames.extend([
        write(20_500, ROGUE, 100, 1),
        write(21_700, ROGUE, 100, 2),
        write(100_000, ROGUE, 101, 3),
    ]);
    frames.extend(shift(2_000_000, 5));
    let plain = run(&mut engine(learned(), 1), &frames);
    let mut engine = engine(learned(), 99);
    let mut told = Said::default();
    for (n, sent) in frames.iter().enumerate() {
        let before = sent.0.saturating_sub(400);
        engine.step(Input::Idle(at(before)), &mut |output| told.take(output));
        step(&mut engine, n, sent, &mut told);
        engine.step(Input::Idle(at(sent.0 + 3)), &mut |output| told.take(output));
    }
    assert_eq!(plain.alerts, told.alerts);
    assert_eq!(plain.incidents, told.incidents);
    let closed = plain.incidents.last().unwrap();
    assert!(!closed.open, "closed by its deadline, before the frames that overtake it");
}

#[test]
fn a_poll_that_stops_is_told_at_its_own_time_and_only_while_others_are_heard() {
    let mut frames = shift(0, 60);
    frames.extend((61..400).map(|second| write(second * 1_000, ROGUE, 100, 1)));
    frames.extend(shift(400_000, 300));
    let said = run(&mut engine(learned(), 1), &frames);
    let lost: Vec<_> = said.alerts.iter().filter(|alert| alert.detector == "lost-poll").collect();
    assert_eq!(lost.len(), 1, "{:?}", said.alerts);
    assert!((at(178_000)..=at(183_000)).contains(&lost[0].time), "{:?}", lost[0]);
    let mut gap = shift(0, 60);
    gap.extend(shift(2_000_000, 300));
    let said = run(&mut engine(learned(), 1), &gap);
    assert!(said.alerts.is_empty(), "{:?}", said.alerts);
}

#[test]
fn a_clock_that_steps_back_is_counted_and_does_not_turn_time() {
    let mut engine = engine(learned(), 1);
    let mut frames = shift(0, 2);
    frames.push(write(500, ROGUE, 100, 1));
    let said = run(&mut engine, &frames);
    assert!(said.alerts.iter().all(|alert| alert.time >= at(1_000)));
    assert_eq!(engine.summary().clock_steps, 1);
}

#[test]
fn what_the_capture_lost_is_told_and_leaves_open_flows_unassured() {
    let mut engine = engine(learned(), 1);
    let mut said = run(&mut engine, &[write(1_000, ROGUE, 100, 1)]);
    assert!(said.alerts.iter().all(|alert| alert.assured), "{:?}", said.alerts);
    for interface in [0, 1] {
        let loss = Loss { time: at(9_000_000), interface, frames: 4 };
        engine.step(Input::Loss(loss), &mut |output| said.take(output));
    }
    assert_eq!(said.alerts.len(), 3, "a loss is told when time passes");
    let open = run(&mut engine, &[write(2_000, ROGUE, 101, 1)]);
    let (blind, open): (Vec<_>, Vec<_>) =
        open.alerts.into_iter().partition(|alert| alert.detector == "sensor-blind");
    assert_eq!(blind.len(), 2, "one for each interface");
    assert_ne!(blind[0].id, blind[1].id);
    assert!(!open.is_empty() && open.iter().all(|alert| !alert.assured), "{open:?}");
    let begun = run(&mut engine, &[write(3_000, [10, 0, 0, 67], 102, 1)]);
    assert!(!begun.alerts.is_empty() && begun.alerts.iter().all(|alert| alert.assured), "{:?}", begun.alerts);
    let summary = engine.summary();
    let lost: Vec<_> = summary
        .blind
        .iter()
        .filter(|blind| blind.reason != Reason::Checksums)
        .map(|blind| (blind.reason, &*blind.place, blind.count))
        .collect();
    assert_eq!(lost, [(Reason::KernelDrops, "interface 0", 4), (Reason::KernelDrops, "interface 1", 4)]);
    assert_eq!(summary.clock_steps, 0, "the time of a loss is not the traffic's");
}

#[test]
fn after_a_restart_an_attack_goes_on_in_its_incident() {
    let mut first = engine(learned(), 1);
    let before = run(&mut first, &[write(0, ROGUE, 100, 1), write(10, ROGUE, 100, 2)]);
    let checkpoint = first.checkpoint();
    let mut second = engine(learned(), 2);
    second.restore(&checkpoint, at(30_000)).unwrap();
    assert_eq!(second.checkpoint().len(), checkpoint.len());
    let after = run(&mut second, &[write(40_000, ROGUE, 100, 3), write(41_000, ROGUE, 101, 4)]);
    let detectors: Vec<&str> = after.alerts.iter().map(|alert| alert.detector.as_str()).collect();
    assert_eq!(detectors, ["new-point-write"], "the stranger and his first point were told before");
    assert_eq!(after.alerts[0].incident, before.alerts[0].incident);
    let revision = before.incidents.last().unwrap().revision;
    assert_eq!(after.incidents.last().unwrap().revision, revision + 1, "revisions go on");
    assert!(second.summary().blind.iter().any(|blind| blind.reason == Reason::Outage), "the outage is said");
}

#[test]
fn a_checkpoint_that_is_none_is_refused_and_changes_nothing() {
    let mut engine = engine(learned(), 1);
    for octets in [&b""[..], b"{}", b"{\"version\":0}", b"{\"version\":1}"] {
        assert!(engine.restore(octets, at(0)).is_err());
    }
    assert!(run(&mut engine, &shift(0, 3)).alerts.is_empty());
}

#[test]
fn an_incident_told_after_the_checkpoint_is_joined_all_the_same() {
    let told = run(&mut engine(learned(), 1), &[write(0, ROGUE, 100, 1)]);
    let mut second = engine(learned(), 2);
    second.adopt(told.incidents.last().cloned().into_iter().collect());
    let after = run(&mut second, &[write(5_000, ROGUE, 100, 2)]);
    assert_eq!(after.alerts[0].incident, told.alerts[0].incident);
    assert!(after.incidents[0].revision > told.incidents.last().unwrap().revision);
}

#[test]
fn a_rehearsal_lists_exactly_what_would_fall_silent() {
    let mut engine = engine(learned(), 1);
    let mut frames = shift(0, 60);
    frames.push(write(60_000, ROGUE, 100, 1));
    run(&mut engine, &frames);
    let rogue = engine.rehearse(&Target::Talker { talker: ip(ROGUE) }, Scope::IsolateTalker, &[]);
    let port = Target::SwitchPort { switch: "cell-1".into(), port: "eth3".into() };
    assert!(
        engine.rehearse(&port, Scope::QuarantineVlan, &[]).conversations.is_empty(),
        "nobody is known behind it"
    );
    assert_eq!(
        engine.rehearse(&port, Scope::QuarantineVlan, &[ip(ROGUE)]).conversations,
        rogue.conversations
    );
    assert_eq!(rogue.conversations.len(), 1);
    assert_eq!(rogue.conversations[0].baseline_entry, None);
    let station = engine.rehearse(&conversation(HMI), Scope::CutConversation, &[]);
    assert_eq!(station.conversations.len(), 1);
    let polls = &station.conversations[0];
    assert_eq!(
        polls.baseline_entry.as_deref(),
        Some("10.0.0.5 to 10.0.0.20 port 502 modbus over udp unit 1")
    );
    let rate = polls.operations_per_minute.unwrap();
    assert!((55.0..65.0).contains(&rate), "one a second is 60 a minute, not {rate}");
    assert_eq!(
        engine.rehearse(&Target::Talker { talker: ip(PLC) }, Scope::IsolateTalker, &[]).conversations.len(),
        2
    );
}

#[test]
fn the_verdict_keeps_an_order_that_harms_nobody_and_not_one_that_does() {
    for (polls_go_on, rogue_goes_on) in [(true, false), (false, false), (true, true)] {
        let mut engine = engine(learned(), 1);
        let mut said = run(&mut engine, &both(0, 60));
        let order = order();
        let plan = PlanHash("plan".into());
        let (from, until) = (at(60_000), at(80_000));
        let watch = Input::Watch { order: &order, behind: &[], plan: &plan, from, until };
        engine.step(watch, &mut |output| said.take(output));
        let frames = match (polls_go_on, rogue_goes_on) {
            (true, true) => both(60_000, 30),
            (true, false) => shift(60_000, 30),
            _ => Vec::new(),
        };
        said.verdicts.extend(run(&mut engine, &frames).verdicts);
        engine.step(Input::Idle(at(95_000)), &mut |output| said.take(output));
        let [verdict] = said.verdicts.as_slice() else { panic!("one verdict: {:?}", said.verdicts) };
        assert_eq!(verdict.time, until, "at its own time");
        assert_eq!(verdict.healthy, polls_go_on, "{:?}", verdict.reasons);
        assert_eq!(verdict.effective, Some(!rogue_goes_on), "{:?}", verdict.reasons);
    }
}

/// A client that reads on is what the order wants, and its pace is no reason to lift it; that of others is.
#[test]
fn under_write_quarantine_its_own_client_counts_neither_as_silent_nor_as_missed() {
    for (frames, is_healthy) in [(both(60_000, 30), true), (shift(60_000, 30), true), (Vec::new(), false)] {
        let mut engine = engine(learned(), 1);
        let mut said = run(&mut engine, &both(0, 60));
        let order = Order { scope: Scope::WriteQuarantine, ..order() };
        let plan = PlanHash("plan".into());
        let watch =
            Input::Watch { order: &order, behind: &[], plan: &plan, from: at(60_000), until: at(80_000) };
        engine.step(watch, &mut |output| said.take(output));
        said.verdicts.extend(run(&mut engine, &frames).verdicts);
        engine.step(Input::Idle(at(95_000)), &mut |output| said.take(output));
        let [verdict] = said.verdicts.as_slice() else { panic!("one verdict: {:?}", said.verdicts) };
        assert_eq!((verdict.healthy, verdict.effective), (is_healthy, None), "{:?}", verdict.reasons);
    }
}

#[test]
fn two_seeds_say_and_keep_the_same() {
    let mut frames = both(0, 30);
    frames.extend(both(2_000_000, 3));
    let (mut one, mut two) = (engine(learned(), 1), engine(learned(), 2));
    let (said, again) = (run(&mut one, &frames), run(&mut two, &frames));
    assert_eq!(said.alerts, again.alerts);
    assert_eq!(said.incidents, again.incidents);
    assert_eq!(one.checkpoint(), two.checkpoint());
}

#[test]
fn a_baseline_approved_while_running_counts_at_once() {
    let mut engine = engine(Baseline::default(), 1);
    assert!(!run(&mut engine, &shift(0, 2)).alerts.is_empty());
    let baseline = learned();
    engine.step(Input::Baseline(Some(&baseline)), &mut |_| {});
    assert!(run(&mut engine, &shift(10_000, 5)).alerts.is_empty());
}

/// What is learned, as normal in maintenance alone.
fn in_maintenance() -> Baseline {
    let mut all = learned();
    let conversations = core::mem::take(&mut all.conversations);
    let name = "maintenance".parse().unwrap();
    all.modes.push(InMode { name, talkers: Vec::new(), conversations });
    all
}

fn demand(until: Option<u64>) -> Input<'static> {
    let until = until.map(|millis| raw(&Sent(millis, Vec::new())).time);
    Input::Mode(Some(Switch { mode: "maintenance".parse().unwrap(), until }))
}

#[test]
fn a_demanded_mode_outlives_a_restart_and_ends_at_its_time() {
    let mut first = engine(in_maintenance(), 1);
    first.step(demand(Some(70_000)), &mut |_| {});
    assert!(run(&mut first, &shift(0, 60)).alerts.is_empty());
    let mut second = engine(in_maintenance(), 2);
    second.restore(&first.checkpoint(), raw(&Sent(61_000, Vec::new())).time).unwrap();
    let holds = |engine: &Engine| engine.modes().1.map(|mode| mode.to_string());
    assert_eq!(holds(&second).as_deref(), Some("maintenance"));
    assert!(run(&mut second, &shift(62_000, 8)).alerts.is_empty());
    let told = run(&mut second, &shift(71_000, 5)).alerts;
    assert_eq!((holds(&second).as_deref(), second.modes().2), (Some("normal"), None));
    assert!(told.iter().any(|alert| alert.detector == "new-conversation"), "{told:?}");
    second.step(Input::Mode(None), &mut |_| {});
    assert_eq!(holds(&second).as_deref(), Some("normal"));
}

#[test]
fn a_poll_that_a_mode_allows_has_not_stopped_before_it_began() {
    let mut engine = engine(in_maintenance(), 1);
    let lost = |said: Said| said.alerts.iter().filter(|alert| alert.detector == "lost-poll").count();
    let others = |from: u64| (0..300).map(|n| write(from + n * 1_000, ROGUE, 100, 7)).collect::<Vec<_>>();
    engine.step(demand(Some(61_000)), &mut |_| {});
    assert_eq!(lost(run(&mut engine, &shift(0, 60))), 0);
    assert_eq!(lost(run(&mut engine, &others(62_000))), 0, "nobody waits for it in the usual mode");
    engine.step(demand(None), &mut |_| {});
    assert_eq!(lost(run(&mut engine, &others(400_000))), 0, "it was not heard in this mode yet");
    assert_eq!(lost(run(&mut engine, &shift(700_000, 60))), 0);
    assert_eq!(lost(run(&mut engine, &others(760_000))), 1, "now it has stopped");
}

fn engine(baseline: Baseline, seed: u64) -> Engine {
    Engine::new(Settings { baseline: Some(baseline), seed: Seed(seed), ..Settings::default() })
}

fn learned() -> Baseline {
    let mut learner = Learner::new(learn::Settings::default());
    for (n, sent) in shift(0, 60).iter().enumerate() {
        learner.frame(raw(sent), reference(n));
    }
    let baseline = learner.finish();
    assert_eq!(baseline.conversations.len(), 1);
    assert_eq!(baseline.conversations[0].period_ms, Some(1_000));
    baseline
}

fn run(engine: &mut Engine, frames: &[Sent]) -> Said {
    let mut said = Said::default();
    for (n, sent) in frames.iter().enumerate() {
        step(engine, n, sent, &mut said);
    }
    said
}

fn step(engine: &mut Engine, n: usize, sent: &Sent, said: &mut Said) {
    let input = Input::Frame { frame: raw(sent), reference: reference(n) };
    engine.step(input, &mut |output| said.take(output));
}

fn reference(n: usize) -> FrameRef {
    FrameRef { capture: 0, number: n as u64 + 1 }
}

fn raw(sent: &Sent) -> RawFrame<'_> {
    RawFrame {
        time: at(sent.0),
        link_type: LinkType::RAW,
        interface: 0,
        wire_length: u32::try_from(sent.1.len()).unwrap(),
        tag: None,
        bytes: &sent.1,
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).saturating_add(Duration::from_millis(millis))
}

fn ip(octets: [u8; 4]) -> Talker {
    Talker::Ip(Ipv4Addr::from(octets).into())
}

fn conversation(client: [u8; 4]) -> Target {
    Target::Conversation { client: ip(client), server: ip(PLC), server_port: Some(502), transport: None }
}

fn order() -> Order {
    let mut order = Order {
        id: OrderId(String::new()),
        target: conversation(ROGUE),
        scope: Scope::CutConversation,
        lapse_secs: 600,
        keep_within_secs: 30,
        on_degraded: OnDegraded::Revert,
        reason: "unknown laptop".into(),
        incident: None,
        author: "jo".into(),
        proposed: at(0),
    };
    order.id = order.identify();
    order
}

/// The station polls register 100 once a second, for so many seconds from a moment on.
fn shift(from: u64, seconds: u64) -> Vec<Sent> {
    (0..seconds).flat_map(|second| poll(from + second * 1_000, HMI, second)).collect()
}

/// The same, with the rogue polling half a second later.
fn both(from: u64, seconds: u64) -> Vec<Sent> {
    let second = |second| {
        let now = from + second * 1_000;
        poll(now, HMI, second).into_iter().chain(poll(now + 500, ROGUE, second))
    };
    (0..seconds).flat_map(second).collect()
}

/// Read Holding Registers of one register, and its answer: 7.
fn poll(time: u64, client: [u8; 4], transaction: u64) -> [Sent; 2] {
    let id = u16::try_from(transaction).unwrap();
    let ask = adu(id, &[3, 0, 100, 0, 1]);
    let answer = adu(id, &[3, 2, 0, 7]);
    [
        Sent(time, udp((client, 50_000), (PLC, 502), &ask)),
        Sent(time + 5, udp((PLC, 502), (client, 50_000), &answer)),
    ]
}

/// A device is asked who it is, and answers with this revision (MODBUS Application Protocol 6.21).
fn identity(time: u64, revision: &[u8; 4]) -> [Sent; 2] {
    let answer = [&[0x2b, 0x0e, 1, 1, 0, 0, 1, 2, 4][..], revision].concat();
    [
        Sent(time, udp((HMI, 50_000), (PLC, 502), &adu(1, &[0x2b, 0x0e, 1, 0]))),
        Sent(time + 5, udp((PLC, 502), (HMI, 50_000), &adu(1, &answer))),
    ]
}

/// Write Single Register.
fn write(time: u64, client: [u8; 4], register: u8, value: u16) -> Sent {
    let [high, low] = value.to_be_bytes();
    Sent(time, udp((client, 50_000), (PLC, 502), &adu(1, &[6, 0, register, high, low])))
}

/// The MBAP header (transaction, protocol 0, length, unit 1) before a PDU.
pub(crate) fn adu(transaction: u16, pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).unwrap();
    [&transaction.to_be_bytes()[..], &[0, 0], &length.to_be_bytes(), &[1], pdu].concat()
}

/// An IPv4 packet with a UDP datagram; checksums are zero, nothing looks at them.
pub(crate) fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut ip =
        [&[0x45, 0][..], &(length + 28).to_be_bytes(), &[0, 0, 0, 0, 64, 17, 0, 0], &from.0, &to.0].concat();
    // The Internet checksum of the header (RFC 1071); UDP over IPv4 goes without.
    let sum: u32 = ip.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    ip[10..12].copy_from_slice(&(!folded).to_be_bytes());
    let header = [from.1.to_be_bytes(), to.1.to_be_bytes(), (length + 8).to_be_bytes(), [0, 0]].concat();
    [ip, header, payload.to_vec()].concat()
}
