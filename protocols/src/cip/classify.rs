//! From messages to operations: what is read, written or commanded, in neutral words.

use fieldwarden_model::{Operation, Outcome, PointRange, Values, Verb, operation::Encoding};

use super::{
    body::{CipMessage, Sort, is_tag},
    logix::{PARTIAL, Tag},
    notation,
    packet::{Packet, class, service},
    path::Target,
    pccc::{self, Pccc},
};

/// Wall clock of Logix controllers.
const WALL_CLOCK: u32 = 0x8b;
/// Time synchronisation (CIP Vol. 1, 5-47).
const TIME_SYNC: u32 = 0x43;
/// Files (CIP Vol. 1, 5-42).
const FILE: u32 = 0x37;
/// Assemblies (CIP Vol. 1, 5-5); their attribute 3 is process data.
const ASSEMBLY: u32 = 0x04;
/// Non-volatile storage of Rockwell devices: firmware.
const STORAGE: u32 = 0xa1;
/// The address of a device, how it comes by it, and its host name (CIP Vol. 2, 5-4).
const TCP_IP: u32 = 0xf5;
/// What was changed in the program of a Logix controller, entry by entry, as captures show it: tools compare their project with it, and
/// say there that they came.
const CHANGES: u32 = 0xac;
/// The controller itself, of Logix.
const CONTROLLER: u32 = 0x8e;

/// Walks the operations of a message. What only carries other messages has none of its own.
pub(super) fn operations(message: &CipMessage<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let packet = &message.packet;
    let (verb, name) = describe(message);
    let name = deed(message, name).unwrap_or(name);
    let whole = Whole { function: function(message), verb, name, outcome: outcome(packet) };
    match message.sort() {
        Sort::Multiple => {}
        Sort::Send if !packet.response || message.via.is_none() => {}
        Sort::Send | Sort::Open { .. } | Sort::Close => each(&whole.operation(None, None)),
        Sort::Pccc => {
            let (points, values) = pccc_object(message);
            let refusal = Pccc::read(packet.data).map(|own| own.status).filter(|status| *status != 0);
            let outcome = match (packet.response && packet.status == 0, refusal) {
                (true, Some(status)) => Outcome::Refused(u32::from(status)),
                _ => whole.outcome,
            };
            each(&Whole { outcome, ..whole }.operation(points, values));
        }
        Sort::Tag | Sort::Modify => {
            let (points, values) = tag_object(message);
            each(&whole.operation(points, values));
        }
        Sort::Common if matches!(packet.service, service::GET_LIST | service::SET_LIST) => {
            listed(message, &whole, each);
        }
        Sort::Common | Sort::Template | Sort::Instances | Sort::Other => {
            let target = message.target();
            let attribute = target.attribute.map(|id| (u64::from(id), u64::from(id)));
            let carries = match packet.service {
                service::GET_SINGLE => packet.response,
                service::SET_SINGLE => !packet.response,
                _ => false,
            };
            let values = if carries { scalar(packet.data) } else { None };
            each(&whole.operation(notation::object(&target, attribute), values));
        }
    }
}

/// What the operations of a message have in common.
struct Whole {
    function: u32,
    verb: Verb,
    name: &'static str,
    outcome: Outcome,
}

impl Whole {
    fn operation<'a>(&self, points: Option<PointRange>, values: Option<Values<'a>>) -> Operation<'a> {
        let Self { function, verb, name, outcome } = *self;
        Operation { verb, function, name, unit: None, points, values, outcome }
    }
}

/// The service, with the class in the upper half; for PCCC its command and function instead.
fn function(message: &CipMessage<'_>) -> u32 {
    let service = u32::from(message.packet.service);
    if message.sort() == Sort::Pccc
        && let Some(asked) = message.request().and_then(|request| Pccc::read(request.data))
    {
        let function = u32::from(asked.function.unwrap_or(0));
        return (u32::from(asked.command) << 8 | function) << 16 | service;
    }
    let target = message.target();
    let class = if target.symbol.is_some() { class::SYMBOL } else { target.class.unwrap_or(0) };
    (class & 0xffff) << 16 | service
}

fn outcome(packet: &Packet<'_>) -> Outcome {
    match packet.status {
        _ if !packet.response => Outcome::Asked,
        0 | PARTIAL => Outcome::Done,
        status => Outcome::Refused(u32::from(status)),
    }
}

/// One operation for each attribute that the question lists.
fn listed(message: &CipMessage<'_>, whole: &Whole, each: &mut dyn FnMut(&Operation<'_>)) {
    let target = message.target();
    let asked = message.asked.unwrap_or(message.packet);
    let mut count = 0;
    super::attributes::each(&asked, &target, &mut |_| count += 1);
    let mut single = None;
    if count == 1 {
        // Only of a single attribute are all octets known to be its own.
        message.attributes(&mut |attribute| single = attribute.data.and_then(scalar));
    }
    super::attributes::each(&asked, &target, &mut |attribute| {
        let id = u64::from(attribute.id);
        each(&whole.operation(notation::object(&target, Some((id, id))), single));
    });
    if count == 0 {
        each(&whole.operation(notation::object(&target, None), None));
    }
}

/// Octets that can be one number.
fn scalar(bytes: &[u8]) -> Option<Values<'_>> {
    let encoding = match bytes.len() {
        1 => Encoding::Unsigned8,
        2 => Encoding::Unsigned16Little,
        4 => Encoding::Unsigned32Little,
        8 => Encoding::Unsigned64Little,
        _ => return None,
    };
    Some(Values { bytes, encoding, count: 1, stride: 1 })
}

fn tag_object<'a>(message: &CipMessage<'a>) -> (Option<PointRange>, Option<Values<'a>>) {
    let target = message.target();
    let asked = message.request().and_then(Tag::read);
    let own = Tag::read(&message.packet);
    if message.sort() == Sort::Modify {
        return (notation::tag(&target, 0, 1), None);
    }
    let values = own.and_then(|tag| tag.values());
    let elements = asked.and_then(|tag| tag.elements).map_or(1, u64::from);
    // A fragment begins within the array; how far is known where the type is.
    let skipped = asked.and_then(|tag| tag.offset).map_or(0, u64::from);
    let width = values.and_then(|values| values.encoding.width());
    let points = match (width, values) {
        (Some(width), Some(values)) if skipped > 0 || u64::from(values.count) < elements => {
            let first = skipped / u64::try_from(width).unwrap_or(1);
            notation::tag(&target, first, u64::from(values.count))
        }
        _ => notation::tag(&target, 0, elements),
    };
    (points, values)
}

fn pccc_object<'a>(message: &CipMessage<'a>) -> (Option<PointRange>, Option<Values<'a>>) {
    let Some(asked) = message.request().and_then(|request| Pccc::read(request.data)) else {
        return (None, None);
    };
    let Some(address) = asked.address() else { return (None, None) };
    let data = if message.packet.response {
        Pccc::read(message.packet.data).and_then(|own| own.read_data())
    } else {
        address.data
    };
    let values = address.encoding().zip(data).and_then(|(encoding, data)| pccc::values(encoding, data));
    (Some(address.points()), values)
}

/// Verb and name of what a message asks or answers.
pub(super) fn describe(message: &CipMessage<'_>) -> (Verb, &'static str) {
    let target = message.target();
    let service = message.packet.service;
    match message.sort() {
        Sort::Multiple => (Verb::Unknown, "multiple service packet"),
        Sort::Send => (Verb::Associate, "unconnected send"),
        Sort::Open { large: false } => (Verb::Associate, "forward open"),
        Sort::Open { large: true } => (Verb::Associate, "large forward open"),
        Sort::Close => (Verb::Associate, "forward close"),
        Sort::Pccc => {
            let asked = message.request().and_then(|request| Pccc::read(request.data));
            asked.map_or((Verb::Unknown, "execute PCCC"), |asked| {
                pccc::describe(asked.command, asked.function)
            })
        }
        Sort::Template => (Verb::Discover, "read template"),
        Sort::Instances => (Verb::Discover, "get instance attribute list"),
        Sort::Modify => (Verb::Write, "read-modify-write tag"),
        Sort::Common => (common_verb(&target, service), common_name(service)),
        Sort::Tag => tag_service(service),
        Sort::Other if message.request().is_none() || is_tag(&target) => tag_service(service),
        Sort::Other => own_service(&target, service),
    }
}

/// What a message does, where that has a name of its own beside that of its service.
fn deed(message: &CipMessage<'_>, name: &'static str) -> Option<&'static str> {
    let target = message.target();
    match message.sort() {
        Sort::Common => common_deed(message, &target),
        // What is sent on into the rack meets a module there.
        Sort::Other if target.class == Some(STORAGE) && message.is_routed() => Some(of_module(name)),
        _ => None,
    }
}

/// What setting an attribute does, where it has a name of its own: of a clock, of an address.
fn common_deed(message: &CipMessage<'_>, target: &Target) -> Option<&'static str> {
    if !matches!(message.packet.service, service::SET_ALL | service::SET_LIST | service::SET_SINGLE) {
        return None;
    }
    match target.class? {
        WALL_CLOCK | TIME_SYNC => Some("set clock"),
        TCP_IP => common_naming(message, target),
        _ => None,
    }
}

/// Setting the address of a device or the way it comes by it (attributes 5 and 3), or its host name (6).
fn common_naming(message: &CipMessage<'_>, target: &Target) -> Option<&'static str> {
    let name = |attribute: u32| match attribute {
        3 | 5 => Some("set IP address"),
        6 => Some("set host name"),
        _ => None,
    };
    let asked = message.request()?;
    match asked.service {
        service::SET_SINGLE => name(target.attribute?),
        service::SET_ALL => Some("set IP address"),
        _ => {
            let mut found = None;
            super::attributes::each(asked, target, &mut |attribute| {
                found = found.or_else(|| name(attribute.id.into()));
            });
            found
        }
    }
}

const fn of_module(name: &'static str) -> &'static str {
    match name.as_bytes() {
        b"firmware update" => "module firmware update",
        b"firmware upload" => "module firmware upload",
        b"firmware transfer" => "module firmware transfer",
        _ => "module firmware service",
    }
}

const fn tag_service(service: u8) -> (Verb, &'static str) {
    match service {
        service::READ_TAG => (Verb::Read, "read tag"),
        service::WRITE_TAG => (Verb::Write, "write tag"),
        service::READ_FRAGMENT => (Verb::Read, "read tag fragmented"),
        service::WRITE_FRAGMENT => (Verb::Write, "write tag fragmented"),
        service::LIST_INSTANCES => (Verb::Discover, "get instance attribute list"),
        _ => (Verb::Unknown, "unknown service"),
    }
}

const fn common_name(service: u8) -> &'static str {
    match service {
        service::GET_ALL => "get attributes all",
        service::SET_ALL => "set attributes all",
        service::GET_LIST => "get attribute list",
        service::SET_LIST => "set attribute list",
        0x05 => "reset",
        0x06 => "start",
        0x07 => "stop",
        0x08 => "create",
        0x09 => "delete",
        0x0d => "apply attributes",
        service::GET_SINGLE => "get attribute single",
        service::SET_SINGLE => "set attribute single",
        0x11 => "find next object instance",
        0x14 => "error response",
        0x15 => "restore",
        0x16 => "save",
        0x17 => "no operation",
        0x18 => "get member",
        0x19 => "set member",
        0x1a => "insert member",
        0x1b => "remove member",
        0x1c => "group sync",
        _ => "unknown service",
    }
}

fn common_verb(target: &Target, service: u8) -> Verb {
    let class = target.class.unwrap_or(0);
    match service {
        service::GET_ALL | service::GET_LIST | service::GET_SINGLE | 0x18 => match class {
            class::IDENTITY => Verb::Discover,
            WALL_CLOCK | TIME_SYNC => Verb::Time,
            _ => Verb::Read,
        },
        service::SET_ALL | service::SET_LIST | service::SET_SINGLE | 0x19 => match class {
            WALL_CLOCK | TIME_SYNC => Verb::Time,
            ASSEMBLY => Verb::Write,
            CHANGES => Verb::Configure,
            _ if is_program_class(class) => Verb::Program,
            _ => Verb::Configure,
        },
        0x05..=0x07 => Verb::Mode,
        0x08 | 0x09 | 0x1a | 0x1b if is_program_class(class) && class != CHANGES => Verb::Program,
        0x08 | 0x09 | 0x0d | 0x15 | 0x16 | 0x1a | 0x1b => Verb::Configure,
        0x11 => Verb::Discover,
        0x17 => Verb::Diagnose,
        0x1c => Verb::Time,
        _ => Verb::Unknown,
    }
}

/// Classes of Logix controllers that hold the program: programs, modules, routines, types, tags, tasks and what
/// downloads them.
const fn is_program_class(class: u32) -> bool {
    matches!(class, 0x64..=0x66 | 0x68..=0x72 | 0x77 | 0x7e | 0x8c..=0x8e | 0xac | 0xb0..=0xb2 | 0x0300..=0x03ff)
}

/// Services that only one class has.
fn own_service(target: &Target, service: u8) -> (Verb, &'static str) {
    let class = target.class.unwrap_or(0);
    match (class, service) {
        (class::CONNECTION_MANAGER, 0x56 | 0x57) => (Verb::Diagnose, "get connection data"),
        (class::CONNECTION_MANAGER, 0x5a) => (Verb::Diagnose, "get connection owner"),
        (STORAGE, 0x4b) => (Verb::Program, "firmware update"),
        (STORAGE, 0x4c) => (Verb::Program, "firmware upload"),
        (STORAGE, 0x4d) => (Verb::Program, "firmware transfer"),
        (STORAGE, _) => (Verb::Program, "firmware service"),
        (FILE, 0x4b) => (Verb::Transfer, "file: initiate upload"),
        (FILE, 0x4c) => (Verb::Transfer, "file: initiate download"),
        (FILE, 0x4d | 0x4e) => (Verb::Transfer, "file: initiate partial transfer"),
        (FILE, 0x4f) => (Verb::Transfer, "file: upload transfer"),
        (FILE, 0x50) => (Verb::Transfer, "file: download transfer"),
        (FILE, 0x51) => (Verb::Transfer, "file: clear"),
        (CONTROLLER, 0x4b..) => (Verb::Configure, "controller service"),
        (CHANGES, 0x4b..=0x4d) => (Verb::Program, "read changes of the program"),
        (_, 0x4b) if is_program_class(class) && target.instance == Some(0) => {
            (Verb::Discover, "list instances")
        }
        // Asked for in uploads, without a word either way.
        (0x0300..=0x03ff, 0x4b) => (Verb::Configure, "program service"),
        (_, 0x4c) if is_program_class(class) => (Verb::Read, "read object"),
        (_, 0x4f) if is_program_class(class) => (Verb::Program, "upload program part"),
        (_, 0x50) if is_program_class(class) => (Verb::Program, "download program part"),
        (_, 0x4b..) if is_program_class(class) => (Verb::Program, "program service"),
        _ => (Verb::Unknown, "unknown service"),
    }
}
