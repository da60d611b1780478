//! What the tests of plain protocols share: a conversation must say what is expected, however it is cut, and hostile
//! variations of it must not harm.

extern crate std;

use std::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use fieldwarden_model::{FrameRef, Transport};

use crate::{
    Direction, Dissector, FieldValue, FieldVisitor, Message, Ports, Probe, Step, stream::StreamParser,
};

/// Octets and the way they go.
pub(crate) type Turn<'a> = (Direction, &'a [u8]);

struct Printer(String);

impl FieldVisitor for Printer {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        let text = match value {
            FieldValue::Unsigned(number) => number.to_string(),
            FieldValue::Signed(number) => number.to_string(),
            FieldValue::Float(number) => number.to_string(),
            FieldValue::Text(text) => text.into(),
            FieldValue::Bytes(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        };
        self.0 += &format!(" {key}={text}");
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
}

fn print(message: &Message<'_>) -> String {
    let mut printer = Printer(format!("{} {}", message.protocol, message.kind.word()));
    message.body.fields(&mut printer);
    message.body.operations(&mut |operation| {
        printer.0 += &format!(" | {} {} {:?}", operation.verb, operation.name, operation.outcome);
    });
    for anomaly in message.anomalies {
        printer.0 += &format!(" ! {}", anomaly.code);
    }
    printer.0
}

/// What a conversation says, its turns cut into segments of at most `size` octets.
pub(crate) fn said(
    dissector: &dyn Dissector,
    transport: Transport,
    talk: &[Turn<'_>],
    size: usize,
) -> Vec<String> {
    let mut said = Vec::new();
    if transport == Transport::Tcp {
        let mut parser = StreamParser::new(dissector.session(transport), dissector.max_message());
        for (direction, octets) in talk {
            for segment in octets.chunks(size.max(1)) {
                parser.feed(*direction, segment, FrameRef::default(), &mut |message, _| {
                    said.push(print(message))
                });
            }
        }
        return said;
    }
    let mut session = dissector.session(transport);
    for (direction, octets) in talk {
        let mut rest = *octets;
        while !rest.is_empty() {
            match session.step(*direction, rest, &mut |message: &Message<'_>| said.push(print(message))) {
                Step::Consumed(count) => rest = &rest[count.max(1)..],
                _ => break,
            }
        }
    }
    said
}

/// A conversation says exactly `expected`, its first turn is recognised on the well-known port, and hostile variations
/// of it end quietly.
pub(crate) fn holds(dissector: &dyn Dissector, transport: Transport, talk: &[Turn<'_>], expected: &[&str]) {
    assert_eq!(said(dissector, transport, talk, usize::MAX), expected);
    // Below IP both ports are the kind of the frame.
    let client = |server| if transport == Transport::Link { server } else { 40_000 };
    let ports = |server| Ports { server, client: client(server) };
    if let Some((direction, octets)) = talk.first() {
        let mut own = (0..=u16::MAX).filter(|port| dissector.well_known(*port));
        let recognised = own.any(|port| dissector.probe(*direction, octets, ports(port)) >= Probe::Possible);
        assert!(recognised, "not recognised");
    }
    let ports = ports((0..=u16::MAX).find(|port| dissector.well_known(*port)).unwrap_or(1));
    if transport == Transport::Tcp {
        for size in [1, 2, 3, 5, 7, 11, 64] {
            assert_eq!(said(dissector, transport, talk, size), expected, "segments of {size}");
        }
    }
    hostile(dissector, transport, talk, ports);
}

/// Every prefix, and many damaged copies.
fn hostile(dissector: &dyn Dissector, transport: Transport, talk: &[Turn<'_>], ports: Ports) {
    for (direction, octets) in talk {
        for end in 0..octets.len() {
            let cut = &octets[..end];
            let _ = dissector.probe(*direction, cut, ports);
            let _ = said(dissector, transport, &[(*direction, cut)], usize::MAX);
        }
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).unwrap() % below.max(1)
    };
    for _ in 0..300 {
        let damaged: Vec<(Direction, Vec<u8>)> = talk
            .iter()
            .map(|(direction, octets)| {
                let mut octets = octets.to_vec();
                for _ in 0..=random(4) {
                    let at = random(octets.len());
                    let octet = [0, 0x7f, 0x80, 0xff, b'\n'].get(random(8)).copied();
                    if let Some(place) = octets.get_mut(at) {
                        *place = octet.unwrap_or(u8::try_from(random(256)).unwrap());
                    }
                }
                octets.truncate(octets.len() - random(2) * random(octets.len()));
                (*direction, octets)
            })
            .collect();
        let turns: Vec<Turn<'_>> =
            damaged.iter().map(|(direction, octets)| (*direction, octets.as_slice())).collect();
        for (direction, octets) in &turns {
            let _ = dissector.probe(*direction, octets, ports);
        }
        let _ = said(dissector, transport, &turns, random(40));
    }
}
