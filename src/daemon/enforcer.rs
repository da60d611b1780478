//! Talking to the enforcer: one question on a connection of its own, and one connection that hears every report.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use fieldwarden_model::{
    OrderId,
    order::{Answer, Ask, Report},
};

/// How long the enforcer may take for one answer; a plan on a large device takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two attempts to reach an enforcer that is not there.
const RETRY: Duration = Duration::from_millis(500);
/// The longest answer line, in octets: the list of all orders of a busy day.
const MAX_ANSWER: u64 = 16 << 20;

/// The way to the enforcer.
#[derive(Clone, Debug)]
pub(crate) struct Enforcer {
    socket: PathBuf,
}

impl Enforcer {
    /// The enforcer that listens at `socket`.
    pub(crate) const fn at(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Asks one thing about one order and waits for its answer; reports of other orders are passed over.
    pub(crate) fn ask(&self, ask: &Ask, about: Option<&OrderId>) -> Result<Answer, String> {
        let fault = |fault: std::io::Error| {
            format!(
                "the enforcer does not answer at `{}`: {fault}; nothing was changed by this request",
                self.socket.display()
            )
        };
        let stream = connect(&self.socket).map_err(fault)?;
        send(&stream, ask).map_err(fault)?;
        let mut reader = BufReader::new(stream);
        loop {
            let answer = receive(&mut reader).map_err(fault)?;
            let meant = match (&answer, about) {
                (Answer::Planned { plan }, Some(order)) => plan.order == *order,
                (Answer::Reported { report }, Some(order)) => report.order == *order,
                (Answer::Refused { order, .. }, Some(about)) => order == about || order.0.is_empty(),
                (Answer::Reach { .. }, Some(_)) | (Answer::Orders { .. }, None) => true,
                _ => false,
            };
            if meant {
                return Ok(answer);
            }
        }
    }

    /// Hears every report until `stop`, across restarts of the enforcer: `met` is called at each connection, then
    /// `heard` gets the orders known there and each report as it comes; `reachable` follows whether there is a
    /// connection.
    pub(crate) fn listen(
        &self,
        stop: &AtomicBool,
        reachable: &Arc<AtomicBool>,
        mut met: impl FnMut(),
        mut heard: impl FnMut(Report),
    ) {
        while !stop.load(Ordering::Relaxed) {
            if let Ok(stream) = connect(&self.socket) {
                reachable.store(true, Ordering::Relaxed);
                met();
                // The end of this connection is told by `reachable`; the next attempt tells whether it is back.
                let _ = hear(&stream, stop, &mut heard);
                reachable.store(false, Ordering::Relaxed);
            }
            thread::sleep(RETRY);
        }
    }
}

fn connect(socket: &Path) -> std::io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn send(mut stream: &UnixStream, ask: &Ask) -> std::io::Result<()> {
    let mut line = serde_json::to_string(ask).map_err(std::io::Error::other)?;
    line.push('\n');
    stream.write_all(line.as_bytes())
}

fn receive(reader: &mut impl std::io::BufRead) -> std::io::Result<Answer> {
    let mut line = String::new();
    if reader.take(MAX_ANSWER).read_line(&mut line)? == 0 {
        return Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "it closed the connection"));
    }
    serde_json::from_str(&line).map_err(std::io::Error::other)
}

fn hear(stream: &UnixStream, stop: &AtomicBool, heard: &mut impl FnMut(Report)) -> std::io::Result<()> {
    send(stream, &Ask::List)?;
    stream.set_read_timeout(Some(RETRY))?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        // A time-out leaves the part read so far in `line`; the rest of the answer follows it.
        match reader.by_ref().take(MAX_ANSWER).read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(fault)
                if matches!(fault.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                continue;
            }
            Err(fault) => return Err(fault),
        }
        match serde_json::from_slice(&line).map_err(std::io::Error::other)? {
            Answer::Orders { orders } => orders.into_iter().for_each(|(_, report)| heard(report)),
            Answer::Reported { report } => heard(report),
            Answer::Planned { .. } | Answer::Reach { .. } | Answer::Refused { .. } => {}
        }
        line.clear();
    }
    Ok(())
}
