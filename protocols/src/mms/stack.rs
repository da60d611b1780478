//! The layers between transport and MMS: what of them matters is who associates with whom, for what, and what ends it.

use crate::{
    ber::{self, Class, Element},
    cursor::Cursor,
};

/// Give tokens and data transfer (X.225 §8.3.12): nothing but their types and empty lengths.
const DATA_TRANSFER: [u8; 4] = [1, 0, 1, 0];
/// PGI of user data, and of user data of more than 512 octets (X.225 §8.3.1).
const USER_DATA: u8 = 193;
const EXTENDED_USER_DATA: u8 = 194;
/// Session units that open, answer, refuse, end or abort (X.225 §8.3): CN, AC, RF, FN, DN, NF, AB, AA.
const SPDUS: [u8; 8] = [13, 14, 12, 9, 10, 8, 25, 26];
/// Lengths of up to this many octets are one octet.
const LONG: u8 = 0xff;
/// {iso standard 9506 part(2) mms-abstract-syntax-version1(1)} as in a context definition (ISO 9506-2 §24).
const MMS_SYNTAX: [u8; 5] = [0x28, 0xca, 0x22, 0x02, 0x01];
/// Alternatives of MMSpdu (ISO 9506-2 §7.1).
pub(super) const MMS_PDUS: u32 = 14;

/// A service data unit with its layers taken off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unit<'a> {
    /// The session unit that is not data transfer.
    pub(super) session: Option<u8>,
    /// The ACSE unit, by its application tag (X.227 §9.1).
    pub(super) acse: Option<u32>,
    /// Whether the association is for something else than MMS.
    pub(super) foreign: bool,
    /// The content of the ACSE unit.
    pub(super) association: &'a [u8],
    /// Presentation context of what is carried.
    pub(super) context: Option<i64>,
    /// The MMSpdu, as far as it is there.
    pub(super) mms: Option<&'a [u8]>,
    /// Whether the layers were read to their end.
    pub(super) whole: bool,
}

/// Whether a service data unit begins like one of this stack.
pub(super) fn begins(unit: &[u8]) -> bool {
    match unit {
        [1, 0, 1, 0, rest @ ..] => matches!(rest, [] | [0x61 | 0x30, ..]),
        [kind, length, ..] if SPDUS.contains(kind) => {
            *length == LONG || usize::from(*length) + 2 >= unit.len()
        }
        _ => is_bare(unit),
    }
}

/// Whether a service data unit is one of this stack and no chance made it: data transfer with presentation user data, or a
/// connection that names the abstract syntax of MMS.
pub(super) fn is_telling(unit: &[u8]) -> bool {
    match unit {
        [1, 0, 1, 0, 0x61, ..] => true,
        [13 | 14, ..] => {
            let read = read(unit);
            read.acse.is_some() && !read.foreign
        }
        _ => is_bare(unit) && super::pdu::is_whole(unit),
    }
}

/// Whether a service data unit is one of this stack and hardly the rest of a longer one: it tells, or its session unit ends where it
/// does.
pub(super) fn is_sure(unit: &[u8]) -> bool {
    let mut cursor = Cursor::new(unit);
    let ends = cursor.u8().is_some_and(|kind| SPDUS.contains(&kind))
        && session_length(&mut cursor) == Some(cursor.remaining());
    let mut bare = Cursor::new(unit);
    let is_one = is_bare(unit) && ber::element(&mut bare).is_some() && bare.is_empty();
    ends || is_one || matches!(unit, [1, 0, 1, 0, 0x61 | 0x30, ..] | [13 | 14, LONG, ..]) || is_telling(unit)
}

/// Whether an MMSpdu stands right above the transport.
fn is_bare(unit: &[u8]) -> bool {
    let mut cursor = Cursor::new(unit);
    let Some((tag, ber::Length::Definite(length))) = ber::header(&mut cursor) else { return false };
    let fits = matches!(
        (tag.number, tag.constructed),
        (0 | 1 | 2 | 3 | 4 | 7 | 8 | 9 | 10 | 13, true) | (5 | 6 | 11 | 12, false)
    );
    tag.class == Class::Context && fits && length >= cursor.remaining()
}

/// Takes the layers off.
pub(super) fn read(unit: &[u8]) -> Unit<'_> {
    if is_bare(unit) {
        return Unit { mms: Some(unit), whole: true, ..Unit::default() };
    }
    if let Some(user) = unit.strip_prefix(&DATA_TRANSFER) {
        let mut read = Unit { whole: user.is_empty(), ..Unit::default() };
        presentation(user, &mut read);
        return read;
    }
    let mut cursor = Cursor::new(unit);
    let mut read = Unit { session: cursor.u8(), ..Unit::default() };
    let length = session_length(&mut cursor).unwrap_or(0);
    read.whole = length <= cursor.remaining();
    let mut parameters = Cursor::new(cursor.take_up_to(length));
    while let (Some(code), Some(length)) = (parameters.u8(), session_length(&mut parameters)) {
        let value = parameters.take_up_to(length);
        if matches!(code, USER_DATA | EXTENDED_USER_DATA) {
            presentation(value, &mut read);
        }
    }
    read
}

fn session_length(cursor: &mut Cursor<'_>) -> Option<usize> {
    match cursor.u8()? {
        LONG => cursor.u16().map(usize::from),
        short => Some(short.into()),
    }
}

/// CP and CPA are a SET with mode and parameters, everything else is user data (X.226 §8.2).
fn presentation<'a>(octets: &'a [u8], read: &mut Unit<'a>) {
    for element in ber::elements(octets) {
        if element.tag.is_application(1) {
            user_data(&element, read);
        } else if element.tag.class == Class::Universal && element.tag.number == 17 {
            let Some(parameters) = element.context(2) else { continue };
            for part in parameters.inside() {
                if part.tag.is_context(4) {
                    read.foreign = !part.content.windows(MMS_SYNTAX.len()).any(|part| part == MMS_SYNTAX);
                } else if part.tag.is_application(1) {
                    user_data(&part, read);
                }
            }
        } else if element.tag.is_context(0) {
            // Abort of the presentation (ARU, X.226 §8.2): its user data.
            element.inside().filter(|part| part.tag.is_application(1)).for_each(|p| user_data(&p, read));
        }
    }
}

/// Fully encoded data: PDV lists of context identifier and value (X.226 §8.4.2).
fn user_data<'a>(data: &Element<'a>, read: &mut Unit<'a>) {
    for list in data.inside() {
        for part in list.inside() {
            if part.tag.is_universal(ber::universal::INTEGER) {
                read.context = part.integer();
            } else if part.tag.is_context(0) || part.tag.is_context(1) {
                value(part.content, read);
            }
        }
    }
}

fn value<'a>(octets: &'a [u8], read: &mut Unit<'a>) {
    let Some((tag, _)) = ber::header(&mut Cursor::new(octets)) else { return };
    match tag.class {
        Class::Context if tag.number < MMS_PDUS => {
            read.mms = Some(octets);
            read.whole = true;
        }
        Class::Application => {
            read.acse = Some(tag.number);
            let Some(unit) = ber::element(&mut Cursor::new(octets)) else { return };
            read.association = unit.content;
            read.whole = true;
            // User information [30] is a list of EXTERNAL, each with the context and the value (X.227 §9.1).
            for external in unit.context(30).into_iter().flat_map(|information| information.inside()) {
                let single = external.context(0).or_else(|| external.context(1));
                if let Some(single) = single
                    && ber::header(&mut Cursor::new(single.content))
                        .is_some_and(|(tag, _)| tag.class == Class::Context && tag.number < MMS_PDUS)
                {
                    read.mms = Some(single.content);
                }
            }
        }
        _ => {}
    }
}
