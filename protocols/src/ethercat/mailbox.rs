//! Mail between master and slave: ETG.1000.6 clause 5. It lies in the slave's memory behind the registers.
//!
//! ```text
//! | length:16 | station:16 | channel:6 priority:2 | type:4 counter:3 0:1 |  CoE: number:9 0:3 service:4, command, index, sub-index
//! ```

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Verb};

use super::{datagram::Unit, notation::area};
use crate::{
    cursor::Cursor,
    message::{FieldValue, FieldVisitor},
};

/// The first octet of a slave's memory behind its registers (ETG.1000.4 clause 6.1).
const FIRST_OF_MEMORY: u16 = 0x1000;

/// Types of mail.
const COE: u8 = 3;
const FOE: u8 = 4;
const SOE: u8 = 5;
/// Services of CoE that carry an object's address.
const SDO_REQUEST: u8 = 2;
const SDO_RESPONSE: u8 = 3;

/// One mail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mail<'a> {
    of: u8,
    /// CoE: the service.
    service: u8,
    /// What follows the header, or in CoE its header too.
    content: &'a [u8],
}

impl<'a> Mail<'a> {
    /// The mail in a datagram, where what lies there can be none but one: its length fits, its reserved bits are 0, its type and
    /// service are known.
    pub(super) fn of(unit: &Unit<'a>) -> Option<Self> {
        if unit.is_logical() || unit.offset < FIRST_OF_MEMORY {
            return None;
        }
        let mut cursor = Cursor::new(unit.data);
        let (length, _station, _channel, of) =
            (cursor.u16_le()?, cursor.u16_le()?, cursor.u8()?, cursor.u8()?);
        let content = cursor.take(usize::from(length))?;
        let mut inside = Cursor::new(content);
        let (of, reserved) = (of & 0x0f, of & 0x80);
        if reserved != 0 || cursor.rest().iter().any(|octet| *octet != 0) && length < 2 {
            return None;
        }
        match of {
            COE => {
                let head = inside.u16_le()?;
                let [high, _] = head.to_be_bytes();
                let service = high >> 4;
                (head & 0x0e00 == 0 && (1..=8).contains(&service)).then_some(Self {
                    of,
                    service,
                    content: inside.rest(),
                })
            }
            FOE => {
                (length >= 6 && matches!(content, [1..=6, 0, ..])).then_some(Self { of, service: 0, content })
            }
            SOE => (length >= 4 && matches!(content, [first, ..] if (1..=6).contains(&(first & 7))))
                .then_some(Self { of, service: 0, content }),
            _ => None,
        }
    }

    /// Command, index and sub-index of an SDO.
    fn object(&self) -> Option<(u8, u16, u8)> {
        let mut cursor = Cursor::new(self.content);
        (self.of == COE && matches!(self.service, SDO_REQUEST | SDO_RESPONSE))
            .then(|| Some((cursor.u8()?, cursor.u16_le()?, cursor.u8()?)))
            .flatten()
    }
}

/// Tells what a mail is.
pub(super) fn fields(mail: &Mail<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.item("mailbox_type", FieldValue::Unsigned(u64::from(mail.of)));
    match mail.of {
        COE => {
            visitor.item("coe_service", FieldValue::Unsigned(u64::from(mail.service)));
            if let Some((command, index, sub)) = mail.object() {
                visitor.item("sdo_command", FieldValue::Unsigned(u64::from(command >> 5)));
                visitor.item("sdo_index", FieldValue::Unsigned(u64::from(index)));
                visitor.item("sdo_subindex", FieldValue::Unsigned(u64::from(sub)));
            }
        }
        FOE => {
            let code = mail.content.first().copied().unwrap_or(0);
            visitor.item("foe_opcode", FieldValue::Unsigned(u64::from(code)));
            if let (1 | 2, Some(name)) = (code, mail.content.get(6..)) {
                visitor.item(
                    "foe_file",
                    core::str::from_utf8(name).map_or(FieldValue::Bytes(name), FieldValue::Text),
                );
            }
        }
        _ => {
            let code = mail.content.first().map_or(0, |octet| octet & 7);
            visitor.item("soe_opcode", FieldValue::Unsigned(u64::from(code)));
            let mut cursor = Cursor::new(mail.content);
            if let (Some(_), Some(number)) = (cursor.u16(), cursor.u16_le()) {
                visitor.item("soe_idn", FieldValue::Unsigned(u64::from(number)));
            }
        }
    }
}

/// What a mail asks or answers. The type of mail stands in the lower half of the function, the service or operation code above.
pub(super) fn operation<'a>(mail: &Mail<'a>, slave: u16) -> Operation<'a> {
    let first = mail.content.first().copied().unwrap_or(0);
    let (code, verb, name, outcome) = match (mail.of, first) {
        (COE, _) => {
            let (verb, name) = match (mail.service, mail.object()) {
                (SDO_REQUEST, Some((command, ..))) if command >> 5 <= 1 => (Verb::Write, "SDO download"),
                (SDO_REQUEST | SDO_RESPONSE, Some((command, ..))) if command >> 5 == 4 => {
                    (Verb::Read, "SDO abort")
                }
                (SDO_REQUEST, _) => (Verb::Read, "SDO upload"),
                (SDO_RESPONSE, Some((command, ..))) if matches!(command >> 5, 1 | 3) => {
                    (Verb::Write, "SDO download")
                }
                (SDO_RESPONSE, _) => (Verb::Read, "SDO upload"),
                (1, _) => (Verb::Diagnose, "emergency"),
                (8, _) => (Verb::Discover, "SDO information"),
                _ => (Verb::Read, "PDO"),
            };
            let answers = mail.service == SDO_RESPONSE;
            (mail.service, verb, name, if answers { Outcome::Done } else { Outcome::Asked })
        }
        (FOE, 1) => (first, Verb::Transfer, "file read", Outcome::Asked),
        (FOE, 2) => (first, Verb::Transfer, "file write", Outcome::Asked),
        (FOE, 5) => (first, Verb::Transfer, "file error", Outcome::Refused(0)),
        (FOE, _) => (first, Verb::Transfer, "file data", Outcome::Reported),
        (_, _) => match first & 7 {
            1 => (1, Verb::Read, "IDN read", Outcome::Asked),
            2 => (2, Verb::Read, "IDN read", Outcome::Done),
            3 => (3, Verb::Write, "IDN write", Outcome::Asked),
            4 => (4, Verb::Write, "IDN write", Outcome::Done),
            code => (code, Verb::Diagnose, "notification", Outcome::Reported),
        },
    };
    let points = mail.object().map(|(_, index, sub)| {
        let point = u64::from(index) << 8 | u64::from(sub);
        PointRange { space: Space { area: area::OBJECT, block: u32::from(slave) }, first: point, last: point }
    });
    let function = u32::from(code) << 16 | 0x100 | u32::from(mail.of);
    Operation { verb, function, name, unit: Some(slave), points, values: None, outcome }
}
