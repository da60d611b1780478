//! What the tests of such protocols share: hexadecimal frames in, owned messages out, and a shower of broken ones.

use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{Operation, Transport};

use crate::{Direction, Dissector, FieldValue, FieldVisitor, Message, Ports, Session};

/// A message, kept: `protocol kind`, its fields, operations and codes of anomalies.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) kind: String,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) operations: Vec<String>,
    pub(crate) anomalies: Vec<&'static str>,
}

impl Told {
    /// The value of a field; the items of a list are joined by commas.
    pub(crate) fn field(&self, key: &str) -> &str {
        self.fields.iter().find(|(found, _)| *found == key).map_or("", |(_, value)| value.as_str())
    }
}

impl FieldVisitor for Told {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        assert!(self.fields.iter().all(|(found, _)| *found != key), "{key} occurs twice");
        self.item(key, value);
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        let value = match value {
            FieldValue::Unsigned(number) => format!("{number}"),
            FieldValue::Signed(number) => format!("{number}"),
            FieldValue::Float(number) => format!("{number}"),
            FieldValue::Text(text) => String::from(text),
            FieldValue::Bytes(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        };
        match self.fields.iter_mut().find(|(found, _)| *found == key) {
            Some((_, list)) => *list = format!("{list},{value}"),
            None => self.fields.push((key, value)),
        }
    }
}

/// `verb function points = values (outcome)`
fn spell(dissector: &dyn Dissector, operation: &Operation<'_>) -> String {
    let mut text = format!("{} {}", operation.verb, operation.function);
    if let Some(unit) = operation.unit {
        text += &format!(" unit {unit}");
    }
    if let Some(points) = &operation.points {
        let mut written = String::new();
        dissector.notation().write(points, &mut written).expect("it can be written");
        assert_eq!(dissector.notation().read(&written).as_ref(), Some(points), "{written}");
        text += &format!(" {written}");
    }
    if let Some(values) = &operation.values {
        let values: Vec<String> = values.iter().map(|value| format!("{value}")).collect();
        text += &format!(" = {}", values.join(","));
    }
    text + &format!(" ({:?})", operation.outcome)
}

/// Takes one frame or datagram.
pub(crate) fn take(
    dissector: &dyn Dissector,
    session: &mut dyn Session,
    direction: Direction,
    octets: &[u8],
) -> Vec<Told> {
    let mut all = Vec::new();
    session.step(direction, octets, &mut |message: &Message<'_>| {
        let kind = format!("{} {}", message.protocol, message.kind.word());
        let anomalies = message.anomalies.iter().map(|anomaly| anomaly.code).collect();
        let mut told = Told { kind, anomalies, ..Told::default() };
        message.body.fields(&mut told);
        message.body.operations(&mut |operation| told.operations.push(spell(dissector, operation)));
        all.push(told);
    });
    all
}

/// What the only message of a fresh session's first frame is.
pub(crate) fn one(dissector: &dyn Dissector, transport: Transport, octets: &[u8]) -> Told {
    let mut told = take(dissector, &mut *dissector.session(transport), Direction::ToServer, octets);
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

/// Octets from hexadecimal digits; anything else separates.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).expect("two digits")).collect()
}

/// Every prefix of sound frames, and ten thousand frames with octets changed, are quiet: in recognition, in one session,
/// through fields, operations and notation.
pub(crate) fn nothing_breaks(dissector: &dyn Dissector, transport: Transport, sound: &[Vec<u8>]) {
    let home = (0..=u16::MAX).find(|port| dissector.well_known(*port)).unwrap_or(0);
    let ports = Ports { server: home, client: home };
    let mut session = dissector.session(transport);
    let mut quiet = |octets: &[u8], direction| {
        let _ = dissector.probe(direction, octets, ports);
        if !octets.is_empty() {
            take(dissector, &mut *session, direction, octets);
        }
    };
    for frame in sound {
        for length in 0..=frame.len() {
            quiet(&frame[..length], Direction::ToServer);
        }
    }
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("31 bits") % below.max(1)
    };
    for round in 0..10_000 {
        let mut frame = sound[round % sound.len()].clone();
        for _ in 0..=random(6) {
            let (at, octet) = (random(frame.len()), random(256));
            frame[at] = u8::try_from(octet).expect("below 256");
        }
        frame.truncate(frame.len() - random(frame.len()) * usize::from(round % 3 == 0));
        let direction = if round % 2 == 0 { Direction::ToServer } else { Direction::ToClient };
        quiet(&frame, direction);
    }
    for _ in 0..1_000 {
        let noise: Vec<u8> = (0..random(80)).map(|_| u8::try_from(random(256)).expect("below 256")).collect();
        quiet(&noise, Direction::ToServer);
    }
}
