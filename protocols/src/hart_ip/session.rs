//! One conversation: messages, and the HART frames within.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Values, Verb, operation::Encoding};

use crate::{
    anomaly::Anomaly,
    framed::{Extent, Framed},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Sink},
    telling::{Out, Remarks, number, remark, tell},
};

use super::{
    PROTOCOL,
    command::{area, carried, describe},
    frame::{self, Frame, HEADER, Message, id},
};

/// The state of a conversation: none but how messages come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hart {
    pub(super) datagrams: bool,
}

impl Framed for Hart {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Message::read(bytes) {
            _ if self.datagrams => Extent::Whole(bytes.len()),
            Some(message) => Extent::Whole(usize::from(message.length)),
            None if frame::may_begin(bytes) => Extent::Need(HEADER),
            None => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        let mut remarks = Remarks::new();
        let Some(message) = Message::read(octets) else {
            let got = octets.first().map_or(0, |octet| u64::from(*octet));
            remark(&mut remarks, Anomaly::malformed("header", 0, got, 1));
            let told = Told { message: Message::default(), frame: None };
            return tell(PROTOCOL, Kind::Anomaly, direction, &remarks, &told, sink);
        };
        if usize::from(message.length) != octets.len() {
            let present = number(octets.len());
            remark(&mut remarks, Anomaly::malformed("byte-count", 6, u64::from(message.length), present));
        }
        let frame = (message.id == id::PASS_THROUGH && !message.body.is_empty()).then(|| {
            Frame::read(message.body).unwrap_or_else(|(frame, fault)| {
                remark(&mut remarks, fault);
                frame
            })
        });
        let initiates = message.id == id::SESSION_INITIATE && message.kind <= 1;
        if initiates && message.body.len() != 5 {
            let got = number(message.body.len());
            remark(&mut remarks, Anomaly::malformed("session-length", 8, got, 5));
        }
        if message.id > id::AUDIT_LOG {
            remark(&mut remarks, Anomaly::unsupported("unknown-message", 2, u64::from(message.id)));
        }
        let kind = match message.kind {
            0 => Kind::Request,
            2 => Kind::Report,
            _ => Kind::Response,
        };
        tell(PROTOCOL, kind, direction, &remarks, &Told { message, frame }, sink);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        match Message::read(bytes) {
            Some(message) => message.id <= id::AUDIT_LOG && message.status <= 15,
            None => bytes.len() > 3 && frame::may_begin(bytes),
        }
    }
}

/// What is told.
struct Told<'a> {
    message: Message<'a>,
    frame: Option<Frame<'a>>,
}

impl Body for Told<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let message = &self.message;
        let mut out = Out(visitor);
        out.number("version", message.version);
        out.number("message_type", message.kind);
        out.number("message_id", message.id);
        out.number("status", message.status);
        out.number("transaction_id", message.sequence);
        let Some(frame) = &self.frame else {
            match (message.id, message.body) {
                (id::SESSION_INITIATE, &[master, a, b, c, d]) => {
                    out.number("master_type", master);
                    out.number("inactivity_timer_ms", u32::from_be_bytes([a, b, c, d]));
                }
                (_, body) => out.octets("data", body),
            }
            return;
        };
        out.number("delimiter", frame.delimiter);
        out.octets("address", frame.address);
        out.number("command", frame.command);
        if let Some((code, status)) = frame.status {
            out.number("response_code", code);
            out.number("device_status", status);
        }
        out.octets("data", frame.data);
        carried(frame.command, frame.is_device(), frame.data, &mut |found| {
            if let Ok(octets) = found.value.try_into() {
                out.0.item("values", FieldValue::Float(f64::from(f32::from_be_bytes(octets))));
            }
        });
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        match &self.frame {
            Some(frame) => commanded(frame, each),
            None => {
                let (verb, name) = match self.message.id {
                    id::SESSION_INITIATE => (Verb::Associate, "Session initiate"),
                    id::SESSION_CLOSE => (Verb::Associate, "Session close"),
                    id::KEEP_ALIVE => (Verb::Associate, "Keep alive"),
                    id::PASS_THROUGH => (Verb::Unknown, "Pass-through"),
                    id::DIRECT => (Verb::Unknown, "Direct commands"),
                    id::AUDIT_LOG => (Verb::Diagnose, "Read audit log"),
                    _ => (Verb::Unknown, "Unknown message"),
                };
                let outcome = match (self.message.kind, self.message.status) {
                    (0, _) => Outcome::Asked,
                    (2, _) => Outcome::Reported,
                    (1, 0) => Outcome::Done,
                    (_, status) => Outcome::Refused(status.into()),
                };
                let function = 256 + u32::from(self.message.id);
                each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
            }
        }
    }
}

fn commanded(frame: &Frame<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let (verb, name) = describe(frame.command);
    let outcome = match frame.status {
        None => Outcome::Asked,
        Some((code, _)) if refuses(code) => Outcome::Refused(code.into()),
        Some(_) if frame.is_burst() => Outcome::Reported,
        Some(_) => Outcome::Done,
    };
    let unit = match frame.address {
        &[polling] => Some(u16::from(polling & 0x3f)),
        _ => None,
    };
    let function = u32::from(frame.command);
    let of = |points, values| Operation { verb, function, name, unit, points, values, outcome };
    let point = |area, index| PointRange { space: Space { area, block: 0 }, first: index, last: index };
    let mut told = false;
    carried(frame.command, frame.is_device(), frame.data, &mut |found| {
        let values = Values { bytes: found.value, encoding: Encoding::Float32, count: 1, stride: 1 };
        each(&of(Some(point(found.area, found.index)), Some(values)));
        told = true;
    });
    if !told {
        let configures = verb == Verb::Configure;
        each(&of(configures.then(|| point(area::PARAMETER, frame.command.into())), None));
    }
}

/// Whether a response code says that the command was not done: communication errors have the highest bit, the warnings of
/// HCF_SPEC-307 are 8, 14, 24 to 31 and 96 to 111.
const fn refuses(code: u8) -> bool {
    !matches!(code, 0 | 8 | 14 | 24..=31 | 96..=111)
}
