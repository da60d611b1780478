//! What was judged and what is worked on: alerts and incidents.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    address::{AddressSpace, Mac, Talker, Transport},
    frame::FrameRef,
    operation::{Value, Verb},
    time::Timestamp,
};

/// How much an alert or incident matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look this week.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// The process may be at risk.
    Critical,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word as configuration and JSON spell it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A technique of MITRE ATT&CK for ICS v18.1, such as `T0836`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Technique(pub String);

/// An alert's name, derived from its content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertId(pub String);

/// An incident's name, made from its first alert and never changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IncidentId(pub String);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Something seen and judged. It explains itself: detector, contradicted baseline entry, frames, technique.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// When the judged thing was complete on the wire.
    pub time: Timestamp,
    /// The detector's id, such as `new-talker`.
    pub detector: String,
    /// How much it matters.
    pub severity: Severity,
    /// ATT&CK for ICS.
    pub techniques: Vec<Technique>,
    /// The address space of both talkers.
    pub space: AddressSpace,
    /// Who asked.
    pub client: Talker,
    /// From which port.
    pub client_port: Option<u16>,
    /// By which hardware address.
    pub client_mac: Option<Mac>,
    /// The client's name in the site file.
    pub client_name: Option<String>,
    /// Who was asked; absent where an alert concerns one talker alone.
    pub server: Option<Talker>,
    /// On which port.
    pub server_port: Option<u16>,
    /// By which hardware address.
    pub server_mac: Option<Mac>,
    /// The server's name in the site file.
    pub server_name: Option<String>,
    /// VLAN ids, outermost first.
    pub vlan: Vec<u16>,
    /// The protocol, such as `modbus`.
    pub protocol: Option<String>,
    /// TCP, UDP or the link; absent where an alert concerns one talker alone.
    #[serde(default)]
    pub transport: Option<Transport>,
    /// The unit behind the server's address.
    pub unit: Option<u16>,
    /// What was done.
    pub operation: Option<Verb>,
    /// The protocol's own function code, a sub-function in the upper half.
    #[serde(default)]
    pub function: Option<u32>,
    /// The standard's name of that function.
    #[serde(default)]
    pub function_name: Option<String>,
    /// The points touched, in the protocol's notation.
    pub points: Option<String>,
    /// How many points each value spans, where values are carried.
    #[serde(default)]
    pub step: Option<u16>,
    /// Values before, as far as they were seen.
    pub old: Vec<Value>,
    /// Values carried.
    pub new: Vec<Value>,
    /// The frames it rests on.
    pub frames: Vec<FrameRef>,
    /// Community ID version 1 of the flow.
    pub community_id: Option<String>,
    /// False when the sensor lacked something the detector needs.
    pub assured: bool,
    /// One sentence an operator understands.
    pub summary: String,
    /// The nearest baseline entry, which this contradicts.
    pub baseline_entry: Option<String>,
    /// What the baseline tells quietly and this lies within; it is information then, of no incident.
    #[serde(default)]
    pub quieted_by: Option<String>,
    /// The incident it belongs to; empty where it is quiet, or information that belongs to none.
    pub incident: IncidentId,
}

/// A part of an incident's score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addend {
    /// Why it is added.
    pub why: String,
    /// How much.
    pub points: u8,
}

/// A step of what happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When it was done for the first time.
    pub time: Timestamp,
    /// What was done, and to whom.
    pub what: String,
}

/// Alerts that belong together and are worked on as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id, made from its first alert.
    pub id: IncidentId,
    /// Counts up with every change that is told outside, from 1.
    pub revision: u32,
    /// Time of the first alert.
    pub first: Timestamp,
    /// Time of the last alert.
    pub last: Timestamp,
    /// The highest severity of its alerts.
    pub severity: Severity,
    /// 0 to 100, the order in which incidents deserve attention.
    pub score: u8,
    /// What the score is the sum of, 100 at most.
    #[serde(default)]
    pub addends: Vec<Addend>,
    /// What was done, each deed at its first time, in that order.
    #[serde(default)]
    pub story: Vec<Step>,
    /// The attacker's side first, then whom it touched.
    pub talkers: Vec<Talker>,
    /// How many alerts.
    pub alerts: u64,
    /// All techniques of its alerts, sorted.
    pub techniques: Vec<Technique>,
    /// One line for a plant manager.
    pub title: String,
    /// False once no alert has joined it for the correlation time.
    pub open: bool,
}

impl Incident {
    /// The key under which one revision is told to the outside world exactly once.
    #[must_use]
    pub fn revision_key(&self) -> String {
        let mut key = self.id.0.clone();
        key.push('-');
        key.push_str(&self.revision.to_string());
        key
    }
}
