//! Zones and conduits (IEC 62443-3-2, ZCR 3): what may pass from where to where.

use alloc::{format, string::String, string::ToString, vec::Vec};
use core::net::IpAddr;

use crate::{
    address::Talker,
    operation::Verb,
    section::{Fault, Reader, Section},
    site::Site,
};

/// Assets with the same demands of security.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// Names of its assets, beside those whose own `zone` names it.
    pub assets: Vec<String>,
    /// Its networks.
    pub networks: Vec<Network>,
}

/// A network by its prefix, such as `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// What may pass from one zone to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conduit {
    /// Its name.
    pub name: String,
    /// The zone of who asks.
    pub from: String,
    /// The zone of who is asked.
    pub to: String,
    /// Protocols, by name; none listed is any.
    pub protocols: Vec<String>,
    /// What may be asked; none listed is anything.
    pub operations: Vec<Verb>,
}

impl Network {
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.parse().ok().filter(|bits| *bits <= most)?;
        Some(Self { address, bits })
    }

    /// Whether an address lies within.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let same = |own: u128, other: u128, width: u32| {
            let other_bits = width.saturating_sub(u32::from(self.bits));
            (own ^ other).checked_shr(other_bits).unwrap_or(0) == 0
        };
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

impl Conduit {
    /// Whether it lets an operation of a protocol pass; without an operation, anything of the protocol.
    #[must_use]
    pub fn permits(&self, protocol: &str, verb: Option<Verb>) -> bool {
        let speaks = self.protocols.is_empty() || self.protocols.iter().any(|own| own == protocol);
        let does = verb.is_none_or(|verb| {
            // A session is opened and kept for what passes over it.
            self.operations.is_empty() || verb == Verb::Associate || self.operations.contains(&verb)
        });
        speaks && does
    }
}

impl Site {
    /// The zone of a talker: that of its asset, else the one that lists the asset, else that of the narrowest network around it.
    #[must_use]
    pub fn zone_of(&self, talker: Talker) -> Option<&str> {
        let asset = self.asset(talker);
        if let Some(asset) = asset {
            if !asset.zone.is_empty() {
                return Some(&asset.zone);
            }
            let lists = |zone: &&Zone| zone.assets.contains(&asset.name);
            if let Some(zone) = self.zones.iter().find(lists) {
                return Some(&zone.name);
            }
        }
        let Talker::Ip(address) = talker else { return None };
        let around =
            self.zones.iter().flat_map(|zone| zone.networks.iter().map(move |network| (network, zone)));
        let narrowest =
            around.filter(|(network, _)| network.holds(address)).max_by_key(|(network, _)| network.bits);
        narrowest.map(|(_, zone)| zone.name.as_str())
    }

    /// The first conduit between two zones that lets an operation pass.
    #[must_use]
    pub fn conduit(&self, from: &str, to: &str, protocol: &str, verb: Option<Verb>) -> Option<&Conduit> {
        self.conduits
            .iter()
            .find(|conduit| conduit.from == from && conduit.to == to && conduit.permits(protocol, verb))
    }
}

pub(crate) fn zone(section: &Section) -> Result<Zone, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let name = reader.required("name", "name = \"dosing\"");
    let assets = reader.or("assets", Vec::new());
    let texts: Vec<String> = reader.or("networks", Vec::new());
    let mut networks = Vec::new();
    for text in texts {
        match Network::read(&text) {
            Some(network) => networks.push(network),
            None => {
                let help =
                    "write an address and how many of its bits count, such as `10.1.0.0/16`".to_string();
                reader.fault_at("networks", format!("`{text}` is no network"), Some(help));
            }
        }
    }
    let zone = name.map(|name| Zone { name, assets, networks });
    reader.finish_with(zone)
}

pub(crate) fn conduit(section: &Section) -> Result<Conduit, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let from: Option<String> = reader.required("from", "from = \"control room\"");
    let to: Option<String> = reader.required("to", "to = \"dosing\"");
    let name: String = reader.or("name", String::new());
    let protocols = reader.or("protocols", Vec::new());
    let operations = verbs(&mut reader, "operations");
    let conduit = from.zip(to).map(|(from, to)| {
        let name = if name.is_empty() { format!("{from} to {to}") } else { name };
        Conduit { name, from, to, protocols, operations }
    });
    reader.finish_with(conduit)
}

/// Verbs by their words; one that is none is a fault.
pub(crate) fn verbs(reader: &mut Reader<'_>, key: &'static str) -> Vec<Verb> {
    let words: Vec<String> = reader.or(key, Vec::new());
    let mut verbs = Vec::new();
    for word in words {
        match Verb::ALL.into_iter().find(|verb| verb.word() == word) {
            Some(verb) => verbs.push(verb),
            None => {
                let known: Vec<&str> = Verb::ALL.into_iter().map(Verb::word).collect();
                let help = format!("known are {}", known.join(", "));
                reader.fault_at(key, format!("there is no operation `{word}`"), Some(help));
            }
        }
    }
    verbs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Asset;

    fn site() -> Site {
        let zone = |name: &str, networks: &[&str]| Zone {
            name: name.into(),
            assets: Vec::new(),
            networks: networks.iter().map(|text| Network::read(text).unwrap()).collect(),
        };
        let asset = Asset {
            name: "Historian".into(),
            addresses: [talker("10.1.0.9")].into(),
            role: String::new(),
            zone: "office".into(),
            criticality: 1,
            tags: Vec::new(),
        };
        let conduit = Conduit {
            name: "polling".into(),
            from: "control room".into(),
            to: "dosing".into(),
            protocols: ["modbus".into()].into(),
            operations: [Verb::Read].into(),
        };
        Site {
            assets: [asset].into(),
            zones: [zone("control room", &["10.1.0.0/16"]), zone("dosing", &["10.1.2.0/24", "fd00::/8"])]
                .into(),
            conduits: [conduit].into(),
            ..Site::default()
        }
    }

    fn talker(text: &str) -> Talker {
        text.parse().unwrap()
    }

    #[test]
    fn the_asset_decides_then_the_narrowest_network() {
        let site = site();
        let zones = ["10.1.0.9", "10.1.2.7", "10.1.3.7", "fd00::7", "10.2.0.1", "00:1b:1b:00:00:01"];
        let of = zones.map(|text| site.zone_of(talker(text)));
        assert_eq!(of, [Some("office"), Some("dosing"), Some("control room"), Some("dosing"), None, None]);
    }

    #[test]
    fn a_conduit_goes_one_way_and_lets_pass_what_it_names() {
        let site = site();
        let passes = |from, to, protocol, verb| site.conduit(from, to, protocol, verb).is_some();
        assert!(passes("control room", "dosing", "modbus", Some(Verb::Read)));
        assert!(passes("control room", "dosing", "modbus", Some(Verb::Associate)), "a session comes with it");
        assert!(!passes("control room", "dosing", "modbus", Some(Verb::Write)));
        assert!(!passes("control room", "dosing", "s7comm", None));
        assert!(!passes("dosing", "control room", "modbus", Some(Verb::Read)));
    }

    #[test]
    fn networks_have_bits_of_their_family() {
        assert_eq!(Network::read("10.0.0.0/33"), None);
        assert_eq!(Network::read("10.0.0.0"), None);
        assert!(Network::read("0.0.0.0/0").unwrap().holds("255.1.1.1".parse().unwrap()));
        assert!(!Network::read("0.0.0.0/0").unwrap().holds("::1".parse().unwrap()));
    }
}
