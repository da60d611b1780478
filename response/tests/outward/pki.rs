//! An authority, a collector, a gateway, and a gateway of somebody else's authority.

use std::{fs, path::Path, sync::Arc};

use fieldwarden_model::{
    Section,
    section::{Content, Key, Node, Span},
};
use fieldwarden_response::forward::{self, Destination};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

pub(crate) const GATEWAY: &str = "fieldwarden.test";
pub(crate) const COLLECTOR: &str = "soc.test";

/// Writes `ca`, `rogueca`, `server`, `client` and `rogue` as `.pem` and `.key` into `folder`.
pub(crate) fn make(folder: &Path) {
    for (authority, leaves) in
        [("ca", vec![("server", COLLECTOR), ("client", GATEWAY)]), ("rogueca", vec![("rogue", GATEWAY)])]
    {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, authority);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        save(folder, authority, &params.self_signed(&key).unwrap().pem(), &key);
        let issuer = Issuer::new(params, key);
        for (file, name) in leaves {
            let key = KeyPair::generate().unwrap();
            // What is reached by an address of https has to bear the name in it.
            let mut params = CertificateParams::new([name.to_owned(), "localhost".to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            save(folder, file, &params.signed_by(&key, &issuer).unwrap().pem(), &key);
        }
    }
}

/// A destination as the configuration would make it.
pub(crate) fn destination(folder: &Path, port: u16, changes: &[(&str, Content)]) -> Arc<dyn Destination> {
    let file = |name: &str| Content::Text(folder.join(name).display().to_string().into());
    let mut entries = vec![
        ("name", Content::Text("soc".into())),
        ("address", Content::Text(format!("127.0.0.1:{port}").into())),
        ("server_name", Content::Text(COLLECTOR.into())),
        ("ca_file", file("ca.pem")),
        ("certificate_file", file("client.pem")),
        ("key_file", file("client.key")),
        ("confirm_after_ms", Content::Integer(1_500)),
        ("send_timeout_ms", Content::Integer(2_000)),
    ];
    if changes.iter().any(|(key, _)| *key == "transport") {
        entries
            .retain(|(key, _)| !matches!(*key, "server_name" | "ca_file" | "certificate_file" | "key_file"));
    }
    for (key, value) in changes {
        entries.retain(|(known, _)| known != key);
        entries.push((key, value.clone()));
    }
    let table = Node { at: Span::default(), value: Content::Table(section(entries)) };
    let forward = section(vec![("syslog", Content::List(vec![table]))]);
    forward::configure(&forward).unwrap().remove(0)
}

fn section(entries: Vec<(&str, Content)>) -> Section {
    let entries = entries
        .into_iter()
        .map(|(name, value)| {
            (Key { name: name.into(), at: Span::default() }, Node { at: Span::default(), value })
        })
        .collect();
    Section { path: "forward".into(), at: Span::default(), entries }
}

fn save(folder: &Path, name: &str, certificate: &str, key: &KeyPair) {
    fs::write(folder.join(format!("{name}.pem")), certificate).unwrap();
    fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}
