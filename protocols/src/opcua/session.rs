//! One connection: chunks, the channel's security, messages joined and paired.

use alloc::vec::Vec;

use fieldwarden_model::Operation;

use crate::{
    Cursor,
    anomaly::Anomaly,
    framed::{Extent, Framed},
    message::{Body, Direction, FieldVisitor, Joined, Kind, Sink},
    telling::{Remarks, number, place, remark, tell},
};

use super::{
    PROTOCOL,
    binary::{Identifier, expanded_node_id},
    chunks::{Chunks, MAX_MESSAGE},
    classify,
    content::{self, Said},
    fields,
    frame::{self, Front, HEADER, Secured},
    notation,
    pending::{Asked, MAX_POINTS, Pending},
    service::{self, Service},
};

/// The state of one connection.
#[derive(Debug, Default)]
pub(super) struct OpcUa {
    chunks: [Chunks; 2],
    pending: Pending,
    /// Whether the policy of the channel is that without security, once an opening was seen.
    open: Option<bool>,
    /// Whether messages of a secured channel can be read: they are signed alone. Known from the first.
    readable: Option<bool>,
}

/// What a service message holds.
#[derive(Clone, Copy)]
pub(super) struct Served<'a> {
    /// The identifier of the type, in namespace 0.
    pub(super) identifier: u32,
    pub(super) service: Option<Service>,
    pub(super) answer: bool,
    /// What stands behind the type.
    pub(super) body: &'a [u8],
}

impl<'a> Served<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let node = expanded_node_id(&mut cursor)?;
        let Identifier::Numeric(identifier) = node.id else { return None };
        if node.namespace != 0 {
            return None;
        }
        let found = service::of(identifier);
        Some(Self {
            identifier,
            service: found.map(|(service, _)| service),
            answer: found.is_some_and(|(_, answer)| answer),
            body: cursor.rest(),
        })
    }
}

/// A chunk, and the message that it completes.
pub(super) struct Chunk<'a> {
    pub(super) direction: Direction,
    pub(super) front: Front,
    /// All octets behind the front.
    pub(super) content: &'a [u8],
    pub(super) secured: Option<Secured<'a>>,
    /// Whether what stands behind the security header is encrypted.
    pub(super) encrypted: bool,
    pub(super) served: Option<Served<'a>>,
    pub(super) asked: Option<&'a Asked>,
    pub(super) pending: &'a Pending,
}

impl Framed for OpcUa {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Front::read(bytes) {
            Some(front) => Extent::Whole(front.size),
            None if bytes.len() < HEADER && frame::may_begin(bytes) => Extent::Need(HEADER),
            None => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(front) = Front::read(message) else { return };
        let mut remarks = Remarks::new();
        if front.is_secured() {
            self.secured(direction, front, message, remarks, sink);
            return;
        }
        let content = message.get(HEADER..).unwrap_or_default();
        if fields::transport(&front, content, &mut |_| {}).is_none() {
            let got = number(content.len());
            remark(&mut remarks, Anomaly::malformed("transport-cut-short", 8, got, got + 1));
        }
        let kind = match &front.kind {
            b"HEL" => Kind::Request,
            b"ACK" => Kind::Response,
            _ => Kind::Report,
        };
        let chunk = Chunk {
            direction,
            front,
            content,
            secured: None,
            encrypted: false,
            served: None,
            asked: None,
            pending: &self.pending,
        };
        tell(PROTOCOL, kind, direction, &remarks, &chunk, sink);
    }

    fn gap(&mut self, direction: Direction) {
        self.of(direction).forget(None);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        match Front::read(bytes) {
            Some(_) => true,
            None => bytes.len() < HEADER && bytes.len() > 3 && frame::may_begin(bytes),
        }
    }
}

impl OpcUa {
    fn of(&mut self, direction: Direction) -> &mut Chunks {
        let [to_server, to_client] = &mut self.chunks;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn secured(
        &mut self,
        direction: Direction,
        front: Front,
        message: &[u8],
        mut remarks: Remarks,
        sink: &mut dyn Sink,
    ) {
        let hidden = self.is_hidden(&front, message);
        let Some(secured) = Secured::read(&front, message, hidden) else {
            let got = number(message.len());
            remark(&mut remarks, Anomaly::malformed("security-header", 8, got, got + 1));
            return self.finish(direction, front, message, None, None, remarks, sink);
        };
        if let Some(open) = secured.is_open() {
            self.open = Some(open);
            self.readable = None;
        }
        let Some((_, request_id)) = secured.sequence else {
            return self.finish(direction, front, message, Some(secured), None, remarks, sink);
        };
        match front.chunk {
            b'C' => {
                if !self.of(direction).keep(request_id, secured.body) {
                    let cap = number(MAX_MESSAGE);
                    remark(&mut remarks, Anomaly::limit("reassembly", 24, cap + 1, cap));
                } else {
                    sink.keep();
                }
                self.finish(direction, front, message, Some(secured), None, remarks, sink);
            }
            b'A' => {
                self.of(direction).forget(Some(request_id));
                self.finish(direction, front, message, Some(secured), None, remarks, sink);
            }
            _ => {
                let joined: Option<Vec<u8>> = self.of(direction).complete(request_id, secured.body);
                match joined {
                    Some(body) => {
                        if self.of(direction).is_waiting() {
                            sink.wait();
                        }
                        let sink = &mut Joined::new(sink);
                        self.finish(direction, front, message, Some(secured), Some(&body), remarks, sink);
                    }
                    None => {
                        let body = Some(secured.body);
                        self.finish(direction, front, message, Some(secured), body, remarks, sink);
                    }
                }
            }
        }
    }

    /// Whether a chunk is encrypted: where the channel has a policy, or its opening was not seen, the type of its message tells.
    fn is_hidden(&mut self, front: &Front, message: &[u8]) -> bool {
        if &front.kind == b"OPN" || self.open == Some(true) {
            return false;
        }
        if let Some(readable) = self.readable {
            return !readable;
        }
        let served = Secured::read(front, message, false).and_then(|secured| Served::read(secured.body));
        if self.open == Some(false) {
            let known = served.is_some_and(|served| served.service.is_some());
            self.readable = Some(known);
            return !known;
        }
        // Where the opening was not seen, a type says that it is clear; a chunk in the middle of a message says nothing.
        if served.is_some_and(|served| served.service.is_some()) {
            self.readable = Some(true);
        }
        served.is_none() && front.chunk == b'F'
    }

    #[expect(clippy::too_many_arguments, reason = "what was read so far")]
    fn finish(
        &mut self,
        direction: Direction,
        front: Front,
        message: &[u8],
        secured: Option<Secured<'_>>,
        body: Option<&[u8]>,
        mut remarks: Remarks,
        sink: &mut dyn Sink,
    ) {
        let encrypted = secured.is_some_and(|secured| secured.sequence.is_none());
        let served = body.and_then(Served::read);
        let request_id = secured.and_then(|secured| secured.sequence).map_or(0, |(_, request_id)| request_id);
        let asked = served.and_then(|served| self.paired(&served, request_id));
        if body.is_some() {
            check(served.as_ref(), &mut remarks);
        }
        let chunk = Chunk {
            direction,
            front,
            content: message.get(HEADER..).unwrap_or_default(),
            secured,
            encrypted,
            served,
            asked: asked.as_ref(),
            pending: &self.pending,
        };
        tell(PROTOCOL, chunk.kind(), direction, &remarks, &chunk, sink);
    }

    /// Remembers a question, finds that of an answer.
    fn paired(&mut self, served: &Served<'_>, request_id: u32) -> Option<Asked> {
        let service = served.service?;
        if served.answer {
            return self.pending.answer(request_id);
        }
        let mut asked = Asked { request_id, service: service.request, points: Vec::new() };
        let mut watched = None;
        let pending = &mut self.pending;
        content::walk(service.request, false, served.body, &mut |said| match said {
            Said::Node(node, attribute) => {
                let point = notation::point(&node, attribute);
                watched = Some(point);
                if asked.points.len() < MAX_POINTS {
                    asked.points.push(point);
                }
            }
            Said::Number("item_handles", handle) => {
                if let (Some(point), Ok(handle)) = (watched.take(), u32::try_from(handle)) {
                    pending.watch(handle, point);
                }
            }
            _ => {}
        });
        self.pending.ask(asked);
        None
    }

    /// Questions that wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }
}

fn check(served: Option<&Served<'_>>, remarks: &mut Remarks) {
    let Some(served) = served else {
        return remark(remarks, Anomaly::malformed("type-unreadable", 24, 0, 0));
    };
    match served.service {
        None => remark(remarks, Anomaly::unsupported("unknown-service", 24, u64::from(served.identifier))),
        Some(found) => {
            if content::walk(found.request, served.answer, served.body, &mut |_| {}).is_none() {
                let got = number(served.body.len());
                remark(remarks, Anomaly::malformed("parameters-cut-short", place(24), got, got + 1));
            }
        }
    }
}

impl Chunk<'_> {
    fn kind(&self) -> Kind {
        match (self.served.map(|served| served.answer), self.direction) {
            (Some(true), _) | (None, Direction::ToClient) => Kind::Response,
            (Some(false), _) | (None, Direction::ToServer) => Kind::Request,
        }
    }
}

impl Body for Chunk<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        fields::visit(self, visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        classify::operations(self, each);
    }
}
