//! One incident, one ticket: with a real Request Tracker and a real Redmine behind a way that loses, doubles and delays what passes, with people who
//! close, reopen, move and delete, with a second gateway, and with our own death at any request.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod fake;
mod faults;
mod hands;
mod life;
mod middle;
mod redmine;
mod request_tracker;
#[path = "../outward/sample.rs"]
#[expect(dead_code, reason = "what only the other tests need")]
mod sample;
mod system;
