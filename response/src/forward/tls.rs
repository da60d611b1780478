//! Certificates and keys as a configuration names them, and words for those who do not trust each other.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use fieldwarden_model::section::Reader;

use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error as TlsError, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};

use super::ForwardError;

/// Names and files of the certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The name the other side's certificate must carry.
    pub server_name: ServerName<'static>,
    /// Certificates of the authorities we trust for it, PEM. No others are trusted.
    pub ca_file: PathBuf,
    /// Our certificate with the chain to its authority, and our private key, PEM; none where the other side asks for none.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// Reads `server_name`, `ca_file`, `certificate_file` and `key_file`; none where one is at fault, which the reader keeps.
    pub(super) fn read(reader: &mut Reader<'_>, host: Option<&str>, identity: Identity) -> Option<Self> {
        let server_name = server_name(reader, host);
        let ca_file = reader.required::<String>("ca_file", "ca_file = \"/etc/fieldwarden/soc-ca.pem\"");
        let (certificate, key) = match identity {
            Identity::Required => (
                reader.required::<String>(
                    "certificate_file",
                    "certificate_file = \"/etc/fieldwarden/client.pem\"",
                ),
                reader.required::<String>("key_file", "key_file = \"/etc/fieldwarden/client.key\""),
            ),
            Identity::Optional => (reader.optional("certificate_file"), reader.optional("key_file")),
        };
        if identity == Identity::Optional && certificate.is_some() != key.is_some() {
            reader.fault_at("key_file", "a certificate and its key go together".into(), None);
        }
        let identity = certificate.zip(key).map(|(certificate, key)| (certificate.into(), key.into()));
        Some(Self { server_name: server_name?, ca_file: ca_file?.into(), identity })
    }
}

/// Whether the other side always asks for our certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    Required,
    Optional,
}

/// Host and port of an address.
pub(crate) fn host_and_port(reader: &mut Reader<'_>, address: &str, port: u16) -> Option<(String, u16)> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
        (!host.is_empty()).then(|| (host.to_owned(), port))
    });
    if parts.is_none() {
        let help = Some(format!("write host and port: `soc.example:{port}` or `[2001:db8::5]:{port}`"));
        reader.fault_at("address", format!("`{address}` is no host with a port"), help);
    }
    parts
}

pub(crate) fn server_name(reader: &mut Reader<'_>, host: Option<&str>) -> Option<ServerName<'static>> {
    let written = reader.optional::<String>("server_name");
    let name = written.as_deref().or(host)?.to_owned();
    match ServerName::try_from(name.clone()) {
        Ok(name) => Some(name),
        Err(_) => {
            let key = if written.is_some() { "server_name" } else { "address" };
            let help = Some("write the name in its certificate: `server_name = \"soc.example\"`".into());
            reader.fault_at(key, format!("`{name}` is neither a DNS name nor an IP address"), help);
            None
        }
    }
}

/// What a connection is opened with. Reads the files.
pub(super) fn config(tls: &Tls, address: &str) -> Result<ClientConfig, ForwardError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&tls.ca_file)? {
        roots.add(certificate).map_err(|error| unusable(&tls.ca_file, &error))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| untrusted(tls, address, &error))?
        .with_root_certificates(roots);
    let mut config = match &tls.identity {
        None => builder.with_no_client_auth(),
        Some((certificate_file, key_file)) => {
            let chain = certificates(certificate_file)?;
            let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| unusable(key_file, &error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                TlsError::InconsistentKeys(_) => ForwardError::File {
                    file: key_file.clone(),
                    cause: format!("is not the key of `{}`", certificate_file.display()),
                },
                other => unusable(certificate_file, &other),
            })?
        }
    };
    // OpenSSL refuses to resume where the server set no session context, and a resumed session would leave the
    // collector's present opinion of our certificate unasked.
    config.resumption = Resumption::disabled();
    Ok(config)
}

pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ForwardError> {
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(file, &error))?;
    if found.is_empty() {
        return Err(ForwardError::File {
            file: file.into(),
            cause: "holds no certificate in PEM form".into(),
        });
    }
    Ok(found)
}

fn unusable(file: &Path, cause: &dyn std::fmt::Display) -> ForwardError {
    ForwardError::File { file: file.into(), cause: cause.to_string() }
}

/// Says who refused whom.
pub(super) fn untrusted(tls: &Tls, address: &str, error: &TlsError) -> ForwardError {
    let cause = match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => {
            format!("its certificate was issued by none of the authorities in `{}`", tls.ca_file.display())
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("its certificate is not for `{}`, the server name we expect", tls.server_name.to_str()),
        TlsError::InvalidCertificate(cause) => format!("its certificate does not hold: {cause}"),
        TlsError::AlertReceived(alert) => objection(tls, *alert),
        other => other.to_string(),
    };
    ForwardError::Untrusted { address: address.to_owned(), cause }
}

/// What the other side has against our certificate.
fn objection(tls: &Tls, alert: AlertDescription) -> String {
    let is_of_certificates = matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied
            | AlertDescription::HandshakeFailure
    );
    if !is_of_certificates {
        return TlsError::AlertReceived(alert).to_string();
    }
    match &tls.identity {
        None => format!("it demands a client certificate, and there is no `certificate_file` ({alert:?})"),
        Some((ours, _)) if alert == AlertDescription::CertificateRequired => {
            let ours = ours.display();
            format!("it demands a client certificate and did not get one it knows; we sent `{ours}`")
        }
        Some((ours, _)) => format!("it refuses our certificate `{}` ({alert:?})", ours.display()),
    }
}
