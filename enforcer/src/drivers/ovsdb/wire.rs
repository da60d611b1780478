//! JSON-RPC 1.0 as RFC 7047, clause 4 uses it: octets to messages. No message may be trusted; none makes this panic.

use serde_json::Value;
use thiserror::Error;

/// The longest message that is read, in octets: some ten thousand ports.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// The deepest nesting: a reply to a `transact` has seven levels.
const MAX_DEPTH: u32 = 32;
/// How much of a peer's words is told.
const MAX_TOLD: usize = 200;

/// Why octets are no message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It does not end in time.
    #[error("a message is longer than {MAX_MESSAGE} octets")]
    TooLong,
    /// It is nested deeper than any answer is.
    #[error("a message is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A message begins with another octet than `{`.
    #[error("a message begins with octet 0x{0:02x}, not with an object")]
    NoObject(u8),
    /// It is no JSON.
    #[error("a message is no JSON: {0}")]
    NoJson(String),
    /// It is JSON, and neither a reply nor a request.
    #[error("a message is neither reply nor request: {0}")]
    NoMessage(String),
}

/// Cuts a stream into messages, each octet looked at once.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    scanned: usize,
    depth: u32,
    is_text: bool,
    is_escaped: bool,
}

impl Framer {
    /// Takes octets that arrived.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// The next whole message; none while it is not there.
    ///
    /// # Errors
    /// When what is there cannot become one. The stream is of no use then.
    pub fn next_message(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        while let Some(octet) = self.buffer.get(self.scanned).copied() {
            self.scanned += 1;
            if self.scanned > MAX_MESSAGE {
                return Err(Malformed::TooLong);
            }
            if self.is_text {
                match octet {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_text = false,
                    _ => {}
                }
                continue;
            }
            match octet {
                // White space before a message stays part of it.
                b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => {}
                b'{' | b'[' if self.depth > 0 || octet == b'{' => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(Malformed::TooDeep);
                    }
                }
                _ if self.depth == 0 => return Err(Malformed::NoObject(octet)),
                b'"' => self.is_text = true,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        let rest = self.buffer.split_off(self.scanned);
                        self.scanned = 0;
                        return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

/// What a peer says.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// It answers.
    Reply {
        /// The request.
        id: Value,
        /// What it found; `null` when it did not.
        result: Value,
        /// Why not; `null` when it did.
        error: Value,
    },
    /// It asks.
    Request {
        /// What.
        method: String,
        /// With which arguments.
        params: Value,
        /// To be named in the reply.
        id: Value,
    },
    /// It tells something that nobody asked for.
    Notice,
}

/// Reads one message.
///
/// # Errors
/// When it is none.
pub fn decode(octets: &[u8]) -> Result<Message, Malformed> {
    let mut value: Value =
        serde_json::from_slice(octets).map_err(|fault| Malformed::NoJson(fault.to_string()))?;
    let mut take = |key: &str| value.get_mut(key).map(Value::take);
    let id = take("id").unwrap_or_default();
    if let Some(method) = take("method") {
        let Value::String(method) = method else { return Err(Malformed::NoMessage(told(&method))) };
        let params = take("params").unwrap_or_default();
        return Ok(if id.is_null() { Message::Notice } else { Message::Request { method, params, id } });
    }
    match (take("result"), take("error")) {
        (None, None) => Err(Malformed::NoMessage(told(&value))),
        (result, error) => {
            Ok(Message::Reply { id, result: result.unwrap_or_default(), error: error.unwrap_or_default() })
        }
    }
}

/// What a peer said, short and without anything that moves a cursor.
#[must_use]
pub fn told(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(MAX_TOLD).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(octets: &[u8], piece: usize) -> Result<Vec<Message>, Malformed> {
        let (mut framer, mut found) = (Framer::default(), Vec::new());
        for part in octets.chunks(piece) {
            framer.push(part);
            while let Some(message) = framer.next_message()? {
                found.push(decode(&message)?);
            }
        }
        Ok(found)
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut_up() {
        let text = br#" {"id":1,"result":["}{\"]"],"error":null} {"method":"echo","params":[],"id":"echo"}
            {"method":"update","params":[{"a":[[[]]]}],"id":null}"#;
        let whole = all(text, text.len()).unwrap();
        assert!(matches!(
            whole.as_slice(),
            [Message::Reply { .. }, Message::Request { .. }, Message::Notice]
        ));
        for piece in 1..text.len() {
            assert_eq!(all(text, piece).unwrap(), whole, "in pieces of {piece}");
        }
    }

    #[test]
    fn what_is_hostile_is_named() {
        assert_eq!(all(b"[1]", 9), Err(Malformed::NoObject(b'[')));
        assert_eq!(all(&b"{\"a\":".repeat(40), 9), Err(Malformed::TooDeep));
        assert!(matches!(all(b"{\"id\":}", 9), Err(Malformed::NoJson(_))));
        assert!(matches!(all(b"{\"id\":1}", 9), Err(Malformed::NoMessage(_))));
        assert!(matches!(all(b"{\"method\":7}", 9), Err(Malformed::NoMessage(_))));
        let endless = [b"{\"".as_slice(), &b"x".repeat(MAX_MESSAGE)].concat();
        assert_eq!(all(&endless, 65_536), Err(Malformed::TooLong));
        assert!(!told(&Value::String("\u{1b}[2J".into())).contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..512), piece in 1_usize..64) {
            let _ = all(&octets, piece);
        }
    }
}
