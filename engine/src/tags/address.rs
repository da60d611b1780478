//! Addresses as engineering tools write them, as points of a protocol.

use fieldwarden_model::PointRange;
use fieldwarden_protocols::{Protocol, cip, dissector};

use super::Type;

const MODBUS: &str = "modbus";
const S7COMM: &str = "s7comm";

/// Modbus references as people count them: `40101`, `400101`, `00001`.
pub(super) fn modbus(address: &str, kind: Type) -> Option<(Protocol, PointRange)> {
    let protocol = dissector(MODBUS)?;
    let first = protocol.notation().read(address)?;
    let is_bit = first.space.area < 2;
    if first.first != first.last || is_bit != (kind == Type::Bool) {
        return None;
    }
    let registers = u64::from(kind.octets()).div_ceil(2);
    let points = PointRange { last: first.first + registers - 1, ..first };
    (points.last <= u64::from(u16::MAX)).then_some((protocol.protocol(), points))
}

/// Located variables of Unity Pro and Control Expert: `%MW100`, `%MD100`, `%MF100`, `%M5`, `%IW7`. Registers count from 0.
pub(super) fn unity(address: &str, kind: Type) -> Option<(Protocol, PointRange)> {
    let rest = address.strip_prefix('%')?;
    let digits = rest.find(|letter: char| letter.is_ascii_digit())?;
    let (letters, number) = rest.split_at(digits);
    let table = match letters {
        "MW" | "MD" | "MF" => 4,
        "IW" | "ID" | "IF" => 3,
        "M" | "MX" => 0,
        "I" => 1,
        _ => return None,
    };
    let entry = number.parse::<u16>().ok().and_then(|number| number.checked_add(1))?;
    modbus(&format!("{table}{entry:05}"), kind)
}

/// Absolute addresses of STEP 7 and TIA, in both mnemonics: `%DB1.DBD4`, `DB1.DBX4.3`, `%MW10`, `%E0.1`, `MB7`.
pub(super) fn step_seven(address: &str, kind: Type) -> Option<(Protocol, PointRange)> {
    let protocol = dissector(S7COMM)?;
    let plain = address.strip_prefix('%').unwrap_or(address);
    let (block, rest) = match plain.split_once(".DB") {
        Some((block, rest)) => (format!("{block}.DB"), rest),
        None => {
            let (letter, rest) = plain.split_at_checked(1)?;
            // Inputs and outputs have German letters, too.
            let letter = match letter {
                "E" => "I",
                "A" => "Q",
                letter => letter,
            };
            (letter.to_owned(), rest)
        }
    };
    let (size, place) = match rest.chars().next()? {
        'X' => (0, rest.get(1..)?),
        'B' => (1, rest.get(1..)?),
        'W' => (2, rest.get(1..)?),
        'D' => (4, rest.get(1..)?),
        _ => (0, rest),
    };
    let (octet, bit) = match place.split_once('.') {
        Some((octet, bit)) if size == 0 => (octet.parse::<u32>().ok()?, Some(bit)),
        None if size > 0 => (place.parse().ok()?, None),
        _ => return None,
    };
    let text = match (kind, bit) {
        (Type::Bool, Some(bit)) if block.ends_with("DB") => format!("{block}X{octet}.{bit}"),
        (Type::Bool, Some(bit)) => format!("{block}{octet}.{bit}"),
        (Type::Bool, None) => return None,
        // Eight octets have no letter of their own: they stand at the bit they begin with.
        (_, Some(bit)) if bit != "0" => return None,
        _ => format!("{block}B{octet}-{}", octet.checked_add(u32::from(kind.octets().max(size)) - 1)?),
    };
    Some((protocol.protocol(), protocol.notation().read(&text)?))
}

/// A tag of Logix, which is its own address; one of a program has the program's name before it.
pub(super) fn logix(scope: &str, name: &str) -> (Protocol, PointRange) {
    let path = if scope.is_empty() { name.to_owned() } else { format!("Program:{scope}.{name}") };
    (cip::CIP, cip::points_of_tag(&path))
}

/// An address of a list of our own: references of Modbus, or addresses of STEP 7.
pub(super) fn any(address: &str, kind: Type) -> Option<(Protocol, PointRange)> {
    modbus(address, kind).or_else(|| step_seven(address, kind).filter(|_| !address.starts_with('%')))
}
