//! What a client under write quarantine may still send: an allow-list of whole segments.
//!
//! A segment passes when it carries nothing, or exactly one whole read and nothing beside it. Everything else is
//! refused: what is no read, what is only a part of one, what has something behind it. Each rule holds for one length
//! of the TCP header, since the rules cannot add.
//!
//! Limits: nothing here remembers a segment. A client that forges segments which *overlap* lets the server put
//! together what no segment was. See `docs/drivers/nftables.md`.

use super::{
    rules::{Rule, View},
    ruleset::{Kind, SETS, Version},
};
use crate::sys::nft::Expression;

/// Modbus/TCP.
pub(super) const MODBUS: u16 = 502;
/// ISO on TCP, which S7 is carried by.
pub(super) const S7: u16 = 102;
/// The lengths a TCP header may have, in words of four octets.
const TCP_WORDS: std::ops::RangeInclusive<u16> = 5..=15;
/// Octets of a Modbus request that reads: transaction, protocol, length, unit, function, address, count.
const MODBUS_READ: u16 = 12;
/// Octets of the connection request whose three parameters are a PDU size and two addresses of two octets.
const S7_CONNECT: u16 = 22;
/// Octets of the request that agrees on sizes.
const S7_SETUP: u16 = 25;
/// Octets of a request that reads, without its items; and of one item.
const S7_READ: u16 = 19;
const S7_ITEM: u16 = 12;
/// The most items of one request; controllers allow 20.
const S7_ITEMS: std::ops::RangeInclusive<u16> = 1..=20;
const URGENT: u8 = 0x20;

/// Chains as name, without what tells views apart, and rules. The first is jumped to by [`quarantined`].
pub(super) fn chains(view: View, version: Version, prefix: &str) -> Vec<(String, Vec<Rule>)> {
    let reading = Reading { view, version };
    let digit = version.digit();
    let name = |what: &str| format!("{prefix}_{what}{digit}");
    vec![
        (name("modbus_reads"), reading.modbus()),
        (name("s7_reads"), reading.s7()),
        (name("segments"), reading.segments(&name("modbus_reads"), &name("s7_reads"))),
        (name("asks"), reading.asks(&name("segments"))),
    ]
}

/// The rules that send what a client under quarantine says to be looked at.
pub(super) fn quarantined(view: View, version: Version, prefix: &str) -> Vec<Rule> {
    let sets = SETS.iter().filter(|set| set.version == version && set.kind == Kind::Writes);
    let chain = format!("{prefix}_asks{}", version.digit());
    sets.flat_map(|set| {
        view.headers(version).into_iter().map(|(header, is_it)| {
            let mut rule = view.is(version);
            rule.extend(is_it);
            rule.extend([view.protocol(version, 0), Expression::Equals { word: 0, value: vec![6] }]);
            rule.extend(view.asked(set, header));
            rule.push(Expression::Lookup { set: set.text().into(), word: 0 });
            rule.push(Expression::Jump { chain: chain.clone() });
            rule
        })
    })
    .collect()
}

/// The keys of the constant set that says which lengths of a read of S7 go together: IP, TCP header, TPKT, parameters,
/// then function and count of items.
pub(super) fn lengths(version: Version) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    for words in TCP_WORDS {
        for items in S7_ITEMS {
            let whole = S7_READ + S7_ITEM * items;
            let parts = [
                ip_length(version, words, whole),
                words << 12,
                whole,
                2 + S7_ITEM * items,
                u16::from_be_bytes([4, 0]) + items,
            ];
            keys.push(parts.iter().flat_map(|part| [part.to_be_bytes(), [0, 0]].concat()).collect());
        }
    }
    keys
}

/// What the IP header says is its length, where TCP has a header of so many words and carries so much.
const fn ip_length(version: Version, words: u16, carried: u16) -> u16 {
    match version {
        Version::V4 => 20 + 4 * words + carried,
        Version::V6 => 4 * words + carried,
    }
}

#[derive(Clone, Copy)]
struct Reading {
    view: View,
    version: Version,
}

impl Reading {
    /// Everything a quarantined client sends: what passes is let go on the way, the rest ends here.
    fn asks(self, segments: &str) -> Vec<Rule> {
        let mut is_plain = match self.version {
            // A header without options, of a packet that is no fragment.
            Version::V4 => vec![
                self.view.ip(0, 1, 0),
                equals(&[0x45]),
                self.view.ip(6, 2, 0),
                Expression::Masked { word: 0, mask: vec![0x3f, 0xff] },
                equals(&[0, 0]),
            ],
            Version::V6 => vec![self.view.ip(6, 1, 0), equals(&[6])],
        };
        // An urgent octet is taken out of the stream by some receivers, which shifts what follows.
        is_plain.extend(self.flags(URGENT, 0));
        is_plain.push(Expression::Jump { chain: segments.into() });
        let refuse = match self.view {
            View::Routed => Expression::Reset,
            // No reset can be sent from here.
            View::Framed | View::Tagged(_) => Expression::Drop,
        };
        vec![is_plain, vec![Expression::Counter, refuse]]
    }

    fn segments(self, modbus: &str, s7: &str) -> Vec<Rule> {
        let mut rules: Vec<Rule> = TCP_WORDS
            .map(|words| [self.is_of(words, 0), vec![Expression::Counter, Expression::Accept]].concat())
            .collect();
        for (port, chain) in [(MODBUS, modbus), (S7, s7)] {
            let mut rule = vec![self.tcp(2, 2), equals(&port.to_be_bytes())];
            // Acknowledging, pushing or not, and nothing else.
            rule.extend(self.flags(0x37, 0x10));
            rule.push(Expression::Jump { chain: chain.into() });
            rules.push(rule);
        }
        rules
    }

    fn modbus(self) -> Vec<Rule> {
        let of_header = |words| {
            let mut rule = self.is_of(words, MODBUS_READ);
            rule.extend([self.payload(words, 2, 4), equals(&[0, 0, 0, 6])]);
            rule.push(self.payload(words, 7, 1));
            rule.push(Expression::Between { word: 0, from: vec![1], to: vec![4] });
            rule.extend([Expression::Counter, Expression::Accept]);
            rule
        };
        TCP_WORDS.map(of_header).collect()
    }

    fn s7(self) -> Vec<Rule> {
        TCP_WORDS
            .flat_map(|words| [self.s7_read(words), self.s7_setup(words), self.s7_connect(words)])
            .collect()
    }

    fn s7_connect(self, words: u16) -> Rule {
        let mut rule = self.is_of(words, S7_CONNECT);
        rule.extend([self.payload(words, 0, 6), equals(&[3, 0, 0, 22, 17, 0xe0])]);
        rule.extend([Expression::Counter, Expression::Accept]);
        rule
    }

    fn s7_setup(self, words: u16) -> Rule {
        let mut rule = self.is_of(words, S7_SETUP);
        let head = [3, 0, 0, 25, 2, 0xf0, 0x80, 0x32, 1, 0, 0];
        rule.extend([self.payload(words, 0, 11), equals(&head)]);
        rule.extend([self.payload(words, 13, 5), equals(&[0, 8, 0, 0, 0xf0])]);
        rule.extend([Expression::Counter, Expression::Accept]);
        rule
    }

    fn s7_read(self, words: u16) -> Rule {
        let at = |offset, word| self.view.carried(self.header(), 4 * u32::from(words) + offset, 2, word);
        let mut rule = self.has_header(words);
        rule.extend([self.payload(words, 0, 2), equals(&[3, 0])]);
        rule.extend([self.payload(words, 4, 7), equals(&[2, 0xf0, 0x80, 0x32, 1, 0, 0])]);
        rule.extend([self.payload(words, 15, 2), equals(&[0, 0])]);
        rule.extend([
            self.length(0),
            self.view.carried(self.header(), 12, 2, 1),
            Expression::Masked { word: 1, mask: vec![0xf0, 0] },
            at(2, 2),
            at(13, 3),
            at(17, 4),
        ]);
        let set = SETS.iter().find(|set| set.version == self.version && set.kind == Kind::Lengths);
        let set = set.map_or("", |set| set.text()).to_owned();
        rule.extend([Expression::Lookup { set, word: 0 }, Expression::Counter, Expression::Accept]);
        rule
    }

    /// The rule ends here unless the TCP header has so many words and exactly so many octets follow it.
    fn is_of(self, words: u16, carried: u16) -> Rule {
        let mut rule = self.has_header(words);
        rule.extend([self.length(0), equals(&ip_length(self.version, words, carried).to_be_bytes())]);
        rule
    }

    fn has_header(self, words: u16) -> Rule {
        let [_, octet] = (words << 4).to_be_bytes();
        vec![self.tcp(12, 1), Expression::Masked { word: 0, mask: vec![0xf0] }, equals(&[octet])]
    }

    fn flags(self, mask: u8, value: u8) -> Rule {
        vec![self.tcp(13, 1), Expression::Masked { word: 0, mask: vec![mask] }, equals(&[value])]
    }

    const fn length(self, word: u32) -> Expression {
        match self.version {
            Version::V4 => self.view.ip(2, 2, word),
            Version::V6 => self.view.ip(4, 2, word),
        }
    }

    /// Octets of the IP header: those with more were refused before.
    const fn header(self) -> u32 {
        match self.version {
            Version::V4 => 20,
            Version::V6 => 40,
        }
    }

    const fn tcp(self, offset: u32, length: u32) -> Expression {
        self.view.carried(self.header(), offset, length, 0)
    }

    fn payload(self, words: u16, offset: u32, length: u32) -> Expression {
        self.tcp(4 * u32::from(words) + offset, length)
    }
}

fn equals(value: &[u8]) -> Expression {
    Expression::Equals { word: 0, value: value.to_vec() }
}

#[cfg(test)]
mod tests;
