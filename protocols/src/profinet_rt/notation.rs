//! Octets of cyclic data: `frame 32768 octet 0-39`, by the frame id of their connection.

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use crate::{
    datagram::{read_span, write_span},
    dissector::Notation,
};

/// Writes and reads octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octets;

impl Notation for Octets {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "frame {} octet ", range.space.block)?;
        write_span(range, out)
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (block, span) = text.strip_prefix("frame ")?.split_once(" octet ")?;
        let (first, last) = read_span(span)?;
        Some(PointRange { space: Space { area: 0, block: block.parse().ok()? }, first, last })
    }
}
