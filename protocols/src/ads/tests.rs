use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{PointRange, Space, Transport};

use super::*;
use crate::{
    Kind,
    framed::Framed as _,
    testing::{Conversation, any_segmentation_says_the_same, hex, hostile_octets_are_harmless, probed},
};
use Direction::{ToClient, ToServer};

/// A message of port 851 and its client, around `data`.
fn message(command: u16, flags: u16, invoke: u32, data: &str) -> Vec<u8> {
    let data = hex(data);
    let length = u32::try_from(data.len()).unwrap();
    let mut octets = Vec::from([0, 0]);
    octets.extend((length + 32).to_le_bytes());
    let (plc, client) = (hex("050d75600101 5303"), hex("c0a801c70101 1080"));
    let ends = if flags & 1 == 0 { [plc, client] } else { [client, plc] };
    octets.extend(ends.concat());
    octets.extend(command.to_le_bytes());
    octets.extend(flags.to_le_bytes());
    octets.extend(length.to_le_bytes());
    octets.extend([0; 4]);
    octets.extend(invoke.to_le_bytes());
    octets.extend(data);
    octets
}

fn asked(command: u16, invoke: u32, data: &str) -> Vec<u8> {
    message(command, 4, invoke, data)
}

fn answered(command: u16, invoke: u32, data: &str) -> Vec<u8> {
    message(command, 5, invoke, data)
}

fn tcp() -> Conversation {
    Conversation::over(&Ads, Transport::Tcp)
}

#[test]
fn data_are_read_and_written_by_group_and_offset() {
    let mut conversation = tcp();
    let read = conversation.say(ToServer, &asked(2, 1, "20400000 04000000 04000000")).remove(0);
    assert_eq!((read.kind, read.operations[0].as_str()), (Kind::Request, "read 2 851:0x4020:4-7 (Asked)"));
    let done = conversation.say(ToClient, &answered(2, 1, "00000000 04000000 2a000000")).remove(0);
    assert_eq!(
        (done.kind, done.operations[0].as_str()),
        (Kind::Response, "read 2 851:0x4020:4-7 = 42 (Done)")
    );
    let write = conversation.say(ToServer, &asked(3, 2, "20400000 08000000 02000000 0700")).remove(0);
    assert_eq!(write.operations, ["write 3 851:0x4020:8-9 = 7 (Asked)"]);
    let done = conversation.say(ToClient, &answered(3, 2, "05070000")).remove(0);
    assert_eq!(
        (done.operations[0].as_str(), done.field("result")),
        ("write 3 851:0x4020:8-9 (Refused(1797))", "1797")
    );
}

#[test]
fn symbols_states_and_services_of_the_system_are_told_apart() {
    let mut conversation = tcp();
    let symbol = conversation
        .say(ToServer, &asked(9, 3, "03f00000 00000000 04000000 09000000 4d41494e2e7870 6100"))
        .remove(0);
    assert_eq!(
        (symbol.field("symbol"), symbol.operations[0].as_str()),
        ("MAIN.xpa", "discover 9 851:0xf003:0-3 (Asked)")
    );
    for (state, verb) in
        [("0600", "mode 5/6 (Asked)"), ("0500", "mode 5/5 (Asked)"), ("1000", "mode 5/16 (Asked)")]
    {
        assert_eq!(
            conversation.say(ToServer, &asked(5, 4, &format!("{state} 0000 00000000"))).remove(0).operations,
            [verb]
        );
        assert!(
            conversation.say(ToClient, &answered(5, 4, "00000000")).remove(0).operations[0]
                .ends_with("(Done)")
        );
    }
    let mut file = asked(3, 5, "7b000000 00000000 02000000 4142");
    // The system service listens on port 10000.
    file[12..14].copy_from_slice(&10_000_u16.to_le_bytes());
    assert_eq!(
        conversation.say(ToServer, &file).remove(0).operations,
        ["transfer 3 10000:0x7b:0-1 = 16961 (Asked)"]
    );
}

#[test]
fn notifications_are_told_with_what_they_are_about() {
    let mut conversation = tcp();
    let add = "20400000 04000000 02000000 04000000 00000000 10270000 00000000000000000000000000000000";
    conversation.say(ToServer, &asked(6, 6, add));
    conversation.say(ToClient, &answered(6, 6, "00000000 63000000"));
    let sample = "1e000000 01000000 0000000000000000 01000000 63000000 02000000 0900";
    let told = conversation.say(ToClient, &message(8, 4, 0, sample)).remove(0);
    assert_eq!(
        (told.kind, told.operations[0].as_str()),
        (Kind::Report, "read 8 851:0x4020:4-5 = 9 (Reported)")
    );
}

#[test]
fn routes_are_added_with_a_password() {
    let mut udp = Conversation::over(&Ads, Transport::Udp);
    let route = "03661471 00000000 06000000 c0a801c70101 1027 03000000
        0c00 0300 504300 0d00 0600 41646d696e00 0200 0200 3100";
    let told = udp.ask(route);
    assert_eq!((told.protocol, told.operations[0].as_str()), ("ads_discovery", "configure 262 (Asked)"));
    assert_eq!(
        (told.field("route_name"), told.field("user_name"), told.field("password")),
        ("PC", "Admin", "1")
    );
}

#[test]
fn faults_are_named() {
    let codes = |octets: &[u8]| tcp().say(ToServer, octets).remove(0).anomalies;
    let mut longer = asked(4, 1, "");
    longer[26] = 9;
    assert_eq!(codes(&longer), ["data-length"]);
    assert_eq!(codes(&asked(2, 1, "20400000")), ["data-too-short"]);
    assert_eq!(codes(&asked(77, 1, "")), ["unknown-command"]);
}

#[test]
fn a_scan_of_commands_comes_out_whole_and_is_not_remembered_beyond_the_cap() {
    let mut session = session::Connection::default();
    let mut told = Vec::new();
    for command in 1..=127 {
        let octets = asked(command, u32::from(command), &"00".repeat(40));
        session.tell(ToServer, &octets, &mut |message: &crate::Message<'_>| {
            message.body.operations(&mut |operation| told.push(operation.function & 0xffff));
        });
    }
    assert_eq!(told, (1..=127).collect::<Vec<u32>>());
    assert_eq!(session.pending.len(), MAX_PENDING);
}

fn exchange() -> Vec<(Direction, Vec<u8>)> {
    Vec::from([
        (ToServer, [asked(2, 1, "20400000 04000000 04000000"), asked(4, 2, "")].concat()),
        (ToClient, answered(2, 1, "00000000 04000000 2a000000")),
        (ToClient, answered(4, 2, "00000000 0500 0000")),
        (ToServer, asked(9, 3, "03f00000 00000000 04000000 09000000 4d41494e2e7870 6100")),
        (ToClient, message(8, 4, 0, "1e000000 01000000 0000000000000000 01000000 63000000 02000000 0900")),
    ])
}

#[test]
fn any_segmentation_and_hostile_octets() {
    any_segmentation_says_the_same(&Ads, &exchange());
    hostile_octets_are_harmless(&Ads, Transport::Tcp, &exchange());
    let route =
        "03661471 00000000 06000000 c0a801c70101 1027 03000000 0c00 0300 504300 0d00 0600 41646d696e00";
    hostile_octets_are_harmless(&Ads, Transport::Udp, &[(ToServer, hex(route))]);
}

#[test]
fn recognised_by_what_it_says() {
    let whole: String = asked(4, 2, "").iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(probed(&Ads, ToServer, &whole), Probe::Certain);
    assert_eq!(probed(&Ads, ToServer, "0000 20000000 05"), Probe::Need(38));
    assert_eq!(probed(&Ads, ToServer, "0000 00000020"), Probe::No);
    assert_eq!(probed(&Ads, ToServer, "0001"), Probe::No);
}

#[test]
fn points_are_written_and_read_back() {
    for (text, area, block, first, last) in
        [("851:0x4020:4-7", 851, 0x4020, 4, 7), ("10000:0xc8:0", 10_000, 200, 0, 0)]
    {
        let range = PointRange { space: Space { area, block }, first, last };
        let mut written = String::new();
        Ads.notation().write(&range, &mut written).unwrap();
        assert_eq!((written.as_str(), Ads.notation().read(text)), (text, Some(range)));
    }
}
