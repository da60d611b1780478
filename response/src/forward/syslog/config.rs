//! `[[forward.syslog]]`.

use std::time::Duration;

use fieldwarden_model::{Fault, Section, section::Reader};

pub use crate::forward::tls::Tls;
use crate::forward::{
    content::Format,
    tls::{Identity, host_and_port},
};

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
        let parts = address.as_deref().and_then(|address| host_and_port(&mut reader, address, 6514));
        let words = [("tls", Word::Tls), ("tcp", Word::Tcp), ("udp", Word::Udp)];
        let word = reader.one_of("transport", &words);
        let host = parts.as_ref().map(|(host, _)| host.as_str());
        let transport = match word {
            Some(Word::Tls) => {
                Tls::read(&mut reader, host, Identity::Required).map(|tls| Transport::Tls(Box::new(tls)))
            }
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

fn formats() -> Vec<(&'static str, Option<Format>)> {
    let others = Format::ALL.into_iter().map(|(word, format)| (word, Some(format)));
    [("structured", None)].into_iter().chain(others).collect()
}
