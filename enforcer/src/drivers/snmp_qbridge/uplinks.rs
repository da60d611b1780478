//! Which ports are never moved: those behind which more than one machine, or another switch, is to be expected.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::Mac;

use super::{
    snapshot::Port,
    tables::{Vlan, has},
};

/// What is known of the other end of a cable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// The addresses heard there; none where the switch does not tell any.
    pub macs: Option<BTreeSet<Mac>>,
    /// Whether a neighbour that passes frames on says by LLDP that it is there.
    pub has_neighbour: bool,
}

/// `dot1qPortAcceptableFrameTypes`: tagged frames alone.
const ONLY_TAGGED: i32 = 2;
/// `ifType` of what a plain cable is plugged into: ethernetCsmacd, and what it was called before RFC 3635.
const CABLES: [i32; 4] = [6, 62, 69, 117];

/// Why `port` must not be moved into VLAN `quarantine`, as a sentence; none when it may. `uplinks` are the ports the site file names.
#[must_use]
pub fn refusal(
    name: &str,
    port: &Port,
    (vlans, quarantine): (&BTreeMap<u16, Vlan>, u16),
    signs: &Signs,
    uplinks: &BTreeSet<String>,
) -> Option<String> {
    if let Some(why) = uplink(name, port, signs, uplinks) {
        return Some(format!("port {name} is taken for an uplink: {why}"));
    }
    let standing = &port.standing;
    if standing.pvid == quarantine || standing.egress.contains(&quarantine) {
        return Some(format!(
            "port {name} is in VLAN {quarantine} already, and not by an order of ours: somebody else put it there"
        ));
    }
    if standing.egress != [standing.pvid].into() || standing.untagged != standing.egress {
        return Some(format!(
            "port {name} is no plain access port: its PVID is {}, and it sends frames of {}",
            standing.pvid,
            list(&standing.egress)
        ));
    }
    match vlans.get(&quarantine) {
        Some(vlan) if has(&vlan.forbidden, port.number) => Some(format!(
            "port {name} is among the ports that the switch's configuration forbids VLAN {quarantine} \
             (dot1qVlanForbiddenEgressPorts)"
        )),
        Some(vlan) if vlan.is_active => None,
        _ => Some(format!("the switch has no active VLAN {quarantine}: make it there first")),
    }
}

fn uplink(name: &str, port: &Port, signs: &Signs, uplinks: &BTreeSet<String>) -> Option<String> {
    let count = signs.macs.as_ref().map_or(0, BTreeSet::len);
    let standing = &port.standing;
    Some(if uplinks.contains(name) {
        "it is named in `uplinks`".into()
    } else if port.is_root {
        "it is the port towards the root of the spanning tree".into()
    } else if let Some(kind) = port.kind.filter(|kind| !CABLES.contains(kind)) {
        format!("its interface is of type {kind} (ifType), and so no plain cable")
    } else if port.frame_types == Some(ONLY_TAGGED) {
        "it takes tagged frames alone, as a trunk does".into()
    } else if standing.egress.len() > 1 {
        format!("it is a trunk of {} VLANs", standing.egress.len())
    } else if !standing.egress.is_subset(&standing.untagged) {
        "it sends tagged frames, as a trunk does".into()
    } else if signs.has_neighbour {
        "a switch, or something else that passes frames on, says by LLDP that it is behind it".into()
    } else if count > 1 {
        format!("{count} addresses were heard behind it, so that another switch is to be expected there")
    } else {
        return None;
    })
}

fn list(vlans: &BTreeSet<u16>) -> String {
    match vlans.iter().map(u16::to_string).collect::<Vec<_>>().as_slice() {
        [] => "no VLAN".into(),
        all => format!("VLAN {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::snmp_qbridge::standing::Standing;

    fn access() -> Port {
        let standing =
            Standing { pvid: 10, egress: [10].into(), untagged: [10].into(), filters: Some(false) };
        Port { number: 3, standing, frame_types: Some(1), kind: Some(6), is_root: false }
    }

    fn why(port: &Port, signs: &Signs, uplinks: &[&str]) -> String {
        let active = Vlan { is_active: true, ..Vlan::default() };
        let vlans = [(10, active.clone()), (666, active)].into();
        let uplinks = uplinks.iter().map(|name| (*name).to_owned()).collect();
        refusal("eth3", port, (&vlans, 666), signs, &uplinks).unwrap_or_default()
    }

    #[test]
    fn a_plain_access_port_may_be_moved_and_each_sign_of_an_uplink_forbids_it() {
        let macs = |count: u8| Some((0..count).map(|n| Mac([2, 0, 0, 0, 0, n])).collect());
        let heard = |count| Signs { macs: macs(count), ..Signs::default() };
        for quiet in [Signs::default(), heard(0), heard(1)] {
            assert_eq!(why(&access(), &quiet, &["eth4"]), "");
        }
        assert_eq!(why(&Port { kind: None, frame_types: None, ..access() }, &heard(1), &[]), "");
        assert!(why(&access(), &heard(2), &[]).contains("2 addresses"));
        assert!(why(&access(), &Signs { has_neighbour: true, ..heard(1) }, &[]).contains("LLDP"));
        assert!(why(&access(), &heard(1), &["eth3"]).contains("`uplinks`"));
        let with = |change: fn(&mut Port)| {
            let mut port = access();
            change(&mut port);
            port
        };
        for (port, word) in [
            (with(|port| port.is_root = true), "spanning tree"),
            (with(|port| port.kind = Some(161)), "type 161"),
            (with(|port| port.frame_types = Some(2)), "tagged frames alone"),
            (with(|port| port.standing.egress = [10, 20].into()), "trunk of 2"),
            (with(|port| port.standing.untagged.clear()), "sends tagged"),
            (with(|port| port.standing.pvid = 666), "somebody else"),
            (with(|port| port.standing.pvid = 20), "no plain access port"),
            (with(|port| port.standing = Standing { pvid: 10, ..Standing::default() }), "no VLAN"),
        ] {
            let why = why(&port, &Signs::default(), &[]);
            assert!(why.contains(word) && why.contains("eth3"), "{word}: {why}");
        }
    }

    #[test]
    fn a_vlan_that_is_not_there_and_one_that_is_forbidden_are_named() {
        let none = BTreeSet::new();
        let told = |vlans: BTreeMap<u16, Vlan>| {
            refusal("eth3", &access(), (&vlans, 666), &Signs::default(), &none).unwrap_or_default()
        };
        assert!(told(BTreeMap::new()).contains("no active VLAN 666"));
        assert!(told([(666, Vlan::default())].into()).contains("no active VLAN 666"));
        let forbidden = Vlan { is_active: true, forbidden: vec![0x20], ..Vlan::default() };
        assert!(told([(666, forbidden)].into()).contains("dot1qVlanForbiddenEgressPorts"));
    }
}
