//! Evidence: what a person who examines an alert gets to see, and whether it can be trusted.
//!
//! Alerts over the corpus are replayed with slices cut, and each slice is compared with the capture it came from and read
//! by tshark. A ring is written by a process that is killed at random moments.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{
    frames::{self, Frame},
    random::Random,
    spoken::{Quick, spoken},
};
use fieldwarden_model::{LinkType, RawFrame, Timestamp};
use fieldwarden_sensor::{
    FrameSource as _, Next,
    evidence::{Bounds, Held, Keeper},
    record::Interface,
};
use serde_json::Value;

/// What `replay` cuts where nobody says otherwise.
const BEFORE: Duration = Duration::from_secs(60);
const AFTER: Duration = Duration::from_secs(5);
/// Captures at the quick scale.
const QUICK_CAPTURES: Quick = Quick { per_folder: 1, octets: 2_000_000 };

/// A folder of a test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("evidence-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"))
}

fn fieldwarden() -> Command {
    Command::new(env!("CARGO_BIN_EXE_fieldwarden"))
}

fn tshark_is_here() -> bool {
    let here = Command::new("tshark").arg("--version").output().is_ok();
    if !here {
        common::skipped("tshark is not installed: that it reads evidence was not tested");
    }
    here
}

/// What tshark reads of a file: time, length on the wire and octets held of each frame.
fn by_tshark(path: &Path) -> Vec<String> {
    let fields = ["-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len"];
    let said = output(Command::new("tshark").args(["-n", "-T", "fields", "-r"]).arg(path).args(fields));
    let told = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && !told.contains("cut short"), "{}: {told}", path.display());
    String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The same, of a frame of ours.
fn as_tshark(frame: &Frame) -> String {
    let nanos = frame.time.nanos();
    let (seconds, rest) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    format!("{seconds}.{rest:09}\t{}\t{}", frame.wire_length, frame.bytes.len())
}

#[test]
fn every_alert_gives_its_frames_and_those_before_them() {
    let (wanted, each) = if common::scale_is_full() { (100, 3) } else { (15, 1) };
    let captures: Vec<PathBuf> = spoken(QUICK_CAPTURES).into_iter().filter(|path| !is_normal(path)).collect();
    let folder = Folder::new("slices");
    let tshark = tshark_is_here();
    // From all over the list, so that the quick count meets every kind too.
    let stride = if common::scale_is_full() { 1 } else { (captures.len() / wanted).max(1) };
    let spread = (0..stride).flat_map(|first| captures.iter().skip(first).step_by(stride));
    let mut checked = 0;
    for (place, capture) in spread.enumerate() {
        let cut = Replayed::cut(capture, &folder.0.join(place.to_string()));
        for alert in cut.chosen(each) {
            cut.check(alert, tshark);
            checked += 1;
        }
        cut.check_verify(capture);
        if checked >= wanted {
            break;
        }
    }
    println!("{checked} alerts have their slices");
    let public = captures.iter().any(|path| !path.starts_with(common::root().join("pcaps")));
    assert!(checked >= if public { wanted } else { 3 }, "{checked} alerts were checked");
}

/// Our own captures of normal days raise nothing.
fn is_normal(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("normal-"))
}

/// A capture replayed with slices cut.
struct Replayed {
    frames: Vec<Frame>,
    alerts: Vec<Value>,
    folder: PathBuf,
}

impl Replayed {
    /// Replays twice: what came out is the same, octet by octet.
    fn cut(capture: &Path, folder: &Path) -> Self {
        let again = folder.with_extension("again");
        let said = [folder, &again].map(|folder| {
            let baseline = common::root().join("config/shipped/baseline.toml");
            let mut command = fieldwarden();
            command.args(["replay", "--json", "--baseline"]).arg(baseline).arg("--evidence").arg(folder);
            let said = output(command.arg(capture));
            let told = String::from_utf8_lossy(&said.stderr).into_owned();
            assert!(said.status.success(), "{}: {told}", capture.display());
            assert!(told.contains("slices of evidence in"), "{told}");
            String::from_utf8(said.stdout).unwrap()
        });
        assert_eq!(said[0], said[1]);
        assert_eq!(files(folder), files(&again), "{}: a second run cuts the same", capture.display());
        let lines = said[0].lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let alerts: Vec<Value> = lines.filter(|line| line["type"] == "alert").collect();
        Self { frames: frames::read(capture), alerts, folder: folder.to_path_buf() }
    }

    /// Some alerts from all over the capture.
    fn chosen(&self, count: usize) -> impl Iterator<Item = &Value> {
        self.alerts.iter().step_by(self.alerts.len().div_ceil(count).max(1))
    }

    /// The slice is what the capture holds of that time, and the alert's own frames.
    fn check(&self, alert: &Value, tshark: bool) {
        let id = alert["id"].as_str().unwrap();
        let time: Timestamp = alert["time"].as_str().unwrap().parse().unwrap();
        let own: Vec<u64> =
            alert["frames"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect();
        assert!(!own.is_empty(), "{alert}");
        let (from, until) = (time.saturating_sub(BEFORE), time.saturating_add(AFTER));
        let mut now = Timestamp::MIN;
        let mut expected = Vec::new();
        for (frame, number) in self.frames.iter().zip(1..) {
            now = now.max(frame.time);
            if (from..=until).contains(&now) || own.contains(&number) {
                expected.push(frame);
            }
        }
        let path = self.folder.join(format!("{id}.pcapng"));
        let slice = frames::read(&path);
        let all = |frame: &Frame| (frame.time, frame.link_type, frame.wire_length, frame.bytes.clone());
        let differs = slice.iter().zip(&expected).position(|(got, wanted)| all(got) != all(wanted));
        assert_eq!((slice.len(), differs), (expected.len(), None), "{}: {alert}", path.display());
        if tshark {
            let expected: Vec<String> = expected.into_iter().map(as_tshark).collect();
            assert_eq!(by_tshark(&path), expected, "{}: {alert}", path.display());
        }
    }

    /// `evidence verify` finds one octet that was changed, and nothing where none was.
    fn check_verify(&self, capture: &Path) {
        if self.alerts.is_empty() {
            return;
        }
        let verify = |place: &Path| output(fieldwarden().args(["evidence", "verify", "--json"]).arg(place));
        let said = verify(&self.folder);
        assert!(said.status.success(), "{}: {said:?}", capture.display());
        let mut random = Random::seeded(capture);
        let slices: Vec<PathBuf> = self
            .alerts
            .iter()
            .map(|alert| self.folder.join(name(alert)))
            .filter(|path| path.exists())
            .collect();
        let path = &slices[random.below(slices.len())];
        let octets = fs::read(path).unwrap();
        let mut changed = octets.clone();
        let place = random.below(changed.len());
        changed[place] ^= 1 << random.below(8);
        fs::write(path, &changed).unwrap();
        for asked in [&self.folder, path] {
            let said = verify(asked);
            assert_eq!(said.status.code(), Some(1), "octet {place} of {}: {said:?}", path.display());
            let rows = String::from_utf8(said.stdout).unwrap();
            let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let guilty: Vec<&Value> = rows.iter().filter(|row| row["state"] != "intact").collect();
            assert_eq!(guilty.len(), 1, "{rows:?}");
            assert_eq!(guilty[0]["slice"].as_str().map(Path::new), Some(path.as_path()));
            assert_eq!(guilty[0]["state"], "changed");
        }
        fs::write(path, octets).unwrap();
    }
}

fn name(alert: &Value) -> String {
    format!("{}.pcapng", alert["id"].as_str().unwrap())
}

/// Names and contents of the files in a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn evidence_is_never_written_over() {
    let folder = Folder::new("once");
    let replay = || {
        let mut command = fieldwarden();
        command.arg("replay").arg("--evidence").arg(&folder.0);
        output(command.arg(common::root().join("pcaps/plc-stop.pcap")))
    };
    assert!(replay().status.success());
    let first = files(&folder.0);
    assert!(first.len() > 1, "an attack without a baseline has its slices too");
    let said = replay();
    assert_eq!(said.status.code(), Some(2), "{said:?}");
    assert_eq!(files(&folder.0), first);
}

/// Tells the writer the number of its first frame, and where to write.
const WRITER: &str = "FIELDWARDEN_TEST_EVIDENCE_WRITER";
const BOUNDS: Bounds = Bounds { octets: Bounds::MIN_OCTETS, age: Duration::from_secs(3_600) };
/// Apart enough that no writer reaches the numbers of the next.
const NUMBERS: u64 = 10_000_000;

#[test]
fn a_ring_whose_writer_was_killed_is_readable_and_goes_on() {
    // The writer is this test once more, started by itself.
    if let Ok(words) = std::env::var(WRITER) {
        write_until_killed(&words);
        return;
    }
    let kills = if common::scale_is_full() { 25 } else { 5 };
    let folder = Folder::new("killed");
    let tshark = tshark_is_here();
    let mut random = Random::seeded(Path::new("killed"));
    for kill in 0..kills {
        let millis = 20 + u64::try_from(random.below(600)).unwrap();
        let on_disk = killed_after(&folder.0, kill * NUMBERS, Duration::from_millis(millis));
        let newest = segments(&folder.0).pop().unwrap();
        let held = check_held(&folder.0);
        let last = held.last().copied().unwrap_or_default();
        // What the writer was told to be on disk is there: the numbers have no hole, so that the last one tells.
        assert!(
            last >= on_disk,
            "kill {kill} after {millis} ms: frame {on_disk} was on disk, {last} is the last"
        );
        if tshark {
            check_unfinished(&newest);
        }
    }
    // A start heals what the last kill left; then all of it is whole.
    let interfaces = vec![interface()];
    drop(Keeper::start(&folder.0, interfaces, BOUNDS).unwrap());
    let held = check_held(&folder.0);
    if tshark {
        let read: usize = segments(&folder.0).iter().map(|segment| by_tshark(segment).len()).sum();
        assert_eq!(read, held.len());
    }
}

/// Runs a child that writes the ring, kills it, and returns the last frame it knew to be on disk.
fn killed_after(folder: &Path, first: u64, after: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_ring_whose_writer_was_killed_is_readable_and_goes_on", "--nocapture"]);
    child.env(WRITER, format!("{first} {}", folder.display()));
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The time runs from its first sign of life.
    let begun = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("kept "));
    assert!(begun.is_some(), "the child wrote nothing");
    let killer = thread::spawn(move || {
        thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap()
    });
    let told: Vec<String> = begun.into_iter().chain(lines.map_while(Result::ok)).collect();
    assert!(!killer.join().unwrap().success());
    // The last line may have been cut by the kill as well, so that it counts only with its end.
    let kept = told.iter().rev().find_map(|line| line.strip_prefix("kept ")?.strip_suffix('.')?.parse().ok());
    kept.map_or(first, |kept: u64| first + kept)
}

/// Writes frames into the ring from a number on, and tells how many are on disk.
fn write_until_killed(words: &str) {
    let (first, folder) = words.split_once(' ').unwrap();
    let (mut keeper, _) = Keeper::start(Path::new(folder), vec![interface()], BOUNDS).unwrap();
    let mut number: u64 = first.parse().unwrap();
    let mut told = Instant::now();
    let mut out = std::io::stdout();
    // A parent that failed would leave it behind.
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(30) {
        number += 1;
        let bytes = octets(number);
        while !keeper.keep(number, &frame(number, &bytes)) {
            thread::sleep(Duration::from_millis(1));
        }
        if number.is_multiple_of(97) {
            keeper.flush();
            thread::sleep(Duration::from_micros(500));
        }
        if told.elapsed() > Duration::from_millis(5) {
            told = Instant::now();
            writeln!(out, "kept {}.", keeper.status().kept).unwrap();
        }
    }
}

fn interface() -> Interface {
    Interface { name: "span0".into(), link_type: LinkType::ETHERNET }
}

/// Each frame is told by its number, so that one that was changed or misplaced shows.
fn octets(number: u64) -> Vec<u8> {
    let length = 60 + usize::try_from(number * 7_919 % 1_400).unwrap();
    (0u64..).map(|place| ((number + place) % 251) as u8).take(length).collect()
}

fn frame(number: u64, bytes: &[u8]) -> RawFrame<'_> {
    RawFrame {
        time: Timestamp::from_nanos(1_767_323_045_000_000_000 + i64::try_from(number).unwrap() * 1_000),
        link_type: LinkType::ETHERNET,
        interface: 0,
        wire_length: u32::try_from(bytes.len()).unwrap(),
        tag: None,
        bytes,
    }
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "pcapng")).collect();
    paths.sort();
    paths
}

/// The ring is within its bound, and every frame in it is as it was heard, in order, without a hole within a run.
fn check_held(folder: &Path) -> Vec<u64> {
    let octets_held: u64 = segments(folder).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(octets_held <= BOUNDS.octets, "{octets_held} octets");
    let mut held = Held::open(folder, Timestamp::MIN).unwrap();
    let mut numbers: Vec<u64> = Vec::new();
    loop {
        match held.next_frame().unwrap() {
            Next::Frame(at, got) => {
                let bytes = octets(at.number);
                let wanted = frame(at.number, &bytes);
                assert_eq!((got.time, got.bytes), (wanted.time, wanted.bytes), "frame {}", at.number);
                let follows =
                    numbers.last().is_none_or(|last| at.number == last + 1 || at.number % NUMBERS == 1);
                assert!(follows, "{} follows {:?}", at.number, numbers.last());
                numbers.push(at.number);
            }
            Next::End => break,
            Next::Loss(loss) => assert!(loss.frames > 0),
            Next::Idle => panic!("a ring on disk is never idle"),
        }
    }
    assert!(held.faults().is_empty(), "{:?}", held.faults());
    assert!(numbers.len() > 100, "{} frames are held", numbers.len());
    numbers
}

/// tshark reads as many frames of a segment that was being written as we do, whether or not it calls its end cut short.
fn check_unfinished(path: &Path) {
    let said =
        output(Command::new("tshark").args(["-n", "-T", "fields", "-e", "frame.number", "-r"]).arg(path));
    let told = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() || told.contains("cut short"), "{}: {told}", path.display());
    assert_eq!(String::from_utf8_lossy(&said.stdout).lines().count(), frames::read(path).len());
}
