//! What is told of a frame.

use fieldwarden_model::{Operation, Outcome, PointRange, Verb};

use super::{
    apci::{self, Control},
    asdu::{Asdu, Object},
    notation::SPACE,
    types::Type,
    value::{self, Form},
};
use crate::message::{Body, Direction, FieldValue, FieldVisitor, Kind};

/// A frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) control: Control,
    pub(super) asdu: Option<Asdu<'a>>,
    /// Octets behind the control field that are no data unit.
    pub(super) surplus: &'a [u8],
}

impl Frame<'_> {
    /// Whether it asks, answers or tells.
    pub(super) fn kind(&self, direction: Direction) -> Kind {
        match (self.control, &self.asdu) {
            (Control::Unnumbered(0x01 | 0x04 | 0x10), _) => Kind::Request,
            (Control::Unnumbered(_), _) => Kind::Response,
            (Control::Data(..), Some(asdu)) => match (asdu.cause, asdu.kind, direction) {
                (6 | 8, ..) => Kind::Request,
                (7 | 9 | 10 | 44..=47, ..) => Kind::Response,
                (5 | 20..=41, 0..=44, _) => Kind::Response,
                (_, 0..=44 | 70, _) => Kind::Report,
                (.., Direction::ToServer) => Kind::Request,
                (.., Direction::ToClient) => Kind::Response,
            },
            _ => Kind::Report,
        }
    }
}

impl Body for Frame<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut number = |key, number: u16| visitor.field(key, FieldValue::Unsigned(number.into()));
        match self.control {
            Control::Data(sent, received) => {
                number("frame_type", 0);
                number("sent", sent);
                number("received", received);
            }
            Control::Supervisory(received) => {
                number("frame_type", 1);
                number("received", received);
            }
            Control::Unnumbered(function) => {
                number("frame_type", 3);
                number("u_function", function.into());
                visitor.field("function", FieldValue::Text(apci::name(function).unwrap_or("unknown")));
            }
        }
        if let Some(asdu) = &self.asdu {
            identifier(asdu, visitor);
            for object in asdu.objects() {
                fields(asdu, &object, visitor);
            }
        }
        if let (Control::Data(..), None) = (self.control, &self.asdu) {
            cut(self.surplus, visitor);
        }
        if !self.surplus.is_empty() {
            visitor.field("surplus", FieldValue::Bytes(self.surplus));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        match (self.control, &self.asdu) {
            (Control::Unnumbered(function), _) => each(&unnumbered(function)),
            (_, Some(asdu)) => operations(asdu, each),
            _ => {}
        }
    }
}

/// What is there of an identifier that is cut.
fn cut(octets: &[u8], visitor: &mut dyn FieldVisitor) {
    if let Some(kind) = octets.first() {
        visitor.field("type_id", FieldValue::Unsigned(u64::from(*kind)));
    }
    if let Some(cause) = octets.get(2) {
        visitor.field("cause", FieldValue::Unsigned(u64::from(cause & 0x3f)));
    }
}

fn identifier(asdu: &Asdu<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.field("type_id", FieldValue::Unsigned(asdu.kind.into()));
    if let Some(kind) = asdu.known() {
        visitor.field("type", FieldValue::Text(kind.label));
        visitor.field("function", FieldValue::Text(kind.name));
    }
    visitor.field("sequence", FieldValue::Unsigned(asdu.sequence.into()));
    visitor.field("number", FieldValue::Unsigned(asdu.number.into()));
    visitor.field("cause", FieldValue::Unsigned(asdu.cause.into()));
    visitor.field("negative", FieldValue::Unsigned(asdu.negative.into()));
    visitor.field("test", FieldValue::Unsigned(asdu.test.into()));
    visitor.field("originator", FieldValue::Unsigned(asdu.originator.into()));
    visitor.field("common_address", FieldValue::Unsigned(asdu.common.into()));
}

fn fields(asdu: &Asdu<'_>, object: &Object<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.item("object_address", FieldValue::Unsigned(object.address.into()));
    let Some(kind) = asdu.known() else {
        visitor.item("octets", FieldValue::Bytes(object.element));
        return;
    };
    let (form, element) = (kind.form, object.element);
    if form == Form::Qualifier {
        if let Some(octet) = element.first() {
            visitor.item("qualifier", FieldValue::Unsigned(u64::from(*octet)));
        }
    } else if let Some(value) = value::value(form, element).and_then(|values| values.nth(0)) {
        visitor.item("value", number(value));
    }
    if let Some(quality) = value::quality(form, element) {
        visitor.item("quality", FieldValue::Unsigned(quality.into()));
    }
    if let Some(command) = value::command(form, element) {
        visitor.item("select", FieldValue::Unsigned(u64::from(command >> 7)));
    }
    match form {
        Form::File => {
            let _ = value::file(asdu.kind, element, visitor);
        }
        Form::Octets => visitor.item("octets", FieldValue::Bytes(element)),
        _ => {}
    }
    if kind.time != 0 {
        let at = element.len().saturating_sub(kind.time.into());
        value::time(element.get(at..).unwrap_or_default(), visitor);
    }
}

const fn number(value: fieldwarden_model::Value) -> FieldValue<'static> {
    match value {
        fieldwarden_model::Value::Integer(number) => FieldValue::Signed(number),
        fieldwarden_model::Value::Float(number) => FieldValue::Float(number),
    }
}

/// Start, stop, test; their number is `1 << 16` and the function bits.
fn unnumbered(function: u8) -> Operation<'static> {
    let verb = match function {
        0x01 | 0x02 | 0x04 | 0x08 => Verb::Associate,
        0x10 | 0x20 => Verb::Diagnose,
        _ => Verb::Unknown,
    };
    let outcome = if matches!(function, 0x01 | 0x04 | 0x10) { Outcome::Asked } else { Outcome::Done };
    let name = apci::name(function).unwrap_or("unknown unnumbered function");
    let function = 1 << 16 | u32::from(function);
    Operation { verb, function, name, unit: None, points: None, values: None, outcome }
}

/// What became of it, by the cause of transmission (-101 clause 7.2.3).
fn outcome(asdu: &Asdu<'_>) -> Outcome {
    match asdu.cause {
        7 | 9 | 10 if asdu.negative => Outcome::Refused(asdu.cause.into()),
        44..=47 => Outcome::Refused(asdu.cause.into()),
        7 | 9 | 10 => Outcome::Done,
        5 | 20..=41 if asdu.kind <= 44 => Outcome::Done,
        _ if asdu.kind <= 44 || asdu.kind == 70 => Outcome::Reported,
        _ => Outcome::Asked,
    }
}

fn operations(asdu: &Asdu<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let known = asdu.known();
    let template = Operation {
        verb: known.map_or(Verb::Unknown, |kind| kind.verb),
        function: asdu.kind.into(),
        name: known.map_or("unknown type", |kind| kind.name),
        unit: Some(asdu.common),
        points: None,
        values: None,
        outcome: outcome(asdu),
    };
    let mut told = false;
    for object in asdu.objects() {
        told = true;
        each(&known.map_or(template, |kind| of_object(&template, kind, &object)));
    }
    if !told {
        each(&template);
    }
}

fn of_object<'a>(template: &Operation<'a>, kind: &Type, object: &Object<'a>) -> Operation<'a> {
    let mut operation = *template;
    // Types of the whole station have address 0, and name no object.
    if !matches!(kind.number, 70 | 100 | 101 | 103..=107) {
        let address = u64::from(object.address);
        operation.points = Some(PointRange { space: SPACE, first: address, last: address });
    }
    if value::command(kind.form, object.element).is_some_and(|octet| octet & 0x80 != 0) {
        operation.name = kind.select;
    }
    // A counter interrogation may freeze or reset (QCC, -101 clause 7.2.6.23).
    if kind.number == 101 && object.element.first().is_some_and(|qualifier| qualifier & 0xc0 != 0) {
        (operation.verb, operation.name) = (Verb::Operate, "counter freeze or reset command");
    }
    // A confirmation only echoes what was asked.
    let echoes = kind.number > 44 && operation.outcome != Outcome::Asked;
    if kind.form != Form::Qualifier && !echoes {
        operation.values = value::value(kind.form, object.element);
    }
    operation
}

/// Octets that cannot be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octets<'a>(pub(super) &'a [u8]);

impl Body for Octets<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("octets", FieldValue::Bytes(self.0.get(..self.0.len().min(32)).unwrap_or(self.0)));
    }

    fn operations(&self, _each: &mut dyn FnMut(&Operation<'_>)) {}
}
