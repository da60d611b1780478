//! How requests share TCP segments, for what a write quarantine would let pass.

use fieldwarden_model::{FrameRef, Operation, Verb};

use super::Conversation;
use crate::track::Origin;

/// How requests share segments: a write quarantine passes a read that is whole and alone in one.
#[derive(Debug, Default)]
pub(super) struct Segment {
    /// Where the last request ended.
    end: Option<FrameRef>,
    /// Whether that was alone, as far as it was seen then.
    alone: bool,
    /// Whether it would have been let pass.
    passed: bool,
}

impl Segment {
    /// Notes an operation asked, `first` of its message or a further one.
    pub(super) fn ask(
        &mut self,
        origin: &Origin<'_>,
        conversation: &mut Conversation,
        operation: &Operation<'_>,
        first: bool,
    ) {
        if first {
            let behind_another = self.end.is_some() && origin.frames.first() == self.end.as_ref();
            if behind_another && self.passed {
                // The one before was not alone either.
                conversation.activity.beyond_reads.note(Verb::Read, true, origin.time);
            }
            self.alone = origin.frames.len() == 1 && !behind_another;
            self.end = origin.frames.last().copied();
        }
        self.passed = conversation.is_let_pass(operation, (first, self.alone), origin.time);
    }
}
