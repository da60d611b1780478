//! Bad input: every fault of a configuration with its place; a capture, a file, an interface or a disk that is no good
//! each give one clear sentence, and nothing is lost.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on stops here")]

#[path = "live/mod.rs"]
mod live;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use live::{
    ROGUE, Said,
    lab::{Lab, is_root},
    memory::{stored_alerts, stored_incidents},
    must,
    product::{Product, Setup},
    root, run, skipped, wait,
};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldwarden");

/// A configuration with five faults, and where each stands.
const FIVE_FAULTS: &str = r#"[site]
name = "Water works"
[[site.asset]]
name = "Dosing PLC"
addresses = ["10.1.0.256"]
criticality = 7

[sensor]
interface = 5
ring_megabyte = 16

[[operator]]
name = "jo"
uid = 1000
roles = ["viewer", "boss"]
"#;
const FIVE_PLACES: [(&str, &str); 5] = [
    ("5:14", "10.1.0.256"),
    ("6:15", "criticality"),
    ("9:13", "interface"),
    ("10:1", "ring_megabyte"),
    ("15:20", "boss"),
];

#[test]
fn evidence_without_a_folder_or_room_is_a_fault_at_its_place() {
    let folder = Folder::new("evidence-faults");
    let text = "[site]\nname = \"Water works\"\n[sensor]\ninterface = \"span0\"\n[evidence]\nmegabytes = 1\nafter = 5\n";
    let config = folder.file("fieldwarden.toml", text);
    let said = run(PROGRAM, &["check", config.to_str().unwrap()]);
    assert_eq!(said.status, 2, "{said:?}");
    for (place, word) in [("5:", "folder"), ("6:13", "megabytes"), ("7:1", "after")] {
        assert!(said.err.contains(place) && said.err.contains(word), "{place}: {}", said.err);
    }
    assert!(said.err.starts_with("fieldwarden: 3 faults"), "{}", said.err);
}

#[test]
fn a_configuration_with_five_faults_shows_all_five_with_place_and_caret() {
    let folder = Folder::new("five-faults");
    let config = folder.file("fieldwarden.toml", FIVE_FAULTS);
    let path = config.to_str().unwrap();
    for words in [
        vec!["check", path],
        vec!["run", "--config", path],
        vec!["replay", "--config", path, "pcaps/plc-stop.pcap"],
    ] {
        let said = fieldwarden(&words);
        assert_eq!(said.status, 2, "{words:?}: {said:?}");
        let faults = said.err.matches(": error: ").count();
        assert_eq!(faults, 5, "{words:?}:\n{}", said.err);
        for (place, what) in FIVE_PLACES {
            let head =
                said.err.lines().position(|line| line.starts_with(&format!("{path}:{place}: error: ")));
            let head = head.unwrap_or_else(|| panic!("{words:?}: no fault at {place}:\n{}", said.err));
            let lines: Vec<&str> = said.err.lines().skip(head).take(4).collect();
            assert!(lines[0].contains(what) || lines[2].contains(what), "{place}:\n{}", lines.join("\n"));
            let (line, column) = place.split_once(':').unwrap();
            assert_eq!(
                lines[2],
                format!("{line} | {}", FIVE_FAULTS.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap())
            );
            let caret = lines[3].find('^').unwrap_or_else(|| panic!("no caret:\n{}", lines.join("\n")));
            assert_eq!(
                caret - (line.len() + 3) + 1,
                column.parse::<usize>().unwrap(),
                "{}",
                lines.join("\n")
            );
        }
    }
}

#[test]
fn a_capture_cut_within_a_frame_gives_one_sentence_and_every_whole_frame() {
    let folder = Folder::new("truncated");
    let whole = fs::read(root().join("pcaps/rogue-write.pcap")).unwrap();
    let (kept, _) = whole.split_at(whole.len() - 31);
    let cut = folder.file("cut.pcap", kept);
    let said = fieldwarden(&["decode", "--json", cut.to_str().unwrap()]);
    assert_eq!(said.status, 0, "{said:?}");
    one_sentence(&said, "cut.pcap");
    let all = fieldwarden(&["decode", "--json", "pcaps/rogue-write.pcap"]).out;
    let lost = all.lines().count() - said.out.lines().count();
    assert!(all.starts_with(&said.out) && lost <= 1, "{lost} messages lost with one frame");
    let judged = fieldwarden(&["replay", "--json", cut.to_str().unwrap()]);
    assert!(judged.status == 0 && judged.err.contains("cut.pcap"), "{judged:?}");
    assert!(judged.out.lines().last().unwrap().contains("\"type\":\"summary\""));
}

#[test]
fn a_foreign_or_unreadable_file_gives_one_sentence_and_touches_nothing() {
    let folder = Folder::new("foreign");
    let foreign =
        folder.file("holiday.jpg", b"\xff\xd8\xff\xe0 not a capture at all, but long enough to look at");
    let empty = folder.file("empty.pcap", b"");
    let secret = folder.file("secret.pcap", fs::read(root().join("pcaps/plc-stop.pcap")).unwrap());
    let good = "pcaps/plc-stop.pcap";
    let baseline = folder.path("baseline.toml");
    for bad in [foreign.as_path(), &empty, &folder.path("nowhere.pcap"), &folder.path("")] {
        let bad = bad.to_str().unwrap();
        for words in [
            vec!["decode", bad],
            vec!["replay", good, bad],
            vec!["learn", "-o", baseline.to_str().unwrap(), good, bad],
            vec!["replay", "--baseline", bad, good],
            vec!["replay", "--config", bad, good],
        ] {
            // An empty file is a configuration that says nothing; whether that is enough is another question.
            if bad.ends_with("empty.pcap") && words[1].starts_with("--") {
                continue;
            }
            let said = fieldwarden(&words);
            assert_eq!((said.status, said.out.as_str()), (2, ""), "{words:?}: {said:?}");
            assert!(
                said.err.contains(bad.trim_end_matches('/')),
                "{words:?} does not name the file: {}",
                said.err
            );
            assert!(!said.err.contains("panicked"), "{}", said.err);
        }
    }
    assert!(!baseline.exists(), "no baseline of half the captures");
    if !is_root() {
        return skipped("an unreadable file: needs root to become somebody else");
    }
    // Somebody who may run the program and enter the folder, and may not read this one file.
    let program = folder.path("fieldwarden");
    fs::copy(PROGRAM, &program).unwrap();
    must("chmod", &["600", secret.to_str().unwrap()]);
    let words =
        ["--reuid=65534", "--regid=65534", "--clear-groups", "--", program.to_str().unwrap(), "decode"];
    let said = run("setpriv", &[&words[..], &[secret.to_str().unwrap()]].concat());
    assert_eq!(said.status, 2, "{said:?}");
    one_sentence(&said, "secret.pcap");
    assert!(said.err.to_lowercase().contains("permission denied"), "{}", said.err);
}

#[test]
fn an_unknown_interface_gives_one_sentence_that_names_those_there_are() {
    let Some(lab) = Lab::up("livenoif") else { return };
    let mut product = Product::install(&lab, &Setup { interface: "span9", ..Setup::default() });
    product.spawn(&lab);
    let status = wait("it gives up", Duration::from_secs(10), || product.ended());
    let log = product.log();
    assert_eq!(status, 2, "{log}");
    let told = log.lines().filter(|line| line.contains("`span9`")).count();
    assert!(told == 1 && log.contains("span0"), "one sentence, and the interfaces there are:\n{log}");
    assert!(product.children().is_empty(), "nothing runs on without it");

    // One that goes away later is waited for: a plant must not stay unwatched because a cable was pulled.
    let span = |word: &str| lab.gateway(&["ip", "link", "set", "span0", word]);
    drop(product);
    let mut product = Product::install(&lab, &Setup::default());
    product.start(&lab);
    span("down");
    let troubled = |product: &Product| {
        let rows = product.command(&["status", "--json"]).rows();
        rows.iter()
            .any(|row| row["what"].as_str().unwrap().contains("capture") && row["state"] == "in trouble")
    };
    wait("`status` says that nothing is heard", Duration::from_secs(10), || troubled(&product).then_some(()));
    span("up");
    lab.operator(&["start"]);
    lab.wait_for_polls();
    wait("frames are heard again", Duration::from_secs(20), || {
        let rows = product.command(&["status", "--json"]).rows();
        rows.iter().any(|row| row["received"].as_u64() > Some(0)).then_some(())
    });
    product.stop();
}

#[test]
fn a_full_disk_gives_one_sentence_and_loses_nothing() {
    let Some(lab) = Lab::up("livefull") else { return };
    let Some(disk) = Disk::mount(&lab, 6) else { return };
    let mut product = Product::install(&lab, &Setup::default());
    let store = disk.path("fieldwarden.db");
    let recording = disk.path("recording.pcapng");
    product.configure(&Setup { store: Some(store.clone()), record: Some(recording), ..Setup::default() });
    product.start(&lab);
    lab.operator(&["start"]);
    lab.wait_for_polls();
    disk.fill();

    let learned = disk.path("baseline.toml");
    let said = fieldwarden(&["learn", "pcaps/normal-shift.pcap", "-o", learned.to_str().unwrap()]);
    assert_eq!(said.status, 1, "{said:?}");
    one_sentence(&said, "No space left on device");
    assert!(!learned.exists() && !disk.path("baseline.toml.new").exists(), "nothing half-written stays");

    // Enough to overflow the buffer of the recording, too.
    lab.rogue(&["attack", "--duration", "10", "--every-ms", "5"]);
    let what = |rows: &[Value], what: &str| rows.iter().find(|row| row["what"] == what).cloned();
    let troubled = wait("`status` says that the store is in trouble", Duration::from_secs(20), || {
        what(&product.command(&["status", "--json"]).rows(), "store")
            .filter(|row| row["state"] == "in trouble")
    });
    assert!(troubled["detail"].as_str().unwrap().contains("full"), "{troubled}");
    wait("`status` says that the recording ended", Duration::from_secs(20), || {
        what(&product.command(&["status", "--json"]).rows(), "recording").map(drop)
    });
    let printed = printed_alerts(&product);
    assert!(printed.len() > 3, "the attack is judged meanwhile: {printed:?}");
    assert_ne!(stored_alerts(&store), printed, "the disk was full");

    disk.free();
    wait("what waited in memory is written", Duration::from_secs(20), || {
        (stored_alerts(&store) == printed_alerts(&product)).then_some(())
    });
    let rows = product.command(&["incident", "list", "--json"]).rows();
    assert!(rows.iter().any(|row| row["talkers"][0] == ROGUE), "{rows:?}");
    assert_eq!(rows.len(), stored_incidents(&store).len());
    let log = product.log();
    let told = log.lines().filter(|line| line.contains("waits in memory")).count();
    assert_eq!(told, 1, "told once, not with every attempt:\n{log}");
    let children = product.children();
    assert_eq!(children.len(), 2, "nobody died of it: {children:?}\n{log}");
    let state = what(&product.command(&["status", "--json"]).rows(), "store").unwrap();
    assert_eq!(state["state"], "good", "{state}");
    product.stop();
    let log = product.log();
    let told =
        log.lines().filter(|line| line.contains("the recording") && line.contains("No space left")).count();
    assert_eq!(told, 1, "the recording is told of once, when its buffer meets the full disk:\n{log}");
}

fn printed_alerts(product: &Product) -> Vec<String> {
    let text = product.alerts_printed();
    let ids = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned());
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

fn fieldwarden(words: &[&str]) -> Said {
    Command::new(PROGRAM).args(words).current_dir(root()).output().unwrap().into()
}

/// Standard error is one line, or one with a hint, and says what is meant.
fn one_sentence(said: &Said, what: &str) {
    let lines: Vec<&str> =
        said.err.lines().filter(|line| !line.is_empty() && !line.starts_with("hint: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains(what), "one sentence about {what}:\n{}", said.err);
}

/// A folder of one test, removed at its end, open to everybody.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("fieldwarden-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A small disk of its own.
struct Disk(PathBuf);

impl Disk {
    fn mount(lab: &Lab, megabytes: u32) -> Option<Self> {
        let at = std::env::temp_dir().join(format!("fieldwarden-disk-{}", lab.namespace("gw")));
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={megabytes}m,mode=0777");
        let disk = Self(at);
        if run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", disk.at()]).status != 0 {
            skipped("a full disk: a tmpfs cannot be mounted here");
            return None;
        }
        Some(disk)
    }

    fn at(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.at()).join(name)
    }

    fn fill(&self) {
        let zeros = vec![0; 64 << 20];
        assert!(fs::write(self.path("ballast"), zeros).is_err(), "the disk is full now");
    }

    fn free(&self) {
        fs::remove_file(self.path("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["--lazy", self.at()]);
        let _ = fs::remove_dir(&self.0);
    }
}
