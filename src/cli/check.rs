//! `check`: all faults of configurations and baselines. Touches nothing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;
use clap::Args;
use fieldwarden_engine::{Baseline, baseline::Reading};
use fieldwarden_model::{
    Site,
    assemble::Assemble,
    section::{Fault, Section},
};

use super::{Failure, Outcome, load};
use crate::daemon::{now, parent::enforcer_program, settings::Settings};

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Configurations of the daemon, of the enforcer, and baselines, told apart by what is in them
    #[arg(default_value = "/etc/fieldwarden/fieldwarden.toml")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let mut told = Vec::new();
    for path in &words.files {
        match load::tables::<Either>(path) {
            Ok(Kind::Enforcer) => told.extend(enforcer_says(path)?),
            Ok(Kind::Baseline(baseline)) => {
                println!("{}: a good baseline", path.display());
                for quiet in &baseline.quiet {
                    let why = match quiet.until {
                        None => "open-ended",
                        Some(_) if !quiet.holds(now()) => "over",
                        Some(_) => continue,
                    };
                    println!("{}: {why}, {}", path.display(), quiet.subject());
                }
            }
            Ok(Kind::Daemon(site)) => match load::tags(path, &site) {
                Ok(_) => println!("{}: a good configuration", path.display()),
                Err(failure) => told.push(failure.to_string()),
            },
            Err(failure) => told.push(failure.to_string()),
        }
    }
    if told.is_empty() { Ok(()) } else { Err(Failure::Input(told.join("\n"))) }
}

/// What a file is.
enum Kind {
    Baseline(Box<Baseline>),
    Daemon(Box<Site>),
    Enforcer,
}

/// The enforcer alone knows what its section may say: its own program checks it.
fn enforcer_says(path: &Path) -> Result<Option<String>, Failure> {
    let program = enforcer_program()?;
    let run = Command::new(&program).arg("check").arg("--config").arg(path).output();
    let run = run.with_context(|| format!("`{}` could not be started", program.display()))?;
    print!("{}", String::from_utf8_lossy(&run.stdout));
    Ok((!run.status.success()).then(|| String::from_utf8_lossy(&run.stderr).into_owned()))
}

/// A baseline lists talkers and conversations, the enforcer's file has its section; all else is read as the daemon's.
#[derive(Default)]
struct Either {
    baseline: Reading,
    has_tables: bool,
}

impl Assemble for Either {
    type Output = Kind;
    const REPEATED: &'static [&'static str] = Reading::REPEATED;

    fn take(&mut self, key: &str, table: &Section) {
        self.has_tables = true;
        self.baseline.take(key, table);
    }

    fn finish(self, top: &Section) -> Result<Kind, Vec<Fault>> {
        let has = |wanted: &[&str]| top.entries.iter().any(|(key, _)| wanted.contains(&key.name.as_str()));
        if has(&["enforcer"]) {
            Ok(Kind::Enforcer)
        } else if self.has_tables || has(&["conversation", "talker", "schedule", "quiet", "learned"]) {
            self.baseline.finish(top).map(|baseline| Kind::Baseline(Box::new(baseline)))
        } else {
            Settings::configure(top).map(|settings| Kind::Daemon(Box::new(settings.site)))
        }
    }
}
