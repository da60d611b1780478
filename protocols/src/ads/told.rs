//! What a message tells: its fields and operations.

use fieldwarden_model::{Operation, Outcome, PointRange, Values, operation::Encoding};

use crate::{
    Cursor,
    message::{Body, FieldValue, FieldVisitor, Kind},
    telling::Out,
};

use super::{
    command::{self, describe},
    discovery::Datagram,
    frame::Ams,
    notation,
    pending::{Asked, Pending},
};

/// The data of a message, as far as they could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content<'a> {
    pub(super) group: Option<u32>,
    pub(super) offset: Option<u32>,
    /// Octets to be read.
    pub(super) length: Option<u32>,
    /// Of an answer.
    pub(super) result: Option<u32>,
    /// The state of ADS, asked for or told.
    pub(super) state: Option<u16>,
    pub(super) device_state: Option<u16>,
    /// Octets written or read.
    pub(super) data: &'a [u8],
    /// Whether all of it was there.
    pub(super) whole: bool,
}

impl<'a> Content<'a> {
    /// Reads the data of a message.
    pub(super) fn read(ams: &Ams<'a>) -> Self {
        let mut content = Self::default();
        let mut cursor = Cursor::new(ams.data);
        let whole = match (ams.command, ams.answers()) {
            (command::NOTIFICATION, _) => content.rest(&mut cursor),
            (_, true) => content.answer(ams.command, &mut cursor),
            (_, false) => content.question(ams.command, &mut cursor),
        };
        content.whole = whole.is_some();
        content
    }

    fn rest(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        self.data = cursor.rest();
        Some(())
    }

    fn question(&mut self, command: u16, cursor: &mut Cursor<'a>) -> Option<()> {
        match command {
            command::READ | command::WRITE | command::READ_WRITE | command::ADD_NOTIFICATION => {
                self.group = Some(cursor.u32_le()?);
                self.offset = Some(cursor.u32_le()?);
                let length = cursor.u32_le()?;
                match command {
                    command::WRITE => self.counted(length, cursor)?,
                    command::READ_WRITE => {
                        self.length = Some(length);
                        let written = cursor.u32_le()?;
                        self.counted(written, cursor)?;
                    }
                    _ => self.length = Some(length),
                }
            }
            command::WRITE_CONTROL => {
                (self.state, self.device_state) = (Some(cursor.u16_le()?), Some(cursor.u16_le()?));
                let length = cursor.u32_le()?;
                self.counted(length, cursor)?;
            }
            _ => self.rest(cursor)?,
        }
        Some(())
    }

    fn answer(&mut self, command: u16, cursor: &mut Cursor<'a>) -> Option<()> {
        self.result = Some(cursor.u32_le()?);
        match command {
            command::READ | command::READ_WRITE => {
                let length = cursor.u32_le()?;
                self.counted(length, cursor)
            }
            command::READ_STATE => {
                (self.state, self.device_state) = (Some(cursor.u16_le()?), Some(cursor.u16_le()?));
                Some(())
            }
            _ => self.rest(cursor),
        }
    }

    fn counted(&mut self, length: u32, cursor: &mut Cursor<'a>) -> Option<()> {
        let length = usize::try_from(length).ok()?;
        self.data = cursor.take_up_to(length);
        (self.data.len() == length).then_some(())
    }

    /// What is touched: so many octets as are read or written.
    pub(super) fn points(&self, ams: &Ams<'_>) -> Option<PointRange> {
        let octets = match ams.command {
            command::WRITE => u32::try_from(self.data.len()).ok(),
            _ => self.length,
        };
        Some(notation::point(ams.served_port(), self.group?, self.offset?, octets?))
    }
}

/// A message.
pub(super) struct Told<'a> {
    pub(super) ams: Ams<'a>,
    pub(super) content: Content<'a>,
    pub(super) asked: Option<Asked>,
    pub(super) pending: &'a Pending,
}

impl Body for Told<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut out = Out(visitor);
        let (ams, content) = (&self.ams, &self.content);
        out.octets("target_net_id", ams.target);
        out.number("target_port", ams.target_port);
        out.octets("source_net_id", ams.source);
        out.number("source_port", ams.source_port);
        out.number("command", ams.command);
        out.number("state_flags", ams.flags);
        if ams.error != 0 {
            out.number("error", ams.error);
        }
        out.number("invoke_id", ams.invoke_id);
        out.maybe("result", content.result);
        out.maybe("index_group", content.group);
        out.maybe("index_offset", content.offset);
        out.maybe("length", content.length);
        out.maybe("ads_state", content.state);
        out.maybe("device_state", content.device_state);
        let names = matches!(content.group, Some(command::SYMBOL_HANDLE | command::SYMBOL_VALUE));
        if names && ams.command == command::READ_WRITE {
            out.text("symbol", content.data);
        } else if ams.command == command::NOTIFICATION {
            let _ = samples(content.data, &mut |handle, octets| {
                out.item("handles", handle);
                out.0.item("data", FieldValue::Bytes(octets));
            });
        } else {
            out.octets("data", content.data);
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (ams, content) = (&self.ams, &self.content);
        let asked = self.asked.as_ref();
        let group = content.group.or(asked.and_then(|asked| asked.group));
        let state = match ams.command {
            command::WRITE_CONTROL => content.state.or(asked.and_then(|asked| asked.state)),
            _ => None,
        };
        let (verb, name) = describe(ams.command, ams.served_port(), group, state);
        let failure = if ams.error != 0 { ams.error } else { content.result.unwrap_or(0) };
        let outcome = match ams.answers() {
            false => Outcome::Asked,
            true if failure != 0 => Outcome::Refused(failure),
            true => Outcome::Done,
        };
        let function = u32::from(state.unwrap_or(0)) << 16 | u32::from(ams.command);
        let of =
            |points, values, outcome| Operation { verb, function, name, unit: None, points, values, outcome };
        if ams.command == command::NOTIFICATION {
            let mut told = false;
            let _ = samples(content.data, &mut |handle, octets| {
                each(&of(self.pending.notified(handle), Some(values(octets)), Outcome::Reported));
                told = true;
            });
            if !told {
                each(&of(None, None, Outcome::Reported));
            }
            return;
        }
        let points = content.points(ams).or(asked.and_then(|asked| asked.points));
        let carries = match ams.command {
            command::READ => ams.answers(),
            command::WRITE => !ams.answers(),
            command::READ_WRITE => !ams.answers() && group != Some(command::SYMBOL_HANDLE),
            _ => false,
        };
        let values = (carries && !content.data.is_empty()).then(|| values(content.data));
        each(&of(points, values, outcome));
    }
}

/// Values of one, two, four or eight octets are one number, as far as can be told; others are octets.
fn values(bytes: &[u8]) -> Values<'_> {
    let (encoding, width) = match bytes.len() {
        2 => (Encoding::Unsigned16Little, 2),
        4 => (Encoding::Unsigned32Little, 4),
        8 => (Encoding::Unsigned64Little, 8),
        _ => (Encoding::Unsigned8, 1),
    };
    let count = if width == 1 { u32::try_from(bytes.len()).unwrap_or(u32::MAX) } else { 1 };
    Values { bytes, encoding, count, stride: width }
}

/// Walks the samples of a notification: stamps, each with handles and octets.
fn samples<'a>(data: &'a [u8], each: &mut dyn FnMut(u32, &'a [u8])) -> Option<()> {
    let mut cursor = Cursor::new(data);
    cursor.skip(4)?;
    for _ in 0..cursor.u32_le()? {
        cursor.skip(8)?;
        for _ in 0..cursor.u32_le()? {
            let (handle, length) = (cursor.u32_le()?, cursor.u32_le()?);
            each(handle, cursor.take(usize::try_from(length).ok()?)?);
        }
    }
    Some(())
}

/// A datagram of discovery.
pub(super) struct Found<'a>(pub(super) Datagram<'a>);

impl Body for Found<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        self.0.fields(&mut Out(visitor));
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name, kind) = self.0.describe();
        let outcome = if kind == Kind::Request { Outcome::Asked } else { Outcome::Done };
        let function = 256 + (self.0.service & 0xff);
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}
