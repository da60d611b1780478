//! What the capture does not see, written down and told.

use fieldwarden_model::Loss;

use super::Engine;
use crate::{
    blindness::{Blind, Lacks, Place, Reason, told},
    conversation::{ConversationKey, ServiceKey, plain},
    shard::Service,
};

impl Engine {
    /// The capture lost frames. The time of a loss is that of its report, so it is written down under the traffic's.
    pub(super) fn lose(&mut self, loss: Loss) {
        let now = self.trackers.now;
        self.note(Reason::KernelDrops, Place::Interface(loss.interface), Lacks::FRAMES, loss.frames);
        for judge in self.trackers.observers_mut() {
            judge.capture_lost_frames(now);
        }
    }

    /// The time of a frame lay well before that of the one before it.
    pub(super) fn clock_stepped(&mut self) {
        let now = self.trackers.now;
        self.note(Reason::ClockSteps, Place::Everywhere, Lacks::TIME, 1);
        for judge in self.trackers.observers_mut() {
            judge.clock_stepped(now);
        }
    }

    /// Nobody listened before a restart.
    pub(super) fn resumed(&mut self) {
        self.note(Reason::Outage, Place::Everywhere, Lacks::FRAMES, 1);
    }

    fn note(&mut self, reason: Reason, place: Place, lacks: Lacks, count: u64) {
        self.ledger.note(reason, place, lacks, self.trackers.now, count);
        self.site.unseen(reason, place, count);
    }

    /// What is not assured.
    pub(super) fn blind(&self) -> Vec<Blind> {
        let shards = self.trackers.observers().map(|judge| &judge.ledger);
        let disabled = &self.site.rules.settings.disabled;
        told(shards.chain([&self.ledger, &self.site.ledger]), disabled, |service| {
            name(service, self.services().find(|known| known.key == *service))
        })
    }
}

/// A service as its conversation, as far as there is but one.
fn name(key: &ServiceKey, known: Option<&Service>) -> String {
    let spoken = known.map(|service| service.conversations.as_slice()).unwrap_or_default();
    let key = match spoken {
        [] => ConversationKey { service: *key, protocol: plain(key.transport), unit: None },
        [only] => only.key,
        [first, ..] => ConversationKey { unit: None, ..first.key },
    };
    key.to_string()
}
