//! Every way outward that a configuration may name: one registry for each of its sections, and one name for each
//! destination among all of them, since what waits for it and what is remembered of it is kept under its name.

use std::sync::Arc;

use fieldwarden_model::section::Reader;

use crate::{
    forward::{self, Destination, FORWARDERS, Forwarder},
    notify::NOTIFIERS,
    ticket::TRACKERS,
};

/// Sections of the configuration, and the kinds that each may name, in the order in which they are read.
pub static WAYS: &[(&str, &[Forwarder])] =
    &[("forward", FORWARDERS), ("ticket", TRACKERS), ("notify", NOTIFIERS)];

/// Reads all of them out of a file's uppermost table; each fault goes to the reader.
pub fn configure(file: &mut Reader<'_>) -> Option<Vec<Arc<dyn Destination>>> {
    let mut destinations = Vec::new();
    for (word, kinds) in WAYS {
        let section = file.table(word);
        let mut reader = Reader::new(&section);
        forward::read(&mut reader, kinds, &mut destinations);
        file.absorb(reader.finish_with(Some(())))?;
    }
    Some(destinations)
}
