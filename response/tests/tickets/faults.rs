//! The fault matrix: whatever goes wrong with any one request of an incident's life, there is one ticket for it, it says everything once, and it ends
//! where the case ends.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    life::{Gateway, STEPS, until},
    middle::{Fault, Killer, Middle},
    redmine::Redmine,
    request_tracker::RequestTracker,
    system::{Seen, System, of},
};

const FOLDER: &str = "FIELDWARDEN_TEST_FOLDER";

/// Lives of different incidents at once.
const AT_ONCE: usize = 6;

fn full() -> bool {
    env::var("SCALE").is_ok_and(|scale| scale == "5")
}

#[test]
fn one_ticket_whatever_goes_wrong_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    matrix(folder.path(), &RequestTracker::fake(folder.path()), if full() { 1 } else { 3 });
}

#[test]
fn one_ticket_whatever_goes_wrong_on_the_way_to_request_tracker() {
    let folder = tempfile::tempdir().unwrap();
    let Some(system) = RequestTracker::start(folder.path()) else { return };
    matrix(folder.path(), &system, if full() { 11 } else { 97 });
}

#[test]
fn one_ticket_whatever_goes_wrong_on_the_way_to_redmine() {
    let folder = tempfile::tempdir().unwrap();
    let Some(system) = Redmine::start(folder.path()) else { return };
    matrix(folder.path(), &system, if full() { 5 } else { 41 });
}

/// Every `stride`-th of: each request of a life, times each fault.
fn matrix(folder: &Path, system: &dyn System, stride: usize) {
    let requests = in_peace(folder, system);
    let cases: Vec<(usize, Fault)> =
        (0..requests).flat_map(|at| Fault::ALL.map(|fault| (at, fault))).step_by(stride).collect();
    let next = AtomicUsize::new(0);
    let numbers = AtomicU32::new(1_000);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((at, fault)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    let own = folder.join(number.to_string());
                    fs::create_dir_all(&own).unwrap();
                    if fault.kills() {
                        dying(&own, system, number, *at, *fault);
                    } else {
                        living(&own, system, number, *at, *fault);
                    }
                }
            });
        }
    });
    for number in 1_000..numbers.load(Ordering::Relaxed) {
        right(system, number, &fs::read_to_string(folder.join(number.to_string()).join("case")).unwrap());
    }
    println!("{requests} requests make a life; {} cases of {}", cases.len(), requests * Fault::ALL.len());
}

/// How many requests a life makes.
fn in_peace(folder: &Path, system: &dyn System) -> usize {
    let own = folder.join("999");
    fs::create_dir_all(&own).unwrap();
    let middle = Middle::open(system.port(), 0, None, None);
    live(&own, system, 999, &middle).stop();
    right(system, 999, "in peace");
    middle.requests()
}

fn live(folder: &Path, system: &dyn System, number: u32, middle: &Middle) -> Gateway {
    let gateway = Gateway::start(folder, system, middle.port);
    (0..STEPS).for_each(|step| gateway.step(number, step));
    gateway
}

fn living(folder: &Path, system: &dyn System, number: u32, at: usize, fault: Fault) {
    fs::write(folder.join("case"), format!("{fault:?} at request {at}")).unwrap();
    let middle = Middle::open(system.port(), at, Some(fault), None);
    let gateway = live(folder, system, number, &middle);
    // One that was made late is found and closed by the gateway that looks for it.
    let found = || of(system, number).iter().filter(|seen| !is_double(seen)).count();
    until("one ticket", || middle.is_quiet() && found() == 1, || found().to_string());
    gateway.stop();
}

/// The gateway is a process of its own, killed at one request, and started again.
fn dying(folder: &Path, system: &dyn System, number: u32, at: usize, fault: Fault) {
    fs::write(folder.join("case"), format!("{fault:?} at request {at}")).unwrap();
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let victim = Arc::clone(&child);
    let kill: Killer = Arc::new(Mutex::new(move || {
        // Held until it is dead: the next one finds the store free.
        let mut guard = victim.lock().unwrap();
        let mut child = guard.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }));
    let middle = Middle::open(system.port(), at, Some(fault), Some(kill));
    let words = [system.kind().to_owned(), system.token(), middle.port.to_string(), number.to_string()];
    fs::write(folder.join("child"), words.join("\n")).unwrap();
    // Twice: killed once, it goes on where it was.
    for _ in 0..2 {
        let mut guard = child.lock().unwrap();
        let started = Command::new(env::current_exe().unwrap())
            .args(["--exact", "faults::child", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("words")).unwrap())
            .spawn()
            .unwrap();
        *guard = Some(started);
        drop(guard);
        loop {
            let mut guard = child.lock().unwrap();
            match guard.as_mut().map(|child| child.try_wait().unwrap()) {
                None => break,
                Some(Some(status)) => {
                    let words = fs::read_to_string(folder.join("words")).unwrap();
                    assert!(status.success(), "{fault:?} at request {at}: {words}");
                    return;
                }
                Some(None) => {}
            }
            drop(guard);
            thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    panic!("{number}: killed twice");
}

/// Not a test of its own: the gateway that is killed.
#[test]
fn child() {
    let Ok(folder) = env::var(FOLDER).map(PathBuf::from) else { return };
    let words = fs::read_to_string(folder.join("child")).unwrap();
    let words: Vec<&str> = words.lines().collect();
    let [kind, token, port, number] = words.as_slice() else { panic!("{words:?}") };
    let (port, number) = (port.parse().unwrap(), number.parse().unwrap());
    let system: Box<dyn System> = match *kind {
        "redmine" => Box::new(Redmine::known(&folder, port, token)),
        _ => Box::new(RequestTracker::known(&folder, port, token)),
    };
    let gateway = Gateway::start(&folder, system.as_ref(), port);
    let done = || fs::read_to_string(folder.join("done")).unwrap_or_default().len();
    while done() < STEPS {
        gateway.step(number, done());
        fs::write(folder.join("done.new"), "x".repeat(done() + 1)).unwrap();
        fs::rename(folder.join("done.new"), folder.join("done")).unwrap();
    }
    gateway.stop();
}

fn right(system: &dyn System, number: u32, case: &str) {
    let of = of(system, number);
    assert_eq!(of.len() - doubles(&of), 1, "{case}: {of:#?}");
    for seen in of.iter().filter(|seen| !is_double(seen)) {
        assert!(!seen.is_open, "{case}: {seen:#?}");
        for words in [
            "What happened",
            "It matters more: Critical",
            "It reached 10.9.0.77",
            "The case is acknowledged",
            "The case is closed",
        ] {
            // What the way itself delivers twice, or after it was given up, nobody can take back.
            let doubled = usize::from(case.starts_with("RequestDoubled") || case.starts_with("RequestLate"));
            assert!((1..=1 + doubled).contains(&seen.says(words)), "{case}: {words}: {seen:#?}");
        }
    }
}

/// A request that the way made two of leaves a second ticket; it is closed, and says whose double it is.
fn is_double(seen: &Seen) -> bool {
    !seen.is_open && seen.says("This one is its double") > 0
}

fn doubles(of: &[Seen]) -> usize {
    of.iter().filter(|seen| is_double(seen)).count()
}
