//! The messages of the transport itself: who connects to which selector, and what is wrong with the framing.

use fieldwarden_model::{Operation, Outcome, Verb};

use super::cotp::Connecting;
use crate::message::{Body, FieldValue, FieldVisitor, Protocol};

/// The protocol under which transport units are told.
pub const COTP: Protocol = Protocol("cotp");

/// The body of a connection message.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionUnit<'a>(pub Connecting<'a>);

impl Body for ConnectionUnit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let unit = &self.0;
        visitor.field("tpdu_type", FieldValue::Unsigned((unit.kind >> 4).into()));
        visitor.field("tpdu", FieldValue::Text(unit.name()));
        visitor.field("destination_reference", FieldValue::Unsigned(unit.destination.into()));
        if let Some(source) = unit.source {
            visitor.field("source_reference", FieldValue::Unsigned(source.into()));
        }
        if let Some(class) = unit.class {
            visitor.field("class", FieldValue::Unsigned((class >> 4).into()));
        }
        if let Some(reason) = unit.reason {
            visitor.field("reason", FieldValue::Unsigned(reason.into()));
        }
        if let Some(exponent) = unit.size_exponent {
            visitor.field("tpdu_size", FieldValue::Unsigned(1u64.checked_shl(exponent.into()).unwrap_or(0)));
        }
        if let Some(calling) = unit.calling {
            visitor.field("calling_tsap", FieldValue::Bytes(calling));
        }
        if let Some(called) = unit.called {
            visitor.field("called_tsap", FieldValue::Bytes(called));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let unit = &self.0;
        let outcome = match (unit.is_request(), unit.is_confirm(), unit.reason) {
            (true, ..) => Outcome::Asked,
            (_, true, _) => Outcome::Done,
            (.., Some(reason)) => Outcome::Refused(reason.into()),
            _ => Outcome::Reported,
        };
        each(&Operation {
            verb: Verb::Associate,
            function: unit.kind.into(),
            name: unit.name(),
            unit: None,
            points: None,
            values: None,
            outcome,
        });
    }
}

/// The body of a message that tells nothing but an anomaly of the framing.
#[derive(Clone, Copy, Debug)]
pub struct MalformedUnit<'a>(pub &'a [u8]);

impl Body for MalformedUnit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        // Enough to recognise what it was; the frame has the rest.
        let front = self.0.get(..self.0.len().min(32)).unwrap_or_default();
        visitor.field("octets", FieldValue::Bytes(front));
    }

    fn operations(&self, _each: &mut dyn FnMut(&Operation<'_>)) {}
}
