//! Message headers of UA Connection Protocol and UA Secure Conversation (Part 6, 6.7.2 and 7.1.2).

use crate::Cursor;

use super::binary::string;

/// Octets of type, chunk and size.
pub(super) const HEADER: usize = 8;

/// The longest chunk that is read; buffers are negotiated, and 65535 octets are usual (Part 6, 7.1.2.3).
pub const MAX_CHUNK: usize = 1 << 20;

/// The policy without security (Part 7, 6.6).
const POLICY_NONE: &[u8] = b"http://opcfoundation.org/UA/SecurityPolicy#None";

/// The front of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Front {
    pub(super) kind: [u8; 3],
    /// `F` final, `C` to be continued, `A` aborted.
    pub(super) chunk: u8,
    pub(super) size: usize,
}

impl Front {
    /// Reads it; `None` where no chunk begins, as far as the octets tell.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let kind = cursor.take(3)?.try_into().ok()?;
        let chunk = cursor.u8()?;
        let size = usize::try_from(cursor.u32_le()?).ok()?;
        let front = Self { kind, chunk, size };
        front.is_sound().then_some(front)
    }

    fn is_sound(&self) -> bool {
        let least = match &self.kind {
            b"HEL" | b"ACK" => 28,
            b"ERR" | b"RHE" => 16,
            b"OPN" => 24,
            b"MSG" | b"CLO" => 16,
            _ => return false,
        };
        let chunk = matches!((&self.kind, self.chunk), (_, b'F') | (b"MSG", b'C' | b'A'));
        chunk && (least..=MAX_CHUNK).contains(&self.size)
    }

    /// Whether what follows is a secure channel's.
    pub(super) const fn is_secured(&self) -> bool {
        matches!(&self.kind, b"OPN" | b"MSG" | b"CLO")
    }
}

/// Whether octets may become the front of a chunk.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let kinds = [b"HEL", b"ACK", b"ERR", b"RHE", b"OPN", b"MSG", b"CLO"];
    let kind = bytes.get(..bytes.len().min(3)).unwrap_or_default();
    let chunk = bytes.get(3).is_none_or(|chunk| matches!(chunk, b'F' | b'C' | b'A'));
    chunk && kinds.iter().any(|known| known.starts_with(kind))
}

/// What stands before the body of a secured chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Secured<'a> {
    pub(super) channel: u32,
    /// Of an opening chunk.
    pub(super) policy: Option<&'a [u8]>,
    pub(super) certificate: &'a [u8],
    /// Of other chunks.
    pub(super) token: Option<u32>,
    /// Absent where it is encrypted.
    pub(super) sequence: Option<(u32, u32)>,
    pub(super) body: &'a [u8],
}

impl<'a> Secured<'a> {
    /// Reads what stands behind the front; `hidden` where all behind the security header is encrypted.
    pub(super) fn read(front: &Front, bytes: &'a [u8], hidden: bool) -> Option<Self> {
        let mut cursor = Cursor::new(bytes.get(HEADER..)?);
        let mut secured = Self { channel: cursor.u32_le()?, ..Self::default() };
        if &front.kind == b"OPN" {
            secured.policy = Some(string(&mut cursor)?);
            secured.certificate = string(&mut cursor)?;
            string(&mut cursor)?;
        } else {
            secured.token = Some(cursor.u32_le()?);
        }
        let open = secured.policy.is_none_or(|policy| policy == POLICY_NONE) && !hidden;
        if open {
            secured.sequence = Some((cursor.u32_le()?, cursor.u32_le()?));
        }
        secured.body = cursor.rest();
        Some(secured)
    }

    /// Whether the policy is that without security.
    pub(super) fn is_open(&self) -> Option<bool> {
        self.policy.map(|policy| policy == POLICY_NONE)
    }
}
