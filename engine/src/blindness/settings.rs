//! The section `[blindness]`.

use std::time::Duration;

use fieldwarden_model::section::{Fault, Reader, Section};

use super::Reason;

/// From when on blindness is an incident, and from when on it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    per_minute: [u32; Reason::ALL.len()],
    /// An incident of blindness closes after this long without its reason. Five minutes: a mirror that comes and goes is one incident.
    pub recovery: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { per_minute: Reason::ALL.map(usual), recovery: Duration::from_secs(300) }
    }
}

impl Settings {
    /// How often within a minute a reason makes an incident; 0 never.
    #[must_use]
    pub fn threshold(&self, reason: Reason) -> u64 {
        let at = Reason::ALL.iter().position(|other| *other == reason);
        at.and_then(|at| self.per_minute.get(at)).copied().map_or(0, u64::from)
    }

    /// Reads the `[blindness]` section.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let per_minute = Reason::ALL.map(|reason| {
            let usual = usual(reason);
            if !reason.is_watched() {
                return usual;
            }
            u32::try_from(reader.within(key(reason), 0..=1_000_000_000, u64::from(usual))).unwrap_or(usual)
        });
        let recovery = Self::default().recovery.as_secs();
        let recovery = Duration::from_secs(reader.within("recovery_secs", 1..=86_400, recovery));
        reader.finish_with(Some(Self { per_minute, recovery }))
    }
}

const fn key(reason: Reason) -> &'static str {
    match reason {
        Reason::KernelDrops => "kernel_drops_per_minute",
        Reason::OneWayMirror => "one_way_mirror_per_minute",
        Reason::Gaps => "gaps_per_minute",
        Reason::Unanswered => "unanswered_per_minute",
        Reason::Copies => "copies_per_minute",
        Reason::VlanRewritten => "vlan_rewritten_per_minute",
        Reason::Snapped => "snapped_per_minute",
        Reason::Undecodable => "undecodable_per_minute",
        Reason::Checksums => "checksums_per_minute",
        Reason::Encrypted => "encrypted_per_minute",
        Reason::Caps => "caps_per_minute",
        Reason::ClockSteps => "clock_steps_per_minute",
        Reason::Outage => "outage_per_minute",
    }
}

const fn usual(reason: Reason) -> u32 {
    match reason {
        // A gateway that keeps up loses none, and a table at its cap forgets.
        Reason::KernelDrops | Reason::Caps => 1,
        // A few polls of one conversation.
        Reason::OneWayMirror => 30,
        // One every second; a mirror port that is oversubscribed loses far more.
        Reason::Gaps | Reason::Unanswered | Reason::Snapped => 60,
        // One step sets a clock; three in a minute are a clock that cannot be believed.
        Reason::ClockSteps => 3,
        // Copies blind nobody, and have no setting; what is encrypted or foreign is so every day; who restarts a program knows it.
        Reason::Copies
        | Reason::VlanRewritten
        | Reason::Checksums
        | Reason::Undecodable
        | Reason::Encrypted
        | Reason::Outage => 0,
    }
}
