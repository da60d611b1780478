//! Universally unique identifiers (C706 appendix A).

use core::fmt::Write;

use crate::cursor::Cursor;

/// A UUID, in the order in which it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Uuid(pub(crate) u128);

/// Its text: `39c13a4d-011e-11d0-9675-0020afd8adb3`.
pub(crate) type Text = heapless::String<36>;

impl Uuid {
    /// Reads one; in little-endian data its first three fields are turned.
    pub(crate) fn read(cursor: &mut Cursor<'_>, little: bool) -> Option<Self> {
        let (first, second, third) = if little {
            (cursor.u32_le()?, cursor.u16_le()?, cursor.u16_le()?)
        } else {
            (cursor.u32()?, cursor.u16()?, cursor.u16()?)
        };
        let rest = cursor.u64()?;
        let fields = u128::from(first) << 96 | u128::from(second) << 80 | u128::from(third) << 64;
        Some(Self(fields | u128::from(rest)))
    }

    /// As it is written.
    pub(crate) fn text(self) -> Text {
        let mut text = Text::new();
        let part = |shift: u32, bits: u32| self.0 >> shift & ((1 << bits) - 1);
        // 36 characters fit.
        let _ = write!(
            text,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            part(96, 32),
            part(80, 16),
            part(64, 16),
            part(48, 16),
            part(0, 48)
        );
        text
    }
}
