//! The connection: TLS over a blocking socket with short timeouts, read as eagerly as it is written.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpStream, ToSocketAddrs as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error as TlsError, ProtocolVersion,
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use socket2::{SockRef, TcpKeepalive};

use super::{
    super::{ForwardError, Link, Stop},
    config::Settings,
    encode::{Origin, encode, frame},
};
use crate::store::Told;

/// How long we wait after the handshake for a rejection before anything is sent. Not a guarantee, see the module
/// above: it makes the common mistakes (no certificate, wrong name) visible as what they are.
const ACCEPT_WAIT: Duration = Duration::from_millis(400);

/// How long a single read or write may block before stop signs and deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);

/// At most one KeyUpdate is asked for in this time. Peers count them: OpenSSL and rustls tolerate 32 without any
/// message between, and we only ask after messages.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// A TLS 1.3 record (RFC 8446 section 5.2) that holds a KeyUpdate: 5 octets of message, 1 of type, 16 of tag.
const KEY_UPDATE_RECORD: usize = 22;

/// An open connection.
pub(super) struct Client {
    settings: Settings,
    origin: Origin,
    stop: Stop,
    socket: TcpStream,
    tls: ClientConnection,
    records: Records,
    /// Messages written.
    sent: u64,
    /// (messages written, when): confirmed once old enough.
    marks: VecDeque<(u64, Instant)>,
    confirmed: u64,
    /// The question that waits for an answer: how many messages stood before it, and when it was asked.
    asked: Option<(u64, Instant)>,
    last_asked: Option<Instant>,
    /// How many messages the peer's TLS layer has read, once it has ever answered.
    read_by_peer: Option<u64>,
}

impl Client {
    /// Connects, shakes hands and waits for an objection.
    pub(super) fn connect(settings: &Settings, origin: &Origin, stop: &Stop) -> Result<Self, ForwardError> {
        let config = tls_config(settings)?;
        let tls = ClientConnection::new(Arc::new(config), settings.server_name.clone())
            .map_err(|error| untrusted(settings, &error))?;
        let socket = reach(settings)?;
        let mut client = Self {
            settings: settings.clone(),
            origin: origin.clone(),
            stop: stop.clone(),
            socket,
            tls,
            records: Records::default(),
            sent: 0,
            marks: VecDeque::new(),
            confirmed: 0,
            asked: None,
            last_asked: None,
            read_by_peer: None,
        };
        client.shake_hands()?;
        Ok(client)
    }

    /// Sends `message`, then tells what came back.
    pub(super) fn test(mut self, message: &str) -> Result<String, ForwardError> {
        self.write(&frame(message))?;
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until && self.read_by_peer != Some(self.sent) {
            self.hear(TICK)?;
            self.ask()?;
        }
        let version = match self.tls.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        };
        let evidence = if self.read_by_peer == Some(self.sent) {
            "its TLS layer has read the message"
        } else {
            "it raised no objection within 2 s"
        };
        let sentence =
            format!("`{}` accepted our certificate over {version}; {evidence}", self.settings.address);
        Box::new(self).close();
        Ok(sentence)
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
        self.ask()?;
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

    /// Reads whatever is there, waiting `wait` for the first octet.
    fn hear(&mut self, wait: Duration) -> Result<(), ForwardError> {
        let mut buffer = [0; 4096];
        let mut wait = wait.max(Duration::from_millis(1));
        // Bounded, so that a peer that babbles cannot keep us from our own work.
        for _ in 0..64 {
            if self.stop.raised() {
                return Err(ForwardError::Stopped);
            }
            self.socket.set_read_timeout(Some(wait)).map_err(|error| self.lost(&error.to_string()))?;
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(self.lost("the other side closed it")),
                Ok(length) => self.take(buffer.get(..length).unwrap_or_default())?,
                Err(error) if is_pause(error.kind()) => return Ok(()),
                Err(error) => return Err(self.lost(&error.to_string())),
            }
            wait = Duration::from_millis(1);
        }
        Ok(())
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), ForwardError> {
        let handshaking = self.tls.is_handshaking();
        let key_updates = self.records.count(bytes);
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
            // A collector has nothing to say (RFC 5425 has no messages backward): read it away.
            let mut left = state.plaintext_bytes_to_read();
            let mut scratch = [0; 1024];
            while left > 0 {
                let Ok(length @ 1..) = self.tls.reader().read(&mut scratch) else { break };
                left = left.saturating_sub(length);
            }
            if state.peer_has_closed() {
                return Err(self.lost("the other side closed it"));
            }
        }
        if !handshaking
            && key_updates > 0
            && let Some((count, _)) = self.asked.take()
        {
            self.read_by_peer = Some(count);
        }
        Ok(())
    }

    /// Asks the peer's TLS layer for a sign that it has read everything so far.
    fn ask(&mut self) -> Result<(), ForwardError> {
        if let Some((_, when)) = self.asked {
            let patience = self.settings.confirm_after * 3;
            if self.read_by_peer.is_some() && when.elapsed() > patience {
                return Err(self.stalled(when.elapsed()));
            }
            return Ok(());
        }
        // The first question comes before the first message: it shows whether this peer answers at all.
        let unread = self.last_asked.is_none() || self.read_by_peer.unwrap_or(0) < self.sent;
        let soon = self.last_asked.is_some_and(|when| when.elapsed() < ASK_EVERY);
        if !unread || soon || self.tls.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            return Ok(());
        }
        self.tls.refresh_traffic_keys().map_err(|error| untrusted(&self.settings, &error))?;
        let now = Instant::now();
        self.asked = Some((self.sent, now));
        self.last_asked = Some(now);
        self.flush()
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
        self.ask()?;
        self.hear(wait)
    }

    fn confirmed(&mut self) -> u64 {
        while let Some((count, when)) = self.marks.front() {
            let read = self.read_by_peer.is_none_or(|read| read >= *count);
            if !read || when.elapsed() < self.settings.confirm_after {
                break;
            }
            self.confirmed = *count;
            self.marks.pop_front();
        }
        self.confirmed
    }

    fn close(mut self: Box<Self>) {
        self.stop = Stop::default();
        self.tls.send_close_notify();
        let until = Instant::now() + Duration::from_secs(1);
        // Whatever goes wrong now changes nothing: unconfirmed messages are sent again anyway.
        let _ = self.socket.set_write_timeout(Some(TICK));
        while self.tls.wants_write() && Instant::now() < until && self.tls.write_tls(&mut self.socket).is_ok()
        {
        }
        let _ = self.socket.shutdown(Shutdown::Write);
        while Instant::now() < until && self.hear(TICK).is_ok() {}
    }
}

/// Finds the records in the octets that arrive.
#[derive(Debug, Default)]
struct Records {
    header: Vec<u8>,
    body: usize,
}

impl Records {
    /// How many records with the length of a KeyUpdate begin in `bytes`.
    fn count(&mut self, bytes: &[u8]) -> u64 {
        let mut found = 0;
        for byte in bytes {
            if self.body > 0 {
                self.body -= 1;
                continue;
            }
            self.header.push(*byte);
            if let [kind, _, _, high, low] = *self.header.as_slice() {
                self.body = usize::from(u16::from_be_bytes([high, low]));
                // Content type 23, application_data: in TLS 1.3 every protected record says so.
                found += u64::from(kind == 23 && self.body == KEY_UPDATE_RECORD);
                self.header.clear();
            }
        }
        found
    }
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
    ClientConfig::builder_with_provider(provider)
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
        })
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
