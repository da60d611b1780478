//! Scans of what is published, of what runs below IP, and of services.

use super::{
    fieldbus::sinec_h1,
    octets::*,
    table::{ETHERNET, Scan, but, scan, tcp, udp},
};
use crate::common::wire::Carried;

pub(super) fn scans() -> Vec<Scan> {
    [published(), below(), services()].into_iter().flatten().collect()
}

fn published() -> Vec<Scan> {
    vec![
        scan("egd", udp(18_246), 0..=127, "type", |c| {
            hex(&format!(
                "{c:02x} 01 0100 0a000005 01000000 00000000 00000000 01000000 00000000 00000000 0102"
            ))
        }),
        scan("ethersio", udp(6_060), 0..=127, "type", |c| {
            hex(&format!(
                "4553494f {c:04x} 0000 0022 0007 00000018 0000000d 01 00 0000005c 00000001 0002 30ff"
            ))
        }),
    ]
}

fn below() -> Vec<Scan> {
    vec![
        scan("arp", ETHERNET, 1..=127, "opcode", |c| {
            ethernet(
                0x0806,
                &hex(&format!("0001 0800 06 04 {c:04x} 020000000001 0a000005 000000000000 0a000014")),
            )
        }),
        scan("icmp", ETHERNET, 0..=255, "type", icmp),
        scan("ptp", ETHERNET, 0..=15, "message_type", |c| {
            ethernet(0x88f7, &hex(&format!("{c:02x} 02 0036 00 00 0000 {} 0000", "00".repeat(44))))
        }),
        // 0 does nothing.
        scan("ethercat", ETHERNET, 1..=127, "command", |c| {
            ethernet(0x88a4, &hex(&format!("0e10 {c:02x} 00 0210 2001 0200 0000 0800 0000")))
        }),
        scan("powerlink", ETHERNET, 0..=127, "message_type", |c| {
            ethernet(0x88ab, &hex(&format!("{c:02x} 11 f0 00 00 00 10 00 0800 0102030405060708")))
        }),
        scan("powerlink", ETHERNET, 0..=255, "service", |c| {
            ethernet(0x88ab, &hex(&format!("06 11 f0 {c:02x} 00 00 00 00 00 00 00 00 00 00")))
        }),
        scan("sinec_h1", ETHERNET, but(0..=255, &[4, 6]), "opcode", |c| {
            llc(0xfe, &[hex("00 04 f0 0102 80"), sinec_h1(c)].concat())
        }),
        scan("profinet_dcp", ETHERNET, 0..=127, "service_id", |c| {
            ethernet(0x8892, &hex(&format!("fefd {c:02x} 00 00000001 0000 0004 0202 0000")))
        }),
        scan("sercos", ETHERNET, 0..=15, "phase", |c| {
            ethernet(0x88cd, &hex(&format!("00 {c:02x} 00000000 {}", "00".repeat(40))))
        }),
        // CANopen: the commands of network management, to node 5 (CiA 301 clause 7.2.8.3.1).
        scan("can", Carried::Link(227), 0..=255, "nmt_command", |c| {
            hex(&format!("00000000 02 000000 {c:02x} 05"))
        }),
    ]
}

fn services() -> Vec<Scan> {
    vec![
        scan("dcerpc", tcp(135), 0..=127, "operation", |c| {
            hex(&format!("05 00 00 03 10000000 1800 0000 {c:02x}000000 00000000 0000 {c:02x}00"))
        }),
        scan("http", tcp(80), 1..=127, "method", |c| {
            format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", word(c).to_uppercase()).into_bytes()
        })
        .spelled(|c| word(c).to_uppercase())
        .after(&[(false, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec())]),
        scan("ftp", tcp(21), 1..=127, "command", |c| {
            format!("{} x\r\n", word(c).to_uppercase()).into_bytes()
        })
        .spelled(|c| word(c).to_uppercase())
        .after(&[(true, b"220 ready\r\n".to_vec()), (false, b"USER a\r\n".to_vec())]),
        // The commands without an option, but for subnegotiation and its end, are not told.
        scan("telnet", tcp(23), 251..=254, "command", |c| vec![0xff, low(c), 1]),
        // Those that may come in clear (RFC 4253 clause 7.1): what is above is encrypted.
        scan("ssh", tcp(22), (1..=4).chain([20]).chain(30..=49), "message_code", |c| {
            hex(&format!("0000000c 0a {c:02x} 00000000000000000000"))
        })
        .after(&[(true, b"SSH-2.0-b\r\n".to_vec()), (false, b"SSH-2.0-a\r\n".to_vec())]),
        scan("mqtt", tcp(1_883), 0..=15, "message_type", mqtt)
            .after(&[(false, hex("10 0d 0004 4d515454 04 02 003c 0001 61"))]),
        scan("smb1", tcp(445), 0..=255, "command", |c| {
            hex(&format!(
                "00000023 ff534d42 {c:02x} 00000000 18 01c8 0000 0000000000000000 0000 ffff fffe 0000 {c:04x} 00 0000"
            ))
        }),
        scan("smb2", tcp(445), 0..=127, "command", |c| {
            hex(&format!(
                "00000044 fe534d42 4000 0000 00000000 {c:02x}00 0000 00000000 00000000 {c:02x}00000000000000 fffe0000 00000000 \
                 0000000000000000 {} 0400 0000",
                "00".repeat(16)
            ))
        }),
        // What is asked; the others answer, or are carried by other protocols (RFC 4120 clause 7.5.7).
        scan("kerberos", udp(88), [10, 12, 14], "message_type", |c| {
            let first = if c == 14 { 0xa0 } else { 0xa1 };
            let parts = [ber(first, &[2, 1, 5]), ber(first + 1, &[2, 1, low(c)])].concat();
            ber(0x60 | low(c), &ber(0x30, &parts))
        }),
        scan("dns", udp(53), 0..=15, "opcode", |c| {
            hex(&format!("{c:04x} {:02x}00 0001 0000 0000 0000 01 61 02 6465 00 0001 0001", c << 3))
        }),
        scan("dhcp", udp(67), 1..=127, "message_type", |c| {
            let front = format!(
                "01 01 06 00 {c:08x} 0000 0000 {} 020000000001 {}",
                "00".repeat(16),
                "00".repeat(202)
            );
            hex(&format!("{front} 63825363 35 01 {c:02x} ff"))
        }),
        scan("snmp", udp(161), 0..=30, "pdu_type", |c| {
            let numbers = [vec![2, 1, low(c)], vec![2, 1, 0, 2, 1, 0, 0x30, 0]].concat();
            let content = [vec![2, 1, 1], ber(4, b"public"), ber(0xa0 | low(c), &numbers)].concat();
            ber(0x30, &content)
        }),
        scan("tftp", udp(69), 1..=127, "opcode", |c| [&[0, low(c)][..], b"a\0octet\0"].concat()),
        scan("ntp", udp(123), 0..=7, "mode", |c| [vec![0x20 | low(c)], vec![0; 47]].concat()),
        scan("ntp", udp(123), 0..=31, "control_operation", |c| [vec![0x26, low(c)], vec![0; 10]].concat()),
        scan("ntp", udp(123), 0..=127, "request_code", |c| [vec![0x17, 0, 3, low(c)], vec![0; 44]].concat()),
        // 6 and 9 are encrypted data, which are not told.
        scan("openvpn", udp(1_194), but(0..=31, &[6, 9]), "opcode", |c| {
            [vec![low(c) << 3], vec![7; 8], vec![0, 0, 0, 0, 0]].concat()
        })
        .after(&[(false, hex("38 0102030405060708 00 00000000"))]),
    ]
}

/// A packet of MQTT, as long as its type is at least (MQTT 3.1.1 clause 3).
fn mqtt(kind: u32) -> Vec<u8> {
    hex(match kind {
        1 => "10 0d 0004 4d515454 04 02 003c 0001 61",
        2 => "20 02 00 00",
        3 => "30 04 0001 61 31",
        4 => "40 02 0001",
        5 => "50 02 0001",
        6 => "62 02 0001",
        7 => "70 02 0001",
        8 => "82 06 0001 0001 61 00",
        9 => "90 03 0001 00",
        10 => "a2 05 0001 0001 61",
        11 => "b0 02 0001",
        other => return vec![low(other) << 4, 0],
    })
}

/// ICMP in IPv4, without a checksum of its header, as some cards leave it.
fn icmp(kind: u32) -> Vec<u8> {
    let message = hex(&format!("{kind:02x} 00 0000 0001 0001 0102030405060708"));
    ethernet(0x0800, &[hex("45 00 0024 0000 4000 40 01 0000 0a000005 0a000014"), message].concat())
}
