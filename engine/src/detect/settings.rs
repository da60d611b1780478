//! The section `[detectors]`.

use std::time::Duration;

use fieldwarden_model::section::{Fault, Reader, Section};

use super::{asset_changed, detector_id, exception_burst, function_scan, new_talker};

/// What the detectors are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Detectors that are switched off, by id.
    pub disabled: Vec<String>,
    /// After this long without the same thing it is told anew; each time it was, the pause that makes it news doubles.
    /// One minute: an intruder who comes back after it is news, one who comes back all night is not.
    pub repeat_quiet: Duration,
    /// A thing that never pauses is told anew after this long. One hour: once per shift hand-over would be too late.
    pub repeat_longest: Duration,
    /// Alerts of one detector about one client and server within [`Settings::pair_window`]; more are counted, not told.
    /// Sixteen: whoever reads them has seen what it is.
    pub alerts_per_pair: u32,
    /// See [`Settings::alerts_per_pair`]. Five minutes.
    pub pair_window: Duration,
    /// Of `new-talker`.
    pub new_talker: new_talker::Settings,
    /// Of `function-scan`.
    pub function_scan: function_scan::Settings,
    /// Of `exception-burst`.
    pub exception_burst: exception_burst::Settings,
    /// Of `asset-changed`.
    pub asset_changed: asset_changed::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            disabled: Vec::new(),
            repeat_quiet: Duration::from_secs(60),
            repeat_longest: Duration::from_secs(3_600),
            alerts_per_pair: 16,
            pair_window: Duration::from_secs(300),
            new_talker: new_talker::Settings::default(),
            function_scan: function_scan::Settings::default(),
            exception_burst: exception_burst::Settings::default(),
            asset_changed: asset_changed::Settings::default(),
        }
    }
}

impl Settings {
    /// Reads the `[detectors]` section.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let disabled: Vec<String> = reader.or("disabled", Vec::new());
        for id in &disabled {
            if detector_id(id).is_none() {
                let known: Vec<&str> = super::DETECTORS.iter().map(|detector| detector.id()).collect();
                let help = format!("known are {}", known.join(", "));
                reader.fault_at("disabled", format!("there is no detector `{id}`"), Some(help));
            }
        }
        let repeat_quiet = seconds(&mut reader, "repeat_quiet_secs", usual.repeat_quiet);
        let repeat_longest = seconds(&mut reader, "repeat_longest_secs", usual.repeat_longest);
        let alerts_per_pair = reader.within("alerts_per_pair", 1..=1_000, u64::from(usual.alerts_per_pair));
        let pair_window = seconds(&mut reader, "pair_window_secs", usual.pair_window);
        let new_talker = reader.table("new_talker");
        let new_talker = reader.absorb(new_talker::Settings::configure(&new_talker)).unwrap_or_default();
        let function_scan = reader.table("function_scan");
        let function_scan =
            reader.absorb(function_scan::Settings::configure(&function_scan)).unwrap_or_default();
        let exception_burst = reader.table("exception_burst");
        let exception_burst =
            reader.absorb(exception_burst::Settings::configure(&exception_burst)).unwrap_or_default();
        let asset_changed = reader.table("asset_changed");
        let asset_changed =
            reader.absorb(asset_changed::Settings::configure(&asset_changed)).unwrap_or_default();
        reader.finish_with(Some(Self {
            disabled,
            repeat_quiet,
            repeat_longest,
            alerts_per_pair: u32::try_from(alerts_per_pair).unwrap_or(usual.alerts_per_pair),
            pair_window,
            new_talker,
            function_scan,
            exception_burst,
            asset_changed,
        }))
    }
}

/// A duration in whole seconds, from one second to one week.
pub(crate) fn seconds(reader: &mut Reader<'_>, key: &'static str, usual: Duration) -> Duration {
    Duration::from_secs(reader.within(key, 1..=604_800, usual.as_secs()))
}
