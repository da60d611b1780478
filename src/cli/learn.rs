//! `learn`: a baseline out of captures.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use fieldwarden_engine::{
    Baseline, Learner, Seed,
    baseline::{
        guard::{Guard, GuardedLearner, Lesson, Reason},
        learn::{Settings, Settled},
    },
};
use fieldwarden_model::Timestamp;

use super::{Failure, Outcome, baseline::Joined, captures::Captures};

/// The operating mode that is described where none is named.
const USUAL_MODE: &str = "production";

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Where the baseline is written; refused where a file stands already, unless --force
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The operating mode it describes
    #[arg(long, default_value = USUAL_MODE)]
    mode: String,
    /// Put what is learned into a copy of this baseline instead, as what holds in the mode alone
    #[arg(long, value_name = "BASELINE", requires = "mode")]
    into: Option<PathBuf>,
    /// Overwrite the file, and the quarantine beside it
    #[arg(long)]
    force: bool,
    /// Also set apart what was seen once only, and whoever appeared in the second half of the time
    #[arg(long, conflicts_with = "trust")]
    strict: bool,
    /// Set nothing apart: you vouch for all of it
    #[arg(long)]
    trust: bool,
    /// Captures of normal operation, merged by time
    #[arg(required = true)]
    captures: Vec<PathBuf>,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let into = words.into.as_deref().map(|path| Joined::open(path, &words.mode)).transpose()?;
    for path in [words.output.clone(), quarantine_of(&words.output)] {
        if path.exists() && !words.force {
            return Err(Failure::Input(format!(
                "`{}` exists already\n\nhint: a baseline holds what people approved; write beside it and compare, or say --force",
                path.display()
            )));
        }
    }
    let mut captures = Captures::open(&words.captures)?;
    let settings = Settings { mode: words.mode.clone(), ..settings() };
    let (settled, lesson) = if words.trust {
        let mut learner = Learner::new(settings);
        captures.each("learning", |frame, reference| {
            learner.frame(frame, reference);
            Ok(())
        })?;
        (learner.settled(), Lesson { baseline: learner.finish(), ..Lesson::default() })
    } else {
        let guard = if words.strict { Guard::Strict } else { Guard::Incidents };
        let mut learner = GuardedLearner::new(settings, guard);
        captures.each("learning", |frame, reference| {
            learner.frame(frame, reference);
            Ok(())
        })?;
        (learner.settled(), learner.finish())
    };
    match into {
        None => write_lesson(&words.output, &lesson)?,
        Some(joined) => {
            write(&words.output, &joined.with(&lesson.baseline)?)?;
            write_quarantine(&words.output, &lesson)?;
        }
    }
    println!("{}: {}", words.output.display(), outline(&settled));
    tell_quarantine(&words.output, &lesson);
    Ok(())
}

/// Reasons told one by one.
const REASONS_TOLD: usize = 8;

/// What was set apart, where, and why.
fn tell_quarantine(output: &Path, lesson: &Lesson) {
    let Lesson { quarantine, reasons, .. } = lesson;
    if is_empty(quarantine) {
        return;
    }
    println!(
        "{}: {} talkers and {} conversations were set apart, and are not normal until a person accepts them:",
        quarantine_of(output).display(),
        quarantine.talkers.len(),
        quarantine.conversations.len()
    );
    for Reason { talker, time, why } in reasons.iter().take(REASONS_TOLD) {
        println!("  {time} {talker}: {why}");
    }
    if reasons.len() > REASONS_TOLD {
        println!("  and {} more", reasons.len() - REASONS_TOLD);
    }
}

/// Writes what was learned, and beside it what was set apart, if anything was. A quarantine of an earlier time goes.
pub(crate) fn write_lesson(output: &Path, lesson: &Lesson) -> Outcome {
    write(output, &fieldwarden_config::write(&lesson.baseline.document()))?;
    write_quarantine(output, lesson)
}

fn write_quarantine(output: &Path, lesson: &Lesson) -> Outcome {
    let beside = quarantine_of(output);
    if !is_empty(&lesson.quarantine) {
        return write(&beside, &fieldwarden_config::write(&lesson.quarantine.document()));
    }
    match std::fs::remove_file(&beside) {
        Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::Work(format!("cannot remove `{}`: {fault}", beside.display())))
        }
        _ => Ok(()),
    }
}

/// Where the quarantine of a baseline stands: `baseline.quarantine.toml` beside `baseline.toml`.
fn quarantine_of(output: &Path) -> PathBuf {
    output.with_extension("quarantine.toml")
}

const fn is_empty(baseline: &Baseline) -> bool {
    baseline.talkers.is_empty() && baseline.conversations.is_empty()
}

/// How much was learned, and how far learning has settled.
pub(crate) fn outline(settled: &Settled) -> String {
    let span = |from: Option<Timestamp>, until: Option<Timestamp>| {
        from.zip(until).map_or(0.0, |(from, until)| until.since(from).as_secs_f64())
    };
    let all = span(settled.first, settled.last);
    let quiet = span(settled.last_novelty, settled.last);
    let mut sentence = format!(
        "{} talkers and {} conversations out of {} frames in {all:.0} s of traffic. Nothing new was learned in the last {quiet:.0} s.",
        settled.talkers, settled.conversations, settled.frames
    );
    if quiet < all / 2.0 {
        sentence.push_str(" It has not settled: something new came in the second half; record longer.");
    }
    if settled.hour_frames > 0 {
        let nothing_new = settled.hour_frames.saturating_sub(settled.hour_novel);
        sentence.push_str(&format!(
            " Of the last hour's {} frames {nothing_new} taught nothing new.",
            settled.hour_frames
        ));
    }
    if settled.left_out > 0 {
        sentence.push_str(&format!(" {} things were left out because a cap was hit.", settled.left_out));
    }
    sentence
}

/// The learner's settings: the usual operating mode, and a seed of this process.
pub(crate) fn settings() -> Settings {
    Settings { mode: USUAL_MODE.into(), seed: seed(), ..Settings::default() }
}

/// A seed for the maps that peers can fill: random, or `FIELDWARDEN_HASH_SEED` where a test wants two to compare.
pub(crate) fn seed() -> Seed {
    let given = std::env::var("FIELDWARDEN_HASH_SEED").ok().and_then(|text| text.parse().ok());
    Seed(given.unwrap_or_else(|| RandomState::new().build_hasher().finish()))
}

/// Writes a text beside its final name and moves it there, so that a full disk leaves the old file as it was.
pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|fault| {
        // The half-written file is ours; if even removing it fails, the message below says where to look.
        let _ = std::fs::remove_file(&beside);
        Failure::Work(format!("cannot write `{}`: {fault}", path.display()))
    })
}
