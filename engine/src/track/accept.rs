//! Segments that their receiver would not take, or may never get: somebody inserts them for the eyes of a monitor
//! (Ptacek and Newsham 1998, clause 3), or a card or cable is broken.
//!
//! A wrong checksum counts once the same side of the flow has shown a right one: where sums are left to the network
//! card, or a mirror rewrites packets, every one is wrong but for chance, which is a weakness of the capture and no fault of the talker. What
//! cards join on their way in (segments longer than any wire carries) has sums of its own kind and is not judged.
//!
//! A time to live counts as too low when it is more than [`MOST_DETOUR`] below the highest of the same side's data. Routes
//! differ by a few hops; 10 hops and more between segments of one flow are somebody who wants them to die on the way. It
//! is told and taken, for nothing says for certain that it did not arrive.

use fieldwarden_protocols::{
    Direction,
    link::{Checksum, Checksums, Layers, TcpFlags, TransportHeader},
};

use super::{Observer, Odd, TrackEvent, flow::Flow, half::Noted, scene::Scene};

/// Hops by which routes of one flow may differ.
const MOST_DETOUR: u8 = 10;

/// Octets of data that a frame can carry on the networks of a plant; more was joined by the capturing card.
const MOST_ON_A_WIRE: usize = 1_500;

/// Whether the receiver takes the packet, as far as the packet itself tells.
pub(super) fn takes<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    layers: &Layers<'_>,
) -> bool {
    let octets = u32::try_from(layers.payload.len()).unwrap_or(u32::MAX);
    let sums = layers.checksums();
    if sums.network == Checksum::Bad || sums.transport == Checksum::Bad {
        if layers.payload.len() > MOST_ON_A_WIRE {
            return true;
        }
        if flow.half(direction).has_noted(Noted::Sums) {
            scene.event(flow, direction, TrackEvent::Odd { odd: Odd::Checksum, octets });
            return false;
        }
        flow.half(direction).wrong_again();
        if !flow.half(direction).note(Noted::SumsUnverified) {
            scene.event(flow, direction, TrackEvent::ChecksumsUnverified);
        }
    } else if sums.transport == Checksum::Good {
        let half = flow.half(direction);
        // Among wrong ones chance makes one in 65,536 right, but hardly two so near to each other. Who mixes wrong ones in on purpose
        // has to send eight of them for each right one, or be found out.
        if !half.has_noted(Noted::SumsUnverified) || half.note(Noted::RightOnce) {
            half.note(Noted::Sums);
        }
    }
    if octets != 0 {
        look_at_time_to_live(scene, flow, direction, layers, octets);
    }
    true
}

/// Whether a packet is taken without anything to tell: as sound as those before it.
#[inline]
pub(super) fn is_sound<F>(flow: &Flow<F>, direction: Direction, layers: &Layers<'_>) -> bool {
    let half = flow.half_of(direction);
    layers.payload.is_empty()
        || (half.has_noted(Noted::Sums)
            && layers.network.is_some_and(|network| network.ttl == half.ttl)
            && layers.checksums() == Checksums { network: Checksum::Good, transport: Checksum::Good })
}

/// Whether a packet is worth checking: it carries data, or opens or ends something.
pub(super) fn is_checked(layers: &Layers<'_>) -> bool {
    const CONTROL: u8 = TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0;
    match layers.transport {
        TransportHeader::Tcp(tcp) => tcp.flags.0 & CONTROL != 0 || !layers.payload.is_empty(),
        TransportHeader::Udp(_) => !layers.payload.is_empty(),
        TransportHeader::None => false,
    }
}

fn look_at_time_to_live<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    layers: &Layers<'_>,
    octets: u32,
) {
    let ttl = layers.network.map_or(0, |network| network.ttl);
    let half = flow.half(direction);
    if ttl >= half.ttl {
        half.ttl = ttl;
    } else if half.ttl - ttl > MOST_DETOUR && !half.note(Noted::TimeToLive) {
        scene.event(flow, direction, TrackEvent::Odd { odd: Odd::TimeToLive, octets });
    }
}
