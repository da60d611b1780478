//! The sets of our tables, and the keys in them that stand for traffic. Pure data; the kernel is elsewhere.

use std::net::IpAddr;

use fieldwarden_model::{Talker, Transport};

use crate::content::{Match, protocol_number};

/// `NFT_SET_TIMEOUT`.
const HOLDS_TIMEOUTS: u32 = 0x10;
/// `NFT_SET_CONCAT`.
const IS_CONCATENATED: u32 = 0x80;
/// The sets, in the order in which they are made and looked up.
pub(super) static SETS: &[Set] = &[
    Set { name: c"fieldwarden_service4", version: Version::V4, kind: Kind::Service },
    Set { name: c"fieldwarden_carried4", version: Version::V4, kind: Kind::Carried },
    Set { name: c"fieldwarden_pair4", version: Version::V4, kind: Kind::Pair },
    Set { name: c"fieldwarden_talker4", version: Version::V4, kind: Kind::Talker },
    Set { name: c"fieldwarden_writes4", version: Version::V4, kind: Kind::Writes },
    Set { name: c"fieldwarden_s7_lengths4", version: Version::V4, kind: Kind::Lengths },
    Set { name: c"fieldwarden_service6", version: Version::V6, kind: Kind::Service },
    Set { name: c"fieldwarden_carried6", version: Version::V6, kind: Kind::Carried },
    Set { name: c"fieldwarden_pair6", version: Version::V6, kind: Kind::Pair },
    Set { name: c"fieldwarden_talker6", version: Version::V6, kind: Kind::Talker },
    Set { name: c"fieldwarden_writes6", version: Version::V6, kind: Kind::Writes },
    Set { name: c"fieldwarden_s7_lengths6", version: Version::V6, kind: Kind::Lengths },
];

impl Version {
    /// The EtherType that announces it.
    pub(super) const fn ethertype(self) -> u16 {
        match self {
            Self::V4 => 0x0800,
            Self::V6 => 0x86dd,
        }
    }

    /// It as a digit, for names.
    pub(super) const fn digit(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V6 => 6,
        }
    }
}

/// One set of keys of one kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// Its name.
    pub(super) name: &'static std::ffi::CStr,
    pub(super) version: Version,
    pub(super) kind: Kind,
}

/// Of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// 4
    V4,
    /// 6
    V6,
}

/// What a key is made of: the talkers, then what narrows them down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// client . server . transport . port
    Service,
    /// client . server . transport
    Carried,
    /// client . server
    Pair,
    /// talker
    Talker,
    /// client . server . port, of which only reads pass
    Writes,
    /// Constant: which lengths of a read go together.
    Lengths,
}

impl Set {
    /// Its name as text.
    pub(super) fn text(&self) -> &'static str {
        // Every name above is ASCII.
        self.name.to_str().unwrap_or_default()
    }

    /// Octets of each part of a key.
    pub(super) const fn parts(&self) -> &'static [u8] {
        match (self.version, self.kind) {
            (Version::V4, Kind::Service) => &[4, 4, 1, 2],
            (Version::V4, Kind::Carried) => &[4, 4, 1],
            (Version::V4, Kind::Pair) => &[4, 4],
            (Version::V4, Kind::Talker) => &[4],
            (Version::V4, Kind::Writes) => &[4, 4, 2],
            (Version::V6, Kind::Service) => &[16, 16, 1, 2],
            (Version::V6, Kind::Carried) => &[16, 16, 1],
            (Version::V6, Kind::Pair) => &[16, 16],
            (Version::V6, Kind::Talker) => &[16],
            (Version::V6, Kind::Writes) => &[16, 16, 2],
            (_, Kind::Lengths) => &[2, 2, 2, 2, 2],
        }
    }

    /// The type by which nft shows keys: its own numbers, six bits each.
    pub(super) fn key_type(&self) -> u32 {
        let of_part = |part: &u8| match part {
            4 => 7,
            16 => 8,
            1 => 12,
            _ => 13,
        };
        self.parts().iter().map(of_part).fold(0, |all, part| all << 6 | part)
    }

    /// `enum nft_set_flags`.
    pub(super) const fn flags(&self) -> u32 {
        match self.kind {
            Kind::Lengths => IS_CONCATENATED,
            Kind::Talker => HOLDS_TIMEOUTS,
            _ => HOLDS_TIMEOUTS | IS_CONCATENATED,
        }
    }

    /// The keys it always holds; none where orders say what it holds.
    pub(super) fn constants(&self) -> Option<Vec<Vec<u8>>> {
        (!self.is_filled_by_orders()).then(|| super::reading::lengths(self.version))
    }

    /// Whether orders say what it holds.
    pub(super) fn is_filled_by_orders(&self) -> bool {
        self.kind != Kind::Lengths
    }

    /// The key that stands for `cut`; none when this is not its set.
    pub(super) fn key(&self, cut: &Match) -> Option<Vec<u8>> {
        let (kind, transport, port) = match cut {
            Match::Service { transport, port, .. } => (Kind::Service, Some(*transport), Some(*port)),
            Match::Carried { transport, .. } => (Kind::Carried, Some(*transport), None),
            Match::Pair { .. } => (Kind::Pair, None, None),
            Match::Talker(_) => (Kind::Talker, None, None),
            Match::Writes { port, .. } => (Kind::Writes, None, Some(*port)),
            Match::Port { .. } => return None,
        };
        if kind != self.kind {
            return None;
        }
        let mut key = Vec::with_capacity(40);
        for talker in cut.talkers() {
            match (talker, self.version) {
                (Talker::Ip(IpAddr::V4(address)), Version::V4) => key.extend(address.octets()),
                (Talker::Ip(IpAddr::V6(address)), Version::V6) => key.extend(address.octets()),
                _ => return None,
            }
        }
        if let Some(transport) = transport {
            key.extend([protocol_number(transport)?, 0, 0, 0]);
        }
        if let Some(port) = port {
            key.extend(port.to_be_bytes());
            key.extend([0, 0]);
        }
        Some(key)
    }

    /// The traffic a key of this set stands for; none when no key of ours looks like that.
    pub(super) fn cut(&self, key: &[u8]) -> Option<Match> {
        let (client, rest) = self.talker(key)?;
        let cut = match self.kind {
            Kind::Lengths => return None,
            Kind::Talker => Match::Talker(client),
            _ => {
                let (server, rest) = self.talker(rest)?;
                match self.kind {
                    Kind::Carried => Match::Carried { client, server, transport: transport(*rest.first()?)? },
                    Kind::Service => {
                        let port = u16::from_be_bytes(*rest.get(4..)?.first_chunk()?);
                        Match::Service { client, server, transport: transport(*rest.first()?)?, port }
                    }
                    Kind::Writes => {
                        Match::Writes { client, server, port: u16::from_be_bytes(*rest.first_chunk()?) }
                    }
                    _ => Match::Pair { client, server },
                }
            }
        };
        // Whatever padding or surplus the key has, only the key we would write is ours.
        (self.key(&cut)? == key).then_some(cut)
    }

    /// A key as nft writes it.
    pub(super) fn key_text(cut: &Match) -> String {
        let mut parts: Vec<String> = cut.talkers().map(|talker| talker.to_string()).collect();
        if let Match::Service { transport, .. } | Match::Carried { transport, .. } = cut {
            parts.push(if *transport == Transport::Tcp { "tcp".into() } else { "udp".into() });
        }
        if let Match::Service { port, .. } | Match::Writes { port, .. } = cut {
            parts.push(port.to_string());
        }
        parts.join(" . ")
    }

    fn talker<'a>(&self, key: &'a [u8]) -> Option<(Talker, &'a [u8])> {
        match self.version {
            Version::V4 => {
                key.split_first_chunk::<4>().map(|(octets, rest)| (Talker::Ip((*octets).into()), rest))
            }
            Version::V6 => {
                key.split_first_chunk::<16>().map(|(octets, rest)| (Talker::Ip((*octets).into()), rest))
            }
        }
    }
}

/// The set and the key that stand for `cut`; none when nftables cannot match it.
pub(super) fn place(cut: &Match) -> Option<(&'static Set, Vec<u8>)> {
    SETS.iter().find_map(|set| set.key(cut).map(|key| (set, key)))
}

const fn transport(number: u8) -> Option<Transport> {
    match number {
        6 => Some(Transport::Tcp),
        17 => Some(Transport::Udp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_has_one_key_and_every_key_its_cut() {
        for (a, b) in [("10.2.0.20", "10.1.0.10"), ("fd00::20", "fd00::10")] {
            let (client, server): (Talker, Talker) = (a.parse().unwrap(), b.parse().unwrap());
            for cut in [
                Match::Talker(client),
                Match::Pair { client, server },
                Match::Carried { client, server, transport: Transport::Udp },
                Match::Service { client, server, transport: Transport::Tcp, port: 502 },
                Match::Writes { client, server, port: 102 },
            ] {
                let homes: Vec<_> =
                    SETS.iter().filter_map(|set| set.key(&cut).map(|key| (set, key))).collect();
                let [(set, key)] = homes.as_slice() else { panic!("{cut} has {} homes", homes.len()) };
                assert_eq!(set.cut(key), Some(cut));
                let padded = [key.as_slice(), &[0]].concat();
                assert_eq!(set.cut(&padded), None, "a foreign key is not taken for ours");
            }
        }
        let mac = Match::Talker("00:1b:1b:0a:ff:02".parse().unwrap());
        assert!(place(&mac).is_none());
    }
}
