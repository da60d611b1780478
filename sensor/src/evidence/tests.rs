//! The ring and its slices over folders of their own.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fieldwarden_model::{
    digest::Octets,
    frame::{FrameRef, LinkType, Loss, RawFrame},
    time::Timestamp,
};
use proptest::{collection::vec, prelude::*};

use super::{ring::segments, *};
use crate::{
    CaptureFile,
    record::Interface,
    samples::{Owned, all, all_and_lost, pcap_at},
};

/// A folder of a test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fieldwarden-evidence-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn octets(&self) -> u64 {
        // A segment may be let go between the listing and the look at it.
        let entries = fs::read_dir(&self.0).unwrap().flatten();
        entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SMALLEST: Bounds = Bounds { octets: Bounds::MIN_OCTETS, age: Duration::from_secs(3_600) };

fn interfaces() -> Vec<Interface> {
    ["span0", "span1"].map(|name| Interface { name: name.into(), link_type: LinkType::ETHERNET }).into()
}

fn frame(millis: i64, interface: u16, bytes: &[u8]) -> RawFrame<'_> {
    RawFrame {
        time: at(millis),
        link_type: LinkType::ETHERNET,
        interface,
        wire_length: u32::try_from(bytes.len()).unwrap(),
        tag: None,
        bytes,
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_nanos(1_767_323_045_000_000_000 + millis * 1_000_000)
}

fn held(folder: &Path) -> (Vec<Owned>, Vec<(u64, Loss)>) {
    let mut held = Held::open(folder, Timestamp::MIN).unwrap();
    let (frames, errors, losses) = all_and_lost(&mut held);
    assert!(errors.is_empty() && held.faults().is_empty(), "{errors:?} {:?}", held.faults());
    (frames, losses)
}

#[test]
fn what_is_kept_reads_back_with_numbers_names_and_losses_across_restarts() {
    let folder = Folder::new("round-trip");
    let ring = folder.0.join("ring");
    for run in 0..2 {
        let (mut keeper, healed) = Keeper::start(&ring, interfaces(), SMALLEST).unwrap();
        assert_eq!(healed, Healed { segments: run, cut_octets: 0 });
        assert!(matches!(Keeper::start(&ring, interfaces(), SMALLEST), Err(RingError::InUse { .. })));
        let base = i64::try_from(run).unwrap() * 1_000;
        assert!(keeper.keep(1, &frame(base, 0, &[1; 61])));
        keeper.lose(&Loss { time: at(base + 1), interface: 1, frames: 5 });
        keeper.lose(&Loss { time: at(base + 1), interface: 1, frames: 2 });
        assert!(keeper.keep(2, &frame(base + 2, 0, &[2; 60])));
        assert!(keeper.keep(3, &frame(base + 3, 1, &[3; 62])));
        keeper.flush();
        keeper.finish();
    }
    let (frames, losses) = held(&ring);
    let told: Vec<_> = frames.iter().map(|f| (f.at.number, f.interface, f.bytes.len())).collect();
    assert_eq!(told, [(1, 0, 61), (2, 0, 60), (3, 1, 62), (1, 0, 61), (2, 0, 60), (3, 1, 62)]);
    let lost = |at_frame, millis| (at_frame, Loss { time: at(millis), interface: 1, frames: 7 });
    assert_eq!(losses, [lost(2, 3), lost(5, 1_003)]);
    let (recent, _) = all(&mut Held::open(&ring, at(1_001)).unwrap());
    assert_eq!(recent.len(), 3, "only segments that reach into the time asked for are read");
}

#[test]
fn the_ring_never_outgrows_its_bound_and_keeps_the_newest() {
    let folder = Folder::new("bound");
    let (mut keeper, _) = Keeper::start(&folder.0, interfaces(), SMALLEST).unwrap();
    let mut kept = Vec::new();
    for n in 0..12_000u64 {
        let length = 60 + usize::try_from(n * 7919 % 1_440).unwrap();
        let millis = i64::try_from(n).unwrap();
        while !keeper.keep(n + 1, &frame(millis, 0, &vec![7; length])) {
            std::thread::sleep(Duration::from_millis(1));
        }
        kept.push(length);
        if n % 500 == 0 {
            assert!(folder.octets() <= SMALLEST.octets, "{}", folder.octets());
        }
    }
    let left_out = keeper.status().left_out;
    keeper.finish();
    let octets = folder.octets();
    assert!(octets <= SMALLEST.octets && octets > SMALLEST.octets * 3 / 4, "{octets}");
    let (frames, _) = held(&folder.0);
    let newest = frames.last().unwrap();
    assert_eq!((newest.at.number, newest.bytes.len()), (12_000, *kept.last().unwrap()));
    let first = frames[0].at.number;
    assert_eq!(frames.len() as u64, 12_000 - first + 1, "no hole ({left_out} were offered twice)");
}

#[test]
fn frames_that_are_too_old_go() {
    let folder = Folder::new("age");
    let bounds = Bounds { age: Duration::from_secs(160), ..SMALLEST };
    let (mut keeper, _) = Keeper::start(&folder.0, interfaces(), bounds).unwrap();
    for second in 0..600 {
        // The writer takes one batch after the other, as fast as the machine lets it.
        while !keeper.keep(1, &frame(second * 1_000, 0, &[1; 60])) {
            std::thread::sleep(Duration::from_millis(1));
        }
        keeper.flush();
    }
    keeper.finish();
    let (frames, _) = held(&folder.0);
    let oldest = frames[0].time;
    assert!(oldest >= at((599 - 175) * 1_000) && oldest <= at((599 - 150) * 1_000), "{oldest}");
}

#[test]
fn a_ring_cut_anywhere_is_healed_and_goes_on() {
    let folder = Folder::new("heal");
    let ring = folder.0.join("ring");
    let (mut keeper, _) = Keeper::start(&ring, interfaces(), SMALLEST).unwrap();
    for n in 1..4 {
        keeper.keep(n, &frame(0, 0, &[5; 100]));
    }
    keeper.finish();
    let (_, path) = segments(&ring).unwrap().remove(0);
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(5).chain(whole.len() - 4..whole.len()) {
        fs::write(&path, &whole[..cut]).unwrap();
        let before = all(&mut Held::open(&ring, Timestamp::MIN).unwrap()).0.len();
        let (mut keeper, healed) = Keeper::start(&ring, interfaces(), SMALLEST).unwrap();
        assert!(healed.cut_octets < 200, "{healed:?}");
        keeper.keep(9, &frame(1, 0, &[6; 60]));
        keeper.finish();
        let (frames, _) = held(&ring);
        assert_eq!(frames.len(), before + 1, "cut at {cut}");
        assert_eq!(frames.last().unwrap().at.number, 9);
        for (_, path) in segments(&ring).unwrap() {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_disk_that_refuses_costs_frames_of_the_ring_which_is_told_where_they_are_missing() {
    let folder = Folder::new("refuses");
    let ring = folder.0.join("ring");
    let (mut keeper, _) = Keeper::start(&ring, interfaces(), SMALLEST).unwrap();
    fs::remove_dir_all(&ring).unwrap();
    let mut number = 0;
    let mut send = |keeper: &mut Keeper| {
        number += 1;
        keeper.keep(number, &frame(i64::try_from(number).unwrap(), 1, &[1; 60]));
        keeper.flush();
    };
    let until = Instant::now() + Duration::from_secs(10);
    while keeper.status().trouble.is_none() {
        assert!(Instant::now() < until, "trouble is told");
        send(&mut keeper);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(keeper.status().trouble.unwrap().contains("ring-0000000001.pcapng"));
    fs::create_dir_all(&ring).unwrap();
    while keeper.status().kept == 0 {
        assert!(Instant::now() < until, "it goes on by itself");
        send(&mut keeper);
        std::thread::sleep(Duration::from_millis(10));
    }
    // What was refused comes back with the batches, of which there are 32.
    for _ in 0..40 {
        send(&mut keeper);
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = keeper.status();
    keeper.finish();
    assert_eq!(status.trouble, None);
    let (frames, losses) = held(&ring);
    let missing: u64 = losses.iter().map(|(_, loss)| loss.frames).sum();
    assert_eq!((missing, frames.len() as u64), (status.left_out, number - status.left_out));
    assert!(losses.iter().all(|(_, loss)| loss.interface == 1));
    let (_, first) = segments(&ring).unwrap().remove(0);
    let text = String::from_utf8_lossy(&fs::read(first).unwrap()).into_owned();
    assert!(text.contains("are not kept here: the disk did not take them"));
}

fn wanted(name: &str, millis: i64, frames: &[u64]) -> Wanted {
    Wanted {
        name: name.into(),
        facts: vec![format!("alert {name}")],
        remark: format!("alert {name} rests on this frame"),
        time: at(millis),
        frames: frames.iter().map(|number| FrameRef { capture: 0, number: *number }).collect(),
    }
}

fn limits(before: u64, after: u64, octets: u64) -> Limits {
    Limits { before: Duration::from_secs(before), after: Duration::from_secs(after), octets }
}

/// Ten frames a second for a hundred seconds, and a loss of three behind frame 700.
fn a_ring(name: &str) -> Folder {
    let folder = Folder::new(name);
    let (mut keeper, _) = Keeper::start(&folder.0, interfaces(), SMALLEST).unwrap();
    for n in 1..=1_000u64 {
        let bytes = n.to_be_bytes().repeat(15);
        let millis = i64::try_from(n * 100).unwrap();
        while !keeper.keep(n, &frame(millis, 0, &bytes)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if n == 700 {
            keeper.lose(&Loss { time: at(70_001), interface: 0, frames: 3 });
        }
    }
    keeper.finish();
    folder
}

fn cut_from(ring: &Path, into: &Path, wanted: &[Wanted], limits: Limits) -> Vec<Slice> {
    fs::create_dir_all(into).unwrap();
    cut(into, wanted, limits, &mut || {
        Held::open(ring, Timestamp::MIN)
            .map_err(|cause| crate::SourceError::Unreadable { name: "ring".into(), cause })
    })
    .unwrap()
}

#[test]
fn a_slice_holds_the_alerts_frames_the_time_around_it_and_what_was_lost_twice_alike() {
    let ring = a_ring("slice");
    let wishes = [wanted("a", 90_000, &[900, 100]), wanted("b", 5_000, &[49, 50, 7_777])];
    let mut seals = Vec::new();
    for run in ["one", "two"] {
        let into = ring.0.join(run);
        let slices = cut_from(&ring.0, &into, &wishes, limits(60, 2, 1 << 24));
        let (frames, errors, losses) = all_and_lost(&mut CaptureFile::open(&slices[0].path, 0).unwrap());
        assert!(errors.is_empty());
        let times: Vec<_> = frames.iter().map(|f| f.time).collect();
        assert_eq!(times.len(), 622, "600 before, the alert's, 20 after, and one own frame of long ago");
        assert_eq!((times[0], times[1], times[621]), (at(10_000), at(30_000), at(92_000)));
        assert_eq!((slices[0].frames, slices[0].own, slices[0].missing, slices[0].lost), (622, 2, 0, 3));
        assert_eq!(losses, [(402, Loss { time: at(70_100), interface: 0, frames: 3 })]);
        assert_eq!((slices[1].own, slices[1].missing, slices[1].frames), (2, 1, 70));
        let octets = fs::read(&slices[0].path).unwrap();
        let mut digest = Octets::new();
        digest.add(&octets);
        assert_eq!((slices[0].octets, &slices[0].sha256), (octets.len() as u64, &digest.so_far()));
        let text = String::from_utf8_lossy(&octets).into_owned();
        for words in ["alert a rests on this frame", "span0", "3 frames are missing"] {
            assert!(text.contains(words), "{words}");
        }
        let second = String::from_utf8_lossy(&fs::read(&slices[1].path).unwrap()).into_owned();
        assert!(second.contains("1 of the alert's own frames are not held any more"));
        seals.push(slices.into_iter().map(|slice| slice.sha256).collect::<Vec<_>>());
        assert!(matches!(
            cut(&into, &wishes, limits(1, 1, 1 << 20), &mut || CaptureFile::from_reader(
                "x",
                Cursor::new(pcap_at(&[1])),
                0
            )),
            Err(SliceError::Write { .. })
        ));
    }
    assert_eq!(seals[0], seals[1]);
}

#[test]
fn a_slice_stays_within_its_bound_and_says_so() {
    let ring = a_ring("slice-bound");
    let own: Vec<u64> = (100..110).collect();
    // 168 octets a frame: the header's share, ten own frames, and a little more than ten seconds.
    let bound = 64 * 1024 + 10 * 220 + 105 * 168;
    let slice =
        &cut_from(&ring.0, &ring.0.join("cut"), &[wanted("a", 90_000, &own)], limits(60, 5, bound))[0];
    assert!(slice.octets <= bound, "{slice:?}");
    let (frames, _) = all(&mut CaptureFile::open(&slice.path, 0).unwrap());
    assert_eq!(slice.own, 10);
    let newest = frames.last().unwrap().time;
    let oldest = frames.iter().map(|f| f.time).find(|time| *time > at(11_000)).unwrap();
    assert_eq!(newest, at(90_000), "before the alert comes first");
    assert!(oldest >= at(78_000) && oldest <= at(82_000), "{oldest}");
    assert_eq!(slice.left_out + frames.len() as u64 - 10, 651);
    let text = String::from_utf8_lossy(&fs::read(&slice.path).unwrap()).into_owned();
    assert!(text.contains("shortened to its bound"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_frames_give_a_slice_that_reads_back_and_keeps_its_bound(
        sent in vec((0i64..20_000, 0u16..2, vec(any::<u8>(), 0..400)), 1..120),
        alert in 0usize..120,
        before in 0u64..20,
        bound in 66_000u64..120_000,
    ) {
        let folder = Folder::new("any");
        let mut b = crate::samples::Builder::new(crate::window::ByteOrder::Big);
        b.section();
        b.interface(1, 0, &[(9, &[9]), (2, b"left")]);
        b.interface(1, 0, &[(9, &[9])]);
        for (millis, interface, bytes) in &sent {
            let stamp = u64::try_from(millis * 1_000_000).unwrap();
            b.enhanced((*interface).into(), stamp, 60, bytes);
        }
        let number = alert % sent.len();
        let held = sent[..=number].iter().map(|(millis, ..)| *millis).max().unwrap();
        let wish = Wanted { time: Timestamp::from_nanos(held * 1_000_000), ..wanted("x", 0, &[number as u64 + 1]) };
        let slices = cut(&folder.0, &[wish], limits(before, 1, bound), &mut || {
            CaptureFile::from_reader("any.pcapng", Cursor::new(b.bytes.clone()), 0)
        }).unwrap();
        let (frames, errors) = all(&mut CaptureFile::open(&slices[0].path, 0).unwrap());
        prop_assert!(errors.is_empty() && slices[0].octets <= bound);
        prop_assert_eq!(slices[0].own, 1);
        prop_assert!(frames.iter().any(|f| f.bytes == sent[number].2));
        prop_assert_eq!(frames.len() as u64, slices[0].frames);
    }
}
