//! Both directions of a Modbus conversation, through the fields, the operations and the notation of every message.
//!
//! The input is a list of segments: one octet says direction, transport change and gap, one the length.
#![no_main]

use fieldwarden_model::{FrameRef, Operation, Transport};
use fieldwarden_protocols::{
    Direction, Dissector as _, FieldValue, FieldVisitor, Message, Ports, modbus::Modbus, stream::StreamParser,
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
        assert!(Modbus.notation().write(points, &mut text).is_ok());
        assert_eq!(Modbus.notation().read(&text).as_ref(), Some(points));
    }
    if let Some(values) = &operation.values {
        assert!(values.iter().count() <= values.count as usize);
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&first, mut rest)) = input.split_first() else { return };
    let transport = if first & 1 == 0 { Transport::Tcp } else { Transport::Udp };
    let mut parser = StreamParser::new(Modbus.session(transport), Modbus.max_message());
    let ports = Ports { server: 502, client: 40_000 };
    let mut number = 0;
    while let [control, length, tail @ ..] = rest {
        let direction = if control & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let (segment, after) = tail.split_at(tail.len().min(usize::from(*length)));
        if control & 0xf0 == 0xf0 {
            parser.gap(direction);
        }
        number += 1;
        let _ = Modbus.probe(direction, segment, ports);
        parser.feed(direction, segment, FrameRef { capture: 0, number }, &mut tell);
        assert!(parser.memory() <= 4 * Modbus.max_message());
        rest = after;
    }
});
