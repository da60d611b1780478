//! The names of services and conversations, by which shards, baseline and rehearsal mean the same thing.

use core::fmt;

use fieldwarden_model::{AddressSpace, Talker, Transport};
use fieldwarden_protocols::Protocol;

use crate::track::FlowKey;

/// A flow over TCP whose protocol is not recognised.
pub const PLAIN_TCP: Protocol = Protocol("tcp");
/// A flow over UDP whose protocol is not recognised.
pub const PLAIN_UDP: Protocol = Protocol("udp");
/// Frames below IP whose protocol is not recognised.
pub const PLAIN_LINK: Protocol = Protocol("link");

/// A client that uses a service of a server. The client's own port changes with every connection and is no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey {
    /// Where both addresses are unique.
    pub space: AddressSpace,
    /// Who asks.
    pub client: Talker,
    /// Who is asked.
    pub server: Talker,
    /// TCP, UDP or the link.
    pub transport: Transport,
    /// The server's port, absent below IP.
    pub port: Option<u16>,
}

impl ServiceKey {
    /// The service that a flow belongs to.
    #[must_use]
    pub const fn of(flow: &FlowKey) -> Self {
        Self {
            space: flow.space,
            client: flow.client.talker,
            server: flow.server.talker,
            transport: flow.transport,
            port: flow.server.port,
        }
    }
}

/// A conversation: a service, what is spoken there, and the unit addressed behind the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationKey {
    /// Who uses which service of whom.
    pub service: ServiceKey,
    /// The protocol, or [`PLAIN_TCP`] and its like.
    pub protocol: Protocol,
    /// The unit, where the protocol has one.
    pub unit: Option<u16>,
}

impl fmt::Display for ConversationKey {
    /// `10.0.0.5 to 10.0.0.20 port 502 modbus unit 1`: what baselines use as an entry's id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = &self.service;
        write!(f, "{} to {}", service.client, service.server)?;
        if let Some(port) = service.port {
            write!(f, " port {port}")?;
        }
        write!(f, " {}", self.protocol)?;
        if service.transport == Transport::Udp && self.protocol != PLAIN_UDP {
            f.write_str(" over udp")?;
        }
        if let Some(unit) = self.unit {
            write!(f, " unit {unit}")?;
        }
        if service.space.0 != 0 {
            write!(f, " in space {}", service.space.0)?;
        }
        Ok(())
    }
}

/// The name under which unrecognised traffic over a transport goes.
#[must_use]
pub const fn plain(transport: Transport) -> Protocol {
    match transport {
        Transport::Tcp => PLAIN_TCP,
        Transport::Udp => PLAIN_UDP,
        Transport::Link => PLAIN_LINK,
    }
}

/// The protocol of a name: one with a dissector, or unrecognised traffic.
#[must_use]
pub fn protocol_named(name: &str) -> Option<Protocol> {
    let plain = [PLAIN_TCP, PLAIN_UDP, PLAIN_LINK].into_iter().find(|protocol| protocol.name() == name);
    plain.or_else(|| fieldwarden_protocols::protocol(name).map(|(protocol, _)| protocol))
}

/// Whether a protocol only carries another one that is told beside it, as COTP carries S7comm. Its messages are decoded
/// and counted; what they do is said by the protocol they carry, so no conversation of their own is made of them.
#[must_use]
pub fn is_beneath(protocol: Protocol) -> bool {
    !fieldwarden_protocols::DISSECTORS.iter().any(|dissector| dissector.protocol() == protocol)
}

/// Whether an address names a group or nobody, and so is no talker: multicast, limited broadcast, unspecified.
#[must_use]
pub fn is_group_or_nobody(talker: Talker) -> bool {
    match talker {
        Talker::Ip(core::net::IpAddr::V4(ip)) => {
            ip.is_multicast() || ip.is_broadcast() || ip.is_unspecified()
        }
        Talker::Ip(core::net::IpAddr::V6(ip)) => ip.is_multicast() || ip.is_unspecified(),
        Talker::Mac(mac) => mac.0[0] & 1 == 1 || mac.0 == [0; 6],
    }
}
