//! Reading configurations and baselines, with every fault shown at its place.

use std::path::Path;

use fieldwarden_config::{Sources, read_tables, recover, render, together};
use fieldwarden_engine::{
    Baseline,
    baseline::Reading,
    tags::{self, Tag, TagFault, Tags},
};
use fieldwarden_model::{
    Site,
    assemble::Assemble,
    section::{Fault, Section},
};

use super::Failure;
use crate::daemon::settings::Settings;

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

/// Reads the daemon's configuration, and the tag lists it names.
pub(crate) fn configuration(path: &Path) -> Result<Settings, Failure> {
    let settings = load(path, Settings::configure)?;
    let tags = tags(path, &settings.site)?;
    Ok(Settings { tags, ..settings })
}

/// Reads the tag lists of a site; a name that is no absolute path stands beside the configuration.
pub(crate) fn tags(configuration: &Path, site: &Site) -> Result<Tags, Failure> {
    let (mut tags, mut told) = (Tags::default(), Vec::new());
    for asset in &site.assets {
        for name in &asset.tags {
            let path = configuration.with_file_name(name);
            match list(&path) {
                Ok(list) => tags.add(&asset.addresses, &list),
                Err(fault) => told.push(fault),
            }
        }
    }
    if told.is_empty() { Ok(tags) } else { Err(Failure::Input(told.join("\n\n"))) }
}

/// A list, or all its faults as text.
fn list(path: &Path) -> Result<Vec<Tag>, String> {
    let cannot = |why: String| {
        format!(
            "the tag list `{}` {why}\n\nhint: the name in `[[site.asset]] tags` is that of a file beside the configuration",
            path.display()
        )
    };
    let octets = std::fs::metadata(path).map_err(|fault| cannot(format!("cannot be read: {fault}")))?.len();
    if octets > MAX_LIST_OCTETS {
        return Err(cannot(format!("has {octets} octets; {MAX_LIST_OCTETS} are the most")));
    }
    let text = std::fs::read(path).map_err(|fault| cannot(format!("cannot be read: {fault}")))?;
    tags::read(&text_of(&text)).map_err(|faults| {
        let line = |fault: &TagFault| {
            format!("{}:{}: {}\n  help: {}", path.display(), fault.line, fault.message, fault.help)
        };
        faults.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

/// Octets of the longest list.
const MAX_LIST_OCTETS: u64 = 64 << 20;

/// A text in UTF-8, or in UTF-16 with its mark, as exports of Windows tools are; what is neither keeps its other letters.
fn text_of(octets: &[u8]) -> String {
    let Some((0xff, 0xfe)) = octets.first().zip(octets.get(1)).map(|(a, b)| (*a, *b)) else {
        return String::from_utf8_lossy(octets).into_owned();
    };
    let unit = |pair: &[u8]| <[u8; 2]>::try_from(pair).ok().map(u16::from_le_bytes);
    String::from_utf16_lossy(&octets.chunks(2).filter_map(unit).collect::<Vec<_>>())
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

/// Reads a baseline out of a text that was read already; `path` is what people know it by.
pub(crate) fn baseline_text(path: &Path, text: &str) -> Result<Baseline, Failure> {
    let mut sources = Sources::new();
    let file = sources.add(path.display().to_string(), text);
    judged(&sources, read_tables::<Reading>(&sources, file))
}

/// Reads a file by `read`, which hands back the faults of meaning and those of spelling; with its text.
fn reading<T>(
    path: &Path,
    read: impl FnOnce(&Sources, u16) -> (Result<T, Vec<Fault>>, Vec<Fault>),
) -> Result<(T, String), Failure> {
    let mut sources = Sources::new();
    let file =
        fieldwarden_config::read(&mut sources, path).map_err(|fault| Failure::Input(fault.to_string()))?;
    let value = judged(&sources, read(&sources, file))?;
    Ok((value, sources.text(file).to_owned()))
}

/// What was read, or all that is wrong with it.
fn judged<T>(sources: &Sources, read: (Result<T, Vec<Fault>>, Vec<Fault>)) -> Result<T, Failure> {
    match read {
        (Ok(value), spelling) if spelling.is_empty() => Ok(value),
        (Ok(_), spelling) => Err(Failure::Input(told(&spelling, sources))),
        (Err(meaning), spelling) => Err(Failure::Input(told(&together(spelling, meaning, sources), sources))),
    }
}

fn told(faults: &[Fault], sources: &Sources) -> String {
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        several => format!("{several} faults"),
    };
    format!("{count}\n\n{}", render(faults, sources))
}
