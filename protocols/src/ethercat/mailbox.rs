//! Mail between master and slave: ETG.1000.6 clause 5. It lies in the slave's memory behind the registers.
//!
//! ```text
//! | length:16 | station:16 | channel:6 priority:2 | type:4 counter:3 0:1 |  CoE: number:9 0:3 service:4, command, index, sub-index
//! ```

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Verb};

use super::{body::values, datagram::Unit, notation::area};
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
/// Bits of the octet that begins a download or answers an upload: the value stands in the command; how long it is is said.
const EXPEDITED: u8 = 2;
const SIZED: u8 = 1;

/// An SDO that names an object: what begins a download or an upload, answers that, or aborts it (ETG.1000.6 clause 5.6.2). The
/// segments of a long one name none.
#[derive(Clone, Copy, Debug)]
struct Object<'a> {
    /// The command specifier: 1 and 2 ask for a download and an upload, 3 and 2 answer them, 4 aborts.
    command: u8,
    index: u16,
    sub: u8,
    /// What is downloaded, or was uploaded; of a long one the front.
    data: &'a [u8],
    /// Octets in all where they do not stand in the command.
    size: Option<u32>,
    /// Why it was aborted.
    abort: Option<u32>,
}

impl<'a> Object<'a> {
    fn read(response: bool, content: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(content);
        let (first, index, sub) = (cursor.u8()?, cursor.u16_le()?, cursor.u8()?);
        let command = first >> 5;
        let mut object = Self { command, index, sub, data: &[], size: None, abort: None };
        let carries = match (command, response) {
            (1, false) | (2, true) => true,
            (2, false) | (3, true) => false,
            (4, _) => {
                object.abort = cursor.u32_le();
                false
            }
            _ => return None,
        };
        if carries && first & EXPEDITED != 0 {
            // Bits 2 and 3 say how many of the four octets are none of the value, where bit 0 says that they do.
            let unused = if first & SIZED == 0 { 0 } else { usize::from(first >> 2 & 3) };
            object.data = cursor.take_up_to(4 - unused);
        } else if carries {
            object.size = cursor.u32_le();
            object.data = cursor.rest();
        }
        Some(object)
    }

    /// The value where a number can be one.
    fn number(&self) -> Option<u64> {
        let mut cursor = Cursor::new(self.data);
        match self.data.len() {
            1 => cursor.u8().map(u64::from),
            2 => cursor.u16_le().map(u64::from),
            4 => cursor.u32_le().map(u64::from),
            8 => cursor.u64_le(),
            _ => None,
        }
    }

    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.item("sdo_command", FieldValue::Unsigned(u64::from(self.command)));
        visitor.item("sdo_index", FieldValue::Unsigned(u64::from(self.index)));
        visitor.item("sdo_subindex", FieldValue::Unsigned(u64::from(self.sub)));
        if let Some(size) = self.size {
            visitor.item("sdo_size", FieldValue::Unsigned(u64::from(size)));
        }
        if let Some(code) = self.abort {
            visitor.item("sdo_abort_code", FieldValue::Unsigned(u64::from(code)));
        }
        match self.number() {
            Some(number) => visitor.item("sdo_value", FieldValue::Unsigned(number)),
            None if !self.data.is_empty() => visitor.item("sdo_data", FieldValue::Bytes(self.data)),
            None => {}
        }
    }
}

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

    /// The object that an SDO names.
    fn object(&self) -> Option<Object<'a>> {
        let is_sdo = self.of == COE && matches!(self.service, SDO_REQUEST | SDO_RESPONSE);
        if is_sdo { Object::read(self.service == SDO_RESPONSE, self.content) } else { None }
    }

    /// The command specifier of an SDO, segments included.
    fn specifier(&self) -> u8 {
        self.content.first().map_or(0, |first| first >> 5)
    }
}

/// Tells what a mail is.
pub(super) fn fields(mail: &Mail<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.item("mailbox_type", FieldValue::Unsigned(u64::from(mail.of)));
    match mail.of {
        COE => {
            visitor.item("coe_service", FieldValue::Unsigned(u64::from(mail.service)));
            match mail.object() {
                Some(object) => object.fields(visitor),
                None if matches!(mail.service, SDO_REQUEST | SDO_RESPONSE) => {
                    visitor.item("sdo_command", FieldValue::Unsigned(u64::from(mail.specifier())));
                }
                None => {}
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
            let (verb, name) = coe(mail);
            let outcome = match mail.object().and_then(|object| object.abort) {
                Some(code) => Outcome::Refused(code),
                None if mail.service == SDO_RESPONSE => Outcome::Done,
                None => Outcome::Asked,
            };
            (mail.service, verb, name, outcome)
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
    let object = mail.object();
    let points = object.map(|object| {
        let point = u64::from(object.index) << 8 | u64::from(object.sub);
        PointRange { space: Space { area: area::OBJECT, block: u32::from(slave) }, first: point, last: point }
    });
    let function = u32::from(code) << 16 | 0x100 | u32::from(mail.of);
    let values = object.and_then(|object| values(object.data));
    Operation { verb, function, name, unit: Some(slave), points, values, outcome }
}

/// What a mail of CoE does.
fn coe(mail: &Mail<'_>) -> (Verb, &'static str) {
    match (mail.service, mail.specifier()) {
        (SDO_REQUEST | SDO_RESPONSE, 4) => (Verb::Read, "SDO abort"),
        (SDO_REQUEST, 0 | 1) | (SDO_RESPONSE, 1 | 3) => (Verb::Write, "SDO download"),
        (SDO_REQUEST | SDO_RESPONSE, _) => (Verb::Read, "SDO upload"),
        (1, _) => (Verb::Diagnose, "emergency"),
        (8, _) => (Verb::Discover, "SDO information"),
        _ => (Verb::Read, "PDO"),
    }
}
