//! Which ports were moved, and where they stood before: a file beside the journal, since a switch that speaks SNMP has no place
//! for it. Written and synced before the switch is changed, and replaced as a whole.
//!
//! ```text
//! {"version":1,"sum":"0123456789abcdef","ports":"{\"eth3\":{\"pvid\":10,..}}"}
//! ```

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use fieldwarden_model::digest::Digest;
use serde::{Deserialize, Serialize};

use super::standing::Standing;

/// The largest file that is read, in octets.
const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// Where each port that was moved stood before.
pub(super) type Moved = BTreeMap<String, Standing>;

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Record {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u8,
    sum: String,
    /// The ports, as text: what the sum is made of.
    ports: String,
}

impl Record {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Keeps whoever else writes it waiting until what this returns is dropped: `release --all` may run beside an enforcer.
    pub(super) fn lock(&self) -> Result<File, String> {
        let open = || {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = open_to_write(&self.path.with_extension("lock"))?;
            file.lock()?;
            Ok(file)
        };
        open().map_err(|fault: io::Error| self.told("cannot be locked", &fault.to_string()))
    }

    /// What was moved; nothing where there is no file yet.
    pub(super) fn read(&self) -> Result<Moved, String> {
        let mut text = String::new();
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(&self.path);
        match file.and_then(|file| file.take(MAX_SIZE).read_to_string(&mut text)) {
            Ok(_) => {}
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Moved::new()),
            Err(fault) => return Err(self.told("cannot be read", &fault.to_string())),
        }
        let damaged = |why: &str| {
            let hint = "give the ports back by hand, then remove it";
            self.told("is damaged", &format!("{why}; {hint}"))
        };
        let content: Content = serde_json::from_str(&text).map_err(|fault| damaged(&fault.to_string()))?;
        if content.version != 1 || content.sum != sum(&content.ports) {
            return Err(damaged("its sum or its version is another"));
        }
        serde_json::from_str(&content.ports).map_err(|fault| damaged(&fault.to_string()))
    }

    /// Replaces what was moved; on disk when it returns.
    pub(super) fn write(&self, moved: &Moved) -> Result<(), String> {
        let replace = || {
            let ports = serde_json::to_string(moved)?;
            let text = serde_json::to_string(&Content { version: 1, sum: sum(&ports), ports })?;
            let beside = self.path.with_extension("new");
            // A leftover of a crash is ours to replace.
            let _ = fs::remove_file(&beside);
            let mut file = open_to_write(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)?;
            File::open(folder(&self.path))?.sync_all()
        };
        replace().map_err(|fault: io::Error| self.told("cannot be written", &fault.to_string()))
    }

    fn told(&self, what: &str, why: &str) -> String {
        format!("the record of moved ports `{}` {what}: {why}", self.path.display())
    }
}

fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sum(text: &str) -> String {
    Digest::new().with(text).short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_moved_is_read_again_and_a_changed_octet_is_noticed_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/cell-2.moved");
        let record = Record::new(path.clone());
        assert_eq!(record.read(), Ok(Moved::new()), "nothing yet");
        let _held = record.lock().unwrap();
        let standing =
            Standing { pvid: 10, egress: [10].into(), untagged: [10].into(), filters: Some(false) };
        let moved = Moved::from([("eth3".to_owned(), standing)]);
        record.write(&moved).unwrap();
        assert_eq!(record.read(), Ok(moved));
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x04;
            fs::write(&path, bad).unwrap();
            let read = record.read();
            assert!(
                read.is_err_and(|why| why.contains("cell-2.moved") && why.contains("by hand")),
                "octet {at}"
            );
        }
    }

    #[test]
    fn what_cannot_be_written_is_told_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let record = Record::new(folder.path().join("cell-2.moved"));
        record.write(&Moved::new()).unwrap();
        fs::create_dir(folder.path().join("cell-2.new")).unwrap();
        let moved = Moved::from([("eth3".to_owned(), Standing::default())]);
        assert!(record.write(&moved).unwrap_err().contains("cannot be written"));
        assert_eq!(record.read(), Ok(Moved::new()));
    }
}
