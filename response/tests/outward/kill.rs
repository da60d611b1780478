//! The program dies at any moment; what it acknowledged is there, once.

use std::{
    collections::HashSet,
    env,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use fieldwarden_model::Timestamp;
use fieldwarden_response::store::{AuditEntry, By, Checkpoint, Store};

use crate::sample;

const FILE: &str = "FIELDWARDEN_TEST_STORE";

/// Not a test of its own: what the killed child does. Prints each number once it is acknowledged.
#[test]
fn child() {
    let Ok(file) = env::var(FILE) else { return };
    let store = Store::open(Path::new(&file)).unwrap();
    store.set_destinations(&["soc".into()]).unwrap();
    let from =
        store.checkpoint().unwrap().map_or(0, |found| u32::from_be_bytes(found.body.try_into().unwrap()));
    for n in from..u32::MAX {
        let mut batch = sample::batch(n % 7, u64::from(n / 7) + 1);
        let by = By { operator: "jo".into(), time: Timestamp::from_seconds(i64::from(n)) };
        batch.audit =
            vec![AuditEntry { by, action: "test".into(), subject: n.to_string(), detail: String::new() }];
        batch.checkpoint =
            Some(Checkpoint { version: 1, time: sample::at(0), body: (n + 1).to_be_bytes().to_vec() });
        store.record(batch).unwrap();
        println!("acknowledged {n}");
    }
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let rounds = env::var("SCALE").ok().and_then(|scale| scale.parse::<u64>().ok()).unwrap_or(1).min(5) * 10;
    let mut acknowledged = 0;
    for round in 0..rounds {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(FILE, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let reading = thread::spawn(move || {
            let numbers = output.lines().map_while(Result::ok);
            numbers.filter_map(|line| line.split_once("acknowledged ")?.1.parse::<u32>().ok()).last()
        });
        thread::sleep(Duration::from_millis(60 + round * 37 % 190));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(last) = reading.join().unwrap() {
            acknowledged = last + 1;
        }
        let store = Store::open(&file).unwrap();
        let Some(checkpoint) = store.checkpoint().unwrap() else { continue };
        let recorded = u32::from_be_bytes(checkpoint.body.try_into().unwrap());
        assert!(recorded >= acknowledged, "round {round}: {recorded} recorded, {acknowledged} acknowledged");
        let revisions = store.revisions(0, u32::MAX).unwrap();
        let keys: HashSet<String> =
            revisions.iter().map(|waiting| waiting.told.incident.revision_key()).collect();
        assert_eq!((keys.len(), revisions.len()), (recorded as usize, recorded as usize), "round {round}");
        assert_eq!(store.waiting("soc", 0, u32::MAX).unwrap(), revisions, "all of it waits, in order");
        let verdict = store.verify_audit().unwrap();
        assert_eq!((verdict.rows, verdict.first_broken), (u64::from(recorded), None));
        store.close();
    }
    assert!(acknowledged > 0, "the child never got to record anything");
    println!("{acknowledged} batches acknowledged over {rounds} kills");
}
