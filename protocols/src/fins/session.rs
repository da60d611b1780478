//! One flow: envelopes, frames, and what answers what.

use alloc::collections::VecDeque;

use fieldwarden_model::Transport;

use super::{
    FINS, FINS_TCP, MAX_PENDING,
    body::{EnvelopeBody, FrameBody, Named},
    command,
    frame::{self, ENVELOPE, Envelope, Found, Frame, HEADER},
};
use crate::{
    anomaly::{Anomaly, Blame},
    framed::{Extent, Framed},
    message::{Body, Direction, Kind, Message, Protocol, Sink},
};

/// Anomalies of one message.
type Findings = heapless::Vec<Anomaly, 4>;

/// A request as its answer needs it.
#[derive(Clone, Copy, Debug)]
struct Kept {
    service: u8,
    command: u16,
    named: Named,
}

/// The parser state of one flow.
#[derive(Debug)]
pub(super) struct FinsFlow {
    transport: Transport,
    pending: VecDeque<Kept>,
    told_full: bool,
}

impl FinsFlow {
    /// A fresh one.
    pub(super) fn new(transport: Transport) -> Self {
        Self { transport, pending: VecDeque::new(), told_full: false }
    }
}

impl Framed for FinsFlow {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Envelope::read(bytes) {
            Found::Whole(envelope) => Extent::Whole(envelope.total()),
            Found::Need(octets) => Extent::Need(octets),
            Found::No if self.transport == Transport::Tcp => Extent::No,
            Found::No if bytes.len() < HEADER => Extent::Need(HEADER),
            Found::No => Extent::Whole(bytes.len()),
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Found::Whole(envelope) = Envelope::read(message) else {
            return self.frame(direction, message, sink);
        };
        let data = message.get(ENVELOPE..).unwrap_or_default();
        let kind = match (envelope.command, direction) {
            (0, _) => Kind::Request,
            (1, _) => Kind::Response,
            (_, Direction::ToServer) => Kind::Request,
            (_, Direction::ToClient) => Kind::Response,
        };
        let mut findings = Findings::new();
        if envelope.command > 6 {
            let _ = findings.push(Anomaly::unsupported("unknown-tcp-command", 8, envelope.command.into()));
        }
        tell(FINS_TCP, kind, direction, &findings, &EnvelopeBody { envelope, data }, sink);
        if envelope.command == frame::FRAME_SEND {
            self.frame(direction, data, sink);
        }
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        matches!(Envelope::read(bytes), Found::Whole(envelope) if envelope.command <= 6)
    }
}

impl FinsFlow {
    fn frame(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        let Some(frame) = Frame::read(octets) else { return };
        let mut findings = Findings::new();
        if frame.control & 0x80 == 0 || frame.reserved != 0 {
            let got = u64::from(frame.control) << 8 | u64::from(frame.reserved);
            let _ = findings.push(Anomaly::malformed("header", 0, got, 0x8000));
        }
        if frame.is_response() && frame.response.is_none() {
            let _ = findings.push(Anomaly::malformed("response-code-missing", 12, 0, 2));
        }
        if !command::is_known(frame.command) {
            let _ = findings.push(Anomaly::unsupported("unknown-command", 10, frame.command.into()));
        }
        let mut named = Named::of(&frame);
        if frame.is_response() {
            named = self.answered(&frame);
        } else {
            if named.is_none() && command::describe(frame.command).0 != fieldwarden_model::Verb::Unknown {
                let got = u64::try_from(frame.text.len()).unwrap_or(u64::MAX);
                if matches!(frame.command, command::READ | command::WRITE | command::FILL | command::COPY) {
                    let _ = findings.push(Anomaly::malformed("text-too-short", 12, got, 6));
                }
            }
            let kept =
                Kept { service: frame.service, command: frame.command, named: named.unwrap_or_default() };
            if let Some(limit) = self.remember(kept) {
                let _ = findings.push(limit);
            }
        }
        let kind = if frame.is_response() { Kind::Response } else { Kind::Request };
        tell(FINS, kind, direction, &findings, &FrameBody { frame, named }, sink);
    }

    fn remember(&mut self, kept: Kept) -> Option<Anomaly> {
        self.pending.retain(|old| (old.service, old.command) != (kept.service, kept.command));
        let mut limit = None;
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
            if !core::mem::replace(&mut self.told_full, true) {
                let cap = u64::try_from(MAX_PENDING).unwrap_or(u64::MAX);
                limit = Some(Anomaly::limit("pending-requests", 9, cap + 1, cap));
            }
        }
        self.pending.push_back(kept);
        limit
    }

    fn answered(&mut self, frame: &Frame<'_>) -> Option<Named> {
        let at = self
            .pending
            .iter()
            .position(|kept| kept.service == frame.service && kept.command == frame.command)?;
        let kept = self.pending.remove(at)?;
        self.told_full &= self.pending.len() > MAX_PENDING / 2;
        (kept.named != Named::default()).then_some(kept.named)
    }
}

fn tell(
    protocol: Protocol,
    kind: Kind,
    direction: Direction,
    findings: &Findings,
    body: &dyn Body,
    sink: &mut dyn Sink,
) {
    let broken = findings.iter().any(|anomaly| anomaly.blame == Blame::Malformed);
    let kind = if broken { Kind::Anomaly } else { kind };
    sink.message(&Message { protocol, kind, direction, anomalies: findings, body });
}
