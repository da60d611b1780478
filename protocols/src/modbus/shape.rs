//! How long a PDU has to be, as far as its first octets tell.

use crate::message::Direction;

use super::function as f;

/// Octets of a PDU, function code included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Exactly so many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
    /// Not to be said before so many octets of the PDU are there.
    Undecided(usize),
}

/// The length that a PDU beginning with `pdu` must have.
pub(super) fn of(direction: Direction, pdu: &[u8]) -> Length {
    let Some(&function) = pdu.first() else { return Length::Undecided(1) };
    match direction {
        Direction::ToServer => request(function, pdu),
        Direction::ToClient => response(function, pdu),
    }
}

/// Where in the PDU its byte count stands, for functions whose length it decides.
pub(super) const fn byte_count_at(direction: Direction, function: u8) -> Option<usize> {
    match (direction, function) {
        (Direction::ToServer, f::WRITE_COILS | f::WRITE_REGISTERS) => Some(5),
        (Direction::ToServer, f::READ_WRITE) => Some(9),
        (_, f::READ_FILE | f::WRITE_FILE)
        | (Direction::ToClient, 1..=4 | f::EVENT_LOG | f::REPORT_SERVER_ID | f::READ_WRITE) => Some(1),
        _ => None,
    }
}

fn request(function: u8, pdu: &[u8]) -> Length {
    match function {
        1..=6 => Length::Exactly(5),
        f::EXCEPTION_STATUS | f::EVENT_COUNTER | f::EVENT_LOG | f::REPORT_SERVER_ID => Length::Exactly(1),
        f::DIAGNOSTICS => diagnostic(pdu),
        f::MASK_WRITE => Length::Exactly(7),
        f::READ_FIFO => Length::Exactly(3),
        f::ENCAPSULATED => match pdu.get(1) {
            None => Length::Undecided(2),
            Some(&f::MEI_IDENTIFICATION) => Length::Exactly(4),
            Some(_) => Length::AtLeast(2),
        },
        _ => counted(Direction::ToServer, function, pdu),
    }
}

fn response(function: u8, pdu: &[u8]) -> Length {
    match function {
        f::EXCEPTION_BIT.. => Length::Exactly(2),
        f::WRITE_COIL | f::WRITE_REGISTER | f::WRITE_COILS | f::WRITE_REGISTERS | f::EVENT_COUNTER => {
            Length::Exactly(5)
        }
        f::EXCEPTION_STATUS => Length::Exactly(2),
        f::DIAGNOSTICS => diagnostic(pdu),
        f::MASK_WRITE => Length::Exactly(7),
        f::READ_FIFO => match pdu.get(1..3) {
            Some(&[high, low]) => Length::Exactly(3 + usize::from(u16::from_be_bytes([high, low]))),
            _ => Length::Undecided(3),
        },
        f::ENCAPSULATED => match pdu.get(1) {
            None => Length::Undecided(2),
            Some(&f::MEI_IDENTIFICATION) => identification(pdu),
            Some(_) => Length::AtLeast(2),
        },
        _ => counted(Direction::ToClient, function, pdu),
    }
}

fn counted(direction: Direction, function: u8, pdu: &[u8]) -> Length {
    match byte_count_at(direction, function) {
        None => Length::AtLeast(1),
        Some(at) => match pdu.get(at) {
            None => Length::Undecided(at + 1),
            Some(&count) => Length::Exactly(at + 1 + usize::from(count)),
        },
    }
}

/// Loop-back carries as much as the client likes, every other sub-function two octets (AP 6.8.1).
fn diagnostic(pdu: &[u8]) -> Length {
    match pdu.get(1..3) {
        None => Length::Undecided(3),
        Some(&[high, low]) => match u16::from_be_bytes([high, low]) {
            f::RETURN_QUERY_DATA => Length::AtLeast(5),
            sub if f::is_known_diagnostic(sub) => Length::Exactly(5),
            _ => Length::AtLeast(3),
        },
        Some(_) => Length::AtLeast(3),
    }
}

/// The objects of a device identification are a list of (id, length, octets) (AP 6.21).
fn identification(pdu: &[u8]) -> Length {
    let Some(&objects) = pdu.get(6) else { return Length::Undecided(7) };
    let mut end = 7;
    for _ in 0..objects {
        match pdu.get(end + 1) {
            None => return Length::Undecided(end + 2),
            Some(&length) => end += 2 + usize::from(length),
        }
    }
    Length::Exactly(end)
}
