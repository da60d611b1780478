//! What the standard forbids in a PDU: lengths, counts, quantities, ranges.

use crate::{anomaly::Anomaly, message::Direction};

use super::{
    MAX_ANOMALIES,
    frame::PDU_AT,
    function as f,
    object::{LAST_ADDRESS, Object},
    pdu::Content,
    pending::Asked,
    record::{self, Carried},
    shape::{self, Length},
};

/// The anomalies of one message.
pub(super) type Anomalies = heapless::Vec<Anomaly, MAX_ANOMALIES>;

/// Most coils or discrete inputs that one request reads (AP 6.1, 6.2).
const MAX_BITS_READ: u16 = 2_000;
/// Most registers that one request reads (AP 6.3, 6.4, 6.17).
const MAX_REGISTERS_READ: u16 = 125;
/// Most coils that one request writes (AP 6.11).
const MAX_BITS_WRITTEN: u16 = 1_968;
/// Most registers that one request writes (AP 6.12).
const MAX_REGISTERS_WRITTEN: u16 = 123;
/// Most registers that function 23 writes (AP 6.17).
const MAX_REGISTERS_EXCHANGED: u16 = 121;
/// Most registers in a FIFO queue (AP 6.18).
const MAX_FIFO: u16 = 31;
/// The last record of a file (AP 6.14).
const LAST_RECORD: u16 = 9_999;

/// Adds `anomaly`; beyond the cap it adds nothing to the verdict.
pub(super) fn note(anomalies: &mut Anomalies, anomaly: Anomaly) {
    let _ = anomalies.push(anomaly);
}

/// Everything wrong with a PDU, as far as it can be told from the PDU alone.
pub(super) fn pdu(direction: Direction, pdu: &[u8], content: &Content<'_>, out: &mut Anomalies) {
    let function = pdu.first().copied().unwrap_or(0);
    let illegal = function == 0 || direction == Direction::ToServer && function >= f::EXCEPTION_BIT;
    if illegal {
        note(out, malformed("illegal-function-code", 0, function, 127_u8));
    }
    length(direction, function, pdu, out);
    match *content {
        Content::Span { address, quantity } => span(function, address, quantity, 1, out),
        Content::Single { octets, .. } if function == f::WRITE_COIL => coil(octets, out),
        Content::Write { address, quantity, byte_count, .. } => {
            span(function, address, quantity, 1, out);
            agree(function, quantity, byte_count, 5, out);
        }
        Content::ReadWrite { read_address, read_quantity, address, quantity, byte_count, .. } => {
            span(f::READ_HOLDING_REGISTERS, read_address, read_quantity, 1, out);
            span(f::READ_WRITE, address, quantity, 5, out);
            agree(function, quantity, byte_count, 9, out);
        }
        Content::Values { byte_count: Some(count), .. } if is_register_read(function) && count % 2 == 1 => {
            note(out, malformed("odd-byte-count", 1, count, count - 1));
        }
        Content::Diagnostic { sub: Some(sub), .. } if !f::is_known_diagnostic(sub) => {
            note(out, Anomaly::unsupported("unknown-diagnostic", at(1), u64::from(sub)));
        }
        Content::Records { octets, carried, .. } => records(octets, carried, out),
        Content::Answers { octets, .. } => answers(octets, out),
        Content::Fifo { count: Some(count), octets, .. } => fifo(count, octets, out),
        Content::Identify { code: Some(code), .. } if !(1..=4).contains(&code) => {
            note(out, malformed("illegal-identification-code", 2, code, 4_u8));
        }
        _ => {}
    }
}

/// The octets that so many values of a function take.
pub(super) const fn octets_for(function: u8, quantity: u16) -> usize {
    match function {
        f::READ_COILS | f::READ_DISCRETE_INPUTS | f::WRITE_COILS => (quantity as usize).div_ceil(8),
        _ => quantity as usize * 2,
    }
}

fn at(pdu_offset: u32) -> u32 {
    PDU_AT + pdu_offset
}

fn malformed(code: &'static str, pdu_offset: u32, got: impl Into<u64>, expected: impl Into<u64>) -> Anomaly {
    Anomaly::malformed(code, at(pdu_offset), got.into(), expected.into())
}

fn is_register_read(function: u8) -> bool {
    matches!(function, f::READ_HOLDING_REGISTERS | f::READ_INPUT_REGISTERS | f::READ_WRITE)
}

fn length(direction: Direction, function: u8, pdu: &[u8], out: &mut Anomalies) {
    let (got, expected) = match shape::of(direction, pdu) {
        Length::Exactly(expected) if pdu.len() != expected => (pdu.len(), expected),
        Length::AtLeast(expected) | Length::Undecided(expected) if pdu.len() < expected => {
            (pdu.len(), expected)
        }
        _ => return,
    };
    let count = shape::byte_count_at(direction, function).and_then(|at| Some((at, *pdu.get(at)?)));
    note(
        out,
        match count {
            Some((position, count)) => {
                let present = (got - position).saturating_sub(1);
                malformed("byte-count-disagrees", number(position), count, u64::from(number(present)))
            }
            None if got < expected => malformed("pdu-too-short", number(got), number(got), number(expected)),
            None => malformed("pdu-too-long", number(expected), number(got), number(expected)),
        },
    );
}

fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn span(function: u8, address: Option<u16>, quantity: Option<u16>, pdu_offset: u32, out: &mut Anomalies) {
    let (Some(address), Some(quantity)) = (address, quantity) else { return };
    let most = match function {
        f::READ_COILS | f::READ_DISCRETE_INPUTS => MAX_BITS_READ,
        f::WRITE_COILS => MAX_BITS_WRITTEN,
        f::WRITE_REGISTERS => MAX_REGISTERS_WRITTEN,
        f::READ_WRITE => MAX_REGISTERS_EXCHANGED,
        _ => MAX_REGISTERS_READ,
    };
    if quantity == 0 || quantity > most {
        let expected = if quantity == 0 { 1 } else { most };
        note(out, malformed("illegal-quantity", pdu_offset + 2, quantity, expected));
    }
    let end = u64::from(address) + u64::from(quantity);
    if end > u64::from(LAST_ADDRESS) + 1 {
        note(out, malformed("address-past-end", pdu_offset, end - 1, LAST_ADDRESS));
    }
}

fn agree(function: u8, quantity: Option<u16>, byte_count: Option<u8>, pdu_offset: u32, out: &mut Anomalies) {
    let (Some(quantity), Some(count)) = (quantity, byte_count) else { return };
    let expected = octets_for(function, quantity);
    if usize::from(count) != expected {
        note(out, malformed("byte-count-against-quantity", pdu_offset, count, number(expected)));
    }
}

/// Only these two values exist (AP 6.5).
fn coil(octets: &[u8], out: &mut Anomalies) {
    if let &[high, low] = octets
        && coil_value(octets).is_none()
    {
        note(out, malformed("illegal-coil-value", 3, u16::from_be_bytes([high, low]), 0xff00_u16));
    }
}

/// The state that function 5 commands, if it is one.
pub(super) const fn coil_value(octets: &[u8]) -> Option<u8> {
    match octets {
        [0xff, 0] => Some(1),
        [0, 0] => Some(0),
        _ => None,
    }
}

fn records(octets: &[u8], carried: Carried, out: &mut Anomalies) {
    let mut read = 0;
    for record in record::records(octets, carried) {
        let position = 2 + number(read);
        reference_type(record.reference_type, position, out);
        if record.file == 0 {
            note(out, malformed("illegal-file-number", position + 1, record.file, 1_u8));
        }
        past_last_record(&record.object(), position + 3, out);
        read += 7 + record.octets.len();
    }
    all_read(octets, read, if carried == Carried::Yes { 9 } else { 7 }, out);
}

/// Records fill the octets that the byte count announces, and there is at least one.
fn all_read(octets: &[u8], read: usize, least: u32, out: &mut Anomalies) {
    if octets.is_empty() {
        note(out, malformed("illegal-byte-count", 1, 0_u8, least));
    } else if read != octets.len() {
        note(out, malformed("records-disagree", 1, number(octets.len()), number(read)));
    }
}

fn past_last_record(object: &Object, pdu_offset: u32, out: &mut Anomalies) {
    let end = u64::from(object.address) + u64::from(object.quantity);
    if object.quantity == 0 {
        note(out, malformed("illegal-quantity", pdu_offset + 2, object.quantity, 1_u8));
    } else if end > u64::from(LAST_RECORD) + 1 {
        note(out, malformed("address-past-end", pdu_offset, end - 1, LAST_RECORD));
    }
}

fn answers(octets: &[u8], out: &mut Anomalies) {
    let mut read = 0;
    for answer in record::answers(octets) {
        reference_type(answer.reference_type, 3 + number(read), out);
        read += 1 + usize::from(answer.length);
    }
    all_read(octets, read, 4, out);
}

fn reference_type(found: u8, pdu_offset: u32, out: &mut Anomalies) {
    if found != record::REFERENCE_TYPE {
        note(out, malformed("illegal-reference-type", pdu_offset, found, record::REFERENCE_TYPE));
    }
}

fn fifo(count: u16, octets: &[u8], out: &mut Anomalies) {
    if count > MAX_FIFO {
        note(out, malformed("illegal-quantity", 3, count, MAX_FIFO));
    }
    if usize::from(count) * 2 != octets.len() {
        note(out, malformed("byte-count-against-quantity", 1, number(octets.len()), u64::from(count) * 2));
    }
}

/// How an answer differs from what its request asked for, if it does.
pub(super) fn fit(content: &Content<'_>, asked: &Asked) -> Option<Anomaly> {
    let first = asked.objects.first();
    let (pdu_offset, got, expected) = match (content, first) {
        (Content::Values { byte_count: Some(count), .. }, Some(object)) => {
            (1, u64::from(*count), u64::from(number(octets_for(asked.function, object.quantity))))
        }
        (Content::Span { address: Some(address), quantity: Some(quantity) }, Some(object)) => {
            if *address == object.address {
                (3, u64::from(*quantity), u64::from(object.quantity))
            } else {
                (1, u64::from(*address), u64::from(object.address))
            }
        }
        (
            Content::Single { address: Some(address), .. } | Content::Mask { address: Some(address), .. },
            Some(object),
        ) => (1, u64::from(*address), u64::from(object.address)),
        (Content::Answers { octets, .. }, Some(_)) => {
            let answered = record::answers(octets).map(|answer| number(answer.octets.len()));
            let wanted = asked.objects.iter().map(|object| u32::from(object.quantity) * 2);
            (2, answered.map(u64::from).sum(), wanted.map(u64::from).sum())
        }
        (Content::Diagnostic { sub: Some(sub), .. }, _) => {
            (1, u64::from(*sub), u64::from(asked.sub_function))
        }
        (Content::Identity { .. } | Content::Encapsulated { .. }, _) => {
            (1, u64::from(content.sub_function()), u64::from(asked.sub_function))
        }
        _ => return None,
    };
    (got != expected).then(|| Anomaly::malformed("response-does-not-fit", at(pdu_offset), got, expected))
}
