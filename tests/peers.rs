//! Real stacks talk to each other, and `decode` hears what the client says it asked and got: point by point, value by value,
//! in order, both directions, and nothing else. The conversations are those of `lab/converse`; one of each is in `pcaps/`.
//!
//! Needs root, network namespaces and the peers that `lab/setup` installs; skipped loudly without.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

#[path = "live/mod.rs"]
mod live;

#[path = "peers/journal.rs"]
mod journal;
#[path = "peers/protocols.rs"]
mod protocols;

use std::{fs, path::PathBuf};

use journal::{Protocol, Verdict, verdict};
use live::{lab, must, root, scale_is_full};

/// How often every kind of exchange is had: a few hundred operations, or some thousand.
fn rounds(protocol: &Protocol) -> usize {
    if scale_is_full() { protocol.rounds * 5 } else { protocol.rounds }
}

/// A conversation with a seed of its own, held against its journal.
fn converse(protocol: &Protocol, seed: &str) {
    let prefix = format!("peers{}", protocol.name);
    if !lab::possible(&prefix) {
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(&prefix);
    let (out, rounds) = (folder.to_str().unwrap(), rounds(protocol).to_string());
    let words = ["--prefix", &prefix, protocol.name, "--out", out, "--seed", seed, "--rounds", &rounds];
    must(lab::script("converse"), &[&words[..], &["--seconds", "300"]].concat());
    let found = verdict(protocol, &folder.join("capture.pcap"), &folder.join("journal.jsonl"));
    assert_equal(protocol, &found);
    assert!(found.operations >= 200, "{} operations are few", found.operations);
    fs::remove_dir_all(folder).unwrap();
}

fn assert_equal(protocol: &Protocol, found: &Verdict) {
    println!(
        "{}: {} operations, {} refused, {} functions, {} messages",
        protocol.name,
        found.operations,
        found.refused,
        found.functions.len(),
        found.messages
    );
    let shown: Vec<&String> = found.differences.iter().take(8).collect();
    assert!(
        shown.is_empty(),
        "{}: {} differences, the first: {shown:#?}",
        protocol.name,
        found.differences.len()
    );
    assert_eq!(found.unanswered, 0, "{}: operations without an answer", protocol.name);
    assert!(found.refused > 0, "{}: nothing was refused", protocol.name);
}

#[test]
fn an_iec_104_station_is_read_as_its_control_centre_reads_it() {
    converse(&protocols::IEC104, "104");
}

#[test]
fn a_logix_controller_is_read_as_its_engineering_station_reads_it() {
    converse(&protocols::CIP, "44818");
}

#[test]
fn a_dnp3_outstation_is_read_as_its_master_reads_it() {
    converse(&protocols::DNP3, "20000");
}

#[test]
fn an_opc_ua_server_is_read_as_its_operator_station_reads_it() {
    converse(&protocols::OPCUA, "4840");
}

#[test]
fn a_bacnet_device_is_read_as_its_management_station_reads_it() {
    converse(&protocols::BACNET, "47808");
}

#[test]
fn our_captures_of_conversations_are_read_as_their_clients_did() {
    for protocol in protocols::ALL {
        let stem = root().join("pcaps").join(format!("{}-conversation", protocol.name));
        let (capture, truth) = (stem.with_extension("pcap"), stem.with_extension("truth.jsonl"));
        let found = verdict(protocol, &capture, &truth);
        assert_equal(protocol, &found);
        assert!(found.operations >= 20, "{}: {} operations", protocol.name, found.operations);
    }
}

/// What is changed in a journal, once each: a value, a point, a result, something left out.
const CHANGES: &[(&Protocol, &[(&str, &str)])] = &[
    (
        &protocols::BACNET,
        &[
            ("\"values\": [", "\"values\": [7, "),
            ("\"object_instance\": [2", "\"object_instance\": [3"),
            ("\"property\": [85", "\"property\": [86"),
            ("\"priority\": [", "\"priority\": [1"),
        ],
    ),
    (
        &protocols::CIP,
        &[
            ("\"values\": [", "\"values\": [7, "),
            ("\"symbol\": [\"", "\"symbol\": [\"x"),
            ("\"status\": 5", "\"status\": 4"),
            ("\"elements\": 1, ", ""),
            ("\"command\": 99", "\"command\": 100"),
        ],
    ),
    (
        &protocols::DNP3,
        &[
            ("\"value\": [", "\"value\": [7, "),
            ("\"index\": [4", "\"index\": [5"),
            ("\"status\": [4]", "\"status\": [0]"),
            ("\"on_time\": [", "\"on_time\": [1"),
            ("\"file_data\": [\"", "\"file_data\": [\"00"),
            ("\"qualifier\": [40], ", ""),
        ],
    ),
    (
        &protocols::IEC104,
        &[
            ("\"value\": [", "\"value\": [7, "),
            ("\"object_address\": [2", "\"object_address\": [3"),
            ("\"negative\": 0", "\"negative\": 1"),
            ("\"common_address\": 47, ", ""),
        ],
    ),
    (
        &protocols::OPCUA,
        &[
            ("\"values\": [", "\"values\": [7, "),
            ("\"nodes\": [\"ns=2;i=1", "\"nodes\": [\"ns=2;i=2"),
            ("\"statuses\": [0", "\"statuses\": [1"),
            ("\"attributes\": [13], ", ""),
        ],
    ),
];

/// The comparison finds a wrong value, a wrong point, a message too few and one too many.
#[test]
fn a_journal_that_says_otherwise_is_found_out() {
    for (protocol, changes) in CHANGES {
        let stem = root().join("pcaps").join(format!("{}-conversation", protocol.name));
        let capture = stem.with_extension("pcap");
        let truth = fs::read_to_string(stem.with_extension("truth.jsonl")).unwrap();
        let lines: Vec<&str> = truth.lines().collect();
        let (first, rest) = lines.split_at(1);
        let mut changed: Vec<String> = changes.iter().map(|(from, to)| truth.replacen(from, to, 1)).collect();
        changed.extend([rest.join("\n"), [first, &lines].concat().join("\n")]);
        let journal = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("otherwise.jsonl");
        for (number, text) in changed.iter().enumerate() {
            assert_ne!(*text, truth, "{}: change {number}", protocol.name);
            fs::write(&journal, text).unwrap();
            let found = verdict(protocol, &capture, &journal);
            assert!(!found.differences.is_empty(), "{}: change {number} was not found", protocol.name);
        }
        fs::remove_file(journal).unwrap();
    }
}
