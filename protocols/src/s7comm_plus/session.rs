//! One flow: units to messages, answers paired with their requests.

use alloc::{collections::VecDeque, vec::Vec};

use fieldwarden_model::PointRange;

use super::{
    S7COMM_PLUS,
    body::{Encrypted, PlusMessage},
    function::Named,
    pdu::{self, EVENT, KEEP_ALIVE, Part, Pdu, opcode},
};
use crate::{
    anomaly::Anomaly,
    iso::{Upper, tell},
    message::{Direction, Joined, Kind, Sink},
};

/// Requests kept per flow.
pub(super) const MAX_PENDING: usize = 32;
/// Points kept per request; an answer names no more.
pub(super) const MAX_POINTS: usize = 16;
/// Octets of one message put together from several units; larger ones (uploads) are told by their front.
pub(super) const MAX_MESSAGE: usize = 65_536;

/// What a request asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Its verb and name.
    pub(super) named: Named,
    /// The object it touches.
    pub(super) object: Option<u32>,
    /// What it names, in order.
    pub(super) points: heapless::Vec<PointRange, MAX_POINTS>,
    function: u16,
    sequence: u16,
    towards: Direction,
}

/// What is known of the message that the next part of a direction may belong to.
#[derive(Debug, Default)]
enum Begun {
    /// It begins with that part.
    #[default]
    No,
    /// Parts of it are there.
    Yes(Parts),
    /// Parts of it may have been lost.
    Torn,
}

/// The parts of a message that are there.
#[derive(Debug)]
struct Parts {
    version: u8,
    digest: u8,
    octets: Vec<u8>,
    /// Whether octets were dropped at the cap.
    dropped: bool,
}

/// What is kept of one flow.
#[derive(Debug, Default)]
pub(super) struct PlusSession {
    pending: VecDeque<Asked>,
    begun: [Begun; 2],
    told_encrypted: bool,
}

impl Upper for PlusSession {
    fn unit(&mut self, direction: Direction, unit: &[u8], sink: &mut dyn Sink) {
        if pdu::is_encrypted(unit) {
            if !self.told_encrypted {
                self.told_encrypted = true;
                tell(S7COMM_PLUS, Kind::Report, direction, &[], &Encrypted, sink);
            }
            return;
        }
        let Some(part) = Part::read(unit) else {
            let (message, _) = Pdu::read(0, 0, &[]);
            let short = Anomaly::malformed("header-short", 0, count(unit.len()), count(pdu::HEADER));
            self.tell(direction, message, Some(short), sink);
            return;
        };
        let known = matches!(part.version, 1..=3 | EVENT | KEEP_ALIVE);
        let fault = if !known {
            Some(Anomaly::malformed("version-unknown", 1, part.version.into(), 3))
        } else if part.octets.len() + usize::from(part.digest) < part.length.saturating_sub(1) {
            Some(Anomaly::malformed("length-beyond-unit", 2, count(part.length), count(unit.len())))
        } else {
            None
        };
        self.part(direction, &part, fault, sink);
    }

    /// What was asked stands: an answer is paired by its number and its function.
    fn gap(&mut self, direction: Direction) {
        *self.begun(direction) = Begun::Torn;
    }

    fn doubt(&mut self, _: Direction) {}
}

impl PlusSession {
    fn part(&mut self, direction: Direction, part: &Part<'_>, fault: Option<Anomaly>, sink: &mut dyn Sink) {
        let alone = matches!(part.version, EVENT | KEEP_ALIVE);
        let (version, digest) = (part.version, part.digest);
        let begun = self.begun(direction);
        match core::mem::take(begun) {
            Begun::Torn if !alone && !pdu::opens(part.octets) => {
                // The rest of a message whose beginning was lost.
                if !part.last {
                    *begun = Begun::Torn;
                }
            }
            Begun::Yes(mut joined) if !alone => {
                if joined.octets.len() + part.octets.len() <= MAX_MESSAGE {
                    joined.octets.extend_from_slice(part.octets);
                } else {
                    joined.dropped = true;
                }
                if !part.last && fault.is_none() {
                    *begun = Begun::Yes(joined);
                    sink.wait();
                    return sink.keep();
                }
                let (message, whole) = Pdu::read(joined.version, joined.digest, &joined.octets);
                let cap = || Anomaly::limit("reassembly", 0, count(MAX_MESSAGE) + 1, count(MAX_MESSAGE));
                let fault = fault.or(broken(whole, &joined.octets)).or_else(|| joined.dropped.then(cap));
                self.tell(direction, message, fault, &mut Joined::new(sink));
            }
            _ if part.last || fault.is_some() => {
                let (message, whole) = Pdu::read(version, digest, part.octets);
                let fault = fault.or(broken(whole || version == KEEP_ALIVE, part.octets));
                self.tell(direction, message, fault, sink);
            }
            _ => {
                let octets = part.octets.to_vec();
                *begun = Begun::Yes(Parts { version, digest, octets, dropped: false });
                sink.keep();
            }
        }
    }

    fn begun(&mut self, direction: Direction) -> &mut Begun {
        let [to_server, to_client] = &mut self.begun;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn tell(&mut self, direction: Direction, pdu: Pdu<'_>, fault: Option<Anomaly>, sink: &mut dyn Sink) {
        let mut anomalies: heapless::Vec<Anomaly, 2> = heapless::Vec::new();
        let _ = fault.is_some_and(|fault| anomalies.push(fault).is_ok());
        let mut message = PlusMessage { pdu, asked: None };
        let asked = match pdu.opcode {
            opcode::REQUEST => {
                if self.remember(direction, &message) {
                    let cap = count(MAX_PENDING);
                    let _ = anomalies.push(Anomaly::limit("pending-requests", 0, cap + 1, cap));
                }
                None
            }
            opcode::RESPONSE | opcode::RESPONSE_OF_SESSION => self.answered(direction, &pdu),
            _ => None,
        };
        message.asked = asked.as_ref();
        let malformed = fault.is_some_and(|fault| fault.blame == crate::Blame::Malformed);
        let kind = if malformed { Kind::Anomaly } else { message.kind() };
        tell(S7COMM_PLUS, kind, direction, &anomalies, &message, sink);
    }

    /// Whether another request had to be forgotten.
    fn remember(&mut self, direction: Direction, message: &PlusMessage<'_>) -> bool {
        let Some((function, sequence)) = message.pdu.function.zip(message.pdu.sequence) else { return false };
        let mut points = heapless::Vec::new();
        message.each_point(&mut |point, _| {
            let _ = points.push(point);
        });
        let full = self.pending.len() >= MAX_PENDING;
        if full {
            self.pending.pop_front();
        }
        let (named, object) = (message.named(), message.pdu.object);
        self.pending.push_back(Asked { named, object, points, function, sequence, towards: direction });
        full
    }

    fn answered(&mut self, direction: Direction, pdu: &Pdu<'_>) -> Option<Asked> {
        let at = self.pending.iter().position(|asked| {
            Some(asked.sequence) == pdu.sequence
                && Some(asked.function) == pdu.function
                && asked.towards == direction.reversed()
        })?;
        self.pending.remove(at)
    }

    /// Requests that wait for their answer.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }
}

fn broken(whole: bool, octets: &[u8]) -> Option<Anomaly> {
    (!whole).then(|| Anomaly::malformed("message-short", 4, count(octets.len()), 0))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
