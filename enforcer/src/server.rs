//! Serves the socket: one thread, bounded clients, bounded buffers. No client can make another one wait.

use std::{
    collections::VecDeque,
    fs, io,
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            fs::{PermissionsExt, chown},
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
    time::Duration,
};

use fieldwarden_model::{OrderId, order::Answer};

use crate::{
    moment::Moment,
    sys,
    warden::Warden,
    wire::{LineBuffer, MAX_LINE, answer_line, parse_ask},
};

/// The most clients at a time.
const MAX_CLIENTS: usize = 8;
/// The most clients of one user other than root at a time, so that the daemon cannot lock out the command line.
const MAX_CLIENTS_OF_ONE_USER: usize = 4;
/// The most octets waiting for one client; one that lets more gather is disconnected.
const MAX_WAITING: usize = 4 * 1024 * 1024;
/// The longest the loop sleeps: how soon a release written past us is seen.
const MAX_SLEEP: Duration = Duration::from_millis(1_000);

/// Where clients come from.
pub(crate) struct Entrance {
    listener: Option<UnixListener>,
    clients: Vec<Client>,
    daemon_user: Option<u32>,
    last_refusal: String,
}

struct Client {
    stream: UnixStream,
    user: u32,
    lines: LineBuffer,
    waiting: VecDeque<u8>,
    is_gone: bool,
}

impl Entrance {
    /// Listens at `path`, which the daemon's user may then connect to. A socket nobody listens on is replaced.
    pub(crate) fn listen(path: &Path, daemon_user: Option<u32>) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        if path.exists() {
            if UnixStream::connect(path).is_ok() {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another enforcer listens on it"));
            }
            fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        if daemon_user.is_some() {
            chown(path, daemon_user, None)?;
        }
        listener.set_nonblocking(true)?;
        Ok(Self { listener: Some(listener), clients: Vec::new(), daemon_user, last_refusal: String::new() })
    }

    /// Takes over a socket the parent opened: one that listens, or one that is connected to the daemon.
    pub(crate) fn inherit(socket: OwnedFd, daemon_user: Option<u32>) -> io::Result<Self> {
        let mut entrance =
            Self { listener: None, clients: Vec::new(), daemon_user, last_refusal: String::new() };
        if sys::listens(&socket)? {
            let listener = UnixListener::from(socket);
            listener.set_nonblocking(true)?;
            entrance.listener = Some(listener);
        } else {
            entrance.admit(UnixStream::from(socket))?;
        }
        Ok(entrance)
    }

    /// Serves until there is nobody left who could ask and nothing left to watch over.
    pub(crate) fn serve(
        &mut self,
        warden: &mut Warden,
        clock: &dyn Fn() -> io::Result<Moment>,
    ) -> io::Result<()> {
        loop {
            let now = clock()?;
            warden.tick(now);
            self.announce(warden, None);
            if self.listener.is_none() && self.clients.is_empty() && !warden.watches() {
                return Ok(());
            }
            let until = Duration::from_millis(warden.next_tick_ms().saturating_sub(now.uptime_ms));
            let (someone_knocks, speaking) = self.sleep(until.min(MAX_SLEEP))?;
            if someone_knocks {
                self.accept();
            }
            for index in speaking {
                self.listen_to(index, warden, clock)?;
            }
            self.clients.retain(|client| !client.is_gone);
        }
    }

    fn sleep(&self, patience: Duration) -> io::Result<(bool, Vec<usize>)> {
        let knock = self.listener.iter().map(|listener| (listener.as_fd(), false));
        let talk = self.clients.iter().map(|client| (client.stream.as_fd(), !client.waiting.is_empty()));
        let mut waiting: Vec<sys::Waiting<'_>> = knock
            .chain(talk)
            .map(|(on, until_writable)| sys::Waiting { on, until_writable, is_readable: false })
            .collect();
        sys::wait(&mut waiting, patience)?;
        let first_client = usize::from(self.listener.is_some());
        let someone_knocks = first_client == 1 && waiting.first().is_some_and(|w| w.is_readable);
        let speaking = waiting.iter().skip(first_client).enumerate().filter(|(_, w)| w.is_readable);
        Ok((someone_knocks, speaking.map(|(index, _)| index).collect()))
    }

    fn accept(&mut self) {
        while let Some(Ok((stream, _))) = self.listener.as_ref().map(UnixListener::accept) {
            let Err(fault) = self.admit(stream) else { continue };
            let refusal = format!("Connection refused: {fault}");
            // Whoever knocks again and again fills no log.
            if refusal != self.last_refusal {
                log(&refusal);
                self.last_refusal = refusal;
            }
        }
    }

    fn admit(&mut self, stream: UnixStream) -> io::Result<()> {
        let user = sys::peer_user(&stream)?;
        if user != 0 && user != sys::own_user() && Some(user) != self.daemon_user {
            return Err(io::Error::other(format!("user {user} is neither root nor `daemon_user`")));
        }
        let of_user = self.clients.iter().filter(|client| client.user == user).count();
        if self.clients.len() >= MAX_CLIENTS || (user != 0 && of_user >= MAX_CLIENTS_OF_ONE_USER) {
            return Err(io::Error::other(format!("user {user} has {of_user} connections already")));
        }
        stream.set_nonblocking(true)?;
        let (lines, waiting) = (LineBuffer::default(), VecDeque::new());
        self.clients.push(Client { stream, user, lines, waiting, is_gone: false });
        Ok(())
    }

    fn listen_to(
        &mut self,
        index: usize,
        warden: &mut Warden,
        clock: &dyn Fn() -> io::Result<Moment>,
    ) -> io::Result<()> {
        let Some(client) = self.clients.get_mut(index) else { return Ok(()) };
        for line in client.read_lines() {
            let answer = match parse_ask(&line) {
                Ok(ask) => warden.handle(ask, clock()?),
                Err(fault) => Answer::Refused { order: OrderId(String::new()), reason: fault.to_string() },
            };
            if let Some(client) = self.clients.get_mut(index) {
                client.send(&answer);
                if client.is_gone {
                    return Ok(());
                }
            }
            self.announce(warden, Some((index, &answer)));
        }
        Ok(())
    }

    /// Tells every client what changed; not again to the one whose answer it was.
    fn announce(&mut self, warden: &mut Warden, answered: Option<(usize, &Answer)>) {
        for remark in warden.take_remarks() {
            log(&remark);
        }
        for report in warden.take_reports() {
            log(&format!("Order {} {}: {}", report.order, report.state.word(), report.cause));
            let news = Answer::Reported { report };
            for (index, client) in self.clients.iter_mut().enumerate() {
                if answered != Some((index, &news)) {
                    client.send(&news);
                }
            }
        }
        for client in &mut self.clients {
            client.flush();
        }
    }
}

impl Client {
    fn read_lines(&mut self) -> Vec<Vec<u8>> {
        let mut octets = vec![0; MAX_LINE];
        match self.stream.read(&mut octets) {
            Ok(0) => self.is_gone = true,
            Ok(length) => match self.lines.push(octets.get(..length).unwrap_or_default()) {
                Ok(lines) => return lines,
                Err(fault) => {
                    self.send(&Answer::Refused { order: OrderId(String::new()), reason: fault.to_string() });
                    self.flush();
                    self.is_gone = true;
                }
            },
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.is_gone = true,
        }
        Vec::new()
    }

    fn send(&mut self, answer: &Answer) {
        if self.is_gone {
            return;
        }
        self.waiting.extend(answer_line(answer));
        self.flush();
        if self.waiting.len() > MAX_WAITING {
            log(&format!("A client of user {} does not read its answers and is disconnected", self.user));
            self.is_gone = true;
        }
    }

    fn flush(&mut self) {
        while !self.waiting.is_empty() && !self.is_gone {
            let (octets, _) = self.waiting.as_slices();
            match self.stream.write(octets) {
                Ok(written) => drop(self.waiting.drain(..written)),
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.is_gone = true,
            }
        }
    }
}

/// One line for whoever started this program. That nobody reads it any longer must not stop the enforcer.
pub(crate) fn log(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
