//! What the store promises when the disk is full, the file is damaged, the engine repeats itself or a table is full.

use std::fs;

use fieldwarden_model::{
    Incident, IncidentId, Order, OrderId, OrderState, Scope, Severity, Target, Timestamp,
    order::{OnDegraded, Report},
};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn by(operator: &str, seconds: i64) -> By {
    By { operator: operator.into(), time: at(seconds) }
}

fn incident(id: &str, alerts: u64, last: i64) -> Incident {
    Incident {
        id: IncidentId(id.into()),
        revision: 1,
        first: at(0),
        last: at(last),
        severity: Severity::High,
        score: 80,
        addends: vec![],
        story: vec![],
        talkers: vec!["10.0.0.66".parse().unwrap()],
        alerts,
        techniques: vec![],
        title: "Unknown laptop writes set-points".into(),
        open: true,
    }
}

fn batch(incident: Incident) -> Batch {
    Batch { time: incident.last, incidents: vec![incident], ..Batch::default() }
}

fn opened() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    (folder, store)
}

#[test]
fn a_revision_counts_up_only_when_something_changed() {
    let (_folder, store) = opened();
    store.set_destinations(&["soc".into(), "second".into()]).unwrap();
    let revisions =
        |incident| store.record(batch(incident)).unwrap().revisions.iter().map(|r| r.1).collect::<Vec<_>>();
    assert_eq!(revisions(incident("a", 1, 1)), [1]);
    assert_eq!(revisions(incident("a", 1, 1)), [0; 0], "the same again is no news");
    assert_eq!(revisions(incident("a", 3, 5)), [2]);
    assert_eq!(revisions(incident("a", 2, 3)), [0; 0], "an engine that resumed from before repeats itself");
    assert_eq!(revisions(Incident { open: false, ..incident("a", 3, 5) }), [3]);
    for name in ["soc", "second"] {
        let waiting: Vec<u32> =
            store.waiting(name, 0, 9).unwrap().iter().map(|waiting| waiting.told.incident.revision).collect();
        assert_eq!(waiting, [1, 2, 3]);
    }
    let places: Vec<i64> = store.waiting("soc", 0, 2).unwrap().iter().map(|waiting| waiting.seq).collect();
    store.confirm("soc", &places).unwrap();
    let left: Vec<u64> = store.backlogs().unwrap().iter().map(|backlog| backlog.waiting).collect();
    assert_eq!(left, [3, 1], "what one confirmed the other still waits for");
}

#[test]
fn a_case_is_worked_on_and_every_step_is_journaled() {
    let (_folder, store) = opened();
    let id = IncidentId("a".into());
    store.record(batch(incident("a", 1, 1))).unwrap();
    store.assign(&id, Some("mia"), by("jo", 2)).unwrap();
    store.comment(&id, "Called the shift", by("mia", 3)).unwrap();
    assert_eq!(store.add_task(&id, "Fetch the laptop", by("mia", 4)).unwrap(), 1);
    store.finish_task(&id, 1, by("jo", 5)).unwrap();
    store.finish_task(&id, 1, by("mia", 6)).unwrap();
    store.set_status(&id, Status::Closed, by("mia", 7)).unwrap();
    assert_eq!(store.incidents(&Filter::default()).unwrap(), []);
    let shown = store.incident(&id).unwrap();
    assert_eq!((shown.case.status, shown.case.assignee.as_deref()), (Status::Closed, Some("mia")));
    assert_eq!(shown.case.incident.revision, 2, "the SOC is told that the case is closed");
    assert_eq!(shown.tasks[0].done, Some((at(5), "jo".into())), "the first to finish a task has finished it");
    let story: Vec<String> =
        shown.timeline.iter().map(|moment| format!("{} {}", moment.who, moment.what)).collect();
    assert_eq!(
        story,
        [
            "jo assign: to mia",
            "mia comment: Called the shift",
            "mia task-added: 1: Fetch the laptop",
            "jo task-done: 1",
            "mia task-done: 1",
            "mia status: new to closed",
        ]
    );
    store.record(batch(incident("a", 2, 9))).unwrap();
    let case = store.incidents(&Filter::default()).unwrap().remove(0);
    assert_eq!(
        (case.status, case.incident.revision),
        (Status::New, 3),
        "a further alert opens the case again"
    );
    let unknown = store.comment(&IncidentId("b".into()), "x", by("jo", 1)).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no incident `b`");
    let error = store.finish_task(&id, 2, by("jo", 1)).unwrap_err();
    assert_eq!(error.to_string(), "there is no task `2 of a`");
}

#[test]
fn orders_are_taken_up_again_after_a_restart() {
    let (folder, store) = opened();
    let mut order = Order {
        id: OrderId(String::new()),
        target: Target::Talker { talker: "10.0.0.66".parse().unwrap() },
        scope: Scope::IsolateTalker,
        lapse_secs: 600,
        keep_within_secs: 30,
        on_degraded: OnDegraded::Revert,
        reason: "unknown laptop".into(),
        incident: Some(IncidentId("a".into())),
        author: "jo".into(),
        proposed: at(1),
    };
    order.id = order.identify();
    let mut stored = StoredOrder {
        order: order.clone(),
        state: OrderState::Proposed,
        approvals: vec![],
        plan: None,
        report: None,
    };
    store.save_order(stored.clone(), "order-proposed", "unknown laptop", by("jo", 1)).unwrap();
    stored.state = OrderState::Approved;
    stored.approvals.push(Approval { operator: "mia".into(), time: at(2) });
    store.save_order(stored, "order-approved", "", by("mia", 2)).unwrap();
    let mut report = Report {
        order: order.id.clone(),
        state: OrderState::Kept,
        time: at(3),
        cause: "read back as planned".into(),
        plan: None,
        lapses: Some(at(603)),
    };
    store.report_order(report.clone()).unwrap();
    store.report_order(report.clone()).unwrap();
    store.close();
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let open = store.unfinished_orders().unwrap();
    assert_eq!((open.len(), open[0].state, open[0].approvals.len()), (1, OrderState::Kept, 1));
    report.state = OrderState::Lapsed;
    store.report_order(report).unwrap();
    assert_eq!(store.unfinished_orders().unwrap(), []);
    let actions: Vec<String> =
        store.audit_lines(Some(&order.id.0), 10).unwrap().into_iter().map(|line| line.action).collect();
    assert_eq!(actions, ["order-proposed", "order-approved", "order-kept", "order-lapsed"]);
}

#[test]
fn the_audit_log_refuses_edits_and_shows_those_made_behind_its_back() {
    let (_folder, store) = opened();
    for n in 0..5 {
        let entry = AuditEntry {
            by: by("jo", n),
            action: "assign".into(),
            subject: format!("incident {n}"),
            detail: "to mia".into(),
        };
        store.audit(entry).unwrap();
    }
    assert_eq!((store.verify_audit().unwrap().rows, store.verify_audit().unwrap().first_broken), (5, None));
    let forge = |script: &'static str| store.write(move |step| Ok(step.execute_batch(script)?));
    for script in ["UPDATE audit SET operator = 'nobody'", "DELETE FROM audit"] {
        let refused = forge(script).unwrap_err().to_string();
        assert!(refused.contains("the audit log is append-only"), "{refused}");
    }
    let removed = "DROP TRIGGER audit_is_not_deleted; DELETE FROM audit WHERE seq = 5;";
    forge(removed).unwrap();
    assert_eq!(store.verify_audit().unwrap().first_broken, Some(5), "a cut tail shows");
    forge("DROP TRIGGER audit_is_not_edited; UPDATE audit SET detail = 'to eve' WHERE seq = 2").unwrap();
    assert_eq!(store.verify_audit().unwrap().first_broken, Some(2));
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let (_folder, store) = opened();
    store.record(batch(incident("a", 1, 1))).unwrap();
    store.write(|step| Ok(step.query_row("PRAGMA max_page_count = 60", [], |_| Ok(()))?)).unwrap();
    let big = |n: i64| Batch {
        checkpoint: Some(Checkpoint { version: 1, time: at(n), body: vec![7; 60_000] }),
        ..batch(incident("b", u64::try_from(n).unwrap(), n))
    };
    let mut recorded = 0;
    let error = loop {
        let mut batch = big(recorded + 1);
        batch.incidents[0].title = "x".repeat(20_000);
        match store.record(batch) {
            Ok(_) => recorded += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert!(error.to_string().contains("store.sqlite` cannot grow, its disk is full"), "{error}");
    let seen = || store.revisions(0, 1_000).unwrap().len();
    assert_eq!(seen(), usize::try_from(recorded).unwrap() + 1);
    store.write(|step| Ok(step.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(()))?)).unwrap();
    store.record(big(recorded + 1)).unwrap();
    assert_eq!(seen(), usize::try_from(recorded).unwrap() + 2, "with room again it goes on");
}

#[test]
fn a_damaged_file_is_told_and_set_aside_only_on_demand() {
    let (folder, store) = opened();
    let file = folder.path().join("store.sqlite");
    for n in 1..200 {
        store.record(batch(incident(&format!("{n}"), 1, n))).unwrap();
    }
    let second = Store::open(&file).unwrap_err();
    assert!(matches!(second, StoreError::InUse { .. }), "{second}");
    store.close();
    let mut bytes = fs::read(&file).unwrap();
    for octet in bytes.iter_mut().skip(4_096).step_by(3) {
        *octet ^= 0x5a;
    }
    fs::write(&file, &bytes).unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("hint:") && error.to_string().contains("store.sqlite"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), bytes, "looking at it changes nothing");
    let (store, aside) = Store::open_or_set_aside(&file, at(7)).unwrap();
    let aside = aside.unwrap();
    assert_eq!(aside.moved_to, folder.path().join("store.sqlite.corrupt-7000000000"));
    assert_eq!(fs::read(&aside.moved_to).unwrap(), bytes, "nothing of the damaged file is thrown away");
    assert_eq!(store.audit_lines(None, 9).unwrap()[0].action, "store-set-aside");
    drop(store);
    fs::write(
        &file,
        "this is a letter, not a database, and longer than one header of a hundred octets".repeat(9),
    )
    .unwrap();
    assert!(matches!(Store::open(&file), Err(StoreError::Corrupt { .. })));
    let absent = Store::open(&folder.path().join("nowhere/store.sqlite")).unwrap_err().to_string();
    assert!(absent.contains("nowhere/store.sqlite.lock` cannot be opened"), "{absent}");
}

#[test]
fn full_tables_give_up_their_oldest_and_say_so() {
    let (_folder, store) = opened();
    store.set_destinations(&["soc".into()]).unwrap();
    for n in 1..=20 {
        store.record(batch(incident(&format!("{n:02}"), 1, n))).unwrap();
    }
    let evicted = store.write(|step| queue::trim(step, 15, 5)).unwrap();
    let gone: Vec<(&str, u64)> = evicted
        .iter()
        .filter(|evicted| evicted.rows > 0)
        .map(|evicted| (evicted.table, evicted.rows))
        .collect();
    assert_eq!(
        gone,
        [("outbox", 5), ("revisions", 5)],
        "what still waits is kept past the cap of the revisions"
    );
    let backlog = store.backlogs().unwrap().remove(0);
    assert_eq!((backlog.waiting, backlog.dead, backlog.oldest), (15, 5, Some(at(6))));
    let latest = store.dead_letters("soc", 1).unwrap().remove(0);
    assert_eq!(
        (latest.incident, latest.revision, latest.why.as_str()),
        (IncidentId("05".into()), 1, "too much waited")
    );
    store.set_status(&IncidentId("07".into()), Status::Closed, by("jo", 30)).unwrap();
    assert_eq!(store.write(|step| cases::trim_incidents(step, 18)).unwrap().rows, 2);
    for gone in ["07", "01"] {
        assert!(store.incident(&IncidentId(gone.into())).is_err(), "{gone}");
    }
    let back = store.record(batch(incident("07", 2, 40))).unwrap().revisions;
    assert_eq!(back, [(IncidentId("07".into()), 3)], "an evicted incident goes on counting where it stopped");
}

#[test]
fn a_destination_that_leaves_the_configuration_keeps_what_waits() {
    let (_folder, store) = opened();
    store.set_destinations(&["soc".into()]).unwrap();
    store.record(batch(incident("a", 1, 1))).unwrap();
    store.set_destinations(&["new".into()]).unwrap();
    store.record(batch(incident("a", 2, 2))).unwrap();
    let waiting = |name| {
        let waiting = store.waiting(name, 0, 9).unwrap();
        waiting.iter().map(|waiting| waiting.told.incident.revision).collect::<Vec<_>>()
    };
    assert_eq!((waiting("soc"), waiting("new")), (vec![1], vec![1, 2]), "a new one begins with what is open");
    assert!(store.forget_destination("new", by("jo", 3)).is_err(), "what is configured is not forgotten");
    store.forget_destination("soc", by("jo", 3)).unwrap();
    assert_eq!(waiting("soc"), [0; 0]);
    assert_eq!(store.audit_lines(Some("soc"), 9).unwrap()[0].detail, "1 waiting revisions dropped");
}

#[test]
fn the_plant_is_remembered() {
    let (_folder, store) = opened();
    let write = |time: i64, client: &str| WriteRecord {
        time: at(time),
        space: fieldwarden_model::AddressSpace::default(),
        client: client.parse().unwrap(),
        server: "10.0.0.20".parse().unwrap(),
        server_port: Some(502),
        unit: Some(1),
        protocol: "modbus".into(),
        operation: fieldwarden_model::Verb::Write,
        points: Some("40101".into()),
        old: vec![fieldwarden_model::Value::Integer(7)],
        new: vec![fieldwarden_model::Value::Integer(9)],
        tags: None,
        frames: vec![],
    };
    let hour = |operations| ConversationHour {
        conversation: "c".into(),
        hour: at(3_600),
        operations,
        refused: u64::MAX,
        first: at(3_601),
        last: at(3_700),
    };
    for time in 1..=4 {
        let client = if time % 2 == 0 { "10.0.0.5" } else { "10.0.0.66" };
        let batch = Batch { writes: vec![write(time, client)], hours: vec![hour(10)], ..Batch::default() };
        store.record(batch).unwrap();
    }
    let found =
        store.writes(&WriteFilter { client: Some("10.0.0.66".parse().unwrap()), ..WriteFilter::default() });
    assert_eq!(found.unwrap(), [write(1, "10.0.0.66"), write(3, "10.0.0.66")]);
    let newest = store.writes(&WriteFilter { limit: 1, ..WriteFilter::default() }).unwrap();
    assert_eq!(newest, [write(4, "10.0.0.5")]);
    let hours = store.conversation_hours(Some("c"), at(0), at(9_999)).unwrap();
    assert_eq!((hours.len(), hours[0].operations), (1, 40));
    let trimmed = store.write(|step| history::trim_hours(step, 0)).unwrap();
    assert_eq!(trimmed.rows, 1);
}

/// A week of a plant of 200 controllers, each asked by two stations.
#[test]
fn a_week_of_200_controllers_takes_few_megabytes() {
    const MOST_OCTETS: u64 = 12 << 20;
    let (_folder, store) = opened();
    let hour = |server: u32, client: u32, hour: i64| ConversationHour {
        conversation: format!(
            "10.20.{}.{client} to 10.10.{}.{} port 502 modbus unit 1",
            client,
            server / 100,
            server % 100
        ),
        hour: at(hour * 3_600),
        operations: 3_600,
        refused: 2,
        first: at(hour * 3_600 + 1),
        last: at(hour * 3_600 + 3_599),
    };
    for day in 0..7 {
        let all = (0..24).flat_map(|n| (0..200).flat_map(move |server| [(server, 5, n), (server, 6, n)]));
        let hours = all.map(|(server, client, n)| hour(server, client, day * 24 + n)).collect();
        store.record(Batch { hours, ..Batch::default() }).unwrap();
    }
    let octets: u64 = store
        .read(|db| {
            Ok(db.query_row(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                [],
                |row| row.get(0),
            )?)
        })
        .unwrap();
    println!("{octets} octets for 67,200 conversation hours");
    assert!(octets < MOST_OCTETS, "{octets}");
    let memory = history::Memory::open(store.file()).unwrap();
    let all = memory.conversations().unwrap();
    assert_eq!((all.len(), all[0].count), (400, 7 * 24 * 3_600));
    assert_eq!((all[0].first, all[0].last), (at(1), at(7 * 86_400 - 1)));
}

/// A store of three hundred open incidents that all wait for the SOC, closed, and its octets.
fn filled() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let (folder, store) = opened();
    store.set_destinations(&["soc".into()]).unwrap();
    for n in 0..300 {
        store.record(batch(incident(&format!("{n:03}"), 1, n))).unwrap();
    }
    store.close();
    let file = folder.path().join("store.sqlite");
    let bytes = fs::read(&file).unwrap();
    (folder, file, bytes)
}

#[test]
fn whatever_page_is_damaged_the_rest_is_saved_and_what_is_open_is_told() {
    let (folder, file, whole) = filled();
    let pages = whole.len() / 4_096;
    let (mut saved_all, mut found, mut nothing) = (0, 0, 0);
    for page in 1..pages {
        let mut bytes = whole.clone();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
        fs::write(&file, &bytes).unwrap();
        let (store, aside) = Store::open_or_set_aside(&file, at(i64::try_from(page).unwrap())).unwrap();
        // A page that is not in use is no loss.
        if let Some(aside) = aside {
            found += 1;
            let tables = aside.salvaged.clone().unwrap();
            let of = |name: &str| tables.iter().find(|table| table.table == name).unwrap().clone();
            let (incidents, revisions) = (of("incidents"), of("revisions"));
            // A page that says what the tables are: without it nobody knows where a table begins.
            if tables.iter().all(|table| table.rows == 0) {
                nothing += 1;
                store.close();
                continue;
            }
            assert!(incidents.rows + revisions.rows >= 300, "page {page}: {}", aside.sentence());
            let waiting = store.waiting("soc", 0, 1_000).unwrap();
            let known =
                store.incidents(&Filter { limit: 1_000, severity: Severity::Info, unclosed: false }).unwrap();
            let told = |id: &IncidentId| waiting.iter().any(|waiting| waiting.told.incident.id == *id);
            assert!(known.iter().all(|case| told(&case.incident.id)), "page {page}: what is known is told");
            saved_all += u64::from(waiting.len() == 300);
            assert!(aside.moved_to.exists());
            assert_eq!(fs::read(&aside.moved_to).unwrap(), bytes, "page {page}: it is kept as it was");
        }
        store.close();
    }
    println!(
        "{found} of {pages} pages are missed; after {saved_all} of these all 300 wait as before, after {nothing} nothing reads"
    );
    assert!(found > 20 && saved_all > 0 && nothing < 5);
    drop(folder);
}

#[test]
fn a_file_damaged_under_our_hands_is_replaced_and_what_waits_goes_on() {
    let (_folder, file, whole) = filled();
    let store = Store::open(&file).unwrap();
    let error = (1..whole.len() / 4_096).find_map(|page| {
        // Straight into the file, as a failing disk does.
        let mut bytes = whole.clone();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
        fs::write(&file, &bytes).unwrap();
        store.shared.readers.lock().unwrap().clear();
        store.waiting("soc", 0, 1_000).err()
    });
    assert!(matches!(error, Some(StoreError::Corrupt { .. })), "{error:?}");
    let aside = store.mend(at(7)).unwrap().unwrap();
    println!("{}", aside.sentence());
    let waiting = store.waiting("soc", 0, 1_000).unwrap().len();
    assert!(waiting > 200, "{waiting}");
    store.record(batch(incident("after", 1, 1_000))).unwrap();
    assert_eq!(store.waiting("soc", 0, 1_000).unwrap().len(), waiting + 1);
    assert_eq!(store.audit_lines(None, 1_000).unwrap().last().unwrap().action, "store-set-aside");
    assert!(store.mend(at(8)).unwrap().is_none(), "whole again");
}

#[test]
fn a_record_that_does_not_read_becomes_a_dead_letter_and_holds_nothing_up() {
    let (_folder, store) = opened();
    store.set_destinations(&["soc".into()]).unwrap();
    for n in 0..3 {
        store.record(batch(incident(&format!("{n}"), 1, n))).unwrap();
    }
    store
        .write(|step| Ok(step.execute("UPDATE revisions SET body = '{\"torn' WHERE incident = '1'", [])?))
        .unwrap();
    let ids: Vec<String> =
        store.waiting("soc", 0, 9).unwrap().into_iter().map(|waiting| waiting.told.incident.id.0).collect();
    assert_eq!(ids, ["0", "2"]);
    let dead = store.dead_letters("soc", 9).unwrap();
    assert!(dead.len() == 1 && dead[0].why.contains("does not read"), "{dead:?}");
}
