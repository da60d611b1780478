//! ProConOS: the run-time system of KW-Software in controllers of Phoenix Contact and others, in both dialects it speaks.
//!
//! ```text
//!  native, TCP port 20547
//!  | cc | 01 | 00 | function | flags | sequence | length LE | that many octets | CRC-16 LE of all before |
//!
//!  remoting (eCLR), TCP port 41100: services named `Ade.Remoting.Services...`, then called by handle and method
//!  | 0001 LE | type LE | 0000 | length LE | handle LE | method LE | 0000 | check LE | that many octets |
//!  type: 0 bind a service by name, 1 its handle, 2 call, 3 result
//! ```
//!
//! There is no published standard. Native: the script `proconos-info` of Digital Bond (Redpoint) and the study of T. Deneut
//! (CVE-2014-9195), whose nine frames agree with a CRC-16 of the polynomial 0x1021, reflected, from 0. Remoting: the same
//! study, the service declarations that KW-Software published with its eCLR firmware kit, and a capture read octet by octet.
//!
//! Bounds per flow: [`MAX_SERVICES`] bound services, [`MAX_BINDS`] binds not yet answered, one message of [`MAX_MESSAGE`].

mod native;
mod remoting;
mod service;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, PlainNotation, Ports, Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, Protocol, Sink},
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("proconos");

/// The port of the native dialect.
pub const NATIVE_PORT: u16 = 20_547;

/// The port of the remoting dialect.
pub const REMOTING_PORT: u16 = 41_100;

/// The longest message: a header and what its 16-bit length can tell.
pub const MAX_MESSAGE: usize = 65_551;

/// Services remembered by handle; beyond, calls are told by handle alone and the bind is remarked as `services`.
pub const MAX_SERVICES: usize = 32;

/// Binds remembered until they are answered; beyond, the answer is not matched and the bind is remarked as `pending-binds`.
pub const MAX_BINDS: usize = 16;

/// ProConOS over TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProConOs;

impl Dissector for ProConOs {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, port: u16) -> bool {
        matches!(port, NATIVE_PORT | REMOTING_PORT)
    }

    fn probe(&self, _: Direction, bytes: &[u8], _: Ports) -> Probe {
        match extent(bytes) {
            Extent::No => Probe::No,
            Extent::Need(octets) => Probe::Need(octets),
            Extent::Whole(length) => match bytes.get(..length) {
                None => Probe::Need(length),
                Some(message) if native::is_sound(message) || remoting::names_a_service(message) => {
                    Probe::Certain
                }
                Some(_) => Probe::Possible,
            },
        }
    }

    fn session(&self, _: Transport) -> Box<dyn Session> {
        Box::<FramedSession<Conversation>>::default()
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn notation(&self) -> &'static dyn Notation {
        &PlainNotation
    }
}

/// How long the message at the front is, in whichever dialect.
fn extent(bytes: &[u8]) -> Extent {
    match bytes.first() {
        Some(&native::MAGIC) => native::extent(bytes),
        Some(&remoting::VERSION) => remoting::extent(bytes),
        _ => Extent::No,
    }
}

/// One flow.
#[derive(Debug, Default)]
struct Conversation {
    services: remoting::Services,
}

impl Framed for Conversation {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        extent(bytes)
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        if message.first() == Some(&native::MAGIC) {
            native::tell(direction, message, sink);
        } else {
            self.services.tell(direction, message, sink);
        }
    }

    fn gap(&mut self, _: Direction) {
        self.services.forget_binds();
    }

    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool {
        match extent(bytes) {
            Extent::Whole(length) => match bytes.first() {
                Some(&native::MAGIC) => bytes.get(..length).is_some_and(native::is_sound),
                _ => remoting::begins(direction, bytes),
            },
            _ => false,
        }
    }
}
