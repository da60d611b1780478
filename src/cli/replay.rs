//! `replay`: the engine that runs live, over captures.

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write as _},
    num::NonZero,
    path::PathBuf,
    time::Instant,
};

use clap::Args;
use fieldwarden_engine::{
    Baseline, Engine, Input, ModeChange, Output, QuietUse, Settings, Switch,
    baseline::{
        ModeName,
        guard::{Guard, GuardedLearner},
        quiet::moment,
    },
    configure::Configured,
    json::{self, Captures as Named},
    tags::Tags,
};
use fieldwarden_model::{Alert, Incident, IncidentId, Severity, Site, Timestamp};

use super::{
    Failure, Outcome,
    captures::{Captured, Captures},
    evidence::Slices,
    incident::SeverityWord,
    learn, load, table,
};
use crate::evidence;

/// Share of the capture's span, from its start, that teaches when there is no baseline.
const TEACHING_SHARE: f64 = 0.25;

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// What is normal, as `learn` writes it
    #[arg(long, conflicts_with = "learn_first_part")]
    baseline: Option<PathBuf>,
    /// The daemon's configuration: site, detectors, limits
    #[arg(long)]
    config: Option<PathBuf>,
    /// The operating mode the plant was in; as the schedule of the baseline has it where it is left out
    #[arg(long, value_name = "NAME", requires = "baseline")]
    mode: Option<ModeName>,
    /// Learn from the first quarter of the captures' time and judge the rest
    #[arg(long)]
    learn_first_part: bool,
    /// JSON Lines: alerts in time order, then incidents, then a summary
    #[arg(long)]
    json: bool,
    /// End with status 3 when an incident is at least this severe
    #[arg(long)]
    fail_on: Option<SeverityWord>,
    /// Threads that judge, 0 for one on each core; what comes out is the same. One leaves a gateway's other cores alone
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Cut a slice for each alert into this folder: its frames, and what was heard before them
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// How long before its alert a slice begins
    #[arg(long, value_name = "SECS", requires = "evidence", default_value_t = evidence::BEFORE_SECS, value_parser = clap::value_parser!(u64).range(..=evidence::MAX_SECS))]
    before: u64,
    /// Captures (pcap or pcapng, also gzip or zstd), merged by time
    #[arg(required = true)]
    captures: Vec<PathBuf>,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let since = Instant::now();
    let configuration = words.config.as_deref().map(load::configuration).transpose()?;
    let mut baseline = words.baseline.as_deref().map(load::baseline).transpose()?;
    let mut judged_from = None;
    if words.learn_first_part && baseline.is_none() {
        let (learned, until) = learn_first_part(&words.captures)?;
        eprintln!(
            "There is no baseline, so what happened until {until} (the first quarter) is taken for normal.\n\
             An attack that was already under way then is not seen. Better: `fieldwarden learn` on a capture you trust."
        );
        (baseline, judged_from) = (Some(learned), Some(until));
    }
    if let Some((mode, baseline)) = words.mode.zip(baseline.as_ref()) {
        known_mode(baseline, mode)?;
    }
    let (site, engine, tags) = configuration.map(|c| (c.site, c.engine, c.tags)).unwrap_or_default();
    let threads = threads(words.threads);
    let mut engine = Engine::new(Settings { threads, tags, ..engine_settings(site, engine, baseline) });
    if let Some(mode) = words.mode {
        engine.step(Input::Mode(Some(Switch { mode, until: None })), &mut |_| {});
    }
    let mut captures = Captures::open(&words.captures)?.shared_by(threads);
    let slices = words.evidence.as_deref().map(|folder| Slices::new(folder, words.before)).transpose()?;
    let mut report = Report::new(words, &captures, slices);
    let from = judged_from.unwrap_or(Timestamp::MIN);
    captures.runs("replaying", |captured| {
        match captured {
            Captured::Frames(frames) if frames.iter().all(|(_, frame)| frame.time >= from) => {
                engine.frames(frames, &mut |output| report.take(output));
            }
            Captured::Frames(frames) => {
                let judged: Vec<_> = frames.iter().filter(|(_, frame)| frame.time >= from).copied().collect();
                engine.frames(&judged, &mut |output| report.take(output));
            }
            Captured::Loss(loss) if loss.time < from => {}
            Captured::Loss(loss) => engine.step(Input::Loss(loss), &mut |output| report.take(output)),
        }
        report.fault.take().map_or(Ok(()), |fault| Err(fault.into()))
    })?;
    engine.finish(&mut |output| report.take(output));
    report.close(&engine)?;
    eprintln!("{} frames in {:.2} s", captures.frames(), since.elapsed().as_secs_f64());
    report.slices.map_or(Ok(()), |slices| slices.cut(&words.captures))?;
    let worst = engine.incidents().iter().map(|incident| incident.severity).max();
    // The process ends: taking a hundred thousand conversations down one by one would be work for nobody.
    std::mem::forget(engine);
    match words.fail_on {
        Some(word) if worst >= Some(Severity::from(word)) => Err(Failure::Found),
        _ => Ok(()),
    }
}

/// A mode that the baseline does not speak of changes nothing, and is a slip of the pen.
pub(crate) fn known_mode(baseline: &Baseline, mode: ModeName) -> Outcome {
    let known = baseline.mode_names();
    if known.contains(&mode) {
        return Ok(());
    }
    let known: Vec<&str> = known.iter().map(ModeName::as_str).collect();
    Err(Failure::Input(format!(
        "the baseline does not speak of a mode `{mode}`; known are {}",
        known.join(", ")
    )))
}

/// What an engine is made of, live or from captures.
pub(crate) fn engine_settings(site: Site, engine: Configured, baseline: Option<Baseline>) -> Settings {
    Settings {
        site,
        baseline,
        track: engine.limits,
        detectors: engine.detectors,
        incidents: engine.incidents,
        blindness: engine.blindness,
        seed: learn::seed(),
        tags: Tags::default(),
        threads: 1,
    }
}

/// How many threads are meant: 0 is one for each core.
pub(crate) fn threads(wanted: usize) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        wanted => wanted,
    }
}

/// Learns from the first part of the captures' time; the baseline and the moment at which judging begins.
fn learn_first_part(paths: &[PathBuf]) -> Result<(Baseline, Timestamp), Failure> {
    let (mut first, mut last) = (Timestamp::MAX, Timestamp::MIN);
    Captures::open(paths)?.each("measuring", |frame, _| {
        first = first.min(frame.time);
        last = last.max(frame.time);
        Ok(())
    })?;
    let until = first.saturating_add(last.since(first).mul_f64(TEACHING_SHARE));
    let mut learner = GuardedLearner::new(learn::settings(), Guard::Incidents);
    Captures::open(paths)?.each("learning", |frame, reference| {
        if frame.time < until {
            learner.frame(frame, reference);
        }
        Ok(())
    })?;
    Ok((learner.finish().baseline, until))
}

/// What a replay prints.
struct Report<'a> {
    words: &'a Words,
    names: Option<Vec<String>>,
    stories: BTreeMap<IncidentId, Vec<(Timestamp, String)>>,
    slices: Option<Slices>,
    out: BufWriter<std::io::StdoutLock<'static>>,
    fault: Option<std::io::Error>,
}

impl<'a> Report<'a> {
    fn new(words: &'a Words, captures: &Captures, slices: Option<Slices>) -> Self {
        let names = (words.captures.len() > 1).then(|| captures.names());
        Self {
            words,
            names,
            stories: BTreeMap::new(),
            slices,
            out: BufWriter::new(std::io::stdout().lock()),
            fault: None,
        }
    }

    fn take(&mut self, output: Output) {
        let Output::Alert(alert) = output else { return };
        if let Some(slices) = &mut self.slices {
            slices.take(&alert);
        }
        if !self.words.json {
            let told = self.stories.entry(alert.incident.clone()).or_default();
            if told.len() < MAX_TOLD {
                told.push((alert.time, alert.summary));
            }
        } else {
            let captures = self.names.as_deref().map_or(Named::One, Named::Several);
            self.put(&json::alert(&alert, captures));
        }
    }

    fn put(&mut self, line: &str) {
        if let Err(fault) = writeln!(self.out, "{line}") {
            self.fault.get_or_insert(fault);
        }
    }

    fn close(&mut self, engine: &Engine) -> Outcome {
        let incidents = engine.incidents();
        if self.words.json {
            for incident in &incidents {
                self.put(&json::incident(incident));
            }
            self.put(&json::summary(&engine.summary()));
        } else {
            self.people(engine, &incidents)?;
        }
        self.out.flush()?;
        self.fault.take().map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// What happened in each incident, in order, as sentences.
    fn stories(&mut self, incidents: &[Incident]) -> Outcome {
        for incident in incidents {
            writeln!(self.out, "\n{} ({}), in order:", incident.title, incident.id)?;
            let told = self.stories.get(&incident.id).map(Vec::as_slice).unwrap_or_default();
            for (time, sentence) in told {
                writeln!(self.out, "  {}  {sentence}", clock(*time).get(11..).unwrap_or_default())?;
            }
            let more = incident.alerts.saturating_sub(told.len() as u64);
            if more > 0 {
                writeln!(self.out, "  and {more} more: `--json` tells them all")?;
            }
        }
        writeln!(self.out)?;
        Ok(())
    }

    /// What was told for information, and is worked on by nobody.
    fn alone(&mut self) -> Outcome {
        let none = IncidentId(String::new());
        let Some(told) = self.stories.get(&none) else { return Ok(()) };
        writeln!(self.out, "For information, in no incident:")?;
        for (time, sentence) in told {
            writeln!(self.out, "  {}  {sentence}", clock(*time).get(11..).unwrap_or_default())?;
        }
        writeln!(self.out)?;
        Ok(())
    }

    fn people(&mut self, engine: &Engine, incidents: &[Incident]) -> Outcome {
        let summary = engine.summary();
        if incidents.is_empty() {
            writeln!(self.out, "No incident.")?;
        } else {
            let mut table = table::plain();
            table.set_header(["severity", "score", "first", "last", "alerts", "what happened", "incident"]);
            for incident in incidents {
                table.add_row([
                    incident.severity.to_string(),
                    incident.score.to_string(),
                    clock(incident.first),
                    clock(incident.last),
                    incident.alerts.to_string(),
                    incident.title.clone(),
                    incident.id.to_string(),
                ]);
            }
            writeln!(self.out, "{table}")?;
            self.stories(incidents)?;
        }
        self.alone()?;
        let messages: Vec<String> =
            summary.messages.iter().map(|(protocol, count)| format!("{count} {protocol}")).collect();
        writeln!(
            self.out,
            "{} frames, {:.1} s of traffic; messages: {}; {} alerts in {} incidents; {} gaps.",
            summary.frames,
            summary.last.zip(summary.first).map_or(0.0, |(last, first)| last.since(first).as_secs_f64()),
            if messages.is_empty() { "none".to_owned() } else { messages.join(", ") },
            summary.alerts,
            summary.incidents,
            summary.gaps
        )?;
        for window in &summary.windows {
            let (number, within, overrun) = (&window.number, window.within, window.overrun);
            match window.word() {
                "unused" => writeln!(self.out, "Work order {number}: its window was not used")?,
                "overrun" => {
                    writeln!(
                        self.out,
                        "Work order {number}: overrun, {overrun} findings behind its window, {within} within"
                    )?;
                }
                _ => writeln!(self.out, "Work order {number}: {within} findings within its window")?,
            }
        }
        for ModeChange { mode, since } in &summary.modes {
            let mode = mode.map_or_else(|| String::from("the usual one"), |mode| mode.to_string());
            writeln!(self.out, "Operating mode since {}: {mode}", clock(*since))?;
        }
        for quiet in &summary.quiet {
            writeln!(self.out, "{}", quiet_line(quiet))?;
        }
        for blind in &summary.blind {
            writeln!(self.out, "Not assured: {blind}")?;
        }
        Ok(())
    }
}

/// What became of what the baseline tells quietly.
fn quiet_line(quiet: &QuietUse) -> String {
    let QuietUse { scope, reason, within, overrun, .. } = quiet;
    let until = quiet.until.map_or_else(|| "open-ended".into(), |until| format!("until {}", moment(until)));
    match quiet.word() {
        "unused" => format!("Quiet {until}, never used: {scope} ({reason})"),
        "over" => format!("Quiet {until}, which is over, {within} findings: {scope} ({reason})"),
        "overrun" => {
            format!(
                "Quiet {until}, which is over, {overrun} findings behind it, {within} within: {scope} ({reason})"
            )
        }
        _ => format!("Quiet {until}, {within} findings: {scope} ({reason})"),
    }
}

/// Alerts told per incident to a person; `--json` tells all.
const MAX_TOLD: usize = 12;

/// Date and time to the second.
fn clock(time: Timestamp) -> String {
    time.to_string().get(..19).unwrap_or_default().replace('T', " ")
}

/// One alert as the daemon prints it live, the same line as `replay --json` prints.
pub(crate) fn alert_line(alert: &Alert) -> String {
    json::alert(alert, Named::One)
}
