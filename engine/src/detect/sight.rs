//! What shards see that means something across conversations alone, and what is remembered of it.

use core::net::{IpAddr, Ipv4Addr};

use fieldwarden_model::{AddressSpace, Endpoint, FrameRef, Mac, Talker, Timestamp, Transport};
use fieldwarden_protocols::{FieldValue, FieldVisitor, Message, Protocol};

use super::{Finding, address_change, password_guessing, request_flood, rogue_dhcp, scan};
use crate::track::{Heard, Origin};

/// What the site looks at.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub enum Sight<'a> {
    /// An address was heard, with what hardware address.
    Held(&'a Heard),
    /// A door was tried, or opened.
    Door(&'a Door),
    /// A detector saw something of its own matter.
    Matter(&'a Finding, &'a Matter),
}

/// What a detector leaves to the site, beside who did it to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum Matter {
    /// A login was refused, or what comes to the same.
    LoginFailed,
    /// A login was accepted where others were refused before.
    LoggedIn,
    /// A talker hands out addresses: who says to be the server.
    HandsOut(Talker),
    /// So many requests more came within a minute.
    Requests(u32),
}

/// Something that a client may find open or shut: an address, a port, a unit, a selector.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    pub(crate) space: AddressSpace,
    pub(crate) client: Endpoint,
    pub(crate) client_mac: Option<Mac>,
    pub(crate) server: Talker,
    pub(crate) transport: Transport,
    pub(crate) port: Option<u16>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) sort: Sort,
    pub(crate) tried: Tried,
    pub(crate) time: Timestamp,
    pub(crate) frame: FrameRef,
}

/// What sort of door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    /// Whether somebody has an address.
    Address,
    /// A port of TCP or UDP.
    Port,
    /// A unit behind a server.
    Unit(u16),
    /// A selector of ISO transport, by its first octets.
    Selector(u32),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// It was tried; nothing is known yet.
    Knocked,
    /// Somebody answered.
    Answered,
    /// It was refused, or nobody answered in time.
    InVain,
}

/// What detectors remember of the whole site.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Survey {
    pub(crate) addresses: address_change::Memory,
    pub(crate) doors: scan::Memory,
    pub(crate) servers: rogue_dhcp::Memory,
    pub(crate) loads: request_flood::Memory,
    pub(crate) logins: password_guessing::Guesses,
}

impl Door {
    /// The port that a flow goes to.
    pub(crate) fn of_flow(origin: &Origin<'_>, tried: Tried) -> Self {
        Self {
            space: origin.key.space,
            client: origin.key.client,
            client_mac: origin.client_mac,
            server: origin.key.server.talker,
            transport: origin.key.transport,
            port: origin.key.server.port,
            protocol: None,
            sort: Sort::Port,
            tried,
            time: origin.time,
            frame: origin.frames.last().copied().unwrap_or_default(),
        }
    }

    /// A unit of Modbus behind a server: what else has units has one for each server, or does not answer for others.
    pub(crate) fn of_unit(origin: &Origin<'_>, protocol: Protocol, unit: u16) -> Option<Self> {
        let units = matches!(protocol.name(), "modbus" | "modbus_serial");
        let door = Self::of_flow(origin, Tried::Knocked);
        units.then_some(Self { protocol: Some(protocol), sort: Sort::Unit(unit), ..door })
    }
}

/// Whether an address is one of the public Internet: none set aside for private networks, links, groups, documentation or
/// the host itself (IANA registries of special-purpose addresses, RFC 6890).
pub(crate) fn is_public(talker: Talker) -> bool {
    match talker {
        Talker::Ip(IpAddr::V4(ip)) => is_public_v4(ip),
        Talker::Ip(IpAddr::V6(ip)) => {
            let [first, second, ..] = ip.segments();
            // Global unicast is 2000::/3 (RFC 4291 clause 2.4), without what is for documentation.
            first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0xdb8) && first != 0x3fff
        }
        Talker::Mac(_) => false,
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let set_aside = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_unspecified()
        || a == 0
        || a >= 224;
    // Shared by providers (RFC 6598), for protocols (RFC 6890), for measurements (RFC 2544).
    let shared = (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b));
    !set_aside && !shared
}

/// The text of a field, the first where it is a list; numbers are no text.
pub(crate) fn text(message: &Message<'_>, key: &'static str) -> Option<String> {
    octets(message, key).map(|octets| String::from_utf8_lossy(&octets).into_owned())
}

/// The octets of a field, the first where it is a list; numbers have none.
pub(crate) fn octets(message: &Message<'_>, key: &'static str) -> Option<Vec<u8>> {
    let mut first = First { key, found: None };
    message.body.fields(&mut first);
    first.found
}

struct First {
    key: &'static str,
    found: Option<Vec<u8>>,
}

impl FieldVisitor for First {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        if key != self.key || self.found.is_some() {
            return;
        }
        self.found = match value {
            FieldValue::Text(text) => Some(text.as_bytes().to_vec()),
            FieldValue::Bytes(octets) => Some(octets.to_vec()),
            _ => None,
        };
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;
    use crate::bench::talker;

    #[test]
    fn public_is_what_is_not_set_aside() {
        for public in ["8.8.8.8", "203.1.0.1", "100.128.0.1", "2a00:1450::1"] {
            assert!(is_public(talker(public)), "{public}");
        }
        for own in [
            "10.0.0.1",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "127.0.0.1",
            "224.0.0.1",
            "100.64.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(talker(own)), "{own}");
        }
    }
}
