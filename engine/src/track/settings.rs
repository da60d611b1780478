//! The caps and patience of a tracker, under the names the configuration gives them.

use core::time::Duration;

use super::policy::{FragmentPolicy, OverlapPolicy};

/// Caps and time-outs of one shard; by default those of the usual [`Budget`](crate::budget::Budget). A hit cap is told
/// as [`super::TrackEvent::Limit`] with the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Flows known at once. Beyond it the one heard of longest ago is let go: ended ones first, then those that were
    /// never recognised or answered, so that a scan cannot push out the plant's own conversations.
    pub max_flows: usize,
    /// Services (a client, a server, a port) remembered at once. Beyond it a sixteenth is forgotten: first those that
    /// neither the baseline knows nor anyone answered, the one silent longest before the others.
    pub max_services: usize,
    /// Talkers remembered to have been reported. Beyond it all are reported anew.
    pub max_heard: usize,
    /// Octets (and 64 per segment) that wait out of order in one direction of a flow. Beyond it the hole before them
    /// is declared a gap. Default 196 608.
    pub max_reassembly_octets_per_flow: usize,
    /// The same over all flows; the oldest hole is declared a gap.
    pub max_reassembly_octets: usize,
    /// Fragmented datagrams waiting at once. Beyond it the oldest is let go.
    pub max_fragments: usize,
    /// Octets (and 64 per fragment) of fragments waiting at once. Beyond it the oldest datagram is let go.
    pub max_fragment_octets: usize,
    /// Seconds a fragmented datagram may stay incomplete (RFC 791 clause 3.2 asks for at least 15). Default 30.
    pub fragment_secs: u32,
    /// Seconds of silence after which a flow that was answered or recognised ends; as the two below it is kept to the
    /// second, never early. Default 3 600.
    pub flow_idle_secs: u32,
    /// Seconds of silence after which any other flow ends: scans, name look-ups, one-way noise. Default 120.
    pub unsettled_idle_secs: u32,
    /// Seconds an ended flow is remembered, so that its stragglers are not taken for a new one. Default 30.
    pub linger_secs: u32,
    /// Milliseconds that octets wait for a missing segment before it; longer than any retransmission on a local network
    /// that works, and what bounds the wait when only one direction is captured. Default 1 000.
    pub gap_patience_ms: u32,
    /// Which of two overlapping segments counts, as the stacks of the plant decide. Default `first`.
    pub overlap_policy: OverlapPolicy,
    /// Which of two overlapping fragments counts, as the stacks of the plant decide. Default `first`.
    pub fragment_policy: FragmentPolicy,
    /// Microseconds within which an equal packet is a copy that a mirror made, at most 1 000 000; 0 takes every packet
    /// for one of its own. Ten milliseconds: a remote mirror's longest way, and below any retransmission (RFC 6298 asks for
    /// a second, Linux for 200 ms). Default 10 000.
    pub copy_window_us: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_flows: 1_792,
            max_services: 1_792,
            max_heard: 1_792,
            max_reassembly_octets_per_flow: 196_608,
            max_reassembly_octets: 196_608,
            max_fragments: 256,
            max_fragment_octets: 196_608,
            fragment_secs: 30,
            flow_idle_secs: 3_600,
            unsettled_idle_secs: 120,
            linger_secs: 30,
            gap_patience_ms: 1_000,
            overlap_policy: OverlapPolicy::First,
            fragment_policy: FragmentPolicy::First,
            copy_window_us: 10_000,
        }
    }
}

impl Settings {
    /// How long octets wait for a missing segment.
    pub(super) fn gap_patience(&self) -> Duration {
        Duration::from_millis(u64::from(self.gap_patience_ms))
    }
}
