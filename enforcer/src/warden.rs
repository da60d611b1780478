//! Orders joined with a device and a journal. Time is an argument; nothing here reads a clock.
//!
//! The device is told what it should hold *as a whole*, computed from all orders in force, so two orders that cut the
//! same traffic do not undo each other, and whatever nobody ordered disappears.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{
    Order, OrderId, OrderState, Timestamp,
    digest::Digest,
    order::{Answer, Ask, Plan, PlanHash, Report},
    protect,
};

use crate::{
    content::{Content, Match, Until},
    drivers::Observed,
    interlocks::{self, Interlocks},
    journal::{Entry, Record, line, released},
    moment::{Boot, Moment},
    order_life::{self, Life, Occasion},
    points::Points,
};

/// How often the device is compared with the orders in force, in milliseconds.
pub const CHECK_EVERY_MS: u64 = 5_000;
/// A cut that ends within this many milliseconds may be gone from the device already.
pub const ABOUT_TO_END_MS: u64 = 200;
/// How long an ended order is listed, in seconds.
pub const LISTED_SECS: u64 = 86_400;
/// The most ended orders that are listed; the oldest go first.
pub const MAX_ENDED: usize = 256;
/// The most ids held against replay; the oldest go first, and with them every order proposed before them.
pub const MAX_IDS: usize = 4_096;
/// The most reports waiting to be sent; the oldest go first, since `List` tells the state all the same.
pub const MAX_REPORTS: usize = 1_024;

/// Room for a release of everything, in octets of the journal.
const ROOM_FOR_RELEASE: u64 = 4_096;

/// The most differences told of one look at the device.
pub const MAX_REMARKS: usize = 32;

/// Whether anything is enforced at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Orders are rehearsed and refused.
    ObserveOnly,
    /// Orders are carried out.
    Enforce,
}

/// Why nothing is enforced in [`Mode::ObserveOnly`].
pub const OBSERVE_ONLY: &str = "this enforcer is observe-only: write `mode = \"enforce\"` into `[enforcer]` of its site file and restart it";

/// Keeps orders, device and journal in step.
pub struct Warden {
    mode: Mode,
    interlocks: Interlocks,
    points: Points,
    record: Box<dyn Record>,
    boot: Boot,
    lives: BTreeMap<OrderId, Life>,
    finished: Finished,
    reports: Vec<Report>,
    remarks: Vec<String>,
    next_check_ms: u64,
    is_unwritten: bool,
    /// Packets the device had dropped when it was last read, and when each order in force began, as far as this
    /// program was there.
    dropped: u64,
    dropped_before: BTreeMap<OrderId, u64>,
}

/// Ids that must never be applied again, oldest proposal first.
#[derive(Debug, Default)]
struct Finished {
    horizon: Option<Timestamp>,
    ids: BTreeSet<(Timestamp, OrderId)>,
}

impl Warden {
    /// Takes up what the journal held and brings the device in step with it.
    #[must_use]
    pub fn start(
        mode: Mode,
        interlocks: Interlocks,
        points: impl Into<Points>,
        record: Box<dyn Record>,
        held: Vec<Entry>,
        boot: Boot,
        now: Moment,
    ) -> Self {
        let mut warden = Self {
            mode,
            interlocks,
            points: points.into(),
            record,
            boot,
            lives: BTreeMap::new(),
            finished: Finished::default(),
            reports: Vec::new(),
            remarks: Vec::new(),
            next_check_ms: now.uptime_ms.saturating_add(CHECK_EVERY_MS),
            is_unwritten: false,
            dropped: 0,
            dropped_before: BTreeMap::new(),
        };
        let of_other_boot = |entry: &Entry| match entry {
            Entry::Order(life) if life.boot != warden.boot => Some(life.order.id.clone()),
            _ => None,
        };
        let resumed: BTreeSet<OrderId> = held.iter().filter_map(of_other_boot).collect();
        let released = released(&held);
        for entry in held {
            warden.take(entry, now);
        }
        for (id, by) in released {
            if let Some(life) = warden.lives.get_mut(&id) {
                life.end(OrderState::Released, format!("{by} released everything"));
            }
        }
        // Without room nothing is lost that was not before.
        let _ = warden.record.reserve(warden.room());
        warden.hold_to_the_list();
        warden.write_resumed(&resumed);
        for life in warden.lives.values_mut() {
            if life.report.state == OrderState::Applying {
                let cause = "the enforcer stopped while it was being applied";
                life.end_unless_decided(OrderState::Reverted, cause.into());
            } else if mode == Mode::ObserveOnly {
                life.end_unless_decided(OrderState::Released, "the enforcer is observe-only now".into());
            }
        }
        warden.settle(now);
        warden.check(now);
        warden
    }

    /// Ends what stands against something that the site protects by now.
    fn hold_to_the_list(&mut self) {
        let Self { lives, interlocks, points, .. } = self;
        for life in lives.values_mut().filter(|life| life.in_force()) {
            let mut names = protect::all_refusals(&life.order, &interlocks.protected);
            let point = points.of(&life.order.target).ok().and_then(|at| points.get(at));
            let cuts = Match::of(&life.order);
            // A device that cannot tell who is behind a port now could when the order was applied.
            let behind = cuts.iter().filter_map(|cut| point?.driver.behind(cut).ok()).flatten();
            names.extend(protect::behind(&behind.collect::<Vec<_>>(), &interlocks.protected));
            if let Some(name) = names.first() {
                life.end_unless_decided(
                    OrderState::Reverted,
                    format!("it cuts `{name}`, which is protected by now"),
                );
            }
        }
    }

    /// Answers one ask. Reports of other orders that changed meanwhile wait in [`Warden::take_reports`], and so does
    /// the report that is the answer, for those who did not ask.
    pub fn handle(&mut self, ask: Ask, now: Moment) -> Answer {
        self.settle(now);
        match ask {
            Ask::Rehearse { order } => match self.rehearse(&order, now) {
                Ok(plan) => Answer::Planned { plan },
                Err(reason) => Answer::Refused { order: order.id, reason },
            },
            Ask::Reach { order, ends } => match self.points.past(&order, &ends) {
                Ok(past) => Answer::Reach { past },
                Err(reason) => Answer::Refused { order: order.id, reason },
            },
            Ask::Apply { order, plan, approved_by } => {
                let id = order.id.clone();
                answer(id, self.apply(order, &plan, approved_by, now))
            }
            Ask::Keep { order, plan, verdict, degraded } => {
                let occasion = if degraded { Occasion::Degraded } else { Occasion::Usual };
                answer(order.clone(), self.keep(&order, &plan, (occasion, &verdict), now))
            }
            Ask::Release { order, by, reason, degraded } => {
                let occasion = if degraded { Occasion::Degraded } else { Occasion::Usual };
                answer(order.clone(), self.release(&order, &format!("{by}: {reason}"), occasion, now))
            }
            Ask::List => Answer::Orders { orders: self.list() },
        }
    }

    /// Lets time pass: deadlines, releases written past us, and now and then a look at the device.
    pub fn tick(&mut self, now: Moment) {
        match self.record.foreign() {
            Ok(entries) => entries.into_iter().for_each(|entry| self.take(entry, now)),
            Err(fault) => self.remark(format!("the journal cannot be read: {fault}")),
        }
        self.settle(now);
        if self.is_unwritten {
            self.write_all();
        }
        if now.uptime_ms >= self.next_check_ms {
            self.next_check_ms = now.uptime_ms.saturating_add(CHECK_EVERY_MS);
            self.check(now);
            self.prune(now);
        }
    }

    /// The next moment, in milliseconds since boot, at which [`Warden::tick`] has something to do.
    #[must_use]
    pub fn next_tick_ms(&self) -> u64 {
        let deadlines = self.lives.values().filter_map(Life::next_deadline).map(|at| at.uptime_ms);
        deadlines.fold(self.next_check_ms, u64::min)
    }

    /// Whether an order is in force, so that someone has to watch over it.
    #[must_use]
    pub fn watches(&self) -> bool {
        self.lives.values().any(Life::in_force)
    }

    /// What changed since the last call, oldest first.
    pub fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// What an operator should read since the last call: foreign changes found, a journal that cannot be written.
    pub fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    /// Every order known, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<(Order, Report)> {
        let mut lives: Vec<&Life> = self.lives.values().collect();
        lives.sort_by_key(|life| (life.begun.wall, &life.order.id));
        lives.into_iter().map(|life| (life.order.clone(), life.report.clone())).collect()
    }

    fn rehearse(&self, order: &Order, now: Moment) -> Result<Plan, String> {
        self.interlocks.judge(order, now)?;
        let cut = Match::of(order);
        let at = self.points.of(&order.target)?;
        let point = self.points.get(at).ok_or("nothing enforces it")?;
        let already: BTreeSet<Match> = self.desired(at, now).into_keys().collect();
        let steps = point.driver.steps(order, &already);
        let mut not_enforceable = match self.mode {
            Mode::ObserveOnly => Some(OBSERVE_ONLY.into()),
            Mode::Enforce => cut
                .iter()
                .find_map(|cut| point.driver.not_enforceable(cut))
                .or_else(|| self.interlocks.permitted().err()),
        };
        let mut behind = Vec::new();
        for cut in &cut {
            match point.driver.behind(cut) {
                Ok(talkers) => behind.extend(talkers),
                Err(fault) => not_enforceable = Some(not_enforceable.unwrap_or_else(|| fault.to_string())),
            }
        }
        if let Some(name) = protect::behind(&behind, &self.interlocks.protected).first() {
            return Err(format!("{} would cut off an end of the protected `{name}`", order.target));
        }
        let driver = point.title();
        let hash = plan_hash(order, &driver, &steps);
        let approvals = if self.interlocks.asks_for_two(order, &behind).is_some() { 2 } else { 1 };
        Ok(Plan { order: order.id.clone(), driver, steps, approvals, not_enforceable, behind, hash })
    }

    fn apply(
        &mut self,
        order: Order,
        plan: &PlanHash,
        approved_by: Vec<String>,
        now: Moment,
    ) -> Result<Report, String> {
        let fresh = self.rehearse(&order, now)?;
        self.interlocks.approved(&order, &fresh.behind, &approved_by)?;
        if let Some(reason) = fresh.not_enforceable {
            return Err(reason);
        }
        if fresh.hash != *plan {
            return Err("the plan is no longer the one that was rehearsed: rehearse it again".into());
        }
        self.has_room(&order, now)?;
        let id = order.id.clone();
        let cause = interlocks::tamed(&format!("approved by {}", approved_by.join(", ")));
        let life = Life::begin(order, fresh.hash, approved_by, now, self.boot.clone());
        if self.is_unwritten {
            self.write_all();
        }
        if self.is_unwritten {
            return Err("the journal cannot be written; nothing was changed".into());
        }
        // Whatever may come of it must find room as well.
        self.record
            .reserve(self.room() + life.room())
            .and_then(|()| self.record.append(&[Entry::Order(Box::new(life.clone()))]))
            .map_err(|fault| format!("the journal cannot be written ({fault}); nothing was changed"))?;
        let cut = Match::of(&life.order);
        self.lives.insert(id.clone(), life);
        match self.make_so(self.point_of(&id)?, now) {
            Ok(()) => self.applied(&id, &cause, &cut, now),
            Err(fault) => self.undo(&id, fault, now),
        }
        self.report_of(&id)
    }

    fn applied(&mut self, id: &OrderId, cause: &str, cut: &[Match], now: Moment) {
        let at = self.point_of(id).ok();
        let point = at.and_then(|at| self.points.get_mut(at));
        let counts = point.as_ref().is_some_and(|point| point.is_gateway());
        let forgotten = match point.map_or(Ok(0), |point| point.driver.forget_established(cut)) {
            Ok(0) => String::new(),
            Ok(n) => format!("; {n} live connections ended"),
            Err(fault) => format!("; live connections are cut but not forgotten: {fault}"),
        };
        let Some(life) = self.lives.get_mut(id) else { return };
        life.applied(format!("{cause}; read back as desired{forgotten}"), now);
        if counts {
            self.dropped_before.insert(id.clone(), self.dropped);
        }
        let entry = Entry::Order(Box::new(life.clone()));
        let report = life.report.clone();
        match self.record.append(&[entry]) {
            Ok(()) => self.tell(report),
            Err(fault) => self.undo(id, format!("the journal cannot be written: {fault}"), now),
        }
    }

    fn undo(&mut self, id: &OrderId, fault: String, now: Moment) {
        if let Some(life) = self.lives.get_mut(id) {
            life.end(OrderState::Reverted, fault);
        }
        self.settle(now);
    }

    fn has_room(&self, order: &Order, now: Moment) -> Result<(), String> {
        if let Some(life) = self.lives.get(&order.id) {
            return Err(format!("it is {} already; an order is applied once", life.report.state.word()));
        }
        if self.finished.holds(order) {
            return Err(
                "it has ended, or is too old to be told from one that has; an order is applied once".into()
            );
        }
        let in_force = self.lives.values().filter(|life| life.in_force()).count();
        if in_force >= self.interlocks.max_orders {
            return Err(format!(
                "{in_force} orders are in force, and `max_orders` = {}",
                self.interlocks.max_orders
            ));
        }
        let hour_ago = now.uptime_ms.saturating_sub(3_600_000);
        let begun = self.lives.values().filter(|life| life.begun.uptime_ms >= hour_ago).count();
        if begun >= self.interlocks.max_orders_per_hour {
            return Err(format!(
                "{begun} orders began within the hour, and `max_orders_per_hour` = {}",
                self.interlocks.max_orders_per_hour
            ));
        }
        Ok(())
    }

    fn keep(
        &mut self,
        id: &OrderId,
        plan: &PlanHash,
        (occasion, verdict): (Occasion, &str),
        now: Moment,
    ) -> Result<Report, String> {
        let life = self.lives.get(id).ok_or_else(|| unknown(id))?;
        life.may_keep(plan, occasion, now)?;
        // What is no longer permitted is undone at its keep deadline, as if nobody had kept it.
        self.interlocks.permitted()?;
        let mut kept = life.clone();
        kept.kept(occasion, &interlocks::tamed(verdict), now);
        // Extending a cut is a change of the device like any other: written down first, or not done.
        let line = [Entry::Order(Box::new(kept.clone()))];
        self.record.reserve(self.room()).and_then(|()| self.record.append(&line)).map_err(|fault| {
            format!("the journal cannot be written ({fault}), so the order will be undone")
        })?;
        self.lives.insert(id.clone(), kept.clone());
        match self.make_so(self.point_of(id)?, now) {
            Ok(()) => self.tell(kept.report),
            Err(fault) => self.undo(id, format!("it could not be kept: {fault}"), now),
        }
        self.report_of(id)
    }

    fn release(
        &mut self,
        id: &OrderId,
        why: &str,
        occasion: Occasion,
        now: Moment,
    ) -> Result<Report, String> {
        let life = self.lives.get_mut(id).ok_or_else(|| unknown(id))?;
        life.may_release(occasion)?;
        let why = interlocks::tamed(why);
        let state = match occasion {
            Occasion::Usual => OrderState::Released,
            Occasion::Degraded => OrderState::Reverted,
        };
        life.end(state, why);
        if is_stuck(life) {
            // `settle` leaves what is stuck to `check`; whoever asks for it gets one more try at once.
            self.finish(std::slice::from_ref(id), now);
        }
        self.settle(now);
        self.report_of(id)
    }

    fn report_of(&self, id: &OrderId) -> Result<Report, String> {
        self.lives.get(id).map(|life| life.report.clone()).ok_or_else(|| unknown(id))
    }

    /// Ends what is due or decided: written down, taken off the device, read back, reported.
    fn settle(&mut self, now: Moment) {
        let mut going = Vec::new();
        for (id, life) in self.lives.iter_mut().filter(|(_, life)| life.in_force()) {
            if let Some((state, cause)) = life.due(now) {
                life.end(state, cause);
            }
            // What is stuck is tried again by `check`, at its pace.
            if life.ending.is_some() && life.report.state != OrderState::Stuck {
                going.push(id.clone());
            }
        }
        if !going.is_empty() {
            self.finish(&going, now);
        }
    }

    fn finish(&mut self, going: &[OrderId], now: Moment) {
        // A device is given back even when that cannot be written down.
        self.write(going);
        let mut outcomes = BTreeMap::new();
        for id in going {
            let at = self.point_of(id);
            let outcome = match &at {
                Ok(at) => outcomes.entry(*at).or_insert_with(|| self.make_so(*at, now)).clone(),
                Err(fault) => Err(fault.clone()),
            };
            let Some(life) = self.lives.get_mut(id) else { continue };
            if let (Ok(()), Some(before)) = (&outcome, self.dropped_before.remove(id)) {
                // None where rules were made anew meanwhile and count from nothing.
                let dropped = self.dropped.checked_sub(before).filter(|dropped| *dropped > 0);
                if let (Some(dropped), Some((_, cause))) = (dropped, &mut life.ending) {
                    *cause =
                        format!("{cause}; {dropped} packets were dropped meanwhile, by all orders together");
                }
            }
            match &outcome {
                Ok(()) => life.ended(now),
                Err(_) if life.report.state == OrderState::Stuck => continue,
                Err(fault) => life.stuck(fault, now),
            }
            let report = life.report.clone();
            self.tell(report);
        }
        self.write(going);
    }

    /// Compares the device with the orders in force and mends what someone else changed.
    fn check(&mut self, now: Moment) {
        for at in 0..self.points.count() {
            self.check_point(at, now);
        }
    }

    fn check_point(&mut self, at: usize, now: Moment) {
        let desired = self.desired(at, now);
        let observed = match self.points.get_mut(at).map(|point| point.driver.observe()) {
            Some(Ok(observed)) => observed,
            Some(Err(fault)) => return self.remark(fault.to_string()),
            None => return,
        };
        let idle = self.mode == Mode::ObserveOnly && observed.content.is_empty();
        let stuck: Vec<OrderId> =
            self.lives.values().filter(|life| is_stuck(life) && self.is_at(life, at)).map(id_of).collect();
        let difference = if idle { None } else { self.agrees(at, &desired, &observed, now).err() };
        if let Some(difference) = difference {
            self.mend(at, (&desired, &observed), difference, now);
        }
        if !stuck.is_empty() {
            self.finish(&stuck, now);
        }
    }

    fn mend(
        &mut self,
        at: usize,
        (desired, observed): (&Content, &Observed),
        difference: String,
        now: Moment,
    ) {
        let foreign = observed.content.keys().filter(|cut| !desired.contains_key(cut));
        let foreign =
            foreign.map(|cut| format!("{cut} was cut though no order in force says so; it is given back"));
        let mut texts: Vec<String> =
            observed.damage.iter().cloned().chain(foreign).take(MAX_REMARKS).collect();
        if texts.is_empty() {
            texts.push(difference);
        }
        self.note(texts, now);
        let is_whole = |cut: &Match| observed.content.contains_key(cut) && !observed.partial.contains(cut);
        let lost = |life: &Life| !Match::of(&life.order).iter().all(is_whole);
        let mut missing = Vec::new();
        let points = &self.points;
        let is_here = |life: &Life| points.of(&life.order.target) == Ok(at);
        for (id, life) in self.lives.iter_mut().filter(|(_, life)| life.held_until().is_some()) {
            if !is_here(life) || !lost(life) {
                continue;
            }
            missing.push(id.clone());
            if life.report.state == OrderState::Provisional {
                life.end(OrderState::Reverted, "the device no longer held it".into());
            } else {
                life.report.cause = "the device no longer held it; it was applied again".into();
                life.report.time = now.wall;
            }
        }
        if let Err(fault) = self.make_so(at, now) {
            self.remark(fault.clone());
            for id in &missing {
                if let Some(life) = self.lives.get_mut(id) {
                    life.end(OrderState::Reverted, format!("it could not be applied again: {fault}"));
                }
            }
        }
        self.settle(now);
        for report in missing
            .iter()
            .filter_map(|id| self.lives.get(id))
            .map(|life| life.report.clone())
            .collect::<Vec<_>>()
        {
            if report.state == OrderState::Kept {
                self.tell(report);
            }
        }
        self.write(&missing);
    }

    /// Writes down and tells what was found on a device.
    fn note(&mut self, texts: Vec<String>, now: Moment) {
        if texts.is_empty() {
            return;
        }
        if !self.is_unwritten {
            let entry = |text: &String| Entry::Remark { text: text.clone(), time: now.wall };
            self.is_unwritten = !self.spare(&texts.iter().map(entry).collect::<Vec<_>>());
        }
        texts.into_iter().for_each(|text| self.remark(format!("On the device: {text}")));
    }

    /// Which point carries out an order that is known.
    fn point_of(&self, id: &OrderId) -> Result<usize, String> {
        let life = self.lives.get(id).ok_or_else(|| unknown(id))?;
        self.points.of(&life.order.target)
    }

    fn is_at(&self, life: &Life, at: usize) -> bool {
        self.points.of(&life.order.target) == Ok(at)
    }

    /// What the device at `at` should hold at `now`.
    fn desired(&self, at: usize, now: Moment) -> Content {
        let mut content = Content::new();
        for life in self.lives.values().filter(|life| self.is_at(life, at)) {
            let Some(until) = life.held_until() else { continue };
            if until.is_past(now) {
                continue;
            }
            for cut in Match::of(&life.order) {
                let until = Until(until.uptime_ms);
                let held = content.entry(cut).or_insert(until);
                *held = until.max(*held);
            }
        }
        content
    }

    /// Tells the device even when it reads as desired already: one reading that lies must not suffice.
    fn make_so(&mut self, at: usize, now: Moment) -> Result<(), String> {
        let desired = self.desired(at, now);
        let unkept = order_life::unkept(self.lives.values().filter(|life| self.is_at(life, at)));
        let point = self.points.get_mut(at).ok_or("nothing enforces it")?;
        point.driver.unkept(&unkept);
        let applied = point.driver.apply(&desired);
        let notes = point.driver.take_notes();
        let observed = applied.and_then(|()| point.driver.observe());
        let counts = point.is_gateway();
        self.note(notes, now);
        let observed = observed.map_err(|fault| fault.to_string())?;
        if counts {
            self.dropped =
                observed.dropped.iter().map(|(_, dropped)| dropped).fold(0, |a, b| a.saturating_add(*b));
        }
        self.agrees(at, &desired, &observed, now)
            .map_err(|difference| format!("the device does not read back: {difference}"))
    }

    fn agrees(&self, at: usize, desired: &Content, observed: &Observed, now: Moment) -> Result<(), String> {
        let tolerance_ms = self.points.get(at).map_or(0, |point| point.driver.expiry_tolerance_ms());
        difference(desired, observed, tolerance_ms, now).map_or(Ok(()), Err)
    }

    /// Takes in an entry of the journal: at start, or one that another program has written.
    fn take(&mut self, entry: Entry, now: Moment) {
        match entry {
            Entry::Order(life) => {
                let life = life.resumed(now, &self.boot);
                self.lives.insert(life.order.id.clone(), life);
            }
            Entry::Finished { horizon, ids } => {
                self.finished.horizon = self.finished.horizon.max(horizon);
                for (id, proposed) in ids {
                    self.finished.add(id, proposed);
                }
            }
            Entry::ReleasedAll { by, .. } => {
                for life in self.lives.values_mut() {
                    life.end(OrderState::Released, format!("{by} released everything"));
                }
            }
            Entry::Remark { .. } => {}
        }
    }

    /// Writes down the deadlines that were told anew after the machine restarted. Where that fails the orders end:
    /// told anew at every restart from the same lines, they would last longer each time.
    fn write_resumed(&mut self, resumed: &BTreeSet<OrderId>) {
        let mut resumed: Vec<&mut Life> = self
            .lives
            .values_mut()
            .filter(|life| life.in_force() && resumed.contains(&life.order.id))
            .collect();
        let entries: Vec<Entry> =
            resumed.iter().map(|life| Entry::Order(Box::new((**life).clone()))).collect();
        if entries.is_empty() || self.record.append(&entries).is_ok() {
            return;
        }
        for life in &mut resumed {
            let cause = "the machine restarted and the journal cannot be written";
            life.end_unless_decided(OrderState::Reverted, cause.into());
        }
    }

    fn tell(&mut self, report: Report) {
        if self.reports.len() >= MAX_REPORTS {
            self.reports.remove(0);
        }
        self.reports.push(report);
    }

    fn remark(&mut self, text: String) {
        if self.remarks.len() < MAX_REPORTS && !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    fn write(&mut self, ids: &[OrderId]) {
        if ids.is_empty() {
            return;
        }
        let lives = ids.iter().filter_map(|id| self.lives.get(id));
        let entries: Vec<Entry> = lives.map(|life| Entry::Order(Box::new(life.clone()))).collect();
        if let Err(fault) = self.record.append(&entries) {
            self.is_unwritten = true;
            self.remark(format!("the journal cannot be written: {fault}; no order is applied until it can"));
        }
    }

    fn write_all(&mut self) {
        let entries = snapshot(&self.lives, &self.finished);
        self.is_unwritten = !self.spare(&entries);
    }

    /// Writes what can wait: only where the room is left that the ends of orders take. Whether it did.
    fn spare(&mut self, entries: &[Entry]) -> bool {
        let octets: usize = entries.iter().map(|entry| line(entry).len()).sum();
        let room = self.room() + octets as u64;
        self.record.reserve(room).and_then(|()| self.record.append(entries)).is_ok()
    }

    /// The octets that are to be written of all orders in force.
    fn room(&self) -> u64 {
        let lives = self.lives.values().filter(|life| life.in_force());
        lives.map(Life::room).fold(ROOM_FOR_RELEASE, u64::saturating_add)
    }

    fn prune(&mut self, now: Moment) {
        let mut ended: Vec<(Timestamp, OrderId)> = self
            .lives
            .values()
            .filter(|life| !life.in_force())
            .map(|life| (life.report.time, id_of(life)))
            .collect();
        ended.sort();
        let surplus = ended.len().saturating_sub(MAX_ENDED);
        let day = std::time::Duration::from_secs(LISTED_SECS);
        for (n, (time, id)) in ended.into_iter().enumerate() {
            if n >= surplus && now.wall.since(time) <= day {
                continue;
            }
            if let Some(life) = self.lives.remove(&id) {
                self.finished.add(id, life.order.proposed);
            }
        }
        let (lives, finished) = (&self.lives, &self.finished);
        if let Err(fault) = self.record.compact(&|| snapshot(lives, finished)) {
            self.remark(format!("the journal cannot be written anew: {fault}"));
        }
    }
}

impl Finished {
    fn add(&mut self, id: OrderId, proposed: Timestamp) {
        self.ids.insert((proposed, id));
        while self.ids.len() > MAX_IDS {
            self.horizon = self.horizon.max(self.ids.pop_first().map(|(proposed, _)| proposed));
        }
    }

    fn holds(&self, order: &Order) -> bool {
        self.horizon.is_some_and(|horizon| order.proposed <= horizon)
            || self.ids.contains(&(order.proposed, order.id.clone()))
    }
}

/// How a device differs from what it should hold, as a sentence; none when it does not.
#[must_use]
pub fn difference(desired: &Content, observed: &Observed, tolerance_ms: u64, now: Moment) -> Option<String> {
    if let Some(damage) = observed.damage.first() {
        return Some(damage.clone());
    }
    // A device may take its time: what has ended by itself until it was read is missing for that reason.
    let read_ms = now.uptime_ms.max(observed.read_ms);
    for (cut, Until(want)) in desired {
        match observed.content.get(cut) {
            None if *want <= read_ms.saturating_add(ABOUT_TO_END_MS) => {}
            None => return Some(format!("{cut} is not cut")),
            Some(Until(have)) if *have > want.saturating_add(tolerance_ms) => {
                return Some(format!("{cut} would be cut {} ms too long", have.saturating_sub(*want)));
            }
            Some(Until(have)) if *want > have.saturating_add(tolerance_ms) => {
                return Some(format!(
                    "{cut} would be given back {} ms too early",
                    want.saturating_sub(*have)
                ));
            }
            Some(_) => {}
        }
    }
    let stranger = observed.content.keys().find(|cut| !desired.contains_key(cut));
    stranger.map(|cut| format!("{cut} is cut though no order in force says so"))
}

/// The digest of an order, the driver and its steps.
#[must_use]
pub fn plan_hash(order: &Order, driver: &str, steps: &[String]) -> PlanHash {
    // The whole order, since its id does not follow from its scope and terms.
    let order = serde_json::to_vec(order).unwrap_or_default();
    let digest = Digest::new().with("plan").with(order).with(driver);
    PlanHash(steps.iter().fold(digest, |digest, step| digest.with(step)).full())
}

fn snapshot(lives: &BTreeMap<OrderId, Life>, finished: &Finished) -> Vec<Entry> {
    let ids = finished.ids.iter().map(|(proposed, id)| (id.clone(), *proposed)).collect();
    let first = Entry::Finished { horizon: finished.horizon, ids };
    let lives = lives.values().map(|life| Entry::Order(Box::new(life.clone())));
    std::iter::once(first).chain(lives).collect()
}

fn answer(order: OrderId, outcome: Result<Report, String>) -> Answer {
    match outcome {
        Ok(report) => Answer::Reported { report },
        Err(reason) => Answer::Refused { order, reason },
    }
}

fn unknown(id: &OrderId) -> String {
    format!("no order {id} is known here")
}

fn id_of(life: &Life) -> OrderId {
    life.order.id.clone()
}

fn is_stuck(life: &Life) -> bool {
    life.report.state == OrderState::Stuck
}
