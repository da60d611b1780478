//! When a mode is due: days of the week and times of the day, in the plant's own time.

use core::fmt;

use fieldwarden_model::Timestamp;

use super::ModeName;

const MINUTE_NANOS: i64 = 60_000_000_000;
const DAY: i64 = 1_440;
const WEEK: i64 = 7 * DAY;

/// Days, Monday first.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Hours of the week in which a mode is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift {
    /// The mode.
    pub mode: ModeName,
    /// On which days it begins, Monday first.
    pub days: [bool; 7],
    /// The minute of the day at which it begins.
    pub from: u16,
    /// The minute of the day at which it is over; of the next day where it is not later than `from`.
    pub to: u16,
    /// How many minutes the plant's time is ahead of UTC.
    pub offset: i16,
}

impl Shift {
    /// The minutes of the week, counted from Monday 00:00 UTC, at which it begins, and how many it lasts.
    fn beginnings(&self) -> impl Iterator<Item = (i64, i64)> {
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        let length = if to > from { to - from } else { to - from + DAY };
        let offset = i64::from(self.offset);
        let days = (0..).zip(self.days).filter(|(_, is_due)| *is_due);
        days.map(move |(day, _): (i64, bool)| ((day * DAY + from - offset).rem_euclid(WEEK), length))
    }

    fn holds_at(&self, minute: i64) -> bool {
        self.beginnings().any(|(begin, length)| (minute - begin).rem_euclid(WEEK) < length)
    }

    /// Whether both are due at one time.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.beginnings().any(|(begin, _)| other.holds_at(begin))
            || other.beginnings().any(|(begin, _)| self.holds_at(begin))
    }

    pub(super) fn days_words(&self) -> Vec<&'static str> {
        DAYS.into_iter().zip(self.days).filter(|(_, is_due)| *is_due).map(|(word, _)| word).collect()
    }

    pub(super) fn offset_text(&self) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        format!("{sign}{}", clock(self.offset.unsigned_abs()))
    }
}

impl fmt::Display for Shift {
    /// `maintenance on sat, sun from 06:00 to 14:00 +01:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = if self.days == [true; 7] { "all days".into() } else { self.days_words().join(", ") };
        let (from, to) = (clock(self.from), clock(self.to));
        write!(f, "{} on {days} from {from} to {to} {}", self.mode, self.offset_text())
    }
}

/// `06:30` of so many minutes.
pub(super) fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The minute of the week, from Monday 00:00 UTC.
fn minute_of(time: Timestamp) -> i64 {
    // The first day of 1970 was a Thursday.
    (time.nanos().div_euclid(MINUTE_NANOS) + 3 * DAY).rem_euclid(WEEK)
}

/// The mode that is due; none where nothing is.
pub(crate) fn mode_at(schedule: &[Shift], time: Timestamp) -> Option<ModeName> {
    let minute = minute_of(time);
    schedule.iter().find(|shift| shift.holds_at(minute)).map(|shift| shift.mode)
}

/// When something begins or ends next.
pub(crate) fn next_change(schedule: &[Shift], time: Timestamp) -> Timestamp {
    let minute = minute_of(time);
    let away = |at: i64| Some((at - minute).rem_euclid(WEEK)).filter(|away| *away > 0).unwrap_or(WEEK);
    let edges =
        schedule.iter().flat_map(Shift::beginnings).flat_map(|(begin, length)| [begin, begin + length]);
    let Some(next) = edges.map(away).min() else { return Timestamp::MAX };
    let whole = time.nanos().div_euclid(MINUTE_NANOS);
    Timestamp::from_nanos(whole.saturating_add(next).saturating_mul(MINUTE_NANOS))
}
