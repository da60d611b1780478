extern crate std;

use std::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use fieldwarden_model::{Outcome, Value, Verb};
use proptest::prelude::*;

use super::{
    harness::{Flow, Said, cut, hex},
    *,
};
use crate::message::Kind;
use Direction::{ToClient, ToServer};

fn flow() -> Flow {
    Flow::over(&Cip, Transport::Tcp)
}

/// The CIP messages that these octets complete.
fn cip(flow: &mut Flow, direction: Direction, octets: &[u8]) -> Vec<Said> {
    let mut told = flow.told(direction, octets);
    told.retain(|said| said.protocol == "cip");
    told
}

fn packet(command: u16, session: u32, data: &[u8]) -> Vec<u8> {
    let mut octets = command.to_le_bytes().to_vec();
    octets.extend(u16::try_from(data.len()).unwrap().to_le_bytes());
    octets.extend(session.to_le_bytes());
    octets.extend([0; 4]);
    octets.extend([7, 0, 0, 0, 0, 0, 0, 0]);
    octets.extend([0; 4]);
    octets.extend(data);
    octets
}

/// Send RR data with a null address and an unconnected message.
fn unconnected(message: &str) -> Vec<u8> {
    let message = hex(message);
    let mut data = hex("00000000 0a00 0200 0000 0000 b200");
    data.extend(u16::try_from(message.len()).unwrap().to_le_bytes());
    data.extend(message);
    packet(0x6f, 0x1234, &data)
}

/// Send unit data over a connection.
fn connected(id: u32, sequence: u16, message: &str) -> Vec<u8> {
    let message = hex(message);
    let mut data = hex("00000000 0000 0200 a100 0400");
    data.extend(id.to_le_bytes());
    data.extend(hex("b100"));
    data.extend(u16::try_from(message.len() + 2).unwrap().to_le_bytes());
    data.extend(sequence.to_le_bytes());
    data.extend(message);
    packet(0x70, 0x1234, &data)
}

/// Read of two elements of `Level`, from element 3 on (1756-PM020, "Read Tag Service").
const READ: &str = "4c 05 91 05 4c65 7665 6c00 2803 0200";
const READ_DONE: &str = "cc 00 00 00 c400 2a000000 feffffff";

#[test]
fn a_tag_read_names_elements_and_values() {
    let mut flow = flow();
    let asked = cip(&mut flow, ToServer, &connected(1, 5, READ));
    assert_eq!(asked[0].field("symbol"), "Level");
    assert_eq!(asked[0].field("elements"), "2");
    let (verb, name, points, values, outcome) = asked[0].operations[0].clone();
    assert_eq!((verb, name, values.len(), outcome), (Verb::Read, "read tag", 0, Outcome::Asked));
    assert!(points.clone().unwrap().ends_with("[3-4]"));
    let done = cip(&mut flow, ToClient, &connected(2, 5, READ_DONE));
    assert_eq!(done[0].field("symbol"), "Level", "the answer repeats what was asked");
    assert_eq!(done[0].field("values"), "42,-2");
    assert_eq!(
        done[0].operations[0],
        (Verb::Read, "read tag", points, vec![Value::Integer(42), Value::Integer(-2)], Outcome::Done)
    );
}

#[test]
fn a_tag_write_carries_its_value_and_a_refusal_its_code() {
    let mut flow = flow();
    // Write tag: type REAL, one element, 1.0.
    let asked = cip(&mut flow, ToServer, &connected(1, 6, "4d 04 91 05 4c65 7665 6c00 ca00 0100 0000803f"));
    let (verb, _, _, values, _) = &asked[0].operations[0];
    assert_eq!((*verb, values.as_slice()), (Verb::Write, [Value::Float(1.0)].as_slice()));
    let refused = cip(&mut flow, ToClient, &connected(2, 6, "cd 00 ff 01 0721"));
    assert_eq!(refused[0].field("extended_status"), "8455");
    assert_eq!(refused[0].operations[0].4, Outcome::Refused(0xff));
}

#[test]
fn a_number_of_64_bits_without_a_sign_is_told_whole() {
    let mut flow = flow();
    let write = "4d 04 91 06 456e65726779 c900 0300 ffffffffffffffff 0000000000000080 0700000000000000";
    let asked = cip(&mut flow, ToServer, &connected(1, 7, write));
    assert_eq!(asked[0].field("values"), "18446744073709551615,9223372036854775808,7");
}

#[test]
fn an_unconnected_send_is_two_messages_and_its_answer_one() {
    let mut flow = flow();
    // Vol. 1, 3-5.5.4: get attributes all of the identity object, by way of port 1, slot 0.
    let asked = cip(&mut flow, ToServer, &unconnected("52 02 2006 2401 0af0 0600 0102 2001 2401 0100 0100"));
    assert_eq!(asked.len(), 2);
    assert_eq!((asked[0].field("class"), asked[1].field("class")), ("6".into(), "1".into()));
    assert!(asked[0].operations.is_empty(), "what carries does nothing itself");
    assert_eq!(asked[1].operations[0].0, Verb::Discover);
    let done =
        cip(&mut flow, ToClient, &unconnected("81 00 0000 0100 0e00 3600 1014 6030 3f825100 04 50756d70"));
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].field("class"), "6,1");
    assert_eq!(done[0].field("attribute"), "1,2,3,4,5,6,7");
    assert_eq!(done[0].field("product_name"), "Pump");
    assert_eq!(done[0].operations[0].2.as_deref(), Some("class 1 instance 1"));
}

#[test]
fn every_message_of_a_multiple_service_packet_is_told() {
    let mut flow = flow();
    // Vol. 1, Appendix: two services, at octets 6 and 14 behind the service's path.
    let asked = cip(
        &mut flow,
        ToServer,
        &connected(1, 9, "0a 02 2002 2401 0200 0600 0e00 0e03 2001 2401 3007 0302 208b 2401 0100 0600"),
    );
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[1].field("attribute"), "7");
    let done = cip(
        &mut flow,
        ToClient,
        &connected(
            2,
            9,
            "8a 00 0000 0200 0600 0e00 8e00 0000 03 506c63 8300 0000 0100 0600 0000 0102030405060708",
        ),
    );
    assert_eq!(done.len(), 3);
    assert_eq!(done[1].field("class"), "1");
    assert_eq!(done[2].operations[0].0, Verb::Time);
    assert_eq!(done[2].operations[0].2.as_deref(), Some("class 139 instance 1 attribute 6"));
}

#[test]
fn browsing_lists_names_and_types() {
    let mut flow = flow();
    // 1756-PM020: instances of class 0x6b from 0 on, attributes 1 (name) and 2 (type).
    cip(&mut flow, ToServer, &connected(1, 4, "55 03 206b 2500 0000 0200 0100 0200"));
    let listed = "d5 00 0600 15000000 0500 4c6576656c c400 16000000 0200 5031 ca00";
    let done = cip(&mut flow, ToClient, &connected(2, 4, listed));
    assert_eq!(
        (done[0].field("listed_symbol"), done[0].field("listed_instance")),
        ("Level,P1".into(), "21,22".into())
    );
    assert_eq!((done[0].field("listed_type"), done[0].operations[0].0), ("196,202".into(), Verb::Discover));
}

#[test]
fn a_connection_is_known_by_its_opening() {
    let mut flow = flow();
    let open = "54 02 2006 2401 0af0 02000000 01000000 0200 4d00 efbeadde 03000000 \
                80841e00 f443 80841e00 f443 a3 03 0100 2002 2401";
    let asked = cip(&mut flow, ToServer, &unconnected(open));
    assert_eq!((asked[0].field("class"), asked[0].field("is_response")), ("6,2".into(), "0,0".into()));
    cip(
        &mut flow,
        ToClient,
        &unconnected("d4 00 0000 11111111 01000000 0200 4d00 efbeadde 80841e00 80841e00 0000"),
    );
    let read = cip(&mut flow, ToServer, &connected(0x1111_1111, 1, "0e 03 20ac 2401 3003"));
    assert_eq!(read[0].field("class"), "2,172");
}

#[test]
fn mode_program_time_and_firmware_are_told_by_their_verbs() {
    let mut flow = flow();
    let mut verb = |message: &str| cip(&mut flow, ToServer, &connected(1, 1, message))[0].operations[0].0;
    assert_eq!(verb("07 02 208e 2401"), Verb::Mode, "stop of a controller");
    assert_eq!(verb("06 02 208e 2401"), Verb::Mode);
    assert_eq!(verb("05 02 2001 2401 00"), Verb::Mode, "reset of a device");
    assert_eq!(verb("04 02 208b 2401 0100 0600 0000000000000000"), Verb::Time);
    assert_eq!(verb("50 02 206a 2401 0000"), Verb::Program);
    assert_eq!(verb("4d 02 20a1 2401 0000"), Verb::Program);
    assert_eq!(verb("10 03 20f6 2401 3006 01000a00"), Verb::Configure);
    assert_eq!(verb("4b 02 2067 2401 07 4d00 01000000 0f 00 0100 80 06"), Verb::Mode, "PCCC change mode");
}

#[test]
fn what_is_set_is_named_for_what_it_is() {
    let mut ours = flow();
    let mut told = |message: &str| {
        let operation = cip(&mut ours, ToServer, &connected(1, 1, message))[0].operations[0].clone();
        (operation.0, operation.1)
    };
    assert_eq!(told("04 02 208b 2401 0100 0600 0000000000000000"), (Verb::Time, "set clock"));
    assert_eq!(told("03 02 208b 2401 0100 0600"), (Verb::Time, "get attribute list"));
    // Attributes 3, 5, 6 and 8 of the TCP/IP interface (Vol. 2, 5-4.3).
    assert_eq!(told("10 03 20f5 2401 3003 00000000"), (Verb::Configure, "set IP address"));
    let address = "4200000a 00ffffff 00000000 00000000 00000000 0000";
    let set = format!("10 03 20f5 2401 3005 {address}");
    assert_eq!(told(&set), (Verb::Configure, "set IP address"));
    let listed = format!("04 02 20f5 2401 0100 0500 {address}");
    assert_eq!(told(&listed), (Verb::Configure, "set IP address"));
    let said = cip(&mut flow(), ToServer, &connected(1, 1, &listed));
    assert_eq!(said[0].field("ip_address"), "10.0.0.66");
    assert_eq!(told("10 03 20f5 2401 3006 0200 6162"), (Verb::Configure, "set host name"));
    assert_eq!(told("10 03 20f5 2401 3008 01"), (Verb::Configure, "set attribute single"));
    assert_eq!(told("4d 02 20a1 2401 0000"), (Verb::Program, "firmware transfer"));
    assert_eq!(told("4f 02 206a 2401 0000"), (Verb::Program, "upload program part"));
    // What tools do when they go online, which changes no program.
    assert_eq!(told("4d 02 20ac 2401 07000100"), (Verb::Program, "read changes of the program"));
    assert_eq!(told("04 02 20ac 2401 0100 0a00 4c1d9734").0, Verb::Configure);
}

#[test]
fn firmware_sent_on_into_the_rack_is_that_of_a_module() {
    let mut flow = flow();
    let sent = unconnected("52 02 2006 2401 0af0 0600 4b02 20a1 2401 0100 0100");
    let asked = cip(&mut flow, ToServer, &sent);
    assert_eq!(asked[1].operations[0].1, "module firmware update");
}

#[test]
fn pccc_names_files_and_elements() {
    let mut flow = flow();
    // 1770-6.5.16, chapter 7, "protected typed logical read with three address fields": N7:10, two words.
    let asked = cip(
        &mut flow,
        ToServer,
        &connected(1, 2, "4b 02 2067 2401 07 4d00 01000000 0f 00 3412 a2 04 07 89 0a 00"),
    );
    assert_eq!(asked[0].operations[0].2.as_deref(), Some("N7:10-11"));
    let done = cip(&mut flow, ToClient, &connected(2, 2, "cb 00 0000 07 4d00 01000000 4f 00 3412 0100 feff"));
    assert_eq!(done[0].operations[0].3, [Value::Integer(1), Value::Integer(-2)]);
    assert_eq!(done[0].field("is_response"), "1,1");
    // A timer has three words: T4:1, accumulated value.
    let timer = cip(
        &mut flow,
        ToServer,
        &connected(1, 3, "4b 02 2067 2401 07 4d00 01000000 0f 00 3512 aa 02 04 86 01 02 6400"),
    );
    assert_eq!(timer[0].operations[0].2.as_deref(), Some("T4:1.2"));
    assert_eq!(timer[0].operations[0].3, [Value::Integer(100)]);
}

#[test]
fn an_unanswered_scan_of_services_comes_out_whole_and_memory_is_bounded() {
    let mut flow = flow();
    for service in 1..=127 {
        let asked = cip(&mut flow, ToServer, &connected(1, service, &format!("{service:02x} 02 2001 2401")));
        assert_eq!(asked[0].field("service"), service.to_string());
        assert_eq!(asked[0].operations.len(), usize::from(service != 0x0a), "{service}");
    }
    assert!(flow.said.iter().any(|said| said.anomalies.contains(&"pending-requests")));
}

#[test]
fn an_unanswered_scan_of_commands_comes_out_whole() {
    let mut flow = flow();
    for command in 0..=0xff {
        flow.feed(ToServer, &packet(command, 0, &[]));
    }
    assert_eq!(flow.said.iter().filter(|said| said.protocol == "enip").count(), 256);
}

#[test]
fn what_is_broken_is_told_with_what_was_understood() {
    let mut flow = flow();
    let cut = cip(&mut flow, ToServer, &connected(1, 1, "0e 04 2001 2401"));
    assert_eq!((cut[0].kind, cut[0].field("class")), (Kind::Anomaly, "1".into()));
    assert_eq!(cut[0].anomalies, ["message-too-short"]);
    let open = cip(&mut flow, ToServer, &unconnected("54 02 2006 2401 0af0 0200"));
    assert_eq!((open[0].kind, open[0].anomalies.as_slice()), (Kind::Anomaly, ["data-too-short"].as_slice()));
    let lying = cip(&mut flow, ToServer, &connected(1, 2, "0a 02 2002 2401 0900 0600"));
    assert_eq!(lying[0].anomalies, ["services-missing"]);
    let mut items = connected(1, 3, "01 02 2001 2401");
    items[30] = 9;
    flow.feed(ToServer, &items);
    assert!(flow.said.iter().any(|said| said.anomalies.contains(&"items-missing")));
}

#[test]
fn only_encapsulation_is_taken() {
    let ports = Ports { server: 4_000, client: 50_000 };
    let probe = |bytes: &[u8]| Cip.probe(ToServer, bytes, ports);
    assert_eq!(probe(&connected(1, 5, READ)), Probe::Certain);
    assert_eq!(probe(&packet(0x63, 0, &[])), Probe::Certain);
    assert_eq!(probe(&packet(0x65, 0, &[1, 0, 0, 0])), Probe::Certain);
    assert_eq!(probe(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"), Probe::No);
    assert_eq!(probe(&hex("0001 0000 0006 01 03 0000 0001")), Probe::No);
    assert_eq!(probe(&[0; 64]), Probe::Possible);
}

fn sound_stream() -> (Vec<u8>, Vec<u8>) {
    let mut up = packet(0x65, 0, &[1, 0, 0, 0]);
    let mut down = packet(0x65, 0x1234, &[1, 0, 0, 0]);
    up.extend(connected(1, 5, READ));
    down.extend(connected(2, 5, READ_DONE));
    up.extend(unconnected("52 02 2006 2401 0af0 0600 0102 2001 2401 0100 0100"));
    down.extend(unconnected("81 00 0000 0100 0e00 3600 1014 6030 3f825100 04 50756d70"));
    up.extend(connected(1, 9, "0a 02 2002 2401 0200 0600 0e00 0e03 2001 2401 3007 0302 208b 2401 0100 0600"));
    down.extend(connected(
        2,
        9,
        "8a 00 0000 0200 0600 0e00 8e00 0000 03 506c63 8300 0000 0100 0600 0000 01020304",
    ));
    up.extend(connected(1, 2, "4b 02 2067 2401 07 4d00 01000000 0f 00 3412 a2 04 07 89 0a 00"));
    down.extend(connected(2, 2, "cb 00 0000 07 4d00 01000000 4f 00 3412 0100 feff"));
    (up, down)
}

/// What a stream says when cut into pieces of `size` octets.
fn told(up: &[u8], down: &[u8], size: usize) -> Vec<Said> {
    cut(&Cip, up, down, size)
}

#[test]
fn any_segmentation_gives_the_same_messages_and_every_prefix_is_quiet() {
    let (up, down) = sound_stream();
    let whole = told(&up, &down, usize::MAX);
    assert_eq!(whole.iter().filter(|said| said.kind == Kind::Anomaly).count(), 0, "{whole:?}");
    for size in 1..60 {
        assert_eq!(told(&up, &down, size), whole, "{size}");
    }
    for end in 0..up.len() {
        assert!(told(&up[..end], &[], usize::MAX).iter().all(|said| said.anomalies.is_empty()));
    }
}

proptest! {
    #[test]
    fn no_octets_break_a_flow(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..10),
        messages in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..80)), 0..10),
    ) {
        let mut flow = flow();
        for (up, octets) in messages {
            let text: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            flow.feed(if up { ToServer } else { ToClient }, &connected(1, 1, &text));
        }
        for (up, octets) in pieces {
            let _ = Cip.probe(ToServer, &octets, Ports { server: PORT, client: 1 });
            flow.feed(if up { ToServer } else { ToClient }, &octets);
        }
    }

    #[test]
    fn no_mutation_of_a_sound_flow_breaks_it(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        size in 1_usize..400,
    ) {
        let (mut up, mut down) = sound_stream();
        for (place, octet) in flips {
            for stream in [&mut up, &mut down] {
                let place = place.index(stream.len());
                stream[place] = octet;
            }
        }
        // In words: a value that is no number equals nothing, itself included.
        let said = |size: usize| format!("{:?}", told(&up, &down, size));
        prop_assert_eq!(said(size), said(usize::MAX));
    }
}
