//! Follows the sample counts of a publisher: each sample counts one up, and the count begins with 0 again, as a rule each second
//! (9-2 clause 8.5.2, smpCnt).

use super::{
    MAX_STREAMS, PROTOCOL,
    body::{Frame, place},
};
use crate::{
    anomaly::{Anomaly, Blame},
    datagram::{Anomalies, Datagram, note},
    message::{Direction, Kind, Message, Sink},
};

/// A count this far below the one before it is no beginning anew and no frame that another overtook.
const MOST_OVERTAKEN: u64 = 8;

/// The streams of one flow.
#[derive(Debug, Default)]
pub(super) struct Publisher {
    /// The number of each stream, and its last sample count.
    streams: heapless::Vec<(u32, u64), MAX_STREAMS>,
    full: bool,
}

impl Datagram for Publisher {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let mut anomalies = Anomalies::new();
        let Some(frame) = Frame::read(octets, &mut anomalies) else { return false };
        let broken = anomalies.iter().any(|anomaly| anomaly.blame == Blame::Malformed);
        for (stream, count) in frame.asdus().filter_map(|asdu| place(&asdu)) {
            self.follow(stream, count, &mut anomalies);
        }
        let kind = if broken { Kind::Anomaly } else { Kind::Report };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &frame });
        true
    }
}

impl Publisher {
    fn follow(&mut self, stream: u32, now: u64, anomalies: &mut Anomalies) {
        let Some((_, last)) = self.streams.iter_mut().find(|(known, _)| *known == stream) else {
            if self.streams.push((stream, now)).is_err() && !core::mem::replace(&mut self.full, true) {
                let cap = MAX_STREAMS as u64;
                note(anomalies, Anomaly::limit("streams", 8, cap + 1, cap));
            }
            return;
        };
        // Two publishers of one stream show as counts that go back and forth; a new second begins near 0.
        if now < *last && now >= MOST_OVERTAKEN && *last - now >= MOST_OVERTAKEN {
            note(anomalies, Anomaly::malformed("sample-count-back", 8, now, *last));
        }
        *last = now;
    }
}
