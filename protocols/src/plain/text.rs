//! Text that is put together while a message is read, within a fixed room.

use core::fmt::{self, Write};

/// Up to `N` octets of text; what does not fit is left off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text<const N: usize>(heapless::String<N>);

impl<const N: usize> Text<N> {
    pub(crate) const fn new() -> Self {
        Self(heapless::String::new())
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all of it.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the last character away.
    pub(crate) fn pop(&mut self) {
        let _ = self.0.pop();
    }

    /// Puts a character at the end.
    pub(crate) fn push(&mut self, character: char) {
        // Left off where there is no room.
        let _ = self.0.push(character);
    }

    /// Puts text at the end, each octet beyond ASCII as the mark for what is no text.
    pub(crate) fn push_ascii(&mut self, octets: &[u8]) {
        for octet in octets {
            self.push(if octet.is_ascii() { char::from(*octet) } else { char::REPLACEMENT_CHARACTER });
        }
    }

    /// Puts UTF-16 text, least significant octet first, at the end.
    pub(crate) fn push_utf16(&mut self, octets: &[u8]) {
        let units = octets.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
        for character in char::decode_utf16(units) {
            self.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.push(character);
        }
        Ok(())
    }
}
