//! Messages decoded by hand, segmentation, and what no octets break.

use alloc::{vec, vec::Vec};

use fieldwarden_model::{FrameRef, Transport};

use super::{MAX_PENDING_REQUESTS, SinecH1};
use crate::{
    Direction, Dissector, Kind, Ports, Probe,
    datagram::testing::{hex, nothing_breaks, one, take},
    stream::StreamParser,
};

/// Fetches two words of data block 3 from word 0 on (FW, READ request).
const FETCH: &str = "5335 10 01 03 05 03 08 01 03 0000 0002 ff 02";
const FETCHED: &str = "5335 10 01 03 06 0f 03 00 ff 07 0000000000 0302 0059";
/// Writes two octets of flags from 7 on (FW, WRITE request).
const WRITE: &str = "5335 10 01 03 03 03 08 02 00 0007 0002 ff 02 a1b2";
const REFUSED: &str = "5335 10 01 03 04 0f 03 03 ff 07 0000000000";

#[test]
fn question_and_answer() {
    let mut session = SinecH1.session(Transport::Tcp);
    let asked = take(&SinecH1, &mut *session, Direction::ToServer, &hex(FETCH));
    assert_eq!(asked[0].operations, ["read 5 DB 3 word 0-1 (Asked)"]);
    let answer = &take(&SinecH1, &mut *session, Direction::ToClient, &hex(FETCHED))[0];
    assert_eq!(
        (answer.field("opcode"), answer.field("error_code"), answer.field("data")),
        ("6", "0", "03020059")
    );
    assert_eq!(answer.operations, ["read 5 DB 3 word 0-1 = 770,89 (Done)"]);
    let write = &take(&SinecH1, &mut *session, Direction::ToServer, &hex(WRITE))[0];
    assert_eq!(write.operations, ["write 3 M 0 byte 7-8 = 161,178 (Asked)"]);
    let refused = &take(&SinecH1, &mut *session, Direction::ToClient, &hex(REFUSED))[0];
    assert_eq!(refused.operations, ["write 3 M 0 byte 7-8 (Refused(3))"]);
}

#[test]
fn any_segmentation_gives_the_same_messages() {
    let (up, down) =
        ([hex(FETCH), hex(WRITE), hex(FETCH)].concat(), [hex(FETCHED), hex(REFUSED), hex(FETCHED)].concat());
    let told = |size: usize| {
        let mut parser = StreamParser::new(SinecH1.session(Transport::Tcp), SinecH1.max_message());
        let mut kinds = Vec::new();
        let frame = FrameRef { capture: 0, number: 1 };
        for (direction, stream) in [(Direction::ToServer, &up), (Direction::ToClient, &down)] {
            for segment in stream.chunks(size) {
                parser.feed(direction, segment, frame, &mut |message, _| kinds.push(message.kind));
            }
        }
        kinds
    };
    for size in 1..=up.len() {
        assert_eq!(told(size), [[Kind::Request; 3], [Kind::Response; 3]].concat(), "{size}");
    }
}

#[test]
fn it_is_recognised_on_any_port_and_on_llc() {
    let ports = Ports { server: 4_001, client: 59_103 };
    assert_eq!(SinecH1.probe(Direction::ToServer, &hex(FETCH), ports), Probe::Certain);
    assert_eq!(SinecH1.probe(Direction::ToClient, &hex(FETCHED), ports), Probe::Certain);
    assert_eq!(SinecH1.probe(Direction::ToServer, b"S5 is no header", ports), Probe::No);
    // Class 4 with a header of four octets behind its length: DT, reference, number.
    let llc = [&hex("00 04 f0 0102 80")[..], &hex(FETCH)].concat();
    let own = Ports { server: 0xfe, client: 0xfe };
    assert_eq!(SinecH1.probe(Direction::ToServer, &llc, own), Probe::Certain);
    assert_eq!(one(&SinecH1, Transport::Link, &llc).operations, ["read 5 DB 3 word 0-1 (Asked)"]);
}

#[test]
fn what_is_odd_is_told_and_memory_is_bounded() {
    let told = one(&SinecH1, Transport::Tcp, &hex(&FETCH.replacen("03 05", "03 09", 1)));
    assert_eq!((told.kind.as_str(), told.anomalies[0]), ("sinec_h1 anomaly", "operation-code"));
    let mut session = SinecH1.session(Transport::Tcp);
    let many: Vec<_> = vec![hex(FETCH); MAX_PENDING_REQUESTS + 1];
    let last = many.iter().map(|ask| take(&SinecH1, &mut *session, Direction::ToServer, ask)).last();
    assert_eq!(last.expect("there are some")[0].anomalies, ["pending-requests"]);
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&SinecH1, Transport::Tcp, &[FETCH, FETCHED, WRITE, REFUSED].map(hex));
}
