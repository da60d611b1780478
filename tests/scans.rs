//! A scan of function codes that nobody answers comes out whole, of every protocol whose requests have a code: each question
//! is one message with its code and an operation of its own, whether the dissector knows the code or not; one by one, in a row
//! over TCP, and heard from the middle on.
//!
//! `tests/scans/` says what is asked of whom; `table.rs` there, which dissectors have no codes, and why.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;
#[path = "scans/fieldbus.rs"]
mod fieldbus;
#[path = "scans/octets.rs"]
mod octets;
#[path = "scans/services.rs"]
mod services;
#[path = "scans/table.rs"]
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use common::{
    trace::{Trace, traces},
    wire::{self, Carried},
};
use fieldwarden_protocols::{DISSECTORS, Kind};
use serde_json::Value;
use table::{FROM_THE_BEGINNING, Scan, WITHOUT, scans};

/// Octets of a segment that is full of questions; no length of a question divides it.
const SEGMENT: usize = 997;

#[test]
fn every_dissector_is_scanned_or_has_no_codes() {
    let scanned: BTreeSet<&str> = scans().iter().map(|scan| scan.protocol).collect();
    let without: BTreeSet<&str> = WITHOUT.iter().map(|(name, _)| *name).collect();
    let missing: Vec<&str> = DISSECTORS
        .iter()
        .map(|dissector| dissector.protocol().name())
        .filter(|name| scanned.contains(name) == without.contains(name))
        .collect();
    assert!(
        missing.is_empty(),
        "a scan in `tests/scans/table.rs`, or a reason why there is none: {missing:?}"
    );
    assert!(
        WITHOUT.iter().all(|(name, why)| fieldwarden_protocols::dissector(name).is_some() && why.len() > 20)
    );
}

#[test]
fn every_code_that_nobody_answers_leaves_a_trace() {
    let mut faults = Vec::new();
    let mut asked = 0;
    for scan in scans() {
        let (packets, numbers) = wire::packets(scan.carried, &parts(&scan));
        let numbers = of_codes(&scan, &numbers);
        asked += numbers.len();
        let faulty = |what| format!("{} {}: {what}", scan.protocol, scan.key);
        faults.extend(lost(&scan, &traces(scan.carried, &packets), &numbers).map(faulty));
        if let Carried::Ip(6, _) = scan.carried {
            faults.extend(lost_in_a_row(&scan).map(faulty));
            faults.extend(lost_joined_late(&scan, &packets, &numbers).map(faulty));
        }
    }
    assert!(faults.is_empty(), "{} scans lose codes:\n{}", faults.len(), faults.join("\n"));
    println!("{asked} questions of {} scans are all told", scans().len());
}

/// What the command says of a scan of Modbus over TCP and one of BACnet over UDP: a line for each question, and an alert.
#[test]
fn a_scan_that_nobody_answers_is_decoded_and_alerted() {
    for (protocol, key) in [("modbus", "function_code"), ("bacnet", "confirmed_service")] {
        let scan = scans().into_iter().find(|scan| scan.protocol == protocol && scan.key == key).unwrap();
        let (octets, numbers) = wire::capture(scan.carried, &parts(&scan));
        let path = file(&octets, protocol);
        let lines = said(&["decode", "--json"], &path);
        let codes: Vec<(u32, u64)> = lines
            .iter()
            .filter(|line| line["protocol"] == protocol)
            .map(|line| {
                (
                    u32::try_from(line["fields"][key].as_u64().unwrap()).unwrap(),
                    line["frame"].as_u64().unwrap(),
                )
            })
            .collect();
        assert_eq!(codes, of_codes(&scan, &numbers), "{protocol}");
        let alerts = said(&["replay", "--json"], &path);
        let scans: Vec<&Value> = alerts.iter().filter(|line| line["detector"] == "function-scan").collect();
        std::fs::remove_file(&path).unwrap();
        assert!(!scans.is_empty(), "{protocol}: no alert tells the scan");
        assert_eq!(scans[0]["client"], "10.0.0.5");
        assert_eq!(scans[0]["server"], "10.0.0.20");
    }
}

/// The lines that the command prints about a capture.
fn said(words: &[&str], capture: &Path) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_fieldwarden")).args(words).arg(capture).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a scan loses.
fn lost(scan: &Scan, traces: &[Trace], numbers: &[(u32, u64)]) -> Option<String> {
    let mut functions = BTreeSet::new();
    let mut wrong: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (code, number) in numbers {
        let wanted = (scan.spelled)(*code);
        let mine: Vec<&Trace> = traces
            .iter()
            .filter(|trace| trace.protocol == scan.protocol && trace.frames.last() == Some(number))
            // DNP3 tells the frame of the link too.
            .filter(|trace| trace.fields.contains_key(scan.key))
            .collect();
        let [trace] = mine[..] else {
            wrong.entry(if mine.is_empty() { "nothing told" } else { "told twice" }).or_default().push(*code);
            continue;
        };
        if trace.fields.get(scan.key) != Some(&wanted) {
            wrong.entry("told without the code").or_default().push(*code);
        }
        match &trace.operations[..] {
            // What is malformed may have none, and what belongs to no conversation has none.
            [] if trace.kind == Kind::Anomaly || is_upkeep(scan.protocol) => {}
            [] => wrong.entry("no operation").or_default().push(*code),
            [(function, name), ..] => {
                // Text has words, and no numbers for those that nobody defined.
                if !functions.insert(*function) && wanted == code.to_string() {
                    wrong.entry("the function of another").or_default().push(*code);
                }
                if name.is_empty() {
                    wrong.entry("no name").or_default().push(*code);
                }
            }
        }
    }
    (!wrong.is_empty()).then(|| {
        wrong.iter().map(|(what, codes)| format!("{what} {}", spans(codes))).collect::<Vec<_>>().join("; ")
    })
}

fn is_upkeep(protocol: &str) -> bool {
    fieldwarden_protocols::dissector(protocol).is_some_and(|dissector| dissector.is_upkeep())
}

/// `3-5, 9`.
fn spans(codes: &[u32]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for code in codes {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *code => *last = *code,
            _ => spans.push((*code, *code)),
        }
    }
    let text = |(first, last): &(u32, u32)| {
        if first == last { format!("{first}") } else { format!("{first}-{last}") }
    };
    spans.iter().take(12).map(text).collect::<Vec<_>>().join(", ")
}

/// What a scan loses whose questions come without a pause, in segments that end anywhere.
fn lost_in_a_row(scan: &Scan) -> Option<String> {
    let questions: Vec<u8> = scan.codes.iter().flat_map(|code| (scan.ask)(*code)).collect();
    let segments = questions.chunks(SEGMENT).map(|segment| (false, segment.to_vec()));
    let parts: Vec<(bool, Vec<u8>)> = scan.opening.iter().cloned().chain(segments).collect();
    let (packets, numbers) = wire::packets(scan.carried, &parts);
    let first = numbers[scan.opening.len()];
    let mine = traces(scan.carried, &packets).into_iter().filter(|trace| {
        trace.protocol == scan.protocol && trace.frames.last().is_some_and(|last| *last >= first)
    });
    let found: Vec<String> = mine.filter_map(|mut trace| trace.fields.remove(scan.key)).collect();
    let wanted: Vec<String> = scan.codes.iter().map(|code| (scan.spelled)(*code)).collect();
    let differs = wanted.iter().zip(&found).position(|(wanted, found)| wanted != found);
    (found != wanted).then(|| {
        format!(
            "in a row, {} of {} are told, the first that differs is number {differs:?}",
            found.len(),
            wanted.len()
        )
    })
}

/// What a scan loses that is heard from the first question on: neither the handshake nor the opening was seen.
fn lost_joined_late(scan: &Scan, packets: &[Vec<u8>], numbers: &[(u32, u64)]) -> Option<String> {
    if FROM_THE_BEGINNING.iter().any(|(name, _)| *name == scan.protocol) {
        return None;
    }
    let before = numbers[0].1 - 1;
    let late: Vec<(u32, u64)> = numbers.iter().map(|(code, number)| (*code, number - before)).collect();
    let heard = packets.get(usize::try_from(before).unwrap()..).unwrap();
    lost(scan, &traces(scan.carried, heard), &late).map(|what| format!("joined late, {what}"))
}

/// All that is said in a scan.
fn parts(scan: &Scan) -> Vec<(bool, Vec<u8>)> {
    let questions = scan.codes.iter().map(|code| (false, (scan.ask)(*code)));
    scan.opening.iter().cloned().chain(questions).collect()
}

/// The codes with the frames of their questions.
fn of_codes(scan: &Scan, numbers: &[u64]) -> Vec<(u32, u64)> {
    scan.codes.iter().copied().zip(numbers.iter().copied().skip(scan.opening.len())).collect()
}

fn file(octets: &[u8], name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("fieldwarden-scan-{}-{name}.pcap", std::process::id()));
    std::fs::write(&path, octets).unwrap();
    path
}
