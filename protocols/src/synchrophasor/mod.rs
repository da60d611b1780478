//! Synchrophasor measurements of power grids (IEEE C37.118.2-2011, and C37.118-2005 before it), over TCP and UDP.
//!
//! ```text
//!  aa | type, version | size | id code | seconds | fraction | ... | CRC       (clause 6.2)
//! ```
//!
//! Files: [`frame`] header and CRC, [`configuration`] what stations a stream has, [`layout`] what is remembered of them to
//! read data frames, [`body`] what is told, [`session`] the flow.
//!
//! Bounds per flow: [`layout::MAX_STREAMS`] streams of [`layout::MAX_STATIONS`] stations.

mod body;
mod configuration;
mod data;
mod frame;
mod layout;
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

/// The protocol's name.
pub const SYNCHROPHASOR: Protocol = Protocol("synchrophasor");

/// The default ports of TCP and UDP (IEEE C37.118.2 annex F).
pub const PORTS: [u16; 2] = [4_712, 4_713];

/// A first frame longer than this is not waited for before it is recognised.
const LONGEST_PROBED: usize = 1_000;

/// The dissector of synchrophasor measurements.
#[derive(Clone, Copy, Debug)]
pub struct Synchrophasor;

impl Dissector for Synchrophasor {
    fn protocol(&self) -> Protocol {
        SYNCHROPHASOR
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        PORTS.contains(&port)
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match *bytes {
            [] | [frame::SYNC] => Probe::Need(frame::SHORTEST),
            [frame::SYNC, kind, ..] if frame::is_kind(kind) => match frame::size(bytes) {
                None => Probe::Need(frame::SHORTEST),
                Some(size) if size < frame::SHORTEST => Probe::No,
                Some(size) => match bytes.get(..size) {
                    Some(frame) if frame::is_sound(frame) => Probe::Certain,
                    Some(_) => Probe::Possible,
                    None if size > LONGEST_PROBED => Probe::Possible,
                    None => Probe::Need(size),
                },
            },
            _ => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::<FramedSession<session::Streams>>::default()
    }

    fn max_message(&self) -> usize {
        frame::LONGEST
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Station
    }
}
