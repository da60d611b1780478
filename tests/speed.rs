//! What judging one more frame costs, counted in instructions, which other work on the machine does not move; and that all
//! of it is seen: the captures are our own, with the truth of what was put into them.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;
#[path = "../lab/generate/traffic/mod.rs"]
mod traffic;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use traffic::{Order, Shape, Truth};

/// The most instructions that one more frame of Modbus polling may cost, read, decoded and judged: what it costs today and
/// some 15 % for work to come. Passing it is either a mistake, or a price to argue for in the commit that raises it.
/// Release builds are not far from what `make bench` tells; the profile of tests checks and inlines otherwise.
const MOST_INSTRUCTIONS_PER_FRAME: f64 = if cfg!(debug_assertions) { 5_800.0 } else { 3_500.0 };

const MODBUS: Order =
    Order { shape: Shape::Modbus, frames: 4_000, controllers: 5, masters: 2, seed: 7, microseconds: false };

/// A capture made for one test.
fn made(name: &str, order: &Order) -> (PathBuf, Truth) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("speed-{name}.pcap"));
    let truth = traffic::write(order, &path).unwrap();
    (path, truth)
}

/// What the command prints to standard output and standard error.
fn run(command: &mut Command) -> (String, String) {
    let output = command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {told}");
    (String::from_utf8(output.stdout).unwrap(), told)
}

fn fieldwarden(words: &[&str]) -> String {
    run(Command::new(env!("CARGO_BIN_EXE_fieldwarden")).args(words)).0
}

fn learned(capture: &Path) -> PathBuf {
    let baseline = capture.with_extension("toml");
    fieldwarden(&["learn", capture.to_str().unwrap(), "--force", "-o", baseline.to_str().unwrap()]);
    baseline
}

#[test]
fn all_that_was_put_into_a_capture_is_seen() {
    let orders = [
        ("modbus", MODBUS),
        ("mixed", Order { shape: Shape::Mixed(60), microseconds: true, ..MODBUS }),
        ("conversations", Order { shape: Shape::Conversations, controllers: 20, masters: 25, ..MODBUS }),
        ("flood", Order { shape: Shape::Flood(5_000, 100_000), ..MODBUS }),
    ];
    for (name, order) in orders {
        let (capture, truth) = made(name, &order);
        assert!(truth.transactions > 300 && truth.frames > 3_500, "{name}: {truth:?}");
        let (mut requests, mut functions, mut exceptions) = (0, BTreeMap::<u8, u64>::new(), 0);
        for line in fieldwarden(&["decode", "--json", capture.to_str().unwrap()]).lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            // Stations look each other up before they speak.
            if message.get("protocol").is_none_or(|protocol| protocol != "modbus") {
                continue;
            }
            let fields = message.get("fields").unwrap();
            let function = fields.get("function_code").and_then(Value::as_u64).unwrap();
            exceptions += u64::from(fields.get("exception_code").is_some());
            if message.get("kind").is_some_and(|kind| kind == "request") {
                requests += 1;
                *functions.entry(u8::try_from(function).unwrap()).or_default() += 1;
            }
        }
        assert_eq!((requests, exceptions), (truth.transactions, truth.exceptions), "{name}");
        assert_eq!(functions, truth.functions, "{name}");
    }
}

#[test]
fn what_was_learned_is_quiet_and_counts_every_frame_and_message() {
    let (capture, truth) = made("quiet", &Order { shape: Shape::Mixed(30), ..MODBUS });
    let baseline = learned(&capture);
    let words = ["replay", "--json", "--baseline", baseline.to_str().unwrap(), capture.to_str().unwrap()];
    let said = fieldwarden(&words);
    let summary: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let number = |name: &str| summary.pointer(name).and_then(Value::as_u64);
    assert_eq!(number("/frames"), Some(truth.frames));
    assert_eq!(number("/messages/modbus"), Some(2 * truth.transactions));
    assert_eq!((number("/alerts"), number("/gaps")), (Some(0), Some(0)), "{said}");
}

#[test]
fn one_more_frame_costs_no_more_instructions_than_stated() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        common::skipped("valgrind is not installed: instructions per frame were not counted");
        return;
    }
    let (few, few_truth) = made("few", &Order { frames: 4_000, ..MODBUS });
    let (many, many_truth) = made("many", &Order { frames: 16_000, ..MODBUS });
    // One baseline for both: what starting and reading it cost drops out of the difference.
    let baseline = learned(&many);
    let difference = instructions(&many, &baseline) - instructions(&few, &baseline);
    let frames = u32::try_from(many_truth.frames - few_truth.frames).unwrap();
    let each = difference / f64::from(frames);
    let most = MOST_INSTRUCTIONS_PER_FRAME;
    assert!(each <= most, "{each:.0} instructions per frame, at most {most} are allowed");
    // A count this far below is a bound that no longer holds anything, or a count of something else.
    assert!(each > most / 4.0, "{each:.0} instructions per frame: bring the bound of {most} down");
}

/// Instructions of one replay, as callgrind counts them.
fn instructions(capture: &Path, baseline: &Path) -> f64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", env!("CARGO_BIN_EXE_fieldwarden")]);
    command.args(["replay", "--json", "--baseline"]).args([baseline, capture]);
    let (_, told) = run(&mut command);
    let count = told.lines().find_map(|line| line.split_once("Collected : "));
    count.and_then(|(_, count)| count.trim().parse().ok()).unwrap_or_else(|| panic!("no count in {told}"))
}
