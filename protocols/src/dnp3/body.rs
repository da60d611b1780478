//! What is told: a link frame, a fragment, octets that are neither.

use fieldwarden_model::{Operation, Outcome, Verb};

use super::{fragment::Fragment, link::Header};
use crate::message::{Body, FieldValue, FieldVisitor, Kind};

/// A link frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkBody {
    pub(super) header: Header,
    /// The transport octet, where there is one.
    pub(super) transport: Option<u8>,
}

impl LinkBody {
    /// Frames that carry a fragment say nothing by themselves; others ask or answer.
    pub(super) const fn kind(&self) -> Kind {
        if self.header.carries_data() {
            Kind::Report
        } else if self.header.primary() {
            Kind::Request
        } else {
            Kind::Response
        }
    }
}

impl Body for LinkBody {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let header = &self.header;
        let flag = |mask: u8| FieldValue::Unsigned(u64::from(header.control & mask != 0));
        visitor.field("length", FieldValue::Unsigned(header.length.into()));
        visitor.field("dir", flag(0x80));
        visitor.field("prm", flag(0x40));
        if header.primary() {
            visitor.field("fcb", flag(0x20));
            visitor.field("fcv", flag(0x10));
        } else {
            visitor.field("dfc", flag(0x10));
        }
        visitor.field("link_function_code", FieldValue::Unsigned(header.function().into()));
        visitor.field("link_function", FieldValue::Text(header.name().unwrap_or("unknown link function")));
        visitor.field("destination", FieldValue::Unsigned(header.destination.into()));
        visitor.field("source", FieldValue::Unsigned(header.source.into()));
        if let Some(transport) = self.transport {
            visitor.field("transport_fir", FieldValue::Unsigned(u64::from(transport >> 6 & 1)));
            visitor.field("transport_fin", FieldValue::Unsigned(u64::from(transport >> 7)));
            visitor.field("transport_sequence", FieldValue::Unsigned(u64::from(transport & 0x3f)));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let header = &self.header;
        if header.carries_data() {
            return;
        }
        let layer: u32 = if header.primary() { 1 } else { 2 };
        let (verb, outcome) = match (header.primary(), header.function()) {
            (true, 0 | 1) => (Verb::Associate, Outcome::Asked),
            (true, 2 | 9) => (Verb::Diagnose, Outcome::Asked),
            (true, _) => (Verb::Unknown, Outcome::Asked),
            (false, 0) => (Verb::Associate, Outcome::Done),
            (false, 11) => (Verb::Diagnose, Outcome::Done),
            (false, code @ (1 | 14 | 15)) => (Verb::Associate, Outcome::Refused(code.into())),
            (false, _) => (Verb::Unknown, Outcome::Done),
        };
        each(&Operation {
            verb,
            function: layer << 16 | u32::from(header.function()),
            name: header.name().unwrap_or("unknown link function"),
            unit: Some(header.outstation()),
            points: None,
            values: None,
            outcome,
        });
    }
}

/// What a request asked, for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) function: u8,
    /// The group of its first object.
    pub(super) group: Option<u8>,
}

/// A fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct FragmentBody<'a> {
    pub(super) fragment: Fragment<'a>,
    /// The outstation's address.
    pub(super) outstation: u16,
    /// What the answered request asked.
    pub(super) asked: Option<Asked>,
}

impl Body for FragmentBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        super::fields::walk(self, visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        super::operations::walk(self, each);
    }
}

/// Octets that cannot be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octets<'a>(pub(super) &'a [u8]);

impl Body for Octets<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let front = self.0.get(..self.0.len().min(32)).unwrap_or(self.0);
        visitor.field("octets", FieldValue::Bytes(front));
    }

    fn operations(&self, _each: &mut dyn FnMut(&Operation<'_>)) {}
}
