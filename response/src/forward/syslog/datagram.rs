//! Datagrams (RFC 5426): one message each, and no word back but that nobody listens.

use std::{
    collections::VecDeque,
    net::{ToSocketAddrs as _, UdpSocket},
    time::{Duration, Instant},
};

use super::{
    super::{ForwardError, Link},
    client::is_pause,
    config::Settings,
    encode::{Origin, encode},
};
use crate::store::Told;

/// How long a test listens for the word that nobody does.
const OBJECTION: Duration = Duration::from_millis(500);
/// Between two datagrams: collectors read them from a buffer that holds some hundred, and what overflows is lost without a word.
const PACE: Duration = Duration::from_millis(1);

/// A socket that sends to one collector.
pub(super) struct Datagrams {
    settings: Settings,
    origin: Origin,
    socket: UdpSocket,
    sent: u64,
    /// (messages sent, when): confirmed once old enough.
    marks: VecDeque<(u64, Instant)>,
    confirmed: u64,
}

impl Datagrams {
    pub(super) fn connect(settings: &Settings, origin: &Origin) -> Result<Self, ForwardError> {
        let unreachable =
            |cause: String| ForwardError::Unreachable { address: settings.address.clone(), cause };
        let address = (settings.host.as_str(), settings.port)
            .to_socket_addrs()
            .map_err(|error| unreachable(error.to_string()))?
            .next()
            .ok_or_else(|| unreachable("its name has no address".into()))?;
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        // Connected, so that the kernel tells us of an ICMP error.
        let socket = UdpSocket::bind(any)
            .and_then(|socket| socket.connect(address).map(|()| socket))
            .map_err(|error| unreachable(error.to_string()))?;
        let (settings, origin) = (settings.clone(), origin.clone());
        Ok(Self { settings, origin, socket, sent: 0, marks: VecDeque::new(), confirmed: 0 })
    }

    /// Sends `message`, then tells what came back.
    pub(super) fn test(self, message: &str) -> Result<String, ForwardError> {
        self.put(message)?;
        self.hear(OBJECTION)?;
        Ok(format!(
            "a datagram was sent to `{}` and nobody objected; whether it arrived nobody knows: look for it there",
            self.settings.address
        ))
    }

    fn put(&self, message: &str) -> Result<(), ForwardError> {
        self.socket.send(message.as_bytes()).map(drop).map_err(|error| self.lost(&error))
    }

    fn hear(&self, wait: Duration) -> Result<(), ForwardError> {
        let wait = wait.max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(wait)).map_err(|error| self.lost(&error))?;
        match self.socket.recv(&mut [0; 512]) {
            Ok(_) => Ok(()),
            Err(error) if is_pause(error.kind()) => Ok(()),
            Err(error) => Err(self.lost(&error)),
        }
    }

    fn lost(&self, error: &std::io::Error) -> ForwardError {
        let cause = if error.kind() == std::io::ErrorKind::ConnectionRefused {
            "nobody listens there for datagrams".into()
        } else {
            error.to_string()
        };
        ForwardError::Lost { address: self.settings.address.clone(), cause }
    }
}

impl Link for Datagrams {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        self.put(&encode(told, &self.origin))?;
        std::thread::sleep(PACE);
        self.sent += 1;
        self.marks.push_back((self.sent, Instant::now()));
        Ok(())
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        self.hear(wait)
    }

    fn confirmed(&mut self) -> u64 {
        while let Some((count, when)) = self.marks.front() {
            if when.elapsed() < self.settings.confirm_after {
                break;
            }
            self.confirmed = *count;
            self.marks.pop_front();
        }
        self.confirmed
    }

    fn close(self: Box<Self>) {}
}
