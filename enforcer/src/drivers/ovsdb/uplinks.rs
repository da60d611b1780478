//! Which ports are never moved: those behind which more than one machine, or another switch, is to be expected.

use std::collections::BTreeSet;

use fieldwarden_model::Mac;

use super::rows::Port;

/// Why `port` must not be moved into another VLAN, as a sentence; none when it may. `macs` are the addresses heard
/// behind it, none where the switch does not tell; `uplinks` are the ports the site file names.
#[must_use]
pub fn refusal(
    name: &str,
    port: &Port,
    macs: Option<&BTreeSet<Mac>>,
    uplinks: &BTreeSet<String>,
) -> Option<String> {
    let is_access = port.vlan_mode.as_deref().is_none_or(|mode| mode == "access");
    let why = if uplinks.contains(name) {
        "it is named in `uplinks`".into()
    } else if !is_access {
        format!("it is no access port but {}", port.vlan_mode.as_deref().unwrap_or_default())
    } else if port.tag.is_none() {
        "it has no access VLAN, and so carries all of them as a trunk does".into()
    } else if !port.trunks.is_empty() {
        format!("it is a trunk of {} VLANs", port.trunks.len())
    } else if port.interfaces != 1 {
        format!("it is a bond of {} interfaces, as between switches", port.interfaces)
    } else if let Some(kind) = &port.odd_kind {
        format!("its interface is of type {kind}, behind which more than one machine may be")
    } else if port.lldp {
        "LLDP is spoken on it, as between switches".into()
    } else {
        let count = macs.map_or(0, BTreeSet::len);
        if count < 2 {
            return None;
        }
        format!("{count} addresses were heard behind it, so that another switch is to be expected there")
    };
    Some(format!("port {name} is taken for an uplink: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Port {
        Port { tag: Some(10), interfaces: 1, ..Port::default() }
    }

    #[test]
    fn a_plain_access_port_may_be_moved_and_each_sign_of_an_uplink_forbids_it() {
        let (mac, other): (Mac, Mac) =
            ("02:00:00:00:00:01".parse().unwrap(), "02:00:00:00:00:02".parse().unwrap());
        let none = BTreeSet::new();
        assert_eq!(refusal("eth3", &access(), None, &none), None);
        assert_eq!(refusal("eth3", &access(), Some(&[mac].into()), &none), None);
        let written = Port { vlan_mode: Some("access".into()), ..access() };
        assert_eq!(refusal("eth3", &written, None, &none), None);
        for (port, word) in [
            (Port { tag: None, ..access() }, "no access VLAN"),
            (Port { trunks: vec![10, 20], ..access() }, "trunk of 2"),
            (Port { vlan_mode: Some("native-untagged".into()), ..access() }, "native-untagged"),
            (Port { vlan_mode: Some("dot1q-tunnel".into()), ..access() }, "dot1q-tunnel"),
            (Port { interfaces: 2, ..access() }, "bond"),
            (Port { interfaces: 0, ..access() }, "bond"),
            (Port { odd_kind: Some("patch".into()), ..access() }, "patch"),
            (Port { lldp: true, ..access() }, "LLDP"),
        ] {
            let why = refusal("eth3", &port, None, &none).unwrap();
            assert!(why.contains(word) && why.contains("eth3"), "{why}");
        }
        assert!(
            refusal("eth3", &access(), Some(&[mac, other].into()), &none).unwrap().contains("2 addresses")
        );
        assert!(refusal("eth3", &access(), None, &["eth3".to_owned()].into()).unwrap().contains("`uplinks`"));
    }
}
