//! What is told of a frame.

use fieldwarden_model::{Operation, Outcome};

use super::{
    frame::Frame,
    opcode::{self, ERROR, FILE, FORWARD, LOGIN, SIGNAL, WRITE_PARAMETERS, WRITE_POINT, WRITE_TABLE},
    points,
};
use crate::message::{Body, FieldValue, FieldVisitor, Kind};

/// A frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameBody<'a> {
    pub(super) frame: Frame<'a>,
    /// Whether it asks.
    pub(super) asks: bool,
    /// What was asked last in this flow.
    pub(super) asked: Option<u8>,
}

impl<'a> FrameBody<'a> {
    pub(super) const fn kind(&self) -> Kind {
        match (self.asks, self.frame.opcode) {
            (true, _) => Kind::Request,
            (false, SIGNAL) => Kind::Report,
            (false, _) => Kind::Response,
        }
    }

    /// Group and unit of the device.
    fn unit(&self) -> u16 {
        let (unit, group) = if self.asks { self.frame.to } else { self.frame.from };
        u16::from_be_bytes([group, unit])
    }

    /// The name of the opcode, or of the step of a file transfer that is asked for.
    fn name(&self, function: u8) -> &'static str {
        match self.frame.data.first() {
            Some(step) if function == FILE && self.frame.opcode == FILE => opcode::file_step(*step),
            _ => opcode::name(function).unwrap_or("unknown opcode"),
        }
    }

    /// What a device further on is asked: opcode and data.
    fn forwarded(&self) -> Option<(u8, &'a [u8])> {
        match (self.frame.opcode, self.frame.data.get(10..)?) {
            (FORWARD, [function, _, data @ ..]) if self.asks => Some((*function, data)),
            _ => None,
        }
    }

    /// The operator of a login; nothing of what stands behind.
    fn operator(&self) -> Option<&'a [u8]> {
        let data = self.frame.data;
        match (self.frame.opcode, data.len()) {
            (LOGIN, 5 | 6 | 11) if self.asks => data.get(..3),
            (LOGIN, 70 | 71 | 76) if self.asks => data.get(..30).map(<[u8]>::trim_ascii_end),
            _ => None,
        }
    }

    /// The path of a file that is opened, or of a directory.
    fn path(&self) -> Option<&'a str> {
        let rest = match (self.frame.opcode, self.frame.data) {
            (FILE, [1, _, rest @ ..]) if self.asks => rest,
            (FILE, [6 | 0x40, rest @ ..]) if self.asks => rest,
            _ => return None,
        };
        let text = rest.split(|octet| *octet == 0).find(|text| !text.is_empty())?;
        core::str::from_utf8(text).ok()
    }

    fn errors(&self) -> impl Iterator<Item = (u8, u8)> {
        let data = if self.frame.opcode == ERROR { self.frame.data } else { &[] };
        data.chunks_exact(2).filter_map(|pair| match pair {
            [code, offset] => Some((*code, *offset)),
            _ => None,
        })
    }
}

impl Body for FrameBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let frame = &self.frame;
        let unsigned = |value: u8| FieldValue::Unsigned(value.into());
        visitor.field("destination_unit", unsigned(frame.to.0));
        visitor.field("destination_group", unsigned(frame.to.1));
        visitor.field("source_unit", unsigned(frame.from.0));
        visitor.field("source_group", unsigned(frame.from.1));
        visitor.field("opcode", unsigned(frame.opcode));
        visitor.field("function", FieldValue::Text(self.name(frame.opcode)));
        visitor.field("data_length", FieldValue::Unsigned(u64::try_from(frame.data.len()).unwrap_or(0)));
        if let Some(operator) = self.operator().and_then(|operator| core::str::from_utf8(operator).ok()) {
            visitor.field("operator", FieldValue::Text(operator));
            visitor.field("logout", FieldValue::Unsigned(frame.data.ends_with(b"LOGOUT").into()));
        }
        if let Some(path) = self.path() {
            visitor.field("path", FieldValue::Text(path));
        }
        if let Some((function, _)) = self.forwarded() {
            visitor.field("forwarded_opcode", unsigned(function));
        }
        if self.asks && matches!(frame.opcode, 8 | WRITE_TABLE | WRITE_POINT | WRITE_PARAMETERS) {
            visitor.field("data", FieldValue::Bytes(frame.data));
        }
        for (code, offset) in self.errors() {
            visitor.item("error_code", unsigned(code));
            visitor.item("error", FieldValue::Text(opcode::error(code)));
            visitor.item("error_offset", unsigned(offset));
        }
        visitor.field("crc", FieldValue::Unsigned(frame.told.into()));
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let frame = &self.frame;
        let refusal = self.errors().next().map(|(code, _)| code);
        let function = match (frame.opcode, self.asked) {
            (ERROR, Some(asked)) => asked,
            (opcode, _) => opcode,
        };
        let outcome = match (refusal, self.kind()) {
            (Some(code), _) => Outcome::Refused(code.into()),
            (None, Kind::Request) => Outcome::Asked,
            (None, Kind::Report) => Outcome::Reported,
            (None, _) => Outcome::Done,
        };
        let template = Operation {
            verb: opcode::verb(function),
            function: function.into(),
            name: self.name(function),
            unit: Some(self.unit()),
            points: None,
            values: None,
            outcome,
        };
        if !self.asks {
            each(&template);
            return;
        }
        points::of(function, frame.data, &mut |points| each(&Operation { points, ..template }));
        if let Some((function, data)) = self.forwarded() {
            let (verb, name) = (opcode::verb(function), opcode::name(function).unwrap_or("unknown opcode"));
            let onward = Operation { verb, name, function: function.into(), unit: None, ..template };
            points::of(function, data, &mut |points| each(&Operation { points, ..onward }));
        }
    }
}
