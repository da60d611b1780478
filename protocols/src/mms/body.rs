//! A message as others see it: its operations, and the fields that [`super::fields`] walks.

use fieldwarden_model::{Operation, Outcome, PointRange, Values, Verb};

use super::{
    data, fields,
    object::{self, Access, Name},
    pdu::{Pdu, kind},
    service::{self, Service},
    session::{Asked, Profile},
    stack::Unit,
};
use crate::{
    ber::{self, Element},
    message::{Body, FieldVisitor, Kind},
};

/// One MMS message.
pub(super) struct MmsMessage<'a> {
    /// The unit.
    pub(super) pdu: Pdu<'a>,
    /// The request that it answers.
    pub(super) asked: Option<&'a Asked>,
    /// Which standard uses MMS here.
    pub(super) profile: Profile,
}

/// What a read, a write or a report names, and the list of data or results beside it.
pub(super) struct Accessed<'a> {
    /// What is named; an answer usually names nothing.
    pub(super) names: Option<Access<'a>>,
    /// Data of a write, results of a read, a write or a report.
    pub(super) list: &'a [u8],
}

impl<'a> MmsMessage<'a> {
    /// Request, response or report.
    pub(super) fn kind(&self) -> Kind {
        match self.pdu.kind {
            kind::CONFIRMED_REQUEST
            | kind::CANCEL_REQUEST
            | kind::INITIATE_REQUEST
            | kind::CONCLUDE_REQUEST => Kind::Request,
            kind::UNCONFIRMED => Kind::Report,
            _ => Kind::Response,
        }
    }

    /// What it reads, writes or reports, where that is its service.
    pub(super) fn accessed(&self) -> Option<Accessed<'a>> {
        let part = self.pdu.service?;
        let number = part.tag.number;
        let mut inside = part.inside();
        match (self.pdu.kind, number) {
            (kind::CONFIRMED_REQUEST, service::READ) => {
                let names = part.context(1)?.inside().next().and_then(|names| Access::read(&names));
                Some(Accessed { names, list: &[] })
            }
            (kind::CONFIRMED_REQUEST, service::WRITE) | (kind::UNCONFIRMED, service::INFORMATION_REPORT) => {
                let names = inside.next().and_then(|names| Access::read(&names));
                let list = inside.next().map_or(&[][..], |list| list.content);
                Some(Accessed { names, list })
            }
            (kind::CONFIRMED_RESPONSE, service::READ) => {
                let names = part.context(0).and_then(|names| names.inside().next());
                let list = part.context(1).map_or(&[][..], |list| list.content);
                Some(Accessed { names: names.and_then(|names| Access::read(&names)), list })
            }
            (kind::CONFIRMED_RESPONSE, service::WRITE) => Some(Accessed { names: None, list: part.content }),
            _ => None,
        }
    }

    /// What the message names, each with the service that it is by its name; none, once, where it names nothing.
    pub(super) fn each_target(&self, each: &mut dyn FnMut(Option<Name<'a>>, Service)) {
        let (number, named) = self.pdu.named();
        let mut any = false;
        if let Some(Accessed { names: Some(names), .. }) = self.accessed() {
            names.each(&mut |name| {
                any = true;
                let own = name.map_or(named, |name| service::by_name(number, named, name.item));
                each(name, own);
            });
        } else if let Some(part) = self.pdu.service.filter(|_| self.pdu.kind == kind::CONFIRMED_REQUEST) {
            let mut first = None;
            object::each_name(part.content, &mut |name| first = first.or(Some(name)));
            any = first.is_some();
            if let Some(name) = first {
                each(Some(name), named);
            }
        }
        if !any {
            each(None, named);
        }
    }

    fn outcome(&self) -> Outcome {
        let refused = || {
            let (class, code) = self.pdu.error().unwrap_or((0, 0));
            Outcome::Refused(class << 8 | u32::try_from(code & 0xff).unwrap_or(0))
        };
        match self.pdu.kind {
            kind::UNCONFIRMED => Outcome::Reported,
            kind::CONFIRMED_ERROR
            | kind::REJECT
            | kind::CANCEL_ERROR
            | kind::INITIATE_ERROR
            | kind::CONCLUDE_ERROR => refused(),
            _ if self.kind() == Kind::Request => Outcome::Asked,
            _ => Outcome::Done,
        }
    }

    /// One per result of the answer to a read or a write, as its request named them; false where that is not known.
    fn results(&self, whole: &Operation<'_>, each: &mut dyn FnMut(&Operation<'_>)) -> bool {
        let Some(asked) = self.asked else { return false };
        let list = self.accessed().map_or(&[][..], |accessed| accessed.list);
        let mut results = ber::elements(list);
        let mut any = false;
        for ((verb, name), points) in &asked.points {
            any = true;
            let result = results.next();
            let failed = result.filter(is_failure).and_then(|result| result.unsigned());
            let outcome = match failed {
                Some(code) => Outcome::Refused(u32::try_from(code).unwrap_or(u32::MAX)),
                None => whole.outcome,
            };
            let read = asked.number == service::READ && failed.is_none();
            let values = result.filter(|_| read).and_then(|result| data::value(&result));
            each(&Operation { verb: *verb, name, points: *points, values, outcome, ..*whole });
        }
        any
    }
}

/// Whether the result of a read or a write is a failure (`DataAccessError`).
pub(super) fn is_failure(result: &Element<'_>) -> bool {
    result.tag.is_context(0) && !result.tag.constructed
}

impl Body for MmsMessage<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        fields::message(self, visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (mut function, (mut verb, mut name)) = self.pdu.named();
        if let Some(asked) = self.asked {
            (function, (verb, name)) = (asked.number, asked.service);
        }
        let outcome = self.outcome();
        let whole = Operation { verb, function, name, unit: None, points: None, values: None, outcome };
        if self.kind() == Kind::Response {
            if !self.results(&whole, each) {
                each(&whole);
            }
            return;
        }
        let accessed = self.accessed();
        let single = accessed.as_ref().is_some_and(|a| matches!(a.names, Some(Access::Variables(_))));
        let mut values = ber::elements(accessed.map_or(&[][..], |accessed| accessed.list));
        self.each_target(&mut |target: Option<Name<'_>>, (verb, name)| {
            let points: Option<PointRange> = target.map(|target| target.points());
            let value: Option<Values<'_>> = values.next().filter(|_| single).and_then(|v| data::value(&v));
            each(&Operation { verb, name, points, values: value, ..whole });
        });
    }
}

/// What opens or ends a session or an association.
pub(super) struct Association<'a> {
    /// The unit.
    pub(super) unit: Unit<'a>,
}

impl Association<'_> {
    /// Requests are connect and finish (X.225), AARQ and RLRQ (X.227).
    pub(super) fn kind(&self) -> Kind {
        match (self.unit.session, self.unit.acse) {
            (Some(13 | 9), _) | (None, Some(0 | 2)) => Kind::Request,
            (Some(25), _) | (None, Some(4)) => Kind::Report,
            _ => Kind::Response,
        }
    }

    /// In words.
    pub(super) fn name(&self) -> &'static str {
        match (self.unit.session, self.unit.acse) {
            (Some(13), _) | (None, Some(0)) => "associate request",
            (Some(14), _) | (None, Some(1)) => "associate response",
            (Some(12), _) => "session refused",
            (Some(9), _) | (None, Some(2)) => "release request",
            (Some(10), _) | (None, Some(3)) => "release response",
            (Some(8), _) => "release refused",
            (Some(25), _) | (None, Some(4)) => "abort",
            (Some(26), _) => "abort accepted",
            _ => "data",
        }
    }

    /// Result of an associate response: 0 accepted, 1 and 2 rejected (X.227 §9.1).
    pub(super) fn result(&self) -> Option<u64> {
        let [result] =
            [2].map(|number| ber::elements(self.unit.association).find(|part| part.tag.is_context(number)));
        let result = result.filter(|_| self.unit.acse == Some(1))?;
        result.inside().next().and_then(|number| number.unsigned())
    }
}

impl Body for Association<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        fields::association(self, visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let outcome = match (self.kind(), self.result(), self.unit.session) {
            (Kind::Request, ..) => Outcome::Asked,
            (_, Some(code @ 1..), _) => Outcome::Refused(u32::try_from(code).unwrap_or(u32::MAX)),
            (.., Some(12 | 8)) => Outcome::Refused(0),
            (Kind::Response, ..) => Outcome::Done,
            _ => Outcome::Reported,
        };
        each(&Operation {
            verb: Verb::Associate,
            function: self.unit.session.map_or(0, u32::from),
            name: self.name(),
            unit: None,
            points: None,
            values: None,
            outcome,
        });
    }
}
