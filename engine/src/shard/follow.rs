//! Values that are read and written, followed from answer to answer.

use fieldwarden_model::Operation;
use fieldwarden_protocols::Message;

use super::{Blindness, FlowState, Judge, Slot, entry_of, run};
use crate::{
    answers::Noticed,
    blindness::{Lacks, Place, Reason},
    detect::{Judged, Subject},
    track::Origin,
};

impl Judge {
    /// Follows the values of an operation. What a stranger reads is told as a stranger's; made-up addresses take no room.
    pub(super) fn follow(
        &mut self,
        origin: &Origin<'_>,
        flow: &FlowState,
        message: &Message<'_>,
        operation: &Operation<'_>,
        (slot, at): (Slot, usize),
    ) {
        let blindness = Blindness { losses: self.losses, lost: &self.lost, stepped: &self.stepped };
        let Some(service) = self.services.get_mut(slot) else { return };
        let Some(conversation) = service.conversations.get(at) else { return };
        let entry = entry_of(self.rules.baseline.as_deref(), conversation.entry);
        if entry.is_none() && self.rules.baseline.is_some() {
            return;
        }
        let (memory, settings) = (&mut service.memory, &self.rules.settings);
        let noticed = memory.follow_values(settings, entry, origin.time, operation, &mut self.room);
        let Some(noticed) = noticed else { return };
        if matches!(noticed, Noticed::Full) {
            let place = Place::Cap("followed_values");
            self.ledger.note(Reason::Caps, place, Lacks::default(), origin.time, 1);
            return;
        }
        let judged = Judged {
            origin,
            conversation: &conversation.key,
            entry,
            lacks: flow.lacks(&blindness, origin),
            direction: message.direction,
            message: Some(message),
        };
        let subject = Subject::Moves(judged, operation, &noticed);
        run(&self.rules.context(), &subject, memory, &mut self.observations);
    }
}
