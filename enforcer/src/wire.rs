//! Lines between the daemon and the enforcer: one JSON object each, of bounded length.

use fieldwarden_model::order::{Answer, Ask};
use thiserror::Error;

/// The longest line that is read, in octets, its end not counted.
pub const MAX_LINE: usize = 64 * 1024;

/// Why a line is no ask.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotAnAsk {
    /// It goes on past [`MAX_LINE`].
    #[error("line of more than {MAX_LINE} octets")]
    TooLong,
    /// It is not the JSON of an ask.
    #[error("line is no ask: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Reads one line, without its end.
///
/// # Errors
/// When it is too long or no ask.
pub fn parse_ask(line: &[u8]) -> Result<Ask, NotAnAsk> {
    if line.len() > MAX_LINE {
        return Err(NotAnAsk::TooLong);
    }
    Ok(serde_json::from_slice(line)?)
}

/// An answer as one line, its end included.
#[must_use]
pub fn answer_line(answer: &Answer) -> Vec<u8> {
    // The types hold text and numbers only, which JSON can always express.
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Octets received and not yet a whole line; never more than [`MAX_LINE`] and one read.
#[derive(Debug, Default)]
pub struct LineBuffer {
    held: Vec<u8>,
}

impl LineBuffer {
    /// Takes what was read and returns each whole line, without its end.
    ///
    /// # Errors
    /// When a line grows past [`MAX_LINE`]; the peer is then not to be listened to any longer.
    pub fn push(&mut self, octets: &[u8]) -> Result<Vec<Vec<u8>>, NotAnAsk> {
        self.held.extend_from_slice(octets);
        let mut lines: Vec<Vec<u8>> = Vec::new();
        while let Some(end) = self.held.iter().position(|octet| *octet == b'\n') {
            let rest = self.held.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.held, rest);
            line.pop();
            if line.len() > MAX_LINE {
                return Err(NotAnAsk::TooLong);
            }
            if !line.is_empty() {
                lines.push(line);
            }
        }
        if self.held.len() > MAX_LINE { Err(NotAnAsk::TooLong) } else { Ok(lines) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let text = b"{\"ask\":\"list\"}\n\n{\"ask\":\"list\"}\n{";
        for size in 1..text.len() {
            let mut buffer = LineBuffer::default();
            let lines: Vec<_> = text.chunks(size).flat_map(|part| buffer.push(part).unwrap()).collect();
            assert_eq!(lines.len(), 2, "in parts of {size}");
            assert!(lines.iter().all(|line| matches!(parse_ask(line), Ok(Ask::List))));
        }
    }

    #[test]
    fn an_endless_line_is_refused_before_it_fills_memory() {
        let mut buffer = LineBuffer::default();
        let part = [b'x'; 4096];
        let refused = (0..64).any(|_| buffer.push(&part).is_err());
        assert!(refused);
    }
}
