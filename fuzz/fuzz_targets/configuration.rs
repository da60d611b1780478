//! Hostile texts as configurations and baselines; every fault can be shown.
#![no_main]

use fieldwarden_config::{Sources, read_tables, recover, render};
use fieldwarden_engine::{Baseline, baseline::Reading};
use fieldwarden_model::Site;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut sources = Sources::new();
    let file = sources.add("fuzz.toml", text);
    let (section, mut faults) = recover(&sources, file);
    faults.extend(Site::configure(&section).err().unwrap_or_default());
    let whole = Baseline::configure(&section);
    // Read by pieces it is the same, faults and their places included.
    assert_eq!(read_tables::<Reading>(&sources, file).0.err().as_ref(), whole.as_ref().err());
    match whole {
        Ok(baseline) => drop(fieldwarden_config::write(&baseline.document())),
        Err(more) => faults.extend(more),
    }
    let _ = render(&faults, &sources);
});
