//! Cuts a stream into messages: parses in-order octets in place, keeps only what waits for more.

use alloc::{boxed::Box, vec::Vec};

use fieldwarden_model::FrameRef;

use crate::{
    dissector::{Session, Step},
    message::{Direction, Message, Sink},
};

/// Frames remembered for one message that several segments carry; the first and the last are always among them.
pub const MAX_FRAMES_PER_MESSAGE: usize = 8;

/// Octets kept while a message is searched for in vain, since one may begin at the end of a segment and show only with the
/// next: longer than the header by which any protocol is found again.
const MAX_SOUGHT_OCTETS: usize = 64;

/// How many times as long as what came of it a message is believed to be, when room is made for the rest.
const BELIEVED: usize = 8;

/// The frames that carried one message, in order; the last one completed it.
pub type Frames = heapless::Vec<FrameRef, MAX_FRAMES_PER_MESSAGE>;

/// Takes messages together with the frames that carried them.
pub type MessageSink<'a> = dyn FnMut(&Message<'_>, &[FrameRef]) + 'a;

/// What waits for more octets in one direction.
#[derive(Debug, Default)]
struct Waiting {
    octets: Vec<u8>,
    /// Those that carried `octets`.
    frames: Frames,
    /// Those of parts that the session keeps.
    parts: Frames,
    lost: bool,
    /// Whether nothing came since the gap, so that the next octets begin a segment.
    behind_gap: bool,
}

impl Waiting {
    /// Whether the next octets begin a message, as far as is known.
    fn is_idle(&self) -> bool {
        self.octets.is_empty() && !self.lost && self.parts.is_empty()
    }

    /// Notes what the session said in a step about the parts it keeps.
    fn note(&mut self, told: Told) {
        if told.ended && !told.waits {
            self.parts.clear();
        }
        if told.kept {
            self.frames.iter().for_each(|frame| remember(&mut self.parts, *frame));
        }
    }
}

/// Octets without a hole, those that waited first.
struct Run<'a> {
    octets: &'a [u8],
    /// How many of them came in frames before this one.
    earlier: usize,
    /// The step already taken at their front.
    stopped: Option<Step>,
}

/// What a session said in a step, beside messages.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    kept: bool,
    ended: bool,
    waits: bool,
}

/// Gives messages the frames that carried them.
struct Carrier<'a, 's> {
    sink: &'a mut MessageSink<'s>,
    frames: &'a [FrameRef],
    parts: &'a [FrameRef],
    told: Told,
}

impl Sink for Carrier<'_, '_> {
    #[inline]
    fn message(&mut self, message: &Message<'_>) {
        (self.sink)(message, self.frames);
    }

    fn keep(&mut self) {
        self.told.kept = true;
    }

    fn end(&mut self) {
        self.told.ended = true;
    }

    fn wait(&mut self) {
        self.told.waits = true;
    }

    fn joined(&mut self, message: &Message<'_>) {
        let mut frames = Frames::new();
        self.parts.iter().chain(self.frames).for_each(|frame| remember(&mut frames, *frame));
        (self.sink)(message, &frames);
    }
}

/// A session together with the octets that wait in each direction.
pub struct StreamParser {
    session: Box<dyn Session>,
    /// Nothing, as long as whole messages come in order: so a flow in good order stays small.
    waiting: [Option<Box<Waiting>>; 2],
    max_message: usize,
    given_up: bool,
}

impl StreamParser {
    /// Starts parsing with `session`, never keeping more than `max_message` octets per direction.
    #[must_use]
    pub fn new(session: Box<dyn Session>, max_message: usize) -> Self {
        Self { session, waiting: Default::default(), max_message, given_up: false }
    }

    /// Whether the session said that this is not its protocol.
    #[must_use]
    pub const fn given_up(&self) -> bool {
        self.given_up
    }

    /// Whether a message plausibly begins right at the front of `octets`.
    #[must_use]
    pub fn begins(&self, direction: Direction, octets: &[u8]) -> bool {
        self.session.resynchronise(direction, octets) == Some(0)
    }

    /// Octets kept at present.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.waiting.iter().flatten().map(|waiting| size_of::<Waiting>() + waiting.octets.capacity()).sum()
    }

    /// Parses the next octets of the stream, in order and without gap, carried by `frame`.
    pub fn feed(&mut self, direction: Direction, octets: &[u8], frame: FrameRef, sink: &mut MessageSink<'_>) {
        if self.given_up || octets.is_empty() {
            return;
        }
        let (rest, stopped) = if self.slot(direction).is_none() {
            self.whole(direction, octets, frame, sink)
        } else {
            (octets, None)
        };
        if !rest.is_empty() {
            self.feed_slowly(direction, rest, stopped, frame, sink);
        }
    }

    /// The usual case, nothing waits and whole messages come: parsed where they lie, nothing remembered. What is left,
    /// and the step that stopped there.
    fn whole<'o>(
        &mut self,
        direction: Direction,
        octets: &'o [u8],
        frame: FrameRef,
        sink: &mut MessageSink<'_>,
    ) -> (&'o [u8], Option<Step>) {
        let frames = [frame];
        let mut carrier = Carrier { sink, frames: &frames, parts: &[], told: Told::default() };
        let mut rest = octets;
        while !rest.is_empty() {
            match self.session.step(direction, rest, &mut carrier) {
                Step::Consumed(count) => rest = rest.get(count.max(1)..).unwrap_or_default(),
                stopped => return (rest, Some(stopped)),
            }
            if carrier.told.kept {
                let parts = Frames::from_iter(frames);
                *self.slot(direction) = Some(Box::new(Waiting { parts, ..Waiting::default() }));
                break;
            }
        }
        (rest, None)
    }

    /// Octets wait already, or are going to. `stopped` is the step already taken at the front of `octets`.
    fn feed_slowly(
        &mut self,
        direction: Direction,
        octets: &[u8],
        stopped: Option<Step>,
        frame: FrameRef,
        sink: &mut MessageSink<'_>,
    ) {
        let mut waiting = self.slot(direction).take().unwrap_or_default();
        remember(&mut waiting.frames, frame);
        if waiting.octets.is_empty() {
            if let Some(Step::Need(total)) = stopped {
                // Room at once for a long message, as long as its length may be believed: a few octets hold no buffer of many.
                waiting.octets.reserve_exact(total.min(octets.len() * BELIEVED).min(self.max_message));
            }
            let run = Run { octets, earlier: 0, stopped };
            let rest = self.parse(direction, run, &mut waiting, frame, sink);
            waiting.octets.extend_from_slice(octets.get(octets.len() - rest..).unwrap_or_default());
        } else {
            let earlier = waiting.octets.len();
            waiting.octets.extend_from_slice(octets);
            let joined = core::mem::take(&mut waiting.octets);
            let run = Run { octets: &joined, earlier, stopped };
            let rest = self.parse(direction, run, &mut waiting, frame, sink);
            let mut joined = joined;
            joined.drain(..joined.len() - rest);
            waiting.octets = joined;
        }
        if waiting.octets.is_empty() {
            // A quiet conversation holds no buffer: capacity is given back, so idle sessions cost nothing.
            waiting.octets = Vec::new();
            waiting.frames.clear();
        }
        if !waiting.is_idle() {
            *self.slot(direction) = Some(waiting);
        }
    }

    /// Octets are missing: what waited for them is dropped, and the next octets are searched for a message.
    pub fn gap(&mut self, direction: Direction) {
        self.session.gap(direction);
        let waiting = Waiting { lost: true, behind_gap: true, ..Waiting::default() };
        *self.slot(direction) = Some(Box::new(waiting));
    }

    /// The other side acknowledges more octets of this direction than were seen.
    pub fn doubt(&mut self, direction: Direction) {
        self.session.doubt(direction);
    }

    /// Parses as far as it goes; the number of octets left at the end.
    fn parse(
        &mut self,
        direction: Direction,
        run: Run<'_>,
        waiting: &mut Waiting,
        frame: FrameRef,
        sink: &mut MessageSink<'_>,
    ) -> usize {
        let Run { octets, earlier, mut stopped } = run;
        let mut rest = octets;
        while !rest.is_empty() {
            if core::mem::take(&mut waiting.behind_gap) && self.session.resume(direction, rest) {
                waiting.lost = false;
            }
            if waiting.lost {
                let Some(at) = self.session.resynchronise(direction, rest) else {
                    only(&mut waiting.frames, frame);
                    return rest.len().min(MAX_SOUGHT_OCTETS);
                };
                rest = rest.get(at..).unwrap_or_default();
                waiting.lost = false;
                if octets.len() - rest.len() >= earlier {
                    only(&mut waiting.frames, frame);
                }
            }
            let step = stopped.take().unwrap_or_else(|| {
                let Waiting { frames, parts, .. } = &*waiting;
                let mut carrier = Carrier { sink, frames, parts, told: Told::default() };
                let step = self.session.step(direction, rest, &mut carrier);
                let told = carrier.told;
                waiting.note(told);
                step
            });
            match step {
                Step::Consumed(count) => {
                    rest = rest.get(count.max(1)..).unwrap_or_default();
                    only(&mut waiting.frames, frame);
                }
                // Asked again with every segment: with more octets a session may see that no message begins here after all.
                Step::Need(total) if total > rest.len() && total <= self.max_message => return rest.len(),
                Step::Need(_) | Step::Lost => {
                    // Skipping one octet guarantees progress when resynchronisation points at the same place.
                    rest = rest.get(1..).unwrap_or_default();
                    waiting.lost = true;
                }
                Step::GiveUp => {
                    self.given_up = true;
                    return 0;
                }
            }
        }
        0
    }

    fn slot(&mut self, direction: Direction) -> &mut Option<Box<Waiting>> {
        let [to_server, to_client] = &mut self.waiting;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}

/// Forgets the frames before this one.
fn only(frames: &mut Frames, frame: FrameRef) {
    frames.clear();
    remember(frames, frame);
}

fn remember(frames: &mut Frames, frame: FrameRef) {
    if frames.last() == Some(&frame) {
        return;
    }
    if frames.push(frame).is_err()
        && let Some(last) = frames.last_mut()
    {
        *last = frame;
    }
}
