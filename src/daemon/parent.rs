//! The parent: keeps the privileges, parses nothing, starts and restarts the daemon and the enforcer.
//!
//! The daemon asks it for capture sockets by interface name over the socket that is the daemon's standard input. That
//! is all the parent ever does for it: a taken-over daemon can make it open a listening socket, never change a device.

use std::{
    io::{BufRead as _, BufReader},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use fieldwarden_sensor::live::{self, RingCount, RingSize, Setup, Times};

/// A child that ended is started again after this long, doubled at each quick end up to [`SLOWEST_RESTART`].
const FIRST_RESTART: Duration = Duration::from_millis(200);
const SLOWEST_RESTART: Duration = Duration::from_secs(10);
/// A child that ran this long counts as healthy: its next restart is quick again.
const HEALTHY: Duration = Duration::from_secs(20);
/// How long a child may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// Interfaces one daemon is given the sockets of. Rings hold memory of the kernel, and a
/// taken-over daemon must not drain it.
const MAX_CAPTURES: u32 = 8;
/// The word for the network card's time stamps.
const CARD: &str = "card";
/// The longest line the daemon may send, far beyond any interface name.
const MAX_ASK: u64 = 256;

/// What the parent starts.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The daemon's configuration, handed on unread.
    pub(crate) config: PathBuf,
    /// The enforcer's configuration, handed on unread; none means that no enforcer is started.
    pub(crate) enforcer_config: Option<PathBuf>,
    /// The account the daemon runs under: uid and gid.
    pub(crate) account: Option<(u32, u32)>,
    /// Further words for the daemon.
    pub(crate) daemon_words: Vec<String>,
}

/// Runs both children until `stop` is set.
pub(crate) fn run(plan: &Plan, stop: &Arc<AtomicBool>) -> Result<()> {
    let mut children = vec![Supervised::new("daemon", spawn_daemon)];
    if plan.enforcer_config.is_some() {
        children.push(Supervised::new("enforcer", spawn_enforcer));
    }
    while !stop.load(Ordering::Relaxed) {
        for child in &mut children {
            if let Some(status) = child.keep_running(plan)? {
                return finish(children, status);
            }
        }
        thread::sleep(Duration::from_millis(50));
    }
    finish(children, 0)
}

fn finish(children: Vec<Supervised>, status: i32) -> Result<()> {
    // The enforcer ends last, so that the daemon's final releases still reach it.
    for child in children {
        child.end();
    }
    match status {
        0 => Ok(()),
        2 => bail!(super::WORDS_OR_FILE_WRONG),
        other => bail!("the daemon ended with status {other}"),
    }
}

/// One child, with the pace of its restarts.
struct Supervised {
    name: &'static str,
    spawn: fn(&Plan) -> Result<Child>,
    child: Option<(Child, Instant)>,
    next_start: Instant,
    delay: Duration,
    started_before: bool,
}

impl Supervised {
    fn new(name: &'static str, spawn: fn(&Plan) -> Result<Child>) -> Self {
        let next_start = Instant::now();
        Self { name, spawn, child: None, next_start, delay: FIRST_RESTART, started_before: false }
    }

    /// Starts the child when it is due and notices its end. A status is returned when the child ended at its first
    /// start because its words or files were wrong: restarting would not mend that.
    fn keep_running(&mut self, plan: &Plan) -> Result<Option<i32>> {
        let Some((child, since)) = &mut self.child else {
            if Instant::now() >= self.next_start {
                self.child = Some(((self.spawn)(plan)?, Instant::now()));
            }
            return Ok(None);
        };
        let Some(status) = child.try_wait()? else {
            self.started_before |= since.elapsed() >= HEALTHY;
            return Ok(None);
        };
        let quick = since.elapsed() < HEALTHY;
        self.child = None;
        if status.code() == Some(2) && !self.started_before {
            return Ok(Some(2));
        }
        self.started_before = true;
        self.delay = if quick { (self.delay * 2).min(SLOWEST_RESTART) } else { FIRST_RESTART };
        self.next_start = Instant::now() + self.delay;
        eprintln!(
            "fieldwarden: the {} ended ({status}); it starts again in {} ms",
            self.name,
            self.delay.as_millis()
        );
        Ok(None)
    }

    fn end(self) {
        let Some((mut child, _)) = self.child else { return };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // The child may have ended by itself in this instant; then there is nobody to tell.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn spawn_daemon(plan: &Plan) -> Result<Child> {
    let (ours, theirs) = UnixStream::pair().context("no socket pair for the daemon")?;
    let program = std::env::current_exe().context("the path of this program is not to be had")?;
    let mut command = Command::new(program);
    command.arg("run").arg("--as-daemon").arg("--config").arg(&plan.config).args(&plan.daemon_words);
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    if let Some((uid, gid)) = plan.account {
        command.uid(uid).gid(gid);
    }
    let child = command.spawn().context("the daemon could not be started")?;
    thread::Builder::new().name("capture sockets".into()).spawn(move || serve_captures(&ours))?;
    Ok(child)
}

fn spawn_enforcer(plan: &Plan) -> Result<Child> {
    let config = plan.enforcer_config.as_deref().context("no configuration for the enforcer")?;
    let mut command = Command::new(enforcer_program()?);
    command.arg("run").arg("--until-input-ends").arg("--config").arg(config).stdin(Stdio::piped());
    command.spawn().context("`fieldwarden-enforcer` could not be started")
}

/// The enforcer is installed beside this program.
pub(crate) fn enforcer_program() -> Result<PathBuf> {
    let own = std::env::current_exe().context("the path of this program is not to be had")?;
    Ok(own.parent().unwrap_or(Path::new("/usr/bin")).join("fieldwarden-enforcer"))
}

/// Answers the daemon's requests, each a line that [`demand`] writes, with sockets or a sentence.
fn serve_captures(daemon: &UnixStream) {
    use std::io::Read as _;
    let mut lines = BufReader::new(daemon);
    for _ in 0..MAX_CAPTURES {
        let mut line = String::new();
        match lines.by_ref().take(MAX_ASK).read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let (interface, setup) = demanded(&line);
        let sent = match live::open(interface, setup) {
            Ok(sockets) => {
                let sockets: Vec<_> = sockets.iter().map(OwnedFd::as_fd).collect();
                super::handover::send(daemon, &sockets, "ready")
            }
            Err(fault) => super::handover::send(daemon, &[], &fault.to_string()),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// What the daemon asks its parent: `INTERFACE RING_MEGABYTES RINGS STAMPS`, the last being `kernel` or `card`.
pub(crate) fn demand(interface: &str, setup: Setup) -> String {
    let stamps = if setup.times == Times::Card { CARD } else { "kernel" };
    format!("{interface} {} {} {stamps}", setup.size.get(), setup.rings.get())
}

/// What a line of [`demand`] says; a word that is missing or no number counts as its least.
fn demanded(line: &str) -> (&str, Setup) {
    let mut words = line.split_whitespace();
    let interface = words.next().unwrap_or_default();
    let size = RingSize::megabytes(words.next().and_then(|word| word.parse().ok()).unwrap_or_default());
    let rings = RingCount::of(words.next().and_then(|word| word.parse().ok()).unwrap_or_default());
    let times = if words.next() == Some(CARD) { Times::Card } else { Times::Kernel };
    (interface, Setup { size, rings, times })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_reads_what_the_daemon_asks_and_holds_it_within_bounds() {
        let setup = |megabytes, rings, times| Setup {
            size: RingSize::megabytes(megabytes),
            rings: RingCount::of(rings),
            times,
        };
        let asked = setup(48, 4, Times::Card);
        assert_eq!(demanded(&demand("span0", asked)), ("span0", asked));
        assert_eq!(demanded("span0 9999 200 kernel\n"), ("span0", setup(1024, 8, Times::Kernel)));
        assert_eq!(demanded("span0 much -3 more"), ("span0", setup(1, 1, Times::Kernel)));
        assert_eq!(demanded("\n"), ("", setup(1, 1, Times::Kernel)));
    }
}
