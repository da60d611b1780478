//! The journals of real orders, cut after any line and told of any moment and any run of the machine; and what must then be so.

use std::{fs, path::Path, time::Duration};

use fieldwarden_enforcer::{
    journal::{Entry, line, parse_line},
    moment::{Boot, Moment},
    order_life::Life,
};
use fieldwarden_model::{OrderId, OrderState, Timestamp};

/// The terms of every order once its journal is told anew, in seconds: far longer than anything here takes.
const KEEP_SECS: u32 = 1_000;
const LAPSE_SECS: u32 = 3_000;

/// How the enforcer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Killed: the machine and the device went on.
    Killed,
    /// The power was cut: another run of the machine.
    PowerCut,
    /// Likewise, and the clock went back a day.
    ClockBack,
}

/// When it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    AtOnce,
    BehindTheKeepDeadline,
    BehindTheLapse,
}

impl Back {
    /// How long ago the orders began.
    fn age(self) -> Duration {
        Duration::from_secs(match self {
            Self::AtOnce => 10,
            Self::BehindTheKeepDeadline => 1_500,
            Self::BehindTheLapse => 4_000,
        })
    }
}

/// What the last line of the journal looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// It is whole.
    Whole,
    /// Its end is missing, and nothing else.
    Unended,
    /// Half of the next line is there too.
    Torn,
}

/// Which line's device is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Device {
    /// The last line was written, and nothing done yet.
    Before,
    /// What it says was done.
    After,
    /// What the next line says was done: the disk forgot a line that it had promised to hold.
    Beyond,
}

/// One way to die and to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// Which story.
    pub(crate) story: usize,
    /// How many of its lines are there.
    pub(crate) lines: usize,
    pub(crate) tail: Tail,
    pub(crate) device: Device,
    pub(crate) end: End,
    pub(crate) back: Back,
    /// Whether the site's list of what is never cut names the target by now.
    pub(crate) is_protected: bool,
}

/// Every line of one order's life, as the enforcer wrote them.
pub(crate) struct Story(Vec<Life>);

impl Story {
    /// Reads the lines of one order.
    pub(crate) fn read(journal: &Path, id: &OrderId) -> Self {
        let all = entries(journal).into_iter();
        Self(all.filter_map(|entry| of(entry, id)).collect())
    }

    pub(crate) fn id(&self) -> &OrderId {
        &self.0[0].order.id
    }

    /// The states it went through; those decided and not reached yet with a question mark.
    pub(crate) fn words(&self) -> Vec<String> {
        let mark = |life: &Life| if life.ending.is_some() { "?" } else { "" };
        self.0.iter().map(|life| format!("{}{}", life.report.state.word(), mark(life))).collect()
    }

    /// How it stands in the end.
    pub(crate) fn last(&self) -> &Life {
        self.0.last().unwrap()
    }

    /// Every way to die in this story, where `forgets` says whether the device loses all with the power.
    pub(crate) fn ways(&self, story: usize, forgets: bool) -> Vec<Way> {
        let backs = [Back::AtOnce, Back::BehindTheKeepDeadline, Back::BehindTheLapse];
        let mut ways = Vec::new();
        for lines in 0..=self.0.len() {
            for (end, back) in
                [(End::Killed, &backs[..]), (End::PowerCut, &backs[..]), (End::ClockBack, &backs[..1])]
                    .into_iter()
                    .flat_map(|(end, backs)| backs.iter().map(move |back| (end, *back)))
            {
                for tail in [Tail::Whole, Tail::Unended, Tail::Torn] {
                    for device in [Device::Before, Device::After, Device::Beyond] {
                        let way = Way { story, lines, tail, device, end, back, is_protected: false };
                        if !(self.is_double(&way) || forgets && way.forgets() && device != Device::After) {
                            ways.push(way);
                        }
                    }
                }
            }
            // However it ended, what is protected by now does not stand.
            let (tail, device, back, is_protected) = (Tail::Whole, Device::After, Back::AtOnce, true);
            for end in [End::Killed, End::PowerCut] {
                ways.push(Way { story, lines, tail, device, end, back, is_protected });
            }
        }
        ways
    }

    /// Whether it is there to be torn, and differs from the way told before.
    fn is_double(&self, way: &Way) -> bool {
        let held = |line: Option<usize>| self.0.get(line?)?.held_until().map(|until| until.uptime_ms);
        let at = |device| match device {
            Device::Before => held(way.lines.checked_sub(2)),
            Device::After => held(way.lines.checked_sub(1)),
            Device::Beyond => held(Some(way.lines)),
        };
        let no_next = way.lines == self.0.len();
        let is_double = match way.device {
            Device::After => at(Device::Before) == at(Device::After) && way.lines > 0 && !way.forgets(),
            Device::Before => way.lines == 0,
            Device::Beyond => no_next || at(Device::Beyond) == at(Device::After),
        };
        is_double || way.tail == Tail::Torn && no_next
    }

    /// What the device is to hold of the order when the enforcer comes back, by the line that `way` names.
    pub(crate) fn on_device(&self, way: &Way, now: Moment) -> Option<Moment> {
        let line = match way.device {
            Device::Before => way.lines.checked_sub(2)?,
            Device::After => way.lines.checked_sub(1)?,
            Device::Beyond => way.lines,
        };
        retold(self.0.get(line)?, way, now).held_until()
    }

    /// The journal that is found.
    pub(crate) fn journal(&self, way: &Way, now: Moment) -> Vec<u8> {
        let told = |life: &Life| line(&Entry::Order(Box::new(retold(life, way, now))));
        let mut text: Vec<u8> = self.0.iter().take(way.lines).map(told).collect::<String>().into_bytes();
        if let (Tail::Torn, Some(next)) = (way.tail, self.0.get(way.lines)) {
            let next = told(next).into_bytes();
            text.extend(&next[..next.len() / 2]);
        }
        text
    }

    /// In which state the order is to be once the enforcer is back, by the last whole line and by whether the device `holds` it; none
    /// where it is not known.
    pub(crate) fn must_be(&self, way: &Way, holds: bool) -> Option<OrderState> {
        let last = self.0.get(way.lines.checked_sub(1)?)?;
        if let Some((state, _)) = &last.ending {
            return Some(*state);
        }
        let state = last.report.state;
        Some(match (state, way.end, way.back) {
            (OrderState::Applying, ..) => OrderState::Reverted,
            (OrderState::Provisional | OrderState::Kept, End::ClockBack, _) => OrderState::Reverted,
            (OrderState::Provisional | OrderState::Kept, ..) if way.is_protected => OrderState::Reverted,
            (OrderState::Provisional, _, Back::AtOnce) if holds => OrderState::Provisional,
            (OrderState::Provisional, ..) => OrderState::Reverted,
            (OrderState::Kept, _, Back::BehindTheLapse) => OrderState::Lapsed,
            _ => state,
        })
    }

    /// How long the device may hold it from `now` on, in milliseconds.
    pub(crate) fn ends_in_ms(state: OrderState, way: &Way) -> u64 {
        let term = if state == OrderState::Provisional { KEEP_SECS } else { LAPSE_SECS };
        let left = Duration::from_secs(term.into()).saturating_sub(way.back.age());
        u64::try_from(left.as_millis()).unwrap()
    }
}

impl Way {
    /// Whether a device that keeps nothing without power has lost everything.
    pub(crate) fn forgets(&self) -> bool {
        self.end != End::Killed
    }

    /// The same for an order that just began and is to stand whatever happens.
    pub(crate) fn of_neighbour(&self) -> Self {
        let end = if self.end == End::ClockBack { End::PowerCut } else { self.end };
        Self { back: Back::AtOnce, end, ..*self }
    }
}

/// A line as if the order had long terms, and had begun as long ago as `way` says.
pub(crate) fn retold(life: &Life, way: &Way, now: Moment) -> Life {
    let mut life = life.clone();
    (life.order.keep_within_secs, life.order.lapse_secs) = (KEEP_SECS, LAPSE_SECS);
    let ago = |span: Duration| Moment {
        wall: now.wall.saturating_sub(span),
        uptime_ms: now.uptime_ms.saturating_sub(u64::try_from(span.as_millis()).unwrap()),
    };
    // What is already past may lie before the machine's start, so nothing is counted from the beginning.
    let of_terms = |term: u32| {
        let term = Duration::from_secs(term.into());
        let left = term.saturating_sub(way.back.age());
        if left.is_zero() { ago(way.back.age().saturating_sub(term)) } else { now.after(left) }
    };
    (life.begun, life.keep_by, life.lapse_by) =
        (ago(way.back.age()), of_terms(KEEP_SECS), of_terms(LAPSE_SECS));
    life.report.time = life.begun.wall;
    if way.end != End::Killed {
        life.boot = Boot("the run before".into());
        // The time since another start says nothing here.
        for moment in [&mut life.begun, &mut life.keep_by, &mut life.lapse_by] {
            moment.uptime_ms += 1_000_000_000;
        }
    }
    if way.end == End::ClockBack {
        let day = Duration::from_secs(86_400);
        let later = |time: Timestamp| time.saturating_add(day);
        for moment in [&mut life.begun, &mut life.keep_by, &mut life.lapse_by] {
            moment.wall = later(moment.wall);
        }
        life.report.time = later(life.report.time);
    }
    life.report.lapses = Some(life.lapse_by.wall);
    life
}

/// Every line of a journal that is whole.
pub(crate) fn entries(journal: &Path) -> Vec<Entry> {
    let text = fs::read(journal).unwrap();
    text.split(|octet| *octet == b'\n').filter_map(parse_line).collect()
}

/// The last line of an order: its state, or the one that it is about to have.
pub(crate) fn last(journal: &Path, id: &OrderId) -> Option<(OrderState, bool)> {
    let last = entries(journal).into_iter().filter_map(|entry| of(entry, id)).next_back()?;
    Some((last.report.state, last.ending.is_some()))
}

fn of(entry: Entry, id: &OrderId) -> Option<Life> {
    match entry {
        Entry::Order(life) if life.order.id == *id => Some(*life),
        _ => None,
    }
}
