//! Frames decoded by hand, and what no octets break.

use alloc::{vec, vec::Vec};

use fieldwarden_model::Transport;

use super::{Goose, MAX_CONTROL_BLOCKS};
use crate::{
    Direction, Dissector,
    datagram::testing::{Told, hex, nothing_breaks, one, take},
};

/// The elements of an APDU between the names and the values, by 8-1 annex A: control block `A`, lifetime 2000 ms, data set `D`,
/// id `G`, time, state, sequence, test, revision 1, needs commissioning, number of entries, entries.
fn frame(block: u8, state: u8, sequence: u8, entries: u8, data: &str) -> Vec<u8> {
    let data = hex(data);
    let mut elements = vec![0x80, 1, block];
    elements.extend(hex("81 02 07d0  82 01 44  83 01 47  84 08 4d546545 8ac083 3f"));
    elements.extend([0x85, 1, state, 0x86, 1, sequence]);
    elements.extend(hex("87 01 00  88 01 01  89 01 00"));
    elements.extend([0x8a, 1, entries, 0xab, u8::try_from(data.len()).expect("short")]);
    elements.extend(data);
    let mut apdu = vec![0x61, 0x81, u8::try_from(elements.len()).expect("short")];
    apdu.extend(elements);
    let length = u8::try_from(apdu.len() + 8).expect("short");
    [&[0x30, 0x01, 0, length, 0, 0, 0, 0][..], &apdu].concat()
}

/// A breaker's position, its quality, a current, and a structure of a counter and a name.
const DATA: &str = "84 02 06 80  84 03 03 0000  87 05 08 4373 28f8  a2 07 86 02 00ff 8a 01 58";

fn follow(frames: &[Vec<u8>]) -> Vec<Told> {
    let mut session = Goose.session(Transport::Link);
    frames.iter().flat_map(|frame| take(&Goose, &mut *session, Direction::ToServer, frame)).collect()
}

#[test]
fn values_are_told_one_by_one_with_their_place_in_the_data_set() {
    let told = one(&Goose, Transport::Link, &frame(b'A', 7, 2, 4, DATA));
    assert_eq!((told.kind.as_str(), told.anomalies.as_slice()), ("goose report", &[][..]));
    for (key, value) in [
        ("appid", "12289"),
        ("control_block", "A"),
        ("dataset", "D"),
        ("state_number", "7"),
        ("sequence_number", "2"),
        ("values", "80,0000,243.16003,255,X"),
    ] {
        let found = told.field(key);
        assert!(found == value || found.starts_with("80,0000,243.1600"), "{key}: {found}");
    }
    assert_eq!(told.operations.len(), 5);
    assert_eq!(told.operations[0], "read 1 0x3001/c40bf6cc entry 0 = 128 (Reported)");
    assert_eq!(told.operations[3], "read 1 0x3001/c40bf6cc entry 3 = 255 (Reported)");
    assert_eq!(told.operations[4], "read 1 0x3001/c40bf6cc entry 4 (Reported)", "a text is no number");
}

#[test]
fn state_and_sequence_numbers_are_followed_per_control_block() {
    let codes =
        |frames: &[Vec<u8>]| -> Vec<_> { follow(frames).iter().map(|told| told.anomalies.clone()).collect() };
    let at = |block, state, sequence| frame(block, state, sequence, 4, DATA);
    let sound =
        [at(b'A', 7, 2), at(b'A', 7, 3), at(b'B', 1, 9), at(b'A', 8, 0), at(b'A', 8, 0), at(b'A', 1, 1)];
    assert!(codes(&sound).iter().all(Vec::is_empty), "a copy and a start are no fault");
    let intruder = [at(b'A', 7, 2), at(b'A', 90, 0), at(b'A', 7, 3)];
    assert_eq!(codes(&intruder)[2], ["state-number-back"], "the true publisher goes on below the intruder");
    let replayed = [at(b'A', 7, 9), at(b'A', 7, 4)];
    assert_eq!(codes(&replayed)[1], ["sequence-number-back"]);
    let many: Vec<_> =
        (0..=u8::try_from(MAX_CONTROL_BLOCKS).expect("few")).map(|n| at(n + 60, 5, 1)).collect();
    assert_eq!(codes(&many)[MAX_CONTROL_BLOCKS], ["control-blocks"]);
}

#[test]
fn what_is_broken_tells_what_was_understood() {
    let whole = frame(b'A', 7, 2, 4, DATA);
    let told = one(&Goose, Transport::Link, &whole[..whole.len() - 30]);
    assert_eq!(told.kind, "goose anomaly");
    assert_eq!(told.anomalies[0], "length-beyond-frame");
    assert_eq!((told.field("control_block"), told.field("state_number")), ("A", "7"));
    let told = one(&Goose, Transport::Link, &frame(b'A', 7, 2, 9, DATA));
    assert_eq!(told.anomalies, ["entries-disagree"]);
    let told = one(&Goose, Transport::Link, &hex("0001 000a 0000 0000 6000"));
    assert_eq!((told.kind.as_str(), told.anomalies[0]), ("goose report", "unknown-pdu"));
}

#[test]
fn no_octets_break_it() {
    let deep = frame(b'A', 1, 1, 1, "a2 0e a2 0c a2 0a a2 08 a2 06 a2 04 a2 02 a200");
    nothing_breaks(&Goose, Transport::Link, &[frame(b'A', 7, 2, 4, DATA), deep]);
}
