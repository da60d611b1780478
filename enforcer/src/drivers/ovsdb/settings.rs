//! Reads `[[enforcer.switch]]` of kind `ovsdb`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use fieldwarden_model::{Fault, Section, Site, Talker, order::is_place, section::Reader};

use super::{Ovsdb, client::unix_path};
use crate::drivers::{Driver, Switch};

/// The most ports whose assets, and the most uplinks that one switch names.
const MAX_PORTS: usize = 1_024;

/// Reads one switch.
pub(super) fn configure(section: &Section, site: &Site) -> Result<Switch, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let _ = reader.node("kind");
    let name: Option<String> = reader.required("name", "name = \"cell-1\"");
    if name.as_ref().is_some_and(|name| !is_place(name)) {
        let help = Some("write 1 to 64 printable ASCII characters without spaces and quotation marks".into());
        reader.fault_at("name", "this can be no name of a switch".into(), help);
    }
    let help = "address = \"unix:/run/openvswitch/db.sock\"";
    let address: Option<String> = reader.required("address", help);
    let socket = address.as_deref().and_then(unix_path);
    if let (Some(address), None) = (&address, &socket) {
        let help = Some(format!("write `{help}`: the whole path of the database's Unix socket"));
        reader.fault_at("address", format!("`{}` is not understood", address.escape_debug()), help);
    }
    let control: Option<String> = reader.optional("control");
    let control = control.map(PathBuf::from);
    if control.as_ref().is_some_and(|path| !path.is_absolute()) {
        let help = Some("write the whole path of the socket that ovs-vswitchd has by `--unixctl`".into());
        reader.fault_at("control", "this is no whole path".into(), help);
    }
    let vlan = reader.required::<u16>("quarantine_vlan", "quarantine_vlan = 666");
    if vlan.is_some_and(|vlan| !(1..=4_094).contains(&vlan)) {
        reader.fault_at("quarantine_vlan", "a VLAN is a number from 1 to 4094".into(), None);
    }
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
    let switch = name.zip(socket).zip(vlan).map(|((name, socket), vlan)| {
        let uplinks: BTreeSet<String> = uplinks.into_iter().collect();
        let site = site.assets.iter().map(|asset| asset.addresses.clone()).collect();
        let driver = Ovsdb {
            name: name.clone(),
            socket,
            control,
            vlan,
            uplinks,
            assets,
            machines: site,
            notes: Vec::new(),
        };
        Switch { name, driver: Box::new(driver) as Box<dyn Driver> }
    });
    reader.finish_with(switch)
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
