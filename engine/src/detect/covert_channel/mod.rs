//! `covert-channel`: digits of values carry something else than the process.
//!
//! Techniques of ATT&CK for ICS: T0832 Manipulation of View, T0869 Standard Application Layer Protocol: two stations talk to each other as ever, and what
//! they say lies in the values. Two things show it:
//!
//! - Neighbouring values that all look like chance: each is spread evenly, and none knows where it was before. No process does that, and of a
//!   number wider than a register its upper half does not. Needs no baseline, so that a channel that was there before learning is found.
//! - A value that goes to and fro each minute several times as far as it ever did. Needs a baseline.

use fieldwarden_model::{
    Severity,
    section::{Fault, Reader, Section},
};

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject};
use crate::{answers::Noticed, readings::Minute};

/// Judges digits.
pub struct CovertChannel;

/// What `covert-channel` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Answers after which values are held to look like chance or not. Two hundred: what is not chance passes for it in fewer than one
    /// window of a million then.
    pub samples: u32,
    /// Neighbouring values that must all look like chance. Four: the lower words of a number of 64 bits are three.
    pub points: u32,
    /// How far such values must be spread. 64: the last digit of a measurement is chance by nature, and so may the last but one be.
    pub spread: u32,
    /// A value wobbles too far at so many hundredths of the farthest it was seen to. 300: a process that is upset wobbles twice as far.
    pub percent: u32,
    /// Minutes in a row in which it must. Three: a value that is set anew takes one or two.
    pub minutes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { samples: 200, points: 4, spread: 64, percent: 300, minutes: 3 }
    }
}

/// Moves in a minute below which nobody knows whether they are those of chance.
const FEWEST_MOVES: u16 = 8;

impl Settings {
    /// Reads `[detectors.covert_channel]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let mut within = |key, range, usual: u32| {
            u32::try_from(reader.within(key, range, u64::from(usual))).unwrap_or(usual)
        };
        let settings = Self {
            samples: within("samples", 100..=10_000, usual.samples),
            points: within("points", 1..=64, usual.points),
            spread: within("spread", 1..=1_000_000, usual.spread),
            percent: within("percent", 100..=100_000, usual.percent),
            minutes: within("minutes", 1..=60, usual.minutes),
        };
        reader.finish_with(Some(settings))
    }

    /// Whether a value went to and fro too far for one that did so by at most `most`. Chance turns back at two moves of three, a
    /// process that swings at far fewer.
    pub(crate) fn wobbles(&self, minute: Minute, most: f64) -> bool {
        minute.moves >= FEWEST_MOVES
            && minute.turns.saturating_mul(2) >= minute.moves
            && minute.wobble * 100.0 > most * f64::from(self.percent)
    }

    /// Answers after which values are judged: fewer where only one of many neighbours is watched, which is a reason to look closely and no more.
    pub(crate) fn window(&self, closely: bool) -> u32 {
        if closely { self.samples } else { (self.samples / 4).max(FEWEST_SAMPLES) }
    }

    /// Whether a value that may have moved `samples` times looks like chance.
    pub(crate) fn is_chance(&self, chance: &Chance, samples: u32) -> bool {
        let is_lively = u32::from(chance.moves).saturating_mul(10) >= samples.saturating_mul(9);
        is_lively
            && chance.spread() >= f64::from(self.spread)
            && chance
                .turns_and_steps()
                .is_some_and(|(turns, step)| TURNS.contains(&turns) && STEPS.contains(&step))
    }

    /// Whether it may be one of chance, by some answers alone.
    pub(crate) fn may_be_chance(&self, chance: &Chance, samples: u32) -> bool {
        let is_lively = u32::from(chance.moves).saturating_mul(4) >= samples.saturating_mul(3);
        is_lively
            && chance.spread() * 2.0 >= f64::from(self.spread)
            && chance.turns_and_steps().is_some_and(|(turns, step)| {
                (TURNS.start() - WIDER..=TURNS.end() + WIDER).contains(&turns)
                    && (STEPS.start() - WIDER..=STEPS.end() + WIDER).contains(&step)
            })
    }
}

/// The fewest answers that are a reason to look closely.
const FEWEST_SAMPLES: u32 = 32;
/// What fifty moves may differ by from what many show, four standard deviations and more.
const WIDER: f64 = 0.15;
/// Moves that turn back, of all. Independent values do so at two of three; one that walks at random at one of two, one that jumps between two
/// states at each. Of two hundred moves four standard deviations to either side.
const TURNS: core::ops::RangeInclusive<f64> = 0.56..=0.78;
/// The mean move as a part of the spread. Independent values that are spread evenly move by a third of it on average, those of a
/// bell curve by a fifth, and whoever knows where he was by far less.
const STEPS: core::ops::RangeInclusive<f64> = 0.28..=0.42;

/// What shows whether a value is one of chance.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chance {
    least: f32,
    greatest: f32,
    path: f32,
    moves: u16,
    turns: u16,
}

impl Chance {
    /// The value moved, to this one, and so far; whether it turned back then.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "seven digits tell chance from a process")]
    pub(crate) fn moved(&mut self, value: f64, step: f64, turned: bool) {
        let value = value as f32;
        if self.moves == 0 {
            (self.least, self.greatest) = (value, value);
        }
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
        self.path += step as f32;
        self.turns = self.turns.saturating_add(u16::from(turned && self.moves > 0));
        self.moves = self.moves.saturating_add(1);
    }

    /// Moves that turn back, of all, and the mean move as a part of the spread.
    fn turns_and_steps(&self) -> Option<(f64, f64)> {
        let moves = f64::from(self.moves);
        (self.moves > 0 && self.spread() > 0.0)
            .then(|| (f64::from(self.turns) / moves, f64::from(self.path) / moves / self.spread()))
    }

    fn spread(&self) -> f64 {
        f64::from(self.greatest - self.least)
    }
}

impl Detector for CovertChannel {
    fn id(&self) -> &'static str {
        "covert-channel"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Answers, Need::Values]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Moves(judged, operation, noticed) = subject else { return };
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.without_values();
        finding.techniques = &["T0832", "T0869"];
        match noticed {
            Noticed::Random(random) => {
                finding.points = Some(random.points);
                finding.severity = Severity::High;
                finding.bucket = Bucket { code: Some("chance"), ..Bucket::default() };
                let text = finding.points_text().unwrap_or_else(|| String::from("points"));
                let how = if random.written {
                    "{client} writes values to {server}"
                } else {
                    "{client} reads values from {server}"
                };
                finding.sentence = format!(
                    "{how} that look like chance and not like a process: all {} of {text}, {} times in a row",
                    random.count, random.samples
                );
                finding.baseline_entry = match judged.entry {
                    Some(entry) => Some(entry.id()),
                    None => super::nearest(context, judged.conversation),
                };
            }
            Noticed::Wobbles(wobbles) => {
                let Some(entry) = judged.entry else { return };
                finding.points = Some(wobbles.points);
                finding.severity = Severity::Medium;
                finding.bucket = Bucket { code: Some("wobble"), ..Bucket::default() };
                let text = finding.points_text().unwrap_or_else(|| String::from("points"));
                let minutes = context.settings.covert_channel.minutes;
                finding.sentence = format!(
                    "{text}, which {{client}} reads from {{server}}, goes to and fro by {:.0} a minute, for {minutes} minutes by now, as something in its digits would that is no process",
                    wobbles.wobble
                );
                finding.baseline_entry =
                    Some(format!("{}: {text} wobbles by at most {} a minute", entry.id(), wobbles.most));
            }
            Noticed::Still(_) | Noticed::Full => return,
        }
        findings(finding);
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome, Values, operation::Encoding};

    use crate::{
        baseline::{Baseline, ReadMotion},
        bench::{Bench, HMI, PLC, baseline, points, read},
    };

    /// The `n`th of a row of numbers below 65,536 that look like chance.
    fn chance(n: u64, of: u64) -> u16 {
        let mut mixed = (n * 8 + of).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        u16::try_from((mixed ^ mixed >> 31) & 0xffff).unwrap()
    }

    fn polls(bench: &mut Bench, seconds: u64, value: impl Fn(u64, u64) -> u16) {
        for n in 0..seconds {
            let bytes: Vec<u8> = (0..5).flat_map(|of| value(n, of).to_be_bytes()).collect();
            let values = Values { bytes: &bytes, encoding: Encoding::Unsigned16, count: 5, stride: 1 };
            let asked = read("40001-40005");
            let answer = Operation { values: Some(values), outcome: Outcome::Done, ..asked };
            bench.asks(HMI, PLC, &asked).answers(HMI, PLC, &answer).lives(1);
        }
    }

    fn told(value: impl Fn(u64, u64) -> u16) -> Vec<String> {
        let mut bench = Bench::new();
        // A quarter of the window calls for all of the block, the window itself tells.
        polls(&mut bench, 270, value);
        bench.alerts.iter().map(|alert| alert.summary.clone()).collect()
    }

    #[test]
    fn a_payload_is_told_with_its_registers() {
        assert_eq!(
            told(|n, of| chance(n, of) % 8_192),
            [
                "10.0.0.5 reads values from Dosing PLC (10.0.0.20) that look like chance and not like a process: all 5 of 40001-40005, 200 times in a row"
            ]
        );
    }

    #[test]
    fn a_payload_in_the_last_digits_of_values_that_move_is_told() {
        let moving = |n: u64, of: u64| u16::try_from(2_000 + 10 * (n / 60) + of).unwrap();
        assert_eq!(told(|n, of| moving(n, of) / 1_000 * 1_000 + chance(n, of) % 1_000).len(), 1);
    }

    #[test]
    fn processes_are_not_told() {
        let bell = |n, of| (0..6).map(|k| chance(n * 6 + k, of) / 6).sum::<u16>();
        assert_eq!(told(bell), [""; 0], "noise");
        let walk = |n: u64, of: u64| {
            let sum: i64 = (0..n).map(|k| i64::from(chance(k, of) % 201) - 100).sum();
            u16::try_from(30_000 + sum).unwrap()
        };
        assert_eq!(told(walk), [""; 0], "a walk");
        assert_eq!(told(|n, of| u16::try_from(n * (of + 1)).unwrap()), [""; 0], "counts");
        assert_eq!(told(|n, of| 500 + chance(n, of) % 10), [""; 0], "a last digit");
        let halves = |n: u64, of: u64| if of.is_multiple_of(2) { 16_800 } else { chance(n, of) };
        assert_eq!(told(halves), [""; 0], "lower words of real numbers");
        assert_eq!(told(|n, of| chance(n, of) % 2 * 1_000), [""; 0], "switches");
    }

    fn calm(wobble: f64, random: bool) -> Baseline {
        let mut baseline = baseline();
        let wobble_per_minute = (!random).then_some(wobble);
        baseline.conversations[0].motion = vec![ReadMotion {
            points: points("40001-40005"),
            step: 1,
            still_ms: None,
            wobble_per_minute,
            random,
            seen: 1_000,
        }];
        baseline
    }

    #[test]
    fn one_calm_value_that_begins_to_carry_digits_is_told() {
        let mut bench = Bench::with(Some(calm(20.0, false)));
        let value = |n: u64, of: u64| if of == 2 { 700 + chance(n, of) % 10 } else { 700 };
        polls(&mut bench, 400, value);
        assert_eq!(bench.detectors(), ["covert-channel"]);
        assert_eq!(bench.last().points.as_deref(), Some("40003"));
        assert!(
            bench.last().baseline_entry.as_deref().unwrap().ends_with("40003 wobbles by at most 20 a minute")
        );
    }

    #[test]
    fn a_process_that_swings_or_jumps_and_usual_noise_are_not_told() {
        let mut bench = Bench::with(Some(calm(200.0, false)));
        polls(&mut bench, 400, |n, of| match of {
            0 => 700 + chance(n, of) % 10,
            1 => u16::try_from(700 + n % 20 * 30).unwrap(),
            2 => {
                if n % 60 < 30 {
                    100
                } else {
                    900
                }
            }
            _ => 700,
        });
        assert!(bench.alerts.is_empty(), "{:?}", bench.detectors());
        let mut random = Bench::with(Some(calm(0.0, true)));
        polls(&mut random, 450, chance);
        assert!(random.alerts.is_empty(), "by nature");
    }
}
