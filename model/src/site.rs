//! The site as its engineers describe it: assets, address spaces, what must never be cut, and what may be enforced.
//!
//! The daemon and the enforcer each read these sections from their own file and call the same functions.

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    address::{AddressSpace, Talker, Transport},
    protect::Protected,
    section::{Fault, Reader, Section},
    window::ChangeWindow,
    zone::{self, Conduit, Zone},
};

/// What a site file says about the plant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// The site's name, told in every incident.
    pub name: String,
    /// Talkers that have a name.
    pub assets: Vec<Asset>,
    /// VLANs in which addresses repeat.
    pub spaces: Vec<(u16, AddressSpace)>,
    /// What no order may cut.
    pub protected: Vec<Protected>,
    /// Zones, beside those that assets name.
    pub zones: Vec<Zone>,
    /// What may pass between zones; without any, nothing is held to them.
    pub conduits: Vec<Conduit>,
    /// Work that somebody approved.
    pub windows: Vec<ChangeWindow>,
}

/// A talker the site has named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// What people call it.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<Talker>,
    /// What it is for, such as `plc`, `hmi`, `historian`.
    pub role: String,
    /// The zone (IEC 62443-3-2) it stands in.
    pub zone: String,
    /// 0 (spare) to 3 (the process stops or harms without it).
    pub criticality: u8,
    /// Files that name its points, beside the configuration. Who has no use for names reads none of them.
    #[serde(default)]
    pub tags: Vec<String>,
}

impl Site {
    /// Reads the `[site]` section with its `[[site.asset]]`, `[[site.space]]`, `[[site.protected]]`, `[[site.zone]]`,
    /// `[[site.conduit]]` and `[[site.change_window]]` tables.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.or("name", String::from("plant"));
        let assets = parts(&mut reader, "asset", asset);
        let spaces: Vec<_> = parts(&mut reader, "space", space).into_iter().flatten().collect();
        let protected = parts(&mut reader, "protected", protect);
        let zones = parts(&mut reader, "zone", zone::zone);
        let conduits = parts(&mut reader, "conduit", zone::conduit);
        let windows = parts(&mut reader, "change_window", ChangeWindow::configure);
        let site = Self { name, assets, spaces, protected, zones, conduits, windows };
        site.check_conduits(&mut reader);
        reader.finish_with(Some(site))
    }

    /// A conduit that leads to or from a zone nobody named leads nowhere.
    fn check_conduits(&self, reader: &mut Reader<'_>) {
        let named = |name: &String| {
            self.zones.iter().any(|zone| zone.name == *name)
                || self.assets.iter().any(|asset| asset.zone == *name)
        };
        for conduit in &self.conduits {
            for name in [&conduit.from, &conduit.to].into_iter().filter(|name| !named(name)) {
                let help =
                    format!("write a `[[site.zone]]` with `name = \"{name}\"`, or give an asset this zone");
                reader.fault_at("conduit", format!("there is no zone `{name}`"), Some(help));
            }
        }
    }

    /// The asset that has this address.
    #[must_use]
    pub fn asset(&self, talker: Talker) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.addresses.contains(&talker))
    }

    /// The address space of a frame's outermost VLAN.
    #[must_use]
    pub fn space_of(&self, outermost_vlan: Option<u16>) -> AddressSpace {
        let listed = |vlan| self.spaces.iter().find(|(id, _)| *id == vlan).map(|(_, space)| *space);
        outermost_vlan.and_then(listed).unwrap_or_default()
    }
}

fn parts<T>(
    reader: &mut Reader<'_>,
    key: &'static str,
    read: fn(&Section) -> Result<T, Vec<Fault>>,
) -> Vec<T> {
    let sections = reader.tables(key);
    sections.iter().filter_map(|section| reader.absorb(read(section))).collect()
}

fn asset(section: &Section) -> Result<Asset, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let name = reader.required("name", "name = \"Dosing PLC\"");
    let addresses = reader.required("addresses", "addresses = [\"10.0.0.20\"]");
    let role = reader.or("role", String::new());
    let zone = reader.or("zone", String::new());
    let criticality = u8::try_from(reader.within("criticality", 0..=3, 1)).unwrap_or(1);
    let tags = reader.or("tags", Vec::new());
    let asset =
        name.zip(addresses).map(|(name, addresses)| Asset { name, addresses, role, zone, criticality, tags });
    reader.finish_with(asset)
}

fn space(section: &Section) -> Result<Vec<(u16, AddressSpace)>, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let number = reader.required::<u16>("number", "number = 1");
    let vlans = reader.required::<Vec<u16>>("vlans", "vlans = [10]");
    let list = number
        .zip(vlans)
        .map(|(number, vlans)| vlans.into_iter().map(|vlan| (vlan, AddressSpace(number))).collect());
    reader.finish_with(list)
}

fn protect(section: &Section) -> Result<Protected, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let name = reader.required("name", "name = \"safety loop\"");
    let talker = reader.required("talker", "talker = \"10.0.0.30\"");
    let peer = reader.optional("peer");
    let server_port = reader.optional("server_port");
    let transport = reader
        .one_of("transport", &[("any", None), ("tcp", Some(Transport::Tcp)), ("udp", Some(Transport::Udp))])
        .flatten();
    let entry =
        name.zip(talker).map(|(name, talker)| Protected { name, talker, peer, server_port, transport });
    reader.finish_with(entry)
}
