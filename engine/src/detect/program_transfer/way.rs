//! Which way a program goes, by what its dissector calls the function: one verb stands for all of them.

/// What is done to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is read out of the controller.
    Upload,
    /// It is loaded into the controller.
    Download,
    /// Parts of it are edited, put to work, deleted or moved where they are.
    Edit,
    /// The firmware of the controller is replaced.
    Firmware,
    /// The firmware of a module behind it is replaced.
    ModuleFirmware,
}

const UPLOADS: [&str; 4] = ["upload", "uploaded", "backup", "read"];
const DOWNLOADS: [&str; 7] = ["download", "downloaded", "load", "loaded", "restore", "install", "write"];
/// Functions that go one way without a word for it: a download over S7comm-plus creates the blocks that it loads, CODESYS makes room for the
/// application that comes, MMS stores a domain for others to fetch, and KNX answers a read of memory.
const NAMED: [(&str, Way); 5] = [
    ("create block", Way::Download),
    ("create application", Way::Download),
    ("create device application", Way::Download),
    ("storeDomainContent", Way::Upload),
    ("Memory response", Way::Upload),
];

impl Way {
    /// By the name of a function of the verb `program`. What only ends a transfer of either way is taken for the lesser one:
    /// whichever it was, its beginning told it.
    pub(super) fn of(name: &str) -> Self {
        if let Some((_, way)) = NAMED.iter().find(|(named, _)| *named == name) {
            return *way;
        }
        let speaks_of = |words: &[&str]| {
            each_word(name).any(|word| words.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
        };
        if speaks_of(&UPLOADS) {
            Self::Upload
        } else if speaks_of(&["firmware"]) {
            if speaks_of(&["module"]) { Self::ModuleFirmware } else { Self::Firmware }
        } else if speaks_of(&DOWNLOADS) {
            Self::Download
        } else {
            Self::Edit
        }
    }

    /// What keeps alerts about different ways apart.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Edit => "edit",
            Self::Firmware => "firmware",
            Self::ModuleFirmware => "module-firmware",
        }
    }

    pub(super) const fn techniques(self) -> &'static [&'static str] {
        match self {
            Self::Upload => &["T0845"],
            Self::Download => &["T0843"],
            Self::Edit => &["T0889"],
            Self::Firmware => &["T0857"],
            // What sits in the slot, a controller or another module, the wire does not tell.
            Self::ModuleFirmware => &["T0839", "T0857"],
        }
    }

    /// As a sentence about client and server says it.
    pub(super) const fn deed(self) -> &'static str {
        match self {
            Self::Upload => "reads the program of",
            Self::Download => "loads a program into",
            Self::Edit => "changes the program of",
            Self::Firmware => "replaces the firmware of",
            Self::ModuleFirmware => "replaces the firmware of a module behind",
        }
    }
}

/// The words of a name, also where capitals alone part them.
fn each_word(name: &str) -> impl Iterator<Item = &str> {
    let apart = |c: char| !c.is_ascii_alphanumeric();
    name.split(apart).flat_map(|word| {
        let mut rest = word;
        core::iter::from_fn(move || {
            let octets = rest.as_bytes();
            let seam = octets.windows(2).position(
                |pair| matches!(pair, [before, after] if before.is_ascii_lowercase() && after.is_ascii_uppercase()),
            );
            let (word, left) = rest.split_at_checked(seam.map_or(rest.len(), |seam| seam + 1))?;
            rest = left;
            (!word.is_empty()).then_some(word)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::Way;

    #[test]
    fn names_of_many_protocols_go_their_way() {
        for (way, names) in [
            (
                Way::Upload,
                &[
                    "start upload",
                    "uploadSegment",
                    "terminateUploadSequence",
                    "requestDomainUpload",
                    "Unity: begin upload",
                ][..],
            ),
            (
                Way::Upload,
                &[
                    "upload of a block",
                    "upload program part",
                    "Start backup",
                    "program area read",
                    "Memory read",
                ],
            ),
            (Way::Upload, &["PCCC exit download or upload mode", "firmware upload", "storeDomainContent"]),
            (
                Way::Download,
                &[
                    "download block",
                    "downloadSegment",
                    "loadDomainContent",
                    "create block",
                    "program area write",
                    "Start restore",
                ],
            ),
            (
                Way::Download,
                &["start of a changed download", "load the vector table", "install", "Memory write"],
            ),
            (
                Way::Edit,
                &[
                    "activate blocks",
                    "delete blocks",
                    "deleteProgramInvocation",
                    "change of the program",
                    "online change",
                ],
            ),
            (Way::Edit, &["set attribute list", "program service", "set breakpoint", "compress memory"]),
            (Way::Firmware, &["firmware update", "firmware transfer", "firmware service"]),
            (Way::ModuleFirmware, &["module firmware update"]),
        ] {
            for name in names {
                assert_eq!(Way::of(name), way, "{name}");
            }
        }
    }
}
