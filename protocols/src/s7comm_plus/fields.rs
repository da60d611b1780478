//! The fields of messages, keys as `docs/protocols/s7comm_plus.md` lists them.

use super::{
    address::Address,
    body::PlusMessage,
    function,
    notation::Addresses,
    number,
    pdu::{EVENT, KEEP_ALIVE, opcode},
    value::Value,
};
use crate::{
    cursor::Cursor,
    dissector::Notation,
    message::{FieldValue, FieldVisitor},
};

/// Characters of a point as it is written.
type Text = heapless::String<80>;

/// Walks the fields of a message.
pub(super) fn message(message: &PlusMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let pdu = &message.pdu;
    visitor.field("version", FieldValue::Unsigned(pdu.version.into()));
    if pdu.digest != 0 {
        visitor.field("digest_length", FieldValue::Unsigned(pdu.digest.into()));
    }
    if !matches!(pdu.version, EVENT | KEEP_ALIVE) {
        visitor.field("opcode", FieldValue::Unsigned(pdu.opcode.into()));
    }
    if let Some(function) = pdu.function {
        visitor.field("function_code", FieldValue::Unsigned(function.into()));
    }
    let name = FieldValue::Text(message.named().1);
    match message.asked {
        Some(_) => visitor.recalled("function", name),
        None => visitor.field("function", name),
    }
    if let Some(sequence) = pdu.sequence {
        visitor.field("sequence", FieldValue::Unsigned(sequence.into()));
    }
    if let Some(session) = pdu.session {
        visitor.field("session_id", FieldValue::Unsigned(session.into()));
    }
    let object = |object: Option<u32>| object.filter(|id| *id != 0).map(|id| FieldValue::Unsigned(id.into()));
    if let Some(own) = object(pdu.object) {
        visitor.field("object_id", own);
    } else if let Some(asked) = object(message.asked.and_then(|asked| asked.object)) {
        visitor.recalled("object_id", asked);
    }
    if let Some(result) = pdu.result {
        visitor.field("return_value", FieldValue::Unsigned(result));
    }
    if let Some((attribute, value)) = pdu.attribute() {
        visitor.field("attribute", FieldValue::Unsigned(attribute.into()));
        // What unlocks a controller is never told.
        if let Some(value) = value.filter(|_| attribute != function::LEGITIMATE) {
            visitor.item("values", value.field());
        }
    } else {
        variables(message, visitor);
    }
    message.each_value(&mut |item, value| {
        visitor.item("item", FieldValue::Unsigned(item.into()));
        visitor.item("values", value.field());
    });
    match pdu.function {
        Some(function::CREATE_OBJECT) => created(message, visitor),
        None if pdu.opcode == opcode::NOTIFICATION => notification(pdu.parameters, visitor),
        _ => {}
    }
}

/// The variables of a read or a write, as they are addressed and as points are written.
fn variables(message: &PlusMessage<'_>, visitor: &mut dyn FieldVisitor) {
    if let Some((items, mut cursor)) = message.addresses() {
        visitor.field("item_count", FieldValue::Unsigned(items.into()));
        for _ in 0..items {
            let Some(address) = Address::read(&mut cursor) else { break };
            visitor.item("area", FieldValue::Unsigned(address.area.into()));
            if address.checksum != 0 {
                visitor.item("symbol_checksum", FieldValue::Unsigned(address.checksum.into()));
            }
        }
    }
    message.each_point(&mut |points, value| {
        let mut text = Text::new();
        if Addresses.write(&points, &mut text).is_ok() {
            visitor.item("points", FieldValue::Text(&text));
        }
        if let Some(value) = value {
            visitor.item("values", value.field());
        }
    });
}

/// The class of the object that a request makes, the ids that the answer gives.
fn created(message: &PlusMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(message.pdu.parameters);
    if message.pdu.opcode == opcode::REQUEST {
        // A value and a number come before the mark of the object.
        let mark = cursor.rest().iter().position(|octet| *octet == 0xa1);
        let Some(mark) = mark.filter(|mark| *mark <= 16) else { return };
        let _ = cursor.skip(mark + 1 + 4);
        if let Some(class) = number::short(&mut cursor) {
            visitor.field("object_class", FieldValue::Unsigned(class.into()));
        }
        return;
    }
    for _ in 0..cursor.u8().unwrap_or(0).min(16) {
        let Some(id) = number::short(&mut cursor) else { return };
        visitor.item("created_id", FieldValue::Unsigned(id.into()));
    }
}

/// How a value of a notification begins: its item as four octets or as a number, or an item without a value.
const VALUE: u8 = 0x92;
const VALUE_SHORT: u8 = 0x9b;
const ABSENT: [u8; 2] = [0x03, 0x13];

/// A credit and a counter behind three numbers that say little, then values by the number that the subscription gave them. Which
/// variable a number stands for was said when the subscription was made, in another firmware's own form each time.
fn notification(parameters: &[u8], visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(parameters);
    if cursor.skip(6).is_none() {
        return;
    }
    let (Some(credit), Some(counter)) = (cursor.u8(), number::short(&mut cursor)) else { return };
    visitor.field("credit", FieldValue::Unsigned(credit.into()));
    visitor.field("counter", FieldValue::Unsigned(counter.into()));
    let is_mark = |octet: &u8| matches!(*octet, VALUE | VALUE_SHORT) || ABSENT.contains(octet);
    if !cursor.rest().first().is_some_and(is_mark) {
        // Later firmware counts how often the subscription was changed.
        let _ = cursor.u8();
    }
    while let Some(mark) = cursor.u8().filter(is_mark) {
        let item = if mark == VALUE_SHORT { number::short(&mut cursor) } else { cursor.u32() };
        let Some(item) = item else { return };
        if ABSENT.contains(&mark) {
            visitor.item("item_absent", FieldValue::Unsigned(item.into()));
            continue;
        }
        let Some(value) = Value::read(&mut cursor) else { return };
        visitor.item("item", FieldValue::Unsigned(item.into()));
        visitor.item("values", value.field());
    }
}
