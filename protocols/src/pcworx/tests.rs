//! Against frames decoded by hand: the exchange that Redpoint's `pcworx-info` and the study of CVE-2014-9195 make.

use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::Transport;

use super::{PORT, PcWorx};
use crate::{
    Probe,
    talk::{ANSWER, ASK, Talk, hex, probed, stands, talk, told},
};

const OPEN: &str = "0101001a 0000 0000 7880 0003 000c 49424554483031 4e305f4d00";

/// An identification of 152 octets of mail, with the texts where the script reads them.
fn identity() -> Vec<u8> {
    let mut octets = hex("810600b0 0002 0001 00000000 0002 0000 004c 0000 0006 0098 8295 004a 0000");
    octets.resize(176, 0);
    for (at, words) in
        [(30, "ILC 131 ETH"), (66, "4.42"), (79, "11/26/15"), (91, "18:46:55"), (152, "2700973")]
    {
        octets[at..at + words.len()].copy_from_slice(words.as_bytes());
    }
    octets
}

fn exchange() -> Talk {
    let mut parts = talk(&[
        (ASK, OPEN),
        (ANSWER, "81010014 0000 0001 00000000 0002 0000 004c 0000"),
        (ASK, "01050016 0001 0000 7880 004c 0000 0006 0004 0295 0000"),
        (ANSWER, "81050012 0001 0001 00000000 0002 0000 004c"),
        (ASK, "0106000e 0002 0000 0000 004c 0400"),
    ]);
    parts.push((ANSWER, identity()));
    parts.extend(talk(
        &[(ASK, "0102000c 006b ffff ff0f 004c")].map(|(side, _)| (side, "0102000c 006b 0000 0000 004c")),
    ));
    parts
}

#[test]
fn who_opens_identifies_and_closes_is_told() {
    let lines = told(&PcWorx, Transport::Tcp, &exchange());
    let wanted = [
        "request function_code=1 invocation=0 node=IBETH01N0_M | associate 1 open node (Asked)",
        "response function_code=1 invocation=0 status=0 session=76 | associate 1 open node (Done)",
        "request function_code=5 invocation=1 session=76 service=661 words=0 | discover 43319301 identify controller (Asked)",
        "response function_code=5 invocation=1 status=0 session=76 | unknown 5 send message (Done)",
        "request function_code=6 invocation=2 session=76 | read 6 receive message (Asked)",
        "response function_code=6 invocation=2 status=0 session=76 service=33429 words=74 plc_type=ILC 131 ETH firmware=4.42 \
         build_date=11/26/15 build_time=18:46:55 model=2700973 | discover 43319302 identify controller (Done)",
        "request function_code=2 invocation=107 session=76 | associate 2 close node (Asked)",
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn it_stands_the_trials() {
    stands(&PcWorx, Transport::Tcp, &exchange());
}

#[test]
fn a_scan_of_functions_comes_out_whole() {
    let scan: Talk =
        (1..=127).map(|code| (ASK, hex(&format!("01{code:02x}000c 0001 0000 0000 004c")))).collect();
    let lines = told(&PcWorx, Transport::Tcp, &scan);
    assert_eq!(lines.len(), 127);
    let missing: Vec<String> = (1..=127)
        .map(|code| format!("function_code={code} "))
        .filter(|word| !lines.iter().any(|line| line.contains(word)))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn mail_that_announces_more_than_there_is_is_malformed() {
    let lines = told(
        &PcWorx,
        Transport::Tcp,
        &talk(&[(ASK, "01050016 0001 0000 7880 004c 0000 0006 0009 0295 0000")]),
    );
    assert!(lines[0].starts_with("anomaly ") && lines[0].ends_with("| mail-length"), "{lines:?}");
}

#[test]
fn the_open_is_certain_on_any_port() {
    assert_eq!(probed(&PcWorx, ASK, &hex(OPEN), 9_999), Probe::Certain);
    assert_eq!(probed(&PcWorx, ASK, &hex("0106000e 0002 0000 0000 004c 0400"), PORT), Probe::Possible);
    assert_eq!(probed(&PcWorx, ASK, b"GET / HTTP/1.1\r\n", PORT), Probe::No);
}
