//! `write-burst`: a client writes or commands far more often than it usually does.
//!
//! Technique of ATT&CK for ICS: T0806 Brute Force I/O. Counted are writes and commands of one conversation within a window. The baseline
//! tells the most there were in one minute; where it does not, or there is none, a stated number counts, and over TCP alone:
//! below it and over UDP, outputs are written in every cycle.

use std::time::Duration;

use fieldwarden_model::{
    FrameRef, Severity, Timestamp, Transport,
    section::{Fault, Reader, Section},
};

use super::{
    Context, Detector, Finding, Judged, Memory as AllMemory, Need, Subject, is_change, nearest,
    settings::seconds,
};

/// Judges how often is written.
pub struct WriteBurst;

/// Frames of writes an alert cites.
const MAX_FRAMES: usize = 8;
/// Units counted per service; the one that began longest ago is forgotten first.
const MAX_UNITS: usize = 32;

/// What `write-burst` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Writes that make a burst where no rate is known. 3000: controllers write to one another twenty times a second and more.
    pub writes: u64,
    /// So many times the most that was learned make a burst. Five: a batch that starts writes a recipe at once.
    pub times: u64,
    /// Fewer than these are no burst however few were learned. Twenty: an operator who tries things.
    pub least: u64,
    /// Within which time.
    pub window: Duration,
    /// So many times the most that was learned, minute after minute through the longer window, are a burst as well; no fewer than three
    /// times `least`. Three: no batch writes three times its busiest minute for ten minutes.
    pub long_times: u64,
    /// The longer window.
    pub long_window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            writes: 3_000,
            times: 5,
            least: 20,
            window: Duration::from_secs(60),
            long_times: 3,
            long_window: Duration::from_secs(600),
        }
    }
}

impl Settings {
    /// Reads `[detectors.write_burst]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let writes = reader.within("writes", 2..=1_000_000, usual.writes);
        let times = reader.within("times", 2..=1_000, usual.times);
        let least = reader.within("least", 2..=1_000_000, usual.least);
        let window = seconds(&mut reader, "window_secs", usual.window);
        let long_times = reader.within("long_times", 1..=1_000, usual.long_times);
        let long_window = seconds(&mut reader, "long_window_secs", usual.long_window);
        reader.finish_with(Some(Self { writes, times, least, window, long_times, long_window }))
    }

    /// How many writes make a burst here; none where that is not judged.
    fn most(&self, judged: &Judged<'_>) -> Option<u64> {
        let minutes = self.window.as_secs().div_ceil(60);
        let learned = judged.entry.and_then(|entry| entry.pace.writes_per_minute);
        let of_rate = |rate: u64| rate.saturating_mul(self.times).saturating_mul(minutes).max(self.least);
        let over_tcp = judged.conversation.service.transport == Transport::Tcp;
        learned.map(of_rate).or_else(|| over_tcp.then_some(self.writes))
    }

    /// How many do within the longer window.
    fn long_most(&self, judged: &Judged<'_>) -> Option<u64> {
        let minutes = self.long_window.as_secs().div_ceil(60);
        let rate = judged.entry.and_then(|entry| entry.pace.writes_per_minute)?;
        Some(rate.saturating_mul(self.long_times).saturating_mul(minutes).max(self.least * 3))
    }
}

/// Writes in the running windows, by unit.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    units: Vec<Count>,
}

#[derive(Debug)]
struct Count {
    unit: Option<u16>,
    short: Window,
    long: Window,
}

#[derive(Debug)]
struct Window {
    since: Timestamp,
    count: u64,
    /// At most [`MAX_FRAMES`].
    frames: Vec<FrameRef>,
}

impl Window {
    const fn since(since: Timestamp) -> Self {
        Self { since, count: 0, frames: Vec::new() }
    }

    /// Another write; where the window is over, the first of the next one.
    fn add(&mut self, now: Timestamp, frame: FrameRef, window: Duration) {
        if now.since(self.since) > window {
            (self.since, self.count) = (now, 0);
            self.frames.clear();
        }
        self.count += 1;
        if self.frames.last() != Some(&frame) {
            self.frames.truncate(MAX_FRAMES - 1);
            self.frames.push(frame);
        }
    }
}

impl Detector for WriteBurst {
    fn id(&self) -> &'static str {
        "write-burst"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Time]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut AllMemory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        if !is_change(operation) {
            return;
        }
        let settings = &context.settings.write_burst;
        // A stranger that writes is told as one; made-up addresses are not counted one by one.
        let stranger = context.baseline.is_some() && judged.entry.is_none();
        let Some(most) = settings.most(judged).filter(|_| !stranger) else { return };
        let now = judged.origin.time;
        let frame = judged.frame().unwrap_or_default();
        let count = memory.process().write_burst.of(judged.conversation.unit, now);
        count.short.add(now, frame, settings.window);
        count.long.add(now, frame, settings.long_window);
        let is_long = settings.long_most(judged).is_some_and(|most| count.long.count >= most);
        if count.short.count < most && !is_long {
            return;
        }
        let told = if count.short.count < most { &count.long } else { &count.short };
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        (finding.points, finding.values) = (None, None);
        finding.severity = Severity::High;
        finding.techniques = &["T0806"];
        finding.frames.clone_from(&told.frames);
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(entry.cite_write_rate()),
            None => nearest(context, judged.conversation),
        };
        finding.sentence = format!(
            "{{client}} wrote to {{server}} {} times within {} s",
            told.count,
            now.since(told.since).as_secs().max(1)
        );
        // What was told begins anew in both windows.
        (count.short, count.long) = (Window::since(now), Window::since(now));
        findings(finding);
    }
}

impl Memory {
    fn of(&mut self, unit: Option<u16>, now: Timestamp) -> &mut Count {
        let at = self.units.iter().position(|count| count.unit == unit);
        let at = at.unwrap_or_else(|| {
            if self.units.len() >= MAX_UNITS
                && let Some(oldest) =
                    self.units.iter().enumerate().min_by_key(|(_, count)| count.long.since).map(|(n, _)| n)
            {
                self.units.remove(oldest);
            }
            self.units.push(Count { unit, short: Window::since(now), long: Window::since(now) });
            self.units.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was just found or made")]
        &mut self.units[at]
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, HMI, PLC, ROGUE, baseline, write};

    #[test]
    fn five_times_the_most_that_was_learned_is_a_burst() {
        let mut baseline = baseline();
        baseline.conversations[0].pace.writes_per_minute = Some(6);
        let mut bench = Bench::with(Some(baseline));
        for _ in 0..30 {
            bench.asks(HMI, PLC, &write("40101", &[0, 50]));
        }
        assert_eq!(bench.detectors(), ["write-burst"]);
        assert_eq!(bench.last().summary, "10.0.0.5 wrote to Dosing PLC (10.0.0.20) 30 times within 1 s");
        assert_eq!(
            bench.last().baseline_entry.as_deref(),
            Some("station to dosing: at most 6 writes a minute")
        );
        assert_eq!(bench.last().frames.len(), 8);
    }

    #[test]
    fn without_a_rate_only_what_nobody_does_by_hand_is_a_burst() {
        let mut bench = Bench::with(None);
        for _ in 0..2_999 {
            bench.asks(HMI, PLC, &write("40101", &[0, 50]));
        }
        assert!(bench.alerts.is_empty());
        bench.asks(HMI, PLC, &write("40101", &[0, 50]));
        assert_eq!(bench.detectors(), ["write-burst"]);
    }

    #[test]
    fn the_usual_rate_is_not_told() {
        let mut baseline = baseline();
        baseline.conversations[0].pace.writes_per_minute = Some(6);
        let mut bench = Bench::with(Some(baseline));
        for _ in 0..100 {
            bench.does(HMI, PLC, &write("40101", &[0, 50])).wait(4);
        }
        assert!(bench.alerts.is_empty(), "fifteen a minute");
    }

    #[test]
    fn three_times_the_busiest_minute_for_ten_minutes_is_a_burst() {
        let mut baseline = baseline();
        baseline.conversations[0].pace.writes_per_minute = Some(4);
        let mut bench = Bench::with(Some(baseline));
        for _ in 0..130 {
            bench.does(HMI, PLC, &write("40101", &[0, 50])).wait(4);
        }
        assert_eq!(bench.detectors(), ["write-burst"]);
        assert!(bench.last().summary.ends_with("120 times within 478 s"), "{}", bench.last().summary);
    }

    #[test]
    fn a_burst_split_over_sources_is_told_by_who_they_are() {
        let mut bench = Bench::new();
        for _ in 0..4 {
            for client in [ROGUE, "10.0.0.67", "10.0.0.68"] {
                bench.asks(client, PLC, &write("40101", &[0, 50]));
            }
        }
        assert_eq!(bench.detectors().iter().filter(|id| **id == "rogue-master").count(), 3);
    }
}
