//! An alert out of the line that tells it.

use core::fmt;

use fieldwarden_model::{
    AddressSpace, Alert, AlertId, FrameRef, IncidentId, Mac, Severity, Talker, Technique, Timestamp,
    Transport, Value, Verb,
};
use serde::Deserialize;

/// Why a line tells no alert.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoAlert {
    /// It tells something else: an incident, a summary, a write.
    Other,
    /// It is no line that this program wrote.
    Garbled(String),
}

impl fmt::Display for NoAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other => f.write_str("the line tells no alert"),
            Self::Garbled(why) => {
                write!(f, "not a line of `replay --json`: {why}")
            }
        }
    }
}

impl core::error::Error for NoAlert {}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
}

/// What stands in a line, as [`alert`](super::alert()) writes it; keys of later releases are passed over.
#[derive(Deserialize)]
struct Line {
    id: String,
    time: String,
    detector: String,
    severity: Severity,
    techniques: Vec<String>,
    client: Talker,
    client_port: Option<u16>,
    client_mac: Option<Mac>,
    client_name: Option<String>,
    server: Option<Talker>,
    server_port: Option<u16>,
    server_mac: Option<Mac>,
    server_name: Option<String>,
    #[serde(default)]
    vlan: Vec<u16>,
    protocol: Option<String>,
    transport: Option<Transport>,
    #[serde(default)]
    space: u16,
    unit: Option<u16>,
    operation: Option<Verb>,
    function: Option<String>,
    function_name: Option<String>,
    points: Option<String>,
    step: Option<u16>,
    #[serde(default)]
    old: Vec<Value>,
    #[serde(default)]
    new: Vec<Value>,
    #[serde(default)]
    frames: Vec<u64>,
    community_id: Option<String>,
    assured: bool,
    summary: String,
    baseline_entry: Option<String>,
    quieted_by: Option<String>,
    incident: Option<String>,
}

/// Reads a line of `replay --json`. Frames are told apart by number alone.
///
/// # Errors
/// Both of [`NoAlert`].
pub fn alert_of(line: &str) -> Result<Alert, NoAlert> {
    let garbled = |fault: serde_json::Error| NoAlert::Garbled(fault.to_string());
    let head: Head = serde_json::from_str(line).map_err(garbled)?;
    if head.kind != "alert" {
        return Err(NoAlert::Other);
    }
    let line: Line = serde_json::from_str(line).map_err(garbled)?;
    let time: Timestamp =
        line.time.parse().map_err(|_| NoAlert::Garbled(format!("`{}` is no time", line.time)))?;
    let function = line.function.as_deref().map(crate::baseline::function_code);
    Ok(Alert {
        id: AlertId(line.id),
        time,
        detector: line.detector,
        severity: line.severity,
        techniques: line.techniques.into_iter().map(Technique).collect(),
        space: AddressSpace(line.space),
        client: line.client,
        client_port: line.client_port,
        client_mac: line.client_mac,
        client_name: line.client_name,
        server: line.server,
        server_port: line.server_port,
        server_mac: line.server_mac,
        server_name: line.server_name,
        vlan: line.vlan,
        protocol: line.protocol,
        transport: line.transport,
        unit: line.unit,
        operation: line.operation,
        function: function.flatten(),
        function_name: line.function_name,
        points: line.points,
        step: line.step,
        old: line.old,
        new: line.new,
        frames: line.frames.into_iter().map(|number| FrameRef { capture: 0, number }).collect(),
        community_id: line.community_id,
        assured: line.assured,
        summary: line.summary,
        baseline_entry: line.baseline_entry,
        quieted_by: line.quieted_by,
        incident: IncidentId(line.incident.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bench::{Bench, HMI, PLC, write},
        json::{Captures, alert, incident},
    };

    #[test]
    fn an_alert_reads_back_as_it_was_told() {
        let mut bench = Bench::new();
        bench.asks(HMI, PLC, &write("40105", &[0, 50]));
        let told = bench.last();
        assert_eq!(alert_of(&alert(told, Captures::One)).as_ref(), Ok(told));
        assert_eq!(alert_of(&incident(bench.incident())), Err(NoAlert::Other));
        assert!(matches!(alert_of("{}"), Err(NoAlert::Garbled(_))));
    }
}
