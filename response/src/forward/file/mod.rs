//! A file on this machine, one line for each revision of an incident, for whatever reads files: an agent of the SOC, a share, a person.
//!
//! # Guarantee
//!
//! Every revision is written at least once and, repeats aside, in order. It counts as delivered once the disk has it (`fdatasync`). A line
//! that a crash tore is taken off at the next start and written anew. Files are turned by size, and only so many are kept: whoever reads must
//! keep up.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use fieldwarden_model::{Fault, Section, Timestamp, section::Reader};

use super::{
    Destination, ForwardError, Forwarder, Link, Stop,
    content::{self, Format},
};
use crate::store::{Store, Told};

/// The registration.
pub(super) const FORWARDER: Forwarder = Forwarder { id: "file", configure };

/// Octets read at a time while looking for the last whole line.
const LOOK: u64 = 64 * 1024;

/// What one `[[forward.file]]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The destination's name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What stands in a line.
    pub format: Format,
    /// Octets a line may have.
    pub max_line_bytes: usize,
    /// Octets after which the file is turned.
    pub max_bytes: u64,
    /// How many turned files are kept: `NAME.1` is the latest.
    pub keep: u32,
}

impl Settings {
    /// Reads one table.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"agent\"");
        let path = reader.required::<String>("path", "path = \"/var/lib/fieldwarden/incidents.jsonl\"");
        let path = path.map(PathBuf::from);
        if path.as_deref().is_some_and(|path| path.is_relative() || path.file_name().is_none()) {
            reader.fault_at("path", "is no file by its whole path, from `/` on".into(), None);
        }
        let format = reader.one_of("format", &content::words());
        let max_line_bytes = reader.within("max_line_bytes", 2_048..=1_048_576, 65_536);
        let max_bytes = reader.within("max_megabytes", 1..=4_096, 64).saturating_mul(1024 * 1024);
        let keep = u32::try_from(reader.within("keep", 1..=100, 4)).unwrap_or(4);
        let all = (|| {
            Some(Self {
                name: name?,
                path: path?,
                format: format?,
                max_line_bytes: usize::try_from(max_line_bytes).unwrap_or(65_536),
                max_bytes,
                keep,
            })
        })();
        reader.finish_with(all)
    }
}

/// A file.
#[derive(Clone, Debug)]
pub struct Lines {
    settings: Settings,
    address: String,
    gateway: String,
}

impl Lines {
    /// The file that `settings` describe.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let address = settings.path.display().to_string();
        Self { settings, address, gateway: super::hostname() }
    }
}

impl Destination for Lines {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn connect(&self, _: &Store, _: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        Ok(Box::new(Writer::open(&self.settings, &self.gateway)?))
    }

    fn test(&self, _: Timestamp) -> Result<String, ForwardError> {
        let writer = Writer::open(&self.settings, &self.gateway)?;
        writer.sync()?;
        Ok(format!(
            "`{}` can be written; it holds {} octets, and nothing was added",
            self.address, writer.length
        ))
    }
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    Settings::configure(section).map(|settings| Box::new(Lines::new(settings)) as Box<dyn Destination>)
}

struct Writer {
    settings: Settings,
    gateway: String,
    file: File,
    length: u64,
    written: u64,
    synced: u64,
}

impl Writer {
    fn open(settings: &Settings, gateway: &str) -> Result<Self, ForwardError> {
        let opened = open(&settings.path).and_then(|mut file| mend(&mut file).map(|length| (file, length)));
        let (file, length) = opened.map_err(|cause| unusable(&settings.path, &cause))?;
        let (settings, gateway) = (settings.clone(), gateway.to_owned());
        Ok(Self { settings, gateway, file, length, written: 0, synced: 0 })
    }

    fn sync(&self) -> Result<(), ForwardError> {
        self.file.sync_data().map_err(|cause| unusable(&self.settings.path, &cause))
    }

    /// Moves the file away and begins another.
    fn turn(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        let path = &self.settings.path;
        for n in (1..self.settings.keep).rev() {
            match fs::rename(turned(path, n), turned(path, n + 1)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
        }
        fs::rename(path, turned(path, 1))?;
        self.file = open(path)?;
        self.length = 0;
        Ok(())
    }

    fn put(&mut self, line: &str) -> io::Result<()> {
        let octets = format!("{line}\n");
        let more = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        if self.length > 0 && self.length.saturating_add(more) > self.settings.max_bytes {
            self.turn()?;
        }
        if let Err(cause) = self.file.write_all(octets.as_bytes()) {
            // Half a line would be read as a whole one by who follows the file.
            self.file.set_len(self.length)?;
            return Err(cause);
        }
        self.length = self.length.saturating_add(more);
        self.written += 1;
        Ok(())
    }
}

impl Link for Writer {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        let line = content::encode(self.settings.format, told, &self.gateway, self.settings.max_line_bytes);
        self.put(&line).map_err(|cause| unusable(&self.settings.path, &cause))
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        if self.synced < self.written {
            self.sync()?;
            self.synced = self.written;
        } else if !is_still(&self.settings.path, &self.file) {
            let cause = "somebody moved it away".into();
            return Err(ForwardError::Lost { address: self.settings.path.display().to_string(), cause });
        }
        std::thread::sleep(wait);
        Ok(())
    }

    fn confirmed(&mut self) -> u64 {
        self.synced
    }

    fn close(self: Box<Self>) {
        // What is not confirmed is written again.
        let _ = self.sync();
    }
}

/// Readable by its owner and group: titles name machines of the plant.
fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).read(true).append(true).mode(0o640).open(path)
}

/// Whether the file of this path is still the one that is open.
fn is_still(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (fs::metadata(path), file.metadata()) {
        (Ok(there), Ok(open)) => place(there) == place(open),
        _ => false,
    }
}

fn turned(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    PathBuf::from(name)
}

/// Takes a torn last line off; how long the file is then.
fn mend(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut end = length;
    while end > 0 {
        let from = end.saturating_sub(LOOK);
        let mut octets = vec![0; usize::try_from(end - from).unwrap_or(0)];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut octets)?;
        if let Some(at) = octets.iter().rposition(|octet| *octet == b'\n') {
            end = from + u64::try_from(at).unwrap_or(0) + 1;
            break;
        }
        end = from;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

fn unusable(path: &Path, cause: &io::Error) -> ForwardError {
    ForwardError::File { file: path.to_path_buf(), cause: cause.to_string() }
}
