//! What whole-product tests share: where captures are, how much to run, how frames are changed.

pub(crate) mod decode;
pub(crate) mod frames;
pub(crate) mod random;
pub(crate) mod samples;
pub(crate) mod spoken;
pub(crate) mod told;
pub(crate) mod trace;
pub(crate) mod wire;
pub(crate) mod wrap;

use std::path::{Path, PathBuf};

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of shared test data beside the project, where it is.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder =
        std::env::var_os("FIELDWARDEN_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    if folder.join("pcaps").is_dir() {
        return Some(folder);
    }
    skipped(&format!("{} holds no `pcaps`: what needs the public captures was not tested", folder.display()));
    None
}

/// Says what was not tested, past the test harness, which keeps the output of tests that pass to itself.
pub(crate) fn skipped(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// `SCALE` at which the counts that issues state are run; 1 is the quick count.
const FULL_SCALE: u32 = 5;

/// Whether the counts that issues state are asked for.
pub(crate) fn scale_is_full() -> bool {
    std::env::var("SCALE").is_ok_and(|scale| scale.parse::<u32>().is_ok_and(|scale| scale >= FULL_SCALE))
}

/// Our own captures, and the public ones where they are, in a fixed order.
pub(crate) fn captures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("pcaps")];
    if let Some(shared) = shared() {
        folders.extend(std::fs::read_dir(shared.join("pcaps")).unwrap().flatten().map(|entry| entry.path()));
    }
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let inside = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
        found.extend(inside.filter(|path| {
            path.extension()
                .is_some_and(|ending| ["pcap", "pcapng", "cap"].contains(&&*ending.to_string_lossy()))
        }));
    }
    found.sort();
    found
}

/// Differences that are known and not mended yet, a line each: test, capture, what is wrong. Every other one fails its test.
const OPEN: &str = include_str!("../conformance/open.tsv");

/// Takes the differences out that are known, and says so past the test harness.
pub(crate) fn without_open<V>(test: &str, differences: &mut std::collections::BTreeMap<String, V>) {
    for line in OPEN.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let (Some(of), Some(capture), Some(what)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        let before = differences.len();
        if of == test {
            differences.retain(|name, _| !name.contains(capture));
        }
        if differences.len() < before {
            skipped(&format!("{test}: {capture} differs, which is known and open: {what}"));
        }
    }
}
