//! What the tests of protocol folders share: a conversation told as lines, and the trials that every dissector stands.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt::Write as _;

use fieldwarden_model::{FrameRef, Transport};

use crate::{
    Direction, Dissector, FieldValue, FieldVisitor, Message, Ports, Probe, Session, Step,
    stream::StreamParser,
};

/// From the client.
pub(crate) const ASK: Direction = Direction::ToServer;
/// From the server.
pub(crate) const ANSWER: Direction = Direction::ToClient;

/// Octets out of hexadecimal; blanks part them for the eye.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// One message as a line: `request function=5 | mode 5 stop (Asked) | some-anomaly`.
pub(crate) fn line(dissector: &dyn Dissector, message: &Message<'_>) -> String {
    // What another dissector reads inside of this one is written as that one writes it.
    let dissector = crate::dissector(message.protocol.name()).unwrap_or(dissector);
    let mut line = Line(message.kind.word().to_string());
    message.body.fields(&mut line);
    let mut line = line.0;
    message.body.operations(&mut |operation| {
        let _ = write!(line, " | {} {} {}", operation.verb, operation.function, operation.name);
        if let Some(unit) = operation.unit {
            let _ = write!(line, " unit {unit}");
        }
        if let Some(points) = operation.points {
            let mut text = String::new();
            dissector.notation().write(&points, &mut text).unwrap();
            assert_eq!(dissector.notation().read(&text), Some(points), "{text} does not read back");
            let _ = write!(line, " {text}");
        }
        if let Some(values) = operation.values {
            let values: Vec<String> = values.iter().map(|value| value.to_string()).collect();
            let _ = write!(line, " = {}", values.join(","));
        }
        let _ = write!(line, " ({:?})", operation.outcome);
    });
    for anomaly in message.anomalies {
        assert!(!anomaly.to_string().is_empty());
        let _ = write!(line, " | {}", anomaly.code);
    }
    line
}

struct Line(String);

impl FieldVisitor for Line {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        let _ = match value {
            FieldValue::Unsigned(value) => write!(self.0, " {key}={value}"),
            FieldValue::Signed(value) => write!(self.0, " {key}={value}"),
            FieldValue::Float(value) => write!(self.0, " {key}={value}"),
            FieldValue::Text(value) => write!(self.0, " {key}={value}"),
            FieldValue::Bytes(octets) => {
                self.0.push_str(&format!(" {key}="));
                octets.iter().try_for_each(|octet| write!(self.0, "{octet:02x}"))
            }
        };
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
}

/// A conversation: who sends, and what.
pub(crate) type Talk = Vec<(Direction, Vec<u8>)>;

/// A conversation out of hexadecimal.
pub(crate) fn talk(parts: &[(Direction, &str)]) -> Talk {
    parts.iter().map(|(direction, text)| (*direction, hex(text))).collect()
}

/// The messages of a conversation, whose parts are segments of a stream, or datagrams.
pub(crate) fn told(dissector: &dyn Dissector, transport: Transport, talk: &Talk) -> Vec<String> {
    if transport != Transport::Tcp {
        return datagrams(dissector, &mut dissector.session(transport), talk);
    }
    let mut parser = StreamParser::new(dissector.session(transport), dissector.max_message());
    let mut lines = Vec::new();
    for ((direction, octets), number) in talk.iter().zip(1..) {
        let frame = FrameRef { capture: 0, number };
        parser.feed(*direction, octets, frame, &mut |message, _| lines.push(line(dissector, message)));
        assert!(parser.memory() <= 4 * dissector.max_message() + 1_024, "{} octets kept", parser.memory());
    }
    lines
}

fn datagrams(dissector: &dyn Dissector, session: &mut Box<dyn Session>, talk: &Talk) -> Vec<String> {
    let mut lines = Vec::new();
    for (direction, octets) in talk {
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            match session
                .step(*direction, rest, &mut |message: &Message<'_>| lines.push(line(dissector, message)))
            {
                Step::Consumed(count) => rest = rest.get(count.max(1)..).unwrap_or_default(),
                Step::Need(_) | Step::Lost | Step::GiveUp => break,
            }
        }
    }
    lines
}

/// What a dissector says to the first octets of a conversation on a port.
pub(crate) fn probed(dissector: &dyn Dissector, direction: Direction, octets: &[u8], port: u16) -> Probe {
    dissector.probe(direction, octets, Ports { server: port, client: 40_000 })
}

/// The trials: however a stream is cut the same is told; whatever is missing or changed, nobody panics.
pub(crate) fn stands(dissector: &dyn Dissector, transport: Transport, talk: &Talk) {
    let whole = told(dissector, transport, talk);
    if transport == Transport::Tcp {
        let longest = talk.iter().map(|(_, octets)| octets.len()).max().unwrap_or(0);
        for size in (1..longest).filter(|size| *size < 24 || size.is_multiple_of(37)) {
            let cut = talk.iter().flat_map(|(direction, octets)| {
                octets.chunks(size).map(|piece| (*direction, piece.to_vec())).collect::<Talk>()
            });
            assert_eq!(told(dissector, transport, &cut.collect()), whole, "in segments of {size}");
        }
    }
    let ports = Ports { server: 1, client: 40_000 };
    for at in 0..talk.len() {
        let (direction, octets) = &talk[at];
        for end in (0..octets.len()).filter(|end| *end < 128 || end.is_multiple_of(29)) {
            let mut less = talk[..at].to_vec();
            less.push((*direction, octets[..end].to_vec()));
            told(dissector, transport, &less);
            let _ = dissector.probe(*direction, &octets[..end], ports);
        }
    }
    let mut random = 0x5eed_u64;
    for _ in 0..MUTATIONS {
        let mut changed = talk.clone();
        for _ in 0..=below(&mut random, 4) {
            let at = below(&mut random, changed.len());
            let octets = &mut changed[at].1;
            if !octets.is_empty() {
                let place = below(&mut random, octets.len());
                octets[place] = u8::try_from(below(&mut random, 256)).unwrap();
            }
        }
        for (direction, octets) in &changed {
            let _ = dissector.probe(*direction, octets, ports);
        }
        told(dissector, transport, &changed);
    }
}

const MUTATIONS: usize = 1_000;

fn below(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap() % bound
}
