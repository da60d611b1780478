//! The packet at hand, and the way to the observer.

use fieldwarden_model::{FrameRef, Timestamp};
use fieldwarden_protocols::{Direction, Dissector, Message, stream::Frames};

use super::{FlowKey, Observer, Origin, Settings, TrackEvent, flow::Flow};
use crate::map::Seed;

/// What the handling of one packet, or of one deadline, has at hand.
pub(super) struct Scene<'a, O: Observer> {
    pub(super) observer: &'a mut O,
    pub(super) settings: &'a Settings,
    pub(super) dissectors: &'static [&'static dyn Dissector],
    pub(super) seed: Seed,
    pub(super) time: Timestamp,
    /// The frames that carried the packet; the last one completed it.
    pub(super) frames: &'a [FrameRef],
}

impl<O: Observer> Scene<'_, O> {
    /// The frame at hand.
    pub(super) fn frame(&self) -> FrameRef {
        self.frames.last().copied().unwrap_or_default()
    }

    /// Tells an event of a flow. Of thousands of packets one has an event: kept out of the way of the others.
    #[cold]
    #[inline(never)]
    pub(super) fn event(&mut self, flow: &mut Flow<O::Flow>, direction: Direction, event: TrackEvent) {
        self.event_in(flow, direction, event, self.frames);
    }

    /// Tells an event of a flow that came in earlier frames.
    #[cold]
    #[inline(never)]
    pub(super) fn event_in(
        &mut self,
        flow: &mut Flow<O::Flow>,
        direction: Direction,
        event: TrackEvent,
        frames: &[FrameRef],
    ) {
        let origin = Origin {
            key: &flow.key,
            direction,
            time: self.time,
            frames,
            vlan: &flow.vlan,
            client_mac: flow.client_mac,
            server_mac: flow.server_mac,
        };
        self.observer.event(&origin, &mut flow.kept, event);
    }
}

/// Which frames brought octets to a parser.
#[derive(Clone, Copy)]
pub(super) enum Carried<'a> {
    /// These; the octets were in order.
    Now(&'a [FrameRef]),
    /// The first one, but they had to wait for the second one, which completes what they complete.
    Completed(FrameRef, FrameRef),
    /// That one; what they waited for never came.
    Late(FrameRef),
}

impl Carried<'_> {
    /// The frame under which a parser knows the octets.
    pub(super) fn own(&self) -> FrameRef {
        match self {
            Self::Now(frames) => frames.last().copied().unwrap_or_default(),
            Self::Completed(frame, _) | Self::Late(frame) => *frame,
        }
    }

    /// All frames of a message that the parser attributes to `frames`.
    fn compose<'f>(&self, frames: &'f [FrameRef], room: &'f mut Frames) -> &'f [FrameRef] {
        let (before, last) = match self {
            Self::Late(_) => return frames,
            Self::Now(carriers) if carriers.len() < 2 => return frames,
            Self::Now(carriers) => (*carriers, self.own()),
            Self::Completed(_, completing) => (&[] as &[FrameRef], *completing),
        };
        let own = self.own();
        for frame in frames.iter().chain(before).chain([&own]).filter(|frame| **frame != last) {
            if !room.contains(frame) && room.len() + 1 < room.capacity() {
                // There is room for this one and the last.
                let _ = room.push(*frame);
            }
        }
        let _ = room.push(last);
        room
    }
}

/// What a message needs to reach the observer, apart from the parser that finds it.
pub(super) struct Delivery<'a, 'c, O: Observer> {
    pub(super) observer: &'a mut O,
    pub(super) time: Timestamp,
    pub(super) carried: Carried<'c>,
    pub(super) key: &'a FlowKey,
    pub(super) kept: &'a mut O::Flow,
    pub(super) vlan: &'a [u16],
    pub(super) client_mac: Option<fieldwarden_model::Mac>,
    pub(super) server_mac: Option<fieldwarden_model::Mac>,
}

impl<O: Observer> Delivery<'_, '_, O> {
    pub(super) fn message(&mut self, message: &Message<'_>, frames: &[FrameRef]) {
        let mut room = Frames::new();
        let origin = Origin {
            key: self.key,
            direction: message.direction,
            time: self.time,
            frames: self.carried.compose(frames, &mut room),
            vlan: self.vlan,
            client_mac: self.client_mac,
            server_mac: self.server_mac,
        };
        self.observer.message(&origin, self.kept, message);
    }
}
