//! A running gateway is told which operating mode the plant is in, and remembers what conversations did.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::live::{
    ROGUE, Said,
    cable::{self, Cable, Listener},
    must, root, wait,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldwarden");

#[test]
fn a_demanded_mode_holds_until_it_is_taken_back_and_what_was_done_is_remembered() {
    let Some(cable) = Cable::lay("modes") else { return };
    let (normal, modes) = (cable.folder.join("normal.toml"), cable.folder.join("modes.toml"));
    cable::learn(&root().join("pcaps/normal-shift.pcap"), &normal);
    let work = cable.folder.join("work.pcap");
    fs::copy(root().join("pcaps/rogue-write.pcap"), &work).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (into, from, to) = (path(&normal), path(&work), path(&modes));
    must(PROGRAM, &["learn", "--trust", "--mode", "maintenance", "--into", &into, &from, "-o", &to]);
    let listener = Listener::start(&cable, &modes, "");
    let socket = cable.folder.join("listener/control.sock");
    let ask = |words: &[&str]| -> Said {
        Command::new(PROGRAM).args(words).env("FIELDWARDEN_SOCKET", &socket).output().unwrap().into()
    };
    let set = |mode, until| ask(&["mode", "set", mode, "--until", until, "--reason", "pump test"]);
    assert!(set("maintenence", "2100-01-01").err.contains("known are maintenance, production"));
    assert!(set("maintenance", "2020-01-01").err.contains("has passed"));
    assert_eq!(set("maintenance", "2100-01-01").status, 0);
    let holds = |mode: &str| {
        let rows = ask(&["mode", "list", "--json"]).rows();
        rows.iter().any(|row| row["mode"] == mode && row["holds"] == true).then_some(())
    };
    wait("the mode holds", Duration::from_secs(10), || holds("maintenance"));
    let sent = cable.send(&work, &["--rate", "500"]);
    listener.heard(sent.frames);
    let strange = |alert: &Value| alert["client"] == ROGUE;
    let told: Vec<Value> = listener.alerts.try_iter().map(|(_, alert)| alert).filter(strange).collect();
    assert!(told.iter().all(|alert| !alert["detector"].as_str().unwrap().starts_with("new-")), "{told:?}");

    assert_eq!(ask(&["mode", "clear", "--reason", "the test is over"]).status, 0);
    wait("the usual mode holds again", Duration::from_secs(10), || holds("production"));
    // The same connections would be taken for repetitions: another recording of the laptop.
    let later = cable.folder.join("later.pcap");
    fs::copy(root().join("pcaps/restart-comms.pcap"), &later).unwrap();
    let again = cable.send(&later, &["--rate", "500"]);
    listener.heard(sent.frames + again.frames);
    let told: Vec<Value> = listener.alerts.try_iter().map(|(_, alert)| alert).filter(strange).collect();
    for detector in ["new-talker", "new-conversation"] {
        assert!(told.iter().any(|alert| alert["detector"] == detector), "{detector}: {told:?}");
    }
    let journal = ask(&["audit", "verify", "--json"]).rows();
    assert!(journal[0]["done"].as_str().unwrap().starts_with("2 lines"), "{journal:?}");

    drop(listener);
    let store = path(&cable.folder.join("listener/fieldwarden.db"));
    let id = told.iter().find(|alert| alert["detector"] == "new-talker").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let quiet =
        ["quiet", &id, "--store", &store, "--baseline", &to, "--until", "2100-01-01", "--reason", "known"];
    for words in [&["accept", &id, "--store", &store, "--baseline", &to][..], &quiet] {
        let said = must(PROGRAM, &[&["baseline"], words].concat());
        assert!(said.contains("alerts that the store remembers 0 besides this one"), "{said}");
        assert!(said.contains("WIDENS") && said.contains("Nothing was changed"), "{said}");
    }
    let rows = must(PROGRAM, &["baseline", "show", &to, "--store", &store, "--json"]);
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let polled =
        rows.iter().find(|row| row["id"] == "10.2.0.10 to 10.1.0.10 port 502 modbus unit 1").unwrap();
    assert!(polled["seen"]["count"].as_u64().unwrap() > 100, "{polled}");
    assert!(polled["seen"]["first"].as_str() < polled["seen"]["last"].as_str(), "{polled}");
}
