//! What goes wrong in a flow: what of it is not seen, and what breaks its protocol.

use fieldwarden_protocols::Protocol;

use super::{At, Blindness, FlowState, Judge, Slot, entry_of, run};
use crate::{
    blindness::{Lacks, Need, Place, Reason},
    conversation::{ConversationKey, ServiceKey, plain},
    detect::{Broken, Judged, Subject},
    track::{Origin, TrackEvent},
};

impl Judge {
    /// Something of a flow is not seen.
    pub(super) fn blinds(&mut self, origin: &Origin<'_>, flow: &mut FlowState, event: TrackEvent) {
        let missing = Lacks::of_direction(origin.direction);
        match event {
            TrackEvent::Gap { .. } => {
                self.counters.gaps += 1;
                self.note(origin, flow, Reason::Gaps, missing);
            }
            TrackEvent::Unheard => self.note(origin, flow, Reason::OneWayMirror, missing),
            TrackEvent::Snapped => {
                self.note(origin, flow, Reason::Snapped, missing.with(Lacks::of(&[Need::Values])));
            }
            TrackEvent::Layer(_) => self.note(origin, flow, Reason::Undecodable, missing),
            // Once for each flow: where the mirror tags one direction only, every second packet is told.
            TrackEvent::Retagged if !core::mem::replace(&mut flow.retagged, true) => {
                self.note(origin, flow, Reason::VlanRewritten, Lacks::default());
            }
            TrackEvent::ChecksumsUnverified => {
                self.note(origin, flow, Reason::Checksums, Lacks::default());
            }
            TrackEvent::Encrypted => {
                flow.unread = true;
                self.note(origin, flow, Reason::Encrypted, Lacks::MESSAGES);
            }
            TrackEvent::GivenUp => {
                flow.unread = true;
                self.note(origin, flow, Reason::Undecodable, Lacks::MESSAGES);
            }
            TrackEvent::Copy(copied) => {
                self.copied(Place::Service(ServiceKey::of(origin.key)), copied, At::of(origin));
            }
            TrackEvent::Limit { cap } => self.limit(cap, At::of(origin)),
            _ => {}
        }
    }

    pub(super) fn broken(&mut self, judged: &Judged<'_>, slot: Slot, broken: Broken) {
        let Some(service) = self.services.get_mut(slot) else { return };
        let context = self.rules.context();
        let subject = Subject::Broken(*judged, broken);
        run(&context, &subject, &mut service.memory, &mut self.observations);
    }

    /// A break of the protocol outside any operation: judged with the conversation last spoken of in this flow.
    pub(super) fn break_in_flow(
        &mut self,
        origin: &Origin<'_>,
        flow: &mut FlowState,
        protocol: Option<Protocol>,
        broken: Broken,
    ) {
        let slot = self.service(origin, flow);
        let Some(service) = self.services.get_mut(slot) else { return };
        if service.to_group {
            return;
        }
        let baseline = self.rules.baseline.clone();
        let current = service.conversations.get(flow.conversation).or_else(|| service.conversations.first());
        let (key, position) = match current {
            Some(conversation) => (conversation.key, conversation.entry),
            None => {
                let unspoken = |protocol| ConversationKey { service: service.key, protocol, unit: None };
                let plain = unspoken(plain(service.key.transport));
                let position = baseline.as_deref().and_then(|baseline| baseline.position(&plain));
                (protocol.map_or(plain, unspoken), position)
            }
        };
        let entry = entry_of(baseline.as_deref(), position);
        let judged = Judged {
            origin,
            conversation: &key,
            entry,
            lacks: flow
                .lacks(&Blindness { losses: self.losses, lost: &self.lost, stepped: &self.stepped }, origin),
            direction: origin.direction,
            message: None,
        };
        self.broken(&judged, slot, broken);
    }
}
