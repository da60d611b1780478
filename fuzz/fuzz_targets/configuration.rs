//! Hostile texts as configurations and baselines; every fault can be shown.
#![no_main]

use fieldwarden_config::{Sources, recover, render};
use fieldwarden_engine::Baseline;
use fieldwarden_model::Site;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::new();
    let file = sources.add("fuzz.toml", text);
    let (section, mut faults) = recover(&sources, file);
    faults.extend(Site::configure(&section).err().unwrap_or_default());
    match Baseline::configure(&section) {
        Ok(baseline) => drop(fieldwarden_config::write(&baseline.document())),
        Err(more) => faults.extend(more),
    }
    let _ = render(&faults, &sources);
});
