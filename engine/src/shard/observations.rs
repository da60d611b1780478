//! What a shard tells the site.

use core::ops::Range;
use std::collections::VecDeque;

use fieldwarden_model::{FrameRef, Operation, Outcome, PointRange, Timestamp, Verb};
use fieldwarden_protocols::Protocol;

use crate::{
    assets::Fact,
    blindness::{Place, Reason},
    conversation::ConversationKey,
    detect::{Door, Finding},
    history::{Device, Shape},
    track::Heard,
};

/// Observations in the order in which a shard made them, with the octets they refer to. Reused from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Observations {
    pub(crate) list: VecDeque<Observation>,
    octets: Vec<u8>,
}

/// One observation.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) time: Timestamp,
    pub(crate) frame: FrameRef,
    pub(crate) what: What,
}

/// What was observed.
#[derive(Debug)]
pub(crate) enum What {
    /// A talker the shard had not heard yet.
    Talker(Heard),
    /// Somebody tried a door that the baseline does not know, or was answered there.
    Door(Door),
    /// A talker told something of itself.
    Facts(Box<Facts>),
    /// A client and a server began a conversation, which the baseline may know.
    Roles {
        /// Which.
        conversation: Box<ConversationKey>,
        /// Whether the baseline knows it.
        approved: bool,
    },
    /// Something was not seen, so many times.
    Unseen(Reason, Place, u64),
    /// A detector spoke.
    Finding(Box<Finding>),
    /// Values were read or reported.
    Values {
        /// Whose.
        device: Device,
        /// Of which points.
        points: PointRange,
        /// How they are cut.
        shape: Shape,
        /// Where in [`Observations::octets`].
        octets: Range<usize>,
    },
    /// A change was asked for.
    Asked(Box<Change>),
    /// A change was refused.
    Settled(Box<Change>),
    /// A poll that had stopped goes on.
    Resumed(Box<ConversationKey>),
    /// A write was confirmed.
    Done {
        /// Whose.
        device: Device,
        /// Of which points.
        points: PointRange,
    },
}

/// What a talker told of itself.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) heard: Heard,
    pub(crate) protocol: Protocol,
    pub(crate) facts: Vec<Fact>,
}

/// A change to a device.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) conversation: ConversationKey,
    pub(crate) verb: Verb,
    pub(crate) function: u32,
    pub(crate) name: &'static str,
    pub(crate) points: Option<PointRange>,
    pub(crate) values: Option<(Shape, Range<usize>)>,
    pub(crate) outcome: Outcome,
}

impl Change {
    pub(crate) const fn new(
        conversation: &ConversationKey,
        operation: &Operation<'_>,
        values: Option<(Shape, Range<usize>)>,
    ) -> Self {
        Self {
            conversation: *conversation,
            verb: operation.verb,
            function: operation.function,
            name: operation.name,
            points: operation.points,
            values,
            outcome: operation.outcome,
        }
    }
}

impl Observations {
    pub(crate) fn push(&mut self, time: Timestamp, frame: FrameRef, what: What) {
        self.list.push_back(Observation { time, frame, what });
    }

    /// Keeps octets until the site has consumed the observations.
    pub(crate) fn keep(&mut self, octets: &[u8]) -> Range<usize> {
        let start = self.octets.len();
        self.octets.extend_from_slice(octets);
        start..self.octets.len()
    }

    /// Octets kept for an observation.
    pub(crate) fn octets(&self, range: Range<usize>) -> &[u8] {
        self.octets.get(range).unwrap_or_default()
    }

    /// Gives back the room of octets that no observation refers to any more.
    pub(crate) fn settle(&mut self) {
        if self.list.is_empty() {
            // Begins at the front again, which is at hand, instead of walking through all the room it has.
            self.list.clear();
            self.octets.clear();
            self.octets.shrink_to(MAX_OCTETS_KEPT);
        }
    }
}

/// Room that stays between two batches.
const MAX_OCTETS_KEPT: usize = 1 << 20;
