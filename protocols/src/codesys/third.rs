//! V3: datagrams, the channel messages in them, and the first block of a service message.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::{Cursor, text},
    dissector::Probe,
    framed::Extent,
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Sink},
};

use super::{MAX_MESSAGE, PROTOCOL, service};

/// The first octet of a datagram.
pub(super) const DATAGRAM: u8 = 0xc5;
/// Octets of the block driver's header, TCP alone.
pub(super) const BLOCK_DRIVER: usize = 8;
/// Its magic number.
const MAGIC: [u8; 4] = [0xe8, 0x17, 0x01, 0x00];

/// The service of a datagram that is a channel message.
const CHANNEL: u8 = 0x40;
/// Channel command: a block of a service message.
const BLOCK: u8 = 0x01;
/// Set in the flags of the first block.
const FIRST: u8 = 0x01;
/// The protocol of a service message: open, and secured.
const OPEN: u16 = 0xcd55;
const SECURED: u16 = 0x7557;
/// Set in the group of an answer.
const ANSWERS: u16 = 0x80;

/// How long the message of a stream is.
pub(super) fn extent(bytes: &[u8]) -> Extent {
    let front = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    if !MAGIC.starts_with(front) {
        return Extent::No;
    }
    let mut cursor = Cursor::new(bytes);
    let length = cursor.skip(MAGIC.len()).and_then(|()| cursor.u32_le());
    match length.map(usize::try_from) {
        None => Extent::Need(BLOCK_DRIVER),
        Some(Ok(length)) if (BLOCK_DRIVER + 6..=MAX_MESSAGE).contains(&length) => Extent::Whole(length),
        Some(_) => Extent::No,
    }
}

/// Whether a stream begins with a message of V3.
pub(super) fn probe_stream(bytes: &[u8]) -> Probe {
    match (extent(bytes), bytes.get(BLOCK_DRIVER)) {
        (Extent::Need(octets), _) => Probe::Need(octets),
        (Extent::Whole(_), Some(&DATAGRAM)) => Probe::Certain,
        (Extent::Whole(_), None) => Probe::Need(BLOCK_DRIVER + 1),
        _ => Probe::No,
    }
}

/// Whether a datagram is one of V3.
pub(super) fn probe_datagram(bytes: &[u8]) -> Probe {
    match Unit::read(Direction::ToServer, bytes) {
        Some(unit) if unit.service.is_some() => Probe::Certain,
        Some(unit) if unit.is_known() => Probe::Possible,
        _ => Probe::No,
    }
}

/// The first block of a service message.
#[derive(Clone, Copy, Debug)]
struct Service<'a> {
    protocol: u16,
    group: u16,
    service: u16,
    session: u32,
    content: u32,
    tags: &'a [u8],
}

struct Unit<'a> {
    direction: Direction,
    service_id: u8,
    receiver: &'a [u8],
    sender: &'a [u8],
    /// Of a name service: what it asks or tells.
    name_command: Option<u16>,
    /// Of a channel message: its command, flags and channel.
    channel: Option<(u8, u8, u16)>,
    block: Option<u32>,
    service: Option<Service<'a>>,
    data: &'a [u8],
}

impl<'a> Unit<'a> {
    fn read(direction: Direction, datagram: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(datagram);
        let (magic, hops) = (cursor.u8()?, cursor.u8()?);
        cursor.skip(1)?;
        let service_id = cursor.u8()?;
        cursor.skip(1)?;
        let lengths = cursor.u8()?;
        // The header counts its own length in words of two octets, and so do the addresses.
        if magic != DATAGRAM || hops & 7 != 3 {
            return None;
        }
        let receiver = cursor.take(usize::from(lengths & 0x0f) * 2)?;
        let sender = cursor.take(usize::from(lengths >> 4) * 2)?;
        cursor.skip(cursor.offset().wrapping_neg() % 4)?;
        let data = cursor.rest();
        let (name_command, channel, block, service) = (None, None, None, None);
        let mut unit =
            Self { direction, service_id, receiver, sender, name_command, channel, block, service, data };
        match service_id {
            3 | 4 => unit.name_command = cursor.u16_le(),
            CHANNEL => {
                unit.read_channel(&mut cursor);
            }
            _ => {}
        }
        Some(unit)
    }

    fn read_channel(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        let (command, flags) = (cursor.u8()?, cursor.u8()?);
        let channel = cursor.u16_le()?;
        self.channel = Some((command, flags, channel));
        if command != BLOCK {
            return Some(());
        }
        self.block = Some(cursor.u32_le()?);
        cursor.skip(4)?;
        if flags & FIRST == 0 {
            return Some(());
        }
        cursor.skip(8)?;
        let protocol = cursor.u16_le()?;
        let header = usize::from(cursor.u16_le()?);
        if !matches!(protocol, OPEN | SECURED) || header < 12 {
            return None;
        }
        let (group, service) = (cursor.u16_le()?, cursor.u16_le()?);
        let (session, content) = (cursor.u32_le()?, cursor.u32_le()?);
        cursor.skip(header - 12)?;
        self.service = Some(Service { protocol, group, service, session, content, tags: cursor.rest() });
        Some(())
    }

    /// Whether the datagram's service and the channel's command are ones that are known.
    fn is_known(&self) -> bool {
        match (self.service_id, self.channel) {
            (1..=4, _) => true,
            (CHANNEL, Some((command, ..))) => matches!(command, 1..=3 | 0x82 | 0x83 | 0xc2..=0xc4),
            _ => false,
        }
    }

    fn name(&self) -> (Verb, &'static str) {
        if let Some(found) = self.service {
            return service::of(found.group & !ANSWERS, found.service);
        }
        match (self.service_id, self.channel, self.name_command) {
            (1 | 2, ..) => (Verb::Discover, "address service"),
            (3 | 4, _, Some(0xc280)) => (Verb::Discover, "device information"),
            (3 | 4, ..) => (Verb::Discover, "name service"),
            (CHANNEL, Some((BLOCK, ..)), _) => (Verb::Transfer, "continue service"),
            (CHANNEL, Some((0x02, ..)), _) => (Verb::Associate, "acknowledge"),
            (CHANNEL, Some((0x03, ..)), _) => (Verb::Associate, "keep alive"),
            (CHANNEL, Some((0x82 | 0xc2, ..)), _) => (Verb::Discover, "channel information"),
            (CHANNEL, Some((0x83 | 0xc3, ..)), _) => (Verb::Associate, "open channel"),
            (CHANNEL, Some((0xc4, ..)), _) => (Verb::Associate, "close channel"),
            _ => (Verb::Unknown, "unknown datagram"),
        }
    }

    fn function(&self) -> u32 {
        match (self.service, self.channel) {
            (Some(found), _) => u32::from(found.service) << 16 | u32::from(found.group & !ANSWERS),
            (None, Some((command, ..))) => 0x400 | u32::from(command),
            (None, None) => 0x300 | u32::from(self.service_id),
        }
    }

    fn answers(&self) -> bool {
        match (self.service, self.channel) {
            (Some(found), _) => found.group & ANSWERS != 0,
            (None, Some((0x82 | 0x83, ..))) => true,
            (None, Some((0xc2..=0xc4, ..))) => false,
            _ => self.direction == Direction::ToClient,
        }
    }

    /// The name under which somebody logs in: tag 0x10 in tag 0x81 (Kaspersky, part 2).
    fn user(&self) -> Option<&'a str> {
        let found = self.service?;
        if found.protocol != OPEN || (found.group, found.service) != (1, 2) {
            return None;
        }
        let login = tag(found.tags, 0x81)?;
        tag(login, 0x10).map(text).filter(|name| !name.is_empty())
    }
}

/// The content of the first tag of this number.
fn tag(mut tags: &[u8], wanted: u32) -> Option<&[u8]> {
    while !tags.is_empty() {
        let mut cursor = Cursor::new(tags);
        let (number, length) = (seven_bits(&mut cursor)?, seven_bits(&mut cursor)?);
        let content = cursor.take(usize::try_from(length).ok()?)?;
        if number == wanted {
            return Some(content);
        }
        tags = cursor.rest();
    }
    None
}

/// A number in groups of seven bits, the lowest first.
fn seven_bits(cursor: &mut Cursor<'_>) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..32).step_by(7) {
        let octet = cursor.u8()?;
        number |= u32::from(octet & 0x7f).checked_shl(shift)?;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

impl Body for Unit<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("version", FieldValue::Unsigned(3));
        visitor.field("datagram_service", FieldValue::Unsigned(self.service_id.into()));
        visitor.field("receiver", FieldValue::Bytes(self.receiver));
        visitor.field("sender", FieldValue::Bytes(self.sender));
        if let Some(command) = self.name_command {
            visitor.field("name_command", FieldValue::Unsigned(command.into()));
        }
        if let Some((command, _, channel)) = self.channel {
            visitor.field("channel_command", FieldValue::Unsigned(command.into()));
            if matches!(command, BLOCK..=3) {
                visitor.field("channel", FieldValue::Unsigned(channel.into()));
            }
        }
        if let Some(block) = self.block {
            visitor.field("block", FieldValue::Unsigned(block.into()));
        }
        if let Some(found) = self.service {
            visitor.field("secured", FieldValue::Unsigned((found.protocol == SECURED).into()));
            visitor.field("service_group", FieldValue::Unsigned((found.group & !ANSWERS).into()));
            visitor.field("service", FieldValue::Unsigned(found.service.into()));
            visitor.field("service_name", FieldValue::Text(self.name().1));
            visitor.field("session", FieldValue::Unsigned(found.session.into()));
            visitor.field("content_length", FieldValue::Unsigned(found.content.into()));
            if let Some(user) = self.user() {
                visitor.field("user", FieldValue::Text(user));
            }
        } else if self.channel.is_none() && !self.data.is_empty() {
            visitor.field("data", FieldValue::Bytes(self.data));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = self.name();
        let outcome = if self.answers() { Outcome::Done } else { Outcome::Asked };
        let function = self.function();
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}

/// Tells one datagram.
pub(super) fn tell(direction: Direction, datagram: &[u8], sink: &mut dyn Sink) {
    let Some(unit) = Unit::read(direction, datagram) else {
        let first = datagram.first().copied().unwrap_or_default();
        let anomalies = [Anomaly::malformed("no-datagram", 0, first.into(), DATAGRAM.into())];
        let body = Unknown(datagram);
        sink.message(&Message {
            protocol: PROTOCOL,
            kind: Kind::Anomaly,
            direction,
            anomalies: &anomalies,
            body: &body,
        });
        return;
    };
    let mut anomalies = heapless::Vec::<Anomaly, 1>::new();
    if !unit.is_known() {
        let (code, got) = match unit.channel {
            Some((command, ..)) => ("unknown-channel-command", command),
            None => ("unknown-datagram-service", unit.service_id),
        };
        let _ = anomalies.push(Anomaly::unsupported(code, 3, got.into()));
    }
    let kind = if unit.answers() { Kind::Response } else { Kind::Request };
    sink.message(&Message { protocol: PROTOCOL, kind, direction, anomalies: &anomalies, body: &unit });
}

/// What is no datagram.
struct Unknown<'a>(&'a [u8]);

impl Body for Unknown<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("version", FieldValue::Unsigned(3));
        visitor.field("data", FieldValue::Bytes(self.0));
    }

    fn operations(&self, _: &mut dyn FnMut(&Operation<'_>)) {}
}
