//! Who speaks on the wire: talkers, endpoints, VLAN stacks.

use alloc::string::{String, ToString};
use core::{
    fmt,
    hash::{Hash, Hasher},
    net::IpAddr,
    str::FromStr,
};

use heapless::Vec;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// VLAN tags kept per frame, outermost first; a fifth is an anomaly of the link layer.
pub const MAX_VLAN_TAGS: usize = 4;

/// The VLAN ids a frame carried, outermost first.
pub type VlanStack = Vec<u16, MAX_VLAN_TAGS, u8>;

/// A 48-bit hardware address (IEEE 802), written as `00:1b:1b:0a:ff:02`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnAddress;

impl fmt::Display for NotAnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither an IP address such as `10.0.0.20` nor a MAC such as `00:1b:1b:0a:ff:02`")
    }
}

impl core::error::Error for NotAnAddress {}

impl FromStr for Mac {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().filter(|p| p.len() == 2).ok_or(NotAnAddress)?;
            *octet = u8::from_str_radix(part, 16).map_err(|_| NotAnAddress)?;
        }
        if parts.next().is_some() { Err(NotAnAddress) } else { Ok(Self(octets)) }
    }
}

/// An address heard on the wire: an IP address, or a MAC where the protocol runs below IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Talker {
    /// A talker known by its IP address.
    Ip(IpAddr),
    /// A talker that speaks below IP.
    Mac(Mac),
}

impl Hash for Talker {
    /// One word for the common kinds: talkers are looked up by this for every frame.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Ip(IpAddr::V4(address)) => state.write_u64(u64::from(address.to_bits())),
            Self::Ip(IpAddr::V6(address)) => state.write_u128(address.to_bits()),
            Self::Mac(Mac([a, b, c, d, e, f])) => {
                state.write_u64(u64::from_be_bytes([1, 0, *a, *b, *c, *d, *e, *f]));
            }
        }
    }
}

impl fmt::Display for Talker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            Self::Mac(address) => write!(f, "{address}"),
        }
    }
}

impl FromStr for Talker {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        match text.parse() {
            Ok(ip) => Ok(Self::Ip(ip)),
            Err(_) => text.parse().map(Self::Mac),
        }
    }
}

/// One end of an exchange: a talker and, above IP, its port. Written `10.0.0.5:49152` or `[fe80::1]:502`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Who.
    pub talker: Talker,
    /// TCP or UDP port, absent below IP and for other transports.
    pub port: Option<u16>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.talker, self.port) {
            (Talker::Ip(IpAddr::V6(address)), Some(port)) => write!(f, "[{address}]:{port}"),
            (talker, Some(port)) => write!(f, "{talker}:{port}"),
            (talker, None) => write!(f, "{talker}"),
        }
    }
}

/// The part of the plant in which an address is unique. Identical cells repeat addresses; the site file gives
/// each such VLAN or interface a number of its own, everything else is space 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddressSpace(pub u16);

/// What carries an application message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// A TCP stream.
    Tcp,
    /// UDP datagrams.
    Udp,
    /// Frames directly on the link, below IP.
    Link,
}

macro_rules! serde_as_text {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_string())
            }
        }
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
serde_as_text!(Mac, Talker);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_and_read_back() {
        for text in ["10.0.0.5", "fe80::1", "00:1b:1b:0a:ff:02"] {
            assert_eq!(text.parse::<Talker>().map(|t| t.to_string()), Ok(text.to_string()));
        }
        assert_eq!("10.0.0.256".parse::<Talker>(), Err(NotAnAddress));
        let endpoint = Endpoint { talker: "fe80::1".parse().unwrap(), port: Some(502) };
        assert_eq!(endpoint.to_string(), "[fe80::1]:502");
    }
}
