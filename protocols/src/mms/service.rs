//! Services by number (ISO 9506-2 §7.1, `ConfirmedServiceRequest` and `UnconfirmedService`): names and verbs.

use fieldwarden_model::Verb::{self, *};

/// Read.
pub(super) const READ: u32 = 4;
/// Write.
pub(super) const WRITE: u32 = 5;
/// Information report, the unconfirmed service 0.
pub(super) const INFORMATION_REPORT: u32 = 0;

/// A service: its verb and its name.
pub(super) type Service = (Verb, &'static str);

const CONFIRMED: [Service; 79] = [
    (Diagnose, "status"),
    (Discover, "getNameList"),
    (Discover, "identify"),
    (Configure, "rename"),
    (Read, "read"),
    (Write, "write"),
    (Discover, "getVariableAccessAttributes"),
    (Configure, "defineNamedVariable"),
    (Configure, "defineScatteredAccess"),
    (Discover, "getScatteredAccessAttributes"),
    (Configure, "deleteVariableAccess"),
    (Configure, "defineNamedVariableList"),
    (Discover, "getNamedVariableListAttributes"),
    (Configure, "deleteNamedVariableList"),
    (Configure, "defineNamedType"),
    (Discover, "getNamedTypeAttributes"),
    (Configure, "deleteNamedType"),
    (Read, "input"),
    (Write, "output"),
    (Operate, "takeControl"),
    (Operate, "relinquishControl"),
    (Configure, "defineSemaphore"),
    (Configure, "deleteSemaphore"),
    (Diagnose, "reportSemaphoreStatus"),
    (Diagnose, "reportPoolSemaphoreStatus"),
    (Diagnose, "reportSemaphoreEntryStatus"),
    (Program, "initiateDownloadSequence"),
    (Program, "downloadSegment"),
    (Program, "terminateDownloadSequence"),
    (Program, "initiateUploadSequence"),
    (Program, "uploadSegment"),
    (Program, "terminateUploadSequence"),
    (Program, "requestDomainDownload"),
    (Program, "requestDomainUpload"),
    (Program, "loadDomainContent"),
    (Program, "storeDomainContent"),
    (Program, "deleteDomain"),
    (Discover, "getDomainAttributes"),
    (Program, "createProgramInvocation"),
    (Program, "deleteProgramInvocation"),
    (Mode, "start"),
    (Mode, "stop"),
    (Mode, "resume"),
    (Mode, "reset"),
    (Mode, "kill"),
    (Discover, "getProgramInvocationAttributes"),
    (Transfer, "obtainFile"),
    (Configure, "defineEventCondition"),
    (Configure, "deleteEventCondition"),
    (Discover, "getEventConditionAttributes"),
    (Diagnose, "reportEventConditionStatus"),
    (Configure, "alterEventConditionMonitoring"),
    (Operate, "triggerEvent"),
    (Configure, "defineEventAction"),
    (Configure, "deleteEventAction"),
    (Discover, "getEventActionAttributes"),
    (Diagnose, "reportEventActionStatus"),
    (Configure, "defineEventEnrollment"),
    (Configure, "deleteEventEnrollment"),
    (Configure, "alterEventEnrollment"),
    (Diagnose, "reportEventEnrollmentStatus"),
    (Discover, "getEventEnrollmentAttributes"),
    (Operate, "acknowledgeEventNotification"),
    (Diagnose, "getAlarmSummary"),
    (Diagnose, "getAlarmEnrollmentSummary"),
    (Read, "readJournal"),
    (Write, "writeJournal"),
    (Configure, "initializeJournal"),
    (Diagnose, "reportJournalStatus"),
    (Configure, "createJournal"),
    (Configure, "deleteJournal"),
    (Discover, "getCapabilityList"),
    (Transfer, "fileOpen"),
    (Transfer, "fileRead"),
    (Transfer, "fileClose"),
    (Transfer, "fileRename"),
    (Transfer, "fileDelete"),
    (Discover, "fileDirectory"),
    (Unknown, "additionalService"),
];

const LATER: [Service; 7] = [
    (Discover, "getDataExchangeAttributes"),
    (Write, "exchangeData"),
    (Configure, "defineAccessControlList"),
    (Discover, "getAccessControlListAttributes"),
    (Discover, "reportAccessControlledObjects"),
    (Configure, "deleteAccessControlList"),
    (Configure, "changeAccessControl"),
];

/// A confirmed service by its number.
pub(super) fn confirmed(number: u32) -> Service {
    let at =
        |list: &[Service], place: u32| usize::try_from(place).ok().and_then(|place| list.get(place)).copied();
    at(&CONFIRMED, number)
        .or_else(|| at(&LATER, number.checked_sub(80)?))
        .unwrap_or((Unknown, "unknown confirmed service"))
}

/// An unconfirmed service by its number.
pub(super) const fn unconfirmed(number: u32) -> Service {
    match number {
        INFORMATION_REPORT => (Read, "informationReport"),
        1 => (Diagnose, "unsolicitedStatus"),
        2 => (Diagnose, "eventNotification"),
        _ => (Unknown, "unknown unconfirmed service"),
    }
}

/// What a write of an IEC 61850 object is, by its name: control objects end in `$CO$...$Oper` and the like
/// (IEC 61850-8-1 §20), and a service of its own class is told by the functional constraint.
pub(super) fn by_name(service: u32, (verb, name): Service, item: &[u8]) -> Service {
    let mut parts = item.split(|octet| *octet == b'$');
    let constraint = parts.nth(1).unwrap_or_default();
    let last = parts.next_back().unwrap_or_default();
    match (service, constraint, last) {
        (WRITE, b"CO", _) if contains(item, b"$Oper") => (Operate, "operate"),
        (WRITE, b"CO", _) if contains(item, b"$SBOw") => (Operate, "select with value"),
        (WRITE, b"CO", _) if contains(item, b"$Cancel") => (Operate, "cancel"),
        (READ, b"CO", b"SBO") => (Operate, "select"),
        (WRITE, b"BR" | b"RP", _) => (Write, "write of a report control block"),
        (WRITE, b"LG", _) => (Write, "write of a log control block"),
        (WRITE, b"GO" | b"GS", _) => (Write, "write of a GOOSE control block"),
        (WRITE, b"MS" | b"US", _) => (Write, "write of a sampled value control block"),
        (WRITE, b"SP" | b"SE" | b"SG", _) => (Write, "write of a setting"),
        (WRITE, b"CF" | b"DC", _) => (Write, "write of a configuration value"),
        _ => (verb, name),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
