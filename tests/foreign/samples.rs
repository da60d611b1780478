//! Traffic of many kinds: what protocols say first, and what is none.

use super::common::random::Random;

/// A conversation.
pub(crate) struct Sample {
    pub(crate) what: String,
    /// The protocols that may be told of it.
    pub(crate) of: &'static [&'static str],
    /// Whether its octets alone say what it is, so that it must be told on every port.
    pub(crate) sure: bool,
    /// What is said, and whether the server says it.
    pub(crate) parts: Vec<(bool, Vec<u8>)>,
}

fn sample(of: &'static [&'static str], sure: bool, parts: &[(bool, Vec<u8>)]) -> Sample {
    Sample { what: of.first().copied().unwrap_or("nothing").to_owned(), of, sure, parts: parts.to_vec() }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

const ASK: bool = false;
const ANSWER: bool = true;

/// What is sent over TCP.
pub(crate) fn streams() -> Vec<Sample> {
    let web = b"GET /index.html HTTP/1.1\r\nHost: plant\r\nUser-Agent: curl/8.5\r\n\r\n".to_vec();
    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec();
    let setup = "0300 0019 02f080 3201 0000 0100 0008 0000 f000 0001 0001 03c0";
    let read = "0300 001f 02f080 3201 0000 0200 000e 0000 0401 120a 1002 0002 0001 84 000000";
    let mut all = vec![
        sample(&["tls"], true, &[(ASK, client_hello())]),
        sample(&["http"], true, &[(ASK, web), (ANSWER, page)]),
        sample(
            &["ssh"],
            true,
            &[(ANSWER, b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()), (ASK, b"SSH-2.0-PuTTY\r\n".to_vec())],
        ),
        sample(
            &["modbus"],
            true,
            &[
                (ASK, hex("0001 0000 0006 01 03 0000 0002")),
                (ANSWER, hex("0001 0000 0007 01 03 04 0007 0009")),
            ],
        ),
        sample(
            &["s7comm", "cotp"],
            true,
            &[
                (ASK, hex("0300 0016 11 e0 0000 0001 00 c0010a c1020100 c2020102")),
                (ANSWER, hex("0300 0016 11 d0 0001 0002 00 c0010a c1020100 c2020102")),
                (ASK, hex(setup)),
                (ASK, hex(read).repeat(8)),
            ],
        ),
        sample(&["iec104"], true, &[(ASK, hex("68 04 07000000")), (ANSWER, hex("68 04 0b000000"))]),
        sample(&["enip"], true, &[(ASK, hex(&format!("6500 0400 {} 0100 0000", "00".repeat(20))))]),
        sample(
            &["mqtt"],
            true,
            &[(ASK, hex("10 0d 0004 4d515454 04 02 003c 0001 61")), (ANSWER, hex("20 02 00 00"))],
        ),
        sample(&["opcua"], true, &[(ASK, opcua_hello())]),
        sample(&["vnc"], true, &[(ANSWER, b"RFB 003.008\n".to_vec()), (ASK, b"RFB 003.008\n".to_vec())]),
        sample(
            &["ftp"],
            false,
            &[(ANSWER, b"220 FTP server ready.\r\n".to_vec()), (ASK, b"USER anonymous\r\n".to_vec())],
        ),
        sample(&[], false, &[(ASK, vec![0; 64])]),
        sample(&[], false, &[(ASK, vec![0xff; 64])]),
        sample(
            &[],
            false,
            &[(ASK, b"hello, is anybody there?\r\n".to_vec()), (ANSWER, b"go away\r\n".to_vec())],
        ),
        sample(&[], false, &[(ASK, b"EHLO mail.plant\r\n".to_vec()), (ANSWER, b"250 ok\r\n".to_vec())]),
        sample(&[], false, &[(ASK, b"{\"method\":\"status\"}\n".to_vec())]),
        sample(&[], false, &[(ASK, b"\r\n\r\n".to_vec())]),
    ];
    all.extend(noise());
    all
}

/// What is sent over UDP.
pub(crate) fn datagrams() -> Vec<Sample> {
    let search =
        b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\r\n".to_vec();
    let mut all = vec![
        sample(
            &["dns"],
            true,
            &[
                (ASK, hex("1234 0100 0001 0000 0000 0000 03 706c63 05 706c616e74 00 0001 0001")),
                (
                    ANSWER,
                    hex(
                        "1234 8180 0001 0001 0000 0000 03 706c63 05 706c616e74 00 0001 0001 c00c 0001 0001 0000003c 0004 0a000014",
                    ),
                ),
            ],
        ),
        sample(&["ntp"], false, &[(ASK, [vec![0x23], vec![0; 47]].concat())]),
        sample(
            &["snmp"],
            true,
            &[(
                ASK,
                hex(
                    "30 26 020101 0406 7075626c6963 a0 19 020107 020100 020100 300e 300c 0608 2b06010201010100 0500",
                ),
            )],
        ),
        sample(&["http"], true, &[(ASK, search)]),
        sample(&["syslog"], false, &[(ASK, b"<34>Oct 11 22:14:15 plc su: failed".to_vec())]),
        sample(&["tftp"], true, &[(ASK, b"\0\x01firmware.bin\0octet\0".to_vec())]),
        sample(&["bacnet"], false, &[(ASK, hex("81 0b 000c 0120 ffff 00 ff 10 08"))]),
        sample(&["modbus"], false, &[(ASK, hex("0001 0000 0006 01 03 0000 0002"))]),
        sample(&["enip"], false, &[(ASK, hex(&format!("6300 0000 {}", "00".repeat(20))))]),
        sample(&["knxnet_ip"], false, &[(ASK, hex("0610 0201 000e 0801 0a000005 0e57"))]),
        sample(&[], false, &[(ASK, vec![0; 64])]),
        sample(&[], false, &[(ASK, vec![0xff; 64])]),
        sample(&[], false, &[(ASK, b"hello, is anybody there?\r\n".to_vec())]),
    ];
    all.extend(noise());
    all
}

/// Octets without a sense, of many lengths; always the same ones.
fn noise() -> impl Iterator<Item = Sample> {
    [1, 7, 12, 33, 64, 150, 400, 1_200].into_iter().flat_map(|length| {
        (0..4).map(move |turn| {
            let mut random = Random::seeded(std::path::Path::new(&format!("noise {length} {turn}")));
            let mut octets = || (0..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
            let parts = vec![(ASK, octets()), (ANSWER, octets()), (ASK, octets())];
            Sample { what: format!("{length} octets of noise, {turn}"), of: &[], sure: false, parts }
        })
    })
}

/// A client hello of TLS 1.2 and 1.3 for `plant` (RFC 8446 clause 4.1.2).
fn client_hello() -> Vec<u8> {
    let name = hex("0000 000a 0008 00 0005 706c616e74");
    let versions = hex("002b 0005 04 0304 0303");
    let extensions = [name, versions].concat();
    let length = u16::try_from(extensions.len()).unwrap().to_be_bytes();
    let body =
        [hex("0303"), vec![0x5a; 32], hex("00 0004 1301 c02f 01 00"), length.to_vec(), extensions].concat();
    let inner = u16::try_from(body.len()).unwrap();
    [hex("16 0301"), (inner + 4).to_be_bytes().to_vec(), hex("01 00"), inner.to_be_bytes().to_vec(), body]
        .concat()
}

/// A hello of OPC UA (OPC 10000-6 clause 7.1.2.3).
fn opcua_hello() -> Vec<u8> {
    let url = b"opc.tcp://plc:4840";
    let sizes = hex("00000000 00000100 00000100 00000000 00000000");
    let length = u32::try_from(8 + sizes.len() + 4 + url.len()).unwrap().to_le_bytes();
    let named = u32::try_from(url.len()).unwrap().to_le_bytes();
    [&b"HELF"[..], &length, &sizes, &named, url].concat()
}
