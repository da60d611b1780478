//! NATS JetStream: one message for each revision of an incident, which counts as told once a stream acknowledged it.
//!
//! # Guarantee
//!
//! Every revision is published at least once and, repeats aside, in order, one after the other: the next goes out when the stream said that it
//! stored the one before (its acknowledgement names the stream and the place in it). Each bears `Nats-Msg-Id: ID:REVISION`, by which the stream
//! takes a repeat for what it is as long as its duplicate window lasts: then it is there exactly once.
//!
//! Publishing on a subject is answered by whoever listens to it. What is no acknowledgement, or one of another stream than the configured one,
//! does not count.
//!
//! # Hostile servers
//!
//! INFO arrives in clear, before TLS: nothing in it decides what becomes of a message. That TLS is spoken is decided by the configuration alone, and
//! that a message is too large is believed to the server that proved itself, when it says so.

mod client;
mod config;
mod keys;
pub mod protocol;
#[cfg(test)]
mod tests;

use fieldwarden_model::{Fault, Section, Timestamp};

use self::client::Client;
pub use self::config::{Credentials, Endpoint, Settings};
use super::{Destination, ForwardError, Forwarder, Link, Stop, content};
use crate::store::Store;

/// The registration.
pub(super) const FORWARDER: Forwarder = Forwarder { id: "nats", configure };

/// A stream.
#[derive(Clone, Debug)]
pub struct Nats {
    settings: Settings,
    gateway: String,
}

impl Destination for Nats {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn address(&self) -> &str {
        &self.settings.endpoint.address
    }

    fn connect(&self, _: &Store, stop: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        Ok(Box::new(Client::connect(&self.settings, &self.gateway, stop)?))
    }

    fn test(&self, now: Timestamp) -> Result<String, ForwardError> {
        let mut client = Client::connect(&self.settings, &self.gateway, &Stop::default())?;
        let message = content::encode_test(self.settings.format, &self.gateway, now);
        let stored = client.publish(&message, &format!("test:{}", now.nanos()))?;
        let said = format!(
            "`{}` took the test message over {} into the stream `{}` as number {}",
            self.settings.endpoint.address,
            client.manner(),
            stored.stream,
            stored.seq
        );
        Box::new(client).close();
        Ok(said)
    }
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    let settings = Settings::configure(section)?;
    Ok(Box::new(Nats { settings, gateway: super::hostname() }))
}
