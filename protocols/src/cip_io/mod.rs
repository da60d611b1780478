//! Implicit messages of EtherNet/IP: cyclic data of a connection over UDP 2222 (CIP Vol. 2, 3-2 and 2-6.3).
//!
//! ```text
//!  2 | 0x8002 | 8 | connection id | sequence number | 0x00b1 | length | [sequence count] | [run/idle] | data
//! ```
//!
//! Numbers are little-endian; what the data mean is known to both ends of the connection alone. Whether a sequence count and a
//! run/idle header stand in front of them was said when the connection was opened, on another flow; so they are told with the data.
//!
//! Bounds: nothing is remembered.

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
pub const CIP_IO: Protocol = Protocol("cip_io");

/// The registered port of implicit messages (Vol. 2, 2-2).
pub const PORT: u16 = 2_222;

/// Octets before the data.
const HEADER: usize = 18;

/// Sequenced address (Vol. 2, 2-6.2.3).
const SEQUENCED_ADDRESS: u16 = 0x8002;
/// Connected data.
const CONNECTED_DATA: u16 = 0x00b1;

/// Implicit messages of EtherNet/IP.
#[derive(Clone, Copy, Debug)]
pub struct CipIo;

impl Dissector for CipIo {
    fn protocol(&self) -> Protocol {
        CIP_IO
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match Datagram::read(bytes) {
            Some(datagram) if datagram.is_whole() => Probe::Certain,
            Some(_) => Probe::Possible,
            None => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(Datagrams))
    }

    fn max_message(&self) -> usize {
        65_535
    }

    fn notation(&self) -> &'static dyn Notation {
        &Connections
    }
}

/// A flow of datagrams.
#[derive(Clone, Copy, Debug)]
struct Datagrams;

impl Framed for Datagrams {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Datagram::read(bytes) {
            Some(_) => Extent::Whole(bytes.len()),
            None => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(datagram) = Datagram::read(message) else { return };
        let got = u64::from(datagram.declared);
        let present = u64::try_from(datagram.data.len()).unwrap_or(u64::MAX);
        let lies = [Anomaly::malformed("data-length", 16, got, present)];
        let (kind, anomalies) =
            if datagram.is_whole() { (Kind::Report, &[][..]) } else { (Kind::Anomaly, &lies[..]) };
        sink.message(&Message { protocol: CIP_IO, kind, direction, anomalies, body: &datagram });
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        Datagram::read(bytes).is_some_and(|datagram| datagram.is_whole())
    }
}

/// One datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Datagram<'a> {
    connection: u32,
    sequence: u32,
    declared: u16,
    data: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads it; nothing else begins with these two items.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let front = (cursor.u16_le()?, cursor.u16_le()?, cursor.u16_le()?);
        if front != (2, SEQUENCED_ADDRESS, 8) {
            return None;
        }
        let (connection, sequence) = (cursor.u32_le()?, cursor.u32_le()?);
        cursor.u16_le().filter(|kind| *kind == CONNECTED_DATA)?;
        let declared = cursor.u16_le()?;
        Some(Self { connection, sequence, declared, data: bytes.get(HEADER..)? })
    }

    fn is_whole(&self) -> bool {
        self.data.len() == usize::from(self.declared)
    }
}

impl Body for Datagram<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("connection_id", FieldValue::Unsigned(self.connection.into()));
        visitor.field("sequence_number", FieldValue::Unsigned(self.sequence.into()));
        visitor.field("length", FieldValue::Unsigned(self.declared.into()));
        visitor.field("data", FieldValue::Bytes(self.data));
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let last = u64::try_from(self.data.len()).unwrap_or(u64::MAX).checked_sub(1);
        let space = Space { area: 0, block: self.connection };
        each(&Operation {
            verb: Verb::Read,
            function: CONNECTED_DATA.into(),
            name: "implicit data",
            unit: None,
            points: last.map(|last| PointRange { space, first: 0, last }),
            values: None,
            outcome: Outcome::Reported,
        });
    }
}

/// Points are octets of a connection: `connection 0x80fe0017 octet 0-3`.
#[derive(Clone, Copy, Debug)]
struct Connections;

impl Notation for Connections {
    fn write(&self, range: &PointRange, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "connection {:#010x} octet {}", range.space.block, range.first)?;
        if range.first == range.last { Ok(()) } else { write!(out, "-{}", range.last) }
    }

    fn read(&self, text: &str) -> Option<PointRange> {
        let (id, octets) = text.strip_prefix("connection 0x")?.split_once(" octet ")?;
        let (first, last) = octets.split_once('-').unwrap_or((octets, octets));
        let (first, last) = (digits(first)?, digits(last)?);
        let hexadecimal = id.len() == 8 && id.bytes().all(|octet| octet.is_ascii_hexdigit());
        let block = u32::from_str_radix(id, 16).ok().filter(|_| hexadecimal)?;
        (first <= last).then_some(PointRange { space: Space { area: 0, block }, first, last })
    }
}

/// Digits alone: `+1` is no number here.
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}
