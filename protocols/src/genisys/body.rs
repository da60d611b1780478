//! What is told of a frame.

use fieldwarden_model::{
    Operation, Outcome, PointRange, Verb,
    operation::{Encoding, Values},
};

use super::{
    frame::{self, Frame},
    notation::SPACE,
};
use crate::message::{Body, FieldValue, FieldVisitor, Kind};

/// A frame.
#[derive(Clone, Debug)]
pub(super) struct FrameBody(pub(super) Frame);

impl FrameBody {
    /// What the station sends has headers f1 to f3.
    pub(super) const fn kind(&self) -> Kind {
        match self.0.header {
            frame::ACKNOWLEDGE_CLIENT..=frame::CHECKBACK => Kind::Response,
            _ => Kind::Request,
        }
    }

    /// Verb and name of the header.
    const fn verb_and_name(&self) -> (Verb, &'static str) {
        match self.0.header {
            frame::ACKNOWLEDGE_CLIENT => (Verb::Associate, "acknowledge client"),
            frame::INDICATION => (Verb::Read, "indication data"),
            frame::CHECKBACK => (Verb::Operate, "control data checkback"),
            frame::COMMON_CONTROL => (Verb::Operate, "common control data"),
            frame::ACKNOWLEDGE => (Verb::Associate, "acknowledge and poll"),
            frame::POLL => (Verb::Read, "poll"),
            frame::CONTROL => (Verb::Operate, "control data"),
            frame::RECALL => (Verb::Read, "recall"),
            frame::EXECUTE => (Verb::Operate, "execute controls"),
            _ => (Verb::Unknown, "unknown header"),
        }
    }
}

impl Body for FrameBody {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let frame = &self.0;
        visitor.field("header", FieldValue::Unsigned(frame.header.into()));
        visitor.field("function", FieldValue::Text(self.verb_and_name().1));
        visitor.field("server", FieldValue::Unsigned(frame.server().into()));
        if let Some(told) = frame.told {
            visitor.field("crc", FieldValue::Unsigned(told.into()));
        }
        for pair in frame.data().chunks(2) {
            if let [address, value] = pair {
                visitor.item("address", FieldValue::Unsigned(u64::from(*address)));
                visitor.item("value", FieldValue::Unsigned(u64::from(*value)));
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let frame = &self.0;
        let (verb, name) = self.verb_and_name();
        let outcome = if self.kind() == Kind::Response { Outcome::Done } else { Outcome::Asked };
        let unit = Some(frame.server().into());
        let template = Operation {
            verb,
            function: frame.header.into(),
            name,
            unit,
            points: None,
            values: None,
            outcome,
        };
        // Checked back is what was asked before.
        let echoes = frame.header == frame::CHECKBACK;
        for pair in frame.data().chunks(2) {
            if let [address, value] = pair {
                let place = u64::from(*address);
                let bytes = core::slice::from_ref(value);
                let values = Values { bytes, encoding: Encoding::Unsigned8, count: 1, stride: 1 };
                each(&Operation {
                    points: Some(PointRange { space: SPACE, first: place, last: place }),
                    values: (!echoes).then_some(values),
                    ..template
                });
            }
        }
        if frame.data().len() < 2 {
            each(&template);
        }
    }
}
