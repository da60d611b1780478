//! Reading configurations and baselines, with every fault shown at its place.

use std::path::Path;

use fieldwarden_config::{Sources, recover, render, together};
use fieldwarden_engine::Baseline;
use fieldwarden_model::section::{Fault, Section};

use super::Failure;

/// Reads a file and makes sense of it by `configure`; all faults, of spelling and of meaning, are told at once.
pub(crate) fn load<T>(
    path: &Path,
    configure: impl FnOnce(&Section) -> Result<T, Vec<Fault>>,
) -> Result<T, Failure> {
    let mut sources = Sources::new();
    let file =
        fieldwarden_config::read(&mut sources, path).map_err(|fault| Failure::Input(fault.to_string()))?;
    let (section, spelling) = recover(&sources, file);
    match configure(&section) {
        Ok(value) if spelling.is_empty() => Ok(value),
        Ok(_) => Err(Failure::Input(told(&spelling, &sources))),
        Err(meaning) => Err(Failure::Input(told(&together(spelling, meaning, &sources), &sources))),
    }
}

/// Reads a baseline.
pub(crate) fn baseline(path: &Path) -> Result<Baseline, Failure> {
    load(path, Baseline::configure)
}

fn told(faults: &[Fault], sources: &Sources) -> String {
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        several => format!("{several} faults"),
    };
    format!("{count}\n\n{}", render(faults, sources))
}
