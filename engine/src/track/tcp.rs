//! TCP reassembly (RFC 9293), for a listener that may have missed any packet.
//!
//! Where segments that wait overlap, [`super::Settings::overlap_policy`] says which octets count; octets once handed on stay,
//! as on every stack. A retransmission with other content is told as [`TrackEvent::OverlapConflict`] whatever counts. Against
//! octets already handed on this is checked for the last few segments only, by hash, so that a flow keeps no history.
//!
//! A hole becomes a gap when the other side acknowledges its octets after it was seen (an acknowledgement seen before may
//! have overtaken them in the mirror), when what waits behind it exceeds a cap, when it
//! has waited for [`super::Settings::gap_patience_ms`], or when the flow ends. What still arrives for it then is
//! ignored. In-order segments are parsed where they lie.
//!
//! A connection picked up in the middle begins where a segment begins a message. Its first segment may have overtaken its
//! predecessor in the mirror, so it waits for a second one of its direction, for the other side to acknowledge it, or for
//! the patience for gaps to run out. Where none of those that wait begins a message, [`MAX_UNANCHORED`] segments say that
//! nothing earlier will come.

use fieldwarden_model::Timestamp;
use fieldwarden_protocols::{
    Anomaly, Direction,
    link::{Tcp, TcpFlags},
};

use super::{
    Observer, Odd, TrackEvent,
    flow::Flow,
    half::{Half, Mark, Noted, Scale},
    pieces::{Overlap, between},
    recognition::{self, Recognition},
    scene::{Carried, Scene},
    stray, unreceived,
};

/// A segment further than this from what is expected belongs to another stream: begin anew there. Windows scale to 1 GiB
/// (RFC 7323), but none on a plant network comes near this.
pub(super) const MAX_JUMP: u32 = 16 << 20;

/// Segments that wait for an earlier beginning of a connection picked up in the middle.
const MAX_UNANCHORED: usize = 4;

/// Octets of their front that are looked at for the beginning of a message.
const ENOUGH_TO_TELL: usize = 1_024;

/// A reset further than this from what is expected is ignored, as the peers ignore it (RFC 5961 clause 3).
const MAX_RESET_DISTANCE: u32 = 1 << 20;

/// The TCP part of a packet.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) header: Tcp,
    pub(super) payload: &'a [u8],
    /// Octets at the end of the payload that were not captured.
    pub(super) missing: u32,
    /// The window scale option, where it is a SYN that has one.
    pub(super) shift: Option<u8>,
}

/// Whether a segment opens another connection between the same ports.
pub(super) fn opens_another<F>(flow: &mut Flow<F>, direction: Direction, header: &Tcp) -> bool {
    if !header.flags.has(TcpFlags::SYN) || header.flags.has(TcpFlags::RST) {
        return false;
    }
    let asks = !header.flags.has(TcpFlags::ACK);
    // Who asks is the client; a flow oriented by its ports alone may have it the other way round.
    let turned = asks && direction == Direction::ToClient;
    let over = asks && flow.ended;
    let half = flow.half(direction);
    let fits = half.opened_at(header.sequence.wrapping_add(1));
    // Data may overtake the SYN on its way through a mirror.
    fits == Some(false) || (!half.is_opened() && (over || turned))
}

/// Handles one segment of a flow.
pub(super) fn segment<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    segment: &Segment<'_>,
) {
    let flags = segment.header.flags;
    let mut sequence = segment.header.sequence;
    if flags.has(TcpFlags::RST) {
        return reset(scene, flow, direction, sequence);
    }
    if flags.has(TcpFlags::SYN) {
        sequence = sequence.wrapping_add(1);
        let half = flow.half(direction);
        if !half.synchronised {
            half.synchronise(sequence);
            half.anchored = true;
        } else if !half.anchored {
            let position = half.position_of(sequence);
            gap(scene, flow, direction, position);
        }
        flow.half(direction).open(segment.shift);
    }
    if flags.has(TcpFlags::ACK) {
        acknowledge(scene, flow, direction.reversed(), segment.header.acknowledgement);
        // The window of a SYN is never scaled (RFC 7323 clause 2.2).
        let receiver = if flags.has(TcpFlags::SYN) { Scale::None } else { flow.half(direction).scale() };
        let Tcp { acknowledgement, window, .. } = segment.header;
        flow.half(direction.reversed()).open_window(receiver, acknowledgement, window);
    }
    let has_data = !segment.payload.is_empty() || segment.missing != 0;
    if (flags.has(TcpFlags::SYN) || has_data) && flow.speaks(direction) {
        scene.event(flow, direction, TrackEvent::Answered);
    }
    if has_data {
        if flags.has(TcpFlags::URG) && flow.recognition.looks() && !flow.half(direction).note(Noted::Urgent) {
            let octets = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX);
            scene.event(flow, direction, TrackEvent::Odd { odd: Odd::Urgent, octets });
        }
        data(scene, flow, direction, sequence, segment);
    }
    if flags.has(TcpFlags::FIN) {
        let half = flow.half(direction);
        let length = u32::try_from(segment.payload.len()).unwrap_or(0).wrapping_add(segment.missing);
        if half.synchronised && half.end().is_none() {
            half.trouble().end = Some(half.position_of(sequence.wrapping_add(length)));
        }
    }
    close(scene, flow, direction);
    if matches!(flow.recognition, Recognition::Unrecognised) {
        flow.halves.iter_mut().for_each(Half::drop_waiting);
    }
}

/// Whether a segment is one of two peers in good order, which hands on octets, or acknowledges some, that none before it did:
/// a copy or a retransmission does neither. For it [`take_news`] does all that [`segment`] does.
#[inline]
pub(super) fn is_news<F>(flow: &Flow<F>, direction: Direction, segment: &Segment<'_>) -> bool {
    const PLAIN: u8 = TcpFlags::ACK.0 | TcpFlags::PSH.0 | TcpFlags::ECE.0 | TcpFlags::CWR.0;
    let Tcp { flags, sequence, acknowledgement, .. } = segment.header;
    let (half, other) = (flow.half_of(direction), flow.half_of(direction.reversed()));
    let continues = || {
        half.synchronised
            && half.anchored
            && sequence == half.sequence()
            && flow.has_spoken(direction)
            && flow.recognition.looks()
    };
    flags.0 & !PLAIN == 0
        && flags.has(TcpFlags::ACK)
        && segment.missing == 0
        && !flow.ended
        && half.is_calm()
        && other.is_calm()
        && other.has_delivered(acknowledgement)
        && if segment.payload.is_empty() {
            other.position_of(acknowledgement) > other.acknowledged
        } else {
            continues()
        }
}

/// Takes a segment that [`is_news`].
#[inline]
pub(super) fn take_news<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    segment: &Segment<'_>,
) {
    let receiver = flow.half(direction).scale();
    let Tcp { acknowledgement, window, .. } = segment.header;
    let other = flow.half(direction.reversed());
    other.acknowledged = other.acknowledged.max(other.position_of(acknowledgement));
    other.open_window(receiver, acknowledgement, window);
    if !segment.payload.is_empty() {
        hand_on(scene, flow, direction, segment.payload, Carried::Now(scene.frames));
    }
}

/// Everything that still waits is handed on behind gaps: the flow is over, or the capture is.
#[cold]
#[inline(never)]
pub(super) fn flush<O: Observer>(scene: &mut Scene<'_, O>, flow: &mut Flow<O::Flow>) {
    for direction in [Direction::ToServer, Direction::ToClient] {
        stray::outlived(scene, flow, direction);
        while let Some((position, _)) = flow.half(direction).first_waiting() {
            gap(scene, flow, direction, position);
        }
        let half = flow.half(direction);
        let acknowledged = half.acknowledged.min(half.end().unwrap_or(u64::MAX));
        // One octet beyond may be a FIN that was not captured.
        if half.synchronised && acknowledged > half.position + 1 {
            gap(scene, flow, direction, acknowledged);
        }
    }
}

/// Gives up the first hole of a direction, and those behind it whose octets have waited since `since`.
#[cold]
#[inline(never)]
pub(super) fn overdue<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    since: Timestamp,
) {
    let mut first = true;
    while let Some((position, mark)) = flow.half(direction).first_waiting() {
        if !first && mark.time > since {
            break;
        }
        first = false;
        gap(scene, flow, direction, position);
    }
    close(scene, flow, direction);
}

/// Ends the flow once both sides have sent their FIN and nothing before it is missing.
fn close<O: Observer>(scene: &mut Scene<'_, O>, flow: &mut Flow<O::Flow>, direction: Direction) {
    if !flow.ended && flow.halves.iter().all(|half| half.end().is_some_and(|end| half.position >= end)) {
        flow.ended = true;
        scene.event(flow, direction, TrackEvent::Ended);
    }
}

#[cold]
#[inline(never)]
fn reset<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    sequence: u32,
) {
    let half = flow.half(direction);
    // A refusal of a SYN carries sequence number 0 from a side that never spoke.
    let acceptable = !half.synchronised || half.distance(sequence) <= MAX_RESET_DISTANCE;
    if acceptable && !flow.ended {
        flush(scene, flow);
        flow.ended = true;
        scene.event(flow, direction, TrackEvent::Ended);
    }
}

/// The other side has these octets: those that we still miss will not come again.
fn acknowledge<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    acknowledgement: u32,
) {
    let half = flow.half(direction);
    if !half.synchronised {
        let before = half.expected();
        half.expect(acknowledgement);
        // A FIN counts one; what is acknowledged beyond it are octets that nobody captured.
        let unheard =
            before.is_some_and(|before| (2..MAX_JUMP).contains(&acknowledgement.wrapping_sub(before)));
        if unheard {
            scene.event(flow, direction, TrackEvent::Unheard);
        }
        return;
    }
    if half.has_strays() {
        stray::acknowledge(scene, flow, direction, acknowledgement);
    }
    let half = flow.half(direction);
    if half.distance(acknowledgement) > MAX_JUMP {
        return;
    }
    let (before, acknowledged) = (half.acknowledged, half.position_of(acknowledgement));
    half.acknowledged = before.max(acknowledged);
    if half.acknowledged <= half.position {
        return;
    }
    // Twice beyond what was captured: it is not on its way through the mirror.
    let unheard = acknowledged > before && before > half.position + 1 && half.anchored;
    if unheard && !matches!(flow.recognition, Recognition::Unrecognised) {
        scene.event(flow, direction, TrackEvent::Unheard);
    }
    flow.recognition.doubt(direction);
    loop {
        let half = flow.half(direction);
        match half.first_waiting() {
            Some((position, _)) if position <= half.acknowledged => gap(scene, flow, direction, position),
            _ => return,
        }
    }
}

fn data<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    sequence: u32,
    segment: &Segment<'_>,
) {
    if flow.ended && !flow.halves.iter().all(|half| half.end().is_some()) {
        // Both sides talk on after a reset, so neither took it: it was forged, or was meant for another connection.
        flow.ended = false;
        scene.event(flow, direction, TrackEvent::Started);
    }
    let unrecognised = !flow.recognition.looks();
    let receiver = flow.half(direction.reversed()).scale();
    let half = flow.half(direction);
    let mut payload = segment.payload;
    if !half.synchronised {
        begin(half, sequence);
        if is_keep_alive(segment) && half.position == half.position_of(sequence) {
            return half.advance_to(half.position + 1);
        }
    } else if !unrecognised && sequence != half.sequence() && half.is_outside(receiver, sequence) {
        return stray::keep(scene, flow, direction, sequence, segment.payload);
    } else if half.distance(sequence) > MAX_JUMP {
        return begin_anew(scene, flow, direction, sequence, segment);
    }
    let position = half.position_of(sequence);
    if let Some(end) = half.end().filter(|end| position + payload.len() as u64 > *end) {
        let got = position + payload.len() as u64 - end;
        payload = between(position, payload, position, end.max(position));
        if !core::mem::replace(&mut half.trouble().told_after_end, true) {
            let anomaly = Anomaly::malformed("tcp-data-after-fin", 0, got, 0);
            scene.event(flow, direction, TrackEvent::Layer(anomaly));
        }
    }
    let half = flow.half(direction);
    let stop = position + payload.len() as u64;
    if unrecognised {
        return half.advance_to(stop + u64::from(segment.missing));
    }
    if !half.anchored {
        if is_keep_alive(segment) && stop == half.position {
            // The same probe again.
            return;
        }
        return pick_up(scene, flow, direction, position, payload);
    }
    if position < half.position {
        // A keep-alive sends one octet of garbage before the next one (RFC 1122 clause 4.2.3.6).
        let probe = payload.len() == 1 && stop == half.position;
        if !probe && half.contradicts(scene.seed, position, payload) {
            scene.event(flow, direction, TrackEvent::OverlapConflict);
        }
        if !probe && stop <= flow.half_of(direction).position {
            unreceived::repeated(scene, flow, direction, payload);
        }
    }
    let half = flow.half(direction);
    if position > half.position {
        return wait(scene, flow, direction, position, payload);
    }
    in_order(scene, flow, direction, position, payload);
    let half = flow.half(direction);
    if segment.missing != 0 && half.position == stop {
        gap(scene, flow, direction, stop + u64::from(segment.missing));
    }
}

/// Hands on what of `payload` comes next, and what it completes.
fn in_order<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    position: u64,
    payload: &[u8],
) {
    let stop = position + payload.len() as u64;
    if flow.half(direction).has_strays() {
        stray::outlived(scene, flow, direction);
    }
    let half = flow.half(direction);
    let from = half.position;
    if half.first_waiting().is_some_and(|(first, _)| first < stop) {
        // It meets octets that wait: the policy says which of them count.
        let part = between(position, payload, from, stop);
        keep(scene, flow, direction, from.max(position), part);
    } else if from < stop {
        let frames = scene.frames;
        hand_on(scene, flow, direction, between(position, payload, from, stop), Carried::Now(frames));
    }
    loop {
        let half = flow.half(direction);
        if half.first_waiting().is_none_or(|(first, _)| first > half.position) {
            return;
        }
        let Some((at, mark, octets)) = half.take_first() else { return };
        let fresh = between(at, &octets, half.position, u64::MAX);
        let frame = scene.frame();
        let now = mark.frame == frame;
        let carried = if now { Carried::Now(scene.frames) } else { Carried::Completed(mark.frame, frame) };
        hand_on(scene, flow, direction, fresh, carried);
    }
}

/// Data of a connection picked up in the middle. Where the other side told what it expects next, handing on begins there.
#[cold]
#[inline(never)]
fn begin(half: &mut Half, sequence: u32) {
    match half.expected() {
        Some(expected) if sequence.wrapping_sub(expected) <= MAX_JUMP => {
            half.synchronise(expected);
            half.anchored = true;
        }
        Some(expected) => {
            half.synchronise(sequence);
            // Acknowledged before it was seen: a mirror may show one direction later than the other.
            if half.distance(expected) <= MAX_JUMP {
                half.acknowledged = half.position_of(expected);
            }
        }
        None => half.synchronise(sequence),
    }
}

/// A connection picked up in the middle: finds where its messages begin.
#[cold]
#[inline(never)]
fn pick_up<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    position: u64,
    payload: &[u8],
) {
    let half = flow.half(direction);
    // The rest of a message says no more of what comes before it than its beginning did.
    let continues = half.first_waiting().is_some() && half.trouble().waiting.end() == position;
    wait(scene, flow, direction, position, payload);
    let half = flow.half(direction);
    let Some((first, _)) = half.first_waiting() else { return };
    let (count, acknowledged) = (half.trouble().waiting.len(), half.acknowledged > first);
    let begins = count > 1 && {
        let front = half.trouble().waiting.front(ENOUGH_TO_TELL);
        recognition::begins(scene, flow, direction, payload)
            || !continues && recognition::begins(scene, flow, direction, &front)
    };
    if begins || acknowledged || count >= MAX_UNANCHORED {
        if first == position {
            // This segment was the missing one, and what waits includes it already.
            flow.half(direction).anchor(first);
            in_order(scene, flow, direction, position, &[]);
        } else {
            gap(scene, flow, direction, first);
        }
    }
}

/// Keeps octets that came too early.
#[cold]
#[inline(never)]
fn wait<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    position: u64,
    payload: &[u8],
) {
    // A keep-alive repeats the last octet as garbage (RFC 1122 clause 4.2.3.6).
    let probe = payload.len() == 1 && flow.half(direction).trouble().waiting.end() == position + 1;
    if probe {
        return;
    }
    keep(scene, flow, direction, position, payload);
    let cap = scene.settings.max_reassembly_octets_per_flow;
    if flow.half(direction).trouble().waiting.charge() > cap {
        let cap = "max_reassembly_octets_per_flow";
        scene.event(flow, direction, TrackEvent::Limit { cap });
    }
    while let Some((first, _)) = flow.half(direction).first_waiting() {
        if flow.half(direction).trouble().waiting.charge() <= cap {
            return;
        }
        gap(scene, flow, direction, first);
    }
}

/// Lays octets beside those that wait.
#[cold]
#[inline(never)]
fn keep<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    position: u64,
    payload: &[u8],
) {
    let mark = Mark { frame: scene.frame(), time: scene.time };
    let policy = scene.settings.overlap_policy;
    if flow.half(direction).trouble().waiting.insert(position, payload, mark, policy) == Overlap::Conflict {
        scene.event(flow, direction, TrackEvent::OverlapConflict);
    }
}

/// The octets before `position` will not come. Hands on what waits right behind them, under the frames it came in.
#[cold]
#[inline(never)]
pub(super) fn gap<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    position: u64,
) {
    let half = flow.half(direction);
    if half.anchored {
        let octets = u32::try_from(position.saturating_sub(half.position)).ok();
        half.advance_to(position);
        tell_gap(scene, flow, direction, octets);
    } else {
        // What came before the capture, or before its first message, is not a gap in it.
        half.anchor(position);
    }
    late(scene, flow, direction);
}

/// Hands on what waits right at the position, under the frames it came in.
pub(super) fn late<O: Observer>(scene: &mut Scene<'_, O>, flow: &mut Flow<O::Flow>, direction: Direction) {
    loop {
        let half = flow.half(direction);
        if half.first_waiting().is_none_or(|(first, _)| first > half.position) {
            return;
        }
        let Some((at, mark, octets)) = half.take_first() else { return };
        let fresh = between(at, &octets, half.position, u64::MAX);
        hand_on(scene, flow, direction, fresh, Carried::Late(mark.frame));
    }
}

/// The sequence numbers jumped: a new connection whose opening was not captured, or somebody's forgery.
#[cold]
#[inline(never)]
fn begin_anew<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    sequence: u32,
    segment: &Segment<'_>,
) {
    begin_at(scene, flow, direction, sequence);
    let position = flow.half(direction).position;
    in_order(scene, flow, direction, position, segment.payload);
    if segment.missing != 0 {
        let position = flow.half(direction).position + u64::from(segment.missing);
        gap(scene, flow, direction, position);
    }
}

/// What waits is handed on; the stream goes on at another sequence number.
pub(super) fn begin_at<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    sequence: u32,
) {
    while let Some((position, _)) = flow.half(direction).first_waiting() {
        gap(scene, flow, direction, position);
    }
    flow.half(direction).synchronise(sequence);
    flow.half(direction).anchored = true;
    tell_gap(scene, flow, direction, None);
}

/// A gap in what nobody parses is none.
fn tell_gap<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    octets: Option<u32>,
) {
    if !matches!(flow.recognition, Recognition::Unrecognised) {
        flow.recognition.gap(direction);
        scene.event(flow, direction, TrackEvent::Gap { octets });
    }
}

fn hand_on<O: Observer>(
    scene: &mut Scene<'_, O>,
    flow: &mut Flow<O::Flow>,
    direction: Direction,
    octets: &[u8],
    carried: Carried<'_>,
) {
    if octets.is_empty() {
        return;
    }
    let seed = scene.seed;
    let half: &mut Half = flow.half(direction);
    half.deliver(seed, octets);
    recognition::stream(scene, flow, direction, octets, carried);
}

/// A segment of one zero octet that nobody pushed, before any other: the probe of an idle connection that was open before the
/// capture.
fn is_keep_alive(segment: &Segment<'_>) -> bool {
    segment.payload == [0] && segment.missing == 0 && !segment.header.flags.has(TcpFlags::PSH)
}
