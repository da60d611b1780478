//! Every public capture beside the repository is read whole, and gives as many frames as its catalogue says.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
};

use fieldwarden_sensor::{CaptureFile, FrameSource, Next, SourceError};

/// Names that the catalogue gives link types, and their numbers.
const LINK_TYPES: [(&str, &[u16]); 8] = [
    ("ether", &[1]),
    ("null", &[0]),
    ("rawip4", &[101, 228]),
    ("linux-sll", &[113]),
    ("bacnet-ms-tp", &[165]),
    ("arcnet", &[7]),
    ("chdlc", &[104]),
    ("frelay", &[107]),
];

fn shared() -> PathBuf {
    std::env::var_os("FIELDWARDEN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from)
}

/// Frames by link type, and what ended the capture early.
fn read(path: &Path) -> Result<(BTreeMap<u16, u64>, Option<SourceError>), SourceError> {
    let mut source = CaptureFile::open(path, 0)?;
    let mut counts = BTreeMap::new();
    loop {
        match source.next_frame() {
            Ok(Next::Frame(at, frame)) => {
                let count = counts.entry(frame.link_type.0).or_insert(0);
                *count += 1;
                assert_eq!(at.number, counts.values().sum::<u64>());
                assert!(frame.wire_length as usize >= frame.bytes.len());
            }
            Ok(Next::Loss(loss)) => assert!(loss.frames > 0),
            Ok(_) => return Ok((counts, None)),
            Err(error) => return Ok((counts, Some(error))),
        }
    }
}

#[test]
fn every_public_capture_gives_the_frames_of_its_catalogue() {
    let folder = shared().join("pcaps");
    let Ok(catalogue) = std::fs::read_to_string(folder.join("CATALOGUE.tsv")) else {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: there is no {}; set FIELDWARDEN_SHARED",
            folder.join("CATALOGUE.tsv").display()
        );
        return;
    };
    let mut wrong = Vec::new();
    for line in catalogue.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let expected: u64 = columns[3].parse().unwrap();
        let (counts, error) = match read(&folder.join(columns[0])) {
            Ok(read) => read,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let got: u64 = counts.values().sum();
        if got != expected {
            wrong.push(format!("{}: {got} frames, catalogued {expected}; {error:?}", columns[0]));
        }
        let known = LINK_TYPES.iter().find(|(name, _)| *name == columns[2]);
        if known.is_some_and(|(_, numbers)| !counts.keys().all(|link_type| numbers.contains(link_type))) {
            wrong.push(format!("{}: link types {:?}, catalogued {}", columns[0], counts.keys(), columns[2]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
