//! SMB without IP: datagrams and data of NetBIOS frames over LLC (IBM SC30-3587, NetBIOS frames protocol), and the same between names
//! over IPX.
//!
//! ```text
//! NetBIOS frame | length:16 | ff ef | command:8 | data and correlators, names | content     length: octets before the content
//! IPX           | checksum:16 length:16 hops:8 type:8 | network:32 node:48 socket:16, to and from | of the socket
//! socket 0x0455 | flags:8 | type:8 | names: 2 of 16 octets | content                                NetBIOS
//! socket 0x0553 | 32 octets | operation:8 | type:8 | id:16 | names: 2 of 16 octets | content        mail slots and names
//! ```
//!
//! Lengths of NetBIOS frames are little-endian, all else is big-endian. What comes in more than one frame is not put together: the
//! frame that begins it is told.

use super::{Kind, version};
use crate::{
    cursor::Cursor,
    link::kind::{IPX, NETBIOS},
    message::{Direction, Sink},
};

/// Commands of NetBIOS frames that carry content: datagrams to a name and to all, data of a session.
const DATAGRAM: u8 = 0x08;
const DATAGRAM_BROADCAST: u8 = 0x09;
const DATA_FIRST_MIDDLE: u8 = 0x15;
const DATA_ONLY_LAST: u8 = 0x16;

/// Sockets of IPX.
const SOCKET_NETBIOS: u16 = 0x0455;
const SOCKET_NAMES: u16 = 0x0553;

/// Type of a packet between names on [`SOCKET_NETBIOS`].
const DIRECTED_DATAGRAM: u8 = 0x0b;

/// Both names of a datagram.
const NAMES: usize = 32;

/// Whether a frame of this kind may carry SMB.
pub(super) const fn is_kind(number: u16) -> bool {
    matches!(number, IPX | NETBIOS)
}

/// The SMB message that a frame carries.
pub(super) fn content(bytes: &[u8]) -> Option<&[u8]> {
    let found = netbios(bytes).or_else(|| ipx(bytes))?;
    (version(found) == Some(Kind::First)).then_some(found)
}

/// Tells what a frame carries.
pub(super) fn frame(direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Option<()> {
    super::message::tell(direction, content(bytes)?, sink);
    Some(())
}

/// What a NetBIOS frame carries. An LLC frame that is numbered has another octet of control before it.
fn netbios(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = match bytes {
        [_, _, 0xff, 0xef, ..] => bytes,
        [_, rest @ ..] if matches!(rest, [_, _, 0xff, 0xef, ..]) => rest,
        _ => return None,
    };
    let mut cursor = Cursor::new(bytes);
    let length = usize::from(cursor.u16_le()?);
    cursor.skip(2)?;
    let command = cursor.u8()?;
    let carries = matches!(command, DATAGRAM | DATAGRAM_BROADCAST | DATA_FIRST_MIDDLE | DATA_ONLY_LAST);
    bytes.get(length..).filter(|_| carries)
}

fn ipx(bytes: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(bytes);
    cursor.skip(16)?;
    let to = cursor.u16()?;
    cursor.skip(12)?;
    match to {
        SOCKET_NETBIOS => {
            cursor.skip(1)?;
            cursor.u8().filter(|of| *of == DIRECTED_DATAGRAM)?;
        }
        SOCKET_NAMES => cursor.skip(32 + 4)?,
        _ => return None,
    }
    cursor.skip(NAMES)?;
    Some(cursor.rest())
}
