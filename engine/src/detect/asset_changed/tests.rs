//! A device on the bench, and what becomes of it.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::bench::{Bench, HMI, PLC, ROGUE, operation, read};

const fn identity() -> Operation<'static> {
    Operation { outcome: Outcome::Done, ..operation(Verb::Discover, 43, None) }
}

#[test]
fn another_firmware_is_told_once_with_both_versions() {
    let mut bench = Bench::with(None);
    bench.tells(HMI, PLC, &identity(), "v2.5").wait(3_600).tells(HMI, PLC, &identity(), "v2.5");
    assert!(bench.alerts.is_empty(), "{:?}", bench.last().summary);
    bench.tells(HMI, PLC, &identity(), "v2.6").tells(HMI, PLC, &identity(), "v2.6");
    assert_eq!(bench.detectors(), ["asset-changed"]);
    let told = "Dosing PLC (10.0.0.20) now tells the firmware `v2.6` over modbus; until now it was `v2.5`";
    assert_eq!(bench.last().summary, told);
    assert_eq!(bench.last().techniques.first().unwrap().0, "T0857");
    assert_eq!(bench.incident().title, "Dosing PLC is no longer the device it was");
}

#[test]
fn a_controller_that_begins_to_ask_is_told_and_a_station_that_always_did_is_not() {
    let mut bench = Bench::with(None);
    bench.asks(HMI, PLC, &read("40001")).asks(PLC, ROGUE, &read("40001"));
    assert!(bench.alerts.is_empty(), "nothing was settled yet");
    let mut bench = Bench::with(None);
    bench.asks(HMI, PLC, &read("40001")).wait(3_601).asks(HMI, ROGUE, &read("40001"));
    assert!(bench.alerts.is_empty());
    bench.asks(PLC, ROGUE, &read("40001"));
    assert_eq!(bench.detectors(), ["asset-changed"]);
    let told = "Dosing PLC (10.0.0.20) only answered until now; it begins to ask 10.0.0.66 over modbus";
    assert_eq!(bench.last().summary, told);
}
