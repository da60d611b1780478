//! The section `[incidents]`.

use std::time::Duration;

use fieldwarden_model::section::{Fault, Reader, Section};

use crate::detect::Settings as Detectors;

/// What correlation is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// An alert joins an incident whose last alert is no older; after this long an incident closes. A quarter of an hour:
    /// an intruder at work pauses to read, and two intrusions within it are one night's work for the same people.
    pub correlation: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { correlation: Duration::from_secs(900) }
    }
}

impl Settings {
    /// Reads the `[incidents]` section.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default().correlation.as_secs();
        let shortest = Detectors::default().repeat_quiet.as_secs();
        let correlation = Duration::from_secs(reader.within("correlation_secs", shortest..=604_800, usual));
        reader.finish_with(Some(Self { correlation }))
    }
}
