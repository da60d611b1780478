//! The state of one conversation: framing, pairing, and the messages it makes of them.

use fieldwarden_model::Transport;

use crate::{
    anomaly::Anomaly,
    dissector::{Session, Step},
    message::{Body, Direction, FieldVisitor, Kind, Message, Sink},
};

use super::{
    MAX_PENDING_REQUESTS, PROTOCOL,
    check::{self, Anomalies, note},
    classify, fields,
    frame::{self, Header, MIN_ADU},
    function as f,
    pdu::{self, Content},
    pending::{Asked, Kept, Pending},
    probe::{Likeness, has_its_shape, likeness},
};

/// Places at which no message began, after which a session that never held one is not Modbus.
const MAX_MISSES: u16 = 64;

/// Requests that gateways answer in any order. The answer to one that was lost may come after those to as many later ones.
const PARALLEL: u8 = 16;

/// A conversation over TCP or UDP.
#[derive(Debug)]
pub(super) struct ModbusSession {
    transport: Transport,
    pending: Pending,
    /// Whether the framing of a direction is lost, so that only a faultless message is believed.
    searching: [bool; 2],
    /// Vendor functions seen in sound frames, one bit per code: what a search may believe besides public ones.
    vendor: u128,
    /// Whether any frame was sound.
    sound: bool,
    /// Misses so far, while no frame was sound.
    misses: u16,
    /// Answers that must yet be matched to requests asked since anything was lost, before one without request is odd.
    out_of_step: u8,
    /// Whether the cap on pending requests was told since answers last made room.
    told_full: bool,
}

/// What a message tells when asked.
pub(super) struct Adu<'a> {
    pub(super) direction: Direction,
    pub(super) header: Header,
    pub(super) content: Content<'a>,
    /// Octets that the PDU has beyond its function's shape.
    pub(super) surplus: &'a [u8],
    /// The request that this answers.
    pub(super) asked: Option<Asked>,
}

impl ModbusSession {
    /// A conversation of which nothing was seen yet.
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            pending: Pending::default(),
            searching: [false; 2],
            vendor: 0,
            sound: false,
            misses: 0,
            out_of_step: 1,
            told_full: false,
        }
    }

    fn searching(&mut self, direction: Direction) -> &mut bool {
        let [to_server, to_client] = &mut self.searching;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    /// Requests may be missing.
    fn fall_out_of_step(&mut self) {
        self.out_of_step = if self.sound { PARALLEL } else { 1 };
        self.pending.age();
    }

    /// No message begins here.
    fn miss(&mut self, direction: Direction) -> Step {
        *self.searching(direction) = true;
        self.misses = self.misses.saturating_add(1);
        if !self.sound && self.misses > MAX_MISSES { Step::GiveUp } else { Step::Lost }
    }

    /// Believes only what a search may believe.
    fn search(&mut self, direction: Direction, bytes: &[u8]) -> Option<Step> {
        match self.believe(direction, bytes) {
            Likeness::No | Likeness::Header => Some(self.miss(direction)),
            Likeness::SoFar(octets) => Some(Step::Need(octets)),
            Likeness::Whole(_) => {
                *self.searching(direction) = false;
                None
            }
        }
    }

    /// Likeness, where a vendor function that the conversation uses counts as much as a public one.
    fn believe(&self, direction: Direction, bytes: &[u8]) -> Likeness {
        let found = likeness(direction, bytes);
        let Some(header) = Header::read(bytes) else { return found };
        let public = f::is_public(header.function & !f::EXCEPTION_BIT);
        match found {
            Likeness::Header if self.knows(header.function) => Likeness::Whole(header.adu()),
            Likeness::SoFar(_) if !public && !self.knows(header.function) => Likeness::No,
            found => found,
        }
    }

    fn knows(&self, function: u8) -> bool {
        self.vendor >> (function & !f::EXCEPTION_BIT) & 1 == 1
    }

    /// A header that cannot be right: told, where the octets are Modbus at all.
    fn misframed(&mut self, direction: Direction, header: Header, sink: &mut dyn Sink) -> Step {
        let known = f::is_public(header.function & !f::EXCEPTION_BIT) || self.knows(header.function);
        if known && (self.sound || header.protocol_id == 0) {
            let mut anomalies = Anomalies::new();
            protocol_id(&header, &mut anomalies);
            if let Some(bound) = header.broken_bound() {
                let got = u64::from(header.length);
                note(&mut anomalies, Anomaly::malformed("length-out-of-range", 4, got, u64::from(bound)));
            }
            let content = Content::Raw { octets: &[] };
            let adu = Adu { direction, header, content, surplus: &[], asked: None };
            tell(&adu, Kind::Anomaly, &anomalies, sink);
        }
        self.miss(direction)
    }

    /// A whole ADU, or all that a datagram holds of it.
    fn adu(&mut self, direction: Direction, header: Header, bytes: &[u8], sink: &mut dyn Sink) {
        let pdu = frame::pdu(&header, bytes);
        let (content, surplus) = pdu::parse(direction, header.function, pdu.get(1..).unwrap_or_default());
        let mut anomalies = Anomalies::new();
        protocol_id(&header, &mut anomalies);
        if bytes.len() < header.adu() {
            let present = u64::try_from(bytes.len() - frame::PREFIX).unwrap_or(u64::MAX);
            let declared = u64::from(header.length);
            note(&mut anomalies, Anomaly::malformed("length-beyond-datagram", 4, declared, present));
        }
        check::pdu(direction, pdu, &content, &mut anomalies);
        let kind = kind(direction, &anomalies);
        if kind != Kind::Anomaly {
            self.sound = true;
            self.vendor |= u128::from(!f::is_public(header.function & !f::EXCEPTION_BIT))
                << (header.function & !f::EXCEPTION_BIT);
        }
        let mut adu = Adu { direction, header, content, surplus, asked: None };
        if header.protocol_id == 0 {
            match direction {
                Direction::ToServer => self.remember(&adu, &mut anomalies),
                Direction::ToClient => adu.asked = self.answered(&adu, &mut anomalies),
            }
        }
        tell(&adu, kind, &anomalies, sink);
    }

    fn remember(&mut self, adu: &Adu<'_>, remarks: &mut Anomalies) {
        let kept = self.pending.remember(Asked {
            transaction: adu.header.transaction,
            unit: adu.header.unit,
            function: adu.header.function,
            sub_function: adu.content.sub_function(),
            objects: adu.content.objects(adu.header.function),
            old: false,
        });
        if kept == Kept::InsteadOfOldest && !self.told_full {
            self.told_full = true;
            let cap = u64::try_from(MAX_PENDING_REQUESTS).unwrap_or(u64::MAX);
            note(remarks, Anomaly::limit("pending-requests", 0, cap + 1, cap));
        }
    }

    fn answered(&mut self, adu: &Adu<'_>, remarks: &mut Anomalies) -> Option<Asked> {
        let header = &adu.header;
        let function = header.function & !f::EXCEPTION_BIT;
        let fits = |asked: &Asked| check::fit(&adu.content, asked).is_none();
        let Some(asked) = self.pending.answer(header.transaction, header.unit, function, fits) else {
            if self.out_of_step == 0 {
                note(remarks, Anomaly::malformed("unmatched-response", 0, u64::from(header.transaction), 0));
            }
            return None;
        };
        self.out_of_step = self.out_of_step.saturating_sub(u8::from(!asked.old));
        self.told_full &= !self.pending.has_room();
        if function != asked.function {
            let (got, expected) = (u64::from(function), u64::from(asked.function));
            note(remarks, Anomaly::malformed("response-does-not-fit", frame::PDU_AT, got, expected));
            return None;
        }
        if let Some(misfit) = check::fit(&adu.content, &asked) {
            note(remarks, misfit);
        }
        Some(asked)
    }
}

impl Session for ModbusSession {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let datagram = self.transport != Transport::Tcp;
        if *self.searching(direction)
            && !datagram
            && let Some(step) = self.search(direction, bytes)
        {
            return step;
        }
        let Some(header) = Header::read(bytes) else { return Step::Need(MIN_ADU) };
        let foreign = header.protocol_id != 0 && !has_its_shape(direction, &header, bytes);
        if header.broken_bound().is_some() || foreign {
            return self.misframed(direction, header, sink);
        }
        if bytes.len() < header.adu() && !datagram {
            return Step::Need(header.adu());
        }
        self.adu(direction, header, bytes, sink);
        Step::Consumed(header.adu().min(bytes.len()))
    }

    fn gap(&mut self, direction: Direction) {
        *self.searching(direction) = true;
        self.fall_out_of_step();
    }

    fn doubt(&mut self, _direction: Direction) {
        self.fall_out_of_step();
    }

    fn resume(&mut self, direction: Direction, bytes: &[u8]) -> bool {
        let begins = frame::follow_each_other(bytes);
        *self.searching(direction) &= !begins;
        begins
    }

    fn resynchronise(&self, direction: Direction, bytes: &[u8]) -> Option<usize> {
        (0..bytes.len()).find(|&at| {
            let candidate = bytes.get(at..).unwrap_or_default();
            !matches!(self.believe(direction, candidate), Likeness::No | Likeness::Header)
        })
    }
}

impl Body for Adu<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        fields::visit(self, visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&fieldwarden_model::Operation<'_>)) {
        classify::operations(self, each);
    }
}

fn protocol_id(header: &Header, out: &mut Anomalies) {
    if header.protocol_id != 0 {
        note(out, Anomaly::malformed("unknown-protocol-id", 2, u64::from(header.protocol_id), 0));
    }
}

fn kind(direction: Direction, anomalies: &Anomalies) -> Kind {
    let malformed = anomalies.iter().any(|anomaly| anomaly.blame == crate::Blame::Malformed);
    match direction {
        _ if malformed => Kind::Anomaly,
        Direction::ToServer => Kind::Request,
        Direction::ToClient => Kind::Response,
    }
}

fn tell(adu: &Adu<'_>, kind: Kind, anomalies: &Anomalies, sink: &mut dyn Sink) {
    sink.message(&Message { protocol: PROTOCOL, kind, direction: adu.direction, anomalies, body: adu });
}
