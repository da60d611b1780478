//! One flow of frames.

use super::{
    body::FrameBody,
    configuration,
    frame::{self, COMMAND, DATA, Frame, SHORTEST, SYNC},
    layout::{Layouts, MAX_STATIONS},
};
use crate::{
    anomaly::Anomaly,
    findings::{Findings, count},
    framed::{Extent, Framed},
    message::{Direction, Kind, Message, Sink},
};

/// The parser state of one flow.
#[derive(Debug, Default)]
pub(super) struct Streams {
    layouts: Layouts,
}

impl Framed for Streams {
    fn extent(&self, _direction: Direction, bytes: &[u8]) -> Extent {
        match *bytes {
            [SYNC] => Extent::Need(SHORTEST),
            [SYNC, kind, ..] if frame::is_kind(kind) => match frame::size(bytes) {
                Some(size) if size >= SHORTEST => Extent::Whole(size),
                Some(_) => Extent::No,
                None => Extent::Need(SHORTEST),
            },
            _ => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(frame) = Frame::read(message) else { return };
        let mut findings = Findings::default();
        if !frame.sound {
            let sum = message.split_last_chunk::<2>().map_or(0, |(octets, _)| frame::crc(octets));
            let told = message.last_chunk::<2>().map_or(0, |sum| u16::from_be_bytes(*sum));
            findings.fault(Anomaly::malformed("crc", 0, told.into(), sum.into()));
        }
        self.check(&frame, &mut findings);
        let body = FrameBody { frame, layout: self.layouts.of(frame.id) };
        let kind = if findings.broken() { Kind::Anomaly } else { body.kind() };
        let anomalies = findings.list();
        sink.message(&Message { protocol: super::SYNCHROPHASOR, kind, direction, anomalies, body: &body });
    }

    fn begins(&self, _direction: Direction, bytes: &[u8]) -> bool {
        matches!(*bytes, [SYNC, kind, ..] if frame::is_kind(kind))
            && frame::size(bytes).is_some_and(|size| {
                size >= SHORTEST
                    && match bytes.get(..size) {
                        Some(frame) => frame::is_sound(frame),
                        None => bytes.len() < frame::LONGEST,
                    }
            })
    }
}

impl Streams {
    fn check(&mut self, frame: &Frame<'_>, findings: &mut Findings) {
        let at = 14;
        match frame.kind {
            COMMAND if frame.content.len() < 2 => {
                findings.fault(Anomaly::malformed("command-short", at, count(frame.content.len()), 2));
            }
            DATA => {
                let stations = &self.layouts.of(frame.id).stations;
                let expected: usize = stations.iter().map(super::configuration::Shape::octets).sum();
                if stations.is_empty() {
                    return;
                }
                if expected > frame.content.len() {
                    let (got, expected) = (count(frame.content.len()), count(expected));
                    findings.fault(Anomaly::malformed("data-against-configuration", at, got, expected));
                } else if expected < frame.content.len() && stations.len() < MAX_STATIONS {
                    let (got, expected) = (count(frame.content.len()), count(expected));
                    findings.remark(Anomaly::malformed("data-against-configuration", at, got, expected));
                }
            }
            _ if frame.is_configuration() => {
                let walked = configuration::walk(frame, |_| {});
                if walked.read != walked.announced {
                    let (got, expected) = (walked.read.into(), walked.announced.into());
                    findings.fault(Anomaly::malformed("stations-beyond-frame", at, got, expected));
                } else if frame.sound {
                    let room = self.layouts.set(frame.id, |each| {
                        let _ = configuration::walk(frame, |station| each(&station));
                    });
                    if !room {
                        let cap = count(MAX_STATIONS);
                        findings.remark(Anomaly::limit("stations", at, walked.announced.into(), cap));
                    }
                }
            }
            _ => {}
        }
    }
}
