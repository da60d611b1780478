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
        hexadecimal(self.0)
    }

    /// The first 16 hexadecimal digits, enough to tell the alerts and orders of one site apart.
    #[must_use]
    pub fn short(self) -> String {
        let mut id = self.full();
        id.truncate(16);
        id
    }
}

/// The SHA-256 of octets that come piece by piece, as `sha256sum` prints it: the pieces leave no trace.
#[derive(Clone, Debug, Default)]
pub struct Octets(Sha256);

impl Octets {
    /// Of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds octets.
    pub fn add(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    /// The digest of everything added so far, 64 hexadecimal digits.
    #[must_use]
    pub fn so_far(&self) -> String {
        hexadecimal(self.0.clone())
    }
}

fn hexadecimal(digest: Sha256) -> String {
    let mut out = String::with_capacity(64);
    for byte in digest.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}
