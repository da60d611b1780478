//! Detectors: each judges one sort of departure, explains it, and lives in a folder of its own.
//!
//! A detector sees [`Subject`]s, one at a time and in the order of the wire, and answers with [`Finding`]s. What it must
//! remember of a service it keeps in [`Memory`]; it has no other state, no clock and no randomness. Whether a finding
//! repeats one told before, and which incident it belongs to, is decided behind the detectors.

pub mod asset_changed;
pub mod controller_mode;
pub mod exception_burst;
mod finding;
pub mod function_scan;
pub mod malformed;
pub mod new_conversation;
pub mod new_function;
pub mod new_point_write;
pub mod new_talker;
pub mod outside_conduit;
pub mod program_transfer;
pub mod sensor_blind;
mod settings;
pub mod value_out_of_range;

use fieldwarden_model::{FrameRef, Operation, Outcome, Site, Timestamp, Verb};
use fieldwarden_protocols::{Direction, Protocol};

use crate::{
    baseline::compiled::{Compiled, CompiledEntry},
    blindness::{Lacks, Reason},
    conversation::{ConversationKey, ServiceKey},
    track::{Heard, Origin},
};

pub use crate::blindness::Need;
pub(crate) use finding::{Bucket, Finding};
pub use settings::Settings;

/// Every detector, in the order in which they judge.
pub static DETECTORS: &[&dyn Detector] = &[
    &new_talker::NewTalker,
    &new_conversation::NewConversation,
    &controller_mode::ControllerMode,
    &program_transfer::ProgramTransfer,
    &new_point_write::NewPointWrite,
    &value_out_of_range::ValueOutOfRange,
    &new_function::NewFunction,
    &malformed::Malformed,
    &function_scan::FunctionScan,
    &exception_burst::ExceptionBurst,
    &sensor_blind::SensorBlind,
    &asset_changed::AssetChanged,
    &outside_conduit::OutsideConduit,
];

/// Judges one sort of departure.
pub trait Detector: Sync {
    /// Its id, such as `new-talker`: the word in alerts, settings and the page `docs/detectors/<id>.md`.
    fn id(&self) -> &'static str;

    /// What it must have to be sure: while one of these is missing, its findings and its silence are not assured.
    fn needs(&self) -> &'static [Need];

    /// Judges one subject.
    #[doc(hidden)]
    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    );
}

/// The id of a detector as this program's text, from a checkpoint or a setting.
#[must_use]
pub fn detector_id(id: &str) -> Option<&'static str> {
    DETECTORS.iter().map(|detector| detector.id()).find(|known| *known == id)
}

/// What every judgement rests on.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub(crate) settings: &'a Settings,
    /// Approved normal; without one only those detectors judge that need none.
    pub(crate) baseline: Option<&'a Compiled>,
    /// The site, where it has conduits.
    pub(crate) plan: Option<&'a Site>,
}

/// What is judged.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// A talker was heard for the first time.
    Talker(&'a Heard),
    /// A flow began.
    Opened(Opened<'a>),
    /// A conversation was recognised that the engine has not met before.
    Met(Judged<'a>),
    /// A server answered for the first time within a conversation of a service that the baseline does not know: who asks
    /// there is no made-up address.
    Answered(Judged<'a>),
    /// A talker asked for something, or was answered.
    Operation(Judged<'a>, &'a Operation<'a>),
    /// An operation of a class passed within a conversation for the first time, or octets over one that is not recognised; only
    /// where the site has conduits.
    Passed(Judged<'a>, Option<Verb>),
    /// Something broke its protocol.
    Broken(Judged<'a>, Broken),
    /// The sensor stopped seeing.
    Blind(&'a Blinded),
    /// A device is no longer what it was.
    Changed(&'a asset_changed::Changed),
}

impl Subject<'_> {
    /// What is known to be missing where the subject was seen.
    pub(crate) const fn lacks(&self) -> Lacks {
        match self {
            Self::Met(judged)
            | Self::Answered(judged)
            | Self::Operation(judged, _)
            | Self::Passed(judged, _)
            | Self::Broken(judged, _) => judged.lacks,
            Self::Talker(_) | Self::Opened(_) | Self::Blind(_) | Self::Changed(_) => Lacks::of(&[]),
        }
    }
}

/// How the sensor stopped seeing.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Blinded {
    pub(crate) reason: Reason,
    pub(crate) interface: u16,
    pub(crate) time: Timestamp,
    pub(crate) sentence: String,
}

/// A flow that began.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Opened<'a> {
    pub(crate) origin: &'a Origin<'a>,
    pub(crate) service: &'a ServiceKey,
    /// The protocol its port suggests.
    pub(crate) suggested: Option<Protocol>,
    /// Whether the baseline knows the service, either way round where the flow was joined in its middle.
    pub(crate) known: bool,
}

/// A message within a conversation.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Judged<'a> {
    pub(crate) origin: &'a Origin<'a>,
    pub(crate) conversation: &'a ConversationKey,
    /// The conversation's entry in the baseline.
    pub(crate) entry: Option<&'a CompiledEntry>,
    /// What is known to be missing of this flow.
    pub(crate) lacks: Lacks,
    /// Which way the message went.
    pub(crate) direction: Direction,
}

/// How something broke its protocol.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Broken {
    pub(crate) code: &'static str,
    pub(crate) got: u64,
    pub(crate) expected: u64,
}

/// What detectors remember of a service between its messages.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Memory {
    pub(crate) exceptions: exception_burst::Memory,
    pub(crate) functions: function_scan::Memory,
}

impl Judged<'_> {
    /// The frame that completed the message.
    pub(crate) fn frame(&self) -> Option<FrameRef> {
        self.origin.frames.last().copied()
    }
}

/// Whether an operation is demanded here, as opposed to answered or reported.
pub(crate) fn is_demand(operation: &Operation<'_>) -> bool {
    operation.outcome == Outcome::Asked
}

/// The nearest entry, for an alert about a conversation the baseline lacks.
pub(crate) fn nearest(context: &Context<'_>, conversation: &ConversationKey) -> Option<String> {
    context.baseline?.nearest(conversation).map(|near| near.id())
}
