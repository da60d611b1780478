//! Interlocks that a site writes down: whose orders two people approve, hours in which nothing begins, an input that must permit.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use fieldwarden_model::{
    Fault, Order, Section, Site, Talker, Target, Timestamp, WeeklyHours, section::Reader,
};

/// The most octets read of a permit; a first line that is longer permits nothing.
pub const MAX_PERMIT_OCTETS: u64 = 4_096;

/// Whose orders two different people must approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwoPersons {
    /// The name told.
    pub name: String,
    /// Every address of it.
    pub talkers: Vec<Talker>,
}

/// Hours in which no order begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForbiddenHours {
    /// When.
    pub hours: WeeklyHours,
    /// Why, as told to whoever is refused.
    pub reason: String,
}

/// A file that must be there, and say so, when an order begins and when it is kept: a key switch in the control room, an output of a
/// controller or of another program, as the machine shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The file.
    pub file: PathBuf,
    /// What its first line must be, blanks around it aside.
    pub says: String,
}

impl TwoPersons {
    /// Reads one `[[enforcer.two_persons]]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(crate) fn configure(section: &Section, site: &Site) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let asset = reader.optional::<String>("asset");
        let talker = reader.optional::<Talker>("talker");
        let named = match (asset, talker) {
            (Some(name), None) => {
                let known = site.assets.iter().find(|asset| asset.name == name);
                if known.is_none() {
                    let help = format!("write a `[[site.asset]]` with `name = \"{name}\"`");
                    reader.fault_at("asset", format!("there is no asset `{name}`"), Some(help));
                }
                known.map(|known| Self { name, talkers: known.addresses.clone() })
            }
            (None, Some(talker)) => {
                // Whoever names a machine by one of its addresses means the machine.
                let talkers =
                    site.asset(talker).map_or_else(|| vec![talker], |known| known.addresses.clone());
                Some(Self { name: talker.to_string(), talkers })
            }
            _ => {
                let help = Some("asset = \"Dosing PLC\", or talker = \"10.0.0.20\"".into());
                reader.fault_at("asset", "one of `asset` and `talker` says whose orders".into(), help);
                None
            }
        };
        reader.finish_with(named)
    }

    /// Whether an order concerns it: it is isolated, a conversation of it is cut, or it is known `behind` the port that is moved.
    #[must_use]
    pub fn concerns(&self, order: &Order, behind: &[Talker]) -> bool {
        let is_named = |talker: &Talker| self.talkers.contains(talker);
        match &order.target {
            Target::Talker { talker } => is_named(talker),
            Target::Conversation { client, server, .. } => is_named(client) || is_named(server),
            Target::SwitchPort { .. } => behind.iter().any(is_named),
        }
    }
}

impl ForbiddenHours {
    /// Reads one `[[enforcer.forbidden_hours]]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(crate) fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let hours = WeeklyHours::read(&mut reader);
        let reason = reader.required::<String>("reason", "reason = \"shift change\"");
        let read = hours.zip(reason).map(|(hours, reason)| Self { hours, reason });
        reader.finish_with(read)
    }

    /// Why no order begins at a moment, as a sentence.
    pub(super) fn refuse(&self, time: Timestamp) -> Result<(), String> {
        if !self.hours.holds_at(time) {
            return Ok(());
        }
        let over = self.hours.next_edge(time);
        Err(format!("no order begins {}, for: {}; it may from {over} on", self.hours, self.reason))
    }
}

impl Permit {
    /// Reads `[enforcer.permit]`; none where the section is empty.
    ///
    /// # Errors
    /// Every fault with its place.
    pub(crate) fn configure(section: &Section) -> Result<Option<Self>, Vec<Fault>> {
        if section.entries.is_empty() {
            return Ok(None);
        }
        let mut reader = Reader::new(section);
        let file = reader.required::<String>("file", "file = \"/run/plant/permit\"").map(PathBuf::from);
        let says =
            reader.required::<String>("says", "says = \"permitted\"").map(|text| text.trim().to_owned());
        if file.as_deref().is_some_and(Path::is_relative) {
            reader.fault_at("file", "is not a path from `/` on".into(), None);
        }
        if says.as_ref().is_some_and(|says| says.is_empty() || says.contains('\n')) {
            reader.fault_at("says", "is not one line of text".into(), None);
        }
        let read = file.zip(says).map(|(file, says)| Self { file, says });
        reader.finish_with(read.map(Some))
    }

    /// Whether it permits now.
    ///
    /// # Errors
    /// Why it does not, as a sentence that names the file. A file that cannot be read permits nothing.
    pub fn given(&self) -> Result<(), String> {
        let refused = |why: &str| Err(format!("the permit input `{}` {why}", self.file.display()));
        // A pipe that nobody writes to would hold up whoever wants to release.
        if fs::metadata(&self.file).is_ok_and(|found| !found.is_file()) {
            return refused("is no plain file");
        }
        let mut octets = Vec::new();
        let read =
            File::open(&self.file).and_then(|file| file.take(MAX_PERMIT_OCTETS).read_to_end(&mut octets));
        match read {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => refused("is not there"),
            Err(cause) => refused(&format!("cannot be read: {cause}")),
            Ok(_) => {
                let line = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
                if line.trim_ascii() == self.says.as_bytes() { Ok(()) } else { refused("does not permit it") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_permits_by_its_first_line_alone_and_never_waits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("permit");
        let permit = Permit { file: file.clone(), says: "permitted".into() };
        let why = || permit.given().err().unwrap_or_default();
        assert!(why().contains("is not there"), "{}", why());
        for (text, is_given) in [
            ("permitted", true),
            (" permitted \r\nrest", true),
            ("", false),
            ("not permitted", false),
            ("rest\npermitted", false),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(permit.given().is_ok(), is_given, "{text:?}");
        }
        fs::write(&file, "x".repeat(1_000_000)).unwrap();
        assert!(why().contains("does not permit it"), "{}", why());
        fs::remove_file(&file).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        assert!(why().contains("is no plain file"), "{}", why());
    }
}
