//! One frame.

use core::{fmt::Write as _, net::Ipv4Addr};

use fieldwarden_model::{Operation, Outcome, Verb};

use super::{
    MAX_BLOCKS,
    block::{Block, Blocks},
};
use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    datagram::{Anomalies, note},
    message::{Body, FieldValue, FieldVisitor},
};

/// Services (6-10 clause 4.3.1.3.2).
pub(super) const GET: u8 = 3;
pub(super) const SET: u8 = 4;
pub(super) const IDENTIFY: u8 = 5;
pub(super) const HELLO: u8 = 6;

/// Octets up to the blocks.
const HEADER: usize = 12;

/// The header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) frame_id: u16,
    pub(super) service: u8,
    pub(super) of: u8,
    pub(super) xid: u32,
}

impl Header {
    /// Whether it answers: the lowest bit of the type (6-10 clause 4.3.1.3.3).
    pub(super) const fn answers(self) -> bool {
        self.of & 1 != 0
    }
}

/// A frame as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    header: Header,
    blocks: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the header; what is wrong goes to `anomalies`. `None` where there is none.
    pub(super) fn read(octets: &'a [u8], anomalies: &mut Anomalies) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let header =
            Header { frame_id: cursor.u16()?, service: cursor.u8()?, of: cursor.u8()?, xid: cursor.u32()? };
        let (_delay, length) = (cursor.u16()?, cursor.u16()?);
        if !(GET..=HELLO).contains(&header.service) {
            note(anomalies, Anomaly::unsupported("unknown-service", 2, u64::from(header.service)));
        }
        let there = cursor.rest().len();
        if usize::from(length) > there {
            note(anomalies, Anomaly::malformed("length-beyond-frame", 10, u64::from(length), there as u64));
        }
        let frame = Self { header, blocks: cursor.take_up_to(usize::from(length)) };
        let mut blocks = frame.blocks();
        let count = blocks.by_ref().count();
        if blocks.is_cut() {
            let at = u32::try_from(HEADER).unwrap_or(0);
            note(anomalies, Anomaly::malformed("block-cut-short", at, there as u64, u64::from(length)));
        } else if count == MAX_BLOCKS {
            let cap = MAX_BLOCKS as u64;
            note(anomalies, Anomaly::limit("blocks", 0, cap + 1, cap));
        }
        Some(frame)
    }

    fn blocks(&self) -> Blocks<'a> {
        Blocks::new(self.header, self.blocks)
    }

    pub(super) const fn answers(&self) -> bool {
        self.header.answers()
    }

    pub(super) const fn is_hello(&self) -> bool {
        self.header.service == HELLO
    }

    /// What became of what an answer speaks of; the blocks of an answer to a set bring its error (6-10 clause 4.3.1.4.21).
    fn outcome(&self, block: Option<&Block<'_>>) -> Outcome {
        let error =
            block.filter(|block| (block.option, block.sub) == (5, 4)).and_then(|block| block.value.get(2));
        match (self.header.of, error) {
            _ if self.is_hello() => Outcome::Reported,
            (of, _) if of & 1 == 0 => Outcome::Asked,
            (1, None | Some(0)) => Outcome::Done,
            (of, None | Some(0)) => Outcome::Refused(u32::from(of)),
            (_, Some(error)) => Outcome::Refused(u32::from(*error)),
        }
    }
}

fn text(octets: &[u8]) -> FieldValue<'_> {
    core::str::from_utf8(octets).map_or(FieldValue::Bytes(octets), FieldValue::Text)
}

/// The value of a block, under a key of its own.
fn value(block: &Block<'_>, visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(block.value);
    match (block.option, block.sub) {
        (1, 1) => visitor.item("mac_address", FieldValue::Bytes(block.value)),
        (1, 2 | 3) => {
            for key in ["ip_address", "subnet_mask", "gateway"] {
                let Some(word) = cursor.u32() else { return };
                let mut text = heapless::String::<15>::new();
                // An IPv4 address is at most that long.
                let _ = write!(text, "{}", Ipv4Addr::from_bits(word));
                visitor.item(key, FieldValue::Text(&text));
            }
        }
        (2, 1) => visitor.item("station_type", text(block.value)),
        (2, 2) => visitor.item("name_of_station", text(block.value)),
        (2, 3) => {
            let (Some(vendor), Some(device)) = (cursor.u16(), cursor.u16()) else { return };
            visitor.item("vendor_id", FieldValue::Unsigned(u64::from(vendor)));
            visitor.item("device_id", FieldValue::Unsigned(u64::from(device)));
        }
        (2, 4) => {
            let Some(role) = cursor.u8() else { return };
            visitor.item("device_role", FieldValue::Unsigned(u64::from(role)));
        }
        (2, 6) => visitor.item("alias", text(block.value)),
        (5, 4) => {
            let Some(error) = block.value.get(2) else { return };
            visitor.item("block_error", FieldValue::Unsigned(u64::from(*error)));
        }
        _ => {}
    }
}

/// What is set by a block (6-10 clauses 4.3.1.4.1 to 4.3.1.4.8).
const fn set(option: u8, sub: u8) -> (Verb, &'static str) {
    match (option, sub) {
        (1, _) => (Verb::Configure, "set IP address"),
        (2, 2) => (Verb::Configure, "set name of station"),
        (2, _) => (Verb::Configure, "set device properties"),
        (3, _) => (Verb::Configure, "set DHCP parameters"),
        (5, 1 | 2) => (Verb::Associate, "begin or end a transaction"),
        (5, 3) => (Verb::Diagnose, "flash the light"),
        (5, 5 | 6) => (Verb::Mode, "reset to factory settings"),
        _ => (Verb::Configure, "set"),
    }
}

impl Body for Frame<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut number = |key, value| visitor.field(key, FieldValue::Unsigned(value));
        number("frame_id", u64::from(self.header.frame_id));
        number("service_id", u64::from(self.header.service));
        number("service_type", u64::from(self.header.of));
        number("xid", u64::from(self.header.xid));
        for block in self.blocks() {
            visitor.item("option", FieldValue::Unsigned(u64::from(block.option)));
            visitor.item("suboption", FieldValue::Unsigned(u64::from(block.sub)));
            // What is asked for has no value yet.
            if self.header.service != GET || self.answers() {
                value(&block, visitor);
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let service = self.header.service;
        let mut tell = |verb, name, function, outcome| {
            each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
        };
        match service {
            SET => {
                for block in self.blocks() {
                    // An answer names what was set within its block.
                    let (option, sub) = match (block.option, block.sub, block.value) {
                        (5, 4, &[option, sub, ..]) if self.answers() => (option, sub),
                        _ => (block.option, block.sub),
                    };
                    let (verb, name) = set(option, sub);
                    let function = u32::from(option) << 24 | u32::from(sub) << 16 | u32::from(service);
                    tell(verb, name, function, self.outcome(Some(&block)));
                }
            }
            GET => tell(Verb::Discover, "get", u32::from(service), self.outcome(None)),
            IDENTIFY => tell(Verb::Discover, "identify", u32::from(service), self.outcome(None)),
            HELLO => tell(Verb::Discover, "hello", u32::from(service), self.outcome(None)),
            _ => tell(Verb::Unknown, "unknown service", u32::from(service), self.outcome(None)),
        }
    }
}
