//! The daemon's configuration: one section per room, each read by the room itself.

use std::{path::PathBuf, sync::Arc, time::Duration};

use fieldwarden_engine::{
    configure::{self, Configured},
    tags::Tags,
};
use fieldwarden_model::{
    Site,
    section::{Fault, Reader, Section},
};
use fieldwarden_response::{forward::Destination, outward};
use fieldwarden_sensor::live::{RingCount, RingSize, Setup, Times};

use crate::{cli, evidence, operator::Operator};

/// A slice is cut when its time is over: nobody waits longer for one.
const MAX_AFTER_SECS: u64 = 600;

/// Everything a configuration file of the daemon says.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `[site]`.
    pub(crate) site: Site,
    /// `[sensor]`.
    pub(crate) sensor: SensorSettings,
    /// `[baseline]`.
    pub(crate) baseline: BaselineSettings,
    /// `[evidence]`; without a folder no evidence is kept.
    pub(crate) evidence: Option<EvidenceSettings>,
    /// `[store] path`.
    pub(crate) store: PathBuf,
    /// `[control] socket`.
    pub(crate) control: PathBuf,
    /// `[containment]`.
    pub(crate) containment: ContainmentSettings,
    /// `[[operator]]`.
    pub(crate) operators: Vec<Operator>,
    /// `[[forward.<kind>]]` and the other ways outward, each read by its kind.
    pub(crate) destinations: Vec<Arc<dyn Destination>>,
    /// `[detectors]`, `[incidents]`, `[limits]`.
    pub(crate) engine: Configured,
    /// What the files named by `[[site.asset]] tags` say; none before they were read.
    pub(crate) tags: Tags,
}

/// `[sensor]`: where frames come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SensorSettings {
    /// The span interface.
    pub(crate) interface: String,
    /// The rings shared with the kernel, and who stamps the frames.
    pub(crate) setup: Setup,
    /// Threads that judge what arrives together.
    pub(crate) threads: usize,
    /// Where everything read is recorded, for replay.
    pub(crate) record: Option<PathBuf>,
    /// The recording stops at this size.
    pub(crate) record_megabytes: u64,
}

/// `[baseline]`: what is normal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaselineSettings {
    /// What people approved; without it only those detectors judge that need none.
    pub(crate) file: Option<PathBuf>,
    /// Where what is learned live is written, for a person to read.
    pub(crate) draft: Option<PathBuf>,
    /// Public keys of those who may approve; where there are any, what none of them signed is refused.
    pub(crate) signers: Vec<PathBuf>,
    /// Where a copy of the last one that was signed is kept.
    pub(crate) last_good: Option<PathBuf>,
}

/// `[evidence]`: frames of the past, and slices of them for alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EvidenceSettings {
    /// Where the ring lies, and the slices in a folder below.
    pub(crate) folder: PathBuf,
    /// What ring and slices take together at most, in MiB.
    pub(crate) megabytes: u64,
    /// How long before its alert a slice begins.
    pub(crate) before: Duration,
    /// How long after it a slice ends.
    pub(crate) after: Duration,
}

/// `[containment]`: how orders come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContainmentSettings {
    /// The enforcer's socket; without it this gateway only observes.
    pub(crate) enforcer: Option<PathBuf>,
    /// Whether proposer and approver must be two operators.
    pub(crate) two_persons: bool,
}

impl Settings {
    /// Reads the whole file.
    pub(crate) fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let site = reader.table("site");
        let site = reader.absorb(Site::configure(&site));
        let sensor = reader.table("sensor");
        let sensor = reader.absorb(sensor_settings(&sensor));
        let baseline = reader.table("baseline");
        let baseline = reader.absorb(baseline_settings(&baseline));
        let evidence = reader.table("evidence");
        let evidence = reader.absorb(evidence_settings(&evidence));
        let store = reader.table("store");
        let store = reader.absorb(one_path(&store, "path"));
        let control = reader.table("control");
        let control = reader.absorb(one_path(&control, "socket"));
        let containment = reader.table("containment");
        let containment = reader.absorb(containment_settings(&containment));
        let operators = reader.tables("operator");
        let operators: Vec<Operator> =
            operators.iter().filter_map(|section| reader.absorb(Operator::configure(section))).collect();
        let destinations = outward::configure(&mut reader);
        let engine = configure::configure(&mut reader);
        reader.finish_with((|| {
            Some(Self {
                site: site?,
                sensor: sensor?,
                baseline: baseline?,
                evidence: evidence?,
                store: store?.unwrap_or_else(|| "/var/lib/fieldwarden/fieldwarden.db".into()),
                control: control?.unwrap_or_else(|| "/run/fieldwarden/control.sock".into()),
                containment: containment?,
                operators,
                destinations: destinations?,
                engine,
                tags: Tags::default(),
            })
        })())
    }
}

fn sensor_settings(section: &Section) -> Result<SensorSettings, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let interface = reader.required::<String>("interface", "interface = \"span0\"");
    let megabytes = u64::from(RingSize::MIN_MEGABYTES)..=u64::from(RingSize::MAX_MEGABYTES);
    let megabytes = reader.within("ring_megabytes", megabytes, RingSize::default().get().into());
    let rings = reader.within("rings", 1..=u64::from(RingCount::MAX), 1);
    let by_card = reader.optional::<bool>("hardware_timestamps").unwrap_or_default();
    let setup = Setup {
        size: RingSize::megabytes(u16::try_from(megabytes).unwrap_or(RingSize::MAX_MEGABYTES)),
        rings: RingCount::of(u8::try_from(rings).unwrap_or(RingCount::MAX)),
        times: if by_card { Times::Card } else { Times::Kernel },
    };
    let threads = usize::try_from(reader.within("threads", 0..=64, 0)).unwrap_or(0);
    let threads = cli::threads(threads);
    let record = reader.optional::<String>("record").map(PathBuf::from);
    let record_megabytes = reader.within("record_megabytes", 1..=1_048_576, 256);
    let settings =
        interface.map(|interface| SensorSettings { interface, setup, threads, record, record_megabytes });
    reader.finish_with(settings)
}

fn baseline_settings(section: &Section) -> Result<BaselineSettings, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let file = reader.optional::<String>("file").map(PathBuf::from);
    let draft = reader.optional::<String>("draft").map(PathBuf::from);
    if draft.is_some() && draft == file {
        let help = "give the draft a name of its own: a person makes it the baseline";
        reader.fault_at("draft", "it would overwrite what people approved".into(), Some(help.into()));
    }
    let signers: Vec<PathBuf> =
        reader.or("signers", Vec::<String>::new()).into_iter().map(PathBuf::from).collect();
    let last_good = reader.optional::<String>("last_good").map(PathBuf::from);
    if last_good.is_some() && last_good == file {
        let help = "give the copy a place that the daemon may write to, such as /var/lib/fieldwarden";
        reader.fault_at("last_good", "it would overwrite what people approved".into(), Some(help.into()));
    }
    reader.finish_with(Some(BaselineSettings { file, draft, signers, last_good }))
}

fn evidence_settings(section: &Section) -> Result<Option<EvidenceSettings>, Vec<Fault>> {
    let mut reader = Reader::new(section);
    if section.entries.is_empty() {
        return reader.finish_with(Some(None));
    }
    let folder = reader.required::<String>("folder", "folder = \"/var/lib/fieldwarden/evidence\"");
    let megabytes = reader.within("megabytes", 16..=1_048_576, 1_024);
    let before = reader.within("before_secs", 0..=evidence::MAX_SECS, evidence::BEFORE_SECS);
    let after = reader.within("after_secs", 0..=MAX_AFTER_SECS, evidence::AFTER_SECS);
    let (before, after) = (Duration::from_secs(before), Duration::from_secs(after));
    let settings = folder.map(|folder| EvidenceSettings { folder: folder.into(), megabytes, before, after });
    reader.finish_with(settings.map(Some))
}

fn one_path(section: &Section, key: &'static str) -> Result<Option<PathBuf>, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let path = reader.optional::<String>(key).map(PathBuf::from);
    reader.finish_with(Some(path))
}

fn containment_settings(section: &Section) -> Result<ContainmentSettings, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let enforcer = reader.optional::<String>("enforcer").map(PathBuf::from);
    let two_persons = reader.or("two_persons", false);
    reader.finish_with(Some(ContainmentSettings { enforcer, two_persons }))
}
