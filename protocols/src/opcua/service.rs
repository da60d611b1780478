//! Services (Part 4, clause 5) by the identifiers of their binary encodings (Part 6, annex A), and the messages of the
//! transport (Part 6, 7.1.2).

use fieldwarden_model::Verb;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Identifier of the question.
    pub(super) request: u32,
    pub(super) verb: Verb,
    pub(super) name: &'static str,
}

/// The answer that tells that a service failed.
pub(super) const FAULT: u32 = 397;
pub(super) const OPEN_CHANNEL: u32 = 446;
pub(super) const CREATE_SESSION: u32 = 461;
pub(super) const ACTIVATE_SESSION: u32 = 467;
pub(super) const GET_ENDPOINTS: u32 = 428;
pub(super) const ADD_NODES: u32 = 488;
pub(super) const DELETE_NODES: u32 = 500;
pub(super) const BROWSE: u32 = 527;
pub(super) const REGISTER_NODES: u32 = 560;
pub(super) const UNREGISTER_NODES: u32 = 566;
pub(super) const READ: u32 = 631;
pub(super) const WRITE: u32 = 673;
pub(super) const CALL: u32 = 712;
pub(super) const CREATE_ITEMS: u32 = 751;
pub(super) const CREATE_SUBSCRIPTION: u32 = 787;
pub(super) const PUBLISH: u32 = 826;
pub(super) const DELETE_SUBSCRIPTIONS: u32 = 847;

/// Question, answer, verb, name.
const SERVICES: &[(u32, u32, Verb, &str)] = &[
    (410, 413, Verb::Diagnose, "Test stack"),
    (416, 419, Verb::Diagnose, "Test stack extended"),
    (422, 425, Verb::Discover, "Find servers"),
    (GET_ENDPOINTS, 431, Verb::Discover, "Get endpoints"),
    (437, 440, Verb::Configure, "Register server"),
    (OPEN_CHANNEL, 449, Verb::Associate, "Open secure channel"),
    (452, 455, Verb::Associate, "Close secure channel"),
    (CREATE_SESSION, 464, Verb::Associate, "Create session"),
    (ACTIVATE_SESSION, 470, Verb::Associate, "Activate session"),
    (473, 476, Verb::Associate, "Close session"),
    (479, 482, Verb::Associate, "Cancel"),
    (ADD_NODES, 491, Verb::Configure, "Add nodes"),
    (494, 497, Verb::Configure, "Add references"),
    (DELETE_NODES, 503, Verb::Configure, "Delete nodes"),
    (506, 509, Verb::Configure, "Delete references"),
    (BROWSE, 530, Verb::Discover, "Browse"),
    (533, 536, Verb::Discover, "Browse next"),
    (554, 557, Verb::Discover, "Translate browse paths to node identifiers"),
    (REGISTER_NODES, 563, Verb::Associate, "Register nodes"),
    (UNREGISTER_NODES, 569, Verb::Associate, "Unregister nodes"),
    (615, 618, Verb::Discover, "Query first"),
    (621, 624, Verb::Discover, "Query next"),
    (READ, 634, Verb::Read, "Read"),
    (664, 667, Verb::Read, "History read"),
    (WRITE, 676, Verb::Write, "Write"),
    (700, 703, Verb::Write, "History update"),
    (CALL, 715, Verb::Operate, "Call"),
    (CREATE_ITEMS, 754, Verb::Read, "Create monitored items"),
    (763, 766, Verb::Read, "Modify monitored items"),
    (769, 772, Verb::Read, "Set monitoring mode"),
    (775, 778, Verb::Read, "Set triggering"),
    (781, 784, Verb::Read, "Delete monitored items"),
    (CREATE_SUBSCRIPTION, 790, Verb::Read, "Create subscription"),
    (793, 796, Verb::Read, "Modify subscription"),
    (799, 802, Verb::Read, "Set publishing mode"),
    (PUBLISH, 829, Verb::Read, "Publish"),
    (832, 835, Verb::Read, "Republish"),
    (841, 844, Verb::Read, "Transfer subscriptions"),
    (DELETE_SUBSCRIPTIONS, 850, Verb::Read, "Delete subscriptions"),
    (12_208, 12_209, Verb::Discover, "Find servers on network"),
    (12_211, 12_212, Verb::Configure, "Register server 2"),
];

/// The service of an identifier, and whether it is the answer's.
pub(super) fn of(identifier: u32) -> Option<(Service, bool)> {
    if identifier == FAULT {
        return Some((Service { request: FAULT, verb: Verb::Unknown, name: "Service fault" }, true));
    }
    let found =
        SERVICES.iter().find(|(request, answer, ..)| identifier == *request || identifier == *answer)?;
    let (request, _, verb, name) = *found;
    Some((Service { request, verb, name }, identifier != request))
}

/// A message of the transport: number, verb, name.
pub(super) const fn transport(kind: &[u8; 3]) -> Option<(u32, Verb, &'static str)> {
    match kind {
        b"HEL" => Some((1, Verb::Associate, "Hello")),
        b"ACK" => Some((2, Verb::Associate, "Acknowledge")),
        b"ERR" => Some((3, Verb::Associate, "Error")),
        b"RHE" => Some((4, Verb::Associate, "Reverse hello")),
        b"OPN" => Some((5, Verb::Associate, "Open secure channel, encrypted")),
        b"MSG" => Some((6, Verb::Unknown, "Encrypted message")),
        b"CLO" => Some((7, Verb::Associate, "Close secure channel, encrypted")),
        _ => None,
    }
}
