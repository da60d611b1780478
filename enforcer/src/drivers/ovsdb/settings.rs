//! Reads `[[enforcer.switch]]` of kind `ovsdb`.

use std::path::PathBuf;

use fieldwarden_model::{Fault, Section, Site, section::Reader};

use super::{Ovsdb, client::unix_path};
use crate::drivers::{
    Driver, Switch,
    ports::{Ports, quarantine_vlan, switch_name},
};

/// Reads one switch.
pub(super) fn configure(section: &Section, site: &Site) -> Result<Switch, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let _ = reader.node("kind");
    let name = switch_name(&mut reader);
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
    let vlan = quarantine_vlan(&mut reader);
    let ports = Ports::read(&mut reader, site);
    let switch = name.zip(socket).zip(vlan).map(|((name, socket), vlan)| {
        let driver = Ovsdb { name: name.clone(), socket, control, vlan, ports, notes: Vec::new() };
        Switch { name, driver: Box::new(driver) as Box<dyn Driver> }
    });
    reader.finish_with(switch)
}
