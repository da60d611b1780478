//! S7 communication plus: what TIA Portal, operator stations and S7-1200 and S7-1500 controllers speak on port 102.
//!
//! ```text
//!  TPKT | COTP | 72 | version | length | data ... | 72 | version | 00 00
//!  data:   version 3 begins with 20 and a digest of 32 octets
//!          31 request      | 00 00 | function | 00 00 | sequence | session | flags | parameters ...
//!          32 response     | 00 00 | function | 00 00 | sequence | flags | return value | parameters ...
//!          33 notification | subscription | ...
//! ```
//!
//! Nothing is published; `docs/protocols/s7comm_plus.md` lists what this follows. Files: [`pdu`] cuts a message, [`number`]
//! reads numbers of variable length, [`value`] values, [`address`] what is addressed, [`function`] names functions, [`session`]
//! follows a flow, [`body`] tells others.
//!
//! Bounds per flow: [`session::MAX_PENDING`] requests with [`session::MAX_POINTS`] points, one unfinished message of
//! [`session::MAX_MESSAGE`] octets per direction.

mod address;
mod body;
mod fields;
mod function;
mod notation;
mod number;
mod pdu;
mod session;
mod value;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    iso,
    message::{Direction, Protocol},
};

/// The protocol's name.
pub const S7COMM_PLUS: Protocol = Protocol("s7comm_plus");

/// The dissector of S7 communication plus.
#[derive(Clone, Copy, Debug)]
pub struct S7commPlus;

/// How the transport finds S7 communication plus.
pub(crate) static SPEAKER: iso::Speaker = iso::Speaker {
    begins: pdu::begins,
    sure: pdu::begins,
    resembles: |unit| unit.first() == Some(&pdu::PROTOCOL_ID) || pdu::is_encrypted(unit),
    begin: || Box::<session::PlusSession>::default(),
};

impl Dissector for S7commPlus {
    fn protocol(&self) -> Protocol {
        S7COMM_PLUS
    }

    fn beneath(&self) -> &'static [Protocol] {
        &[iso::COTP]
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, port: u16) -> bool {
        port == iso::PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], ports: Ports) -> Probe {
        match iso::Packet::read(bytes) {
            iso::Packet::Whole(unit, _) => probe_unit(unit, ports),
            iso::Packet::Need(total) => Probe::Need(total),
            iso::Packet::TooShort(_) | iso::Packet::Foreign(_) => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::<iso::IsoSession>::default()
    }

    fn max_message(&self) -> usize {
        iso::TPKT_LONGEST
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Addresses
    }
}

fn probe_unit(unit: &[u8], ports: Ports) -> Probe {
    match iso::Tpdu::read(unit) {
        Ok(iso::Tpdu::Data { user, .. }) if pdu::begins(user) => Probe::Certain,
        Ok(iso::Tpdu::Data { user: [], .. } | iso::Tpdu::Data { last: false, .. }) => Probe::Possible,
        Ok(iso::Tpdu::Connection(unit)) if unit.opens() => {
            // The selector of S7-1200 and S7-1500 is a name.
            let named = |selector: Option<&[u8]>| selector.is_some_and(|name| name.starts_with(b"SIMATIC-"));
            if ports.server == iso::PORT && (named(unit.called) || named(unit.calling)) {
                Probe::Certain
            } else {
                Probe::Possible
            }
        }
        Ok(iso::Tpdu::Connection(_)) => Probe::Possible,
        _ => Probe::No,
    }
}
