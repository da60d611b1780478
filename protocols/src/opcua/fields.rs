//! The fields of a message, under the keys of `docs/protocols/opcua.md`.

use alloc::string::String;
use core::fmt::Write as _;

use fieldwarden_model::{Value as Number, operation::Encoding};

use crate::{
    Cursor,
    message::{FieldValue, FieldVisitor},
    telling::{Out, spelled},
};

use super::{
    binary::{Identifier, NodeId, Value, string},
    content::{self, Said},
    frame::Front,
    session::{Chunk, Served},
};

/// Values of one array that are told.
const MAX_TOLD: usize = 64;

/// Walks them in the order of the wire.
pub(super) fn visit(chunk: &Chunk<'_>, visitor: &mut dyn FieldVisitor) {
    let mut out = Out(visitor);
    out.text("message_type", &chunk.front.kind);
    out.text("chunk", &[chunk.front.chunk]);
    if !chunk.front.is_secured() {
        transport(&chunk.front, chunk.content, &mut |said| tell(&said, &mut out));
        return;
    }
    if let Some(secured) = &chunk.secured {
        out.number("channel_id", secured.channel);
        if let Some(policy) = secured.policy {
            out.text("security_policy", policy);
        }
        out.maybe("token_id", secured.token);
        out.maybe("sequence_number", secured.sequence.map(|(sequence, _)| sequence));
        out.maybe("request_id", secured.sequence.map(|(_, request)| request));
    }
    if chunk.encrypted {
        out.number("encrypted", 1_u8);
    }
    if let Some(served) = &chunk.served {
        serve(served, &mut out);
    }
}

fn serve(served: &Served<'_>, out: &mut Out<'_>) {
    out.number("service", served.identifier);
    let Some(service) = served.service else { return };
    if served.answer {
        out.maybe("service_result", content::result(served.body));
    }
    content::walk(service.request, served.answer, served.body, &mut |said| tell(&said, out));
}

/// Walks a message of the transport (Part 6, 7.1.2.3 to 7.1.2.6); `None` where it ends early.
pub(super) fn transport<'a>(front: &Front, content: &'a [u8], each: &mut dyn FnMut(Said<'a>)) -> Option<()> {
    let mut cursor = Cursor::new(content);
    match &front.kind {
        b"HEL" | b"ACK" => {
            for key in ["version", "receive_buffer", "send_buffer", "max_message_size", "max_chunk_count"] {
                each(Said::Number(key, cursor.u32_le()?.into()));
            }
            if &front.kind == b"HEL" {
                each(Said::Text("endpoint", string(&mut cursor)?));
            }
        }
        b"ERR" => {
            each(Said::Number("error", cursor.u32_le()?.into()));
            each(Said::Text("reason", string(&mut cursor)?));
        }
        _ => {
            each(Said::Text("server_uri", string(&mut cursor)?));
            each(Said::Text("endpoint", string(&mut cursor)?));
        }
    }
    Some(())
}

fn tell(said: &Said<'_>, out: &mut Out<'_>) {
    match said {
        Said::Node(node, attribute) => {
            out.0.item("nodes", FieldValue::Text(&written(node)));
            out.item("attributes", *attribute);
        }
        Said::Value(value) | Said::Returned(value) => values(value, out),
        Said::Item(handle, value, status) => {
            out.item("item_handles", *handle);
            values(value, out);
            out.item("statuses", *status);
        }
        Said::Status(status) => out.item("statuses", *status),
        Said::Number(key, number) => out.item(key, *number),
        Said::Text(key, text) => out.0.item(key, spelled(text)),
    }
}

fn values(value: &Value<'_>, out: &mut Out<'_>) {
    let told = match value {
        Value::Null => FieldValue::Text("null"),
        // Beyond what an operation's values hold.
        Value::Numbers(numbers) if numbers.encoding == Encoding::Unsigned64Little => {
            let (units, _) = numbers.bytes.as_chunks();
            return units
                .iter()
                .take(MAX_TOLD)
                .for_each(|&unit| out.item("values", u64::from_le_bytes(unit)));
        }
        Value::Numbers(numbers) => {
            for number in numbers.iter().take(MAX_TOLD) {
                out.0.item(
                    "values",
                    match number {
                        Number::Integer(number) => FieldValue::Signed(number),
                        Number::Float(number) => FieldValue::Float(number),
                    },
                );
            }
            return;
        }
        Value::Text(text) => spelled(text),
        Value::Octets(octets) => FieldValue::Bytes(octets),
        Value::Node(node) => return out.0.item("values", FieldValue::Text(&written(node))),
        Value::Other(kind) => {
            let mut text = String::new();
            let _ = write!(text, "type {kind}");
            return out.0.item("values", FieldValue::Text(&text));
        }
    };
    out.0.item("values", told);
}

/// As Part 6, 5.3.1.10 writes node identifiers; but opaque ones in hexadecimal digits, as octets are told everywhere.
fn written(node: &NodeId<'_>) -> String {
    let mut text = String::new();
    if node.namespace != 0 {
        let _ = write!(text, "ns={};", node.namespace);
    }
    let octets = match node.id {
        Identifier::Numeric(number) => {
            let _ = write!(text, "i={number}");
            return text;
        }
        Identifier::Text(octets) => match core::str::from_utf8(octets) {
            Ok(name) => {
                let _ = write!(text, "s={name}");
                return text;
            }
            Err(_) => octets,
        },
        Identifier::Guid(octets) => {
            text.push_str("g=");
            guid(octets, &mut text);
            return text;
        }
        Identifier::Opaque(octets) => octets,
    };
    text.push_str("b=");
    for octet in octets {
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// A GUID in its five groups, of which the first three are little-endian on the wire (Part 6, 5.1.3 and 5.2.2.6).
fn guid(octets: &[u8], text: &mut String) {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    for (n, octet) in order.iter().filter_map(|&at: &usize| octets.get(at)).enumerate() {
        if matches!(n, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{octet:02x}");
    }
}
