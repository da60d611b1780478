//! One flow on the transport: packets to transport units to service data units, each handed to the protocol it begins like.
//!
//! Several protocols share port 102, and some stations speak two of them on one connection. So whoever recognised the
//! flow, the same session reads it, and the octets of each unit say whose it is.

use alloc::boxed::Box;

use super::{
    Assembly, COTP, Connecting, ConnectionUnit, MAX_TSDU, MalformedUnit, Packet, Tpdu, TpduFault, Unit,
    follow_each_other,
};
use crate::{
    anomaly::Anomaly,
    dissector::{Session, Step},
    message::{Body, Direction, Joined, Kind, Message, Protocol, Sink},
};

/// Service data units that no protocol here knows, before any that one does, after which the flow is left to others.
/// More than one, since a capture may begin within a segmented unit.
pub const MAX_FOREIGN: u8 = 4;

/// A protocol above the transport.
pub trait Upper: Send {
    /// Takes one service data unit that begins like its protocol.
    fn unit(&mut self, direction: Direction, unit: &[u8], sink: &mut dyn Sink);

    /// Octets are missing in this direction.
    fn gap(&mut self, direction: Direction);

    /// A request may be missing in this direction, but may still come.
    fn doubt(&mut self, direction: Direction);
}

/// How a protocol above the transport is recognised and begun.
pub struct Speaker {
    /// Whether a service data unit that begins with these octets is one of the protocol.
    pub begins: fn(&[u8]) -> bool,
    /// Whether a service data unit is one of the protocol and hardly the rest of another, as which it may come behind a gap.
    pub sure: fn(&[u8]) -> bool,
    /// Whether a whole unit that begins like none is nearest to this one, and so a broken message of it.
    pub resembles: fn(&[u8]) -> bool,
    /// A fresh state.
    pub begin: fn() -> Box<dyn Upper>,
}

/// Every protocol above the transport, in the order in which they are asked.
static SPEAKERS: [&Speaker; SPOKEN] =
    [&crate::s7comm::SPEAKER, &crate::s7comm_plus::SPEAKER, &crate::mms::SPEAKER];
const SPOKEN: usize = 3;

/// The parser state of one flow.
#[derive(Default)]
pub struct IsoSession {
    assembly: Assembly,
    upper: [Option<Box<dyn Upper>>; SPOKEN],
    recognised: bool,
    foreign: u8,
    /// Whether a connection was asked for or confirmed, so that broken packets are those of a broken peer.
    connected: bool,
    /// Whether the next data unit of a direction, to the server and to the client, may be the rest of one that was lost.
    torn: [bool; 2],
    /// Whether octets may be missing, for those above that have not begun yet.
    missing: bool,
}

impl Session for IsoSession {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let (unit, length) = match Packet::read(bytes) {
            Packet::Whole(unit, length) => (unit, length),
            Packet::Need(total) => return Step::Need(total),
            // Behind a request for a connection that was lost, a confirm of a wrong length comes first.
            Packet::TooShort(_) if !self.recognised => {
                self.foreign = self.foreign.saturating_add(1);
                return if self.foreign < MAX_FOREIGN { Step::Lost } else { Step::GiveUp };
            }
            Packet::Foreign(_) if !self.recognised => {
                return if self.tolerates() { Step::Lost } else { Step::GiveUp };
            }
            Packet::TooShort(told) => {
                malformed(direction, bytes, Anomaly::malformed("tpkt-length", 2, told.into(), 7), sink);
                return Step::Lost;
            }
            Packet::Foreign(head) => {
                malformed(direction, bytes, Anomaly::malformed("tpkt-header", 0, head.into(), 0x0300), sink);
                return Step::Lost;
            }
        };
        match Tpdu::read(unit) {
            Ok(Tpdu::Data { last, user }) => {
                if !self.data(direction, user, last, sink) {
                    return Step::GiveUp;
                }
            }
            Ok(Tpdu::Connection(unit)) => self.connection(direction, unit, sink),
            Ok(Tpdu::Other(kind)) if self.recognised => {
                malformed(direction, unit, Anomaly::unsupported("cotp-type", 5, kind.into()), sink);
            }
            Err(fault) if self.recognised => malformed(direction, unit, fault_of(fault), sink),
            Ok(Tpdu::Other(_)) | Err(_) if self.tolerates() => {}
            Ok(Tpdu::Other(_)) | Err(_) => return Step::GiveUp,
        }
        Step::Consumed(length)
    }

    fn gap(&mut self, direction: Direction) {
        self.assembly.forget(direction);
        self.upper.iter_mut().flatten().for_each(|upper| upper.gap(direction));
        *self.torn(direction) = true;
        self.missing = true;
    }

    fn doubt(&mut self, direction: Direction) {
        self.missing = true;
        self.upper.iter_mut().flatten().for_each(|upper| upper.doubt(direction));
    }

    fn resume(&mut self, _direction: Direction, bytes: &[u8]) -> bool {
        follow_each_other(bytes)
    }

    fn resynchronise(&self, _direction: Direction, bytes: &[u8]) -> Option<usize> {
        (0..bytes.len()).find(|at| bytes.get(*at..).is_some_and(begins_message))
    }
}

impl IsoSession {
    /// Whether something that cannot be read, before anything that can, may be passed over.
    fn tolerates(&mut self) -> bool {
        self.foreign = self.foreign.saturating_add(1);
        self.connected && self.foreign < MAX_FOREIGN
    }

    fn torn(&mut self, direction: Direction) -> &mut bool {
        of(&mut self.torn, direction)
    }

    /// Takes one data unit; false when the flow is to be left to others.
    fn data(&mut self, direction: Direction, user: &[u8], last: bool, sink: &mut dyn Sink) -> bool {
        let torn = self.torn(direction);
        if *torn && !SPEAKERS.iter().any(|speaker| (speaker.sure)(user)) {
            *torn = !last;
            return true;
        }
        *torn = false;
        match self.assembly.push(direction, user, last) {
            Unit::Whole(unit) => self.unit(direction, unit, sink),
            Unit::Joined(unit) => self.unit(direction, &unit, &mut Joined::new(sink)),
            Unit::Waiting => {
                sink.keep();
                true
            }
            Unit::Nothing => true,
            Unit::TooLong(length) => {
                sink.end();
                if self.recognised {
                    let cap = Anomaly::limit("reassembly", 0, count(length), count(MAX_TSDU));
                    malformed(direction, user, cap, sink);
                }
                true
            }
        }
    }

    /// Takes one service data unit; false when the flow is to be left to others.
    fn unit(&mut self, direction: Direction, unit: &[u8], sink: &mut dyn Sink) -> bool {
        let Some(first) = unit.first() else { return true };
        let begins = SPEAKERS.iter().position(|speaker| (speaker.begins)(unit));
        let spoken = begins.or_else(|| SPEAKERS.iter().position(|speaker| (speaker.resembles)(unit)));
        if let Some((speaker, upper)) =
            spoken.and_then(|n| SPEAKERS.get(n).copied().zip(self.upper.get_mut(n)))
        {
            self.recognised = true;
            let missing = self.missing;
            upper.get_or_insert_with(|| begin(speaker, missing)).unit(direction, unit, sink);
            return true;
        }
        if self.recognised {
            malformed(direction, unit, Anomaly::unsupported("protocol-id", 0, (*first).into()), sink);
            return true;
        }
        self.foreign = self.foreign.saturating_add(1);
        self.foreign < MAX_FOREIGN
    }

    fn connection(&mut self, direction: Direction, unit: Connecting<'_>, sink: &mut dyn Sink) {
        let kind = match (unit.is_request(), unit.is_confirm()) {
            (true, _) => Kind::Request,
            (_, true) => Kind::Response,
            _ => Kind::Report,
        };
        self.connected = true;
        self.assembly.forget(direction);
        sink.end();
        *self.torn(direction) = false;
        tell(COTP, kind, direction, &[], &ConnectionUnit(unit), sink);
    }
}

/// Begins a protocol, which may have to do without what was said before.
fn begin(speaker: &Speaker, missing: bool) -> Box<dyn Upper> {
    let mut upper = (speaker.begin)();
    if missing {
        upper.doubt(Direction::ToServer);
    }
    upper
}

/// What is kept of a direction.
const fn of(both: &mut [bool; 2], direction: Direction) -> &mut bool {
    let [to_server, to_client] = both;
    match direction {
        Direction::ToServer => to_server,
        Direction::ToClient => to_client,
    }
}

/// Whether a service data unit of a protocol that is known here begins so.
fn begins_unit(user: &[u8]) -> bool {
    SPEAKERS.iter().any(|speaker| (speaker.begins)(user))
}

/// Whether a message begins here: a packet with a data unit that begins like a known protocol.
fn begins_message(front: &[u8]) -> bool {
    match front {
        [3, 0, _, _, 2, super::DATA, 0 | 0x80, user @ ..] => begins_unit(user),
        _ => false,
    }
}

fn malformed(direction: Direction, octets: &[u8], anomaly: Anomaly, sink: &mut dyn Sink) {
    tell(COTP, Kind::Anomaly, direction, &[anomaly], &MalformedUnit(octets), sink);
}

/// Hands a message to the sink.
pub fn tell(
    protocol: Protocol,
    kind: Kind,
    direction: Direction,
    anomalies: &[Anomaly],
    body: &dyn Body,
    sink: &mut dyn Sink,
) {
    sink.message(&Message { protocol, kind, direction, anomalies, body });
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn fault_of(fault: TpduFault) -> Anomaly {
    match fault {
        TpduFault::BeyondPacket { got, available } => {
            Anomaly::malformed("cotp-length", 4, got.into(), count(available))
        }
        TpduFault::HeaderShort { got, least } => {
            Anomaly::malformed("cotp-header-short", 4, got.into(), least.into())
        }
    }
}
