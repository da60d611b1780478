//! What looks like a button of the operator's picture, pressed for the first time.
//!
//! A picture has many buttons, and a recording of some days does not hold a press of each. Such a press is a single switch, thrown by
//! a function and to a state that are usual there, among switches that the same station throws and polls to
//! show them. A number, a whole octet or word, several points at once, and a switch that nobody shows are none of this.

use fieldwarden_model::{Operation, PointRange, Value, operation::Encoding};

use crate::baseline::{Allowed, Envelope, compiled::CompiledEntry};

/// How far from a switch that was thrown a new one may lie, in points: the switches of one machine stand together, as in a word.
const NEAR: u64 = 16;

/// What a switch takes.
const STATES: Allowed = Allowed::Range { minimum: Some(Value::Integer(0)), maximum: Some(Value::Integer(1)) };

/// Whether a write beyond the baseline may be one.
pub(super) fn may_be(entry: &CompiledEntry, operation: &Operation<'_>, points: PointRange) -> bool {
    let is_switch = |encoding| matches!(encoding, Encoding::BitsLeastFirst | Encoding::OctetBit);
    let Some(values) = operation.values.filter(|values| values.count == 1 && is_switch(values.encoding))
    else {
        return false;
    };
    let Some(value) = values.iter().next() else { return false };
    let is_one = points.first == points.last && values.stride == 1;
    let is_beside = |envelope: &Envelope| {
        let own = &envelope.points;
        envelope.step == 1
            && entry.polls(own)
            && own.first <= points.first.saturating_add(NEAR)
            && points.first <= own.last.saturating_add(NEAR)
            && STATES.covers(&envelope.allowed)
            && envelope.allows(value)
    };
    is_one
        && entry.polls(&points)
        && entry.knows_function(operation.function)
        && entry.envelopes().iter().any(is_beside)
}
