//! Modbus as serial lines frame it, RTU and ASCII, carried over TCP: what serial device servers and transparent gateways pass on.
//! The framing is read in [`crate::modbus`], beside the functions and checks that all framings share.
//!
//! Guarantees: a frame is believed only where its CRC or LRC is right; one question is remembered per flow, and no more than
//! 513 octets are kept.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    dissector::{Dissector, Notation, Ports, Probe, Session},
    message::{Direction, Protocol},
    modbus::{self, serial},
};

/// The protocol's name.
pub const MODBUS_SERIAL: Protocol = Protocol("modbus_serial");

/// Modbus RTU and ASCII over TCP.
#[derive(Clone, Copy, Debug)]
pub struct ModbusSerial;

impl Dissector for ModbusSerial {
    fn protocol(&self) -> Protocol {
        MODBUS_SERIAL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn well_known(&self, _port: u16) -> bool {
        // Device servers take any port: the octets alone decide.
        false
    }

    fn probe(&self, direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        serial::probe(direction, bytes)
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        serial::session(MODBUS_SERIAL)
    }

    fn max_message(&self) -> usize {
        serial::MAX_FRAME
    }

    fn notation(&self) -> &'static dyn Notation {
        modbus::NOTATION
    }
}
