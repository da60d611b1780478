//! Our decoder against tshark over the public captures, frame by frame, by the judge beside the project.
//!
//! At the quick scale only small captures are held against each other; `SCALE=5` takes all of them.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;

use std::{path::PathBuf, process::Command};

/// Captures above this size wait for the full scale.
const QUICK_OCTETS: u64 = 60_000;

#[test]
fn every_frame_agrees_with_tshark_or_is_explained() {
    let Some(shared) = common::shared() else { return };
    if Command::new("tshark").arg("--version").output().is_err() {
        common::skipped("tshark is not installed: decoding was not held against it");
        return;
    }
    let mut captures: Vec<PathBuf> = ["modbus", "s7comm", "umas"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(shared.join("pcaps").join(folder)).unwrap().flatten())
        .map(|entry| entry.path())
        .filter(|path| common::scale_is_full() || path.metadata().is_ok_and(|m| m.len() <= QUICK_OCTETS))
        .collect();
    captures.sort();
    for (level, most_explained) in [("core", 0.005), ("deep", 0.02)] {
        let run = Command::new(shared.join("conformance/compare"))
            .args(["--bin", env!("CARGO_BIN_EXE_fieldwarden"), "--level", level, "--explained"])
            .arg(common::root().join("tests/conformance/explained.tsv"))
            .args(&captures)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        let told = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "level {level}:\n{said}\n{told}");
        // The judge does not fail on frames that only we see; every one of them must be explained too.
        let all = said.lines().last().unwrap_or_default();
        assert!(all.contains("ours only 0 "), "level {level}:\n{said}");
        let number = |after: &str| -> f64 {
            let rest = all.split(after).nth(1).unwrap_or_default();
            rest.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(f64::MAX)
        };
        let cases: f64 =
            all.split('/').nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap();
        if common::scale_is_full() {
            assert!(
                number("explained ") <= cases * most_explained,
                "level {level}: too much is explained:\n{said}"
            );
        }
    }
}
