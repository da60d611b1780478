//! What is wrong with a message, or with our reading of it, with the numbers inside.

use core::fmt;

/// Whose fault an anomaly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blame {
    /// The peer broke the rules of its protocol.
    Malformed,
    /// The message may be right, but this decoder does not know it.
    Unsupported,
    /// A cap of ours was reached; what lies beyond is not kept.
    Limit,
}

/// A departure from the protocol. Small and copied about; `code` is stable and listed on the protocol's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Stable kebab-case name, such as `byte-count-disagrees`.
    pub code: &'static str,
    /// Whose fault.
    pub blame: Blame,
    /// Octet within the message at which it was found.
    pub offset: u32,
    /// The number found there.
    pub got: u64,
    /// The number the protocol asks for, or the bound it sets.
    pub expected: u64,
}

impl Anomaly {
    /// The peer broke the rules.
    #[must_use]
    pub const fn malformed(code: &'static str, offset: u32, got: u64, expected: u64) -> Self {
        Self { code, blame: Blame::Malformed, offset, got, expected }
    }

    /// This decoder does not know it.
    #[must_use]
    pub const fn unsupported(code: &'static str, offset: u32, got: u64) -> Self {
        Self { code, blame: Blame::Unsupported, offset, got, expected: 0 }
    }

    /// A cap of ours was reached.
    #[must_use]
    pub const fn limit(code: &'static str, offset: u32, got: u64, cap: u64) -> Self {
        Self { code, blame: Blame::Limit, offset, got, expected: cap }
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.blame {
            Blame::Malformed => {
                write!(
                    f,
                    "{}: found {}, expected {} at octet {}",
                    self.code, self.got, self.expected, self.offset
                )
            }
            Blame::Unsupported => {
                write!(f, "{}: {} at octet {} is not known", self.code, self.got, self.offset)
            }
            Blame::Limit => write!(f, "{}: {} exceeds the cap of {}", self.code, self.got, self.expected),
        }
    }
}
