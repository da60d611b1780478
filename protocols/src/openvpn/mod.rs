//! OpenVPN, control channel (OpenVPN 2.x protocol: "OpenVPN wire protocol", draft of the OpenVPN project), and the TLS handshake in it.
//!
//! ```text
//! TCP | length:16 | packet |       UDP | packet |
//! control packet | opcode:5 key:3 | session:64 | acks:8 | ids: acks of 32 | session of the peer:64, if acks > 0 | id:32 | TLS |
//! acknowledgement: the same without id and TLS;  data: opcode and key, then ciphertext
//! ```
//!
//! Guarantees: control packets in order are joined to TLS records of at most [`tls::MAX_RECORD`]; what is missing, or comes again, is
//! passed over. Of channels that are authenticated or encrypted (`tls-auth`, `tls-crypt`) opcode and session alone are told.
//!
//! Non-goals: data packets, which say nothing, and control packets out of order.

#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};

use fieldwarden_model::{Transport, Verb};

use crate::{
    cursor::Cursor,
    dissector::{Dissector, Notation, Ports, Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Direction, FieldValue, Joined, Protocol, Sink},
    plain::{self, Head, NoPoints, number},
    tls,
};

/// The protocol's name.
pub const PROTOCOL: Protocol = Protocol("openvpn");

/// The port servers listen on (IANA).
pub const PORT: u16 = 1_194;

/// The longest packet over TCP with its length; a tunnel's frame of 1,500 octets takes some 1,600.
pub const MAX_MESSAGE: usize = 2_049;

/// Packets that one packet acknowledges at most.
const MAX_ACKS: u8 = 8;

/// Numbers of packets end below this: a handshake takes some dozens, and where a signature stands instead, it shows.
const MAX_NUMBER: u32 = 1 << 16;

/// Octets in front of a TLS record (RFC 8446 clause 5.1).
const RECORD_HEADER: usize = 5;

/// Octets of the number of a session.
const SESSION: usize = 8;

/// Octets of a packet that opens a session and acknowledges nothing.
const RESET: usize = 14;

/// OpenVPN over TCP and UDP.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenVpn;

impl Dissector for OpenVpn {
    fn protocol(&self) -> Protocol {
        PROTOCOL
    }

    fn carried_by(&self, transport: Transport) -> bool {
        matches!(transport, Transport::Tcp | Transport::Udp)
    }

    fn well_known(&self, port: u16) -> bool {
        port == PORT
    }

    fn probe(&self, _: Direction, bytes: &[u8], ports: Ports) -> Probe {
        let at_home = ports.server == PORT;
        match *bytes {
            // Over TCP a packet of less than 2,048 octets, over UDP never an opcode.
            [0..=7] if at_home => Probe::Need(3),
            [0, 14, ref packet @ ..] if is_reset(packet) => Probe::Certain,
            [0, length, ref packet @ ..]
                if usize::from(length) == packet.len() && is_signed_reset(packet) =>
            {
                Probe::Certain
            }
            [0, length @ (14 | 42 | 54 | 86), 0x38 | 0x50, ..] | [0, length @ (54 | 66 | 98), 0x40, ..]
                if bytes.len() < 2 + usize::from(length) =>
            {
                Probe::Need(2 + usize::from(length))
            }
            [0..=7, _, first, ..] if at_home && name(first >> 3).is_some() => Probe::Possible,
            [0x38 | 0x50, ..] if bytes.len() == RESET && is_reset(bytes) => Probe::Certain,
            [0x38 | 0x40 | 0x50, ..] if is_signed_reset(bytes) => Probe::Certain,
            [first @ 8..=0x5f, ..] if at_home && name(first >> 3).is_some() => Probe::Possible,
            _ => Probe::No,
        }
    }

    fn session(&self, transport: Transport) -> Box<dyn Session> {
        let over_tcp = transport == Transport::Tcp;
        Box::new(FramedSession(Channel { over_tcp, ..Channel::default() }))
    }

    fn max_message(&self) -> usize {
        MAX_MESSAGE
    }

    fn max_memory(&self) -> usize {
        8 * MAX_MESSAGE + 4 * tls::MAX_RECORD
    }

    fn notation(&self) -> &'static dyn Notation {
        &NoPoints
    }
}

/// Whether octets begin with a client's first packet in clear.
fn is_reset(packet: &[u8]) -> bool {
    matches!(packet, [0x38 | 0x50, _, _, _, _, _, _, _, _, 0, 0, 0, 0, 0, ..])
}

/// Whether octets are the first packet of a client or a server whose control packets are signed: behind the session a signature
/// (SHA-1, SHA-256 or SHA-512), the first number of all and the time, then what a packet in clear has.
fn is_signed_reset(packet: &[u8]) -> bool {
    let is_end = |end: &[u8]| match (packet.first(), end) {
        (Some(0x38 | 0x50), [0, id @ ..]) => *id == [0; 4],
        (Some(0x40), [1, 0, 0, 0, 0, _, _, _, _, _, _, _, _, id @ ..]) => *id == [0; 4],
        _ => false,
    };
    [20, 32, 64].iter().any(|signature| {
        let signed = packet.get(9 + signature..).and_then(|rest| rest.split_first_chunk::<8>());
        matches!(signed, Some(([0, 0, 0, 1, ..], end)) if is_end(end))
    })
}

/// Opcodes of control packets and of data.
const fn name(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        1 => "hard reset client 1",
        2 => "hard reset server 1",
        3 => "soft reset",
        4 => "control",
        5 => "acknowledge",
        6 | 9 => "data",
        7 => "hard reset client",
        8 => "hard reset server",
        10 => "hard reset client 3",
        11 => "control with wrapped key",
        _ => return None,
    })
}

/// A control packet.
#[derive(Clone, Copy, Debug)]
struct Packet<'a> {
    opcode: u8,
    key: u8,
    session: &'a [u8],
    /// Its number and TLS, where they are in clear and there.
    content: Option<(u32, &'a [u8])>,
}

impl<'a> Packet<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let first = cursor.u8()?;
        let mut packet =
            Self { opcode: first >> 3, key: first & 7, session: cursor.take(SESSION)?, content: None };
        packet.content = packet.content(cursor);
        Some(packet)
    }

    fn content(&self, mut cursor: Cursor<'a>) -> Option<(u32, &'a [u8])> {
        let acks = cursor.u8().filter(|acks| *acks <= MAX_ACKS && self.opcode != 5)?;
        if acks > 0 {
            cursor.skip(usize::from(acks) * 4 + 8)?;
        }
        let number = cursor.u32().filter(|number| *number < MAX_NUMBER)?;
        Some((number, cursor.rest()))
    }

    const fn resets(&self) -> bool {
        matches!(self.opcode, 1..=3 | 7 | 8 | 10)
    }
}

/// What is joined of one direction.
#[derive(Clone, Debug, Default)]
struct Half {
    /// What its last control packet named.
    named: Option<[u8; SESSION]>,
    /// What they name, once the first one said so, or two in a row: octets that only look like a packet name something too.
    session: Option<[u8; SESSION]>,
    octets: Vec<u8>,
    /// The number of the packet that comes next.
    next: u32,
    /// Whether packets are missing, so that the next record is searched for.
    lost: bool,
}

impl Half {
    fn name(&mut self, packet: &Packet<'_>) {
        let named = packet.session.try_into().ok();
        if packet.resets() || named == self.named {
            self.session = named;
        }
        self.named = named;
    }
}

/// A session.
#[derive(Clone, Debug, Default)]
struct Channel {
    over_tcp: bool,
    halves: [Half; 2],
    records: tls::Records,
    /// Whether more than the plain channel's octets stand in its packets.
    covered: bool,
}

impl Channel {
    const fn half(&mut self, direction: Direction) -> &mut Half {
        let [to_server, to_client] = &mut self.halves;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    /// Joins what a packet carries, and tells the records that it completes.
    fn join(&mut self, direction: Direction, id: u32, content: &[u8], sink: &mut dyn Sink) {
        let half = self.half(direction);
        if id < half.next {
            return;
        }
        let missed = id > half.next;
        half.next = id.saturating_add(1);
        if missed {
            self.gap(direction);
            sink.end();
        }
        let half = self.half(direction);
        let mut octets = core::mem::take(&mut half.octets);
        let earlier = octets.len();
        octets.extend_from_slice(content);
        let done = self.records(direction, &octets, earlier, sink);
        // What is left waits for more. Moved once, however many records there were.
        octets.drain(..done);
        if done >= earlier {
            sink.end();
        }
        if !octets.is_empty() {
            sink.keep();
        }
        self.half(direction).octets = octets;
    }

    /// Tells the records at the front of `octets`, of which `earlier` came in packets before; how many octets are done with.
    fn records(&mut self, direction: Direction, octets: &[u8], earlier: usize, sink: &mut dyn Sink) -> usize {
        let mut at = 0;
        loop {
            let rest = octets.get(at..).unwrap_or_default();
            if self.half(direction).lost {
                let begins =
                    |from: &usize| rest.get(*from..).is_some_and(|rest| self.records.begins(direction, rest));
                let Some(found) = (0..rest.len()).find(begins) else {
                    // A header may have begun at the end.
                    return at + rest.len().saturating_sub(RECORD_HEADER - 1);
                };
                self.half(direction).lost = false;
                at += found;
                continue;
            }
            match self.records.extent(direction, rest) {
                Extent::Whole(length) if (1..=rest.len()).contains(&length) => {
                    let record = rest.get(..length).unwrap_or_default();
                    if at < earlier {
                        self.records.tell(direction, record, &mut Joined::new(sink));
                    } else {
                        self.records.tell(direction, record, sink);
                    }
                    at += length;
                }
                Extent::No if !rest.is_empty() => {
                    self.half(direction).lost = true;
                    at += 1;
                }
                _ => return at,
            }
        }
    }
}

impl Framed for Channel {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match *bytes {
            _ if !self.over_tcp => Extent::Whole(bytes.len()),
            [high, low, first, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                if length == 0 || length + 2 > MAX_MESSAGE || name(first >> 3).is_none() {
                    Extent::No
                } else {
                    Extent::Whole(length + 2)
                }
            }
            _ => Extent::Need(3),
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let bytes = if self.over_tcp { message.get(2..).unwrap_or_default() } else { message };
        let Some(packet) = Packet::read(bytes).filter(|packet| !matches!(packet.opcode, 6 | 9)) else {
            return;
        };
        let known = name(packet.opcode);
        if packet.resets() {
            sink.end();
            *self.half(direction) = Half::default();
            if matches!(packet.opcode, 1 | 7 | 10) {
                self.records = tls::Records::default();
                self.halves = <[Half; 2]>::default();
            }
            self.covered = packet.content.is_none_or(|(id, rest)| id != 0 || !rest.is_empty());
        }
        self.half(direction).name(&packet);
        let content = packet.content.filter(|_| !self.covered && known.is_some());
        let head = Head::new(PROTOCOL, direction);
        let verb = if known.is_some() { Verb::Associate } else { Verb::Unknown };
        let operation =
            plain::operation(verb, packet.opcode.into(), known.unwrap_or("unknown opcode"), head.kind);
        plain::tell(sink, head, &[], operation, |visitor| {
            visitor.field("opcode", number(packet.opcode));
            visitor.field("key_id", number(packet.key));
            visitor.field("session_id", FieldValue::Bytes(packet.session));
            if let Some((id, _)) = content {
                visitor.field("packet_id", number(id));
            }
        });
        if let Some((id, content)) = content {
            self.join(direction, id, content, sink);
        }
    }

    fn gap(&mut self, direction: Direction) {
        let half = self.half(direction);
        half.octets.clear();
        half.lost = true;
        self.records.gap(direction);
    }

    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool {
        let [to_server, to_client] = &self.halves;
        let known = if direction == Direction::ToServer { to_server.session } else { to_client.session };
        let of_session =
            |session: [u8; SESSION]| bytes.get(3..).is_some_and(|rest| rest.starts_with(&session));
        matches!(self.extent(direction, bytes), Extent::Whole(length) if length >= RESET)
            && known.is_none_or(of_session)
    }
}
