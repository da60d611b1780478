//! The program itself, running in a network namespace.
#![allow(clippy::panic, reason = "a test that cannot go on stops here")]

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{
    Order, OrderState,
    order::{Answer, Ask, PlanHash, Report},
};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldwarden-enforcer");

/// An enforcer that runs, and its socket.
pub(crate) struct Enforcer {
    child: Child,
    pub(crate) stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Enforcer {
    /// Starts one in `namespace` on `folder/site.toml`, which says that its socket is `folder/socket`.
    pub(crate) fn start(namespace: &str, folder: &Path) -> Self {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, PROGRAM]);
        Self::of(command, folder)
    }

    /// Likewise where this program runs.
    pub(crate) fn here(folder: &Path) -> Self {
        Self::of(Command::new(PROGRAM), folder)
    }

    fn of(mut command: Command, folder: &Path) -> Self {
        let child = command.args(["run", "--config"]).arg(folder.join("site.toml")).spawn().unwrap();
        let since = Instant::now();
        let mut stream = UnixStream::connect(folder.join("socket"));
        while stream.is_err() && since.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(20));
            stream = UnixStream::connect(folder.join("socket"));
        }
        let mut enforcer = Enforcer::new(child, stream.ok());
        enforcer.stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // It answers only once device and journal are in step.
        enforcer.ask(&Ask::List);
        enforcer
    }

    fn new(mut child: Child, stream: Option<UnixStream>) -> Self {
        let Some(stream) = stream else {
            let _ = child.kill();
            panic!("the enforcer does not listen: {:?}", child.wait());
        };
        Self { child, lines: BufReader::new(stream.try_clone().unwrap()), stream }
    }

    /// Asks, and waits for the answer; reports of what changed by itself may come first.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Answer {
        let mut line = serde_json::to_vec(ask).unwrap();
        line.push(b'\n');
        self.stream.write_all(&line).unwrap();
        let about = match ask {
            Ask::Apply { order, .. } => Some(order.id.clone()),
            Ask::Keep { order, .. } | Ask::Release { order, .. } => Some(order.clone()),
            _ => None,
        };
        loop {
            match self.next() {
                Answer::Reported { report } if about.as_ref() != Some(&report.order) => {}
                answer => return answer,
            }
        }
    }

    pub(crate) fn next(&mut self) -> Answer {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) fn apply(&mut self, order: &Order) -> PlanHash {
        let answer = self.ask(&Ask::Rehearse { order: order.clone() });
        let Answer::Planned { plan } = answer else { panic!("{answer:?}") };
        assert_eq!(plan.not_enforceable, None);
        let apply =
            Ask::Apply { order: order.clone(), plan: plan.hash.clone(), approved_by: vec!["jo".into()] };
        let answer = self.ask(&apply);
        assert_eq!(report(&answer).state, OrderState::Provisional, "{answer:?}");
        plan.hash
    }

    pub(crate) fn keep(&mut self, order: &Order, plan: PlanHash) {
        let answer =
            self.ask(&Ask::Keep { order: order.id.clone(), plan, verdict: String::new(), degraded: false });
        assert_eq!(report(&answer).state, OrderState::Kept, "{answer:?}");
    }

    /// Every order; answers to what was asked before and reports of what changed by itself may come first.
    pub(crate) fn listed(&mut self) -> Vec<(Order, Report)> {
        let mut answer = self.ask(&Ask::List);
        loop {
            match answer {
                Answer::Orders { orders } => return orders,
                _ => answer = self.next(),
            }
        }
    }

    /// SIGKILL: it can do nothing about it.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Enforcer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn report(answer: &Answer) -> &Report {
    let Answer::Reported { report } = answer else { panic!("{answer:?}") };
    report
}
