//! The way of nearly every packet of a plant: a TCP segment of a recognised flow in good order, which brings what comes next or
//! acknowledges what was seen, and of which nothing is to be told but the messages in it.
//!
//! Does what the careful way does, or leaves the packet to it. `tests/batches.rs` holds both against each other: frames that
//! come one by one go the careful way.

use fieldwarden_model::Timestamp;
use fieldwarden_protocols::link::TransportHeader;

use super::{
    super::{Observer, Packet, accept, scene::Scene, tcp},
    Seat, Tracker, segment_of,
};

impl<O: Observer> Tracker<O> {
    /// Takes a packet whose flow sits at `seat`, if it is a usual one; whether it was.
    pub(super) fn usual(
        &mut self,
        packet: &Packet<'_>,
        captured: Timestamp,
        seat: &Seat,
        observer: &mut O,
    ) -> bool {
        let layers = packet.layers;
        let TransportHeader::Tcp(header) = layers.transport else { return false };
        let now = self.now.max(packet.time);
        let Some(copies) = self.copies.as_mut().filter(|_| packet.time < self.quiet_until) else {
            return false;
        };
        let Some(flow) = self.table.at_ease(seat.index, &seat.pair, now) else { return false };
        let direction = flow.direction(seat.sender_is_low);
        let segment = segment_of(layers, header);
        if !flow.is_unchanged(direction, layers, packet.time)
            || !tcp::is_news(flow, direction, &segment)
            || !accept::is_sound(flow, direction, layers)
        {
            return false;
        }
        self.now = now;
        copies.remember_news(layers, captured);
        (flow.last_frame, flow.last_direction) = (packet.frame, direction);
        let mut scene = Scene {
            observer,
            settings: &self.settings,
            dissectors: self.dissectors,
            seed: self.seed,
            time: packet.time,
            frames: &[packet.frame],
        };
        tcp::take_news(&mut scene, flow, direction, &segment);
        true
    }
}
