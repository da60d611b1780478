//! Executes a packet filter, written in the language of nft, on frames. It is told the rules and where each frame passes, and
//! nothing of what anybody ordered.
//!
//! Understood is what may stand in the tables under test, and anything else is refused loudly: a rule that is passed over
//! would let pass what the kernel drops.

use std::collections::{BTreeMap, BTreeSet};

/// Where a frame passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It does not come by this machine.
    Beside,
    /// It comes in by these interfaces, one upon the other, and is routed.
    Routed(Vec<String>),
    /// It comes in by this port of a bridge and leaves by others; whether the rules for routed packets are shown it as well.
    Bridged(String, bool),
}

/// A packet filter.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    tables: Vec<Table>,
}

#[derive(Debug, Default)]
struct Table {
    family: String,
    sets: BTreeMap<String, Set>,
    chains: BTreeMap<String, Chain>,
}

#[derive(Debug, Default)]
struct Set {
    types: Vec<String>,
    keys: BTreeSet<Vec<Vec<u8>>>,
}

#[derive(Debug, Default)]
struct Chain {
    /// Hook, device where one is named, priority.
    base: Option<(String, Option<String>, i64)>,
    rules: Vec<Rule>,
}

#[derive(Debug, Default)]
struct Rule {
    conditions: Vec<Condition>,
    verdict: Option<Verdict>,
}

#[derive(Debug)]
struct Condition {
    parts: Vec<(Field, Option<Vec<u8>>)>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Within(Vec<u8>, Vec<u8>),
    In(String),
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    /// Bits from an offset on, behind the beginning of link, network or transport header.
    Raw(Base, usize, usize),
    /// Of IPv4, or of IPv6, by octets of its header.
    Ip(u8, usize, usize),
    /// What IP carries.
    Carried,
    /// A port of whatever IP carries, or of TCP alone, by octets of its header.
    Port { at: usize, tcp: bool },
    /// What follows the hardware addresses, on the wire.
    EtherType,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Base {
    Link,
    Network,
    Transport,
}

#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    Accept,
    Drop,
    Jump(String),
}

/// A frame as the kernel sees it.
struct Packet<'a> {
    wire: &'a [u8],
    /// IP version and where its header begins, behind one VLAN tag at most.
    ip: Option<(u8, usize)>,
}

impl Filter {
    /// Reads what `nft -n list ruleset` prints.
    pub(crate) fn read(text: &str) -> Self {
        let mut filter = Self::default();
        // Elements of sets go over several lines.
        let joined = text.replace(",\n", ",");
        let mut set: Option<String> = None;
        let mut chain: Option<String> = None;
        for line in joined.lines() {
            let line = line.trim();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [] => {}
                ["table", family, _, "{"] => {
                    filter.tables.push(Table { family: family.into(), ..Table::default() });
                }
                ["set", name, "{"] => {
                    set = Some(name.into());
                    filter.table().sets.insert(name.into(), Set::default());
                }
                ["chain", name, "{"] => {
                    chain = Some(name.into());
                    filter.table().chains.insert(name.into(), Chain::default());
                }
                ["}"] => (set, chain) = (None, None),
                ["type", "filter", "hook", ..] => {
                    let name = chain.clone().unwrap();
                    filter.table().chains.get_mut(&name).unwrap().base = Some(base(line));
                }
                ["type", ..] if set.is_some() => {
                    let types = line.trim_start_matches("type ").split(" . ").map(str::to_owned);
                    filter.set(set.as_ref()).types = types.collect();
                }
                ["flags" | "size" | "timeout", ..] if set.is_some() => {}
                ["elements", "=", ..] => {
                    let elements = line.trim_start_matches("elements = {").trim_end_matches('}');
                    let set = filter.set(set.as_ref());
                    set.keys = elements.split(',').map(|element| key(element, &set.types)).collect();
                }
                _ => {
                    let name = chain.clone().unwrap_or_else(|| panic!("not understood: {line}"));
                    let rule = Rule::read(line);
                    filter.table().chains.get_mut(&name).unwrap().rules.push(rule);
                }
            }
        }
        filter
    }

    fn table(&mut self) -> &mut Table {
        self.tables.last_mut().unwrap()
    }

    fn set(&mut self, name: Option<&String>) -> &mut Set {
        self.table().sets.get_mut(name.unwrap()).unwrap()
    }

    /// Whether a frame that passes there comes through.
    pub(crate) fn passes(&self, frame: &[u8], passage: &Passage) -> bool {
        let packet = Packet::of(frame);
        match passage {
            Passage::Beside => true,
            Passage::Routed(devices) => {
                devices.iter().all(|device| self.hook("netdev", "ingress", Some(device), &packet))
                    && self.hook("inet", "forward", None, &packet)
            }
            Passage::Bridged(device, shown) => {
                self.hook("netdev", "ingress", Some(device), &packet)
                    && self.hook("bridge", "forward", None, &packet)
                    && (!shown || self.hook("inet", "forward", None, &packet))
            }
        }
    }

    fn hook(&self, family: &str, hook: &str, device: Option<&str>, packet: &Packet<'_>) -> bool {
        let mut due: Vec<(i64, &Table, &Chain)> = Vec::new();
        for table in self.tables.iter().filter(|table| table.family == family) {
            for chain in table.chains.values() {
                if let Some((at, on, priority)) = &chain.base
                    && at == hook
                    && on.as_deref() == device
                {
                    due.push((*priority, table, chain));
                }
            }
        }
        due.sort_by_key(|(priority, ..)| *priority);
        due.iter().all(|(_, table, chain)| table.run(chain, packet) != Some(Verdict::Drop))
    }
}

impl Table {
    /// How a chain ends; none where it comes to its end.
    fn run(&self, chain: &Chain, packet: &Packet<'_>) -> Option<Verdict> {
        for rule in &chain.rules {
            if !rule.conditions.iter().all(|condition| self.holds(condition, packet)) {
                continue;
            }
            match &rule.verdict {
                Some(Verdict::Jump(name)) => {
                    let chain = self.chains.get(name).unwrap_or_else(|| panic!("no chain {name}"));
                    let ends = self.run(chain, packet);
                    if ends.is_some() {
                        return ends;
                    }
                }
                Some(verdict) => return Some(verdict.clone()),
                None => {}
            }
        }
        None
    }

    fn holds(&self, condition: &Condition, packet: &Packet<'_>) -> bool {
        let mut found = Vec::new();
        for (field, mask) in &condition.parts {
            let Some(mut octets) = packet.field(*field) else { return false };
            for (octet, mask) in octets.iter_mut().zip(mask.iter().flatten()) {
                *octet &= mask;
            }
            found.push(octets);
        }
        match &condition.test {
            Test::Within(from, to) => (from..=to).contains(&&found[0]),
            Test::In(name) => {
                self.sets.get(name).unwrap_or_else(|| panic!("no set {name}")).keys.contains(&found)
            }
        }
    }
}

/// `type filter hook ingress device "w0" priority -510; policy accept;`
fn base(line: &str) -> (String, Option<String>, i64) {
    assert!(line.ends_with("policy accept;"), "{line}");
    let words: Vec<&str> = line.split([' ', ';']).filter(|word| !word.is_empty()).collect();
    let after = |word: &str| words.iter().position(|w| *w == word).map(|at| words[at + 1]);
    let priority = match words[words.iter().position(|w| *w == "priority").unwrap() + 1..] {
        ["filter", "-", less, ..] => -less.parse::<i64>().unwrap(),
        [number, ..] => number.parse().unwrap(),
        [] => panic!("{line}"),
    };
    (after("hook").unwrap().into(), after("device").map(|name| name.trim_matches('"').into()), priority)
}

/// `10.2.0.20 . 10.1.0.10 . 6 . 502 timeout 10m expires 9m59s`, of a set of these types.
fn key(text: &str, types: &[String]) -> Vec<Vec<u8>> {
    let text = text.trim();
    let text = text.split(" timeout ").next().unwrap().split(" expires ").next().unwrap();
    let parts: Vec<&str> = text.split(" . ").collect();
    assert_eq!(parts.len(), types.len(), "{text} in a set of {types:?}");
    let octets = parts.iter().zip(types).map(|(part, kind)| match kind.as_str() {
        "ipv4_addr" => part.parse::<std::net::Ipv4Addr>().unwrap().octets().to_vec(),
        "ipv6_addr" => part.parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec(),
        "inet_proto" => vec![part.parse().unwrap()],
        "inet_service" => part.parse::<u16>().unwrap().to_be_bytes().to_vec(),
        _ => panic!("not understood: a set of {kind}"),
    });
    octets.collect()
}

impl Rule {
    fn read(line: &str) -> Self {
        let mut rule = Self::default();
        let mut words: &[&str] = &line.split_whitespace().collect::<Vec<_>>();
        while let Some(first) = words.first() {
            words = match (*first, words) {
                ("counter", ["counter", "packets", _, "bytes", _, rest @ ..]) => rest,
                ("accept", [_, rest @ ..]) => rule.ends(Verdict::Accept, rest),
                ("drop", [_, rest @ ..]) => rule.ends(Verdict::Drop, rest),
                ("reject", ["reject", "with", "tcp", "reset", rest @ ..]) => rule.ends(Verdict::Drop, rest),
                ("jump", ["jump", chain, rest @ ..]) => rule.ends(Verdict::Jump((*chain).into()), rest),
                _ => {
                    let (condition, rest) = Condition::read(words);
                    rule.conditions.push(condition);
                    rest
                }
            };
        }
        rule
    }

    fn ends<'a>(&mut self, verdict: Verdict, rest: &'a [&'a str]) -> &'a [&'a str] {
        assert!(rest.is_empty() && self.verdict.is_none(), "a rule ends with its verdict: {rest:?}");
        self.verdict = Some(verdict);
        rest
    }
}

impl Condition {
    fn read<'a>(mut words: &'a [&'a str]) -> (Self, &'a [&'a str]) {
        let mut parts = Vec::new();
        loop {
            let (field, mut rest) = Field::read(words);
            let mut mask = None;
            if let ["&", octets, behind @ ..] = rest {
                mask = Some(field.value(octets));
                rest = behind;
            }
            parts.push((field, mask));
            match rest {
                [".", behind @ ..] => words = behind,
                _ => {
                    words = rest;
                    break;
                }
            }
        }
        let (test, rest) = match words {
            [set, rest @ ..] if set.starts_with('@') => (Test::In(set.trim_start_matches('@').into()), rest),
            ["==", value, rest @ ..] | [value, rest @ ..] => {
                assert_eq!(parts.len(), 1, "several fields are looked up in a set: {value}");
                let field = parts[0].0;
                let (from, to) = value.split_once('-').unwrap_or((value, value));
                (Test::Within(field.value(from), field.value(to)), rest)
            }
            [] => panic!("a condition without a value"),
        };
        (Self { parts, test }, rest)
    }
}

impl Field {
    fn read<'a>(words: &'a [&'a str]) -> (Self, &'a [&'a str]) {
        match words {
            ["ip", "saddr", rest @ ..] => (Self::Ip(4, 12, 4), rest),
            ["ip", "daddr", rest @ ..] => (Self::Ip(4, 16, 4), rest),
            ["ip6", "saddr", rest @ ..] => (Self::Ip(6, 8, 16), rest),
            ["ip6", "daddr", rest @ ..] => (Self::Ip(6, 24, 16), rest),
            ["meta", "l4proto", rest @ ..] => (Self::Carried, rest),
            ["th", "sport", rest @ ..] => (Self::Port { at: 0, tcp: false }, rest),
            ["th", "dport", rest @ ..] => (Self::Port { at: 2, tcp: false }, rest),
            ["tcp", "dport", rest @ ..] => (Self::Port { at: 2, tcp: true }, rest),
            ["ether", "type", rest @ ..] => (Self::EtherType, rest),
            [raw, rest @ ..] if raw.starts_with('@') => {
                let mut parts = raw[1..].split(',');
                let base = match parts.next().unwrap() {
                    "ll" => Base::Link,
                    "nh" => Base::Network,
                    "th" => Base::Transport,
                    _ => panic!("not understood: {raw}"),
                };
                let mut bits = || parts.next().unwrap().parse::<usize>().unwrap();
                let (from, count) = (bits(), bits());
                assert!(from.is_multiple_of(8) && count.is_multiple_of(8), "{raw}");
                (Self::Raw(base, from / 8, count / 8), rest)
            }
            _ => panic!("not understood: {words:?}"),
        }
    }

    fn octets(self) -> usize {
        match self {
            Self::Raw(_, _, octets) | Self::Ip(_, _, octets) => octets,
            Self::Carried => 1,
            Self::Port { .. } | Self::EtherType => 2,
        }
    }

    /// A value of this field out of its word.
    fn value(self, word: &str) -> Vec<u8> {
        let named = match word {
            "8021q" => Some(0x8100),
            "8021ad" => Some(0x88a8),
            "ip" => Some(0x0800),
            "ip6" => Some(0x86dd),
            _ => None,
        };
        let hex = match (named, word.strip_prefix("0x")) {
            (Some(number), _) => format!("{number:x}"),
            (None, Some(hex)) => hex.to_owned(),
            (None, None) => format!("{:x}", word.parse::<u128>().unwrap_or_else(|_| panic!("{word}"))),
        };
        let whole = format!("{hex:0>width$}", width = 2 * self.octets());
        assert_eq!(whole.len(), 2 * self.octets(), "{word} for {self:?}");
        (0..self.octets()).map(|n| u8::from_str_radix(&whole[2 * n..2 * n + 2], 16).unwrap()).collect()
    }
}

impl<'a> Packet<'a> {
    fn of(wire: &'a [u8]) -> Self {
        let kind = |at: usize| u16::from_be_bytes([wire[at], wire[at + 1]]);
        // The kernel takes one tag of these types off and looks at what is behind it.
        let at = if [0x8100, 0x88a8].contains(&kind(12)) { 16 } else { 12 };
        let ip = match kind(at) {
            0x0800 => Some((4, at + 2)),
            0x86dd => Some((6, at + 2)),
            _ => None,
        };
        Self { wire, ip }
    }

    fn octets(&self, from: usize, count: usize) -> Option<Vec<u8>> {
        self.wire.get(from..from + count).map(<[u8]>::to_vec)
    }

    /// What IP carries, and where that begins.
    fn transport(&self) -> Option<(u8, usize)> {
        let (version, at) = self.ip?;
        if version == 4 {
            Some((*self.wire.get(at + 9)?, at + usize::from(self.wire.get(at)? & 15) * 4))
        } else {
            Some((*self.wire.get(at + 6)?, at + 40))
        }
    }

    fn field(&self, field: Field) -> Option<Vec<u8>> {
        match field {
            Field::EtherType => self.octets(12, 2),
            Field::Raw(Base::Link, from, count) => self.octets(from, count),
            Field::Raw(Base::Network, from, count) => self.octets(self.ip?.1 + from, count),
            Field::Raw(Base::Transport, from, count) => self.octets(self.transport()?.1 + from, count),
            Field::Ip(version, from, count) => {
                let (found, at) = self.ip?;
                if found == version { self.octets(at + from, count) } else { None }
            }
            Field::Carried => self.transport().map(|(carried, _)| vec![carried]),
            Field::Port { at, tcp } => {
                let (carried, from) = self.transport()?;
                if tcp && carried != 6 { None } else { self.octets(from + at, 2) }
            }
        }
    }
}
