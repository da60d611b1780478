//! `check`: all faults of configurations and baselines. Touches nothing.

use std::path::PathBuf;

use clap::Args;
use fieldwarden_engine::Baseline;
use fieldwarden_model::section::{Fault, Section};

use super::{Failure, Outcome, load};
use crate::daemon::settings::Settings;

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Configurations of the daemon and baselines, told apart by what is in them
    #[arg(default_value = "/etc/fieldwarden/fieldwarden.toml")]
    files: Vec<PathBuf>,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let mut told = Vec::new();
    for path in &words.files {
        match load::load(path, either) {
            Ok(kind) => println!("{}: a good {kind}", path.display()),
            Err(failure) => told.push(failure.to_string()),
        }
    }
    if told.is_empty() { Ok(()) } else { Err(Failure::Input(told.join("\n"))) }
}

/// A baseline lists talkers and conversations; everything else is read as a configuration.
fn either(section: &Section) -> Result<&'static str, Vec<Fault>> {
    if section
        .entries
        .iter()
        .any(|(key, _)| ["conversation", "talker", "learned"].contains(&key.name.as_str()))
    {
        Baseline::configure(section).map(|_| "baseline")
    } else {
        Settings::configure(section).map(|_| "configuration")
    }
}
