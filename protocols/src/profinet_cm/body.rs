//! A call as others see it.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Verb};

use super::{
    block::{self, Block, Record},
    notation::AREA_RECORD,
};
use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    dcerpc::{Connectionless, Uuid},
    message::{Body, FieldValue, FieldVisitor},
};

/// Operations of the interface (IEC 61158-6-10 §4.10.3).
const CONNECT: u16 = 0;
const RELEASE: u16 = 1;
const READ: u16 = 2;
const WRITE: u16 = 3;
const CONTROL: u16 = 4;
const READ_IMPLICIT: u16 = 5;

/// Octets of the arguments before the blocks.
const ARGUMENTS: usize = 20;

/// One call or its answer.
pub(super) struct Call<'a> {
    request: bool,
    operation: u16,
    /// PNIOStatus of an answer: error code, decode, code 1, code 2.
    status: Option<u32>,
    /// ArgsLength, and the octets that are there.
    told: Option<(u32, usize)>,
    blocks: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads the stub of a request or a response.
    pub(super) fn read(header: &Connectionless<'_>, stub: &'a [u8]) -> Self {
        let request = header.packet == 0;
        let mut cursor = Cursor::new(stub);
        let mut number = || if header.little { cursor.u32_le() } else { cursor.u32() };
        let (first, length) = (number(), number());
        let there = stub.get(ARGUMENTS..).unwrap_or_default();
        let wanted = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        Self {
            request,
            operation: header.operation,
            status: first.filter(|_| !request),
            told: length.map(|length| (length, there.len())),
            blocks: there.get(..wanted).unwrap_or(there),
        }
    }

    /// Whether it asks.
    pub(super) const fn is_request(&self) -> bool {
        self.request
    }

    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<Anomaly> {
        let Some((length, there)) = self.told else {
            return Some(Anomaly::malformed("arguments-short", 0, 0, 20));
        };
        let there = u64::try_from(there).unwrap_or(u64::MAX);
        if u64::from(length) > there {
            return Some(Anomaly::malformed("arguments-length", 4, length.into(), there));
        }
        let whole = block::walk(self.blocks, &mut |_| {});
        (!whole).then(|| Anomaly::malformed("block-length", 20, length.into(), 0))
    }

    /// Verb and name of the operation.
    fn named(&self) -> (Verb, &'static str) {
        match self.operation {
            CONNECT => (Verb::Associate, "connect"),
            RELEASE => (Verb::Associate, "release"),
            READ => (Verb::Read, "read record"),
            WRITE => (Verb::Write, "write record"),
            CONTROL => self.control(),
            READ_IMPLICIT => (Verb::Discover, "read record without relation"),
            _ => (Verb::Unknown, "unknown operation"),
        }
    }

    /// Control is told apart by its block (IEC 61158-6-10 §5.2.4).
    fn control(&self) -> (Verb, &'static str) {
        let mut kind = 0;
        block::walk(self.blocks, &mut |block| {
            if kind == 0 {
                kind = block.kind & 0x7fff;
            }
        });
        match kind {
            0x0110 | 0x0111 => (Verb::Configure, "end of parameters"),
            0x0112 | 0x0113 => (Verb::Associate, "application ready"),
            0x0114 => (Verb::Associate, "release"),
            0x0116 => (Verb::Associate, "ready for companion"),
            0x0117 => (Verb::Associate, "ready for class 3"),
            0x0118 => (Verb::Configure, "begin of parameters"),
            _ => (Verb::Unknown, "control"),
        }
    }

    fn outcome(&self) -> Outcome {
        match (self.request, self.status) {
            (true, _) => Outcome::Asked,
            (false, None | Some(0)) => Outcome::Done,
            (false, Some(status)) => Outcome::Refused(status),
        }
    }
}

impl Record {
    fn points(&self) -> PointRange {
        let block = u32::from(self.slot) << 16 | u32::from(self.subslot);
        let index = u64::from(self.api) << 16 | u64::from(self.index);
        PointRange { space: Space { area: AREA_RECORD, block }, first: index, last: index }
    }
}

impl Body for Call<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("operation", FieldValue::Unsigned(self.operation.into()));
        visitor.field("operation_name", FieldValue::Text(self.named().1));
        if let Some(status) = self.status {
            let [code, decode, first, second] = status.to_be_bytes();
            visitor.field("error_code", FieldValue::Unsigned(code.into()));
            visitor.field("error_decode", FieldValue::Unsigned(decode.into()));
            visitor.field("error_code1", FieldValue::Unsigned(first.into()));
            visitor.field("error_code2", FieldValue::Unsigned(second.into()));
        }
        block::walk(self.blocks, &mut |block| fields(block, visitor));
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = self.named();
        let function = self.operation.into();
        let whole = Operation {
            verb,
            function,
            name,
            unit: None,
            points: None,
            values: None,
            outcome: self.outcome(),
        };
        let mut any = false;
        block::walk(self.blocks, &mut |block| {
            // The record that is a list of writes is not one itself.
            let Some(record) = block.record().filter(|record| record.index != 0xe040) else { return };
            any = true;
            let outcome = match record.status {
                Some(0) | None => whole.outcome,
                Some(status) => Outcome::Refused(status),
            };
            each(&Operation { points: Some(record.points()), outcome, ..whole });
        });
        if !any {
            each(&whole);
        }
    }
}

fn fields(block: &Block<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.item("block_type", FieldValue::Unsigned(block.kind.into()));
    let mut cursor = Cursor::new(block.content);
    match block.kind {
        block::RELATION => relation(&mut cursor, visitor),
        block::RELATION_ANSWER => {
            let (kind, relation) = (cursor.u16(), Uuid::read(&mut cursor, false));
            if let Some((kind, relation)) = kind.zip(relation) {
                visitor.item("relation_type", FieldValue::Unsigned(kind.into()));
                visitor.item("relation", FieldValue::Text(&relation.text()));
            }
        }
        block::CYCLIC => {
            let kind = cursor.u16();
            let _ = cursor.skip(10);
            if let Some((kind, frame)) = kind.zip(cursor.u16()) {
                visitor.item("cyclic_type", FieldValue::Unsigned(kind.into()));
                visitor.item("frame_id", FieldValue::Unsigned(frame.into()));
            }
        }
        block::CYCLIC_ANSWER => {
            let kind = cursor.u16();
            let _ = cursor.skip(2);
            if let Some((kind, frame)) = kind.zip(cursor.u16()) {
                visitor.item("cyclic_type", FieldValue::Unsigned(kind.into()));
                visitor.item("frame_id", FieldValue::Unsigned(frame.into()));
            }
        }
        0x0110..=0x0118 | 0x8110..=0x8118 => {
            let _ = cursor.skip(2);
            if let Some(relation) = Uuid::read(&mut cursor, false) {
                visitor.item("relation", FieldValue::Text(&relation.text()));
            }
            let _ = cursor.skip(4);
            if let Some(command) = cursor.u16() {
                visitor.item("control_command", FieldValue::Unsigned(command.into()));
            }
        }
        _ => {}
    }
    if let Some(record) = block.record() {
        visitor.item("sequence", FieldValue::Unsigned(record.sequence.into()));
        visitor.item("api", FieldValue::Unsigned(record.api.into()));
        visitor.item("slot", FieldValue::Unsigned(record.slot.into()));
        visitor.item("subslot", FieldValue::Unsigned(record.subslot.into()));
        visitor.item("index", FieldValue::Unsigned(record.index.into()));
        visitor.item("record_length", FieldValue::Unsigned(record.length.into()));
        if let Some(status) = record.status.filter(|status| *status != 0) {
            visitor.item("record_status", FieldValue::Unsigned(status.into()));
        }
        if !block.record.is_empty() && record.index != 0xe040 {
            visitor.item("record_data", FieldValue::Bytes(block.record));
        }
    }
}

/// Who wants an application relation, and as what.
fn relation(cursor: &mut Cursor<'_>, visitor: &mut dyn FieldVisitor) {
    let (kind, relation) = (cursor.u16(), Uuid::read(cursor, false));
    let Some((kind, relation)) = kind.zip(relation) else { return };
    visitor.item("relation_type", FieldValue::Unsigned(kind.into()));
    visitor.item("relation", FieldValue::Text(&relation.text()));
    let (session, initiator) = (cursor.u16(), cursor.take(6));
    if let Some((session, initiator)) = session.zip(initiator) {
        visitor.item("session_key", FieldValue::Unsigned(session.into()));
        visitor.item("initiator_mac", FieldValue::Bytes(initiator));
    }
    let _ = cursor.skip(16 + 4 + 2 + 2);
    if let Some(name) = cursor.u16().and_then(|length| cursor.take(length.into())) {
        let name = core::str::from_utf8(name).map_or(FieldValue::Bytes(name), FieldValue::Text);
        visitor.item("initiator_name", name);
    }
}
