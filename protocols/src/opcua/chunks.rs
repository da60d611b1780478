//! Joins the chunks of a message (Part 6, 6.7.2).

use alloc::vec::Vec;

/// Messages whose chunks are joined at a time, per direction; at the cap the oldest is forgotten.
pub const MAX_UNFINISHED: usize = 2;
/// Octets of a joined message.
pub const MAX_MESSAGE: usize = 1 << 20;

#[derive(Debug)]
struct Unfinished {
    request_id: u32,
    octets: Vec<u8>,
}

/// The unfinished messages of one direction.
#[derive(Debug, Default)]
pub(super) struct Chunks(Vec<Unfinished>);

impl Chunks {
    /// Keeps a chunk that others follow; false where the cap on a message is hit, which is then forgotten.
    pub(super) fn keep(&mut self, request_id: u32, octets: &[u8]) -> bool {
        let at = match self.0.iter().position(|unfinished| unfinished.request_id == request_id) {
            Some(at) => at,
            None => {
                if self.0.len() >= MAX_UNFINISHED {
                    self.0.remove(0);
                }
                self.0.push(Unfinished { request_id, octets: Vec::new() });
                self.0.len() - 1
            }
        };
        let Some(found) = self.0.get_mut(at) else { return false };
        if found.octets.len() + octets.len() > MAX_MESSAGE {
            self.0.remove(at);
            return false;
        }
        found.octets.extend_from_slice(octets);
        true
    }

    /// The message that a last chunk completes, if it had others.
    pub(super) fn complete(&mut self, request_id: u32, octets: &[u8]) -> Option<Vec<u8>> {
        let at = self.0.iter().position(|unfinished| unfinished.request_id == request_id)?;
        let mut whole = self.0.remove(at).octets;
        whole.extend_from_slice(octets.get(..octets.len().min(MAX_MESSAGE)).unwrap_or_default());
        Some(whole)
    }

    /// Whether chunks of another message wait.
    pub(super) fn is_waiting(&self) -> bool {
        !self.0.is_empty()
    }

    /// The sender gave a message up, or octets are missing.
    pub(super) fn forget(&mut self, request_id: Option<u32>) {
        self.0.retain(|unfinished| request_id.is_some_and(|request_id| unfinished.request_id != request_id));
    }
}
