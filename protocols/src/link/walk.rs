//! The state of one reading: what was found so far, and where the octets still looked at end.

use fieldwarden_model::VlanStack;

use super::{
    Carried, Layers, MAX_LAYER_ANOMALIES, MAX_TUNNELS, Spans, TransportHeader, Tunnel, internet, lower,
};
use crate::anomaly::Anomaly;

/// The layers found so far, and where the octets still looked at end within the frame.
pub(super) struct Walk<'w, 'a> {
    pub(super) layers: &'w mut Layers<'a>,
    pub(super) end: usize,
}

impl<'a> Walk<'_, 'a> {
    /// Where `rest`, which reaches to the end of what is looked at, begins within the frame.
    pub(super) fn offset(&self, rest: &[u8]) -> u32 {
        u32::try_from(self.end.saturating_sub(rest.len())).unwrap_or(u32::MAX)
    }

    /// Cuts padding: only the first `length` octets of `rest` belong to the layer.
    pub(super) fn trim(&mut self, rest: &'a [u8], length: usize) -> &'a [u8] {
        match rest.split_at_checked(length) {
            Some((kept, padding)) => {
                self.end = self.end.saturating_sub(padding.len());
                kept
            }
            None => rest,
        }
    }

    pub(super) fn remark(&mut self, anomaly: Anomaly) {
        // A frame with more faults than fit is told apart well enough by the first ones.
        if self.layers.anomalies.len() < MAX_LAYER_ANOMALIES {
            self.layers.anomalies.push(anomaly);
        }
    }

    /// A header of `expected` octets does not fit: the peer's fault only when the capture is whole.
    pub(super) fn short(&mut self, code: &'static str, rest: &[u8], expected: usize) {
        if !self.layers.snapped {
            self.remark(Anomaly::malformed(code, self.offset(rest), rest.len() as u64, expected as u64));
        }
    }

    /// Notes that `tunnel` is opened, whose content is `inner`; false, and told, when there are too many of them.
    pub(super) fn open(&mut self, tunnel: Tunnel, inner: &'a [u8]) -> bool {
        self.layers.payload = inner;
        if self.layers.tunnels.push(tunnel).is_err() {
            let cap = MAX_TUNNELS as u64;
            self.remark(Anomaly::limit("tunnel-depth", self.offset(inner), cap + 1, cap));
            return false;
        }
        self.layers.transport = TransportHeader::None;
        true
    }

    /// Opens a tunnel that holds a whole Ethernet frame: what stood outside of it says nothing about the frame.
    pub(super) fn open_frame(&mut self, tunnel: Tunnel, inner: &'a [u8]) {
        self.open_mirrored(tunnel, None, inner);
    }

    /// Opens a tunnel that holds an Ethernet frame, whose outermost tag the mirror may have taken off and told apart.
    pub(super) fn open_mirrored(&mut self, tunnel: Tunnel, removed: Option<u16>, inner: &'a [u8]) {
        if !self.open(tunnel, inner) {
            return;
        }
        let layers = &mut *self.layers;
        layers.source_mac = None;
        layers.destination_mac = None;
        layers.vlan = removed.into_iter().collect::<VlanStack>();
        layers.carried = Carried::Unknown;
        layers.arp = None;
        layers.network = None;
        layers.redundancy = None;
        layers.spans = Spans::default();
        lower::ethernet(self, inner);
    }

    /// Opens a tunnel that holds an IP packet.
    pub(super) fn open_packet(&mut self, tunnel: Tunnel, inner: &'a [u8]) {
        if self.open(tunnel, inner) {
            internet::ip(self, inner);
        }
    }
}
