//! Connections: forward open and close (CIP Vol. 1, 3-5.5.2 and 3-5.5.3), and those open at present.

use alloc::{collections::VecDeque, vec::Vec};

use crate::cursor::Cursor;

/// Connections kept per flow. At the cap the oldest is forgotten.
pub(super) const MAX_CONNECTIONS: usize = 32;
/// Octets kept of a connection's path.
pub(super) const MAX_CONNECTION_PATH: usize = 64;

/// What names a connection for its whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Triad {
    /// Connection serial number.
    pub(super) serial: u16,
    /// Vendor of the originator.
    pub(super) vendor: u16,
    /// Serial number of the originator.
    pub(super) originator: u32,
}

impl Triad {
    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        Some(Self { serial: cursor.u16_le()?, vendor: cursor.u16_le()?, originator: cursor.u32_le()? })
    }
}

/// One direction of a connection, as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// Connection id.
    pub(super) id: u32,
    /// Requested packet interval in microseconds.
    pub(super) interval: u32,
    /// Octets of each packet.
    pub(super) size: u32,
    /// Network connection parameters as they stand.
    pub(super) parameters: u32,
}

/// A forward open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open<'a> {
    /// Which connection.
    pub(super) triad: Triad,
    /// From originator to target.
    pub(super) to_target: Way,
    /// From target to originator.
    pub(super) to_originator: Way,
    /// Class and trigger of the transport.
    pub(super) transport: u8,
    /// Connection path.
    pub(super) path: &'a [u8],
}

impl<'a> Open<'a> {
    /// Reads a request; `large` has sizes of 32 bits.
    pub(super) fn read(data: &'a [u8], large: bool) -> Option<Self> {
        let mut cursor = Cursor::new(data);
        cursor.skip(2)?;
        let (to_target_id, to_originator_id) = (cursor.u32_le()?, cursor.u32_le()?);
        let triad = Triad::read(&mut cursor)?;
        cursor.skip(4)?;
        let mut way = |id| {
            let interval = cursor.u32_le()?;
            let parameters = if large { cursor.u32_le()? } else { u32::from(cursor.u16_le()?) };
            let size = parameters & if large { 0xffff } else { 0x1ff };
            Some(Way { id, interval, size, parameters })
        };
        let to_target = way(to_target_id)?;
        let to_originator = way(to_originator_id)?;
        let transport = cursor.u8()?;
        let words = usize::from(cursor.u8()?);
        Some(Self { triad, to_target, to_originator, transport, path: cursor.take_up_to(words * 2) })
    }
}

/// What a successful forward open answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// Id from originator to target, chosen by the target.
    pub(super) to_target: u32,
    /// Id from target to originator.
    pub(super) to_originator: u32,
    /// Which connection.
    pub(super) triad: Triad,
    /// Actual packet intervals, in microseconds.
    pub(super) intervals: (u32, u32),
}

impl Opened {
    /// Reads it.
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(data);
        let (to_target, to_originator) = (cursor.u32_le()?, cursor.u32_le()?);
        let triad = Triad::read(&mut cursor)?;
        Some(Self { to_target, to_originator, triad, intervals: (cursor.u32_le()?, cursor.u32_le()?) })
    }
}

/// A forward close, or what answers it or refuses an open one: the connection and, in the question, its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Close<'a> {
    /// Which connection.
    pub(super) triad: Triad,
    /// Connection path.
    pub(super) path: &'a [u8],
}

impl<'a> Close<'a> {
    /// Reads a request.
    pub(super) fn read(data: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(data);
        cursor.skip(2)?;
        let triad = Triad::read(&mut cursor)?;
        let words = usize::from(cursor.u8()?);
        cursor.skip(1)?;
        Some(Self { triad, path: cursor.take_up_to(words * 2) })
    }

    /// Reads an answer.
    pub(super) fn answered(data: &'a [u8]) -> Option<Self> {
        Some(Self { triad: Triad::read(&mut Cursor::new(data))?, path: &[] })
    }
}

/// An open connection.
#[derive(Clone, Debug)]
struct Connection {
    triad: Triad,
    ids: [u32; 2],
    path: Vec<u8>,
}

/// The open connections of one flow.
#[derive(Debug, Default)]
pub(super) struct Connections(VecDeque<Connection>);

impl Connections {
    /// Remembers one; whether an older one had to go for it.
    pub(super) fn open(&mut self, opened: &Opened, path: &[u8]) -> bool {
        self.close(opened.triad);
        let full = self.0.len() >= MAX_CONNECTIONS;
        if full {
            self.0.pop_front();
        }
        self.0.push_back(Connection {
            triad: opened.triad,
            ids: [opened.to_target, opened.to_originator],
            path: path.get(..MAX_CONNECTION_PATH).unwrap_or(path).to_vec(),
        });
        full
    }

    /// Forgets one.
    pub(super) fn close(&mut self, triad: Triad) {
        self.0.retain(|connection| connection.triad != triad);
    }

    /// The path of the connection that has an id; the latest where several have it.
    pub(super) fn path(&self, id: u32) -> Option<&[u8]> {
        let found = self.0.iter().rev().find(|connection| connection.ids.contains(&id));
        found.map(|connection| connection.path.as_slice())
    }

    /// The path of the connection that a close names.
    pub(super) fn path_of(&self, triad: Triad) -> Option<&[u8]> {
        let found = self.0.iter().find(|connection| connection.triad == triad);
        found.map(|connection| connection.path.as_slice())
    }
}
