//! Protocols whose every frame or datagram stands by itself: what their sessions and notations have in common.

#[cfg(test)]
pub(crate) mod testing;

use core::fmt;

use fieldwarden_model::PointRange;

use crate::{
    anomaly::Anomaly,
    dissector::{Notation, Session, Step},
    message::{Direction, Sink},
};

/// Anomalies kept per message; what is found beyond adds nothing to the verdict.
pub const MAX_ANOMALIES: usize = 4;

/// What is remarkable about one message.
pub type Anomalies = heapless::Vec<Anomaly, MAX_ANOMALIES>;

/// Keeps an anomaly while there is room.
pub fn note(anomalies: &mut Anomalies, anomaly: Anomaly) {
    // Whoever breaks more rules at once than fit is told apart well enough by the first ones.
    let _ = anomalies.push(anomaly);
}

/// A protocol that tells each frame or datagram by itself.
pub trait Datagram: Send {
    /// Tells what `octets` hold, which are a whole frame or datagram with its padding. Whether they are of this protocol.
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool;
}

/// The session of a [`Datagram`] protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct DatagramSession<D>(pub D);

impl<D: Datagram> Session for DatagramSession<D> {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        if self.0.tell(direction, bytes, sink) { Step::Consumed(bytes.len()) } else { Step::GiveUp }
    }

    fn gap(&mut self, _: Direction) {}

    fn resynchronise(&self, _: Direction, _: &[u8]) -> Option<usize> {
        None
    }
}

/// The notation of a protocol that names no points.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPoints;

impl Notation for NoPoints {
    fn write(&self, _: &PointRange, _: &mut dyn fmt::Write) -> fmt::Result {
        Ok(())
    }

    fn read(&self, _: &str) -> Option<PointRange> {
        None
    }
}

/// Writes `first-last`, or one number where both are the same.
///
/// # Errors
/// Only those of `out`.
pub fn write_span(range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "{}", range.first)?;
    if range.last == range.first { Ok(()) } else { write!(out, "-{}", range.last) }
}

/// Reads what [`write_span`] writes.
#[must_use]
pub fn read_span(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// A name as a number of 32 bits (FNV-1a), by which points of what has a name alone are told apart.
#[must_use]
pub fn number_of(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}
