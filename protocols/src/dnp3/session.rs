//! One flow: frames to segments to fragments.

use super::{
    body::{Asked, FragmentBody, LinkBody, Octets},
    fragment::{CONFIRM, Fragment, RESPONSE},
    link::{self, HEADER, Header, SHORTEST},
    object,
    pending::Pending,
    transport::{Assemblies, MAX_ASSEMBLIES, MAX_FRAGMENT, Made},
};
use crate::{
    anomaly::Anomaly,
    dissector::{Session, Step},
    findings::{Findings, count, place},
    message::{Body, Direction, Joined, Kind, Message, Sink},
};

/// The parser state of one flow.
#[derive(Debug, Default)]
pub(super) struct Dnp3Session {
    assemblies: [Assemblies; 2],
    pending: Pending,
}

impl Session for Dnp3Session {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        match *bytes {
            [link::START_0] => return Step::Need(HEADER),
            [link::START_0, link::START_1, ..] => {}
            [first, ..] => {
                let found = Anomaly::malformed("no-frame", 0, first.into(), link::START_0.into());
                malformed(direction, bytes, found, sink);
                return Step::Lost;
            }
            [] => return Step::Lost,
        }
        let Some(header) = Header::read(bytes) else { return Step::Need(HEADER) };
        if header.length < SHORTEST {
            let found = Anomaly::malformed("link-length", 2, header.length.into(), SHORTEST.into());
            malformed(direction, bytes, found, sink);
            return Step::Lost;
        }
        if !header.sound {
            let body = LinkBody { header, transport: None };
            tell(Kind::Anomaly, direction, &[Anomaly::malformed("header-crc", 8, 0, 0)], &body, sink);
            return Step::Lost;
        }
        match bytes.get(..header.total()) {
            Some(frame) => {
                self.frame(direction, header, frame, sink);
                Step::Consumed(frame.len())
            }
            None => Step::Need(header.total()),
        }
    }

    fn gap(&mut self, direction: Direction) {
        self.assemblies(direction).forget();
    }

    fn doubt(&mut self, direction: Direction) {
        self.assemblies(direction).doubt();
    }

    fn resynchronise(&self, _direction: Direction, bytes: &[u8]) -> Option<usize> {
        bytes.windows(HEADER).position(link::begins)
    }
}

impl Dnp3Session {
    fn assemblies(&mut self, direction: Direction) -> &mut Assemblies {
        let [to_server, to_client] = &mut self.assemblies;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn frame(&mut self, direction: Direction, header: Header, frame: &[u8], sink: &mut dyn Sink) {
        let mut findings = Findings::default();
        let (data, bad) = link::user_data(frame);
        if let Some(block) = bad {
            findings.fault(Anomaly::malformed("data-crc", place(HEADER), count(block), 0));
        }
        if header.name().is_none() {
            findings.remark(Anomaly::unsupported("link-function-unknown", 3, header.function().into()));
        }
        if header.carries_data() == data.is_empty() && bad.is_none() {
            findings.remark(Anomaly::malformed("user-data-misplaced", 3, count(data.len()), 0));
        }
        let transport = data.first().copied().filter(|_| header.carries_data());
        let made = if bad.is_none() && header.carries_data() {
            self.assemblies(direction).push(header.source, header.destination, &data)
        } else {
            None
        };
        if let Some(found) = made.as_ref().and_then(of_transport) {
            findings.remark(found);
        }
        let body = LinkBody { header, transport };
        let kind = if findings.broken() { Kind::Anomaly } else { body.kind() };
        tell(kind, direction, findings.list(), &body, sink);
        match made {
            Some(Made::Whole(octets)) => self.fragment(direction, header, octets, sink),
            Some(Made::Joined(octets)) => {
                self.fragment(direction, header, &octets, &mut Joined::new(sink));
            }
            Some(Made::Waiting | Made::Displaced) => return sink.keep(),
            Some(Made::OutOfSequence(..) | Made::TooLong(_)) => sink.end(),
            _ => return,
        }
        if self.assemblies(direction).is_waiting() {
            sink.wait();
        }
    }

    fn fragment(&mut self, direction: Direction, header: Header, octets: &[u8], sink: &mut dyn Sink) {
        if octets.is_empty() {
            return;
        }
        let mut findings = Findings::default();
        let fragment = Fragment::read(octets, &mut findings);
        let outstation = header.outstation();
        let master = if header.is_of_master() { header.source } else { header.destination };
        let asked = match fragment.function {
            Some(RESPONSE) => self.pending.answer(master, outstation, fragment.sequence()),
            Some(function) if function != CONFIRM && function < RESPONSE => {
                let group = fragment.objects().find_map(|step| match step {
                    object::Step::Object(object) => Some(object.group),
                    object::Step::Broken(_) => None,
                });
                self.pending.ask(master, outstation, fragment.sequence(), Asked { function, group });
                None
            }
            _ => None,
        };
        let body = FragmentBody { fragment, outstation, asked };
        let kind = if findings.broken() { Kind::Anomaly } else { fragment.kind() };
        tell(kind, direction, findings.list(), &body, sink);
    }
}

/// What the transport function remarks.
fn of_transport(made: &Made<'_>) -> Option<Anomaly> {
    Some(match *made {
        Made::Whole(_) | Made::Joined(_) | Made::Waiting | Made::Torn => return None,
        Made::NoFirst(octet) => Anomaly::malformed("transport-no-first", 10, octet.into(), 0x40),
        Made::OutOfSequence(got, expected) => {
            Anomaly::malformed("transport-sequence", 10, got.into(), expected.into())
        }
        Made::TooLong(octets) => Anomaly::limit("fragment-too-long", 10, count(octets), count(MAX_FRAGMENT)),
        Made::Displaced => {
            Anomaly::limit("fragments-at-once", 10, count(MAX_ASSEMBLIES + 1), count(MAX_ASSEMBLIES))
        }
    })
}

fn malformed(direction: Direction, octets: &[u8], anomaly: Anomaly, sink: &mut dyn Sink) {
    tell(Kind::Anomaly, direction, &[anomaly], &Octets(octets), sink);
}

fn tell(kind: Kind, direction: Direction, anomalies: &[Anomaly], body: &dyn Body, sink: &mut dyn Sink) {
    sink.message(&Message { protocol: super::DNP3, kind, direction, anomalies, body });
}
