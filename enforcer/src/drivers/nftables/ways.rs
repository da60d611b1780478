//! Which way conversations go through this machine, as its interfaces, bridges and routes tell it now.
//!
//! A rehearsal asks, so that it promises nothing of a conversation that does not come by: the mirror shows more than the
//! gateway forwards. Where nothing here tells a way, the conversation counts as one that does come by. Not looked at are
//! routing by other rules than the destination (`ip rule`), and namespaces beside this one.

use std::{collections::BTreeMap, net::IpAddr};

use fieldwarden_model::{Mac, Talker, order::Ends};

pub(super) mod ground;

use ground::Ground;

/// The way of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Routed, in by the client's interface and out by the server's.
    Routed {
        /// Where the client is.
        client: Place,
        /// Where the server is.
        server: Place,
    },
    /// Bridged, from one port of a bridge to another.
    Bridged {
        /// The client's port.
        client: Place,
        /// The server's port; the client's again where a group is told, which says nothing itself.
        server: Place,
    },
    /// This machine is one of the ends; where the other one is.
    Ending(Place),
    /// It does not come by; why, as a sentence.
    Beside(String),
    /// Nothing tells.
    Unknown,
}

/// The interfaces that what a talker says comes in by, one upon the other; none where several might be.
pub(super) type Place = Vec<String>;

/// A route of the main table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The network it leads to.
    pub(super) network: IpAddr,
    /// Bits of that which count.
    pub(super) bits: u8,
    /// The router it leads by; none where the network is on the wire.
    pub(super) by: Option<IpAddr>,
    /// The interface.
    pub(super) device: String,
}

impl Route {
    fn holds(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let away = 32_u32.saturating_sub(self.bits.into());
                (network.to_bits() ^ address.to_bits()).checked_shr(away).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let away = 128_u32.saturating_sub(self.bits.into());
                (network.to_bits() ^ address.to_bits()).checked_shr(away).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The way of what is said between two ends.
pub(super) fn way(ends: &Ends, ground: &Ground) -> Way {
    let macs = [ends.client_mac, ends.server_mac];
    let learned = |mac: Option<Mac>| mac.and_then(|mac| ground.learned.get(&mac));
    let is_own = |talker: Talker| matches!(talker, Talker::Ip(address) if ground.own.contains(&address));
    if is_own(ends.client) {
        return Way::Ending(ground.place_of(ends.server, ends.server_mac));
    }
    if is_own(ends.server) {
        return Way::Ending(ground.place_of(ends.client, ends.client_mac));
    }
    if is_group(ends) {
        return match learned(ends.client_mac) {
            Some((_, port)) => Way::Bridged { client: vec![port.clone()], server: vec![port.clone()] },
            None => Way::Beside("what is told to a group is not routed".into()),
        };
    }
    if let [Some(client), Some(server)] = macs.map(learned) {
        return match (client, server) {
            ((bridge, one), (other, two)) if bridge == other && one == two => {
                Way::Beside(format!("both ends are behind port {one} of bridge {bridge}"))
            }
            ((bridge, one), (other, two)) if bridge == other => {
                Way::Bridged { client: vec![one.clone()], server: vec![two.clone()] }
            }
            _ => Way::Unknown,
        };
    }
    routed(ends, ground, macs.into_iter().flatten().any(|mac| ground.macs.contains(&mac)))
}

/// The way as the routes tell it; `is_seen_here` where a hardware address of ours was on the wire.
fn routed(ends: &Ends, ground: &Ground, is_seen_here: bool) -> Way {
    let route = |talker| match talker {
        Talker::Ip(address) => ground.route_of(address),
        Talker::Mac(_) => None,
    };
    let (Some(client), Some(server)) = (route(ends.client), route(ends.server)) else { return Way::Unknown };
    if client != server || is_seen_here {
        let place = ground.place_of(ends.client, ends.client_mac);
        return Way::Routed { client: place, server: ground.place_of(ends.server, ends.server_mac) };
    }
    match client.by {
        // A bridge that has not learned one of them yet, or that has no address of its own where they are.
        _ if ground.is_bridge(&client.device) => Way::Unknown,
        Some(router) if ground.bridges.is_empty() => {
            Way::Beside(format!("both ends are behind router {router}"))
        }
        Some(_) => Way::Unknown,
        None => {
            let Route { network, bits, device, .. } = client;
            Way::Beside(format!("both ends are in {network}/{bits} behind {device}"))
        }
    }
}

fn is_group(ends: &Ends) -> bool {
    let is_group_mac = |mac: Mac| mac.0.first().is_some_and(|first| first & 1 == 1);
    ends.server_mac.is_some_and(is_group_mac)
        || match ends.server {
            Talker::Ip(IpAddr::V4(address)) => address.is_multicast() || address.is_broadcast(),
            Talker::Ip(IpAddr::V6(address)) => address.is_multicast(),
            Talker::Mac(mac) => is_group_mac(mac),
        }
}

impl Ground {
    fn route_of(&self, address: IpAddr) -> Option<&Route> {
        let all = self.routes.iter().filter(|route| route.holds(address));
        all.max_by_key(|route| route.bits)
    }

    fn place_of(&self, talker: Talker, mac: Option<Mac>) -> Place {
        let route = if let Talker::Ip(address) = talker { self.route_of(address) } else { None };
        let port = mac.and_then(|mac| self.learned.get(&mac)).map(|(_, port)| port.clone());
        match (route, port) {
            (Some(route), None) if self.is_bridge(&route.device) => Vec::new(),
            (route, port) => route.map(|route| route.device.clone()).into_iter().chain(port).collect(),
        }
    }

    fn is_bridge(&self, device: &str) -> bool {
        self.bridges.iter().any(|bridge| bridge == device)
    }
}

/// Where hardware addresses were learned: bridge and port.
pub(super) type Learned = BTreeMap<Mac, (String, String)>;

#[cfg(test)]
mod tests;
