//! Against frames put together by hand after the published structures; there is no public capture.

use alloc::{format, vec::Vec};

use fieldwarden_model::Transport;

use super::Codesys;
use crate::{
    Probe,
    talk::{ANSWER, ASK, Talk, hex, probed, stands, talk, told},
};

/// A datagram with a channel message, sender 8 and receiver 6 octets.
fn datagram(channel: &str) -> Vec<u8> {
    hex(&format!("c5 6b 40 40 00 43 2ddcc0a80058 83832ddcc0a80059 {channel}"))
}

fn stream(channel: &str) -> Vec<u8> {
    let datagram = datagram(channel);
    let mut octets = hex("e8170100");
    octets.extend_from_slice(&u32::try_from(datagram.len() + 8).unwrap().to_le_bytes());
    octets.extend_from_slice(&datagram);
    octets
}

/// The first block of a service message without content.
fn service(group: u16, service: u16) -> alloc::string::String {
    let [g, h] = group.to_le_bytes();
    let [s, t] = service.to_le_bytes();
    format!(
        "01 81 0100 01000000 00000000 10000000 00000000 55cd 0c00 {g:02x}{h:02x} {s:02x}{t:02x} 11000000 00000000"
    )
}

fn exchange() -> Talk {
    let login = "01 81 0100 01000000 00000000 19000000 00000000 55cd 0c00 0100 0200 00000000 09000000 81 01 07 10 05 61646d696e";
    let parts = [
        (ASK, stream("c3 00 0101 00000000 01000000 00401f00 05000000")),
        (ANSWER, stream("83 00 0101 00000000 01000000 0000 0100 00401f00 04000000")),
        (ASK, stream(&login.replace("81 01 07 10", "8101 07 10"))),
        (ANSWER, stream(&service(0x81, 2))),
        (ASK, stream(&service(2, 0x11))),
        (ASK, stream(&service(2, 5))),
        (ASK, stream("01 80 0100 02000000 01000000 aabbccdd")),
        (ASK, stream("03 00 0100")),
        (ASK, stream("c4 00 0101 00000000 0100 0000")),
    ];
    parts.into()
}

#[test]
fn channels_logins_and_commands_are_told() {
    let lines = told(&Codesys, Transport::Tcp, &exchange());
    let ends: Vec<&str> = lines.iter().filter_map(|line| line.split(" | ").nth(1)).collect();
    let wanted = [
        "associate 1219 open channel (Asked)",
        "associate 1155 open channel (Done)",
        "associate 131073 log in to device (Asked)",
        "associate 131073 log in to device (Done)",
        "mode 1114114 stop (Asked)",
        "program 327682 download (Asked)",
        "transfer 1025 continue service (Asked)",
        "associate 1027 keep alive (Asked)",
        "associate 1220 close channel (Asked)",
    ];
    assert_eq!(ends, wanted);
    assert!(lines[2].contains("user=admin"), "{}", lines[2]);
}

#[test]
fn datagrams_over_udp_are_the_same() {
    let question = datagram(&service(2, 0x10));
    let lines = told(&Codesys, Transport::Udp, &[(ASK, question.clone())].into());
    assert!(lines[0].contains("| mode 1048578 start (Asked)"), "{lines:?}");
    assert_eq!(probed(&Codesys, ASK, &question, 9_999), Probe::Certain);
    assert_eq!(probed(&Codesys, ASK, &datagram("03 00 0100"), 1_740), Probe::Possible);
    stands(&Codesys, Transport::Udp, &[(ASK, question), (ANSWER, datagram(&service(0x82, 0x10)))].into());
}

/// Two broadcasts of the address service, as public captures of other protocols hold them: the sender alone, and padding to four
/// octets behind an address of two words.
#[test]
fn broadcasts_of_the_address_service_are_told() {
    let lines = told(
        &Codesys,
        Transport::Udp,
        &talk(&[(ASK, "c50b4001 0010 014b"), (ASK, "c50b4001 0020 0000ff2a 0000")]),
    );
    let wanted = ["014b", "0000ff2a"].map(|sender| {
        format!("request version=3 datagram_service=1 receiver= sender={sender} | discover 769 address service (Asked)")
    });
    assert_eq!(lines, wanted);
}

#[test]
fn it_stands_the_trials() {
    stands(&Codesys, Transport::Tcp, &exchange());
    stands(&Codesys, Transport::Tcp, &second());
}

#[test]
fn a_scan_of_groups_and_services_comes_out_whole() {
    let scan: Talk = (1..128)
        .flat_map(|group| [(ASK, stream(&service(group, 1))), (ASK, stream(&service(2, group)))])
        .collect();
    let lines = told(&Codesys, Transport::Tcp, &scan);
    assert_eq!(lines.len(), 254);
    assert!(
        (1..128).all(|n| lines.iter().any(|line| line.contains(&format!("service_group={n} service=1 "))))
    );
    assert!(
        (1..128).all(|n| lines.iter().any(|line| line.contains(&format!("service_group=2 service={n} "))))
    );
}

fn second() -> Talk {
    talk(&[
        (ASK, "bbbb 01000000 01"),
        (ASK, "bbbb 02000000 51 10"),
        (ASK, "bbbb 13000000 2f 01 00 10 0e 00 44454641554c542e505247 00cd"),
        (ASK, "bbbb 08000000 30 00 0400 01020304"),
        (ASK, "cccc 0100 0f00 00000000000000000000 01000000 23100000 31 00 0b00 504c432e6c6f672e7478 00"),
        (ASK, "cccc 0100 0d00 00000000000000000000 01000000 230d0000 92 00000000 73746f70707267 00"),
        (ASK, "6666 0100 0000 00000000000000000000 01000000 06000000"),
    ])
}

#[test]
fn the_second_version_tells_programs_files_and_shell_commands() {
    let lines = told(&Codesys, Transport::Tcp, &second());
    let ends: Vec<&str> = lines.iter().filter_map(|line| line.split(" | ").nth(1)).collect();
    let wanted = [
        "discover 513 identify controller (Asked)",
        "discover 593 identify controller (Asked)",
        "program 559 download program (Asked)",
        "transfer 560 continue download (Asked)",
        "transfer 561 upload file (Asked)",
        "mode 658 shell command (Asked)",
        "associate 768 keep alive (Asked)",
    ];
    assert_eq!(ends, wanted);
    assert!(lines[2].contains("file=DEFAULT.PRG") && lines[5].contains("shell_command=stopprg"), "{lines:?}");
}

#[test]
fn magic_numbers_are_certain_where_chance_cannot_make_them() {
    assert_eq!(probed(&Codesys, ASK, &stream("03 00 0100"), 9_999), Probe::Certain);
    assert_eq!(probed(&Codesys, ASK, &hex("bbbb 01000000 01"), 9_999), Probe::Certain);
    assert_eq!(probed(&Codesys, ASK, &hex("bbbb 02000000 51 10"), 2_455), Probe::Possible);
    assert_eq!(probed(&Codesys, ASK, b"GET / HTTP/1.1\r\n", 2_455), Probe::No);
}
