//! Commands.

use fieldwarden_model::{Operation, Verb};

use crate::{Kind, plain};

/// Commands that are known and their verb; the place is the function code, from 1.
const COMMANDS: &[(&str, Verb)] = &[
    ("USER", Verb::Associate),
    ("PASS", Verb::Associate),
    ("ACCT", Verb::Associate),
    ("CWD", Verb::Discover),
    ("CDUP", Verb::Discover),
    ("REIN", Verb::Associate),
    ("QUIT", Verb::Associate),
    ("PORT", Verb::Associate),
    ("PASV", Verb::Associate),
    ("TYPE", Verb::Associate),
    ("STRU", Verb::Associate),
    ("MODE", Verb::Associate),
    ("RETR", Verb::Transfer),
    ("STOR", Verb::Transfer),
    ("STOU", Verb::Transfer),
    ("APPE", Verb::Transfer),
    ("ALLO", Verb::Transfer),
    ("REST", Verb::Transfer),
    ("RNFR", Verb::Transfer),
    ("RNTO", Verb::Transfer),
    ("ABOR", Verb::Associate),
    ("DELE", Verb::Transfer),
    ("RMD", Verb::Transfer),
    ("MKD", Verb::Transfer),
    ("PWD", Verb::Discover),
    ("LIST", Verb::Discover),
    ("NLST", Verb::Discover),
    ("SITE", Verb::Configure),
    ("SYST", Verb::Discover),
    ("STAT", Verb::Discover),
    ("HELP", Verb::Discover),
    ("NOOP", Verb::Associate),
    ("AUTH", Verb::Associate),
    ("PBSZ", Verb::Associate),
    ("PROT", Verb::Associate),
    ("FEAT", Verb::Discover),
    ("OPTS", Verb::Associate),
    ("EPRT", Verb::Associate),
    ("EPSV", Verb::Associate),
    ("SIZE", Verb::Discover),
    ("MDTM", Verb::Discover),
    ("MLSD", Verb::Discover),
    ("MLST", Verb::Discover),
    ("XPWD", Verb::Discover),
    ("XMKD", Verb::Transfer),
    ("XRMD", Verb::Transfer),
    ("XCWD", Verb::Discover),
    ("MFMT", Verb::Transfer),
    ("CLNT", Verb::Associate),
];

/// A command's line.
#[derive(Clone, Copy)]
pub(super) struct Command<'a> {
    /// Its place among those that are known.
    pub(super) known: Option<usize>,
    pub(super) word: &'a [u8],
    pub(super) argument: &'a [u8],
}

impl<'a> Command<'a> {
    pub(super) fn read(text: &'a [u8]) -> Self {
        let end = text.iter().position(|octet| *octet == b' ').unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
        let known = COMMANDS.iter().position(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        Self { known, word, argument: rest.strip_prefix(b" ").unwrap_or(rest) }
    }

    pub(super) const fn is_known(&self) -> bool {
        self.known.is_some()
    }

    pub(super) fn operation(&self, kind: Kind) -> Option<Operation<'static>> {
        let (name, verb) =
            self.known.and_then(|at| COMMANDS.get(at)).copied().unwrap_or(("unknown", Verb::Unknown));
        let function = self.known.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(0);
        plain::operation(verb, function, name, kind)
    }
}
