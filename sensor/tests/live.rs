//! Live capture between two ends of a virtual cable, in a network namespace of the test's own, beside tcpdump.
//!
//! Needs root, iproute2, tcpdump and python3; skipped loudly without.
#![expect(clippy::unwrap_used, reason = "the helpers of a test stop it where they cannot go on")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fieldwarden_model::frame::{LinkType, Loss, VlanTag};
use fieldwarden_sensor::{
    CaptureFile, FrameSource, LiveCapture, Next, Recorder, Room, Run, SourceError,
    live::{OpenError, RingCount, RingSize, SETTLED, Setup, Times, open},
    record::{Interface, RecordError, Recorded},
    tag::Restored,
};

/// Set for the part that runs inside the namespace, to the folder it may write to.
const INSIDE: &str = "FIELDWARDEN_TEST_NAMESPACE";
/// Set for the part that runs without privileges.
const UNPRIVILEGED: &str = "FIELDWARDEN_TEST_UNPRIVILEGED";

/// Sends numbered frames of the local experimental EtherType 0x88b5 (IEEE 802, 9.2.3): `COUNT` of `LENGTH` octets each
/// plain, then a third as many in VLAN 20 with priority 3, then a sixth in VLAN 20 within service VLAN 7.
const SENDER: &str = r"
import socket, struct, sys
count, length = int(sys.argv[1]), int(sys.argv[2])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('near', 0))
head = bytes.fromhex('020000000002020000000001')
number = 0
for n, tags in ((count, ''), (count // 3, '81006014'), (count // 6, '88a8000781000014')):
    for _ in range(n):
        s.send((head + bytes.fromhex(tags) + struct.pack('>HI', 0x88b5, number)).ljust(length, b'\x55'))
        number += 1
";

/// Sends frames of 40 conversations in turn, to and fro.
const CONVERSATIONS: &str = r"
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(('near', 0))
for number in range(int(sys.argv[1])):
    ends = [bytes([10, 0, 0, number % 40]), bytes([10, 0, 1, 1])]
    ports = [1024 + number % 40, 502]
    if number % 80 >= 40: ends.reverse(); ports.reverse()
    udp = struct.pack('>HHHHI', *ports, 12, 0, number)
    ip = struct.pack('>BBHHHBBH', 0x45, 0, 32, 0, 0x4000, 64, 17, 0) + ends[0] + ends[1]
    s.send(bytes.fromhex('0200000000020200000000010800') + ip + udp)
";

#[test]
fn what_is_sent_is_heard_with_its_tags_and_equals_what_tcpdump_hears() {
    inside("what_is_sent_is_heard_with_its_tags_and_equals_what_tcpdump_hears", |folder| {
        let mut capture = listen(RingSize::default());
        assert!(matches!(capture.next_frame(), Ok(Next::Idle)), "a quiet wire");
        let dump = folder.join("tcpdump.pcap");
        let tcpdump = tcpdump(&dump);
        send(1_800, 60);
        let path = folder.join("recording.pcapng");
        let interface = Interface { name: capture.name().into(), link_type: capture.link_type() };
        let mut recorder = Recorder::create(&path, &[interface], u64::MAX).unwrap();
        let tags = record(&mut capture, &mut recorder, 2_700);
        assert_eq!(tags[..1_800], vec![None; 1_800]);
        let customer = VlanTag { protocol: 0x8100, control: 0x6014 };
        let service = VlanTag { protocol: 0x88a8, control: 7 };
        assert_eq!(tags[1_800..2_400], vec![Some(customer); 600]);
        assert_eq!(tags[2_400..], vec![Some(service); 300]);
        let counters = capture.counters().unwrap();
        assert_eq!((counters.received, counters.dropped, counters.freezes), (2_700, 0, 0));
        recorder.finish(&[counters]).unwrap();

        std::thread::sleep(Duration::from_millis(300));
        stop(tcpdump);
        let ours = frames(&path);
        let theirs = frames(&dump);
        assert_eq!((ours.len(), theirs.len()), (2_700, 2_700));
        let differs = ours.iter().zip(&theirs).find(|(a, b)| a != b);
        assert_eq!(differs, None, "frames, order and times in nanoseconds");
        assert!(ours.iter().any(|(nanos, ..)| nanos % 1_000 != 0), "nanoseconds");
    });
}

#[test]
fn several_rings_give_each_frame_once_in_the_order_of_time() {
    inside("several_rings_give_each_frame_once_in_the_order_of_time", |folder| {
        let setup = Setup { rings: RingCount::of(3), ..Setup::default() };
        let mut capture = capture_with("far", setup);
        let dump = folder.join("tcpdump.pcap");
        let tcpdump = tcpdump(&dump);
        run("python3", &["-c", CONVERSATIONS, "2000"]);
        let (mut room, mut ours) = (Room::default(), Vec::new());
        let mut most_at_once = 0;
        while ours.len() < 2_000 {
            let mut frames = room.take();
            let run = capture.next_frames(100, &mut frames).unwrap();
            assert_ne!(run, Run::Idle, "only {} frames came", ours.len());
            most_at_once = most_at_once.max(frames.len());
            ours.extend(frames.iter().map(|(at, f)| (at.number, f.time.nanos(), f.bytes.to_vec())));
            room.put_back(frames);
        }
        assert!(most_at_once > 1 && most_at_once <= 100, "{most_at_once} at once");
        assert_eq!(capture.counters().unwrap().received, 2_000, "a frame is in one ring alone");
        std::thread::sleep(Duration::from_millis(300));
        stop(tcpdump);
        // Two ears stamp a frame alike, so that the order of time is the order tcpdump heard them in.
        let theirs = frames(&dump);
        let differs = (1..)
            .zip(&theirs)
            .zip(&ours)
            .find(|((n, them), us)| (*n, them.0, &them.2) != (us.0, us.1, &us.2));
        assert_eq!((theirs.len(), differs), (2_000, None), "frames, times, numbers and order");
    });
}

#[test]
fn a_card_that_stamps_nothing_leaves_the_stamps_to_the_kernel() {
    inside("a_card_that_stamps_nothing_leaves_the_stamps_to_the_kernel", |_| {
        let mut capture = capture_with("far", Setup { times: Times::Card, ..Setup::default() });
        send(6, 60);
        assert!(matches!(capture.next_frame(), Ok(Next::Frame(..))));
        let stamps = capture.stamps();
        assert_eq!((stamps.wanted, stamps.by_card, stamps.card, stamps.kernel), (true, false, 0, 1));
        let now = fieldwarden_model::time::Timestamp::from_nanos(10_000_000_000);
        assert_eq!(capture.settled(now), Some(now.saturating_sub(SETTLED)));
    });
}

#[test]
fn frames_taken_together_stay_while_the_kernel_fills_the_rest_of_the_ring() {
    inside("frames_taken_together_stay_while_the_kernel_fills_the_rest_of_the_ring", |_| {
        let mut capture = listen(RingSize::megabytes(1));
        send(2_000, 1_000);
        let mut held = Vec::new();
        // More than the ring has: all there is, in eight blocks at once.
        assert_eq!(capture.next_frames(10_000, &mut held).unwrap(), Run::Frames);
        // The kernel closes a block half full when the sender pauses, so octets prove nothing: reach does.
        let places = || held.iter().map(|(_, frame)| frame.bytes.as_ptr().addr());
        let reach = places().max().unwrap() - places().min().unwrap();
        assert!(reach >= 7 * 128 * 1024, "frames lent reach over {reach} octets of a ring of a megabyte");
        let before: Vec<Vec<u8>> = held.iter().map(|(_, frame)| frame.bytes.to_vec()).collect();
        send(60, 1_000);
        assert!(held.iter().zip(&before).all(|((_, frame), before)| frame.bytes == before), "unchanged");
        drop(held);
        let mut after = Vec::new();
        assert!(matches!(capture.next_frames(10, &mut after).unwrap(), Run::Loss(loss) if loss.frames > 0));
    });
}

#[test]
fn what_the_ring_cannot_hold_is_counted() {
    inside("what_the_ring_cannot_hold_is_counted", |folder| {
        let mut capture = listen(RingSize::megabytes(1));
        let path = folder.join("recording.pcapng");
        let interface = Interface { name: capture.name().into(), link_type: capture.link_type() };
        let mut recorder = Recorder::create(&path, &[interface], u64::MAX).unwrap();
        send(2_000, 1_000);
        let (mut heard, mut lost, mut losses) = (0, 0, Vec::new());
        loop {
            match capture.next_frame().unwrap() {
                Next::Frame(_, frame) => {
                    heard += 1;
                    recorder.record(&frame).unwrap();
                }
                Next::Loss(loss) => {
                    lost += loss.frames;
                    losses.push((heard, loss));
                    recorder.record_loss(&loss).unwrap();
                }
                Next::Idle | Next::End => break,
            }
        }
        let counters = capture.counters().unwrap();
        assert_eq!((counters.received, counters.dropped), (heard, lost), "every loss is told, once");
        assert_eq!(counters.received + counters.dropped, 3_000 - 1);
        assert!(counters.dropped > 1_000 && counters.freezes > 0, "{counters:?}");
        recorder.finish(&[counters]).unwrap();
        assert_eq!(losses_of(&path), losses, "the recording tells the same, at the same place");
        send(6, 60);
        assert!(matches!(capture.next_frame(), Ok(Next::Frame(..))), "the ring thaws");
    });
}

/// What a file says was lost, each with the number of frames before it.
fn losses_of(path: &Path) -> Vec<(u64, Loss)> {
    let mut file = CaptureFile::open(path, 0).unwrap();
    let mut losses = Vec::new();
    loop {
        match file.next_frame().unwrap() {
            Next::Loss(loss) => losses.push((file.frames(), loss)),
            Next::End => return losses,
            Next::Frame(..) | Next::Idle => {}
        }
    }
}

#[test]
fn an_interface_that_cannot_be_heard_is_named_with_the_way_out() {
    inside("an_interface_that_cannot_be_heard_is_named_with_the_way_out", |_| {
        let unknown = open("span9", Setup::default()).unwrap_err().to_string();
        assert!(unknown.contains("`span9`") && unknown.contains("far"), "{unknown}");
        ip(&["link", "add", "quiet", "type", "veth", "peer", "name", "quieter"]);
        let down = open("quiet", Setup::default()).unwrap_err();
        assert!(matches!(down, OpenError::Down { .. }), "{down}");
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let wrong = LiveCapture::from_fds(vec![file.into()], "far", Setup::default(), 0).err().unwrap();
        assert!(matches!(wrong, OpenError::Descriptor { .. }), "{wrong}");

        let mut capture = listen(RingSize::default());
        ip(&["link", "set", "far", "down"]);
        assert!(matches!(failure(&mut capture), SourceError::InterfaceDown { .. }));
        ip(&["link", "set", "far", "up"]);
        std::thread::sleep(Duration::from_millis(300));
        send(6, 60);
        assert!(matches!(capture.next_frame(), Ok(Next::Frame(..))), "heard again once it is up");
        ip(&["link", "del", "far"]);
        assert!(matches!(failure(&mut capture), SourceError::InterfaceGone { .. }));
        while !matches!(capture.next_frame(), Ok(Next::End)) {}
    });
}

#[test]
fn the_loopback_is_heard_once() {
    inside("the_loopback_is_heard_once", |_| {
        ip(&["link", "set", "lo", "up"]);
        let mut capture = capture("lo", RingSize::megabytes(1));
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..10 {
            socket.send_to(b"hello", socket.local_addr().unwrap()).unwrap();
        }
        let mut heard = 0;
        while let Next::Frame(_, frame) = capture.next_frame().unwrap() {
            assert_eq!(frame.link_type, LinkType::ETHERNET);
            heard += 1;
        }
        assert_eq!(heard, 10);
    });
}

#[test]
fn without_the_capability_one_sentence_says_what_is_missing() {
    const NAME: &str = "without_the_capability_one_sentence_says_what_is_missing";
    if std::env::var_os(UNPRIVILEGED).is_some() {
        let error = open("lo", Setup::default()).unwrap_err();
        assert!(error.to_string().contains("capturing on `lo` needs the capability CAP_NET_RAW"), "{error}");
        return;
    }
    inside(NAME, |folder| {
        // The build folder may be closed to others.
        let program = folder.join("test");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let status = Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
            .arg(program)
            .args(["--exact", NAME])
            .env(UNPRIVILEGED, "1")
            .status();
        assert!(status.unwrap().success());
    });
}

#[test]
fn a_disk_that_runs_full_loses_no_whole_frame() {
    inside("a_disk_that_runs_full_loses_no_whole_frame", |folder| {
        // `ip netns exec` gives the test a mount namespace of its own: nobody else sees this disk.
        run("mount", &["-t", "tmpfs", "-o", "size=1m", "none", folder.to_str().unwrap()]);
        let path = folder.join("full.pcapng");
        let interface = Interface { name: "far".into(), link_type: LinkType::ETHERNET };
        let mut recorder = Recorder::create(&path, &[interface], u64::MAX).unwrap();
        let bytes = [0x5a; 1_000];
        let frame = fieldwarden_model::frame::RawFrame {
            time: fieldwarden_model::time::Timestamp::default(),
            link_type: LinkType::ETHERNET,
            interface: 0,
            wire_length: 1_000,
            tag: None,
            bytes: &bytes,
        };
        let error = (0..5_000).find_map(|_| recorder.record(&frame).err()).unwrap();
        assert!(matches!(&error, RecordError::Write { path: told, .. } if *told == path), "{error}");
        assert_eq!(recorder.record(&frame).unwrap(), Recorded::LeftOut);
        // 1 MiB holds 1,016 blocks of 1,032 octets; the last may be lost to the disk's own bookkeeping.
        assert!(frames(&path).len() >= 1_000, "{} frames", frames(&path).len());
    });
}

/// Runs a test again inside a fresh network namespace with a cable from `near` to `far`, and there `body`.
fn inside(test: &str, body: fn(&Path)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        run("sysctl", &["-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]);
        ip(&["link", "add", "near", "type", "veth", "peer", "name", "far"]);
        ip(&["link", "set", "near", "up"]);
        ip(&["link", "set", "far", "up"]);
        return body(Path::new(&folder));
    }
    if std::fs::metadata("/proc/self").map_or(1, |status| status.uid()) != 0 {
        return skipped(test, "root");
    }
    for program in ["ip", "tcpdump", "python3", "setpriv"] {
        if Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            return skipped(test, program);
        }
    }
    let namespace = format!("fwsensor-{}-{}", std::process::id(), test.len());
    let folder = std::env::temp_dir().join(&namespace);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    ip(&["netns", "add", &namespace]);
    let output = Command::new("ip")
        .args(["netns", "exec", &namespace])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, &folder)
        .output();
    ip(&["netns", "del", &namespace]);
    let _ = std::fs::remove_dir_all(&folder);
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Says so past the capture of a test's output.
fn skipped(test: &str, needs: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test} needs {needs}");
}

/// A capture of the far end, opened in the two steps of parent and daemon.
fn listen(size: RingSize) -> LiveCapture {
    capture("far", size)
}

fn capture(interface: &str, size: RingSize) -> LiveCapture {
    capture_with(interface, Setup { size, ..Setup::default() })
}

fn capture_with(interface: &str, setup: Setup) -> LiveCapture {
    let sockets = open(interface, setup).unwrap();
    let mut capture = LiveCapture::from_fds(sockets, interface, setup, 0).unwrap();
    capture.wait_at_most(Duration::from_millis(500));
    capture
}

/// Records `count` frames and returns their tags.
fn record(capture: &mut LiveCapture, recorder: &mut Recorder, count: u32) -> Vec<Option<VlanTag>> {
    let started = Instant::now();
    let mut tags = Vec::new();
    while tags.len() < count as usize {
        assert!(started.elapsed() < Duration::from_secs(20), "only {} frames came", tags.len());
        let Next::Frame(_, frame) = capture.next_frame().unwrap() else { continue };
        let number = u32::try_from(tags.len()).unwrap();
        let whole: Vec<u8> = Restored::of(&frame).pieces().flatten().copied().collect();
        assert_eq!(whole.len(), 60);
        assert!(
            whole.windows(6).any(|six| six == [&[0x88, 0xb5][..], &number.to_be_bytes()].concat()),
            "{number}"
        );
        assert_eq!(recorder.record(&frame).unwrap(), Recorded::Kept);
        tags.push(frame.tag);
    }
    tags
}

fn failure(capture: &mut LiveCapture) -> SourceError {
    let started = Instant::now();
    loop {
        match capture.next_frame() {
            Err(error) => return error,
            Ok(_) => assert!(started.elapsed() < Duration::from_secs(10), "nothing was told"),
        }
    }
}

/// Time, length on the wire and octets of every frame of a file.
fn frames(path: &Path) -> Vec<(i64, u32, Vec<u8>)> {
    let mut source = CaptureFile::open(path, 0).unwrap();
    let mut frames = Vec::new();
    while let Next::Frame(_, frame) = source.next_frame().unwrap() {
        frames.push((frame.time.nanos(), frame.wire_length, frame.bytes.to_vec()));
    }
    frames
}

fn tcpdump(path: &PathBuf) -> Child {
    let mut child = Command::new("tcpdump")
        // Without a snap length each frame takes a slot of 256 KiB in its buffer, which then holds too few.
        .args(["-i", "far", "-s", "256", "-B", "65536", "--immediate-mode", "--time-stamp-precision=nano"])
        .args(["-Z", "root", "-w"])
        .arg(path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().contains("listening on") {}
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn stop(mut child: Child) {
    run("kill", &["-INT", &child.id().to_string()]);
    child.wait().unwrap();
}

/// A frame and a half for each of `count`.
fn send(count: u32, length: u32) {
    run("python3", &["-c", SENDER, &count.to_string(), &length.to_string()]);
}

fn ip(arguments: &[&str]) {
    run("ip", arguments);
}

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program} {arguments:?}");
}
