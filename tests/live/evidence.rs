//! An alert of a running gateway has its frames and those before them on disk soon after.

use std::{fs, process::Command, time::Duration};

use serde_json::Value;

use crate::live::{
    Said,
    cable::{self, Cable, Listener},
    must, root, wait, wire,
};

#[test]
fn an_alert_has_its_slice_soon_after() {
    let Some(cable) = Cable::lay("evidence") else { return };
    let baseline = cable.folder.join("baseline.toml");
    cable::learn(&root().join("pcaps/normal-shift.pcap"), &baseline);
    let folder = cable.folder.join("listener/evidence");
    let section = format!("\n[evidence]\nfolder = \"{}\"\nafter_secs = 1", folder.display());
    let listener = Listener::start(&cable, &baseline, &section);
    let attack = cable.folder.join("attack.pcap");
    fs::copy(root().join("pcaps/plc-stop.pcap"), &attack).unwrap();
    let sent = cable.send(&attack, &["--rate", "2000"]);
    listener.heard(sent.frames);
    let alerts: Vec<Value> = listener.alerts.try_iter().map(|(_, line)| line).collect();
    assert!(alerts.len() >= 3, "{alerts:?}");
    let slices = folder.join("slices");
    let path = |alert: &Value| slices.join(format!("{}.pcapng", alert["id"].as_str().unwrap()));
    wait("every alert has its slice", Duration::from_secs(20), || {
        (alerts.iter().all(|alert| path(alert).exists())).then_some(())
    });
    let heard = wire::frames(&attack);
    for alert in &alerts {
        // Less than a minute was heard in all, so that a slice begins with the first frame.
        let slice = wire::frames(&path(alert));
        let own = alert["frames"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).max();
        assert!(slice.len() as u64 >= own.unwrap(), "{} frames: {alert}", slice.len());
        for (place, (kept, sent)) in slice.iter().zip(&heard).enumerate() {
            assert_eq!(kept.2, sent.2, "frame {} of {alert}", place + 1);
        }
    }
    let mut status = Command::new(env!("CARGO_BIN_EXE_fieldwarden"));
    status.args(["status", "--json"]).env("FIELDWARDEN_SOCKET", cable.folder.join("listener/control.sock"));
    let rows = Said::from(status.output().unwrap()).rows();
    for what in ["evidence ring", "evidence slices"] {
        assert!(rows.iter().any(|row| row["what"] == what && row["state"] == "good"), "{rows:?}");
    }
    drop(listener);
    must(env!("CARGO_BIN_EXE_fieldwarden"), &["evidence", "verify", slices.to_str().unwrap()]);
    assert!(fs::read_dir(slices.join("unfinished")).unwrap().next().is_none());
}
