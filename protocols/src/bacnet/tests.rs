use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::{Space, Transport};

use super::*;
use crate::{
    Kind,
    testing::{Conversation, Told, hex, hostile_octets_are_harmless, probed},
};
use Direction::{ToClient, ToServer};

/// A unicast around an NPDU without addresses around `apdu`.
fn unicast(apdu: &str) -> String {
    let octets = hex(apdu).len() + 6;
    format!("810a{octets:04x}0104{apdu}")
}

fn udp() -> Conversation {
    Conversation::over(&BacnetIp, Transport::Udp)
}

/// Questions with their answers; the first are the examples of Annex F.
const EXCHANGES: &[(&str, &str)] = &[
    // Read the present value of analog input 5 (F.3.5).
    ("00 00 01 0c 0c 00000005 19 55", "30 01 0c 0c 00000005 19 55 3e 44 4290999a 3f"),
    // Write 180.0 to the present value of analog value 1 (F.3.8), at priority 8.
    ("00 04 59 0f 0c 00800001 19 55 3e 44 43340000 3f 49 08", "20 59 0f"),
    // Atomic read file, stream access (F.2.1).
    ("00 02 00 06 c4 02800001 0e 31 00 21 1b 0f", "30 00 06 10 0e 31 00 65 05 4368696c6c 0f"),
    // Reinitialize device, warm start, with a password (F.4.4).
    ("00 04 02 14 09 01 1d 09 00 4162436445664768", "20 02 14"),
    // Device communication control for five minutes, disable (F.4.1).
    ("00 04 05 11 09 05 19 01 2d 08 00 23656762646621", "50 05 11 91 04 91 1a"),
    // Read property multiple with an element and an error.
    (
        "00 04 07 0e 0c 02000008 1e 09 4c 19 02 09 1c 1f",
        "30 07 0e 0c 02000008 1e 29 4c 39 02 4e c4 00000001 4f 29 1c 5e 91 02 91 20 5f 1f",
    ),
    // Write property multiple: two objects (F.3.10).
    (
        "00 04 01 10 0c 00800005 1e 09 55 2e 44 42860000 2f 1f 0c 00800006 1e 09 55 2e 44 42860000 2f 1f",
        "20 01 10",
    ),
    // Subscribe COV (F.1.10).
    ("00 02 0f 05 09 12 1c 0000000a 29 01 39 00", "20 0f 05"),
    // Delete object (F.3.4), refused.
    ("00 04 57 0b c4 02c00006", "60 57 09"),
];

fn exchanged(n: usize) -> (Told, Told) {
    let mut conversation = udp();
    let (question, answer) = EXCHANGES[n];
    (conversation.ask(&unicast(question)), conversation.answer(&unicast(answer)))
}

#[test]
fn questions_and_answers_tell_what_they_do() {
    let cases: &[(usize, &[&str], &[&str])] = &[
        (
            0,
            &["read 12 analog-input 5 present-value (Asked)"],
            &["read 12 analog-input 5 present-value = 72.30000305175781 (Done)"],
        ),
        (
            1,
            &["write 15/8 analog-value 1 present-value = 180 (Asked)"],
            &["write 15/8 analog-value 1 present-value (Done)"],
        ),
        (2, &["transfer 6 file 1 all (Asked)"], &["transfer 6 file 1 all (Done)"]),
        (3, &["mode 20/1 (Asked)"], &["mode 20/1 (Done)"]),
        (4, &["mode 17/1 (Asked)"], &["mode 17/1 (Refused(262170))"]),
        (
            5,
            &["read 14 device 8 object-list[2] (Asked)", "read 14 device 8 description (Asked)"],
            &["read 14 device 8 object-list[2] (Done)", "read 14 device 8 description (Done)"],
        ),
        (
            6,
            &[
                "write 16 analog-value 5 present-value = 67 (Asked)",
                "write 16 analog-value 6 present-value = 67 (Asked)",
            ],
            &["write 16 analog-value 5 present-value (Done)", "write 16 analog-value 6 present-value (Done)"],
        ),
        (7, &["read 5 analog-input 10 all (Asked)"], &["read 5 analog-input 10 all (Done)"]),
        (8, &["configure 11 group 6 all (Asked)"], &["configure 11 group 6 all (Refused(9))"]),
    ];
    for (n, asked, done) in cases {
        let (question, answer) = exchanged(*n);
        assert_eq!(
            (question.kind, answer.kind),
            (Kind::Request, Kind::Response),
            "{n}: {question:?} {answer:?}"
        );
        assert_eq!(
            (question.operations.as_slice(), answer.operations.as_slice()),
            (vec_of(asked).as_slice(), vec_of(done).as_slice())
        );
        assert!(question.anomalies.is_empty() && answer.anomalies.is_empty(), "{question:?} {answer:?}");
    }
}

fn vec_of(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| String::from(*word)).collect()
}

#[test]
fn fields_carry_values_passwords_and_errors() {
    let (question, answer) = exchanged(1);
    assert_eq!(question.field("values"), "180");
    assert_eq!(question.field("priority"), "8");
    assert_eq!(answer.field("confirmed_service"), "15");
    let (question, _) = exchanged(3);
    assert_eq!((question.field("reinitialized_state"), question.field("password")), ("1", "AbCdEfGh"));
    let (question, answer) = exchanged(4);
    assert_eq!((question.field("communication"), question.field("duration_minutes")), ("1", "5"));
    assert_eq!((answer.field("error_class"), answer.field("error_code")), ("4", "26"));
    let (_, answer) = exchanged(5);
    assert_eq!(answer.field("object_type"), "8,0");
    assert_eq!((answer.field("property"), answer.field("error_numbers")), ("76,28", "2,32"));
    // Write property multiple: the present value of analog input 1 may not be written (20.1.7, 21).
    let mut conversation = udp();
    conversation.ask(&unicast(EXCHANGES[6].0));
    let answer = conversation.answer(&unicast("50 01 10 0e 91 02 91 28 0f 1e 0c 00000001 19 55 1f"));
    assert_eq!((answer.field("error_class"), answer.field("error_code")), ("2", "40"));
    let failed = ["object_type", "object_instance", "property"].map(|key| answer.field(key));
    assert_eq!((failed, answer.kind), (["0", "1", "85"], Kind::Response));
}

#[test]
fn writing_to_a_device_configures_and_a_program_change_is_a_mode() {
    let device = udp().ask(&unicast("00 04 01 0f 0c 02000001 19 0b 3e 22 0bb8 3f"));
    assert_eq!(device.operations, ["configure 15 device 1 apdu-timeout = 3000 (Asked)"]);
    let program = udp().ask(&unicast("00 04 01 0f 0c 04000001 19 5a 3e 91 04 3f"));
    assert_eq!(program.operations, ["mode 15 program 1 program-change = 4 (Asked)"]);
    let relinquish = udp().ask(&unicast("00 04 01 0f 0c 00400001 19 55 3e 00 3f 49 08"));
    assert_eq!(relinquish.operations, ["write 15/8 analog-output 1 present-value (Asked)"]);
    assert_eq!(relinquish.field("values"), "null");
}

#[test]
fn unconfirmed_services_ask_or_report() {
    let who = udp().ask("810b000c 0120ffff00ff 1008");
    assert_eq!((who.kind, who.operations), (Kind::Request, vec_of(&["discover 264 (Asked)"])));
    let i_am = udp().answer(&unicast("10 00 c4 02000001 22 01e0 91 00 21 63"));
    assert_eq!((i_am.kind, i_am.field("object_instance")), (Kind::Report, "1"));
    let time = udp().ask(&unicast("10 06 a4 5c0b1105 b4 162d1e46"));
    assert_eq!(time.operations, ["time 262 (Asked)"]);
    let cov = udp().answer(&unicast(
        "10 02 09 12 1c 02000004 2c 0000000a 39 00 4e 09 55 2e 44 42820000 2f 09 6f 2e 82 0400 2f 4f",
    ));
    assert_eq!(
        cov.operations,
        [
            "read 258 analog-input 10 present-value = 65 (Reported)",
            "read 258 analog-input 10 status-flags (Reported)"
        ]
    );
}

#[test]
fn routers_and_the_virtual_link_layer_are_told_under_their_own_names() {
    let who = udp().ask("810b0007 0180 00");
    assert_eq!((who.protocol, who.operations[0].as_str()), ("bacnet_network", "discover 512 (Asked)"));
    let table = udp().ask("810a000e 0180 06 01 0002 01 02 6162");
    assert_eq!((table.field("networks"), table.field("port_ids")), ("2", "1"));
    assert_eq!(table.operations, ["configure 518 (Asked)"]);
    let bdt = udp().ask("8101000e c0a80102bac0ffffffff");
    assert_eq!((bdt.protocol, bdt.operations[0].as_str()), ("bvlc", "configure 769 (Asked)"));
    let register = udp().ask("81050006003c");
    assert_eq!(
        (register.field("time_to_live"), register.operations[0].as_str()),
        ("60", "associate 773 (Asked)")
    );
    let forwarded = udp().ask("8104 0012 c0a80102bac0 0120ffff00ff 1008");
    assert_eq!((forwarded.protocol, forwarded.field("origin")), ("bacnet", "c0a80102bac0"));
}

#[test]
fn segments_are_joined_in_order_and_repeats_are_passed_over() {
    let mut conversation = udp();
    // Complex acknowledgement of read property, cut into three behind the header of each (20.1.5).
    let first = conversation.answer(&unicast("3c 01 00 04 0c 0c 00000005 19 55 3e"));
    assert_eq!(
        (first.field("sequence_number"), first.field("more_segments"), first.field("object_type")),
        ("0", "1", "")
    );
    let second = conversation.answer(&unicast("3c 01 01 04 0c 44 4290"));
    let again = conversation.answer(&unicast("3c 01 01 04 0c 44 4290"));
    assert_eq!((second.operations.len(), again.anomalies.len()), (0, 0));
    let last = conversation.answer(&unicast("38 01 02 04 0c 999a 3f"));
    assert_eq!(last.operations, ["read 12 analog-input 5 present-value = 72.30000305175781 (Done)"]);
    let stray = conversation.answer(&unicast("38 01 07 04 0c 999a 3f"));
    assert_eq!(stray.anomalies, ["segment-without-first"]);
    let acknowledged = conversation.ask(&unicast("40 01 02 04"));
    assert_eq!((acknowledged.field("pdu_type"), acknowledged.operations.len()), ("4", 0));
}

#[test]
fn unfinished_apdus_are_bounded() {
    let mut session = npdu_session();
    for invoke in 0..20_u8 {
        let octets = [1, 0, 0x3c, invoke, 0, 4, 12, 0x0c, 0, 0, 0, 5];
        session.step(ToClient, &octets, &mut |_: &crate::Message<'_>| {});
    }
    assert_eq!(session.0.unfinished(), MAX_UNFINISHED);
}

#[test]
fn faults_are_named() {
    let codes = |text: &str| udp().ask(text).anomalies;
    assert_eq!(codes("810a0004 01201000013dff"), ["bvll-length", "apdu-too-short"]);
    assert_eq!(codes("810a0008 0200 1008"), ["npdu-version"]);
    assert_eq!(codes("810a0006 0120"), ["npdu-too-short"]);
    assert_eq!(codes("810a0008 0100 9008"), ["apdu-type"]);
    assert_eq!(codes("810a0006 0100"), ["apdu-too-short"]);
    assert_eq!(codes(&unicast("00 04 01 0f 0c 0080")), ["value-cut-short"]);
    assert_eq!(codes(&unicast("00 04 01 0f 0c 00800001 19 55 3e 44 43340000 4f")), ["closing-tag"]);
    assert_eq!(codes(&unicast("00 04 01 0f 0c 00800001 19 55 3e 44 43340000")), ["tags-left-open"]);
    assert_eq!(codes(&unicast(&format!("00 04 01 0f {}", "0e".repeat(20)))), ["nesting"]);
    assert_eq!(codes("8105000500"), ["bvll-content-length"]);
    assert_eq!(codes("81770004"), ["bvll-function"]);
}

#[test]
fn a_scan_of_all_services_comes_out_whole() {
    let mut conversation = udp();
    for service in 0..=127_u8 {
        let told = conversation.ask(&unicast(&format!("00 04 {service:02x} {service:02x}")));
        assert_eq!(told.field("confirmed_service"), format!("{service}"));
        assert_eq!(told.operations.len(), 1, "{service}");
        let told = conversation.ask(&unicast(&format!("10 {service:02x}")));
        assert_eq!(told.field("unconfirmed_service"), format!("{service}"));
    }
}

#[test]
fn recognised_by_what_it_says() {
    assert_eq!(probed(&BacnetIp, ToServer, "810b000c0120ffff00ff1008"), Probe::Certain);
    assert_eq!(probed(&BacnetIp, ToServer, "81050006003c"), Probe::Possible);
    assert_eq!(probed(&BacnetIp, ToServer, "82770006003c"), Probe::No);
    assert_eq!(probed(&BacnetIp, ToServer, "0102"), Probe::No);
}

#[test]
fn points_are_written_and_read_back() {
    let notation = BacnetIp.notation();
    for (text, area, block, first, last) in [
        ("analog-output 3 present-value", 1, 85, 3 << 32, 3 << 32 | 0xffff_ffff),
        ("device 8 object-list[2-5]", 8, 76, 8 << 32 | 2, 8 << 32 | 5),
        ("type-200 1 property-900[0]", 200, 900, 1 << 32, 1 << 32),
        ("file 1-2 all", 10, 8, 1 << 32, 2 << 32 | 0xffff_ffff),
    ] {
        let range = fieldwarden_model::PointRange { space: Space { area, block }, first, last };
        let mut written = String::new();
        notation.write(&range, &mut written).unwrap();
        assert_eq!((written.as_str(), notation.read(text)), (text, Some(range)));
    }
    for block in 0..600 {
        let range = notation::point((u16::try_from(block).unwrap(), 1), block, Some(7));
        let mut written = String::new();
        notation.write(&range, &mut written).unwrap();
        assert_eq!(notation.read(&written), Some(range), "{written}");
    }
}

#[test]
fn hostile_octets() {
    let mut exchange: Vec<(Direction, Vec<u8>)> = Vec::new();
    for (question, answer) in EXCHANGES {
        exchange.extend([(ToServer, hex(&unicast(question))), (ToClient, hex(&unicast(answer)))]);
    }
    exchange.push((ToServer, hex("8104 0012 c0a80102bac0 0120ffff00ff 1008")));
    exchange.push((ToServer, hex("810a000e 0180 06 01 0002 01 02 6162")));
    exchange.push((ToClient, hex(&unicast("3c 01 00 04 0c 0c 00000005 19 55 3e"))));
    hostile_octets_are_harmless(&BacnetIp, Transport::Udp, &exchange);
}
