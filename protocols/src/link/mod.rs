//! Every layer below the application: link, tags, IP, TCP and UDP headers of one frame.
//!
//! Guarantees: [`dissect`] is a total function of the frame. It never fails, never allocates, never reads outside the
//! captured octets, and takes time linear in them. What is wrong stands in [`Layers::anomalies`], beside everything
//! that was understood before and after the fault. Checksums are not looked at: captures on a host show them before
//! the network card fills them in.
//!
//! Written after IEEE 802.3-2022 clause 3, IEEE 802.1Q-2022 clause 9, RFC 826, RFC 791, RFC 8200, RFC 9293, RFC 768 and the link
//! types of the tcpdump.org registry.

mod internet;
mod lower;
mod transport;

use core::net::IpAddr;

use fieldwarden_model::{Mac, RawFrame, VlanStack};

use crate::anomaly::Anomaly;

/// Anomalies kept per frame; further ones are not told.
pub const MAX_LAYER_ANOMALIES: usize = 4;

/// IPv6 extension headers walked through before giving up on a packet; RFC 8200 names seven, once each but one.
pub const MAX_EXTENSION_HEADERS: usize = 8;

/// What one frame carries, layer by layer.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    /// Source hardware address, where the link type tells it.
    pub source_mac: Option<Mac>,
    /// Destination hardware address, where the link type tells it.
    pub destination_mac: Option<Mac>,
    /// VLAN ids, outermost first; 0 is a tag that carries a priority only (IEEE 802.1Q clause 9.6).
    pub vlan: VlanStack,
    /// What the link says it carries.
    pub carried: Carried,
    /// The ARP packet, where the frame is one.
    pub arp: Option<Arp>,
    /// The IP header, where there is one.
    pub network: Option<Network>,
    /// The header above IP. [`TransportHeader::None`] for a fragment: its ports show only when it is put together.
    pub transport: TransportHeader,
    /// The octets above the innermost header understood, without padding. Of a fragment: its part of the datagram.
    pub payload: &'a [u8],
    /// Octets at the end of the payload that were on the wire but not captured.
    pub missing: u32,
    /// Whether the frame was captured short of its wire length.
    pub snapped: bool,
    /// What is wrong; offsets count from the start of the frame.
    pub anomalies: heapless::Vec<Anomaly, MAX_LAYER_ANOMALIES>,
}

/// What a link layer says it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// An EtherType of the IEEE registry, 0x0600 or above.
    EtherType(u16),
    /// An IEEE 802.2 LLC frame that is not SNAP with an EtherType.
    Llc {
        /// Destination service access point.
        destination: u8,
        /// Source service access point.
        source: u8,
    },
    /// Something this decoder does not know, or nothing.
    Unknown,
}

/// An ARP packet for IPv4 over hardware addresses of six octets (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Operation: 1 asks, 2 answers.
    pub operation: u16,
    /// Who sends it.
    pub sender: (Mac, IpAddr),
    /// Who is asked for, or answered.
    pub target: (Mac, IpAddr),
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
    /// Set for a fragment that is not the whole datagram.
    pub fragment: Option<Fragment>,
}

/// Where a fragment belongs (RFC 791 clause 3.1, RFC 8200 clause 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification, 16 bits wide in IPv4.
    pub id: u32,
    /// First octet within the datagram; a multiple of eight, at most 65 528.
    pub offset: u32,
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

/// Reads every layer of a frame below the application.
#[must_use]
pub fn dissect<'a>(frame: &RawFrame<'a>) -> Layers<'a> {
    let mut walk = Walk::new(frame);
    lower::link(&mut walk, frame);
    walk.layers
}

/// Continues above IP with the octets of a datagram that was put together from fragments. Addresses and tags are those
/// of `fragment`; anomalies count from the start of `datagram`.
#[must_use]
pub fn dissect_reassembled<'a>(fragment: &Layers<'_>, datagram: &'a [u8]) -> Layers<'a> {
    let network = fragment.network.map(|network| Network { fragment: None, ..network });
    let layers = Layers {
        source_mac: fragment.source_mac,
        destination_mac: fragment.destination_mac,
        vlan: fragment.vlan.clone(),
        carried: fragment.carried,
        arp: None,
        network,
        transport: TransportHeader::None,
        payload: datagram,
        missing: 0,
        snapped: false,
        anomalies: heapless::Vec::new(),
    };
    let mut walk = Walk { layers, end: datagram.len() };
    match network {
        Some(Network { source: IpAddr::V6(_), protocol, .. }) => {
            internet::extensions(&mut walk, protocol, datagram);
        }
        Some(Network { protocol, .. }) => transport::transport(&mut walk, protocol, datagram),
        None => {}
    }
    walk.layers
}

/// The layers found so far, and where the octets still looked at end within the frame.
struct Walk<'a> {
    layers: Layers<'a>,
    end: usize,
}

impl<'a> Walk<'a> {
    fn new(frame: &RawFrame<'a>) -> Self {
        let layers = Layers {
            source_mac: None,
            destination_mac: None,
            vlan: VlanStack::new(),
            carried: Carried::Unknown,
            arp: None,
            network: None,
            transport: TransportHeader::None,
            payload: frame.bytes,
            missing: 0,
            snapped: frame.wire_length as usize > frame.bytes.len(),
            anomalies: heapless::Vec::new(),
        };
        Self { layers, end: frame.bytes.len() }
    }

    /// Where `rest`, which reaches to the end of what is looked at, begins within the frame.
    fn offset(&self, rest: &[u8]) -> u32 {
        u32::try_from(self.end.saturating_sub(rest.len())).unwrap_or(u32::MAX)
    }

    /// Cuts padding: only the first `length` octets of `rest` belong to the layer.
    fn trim(&mut self, rest: &'a [u8], length: usize) -> &'a [u8] {
        match rest.split_at_checked(length) {
            Some((kept, padding)) => {
                self.end = self.end.saturating_sub(padding.len());
                kept
            }
            None => rest,
        }
    }

    fn remark(&mut self, anomaly: Anomaly) {
        // A frame with more faults than fit is told apart well enough by the first ones.
        let _ = self.layers.anomalies.push(anomaly);
    }

    /// A header of `expected` octets does not fit: the peer's fault only when the capture is whole.
    fn short(&mut self, code: &'static str, rest: &[u8], expected: usize) {
        if !self.layers.snapped {
            self.remark(Anomaly::malformed(code, self.offset(rest), rest.len() as u64, expected as u64));
        }
    }
}

#[cfg(test)]
mod tests;
