//! The points of a service whose writes are followed: what moved is worked out once per write, before detectors look at it.

use std::time::Duration;

use fieldwarden_model::{FrameRef, Operation, Point, Timestamp, Value};

use super::Judged;
use crate::motion::{Motion, Moved};

/// Points followed per service; the one written longest ago is forgotten first.
pub(crate) const MAX_TRACKS: usize = 64;
/// Values of one write that are followed; a block download is judged as what it is.
const MAX_VALUES: usize = 32;
/// How long turns are counted for those who turn slowly. Ten minutes: long enough to tell a habit, short enough to tell of it.
pub(crate) const LONG: Duration = Duration::from_secs(600);
/// Frames kept of a point's turns.
const MAX_FRAMES: usize = 8;

/// The points followed, and what the last write moved.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    list: Vec<Track>,
    /// Where the point after the last one is likely to stand: writes repeat their order.
    hint: usize,
    turn: u64,
    moves: Vec<Move>,
}

/// One point.
#[derive(Debug)]
struct Track {
    unit: Option<u16>,
    point: Point,
    stride: u16,
    motion: Motion,
    /// The order in which points were written.
    turn: u64,
    /// Turns in the minute of the last move.
    turns: u32,
    /// Turns within [`LONG`], and since when.
    long: (Timestamp, u32),
    /// The frames of the last turns.
    turned: Vec<FrameRef>,
}

/// A value that moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    pub(crate) point: Point,
    pub(crate) stride: u16,
    pub(crate) value: Value,
    pub(crate) moved: Moved,
    /// Whether it turned back with this write.
    pub(crate) turned: bool,
    /// Turns within [`LONG`].
    pub(crate) long_turns: u32,
    at: usize,
}

impl Tracks {
    /// Follows every value of a write.
    pub(crate) fn follow(&mut self, judged: &Judged<'_>, operation: &Operation<'_>) {
        self.moves.clear();
        let (Some(points), Some(values)) = (operation.points, operation.values) else { return };
        let (time, frame) = (judged.origin.time, judged.frame().unwrap_or_default());
        let mut index = points.first;
        for value in values.iter().take(MAX_VALUES) {
            let at =
                self.place(judged.conversation.unit, Point { space: points.space, index }, values.stride);
            if let Some(track) = self.list.get_mut(at)
                && let Some((moved, turned)) = track.to(value, time, frame)
            {
                let (point, stride, long_turns) = (track.point, track.stride, track.long.1);
                self.moves.push(Move { point, stride, value, moved, turned, long_turns, at });
            }
            index = index.saturating_add(u64::from(values.stride));
        }
    }

    /// What the last write moved.
    pub(crate) fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// The frames of the last turns of a point that moved.
    pub(crate) fn turns_of(&self, of: &Move) -> &[FrameRef] {
        self.list.get(of.at).map_or(&[], |track| &track.turned)
    }

    /// Where a point is followed, from now on if need be.
    fn place(&mut self, unit: Option<u16>, point: Point, stride: u16) -> usize {
        let is = |track: &Track| track.point == point && track.unit == unit && track.stride == stride;
        let hinted = self.list.get(self.hint).is_some_and(is).then_some(self.hint);
        let at = hinted.or_else(|| self.list.iter().position(is)).unwrap_or_else(|| self.room());
        self.hint = at + 1;
        self.turn += 1;
        let turn = self.turn;
        match self.list.get_mut(at) {
            Some(track) if is(track) => track.turn = turn,
            place => {
                let (motion, turned) = (Motion::default(), Vec::new());
                let long = (Timestamp::MIN, 0);
                let track = Track { unit, point, stride, motion, turn, turns: 0, long, turned };
                match place {
                    Some(place) => *place = track,
                    None => self.list.push(track),
                }
            }
        }
        at
    }

    /// A place that is free, or whose point was written longest ago: their turns are unique.
    fn room(&self) -> usize {
        if self.list.len() < MAX_TRACKS {
            return self.list.len();
        }
        self.list.iter().enumerate().min_by_key(|(_, track)| track.turn).map_or(0, |(at, _)| at)
    }
}

impl Track {
    /// The point is written; how it moved, and whether it turned back.
    fn to(&mut self, value: Value, time: Timestamp, frame: FrameRef) -> Option<(Moved, bool)> {
        let moved = self.motion.to(value, time)?;
        let turned = moved.turns > 0 && moved.turns != self.turns;
        self.turns = moved.turns;
        if turned {
            if self.long.1 == 0 || time.since(self.long.0) > LONG {
                self.long = (time, 0);
                self.turned.clear();
            }
            self.long.1 += 1;
            if self.turned.len() >= MAX_FRAMES {
                self.turned.remove(0);
            }
            self.turned.push(frame);
        }
        Some((moved, turned))
    }
}
