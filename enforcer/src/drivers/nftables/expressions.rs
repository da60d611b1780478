//! Rules as the kernel tells them, taken apart expression by expression.
//!
//! Numbers are those of `linux/netfilter/nf_tables.h`.

use crate::{
    netlink::{Attribute, find},
    sys::nft::Expression,
};

/// The packets a counter has seen; none when it is another expression.
pub(super) fn counted(element: Attribute<'_>) -> Option<u64> {
    let is_counter = find(element.value, 1)?.text()? == "counter";
    find(find(element.value, 2)?.value, 2)?.long_number().filter(|_| is_counter)
}

/// Takes one expression apart; none for those no rule of ours has.
pub(super) fn expression(element: Attribute<'_>) -> Option<Expression> {
    let name = find(element.value, 1)?.text()?;
    let data = find(element.value, 2).map_or(&[] as &[u8], |data| data.value);
    let number = |kind| find(data, kind).and_then(Attribute::number);
    match name {
        "meta" => Some(Expression::Meta { key: number(2)?, word: word(number(1)?)? }),
        // Operation 0 is "equal".
        "cmp" if number(2)? == 0 => {
            let value = find(find(data, 3)?.value, 1)?.value.to_vec();
            Some(Expression::Equals { word: word(number(1)?)?, value })
        }
        "payload" => Some(Expression::Payload {
            base: number(2)?,
            offset: number(3)?,
            length: number(4)?,
            word: word(number(1)?)?,
        }),
        // Flag 1 inverts the lookup.
        "lookup" if number(5).unwrap_or(0) == 0 => {
            Some(Expression::Lookup { set: text(data, 1)?, word: word(number(2)?)? })
        }
        // Operation 0 is mask and exclusive or, the latter with nothing.
        "bitwise" if number(6).unwrap_or(0) == 0 && number(1) == number(2) => {
            let mask = find(find(data, 4)?.value, 1)?.value.to_vec();
            let is_plain = find(find(data, 5)?.value, 1)?.value.iter().all(|octet| *octet == 0);
            is_plain.then_some(Expression::Masked { word: word(number(1)?)?, mask })
        }
        // Operation 0 is "within".
        "range" if number(2)? == 0 => {
            let end = |kind| Some(find(find(data, kind)?.value, 1)?.value.to_vec());
            Some(Expression::Between { word: word(number(1)?)?, from: end(3)?, to: end(4)? })
        }
        "counter" => Some(Expression::Counter),
        // Type 1 is a reset of TCP.
        "reject" => (number(1)? == 1).then_some(Expression::Reset),
        // Register 0 is the verdict.
        "immediate" if number(1)? == 0 => verdict(find(find(data, 2)?.value, 2)?.value),
        _ => None,
    }
}

/// `enum nft_verdicts`, and 0 and 1 of `linux/netfilter.h`.
fn verdict(told: &[u8]) -> Option<Expression> {
    const JUMP: u32 = (-3_i32).cast_unsigned();
    match find(told, 1)?.number()? {
        0 => Some(Expression::Drop),
        1 => Some(Expression::Accept),
        JUMP => Some(Expression::Jump { chain: text(told, 2)? }),
        _ => None,
    }
}

/// A register as the word it begins at: the kernel tells those that begin at a multiple of 16 octets as 1 to 4.
fn word(register: u32) -> Option<u32> {
    match register {
        1..=4 => Some((register - 1) * 4),
        8.. => Some(register - 8),
        _ => None,
    }
}

/// The attribute of that number as a text.
pub(super) fn text(attributes: &[u8], kind: u16) -> Option<String> {
    find(attributes, kind)?.text().map(str::to_owned)
}
