//! One conversation: messages told.

use fieldwarden_model::{Operation, Outcome, Values, Verb, operation::Encoding};

use crate::{
    Cursor,
    anomaly::Anomaly,
    framed::{Extent, Framed},
    message::{Body, Direction, FieldVisitor, Kind, Sink},
    telling::{Out, Remarks, number, remark, tell},
};

use super::{
    PROTOCOL,
    frame::{self, HEADER, Message},
    notation,
    service::{CONFIRMED, describe},
};

/// The protocol of field messages.
const FMS: u8 = 3;

/// The state of a conversation: none but how messages come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hse {
    pub(super) datagrams: bool,
}

impl Framed for Hse {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Message::read(bytes) {
            _ if self.datagrams => Extent::Whole(bytes.len()),
            Some(message) => Extent::Whole(usize::try_from(message.length).unwrap_or(usize::MAX)),
            None if frame::may_begin(bytes) => Extent::Need(HEADER),
            None => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        let mut remarks = Remarks::new();
        let Some(message) = Message::read(octets) else {
            let got = number(octets.len());
            remark(&mut remarks, Anomaly::malformed("header", 0, got, number(HEADER)));
            return tell(PROTOCOL, Kind::Anomaly, direction, &remarks, &Told(Message::default()), sink);
        };
        if usize::try_from(message.length) != Ok(octets.len()) {
            let present = number(octets.len());
            remark(&mut remarks, Anomaly::malformed("message-length", 8, u64::from(message.length), present));
        }
        if message.kind > 2 {
            remark(&mut remarks, Anomaly::malformed("message-type", 2, u64::from(message.kind), 2));
        }
        if describe(message.protocol, message.service).is_none() {
            remark(&mut remarks, Anomaly::unsupported("unknown-service", 3, u64::from(message.service)));
        }
        let kind = match (message.kind, message.service & CONFIRMED) {
            (0, 0) => Kind::Report,
            (0, _) => Kind::Request,
            _ => Kind::Response,
        };
        tell(PROTOCOL, kind, direction, &remarks, &Told(message), sink);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        match Message::read(bytes) {
            Some(message) => {
                message.version <= 2
                    && message.kind <= 2
                    && describe(message.protocol, message.service).is_some()
            }
            None => bytes.len() > 3 && frame::may_begin(bytes),
        }
    }
}

/// What is told.
struct Told<'a>(Message<'a>);

impl<'a> Told<'a> {
    /// The index that a read or write begins with, its subindex where it has one, and what is written.
    fn object(&self) -> Option<(u32, Option<u32>, &'a [u8])> {
        let mut cursor = Cursor::new(self.0.body);
        match (self.0.protocol, self.0.kind, self.0.service) {
            (FMS, 0, 0x82 | 0x83) => Some((cursor.u32()?, None, cursor.rest())),
            (FMS, 0, 0xd2 | 0xd3) => Some((cursor.u32()?, Some(cursor.u32()?), cursor.rest())),
            _ => None,
        }
    }
}

impl Body for Told<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let message = &self.0;
        let mut out = Out(visitor);
        out.number("version", message.version);
        out.number("hse_protocol", message.protocol);
        out.number("message_type", message.kind);
        out.number("service", message.service);
        out.number("fda_address", message.address);
        out.maybe("invoke_id", message.invoke_id);
        let Some((index, subindex, rest)) = self.object() else {
            return out.octets("data", message.body);
        };
        out.number("index", index);
        out.maybe("subindex", subindex);
        out.octets("data", rest);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let message = &self.0;
        let (verb, name) =
            describe(message.protocol, message.service).unwrap_or((Verb::Unknown, "Unknown service"));
        let outcome = match (message.kind, message.service & CONFIRMED) {
            (0, 0) => Outcome::Reported,
            (0, _) => Outcome::Asked,
            (1, _) => Outcome::Done,
            _ => Outcome::Refused(Cursor::new(message.body).u32().unwrap_or(0)),
        };
        let object = self.object();
        let points = object.map(|(index, subindex, _)| notation::point(message.address, index, subindex));
        let written = object.map(|(_, _, rest)| rest).filter(|rest| verb == Verb::Write && !rest.is_empty());
        let values = written.map(|bytes| Values {
            bytes,
            encoding: Encoding::Unsigned8,
            count: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            stride: 1,
        });
        let function = u32::from(message.protocol) << 16 | u32::from(message.service);
        each(&Operation { verb, function, name, unit: None, points, values, outcome });
    }
}
