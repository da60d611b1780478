//! The tunnel: its header, and what packets that are no data do (ISO/IEC 14908-4 clause 8).

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

use super::{PROTOCOL, application, packet::Packet};

/// Octets of the header without extension.
pub(super) const SHORTEST: usize = 20;
/// The type of a packet of the component network.
const DATA: u8 = 0x01;

/// The header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Octets of all, these included.
    pub(super) length: u16,
    /// 1.
    pub(super) version: u8,
    kind: u8,
    /// Words of four octets behind the header.
    extension: u8,
    flags: u8,
    vendor: u16,
    session: u32,
    sequence: u32,
    time: u32,
}

impl Header {
    /// Reads it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        Some(Self {
            length: cursor.u16()?,
            version: cursor.u8()?,
            kind: cursor.u8()?,
            extension: cursor.u8()?,
            flags: cursor.u8()?,
            vendor: cursor.u16()?,
            session: cursor.u32()?,
            sequence: cursor.u32()?,
            time: cursor.u32()?,
        })
    }

    /// Where the packet begins.
    fn data_at(&self) -> usize {
        SHORTEST + usize::from(self.extension) * 4
    }

    /// Whether it can be the header of a datagram of so many octets.
    pub(super) fn is_sane(&self, octets: usize) -> bool {
        let length = usize::from(self.length);
        self.version == 1 && self.name().is_some() && length <= octets && length >= self.data_at()
    }

    /// Whether chance cannot make it: no vendor, no extension, no flags, the length of the datagram, and a packet of version 0.
    pub(super) fn is_plain_data(&self, bytes: &[u8]) -> bool {
        let plain = self.kind == DATA && self.extension == 0 && self.flags == 0 && self.vendor == 0;
        plain
            && usize::from(self.length) == bytes.len()
            && bytes.get(SHORTEST + 1).is_some_and(|npdu| npdu & 0xc0 == 0)
    }

    fn name(&self) -> Option<(Verb, &'static str)> {
        Some(match self.kind {
            DATA => (Verb::Unknown, "data packet"),
            0x03 => (Verb::Associate, "register device"),
            0x04 => (Verb::Configure, "channel membership"),
            0x06 => (Verb::Configure, "send list"),
            0x07 => (Verb::Associate, "acknowledge"),
            0x08 => (Verb::Configure, "channel routing"),
            0x60 | 0x70 => (Verb::Diagnose, "statistics"),
            0x63 => (Verb::Discover, "request device configuration"),
            0x64 => (Verb::Discover, "request channel membership"),
            0x66 => (Verb::Discover, "request send list"),
            0x68 => (Verb::Discover, "request channel routing"),
            0x71 => (Verb::Configure, "device configuration"),
            0x7f => (Verb::Transfer, "segment"),
            _ => return None,
        })
    }
}

struct Unit<'a> {
    header: Header,
    packet: Option<Packet<'a>>,
    data: &'a [u8],
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("packet_type", FieldValue::Unsigned(self.header.kind.into()));
        visitor.field("session", FieldValue::Unsigned(self.header.session.into()));
        visitor.field("sequence", FieldValue::Unsigned(self.header.sequence.into()));
        if self.header.time != 0 {
            visitor.field("time_stamp", FieldValue::Unsigned(self.header.time.into()));
        }
        if self.header.vendor != 0 {
            visitor.field("vendor", FieldValue::Unsigned(self.header.vendor.into()));
        }
        match &self.packet {
            Some(packet) => packet.fields(visitor),
            None if !self.data.is_empty() => visitor.field("data", FieldValue::Bytes(self.data)),
            None => {}
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        if let Some(packet) = &self.packet {
            application::operation(packet, each);
        } else if let Some((verb, name)) = self.header.name() {
            let function = 0x100 | u32::from(self.header.kind);
            let outcome = if self.header.kind & 0x60 == 0x60 { Outcome::Asked } else { Outcome::Reported };
            each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
        }
    }
}

/// Tells one packet of the tunnel.
pub(super) fn tell(direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
    let Some(header) = Header::read(octets) else { return };
    let data = octets.get(header.data_at()..).unwrap_or_default();
    let packet = if header.kind == DATA { Packet::read(data) } else { None };
    let mut anomalies = heapless::Vec::<Anomaly, 3>::new();
    let mut kind = match &packet {
        Some(packet) => packet.kind(),
        None if matches!(header.kind, 0x60..=0x6f) => Kind::Request,
        None => Kind::Report,
    };
    if usize::from(header.length) != octets.len() {
        let present = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        let _ = anomalies.push(Anomaly::malformed("tunnel-length", 0, header.length.into(), present));
        kind = Kind::Anomaly;
    }
    if header.name().is_none() {
        let _ = anomalies.push(Anomaly::unsupported("unknown-packet-type", 3, header.kind.into()));
    }
    if header.kind == DATA && packet.as_ref().is_none_or(Packet::is_cut) {
        let at = u32::try_from(header.data_at()).unwrap_or(u32::MAX);
        let present = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let _ = anomalies.push(Anomaly::malformed("packet-cut-short", at, present, present + 1));
        kind = Kind::Anomaly;
    }
    sink.message(&Message {
        protocol: PROTOCOL,
        kind,
        direction,
        anomalies: &anomalies,
        body: &Unit { header, packet, data },
    });
}
