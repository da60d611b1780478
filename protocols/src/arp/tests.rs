//! Packets decoded by hand, and what no octets break.

use fieldwarden_model::Transport;

use super::Arp;
use crate::datagram::testing::{hex, nothing_breaks, one};

/// 10.0.0.5 asks who has 10.0.0.20 (RFC 826, "Packet Generation").
const ASKS: &str = "0001 0800 06 04 0001 020000000005 0a000005 000000000000 0a000014";

#[test]
fn question_and_answer() {
    let told = one(&Arp, Transport::Link, &hex(ASKS));
    assert_eq!((told.kind.as_str(), told.field("opcode")), ("arp request", "1"));
    assert_eq!((told.field("sender_mac"), told.field("sender_ip")), ("02:00:00:00:00:05", "10.0.0.5"));
    assert_eq!((told.field("target_mac"), told.field("target_ip")), ("00:00:00:00:00:00", "10.0.0.20"));
    let answer = ASKS.replacen("0001 0200", "0002 0200", 1);
    assert_eq!(one(&Arp, Transport::Link, &hex(&answer)).kind, "arp response");
}

#[test]
fn other_widths_and_cut_packets_tell_what_they_can() {
    let told = one(
        &Arp,
        Transport::Link,
        &hex("0006 0800 08 04 0001 0000000000000001 0a000005 0000000000000000 0a000014"),
    );
    assert_eq!((told.kind.as_str(), told.field("sender_ip")), ("arp request", "10.0.0.5"));
    assert_eq!(told.field("sender_mac"), "", "an address of eight octets is none of Ethernet");
    // RFC 2390: over frame relay, whose addresses have two octets here.
    let inverse = "000f 0800 02 04 0008 0000 0a000002 3091 00000000";
    let told = one(&Arp, Transport::Link, &hex(inverse));
    assert_eq!((told.kind.as_str(), told.field("sender_ip")), ("arp request", "10.0.0.2"));
    let told = one(&Arp, Transport::Link, &hex(ASKS)[..16]);
    assert_eq!(
        (told.kind.as_str(), told.field("opcode"), told.anomalies[0]),
        ("arp anomaly", "1", "addresses-cut-short")
    );
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&Arp, Transport::Link, &[hex(ASKS)]);
}
