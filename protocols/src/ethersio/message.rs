//! One datagram: its header, the blocks of data it transfers, or what a station says of itself.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Values, Verb, operation::Encoding};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    datagram::Datagram,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Sink},
    telling::{self, Out, Remarks, place, remark},
};

use super::PROTOCOL;

const MAGIC: &[u8; 4] = b"ESIO";
/// Octets of the header.
const HEADER: usize = 12;

/// Types of telegrams.
const TRANSFER: u16 = 1;
const STATUS: u16 = 2;

/// What every telegram begins with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    kind: u16,
    version: u16,
    length: u16,
    transaction: u16,
}

impl Header {
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let magic = cursor.take(MAGIC.len())?;
        let header = Self {
            kind: cursor.u16()?,
            version: cursor.u16()?,
            length: cursor.u16()?,
            transaction: cursor.u16()?,
        };
        (magic == MAGIC).then_some(header)
    }

    /// Whether type, version and length fit a datagram of so many octets.
    pub(super) fn is_plausible(&self, octets: usize) -> bool {
        matches!(self.kind, TRANSFER | STATUS) && self.version == 0 && usize::from(self.length) == octets
    }
}

/// One block of data.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    number: u32,
    destination: u32,
    /// Octets that it claims.
    length: u16,
    data: &'a [u8],
}

impl<'a> Block<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let (number, destination, length) = (cursor.u32()?, cursor.u32()?, cursor.u16()?);
        Some(Self { number, destination, length, data: cursor.take_up_to(length.into()) })
    }
}

/// A telegram.
struct Telegram<'a> {
    direction: Direction,
    header: Header,
    content: &'a [u8],
}

impl<'a> Telegram<'a> {
    /// Number, station, count and flags of a transfer, and where its blocks begin.
    fn transfer(&self) -> Option<(u32, u32, u8, u8, Cursor<'a>)> {
        let mut cursor = Cursor::new(self.content);
        Some((cursor.u32()?, cursor.u32()?, cursor.u8()?, cursor.u8()?, cursor))
    }

    /// Walks the blocks of a transfer; where it ends before they do.
    fn blocks(&self, each: &mut dyn FnMut(&Block<'a>)) -> Option<usize> {
        let Some((_, _, count, _, mut cursor)) = self.transfer() else { return Some(HEADER) };
        for _ in 0..count {
            let at = HEADER + cursor.offset();
            let Some(block) = Block::read(&mut cursor) else { return Some(at) };
            each(&block);
            if block.data.len() < usize::from(block.length) {
                return Some(at);
            }
        }
        None
    }

    fn fault(&self, octets: usize) -> Option<Anomaly> {
        let Header { kind, length, .. } = self.header;
        if usize::from(length) != octets {
            return Some(Anomaly::malformed("telegram-length", 8, length.into(), telling::number(octets)));
        }
        let short = |at: usize, wanted: usize| {
            Anomaly::malformed(
                "telegram-cut-short",
                place(at),
                telling::number(octets),
                telling::number(wanted),
            )
        };
        match kind {
            TRANSFER => self.blocks(&mut |_| {}).map(|at| short(at, at + 10)),
            STATUS => (self.content.len() < 12).then(|| short(HEADER, HEADER + 12)),
            _ => Some(Anomaly::unsupported("unknown-telegram", 4, kind.into())),
        }
    }

    fn status_fields(&self, out: &mut Out<'_>) -> Option<()> {
        let mut cursor = Cursor::new(self.content);
        out.number("status_type", cursor.u16()?);
        out.number("status_length", cursor.u16()?);
        out.number("source_station", cursor.u32()?);
        for key in ["station_status", "lost_telegrams", "diagnostics", "status_flags"] {
            out.number(key, cursor.u8()?);
        }
        Some(())
    }
}

impl Body for Telegram<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut out = Out(visitor);
        out.number("type", self.header.kind);
        out.number("transaction", self.header.transaction);
        match self.header.kind {
            TRANSFER => {
                let Some((telegram, station, count, flags, _)) = self.transfer() else { return };
                out.number("telegram", telegram);
                out.number("source_station", station);
                out.number("block_count", count);
                out.number("transfer_flags", flags);
                self.blocks(&mut |block| {
                    out.item("block", block.number);
                    out.item("destination_station", block.destination);
                    out.item("data_length", block.length);
                    out.0.item("data", FieldValue::Bytes(block.data));
                });
            }
            STATUS => {
                let _ = self.status_fields(&mut out);
            }
            _ => out.octets("data", self.content),
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let function = self.header.kind.into();
        let outcome = Outcome::Reported;
        let mut plain = |verb, name| {
            each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
        };
        match self.header.kind {
            TRANSFER => {}
            STATUS => return plain(Verb::Diagnose, "status of a station"),
            _ => return plain(Verb::Unknown, "unknown telegram"),
        }
        // Data goes both ways; what goes to the station that is asked is output.
        let verb = if self.direction == Direction::ToServer { Verb::Write } else { Verb::Read };
        self.blocks(&mut |block| {
            let count = u32::try_from(block.data.len()).unwrap_or(0);
            let space = Space { area: 0, block: block.number };
            let points = u64::from(count).checked_sub(1).map(|last| PointRange { space, first: 0, last });
            let values =
                points.map(|_| Values { bytes: block.data, encoding: Encoding::Unsigned8, count, stride: 1 });
            let unit = u16::try_from(block.destination).ok();
            each(&Operation { verb, function, name: "data transfer", unit, points, values, outcome });
        });
    }
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stations;

impl Datagram for Stations {
    fn tell(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) -> bool {
        let Some(header) = Header::read(octets) else { return false };
        let whole = octets.get(..usize::from(header.length).max(HEADER)).unwrap_or(octets);
        let telegram = Telegram { direction, header, content: whole.get(HEADER..).unwrap_or_default() };
        let mut remarks = Remarks::new();
        if let Some(fault) = telegram.fault(octets.len()) {
            remark(&mut remarks, fault);
        }
        telling::tell(PROTOCOL, Kind::Report, direction, &remarks, &telegram, sink);
        true
    }
}
