//! `[[forward.syslog]]`.

use std::{path::PathBuf, time::Duration};

use fieldwarden_model::{Fault, Section, section::Reader};
use rustls::pki_types::ServerName;

use crate::forward::content::Format;

/// What proves that a collector has read what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Its answer to a goodbye (RFC 5425 section 4.4); over plain TCP the end of its side of the connection.
    Goodbye,
    /// Nothing: a connection that stayed healthy has to do. For collectors that break section 4.4.
    Time,
}

/// What a message is carried by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS with certificates on both sides (RFC 5425).
    Tls(Box<Tls>),
    /// Plain TCP with octet counting (RFC 6587 section 3.4.1): whoever is on the way reads and changes it.
    Tcp,
    /// UDP (RFC 5426): what the network loses is lost.
    Udp,
}

/// Names and files of the certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The name the collector's certificate must carry.
    pub server_name: ServerName<'static>,
    /// Certificates of the authorities we trust for this collector, PEM. No others are trusted.
    pub ca_file: PathBuf,
    /// Our certificate and the chain to its authority, PEM.
    pub certificate_file: PathBuf,
    /// Our private key, PEM.
    pub key_file: PathBuf,
}

#[derive(Clone, Copy)]
enum Word {
    Tls,
    Tcp,
    Udp,
}

/// What one `[[forward.syslog]]` table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The destination's name.
    pub name: String,
    /// Host and port as written, such as `soc.example:6514`.
    pub address: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What messages are carried by.
    pub transport: Transport,
    /// How an incident is spelt; structured data where absent.
    pub format: Option<Format>,
    /// RFC 5424 facility, 0 to 23.
    pub facility: u8,
    /// Octets a message may have.
    pub max_message_bytes: usize,
    /// Our HOSTNAME; the kernel's where absent.
    pub hostname: Option<String>,
    /// How long a connection must stay healthy after a message before that message counts as delivered.
    pub confirm_after: Duration,
    /// What else it takes for that.
    pub receipt: Receipt,
    /// How long a write may make no progress, and a goodbye stay unanswered.
    pub send_timeout: Duration,
    /// How long connecting and the handshake may take, each.
    pub connect_timeout: Duration,
}

impl Settings {
    /// Reads one table.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let name = reader.required::<String>("name", "name = \"soc\"");
        let address = reader.required::<String>("address", "address = \"soc.example:6514\"");
        let parts = address.as_deref().and_then(|address| host_and_port(&mut reader, address));
        let words = [("tls", Word::Tls), ("tcp", Word::Tcp), ("udp", Word::Udp)];
        let word = reader.one_of("transport", &words);
        let host = parts.as_ref().map(|(host, _)| host.as_str());
        let transport = match word {
            Some(Word::Tls) => tls(&mut reader, host).map(|tls| Transport::Tls(Box::new(tls))),
            Some(Word::Tcp) => Some(Transport::Tcp),
            Some(Word::Udp) => Some(Transport::Udp),
            None => None,
        };
        let format = reader.one_of("format", &formats());
        // 4 is "security/authorization messages" (RFC 5424 table 1).
        let facility = u8::try_from(reader.within("facility", 0..=23, 4)).unwrap_or(4);
        // RFC 5425 section 4.3.1: a receiver must take 2048 octets and should take 8192; over UDP (RFC 5426 section 3.2) it
        // should take 2048, and no datagram holds more than 65,507 octets.
        let (most, usual) = if matches!(word, Some(Word::Udp)) { (65_507, 2_048) } else { (65_536, 8_192) };
        let most = reader.within("max_message_bytes", 2_048..=most, usual);
        let hostname = reader.optional::<String>("hostname");
        let receipt = reader.one_of("receipt", &[("goodbye", Receipt::Goodbye), ("time", Receipt::Time)]);
        let mut milliseconds =
            |key, range, default| Duration::from_millis(reader.within(key, range, default));
        let confirm_after = milliseconds("confirm_after_ms", 500..=600_000, 10_000);
        let send_timeout = milliseconds("send_timeout_ms", 500..=600_000, 10_000);
        let connect_timeout = milliseconds("connect_timeout_ms", 100..=120_000, 5_000);
        let all = (|| {
            let (host, port) = parts?;
            Some(Self {
                name: name?,
                address: address?,
                host,
                port,
                transport: transport?,
                format: format?,
                facility,
                max_message_bytes: usize::try_from(most).unwrap_or(8_192),
                hostname,
                confirm_after,
                receipt: receipt?,
                send_timeout,
                connect_timeout,
            })
        })();
        reader.finish_with(all)
    }
}

fn tls(reader: &mut Reader<'_>, host: Option<&str>) -> Option<Tls> {
    let server_name = server_name(reader, host);
    let ca_file = reader.required::<String>("ca_file", "ca_file = \"/etc/fieldwarden/soc-ca.pem\"");
    let certificate_file =
        reader.required::<String>("certificate_file", "certificate_file = \"/etc/fieldwarden/client.pem\"");
    let key_file = reader.required::<String>("key_file", "key_file = \"/etc/fieldwarden/client.key\"");
    Some(Tls {
        server_name: server_name?,
        ca_file: ca_file?.into(),
        certificate_file: certificate_file?.into(),
        key_file: key_file?.into(),
    })
}

fn formats() -> Vec<(&'static str, Option<Format>)> {
    let others = Format::ALL.into_iter().map(|(word, format)| (word, Some(format)));
    [("structured", None)].into_iter().chain(others).collect()
}

pub(crate) fn host_and_port(reader: &mut Reader<'_>, address: &str) -> Option<(String, u16)> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
        (!host.is_empty()).then(|| (host.to_owned(), port))
    });
    if parts.is_none() {
        let help = Some("write host and port: `soc.example:6514` or `[2001:db8::5]:6514`".into());
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
            let help =
                Some("write the name in the collector's certificate: `server_name = \"soc.example\"`".into());
            reader.fault_at(key, format!("`{name}` is neither a DNS name nor an IP address"), help);
            None
        }
    }
}
