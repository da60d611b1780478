//! Our decoder against tshark over the public captures, frame by frame, by the judge beside the project.
//!
//! Every protocol that a dissector tells and the judge has rows for is held against it. The quick scale takes a few small
//! captures of each folder, `SCALE=5` all of them.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use common::spoken::{Quick, spoken};

/// Captures at the quick scale.
const QUICK_CAPTURES: Quick = Quick { per_folder: 2, octets: 60_000 };
/// Judges at work at once.
const JUDGES: usize = 2;

/// How well a level must agree: what is not explained, and what may be explained of a protocol's frames at the full scale.
struct Level {
    name: &'static str,
    agree: f64,
    explained: f64,
    /// Of the captures of the quick scale it takes one in so many.
    stride: usize,
}

const CORE: Level = Level { name: "core", agree: 1.0, explained: 0.005, stride: 1 };
const DEEP: Level = Level { name: "deep", agree: 1.0, explained: 0.02, stride: 1 };
const OFFICE: Level = Level { name: "it", agree: 0.98, explained: 0.02, stride: 2 };

#[test]
fn every_frame_agrees_with_tshark_or_is_explained() {
    let Some(shared) = common::shared() else { return };
    if Command::new("tshark").arg("--version").output().is_err() {
        common::skipped("tshark is not installed: decoding was not held against it");
        return;
    }
    let public = shared.join("pcaps");
    let captures: Vec<PathBuf> =
        spoken(QUICK_CAPTURES).into_iter().filter(|path| path.starts_with(&public)).collect();
    // Level deep holds the fields of level core against each other too.
    let levels: &[Level] = if common::scale_is_full() { &[CORE, DEEP, OFFICE] } else { &[DEEP, OFFICE] };
    for level in levels {
        let protocols = judged(&shared, level);
        if !protocols.is_empty() {
            let stride = if common::scale_is_full() { 1 } else { level.stride };
            let captures: Vec<&PathBuf> = captures.iter().step_by(stride).collect();
            check(level, &judge(&shared, level, &protocols, &captures));
        }
    }
}

/// Protocols that some dissector tells and the judge knows at a level.
fn judged(shared: &Path, level: &Level) -> Vec<&'static str> {
    let rows = fs::read_to_string(shared.join("conformance/fields.tsv")).unwrap();
    let at_level = |line: &&str| {
        let cells: Vec<&str> = line.split('\t').collect();
        cells.get(3).is_some_and(|of| *of == level.name || (level.name == "deep" && *of == "core"))
    };
    let known: BTreeSet<&str> =
        rows.lines().filter(at_level).filter_map(|line| line.split('\t').next()).collect();
    let told = fieldwarden_protocols::DISSECTORS.iter().flat_map(|dissector| {
        let own = std::iter::once(dissector.protocol());
        own.chain(dissector.beneath().iter().copied()).map(fieldwarden_protocols::Protocol::name)
    });
    let told: BTreeSet<&str> = told.filter(|name| known.contains(name)).collect();
    told.into_iter().collect()
}

/// What the judge said of one protocol.
#[derive(Debug, Default)]
struct Verdict {
    agree: u32,
    cases: u32,
    ours_only: u32,
    explained: u32,
}

/// Verdicts by protocol, and all that the judge printed.
type Judgement = (BTreeMap<String, Verdict>, String);

fn judge(shared: &Path, level: &Level, protocols: &[&str], captures: &[&PathBuf]) -> Judgement {
    let (mut verdicts, mut said) = (BTreeMap::<String, Verdict>::new(), String::new());
    thread::scope(|scope| {
        let judges: Vec<_> = (0..JUDGES)
            .map(|n| {
                let share: Vec<&PathBuf> = captures.iter().copied().skip(n).step_by(JUDGES).collect();
                scope.spawn(move || run(shared, level, protocols, &share))
            })
            .collect();
        for judge in judges {
            let told = judge.join().unwrap();
            for (protocol, verdict) in told.lines().filter_map(verdict) {
                let sum = verdicts.entry(protocol.to_owned()).or_default();
                sum.agree += verdict.agree;
                sum.cases += verdict.cases;
                sum.ours_only += verdict.ours_only;
                sum.explained += verdict.explained;
            }
            said.push_str(&told);
        }
    });
    (verdicts, said)
}

fn run(shared: &Path, level: &Level, protocols: &[&str], captures: &[&PathBuf]) -> String {
    let mut command = Command::new(shared.join("conformance/compare"));
    command.args(["--bin", env!("CARGO_BIN_EXE_fieldwarden"), "--level", level.name, "--explained"]);
    command.arg(common::root().join("tests/conformance/explained.tsv"));
    command.args(protocols.iter().flat_map(|name| ["--only", name]));
    let run = command.args(captures).output().unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(!told.contains("Traceback") && !told.contains("decode exited"), "level {}:\n{told}", level.name);
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// `modbus  2841/2841  100.00 %  worst ...  ours only 0  explained 3`.
fn verdict(line: &str) -> Option<(&str, Verdict)> {
    let mut words = line.split_whitespace();
    let (protocol, ratio) = (words.next()?, words.next()?);
    let (agree, cases) = ratio.split_once('/')?;
    let after = |mark: &str| line.rsplit_once(mark)?.1.split_whitespace().next()?.parse().ok();
    let verdict = Verdict {
        agree: agree.parse().ok()?,
        cases: cases.parse().ok()?,
        ours_only: after("ours only ")?,
        explained: after("explained ")?,
    };
    (protocol != "all").then_some((protocol, verdict))
}

fn check(level: &Level, (verdicts, said): &Judgement) {
    assert!(!verdicts.is_empty(), "level {}: nothing was compared\n{said}", level.name);
    let mut faults = BTreeMap::new();
    for (protocol, verdict) in verdicts {
        let (agree, cases) = (f64::from(verdict.agree), f64::from(verdict.cases));
        if agree < cases * level.agree {
            faults.insert(format!("{protocol}: {agree} of {cases} frames agree"), ());
        }
        // The judge does not fail on frames that only we see; every one of them must be explained too.
        if verdict.ours_only > 0 {
            faults.insert(format!("{protocol}: {} frames that only we see", verdict.ours_only), ());
        }
        let explained = f64::from(verdict.explained);
        if common::scale_is_full() && explained > ((cases + explained) * level.explained).ceil() {
            faults.insert(format!("{protocol}: {explained} of {cases} frames are explained"), ());
        }
    }
    common::without_open("conformance", &mut faults);
    assert!(faults.is_empty(), "level {}:\n{faults:#?}\n\n{said}", level.name);
    println!("level {}: {}", level.name, verdicts.keys().cloned().collect::<Vec<_>>().join(" "));
}
