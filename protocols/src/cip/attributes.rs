//! Attributes named and carried by the services that get and set them (CIP Vol. 1, Appendix A-4).
//!
//! A list of attributes with their data can be followed only as long as the length of each is known; the first
//! unknown one takes the rest.

use core::net::Ipv4Addr;

use super::{
    packet::{Packet, class, service},
    path::Target,
};
use crate::cursor::Cursor;

/// TCP/IP interface (CIP Vol. 2, 5-4).
const TCP_IP: u32 = 0xf5;
/// Ethernet link (CIP Vol. 2, 5-5).
const ETHERNET_LINK: u32 = 0xf6;

/// One attribute of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    /// Its id.
    pub(super) id: u16,
    /// Its own status, where an answer has one.
    pub(super) status: Option<u16>,
    /// Its data; of the last one, all that is left.
    pub(super) data: Option<&'a [u8]>,
}

/// Walks the attributes in the data of a message to or from `target`.
pub(super) fn each<'a>(packet: &Packet<'a>, target: &Target, visit: &mut dyn FnMut(Attribute<'a>)) {
    let mut cursor = Cursor::new(packet.data);
    let succeeded = packet.status == 0 || packet.status == ATTRIBUTE_LIST_ERROR;
    match (packet.service, packet.response) {
        (service::GET_LIST, false) => {
            let count = cursor.u16_le().unwrap_or(0);
            for _ in 0..count {
                let Some(id) = cursor.u16_le() else { break };
                visit(Attribute { id, status: None, data: None });
            }
        }
        (service::GET_LIST, true) if succeeded => {
            list(&mut cursor, target, Listed { status: true, data: true }, visit);
        }
        (service::SET_LIST, false) => {
            list(&mut cursor, target, Listed { status: false, data: true }, visit);
        }
        (service::SET_LIST, true) if succeeded => {
            list(&mut cursor, target, Listed { status: true, data: false }, visit);
        }
        (service::GET_ALL, true) if succeeded => all(&mut cursor, target, visit),
        _ => {}
    }
}

/// General status: some attributes of a list could not be had (CIP Vol. 1, Appendix B).
const ATTRIBUTE_LIST_ERROR: u8 = 0x0a;

/// What stands with each attribute of a list.
#[derive(Clone, Copy)]
struct Listed {
    status: bool,
    data: bool,
}

fn list<'a>(cursor: &mut Cursor<'a>, target: &Target, listed: Listed, visit: &mut dyn FnMut(Attribute<'a>)) {
    let count = cursor.u16_le().unwrap_or(0);
    for _ in 0..count {
        let Some(id) = cursor.u16_le() else { return };
        let status = if listed.status { cursor.u16_le() } else { None };
        if listed.status && status.is_none() {
            return;
        }
        let carries = listed.data && status.unwrap_or(0) == 0;
        let known = if carries { length(target, id, cursor.rest()) } else { Some(0) };
        let data = match known {
            Some(octets) => cursor.take_up_to(octets),
            None => cursor.take_up_to(usize::MAX),
        };
        visit(Attribute { id, status, data: carries.then_some(data) });
        if known.is_none() {
            return;
        }
    }
}

/// All attributes of a class that is known, in order.
fn all<'a>(cursor: &mut Cursor<'a>, target: &Target, visit: &mut dyn FnMut(Attribute<'a>)) {
    for id in 1..=20 {
        let Some(octets) = length(target, id, cursor.rest()) else { return };
        let Some(data) = cursor.take(octets).filter(|data| !data.is_empty()) else { return };
        visit(Attribute { id, status: None, data: Some(data) });
    }
}

/// The octets of an attribute at the front of `data`, where the class is known.
fn length(target: &Target, id: u16, data: &[u8]) -> Option<usize> {
    if target.instance == Some(0) {
        return match id {
            1..=3 | 6 | 7 => Some(2),
            4 | 5 => counted(data, 2),
            _ => None,
        };
    }
    match (target.class?, id) {
        (class::IDENTITY, 1..=5 | 9) => Some(2),
        (class::IDENTITY, 6) => Some(4),
        (class::IDENTITY, 7) => Some(1 + usize::from(*data.first()?)),
        (class::IDENTITY, 8 | 10) => Some(1),
        (class::IDENTITY, 11) => Some(3),
        (class::MESSAGE_ROUTER, 1 | 4) => counted(data, 2),
        (class::MESSAGE_ROUTER, 2 | 3) => Some(2),
        (TCP_IP, 1..=3) | (ETHERNET_LINK, 1 | 2 | 6) => Some(4),
        (TCP_IP, 4) => counted(data, 2),
        (TCP_IP, 5) => padded_text(data.get(20..)?).map(|text| 20 + text),
        (TCP_IP, 6) => padded_text(data),
        (TCP_IP, 7) | (ETHERNET_LINK, 3) => Some(6),
        (TCP_IP, 8 | 10 | 12) | (ETHERNET_LINK, 7..=9) => Some(1),
        (TCP_IP, 9) => Some(8),
        (TCP_IP, 11) => Some(35),
        (TCP_IP, 13) => Some(2),
        (ETHERNET_LINK, 4) => Some(44),
        (ETHERNET_LINK, 5) => Some(48),
        (ETHERNET_LINK, 10) => Some(1 + usize::from(*data.first()?)),
        _ => None,
    }
}

/// A count of 16 bits and so many members of `width` octets.
fn counted(data: &[u8], width: usize) -> Option<usize> {
    Some(2 + usize::from(Cursor::new(data).u16_le()?) * width)
}

/// A length of 16 bits and so many octets, padded to an even number.
fn padded_text(data: &[u8]) -> Option<usize> {
    Some(2 + usize::from(Cursor::new(data).u16_le()?).next_multiple_of(2))
}

/// The path that attribute 4 of the TCP/IP interface carries.
pub(super) fn physical_link<'a>(target: &Target, attribute: &Attribute<'a>) -> Option<&'a [u8]> {
    if target.class == Some(TCP_IP) && attribute.id == 4 { attribute.data?.get(2..) } else { None }
}

/// The IPv4 address that a request gives a device: the front of attribute 5 of the TCP/IP interface (CIP Vol. 2, 5-4.3.2.5).
pub(super) fn address(packet: &Packet<'_>, target: &Target) -> Option<Ipv4Addr> {
    if target.class != Some(TCP_IP) || packet.response {
        return None;
    }
    let mut octets = match packet.service {
        service::SET_SINGLE if target.attribute == Some(5) => Some(packet.data),
        _ => None,
    };
    each(packet, target, &mut |attribute| {
        if packet.service == service::SET_LIST && attribute.id == 5 {
            octets = attribute.data;
        }
    });
    Cursor::new(octets?).u32_le().map(Ipv4Addr::from_bits)
}

/// What a device says of itself: the attributes of the identity object, and the identity item of the encapsulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity<'a> {
    /// Vendor id.
    pub(super) vendor: u16,
    /// Device type.
    pub(super) device_type: u16,
    /// Product code.
    pub(super) product_code: u16,
    /// Major and minor revision.
    pub(super) revision: (u8, u8),
    /// Status.
    pub(super) status: u16,
    /// Serial number.
    pub(super) serial: u32,
    /// Product name.
    pub(super) name: &'a [u8],
}

impl<'a> Identity<'a> {
    /// Reads it.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        Some(Self {
            vendor: cursor.u16_le()?,
            device_type: cursor.u16_le()?,
            product_code: cursor.u16_le()?,
            revision: (cursor.u8()?, cursor.u8()?),
            status: cursor.u16_le()?,
            serial: cursor.u32_le()?,
            name: {
                let length = usize::from(cursor.u8()?);
                cursor.take_up_to(length)
            },
        })
    }
}
