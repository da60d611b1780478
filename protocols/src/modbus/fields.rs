//! The fields of a message, under the keys of `docs/protocols/modbus.md`.

use fieldwarden_model::{Value, Values, operation::Encoding};

use crate::message::{Direction, FieldValue, FieldVisitor};

use super::{
    check::coil_value,
    function as f,
    pdu::{Content, identification_objects},
    record::{self, Carried},
    session::Adu,
    unity::{self, Unity},
};

/// Walks them in the order of the wire. An answer first repeats what was asked, where it does not say so itself.
pub(super) fn visit(adu: &Adu<'_>, visitor: &mut dyn FieldVisitor) {
    let header = &adu.header;
    let mut out = Out(visitor);
    out.number("transaction_id", header.transaction);
    if header.protocol_id != 0 {
        out.number("protocol_id", header.protocol_id);
    }
    out.number("unit", header.unit);
    out.number("function_code", function_code(adu));
    repeat_request(adu, &mut out);
    body(adu, &mut out);
    if !adu.surplus.is_empty() {
        out.octets("surplus", adu.surplus);
    }
}

/// Spells fields.
struct Out<'a>(&'a mut dyn FieldVisitor);

impl Out<'_> {
    fn number(&mut self, key: &'static str, value: impl Into<u64>) {
        self.0.field(key, FieldValue::Unsigned(value.into()));
    }

    fn maybe(&mut self, key: &'static str, value: Option<impl Into<u64>>) {
        if let Some(value) = value {
            self.number(key, value);
        }
    }

    fn item(&mut self, key: &'static str, value: impl Into<u64>) {
        self.0.item(key, FieldValue::Unsigned(value.into()));
    }

    fn octets(&mut self, key: &'static str, value: &[u8]) {
        self.0.field(key, FieldValue::Bytes(value));
    }

    fn some_octets(&mut self, key: &'static str, value: &[u8]) {
        if !value.is_empty() {
            self.octets(key, value);
        }
    }

    fn registers(&mut self, key: &'static str, octets: &[u8]) {
        for pair in octets.chunks_exact(2) {
            if let &[high, low] = pair {
                self.item(key, u16::from_be_bytes([high, low]));
            }
        }
    }

    fn bits(&mut self, octets: &[u8], quantity: Option<u16>) {
        let present = u32::try_from(octets.len()).unwrap_or(u32::MAX).saturating_mul(8);
        let count = quantity.map_or(present, |quantity| present.min(u32::from(quantity)));
        let values = Values { bytes: octets, encoding: Encoding::BitsLeastFirst, count, stride: 1 };
        for value in values.iter() {
            self.item("bit_values", u8::from(value == Value::Integer(1)));
        }
    }
}

/// The function, without the bit that says "refused" of an answer.
fn function_code(adu: &Adu<'_>) -> u8 {
    match adu.direction {
        Direction::ToServer => adu.header.function,
        Direction::ToClient => adu.header.function & !f::EXCEPTION_BIT,
    }
}

fn repeat_request(adu: &Adu<'_>, out: &mut Out<'_>) {
    let left_out = matches!(
        adu.content,
        Content::Exception { .. } | Content::Values { .. } | Content::Fifo { .. } | Content::Answers { .. }
    );
    let Some(asked) = adu.asked.as_ref().filter(|_| left_out) else { return };
    let mut objects = asked.objects.iter();
    match asked.function {
        f::READ_FILE | f::WRITE_FILE => {
            for object in objects {
                out.item("requested_file", object.block);
                out.item("requested_record", object.address);
                out.item("requested_quantity", object.quantity);
            }
        }
        _ => {
            if let Some(object) = objects.next() {
                out.number("requested_address", object.address);
                if asked.function != f::READ_FIFO {
                    out.number("requested_quantity", object.quantity);
                }
            }
            if let Some(written) = objects.next() {
                out.number("requested_write_address", written.address);
                out.number("requested_write_quantity", written.quantity);
            }
        }
    }
    if asked.function == f::DIAGNOSTICS || asked.function == f::ENCAPSULATED {
        out.number("requested_sub_function", asked.sub_function);
    }
}

fn unity_fields(adu: &Adu<'_>, octets: &[u8], out: &mut Out<'_>) {
    out.some_octets("data", octets);
    let Some(unity) = Unity::read(octets) else { return };
    out.number("unity_key", unity.key);
    out.number("unity_code", unity.code);
    let asked = adu.asked.as_ref().map_or(unity.question(), |asked| asked.sub_function);
    out.0.field("unity_function", FieldValue::Text(unity::describe(asked).1));
    if let Some(station) = unity.station() {
        out.0.field("unity_station", FieldValue::Text(station));
    }
    if let Some((block, offset, length)) = unity.memory() {
        out.number("memory_block", block);
        out.number("memory_offset", offset);
        out.number("memory_length", length);
    }
    out.maybe("program_piece", unity.piece());
    out.maybe("unity_error", unity.refusal());
}

fn body(adu: &Adu<'_>, out: &mut Out<'_>) {
    let function = adu.header.function;
    match adu.content {
        Content::Empty => {}
        Content::Span { address, quantity } => {
            out.maybe("address", address);
            out.maybe(quantity_key(function), quantity);
        }
        Content::Single { address, octets } => {
            out.maybe("address", address);
            out.some_octets("data", octets);
            match function {
                f::WRITE_COIL => out.maybe("value", coil_value(octets)),
                _ => out.maybe("value", word(octets)),
            }
        }
        Content::Pointer { address } => out.maybe("address", address),
        Content::Values { byte_count, octets } => read_values(adu, byte_count, octets, out),
        Content::Write { address, quantity, byte_count, octets } => {
            out.maybe("address", address);
            out.maybe(quantity_key(function), quantity);
            out.maybe("byte_count", byte_count);
            if function == f::WRITE_COILS {
                out.some_octets("data", octets);
                out.bits(octets, quantity);
            } else {
                out.registers("register_values", octets);
            }
        }
        Content::Mask { address, and_mask, or_mask } => {
            out.maybe("address", address);
            out.maybe("and_mask", and_mask);
            out.maybe("or_mask", or_mask);
        }
        Content::ReadWrite { read_address, read_quantity, address, quantity, byte_count, octets } => {
            out.maybe("read_address", read_address);
            out.maybe("read_quantity", read_quantity);
            out.maybe("write_address", address);
            out.maybe("write_quantity", quantity);
            out.maybe("byte_count", byte_count);
            out.some_octets("data", octets);
            out.registers("write_values", octets);
        }
        Content::Fifo { byte_count, count, octets } => {
            out.maybe("byte_count", byte_count);
            out.maybe("quantity", count);
            out.some_octets("data", octets);
            out.registers("fifo_values", octets);
        }
        Content::Exception { code } => out.maybe("exception_code", code),
        Content::Unity { octets } => unity_fields(adu, octets, out),
        Content::Raw { octets } => out.some_octets("data", octets),
        _ => rarer_body(adu, out),
    }
}

/// Diagnosis, files and identification.
fn rarer_body(adu: &Adu<'_>, out: &mut Out<'_>) {
    match adu.content {
        Content::Status { octets } => out.some_octets("data", octets),
        Content::Diagnostic { sub, octets } => {
            out.maybe("diagnostic_code", sub);
            out.some_octets("data", octets);
        }
        Content::EventCounter { status, events } => {
            out.maybe("status", status);
            out.maybe("event_count", events);
        }
        Content::EventLog { byte_count, status, events, messages, octets } => {
            out.maybe("byte_count", byte_count);
            out.maybe("status", status);
            out.maybe("event_count", events);
            out.maybe("message_count", messages);
            out.octets("events", octets);
        }
        Content::Records { byte_count, octets, carried } => {
            out.maybe("byte_count", byte_count);
            records(octets, carried, out);
        }
        Content::Answers { byte_count, octets } => {
            out.maybe("byte_count", byte_count);
            for answer in record::answers(octets) {
                out.item("reference_type", answer.reference_type);
                out.0.item("data", FieldValue::Bytes(answer.octets));
            }
        }
        Content::Identify { code, object } => {
            out.number("mei_type", f::MEI_IDENTIFICATION);
            out.maybe("identification_code", code);
            out.maybe("object_id", object);
        }
        Content::Identity { code, conformity, more, next, objects, octets } => {
            out.number("mei_type", f::MEI_IDENTIFICATION);
            out.maybe("identification_code", code);
            out.maybe("conformity_level", conformity);
            out.maybe("more_follows", more);
            out.maybe("next_object_id", next);
            out.maybe("object_count", objects);
            identity(octets, out);
        }
        Content::Encapsulated { mei, octets } => {
            out.maybe("mei_type", mei);
            out.some_octets("data", octets);
        }
        _ => {}
    }
}

fn read_values(adu: &Adu<'_>, byte_count: Option<u8>, octets: &[u8], out: &mut Out<'_>) {
    let asked = adu.asked.as_ref().and_then(|asked| asked.objects.first()).map(|object| object.quantity);
    out.maybe("byte_count", byte_count);
    match adu.header.function {
        f::READ_COILS | f::READ_DISCRETE_INPUTS => out.bits(octets, asked),
        f::REPORT_SERVER_ID => out.some_octets("data", octets),
        f::READ_WRITE => {
            out.some_octets("data", octets);
            out.registers("read_values", octets);
        }
        _ => out.registers("register_values", octets),
    }
}

fn records(octets: &[u8], carried: Carried, out: &mut Out<'_>) {
    for record in record::records(octets, carried) {
        out.item("reference_type", record.reference_type);
        out.item("file", record.file);
        out.item("record", record.number);
        out.item("quantity", record.length);
        if carried == Carried::Yes {
            out.0.item("data", FieldValue::Bytes(record.octets));
        }
    }
}

/// Identification values are texts for the basic and regular objects (AP 6.21); what is no text is told as octets.
fn identity(octets: &[u8], out: &mut Out<'_>) {
    for (id, value) in identification_objects(octets) {
        out.item("object_ids", id);
        let text = core::str::from_utf8(value).map_or(FieldValue::Bytes(value), FieldValue::Text);
        out.0.item("object_values", text);
    }
}

fn quantity_key(function: u8) -> &'static str {
    match function {
        f::READ_COILS | f::READ_DISCRETE_INPUTS | f::WRITE_COILS => "bit_quantity",
        _ => "quantity",
    }
}

fn word(octets: &[u8]) -> Option<u16> {
    octets.try_into().ok().map(u16::from_be_bytes)
}
