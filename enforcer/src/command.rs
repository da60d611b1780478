//! The command line of `fieldwarden-enforcer`. Exit status 0: done; 1: the work failed; 2: the words or a file were
//! wrong.

use std::{
    fs, io,
    io::{BufRead, BufReader, Write},
    os::{fd::RawFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Parser, Subcommand};
use fieldwarden_config::{Sources, load, render};
use fieldwarden_model::{
    Order, OrderId, Timestamp,
    order::{Answer, Ask, Report},
};

use crate::{
    content::Content,
    interlocks::tamed,
    journal::{Entry, Journal, append_beside, is_held},
    moment::{Boot, Moment},
    points::Points,
    privileges,
    server::{Entrance, log},
    settings::{DEFAULT_SOCKET, Settings},
    sys,
    warden::Warden,
};

/// How long the command line waits for a running enforcer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Carries out containment orders on devices, reversibly, and gives back by itself what it cut.
#[derive(Debug, Parser)]
#[command(name = "fieldwarden-enforcer", version)]
struct Words {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve orders until stopped. What is in force then stays until it lapses.
    Run {
        /// The site file.
        #[arg(long)]
        config: PathBuf,
        /// Listen here instead of where the site file says.
        #[arg(long, conflicts_with = "socket_fd")]
        socket: Option<PathBuf>,
        /// Serve this open socket, listening or connected, instead.
        #[arg(long, value_name = "NUMBER")]
        socket_fd: Option<RawFd>,
        /// Stop when standard input ends, as it does when whoever started this program is gone.
        #[arg(long)]
        until_input_ends: bool,
    },
    /// Tell every order in force, and those that ended within a day.
    List {
        #[command(flatten)]
        place: Place,
        /// Print one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// End an order, or all of them even when nothing of Fieldwarden runs.
    Release {
        /// The order.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        order: Option<String>,
        /// Everything, straight on the device; needs the site file.
        #[arg(long, requires = "config")]
        all: bool,
        /// Why, for the journal.
        #[arg(long, default_value = "ended by hand")]
        reason: String,
        #[command(flatten)]
        place: Place,
    },
    /// Tell every fault of a site file and touch nothing.
    Check {
        /// The site file.
        #[arg(long)]
        config: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The site file, which says where the socket is.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The socket of the running enforcer.
    #[arg(long)]
    socket: Option<PathBuf>,
}

/// What went wrong, by blame.
enum Failure {
    /// The work failed: exit status 1.
    Work(String),
    /// The words or a file were wrong: exit status 2.
    Words(String),
}

/// Runs the program on its command line.
#[must_use]
pub fn main() -> ExitCode {
    let outcome = match Words::parse().command {
        Command::Run { config, socket, socket_fd, until_input_ends } => {
            run(&config, socket, socket_fd, until_input_ends.then_some(io::stdin()))
        }
        Command::List { place, json } => list(&place, json),
        Command::Release { order: Some(order), reason, place, .. } => release(&place, OrderId(order), reason),
        Command::Release { order: None, place, .. } => release_all(&place),
        Command::Check { config } => settings(&config).map(|_| println!("{}: no faults", config.display())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Work(sentence)) => {
            eprintln!("error: {sentence}");
            ExitCode::from(1)
        }
        Err(Failure::Words(sentence)) => {
            eprintln!("{sentence}");
            ExitCode::from(2)
        }
    }
}

fn run(
    config: &Path,
    socket: Option<PathBuf>,
    socket_fd: Option<RawFd>,
    leash: Option<io::Stdin>,
) -> Result<(), Failure> {
    let settings = settings(config)?;
    let user = settings.daemon_user.as_deref().map(user_number).transpose().map_err(Failure::Words)?;
    let path = socket.unwrap_or(settings.socket);
    let mut entrance = match socket_fd {
        Some(fd) => sys::inherited(fd)
            .and_then(|socket| Entrance::inherit(socket, user))
            .map_err(work(format!("the socket handed over as number {fd} cannot be used")))?,
        None => {
            Entrance::listen(&path, user).map_err(work(format!("cannot listen on `{}`", path.display())))?
        }
    };
    if let Some(folder) = settings.journal.parent() {
        fs::create_dir_all(folder).map_err(work(format!("cannot make the folder `{}`", folder.display())))?;
    }
    let (journal, held) = Journal::open(&settings.journal)
        .map_err(work(format!("cannot open the journal `{}`", settings.journal.display())))?;
    if held.damaged > 0 {
        log(&format!(
            "The journal `{}` has {} torn or damaged lines",
            settings.journal.display(),
            held.damaged
        ));
    }
    log(&format!("In force: {}", privileges::reduce().map_err(Failure::Work)?));
    if let Some(input) = leash {
        thread::spawn(move || end_with(input));
    }
    let now = clock().map_err(work("the clock cannot be read"))?;
    let boot = boot().map_err(work("the kernel does not tell which boot this is"))?;
    let mut warden = Warden::start(
        settings.mode,
        settings.interlocks,
        settings.points,
        Box::new(journal),
        held.entries,
        boot,
        now,
    );
    entrance.serve(&mut warden, &clock).map_err(work("the socket cannot be served"))
}

/// Ends this program when its input does. An orphan would hold socket and journal against the enforcer that a new parent
/// starts; what is in force stays in force and is taken up by that one, as after any crash.
fn end_with(mut input: io::Stdin) {
    // An input that cannot be read is at its end as well.
    let _ = io::copy(&mut input, &mut io::sink());
    std::process::exit(0);
}

fn list(place: &Place, json: bool) -> Result<(), Failure> {
    let orders = orders(place)?;
    let mut out = io::stdout().lock();
    for (order, report) in &orders {
        let line = if json { json_line(order, report) } else { text_line(order, report) };
        writeln!(out, "{line}").map_err(work("standard output is closed"))?;
    }
    Ok(())
}

/// Every order the running enforcer knows.
fn orders(place: &Place) -> Result<Vec<(Order, Report)>, Failure> {
    ask(place, &Ask::List, |answer| match answer {
        Answer::Orders { orders } => Some(Ok(orders)),
        _ => None,
    })
}

fn json_line(order: &Order, report: &Report) -> String {
    serde_json::json!({ "version": 1, "order": order, "report": report }).to_string()
}

fn text_line(order: &Order, report: &Report) -> String {
    let lapses = match report.lapses {
        Some(lapses) if report.state.in_force() => format!(", lapses {lapses}"),
        _ => String::new(),
    };
    format!("{}  {:<11}  {}{lapses}  ({})", order.id, report.state.word(), order.target, tamed(&report.cause))
}

fn release(place: &Place, order: OrderId, reason: String) -> Result<(), Failure> {
    let report = end(place, &order, reason)?;
    println!("{} {}: {}", report.order, report.state.word(), report.cause);
    Ok(())
}

/// Has the running enforcer end an order; what it says of it then.
fn end(place: &Place, id: &OrderId, reason: String) -> Result<Report, Failure> {
    let release = Ask::Release { order: id.clone(), by: operator(), reason, degraded: false };
    ask(place, &release, |answer| match answer {
        Answer::Reported { report } if report.order == *id && !report.state.in_force() => Some(Ok(report)),
        Answer::Reported { report } if report.order == *id => Some(Err(report.cause)),
        Answer::Refused { order, reason } if order == *id => Some(Err(reason)),
        _ => None,
    })
}

/// Ends everything: first written down, so that an enforcer that runs or starts later does not apply it again, then
/// taken off the device, and an enforcer that runs is told of it. No step waits for another one to succeed.
fn release_all(place: &Place) -> Result<(), Failure> {
    let Some(config) = &place.config else {
        return Err(Failure::Words("error: `--config` is missing".into()));
    };
    let mut settings = settings(config)?;
    let now = clock().map_err(work("the clock cannot be read"))?;
    let entry = Entry::ReleasedAll { by: operator(), time: now.wall };
    let written = append_beside(&settings.journal, &entry);
    let mut outcome = clear_all(&mut settings.points);
    let found = outcome.as_ref().map_or(0, |(found, _)| *found);
    let socket = place.socket.as_ref().unwrap_or(&settings.socket);
    let runs = is_held(&settings.journal) || UnixStream::connect(socket).is_ok();
    let told = if runs {
        // It reads the journal within a second; until then it may undo what was done here.
        thread::sleep(Duration::from_millis(1_500));
        // Its journal may be full, or another file than ours by now: what it has not heard of by then it is told.
        let told = release_each(socket);
        outcome = clear_all(&mut settings.points);
        told
    } else {
        Ok(())
    };
    let (_, left) = outcome.map_err(Failure::Work)?;
    if left > 0 {
        return Err(Failure::Work(format!("the device still cuts {left} matches")));
    }
    let journal = settings.journal.display();
    let is_known = matches!(written, Ok(true));
    if let (false, Err(Failure::Work(fault) | Failure::Words(fault))) = (is_known, &told) {
        return Err(Failure::Work(format!(
            "the device is clear, but the enforcer that runs could not be told ({fault}) and may apply the orders again\n\nhint: stop \
             it, and release everything once more"
        )));
    }
    match written {
        Ok(true) => {}
        Ok(false) => println!(
            "note: the journal `{journal}` was not there and was made. Where it lies on a disk that is away, release everything again \
             once that is back"
        ),
        Err(fault) => {
            let meanwhile = if runs { "the enforcer that runs knows it, but one" } else { "an enforcer" };
            return Err(Failure::Work(format!(
                "the device is clear, but the journal `{journal}` does not say so ({fault}): {meanwhile} that starts before \
                 the orders lapse applies them again\n\nhint: see to it that the journal can be written, and release everything once \
                 more"
            )));
        }
    }
    println!("released: {found} matches were cut, none is now");
    Ok(())
}

/// Has the enforcer that listens on `socket` end each order in force.
fn release_each(socket: &Path) -> Result<(), Failure> {
    let place = Place { config: None, socket: Some(socket.into()) };
    let mut fault = None;
    for id in in_force(&place)? {
        // It may have ended meanwhile; one that cannot be ended keeps none of the others.
        fault = fault.or(end(&place, &id, "everything is released".into()).err());
    }
    if in_force(&place)?.is_empty() { Ok(()) } else { fault.map_or(Ok(()), Err) }
}

fn in_force(place: &Place) -> Result<Vec<OrderId>, Failure> {
    let orders = orders(place)?;
    Ok(orders.into_iter().filter(|(_, report)| report.state.in_force()).map(|(order, _)| order.id).collect())
}

/// Clears every device, also where another one cannot be; tells how many matches they cut before, and after.
fn clear_all(points: &mut Points) -> Result<(usize, usize), String> {
    let (mut before, mut after, mut faults) = (0, 0, Vec::new());
    for point in points.iter_mut() {
        let driver = &mut point.driver;
        let mut clear = || {
            let observed = driver.observe()?;
            if !observed.content.is_empty() {
                driver.apply(&Content::new())?;
            }
            driver.observe().map(|after| (observed.content.len(), after.content.len()))
        };
        match clear() {
            Ok((found, left)) => {
                before += found;
                after += left;
            }
            Err(fault) => faults.push(fault.to_string()),
        }
    }
    if faults.is_empty() {
        return Ok((before, after));
    }
    Err(format!("not every device is clear: {}", faults.join("; ")))
}

/// Asks the running enforcer and waits for the answer that `choose` picks.
fn ask<T>(
    place: &Place,
    ask: &Ask,
    choose: impl Fn(Answer) -> Option<Result<T, String>>,
) -> Result<T, Failure> {
    let path = match (&place.socket, &place.config) {
        (Some(socket), _) => socket.clone(),
        (None, Some(config)) => settings(config)?.socket,
        (None, None) => DEFAULT_SOCKET.into(),
    };
    let name = path.display();
    let stream = UnixStream::connect(&path).map_err(work(format!("no enforcer answers on `{name}`")))?;
    let broken = || work(format!("the enforcer on `{name}` does not answer"));
    stream.set_read_timeout(Some(PATIENCE)).map_err(broken())?;
    let mut line = serde_json::to_vec(ask).unwrap_or_default();
    line.push(b'\n');
    (&stream).write_all(&line).map_err(broken())?;
    for line in BufReader::new(&stream).lines() {
        let line = line.map_err(broken())?;
        let answer = serde_json::from_str(&line)
            .map_err(|fault| Failure::Work(format!("the enforcer on `{name}` answered nonsense: {fault}")))?;
        if let Some(outcome) = choose(answer) {
            return outcome.map_err(Failure::Work);
        }
    }
    Err(Failure::Work(format!("the enforcer on `{name}` hung up")))
}

fn settings(path: &Path) -> Result<Settings, Failure> {
    let mut sources = Sources::new();
    let section = load(&mut sources, path).map_err(|fault| Failure::Words(format!("error: {fault}")))?;
    section
        .and_then(|section| Settings::configure(&section))
        .map_err(|faults| Failure::Words(render(&faults, &sources)))
}

/// The number of a user, told by number or by a name in `/etc/passwd`.
fn user_number(user: &str) -> Result<u32, String> {
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(user);
        fields.nth(1).filter(|_| is_it)?.parse().ok()
    });
    found.ok_or_else(|| format!("error: `daemon_user` = `{user}` is no user in `/etc/passwd`"))
}

fn operator() -> String {
    format!("user {} at the enforcer's command line", sys::own_user())
}

fn clock() -> io::Result<Moment> {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = Timestamp::from_nanos(i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX));
    Ok(Moment { wall, uptime_ms: u64::try_from(sys::uptime()?.as_millis()).unwrap_or(u64::MAX) })
}

fn boot() -> io::Result<Boot> {
    Ok(Boot(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned()))
}

fn work<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Failure {
    let what = what.into();
    move |fault| Failure::Work(format!("{what}: {fault}"))
}
