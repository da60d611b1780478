//! LLDP: which device is at the other end of a cable (IEEE 802.1AB-2016).
//!
//! ```text
//! | type:7 | length:9 | value |  ...  | 0 |      (clause 8.4; chassis, port and time to live come first, in this order)
//! ```
//!
//! Guarantees: every frame gives one message; nothing is kept. Messages are upkeep: nobody makes conversations of them.
//!
//! Non-goals: the TLVs of organisations, beyond the station name that PROFINET puts into chassis and port id.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::{Operation, Transport};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    datagram::{Anomalies, Datagram, DatagramSession, NoPoints, note},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    link::kind,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("lldp");

/// LLDP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lldp;

impl Dissector for Lldp {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Link
    }

    fn is_upkeep(&self) -> bool {
        true
    }

    fn well_known(&self, port: u16) -> bool {
        port == kind::LLDP
    }

    fn probe(&self, direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let _ = (direction, bytes, ports);
        Probe::Possible
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::new(DatagramSession(Neighbour))
    }

    fn max_message(&self) -> usize {
        1_500
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
struct Neighbour;

impl Datagram for Neighbour {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let mut anomalies = Anomalies::new();
        let mut cursor = Cursor::new(octets);
        while let Some((of, length)) = header(&mut cursor) {
            let there = cursor.rest().len();
            if length > there {
                let at = u32::try_from(cursor.offset()).unwrap_or(u32::MAX);
                note(&mut anomalies, Anomaly::malformed("tlv-cut-short", at, there as u64, length as u64));
            }
            if of == 0 || cursor.skip(length).is_none() {
                break;
            }
        }
        let kind = if anomalies.is_empty() { Kind::Report } else { Kind::Anomaly };
        sink.message(&Message {
            protocol: PROTOCOL,
            kind,
            direction,
            anomalies: &anomalies,
            body: &Unit(octets),
        });
        true
    }
}

/// Type and length of a TLV.
fn header(cursor: &mut Cursor<'_>) -> Option<(u8, usize)> {
    let [first, second] = cursor.u16()?.to_be_bytes();
    Some((first >> 1, usize::from(first & 1) << 8 | usize::from(second)))
}

/// A data unit as it is told.
#[derive(Clone, Copy, Debug)]
struct Unit<'a>(&'a [u8]);

fn text(octets: &[u8]) -> FieldValue<'_> {
    core::str::from_utf8(octets).map_or(FieldValue::Bytes(octets), FieldValue::Text)
}

/// An id: one octet says of what kind it is. Hardware and network addresses are octets, the others texts (clauses 8.5.2, 8.5.3).
fn id<'a>(octets: &'a [u8], binary: &[u8]) -> Option<(u8, FieldValue<'a>)> {
    let (subtype, value) = octets.split_first()?;
    Some((*subtype, if binary.contains(subtype) { FieldValue::Bytes(value) } else { text(value) }))
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut cursor = Cursor::new(self.0);
        let mut told = 0_u32;
        while let Some((of, length)) = header(&mut cursor).filter(|(of, _)| *of != 0) {
            let Some(value) = cursor.take(length) else { return };
            let bit = 1_u32.checked_shl(u32::from(of)).unwrap_or(0);
            // Of what may stand once only the first counts.
            if told & bit != 0 && of < 8 {
                continue;
            }
            told |= bit;
            self.tlv(of, value, visitor);
        }
    }

    fn operations(&self, _: &mut dyn FnMut(&Operation<'_>)) {}
}

impl Unit<'_> {
    fn tlv(self, of: u8, value: &[u8], visitor: &mut dyn FieldVisitor) {
        let mut cursor = Cursor::new(value);
        match of {
            1 => {
                let Some((subtype, name)) = id(value, &[4, 5]) else { return };
                visitor.field("chassis_id_subtype", FieldValue::Unsigned(u64::from(subtype)));
                visitor.field("chassis_id", name);
            }
            2 => {
                let Some((subtype, name)) = id(value, &[3, 4]) else { return };
                visitor.field("port_id_subtype", FieldValue::Unsigned(u64::from(subtype)));
                visitor.field("port_id", name);
            }
            3 => {
                let seconds =
                    cursor.u16().map_or(FieldValue::Bytes(value), |secs| FieldValue::Unsigned(secs.into()));
                visitor.field("time_to_live", seconds);
            }
            4 => visitor.field("port_description", text(value)),
            5 => visitor.field("system_name", text(value)),
            6 => visitor.field("system_description", text(value)),
            7 => {
                let (Some(able), Some(enabled)) = (cursor.u16(), cursor.u16()) else { return };
                visitor.field("capabilities", FieldValue::Unsigned(u64::from(able)));
                visitor.field("enabled_capabilities", FieldValue::Unsigned(u64::from(enabled)));
            }
            8 => {
                let address = cursor.u8().and_then(|length| cursor.take(usize::from(length)));
                visitor.item("management_address", FieldValue::Bytes(address.unwrap_or(value)));
            }
            127 => {
                let organisation = cursor.u24().unwrap_or(0);
                visitor.item("organisation", FieldValue::Unsigned(u64::from(organisation)));
            }
            _ => visitor.item("other_type", FieldValue::Unsigned(u64::from(of))),
        }
    }
}
