//! Hours of the week, in the plant's own time: when an operating mode is due, when nothing may be cut.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use crate::{
    ShortText,
    document::Plain,
    section::{Fault, FromNode, Node, Reader},
    time::Timestamp,
};

const MINUTE_NANOS: i64 = 60_000_000_000;
const DAY: i64 = 1_440;
const WEEK: i64 = 7 * DAY;

/// Days, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Hours that come again every week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WeeklyHours {
    /// On which days they begin, Monday first.
    pub days: [bool; 7],
    /// The minute of the day at which they begin, 0 to 1,439.
    pub from: u16,
    /// The minute of the day at which they are over, 0 to 1,440; of the next day where it is not later than `from`.
    pub to: u16,
    /// How many minutes the plant's time is ahead of UTC.
    pub offset: i16,
}

impl WeeklyHours {
    /// Reads `days` (all where left out), `from`, `to` and `offset` of a table; none where one of them is at fault, which the reader keeps.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let from = reader.required::<Clock>("from", "from = \"06:00\"");
        let to = reader.required::<Clock>("to", "to = \"14:00\"");
        let offset = reader.optional::<Offset>("offset").map_or(0, |offset| offset.0);
        let words = reader.optional::<Vec<ShortText>>("days");
        let mut days = [words.is_none(); 7];
        for word in words.into_iter().flatten() {
            let day = DAYS.iter().position(|known| *known == word).and_then(|at| days.get_mut(at));
            match day {
                Some(day) => *day = true,
                None => {
                    let help = Some(format!("known are {}", DAYS.join(", ")));
                    reader.fault_at("days", format!("there is no day `{word}`"), help);
                }
            }
        }
        if days == [false; 7] {
            reader.fault_at("days", "names no day".into(), Some("leave it out for all days".into()));
        }
        from.zip(to).map(|(from, to)| Self { days, from: from.0 % 1_440, to: to.0, offset })
    }

    /// The keys and values that [`WeeklyHours::read`] reads.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, Plain)> {
        let mut lines = Vec::new();
        if self.days != [true; 7] {
            let days = self.day_words().map(|day| Plain::Text(day.to_string())).collect();
            lines.push(("days", Plain::List(days)));
        }
        lines.extend([("from", Plain::Text(clock(self.from))), ("to", Plain::Text(clock(self.to)))]);
        lines.extend((self.offset != 0).then(|| ("offset", Plain::Text(self.offset_text()))));
        lines
    }

    /// Whether a moment lies within them.
    #[must_use]
    pub fn holds_at(&self, time: Timestamp) -> bool {
        self.holds_in(minute_of(time))
    }

    /// The next moment after `time` at which they begin or are over.
    #[must_use]
    pub fn next_edge(&self, time: Timestamp) -> Timestamp {
        let minute = minute_of(time);
        let away = |at: i64| Some((at - minute).rem_euclid(WEEK)).filter(|away| *away > 0).unwrap_or(WEEK);
        let edges = self.beginnings().flat_map(|(begin, length)| [begin, begin + length]);
        let Some(next) = edges.map(away).min() else { return Timestamp::MAX };
        let whole = time.nanos().div_euclid(MINUTE_NANOS);
        Timestamp::from_nanos(whole.saturating_add(next).saturating_mul(MINUTE_NANOS))
    }

    /// Whether some moment lies within both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.beginnings().any(|(begin, _)| other.holds_in(begin))
            || other.beginnings().any(|(begin, _)| self.holds_in(begin))
    }

    /// The minutes of the week, counted from Monday 00:00 UTC, at which they begin, and how many they last.
    fn beginnings(&self) -> impl Iterator<Item = (i64, i64)> {
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        let length = if to > from { to - from } else { to - from + DAY };
        let offset = i64::from(self.offset);
        let days = (0..).zip(self.days).filter(|(_, is_due)| *is_due);
        days.map(move |(day, _): (i64, bool)| ((day * DAY + from - offset).rem_euclid(WEEK), length))
    }

    fn holds_in(&self, minute: i64) -> bool {
        self.beginnings().any(|(begin, length)| (minute - begin).rem_euclid(WEEK) < length)
    }

    fn day_words(&self) -> impl Iterator<Item = &'static str> {
        DAYS.into_iter().zip(self.days).filter(|(_, is_due)| *is_due).map(|(word, _)| word)
    }

    fn offset_text(&self) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        format!("{sign}{}", clock(self.offset.unsigned_abs()))
    }
}

impl fmt::Display for WeeklyHours {
    /// `on sat, sun from 06:00 to 14:00 +01:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = if self.days == [true; 7] {
            "all days".into()
        } else {
            self.day_words().collect::<Vec<_>>().join(", ")
        };
        let (from, to) = (clock(self.from), clock(self.to));
        write!(f, "on {days} from {from} to {to} {}", self.offset_text())
    }
}

/// `06:30` of so many minutes.
fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The minute of the week, from Monday 00:00 UTC.
fn minute_of(time: Timestamp) -> i64 {
    // The first day of 1970 was a Thursday.
    (time.nanos().div_euclid(MINUTE_NANOS) + 3 * DAY).rem_euclid(WEEK)
}

/// Minutes of a day, `00:00` to `24:00`.
struct Clock(u16);

impl FromNode for Clock {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let text = ShortText::from_node(node)?;
        minutes(&text).filter(|minutes| *minutes <= 1_440).map(Self).ok_or_else(|| Fault {
            at: node.at,
            message: format!("`{text}` is no time of the day"),
            help: Some("write 06:00, or 24:00 for its end".into()),
        })
    }
}

/// How far ahead of UTC the plant's time is.
struct Offset(i16);

impl FromNode for Offset {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let text = ShortText::from_node(node)?;
        let (sign, rest) = text.split_at_checked(1).unwrap_or_default();
        let minutes = minutes(rest).filter(|minutes| *minutes <= 14 * 60).and_then(|m| i16::try_from(m).ok());
        match (sign, minutes) {
            ("+", Some(minutes)) => Ok(Self(minutes)),
            ("-", Some(minutes)) => Ok(Self(-minutes)),
            _ => Err(Fault {
                at: node.at,
                message: format!("`{text}` is no distance from UTC"),
                help: Some("write \"+01:00\"; summer time is hours of its own".into()),
            }),
        }
    }
}

/// `06:30` in minutes.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok()).flatten();
    let (hours, minutes) = (two(hours)?, two(minutes).filter(|minutes| *minutes < 60)?);
    (hours <= 24).then(|| hours * 60 + minutes)
}
