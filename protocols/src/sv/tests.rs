//! Frames decoded by hand, and what no octets break.

use alloc::{vec, vec::Vec};

use fieldwarden_model::Transport;

use super::{MAX_STREAMS, SampledValues};
use crate::{
    Direction, Dissector,
    datagram::testing::{hex, nothing_breaks, one, take},
};

/// One ASDU by 9-2 clause 8.5: id, sample count, revision, synchronisation, the 64 octets of 9-2LE.
fn asdu(id: u8, count: u16) -> Vec<u8> {
    let mut samples = [0; 64];
    samples[3] = 214;
    samples[8..12].copy_from_slice(&(-491_i32).to_be_bytes());
    let mut octets = vec![0x80, 1, id, 0x82, 2];
    octets.extend(count.to_be_bytes());
    octets.extend(hex("83 04 00000001 85 01 02 87 40"));
    octets.extend(samples);
    [&[0x30, u8::try_from(octets.len()).expect("short")][..], &octets].concat()
}

fn frame(asdus: &[Vec<u8>]) -> Vec<u8> {
    let all = asdus.concat();
    let count = u8::try_from(asdus.len()).expect("few");
    let long = |tag: u8, octets: &[u8]| {
        let length = u16::try_from(octets.len()).expect("short").to_be_bytes();
        [&[tag, 0x82][..], &length, octets].concat()
    };
    let apdu = long(0x60, &[&[0x80, 1, count][..], &long(0xa2, &all)].concat());
    let length = u16::try_from(apdu.len() + 8).expect("short").to_be_bytes();
    [&[0x40, 0x01][..], &length, &[0x80, 0, 0, 0], &apdu].concat()
}

#[test]
fn every_asdu_of_a_frame_is_told() {
    let told = one(&SampledValues, Transport::Link, &frame(&[asdu(b'M', 79), asdu(b'M', 0)]));
    assert_eq!((told.kind.as_str(), told.anomalies.as_slice()), ("sv report", &[][..]));
    assert_eq!((told.field("appid"), told.field("simulated"), told.field("asdu_count")), ("16385", "1", "2"));
    assert_eq!((told.field("sv_id"), told.field("sample_count")), ("M,M", "79,0"));
    assert_eq!(told.field("synchronised"), "2,2");
    let values = "214,0,-491,0,0,0,0,0,0,0,0,0,0,0,0,0";
    assert_eq!(told.operations.len(), 2);
    assert!(
        told.operations[0].ends_with(&alloc::format!("entry 0-15 = {values} (Reported)")),
        "{:?}",
        told.operations
    );
}

#[test]
fn counts_that_go_back_are_somebody_else_s() {
    let codes = |counts: &[u16]| {
        let mut session = SampledValues.session(Transport::Link);
        let mut last = Vec::new();
        for count in counts {
            let frame = frame(&[asdu(b'M', *count)]);
            last = take(&SampledValues, &mut *session, Direction::ToServer, &frame)[0].anomalies.clone();
        }
        last
    };
    assert!(codes(&[3_998, 3_999, 0]).is_empty(), "a new second");
    assert!(codes(&[100, 102, 101]).is_empty(), "frames overtook each other");
    assert_eq!(codes(&[3_000, 3_001, 700]), ["sample-count-back"]);
    let mut session = SampledValues.session(Transport::Link);
    let told: Vec<_> = (0..=u8::try_from(MAX_STREAMS).expect("few"))
        .flat_map(|n| take(&SampledValues, &mut *session, Direction::ToServer, &frame(&[asdu(b'A' + n, 5)])))
        .collect();
    assert_eq!(told[MAX_STREAMS].anomalies, ["streams"]);
}

#[test]
fn what_is_cut_short_tells_what_was_understood() {
    let whole = frame(&[asdu(b'M', 79)]);
    let told = one(&SampledValues, Transport::Link, &whole[..whole.len() - 20]);
    assert_eq!((told.kind.as_str(), told.anomalies[0]), ("sv anomaly", "length-beyond-frame"));
    assert_eq!((told.field("sv_id"), told.field("sample_count"), told.field("samples")), ("M", "79", ""));
    let told = one(&SampledValues, Transport::Link, &hex("4000 000d 0000 0000 6003 800102"));
    assert_eq!(told.anomalies, ["asdus-disagree"]);
}

#[test]
fn no_octets_break_it() {
    nothing_breaks(&SampledValues, Transport::Link, &[frame(&[asdu(b'M', 79), asdu(b'N', 0)])]);
}
