//! MMS (ISO 9506-2) with the stack below it: session (X.225), presentation (X.226) and association control (X.227), over
//! the transport of [`crate::iso`]. IEC 61850-8-1 and TASE.2 (IEC 60870-6) are spoken in it.
//!
//! ```text
//!  TPKT | COTP | 01 00 01 00 | 61 .. 30 .. 02 01 <context> a0 .. | MMSpdu, BER
//!                session DT    presentation user data              a0 confirmed request, a1 response, ...
//! ```
//!
//! Some controllers leave session and presentation out and send the MMSpdu right above COTP; that is read too.
//! Files: [`stack`] takes the layers off, [`pdu`] reads an MMSpdu, [`service`] names services and their verbs, [`object`]
//! finds names and [`data`] values, [`session`] pairs requests and answers, [`body`] tells others.
//!
//! Bounds per flow: [`session::MAX_PENDING`] requests, and what the transport keeps.

mod body;
mod data;
mod fields;
mod notation;
mod object;
mod pdu;
mod service;
mod session;
mod stack;

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
pub const MMS: Protocol = Protocol("mms");

/// Under which sessions and associations are told where they carry no MMS.
pub const ACSE: Protocol = Protocol("acse");

/// The dissector of MMS.
#[derive(Clone, Copy, Debug)]
pub struct Mms;

/// How the transport finds MMS.
pub(crate) static SPEAKER: iso::Speaker = iso::Speaker {
    begins: stack::begins,
    sure: stack::is_sure,
    resembles: |_| false,
    begin: || Box::<session::MmsSession>::default(),
};

impl Dissector for Mms {
    fn protocol(&self) -> Protocol {
        MMS
    }

    fn beneath(&self) -> &'static [Protocol] {
        &[iso::COTP, ACSE]
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
        &notation::Names
    }
}

fn probe_unit(unit: &[u8], ports: Ports) -> Probe {
    match iso::Tpdu::read(unit) {
        Ok(iso::Tpdu::Data { user, .. }) if stack::is_telling(user) => Probe::Certain,
        Ok(iso::Tpdu::Data { user, last }) if user.is_empty() || !last || stack::begins(user) => {
            Probe::Possible
        }
        Ok(iso::Tpdu::Connection(unit)) if unit.opens() => {
            // IEC 61850-8-1 stations name their selectors 0001; nobody else does at this port.
            let plain = |selector: Option<&[u8]>| matches!(selector, Some([0, _] | [0, 0, 0, _]));
            if ports.server == iso::PORT && plain(unit.called) && plain(unit.calling) {
                Probe::Certain
            } else {
                Probe::Possible
            }
        }
        Ok(iso::Tpdu::Connection(_)) => Probe::Possible,
        _ => Probe::No,
    }
}
