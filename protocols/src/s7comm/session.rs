//! One flow: packets to transport units to S7 messages.

use super::{
    body::S7Message,
    content::Content,
    item::Items,
    pdu::{Findings, PROTOCOL_ID, Pdu, count},
    pending::{Asked, Pending},
};
use crate::{
    anomaly::Anomaly,
    dissector::{Session, Step},
    iso::{
        self, Assembly, COTP, Connecting, ConnectionUnit, MAX_TSDU, MalformedUnit, Packet, Tpdu, TpduFault,
        Unit,
    },
    message::{Body, Direction, Kind, Message, Sink},
};

/// Service data units of other protocols, before any of S7, after which the flow is left to others. More than one,
/// since a capture may begin within a segmented unit.
pub(super) const MAX_FOREIGN: u8 = 4;
/// The protocol identifier of S7 communication plus, which some stations speak on the same connection.
pub(super) const PROTOCOL_ID_PLUS: u8 = 0x72;

/// The parser state of one flow.
#[derive(Debug, Default)]
pub(super) struct S7Session {
    assembly: Assembly,
    pending: Pending,
    recognised: bool,
    foreign: u8,
    /// Whether the next data unit of a direction, to the server and to the client, may be the rest of one that was lost.
    torn: [bool; 2],
}

impl Session for S7Session {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let (unit, length) = match Packet::read(bytes) {
            Packet::Whole(unit, length) => (unit, length),
            Packet::Need(total) => return Step::Need(total),
            Packet::TooShort(_) | Packet::Foreign(_) if !self.recognised => return Step::GiveUp,
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
            Ok(Tpdu::Other(_)) | Err(_) => return Step::GiveUp,
        }
        Step::Consumed(length)
    }

    fn gap(&mut self, direction: Direction) {
        self.assembly.forget(direction);
        self.pending.gap();
        *self.torn(direction) = true;
    }

    fn doubt(&mut self, _direction: Direction) {
        self.pending.gap();
    }

    fn resume(&mut self, _direction: Direction, bytes: &[u8]) -> bool {
        iso::follow_each_other(bytes)
    }

    fn resynchronise(&self, _direction: Direction, bytes: &[u8]) -> Option<usize> {
        bytes.windows(9).position(super::begins_message)
    }
}

impl S7Session {
    fn torn(&mut self, direction: Direction) -> &mut bool {
        let [to_server, to_client] = &mut self.torn;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    /// Takes one data unit; false when the flow is to be left to others.
    fn data(&mut self, direction: Direction, user: &[u8], last: bool, sink: &mut dyn Sink) -> bool {
        let torn = self.torn(direction);
        if *torn && !super::begins_unit(user) {
            *torn = !last;
            return true;
        }
        *torn = false;
        match self.assembly.push(direction, user, last) {
            Unit::Whole(unit) => self.unit(direction, unit, sink),
            Unit::Joined(unit) => self.unit(direction, &unit, sink),
            Unit::Waiting => true,
            Unit::TooLong(length) => {
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
        match unit.first() {
            Some(&PROTOCOL_ID) => {
                self.recognised = true;
                self.message(direction, unit, sink);
            }
            None => {}
            Some(_) if !self.recognised => {
                self.foreign = self.foreign.saturating_add(1);
                return self.foreign < MAX_FOREIGN;
            }
            Some(&PROTOCOL_ID_PLUS) => {}
            Some(&other) => {
                malformed(direction, unit, Anomaly::unsupported("protocol-id", 0, other.into()), sink);
            }
        }
        true
    }

    fn message(&mut self, direction: Direction, unit: &[u8], sink: &mut dyn Sink) {
        let mut findings = Findings::default();
        let pdu = Pdu::read(unit, &mut findings);
        let (content, function) = Content::read(&pdu, &mut findings);
        let mut message = S7Message { pdu, content, function, asked: None };
        let asked = match message.kind() {
            Kind::Request => {
                self.remember(direction, &message, &mut findings);
                None
            }
            Kind::Response => self.answered(direction, &message, &mut findings),
            Kind::Report | Kind::Anomaly => None,
        };
        message.asked = asked.as_ref();
        message.name_by_job();
        let kind = if findings.broken() { Kind::Anomaly } else { message.kind() };
        tell(super::S7COMM, kind, direction, findings.list(), &message, sink);
        if let Some(asked) = asked {
            self.pending.recycle(asked);
        }
    }

    fn remember(&mut self, direction: Direction, message: &S7Message<'_>, findings: &mut Findings) {
        let Some((reference, function)) = message.pdu.reference.zip(message.function) else { return };
        let items = match &message.content {
            Content::Variables(_, items, _) => items.clone(),
            _ => Items::new(&[], 0),
        };
        if let Some(limit) = self.pending.ask(direction, reference, function, items, message.object()) {
            findings.remark(limit);
        }
    }

    fn answered(
        &mut self,
        direction: Direction,
        message: &S7Message<'_>,
        findings: &mut Findings,
    ) -> Option<Asked> {
        let reference = message.pdu.reference?;
        let asked = self.pending.answer(direction, reference);
        match &asked {
            None if self.pending.expects_jobs() => {
                findings.remark(Anomaly::malformed("answer-without-job", 4, reference.into(), 0));
            }
            Some(asked) if message.contradicts(asked) => {
                let got = message.function.map_or(0, |function| function.number);
                let expected = asked.function.map_or(0, |function| function.number);
                findings.remark(Anomaly::malformed(
                    "answer-to-other-function",
                    12,
                    got.into(),
                    expected.into(),
                ));
            }
            _ => {}
        }
        asked
    }

    fn connection(&mut self, direction: Direction, unit: Connecting<'_>, sink: &mut dyn Sink) {
        let kind = match (unit.is_request(), unit.is_confirm()) {
            (true, _) => Kind::Request,
            (_, true) => Kind::Response,
            _ => Kind::Report,
        };
        self.assembly.forget(direction);
        *self.torn(direction) = false;
        tell(COTP, kind, direction, &[], &ConnectionUnit(unit), sink);
    }

    /// Jobs that wait for their answer.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }
}

fn malformed(direction: Direction, octets: &[u8], anomaly: Anomaly, sink: &mut dyn Sink) {
    tell(COTP, Kind::Anomaly, direction, &[anomaly], &MalformedUnit(octets), sink);
}

fn tell(
    protocol: crate::message::Protocol,
    kind: Kind,
    direction: Direction,
    anomalies: &[Anomaly],
    body: &dyn Body,
    sink: &mut dyn Sink,
) {
    sink.message(&Message { protocol, kind, direction, anomalies, body });
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
