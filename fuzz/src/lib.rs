//! What the targets of dissectors share: both directions of a conversation, through the fields, the operations and the
//! notation of every message.

use fieldwarden_model::{FrameRef, Operation, Transport};
use fieldwarden_protocols::{
    Direction, Dissector, FieldValue, FieldVisitor, Message, Ports, Session, Step, stream::StreamParser,
};

/// What a parser takes beside the octets that wait: its notes, and in each direction room for the segment that came last.
const PARSER: usize = 4_096;

/// Feeds a conversation. The input is a list of segments: one octet of control (lowest bit: direction; upper half all
/// set: a gap before it), one of length, then the segment. `wrap` may put framing around a segment, as its control
/// octet says, so that the fuzzer need not find the framing each time. A stream goes through the parser of streams, a
/// datagram to the session, as the tracker does it.
pub fn converse(
    dissector: &dyn Dissector,
    transport: Transport,
    input: &[u8],
    wrap: fn(control: u8, segment: &[u8]) -> Vec<u8>,
) {
    let mut stream = StreamParser::new(dissector.session(transport), dissector.max_message());
    let mut datagrams = dissector.session(transport);
    let well_known = (0..=u16::MAX).find(|port| dissector.well_known(*port)).unwrap_or(1);
    let ports = Ports { server: well_known, client: 40_000 };
    let (mut rest, mut number) = (input, 0);
    while let [control, length, tail @ ..] = rest {
        let direction = if control & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let (segment, after) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = after;
        let octets = wrap(*control, segment);
        number += 1;
        let _ = dissector.probe(direction, &octets, ports);
        if transport != Transport::Tcp {
            datagram(dissector, &mut *datagrams, direction, &octets);
            continue;
        }
        if control & 0xf0 == 0xf0 {
            stream.gap(direction);
        }
        let frame = FrameRef { capture: 0, number };
        stream.feed(direction, &octets, frame, &mut |message, _| tell(dissector, message));
        assert!(stream.memory() <= 4 * dissector.max_message() + PARSER);
    }
}

fn datagram(dissector: &dyn Dissector, session: &mut dyn Session, direction: Direction, octets: &[u8]) {
    let mut rest = octets;
    while !rest.is_empty() {
        match session.step(direction, rest, &mut |message: &Message<'_>| tell(dissector, message)) {
            Step::Consumed(count) => rest = rest.get(count.max(1)..).unwrap_or_default(),
            Step::Need(_) | Step::Lost => return session.gap(direction),
            Step::GiveUp => return,
        }
    }
}

fn tell(dissector: &dyn Dissector, message: &Message<'_>) {
    // What another dissector reads inside of this one is written as that one writes it.
    let dissector = fieldwarden_protocols::dissector(message.protocol.name()).unwrap_or(dissector);
    message.body.fields(&mut Printer(String::new()));
    message.body.operations(&mut |operation| check(dissector, operation));
    for anomaly in message.anomalies {
        assert!(!anomaly.to_string().is_empty());
    }
}

fn check(dissector: &dyn Dissector, operation: &Operation<'_>) {
    if let Some(points) = &operation.points {
        let mut text = String::new();
        assert!(points.first <= points.last);
        assert!(dissector.notation().write(points, &mut text).is_ok());
        assert_eq!(dissector.notation().read(&text).as_ref(), Some(points));
    }
    if let Some(values) = &operation.values {
        assert!(values.iter().count() <= values.count as usize);
    }
}

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
