//! The control socket: one thread per connection, operators told apart by the uid of the peer.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use super::{
    answers::Answers,
    control::{MAX_REQUEST, Reply, Request},
};
use crate::operator::Operator;

/// Connections served at a time; a further one is told to come back.
const MAX_CONNECTIONS: usize = 16;
/// A connection that says nothing for this long is closed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the stop flag is looked at while nobody connects.
const PACE: Duration = Duration::from_millis(50);

/// Opens the socket. One that a dead daemon left behind is replaced; one that answers is not.
pub(crate) fn open(path: &Path) -> Result<UnixListener> {
    let told = || format!("the control socket `{}` cannot be opened", path.display());
    if UnixStream::connect(path).is_ok() {
        bail!("another daemon answers at `{}`; stop it first", path.display());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(told)?;
    }
    if path.exists() {
        std::fs::remove_file(path).with_context(told)?;
    }
    let listener = UnixListener::bind(path).with_context(told)?;
    // Every local user may connect: who may do what is decided by the peer's uid, request by request.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).with_context(told)?;
    listener.set_nonblocking(true).with_context(told)?;
    Ok(listener)
}

/// Serves until `stop`.
pub(crate) fn serve(listener: &UnixListener, answers: &Arc<Answers>, stop: &AtomicBool) {
    let served = Arc::new(AtomicUsize::new(0));
    while !stop.load(Ordering::Relaxed) {
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(PACE);
            continue;
        };
        if served.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
            served.fetch_sub(1, Ordering::Relaxed);
            // The peer sees either the sentence or a closed connection; both send it away.
            let _ = reply(
                &stream,
                &Reply::Refused(format!("{MAX_CONNECTIONS} connections are served already; try again")),
            );
            continue;
        }
        let (answers, counted) = (Arc::clone(answers), Arc::clone(&served));
        let thread = thread::Builder::new().name("control".into()).spawn(move || {
            // An ended connection is the client's business; nothing waits for it here.
            let _ = converse(&stream, &answers);
            counted.fetch_sub(1, Ordering::Relaxed);
        });
        if thread.is_err() {
            served.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn converse(stream: &UnixStream, answers: &Answers) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let uid = rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw();
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.by_ref().take(MAX_REQUEST).read_line(&mut line)? == 0 {
            return Ok(());
        }
        reply(stream, &answer(&line, uid, answers))?;
    }
}

fn answer(line: &str, uid: u32, answers: &Answers) -> Reply {
    let Some(operator) = answers.operators.iter().find(|operator: &&Operator| operator.uid == uid) else {
        return Reply::Refused(format!(
            "uid {uid} is no operator here\n\nhint: add an `[[operator]]` with `uid = {uid}` and roles to the daemon's configuration"
        ));
    };
    match serde_json::from_str::<Request>(line) {
        Ok(request) => answers.to(request, operator).map_or_else(Reply::Refused, Reply::Rows),
        Err(fault) => Reply::Refused(format!("not a request of this version: {fault}")),
    }
}

fn reply(mut stream: &UnixStream, reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_string(reply).map_err(std::io::Error::other)?;
    line.push('\n');
    stream.write_all(line.as_bytes())
}
