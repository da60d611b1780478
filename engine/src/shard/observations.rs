//! What a shard tells the site.

use core::ops::Range;

use fieldwarden_model::{FrameRef, Operation, Outcome, PointRange, Timestamp, Verb};

use crate::{
    conversation::ConversationKey,
    detect::{Finding, Judged},
    history::{Device, Shape},
    track::Heard,
};

/// Observations in the order in which a shard made them, with the octets they refer to. Reused from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct Observations {
    pub(crate) list: Vec<Observation>,
    pub(crate) octets: Vec<u8>,
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
    /// A write was confirmed.
    Done {
        /// Whose.
        device: Device,
        /// Of which points.
        points: PointRange,
    },
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
        judged: &Judged<'_>,
        operation: &Operation<'_>,
        values: Option<(Shape, Range<usize>)>,
    ) -> Self {
        Self {
            conversation: *judged.conversation,
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
        self.list.push(Observation { time, frame, what });
    }

    /// Keeps octets until the site has consumed the observations.
    pub(crate) fn keep(&mut self, octets: &[u8]) -> Range<usize> {
        let start = self.octets.len();
        self.octets.extend_from_slice(octets);
        start..self.octets.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes over another shard's observations.
    pub(crate) fn append(&mut self, other: &mut Self) {
        let moved = self.octets.len();
        self.octets.append(&mut other.octets);
        for mut observation in other.list.drain(..) {
            let shift = |range: &mut Range<usize>| *range = range.start + moved..range.end + moved;
            match &mut observation.what {
                What::Values { octets, .. } => shift(octets),
                What::Asked(change) => {
                    if let Some((_, octets)) = &mut change.values {
                        shift(octets);
                    }
                }
                _ => {}
            }
            self.list.push(observation);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.octets.clear();
    }
}
