//! Writes what fuzzing begins with: conversations out of the captures, for each dissector's target those that it took.
//!
//! usage: cargo run --example seeds [-- FOLDER], which is `fuzz/corpus` where none is named. Public captures are used where they are.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a tool of the laboratory that cannot go on stops here"
)]
#![allow(dead_code, reason = "what tests share is more than is used here")]

#[path = "../../tests/common/mod.rs"]
mod common;

use std::{collections::BTreeMap, fs, path::PathBuf};

use fieldwarden_model::Transport;
use fieldwarden_protocols::Direction;

use common::{frames, samples};

/// Seeds of one target.
const MOST: usize = 64;
/// Octets of one seed.
const LONGEST: usize = 4_096;
/// Frames read of one capture.
const FRAMES: usize = 20_000;
/// Targets whose first octet chooses the transport.
const CHOOSES: [&str; 6] = ["ads", "codesys", "ff_hse", "hart_ip", "knxnet_ip", "modbus"];

fn main() {
    let named = std::env::args().nth(1).map(PathBuf::from);
    let folder = named.unwrap_or_else(|| common::root().join("fuzz/corpus"));
    let mut seeds: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut add = |target: &str, seed: Vec<u8>| {
        let seeds = seeds.entry(target.to_owned()).or_default();
        if seeds.len() < MOST && !seed.is_empty() && !seeds.contains(&seed) {
            seeds.push(seed);
        }
    };
    for capture in captures() {
        let frames = frames::front(&capture, FRAMES);
        for sample in samples::samples(&capture, &frames) {
            add(sample.protocol, conversation(&sample));
        }
        add("engine", train(&frames));
        for frame in frames.iter().take(4) {
            add("link", [&[0], frame.bytes.get(..LONGEST).unwrap_or(&frame.bytes)].concat());
        }
        let file = fs::read(&capture).unwrap();
        if file.len() <= 4 * LONGEST {
            add("capture_file", file);
        }
    }
    for (target, seeds) in &seeds {
        let folder = folder.join(target);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("capture-{number:02}")), seed).unwrap();
        }
        println!("{target}\t{} seeds", seeds.len());
    }
}

/// The captures of the golden cases, then all others.
fn captures() -> Vec<PathBuf> {
    let cases = fs::read_dir(common::root().join("tests/cases")).unwrap().flatten();
    let mut found: Vec<PathBuf> =
        cases.map(|case| case.path().join("capture.pcap")).filter(|path| path.is_file()).collect();
    found.sort();
    found.extend(common::captures());
    found
}

/// A conversation as the targets cut it: control (direction, and that the octets go in as they are), length, octets.
fn conversation(sample: &samples::Sample) -> Vec<u8> {
    let mut seed = Vec::new();
    if CHOOSES.contains(&sample.protocol) {
        seed.push(u8::from(sample.transport != Transport::Tcp));
    }
    for (direction, octets) in &sample.parts {
        for piece in octets.chunks(usize::from(u8::MAX)) {
            if seed.len() + piece.len() + 2 > LONGEST {
                return seed;
            }
            seed.push(2 | u8::from(*direction == Direction::ToClient));
            seed.push(u8::try_from(piece.len()).unwrap());
            seed.extend_from_slice(piece);
        }
    }
    seed
}

/// The first short frames as the target of the engine cuts them: length, pause, octets.
fn train(frames: &[frames::Frame]) -> Vec<u8> {
    let mut seed = Vec::new();
    for frame in frames.iter().filter(|frame| frame.bytes.len() <= usize::from(u8::MAX)) {
        if seed.len() + frame.bytes.len() + 2 > LONGEST {
            break;
        }
        seed.push(u8::try_from(frame.bytes.len()).unwrap());
        seed.push(1);
        seed.extend_from_slice(&frame.bytes);
    }
    seed
}
