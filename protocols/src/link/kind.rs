//! What a frame without TCP or UDP carries, as one number: what a port is above IP.
//!
//! ```text
//! 0x0600 - 0xffff   an EtherType
//! 0x0000 - 0x00ff   the destination service access point of an LLC frame; IPX in any of its framings is 0x00e0
//! 0x0100 - 0x01ff   0x0100 and the number of a protocol directly above IP
//! 0x0200            CAN
//! 0x0300            BACnet MS/TP, data frames (types 5 and 6)
//! 0x0400            PROFINET DCP, which shares the EtherType of cyclic data
//! ```
//!
//! Numbers below 0x0600 are no EtherTypes, so nothing collides.

use super::{CanFlags, Carried, Layers, lower};

/// ARP (RFC 826).
pub const ARP: u16 = lower::ARP;
/// ICMP (RFC 792).
pub const ICMP: u16 = ABOVE_IP | 1;
/// ICMP for IPv6 (RFC 4443).
pub const ICMP_V6: u16 = ABOVE_IP | 58;
/// Link layer discovery (IEEE 802.1AB clause 7).
pub const LLDP: u16 = 0x88cc;
/// The precision time protocol (IEEE 1588-2019 annex E).
pub const PTP: u16 = 0x88f7;
/// Generic object oriented substation events (IEC 61850-8-1 annex C).
pub const GOOSE: u16 = 0x88b8;
/// Sampled values (IEC 61850-9-2 annex C).
pub const SAMPLED_VALUES: u16 = 0x88ba;
/// PROFINET (IEC 61158-6-10 clause 4.2).
pub const PROFINET: u16 = 0x8892;
/// PROFINET DCP: frame ids 0xfefc to 0xfeff of [`PROFINET`].
pub const PROFINET_DCP: u16 = 0x0400;
/// EtherCAT (IEC 61158-4-12).
pub const ETHERCAT: u16 = 0x88a4;
/// Ethernet POWERLINK (EPSG 301).
pub const POWERLINK: u16 = 0x88ab;
/// SERCOS III (IEC 61158-4-19).
pub const SERCOS: u16 = 0x88cd;
/// The service access point of ISO network and transport protocols (ISO/IEC TR 9577).
pub const ISO: u16 = 0x00fe;
/// The service access point of IPX, and what its other framings count as.
pub const IPX: u16 = 0x00e0;
/// The service access point of NetBIOS (IBM SC30-3587).
pub const NETBIOS: u16 = 0x00f0;
/// CAN.
pub const CAN: u16 = 0x0200;
/// BACnet MS/TP.
pub const MS_TP: u16 = 0x0300;

const ABOVE_IP: u16 = 0x0100;

/// The longest unit that has to be put together: a CAN identifier and the data of CAN FD.
pub const MAX_JOINED: usize = 68;

/// The kind of a frame without TCP or UDP; none where nothing tells it.
#[must_use]
pub fn kind(layers: &Layers<'_>) -> Option<u16> {
    if let Some(network) = &layers.network {
        return Some(ABOVE_IP | u16::from(network.protocol));
    }
    match layers.carried {
        Carried::EtherType(PROFINET) if matches!(layers.payload, [0xfe, 0xfc..=0xff, ..]) => {
            Some(PROFINET_DCP)
        }
        Carried::EtherType(lower::IPX) => Some(IPX),
        Carried::EtherType(number) => Some(number),
        Carried::Llc { destination, .. } => Some(u16::from(destination)),
        Carried::MsTp { frame_type: 5 | 6, .. } => Some(MS_TP),
        Carried::Can { .. } => Some(CAN),
        Carried::MsTp { .. } | Carried::Ppp(_) | Carried::Unknown => None,
    }
}

/// What a dissector of such a frame is given: the payload; of CAN its identifier before it, in four octets whose three
/// highest bits say extended, remote and error frame. `room` is where the latter is put together.
#[must_use]
pub fn unit<'o>(layers: &Layers<'o>, room: &'o mut [u8; MAX_JOINED]) -> &'o [u8] {
    let Carried::Can { id, flags, .. } = layers.carried else { return layers.payload };
    let marks = [(CanFlags::EXTENDED, 1 << 31), (CanFlags::REMOTE, 1 << 30), (CanFlags::ERROR, 1 << 29)];
    let word = marks.iter().fold(id, |word, (flag, bit)| if flags.has(*flag) { word | bit } else { word });
    let octets = word.to_be_bytes().into_iter().chain(layers.payload.iter().copied());
    let length = room.iter_mut().zip(octets).map(|(place, octet)| *place = octet).count();
    room.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use fieldwarden_model::{LinkType, RawFrame, Timestamp};

    use super::*;
    use crate::link::dissect;

    fn check(link_type: LinkType, bytes: &[u8], expected: Option<u16>, unit_is: &[u8]) {
        let wire_length = u32::try_from(bytes.len()).expect("a frame is short");
        let time = Timestamp::from_nanos(0);
        let layers = dissect(&RawFrame { time, link_type, interface: 0, wire_length, tag: None, bytes });
        assert_eq!(kind(&layers), expected);
        let mut room = [0; MAX_JOINED];
        assert_eq!(unit(&layers, &mut room), unit_is);
    }

    #[test]
    fn every_kind_of_frame_has_its_number() {
        let ethernet = |rest: &[u8]| [&[1; 12][..], rest].concat();
        check(LinkType::ETHERNET, &ethernet(&[0x88, 0xb8, 7]), Some(GOOSE), &[7]);
        check(LinkType::ETHERNET, &ethernet(&[0x88, 0x92, 0xfe, 0xfd]), Some(PROFINET_DCP), &[0xfe, 0xfd]);
        check(LinkType::ETHERNET, &ethernet(&[0x88, 0x92, 0x80, 1]), Some(PROFINET), &[0x80, 1]);
        check(LinkType::ETHERNET, &ethernet(&[0, 4, 0xfe, 0xfe, 3, 9]), Some(ISO), &[9]);
        check(LinkType::ETHERNET, &ethernet(&[0, 4, 0xe0, 0xe0, 3, 9]), Some(IPX), &[9]);
        check(LinkType::ETHERNET, &ethernet(&[0x81, 0x37, 0xff, 0xff, 9]), Some(IPX), &[0xff, 0xff, 9]);
        check(LinkType::ETHERNET, &ethernet(&[0, 3, 0xff, 0xff, 9]), Some(IPX), &[0xff, 0xff, 9]);
        check(LinkType::ETHERNET, &ethernet(&[0, 4, 0xf0, 0xf0, 3, 9]), Some(NETBIOS), &[9]);
        let ping = [0x45, 0, 0, 21, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 8];
        check(LinkType::RAW, &ping, Some(ICMP), &[8]);
        let can = [0x98, 0xda, 1, 2, 2, 0, 0, 0, 5, 6];
        check(LinkType::CAN_SOCKETCAN, &can, Some(CAN), &[0x98, 0xda, 1, 2, 5, 6]);
        let token = [0x55, 0xff, 0x00, 0x00, 0x1b, 0x00, 0x00, 0x06];
        check(LinkType::BACNET_MS_TP, &token, None, &Vec::new());
    }
}
