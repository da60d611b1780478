//! Tags of Logix controllers: services and data types (Rockwell 1756-PM020, "Logix 5000 Controllers Data Access").

use fieldwarden_model::{Values, operation::Encoding};

use super::packet::{Packet, service};
use crate::cursor::Cursor;

/// The type code in front of a structure; its handle follows.
const STRUCTURE: u16 = 0x02a0;

/// A data type, with the handle of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DataType {
    /// Type code (CIP Vol. 1, Appendix C-6).
    pub(super) code: u16,
    /// Structure handle, by which a client knows the template.
    pub(super) handle: Option<u16>,
}

impl DataType {
    fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let code = cursor.u16_le()?;
        let handle = if code == STRUCTURE { Some(cursor.u16_le()?) } else { None };
        Some(Self { code, handle })
    }

    /// How its values are cut; nothing for structures and strings.
    pub(super) const fn encoding(self) -> Option<Encoding> {
        Some(match self.code & 0xff {
            _ if self.code > 0xff => return None,
            0xc1 => Encoding::OctetBit,
            0xc2 => Encoding::Signed8,
            0xc3 => Encoding::Signed16Little,
            0xc4 => Encoding::Signed32Little,
            0xc5 => Encoding::Signed64Little,
            0xc6 | 0xd1 => Encoding::Unsigned8,
            0xc7 | 0xd2 => Encoding::Unsigned16Little,
            0xc8 | 0xd3 => Encoding::Unsigned32Little,
            0xc9 | 0xd4 => Encoding::Unsigned64Little,
            0xca => Encoding::Float32Little,
            0xcb => Encoding::Float64Little,
            _ => return None,
        })
    }

    /// Its name in IEC 61131-3.
    pub(super) const fn name(self) -> &'static str {
        match self.code {
            0xc1 => "BOOL",
            0xc2 => "SINT",
            0xc3 => "INT",
            0xc4 => "DINT",
            0xc5 => "LINT",
            0xc6 => "USINT",
            0xc7 => "UINT",
            0xc8 => "UDINT",
            0xc9 => "ULINT",
            0xca => "REAL",
            0xcb => "LREAL",
            0xd0 => "STRING",
            0xd1 => "BYTE",
            0xd2 => "WORD",
            0xd3 => "DWORD",
            0xd4 => "LWORD",
            STRUCTURE => "structure",
            _ => "other",
        }
    }
}

/// What a tag service carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Elements asked for or written.
    pub(super) elements: Option<u16>,
    /// Octet at which a fragment begins.
    pub(super) offset: Option<u32>,
    /// Type of the data.
    pub(super) data_type: Option<DataType>,
    /// The data.
    pub(super) data: Option<&'a [u8]>,
}

impl<'a> Tag<'a> {
    /// Reads a message of the four tag services; `None` where it is too short.
    pub(super) fn read(packet: &Packet<'a>) -> Option<Self> {
        let mut cursor = Cursor::new(packet.data);
        let fragment = matches!(packet.service, service::READ_FRAGMENT | service::WRITE_FRAGMENT);
        let writes = matches!(packet.service, service::WRITE_TAG | service::WRITE_FRAGMENT);
        let mut tag = Self { elements: None, offset: None, data_type: None, data: None };
        match (packet.response, writes) {
            (false, _) => {
                if writes {
                    tag.data_type = Some(DataType::read(&mut cursor)?);
                }
                tag.elements = Some(cursor.u16_le()?);
                if fragment {
                    tag.offset = Some(cursor.u32_le()?);
                }
                if writes {
                    tag.data = Some(cursor.rest());
                }
            }
            (true, false) if packet.status == 0 || packet.status == PARTIAL => {
                tag.data_type = Some(DataType::read(&mut cursor)?);
                tag.data = Some(cursor.rest());
            }
            (true, _) => {}
        }
        Some(tag)
    }

    /// Its values.
    pub(super) fn values(&self) -> Option<Values<'a>> {
        let bytes = self.data?;
        let encoding = self.data_type?.encoding()?;
        let present = u32::try_from(bytes.len() / encoding.width()?).ok()?;
        let count = self.elements.map_or(present, |elements| present.min(u32::from(elements)));
        Some(Values { bytes, encoding, count, stride: 1 })
    }
}

/// General status: there is more, ask for the next fragment (CIP Vol. 1, Appendix B).
pub(super) const PARTIAL: u8 = 0x06;

/// Whether a service is one of the four that read and write tags.
pub(super) const fn is_tag_service(service: u8) -> bool {
    matches!(
        service,
        service::READ_TAG | service::WRITE_TAG | service::READ_FRAGMENT | service::WRITE_FRAGMENT
    )
}

/// One instance of the symbol class, as browsing lists it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Symbol<'a> {
    /// Its instance.
    pub(super) instance: u32,
    /// Its name.
    pub(super) name: Option<&'a [u8]>,
    /// Its type: the lower 12 bits name a template where bit 15 is set.
    pub(super) symbol_type: Option<u16>,
}

/// Walks the symbols that an answer to "get instance attribute list" lists, in the order of attributes that the request
/// gives (1756-PM020, "Creating and maintaining a list of controller tags"); ends at an attribute whose length is not known.
pub(super) fn symbols<'a>(asked: &[u8], data: &'a [u8]) -> impl Iterator<Item = Symbol<'a>> {
    let mut ids = Cursor::new(asked);
    let count = ids.u16_le().unwrap_or(0);
    let ids = ids.rest().get(..usize::from(count) * 2).unwrap_or_default();
    let mut cursor = Cursor::new(data);
    core::iter::from_fn(move || symbol(ids, &mut cursor))
}

fn symbol<'a>(ids: &[u8], cursor: &mut Cursor<'a>) -> Option<Symbol<'a>> {
    let mut symbol = Symbol { instance: cursor.u32_le()?, ..Symbol::default() };
    let mut ids = Cursor::new(ids);
    while let Some(id) = ids.u16_le() {
        match id {
            1 => {
                let length = usize::from(cursor.u16_le()?);
                symbol.name = Some(cursor.take(length)?);
            }
            2 => symbol.symbol_type = Some(cursor.u16_le()?),
            3 | 5 | 6 => cursor.skip(4)?,
            7 => cursor.skip(2)?,
            8 => cursor.skip(12)?,
            10 => cursor.skip(1)?,
            _ => return None,
        }
    }
    Some(symbol)
}
