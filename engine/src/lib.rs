//! Judgement: conversations, baseline, detection, incidents, rehearsal. A state machine.
//!
//! The engine has no clock, no randomness and does no I/O; time arrives with the input and never runs backwards. One
//! capture, configuration, baseline and decision journal give byte-identical incidents, live or from a file, whatever
//! the hash seed and however many threads run the shards.
#![forbid(unsafe_code)]

pub mod map;
pub mod track;
