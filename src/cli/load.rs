//! Reading configurations and baselines, with every fault shown at its place.

use std::path::Path;

use fieldwarden_config::{Sources, read_tables, recover, render, together};
use fieldwarden_engine::{Baseline, baseline::Reading};
use fieldwarden_model::{
    assemble::Assemble,
    section::{Fault, Section},
};

use super::Failure;

/// Reads a file and makes sense of it by `configure`; all faults, of spelling and of meaning, are told at once.
pub(crate) fn load<T>(
    path: &Path,
    configure: impl FnOnce(&Section) -> Result<T, Vec<Fault>>,
) -> Result<T, Failure> {
    let (value, _) = reading(path, |sources, file| {
        let (section, spelling) = recover(sources, file);
        (configure(&section), spelling)
    })?;
    Ok(value)
}

/// Reads a file table by table; all faults, of spelling and of meaning, are told at once.
pub(crate) fn tables<A: Assemble>(path: &Path) -> Result<A::Output, Failure> {
    tables_and_text::<A>(path).map(|(value, _)| value)
}

/// The same, and the text that was read.
pub(crate) fn tables_and_text<A: Assemble>(path: &Path) -> Result<(A::Output, String), Failure> {
    reading(path, read_tables::<A>)
}

/// Reads a baseline.
pub(crate) fn baseline(path: &Path) -> Result<Baseline, Failure> {
    tables::<Reading>(path)
}

/// Reads a file by `read`, which hands back the faults of meaning and those of spelling; with its text.
fn reading<T>(
    path: &Path,
    read: impl FnOnce(&Sources, u16) -> (Result<T, Vec<Fault>>, Vec<Fault>),
) -> Result<(T, String), Failure> {
    let mut sources = Sources::new();
    let file =
        fieldwarden_config::read(&mut sources, path).map_err(|fault| Failure::Input(fault.to_string()))?;
    match read(&sources, file) {
        (Ok(value), spelling) if spelling.is_empty() => Ok((value, sources.text(file).to_owned())),
        (Ok(_), spelling) => Err(Failure::Input(told(&spelling, &sources))),
        (Err(meaning), spelling) => {
            Err(Failure::Input(told(&together(spelling, meaning, &sources), &sources)))
        }
    }
}

fn told(faults: &[Fault], sources: &Sources) -> String {
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        several => format!("{several} faults"),
    };
    format!("{count}\n\n{}", render(faults, sources))
}
