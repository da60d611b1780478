//! The remoting dialect: services bound by name, called by handle.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::{Cursor, text},
    framed::Extent,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

use super::{
    MAX_BINDS, MAX_SERVICES, PROTOCOL,
    service::{PREFIX, Service},
};

/// The first octet.
pub(super) const VERSION: u8 = 1;
/// Octets before the data.
const HEADER: usize = 16;

/// Binds a service.
const BIND: u16 = 0;
/// Tells the handle of a bound service, 0 where there is none.
const BOUND: u16 = 1;
/// Calls a method.
const CALL: u16 = 2;
/// What the method gave.
const RESULT: u16 = 3;
/// The highest type that is taken for one.
const LAST_TYPE: u8 = 7;

/// How long the message is.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    match *bytes {
        [_, zero, ..] if zero != 0 => Extent::No,
        [_, _, kind, ..] if kind > LAST_TYPE => Extent::No,
        [_, _, _, zero, ..] if zero != 0 => Extent::No,
        [_, _, _, _, zero, ..] if zero != 0 => Extent::No,
        [_, _, _, _, _, zero, ..] if zero != 0 => Extent::No,
        [_, _, _, _, _, _, low, high, ..] => {
            Extent::Whole(HEADER + usize::from(u16::from_le_bytes([low, high])))
        }
        _ => Extent::Need(8),
    }
}

/// Whether a message binds a service by its name.
pub(super) fn names_a_service(message: &[u8]) -> bool {
    message.get(2) == Some(&0) && message.get(HEADER..).is_some_and(|name| name.starts_with(PREFIX))
}

/// Whether a message seems to begin here: of the right side, and with a check that is right or left out.
pub(super) fn begins(direction: Direction, bytes: &[u8]) -> bool {
    let Some(header) = Header::read(bytes) else { return false };
    let asks = matches!(header.kind, BIND | CALL);
    let answers = matches!(header.kind, BOUND | RESULT);
    let side = if direction == Direction::ToServer { asks } else { answers };
    side && header.reserved == 0 && (header.check == 0 || header.check == header.right_check())
}

#[derive(Clone, Copy, Debug)]
struct Header {
    kind: u16,
    length: u16,
    handle: u16,
    method: u16,
    reserved: u16,
    check: u16,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip(2)?;
        let kind = cursor.u16_le()?;
        cursor.skip(2)?;
        Some(Self {
            kind,
            length: cursor.u16_le()?,
            handle: cursor.u16_le()?,
            method: cursor.u16_le()?,
            reserved: cursor.u16_le()?,
            check: cursor.u16_le()?,
        })
    }

    /// The complement of the sum of the words before it.
    fn right_check(&self) -> u16 {
        let words = [self.kind, self.length, self.handle, self.method, self.reserved];
        !words.iter().fold(u16::from(VERSION), |sum, word| sum.wrapping_add(*word))
    }
}

/// The services of one flow.
#[derive(Debug, Default)]
pub(super) struct Services {
    bound: heapless::Vec<(u16, Service), MAX_SERVICES>,
    /// Binds without answer yet, in the order of asking.
    asked: heapless::Deque<Service, MAX_BINDS>,
}

struct Unit<'a> {
    direction: Direction,
    header: Header,
    service: Service,
    data: &'a [u8],
}

impl Services {
    /// Answers can no longer be told apart.
    pub(super) fn forget_binds(&mut self) {
        self.asked.clear();
    }

    /// Tells one message.
    pub(super) fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(header) = Header::read(message) else { return };
        let data = message.get(HEADER..).unwrap_or_default();
        let mut anomalies = heapless::Vec::<Anomaly, 4>::new();
        let service = match header.kind {
            BIND => {
                let service = Service::of_version(text(data));
                if self.asked.push_back(service).is_err() {
                    let cap = u64::try_from(MAX_BINDS).unwrap_or(u64::MAX);
                    let _ = anomalies.push(Anomaly::limit("pending-binds", 0, cap + 1, cap));
                }
                service
            }
            BOUND => self.bound(&header, &mut anomalies),
            _ => self.by_handle(&header, data),
        };
        let mut kind = match header.kind {
            BIND | CALL => Kind::Request,
            BOUND | RESULT => Kind::Response,
            _ => Kind::Anomaly,
        };
        if kind == Kind::Anomaly {
            let _ = anomalies.push(Anomaly::unsupported("unknown-type", 2, header.kind.into()));
        }
        if header.check != 0 && header.check != header.right_check() {
            let _ = anomalies.push(Anomaly::malformed(
                "checksum",
                14,
                header.check.into(),
                header.right_check().into(),
            ));
            kind = Kind::Anomaly;
        }
        let unit = Unit { direction, header, service, data };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &unit });
    }

    fn bound(&mut self, header: &Header, anomalies: &mut heapless::Vec<Anomaly, 4>) -> Service {
        let Some(service) = self.asked.pop_front() else { return Service::Other };
        if header.handle != 0 {
            self.bound.retain(|(handle, _)| *handle != header.handle);
            if self.bound.push((header.handle, service)).is_err() {
                let cap = u64::try_from(MAX_SERVICES).unwrap_or(u64::MAX);
                let _ = anomalies.push(Anomaly::limit("services", 8, cap + 1, cap));
            }
        }
        service
    }

    /// The service behind a handle. Where the bind was not seen: method 7 without argument, or method 6 with a start mode,
    /// exist in the control service alone.
    fn by_handle(&self, header: &Header, data: &[u8]) -> Service {
        let known = self.bound.iter().find(|(handle, _)| *handle == header.handle);
        match (known, header.kind, header.method, data) {
            (Some((_, service)), ..) => *service,
            (None, CALL, 7, []) | (None, CALL, 6, [1..=3, 0]) => Service::Control,
            _ => Service::Other,
        }
    }
}

impl Unit<'_> {
    fn name(&self) -> (Verb, &'static str) {
        match self.header.kind {
            BIND | BOUND => (Verb::Associate, "bind service"),
            CALL | RESULT => self.service.method(self.header.method),
            _ => (Verb::Unknown, "unknown type"),
        }
    }
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("type", FieldValue::Unsigned(self.header.kind.into()));
        match self.header.kind {
            BIND => visitor.field("service_name", FieldValue::Text(text(self.data))),
            BOUND => visitor.field("handle", FieldValue::Unsigned(self.header.handle.into())),
            _ => {
                visitor.field("handle", FieldValue::Unsigned(self.header.handle.into()));
                visitor.field("method", FieldValue::Unsigned(self.header.method.into()));
                visitor.field("method_name", FieldValue::Text(self.name().1));
                if !self.data.is_empty() {
                    visitor.field("data", FieldValue::Bytes(self.data));
                }
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = self.name();
        let outcome = match (self.direction, self.header.kind, self.header.handle) {
            (Direction::ToServer, ..) => Outcome::Asked,
            (_, BOUND, 0) => Outcome::Refused(0),
            _ => Outcome::Done,
        };
        let method = if self.header.kind < CALL { 0 } else { self.header.method };
        let function = u32::from(method) << 16 | self.service.number();
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}
