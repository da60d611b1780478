//! The transport protocol data units of class 0 (X.224 §13).

use crate::cursor::Cursor;

/// The type octet of a data unit (X.224 §13.7).
pub const DATA: u8 = 0xf0;

const CONNECTION_REQUEST: u8 = 0xe0;
const CONNECTION_CONFIRM: u8 = 0xd0;
const DISCONNECT_REQUEST: u8 = 0x80;
const DISCONNECT_CONFIRM: u8 = 0xc0;
const ERROR: u8 = 0x70;
const PARAMETER_TPDU_SIZE: u8 = 0xc0;
const PARAMETER_CALLING: u8 = 0xc1;
const PARAMETER_CALLED: u8 = 0xc2;

/// A transport protocol data unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tpdu<'a> {
    /// DT: a piece of a transport service data unit.
    Data {
        /// Whether it is the last piece (EOT).
        last: bool,
        /// The piece; may be empty.
        user: &'a [u8],
    },
    /// CR, CC, DR, DC or ER.
    Connection(Connecting<'a>),
    /// A unit that class 0 does not have (ED, AK, EA, RJ) or that is not assigned.
    Other(u8),
}

/// What opens, refuses or closes a connection (X.224 §13.3 to §13.6 and §13.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connecting<'a> {
    /// The type octet; its low half (credit) cleared.
    pub kind: u8,
    /// The receiver's reference.
    pub destination: u16,
    /// The sender's reference; absent in ER.
    pub source: Option<u16>,
    /// Class and options octet of CR and CC.
    pub class: Option<u8>,
    /// Reason of DR, reject cause of ER.
    pub reason: Option<u8>,
    /// The calling transport selector.
    pub calling: Option<&'a [u8]>,
    /// The called transport selector.
    pub called: Option<&'a [u8]>,
    /// Proposed or agreed unit size, as the power of two the wire carries.
    pub size_exponent: Option<u8>,
}

/// Why a unit is not to be read; the header length and the octets that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TpduFault {
    /// The header reaches beyond its packet.
    BeyondPacket {
        /// The header length told.
        got: u8,
        /// The octets that are there.
        available: usize,
    },
    /// The header is shorter than the fixed part of its type.
    HeaderShort {
        /// The header length told.
        got: u8,
        /// The length the type asks for.
        least: u8,
    },
}

impl<'a> Tpdu<'a> {
    /// Reads the unit of one packet.
    ///
    /// # Errors
    /// Where the header contradicts the packet or its own type.
    pub fn read(unit: &'a [u8]) -> Result<Self, TpduFault> {
        let mut cursor = Cursor::new(unit);
        let length = cursor.u8().unwrap_or(0);
        let available = cursor.remaining();
        let header = cursor.take(length.into()).ok_or(TpduFault::BeyondPacket { got: length, available })?;
        let mut fields = Cursor::new(header);
        let short = |least| TpduFault::HeaderShort { got: length, least };
        let kind = fields.u8().ok_or(short(2))?;
        match kind & 0xf0 {
            DATA => {
                let number = fields.u8().ok_or(short(2))?;
                Ok(Self::Data { last: number & 0x80 != 0, user: cursor.rest() })
            }
            CONNECTION_REQUEST | CONNECTION_CONFIRM | DISCONNECT_REQUEST => {
                Connecting::read(kind & 0xf0, &mut fields).ok_or(short(6)).map(Self::Connection)
            }
            DISCONNECT_CONFIRM => {
                let destination = fields.u16().ok_or(short(5))?;
                let source = Some(fields.u16().ok_or(short(5))?);
                Ok(Self::Connection(Connecting {
                    kind: kind & 0xf0,
                    destination,
                    source,
                    ..Connecting::default()
                }))
            }
            ERROR => {
                let destination = fields.u16().ok_or(short(4))?;
                let reason = Some(fields.u8().ok_or(short(4))?);
                Ok(Self::Connection(Connecting {
                    kind: kind & 0xf0,
                    destination,
                    reason,
                    ..Connecting::default()
                }))
            }
            _ => Ok(Self::Other(kind)),
        }
    }
}

impl<'a> Connecting<'a> {
    /// CR, CC and DR share their shape; the last octet of the fixed part is the class, in DR the reason.
    fn read(kind: u8, fields: &mut Cursor<'a>) -> Option<Self> {
        let destination = fields.u16()?;
        let source = Some(fields.u16()?);
        let last = Some(fields.u8()?);
        let mut unit = Self { kind, destination, source, ..Self::default() };
        if kind == DISCONNECT_REQUEST {
            unit.reason = last;
        } else {
            unit.class = last;
        }
        // A parameter cut short ends the list; what stood before it is kept.
        while let (Some(code), Some(length)) = (fields.u8(), fields.u8()) {
            let Some(value) = fields.take(length.into()) else { break };
            match code {
                PARAMETER_TPDU_SIZE => unit.size_exponent = value.first().copied(),
                PARAMETER_CALLING => unit.calling = Some(value),
                PARAMETER_CALLED => unit.called = Some(value),
                _ => {}
            }
        }
        Some(unit)
    }

    /// Whether it asks for a connection.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        self.kind == CONNECTION_REQUEST
    }

    /// Whether it grants a connection or confirms its end.
    #[must_use]
    pub const fn is_confirm(&self) -> bool {
        matches!(self.kind, CONNECTION_CONFIRM | DISCONNECT_CONFIRM)
    }

    /// Whether it opens a connection (as against ending one).
    #[must_use]
    pub const fn opens(&self) -> bool {
        matches!(self.kind, CONNECTION_REQUEST | CONNECTION_CONFIRM)
    }

    /// The unit's name in X.224.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.kind {
            CONNECTION_REQUEST => "transport connection request",
            CONNECTION_CONFIRM => "transport connection confirm",
            DISCONNECT_REQUEST => "transport disconnect request",
            DISCONNECT_CONFIRM => "transport disconnect confirm",
            _ => "transport error",
        }
    }
}
