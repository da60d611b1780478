//! What people do with tickets, and what a second gateway does.

use std::{collections::HashSet, fs, path::Path};

use fieldwarden_model::{Severity, section::Content};
use fieldwarden_response::{forward::ForwardError, store::Status};

use crate::{
    life::{Gateway, grown, incident, jo, until},
    redmine::Redmine,
    request_tracker::RequestTracker,
    sample,
    system::{self, Seen, System, of},
};

fn the_one(system: &dyn System, number: u32) -> Seen {
    let mut found = of(system, number);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn gateway(folder: &Path, name: &str, system: &dyn System) -> Gateway {
    let own = folder.join(name);
    fs::create_dir_all(&own).unwrap();
    Gateway::start(&own, system, system.port())
}

#[test]
fn people_have_the_last_word() {
    let folder = tempfile::tempdir().unwrap();
    people(folder.path(), &RequestTracker::fake(folder.path()));
}

#[test]
fn a_move_that_the_workflow_forbids_is_a_dead_letter_and_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let system = RequestTracker::fake(folder.path());
    let gateway = gateway(folder.path(), "one", &system);
    let mut frozen = incident(1);
    frozen.title = "a frozen valve of pump 1<".into();
    gateway.record(frozen);
    gateway.drained();
    gateway.store.set_status(&incident(1).id, Status::Closed, jo()).unwrap();
    gateway.drained();
    let dead = gateway.store.dead_letters("tickets", 9).unwrap();
    assert!(dead.len() == 1 && dead[0].why.contains("stays new where closed was asked for"), "{dead:?}");
    assert_eq!(the_one(&system, 1).says("The case is closed"), 1, "that is said, and once");
    (0..crate::life::STEPS).for_each(|step| gateway.step(2, step));
    assert!(!the_one(&system, 2).is_open);
    assert_eq!(gateway.store.dead_letters("tickets", 9).unwrap().len(), 1, "it is not tried on and on");
    gateway.stop();
}

#[test]
fn people_have_the_last_word_in_request_tracker() {
    let folder = tempfile::tempdir().unwrap();
    let Some(system) = RequestTracker::start(folder.path()) else { return };
    // It takes half a second for a request: the rest of what people do is shown with the others.
    let one = gateway(folder.path(), "one", &system);
    a_life(&one, &system);
    what_people_do_comes_back(&one, &system);
    one.stop();
    an_expired_token_is_said_and_loses_nothing(folder.path(), &system);
}

#[test]
fn people_have_the_last_word_in_redmine() {
    let folder = tempfile::tempdir().unwrap();
    let Some(system) = Redmine::start(folder.path()) else { return };
    people(folder.path(), &system);
}

fn people(folder: &Path, system: &dyn System) {
    let gateway = gateway(folder, "one", system);
    a_life(&gateway, system);
    what_people_do_comes_back(&gateway, system);
    a_closed_ticket_is_opened_again_and_no_second_one(&gateway, system);
    a_deleted_ticket_is_made_anew_once(&gateway, system);
    a_moved_ticket_is_still_the_one(&gateway, system);
    mild_incidents_open_none(&gateway, system);
    gateway.stop();
    an_outage_is_one_remark(folder, system);
    a_lost_store_finds_its_tickets_again(folder, system);
    two_gateways_share_a_ticket(folder, system);
    an_expired_token_is_said_and_loses_nothing(folder, system);
}

fn a_life(gateway: &Gateway, system: &dyn System) {
    for step in 0..crate::life::STEPS {
        gateway.step(1, step);
    }
    let seen = the_one(system, 1);
    assert!(!seen.is_open);
    assert!(seen.subject.starts_with("[FW-") && seen.subject.contains("] High: Unknown laptop"), "{seen:#?}");
    assert!(!seen.subject.contains(['\r', '\n', '\u{202e}']), "{seen:?}");
    assert_eq!(seen.priority, system.highest_priority());
    let whole = &seen.texts[0];
    for words in [
        "What happened",
        "from 10.9.0.66",
        "touched 10.8.0.2",
        "T0836",
        "Nothing yet",
        "Shift leader",
        "fieldwarden incident show 0000000000000001",
    ] {
        assert!(whole.contains(words), "{words}: {whole}");
    }
    let is_framed = whole.starts_with("<pre>") && whole.ends_with("</pre>");
    assert!(!is_framed || whole.matches('<').count() == 2, "words off the wire leave the frame: {whole}");
    for words in [
        "It matters more: Critical",
        "It reached 10.9.0.77",
        "The case is acknowledged",
        "The case is closed",
    ] {
        assert_eq!(seen.says(words), 1, "{words}: {seen:#?}");
    }
    println!("{}\n{whole}", seen.subject);
}

fn what_people_do_comes_back(gateway: &Gateway, system: &dyn System) {
    gateway.step(2, 0);
    let (number, id) = (the_one(system, 2).number, incident(2).id);
    system.person_writes(&number, "That is our own technician,\nhe has a permit.");
    let comments = || gateway.store.incident(&id).unwrap().comments;
    until("the remark is in the case", || !comments().is_empty(), || format!("{:?}", comments()));
    system.person_closes(&number);
    until(
        "the case is closed",
        || gateway.status(&id) == Status::Closed,
        || format!("{:?}", gateway.status(&id)),
    );
    gateway.drained();
    system.person_reopens(&number);
    until(
        "it is open again",
        || gateway.status(&id) == Status::InProgress,
        || format!("{:?}", gateway.status(&id)),
    );
    gateway.drained();
    let comments = comments();
    assert_eq!(comments.len(), 1, "{comments:#?}");
    assert!(
        comments[0].text == "That is our own technician,\nhe has a permit."
            && comments[0].operator.ends_with("(tickets)")
    );
    let seen = the_one(system, 2);
    assert!(seen.is_open, "what a person opened stays open: {seen:#?}");
    let story = gateway.store.incident(&id).unwrap().timeline;
    assert!(
        story
            .iter()
            .any(|moment| moment.who == "ticket system tickets" && moment.what.ends_with("to closed")),
        "{story:#?}"
    );
}

fn a_closed_ticket_is_opened_again_and_no_second_one(gateway: &Gateway, system: &dyn System) {
    gateway.step(3, 0);
    let (number, id) = (the_one(system, 3).number, incident(3).id);
    system.person_closes(&number);
    until("the case is closed", || gateway.status(&id) == Status::Closed, String::new);
    gateway.step(3, 1);
    let seen = the_one(system, 3);
    assert!(seen.is_open && seen.number == number, "{seen:#?}");
    assert_eq!(seen.says("It matters more"), 1, "{seen:#?}");
}

fn a_deleted_ticket_is_made_anew_once(gateway: &Gateway, system: &dyn System) {
    gateway.step(4, 0);
    let first = the_one(system, 4).number;
    system.person_deletes(&first);
    let gone = || gateway.store.ticket("tickets", &incident(4).id).unwrap().is_none();
    until("it is known to be gone", gone, String::new);
    assert!(of(system, 4).is_empty(), "deleted is deleted, as long as nothing new happens");
    gateway.step(4, 1);
    let seen = the_one(system, 4);
    assert!(seen.is_open && seen.says("Fieldwarden incident") == 1, "{seen:#?}");
}

fn a_moved_ticket_is_still_the_one(gateway: &Gateway, system: &dyn System) {
    gateway.step(5, 0);
    let number = the_one(system, 5).number;
    system.person_moves(&number);
    gateway.step(5, 1);
    gateway.step(5, 3);
    let seen = the_one(system, 5);
    assert!(!seen.is_open && seen.number == number);
}

fn mild_incidents_open_none(gateway: &Gateway, system: &dyn System) {
    let mut mild = incident(6);
    mild.severity = Severity::Low;
    gateway.record(mild);
    gateway.drained();
    assert!(of(system, 6).is_empty());
    gateway.step(6, 1);
    assert!(the_one(system, 6).is_open, "once it matters");
}

fn an_outage_is_one_remark(folder: &Path, system: &dyn System) {
    let gateway = gateway(folder, "one", system);
    gateway.step(7, 0);
    gateway.outbox.pause("tickets", true, jo()).unwrap();
    let mut grown = grown(7);
    for more in 1..=20 {
        grown.alerts += more;
        grown.last = sample::at(10 + i64::try_from(more).unwrap());
        gateway.record(grown.clone());
    }
    gateway.outbox.pause("tickets", false, jo()).unwrap();
    gateway.drained();
    let seen = the_one(system, 7);
    assert_eq!(
        seen.texts.iter().filter(|text| text.contains("Fieldwarden incident")).count(),
        2,
        "{seen:#?}"
    );
    gateway.stop();
}

fn a_lost_store_finds_its_tickets_again(folder: &Path, system: &dyn System) {
    let first = gateway(folder, "lost", system);
    first.step(8, 0);
    first.stop();
    fs::remove_dir_all(folder.join("lost")).unwrap();
    let second = gateway(folder, "lost", system);
    second.step(8, 0);
    let seen = the_one(system, 8);
    assert_eq!(seen.says("Fieldwarden incident"), 1, "it says all there is to say: {seen:#?}");
    second.step(8, 3);
    assert!(!the_one(system, 8).is_open);
    second.stop();
}

/// Two gateways see the same: their incidents differ by a moment, and so in their ids.
fn two_gateways_share_a_ticket(folder: &Path, system: &dyn System) {
    let (one, two) = (gateway(folder, "west", system), gateway(folder, "east", system));
    let pairs = 8;
    std::thread::scope(|scope| {
        scope.spawn(|| (100..100 + pairs).for_each(|number| one.step(number, 0)));
        scope.spawn(|| {
            for number in 100..100 + pairs {
                let mut same = incident(number);
                same.id.0 = format!("e{number:015x}");
                two.record(same);
                two.drained();
            }
        });
    });
    let numbers = || {
        let all = (100..100 + pairs).map(|number| of(system, number));
        all.map(|seen| seen.into_iter().filter(|seen| seen.is_open).count()).collect::<Vec<_>>()
    };
    // Whoever came second has closed his own by the time he looks at it.
    until("one is open for each", || numbers().iter().all(|open| *open == 1), || format!("{:?}", numbers()));
    for number in 100..100 + pairs {
        let open: Vec<Seen> = of(system, number).into_iter().filter(|seen| seen.is_open).collect();
        let by_both = open[0].says(&format!("incident {number:016x}")) > 0
            && open[0].says(&format!("incident e{number:015x}")) > 0;
        assert!(by_both, "each says what it saw in it: {open:#?}");
    }
    one.stop();
    two.stop();
}

fn an_expired_token_is_said_and_loses_nothing(folder: &Path, system: &dyn System) {
    let own = folder.join("one");
    let expired = own.join("expired");
    fs::write(&expired, "1-14-0123456789abcdef").unwrap();
    let changes = [("token_file", Content::Text(expired.display().to_string().into()))];
    let gateway = Gateway::changed(&own, system, system.port(), &changes);
    gateway.record(incident(9));
    let error =
        || gateway.outbox.status().unwrap()[0].last_error.clone().map(|(_, words)| words).unwrap_or_default();
    until("it says so", || error().contains("401"), error);
    assert!(!error().contains("0123456789abcdef"), "no token is ever shown");
    fs::write(&expired, system.token()).unwrap();
    gateway.outbox.retry("tickets");
    gateway.drained();
    assert!(the_one(system, 9).is_open);
    gateway.stop();
    let wrong =
        [("queue", Content::Text("None Such".into())), ("project", Content::Text("none-such".into()))];
    let rest: HashSet<&str> = system.rest().into_iter().map(|(name, _)| name).collect();
    let wrong: Vec<_> = wrong.into_iter().filter(|(name, _)| rest.contains(name)).collect();
    let right = system::destination(system, &own, system.port(), &[]);
    println!("{}", right.test(sample::at(0)).unwrap());
    let refused = system::destination(system, &own, system.port(), &wrong).test(sample::at(0)).unwrap_err();
    assert!(matches!(refused, ForwardError::Lost { .. }), "{refused}");
    println!("{refused}");
}
