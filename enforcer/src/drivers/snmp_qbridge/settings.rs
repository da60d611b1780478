//! Reads `[[enforcer.switch]]` of kind `snmp-qbridge`.

use std::{cell::RefCell, net::SocketAddr, path::PathBuf, time::Duration};

use async_snmp::{AuthProtocol, PrivProtocol};
use fieldwarden_model::{Fault, Section, Site, section::Reader};

use super::{SnmpQbridge, record::Record, session::Access};
use crate::drivers::{
    Driver, Switch,
    ports::{Ports, quarantine_vlan, switch_name},
};

/// Where the record of moved ports is unless told otherwise.
const DEFAULT_FOLDER: &str = "/var/lib/fieldwarden-enforcer";
/// The longest user name (RFC 3414, 5, `usmUserName`), in octets.
const MAX_USER: usize = 32;

/// The words for authentication; HMAC-SHA-2 is RFC 7860, SHA-1 what RFC 3414 has.
const AUTH: [(&str, AuthProtocol); 3] =
    [("sha-256", AuthProtocol::Sha256), ("sha-512", AuthProtocol::Sha512), ("sha-1", AuthProtocol::Sha1)];
/// The words for privacy. A key of 256 bits made of a digest that is shorter is stretched in one of two ways that no RFC tells;
/// with a digest of 256 bits and more they are the same.
const PRIVACY: [(&str, PrivProtocol); 3] = [
    ("aes-128", PrivProtocol::Aes128),
    ("aes-256-blumenthal", PrivProtocol::Aes256Blumenthal),
    ("aes-256-reeder", PrivProtocol::Aes256Reeder),
];

/// Reads one switch.
pub(super) fn configure(section: &Section, site: &Site) -> Result<Switch, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let _ = reader.node("kind");
    let name = switch_name(&mut reader);
    let access = access(&mut reader);
    let vlan = quarantine_vlan(&mut reader);
    let sets = reader.one_of("sets", &[("together", true), ("one-by-one", false)]);
    let record = record(&mut reader, name.as_deref());
    let ports = Ports::read(&mut reader, site);
    let parts = name.zip(access).zip(vlan).zip(sets).zip(record);
    let switch = parts.map(|((((name, access), vlan), sets_together), record)| {
        let record = Record::new(record);
        let driver =
            SnmpQbridge { name: name.clone(), access, vlan, sets_together, record, ports, notes: Vec::new() };
        Switch { name, driver: Box::new(driver) as Box<dyn Driver> }
    });
    reader.finish_with(switch)
}

fn access(reader: &mut Reader<'_>) -> Option<Access> {
    let help = "address = \"udp:10.0.0.2:161\"";
    let address: Option<String> = reader.required("address", help);
    let peer =
        address.as_deref().and_then(|address| address.strip_prefix("udp:")?.parse::<SocketAddr>().ok());
    if let (Some(address), None) = (&address, &peer) {
        let help =
            Some(format!("write `{help}`: the switch's own address, no name, and the port of its agent"));
        reader.fault_at("address", format!("`{}` is not understood", address.escape_debug()), help);
    }
    let user: Option<String> = reader.required("user", "user = \"fieldwarden\"");
    if user.as_ref().is_some_and(|user| user.is_empty() || user.len() > MAX_USER) {
        reader.fault_at("user", format!("a user has a name of 1 to {MAX_USER} octets"), None);
    }
    let auth = reader.one_of("auth", &AUTH);
    let privacy = reader.one_of("privacy", &PRIVACY);
    let auth_file = secret(reader, "auth_password_file");
    let privacy_file = secret(reader, "privacy_password_file");
    let patience = Duration::from_secs(reader.within("timeout_secs", 1..=10, 3));
    Some(Access {
        peer: peer?,
        user: user?,
        auth: auth?,
        auth_file: auth_file?,
        privacy: privacy?,
        privacy_file: privacy_file?,
        patience,
        keys: RefCell::default(),
        engines: RefCell::default(),
    })
}

/// The place of a password, which is read when it is needed.
fn secret(reader: &mut Reader<'_>, key: &'static str) -> Option<PathBuf> {
    let help =
        format!("write the password into a file that the enforcer alone can read: `{key} = \"/etc/..\"`");
    let path: Option<String> = reader.required(key, &help);
    absolute(reader, key, path)
}

fn record(reader: &mut Reader<'_>, name: Option<&str>) -> Option<PathBuf> {
    if let Some(path) = reader.optional::<String>("record") {
        return absolute(reader, "record", Some(path));
    }
    let name = name?;
    if name.contains('/') || name.starts_with('.') {
        let help = Some(
            "write `record = \"/var/lib/fieldwarden-enforcer/..\"`, the file that remembers moved ports"
                .into(),
        );
        reader.fault_at("name", "this can be no name of a file".into(), help);
        return None;
    }
    Some(PathBuf::from(format!("{DEFAULT_FOLDER}/{name}.moved")))
}

fn absolute(reader: &mut Reader<'_>, key: &'static str, path: Option<String>) -> Option<PathBuf> {
    let path = PathBuf::from(path?);
    if !path.is_absolute() {
        reader.fault_at(key, "this is no whole path".into(), Some("write the path from `/` on".into()));
        return None;
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use fieldwarden_config::Sources;

    use super::*;

    const GOOD: &str = "name = \"cell-2\"\nkind = \"snmp-qbridge\"\naddress = \"udp:10.0.0.2:161\"\nuser = \
                        \"fieldwarden\"\nauth_password_file = \"/etc/a\"\nprivacy_password_file = \
                        \"/etc/p\"\nquarantine_vlan = 666\n";

    fn told(text: &str) -> String {
        let mut sources = Sources::new();
        let file = sources.add("site.toml", text);
        let section = fieldwarden_config::parse(&sources, file).unwrap();
        let faults = configure(&section, &Site::default()).err().unwrap_or_default();
        fieldwarden_config::render(&faults, &sources)
    }

    #[test]
    fn the_page_of_the_driver_shows_what_is_understood() {
        let page = include_str!("../../../../docs/drivers/snmp-qbridge.md");
        let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let asset = "[[site.asset]]\nname = \"Dosing PLC\"\naddresses = [\"10.1.0.10\"]\n";
        let mut sources = Sources::new();
        let file = sources.add("site.toml", format!("{asset}{shown}"));
        let section = fieldwarden_config::parse(&sources, file).unwrap();
        let faults = crate::settings::Settings::configure(&section).err().unwrap_or_default();
        assert_eq!(fieldwarden_config::render(&faults, &sources), "");
        for key in ["sets", "record", "timeout_secs", "uplinks", "auth", "privacy"] {
            assert!(shown.contains(&format!("\n{key} = ")), "{key} is not on the page");
        }
        for word in AUTH.iter().map(|(word, _)| word).chain(PRIVACY.iter().map(|(word, _)| word)) {
            assert!(page.contains(word), "{word} is not on the page");
        }
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        assert_eq!(told(GOOD), "");
        assert_eq!(told(&format!("{GOOD}auth = \"sha-1\"\nprivacy = \"aes-256-reeder\"\n")), "");
        for (was, is, place, what) in [
            ("udp:10.0.0.2:161", "10.0.0.2", "3:11", "is not understood"),
            ("udp:10.0.0.2:161", "udp:switch.plant:161", "3:11", "is not understood"),
            ("\"fieldwarden\"", "\"\"", "4:8", "1 to 32"),
            ("\"/etc/a\"", "\"a\"", "5:22", "no whole path"),
            ("privacy_password_file = \"/etc/p\"\n", "", "1:1", "`privacy_password_file` is missing"),
            ("666", "0", "7:19", "1 to 4094"),
            ("\"cell-2\"", "\"hall/2\"", "1:8", "no name of a file"),
            ("user =", "auth = \"md5\"\nuser =", "4:8", "`md5` is not known here"),
            ("user =", "privacy = \"des\"\nuser =", "4:11", "`des` is not known here"),
            ("user =", "sets = \"twice\"\nuser =", "4:8", "`twice` is not known here"),
            ("user =", "timeout_secs = 60\nuser =", "4:16", "timeout_secs"),
            ("user =", "record = \"x\"\nuser =", "4:10", "no whole path"),
            ("user =", "auth_password = \"hunter2222\"\nuser =", "4:1", "auth_password"),
        ] {
            let told = told(&GOOD.replacen(was, is, 1));
            assert!(told.contains(&format!("site.toml:{place}")) && told.contains(what), "{is}: {told}");
        }
    }
}
