//! Whether octets look like an ADU: for recognition, and for finding a message again after a gap.

use crate::{dissector::Probe, message::Direction};

use super::{
    MAX_LONG_ADU,
    check::{self, Anomalies},
    frame::{self, Header, MIN_ADU},
    function as f, pdu,
    shape::{self, Length},
};

/// How much octets look like an ADU of a function that the standard describes (or of function 90).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// They are none.
    No,
    /// So far they are; so many octets must be there before it can be said.
    SoFar(usize),
    /// The header fits, the function does not tell more.
    Header,
    /// One stands there, whole and without fault.
    Whole(usize),
}

/// What a stream or datagram that begins with `bytes` is.
pub(super) fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    match likeness(direction, bytes) {
        Likeness::SoFar(octets) => Probe::Need(octets),
        Likeness::Header => Probe::Possible,
        Likeness::Whole(length) => {
            let rest = bytes.get(length..).unwrap_or_default();
            let telling =
                length > MIN_ADU + 1 && Header::read(bytes).is_some_and(|header| is_telling(&header));
            if telling && (rest.is_empty() || likeness(direction, rest) != Likeness::No) {
                Probe::Certain
            } else {
                Probe::Possible
            }
        }
        Likeness::No => match Header::read(bytes) {
            Some(header) if is_faulty_modbus(&header, bytes) => Probe::Possible,
            _ => Probe::No,
        },
    }
}

/// See [`Likeness`].
pub(super) fn likeness(direction: Direction, bytes: &[u8]) -> Likeness {
    if bytes.iter().skip(2).take(2).any(|&octet| octet != 0) {
        return Likeness::No;
    }
    if bytes.get(4).is_some_and(|&high| usize::from(high) > MAX_LONG_ADU >> 8) {
        return Likeness::No;
    }
    let Some(header) = Header::read(bytes) else { return Likeness::SoFar(MIN_ADU) };
    if header.broken_bound().is_some() || !is_plausible(direction, header.function) {
        return Likeness::No;
    }
    if !has_its_shape(direction, &header, bytes) {
        return Likeness::No;
    }
    let pdu = frame::pdu(&header, bytes);
    if bytes.len() < header.adu() {
        return Likeness::SoFar(header.adu());
    }
    if is_vendor(header.function) {
        return Likeness::Header;
    }
    let mut anomalies = Anomalies::new();
    let (content, _) = pdu::parse(direction, header.function, pdu.get(1..).unwrap_or_default());
    check::pdu(direction, pdu, &content, &mut anomalies);
    if anomalies.is_empty() { Likeness::Whole(header.adu()) } else { Likeness::No }
}

/// Whether the length in the header is one that the function allows, as far as the octets tell.
pub(super) fn has_its_shape(direction: Direction, header: &Header, bytes: &[u8]) -> bool {
    let declared = usize::from(header.length).saturating_sub(1);
    match shape::of(direction, frame::pdu(header, bytes)) {
        Length::Exactly(octets) => octets == declared,
        Length::AtLeast(octets) | Length::Undecided(octets) => octets <= declared,
    }
}

/// Whether a function is one that a message in this direction may carry.
fn is_plausible(direction: Direction, function: u8) -> bool {
    let function = match direction {
        Direction::ToServer => function,
        Direction::ToClient => function & !f::EXCEPTION_BIT,
    };
    function != 0 && function < f::EXCEPTION_BIT
}

fn is_vendor(function: u8) -> bool {
    !f::is_public(function & !f::EXCEPTION_BIT)
}

/// Whether the body of the function is bound enough that chance does not make one.
const fn is_telling(header: &Header) -> bool {
    !matches!(header.function, f::DIAGNOSTICS | f::ENCAPSULATED)
}

/// A message with one fault is still Modbus where the port says so.
fn is_faulty_modbus(header: &Header, bytes: &[u8]) -> bool {
    let known = f::is_public(header.function & !f::EXCEPTION_BIT) || header.function == f::UNITY;
    let faults =
        [header.protocol_id != 0, header.broken_bound().is_some(), !known, bytes.len() < header.adu()];
    faults.iter().filter(|&&fault| fault).count() <= 1
}
