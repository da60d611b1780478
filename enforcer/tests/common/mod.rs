//! What the tests share: orders, a journal in memory, a driver that fails when told to, a namespace.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod live;
pub(crate) mod netconf;
pub(crate) mod ovs;
pub(crate) mod snmp;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fs, io,
    process::Command,
    rc::Rc,
};

use fieldwarden_enforcer::{
    content::{Content, Match, Until},
    drivers::{DeviceFault, Driver, Observed},
    interlocks::Interlocks,
    journal::{Entry, Record},
    moment::Moment,
};
use fieldwarden_model::{
    Order, OrderId, Protected, Scope, Talker, Target, Timestamp, Transport, order::OnDegraded,
};

/// The rogue laptop and the PLC it writes to.
pub(crate) const ROGUE: &str = "10.2.0.20";
pub(crate) const PLC: &str = "10.1.0.10";

pub(crate) fn talker(text: &str) -> Talker {
    text.parse().unwrap()
}

pub(crate) fn modbus_of(client: &str, server: &str) -> Target {
    Target::Conversation {
        client: talker(client),
        server: talker(server),
        server_port: Some(502),
        transport: Some(Transport::Tcp),
    }
}

pub(crate) fn order(target: Target, keep_within_secs: u32, lapse_secs: u32, proposed: Timestamp) -> Order {
    let scope = Scope::usual(&target);
    let mut order = Order {
        id: OrderId(String::new()),
        target,
        scope,
        lapse_secs,
        keep_within_secs,
        on_degraded: OnDegraded::Revert,
        reason: "an unknown laptop writes set-points".into(),
        incident: None,
        author: "jo".into(),
        proposed,
    };
    order.id = order.identify();
    order
}

pub(crate) fn interlocks() -> Interlocks {
    Interlocks {
        protected: vec![Protected {
            name: "safety loop".into(),
            talker: talker("10.0.0.30"),
            peer: None,
            server_port: None,
            transport: None,
        }],
        max_orders: 4,
        max_lapse_secs: 3_600,
        max_orders_per_hour: 200,
        max_order_age_secs: 86_400,
        two_persons: Vec::new(),
        forbidden_hours: Vec::new(),
        permit: None,
    }
}

/// The real clocks; the time since boot in hundredths of a second.
pub(crate) fn real_now() -> Moment {
    let uptime: f64 = fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().parse().unwrap();
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an uptime is small and positive"
    )]
    let uptime_ms = (uptime * 1_000.0) as u64;
    Moment { wall: Timestamp::from_nanos(i64::try_from(wall.as_nanos()).unwrap()), uptime_ms }
}

/// What happens at the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and does nothing.
    Refuse,
    /// It does its work and then says that it failed.
    DoAndDeny,
    /// It does nothing and says that it worked; a reading shows nothing.
    Pretend,
    /// A reading shows something nobody ordered.
    Invent,
    /// The program dies before the call does anything.
    DieBefore,
    /// The program dies after the call has done its work.
    DieAfter,
}

/// Faults to come, shared by device and journal; `dead` is what a crash sets.
#[derive(Debug, Default)]
pub(crate) struct Misfortune {
    /// Calls until the fault; none when nothing is to go wrong.
    pub(crate) countdown: Cell<Option<(usize, Fault)>>,
    pub(crate) calls: Cell<usize>,
    pub(crate) dead: Cell<bool>,
    pub(crate) disk_full: Cell<bool>,
}

impl Misfortune {
    fn strike(&self) -> Option<Fault> {
        self.calls.set(self.calls.get() + 1);
        let (left, fault) = self.countdown.get()?;
        self.countdown.set((left > 0).then(|| (left - 1, fault)));
        (left == 0).then_some(fault)
    }
}

fn broken() -> io::Error {
    io::Error::other("made to fail by the test")
}

/// A driver that fails when told to.
pub(crate) struct Faulty {
    pub(crate) inner: Rc<RefCell<Box<dyn Driver>>>,
    pub(crate) misfortune: Rc<Misfortune>,
}

impl Faulty {
    fn refused<T>(&self) -> Result<T, DeviceFault> {
        Err(DeviceFault::Refused { device: "test device".into(), step: "it".into(), cause: broken() })
    }
}

impl Driver for Faulty {
    fn name(&self) -> &'static str {
        self.inner.borrow().name()
    }

    fn expiry_tolerance_ms(&self) -> u64 {
        self.inner.borrow().expiry_tolerance_ms()
    }

    fn not_enforceable(&self, cut: &Match) -> Option<String> {
        self.inner.borrow().not_enforceable(cut)
    }

    fn steps(&self, order: &Order, already: &BTreeSet<Match>) -> Vec<String> {
        self.inner.borrow().steps(order, already)
    }

    fn unkept(&mut self, cuts: &BTreeSet<Match>) {
        self.inner.borrow_mut().unkept(cuts);
    }

    fn apply(&mut self, desired: &Content) -> Result<(), DeviceFault> {
        if self.misfortune.dead.get() {
            return self.refused();
        }
        match self.misfortune.strike() {
            None => self.inner.borrow_mut().apply(desired),
            Some(Fault::Pretend | Fault::Invent) => Ok(()),
            Some(Fault::Refuse) => self.refused(),
            Some(Fault::DoAndDeny) => {
                self.inner.borrow_mut().apply(desired)?;
                self.refused()
            }
            Some(Fault::DieBefore) => {
                self.misfortune.dead.set(true);
                self.refused()
            }
            Some(Fault::DieAfter) => {
                self.misfortune.dead.set(true);
                self.inner.borrow_mut().apply(desired)
            }
        }
    }

    fn observe(&mut self) -> Result<Observed, DeviceFault> {
        if self.misfortune.dead.get() {
            return self.refused();
        }
        match self.misfortune.strike() {
            None => self.inner.borrow_mut().observe(),
            Some(Fault::Pretend) => Ok(Observed::default()),
            Some(Fault::Invent) => {
                let mut observed = self.inner.borrow_mut().observe()?;
                observed.content.insert(Match::Talker(talker("192.0.2.1")), Until(u64::MAX));
                Ok(observed)
            }
            Some(Fault::Refuse | Fault::DoAndDeny) => self.refused(),
            Some(Fault::DieBefore | Fault::DieAfter) => {
                self.misfortune.dead.set(true);
                self.refused()
            }
        }
    }

    fn behind(&self, cut: &Match) -> Result<Vec<Talker>, DeviceFault> {
        self.inner.borrow().behind(cut)
    }

    fn take_notes(&mut self) -> Vec<String> {
        self.inner.borrow_mut().take_notes()
    }

    fn forget_established(&mut self, cut: &[Match]) -> Result<usize, DeviceFault> {
        if self.misfortune.dead.get() || self.misfortune.strike().is_some() {
            return self.refused();
        }
        self.inner.borrow_mut().forget_established(cut)
    }
}

/// A journal in memory that outlives the warden.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) entries: Rc<RefCell<Vec<Entry>>>,
    pub(crate) foreign: Rc<RefCell<Vec<Entry>>>,
    pub(crate) misfortune: Rc<Misfortune>,
}

impl Record for Memory {
    fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        if self.misfortune.dead.get() || self.misfortune.disk_full.get() {
            return Err(broken());
        }
        match self.misfortune.strike() {
            Some(Fault::DieBefore) => {
                self.misfortune.dead.set(true);
                return Err(broken());
            }
            Some(Fault::DieAfter) => self.misfortune.dead.set(true),
            Some(_) => return Err(broken()),
            None => {}
        }
        self.entries.borrow_mut().extend_from_slice(entries);
        Ok(())
    }

    fn reserve(&mut self, _octets: u64) -> io::Result<()> {
        if self.misfortune.dead.get() || self.misfortune.disk_full.get() { Err(broken()) } else { Ok(()) }
    }

    fn compact(&mut self, entries: &dyn Fn() -> Vec<Entry>) -> io::Result<()> {
        // Always due, so that what a compaction forgets shows.
        if self.misfortune.dead.get() || self.misfortune.disk_full.get() {
            return Err(broken());
        }
        *self.entries.borrow_mut() = entries();
        Ok(())
    }

    fn foreign(&mut self) -> io::Result<Vec<Entry>> {
        let foreign: Vec<Entry> = self.foreign.borrow_mut().drain(..).collect();
        self.entries.borrow_mut().extend_from_slice(&foreign);
        Ok(foreign)
    }
}

/// Runs the test named `test` of this program again inside a network namespace of its own that forwards, with
/// `FIELDWARDEN_INSIDE` set; says so loudly and does nothing where that is not possible.
pub(crate) fn in_namespace(test: &str) {
    let name = format!("fw-{}-{}", std::process::id(), test.len());
    if !run("ip", &["netns", "add", &name]) {
        eprintln!("SKIPPED: {test} needs root and network namespaces");
        return;
    }
    run(
        "ip",
        &["netns", "exec", &name, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"],
    );
    let own = std::env::current_exe().unwrap();
    let outcome = Command::new("ip")
        .args(["netns", "exec", &name])
        .arg(own)
        .args([test, "--exact", "--nocapture"])
        .env("FIELDWARDEN_INSIDE", "1")
        .status();
    run("ip", &["netns", "del", &name]);
    assert!(outcome.unwrap().success(), "{test} failed inside its namespace");
}

pub(crate) fn is_inside() -> bool {
    std::env::var_os("FIELDWARDEN_INSIDE").is_some()
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

pub(crate) fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
