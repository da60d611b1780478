//! Golden cases: a folder each, with a capture, what it must decode to, and, beside a baseline, what must be said of it.
//!
//! `UPDATE_EXPECT=1 cargo test --test cases` rewrites the expectations; a person reads the difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn every_case_reads_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    let faults: Vec<String> = cases.iter().flat_map(|case| check(case)).collect();
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
}

fn check(case: &Path) -> Vec<String> {
    let capture = case.join("capture.pcap");
    let mut faults = Vec::new();
    if !case.join("README.md").exists() {
        faults.push(format!("{}: no README.md says what it is for", case.display()));
    }
    faults.extend(compare(&case.join("decode.jsonl"), &["decode", "--json"], &capture));
    let baseline = case.join("baseline.toml");
    if baseline.exists() {
        let words = ["replay", "--json", "--baseline", &baseline.to_string_lossy()];
        faults.extend(compare(&case.join("replay.jsonl"), &words, &capture));
    }
    faults
}

fn compare(expected: &Path, words: &[&str], capture: &Path) -> Option<String> {
    let run = Command::new(env!("CARGO_BIN_EXE_fieldwarden")).args(words).arg(capture).output().unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {told}", capture.display());
    let got = String::from_utf8(run.stdout).unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(expected, got).unwrap();
        return None;
    }
    let want = fs::read_to_string(expected).unwrap_or_default();
    let line = want.lines().zip(got.lines()).position(|(want, got)| want != got);
    let line = line
        .or((want.lines().count() != got.lines().count())
            .then(|| want.lines().count().min(got.lines().count())));
    line.map(|n| {
        let nth = |text: &str| text.lines().nth(n).unwrap_or("nothing").to_owned();
        format!("{} line {}:\n  expected {}\n  got      {}", expected.display(), n + 1, nth(&want), nth(&got))
    })
}
