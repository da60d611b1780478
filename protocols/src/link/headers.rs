//! The headers of a frame as they are told: ARP, IP, TCP, UDP.

use core::net::{IpAddr, Ipv4Addr};

use fieldwarden_model::Mac;

/// An ARP packet for IPv4 over hardware addresses of six octets (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Operation: 1 asks, 2 answers.
    pub operation: u16,
    /// Who sends it.
    pub sender: (Mac, Ipv4Addr),
    /// Who is asked for, or answered.
    pub target: (Mac, Ipv4Addr),
}

/// The fields of an IPv4 or IPv6 header that matter above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// The protocol above IP, after all extension headers.
    pub protocol: u8,
    /// Identification of an IPv4 datagram, fragment or whole. In whole datagrams that may not be fragmented it need not
    /// be unique (RFC 6864 clause 4.1), but a copy of one has the same. Absent in IPv6.
    pub id: Option<u16>,
    /// Set for a fragment that is not the whole datagram.
    pub fragment: Option<Fragment>,
}

/// Where a fragment belongs (RFC 791 clause 3.1, RFC 8200 clause 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification, 16 bits wide in IPv4.
    pub id: u32,
    /// First octet within the datagram; a multiple of eight, at most 65 528.
    pub offset: u16,
    /// Whether more follow.
    pub more: bool,
}

/// The header above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportHeader {
    /// None, none that can be read, or a protocol without ports such as ICMP.
    None,
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp(Udp),
}

/// The fields of a TCP header (RFC 9293 clause 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number of the first octet, or of the SYN.
    pub sequence: u32,
    /// Next sequence number expected from the other side; meaningful with [`TcpFlags::ACK`].
    pub acknowledgement: u32,
    /// All control bits.
    pub flags: TcpFlags,
    /// Receive window, unscaled.
    pub window: u16,
    /// Octets of options.
    pub options_length: u8,
}

/// The control bits of a TCP header, the low octet of its 13th and 14th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement number means something.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer means something.
    pub const URG: Self = Self(0x20);
    /// Congestion experienced was echoed (RFC 3168).
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Self = Self(0x80);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The fields of a UDP header (RFC 768).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// The length field: octets of header and data.
    pub length: u16,
}
