//! Which protocol a flow speaks, found by looking at its octets, and handing them to its parser.
//!
//! Every dissector may look at the first octets of each direction, on any port. One that is certain gets the flow; one
//! that thinks it possible gets it only on its well-known port, and only when no other dissector of that port still
//! wants more octets. After [so many](Tries) fruitless turns, datagrams or octets a flow on other ports is let
//! alone, which costs nothing from then on; on a well-known port the dissectors of that port look on without end, so that nobody
//! hides behind a burst of noise, and the others do not, so that the noise is cheap. Neither measure depends on how a stream is
//! cut into segments.
//! Below IP only those look whose EtherType (or what stands for it) a frame has.

use fieldwarden_model::{FrameRef, Transport};
use fieldwarden_protocols::{
    Anomaly, Direction, Dissector, Message, Ports, Probe, Session, Step, stream::StreamParser,
};

use super::{
    Observer, TrackEvent,
    flow::{Flow, well_known},
    half::Half,
    scene::{Carried, Delivery, Scene},
    tries::Tries,
    verdict::{Verdict, begins_inside, is_tls, probe},
};

/// Octets kept per direction while a dissector wants more of them before it can tell.
const MAX_PROBED_OCTETS: usize = 1_024;

/// How far recognition has come.
pub(super) enum Recognition {
    /// Not yet recognised.
    Looking {
        /// What was looked at in vain.
        tries: Tries,
        /// Segments whose octets a dissector wants more of, in order of arrival.
        kept: Vec<Kept>,
    },
    /// A stream that is being parsed.
    Stream(StreamParser),
    /// Datagrams that are being parsed.
    Datagrams(Box<dyn Session>),
    /// Let alone.
    Unrecognised,
}

/// A segment kept for recognition.
pub(super) struct Kept {
    direction: Direction,
    frame: FrameRef,
    octets: Vec<u8>,
}

impl Recognition {
    pub(super) fn fresh() -> Self {
        Self::Looking { tries: Tries::default(), kept: Vec::new() }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Looking { kept, .. } => kept.iter().map(|kept| kept.octets.capacity()).sum(),
            Self::Stream(parser) => parser.memory(),
            Self::Datagrams(_) | Self::Unrecognised => 0,
        }
    }

    /// The other side acknowledges more octets of a direction than were seen.
    pub(super) fn doubt(&mut self, direction: Direction) {
        if let Self::Stream(parser) = self {
            parser.doubt(direction);
        }
    }

    /// Whether anybody looks at the octets.
    pub(super) const fn looks(&self) -> bool {
        !matches!(self, Self::Unrecognised)
    }

    /// Octets of the stream are missing in a direction.
    pub(super) fn gap(&mut self, direction: Direction) {
        match self {
            Self::Looking { kept, tries } => {
                kept.retain(|kept| kept.direction != direction);
                tries.tear();
            }
            Self::Stream(parser) => parser.gap(direction),
            Self::Datagrams(session) => session.gap(direction),
            Self::Unrecognised => {}
        }
    }
}

/// Hands in-order octets of a stream on.
pub(super) fn stream<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    octets: &[u8],
    carried: Carried<'_>,
) {
    if let Recognition::Stream(parser) = &mut flow.recognition {
        let mut delivery = Delivery {
            observer: scene.observer,
            time: scene.time,
            carried,
            key: &flow.key,
            kept: &mut flow.kept,
            vlan: &flow.vlan,
            client_mac: flow.client_mac,
            server_mac: flow.server_mac,
        };
        parser
            .feed(direction, octets, carried.own(), &mut |message, frames| delivery.message(message, frames));
        if parser.given_up() {
            flow.recognition = Recognition::Unrecognised;
            scene.event(flow, direction, TrackEvent::GivenUp);
        }
        return;
    }
    match core::mem::replace(&mut flow.recognition, Recognition::Unrecognised) {
        Recognition::Looking { tries, kept } => {
            let segment = Segment { direction, octets, carried };
            look(scene, flow, &segment, tries, kept);
        }
        other => flow.recognition = other,
    }
}

/// A segment of a stream that is not recognised yet.
#[derive(Clone, Copy)]
struct Segment<'a> {
    direction: Direction,
    octets: &'a [u8],
    carried: Carried<'a>,
}

impl<'a> Segment<'a> {
    /// Its octets behind those kept of its direction, put together in `joined` where there are any.
    fn behind<'j>(&self, kept: &[Kept], joined: &'j mut Vec<u8>) -> &'j [u8]
    where
        'a: 'j,
    {
        joined.clear();
        for kept in kept.iter().filter(|kept| kept.direction == self.direction) {
            joined.extend_from_slice(&kept.octets);
        }
        if joined.is_empty() {
            return self.octets;
        }
        joined.extend_from_slice(self.octets);
        joined
    }
}

/// Looks at a segment together with those kept of its direction; where they show nothing, without the first of them, and so on:
/// a message may begin with any.
fn look<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    segment: &Segment<'_>,
    mut tries: Tries,
    mut kept: Vec<Kept>,
) {
    let Segment { direction, octets, carried } = *segment;
    let ports = flow.ports();
    let mut joined = Vec::new();
    loop {
        let front = segment.behind(&kept, &mut joined);
        match probe(scene.dissectors, Transport::Tcp, direction, front, ports, tries) {
            Verdict::Is(dissector) => {
                let found = Found { dissector, encrypted: is_tls(front), torn: tries.are_torn() };
                return take(scene, flow, segment, &found, kept);
            }
            Verdict::More if front.len() < MAX_PROBED_OCTETS => {
                kept.push(Kept { direction, frame: carried.own(), octets: octets.to_vec() });
                flow.recognition = Recognition::Looking { tries, kept };
                return;
            }
            Verdict::More | Verdict::No => {}
        }
        if tries.is_first() && is_tls(front) {
            scene.event(flow, direction, TrackEvent::Encrypted);
        }
        let earlier = kept.iter().position(|kept| kept.direction == direction);
        if earlier.is_none()
            && let Some(octets) = joined_late(scene, flow, segment, tries)
        {
            tries.tear();
            return look(scene, flow, &Segment { octets, ..*segment }, tries, kept);
        }
        let fruitless = earlier.map_or(octets.len(), |at| kept.remove(at).octets.len());
        tries = tries.octets(direction, fruitless);
        if earlier.is_none() {
            flow.recognition = next_try(scene.dissectors, Transport::Tcp, ports, tries, kept);
            return;
        }
    }
}

/// Where a message begins in a segment of a flow whose beginning was not seen.
fn joined_late<'o, O: Observer>(
    scene: &Scene<'_, O>,
    flow: &Flow<O::Flow>,
    segment: &Segment<'o>,
    tries: Tries,
) -> Option<&'o [u8]> {
    let late = tries.are_torn() || !flow.halves.iter().any(Half::is_opened);
    if late && !tries.are_over() {
        begins_inside(scene.dissectors, segment.direction, segment.octets, flow.ports())
    } else {
        None
    }
}

/// What recognised a stream.
struct Found {
    dissector: &'static dyn Dissector,
    /// Whether the handshake of TLS is told, and then no more.
    encrypted: bool,
    /// Whether octets were lost before.
    torn: bool,
}

/// Parses a stream from now on, what was kept of it first.
fn take<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    segment: &Segment<'_>,
    found: &Found,
    kept: Vec<Kept>,
) {
    let Found { dissector, encrypted, torn } = *found;
    recognised(scene, flow, segment.direction, dissector);
    if encrypted {
        scene.event(flow, segment.direction, TrackEvent::Encrypted);
    }
    let mut parser = StreamParser::new(dissector.session(Transport::Tcp), dissector.max_message());
    if torn || !flow.halves.iter().any(Half::is_opened) {
        // Joined in the middle: requests may be under way, and messages half said.
        parser.doubt(Direction::ToServer);
        parser.doubt(Direction::ToClient);
    }
    // What the other side said is its own affair where it cannot be this protocol.
    let other = segment.direction.reversed();
    let said: Vec<u8> =
        kept.iter().filter(|kept| kept.direction == other).flat_map(|kept| &kept.octets).copied().collect();
    let foreign = !said.is_empty() && dissector.probe(other, &said, flow.ports()) == Probe::No;
    for early in kept.into_iter().filter(|kept| !(foreign && kept.direction == other)) {
        let carried = Carried::Late(early.frame);
        feed(scene, flow, &mut parser, early.direction, &early.octets, carried);
    }
    feed(scene, flow, &mut parser, segment.direction, segment.octets, segment.carried);
    keep_parser(flow, parser);
}

/// Whether a message plausibly begins right at the front of `octets`, of which nothing was handed on yet.
pub(super) fn begins<O: Observer>(
    scene: &Scene<'_, O>,
    flow: &Flow<O::Flow>,
    direction: Direction,
    octets: &[u8],
) -> bool {
    match &flow.recognition {
        Recognition::Stream(parser) => parser.begins(direction, octets),
        Recognition::Looking { tries, .. } => {
            let verdict = probe(scene.dissectors, Transport::Tcp, direction, octets, flow.ports(), *tries);
            matches!(verdict, Verdict::Is(_))
        }
        Recognition::Datagrams(_) | Recognition::Unrecognised => true,
    }
}

/// Hands one datagram on.
pub(super) fn datagram<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    ports: Ports,
    octets: &[u8],
) {
    let transport = flow.key.transport;
    let (mut session, tries) = match core::mem::replace(&mut flow.recognition, Recognition::Unrecognised) {
        Recognition::Datagrams(session) => (session, Tries::default()),
        Recognition::Looking { tries, .. } => {
            let Verdict::Is(dissector) = probe(scene.dissectors, transport, direction, octets, ports, tries)
            else {
                flow.recognition = next_try(scene.dissectors, transport, ports, tries.datagram(), Vec::new());
                return;
            };
            recognised(scene, flow, direction, dissector);
            (dissector.session(transport), tries)
        }
        other @ (Recognition::Stream(_) | Recognition::Unrecognised) => {
            flow.recognition = other;
            return;
        }
    };
    flow.recognition = match parse_datagram(scene, flow, &mut *session, direction, octets) {
        Parsed::Goes => Recognition::Datagrams(session),
        // One foreign datagram must not blind us to the next: each stands by itself, so look again.
        Parsed::Foreign => next_try(scene.dissectors, transport, ports, tries.datagram(), Vec::new()),
    };
}

enum Parsed {
    Goes,
    Foreign,
}

fn parse_datagram<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    session: &mut dyn Session,
    direction: Direction,
    octets: &[u8],
) -> Parsed {
    let mut rest = octets;
    while !rest.is_empty() {
        let frames = scene.frames;
        let mut delivery = delivery(scene, flow, Carried::Now(frames));
        match session.step(direction, rest, &mut |message: &Message<'_>| delivery.message(message, frames)) {
            Step::Consumed(count) => rest = rest.get(count.max(1)..).unwrap_or_default(),
            Step::Need(total) => {
                session.gap(direction);
                let at = u32::try_from(octets.len() - rest.len()).unwrap_or(u32::MAX);
                let cut = Anomaly::malformed("datagram-cut-short", at, rest.len() as u64, total as u64);
                scene.event(flow, direction, TrackEvent::Layer(cut));
                break;
            }
            Step::Lost => {
                session.gap(direction);
                break;
            }
            Step::GiveUp => return Parsed::Foreign,
        }
    }
    Parsed::Goes
}

fn feed<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    parser: &mut StreamParser,
    direction: Direction,
    octets: &[u8],
    carried: Carried<'_>,
) {
    let mut delivery = delivery(scene, flow, carried);
    parser.feed(direction, octets, carried.own(), &mut |message, frames| delivery.message(message, frames));
}

fn delivery<'s, 'c, O: Observer>(
    scene: &'s mut Scene<'_, O>,
    flow: &'s mut Flow<O::Flow>,
    carried: Carried<'c>,
) -> Delivery<'s, 'c, O> {
    Delivery {
        observer: scene.observer,
        time: scene.time,
        carried,
        key: &flow.key,
        kept: &mut flow.kept,
        vlan: &flow.vlan,
        client_mac: flow.client_mac,
        server_mac: flow.server_mac,
    }
}

fn keep_parser<F>(flow: &mut Flow<F>, parser: StreamParser) {
    if !parser.given_up() {
        flow.recognition = Recognition::Stream(parser);
    }
}

fn recognised<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    dissector: &'static dyn Dissector,
) {
    let protocol = dissector.protocol();
    if flow.protocol.replace(protocol) != Some(protocol) {
        scene.event(flow, direction, TrackEvent::Recognised(protocol));
    }
}

fn next_try(
    dissectors: &[&dyn Dissector],
    transport: Transport,
    ports: Ports,
    tries: Tries,
    kept: Vec<Kept>,
) -> Recognition {
    if !tries.are_over() || well_known(dissectors, transport, ports.server) {
        Recognition::Looking { tries, kept }
    } else {
        Recognition::Unrecognised
    }
}
