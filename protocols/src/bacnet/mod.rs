//! BACnet (ANSI/ASHRAE 135-2020): BACnet/IP over IPv4 (Annex J) and IPv6 (Annex U), network and application layer.
//!
//! ```text
//!  0        1          2               4
//! +--------+----------+---------------+----------------------+----------------------------+
//! | 81     | function | length        | NPDU: version, ...   | APDU: type, invocation ... |
//! +--------+----------+---------------+----------------------+----------------------------+
//!  BVLL (J.2)                          network layer (6.2)    application layer (20.1)
//! ```
//!
//! Files: [`bvll`], [`npdu`] and [`apdu`] read the headers, [`tag`] values, [`schema`] says what stands where in a service
//! and [`walk`] walks it; [`segments`] joins long APDUs, [`session`] follows a conversation, [`classify`] and [`fields`]
//! tell others. Other data links hand their NPDUs to [`npdu_session`].
//!
//! Bounds per conversation: [`MAX_PENDING`] questions of [`MAX_POINTS`] points, [`MAX_UNFINISHED`] APDUs of
//! [`MAX_REASSEMBLED`] octets.
//!
//! Non-goals: whether a password is right; the security of the former clause 24.

mod apdu;
mod bvll;
mod classify;
mod fields;
mod mstp;
mod names;
mod notation;
mod npdu;
mod pending;
mod schema;
mod segments;
mod service;
mod session;
mod tag;
#[cfg(test)]
mod tests;
mod walk;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::FramedSession,
    link::kind,
    message::{Direction, Protocol},
    telling::Remarks,
};

pub use pending::{MAX_PENDING, MAX_POINTS};
pub use segments::{MAX_REASSEMBLED, MAX_UNFINISHED};
pub use session::{Bacnet, Outer, npdu_session};

/// Messages of the application layer.
pub const BACNET: Protocol = Protocol("bacnet");
/// Messages of the network layer: what routers tell each other (6.4).
pub const NETWORK: Protocol = Protocol("bacnet_network");
/// Messages of the virtual link layer that carry no NPDU (J.2).
pub const BVLC: Protocol = Protocol("bvlc");

/// The first of sixteen ports that are usual (J.1.2): 0xBAC0.
pub const PORT: u16 = 47_808;
/// The last one.
const LAST_PORT: u16 = PORT + 15;

/// The kinds of frames below IP that may hold NPDUs: MS/TP; the service access point of BACnet (Annex D of ISO 8802-3,
/// clause 7); SNAP of an organisation.
const KINDS: [u16; 3] = [kind::MS_TP, 0x0082, SNAP];

/// SNAP of an organisation: Cimetrics' adapters, beside discovery and trunking of network gear, which are none of BACnet.
const SNAP: u16 = 0x00aa;

/// The longest datagram.
const MAX_DATAGRAM: usize = 65_535;

/// The dissector of BACnet/IP.
#[derive(Clone, Copy, Debug, Default)]
pub struct BacnetIp;

impl Dissector for BacnetIp {
    fn protocol(&self) -> Protocol {
        BACNET
    }

    fn beneath(&self) -> &'static [Protocol] {
        &[NETWORK, BVLC]
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Udp | Transport::Link)
    }

    fn well_known(&self, port: u16) -> bool {
        (PORT..=LAST_PORT).contains(&port) || KINDS.contains(&port)
    }

    fn probe(&self, _: Direction, bytes: &[u8], ports: Ports) -> Probe {
        if KINDS.contains(&ports.server) && ports.server == ports.client {
            return session::probe_below(bytes, ports.server == SNAP);
        }
        if looks_like(bytes) {
            return Probe::Certain;
        }
        let mut remarks = Remarks::new();
        match bvll::Bvll::read(bytes, &mut remarks) {
            Some(bvll) if bvll.is_known() => Probe::Possible,
            _ => Probe::No,
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        match transport {
            Transport::Link => Box::new(npdu_session()),
            Transport::Tcp | Transport::Udp => Box::<FramedSession<Bacnet>>::default(),
        }
    }

    fn max_message(&self) -> usize {
        MAX_DATAGRAM
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Objects
    }
}

/// Whether octets are an NPDU, for data links that hand over whole ones.
pub(crate) fn is_npdu(octets: &[u8]) -> bool {
    npdu::Npdu::is_plausible(octets)
}

/// Whether a datagram is BACnet/IP beyond doubt: the length is right and an NPDU that can be stands behind it.
fn looks_like(bytes: &[u8]) -> bool {
    let mut remarks = Remarks::new();
    let Some(bvll) = bvll::Bvll::read(bytes, &mut remarks) else { return false };
    remarks.is_empty() && bvll.is_known() && bvll.npdu.is_some_and(npdu::Npdu::is_plausible)
}
