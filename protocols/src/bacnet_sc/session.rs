//! A connection: WebSocket frames to messages, and NPDUs to the dissector of BACnet.

use alloc::{borrow::Cow, vec::Vec};

use fieldwarden_model::Verb;

use super::{
    MAX_JOINED, PROTOCOL,
    message::{Bvlc, function},
    websocket::{Header, Read, opcode},
};
use crate::{
    anomaly::{Anomaly, Blame},
    bacnet::{Bacnet, is_npdu, npdu_session},
    dissector::{Probe, Session, Step},
    framed::FramedSession,
    message::{Direction, Kind, Sink},
    plain::{self, Head},
    telling,
};

/// A connection in clear.
pub(super) struct Connection {
    /// The message that is not whole yet, of each direction.
    joined: [Vec<u8>; 2],
    npdus: FramedSession<Bacnet>,
}

impl Default for Connection {
    fn default() -> Self {
        Self { joined: Default::default(), npdus: npdu_session() }
    }
}

/// Certain where a binary frame holds a whole message without a fault that nothing else would look like: a connect, or an NPDU.
pub(super) fn probe(bytes: &[u8]) -> Probe {
    let header = match Header::read(bytes) {
        Read::Whole(header) if header.opcode == opcode::BINARY && header.last => header,
        Read::Need(octets) if matches!(bytes, [] | [0x82, ..]) => return Probe::Need(octets),
        _ => return Probe::No,
    };
    if !is_front(&header, bytes) {
        return Probe::No;
    }
    let Some(payload) = bytes.get(header.size..header.size + header.length) else {
        return Probe::Need(header.size + header.length);
    };
    let payload = plain_of(&header, payload);
    let bvlc = Bvlc::read(&payload);
    if !bvlc.faults(payload.len()).is_empty() {
        return Probe::No;
    }
    match bvlc.function {
        function::CONNECT | function::ACCEPT => Probe::Certain,
        function::NPDU if is_npdu(bvlc.payload) => Probe::Certain,
        _ => Probe::Possible,
    }
}

/// Whether the payload of a binary frame begins as a message does; of a frame that is longer than the octets, what there is.
fn is_front(header: &Header, bytes: &[u8]) -> bool {
    if header.length < 4 {
        return false;
    }
    let front = bytes.get(header.size..).and_then(|payload| payload.first_chunk::<4>());
    front.is_none_or(|front| Bvlc::may_begin(&header.front(*front)))
}

/// The payload without its mask. A client masks all of it, so those are copied.
fn plain_of<'a>(header: &Header, payload: &'a [u8]) -> Cow<'a, [u8]> {
    header.unmasked(payload).map_or(Cow::Borrowed(payload), Cow::Owned)
}

impl Connection {
    const fn joined(&mut self, direction: Direction) -> &mut Vec<u8> {
        let [to_server, to_client] = &mut self.joined;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn frame(&mut self, direction: Direction, header: &Header, payload: &[u8], sink: &mut dyn Sink) {
        match header.opcode {
            opcode::BINARY if header.last => self.message(direction, payload, sink),
            opcode::BINARY | opcode::CONTINUATION => self.fragment(direction, header, payload, sink),
            opcode::TEXT => {
                // A peer must close the connection for it (AB.7.5.3).
                let fault = [Anomaly::malformed("text-frame", 0, opcode::TEXT.into(), opcode::BINARY.into())];
                let head = Head::new(PROTOCOL, direction).of_kind(Kind::Anomaly);
                let text = payload.get(..payload.len().min(256)).unwrap_or_default();
                plain::tell(sink, head, &fault, None, |visitor| visitor.field("text", plain::words(text)));
            }
            opcode::CLOSE => close(direction, payload, sink),
            opcode::PING | opcode::PONG => {}
            _ => {}
        }
    }

    fn fragment(&mut self, direction: Direction, header: &Header, payload: &[u8], sink: &mut dyn Sink) {
        let mut joined = core::mem::take(self.joined(direction));
        if header.opcode == opcode::BINARY {
            joined.clear();
        } else if joined.is_empty() {
            // Its front was not seen, or was too long.
            return;
        }
        if joined.len() + payload.len() > MAX_JOINED {
            let found = telling::number(joined.len() + payload.len());
            let limit = [Anomaly::limit("fragments", 0, found, telling::number(MAX_JOINED))];
            let head = Head::new(PROTOCOL, direction).of_kind(Kind::Report);
            plain::tell(sink, head, &limit, None, |_| {});
            return;
        }
        joined.extend_from_slice(payload);
        if header.last {
            self.message(direction, &joined, sink);
        } else {
            *self.joined(direction) = joined;
        }
    }

    fn message(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        let bvlc = Bvlc::read(octets);
        let remarks = bvlc.faults(octets.len());
        telling::tell(PROTOCOL, bvlc.kind(), direction, &remarks, &bvlc, sink);
        let broken = remarks.iter().any(|remark| remark.blame == Blame::Malformed);
        if bvlc.function == function::NPDU && !broken {
            let _ = self.npdus.step(direction, bvlc.payload, sink);
        }
    }
}

/// The end of a connection, and the code that says why (RFC 6455 clause 7.4).
fn close(direction: Direction, payload: &[u8], sink: &mut dyn Sink) {
    let head = Head::new(PROTOCOL, direction).of_kind(Kind::Report);
    let operation = plain::operation(Verb::Associate, 0x500, "close", Kind::Report);
    plain::tell(sink, head, &[], operation, |visitor| {
        visitor.field("function_name", plain::words(b"close"));
        if let Some((&code, reason)) = payload.split_first_chunk::<2>() {
            visitor.field("close_code", plain::number(u16::from_be_bytes(code)));
            if !reason.is_empty() {
                visitor.field("reason", plain::words(reason));
            }
        }
    });
}

impl Session for Connection {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let header = match Header::read(bytes) {
            Read::Whole(header) => header,
            Read::Need(octets) => return Step::Need(octets),
            Read::No => return Step::Lost,
        };
        let total = header.size + header.length;
        let Some(payload) = bytes.get(header.size..total) else { return Step::Need(total) };
        self.frame(direction, &header, &plain_of(&header, payload), sink);
        Step::Consumed(total)
    }

    fn gap(&mut self, direction: Direction) {
        *self.joined(direction) = Vec::new();
    }

    fn resynchronise(&self, _: Direction, bytes: &[u8]) -> Option<usize> {
        (0..bytes.len()).find(|at| {
            let rest = bytes.get(*at..).unwrap_or_default();
            match Header::read(rest) {
                Read::Whole(header) => {
                    header.last && header.opcode == opcode::BINARY && is_front(&header, rest)
                }
                _ => false,
            }
        })
    }
}
