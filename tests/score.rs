//! The scorer: labelled attacks of public captures, learned and replayed as a user would.
//!
//! A baseline is learned, written as a text, read back, and the capture with the attack replayed against it. Then:
//! every attack episode raises at least one alert within its span that names the attacker, and no alert rests on frames
//! that are not part of an attack.
//!
//! An *episode* is what two talkers exchange in frames labelled as attack, until they are silent for more than
//! [`PAUSE`]. Labels are those of `shared/pcaps/README.md`: for QUT, the controller's replies to the attacker belong to
//! the attack as well; for Lemay's `moving_two_files`, Windows chatter between .100 and .104 is labelled in one capture
//! and not in others, and is not scored: alerts on it are neither wanted nor wrong.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use common::frames::{self, Frame};
use fieldwarden_engine::{Baseline, Engine, Input, Learner, Output, Seed, Settings, baseline::learn, json};
use fieldwarden_model::{Alert, FrameRef, IncidentId, Mac, Severity, Talker, Timestamp};
use fieldwarden_protocols::link;

/// A silence that divides two episodes.
const PAUSE: Duration = Duration::from_secs(60);

#[test]
fn lemay_every_episode_is_named_and_nothing_else() {
    let Some(pcaps) = pcaps() else { return };
    for stem in ["characterization_modbus_6RTU_with_operate", "moving_two_files_modbus_6RTU"] {
        let baseline = learn(&[pcaps.join(format!("modbus/lemay-derived__{stem}.normal.pcap"))]);
        let path = pcaps.join(format!("modbus/lemay__{stem}.pcap"));
        let frames = frames::read(&path);
        let labelled = labels(&path.with_extension("labels.csv"), ';', |fields| fields.get(1) == Some(&"1"));
        let scored = |n: &u64| frame(&frames, *n).is_some_and(|f| !is_windows_chatter(f));
        let attack: BTreeSet<u64> = labelled.iter().copied().filter(scored).collect();
        let tolerated: BTreeSet<u64> = labelled.difference(&attack).copied().collect();
        let told = replay(&baseline, &frames, 7);
        score(&path, &frames, &attack, &tolerated, &told, &[RTU]);
    }
}

/// The attacker of these captures is a station of the plant; here it has the address and the network card of the operator's station,
/// which polls the same controllers. What it touches beyond the baseline is all there is to see.
#[test]
fn lemay_from_the_operators_own_station_is_still_seen() {
    let Some(pcaps) = pcaps() else { return };
    for stem in ["characterization_modbus_6RTU_with_operate", "moving_two_files_modbus_6RTU"] {
        let baseline = learn(&[pcaps.join(format!("modbus/lemay-derived__{stem}.normal.pcap"))]);
        let path = pcaps.join(format!("modbus/lemay__{stem}.pcap"));
        let frames = frames::read(&path);
        let labelled = labels(&path.with_extension("labels.csv"), ';', |fields| fields.get(1) == Some(&"1"));
        let scored = |n: &u64| frame(&frames, *n).is_some_and(|f| !is_windows_chatter(f));
        let attack: BTreeSet<u64> = labelled.iter().copied().filter(scored).collect();
        let tolerated: BTreeSet<u64> = labelled.difference(&attack).copied().collect();
        let mac = card(&baseline, MASTER);
        let disguised = frames.iter().zip(1..).map(|(frame, number)| match attack.contains(&number) {
            true => disguise(frame, RTU, MASTER, mac),
            false => frame.clone(),
        });
        let disguised: Vec<Frame> = disguised.collect();
        let told = replay(&baseline, &disguised, 7);
        score(&path, &disguised, &attack, &tolerated, &told, &[MASTER]);
        let strange = told.alerts.iter().find(|alert| alert.detector == "new-talker");
        assert_eq!(strange, None, "{}: a known station is no new one", path.display());
    }
}

/// The captures in which nothing is an attack, 4.8 hours in all. What one data set has is one plant: its captures follow one another, and
/// the first half of their time teaches.
#[test]
fn the_second_half_of_what_is_normal_is_quiet() {
    let Some(pcaps) = pcaps() else { return };
    let lemay = ["characterization_modbus_6RTU_with_operate", "moving_two_files_modbus_6RTU"];
    let plants = [
        vec![pcaps.join("_background/qut__attacker.part1.pcap")],
        matching(&pcaps.join("s7comm"), "_Flooding.hmi.pcap"),
        lemay.map(|stem| pcaps.join(format!("modbus/lemay-derived__{stem}.normal.pcap"))).to_vec(),
    ];
    let (mut seconds, mut wrong, mut pressed) = (0.0, Vec::new(), Vec::new());
    for paths in &plants {
        let captures: Vec<Vec<Frame>> = paths.iter().map(|path| frames::read(path)).collect();
        let span = |frames: &Vec<Frame>| frames.last().unwrap().time.since(frames[0].time);
        let all: Duration = captures.iter().map(span).sum();
        let (mut teaching, mut judged, mut passed) = (Vec::new(), Vec::new(), Duration::ZERO);
        for frames in captures {
            let (first, whole) = (frames[0].time, span(&frames));
            let until = first.saturating_add((all / 2).saturating_sub(passed));
            let (before, after): (Vec<Frame>, Vec<Frame>) =
                frames.into_iter().partition(|frame| frame.time < until);
            teaching.push(before);
            judged.extend(after);
            passed += whole;
        }
        let told = replay(&learn_from(&teaching), &judged, 7);
        seconds += all.as_secs_f64();
        println!(
            "{} and {} more: {:.2} h judged, {} incidents",
            paths[0].file_name().unwrap_or_default().to_string_lossy(),
            paths.len() - 1,
            all.as_secs_f64() / 7_200.0,
            told.incidents.len()
        );
        // Upstream itself calls what Windows says between these two an attack in one capture and normal in another.
        let chatter = |alert: &&Alert| alert.server_port != Some(139);
        for alert in told.alerts.iter().filter(chatter) {
            if is_information(alert) { &mut pressed } else { &mut wrong }.push(alert.summary.clone());
        }
    }
    println!(
        "{:.1} hours of normal captures, {} false alerts; for information: {}",
        seconds / 3_600.0,
        wrong.len(),
        pressed.join("; ")
    );
    assert!(seconds > 4.7 * 3_600.0, "{seconds} s");
    assert!(wrong.is_empty(), "{} false alerts:\n{}", wrong.len(), wrong.join("\n"));
    // Buttons that an operator pressed for the first time in the second half.
    assert_eq!(pressed.len(), 2, "{pressed:?}");
}

/// The same the other way round, with the captures in which buttons are pressed: what the later ones teach keeps the earlier ones quiet.
#[test]
fn what_is_normal_before_is_quiet_after_what_came_later() {
    let Some(pcaps) = pcaps() else { return };
    let paths = matching(&pcaps.join("s7comm"), "_Flooding.hmi.pcap");
    let baseline = learn(&paths[2..]);
    let mut pressed = 0;
    for path in &paths[..2] {
        let told = replay(&baseline, &frames::read(path), 7);
        let wrong: Vec<&String> =
            told.alerts.iter().filter(|alert| !is_information(alert)).map(|alert| &alert.summary).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", path.display());
        pressed += told.alerts.len();
    }
    assert_eq!(pressed, 1, "M102.2 is written in the first capture alone");
}

/// Whether an alert is told for information, and belongs to no incident.
fn is_information(alert: &Alert) -> bool {
    alert.incident.0.is_empty() && alert.severity == Severity::Info
}

/// Two stations exchange a file in five and in twelve registers, by the functions and points they always use; the file is sent again and
/// again, so that the tenth of the time that teaches is full of it. Labelled as whole files.
#[test]
fn lemay_a_file_in_the_values_of_registers_is_told() {
    let Some(pcaps) = pcaps() else { return };
    for stem in ["lemay__channel_4d_5s", "lemay__channel_4d_12s"] {
        let frames = frames::read(&pcaps.join(format!("modbus/{stem}.pcap")));
        let (first, last) = (frames[0].time, frames.last().unwrap().time);
        let until = first.saturating_add(last.since(first) / 10);
        let (teaching, rest): (Vec<Frame>, Vec<Frame>) =
            frames.into_iter().partition(|frame| frame.time < until);
        let told = replay(&learn_from(&[teaching]), &rest, 7);
        let told: Vec<&Alert> = told.alerts.iter().filter(|a| a.detector == "covert-channel").collect();
        assert!(!told.is_empty(), "{stem}");
        println!(
            "{stem}: told {} times, first {:.0} s after the tenth that teaches: {}",
            told.len(),
            told[0].time.since(until).as_secs_f64(),
            told[0].summary
        );
        let pair = (told[0].client.to_string(), told[0].server.unwrap().to_string());
        assert_eq!(pair, ("192.168.43.148".into(), "192.168.43.149".into()), "{stem}");
    }
}

#[test]
fn qut_every_episode_is_named_and_nothing_else() {
    let Some(pcaps) = pcaps() else { return };
    let baseline = learn(&matching(&pcaps.join("s7comm"), "_Flooding.hmi.pcap"));
    for path in matching(&pcaps.join("s7comm"), ".master.pcap") {
        let frames = frames::read(&path);
        let attack = attack_of_qut(&path, &frames);
        let told = replay(&baseline, &frames, 7);
        score(&path, &frames, &attack, &BTreeSet::new(), &told, &[ATTACKER]);
    }
}

/// The attacker has taken over the operator's station: same addresses, same controller, same function. What is left to
/// see are points and values. Every attack of this data set writes a whole octet or a real number of the flag area; the
/// station writes three single bits of it (M101.1, M101.2, M102.2), so each of them is outside the baseline.
#[test]
fn qut_from_the_operators_own_station_is_still_seen() {
    let Some(pcaps) = pcaps() else { return };
    let baseline = learn(&matching(&pcaps.join("s7comm"), "_Flooding.hmi.pcap"));
    let mac = card(&baseline, STATION);
    for path in matching(&pcaps.join("s7comm"), ".master.pcap") {
        let frames = frames::read(&path);
        let attack = attack_of_qut(&path, &frames);
        let disguised: Vec<Frame> =
            frames.iter().map(|frame| disguise(frame, ATTACKER, STATION, mac)).collect();
        let told = replay(&baseline, &disguised, 7);
        score(&path, &disguised, &attack, &BTreeSet::new(), &told, &[STATION]);
        // What is written, and how often: that a known station asks is nothing new.
        let expected = [
            "new-point-write",
            "value-out-of-range",
            "value-step",
            "write-burst",
            "point-toggling",
            "request-flood",
        ];
        let other = told.alerts.iter().find(|alert| !expected.contains(&alert.detector.as_str()));
        assert_eq!(other, None, "{}: a known station is no new one", path.display());
    }
}

#[test]
fn two_seeds_say_the_same() {
    let Some(pcaps) = pcaps() else { return };
    let path = pcaps.join("modbus/lemay__characterization_modbus_6RTU_with_operate.pcap");
    let normal = path.with_file_name("lemay-derived__characterization_modbus_6RTU_with_operate.normal.pcap");
    let baseline = learn(&[normal]);
    let frames = frames::read(&path);
    let lines = |seed| {
        let told = replay(&baseline, &frames, seed);
        told.alerts.iter().map(|alert| json::alert(alert, json::Captures::One)).collect::<Vec<_>>()
    };
    assert_eq!(lines(1), lines(u64::MAX));
}

const ATTACKER: &str = "10.10.10.66";
const STATION: &str = "10.10.10.20";
/// Lemay's attacker, a station of the plant like others, and the one that polls them.
const RTU: &str = "192.168.1.101";
const MASTER: &str = "192.168.1.100";

/// Asserts both halves of the score.
fn score(
    path: &Path,
    frames: &[Frame],
    attack: &BTreeSet<u64>,
    tolerated: &BTreeSet<u64>,
    told: &Told,
    attackers: &[&str],
) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let alerts = &told.alerts;
    let rests_on =
        |alert: &Alert, set: &BTreeSet<u64>| alert.frames.iter().any(|frame| set.contains(&frame.number));
    let is_false = |alert: &&Alert| {
        !rests_on(alert, tolerated) && !alert.frames.iter().all(|frame| attack.contains(&frame.number))
    };
    let wrong: Vec<&str> = alerts.iter().filter(is_false).map(|alert| alert.summary.as_str()).collect();
    let episodes = episodes(frames, attack);
    assert!(!episodes.is_empty(), "{name}: no episode");
    let delay = |episode: &Episode| {
        let names = |alert: &&Alert| {
            let talkers = [Some(alert.client), alert.server];
            let named =
                talkers.iter().flatten().any(|talker| attackers.contains(&talker.to_string().as_str()));
            named
                && !is_information(alert)
                && (episode.first..=episode.last).contains(&alert.time)
                && rests_on(alert, &episode.frames)
        };
        alerts.iter().find(names).map(|first| first.time.since(episode.first))
    };
    let delays: Vec<Option<Duration>> = episodes.iter().map(delay).collect();
    let hours = frames.last().unwrap().time.since(frames[0].time).as_secs_f64() / 3_600.0;
    println!(
        "{name}: {} of {} episodes, at most {:.3} s after their first frame, {} alerts, {} incidents, {:.1} false an hour",
        delays.iter().flatten().count(),
        episodes.len(),
        delays.iter().flatten().max().map_or(0.0, Duration::as_secs_f64),
        alerts.len(),
        told.incidents.len(),
        f64::from(u32::try_from(wrong.len()).unwrap()) / hours
    );
    assert!(wrong.is_empty(), "{name}: false alerts: {wrong:#?}");
    if let Some(missed) = delays.iter().position(Option::is_none) {
        panic!("{name}: no alert for the episode of frames {:?}", episodes[missed].frames);
    }
    let most = 2 * episodes.len();
    assert!(
        told.incidents.len() <= most,
        "{name}: {} incidents of {} episodes",
        told.incidents.len(),
        episodes.len()
    );
}

struct Episode {
    pair: (IpAddr, IpAddr),
    first: Timestamp,
    last: Timestamp,
    frames: BTreeSet<u64>,
}

fn episodes(frames: &[Frame], attack: &BTreeSet<u64>) -> Vec<Episode> {
    let mut episodes: Vec<Episode> = Vec::new();
    for number in attack {
        let Some(frame) = frame(frames, *number) else { continue };
        let Some((a, b)) = addresses(frame) else { continue };
        let pair = (a.min(b), a.max(b));
        let running = episodes.iter_mut().rev().find(|episode| episode.pair == pair);
        match running.filter(|episode| frame.time.since(episode.last) <= PAUSE) {
            Some(episode) => {
                episode.last = frame.time;
                episode.frames.insert(*number);
            }
            None => {
                let frames = BTreeSet::from([*number]);
                episodes.push(Episode { pair, first: frame.time, last: frame.time, frames });
            }
        }
    }
    episodes
}

/// A baseline as a user gets it: learned, written, read back.
fn learn(captures: &[PathBuf]) -> Baseline {
    assert!(!captures.is_empty(), "no capture to learn from");
    learn_from(&captures.iter().map(|path| frames::read(path)).collect::<Vec<_>>())
}

fn learn_from(captures: &[Vec<Frame>]) -> Baseline {
    let mut learner = Learner::new(learn::Settings::default());
    for (frames, capture) in captures.iter().zip(0..) {
        for (frame, number) in frames.iter().zip(1..) {
            learner.frame(frame.raw(), FrameRef { capture, number });
        }
    }
    let text = fieldwarden_config::write(&learner.finish().document());
    let mut sources = fieldwarden_config::Sources::new();
    let file = sources.add("baseline.toml", text.clone());
    let read = fieldwarden_config::parse(&sources, file).and_then(|section| Baseline::configure(&section));
    let baseline = read.unwrap_or_else(|faults| panic!("{}", fieldwarden_config::render(&faults, &sources)));
    assert_eq!(fieldwarden_config::write(&baseline.document()), text, "what was written is read back");
    baseline
}

/// What a replay told.
#[derive(Default)]
struct Told {
    alerts: Vec<Alert>,
    incidents: BTreeSet<IncidentId>,
}

fn replay(baseline: &Baseline, frames: &[Frame], seed: u64) -> Told {
    let settings = Settings { baseline: Some(baseline.clone()), seed: Seed(seed), ..Settings::default() };
    let mut engine = Engine::new(settings);
    let mut told = Told::default();
    let mut take = |output| match output {
        Output::Alert(alert) => told.alerts.push(alert),
        Output::Incident(incident) => {
            told.incidents.insert(incident.id);
        }
        _ => {}
    };
    for (frame, number) in frames.iter().zip(1..) {
        let reference = FrameRef { capture: 0, number };
        engine.step(Input::Frame { frame: frame.raw(), reference }, &mut take);
    }
    engine.finish(&mut take);
    told
}

fn pcaps() -> Option<PathBuf> {
    common::shared().map(|shared| shared.join("pcaps"))
}

fn matching(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("qut__") && name.ends_with(ending)
        })
        .collect();
    paths.sort();
    paths
}

/// Frame numbers of a label file, of the rows that count.
fn labels(path: &Path, separator: char, counts: impl Fn(&[&str]) -> bool) -> BTreeSet<u64> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let rows = text.lines().map(|line| line.trim().split(separator).collect::<Vec<_>>());
    rows.filter(|row| counts(row)).filter_map(|row| row.first()?.parse().ok()).collect()
}

/// Everything the attacker says or hears; the labels list what he says to the controller.
fn attack_of_qut(path: &Path, frames: &[Frame]) -> BTreeSet<u64> {
    let labelled = labels(&path.with_extension("labels.csv"), ',', |_| true);
    assert!(!labelled.is_empty(), "{}: no labels", path.display());
    let attacker: IpAddr = ATTACKER.parse().unwrap();
    let his = |frame: &Frame| addresses(frame).is_some_and(|(a, b)| a == attacker || b == attacker);
    let all: BTreeSet<u64> =
        frames.iter().zip(1..).filter(|(frame, _)| his(frame)).map(|(_, number)| number).collect();
    assert!(labelled.is_subset(&all), "{}: labels beyond the attacker's frames", path.display());
    all
}

fn is_windows_chatter(frame: &Frame) -> bool {
    let chatters =
        ["192.168.1.100", "192.168.1.104", "192.168.1.255"].map(|text| text.parse::<IpAddr>().unwrap());
    addresses(frame).is_some_and(|(a, b)| chatters.contains(&a) && chatters.contains(&b))
}

fn frame(frames: &[Frame], number: u64) -> Option<&Frame> {
    frames.get(usize::try_from(number).ok()?.checked_sub(1)?)
}

fn addresses(frame: &Frame) -> Option<(IpAddr, IpAddr)> {
    let raw = frame.raw();
    let layers = link::dissect(&raw);
    let of_arp = |arp: link::Arp| (IpAddr::V4(arp.sender.1), IpAddr::V4(arp.target.1));
    layers.network.map(|network| (network.source, network.destination)).or_else(|| layers.arp.map(of_arp))
}

/// The network card a station was learned with.
fn card(baseline: &Baseline, station: &str) -> Mac {
    let station: Talker = station.parse().unwrap();
    let known = baseline.talkers.iter().find(|known| known.talker == station);
    known.and_then(|known| known.mac).unwrap()
}

/// The frame with the attacker's addresses replaced by the station's, in the Ethernet and the IPv4 or ARP header.
/// Checksums are left as they are: nothing here looks at them.
fn disguise(frame: &Frame, attacker: &str, own: &str, station: Mac) -> Frame {
    let mut frame = frame.clone();
    let (attacker, own): (IpAddr, IpAddr) = (attacker.parse().unwrap(), own.parse().unwrap());
    let (IpAddr::V4(attacker), IpAddr::V4(own)) = (attacker, own) else { unreachable!("both are IPv4") };
    let Some((source, destination)) = addresses(&frame) else { return frame };
    let (ip, macs): (&[usize], &[usize]) = match frame.bytes.get(12..14) {
        Some([0x08, 0x00]) => (&[26, 30], &[6, 0]),
        Some([0x08, 0x06]) => (&[28, 38], &[22, 32]),
        _ => return frame,
    };
    for ((address, ip), mac) in [source, destination].iter().zip(ip).zip(macs) {
        if *address == IpAddr::V4(attacker) {
            frame.bytes[*ip..*ip + 4].copy_from_slice(&own.octets());
            frame.bytes[*mac..*mac + 6].copy_from_slice(&station.0);
            if frame.bytes[12..14] == [0x08, 0x06] && *mac == 22 {
                frame.bytes[6..12].copy_from_slice(&station.0);
            }
        }
    }
    frame
}
