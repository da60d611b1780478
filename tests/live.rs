//! The whole product on the lab's gateway: an intruder is seen, told, cut off and given back; what was seen live is seen
//! again from the recording; nothing is lost by kill -9, nor at the highest rate that a sender reaches.
//!
//! Needs root and network namespaces; skipped loudly without.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

#[path = "live/mod.rs"]
mod live;

#[path = "live/containment.rs"]
mod containment;
#[path = "live/crash.rs"]
mod crash;
#[path = "live/determinism.rs"]
mod determinism;
#[path = "live/disk.rs"]
mod disk;
#[path = "live/evidence.rs"]
mod evidence;
#[path = "live/interlocks.rs"]
mod interlocks;
#[path = "live/kill.rs"]
mod kill;
#[path = "live/modes.rs"]
mod modes;
#[path = "live/rate.rs"]
mod rate;
#[expect(dead_code, reason = "one shape of those that the generator makes is sent")]
#[path = "../lab/generate/traffic/mod.rs"]
mod traffic;
