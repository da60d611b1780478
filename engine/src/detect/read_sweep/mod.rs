//! `read-sweep`: a client reads through points that it never reads, one range after the other.
//!
//! Technique of ATT&CK for ICS: T0861 Point & Tag Identification. Counted are requests, each for another range that the baseline does not list for
//! the conversation. A display that gained a page asks for a few new ranges; who looks for what a controller holds asks for all there are,
//! or for few and large ones. Needs a baseline.

use std::time::Duration;

use fieldwarden_model::{
    FrameRef, PointRange, Severity, Timestamp, Verb,
    section::{Fault, Reader, Section},
};

use super::{
    Context, Detector, Finding, Memory as AllMemory, Need, Subject, is_demand, nearest, settings::seconds,
};

/// Judges what is read.
pub struct ReadSweep;

/// Frames an alert cites.
const MAX_FRAMES: usize = 8;
/// Ranges, and requests for them, remembered per service; beyond, the oldest is forgotten.
const MAX_RANGES: usize = 64;
/// Points of the largest tables there are, in bits: a data block of 64 KiB.
const LARGEST_TABLE: u64 = 1 << 19;
/// Fewer requests than this are no sweep, however large they are.
const FEWEST: usize = 4;

/// What `read-sweep` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Requests for ranges beyond the baseline, each for another, that make a sweep. Sixteen: a new page of a display asks for five or so.
    pub requests: u32,
    /// From four requests on, so many times the points that the baseline lists make a sweep as well. Ten: a sweep reads tables whole.
    pub times: u64,
    /// Within which time. An hour: sweeps take their time to stay unseen, and sixteen new ranges an hour are no day's work.
    pub window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { requests: 16, times: 10, window: Duration::from_secs(3_600) }
    }
}

impl Settings {
    /// Reads `[detectors.read_sweep]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let requests = reader.within("requests", 2..=64, u64::from(usual.requests));
        let requests = u32::try_from(requests).unwrap_or(usual.requests);
        let times = reader.within("times", 1..=1_000_000, usual.times);
        let window = seconds(&mut reader, "window_secs", usual.window);
        reader.finish_with(Some(Self { requests, times, window }))
    }
}

/// Ranges asked for of late that the baseline does not list, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    asked: Vec<Asked>,
    /// When and in which frames: one request may ask for many ranges.
    requests: Vec<(Timestamp, FrameRef)>,
    /// Points asked for by those requests.
    points: u64,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    unit: Option<u16>,
    points: PointRange,
    time: Timestamp,
}

impl Detector for ReadSweep {
    fn id(&self) -> &'static str {
        "read-sweep"
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
        let (Some(points), Verb::Read) = (operation.points, operation.verb) else { return };
        if context.baseline.is_none() || !is_demand(operation) {
            return;
        }
        if judged.entry.is_some_and(|entry| entry.covers_read(&points)) {
            return;
        }
        let settings = &context.settings.read_sweep;
        let time = judged.origin.time;
        let frame = judged.frame().unwrap_or_default();
        let memory = &mut memory.process().read_sweep;
        let news = Asked { unit: judged.conversation.unit, points, time };
        if !memory.note(news, frame, settings.window) {
            return;
        }
        let (requests, beyond) = (memory.requests.len(), memory.points);
        let listed = judged.entry.map_or(0, |entry| entry.points_read());
        let large = listed > 0 && requests >= FEWEST && beyond >= listed.saturating_mul(settings.times);
        if requests < settings.requests as usize && !large {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.severity = Severity::Medium;
        finding.techniques = &["T0861"];
        let latest = memory.requests.iter().rev().take(MAX_FRAMES);
        finding.frames = latest.map(|(_, frame)| *frame).collect();
        finding.frames.sort();
        finding.baseline_entry = match judged.entry {
            Some(entry) => Some(format!("{}: reads {listed} points", entry.id())),
            None => nearest(context, judged.conversation),
        };
        finding.sentence = format!(
            "{{client}} read through {{server}}: {requests} requests for {beyond} points that it never read before"
        );
        *memory = Memory::default();
        findings(finding);
    }
}

impl Memory {
    /// Notes a range and the frame that asks for it; whether it is a new one.
    fn note(&mut self, news: Asked, frame: FrameRef, window: Duration) -> bool {
        self.asked.retain(|before| news.time.since(before.time) <= window);
        self.requests.retain(|(time, _)| news.time.since(*time) <= window);
        let within = |before: &Asked| before.unit == news.unit && before.points.contains(&news.points);
        if self.asked.iter().any(within) {
            return false;
        }
        if self.requests.is_empty() {
            self.points = 0;
        }
        if self.asked.len() >= MAX_RANGES {
            self.asked.remove(0);
        }
        self.asked.push(news);
        self.points = self.points.saturating_add(size(&news.points));
        if self.requests.last().is_none_or(|(_, last)| *last != frame) {
            if self.requests.len() >= MAX_RANGES {
                self.requests.remove(0);
            }
            self.requests.push((news.time, frame));
        }
        true
    }
}

/// How many points a range holds. Where it spans more than any table holds, its indexes number properties of one object.
const fn size(points: &PointRange) -> u64 {
    let size = points.last.saturating_sub(points.first).saturating_add(1);
    if size > LARGEST_TABLE { 1 } else { size }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, HMI, PLC, ROGUE, read};

    fn sweep(bench: &mut Bench, client: &str, ranges: u32, pause: u64) {
        for n in 0..ranges {
            let first = 40_201 + n * 3;
            bench.does(client, PLC, &read(&format!("{first}-{}", first + 1))).wait(pause);
        }
    }

    #[test]
    fn one_range_after_the_other_is_a_sweep() {
        let mut bench = Bench::new();
        sweep(&mut bench, HMI, 15, 1);
        assert!(bench.alerts.is_empty());
        sweep(&mut bench, HMI, 16, 1);
        assert_eq!(bench.detectors(), ["read-sweep"]);
        assert_eq!(
            bench.last().summary,
            "10.0.0.5 read through Dosing PLC (10.0.0.20): 16 requests for 32 points that it never read before"
        );
        assert_eq!(bench.last().baseline_entry.as_deref(), Some("station to dosing: reads 10 points"));
    }

    #[test]
    fn few_large_ranges_are_a_sweep_too() {
        let mut bench = Bench::new();
        for first in [40_101, 40_226, 40_351, 40_476] {
            bench.does(HMI, PLC, &read(&format!("{first}-{}", first + 124)));
        }
        assert_eq!(bench.detectors(), ["read-sweep"]);
    }

    #[test]
    fn usual_reads_and_parts_of_them_are_not_told() {
        let mut bench = Bench::new();
        for n in 0..200 {
            bench.does(HMI, PLC, &read(&format!("{}", 40_001 + n % 10)));
        }
        sweep(&mut bench, HMI, 5, 1);
        sweep(&mut bench, HMI, 5, 1);
        assert!(bench.alerts.is_empty(), "a new page of the display, again and again");
    }

    #[test]
    fn slowly_and_from_a_stranger_it_is_told() {
        let mut bench = Bench::new();
        sweep(&mut bench, HMI, 16, 200);
        assert_eq!(bench.detectors(), ["read-sweep"]);
        sweep(&mut bench, ROGUE, 16, 1);
        assert_eq!(bench.detectors(), ["read-sweep", "new-conversation", "read-sweep"]);
    }
}
