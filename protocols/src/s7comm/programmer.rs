//! Programmer commands that show and modify variables ("test and installation" functions 02 and 08).
//!
//! ```text
//!  | parameter size (2) | data size (2) | parameters ... | items (2) | addresses ... | records ... |
//!  address: | area and width | repetitions | DB (2) | first octet, or number (2) |
//! ```

use super::{
    data::Records,
    item::{AREA_COUNTER, AREA_DB, AREA_TIMER, Address},
    userdata::{Method, Userdata},
};
use crate::cursor::Cursor;

const SHOW: u8 = 0x02;
const MODIFY: u8 = 0x08;
const ADDRESS_OCTETS: usize = 6;

/// What such a message carries, as far as it is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Programmer<'a> {
    addresses: &'a [u8],
    /// Values shown, or to be written.
    pub(super) records: Option<Records<'a>>,
    /// Return codes of what was to be written.
    pub(super) codes: &'a [u8],
}

impl<'a> Programmer<'a> {
    /// Reads the data of a userdata message; none for other functions and for fragments.
    pub(super) fn read(userdata: &Userdata<'a>) -> Option<Self> {
        let octets = userdata.whole().filter(|_| userdata.group == super::classify::GROUP_PROGRAMMER)?;
        let mut cursor = Cursor::new(octets);
        let parameters = cursor.u16()?;
        let _data_size = cursor.u16()?;
        cursor.take(parameters.into())?;
        let count = cursor.u16()?;
        let method = userdata.method();
        match (userdata.subfunction, method) {
            (SHOW | MODIFY, Method::Request) => {
                let addresses = cursor.take_up_to(usize::from(count) * ADDRESS_OCTETS);
                let records = (userdata.subfunction == MODIFY).then(|| Records::new(cursor.rest(), count));
                Some(Self { addresses, records, codes: &[] })
            }
            (SHOW, Method::Push) => {
                Some(Self { records: Some(Records::new(cursor.rest(), count)), ..Self::default() })
            }
            (MODIFY, Method::Push) => {
                Some(Self { codes: cursor.take_up_to(count.into()), ..Self::default() })
            }
            _ => None,
        }
    }

    /// The addresses; none for an area or width that is not known.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Option<Address>> + use<'a> {
        self.addresses.chunks_exact(ADDRESS_OCTETS).map(address)
    }
}

fn address(octets: &[u8]) -> Option<Address> {
    let mut cursor = Cursor::new(octets);
    let area_and_width = cursor.u8()?;
    let count = u16::from(cursor.u8()?);
    let db = cursor.u16()?;
    let first = u32::from(cursor.u16()?);
    let transport = match area_and_width & 0x0f {
        1 => 2,
        2 | 4 => 4,
        3 => 6,
        // Single bits: where the bit number stands has not been seen.
        _ => return None,
    };
    let area = match area_and_width >> 4 {
        0 => 0x83,
        1 => 0x81,
        2 => 0x82,
        3 => 0x80,
        5 => AREA_TIMER,
        6 => AREA_COUNTER,
        7 => AREA_DB,
        _ => return None,
    };
    let start = if matches!(area, AREA_TIMER | AREA_COUNTER) { first } else { first * 8 };
    Some(Address { transport, count, db, area, start })
}
