//! One frame.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Values, Verb, operation::Encoding};

use crate::{
    cursor::Cursor,
    message::{Body, FieldValue, FieldVisitor},
};

/// What a frame id stands for (6-10 table 24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Clock synchronisation.
    Clock,
    /// Cyclic data.
    Cyclic,
    /// An alarm.
    Alarm,
    /// A part of a frame.
    Fragment,
    /// Nothing that is known.
    Reserved,
}

impl Class {
    const fn of(id: u16) -> Self {
        match id {
            0x0000..=0x00ff | 0xff00..=0xff43 => Self::Clock,
            0x0100..=0x0fff | 0x8000..=0xfbff => Self::Cyclic,
            0xfc01 | 0xfe01 | 0xfc41 | 0xfe41 => Self::Alarm,
            0xff80..=0xff8f => Self::Fragment,
            _ => Self::Reserved,
        }
    }
}

/// The header of an alarm (6-10 clause 4.7.1), as far as it is there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alarm {
    to: Option<u16>,
    from: Option<u16>,
    /// 1 data, 2 negative answer, 3 acknowledgement, 4 error.
    of: Option<u8>,
    sequence: Option<u16>,
    /// Whether all of it is there.
    pub(super) whole: bool,
    /// Of an alarm notification: its type, slot and sub-slot.
    what: Option<(u16, u16, u16)>,
}

impl Alarm {
    fn read(cursor: &mut Cursor<'_>) -> Self {
        let mut alarm = Self::default();
        alarm.whole = alarm.header(cursor).is_some();
        alarm.what = Self::notification(cursor);
        alarm
    }

    fn header(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        self.to = Some(cursor.u16()?);
        self.from = Some(cursor.u16()?);
        self.of = Some(cursor.u8()? & 0x0f);
        let _flags = cursor.u8()?;
        self.sequence = Some(cursor.u16()?);
        let (_acknowledged, _length) = (cursor.u16()?, cursor.u16()?);
        Some(())
    }

    /// Block type (1 high, 2 low priority), its length, version; the type of alarm, API, slot, sub-slot.
    fn notification(cursor: &mut Cursor<'_>) -> Option<(u16, u16, u16)> {
        let (block, _length, _version, of) = (cursor.u16()?, cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let (_api, slot, sub) = (cursor.u32()?, cursor.u16()?, cursor.u16()?);
        matches!(block, 1 | 2).then_some((of, slot, sub))
    }
}

/// A frame as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) id: u16,
    pub(super) class: Class,
    /// Cyclic: the data with its padding; else all there is.
    data: &'a [u8],
    /// Cyclic: cycle counter, data status, transfer status.
    status: Option<(u16, u8, u8)>,
    pub(super) alarm: Option<Alarm>,
}

impl<'a> Frame<'a> {
    pub(super) fn read(octets: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let id = cursor.u16()?;
        let class = Class::of(id);
        let mut frame = Self { id, class, data: cursor.rest(), status: None, alarm: None };
        match class {
            Class::Cyclic => {
                let (data, status) = frame.data.split_last_chunk::<4>()?;
                let [high, low, data_status, transfer] = *status;
                (frame.data, frame.status) =
                    (data, Some((u16::from_be_bytes([high, low]), data_status, transfer)));
            }
            Class::Alarm => frame.alarm = Some(Alarm::read(&mut cursor)),
            Class::Clock | Class::Fragment | Class::Reserved => {}
        }
        Some(frame)
    }
}

impl Body for Frame<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut number = |key, value| visitor.field(key, FieldValue::Unsigned(value));
        number("frame_id", u64::from(self.id));
        number("data_length", self.data.len() as u64);
        if let Some((cycle, data, transfer)) = self.status {
            number("cycle_counter", u64::from(cycle));
            number("data_status", u64::from(data));
            // Bit 4 of the data status (6-10 clause 4.4.2.3).
            number("provider_runs", u64::from(data >> 4 & 1));
            number("transfer_status", u64::from(transfer));
        }
        if let Some(alarm) = self.alarm {
            let mut maybe =
                |key, value: Option<u16>| value.into_iter().for_each(|value| number(key, value.into()));
            maybe("alarm_destination", alarm.to);
            maybe("alarm_source", alarm.from);
            maybe("alarm_pdu_type", alarm.of.map(u16::from));
            maybe("alarm_sequence", alarm.sequence);
            if let Some((of, slot, sub)) = alarm.what {
                number("alarm_type", u64::from(of));
                number("slot", u64::from(slot));
                number("subslot", u64::from(sub));
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, function, name) = match self.class {
            Class::Cyclic => (Verb::Read, 1, "cyclic data"),
            Class::Alarm => (Verb::Diagnose, 2, "alarm"),
            Class::Clock => (Verb::Time, 3, "clock synchronisation"),
            Class::Fragment => (Verb::Read, 4, "fragment"),
            Class::Reserved => (Verb::Unknown, 5, "reserved frame id"),
        };
        let count = u32::try_from(self.data.len()).unwrap_or(0);
        let last = u64::from(count).checked_sub(1).filter(|_| self.class == Class::Cyclic);
        let space = Space { area: 0, block: u32::from(self.id) };
        let points = last.map(|last| PointRange { space, first: 0, last });
        let values =
            points.map(|_| Values { bytes: self.data, encoding: Encoding::Unsigned8, count, stride: 1 });
        each(&Operation { verb, function, name, unit: None, points, values, outcome: Outcome::Reported });
    }
}
