//! Which protocol a flow speaks, found by looking at its octets, and handing them to its parser.
//!
//! Every dissector may look at the first octets of each direction, on any port. One that is certain gets the flow; one
//! that thinks it possible gets it only on its well-known port, and only when no other dissector of that port still
//! wants more octets. After [`PATIENCE`] fruitless segments a flow on other ports is let alone, which costs nothing
//! from then on; on a well-known port the dissectors of that port look on without end, so that nobody hides behind a
//! burst of noise, and the others do not, so that the noise is cheap.
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
};

/// Octets kept per direction while a dissector wants more of them before it can tell.
const MAX_PROBED_OCTETS: usize = 1_024;

/// Segments or datagrams looked at in vain before a flow that is on no well-known port is let alone.
const PATIENCE: u8 = 16;

/// How far recognition has come.
pub(super) enum Recognition {
    /// Not yet recognised.
    Looking {
        /// Segments looked at in vain.
        tries: u8,
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
    pub(super) const fn fresh() -> Self {
        Self::Looking { tries: 0, kept: Vec::new() }
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
            Self::Looking { kept, .. } => kept.retain(|kept| kept.direction != direction),
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
        Recognition::Looking { tries, mut kept } => {
            let mut joined = Vec::new();
            let mut front = octets;
            if kept.iter().any(|kept| kept.direction == direction) {
                for kept in kept.iter().filter(|kept| kept.direction == direction) {
                    joined.extend_from_slice(&kept.octets);
                }
                joined.extend_from_slice(octets);
                front = &joined;
            }
            let ports = flow.ports();
            match probe(scene.dissectors, Transport::Tcp, direction, front, ports, tries) {
                Verdict::Is(dissector) => {
                    recognised(scene, flow, direction, dissector);
                    if is_tls(front) {
                        // Its handshake is told, and then no more.
                        scene.event(flow, direction, TrackEvent::Encrypted);
                    }
                    let session = dissector.session(Transport::Tcp);
                    let mut parser = StreamParser::new(session, dissector.max_message());
                    if !flow.halves.iter().any(Half::is_opened) {
                        // Joined in the middle: requests may be under way.
                        parser.doubt(Direction::ToServer);
                    }
                    for early in kept {
                        let carried = Carried::Late(early.frame);
                        feed(scene, flow, &mut parser, early.direction, &early.octets, carried);
                    }
                    feed(scene, flow, &mut parser, direction, octets, carried);
                    keep_parser(flow, parser);
                }
                Verdict::More if front.len() < MAX_PROBED_OCTETS => {
                    kept.push(Kept { direction, frame: carried.own(), octets: octets.to_vec() });
                    flow.recognition = Recognition::Looking { tries, kept };
                }
                Verdict::More | Verdict::No => {
                    let encrypted = tries == 0 && is_tls(front);
                    kept.retain(|kept| kept.direction != direction);
                    flow.recognition = next_try(scene.dissectors, Transport::Tcp, ports, tries, kept);
                    if encrypted {
                        scene.event(flow, direction, TrackEvent::Encrypted);
                    }
                }
            }
        }
        other => flow.recognition = other,
    }
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
        Recognition::Datagrams(session) => (session, 0),
        Recognition::Looking { tries, .. } => {
            let Verdict::Is(dissector) = probe(scene.dissectors, transport, direction, octets, ports, tries)
            else {
                flow.recognition = next_try(scene.dissectors, transport, ports, tries, Vec::new());
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
        Parsed::Foreign => next_try(scene.dissectors, transport, ports, tries, Vec::new()),
    };
}

/// Whether a direction begins with the handshake of TLS 1.0 to 1.3 (RFC 8446 clause 5.1: type 22, version 3.1 to 3.3 or, in
/// a first hello, 3.1).
fn is_tls(octets: &[u8]) -> bool {
    matches!(octets, [22, 3, 0..=4, _, _, 1 | 2, ..])
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
    tries: u8,
    kept: Vec<Kept>,
) -> Recognition {
    let tries = tries.saturating_add(1);
    if tries < PATIENCE || well_known(dissectors, transport, ports.server) {
        Recognition::Looking { tries, kept }
    } else {
        Recognition::Unrecognised
    }
}

enum Verdict {
    Is(&'static dyn Dissector),
    More,
    No,
}

/// Who reads octets that stand by themselves.
pub(super) fn alone(
    dissectors: &'static [&'static dyn Dissector],
    transport: Transport,
    direction: Direction,
    octets: &[u8],
    ports: Ports,
) -> Option<&'static dyn Dissector> {
    match probe(dissectors, transport, direction, octets, ports, 0) {
        Verdict::Is(dissector) => Some(dissector),
        Verdict::More | Verdict::No => None,
    }
}

fn probe(
    dissectors: &'static [&'static dyn Dissector],
    transport: Transport,
    direction: Direction,
    octets: &[u8],
    ports: Ports,
    tries: u8,
) -> Verdict {
    let mut possible = None;
    let mut more = false;
    let mut more_at_home = false;
    for dissector in dissectors.iter().filter(|dissector| dissector.carried_by(transport)) {
        let at_home = || dissector.well_known(ports.server);
        // An EtherType is no port: what goes under it says so itself.
        if (transport == Transport::Link || tries >= PATIENCE) && !at_home() {
            continue;
        }
        match dissector.probe(direction, octets, ports) {
            Probe::Certain => return Verdict::Is(*dissector),
            Probe::Possible if at_home() => possible = possible.or(Some(*dissector)),
            Probe::Need(_) => (more, more_at_home) = (true, more_at_home || at_home()),
            Probe::Possible | Probe::No => {}
        }
    }
    match possible {
        Some(dissector) if !more_at_home => Verdict::Is(dissector),
        None if !more => Verdict::No,
        _ => Verdict::More,
    }
}
