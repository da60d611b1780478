//! Our decoder against tshark over the public captures, frame by frame, by the judge beside the project.
//!
//! Every protocol that a dissector tells and the judge has rows for is held against it. The quick scale takes a few small
//! captures of each folder, and levels deep (which holds the fields of core too) and it. `SCALE=5` takes all captures, those in
//! which we see nothing among them, at all three levels, and asks for what an issue states: frames agree or are explained, few are
//! explained, no code of four cases or more falls behind, and nothing is seen by us alone without a reason.

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
/// Judges at work at once on the captures of the quick scale. At the full scale each level has one, which counts all captures.
const JUDGES: usize = 2;
/// What must agree of the frames of a function code, service or type, in hundredths; and from how many frames on.
const OF_A_CODE: f64 = 95.0;
const CASES_OF_A_CODE: f64 = 4.0;

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
    let full = common::scale_is_full();
    let captures = if full { common::captures() } else { spoken(QUICK_CAPTURES) };
    let captures: Vec<PathBuf> = captures.into_iter().filter(|path| path.starts_with(&public)).collect();
    // Level deep holds the fields of level core against each other too.
    let levels: &[Level] = if full { &[CORE, DEEP, OFFICE] } else { &[DEEP, OFFICE] };
    let verdict_of = |level: &Level| {
        let protocols = judged(&shared, level);
        let stride = if full { 1 } else { level.stride };
        let captures: Vec<&PathBuf> = captures.iter().step_by(stride).collect();
        judge(&shared, level, &protocols, &captures, if full { 1 } else { JUDGES })
    };
    let judgements: Vec<Judgement> = if full {
        thread::scope(|scope| {
            let judges: Vec<_> = levels.iter().map(|level| scope.spawn(|| verdict_of(level))).collect();
            judges.into_iter().map(|judge| judge.join().unwrap()).collect()
        })
    } else {
        levels.iter().map(verdict_of).collect()
    };
    let faults: Vec<String> =
        levels.iter().zip(&judgements).filter_map(|(level, judgement)| check(level, judgement)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
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
    /// Of the code that agrees worst, as far as one judge saw: its name, hundredths that agree, and frames.
    worst: Option<(String, f64, f64)>,
}

/// Verdicts by protocol, and all that the judge printed.
type Judgement = (BTreeMap<String, Verdict>, String);

fn judge(
    shared: &Path,
    level: &Level,
    protocols: &[&str],
    captures: &[&PathBuf],
    judges: usize,
) -> Judgement {
    let (mut verdicts, mut said) = (BTreeMap::<String, Verdict>::new(), String::new());
    thread::scope(|scope| {
        let judges: Vec<_> = (0..judges)
            .map(|n| {
                let share: Vec<&PathBuf> = captures.iter().copied().skip(n).step_by(judges).collect();
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
                sum.worst = verdict.worst;
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

/// `modbus  2841/2841  100.00 %  worst code function_code 1 100.0 % of 7  worst capture ...  ours only 0  explained 3`.
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
        worst: line.split_once("worst code ").and_then(|(_, code)| worst(code)),
    };
    (protocol != "all").then_some((protocol, verdict))
}

/// `function_code 1 100.0 % of 7  worst capture ...`.
fn worst(code: &str) -> Option<(String, f64, f64)> {
    let (front, behind) = code.split_once(" % of ")?;
    let (name, share) = front.rsplit_once(' ')?;
    Some((name.to_owned(), share.parse().ok()?, behind.split_whitespace().next()?.parse().ok()?))
}

/// Whether a code of [`CASES_OF_A_CODE`] may agree less than [`OF_A_CODE`] asks. The judge names the worst of two frames or more;
/// where that one has few, it hides no other unless more frames differ than are its own.
fn falls_behind(verdict: &Verdict) -> Option<String> {
    let (code, share, frames) = verdict.worst.as_ref().filter(|(_, share, _)| *share < OF_A_CODE)?;
    let differing = f64::from(verdict.cases - verdict.agree);
    let own = (frames * (100.0 - share) / 100.0).round();
    (*frames >= CASES_OF_A_CODE || differing > own)
        .then(|| format!("{code} agrees in {share} % of {frames} frames"))
}

/// What is wrong with what the judge said, if anything is.
fn check(level: &Level, (verdicts, said): &Judgement) -> Option<String> {
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
            let of = cases + explained;
            faults.insert(format!("{protocol}: {explained} of {of} frames are explained"), ());
        }
        if let Some(code) = falls_behind(verdict).filter(|_| common::scale_is_full()) {
            faults.insert(format!("{protocol}: {code}"), ());
        }
    }
    common::without_open("conformance", &mut faults);
    println!("level {}: {}", level.name, verdicts.keys().cloned().collect::<Vec<_>>().join(" "));
    (!faults.is_empty()).then(|| format!("level {}:\n{faults:#?}\n\n{said}", level.name))
}
