//! Ethernet Global Data: what GE controllers produce for each other over UDP (GFK-1541, "TCP/IP Ethernet
//! Communications", chapter "Ethernet Global Data"; GFK-2224).
//!
//! ```text
//!  0      1         2            4             8             12       16       20       24          28         32
//! +------+---------+------------+-------------+-------------+--------+--------+--------+-----------+----------+---
//! | type | version | request id | producer id | exchange id | second | nanos. | status | signature | reserved | data
//! +------+---------+------------+-------------+-------------+--------+--------+--------+-----------+----------+---
//! ```
//!
//! All numbers are little-endian. Nothing is remembered: each datagram stands by itself. What the octets of an exchange
//! mean is known to the configuration of both ends alone.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use core::fmt;

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Transport, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const EGD: Protocol = Protocol("egd");

/// The registered port of data.
pub const PORT: u16 = 18_246;

/// Octets of the header.
const HEADER: usize = 32;

/// The longest datagram: 1400 octets of data in one exchange (GFK-1541); larger ones are told all the same.
pub const MAX_DATAGRAM: usize = 65_535;

/// The type of a data message.
const DATA: u8 = 13;

/// Ethernet Global Data.
#[derive(Clone, Copy, Debug)]
pub struct Egd;

impl Dissector for Egd {
    fn protocol(&self) -> Protocol {
        EGD
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match Header::read(bytes) {
            Some(header) if header.is_certain() => Probe::Certain,
            Some(header) if header.version == 1 && header.reserved == 0 => Probe::Possible,
            _ => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(Datagrams))
    }

    fn max_message(&self) -> usize {
        MAX_DATAGRAM
    }

    fn notation(&self) -> &'static dyn Notation {
        &Exchanges
    }
}

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    kind: u8,
    version: u8,
    request: u16,
    producer: u32,
    exchange: u32,
    seconds: u32,
    nanoseconds: u32,
    status: u32,
    signature: u32,
    reserved: u32,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        Some(Self {
            kind: cursor.u8()?,
            version: cursor.u8()?,
            request: cursor.u16_le()?,
            // An IPv4 address, in the order of the network.
            producer: cursor.u32()?,
            exchange: cursor.u32_le()?,
            seconds: cursor.u32_le()?,
            nanoseconds: cursor.u32_le()?,
            status: cursor.u32_le()?,
            signature: cursor.u32_le()?,
            reserved: cursor.u32_le()?,
        })
    }

    /// A data message whose reserved fields are zero, with a fraction of a second and a status that exist.
    const fn is_certain(&self) -> bool {
        self.kind == DATA
            && self.version == 1
            && self.nanoseconds < NANOSECONDS
            && self.status <= 0xff
            && self.reserved == 0
            && self.exchange != 0
    }
}

const NANOSECONDS: u32 = 1_000_000_000;

/// A flow of datagrams.
#[derive(Clone, Copy, Debug)]
struct Datagrams;

impl Framed for Datagrams {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Header::read(bytes) {
            None => Extent::Need(HEADER),
            Some(header) if header.version == 1 => Extent::Whole(bytes.len()),
            Some(_) => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(header) = Header::read(message) else { return };
        let body = Datagram { header, data: message.get(HEADER..).unwrap_or_default() };
        let mut anomalies = heapless::Vec::<Anomaly, 2>::new();
        if header.kind != DATA {
            let _ = anomalies.push(Anomaly::unsupported("unknown-type", 0, header.kind.into()));
        }
        let mut kind = Kind::Report;
        if header.nanoseconds >= NANOSECONDS && header.kind == DATA {
            let got = u64::from(header.nanoseconds);
            let _ = anomalies.push(Anomaly::malformed("nanoseconds", 16, got, u64::from(NANOSECONDS) - 1));
            kind = Kind::Anomaly;
        }
        sink.message(&Message { protocol: EGD, kind, direction, anomalies: &anomalies, body: &body });
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        Header::read(bytes).is_some_and(|header| header.is_certain())
    }
}

/// One datagram.
struct Datagram<'a> {
    header: Header,
    data: &'a [u8],
}

impl Body for Datagram<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let header = &self.header;
        let mut number = |key, value: u32| visitor.field(key, FieldValue::Unsigned(value.into()));
        number("type", header.kind.into());
        number("version", header.version.into());
        number("request_id", header.request.into());
        number("exchange_id", header.exchange);
        number("seconds", header.seconds);
        number("nanoseconds", header.nanoseconds);
        number("status", header.status);
        number("signature", header.signature);
        visitor.field("producer_id", FieldValue::Bytes(&header.producer.to_be_bytes()));
        visitor.field("data", FieldValue::Bytes(self.data));
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = match self.header.kind {
            DATA => (Verb::Read, "exchange data"),
            _ => (Verb::Unknown, "unknown message"),
        };
        let last = u64::try_from(self.data.len()).unwrap_or(u64::MAX).checked_sub(1);
        let points = last.filter(|_| self.header.kind == DATA).map(|last| PointRange {
            space: Space { area: 0, block: self.header.exchange },
            first: 0,
            last,
        });
        each(&Operation {
            verb,
            function: self.header.kind.into(),
            name,
            unit: None,
            points,
            values: None,
            outcome: Outcome::Reported,
        });
    }
}

/// Points are octets of an exchange: `exchange 1 octet 0-812`.
#[derive(Clone, Copy, Debug)]
struct Exchanges;

impl Notation for Exchanges {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "exchange {} octet {}", range.space.block, range.first)?;
        if range.first == range.last { Ok(()) } else { write!(out, "-{}", range.last) }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (block, octets) = text.strip_prefix("exchange ")?.split_once(" octet ")?;
        let (first, last) = octets.split_once('-').unwrap_or((octets, octets));
        let (first, last) = (digits(first)?, digits(last)?);
        let space = Space { area: 0, block: digits(block)? };
        (first <= last).then_some(PointRange { space, first, last })
    }
}

/// Digits alone: `+1` is no number here.
fn digits<N: core::str::FromStr>(text: &str) -> Option<N> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}
