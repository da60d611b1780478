//! One connection to a server of JSON-RPC, for a few questions within one span of time.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::wire::{Framer, Message, decode, told};
use crate::drivers::DeviceFault;

/// How long all questions of one connection may take together. The enforcer has one thread: for so long at most a switch
/// that is slow keeps others waiting.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// The most messages read for one answer; a peer that only ever says other things is given up.
const MAX_MESSAGES: usize = 64;
/// What is read at once, in octets.
const PIECE: usize = 65_536;

/// A connection.
pub(super) struct Client {
    stream: UnixStream,
    name: String,
    frames: Framer,
    deadline: Instant,
    asked: u64,
}

impl Client {
    /// Connects to the socket at `path` of the device that is called `name`.
    pub(super) fn connect(path: &Path, name: &str) -> Result<Self, DeviceFault> {
        let device = format!("{name} at `{}`", path.display());
        let stream = UnixStream::connect(path)
            .map_err(|cause| DeviceFault::Unreachable { device: device.clone(), cause })?;
        let deadline = Instant::now() + PATIENCE;
        Ok(Self { stream, name: device, frames: Framer::default(), deadline, asked: 0 })
    }

    /// Asks, and waits for the result.
    pub(super) fn call(&mut self, method: &str, params: &Value) -> Result<Value, DeviceFault> {
        self.asked += 1;
        let id = json!(self.asked);
        self.send(&json!({ "method": method, "params": params, "id": id }))?;
        for _ in 0..MAX_MESSAGES {
            match self.message()? {
                Message::Reply { id: of, result, error } if of == id => {
                    if error.is_null() {
                        return Ok(result);
                    }
                    return Err(self.refused(method, &told(&error)));
                }
                // RFC 7047, 4.1.11: a server that hears nothing asks whether we live, and hangs up when we do not say.
                Message::Request { method, params, id } if method == "echo" => {
                    self.send(&json!({ "result": params, "error": null, "id": id }))?;
                }
                _ => {}
            }
        }
        Err(self.unintelligible(format!("{MAX_MESSAGES} messages and among them no answer to `{method}`")))
    }

    /// Whether there is time for another question, after a pause.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        std::thread::sleep(pause.min(left));
        left > pause
    }

    pub(super) fn refused(&self, step: &str, why: &str) -> DeviceFault {
        let cause = io::Error::other(why.to_owned());
        DeviceFault::Refused { device: self.name.clone(), step: step.into(), cause }
    }

    pub(super) fn unintelligible(&self, what: String) -> DeviceFault {
        DeviceFault::Unintelligible { device: self.name.clone(), what }
    }

    fn message(&mut self) -> Result<Message, DeviceFault> {
        let mut octets = vec![0; PIECE];
        loop {
            let next = self.frames.next_message().map_err(|fault| self.unintelligible(fault.to_string()))?;
            if let Some(message) = next {
                return decode(&message).map_err(|fault| self.unintelligible(fault.to_string()));
            }
            let read = self
                .left()
                .and_then(|left| self.stream.set_read_timeout(Some(left)))
                .and_then(|()| self.stream.read(&mut octets));
            match read {
                Ok(0) => return Err(self.unreachable(io::ErrorKind::UnexpectedEof.into())),
                Ok(length) => self.frames.push(octets.get(..length).unwrap_or_default()),
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(self.unreachable(fault)),
            }
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), DeviceFault> {
        let text = message.to_string();
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = self
                .left()
                .and_then(|left| self.stream.set_write_timeout(Some(left)))
                .and_then(|()| self.stream.write(rest));
            match written {
                Ok(length) => rest = rest.get(length..).unwrap_or_default(),
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(self.unreachable(fault)),
            }
        }
        Ok(())
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(left) }
    }

    fn unreachable(&self, fault: io::Error) -> DeviceFault {
        let cause = match fault.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                io::Error::other(format!("it did not answer within {} s", PATIENCE.as_secs()))
            }
            io::ErrorKind::UnexpectedEof => io::Error::other("it hung up"),
            _ => fault,
        };
        DeviceFault::Unreachable { device: self.name.clone(), cause }
    }
}

/// Where a switch is spoken to.
pub(super) fn unix_path(address: &str) -> Option<PathBuf> {
    address.strip_prefix("unix:").map(PathBuf::from).filter(|path| path.is_absolute())
}
