//! Against packets decoded by hand with the clauses of ISO/IEC 14908-1.

use alloc::format;

use fieldwarden_model::Transport;

use super::{LonWorks, PORTS};
use crate::{
    Dissector as _, Probe,
    talk::{ANSWER, ASK, Talk, hex, probed, stands, talk, told},
};

/// The tunnel's header around a packet.
fn tunnelled(packet: &str) -> alloc::vec::Vec<u8> {
    let packet = hex(packet);
    let mut octets = hex(&format!("{:04x} 01 01 00 00 0000 6b8b4567 00000000 00000000", packet.len() + 20));
    octets.extend_from_slice(&packet);
    octets
}

/// Clause 7: PDU format TPDU (0), address format 2a, domain of one octet: 0x09; source 1/42, destination 1/41.
const UPDATE: &str = "01 09 01 aa 01 a9 01 03 810d 00ca";
const ACKNOWLEDGE: &str = "00 09 01 a9 01 aa 01 23";

fn exchange() -> Talk {
    [
        (ASK, UPDATE),
        (ASK, ACKNOWLEDGE),
        // Session PDU: fetch a variable (clause 10, code 0x73), and the answer 0x33.
        (ASK, "01 19 01 aa 01 a9 01 05 73 02"),
        (ASK, "00 19 01 a9 01 aa 01 25 33 02 00ca"),
        // The node's mode is set: 0x6c, acknowledged service.
        (ASK, "01 19 01 aa 01 a9 01 06 6c 03"),
        // An unacknowledged update to a whole subnet, alone in an APDU.
        (ASK, "01 31 01 aa 00 01 8001 05"),
    ]
    .map(|(side, packet)| (side, tunnelled(packet)))
    .into()
}

#[test]
fn updates_acknowledgements_and_management_are_told() {
    let lines = told(&LonWorks, Transport::Udp, &exchange());
    let start = "packet_type=1 session=1804289383 sequence=0 priority=0 source_subnet=1";
    let wanted = [
        format!(
            "request {start} source_node=42 destination_subnet=1 destination_node=41 transport_type=0 transaction=3 \
                 domain=01 nv_direction=0 nv_selector=269 data=00ca | write 128 update variable unit 297 nv 269 = 202 (Asked)"
        ),
        format!(
            "response {start} source_node=41 destination_subnet=1 destination_node=42 transport_type=2 transaction=3 \
                 domain=01 | associate 514 acknowledge unit 298 (Done)"
        ),
        format!(
            "request {start} source_node=42 destination_subnet=1 destination_node=41 session_type=0 transaction=5 \
                 domain=01 code=115 data=02 | read 115 fetch variable unit 297 (Asked)"
        ),
        format!(
            "response {start} source_node=41 destination_subnet=1 destination_node=42 session_type=2 transaction=5 \
                 domain=01 code=51 data=0200ca | read 115 fetch variable unit 298 (Done)"
        ),
        format!(
            "request {start} source_node=42 destination_subnet=1 destination_node=41 session_type=0 transaction=6 \
                 domain=01 code=108 data=03 | mode 108 set node mode unit 297 (Asked)"
        ),
        format!(
            "report {start} source_node=42 destination_subnet=0 domain=01 nv_direction=0 nv_selector=1 data=05 \
                 | write 128 update variable nv 1 = 5 (Reported)"
        ),
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn it_stands_the_trials() {
    stands(&LonWorks, Transport::Udp, &exchange());
}

#[test]
fn a_scan_of_codes_comes_out_whole() {
    let scan: Talk =
        (0..128).map(|code| (ASK, tunnelled(&format!("01 19 01 aa 01 a9 01 05 {code:02x}")))).collect();
    let lines = told(&LonWorks, Transport::Udp, &scan);
    assert!(lines.len() == 128 && (0..128).all(|code| lines[code].contains(&format!("code={code} "))));
}

#[test]
fn what_is_cut_or_lies_about_its_length_is_malformed() {
    let cut = told(&LonWorks, Transport::Udp, &[(ASK, tunnelled("80 00 00 01 00"))].into());
    assert!(cut[0].starts_with("anomaly ") && cut[0].ends_with("| packet-cut-short"), "{cut:?}");
    let lies = told(
        &LonWorks,
        Transport::Udp,
        &talk(&[(ANSWER, "0030 01 07 00 00 0000 00000001 00000002 00000000")]),
    );
    assert!(lies[0].starts_with("anomaly ") && lies[0].ends_with("| tunnel-length"), "{lies:?}");
}

#[test]
fn plain_data_is_certain_on_any_port() {
    assert_eq!(probed(&LonWorks, ASK, &tunnelled(UPDATE), 9_999), Probe::Certain);
    assert_eq!(
        probed(&LonWorks, ASK, &hex("0014 01 07 00 00 0000 00000001 00000002 00000000"), PORTS[0]),
        Probe::Possible
    );
    assert_eq!(probed(&LonWorks, ASK, &hex("0012 34 00 00 01 00 00 0000"), PORTS[0]), Probe::No);
}

#[test]
fn selectors_read_back() {
    let notation = LonWorks.notation();
    for text in ["nv 0", "nv 16383", "nv 3-7", "area 9 block 2 point 3-5"] {
        let mut again = alloc::string::String::new();
        notation.write(&notation.read(text).unwrap(), &mut again).unwrap();
        assert_eq!(again, text);
    }
    assert_eq!(notation.read("nv 7-3"), None);
}
