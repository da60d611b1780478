//! Where the sensor does not see, counted by reason and place, and which detectors that blinds.
//!
//! What is seen of a flow, and what is known to be missing, is told by its tracker; a shard writes that down in a [`Ledger`] of its
//! own, and the ledgers are added up when somebody asks. A reason takes [`Need`]s away; a detector that has such a need is blind there.

mod ledger;
mod settings;
mod watch;

use serde::{Deserialize, Serialize};

pub use ledger::{Blind, MAX_TOLD};
pub(crate) use ledger::{Ledger, Place, told};
pub use settings::Settings;
pub(crate) use watch::{Change, Watch, Watched};

use fieldwarden_protocols::Direction;

/// Why something is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// The capture itself lost frames.
    KernelDrops,
    /// One side of a conversation is heard, the other is not though it speaks.
    OneWayMirror,
    /// Octets of a stream are missing.
    Gaps,
    /// Requests whose answers lie where octets are missing.
    Unanswered,
    /// Packets that the mirror showed more than once.
    Copies,
    /// Flows whose packets carry now these, now other VLAN tags, and packets shown again with other ones.
    VlanRewritten,
    /// Frames captured short of their length.
    Snapped,
    /// Octets on the port of a protocol that are not it, a message that made its parser give up, or layers below the application that
    /// cannot be read.
    Undecodable,
    /// Directions of flows in which every checksum is wrong: captured at a sender whose card completes them. They are believed.
    Checksums,
    /// TLS.
    Encrypted,
    /// A table at its cap.
    Caps,
    /// The clock of the capture stepped back.
    ClockSteps,
    /// The program did not run.
    Outage,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::KernelDrops,
        Self::OneWayMirror,
        Self::Gaps,
        Self::Unanswered,
        Self::Copies,
        Self::VlanRewritten,
        Self::Snapped,
        Self::Undecodable,
        Self::Checksums,
        Self::Encrypted,
        Self::Caps,
        Self::ClockSteps,
        Self::Outage,
    ];

    /// The word for it in outputs; it never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::KernelDrops => "kernel-drops",
            Self::OneWayMirror => "one-way-mirror",
            Self::Gaps => "gaps",
            Self::Unanswered => "unanswered",
            Self::Copies => "copies",
            Self::VlanRewritten => "vlan-rewritten",
            Self::Snapped => "snapped",
            Self::Undecodable => "undecodable",
            Self::Checksums => "checksums",
            Self::Encrypted => "encrypted",
            Self::Caps => "caps",
            Self::ClockSteps => "clock-steps",
            Self::Outage => "outage",
        }
    }

    /// Whether it can be an incident: copies, other tags and wrong checksums blind nobody.
    #[must_use]
    pub(crate) const fn is_watched(self) -> bool {
        !matches!(self, Self::Copies | Self::VlanRewritten | Self::Checksums)
    }

    /// What it means, for people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::KernelDrops => "the capture lost frames",
            Self::OneWayMirror => "one direction only is heard",
            Self::Gaps => "octets of streams are missing",
            Self::Unanswered => "answers are missing",
            Self::Copies => "packets were shown more than once, and taken once",
            Self::VlanRewritten => "the mirror shows it now with these, now with other VLAN tags",
            Self::Snapped => "frames were captured short of their length",
            Self::Undecodable => "what is said cannot be read",
            Self::Checksums => "no checksum is right, so wrong ones tell nothing",
            Self::Encrypted => "what is said is encrypted",
            Self::Caps => "a table was full",
            Self::ClockSteps => "the clock stepped back",
            Self::Outage => "nobody listened before a restart",
        }
    }
}

/// What a detector must have to be sure of what it says, and of its silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Need {
    /// Every message of clients.
    Requests,
    /// Every message of servers.
    Answers,
    /// The values in messages, to their last octet.
    Values,
    /// Every talker's frames.
    Talkers,
    /// Time that does not run backwards.
    Time,
}

/// A set of needs that are not met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lacks(u8);

impl Lacks {
    /// Frames are missing, whoever sent them.
    pub(crate) const FRAMES: Self = Self::of(&[Need::Requests, Need::Answers, Need::Talkers]);
    /// Both directions cannot be read.
    pub(crate) const MESSAGES: Self = Self::of(&[Need::Requests, Need::Answers, Need::Values]);

    /// Time cannot be believed.
    pub(crate) const TIME: Self = Self::of(&[Need::Time]);

    pub(crate) const fn of(needs: &[Need]) -> Self {
        let mut all = 0;
        let mut rest = needs;
        while let [need, more @ ..] = rest {
            all |= 1 << *need as u8;
            rest = more;
        }
        Self(all)
    }

    /// What goes this way is missing.
    pub(crate) const fn of_direction(direction: Direction) -> Self {
        match direction {
            Direction::ToServer => Self::of(&[Need::Requests]),
            Direction::ToClient => Self::of(&[Need::Answers]),
        }
    }

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a detector with these needs is blind.
    pub(crate) const fn blinds(self, needs: &[Need]) -> bool {
        self.0 & Self::of(needs).0 != 0
    }
}

/// After something went missing, what is said of the same flow is not assured for this long; losses of the whole capture
/// count for everybody. A minute: the windows within which detectors count.
pub(crate) const TAINT: core::time::Duration = core::time::Duration::from_secs(60);

/// A set of needs not met, until some time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taint {
    lacks: Lacks,
    until: fieldwarden_model::Timestamp,
}

impl Taint {
    /// Something went missing.
    pub(crate) fn add(&mut self, lacks: Lacks, time: fieldwarden_model::Timestamp) {
        self.lacks = self.at(time).with(lacks);
        self.until = time.saturating_add(TAINT);
    }

    /// What is missing at a time.
    pub(crate) fn at(&self, time: fieldwarden_model::Timestamp) -> Lacks {
        if time <= self.until { self.lacks } else { Lacks::default() }
    }
}
