//! What packets carry that nobody receives: shown beside the messages, and never among them.

use fieldwarden_protocols::Direction::ToServer;

use super::harness::{Bench, CLIENT, DATA, SERVER, Sent, checksum, ipv4, parcel, sent, udp};

fn data(sequence: u32, payload: &[u8]) -> Sent {
    sent(ToServer, sequence, DATA, payload)
}

#[test]
fn a_segment_seen_again_is_shown_with_its_own_frame() {
    let mut bench = Bench::new();
    bench.send(&[data(100, &parcel(b"\x01")), data(105, &parcel(b"\x02"))]);
    bench.send(&[data(100, &parcel(b"\x01")), data(102, b"\x01\x01\x01")]);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToServer 02"]);
    let shown = ["repeated ToServer 01 10.0.0.5:49152>10.0.0.20:6001 @[3]"];
    assert_eq!(log.unreceived, shown, "what begins within a message cannot be read by itself");
}

#[test]
fn a_datagram_with_a_wrong_checksum_is_shown() {
    let mut bench = Bench::new();
    let summed = |payload: &[u8]| {
        let mut frame = udp(CLIENT, SERVER, payload);
        let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
        let pseudo = [&CLIENT.0[..], &SERVER.0[..], &[0, 17], &length].concat();
        let sum = checksum(&[&pseudo, &frame[34..]].concat());
        frame[40..42].copy_from_slice(&sum);
        frame
    };
    bench.frame(&summed(&parcel(b"\x01")));
    let mut wrong = summed(&parcel(b"\x02"));
    wrong[41] ^= 1;
    bench.frame(&wrong);
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01"]);
    assert!(log.has("Odd { odd: Checksum"), "{:?}", log.lines);
    assert_eq!(log.unreceived, ["wrong-checksum ToServer 02 10.0.0.5:49152>10.0.0.20:6001 @[2]"]);
}

#[test]
fn what_an_error_quotes_is_shown_as_of_the_flow_it_belongs_to() {
    let error = |of: u8, quoted: &[u8]| {
        let mut error = [&[of, 3, 0, 0, 0, 0, 0, 0], &quoted[14..]].concat();
        let sum = checksum(&error);
        error[2..4].copy_from_slice(&sum);
        ipv4(CLIENT.0, SERVER.0, 1, 0, &error)
    };
    let mut bench = Bench::new();
    bench.frame(&udp(CLIENT, SERVER, &parcel(b"\x01")));
    let answer = udp(SERVER, CLIENT, &parcel(b"\x02"));
    bench.frame(&answer);
    // The client has closed its port (RFC 792: type 3, code 3).
    bench.frame(&error(3, &answer));
    bench.frame(&error(8, &answer));
    for cut in 14..answer.len() {
        bench.frame(&error(3, &answer[..cut]));
    }
    let log = bench.finish();
    assert_eq!(log.bodies(), ["ToServer 01", "ToClient 02"]);
    assert_eq!(log.unreceived, ["quoted ToClient 02 10.0.0.5:49152>10.0.0.20:6001 @[3]"]);
}
