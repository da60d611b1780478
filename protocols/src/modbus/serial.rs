//! The framings of serial lines carried over TCP as they are: RTU and ASCII (MODBUS over Serial Line V1.02, "SL" below), as
//! serial device servers and some gateways pass them on.
//!
//! ```text
//!  RTU    unit | PDU ... | CRC, low octet first          (SL 2.5.1); the end is found by function and CRC
//!  ASCII  : | unit | PDU ... | LRC | CR LF, in hex digits  (SL 2.5.2)
//! ```

use alloc::boxed::Box;

use crate::{
    anomaly::Anomaly,
    crc::ARC,
    dissector::{Probe, Session},
    framed::{Extent, Framed, FramedSession},
    message::{Body, Direction, FieldValue, FieldVisitor, Kind, Message, Protocol, Sink},
};

use super::{
    check::{self, Anomalies, note},
    classify, fields,
    frame::Header,
    function as f, pdu,
    pending::Asked,
    session::Adu,
    shape::{self, Length},
};

/// The longest RTU frame (SL 2.5.1.1), and the longest ASCII frame: 513 characters (SL 2.5.2.1).
const MAX_RTU: usize = 256;
pub(crate) const MAX_FRAME: usize = 513;
/// Unit and CRC around a PDU.
const AROUND: usize = 3;
/// The least frame: unit, function, CRC.
const MIN_RTU: usize = 4;

/// The octets of one frame, unit first, without its check.
type Octets = heapless::Vec<u8, MAX_RTU>;

/// A frame found at the front of a stream.
enum Found {
    /// One of so many octets, whose check is right or not.
    Whole { length: usize, right: bool },
    /// So many octets must be there before it can be said.
    Need(usize),
    /// None.
    No,
}

/// The session of serial framings.
pub(crate) fn session(protocol: Protocol) -> Box<dyn Session> {
    Box::new(FramedSession(Serial { protocol, asked: None, sound: false }))
}

/// Whether a stream begins with a frame: certain where its check is right and the standard knows its function.
pub(crate) fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    // At a glance, since octets of every other kind come by here.
    if !is_plausible(bytes) {
        return Probe::No;
    }
    match find(direction, bytes) {
        Found::Whole { length, right: true } => {
            let octets = unpack(bytes.get(..length).unwrap_or_default());
            let function = octets.get(1).copied().unwrap_or(0);
            let rest = bytes.get(length..).unwrap_or_default();
            let goes_on = rest.is_empty() || !matches!(find(direction, rest), Found::No);
            let public = f::is_public(function & !f::EXCEPTION_BIT) && is_exact(direction, &octets);
            let known = public && is_sound(direction, function, &octets) && !may_be_roc(&octets);
            if known && goes_on { Probe::Certain } else { Probe::No }
        }
        Found::Need(octets) => Probe::Need(octets),
        _ => Probe::No,
    }
}

/// Whether what there is of a frame may be one of a public function for one unit.
fn is_plausible(bytes: &[u8]) -> bool {
    match bytes {
        [b':', ..] => is_ascii(bytes),
        [unit, function, ..] => *unit <= 247 && f::is_public(*function & !f::EXCEPTION_BIT),
        [unit] => *unit <= 247,
        [] => true,
    }
}

fn is_exact(direction: Direction, octets: &[u8]) -> bool {
    let pdu = octets.get(1..).unwrap_or_default();
    shape::of(direction, pdu) == Length::Exactly(pdu.len())
}

/// Whether a PDU has none of the faults that the standard lets a receiver see.
fn is_sound(direction: Direction, function: u8, octets: &[u8]) -> bool {
    let pdu = octets.get(1..).unwrap_or_default();
    let (content, _) = pdu::parse(direction, function, pdu.get(1..).unwrap_or_default());
    let mut anomalies = Anomalies::new();
    check::pdu(direction, pdu, &content, &mut anomalies);
    anomalies.is_empty()
}

/// Whether a frame may be one of ROC Plus, which has the same CRC: its sixth octet counts the data, of which there are none.
fn may_be_roc(octets: &[u8]) -> bool {
    matches!(octets, [_, 1..=4 | 6, _, _, _, 0])
}

/// A colon and hexadecimal digits, as far as octets are there.
fn is_ascii(bytes: &[u8]) -> bool {
    let digits = bytes.iter().skip(1).take(4);
    bytes.first() == Some(&b':') && digits.clone().all(u8::is_ascii_hexdigit)
}

fn find(direction: Direction, bytes: &[u8]) -> Found {
    if is_ascii(bytes) { find_ascii(bytes) } else { find_rtu(direction, bytes) }
}

/// Up to CR LF.
fn find_ascii(bytes: &[u8]) -> Found {
    let end = bytes.iter().position(|octet| *octet == b'\n');
    let Some(end) = end else {
        return if bytes.len() < MAX_FRAME { Found::Need(bytes.len() + 1) } else { Found::No };
    };
    let length = end + 1;
    if length > MAX_FRAME {
        return Found::No;
    }
    let sum = digits(bytes.get(..length).unwrap_or_default()).fold(0_u8, u8::wrapping_add);
    Found::Whole { length, right: sum == 0 && length >= 9 && length % 2 == 1 }
}

/// By the length that the function has; where it has none, by the first length at which the CRC is right.
fn find_rtu(direction: Direction, bytes: &[u8]) -> Found {
    let pdu = bytes.get(1..).unwrap_or_default();
    let function = pdu.first().copied().unwrap_or(1);
    if function & !f::EXCEPTION_BIT == 0 || direction == Direction::ToServer && function >= f::EXCEPTION_BIT {
        return Found::No;
    }
    match shape::of(direction, pdu) {
        Length::Undecided(octets) if octets > pdu.len() => Found::Need((octets + 1).max(MIN_RTU)),
        Length::Exactly(octets) if octets + AROUND > MAX_RTU => Found::No,
        Length::Exactly(octets) => match bytes.get(..octets + AROUND) {
            Some(frame) => Found::Whole { length: frame.len(), right: crc(frame) == 0 },
            None => Found::Need(octets + AROUND),
        },
        Length::AtLeast(octets) | Length::Undecided(octets) => {
            let least = (octets + AROUND).max(MIN_RTU);
            match first_right(bytes, least) {
                // Where the high octet of the CRC is 0, the frame without it has a right one too.
                Some(length) if bytes.get(length) == Some(&0) && length < MAX_RTU => {
                    Found::Whole { length: length + 1, right: true }
                }
                Some(length) => Found::Whole { length, right: true },
                None if bytes.len() < MAX_RTU => Found::Need((bytes.len() + 1).max(least)),
                None => Found::No,
            }
        }
    }
}

/// The least length from `least` on at which the check is right. One walk over at most [`MAX_RTU`] octets, whatever they are.
fn first_right(bytes: &[u8], least: usize) -> Option<usize> {
    let mut crc = u16::MAX;
    bytes.iter().take(MAX_RTU).zip(1..).find_map(|(octet, length)| {
        crc = ARC.step(crc, *octet);
        (crc == 0 && length >= least).then_some(length)
    })
}

/// CRC-16 of a frame with its check, 0 where that is right (SL 6.2.2).
fn crc(frame: &[u8]) -> u16 {
    ARC.over(u16::MAX, frame)
}

/// The octets that pairs of hexadecimal digits stand for.
fn digits(frame: &[u8]) -> impl Iterator<Item = u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let body = frame.get(1..).unwrap_or_default();
    body.chunks_exact(2).map_while(move |pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    })
}

/// Unit and PDU of a frame.
fn unpack(frame: &[u8]) -> Octets {
    let mut octets = Octets::new();
    if is_ascii(frame) {
        for octet in digits(frame) {
            let _ = octets.push(octet);
        }
        octets.pop();
    } else {
        let _ = octets.extend_from_slice(frame.get(..frame.len().saturating_sub(2)).unwrap_or_default());
    }
    octets
}

struct Serial {
    protocol: Protocol,
    /// What was asked last: a line carries one question at a time (SL 2.1).
    asked: Option<Asked>,
    sound: bool,
}

impl Framed for Serial {
    fn extent(&self, direction: Direction, bytes: &[u8]) -> Extent {
        match find(direction, bytes) {
            Found::Whole { length, right } if right || self.sound => Extent::Whole(length),
            Found::Need(octets) => Extent::Need(octets),
            Found::Whole { .. } | Found::No => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let right = matches!(find(direction, message), Found::Whole { right: true, .. });
        self.sound |= right;
        let octets = unpack(message);
        let [unit, function, ..] = *octets.as_slice() else { return };
        let pdu = octets.get(1..).unwrap_or_default();
        let mut anomalies = Anomalies::new();
        if !right {
            note(&mut anomalies, Anomaly::malformed("check-wrong", 0, 1, 0));
        }
        let (content, surplus) = pdu::parse(direction, function, pdu.get(1..).unwrap_or_default());
        check::pdu(direction, pdu, &content, &mut anomalies);
        let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
        let header = Header { transaction: 0, protocol_id: 0, length, unit, function };
        let mut adu = Adu { direction, header, content, surplus, asked: None };
        match direction {
            Direction::ToServer => {
                self.asked = Some(Asked {
                    transaction: 0,
                    unit,
                    function,
                    sub_function: adu.content.sub_function(),
                    objects: adu.content.objects(function),
                    old: false,
                });
            }
            Direction::ToClient => {
                let same =
                    |asked: &Asked| asked.unit == unit && asked.function == function & !f::EXCEPTION_BIT;
                adu.asked = self.asked.take().filter(same);
                if let Some(misfit) = adu.asked.as_ref().and_then(|asked| check::fit(&adu.content, asked)) {
                    note(&mut anomalies, misfit);
                }
            }
        }
        let malformed = anomalies.iter().any(|anomaly| anomaly.blame == crate::Blame::Malformed);
        let kind = match direction {
            _ if malformed => Kind::Anomaly,
            Direction::ToServer => Kind::Request,
            Direction::ToClient => Kind::Response,
        };
        let body = OnALine { adu: &adu, framing: if is_ascii(message) { "ascii" } else { "rtu" } };
        sink.message(&Message {
            protocol: self.protocol,
            kind,
            direction,
            anomalies: &anomalies,
            body: &body,
        });
    }

    fn gap(&mut self, _direction: Direction) {
        self.asked = None;
    }

    /// A check over up to 256 octets each.
    const PLACES: usize = 64;

    /// Only lengths that the function gives are worth a check over so many octets.
    fn may_begin(&self, direction: Direction, bytes: &[u8]) -> bool {
        let open = || matches!(shape::of(direction, bytes.get(1..).unwrap_or_default()), Length::AtLeast(_));
        is_plausible(bytes) && (is_ascii(bytes) || !open())
    }

    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool {
        match find(direction, bytes) {
            Found::Whole { length, right } => {
                let octets = unpack(bytes.get(..length).unwrap_or_default());
                right && (is_ascii(bytes) || is_exact(direction, &octets))
            }
            Found::Need(_) => is_plausible(bytes) && bytes.len() > 1,
            Found::No => false,
        }
    }
}

/// A message as its serial line carries it: without transaction.
struct OnALine<'a> {
    adu: &'a Adu<'a>,
    framing: &'static str,
}

/// Passes over the transaction, which a line does not have.
struct WithoutTransaction<'a>(&'a mut dyn FieldVisitor);

impl FieldVisitor for WithoutTransaction<'_> {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        if key != "transaction_id" {
            self.0.field(key, value);
        }
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.0.item(key, value);
    }

    fn recalled(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.0.recalled(key, value);
    }

    fn recalled_item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.0.recalled_item(key, value);
    }
}

impl Body for OnALine<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("framing", FieldValue::Text(self.framing));
        fields::visit(self.adu, &mut WithoutTransaction(visitor));
    }

    fn operations(&self, each: &mut dyn FnMut(&fieldwarden_model::Operation<'_>)) {
        classify::operations(self.adu, each);
    }
}
