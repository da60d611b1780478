//! The life of one order: a state machine without I/O and without a clock.
//!
//! ```text
//! begin -> Applying --read back--> Provisional --keep--> Kept --lapse--> Lapsed
//!             |                        |  no keep in time    |
//!             +--a step failed--+      +-------> Reverted    +--release--> Released
//!                               v
//!                           Reverted, or Stuck when undoing fails too
//! ```
//!
//! Whoever ends an order first writes down how it is to end ([`Life::ending`]), then changes the device, then calls
//! [`Life::ended`]; so a crash between the two ends it as well.

use std::{collections::BTreeSet, time::Duration};

use fieldwarden_model::{
    Order, OrderState, Timestamp,
    order::{OnDegraded, PlanHash, Report},
};
use serde::{Deserialize, Serialize};

use crate::{
    content::Match,
    moment::{Boot, Moment},
};

/// Applied, kept, resumed in another run of the machine, put back once, about to end, ended.
const LINES_TO_COME: u64 = 6;
/// A line without what people write, and with some room for the cause of what follows, in octets.
const PLAIN_LINE: u64 = 1_536;

/// An order, where it stands, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The order.
    pub order: Order,
    /// Who approved it.
    pub approved_by: Vec<String>,
    /// Where it stands, as reported.
    pub report: Report,
    /// When it began to be applied.
    pub begun: Moment,
    /// Until when a keep must come.
    pub keep_by: Moment,
    /// When it lapses.
    pub lapse_by: Moment,
    /// How it is to end, once someone decided that it does: the state and the cause.
    pub ending: Option<(OrderState, String)>,
    /// In which run of the machine the moments were told.
    pub boot: Boot,
}

/// What a release or a keep is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A person ends it, or the plant is well.
    Usual,
    /// A protected conversation degraded.
    Degraded,
}

/// What is cut for orders among `lives` that nobody has kept, and for no kept one.
pub(crate) fn unkept<'a>(lives: impl Iterator<Item = &'a Life>) -> BTreeSet<Match> {
    let (kept, unkept): (Vec<&Life>, Vec<&Life>) = lives
        .filter(|life| life.held_until().is_some())
        .partition(|life| life.report.state == OrderState::Kept);
    let cuts = |lives: Vec<&Life>| lives.into_iter().flat_map(|life| Match::of(&life.order)).collect();
    let (kept, unkept): (BTreeSet<Match>, BTreeSet<Match>) = (cuts(kept), cuts(unkept));
    &unkept - &kept
}

impl Life {
    /// An order about to be applied. Its deadlines count from here.
    #[must_use]
    pub fn begin(order: Order, plan: PlanHash, approved_by: Vec<String>, now: Moment, boot: Boot) -> Self {
        let keep_by = now.after(Duration::from_secs(order.keep_within_secs.into()));
        let lapse_by = now.after(Duration::from_secs(order.lapse_secs.into()));
        let report = Report {
            order: order.id.clone(),
            state: OrderState::Applying,
            time: now.wall,
            cause: format!("approved by {}", approved_by.join(", ")),
            plan: Some(plan),
            lapses: Some(lapse_by.wall),
        };
        Self { order, approved_by, report, begun: now, keep_by, lapse_by, ending: None, boot }
    }

    /// Whether the device may still hold something of it.
    #[must_use]
    pub const fn in_force(&self) -> bool {
        self.report.state.in_force()
    }

    /// The most octets that the lines still to be written of it take in a journal, about.
    #[must_use]
    pub fn room(&self) -> u64 {
        let texts = [&self.order.reason, &self.order.author, &self.report.cause];
        let texts = texts.into_iter().chain(&self.approved_by).map(String::len).sum::<usize>();
        // JSON may take six octets for one.
        LINES_TO_COME * (PLAIN_LINE + 6 * texts as u64)
    }

    /// Until when the device is to hold it; none when the device is to hold nothing of it (any longer).
    #[must_use]
    pub fn held_until(&self) -> Option<Moment> {
        if self.ending.is_some() {
            return None;
        }
        match self.report.state {
            OrderState::Applying | OrderState::Provisional => {
                let nearer = self.keep_by.uptime_ms <= self.lapse_by.uptime_ms;
                Some(if nearer { self.keep_by } else { self.lapse_by })
            }
            OrderState::Kept => Some(self.lapse_by),
            _ => None,
        }
    }

    /// How it ends by itself at `now`, if it does.
    #[must_use]
    pub fn due(&self, now: Moment) -> Option<(OrderState, String)> {
        let until = self.held_until()?;
        if !until.is_past(now) {
            return None;
        }
        Some(match self.report.state {
            OrderState::Kept => (OrderState::Lapsed, format!("its {} s are over", self.order.lapse_secs)),
            OrderState::Provisional => {
                (OrderState::Reverted, format!("no keep came within {} s", self.order.keep_within_secs))
            }
            _ => (OrderState::Reverted, "it was not applied in time".into()),
        })
    }

    /// The next moment at which it changes by itself.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Moment> {
        self.held_until()
    }

    /// The device reads back as desired.
    pub fn applied(&mut self, cause: String, now: Moment) {
        self.enter(OrderState::Provisional, cause, now.wall);
    }

    /// Why a keep that names `plan` is not accepted at `now`.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn may_keep(&self, plan: &PlanHash, occasion: Occasion, now: Moment) -> Result<(), String> {
        if self.report.state != OrderState::Provisional || self.ending.is_some() {
            return Err(format!("order {} is {}, not provisional", self.order.id, self.report.state.word()));
        }
        if self.report.plan.as_ref() != Some(plan) {
            return Err(format!(
                "the keep names another plan than the one order {} was applied by",
                self.order.id
            ));
        }
        if self.keep_by.is_past(now) || self.lapse_by.is_past(now) {
            return Err(format!("the keep came after the {} s it had", self.order.keep_within_secs));
        }
        if occasion == Occasion::Degraded && self.order.on_degraded != OnDegraded::HoldAndAsk {
            return Err(format!(
                "a conversation degraded, and order {} does not say `hold_and_ask`",
                self.order.id
            ));
        }
        Ok(())
    }

    /// It is kept until it lapses, as the watch over the plant ended.
    pub fn kept(&mut self, occasion: Occasion, verdict: &str, now: Moment) {
        let cause = match occasion {
            Occasion::Degraded => format!(
                "a person must decide: release it, or let it stand until it lapses. It is held as it says `hold_and_ask`, though {verdict}"
            ),
            Occasion::Usual if verdict.is_empty() => "the protected conversations are well".into(),
            Occasion::Usual => verdict.to_owned(),
        };
        self.enter(OrderState::Kept, cause, now.wall);
    }

    /// Why it may not be released on account of a degraded conversation: its terms say to hold and ask.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn may_release(&self, occasion: Occasion) -> Result<(), String> {
        if !self.in_force() {
            return Err(format!("order {} is {} already", self.order.id, self.report.state.word()));
        }
        if occasion == Occasion::Degraded && self.order.on_degraded == OnDegraded::HoldAndAsk {
            return Err(format!(
                "order {} says `hold_and_ask`: a degraded conversation does not end it, a person may",
                self.order.id
            ));
        }
        Ok(())
    }

    /// Decides how it is to end; the device follows.
    pub fn end(&mut self, state: OrderState, cause: String) {
        if self.in_force() {
            self.ending = Some((state, cause));
        }
    }

    /// Decides how it is to end, unless that was decided and written down already: whoever starts knows nothing better.
    pub fn end_unless_decided(&mut self, state: OrderState, cause: String) {
        if self.ending.is_none() {
            self.end(state, cause);
        }
    }

    /// The device holds nothing of it any longer.
    pub fn ended(&mut self, now: Moment) {
        let (state, cause) = self.ending.take().unwrap_or((OrderState::Reverted, "it was undone".into()));
        self.enter(state, cause, now.wall);
    }

    /// The device could not be brought to the state decided: an operator must act. It is tried again by itself.
    pub fn stuck(&mut self, fault: &str, now: Moment) {
        let goal = self.ending.as_ref().map_or_else(String::new, |(state, cause)| {
            format!("; it should be {} since {cause}", state.word())
        });
        self.enter(OrderState::Stuck, format!("{fault}{goal}"), now.wall);
    }

    /// The same life read from a journal by the machine's run `boot`.
    #[must_use]
    pub fn resumed(mut self, now: Moment, boot: &Boot) -> Self {
        if self.boot != *boot {
            if now.wall < self.report.time {
                // A clock that went back cannot tell how old the order is, and a machine without a clock of its own
                // would begin the lapse anew at every start.
                let cause = "the clock went back while the machine restarted";
                self.end_unless_decided(OrderState::Reverted, cause.into());
            }
            let full = |secs: u32| Duration::from_secs(secs.into());
            self.keep_by = self.keep_by.in_boot_of(now, full(self.order.keep_within_secs));
            self.lapse_by = self.lapse_by.in_boot_of(now, full(self.order.lapse_secs));
            let age = now.wall.since(self.begun.wall);
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            self.begun = Moment { wall: self.begun.wall, uptime_ms: now.uptime_ms.saturating_sub(age_ms) };
            self.boot = boot.clone();
        }
        self
    }

    fn enter(&mut self, state: OrderState, cause: String, time: Timestamp) {
        self.report.state = state;
        self.report.cause = cause;
        self.report.time = time;
    }
}
