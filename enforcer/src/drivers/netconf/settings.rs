//! Reads `[[enforcer.switch]]` of kind `netconf`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use fieldwarden_model::{Fault, Section, Site, section::Reader};

use super::{
    Netconf,
    model::Model,
    ssh::{Secret, Ssh},
};
use crate::drivers::{
    Driver, Switch,
    ports::{Ports, quarantine_vlan, switch_name},
};

/// The most keys that a server may show.
const MAX_HOST_KEYS: usize = 8;
/// The longest path or namespace.
const MAX_WORD: usize = 200;
/// How long one talk may take, in milliseconds.
const PATIENCE: std::ops::RangeInclusive<u64> = 500..=10_000;

/// Where a switch keeps the VLAN of a port.
#[derive(Clone, Copy)]
enum Kind {
    OpenConfig,
    Ietf,
}

/// Reads one switch.
pub(super) fn configure(section: &Section, site: &Site) -> Result<Switch, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let _ = reader.node("kind");
    let name = switch_name(&mut reader);
    let ssh = ssh(&mut reader);
    let model = model(&mut reader);
    let vlan = quarantine_vlan(&mut reader);
    let patience = Duration::from_millis(reader.within("timeout_ms", PATIENCE, 3_000));
    let ports = Ports::read(&mut reader, site);
    let switch = name.zip(ssh).zip(model).zip(vlan).map(|(((name, ssh), model), vlan)| {
        let mut driver = Netconf::new(&name, Box::new(ssh), model, vlan);
        driver.patience = patience;
        driver.ports = ports;
        Switch { name, driver: Box::new(driver) as Box<dyn Driver> }
    });
    reader.finish_with(switch)
}

fn ssh(reader: &mut Reader<'_>) -> Option<Ssh> {
    let help = "address = \"10.1.0.2:830\"";
    let words: Option<String> = reader.required("address", help);
    let address: Option<SocketAddr> = words.as_ref().and_then(|words| words.parse().ok());
    if let (Some(words), None) = (&words, &address) {
        let help = Some(format!("write `{help}`: an address of IP and a port, no name"));
        reader.fault_at("address", format!("`{}` is not understood", words.escape_debug()), help);
    }
    let user: Option<String> = reader.required("user", "user = \"fieldwarden\"");
    if user
        .as_ref()
        .is_some_and(|user| user.is_empty() || user.len() > MAX_WORD || user.contains(char::is_control))
    {
        reader.fault_at("user", "this can be no name of a user".into(), None);
    }
    let host_keys: Vec<String> =
        reader.required("host_keys", "host_keys = [\"SHA256:...\"]").unwrap_or_default();
    let help = || {
        Some(
            "write what `ssh-keygen -l -f` says of the switch's public key: `SHA256:` and 43 characters"
                .into(),
        )
    };
    if host_keys.len() > MAX_HOST_KEYS {
        reader.fault_at("host_keys", format!("more than {MAX_HOST_KEYS} keys"), None);
    }
    for odd in host_keys.iter().filter(|key| !is_fingerprint(key)) {
        reader.fault_at("host_keys", format!("`{}` is no fingerprint of a key", odd.escape_debug()), help());
    }
    let secret = secret(reader);
    if host_keys.is_empty() {
        if reader.node("host_keys").is_some() {
            reader.fault_at("host_keys", "no key is trusted, so that no switch is".into(), help());
        }
        return None;
    }
    Some(Ssh { address: address?, user: user?, secret: secret?, host_keys })
}

fn secret(reader: &mut Reader<'_>) -> Option<Secret> {
    let key: Option<String> = reader.optional("key_file");
    let password: Option<String> = reader.optional("password_file");
    for (name, path) in [("key_file", &key), ("password_file", &password)] {
        if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            reader.fault_at(name, "this is no whole path".into(), None);
        }
    }
    match (key, password) {
        (Some(path), None) => Some(Secret::Key(PathBuf::from(path))),
        (None, Some(path)) => Some(Secret::Password(PathBuf::from(path))),
        (both, _) => {
            let help = Some(
                "write `key_file = \"/etc/fieldwarden/cell-1.key\"`, a private key without a passphrase"
                    .into(),
            );
            let what = if both.is_some() {
                "this and `password_file` exclude each other"
            } else {
                "neither this nor `password_file` is there"
            };
            reader.fault_at("key_file", what.into(), help);
            None
        }
    }
}

fn model(reader: &mut Reader<'_>) -> Option<Model> {
    let kind = reader.one_of("model", &[("openconfig", Kind::OpenConfig), ("ietf-interfaces", Kind::Ietf)]);
    let word = |reader: &mut Reader<'_>, key: &'static str, is_good: fn(&str) -> bool| {
        let word: Option<String> = reader.optional(key);
        if let Some(odd) =
            word.as_ref().filter(|word| word.is_empty() || word.len() > MAX_WORD || !is_good(word))
        {
            reader.fault_at(key, format!("`{}` is not understood", odd.escape_debug()), None);
        }
        word
    };
    let namespace = word(reader, "namespace", |word| {
        word.contains(':') && word.chars().all(|c| c.is_ascii_graphic() && !"<>&'\"".contains(c))
    });
    let vlan = word(reader, "vlan_leaf", is_path);
    let mode = word(reader, "mode_leaf", is_path);
    match kind? {
        Kind::OpenConfig => {
            for (key, word) in [("namespace", &namespace), ("vlan_leaf", &vlan), ("mode_leaf", &mode)] {
                if word.is_some() {
                    let help = Some("write `model = \"ietf-interfaces\"` as well, or leave it out".into());
                    reader.fault_at(key, "openconfig says by itself where its VLANs are".into(), help);
                }
            }
            Some(Model::openconfig())
        }
        Kind::Ietf => {
            let (Some(namespace), Some(vlan)) = (namespace, vlan) else {
                let help = "write the namespace of the module that your switch keeps VLANs in, and the path from an interface to the VLAN: \
                            `namespace = \"urn:maker:switchport\"`, `vlan_leaf = \"switchport/access-vlan\"`";
                reader.fault_at("model", "ietf-interfaces alone knows no VLAN".into(), Some(help.into()));
                return None;
            };
            Some(Model::ietf(&namespace, &vlan, mode.as_deref()))
        }
    }
}

/// `SHA256:` and 32 octets in base 64 without padding.
fn is_fingerprint(key: &str) -> bool {
    key.strip_prefix("SHA256:").is_some_and(|rest| {
        rest.len() == 43 && rest.bytes().all(|c| c.is_ascii_alphanumeric() || b"+/".contains(&c))
    })
}

/// Identifiers of YANG (RFC 7950, 6.2) with `/` between them.
fn is_path(path: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_next = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    path.split('/').all(|name| name.starts_with(is_first) && name.chars().all(is_next))
}
