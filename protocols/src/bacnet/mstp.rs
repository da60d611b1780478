//! Frames of MS/TP (clause 9.3) as adapters of Cimetrics hand them on over Ethernet, behind SNAP: three octets of their own, then
//! the frame without its preamble.

use crate::Cursor;

/// Octets of the adapter before the frame.
const ADAPTER: usize = 3;
/// Octets of the adapter and of the frame's header.
const HEADER: usize = ADAPTER + 6;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// An NPDU, and where it begins.
    Data(&'a [u8], usize),
    /// A token, a poll, a test: nothing of BACnet's network layer.
    Other,
    /// It is no such frame.
    None,
}

/// Reads one. The check octet of the header tells that it is one.
pub(super) fn npdu(octets: &[u8]) -> Found<'_> {
    let mut cursor = Cursor::new(octets);
    let Some(&[_, _, 0x80]) = cursor.take(ADAPTER) else { return Found::None };
    let Some(header) = cursor.take(HEADER - ADAPTER) else { return Found::None };
    let &[kind, _, _, high, low, _] = header else { return Found::None };
    if register(header) != RESIDUE {
        return Found::None;
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    match kind {
        5 | 6 => Found::Data(cursor.take_up_to(length), HEADER),
        _ => Found::Other,
    }
}

/// What is left of the register behind a header with its check octet (Annex G.1).
const RESIDUE: u8 = 0x55;

/// x^8 + x^7 + 1, lowest bit first, beginning with all ones.
fn register(octets: &[u8]) -> u8 {
    octets.iter().fold(0xff, |register, octet| {
        (0..8).fold(register ^ octet, |register: u8, _| {
            register >> 1 ^ if register & 1 == 1 { 0x81 } else { 0 }
        })
    })
}
