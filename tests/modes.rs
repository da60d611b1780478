//! What is normal in one operating mode alone, by the schedule: the same on however many threads, and over with the mode.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The baseline of the shift, whose conversations hold in maintenance alone: until 22:23 UTC on that Monday, in the middle of it.
fn scheduled(folder: &Path) -> PathBuf {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps/normal-shift.pcap");
    let (learned, modes) = (folder.join("learned.toml"), folder.join("modes.toml"));
    let mut learn = Command::new(env!("CARGO_BIN_EXE_fieldwarden"));
    assert!(learn.arg("learn").arg(capture).arg("-o").arg(&learned).output().unwrap().status.success());
    let text = fs::read_to_string(learned).unwrap();
    let text = text.replace("[[conversation]]\n", "[[conversation]]\nmode = \"maintenance\"\n");
    let schedule = "\n[[schedule]]\nmode = \"maintenance\"\ndays = [\"mon\"]\nfrom = \"23:00\"\nto = \"23:23\"\noffset = \"+01:00\"\n";
    fs::write(&modes, text + schedule).unwrap();
    modes
}

fn replay(baseline: &Path, threads: &str, seed: &str) -> String {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("pcaps/normal-shift.pcap");
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldwarden"));
    command.args(["replay", "--json", "--threads", threads, "--baseline"]).arg(baseline).arg(capture);
    let run = command.env("FIELDWARDEN_HASH_SEED", seed).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn a_mode_ends_at_its_time_and_sessions_that_go_on_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let baseline = scheduled(folder.path());
    let told = replay(&baseline, "1", "1");
    for (threads, seed) in [("1", "2"), ("2", "1"), ("4", "3")] {
        assert_eq!(told, replay(&baseline, threads, seed), "{threads} threads, seed {seed}");
    }
    let rows: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let alerts: Vec<&Value> = rows.iter().filter(|row| row["type"] == "alert").collect();
    let before = |alert: &&&Value| alert["time"].as_str().unwrap() < "2026-11-23T22:23:00";
    assert_eq!(alerts.iter().filter(before).count(), 0, "{alerts:?}");
    for server in ["10.1.0.10", "10.1.0.20"] {
        let goes_on = |alert: &&&Value| alert["detector"] == "new-conversation" && alert["server"] == server;
        assert_eq!(alerts.iter().filter(goes_on).count(), 1, "{server}: {alerts:?}");
    }
    let summary = rows.last().unwrap();
    let modes: Vec<&str> =
        summary["modes"].as_array().unwrap().iter().map(|change| change["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["maintenance", "production"]);
    assert_eq!(summary["modes"][1]["since"], "2026-11-23T22:23:00.000000000Z");
}
