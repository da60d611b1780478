//! Copies of one packet that a mirror delivers: received and sent side of one switch, a session mirrored in several
//! VLANs, both sides of a router, both networks of a redundant ring.
//!
//! A packet is a copy when it equals one of the last [`REMEMBERED`] packets of its shard, octet by octet from the IP
//! header on, and lies within the window for copies of it. Not compared is what a switch or a router may change on the way: time
//! to live or hop limit, header checksum, and the traffic class octet. Tags lie below IP and are not compared.
//!
//! What is repeated on purpose is no copy. The sender of IPv4 gives it another identification (RFC 6864 clause 4.1 asks
//! that of whatever may be fragmented), a sender of TCP has its sequence numbers. Where neither tells (IPv4 with
//! identification 0, IPv6, above them anything but TCP), only repetitions within [`UNIDENTIFIED`] are copies: the two sides of a
//! switch lie tens of microseconds apart, the quickest poll of the same content a millisecond.
//!
//! Frames below IP are compared by their addresses and what they carry. Only a redundant network numbers them; otherwise they are
//! repetitions of which only the closest are copies.
//!
//! Content is compared by a keyed fingerprint of 64 bits. TCP's, whose checksum covers it, is fingerprinted only once a shard
//! has met two segments of equal identification, sequence number and checksum. The second of these is handed on like any
//! retransmission, which changes nothing in a stream.

use core::{
    hash::{BuildHasher as _, Hasher as _},
    net::IpAddr,
    time::Duration,
};

use fieldwarden_model::{Mac, Timestamp};
use fieldwarden_protocols::link::{Carried, Lan, Layers, Network, Redundancy};

use crate::map::Seed;

/// Packets remembered per shard. At 10 000 packets a second between the talkers of one shard the last 25 ms.
const REMEMBERED: usize = 256;
/// Places of the index into them.
const PLACES: usize = 512;
/// Packets of one place looked at; more have the same fingerprint's low bits by chance.
const LOOKED_AT: usize = 4;
/// Where nothing in the packet tells a copy from a repetition, only this close a repetition is a copy.
const UNIDENTIFIED: Duration = Duration::from_micros(500);

/// Why a packet was seen twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Copied {
    /// In the same VLAN, unchanged: both sides of a port, or two mirrored ports on its way.
    Same,
    /// With other VLAN tags.
    Retagged,
    /// With another time to live, or from another hardware address: before and after whoever forwards it.
    Routed,
    /// Over the other network, or the other way round the ring, of a redundant network (IEC 62439-3).
    Redundant,
}

/// A packet as remembered.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    key: u64,
    /// Fingerprint of everything compared; 0 where it was not taken.
    whole: u64,
    time: i64,
    path: Path,
}

/// The way a packet came: time to live, the sender's hardware address and the tags, as many bits as tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Path(u64);

/// Where in a [`Path`] the way back to the packet before it of the same place stands.
const BACK: u32 = 56;

/// The latest packets of one shard.
#[derive(Debug)]
pub(super) struct Copies {
    keys: [u64; 2],
    window: Duration,
    /// Whether TCP is fingerprinted as a whole: two equal keys were met.
    thorough: bool,
    serial: u32,
    seen: Box<[Seen; REMEMBERED]>,
    latest: Box<[u32; PLACES]>,
}

/// By what a packet is found again.
struct Print {
    key: u64,
    /// Of everything compared; 0 where it was not taken.
    whole: u64,
    /// Whether equal content alone tells a copy.
    identified: bool,
}

impl Copies {
    /// Looks for copies at most this far apart.
    pub(super) fn new(window: Duration, seed: Seed) -> Self {
        let seed = seed.0 ^ 0x9e37_79b9_7f4a_7c15;
        Self {
            keys: [fold(seed, 0xa076_1d64_78bd_642f), fold(seed, 0xe703_7ed1_a0b4_28db)],
            window,
            thorough: false,
            // Beyond the reach of the places, which begin with 0.
            serial: u32::try_from(REMEMBERED).unwrap_or(0),
            seen: Box::new([Seen::default(); REMEMBERED]),
            latest: Box::new([0; PLACES]),
        }
    }

    /// Octets held.
    pub(super) const fn memory(&self) -> usize {
        size_of_val(self) + size_of::<[Seen; REMEMBERED]>() + size_of::<[u32; PLACES]>()
    }

    /// Looks at all that is remembered, one place after the other, so that it is at hand soon. Changes nothing.
    pub(super) fn look_at(&self) {
        const LINE: usize = 64;
        for seen in self.seen.iter().step_by((LINE / size_of::<Seen>()).max(1)) {
            core::hint::black_box(seen.key);
        }
        for latest in self.latest.iter().step_by(LINE / size_of::<u32>()) {
            core::hint::black_box(latest);
        }
    }

    /// Remembers a segment that is none seen before.
    pub(super) fn remember_news(&mut self, layers: &Layers<'_>, time: Timestamp) {
        let Some(network) = &layers.network else { return };
        let print = match self.tcp(layers.packet(), network) {
            Some(print) => Some(print),
            None => self.other(layers.packet(), network),
        };
        if let Some(Print { key, whole, .. }) = print {
            self.remember(Seen { key, whole, time: time.nanos(), path: Path::of(layers) });
        }
    }

    /// Remembers a packet captured at `time`, which may run backwards; whether it was seen before.
    pub(super) fn meet(&mut self, layers: &Layers<'_>, time: Timestamp) -> Option<Copied> {
        let print = match &layers.network {
            Some(network) => {
                self.tcp(layers.packet(), network).or_else(|| self.other(layers.packet(), network))
            }
            None => self.below(layers),
        };
        let print = print?;
        let path = Path::of(layers);
        let mut now = Seen { key: print.key, whole: print.whole, time: time.nanos(), path };
        if let Some(first) = self.find(&now, print.identified) {
            if first.whole != 0 && first.whole == now.whole {
                return Some(first.path.compared_with(path));
            }
            // Equal keys of other content are no copy; where nobody looked at the content, nobody knows.
            if now.whole == 0 {
                self.thorough = true;
                now.whole = self.whole(layers.packet()).unwrap_or(0);
            }
        }
        self.remember(now);
        None
    }

    fn find(&self, now: &Seen, identified: bool) -> Option<Seen> {
        let mut serial = *self.latest.get(place(now.key))?;
        for _ in 0..LOOKED_AT {
            if self.serial.wrapping_sub(serial) as usize >= REMEMBERED {
                return None;
            }
            let seen = self.seen.get(serial as usize % REMEMBERED)?;
            if seen.key == now.key {
                let window = if identified { self.window } else { self.window.min(UNIDENTIFIED) };
                let apart = Duration::from_nanos(now.time.abs_diff(seen.time));
                return (apart <= window).then_some(*seen);
            }
            serial = serial.wrapping_sub(seen.path.back()?);
        }
        None
    }

    fn remember(&mut self, now: Seen) {
        self.serial = self.serial.wrapping_add(1);
        let Some(latest) = self.latest.get_mut(place(now.key)) else { return };
        if let Some(seen) = self.seen.get_mut(self.serial as usize % REMEMBERED) {
            *seen = Seen { path: now.path.with_back(self.serial.wrapping_sub(*latest)), ..now };
        }
        *latest = self.serial;
    }

    /// The print of an unfragmented segment over IPv4: identification, destination, ports, sequence number and checksum.
    fn tcp(&self, packet: &[u8], network: &Network) -> Option<Print> {
        if network.protocol != 6 {
            return None;
        }
        let (headers, _) = packet.split_first_chunk::<40>()?;
        let [first, identification, .., destination, ports, sequence, _, _, checksum] = words(headers);
        // Version 4, more fragments clear, offset 0.
        if first & 0xf0 != 0x40 || identification & 0xff3f_0000 != 0 {
            return None;
        }
        let [k0, k1] = self.keys;
        let key = fold(wide(identification, checksum ^ ports) ^ k0, wide(sequence, destination) ^ k1);
        let whole = if self.thorough { self.whole(packet).unwrap_or(0) } else { 0 };
        Some(Print { key, whole, identified: true })
    }

    /// The print of anything else.
    fn other(&self, packet: &[u8], network: &Network) -> Option<Print> {
        let whole = self.whole(packet)?;
        let identified = match network.source {
            IpAddr::V4(_) => packet.get(4..6) != Some(&[0, 0]),
            IpAddr::V6(_) => network.protocol == 6 && network.fragment.is_none(),
        };
        Some(Print { key: whole, whole, identified })
    }

    /// The print of a frame below IP: its addresses, and what it carries. Only a redundant network numbers such frames.
    fn below(&self, layers: &Layers<'_>) -> Option<Print> {
        let (Some(Mac(to)), Some(Mac(from))) = (layers.destination_mac, layers.source_mac) else {
            return None;
        };
        let kind = match layers.carried {
            Carried::EtherType(kind) => u64::from(kind),
            _ => 0,
        };
        let number = match layers.redundancy {
            Some(Redundancy::Hsr { sequence, .. } | Redundancy::Prp { sequence, .. }) => Some(sequence),
            None => None,
        };
        let octets = if layers.payload.is_empty() { layers.packet() } else { layers.payload };
        let address = |[a, b, c, d, e, f]: [u8; 6]| u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        let [k0, k1] = self.keys;
        let ends = fold(address(from) ^ k0, address(to) ^ kind << 48 ^ k1);
        let numbered = fold(ends ^ k0, u64::from(number.unwrap_or(0)) ^ k1);
        let whole = fold(numbered ^ k0, self.octets(octets) ^ k1) | 1;
        Some(Print { key: whole, whole, identified: number.is_some() })
    }

    /// The keyed fingerprint of everything compared, never 0.
    fn whole(&self, packet: &[u8]) -> Option<u64> {
        let [k0, k1] = self.keys;
        let (header, rest) = match packet.first()? >> 4 {
            4 => {
                let (header, rest) = packet.split_first_chunk::<20>()?;
                let &[version, _, l0, l1, i0, i1, f0, f1, _, protocol, _, _, ends @ ..] = header;
                let front = u64::from_be_bytes([version, protocol, l0, l1, i0, i1, f0, f1]);
                (fold(front ^ k0, u64::from_be_bytes(ends) ^ k1), rest)
            }
            _ => {
                let (header, rest) = packet.split_first_chunk::<40>()?;
                let &[_, class, f1, f2, l0, l1, next, _, ends @ ..] = header;
                let front = u64::from_be_bytes([6, class & 0x0f, f1, f2, l0, l1, next, 0]);
                (fold(front ^ k0, self.octets(&ends) ^ k1), rest)
            }
        };
        Some(fold(header ^ k0, self.octets(rest) ^ k1) | 1)
    }

    fn octets(&self, octets: &[u8]) -> u64 {
        let [_, k1] = self.keys;
        let mut hasher = Seed(k1).build_hasher();
        hasher.write(octets);
        hasher.finish()
    }
}

impl Path {
    fn of(layers: &Layers<'_>) -> Self {
        let hops = layers.network.map_or(0, |network| network.ttl);
        let sender =
            layers.source_mac.map_or(0, |Mac([.., e, f])| u32::from(u16::from_be_bytes([e, f])) & 0xfff);
        let tag = if layers.vlan.is_empty() { 0 } else { tags(&layers.vlan) };
        let lan = match layers.redundancy {
            None => 0,
            Some(Redundancy::Hsr { path, .. }) => u32::from(path),
            Some(Redundancy::Prp { lan: Lan::A, .. }) => 0xa,
            Some(Redundancy::Prp { lan: Lan::B, .. }) => 0xb,
        };
        Self(u64::from(hops) << 32 | u64::from(sender) << 20 | u64::from(tag) << 4 | u64::from(lan & 0xf))
    }

    /// With how many packets ago the one before it of the same place came, where it is remembered still.
    fn with_back(self, back: u32) -> Self {
        Self(self.0 | u64::from(u8::try_from(back).unwrap_or(0)) << BACK)
    }

    fn back(self) -> Option<u32> {
        u32::try_from(self.0 >> BACK).ok().filter(|back| *back != 0)
    }

    const fn compared_with(self, now: Self) -> Copied {
        let differs = (self.0 ^ now.0) & ((1 << BACK) - 1);
        if differs & 0xf != 0 {
            Copied::Redundant
        } else if differs >> 20 != 0 {
            Copied::Routed
        } else if differs != 0 {
            Copied::Retagged
        } else {
            Copied::Same
        }
    }
}

/// As many bits of tags as tell them apart.
fn tags(tags: &[u16]) -> u32 {
    tags.iter().fold(0, |all: u32, id| all.rotate_left(5) ^ (u32::from(*id) + 1)) & 0x3fff
}

/// Two headers of 20 octets as words, little-endian.
fn words(header: &[u8; 40]) -> [u32; 10] {
    let mut words = [0; 10];
    for (word, octets) in words.iter_mut().zip(header.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*octets);
    }
    words
}

const fn wide(one: u32, two: u32) -> u64 {
    (one as u64) << 32 | two as u64
}

fn place(key: u64) -> usize {
    usize::try_from(key % PLACES as u64).unwrap_or(0)
}

/// The halves of the 128-bit product of two words, folded into one.
const fn fold(one: u64, two: u64) -> u64 {
    let product = one as u128 * two as u128;
    #[expect(clippy::cast_possible_truncation, reason = "the halves are taken on purpose")]
    let folded = product as u64 ^ (product >> 64) as u64;
    folded
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{LinkType, RawFrame};
    use fieldwarden_protocols::link::dissect;

    use super::*;

    const TCP: u8 = 6;
    const UDP: u8 = 17;

    /// A packet of a client, changed as a test wants it.
    #[derive(Clone)]
    struct Sent {
        micros: i64,
        vlan: Option<u16>,
        ttl: u8,
        traffic_class: u8,
        protocol: u8,
        id: u16,
        data: Vec<u8>,
    }

    const fn sent(protocol: u8, id: u16, micros: i64) -> Sent {
        Sent { micros, vlan: None, ttl: 64, traffic_class: 0, protocol, id, data: Vec::new() }
    }

    impl Sent {
        fn with(mut self, data: &[u8]) -> Self {
            self.data = data.to_vec();
            self
        }

        fn octets(&self) -> Vec<u8> {
            let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
            if let Some(vlan) = self.vlan {
                bytes.extend([0x81, 0]);
                bytes.extend(vlan.to_be_bytes());
            }
            bytes.extend([8, 0, 0x45, self.traffic_class]);
            let header = if self.protocol == TCP { 20 } else { 8 };
            let length = u16::try_from(20 + header + self.data.len()).unwrap();
            bytes.extend(length.to_be_bytes());
            bytes.extend(self.id.to_be_bytes());
            // The header checksum differs with the time to live; it is not compared.
            bytes.extend([0x40, 0, self.ttl, self.protocol, self.ttl, 0, 10, 0, 0, 5, 10, 0, 0, 20]);
            bytes.extend([0x80, 0, 1, 0xf6]);
            if self.protocol == TCP {
                bytes.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0xab, 0xcd, 0, 0]);
            } else {
                bytes.extend((length - 20).to_be_bytes());
                bytes.extend([0xab, 0xcd]);
            }
            bytes.extend(&self.data);
            bytes
        }
    }

    fn met(copies: &mut Copies, sent: &Sent) -> Option<Copied> {
        let bytes = sent.octets();
        let time = Timestamp::from_nanos(1_000_000_000 + sent.micros * 1_000);
        let wire_length = u32::try_from(bytes.len()).unwrap();
        let frame = RawFrame {
            time,
            link_type: LinkType::ETHERNET,
            interface: 0,
            wire_length,
            tag: None,
            bytes: &bytes,
        };
        copies.meet(&dissect(&frame), time)
    }

    fn told(all: &[Sent]) -> Vec<Option<Copied>> {
        let mut copies = Copies::new(Duration::from_millis(10), Seed(7));
        all.iter().map(|sent| met(&mut copies, sent)).collect()
    }

    #[test]
    fn what_a_mirror_changes_does_not_hide_a_copy() {
        let first = sent(UDP, 1, 0).with(b"poll");
        let retagged = Sent { micros: 900, vlan: Some(20), traffic_class: 0xb8, ..first.clone() };
        let routed = Sent { micros: 2_000, ttl: 63, ..first.clone() };
        let again = Sent { micros: 9_999, ..first.clone() };
        assert_eq!(
            told(&[first, retagged, routed, again]),
            [None, Some(Copied::Retagged), Some(Copied::Routed), Some(Copied::Same)]
        );
    }

    #[test]
    fn a_repetition_is_no_copy() {
        let first = sent(UDP, 1, 0).with(b"poll");
        let later = Sent { micros: 10_001, ..first.clone() };
        let by_the_sender = Sent { id: 2, ..first.clone() };
        assert_eq!(told(&[first, by_the_sender, later]), [None; 3]);
    }

    #[test]
    fn where_nothing_tells_only_the_two_sides_of_a_switch_are_copies() {
        let first = sent(UDP, 0, 0).with(b"poll");
        let other_side = Sent { micros: 400, ..first.clone() };
        let repeated = Sent { micros: 1_000, ..first.clone() };
        assert_eq!(told(&[first, other_side, repeated]), [None, Some(Copied::Same), None]);
    }

    #[test]
    fn other_data_under_an_equal_header_is_judged() {
        let poll = sent(UDP, 1, 0).with(b"poll");
        assert_eq!(told(&[poll.clone(), poll.with(b"stop")]), [None; 2]);
        let poll = sent(TCP, 1, 0).with(b"poll");
        let stop = poll.clone().with(b"stop");
        // The first equal key only makes the shard look closer.
        let copy = Some(Copied::Same);
        assert_eq!(told(&[poll.clone(), stop.clone(), poll.clone(), stop]), [None, None, None, None]);
        assert_eq!(told(&[poll.clone(), poll.clone(), poll.clone(), poll]), [None, None, copy, copy]);
    }

    #[test]
    fn what_lies_too_far_back_is_forgotten() {
        let mut copies = Copies::new(Duration::from_secs(1), Seed(7));
        let first = sent(UDP, 1, 0);
        assert_eq!(met(&mut copies, &first), None);
        for id in 2..250 {
            assert_eq!(met(&mut copies, &sent(UDP, id, 1)), None);
        }
        assert_eq!(met(&mut copies, &first), Some(Copied::Same), "250 packets later");
        for id in 1_000..1_256 {
            assert_eq!(met(&mut copies, &sent(UDP, id, 1)), None);
        }
        assert_eq!(met(&mut copies, &first), None);
    }

    #[test]
    fn below_ip_only_the_closest_repetitions_and_the_two_ways_of_a_ring_are_copies() {
        // GOOSE, plain and in the two networks of a ring (IEC 62439-3 clause 5.6): the third octet of the tag is half the number.
        let plain =
            [[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb8].as_slice(), &[0, 1, 0, 12, 0, 0, 0, 0, 9]]
                .concat();
        let ring = |way: u8, number: u8| {
            let tag = [0x89, 0x2f, way << 4, 17, 0, number];
            [&plain[..12], &tag, &plain[12..]].concat()
        };
        let told = |all: &[(i64, Vec<u8>)]| -> Vec<Option<Copied>> {
            let mut copies = Copies::new(Duration::from_millis(10), Seed(7));
            let mut meet = |(micros, bytes): &(i64, Vec<u8>)| {
                let time = Timestamp::from_nanos(1_000_000_000 + micros * 1_000);
                let wire_length = u32::try_from(bytes.len()).unwrap();
                let link_type = LinkType::ETHERNET;
                let frame = RawFrame { time, link_type, interface: 0, wire_length, tag: None, bytes };
                copies.meet(&dissect(&frame), time)
            };
            all.iter().map(&mut meet).collect()
        };
        assert_eq!(told(&[(0, plain.clone()), (100, plain.clone())]), [None, Some(Copied::Same)]);
        assert_eq!(told(&[(0, plain.clone()), (2_000, plain.clone())]), [None, None], "sent again");
        assert_eq!(told(&[(0, ring(0, 7)), (2_000, ring(1, 7))]), [None, Some(Copied::Redundant)]);
        assert_eq!(told(&[(0, ring(0, 7)), (2_000, ring(1, 8))]), [None, None], "numbered anew");
        let asks = |last: u8| {
            let front = [[0xff; 6].as_slice(), &[2, 0, 0, 0, 0, 2, 8, 6]].concat();
            let body =
                [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, last];
            [front.as_slice(), &body].concat()
        };
        assert_eq!(told(&[(0, asks(7)), (50, asks(8))]), [None, None], "a scan asks for another address");
        assert_eq!(told(&[(0, asks(7)), (50, asks(7))]), [None, Some(Copied::Same)]);
    }

    #[test]
    fn clocks_that_step_back_make_no_copies() {
        let first = sent(UDP, 1, 1_000_000).with(b"poll");
        let stepped = Sent { micros: 0, ..first.clone() };
        assert_eq!(told(&[first, stepped]), [None; 2]);
    }
}
