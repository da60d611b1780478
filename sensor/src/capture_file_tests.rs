use std::io::{Cursor, Write as _};

use fieldwarden_model::frame::LinkType;
use proptest::prelude::*;

use super::*;
use crate::{
    Damage, Merged, Run,
    samples::{Builder, Owned, all, all_and_lost, pcap_at},
    window::{ByteOrder, INITIAL_OCTETS},
};

const ORDERS: [ByteOrder; 2] = [ByteOrder::Little, ByteOrder::Big];

fn open(bytes: impl Into<Vec<u8>>) -> Result<CaptureFile, SourceError> {
    CaptureFile::from_reader("sample.pcap", Cursor::new(bytes.into()), 3)
}

fn frames(bytes: impl Into<Vec<u8>>) -> Vec<Owned> {
    let (frames, errors) = all(&mut open(bytes).unwrap());
    assert!(errors.is_empty(), "{errors:?}");
    frames
}

/// Both orders, two sections, four interfaces, every kind of packet block, and blocks to pass over.
fn pcapng() -> Builder {
    let mut b = Builder::new(ByteOrder::Big);
    b.section();
    b.interface(1, 0, &[(2, b"eth0"), (9, &[9])]);
    b.block(0x0bad, |b| b.bytes.extend([0xee; 100]));
    b.interface(101, 0, &[(9, &[0x80 | 10]), (14, &100i64.to_be_bytes())]);
    b.enhanced(0, 5_000_000_000_000_000_007, 61, &[1; 61]);
    b.enhanced(1, 1536, 1500, &[2; 20]);
    b.order = ByteOrder::Little;
    b.section();
    b.interface(113, 96, &[]);
    b.interface(1, 0, &[(9, &[12])]);
    b.block(2, |b| {
        b.u16(1);
        b.u16(9);
        b.u32(0);
        b.u32(3_000);
        b.u32(5);
        b.u32(5);
        b.bytes.extend([3; 5]);
    });
    b.enhanced(0, 7, 33, &[4; 33]);
    b.block(3, |b| {
        b.u32(400);
        b.bytes.extend([5; 96]);
    });
    b.block(5, |b| b.bytes.extend([0; 12]));
    b
}

#[test]
fn pcap_reads_the_same_in_both_orders_and_all_resolutions() {
    for order in ORDERS {
        for (magic, units, nanos, between) in [
            (0xa1b2_c3d4, 999_999, 999_999_000, &[][..]),
            (0xa1b2_3c4d, 999_999_999, 999_999_999, &[][..]),
            (0xa1b2_cd34, 1, 1_000, &[9; 8][..]),
        ] {
            let mut b = Builder::new(order);
            b.pcap_header(magic, 113 | 0x1400_0000);
            b.pcap_record(1_700_000_000, units, 1500, between, &[1, 2, 3]);
            b.pcap_record(u32::MAX, 0, 0, between, &[]);
            let frames = frames(b.bytes);
            assert_eq!(frames[0].time.nanos(), 1_700_000_000_000_000_000 + nanos);
            assert_eq!(frames[0].at, FrameRef { capture: 3, number: 1 });
            assert_eq!((frames[0].link_type, frames[0].wire_length), (LinkType::LINUX_SLL, 1500));
            assert_eq!(frames[0].bytes, [1, 2, 3]);
            assert_eq!(frames[1].time.nanos(), 4_294_967_295_000_000_000);
        }
    }
}

#[test]
fn pcapng_keeps_sections_interfaces_and_resolutions_apart() {
    let frames = frames(pcapng().bytes);
    let told: Vec<_> = frames
        .iter()
        .map(|f| (f.at.number, f.link_type.0, f.interface, f.time.nanos(), f.wire_length, f.bytes.len()))
        .collect();
    assert_eq!(
        told,
        [
            (1, 1, 0, 5_000_000_000_000_000_007, 61, 61),
            // 1536 of 1/1024 s, and 100 s of offset.
            (2, 101, 1, 101_500_000_000, 1500, 20),
            // 3000 picoseconds.
            (3, 1, 1, 3, 5, 5),
            (4, 113, 0, 7_000, 33, 33),
            // No time of its own, cut at the snap length.
            (5, 113, 0, 7_000, 400, 96),
        ]
    );
}

/// Statistics of an interface: what the interface and the system dropped since the start.
fn statistics(b: &mut Builder, interface: u32, stamp: u32, counts: &[(u16, u64)]) {
    b.block(5, |b| {
        b.u32(interface);
        b.u32(0);
        b.u32(stamp);
        for (code, count) in counts {
            b.u16(*code);
            b.u16(8);
            let [high, low] = [count >> 32, count & 0xffff_ffff].map(|half| u32::try_from(half).unwrap());
            let halves = if b.order == ByteOrder::Little { [low, high] } else { [high, low] };
            halves.into_iter().for_each(|half| b.u32(half));
        }
    });
}

#[test]
fn what_a_capture_lost_is_told_once_and_where_it_was_noticed() {
    for order in ORDERS {
        let mut b = Builder::new(order);
        b.section();
        b.interface(1, 0, &[(9, &[9])]);
        b.interface(1, 0, &[(9, &[9])]);
        b.enhanced(0, 10, 60, &[1; 60]);
        statistics(&mut b, 0, 11, &[(4, 100), (5, 3), (7, 2)]);
        // No growth, no such interface, and counts that fall again: nothing.
        statistics(&mut b, 0, 12, &[(5, 5)]);
        statistics(&mut b, 9, 12, &[(5, 50)]);
        statistics(&mut b, 0, 12, &[(5, 1)]);
        // 61 octets of data, then a comment, then the drop count.
        b.block(6, |b| {
            for number in [1, 0, 20, 61, 61] {
                b.u32(number);
            }
            b.bytes.extend([2; 64]);
            b.u16(1);
            b.u16(2);
            b.bytes.extend(*b"hi\0\0");
            b.u16(4);
            b.u16(8);
            let halves = if b.order == ByteOrder::Little { [7, 0] } else { [0, 7] };
            halves.into_iter().for_each(|half| b.u32(half));
        });
        // The statistics at the end count those seven again, and one more.
        statistics(&mut b, 1, 30, &[(5, 8)]);
        for drops in [4, 0xffff] {
            b.block(2, |b| {
                b.u16(0);
                b.u16(drops);
                for number in [0, 40, 0, 0] {
                    b.u32(number);
                }
            });
        }
        // A section counts anew.
        b.section();
        b.interface(1, 0, &[(9, &[9])]);
        statistics(&mut b, 0, 50, &[(7, 6)]);
        let (frames, errors, losses) = all_and_lost(&mut open(b.bytes).unwrap());
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(frames.iter().map(|f| f.bytes.len()).collect::<Vec<_>>(), [60, 61, 0, 0]);
        let told: Vec<_> =
            losses.iter().map(|(at, l)| (*at, l.time.nanos(), l.interface, l.frames)).collect();
        assert_eq!(told, [(1, 11, 0, 5), (1, 20, 1, 7), (2, 30, 1, 1), (2, 40, 0, 4), (4, 50, 0, 6)]);
    }
}

#[test]
fn compressed_captures_are_known_by_their_content() {
    let sample = pcapng();
    let plain = sample.bytes;
    let (head, tail) = plain.split_at(sample.whole_at[1] + 10);
    let gzip = |part: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap()
    };
    let expected = frames(plain.clone());
    assert_eq!(frames([gzip(head), gzip(tail)].concat()), expected);
    let zstd = |part| zstd::encode_all(part, 3).unwrap();
    assert_eq!(frames([zstd(head), zstd(tail)].concat()), expected);
    for whole in [[gzip(head), gzip(tail)].concat(), [zstd(head), zstd(tail)].concat()] {
        let (got, errors) = all(&mut open(&whole[..whole.len() - 9]).unwrap());
        assert_eq!(got[..], expected[..got.len()]);
        assert_eq!((got.is_empty(), errors.len()), (false, 1));
        assert!(errors[0].to_string().contains("truncated after frame"), "{}", errors[0]);
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_frames_and_one_note() {
    let mut pcap = Builder::new(ByteOrder::Little);
    pcap.pcap_header(0xa1b2_c3d4, 1);
    for length in [60u8, 0, 200] {
        pcap.pcap_record(1, 2, length.into(), &[], &vec![length; length.into()]);
    }
    for capture in [pcap, pcapng()] {
        let expected = frames(capture.bytes.clone());
        for cut in 0..capture.bytes.len() {
            let mut source = match open(&capture.bytes[..cut]) {
                Ok(source) => source,
                Err(SourceError::Foreign { .. }) if cut < 4 => continue,
                Err(SourceError::Truncated { after: 0, .. }) if cut < 24 => continue,
                Err(error) => panic!("cut at {cut}: {error}"),
            };
            let (got, errors) = all(&mut source);
            let whole = capture.whole_at.iter().filter(|end| **end <= cut).count();
            assert_eq!(got[..], expected[..whole], "cut at {cut}");
            assert!(errors.len() <= 1, "cut at {cut}: {errors:?}");
            for error in errors {
                let SourceError::Truncated { after, got, expected, .. } = error else { panic!("{error}") };
                assert!(after == whole as u64 && got < expected, "cut at {cut}: {got} of {expected}");
            }
        }
    }
    let cut = pcap_at(&[1, 2]);
    let (_, errors) = all(&mut open(&cut[..cut.len() - 48]).unwrap());
    assert_eq!(
        errors[0].to_string(),
        "`sample.pcap` is truncated after frame 1: 28 of 76 octets of the next record"
    );
    assert!(errors[0].keeps_what_was_read());
}

#[test]
fn what_is_no_capture_is_refused_with_its_name_and_its_start() {
    let folder = std::env::temp_dir();
    for (opened, words) in [
        (
            open(*b"PK\x03\x04zip"),
            "`sample.pcap` is not a capture file (pcap or pcapng, plain, gzip or zstd): it starts with 50 4b 03 04",
        ),
        (open([]), "it is empty"),
        (open([0x1f, 0x8b, 8, 0, 0]), "truncated after frame 0"),
        (open(*b"\x0a\x0d\x0d\x0anot a section"), "it starts with 0a 0d 0d 0a"),
        (CaptureFile::open(&folder.join("no-such.pcap"), 0), "no-such.pcap`: No such file"),
        (CaptureFile::open(&folder, 0), "Is a directory"),
    ] {
        let text = opened.err().unwrap().to_string();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_length_that_lies_ends_the_capture_and_costs_no_memory() {
    let mut pcap = Builder::new(ByteOrder::Big);
    pcap.bytes = Vec::new();
    pcap.pcap_header(0xa1b2_c3d4, 1);
    pcap.pcap_record(1, 1, 60, &[], &[1; 60]);
    let good = pcap.bytes.clone();
    for (claimed, is_limit) in [(u32::MAX, true), (16 * 1024 * 1024, false)] {
        pcap.bytes.clone_from(&good);
        for number in [1, 1, claimed, claimed] {
            pcap.u32(number);
        }
        pcap.bytes.extend([0; 100]);
        let mut source = open(pcap.bytes.clone()).unwrap();
        let (got, errors) = all(&mut source);
        assert_eq!((got.len(), errors.len()), (1, 1));
        assert_eq!(matches!(errors[0], SourceError::Damaged { what: Damage::TooLong { .. }, .. }), is_limit);
        assert!(source.window.held() <= INITIAL_OCTETS, "{}", source.window.held());
    }
}

/// Spoils a capture.
type Harm = fn(&mut Builder);

#[test]
fn damage_is_told_with_frame_and_place() {
    let mut base = Builder::new(ByteOrder::Little);
    base.section();
    base.interface(1, 0, &[]);
    base.enhanced(0, 1, 60, &[1; 60]);
    let place = base.bytes.len();
    let damaged: [(&str, Harm); 4] = [
        ("a frame of interface 7, of which only 1 are described", |b| b.enhanced(7, 1, 4, &[1; 4])),
        ("a block of 8 octets is too short", |b| {
            b.u32(6);
            b.u32(8);
            b.u32(8);
        }),
        ("a block says 32 octets at its start and 36 at its end", |b| {
            b.enhanced(0, 1, 0, &[]);
            let last = b.bytes.len() - 4;
            b.bytes[last] = 36;
        }),
        ("a frame of 999 octets in a block with room for 4", |b| {
            b.enhanced(0, 1, 4, &[1; 4]);
            let captured = b.bytes.len() - 4 - 4 - 8;
            b.bytes[captured..captured + 4].copy_from_slice(&999u32.to_le_bytes());
        }),
    ];
    for (words, damage) in damaged {
        let mut b = Builder::new(ByteOrder::Little);
        b.bytes.clone_from(&base.bytes);
        damage(&mut b);
        let (got, errors) = all(&mut open(b.bytes).unwrap());
        assert_eq!((got.len(), errors.len()), (1, 1), "{words}");
        let text = errors[0].to_string();
        assert!(text.contains(words) && text.contains(&format!("after frame 1, at octet {place}")), "{text}");
    }
}

#[test]
fn a_capture_larger_than_the_window_is_read_with_flat_memory() {
    let mut b = Builder::new(ByteOrder::Little);
    b.pcap_header(0xa1b2_c3d4, 1);
    for n in 0..40_000u32 {
        b.pcap_record(n, 0, 64, &[], &[u8::try_from(n % 251).unwrap(); 64]);
    }
    b.pcap_record(0, 0, 3_000_000, &[], &vec![0xab; 3_000_000]);
    let mut source = open(b.bytes).unwrap();
    let (got, _) = all(&mut source);
    assert_eq!(got.len(), 40_001);
    assert!(
        got.iter().take(40_000).zip(0u32..).all(|(f, n)| f.bytes == [u8::try_from(n % 251).unwrap(); 64])
    );
    assert_eq!(got[40_000].bytes.len(), 3_000_000);
    assert!(source.window.held() <= 4 * 1024 * 1024);
}

#[test]
fn frames_taken_together_are_those_taken_one_by_one() {
    let mut b = Builder::new(ByteOrder::Big);
    b.pcap_header(0xa1b2_3c4d, 1);
    for n in 0..9_000u32 {
        b.pcap_record(n, 1, 900, &[], &vec![u8::try_from(n % 251).unwrap(); 1 + (n * 7 % 300) as usize]);
    }
    b.pcap_record(0, 0, 300_000, &[], &vec![0xab; 300_000]);
    b.bytes.extend([1, 2, 3]);
    for bytes in [b.bytes, pcapng().bytes] {
        let (single, errors) = all(&mut open(bytes.clone()).unwrap());
        for most in [1, 7, usize::MAX] {
            let mut source = open(bytes.clone()).unwrap();
            let (mut got, mut told, mut longest) = (Vec::new(), Vec::new(), 0);
            loop {
                let mut together = Vec::new();
                let run = source.next_frames(most, &mut together);
                longest = longest.max(together.len());
                got.extend(together.into_iter().map(|(at, frame)| Owned::of(at, &frame)));
                match run {
                    Ok(Run::End) => break,
                    Ok(_) => {}
                    Err(error) => told.push(error.to_string()),
                }
            }
            assert_eq!(got, single);
            assert_eq!(told, errors.iter().map(ToString::to_string).collect::<Vec<_>>());
            // Whole windows, where the file is longer than one.
            assert!(longest <= most && (longest > 500 || most < 8 || single.len() < 500), "{longest}");
        }
    }
}

proptest! {
    #[test]
    fn no_octets_make_a_reader_panic_or_go_on_for_ever(
        noise in proptest::collection::vec(any::<u8>(), 0..2_000),
        start in 0usize..4,
        at in 0usize..600,
    ) {
        let head = match start {
            0 => Vec::new(),
            1 => pcap_at(&[1, 2]),
            2 => pcapng().bytes,
            _ => pcapng().bytes[..28].to_vec(),
        };
        let mut bytes = head;
        for (n, octet) in noise.iter().enumerate() {
            let place = at + n * 37;
            match bytes.get_mut(place) {
                Some(there) if start < 3 => *there ^= octet,
                _ => bytes.push(*octet),
            }
        }
        if let Ok(mut source) = open(bytes.clone()) {
            let (frames, errors) = all(&mut source);
            prop_assert!(errors.len() <= 1);
            prop_assert!(frames.len() <= bytes.len() / 12);
            prop_assert!(frames.iter().map(|f| f.bytes.len()).sum::<usize>() <= bytes.len());
            prop_assert!(source.window.held() <= INITIAL_OCTETS);
            // Beside another capture each frame takes the longer way, and none differs.
            let none = CaptureFile::from_reader("none.pcap", Cursor::new(pcap_at(&[])), 4).unwrap();
            let (merged, told, losses) = all_and_lost(&mut Merged::new(vec![open(bytes.clone()).unwrap(), none]));
            prop_assert_eq!(frames, merged);
            prop_assert_eq!(all_and_lost(&mut open(bytes).unwrap()).2, losses);
            prop_assert_eq!(
                errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
                told.iter().map(ToString::to_string).collect::<Vec<_>>()
            );
        }
    }
}
