//! Incidents and alerts to work with.

use std::{env, fs, path::Path};

use fieldwarden_model::{
    AddressSpace, Alert, AlertId, Incident, IncidentId, Severity, Technique, Timestamp, Verb,
};
use fieldwarden_response::store::Batch;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_767_323_045 + seconds)
}

pub(crate) fn incident(number: u32, alerts: u64) -> Incident {
    Incident {
        id: IncidentId(format!("{number:016x}")),
        revision: 1,
        first: at(0),
        last: at(i64::try_from(alerts).unwrap()),
        severity: Severity::High,
        score: 87,
        addends: vec![],
        story: vec![],
        talkers: vec!["10.0.0.66".parse().unwrap(), "10.0.0.20".parse().unwrap()],
        alerts,
        techniques: vec![Technique("T0836".into()), Technique("T0855".into())],
        title: format!(
            "Unknown laptop 10.0.0.66 writes set-points of [Dosing PLC] \"{number}\" at C:\\plant"
        ),
        open: true,
    }
}

pub(crate) fn alert(incident: &Incident, number: u64) -> Alert {
    Alert {
        id: AlertId(format!("{}-{number}", incident.id)),
        time: incident.last,
        detector: "new-talker".into(),
        severity: Severity::High,
        techniques: incident.techniques.clone(),
        space: AddressSpace::default(),
        client: "10.0.0.66".parse().unwrap(),
        client_port: Some(40_001),
        client_mac: None,
        client_name: None,
        server: Some("10.0.0.20".parse().unwrap()),
        server_port: Some(502),
        server_mac: None,
        server_name: Some("Dosing PLC".into()),
        vlan: vec![20],
        protocol: Some("modbus".into()),
        transport: Some(fieldwarden_model::Transport::Tcp),
        unit: Some(1),
        operation: Some(Verb::Write),
        function: Some(16),
        function_name: Some("write multiple registers".into()),
        points: Some("40101-40102".into()),
        step: None,
        old: vec![],
        new: vec![],
        frames: vec![],
        community_id: None,
        assured: true,
        summary: "10.0.0.66 was never heard before and writes 40101-40102 of Dosing PLC".into(),
        baseline_entry: None,
        quieted_by: None,
        incident: incident.id.clone(),
    }
}

pub(crate) fn batch(number: u32, alerts: u64) -> Batch {
    let incident = incident(number, alerts);
    Batch {
        time: incident.last,
        alerts: vec![alert(&incident, alerts)],
        incidents: vec![incident],
        ..Batch::default()
    }
}

/// What was sent is what stands in `golden/NAME`, but for this machine's name. `UPDATE_EXPECT=1` writes it anew.
pub(crate) fn golden(name: &str, sent: &str) {
    let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let sensor = |name: &str| format!("\"sensor\":\"{name}\"");
    let sent = sent.replace(&sensor(hostname.trim()), &sensor("gateway7"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outward/golden").join(name);
    if env::var("UPDATE_EXPECT").is_ok() {
        fs::write(&file, &sent).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), sent, "{}", file.display());
}
