//! Names of operating modes.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Letters of the longest name.
const MOST: usize = 24;

/// The name of an operating mode: `maintenance`, `startup`, `night-shift`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModeName([u8; MOST]);

/// Why a text names no mode: it is not one to 24 small letters, digits, `-` or `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoModeName;

impl fmt::Display for NoModeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no name of a mode: write one to 24 small letters, digits, `-` or `_`")
    }
}

impl core::error::Error for NoModeName {}

impl FromStr for ModeName {
    type Err = NoModeName;

    fn from_str(text: &str) -> Result<Self, NoModeName> {
        let fits = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"-_".contains(&octet);
        let mut name = [0; MOST];
        let place = name.get_mut(..text.len()).ok_or(NoModeName)?;
        if text.is_empty() || !text.bytes().all(fits) {
            return Err(NoModeName);
        }
        place.copy_from_slice(text.as_bytes());
        Ok(Self(name))
    }
}

impl Serialize for ModeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ModeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl ModeName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|octet| *octet == 0).unwrap_or(MOST);
        // Nothing but letters, digits and dashes is ever put in.
        self.0.get(..end).and_then(|name| core::str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl fmt::Display for ModeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ModeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
