//! Which values may be written to a point: between two bounds, one of a few, bits of a word, or a counter's next.
//!
//! Each kind says no more than people can check with the drawing in hand. [`shape`](super::shape) chooses one out of what was
//! seen.

use std::sync::Arc;

use fieldwarden_model::Value;

use super::order;
use crate::motion::number;

/// Values that one line may list; whoever needs more means a range.
pub const MAX_LISTED: usize = 64;

/// The values that may be written to a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Allowed {
    /// Every value between two bounds, both included; an absent one is no bound.
    Range {
        /// The least.
        minimum: Option<Value>,
        /// The greatest.
        maximum: Option<Value>,
    },
    /// A few values and none between them.
    Values(Few),
    /// A word whose bits mean something each.
    Bits(Bits),
    /// A life sign or a count: it goes up by small steps, and starts anew at the end of its range. Apart, since it is rare.
    Counter(Box<Counter>),
}

/// A few values, sorted, each once as it is spelled. Shared: many points have the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Few(Arc<[Value]>);

/// The bits of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    /// Those that change.
    changing: u64,
    /// Those that are always set; none of them changes.
    set: u64,
}

/// How a count goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counter {
    /// The most it goes up by at once.
    pub step: u64,
    /// Where it begins anew; absent where that was not seen: then at the end of a word of 8, 16 or 32 bits.
    pub minimum: Option<Value>,
    /// The last before it begins anew.
    pub maximum: Option<Value>,
}

impl Allowed {
    /// Any value.
    pub const ANY: Self = Self::Range { minimum: None, maximum: None };

    /// One value and no other.
    pub(crate) const fn only(value: Value) -> Self {
        Self::Range { minimum: Some(value), maximum: Some(value) }
    }

    /// Whether a value may be written, whatever was written before it.
    pub(crate) fn allows(&self, value: Value) -> bool {
        match self {
            Self::Range { minimum, maximum } => within(*minimum, *maximum, value),
            Self::Values(few) => few.holds(value),
            Self::Bits(bits) => bits.allow(value),
            Self::Counter(counter) => within(counter.minimum, counter.maximum, value),
        }
    }

    /// Whether a value may follow another one.
    pub(crate) fn follows(&self, before: f64, value: Value) -> bool {
        match self {
            Self::Counter(counter) => counter.follows(before, value),
            _ => true,
        }
    }

    /// The bounds, where it has some.
    #[must_use]
    pub const fn bounds(&self) -> Option<(Option<Value>, Option<Value>)> {
        match self {
            Self::Range { minimum, maximum } => Some((*minimum, *maximum)),
            Self::Counter(counter) => Some((counter.minimum, counter.maximum)),
            Self::Values(_) | Self::Bits(_) => None,
        }
    }

    /// Whether two are of one kind.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(other)
    }

    /// Whether two are spelled alike: `1` is not `1.0`, and what is not a number equals itself.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Values(own), Self::Values(others)) => own.same(others),
            (Self::Bits(own), Self::Bits(others)) => own == others,
            (Self::Counter(own), Self::Counter(others)) if own.step != others.step => false,
            _ if self.is_like(other) => match (self.bounds(), other.bounds()) {
                (Some((low, high)), Some((other_low, other_high))) => {
                    same_bound(low, other_low) && same_bound(high, other_high)
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether it lets through whatever another does. Where that is not plain to see it does not: a person looks at it then.
    pub(crate) fn covers(&self, narrow: &Self) -> bool {
        if self.same(narrow) {
            return true;
        }
        match (self, narrow) {
            (_, Self::Values(few)) if !matches!(self, Self::Counter(_)) => {
                few.iter().all(|value| self.allows(value))
            }
            (Self::Bits(wide), Self::Bits(narrow)) => wide.cover(*narrow),
            (Self::Range { .. }, Self::Bits(bits)) => {
                bits.ends().is_some_and(|(least, most)| self.allows(least) && self.allows(most))
            }
            (Self::Counter(wide), Self::Counter(narrow)) => {
                wide.step >= narrow.step
                    && same_bound(wide.minimum, narrow.minimum)
                    && same_bound(wide.maximum, narrow.maximum)
            }
            (Self::Range { minimum, maximum }, Self::Range { .. } | Self::Counter(_)) => {
                let (low, high) = narrow.bounds().unwrap_or_default();
                let least = minimum.is_none_or(|wide| low.is_some_and(|low| order(wide, low).is_le()));
                least && maximum.is_none_or(|wide| high.is_some_and(|high| order(wide, high).is_ge()))
            }
            // One value is one value, however it is written.
            (_, Self::Range { minimum: Some(low), maximum: Some(high) }) if order(*low, *high).is_eq() => {
                !matches!(self, Self::Counter(_)) && self.allows(*low)
            }
            _ => false,
        }
    }
}

impl Allowed {
    /// What lets through whatever one of both does, of the kind that both are, else as the range around both.
    pub(crate) fn with(&self, other: &Self) -> Self {
        match (self, other) {
            _ if self.covers(other) => self.clone(),
            _ if other.covers(self) => other.clone(),
            (Self::Values(own), Self::Values(others)) if own.len() + others.len() <= MAX_LISTED => {
                Self::Values(Few::new(own.iter().chain(others.iter()).collect()))
            }
            (Self::Bits(own), Self::Bits(others)) => {
                Self::Bits(own.with(others.changing | (own.set ^ others.set)))
            }
            _ => {
                let (own, others) = (self.ends(), other.ends());
                let bound = |a: Option<Value>, b: Option<Value>, wanted: core::cmp::Ordering| {
                    a.zip(b).map(|(a, b)| if order(a, b) == wanted { a } else { b })
                };
                let minimum = bound(own.0, others.0, core::cmp::Ordering::Less);
                let maximum = bound(own.1, others.1, core::cmp::Ordering::Greater);
                match (self, other) {
                    (Self::Counter(own), Self::Counter(others)) => {
                        Self::Counter(Box::new(Counter { step: own.step.max(others.step), minimum, maximum }))
                    }
                    _ => Self::Range { minimum, maximum },
                }
            }
        }
    }

    /// The least and the greatest value let through, where there are such.
    fn ends(&self) -> (Option<Value>, Option<Value>) {
        match self {
            Self::Values(few) => (few.iter().next(), few.iter().last()),
            Self::Bits(bits) => bits.ends().unzip(),
            Self::Range { .. } | Self::Counter(_) => self.bounds().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
impl Allowed {
    /// Whole numbers between two bounds.
    pub(crate) const fn between(minimum: i64, maximum: i64) -> Self {
        Self::Range { minimum: Some(Value::Integer(minimum)), maximum: Some(Value::Integer(maximum)) }
    }
}

impl Few {
    /// A list in its canonical order; what is spelled twice stands once.
    #[must_use]
    pub fn new(mut values: Vec<Value>) -> Self {
        values.sort_by(|a, b| order(*a, *b).then_with(|| spelling(*a).cmp(&spelling(*b))));
        values.dedup_by_key(|value| spelling(*value));
        Self(values.into())
    }

    /// The values in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value> + '_ {
        self.0.iter().copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a value is among them.
    fn holds(&self, value: Value) -> bool {
        self.0.binary_search_by(|own| order(*own, value)).is_ok()
    }

    /// Whether a value is among them in this spelling.
    pub(crate) fn spells(&self, value: Value) -> bool {
        self.iter().any(|own| spelling(own) == spelling(value))
    }

    fn same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| spelling(a) == spelling(b))
    }
}

impl Bits {
    /// Bits that change, and bits that are always set; none where they have some in common.
    #[must_use]
    pub const fn new(changing: u64, set: u64) -> Option<Self> {
        if changing & set == 0 { Some(Self { changing, set }) } else { None }
    }

    /// The bits that change.
    #[must_use]
    pub const fn changing(self) -> u64 {
        self.changing
    }

    /// The bits that are always set.
    #[must_use]
    pub const fn set(self) -> u64 {
        self.set
    }

    /// The bits of a value that are not as they always were; none for what has no bits.
    pub(crate) const fn strange(self, value: Value) -> Option<u64> {
        match value {
            Value::Integer(value) => Some((value.cast_unsigned() ^ self.set) & !self.changing),
            Value::Float(_) => None,
        }
    }

    fn allow(self, value: Value) -> bool {
        self.strange(value) == Some(0)
    }

    /// The same, with more bits that change.
    pub(crate) const fn with(self, more: u64) -> Self {
        Self { changing: self.changing | more, set: self.set & !more }
    }

    fn cover(self, narrow: Self) -> bool {
        narrow.changing & !self.changing == 0 && (narrow.set ^ self.set) & !self.changing == 0
    }

    /// The least and the greatest value; none where the sign is among the bits.
    fn ends(self) -> Option<(Value, Value)> {
        let value = |bits: u64| i64::try_from(bits).ok().map(Value::Integer);
        value(self.set).zip(value(self.set | self.changing))
    }
}

impl Counter {
    /// Whether the count may go on like this: it may stand still, go up by a step, or begin anew.
    pub(crate) fn follows(&self, before: f64, value: Value) -> bool {
        let value = number(value);
        #[expect(clippy::cast_precision_loss, reason = "steps of a count are small")]
        let step = self.step as f64;
        let up = value - before;
        if (0.0..=step).contains(&up) {
            return true;
        }
        let anew = |least: f64, most: f64| {
            before <= most && value >= least && (most - before) + (value - least) + 1.0 <= step
        };
        match self.maximum {
            Some(maximum) => anew(self.minimum.map_or(0.0, number), number(maximum)),
            None => WORDS
                .iter()
                .any(|&(least, most)| anew(number(Value::Integer(least)), number(Value::Integer(most)))),
        }
    }
}

/// The least and the greatest number of words of 8, 16 and 32 bits, without and with a sign.
pub(super) const WORDS: [(i64, i64); 6] = [
    (0, 255),
    (-128, 127),
    (0, 65_535),
    (-32_768, 32_767),
    (0, 4_294_967_295),
    (-2_147_483_648, 2_147_483_647),
];

#[inline]
fn within(minimum: Option<Value>, maximum: Option<Value>, value: Value) -> bool {
    let least = minimum.is_none_or(|minimum| order(minimum, value).is_le());
    least && maximum.is_none_or(|maximum| order(value, maximum).is_le())
}

/// How a value is spelled: whole numbers apart from real ones, and each by its bits.
const fn spelling(value: Value) -> (bool, u64) {
    match value {
        Value::Integer(value) => (false, value.cast_unsigned()),
        Value::Float(value) => (true, value.to_bits()),
    }
}

/// Whether two bounds are spelled alike: `1` is not `1.0`, and what is not a number equals itself.
pub(crate) fn same_bound(a: Option<Value>, b: Option<Value>) -> bool {
    a.map(spelling) == b.map(spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few(values: &[i64]) -> Allowed {
        Allowed::Values(Few::new(values.iter().map(|value| Value::Integer(*value)).collect()))
    }

    fn bits(changing: u64, set: u64) -> Allowed {
        Allowed::Bits(Bits::new(changing, set).unwrap())
    }

    fn counter(step: u64, bounds: Option<(i64, i64)>) -> Allowed {
        let (minimum, maximum) = bounds.map(|(a, b)| (Value::Integer(a), Value::Integer(b))).unzip();
        Allowed::Counter(Box::new(Counter { step, minimum, maximum }))
    }

    #[test]
    fn an_envelope_is_as_small_as_two_bounds() {
        assert_eq!(size_of::<Allowed>(), 2 * size_of::<Option<Value>>());
    }

    #[test]
    fn a_few_values_are_those_and_none_between() {
        let few = few(&[3, 0, 1, 3]);
        let allowed: Vec<i64> = (-2..9).filter(|value| few.allows(Value::Integer(*value))).collect();
        assert_eq!(allowed, [0, 1, 3]);
        assert!(few.allows(Value::Float(3.0)) && !few.allows(Value::Float(f64::NAN)));
    }

    #[test]
    fn bits_change_alone_or_together() {
        let word = bits(0x5, 0x10);
        let allowed: Vec<i64> = (0..64).filter(|value| word.allows(Value::Integer(*value))).collect();
        assert_eq!(allowed, [0x10, 0x11, 0x14, 0x15]);
        assert!(!word.allows(Value::Integer(-1)) && !word.allows(Value::Float(16.0)));
        assert_eq!(Bits::new(1, 3), None, "a bit that changes is not always set");
    }

    #[test]
    fn a_counter_goes_up_and_begins_anew_at_its_end() {
        let free = counter(2, None);
        let follows = |before: i32, value| free.follows(f64::from(before), Value::Integer(value));
        assert!(follows(7, 7) && follows(7, 9) && !follows(7, 10) && !follows(7, 6));
        assert!(follows(255, 0) && follows(254, 0) && follows(65_535, 1) && follows(32_767, -32_768));
        assert!(!follows(200, 0) && !follows(255, 2) && !follows(256, 0));
        let bounded = counter(1, Some((1, 9)));
        let follows = |before: i32, value| bounded.follows(f64::from(before), Value::Integer(value));
        assert!(follows(9, 1) && !follows(9, 2) && !follows(8, 1) && !follows(255, 0));
        assert!(!bounded.allows(Value::Integer(0)) && !bounded.allows(Value::Integer(10)));
    }

    #[test]
    fn what_covers_what() {
        let kinds = [
            few(&[0, 2]),
            few(&[0, 2, 4]),
            Allowed::between(0, 4),
            Allowed::between(2, 2),
            bits(0x6, 0),
            counter(1, None),
            Allowed::ANY,
        ];
        for (a, wide) in kinds.iter().enumerate() {
            for (b, narrow) in kinds.iter().enumerate() {
                let all = (-70..70).filter(|value| narrow.allows(Value::Integer(*value)));
                let holds = all.clone().all(|value| wide.allows(Value::Integer(value)));
                assert!(!wide.covers(narrow) || holds, "{a} is said to cover {b}");
                assert!(a != b || wide.covers(narrow), "{a} covers itself");
            }
        }
        assert!(few(&[0, 2, 4]).covers(&few(&[0, 2])) && Allowed::between(0, 4).covers(&few(&[0, 2])));
        assert!(bits(0x6, 0).covers(&few(&[0, 2])) && few(&[0, 2]).covers(&Allowed::between(2, 2)));
        assert!(
            Allowed::between(0, 6).covers(&bits(0x6, 0)) && !Allowed::between(0, 4).covers(&bits(0x6, 0))
        );
        assert!(Allowed::ANY.covers(&counter(1, None)) && !Allowed::between(0, 4).covers(&counter(1, None)));
    }
}
