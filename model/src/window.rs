//! Change windows: work that somebody approved, by whom, on what and until when.

use alloc::{string::String, string::ToString, vec::Vec};

use crate::{
    address::Talker,
    operation::Verb,
    section::{Fault, Reader, Section},
    time::Timestamp,
    zone::verbs,
};

/// An approved work order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeWindow {
    /// Its number in the books of the plant.
    pub number: String,
    /// From where the work is done.
    pub clients: Vec<Talker>,
    /// On what.
    pub servers: Vec<Talker>,
    /// What may be done; none listed is anything.
    pub operations: Vec<Verb>,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl ChangeWindow {
    /// Whether something is of this work, whenever it happens. What concerns the client alone, as that it appears, is.
    #[must_use]
    pub fn covers(&self, client: Talker, server: Option<Talker>, verb: Option<Verb>) -> bool {
        let does = verb.is_none_or(|verb| {
            // A session is opened and kept for the work.
            self.operations.is_empty() || verb == Verb::Associate || self.operations.contains(&verb)
        });
        self.clients.contains(&client) && server.is_none_or(|server| self.servers.contains(&server)) && does
    }

    /// Whether a moment lies within.
    #[must_use]
    pub fn is_open(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.until
    }

    pub(crate) fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let number = reader.required("number", "number = \"CHG-1042\"");
        let clients = reader.required("clients", "clients = [\"10.2.0.30\"]");
        let servers = reader.required("servers", "servers = [\"10.1.0.10\"]");
        let operations = verbs(&mut reader, "operations");
        let from: Option<Timestamp> = reader.required("from", "from = \"2026-01-02T08:00:00Z\"");
        let until: Option<Timestamp> = reader.required("until", "until = \"2026-01-02T10:00:00Z\"");
        if from.zip(until).is_some_and(|(from, until)| until <= from) {
            let help = "write the moment at which the work is over".to_string();
            reader.fault_at("until", "is not after `from`".to_string(), Some(help));
        }
        let window = (|| {
            Some(Self {
                number: number?,
                clients: clients?,
                servers: servers?,
                operations,
                from: from?,
                until: until?,
            })
        })();
        reader.finish_with(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_covers_its_own_clients_servers_and_operations() {
        let talker = |text: &str| text.parse::<Talker>().unwrap();
        let window = ChangeWindow {
            number: "CHG-1".into(),
            clients: [talker("10.2.0.30")].into(),
            servers: [talker("10.1.0.10")].into(),
            operations: [Verb::Program].into(),
            from: Timestamp::from_seconds(10),
            until: Timestamp::from_seconds(20),
        };
        let covers = |client, server, verb| window.covers(talker(client), Some(talker(server)), Some(verb));
        assert!(covers("10.2.0.30", "10.1.0.10", Verb::Program));
        assert!(covers("10.2.0.30", "10.1.0.10", Verb::Associate));
        assert!(!covers("10.2.0.30", "10.1.0.10", Verb::Mode));
        assert!(!covers("10.2.0.30", "10.1.0.11", Verb::Program));
        assert!(!covers("10.2.0.31", "10.1.0.10", Verb::Program));
        let open = [9, 10, 19, 20].map(|second| window.is_open(Timestamp::from_seconds(second)));
        assert_eq!(open, [false, true, true, false]);
    }
}
