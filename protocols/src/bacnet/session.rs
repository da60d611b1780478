//! One conversation: datagrams to messages of the virtual link, network and application layers.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    anomaly::{Anomaly, Blame},
    dissector::Probe,
    framed::{Extent, Framed, FramedSession},
    message::{Body, Direction, FieldVisitor, Kind, Sink},
    telling::{self, Out, Remarks, remark, tell},
};

use super::{
    BACNET, BVLC, NETWORK,
    apdu::{Apdu, kind},
    bvll::Bvll,
    classify, fields, mstp,
    npdu::Npdu,
    pending::{Asked, Pending},
    segments::{Joined, Owner, Segments},
    service::Service,
    walk::walk,
};

/// What stands around the NPDUs of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outer {
    /// The virtual link layer of BACnet/IP.
    #[default]
    VirtualLink,
    /// Nothing: MS/TP, Ethernet, ARCNET and BACnet/SC hand over whole NPDUs.
    Nothing,
}

/// A session whose datagrams are NPDUs, for the data links that carry no virtual link layer.
#[must_use]
pub fn npdu_session() -> FramedSession<Bacnet> {
    FramedSession(Bacnet { outer: Outer::Nothing, ..Bacnet::default() })
}

/// Whether a frame below IP holds an NPDU. Frames of MS/TP that hold none, such as tokens, say nothing yet.
pub(super) fn probe_below(bytes: &[u8], is_snap: bool) -> Probe {
    let npdu = match mstp::npdu(bytes) {
        mstp::Found::Data(npdu, _) => npdu,
        mstp::Found::Other => return Probe::Possible,
        mstp::Found::None if is_snap => return Probe::No,
        mstp::Found::None => bytes,
    };
    if Npdu::is_plausible(npdu) { Probe::Certain } else { Probe::No }
}

/// The state of one conversation.
#[derive(Debug, Default)]
pub struct Bacnet {
    outer: Outer,
    segments: Segments,
    pending: Pending,
}

impl Framed for Bacnet {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        Extent::Whole(bytes.len())
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let mut remarks = Remarks::new();
        match self.outer {
            Outer::Nothing => match mstp::npdu(message) {
                mstp::Found::Data(npdu, at) => self.npdu(direction, None, npdu, at, remarks, sink),
                mstp::Found::Other => {}
                mstp::Found::None => self.npdu(direction, None, message, 0, remarks, sink),
            },
            Outer::VirtualLink => match Bvll::read(message, &mut remarks) {
                Some(bvll) => match bvll.npdu {
                    Some(npdu) => self.npdu(direction, Some(&bvll), npdu, bvll.content_at, remarks, sink),
                    None => link_message(direction, &bvll, remarks, sink),
                },
                None => {
                    let got = message.first().map_or(0, |octet| u64::from(*octet));
                    remark(
                        &mut remarks,
                        Anomaly::malformed("bvll-type", 0, got, u64::from(super::bvll::IPV4)),
                    );
                    tell(BVLC, Kind::Anomaly, direction, &remarks, &Foreign(message), sink);
                }
            },
        }
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        super::looks_like(bytes)
    }
}

impl Bacnet {
    /// Tells what one NPDU holds; `bvll` is the virtual link layer around it, `at` where it begins.
    fn npdu(
        &mut self,
        direction: Direction,
        bvll: Option<&Bvll<'_>>,
        octets: &[u8],
        at: usize,
        mut remarks: Remarks,
        sink: &mut dyn Sink,
    ) {
        let mut own = Remarks::new();
        let npdu = Npdu::read(octets, &mut own);
        let broken = !own.is_empty();
        let shift = telling::place(at);
        for found in own {
            remark(&mut remarks, Anomaly { offset: found.offset.saturating_add(shift), ..found });
        }
        if npdu.message.is_some() || broken {
            let message = NetworkMessage { bvll, npdu };
            let (_, _, kind) = npdu.describe();
            return tell(NETWORK, kind, direction, &remarks, &message, sink);
        }
        let at = telling::place(at + npdu.content_at);
        let (apdu, whole) = Apdu::read(npdu.content);
        if let Some(fault) = apdu.fault(whole, npdu.content.len(), at) {
            remark(&mut remarks, fault);
        }
        let header = Header { direction, bvll, npdu: &npdu };
        if apdu.is_piece() {
            self.piece(&header, &apdu, remarks, sink);
        } else {
            self.whole(&header, &apdu, None, remarks, sink);
        }
    }

    /// A segment: told by its header, the last one with all parameters.
    fn piece(&mut self, header: &Header<'_>, apdu: &Apdu<'_>, mut remarks: Remarks, sink: &mut dyn Sink) {
        match self.segments.push(header.owner(apdu), apdu) {
            Joined::Waiting => {}
            Joined::Odd(odd) => remark(&mut remarks, odd),
            Joined::Whole(parameters) => return self.whole(header, apdu, Some(&parameters), remarks, sink),
        }
        let message = Message { header: *header, apdu: *apdu, parameters: None, asked: None };
        tell(BACNET, apdu.message_kind(), header.direction, &remarks, &message, sink);
    }

    fn whole(
        &mut self,
        header: &Header<'_>,
        apdu: &Apdu<'_>,
        joined: Option<&[u8]>,
        mut remarks: Remarks,
        sink: &mut dyn Sink,
    ) {
        let parameters = joined.unwrap_or(apdu.parameters);
        if let Some(fault) = walk(parameters, apdu.schema(), &mut |_| {}) {
            remark(&mut remarks, fault);
        }
        let asked = self.paired(header.direction, apdu, parameters);
        let message =
            Message { header: *header, apdu: *apdu, parameters: Some(parameters), asked: asked.as_ref() };
        tell(BACNET, apdu.message_kind(), header.direction, &remarks, &message, sink);
    }

    /// Remembers a question, finds that of an answer.
    fn paired(&mut self, direction: Direction, apdu: &Apdu<'_>, parameters: &[u8]) -> Option<Asked> {
        let invoke_id = apdu.invoke_id?;
        match apdu.kind {
            kind::CONFIRMED => {
                let service = Service::of(apdu.kind, apdu.service)?;
                let state = classify::state(apdu, service);
                let mut asked =
                    Asked { direction, invoke_id, service, state, priority: 0, points: heapless::Vec::new() };
                classify::operations(apdu, parameters, None, &mut |operation| {
                    asked.priority = u16::try_from(operation.function >> 16).unwrap_or(0);
                    if let Some(points) = operation.points {
                        let _ = asked.points.push(points);
                    }
                });
                self.pending.ask(asked);
                None
            }
            kind::SIMPLE_ACK | kind::COMPLEX_ACK | kind::ERROR | kind::REJECT | kind::ABORT => {
                self.pending.answer(direction, invoke_id)
            }
            _ => None,
        }
    }

    /// Unfinished APDUs.
    #[cfg(test)]
    pub(super) fn unfinished(&self) -> usize {
        self.segments.len()
    }
}

/// What stands around an APDU.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    pub(super) direction: Direction,
    pub(super) bvll: Option<&'a Bvll<'a>>,
    pub(super) npdu: &'a Npdu<'a>,
}

impl Header<'_> {
    fn owner(&self, apdu: &Apdu<'_>) -> Owner {
        let station = self.npdu.source.or(self.npdu.destination).unwrap_or_default();
        Owner {
            direction: self.direction,
            network: station.network,
            station: station.address.iter().fold(0, |sum, &octet| sum << 8 | u64::from(octet)),
            kind: apdu.kind,
            invoke_id: apdu.invoke_id.unwrap_or(0),
        }
    }
}

/// A message of the application layer.
pub(super) struct Message<'a> {
    pub(super) header: Header<'a>,
    pub(super) apdu: Apdu<'a>,
    /// All parameters; none of a segment that others must join.
    pub(super) parameters: Option<&'a [u8]>,
    pub(super) asked: Option<&'a Asked>,
}

impl Body for Message<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        fields::visit(self, visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        if let Some(parameters) = self.parameters {
            classify::operations(&self.apdu, parameters, self.asked, each);
        }
    }
}

/// A message of the network layer.
struct NetworkMessage<'a> {
    bvll: Option<&'a Bvll<'a>>,
    npdu: Npdu<'a>,
}

impl Body for NetworkMessage<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut out = Out(visitor);
        if let Some(bvll) = self.bvll {
            bvll.fields(&mut out);
        }
        self.npdu.fields(&mut out);
        self.npdu.message_fields(&mut out);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let Some(message) = self.npdu.message else { return };
        let (verb, name, kind) = self.npdu.describe();
        each(&plain(verb, name, kind, 0x200 | u32::from(message)));
    }
}

/// A message of the virtual link layer.
struct LinkMessage<'a>(&'a Bvll<'a>);

fn link_message(direction: Direction, bvll: &Bvll<'_>, mut remarks: Remarks, sink: &mut dyn Sink) {
    if !bvll.is_known() {
        remark(&mut remarks, Anomaly::unsupported("bvll-function", 1, u64::from(bvll.function)));
    } else if !bvll.fits() && !remarks.iter().any(|found| found.blame == Blame::Malformed) {
        let got = telling::number(bvll.content.len());
        remark(&mut remarks, Anomaly::malformed("bvll-content-length", 4, got, 0));
    }
    let (_, _, kind) = bvll.describe();
    tell(BVLC, kind, direction, &remarks, &LinkMessage(bvll), sink);
}

impl Body for LinkMessage<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut out = Out(visitor);
        self.0.fields(&mut out);
        self.0.content_fields(&mut out);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name, kind) = self.0.describe();
        each(&plain(verb, name, kind, 0x300 | u32::from(self.0.function)));
    }
}

fn plain(verb: Verb, name: &'static str, kind: Kind, function: u32) -> Operation<'static> {
    let outcome = match kind {
        Kind::Request => Outcome::Asked,
        Kind::Response => Outcome::Done,
        Kind::Report | Kind::Anomaly => Outcome::Reported,
    };
    Operation { verb, function, name, unit: None, points: None, values: None, outcome }
}

/// Octets that are no BACnet.
struct Foreign<'a>(&'a [u8]);

impl Body for Foreign<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        Out(visitor).octets("data", self.0.get(..self.0.len().min(64)).unwrap_or_default());
    }

    fn operations(&self, _: &mut dyn FnMut(&Operation<'_>)) {}
}
