//! Evidence: frames of the past, kept on disk within bounds, and slices cut out of them for an alert.
//!
//! | part | what it does |
//! |---|---|
//! | [`Keeper`] | takes every frame from the sensing thread and never makes it wait |
//! | ring | segments on disk, the oldest let go first; healed after a crash |
//! | [`Held`] | reads the ring like any other source of frames, while it is being written |
//! | [`cut`] | cuts slices: an alert's own frames and what was heard around them |
//!
//! Guarantees: the ring never takes more octets than its bound; each segment is a pcapng of its own, whole up to the last
//! block written at any moment, kill or not; a disk that is slow or full costs frames of the ring, which is counted,
//! told, and written where the frames are missing, and never costs a frame of judgement; one source and one wish give the
//! same slice, octet by octet.

mod held;
mod keeper;
mod measure;
mod ring;
mod sealed;
mod slice;
#[cfg(test)]
mod tests;

pub use held::Held;
pub use keeper::{Keeper, Status};
pub use ring::{Bounds, Healed, RingError};
pub use sealed::MARK_EVERY;
pub use slice::{Limits, Slice, SliceError, Wanted, cut};
