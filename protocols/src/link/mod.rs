//! Every layer below the application of one frame: link, tags, tunnels, IP, TCP and UDP headers.
//!
//! Guarantees: [`dissect`] is a total function of the frame. It never fails, never reads outside the captured octets, takes
//! time linear in them, and allocates for frames alone that have anomalies. What is wrong stands in
//! [`Layers::anomalies`], beside everything that was understood before and after the fault. Checksums are looked at only
//! when asked for ([`Layers::checksums`]): captures on a host show them before the network card fills them in.
//!
//! Whatever carries a whole frame or packet inside another is opened, and [`Layers`] tells the innermost one:
//!
//! ```text
//! tunnel with a frame inside (ERSPAN, VXLAN, GENEVE, GRE bridging, MPLS pseudowire): addresses, hardware addresses,
//!     VLAN ids and redundancy are those of the inner frame. Who mirrors or tunnels is no talker of the plant.
//! tunnel with a packet inside (GRE, PPTP, IP in IP, MPLS, PPPoE): addresses are the inner ones; hardware addresses and
//!     VLAN ids stay those of the innermost frame, for the packet brings none of its own.
//! ```
//!
//! So `vlan` is the tag stack of the innermost frame, and the address space follows from its outermost tag.
//!
//! Written after IEEE 802.3-2022 clause 3, IEEE 802.1Q-2022 clause 9, RFC 826, RFC 791, RFC 8200, RFC 9293, RFC 768 and the link
//! types of the tcpdump.org registry; what each further layer is written after stands in its file, all of it in
//! `docs/layers.md`.

mod can;
mod checksum;
mod headers;
mod internet;
pub mod kind;
mod lower;
mod mpls;
mod mstp;
mod ppp;
mod quick;
mod redundancy;
mod relay;
mod transport;
mod tunnel;
mod walk;

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use fieldwarden_model::{Mac, RawFrame, VlanStack};

use self::walk::Walk;
pub use self::{
    can::CanFlags,
    checksum::{Checksum, Checksums},
    headers::{Arp, Fragment, Network, Tcp, TcpFlags, TransportHeader, Udp},
    redundancy::{Lan, Redundancy},
};
use crate::anomaly::Anomaly;

/// Anomalies kept per frame; further ones are not told.
pub const MAX_LAYER_ANOMALIES: usize = 4;

/// IPv6 extension headers walked through before giving up on a packet; RFC 8200 names seven, once each but one.
pub const MAX_EXTENSION_HEADERS: usize = 8;

/// VLAN tags walked through in one frame. Those beyond [`fieldwarden_model::address::MAX_VLAN_TAGS`] are not kept.
pub const MAX_WALKED_TAGS: usize = 16;

/// Entries of one MPLS label stack that are walked through.
pub const MAX_LABELS: usize = 16;

/// Encapsulations opened in one frame; what is inside of one more stays payload.
pub const MAX_TUNNELS: usize = 8;

/// What one frame carries, layer by layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers<'a> {
    /// Source hardware address, where the link type tells it.
    pub source_mac: Option<Mac>,
    /// Destination hardware address, where the link type tells it.
    pub destination_mac: Option<Mac>,
    /// VLAN ids of the innermost frame, outermost first; 0 is a tag that carries a priority only (IEEE 802.1Q clause 9.6).
    pub vlan: VlanStack,
    /// What the link says it carries.
    pub carried: Carried,
    /// The encapsulations that were opened, outermost first.
    pub tunnels: Tunnels,
    /// How a redundant network marked the frame, where it did.
    pub redundancy: Option<Redundancy>,
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
    /// Whether the frame was captured, or mirrored, short of its wire length.
    pub snapped: bool,
    /// What is wrong, at most [`MAX_LAYER_ANOMALIES`]; offsets count from the start of the frame.
    pub anomalies: Vec<Anomaly>,
    spans: Spans<'a>,
}

/// The encapsulations of one frame, outermost first.
pub type Tunnels = heapless::Vec<Tunnel, MAX_TUNNELS, u8>;

/// An encapsulation that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// An MPLS label stack, with a packet or an Ethernet pseudowire behind it (RFC 3032, RFC 4448).
    Mpls,
    /// A PPP session over Ethernet (RFC 2516).
    Pppoe,
    /// Generic routing encapsulation of a packet, or of a frame by Transparent Ethernet Bridging (RFC 2784, RFC 2890).
    Gre,
    /// The enhanced GRE of PPTP (RFC 2637).
    Pptp,
    /// A mirrored frame behind GRE alone: ERSPAN type I.
    Erspan1,
    /// ERSPAN type II.
    Erspan2,
    /// ERSPAN type III.
    Erspan3,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// IPv4 or IPv6 directly within either (RFC 2003, RFC 2473, RFC 4213).
    IpInIp,
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
    /// A PPP protocol number (RFC 1661 clause 2), of a link or of a session within a tunnel.
    Ppp(u16),
    /// A BACnet MS/TP frame; the payload of the data frames 5 and 6 is an NPDU. Its hardware addresses are made of the
    /// numbers of the stations.
    MsTp {
        /// Frame type (ASHRAE 135 clause 9.3): 0 token, 5 and 6 data that expect a reply or do not, 128 up proprietary.
        frame_type: u8,
        /// Destination station; 255 is all of them.
        destination: u8,
        /// Source station.
        source: u8,
    },
    /// A CAN frame (ISO 11898-1); the payload is its data field. Its source address is made of the identifier, for a bus
    /// tells nothing else of who speaks, and it goes to everybody.
    Can {
        /// Identifier, 11 bits, or 29 with [`CanFlags::EXTENDED`]. Of an error frame: the classes of error.
        id: u32,
        /// What kind of frame it is.
        flags: CanFlags,
        /// Octets of data, in a remote frame those asked for.
        length: u8,
    },
    /// Something this decoder does not know, or nothing.
    Unknown,
}

/// Where the octets lie that checksums cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spans<'a> {
    /// From the IP header on, without padding; of a datagram put together from fragments, all of it.
    octets: &'a [u8],
    /// Octets of the IPv4 header; 0 where none is at hand.
    header: u8,
    /// Where in `octets` the header above IP begins, once it was understood.
    transport: Option<u16>,
}

/// Between whom a frame goes, as far as a glance tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// The outermost VLAN id.
    pub vlan: Option<u16>,
    /// The protocol above IP.
    pub protocol: u8,
    /// The first four octets above IP, unless it is a fragment: with TCP and UDP the ports of source and destination.
    pub ports: Option<(u16, u16)>,
}

/// The addresses and the outermost VLAN id that [`dissect`] finds in a plain frame, for a tenth of the price; `None` for any
/// other frame.
#[must_use]
#[inline]
pub fn addresses(frame: &RawFrame<'_>) -> Option<Addresses> {
    quick::addresses(frame)
}

/// Reads every layer of a frame below the application.
#[must_use]
pub fn dissect<'a>(frame: &RawFrame<'a>) -> Layers<'a> {
    match quick::ethernet(frame) {
        Some(layers) => layers,
        None => careful(frame),
    }
}

/// Reads everything, also what the quick way leaves alone.
#[inline(never)]
fn careful<'a>(frame: &RawFrame<'a>) -> Layers<'a> {
    let mut layers = unread(frame.bytes);
    layers.snapped = frame.wire_length as usize > frame.bytes.len();
    lower::link(&mut Walk { layers: &mut layers, end: frame.bytes.len() }, frame);
    layers
}

/// Continues above IP with the octets of a datagram that was put together from fragments, and opens what it carries.
/// Addresses and tags are those of `fragment`, or of the frame inside; anomalies count from the start of `datagram`.
#[must_use]
pub fn dissect_reassembled<'a>(fragment: &Layers<'_>, datagram: &'a [u8]) -> Layers<'a> {
    let network = fragment.network.map(|network| Network { fragment: None, ..network });
    let mut layers = Layers {
        source_mac: fragment.source_mac,
        destination_mac: fragment.destination_mac,
        vlan: fragment.vlan.clone(),
        carried: fragment.carried,
        tunnels: fragment.tunnels.clone(),
        redundancy: fragment.redundancy,
        network,
        spans: Spans { octets: datagram, header: 0, transport: None },
        ..unread(datagram)
    };
    let mut walk = Walk { layers: &mut layers, end: datagram.len() };
    match network {
        Some(Network { source: IpAddr::V6(_), protocol, .. }) => {
            internet::extensions(&mut walk, protocol, datagram);
        }
        Some(Network { protocol, .. }) => transport::transport(&mut walk, protocol, datagram),
        None => {}
    }
    layers
}

const fn unread(bytes: &[u8]) -> Layers<'_> {
    Layers {
        source_mac: None,
        destination_mac: None,
        vlan: VlanStack::new(),
        carried: Carried::Unknown,
        tunnels: Tunnels::new(),
        redundancy: None,
        arp: None,
        network: None,
        transport: TransportHeader::None,
        payload: bytes,
        missing: 0,
        snapped: false,
        anomalies: Vec::new(),
        spans: Spans { octets: &[], header: 0, transport: None },
    }
}

#[cfg(test)]
mod tests;
