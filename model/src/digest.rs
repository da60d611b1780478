//! Ids that derive from content: SHA-256, shortened, in lower-case hexadecimal.

use alloc::string::String;
use core::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Builds an id out of parts. Each part is preceded by its length, so that no two lists of parts collide.
#[derive(Clone, Debug, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// An empty digest.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one part.
    #[must_use]
    pub fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    /// The full digest, 64 hexadecimal digits.
    #[must_use]
    pub fn full(self) -> String {
        let mut out = String::with_capacity(64);
        for byte in self.0.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
        }
        out
    }

    /// The first 16 hexadecimal digits, enough to tell the alerts and orders of one site apart.
    #[must_use]
    pub fn short(self) -> String {
        let mut id = self.full();
        id.truncate(16);
        id
    }
}
