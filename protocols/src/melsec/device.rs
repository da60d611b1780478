//! Devices (MC, 8.1) and how they are written: `D100-101`, `M5`, `X1F` (hexadecimal where Mitsubishi counts so).

use core::fmt;

use fieldwarden_model::{PointRange, Space};

use super::frame::Reader;
use crate::dissector::Notation;

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// Its letters.
    pub(super) letters: &'static str,
    /// Its binary code.
    pub(super) code: u16,
    /// In which radix it is numbered.
    radix: u32,
    /// Whether it is a bit.
    pub(super) bit: bool,
}

const fn device(letters: &'static str, code: u16, radix: u32, bit: bool) -> Device {
    Device { letters, code, radix, bit }
}

const DEVICES: [Device; 33] = [
    device("SM", 0x91, 10, true),
    device("SD", 0xa9, 10, false),
    device("X", 0x9c, 16, true),
    device("Y", 0x9d, 16, true),
    device("M", 0x90, 10, true),
    device("L", 0x92, 10, true),
    device("F", 0x93, 10, true),
    device("V", 0x94, 10, true),
    device("B", 0xa0, 16, true),
    device("D", 0xa8, 10, false),
    device("W", 0xb4, 16, false),
    device("TS", 0xc1, 10, true),
    device("TC", 0xc0, 10, true),
    device("TN", 0xc2, 10, false),
    device("LTS", 0x51, 10, true),
    device("LTC", 0x50, 10, true),
    device("LTN", 0x52, 10, false),
    device("STS", 0xc7, 10, true),
    device("STC", 0xc6, 10, true),
    device("STN", 0xc8, 10, false),
    device("CS", 0xc4, 10, true),
    device("CC", 0xc3, 10, true),
    device("CN", 0xc5, 10, false),
    device("SB", 0xa1, 16, true),
    device("SW", 0xb5, 16, false),
    device("S", 0x98, 10, true),
    device("DX", 0xa2, 16, true),
    device("DY", 0xa3, 16, true),
    device("Z", 0xcc, 10, false),
    device("R", 0xaf, 10, false),
    device("ZR", 0xb0, 16, false),
    device("RD", 0x2c, 10, false),
    device("G", 0xab, 10, false),
];

/// Area of devices by the codes of MELSOFT: this and the code.
pub(super) const MELSOFT: u16 = 0x4000;

/// The kind of device of a code.
pub(super) fn of_code(code: u16) -> Option<Device> {
    DEVICES.iter().find(|device| device.code == code).copied()
}

/// One device as a frame names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Its code.
    pub(super) code: u16,
    /// Its number.
    pub(super) number: u32,
}

impl Named {
    /// Reads it: `wide` for the longer form of iQ-R controllers (subcommands 0002 and 0003).
    pub(super) fn read(reader: &mut Reader<'_>, ascii: bool, wide: bool) -> Option<Self> {
        if !ascii {
            let cursor = reader.plain();
            return if wide {
                let number = cursor.u32_le()?;
                Some(Self { code: cursor.u16_le()?, number })
            } else {
                let number = cursor.u24_le()?;
                Some(Self { code: u16::from(cursor.u8()?), number })
            };
        }
        let letters = reader.take(if wide { 4 } else { 2 })?;
        let end = letters.iter().position(|letter| *letter == b'*').unwrap_or(letters.len());
        let letters = letters.get(..end)?;
        let device = DEVICES.iter().find(|device| device.letters.as_bytes() == letters)?;
        let number = reader.digits(if wide { 8 } else { 6 }, device.radix)?;
        Some(Self { code: device.code, number })
    }

    /// So many of them: words, or bits where the access is by bit; words of bits are sixteen each.
    pub(super) fn points(self, count: u32, by_bit: bool) -> PointRange {
        let bits = of_code(self.code).is_some_and(|device| device.bit);
        let each = if bits && !by_bit { 16 } else { 1 };
        let many = u64::from(count.max(1)) * each;
        let first = u64::from(self.number);
        PointRange { space: Space { area: self.code, block: 0 }, first, last: first + many - 1 }
    }
}

/// Writes and reads devices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Devices;

impl Notation for Devices {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        let PointRange { space: Space { area, .. }, first, last } = *range;
        match of_code(area) {
            Some(Device { letters, radix: 16, .. }) => {
                write!(out, "{letters}{first:X}")?;
                if first == last { Ok(()) } else { write!(out, "-{last:X}") }
            }
            known => {
                match known {
                    Some(device) => write!(out, "{}{first}", device.letters)?,
                    None => write!(out, "device {area}:{first}")?,
                }
                if first == last { Ok(()) } else { write!(out, "-{last}") }
            }
        }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (area, rest, radix) = match text.strip_prefix("device ") {
            Some(rest) => {
                let (area, rest) = rest.split_once(':')?;
                (u16::try_from(number(area, 10)?).ok()?, rest, 10)
            }
            None => {
                // The longest letters that fit: X1A is not device X1, and ZR is not Z.
                let mut fitting = DEVICES.iter().filter_map(|device| {
                    let rest = text.strip_prefix(device.letters)?;
                    let (first, _) = rest.split_once('-').unwrap_or((rest, rest));
                    number(first, device.radix).map(|_| (device, rest))
                });
                let first = fitting.next()?;
                let (device, rest) =
                    fitting.fold(first, |a, b| if b.0.letters.len() > a.0.letters.len() { b } else { a });
                (device.code, rest, device.radix)
            }
        };
        let (first, last) = rest.split_once('-').unwrap_or((rest, rest));
        let (first, last) = (number(first, radix)?, number(last, radix)?);
        (first <= last).then_some(PointRange { space: Space { area, block: 0 }, first, last })
    }
}

/// Digits alone: `+1` is no number here, and neither is a lower-case digit.
fn number(text: &str, radix: u32) -> Option<u64> {
    let digits = |octet: u8| octet.is_ascii_digit() || (radix == 16 && (b'A'..=b'F').contains(&octet));
    if !text.is_empty() && text.bytes().all(digits) { u64::from_str_radix(text, radix).ok() } else { None }
}
