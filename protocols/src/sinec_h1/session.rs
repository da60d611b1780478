//! Questions and answers in order. An answer to a fetch is as long as its question asked; where that was not seen, it
//! reaches to the next header or the end of what is there.

use super::{
    MAX_PENDING_REQUESTS, PROTOCOL,
    body::{Header, Job, Unit, code},
};
use crate::{
    anomaly::Anomaly,
    datagram::{Anomalies, Datagram, note},
    dissector::Probe,
    framed::{Extent, Framed},
    message::{Direction, Kind, Message, Sink},
};

/// Octets from which a header can be told.
const TELLING: usize = 12;
const MARK: [u8; 2] = [0x53, 0x35];

/// What a stream or a unit that begins with `bytes` is.
pub(super) fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    if !MARK.iter().zip(bytes).all(|(mark, octet)| mark == octet) {
        return Probe::No;
    }
    if bytes.len() < TELLING {
        return Probe::Need(TELLING);
    }
    let fits = |header: Header| match direction {
        // Whatever it asks for: no other protocol has mark and blocks like these.
        Direction::ToServer => header.job.is_some(),
        Direction::ToClient => {
            matches!(header.code, code::WRITTEN | code::HAS_READ) && header.error.is_some()
        }
    };
    if Header::read(bytes).is_some_and(fits) { Probe::Certain } else { Probe::No }
}

/// The jobs of one connection.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pending: heapless::Vec<Job, MAX_PENDING_REQUESTS>,
}

impl Framed for Jobs {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        if !MARK.iter().zip(bytes).all(|(mark, octet)| mark == octet) {
            return Extent::No;
        }
        let needed = usize::from(bytes.get(2).copied().unwrap_or(16)).max(TELLING);
        if bytes.len() < needed {
            return Extent::Need(needed);
        }
        let Some(header) = Header::read(bytes) else { return Extent::No };
        let head = usize::from(header.length);
        Extent::Whole(match (header.code, self.pending.first()) {
            (code::WRITE, _) => head + header.job.map_or(0, Job::octets),
            (code::HAS_READ, Some(job)) if header.error == Some(0) => head + job.octets(),
            (code::HAS_READ, None) if header.error == Some(0) => {
                let rest = bytes.get(head..).unwrap_or_default();
                let next =
                    rest.windows(5).position(|octets| octets.starts_with(&MARK) && octets.ends_with(&[1, 3]));
                head + next.unwrap_or(rest.len())
            }
            _ => head,
        })
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Some(header) = Header::read(message) else { return };
        let mut anomalies = Anomalies::new();
        let data = message.get(usize::from(header.length)..).unwrap_or_default();
        let kind = match (header.code, header.job, header.error) {
            (code::WRITE | code::READ, Some(_), _) => Kind::Request,
            (code::WRITTEN | code::HAS_READ, _, Some(_)) => Kind::Response,
            _ => {
                note(&mut anomalies, Anomaly::malformed("operation-code", 5, u64::from(header.code), 3));
                Kind::Anomaly
            }
        };
        let job = match kind {
            Kind::Request => header.job.inspect(|job| self.remember(*job, &mut anomalies)),
            Kind::Response if !self.pending.is_empty() => Some(self.pending.remove(0)),
            _ => None,
        };
        let body = Unit { header, job, data };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &body });
    }

    fn gap(&mut self, _: Direction) {
        self.pending.clear();
    }

    fn doubt(&mut self, _: Direction) {
        self.pending.clear();
    }

    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool {
        probe(direction, bytes) == Probe::Certain
    }
}

impl Jobs {
    fn remember(&mut self, job: Job, anomalies: &mut Anomalies) {
        if self.pending.is_full() {
            self.pending.remove(0);
            let cap = MAX_PENDING_REQUESTS as u64;
            note(anomalies, Anomaly::limit("pending-requests", 0, cap + 1, cap));
        }
        // There is room now.
        let _ = self.pending.push(job);
    }
}

/// What a data unit of ISO 8073 class 4 on LLC carries: an octet of 0 for the network layer that is left out (ISO 8473 clause
/// 6.18.1 inactive subset), the length of the header, DT, reference, number. `None` for anything but H1.
pub(super) fn on_llc(octets: &[u8]) -> Option<&[u8]> {
    let &[0, length, 0xf0, ref rest @ ..] = octets else { return None };
    rest.get(usize::from(length).checked_sub(1)?..).filter(|inside| inside.starts_with(&MARK))
}

/// The jobs of two stations on LLC.
#[derive(Debug, Default)]
pub(super) struct OnLlc(Jobs);

impl Datagram for OnLlc {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let Some(inside) = on_llc(octets).filter(|inside| Header::read(inside).is_some()) else {
            return false;
        };
        let end = match self.0.extent(direction, inside) {
            Extent::Whole(length) => length.min(inside.len()),
            Extent::Need(_) | Extent::No => return false,
        };
        self.0.tell(direction, inside.get(..end).unwrap_or(inside), sink);
        true
    }
}
