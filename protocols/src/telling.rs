//! What the folders of protocols share when they tell a message: its remarks, its kind, its fields.

#![allow(dead_code, reason = "folders take what they need")]

use crate::{
    anomaly::{Anomaly, Blame},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

/// Anomalies kept per message; what is found beyond adds nothing to the verdict.
pub(crate) const MAX_REMARKS: usize = 8;

/// The anomalies of one message.
pub(crate) type Remarks = heapless::Vec<Anomaly, MAX_REMARKS>;

/// Adds `anomaly` while there is room.
pub(crate) fn remark(remarks: &mut Remarks, anomaly: Anomaly) {
    let _ = remarks.push(anomaly);
}

/// A count of octets, as anomalies carry it.
pub(crate) fn number(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// A place within a message, as anomalies carry it.
pub(crate) fn place(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// Hands a message on; as [`Kind::Anomaly`] where a remark says that the peer broke its rules.
pub(crate) fn tell(
    protocol: Protocol,
    kind: Kind,
    direction: Direction,
    remarks: &Remarks,
    body: &dyn Body,
    sink: &mut dyn Sink,
) {
    let broken = remarks.iter().any(|remark| remark.blame == Blame::Malformed);
    let kind = if broken { Kind::Anomaly } else { kind };
    sink.message(&Message { protocol, kind, direction, anomalies: remarks, body });
}

/// The kind of a message that is a question in one direction and an answer in the other.
pub(crate) const fn asks_or_answers(direction: Direction) -> Kind {
    match direction {
        Direction::ToServer => Kind::Request,
        Direction::ToClient => Kind::Response,
    }
}

/// Spells fields.
pub(crate) struct Out<'a>(pub(crate) &'a mut dyn FieldVisitor);

impl Out<'_> {
    /// A number.
    pub(crate) fn number(&mut self, key: &'static str, value: impl Into<u64>) {
        self.0.field(key, FieldValue::Unsigned(value.into()));
    }

    /// A number, if it was there.
    pub(crate) fn maybe(&mut self, key: &'static str, value: Option<impl Into<u64>>) {
        if let Some(value) = value {
            self.number(key, value);
        }
    }

    /// A number of a list.
    pub(crate) fn item(&mut self, key: &'static str, value: impl Into<u64>) {
        self.0.item(key, FieldValue::Unsigned(value.into()));
    }

    /// Octets, unless there are none.
    pub(crate) fn octets(&mut self, key: &'static str, value: &[u8]) {
        if !value.is_empty() {
            self.0.field(key, FieldValue::Bytes(value));
        }
    }

    /// A word of ours.
    pub(crate) fn word(&mut self, key: &'static str, value: &str) {
        self.0.field(key, FieldValue::Text(value));
    }

    /// A text of the peer; octets where it is none.
    pub(crate) fn text(&mut self, key: &'static str, value: &[u8]) {
        self.0.field(key, spelled(value));
    }

    /// A text of a list.
    pub(crate) fn text_item(&mut self, key: &'static str, value: &[u8]) {
        self.0.item(key, spelled(value));
    }
}

/// A text without the zeros that end it, octets where it is none.
pub(crate) fn spelled(value: &[u8]) -> FieldValue<'_> {
    let end = value.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
    let value = value.get(..end).unwrap_or_default();
    core::str::from_utf8(value).map_or(FieldValue::Bytes(value), FieldValue::Text)
}
