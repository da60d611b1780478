//! Userdata: the functions of programming devices and operator stations, and what a controller pushes.
//!
//! ```text
//!  parameters | 00 01 12 | length | method | type, group | subfunction | sequence | [unit | last | error (2)] |
//!  data       | return code | transport size | length (2) | octets ... |
//!  a mode report has no data: parameters | 01 00 | 4 octets | mode | 00 |
//! ```

use super::{
    classify,
    control::{block_kind, decimal},
    item::Items,
    pending::Object,
};
use crate::cursor::Cursor;

/// First octet of the parameters of a mode report.
const MODE_REPORT: u8 = 1;

/// What a userdata message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Told unasked.
    Push,
    /// Asks.
    Request,
    /// Answers.
    Response,
    /// Not assigned.
    Unknown,
}

/// The parameters of a userdata message, and the head of its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Userdata<'a> {
    /// The high half of octet 5: push, request or response.
    pub(super) kind: u8,
    /// The low half of octet 5.
    pub(super) group: u8,
    /// The function within the group.
    pub(super) subfunction: u8,
    /// The mode, where this reports one.
    pub(super) mode: Option<u8>,
    /// Sequence number; names the job of cyclic data.
    pub(super) sequence: Option<u8>,
    /// Fragments of one answer share this; 0 where it is whole.
    pub(super) unit_reference: Option<u8>,
    /// 0 in the last fragment.
    pub(super) more: Option<u8>,
    /// Error code of an answer.
    pub(super) error: Option<u16>,
    /// What the data part carries.
    pub(super) payload: Option<Payload<'a>>,
}

/// The data part of a userdata message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payload<'a> {
    /// Return code.
    pub(super) return_code: u8,
    /// Transport size.
    pub(super) transport: u8,
    /// Length told.
    pub(super) told: u16,
    /// The octets, as far as they are there.
    pub(super) octets: &'a [u8],
}

impl<'a> Userdata<'a> {
    /// Reads both parts. None where the parameters are too short to tell the function.
    pub(super) fn read(parameters: &'a [u8], data: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(parameters);
        let service = cursor.u8()?;
        cursor.take(4)?;
        let kind_and_group = cursor.u8()?;
        let subfunction = cursor.u8()?;
        let sequence = cursor.u8();
        let unit_reference = cursor.u8();
        let more = cursor.u8();
        let error = cursor.u16();
        Some(Self {
            kind: kind_and_group >> 4,
            group: kind_and_group & 0x0f,
            subfunction,
            mode: (service == MODE_REPORT && kind_and_group == 0).then_some(subfunction),
            sequence,
            unit_reference,
            more,
            error,
            payload: Payload::read(data),
        })
    }

    /// Whether it asks, answers or tells. The upper types are those of numerical controllers.
    pub(super) const fn method(&self) -> Method {
        match self.kind {
            0x0 | 0x3 => Method::Push,
            0x4 | 0x7 => Method::Request,
            0x8 | 0xb => Method::Response,
            _ => Method::Unknown,
        }
    }

    /// Whether this is a part of a longer answer.
    pub(super) fn fragment(&self) -> bool {
        self.unit_reference.unwrap_or(0) != 0 || self.more.unwrap_or(0) != 0
    }

    /// The whole octets of the data part, where they are not a fragment.
    pub(super) fn whole(&self) -> Option<&'a [u8]> {
        self.payload.map(|payload| payload.octets).filter(|_| !self.fragment())
    }

    /// The items a cyclic request subscribes to.
    pub(super) fn subscribed(&self) -> Option<(u8, Items<'a>)> {
        let octets = self.whole().filter(|_| self.method() == Method::Request && self.lists_items())?;
        let (&[_, count, _, _], items) = octets.split_first_chunk()?;
        Some((count, Items::new(items, count)))
    }

    /// The records that a cyclic answer or push carries: how many, and their octets.
    pub(super) fn records(&self) -> Option<(u8, &'a [u8])> {
        let answered = matches!(self.method(), Method::Push | Method::Response);
        let octets = self.whole().filter(|_| answered && self.lists_items())?;
        let (&[_, count], records) = octets.split_first_chunk()?;
        Some((count, records))
    }

    /// The system status list or the block that a request names.
    pub(super) fn object(&self) -> Option<Object> {
        let mut cursor = Cursor::new(self.whole().filter(|_| self.method() == Method::Request)?);
        match (self.group, self.subfunction) {
            (classify::GROUP_CPU, 1) => Some(Object::Status(cursor.u16()?, cursor.u16()?)),
            (classify::GROUP_BLOCK, 2 | 3) => {
                let kind = block_kind(cursor.take(2)?.try_into().ok()?)?;
                Some(Object::Block(kind, cursor.take(5).and_then(decimal)))
            }
            _ => None,
        }
    }

    const fn lists_items(&self) -> bool {
        self.group == classify::GROUP_CYCLIC && matches!(self.subfunction, 1 | 5 | 7)
    }
}

impl<'a> Payload<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(data);
        let return_code = cursor.u8()?;
        let transport = cursor.u8()?;
        let told = cursor.u16()?;
        Some(Self { return_code, transport, told, octets: cursor.take_up_to(told.into()) })
    }
}
