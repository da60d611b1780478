//! Messages out of octets and back (RFC 6242): ended by a mark (clause 4.3), or in chunks (4.2). No octets may be trusted;
//! none makes this panic.

use thiserror::Error;

/// The longest message that is read, in octets: some ten thousand ports.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// What ends a message of NETCONF 1.0, and every `<hello>`.
pub const END: &[u8] = b"]]>]]>";
/// The longest line before a chunk: `#`, ten digits.
const MAX_HEADER: usize = 11;

/// Why octets are no message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It does not end in time.
    #[error("a message is longer than {MAX_MESSAGE} octets")]
    TooLong,
    /// No chunk begins where one must.
    #[error("no chunk begins where octet 0x{0:02x} is")]
    NoChunk(u8),
    /// What should be the size of a chunk is none.
    #[error("`{0}` is no size of a chunk")]
    NoSize(String),
    /// It is no UTF-8.
    #[error("a message is no UTF-8 from octet {0} on")]
    NoText(usize),
}

/// Cuts a stream into messages, each octet looked at once.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    scanned: usize,
    /// Set once both sides have said NETCONF 1.1: what was read of the message so far.
    chunked: Option<Vec<u8>>,
}

/// What the line before a chunk says.
enum Header {
    Size(usize),
    End,
}

impl Framer {
    /// Takes octets that arrived.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// From here on messages come in chunks.
    pub fn expect_chunks(&mut self) {
        self.chunked = Some(Vec::new());
        self.scanned = 0;
    }

    /// The next whole message; none while it is not there.
    ///
    /// # Errors
    /// When what is there cannot become one. The stream is of no use then.
    pub fn next_message(&mut self) -> Result<Option<String>, Malformed> {
        let octets = match self.chunked.take() {
            Some(message) => self.in_chunks(message)?,
            None => self.up_to_mark()?,
        };
        let Some(octets) = octets else { return Ok(None) };
        String::from_utf8(octets)
            .map(Some)
            .map_err(|fault| Malformed::NoText(fault.utf8_error().valid_up_to()))
    }

    fn up_to_mark(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
        let Some(found) = unseen.windows(END.len()).position(|window| window == END) else {
            // The mark may have begun.
            self.scanned = (self.buffer.len() + 1).saturating_sub(END.len()).max(self.scanned);
            return if self.buffer.len() > MAX_MESSAGE { Err(Malformed::TooLong) } else { Ok(None) };
        };
        let end = self.scanned + found;
        let rest = self.buffer.split_off(end + END.len());
        let mut message = std::mem::replace(&mut self.buffer, rest);
        self.scanned = 0;
        message.truncate(end);
        if message.len() > MAX_MESSAGE { Err(Malformed::TooLong) } else { Ok(Some(message)) }
    }

    /// `scanned` is where the next line before a chunk begins.
    fn in_chunks(&mut self, mut message: Vec<u8>) -> Result<Option<Vec<u8>>, Malformed> {
        loop {
            let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
            match header(unseen)? {
                None => break,
                Some((Header::End, length)) => {
                    let rest = self.buffer.split_off(self.scanned + length);
                    self.buffer = rest;
                    self.scanned = 0;
                    self.chunked = Some(Vec::new());
                    return Ok(Some(message));
                }
                Some((Header::Size(size), length)) => {
                    if size > MAX_MESSAGE.saturating_sub(message.len()) {
                        return Err(Malformed::TooLong);
                    }
                    let Some(chunk) = unseen.get(length..length + size) else { break };
                    message.extend_from_slice(chunk);
                    self.scanned += length + size;
                }
            }
        }
        self.buffer.drain(..self.scanned.min(self.buffer.len()));
        self.scanned = 0;
        self.chunked = Some(message);
        Ok(None)
    }
}

/// Reads `LF # size LF` or `LF # # LF`; none while it is not whole.
fn header(octets: &[u8]) -> Result<Option<(Header, usize)>, Malformed> {
    for (octet, expected) in octets.iter().zip(b"\n#") {
        if octet != expected {
            return Err(Malformed::NoChunk(*octet));
        }
    }
    let Some(rest) = octets.get(2..) else { return Ok(None) };
    let line = rest.split(|octet| *octet == b'\n').next().unwrap_or_default();
    if line.len() > MAX_HEADER {
        return Err(no_size(line.get(..MAX_HEADER).unwrap_or_default()));
    }
    if line.len() == rest.len() {
        return Ok(None);
    }
    let length = line.len() + 3;
    if line == b"#" {
        return Ok(Some((Header::End, length)));
    }
    // RFC 6242, 4.2: from 1 to 4294967295, without a leading zero.
    let is_size = line.first().is_some_and(|digit| (b'1'..=b'9').contains(digit))
        && line.iter().all(u8::is_ascii_digit);
    let size =
        std::str::from_utf8(line).ok().filter(|_| is_size).and_then(|digits| digits.parse::<u32>().ok());
    let size = size.ok_or_else(|| no_size(line))?;
    Ok(Some((Header::Size(usize::try_from(size).unwrap_or(usize::MAX)), length)))
}

fn no_size(line: &[u8]) -> Malformed {
    Malformed::NoSize(String::from_utf8_lossy(line).escape_debug().to_string())
}

/// A message as it is sent.
#[must_use]
pub fn framed(message: &str, in_chunks: bool) -> Vec<u8> {
    if in_chunks {
        format!("\n#{}\n{message}\n##\n", message.len()).into_bytes()
    } else {
        [message.as_bytes(), END].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(octets: &[u8], piece: usize, in_chunks: bool) -> Result<Vec<String>, Malformed> {
        let (mut framer, mut found) = (Framer::default(), Vec::new());
        if in_chunks {
            framer.expect_chunks();
        }
        for part in octets.chunks(piece) {
            framer.push(part);
            while let Some(message) = framer.next_message()? {
                found.push(message);
            }
        }
        Ok(found)
    }

    #[test]
    fn the_example_of_the_standard_is_read_in_whatever_pieces_it_comes() {
        // RFC 6242, 4.2: two chunks and the end, then another message.
        let text = b"\n#4\n<rpc\n#18\n message-id=\"102\"\n\n##\n\n#2\n##\n##\n";
        for piece in 1..text.len() {
            assert_eq!(
                all(text, piece, true).unwrap(),
                ["<rpc message-id=\"102\"\n", "##"],
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn a_hello_and_what_follows_it_in_chunks_may_come_at_once() {
        let mut framer = Framer::default();
        framer.push(&[framed("<hello/>", false), framed("<rpc-reply/>", true)].concat());
        assert_eq!(framer.next_message().unwrap().as_deref(), Some("<hello/>"));
        framer.expect_chunks();
        assert_eq!(framer.next_message().unwrap().as_deref(), Some("<rpc-reply/>"));
        assert_eq!(framer.next_message(), Ok(None));
    }

    #[test]
    fn what_is_hostile_is_named() {
        assert_eq!(all(b"\n#0\n", 9, true), Err(Malformed::NoSize("0".into())));
        assert_eq!(all(b"\n#01\n", 9, true), Err(Malformed::NoSize("01".into())));
        assert_eq!(all(b"\n#4294967296\n", 99, true), Err(Malformed::NoSize("4294967296".into())));
        assert_eq!(all(b"\n#4294967295\n", 99, true), Err(Malformed::TooLong));
        assert_eq!(all(b"\n#999999999999999", 99, true), Err(Malformed::NoSize("99999999999".into())));
        assert_eq!(all(b"\n<hello", 9, true), Err(Malformed::NoChunk(b'<')));
        assert_eq!(all(b"\n#2\nabX", 99, true), Err(Malformed::NoChunk(b'X')));
        assert_eq!(all(b"\n#1\n\xff\n##\n", 99, true), Err(Malformed::NoText(0)));
        assert_eq!(all(&vec![b'x'; MAX_MESSAGE + 1], 65_536, false), Err(Malformed::TooLong));
        let chunk = [format!("\n#{}\n", MAX_MESSAGE / 2).as_bytes(), &vec![b'x'; MAX_MESSAGE / 2]].concat();
        assert_eq!(all(&chunk.repeat(3), 65_536, true), Err(Malformed::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_arrives(messages in proptest::collection::vec("[^]]{1,40}", 1..4), piece in 1_usize..64, in_chunks: bool) {
            let octets: Vec<u8> = messages.iter().flat_map(|message| framed(message, in_chunks)).collect();
            prop_assert_eq!(all(&octets, piece, in_chunks).unwrap(), messages);
        }

        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..512), piece in 1_usize..64, in_chunks: bool) {
            let _ = all(&octets, piece, in_chunks);
        }
    }
}
