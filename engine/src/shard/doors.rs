//! Who is heard, and which doors are tried: what the site looks at across conversations.

use std::time::Duration;

use fieldwarden_model::{Mac, Timestamp, Transport};

use super::{At, FlowState, Judge, Service, What, run, suggested};
use crate::{
    detect::{Door, Opened, Subject, Tried, scan},
    track::{Heard, Origin},
};

/// A talker that keeps talking is reported again after this long, so that the site knows it did not fall silent.
const HEARD_AGAIN: Duration = Duration::from_secs(3_600);

/// When a talker was reported, in whole seconds since 1970, and with which hardware address: no more than the time alone
/// would take, for there are as many as the memory has room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    seconds: u32,
    mac: Mac,
}

impl Told {
    fn of(heard: &Heard) -> Self {
        let seconds = heard.time.nanos().div_euclid(1_000_000_000);
        Self {
            seconds: u32::try_from(seconds.max(0)).unwrap_or(u32::MAX),
            mac: heard.mac.unwrap_or_default(),
        }
    }

    /// When the talker is reported again.
    fn again(self) -> Timestamp {
        Timestamp::from_seconds(self.seconds.into()).saturating_add(HEARD_AGAIN)
    }

    /// Whether another card speaks for the talker than the one reported; told once a second, as two may do so in turn.
    fn moved(self, now: Self) -> bool {
        now.mac != self.mac && now.mac != Mac::default() && now.seconds != self.seconds
    }
}

impl Judge {
    /// A talker was heard: reported to the site once an hour, and when another card speaks for it.
    pub(super) fn hears(&mut self, talker: &Heard) -> Timestamp {
        let key = (talker.space, talker.talker);
        let now = Told::of(talker);
        if let Some(door) = scan::asked_for(talker) {
            self.observations.push(talker.time, talker.frame, What::Door(door));
        }
        if let Some(told) = self.heard.get_mut(&key) {
            let again = told.again();
            if talker.time < again && !told.moved(now) {
                return again;
            }
            *told = now;
        } else {
            if self.heard.len() >= self.max_heard {
                self.limit("max_heard", At { time: talker.time, frame: talker.frame });
                self.heard.clear();
            }
            self.heard.insert(key, now);
        }
        self.observations.push(talker.time, talker.frame, What::Talker(*talker));
        now.again()
    }

    /// Somebody tried a door that the baseline does not know, or learned what is behind it.
    pub(super) fn tried(&mut self, origin: &Origin<'_>, tried: Tried) {
        if origin.key.transport != Transport::Link {
            let at = At::of(origin);
            self.observations.push(at.time, at.frame, What::Door(Door::of_flow(origin, tried)));
        }
    }

    /// Both sides of a flow have spoken.
    pub(super) fn accepted(&mut self, origin: &Origin<'_>, flow: &mut FlowState) {
        let slot = self.service(origin, flow);
        let Some(service) = self.services.get_mut(slot) else { return };
        service.last = origin.time;
        service.wire.hear(origin);
        let first = !core::mem::replace(&mut service.answered, true);
        if !first || service.known || service.to_group {
            return;
        }
        let key = service.key;
        let suggested = flow.protocol.or_else(|| suggested(&key));
        let opened = Opened { origin, service: &key, suggested, known: false };
        let context = self.rules.context();
        run(&context, &Subject::Accepted(opened), &mut service.memory, &mut self.observations);
        self.tried(origin, Tried::Answered);
    }

    /// A flow ended: where its server never spoke, whoever tried it knocked in vain.
    pub(super) fn ended(&mut self, origin: &Origin<'_>, flow: &FlowState) {
        let service = flow.slot.and_then(|slot| self.services.get(slot));
        if service.is_some_and(|service| !service.known && !service.to_group && !service.answered) {
            self.tried(origin, Tried::InVain);
        }
    }

    /// Octets were sent: over TCP nobody sends any but to who accepted the connection, seen or not.
    pub(super) fn connected(&mut self, origin: &Origin<'_>, flow: &FlowState) {
        let service = flow.slot.and_then(|slot| self.services.get(slot));
        let unanswered = |service: &Service| !service.known && !service.to_group && !service.answered;
        if origin.key.transport == Transport::Tcp && service.is_some_and(unanswered) {
            self.tried(origin, Tried::Answered);
        }
    }
}
