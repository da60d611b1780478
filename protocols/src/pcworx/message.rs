//! One message: its header, the mailbox message it may carry, and what they tell.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::{Cursor, text},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

use super::PROTOCOL;

/// Octets of the header that every message has.
pub(super) const SHORTEST: usize = 8;

/// Functions, by the second octet.
pub(super) mod function {
    /// Opens the node, and gets a session.
    pub(in super::super) const OPEN: u8 = 0x01;
    /// Closes the session.
    pub(in super::super) const CLOSE: u8 = 0x02;
    /// Puts a message into the mailbox of the controller.
    pub(in super::super) const SEND: u8 = 0x05;
    /// Asks for what the mailbox of the controller answers.
    pub(in super::super) const RECEIVE: u8 = 0x06;

    /// The name of a function that is known.
    pub(in super::super) const fn name(code: u8) -> Option<&'static str> {
        Some(match code {
            OPEN => "open node",
            CLOSE => "close node",
            SEND => "send message",
            RECEIVE => "receive message",
            _ => return None,
        })
    }
}

/// The mailbox service that tells type, firmware and build of the controller.
const IDENTIFY: u16 = 0x0295;
/// Set in the service of an answer.
const ANSWERS: u16 = 0x8000;

/// The header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// What is asked.
    pub(super) function: u8,
    /// Octets of the whole message.
    pub(super) length: u16,
    /// Chosen by the client, repeated by the controller.
    pub(super) invocation: u16,
    /// 0 in a question, 1 in an answer.
    pub(super) marker: u16,
}

impl Header {
    /// Reads it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip(1)?;
        let function = cursor.u8()?;
        Some(Self { function, length: cursor.u16()?, invocation: cursor.u16()?, marker: cursor.u16()? })
    }
}

/// A message in the mailbox: an INTERBUS service, the words that follow, and those.
#[derive(Clone, Copy, Debug)]
struct Mail<'a> {
    service: u16,
    words: u16,
    data: &'a [u8],
    /// Octets that the envelope announces.
    announced: u16,
}

struct Unit<'a> {
    direction: Direction,
    header: Header,
    status: Option<u16>,
    session: Option<u16>,
    node: Option<&'a str>,
    mail: Option<Mail<'a>>,
    octets: &'a [u8],
}

impl<'a> Unit<'a> {
    fn read(direction: Direction, octets: &'a [u8]) -> Option<Self> {
        let header = Header::read(octets)?;
        let mut cursor = Cursor::new(octets);
        cursor.skip(SHORTEST)?;
        let mut unit =
            Self { direction, header, status: None, session: None, node: None, mail: None, octets };
        unit.body(&mut cursor);
        Some(unit)
    }

    /// What of the body there is; an open has no session yet, a close ends behind it.
    fn body(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        if self.direction == Direction::ToClient {
            cursor.skip(4)?;
            let _kind = cursor.u16()?;
            self.status = cursor.u16();
            self.session = cursor.u16();
            cursor.skip(2)?;
        } else if self.header.function == function::OPEN {
            cursor.skip(4)?;
            let length = cursor.u16()?;
            self.node = Some(text(cursor.take_up_to(usize::from(length))));
            return None;
        } else {
            cursor.skip(2)?;
            self.session = cursor.u16();
            if self.header.function != function::SEND {
                return None;
            }
            cursor.skip(2)?;
        }
        cursor.skip(2)?;
        let announced = cursor.u16()?;
        let (service, words) = (cursor.u16()?, cursor.u16()?);
        self.mail = Some(Mail { service, words, data: cursor.rest(), announced });
        Some(())
    }

    /// The service, without the bit of an answer.
    fn service(&self) -> Option<u16> {
        self.mail.map(|mail| mail.service & !ANSWERS)
    }

    /// What the identification tells, by the offsets that Redpoint's `pcworx-info` reads.
    fn identity(&self, visitor: &mut dyn FieldVisitor) {
        let places =
            [("plc_type", 30), ("firmware", 66), ("build_date", 79), ("build_time", 91), ("model", 152)];
        for (key, at) in places {
            let value = self.octets.get(at..).map_or("", text);
            if !value.is_empty() {
                visitor.field(key, FieldValue::Text(value));
            }
        }
    }
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("function_code", FieldValue::Unsigned(self.header.function.into()));
        visitor.field("invocation", FieldValue::Unsigned(self.header.invocation.into()));
        if let Some(status) = self.status {
            visitor.field("status", FieldValue::Unsigned(status.into()));
        }
        if let Some(session) = self.session {
            visitor.field("session", FieldValue::Unsigned(session.into()));
        }
        if let Some(node) = self.node {
            visitor.field("node", FieldValue::Text(node));
        }
        let Some(mail) = self.mail else { return };
        visitor.field("service", FieldValue::Unsigned(mail.service.into()));
        visitor.field("words", FieldValue::Unsigned(mail.words.into()));
        if mail.service == IDENTIFY | ANSWERS {
            self.identity(visitor);
        } else if !mail.data.is_empty() {
            visitor.field("data", FieldValue::Bytes(mail.data));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let code = self.header.function;
        let (verb, name) = match (code, self.service()) {
            (function::OPEN | function::CLOSE, _) => {
                (Verb::Associate, function::name(code).unwrap_or_default())
            }
            (_, Some(IDENTIFY)) => (Verb::Discover, "identify controller"),
            (function::SEND, _) => (Verb::Unknown, "send message"),
            (function::RECEIVE, _) => (Verb::Read, "receive message"),
            _ => (Verb::Unknown, "unknown function"),
        };
        let outcome = match (self.direction, self.status.unwrap_or_default()) {
            (Direction::ToServer, _) => Outcome::Asked,
            (Direction::ToClient, 0) => Outcome::Done,
            (Direction::ToClient, status) => Outcome::Refused(status.into()),
        };
        let function = u32::from(self.service().unwrap_or_default()) << 16 | u32::from(code);
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}

/// Tells one message.
pub(super) fn tell(direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
    let Some(unit) = Unit::read(direction, octets) else { return };
    let mut anomalies = heapless::Vec::<Anomaly, 2>::new();
    if function::name(unit.header.function).is_none() {
        let _ = anomalies.push(Anomaly::unsupported("unknown-function", 1, unit.header.function.into()));
    }
    let mut broken = false;
    if let Some(mail) = unit.mail {
        let at = octets.len() - mail.data.len();
        let present = u64::try_from(mail.data.len() + 4).unwrap_or(u64::MAX);
        if u64::from(mail.announced) != present {
            broken = true;
            let at = u32::try_from(at.saturating_sub(6)).unwrap_or_default();
            let _ = anomalies.push(Anomaly::malformed("mail-length", at, mail.announced.into(), present));
        }
    }
    let kind = match direction {
        _ if broken => Kind::Anomaly,
        Direction::ToServer => Kind::Request,
        Direction::ToClient => Kind::Response,
    };
    sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &unit });
}
