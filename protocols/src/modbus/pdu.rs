//! A PDU read once into its parts. A part that the octets do not hold is `None`, or an empty slice.

use crate::{cursor::Cursor, message::Direction};

use super::{
    function as f,
    object::{Object, Objects, area},
    record::{self, Carried},
    unity::Unity,
};

/// The body of a PDU, by its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Function code alone.
    Empty,
    /// What to read, or what was written.
    Span { address: Option<u16>, quantity: Option<u16> },
    /// One coil or register with its value.
    Single { address: Option<u16>, octets: &'a [u8] },
    /// The pointer of a FIFO queue.
    Pointer { address: Option<u16> },
    /// Values read, or the identity of the server.
    Values { byte_count: Option<u8>, octets: &'a [u8] },
    /// Values to be written.
    Write { address: Option<u16>, quantity: Option<u16>, byte_count: Option<u8>, octets: &'a [u8] },
    /// The eight exception status outputs.
    Status { octets: &'a [u8] },
    /// A diagnostic and its data.
    Diagnostic { sub: Option<u16>, octets: &'a [u8] },
    /// Status word and event count.
    EventCounter { status: Option<u16>, events: Option<u16> },
    /// Status word, counts, and the events, latest first.
    EventLog {
        byte_count: Option<u8>,
        status: Option<u16>,
        events: Option<u16>,
        messages: Option<u16>,
        octets: &'a [u8],
    },
    /// Records named, and carried where function 21 does.
    Records { byte_count: Option<u8>, octets: &'a [u8], carried: Carried },
    /// Records answered.
    Answers { byte_count: Option<u8>, octets: &'a [u8] },
    /// A register and its two masks.
    Mask { address: Option<u16>, and_mask: Option<u16>, or_mask: Option<u16> },
    /// What to read and what to write.
    ReadWrite {
        read_address: Option<u16>,
        read_quantity: Option<u16>,
        address: Option<u16>,
        quantity: Option<u16>,
        byte_count: Option<u8>,
        octets: &'a [u8],
    },
    /// The registers of a FIFO queue.
    Fifo { byte_count: Option<u16>, count: Option<u16>, octets: &'a [u8] },
    /// Which identification objects are wanted.
    Identify { code: Option<u8>, object: Option<u8> },
    /// Identification objects.
    Identity {
        code: Option<u8>,
        conformity: Option<u8>,
        more: Option<u8>,
        next: Option<u8>,
        objects: Option<u8>,
        octets: &'a [u8],
    },
    /// Another encapsulated interface; `octets` begin with the MEI type.
    Encapsulated { mei: Option<u8>, octets: &'a [u8] },
    /// The refusal of a request.
    Exception { code: Option<u8> },
    /// Function 90.
    Unity { octets: &'a [u8] },
    /// Octets of a function that the standard does not describe.
    Raw { octets: &'a [u8] },
}

/// Reads the body of function `function`; what is left over comes second.
pub(super) fn parse(direction: Direction, function: u8, body: &[u8]) -> (Content<'_>, &[u8]) {
    let mut cursor = Cursor::new(body);
    let content = match direction {
        Direction::ToServer => request(function, &mut cursor),
        Direction::ToClient => response(function, &mut cursor),
    };
    (content, cursor.rest())
}

impl Content<'_> {
    /// The sub-function of function 8, the MEI type of function 43 or the code of function 90, otherwise 0.
    pub(super) fn sub_function(&self) -> u16 {
        match self {
            Self::Diagnostic { sub, .. } => sub.unwrap_or(0),
            Self::Identify { .. } | Self::Identity { .. } => u16::from(f::MEI_IDENTIFICATION),
            Self::Encapsulated { mei, .. } => mei.map_or(0, u16::from),
            Self::Unity { octets } => Unity::read(octets).map_or(0, |unity| unity.question()),
            _ => 0,
        }
    }

    /// What the message itself names, in the order of the wire.
    pub(super) fn objects(&self, function: u8) -> Objects {
        let mut objects = Objects::default();
        let mut add = |area, address: Option<u16>, quantity: Option<u16>| {
            if let (Some(address), Some(quantity)) = (address, quantity) {
                objects.push(Object::new(area, address, quantity));
            }
        };
        match *self {
            Self::Span { address, quantity } | Self::Write { address, quantity, .. } => {
                add(table(function), address, quantity);
            }
            Self::Single { address, .. } | Self::Mask { address, .. } => {
                add(table(function), address, Some(1))
            }
            Self::Pointer { address } => add(area::FIFO, address, Some(1)),
            Self::ReadWrite { read_address, read_quantity, address, quantity, .. } => {
                add(area::HOLDING_REGISTER, read_address, read_quantity);
                add(area::HOLDING_REGISTER, address, quantity);
            }
            Self::Records { octets, carried, .. } => {
                record::records(octets, carried).for_each(|record| objects.push(record.object()));
            }
            _ => {}
        }
        objects
    }
}

/// The table that a function addresses.
pub(super) const fn table(function: u8) -> u16 {
    match function {
        f::READ_COILS | f::WRITE_COIL | f::WRITE_COILS => area::COIL,
        f::READ_DISCRETE_INPUTS => area::DISCRETE_INPUT,
        f::READ_INPUT_REGISTERS => area::INPUT_REGISTER,
        _ => area::HOLDING_REGISTER,
    }
}

fn request<'a>(function: u8, cursor: &mut Cursor<'a>) -> Content<'a> {
    match function {
        1..=4 => Content::Span { address: cursor.u16(), quantity: cursor.u16() },
        f::EXCEPTION_STATUS | f::EVENT_COUNTER | f::EVENT_LOG | f::REPORT_SERVER_ID => Content::Empty,
        f::WRITE_COILS | f::WRITE_REGISTERS => {
            let (address, quantity) = (cursor.u16(), cursor.u16());
            let (byte_count, octets) = counted(cursor);
            Content::Write { address, quantity, byte_count, octets }
        }
        f::READ_FILE => {
            let (byte_count, octets) = counted(cursor);
            Content::Records { byte_count, octets, carried: Carried::No }
        }
        f::READ_WRITE => {
            let (read_address, read_quantity) = (cursor.u16(), cursor.u16());
            let (address, quantity) = (cursor.u16(), cursor.u16());
            let (byte_count, octets) = counted(cursor);
            Content::ReadWrite { read_address, read_quantity, address, quantity, byte_count, octets }
        }
        f::READ_FIFO => Content::Pointer { address: cursor.u16() },
        f::ENCAPSULATED if cursor.rest().first() == Some(&f::MEI_IDENTIFICATION) => {
            cursor.take(1);
            Content::Identify { code: cursor.u8(), object: cursor.u8() }
        }
        _ => either_way(function, cursor),
    }
}

fn response<'a>(function: u8, cursor: &mut Cursor<'a>) -> Content<'a> {
    match function {
        f::EXCEPTION_BIT.. => Content::Exception { code: cursor.u8() },
        1..=4 | f::REPORT_SERVER_ID | f::READ_WRITE => {
            let (byte_count, octets) = counted(cursor);
            Content::Values { byte_count, octets }
        }
        f::EXCEPTION_STATUS => Content::Status { octets: cursor.take_up_to(1) },
        f::EVENT_COUNTER => Content::EventCounter { status: cursor.u16(), events: cursor.u16() },
        f::EVENT_LOG => {
            let (byte_count, octets) = counted(cursor);
            let mut log = Cursor::new(octets);
            let (status, events, messages) = (log.u16(), log.u16(), log.u16());
            Content::EventLog { byte_count, status, events, messages, octets: log.rest() }
        }
        f::WRITE_COILS | f::WRITE_REGISTERS => {
            Content::Span { address: cursor.u16(), quantity: cursor.u16() }
        }
        f::READ_FILE => {
            let (byte_count, octets) = counted(cursor);
            Content::Answers { byte_count, octets }
        }
        f::READ_FIFO => {
            let (byte_count, count) = (cursor.u16(), cursor.u16());
            let length = byte_count.map_or(0, |octets| usize::from(octets.saturating_sub(2)));
            Content::Fifo { byte_count, count, octets: cursor.take_up_to(length) }
        }
        f::ENCAPSULATED if cursor.rest().first() == Some(&f::MEI_IDENTIFICATION) => {
            cursor.take(1);
            identity(cursor)
        }
        _ => either_way(function, cursor),
    }
}

/// Functions whose request and response have one shape.
fn either_way<'a>(function: u8, cursor: &mut Cursor<'a>) -> Content<'a> {
    match function {
        f::WRITE_COIL | f::WRITE_REGISTER => {
            Content::Single { address: cursor.u16(), octets: cursor.take_up_to(2) }
        }
        f::DIAGNOSTICS => Content::Diagnostic { sub: cursor.u16(), octets: all(cursor) },
        f::WRITE_FILE => {
            let (byte_count, octets) = counted(cursor);
            Content::Records { byte_count, octets, carried: Carried::Yes }
        }
        f::MASK_WRITE => {
            Content::Mask { address: cursor.u16(), and_mask: cursor.u16(), or_mask: cursor.u16() }
        }
        f::ENCAPSULATED => Content::Encapsulated { mei: cursor.rest().first().copied(), octets: all(cursor) },
        f::UNITY => Content::Unity { octets: all(cursor) },
        _ => Content::Raw { octets: all(cursor) },
    }
}

fn identity<'a>(cursor: &mut Cursor<'a>) -> Content<'a> {
    let (code, conformity, more) = (cursor.u8(), cursor.u8(), cursor.u8());
    let (next, objects) = (cursor.u8(), cursor.u8());
    let list = cursor.rest();
    for _ in 0..objects.unwrap_or(0) {
        let _ = cursor.u8();
        let length = cursor.u8().unwrap_or(0);
        cursor.take_up_to(usize::from(length));
    }
    let octets = list.get(..list.len() - cursor.remaining()).unwrap_or_default();
    Content::Identity { code, conformity, more, next, objects, octets }
}

/// The identification objects in `octets`: id and value, up to the first that is not there whole.
pub(super) fn identification_objects(octets: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut cursor = Cursor::new(octets);
    core::iter::from_fn(move || {
        let (id, length) = (cursor.u8()?, cursor.u8()?);
        Some((id, cursor.take(usize::from(length))?))
    })
}

fn counted<'a>(cursor: &mut Cursor<'a>) -> (Option<u8>, &'a [u8]) {
    let count = cursor.u8();
    (count, cursor.take_up_to(count.map_or(0, usize::from)))
}

fn all<'a>(cursor: &mut Cursor<'a>) -> &'a [u8] {
    cursor.take_up_to(usize::MAX)
}
