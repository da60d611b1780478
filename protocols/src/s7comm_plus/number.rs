//! Numbers of variable length: seven bits an octet, most significant first, the highest bit says that more follow.

use crate::cursor::Cursor;

/// Without sign, up to 64 bits: a ninth octet holds eight bits.
pub(super) fn unsigned(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut number = 0_u64;
    for place in 0..9 {
        let octet = cursor.u8()?;
        if place == 8 {
            return Some(number << 8 | u64::from(octet));
        }
        number = number << 7 | u64::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// With sign: bit 6 of the first octet.
pub(super) fn signed(cursor: &mut Cursor<'_>) -> Option<i64> {
    let first = *cursor.rest().first()?;
    let before = cursor.remaining();
    let number = unsigned(cursor)?;
    let octets = u32::try_from(before - cursor.remaining()).ok()?;
    let bits = if octets == 9 { 64 } else { octets * 7 };
    let number = i64::from_be_bytes(number.to_be_bytes());
    if first & 0x40 == 0 || bits == 64 {
        return Some(number);
    }
    Some(number | i64::MIN >> (63 - bits))
}

/// Up to 32 bits.
pub(super) fn short(cursor: &mut Cursor<'_>) -> Option<u32> {
    unsigned(cursor).and_then(|number| u32::try_from(number).ok())
}
