//! The texts that were read, under the numbers that spans cite.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use thiserror::Error;

/// The largest file that is read: 64 MiB. A baseline of a large plant takes a few.
pub const MAX_FILE_OCTETS: u64 = 64 * 1024 * 1024;

/// The texts of several files. A [`Span`](fieldwarden_model::section::Span) cites a file by the number it got here.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

#[derive(Clone, Debug)]
struct Source {
    name: String,
    text: String,
}

impl Sources {
    /// No files yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { files: Vec::new() }
    }

    /// Keeps a text under the name people know it by, and returns its number.
    ///
    /// Numbers are 16 bits wide: from the 65,536th text on, each takes the place of the one before it.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u16 {
        let source = Source { name: name.into(), text: text.into() };
        let Ok(number) = u16::try_from(self.files.len()) else {
            self.files.pop();
            self.files.push(source);
            return u16::MAX;
        };
        self.files.push(source);
        number
    }

    /// The name of a file, `?` for a number nobody gave out.
    #[must_use]
    pub fn name(&self, file: u16) -> &str {
        self.files.get(usize::from(file)).map_or("?", |source| &source.name)
    }

    /// The text of a file, empty for a number nobody gave out.
    #[must_use]
    pub fn text(&self, file: u16) -> &str {
        self.files.get(usize::from(file)).map_or("", |source| &source.text)
    }
}

/// Why a file could not be read. Each names the file and the way out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such file.
    #[error("there is no file `{}`\n\nhint: check the path; `fieldwarden check FILE` shows what a file says", .path.display())]
    Missing {
        /// The path asked for.
        path: PathBuf,
    },
    /// The file is there but the system does not hand it over.
    #[error("cannot read `{}`: {cause}\n\nhint: it must be a file that this user may read", .path.display())]
    Unreadable {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// TOML is UTF-8 and this is not.
    #[error("`{}` is not UTF-8: octet {offset} does not belong to a character\n\nhint: save it as UTF-8; a capture or an archive is no configuration", .path.display())]
    NotUtf8 {
        /// The path asked for.
        path: PathBuf,
        /// Offset of the first octet at fault, from 0.
        offset: usize,
    },
    /// The file is larger than [`MAX_FILE_OCTETS`].
    #[error("`{}` is larger than {} MiB\n\nhint: split the baseline by zone, or check that this is the right file", .path.display(), MAX_FILE_OCTETS >> 20)]
    TooLarge {
        /// The path asked for.
        path: PathBuf,
    },
}

/// Reads a file into `sources` and returns its number.
///
/// # Errors
/// Each of [`ReadError`]; `sources` is then as it was.
pub fn read(sources: &mut Sources, path: &Path) -> Result<u16, ReadError> {
    let mut octets = Vec::new();
    let cap = MAX_FILE_OCTETS + 1;
    let outcome = File::open(path).and_then(|file| {
        // Room for the whole at once: a text that grows by doubling would be there twice.
        let length = file.metadata()?.len().min(cap);
        octets.reserve(usize::try_from(length).unwrap_or(0));
        file.take(cap).read_to_end(&mut octets)
    });
    let path = path.to_path_buf();
    match outcome {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Err(ReadError::Missing { path }),
        Err(cause) => return Err(ReadError::Unreadable { path, cause }),
        Ok(length) if length as u64 > MAX_FILE_OCTETS => return Err(ReadError::TooLarge { path }),
        Ok(_) => {}
    }
    match String::from_utf8(octets) {
        Ok(text) => Ok(sources.add(path.display().to_string(), text)),
        Err(fault) => Err(ReadError::NotUtf8 { path, offset: fault.utf8_error().valid_up_to() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_the_way_out() {
        let folder = std::env::temp_dir().join(format!("fieldwarden-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let latin = folder.join("latin1.toml");
        std::fs::write(&latin, b"name = \"Kl\xe4rwerk\"").unwrap();
        let huge = folder.join("huge.toml");
        File::create(&huge).unwrap().set_len(MAX_FILE_OCTETS + 1).unwrap();
        let mut sources = Sources::new();
        for (path, words) in [
            (folder.join("absent.toml"), "there is no file"),
            (folder.clone(), "cannot read"),
            (latin, "octet 10"),
            (huge, "larger than 64 MiB"),
        ] {
            let text = read(&mut sources, &path).unwrap_err().to_string();
            assert!(text.contains(words) && text.contains("hint: "), "{text}");
            assert!(text.contains(&path.display().to_string()), "{text}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn numbers_never_wrap() {
        let mut sources = Sources::new();
        for n in 0..=u32::from(u16::MAX) + 2 {
            sources.add(n.to_string(), "");
        }
        assert_eq!(sources.name(0), "0");
        assert_eq!(sources.name(u16::MAX), "65537");
    }
}
