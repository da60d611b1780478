//! `learn`: a baseline out of captures.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use fieldwarden_engine::{
    Learner, Seed,
    baseline::learn::{Settings, Settled},
};
use fieldwarden_model::Timestamp;

use super::{Failure, Outcome, captures::Captures};

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
    /// Overwrite the file
    #[arg(long)]
    force: bool,
    /// Captures of normal operation, merged by time
    #[arg(required = true)]
    captures: Vec<PathBuf>,
}

pub(crate) fn run(words: &Words) -> Outcome {
    if words.output.exists() && !words.force {
        return Err(Failure::Input(format!(
            "`{}` exists already\n\nhint: a baseline holds what people approved; write beside it and compare, or say --force",
            words.output.display()
        )));
    }
    let mut captures = Captures::open(&words.captures)?;
    let mut learner = Learner::new(Settings { mode: words.mode.clone(), ..settings() });
    captures.each("learning", |frame, reference| {
        learner.frame(frame, reference);
        Ok(())
    })?;
    let settled = learner.settled();
    let baseline = learner.finish();
    write(&words.output, &fieldwarden_config::write(&baseline.document()))?;
    println!("{}: {}", words.output.display(), outline(&settled));
    Ok(())
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
