//! The fields of a message, under the keys of `docs/protocols/bacnet.md`.

use crate::{
    message::{FieldValue, FieldVisitor},
    telling::{Out, spelled},
};

use super::{
    apdu::{Apdu, kind},
    schema::{self, Is},
    session::Message,
    tag,
    walk::{Found, walk},
};

/// Walks them in the order of the wire.
pub(super) fn visit(message: &Message<'_>, visitor: &mut dyn FieldVisitor) {
    let mut out = Out(visitor);
    if let Some(bvll) = message.header.bvll {
        bvll.fields(&mut out);
    }
    message.header.npdu.fields(&mut out);
    header(&message.apdu, &mut out);
    if let Some(parameters) = message.parameters {
        match message.apdu.kind {
            kind::ERROR => {
                if let Some((class, code)) = message.apdu.error() {
                    out.number("error_class", class);
                    out.number("error_code", code);
                }
                walk(parameters, schema::failed(message.apdu.service), &mut |found| {
                    if matches!(found.is, Is::Object | Is::Property | Is::Index) {
                        element(&found, &mut out);
                    }
                });
            }
            _ => {
                walk(parameters, message.apdu.schema(), &mut |found| element(&found, &mut out));
            }
        }
    }
}

fn header(apdu: &Apdu<'_>, out: &mut Out<'_>) {
    out.number("pdu_type", apdu.kind);
    out.maybe("invoke_id", apdu.invoke_id);
    if let Some(segment) = apdu.segment {
        out.number("sequence_number", segment.sequence);
        out.number("window_size", segment.window);
        if apdu.is_piece() {
            out.number("more_segments", u8::from(segment.more));
        } else {
            out.number("negative", apdu.flags >> 1 & 1);
        }
    }
    let key = if apdu.kind == kind::UNCONFIRMED { "unconfirmed_service" } else { "confirmed_service" };
    out.maybe(key, apdu.service);
    let reason = if apdu.kind == kind::REJECT { "reject_reason" } else { "abort_reason" };
    out.maybe(reason, apdu.reason);
}

fn element(found: &Found<'_>, out: &mut Out<'_>) {
    let octets = found.octets;
    match found.is {
        Is::Object | Is::Party => {
            if let Some((kind, instance)) = tag::object_id(octets) {
                out.item("object_type", kind);
                out.item("object_instance", instance);
            }
        }
        Is::Property => unsigned("property", octets, out),
        Is::Index => unsigned("array_index", octets, out),
        Is::Priority => unsigned("priority", octets, out),
        Is::Number(key) if found.number == tag::BOOLEAN && !found.context => {
            out.item(key, octets.first().map_or(0, |octet| octet & 1));
        }
        Is::Number(key) => unsigned(key, octets, out),
        Is::Signed(key) => {
            if let Some(number) = tag::signed(octets) {
                out.0.item(key, FieldValue::Signed(number));
            }
        }
        Is::Real(key) => {
            if let Some(number) = tag::real(octets) {
                out.0.item(key, FieldValue::Float(number));
            }
        }
        Is::Text(key) => out.0.item(key, text(octets)),
        Is::Octets(key) => out.0.item(key, FieldValue::Bytes(octets)),
        Is::Value => out.0.item("values", value(found)),
        Is::Of(_) => {}
    }
}

fn unsigned(key: &'static str, octets: &[u8], out: &mut Out<'_>) {
    if let Some(number) = tag::unsigned(octets) {
        out.item(key, number);
    }
}

/// A character string (20.2.9): told as text where its character set is UTF-8.
fn text(octets: &[u8]) -> FieldValue<'_> {
    match octets.split_first() {
        Some((0, text)) => spelled(text),
        _ => FieldValue::Bytes(octets),
    }
}

/// A value by its application tag (20.2.1.4); one with a context tag by its octets.
fn value<'a>(found: &Found<'a>) -> FieldValue<'a> {
    let octets = found.octets;
    let told = match (found.context, found.number) {
        (false, 0) => Some(FieldValue::Text("null")),
        (false, tag::BOOLEAN) => octets.first().map(|octet| FieldValue::Unsigned(u64::from(octet & 1))),
        (false, 2 | 9) => tag::unsigned(octets).map(FieldValue::Unsigned),
        (false, 3) => tag::signed(octets).map(FieldValue::Signed),
        (false, 4 | 5) => tag::real(octets).map(FieldValue::Float),
        (false, 7) => Some(text(octets)),
        _ => None,
    };
    told.unwrap_or(FieldValue::Bytes(octets))
}
