//! The sections of a configuration that are the engine's: `[detectors]`, `[incidents]`, `[blindness]`, `[limits]`.

use fieldwarden_model::section::{Fault, Reader, Section};

use crate::{blindness, budget::Budget, detect, incident, track};

/// What those sections say.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    /// `[detectors]`.
    pub detectors: detect::Settings,
    /// `[incidents]`.
    pub incidents: incident::Settings,
    /// `[blindness]`.
    pub blindness: blindness::Settings,
    /// `[limits]`.
    pub limits: track::Settings,
}

/// Reads `[detectors]`, `[incidents]`, `[blindness]` and `[limits]` of a whole configuration file through its reader, so that the
/// reader knows these keys were asked for. Sections that are absent have their usual settings.
pub fn configure(reader: &mut Reader<'_>) -> Configured {
    let detectors = reader.table("detectors");
    let incidents = reader.table("incidents");
    let blindness = reader.table("blindness");
    let limits = reader.table("limits");
    Configured {
        detectors: reader.absorb(detect::Settings::configure(&detectors)).unwrap_or_default(),
        incidents: reader.absorb(incident::Settings::configure(&incidents)).unwrap_or_default(),
        blindness: reader.absorb(blindness::Settings::configure(&blindness)).unwrap_or_default(),
        limits: reader.absorb(read_limits(&limits)).unwrap_or_default(),
    }
}

fn read_limits(section: &Section) -> Result<track::Settings, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let usual_megabytes = u64::from(Budget::USUAL_MEGABYTES);
    let megabytes = reader.within("memory_megabytes", 64..=65_536, usual_megabytes);
    let usual = Budget::new(u32::try_from(megabytes).unwrap_or(Budget::USUAL_MEGABYTES)).caps();
    let mut size =
        |key, range, usual: usize| usize::try_from(reader.within(key, range, usual as u64)).unwrap_or(usual);
    const OCTETS: core::ops::RangeInclusive<u64> = 65_536..=17_179_869_184;
    let max_flows = size("max_flows", 16..=16_777_216, usual.max_flows);
    let max_services = size("max_services", 16..=16_777_216, usual.max_services);
    let max_heard = size("max_heard", 16..=16_777_216, usual.max_heard);
    let max_reassembly_octets_per_flow =
        size("max_reassembly_octets_per_flow", OCTETS, usual.max_reassembly_octets_per_flow);
    let max_reassembly_octets = size("max_reassembly_octets", OCTETS, usual.max_reassembly_octets);
    let max_fragments = size("max_fragments", 1..=1_048_576, usual.max_fragments);
    let max_fragment_octets = size("max_fragment_octets", OCTETS, usual.max_fragment_octets);
    let copies = reader.within("copy_window_us", 0..=1_000_000, u64::from(usual.copy_window_us));
    let mut span =
        |key, usual: u32| u32::try_from(reader.within(key, 1..=604_800, u64::from(usual))).unwrap_or(usual);
    let fragment_secs = span("fragment_secs", usual.fragment_secs);
    let flow_idle_secs = span("flow_idle_secs", usual.flow_idle_secs);
    let unsettled_idle_secs = span("unsettled_idle_secs", usual.unsettled_idle_secs);
    let linger_secs = span("linger_secs", usual.linger_secs);
    let gap_patience_ms = span("gap_patience_ms", usual.gap_patience_ms);
    let overlap_policy = reader.one_of("overlap_policy", &track::OverlapPolicy::NAMES).unwrap_or_default();
    let fragment_policy = reader.one_of("fragment_policy", &track::FragmentPolicy::NAMES).unwrap_or_default();
    let settings = track::Settings {
        max_flows,
        max_services,
        max_heard,
        max_reassembly_octets_per_flow,
        max_reassembly_octets,
        max_fragments,
        max_fragment_octets,
        overlap_policy,
        fragment_policy,
        fragment_secs,
        flow_idle_secs,
        unsettled_idle_secs,
        linger_secs,
        gap_patience_ms,
        copy_window_us: u32::try_from(copies).unwrap_or(usual.copy_window_us),
    };
    reader.finish_with(Some(settings))
}
