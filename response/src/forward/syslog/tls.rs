//! Certificates and keys, and words for those who do not trust each other.

use std::{path::Path, sync::Arc};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error as TlsError, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::{super::ForwardError, config::Tls};

/// What a connection is opened with. Reads the files.
pub(super) fn config(tls: &Tls, address: &str) -> Result<ClientConfig, ForwardError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&tls.ca_file)? {
        roots.add(certificate).map_err(|error| unusable(&tls.ca_file, &error))?;
    }
    let chain = certificates(&tls.certificate_file)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key_file).map_err(|error| unusable(&tls.key_file, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| untrusted(tls, address, &error))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| match error {
            TlsError::InconsistentKeys(_) => ForwardError::File {
                file: tls.key_file.clone(),
                cause: format!("is not the key of `{}`", tls.certificate_file.display()),
            },
            other => unusable(&tls.certificate_file, &other),
        })?;
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
    let ours = tls.certificate_file.display();
    let cause = match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => {
            format!("its certificate was issued by none of the authorities in `{}`", tls.ca_file.display())
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("its certificate is not for `{}`, the server name we expect", tls.server_name.to_str()),
        TlsError::InvalidCertificate(cause) => format!("its certificate does not hold: {cause}"),
        TlsError::AlertReceived(AlertDescription::CertificateRequired) => {
            format!("it demands a client certificate and did not get one it knows; we sent `{ours}`")
        }
        TlsError::AlertReceived(
            alert @ (AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::DecryptError
            | AlertDescription::AccessDenied
            | AlertDescription::HandshakeFailure),
        ) => format!("it refuses our certificate `{ours}` ({alert:?})"),
        other => other.to_string(),
    };
    ForwardError::Untrusted { address: address.to_owned(), cause }
}
