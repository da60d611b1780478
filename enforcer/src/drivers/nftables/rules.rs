//! The rules that drop what the sets name, for packets the kernel has taken apart and for frames it has not.
//!
//! The kernel looks behind one VLAN tag at most. What is behind two, or behind one that it does not know, is matched
//! by its octets, counted from the beginning of the frame as it is on the wire.

use super::ruleset::{Kind, SETS, Set, Version};
use crate::sys::nft::Expression;

/// `enum nft_meta_keys`.
const META_PROTOCOL: u32 = 1;
const META_NFPROTO: u32 = 15;
const META_L4PROTO: u32 = 16;
/// `enum nft_payload_bases`.
const LINK_HEADER: u32 = 0;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
/// Where the EtherType is that tells what follows the addresses of a frame.
pub(super) const ETHERTYPE: u32 = 12;
/// Octets of one VLAN tag.
pub(super) const TAG: u32 = 4;
/// EtherTypes of tags: 802.1Q, 802.1ad, and what stood for the latter before it was one.
pub(super) const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// One rule.
pub(super) type Rule = Vec<Expression>;

/// How a rule comes to the parts of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// As the kernel took it apart, where it routes.
    Routed,
    /// As the kernel took it apart, where it handles frames.
    Framed,
    /// By octets, behind as many VLAN tags. That it is IP was looked at before.
    Tagged(u32),
}

/// Which way a packet goes, seen from the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the server.
    Request,
    /// From it.
    Reply,
}

impl View {
    /// The rule ends here unless the packet is of that version.
    pub(super) fn is(self, version: Version) -> Rule {
        let (key, value) = match (self, version) {
            (Self::Tagged(_), _) => return Vec::new(),
            (Self::Routed, Version::V4) => (META_NFPROTO, vec![2]),
            (Self::Routed, Version::V6) => (META_NFPROTO, vec![10]),
            (Self::Framed, version) => (META_PROTOCOL, version.ethertype().to_be_bytes().to_vec()),
        };
        vec![Expression::Meta { key, word: 0 }, Expression::Equals { word: 0, value }]
    }

    /// Octets of the IP header into words.
    pub(super) const fn ip(self, offset: u32, length: u32, word: u32) -> Expression {
        match self {
            Self::Tagged(tags) => {
                let offset = ETHERTYPE + 2 + tags * TAG + offset;
                Expression::Payload { base: LINK_HEADER, offset, length, word }
            }
            _ => Expression::Payload { base: NETWORK_HEADER, offset, length, word },
        }
    }

    /// Octets behind an IP header of so many octets into words.
    pub(super) const fn carried(self, header: u32, offset: u32, length: u32, word: u32) -> Expression {
        match self {
            Self::Tagged(_) => self.ip(header + offset, length, word),
            _ => Expression::Payload { base: TRANSPORT_HEADER, offset, length, word },
        }
    }

    /// The number of what IP carries into a word. By octets alone that is only what the header itself says.
    pub(super) const fn protocol(self, version: Version, word: u32) -> Expression {
        match (self, version) {
            (Self::Tagged(_), Version::V4) => self.ip(9, 1, word),
            (Self::Tagged(_), Version::V6) => self.ip(6, 1, word),
            _ => Expression::Meta { key: META_L4PROTO, word },
        }
    }

    /// The lengths an IP header may have and the rule must tell apart, each with what ends the rule where it is
    /// another, or where ports are not in the packet. The kernel knows both by itself.
    pub(super) fn headers(self, version: Version) -> Vec<(u32, Rule)> {
        match (self, version) {
            (Self::Tagged(_), Version::V4) => (5_u8..=15)
                .map(|words| {
                    let is_first = vec![
                        self.ip(0, 1, 0),
                        Expression::Equals { word: 0, value: vec![0x40 | words] },
                        self.ip(6, 2, 0),
                        Expression::Masked { word: 0, mask: vec![0x1f, 0xff] },
                        Expression::Equals { word: 0, value: vec![0, 0] },
                    ];
                    (u32::from(words) * 4, is_first)
                })
                .collect(),
            (_, Version::V4) => vec![(20, Vec::new())],
            (_, Version::V6) => vec![(40, Vec::new())],
        }
    }

    /// Everything that is cut.
    pub(super) fn cuts(self, version: Version) -> Vec<Rule> {
        let both = [Direction::Request, Direction::Reply];
        let is_cut = |set: &&Set| set.version == version && !matches!(set.kind, Kind::Writes | Kind::Lengths);
        let sets = SETS.iter().filter(is_cut);
        sets.flat_map(|set| both.iter().flat_map(|way| self.rules(set, *way))).collect()
    }

    /// The rules that drop what is in `set`, of one direction.
    fn rules(self, set: &Set, way: Direction) -> Vec<Rule> {
        let headers = match set.kind {
            Kind::Service => self.headers(set.version),
            _ => vec![(0, Vec::new())],
        };
        let written = headers.into_iter().map(|(header, is_it)| {
            let mut rule = self.is(set.version);
            rule.extend(is_it);
            rule.extend(self.key(set, way, header));
            rule.extend([
                Expression::Lookup { set: set.text().into(), word: 0 },
                Expression::Counter,
                Expression::Drop,
            ]);
            rule
        });
        written.collect()
    }

    /// The parts of a request that make a key of `set`, which names client, server and port.
    pub(super) fn asked(self, set: &Set, header: u32) -> Rule {
        self.key(set, Direction::Request, header)
    }

    /// The parts of a packet that make a key of `set`, into the words from the first on.
    fn key(self, set: &Set, way: Direction, header: u32) -> Rule {
        let (source, destination, length) = match set.version {
            Version::V4 => (12, 16, 4),
            Version::V6 => (8, 24, 16),
        };
        let words = length / 4;
        let (first, second, port) = match way {
            Direction::Request => (source, destination, 2),
            Direction::Reply => (destination, source, 0),
        };
        let mut rule = vec![self.ip(first, length, 0)];
        if set.kind != Kind::Talker {
            rule.push(self.ip(second, length, words));
        }
        if matches!(set.kind, Kind::Carried | Kind::Service) {
            rule.push(self.protocol(set.version, 2 * words));
        }
        match set.kind {
            Kind::Service => rule.push(self.carried(header, port, 2, 2 * words + 1)),
            Kind::Writes => rule.push(self.carried(header, port, 2, 2 * words)),
            _ => {}
        }
        rule
    }
}

/// Goes on in `chain` where the EtherType at `offset` is `ethertype`.
pub(super) fn jump(offset: u32, ethertype: u16, chain: &str) -> Rule {
    vec![
        Expression::Payload { base: LINK_HEADER, offset, length: 2, word: 0 },
        Expression::Equals { word: 0, value: ethertype.to_be_bytes().to_vec() },
        Expression::Jump { chain: chain.into() },
    ]
}
