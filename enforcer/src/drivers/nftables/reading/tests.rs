//! The allow-list carried out on octets, by a reader of rules that knows nothing of what they are for, and compared
//! with what a reader of Modbus and S7 says who knows nothing of rules.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::drivers::nftables::rules::{ETHERTYPE, TAG};

const CLIENT: [u8; 4] = [10, 2, 0, 20];
const SERVER: [u8; 4] = [10, 1, 0, 10];

/// The rules of one version, behind so many tags.
struct Filter {
    base: Vec<Rule>,
    chains: BTreeMap<String, Vec<Rule>>,
    version: Version,
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passes,
    Refused,
}

impl Filter {
    fn behind(tags: u32, version: Version) -> Self {
        let view = View::Tagged(tags);
        Self {
            base: quarantined(view, version, "test"),
            chains: chains(view, version, "test").into_iter().collect(),
            version,
            at: usize::try_from(ETHERTYPE + 2 + tags * TAG).unwrap(),
        }
    }

    /// What becomes of an IP packet; what no rule speaks of passes.
    fn judge(&self, packet: &[u8]) -> Verdict {
        let frame = [vec![0; self.at].as_slice(), packet].concat();
        self.chain(&self.base, &frame).unwrap_or(Verdict::Passes)
    }

    fn chain(&self, rules: &[Rule], frame: &[u8]) -> Option<Verdict> {
        rules.iter().find_map(|rule| self.rule(rule, frame))
    }

    fn rule(&self, rule: &Rule, frame: &[u8]) -> Option<Verdict> {
        let mut words = [0_u8; 64];
        for expression in rule {
            match expression {
                Expression::Payload { base: 0, offset, length, word } => {
                    let (at, to) = (usize::try_from(*offset).unwrap(), usize::try_from(*word).unwrap() * 4);
                    let length = usize::try_from(*length).unwrap();
                    let octets = frame.get(at..at + length)?;
                    words[to..(to + length).next_multiple_of(4)].fill(0);
                    words[to..to + length].copy_from_slice(octets);
                }
                Expression::Equals { word: 0, value } if words.starts_with(value) => {}
                Expression::Equals { .. } => return None,
                Expression::Masked { word, mask } => {
                    let to = usize::try_from(*word).unwrap() * 4;
                    words[to..].iter_mut().zip(mask).for_each(|(octet, mask)| *octet &= mask);
                }
                Expression::Between { word: 0, from, to } => {
                    let value = &words[..from.len()];
                    if value < from.as_slice() || value > to.as_slice() {
                        return None;
                    }
                }
                Expression::Lookup { set, word: 0 } => {
                    if !self.holds(set, &words) {
                        return None;
                    }
                }
                Expression::Counter => {}
                Expression::Jump { chain } => return self.chain(&self.chains[chain], frame),
                Expression::Accept => return Some(Verdict::Passes),
                Expression::Drop | Expression::Reset => return Some(Verdict::Refused),
                other => panic!("{other:?} is not read here"),
            }
        }
        None
    }

    fn holds(&self, set: &str, words: &[u8]) -> bool {
        let set = SETS.iter().find(|known| known.text() == set).unwrap();
        if let Some(keys) = set.constants() {
            return keys.iter().any(|key| words.starts_with(key));
        }
        let ends = [address(CLIENT, self.version), address(SERVER, self.version)].concat();
        [MODBUS, S7].iter().any(|port| words.starts_with(&[ends.as_slice(), &port.to_be_bytes()].concat()))
    }
}

fn address(v4: [u8; 4], version: Version) -> Vec<u8> {
    match version {
        Version::V4 => v4.to_vec(),
        Version::V6 => [[0xfd; 12].as_slice(), &v4].concat(),
    }
}

#[derive(Clone, Debug)]
struct Segment {
    port: u16,
    flags: u8,
    options: usize,
    carried: Vec<u8>,
    /// What an IPv4 header says of fragments, and how many words of options it has.
    fragment: u16,
    ip_options: u8,
}

const ACK: u8 = 0x10;

fn plain(port: u16, carried: &[u8]) -> Segment {
    Segment { port, flags: ACK | 8, options: 3, carried: carried.to_vec(), fragment: 0x4000, ip_options: 0 }
}

impl Segment {
    fn packet(&self, version: Version) -> Vec<u8> {
        let words = u8::try_from(5 + self.options).unwrap();
        let mut tcp = [49_152_u16.to_be_bytes(), self.port.to_be_bytes()].concat();
        tcp.extend([0, 0, 0, 1, 0, 0, 0, 1, words << 4, self.flags, 1, 0, 0, 0, 0, 0]);
        tcp.extend(vec![1; self.options * 4]);
        tcp.extend(&self.carried);
        let mut packet = Vec::new();
        match version {
            Version::V4 => {
                let header = 5 + self.ip_options;
                let length = u16::try_from(usize::from(header) * 4 + tcp.len()).unwrap();
                packet.extend([0x40 | header, 0]);
                packet.extend(length.to_be_bytes());
                packet.extend([0, 1]);
                packet.extend(self.fragment.to_be_bytes());
                packet.extend([64, 6, 0, 0]);
            }
            Version::V6 => {
                packet.extend([0x60, 0, 0, 0]);
                packet.extend(u16::try_from(tcp.len()).unwrap().to_be_bytes());
                packet.extend([6, 64]);
            }
        }
        packet.extend([address(CLIENT, version), address(SERVER, version)].concat());
        packet.extend(vec![1; usize::from(self.ip_options) * 4]);
        packet.extend(tcp);
        // What a short frame is filled up with is none of the segment.
        packet.extend([0; 6]);
        packet
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let mut all = Vec::new();
        for tags in 0..=2 {
            for version in [Version::V4, Version::V6] {
                if version == Version::V4 || (self.fragment & 0x3fff == 0 && self.ip_options == 0) {
                    all.push(Filter::behind(tags, version).judge(&self.packet(version)));
                }
            }
        }
        all
    }

    #[track_caller]
    fn is(&self, verdict: Verdict) {
        assert!(self.verdicts().iter().all(|found| *found == verdict), "{:?}: {self:?}", self.verdicts());
    }
}

fn modbus(function: u8) -> Vec<u8> {
    vec![0, 9, 0, 0, 0, 6, 1, function, 0, 10, 0, 4]
}

fn s7_read(items: u8) -> Vec<u8> {
    let parameters = 2 + 12 * u16::from(items);
    let mut all = vec![3, 0];
    all.extend((17 + parameters).to_be_bytes());
    all.extend([2, 0xf0, 0x80, 0x32, 1, 0, 0, 0, 5]);
    all.extend(parameters.to_be_bytes());
    all.extend([0, 0, 4, items]);
    for _ in 0..items {
        all.extend([0x12, 0x0a, 0x10, 2, 0, 4, 0, 1, 0x84, 0, 0, 0]);
    }
    all
}

const SETUP: [u8; 25] =
    [3, 0, 0, 25, 2, 0xf0, 0x80, 0x32, 1, 0, 0, 0, 1, 0, 8, 0, 0, 0xf0, 0, 0, 1, 0, 1, 1, 0xe0];
const CONNECT: [u8; 22] = [3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc0, 1, 0x0a, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2];

/// Whether a segment is one whole read, said without the rules.
fn is_read(port: u16, octets: &[u8]) -> bool {
    match port {
        MODBUS => octets.len() == 12 && octets[2..6] == [0, 0, 0, 6] && (1..=4).contains(&octets[7]),
        S7 if octets.len() == 22 => octets.starts_with(&[3, 0, 0, 22, 17, 0xe0]),
        S7 if octets.len() < 19 || octets[..2] != [3, 0] => false,
        S7 => {
            let length = usize::from(u16::from_be_bytes([octets[2], octets[3]]));
            let parameters = usize::from(u16::from_be_bytes([octets[13], octets[14]]));
            let is_job = octets[4..11] == [2, 0xf0, 0x80, 0x32, 1, 0, 0] && octets[15..17] == [0, 0];
            let is_setup = parameters == 8 && octets[17] == 0xf0 && length == 25;
            let items = usize::from(octets[18]);
            let is_read = octets[17] == 4 && (1..=20).contains(&items) && parameters == 2 + 12 * items;
            length == octets.len() && is_job && (is_setup || (is_read && length == 17 + parameters))
        }
        _ => false,
    }
}

#[test]
fn whole_reads_and_empty_segments_pass_behind_every_length_of_headers() {
    for options in 0..=10 {
        for flags in [2, ACK, ACK | 1, 4, 4 | ACK] {
            Segment { options, flags, ..plain(MODBUS, &[]) }.is(Verdict::Passes);
            Segment { options, flags, ..plain(S7, &[]) }.is(Verdict::Passes);
        }
        for function in 1..=4 {
            Segment { options, ..plain(MODBUS, &modbus(function)) }.is(Verdict::Passes);
        }
        for carried in [s7_read(1), s7_read(20), SETUP.to_vec(), CONNECT.to_vec()] {
            Segment { options, ..plain(S7, &carried) }.is(Verdict::Passes);
        }
    }
}

#[test]
fn everything_else_is_refused() {
    let write = [0, 9, 0, 0, 0, 6, 1, 6, 0, 10, 0, 99];
    for function in (0..=255).filter(|function| !(1..=4).contains(function)) {
        plain(MODBUS, &modbus(function)).is(Verdict::Refused);
    }
    let behind = [modbus(3).as_slice(), &write].concat();
    for octets in 1..behind.len() {
        let whole = octets == 12;
        plain(MODBUS, &behind[..octets]).is(if whole { Verdict::Passes } else { Verdict::Refused });
    }
    plain(MODBUS, &behind).is(Verdict::Refused);
    plain(S7, &modbus(3)).is(Verdict::Refused);
    plain(MODBUS, &SETUP).is(Verdict::Refused);
    for other in [0x05, 0x1a, 0x1b, 0x1c, 0x1d, 0x28, 0x29] {
        let mut job = s7_read(1);
        job[17] = other;
        plain(S7, &job).is(Verdict::Refused);
    }
    plain(S7, &[s7_read(1), s7_read(1)].concat()).is(Verdict::Refused);
    plain(S7, &s7_read(21)).is(Verdict::Refused);
    let read = plain(MODBUS, &modbus(3));
    for segment in [
        Segment { fragment: 0x2000, ..read.clone() },
        Segment { ip_options: 1, ..read.clone() },
        Segment { ip_options: 10, ..read.clone() },
        Segment { flags: ACK | 0x20, ..read.clone() },
        Segment { flags: ACK | 2, ..read.clone() },
        Segment { flags: ACK | 4, ..read.clone() },
        Segment { flags: ACK | 0x20, carried: Vec::new(), ..read.clone() },
    ] {
        segment.is(Verdict::Refused);
    }
}

#[test]
fn other_services_and_other_clients_are_left_alone() {
    plain(80, b"POST / HTTP/1.1").is(Verdict::Passes);
    let mut packet = plain(MODBUS, &modbus(6)).packet(Version::V4);
    packet[15] ^= 1;
    assert_eq!(Filter::behind(0, Version::V4).judge(&packet), Verdict::Passes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Reads and what is near them: some octets changed, added or taken off.
    #[test]
    fn what_passes_is_a_whole_read(
        (port, seed) in prop_oneof![
            (1..=6_u8).prop_map(|function| (MODBUS, modbus(function))),
            (0..=21_u8).prop_map(|items| (S7, s7_read(items))),
            Just((S7, SETUP.to_vec())),
            Just((S7, CONNECT.to_vec())),
        ],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        surplus in prop_oneof![3 => Just(0_isize), 1 => -13..14_isize],
        options in 0..=10_usize,
    ) {
        let mut carried = seed;
        for (at, octet) in changes {
            let at = at.index(carried.len());
            carried[at] = octet;
        }
        let length = carried.len().saturating_add_signed(surplus);
        carried.resize(length, 3);
        let expected = if carried.is_empty() || is_read(port, &carried) { Verdict::Passes } else { Verdict::Refused };
        let segment = Segment { options, ..plain(port, &carried) };
        prop_assert!(segment.verdicts().iter().all(|found| *found == expected), "{:?} {:?}", expected, segment);
    }
}
