//! Follows the state and sequence numbers of a publisher (8-1 clause 18.1.2.5: a new state begins with sequence number 0 and
//! a state number one higher; repetitions count the sequence number up; after a start both begin with 1).

use super::{
    MAX_CONTROL_BLOCKS, PROTOCOL,
    body::{Frame, Place},
};
use crate::{
    anomaly::{Anomaly, Blame},
    datagram::{Anomalies, Datagram, note},
    message::{Direction, Kind, Message, Sink},
};

/// The control blocks of one flow.
#[derive(Debug, Default)]
pub(super) struct Publisher {
    blocks: heapless::Vec<Place, MAX_CONTROL_BLOCKS>,
    full: bool,
}

impl Datagram for Publisher {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let mut anomalies = Anomalies::new();
        let Some(frame) = Frame::read(octets, &mut anomalies) else { return false };
        let broken = anomalies.iter().any(|anomaly| anomaly.blame == Blame::Malformed);
        if let Some(place) = frame.place() {
            self.follow(place, &mut anomalies);
        }
        let kind = if broken { Kind::Anomaly } else { Kind::Report };
        sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &frame });
        true
    }
}

impl Publisher {
    fn follow(&mut self, now: Place, anomalies: &mut Anomalies) {
        let Some(last) = self.blocks.iter_mut().find(|place| place.block == now.block) else {
            if self.blocks.push(now).is_err() && !core::mem::replace(&mut self.full, true) {
                let cap = MAX_CONTROL_BLOCKS as u64;
                note(anomalies, Anomaly::limit("control-blocks", 8, cap + 1, cap));
            }
            return;
        };
        // A publisher that started anew begins with 1; its numbers went back for a reason.
        let started = now.state <= 1 && now.sequence <= 1;
        if now.state < last.state && !started {
            note(anomalies, Anomaly::malformed("state-number-back", 8, now.state, last.state));
        } else if now.state == last.state && now.sequence < last.sequence && !wraps(last, &now) && !started {
            note(anomalies, Anomaly::malformed("sequence-number-back", 8, now.sequence, last.sequence));
        }
        *last = now;
    }
}

/// After the highest number of 32 bits the sequence goes on with 1.
const fn wraps(last: &Place, now: &Place) -> bool {
    last.sequence >= 0xffff_fff0 && now.sequence < 16
}
