//! The connection: TLS, or nothing, over a blocking socket with short timeouts, read as eagerly as it is written.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _},
    net::{Shutdown, TcpStream, ToSocketAddrs as _},
    thread,
    time::{Duration, Instant},
};

use socket2::{SockRef, TcpKeepalive};

use super::{
    super::{ForwardError, Link, Stop},
    channel::{Channel, Maker},
    config::{Receipt, Settings, Transport},
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
    maker: Maker,
    socket: TcpStream,
    channel: Channel,
    /// Messages written.
    sent: u64,
    /// Messages that the collector's TLS layer, or its program where there is none, has read.
    read: u64,
    /// (messages written, when): confirmed once read and old enough.
    marks: VecDeque<(u64, Instant)>,
    confirmed: u64,
}

/// What a look at the socket brought.
#[derive(PartialEq, Eq)]
pub(super) enum Heard {
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
        let maker = Maker::new(settings)?;
        let (socket, channel) = open(settings, &maker)?;
        let mut client = Self {
            settings: settings.clone(),
            origin: origin.clone(),
            stop: stop.clone(),
            maker,
            socket,
            channel,
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
        let proof = self.channel.proof();
        self.part()?;
        Ok(format!("`{}` {proof}", self.settings.address))
    }

    fn shake_hands(&mut self) -> Result<(), ForwardError> {
        let deadline = Instant::now() + self.settings.connect_timeout;
        while self.channel.is_handshaking() {
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
        let Transport::Tls(names) = &self.settings.transport else { return Ok(()) };
        let certificate =
            names.identity.as_ref().map(|(file, _)| file.display().to_string()).unwrap_or_default();
        let accepted = Instant::now() + ACCEPT_WAIT;
        while Instant::now() < accepted {
            self.hear(TICK).map_err(|error| match error {
                ForwardError::Lost { address, .. } => ForwardError::Untrusted {
                    address,
                    cause: format!(
                        "it closed the connection right after the handshake; it may not permit the name in `{certificate}`"
                    ),
                },
                other => other,
            })?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ForwardError> {
        self.channel.put(bytes).map_err(|error| self.lost(&error.to_string()))?;
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
        while self.channel.wants_write() {
            match self.channel.write_to(&mut self.socket) {
                Ok(()) => progress = Instant::now(),
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
                    let heard = buffer.get(..length).unwrap_or_default();
                    let address = &self.settings.address;
                    if self.channel.take(heard, &mut self.socket, address)? == Heard::Goodbye {
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

    /// Takes leave and waits until the collector does: the receipt for everything sent so far.
    ///
    /// The answer alone is not enough: a collector that stops by itself at this moment says goodbye with our octets
    /// still unread. Then its kernel sends an RST, so the connection is read to its end.
    fn part(&mut self) -> Result<(), ForwardError> {
        let is_answered = self.channel.goodbye();
        self.flush()?;
        // Where the other side is gone already, reading tells.
        let _ = self.socket.shutdown(Shutdown::Write);
        let begun = Instant::now();
        // Without TLS the end of its side of the connection is all the answer there is.
        let mut goodbye = !is_answered;
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
        (self.socket, self.channel) = open(&self.settings, &self.maker)?;
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

fn open(settings: &Settings, maker: &Maker) -> Result<(TcpStream, Channel), ForwardError> {
    let channel = maker.make(&settings.address)?;
    Ok((reach(settings)?, channel))
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

/// Nothing to read or no room to write yet. `TimedOut` is not among them: that is what the kernel says when
/// `TCP_USER_TIMEOUT` or keepalive gave the peer up.
pub(super) fn is_pause(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
