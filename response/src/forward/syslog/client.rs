//! The connection: TLS over a blocking socket with short timeouts, read as eagerly as it is written.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream, ToSocketAddrs as _},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error as TlsError, ProtocolVersion,
    RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use socket2::{SockRef, TcpKeepalive};

use super::{
    super::{ForwardError, Link, Stop},
    config::{Receipt, Settings},
    encode::{Origin, encode, frame},
};
use crate::store::Told;

/// How long we wait after the handshake for a rejection before anything is sent. Not a guarantee, see the module
/// above: it makes the common mistakes (no certificate, wrong name) visible as what they are.
const ACCEPT_WAIT: Duration = Duration::from_millis(400);

/// How long a single read or write may block before stop signs and deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);

/// How long a reset may take to follow a FIN: the longest round trip expected between plant and SOC.
const LATE_RESET: Duration = Duration::from_millis(200);

/// How long an orderly end may take when nothing depends on it.
const GOODBYE: Duration = Duration::from_millis(800);

/// A connection, taken up anew behind the caller's back whenever a receipt was needed.
pub(super) struct Client {
    settings: Settings,
    origin: Origin,
    stop: Stop,
    config: Arc<ClientConfig>,
    socket: TcpStream,
    tls: ClientConnection,
    /// Messages written.
    sent: u64,
    /// Messages that the collector's TLS layer has read.
    read: u64,
    /// (messages written, when): confirmed once read and old enough.
    marks: VecDeque<(u64, Instant)>,
    confirmed: u64,
}

/// What a look at the socket brought.
#[derive(PartialEq, Eq)]
enum Heard {
    /// The connection is open.
    Open,
    /// A close_notify: the collector itself ended it.
    Goodbye,
    /// A bare FIN: it may have been the kernel of a collector that died.
    End,
}

impl Client {
    /// Connects, shakes hands and waits for an objection.
    pub(super) fn connect(settings: &Settings, origin: &Origin, stop: &Stop) -> Result<Self, ForwardError> {
        let config = Arc::new(tls_config(settings)?);
        let (socket, tls) = open(settings, &config)?;
        let mut client = Self {
            settings: settings.clone(),
            origin: origin.clone(),
            stop: stop.clone(),
            config,
            socket,
            tls,
            sent: 0,
            read: 0,
            marks: VecDeque::new(),
            confirmed: 0,
        };
        client.shake_hands()?;
        client.await_objection()?;
        Ok(client)
    }

    /// Sends `message`, then tells what came back.
    pub(super) fn test(mut self, message: &str) -> Result<String, ForwardError> {
        self.write(&frame(message))?;
        let version = match self.tls.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        self.part()?;
        Ok(format!(
            "`{}` accepted our certificate over {version}, read the test message and closed the connection in order",
            self.settings.address
        ))
    }

    fn shake_hands(&mut self) -> Result<(), ForwardError> {
        let deadline = Instant::now() + self.settings.connect_timeout;
        while self.tls.is_handshaking() {
            if Instant::now() > deadline {
                let cause =
                    format!("no TLS handshake within {} s", self.settings.connect_timeout.as_secs_f32());
                return Err(ForwardError::Unreachable { address: self.settings.address.clone(), cause });
            }
            self.flush()?;
            self.hear(TICK)?;
        }
        Ok(())
    }

    fn await_objection(&mut self) -> Result<(), ForwardError> {
        let accepted = Instant::now() + ACCEPT_WAIT;
        while Instant::now() < accepted {
            self.hear(TICK).map_err(|error| match error {
                ForwardError::Lost { address, .. } => ForwardError::Untrusted {
                    address,
                    cause: format!(
                        "it closed the connection right after the handshake; it may not permit the name in `{}`",
                        self.settings.certificate_file.display()
                    ),
                },
                other => other,
            })?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ForwardError> {
        // A message fits the buffer: the one before was flushed, and TLS buffers 64 KiB.
        self.tls.writer().write_all(bytes).map_err(|error| self.lost(&error.to_string()))?;
        self.flush()?;
        self.sent += 1;
        let now = Instant::now();
        match self.marks.back_mut() {
            Some((count, when)) if now.duration_since(*when) < Duration::from_millis(1) => *count = self.sent,
            _ => self.marks.push_back((self.sent, now)),
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ForwardError> {
        let mut progress = Instant::now();
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => progress = Instant::now(),
                Err(error) if is_pause(error.kind()) => {
                    if self.stop.raised() {
                        return Err(ForwardError::Stopped);
                    }
                    if progress.elapsed() > self.settings.send_timeout {
                        return Err(self.stalled(progress.elapsed()));
                    }
                    // A peer that rejected us may have closed its window before it closed the connection.
                    self.hear(Duration::from_millis(1))?;
                }
                // What the peer said before it hung up tells more than a broken pipe.
                Err(error) => {
                    self.hear(TICK)?;
                    return Err(self.lost(&error.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Reads whatever is there, waiting `wait` for the first octet; an end of the connection is an error.
    fn hear(&mut self, wait: Duration) -> Result<(), ForwardError> {
        match self.hear_out(wait)? {
            Heard::Open => Ok(()),
            Heard::Goodbye | Heard::End => Err(self.lost("the other side closed it")),
        }
    }

    fn hear_out(&mut self, wait: Duration) -> Result<Heard, ForwardError> {
        let mut buffer = [0; 4096];
        let mut wait = wait.max(Duration::from_millis(1));
        // Bounded, so that a peer that babbles cannot keep us from our own work.
        for _ in 0..64 {
            if self.stop.raised() {
                return Err(ForwardError::Stopped);
            }
            self.socket.set_read_timeout(Some(wait)).map_err(|error| self.lost(&error.to_string()))?;
            match self.socket.read(&mut buffer) {
                Ok(0) => return Ok(Heard::End),
                Ok(length) => {
                    if self.take(buffer.get(..length).unwrap_or_default())? == Heard::Goodbye {
                        return Ok(Heard::Goodbye);
                    }
                }
                Err(error) if is_pause(error.kind()) => return Ok(Heard::Open),
                Err(error) => return Err(self.lost(&error.to_string())),
            }
            wait = Duration::from_millis(1);
        }
        Ok(Heard::Open)
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<Heard, ForwardError> {
        while !bytes.is_empty() {
            self.tls.read_tls(&mut bytes).map_err(|error| self.lost(&error.to_string()))?;
            let state = match self.tls.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    // Our own alert tells the collector's log why; whether it still listens does not matter.
                    let _ = self.tls.write_tls(&mut self.socket);
                    return Err(untrusted(&self.settings, &error));
                }
            };
            // RFC 5425 knows no messages backward: read them away.
            let mut left = state.plaintext_bytes_to_read();
            let mut scratch = [0; 1024];
            while left > 0 {
                let Ok(length @ 1..) = self.tls.reader().read(&mut scratch) else { break };
                left = left.saturating_sub(length);
            }
            if state.peer_has_closed() {
                return Ok(Heard::Goodbye);
            }
        }
        Ok(Heard::Open)
    }

    /// Takes leave and waits until the collector does: the receipt for everything sent so far.
    ///
    /// The answer alone is not enough: a collector that stops by itself at this moment says goodbye with our octets
    /// still unread. Then its kernel sends an RST, so the connection is read to its end.
    fn part(&mut self) -> Result<(), ForwardError> {
        self.tls.send_close_notify();
        self.flush()?;
        // Where the other side is gone already, reading tells.
        let _ = self.socket.shutdown(Shutdown::Write);
        let begun = Instant::now();
        let mut goodbye = false;
        loop {
            let heard = if goodbye { self.hear_end()? } else { self.hear_out(TICK)? };
            match heard {
                Heard::Open => {}
                Heard::Goodbye => goodbye = true,
                Heard::End if goodbye => break,
                Heard::End => {
                    return Err(self.lost("it went without the close_notify of RFC 5425 section 4.4"));
                }
            }
            if begun.elapsed() > self.settings.send_timeout {
                return Err(self.stalled(begun.elapsed()));
            }
        }
        // Octets still on their way when it closed come back as an RST after the FIN.
        thread::sleep(LATE_RESET);
        if let Ok(Some(error)) | Err(error) = self.socket.take_error() {
            return Err(self.lost(&error.to_string()));
        }
        self.read = self.sent;
        Ok(())
    }

    /// After the goodbye TLS has no more to say: what counts is how TCP ends.
    fn hear_end(&mut self) -> Result<Heard, ForwardError> {
        if self.stop.raised() {
            return Err(ForwardError::Stopped);
        }
        self.socket.set_read_timeout(Some(TICK)).map_err(|error| self.lost(&error.to_string()))?;
        match self.socket.read(&mut [0; 512]) {
            Ok(0) => Ok(Heard::End),
            Ok(_) => Ok(Heard::Open),
            Err(error) if is_pause(error.kind()) => Ok(Heard::Open),
            Err(error) => Err(self.lost(&error.to_string())),
        }
    }

    /// Gets a receipt where the oldest message without one has waited half of its time, and connects again.
    fn ask_for_receipt(&mut self) -> Result<(), ForwardError> {
        if self.settings.receipt == Receipt::Time {
            self.read = self.sent;
            return Ok(());
        }
        let unread = self.marks.iter().find(|(count, _)| *count > self.read);
        if unread.is_none_or(|(_, when)| when.elapsed() < self.settings.confirm_after / 2) {
            return Ok(());
        }
        self.part()?;
        (self.socket, self.tls) = open(&self.settings, &self.config)?;
        self.shake_hands()
    }

    fn lost(&self, cause: &str) -> ForwardError {
        ForwardError::Lost { address: self.settings.address.clone(), cause: cause.into() }
    }

    fn stalled(&self, time: Duration) -> ForwardError {
        ForwardError::Stalled { address: self.settings.address.clone(), seconds: time.as_secs() }
    }
}

impl Link for Client {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        self.write(&frame(&encode(told, &self.origin)))
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        self.ask_for_receipt()?;
        self.hear(wait)
    }

    fn confirmed(&mut self) -> u64 {
        while let Some((count, when)) = self.marks.front() {
            if *count > self.read || when.elapsed() < self.settings.confirm_after {
                break;
            }
            self.confirmed = *count;
            self.marks.pop_front();
        }
        self.confirmed
    }

    fn close(mut self: Box<Self>) {
        self.stop = Stop::default();
        self.settings.send_timeout = GOODBYE;
        // Whatever goes wrong now changes nothing: unconfirmed messages are sent again anyway.
        let _ = self.part();
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn open(
    settings: &Settings,
    config: &Arc<ClientConfig>,
) -> Result<(TcpStream, ClientConnection), ForwardError> {
    let tls = ClientConnection::new(Arc::clone(config), settings.server_name.clone())
        .map_err(|error| untrusted(settings, &error))?;
    Ok((reach(settings)?, tls))
}

fn reach(settings: &Settings) -> Result<TcpStream, ForwardError> {
    let unreachable = |cause: String| ForwardError::Unreachable { address: settings.address.clone(), cause };
    let addresses = (settings.host.as_str(), settings.port)
        .to_socket_addrs()
        .map_err(|error| unreachable(error.to_string()))?;
    let mut cause = String::from("its name has no address");
    for address in addresses {
        let stream = match TcpStream::connect_timeout(&address, settings.connect_timeout) {
            Ok(stream) => stream,
            Err(error) => {
                cause = error.to_string();
                continue;
            }
        };
        return guard(&stream, settings).map(|()| stream).map_err(|error| unreachable(error.to_string()));
    }
    Err(unreachable(cause))
}

/// Makes the kernel notice a peer that is gone, see the module above.
fn guard(stream: &TcpStream, settings: &Settings) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(TICK))?;
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(settings.confirm_after / 2))?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)
}

fn tls_config(settings: &Settings) -> Result<ClientConfig, ForwardError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&settings.ca_file)? {
        roots.add(certificate).map_err(|error| unusable(&settings.ca_file, &error))?;
    }
    let chain = certificates(&settings.certificate_file)?;
    let key = PrivateKeyDer::from_pem_file(&settings.key_file)
        .map_err(|error| unusable(&settings.key_file, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| untrusted(settings, &error))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| match error {
            TlsError::InconsistentKeys(_) => ForwardError::File {
                file: settings.key_file.clone(),
                cause: format!("is not the key of `{}`", settings.certificate_file.display()),
            },
            other => unusable(&settings.certificate_file, &other),
        })?;
    // OpenSSL refuses to resume where the server set no session context, and a resumed session would leave the
    // collector's present opinion of our certificate unasked.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ForwardError> {
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(file, &error))?;
    if found.is_empty() {
        return Err(ForwardError::File {
            file: file.into(),
            cause: "holds no certificate in PEM form".into(),
        });
    }
    Ok(found)
}

fn unusable(file: &Path, cause: &dyn std::fmt::Display) -> ForwardError {
    ForwardError::File { file: file.into(), cause: cause.to_string() }
}

/// Nothing to read or no room to write yet. `TimedOut` is not among them: that is what the kernel says when
/// `TCP_USER_TIMEOUT` or keepalive gave the peer up.
fn is_pause(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Says who refused whom.
fn untrusted(settings: &Settings, error: &TlsError) -> ForwardError {
    let ours = settings.certificate_file.display();
    let cause = match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => {
            format!(
                "its certificate was issued by none of the authorities in `{}`",
                settings.ca_file.display()
            )
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!(
            "its certificate is not for `{}`, the server name we expect",
            settings.server_name.to_str()
        ),
        TlsError::InvalidCertificate(cause) => format!("its certificate does not hold: {cause}"),
        TlsError::AlertReceived(AlertDescription::CertificateRequired) => {
            format!("it demands a client certificate and did not get one it knows; we sent `{ours}`")
        }
        TlsError::AlertReceived(
            alert @ (AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied
            | AlertDescription::HandshakeFailure),
        ) => format!("it refuses our certificate `{ours}` ({alert:?})"),
        other => other.to_string(),
    };
    ForwardError::Untrusted { address: settings.address.clone(), cause }
}
