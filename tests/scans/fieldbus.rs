//! Scans of controllers, stations and buildings.

use std::fmt::Write as _;

use super::{
    octets::*,
    table::{Scan, but, pairs, scan, tcp, udp},
};

pub(super) fn scans() -> Vec<Scan> {
    [controllers(), telecontrol(), buildings()].into_iter().flatten().collect()
}

/// Types of requests of services, as they are encoded in binary (OPC 10000-6, annex A); those between are no requests.
const OPCUA_REQUESTS: [u32; 30] = [
    422, 428, 446, 452, 461, 467, 473, 479, 488, 494, 500, 506, 527, 533, 554, 560, 566, 631, 664, 673, 700,
    712, 751, 763, 769, 781, 787, 793, 799, 826,
];

fn controllers() -> Vec<Scan> {
    let connect = (false, hex("0300 0016 11 e0 0000 0001 00 c0010a c1020100 c2020102"));
    let confirm = (true, hex("0300 0016 11 d0 0001 0002 00 c0010a c1020100 c2020102"));
    let iso_opening = [connect, confirm];
    vec![
        scan("modbus", tcp(502), 1..=127, "function_code", |c| hex(&format!("{c:04x} 0000 0006 01 {c:02x} 0000 0001"))),
        scan("modbus", udp(502), 1..=127, "function_code", |c| hex(&format!("{c:04x} 0000 0006 01 {c:02x} 0000 0001"))),
        scan("modbus_serial", tcp(4_001), 1..=127, "function_code", |c| checked(rtu_request(c), 0xffff)),
        scan("modbus_serial", tcp(4_002), 1..=127, "function_code", |c| ascii(&rtu_request(c))),
        scan("s7comm", tcp(102), 0..=255, "function_code", |c| {
            iso(&hex(&format!("32 01 0000 {c:04x} 0002 0000 {c:02x} 00")))
        })
        .after(&iso_opening),
        scan("s7comm", tcp(102), 0..=255, "userdata_subfunction", |c| {
            iso(&hex(&format!("32 07 0000 {c:04x} 0008 0004 000112 04 11 44 {c:02x} 00 0a000000")))
        })
        .after(&iso_opening),
        scan("s7comm_plus", tcp(102), 0x0400..=0x0600, "function_code", |c| {
            let data = hex(&format!("31 0000 {c:04x} 0000 {c:04x} 00000387 34 00000000 00000000"));
            iso(&[&[0x72, 2][..], &big(data.len()), &data, &[0x72, 2, 0, 0]].concat())
        })
        .after(&iso_opening),
        scan("mms", tcp(102), 0..=127, "confirmed_request", |c| {
            let unit = ber(0xa0, &[vec![2, 1, low(c)], ber_high(0xa0, c, &[])].concat());
            let list = [hex("02 01 03"), ber(0xa0, &unit)].concat();
            iso(&[hex("01 00 01 00"), ber(0x61, &ber(0x30, &list))].concat())
        })
        .after(&iso_opening),
        // 10 carries others, which tell what they do.
        scan("cip", tcp(44_818), but(1..=127, &[10]), "service", |c| {
            let data = hex(&format!("00000000 0a00 0200 0000 0000 b200 0600 {c:02x} 02 2001 2401"));
            encapsulated(0x6f, &data)
        }),
        scan("enip", tcp(44_818), 0..=255, "command", |c| encapsulated(c, &[])),
        scan("ads", tcp(48_898), 1..=127, "command", |c| ads(c, 1)),
        scan("ads_discovery", udp(48_899), 1..=127, "service", |c| {
            hex(&format!("03661471 00000000 {c:02x}000000 c0a801c70101 1027 00000000"))
        }),
        scan("fins", udp(9_600), pairs(0..=0x2f, 0..=0x10), "command", |c| {
            hex(&format!("80 00 02 00 01 00 00 ef 05 07 {c:04x}"))
        }),
        // 1 is what a server answers, 2 carries a frame, which tells the operation.
        scan("fins_tcp", tcp(9_600), but(0..=127, &[1, 2]), "tcp_command", |c| {
            [&b"FINS"[..], &hex(&format!("0000000c {c:08x} 00000000 00000000"))].concat()
        }),
        scan("melsec", tcp(5_007), pairs(0..=0x21, 0..=0x1f), "command", |c| {
            let data = hex(&format!("1000 {:04x} 0000", u16::try_from(c).unwrap().swap_bytes()));
            [&hex("5000 00 ff ff03 00")[..], &little(data.len()), &data].concat()
        }),
        scan("ge_srtp", tcp(18_245), 0..=255, "service", |c| {
            hex(&format!(
                "0200 {:04x} 0000 0000 0001 0000 0000 0000 0001 0000 0000 0000 0000 00000000 07 c0 00000000 100e0000 0101 \
                 {c:02x} 01 0000 0000 00000000 ffff 00ff",
                u16::try_from(c).unwrap().swap_bytes()
            ))
        })
        .after(&[(false, vec![0; 56]), (true, [vec![1], vec![0; 55]].concat())]),
        scan("opcua", tcp(4_840), (1..=412).chain(OPCUA_REQUESTS), "service", |c| {
            let [a, b, ..] = c.to_le_bytes();
            let header = "0000 0000000000000000 00000000 00000000 ffffffff 00000000 000000";
            let body = hex(&format!(
                "07000000 01000000 {a:02x}{b:02x}0000 {a:02x}{b:02x}0000 0100 {a:02x}{b:02x} {header}"
            ));
            [&b"MSGF"[..], &u32::try_from(body.len() + 8).unwrap().to_le_bytes(), &body].concat()
        }),
        scan("pcworx", tcp(1_962), 1..=127, "function_code", |c| hex(&format!("01{c:02x}000c 0001 0000 0000 004c"))),
        scan("proconos", tcp(20_547), 0..=255, "function_code", |c| {
            let octets = hex(&format!("cc0100{c:02x}4001 0000"));
            let sum = crc(&octets, 0, 0x8408).to_le_bytes();
            [octets, sum.to_vec()].concat()
        }),
        scan("crimson", tcp(789), 0..=255, "register", |c| hex(&format!("0004 {c:04x} 0100"))),
        scan("codesys", tcp(11_740), 1..=127, "service_group", |c| codesys(c, 1)),
        scan("codesys", tcp(11_740), 1..=127, "service", |c| codesys(2, c)),
        scan("tristation", udp(1_502), 0..=255, "function_code", |c| {
            checked(hex(&format!("05 00 0a00 0000 {c:02x} 01 0000 0000 0a00")), 0)
        }),
        scan("fox", tcp(1_911), 1..=127, "command", |c| {
            format!("fox a {c} -1 fox {}\n{{\n}};;\n", word(c)).into_bytes()
        })
        .spelled(word)
        .after(&[(false, b"fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n".to_vec())]),
        // 4 and 6 are what a controller answers.
        scan("sinec_h1", tcp(10_005), but(0..=255, &[4, 6]), "opcode", sinec_h1),
        scan("profinet_cm", udp(34_964), 0..=255, "operation", profinet_cm),
    ]
}

fn telecontrol() -> Vec<Scan> {
    vec![
        // 129 is what an outstation answers.
        scan("dnp3", tcp(20_000), but(0..=255, &[129]), "function_code", |c| dnp3(&format!("c0 c0 {c:02x}"))),
        scan("dnp3", udp(20_000), but(0..=255, &[129]), "function_code", |c| dnp3(&format!("c0 c0 {c:02x}"))),
        scan("iec104", tcp(2_404), 0..=255, "type_id", |c| {
            let [low, high] = little(usize::try_from(c).unwrap() * 2);
            hex(&format!("68 0e {low:02x}{high:02x}0000 {c:02x} 01 06 00 0a00 010000 00"))
        })
        .after(&[(false, hex("68 04 07000000"))]),
        scan("synchrophasor", tcp(4_712), 0..=0xff, "command", |c| {
            let octets = hex(&format!("aa41 0012 003c 59759a7f 0f0dc48d {c:04x}"));
            let sum = crc_ccitt(&octets).to_be_bytes();
            [octets, sum.to_vec()].concat()
        }),
        scan("c1222", tcp(1_153), 0x20..=255, "command", |c| c1222(&format!("80 03 {c:02x} 0000"))),
        scan("c1222", udp(1_153), 0x20..=255, "command", |c| c1222(&format!("80 03 {c:02x} 0000"))),
        scan("bsap", udp(1_234), 0..=255, "data_base_code", |c| {
            hex(&format!("0e00 0100 0600 01000000 02000000 11000000 0c 07000000 a0 00 {c:02x} 03d0010f00"))
        }),
        // f0 escapes and f6 ends.
        scan("genisys", tcp(10_001), but(0xf1..=0xfe, &[0xf6]), "header", |c| {
            let sum = crc(&[low(c), 1], 0xffff, 0xa001).to_le_bytes();
            let mut octets = vec![low(c), 1];
            for octet in sum {
                if octet < 0xf0 { octets.push(octet) } else { octets.extend([0xf0, octet & 0x0f]) }
            }
            [octets, vec![0xf6]].concat()
        }),
        // 255 is the error that answers.
        scan("roc_plus", tcp(4_000), 0..=254, "opcode", |c| {
            checked(hex(&format!("01020300 {c:02x} 00")), 0xffff)
        }),
    ]
}

fn buildings() -> Vec<Scan> {
    let upgrade = "GET /hub HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: hub.bsc.bacnet.org\r\n\
                   Sec-WebSocket-Version: 13\r\n\r\n";
    let upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: hub.bsc.bacnet.org\r\n\r\n";
    vec![
        scan("bacnet", udp(47_808), 0..=255, "confirmed_service", |c| {
            hex(&format!("81 0a 000a 0104 0004 {c:02x} {c:02x}"))
        }),
        scan("bacnet", udp(47_808), 0..=255, "unconfirmed_service", |c| {
            hex(&format!("81 0a 0008 0100 10 {c:02x}"))
        }),
        scan("bacnet_sc", tcp(80), 0..=255, "function", |c| {
            // Masked with zeros, which leaves it as it is (RFC 6455 clause 5.3).
            hex(&format!("82 84 00000000 {c:02x} 00 {c:04x}"))
        })
        .after(&[(false, upgrade.into()), (true, upgraded.into())]),
        scan("knxnet_ip", udp(3_671), pairs(2..=0xa, 0..=0x3f), "service", |c| {
            hex(&format!("0610 {c:04x} 0015 04 05 01 00 11 00 bc e0 0000 0a03 01 0081"))
        }),
        scan("lonworks", udp(1_628), 0..=127, "code", |c| {
            hex(&format!("001d 01 01 00 00 0000 6b8b4567 00000000 00000000 01 19 01 aa 01 a9 01 05 {c:02x}"))
        }),
        scan("hart_ip", udp(5_094), 0..=255, "command", hart),
        scan("hart_ip", tcp(5_094), 0..=255, "command", hart),
        scan("ff_hse", udp(1_090), 0..=255, "service", |c| {
            hex(&format!("01 c0 0c {c:02x} 012f0001 0000001c 00000001 00000002 00000005 00000009"))
        }),
    ]
}

/// A request of Modbus on a serial line, as long as its function is.
fn rtu_request(code: u32) -> Vec<u8> {
    let body = match code {
        1..=6 => "0001 0001",
        7 | 11 | 12 | 17 => "",
        8 => "0000 0000",
        15 | 16 => "0001 0001 02 0001",
        20 => "07 06 0001 0001 0001",
        21 => "09 06 0001 0001 0001 0001",
        22 => "0001 0001 0001",
        23 => "0001 0001 0001 0001 02 0001",
        24 => "0001",
        43 => "0e 01 00",
        _ => "00",
    };
    hex(&format!("01 {code:02x} {body}"))
}

fn ascii(request: &[u8]) -> Vec<u8> {
    let check = request.iter().fold(0_u8, |sum, octet| sum.wrapping_sub(*octet));
    let mut line = String::from(":");
    for octet in request.iter().chain([&check]) {
        write!(line, "{octet:02X}").unwrap();
    }
    (line + "\r\n").into_bytes()
}

/// A question for two words of a data block; one that writes brings them.
pub(super) fn sinec_h1(code: u32) -> Vec<u8> {
    let data = if code == 3 { "a1b2c3d4" } else { "" };
    hex(&format!("5335 10 01 03 {code:02x} 03 08 01 03 0000 0002 ff 02 {data}"))
}

fn encapsulated(command: u32, data: &[u8]) -> Vec<u8> {
    let front = [&[low(command), 0][..], &little(data.len())].concat();
    [front, hex("34120000 00000000 0700000000000000 00000000"), data.to_vec()].concat()
}

fn ads(command: u32, invoke: u32) -> Vec<u8> {
    let ends = "050d75600101 5303 c0a801c70101 1080";
    hex(&format!(
        "0000 48000000 {ends} {command:02x}00 0400 28000000 00000000 {invoke:02x}000000 {}",
        "00".repeat(40)
    ))
}

fn codesys(group: u32, service: u32) -> Vec<u8> {
    let channel = format!(
        "01 81 0100 01000000 00000000 10000000 00000000 55cd 0c00 {group:02x}00 {service:02x}00 11000000 00000000"
    );
    let datagram = hex(&format!("c5 6b 40 40 00 43 2ddcc0a80058 83832ddcc0a80059 {channel}"));
    let length = u32::try_from(datagram.len() + 8).unwrap().to_le_bytes();
    [hex("e8170100"), length.to_vec(), datagram].concat()
}

fn profinet_cm(operation: u32) -> Vec<u8> {
    hex(&format!(
        "04 00 00 00 00 00 00 00 dea00000 6c97 11d1 8271 00010003015a dea00001 6c97 11d1 8271 00a02442df7d \
         13142f90 0000 1000 a994 d2106890ca5a 00000000 00000001 {operation:08x} 00{operation:02x} ffff ffff 0014 0000 0000 \
         00001000 00000000 00000000 00000000 00000000"
    ))
}

fn c1222(epsem: &str) -> Vec<u8> {
    let information = ber(0xbe, &ber(0x28, &ber(0x81, &hex(epsem))));
    ber(0x60, &[hex("a2 05 06 03 60 01 01 a6 05 80 03 2b 01 02 a8 03 02 01 07"), information].concat())
}

/// A command to a device by its long address, in a token-passing message (HART-IP, TP10300).
fn hart(command: u32) -> Vec<u8> {
    let frame = hex(&format!("82 264e0000d2 {command:02x} 00"));
    let check = frame.iter().fold(0, |sum, octet| sum ^ octet);
    [hex(&format!("01 00 03 00 {command:04x} 0011")), frame, vec![check]].concat()
}
