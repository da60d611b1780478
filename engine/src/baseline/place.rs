//! What the tables of a baseline file are about, and where each stands: for reviews, conflicts and edits that leave the
//! rest of the file as people wrote it.

use core::fmt;
use std::collections::BTreeMap;

use fieldwarden_model::{
    AddressSpace, Talker,
    assemble::Assemble,
    section::{Fault, Section, Span},
};

use super::{Baseline, Entry, KnownTalker, ModeName, Reading, Shift, quiet::Scope};
use crate::conversation::{ConversationKey, PLAIN_LINK, ServiceKey};

/// What a table of a baseline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The file as a whole: its operating mode, what it was learned from.
    File,
    /// A talker that belongs here.
    Talker(AddressSpace, Talker),
    /// A conversation that is normal.
    Conversation(ConversationKey),
    /// A talker that belongs here in one mode alone.
    TalkerIn(ModeName, AddressSpace, Talker),
    /// What is normal in a conversation in one mode alone.
    ConversationIn(ModeName, ConversationKey),
    /// When a mode is due.
    Shift(Shift),
    /// What is told quietly.
    Quiet(Scope),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Talker(AddressSpace(0), talker) => write!(f, "talker {talker}"),
            Self::Talker(space, talker) => write!(f, "talker {talker} in space {}", space.0),
            Self::Conversation(key) => key.fmt(f),
            Self::TalkerIn(mode, space, talker) => write!(f, "{} in {mode}", Self::Talker(*space, *talker)),
            Self::ConversationIn(mode, key) => write!(f, "{key} in {mode}"),
            Self::Shift(shift) => write!(f, "schedule: {shift}"),
            Self::Quiet(scope) => write!(f, "quiet: {scope}"),
        }
    }
}

impl Subject {
    /// The same in one mode alone; as it is where none is named.
    #[must_use]
    pub const fn in_mode(self, mode: Option<ModeName>) -> Self {
        match (self, mode) {
            (Self::Talker(space, talker), Some(mode)) => Self::TalkerIn(mode, space, talker),
            (Self::Conversation(key), Some(mode)) => Self::ConversationIn(mode, key),
            (subject, _) => subject,
        }
    }
}

impl KnownTalker {
    /// What its table is about.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        Subject::Talker(self.space, self.talker)
    }
}

impl Entry {
    /// What its table is about. A protocol that this build does not know stands as unrecognised traffic on the link; no file
    /// that was read has one.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let unknown = || ConversationKey { service: self.service(), protocol: PLAIN_LINK, unit: self.unit };
        Subject::Conversation(self.key().unwrap_or_else(unknown))
    }

    pub(crate) const fn service(&self) -> ServiceKey {
        ServiceKey {
            space: self.space,
            client: self.client,
            server: self.server,
            transport: self.transport,
            port: self.server_port,
        }
    }
}

/// A baseline, and where its tables stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placed {
    /// What it says.
    pub baseline: Baseline,
    /// The headers of its tables. Of several about one subject the last counts, as in judgement.
    pub places: BTreeMap<Subject, Span>,
    /// Conversations that have more than one table: the last counts, the others say nothing.
    pub repeated: Vec<(Subject, Span)>,
}

/// A [`Placed`] in the making.
#[derive(Debug, Default)]
pub struct Placing {
    reading: Reading,
    places: BTreeMap<Subject, Span>,
    repeated: Vec<(Subject, Span)>,
}

impl Assemble for Placing {
    type Output = Placed;
    const REPEATED: &'static [&'static str] = Reading::REPEATED;

    fn take(&mut self, key: &str, table: &Section) {
        self.reading.take(key, table);
        let Some(subject) = self.reading.latest() else { return };
        if let Some(earlier) = self.places.insert(subject, table.at) {
            self.repeated.push((subject, earlier));
        }
    }

    fn finish(self, top: &Section) -> Result<Placed, Vec<Fault>> {
        let baseline = self.reading.finish(top)?;
        Ok(Placed { baseline, places: self.places, repeated: self.repeated })
    }
}
