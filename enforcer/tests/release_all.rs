//! `release --all` and the ends of orders with the journal's disk full, or its folder gone, beside a living enforcer and a dead one:
//! what was given back stays given back, whoever is started next.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops here")]

mod common;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use common::{
    PLC,
    live::{Enforcer, PROGRAM, report},
    modbus_of, order, output, real_now, run,
};
use fieldwarden_enforcer::journal::{Entry, Journal, Record as _, append_beside, line};
use fieldwarden_model::{
    Order, OrderState,
    order::{Answer, Ask},
};

/// Longer than it takes a living enforcer to look at the device, every five seconds.
const IT_HAS_LOOKED: Duration = Duration::from_millis(6_500);

/// A folder with a disk of its own, small, for the journal.
struct Desk {
    folder: PathBuf,
    number: u8,
}

impl Desk {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("fieldwarden-release-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("disk")).unwrap();
        let desk = Self { folder, number: 0 };
        let disk = desk.disk();
        assert!(
            run("mount", &["-t", "tmpfs", "-o", "size=256k", "none", disk.to_str().unwrap()]),
            "a small disk"
        );
        let place = desk.folder.display();
        let text = format!(
            "[enforcer]\nmode = \"enforce\"\nsocket = \"{place}/socket\"\njournal = \"{place}/disk/own/journal\"\n"
        );
        fs::write(desk.folder.join("site.toml"), text).unwrap();
        desk
    }

    fn disk(&self) -> PathBuf {
        self.folder.join("disk")
    }

    fn journal(&self) -> PathBuf {
        self.disk().join("own/journal")
    }

    fn start(&self) -> Enforcer {
        Enforcer::here(&self.folder)
    }

    /// Another order of this desk.
    fn order(&mut self, lapse_secs: u32) -> Order {
        self.number += 1;
        order(modbus_of(&format!("10.2.0.{}", self.number), PLC), 5, lapse_secs, real_now().wall)
    }

    /// Keeps another order in force.
    fn kept(&mut self, enforcer: &mut Enforcer, lapse_secs: u32) -> Order {
        let order = self.order(lapse_secs);
        let plan = enforcer.apply(&order);
        enforcer.keep(&order, plan);
        order
    }

    /// Fills the disk to the last octet.
    fn fill(&self) {
        let room = self.disk().join("filler");
        let mut filler = fs::OpenOptions::new().create(true).append(true).open(room).unwrap();
        for size in [4_096, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn release_all(&self) -> (i32, String) {
        let mut command = Command::new(PROGRAM);
        command.args(["release", "--all", "--config"]).arg(self.folder.join("site.toml"));
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        run("umount", &[self.disk().to_str().unwrap()]);
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// How much the kernel cuts for a time.
fn cuts() -> usize {
    output("nft", &["list", "sets", "inet"]).matches("expires ").count()
}

fn states(enforcer: &mut Enforcer, order: &Order) -> Option<OrderState> {
    enforcer.listed().into_iter().find(|(one, _)| one.id == order.id).map(|(_, report)| report.state)
}

/// The kernel cuts nothing for as long as an enforcer that thought otherwise would take to cut it again.
fn stays_clear(what: &str) {
    let since = Instant::now();
    while since.elapsed() < IT_HAS_LOOKED {
        assert_eq!(cuts(), 0, "{what}: cut again after {:?}", since.elapsed());
        thread::sleep(Duration::from_millis(100));
    }
}

fn refused(enforcer: &mut Enforcer, order: &Order) -> bool {
    let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: order.clone() }) else { panic!() };
    let apply = Ask::Apply { order: order.clone(), plan: plan.hash, approved_by: vec!["jo".into()] };
    matches!(enforcer.ask(&apply), Answer::Refused { reason, .. } if reason.contains("journal cannot be written"))
}

/// Runs a test in a namespace of its own, whose mounts end with it.
fn inside(test: &str) -> bool {
    if !common::is_inside() {
        common::in_namespace(test);
    }
    common::is_inside()
}

#[test]
fn on_a_full_disk_everything_is_released_beside_a_living_enforcer_and_stays_so_when_it_dies() {
    if !inside("on_a_full_disk_everything_is_released_beside_a_living_enforcer_and_stays_so_when_it_dies") {
        return;
    }
    let mut desk = Desk::new("living");
    let mut enforcer = desk.start();
    let order = desk.kept(&mut enforcer, 600);
    desk.fill();
    assert_eq!(cuts(), 1);
    let (status, text) = desk.release_all();
    assert_eq!((status, cuts()), (0, 0), "{text}");
    stays_clear("beside a living enforcer");
    assert_eq!(states(&mut enforcer, &order), Some(OrderState::Released));
    let next = desk.order(600);
    assert!(refused(&mut enforcer, &next), "nothing begins without room for its end");
    enforcer.kill();
    let mut enforcer = desk.start();
    assert_eq!((states(&mut enforcer, &order), cuts()), (Some(OrderState::Released), 0));
    // With nobody there.
    fs::remove_file(desk.disk().join("filler")).unwrap();
    let order = desk.kept(&mut enforcer, 600);
    desk.fill();
    enforcer.kill();
    let (status, text) = desk.release_all();
    assert_eq!((status, cuts()), (0, 0), "{text}");
    let mut enforcer = desk.start();
    assert_eq!((states(&mut enforcer, &order), cuts()), (Some(OrderState::Released), 0));
    enforcer.kill();
}

#[test]
fn what_ended_on_a_full_disk_has_ended_for_the_enforcer_that_is_started_next() {
    if !inside("what_ended_on_a_full_disk_has_ended_for_the_enforcer_that_is_started_next") {
        return;
    }
    let mut desk = Desk::new("ended");
    let mut enforcer = desk.start();
    let orders: Vec<Order> = (0..3).map(|_| desk.kept(&mut enforcer, 600)).collect();
    let provisional = desk.order(600);
    enforcer.apply(&provisional);
    desk.fill();
    for order in &orders {
        let (by, reason) = ("jo".into(), "done".into());
        let answer = enforcer.ask(&Ask::Release { order: order.id.clone(), by, reason, degraded: false });
        assert_eq!(report(&answer).state, OrderState::Released, "{answer:?}");
    }
    let since = Instant::now();
    while states(&mut enforcer, &provisional) != Some(OrderState::Reverted) {
        assert!(since.elapsed() < Duration::from_secs(30), "nobody kept it");
        thread::sleep(Duration::from_millis(50));
    }
    enforcer.kill();
    let mut enforcer = desk.start();
    for order in &orders {
        assert_eq!(states(&mut enforcer, order), Some(OrderState::Released));
    }
    assert_eq!((states(&mut enforcer, &provisional), cuts()), (Some(OrderState::Reverted), 0));
    enforcer.kill();
}

#[test]
fn with_the_journal_s_folder_gone_everything_is_released_and_the_journal_is_made_again() {
    if !inside("with_the_journal_s_folder_gone_everything_is_released_and_the_journal_is_made_again") {
        return;
    }
    let mut desk = Desk::new("folder");
    let mut enforcer = desk.start();
    let gone = |desk: &Desk| fs::remove_dir_all(desk.disk().join("own")).unwrap();
    let order = desk.kept(&mut enforcer, 600);
    gone(&desk);
    let next = desk.order(600);
    assert!(refused(&mut enforcer, &next), "nothing begins that the journal would not hold");
    let (status, text) = desk.release_all();
    assert_eq!((status, cuts()), (0, 0), "{text}");
    assert!(text.contains("was not there and was made"), "{text}");
    stays_clear("beside a living enforcer");
    assert_eq!(states(&mut enforcer, &order), Some(OrderState::Released));
    // By now it has its journal again, with all that it knew.
    let kept = desk.kept(&mut enforcer, 600);
    enforcer.kill();
    let mut enforcer = desk.start();
    assert_eq!(states(&mut enforcer, &order), Some(OrderState::Released), "it is not forgotten");
    assert_eq!((states(&mut enforcer, &kept), cuts()), (Some(OrderState::Kept), 1));
    // Without anybody's release it makes the journal again as well.
    gone(&desk);
    let since = Instant::now();
    while !is_journal(&desk.journal()) {
        assert!(since.elapsed() < Duration::from_secs(30), "the journal is not made again");
        thread::sleep(Duration::from_millis(50));
    }
    enforcer.kill();
    let mut enforcer = desk.start();
    assert_eq!((states(&mut enforcer, &kept), cuts()), (Some(OrderState::Kept), 1));
    // With nobody there.
    enforcer.kill();
    gone(&desk);
    let (status, text) = desk.release_all();
    assert_eq!((status, cuts()), (0, 0), "{text}");
    let mut enforcer = desk.start();
    assert_eq!((states(&mut enforcer, &kept), cuts()), (None, 0));
    enforcer.kill();
}

fn is_journal(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.ends_with('\n') && text.contains("\"kept\""))
}

#[test]
fn where_it_cannot_be_written_down_the_device_is_clear_and_that_is_said() {
    if !inside("where_it_cannot_be_written_down_the_device_is_clear_and_that_is_said") {
        return;
    }
    let mut desk = Desk::new("unwritten");
    let mut enforcer = desk.start();
    let order = desk.kept(&mut enforcer, 600);
    enforcer.kill();
    let disk = desk.disk().display().to_string();
    assert!(run("mount", &["-o", "remount,ro", &disk]));
    let (status, text) = desk.release_all();
    assert_eq!((status, cuts()), (1, 0), "{text}");
    assert!(text.contains("applies them again") && text.contains("hint: "), "{text}");
    assert!(run("mount", &["-o", "remount,rw", &disk]));
    // It was not promised, and so it is.
    let mut enforcer = desk.start();
    assert_eq!((states(&mut enforcer, &order), cuts()), (Some(OrderState::Kept), 1));
    enforcer.kill();
    let (status, text) = desk.release_all();
    assert_eq!((status, cuts()), (0, 0), "{text}");
    let mut enforcer = desk.start();
    assert_eq!((states(&mut enforcer, &order), cuts()), (Some(OrderState::Released), 0));
    enforcer.kill();
}

#[test]
fn room_that_is_set_aside_is_there_on_a_full_disk() {
    if !inside("room_that_is_set_aside_is_there_on_a_full_disk") {
        return;
    }
    let desk = Desk::new("room");
    fs::create_dir(desk.disk().join("own")).unwrap();
    let (mut journal, _) = Journal::open(&desk.journal()).unwrap();
    let remark = |length: usize| Entry::Remark { text: "x".repeat(length), time: real_now().wall };
    // Up to the very end of a page, which otherwise has room for some more.
    let plain = line(&remark(0)).len();
    journal.append(&[remark(4_096 - plain)]).unwrap();
    journal.reserve(12_000).unwrap();
    desk.fill();
    assert!(journal.append(&[remark(20_000)]).is_err(), "it is full");
    let release = Entry::ReleasedAll { by: "jo".into(), time: real_now().wall };
    assert!(append_beside(&desk.journal(), &release).unwrap(), "it was there");
    journal.append(&[remark(9_000)]).unwrap();
    assert!(journal.reserve(12_000).is_err(), "nothing is promised that is not there");
    drop(journal);
    let (_, held) = Journal::open(&desk.journal()).unwrap();
    assert_eq!((held.entries.len(), held.damaged), (3, 0));
}
