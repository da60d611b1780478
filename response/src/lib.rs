//! Outward: store, history, cases, evidence, outbox, forwarders.
//!
//! This package remembers and tells; it judges nothing. What the engine found arrives as a [`store::Batch`], is
//! written down in one transaction together with the engine's own checkpoint, and is told to every configured
//! destination from a durable [`outbox`]: each (incident, revision) at least once and in order, however often the
//! destination, this program or the machine stops in between.
//!
//! Threads and clocks live here; the pure encoders take the time as an argument.
#![forbid(unsafe_code)]

pub mod evidence;
pub mod forward;
pub mod http;
pub mod notify;
pub mod outbox;
pub mod outward;
pub mod store;
pub mod ticket;
