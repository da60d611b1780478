//! The operations of a fragment: one for each object with a value of its own, one for each range without.

use fieldwarden_model::{
    Operation, Outcome, PointRange,
    operation::{Encoding, Values},
};

use super::{
    body::FragmentBody,
    classify,
    fragment::{AUTHENTICATION_RESPONSE, RESPONSE, UNSOLICITED},
    library::{Held, Layout, Record},
    notation::{CLASSES, LAST, space},
    object::{Item, Object, Prefix, Range, Step},
};

/// States, to borrow where the wire packs them into two bits.
static STATES: [u8; 4] = [0, 1, 2, 3];

/// Walks all operations of a fragment.
pub(super) fn walk(body: &FragmentBody<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let Some(function) = body.fragment.function else { return };
    let mut told = false;
    for step in body.fragment.objects() {
        if let Step::Object(object) = step {
            told = true;
            of_object(&template(body, function, Some(object.group)), function, &object, each);
        }
    }
    if !told {
        let group = body.asked.and_then(|asked| asked.group);
        each(&template(body, function, group));
    }
}

/// Everything of an operation but points and values.
fn template(body: &FragmentBody<'_>, function: u8, group: Option<u8>) -> Operation<'static> {
    let code = body.asked.map_or(function, |asked| asked.function);
    let (verb, name) = match group {
        // Controls come back in answers to commands alone.
        Some(12 | 41) if code == RESPONSE => (fieldwarden_model::Verb::Operate, "control"),
        Some(group) => classify::applied(code, group),
        None => classify::function(code),
    };
    let outcome = match (function, body.fragment.refusal()) {
        (RESPONSE | AUTHENTICATION_RESPONSE, Some(bits)) => Outcome::Refused(bits.into()),
        (RESPONSE | AUTHENTICATION_RESPONSE, None) => Outcome::Done,
        (UNSOLICITED, _) => Outcome::Reported,
        _ => Outcome::Asked,
    };
    let unit = Some(body.outstation);
    Operation { verb, function: code.into(), name, unit, points: None, values: None, outcome }
}

fn of_object<'a>(
    template: &Operation<'a>,
    function: u8,
    object: &Object<'a>,
    each: &mut dyn FnMut(&Operation<'_>),
) {
    let answers = function == RESPONSE;
    if let Some(values) = packed(object) {
        each(&Operation { points: span(object), values: Some(values), ..*template });
        return;
    }
    if object.carries && matches!((object.layout, object.prefix), (Layout::Bits(2), Prefix::Nothing)) {
        double_bits(object, |index, state| {
            let values = Values {
                bytes: core::slice::from_ref(state),
                encoding: Encoding::Unsigned8,
                count: 1,
                stride: 1,
            };
            each(&Operation { points: at(object, Some(index)), values: Some(values), ..*template });
        });
        return;
    }
    let mut items = object.items().peekable();
    if items.peek().is_none() || space(object.group, object.variation).is_none() {
        each(&Operation { points: span(object), ..*template });
        return;
    }
    for item in items {
        each(&of_item(template, answers, object, &item));
    }
}

fn of_item<'a>(
    template: &Operation<'a>,
    answers: bool,
    object: &Object<'a>,
    item: &Item<'a>,
) -> Operation<'a> {
    let mut operation = Operation { points: at(object, item.index), ..*template };
    if let Layout::Record(record) = object.layout {
        let refused = item.octets.last().map(|status| status & 0x7f).filter(|status| *status != 0);
        match refused.filter(|_| record.status_last && answers) {
            Some(status) => operation.outcome = Outcome::Refused(status.into()),
            // The answer to a command only echoes its values.
            None if record.status_last && answers => {}
            None => operation.values = value(&record, item.octets),
        }
    }
    operation
}

/// The points that a header names as a whole.
pub(super) fn span(object: &Object<'_>) -> Option<PointRange> {
    if u16::from(object.group) == CLASSES {
        let class = u64::from(object.variation.checked_sub(1)?);
        return Some(PointRange { space: space(object.group, 0)?, first: class, last: class });
    }
    let space = space(object.group, object.variation)?;
    match object.range {
        Range::Span(first, last) if first > last => None,
        Range::Span(first, last) => Some(PointRange { space, first: first.into(), last: last.into() }),
        // Counted objects with an index each stand for themselves.
        Range::Count(_) if object.prefix != Prefix::Nothing => None,
        Range::Count(_) | Range::All => Some(PointRange { space, first: 0, last: LAST }),
    }
}

/// One point.
fn at(object: &Object<'_>, index: Option<u32>) -> Option<PointRange> {
    let index = u64::from(index?);
    Some(PointRange { space: space(object.group, object.variation)?, first: index, last: index })
}

/// The values of packed single bits over a range.
pub(super) fn packed<'a>(object: &Object<'a>) -> Option<Values<'a>> {
    if !object.carries || object.layout != Layout::Bits(1) || object.prefix != Prefix::Nothing {
        return None;
    }
    let there = object.data.len().saturating_mul(8);
    let count = usize::try_from(object.count()).ok()?.min(there);
    let count = u32::try_from(count).ok()?;
    Some(Values { bytes: object.data, encoding: Encoding::BitsLeastFirst, count, stride: 1 })
}

/// Walks packed double bits: index and state.
pub(super) fn double_bits(object: &Object<'_>, mut each: impl FnMut(u32, &'static u8)) {
    if object.prefix != Prefix::Nothing {
        return;
    }
    let Range::Span(first, last) = object.range else { return };
    let mut index = first;
    for octet in object.data {
        for place in [0, 2, 4, 6] {
            if index > last {
                return;
            }
            if let Some(state) = STATES.get(usize::from(octet >> place & 3)) {
                each(index, state);
            }
            index = index.saturating_add(1);
        }
    }
}

/// The value in the octets of an object.
pub(super) fn value<'a>(record: &Record, octets: &'a [u8]) -> Option<Values<'a>> {
    let state = |state: u8| {
        let bytes = core::slice::from_ref(STATES.get(usize::from(state))?);
        Some(Values { bytes, encoding: Encoding::Unsigned8, count: 1, stride: 1 })
    };
    match record.value {
        Held::Nothing => None,
        Held::State => state(octets.first()? >> 7),
        Held::DoubleState => state(octets.first()? >> 6),
        Held::Number(at, encoding) => {
            let bytes = octets.get(usize::from(at)..)?.get(..encoding.width()?)?;
            Some(Values { bytes, encoding, count: 1, stride: 1 })
        }
    }
}
