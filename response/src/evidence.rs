//! Evidence: what is known of each slice of frames that was cut for an alert, hashed and chained.
//!
//! A folder of slices holds a file [`CHAIN`], one JSON object a line, oldest first. A line names a slice, the alert it was
//! cut for, what the slice holds, and its SHA-256 (as `sha256sum` prints it), with marks that tell where it was changed.
//! Each line's hash covers its facts and the line before it. Slices that are let go to stay within a bound go from
//! the front, and so do their lines.
//!
//! The chain shows any edit or removal behind its first line. Somebody who rewrites all of it can rewrite the hashes too:
//! [`Chain::head`] is what one keeps elsewhere against that.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use fieldwarden_model::{
    Timestamp,
    digest::{Digest, Octets},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name of the chain beside the slices.
pub const CHAIN: &str = "chain.jsonl";
/// The longest chain that is read, in octets.
pub const MAX_CHAIN_OCTETS: u64 = 64 << 20;
/// Slices that a chain names at most: it is held in memory, and written whole with every addition.
pub const MAX_SLICES: usize = 4_096;
/// Digits of a mark.
const MARK_DIGITS: usize = 16;

/// What is known of a slice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The file, without its folder.
    pub slice: String,
    /// The alert it was cut for.
    pub alert: String,
    /// The alert's incident.
    pub incident: String,
    /// The alert's detector.
    pub detector: String,
    /// The alert's time.
    pub time: Timestamp,
    /// The alert in one sentence.
    pub summary: String,
    /// Frames in the slice.
    pub frames: u64,
    /// Of these, the alert's own.
    pub own: u64,
    /// Own frames that were not held any more.
    pub missing: u64,
    /// Frames left out so that the slice stays within its bound.
    pub left_out: u64,
    /// Frames that the capture lost in that time.
    pub lost: u64,
    /// Octets of the file.
    pub octets: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Octets between two marks.
    pub mark_every: u64,
    /// The first 16 digits of the SHA-256 of the first `mark_every` octets, of twice as many, and so on.
    pub marks: Vec<String>,
}

/// A line of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What is known of the slice.
    pub facts: Facts,
    /// The hash of the line before; empty where there never was one.
    pub previous: String,
    /// The hash of this line.
    pub hash: String,
}

/// Why evidence cannot be chained or verified.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A file cannot be read or written.
    #[error("`{}`: {cause}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The chain is broken.
    #[error("the chain `{}` is broken at line {line}: {what}", .path.display())]
    Broken {
        /// The chain.
        path: PathBuf,
        /// The first line that does not follow from the one before it, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// The chain does not name the slice.
    #[error("the chain `{}` names no slice `{slice}`", .path.display())]
    Unknown {
        /// The chain.
        path: PathBuf,
        /// The slice.
        slice: String,
    },
}

/// What became of a slice since it was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it was.
    Intact,
    /// It differs between these octets for the first time; the second is where the next mark, or the end, was.
    Changed {
        /// Up to here it is as it was.
        from: u64,
        /// Before here it differs.
        until: u64,
    },
    /// What there is, is as it was, but it should be longer.
    Shortened {
        /// Octets there.
        got: u64,
        /// Octets it had.
        expected: u64,
    },
    /// It is as it was, and something stands behind its end.
    Lengthened {
        /// Octets it had.
        expected: u64,
    },
}

/// The chain of a folder, open for further links. One process at a time writes it.
#[derive(Clone, Debug)]
pub struct Chain {
    path: PathBuf,
    links: Vec<Link>,
}

impl Chain {
    /// Reads and checks the chain of a folder; an empty one where there is none. A last line that a crash cut short is
    /// left out, and gone with the next link.
    ///
    /// # Errors
    /// It cannot be read, or is broken.
    pub fn open(folder: &Path) -> Result<Self, EvidenceError> {
        let path = folder.join(CHAIN);
        let text = match read_bounded(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(EvidenceError::File { path, cause }),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let links = check(text.get(..whole).unwrap_or_default());
        match links {
            Ok(links) => Ok(Self { path, links }),
            Err((line, what)) => Err(EvidenceError::Broken { path, line, what }),
        }
    }

    /// The links, oldest first.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The hash of the newest link; empty for a chain that has none.
    #[must_use]
    pub fn head(&self) -> &str {
        self.links.last().map_or("", |link| &link.hash)
    }

    /// Adds slices, and lets go of the oldest ones until all together take at most `octets`, and are [`MAX_SLICES`] at
    /// most; the newest stays. Returns the names of those let go. Everything is on the disk when this returns.
    ///
    /// # Errors
    /// The chain cannot be written; it is then as it was, on disk and here.
    pub fn add(
        &mut self,
        slices: impl IntoIterator<Item = Facts>,
        octets: u64,
    ) -> Result<Vec<String>, EvidenceError> {
        let mut links = self.links.clone();
        for facts in slices {
            let previous = links.last().map(|link| link.hash.clone()).unwrap_or_default();
            let hash = hash(&facts, &previous);
            links.push(Link { facts, previous, hash });
        }
        let mut held: u64 = links.iter().map(|link| link.facts.octets).sum();
        let mut gone = Vec::new();
        while links.len() > MAX_SLICES || (held > octets && links.len() > 1) {
            let link = links.remove(0);
            held -= link.facts.octets;
            gone.push(link.facts.slice);
        }
        self.write(&links).map_err(|cause| EvidenceError::File { path: self.path.clone(), cause })?;
        self.links = links;
        for slice in &gone {
            // One that cannot be removed is only a file that no chain names.
            let _ = fs::remove_file(self.path.with_file_name(slice));
        }
        Ok(gone)
    }

    /// Compares a slice of this folder with what its link says.
    ///
    /// # Errors
    /// No link names it, or it cannot be read.
    pub fn verify(&self, slice: &str) -> Result<(Verdict, &Facts), EvidenceError> {
        let link = self.links.iter().find(|link| link.facts.slice == slice);
        let Some(link) = link else {
            return Err(EvidenceError::Unknown { path: self.path.clone(), slice: slice.into() });
        };
        let path = self.path.with_file_name(slice);
        let verdict = compare(&path, &link.facts).map_err(|cause| EvidenceError::File { path, cause })?;
        Ok((verdict, &link.facts))
    }

    fn write(&self, links: &[Link]) -> io::Result<()> {
        let beside = self.path.with_extension("jsonl.new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let mut text = String::new();
        for link in links {
            text.push_str(&serde_json::to_string(link)?);
            text.push('\n');
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

/// Reads the text of a chain and checks that each line follows from the one before it. The first line may follow from
/// one that was let go.
///
/// # Errors
/// The first line at fault, from 1, and what is wrong with it.
pub fn check(text: &str) -> Result<Vec<Link>, (usize, String)> {
    let mut links: Vec<Link> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let link: Link = serde_json::from_str(line).map_err(|fault| (number, fault.to_string()))?;
        if links.last().is_some_and(|before| before.hash != link.previous) {
            return Err((number, "it does not follow from the line before it".into()));
        }
        if hash(&link.facts, &link.previous) != link.hash {
            return Err((number, "its facts were changed".into()));
        }
        if link.facts.slice.contains('/') || link.facts.mark_every == 0 {
            return Err((number, "it names no slice of this folder".into()));
        }
        links.push(link);
    }
    Ok(links)
}

fn hash(facts: &Facts, previous: &str) -> String {
    // Plain data with text keys serialises without fail.
    let facts = serde_json::to_string(facts).unwrap_or_default();
    Digest::new().with("evidence").with(previous).with(facts).full()
}

fn compare(path: &Path, facts: &Facts) -> io::Result<Verdict> {
    let mut file = File::open(path)?;
    let mut digest = Octets::new();
    let mut from = 0;
    for mark in facts.marks.iter().map(Some).chain([None]) {
        let until = mark.map_or(facts.octets, |_| from + facts.mark_every).min(facts.octets);
        let got = add(&mut file, &mut digest, until - from)?;
        if from + got < until {
            return Ok(Verdict::Shortened { got: from + got, expected: facts.octets });
        }
        let so_far = digest.so_far();
        let is_same = match mark {
            Some(mark) => so_far.get(..MARK_DIGITS) == Some(mark),
            None => so_far == facts.sha256,
        };
        if !is_same {
            return Ok(Verdict::Changed { from, until });
        }
        from = until;
    }
    let more = add(&mut file, &mut digest, 1)?;
    Ok(if more > 0 { Verdict::Lengthened { expected: facts.octets } } else { Verdict::Intact })
}

/// Adds at most `octets` of a file to a digest; returns how many there were.
fn add(file: &mut File, digest: &mut Octets, octets: u64) -> io::Result<u64> {
    let mut room = [0; 16 * 1024];
    let mut done = 0;
    while done < octets {
        let wanted = usize::try_from(octets - done).unwrap_or(usize::MAX).min(room.len());
        let read = file.read(room.get_mut(..wanted).unwrap_or_default())?;
        if read == 0 {
            break;
        }
        digest.add(room.get(..read).unwrap_or_default());
        done += read as u64;
    }
    Ok(done)
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_CHAIN_OCTETS).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(folder: &Path, name: &str, octets: &[u8]) -> Facts {
        fs::write(folder.join(name), octets).unwrap();
        let mut digest = Octets::new();
        let mut marks = Vec::new();
        for piece in octets.chunks(100) {
            digest.add(piece);
            if piece.len() == 100 {
                marks.push(digest.so_far().chars().take(MARK_DIGITS).collect());
            }
        }
        Facts {
            slice: name.into(),
            alert: "a".into(),
            incident: "i".into(),
            detector: "new-talker".into(),
            time: Timestamp::from_nanos(7),
            summary: "somebody new".into(),
            frames: 3,
            own: 1,
            missing: 0,
            left_out: 0,
            lost: 0,
            octets: octets.len() as u64,
            sha256: digest.so_far(),
            mark_every: 100,
            marks,
        }
    }

    #[test]
    fn a_slice_that_was_changed_is_told_with_the_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.pcapng");
        let octets: Vec<u8> = (0..=249).collect();
        let mut chain = Chain::open(folder.path()).unwrap();
        chain.add([slice(folder.path(), "one.pcapng", &octets)], 1_000).unwrap();
        let verdict = || Chain::open(folder.path()).unwrap().verify("one.pcapng").unwrap().0;
        assert_eq!(verdict(), Verdict::Intact);
        for (place, from, until) in [(0, 0, 100), (99, 0, 100), (100, 100, 200), (249, 200, 250)] {
            let mut changed = octets.clone();
            changed[place] ^= 1;
            fs::write(&path, changed).unwrap();
            assert_eq!(verdict(), Verdict::Changed { from, until }, "octet {place}");
        }
        fs::write(&path, &octets[..180]).unwrap();
        assert_eq!(verdict(), Verdict::Shortened { got: 180, expected: 250 });
        fs::write(&path, [&octets[..], b"x"].concat()).unwrap();
        assert_eq!(verdict(), Verdict::Lengthened { expected: 250 });
        assert!(matches!(chain.verify("two.pcapng"), Err(EvidenceError::Unknown { .. })));
    }

    #[test]
    fn a_line_changed_removed_or_moved_breaks_the_chain_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut chain = Chain::open(folder.path()).unwrap();
        for name in ["a", "b", "c"] {
            chain.add([slice(folder.path(), name, &[1; 10])], 1_000).unwrap();
        }
        let path = folder.path().join(CHAIN);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let at_fault = |text: &str| check(text).unwrap_err().0;
        assert_eq!(check(&text).unwrap().len(), 3);
        assert_eq!(at_fault(&text.replacen("\"own\":1", "\"own\":2", 1)), 1);
        assert_eq!(at_fault(&[lines[0], lines[2]].join("\n")), 2);
        assert_eq!(at_fault(&[lines[1], lines[0]].join("\n")), 2);
        assert_eq!(check(&lines[1..].join("\n")).unwrap().len(), 2, "the oldest may have been let go");
        // A crash within the last line costs that line alone.
        fs::write(&path, &text.as_bytes()[..text.len() - 9]).unwrap();
        let mut chain = Chain::open(folder.path()).unwrap();
        assert_eq!(chain.links().len(), 2);
        chain.add([slice(folder.path(), "d", &[1; 10])], 1_000).unwrap();
        assert_eq!(Chain::open(folder.path()).unwrap().links().len(), 3);
    }

    #[test]
    fn the_oldest_slices_go_when_the_bound_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let mut chain = Chain::open(folder.path()).unwrap();
        for (name, octets, gone) in
            [("a", 60, vec![]), ("b", 30, vec![]), ("c", 30, vec!["a"]), ("d", 500, vec!["b", "c"])]
        {
            let facts = slice(folder.path(), name, &vec![1; octets]);
            assert_eq!(chain.add([facts], 100).unwrap(), gone);
        }
        assert!(!folder.path().join("a").exists() && folder.path().join("d").exists());
        let again = Chain::open(folder.path()).unwrap();
        assert_eq!((again.links().len(), again.head()), (1, chain.head()));
        let many = vec![slice(folder.path(), "e", &[1; 10]); MAX_SLICES];
        assert_eq!(chain.add(many, u64::MAX).unwrap(), ["d"]);
        assert_eq!(Chain::open(folder.path()).unwrap().links().len(), MAX_SLICES);
    }
}
