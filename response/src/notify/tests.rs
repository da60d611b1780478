//! Over random streams of revisions, orders, times and restarts: no change that matters is lost, none is told twice, quiet hours are kept, a
//! storm stays small, and whoever acknowledged is called no more.

use std::{collections::BTreeMap, time::Duration};

use fieldwarden_model::{Incident, IncidentId, OrderState, Severity, Timestamp, week::WeeklyHours};
use proptest::prelude::*;

use super::{
    desk::{Change, Desk, Heard, Ledger, Plan, Standing, Why},
    policy::{Escalation, OnCall, Policy, Quiet, Storm},
};
use crate::store::{Status, Told};

/// Monday, 5 January 2026, 00:00 UTC.
const MONDAY: i64 = 1_767_571_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(MONDAY + seconds)
}

fn id(number: u8) -> IncidentId {
    IncidentId(format!("{number:016x}"))
}

fn hours(from: u16, to: u16) -> WeeklyHours {
    WeeklyHours { days: [true; 7], from, to, offset: 0 }
}

fn policy() -> Policy {
    Policy {
        least: Severity::Medium,
        tells_acknowledged: false,
        quiet: Vec::new(),
        storm: None,
        escalation: None,
        to: vec!["all@plant.example".into()],
        on_call: Vec::new(),
    }
}

/// One incident as a test moves it.
#[derive(Clone, Debug)]
struct Case {
    revision: u32,
    severity: Severity,
    status: Status,
}

fn told(number: u8, case: &Case, time: Timestamp) -> Told {
    let incident = Incident {
        id: id(number),
        revision: case.revision,
        first: time,
        last: time,
        severity: case.severity,
        score: 50,
        addends: vec![],
        story: vec![],
        talkers: vec![],
        alerts: u64::from(case.revision),
        techniques: vec![],
        title: String::new(),
        open: true,
    };
    Told { time, status: case.status, incident }
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Grow,
    Rise,
    Move(Status),
    Order(OrderState),
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Fine,
    /// The other side cannot be reached once.
    Later,
    /// The program stops after the other side has it, before that is written down.
    Crash,
    /// The program stops after that.
    Restart,
}

/// A site: what happens, what a destination's desk makes of it, and what people were told.
struct Plant {
    policy: Policy,
    desk: Desk,
    saved: (BTreeMap<IncidentId, String>, String),
    cases: BTreeMap<u8, Case>,
    now: i64,
    orders: u32,
    crashed: bool,
    /// By incident, what people were told of it, in order.
    told: BTreeMap<IncidentId, Vec<Change>>,
    /// What they should have been told.
    owed: BTreeMap<IncidentId, Vec<Change>>,
    sent: Vec<(i64, Severity)>,
    called: BTreeMap<IncidentId, i64>,
}

impl Plant {
    fn new(policy: Policy) -> Self {
        let desk = Desk::new(policy.clone(), BTreeMap::new(), Ledger::default());
        let ledger = serde_json::to_string(&Ledger::default()).unwrap();
        Self {
            policy,
            desk,
            saved: (BTreeMap::new(), ledger),
            cases: BTreeMap::new(),
            now: 0,
            orders: 0,
            crashed: false,
            told: BTreeMap::new(),
            owed: BTreeMap::new(),
            sent: Vec::new(),
            called: BTreeMap::new(),
        }
    }

    fn save(&mut self, changed: &[IncidentId]) {
        self.desk.age(at(self.now));
        for id in changed {
            let standing = self.desk.standing(id).unwrap();
            self.saved.0.insert(id.clone(), serde_json::to_string(standing).unwrap());
        }
        self.saved.1 = serde_json::to_string(self.desk.ledger()).unwrap();
    }

    fn restart(&mut self) {
        let standings: BTreeMap<IncidentId, Standing> =
            self.saved.0.iter().map(|(id, body)| (id.clone(), serde_json::from_str(body).unwrap())).collect();
        self.desk = Desk::new(self.policy.clone(), standings, serde_json::from_str(&self.saved.1).unwrap());
    }

    /// Quiet hours, worked out anew: the minute of the day lies within.
    fn is_quiet(&self, severity: Severity) -> bool {
        let minute = u16::try_from(self.now / 60 % 1_440).unwrap();
        self.policy.quiet.iter().any(|quiet| {
            let (from, to) = (quiet.hours.from, quiet.hours.to);
            let within = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
            severity < quiet.below && within
        })
    }

    /// What a person hears, held against what he wants to.
    fn hears(&mut self, plan: &Plan) {
        assert!(!self.is_quiet(plan.severity), "told in quiet hours at {}: {plan:?}", self.now);
        assert!(!plan.to.is_empty(), "{plan:?}");
        for notice in &plan.notices {
            let number = u8::from_str_radix(&notice.incident.0, 16).unwrap();
            let case = &self.cases[&number];
            let is_stuck = notice
                .changes
                .iter()
                .any(|change| matches!(change, Change::Order { state: OrderState::Stuck, .. }));
            assert!(is_stuck || !self.is_quiet(case.severity), "{notice:?}");
            // What else this notice tells does not count as a call before it.
            let called = self.called.get(&notice.incident).copied();
            for change in &notice.changes {
                if let Change::Unanswered { call } = change {
                    let escalation = self.policy.escalation.unwrap();
                    assert_eq!(case.status, Status::New, "called about what somebody acknowledged");
                    assert!(*call <= escalation.most, "{notice:?}");
                    let since = self.now - called.unwrap();
                    assert!(
                        since >= i64::try_from(escalation.after.as_secs()).unwrap(),
                        "too soon: {notice:?}"
                    );
                } else {
                    self.told.entry(notice.incident.clone()).or_default().push(change.clone());
                }
                if !matches!(change, Change::Order { .. } | Change::Closed) {
                    self.called.insert(notice.incident.clone(), self.now);
                }
            }
        }
        self.sent.push((self.now, plan.severity));
    }

    /// Tells a plan; false where the same has to come again.
    fn deliver(&mut self, plan: Plan, fate: Fate) -> bool {
        if matches!(fate, Fate::Later) {
            self.restart();
            return false;
        }
        self.hears(&plan);
        if matches!(fate, Fate::Crash) {
            self.crashed = true;
            self.restart();
            return false;
        }
        let changed = self.desk.told(plan, None, at(self.now));
        self.save(&changed);
        true
    }

    /// What a revision or an order owes people, worked out anew.
    fn owe(&mut self, number: u8, before: Option<&Case>, order: Option<Change>) {
        let case = &self.cases[&number];
        let owed = self.owed.entry(id(number)).or_default();
        if owed.is_empty() {
            let is_news =
                order.is_none() && case.severity >= self.policy.least && case.status != Status::Closed;
            owed.extend(is_news.then_some(Change::Opened));
            return;
        }
        if let Some(order) = order {
            owed.push(order);
            return;
        }
        let before = before.unwrap();
        match (before.status == Status::Closed, case.status == Status::Closed) {
            (false, true) => owed.push(Change::Closed),
            (true, false) => owed.push(Change::Reopened),
            _ => {}
        }
        if case.severity > before.severity {
            owed.push(Change::Rose { from: before.severity });
        }
    }

    fn happens(&mut self, number: u8, deed: Deed, mut fate: Fate) {
        let before = self.cases.get(&number).cloned();
        let case = self.cases.entry(number).or_insert(Case {
            revision: 0,
            severity: Severity::Low,
            status: Status::New,
        });
        let mut order = None;
        match deed {
            Deed::Grow => {}
            Deed::Rise => {
                let worse = Severity::ALL.into_iter().find(|severity| *severity > case.severity);
                case.severity = worse.unwrap_or(case.severity);
            }
            Deed::Move(status) => case.status = status,
            Deed::Order(state) => {
                self.orders += 1;
                order = Some(Change::Order { order: format!("o{}", self.orders), state });
            }
        }
        if order.is_none() {
            case.revision += 1;
        }
        let case = case.clone();
        self.owe(number, before.as_ref(), order.clone());
        loop {
            let now = at(self.now);
            let heard = match &order {
                Some(Change::Order { order, state }) => {
                    self.desk.hear_order(&id(number), order.clone(), *state, now)
                }
                _ => self.desk.hear(&told(number, &case, now), now),
            };
            let fate = std::mem::replace(&mut fate, Fate::Fine);
            match heard {
                Heard::Tell(plan) => {
                    if !self.deliver(plan, fate) {
                        continue;
                    }
                }
                Heard::Remember => self.save(&[id(number)]),
                Heard::Nothing => {}
            }
            if matches!(fate, Fate::Restart) {
                self.restart();
                // What was written down and not confirmed comes again; an order does not, its line of the log is written down with it.
                if order.is_none() {
                    continue;
                }
            }
            break;
        }
    }

    fn pass(&mut self, seconds: i64) {
        self.pass_in_steps(seconds, 60);
    }

    fn pass_in_steps(&mut self, seconds: i64, step: i64) {
        let end = self.now + seconds;
        while self.now < end {
            self.now = end.min(self.now + step);
            let before = self.sent.len();
            while let Some(plan) = self.desk.due(at(self.now)) {
                assert!(self.sent.len() < before + 100, "no end of messages: {plan:?}");
                assert!(self.deliver(plan, Fate::Fine));
            }
        }
    }

    /// Lets everything come to rest, and says what was told of it.
    fn rest(&mut self) {
        self.pass_in_steps(10 * 86_400, 900);
        for (id, owed) in &self.owed {
            let mut told = self.told.get(id).cloned().unwrap_or_default();
            if self.crashed {
                // The same may have come twice.
                let mut once: Vec<Change> = Vec::new();
                for change in told.drain(..) {
                    let is_repeat =
                        once.contains(&change) && !matches!(change, Change::Closed | Change::Reopened);
                    if !is_repeat && once.last() != Some(&change) {
                        once.push(change);
                    }
                }
                told = once;
            }
            assert_eq!(&told, owed, "of {id}: told, and owed");
        }
        if let Some(storm) = self.policy.storm {
            let within = i64::try_from(storm.within.as_secs()).unwrap();
            for (until, _) in &self.sent {
                let count = self.sent.iter().filter(|(at, _)| *at > until - within && at <= until).count();
                let most = storm.messages + Severity::ALL.len() + usize::from(self.crashed);
                assert!(count <= most, "{count} messages in {within} s");
            }
        }
    }
}

fn deeds() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => Just(Deed::Grow),
        4 => Just(Deed::Rise),
        1 => Just(Deed::Move(Status::Acknowledged)),
        1 => Just(Deed::Move(Status::Closed)),
        1 => Just(Deed::Move(Status::New)),
        1 => Just(Deed::Order(OrderState::Kept)),
        1 => Just(Deed::Order(OrderState::Stuck)),
    ]
}

fn fates(crash: u32) -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::Fine),
        2 => Just(Fate::Later),
        2 => Just(Fate::Restart),
        crash => Just(Fate::Crash),
    ]
}

fn severities() -> impl Strategy<Value = Severity> {
    (0..Severity::ALL.len()).prop_map(|at| Severity::ALL[at])
}

fn policies() -> impl Strategy<Value = Policy> {
    let quiet = (0..1_440u16, 1..1_380u16, severities())
        .prop_map(|(from, length, below)| Quiet { hours: hours(from, (from + length) % 1_440), below });
    let storm = (1..6usize, 60..3_600u64)
        .prop_map(|(messages, within)| Storm { messages, within: Duration::from_secs(within) });
    let escalation = (60..7_200u64, 1..4u8)
        .prop_map(|(after, most)| Escalation { after: Duration::from_secs(after), most });
    (
        severities(),
        proptest::collection::vec(quiet, 0..2),
        proptest::option::of(storm),
        proptest::option::of(escalation),
    )
        .prop_map(|(least, quiet, storm, escalation)| Policy {
            least,
            quiet,
            storm,
            escalation,
            ..policy()
        })
}

fn cases() -> u32 {
    let scale = std::env::var("SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1);
    if scale >= 5 { 4_000 } else { 400 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_matters_is_lost_or_told_twice_and_quiet_hours_are_kept(
        policy in policies(),
        stream in proptest::collection::vec((0..4_000i64, 0..4u8, deeds(), fates(0)), 1..24),
    ) {
        let mut plant = Plant::new(policy);
        for (pause, number, deed, fate) in stream {
            plant.pass(pause);
            plant.happens(number, deed, fate);
        }
        plant.rest();
    }

    #[test]
    fn a_crash_behind_a_message_loses_nothing_and_repeats_that_message_at_most(
        stream in proptest::collection::vec((0..4_000i64, 0..3u8, deeds(), fates(4)), 1..24),
    ) {
        let mut plant = Plant::new(policy());
        for (pause, number, deed, fate) in stream {
            plant.pass(pause);
            plant.happens(number, deed, fate);
        }
        plant.rest();
    }

    #[test]
    fn whoever_acknowledges_is_called_no_more_and_silence_is_called_about_as_often_as_was_said(
        after in 60..7_200u64, most in 1..5u8, acknowledged in 0..40_000i64,
    ) {
        let escalation = Some(Escalation { after: Duration::from_secs(after), most });
        let mut plant = Plant::new(Policy { escalation, ..policy() });
        for _ in 0..3 {
            plant.happens(1, Deed::Rise, Fate::Restart);
        }
        let told = plant.sent.len();
        plant.pass(acknowledged);
        let calls = plant.sent.len() - told;
        let due = acknowledged / i64::try_from(after).unwrap();
        // Looked at once a minute, each call may be that late.
        prop_assert!(calls <= usize::from(most) && i64::try_from(calls).unwrap() <= due);
        plant.happens(1, Deed::Move(Status::Acknowledged), Fate::Restart);
        plant.rest();
        prop_assert_eq!(plant.sent.len(), told + calls);

        plant.happens(2, Deed::Rise, Fate::Fine);
        plant.rest();
        prop_assert_eq!(plant.sent.len(), told + calls + 1 + usize::from(most));
    }
}

fn opened(desk: &mut Desk, number: u8, severity: Severity, now: Timestamp) -> Heard {
    desk.hear(&told(number, &Case { revision: 1, severity, status: Status::New }, now), now)
}

fn desk(policy: Policy) -> Desk {
    Desk::new(policy, BTreeMap::new(), Ledger::default())
}

#[test]
fn what_fell_into_the_night_is_one_digest_in_the_morning_but_for_the_critical() {
    let quiet = vec![Quiet { hours: hours(22 * 60, 6 * 60), below: Severity::Critical }];
    let mut desk = desk(Policy { quiet, ..policy() });
    let night = at(23 * 3_600);
    for number in 0..3 {
        assert_eq!(opened(&mut desk, number, Severity::High, night), Heard::Remember);
    }
    let Heard::Tell(plan) = opened(&mut desk, 9, Severity::Critical, night) else { panic!("waits") };
    desk.told(plan, None, night);
    assert_eq!(desk.due(at(30 * 3_600 - 1)), None, "not a second early");
    let plan = desk.due(at(30 * 3_600)).unwrap();
    assert_eq!((plan.why, plan.notices.len(), plan.severity), (Why::Waited, 3, Severity::High));
    desk.told(plan, None, at(30 * 3_600));
    assert_eq!(desk.due(at(40 * 3_600)), None, "once");
}

#[test]
fn a_storm_is_few_messages_and_what_is_worse_than_it_goes_through() {
    let storm = Some(Storm { messages: 3, within: Duration::from_secs(600) });
    let mut desk = desk(Policy { storm, ..policy() });
    let mut messages = 0;
    for number in 0..100 {
        if let Heard::Tell(plan) = opened(&mut desk, number, Severity::Medium, at(i64::from(number))) {
            desk.told(plan, None, at(i64::from(number)));
            messages += 1;
        }
    }
    assert_eq!(messages, 3);
    let Heard::Tell(worse) = opened(&mut desk, 200, Severity::Critical, at(100)) else { panic!("waits") };
    desk.told(worse, None, at(100));
    assert_eq!(desk.due(at(101)), None);
    let digest = desk.due(at(703)).unwrap();
    assert_eq!(digest.notices.len(), 97);
}

#[test]
fn levels_are_called_one_after_the_other_and_whoever_is_off_duty_sleeps() {
    let line = |level, from, to, who: &str| OnCall { level, hours: hours(from, to), to: vec![who.into()] };
    let on_call = vec![
        line(1, 0, 12 * 60, "early"),
        line(1, 12 * 60, 24 * 60, "late"),
        line(2, 0, 24 * 60, "engineer"),
        line(4, 0, 8 * 60, "manager"),
    ];
    let escalation = Some(Escalation { after: Duration::from_secs(600), most: 4 });
    let mut desk = desk(Policy { on_call, escalation, to: Vec::new(), ..policy() });
    let mut heard = Vec::new();
    let Heard::Tell(plan) = opened(&mut desk, 1, Severity::High, at(0)) else { panic!("waits") };
    heard.push(plan.to.clone());
    desk.told(plan, None, at(0));
    for call in 1..=4 {
        let now = at(600 * call);
        let plan = desk.due(now).unwrap();
        heard.push(plan.to.clone());
        desk.told(plan, None, now);
    }
    assert_eq!(heard, [["early"], ["engineer"], ["manager"], ["manager"], ["manager"]]);
    assert_eq!(desk.due(at(86_400)), None, "at most so many times");
    assert_eq!(desk.policy().people(1, at(13 * 3_600)), ["late"]);
    assert_eq!(desk.policy().people(2, at(13 * 3_600)), ["late", "engineer"]);
}

#[test]
fn what_was_refused_is_told_again_on_demand_and_calls_the_next_level_meanwhile() {
    let escalation = Some(Escalation { after: Duration::from_secs(600), most: 1 });
    let mut desk = desk(Policy { escalation, ..policy() });
    let Heard::Tell(plan) = opened(&mut desk, 1, Severity::High, at(0)) else { panic!("waits") };
    desk.refused(plan);
    let call = desk.due(at(600)).unwrap();
    assert_eq!(call.why, Why::Unanswered);
    let Heard::Tell(again) = opened(&mut desk, 1, Severity::High, at(700)) else { panic!("lost") };
    assert_eq!(again.notices[0].changes, [Change::Again]);
    desk.told(again, None, at(700));
    assert_eq!(opened(&mut desk, 1, Severity::High, at(701)), Heard::Nothing, "once");
}
