//! Judgement: conversations, baseline, detection, incidents, rehearsal. A state machine.
//!
//! The engine has no clock, no randomness and does no I/O; time arrives with the input and never runs backwards. One
//! capture, configuration, baseline and decision journal give byte-identical incidents, live or from a file, whatever
//! the hash seed and however many threads run the shards.
#![forbid(unsafe_code)]

mod answers;
pub mod assets;
pub mod baseline;
mod batch;
#[cfg(test)]
mod bench;
pub mod blindness;
pub mod budget;
mod checkpoint;
pub mod community_id;
pub mod configure;
pub mod conversation;
pub mod detect;
mod engine;
pub mod history;
pub mod incident;
pub mod json;
pub mod map;
mod motion;
mod readings;
pub mod rehearse;
mod shard;
mod site;
pub mod tags;
pub mod track;
mod trackers;
mod values;
pub mod zones;

pub use assets::Inventory;
pub use baseline::{Baseline, learn::Learner};
pub use checkpoint::RestoreFault;
pub use engine::{Engine, Input, ModeChange, Output, Settings, Summary, Switch};
pub use map::Seed;
pub use site::{QuietUse, WindowUse};
