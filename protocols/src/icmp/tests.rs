//! Packets decoded by hand, and what no octets break.

use fieldwarden_model::Transport;

use super::Icmp;
use crate::datagram::testing::{hex, nothing_breaks, one};

const PING: &str = "08 00 4d32 0001 0007 61626364";
/// Port unreachable, with the header of the datagram that was sent (RFC 792, destination unreachable).
const UNREACHABLE: &str =
    "03 03 0000 00000000 4500001c 00000000 40110000 0a000005 0a000014 c000 0035 0008 0000";
/// Use another gateway (RFC 792, redirect).
const REDIRECT: &str = "05 01 0000 0a000001 4500001c 00000000 40060000 0a000005 08080808 c000 0035";

#[test]
fn what_is_asked_answered_and_reported() {
    let told = one(&Icmp, Transport::Link, &hex(PING));
    assert_eq!((told.kind.as_str(), told.field("type"), told.field("sequence")), ("icmp request", "8", "7"));
    assert_eq!((told.field("identifier"), told.field("data_length")), ("1", "4"));
    assert_eq!(one(&Icmp, Transport::Link, &hex(&PING.replacen("08", "00", 1))).kind, "icmp response");
    let told = one(&Icmp, Transport::Link, &hex(UNREACHABLE));
    assert_eq!(
        (told.kind.as_str(), told.field("code"), told.field("quoted_protocol")),
        ("icmp report", "3", "17")
    );
    assert_eq!((told.field("quoted_source"), told.field("quoted_destination")), ("10.0.0.5", "10.0.0.20"));
    assert_eq!((told.field("quoted_source_port"), told.field("quoted_destination_port")), ("49152", "53"));
    assert_eq!(one(&Icmp, Transport::Link, &hex(REDIRECT)).field("gateway"), "10.0.0.1");
    assert_eq!(one(&Icmp, Transport::Link, &hex("08 00 00")).anomalies, ["header-cut-short"]);
}

#[test]
fn what_a_quoted_packet_carries_is_named_and_not_told_as_a_message() {
    // The port of Modbus was closed: a read of ten registers comes back in the error.
    let modbus = "03 03 0000 00000000 45000034 00000000 40060000 0a000005 0a000014 c000 01f6 00000001 00000001 5018 faf0 0000 0000 \
                  0007 0000 0006 01 03 0000 000a";
    let told = one(&Icmp, Transport::Link, &hex(modbus));
    assert_eq!((told.field("quoted_destination_port"), told.field("quoted_application")), ("502", "modbus"));
    assert_eq!((told.kind.as_str(), told.operations.len()), ("icmp report", 0));
    // An answer of a name server that found nobody waiting.
    let dns = "03 03 0000 00000000 4500003c 00000000 40110000 0a000014 0a000005 0035 c000 0028 0000 \
               0007 8180 0001 0000 0000 0000 03 706c63 05 6c6f63616c 00 0001 0001";
    assert_eq!(one(&Icmp, Transport::Link, &hex(dns)).field("quoted_application"), "dns");
    // A ping whose time to live ran out; options in the header; a later fragment.
    let ping =
        "0b 00 0000 00000000 4600001c 00000000 01010000 0a000005 0a000014 01010101 08 00 4d32 0001 0007";
    let told = one(&Icmp, Transport::Link, &hex(ping));
    assert_eq!((told.field("quoted_type"), told.field("quoted_code")), ("8", "0"));
    let later = "0b 01 0000 00000000 4500001c 00000001 40110000 0a000005 0a000014 c000 0035 0008 0000";
    assert_eq!(one(&Icmp, Transport::Link, &hex(later)).field("quoted_source_port"), "");
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&Icmp, Transport::Link, &[hex(PING), hex(UNREACHABLE), hex(REDIRECT)]);
}
