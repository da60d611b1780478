//! From frames to messages: flows, fragments, TCP reassembly, recognition of protocols.
//!
//! A [`Tracker`] belongs to one shard and sees every packet between the pairs of talkers that hash to it. It knows no
//! baseline; it tells an [`Observer`] what it saw.
//!
//! Guarantees: what an observer hears depends on the packets, their times and the [`Settings`] alone, never on the seed.
//! Deadlines (idle flows, holes that stay open, fragments that stay incomplete) fire at their own time, before the packet
//! that overtakes them. Memory is bounded by the caps in [`Settings`], and every hit of one is an event. A frame of a
//! known, in-order flow is looked up by one hash and parsed where it lies, without allocation.

mod accept;
mod copies;
mod flow;
mod fragments;
mod half;
mod pieces;
mod policy;
mod recognition;
mod scene;
mod settings;
mod shard;
mod stray;
mod table;
mod tcp;
mod tracker;
mod tries;
mod unreceived;
mod verdict;

use fieldwarden_model::{AddressSpace, Endpoint, FrameRef, Mac, Timestamp, Transport};
use fieldwarden_protocols::{
    Anomaly, Direction, Message, Protocol,
    link::{Layers, dissect_reassembled},
    stream::Frames,
};

pub use self::{
    copies::Copied,
    policy::{FragmentPolicy, OverlapPolicy},
    settings::Settings,
    shard::{Place, PlainEnds, SHARDS, place_of, shard_of, shard_of_pair},
    tracker::{Seat, Tracker},
    unreceived::Unreceived,
};

/// One frame, dissected.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    /// When it was captured. Within one tracker time should not run backwards; where it does, deadlines wait.
    pub time: Timestamp,
    /// Which frame.
    pub frame: FrameRef,
    /// Where its addresses are unique.
    pub space: AddressSpace,
    /// Its layers: by reference, for they are too large to move about for every frame.
    pub layers: &'a Layers<'a>,
}

/// A datagram, put together from fragments, that is a tunnel.
#[derive(Debug)]
pub struct Opened {
    /// What was put together: the octets above IP.
    datagram: Vec<u8>,
    /// The frames that carried it.
    frames: Frames,
}

/// Takes a packet, which these frames carried, to the tracker of the shard named.
pub type Give<'a> = dyn FnMut(u16, &Packet<'_>, &[FrameRef]) -> Option<Box<Opened>> + 'a;

impl Opened {
    /// Hands on what is inside a tunnel whose last fragment was `fragment`: `give` takes the packet to the tracker of the
    /// shard named, and may be handed another tunnel by it.
    pub fn distribute(
        &self,
        fragment: &Packet<'_>,
        space_of: &dyn Fn(&Layers<'_>) -> AddressSpace,
        give: &mut Give<'_>,
    ) {
        let layers = &dissect_reassembled(fragment.layers, &self.datagram);
        let space = space_of(layers);
        let inside = Packet { time: fragment.time, frame: fragment.frame, space, layers };
        // Each of them lies deeper than the last, and the link layers open a bounded number.
        if let Some(opened) = give(shard_of(layers, space), &inside, &self.frames) {
            opened.distribute(&inside, space_of, give);
        }
    }
}

/// An exchange between two endpoints, oriented from client to server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// Where both addresses are unique.
    pub space: AddressSpace,
    /// TCP, UDP or the link itself.
    pub transport: Transport,
    /// Who asks.
    pub client: Endpoint,
    /// Who is asked.
    pub server: Endpoint,
}

/// Where something was seen.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The flow.
    pub key: &'a FlowKey,
    /// Which way it went.
    pub direction: Direction,
    /// When it was complete; for octets that waited in vain for a missing segment, when the wait was given up. The first
    /// octets of a connection picked up in the middle wait as well, at most as long, for what they may have overtaken.
    pub time: Timestamp,
    /// The frames that carried it; the last one completed it.
    pub frames: &'a [FrameRef],
    /// VLAN ids of the last frame, outermost first.
    pub vlan: &'a [u16],
    /// The client's hardware address as last seen.
    pub client_mac: Option<Mac>,
    /// The server's hardware address as last seen.
    pub server_mac: Option<Mac>,
}

/// What the tracker saw besides messages.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TrackEvent {
    /// First packet of a flow.
    Started,
    /// Both sides have spoken.
    Answered,
    /// The protocol of the flow was recognised.
    Recognised(Protocol),
    /// Octets go on passing over a flow whose protocol is not recognised: told at most once a second of a flow.
    Active,
    /// Octets of the stream are missing and will not come; how many, where that can be told.
    Gap {
        /// Octets missing.
        octets: Option<u32>,
    },
    /// Segments or fragments overlap with different content.
    OverlapConflict,
    /// A packet that its receiver would not take, or that is told because few send such.
    Odd {
        /// What is odd.
        odd: Odd,
        /// Octets of data that it carried.
        octets: u32,
    },
    /// No checksum of this direction was right so far, so wrong ones tell nothing: told once per direction of a flow.
    ChecksumsUnverified,
    /// Something is wrong below the application.
    Layer(Anomaly),
    /// A frame was captured short of its wire length.
    Snapped,
    /// A table of the tracker is at its cap; the named thing was let go.
    Limit {
        /// The cap's name in the configuration.
        cap: &'static str,
    },
    /// The other side goes on acknowledging octets of this direction that were not captured.
    Unheard,
    /// The packet came in other VLANs than the one before it in the flow.
    Retagged,
    /// The octets are TLS.
    Encrypted,
    /// The protocol of the flow was recognised, and its parser gave up on what came later.
    GivenUp,
    /// A packet was seen before and is not looked at again.
    Copy(Copied),
    /// The flow ended (FIN both ways, RST, or idle for too long).
    Ended,
}

/// Why a packet is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Odd {
    /// Its checksum is wrong, while others of the same side are right. It is not handed on.
    Checksum,
    /// Its time to live is far below what the same side's data has. Told once per direction of a flow, and handed on.
    TimeToLive,
    /// It lies outside the receiver's window, and the stream went on without it. It is not handed on.
    OutsideWindow,
    /// It has urgent data. Told once per direction of a flow, and handed on in line (RFC 6093 clause 6).
    Urgent,
}

impl Odd {
    /// The name of the reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Checksum => "wrong-checksum",
            Self::TimeToLive => "time-to-live-too-low",
            Self::OutsideWindow => "outside-window",
            Self::Urgent => "urgent-data",
        }
    }
}

/// When the sensor heard anything: time in which it hears nothing says nothing about the plant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// The time of the last frame of all shards.
    pub heard: Timestamp,
    /// Since when frames came without a silence of more than ten seconds.
    pub awake: Timestamp,
}

/// A silence of all talkers together that is longer is one of the sensor, or a gap between two captures.
const SILENCE: core::time::Duration = core::time::Duration::from_secs(10);

impl Pulse {
    /// A frame came; whether it ended a silence.
    pub fn beat(&mut self, time: Timestamp) -> bool {
        let woke = time.since(self.heard) > SILENCE;
        if woke {
            self.awake = time;
        }
        self.heard = time;
        woke
    }
}

/// Takes what a tracker sees, in the order of the frames.
pub trait Observer {
    /// What the observer keeps per flow; dropped with the flow.
    type Flow: Default;

    /// Whether messages are told that nobody receives; who judges leaves them alone.
    const SHOWS_UNRECEIVED: bool = false;

    /// A message of a recognised protocol.
    fn message(&mut self, origin: &Origin<'_>, flow: &mut Self::Flow, message: &Message<'_>);

    /// A message of the network's own upkeep, which belongs to no flow.
    fn upkeep(&mut self, origin: &Origin<'_>, message: &Message<'_>) {
        self.message(origin, &mut Self::Flow::default(), message);
    }

    /// A message that a packet carries and nobody receives; of a flow whose protocol is known, or that looks like one.
    fn unreceived(&mut self, origin: &Origin<'_>, why: Unreceived, message: &Message<'_>) {
        let _ = (origin, why, message);
    }

    /// Anything else.
    fn event(&mut self, origin: &Origin<'_>, flow: &mut Self::Flow, event: TrackEvent);

    /// A talker was heard as the source of a frame, whether or not the frame belongs to a flow (ARP, ICMP and the like
    /// included). Answers until when it need not be told of this talker again; frames of a known flow keep to that.
    fn heard(&mut self, talker: &Heard) -> Timestamp;

    /// Time passes: told once a second of capture time, before any frame of that second or later.
    fn tick(&mut self, now: Timestamp, pulse: Pulse) {
        let _ = (now, pulse);
    }

    /// Something was seen that belongs to no flow: an anomaly in ARP or ICMP, fragments that stayed incomplete.
    fn unattached(&mut self, place: &Unattached, event: TrackEvent) {
        let _ = (place, event);
    }
}

/// Where something was seen that belongs to no flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unattached {
    /// Where addresses are unique.
    pub space: AddressSpace,
    /// When.
    pub time: Timestamp,
    /// In which frame.
    pub frame: FrameRef,
}

/// A source address on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Where the address is unique.
    pub space: AddressSpace,
    /// The source.
    pub talker: fieldwarden_model::Talker,
    /// Its hardware address, where the link has one.
    pub mac: Option<Mac>,
    /// What it said by ARP, where it was heard by that.
    pub arp: Option<ArpSaid>,
    /// When.
    pub time: Timestamp,
    /// In which frame.
    pub frame: FrameRef,
}

/// What a talker said by ARP (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpSaid {
    /// 1 asks, 2 answers; other numbers as they are.
    pub operation: u16,
    /// The address asked for, or the one answered.
    pub target: core::net::Ipv4Addr,
}

#[cfg(test)]
mod tests;
