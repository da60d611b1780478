//! Areas of a controller's memory: `DB 3 word 0-9`, `M 0 byte 7`.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::{
    datagram::{read_span, write_span},
    dissector::Notation,
};

/// Areas (FW, parameters ORG_ID): code, name, whether they count in words.
const AREAS: [(u8, &str, bool); 12] = [
    (1, "DB", true),
    (2, "M", false),
    (3, "I", false),
    (4, "Q", false),
    (5, "P", false),
    (6, "C", true),
    (7, "T", true),
    (8, "RS", true),
    (9, "A", true),
    (10, "DX", true),
    (16, "DE", true),
    (17, "QB", false),
];

/// Whether an area counts in words.
pub(super) fn is_words(area: u8) -> bool {
    AREAS.iter().any(|(code, _, words)| *code == area && *words)
}

/// Writes and reads areas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Areas;

impl Notation for Areas {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let Space { area, block } = range.space;
        match AREAS.iter().find(|(code, ..)| u16::from(*code) == area) {
            Some((_, name, true)) => write!(out, "{name} {block} word ")?,
            Some((_, name, false)) => write!(out, "{name} {block} byte ")?,
            None => write!(out, "area{area} {block} byte ")?,
        }
        write_span(range, out)
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let mut parts = text.split(' ');
        let (name, block, _, span) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let area = match AREAS.iter().find(|(_, known, _)| *known == name) {
            Some((code, ..)) => u16::from(*code),
            None => name.strip_prefix("area")?.parse().ok()?,
        };
        let (first, last) = read_span(span)?;
        Some(PointRange { space: Space { area, block: block.parse().ok()? }, first, last })
    }
}
