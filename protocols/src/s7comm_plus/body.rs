//! A message as others see it: its operations, and the fields that [`super::fields`] walks.

use fieldwarden_model::{Operation, Outcome, PointRange, Values, Verb, operation};

use super::{
    address::{self, Address},
    fields,
    function::{self, Named},
    number,
    pdu::{EVENT, KEEP_ALIVE, Pdu, opcode},
    session::Asked,
    value::Value,
};
use crate::{
    cursor::Cursor,
    message::{Body, FieldValue, FieldVisitor, Kind},
};

/// One message.
pub(super) struct PlusMessage<'a> {
    /// The message.
    pub(super) pdu: Pdu<'a>,
    /// The request that it answers.
    pub(super) asked: Option<&'a Asked>,
}

impl<'a> PlusMessage<'a> {
    /// Request, response or report.
    pub(super) const fn kind(&self) -> Kind {
        match self.pdu.opcode {
            opcode::REQUEST => Kind::Request,
            opcode::RESPONSE | opcode::RESPONSE_OF_SESSION => Kind::Response,
            _ => Kind::Report,
        }
    }

    /// Verb and name.
    pub(super) fn named(&self) -> Named {
        if let Some(asked) = self.asked {
            return asked.named;
        }
        let pdu = &self.pdu;
        match (pdu.version, pdu.opcode, pdu.function, pdu.object) {
            (KEEP_ALIVE, ..) => (Verb::Associate, "keep alive"),
            (EVENT, ..) => (Verb::Diagnose, "system event"),
            (_, opcode::NOTIFICATION, ..) => (Verb::Read, "notification"),
            (.., Some(function), Some(object)) => {
                let (attribute, value) = pdu.attribute().unzip();
                let number = value.flatten().and_then(|value| match value.field() {
                    FieldValue::Signed(number) => Some(number),
                    FieldValue::Unsigned(number) => i64::try_from(number).ok(),
                    _ => None,
                });
                function::by_object(function, object, pdu.session, attribute, number)
            }
            (.., Some(function), None) => function::named(function),
            _ => (Verb::Unknown, "unknown message"),
        }
    }

    /// The variables of a read or a write of several: how many, and where their addresses begin.
    pub(super) fn addresses(&self) -> Option<(u32, Cursor<'a>)> {
        let pdu = &self.pdu;
        let several = matches!(pdu.function, Some(function::SET_MULTIPLE | function::GET_MULTIPLE));
        if !several || pdu.opcode != opcode::REQUEST || pdu.object != Some(0) {
            return None;
        }
        let mut cursor = Cursor::new(pdu.parameters);
        let items = number::short(&mut cursor)?;
        number::short(&mut cursor)?;
        Some((items, cursor))
    }

    /// What the request names, each with the value written to it.
    pub(super) fn each_point(&self, each: &mut dyn FnMut(PointRange, Option<Value<'a>>)) {
        if let Some((attribute, value)) = self.pdu.attribute() {
            each(address::attribute(self.pdu.object.unwrap_or(0), attribute), value);
            return;
        }
        let Some((items, cursor)) = self.addresses() else { return };
        // Values stand behind all addresses, each with the number of its item from 1.
        let mut values = cursor;
        for _ in 0..items {
            if Address::read(&mut values).is_none() {
                break;
            }
        }
        let writes = self.pdu.function == Some(function::SET_MULTIPLE);
        let mut addresses = cursor;
        for item in 1..=items {
            let Some(address) = Address::read(&mut addresses) else { return };
            let mut value = None;
            if writes && number::short(&mut values) == Some(item) {
                value = Value::read(&mut values);
            }
            each(address.points(), value);
        }
    }

    /// The values of an answer, each with the number of its item from 1.
    pub(super) fn each_value(&self, each: &mut dyn FnMut(u32, Value<'a>)) {
        let answers = self.kind() == Kind::Response && !self.pdu.is_refusal();
        if !answers || self.pdu.function != Some(function::GET_MULTIPLE) {
            return;
        }
        let mut cursor = Cursor::new(self.pdu.parameters);
        while let Some(item @ 1..) = number::short(&mut cursor) {
            let Some(value) = Value::read(&mut cursor) else { return };
            each(item, value);
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.kind(), self.pdu.result) {
            (Kind::Request, _) => Outcome::Asked,
            // The error itself stands in the lowest 16 bits of the return value.
            (Kind::Response, Some(result)) if self.pdu.is_refusal() => {
                Outcome::Refused(u32::try_from(result & 0xffff).unwrap_or(u32::MAX))
            }
            (Kind::Response, _) => Outcome::Done,
            _ => Outcome::Reported,
        }
    }

    /// The value of the n-th point of the request that this answers.
    fn value(&self, n: u32) -> Option<Values<'a>> {
        let mut found = None;
        self.each_value(&mut |item, value| {
            if item == n {
                found = value.plain();
            }
        });
        found
    }
}

impl Body for PlusMessage<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        fields::message(self, visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = self.named();
        let function = self.pdu.function.map_or_else(|| self.pdu.opcode.into(), u32::from);
        let outcome = self.outcome();
        let whole = Operation { verb, function, name, unit: None, points: None, values: None, outcome };
        let mut any = false;
        if let Some(asked) = self.asked {
            for (points, n) in asked.points.iter().zip(1..) {
                any = true;
                each(&Operation { points: Some(*points), values: self.value(n), ..whole });
            }
        } else {
            self.each_point(&mut |points, value: Option<Value<'_>>| {
                any = true;
                // What unlocks a controller is never told.
                let secret = points.first == u64::from(function::LEGITIMATE);
                let values = value.filter(|_| !secret).and_then(|value| value.plain());
                each(&Operation { points: Some(points), values, ..whole });
            });
        }
        if !any {
            each(&whole);
        }
    }
}

/// The conversation goes on encrypted.
pub(super) struct Encrypted;

impl Body for Encrypted {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("encrypted", FieldValue::Unsigned(1));
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        each(&Operation {
            verb: operation::Verb::Associate,
            function: 0x16,
            name: "encrypted conversation",
            unit: None,
            points: None,
            values: None,
            outcome: Outcome::Reported,
        });
    }
}
