//! What is told of a message.

use core::fmt::Write as _;

use fieldwarden_model::{
    Operation, Outcome, PointRange, Verb,
    operation::{Encoding, Values},
};

use super::{
    notation::SPACE,
    pending::{Question, Questions},
    service::{self, Service, Table},
};
use crate::{
    anomaly::Anomaly,
    ber::{Element, universal},
    findings::Findings,
    message::{Body, FieldValue, FieldVisitor, Kind},
};

/// Octets of an object identifier as text.
const LONGEST_TITLE: usize = 128;

/// A message.
#[derive(Clone, Debug, Default)]
pub(super) struct MessageBody<'a> {
    pub(super) called: Option<Element<'a>>,
    pub(super) calling: Option<Element<'a>>,
    pub(super) called_invocation: Option<u64>,
    pub(super) calling_invocation: Option<u64>,
    pub(super) flags: Option<u8>,
    pub(super) class: &'a [u8],
    /// The services, or what is encrypted.
    pub(super) content: &'a [u8],
    /// What the services answer, in order.
    pub(super) questions: Questions,
}

impl<'a> MessageBody<'a> {
    /// Bits 2 and 3 of the flags: 0 clear, 1 clear with authentication, 2 encrypted.
    pub(super) fn security(&self) -> u8 {
        self.flags.unwrap_or(0) >> 2 & 3
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.security() > 1
    }

    /// Its services, none where they are encrypted.
    pub(super) fn services(&self) -> impl Iterator<Item = Service<'a>> + use<'a> {
        service::services(if self.is_encrypted() { &[] } else { self.content })
    }

    /// Each service with what it answers.
    fn answered(&self) -> impl Iterator<Item = (Service<'a>, Option<&Question>)> {
        let questions = self.questions.iter().map(Some).chain(core::iter::repeat(None));
        self.services().zip(questions)
    }

    /// Tables that were read carry a checksum.
    pub(super) fn check_tables(&self, findings: &mut Findings) {
        for (service, question) in self.answered() {
            if let Some(table) = answered_table(&service, question)
                && table.check != table.right_check()
            {
                let (got, expected) = (table.check.into(), table.right_check().into());
                findings.fault(Anomaly::malformed("table-check", 0, got, expected));
            }
        }
    }

    /// An operation of which nothing is known.
    pub(super) const fn template() -> Operation<'static> {
        Operation {
            verb: Verb::Unknown,
            function: 0x100,
            name: "encrypted service",
            unit: None,
            points: None,
            values: None,
            outcome: Outcome::Asked,
        }
    }

    /// Who answers names the invocation that he answers.
    pub(super) fn kind(&self) -> Kind {
        let answers =
            self.services().next().map_or(self.called_invocation.is_some(), |service| service.is_answer());
        if answers { Kind::Response } else { Kind::Request }
    }
}

impl Body for MessageBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        for (key, title) in [("called", self.called), ("calling", self.calling)] {
            if let Some(title) = title {
                told(key, &title, visitor);
            }
        }
        let numbers = [
            ("called_invocation", self.called_invocation),
            ("calling_invocation", self.calling_invocation),
            ("flags", self.flags.map(u64::from)),
            ("security", self.flags.map(|_| self.security().into())),
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                visitor.field(key, FieldValue::Unsigned(number));
            }
        }
        if !self.class.is_empty() {
            visitor.field("device_class", FieldValue::Bytes(self.class));
        }
        for (service, question) in self.answered() {
            fields(&service, question, visitor);
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let outcome = if self.kind() == Kind::Response { Outcome::Done } else { Outcome::Asked };
        let template = Operation { outcome, ..Self::template() };
        if self.is_encrypted() {
            each(&template);
        }
        for (service, question) in self.answered() {
            each(&of_service(&template, &service, question));
        }
    }
}

/// The table that an answer to a read carries.
fn answered_table<'a>(service: &Service<'a>, question: Option<&Question>) -> Option<Table<'a>> {
    let reads = question.is_some_and(Question::reads) && service.is_answer();
    if reads { service.table() } else { None }
}

fn fields(service: &Service<'_>, question: Option<&Question>, visitor: &mut dyn FieldVisitor) {
    let (_, name) = service.verb_and_name();
    let key = if service.is_answer() { "response" } else { "command" };
    visitor.item(key, FieldValue::Unsigned(service.code.into()));
    visitor.item("function", FieldValue::Text(name));
    if let Some(access) = service.access() {
        visitor.item("table", FieldValue::Unsigned(access.table.into()));
        if let Some(offset) = access.offset {
            visitor.item("offset", FieldValue::Unsigned(offset.into()));
        }
        if let Some(count) = access.count {
            visitor.item("count", FieldValue::Unsigned(count.into()));
        }
        if !access.data.is_empty() {
            visitor.item("data", FieldValue::Bytes(access.data));
        }
    } else if let Some(question) = question.filter(|_| service.is_answer()) {
        visitor.item("requested_command", FieldValue::Unsigned(question.code.into()));
        if let Some(table) = question.table {
            visitor.item("table", FieldValue::Unsigned(table.into()));
        }
        let table = answered_table(service, Some(question));
        if let Some(table) = table {
            visitor.item("count", FieldValue::Unsigned(table.count.into()));
        }
        let data = table.map_or(service.rest, |table| table.data);
        if !data.is_empty() {
            visitor.item("data", FieldValue::Bytes(data));
        }
    } else if service.is_answer() && !service.rest.is_empty() {
        visitor.item("data", FieldValue::Bytes(service.rest));
    }
    if let Some(procedure) = service.procedure() {
        visitor.item("procedure", FieldValue::Unsigned(procedure.into()));
    }
}

/// What a service does; an answer does what it answers.
pub(super) fn of_service<'a>(
    template: &Operation<'a>,
    service: &Service<'a>,
    question: Option<&Question>,
) -> Operation<'a> {
    let (verb, name) = service.verb_and_name();
    let mut operation = Operation { verb, name, function: service.code.into(), ..*template };
    if service.is_answer() {
        let refused = Outcome::Refused(service.code.into());
        operation.outcome = if service.code == 0 { Outcome::Done } else { refused };
        if let Some(asked) = question {
            let Question { verb, function, name, points, .. } = *asked;
            operation = Operation { verb, function, name, points, ..operation };
            operation.values = answered_table(service, question).and_then(|table| one(table.data));
        }
    }
    if let Some(access) = service.access() {
        let table = u64::from(access.table);
        operation.points = Some(PointRange { space: SPACE, first: table, last: table });
        operation.values = one(access.data);
    }
    if let Some(procedure) = service.procedure() {
        operation.function |= u32::from(procedure) << 16;
        // Standard procedures, ANSI C12.19 table 7.
        (operation.verb, operation.name) = match procedure {
            0 => (Verb::Mode, "cold start"),
            1 => (Verb::Mode, "warm start"),
            10 => (Verb::Time, "set date and time"),
            _ => (Verb::Operate, "procedure initiate"),
        };
    }
    operation
}

/// A table of one octet is a number.
fn one(data: &[u8]) -> Option<Values<'_>> {
    let bytes = if data.len() == 1 { data } else { return None };
    Some(Values { bytes, encoding: Encoding::Unsigned8, count: 1, stride: 1 })
}

/// An AP title: an object identifier as numbers with dots, a relative one with a dot before.
fn told(key: &'static str, title: &Element<'_>, visitor: &mut dyn FieldVisitor) {
    let mut text = heapless::String::<LONGEST_TITLE>::new();
    let absolute = title.tag.is_universal(universal::OBJECT_IDENTIFIER);
    match write(title.content, absolute, &mut text) {
        Some(()) => visitor.field(key, FieldValue::Text(&text)),
        None => visitor.field(key, FieldValue::Bytes(title.content)),
    }
}

fn write(octets: &[u8], absolute: bool, text: &mut heapless::String<LONGEST_TITLE>) -> Option<()> {
    let (mut number, mut first) = (0u64, absolute);
    for octet in octets {
        number = number.checked_mul(128)? | u64::from(octet & 0x7f);
        if octet & 0x80 != 0 {
            continue;
        }
        if first {
            let root = (number / 40).min(2);
            write!(text, "{root}.{}", number - root * 40).ok()?;
        } else {
            write!(text, ".{number}").ok()?;
        }
        (number, first) = (0, false);
    }
    Some(())
}
