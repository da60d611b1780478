//! Every capture of the shared corpus, and of our own, through link layers, reassembly and dissectors: whole, cut at random
//! octets, each TCP segment split in two, neighbouring segments swapped, every segment doubled. Nothing panics, memory stays
//! bounded, and the split, swapped and doubled runs give the same messages.

mod common;

use std::{collections::BTreeMap, path::Path};

use common::{
    decode::{self, Messages},
    frames::{self, Frame},
    random::Random,
};

/// Octets a tracker may hold after any capture of the corpus; the captures hold at most some thousand flows.
const MEMORY_CAP: usize = 64 << 20;
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
    assert!(
        different.is_empty(),
        "{} of {} captures differ:\n{different:#?}",
        different.len(),
        captures.len()
    );
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
