//! The fields of a message, under the keys that `decode --json` prints.

use core::fmt::Write as _;

use super::{
    classify::{self, Function},
    content::Content,
    control::{BlockName, Service, Transfer, decimal},
    data::{Record, Records},
    item::{Address, Item, Items, db_read_entries},
    notation::StepSeven,
    pdu::{Pdu, Rosctr},
    pending::Object,
};
use crate::{
    dissector::Notation as _,
    message::{FieldValue, FieldVisitor},
};

/// The header.
pub(super) fn header(pdu: &Pdu<'_>, visitor: &mut dyn FieldVisitor) {
    number(visitor, "rosctr", pdu.rosctr.octet());
    maybe(visitor, "pdu_reference", pdu.reference);
    if let Some((class, code)) = pdu.error {
        number(visitor, "error_class", class);
        number(visitor, "error_code", code);
    }
    let code = pdu.parameters.first().filter(|_| matches!(pdu.rosctr, Rosctr::Job | Rosctr::AcknowledgeData));
    maybe(visitor, "function_code", code.copied());
}

/// The function in words.
pub(super) fn function(function: Function, visitor: &mut dyn FieldVisitor) {
    visitor.field("function", FieldValue::Text(function.name));
}

/// What stands behind the header.
pub(super) fn content(pdu: &Pdu<'_>, content: &Content<'_>, visitor: &mut dyn FieldVisitor) {
    match content {
        Content::Nothing => {}
        Content::Setup(setup) => {
            number(visitor, "parallel_jobs_calling", setup.calling);
            number(visitor, "parallel_jobs_called", setup.called);
            number(visitor, "pdu_length", setup.pdu_length);
        }
        Content::Variables(count, list, carried) => {
            number(visitor, "item_count", *count);
            items(list, visitor);
            records(carried, visitor);
        }
        Content::Values(count, carried) => {
            number(visitor, "item_count", *count);
            records(carried, visitor);
        }
        Content::Codes(count, codes) => {
            number(visitor, "item_count", *count);
            for code in *codes {
                visitor.item("return_code", FieldValue::Unsigned((*code).into()));
            }
        }
        Content::Transfer(transfer) => self::transfer(pdu, transfer, visitor),
        Content::Piece(status, octets) => {
            maybe(visitor, "function_status", *status);
            visitor.item("item_data", FieldValue::Bytes(octets));
        }
        Content::Service(service) => self::service(service, visitor),
        Content::Userdata(userdata) => super::fields_userdata::userdata(userdata, visitor),
        Content::Raw(parameters, data) => {
            if !parameters.is_empty() {
                visitor.field("parameters", FieldValue::Bytes(parameters));
            }
            if !data.is_empty() {
                visitor.item("item_data", FieldValue::Bytes(data));
            }
        }
    }
}

/// Items of a parameter part.
pub(super) fn items(items: &Items<'_>, visitor: &mut dyn FieldVisitor) {
    for item in items.clone() {
        match item {
            Item::Any(address) => self::address(&address, visitor),
            Item::DbRead(entries) => {
                for entry in db_read_entries(entries) {
                    visitor.item("db_read_length", FieldValue::Unsigned(entry.count.into()));
                    visitor.item("db_read_db", FieldValue::Unsigned(entry.db.into()));
                    visitor.item("db_read_start", FieldValue::Unsigned((entry.start / 8).into()));
                    points(&entry, visitor);
                }
            }
            Item::Raw { syntax, octets } => {
                visitor.item("item_syntax", FieldValue::Unsigned(syntax.into()));
                visitor.item("item_specification", FieldValue::Bytes(octets));
            }
        }
    }
}

/// One address.
pub(super) fn address(address: &Address, visitor: &mut dyn FieldVisitor) {
    visitor.item("item_transport_size", FieldValue::Unsigned(address.transport.into()));
    visitor.item("item_length", FieldValue::Unsigned(address.count.into()));
    visitor.item("item_db", FieldValue::Unsigned(address.db.into()));
    visitor.item("item_area", FieldValue::Unsigned(address.area.into()));
    if address.by_number() {
        visitor.item("item_number", FieldValue::Unsigned(address.start.into()));
    } else {
        visitor.item("item_byte_address", FieldValue::Unsigned((address.start / 8).into()));
        visitor.item("item_bit_address", FieldValue::Unsigned((address.start % 8).into()));
    }
    points(address, visitor);
}

/// Records of a data part.
pub(super) fn records(records: &Records<'_>, visitor: &mut dyn FieldVisitor) {
    records.clone().for_each(|each| record(&each, visitor));
}

/// One record.
pub(super) fn record(record: &Record<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.item("return_code", FieldValue::Unsigned(record.return_code.into()));
    visitor.item("transport_size", FieldValue::Unsigned(record.transport.into()));
    if record.carries() {
        visitor.item("item_data", FieldValue::Bytes(record.octets));
    }
}

fn points(address: &Address, visitor: &mut dyn FieldVisitor) {
    let mut text = heapless::String::<64>::new();
    if let Some(range) = address.points()
        && StepSeven.write(&range, &mut text).is_ok()
    {
        visitor.item("points", FieldValue::Text(&text));
    }
}

fn transfer(pdu: &Pdu<'_>, transfer: &Transfer<'_>, visitor: &mut dyn FieldVisitor) {
    maybe(visitor, "function_status", transfer.status);
    maybe(visitor, "transfer_error", transfer.error);
    maybe(visitor, "transfer_id", transfer.id);
    if let Some(file) = transfer.file {
        visitor.field("file_name", text_or_bytes(file));
        if let Some(block) = BlockName::read(file) {
            block_name(&block, visitor);
        }
    }
    let Some(lengths) = transfer.lengths else { return };
    if pdu.parameters.first() == Some(&classify::REQUEST_DOWNLOAD) {
        // One character not known, then load memory and MC7 code in six digits each.
        maybe(visitor, "load_memory_length", lengths.get(1..7).and_then(decimal));
        maybe(visitor, "code_length", lengths.get(7..13).and_then(decimal));
    } else {
        maybe(visitor, "upload_length", decimal(lengths));
    }
}

fn service(service: &Service<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.field("service", text_or_bytes(service.name));
    if service.argument.is_empty() {
        return;
    }
    let mut listed = false;
    for block in service.blocks() {
        listed = true;
        block_name(&block, visitor);
    }
    if !listed {
        visitor.field("argument", text_or_bytes(service.argument));
    }
}

/// A block that a message names.
pub(super) fn block_name(block: &BlockName, visitor: &mut dyn FieldVisitor) {
    visitor.item("block_type", FieldValue::Text(block.kind));
    visitor.item("block_number", FieldValue::Unsigned(block.number.into()));
    let mut file_system = heapless::String::<4>::new();
    if file_system.write_char(block.file_system.into()).is_ok() {
        visitor.item("file_system", FieldValue::Text(&file_system));
    }
}

/// What a job names besides addresses.
pub(super) fn object(object: Object, visitor: &mut dyn FieldVisitor) {
    match object {
        Object::Status(id, index) => {
            number(visitor, "szl_id", id);
            number(visitor, "szl_index", index);
        }
        Object::Block(kind, block) => {
            visitor.item("block_type", FieldValue::Text(kind));
            if let Some(block) = block {
                visitor.item("block_number", FieldValue::Unsigned(block.into()));
            }
        }
    }
}

/// Printable ASCII as text, anything else as octets.
pub(super) fn text_or_bytes(octets: &[u8]) -> FieldValue<'_> {
    match core::str::from_utf8(octets) {
        Ok(text) if text.bytes().all(|octet| (0x20..0x7f).contains(&octet)) => FieldValue::Text(text),
        _ => FieldValue::Bytes(octets),
    }
}

/// A field that is a number.
pub(super) fn number(visitor: &mut dyn FieldVisitor, key: &'static str, value: impl Into<u64>) {
    visitor.field(key, FieldValue::Unsigned(value.into()));
}

/// A field that is a number, where it is there.
pub(super) fn maybe(visitor: &mut dyn FieldVisitor, key: &'static str, value: Option<impl Into<u64>>) {
    if let Some(value) = value {
        number(visitor, key, value);
    }
}
