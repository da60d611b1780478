//! The daemon: everything opened, every thread started, then the engine's loop until told to stop.

use std::{
    io::Read as _,
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use fieldwarden_engine::{Engine, Settings as EngineSettings};
use fieldwarden_model::Severity;
use fieldwarden_response::{
    outbox::{Outbox, Pace},
    store::{Filter, Store},
};
use fieldwarden_sensor::{LiveCapture, Recorder, record::Interface};

use super::{
    answers::Answers,
    approved::Approved,
    containment::Containment,
    enforcer::Enforcer,
    evidence::Evidence,
    handover,
    judge::{CHECKPOINT_VERSION, Judge},
    learning::Learning,
    listen,
    memory::{Memory, Trouble},
    now, parent,
    settings::{SensorSettings, Settings},
};
use crate::cli;

/// How long destinations may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);
/// Open incidents taken from the store where the checkpoint cannot be used.
const MAX_ADOPTED: u32 = 1_000;
/// Recordings or drafts of one name beside each other.
const MAX_OF_A_NAME: u32 = 1_000;

/// The interface that the configuration names cannot be heard, and why.
#[derive(Debug)]
pub(crate) struct NoCapture(String);

impl std::fmt::Display for NoCapture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoCapture {}

/// Runs until `stop`, or until the parent is gone.
pub(crate) fn run(settings: Settings, approved: Approved, print: bool, stop: Arc<AtomicBool>) -> Result<()> {
    rustix::thread::set_no_new_privs(true).context("`no_new_privs` could not be set")?;
    let Settings {
        site,
        sensor,
        baseline: names,
        evidence,
        store,
        control,
        containment,
        operators,
        destinations,
        engine,
        tags,
    } = settings;
    let parent = parent()?;
    let listener = listen::open(&control)?;
    let store = open_store(&store)?;
    let capture = capture(&sensor, &parent)?;
    let recorder = sensor.record.as_deref().map(|path| recorder(path, &sensor, &capture)).transpose()?;
    let evidence = evidence.map(|settings| Evidence::start(&settings, interface(&sensor, &capture)));
    watch_parent(parent, Arc::clone(&stop))?;

    let pace = Pace::new(cli::seed().0);
    let outbox = Outbox::start(&store, &destinations, pace, now)
        .map_err(|fault| anyhow!("the outbox did not start: {fault}"))?;
    let outbox = Arc::new(outbox);
    let (to_judge, queries) = channel();
    let trouble = Arc::new(Trouble::default());
    let enforcer = containment.enforcer.map(Enforcer::at);
    let protected = site.protected.clone();
    let orders = Arc::new(Containment::new(
        store.clone(),
        enforcer.clone(),
        protected,
        containment.two_persons,
        to_judge.clone(),
    ));
    let enforcer_reachable = Arc::new(AtomicBool::new(false));
    if let Some(enforcer) = enforcer {
        hear_enforcer(enforcer, Arc::clone(&orders), Arc::clone(&enforcer_reachable), Arc::clone(&stop))?;
    }
    let draft = names.draft.as_deref().map(unused).transpose()?;
    let learning = draft.map(|path| Learning::new(site.clone(), path));
    let settings = cli::engine_settings(site, engine, approved.baseline);
    let mut engine = Engine::new(EngineSettings { threads: sensor.threads, tags, ..settings });
    resume(&mut engine, &store)?;
    let memory =
        Memory::start(store.clone(), Arc::clone(&trouble)).context("the store's thread did not start")?;
    let answers = Arc::new(Answers {
        operators,
        store: store.clone(),
        outbox: Arc::clone(&outbox),
        destinations,
        containment: Arc::clone(&orders),
        judge: to_judge,
        trouble,
        enforcer_reachable,
    });
    let (serving, serve_until) = (Arc::clone(&answers), Arc::clone(&stop));
    thread::Builder::new()
        .name("control socket".into())
        .spawn(move || listen::serve(&listener, &serving, &serve_until))?;

    eprintln!("fieldwarden: listening on {}", sensor.interface);
    let judge = Judge::new(engine, capture, recorder, memory, orders, print)
        .context("the keeper's thread did not start")?;
    judge.with(learning).keeping(evidence).troubled("baseline", approved.trouble).run(&queries, &stop);
    stop_outbox(outbox);
    store.close();
    Ok(())
}

/// Says goodbye to every destination. A connection that is served at this moment may still hold the outbox for its
/// status; then its threads end with the process, and what is not confirmed is sent again at the next start.
fn stop_outbox(outbox: Arc<Outbox>) {
    let busy = Arc::into_inner(outbox).map(|outbox| outbox.stop(GOODBYE)).unwrap_or_default();
    for name in busy {
        eprintln!(
            "fieldwarden: `{name}` was still busy; what it has not confirmed is sent again at the next start"
        );
    }
}

/// The socket to the parent is this process's standard input.
fn parent() -> Result<UnixStream> {
    let input = std::io::stdin().as_fd().try_clone_to_owned().context("standard input is closed")?;
    Ok(UnixStream::from(input))
}

/// When the parent is gone, nobody would restart this daemon or open its next socket: it ends in order.
fn watch_parent(mut parent: UnixStream, stop: Arc<AtomicBool>) -> Result<()> {
    thread::Builder::new().name("parent".into()).spawn(move || {
        let mut nothing = [0; 1];
        while matches!(parent.read(&mut nothing), Ok(1..)) {}
        stop.store(true, Ordering::Relaxed);
    })?;
    Ok(())
}

fn capture(sensor: &SensorSettings, to_parent: &UnixStream) -> Result<LiveCapture> {
    use std::io::Write as _;
    writeln!(&*to_parent, "{}", parent::demand(&sensor.interface, sensor.setup))
        .context("the parent does not listen")?;
    let (sentence, sockets) = handover::receive(to_parent).context("the parent does not answer")?;
    if sockets.is_empty() {
        return Err(NoCapture(sentence).into());
    }
    LiveCapture::from_fds(sockets, &sensor.interface, sensor.setup, 0).map_err(|fault| anyhow!("{fault}"))
}

fn recorder(path: &Path, sensor: &SensorSettings, capture: &LiveCapture) -> Result<Recorder> {
    let path = unused(path)?;
    Recorder::create(&path, &[interface(sensor, capture)], sensor.record_megabytes << 20)
        .map_err(|fault| anyhow!("{fault}"))
}

/// The interface as recordings and evidence describe it.
fn interface(sensor: &SensorSettings, capture: &LiveCapture) -> Interface {
    Interface { name: sensor.interface.clone(), link_type: capture.link_type() }
}

/// The path itself, or, since recordings and drafts never overwrite one, the first of `-2`, `-3` and so on that is free.
fn unused(path: &Path) -> Result<PathBuf> {
    let numbered = |n: u32| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let ending =
            path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
        path.with_file_name(format!("{stem}-{n}{ending}"))
    };
    std::iter::once(path.to_path_buf())
        .chain((2..MAX_OF_A_NAME).map(numbered))
        .find(|path: &PathBuf| !path.exists())
        .ok_or_else(|| anyhow!("{MAX_OF_A_NAME} files of the name `{}` stand there already", path.display()))
}

fn open_store(path: &Path) -> Result<Store> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder of the store `{}`", path.display()))?;
    }
    let (store, set_aside) = Store::open_or_set_aside(path, now()).map_err(|fault| anyhow!("{fault}"))?;
    if let Some(aside) = set_aside {
        eprintln!("fieldwarden: {}", aside.sentence());
    }
    Ok(store)
}

/// Takes up where the last run stopped, so that a continuing attack joins its open incident. A checkpoint that cannot be
/// used costs the memory of values and rates; the open incidents are then taken from the store itself.
fn resume(engine: &mut Engine, store: &Store) -> Result<()> {
    let Some(checkpoint) = store.checkpoint().map_err(|fault| anyhow!("{fault}"))? else { return Ok(()) };
    let restored = if checkpoint.version == CHECKPOINT_VERSION {
        engine.restore(&checkpoint.body, now()).map_err(|fault| fault.to_string())
    } else {
        Err(format!(
            "it is of version {}, this program reads version {CHECKPOINT_VERSION}",
            checkpoint.version
        ))
    };
    let Err(fault) = restored else { return Ok(()) };
    let unclosed = Filter { unclosed: true, severity: Severity::Info, limit: MAX_ADOPTED };
    let cases = store.incidents(&unclosed).map_err(|fault| anyhow!("{fault}"))?;
    eprintln!(
        "fieldwarden: the checkpoint is not used ({fault}); {} open incidents are taken from the store",
        cases.len()
    );
    engine.adopt(cases.into_iter().map(|case| case.incident).collect());
    Ok(())
}

fn hear_enforcer(
    enforcer: Enforcer,
    orders: Arc<Containment>,
    reachable: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    thread::Builder::new().name("enforcer".into()).spawn(move || {
        let met = || {
            if let Err(fault) = orders.settle() {
                eprintln!("fieldwarden: what became of an approved order is not known: {fault}");
            }
        };
        enforcer.listen(&stop, &reachable, met, |report| {
            // Reports of orders this store never held are the enforcer's own history.
            if let Err(fault) = orders.take(&report) {
                eprintln!("fieldwarden: a report of the enforcer is not stored: {fault}");
            }
        });
    })?;
    Ok(())
}
