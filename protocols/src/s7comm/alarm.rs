//! Messages of the CPU functions: alarms with their associated values, acknowledgements, queries.
//!
//! ```text
//!  push    | time (8) | function | objects | { 12 | length | syntax | values | event (4) | states ... | records } ... |
//!  answer  | function | objects | return code ... |
//!  queried | function | objects | return code | transport size | length (2) | alarms ... |
//!  alarm   | length | 2 octets | type | event (4) | 1 octet | states (3) | [time (8) | record] twice |
//! ```

use super::{
    data::{RETURN_DONE, Record, Records},
    userdata::{Method, Userdata},
};
use crate::cursor::Cursor;

const SCAN: u8 = 0x09;
const QUERY: u8 = 0x13;
const SYNTAX_ALARM: u8 = 0x16;
const SYNTAX_NOTIFY: u8 = 0x1c;
const TIMESTAMP: usize = 8;
/// Alarms of this type carry two times and two records in a query's answer.
const TYPE_ALARM_S: u8 = 4;

/// A part of an alarm message, in the order of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Number of the message that comes, goes or is acknowledged.
    Event(u32),
    /// Return code for one object.
    Code(u8),
    /// An associated value.
    Value(Record<'a>),
}

/// Walks the parts of an alarm message; ends where the octets do.
pub(super) fn walk(userdata: &Userdata<'_>, each: &mut dyn FnMut(Part<'_>)) {
    let Some(octets) = userdata.whole().filter(|_| userdata.group == super::classify::GROUP_CPU) else {
        return;
    };
    let mut cursor = Cursor::new(octets);
    // Every read tells by none that the octets have ended; nothing is left to do then.
    let _ = match (userdata.subfunction, userdata.method()) {
        (QUERY, Method::Response) => answer_to_query(&mut cursor, each),
        (0x05..=0x0e | 0x11 | 0x12 | 0x16, Method::Response) => answer(&mut cursor, each),
        (SCAN, _) => {
            cursor.take(TIMESTAMP + 4);
            objects(&mut cursor, each)
        }
        (0x05 | 0x06 | 0x0c | 0x11 | 0x12 | 0x16, _) => {
            cursor.take(TIMESTAMP);
            objects(&mut cursor, each)
        }
        (0x07 | 0x08 | 0x0b | 0x0d | 0x0e, _) => objects(&mut cursor, each),
        _ => None,
    };
}

fn objects(cursor: &mut Cursor<'_>, each: &mut dyn FnMut(Part<'_>)) -> Option<()> {
    let _function = cursor.u8()?;
    for _ in 0..cursor.u8()? {
        let _specification = cursor.u8()?;
        let length = cursor.u8()?;
        let mut object = Cursor::new(cursor.take(length.into())?);
        let syntax = object.u8()?;
        let values = object.u8()?;
        each(Part::Event(object.u32()?));
        if matches!(syntax, SYNTAX_ALARM | SYNTAX_NOTIFY) {
            records(cursor, values, each);
        }
    }
    Some(())
}

fn answer(cursor: &mut Cursor<'_>, each: &mut dyn FnMut(Part<'_>)) -> Option<()> {
    let _function = cursor.u8()?;
    let objects = cursor.u8()?;
    cursor.take_up_to(objects.into()).iter().for_each(|code| each(Part::Code(*code)));
    Some(())
}

fn answer_to_query(cursor: &mut Cursor<'_>, each: &mut dyn FnMut(Part<'_>)) -> Option<()> {
    cursor.take(2)?;
    let code = cursor.u8()?;
    each(Part::Code(code));
    let _transport = cursor.u8()?;
    let length = cursor.u16()?;
    if code != RETURN_DONE {
        return Some(());
    }
    // Length ffff: the list ends with a zero octet instead.
    let mut list = if length == u16::MAX { *cursor } else { Cursor::new(cursor.take_up_to(length.into())) };
    while list.rest().first().is_some_and(|dataset| *dataset > 0) {
        list.take(3)?;
        let kind = list.u8()?;
        each(Part::Event(list.u32()?));
        list.take(4)?;
        if kind == TYPE_ALARM_S {
            for _ in 0..2 {
                list.take(TIMESTAMP)?;
                records(&mut list, 1, each);
            }
        }
    }
    Some(())
}

fn records(cursor: &mut Cursor<'_>, count: u8, each: &mut dyn FnMut(Part<'_>)) {
    let mut records = Records::new(cursor.rest(), count.into());
    records.by_ref().for_each(|record| each(Part::Value(record)));
    cursor.take(cursor.remaining() - records.remaining());
}
