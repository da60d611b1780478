//! What `[[enforcer.switch]]` says of ports, whatever the switch speaks: its name, the quarantine VLAN, which ports are
//! never moved, and who is behind which.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{Fault, Section, Site, Talker, order::is_place, section::Reader};

/// The most ports whose assets, and the most uplinks that one switch names.
const MAX_PORTS: usize = 1_024;

/// What the site file knows of the ports of one switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ports {
    /// Ports that are never moved.
    pub(super) uplinks: BTreeSet<String>,
    assets: BTreeMap<String, BTreeSet<Talker>>,
    /// Addresses of which those in one list are one machine's.
    machines: Vec<Vec<Talker>>,
}

impl Ports {
    /// Reads `uplinks` and each `[[enforcer.switch.port]]`.
    pub(super) fn read(reader: &mut Reader<'_>, site: &Site) -> Self {
        let uplinks: Vec<String> = reader.or("uplinks", Vec::new());
        for odd in uplinks.iter().filter(|name| !is_place(name)) {
            reader.fault_at("uplinks", format!("`{}` can be no name of a port", odd.escape_debug()), None);
        }
        let sections = reader.tables("port");
        if sections.len().max(uplinks.len()) > MAX_PORTS {
            reader.fault_at("port", format!("more than {MAX_PORTS} ports"), None);
        }
        let mut assets: BTreeMap<String, BTreeSet<Talker>> = BTreeMap::new();
        for section in sections {
            if let Some((port, talkers)) = reader.absorb(port(section, site)) {
                assets.entry(port).or_default().extend(talkers);
            }
        }
        let machines = site.assets.iter().map(|asset| asset.addresses.clone()).collect();
        Self { uplinks: uplinks.into_iter().collect(), assets, machines }
    }

    /// Whoever is known to be behind a port: those the site file names, those `heard` there, and every other address of theirs.
    pub(super) fn behind(&self, port: &str, heard: impl IntoIterator<Item = Talker>) -> Vec<Talker> {
        let mut all = self.assets.get(port).cloned().unwrap_or_default();
        all.extend(heard);
        let machines = self.machines.iter().filter(|machine| machine.iter().any(|one| all.contains(one)));
        let more: Vec<Talker> = machines.flatten().copied().collect();
        all.extend(more);
        all.into_iter().collect()
    }
}

/// Reads `name`.
pub(super) fn switch_name(reader: &mut Reader<'_>) -> Option<String> {
    let name: Option<String> = reader.required("name", "name = \"cell-1\"");
    if name.as_ref().is_some_and(|name| !is_place(name)) {
        let help = Some("write 1 to 64 printable ASCII characters without spaces and quotation marks".into());
        reader.fault_at("name", "this can be no name of a switch".into(), help);
    }
    name
}

/// Reads `quarantine_vlan`.
pub(super) fn quarantine_vlan(reader: &mut Reader<'_>) -> Option<u16> {
    let vlan = reader.required::<u16>("quarantine_vlan", "quarantine_vlan = 666");
    if vlan.is_some_and(|vlan| !(1..=4_094).contains(&vlan)) {
        reader.fault_at("quarantine_vlan", "a VLAN is a number from 1 to 4094".into(), None);
    }
    vlan
}

/// A VLAN an access port can be in (IEEE 802.1Q, 9.6: 0 and 4095 are none).
pub(super) fn vlan(number: u64) -> Option<u16> {
    u16::try_from(number).ok().filter(|number| (1..=4_094).contains(number))
}

/// Who is behind one port: assets by their names, or addresses.
fn port(section: &Section, site: &Site) -> Result<(String, Vec<Talker>), Vec<Fault>> {
    let mut reader = Reader::new(section);
    let name: Option<String> = reader.required("name", "name = \"eth3\"");
    if name.as_ref().is_some_and(|name| !is_place(name)) {
        reader.fault_at("name", "this can be no name of a port".into(), None);
    }
    let assets: Vec<String> = reader.required("assets", "assets = [\"Dosing PLC\"]").unwrap_or_default();
    let mut talkers = Vec::new();
    for word in assets {
        let asset = site.assets.iter().find(|asset| asset.name == word);
        match (asset, word.parse()) {
            (Some(asset), _) => talkers.extend(&asset.addresses),
            (None, Ok(talker)) => talkers.push(talker),
            (None, Err(_)) => {
                let help = Some("write the name of a `[[site.asset]]` of this file, or an address".into());
                reader.fault_at("assets", format!("there is no asset `{}`", word.escape_debug()), help);
            }
        }
    }
    reader.finish_with(name.map(|name| (name, talkers)))
}
