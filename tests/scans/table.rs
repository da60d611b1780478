//! What is asked of whom: a line for each code field that a protocol's requests have, and those that have none.

use std::ops::RangeInclusive;

use super::{fieldbus, services};
use crate::common::wire::Carried;

/// A scan of one field.
pub(crate) struct Scan {
    /// The protocol that tells the messages.
    pub(crate) protocol: &'static str,
    pub(crate) carried: Carried,
    /// What is said before, and whether the server says it: what makes the first question a question.
    pub(crate) opening: Vec<(bool, Vec<u8>)>,
    pub(crate) codes: Vec<u32>,
    /// The field that tells the code.
    pub(crate) key: &'static str,
    /// How `decode` spells a code.
    pub(crate) spelled: fn(u32) -> String,
    pub(crate) ask: fn(u32) -> Vec<u8>,
}

pub(super) const fn tcp(port: u16) -> Carried {
    Carried::Ip(6, port)
}

pub(super) const fn udp(port: u16) -> Carried {
    Carried::Ip(17, port)
}

pub(super) const ETHERNET: Carried = Carried::Link(1);

pub(super) fn scan(
    protocol: &'static str,
    carried: Carried,
    codes: impl IntoIterator<Item = u32>,
    key: &'static str,
    ask: fn(u32) -> Vec<u8>,
) -> Scan {
    let codes = codes.into_iter().collect();
    Scan { protocol, carried, opening: Vec::new(), codes, key, spelled: |code| code.to_string(), ask }
}

/// Codes of two octets.
pub(super) fn pairs(high: RangeInclusive<u32>, low: RangeInclusive<u32>) -> impl Iterator<Item = u32> {
    high.flat_map(move |high| low.clone().map(move |low| high << 8 | low))
}

/// Codes without some of them.
pub(super) fn but(codes: impl Iterator<Item = u32>, without: &[u32]) -> Vec<u32> {
    codes.filter(|code| !without.contains(code)).collect()
}

impl Scan {
    pub(super) fn after(mut self, opening: &[(bool, Vec<u8>)]) -> Self {
        self.opening = opening.to_vec();
        self
    }

    pub(super) fn spelled(mut self, spelled: fn(u32) -> String) -> Self {
        self.spelled = spelled;
        self
    }
}

/// Dissectors whose requests have no field of functions, each with the reason.
pub(crate) const WITHOUT: &[(&str, &str)] = &[
    ("cip_io", "data of a connection, sent again and again; what may be asked is asked of `cip`"),
    ("goose", "states are published: nobody asks, and there is one kind of message"),
    ("sv", "samples are published: nobody asks, and there is one kind of message"),
    ("profinet_rt", "cyclic data and alarms of connections: the frame id names a connection, no function"),
    ("lldp", "a neighbour says who it is: nobody asks, and there is one kind of message"),
    ("syslog", "a text with a facility and a severity: nobody asks"),
    (
        "tls",
        "a handshake, behind which everything is encrypted: its types are its steps, none can be asked for",
    ),
    ("rdp", "a connection request, behind which everything is encrypted or a picture"),
    ("vnc", "a handshake; behind it keys, mouse and pictures, which are not told"),
];

/// Protocols whose scan is told only where their conversation was heard from its beginning on, each with the reason.
pub(crate) const FROM_THE_BEGINNING: &[(&str, &str)] = &[
    (
        "bacnet_sc",
        "the frames of WebSocket have no mark, and what they carry was agreed on when it was opened",
    ),
    ("ftp", "a line with a word that nobody defined is any text"),
    ("ssh", "packets in clear come once, behind the identification; later ones are encrypted"),
    ("mqtt", "two zeros, the reserved packet, are two zeros"),
];

/// Every scan.
pub(crate) fn scans() -> Vec<Scan> {
    fieldbus::scans().into_iter().chain(services::scans()).collect()
}
