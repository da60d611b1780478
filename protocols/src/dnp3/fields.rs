//! The fields of a fragment: its header, then for each object header `object`, `qualifier`, `points`, and for each object
//! its index, value, flags, time and what else it has.

use fieldwarden_model::Value;

use super::{
    authentication,
    body::FragmentBody,
    classify, file,
    fragment::CONFIRM,
    library::{Layout, Record},
    notation::GroupAndIndex,
    object::{Item, Object, Step},
    operations,
};
use crate::{
    cursor::Cursor,
    dissector::Notation,
    message::{FieldValue, FieldVisitor},
};

/// Walks all fields of a fragment.
pub(super) fn walk(body: &FragmentBody<'_>, visitor: &mut dyn FieldVisitor) {
    let fragment = &body.fragment;
    let flag = |bit: u8| FieldValue::Unsigned(u64::from(fragment.control >> bit & 1));
    visitor.field("fir", flag(7));
    visitor.field("fin", flag(6));
    visitor.field("con", flag(5));
    visitor.field("uns", flag(4));
    visitor.field("sequence", FieldValue::Unsigned(fragment.sequence().into()));
    let Some(function) = fragment.function else { return };
    visitor.field("function_code", FieldValue::Unsigned(function.into()));
    visitor.field("function", FieldValue::Text(classify::function(function).1));
    if let Some(indications) = fragment.indications {
        visitor.field("iin", FieldValue::Unsigned(indications.into()));
    }
    if let Some(asked) = body.asked.filter(|asked| asked.function != CONFIRM) {
        visitor.field("requested_function_code", FieldValue::Unsigned(asked.function.into()));
    }
    if !classify::is_known(function) && !fragment.objects.is_empty() {
        visitor.field("data", FieldValue::Bytes(fragment.objects));
    }
    for step in fragment.objects() {
        if let Step::Object(object) = step {
            header(&object, visitor);
            objects(&object, visitor);
        }
    }
}

fn header(object: &Object<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.item("object", FieldValue::Unsigned(object.number().into()));
    visitor.item("qualifier", FieldValue::Unsigned(object.qualifier.into()));
    if let Some(range) = operations::span(object) {
        let mut text = heapless::String::<64>::new();
        if GroupAndIndex.write(&range, &mut text).is_ok() {
            visitor.item("points", FieldValue::Text(&text));
        }
    }
}

fn objects(object: &Object<'_>, visitor: &mut dyn FieldVisitor) {
    if let Some(bits) = operations::packed(object) {
        for value in bits.iter() {
            visitor.item("value", number(value));
        }
        return;
    }
    if matches!(object.layout, Layout::Bits(2)) {
        operations::double_bits(object, |_, state| {
            visitor.item("value", FieldValue::Unsigned(u64::from(*state)));
        });
        return;
    }
    for item in object.items() {
        one(object, &item, visitor);
    }
}

fn one(object: &Object<'_>, item: &Item<'_>, visitor: &mut dyn FieldVisitor) {
    if let Some(index) = item.index {
        visitor.item("index", FieldValue::Unsigned(index.into()));
    }
    if item.octets.is_empty() {
        return;
    }
    match object.layout {
        Layout::Record(record) => values(object, &record, item, visitor),
        Layout::Attribute => attribute(item.octets, visitor),
        _ if object.group == 120 => authentication::fields(object.variation, item.octets, visitor),
        Layout::Sized if object.group == 70 => file::fields(object.variation, item.octets, visitor),
        _ => visitor.item("octets", FieldValue::Bytes(item.octets)),
    }
}

fn values(object: &Object<'_>, record: &Record, item: &Item<'_>, visitor: &mut dyn FieldVisitor) {
    if object.group == 12 {
        relay(item.octets, visitor);
    } else if let Some(value) = operations::value(record, item.octets).and_then(|values| values.nth(0)) {
        visitor.item("value", number(value));
    }
    if let Some(flags) = item.octets.first().filter(|_| record.flags) {
        visitor.item("flags", FieldValue::Unsigned(u64::from(*flags)));
    }
    if let Some(status) = item.octets.last().filter(|_| record.status_last) {
        visitor.item("status", FieldValue::Unsigned(u64::from(*status & 0x7f)));
    }
    if let Some((at, length)) = record.time
        && let Some(octets) = item.octets.get(usize::from(at)..).and_then(|rest| rest.get(..length.into()))
    {
        let time = octets.iter().rev().fold(0, |sum: u64, octet| sum << 8 | u64::from(*octet));
        visitor.item(if length == 6 { "time" } else { "relative_time" }, FieldValue::Unsigned(time));
    }
}

/// A control relay output block or a pattern control block (annex A.8).
fn relay(octets: &[u8], visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(octets);
    let mut block = || Some((cursor.u8()?, cursor.u8()?, cursor.u32_le()?, cursor.u32_le()?));
    let Some((code, count, on, off)) = block() else { return };
    visitor.item("control_code", FieldValue::Unsigned(code.into()));
    visitor.item("control", FieldValue::Text(control(code)));
    visitor.item("count", FieldValue::Unsigned(count.into()));
    visitor.item("on_time", FieldValue::Unsigned(on.into()));
    visitor.item("off_time", FieldValue::Unsigned(off.into()));
}

/// The operation of a control code: type in the lower four bits, trip or close in the upper two.
const fn control(code: u8) -> &'static str {
    match (code >> 6, code & 0x0f) {
        (0, 0) => "none",
        (0, 1) => "pulse on",
        (0, 2) => "pulse off",
        (0, 3) => "latch on",
        (0, 4) => "latch off",
        (1, 1) => "close, pulse on",
        (2, 1) => "trip, pulse on",
        (1, _) => "close",
        (2, _) => "trip",
        _ => "reserved",
    }
}

/// A device attribute: 1 is text, 2 a whole number, 3 one with a sign; others stay octets.
fn attribute(octets: &[u8], visitor: &mut dyn FieldVisitor) {
    let [kind, _, value @ ..] = octets else { return };
    let number = || value.iter().rev().fold(0, |sum: u64, octet| sum << 8 | u64::from(*octet));
    match (kind, core::str::from_utf8(value)) {
        (1, Ok(text)) => visitor.item("attribute", FieldValue::Text(text)),
        (2, _) if value.len() <= 8 => visitor.item("attribute", FieldValue::Unsigned(number())),
        _ => visitor.item("attribute", FieldValue::Bytes(value)),
    }
}

const fn number(value: Value) -> FieldValue<'static> {
    match value {
        Value::Integer(number) => FieldValue::Signed(number),
        Value::Float(number) => FieldValue::Float(number),
    }
}
