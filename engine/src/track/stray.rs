//! Segments outside the receiver's window, kept aside until it shows what became of them.
//!
//! A receiver drops them (RFC 9293 clause 3.10.7.4), so handing them on would show what nobody took. Yet a listener may be wrong
//! about the window: a mirror loses acknowledgements, or a burst of data together with them. So the receiver decides: where it
//! acknowledges such a segment, or the stream falls silent where it was for [`super::Settings::gap_patience_ms`] and goes on
//! over there, the segment counts and the octets before it are a gap; where the stream goes on without it, it is told as
//! [`Odd::OutsideWindow`] and forgotten.

use fieldwarden_protocols::Direction;

use super::{
    Observer, Odd, TrackEvent,
    flow::Flow,
    half::{Mark, Stray},
    scene::Scene,
    tcp,
};

/// Segments kept per direction; beyond it the oldest is taken for outlived.
const MAX_STRAYS: usize = 8;

/// Keeps a segment outside the window.
pub(super) fn keep<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    sequence: u32,
    payload: &[u8],
) {
    let patience = scene.settings.gap_patience();
    let strays = &mut flow.half(direction).trouble().strays;
    let mark = Mark { frame: scene.frame(), time: scene.time };
    let silent = strays.first().is_some_and(|first| scene.time.since(first.mark.time) >= patience);
    let gone = if strays.len() >= MAX_STRAYS { Some(strays.remove(0)) } else { None };
    strays.push(Stray { sequence, mark, octets: payload.into() });
    if let Some(gone) = gone {
        tell(scene, flow, direction, &gone);
    }
    if silent {
        take_up(scene, flow, direction);
    }
}

/// The receiver acknowledges octets of a direction in which segments are kept.
pub(super) fn acknowledge<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    acknowledgement: u32,
) {
    let took = |stray: &Stray| {
        let octets = acknowledgement.wrapping_sub(stray.sequence) as usize;
        octets > 0 && octets <= stray.octets.len()
    };
    if flow.half(direction).trouble().strays.iter().any(took) {
        take_up(scene, flow, direction);
    }
}

/// The stream went on without them.
pub(super) fn outlived<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
) {
    for stray in flow.half(direction).take_strays() {
        tell(scene, flow, direction, &stray);
    }
}

fn tell<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    stray: &Stray,
) {
    let octets = u32::try_from(stray.octets.len()).unwrap_or(u32::MAX);
    let event = TrackEvent::Odd { odd: Odd::OutsideWindow, octets };
    scene.event_in(flow, direction, event, &[stray.mark.frame]);
}

/// They are the stream: it goes on at the first of them.
fn take_up<O: Observer>(scene: &mut Scene<'_, O>, flow: &mut Flow<O::Flow>, direction: Direction) {
    let strays = flow.half(direction).take_strays();
    let Some(first) = strays.first() else { return };
    let jumps = flow.half(direction).distance(first.sequence) > tcp::MAX_JUMP;
    if jumps {
        tcp::begin_at(scene, flow, direction, first.sequence);
    }
    let policy = scene.settings.overlap_policy;
    let half = flow.half(direction);
    let begin = half.position_of(first.sequence);
    for stray in &strays {
        let position = half.position_of(stray.sequence);
        if position >= half.position {
            half.trouble().waiting.insert(position, &stray.octets, stray.mark, policy);
        }
    }
    if jumps {
        tcp::late(scene, flow, direction);
    }
    while let Some((position, _)) = flow.half(direction).first_waiting()
        && position <= begin
    {
        tcp::gap(scene, flow, direction, position);
    }
}
