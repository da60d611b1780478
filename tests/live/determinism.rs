//! What is seen live is seen again from the recording, to the octet, whatever the seed of the maps.

use std::{path::Path, process::Command};

use crate::live::{
    Said, json_lines,
    lab::Lab,
    pause,
    product::{Product, Setup},
    wire::{self, Ear},
};

#[test]
fn the_recording_holds_what_the_wire_carried_and_replays_to_the_live_alerts() {
    let Some(mut lab) = Lab::up("livesame") else { return };
    let mut product = Product::install(&lab, &Setup::default());
    let recording = product.folder.join("recording.pcapng");
    product.configure(&Setup { record: Some(recording.clone()), ..Setup::default() });
    product.start(&lab);
    let beside = lab.state.join("beside.pcap");
    let ear = Ear::open(&lab, "span0", &beside);
    assert_eq!(frames_received(&product), 0, "the network was quiet until both listened");

    lab.operator(&["start", "--write-every", "1.0", "--reconnect-after", "9"]);
    lab.wait_for_polls();
    pause(2.0);
    lab.rogue_begins(&["s7-write", "--duration", "8", "--every-ms", "400"]);
    for attack in [
        vec!["attack", "--duration", "2", "--every-ms", "30"],
        vec!["read-sweep", "--every-ms", "20"],
        vec!["restart-comms"],
        vec!["program-download"],
        vec!["plc-stop", "--pause", "1"],
    ] {
        lab.rogue(&attack);
    }
    pause(3.0);
    lab.operator(&["stop"]);
    lab.rogues_stop();
    pause(2.0);

    let status = product.command(&["status", "--json"]).rows();
    let capture = status.iter().find(|row| row["dropped"].is_u64()).unwrap_or_else(|| panic!("{status:?}"));
    assert_eq!(capture["dropped"], 0, "the kernel dropped frames: {capture}");
    ear.close();
    product.stop();

    let (ours, theirs) = (wire::frames(&recording), wire::frames(&beside));
    assert!(ours.len() > 500, "{} frames", ours.len());
    let differs = ours.iter().zip(&theirs).position(|(a, b)| (a.1, &a.2) != (b.1, &b.2));
    assert_eq!((ours.len(), differs), (theirs.len(), None), "frames and their order, as tcpdump heard them");

    let live = product.alerts_printed();
    assert!(live.lines().count() > 10, "{live}");
    let said = replay(&product, &recording, None);
    let replayed: String = said
        .out
        .lines()
        .filter(|line| line.starts_with("{\"type\":\"alert\""))
        .map(|l| format!("{l}\n"))
        .collect();
    assert_same(&live, &replayed, "live and replayed alerts");
    for seed in ["1", "2"] {
        assert_same(&said.out, &replay(&product, &recording, Some(seed)).out, "two replays of one recording");
    }
    learned_live(&product, &recording);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps/shipped-attack.pcap");
    let one = replay(&product, &shipped, Some("1")).out;
    assert_same(&one, &replay(&product, &shipped, Some("2")).out, "two seeds on the shipped attack");
    let summary = json_lines_of(&said.out).pop().unwrap();
    assert_eq!(summary["gaps"], 0, "{summary}");
    assert_eq!(
        json_lines(&product.folder.join("alerts.jsonl")).len(),
        live.lines().count(),
        "only alerts are printed"
    );
}

fn replay(product: &Product, capture: &Path, seed: Option<&str>) -> Said {
    let mut command = Command::new(product.program());
    command
        .args(["replay", "--json", "--baseline"])
        .arg(product.baseline())
        .arg("--config")
        .arg(product.config());
    command.arg(capture).envs(seed.map(|seed| ("FIELDWARDEN_HASH_SEED", seed)));
    let said = Said::from(command.output().unwrap());
    assert_eq!(said.status, 0, "{}", said.err);
    said
}

/// What the daemon learned beside judging is what `learn` makes of its recording, as strictly.
fn learned_live(product: &Product, recording: &Path) {
    let again = product.folder.join("again.toml");
    let learn = Command::new(product.program())
        .args(["learn", "--strict"])
        .arg(recording)
        .arg("-o")
        .arg(&again)
        .output()
        .unwrap();
    assert!(learn.status.success(), "{}", String::from_utf8_lossy(&learn.stderr));
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert_same(
        &text(&product.folder.join("draft.toml")),
        &text(&again),
        "what was learned live and from the recording",
    );
}

fn json_lines_of(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn frames_received(product: &Product) -> u64 {
    let status = product.command(&["status", "--json"]).rows();
    status.iter().find_map(|row| row["received"].as_u64()).unwrap()
}

/// The first line that differs says more than two long texts.
fn assert_same(one: &str, two: &str, what: &str) {
    let mut lines = one.lines().zip(two.lines()).zip(1..);
    if let Some(((a, b), number)) = lines.find(|((a, b), _)| a != b) {
        panic!("{what} differ first in line {number}:\n{a}\n{b}");
    }
    assert_eq!(
        one.len(),
        two.len(),
        "{what} differ in length: {} and {} lines",
        one.lines().count(),
        two.lines().count()
    );
}
