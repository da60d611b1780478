//! Frames and their control octets (IEC 60870-5-104 clause 5.1).

use super::{asdu::Asdu, types};

/// The octet that begins a frame.
pub(super) const START: u8 = 0x68;
/// Octets of a frame without data: start, length, control.
pub(super) const HEADER: usize = 6;
/// The least the length octet says: four control octets.
pub(super) const SHORTEST: u8 = 4;
/// The most it says (clause 5.1).
pub(super) const MOST: u8 = 253;
/// Octets of the longest frame that the length octet can tell.
pub(super) const LONGEST: usize = 257;

/// The control field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Numbered data: N(S) and N(R).
    Data(u16, u16),
    /// N(R) of an acknowledgement.
    Supervisory(u16),
    /// Start, stop or test: the first octet without its two format bits, one bit for each function.
    Unnumbered(u8),
}

impl Control {
    /// Reads the four control octets.
    pub(super) fn read(octets: [u8; 4]) -> Self {
        let [a, b, c, d] = octets;
        let (sent, received) = (u16::from_le_bytes([a, b]) >> 1, u16::from_le_bytes([c, d]) >> 1);
        match a & 3 {
            1 => Self::Supervisory(received),
            3 => Self::Unnumbered(a >> 2),
            _ => Self::Data(sent, received),
        }
    }
}

/// The name of an unnumbered function (clause 5.3), where exactly one is asked for or confirmed.
pub(super) const fn name(function: u8) -> Option<&'static str> {
    Some(match function {
        0x01 => "start data transfer",
        0x02 => "start data transfer, confirmed",
        0x04 => "stop data transfer",
        0x08 => "stop data transfer, confirmed",
        0x10 => "test frame",
        0x20 => "test frame, confirmed",
        _ => return None,
    })
}

/// Whether a faultless frame begins here, and nothing behind it speaks against another.
pub(super) fn begins(bytes: &[u8]) -> bool {
    is_sound(bytes) && is_followed(bytes)
}

/// Whether what stands behind the frame, as far as it is there, begins another.
pub(super) fn is_followed(bytes: &[u8]) -> bool {
    let behind = bytes.get(1).and_then(|length| bytes.get(usize::from(*length) + 2));
    behind.is_none_or(|next| *next == START)
}

/// Whether a faultless frame begins here.
pub(super) fn is_sound(bytes: &[u8]) -> bool {
    let [START, length, a, b, c, d, ..] = *bytes else { return false };
    let total = usize::from(length) + 2;
    match Control::read([a, b, c, d]) {
        Control::Supervisory(_) => length == SHORTEST && (a, b) == (1, 0) && c & 1 == 0,
        Control::Unnumbered(function) => {
            length == SHORTEST && name(function).is_some() && (b, c, d) == (0, 0, 0)
        }
        Control::Data(..) => {
            c & 1 == 0
                && length <= MOST
                && bytes
                    .get(HEADER..total.min(bytes.len()))
                    .is_some_and(|octets| begins_data(octets, total - HEADER))
        }
    }
}

/// Whether the control field is one that the standard knows, whatever it frames: text that begins with an `h` has none.
pub(super) fn is_framed(bytes: &[u8]) -> bool {
    let [START, _, a, b, c, d, ..] = *bytes else { return false };
    match Control::read([a, b, c, d]) {
        Control::Data(..) => c & 1 == 0,
        Control::Supervisory(_) => (a, b) == (1, 0) && c & 1 == 0,
        Control::Unnumbered(_) => (b, c, d) == (0, 0, 0),
    }
}

/// Whether a frame may begin here, be it faulty.
pub(super) fn might_begin(bytes: &[u8]) -> bool {
    matches!(*bytes, [START, SHORTEST..=MOST, ..])
}

/// Whether `octets`, all or the front of `length`, look like a data unit of a known type.
fn begins_data(octets: &[u8], length: usize) -> bool {
    let Some(asdu) = Asdu::read(octets) else { return false };
    let fits = match types::find(asdu.kind).and_then(|kind| kind.length) {
        Some(element) => asdu.octets(element.into()) == length,
        None => types::find(asdu.kind).is_some(),
    };
    fits && asdu.number != 0 && asdu.cause != 0 && asdu.cause <= 47
}
