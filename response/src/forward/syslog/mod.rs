//! Syslog (RFC 5424) over TLS with mutual certificates (RFC 5425), and how a message is known to have arrived. Also over plain TCP
//! (RFC 6587) and UDP (RFC 5426), which prove less: see the end.
//!
//! # Guarantee
//!
//! Every revision reaches the collector at least once and, repeats aside, in order, as long as the collector has
//! written down, half of [`Settings::confirm_after`] later, what its TLS layer read. Repeats are told apart by the
//! parameters `id` and `revision`.
//!
//! # Why it is not simple
//!
//! RFC 5425 has no acknowledgement in the application layer (section 4.3 only frames, section 4.4 only closes). A
//! successful write merely means that our own kernel has the octets. So a message counts as delivered only when
//!
//! 1. **the connection stayed healthy for `confirm_after` after it was written**, and the socket was read during all
//!    that time. In TLS 1.3 a client has finished its handshake before the server judged its certificate (RFC 8446
//!    section 2): the rejection arrives as an alert after our first sends succeeded. A collector that is stopped
//!    sends a close_notify or a FIN; one that is killed with unread octets makes its kernel send an RST (RFC 2525
//!    section 2.17). Both are seen by reading, never by writing.
//! 2. **its kernel acknowledged the octets.** `TCP_USER_TIMEOUT` (RFC 5482) is set to half of `confirm_after`: were
//!    anything unacknowledged that long, the kernel would have ended the connection, which reading shows. Keepalive
//!    probes (RFC 9293 section 3.8.4) find a dead peer while nothing is on the way.
//! 3. **its TLS layer read the octets.** A collector that hangs while its kernel goes on acknowledging satisfies 1
//!    and 2, and takes everything with it when it dies. The one thing RFC 5425 makes a receiver say is goodbye: to a
//!    close_notify it must answer with its own (section 4.4). TLS records are processed in order, so that answer, with
//!    a FIN behind it, proves that everything before our goodbye was read. A FIN alone may come from the kernel of a
//!    collector that died, and an RST behind the answer from one that stopped with octets unread: both count as a
//!    lost connection. Therefore, once the oldest message without a receipt has waited half of `confirm_after`, we
//!    say goodbye, wait for the answer and connect again: one handshake per that time while there is something to
//!    tell, none when idle. [`Receipt::Time`] does without, for collectors that break section 4.4.
//!    (A TLS 1.3 KeyUpdate does not serve: RFC 8446 section 4.6.3 lets the answer wait for the peer's next message,
//!    a collector has none, and neither OpenSSL 3.0 nor rustls answers before. Tried.)
//!
//! Whatever is not confirmed when a connection ends, for whatever reason, is sent again on the next one. Since the
//! confirmation lags by `confirm_after`, this repeats what was written during the last seconds before the end, which
//! is what a killed collector may have held in memory. The goodbye alone is not enough: it does not say that the
//! collector wrote down what it read.
//!
//! # Without TLS
//!
//! Over TCP the same holds with one step less: there is no close_notify, so we close our side, and the FIN of the collector, without an
//! RST, says that its program read to the end or died with nothing unread. Over UDP nothing is ever said but that nobody listens (ICMP
//! port unreachable): a datagram counts as delivered when none of that was heard for `confirm_after`.

mod channel;
mod client;
mod config;
mod datagram;
mod encode;
#[cfg(test)]
mod tests;

use fieldwarden_model::{Fault, Section, Timestamp};

pub use self::{
    config::{Receipt, Settings, Tls, Transport},
    encode::{Origin, encode, encode_test, frame},
};
use super::{Destination, ForwardError, Forwarder, Link, Stop};
use crate::store::Store;

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
        let hostname = settings.hostname.clone().unwrap_or_else(super::hostname);
        let origin = Origin {
            hostname,
            process: std::process::id(),
            facility: settings.facility,
            max_bytes: settings.max_message_bytes,
            format: settings.format,
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

    fn connect(&self, _: &Store, stop: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        Ok(match self.settings.transport {
            Transport::Udp => Box::new(datagram::Datagrams::connect(&self.settings, &self.origin)?),
            Transport::Tls(_) | Transport::Tcp => {
                Box::new(client::Client::connect(&self.settings, &self.origin, stop)?)
            }
        })
    }

    fn test(&self, now: Timestamp) -> Result<String, ForwardError> {
        let message = encode_test(&self.origin, now);
        if self.settings.transport == Transport::Udp {
            return datagram::Datagrams::connect(&self.settings, &self.origin)?.test(&message);
        }
        client::Client::connect(&self.settings, &self.origin, &Stop::default())?.test(&message)
    }
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    Settings::configure(section).map(|settings| Box::new(Syslog::new(settings)) as Box<dyn Destination>)
}
