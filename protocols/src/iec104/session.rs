//! One flow: frames, and whether their numbers follow each other.

use super::{
    apci::{self, Control, HEADER, MOST, SHORTEST, START},
    asdu::{Asdu, IDENTIFIER},
    body::{Frame, Octets},
};
use crate::{
    anomaly::Anomaly,
    dissector::{Session, Step},
    findings::{Findings, count},
    message::{Body, Direction, Kind, Message, Sink},
};

/// The parser state of one flow.
#[derive(Debug, Default)]
pub(super) struct Iec104Session {
    /// The number that the next data frame to the server, and to the client, should have.
    next: [Option<u16>; 2],
    /// Whether a frame was read already.
    recognised: bool,
    /// Whether octets are missing since the last frame.
    torn: bool,
}

impl Session for Iec104Session {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let length = match *bytes {
            [START] => return Step::Need(HEADER),
            [START, length, ..] => length,
            // The octet of a keep-alive, where the connection is joined in the middle (RFC 9293 clause 3.8.4).
            [0] if !self.recognised => return Step::Need(2),
            [0, START, ..] if !self.recognised => return Step::Consumed(1),
            [first, ..] => {
                malformed(
                    direction,
                    bytes,
                    Anomaly::malformed("no-frame", 0, first.into(), START.into()),
                    sink,
                );
                return Step::Lost;
            }
            [] => return Step::Lost,
        };
        let total = usize::from(length) + 2;
        let Some(frame) = bytes.get(..total) else { return Step::Need(total) };
        let Some((&[_, _, a, b, c, d], rest)) = frame.split_first_chunk::<HEADER>() else {
            let found = Anomaly::malformed("apdu-length", 1, length.into(), SHORTEST.into());
            malformed(direction, frame, found, sink);
            return Step::Consumed(total);
        };
        self.frame(direction, Control::read([a, b, c, d]), length, rest, sink);
        Step::Consumed(total)
    }

    fn gap(&mut self, direction: Direction) {
        *self.next(direction) = None;
        self.torn = true;
    }

    fn doubt(&mut self, direction: Direction) {
        *self.next(direction) = None;
    }

    fn resynchronise(&self, _direction: Direction, bytes: &[u8]) -> Option<usize> {
        // Behind noise that the peer sent itself the next start octet counts, whatever comes later; behind a gap it may be data.
        let begins = if self.torn { apci::begins } else { apci::might_begin };
        (0..bytes.len()).find(|at| bytes.get(*at..).is_some_and(begins))
    }
}

impl Iec104Session {
    const fn next(&mut self, direction: Direction) -> &mut Option<u16> {
        let [to_server, to_client] = &mut self.next;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn frame(
        &mut self,
        direction: Direction,
        control: Control,
        length: u8,
        rest: &[u8],
        sink: &mut dyn Sink,
    ) {
        (self.recognised, self.torn) = (true, false);
        let mut findings = Findings::default();
        if length > MOST {
            findings.remark(Anomaly::malformed("apdu-length", 1, length.into(), MOST.into()));
        }
        let mut frame = Frame { control, asdu: None, surplus: rest };
        match control {
            Control::Data(sent, _) => {
                self.follow(direction, sent, &mut findings);
                frame.asdu = Asdu::read(rest);
                match &frame.asdu {
                    Some(asdu) => frame.surplus = check(asdu, rest.len(), &mut findings),
                    None => {
                        findings.fault(Anomaly::malformed(
                            "asdu-short",
                            6,
                            count(rest.len()),
                            count(IDENTIFIER),
                        ));
                    }
                }
            }
            Control::Unnumbered(function) if apci::name(function).is_none() => {
                findings.fault(Anomaly::malformed("u-function", 2, function.into(), 1));
            }
            Control::Unnumbered(0x02) => self.next = [None; 2],
            Control::Unnumbered(_) | Control::Supervisory(_) => {}
        }
        if !rest.is_empty() && frame.asdu.is_none() && !matches!(control, Control::Data(..)) {
            findings.fault(Anomaly::malformed("octets-left", 6, count(rest.len()), 0));
        }
        let kind = if findings.broken() { Kind::Anomaly } else { frame.kind(direction) };
        tell(kind, direction, findings.list(), &frame, sink);
    }

    /// Whether the number of a data frame follows the last one (-104 clause 5.1).
    fn follow(&mut self, direction: Direction, sent: u16, findings: &mut Findings) {
        let next = self.next(direction);
        if let Some(expected) = next.filter(|expected| *expected != sent) {
            findings.remark(Anomaly::malformed("sequence-gap", 2, sent.into(), expected.into()));
        }
        *next = Some(sent.wrapping_add(1) & 0x7fff);
    }
}

/// Holds a data unit against its type; what is left behind its objects.
fn check<'a>(asdu: &Asdu<'a>, octets: usize, findings: &mut Findings) -> &'a [u8] {
    let Some(kind) = asdu.known() else {
        findings.remark(Anomaly::unsupported("type-unknown", 6, asdu.kind.into()));
        return &[];
    };
    if !matches!(asdu.cause, 1..=13 | 20..=41 | 44..=47) {
        findings.remark(Anomaly::malformed("cause-unknown", 8, asdu.cause.into(), 0));
    }
    if asdu.number == 0 {
        findings.remark(Anomaly::malformed("no-object", 7, 0, 1));
    }
    let Some(element) = kind.length else { return &[] };
    let expected = asdu.octets(element.into());
    if octets < expected {
        findings.fault(Anomaly::malformed("objects-beyond-apdu", 6, count(octets), count(expected)));
    } else if octets > expected {
        findings.fault(Anomaly::malformed("octets-left", 6, count(octets), count(expected)));
        return asdu.objects.get(expected.saturating_sub(IDENTIFIER)..).unwrap_or_default();
    }
    &[]
}

fn malformed(direction: Direction, octets: &[u8], anomaly: Anomaly, sink: &mut dyn Sink) {
    tell(Kind::Anomaly, direction, &[anomaly], &Octets(octets), sink);
}

fn tell(kind: Kind, direction: Direction, anomalies: &[Anomaly], body: &dyn Body, sink: &mut dyn Sink) {
    sink.message(&Message { protocol: super::IEC104, kind, direction, anomalies, body });
}
