//! From messages to operations: what is read, written or commanded, in neutral words.

use fieldwarden_model::{Operation, Outcome, PointRange, Values, Verb, operation::Encoding};

use crate::message::Direction;

use super::{
    check::coil_value,
    function::{self as f, describe},
    object::{Object, Objects},
    pdu::Content,
    record::{self, Carried},
    session::Adu,
    unity::Unity,
};

/// Walks the operations of a message: one per object that it names, or one without points where it names none.
///
/// Values stand with requests that write and with answers that read. The answer to a write carries none: what it
/// echoes is what was asked, not what the device holds.
pub(super) fn operations(adu: &Adu<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let whole = Whole::of(adu);
    let own;
    let objects = match &adu.asked {
        Some(asked) => &asked.objects,
        None => {
            own = adu.content.objects(whole.function);
            &own
        }
    };
    if objects.is_empty() {
        each(&whole.operation(None, whole.verb, values(adu, 0, None)));
        return;
    }
    for (n, object) in objects.iter().enumerate() {
        let verb = match whole.function {
            f::READ_WRITE if n == 0 => Verb::Read,
            _ => whole.verb,
        };
        each(&whole.operation(object.points(), verb, values(adu, n, Some((object, objects)))));
    }
}

/// What all operations of a message have in common.
struct Whole {
    function: u8,
    code: u32,
    verb: Verb,
    name: &'static str,
    unit: u16,
    outcome: Outcome,
}

impl Whole {
    fn of(adu: &Adu<'_>) -> Self {
        let (function, outcome) = match (adu.direction, adu.content) {
            (Direction::ToServer, _) => (adu.header.function, Outcome::Asked),
            (Direction::ToClient, Content::Exception { code }) => {
                (adu.header.function & !f::EXCEPTION_BIT, Outcome::Refused(code.map_or(0, u32::from)))
            }
            (Direction::ToClient, Content::Unity { octets }) => {
                let refusal = Unity::read(octets).and_then(|unity| unity.refusal());
                let outcome = refusal.map_or(Outcome::Done, |code| Outcome::Refused(code.into()));
                (adu.header.function, outcome)
            }
            (Direction::ToClient, _) => (adu.header.function, Outcome::Done),
        };
        let sub = match &adu.asked {
            Some(asked) => asked.sub_function,
            None => adu.content.sub_function(),
        };
        let (verb, name) = describe(function, sub);
        let code = u32::from(sub) << 16 | u32::from(function);
        Self { function, code, verb, name, unit: u16::from(adu.header.unit), outcome }
    }

    fn operation<'a>(
        &self,
        points: Option<PointRange>,
        verb: Verb,
        values: Option<Values<'a>>,
    ) -> Operation<'a> {
        let Self { code, name, unit, outcome, .. } = *self;
        Operation { verb, function: code, name, unit: Some(unit), points, values, outcome }
    }
}

/// The values that belong to the n-th object of a message, together with all of them.
fn values<'a>(adu: &Adu<'a>, n: usize, object: Option<(&Object, &Objects)>) -> Option<Values<'a>> {
    let quantity = object.map(|(object, _)| object.quantity);
    match adu.content {
        Content::Values { octets, .. } => match adu.header.function {
            f::READ_COILS | f::READ_DISCRETE_INPUTS => Some(bits(octets, quantity)),
            f::READ_HOLDING_REGISTERS | f::READ_INPUT_REGISTERS => Some(registers(octets, quantity)),
            f::READ_WRITE if n == 0 => Some(registers(octets, quantity)),
            _ => None,
        },
        Content::Write { octets, .. } if adu.header.function == f::WRITE_COILS => {
            Some(bits(octets, quantity))
        }
        Content::Write { octets, .. } => Some(registers(octets, quantity)),
        Content::ReadWrite { octets, .. } if n == 1 => Some(registers(octets, quantity)),
        Content::Single { octets, .. } if adu.direction == Direction::ToServer => single(adu, octets),
        Content::Fifo { octets, .. } => Some(registers(octets, None)),
        Content::Records { octets, carried: Carried::Yes, .. } if adu.direction == Direction::ToServer => {
            record::records(octets, Carried::Yes).nth(n).map(|record| registers(record.octets, None))
        }
        Content::Answers { octets, .. } => {
            record::answers(octets).nth(n).map(|answer| registers(answer.octets, quantity))
        }
        _ => None,
    }
}

fn single<'a>(adu: &Adu<'_>, octets: &'a [u8]) -> Option<Values<'a>> {
    if adu.header.function == f::WRITE_REGISTER {
        return (octets.len() == 2).then(|| registers(octets, Some(1)));
    }
    // FF00 is on and 0000 is off, so the lowest bit of the first octet is the state.
    coil_value(octets)?;
    Some(Values { bytes: octets.get(..1)?, encoding: Encoding::OctetBit, count: 1, stride: 1 })
}

/// As many bits as were asked for; an answer pads its last octet (AP 6.1).
fn bits(octets: &[u8], quantity: Option<u16>) -> Values<'_> {
    let present = u32::try_from(octets.len()).unwrap_or(u32::MAX).saturating_mul(8);
    let count = quantity.map_or(present, |quantity| present.min(u32::from(quantity)));
    Values { bytes: octets, encoding: Encoding::BitsLeastFirst, count, stride: 1 }
}

fn registers(octets: &[u8], quantity: Option<u16>) -> Values<'_> {
    let present = u32::try_from(octets.len() / 2).unwrap_or(u32::MAX);
    let count = quantity.map_or(present, |quantity| present.min(u32::from(quantity)));
    Values { bytes: octets, encoding: Encoding::Unsigned16, count, stride: 1 }
}
