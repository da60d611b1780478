//! S7 communication: what STEP 7, operator stations and S7-300, S7-400 and S7-1200 controllers speak on port 102.
//!
//! ```text
//!  TPKT (RFC 1006) | COTP class 0 (X.224) | 32 | ROSCTR | ... | parameters | data |
//! ```
//!
//! There is no published standard; `docs/protocols/s7comm.md` lists what this follows and was checked against.
//! Files: [`session`] follows a flow, [`pdu`] cuts a message, [`content`] reads it by function out of [`item`],
//! [`data`], [`control`], [`userdata`], [`programmer`] and [`alarm`]; [`classify`] names functions, [`body`] and [`fields`] tell others.
//!
//! Bounds per flow: [`pending::MAX_PENDING`] jobs with [`pending::MAX_PENDING_ADDRESSES`] addresses, and one
//! unfinished unit of [`crate::iso::MAX_TSDU`] octets per direction.

mod alarm;
mod body;
mod classify;
mod content;
mod control;
mod data;
mod fields;
mod fields_userdata;
mod item;
mod notation;
mod pdu;
mod pending;
mod programmer;
mod session;
mod userdata;

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
pub const S7COMM: Protocol = Protocol("s7comm");

/// The dissector of S7 communication.
#[derive(Clone, Copy, Debug)]
pub struct S7comm;

impl Dissector for S7comm {
    fn protocol(&self) -> Protocol {
        S7COMM
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
        &notation::StepSeven
    }
}

fn probe_unit(unit: &[u8], ports: Ports) -> Probe {
    match iso::Tpdu::read(unit) {
        Ok(iso::Tpdu::Data { user: [pdu::PROTOCOL_ID, 1 | 2 | 3 | 7, ..], .. }) => Probe::Certain,
        // An empty unit, or a piece of one: the port decides, and the session lets go of foreign units.
        Ok(iso::Tpdu::Data { user: [], .. } | iso::Tpdu::Data { last: false, .. }) => Probe::Possible,
        Ok(iso::Tpdu::Connection(unit)) if unit.opens() => {
            if ports.server == iso::PORT && names_a_slot(unit.called) && names_a_slot(unit.calling) {
                Probe::Certain
            } else {
                Probe::Possible
            }
        }
        Ok(iso::Tpdu::Connection(_)) => Probe::Possible,
        _ => Probe::No,
    }
}

/// Whether a transport selector has the form of S7: kind of partner, then rack and slot. S7-1200 and later also take
/// names such as `SIMATIC-ROOT-OTHER`, which are left to S7 communication plus.
fn names_a_slot(selector: Option<&[u8]>) -> bool {
    matches!(selector, Some([1..=3 | 0x10..=0xdf, _]))
}

/// Whether a service data unit begins here.
fn begins_unit(user: &[u8]) -> bool {
    matches!(user, [pdu::PROTOCOL_ID, 1 | 2 | 3 | 7, ..])
}

/// How the transport finds S7 communication.
pub(crate) static SPEAKER: iso::Speaker = iso::Speaker {
    begins: begins_unit,
    sure: begins_unit,
    resembles: |unit| unit.first() == Some(&pdu::PROTOCOL_ID),
    begin: || Box::<session::S7Session>::default(),
};
