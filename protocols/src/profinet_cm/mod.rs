//! PROFINET context management (IEC 61158-6-10): connect, read, write, control and release between IO controllers,
//! supervisors and devices, above connectionless DCE/RPC on UDP port 34964 and ports agreed there.
//!
//! ```text
//!  DCE/RPC | request:  ArgsMaximum | ArgsLength | MaximumCount | Offset | ActualCount | blocks ...
//!          | response: PNIOStatus  | ArgsLength | MaximumCount | Offset | ActualCount | blocks ...
//!  block   | type | length, from behind it | version, two octets | content
//! ```
//!
//! Files: [`block`] walks blocks, [`body`] tells others. The session is that of [`crate::dcerpc`], which puts fragmented calls
//! together; a line of `dcerpc` and one of `profinet_cm` tell each call.

mod block;
mod body;
mod notation;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use fieldwarden_model::Transport;

use crate::{
    anomaly::Anomaly,
    dcerpc::{self, Connectionless, DatagramSession, Uuid},
    dissector::{Dissector, Notation, Ports, Probe, Session},
    message::{Direction, Kind, Message, Protocol, Sink},
};

/// The protocol's name.
pub const PROFINET_CM: Protocol = Protocol("profinet_cm");

/// The registered port ("PROFInet Context Manager").
pub const PORT: u16 = 34_964;

/// Interfaces of device, controller, supervisor and parameter server differ in the lowest bits of their first part.
const INTERFACES: u128 = 0xdea0_0000_6c97_11d1_8271_00a0_2442_df7d;

/// The dissector of PROFINET context management.
#[derive(Clone, Copy, Debug)]
pub struct ProfinetCm;

/// Whether an interface is one of PROFINET IO.
pub(crate) fn is_interface(interface: Uuid) -> bool {
    (1..=4).any(|part: u128| interface.0 == INTERFACES | part << 96)
}

/// Tells what one call carries.
pub(crate) fn tell(direction: Direction, header: &Connectionless<'_>, stub: &[u8], sink: &mut dyn Sink) {
    let call = body::Call::read(header, stub);
    let fault: Option<Anomaly> = call.fault();
    let kind = match (fault, call.is_request()) {
        (Some(_), _) => Kind::Anomaly,
        (None, true) => Kind::Request,
        (None, false) => Kind::Response,
    };
    sink.message(&Message {
        protocol: PROFINET_CM,
        kind,
        direction,
        anomalies: fault.as_slice(),
        body: &call,
    });
}

impl Dissector for ProfinetCm {
    fn protocol(&self) -> Protocol {
        PROFINET_CM
    }

    fn beneath(&self) -> &'static [Protocol] {
        &[dcerpc::DCERPC]
    }

    fn carried_by(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
        match Connectionless::read(bytes) {
            Some(header) if is_interface(header.interface) => Probe::Certain,
            Some(_) => Probe::Possible,
            None => Probe::No,
        }
    }

    fn session(&self, _transport: Transport) -> Box<dyn Session> {
        Box::<DatagramSession>::default()
    }

    fn max_message(&self) -> usize {
        65_535
    }

    fn notation(&self) -> &'static dyn Notation {
        &notation::Records
    }
}
