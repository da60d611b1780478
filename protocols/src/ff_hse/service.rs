//! Services by protocol, confirmed or not.

use fieldwarden_model::Verb;

/// The bit that says confirmed.
pub(super) const CONFIRMED: u8 = 0x80;

/// What a service does and its name.
pub(super) const fn describe(protocol: u8, service: u8) -> Option<(Verb, &'static str)> {
    let (confirmed, number) = (service & CONFIRMED != 0, service & !CONFIRMED);
    match (protocol, confirmed) {
        (1, true) => match number {
            1 => Some((Verb::Associate, "FDA open session")),
            3 => Some((Verb::Associate, "FDA idle")),
            _ => None,
        },
        (2, true) => match number {
            3 => Some((Verb::Discover, "SM identify")),
            12 => Some((Verb::Configure, "SM clear address")),
            14 => Some((Verb::Configure, "SM set assignment information")),
            15 => Some((Verb::Configure, "SM clear assignment information")),
            _ => None,
        },
        (2, false) => match number {
            1 => Some((Verb::Discover, "SM find tag query")),
            2 => Some((Verb::Discover, "SM find tag reply")),
            16 => Some((Verb::Discover, "SM device annunciation")),
            _ => None,
        },
        (3, true) => field(number),
        (3, false) => match number {
            0 => Some((Verb::Read, "FMS information report")),
            1 => Some((Verb::Diagnose, "FMS unsolicited status")),
            2 => Some((Verb::Read, "FMS event notification")),
            16 => Some((Verb::Read, "FMS information report with subindex")),
            17 => Some((Verb::Read, "FMS information report on change")),
            18 => Some((Verb::Read, "FMS information report on change with subindex")),
            112 => Some((Verb::Associate, "FMS abort")),
            _ => None,
        },
        (4, true) => match number {
            1 => Some((Verb::Diagnose, "LAN redundancy get information")),
            2 => Some((Verb::Configure, "LAN redundancy put information")),
            3 => Some((Verb::Diagnose, "LAN redundancy get statistics")),
            _ => None,
        },
        (4, false) if number == 1 => Some((Verb::Diagnose, "LAN redundancy diagnostic message")),
        _ => None,
    }
}

/// Confirmed services of the fieldbus message specification.
const fn field(number: u8) -> Option<(Verb, &'static str)> {
    Some(match number {
        0 => (Verb::Diagnose, "FMS status"),
        1 => (Verb::Discover, "FMS identify"),
        2 => (Verb::Read, "FMS read"),
        3 => (Verb::Write, "FMS write"),
        4 => (Verb::Discover, "FMS get object dictionary"),
        7 => (Verb::Configure, "FMS define variable list"),
        8 => (Verb::Configure, "FMS delete variable list"),
        9 => (Verb::Program, "FMS initiate download sequence"),
        10 => (Verb::Program, "FMS download segment"),
        11 => (Verb::Program, "FMS terminate download sequence"),
        12 => (Verb::Program, "FMS initiate upload sequence"),
        13 => (Verb::Program, "FMS upload segment"),
        14 => (Verb::Program, "FMS terminate upload sequence"),
        15 => (Verb::Program, "FMS request domain download"),
        16 => (Verb::Program, "FMS request domain upload"),
        17 => (Verb::Program, "FMS create program invocation"),
        18 => (Verb::Program, "FMS delete program invocation"),
        19 => (Verb::Mode, "FMS start"),
        20 => (Verb::Mode, "FMS stop"),
        21 => (Verb::Mode, "FMS resume"),
        22 => (Verb::Mode, "FMS reset"),
        23 => (Verb::Mode, "FMS kill"),
        24 => (Verb::Configure, "FMS alter event condition monitoring"),
        25 => (Verb::Operate, "FMS acknowledge event notification"),
        28 => (Verb::Configure, "FMS initiate put object dictionary"),
        29 => (Verb::Configure, "FMS put object dictionary"),
        30 => (Verb::Configure, "FMS terminate put object dictionary"),
        31 => (Verb::Program, "FMS generic initiate download sequence"),
        32 => (Verb::Program, "FMS generic download segment"),
        33 => (Verb::Program, "FMS generic terminate download sequence"),
        82 => (Verb::Read, "FMS read with subindex"),
        83 => (Verb::Write, "FMS write with subindex"),
        96 => (Verb::Associate, "FMS initiate"),
        _ => return None,
    })
}
