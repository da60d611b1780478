//! MQTT 5: one message of QoS 1 for each revision of an incident, which counts as told once the broker acknowledged it.
//!
//! # Guarantee
//!
//! Every revision is published at least once and, repeats aside, in order, one after the other: the next goes out when PUBACK says that the broker
//! took the one before, by a reason code below 0x80 (section 3.4.2.1). "No matching subscribers" (0x10) is no success unless the configuration says so:
//! the broker took the message and threw it away. Repeats are told apart by the user properties `incident` and `revision`.
//!
//! What a broker acknowledged it owns (section 4.3.2). Whether it wrote it down, and whether it keeps it for a subscriber that is away, is up to how
//! it is set up.
//!
//! # Sessions
//!
//! A session begins anew with each connection and ends with it: what is not acknowledged waits in the outbox, which outlives both sides. So nothing is
//! left at the broker by a gateway that is gone, and DUP is never set, since it is a new message each time to the protocol.

mod client;
mod config;
pub mod packet;
#[cfg(test)]
mod tests;

use fieldwarden_model::{Fault, Section, Timestamp, digest::Digest};

use self::client::Client;
pub use self::config::{Endpoint, Settings};
use super::{Destination, ForwardError, Forwarder, Link, Stop, content};
use crate::store::Store;

/// The registration.
pub(super) const FORWARDER: Forwarder = Forwarder { id: "mqtt", configure };

/// A broker.
#[derive(Clone, Debug)]
pub struct Mqtt {
    settings: Settings,
    gateway: String,
    client_id: String,
}

impl Mqtt {
    fn open(&self, client_id: &str, stop: &Stop) -> Result<Client, ForwardError> {
        Client::connect(&self.settings, &self.gateway, client_id, stop)
    }
}

impl Destination for Mqtt {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn address(&self) -> &str {
        &self.settings.endpoint.address
    }

    fn connect(&self, _: &Store, stop: &Stop) -> Result<Box<dyn Link>, ForwardError> {
        Ok(Box::new(self.open(&self.client_id, stop)?))
    }

    fn test(&self, now: Timestamp) -> Result<String, ForwardError> {
        // Under a name of its own, lest it take the running connection over.
        let mut client = self.open(&format!("{}-test", self.client_id), &Stop::default())?;
        let message = content::encode_test(self.settings.format, &self.gateway, now);
        let heard = client.publish(&message, &[])?;
        let said = format!(
            "`{}` took the test message over {} on `{}`: {heard}",
            self.settings.endpoint.address,
            client.manner(),
            self.settings.topic
        );
        Box::new(client).close();
        Ok(said)
    }
}

fn configure(section: &Section) -> Result<Box<dyn Destination>, Vec<Fault>> {
    let settings = Settings::configure(section)?;
    let gateway = super::hostname();
    let client_id = settings.client_id.clone().unwrap_or_else(|| own_id(&gateway, &settings.name));
    Ok(Box::new(Mqtt { settings, gateway, client_id }))
}

/// A client identifier that every broker takes (section 3.1.3.1: 23 letters and digits), the same each time.
fn own_id(gateway: &str, name: &str) -> String {
    let digest = Digest::new().with("mqtt client").with(gateway).with(name).full();
    format!("fieldwarden{}", digest.get(..12).unwrap_or_default())
}
