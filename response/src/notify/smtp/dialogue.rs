//! The dialogue with a mail server (RFC 5321), over TLS alone: implicit (RFC 8314) or by STARTTLS (RFC 3207), which is demanded and never given up on.
//!
//! What a server says is bounded in octets, lines and time, and each step takes the very code that answers it: what somebody put into the
//! stream before TLS began is no answer to anything behind it.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs as _},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use super::super::message::plain;
use crate::forward::ForwardError;

/// Octets of an answer; RFC 5321 section 4.5.3.1.5 gives a line 512.
const MAX_ANSWER: usize = 16 * 1024;
/// Characters of an answer that are told.
const MAX_TOLD: usize = 300;

/// Where a server is, and how TLS begins there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// As configured.
    pub(super) address: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// The name in its certificate.
    pub(super) name: ServerName<'static>,
    /// Whether TLS comes first, before a word is said.
    pub(super) implicit: bool,
    /// How long connecting and each answer may take.
    pub(super) timeout: Duration,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A session that is encrypted and past its EHLO.
pub(super) struct Dialogue {
    wire: Wire,
    server: Server,
    /// Read, and not understood yet.
    held: Vec<u8>,
    /// What the server said it can do.
    abilities: Vec<String>,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) code: u16,
    lines: Vec<String>,
}

impl Answer {
    /// For a person, in one line.
    pub(super) fn said(&self) -> String {
        plain(&format!("{} {}", self.code, self.lines.join(" ")), MAX_TOLD)
    }
}

impl Server {
    pub(super) fn lost(&self, cause: impl Into<String>) -> ForwardError {
        ForwardError::Lost { address: self.address.clone(), cause: cause.into() }
    }

    pub(super) fn later(&self, answer: &Answer) -> ForwardError {
        ForwardError::Later { address: self.address.clone(), cause: answer.said(), pause: None }
    }

    pub(super) fn refused(&self, cause: String) -> ForwardError {
        ForwardError::Refused { address: self.address.clone(), cause }
    }

    fn untrusted(&self, cause: impl Into<String>) -> ForwardError {
        ForwardError::Untrusted { address: self.address.clone(), cause: cause.into() }
    }

    fn failed(&self, error: &io::Error) -> ForwardError {
        let of_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
        match error.kind() {
            _ if of_tls => self.untrusted(error.to_string()),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                ForwardError::Stalled { address: self.address.clone(), seconds: self.timeout.as_secs() }
            }
            _ => self.lost(error.to_string()),
        }
    }

    fn reach(&self) -> Result<TcpStream, ForwardError> {
        let unreachable = |cause: String| ForwardError::Unreachable { address: self.address.clone(), cause };
        let addresses = (self.host.as_str(), self.port).to_socket_addrs();
        let mut cause = String::from("its name has no address");
        for address in addresses.map_err(|error| unreachable(error.to_string()))? {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(stream) => {
                    let set = stream.set_nodelay(true).and(stream.set_write_timeout(Some(self.timeout)));
                    return set.map(|()| stream).map_err(|error| unreachable(error.to_string()));
                }
                Err(error) => cause = error.to_string(),
            }
        }
        Err(unreachable(cause))
    }
}

impl Dialogue {
    /// Connects, encrypts, and greets.
    pub(super) fn open(
        server: &Server,
        tls: &Arc<ClientConfig>,
        ourselves: &str,
    ) -> Result<Self, ForwardError> {
        let wire = Wire::Plain(server.reach()?);
        let mut dialogue = Self { wire, server: server.clone(), held: Vec::new(), abilities: Vec::new() };
        if server.implicit {
            dialogue.encrypt(tls)?;
        }
        dialogue.expect_greeting()?;
        dialogue.greet(ourselves)?;
        if !server.implicit {
            if !dialogue.can("STARTTLS") {
                return Err(server.untrusted("it offers no STARTTLS, and nothing is told without"));
            }
            dialogue.ask("STARTTLS", 220)?;
            if !dialogue.held.is_empty() {
                // RFC 3207 section 4.2: what was said before TLS does not count.
                return Err(server.untrusted("somebody put words behind its answer to STARTTLS"));
            }
            dialogue.encrypt(tls)?;
            dialogue.greet(ourselves)?;
        }
        Ok(dialogue)
    }

    fn encrypt(&mut self, tls: &Arc<ClientConfig>) -> Result<(), ForwardError> {
        let Wire::Plain(stream) = &self.wire else { return Ok(()) };
        let stream = stream.try_clone().map_err(|error| self.server.failed(&error))?;
        let connection = ClientConnection::new(Arc::clone(tls), self.server.name.clone())
            .map_err(|error| self.server.untrusted(error.to_string()))?;
        let mut stream = StreamOwned::new(connection, stream);
        let end = Instant::now() + self.server.timeout;
        while stream.conn.is_handshaking() {
            let left = end.saturating_duration_since(Instant::now());
            let step = patience(&stream.sock, left).and_then(|()| stream.conn.complete_io(&mut stream.sock));
            step.map_err(|error| self.server.failed(&error))?;
        }
        self.wire = Wire::Tls(Box::new(stream));
        Ok(())
    }

    fn expect_greeting(&mut self) -> Result<(), ForwardError> {
        let answer = self.hear()?;
        match answer.code {
            220 => Ok(()),
            400..=499 => Err(self.server.later(&answer)),
            _ => Err(self.server.lost(format!("it greets us with {}", answer.said()))),
        }
    }

    fn greet(&mut self, ourselves: &str) -> Result<(), ForwardError> {
        let answer = self.ask(&format!("EHLO {ourselves}"), 250)?;
        self.abilities = answer.lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect();
        Ok(())
    }

    /// Whether the server said that it can do this.
    fn can(&self, word: &str) -> bool {
        self.abilities.iter().any(|line| line.split(' ').next() == Some(word))
    }

    /// Says who we are (RFC 4954), by PLAIN (RFC 4616) where the server knows it, else by LOGIN.
    pub(super) fn authenticate(&mut self, user: &str, password: &str) -> Result<(), ForwardError> {
        let offered = |word: &str| {
            self.abilities.iter().any(|line| {
                let mut words = line.split([' ', '=']);
                words.next() == Some("AUTH") && words.any(|known| known == word)
            })
        };
        let answer = if offered("PLAIN") {
            let token = base64(format!("\0{user}\0{password}").as_bytes());
            self.say(&format!("AUTH PLAIN {token}"))?
        } else if offered("LOGIN") {
            self.ask("AUTH LOGIN", 334)?;
            self.ask(&base64(user.as_bytes()), 334)?;
            self.say(&base64(password.as_bytes()))?
        } else {
            return Err(self.server.lost("it knows neither AUTH PLAIN nor AUTH LOGIN"));
        };
        match answer.code {
            235 => Ok(()),
            400..=499 => Err(self.server.later(&answer)),
            _ => {
                let cause = format!("it does not take user `{}`: {}", plain(user, 64), answer.said());
                Err(self.server.untrusted(cause))
            }
        }
    }

    /// Says a line that only one code answers well; 4yz is for later, anything else for a person to mend.
    pub(super) fn ask(&mut self, line: &str, code: u16) -> Result<Answer, ForwardError> {
        let answer = self.say(line)?;
        match answer.code {
            known if known == code => Ok(answer),
            400..=499 => Err(self.server.later(&answer)),
            _ => {
                let verb = line.split(' ').next().unwrap_or_default();
                Err(self.server.lost(format!("to {verb} it answers {}", answer.said())))
            }
        }
    }

    /// Says a line and hears the answer, whatever it is.
    pub(super) fn say(&mut self, line: &str) -> Result<Answer, ForwardError> {
        self.write(format!("{line}\r\n").as_bytes())?;
        self.hear()
    }

    /// Sends a mail's octets, lines that begin with a dot with one more (RFC 5321 section 4.5.2), and the dot behind it.
    pub(super) fn data(&mut self, mail: &[u8]) -> Result<Answer, ForwardError> {
        let mut out = Vec::with_capacity(mail.len() + 64);
        let mut begins = true;
        for octet in mail {
            if begins && *octet == b'.' {
                out.push(b'.');
            }
            begins = *octet == b'\n';
            out.push(*octet);
        }
        out.extend_from_slice(if out.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" });
        self.write(&out)?;
        self.hear()
    }

    /// Leaves in an orderly way; whether anybody listens does not matter.
    pub(super) fn quit(mut self) {
        let _ = self.write(b"QUIT\r\n");
        if let Wire::Tls(tls) = &mut self.wire {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), ForwardError> {
        let written = match &mut self.wire {
            Wire::Plain(stream) => stream.write_all(octets),
            Wire::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        };
        written.map_err(|error| self.server.failed(&error))
    }

    /// One answer, of one line or more (RFC 5321 section 4.2.1).
    fn hear(&mut self) -> Result<Answer, ForwardError> {
        let end = Instant::now() + self.server.timeout;
        let (mut lines, mut length) = (Vec::new(), 0);
        loop {
            let line = self.line(end, MAX_ANSWER - length)?;
            length += line.len();
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            let code = text.get(..3).and_then(|code| code.parse::<u16>().ok());
            let Some(code) = code.filter(|code| (200..600).contains(code)) else {
                return Err(self.server.lost(format!("it says `{}`, which is no answer", plain(text, 100))));
            };
            lines.push(text.get(4..).unwrap_or_default().to_owned());
            if text.as_bytes().get(3) != Some(&b'-') {
                return Ok(Answer { code, lines });
            }
        }
    }

    /// Octets up to a line end, at most so many.
    fn line(&mut self, end: Instant, most: usize) -> Result<Vec<u8>, ForwardError> {
        loop {
            if let Some(at) = self.held.iter().position(|octet| *octet == b'\n') {
                return Ok(self.held.drain(..=at).collect());
            }
            if self.held.len() >= most {
                return Err(self.server.lost(format!("it says more than {MAX_ANSWER} octets in one answer")));
            }
            let left = end.saturating_duration_since(Instant::now());
            let mut scratch = [0; 1_024];
            let read = match &mut self.wire {
                Wire::Plain(stream) => patience(stream, left).and_then(|()| stream.read(&mut scratch)),
                Wire::Tls(stream) => patience(&stream.sock, left).and_then(|()| stream.read(&mut scratch)),
            };
            match read {
                Ok(0) => return Err(self.server.lost("it closed the connection")),
                Ok(length) => self.held.extend_from_slice(scratch.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.server.failed(&error)),
            }
        }
    }
}

/// Lets the next read wait for so long.
fn patience(stream: &TcpStream, left: Duration) -> io::Result<()> {
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))
}

/// RFC 4648 section 4.
fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for three in octets.chunks(3) {
        let at = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for (n, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = usize::try_from(bits >> shift & 63).unwrap_or(0);
            let digit = DIGITS.get(digit).copied().map_or('=', char::from);
            text.push(if n <= three.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        // Section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }
}
