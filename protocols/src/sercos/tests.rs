//! Telegrams decoded by hand, and what no octets break.

use alloc::format;

use fieldwarden_model::Transport;

use super::Sercos;
use crate::datagram::testing::{hex, nothing_breaks, one};

const MASTER: &str = "00 04 12345678 0102";
const SLAVES: &str = "c1 04 12345678 0102";
const NEW_PHASE: &str = "00 83 12345678 0102";

#[test]
fn telegrams_and_phases() {
    let told = one(&Sercos, Transport::Link, &hex(MASTER));
    assert_eq!(
        (told.kind.as_str(), told.field("phase"), told.field("data_length")),
        ("sercos request", "4", "2")
    );
    assert_eq!(told.operations, [format!("write {} (Asked)", 0x0004_0000)]);
    let told = one(&Sercos, Transport::Link, &hex(SLAVES));
    assert_eq!((told.field("secondary_channel"), told.field("telegram_number")), ("1", "1"));
    assert_eq!(told.operations, [format!("read {} (Reported)", 0x0004_0041)]);
    let told = one(&Sercos, Transport::Link, &hex(NEW_PHASE));
    assert_eq!(told.operations, [format!("mode {} (Asked)", 0x0003_0000)]);
    assert_eq!(one(&Sercos, Transport::Link, &hex("00 09 00000000")).anomalies, ["phase-out-of-range"]);
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&Sercos, Transport::Link, &[MASTER, SLAVES, NEW_PHASE].map(hex));
}
