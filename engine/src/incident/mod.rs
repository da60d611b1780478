//! From alerts to incidents: what belongs together is worked on as one.
//!
//! An alert joins the open incident that shares its client (the attacker's side), else the one that shares its server
//! (the target), else the one whose target is its client and does nothing but answer or appear; else it opens a new one.
//! An incident closes when nothing joined it for the correlation time.

mod resume;
mod score;
mod settings;
#[cfg(test)]
mod tests;
mod title;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fieldwarden_model::{
    AddressSpace, Alert, Incident, IncidentId, Site, Talker, Technique, Timestamp,
    digest::Digest,
    order::{Order, OrderState, Report},
};
use serde::{Deserialize, Serialize};

use crate::blindness::Reason;

pub use settings::Settings;

/// Open incidents; when there are more, the one quiet longest is closed early.
pub const MAX_OPEN: usize = 256;
/// Incidents remembered, closed ones included; the oldest closed one is forgotten first.
pub const MAX_KNOWN: usize = 4_096;
/// Talkers named by one incident.
pub const MAX_TALKERS: usize = 64;

/// Strangers of one incident that make a crowd, where none of them did more than appear or knock.
const CROWD: usize = 8;
/// Strangers that appear within this long of one another appear together.
const BURST: Duration = Duration::from_secs(1);

/// An incident with what is needed to go on with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) incident: Incident,
    space: AddressSpace,
    attackers: Vec<Talker>,
    targets: Vec<Talker>,
    /// Whether the first attacker is none the baseline knows; absent without a baseline.
    stranger: Option<bool>,
    /// What was done, gravest first, and to whom, in the order it happened.
    deeds: BTreeMap<title::Deed, Vec<Talker>>,
    /// When each was done first, in that order.
    #[serde(default)]
    order: Vec<(Timestamp, title::Deed)>,
    detectors: BTreeSet<String>,
    /// The last alert or repetition.
    active: Timestamp,
    repeats: u64,
    told_repeats: u64,
    contained: bool,
    /// Set where the incident is the sensor's own blindness, with its reason and interface. Nothing joins it, and it closes when
    /// the sensor sees again.
    #[serde(default)]
    blind: Option<(Reason, u16)>,
    /// Whether all alerts were of strangers that did nothing but appear or knock.
    #[serde(default)]
    passing: bool,
    /// Polls that stopped and did not go on yet.
    #[serde(default)]
    stopped: u32,
}

/// What an alert adds to its incident besides what the alert itself says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fact<'a> {
    pub(crate) alert: &'a Alert,
    /// Whether the client is none the baseline knows; absent without a baseline.
    pub(crate) stranger: Option<bool>,
    /// Whether a stranger did nothing but appear or knock, as made-up addresses do.
    pub(crate) passing: bool,
}

/// All incidents.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    settings: Settings,
    cases: Vec<Case>,
    /// No incident closes before.
    earliest: Option<Timestamp>,
}

impl Desk {
    pub(crate) const fn new(settings: Settings) -> Self {
        Self { settings, cases: Vec::new(), earliest: None }
    }

    /// The incident an alert belongs to, with the alert told; and one closed early to make room.
    pub(crate) fn join(&mut self, fact: &Fact<'_>, site: &Site) -> (Incident, Option<Incident>) {
        let mut closed = None;
        let at = match self.find(fact) {
            Some(at) => at,
            None => {
                closed = self.make_room();
                self.cases.push(Case::open(fact));
                self.cases.len() - 1
            }
        };
        let quiet = self.settings.correlation;
        let Some(case) = self.cases.get_mut(at) else { return (Case::open(fact).incident, closed) };
        case.add(fact);
        case.tell(site);
        let closes = case.active.saturating_add(quiet);
        self.earliest = Some(self.earliest.map_or(closes, |earliest| earliest.min(closes)));
        (case.incident.clone(), closed)
    }

    /// The sensor went blind: an incident of its own, which [`Desk::sees_again`] closes; and one closed early to make room.
    pub(crate) fn goes_blind(
        &mut self,
        watched: (Reason, u16),
        fact: &Fact<'_>,
    ) -> (Incident, Option<Incident>) {
        let closed = self.make_room();
        let mut case = Case::open(fact);
        case.incident.alerts = 1;
        case.incident.revision = 1;
        case.incident.addends = score::ground_alone(case.incident.severity);
        case.incident.score = score::sum(&case.incident.addends);
        case.incident.title.clone_from(&fact.alert.summary);
        case.detectors.insert(fact.alert.detector.clone());
        case.blind = Some(watched);
        let incident = case.incident.clone();
        self.cases.push(case);
        (incident, closed)
    }

    /// What blinded the sensor stayed away: its incident closes.
    pub(crate) fn sees_again(
        &mut self,
        watched: (Reason, u16),
        now: Timestamp,
        after: core::time::Duration,
    ) -> Option<Incident> {
        let open = |case: &&mut Case| case.incident.open && case.blind == Some(watched);
        let incident = &mut self.cases.iter_mut().find(open)?.incident;
        incident.open = false;
        incident.last = incident.last.max(now);
        incident.title.push_str(&format!("; over after {} min", after.as_secs().div_euclid(60).max(1)));
        incident.revision += 1;
        Some(incident.clone())
    }

    /// The open incidents of blindness, and since when.
    pub(crate) fn blind(&self) -> Vec<((Reason, u16), Timestamp)> {
        self.open().filter_map(|case| Some((case.blind?, case.incident.first))).collect()
    }

    /// A judgement repeated itself: counted, not told.
    pub(crate) fn repeat(&mut self, id: &IncidentId, time: Timestamp) {
        if let Some(case) = self.cases.iter_mut().rev().find(|case| case.incident.id == *id) {
            case.repeats += 1;
            case.active = case.active.max(time);
            case.incident.last = case.incident.last.max(time);
        }
    }

    /// The enforcer told what became of an order: whether an incident is contained is part of its title.
    pub(crate) fn enforced(&mut self, order: &Order, report: &Report, site: &Site) -> Option<Incident> {
        let id = order.incident.as_ref()?;
        let case = self.cases.iter_mut().rev().find(|case| case.incident.id == *id)?;
        let contained = matches!(report.state, OrderState::Provisional | OrderState::Kept);
        if case.contained == contained {
            return None;
        }
        case.contained = contained;
        case.tell(site);
        Some(case.incident.clone())
    }

    /// A moment before which no incident closes: what happens meanwhile only puts closing off.
    pub(crate) const fn next_deadline(&self) -> Option<Timestamp> {
        self.earliest
    }

    /// Closes what is due at `now`, in the order of creation.
    pub(crate) fn advance(&mut self, now: Timestamp, site: &Site) -> Vec<Incident> {
        let quiet = self.settings.correlation;
        let due = |case: &&mut Case| {
            case.incident.open && case.blind.is_none() && case.active.saturating_add(quiet) <= now
        };
        let closed = self.cases.iter_mut().filter(due).map(|case| case.close(site)).collect();
        self.reckon();
        closed
    }

    /// Tells repetitions not told yet, at the end of a capture.
    pub(crate) fn finish(&mut self, site: &Site) -> Vec<Incident> {
        let untold = |case: &&mut Case| case.repeats != case.told_repeats;
        self.cases
            .iter_mut()
            .filter(untold)
            .map(|case| {
                case.tell(site);
                case.incident.clone()
            })
            .collect()
    }

    /// All incidents, in the order of creation.
    pub(crate) fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.cases.iter().map(|case| &case.incident)
    }

    pub(crate) fn cases(&self) -> &[Case] {
        &self.cases
    }

    pub(crate) fn restore(&mut self, cases: Vec<Case>) {
        self.cases = cases;
        self.reckon();
    }

    /// Takes over an incident that was told after the checkpoint one resumed from, so that what goes on joins it.
    pub(crate) fn adopt(&mut self, incident: Incident) {
        if let Some(case) = self.cases.iter_mut().find(|case| case.incident.id == incident.id) {
            if incident.revision > case.incident.revision {
                case.active = case.active.max(incident.last);
                case.incident = incident;
            }
            self.reckon();
            return;
        }
        let mut talkers = incident.talkers.iter().copied();
        let attackers = talkers.next().into_iter().collect();
        self.cases.push(Case {
            space: AddressSpace::default(),
            attackers,
            targets: talkers.collect(),
            stranger: None,
            deeds: BTreeMap::new(),
            order: Vec::new(),
            detectors: BTreeSet::new(),
            active: incident.last,
            repeats: 0,
            told_repeats: 0,
            contained: false,
            blind: None,
            passing: false,
            stopped: 0,
            incident,
        });
        self.reckon();
    }

    /// Whether an open incident is of a client's doing, or about a server.
    pub(crate) fn suspects(&self, space: AddressSpace, client: Talker, server: Option<Talker>) -> bool {
        self.about(space).any(|case| {
            let named = |talker| case.attackers.contains(talker) || case.targets.contains(talker);
            case.attackers.contains(&client) || server.as_ref().is_some_and(named)
        })
    }

    /// Whether in an open incident somebody did more to a talker than to appear and to speak to it.
    pub(crate) fn struck(&self, space: AddressSpace, talker: Talker) -> bool {
        let more = |id: &String| !matches!(id.as_str(), "new-talker" | "new-conversation");
        self.about(space).any(|case| case.targets.contains(&talker) && case.detectors.iter().any(more))
    }

    /// The open incidents about talkers of an address space.
    fn about(&self, space: AddressSpace) -> impl Iterator<Item = &Case> {
        self.open().filter(move |case| case.blind.is_none() && case.space == space)
    }

    fn open(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| case.incident.open)
    }

    fn reckon(&mut self) {
        let quiet = self.settings.correlation;
        let closing = self.open().filter(|case| case.blind.is_none());
        self.earliest = closing.map(|case| case.active.saturating_add(quiet)).min();
    }

    fn find(&self, fact: &Fact<'_>) -> Option<usize> {
        let alert = fact.alert;
        // What is done for good, even to a target of the crowd, or by one of it, is worked on by itself.
        let fits = |case: &Case| fact.passing || !case.is_crowd();
        let open = |case: &Case| {
            case.incident.open && case.blind.is_none() && case.space == alert.space && fits(case)
        };
        let bursts = |case: &Case| {
            fact.passing && case.passing && (case.is_crowd() || alert.time.since(case.active) <= BURST)
        };
        let by =
            |shares: &dyn Fn(&Case) -> bool| self.cases.iter().rposition(|case| open(case) && shares(case));
        let swapped = |case: &Case| {
            let answers = alert.server.is_none_or(|server| case.attackers.contains(&server));
            case.targets.contains(&alert.client) && answers
        };
        by(&|case| case.attackers.contains(&alert.client))
            .or_else(|| by(&|case| alert.server.is_some_and(|server| case.targets.contains(&server))))
            .or_else(|| by(&swapped))
            .or_else(|| by(&bursts))
    }

    fn make_room(&mut self) -> Option<Incident> {
        if self.cases.len() >= MAX_KNOWN
            && let Some(oldest) = self.cases.iter().position(|case| !case.incident.open)
        {
            self.cases.remove(oldest);
        }
        if self.open().count() < MAX_OPEN {
            return None;
        }
        let quietest =
            self.cases.iter_mut().filter(|case| case.incident.open).min_by_key(|case| case.active)?;
        quietest.incident.open = false;
        quietest.incident.revision += 1;
        Some(quietest.incident.clone())
    }
}

impl Case {
    fn open(fact: &Fact<'_>) -> Self {
        let alert = fact.alert;
        let id = IncidentId(Digest::new().with("incident").with(&alert.id.0).short());
        let incident = Incident {
            id,
            revision: 0,
            first: alert.time,
            last: alert.time,
            severity: alert.severity,
            score: 0,
            addends: Vec::new(),
            story: Vec::new(),
            talkers: Vec::new(),
            alerts: 0,
            techniques: Vec::new(),
            title: String::new(),
            open: true,
        };
        Self {
            incident,
            space: alert.space,
            attackers: Vec::new(),
            targets: Vec::new(),
            stranger: fact.stranger,
            deeds: BTreeMap::new(),
            order: Vec::new(),
            detectors: BTreeSet::new(),
            active: alert.time,
            repeats: 0,
            told_repeats: 0,
            contained: false,
            blind: None,
            passing: fact.passing,
            stopped: 0,
        }
    }

    fn add(&mut self, fact: &Fact<'_>) {
        let alert = fact.alert;
        let incident = &mut self.incident;
        incident.alerts += 1;
        incident.last = incident.last.max(alert.time);
        incident.severity = incident.severity.max(alert.severity);
        let mut techniques: BTreeSet<Technique> = incident.techniques.drain(..).collect();
        techniques.extend(alert.techniques.iter().cloned());
        incident.techniques = techniques.into_iter().collect();
        self.active = self.active.max(alert.time);
        self.passing &= fact.passing;
        self.detectors.insert(alert.detector.clone());
        self.stopped += u32::from(resume::is_stop(&alert.detector));
        let deed = title::Deed::of(alert);
        if !self.deeds.contains_key(&deed) {
            self.order.push((alert.time, deed));
        }
        let done_to = self.deeds.entry(deed).or_default();
        if let Some(server) = alert.server {
            add_talker(done_to, server);
        }
        if !self.targets.contains(&alert.client) || self.attackers.is_empty() {
            add_talker(&mut self.attackers, alert.client);
        }
        if let Some(server) = alert.server
            && !self.attackers.contains(&server)
        {
            add_talker(&mut self.targets, server);
        }
    }

    /// Whether this is a crowd of strangers: addresses can be made up faster than anyone reads.
    const fn is_crowd(&self) -> bool {
        self.passing && self.attackers.len() >= CROWD
    }

    /// Brings what is told up to date and counts the revision up.
    fn tell(&mut self, site: &Site) {
        let mut talkers = self.attackers.clone();
        talkers.extend(self.targets.iter().copied());
        self.incident.talkers = talkers;
        if !self.deeds.is_empty() {
            self.incident.addends = score::addends(self, site);
            self.incident.score = score::sum(&self.incident.addends);
            self.incident.title = title::title(self, site);
            self.incident.story = title::story(self, site);
        }
        self.told_repeats = self.repeats;
        self.incident.revision += 1;
    }

    fn close(&mut self, site: &Site) -> Incident {
        self.incident.open = false;
        self.tell(site);
        self.incident.clone()
    }
}

fn add_talker(talkers: &mut Vec<Talker>, talker: Talker) {
    if talkers.len() < MAX_TALKERS && !talkers.contains(&talker) {
        talkers.push(talker);
    }
}
