//! What a talker is for, inferred from what it does, with the reason.

use fieldwarden_model::Verb;
use fieldwarden_protocols::Protocol;

use super::{Asset, Trait};

/// A role and why it is taken for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The role, such as `controller`.
    pub name: &'static str,
    /// What shows it, such as `answers modbus`.
    pub reason: String,
}

/// Protocols that plants and offices both speak: who speaks nothing else shows no role in control.
const OFFICE: &[&str] = &[
    "arp", "dcerpc", "dhcp", "dns", "ftp", "http", "icmp", "kerberos", "lldp", "mqtt", "ntp", "openvpn",
    "ptp", "rdp", "smb1", "smb2", "snmp", "ssh", "syslog", "telnet", "tftp", "tls", "vnc",
];
/// What tells a server's role where it serves nothing of a plant, the first that fits.
const SERVICES: &[(&str, &str)] = &[
    ("ntp", "time server"),
    ("ptp", "time server"),
    ("dhcp", "address server"),
    ("kerberos", "domain controller"),
    ("dns", "name server"),
    ("smb2", "file server"),
    ("smb1", "file server"),
    ("mqtt", "message broker"),
    ("syslog", "log server"),
    ("openvpn", "remote access"),
];
/// What intelligent electronic devices publish (IEC 61850).
const PUBLISHED: &[&str] = &["goose", "sv"];
/// Units answered for at one address from which on it is a gateway: a controller answers for one, or for any.
const UNITS_OF_A_GATEWAY: usize = 3;

/// Whether a protocol controls a process, other than those that offices speak, too.
#[must_use]
pub fn is_control(protocol: Protocol) -> bool {
    !OFFICE.contains(&protocol.name())
}

/// Protocols of plants in which either side asks the other: who only did one so far shows nothing by doing the other.
const BETWEEN_EQUALS: &[&str] =
    &["bacnet", "bacnet_sc", "cip_io", "egd", "knxnet_ip", "lonworks", "profinet_cm", "profinet_rt"];

/// Whether a protocol controls a process, and who asks in it is another than who answers.
pub(crate) fn has_sides(protocol: Protocol) -> bool {
    is_control(protocol) && !BETWEEN_EQUALS.contains(&protocol.name())
}

pub(super) fn infer(asset: &Asset) -> Option<Role> {
    let duty = asset.tells(Trait::Duty);
    if let Some(duty @ ("bridge" | "router")) = duty {
        return Some(Role { name: "switch or router", reason: format!("says that it is a {duty}") });
    }
    serves(asset).or_else(|| asks(asset)).or_else(|| office(asset))
}

fn serves(asset: &Asset) -> Option<Role> {
    let answered: Vec<&str> = asset
        .server_of
        .keys()
        .filter(|protocol| is_control(**protocol))
        .map(|protocol| protocol.name())
        .collect();
    if answered.is_empty() {
        return None;
    }
    let gateway = asset.server_of.iter().find(|(_, units)| units.len() >= UNITS_OF_A_GATEWAY);
    if let Some((protocol, units)) = gateway {
        let reason = format!("answers for {} units of {protocol}", units.len());
        return Some(Role { name: "gateway", reason });
    }
    if answered == ["opcua"] {
        return Some(Role { name: "data server", reason: "answers opcua alone".into() });
    }
    Some(Role { name: "controller", reason: format!("answers {}", answered.join(", ")) })
}

fn asks(asset: &Asset) -> Option<Role> {
    let asked = || asset.client_of.iter().filter(|(protocol, _)| is_control(**protocol));
    let with = |verbs: &[Verb]| {
        let names: Vec<&str> = asked()
            .filter(|(_, own)| verbs.iter().any(|verb| own.contains(verb)))
            .map(|(protocol, _)| protocol.name())
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let published: Vec<&str> =
        PUBLISHED.iter().copied().filter(|name| asked().any(|(own, _)| own.name() == *name)).collect();
    if !published.is_empty() {
        return Some(Role {
            name: "protection device",
            reason: format!("publishes {}", published.join(", ")),
        });
    }
    if let Some(over) = with(&[Verb::Program, Verb::Mode]) {
        let reason = format!("changes programs or operating modes over {over}");
        return Some(Role { name: "engineering station", reason });
    }
    if let Some(over) = with(&[Verb::Write, Verb::Operate]) {
        return Some(Role { name: "operator station", reason: format!("writes over {over}") });
    }
    if let Some(over) = with(&[Verb::Read]) {
        return Some(Role {
            name: "historian or monitor",
            reason: format!("reads, and never writes, over {over}"),
        });
    }
    match asset.tells(Trait::Duty) {
        Some("controller") => {
            Some(Role { name: "controller", reason: "says that it is an IO controller".into() })
        }
        Some("device") => Some(Role { name: "controller", reason: "says that it is an IO device".into() }),
        Some("supervisor") => {
            Some(Role { name: "engineering station", reason: "says that it is an IO supervisor".into() })
        }
        _ => None,
    }
}

fn office(asset: &Asset) -> Option<Role> {
    let serves = |name: &str| asset.server_of.keys().any(|protocol| protocol.name() == name);
    let (protocol, name) = SERVICES.iter().find(|(protocol, _)| serves(protocol))?;
    Some(Role { name, reason: format!("answers {protocol}") })
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{AddressSpace, Timestamp};

    use super::*;
    use crate::bench::talker;

    fn asset() -> Asset {
        Asset::new(AddressSpace(0), talker("10.0.0.1"), Timestamp::MIN)
    }

    fn role(asset: &Asset) -> String {
        asset.role().map_or_else(String::new, |role| format!("{}: {}", role.name, role.reason))
    }

    #[test]
    fn who_answers_is_a_controller_and_who_answers_for_many_a_gateway() {
        let mut one = asset();
        one.server_of.entry(Protocol("modbus")).or_default().insert(1);
        one.server_of.entry(Protocol("http")).or_default();
        assert_eq!(role(&one), "controller: answers modbus");
        one.server_of.entry(Protocol("modbus")).or_default().extend([2, 3]);
        assert_eq!(role(&one), "gateway: answers for 3 units of modbus");
    }

    #[test]
    fn clients_are_told_apart_by_what_they_do() {
        let mut one = asset();
        one.client_of.entry(Protocol("http")).or_default().insert(Verb::Write);
        assert_eq!(role(&one), "");
        one.client_of.entry(Protocol("s7comm")).or_default().insert(Verb::Read);
        assert_eq!(role(&one), "historian or monitor: reads, and never writes, over s7comm");
        one.client_of.entry(Protocol("s7comm")).or_default().insert(Verb::Write);
        assert_eq!(role(&one), "operator station: writes over s7comm");
        one.client_of.entry(Protocol("s7comm")).or_default().insert(Verb::Program);
        assert_eq!(role(&one), "engineering station: changes programs or operating modes over s7comm");
    }

    #[test]
    fn what_a_device_says_of_itself_counts_and_office_servers_are_named() {
        let mut one = asset();
        one.server_of.entry(Protocol("ntp")).or_default();
        assert_eq!(role(&one), "time server: answers ntp");
        let duty = crate::assets::Fact { of: Trait::Duty, part: None, text: "bridge".into() };
        assert!(one.note(duty, Protocol("lldp"), Timestamp::MIN));
        assert_eq!(role(&one), "switch or router: says that it is a bridge");
    }
}
