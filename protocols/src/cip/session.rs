//! One flow: encapsulation packets, the CIP messages inside them, and what answers what.

use super::{
    CIP, ENIP, MAX_ANOMALIES, MAX_DEPTH, MAX_PARTS,
    body::CipMessage,
    connection::{Close, Connections, Open, Opened},
    encap::{self, HEADER, Header, Item},
    enip::EnipPacket,
    packet::{Packet, class, service},
    pending::{Asked, Key, Pending},
};
use crate::{
    anomaly::{Anomaly, Blame},
    framed::{Extent, Framed},
    message::{Body, Direction, Kind, Message, Protocol, Sink},
};

/// Anomalies of one message.
type Findings = heapless::Vec<Anomaly, MAX_ANOMALIES>;

/// The parser state of one flow.
#[derive(Debug, Default)]
pub(super) struct CipFlow {
    pending: Pending,
    connections: Connections,
}

impl Framed for CipFlow {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        let Some(header) = Header::read(bytes) else { return Extent::Need(HEADER) };
        let known = encap::command_name(header.command).is_some();
        if header.is_plausible() || (known && header.length_fits() && header.status <= 0xff) {
            Extent::Whole(header.total())
        } else {
            Extent::No
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(header) = Header::read(message) else { return };
        let packet = EnipPacket { header, data: message.get(HEADER..).unwrap_or_default(), direction };
        let mut findings = Findings::new();
        check(&packet, &mut findings);
        let address =
            find(&packet, encap::CONNECTED_ADDRESS).and_then(|item| crate::Cursor::new(item.data).u32_le());
        let unconnected = find(&packet, encap::UNCONNECTED_DATA);
        let connected = find(&packet, encap::CONNECTED_DATA).and_then(|item| {
            let mut cursor = crate::Cursor::new(item.data);
            Some((cursor.u16_le()?, cursor.rest()))
        });
        let octets = match (unconnected, connected) {
            (Some(item), _) => Some(item.data),
            (None, Some((_, octets))) => Some(octets),
            (None, None) => None,
        };
        let answers = match octets.and_then(|octets| octets.first()) {
            Some(head) => head & 0x80 != 0,
            None => direction == Direction::ToClient,
        };
        let kind = if answers { Kind::Response } else { Kind::Request };
        tell(ENIP, kind, direction, &findings, &packet, sink);
        if let Some(item) = unconnected {
            let key = Key::Context(header.session, header.context);
            self.cip(direction, key, item.data, None, sink);
        } else if let Some((sequence, octets)) = connected {
            self.cip(direction, Key::Sequence(sequence), octets, address, sink);
        }
    }

    fn gap(&mut self, _: Direction) {
        self.pending.gap();
    }

    fn doubt(&mut self, _: Direction) {
        self.pending.gap();
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        begins(bytes)
    }
}

/// Whether a packet begins here, by its header alone, so that it does not matter how much of it is there yet.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let Some(header) = Header::read(bytes) else { return false };
    let known = encap::command_name(header.command).is_some() && header.is_plausible();
    let tells = match header.command {
        encap::SEND_RR_DATA | encap::SEND_UNIT_DATA => header.session != 0,
        // Nothing but zeros says little.
        encap::NOP | 1 => false,
        _ => true,
    };
    known && header.length_fits() && tells
}

fn find<'a>(packet: &EnipPacket<'a>, kind: u16) -> Option<Item<'a>> {
    packet.items()?.find(|item| item.kind == kind)
}

/// What is wrong with an encapsulation packet.
fn check(packet: &EnipPacket<'_>, findings: &mut Findings) {
    let header = &packet.header;
    if header.options != 0 {
        note(findings, Anomaly::malformed("options-not-zero", 20, header.options.into(), 0));
    }
    if encap::command_name(header.command).is_none() {
        note(findings, Anomaly::unsupported("unknown-command", 0, header.command.into()));
    }
    if !header.length_fits() {
        note(findings, Anomaly::malformed("length-does-not-fit", 2, header.length.into(), 4));
    }
    let Some(mut items) = packet.items() else {
        if header.carries_data() && header.status == 0 {
            note(findings, Anomaly::malformed("items-missing", 2, header.length.into(), 8));
        }
        return;
    };
    for item in items.by_ref() {
        let present = u64::try_from(item.data.len()).unwrap_or(u64::MAX);
        if present < u64::from(item.declared) {
            note(findings, Anomaly::malformed("item-too-short", 24, present, item.declared.into()));
        }
    }
    if items.left() > 0 {
        note(findings, Anomaly::malformed("items-missing", 24, items.left().into(), 0));
    }
}

impl CipFlow {
    /// Takes the CIP message of a packet.
    fn cip(
        &mut self,
        direction: Direction,
        key: Key,
        octets: &[u8],
        address: Option<u32>,
        sink: &mut dyn Sink,
    ) {
        let Some(packet) = Packet::read(octets) else { return };
        let connection = address.and_then(|id| self.connections.path(id));
        if packet.response {
            let fits = |asked: &[u8]| Packet::read(asked).is_some_and(|asked| answers(&packet, &asked));
            let asked = self.pending.answer(direction, key, fits);
            let mut findings = Findings::new();
            if asked.is_none() && self.pending.expects_requests() {
                note(&mut findings, Anomaly::malformed("unmatched-response", 0, packet.service.into(), 0));
            }
            let request = asked.as_ref().and_then(|asked| Packet::read(&asked.octets));
            tell_response(direction, &packet, request, connection, findings, sink);
            if let Some(asked) = asked {
                self.keep_connection(&packet, &asked);
                self.pending.recycle(asked);
            }
            return;
        }
        let of_close = if packet.is_of_connection_manager() && packet.service == service::FORWARD_CLOSE {
            Close::read(packet.data).and_then(|close| self.connections.path_of(close.triad))
        } else {
            None
        };
        let mut findings = Findings::new();
        if let Some(limit) = self.pending.ask(direction, key, octets) {
            note(&mut findings, limit);
        }
        let place = Place { connection: connection.or(of_close), depth: 0, sent_on: false };
        tell_request(direction, &packet, place, findings, sink);
    }

    /// Remembers a connection that was opened, and forgets one that was closed.
    fn keep_connection(&mut self, packet: &Packet<'_>, asked: &Asked) {
        let Some(asked) = Packet::read(&asked.octets) else { return };
        if packet.status != 0 || !asked.is_of_connection_manager() {
            return;
        }
        match asked.service {
            service::FORWARD_OPEN | service::LARGE_FORWARD_OPEN => {
                let large = asked.service == service::LARGE_FORWARD_OPEN;
                if let (Some(opened), Some(open)) = (Opened::read(packet.data), Open::read(asked.data, large))
                {
                    self.connections.open(&opened, open.path);
                }
            }
            service::FORWARD_CLOSE => {
                if let Some(close) = Close::read(asked.data) {
                    self.connections.close(close.triad);
                }
            }
            _ => {}
        }
    }
}

/// Whether a message can answer a request: by its service, or through the unconnected send that carried it.
fn answers(packet: &Packet<'_>, asked: &Packet<'_>) -> bool {
    packet.service == asked.service || carried(asked).is_some_and(|inner| inner.service == packet.service)
}

/// The message that an unconnected send carries.
fn carried<'a>(asked: &Packet<'a>) -> Option<Packet<'a>> {
    let sends = asked.service == service::UNCONNECTED_SEND && asked.target().is(class::CONNECTION_MANAGER);
    if sends { Packet::read(asked.embedded()?.message) } else { None }
}

/// Where a request stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The path of the connection it came over.
    connection: Option<&'a [u8]>,
    /// Messages around it.
    depth: usize,
    /// Whether an unconnected send carried it.
    sent_on: bool,
}

fn tell_request(
    direction: Direction,
    packet: &Packet<'_>,
    place: Place<'_>,
    mut findings: Findings,
    sink: &mut dyn Sink,
) {
    sound(packet, &mut findings);
    let body = CipMessage { sent_on: place.sent_on, ..CipMessage::alone(*packet, place.connection) };
    let tell_inner = |inner: &[u8], sent_on: bool, sink: &mut dyn Sink| {
        if let Some(inner) = Packet::read(inner) {
            let place = Place { connection: None, depth: place.depth + 1, sent_on };
            tell_request(direction, &inner, place, Findings::new(), sink);
        }
    };
    if packet.is_multiple() {
        parts_are_there(packet, &mut findings);
    }
    cut(&body, &mut findings);
    tell(CIP, Kind::Request, direction, &findings, &body, sink);
    if place.depth >= MAX_DEPTH {
        return;
    }
    if packet.is_multiple() {
        packet.parts().take(MAX_PARTS).for_each(|part| tell_inner(part, place.sent_on, sink));
    } else if packet.service == service::UNCONNECTED_SEND
        && packet.target().is(class::CONNECTION_MANAGER)
        && let Some(embedded) = packet.embedded()
    {
        tell_inner(embedded.message, true, sink);
    }
}

fn tell_response(
    direction: Direction,
    packet: &Packet<'_>,
    asked: Option<Packet<'_>>,
    connection: Option<&[u8]>,
    mut findings: Findings,
    sink: &mut dyn Sink,
) {
    sound(packet, &mut findings);
    let mut body = CipMessage { asked, ..CipMessage::alone(*packet, connection) };
    if let Some(asked) = asked
        && let Some(inner) = carried(&asked)
        && inner.service == packet.service
    {
        body.asked = Some(inner);
        body.via = Some(asked.path);
    }
    if packet.is_multiple() && !packet.data.is_empty() {
        parts_are_there(packet, &mut findings);
    }
    cut(&body, &mut findings);
    tell(CIP, Kind::Response, direction, &findings, &body, sink);
    if packet.is_multiple() {
        let mut questions = body.asked.filter(Packet::is_multiple).map(|asked| asked.parts());
        for part in packet.parts().take(MAX_PARTS) {
            let question = questions.as_mut().and_then(Iterator::next).and_then(Packet::read);
            let Some(part) = Packet::read(part) else { continue };
            let question = question.filter(|question| question.service == part.service);
            let mut findings = Findings::new();
            sound(&part, &mut findings);
            let body = CipMessage { asked: question, ..CipMessage::alone(part, None) };
            cut(&body, &mut findings);
            tell(CIP, Kind::Response, direction, &findings, &body, sink);
        }
    }
}

/// Whether path or status are whole.
fn sound(packet: &Packet<'_>, findings: &mut Findings) {
    if packet.missing > 0 {
        let missing = u64::try_from(packet.missing).unwrap_or(u64::MAX);
        note(findings, Anomaly::malformed("message-too-short", 1, missing, 0));
    }
}

/// Whether the data are long enough for the service.
fn cut(body: &CipMessage<'_>, findings: &mut Findings) {
    if body.is_cut() {
        let present = u64::try_from(body.packet.data.len()).unwrap_or(u64::MAX);
        note(findings, Anomaly::malformed("data-too-short", 2, present, present + 1));
    }
}

/// Whether a multiple service packet holds what it announces.
fn parts_are_there(packet: &Packet<'_>, findings: &mut Findings) {
    let mut parts = packet.parts();
    let told = u64::try_from(parts.by_ref().count()).unwrap_or(u64::MAX);
    if parts.left() > 0 {
        note(findings, Anomaly::malformed("services-missing", 0, told, told + u64::from(parts.left())));
    }
    let cap = u64::try_from(MAX_PARTS).unwrap_or(u64::MAX);
    if told > cap {
        note(findings, Anomaly::limit("services", 0, told, cap));
    }
}

fn note(findings: &mut Findings, anomaly: Anomaly) {
    // What does not fit adds nothing to the verdict.
    let _ = findings.push(anomaly);
}

fn tell(
    protocol: Protocol,
    kind: Kind,
    direction: Direction,
    findings: &Findings,
    body: &dyn Body,
    sink: &mut dyn Sink,
) {
    let broken = findings
        .iter()
        .any(|anomaly| anomaly.blame == Blame::Malformed && anomaly.code != "unmatched-response");
    let kind = if broken { Kind::Anomaly } else { kind };
    sink.message(&Message { protocol, kind, direction, anomalies: findings, body });
}
