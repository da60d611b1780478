//! What a NATS server says, and what is said to it.
//!
//! After the page "Client Protocol" of the NATS documentation: lines that end with CR LF, of which `MSG` and `HMSG` are followed by as many octets as
//! they announce and another CR LF. Headers (`HMSG`) are a line `NATS/1.0`, which may carry a status as in HTTP, and fields.

use serde::{Deserialize, Serialize};

/// Octets of a line: an INFO names every server of a cluster.
const MAX_LINE: usize = 65_536;
/// Octets of a message to us: acknowledgements are small.
const MAX_MESSAGE: usize = 65_536;

/// One thing a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Said {
    /// What it is and what it demands.
    Info(Info),
    /// It asks for a sign of life.
    Ping,
    /// Its sign of life.
    Pong,
    /// It took what we said; only where we asked for that.
    Ok,
    /// It did not, and why.
    Err(String),
    /// A message to us.
    Message(Message),
}

/// What concerns us of an INFO.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Info {
    /// It knows headers.
    pub headers: bool,
    /// It speaks TLS alone.
    pub tls_required: bool,
    /// It speaks TLS where asked to.
    pub tls_available: bool,
    /// To be signed by who is known by a key.
    pub nonce: Option<String>,
}

/// A message to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub subject: String,
    /// The status of its headers; 503 where nobody listens to what we sent.
    pub status: Option<u16>,
    /// What it says.
    pub payload: Vec<u8>,
}

/// What no NATS server says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// No line of NATS begins like that.
    #[error("`{0}` is nothing that a NATS server says")]
    Word(String),
    /// A line has no end.
    #[error("a line of more than {MAX_LINE} octets")]
    LongLine,
    /// An INFO is no JSON.
    #[error("an INFO that is no JSON")]
    Info,
    /// A line that announces a message does not say how long it is.
    #[error("a message without its length: `{0}`")]
    Length(String),
    /// A message is larger than any acknowledgement.
    #[error("a message of {0} octets, where {MAX_MESSAGE} are the most")]
    LongMessage(usize),
    /// A message goes on behind its end.
    #[error("a message that does not end where it said")]
    End,
}

/// The first thing in `octets` and how many it took; nothing while it is not whole.
///
/// # Errors
/// What no NATS server says.
pub fn read(octets: &[u8]) -> Result<Option<(Said, usize)>, Malformed> {
    let window = octets.get(..octets.len().min(MAX_LINE)).unwrap_or_default();
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return if octets.len() >= MAX_LINE { Err(Malformed::LongLine) } else { Ok(None) };
    };
    let line = String::from_utf8_lossy(octets.get(..end).unwrap_or_default());
    let begin = end + 2;
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((&line, ""));
    let said = match word.to_ascii_uppercase().as_str() {
        "PING" => Said::Ping,
        "PONG" => Said::Pong,
        "+OK" => Said::Ok,
        "-ERR" => Said::Err(crate::http::tamed(rest.trim().trim_matches('\''))),
        "INFO" => Said::Info(serde_json::from_str(rest).map_err(|_| Malformed::Info)?),
        "MSG" => return message(&line, octets, begin, false),
        "HMSG" => return message(&line, octets, begin, true),
        _ => return Err(Malformed::Word(crate::http::tamed(&line).chars().take(40).collect())),
    };
    Ok(Some((said, begin)))
}

/// `MSG subject sid [reply] length`, or `HMSG subject sid [reply] length-of-headers length`.
fn message(
    line: &str,
    octets: &[u8],
    begin: usize,
    has_headers: bool,
) -> Result<Option<(Said, usize)>, Malformed> {
    let wrong = || Malformed::Length(crate::http::tamed(line).chars().take(80).collect());
    let mut words = line.split_ascii_whitespace().skip(1);
    let subject = words.next().ok_or_else(wrong)?.to_owned();
    let mut numbers = words.skip(1).collect::<Vec<_>>().into_iter().rev();
    let mut number = || numbers.next().and_then(|word| word.parse::<usize>().ok()).ok_or_else(wrong);
    let whole = number()?;
    let head = if has_headers { number()? } else { 0 };
    if whole > MAX_MESSAGE {
        return Err(Malformed::LongMessage(whole));
    }
    if head > whole {
        return Err(wrong());
    }
    let Some(body) = octets.get(begin..begin + whole + 2) else { return Ok(None) };
    if !body.ends_with(b"\r\n") {
        return Err(Malformed::End);
    }
    let status = body.get(..head).and_then(status);
    let payload = body.get(head..whole).unwrap_or_default().to_vec();
    Ok(Some((Said::Message(Message { subject, status, payload }), begin + whole + 2)))
}

/// `NATS/1.0 503 No Responders`.
fn status(headers: &[u8]) -> Option<u16> {
    let line = headers.split(|octet| *octet == b'\r').next()?;
    std::str::from_utf8(line).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Who we are. `verbose`: no `+OK` for each line; `no_responders`: the server says at once where nobody listens.
#[derive(Debug, Default, Serialize)]
pub(super) struct Connect<'a> {
    pub(super) verbose: bool,
    pub(super) pedantic: bool,
    pub(super) echo: bool,
    pub(super) headers: bool,
    pub(super) no_responders: bool,
    pub(super) tls_required: bool,
    /// INFO may come again.
    pub(super) protocol: u8,
    pub(super) lang: &'a str,
    pub(super) version: &'a str,
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pass: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nkey: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jwt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sig: Option<String>,
}

impl Connect<'_> {
    /// The line.
    pub(super) fn line(&self) -> String {
        // Texts and flags alone: nothing here cannot be written.
        format!("CONNECT {}\r\n", serde_json::to_string(self).unwrap_or_default())
    }
}

/// A message with headers and where its answer goes.
pub(super) fn publish(subject: &str, reply: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = String::from("NATS/1.0\r\n");
    for (name, value) in headers {
        head.extend([*name, ": ", *value, "\r\n"]);
    }
    head.push_str("\r\n");
    let whole = head.len() + body.len();
    format!("HPUB {subject} {reply} {} {whole}\r\n{head}{body}\r\n", head.len()).into_bytes()
}
