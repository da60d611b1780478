//! Every capture of the shared corpus, and of our own, through link layers, reassembly and dissectors: whole, cut at random
//! octets, each TCP segment split in two, neighbouring segments swapped, every segment doubled. Nothing panics, memory stays
//! bounded and is given back, and the split, swapped and doubled runs give the same messages in the same order.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;

use std::{collections::BTreeMap, path::Path};

use common::{
    decode::{self, Messages},
    frames::{self, Frame},
    random::Random,
};

/// Octets a tracker may hold after any capture of the corpus; the captures hold at most some thousand flows.
const MEMORY_CAP: usize = 64 << 20;
/// Octets that this process may ever have resident: the largest capture three times over, and the trackers.
const PEAK_RESIDENT: u64 = 512 << 20;
/// At the quick scale, captures above this size are read whole and split only.
const QUICK_OCTETS: u64 = 400_000;

#[test]
fn the_corpus_survives_cuts_and_reads_the_same_however_it_is_segmented() {
    let captures = common::captures();
    let mut different = BTreeMap::new();
    for path in &captures {
        let quick = common::scale_is_full() || path.metadata().is_ok_and(|m| m.len() <= QUICK_OCTETS);
        let whole = frames::read(path);
        let messages = decode::messages(&whole, MEMORY_CAP);
        check(path, "split in two", &messages, &frames::split(&whole), &mut different);
        if quick {
            check(path, "swapped", &messages, &frames::swapped(&whole), &mut different);
            check(path, "doubled", &messages, &frames::doubled(&whole), &mut different);
            let mut random = Random::seeded(path);
            decode::messages(&frames::cut(&whole, &mut random), MEMORY_CAP);
        }
    }
    common::without_open("corpus", &mut different);
    assert!(
        different.is_empty(),
        "{} of {} captures differ:\n{different:#?}",
        different.len(),
        captures.len()
    );
    let peak = peak_resident();
    println!("{} captures, at most {} MiB resident", captures.len(), peak >> 20);
    assert!(peak < PEAK_RESIDENT, "{} MiB were resident at the peak", peak >> 20);
}

/// The most octets of this process that were ever resident (proc(5), `VmHWM`).
fn peak_resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

fn check(
    path: &Path,
    how: &str,
    whole: &Messages,
    frames: &[Frame],
    different: &mut BTreeMap<String, String>,
) {
    let other = decode::messages(frames, MEMORY_CAP);
    if let Some(what) = decode::difference(whole, &other) {
        different.insert(format!("{} {how}", path.display()), what);
    }
}
