//! What is told of a frame.

use fieldwarden_model::{Operation, Outcome, Verb};

use super::{
    configuration::{self, Channel, Shape, Station},
    data::Data,
    frame::{COMMAND, DATA, Frame, TEXT},
    layout::Layout,
};
use crate::{
    cursor::Cursor,
    message::{Body, FieldValue, FieldVisitor, Kind},
};

/// A frame, with the stations of its stream as far as they are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameBody<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) layout: &'a Layout,
}

impl<'a> FrameBody<'a> {
    /// Commands ask; configurations and headers answer; data are told.
    pub(super) const fn kind(&self) -> Kind {
        match self.frame.kind {
            COMMAND => Kind::Request,
            DATA => Kind::Report,
            _ => Kind::Response,
        }
    }

    fn stations(&self) -> &'a [Shape] {
        if self.frame.kind == DATA { &self.layout.stations } else { &[] }
    }

    /// The data of each known station of a data frame.
    fn data(&self) -> impl Iterator<Item = Data<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.frame.content);
        let (layout, mut whole) = (self.layout, 0);
        self.stations().iter().map_while(move |shape| {
            let data = Data::read(&mut cursor, *shape, layout, whole)?;
            whole += if shape.float_phasors() { 0 } else { usize::from(shape.phasors) };
            Some(data)
        })
    }
}

impl Body for FrameBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let frame = &self.frame;
        let mut number = |key, number: u32| visitor.field(key, FieldValue::Unsigned(number.into()));
        number("frame_type", frame.kind.into());
        number("version", frame.version.into());
        number("stream_id", frame.id.into());
        number("seconds", frame.seconds);
        number("fraction", frame.fraction & 0x00ff_ffff);
        number("time_quality", frame.fraction >> 24);
        visitor.field("function", FieldValue::Text(frame.name()));
        if let Some(command) = frame.command() {
            visitor.field("command", FieldValue::Unsigned(command.into()));
            visitor.field("command_name", FieldValue::Text(name(command).1));
        }
        if frame.is_configuration() {
            let walked = configuration::walk(frame, |station| tell(&station, visitor));
            visitor.field("stations", FieldValue::Unsigned(walked.announced.into()));
            if let Some(rate) = walked.rate {
                visitor.field("data_rate", FieldValue::Signed(i16::from_be_bytes(rate.to_be_bytes()).into()));
            }
        } else if frame.kind == TEXT {
            text(frame.content, "header", visitor);
        } else if frame.kind == DATA && self.layout.stations.is_empty() {
            visitor.field("data", FieldValue::Bytes(frame.content));
        }
        for data in self.data() {
            data.fields(visitor);
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let frame = &self.frame;
        let command = frame.command();
        let (verb, name) = match (frame.kind, command) {
            (_, Some(command)) => name(command),
            (DATA, _) => (Verb::Read, "data"),
            (0..=5, _) => (Verb::Discover, frame.name()),
            _ => (Verb::Unknown, frame.name()),
        };
        let outcome = match self.kind() {
            Kind::Request => Outcome::Asked,
            Kind::Response => Outcome::Done,
            Kind::Report | Kind::Anomaly => Outcome::Reported,
        };
        let function = u32::from(command.unwrap_or(0)) << 16 | u32::from(frame.kind);
        let unit = Some(frame.id);
        let template = Operation { verb, function, name, unit, points: None, values: None, outcome };
        let mut told = false;
        for data in self.data() {
            told = true;
            each(&data.operation(&template));
        }
        if !told {
            each(&template);
        }
    }
}

/// Verb and name of a command (clause 6.6, table 15).
const fn name(command: u16) -> (Verb, &'static str) {
    match command {
        1 => (Verb::Configure, "turn off transmission"),
        2 => (Verb::Configure, "turn on transmission"),
        3 => (Verb::Discover, "send header"),
        4 => (Verb::Discover, "send configuration 1"),
        5 => (Verb::Discover, "send configuration 2"),
        6 => (Verb::Discover, "send configuration 3"),
        8 => (Verb::Configure, "extended command"),
        _ => (Verb::Unknown, "unknown command"),
    }
}

fn tell(station: &Station<'_>, visitor: &mut dyn FieldVisitor) {
    let shape = &station.shape;
    text(station.name, "station", visitor);
    visitor.item("id_code", FieldValue::Unsigned(shape.id.into()));
    visitor.item("format", FieldValue::Unsigned(shape.format.into()));
    visitor.item("phasors", FieldValue::Unsigned(shape.phasors.into()));
    visitor.item("analogs", FieldValue::Unsigned(shape.analogs.into()));
    visitor.item("digitals", FieldValue::Unsigned(shape.digitals.into()));
    visitor.item("nominal_frequency", FieldValue::Unsigned(shape.nominal.into()));
    station.channels(|channel, name| {
        let key = if channel == Channel::Phasor { "phasor_name" } else { "analog_name" };
        text(name, key, visitor);
    });
}

fn text(octets: &[u8], key: &'static str, visitor: &mut dyn FieldVisitor) {
    match core::str::from_utf8(octets) {
        Ok(text) => visitor.item(key, FieldValue::Text(text.trim_end_matches([' ', '\0']))),
        Err(_) => visitor.item(key, FieldValue::Bytes(octets)),
    }
}
