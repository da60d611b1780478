//! Every function of the standard, question and answer.

use alloc::vec::Vec;

use fieldwarden_model::Transport;
use tokio_modbus::Request;

use super::harness::{Conversation, EXCHANGES, ToClient, ToServer, Told, adu, hex};
use crate::Kind;

fn exchange(question: &str, answer: &str) -> (Told, Told) {
    let mut conversation = Conversation::tcp();
    (conversation.ask(question), conversation.answer(answer))
}

#[test]
fn the_examples_of_the_standard_are_without_fault() {
    let mut conversation = Conversation::tcp();
    for (question, answer) in EXCHANGES {
        let (question, answer) = (conversation.ask(question), conversation.answer(answer));
        assert_eq!((question.kind, answer.kind), (Kind::Request, Kind::Response), "{question:?} {answer:?}");
        assert!(question.anomalies.is_empty() && answer.anomalies.is_empty(), "{question:?} {answer:?}");
        assert_eq!(question.field("function_code"), answer.field("function_code"));
    }
}

#[test]
fn operations_say_what_is_read_and_written() {
    let cases = [
        (
            0,
            "read 1 unit 1 00020-00038 (Asked)",
            "read 1 unit 1 00020-00038 = 1,0,1,1,0,0,1,1,1,1,0,1,0,1,1,0,1,0,1 (Done)",
        ),
        (2, "read 3 unit 1 40108-40110 (Asked)", "read 3 unit 1 40108-40110 = 555,0,100 (Done)"),
        (3, "read 4 unit 1 30009 (Asked)", "read 4 unit 1 30009 = 10 (Done)"),
        (4, "write 5 unit 1 00173 = 1 (Asked)", "write 5 unit 1 00173 (Done)"),
        (5, "write 6 unit 1 40002 = 3 (Asked)", "write 6 unit 1 40002 (Done)"),
        (6, "diagnose 7 unit 1 (Asked)", "diagnose 7 unit 1 (Done)"),
        (7, "diagnose 8 unit 1 (Asked)", "diagnose 8 unit 1 (Done)"),
        (8, "mode 8/1 unit 1 (Asked)", "mode 8/1 unit 1 (Done)"),
        (
            12,
            "write 15 unit 1 00020-00029 = 1,0,1,1,0,0,1,1,1,0 (Asked)",
            "write 15 unit 1 00020-00029 (Done)",
        ),
        (13, "write 16 unit 1 40002-40003 = 10,258 (Asked)", "write 16 unit 1 40002-40003 (Done)"),
        (14, "discover 17 unit 1 (Asked)", "discover 17 unit 1 (Done)"),
        (17, "write 22 unit 1 40005 (Asked)", "write 22 unit 1 40005 (Done)"),
        (19, "read 24 unit 1 fifo 41247 (Asked)", "read 24 unit 1 fifo 41247 = 440,4740 (Done)"),
        (21, "discover 43/14 unit 1 (Asked)", "discover 43/14 unit 1 (Done)"),
        (22, "discover 90/2 unit 1 (Asked)", "discover 90/2 unit 1 (Done)"),
        (23, "read 3 unit 1 40001 (Asked)", "read 3 unit 1 40001 (Refused(2))"),
    ];
    for (n, asked, done) in cases {
        let (question, answer) = exchange(EXCHANGES[n].0, EXCHANGES[n].1);
        assert_eq!((question.operation(), answer.operation()), (asked, done));
    }
}

#[test]
fn messages_that_do_several_things_tell_each() {
    let (question, answer) = exchange(EXCHANGES[15].0, EXCHANGES[15].1);
    assert_eq!(
        question.operations,
        ["read 20 unit 1 file 4 record 1-2 (Asked)", "read 20 unit 1 file 3 record 9-10 (Asked)"]
    );
    assert_eq!(
        answer.operations,
        [
            "read 20 unit 1 file 4 record 1-2 = 3582,32 (Done)",
            "read 20 unit 1 file 3 record 9-10 = 13261,64 (Done)"
        ]
    );
    let (question, _) = exchange(EXCHANGES[16].0, EXCHANGES[16].1);
    assert_eq!(question.operation(), "write 21 unit 1 file 4 record 7-9 = 1711,1214,4109 (Asked)");
    let (question, answer) = exchange(EXCHANGES[18].0, EXCHANGES[18].1);
    assert_eq!(
        question.operations,
        ["read 23 unit 1 40004-40009 (Asked)", "write 23 unit 1 40015-40017 = 255,255,255 (Asked)"]
    );
    assert_eq!(
        answer.operations,
        ["read 23 unit 1 40004-40009 = 254,2765,1,3,13,255 (Done)", "write 23 unit 1 40015-40017 (Done)"]
    );
    let refused = exchange(EXCHANGES[18].0, "97 02").1;
    assert_eq!(
        refused.operations,
        ["read 23 unit 1 40004-40009 (Refused(2))", "write 23 unit 1 40015-40017 (Refused(2))"]
    );
}

#[test]
fn commands_that_silence_a_controller_are_changes_of_mode() {
    let (restart, _) = exchange("08 0001 0000", "08 0001 0000");
    assert_eq!(restart.operation(), "mode 8/1 unit 1 (Asked)");
    let (silence, _) = exchange("08 0004 0000", "88 01");
    assert_eq!(silence.operation(), "mode 8/4 unit 1 (Asked)");
    let (counter, _) = exchange("08 000b 0000", "08 000b 0007");
    assert_eq!(counter.operation(), "diagnose 8/11 unit 1 (Asked)");
}

#[test]
fn identification_is_told_in_words() {
    let (_, answer) = exchange(EXCHANGES[21].0, EXCHANGES[21].1);
    assert_eq!(answer.field("object_ids"), Some("0,2"));
    assert_eq!(answer.field("object_values"), Some("ABC,V2.11"));
}

#[test]
fn an_answer_repeats_what_was_asked() {
    let (_, answer) = exchange("03 0064 0002", "03 04 0007 0009");
    assert_eq!(answer.field("requested_address"), Some("100"));
    assert_eq!(answer.field("requested_quantity"), Some("2"));
    assert_eq!(answer.field("register_values"), Some("7,9"));
}

#[test]
fn answers_find_their_requests_out_of_order_and_by_unit() {
    let mut conversation = Conversation::tcp();
    let mut questions = Vec::new();
    for (transaction, unit, pdu) in [(1, 1, "03 0000 0001"), (1, 2, "03 0064 0001"), (2, 1, "04 00c8 0001")] {
        questions.extend(adu(transaction, unit, pdu));
    }
    assert_eq!(conversation.raw(ToServer, &questions).len(), 3, "pipelined in one segment");
    let mut answers = Vec::new();
    for (transaction, unit, pdu) in [(2, 1, "04 02 0003"), (1, 2, "03 02 0002"), (1, 1, "03 02 0001")] {
        answers.extend(adu(transaction, unit, pdu));
    }
    let told = conversation.raw(ToClient, &answers);
    let operations: Vec<&str> = told.iter().map(Told::operation).collect();
    assert_eq!(
        operations,
        [
            "read 4 unit 1 30201 = 3 (Done)",
            "read 3 unit 2 40101 = 2 (Done)",
            "read 3 unit 1 40001 = 1 (Done)"
        ]
    );
}

#[test]
fn datagrams_are_read_like_segments() {
    let mut conversation = Conversation::over(Transport::Udp);
    assert_eq!(conversation.ask("06 0001 0003").operation(), "write 6 unit 1 40002 = 3 (Asked)");
    assert_eq!(conversation.answer("06 0001 0003").kind, Kind::Response);
    let cut = conversation.raw(ToServer, &adu(3, 1, "10 0001 0002 04 000a 0102")[..13]);
    assert_eq!(cut[0].anomalies, ["length-beyond-datagram", "byte-count-disagrees"]);
    assert_eq!(cut[0].field("address"), Some("1"));
}

/// An independent implementation reads the same requests.
#[test]
fn another_implementation_reads_the_same_requests() {
    for (question, _) in EXCHANGES {
        let told = Conversation::tcp().ask(question);
        let number = |key| told.field(key).map(|value| value.parse::<u16>().unwrap());
        // Of function 43 it knows the identification alone.
        let Ok(request) = Request::try_from(bytes::Bytes::from(hex(question))) else {
            assert!(question.starts_with("2b 0d"), "{question}");
            continue;
        };
        let (address, quantity) = match request {
            Request::ReadCoils(address, quantity)
            | Request::ReadDiscreteInputs(address, quantity)
            | Request::ReadHoldingRegisters(address, quantity)
            | Request::ReadInputRegisters(address, quantity) => (Some(address), Some(quantity)),
            Request::WriteSingleCoil(address, on) => {
                assert_eq!(number("value"), Some(u16::from(on)));
                (Some(address), None)
            }
            Request::WriteSingleRegister(address, word) => {
                assert_eq!(number("value"), Some(word));
                (Some(address), None)
            }
            Request::WriteMultipleCoils(address, coils) => {
                let ours: Vec<bool> =
                    told.field("bit_values").unwrap().split(',').map(|b| b == "1").collect();
                assert_eq!(ours, *coils);
                (Some(address), Some(u16::try_from(coils.len()).unwrap()))
            }
            Request::WriteMultipleRegisters(address, words) => {
                let ours: Vec<u16> =
                    told.field("register_values").unwrap().split(',').map(|w| w.parse().unwrap()).collect();
                assert_eq!(ours, *words);
                (Some(address), Some(u16::try_from(words.len()).unwrap()))
            }
            Request::MaskWriteRegister(address, and, or) => {
                assert_eq!((number("and_mask"), number("or_mask")), (Some(and), Some(or)));
                (Some(address), None)
            }
            Request::ReadWriteMultipleRegisters(read, count, write, words) => {
                assert_eq!((number("read_address"), number("read_quantity")), (Some(read), Some(count)));
                assert_eq!(number("write_address"), Some(write));
                assert_eq!(number("write_quantity").map(usize::from), Some(words.len()));
                (None, None)
            }
            // The others it hands on undecoded.
            _ => continue,
        };
        assert_eq!(number("address"), address, "{question}");
        assert_eq!(number("quantity").or(number("bit_quantity")), quantity, "{question}");
    }
}

#[test]
fn unity_codes_are_named_and_paired() {
    let mut conversation = Conversation::tcp();
    // Reservation by a station, as Unity Pro sends it; the controller answers with the key.
    let asked = conversation.ask("5a 00 10 434c0000 04 48 4d 49 31");
    assert_eq!(
        (asked.field("unity_station"), asked.operation()),
        (Some("HMI1"), "associate 90/16 unit 1 (Asked)")
    );
    assert_eq!(conversation.answer("5a 00 fe 01").operation(), "associate 90/16 unit 1 (Done)");
    assert_eq!(conversation.ask("5a 01 41 ff00").operation(), "mode 90/65 unit 1 (Asked)");
    let refused = conversation.answer("5a 01 fd 81 00");
    assert_eq!(
        (refused.operation(), refused.field("unity_error")),
        ("mode 90/65 unit 1 (Refused(129))", Some("129"))
    );
    let read = conversation.ask("5a 00 20 00 1300 64000000 9c00");
    assert_eq!((read.field("memory_block"), read.field("memory_offset")), (Some("19"), Some("100")));
    assert_eq!(read.operation(), "read 90/32 unit 1 (Asked)");
    assert_eq!(conversation.ask("5a 01 34 00 01 0200").operation(), "program 90/52 unit 1 (Asked)");
    for code in 0..=127_u8 {
        let told = conversation.ask(&alloc::format!("5a 00 {code:02x}"));
        assert_eq!(told.field("unity_code"), Some(&*alloc::format!("{code}")));
    }
}
