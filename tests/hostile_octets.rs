//! Whoever may send octets may choose them so that looking at them is dear, and blind a sensor with a thousand packets a second. So
//! no octets may: recognition, and the search for a message behind a gap, cost any dissector no more than so many digests of
//! the same octets, measured in the same run. It is the search that found this out: an RTU frame of no known length had its check
//! reckoned anew for each of 256 lengths, at each octet of a segment.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use fieldwarden_model::{Transport, digest::Digest};
use fieldwarden_protocols::{DISSECTORS, Direction, Dissector, Ports};

/// Octets of a full segment.
const SEGMENT: usize = 1_460;
/// How many digests of a segment a search over it may cost.
const MOST: u32 = 30;
/// The quickest of so many runs counts, so that whoever else wants the processor does not.
const RUNS: usize = 7;

fn quickest(mut work: impl FnMut()) -> Duration {
    let times = (0..RUNS).map(|_| {
        let began = Instant::now();
        work();
        began.elapsed()
    });
    times.min().unwrap_or_default()
}

/// Full segments, each what somebody might send: one octet over and over, a promising front, words without an end.
fn hostile() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..=u8::MAX).map(|octet| vec![octet; SEGMENT]).collect();
    let fronts: [&[u8]; 12] = [
        b"GET / HTTP/1.1\r\nA: ",
        b"USER ",
        b"220 ",
        &[0x05, 0x64, 0xff, 0x44],
        &[0x68, 0x04, 0x07, 0],
        &[0x03, 0, 0, 7, 2, 0xf0],
        &[0x30, 0x80],
        &[0x60, 0x80],
        &[1, 3, 0, 0, 0, 125],
        &[1, 1, 1, 1, 166, 255],
        &[0x16, 3, 1, 0, 200, 1],
        &[0x7e, 0xf0, 0xf6],
    ];
    all.extend(fronts.map(|front| front.iter().copied().cycle().take(SEGMENT).collect()));
    all
}

fn cost(dissector: &dyn Dissector, transport: Transport, octets: &[u8]) -> Duration {
    let server = (0..=u16::MAX).find(|port| dissector.well_known(*port)).unwrap_or(1);
    let ports = Ports { server, client: 40_000 };
    let session = dissector.session(transport);
    let of = |direction| {
        let probe = quickest(|| {
            black_box(dissector.probe(direction, octets, ports));
        });
        probe.max(quickest(|| {
            black_box(session.resynchronise(direction, octets));
        }))
    };
    of(Direction::ToServer).max(of(Direction::ToClient))
}

#[test]
fn no_octets_make_recognition_or_the_search_behind_a_gap_dear() {
    let segments = hostile();
    let plain = quickest(|| {
        for segment in &segments {
            black_box(Digest::default().with(black_box(segment)));
        }
    }) / u32::try_from(segments.len()).unwrap_or(1);
    let mut dear = Vec::new();
    for dissector in DISSECTORS {
        for transport in [Transport::Tcp, Transport::Udp, Transport::Link] {
            let octets = segments.iter().filter(|_| dissector.carried_by(transport));
            let most = octets.map(|octets| (cost(*dissector, transport, octets), octets.first())).max();
            if let Some((most, first)) = most.filter(|(most, _)| *most > plain * MOST) {
                let name = dissector.protocol();
                dear.push(format!("{name} over {transport:?}: {most:?}, octets that begin with {first:?}"));
            }
        }
    }
    println!("a digest takes {plain:?}");
    assert!(dear.is_empty(), "a digest takes {plain:?}:\n{}", dear.join("\n"));
}
