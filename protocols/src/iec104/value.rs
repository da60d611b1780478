//! What an information element holds (IEC 60870-5-101 clause 7.2.6).

use core::fmt::Write as _;

use fieldwarden_model::operation::{Encoding, Values};

use crate::{
    cursor::Cursor,
    message::{FieldValue, FieldVisitor},
};

/// What stands at the front of an element, before the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing.
    Nothing,
    /// SIQ (7.2.6.1): the point in bit 0, quality in the upper half.
    Single,
    /// DIQ (7.2.6.2): the point in bits 0 and 1, quality in the upper half.
    Double,
    /// VTI (7.2.6.5), then quality.
    Step,
    /// 32 bits, then quality.
    Bits,
    /// NVA or SVA (7.2.6.6, 7.2.6.7), then quality.
    Short,
    /// NVA alone.
    Bare,
    /// R32 (7.2.6.8), then quality.
    Float,
    /// BCR (7.2.6.9): 32 bits with sign, then a sequence octet.
    Counter,
    /// SEP (7.2.6.10), then two octets of elapsed time.
    Protection,
    /// SPE or OCI (7.2.6.11, 7.2.6.12), QDP, two octets of elapsed time.
    Packed,
    /// SCO (7.2.6.15).
    SingleCommand,
    /// DCO, RCO (7.2.6.16, 7.2.6.17).
    DoubleCommand,
    /// NVA or SVA, then QOS (7.2.6.39).
    ShortCommand,
    /// R32, then QOS.
    FloatCommand,
    /// 32 bits.
    BitsCommand,
    /// NVA or SVA, then QPM (7.2.6.24).
    ShortParameter,
    /// R32, then QPM.
    FloatParameter,
    /// QOI, QCC, QRP, COI, QPA: one octet.
    Qualifier,
    /// Name, section, length and qualifier of a file.
    File,
    /// Not looked into.
    Octets,
}

/// Octets 0 to 127 as numbers of seven bits with sign, to borrow from.
static STEPS: [u8; 128] = steps();

#[expect(clippy::indexing_slicing, reason = "the compiler runs it and would refuse an index out of bounds")]
const fn steps() -> [u8; 128] {
    let mut steps = [0; 128];
    let (mut index, mut value) = (0, 0u8);
    while index < 128 {
        steps[index] = if value & 0x40 == 0 { value } else { value | 0x80 };
        index += 1;
        value += 1;
    }
    steps
}

fn step(octet: u8, encoding: Encoding) -> Option<Values<'static>> {
    let bytes = core::slice::from_ref(STEPS.get(usize::from(octet & 0x7f))?);
    Some(Values { bytes, encoding, count: 1, stride: 1 })
}

/// The value of an element.
pub(super) fn value(form: Form, element: &[u8]) -> Option<Values<'_>> {
    let number = |width: usize, encoding| {
        let bytes = element.get(..width)?;
        Some(Values { bytes, encoding, count: 1, stride: 1 })
    };
    let first = element.first().copied();
    match form {
        Form::Single | Form::SingleCommand => step(first? & 1, Encoding::Unsigned8),
        Form::Double | Form::DoubleCommand | Form::Protection => step(first? & 3, Encoding::Unsigned8),
        Form::Step => step(first?, Encoding::Signed8),
        Form::Packed | Form::Qualifier => number(1, Encoding::Unsigned8),
        Form::Bits | Form::BitsCommand => number(4, Encoding::Unsigned32Little),
        Form::Short | Form::Bare | Form::ShortCommand | Form::ShortParameter => {
            number(2, Encoding::Signed16Little)
        }
        Form::Float | Form::FloatCommand | Form::FloatParameter => number(4, Encoding::Float32Little),
        Form::Counter => number(4, Encoding::Signed32Little),
        Form::Nothing | Form::File | Form::Octets => None,
    }
}

/// The quality descriptor (7.2.6.3), or what stands in its place.
pub(super) fn quality(form: Form, element: &[u8]) -> Option<u8> {
    let octet = |at: usize, mask: u8| element.get(at).map(|octet| octet & mask);
    match form {
        Form::Single | Form::Double => octet(0, 0xf0),
        Form::Step | Form::Packed => octet(1, 0xff),
        Form::Short => octet(2, 0xff),
        Form::Bits | Form::Float | Form::Counter => octet(4, 0xff),
        Form::Protection => octet(0, 0xfc),
        _ => None,
    }
}

/// The octet of a command that holds its qualifier and, in bit 7, whether it only selects.
pub(super) fn command(form: Form, element: &[u8]) -> Option<u8> {
    match form {
        Form::SingleCommand | Form::DoubleCommand => element.first().copied(),
        Form::ShortCommand => element.get(2).copied(),
        Form::FloatCommand => element.get(4).copied(),
        _ => None,
    }
}

/// A time of seven octets (7.2.6.18) as text; of three octets minutes and milliseconds, of two milliseconds.
pub(super) fn time(octets: &[u8], visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(octets);
    let Some(milliseconds) = cursor.u16_le() else { return };
    let Some(minute) = cursor.u8() else {
        visitor.item("milliseconds", FieldValue::Unsigned(milliseconds.into()));
        return;
    };
    let (second, rest) = (milliseconds / 1000, milliseconds % 1000);
    let mut text = heapless::String::<40>::new();
    let written = match (cursor.u8(), cursor.u8(), cursor.u8(), cursor.u8()) {
        (Some(hour), Some(day), Some(month), Some(year)) => write!(
            text,
            "20{:02}-{:02}-{:02}T{:02}:{:02}:{second:02}.{rest:03}",
            year & 0x7f,
            month & 0x0f,
            day & 0x1f,
            hour & 0x1f,
            minute & 0x3f
        ),
        _ => write!(text, "{:02}:{second:02}.{rest:03}", minute & 0x3f),
    };
    if written.is_ok() {
        visitor.item("time", FieldValue::Text(&text));
    }
    if minute & 0x80 != 0 {
        visitor.item("time_invalid", FieldValue::Unsigned(1));
    }
}

/// The fields of a file object, types 120 to 127 (7.3.6).
pub(super) fn file(kind: u8, element: &[u8], visitor: &mut dyn FieldVisitor) -> Option<()> {
    let mut cursor = Cursor::new(element);
    visitor.item("file_name", FieldValue::Unsigned(cursor.u16_le()?.into()));
    if matches!(kind, 121..=125) {
        visitor.item("section", FieldValue::Unsigned(cursor.u8()?.into()));
    }
    if matches!(kind, 120 | 121 | 126) {
        visitor.item("file_length", FieldValue::Unsigned(cursor.u24_le()?.into()));
    }
    match kind {
        125 => {
            cursor.skip(1)?;
            visitor.item("segment", FieldValue::Bytes(cursor.rest()));
        }
        127 => {
            time(cursor.take(7)?, visitor);
            time(cursor.take(7)?, visitor);
        }
        _ => visitor.item("qualifier", FieldValue::Unsigned(cursor.u8()?.into())),
    }
    if kind == 123 {
        visitor.item("checksum", FieldValue::Unsigned(cursor.u8()?.into()));
    }
    Some(())
}
