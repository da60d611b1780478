//! A plant in network namespaces with the product on its gateway, for tests of the whole.
//!
//! Every test has a lab, a folder and processes of its own; one lab stands at a time, since a plant needs its rhythm and
//! the machine is small.
#![allow(dead_code, reason = "each test binary uses its own part of what they share")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

pub(crate) mod cable;
pub(crate) mod lab;
pub(crate) mod memory;
pub(crate) mod product;
pub(crate) mod wire;

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fieldwarden_model::Timestamp;
use serde_json::Value;

/// The dosing controller, the filter controller, the operator's HMI and the laptop nobody knows.
pub(crate) const PLC1: &str = "10.1.0.10";
pub(crate) const PLC2: &str = "10.1.0.20";
pub(crate) const HMI: &str = "10.2.0.10";
pub(crate) const ROGUE: &str = "10.2.0.66";
/// The protected entry of the site file.
pub(crate) const PROTECTED: &str = "operators' view of the dosing";

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `SCALE` at which the counts that issues state are run; 1 is the quick count.
const FULL_SCALE: u32 = 5;

/// Whether the counts that issues state are asked for.
pub(crate) fn scale_is_full() -> bool {
    std::env::var("SCALE").is_ok_and(|scale| scale.parse::<u32>().is_ok_and(|scale| scale >= FULL_SCALE))
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The rows of a `--json` answer.
    pub(crate) fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, 0, "{self:?}");
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Says past the test harness, which would swallow it, that something was not tested.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// Runs a program to its end.
pub(crate) fn run(program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> Said {
    let program = program.as_ref();
    Command::new(program)
        .args(words)
        .output()
        .unwrap_or_else(|fault| panic!("{}: {fault}", program.display()))
        .into()
}

/// Runs a program that must end well; what it printed.
pub(crate) fn must(program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> String {
    let said = run(program, words);
    assert_eq!(said.status, 0, "{words:?}: {said:?}");
    said.out
}

/// Waits until `happened` gives something.
pub(crate) fn wait<T>(what: &str, patience: Duration, mut happened: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = happened() {
            return found;
        }
        assert!(since.elapsed() < patience, "waited {patience:?} in vain: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Lets time pass.
pub(crate) fn pause(seconds: f64) {
    thread::sleep(Duration::from_secs_f64(seconds));
}

/// The wall clock as journals write it.
pub(crate) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap()).to_string()
}

/// The lines of a file of JSON objects. A line still being written is left out.
pub(crate) fn json_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
