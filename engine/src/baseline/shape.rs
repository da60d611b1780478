//! Which kind of values a point takes: learned from all that were written to it, in bounded memory.
//!
//! A kind narrower than a range is chosen where what was seen bears it out; wherever that is in doubt it stays a range. A
//! false alarm a week costs more than a value that an attacker may choose between two bounds.

use fieldwarden_model::Value;

use super::{Allowed, Bits, Counter, Few, allowed::WORDS, order};

/// Distinct values that are followed: a selector has no more positions.
const FEW: usize = 8;
/// How often each of a few values must have been seen. By Good and Turing's estimate the next value is a new one as often as values
/// were seen once only; five times each leaves little to chance.
const OFTEN: u32 = 5;
/// Changes that must have been seen before bits are told apart.
const CHANGES: u32 = 30;
/// How often each changing bit must have changed.
const FLIPS: u32 = 3;
/// Bits of a word that change with one write: a person or a program acts on one of them, or on one and its opposite. A number
/// changes more of them as it counts on.
const TOGETHER: u32 = 2;
/// Bits that must change: fewer have so few values that these are listed.
const BITS: u32 = 3;
/// Steps up without any other that make a counter, where it began anew and where it did not.
const COUNTED: u32 = 20;
const COUNTED_ON: u32 = 200;
/// How often it begins anew to make one soon.
const ANEW: u32 = 2;
/// How many of its steps a counter must be wide.
const STEPS_WIDE: i64 = 4;

/// What is noted of the values of a point.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    minimum: Value,
    maximum: Value,
    pub(super) count: u64,
    last: Option<Value>,
    /// Each with how often it was seen; none where there were too many.
    few: Option<Vec<(Value, u32)>>,
    /// Where whole numbers changed; few points do.
    word: Option<Box<Word>>,
    /// Whether a value had no bits, or too many of them changed at once.
    is_number: bool,
    /// None where it went down other than to begin anew.
    counter: Option<Count>,
}

/// How the bits of a word change.
#[derive(Clone, Debug)]
struct Word {
    ever: u64,
    always: u64,
    changes: u32,
    /// How often each bit changed; counting ends where it suffices.
    flips: [u8; 64],
}

/// How a count goes on.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    steps: u32,
    most: i64,
    /// How often it began anew, from where at least, and to where at most.
    anew: u32,
    from: i64,
    to: i64,
}

impl Shape {
    /// Of a point that is written for the first time, with this value; it is yet to be taken.
    pub(super) const fn new(value: Value) -> Self {
        let counter = Some(Count { steps: 0, most: 0, anew: 0, from: i64::MAX, to: i64::MIN });
        let few = Some(Vec::new());
        Self {
            minimum: value,
            maximum: value,
            count: 0,
            last: None,
            few,
            word: None,
            is_number: false,
            counter,
        }
    }

    /// The value is written: whether it lies outside what was seen before.
    pub(super) fn take(&mut self, value: Value) -> bool {
        self.count += 1;
        self.few(value);
        match (self.last, value) {
            (None | Some(Value::Integer(_)), Value::Integer(value)) if self.is_last(value) => {}
            (Some(Value::Integer(before)), Value::Integer(after)) => {
                self.change(before, after);
                self.counter = self.counter.and_then(|count| count.go(before, after));
            }
            _ => (self.word, self.is_number, self.counter) = (None, true, None),
        }
        self.last = Some(value);
        let (below, above) = (order(value, self.minimum).is_lt(), order(value, self.maximum).is_gt());
        if below {
            self.minimum = value;
        }
        if above {
            self.maximum = value;
        }
        below || above
    }

    /// The least and the greatest value.
    pub(super) const fn bounds(&self) -> (Value, Value) {
        (self.minimum, self.maximum)
    }

    fn is_last(&self, value: i64) -> bool {
        self.last.is_none_or(|last| last == Value::Integer(value))
    }

    fn change(&mut self, before: i64, after: i64) {
        if self.is_number {
            return;
        }
        let word = self.word.take().or_else(|| Word::of(before).map(Box::new));
        self.word = word.and_then(|word| word.change(before, after));
        self.is_number = self.word.is_none();
    }

    fn few(&mut self, value: Value) {
        let Some(few) = &mut self.few else { return };
        if let Some((_, times)) = few.iter_mut().find(|(known, _)| order(*known, value).is_eq()) {
            *times = times.saturating_add(1);
        } else if few.len() < FEW {
            few.push((value, 1));
        } else {
            self.few = None;
        }
    }

    /// The kind that what was seen bears out.
    pub(super) fn learned(&self) -> Allowed {
        let range = || Allowed::Range { minimum: Some(self.minimum), maximum: Some(self.maximum) };
        let counter = self.counter.and_then(|count| count.learned(self.minimum, self.maximum));
        counter.or_else(|| self.listed()).or_else(|| self.bits()).unwrap_or_else(range)
    }

    fn listed(&self) -> Option<Allowed> {
        let few = self.few.as_ref().filter(|few| few.iter().all(|(_, times)| *times >= OFTEN))?;
        // A list that says what two bounds say as well is none.
        let whole = few.iter().all(|(value, _)| matches!(value, Value::Integer(_)));
        let telling = few.len() > 1 && !(whole && few.len() as u64 == self.width()?);
        telling.then(|| Allowed::Values(Few::new(few.iter().map(|(value, _)| *value).collect())))
    }

    fn bits(&self) -> Option<Allowed> {
        let word = self.word.as_ref()?;
        let changing = word.ever & !word.always;
        let settled = word.changes >= CHANGES && changing.count_ones() >= BITS && word.each_changed(changing);
        // Bits that let through more than two bounds do say less.
        let narrower = 1_u64
            .checked_shl(changing.count_ones())
            .is_some_and(|many| many <= self.width().unwrap_or(u64::MAX));
        (settled && narrower).then(|| Bits::new(changing, word.always).map(Allowed::Bits)).flatten()
    }

    /// How many whole numbers lie between the bounds, both included.
    fn width(&self) -> Option<u64> {
        match (self.minimum, self.maximum) {
            (Value::Integer(minimum), Value::Integer(maximum)) => maximum.abs_diff(minimum).checked_add(1),
            _ => None,
        }
    }
}

impl Word {
    /// None of what has a sign: its bits are those of a number.
    fn of(value: i64) -> Option<Self> {
        let bits = u64::try_from(value).ok()?;
        Some(Self { ever: bits, always: bits, changes: 0, flips: [0; 64] })
    }

    fn change(mut self: Box<Self>, before: i64, after: i64) -> Option<Box<Self>> {
        let bits = u64::try_from(after).ok()?;
        let changed = bits ^ before.cast_unsigned();
        if changed.count_ones() > TOGETHER {
            return None;
        }
        self.changes = self.changes.saturating_add(1);
        (self.ever, self.always) = (self.ever | bits, self.always & bits);
        for (bit, flips) in self.flips.iter_mut().enumerate() {
            *flips = flips.saturating_add(u8::from(changed >> bit & 1 == 1));
        }
        Some(self)
    }

    fn each_changed(&self, changing: u64) -> bool {
        let mut all = self.flips.iter().enumerate();
        all.all(|(bit, flips)| changing >> bit & 1 == 0 || u32::from(*flips) >= FLIPS)
    }
}

impl Count {
    fn go(mut self, before: i64, after: i64) -> Option<Self> {
        let step = after.checked_sub(before)?;
        if step > 0 {
            self.steps = self.steps.saturating_add(1);
            self.most = self.most.max(step);
        } else {
            self.anew = self.anew.saturating_add(1);
            (self.from, self.to) = (self.from.min(before), self.to.max(after));
        }
        Some(self)
    }

    fn learned(&self, minimum: Value, maximum: Value) -> Option<Allowed> {
        let (Value::Integer(least), Value::Integer(greatest)) = (minimum, maximum) else { return None };
        let step = u64::try_from(self.most).ok().filter(|step| *step > 0)?;
        let wide = greatest.checked_sub(least)? >= self.most.checked_mul(STEPS_WIDE)?;
        let counted = if self.anew >= ANEW { COUNTED } else { COUNTED_ON };
        // However it began anew, it went by no more than a step past its ends.
        let ends = greatest.checked_sub(self.from).zip(self.to.checked_sub(least));
        let anew = ends.is_none_or(|(above, below)| above.saturating_add(below) < self.most);
        if !wide || self.steps < counted || (self.anew > 0 && !anew) {
            return None;
        }
        let ends = (self.anew > 0).then(|| self.ends(least, greatest));
        let (minimum, maximum) =
            ends.map(|(least, most)| (Value::Integer(least), Value::Integer(most))).unzip();
        Some(Allowed::Counter(Box::new(Counter { step, minimum, maximum })))
    }

    /// Where it begins anew: at the ends of a word where these lie within a step of what was seen.
    fn ends(self, least: i64, greatest: i64) -> (i64, i64) {
        let near = |(low, high): &&(i64, i64)| {
            (0..self.most).contains(&least.saturating_sub(*low))
                && (0..self.most).contains(&high.saturating_sub(greatest))
        };
        WORDS.iter().find(near).copied().unwrap_or((least, greatest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(values: impl IntoIterator<Item = i64>) -> String {
        let mut values = values.into_iter().map(Value::Integer).peekable();
        let mut shape = Shape::new(*values.peek().unwrap());
        values.for_each(|value| {
            shape.take(value);
        });
        shape.learned().text()
    }

    fn repeated(values: &[i64], times: usize) -> impl Iterator<Item = i64> + '_ {
        values.iter().copied().cycle().take(values.len() * times)
    }

    #[test]
    fn a_few_values_seen_often_are_listed() {
        assert_eq!(learned(repeated(&[3, 0, 1], 5)), "0, 1 or 3");
        assert_eq!(learned(repeated(&[3, 0, 1], 4)), "0 to 3", "four times may be chance");
        assert_eq!(learned(repeated(&[3, 0, 1], 9).chain([2])), "0 to 3");
        assert_eq!(learned(repeated(&[3, 0, 1], 9).chain([7])), "0 to 7", "once only");
        assert_eq!(learned(repeated(&[0, 1], 90)), "0 to 1", "a list would say the same");
        assert_eq!(learned(repeated(&[5], 90)), "5 to 5");
        assert_eq!(learned(repeated(&[0, 8, 2, 14, 4, 10, 6, 16, 12], 9)), "0 to 16", "too many");
    }

    #[test]
    fn real_numbers_seen_often_are_listed() {
        let mut shape = Shape::new(Value::Float(20.5));
        for value in [20.5, 30.0].into_iter().cycle().take(12) {
            shape.take(Value::Float(value));
        }
        assert_eq!(shape.learned().text(), "20.5 or 30.0");
    }

    #[test]
    fn a_word_whose_bits_are_switched_one_by_one_is_bits() {
        // Bits 0, 4, 8 and 12 in the order of a code of Gray: each write switches one; bit 15 is set throughout.
        let gray = |n: i64| n ^ (n >> 1);
        let word = |n: i64| (0..4).fold(0x8000, |word, bit| word | (gray(n % 16) >> bit & 1) << (4 * bit));
        assert_eq!(learned((0..64).map(word)), "bits 0x1111 with 0x8000 always set");
        assert_eq!(learned((0..25).map(word)), "32768 to 37137", "too few changes");
    }

    #[test]
    fn a_number_is_a_range() {
        assert_eq!(learned((0..400).map(|n| (n * 37) % 101)), "0 to 100");
        assert_eq!(learned((0..400).map(|n| (n * 7 % 16) * 50 + 100)), "100 to 850");
        assert_eq!(learned((0..400).map(|n| 500 - (n % 20 - 10) * (n % 7))), "446 to 560");
        assert_eq!(learned((0..60).map(|n| (n % 15) * -3)), "-42 to 0", "a sign is no bit");
    }

    #[test]
    fn a_heartbeat_is_a_counter() {
        assert_eq!(learned((0..300).map(|n| n % 10)), "0 to 9, counting up by at most 1");
        assert_eq!(learned((0..600).map(|n| n * 2 % 256)), "0 to 255, counting up by at most 2");
        assert_eq!(learned((0..300).map(|n| n + 1_000)), "any value, counting up by at most 1");
        assert_eq!(learned((0..150).map(|n| n + 1_000)), "1000 to 1149", "a long way up may be a ramp");
        assert_eq!(learned((0..300).map(|n| n % 180)), "0 to 179, counting up by at most 1");
    }

    proptest::proptest! {
        #[test]
        fn whatever_was_seen_is_allowed_in_its_order(
            seed in proptest::collection::vec(-3_i64..5, 1..12),
            step in 1_i64..4,
            length in 1_i64..500,
            modulus in 2_i64..40,
        ) {
            let counted = |n: i64| (n * step).rem_euclid(modulus);
            let some = seed.iter().copied().cycle().take(usize::try_from(length).unwrap());
            for values in [some.collect::<Vec<_>>(), (0..length).map(counted).collect()] {
                let mut shape = Shape::new(Value::Integer(values[0]));
                values.iter().for_each(|value| { shape.take(Value::Integer(*value)); });
                let learned = shape.learned();
                proptest::prop_assert!(values.iter().all(|value| learned.allows(Value::Integer(*value))));
                for pair in values.windows(2) {
                    let before = crate::motion::number(Value::Integer(pair[0]));
                    proptest::prop_assert!(learned.follows(before, Value::Integer(pair[1])), "{} {:?}", learned.text(), pair);
                }
            }
        }
    }

    #[test]
    fn what_begins_anew_in_the_middle_is_no_counter() {
        assert_eq!(learned((0..300).chain(0..400)), "0 to 399");
        assert_eq!(learned((0..600).map(|n| if n % 40 < 20 { n % 40 } else { 40 - n % 40 })), "0 to 20");
        assert_eq!(learned(repeated(&[0, 1, 2], 90)), "0 to 2", "a selector goes round as well");
    }
}
