//! Executes the port table of a switch on frames. It is told the table, where each address is plugged in, and nothing of what
//! anybody ordered.

use std::collections::BTreeMap;

use super::octets::Mac;

/// The port of the switch that leads to the gateway.
pub(crate) const UPLINK: &str = "up";

/// For each port the VLAN it gives access to; for the uplink those it carries.
pub(crate) struct Ports {
    access: BTreeMap<String, u16>,
    uplink: Vec<u16>,
    plugged: BTreeMap<Mac, String>,
}

impl Ports {
    /// Reads what `ovs-vsctl --format=json --columns=name,tag,trunks list Port` prints.
    pub(crate) fn read(text: &str, plugged: BTreeMap<Mac, String>) -> Self {
        let table: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut ports = Self { access: BTreeMap::new(), uplink: Vec::new(), plugged };
        for row in table["data"].as_array().unwrap() {
            let name = row[0].as_str().unwrap();
            if let Some(tag) = row[1].as_u64() {
                ports.access.insert(name.into(), u16::try_from(tag).unwrap());
            } else if name == UPLINK {
                // One VLAN is a number, several are a set of them.
                let many = row[2][1].as_array().cloned().unwrap_or_else(|| vec![row[2].clone()]);
                ports.uplink =
                    many.iter().map(|vlan| u16::try_from(vlan.as_u64().unwrap()).unwrap()).collect();
            }
        }
        ports
    }

    /// Whether a frame comes from one machine to another; to a group, whether it comes out at the uplink.
    pub(crate) fn passes(&self, (source, destination): (Mac, Mac)) -> bool {
        let to = self.plugged.get(&destination).map_or(UPLINK, String::as_str);
        match (self.vlan(&self.plugged[&source]), self.vlan(to)) {
            (None, None) => true,
            (Some(vlan), None) | (None, Some(vlan)) => self.uplink.contains(&vlan),
            (Some(one), Some(other)) => one == other,
        }
    }

    fn vlan(&self, port: &str) -> Option<u16> {
        if port == UPLINK { None } else { Some(self.access[port]) }
    }
}
