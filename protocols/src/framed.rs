//! Protocols whose messages say their own length: what their sessions have in common, written once.

use crate::{
    dissector::{Session, Step},
    message::{Direction, Sink},
};

/// What the front of a message says of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The message is this long in all, at least one octet.
    Whole(usize),
    /// It cannot be said before this many octets are there.
    Need(usize),
    /// No message begins here.
    No,
}

/// A protocol whose messages follow each other, each saying its own length.
pub trait Framed: Send {
    /// How long the message at the front of `bytes` is.
    fn extent(&self, direction: Direction, bytes: &[u8]) -> Extent;

    /// Tells one message, as long as [`Framed::extent`] said; of a datagram that is cut short, what there is of it.
    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink);

    /// Octets are missing in this direction.
    fn gap(&mut self, _direction: Direction) {}

    /// A request may be missing in this direction.
    fn doubt(&mut self, _direction: Direction) {}

    /// Places of one search at which [`Framed::begins`] is asked. Where its answer takes a walk over the message, somebody may
    /// choose octets that make every place worth one; beyond so many the search ends in vain, and the next segment is
    /// searched.
    const PLACES: usize = usize::MAX;

    /// Whether a place is worth asking [`Framed::begins`], told by a few octets.
    fn may_begin(&self, _direction: Direction, _bytes: &[u8]) -> bool {
        true
    }

    /// Whether `bytes` look like the front of a message, when one is searched for after a gap: stricter than
    /// [`Framed::extent`], because every offset is tried. `bytes` may end before the message does.
    fn begins(&self, direction: Direction, bytes: &[u8]) -> bool;
}

/// The session of a [`Framed`] protocol.
#[derive(Clone, Copy, Debug, Default)]
pub struct FramedSession<F>(pub F);

impl<F: Framed> Session for FramedSession<F> {
    fn step(&mut self, direction: Direction, bytes: &[u8], sink: &mut dyn Sink) -> Step {
        match self.0.extent(direction, bytes) {
            Extent::Whole(length) => match bytes.get(..length.max(1)) {
                Some(message) => {
                    self.0.tell(direction, message, sink);
                    Step::Consumed(message.len())
                }
                None => Step::Need(length),
            },
            Extent::Need(octets) => Step::Need(octets.max(bytes.len() + 1)),
            Extent::No => Step::Lost,
        }
    }

    fn gap(&mut self, direction: Direction) {
        self.0.gap(direction);
    }

    fn doubt(&mut self, direction: Direction) {
        self.0.doubt(direction);
    }

    fn resynchronise(&self, direction: Direction, bytes: &[u8]) -> Option<usize> {
        let worth = (0..bytes.len()).filter_map(|at| Some((at, bytes.get(at..)?)));
        let worth = worth.filter(|(_, rest)| self.0.may_begin(direction, rest)).take(F::PLACES);
        worth.into_iter().find(|(_, rest)| self.0.begins(direction, rest)).map(|(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{boxed::Box, vec::Vec};

    use fieldwarden_model::FrameRef;

    use super::*;
    use crate::stream::StreamParser;

    /// One octet 0x7e, one of length, then that many octets.
    struct Toy;

    impl Framed for Toy {
        fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
            match *bytes {
                [0x7e, length, ..] => Extent::Whole(usize::from(length) + 2),
                [0x7e] => Extent::Need(2),
                _ => Extent::No,
            }
        }

        fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
            sink.message(&crate::Message {
                protocol: crate::Protocol("toy"),
                kind: crate::Kind::Report,
                direction,
                anomalies: &[],
                body: &Nothing(message.len()),
            });
        }

        fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
            bytes.first() == Some(&0x7e)
        }
    }

    struct Nothing(usize);

    impl crate::Body for Nothing {
        fn fields(&self, visitor: &mut dyn crate::FieldVisitor) {
            visitor.field("length", crate::FieldValue::Unsigned(self.0 as u64));
        }

        fn operations(&self, _: &mut dyn FnMut(&fieldwarden_model::Operation<'_>)) {}
    }

    #[test]
    fn any_segmentation_gives_the_same_messages_and_noise_is_passed_over() {
        let stream = [0x7e, 2, 1, 1, 0x7e, 0, 9, 9, 0x7e, 1, 5];
        let told = |size: usize| {
            let mut parser = StreamParser::new(Box::new(FramedSession(Toy)), 64);
            let mut count = Vec::new();
            for (segment, number) in stream.chunks(size).zip(1..) {
                let frame = FrameRef { capture: 0, number };
                parser.feed(Direction::ToServer, segment, frame, &mut |message, _| count.push(message.kind));
            }
            count.len()
        };
        assert!((1..=stream.len()).all(|size| told(size) == 3));
    }
}
