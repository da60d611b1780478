//! `decode` against frames decoded by hand, field by field: what no other decoder here can be held against.
//!
//! `tests/hand/README.md` says how such a file is written. Each frame is put together from the octets of its lines, wrapped
//! in TCP, UDP or nothing, and read by the command as any capture is; what it tells must be what the lines say, no field
//! more and none less.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[path = "hand/sheet.rs"]
mod sheet;
#[path = "common/wire.rs"]
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use sheet::{Frame, capture, read};
use wire::Carried;

/// Frames of different content that each sheet has at least.
const LEAST: usize = 5;

fn sheets() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hand");
    let files = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "txt")).collect();
    found.sort();
    found
}

#[test]
fn what_is_decoded_is_what_was_decoded_by_hand() {
    let mut faults = Vec::new();
    let mut frames = 0;
    for path in sheets() {
        let sheet = read(&path);
        assert_eq!(path.file_stem().unwrap().to_str(), Some(sheet.protocol.as_str()), "{}", path.display());
        frames += sheet.talks.iter().map(|(_, frames)| frames.len()).sum::<usize>();
        for (number, (carried, talk)) in sheet.talks.iter().enumerate() {
            faults.extend(check(&sheet.protocol, number, *carried, talk));
        }
    }
    assert!(faults.is_empty(), "{} of {frames} frames differ:\n{}", faults.len(), faults.join("\n"));
    println!("{frames} frames of {} protocols agree with what was decoded by hand", sheets().len());
}

/// Questions and answers as far as the protocol has both, different ones, and one that is broken.
#[test]
fn every_sheet_is_wide_enough() {
    for path in sheets() {
        let sheet = read(&path);
        let frames: Vec<&Frame> = sheet.talks.iter().flat_map(|(_, frames)| frames).collect();
        let different: BTreeSet<&[u8]> = frames.iter().map(|frame| frame.octets.as_slice()).collect();
        let name = &sheet.protocol;
        assert!(different.len() >= LEAST, "{name}: {} different frames", different.len());
        assert!(frames.iter().any(|frame| frame.title.starts_with("Broken: ")), "{name}: no broken frame");
        let kinds: BTreeSet<&str> =
            frames.iter().flat_map(|frame| frame.told.iter().map(|told| told.kind.as_str())).collect();
        let both = kinds.contains("request") && kinds.contains("response");
        assert!(both || kinds.contains("report"), "{name}: {kinds:?}");
        assert!(!sheet.rests_on.is_empty(), "{name}: what does the reading rest on?");
    }
}

/// Every dissector is held against tshark, against the log of another analyzer, or against a sheet.
#[test]
fn nothing_is_held_against_nothing() {
    let shared = std::env::var_os("FIELDWARDEN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(fields) = fs::read_to_string(shared.join("conformance/fields.tsv")) else {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "SKIPPED: {} holds no conformance/fields.tsv", shared.display());
        return;
    };
    let mut held: BTreeSet<String> =
        fields.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect();
    let logs = fs::read_dir(shared.join("expected")).unwrap().flatten();
    held.extend(logs.map(|entry| entry.file_name().to_string_lossy().replace('-', "_")));
    held.extend(sheets().iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()));
    let names = fieldwarden_protocols::DISSECTORS.iter().map(|dissector| dissector.protocol().name());
    let bare: Vec<&str> = names.filter(|name| !held.contains(*name)).collect();
    assert!(bare.is_empty(), "held against nothing: {bare:?}; write tests/hand/NAME.txt");
}

/// What differs in one conversation.
fn check(protocol: &str, number: usize, carried: Carried, talk: &[Frame]) -> Vec<String> {
    let (octets, numbers) = capture(carried, talk);
    let name = format!("fieldwarden-hand-{}-{protocol}-{number}.pcap", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, octets).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_fieldwarden"))
        .args(["decode", "--json"])
        .arg(&path)
        .output()
        .unwrap();
    fs::remove_file(&path).unwrap();
    assert!(run.status.success(), "{protocol}: {}", String::from_utf8_lossy(&run.stderr));
    let mut got: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for line in String::from_utf8(run.stdout).unwrap().lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        if message["protocol"] == protocol {
            got.entry(message["frame"].as_u64().unwrap()).or_default().push(message);
        }
    }
    let mut faults = Vec::new();
    for (frame, at) in talk.iter().zip(numbers) {
        let wanted: Vec<String> = frame.told.iter().map(ToString::to_string).collect();
        let got: Vec<String> = got.remove(&at).unwrap_or_default().iter().map(spelled).collect();
        if wanted != got {
            let title = format!("{protocol}, {} (conversation {})", frame.title, number + 1);
            faults.push(format!(
                "{title}:\n  by hand {}\n  decoded {}",
                wanted.join("\n          "),
                got.join("\n          ")
            ));
        }
    }
    faults
}

/// A line of `decode`, spelled as [`sheet::Told`] is.
fn spelled(message: &Value) -> String {
    let mut fields = Vec::new();
    for (key, value) in message["fields"].as_object().unwrap() {
        let one = std::slice::from_ref(value);
        let values = value.as_array().map_or(one, Vec::as_slice);
        let values: Vec<String> = values
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        fields.push(format!("{key}={}", values.join(",")));
    }
    fields.sort();
    let remarks = message["anomalies"].as_array().into_iter().flatten();
    let remarks: Vec<String> =
        remarks.map(|remark| remark.as_str().unwrap().split(':').next().unwrap().to_owned()).collect();
    format!("{} {} [{}]", message["kind"].as_str().unwrap(), fields.join("; "), remarks.join(" "))
}
