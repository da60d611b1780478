//! Devices that can be changed. Adding one is a folder here and a line in [`DRIVERS`] or, for a switch beside the gateway,
//! in [`SWITCH_DRIVERS`].
//!
//! A driver holds no opinion: it is told what the whole device should hold, makes it so in one step that a crash
//! cannot split, and tells what the device holds. The [`crate::warden`] compares the two.

use std::collections::BTreeSet;

use fieldwarden_model::{Fault, Order, Section, Site, Talker, order::Ends};
use thiserror::Error;

use crate::content::{Content, Match};

pub mod dry_run;
pub mod netconf;
pub mod nftables;
pub mod ovsdb;
mod ports;
pub mod snmp_qbridge;

/// Every driver of the gateway itself, the first being the one used where the site file names none.
pub static DRIVERS: &[Registration] = &[nftables::REGISTRATION, dry_run::REGISTRATION];

/// Every driver of switches, the first being the one used where `[[enforcer.switch]]` names none.
pub static SWITCH_DRIVERS: &[SwitchRegistration] =
    &[ovsdb::REGISTRATION, netconf::REGISTRATION, snmp_qbridge::REGISTRATION];

/// A driver of switches as the registry knows it.
#[derive(Clone, Copy, Debug)]
pub struct SwitchRegistration {
    /// The word in `kind = ".."` and in every plan.
    pub name: &'static str,
    /// Reads one `[[enforcer.switch]]` with the site's assets and makes the driver, without touching the device.
    pub configure: fn(&Section, &Site) -> Result<Switch, Vec<Fault>>,
}

/// A switch beside the gateway.
pub struct Switch {
    /// Its name in orders.
    pub name: String,
    /// What changes it.
    pub driver: Box<dyn Driver>,
}

/// Reads a driver's section and makes the driver.
pub type Configure = fn(&Section) -> Result<Box<dyn Driver>, Vec<Fault>>;

/// A driver as the registry knows it.
#[derive(Clone, Copy, Debug)]
pub struct Registration {
    /// The word in `driver = ".."` and in every plan.
    pub name: &'static str,
    /// Reads the section `[enforcer.<name>]` and makes the driver, without touching the device.
    pub configure: Configure,
}

/// What a device holds of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Traffic cut, and until when.
    pub content: Content,
    /// Of that, what is not cut in every place where it should be; each is damage as well.
    pub partial: BTreeSet<Match>,
    /// Packets dropped since the rules were made, for each place where the device counts them.
    pub dropped: Vec<(&'static str, u64)>,
    /// When it had been read, in milliseconds since the machine started; 0 where cuts do not end by themselves.
    pub read_ms: u64,
    /// Ways in which what surrounds it differs from what [`Driver::apply`] leaves, each as a sentence.
    pub damage: Vec<String>,
}

/// Why a device could not be changed or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeviceFault {
    /// It cannot be reached or spoken to.
    #[error("{device} cannot be reached: {cause}")]
    Unreachable {
        /// Which.
        device: String,
        /// Why.
        cause: std::io::Error,
    },
    /// It said no.
    #[error("{device} refused {step}: {cause}")]
    Refused {
        /// Which.
        device: String,
        /// To do what.
        step: String,
        /// Why.
        cause: std::io::Error,
    },
    /// It answered what cannot be understood.
    #[error("{device} answered what cannot be understood: {what}")]
    Unintelligible {
        /// Which.
        device: String,
        /// What.
        what: String,
    },
}

/// A device that can be changed.
pub trait Driver {
    /// Its name in the registry.
    fn name(&self) -> &'static str;

    /// By how much the end of a cut may be read back sooner or later than told, by the device's own rounding and the
    /// time reading takes, in milliseconds. `u64::MAX` where the device holds no end: then the journal alone does.
    fn expiry_tolerance_ms(&self) -> u64;

    /// Why `cut` cannot be enforced here, as a sentence; none when it can.
    fn not_enforceable(&self, cut: &Match) -> Option<String>;

    /// What would be done for `order`, each step in words, where `already` is cut for other orders. The same words
    /// for the same arguments.
    fn steps(&self, order: &Order, already: &BTreeSet<Match>) -> Vec<String>;

    /// Told before each [`Driver::apply`]: what of it nobody has kept yet. A device that can undoes that by itself at the end it is given.
    fn unkept(&mut self, _cuts: &BTreeSet<Match>) {}

    /// Makes the device hold `desired` and nothing else of ours, at once or not at all.
    ///
    /// # Errors
    /// When the device did not take it. What it then holds must be observed.
    fn apply(&mut self, desired: &Content) -> Result<(), DeviceFault>;

    /// What the device holds of ours.
    ///
    /// # Errors
    /// When it cannot be told.
    fn observe(&mut self) -> Result<Observed, DeviceFault>;

    /// Ends what the device remembers of traffic that is now cut; returns how much that was.
    ///
    /// # Errors
    /// When it cannot; the cut holds all the same.
    fn forget_established(&mut self, cut: &[Match]) -> Result<usize, DeviceFault>;

    /// Whoever is known to be cut off by `cut` beside the talkers it names.
    ///
    /// # Errors
    /// When it cannot be told.
    fn behind(&self, _cut: &Match) -> Result<Vec<Talker>, DeviceFault> {
        Ok(Vec::new())
    }

    /// For each of these conversations why `order` does not reach it, since it does not come by here, as a sentence; none
    /// where it does or where that cannot be told.
    fn past(&self, _order: &Order, ends: &[Ends]) -> Vec<Option<String>> {
        vec![None; ends.len()]
    }

    /// What an operator should read of the last changes: what was left as somebody else had made it, say.
    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// The steps that do not depend on a device: what follows after the change.
pub(crate) fn closing_steps(order: &Order) -> [String; 2] {
    [
        format!("read back; undo after {} s unless kept", order.keep_within_secs),
        format!("once kept, until {} s after it was applied", order.lapse_secs),
    ]
}
