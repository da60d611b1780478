//! Both directions of an S7 conversation, through the fields, the operations and the notation of every message.
//!
//! The input is a list of segments: one octet says direction, framing and gap, one the length. A segment goes in as it
//! is, or inside a TPKT packet with a COTP data unit, so that the fuzzer need not find the framing each time.
#![no_main]

use fieldwarden_model::{FrameRef, Operation, Transport};
use fieldwarden_protocols::{
    Direction, Dissector as _, FieldValue, FieldVisitor, Message, Ports, s7comm::S7comm, stream::StreamParser,
};
use libfuzzer_sys::fuzz_target;

/// Prints every field, as `decode` does.
struct Printer(String);

impl FieldVisitor for Printer {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.0 = format!("{key}={value:?}");
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
}

fn tell(message: &Message<'_>, _: &[FrameRef]) {
    message.body.fields(&mut Printer(String::new()));
    message.body.operations(&mut operation);
    for anomaly in message.anomalies {
        assert!(!anomaly.to_string().is_empty());
    }
}

fn operation(operation: &Operation<'_>) {
    if let Some(points) = &operation.points {
        let mut text = String::new();
        assert!(points.first <= points.last);
        assert!(S7comm.notation().write(points, &mut text).is_ok());
        assert_eq!(S7comm.notation().read(&text).as_ref(), Some(points));
    }
    if let Some(values) = &operation.values {
        assert_eq!(values.iter().count(), values.count as usize);
    }
}

/// TPKT and a COTP data unit around a segment.
fn packet(segment: &[u8], last: bool) -> Vec<u8> {
    let length = u16::try_from(segment.len() + 7).unwrap_or(u16::MAX).to_be_bytes();
    let mut octets = vec![3, 0, length[0], length[1], 2, 0xf0, if last { 0x80 } else { 0 }];
    octets.extend_from_slice(segment);
    octets
}

fuzz_target!(|input: &[u8]| {
    let mut rest = input;
    let mut parser = StreamParser::new(S7comm.session(Transport::Tcp), S7comm.max_message());
    let ports = Ports { server: 102, client: 40_000 };
    let mut number = 0;
    while let [control, length, tail @ ..] = rest {
        let direction = if control & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let (segment, after) = tail.split_at(tail.len().min(usize::from(*length)));
        if control & 0xf0 == 0xf0 {
            parser.gap(direction);
        }
        let octets = if control & 2 == 0 { packet(segment, control & 4 == 0) } else { segment.to_vec() };
        number += 1;
        let _ = S7comm.probe(direction, &octets, ports);
        parser.feed(direction, &octets, FrameRef { capture: 0, number }, &mut tell);
        assert!(parser.memory() <= 4 * S7comm.max_message());
        rest = after;
    }
});
