//! KNXnet/IP (KNX Standard 3/8; ISO 22510): the bus behind a gateway, over UDP and TCP.
//!
//! ```text
//!  0      1      2            4            6
//! +------+------+------------+------------+---------------------+---------------------------+
//! | 06   | 10   | service    | length     | connection header   | cEMI: code, info, control |
//! +------+------+------------+------------+---------------------+---------------------------+
//!  3/8/2, 2.3                               3/8/4, 2.2.6          3/6/3, 4.1
//! ```
//!
//! Files: [`frame`] reads services, [`cemi`] telegrams of the bus, [`session`] tells.
//!
//! Bounds: a conversation has no state.
//!
//! Non-goals: the data types of group objects, which the bus does not say; what KNX Secure encrypts.

mod cemi;
mod frame;
mod notation;
mod session;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::FramedSession,
    message::{Direction, Protocol},
};

pub use notation::area;

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("knxnet_ip");

/// The registered port, UDP and TCP.
pub const PORT: u16 = 3_671;

/// The longest frame: the length has sixteen bits.
const MAX_FRAME: usize = 65_535;

/// KNXnet/IP.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnxnetIp;

impl Dissector for KnxnetIp {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        match frame::Frame::read(bytes) {
            Some(frame) if frame.is_certain(bytes.len()) => Probe::Certain,
            Some(_) => Probe::Possible,
            None if frame::may_begin(bytes) => Probe::Need(frame::HEADER),
            None => Probe::No,
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        Box::new(FramedSession(session::Knx { datagrams: transport == Transport::Udp }))
    }

    fn max_message(&self) -> usize {
        MAX_FRAME
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Addresses
    }
}
