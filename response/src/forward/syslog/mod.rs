//! Syslog (RFC 5424) over TLS with mutual certificates (RFC 5425), and how a message is known to have arrived.
//!
//! # Guarantee
//!
//! Every revision reaches the collector at least once and, repeats aside, in order, as long as the collector keeps
//! what its TLS layer has read for [`Settings::confirm_after`]. Repeats are told apart by the parameters `id` and
//! `revision`.
//!
//! # Why it is not simple
//!
//! RFC 5425 has no acknowledgement in the application layer (section 4.3 only frames, section 4.4 only closes). A
//! successful write merely means that our own kernel has the octets. So a message counts as delivered only when
//!
//! 1. **the connection stayed healthy for `confirm_after` after it was written**, and the socket was read during all
//!    that time. In TLS 1.3 a client has finished its handshake before the server judged its certificate (RFC 8446
//!    section 4.4.2.4 and appendix E.1.2): the rejection arrives as an alert after our first sends succeeded. A collector that is
//!    stopped sends a close_notify or a FIN; one that is killed with unread octets makes its kernel send an RST
//!    (RFC 9293 section 3.10.7.1). Both are seen by reading, never by writing.
//! 2. **its kernel acknowledged the octets.** `TCP_USER_TIMEOUT` (RFC 5482) is set to half of `confirm_after`: were
//!    anything unacknowledged that long, the kernel would have ended the connection, which reading shows. Keepalive
//!    probes (RFC 9293 section 3.8.4) find a dead peer while nothing is on the way.
//! 3. **its TLS layer read the octets**, where it can tell: in TLS 1.3 we ask for a KeyUpdate (RFC 8446 section
//!    4.6.3) after the messages. Records are processed in order, so the answering KeyUpdate proves that everything
//!    before the question was read out of the kernel. The RFC lets a peer that never sends anything delay its answer
//!    for ever, therefore an answer is only demanded from a peer that has answered once on this connection; OpenSSL
//!    and rustls do. Under TLS 1.2 and with silent peers, points 1 and 2 stand alone.
//!
//! Whatever is not confirmed when a connection ends, for whatever reason, is sent again on the next one. Since the
//! confirmation lags by `confirm_after`, this repeats what was written during the last seconds before the end, which
//! is what a killed collector may have held in memory. An orderly goodbye (section 4.4) is no receipt
//! either: it does not say that the collector wrote down what it read.

mod client;
mod config;
mod encode;
#[cfg(test)]
mod tests;

use std::fs;

use fieldwarden_model::{Fault, Section, Timestamp};

pub use self::{
    config::Settings,
    encode::{Origin, encode, encode_test, frame},
};
use super::{Destination, ForwardError, Forwarder, Link, Stop};

/// The registration.
pub(super) const FORWARDER: Forwarder = Forwarder { id: "syslog", configure };

/// A collector.
#[derive(Clone, Debug)]
pub struct Syslog {
    settings: Settings,
    origin: Origin,
}

impl Syslog {
    /// The collector that `settings` describe.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let hostname = settings.hostname.clone().unwrap_or_else(|| {
            fs::read_to_string("/proc/sys/kernel/hostname")
                .map(|name| name.trim().to_owned())
                .unwrap_or_default()
        });
        let origin = Origin {
            hostname,
            process: std::process::id(),
            facility: settings.facility,
            max_bytes: settings.max_message_bytes,
        };
        Self { settings, origin }
    }
}

impl Destination for Syslog {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn address(&self) -> &str {
        &self.settings.address
    }

    fn connect(&self, stop: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        Ok(Box::new(client::Client::connect(&self.settings, &self.origin, stop)?))
    }

    fn test(&self, now: Timestamp) -> Result<String, ForwardError> {
        let client = client::Client::connect(&self.settings, &self.origin, &Stop::default())?;
        client.test(&encode_test(&self.origin, now))
    }
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    Settings::configure(section).map(|settings| Box::new(Syslog::new(settings)) as Box<dyn Destination>)
}
