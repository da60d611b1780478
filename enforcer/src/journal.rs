//! What was decided, on disk before a device is changed: an append-only file of JSON lines.
//!
//! ```text
//! {"sum":"0123456789abcdef","entry":{"order":{..the life of one order..}}}
//! ```
//!
//! `sum` is the start of the SHA-256 of the entry's octets. A line is written with one call and synced before the
//! call returns. The last line of an order is what counts. A torn or damaged line is skipped and counted. When the
//! file is past [`COMPACT_AT`] it is written anew from what is still worth knowing and renamed into place; likewise where its name is gone,
//! as with its folder.
//!
//! Behind its end the disk holds room for how the orders in force will end ([`Record::reserve`]), so that a full disk keeps no
//! end and no release from being written down. Where the file system cannot do so (`fallocate`), that is not promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use fieldwarden_model::{OrderId, Timestamp, digest::Digest};
use serde::{Deserialize, Serialize};

use crate::{order_life::Life, sys};

/// The longest line that is read, in octets.
pub const MAX_LINE: usize = 1024 * 1024;
/// The size from which the journal is written anew, in octets.
pub const COMPACT_AT: u64 = 4 * 1024 * 1024;
/// The most room that is set aside behind the end, in octets.
pub const MAX_RESERVE: u64 = MAX_SIZE;
/// The size past which nothing is appended, in octets, for when it cannot be written anew.
pub const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// An order as it stands now.
    Order(Box<Life>),
    /// Orders that have ended and must never be applied again.
    Finished {
        /// Orders proposed up to then are refused even where their id is no longer held.
        horizon: Option<Timestamp>,
        /// Their ids, each with when it was proposed.
        ids: Vec<(OrderId, Timestamp)>,
    },
    /// Someone released everything by hand, past the enforcer.
    ReleasedAll {
        /// Who.
        by: String,
        /// When.
        time: Timestamp,
    },
    /// Something found on the device that nobody ordered, and what was done.
    Remark {
        /// What.
        text: String,
        /// When.
        time: Timestamp,
    },
}

/// Where entries are kept. The file [`Journal`], or a fake in tests.
pub trait Record {
    /// Writes entries so that they outlive a power cut.
    ///
    /// # Errors
    /// When they are not on disk; then nothing of them is.
    fn append(&mut self, entries: &[Entry]) -> io::Result<()>;

    /// Sets room aside for `octets` that will be appended, with which no other file of a full disk makes away.
    ///
    /// # Errors
    /// When there is none.
    fn reserve(&mut self, octets: u64) -> io::Result<()>;

    /// Replaces everything by `entries`, when that is due.
    ///
    /// # Errors
    /// When it failed; then all is as before.
    fn compact(&mut self, entries: &dyn Fn() -> Vec<Entry>) -> io::Result<()>;

    /// Entries that another program has appended since.
    ///
    /// # Errors
    /// When they cannot be read.
    fn foreign(&mut self) -> io::Result<Vec<Entry>>;
}

/// The journal in a file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// How far the file was read or written by us.
    length: u64,
    /// How much room is to be set aside behind it.
    reserve: u64,
    /// Releases that another program has written, not yet handed on.
    beside: Vec<Entry>,
}

/// What a journal held.
#[derive(Debug, Default)]
pub struct Held {
    /// Its entries, oldest first.
    pub entries: Vec<Entry>,
    /// Lines that were torn or damaged.
    pub damaged: usize,
}

impl Journal {
    /// Opens or makes the journal and reads it, for the one enforcer that runs on it.
    ///
    /// # Errors
    /// When it cannot be opened or read, or another enforcer runs on it.
    pub fn open(path: &Path) -> io::Result<(Self, Held)> {
        let mut file = open_for_append(path)?;
        file.try_lock().map_err(|_| io::Error::other("another enforcer runs on it"))?;
        let held = read_all(&mut file)?;
        let length = mend_tail(&mut file)?;
        Ok((Self { path: path.into(), file, length, reserve: 0, beside: Vec::new() }, held))
    }
}

impl Record for Journal {
    fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.length > MAX_SIZE {
            return Err(io::Error::other(format!(
                "it is larger than {MAX_SIZE} octets and could not be written anew"
            )));
        }
        if !self.has_its_name() {
            return Err(io::Error::other(format!(
                "`{}` is gone, or another file by now",
                self.path.display()
            )));
        }
        let text = lines(entries);
        make_room(&self.file, text.len())?;
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let Err(fault) = written {
            // Cut what was written of it, so that a full disk leaves whole lines; not when someone else has written
            // meanwhile. If that fails as well the next start skips the torn line.
            if self.file.metadata().is_ok_and(|m| m.len() <= self.length + text.len() as u64) {
                let _ = self.file.set_len(self.length);
                let _ = self.reserve(self.reserve);
            }
            return Err(fault);
        }
        // It is on disk; that someone else's lines cannot be read now does not change that.
        let _ = self.look_beside(&text);
        Ok(())
    }

    fn reserve(&mut self, octets: u64) -> io::Result<()> {
        self.reserve = octets.min(MAX_RESERVE);
        make_room(&self.file, usize::try_from(self.reserve).unwrap_or(usize::MAX))
    }

    fn compact(&mut self, entries: &dyn Fn() -> Vec<Entry>) -> io::Result<()> {
        let is_lost = !self.has_its_name();
        if self.length < COMPACT_AT && !is_lost {
            return Ok(());
        }
        self.look_beside(&[])?;
        // Held until our own bears the name: nobody else may begin on it meanwhile.
        let _usurper = if is_lost { self.look_at_usurper()? } else { None };
        let mut text = lines(&entries());
        // Not handed on yet, and so not among the entries.
        text.extend(lines(&self.beside));
        let beside = self.path.with_extension("new");
        // A leftover of a crash is ours to replace; create_new then refuses whatever someone put there meanwhile.
        let _ = fs::remove_file(&beside);
        let mut file =
            OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(&beside)?;
        file.try_lock().map_err(|_| io::Error::other("its successor is locked"))?;
        file.write_all(&text)?;
        make_room(&file, usize::try_from(self.reserve).unwrap_or(usize::MAX))?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        sync_directory(&self.path)?;
        // Who wrote into the old file until its name was gone is heard; who writes later finds that it bears the name no longer.
        let known = self.beside.len();
        let heard = self.look_beside(&[]);
        let late = lines(self.beside.get(known..).unwrap_or_default());
        self.file = file;
        self.length = text.len() as u64;
        heard?;
        if !late.is_empty() {
            self.file.write_all(&late)?;
            self.file.sync_data()?;
            self.length += late.len() as u64;
        }
        Ok(())
    }

    fn foreign(&mut self) -> io::Result<Vec<Entry>> {
        self.look_beside(&[])?;
        Ok(std::mem::take(&mut self.beside))
    }
}

impl Journal {
    /// Whether what is at our path is what we have open.
    fn has_its_name(&self) -> bool {
        let (Ok(named), Ok(open)) = (fs::symlink_metadata(&self.path), self.file.metadata()) else {
            return false;
        };
        (named.dev(), named.ino()) == (open.dev(), open.ino())
    }

    /// Makes the folder where it is gone, and takes in what was released into a file that has our name now.
    fn look_at_usurper(&mut self) -> io::Result<Option<File>> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        if fs::symlink_metadata(&self.path).is_err() {
            return Ok(None);
        }
        let mut file = open_for_append(&self.path)?;
        file.try_lock().map_err(|_| io::Error::other("another enforcer runs on it"))?;
        let held = read_all(&mut file)?;
        let releases = held.entries.into_iter().filter(|entry| matches!(entry, Entry::ReleasedAll { .. }));
        self.beside.extend(releases.filter(|entry| !self.beside.contains(entry)).collect::<Vec<_>>());
        Ok(Some(file))
    }

    /// Reads what was appended since, up to the last whole line, and keeps the releases that are not among `own`.
    fn look_beside(&mut self, own: &[u8]) -> io::Result<()> {
        let new = self.file.metadata()?.len().saturating_sub(self.length);
        if new == 0 {
            return Ok(());
        }
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(self.length))?;
        (&self.file).take(new.min(MAX_SIZE)).read_to_end(&mut text)?;
        let whole = text.iter().rposition(|octet| *octet == b'\n').map_or(0, |last| last + 1);
        text.truncate(whole);
        self.length += whole as u64;
        if text == own {
            return Ok(());
        }
        let own: Vec<&[u8]> = own.split(|octet| *octet == b'\n').collect();
        let foreign = text.split(|octet| *octet == b'\n').filter(|line| !own.contains(line));
        // Nobody but the enforcer writes anything else, and nobody else is believed to.
        self.beside.extend(
            foreign.filter_map(parse_line).filter(|entry| matches!(entry, Entry::ReleasedAll { .. })),
        );
        Ok(())
    }
}

/// Appends one entry beside a running or dead enforcer, to the file that bears the name at the end; makes file and folder where they are
/// not there. Whether they were.
///
/// # Errors
/// When it is not on disk.
pub fn append_beside(path: &Path, entry: &Entry) -> io::Result<bool> {
    let was_there = path.exists();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    loop {
        let mut file = open_for_append(path)?;
        // The tail may be torn: an empty line before ours costs nothing.
        let mut text = b"\n".to_vec();
        text.extend(lines(std::slice::from_ref(entry)));
        make_room(&file, text.len())?;
        file.write_all(&text)?;
        file.sync_data()?;
        // The enforcer may have renamed a successor into place meanwhile.
        if fs::metadata(path)?.ino() == file.metadata()?.ino() {
            return Ok(was_there);
        }
    }
}

/// Whether an enforcer runs on the file that is at `path`.
#[must_use]
pub fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Reads one line, without its end; none when it is torn, damaged or of another make.
#[must_use]
pub fn parse_line(line: &[u8]) -> Option<Entry> {
    let rest = line.strip_prefix(br#"{"sum":""#)?;
    let (sum, rest) = rest.split_at_checked(16)?;
    let entry = rest.strip_prefix(br#"","entry":"#)?.strip_suffix(b"}")?;
    if Digest::new().with(entry).short().as_bytes() != sum {
        return None;
    }
    serde_json::from_slice(entry).ok()
}

/// An entry as a line, its end included.
#[must_use]
pub fn line(entry: &Entry) -> String {
    // The types hold text and numbers only, which JSON can always express.
    let text = serde_json::to_string(entry).unwrap_or_default();
    format!("{{\"sum\":\"{}\",\"entry\":{text}}}\n", Digest::new().with(&text).short())
}

fn lines(entries: &[Entry]) -> Vec<u8> {
    entries.iter().map(line).collect::<String>().into_bytes()
}

/// The orders that were there when everything was released, and by whom: whatever an enforcer that died before it heard of it wrote
/// of them afterwards.
pub(crate) fn released(held: &[Entry]) -> BTreeMap<OrderId, String> {
    let (mut there, mut released) = (BTreeSet::new(), BTreeMap::new());
    for entry in held {
        match entry {
            Entry::Order(life) => {
                there.insert(life.order.id.clone());
            }
            Entry::ReleasedAll { by, .. } => {
                released.extend(there.iter().map(|id: &OrderId| (id.clone(), by.clone())));
            }
            Entry::Finished { .. } | Entry::Remark { .. } => {}
        }
    }
    released
}

fn open_for_append(path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    // No symbolic link is followed: the enforcer may run as root in a folder others can write.
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    if is_new {
        sync_directory(path)?;
    }
    Ok(file)
}

/// Has the disk set room aside behind the end, so that what follows is written as a whole or not begun: what would have to be cut off again
/// takes with it the room that is held for others.
fn make_room(file: &File, octets: usize) -> io::Result<()> {
    if octets == 0 {
        return Ok(());
    }
    sys::set_aside(file.as_fd(), file.metadata()?.len(), octets as u64).map(drop)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn read_all(file: &mut File) -> io::Result<Held> {
    let mut held = Held::default();
    file.seek(SeekFrom::Start(0))?;
    read_lines(&mut BufReader::new(file.take(MAX_SIZE * 2)), &mut held)?;
    Ok(held)
}

fn read_lines(reader: &mut impl BufRead, held: &mut Held) -> io::Result<()> {
    let mut text = Vec::new();
    loop {
        text.clear();
        if reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut text)? == 0 {
            return Ok(());
        }
        // A last line that lacks its end alone is whole: `mend_tail` ends it.
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        match parse_line(line) {
            Some(entry) => held.entries.push(entry),
            None if line.is_empty() => {}
            None => held.damaged += 1,
        }
    }
}

/// Ends a torn last line, so that the next one stands alone; returns the length of the file.
fn mend_tail(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(0);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        return Ok(length);
    }
    file.write_all(b"\n")?;
    Ok(length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(text: &str) -> Entry {
        Entry::Remark { text: text.into(), time: Timestamp::from_seconds(1) }
    }

    fn place(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("fieldwarden-journal-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        let _ = fs::remove_file(&path);
        path
    }

    #[test]
    fn a_power_cut_at_any_octet_loses_only_the_line_being_written() {
        let path = place("torn");
        let whole = lines(&[remark("one"), remark("two")]);
        let first = line(&remark("one")).len();
        for cut in first..whole.len() - 1 {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, held) = Journal::open(&path).unwrap();
            assert_eq!(held.entries, [remark("one")], "cut at {cut}");
            journal.append(&[remark("three")]).unwrap();
            drop(journal);
            assert_eq!(Journal::open(&path).unwrap().1.entries, [remark("one"), remark("three")]);
        }
    }

    #[test]
    fn a_changed_octet_is_noticed_wherever_it_is() {
        let good = line(&remark("pump 3"));
        let good = good.trim_end().as_bytes();
        assert_eq!(parse_line(good), Some(remark("pump 3")));
        for at in 0..good.len() {
            let mut bad = good.to_vec();
            bad[at] ^= 0x20;
            assert_eq!(parse_line(&bad), None, "octet {at}");
        }
    }

    #[test]
    fn one_enforcer_at_a_time_and_a_release_beside_it_is_seen() {
        let path = place("beside");
        let (mut journal, _) = Journal::open(&path).unwrap();
        assert!(Journal::open(&path).is_err());
        journal.append(&[remark("ours")]).unwrap();
        assert!(journal.foreign().unwrap().is_empty());
        let released = Entry::ReleasedAll { by: "jo".into(), time: Timestamp::from_seconds(2) };
        append_beside(&path, &released).unwrap();
        assert_eq!(journal.foreign().unwrap(), [released]);
        assert!(journal.foreign().unwrap().is_empty());
    }

    #[test]
    fn a_release_beside_outlives_a_journal_written_anew_before_it_was_heard_of() {
        let path = place("anew");
        let (mut journal, _) = Journal::open(&path).unwrap();
        let long = remark(&"x".repeat(900_000));
        for _ in 0..5 {
            journal.append(std::slice::from_ref(&long)).unwrap();
        }
        let release = Entry::ReleasedAll { by: "jo".into(), time: Timestamp::from_seconds(1) };
        append_beside(&path, &release).unwrap();
        journal.compact(&|| vec![remark("all there is")]).unwrap();
        assert!(journal.length < COMPACT_AT);
        // Killed here, the next one reads it; alive, it hears of it.
        let text = fs::read_to_string(&path).unwrap();
        let entries: Vec<Entry> = text.lines().filter_map(|line| parse_line(line.as_bytes())).collect();
        assert_eq!(entries, [remark("all there is"), release.clone()]);
        assert_eq!(journal.foreign().unwrap(), [release]);
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_release_written_between_two_lines_of_ours_is_not_lost() {
        let path = place("between");
        let (mut journal, _) = Journal::open(&path).unwrap();
        let released = Entry::ReleasedAll { by: "jo".into(), time: Timestamp::from_seconds(2) };
        append_beside(&path, &released).unwrap();
        journal.append(&[remark("a line of ours that is longer than the release")]).unwrap();
        journal.append(&[remark("and another")]).unwrap();
        assert_eq!(journal.foreign().unwrap(), [released]);
        assert!(journal.foreign().unwrap().is_empty());
    }
}
