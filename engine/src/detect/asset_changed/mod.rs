//! `asset-changed`: a device that was known is no longer what it was.
//!
//! Techniques of ATT&CK for ICS: T0857 System Firmware where the device itself tells another version, T0839 Module Firmware where a
//! module behind it does; T0830 Adversary-in-the-Middle where another device answers at its address (another network card there is for `address-change` to tell);
//! T0848 Rogue Master where what only answered begins to ask, or the other way round.
//!
//! Needs no baseline: judged is a change of what the device told, or showed, before.

use std::time::Duration;

use fieldwarden_model::{
    Endpoint, Severity, Talker,
    section::{Fault, Reader, Section},
};
use fieldwarden_protocols::Protocol;

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, settings::seconds};
use crate::{assets::Trait, track::Heard};

/// Judges changes of devices.
pub struct AssetChanged;

/// What `asset-changed` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// A device must have answered, or asked, for this long before the other is a change. One hour: who asks rarely has
    /// done so by then.
    pub role_settled: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { role_settled: Duration::from_secs(3_600) }
    }
}

impl Settings {
    /// Reads `[detectors.asset_changed]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let role_settled = seconds(&mut reader, "role_settled_secs", usual.role_settled);
        reader.finish_with(Some(Self { role_settled }))
    }
}

/// How a device changed.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Changed {
    /// Who, when and in which frame.
    pub(crate) heard: Heard,
    pub(crate) how: How,
}

/// What is another than it was.
#[derive(Clone, Debug)]
pub(crate) enum How {
    /// What it tells of itself.
    Told { of: Trait, protocol: Protocol, part: Option<u32>, old: String, new: String },
    /// It asks, and only answered before.
    Asks { whom: Talker, protocol: Protocol },
    /// It answers, and only asked before.
    Answers { whom: Talker, protocol: Protocol },
}

/// Units of Modbus that mean the device itself (MODBUS Messaging Implementation Guide 1.0b, 4.4.1.2), or the only one there is.
const OWN_UNITS: [u32; 3] = [0, 1, 255];

impl Detector for AssetChanged {
    fn id(&self) -> &'static str {
        "asset-changed"
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Talkers]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Changed(changed) = subject else { return };
        let mut finding = Finding::of_talker(self.id(), &changed.heard);
        match &changed.how {
            How::Told { of, protocol, part, old, new } => {
                let (severity, techniques) = weigh(*of, *protocol, *part);
                (finding.severity, finding.techniques) = (severity, techniques);
                finding.protocol = Some(*protocol);
                finding.unit = part.and_then(|part| u16::try_from(part).ok());
                finding.bucket = Bucket { code: Some(of.word()), function: *part, ..Bucket::default() };
                let word = of.word();
                finding.sentence = format!(
                    "{{client}} now tells the {word} `{new}` over {protocol}; until now it was `{old}`"
                );
            }
            How::Asks { whom, protocol } => {
                role(&mut finding, *whom, *protocol);
                finding.sentence = format!(
                    "{{client}} only answered until now; it begins to ask {{server}} over {protocol}"
                );
            }
            How::Answers { whom, protocol } => {
                role(&mut finding, *whom, *protocol);
                finding.sentence = format!(
                    "{{client}} only asked until now; it begins to answer {{server}} over {protocol}"
                );
            }
        }
        findings(finding);
    }
}

/// How grave it is that a device tells something else, and what may be behind it.
fn weigh(of: Trait, protocol: Protocol, part: Option<u32>) -> (Severity, &'static [&'static str]) {
    let behind = protocol.name() == "modbus" && part.is_some_and(|unit| !OWN_UNITS.contains(&unit));
    match of {
        Trait::Firmware if behind => (Severity::High, &["T0839"]),
        Trait::Firmware | Trait::Description => (Severity::High, &["T0857"]),
        _ => (Severity::Medium, &["T0830"]),
    }
}

fn role(finding: &mut Finding, whom: Talker, protocol: Protocol) {
    finding.techniques = &["T0848"];
    finding.server = Some(Endpoint { talker: whom, port: None });
    finding.protocol = Some(protocol);
    finding.bucket.code = Some("role");
}

#[cfg(test)]
mod tests;
