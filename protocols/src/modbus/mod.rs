//! Modbus over TCP and UDP: MODBUS Application Protocol Specification V1.1b3 ("AP" below) framed as MODBUS Messaging on
//! TCP/IP Implementation Guide V1.0b ("IG" below) says.
//!
//! ```text
//!  0               2               4               6       7       8
//! +---------------+---------------+---------------+-------+-------+-- ... --+
//! | transaction   | protocol = 0  | length        | unit  | func. | body    |
//! +---------------+---------------+---------------+-------+-------+-- ... --+
//!                                                 |<----- length octets --->|
//!  MBAP header (IG 3.1.3)                                 |<-- PDU (AP 4.1) ->|
//! ```
//!
//! Guarantees: the same octets give the same messages however they are segmented; a malformed message is told as
//! [`Kind::Anomaly`](crate::Kind::Anomaly) with everything that could be read; no session remembers more than
//! [`MAX_PENDING_REQUESTS`] requests or makes the caller buffer more than [`MAX_LONG_ADU`] octets per direction.
//!
//! [`serial`] reads the framings of serial lines for [`crate::modbus_serial`].
//!
//! Non-goals: the TLS of Modbus Security, the meaning of vendor functions.

mod check;
mod classify;
mod fields;
mod frame;
mod function;
mod notation;
mod object;
mod pdu;
mod pending;
mod probe;
mod record;
pub(crate) mod serial;
mod session;
mod shape;
#[cfg(test)]
mod tests;
mod unity;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    message::{Direction, Protocol},
};

pub use object::area;

/// How points are written, for the framings of serial lines too.
pub(crate) static NOTATION: &dyn Notation = &notation::References;

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("modbus");

/// The registered port, TCP and UDP (IG 4.3.1).
pub const PORT: u16 = 502;

/// The longest message of the standard: 7 octets of header and a PDU of 253 (AP 4.1).
pub const MAX_ADU: usize = 260;

/// The longest message taken with function 90, under which Unity controllers negotiate longer frames than the
/// standard knows.
pub const MAX_LONG_ADU: usize = 2_054;

/// Requests remembered per session until they are answered. At the cap the oldest is forgotten and the request that
/// displaced it is remarked upon as `pending-requests`, once until answers have halved their number. IG 4.4.1.4 expects at most 16.
pub const MAX_PENDING_REQUESTS: usize = 64;

/// Anomalies kept per message; what is found beyond adds nothing to the verdict.
pub const MAX_ANOMALIES: usize = 8;

/// Modbus over TCP and UDP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Modbus;

impl Dissector for Modbus {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, direction: Direction, bytes: &[u8], _: Ports) -> Probe {
        probe::probe(direction, bytes)
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        Box::new(session::ModbusSession::new(transport))
    }

    fn max_message(&self) -> usize {
        MAX_LONG_ADU
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::References
    }
}
