//! Against frames decoded by hand: those of the study of CVE-2014-9195, and the binding of services that a capture shows.

use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::Transport;

use super::{NATIVE_PORT, ProConOs, REMOTING_PORT};
use crate::{
    Probe,
    talk::{ANSWER, ASK, Talk, hex, probed, stands, talk, told},
};

const CONNECT: &str = "cc 01 00 0d c0 01 0000 d517";

fn native() -> Talk {
    talk(&[
        (ASK, CONNECT),
        (ASK, "cc 01 00 0b 40 02 0000 47ee"),
        (ASK, "cc 01 00 5b 40 03 1c00 01000000 1c000000 01000000 02000000 00000000 00000000 00000000 d79a"),
        (ASK, "cc 01 00 07 40 06 1000 26750000000000000000000000000000 c682"),
        (ASK, "cc 01 00 0f 40 07 0000 eafa"),
        (ASK, "cc 01 00 01 40 0e 0000 4c07"),
        (ASK, "cc 01 00 04 40 0e 0000 1821"),
    ])
}

/// A bind: the check is left out, or the complement of the sum.
fn bind(name: &str, check: &str) -> Vec<u8> {
    let mut octets = hex(&format!("0100 0000 0000 {:02x}00 0000 0000 0000 {check}", name.len() + 1));
    octets.extend_from_slice(name.as_bytes());
    octets.push(0);
    octets
}

fn remoting() -> Talk {
    let mut talk: Talk = Vec::new();
    let mut exchange = |ask: Vec<u8>, answer: &str| talk.extend([(ASK, ask), (ANSWER, hex(answer))]);
    exchange(
        bind("Ade.Remoting.Services.IProConOSControlService2", "cfff"),
        "0100 0100 0000 0000 0000 0000 0000 fdff",
    );
    exchange(
        bind("Ade.Remoting.Services.IProConOSControlService", "0000"),
        "0100 0100 0000 0000 0100 0000 0000 fcff",
    );
    exchange(
        bind("Ade.Remoting.Services.IDeviceInfoService", "0000"),
        "0100 0100 0000 0000 0200 0000 0000 fbff",
    );
    exchange(
        hex("0100 0200 0000 0600 0200 0300 0000 0000 01000000 0240"),
        "0100 0300 0000 0c00 0200 0300 0000 0000 01000000 0409 0000 0310 0001",
    );
    exchange(hex("0100 0200 0000 0000 0100 0700 0000 0000"), "0100 0300 0000 0000 0100 0700 0000 0000");
    exchange(hex("0100 0200 0000 0200 0100 0600 0000 0000 0100"), "0100 0300 0000 0000 0100 0600 0000 0000");
    talk
}

#[test]
fn the_native_frames_of_the_study_are_told() {
    let wanted = [
        "request function_code=13 sequence=1 flags=192 | associate 13 connect (Asked)",
        "request function_code=11 sequence=2 flags=64 | discover 11 identify controller (Asked)",
        "request function_code=91 sequence=3 flags=64 data=01000000\
         1c000000010000000200000000000000000000000000000\
         0 | unknown 91 unknown function (Asked) | unknown-function",
        "request function_code=7 sequence=6 flags=64 data=26750000000000000000000000000000 \
         | unknown 7 unknown function (Asked) | unknown-function",
        "request function_code=15 sequence=7 flags=64 | diagnose 15 read state (Asked)",
        "request function_code=1 sequence=14 flags=64 | mode 1 stop (Asked)",
        "request function_code=4 sequence=14 flags=64 | mode 4 cold start (Asked)",
    ];
    assert_eq!(told(&ProConOs, Transport::Tcp, &native()), wanted);
}

#[test]
fn services_are_known_by_the_name_they_were_bound_by() {
    let lines = told(&ProConOs, Transport::Tcp, &remoting());
    let ends: Vec<&str> = lines.iter().filter_map(|line| line.split(" | ").nth(1)).collect();
    let wanted = [
        "associate 257 bind service (Asked)",
        "associate 257 bind service (Refused(0))",
        "associate 257 bind service (Asked)",
        "associate 257 bind service (Done)",
        "associate 258 bind service (Asked)",
        "associate 258 bind service (Done)",
        "discover 196866 read attributes (Asked)",
        "discover 196866 read attributes (Done)",
        "mode 459009 stop (Asked)",
        "mode 459009 stop (Done)",
        "mode 393473 start (Asked)",
        "mode 393473 start (Done)",
    ];
    assert_eq!(ends, wanted);
}

#[test]
fn a_stop_is_told_where_the_bind_was_not_seen() {
    let lines = told(&ProConOs, Transport::Tcp, &talk(&[(ASK, "0100 0200 0000 0000 0100 0700 0000 0000")]));
    assert!(lines[0].contains("mode 459009 stop"), "{lines:?}");
}

#[test]
fn it_stands_the_trials() {
    stands(&ProConOs, Transport::Tcp, &native());
    stands(&ProConOs, Transport::Tcp, &remoting());
}

#[test]
fn a_scan_of_functions_comes_out_whole() {
    let scan: Talk =
        (0..=255_u32).map(|code| (ASK, hex(&format!("cc0100{code:02x}4001 0000 0000")))).collect();
    let lines = told(&ProConOs, Transport::Tcp, &scan);
    let missing: Vec<String> = (0..=255)
        .map(|code| format!("function_code={code} "))
        .filter(|word| !lines.iter().any(|line| line.contains(word)))
        .collect();
    assert!(lines.len() == 256 && missing.is_empty(), "{missing:?}");
}

#[test]
fn a_wrong_checksum_is_malformed() {
    let lines = told(&ProConOs, Transport::Tcp, &talk(&[(ASK, "cc 01 00 01 40 0e 0000 4c08")]));
    assert!(lines[0].starts_with("anomaly ") && lines[0].ends_with("| checksum"), "{lines:?}");
}

#[test]
fn a_right_checksum_or_a_service_name_is_certain_on_any_port() {
    assert_eq!(probed(&ProConOs, ASK, &hex(CONNECT), 9_999), Probe::Certain);
    assert_eq!(probed(&ProConOs, ASK, &remoting()[0].1, 9_999), Probe::Certain);
    assert_eq!(probed(&ProConOs, ASK, &hex("cc 01 00 0d c0 01 0000 d518"), NATIVE_PORT), Probe::Possible);
    assert_eq!(probed(&ProConOs, ASK, b"GET / HTTP/1.1\r\n", REMOTING_PORT), Probe::No);
}
