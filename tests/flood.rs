//! A flood of frames from made-up talkers: memory stays flat and under its cap, the flood is one incident, and what is
//! done meanwhile by those who are not made up is told by itself.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops here"
)]
#![expect(dead_code, reason = "the helpers are shared with other tests")]

#[path = "common/mod.rs"]
mod common;

use std::{path::Path, process::Command};

use common::{
    frames::{Frame, read},
    random::Random,
    root, scale_is_full,
};
use fieldwarden_config::Sources;
use fieldwarden_engine::{Baseline, Engine, Input, Output, Seed, Settings, detect};
use fieldwarden_model::{FrameRef, Incident, LinkType, RawFrame, Timestamp};

/// Set in the child that lets the flood pass, so that its memory is its own.
const CHILD: &str = "FIELDWARDEN_FLOOD_FRAMES";
/// The stranger of our captures, who stops the controller.
const STOPS: [u8; 4] = [10, 2, 0, 66];
/// The stranger who exchanges Modbus: the same sum of words, so that every checksum stays true.
const EXCHANGES: [u8; 4] = [10, 1, 0, 67];
/// What the whole process may take, and by how much memory may grow once its tables are full.
const CAP_KIB: u64 = 256 * 1024;
const GROWTH_KIB: u64 = 4 * 1024;
/// One frame in two microseconds.
const STEP_NANOS: i64 = 2_000;

#[test]
fn a_flood_is_one_incident_and_hides_nothing() {
    let frames: u64 = if scale_is_full() { 10_000_000 } else { 1_000_000 };
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_flood_itself", "--nocapture"])
        .env(CHILD, frames.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}\n{}", String::from_utf8_lossy(&child.stderr));
    println!("{said}");
}

/// Runs in the child alone.
#[test]
fn the_flood_itself() {
    let Ok(frames) = std::env::var(CHILD) else { return };
    let frames: u64 = frames.parse().unwrap();
    let mut plant = Vec::new();
    for capture in ["normal-shift", "rogue-write", "plc-stop"] {
        let mut those = read(&root().join(format!("pcaps/{capture}.pcap")));
        if capture == "rogue-write" {
            those.iter_mut().for_each(|frame| rename(frame, STOPS, EXCHANGES));
        }
        plant.extend(those);
    }
    // The plant's frames come in seconds here and came in minutes: to write so often is no usual thing.
    let disabled = ["write-burst", "point-toggling"].map(String::from).to_vec();
    let detectors = detect::Settings { disabled, ..detect::Settings::default() };
    let mut engine =
        Engine::new(Settings { baseline: Some(baseline()), detectors, seed: Seed(7), ..Settings::default() });
    let start = plant[0].time;
    let mut random = Random::seeded(Path::new("flood"));
    let mut incidents: Vec<Incident> = Vec::new();
    let mut alerts = 0_u64;
    let mut stops = 0;
    let mut exchanges = 0;
    let mut take = |output: Output| match output {
        Output::Alert(alert) => {
            alerts += 1;
            let client = alert.client.to_string();
            stops += u32::from(client == "10.2.0.66" && alert.detector == "controller-mode");
            exchanges += u32::from(client == "10.1.0.67" && alert.detector == "new-conversation");
        }
        Output::Incident(incident) => {
            incidents.retain(|known| known.id != incident.id);
            incidents.push(incident);
        }
        _ => {}
    };
    // The plant's frames are spread over the whole flood, in their order.
    let every = frames / plant.len() as u64;
    let mut early = None;
    let mut buffer = Vec::new();
    let mut plant_frames = plant.iter();
    for n in 0..frames {
        let time = Timestamp::from_nanos(start.nanos() + i64::try_from(n).unwrap() * STEP_NANOS);
        let reference = FrameRef { capture: 0, number: n + 1 };
        let hidden = (n % every == every - 1).then(|| plant_frames.next()).flatten();
        let frame = match hidden {
            Some(frame) => RawFrame { time, ..frame.raw() },
            None => {
                made_up(&mut random, &mut buffer);
                let wire_length = u32::try_from(buffer.len()).unwrap();
                RawFrame {
                    time,
                    link_type: LinkType::ETHERNET,
                    interface: 0,
                    wire_length,
                    tag: None,
                    bytes: &buffer,
                }
            }
        };
        engine.step(Input::Frame { frame, reference }, &mut take);
        if n == frames / 5 {
            early = Some(resident("VmRSS"));
        }
    }
    engine.finish(&mut take);
    let (early, late, peak) = (early.unwrap(), resident("VmRSS"), resident("VmHWM"));
    println!("{frames} frames, resident {early} KiB after a fifth, {late} at the end, {peak} at most");
    println!("{alerts} alerts, limits {:?}", engine.summary().blind);
    for incident in &incidents {
        println!("{} alerts: {}", incident.alerts, incident.title);
    }
    assert_eq!(plant_frames.len(), 0, "all of the plant was seen");
    assert!(peak < CAP_KIB, "{peak} KiB");
    assert!(late <= early + GROWTH_KIB, "grew from {early} to {late} KiB");
    assert!(stops > 0 && exchanges > 0, "{stops} stops, {exchanges} exchanges");
    let about = |word: &str| incidents.iter().filter(|incident| incident.title.contains(word)).count();
    assert_eq!(about("Flood of unknown addresses"), 1);
    assert_eq!(about("10.2.0.66 changed the operating mode"), 1);
    assert_eq!(about("10.1.0.67 wrote set-points"), 1);
    assert_eq!(about("The sensor is partly blind: a table was full"), 1, "what it cost is said as well");
    assert_eq!(incidents.len(), 4);
}

/// A frame of a talker that does not exist: TCP SYN, UDP, ARP, to the controllers and to others.
fn made_up(random: &mut Random, frame: &mut Vec<u8>) {
    let byte = |random: &mut Random| u8::try_from(random.below(256)).unwrap();
    let source = [10, 64 + byte(random) % 64, byte(random), 1 + byte(random) % 250];
    let target = match random.below(4) {
        0 => [10, 1, 0, 10],
        1 => [10, 1, 0, 20],
        _ => [10, 1, byte(random), byte(random)],
    };
    let mac = [2, 0x66, source[0], source[1], source[2], source[3]];
    frame.clear();
    frame.extend_from_slice(&[2, 0, 10, 1, 0, target[3]]);
    frame.extend_from_slice(&mac);
    let kind = random.below(8);
    if kind == 0 {
        frame.extend_from_slice(&[0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
        frame.extend_from_slice(&mac);
        frame.extend_from_slice(&source);
        frame.extend_from_slice(&[0; 6]);
        frame.extend_from_slice(&target);
        return;
    }
    let tcp = kind > 2;
    let ports = [502_u16, 102, 80, u16::try_from(random.below(65_535)).unwrap()];
    let port = ports[random.below(4)].to_be_bytes();
    let payload = if tcp { 20 } else { 16 };
    frame.extend_from_slice(&[0x08, 0x00]);
    let mut ip =
        [0x45, 0, 0, 20 + payload, byte(random), byte(random), 0x40, 0, 64, if tcp { 6 } else { 17 }, 0, 0]
            .to_vec();
    ip.extend_from_slice(&source);
    ip.extend_from_slice(&target);
    let sum: u32 = ip.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    ip[10..12].copy_from_slice(&u16::try_from(!(folded + (folded >> 16)) & 0xffff).unwrap().to_be_bytes());
    frame.extend_from_slice(&ip);
    frame.extend_from_slice(&[byte(random), byte(random), port[0], port[1]]);
    if tcp {
        let sequence = [byte(random), byte(random), byte(random), byte(random)];
        frame.extend_from_slice(&sequence);
        frame.extend_from_slice(&[0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
    } else {
        frame.extend_from_slice(&[0, 16, 0, 0]);
        frame.extend_from_slice(&[byte(random); 8]);
    }
}

/// Puts another address in the place of one, wherever it stands in the headers: the hardware addresses of our captures are made
/// from it, and those of a frame and of the ARP in it must stay the same.
fn rename(frame: &mut Frame, from: [u8; 4], to: [u8; 4]) {
    let length = frame.bytes.len().min(42);
    for at in 0..length.saturating_sub(3) {
        if frame.bytes[at..at + 4] == from {
            frame.bytes[at..at + 4].copy_from_slice(&to);
        }
    }
}

fn baseline() -> Baseline {
    let mut sources = Sources::new();
    let file = fieldwarden_config::read(&mut sources, &root().join("config/shipped/baseline.toml")).unwrap();
    let section = fieldwarden_config::parse(&sources, file).unwrap();
    Baseline::configure(&section).unwrap()
}

/// A figure of this process, in KiB.
fn resident(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
