//! One MMSpdu (ISO 9506-2 §7.1).

use crate::{
    ber::{self, Class, Element, universal},
    cursor::Cursor,
};

use super::service;

/// Alternatives of MMSpdu.
pub(super) mod kind {
    pub(in super::super) const CONFIRMED_REQUEST: u32 = 0;
    pub(in super::super) const CONFIRMED_RESPONSE: u32 = 1;
    pub(in super::super) const CONFIRMED_ERROR: u32 = 2;
    pub(in super::super) const UNCONFIRMED: u32 = 3;
    pub(in super::super) const REJECT: u32 = 4;
    pub(in super::super) const CANCEL_REQUEST: u32 = 5;
    pub(in super::super) const CANCEL_RESPONSE: u32 = 6;
    pub(in super::super) const CANCEL_ERROR: u32 = 7;
    pub(in super::super) const INITIATE_REQUEST: u32 = 8;
    pub(in super::super) const INITIATE_RESPONSE: u32 = 9;
    pub(in super::super) const INITIATE_ERROR: u32 = 10;
    pub(in super::super) const CONCLUDE_REQUEST: u32 = 11;
    pub(in super::super) const CONCLUDE_RESPONSE: u32 = 12;
    pub(in super::super) const CONCLUDE_ERROR: u32 = 13;
}

/// An MMSpdu.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pdu<'a> {
    /// Which alternative.
    pub(super) kind: u32,
    /// What is in it.
    pub(super) content: &'a [u8],
    /// Joins request and answer: of confirmed PDUs, and of a cancel.
    pub(super) invoke: Option<i64>,
    /// The service and what it carries, of confirmed requests, responses and unconfirmed PDUs.
    pub(super) service: Option<Element<'a>>,
}

/// What is wrong with an MMSpdu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// An element reaches beyond its octets, or is none.
    Cut,
    /// A confirmed PDU without invoke id.
    NoInvoke,
    /// A request without service.
    NoService,
}

impl<'a> Pdu<'a> {
    /// Reads one, with what is wrong with it.
    pub(super) fn read(octets: &'a [u8]) -> (Self, Option<Fault>) {
        let mut cursor = Cursor::new(octets);
        let header = ber::header(&mut cursor);
        let (kind, content, cut) = match ber::element(&mut Cursor::new(octets)) {
            Some(element) => (element.tag.number, element.content, false),
            None => (header.map_or(u32::MAX, |(tag, _)| tag.number), cursor.rest(), true),
        };
        let mut pdu = Self { kind, content, invoke: None, service: None };
        let fault = pdu.parts();
        (pdu, if cut { Some(Fault::Cut) } else { fault })
    }

    fn parts(&mut self) -> Option<Fault> {
        match self.kind {
            kind::CONFIRMED_REQUEST | kind::CONFIRMED_RESPONSE => {
                let mut parts = ber::elements(self.content);
                self.invoke = parts
                    .next()
                    .filter(|first| first.tag.is_universal(universal::INTEGER))
                    .and_then(|first| first.integer());
                self.service = parts.find(|part| part.tag.class == Class::Context);
                let consumed = ber::elements(self.content).map(|part| part.length).sum::<usize>();
                if self.invoke.is_none() {
                    return Some(Fault::NoInvoke);
                }
                if consumed < self.content.len() {
                    return Some(Fault::Cut);
                }
                // Answers without service are what some implementations send to a write (seen with IEC 61850 servers).
                (self.service.is_none() && self.kind == kind::CONFIRMED_REQUEST).then_some(Fault::NoService)
            }
            kind::CONFIRMED_ERROR => {
                let first = ber::elements(self.content).next();
                self.invoke = first.filter(|part| part.tag.is_context(0)).and_then(|part| part.integer());
                self.invoke.is_none().then_some(Fault::NoInvoke)
            }
            kind::UNCONFIRMED => {
                self.service = ber::elements(self.content).find(|part| part.tag.class == Class::Context);
                self.service.is_none().then_some(Fault::NoService)
            }
            kind::CANCEL_REQUEST | kind::CANCEL_RESPONSE => {
                self.invoke = ber::integer(self.content);
                self.invoke.is_none().then_some(Fault::NoInvoke)
            }
            _ => None,
        }
    }

    /// The service's number, with its verb and name.
    pub(super) fn named(&self) -> (u32, service::Service) {
        use fieldwarden_model::Verb::{Associate, Diagnose, Unknown};
        let number = self.service.map_or(u32::MAX, |service| service.tag.number);
        let own = |name| (2 << 16 | self.kind, (Associate, name));
        match self.kind {
            kind::CONFIRMED_REQUEST => (number, service::confirmed(number)),
            kind::CONFIRMED_RESPONSE if self.service.is_none() => (0xffff, (Unknown, "unknown response")),
            kind::CONFIRMED_RESPONSE => (number, service::confirmed(number)),
            kind::UNCONFIRMED => (1 << 16 | number & 0xffff, service::unconfirmed(number)),
            kind::CONFIRMED_ERROR => (0xffff, (Unknown, "error of an unknown request")),
            kind::REJECT => (2 << 16 | self.kind, (Diagnose, "reject")),
            kind::CANCEL_REQUEST | kind::CANCEL_RESPONSE | kind::CANCEL_ERROR => {
                (2 << 16 | kind::CANCEL_REQUEST, (Diagnose, "cancel of a request"))
            }
            kind::INITIATE_REQUEST | kind::INITIATE_RESPONSE | kind::INITIATE_ERROR => {
                (2 << 16 | kind::INITIATE_REQUEST, (Associate, "initiate"))
            }
            kind::CONCLUDE_REQUEST | kind::CONCLUDE_RESPONSE | kind::CONCLUDE_ERROR => {
                (2 << 16 | kind::CONCLUDE_REQUEST, (Associate, "conclude"))
            }
            _ => own("unknown MMS unit"),
        }
    }

    /// Class and code of an error: of a confirmed, cancel, initiate or conclude error, or of a reject.
    pub(super) fn error(&self) -> Option<(u32, i64)> {
        let parts = || ber::elements(self.content);
        let inside = match self.kind {
            kind::CONFIRMED_ERROR => parts().find(|part| part.tag.is_context(2))?.context(0)?,
            kind::CANCEL_ERROR => parts().find(|part| part.tag.is_context(1))?.context(0)?,
            kind::INITIATE_ERROR | kind::CONCLUDE_ERROR => parts().find(|part| part.tag.is_context(0))?,
            kind::REJECT => {
                let reason = parts().find(|part| (1..=11).contains(&part.tag.number))?;
                return Some((reason.tag.number, reason.integer()?));
            }
            _ => return None,
        };
        let class = inside.inside().next()?;
        Some((class.tag.number, class.integer()?))
    }
}

/// Whether a bare MMSpdu is whole and of a shape that chance does not make.
pub(super) fn is_whole(octets: &[u8]) -> bool {
    let (pdu, fault) = Pdu::read(octets);
    let telling = match pdu.kind {
        kind::CONFIRMED_REQUEST => pdu.named().1.0 != fieldwarden_model::Verb::Unknown,
        kind::INITIATE_REQUEST | kind::INITIATE_RESPONSE => {
            let tags = || ber::elements(pdu.content).map(|part| part.tag);
            tags().count() >= 3 && tags().all(|tag| tag.class == Class::Context && tag.number <= 4)
        }
        _ => false,
    };
    fault.is_none() && telling
}
