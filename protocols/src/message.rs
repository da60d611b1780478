//! What a dissector says: messages that borrow from the segment, their fields and operations on demand.

use core::{
    fmt,
    hash::{Hash, Hasher},
};

use fieldwarden_model::Operation;

use crate::anomaly::Anomaly;

/// A protocol by its stable name, such as `modbus`.
#[derive(Clone, Copy, Debug, Eq, PartialOrd, Ord)]
pub struct Protocol(pub &'static str);

impl PartialEq for Protocol {
    /// By the place of the name first: nearly always it is the same constant, and it is asked for every message.
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self.0, other.0) || self.0 == other.0
    }
}

impl Hash for Protocol {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Protocol {
    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Which way octets flow. The server is whoever is asked, however the session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client (master, HMI) to the server (PLC).
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// What sort of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Asks.
    Request,
    /// Answers.
    Response,
    /// Tells unasked.
    Report,
    /// Could not be understood whole; carries what was.
    Anomaly,
}

impl Kind {
    /// The word as `decode --json` spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Report => "report",
            Self::Anomaly => "anomaly",
        }
    }
}

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// A whole number; flags are 0 and 1.
    Unsigned(u64),
    /// A signed whole number.
    Signed(i64),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// Octets, printed as lower-case hexadecimal.
    Bytes(&'a [u8]),
}

/// Walks the fields of a message, in the order of the wire.
pub trait FieldVisitor {
    /// A field that occurs once.
    fn field(&mut self, key: &'static str, value: FieldValue<'_>);
    /// One element of a field that is a list; its elements arrive in order, other keys may come between.
    fn item(&mut self, key: &'static str, value: FieldValue<'_>);
    /// A field that this message does not carry, known from earlier ones of its conversation: what an answer repeats of its
    /// request because the protocol leaves it out. Where that one was lost, the field is missing.
    fn recalled(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.field(key, value);
    }
    /// One element of such a field that is a list.
    fn recalled_item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.item(key, value);
    }
}

/// What a message can tell when asked. Only `decode` and alerts ask for fields; the engine asks for operations.
pub trait Body {
    /// Walks all fields, keys as `decode --json` spells them.
    fn fields(&self, visitor: &mut dyn FieldVisitor);
    /// Walks the operations: one per item that the message reads, writes or commands.
    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>));
}

/// One message, borrowed from the segment that completed it.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// Which protocol.
    pub protocol: Protocol,
    /// Request, response, report or anomaly.
    pub kind: Kind,
    /// Which way it went.
    pub direction: Direction,
    /// Remarks, or for [`Kind::Anomaly`] what is wrong; at least one then.
    pub anomalies: &'a [Anomaly],
    /// Its content.
    pub body: &'a dyn Body,
}

/// Takes the messages a dissector finds.
///
/// A message is told in the step whose octets complete it. A session that puts one together out of parts which it took in steps
/// before says so, and the message is then told with the frames of all of them.
pub trait Sink {
    /// One message, whole in the octets of this step.
    fn message(&mut self, message: &Message<'_>);

    /// The octets of this step hold a part of a message that waits for more: its frames are kept.
    fn keep(&mut self) {}

    /// Parts kept before this step are put together, or given up: their frames are forgotten behind it. Those of this step stay,
    /// where it also [keeps](Self::keep) a part.
    fn end(&mut self) {}

    /// Other parts kept before this step wait on, whatever [ends](Self::end) in it.
    fn wait(&mut self) {}

    /// One message, put together from parts that were [kept](Self::keep) in its direction: told with the frames of all of them.
    fn joined(&mut self, message: &Message<'_>) {
        self.message(message);
    }
}

/// Tells every message as one that was put together: what a lower layer hands to the layer above with a unit that it joined.
pub struct Joined<'a>(&'a mut dyn Sink);

impl<'a> Joined<'a> {
    /// Ends the parts that were kept.
    pub fn new(sink: &'a mut dyn Sink) -> Self {
        sink.end();
        Self(sink)
    }
}

impl Sink for Joined<'_> {
    fn message(&mut self, message: &Message<'_>) {
        self.0.joined(message);
    }

    fn keep(&mut self) {
        self.0.keep();
    }

    fn end(&mut self) {
        self.0.end();
    }

    fn wait(&mut self) {
        self.0.wait();
    }
}

impl<F: FnMut(&Message<'_>)> Sink for F {
    fn message(&mut self, message: &Message<'_>) {
        self(message);
    }
}
