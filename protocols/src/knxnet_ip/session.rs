//! One conversation: frames to messages.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Values, Verb, operation::Encoding};

use crate::{
    Cursor,
    anomaly::Anomaly,
    framed::{Extent, Framed},
    message::{Body, Direction, FieldVisitor, Kind, Sink},
    telling::{Out, Remarks, number, remark, tell},
};

use super::{
    PROTOCOL,
    cemi::Telegram,
    frame::{self, Frame, HEADER, describe},
    notation::area,
};

/// The state of a conversation: none but how frames come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Knx {
    pub(super) datagrams: bool,
}

impl Framed for Knx {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Frame::read(bytes) {
            _ if self.datagrams => Extent::Whole(bytes.len()),
            Some(frame) => Extent::Whole(usize::from(frame.length)),
            None if frame::may_begin(bytes) => Extent::Need(HEADER),
            None => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let mut remarks = Remarks::new();
        let Some(frame) = Frame::read(message) else {
            let head = message.first().map_or(0, |octet| u64::from(*octet));
            remark(&mut remarks, Anomaly::malformed("header", 0, head, 6));
            let frame = Frame { service: 0, length: 0, body: &[] };
            return tell(PROTOCOL, Kind::Anomaly, direction, &remarks, &Told { frame, telegram: None }, sink);
        };
        if usize::from(frame.length) != message.len() {
            let present = number(message.len());
            remark(&mut remarks, Anomaly::malformed("total-length", 4, u64::from(frame.length), present));
        }
        let kind = match describe(frame.service) {
            Some((_, _, kind)) => kind,
            None => {
                remark(&mut remarks, Anomaly::unsupported("unknown-service", 2, u64::from(frame.service)));
                Kind::Report
            }
        };
        if frame.body.len() < frame.least() {
            let (got, least) = (number(frame.body.len()), number(frame.least()));
            remark(&mut remarks, Anomaly::malformed("body-too-short", 6, got, least));
        }
        let telegram = frame.telegram().map(|octets| {
            let (telegram, whole) = Telegram::read(octets);
            if !whole {
                let got = number(octets.len());
                remark(&mut remarks, Anomaly::malformed("telegram-cut-short", 6, got, got + 1));
            }
            telegram
        });
        tell(PROTOCOL, kind, direction, &remarks, &Told { frame, telegram }, sink);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        match Frame::read(bytes) {
            Some(frame) => describe(frame.service).is_some(),
            None => frame::may_begin(bytes) && bytes.len() > 1,
        }
    }
}

/// What is told.
struct Told<'a> {
    frame: Frame<'a>,
    telegram: Option<Telegram<'a>>,
}

impl Body for Told<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut out = Out(visitor);
        let frame = &self.frame;
        out.number("service", frame.service);
        let mut cursor = Cursor::new(frame.body);
        if frame.is_connected() {
            cursor.u8();
        }
        if frame.is_connected() || matches!(frame.service, 0x0206..=0x020a) {
            out.maybe("channel", cursor.u8());
        }
        match frame.service {
            0x0206 | 0x0208 | 0x020a => out.maybe("status", cursor.u8()),
            0x0310 | 0x0420 => out.maybe("sequence", cursor.u8()),
            0x0311 | 0x0421 => {
                out.maybe("sequence", cursor.u8());
                out.maybe("status", cursor.u8());
            }
            _ => {}
        }
        if let Some(telegram) = &self.telegram {
            out.number("message_code", telegram.code);
            out.maybe("source", telegram.source);
            out.maybe("destination", telegram.destination);
            if telegram.destination.is_some() {
                out.number("group", u8::from(telegram.group));
            }
            out.maybe("application_service", telegram.application.map(|_| telegram.describe().2));
            if let Some((object, instance, property)) = telegram.property {
                out.number("object_type", object);
                out.number("object_instance", instance);
                out.number("property", property);
            }
            match telegram.short_value() {
                Some(value) => out.number("value", value),
                None => out.octets("data", telegram.data),
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name, kind) =
            describe(self.frame.service).unwrap_or((Verb::Unknown, "Unknown service", Kind::Report));
        let outcome = match kind {
            Kind::Request => Outcome::Asked,
            Kind::Response => Outcome::Done,
            Kind::Report | Kind::Anomaly => Outcome::Reported,
        };
        let function = u32::from(self.frame.service);
        let plain = Operation { verb, function, name, unit: None, points: None, values: None, outcome };
        match &self.telegram {
            None => each(&plain),
            Some(telegram) => bus(telegram, &plain, each),
        }
    }
}

/// What a telegram asks of the bus.
fn bus(telegram: &Telegram<'_>, plain: &Operation<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let (verb, name, service) = telegram.describe();
    let outcome = match telegram.code {
        _ if telegram.answers() => Outcome::Reported,
        0x2e => Outcome::Done,
        _ => Outcome::Asked,
    };
    let carries = telegram.answers() || matches!(verb, Verb::Write | Verb::Configure) || service == 0x280;
    let short = telegram.short_value().unwrap_or(0).to_be_bytes();
    let bytes = match telegram.application {
        Some(0x040..=0x0bf) if telegram.short => &short[..],
        Some(0x040..=0x0bf) => telegram.data,
        Some(0x240..=0x28f) => telegram.data.get(2..).unwrap_or_default(),
        Some(0x3d6 | 0x3d7) => telegram.data.get(4..).unwrap_or_default(),
        None if telegram.property.is_some() => telegram.data,
        _ => &[],
    };
    let encoding = match bytes.len() {
        2 => Encoding::Unsigned16,
        4 => Encoding::Unsigned32,
        _ => Encoding::Unsigned8,
    };
    let count = u32::try_from(bytes.len() / encoding.width().unwrap_or(1)).unwrap_or(0);
    let values = (carries && count > 0).then_some(Values { bytes, encoding, count, stride: 1 });
    let function = u32::from(service) << 16 | plain.function;
    each(&Operation { verb, function, name, points: points(telegram), values, outcome, ..*plain });
}

fn points(telegram: &Telegram<'_>) -> Option<PointRange> {
    let range = |area, block, first: u64, count: u64| PointRange {
        space: Space { area, block },
        first,
        last: first.saturating_add(count.max(1) - 1),
    };
    if let Some((object, _, property)) = telegram.property {
        return Some(range(area::LOCAL, 0, u64::from(object) << 16 | u64::from(property), 1));
    }
    let destination = telegram.destination?;
    if telegram.group {
        return Some(range(area::GROUP, 0, u64::from(destination), 1));
    }
    let device = match telegram.answers() {
        true => u32::from(telegram.source?),
        false => u32::from(destination),
    };
    let mut cursor = Cursor::new(telegram.data);
    match telegram.application? {
        application @ 0x200..=0x28f => {
            Some(range(area::MEMORY, device, u64::from(cursor.u16()?), u64::from(application & 0xf)))
        }
        0x3d5..=0x3d8 => {
            let (object, property) = (cursor.u8()?, cursor.u8()?);
            Some(range(area::PROPERTY, device, u64::from(object) << 16 | u64::from(property), 1))
        }
        _ => None,
    }
}
