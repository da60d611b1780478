//! One flow: packets, what answers what, and what they tell.

use alloc::collections::VecDeque;

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Value, Values};

use super::{
    GE_SRTP, MAX_PENDING,
    packet::{self, Asked, HEADER, Packet},
    service::{self, Table},
};
use crate::{
    anomaly::{Anomaly, Blame},
    framed::{Extent, Framed},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

/// A request as its answer needs it.
#[derive(Clone, Copy, Debug)]
struct Kept {
    index: u16,
    service: u8,
    selector: u8,
    offset: u16,
    count: u16,
}

/// The parser state of one flow.
#[derive(Debug, Default)]
pub(super) struct SrtpFlow {
    pending: VecDeque<Kept>,
    told_full: bool,
}

impl Framed for SrtpFlow {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Packet::read(bytes) {
            None => Extent::Need(HEADER),
            Some(packet) if matches!(packet.kind, 0..=3 | 8) => Extent::Whole(packet.total()),
            Some(_) => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(packet) = Packet::read(message) else { return };
        let mut anomalies = heapless::Vec::<Anomaly, 4>::new();
        if !packet.is_plausible() {
            let got = u64::from(packet.message);
            let _ = anomalies.push(Anomaly::malformed("message-type", 31, got, u64::from(packet::SHORT)));
        }
        let asked = packet.asked();
        let mut answered = None;
        if let Some(asked) = &asked {
            if let Some(limit) = self.remember(asked) {
                let _ = anomalies.push(limit);
            }
        } else if packet.kind == packet::ANSWER {
            let at = self.pending.iter().position(|kept| kept.index == packet.index);
            answered = at.and_then(|at| self.pending.remove(at));
            self.told_full &= self.pending.len() > MAX_PENDING / 2;
        }
        if let Some(asked) = &asked
            && service::describe(asked.service).0 == fieldwarden_model::Verb::Unknown
        {
            let _ = anomalies.push(Anomaly::unsupported("unknown-service", 42, asked.service.into()));
        }
        let broken = anomalies.iter().any(|anomaly| anomaly.blame == Blame::Malformed);
        let kind = match packet.kind {
            _ if broken => Kind::Anomaly,
            packet::INIT_ANSWER | packet::ANSWER => Kind::Response,
            _ => Kind::Request,
        };
        let body = SrtpPacket { packet, asked, answered };
        sink.message(&Message { protocol: GE_SRTP, kind, direction, anomalies: &anomalies, body: &body });
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        Packet::read(bytes).is_some_and(|packet| packet.is_certain())
    }
}

impl SrtpFlow {
    fn remember(&mut self, asked: &Asked<'_>) -> Option<Anomaly> {
        let Asked { service, selector, offset, count, index, .. } = *asked;
        self.pending.retain(|kept| kept.index != index);
        let mut limit = None;
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
            if !core::mem::replace(&mut self.told_full, true) {
                let cap = u64::try_from(MAX_PENDING).unwrap_or(u64::MAX);
                limit = Some(Anomaly::limit("pending-requests", 2, cap + 1, cap));
            }
        }
        self.pending.push_back(Kept { index, service, selector, offset, count });
        limit
    }
}

/// What one packet tells.
struct SrtpPacket<'a> {
    packet: Packet<'a>,
    asked: Option<Asked<'a>>,
    answered: Option<Kept>,
}

impl<'a> SrtpPacket<'a> {
    /// Service, selector, offset and count: its own, or those of the request it answers.
    fn named(&self) -> Option<Kept> {
        let own = self.asked.map(|asked| Kept {
            index: asked.index,
            service: asked.service,
            selector: asked.selector,
            offset: asked.offset,
            count: asked.count,
        });
        own.or(self.answered)
    }

    /// The memory that it names.
    fn memory(&self) -> Option<(Table, PointRange)> {
        let named = self.named().filter(|named| service::names_memory(named.service))?;
        let table = service::table(named.selector)?;
        let each = table.unit.references();
        let first = u64::from(named.offset) * each;
        let last = first + u64::from(named.count.max(1)) * each - 1;
        Some((table, PointRange { space: Space { area: table.area.into(), block: 0 }, first, last }))
    }

    /// The values written, or read.
    fn values(&self) -> Option<Values<'a>> {
        let named = self.named()?;
        let (table, _) = self.memory()?;
        let bytes = match (self.asked, named.service) {
            (Some(asked), service::WRITE) => asked.data,
            (None, service::READ) if self.refusal().is_none() => self.packet.answered(),
            _ => return None,
        };
        let encoding = table.unit.encoding();
        let present = match encoding.width() {
            Some(width) => bytes.len() / width,
            None => bytes.len() * 8,
        };
        // Bits stand where they stand in their octet, so a single one can be told only if it is the first, or all are alike.
        let shifted = encoding.width().is_none() && !named.offset.is_multiple_of(8);
        if shifted && !bytes.iter().take(1).all(|octet| matches!(octet, 0 | 0xff)) {
            return None;
        }
        let count = u32::from(named.count).min(u32::try_from(present).unwrap_or(u32::MAX));
        let stride = u16::try_from(table.unit.references()).unwrap_or(1);
        Some(Values { bytes, encoding, count, stride })
    }

    fn refusal(&self) -> Option<u32> {
        let (status, minor) = self.packet.status()?;
        let refused = self.packet.message == packet::REFUSAL || status != 0;
        refused.then(|| u32::from(status) << 8 | u32::from(minor))
    }
}

impl Body for SrtpPacket<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let packet = &self.packet;
        let mut number = |key, value: u64| visitor.field(key, FieldValue::Unsigned(value));
        number("type", packet.kind.into());
        number("index", packet.index.into());
        number("text_length", packet.text_length.into());
        if packet.carries_message() {
            number("message_type", packet.message.into());
            number("sequence", packet.sequence.into());
            number("source_mailbox", packet.source.into());
            number("destination_mailbox", packet.destination.into());
            number("part", packet.part.0.into());
            number("parts", packet.part.1.into());
        }
        if let Some((status, minor)) = packet.status() {
            number("status", status.into());
            number("minor_status", minor.into());
        }
        if let Some((program, privilege, sweep, word)) = packet.piggyback() {
            let (hour, minute, second) = packet.clock();
            number("hour", hour.into());
            number("minute", minute.into());
            number("second", second.into());
            number("control_program", program.into());
            number("privilege_level", privilege.into());
            number("last_sweep", sweep.into());
            number("plc_status", word.into());
        }
        if let Some(named) = self.named() {
            let mut tell = |key, value: FieldValue<'_>| match self.asked {
                Some(_) => visitor.field(key, value),
                None => visitor.recalled(key, value),
            };
            tell("service", FieldValue::Unsigned(named.service.into()));
            if service::names_memory(named.service) {
                tell("selector", FieldValue::Unsigned(named.selector.into()));
                tell("offset", FieldValue::Unsigned(named.offset.into()));
                tell("count", FieldValue::Unsigned(named.count.into()));
            }
            tell("service_name", FieldValue::Text(service::describe(named.service).1));
        }
        match self.values() {
            Some(values) => values.iter().for_each(|value| {
                let value = match value {
                    Value::Integer(number) => FieldValue::Signed(number),
                    Value::Float(number) => FieldValue::Float(number),
                };
                visitor.item("values", value);
            }),
            None => {
                let data = self.asked.map_or(packet.answered(), |asked| asked.data);
                let reads = self.asked.is_some_and(|asked| asked.service == service::READ);
                if !data.is_empty() && !reads {
                    visitor.field("data", FieldValue::Bytes(data));
                }
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let answers = self.packet.kind != packet::REQUEST;
        let Some(named) = self.named() else { return };
        let (verb, name) = service::describe(named.service);
        let outcome = match (answers, self.refusal()) {
            (false, _) => Outcome::Asked,
            (true, Some(code)) => Outcome::Refused(code),
            (true, None) => Outcome::Done,
        };
        each(&Operation {
            verb,
            function: named.service.into(),
            name,
            unit: None,
            points: self.memory().map(|(_, range)| range),
            values: self.values(),
            outcome,
        });
    }
}
