//! BACnet MS/TP frames (ASHRAE 135-2020 clause 9.3, checks after annex G; LINKTYPE_BACNET_MS_TP).
//!
//! ```text
//! | 0x55 | 0xFF | type:8 | destination:8 | source:8 | length:16 | header CRC:8 | data | data CRC:16, low octet first |
//! ```

use fieldwarden_model::Mac;

use super::{Carried, Walk};
use crate::{anomaly::Anomaly, cursor::Cursor};

/// Frames of at least this type up to [`LAST_ENCODED`] have their data and CRC-32K encoded (clause 9.10).
const FIRST_ENCODED: u8 = 32;
const LAST_ENCODED: u8 = 127;

/// The station that is all stations (clause 9.3).
const BROADCAST: u8 = 255;

/// What is left in the registers when a CRC was right (annex G clauses 1 and 2).
const HEADER_RESIDUE: u8 = 0x55;
const DATA_RESIDUE: u16 = 0xf0b8;

/// Reads one frame.
pub(super) fn mstp<'a>(walk: &mut Walk<'_, 'a>, bytes: &'a [u8]) {
    let mut cursor = Cursor::new(bytes);
    let (Some(preamble), Some(header)) =
        (cursor.u16(), cursor.take(6).and_then(|octets| octets.first_chunk::<6>()))
    else {
        return walk.short("mstp-header-short", bytes, 8);
    };
    if preamble != 0x55ff {
        return walk.remark(Anomaly::malformed("mstp-preamble", 0, u64::from(preamble), 0x55ff));
    }
    let &[frame_type, destination, source, l0, l1, check] = header;
    walk.layers.carried = Carried::MsTp { frame_type, destination, source };
    let rest = cursor.rest();
    walk.layers.payload = rest;
    if header_register(header) == HEADER_RESIDUE {
        walk.layers.destination_mac = Some(station(destination));
        walk.layers.source_mac = Some(station(source));
    } else {
        // The length may be what was damaged; the data is shown, but not measured.
        return walk.remark(Anomaly::malformed(
            "mstp-header-crc",
            7,
            u64::from(check),
            u64::from(wanted(header)),
        ));
    }
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if length == 0 {
        walk.layers.payload = walk.trim(rest, 0);
        return;
    }
    data(walk, frame_type, length, rest);
}

/// A station as a hardware address: locally administered (IEEE 802 clause 8.4), with the number at its end.
fn station(number: u8) -> Mac {
    Mac(if number == BROADCAST { [0xff; 6] } else { [2, 0, 0, 0, 0, number] })
}

fn data<'a>(walk: &mut Walk<'_, 'a>, frame_type: u8, length: usize, rest: &'a [u8]) {
    let encoded = (FIRST_ENCODED..=LAST_ENCODED).contains(&frame_type);
    // The length of encoded frames counts two octets less than follow (clause 9.10.1), as that of others does.
    let with_check = length + 2;
    if rest.len() < with_check {
        if walk.layers.snapped {
            walk.layers.missing = u32::try_from(length.saturating_sub(rest.len())).unwrap_or(u32::MAX);
        } else {
            let got = length as u64;
            walk.remark(Anomaly::malformed("mstp-length", 5, got, rest.len().saturating_sub(2) as u64));
        }
        walk.layers.payload = walk.trim(rest, length);
        return;
    }
    let checked = walk.trim(rest, with_check);
    if encoded {
        walk.layers.payload = checked;
        return walk.remark(Anomaly::unsupported("mstp-encoded", 2, u64::from(frame_type)));
    }
    if data_register(checked) != DATA_RESIDUE {
        let at = walk.offset(checked).saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
        let register = u64::from(data_register(checked));
        walk.remark(Anomaly::malformed("mstp-data-crc", at, register, u64::from(DATA_RESIDUE)));
    }
    walk.layers.payload = walk.trim(checked, length);
}

/// x^8 + x^7 + 1, lowest bit first, beginning with all ones.
fn header_register(octets: &[u8]) -> u8 {
    octets.iter().fold(0xff, |register, octet| {
        (0..8).fold(register ^ octet, |register: u8, _| {
            register >> 1 ^ if register & 1 == 1 { 0x81 } else { 0 }
        })
    })
}

/// The check octet that a header should have: the complement of the register before it.
fn wanted(header: &[u8; 6]) -> u8 {
    let [fields @ .., _check] = header;
    !header_register(fields)
}

/// x^16 + x^12 + x^5 + 1, lowest bit first, beginning with all ones.
fn data_register(octets: &[u8]) -> u16 {
    octets.iter().fold(0xffff, |register, octet| {
        let fed = register ^ u16::from(*octet);
        (0..8).fold(fed, |register: u16, _| register >> 1 ^ if register & 1 == 1 { 0x8408 } else { 0 })
    })
}
