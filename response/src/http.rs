//! Requests over HTTPS, made as a gateway of a plant should: to one host, trusting named authorities, with no redirect followed and no
//! proxy that nobody configured, and answers that are bounded.

use std::{
    fmt::Write as _,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use fieldwarden_model::section::Reader;
use ureq::{
    Agent, Proxy,
    http::{
        Method, Request, Response, StatusCode, Uri,
        header::{CONTENT_TYPE, LOCATION, RETRY_AFTER},
    },
    tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, TlsProvider, parse_pem},
};

use crate::forward::ForwardError;

/// Where Debian keeps the authorities that the machine's owner trusts.
pub(crate) const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// Octets of an answer that are read.
const MAX_ANSWER: u64 = 1024 * 1024;
/// Octets of an answer that are told.
const MAX_TOLD: usize = 300;
/// Octets of a secret.
const MAX_SECRET: u64 = 4_096;
/// The longest pause that the other side may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Where requests go, and by whose word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The address, `https://` unless it is of this machine.
    pub url: String,
    /// Who may have issued the other side's certificate.
    pub ca_file: PathBuf,
    /// Our certificate and key, where the other side wants one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// `http://host:port`; none is used unless named here.
    pub proxy: Option<String>,
    /// How long a request may take altogether.
    pub timeout: Duration,
}

/// What came back, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 299 where it was taken.
    pub status: u16,
    /// As much as is read.
    pub body: String,
    /// How long it asks us to wait.
    pause: Option<Duration>,
    /// Where it points to.
    elsewhere: Option<String>,
    address: String,
}

impl Settings {
    /// Reads `url`, `ca_file`, `certificate_file`, `key_file`, `proxy` and `timeout_ms`; none where one is at fault, which the reader keeps.
    pub fn read(reader: &mut Reader<'_>, example: &str) -> Option<Self> {
        let url = reader.required::<String>("url", &format!("url = \"{example}\""));
        if let Some(why) = url.as_deref().and_then(|url| odd(url).err()) {
            reader.fault_at("url", why, Some("write https://host/path".into()));
        }
        let ca_file = reader.or("ca_file", String::from(SYSTEM_AUTHORITIES)).into();
        let certificate = reader.optional::<String>("certificate_file").map(PathBuf::from);
        let key = reader.optional::<String>("key_file").map(PathBuf::from);
        if certificate.is_some() != key.is_some() {
            reader.fault_at("key_file", "a certificate and its key go together".into(), None);
        }
        let proxy = reader.optional::<String>("proxy");
        if proxy.as_deref().is_some_and(|proxy| Proxy::new(proxy).is_err()) {
            reader.fault_at("proxy", "is no proxy".into(), Some("write http://proxy.example:3128".into()));
        }
        let timeout = Duration::from_millis(reader.within("timeout_ms", 500..=120_000, 10_000));
        let url = url?.trim_end_matches('/').to_owned();
        Some(Self { url, ca_file, identity: certificate.zip(key), proxy, timeout })
    }
}

/// Why an address is none to send to.
fn odd(url: &str) -> Result<(), String> {
    let uri: Uri = url.parse().map_err(|_| format!("`{url}` is no address"))?;
    let host = uri.host().unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match uri.scheme_str() {
        _ if host.is_empty() => Err(format!("`{url}` names no host")),
        _ if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            Err("holds a name or password, which would be shown; use `token_file`".into())
        }
        Some("https") => Ok(()),
        Some("http") if is_here => Ok(()),
        Some("http") => Err("without TLS anybody on the way reads and changes what is told".into()),
        _ => Err(format!("`{url}` is not of https")),
    }
}

/// Makes requests to one place. Files are read when it is made.
pub struct Client {
    agent: Agent,
    url: String,
}

impl Client {
    /// Reads certificates.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn new(settings: &Settings) -> Result<Self, ForwardError> {
        let roots = certificates(&settings.ca_file)?;
        let identity = settings.identity.as_ref().map(|(chain, key)| identity(chain, key)).transpose()?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&roots))
            .client_cert(identity)
            .build();
        // Checked when the configuration was read.
        let proxy = settings.proxy.as_deref().and_then(|proxy| Proxy::new(proxy).ok());
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(settings.timeout))
            .user_agent(concat!("fieldwarden/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.new_agent(), url: settings.url.clone() })
    }

    /// Posts a body of a kind (`application/json`) to a path below the address.
    ///
    /// # Errors
    /// What the network said.
    pub fn post(
        &self,
        path: &str,
        kind: &str,
        body: &str,
        headers: &[(&str, String)],
    ) -> Result<Answer, ForwardError> {
        self.ask(&Method::POST, path, headers, Some((kind, body)))
    }

    /// Makes a request of any method, of a path below the address, with or without a body of a kind.
    ///
    /// # Errors
    /// What the network said.
    pub fn ask(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, String)],
        body: Option<(&str, &str)>,
    ) -> Result<Answer, ForwardError> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let wrong = |error: ureq::http::Error| self.lost(&ureq::Error::Http(error));
        let answer = match body {
            Some((kind, body)) => {
                self.agent.run(request.header(CONTENT_TYPE, kind).body(body).map_err(wrong)?)
            }
            None => self.agent.run(request.body(()).map_err(wrong)?),
        };
        self.read(answer.map_err(|error| self.lost(&error))?)
    }

    fn read(&self, mut answer: Response<ureq::Body>) -> Result<Answer, ForwardError> {
        let status = answer.status();
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let (pause, elsewhere) = (header(RETRY_AFTER).and_then(pause), header(LOCATION).map(tamed));
        let mut octets = Vec::new();
        let read = answer.body_mut().as_reader().take(MAX_ANSWER).read_to_end(&mut octets);
        let address = self.url.clone();
        if let (Err(cause), true) = (&read, status.is_success()) {
            // Whether it was taken nobody knows: it is told again, under the same key.
            return Err(ForwardError::Lost { address, cause: cause.to_string() });
        }
        let body = String::from_utf8_lossy(&octets).into_owned();
        Ok(Answer { status: status.as_u16(), body, pause, elsewhere, address })
    }

    /// Something about the other side that a person has to mend.
    #[must_use]
    pub fn fault(&self, cause: String) -> ForwardError {
        ForwardError::Lost { address: self.url.clone(), cause }
    }

    fn lost(&self, error: &ureq::Error) -> ForwardError {
        let address = self.url.clone();
        let cause = error.to_string();
        // What TLS says comes wrapped as a fault of reading or writing.
        let of_tls = |io: &std::io::Error| io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
        match error {
            ureq::Error::Rustls(_) => ForwardError::Untrusted { address, cause },
            ureq::Error::Io(io) if of_tls(io) => ForwardError::Untrusted { address, cause },
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                ForwardError::Unreachable { address, cause }
            }
            _ => ForwardError::Lost { address, cause },
        }
    }
}

impl Answer {
    /// Its body, which must be JSON.
    ///
    /// # Errors
    /// It is none, or longer than is read.
    pub fn json(&self) -> Result<serde_json::Value, ForwardError> {
        serde_json::from_str(&self.body).map_err(|error| {
            let cause =
                format!("its answer is not the JSON that was expected ({error}): {}", tamed(&self.body));
            ForwardError::Lost { address: self.address.clone(), cause }
        })
    }

    /// The same where it was taken.
    ///
    /// # Errors
    /// By its status: refused for good, to be tried later, or anything else.
    pub fn taken(self) -> Result<Self, ForwardError> {
        match self.status {
            200..=299 => Ok(self),
            300..=399 => {
                let elsewhere = self.elsewhere.as_deref().unwrap_or("elsewhere");
                let cause =
                    format!("it points to {elsewhere}, where nothing is sent: write the right address");
                Err(ForwardError::Lost { address: self.address, cause })
            }
            // What it will never take, however often it is sent. A wrong token or path (401, 403, 404) is mended by a person, and then all is told.
            400 | 409 | 410 | 411 | 413 | 415 | 422 => Err(self.refused()),
            408 | 425 | 429 | 500..=599 => Err(self.later()),
            _ => Err(self.fault()),
        }
    }

    /// It will never take this.
    #[must_use]
    pub fn refused(&self) -> ForwardError {
        ForwardError::Refused { address: self.address.clone(), cause: self.said() }
    }

    /// It asks to be tried later.
    #[must_use]
    pub fn later(&self) -> ForwardError {
        let pause = self.pause.map(|pause| pause.min(LONGEST_PAUSE));
        ForwardError::Later { address: self.address.clone(), cause: self.said(), pause }
    }

    /// Something a person has to mend.
    #[must_use]
    pub fn fault(&self) -> ForwardError {
        ForwardError::Lost { address: self.address.clone(), cause: self.said() }
    }

    fn said(&self) -> String {
        let status =
            StatusCode::from_u16(self.status).map_or_else(|_| self.status.to_string(), |s| s.to_string());
        let said = tamed(&self.body);
        if said.is_empty() { status } else { format!("{status}: {said}") }
    }
}

/// `Retry-After` in seconds (RFC 9110 section 10.2.3). A date is as good as none: clocks of two machines differ.
fn pause(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

/// A text as it stands in the query of an address (RFC 3986 section 2.1).
#[must_use]
pub fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, octet| {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{octet:02X}");
        }
        encoded
    })
}

/// The beginning of what a peer said, without what moves a cursor.
pub(crate) fn tamed(text: &str) -> String {
    let text: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.get(..text.floor_char_boundary(MAX_TOLD)).unwrap_or_default().to_owned()
}

/// A secret out of its file, without the line end an editor adds. With systemd: `LoadCredential=` and the file below
/// `/run/credentials/fieldwarden.service`.
///
/// # Errors
/// The file, and what is wrong with it, never what is in it.
pub fn secret(file: &Path) -> Result<String, ForwardError> {
    let unusable = |cause: String| ForwardError::File { file: file.to_path_buf(), cause };
    let mut text = String::new();
    let opened = fs::File::open(file).map_err(|cause| unusable(cause.to_string()))?;
    opened.take(MAX_SECRET).read_to_string(&mut text).map_err(|cause| unusable(cause.to_string()))?;
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(unusable("holds no secret of one line of printable characters".into()));
    }
    Ok(text.to_owned())
}

fn items(file: &Path) -> Result<Vec<PemItem<'static>>, ForwardError> {
    let unusable = |cause: String| ForwardError::File { file: file.to_path_buf(), cause };
    let octets = fs::read(file).map_err(|cause| unusable(cause.to_string()))?;
    parse_pem(&octets).collect::<Result<_, _>>().map_err(|cause| unusable(cause.to_string()))
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, ForwardError> {
    let found: Vec<_> = items(file)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        let cause = "holds no certificate in PEM form".into();
        return Err(ForwardError::File { file: file.to_path_buf(), cause });
    }
    Ok(found)
}

fn identity(chain: &Path, key: &Path) -> Result<ClientCert, ForwardError> {
    let found = items(key)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    let found: Option<PrivateKey<'static>> = found;
    let none =
        || ForwardError::File { file: key.to_path_buf(), cause: "holds no private key in PEM form".into() };
    Ok(ClientCert::new_with_certs(&certificates(chain)?, found.ok_or_else(none)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_without_tls_or_with_a_password_are_none() {
        for good in ["https://soc.example/x", "https://[2001:db8::5]:8443/", "http://127.0.0.1:8088/x"] {
            assert_eq!(odd(good), Ok(()), "{good}");
        }
        for bad in [
            "soc.example",
            "http://soc.example/",
            "https://jo:secret@soc.example/",
            "ftp://soc.example",
            "https:///x",
        ] {
            assert!(odd(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_other_side_may_ask_for_patience_in_seconds() {
        assert_eq!(pause(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(pause("Fri, 27 Nov 2026 20:00:00 GMT"), None);
        assert_eq!(pause("-1"), None);
    }
}
