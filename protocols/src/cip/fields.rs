//! The fields of a CIP message, under the keys that `decode --json` prints.

use core::fmt::Write as _;

use fieldwarden_model::{Value, Values, operation::Encoding};

use super::{
    attributes::{self, Identity, physical_link},
    body::{CipMessage, Sort},
    classify,
    connection::{Close, Open, Opened, Triad, Way},
    logix::{Tag, symbols},
    packet::{class, is_connection_service, service},
    path::{Segment, Segments},
    pccc::{self, Pccc},
};
use crate::{
    cursor::Cursor,
    message::{FieldValue, FieldVisitor},
};

/// Walks them.
pub(super) fn visit(message: &CipMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let packet = &message.packet;
    let target = message.target();
    number(visitor, "service", packet.service);
    visitor.field("service_name", FieldValue::Text(classify::describe(message).1));
    visitor.field("is_response", FieldValue::Unsigned(packet.response.into()));
    // The layers of the connection manager and of PCCC say it again.
    let again = match message.sort() {
        Sort::Pccc => true,
        _ => is_connection_service(packet.service) && target.is(class::CONNECTION_MANAGER),
    };
    if again && message.via.is_none() {
        let response = FieldValue::Unsigned(packet.response.into());
        // The path is in the request alone.
        if packet.response {
            visitor.recalled_item("is_response", response);
        } else {
            visitor.item("is_response", response);
        }
    }
    if packet.response {
        number(visitor, "status", packet.status);
        if !packet.extended.is_empty() {
            let mut words = Cursor::new(packet.extended);
            while let Some(word) = words.u16_le() {
                visitor.item("extended_status", FieldValue::Unsigned(word.into()));
            }
        }
    }
    let paths = [message.connection, message.via, message.request().map(|request| request.path)];
    for path in paths.into_iter().flatten() {
        segments(path, visitor);
    }
    content(message, visitor);
}

/// The segments of a path.
fn segments(path: &[u8], visitor: &mut dyn FieldVisitor) {
    for segment in Segments::of(path) {
        let (key, value) = match segment {
            Segment::Class(id) => ("class", FieldValue::Unsigned(id.into())),
            Segment::Instance(id) => ("instance", FieldValue::Unsigned(id.into())),
            Segment::Attribute(id) => ("attribute", FieldValue::Unsigned(id.into())),
            Segment::Member(id) => ("member", FieldValue::Unsigned(id.into())),
            Segment::ConnectionPoint(id) => ("connection_point", FieldValue::Unsigned(id.into())),
            Segment::Symbol(name) => ("symbol", text(name)),
            Segment::Port(port, link) => {
                visitor.item("port", FieldValue::Unsigned(port.into()));
                ("link_address", FieldValue::Bytes(link))
            }
            Segment::Key(key) => ("electronic_key", FieldValue::Bytes(key)),
            Segment::Other(..) => continue,
        };
        visitor.item(key, value);
    }
}

fn content(message: &CipMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let packet = &message.packet;
    match message.sort() {
        Sort::Common => common(message, visitor),
        Sort::Multiple => {
            maybe(visitor, "service_count", Cursor::new(packet.data).u16_le());
        }
        Sort::Send if packet.response => bytes(visitor, packet.data),
        Sort::Send => {
            if let Some(embedded) = packet.embedded() {
                number(visitor, "priority", embedded.priority);
                number(visitor, "timeout_ticks", embedded.ticks);
                visitor.field("route", FieldValue::Bytes(embedded.route));
            }
        }
        Sort::Open { large } => open(message, large, visitor),
        Sort::Close if packet.response => {
            if let Some(close) = Close::answered(packet.data) {
                triad(close.triad, visitor);
            }
            if let Some(close) = message.asked.as_ref().and_then(|asked| Close::read(asked.data)) {
                segments(close.path, visitor);
            }
        }
        Sort::Close => {
            if let Some(close) = Close::read(packet.data) {
                triad(close.triad, visitor);
                segments(close.path, visitor);
            }
        }
        Sort::Pccc => pccc(message, visitor),
        Sort::Tag => tag(message, visitor),
        Sort::Template if !packet.response => {
            let mut cursor = Cursor::new(packet.data);
            maybe(visitor, "offset", cursor.u32_le());
            maybe(visitor, "octets", cursor.u16_le());
        }
        Sort::Instances if packet.response => {
            for symbol in message.asked.iter().flat_map(|asked| symbols(asked.data, packet.data)) {
                visitor.item("listed_instance", FieldValue::Unsigned(symbol.instance.into()));
                if let Some(name) = symbol.name {
                    visitor.item("listed_symbol", text(name));
                }
                if let Some(symbol_type) = symbol.symbol_type {
                    visitor.item("listed_type", FieldValue::Unsigned(symbol_type.into()));
                }
            }
            bytes(visitor, packet.data);
        }
        Sort::Modify | Sort::Template | Sort::Instances | Sort::Other => bytes(visitor, packet.data),
    }
}

fn common(message: &CipMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let packet = &message.packet;
    let target = message.target();
    message.attributes(&mut |attribute| {
        visitor.item("attribute", FieldValue::Unsigned(attribute.id.into()));
        if let Some(status) = attribute.status {
            visitor.item("attribute_status", FieldValue::Unsigned(status.into()));
        }
        if let Some(data) = attribute.data {
            visitor.item("attribute_data", FieldValue::Bytes(data));
        }
        if let Some(path) = physical_link(&target, &attribute) {
            segments(path, visitor);
        }
    });
    if let Some(address) = attributes::address(packet, &target) {
        let mut text = heapless::String::<15>::new();
        // An IPv4 address is at most that long.
        let _ = write!(text, "{address}");
        visitor.field("ip_address", FieldValue::Text(&text));
    }
    match packet.service {
        service::GET_ALL if packet.response && target.is(class::IDENTITY) && target.instance != Some(0) => {
            if let Some(device) = Identity::read(&mut Cursor::new(packet.data)) {
                identity(&device, visitor);
            }
        }
        service::GET_ALL if packet.response => bytes(visitor, packet.data),
        service::GET_LIST | service::SET_LIST | service::GET_ALL => {}
        _ => bytes(visitor, packet.data),
    }
}

/// What a device says of itself.
pub(super) fn identity(device: &Identity<'_>, visitor: &mut dyn FieldVisitor) {
    number(visitor, "vendor", device.vendor);
    number(visitor, "device_type", device.device_type);
    number(visitor, "product_code", device.product_code);
    let (major, minor) = device.revision;
    number(visitor, "revision_major", major);
    number(visitor, "revision_minor", minor);
    number(visitor, "device_status", device.status);
    number(visitor, "serial_number", device.serial);
    visitor.field("product_name", text(device.name));
}

fn open(message: &CipMessage<'_>, large: bool, visitor: &mut dyn FieldVisitor) {
    let packet = &message.packet;
    if !packet.response {
        let Some(open) = Open::read(packet.data, large) else { return };
        triad(open.triad, visitor);
        way(
            &open.to_target,
            ["to_target_id", "to_target_interval", "to_target_size", "to_target_parameters"],
            visitor,
        );
        let keys =
            ["to_originator_id", "to_originator_interval", "to_originator_size", "to_originator_parameters"];
        way(&open.to_originator, keys, visitor);
        number(visitor, "transport", open.transport);
        segments(open.path, visitor);
        return;
    }
    if packet.status == 0
        && let Some(opened) = Opened::read(packet.data)
    {
        triad(opened.triad, visitor);
        number(visitor, "to_target_id", opened.to_target);
        number(visitor, "to_originator_id", opened.to_originator);
        number(visitor, "to_target_interval", opened.intervals.0);
        number(visitor, "to_originator_interval", opened.intervals.1);
    } else if let Some(refused) = Close::answered(packet.data) {
        triad(refused.triad, visitor);
    }
    if let Some(open) = message.asked.as_ref().and_then(|asked| Open::read(asked.data, large)) {
        segments(open.path, visitor);
    }
}

fn triad(triad: Triad, visitor: &mut dyn FieldVisitor) {
    number(visitor, "connection_serial", triad.serial);
    number(visitor, "originator_vendor", triad.vendor);
    number(visitor, "originator_serial", triad.originator);
}

fn way(way: &Way, keys: [&'static str; 4], visitor: &mut dyn FieldVisitor) {
    let values = [way.id, way.interval, way.size, way.parameters];
    for (key, value) in keys.into_iter().zip(values) {
        number(visitor, key, value);
    }
}

fn tag(message: &CipMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let Some(tag) = Tag::read(&message.packet) else { return bytes(visitor, message.packet.data) };
    if let Some(data_type) = tag.data_type {
        number(visitor, "data_type", data_type.code);
        visitor.field("data_type_name", FieldValue::Text(data_type.name()));
        maybe(visitor, "structure_handle", data_type.handle);
    }
    maybe(visitor, "elements", tag.elements);
    maybe(visitor, "offset", tag.offset);
    match (tag.values(), tag.data) {
        (Some(list), _) => values(&list, visitor),
        (None, Some(data)) => bytes(visitor, data),
        (None, None) => {}
    }
}

fn pccc(message: &CipMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let Some(own) = Pccc::read(message.packet.data) else { return bytes(visitor, message.packet.data) };
    let asked = message.asked.as_ref().and_then(|asked| Pccc::read(asked.data));
    maybe(visitor, "requester_vendor", own.vendor);
    maybe(visitor, "requester_serial", own.serial);
    number(visitor, "pccc_command", own.command);
    number(visitor, "pccc_status", own.status);
    maybe(visitor, "pccc_extended_status", own.extended);
    number(visitor, "pccc_transaction", own.transaction);
    let question = if own.reply { asked } else { Some(own) };
    maybe(visitor, "pccc_function", question.and_then(|question| question.function));
    let Some(address) = question.and_then(|question| question.address()) else {
        return bytes(visitor, own.data);
    };
    number(visitor, "pccc_file", address.file);
    maybe(visitor, "pccc_file_type", address.file_type);
    number(visitor, "pccc_element", address.element);
    number(visitor, "pccc_sub_element", address.sub);
    if !own.reply {
        number(visitor, "octets", address.octets);
        maybe(visitor, "mask", address.mask);
    }
    let Some(data) = (if own.reply { own.read_data() } else { address.data }) else { return };
    match address.encoding().and_then(|encoding| pccc::values(encoding, data)) {
        Some(list) => values(&list, visitor),
        None => bytes(visitor, data),
    }
}

/// A list of values. Of 64 bits without a sign each is told whole, though a [`Value`] ends at 2^63 - 1 (CIP Vol. 1, Appendix C-6, ULINT).
fn values(list: &Values<'_>, visitor: &mut dyn FieldVisitor) {
    if list.encoding == Encoding::Unsigned64Little {
        let mut cursor = Cursor::new(list.bytes);
        for number in (0..list.count).map_while(|_| cursor.u64_le()) {
            visitor.item("values", FieldValue::Unsigned(number));
        }
        return;
    }
    for value in list.iter() {
        let value = match value {
            Value::Integer(number) => FieldValue::Signed(number),
            Value::Float(number) => FieldValue::Float(number),
        };
        visitor.item("values", value);
    }
}

/// Octets that are told as they are.
fn bytes(visitor: &mut dyn FieldVisitor, data: &[u8]) {
    if !data.is_empty() {
        visitor.field("data", FieldValue::Bytes(data));
    }
}

/// A text where it is one, octets otherwise.
pub(super) fn text(octets: &[u8]) -> FieldValue<'_> {
    core::str::from_utf8(octets).map_or(FieldValue::Bytes(octets), FieldValue::Text)
}

/// A number.
pub(super) fn number(visitor: &mut dyn FieldVisitor, key: &'static str, value: impl Into<u64>) {
    visitor.field(key, FieldValue::Unsigned(value.into()));
}

/// A number that may be missing.
pub(super) fn maybe(visitor: &mut dyn FieldVisitor, key: &'static str, value: Option<impl Into<u64>>) {
    if let Some(value) = value {
        number(visitor, key, value);
    }
}
