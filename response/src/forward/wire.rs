//! A connection to a broker, in TLS or in clear: a blocking socket with short waits, bounded in what it holds of the other side.
//!
//! What is said on it, and how much of that may wait to be understood, is the business of the protocol above.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream, ToSocketAddrs as _},
    sync::Arc,
    time::{Duration, Instant},
};

use fieldwarden_model::section::Reader;
use rustls::{ClientConnection, ProtocolVersion};
use socket2::{SockRef, TcpKeepalive};

use super::{
    ForwardError, Stop,
    tls::{self, Identity, Tls, host_and_port},
};

/// How long a single read or write may block before stop signs and deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);

/// Where a broker is, and by whose word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host and port as written, such as `bus.example:4222`.
    pub address: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Names and files of the certificates; none where the broker is on this machine and spoken to in clear.
    pub tls: Option<Box<Tls>>,
    /// How long connecting, a handshake, a write without progress and an answer may take, each.
    pub timeout: Duration,
}

impl Endpoint {
    /// Reads `address`, `transport`, `timeout_ms` and what [`Tls`] is made of; none where one is at fault, which the reader keeps.
    pub(super) fn read(reader: &mut Reader<'_>, port: u16) -> Option<Self> {
        let help = format!("address = \"bus.example:{port}\"");
        let address = reader.required::<String>("address", &help);
        let parts = address.as_deref().and_then(|address| host_and_port(reader, address, port));
        let host = parts.as_ref().map(|(host, _)| host.as_str());
        let is_secure = reader.one_of("transport", &[("tls", true), ("tcp", false)]);
        let is_here = matches!(host, None | Some("localhost" | "127.0.0.1" | "::1"));
        let tls = match is_secure {
            Some(true) => Some(Tls::read(reader, host, Identity::Optional).map(Box::new)),
            Some(false) if !is_here => {
                let message = "without TLS anybody on the way reads and changes what is told";
                let help = Some("`tcp` is for a broker on this machine; leave it out".into());
                reader.fault_at("transport", message.into(), help);
                None
            }
            _ => None,
        };
        let timeout = Duration::from_millis(reader.within("timeout_ms", 500..=120_000, 10_000));
        let (host, port) = parts?;
        let tls = match tls {
            Some(read) => Some(read?),
            None => None,
        };
        Some(Self { address: address?, host, port, tls, timeout })
    }
}

/// One connection.
pub(super) struct Wire {
    endpoint: Endpoint,
    stop: Stop,
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// What was heard and is not yet understood.
    heard: Vec<u8>,
    last_said: Instant,
    /// When the other side was asked for a sign of life that it still owes.
    pinged: Option<Instant>,
}

impl Wire {
    /// Connects, in clear.
    pub(super) fn reach(endpoint: &Endpoint, stop: &Stop) -> Result<Self, ForwardError> {
        let unreachable =
            |cause: String| ForwardError::Unreachable { address: endpoint.address.clone(), cause };
        let addresses = (endpoint.host.as_str(), endpoint.port)
            .to_socket_addrs()
            .map_err(|error| unreachable(error.to_string()))?;
        let mut cause = String::from("its name has no address");
        for address in addresses {
            match TcpStream::connect_timeout(&address, endpoint.timeout) {
                Ok(socket) => {
                    guard(&socket, endpoint.timeout).map_err(|error| unreachable(error.to_string()))?;
                    return Ok(Self {
                        endpoint: endpoint.clone(),
                        stop: stop.clone(),
                        socket,
                        tls: None,
                        heard: Vec::new(),
                        last_said: Instant::now(),
                        pinged: None,
                    });
                }
                Err(error) => cause = error.to_string(),
            }
        }
        Err(unreachable(cause))
    }

    /// Goes on in TLS where the configuration says so.
    pub(super) fn secure(&mut self) -> Result<(), ForwardError> {
        let Some(names) = &self.endpoint.tls else { return Ok(()) };
        if !self.heard.is_empty() {
            // It came before anybody proved anything, and would be taken for what the other side says in TLS.
            return Err(self.lost("it went on in clear where TLS was to begin"));
        }
        let config = tls::config(names, &self.endpoint.address)?;
        let mut tls = ClientConnection::new(Arc::new(config), names.server_name.clone())
            .map_err(|error| tls::untrusted(names, &self.endpoint.address, &error))?;
        // What is said at once is bounded by the protocol above, and written out before more is taken.
        tls.set_buffer_limit(None);
        self.tls = Some(Box::new(tls));
        let begun = Instant::now();
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            if begun.elapsed() > self.endpoint.timeout {
                let cause = format!("no TLS handshake within {} s", self.endpoint.timeout.as_secs_f32());
                return Err(ForwardError::Unreachable { address: self.endpoint.address.clone(), cause });
            }
            self.flush()?;
            self.hear(TICK)?;
        }
        self.flush()
    }

    /// Writes all of it.
    pub(super) fn say(&mut self, octets: &[u8]) -> Result<(), ForwardError> {
        self.last_said = Instant::now();
        if let Some(tls) = &mut self.tls {
            let put = tls.writer().write_all(octets);
            put.map_err(|error| self.lost(&error))?;
            return self.flush();
        }
        let mut rest = octets;
        self.push(move |wire| {
            let written = wire.socket.write(rest)?;
            if written == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            rest = rest.get(written..).unwrap_or_default();
            Ok(!rest.is_empty())
        })
    }

    fn flush(&mut self) -> Result<(), ForwardError> {
        self.push(|wire| {
            let Some(tls) = wire.tls.as_mut().filter(|tls| tls.wants_write()) else { return Ok(false) };
            tls.write_tls(&mut wire.socket)?;
            Ok(tls.wants_write())
        })
    }

    /// Repeats `write` until it has no more, as long as something moves.
    fn push(&mut self, mut write: impl FnMut(&mut Self) -> io::Result<bool>) -> Result<(), ForwardError> {
        let mut progress = Instant::now();
        loop {
            match write(self) {
                Ok(false) => return Ok(()),
                Ok(true) => progress = Instant::now(),
                Err(error) if is_pause(error.kind()) => {
                    if self.stop.raised() {
                        return Err(ForwardError::Stopped);
                    }
                    if progress.elapsed() > self.endpoint.timeout {
                        return Err(self.stalled(progress.elapsed()));
                    }
                }
                // What it said before it hung up tells more than a broken pipe: the protocol looks at that first.
                Err(error) => {
                    self.hear(TICK)?;
                    if self.heard.is_empty() {
                        return Err(self.lost(&error));
                    }
                    return Ok(());
                }
            }
        }
    }

    /// The next thing the other side says by `deadline`, as `read` understands it: what it is and how many octets it took, or nothing while
    /// it is not whole. `read` bounds what may wait: what it calls malformed ends the connection.
    pub(super) fn next<T, E: Display>(
        &mut self,
        deadline: Instant,
        read: impl Fn(&[u8]) -> Result<Option<(T, usize)>, E>,
    ) -> Result<Option<T>, ForwardError> {
        loop {
            match read(&self.heard) {
                Ok(Some((said, length))) => {
                    self.heard.drain(..length.min(self.heard.len()));
                    return Ok(Some(said));
                }
                Ok(None) => {}
                Err(error) => return Err(self.lost(&error)),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.hear(left.min(TICK))?;
        }
    }

    /// Reads what is there, waiting `wait` for the first octet.
    fn hear(&mut self, wait: Duration) -> Result<(), ForwardError> {
        if self.stop.raised() {
            return Err(ForwardError::Stopped);
        }
        let mut buffer = [0; 8_192];
        let wait = wait.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(wait)).map_err(|error| self.lost(&error))?;
        match self.socket.read(&mut buffer) {
            Ok(0) => Err(self.lost("the other side closed it")),
            Ok(length) => self.take(buffer.get(..length).unwrap_or_default()),
            Err(error) if is_pause(error.kind()) => Ok(()),
            Err(error) => Err(self.lost(&error)),
        }
    }

    fn take(&mut self, mut octets: &[u8]) -> Result<(), ForwardError> {
        let (Some(tls), Some(names)) = (&mut self.tls, &self.endpoint.tls) else {
            self.heard.extend_from_slice(octets);
            return Ok(());
        };
        let mut is_over = false;
        while !octets.is_empty() && !is_over {
            let read = tls.read_tls(&mut octets);
            match tls.process_new_packets() {
                Ok(state) => {
                    let fresh = state.plaintext_bytes_to_read();
                    is_over = state.peer_has_closed() || read.is_err();
                    let mut said = tls.reader().take(fresh as u64);
                    // It holds that much, and no more is asked for.
                    let _ = said.read_to_end(&mut self.heard);
                }
                Err(error) => {
                    let error = tls::untrusted(names, &self.endpoint.address, &error);
                    // Our own alert tells the other side's log why; whether it still listens does not matter.
                    let _ = tls.write_tls(&mut self.socket);
                    return Err(error);
                }
            }
        }
        if is_over && self.heard.is_empty() {
            return Err(self.lost("the other side closed it"));
        }
        Ok(())
    }

    /// Asks for a sign of life where nothing was said for `every`.
    pub(super) fn pulse(&mut self, every: Duration, ping: &[u8]) -> Result<(), ForwardError> {
        match self.pinged {
            Some(since) if since.elapsed() > self.endpoint.timeout => Err(self.stalled(since.elapsed())),
            None if self.last_said.elapsed() >= every => {
                self.pinged = Some(Instant::now());
                self.say(ping)
            }
            _ => Ok(()),
        }
    }

    /// The sign of life came.
    pub(super) const fn lives(&mut self) {
        self.pinged = None;
    }

    /// Says a last word, whatever was to stop, and hangs up.
    pub(super) fn part(mut self, word: &[u8]) {
        self.stop = Stop::default();
        self.endpoint.timeout = Duration::from_millis(800);
        // Whatever goes wrong now changes nothing.
        let _ = self.say(word);
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        let _ = self.flush();
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    pub(super) fn address(&self) -> String {
        self.endpoint.address.clone()
    }

    /// When an answer is late.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.endpoint.timeout
    }

    /// What it goes through, for a person.
    pub(super) fn manner(&self) -> &'static str {
        match self.tls.as_ref().map(|tls| tls.protocol_version()) {
            Some(Some(ProtocolVersion::TLSv1_3)) => "TLS 1.3",
            Some(_) => "TLS 1.2",
            None => "plain TCP",
        }
    }

    pub(super) fn lost(&self, cause: &(impl Display + ?Sized)) -> ForwardError {
        ForwardError::Lost { address: self.address(), cause: cause.to_string() }
    }

    pub(super) fn stalled(&self, time: Duration) -> ForwardError {
        ForwardError::Stalled { address: self.address(), seconds: time.as_secs() }
    }

    /// No answer came in time.
    pub(super) fn silent(&self) -> ForwardError {
        self.stalled(self.endpoint.timeout)
    }
}

/// Makes the kernel notice a peer that is gone.
fn guard(socket: &TcpStream, timeout: Duration) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(TICK))?;
    let socket = SockRef::from(socket);
    socket.set_tcp_user_timeout(Some(timeout))?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)
}

/// Nothing to read or no room to write yet.
fn is_pause(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
