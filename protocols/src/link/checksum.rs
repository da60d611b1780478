//! The checksums of IPv4, TCP and UDP (RFC 1071, RFC 791 clause 3.1, RFC 9293 clause 3.1, RFC 768, RFC 8200 clause 8.1).

use core::net::IpAddr;

use super::{Layers, Network, Spans, TransportHeader};

/// What the checksums of a frame's innermost packet say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksums {
    /// Of the IPv4 header. [`Checksum::Absent`] in IPv6, which has none.
    pub network: Checksum,
    /// Of TCP or UDP. [`Checksum::Unknown`] where there is neither.
    pub transport: Checksum,
}

/// What a checksum says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It is right.
    Good,
    /// It is wrong: a receiver drops the packet.
    Bad,
    /// The field holds the sum of the pseudo-header alone: captured at the sender, whose network card completes it.
    Offloaded,
    /// There is none: UDP over IPv4 may leave it out.
    Absent,
    /// It cannot be told: octets are missing, or it is a fragment.
    Unknown,
}

impl Layers<'_> {
    /// Computes the checksums of the innermost IP packet. Takes time linear in the payload; [`super::dissect`] never does.
    #[must_use]
    pub fn checksums(&self) -> Checksums {
        let spans = &self.spans;
        let network = match self.network {
            Some(Network { source: IpAddr::V6(_), .. }) => Checksum::Absent,
            _ => match spans.octets.get(..usize::from(spans.header)).filter(|header| !header.is_empty()) {
                Some(header) => told(fold(sum(header)) == 0xffff),
                None => Checksum::Unknown,
            },
        };
        Checksums { network, transport: self.of_transport().unwrap_or(Checksum::Unknown) }
    }

    /// The innermost IP packet from its header on, as far as captured and without padding; empty where there is none.
    #[must_use]
    pub const fn packet(&self) -> &[u8] {
        self.spans.octets
    }

    /// The header above IP with its data, as far as captured; empty where there is no such header.
    #[must_use]
    pub fn segment(&self) -> &[u8] {
        let Spans { octets, transport, .. } = self.spans;
        transport.and_then(|at| octets.get(usize::from(at)..)).unwrap_or_default()
    }

    /// The shift of the window scale option of a TCP header (RFC 7323 clause 2.2), which counts in segments with SYN only.
    #[must_use]
    pub fn window_scale(&self) -> Option<u8> {
        let TransportHeader::Tcp(tcp) = self.transport else { return None };
        let mut options = self.segment().get(20..20 + usize::from(tcp.options_length))?;
        loop {
            match *options {
                [1, ref rest @ ..] => options = rest,
                [3, 3, shift, ..] => return Some(shift),
                [0, ..] | [] | [_] => return None,
                // A length below two is a lie; skipping two octets ends with the options.
                [_, length, ..] => options = options.get(usize::from(length.max(2))..)?,
            }
        }
    }

    fn of_transport(&self) -> Option<Checksum> {
        let network = self.network.filter(|_| self.missing == 0)?;
        let segment = Some(self.segment()).filter(|segment| !segment.is_empty())?;
        let (covered, place) = match self.transport {
            TransportHeader::Tcp(_) => (segment, 16),
            // A length of 0 is a jumbogram or segmentation offload: all of it counts.
            TransportHeader::Udp(udp) if udp.length == 0 => (segment, 6),
            TransportHeader::Udp(udp) => (segment.get(..usize::from(udp.length))?, 6),
            TransportHeader::None => return None,
        };
        let field = covered.get(place..)?.first_chunk::<2>().copied().map(u16::from_be_bytes)?;
        if field == 0 && place == 6 && network.source.is_ipv4() {
            return Some(Checksum::Absent);
        }
        let addresses = addresses(&network) + u64::from(network.protocol);
        let pseudo = addresses + covered.len() as u64;
        if fold(pseudo + sum(covered)) == 0xffff {
            return Some(Checksum::Good);
        }
        // Cards that cut large segments themselves want the pseudo-header without the length.
        let offloaded = field == fold(pseudo) || field == fold(addresses);
        Some(if offloaded { Checksum::Offloaded } else { Checksum::Bad })
    }
}

const fn told(right: bool) -> Checksum {
    if right { Checksum::Good } else { Checksum::Bad }
}

fn addresses(network: &Network) -> u64 {
    let of = |address: IpAddr| match address {
        IpAddr::V4(v4) => u64::from(v4.to_bits() >> 16) + u64::from(v4.to_bits() & 0xffff),
        IpAddr::V6(v6) => sum(&v6.octets()),
    };
    of(network.source) + of(network.destination)
}

/// The sum of 16-bit words in network order, in 16 bits. Wide words may be added in place of narrow ones, and in the order of
/// this machine, whose sum is the swapped one (RFC 1071 clause 2, B and C); an odd last octet counts as if a zero followed.
/// Cannot overflow: a frame is far shorter than 2^32 words.
fn sum(octets: &[u8]) -> u64 {
    let (words, rest) = octets.as_chunks::<8>();
    let mut total: u128 = words.iter().map(|word| u128::from(u64::from_ne_bytes(*word))).sum();
    let (words, rest) = rest.as_chunks::<4>();
    total += words.iter().map(|word| u128::from(u32::from_ne_bytes(*word))).sum::<u128>();
    let (pairs, odd) = rest.as_chunks::<2>();
    total += pairs.iter().map(|pair| u128::from(u16::from_ne_bytes(*pair))).sum::<u128>();
    total += odd.first().map_or(0, |last| u128::from(u16::from_ne_bytes([*last, 0])));
    let halves = (total & u128::from(u64::MAX)) + (total >> 64);
    let words = (halves & 0xffff_ffff) + (halves >> 32);
    u64::from(u16::from_be(fold(u64::try_from(words).unwrap_or(0))))
}

/// Adds the carries back in until 16 bits are left.
const fn fold(sum: u64) -> u16 {
    let words = (sum & 0xffff_ffff) + (sum >> 32);
    let words = (words & 0xffff_ffff) + (words >> 32);
    let pairs = (words & 0xffff) + (words >> 16);
    let pairs = (pairs & 0xffff) + (pairs >> 16);
    #[expect(clippy::cast_possible_truncation, reason = "no carry is left")]
    let folded = pairs as u16;
    folded
}
