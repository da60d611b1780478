//! What a plant engineer and a SOC rely on, tested from outside: nothing acknowledged is lost, nothing is told twice
//! under different names, and no collector, however it behaves, holds another one up.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod bus_hostile;
mod collector;
mod content;
mod encoding;
mod files;
mod formats;
mod hostile;
mod kill;
mod mail;
mod matrix;
#[path = "../tickets/middle.rs"]
#[expect(dead_code, reason = "what kills a gateway is tried with tickets")]
mod middle;
mod mqtt;
mod nats;
mod nats_keys;
mod nats_peer;
mod outage;
mod parse;
mod peer;
mod peers;
mod people;
mod pki;
mod rsyslog;
mod sample;
mod server;
mod services;
mod siem;
mod syslog_ng;
mod webhook;
