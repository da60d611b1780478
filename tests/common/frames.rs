//! Frames read into memory, and changed as a network or a bad capture changes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use fieldwarden_model::{LinkType, RawFrame, Timestamp, VlanTag};
use fieldwarden_sensor::{CaptureFile, FrameSource as _, Next};

use super::random::Random;

/// A frame that owns its octets.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) time: Timestamp,
    pub(crate) link_type: LinkType,
    pub(crate) wire_length: u32,
    pub(crate) tag: Option<VlanTag>,
    pub(crate) bytes: Vec<u8>,
}

impl Frame {
    /// The frame as the engine takes it.
    pub(crate) fn raw(&self) -> RawFrame<'_> {
        RawFrame {
            time: self.time,
            link_type: self.link_type,
            interface: 0,
            wire_length: self.wire_length,
            tag: self.tag,
            bytes: &self.bytes,
        }
    }
}

/// Octets of a segment that a network of a plant carries; more was joined by the capturing card.
const MOST_ON_A_WIRE: usize = 1_500;

/// Every whole frame of a capture; a truncated tail ends it.
pub(crate) fn read(path: &Path) -> Vec<Frame> {
    front(path, usize::MAX)
}

/// The first frames of a capture.
pub(crate) fn front(path: &Path, count: usize) -> Vec<Frame> {
    let mut file = CaptureFile::open(path, 0).unwrap_or_else(|fault| panic!("{fault}"));
    let mut frames = Vec::new();
    while frames.len() < count {
        match file.next_frame() {
            Ok(Next::Frame(_, frame)) => frames.push(Frame {
                time: frame.time,
                link_type: frame.link_type,
                wire_length: frame.wire_length,
                tag: frame.tag,
                bytes: frame.bytes.to_vec(),
            }),
            Ok(Next::End) => return frames,
            Ok(Next::Idle | Next::Loss(_)) => {}
            Err(fault) => assert!(fault.keeps_what_was_read(), "{fault}"),
        }
    }
    frames
}

/// Each frame cut at a random octet, as a short snap length would.
pub(crate) fn cut(frames: &[Frame], random: &mut Random) -> Vec<Frame> {
    let mut cut = frames.to_vec();
    for frame in &mut cut {
        let keep = random.below(frame.bytes.len() + 1);
        frame.bytes.truncate(keep);
    }
    cut
}

/// Each TCP segment twice, as a bad mirror sends it, or a sender that repeats itself. Datagrams stay single: one that comes
/// again may be meant.
pub(crate) fn doubled(frames: &[Frame]) -> Vec<Frame> {
    let times = |frame: &Frame| if Segment::of(frame).is_some() { 2 } else { 1 };
    frames.iter().flat_map(|frame| core::iter::repeat_n(frame.clone(), times(frame))).collect()
}

/// Each TCP segment of at least two octets as two segments.
pub(crate) fn split(frames: &[Frame]) -> Vec<Frame> {
    let joined = frames.iter().filter_map(Segment::of).any(|segment| segment.octets() > MOST_ON_A_WIRE);
    let shown: BTreeSet<Vec<u8>> = frames.iter().filter(|_| joined).filter_map(shows_right_sums).collect();
    frames.iter().flat_map(|frame| halves(frame, &shown).unwrap_or_else(|| vec![frame.clone()])).collect()
}

/// Neighbouring data segments of one direction of a connection in each other's place. Both bear the time of the later
/// one: on its way through a mirror the first is held up, while the second cannot come before it was sent.
pub(crate) fn swapped(frames: &[Frame]) -> Vec<Frame> {
    let mut swapped = frames.to_vec();
    let segments: Vec<Option<Segment>> = swapped.iter().map(Segment::of).collect();
    let mut n = 0;
    while n + 1 < swapped.len() {
        if let (Some(one), Some(two)) = (&segments[n], &segments[n + 1])
            && one.connection == two.connection
            && one.follows(two)
        {
            swapped[n].time = swapped[n + 1].time;
            swapped.swap(n, n + 1);
            n += 1;
        }
        n += 1;
    }
    swapped
}

/// The TCP segments of each pair of ends, in order of their first, numbered as the capture numbers them.
pub(crate) fn sessions(frames: &[Frame]) -> Vec<Vec<(u64, Frame)>> {
    let mut places = BTreeMap::new();
    let mut sessions: Vec<Vec<(u64, Frame)>> = Vec::new();
    for (frame, number) in frames.iter().zip(1..) {
        let Some(segment) = Segment::of(frame) else { continue };
        let place = *places.entry(segment.ends()).or_insert(sessions.len());
        if place == sessions.len() {
            sessions.push(Vec::new());
        }
        sessions[place].push((number, frame.clone()));
    }
    sessions
}

/// Those of a session's frames after `frame` that begin before its end, or come late, behind what their direction showed already:
/// what it made old news, by its octets or by acknowledging others, counts once it is gone.
pub(crate) fn sent_again(number: u64, frame: &Frame, session: &[(u64, Frame)]) -> BTreeSet<u64> {
    let Some(own) = Segment::of(frame) else { return BTreeSet::new() };
    let end = own.sequence.wrapping_add(u32::try_from(own.octets()).unwrap());
    let is_old = |other: &Segment| {
        other.connection == own.connection && end.wrapping_sub(other.sequence).cast_signed() > 0
    };
    let mut found = BTreeSet::new();
    // How far each direction had come; `frame` itself counts no more.
    let mut reached: [Option<u32>; 2] = [None; 2];
    for (n, frame) in session {
        let Some(other) = Segment::of(frame).filter(|other| other.octets() > 0) else { continue };
        let is_before = |reached: u32| reached.wrapping_sub(other.sequence).cast_signed() > 0;
        let reached = &mut reached[usize::from(other.connection == own.connection)];
        let is_late = reached.is_some_and(is_before);
        if *n > number && (is_old(&other) || is_late) {
            found.insert(*n);
        }
        if !is_late {
            *reached = Some(other.sequence.wrapping_add(u32::try_from(other.octets()).unwrap()));
        }
    }
    found
}

/// Whether a frame is a TCP segment with data.
pub(crate) fn carries_data(frame: &Frame) -> bool {
    Segment::of(frame).is_some_and(|segment| segment.octets() > 0)
}

/// Where a TCP segment stands in its frame.
#[derive(Debug)]
struct Segment {
    ip: usize,
    tcp: usize,
    data: usize,
    end: usize,
    connection: Vec<u8>,
    sequence: u32,
    plain: bool,
}

impl Segment {
    fn of(frame: &Frame) -> Option<Self> {
        let bytes = &frame.bytes;
        let at = |n: usize| bytes.get(n).copied();
        let pair = |n: usize| Some(u16::from_be_bytes([at(n)?, at(n + 1)?]));
        if frame.wire_length as usize != bytes.len() {
            return None;
        }
        let ip = match frame.link_type {
            LinkType::ETHERNET => {
                let mut n = 12;
                while matches!(pair(n)?, 0x8100 | 0x88a8 | 0x9100) {
                    n += 4;
                }
                if !matches!(pair(n)?, 0x0800 | 0x86dd) {
                    return None;
                }
                n + 2
            }
            LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => 0,
            LinkType::NULL | LinkType::LOOP => 4,
            LinkType::LINUX_SLL => 16,
            LinkType::LINUX_SLL2 => 20,
            _ => return None,
        };
        let (tcp, end, addresses) = match at(ip)? >> 4 {
            4 => {
                let unfragmented = pair(ip + 6)? & 0x3fff == 0;
                let header = usize::from(at(ip)? & 15) * 4;
                if at(ip + 9)? != 6 || !unfragmented || header < 20 {
                    return None;
                }
                (ip + header, ip + usize::from(pair(ip + 2)?), bytes.get(ip + 12..ip + 20)?)
            }
            6 if at(ip + 6)? == 6 => {
                (ip + 40, ip + 40 + usize::from(pair(ip + 4)?), bytes.get(ip + 8..ip + 40)?)
            }
            _ => return None,
        };
        let header = usize::from(at(tcp + 12)? >> 4) * 4;
        let data = tcp + header;
        // Length 0 (offload) and lengths beyond the capture are left as they are.
        if header < 20 || end > bytes.len() || data > end {
            return None;
        }
        let connection = [addresses, bytes.get(tcp..tcp + 4)?].concat();
        let sequence = u32::from(pair(tcp + 4)?) << 16 | u32::from(pair(tcp + 6)?);
        Some(Self { ip, tcp, data, end, connection, sequence, plain: at(tcp + 13)? & 0b0000_0111 == 0 })
    }

    /// Both ends, the lower one first: the same for both directions.
    fn ends(&self) -> (Vec<u8>, Vec<u8>) {
        let (addresses, ports) = self.connection.split_at(self.connection.len() - 4);
        let (source, destination) = addresses.split_at(addresses.len() / 2);
        let one = [source, &ports[..2]].concat();
        let two = [destination, &ports[2..]].concat();
        if one <= two { (one, two) } else { (two, one) }
    }

    fn octets(&self) -> usize {
        self.end - self.data
    }

    /// Whether `next` is the very next data of the same direction, both without SYN, FIN or RST.
    fn follows(&self, next: &Self) -> bool {
        let length = u32::try_from(self.octets()).unwrap();
        length > 0
            && next.octets() > 0
            && self.plain
            && next.plain
            && self.sequence.wrapping_add(length) == next.sequence
    }
}

/// The direction of a connection, where a segment's checksum is right.
fn shows_right_sums(frame: &Frame) -> Option<Vec<u8>> {
    let segment = Segment::of(frame)?;
    let packet = &frame.bytes[segment.ip..segment.end];
    let mut summed = packet.to_vec();
    sum_segment(&mut summed, segment.tcp - segment.ip);
    (summed == packet).then_some(segment.connection)
}

fn halves(frame: &Frame, shown: &BTreeSet<Vec<u8>>) -> Option<Vec<Frame>> {
    let segment = Segment::of(frame)?;
    // A keep-alive probe carries one octet; a half of nothing is no segment.
    if segment.octets() < 2 || !segment.plain {
        return None;
    }
    let middle = segment.octets() / 2;
    let mut first = frame.clone();
    first.bytes.truncate(segment.data + middle);
    let mut second = frame.clone();
    second.bytes.drain(segment.data..segment.data + middle);
    let sequence = segment.sequence.wrapping_add(u32::try_from(middle).unwrap());
    second.bytes[segment.tcp + 4..segment.tcp + 8].copy_from_slice(&sequence.to_be_bytes());
    // Only the second half keeps what trails the packet: padding, or a check sequence.
    let trailing = frame.bytes.len() - segment.end;
    // A half has the sums that the capture shows: those of the wire, or what the sender left to its network card. What a card
    // joined came in segments whose sums were right, if any are.
    let packet = &frame.bytes[segment.ip..segment.end];
    let had = |sum_up: fn(&mut [u8], usize)| {
        let mut summed = packet.to_vec();
        sum_up(&mut summed, segment.tcp - segment.ip);
        summed == packet
    };
    let joined = segment.octets() > MOST_ON_A_WIRE && shown.contains(&segment.connection);
    let transport: Option<fn(&mut [u8], usize)> = if had(sum_segment) || joined {
        Some(sum_segment)
    } else {
        [sum_of_addresses, sum_of_pseudo_header].into_iter().find(|sum| had(*sum))
    };
    let sums = [had(sum_header).then_some(sum_header as fn(&mut [u8], usize)), transport];
    for (half, trailing) in [(&mut first, 0), (&mut second, trailing)] {
        let ip_octets = half.bytes.len() - segment.ip - trailing;
        let (at, octets) =
            if half.bytes[segment.ip] >> 4 == 4 { (2, ip_octets) } else { (4, ip_octets - 40) };
        let length = u16::try_from(octets).unwrap();
        half.bytes[segment.ip + at..segment.ip + at + 2].copy_from_slice(&length.to_be_bytes());
        half.wire_length = u32::try_from(half.bytes.len()).unwrap();
        let end = half.bytes.len() - trailing;
        for sum_up in sums.iter().flatten() {
            sum_up(&mut half.bytes[segment.ip..end], segment.tcp - segment.ip);
        }
    }
    Some(vec![first, second])
}

/// Writes the checksum of an IPv4 header, as its sender would; IPv6 has none.
fn sum_header(packet: &mut [u8], tcp: usize) {
    if packet[0] >> 4 == 4 {
        packet[10..12].fill(0);
        let sum = checksum(&packet[..tcp]);
        packet[10..12].copy_from_slice(&sum);
    }
}

/// Writes the checksum of the TCP segment at `tcp` of an IP packet.
fn sum_segment(packet: &mut [u8], tcp: usize) {
    packet[tcp + 16..tcp + 18].fill(0);
    let covered = [&pseudo_header(packet, tcp), &packet[tcp..]].concat();
    packet[tcp + 16..tcp + 18].copy_from_slice(&checksum(&covered));
}

/// Writes what senders leave to their network card: the sum of the pseudo-header alone.
fn sum_of_pseudo_header(packet: &mut [u8], tcp: usize) {
    let sum = checksum(&pseudo_header(packet, tcp)).map(|octet| !octet);
    packet[tcp + 16..tcp + 18].copy_from_slice(&sum);
}

/// The same without the length, as cards want it that cut segments themselves.
fn sum_of_addresses(packet: &mut [u8], tcp: usize) {
    let mut pseudo = pseudo_header(packet, tcp);
    let length = pseudo.len() - 2;
    pseudo[length..].fill(0);
    packet[tcp + 16..tcp + 18].copy_from_slice(&checksum(&pseudo).map(|octet| !octet));
}

/// Addresses, protocol and length (RFC 9293 clause 3.1).
fn pseudo_header(packet: &[u8], tcp: usize) -> Vec<u8> {
    let addresses = if packet[0] >> 4 == 4 { 12..20 } else { 8..40 };
    let length = u16::try_from(packet.len() - tcp).unwrap().to_be_bytes();
    [&packet[addresses], &[0, 6], &length].concat()
}

/// The Internet checksum (RFC 1071).
fn checksum(octets: &[u8]) -> [u8; 2] {
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u64 = octets.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!u16::try_from(sum).unwrap()).to_be_bytes()
}
