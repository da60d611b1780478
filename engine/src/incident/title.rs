//! One line for a plant manager: who did what to which device.

use fieldwarden_model::{Alert, Severity, Site, Step, Talker, Timestamp, Verb};
use serde::{Deserialize, Serialize};

use super::Case;

/// Deeds one title tells.
const DEEDS_TOLD: usize = 2;

/// What an alert says was done, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    ChangedFirmware,
    LoadedProgram,
    ChangedProgram,
    ChangedMode,
    ForcedPoints,
    Commanded,
    WroteSetPoints,
    WroteValues,
    WroteOften,
    ChangedSecurity,
    SetClock,
    /// Said by what was done, where that is told: only a title without it says this.
    TookControl,
    ForgedAnswers,
    FrozeValues,
    HidDigits,
    ChangedItself,
    ReadProgram,
    TookAddress,
    LoggedIn,
    CopiedProgram,
    Readdressed,
    Named,
    HandedOut,
    Flooded,
    Guessed,
    Reached,
    Probed,
    Broke,
    UsedFunctions,
    GotNoAnswer,
    StoppedAsking,
    ChangedPace,
    Exposed,
    Talked,
    Appeared,
}

impl Deed {
    pub(super) fn of(alert: &Alert) -> Self {
        match alert.detector.as_str() {
            "controller-mode" => Self::ChangedMode,
            "program-transfer" => Self::to_program(alert),
            "new-point-write" if alert.operation == Some(Verb::Operate) => Self::Commanded,
            "new-point-write" => Self::WroteSetPoints,
            "value-out-of-range" | "value-step" => Self::WroteValues,
            "write-burst" | "point-toggling" => Self::WroteOften,
            "forced-point" => Self::ForcedPoints,
            "rogue-master" => Self::TookControl,
            "unselected-operate" => Self::Commanded,
            "security-change" => Self::ChangedSecurity,
            "set-time" => Self::SetClock,
            "silent-controller" => Self::GotNoAnswer,
            "lost-poll" => Self::StoppedAsking,
            "period-change" => Self::ChangedPace,
            "unasked-answer" => Self::ForgedAnswers,
            "frozen-report" => Self::FrozeValues,
            "covert-channel" => Self::HidDigits,
            "function-scan" | "exception-burst" | "read-sweep" | "scan" => Self::Probed,
            "address-change" => Self::TookAddress,
            "password-guessing" if alert.severity >= Severity::High => Self::LoggedIn,
            "password-guessing" => Self::Guessed,
            "tool-transfer" => Self::CopiedProgram,
            "device-naming" if alert.function_name.as_deref() == Some("set IP address") => Self::Readdressed,
            "device-naming" => Self::Named,
            "rogue-dhcp" => Self::HandedOut,
            "request-flood" => Self::Flooded,
            "remote-access" | "public-address" => Self::Reached,
            "clear-text-credentials" | "lost-encryption" => Self::Exposed,
            "asset-changed" => Self::ChangedItself,
            "malformed" => Self::Broke,
            "new-function" => Self::UsedFunctions,
            "new-talker" => Self::Appeared,
            _ => Self::Talked,
        }
    }

    fn to_program(alert: &Alert) -> Self {
        let is = |id: &str| alert.techniques.iter().any(|technique| technique.0 == id);
        match () {
            () if is("T0845") => Self::ReadProgram,
            () if is("T0839") || is("T0857") => Self::ChangedFirmware,
            () if is("T0843") => Self::LoadedProgram,
            () => Self::ChangedProgram,
        }
    }

    pub(super) const fn changes_the_process(&self) -> bool {
        matches!(
            self,
            Self::ChangedFirmware
                | Self::LoadedProgram
                | Self::ChangedProgram
                | Self::ChangedMode
                | Self::ForcedPoints
                | Self::Commanded
                | Self::WroteSetPoints
                | Self::WroteValues
                | Self::WroteOften
                | Self::ChangedSecurity
                | Self::SetClock
                | Self::Readdressed
                | Self::Named
        )
    }

    const fn words(self) -> &'static str {
        match self {
            Self::ChangedFirmware => "changed the firmware of",
            Self::LoadedProgram => "loaded a program into",
            Self::ChangedProgram => "changed the program of",
            Self::ChangedMode => "changed the operating mode of",
            Self::ForcedPoints => "forced points of",
            Self::TookControl => "took control of",
            Self::Commanded => "gave commands to",
            Self::WroteSetPoints => "wrote set-points on",
            Self::WroteValues => "wrote unusual values to",
            Self::WroteOften => "wrote over and over to",
            Self::ChangedSecurity => "changed the protection of",
            Self::SetClock => "set the clock of",
            Self::ForgedAnswers => "had answers it had not asked for from",
            Self::FrozeValues => "sees values that stand still of",
            Self::HidDigits => "exchanges values that carry something else with",
            Self::ChangedItself => "is no longer the device it was",
            Self::ReadProgram => "read the program of",
            Self::TookAddress => "took over the address of",
            Self::LoggedIn => "guessed a password of",
            Self::CopiedProgram => "copied a program by way of",
            Self::Readdressed => "changed the IP address of",
            Self::Named => "named or addressed anew",
            Self::HandedOut => "handed out addresses beside",
            Self::Flooded => "flooded",
            Self::Guessed => "tried passwords of",
            Self::Reached => "reached",
            Self::Exposed => "spoke without encryption to",
            Self::Probed => "searched",
            Self::Broke => "exchanged broken messages with",
            Self::UsedFunctions => "used functions it never used on",
            Self::GotNoAnswer => "gets no answer from",
            Self::StoppedAsking => "no longer polls",
            Self::ChangedPace => "asks at another pace than ever",
            Self::Talked => "talked to",
            Self::Appeared => "appeared on the network",
        }
    }
}

/// The title: the first attacker, the gravest deeds with their targets, and how often.
pub(super) fn title(case: &Case, site: &Site) -> String {
    let who = case.attackers.first().map_or_else(String::new, |attacker| who(*attacker, case, site));
    let others = match case.attackers.len() {
        0 | 1 => String::new(),
        2 => String::from(" and another"),
        more => format!(" and {} others", more - 1),
    };
    // What changes the process comes first; where nothing does, the gravest of the rest is told alone.
    let changes: Vec<_> = case
        .deeds
        .iter()
        .filter(|(deed, targets)| deed.changes_the_process() && !is_part_of_a_download(**deed, targets, case))
        .take(DEEDS_TOLD)
        .collect();
    let deeds = if changes.is_empty() { case.deeds.iter().take(1).collect() } else { changes };
    let deeds: Vec<String> = deeds.iter().map(|(deed, targets)| told(**deed, targets, site)).collect();
    let mut title = if case.is_crowd() {
        let first = case.attackers.first().map(ToString::to_string).unwrap_or_default();
        format!("Flood of unknown addresses, the first {first}")
    } else {
        format!("{who}{others} {}", deeds.join(" and "))
    };
    match case.repeats {
        0 => {}
        1 => title.push_str(", once more since"),
        more => title.push_str(&format!(", {more} times more since")),
    }
    if case.contained {
        title.push_str(" (contained)");
    }
    title
}

/// Whoever loads a program also puts it to work: one deed, so that the other one a title has room for is told beside it.
fn is_part_of_a_download(deed: Deed, targets: &[Talker], case: &Case) -> bool {
    let loaded = || case.deeds.get(&Deed::LoadedProgram);
    deed == Deed::ChangedProgram
        && loaded().is_some_and(|loaded| targets.iter().all(|target| loaded.contains(target)))
}

/// What was done, each deed at its first time, in that order.
pub(super) fn story(case: &Case, site: &Site) -> Vec<Step> {
    let step = |(time, deed): &(Timestamp, Deed)| {
        let targets = case.deeds.get(deed).map_or(&[][..], Vec::as_slice);
        Step { time: *time, what: told(*deed, targets, site) }
    };
    case.order.iter().map(step).collect()
}

fn told(deed: Deed, targets: &[Talker], site: &Site) -> String {
    let more = match targets.len() {
        0 | 1 => String::new(),
        2 => String::from(" and one more"),
        more => format!(" and {} more", more - 1),
    };
    match targets.first() {
        // That is no deed done to anybody.
        Some(_) if deed == Deed::ChangedItself => deed.words().to_owned(),
        Some(target) => format!("{} {}{more}", deed.words(), name(*target, site)),
        None => deed.words().to_owned(),
    }
}

fn who(talker: Talker, case: &Case, site: &Site) -> String {
    match (site.asset(talker), case.stranger) {
        (Some(asset), _) => asset.name.clone(),
        (None, Some(true)) => format!("Unknown device {talker}"),
        (None, _) => format!("Device {talker}"),
    }
}

fn name(talker: Talker, site: &Site) -> String {
    site.asset(talker).map_or_else(|| talker.to_string(), |asset| asset.name.clone())
}
