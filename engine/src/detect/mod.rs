//! Detectors: each judges one sort of departure, explains it, and lives in a folder of its own.
//!
//! A detector sees [`Subject`]s, one at a time and in the order of the wire, and answers with [`Finding`]s. What it must
//! remember of a service it keeps in [`Memory`]; it has no other state, no clock and no randomness. Whether a finding
//! repeats one told before, and which incident it belongs to, is decided behind the detectors.

pub mod address_change;
pub mod asset_changed;
pub mod clear_text_credentials;
pub mod controller_mode;
pub mod covert_channel;
pub mod device_naming;
pub mod exception_burst;
mod finding;
pub mod forced_point;
pub mod frozen_report;
pub mod function_scan;
pub mod lost_encryption;
pub mod lost_poll;
pub mod malformed;
pub mod new_conversation;
pub mod new_function;
pub mod new_point_write;
pub mod new_talker;
pub mod outside_conduit;
pub mod password_guessing;
pub mod period_change;
pub mod point_toggling;
pub mod program_transfer;
pub mod public_address;
pub mod read_sweep;
pub mod remote_access;
pub mod request_flood;
pub mod rogue_dhcp;
pub mod rogue_master;
pub mod scan;
pub mod security_change;
pub mod sensor_blind;
pub mod set_time;
mod settings;
mod sight;
pub mod silent_controller;
pub mod tool_transfer;
mod tracks;
pub mod unasked_answer;
pub mod unselected_operate;
pub mod value_out_of_range;
pub mod value_step;
pub mod write_burst;
pub mod wrong_port;

use fieldwarden_model::{FrameRef, Operation, Outcome, Site, Timestamp, Verb};
use fieldwarden_protocols::{Direction, Message, Protocol};

use crate::{
    answers,
    baseline::compiled::{Compiled, CompiledEntry},
    blindness::{Lacks, Reason},
    conversation::{ConversationKey, ServiceKey},
    track::{Heard, Origin},
};

pub use crate::blindness::Need;
pub(crate) use finding::{Bucket, Finding};
pub use settings::Settings;
pub(crate) use sight::{Door, Matter, Sight, Survey, Tried};

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
    &address_change::AddressChange,
    &scan::Scan,
    &device_naming::DeviceNaming,
    &rogue_dhcp::RogueDhcp,
    &request_flood::RequestFlood,
    &password_guessing::PasswordGuessing,
    &clear_text_credentials::ClearTextCredentials,
    &remote_access::RemoteAccess,
    &tool_transfer::ToolTransfer,
    &public_address::PublicAddress,
    &wrong_port::WrongPort,
    &lost_encryption::LostEncryption,
    &set_time::SetTime,
    &security_change::SecurityChange,
    &forced_point::ForcedPoint,
    &rogue_master::RogueMaster,
    &write_burst::WriteBurst,
    &point_toggling::PointToggling,
    &value_step::ValueStep,
    &frozen_report::FrozenReport,
    &covert_channel::CovertChannel,
    &read_sweep::ReadSweep,
    &unasked_answer::UnaskedAnswer,
    &unselected_operate::UnselectedOperate,
    &lost_poll::LostPoll,
    &silent_controller::SilentController,
    &period_change::PeriodChange,
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

    /// Judges what shows across conversations alone: the site asks for it, in the order of the wire. Nothing by default.
    #[doc(hidden)]
    fn survey(
        &self,
        context: &Context<'_>,
        sight: &Sight<'_>,
        memory: &mut Survey,
        findings: &mut dyn FnMut(Finding),
    ) {
        let _ = (context, sight, memory, findings);
    }
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
    /// Both sides of a flow have spoken, of a service that the baseline does not know: for the first time there.
    Accepted(Opened<'a>),
    /// So many requests came within a minute, or so many stayed unanswered, that it is worth a look.
    Loaded(Judged<'a>, Load),
    /// A talker asked for something, or was answered.
    Operation(Judged<'a>, &'a Operation<'a>),
    /// Values that are read or written move otherwise than they should.
    Moves(Judged<'a>, &'a Operation<'a>, &'a answers::Noticed),
    /// An operation of a class passed within a conversation for the first time, or octets over one that is not recognised; only
    /// where the site has conduits.
    Passed(Judged<'a>, Option<Verb>),
    /// Something broke its protocol.
    Broken(Judged<'a>, Broken),
    /// A minute of a conversation is over, which held so many demands.
    Minute(Judged<'a>, u32),
    /// A poll stopped.
    Stopped(Stopped<'a>),
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
            | Self::Loaded(judged, _)
            | Self::Operation(judged, _)
            | Self::Minute(judged, _)
            | Self::Moves(judged, _, _)
            | Self::Passed(judged, _)
            | Self::Broken(judged, _) => judged.lacks,
            Self::Talker(_)
            | Self::Opened(_)
            | Self::Accepted(_)
            | Self::Stopped(_)
            | Self::Blind(_)
            | Self::Changed(_) => Lacks::of(&[]),
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

/// What a poll stopped doing.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The client asks no longer.
    Asking,
    /// The server answers no longer.
    Answering,
}

/// A poll that stopped.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Stopped<'a> {
    pub(crate) stop: Stop,
    pub(crate) conversation: &'a ConversationKey,
    pub(crate) entry: &'a CompiledEntry,
    /// When it last did.
    pub(crate) since: Timestamp,
    pub(crate) time: Timestamp,
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
    /// The message, for its fields; none where something broke the protocol.
    pub(crate) message: Option<&'a Message<'a>>,
}

/// How much is asked of a server within one conversation.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Requests in the running minute.
    pub(crate) asked: u32,
    /// Requests since the last answer.
    pub(crate) unanswered: u32,
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
    /// Of services that are written to, or read beyond the baseline: the others pay eight octets for it.
    process: Option<Box<Process>>,
    pub(crate) logins: password_guessing::Memory,
    /// Of services whose values are followed.
    answers: Option<Box<answers::Answers>>,
}

/// What is remembered of a service that is written to, or read beyond the baseline.
#[derive(Debug, Default)]
pub(crate) struct Process {
    tracks: tracks::Tracks,
    pub(crate) write_burst: write_burst::Memory,
    pub(crate) read_sweep: read_sweep::Memory,
    pub(crate) period_change: period_change::Memory,
    pub(crate) unselected_operate: unselected_operate::Memory,
}

impl Memory {
    /// Follows what a write moves, before detectors look at it. Only conversations of the baseline have values that move as ever: made-up
    /// addresses fill no tracks.
    pub(crate) fn follow(&mut self, subject: &Subject<'_>) {
        let Subject::Operation(judged, operation) = subject else { return };
        if judged.entry.is_some() && is_change(operation) {
            self.process().tracks.follow(judged, operation);
        }
    }

    /// What the last write moved; none where nothing was followed.
    pub(crate) fn tracks(&self) -> Option<&tracks::Tracks> {
        self.process.as_ref().map(|process| &process.tracks)
    }

    /// A conversation's minute kept its pace.
    pub(crate) fn keeps_pace(&mut self, unit: Option<u16>) {
        if let Some(process) = &mut self.process {
            process.period_change.keeps(unit);
        }
    }

    /// Follows the values of an operation: what is worth a judgement.
    pub(crate) fn follow_values(
        &mut self,
        settings: &Settings,
        entry: Option<&CompiledEntry>,
        time: Timestamp,
        operation: &Operation<'_>,
        room: &mut answers::Room,
    ) -> Option<answers::Noticed> {
        if self.answers.is_none() {
            self.answers = answers::Answers::begin(room);
        }
        self.answers.as_mut()?.follow(settings, entry, time, operation, room)
    }

    /// How many values are followed.
    pub(crate) fn followed(&self) -> usize {
        self.answers.as_ref().map_or(0, |answers| answers.count())
    }

    /// Follows no value any longer.
    pub(crate) fn unfollow(&mut self) {
        self.answers = None;
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.get_or_insert_default()
    }
}

impl Judged<'_> {
    /// The text of a field of the message, the first where it is a list.
    pub(crate) fn text(&self, key: &'static str) -> Option<String> {
        sight::text(self.message?, key)
    }

    /// The frame that completed the message.
    pub(crate) fn frame(&self) -> Option<FrameRef> {
        self.origin.frames.last().copied()
    }
}

/// Whether findings of this detector about strangers are told as those of a crowd: a stranger's address may be made up, and
/// made-up ones come without end.
pub(crate) fn is_crowded(detector: &str) -> bool {
    let by_strangers = [
        address_change::ID,
        device_naming::ID,
        public_address::ID,
        remote_access::ID,
        rogue_dhcp::ID,
        scan::ID,
        wrong_port::ID,
        clear_text_credentials::ID,
        password_guessing::ID,
        tool_transfer::ID,
    ];
    by_strangers.contains(&detector)
}

/// Whether an operation is demanded here, as opposed to answered or reported.
pub(crate) fn is_demand(operation: &Operation<'_>) -> bool {
    operation.outcome == Outcome::Asked
}

/// Whether an operation asks to write or commands.
pub(crate) const fn is_change(operation: &Operation<'_>) -> bool {
    matches!(operation.verb, Verb::Write | Verb::Operate) && matches!(operation.outcome, Outcome::Asked)
}

/// Whether one of these words, in lower case, stands in the name of a function.
pub(crate) fn says(name: &str, words: &[&str]) -> bool {
    let letters = |c: char| !c.is_ascii_alphanumeric();
    name.split(letters).any(|word| words.iter().any(|wanted| word.eq_ignore_ascii_case(wanted)))
}

/// The nearest entry, for an alert about a conversation the baseline lacks.
pub(crate) fn nearest(context: &Context<'_>, conversation: &ConversationKey) -> Option<String> {
    context.baseline?.nearest(conversation).map(|near| near.id())
}
