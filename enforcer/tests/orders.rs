//! Random orders, silences, faults, crashes and foreign hands: what may never happen, does not.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod common;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    rc::Rc,
};

use common::{Fault, Faulty, Memory, Misfortune, modbus_of, order, talker};
use fieldwarden_config::Sources;
use fieldwarden_enforcer::{
    content::{Content, Match, Until},
    drivers::{Driver, dry_run::DryRun},
    interlocks::Interlocks,
    journal::{Entry, line, parse_line},
    moment::{Boot, Moment},
    settings::Settings,
    warden::{CHECK_EVERY_MS, Mode, Warden},
};
use fieldwarden_model::{
    Order, OrderId, OrderState, Scope, Talker, Target, Timestamp,
    order::{Answer, Ask, PlanHash},
};
use proptest::{prelude::*, sample::select};

#[derive(Clone, Debug)]
enum Step {
    Apply(usize, Approvers),
    ApplyUnrehearsed(usize),
    Forge(usize, Forgery),
    Permit(bool),
    Keep(usize),
    KeepOtherPlan(usize),
    Release(usize),
    ReleaseAllBeside,
    Wait(u64),
    SetClock(i64),
    Restart,
    Reboot,
    Flush,
    CutSomethingForeign,
    DiskFull,
    DiskRoom,
    Fault(usize, Fault),
}

/// Who is said to have approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Approvers {
    Nobody,
    One,
    /// One person under two spellings.
    OneTwice,
    Two,
}

impl Approvers {
    fn names(self) -> Vec<String> {
        let names: &[&str] = match self {
            Self::Nobody => &[" ", ""],
            Self::One => &["jo"],
            Self::OneTwice => &["jo", " JO"],
            Self::Two => &["jo", "maria"],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}

/// What a daemon that was taken over does to an order between rehearsal and approval, or to its terms.
#[derive(Clone, Copy, Debug)]
enum Forgery {
    /// Another target under the approved plan and id.
    OtherTarget,
    /// The same with an id that follows.
    OtherTargetAndId,
    /// Another scope, which the id of the plan covers.
    OtherScope,
    /// It would stand for ever.
    Boundless,
    /// It would be provisional for as long as it stands, and longer than permitted.
    NeverProvisional,
    /// It was proposed long ago, or is yet to be.
    OtherTime(i64),
    /// The protected machine by the IPv4-mapped form of its address.
    Mapped,
    /// Everything between two talkers of which one service is protected.
    Wider,
}

fn forgeries() -> impl Strategy<Value = Forgery> {
    prop_oneof![
        Just(Forgery::OtherTarget),
        Just(Forgery::OtherTargetAndId),
        Just(Forgery::OtherScope),
        Just(Forgery::Boundless),
        Just(Forgery::NeverProvisional),
        prop_oneof![Just(-90_000_i64), Just(1_000)].prop_map(Forgery::OtherTime),
        Just(Forgery::Mapped),
        Just(Forgery::Wider),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = prop_oneof![
        Just(Fault::Refuse),
        Just(Fault::DoAndDeny),
        Just(Fault::DieBefore),
        Just(Fault::DieAfter)
    ];
    let step = prop_oneof![
        6 => (0..ORDERS, select(vec![Approvers::One, Approvers::Two, Approvers::OneTwice, Approvers::Nobody]))
            .prop_map(|(n, approvers)| Step::Apply(n, approvers)),
        2 => (0..ORDERS, forgeries()).prop_map(|(n, forgery)| Step::Forge(n, forgery)),
        1 => prop_oneof![1 => Just(false), 3 => Just(true)].prop_map(Step::Permit),
        1 => (0..ORDERS).prop_map(Step::ApplyUnrehearsed),
        4 => (0..ORDERS).prop_map(Step::Keep),
        1 => (0..ORDERS).prop_map(Step::KeepOtherPlan),
        2 => (0..ORDERS).prop_map(Step::Release),
        1 => Just(Step::ReleaseAllBeside),
        4 => (0u64..40_000).prop_map(Step::Wait),
        1 => (-5_000i64..5_000).prop_map(Step::SetClock),
        2 => Just(Step::Restart),
        1 => Just(Step::Reboot),
        1 => Just(Step::Flush),
        1 => Just(Step::CutSomethingForeign),
        1 => Just(Step::DiskFull),
        2 => Just(Step::DiskRoom),
        3 => (0usize..6, fault).prop_map(|(at, fault)| Step::Fault(at, fault)),
    ];
    prop::collection::vec(step, 1..STEPS)
}

const ORDERS: usize = 13;
const BEGIN: i64 = 1_700_000_000;

fn orders() -> Vec<Order> {
    let at = Timestamp::from_seconds(BEGIN);
    let isolate = |address| Target::Talker { talker: talker(address) };
    vec![
        order(modbus_of("10.2.0.20", "10.1.0.10"), 10, 60, at),
        // The same traffic, longer.
        order(modbus_of("10.2.0.20", "10.1.0.10"), 20, 300, at),
        order(isolate("10.2.0.20"), 5, 30, at),
        order(isolate("10.0.0.30"), 10, 60, at),
        order(modbus_of("10.2.0.20", "10.0.0.30"), 10, 60, at),
        order(modbus_of("10.2.0.21", "10.1.0.10"), 30, 30, at),
        quarantine(order(modbus_of("10.2.0.20", "10.1.0.10"), 10, 90, at)),
        quarantine(order(modbus_of("10.2.0.20", "10.0.0.30"), 10, 60, at)),
        // The safety loop's other address.
        order(isolate("10.9.0.30"), 10, 60, at),
        // The historian's polls are protected; its other services are not.
        order(modbus_of(HISTORIAN, "10.1.0.10"), 10, 60, at),
        order(isolate("10.1.0.10"), 10, 60, at),
        // Two people approve what concerns the chlorine.
        order(modbus_of("10.2.0.20", CHLORINE), 10, 120, at),
        order(isolate(CHLORINE), 5, 45, at),
    ]
}

const HISTORIAN: &str = "10.4.0.40";
const CHLORINE: &str = "10.1.0.11";
/// Which of them would cut what is protected, told by hand.
const PROTECTED: [usize; 6] = [3, 4, 7, 8, 9, 10];
/// Of which two people must approve.
const OF_TWO: [usize; 2] = [11, 12];

/// What the site demands, in the words of its file.
fn demands(permit: &Path) -> Interlocks {
    let text = format!(
        r#"
        [site]
        asset = [
            {{ name = "Safety controller", addresses = ["10.0.0.30", "10.9.0.30"] }},
            {{ name = "Chlorine", addresses = ["{CHLORINE}"] }},
        ]
        protected = [
            {{ name = "safety loop", talker = "10.0.0.30" }},
            {{ name = "historian", talker = "{HISTORIAN}", peer = "10.1.0.10", server_port = 502 }},
        ]
        [enforcer]
        max_orders = 4
        max_orders_per_hour = {PER_HOUR}
        max_lapse_secs = 3600
        two_persons = [{{ asset = "Chlorine" }}]
        permit = {{ file = "{}", says = "permitted" }}
        [[enforcer.forbidden_hours]]
        days = ["wed"]
        from = "00:00"
        to = "06:00"
        reason = "shift change"
        "#,
        permit.display()
    );
    let mut sources = Sources::new();
    let file = sources.add("site.toml", text);
    let section = fieldwarden_config::parse(&sources, file).unwrap();
    let read = Settings::configure(&section);
    read.unwrap_or_else(|faults| panic!("{}", fieldwarden_config::render(&faults, &sources))).interlocks
}

/// Orders that may begin within an hour.
const PER_HOUR: usize = 6;

/// Whether orders may begin at a moment, told another way than by the code under test: 1970-01-01 was a Thursday, so that
/// Wednesdays begin six days later.
fn is_forbidden_hour(time: Timestamp) -> bool {
    let seconds = time.nanos().div_euclid(1_000_000_000);
    (seconds - 6 * 86_400).rem_euclid(7 * 86_400) < 6 * 3_600
}

/// Whether a match would cut what is protected, told by hand.
fn cuts_protected(cut: &Match) -> bool {
    let historian = |a: Talker, b: Talker| {
        let (one, other) = (talker(HISTORIAN), talker("10.1.0.10"));
        (a, b) == (one, other) || (a, b) == (other, one)
    };
    let is_safety = |t: Talker| ["10.0.0.30", "10.9.0.30", "::ffff:10.0.0.30"].iter().any(|a| t == talker(a));
    let is_end = |t: Talker| t == talker(HISTORIAN) || t == talker("10.1.0.10");
    cut.talkers().any(is_safety)
        || match *cut {
            Match::Port { .. } => unreachable!("no order of this story is against a port"),
            Match::Talker(whole) => is_end(whole),
            Match::Pair { client, server } | Match::Carried { client, server, .. } => {
                historian(client, server)
            }
            Match::Service { client, server, port, .. } | Match::Writes { client, server, port } => {
                historian(client, server) && port == 502
            }
        }
}

fn quarantine(mut order: Order) -> Order {
    order.scope = Scope::WriteQuarantine;
    order.id = order.identify();
    order
}

/// A device in memory that ends its own entries, as a kernel does.
struct Kernel {
    now_ms: Rc<RefCell<Moment>>,
    inner: DryRun,
}

impl Kernel {
    fn expire(&mut self) {
        let now_ms = self.now_ms.borrow().uptime_ms;
        let mut content = self.inner.observe().unwrap().content;
        content.retain(|_, until| until.0 > now_ms);
        self.inner.apply(&content).unwrap();
    }
}

impl Driver for Kernel {
    fn name(&self) -> &'static str {
        "kernel"
    }
    fn expiry_tolerance_ms(&self) -> u64 {
        0
    }
    fn not_enforceable(&self, cut: &Match) -> Option<String> {
        self.inner.not_enforceable(cut)
    }
    fn steps(&self, order: &Order, already: &std::collections::BTreeSet<Match>) -> Vec<String> {
        self.inner.steps(order, already)
    }
    fn apply(&mut self, desired: &Content) -> Result<(), fieldwarden_enforcer::drivers::DeviceFault> {
        self.inner.apply(desired)
    }
    fn observe(
        &mut self,
    ) -> Result<fieldwarden_enforcer::drivers::Observed, fieldwarden_enforcer::drivers::DeviceFault> {
        self.expire();
        self.inner.observe()
    }
    fn forget_established(
        &mut self,
        cut: &[Match],
    ) -> Result<usize, fieldwarden_enforcer::drivers::DeviceFault> {
        self.inner.forget_established(cut)
    }
}

struct World {
    now: Rc<RefCell<Moment>>,
    boot: u32,
    device: Rc<RefCell<Box<dyn Driver>>>,
    misfortune: Rc<Misfortune>,
    record: Memory,
    warden: Option<Warden>,
    orders: Vec<Order>,
    plans: BTreeMap<OrderId, PlanHash>,
    /// Until when each order may be in force, told by what was asked alone.
    allowed: BTreeMap<OrderId, u64>,
    begun: BTreeMap<OrderId, u64>,
    answered: BTreeSet<OrderId>,
    foreign: bool,
    /// When orders began, whatever became of them.
    beginnings: Vec<u64>,
    permit: tempfile::TempDir,
    is_permitted: bool,
    /// Whether the journal may lack an end, so that only the wall clock tells what is over.
    is_unwritten: bool,
}

impl World {
    fn new() -> Self {
        let now =
            Rc::new(RefCell::new(Moment { wall: Timestamp::from_seconds(BEGIN + 60), uptime_ms: 1_000_000 }));
        let misfortune = Rc::new(Misfortune::default());
        let kernel: Box<dyn Driver> = Box::new(Kernel { now_ms: Rc::clone(&now), inner: DryRun::default() });
        let mut world = Self {
            now,
            boot: 0,
            device: Rc::new(RefCell::new(kernel)),
            record: Memory { misfortune: Rc::clone(&misfortune), ..Memory::default() },
            misfortune,
            warden: None,
            orders: orders(),
            plans: BTreeMap::new(),
            allowed: BTreeMap::new(),
            begun: BTreeMap::new(),
            answered: BTreeSet::new(),
            foreign: false,
            beginnings: Vec::new(),
            permit: tempfile::tempdir().unwrap(),
            is_permitted: false,
            is_unwritten: false,
        };
        world.permit(true);
        world.start();
        world
    }

    fn now(&self) -> Moment {
        *self.now.borrow()
    }

    fn start(&mut self) {
        self.misfortune.dead.set(false);
        if self.is_unwritten && self.boot > 0 {
            // The journal may be older than the last boot, so that the wall clock tells once more.
            let now_ms = self.now().uptime_ms;
            for order in &self.orders {
                if let Some(until) = self.allowed.get_mut(&order.id) {
                    *until = (now_ms + u64::from(order.lapse_secs) * 1_000).max(*until);
                }
            }
        }
        // What the journal holds went through its own lines.
        let text: String = self.record.entries.borrow().iter().map(line).collect();
        let held: Vec<Entry> = text.lines().map(|line| parse_line(line.as_bytes()).unwrap()).collect();
        let driver = Faulty { inner: Rc::clone(&self.device), misfortune: Rc::clone(&self.misfortune) };
        self.warden = Some(Warden::start(
            Mode::Enforce,
            demands(&self.permit_file()),
            Box::new(driver),
            Box::new(self.record.clone()),
            held,
            Boot(self.boot.to_string()),
            self.now(),
        ));
        let list = self.warden.as_ref().unwrap().list();
        let is_torn = |state| state == OrderState::Applying;
        assert!(
            self.misfortune.dead.get() || list.iter().all(|(_, report)| !is_torn(report.state)),
            "{list:?}"
        );
    }

    fn ask(&mut self, ask: Ask) -> Option<Answer> {
        let now = self.now();
        let answer = self.warden.as_mut().unwrap().handle(ask, now);
        (!self.misfortune.dead.get()).then_some(answer)
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Apply(n, approvers) => self.apply(*n, true, *approvers),
            Step::ApplyUnrehearsed(n) => self.apply(*n, false, Approvers::Two),
            Step::Forge(n, forgery) => self.forge(*n, *forgery),
            Step::Permit(given) => self.permit(*given),
            Step::Keep(n) => self.keep(*n),
            Step::KeepOtherPlan(n) => {
                let order = self.orders[*n].id.clone();
                let answer = self.ask(Ask::Keep {
                    order,
                    plan: PlanHash("another".into()),
                    verdict: String::new(),
                    degraded: false,
                });
                assert!(matches!(answer, None | Some(Answer::Refused { .. })), "{answer:?}");
            }
            Step::Release(n) => {
                let order = self.orders[*n].id.clone();
                self.ask(Ask::Release {
                    order,
                    by: "jo".into(),
                    reason: "done".into(),
                    degraded: n % 2 == 0,
                });
            }
            Step::ReleaseAllBeside => {
                let entry = Entry::ReleasedAll { by: "jo".into(), time: self.now().wall };
                self.record.foreign.borrow_mut().push(entry);
            }
            Step::Wait(millis) => self.wait(*millis),
            Step::SetClock(seconds) => {
                let wall = self.now().wall.nanos() + seconds * 1_000_000_000;
                self.now.borrow_mut().wall = Timestamp::from_nanos(wall);
            }
            Step::Restart => self.start(),
            Step::Reboot => self.reboot(),
            Step::Flush => self.device.borrow_mut().apply(&Content::new()).unwrap(),
            Step::CutSomethingForeign => {
                let mut content = self.device.borrow_mut().observe().unwrap().content;
                content.insert(Match::Talker(talker("10.0.0.30")), Until(u64::MAX));
                self.device.borrow_mut().apply(&content).unwrap();
                self.foreign = true;
            }
            Step::DiskFull => {
                self.misfortune.disk_full.set(true);
                self.is_unwritten = true;
            }
            Step::DiskRoom => self.misfortune.disk_full.set(false),
            Step::Fault(at, fault) => {
                self.misfortune.countdown.set(Some((*at, *fault)));
                self.is_unwritten = true;
            }
        }
        if self.misfortune.dead.get() {
            self.misfortune.countdown.set(None);
            self.start();
        }
    }

    fn permit_file(&self) -> PathBuf {
        self.permit.path().join("permit")
    }

    fn permit(&mut self, given: bool) {
        let text = if given { "permitted \n" } else { "not permitted\n" };
        std::fs::write(self.permit_file(), text).unwrap();
        self.is_permitted = given;
    }

    fn apply(&mut self, n: usize, rehearsed: bool, approvers: Approvers) {
        let order = self.orders[n].clone();
        let mut plan = PlanHash("unrehearsed".into());
        if rehearsed
            && let Some(Answer::Planned { plan: fresh }) = self.ask(Ask::Rehearse { order: order.clone() })
        {
            plan = fresh.hash;
        }
        if self.misfortune.dead.get() {
            return;
        }
        let begun = self.now().uptime_ms;
        let ask = Ask::Apply { order: order.clone(), plan: plan.clone(), approved_by: approvers.names() };
        let answer = self.ask(ask);
        if let Some(Answer::Refused { .. }) = answer {
            return;
        }
        assert!(rehearsed, "an order that was never rehearsed was applied");
        if answer.is_some() {
            self.may_begin(n, approvers);
            assert!(self.answered.insert(order.id.clone()), "an order was applied twice");
        }
        self.begun.insert(order.id.clone(), begun);
        self.beginnings.push(begun);
        self.plans.insert(order.id.clone(), plan);
        let until = begun + u64::from(order.keep_within_secs) * 1_000;
        let allowed = self.allowed.entry(order.id).or_insert(until);
        *allowed = until.max(*allowed);
    }

    /// Every interlock, told by hand, of an order that was applied.
    fn may_begin(&self, n: usize, approvers: Approvers) {
        assert!(!PROTECTED.contains(&n), "an order against what is protected was not refused");
        assert!(approvers != Approvers::Nobody, "an order that nobody approved was applied");
        assert!(
            approvers == Approvers::Two || !OF_TWO.contains(&n),
            "an order of which two people must approve was applied with one"
        );
        assert!(self.is_permitted, "an order was applied without the permit");
        assert!(!is_forbidden_hour(self.now().wall), "an order began in a forbidden hour");
        let hour_ago = self.now().uptime_ms.saturating_sub(3_600_000);
        let begun = self.beginnings.iter().filter(|at| **at > hour_ago).count();
        assert!(begun < PER_HOUR, "{begun} orders had begun within the hour");
        let in_force =
            self.warden.as_ref().unwrap().list().iter().filter(|(_, report)| report.state.in_force()).count();
        assert!(in_force <= 4, "{in_force} orders are in force");
    }

    /// The daemon lies: nothing it makes of an order that people approved gets through.
    fn forge(&mut self, n: usize, forgery: Forgery) {
        let approved = self.orders[n].clone();
        let Some(Answer::Planned { plan }) = self.ask(Ask::Rehearse { order: approved.clone() }) else {
            return;
        };
        let mut order = approved.clone();
        match forgery {
            Forgery::OtherTarget | Forgery::OtherTargetAndId => {
                order.target = Target::Talker { talker: talker("10.2.0.99") };
                order.scope = Scope::IsolateTalker;
            }
            Forgery::OtherScope => {
                order.scope = match order.scope {
                    Scope::WriteQuarantine => Scope::CutConversation,
                    _ => Scope::WriteQuarantine,
                };
            }
            Forgery::Boundless => order.lapse_secs = u32::MAX,
            Forgery::NeverProvisional => order.keep_within_secs = order.lapse_secs.max(3_601),
            Forgery::OtherTime(seconds) => {
                order.proposed = Timestamp::from_nanos(self.now().wall.nanos() + seconds * 1_000_000_000);
            }
            Forgery::Mapped => order.target = Target::Talker { talker: talker("::ffff:10.0.0.30") },
            Forgery::Wider => {
                order.scope = Scope::CutConversation;
                order.target = Target::Conversation {
                    client: talker("10.1.0.10"),
                    server: talker(HISTORIAN),
                    server_port: None,
                    transport: None,
                };
            }
        }
        if !matches!(forgery, Forgery::OtherTarget) {
            order.id = order.identify();
        }
        let plan = plan.hash;
        let ask = Ask::Apply { order, plan, approved_by: Approvers::Two.names() };
        let answer = self.ask(ask);
        assert!(matches!(answer, None | Some(Answer::Refused { .. })), "{forgery:?}: {answer:?}");
    }

    fn keep(&mut self, n: usize) {
        let order = self.orders[n].clone();
        let Some(plan) = self.plans.get(&order.id).cloned() else { return };
        let answer =
            self.ask(Ask::Keep { order: order.id.clone(), plan, verdict: String::new(), degraded: false });
        if !matches!(answer, Some(Answer::Refused { .. })) {
            assert!(answer.is_none() || self.is_permitted, "an order was kept without the permit");
            let until = self.begun[&order.id] + u64::from(order.lapse_secs) * 1_000;
            self.allowed.insert(order.id, until);
        }
    }

    fn wait(&mut self, millis: u64) {
        let end = self.now().uptime_ms + millis;
        loop {
            let next = self
                .warden
                .as_ref()
                .unwrap()
                .next_tick_ms()
                .clamp(self.now().uptime_ms + 1, end.max(self.now().uptime_ms + 1));
            let passed = next - self.now().uptime_ms;
            {
                let mut now = self.now.borrow_mut();
                *now = now.after(std::time::Duration::from_millis(passed));
            }
            let now = self.now();
            self.warden.as_mut().unwrap().tick(now);
            if self.misfortune.dead.get() {
                return;
            }
            self.check("while waiting");
            if next >= end {
                return;
            }
        }
    }

    /// All memory of the kernel is gone, and the time since boot begins anew.
    fn reboot(&mut self) {
        self.boot += 1;
        let before = self.now().uptime_ms;
        self.now.borrow_mut().uptime_ms = 5_000;
        self.device.borrow_mut().apply(&Content::new()).unwrap();
        // Across a reboot only the wall clock is left, and it may have been stepped: the whole time from the reboot
        // on is the bound then, or the time left before it where the clock was not stepped.
        for order in &self.orders {
            if let Some(until) = self.allowed.get_mut(&order.id) {
                let full = 5_000 + u64::from(order.lapse_secs) * 1_000;
                *until = if *until > before || self.is_unwritten { full } else { 0 };
            }
            if let Some(begun) = self.begun.get_mut(&order.id) {
                *begun = 5_000;
            }
        }
        // How long ago orders began is told by the wall clock from here on, which may have been stepped.
        self.beginnings.clear();
        self.foreign = false;
        self.start();
    }

    fn check(&mut self, what: &str) {
        let held = self.device.borrow_mut().observe().unwrap().content;
        for (cut, Until(until)) in &held {
            if self.foreign && *cut == Match::Talker(talker("10.0.0.30")) {
                continue;
            }
            assert!(!cuts_protected(cut), "{what}: {cut} is protected and cut");
            let allowed = self
                .orders
                .iter()
                .filter(|order| Match::of(order).contains(cut))
                .filter_map(|order| self.allowed.get(&order.id))
                .max();
            assert!(
                allowed.is_some_and(|allowed| until <= allowed),
                "{what}: {cut} until {until}, allowed until {allowed:?}"
            );
        }
    }

    /// With nothing failing any longer, device, journal and reports agree after one more look.
    fn calm_down(&mut self) {
        self.misfortune.countdown.set(None);
        self.misfortune.disk_full.set(false);
        self.wait(2 * CHECK_EVERY_MS + 1);
        self.foreign = false;
        self.check("in calm");
        self.agree();
        self.start();
        self.check("after a restart");
        self.agree();
        self.wait(400_000);
        let held = self.device.borrow_mut().observe().unwrap().content;
        assert!(held.is_empty(), "everything lapses: {held:?}");
        assert!(!self.warden.as_ref().unwrap().watches());
    }

    fn agree(&mut self) {
        let held = self.device.borrow_mut().observe().unwrap().content;
        let list = self.warden.as_ref().unwrap().list();
        for (order, report) in &list {
            assert_ne!(report.state, OrderState::Stuck, "{report:?}");
            let in_force = matches!(report.state, OrderState::Provisional | OrderState::Kept);
            let there = Match::of(order).iter().all(|cut| held.contains_key(cut));
            assert!(!in_force || there, "{report:?} is not on the device");
        }
        for cut in held.keys() {
            let is_ordered =
                list.iter().any(|(order, report)| report.state.in_force() && Match::of(order).contains(cut));
            assert!(is_ordered, "{cut} is on the device and nobody ordered it");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_outlives_its_word_and_nothing_protected_is_ever_cut(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            world.check(&format!("after {step:?}"));
        }
        world.calm_down();
    }

    #[test]
    fn no_line_makes_the_parsers_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_line(&octets);
        let _ = fieldwarden_enforcer::wire::parse_ask(&octets);
    }
}

/// Steps of one story, at most; half of it on average.
const STEPS: usize = 200;

/// Stories of a full run, a million steps, and of a quick one.
const STORIES: [u32; 2] = [10_000, 600];

fn cases() -> u32 {
    let [full, quick] = STORIES;
    if std::env::var("SCALE").is_ok_and(|scale| scale == "5") { full } else { quick }
}
