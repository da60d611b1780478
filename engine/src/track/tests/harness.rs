//! Frames as hosts send them, a protocol simple enough to read in hexadecimal, and an observer that writes all down.

use core::fmt::Write as _;

use fieldwarden_model::{
    AddressSpace, FrameRef, LinkType, Operation, PointRange, RawFrame, Timestamp, Transport,
};
use fieldwarden_protocols::{
    Body, Direction, Dissector, FieldValue, FieldVisitor, Kind, Message, Notation, Ports, Probe, Protocol,
    Session, Sink, Step,
    link::{TcpFlags, dissect},
};

use crate::{
    map::Seed,
    track::{Heard, Observer, Origin, Packet, Settings, TrackEvent, Tracker, Unattached, Unreceived},
};

/// `Parcel`: two marks, a length of two octets, then that many octets. Recognised on any port by its marks.
pub(super) struct Parcel;
/// A protocol that claims everything it sees, but only on its own port.
pub(super) struct Homebody;

pub(super) const HOME_PORT: u16 = 7_000;
pub(super) static FAKES: &[&dyn Dissector] = &[&Parcel, &Homebody, &Wire, &Caretaker];

/// Parcels below IP, under an EtherType of their own. What begins with 0xf2 can only be an answer.
pub(super) struct Wire;
/// The upkeep of the network.
pub(super) struct Caretaker;

/// The EtherTypes of local experiments (IEEE 802 clause 9.2.3).
pub(super) const WIRE: u16 = 0x88b5;
pub(super) const CARETAKER: u16 = 0x88b6;

/// One parcel on the wire.
pub(super) fn parcel(body: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xf1, 0xe1];
    octets.extend_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
    octets.extend_from_slice(body);
    octets
}

struct ParcelBody<'a>(&'a [u8]);

impl Body for ParcelBody<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("body", FieldValue::Bytes(self.0));
    }
    fn operations(&self, _each: &mut dyn FnMut(&Operation<'_>)) {}
}

struct NoNotation;

impl Notation for NoNotation {
    fn write(&self, _range: &PointRange, _out: &mut dyn core::fmt::Write) -> core::fmt::Result {
        Ok(())
    }
    fn read(&self, _text: &str) -> Option<PointRange> {
        None
    }
}

struct ParcelSession(Protocol);

impl Session for ParcelSession {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        let total = match *bytes {
            [0xf1, 0xe1, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
            [0xf1, 0xe1, _] | [0xf1, 0xe1] | [0xf1] => return Step::Need(4),
            // What tells this session that it is in the wrong place.
            [0xdd, ..] => return Step::GiveUp,
            _ => return Step::Lost,
        };
        let Some(whole) = bytes.get(..total) else { return Step::Need(total) };
        sink.message(&Message {
            protocol: self.0,
            kind: Kind::Report,
            direction,
            anomalies: &[],
            body: &ParcelBody(&whole[4..]),
        });
        Step::Consumed(total)
    }
    fn gap(&mut self, _direction: Direction) {}
    fn resynchronise(&self, _direction: Direction, bytes: &[u8]) -> Option<usize> {
        bytes.windows(2).position(|pair| pair == [0xf1, 0xe1])
    }
}

macro_rules! fake {
    ($kind:ty, $name:literal, $home:expr, $probe:expr) => {
        fake!($kind, $name, $home, $probe, |transport| transport != Transport::Link, false);
    };
    ($kind:ty, $name:literal, $home:expr, $probe:expr, $carried:expr, $upkeep:literal) => {
        impl Dissector for $kind {
            fn protocol(&self) -> Protocol {
                Protocol($name)
            }
            fn carried_by(&self, transport: Transport) -> bool {
                $carried(transport)
            }
            fn is_upkeep(&self) -> bool {
                $upkeep
            }
            fn well_known(&self, port: u16) -> bool {
                port == $home
            }
            fn probe(&self, direction: Direction, bytes: &[u8], _ports: Ports) -> Probe {
                $probe(direction, bytes)
            }
            fn session(&self, _transport: Transport) -> Box<dyn Session> {
                Box::new(ParcelSession(self.protocol()))
            }
            fn max_message(&self) -> usize {
                4_096
            }
            fn notation(&self) -> &'static dyn Notation {
                &NoNotation
            }
        }
    };
}
fake!(Parcel, "parcel", 6_000, |_, bytes: &[u8]| match bytes {
    [0xf1, 0xe1, ..] => Probe::Certain,
    [0xf1] => Probe::Need(2),
    _ => Probe::No,
});
fake!(Homebody, "homebody", HOME_PORT, |_, _: &[u8]| Probe::Possible);
fake!(
    Wire,
    "wire",
    WIRE,
    |direction, bytes: &[u8]| match bytes {
        [0xf1, 0xe1, _, _, 0xf2, ..] if direction == Direction::ToServer => Probe::No,
        [0xf1, 0xe1, ..] => Probe::Certain,
        _ => Probe::No,
    },
    |transport| transport == Transport::Link,
    false
);
fake!(
    Caretaker,
    "caretaker",
    CARETAKER,
    |_, _: &[u8]| Probe::Certain,
    |transport| transport == Transport::Link,
    true
);

/// Writes everything down, one line each, in words that a failing test shows well.
#[derive(Default)]
pub(super) struct Log {
    pub(super) lines: Vec<String>,
    pub(super) heard: Vec<String>,
    pub(super) unreceived: Vec<String>,
}

impl Log {
    /// The lines of messages only, with direction and body.
    pub(super) fn bodies(&self) -> Vec<String> {
        let message = |line: &String| {
            line.strip_prefix("message ").map(|rest| rest.split(" @").next().unwrap().to_owned())
        };
        self.lines.iter().filter_map(message).collect()
    }

    pub(super) fn events(&self) -> Vec<String> {
        self.lines.iter().filter_map(|line| line.strip_prefix("event ").map(str::to_owned)).collect()
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.lines.iter().any(|line| line.contains(text))
    }
}

fn frames(origin: &Origin<'_>) -> Vec<u64> {
    origin.frames.iter().map(|frame| frame.number).collect()
}

/// The body of a parcel.
fn body(message: &Message<'_>) -> String {
    struct Hex(String);
    impl FieldVisitor for Hex {
        fn field(&mut self, _key: &'static str, value: FieldValue<'_>) {
            let FieldValue::Bytes(bytes) = value else { return };
            bytes.iter().for_each(|byte| write!(self.0, "{byte:02x}").unwrap());
        }
        fn item(&mut self, _key: &'static str, _value: FieldValue<'_>) {}
    }
    let mut hex = Hex(String::new());
    message.body.fields(&mut hex);
    hex.0
}

impl Observer for Log {
    type Flow = u32;

    const SHOWS_UNRECEIVED: bool = true;

    fn message(&mut self, origin: &Origin<'_>, flow: &mut u32, message: &Message<'_>) {
        *flow += 1;
        let frames = frames(origin);
        assert_eq!(origin.direction, message.direction);
        self.lines.push(format!("message {:?} {} @{frames:?}", message.direction, body(message)));
    }

    fn unreceived(&mut self, origin: &Origin<'_>, why: Unreceived, message: &Message<'_>) {
        let (client, server) = (origin.key.client, origin.key.server);
        let (direction, frames) = (message.direction, frames(origin));
        self.unreceived.push(format!(
            "{} {direction:?} {} {client}>{server} @{frames:?}",
            why.code(),
            body(message)
        ));
    }

    fn event(&mut self, origin: &Origin<'_>, _flow: &mut u32, event: TrackEvent) {
        let (client, server) = (origin.key.client, origin.key.server);
        self.lines.push(format!("event {event:?} {client}>{server} @{:?}", frames(origin)));
    }

    fn heard(&mut self, talker: &Heard) -> Timestamp {
        self.heard.push(talker.talker.to_string());
        Timestamp::MIN
    }

    fn unattached(&mut self, place: &Unattached, event: TrackEvent) {
        self.lines.push(format!("unattached {event:?} @{}", place.frame.number));
    }
}

/// A tracker with the fake protocols, its log, and a clock that ticks a millisecond per frame.
pub(super) struct Bench {
    pub(super) tracker: Tracker<Log>,
    pub(super) log: Log,
    pub(super) number: u64,
    pub(super) millis: i64,
}

pub(super) const CLIENT: ([u8; 4], u16) = ([10, 0, 0, 5], 49_152);
pub(super) const SERVER: ([u8; 4], u16) = ([10, 0, 0, 20], 6_001);

pub(super) const SYN: TcpFlags = TcpFlags::SYN;
pub(super) const SYN_ACK: TcpFlags = TcpFlags(0x12);
pub(super) const ACK: TcpFlags = TcpFlags::ACK;
pub(super) const DATA: TcpFlags = TcpFlags(0x18);
pub(super) const FIN: TcpFlags = TcpFlags(0x11);
pub(super) const RST: TcpFlags = TcpFlags::RST;

/// A segment as a test writes it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) direction: Direction,
    pub(super) sequence: u32,
    pub(super) acknowledgement: u32,
    pub(super) flags: TcpFlags,
    pub(super) payload: Vec<u8>,
}

impl Sent {
    pub(super) fn frame(&self) -> Vec<u8> {
        self.frame_between(CLIENT, SERVER)
    }

    pub(super) fn frame_between(&self, client: ([u8; 4], u16), server: ([u8; 4], u16)) -> Vec<u8> {
        let (from, to) = match self.direction {
            Direction::ToServer => (client, server),
            Direction::ToClient => (server, client),
        };
        let mut tcp = Vec::new();
        tcp.extend_from_slice(&from.1.to_be_bytes());
        tcp.extend_from_slice(&to.1.to_be_bytes());
        tcp.extend_from_slice(&self.sequence.to_be_bytes());
        tcp.extend_from_slice(&self.acknowledgement.to_be_bytes());
        tcp.extend_from_slice(&[0x50, self.flags.0, 0x20, 0, 0, 0, 0, 0]);
        tcp.extend_from_slice(&self.payload);
        let length = u16::try_from(tcp.len()).unwrap();
        let pseudo = [&from.0[..], &to.0[..], &[0, 6], &length.to_be_bytes()].concat();
        let sum = checksum(&[&pseudo[..], &tcp[..]].concat());
        tcp[16..18].copy_from_slice(&sum);
        ipv4(from.0, to.0, 6, 0, &tcp)
    }
}

/// The Internet checksum (RFC 1071).
pub(super) fn checksum(octets: &[u8]) -> [u8; 2] {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let sum: u32 = octets.chunks(2).map(word).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    (!u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap()).to_be_bytes()
}

/// An IPv4 packet on Ethernet; `place` is the field of flags and fragment offset.
pub(super) fn ipv4(from: [u8; 4], to: [u8; 4], protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, to[3], 2, 0, 0, 0, 0, from[3], 8, 0];
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let place = place.to_be_bytes();
    frame.extend_from_slice(&[0x45, 0, total[0], total[1], 0, 7, place[0], place[1], 64, protocol, 0, 0]);
    frame.extend_from_slice(&from);
    frame.extend_from_slice(&to);
    let sum = checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&sum);
    frame.extend_from_slice(payload);
    frame
}

pub(super) fn udp(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    ipv4(from.0, to.0, 17, 0, &udp_datagram(from.1, to.1, payload))
}

pub(super) fn udp_datagram(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut udp = Vec::new();
    udp.extend_from_slice(&from.to_be_bytes());
    udp.extend_from_slice(&to.to_be_bytes());
    udp.extend_from_slice(&u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
    udp.extend_from_slice(&[0, 0]);
    udp.extend_from_slice(payload);
    udp
}

pub(super) fn sent(direction: Direction, sequence: u32, flags: TcpFlags, payload: &[u8]) -> Sent {
    Sent { direction, sequence, acknowledgement: 0, flags, payload: payload.to_vec() }
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Settings::default(), Seed(1))
    }

    pub(super) fn with(settings: Settings, seed: Seed) -> Self {
        let tracker = Tracker::recognising(FAKES, settings, seed);
        Self { tracker, log: Log::default(), number: 0, millis: 0 }
    }

    /// A frame, captured whole.
    pub(super) fn frame(&mut self, bytes: &[u8]) {
        self.snapped(bytes, bytes.len());
    }

    /// A frame of which only the first `captured` octets were captured.
    pub(super) fn snapped(&mut self, bytes: &[u8], captured: usize) {
        self.number += 1;
        self.millis += 1;
        let time = Timestamp::from_nanos(self.millis * 1_000_000);
        let raw = RawFrame {
            time,
            link_type: LinkType::ETHERNET,
            interface: 0,
            wire_length: u32::try_from(bytes.len()).unwrap(),
            tag: None,
            bytes: &bytes[..captured],
        };
        let frame = FrameRef { capture: 0, number: self.number };
        let packet = Packet { time, frame, space: AddressSpace(0), layers: &dissect(&raw) };
        if let Some(opened) = self.tracker.packet(&packet, &mut self.log) {
            let (tracker, log) = (&mut self.tracker, &mut self.log);
            opened.distribute(&packet, &|_| AddressSpace(0), &mut |_, packet, frames| {
                tracker.carried(packet, frames, log)
            });
        }
    }

    pub(super) fn send(&mut self, segments: &[Sent]) {
        for segment in segments {
            self.frame(&segment.frame());
        }
    }

    pub(super) fn finish(mut self) -> Log {
        self.tracker.finish(&mut self.log);
        self.log
    }

    pub(super) fn wait(&mut self, millis: i64) {
        self.millis += millis;
        self.tracker.advance(Timestamp::from_nanos(self.millis * 1_000_000), &mut self.log);
    }
}
