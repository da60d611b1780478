//! Messages that wait for their answer, found by the invocation they have in common.

use alloc::vec::Vec;

use fieldwarden_model::{PointRange, Verb};

use super::{
    body::{MessageBody, of_service},
    service::Service,
};

/// Messages remembered per flow; at the cap the oldest is forgotten.
pub const MAX_PENDING: usize = 32;
/// Services remembered of each; answers to further ones stand alone.
pub(super) const MAX_SERVICES: usize = 8;

/// A service that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) code: u8,
    pub(super) verb: Verb,
    pub(super) function: u32,
    pub(super) name: &'static str,
    pub(super) points: Option<PointRange>,
    pub(super) table: Option<u16>,
}

impl Question {
    fn of(service: &Service<'_>) -> Self {
        let operation = of_service(&MessageBody::template(), service, None);
        Self {
            code: service.code,
            verb: operation.verb,
            function: operation.function,
            name: operation.name,
            points: operation.points,
            table: service.access().map(|access| access.table),
        }
    }

    /// Whether its answer carries a table.
    pub(super) const fn reads(&self) -> bool {
        matches!(self.code, 0x30..=0x3f)
    }
}

/// The services of one message, in order; answers come in the same order.
pub(super) type Questions = heapless::Vec<Question, MAX_SERVICES>;

/// The messages of a flow that wait, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending(Vec<(u64, Questions)>);

impl Pending {
    /// Remembers a message. Whether there was room.
    pub(super) fn ask(&mut self, body: &MessageBody<'_>) -> bool {
        let Some(invocation) = body.calling_invocation else { return true };
        let questions = body.services().take(MAX_SERVICES).map(|service| Question::of(&service)).collect();
        self.0.retain(|(open, _)| *open != invocation);
        let room = self.0.len() < MAX_PENDING;
        if !room {
            self.0.remove(0);
        }
        self.0.push((invocation, questions));
        room
    }

    /// What a message answers. It names the invocation of the question; older stations repeat it as their own.
    pub(super) fn answer(&mut self, body: &MessageBody<'_>) -> Questions {
        let invocation = body.called_invocation.or(body.calling_invocation);
        let at = self.0.iter().position(|(open, _)| Some(*open) == invocation);
        at.map(|at| self.0.remove(at).1).unwrap_or_default()
    }
}
