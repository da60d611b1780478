//! Evidence of a running gateway: every frame goes into a ring on disk, and a thread behind the engine cuts a slice out of
//! it for each alert, once the time after the alert has passed.
//!
//! The engine's thread never waits for either. A disk that is slow costs frames of the ring, and an alert that finds
//! [`MAX_WAITING`] others waiting gets no slice; both are told in `status`. A folder that cannot be used costs the
//! evidence, not the watch.

use std::{
    collections::VecDeque,
    fs, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fieldwarden_model::{Alert, Loss, RawFrame, Timestamp};
use fieldwarden_response::evidence::{Chain, Facts};
use fieldwarden_sensor::{
    SourceError,
    evidence::{Bounds, Held, Keeper, Limits, cut},
    record::Interface,
};
use serde_json::Value;

use super::{answers::row, settings::EvidenceSettings};
use crate::evidence;

/// Frames gather at most this long before they are handed to the disk.
const GATHER: Duration = Duration::from_millis(200);
/// Frames are kept no longer than this, however much room there is.
const MAX_AGE: Duration = Duration::from_secs(24 * 3_600);
/// Of what evidence may take on disk, the share of the slices: one part in so many.
const SLICES_PART: u64 = 4;
/// Of the slices' share, what one of them takes at most: one part in so many.
const SLICE_PART: u64 = 16;
/// Slices cut in one reading of the ring: half the slices' share is kept free for them.
const AT_ONCE: usize = 8;
/// Alerts that wait for their slices at most.
const MAX_WAITING: usize = 1_024;
/// How long slices are still begun when the daemon is told to stop.
const GOODBYE: Duration = Duration::from_secs(3);
/// After an alert's time has passed: until its last frames are on disk.
const SETTLE: Duration = Duration::from_secs(1);
/// Between two looks at the alerts that wait.
const LOOK: Duration = Duration::from_millis(250);
/// The ring is read from so long before a slice begins: an alert may rest on frames that are older.
const OLDER: Duration = Duration::from_secs(300);

/// The engine's end of it.
pub(crate) struct Evidence {
    ring: Keeper,
    handed_over: Instant,
    to_cutter: Option<SyncSender<Alert>>,
    cutter: Option<JoinHandle<()>>,
    cut: Arc<Mutex<Cut>>,
}

/// What became of the slices since the start.
#[derive(Clone, Debug, Default)]
struct Cut {
    slices: u64,
    /// Alerts without one.
    without: u64,
    trouble: Option<String>,
}

impl Evidence {
    /// Opens the ring and starts the thread that cuts.
    pub(crate) fn start(settings: &EvidenceSettings, interface: Interface) -> Result<Self, String> {
        let slices = (settings.megabytes << 20) / SLICES_PART;
        let bounds = Bounds { octets: (settings.megabytes << 20) - slices, age: MAX_AGE };
        let (ring, healed) =
            Keeper::start(&settings.folder, vec![interface], bounds).map_err(|fault| fault.to_string())?;
        if healed.cut_octets > 0 {
            eprintln!(
                "fieldwarden: the last {} octets of the evidence ring were half a block and are gone",
                healed.cut_octets
            );
        }
        let wrong = |fault: &dyn std::fmt::Display| format!("slices of evidence cannot be cut: {fault}");
        let cut = Arc::new(Mutex::new(Cut::default()));
        let cutter = Cutter::new(settings, slices, Arc::clone(&cut)).map_err(|fault| wrong(&fault))?;
        let (to_cutter, alerts) = sync_channel(MAX_WAITING);
        let cutter = thread::Builder::new().name("slices".into()).spawn(move || {
            super::give_way();
            cutter.run(&alerts);
        });
        let cutter = Some(cutter.map_err(|fault| wrong(&fault))?);
        Ok(Self { ring, handed_over: Instant::now(), to_cutter: Some(to_cutter), cutter, cut })
    }

    /// Keeps a frame.
    pub(crate) fn frame(&mut self, number: u64, frame: &RawFrame<'_>) {
        // One that was left out is counted, told in `status`, and written where it is missing.
        let _ = self.ring.keep(number, frame);
    }

    /// Remembers what the capture lost.
    pub(crate) fn lose(&mut self, loss: &Loss) {
        self.ring.lose(loss);
    }

    /// Hands over what has gathered when it is time, or when the network is quiet.
    pub(crate) fn hand_over(&mut self, is_quiet: bool) {
        if is_quiet || self.handed_over.elapsed() >= GATHER {
            self.handed_over = Instant::now();
            self.ring.flush();
        }
    }

    /// Asks for an alert's slice.
    pub(crate) fn alert(&self, alert: &Alert) {
        let asked = self.to_cutter.as_ref().is_some_and(|cutter| cutter.try_send(alert.clone()).is_ok());
        if !asked {
            locked(&self.cut).without += 1;
        }
    }

    /// Lines for `status`.
    pub(crate) fn status(&self) -> Vec<Value> {
        let (ring, cut) = (self.ring.status(), locked(&self.cut).clone());
        let state = |trouble: bool, short: &'static str, count: u64| match (trouble, count) {
            (true, _) => "in trouble",
            (false, 0) => "good",
            (false, _) => short,
        };
        let mut detail = format!(
            "{} frames kept since the start, {} left out; {} MiB in {} segments",
            ring.kept,
            ring.left_out,
            ring.octets >> 20,
            ring.segments
        );
        detail.extend(ring.trouble.iter().flat_map(|trouble| ["; ", trouble]));
        let ring =
            row("evidence ring", state(ring.trouble.is_some(), "frames left out", ring.left_out), &detail);
        let mut detail = format!("{} cut since the start, {} alerts without one", cut.slices, cut.without);
        detail.extend(cut.trouble.iter().flat_map(|trouble| ["; ", trouble]));
        let state = state(cut.trouble.is_some(), "alerts without", cut.without);
        vec![ring, row("evidence slices", state, &detail)]
    }

    /// Puts everything on disk, and cuts the slices that still wait.
    pub(crate) fn finish(mut self) {
        self.ring.finish();
        drop(self.to_cutter.take());
        if let Some(cutter) = self.cutter.take() {
            // A panic of the cutter has been printed already.
            let _ = cutter.join();
        }
    }
}

/// The thread that cuts.
struct Cutter {
    ring: PathBuf,
    /// Where slices lie beside their chain.
    slices: PathBuf,
    /// Where they are written: what a crash leaves here is half done.
    unfinished: PathBuf,
    chain: Chain,
    limits: Limits,
    /// Octets of all slices, those apart that are being cut.
    octets: u64,
    cut: Arc<Mutex<Cut>>,
}

impl Cutter {
    fn new(settings: &EvidenceSettings, octets: u64, cut: Arc<Mutex<Cut>>) -> Result<Self, String> {
        let slices = settings.folder.join("slices");
        let unfinished = slices.join("unfinished");
        evidence::make_folder(&unfinished).map_err(|fault| format!("`{}`: {fault}", unfinished.display()))?;
        let chain = Chain::open(&slices).map_err(|fault| fault.to_string())?;
        let limits = Limits {
            before: settings.before,
            after: settings.after,
            octets: (octets / SLICE_PART).min(evidence::SLICE_OCTETS),
        };
        let ring = settings.folder.clone();
        let cutter = Self { ring, slices, unfinished, chain, limits, octets: octets / 2, cut };
        cutter.clear().map_err(|fault| format!("`{}`: {fault}", cutter.unfinished.display()))?;
        Ok(cutter)
    }

    fn run(mut self, alerts: &Receiver<Alert>) {
        // By the time since they came, as the clock that stamps frames may not be this machine's.
        let mut waiting: VecDeque<(Instant, Alert)> = VecDeque::new();
        let patience = self.limits.after + SETTLE;
        loop {
            match alerts.recv_timeout(LOOK) {
                Ok(alert) if waiting.len() < MAX_WAITING => waiting.push_back((Instant::now(), alert)),
                Ok(_) => self.without(1, None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let first = waiting.iter().take(AT_ONCE);
            let count = first.take_while(|(came, _)| came.elapsed() >= patience).count();
            self.take(waiting.drain(..count).map(|(_, alert)| alert).collect());
        }
        let ended = Instant::now();
        while !waiting.is_empty() && ended.elapsed() < GOODBYE {
            let count = waiting.len().min(AT_ONCE);
            self.take(waiting.drain(..count).map(|(_, alert)| alert).collect());
        }
        if !waiting.is_empty() {
            eprintln!("fieldwarden: stopping; {} alerts have no slice of evidence", waiting.len());
        }
    }

    /// Cuts some slices, and says what became of them.
    fn take(&mut self, mut alerts: Vec<Alert>) {
        // An alert that is told again after a restart has its slice.
        let mut known = Vec::new();
        alerts.retain(|alert| {
            let is_new = !known.contains(&alert.id) && !self.slices.join(name(alert)).exists();
            known.push(alert.id.clone());
            is_new
        });
        if alerts.is_empty() {
            return;
        }
        match self.cut(&alerts) {
            Ok(()) => {
                let mut cut = locked(&self.cut);
                cut.slices += alerts.len() as u64;
                cut.trouble = None;
            }
            Err(trouble) => {
                // Whatever is there of them is not in the chain.
                let _ = self.clear();
                self.without(alerts.len(), Some(trouble));
            }
        }
    }

    fn cut(&mut self, alerts: &[Alert]) -> Result<(), String> {
        let first = alerts.iter().map(|alert| alert.time).min().unwrap_or(Timestamp::MIN);
        let from = first.saturating_sub(self.limits.before + OLDER);
        let mut open = || {
            Held::open(&self.ring, from)
                .map_err(|cause| SourceError::Unreadable { name: self.ring.display().to_string(), cause })
        };
        let wanted: Vec<_> = alerts.iter().map(evidence::wanted).collect();
        let slices =
            cut(&self.unfinished, &wanted, self.limits, &mut open).map_err(|fault| fault.to_string())?;
        let facts: Vec<Facts> =
            alerts.iter().zip(slices).map(|(alert, slice)| evidence::facts(alert, slice)).collect();
        let names: Vec<String> = facts.iter().map(|facts| facts.slice.clone()).collect();
        let moved = names
            .iter()
            .try_for_each(|name| fs::rename(self.unfinished.join(name), self.slices.join(name)))
            .map_err(|fault| format!("`{}`: {fault}", self.slices.display()));
        let chained = moved
            .and_then(|()| self.chain.add(facts, self.octets).map(drop).map_err(|fault| fault.to_string()));
        if chained.is_err() {
            for name in names {
                // Those that were not moved are not there.
                let _ = fs::remove_file(self.slices.join(name));
            }
        }
        chained
    }

    fn without(&self, alerts: usize, trouble: Option<String>) {
        let mut cut = locked(&self.cut);
        cut.without += alerts as u64;
        if let Some(trouble) = trouble
            && cut.trouble.as_ref() != Some(&trouble)
        {
            eprintln!("fieldwarden: slices of evidence cannot be cut: {trouble}");
            cut.trouble = Some(trouble);
        }
    }

    /// Removes slices that were not finished.
    fn clear(&self) -> io::Result<()> {
        fs::read_dir(&self.unfinished)?.try_for_each(|entry| fs::remove_file(entry?.path()))
    }
}

fn name(alert: &Alert) -> String {
    format!("{}.pcapng", alert.id.0)
}

fn locked(cut: &Mutex<Cut>) -> std::sync::MutexGuard<'_, Cut> {
    cut.lock().unwrap_or_else(PoisonError::into_inner)
}
