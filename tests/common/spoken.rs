//! Which captures hold what is decoded, found by decoding, so that a protocol is tested from the day it is registered.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{decode, frames};

/// Frames at the front of a capture that are looked at for a message.
const LOOKED_AT: usize = 400;

/// What the quick scale takes of each folder; the full scale takes all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quick {
    /// Captures of one folder, spread over those that will do.
    pub(crate) per_folder: usize,
    /// Octets of a capture at most.
    pub(crate) octets: u64,
}

/// Captures that hold messages of some dissector: our own, and the public ones where they are.
pub(crate) fn spoken(quick: Quick) -> Vec<PathBuf> {
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in super::captures() {
        folders.entry(path.parent().unwrap_or(Path::new("")).to_path_buf()).or_default().push(path);
    }
    let own = super::root().join("pcaps");
    let chosen =
        folders.into_iter().flat_map(|(folder, captures)| match folder == own || super::scale_is_full() {
            true => captures.into_iter().filter(|path| speaks(path)).collect(),
            false => some_of(captures, quick),
        });
    chosen.collect()
}

/// Some captures of a folder, from all over it.
fn some_of(captures: Vec<PathBuf>, quick: Quick) -> Vec<PathBuf> {
    let small = |path: &PathBuf| path.metadata().is_ok_and(|metadata| metadata.len() <= quick.octets);
    let small: Vec<PathBuf> = captures.into_iter().filter(small).collect();
    let stride = small.len().div_ceil(quick.per_folder).max(1);
    let mut found = Vec::new();
    for first in 0..stride {
        let left = quick.per_folder - found.len();
        found
            .extend(small.iter().skip(first).step_by(stride).filter(|path| speaks(path)).take(left).cloned());
    }
    found.sort();
    found
}

fn speaks(path: &Path) -> bool {
    !decode::messages(&frames::front(path, LOOKED_AT), usize::MAX).is_empty()
}
