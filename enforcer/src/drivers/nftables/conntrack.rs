//! Forgetting live connections (ctnetlink): what is cut must not live on in the kernel's memory of it, where offloaded
//! flows and other rules would go by it.
//!
//! Numbers are those of `linux/netfilter/nfnetlink_conntrack.h`.

use std::{io, net::IpAddr};

use fieldwarden_model::Talker;

use crate::{
    content::Match,
    netlink::{ACKNOWLEDGE, Attribute, DUMP, Kernel, Request, find},
};

/// The most connections forgotten for one order; those beyond are cut all the same.
const MAX_FORGOTTEN: usize = 65_536;
const SUBSYSTEM_CONNTRACK: u8 = 1;
const GET: u8 = 1;
const DELETE: u8 = 2;
const GET_TOTALS: u8 = 5;
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const ID: u16 = 12;
const ZONE: u16 = 18;

/// Forgets every connection that one of `cut` covers, and tells how many those were.
pub(super) fn forget(cut: &[Match]) -> io::Result<usize> {
    let mut forgotten = 0;
    let mut kernel = Kernel::open()?;
    if is_empty(&mut kernel) {
        return Ok(0);
    }
    for family in families(cut) {
        let request = Request::new(SUBSYSTEM_CONNTRACK, GET, family, DUMP);
        let covered: Vec<Connection> =
            kernel.dump(&request, &|covered: &mut Vec<Connection>, attributes| {
                if covered.len() < MAX_FORGOTTEN && is_covered(attributes, cut) {
                    covered.extend(Connection::read(attributes));
                }
            })?;
        for connection in covered {
            match kernel.ask(&connection.deletion(family), &mut |_| {}) {
                Ok(()) => forgotten += 1,
                // It ended by itself meanwhile.
                Err(fault) if fault.raw_os_error() == Some(libc::ENOENT) => {}
                Err(fault) => return Err(fault),
            }
        }
    }
    Ok(forgotten)
}

/// Whether the kernel says that it remembers none, in this network namespace: its walk through an empty table takes
/// longer than anything else an order does. A kernel that does not say is asked for all of them.
fn is_empty(kernel: &mut Kernel) -> bool {
    let request = Request::new(SUBSYSTEM_CONNTRACK, GET_TOTALS, 0, ACKNOWLEDGE);
    let mut connections = None;
    let told = kernel.ask(&request, &mut |attributes| {
        connections = find(attributes, 1).and_then(Attribute::number);
    });
    told.is_ok() && connections == Some(0)
}

/// The families that connections covered by `cut` may be of: the kernel looks through its whole table for each.
fn families(cut: &[Match]) -> impl Iterator<Item = u8> {
    let is_named = |four: bool| {
        let is = |talker| matches!(talker, Talker::Ip(address) if address.is_ipv4() == four);
        cut.iter().flat_map(Match::talkers).any(is)
    };
    let all = [(libc::AF_INET, is_named(true)), (libc::AF_INET6, is_named(false))];
    all.into_iter().filter_map(|(family, is_named)| u8::try_from(family).ok().filter(|_| is_named))
}

/// What names a connection to the kernel.
struct Connection {
    original: Vec<u8>,
    id: Option<Vec<u8>>,
    zone: Option<Vec<u8>>,
}

impl Connection {
    fn read(attributes: &[u8]) -> Option<Self> {
        let value = |kind| find(attributes, kind).map(|attribute| attribute.value.to_vec());
        Some(Self { original: value(ORIGINAL)?, id: value(ID), zone: value(ZONE) })
    }

    fn deletion(&self, family: u8) -> Request {
        let mut request = Request::new(SUBSYSTEM_CONNTRACK, DELETE, family, ACKNOWLEDGE)
            .with_nested(ORIGINAL, &self.original);
        for (kind, value) in [(ID, &self.id), (ZONE, &self.zone)] {
            if let Some(value) = value {
                request = request.with(kind, value);
            }
        }
        request
    }
}

/// Whether the connection is covered as either end sees it: with address translation the two differ.
fn is_covered(attributes: &[u8], cut: &[Match]) -> bool {
    [ORIGINAL, REPLY].iter().filter_map(|kind| Flow::read(find(attributes, *kind)?.value)).any(|flow| {
        cut.iter().any(|cut| cut.covers(flow.source, flow.destination, flow.protocol, flow.ports))
    })
}

struct Flow {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    ports: Option<(u16, u16)>,
}

impl Flow {
    fn read(tuple: &[u8]) -> Option<Self> {
        let (addresses, carried) = (find(tuple, 1)?.value, find(tuple, 2)?.value);
        let address = |v4, v6| {
            let four = find(addresses, v4).and_then(|a| <[u8; 4]>::try_from(a.value).ok()).map(IpAddr::from);
            four.or_else(|| {
                find(addresses, v6).and_then(|a| <[u8; 16]>::try_from(a.value).ok()).map(IpAddr::from)
            })
        };
        let port = |kind| find(carried, kind).and_then(port_of);
        Some(Self {
            source: address(1, 3)?,
            destination: address(2, 4)?,
            protocol: *find(carried, 1)?.value.first()?,
            ports: port(2).zip(port(3)),
        })
    }
}

fn port_of(attribute: Attribute<'_>) -> Option<u16> {
    attribute.value.try_into().ok().map(u16::from_be_bytes)
}
