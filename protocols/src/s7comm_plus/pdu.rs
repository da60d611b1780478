//! From service data units to messages.

use super::{function, number, value::Value};
use crate::cursor::Cursor;

/// The first octet.
pub(super) const PROTOCOL_ID: u8 = 0x72;
/// Versions that tell events instead of requests, and that acknowledge.
pub(super) const EVENT: u8 = 0xfe;
pub(super) const KEEP_ALIVE: u8 = 0xff;
/// Octets of the header, and of the trailer.
pub(super) const HEADER: usize = 4;
/// Octets of the digest of version 3, told by an octet before it.
const MAX_DIGEST: u8 = 64;

/// Kinds of messages.
pub(super) mod opcode {
    pub(in super::super) const REQUEST: u8 = 0x31;
    pub(in super::super) const RESPONSE: u8 = 0x32;
    pub(in super::super) const NOTIFICATION: u8 = 0x33;
    pub(in super::super) const RESPONSE_OF_SESSION: u8 = 0x02;
}

/// Whether a unit begins like one of the protocol.
pub(super) fn begins(unit: &[u8]) -> bool {
    match unit {
        [PROTOCOL_ID, 1..=3, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            length > 0 && length + HEADER * 2 >= unit.len()
        }
        [PROTOCOL_ID, EVENT | KEEP_ALIVE, ..] => true,
        _ => false,
    }
}

/// Whether a unit is a record of TLS, which newer firmware puts inside the transport.
pub(super) fn is_encrypted(unit: &[u8]) -> bool {
    matches!(unit, [0x14..=0x17, 3, 0..=4, ..])
}

/// Whether octets are the beginning of a message, and hardly its rest: an opcode, in requests and answers with two zeros behind.
pub(super) fn opens(octets: &[u8]) -> bool {
    use opcode::{NOTIFICATION, REQUEST, RESPONSE, RESPONSE_OF_SESSION};
    matches!(octets, [REQUEST | RESPONSE | RESPONSE_OF_SESSION, 0, 0, ..] | [NOTIFICATION, ..])
}

/// A unit: header, part of a message, and whether the trailer ends it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// The version.
    pub(super) version: u8,
    /// Octets that the header tells.
    pub(super) length: usize,
    /// The part, without the digest.
    pub(super) octets: &'a [u8],
    /// Octets of the digest that stood before it.
    pub(super) digest: u8,
    /// Whether the message ends here.
    pub(super) last: bool,
}

impl<'a> Part<'a> {
    /// Reads one; of a unit that is cut, what there is.
    pub(super) fn read(unit: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(unit);
        cursor.skip(1)?;
        let (version, length) = (cursor.u8()?, usize::from(cursor.u16()?));
        if version == KEEP_ALIVE {
            return Some(Self { version, length: 0, octets: &[], digest: 0, last: true });
        }
        let mut octets = cursor.take_up_to(length);
        let last = version == EVENT || !cursor.is_empty() || octets.len() < length;
        let mut digest = 0;
        if let [told @ 1..=MAX_DIGEST, rest @ ..] = octets
            && version == 3
        {
            (digest, octets) = (*told, rest.get(usize::from(*told)..).unwrap_or_default());
        }
        Some(Self { version, length, octets, digest, last })
    }
}

/// A message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pdu<'a> {
    /// The version of its header.
    pub(super) version: u8,
    /// Octets of the digest, 0 where there is none.
    pub(super) digest: u8,
    /// Request, response or notification.
    pub(super) opcode: u8,
    /// The function; none of a notification.
    pub(super) function: Option<u16>,
    /// Joins request and response.
    pub(super) sequence: Option<u16>,
    /// The session of a request.
    pub(super) session: Option<u32>,
    /// The return value of a response.
    pub(super) result: Option<u64>,
    /// The object that a request touches, or the subscription of a notification.
    pub(super) object: Option<u32>,
    /// What follows.
    pub(super) parameters: &'a [u8],
}

impl<'a> Pdu<'a> {
    /// Reads one; `false` where it ends before its header does.
    pub(super) fn read(version: u8, digest: u8, octets: &'a [u8]) -> (Self, bool) {
        let mut pdu = Self { version, digest, ..Self::default() };
        let whole = pdu.parts(octets).is_some();
        (pdu, whole)
    }

    fn parts(&mut self, octets: &'a [u8]) -> Option<()> {
        let mut cursor = Cursor::new(octets);
        if self.version == EVENT {
            self.parameters = octets;
            return Some(());
        }
        self.opcode = cursor.u8()?;
        if self.opcode == opcode::NOTIFICATION {
            self.object = Some(cursor.u32()?);
            self.parameters = cursor.rest();
            return Some(());
        }
        cursor.skip(2)?;
        self.function = Some(cursor.u16()?);
        cursor.skip(2)?;
        self.sequence = Some(cursor.u16()?);
        if self.opcode == opcode::REQUEST {
            self.session = Some(cursor.u32()?);
        }
        // Flags of the transport.
        cursor.skip(1)?;
        match self.opcode {
            opcode::REQUEST if self.touches_object() => self.object = Some(cursor.u32()?),
            opcode::RESPONSE | opcode::RESPONSE_OF_SESSION => {
                self.result = Some(number::unsigned(&mut cursor)?)
            }
            _ => {}
        }
        self.parameters = cursor.rest();
        Some(())
    }

    /// Whether a response tells an error: its highest bit says so.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self.result, Some(result) if result >> 63 != 0)
    }

    /// Whether a request names an object in front of its parameters.
    const fn touches_object(&self) -> bool {
        use function as f;
        matches!(
            self.function,
            Some(
                f::EXPLORE
                    | f::CREATE_OBJECT
                    | f::DELETE_OBJECT
                    | f::SET_VARIABLE
                    | f::GET_VARIABLE
                    | f::SET_MULTIPLE
                    | f::GET_MULTIPLE
                    | f::INVOKE
                    | f::SET_STREAMED
                    | f::GET_STREAMED
            )
        )
    }

    /// The attribute that a request for one names, and what is written to it.
    pub(super) fn attribute(&self) -> Option<(u32, Option<Value<'a>>)> {
        let mut cursor = Cursor::new(self.parameters);
        if self.opcode != opcode::REQUEST {
            return None;
        }
        match self.function? {
            function::SET_VARIABLE => {
                number::short(&mut cursor)?;
                let attribute = number::short(&mut cursor)?;
                Some((attribute, Value::read(&mut cursor)))
            }
            function::GET_STREAMED => {
                // An array of one address.
                cursor.skip(2)?;
                number::short(&mut cursor)?;
                Some((number::short(&mut cursor)?, None))
            }
            _ => None,
        }
    }
}
