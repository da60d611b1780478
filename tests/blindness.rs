//! What a mirror does to a capture comes out as the right reason for blindness, with the detectors it blinds, and what a mirror
//! only shows twice or tags anew changes neither alerts nor messages.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[allow(dead_code, reason = "not every test needs all of what they share")]
mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use common::{
    frames::{self, Frame},
    random::Random,
};
use fieldwarden_engine::{
    Baseline, Engine, Input, Learner, Output, Settings, Summary, baseline::learn, blindness::Reason,
};
use fieldwarden_model::{Alert, FrameRef, LinkType};
use fieldwarden_protocols::link::{TransportHeader, dissect};

/// Captures smaller than this say too little for every reason to show.
const ENOUGH_MESSAGES: u64 = 60;
/// Captures above this size are left to the full scale.
const QUICK_OCTETS: u64 = 1_500_000;

struct Judged {
    alerts: Vec<Alert>,
    summary: Summary,
}

impl Judged {
    fn reasons(&self) -> BTreeSet<Reason> {
        self.summary.blind.iter().map(|blind| blind.reason).collect()
    }

    fn blinds(&self, reason: Reason, detector: &str) -> bool {
        self.summary.blind.iter().any(|blind| blind.reason == reason && blind.detectors.contains(&detector))
    }

    /// Alerts but for what a mirror changes: VLANs, frame numbers.
    fn told(&self) -> Vec<(String, String, String, bool)> {
        let about = |alert: &Alert| {
            (alert.time.to_string(), alert.detector.clone(), alert.summary.clone(), alert.assured)
        };
        self.alerts.iter().filter(|alert| alert.detector != "sensor-blind").map(about).collect()
    }
}

fn judge(frames: &[Frame], baseline: Option<&Baseline>) -> Judged {
    let settings = Settings { baseline: baseline.cloned(), ..Settings::default() };
    let mut engine = Engine::new(settings);
    let mut alerts = Vec::new();
    let mut take = |output| {
        if let Output::Alert(alert) = output {
            alerts.push(alert);
        }
    };
    for (frame, number) in frames.iter().zip(1..) {
        let reference = FrameRef { capture: 0, number };
        engine.step(Input::Frame { frame: frame.raw(), reference }, &mut take);
    }
    engine.finish(&mut take);
    Judged { alerts, summary: engine.summary() }
}

/// Normal is the first quarter of the frames.
fn baseline(frames: &[Frame]) -> Baseline {
    let mut learner = Learner::new(learn::Settings::default());
    for (frame, number) in frames.iter().take(frames.len() / 4).zip(1..) {
        learner.frame(frame.raw(), FrameRef { capture: 0, number });
    }
    learner.finish()
}

/// The server of `lab/converse`.
const CONTROLLER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 20));

/// Whether the sender of a frame answers on a port of a protocol.
fn is_answer(frame: &Frame) -> bool {
    let raw = frame.raw();
    let layers = dissect(&raw);
    let source = match layers.transport {
        TransportHeader::Tcp(header) => header.source,
        TransportHeader::Udp(header) => header.source,
        TransportHeader::None => return false,
    };
    // Modbus, S7, IEC 104, OPC UA, DNP3 and CIP: what our own captures and the public ones of the first two speak.
    matches!(source, 102 | 502 | 2_404 | 4_840 | 20_000 | 44_818)
        // Both sides of BACnet/IP speak from one port; the controller of our capture has this address.
        || source == 47_808 && layers.network.is_some_and(|network| network.source == CONTROLLER)
}

/// Both sides of a switch: each frame again, tens of microseconds later.
fn shown_twice(frames: &[Frame], change: impl Fn(&mut Frame)) -> Vec<Frame> {
    let mut all = Vec::new();
    for (n, frame) in frames.iter().enumerate() {
        let mut copy = frame.clone();
        copy.time = frame.time.saturating_add(Duration::from_micros(30));
        if let Some(next) = frames.get(n + 1) {
            copy.time = copy.time.min(next.time.max(frame.time));
        }
        change(&mut copy);
        all.extend([frame.clone(), copy]);
    }
    all
}

fn tagged(frame: &mut Frame) {
    if frame.link_type == LinkType::ETHERNET && frame.bytes.len() >= 14 {
        frame.bytes.splice(12..12, [0x81, 0, 0, 77]);
        frame.wire_length += 4;
    }
}

fn snapped(frames: &[Frame]) -> Vec<Frame> {
    let cut =
        |frame: &Frame| Frame { bytes: frame.bytes.iter().take(60).copied().collect(), ..frame.clone() };
    frames.iter().map(cut).collect()
}

/// From the middle on an hour earlier.
fn stepped_back(frames: &[Frame]) -> Vec<Frame> {
    let mut all = frames.to_vec();
    let middle = all.len() / 2;
    for frame in &mut all[middle..] {
        frame.time = frame.time.saturating_sub(Duration::from_secs(3_600));
    }
    all
}

/// Our own captures, and the public ones of the protocols decoded.
fn captures() -> Vec<PathBuf> {
    let own = common::root().join("pcaps");
    let of_ours = |path: &PathBuf| {
        path.parent().is_some_and(|folder| {
            folder == own || folder.ends_with("pcaps/modbus") || folder.ends_with("pcaps/s7comm")
        })
    };
    let small = |path: &PathBuf| {
        common::scale_is_full() || path.metadata().is_ok_and(|about| about.len() <= QUICK_OCTETS)
    };
    common::captures().into_iter().filter(of_ours).filter(small).collect()
}

#[derive(Default)]
struct Faults(BTreeMap<String, Vec<String>>);

impl Faults {
    fn demand(&mut self, path: &Path, what: &str, holds: bool) {
        if !holds {
            self.0
                .entry(path.file_name().unwrap().to_string_lossy().into_owned())
                .or_default()
                .push(what.into());
        }
    }
}

#[test]
fn what_a_mirror_shows_twice_or_tags_anew_changes_nothing() {
    let mut faults = Faults::default();
    for path in captures() {
        let whole = frames::read(&path);
        let normal = baseline(&whole);
        let plain = judge(&whole, Some(&normal));
        let ways: [(&str, Vec<Frame>, Reason); 3] = [
            ("shown twice", shown_twice(&whole, |_| {}), Reason::Copies),
            ("shown in two VLANs", shown_twice(&whole, tagged), Reason::VlanRewritten),
            ("one direction tagged", one_direction_tagged(&whole), Reason::VlanRewritten),
        ];
        for (how, changed, reason) in ways {
            let other = judge(&changed, Some(&normal));
            faults.demand(
                &path,
                &format!("{how}: messages"),
                plain.summary.messages == other.summary.messages,
            );
            faults.demand(&path, &format!("{how}: alerts"), plain.told() == other.told());
            let messages: u64 = plain.summary.messages.values().sum();
            let expected = messages < ENOUGH_MESSAGES || other.reasons().contains(&reason);
            faults.demand(&path, &format!("{how}: no {}", reason.word()), expected);
        }
    }
    assert!(faults.0.is_empty(), "{:#?}", faults.0);
}

fn one_direction_tagged(frames: &[Frame]) -> Vec<Frame> {
    let mut all = frames.to_vec();
    all.iter_mut().filter(|frame| is_answer(frame)).for_each(tagged);
    all
}

#[test]
fn what_a_mirror_loses_is_told_with_the_detectors_it_blinds() {
    let mut faults = Faults::default();
    let mut checked = 0;
    for path in captures() {
        let whole = frames::read(&path);
        let plain = judge(&whole, None);
        let usual = plain.reasons();
        let messages: u64 = plain.summary.messages.values().sum();
        let answers = whole.iter().filter(|frame| is_answer(frame)).count();
        if messages < ENOUGH_MESSAGES || answers < 30 || usual.contains(&Reason::OneWayMirror) {
            continue;
        }
        checked += 1;
        let mut check = |how: &str, frames: &[Frame], reason: Reason, detectors: &[&str], may: &[Reason]| {
            let other = judge(frames, None);
            let missing = !other.reasons().contains(&reason);
            faults.demand(&path, &format!("{how}: no {}: {:?}", reason.word(), other.reasons()), !missing);
            for detector in detectors {
                let blind = other.blinds(reason, detector);
                faults.demand(&path, &format!("{how}: {detector} is not blind"), blind || missing);
            }
            let wrong: Vec<_> = other
                .reasons()
                .into_iter()
                .filter(|other| *other != reason && !usual.contains(other) && !may.contains(other))
                .collect();
            faults.demand(&path, &format!("{how}: also {wrong:?}"), wrong.is_empty());
        };
        let requests: Vec<Frame> = whole.iter().filter(|frame| !is_answer(frame)).cloned().collect();
        let one_way = ["function-scan", "exception-burst"];
        // Where the mirror loses a direction, what it lost is also gaps, and requests without answers. A client that opens a
        // connection for each request fills its shard's table with connections that are never seen to end.
        let with_it = [Reason::Gaps, Reason::Unanswered, Reason::Caps];
        check("without answers", &requests, Reason::OneWayMirror, &one_way, &with_it);
        let of_clients = ["controller-mode", "new-point-write", "function-scan"];
        let replies: Vec<Frame> = whole.iter().filter(|frame| is_answer(frame)).cloned().collect();
        check("without requests", &replies, Reason::OneWayMirror, &of_clients, &with_it);
        let mut random = Random::seeded(&path);
        if whole.len() > 2_000 {
            let thinned: Vec<Frame> = whole.iter().filter(|_| random.below(100) != 0).cloned().collect();
            let may = [Reason::Unanswered, Reason::OneWayMirror, Reason::Undecodable];
            check("without one frame in a hundred", &thinned, Reason::Gaps, &["malformed"], &may);
        }
        let values = ["value-out-of-range"];
        let may = [Reason::Gaps, Reason::Unanswered, Reason::Undecodable, Reason::OneWayMirror, Reason::Caps];
        if whole.iter().any(|frame| is_answer(frame) && frame.bytes.len() > 64) {
            check("snapped", &snapped(&whole), Reason::Snapped, &values, &may);
        }
        check("clock back", &stepped_back(&whole), Reason::ClockSteps, &["exception-burst"], &[Reason::Gaps]);
    }
    println!("{checked} captures");
    assert!(checked >= 5, "{checked} captures say enough");
    assert!(faults.0.is_empty(), "{:#?}", faults.0);
}

/// Our own captures are clean; what a capture of others lacks is its own.
#[test]
fn a_clean_capture_gives_no_reason() {
    for path in captures().into_iter().filter(|path| path.starts_with(common::root().join("pcaps"))) {
        let judged = judge(&frames::read(&path), None);
        assert!(judged.summary.blind.is_empty(), "{}: {:?}", path.display(), judged.summary.blind);
        assert!(judged.alerts.iter().all(|alert| alert.detector != "sensor-blind"), "{}", path.display());
    }
}

/// Everything said of frames from which some were lost, one by one or by the batch on several threads.
fn said(frames: &[Frame], seed: u64, threads: usize) -> (Vec<Output>, Summary) {
    let seed = fieldwarden_engine::Seed(seed);
    let mut engine = Engine::new(Settings { seed, threads, ..Settings::default() });
    let mut said = Vec::new();
    let numbered = frames.iter().zip(1..);
    let numbered: Vec<_> =
        numbered.map(|(frame, number)| (FrameRef { capture: 0, number }, frame.raw())).collect();
    if threads == 0 {
        for (reference, frame) in numbered {
            engine.step(Input::Frame { frame, reference }, &mut |output| said.push(output));
        }
    } else {
        engine.frames(&numbered, &mut |output| said.push(output));
    }
    engine.finish(&mut |output| said.push(output));
    (said, engine.summary())
}

#[test]
fn neither_seed_nor_threads_change_what_is_said_of_blindness() {
    let path = captures().into_iter().find(|path| path.ends_with("normal-shift.pcap")).unwrap();
    let mut random = Random::seeded(&path);
    let whole = frames::read(&path);
    let thinned: Vec<Frame> =
        shown_twice(&stepped_back(&whole), tagged).into_iter().filter(|_| random.below(3) != 0).collect();
    let requests: Vec<Frame> = whole.into_iter().filter(|frame| !is_answer(frame)).collect();
    for frames in [thinned, requests] {
        let one_by_one = said(&frames, 1, 0);
        assert!(!one_by_one.1.blind.is_empty());
        assert_eq!(one_by_one, said(&frames, 2, 1));
        assert_eq!(one_by_one, said(&frames, 3, 4));
    }
}

/// A mirror that shows one direction only, and is mended: one incident, closed.
#[test]
fn a_mirror_that_goes_one_way_is_one_incident_until_it_is_mended() {
    let path = captures().into_iter().find(|path| path.ends_with("normal-shift.pcap")).unwrap();
    let whole = frames::read(&path);
    let length = whole.last().unwrap().time.since(whole[0].time) + Duration::from_secs(1);
    let mut all = Vec::new();
    for round in 0_u32..12 {
        let later =
            |frame: &Frame| Frame { time: frame.time.saturating_add(length * round), ..frame.clone() };
        let heard = |frame: &&Frame| round != 1 || !is_answer(frame);
        all.extend(whole.iter().filter(heard).map(later));
    }
    let (said, _) = said(&all, 1, 0);
    let alerts: Vec<&Alert> = said
        .iter()
        .filter_map(|output| if let Output::Alert(alert) = output { Some(alert) } else { None })
        .filter(|alert| alert.summary.starts_with("The sensor hears one direction only of "))
        .collect();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let revisions: Vec<bool> = said
        .iter()
        .filter_map(|output| if let Output::Incident(incident) = output { Some(incident) } else { None })
        .filter(|incident| incident.id == alerts[0].incident)
        .map(|incident| incident.open)
        .collect();
    assert_eq!(revisions, [true, false]);
}
