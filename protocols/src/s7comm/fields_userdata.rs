//! The fields of userdata messages.

use super::{
    alarm::{self, Part},
    classify,
    data::Records,
    fields::{self, maybe, number},
    pending::Object,
    programmer::Programmer,
    userdata::{Method, Payload, Userdata},
};
use crate::{
    cursor::Cursor,
    message::{FieldValue, FieldVisitor},
};

/// The parameters, the head of the data, and what the data of the known functions carry.
pub(super) fn userdata(userdata: &Userdata<'_>, visitor: &mut dyn FieldVisitor) {
    number(visitor, "userdata_type", userdata.kind);
    number(visitor, "userdata_group", userdata.group);
    if let Some(mode) = userdata.mode {
        number(visitor, "mode", mode);
        return;
    }
    number(visitor, "userdata_subfunction", userdata.subfunction);
    maybe(visitor, "sequence_number", userdata.sequence);
    maybe(visitor, "data_unit_reference", userdata.unit_reference);
    maybe(visitor, "more_data_units", userdata.more);
    maybe(visitor, "parameter_error", userdata.error);
    let Some(payload) = &userdata.payload else { return };
    visitor.item("return_code", FieldValue::Unsigned(payload.return_code.into()));
    visitor.item("transport_size", FieldValue::Unsigned(payload.transport.into()));
    if let Some((count, items)) = userdata.subscribed() {
        number(visitor, "item_count", count);
        fields::items(&items, visitor);
    }
    if let Some((count, records)) = userdata.records() {
        number(visitor, "item_count", count);
        fields::records(&Records::new(records, count.into()), visitor);
    }
    if let Some(object) = userdata.object() {
        fields::object(object, visitor);
    }
    match (userdata.group, userdata.subfunction) {
        (classify::GROUP_CPU, 1) => system_status(userdata, visitor),
        (classify::GROUP_CPU, _) => alarm::walk(userdata, &mut |part| alarm_part(&part, visitor)),
        (classify::GROUP_PROGRAMMER, _) => programmer(userdata, visitor),
        (classify::GROUP_CYCLIC, 8) => data_record(userdata, visitor),
        (classify::GROUP_TIME, _) => clock(payload, visitor),
        _ => {}
    }
}

/// An answer that is whole repeats the id and index of its list; fragments but the first do not.
fn system_status(userdata: &Userdata<'_>, visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(userdata.whole().unwrap_or_default());
    if userdata.method() == Method::Response
        && let Some((id, index)) = cursor.u16().zip(cursor.u16())
    {
        fields::object(Object::Status(id, index), visitor);
        // The low octet is the list, the upper half of the high one the class of module, what remains which part is told.
        match (id & 0xff, cursor.u16().zip(cursor.u16())) {
            (MODULE_LIST, Some((MODULE_RECORD, count))) => modules(&mut cursor, count, visitor),
            (COMPONENT_LIST, Some((COMPONENT_RECORD, count))) => components(&mut cursor, count, visitor),
            _ => {}
        }
    }
}

/// Module identification, and the octets of one of its records: index, order number (20), type, two versions.
const MODULE_LIST: u16 = 0x11;
const MODULE_RECORD: u16 = 28;
/// Component identification, and the octets of one of its records: index, text (32).
const COMPONENT_LIST: u16 = 0x1c;
const COMPONENT_RECORD: u16 = 34;

/// The records of the module, its basic hardware and its firmware; that of the firmware has its version as `V`, and three numbers.
fn modules(cursor: &mut Cursor<'_>, count: u16, visitor: &mut dyn FieldVisitor) {
    use core::fmt::Write as _;

    for _ in 0..count {
        let (Some(index), Some(order), Some(_)) = (cursor.u16(), cursor.take(20), cursor.u16()) else {
            return;
        };
        let Some(&[letter, major, minor, patch]) = cursor.take(4) else { return };
        match index {
            1 => visitor.item("order_number", padded(order)),
            7 if letter == b'V' => {
                let mut text = heapless::String::<16>::new();
                if write!(text, "V{major}.{minor}.{patch}").is_ok() {
                    visitor.item("firmware", FieldValue::Text(&text));
                }
            }
            _ => {}
        }
    }
}

fn components(cursor: &mut Cursor<'_>, count: u16, visitor: &mut dyn FieldVisitor) {
    for _ in 0..count {
        let (Some(index), Some(text)) = (cursor.u16(), cursor.take(32)) else { return };
        // The high octet tells the racks of redundant controllers apart.
        let key = match index & 0xff {
            1 => "system_name",
            2 => "module_name",
            3 => "plant_identification",
            5 => "serial_number",
            7 => "module_type",
            8 => "memory_card_serial_number",
            _ => continue,
        };
        visitor.item(key, padded(text));
    }
}

/// A text that blanks or zeros fill up.
fn padded(octets: &[u8]) -> FieldValue<'_> {
    let end = octets.iter().rposition(|octet| !matches!(octet, 0 | b' ')).map_or(0, |last| last + 1);
    fields::text_or_bytes(octets.get(..end).unwrap_or(octets))
}

fn alarm_part(part: &Part<'_>, visitor: &mut dyn FieldVisitor) {
    match part {
        Part::Event(event) => visitor.item("event_id", FieldValue::Unsigned((*event).into())),
        Part::Code(code) => visitor.item("return_code", FieldValue::Unsigned((*code).into())),
        Part::Value(record) => fields::record(record, visitor),
    }
}

/// The answer that carries a data record: one octet, the count, then a return code.
fn data_record(userdata: &Userdata<'_>, visitor: &mut dyn FieldVisitor) {
    if userdata.method() == Method::Response
        && let Some(&[_, 1..=u8::MAX, code, ..]) = userdata.whole()
    {
        visitor.item("return_code", FieldValue::Unsigned(code.into()));
    }
}

fn programmer(userdata: &Userdata<'_>, visitor: &mut dyn FieldVisitor) {
    let Some(programmer) = Programmer::read(userdata) else { return };
    programmer.addresses().flatten().for_each(|address| fields::address(&address, visitor));
    if let Some(records) = &programmer.records {
        fields::records(records, visitor);
    }
    for code in programmer.codes {
        visitor.item("return_code", FieldValue::Unsigned((*code).into()));
    }
}

/// A clock in ten octets: one not known, the century, then BCD from year to second, milliseconds and weekday.
fn clock(payload: &Payload<'_>, visitor: &mut dyn FieldVisitor) {
    use core::fmt::Write as _;

    let Ok([_, _, year, month, day, hour, minute, second, milli, last]) =
        <[u8; 10]>::try_from(payload.octets)
    else {
        return;
    };
    // The century octet is often wrong; years count from 1990 on, as DATE_AND_TIME does.
    let century = if year < 0x90 { 20 } else { 19 };
    let mut text = heapless::String::<32>::new();
    let written = write!(
        text,
        "{century}{year:02x}-{month:02x}-{day:02x}T{hour:02x}:{minute:02x}:{second:02x}.{milli:02x}{:x}",
        last >> 4
    );
    if written.is_ok() {
        visitor.field("clock", FieldValue::Text(&text));
    }
}
