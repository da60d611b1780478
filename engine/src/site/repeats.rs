//! What was told already: the same thing is told once and then counted.

use std::{collections::BTreeMap, time::Duration};

use fieldwarden_model::{AddressSpace, IncidentId, PointRange, Talker, Timestamp};
use fieldwarden_protocols::Protocol;

use crate::detect::{
    Finding, Settings, address_change, clear_text_credentials, new_conversation::ANSWERED, public_address,
    remote_access, scan,
};

/// Things told that are remembered; when full, the sixteenth part that was silent longest is forgotten.
pub(crate) const MAX_REPEATS: usize = 16_384;

/// What makes two findings the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RepeatKey {
    pub(crate) detector: &'static str,
    pub(crate) space: AddressSpace,
    pub(crate) client: Talker,
    pub(crate) server: Option<Talker>,
    pub(crate) port: Option<u16>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) unit: Option<u16>,
    pub(crate) function: Option<u32>,
    pub(crate) points: Option<PointRange>,
    /// A fingerprint of the code, so that a checkpoint can keep it.
    pub(crate) code: Option<u64>,
}

/// When a thing was told, when it last happened, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    pub(crate) told: Timestamp,
    pub(crate) last: Timestamp,
    /// How often it was told anew.
    pub(crate) anew: u32,
    /// Whether it was only counted, since there were too many of its kind.
    pub(crate) counted: bool,
    pub(crate) incident: IncidentId,
}

/// How many things one detector told about one pair of talkers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    since: Timestamp,
    count: u32,
    incident: IncidentId,
}

/// One detector and one pair of talkers.
type PairKey = (&'static str, AddressSpace, Option<Talker>, Option<Talker>);

/// Everything told of late.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    things: BTreeMap<RepeatKey, Repeat>,
    pairs: BTreeMap<PairKey, Pair>,
}

impl RepeatKey {
    pub(crate) fn of(finding: &Finding) -> Self {
        let is_new_conversation = finding.detector == "new-conversation";
        Self {
            detector: finding.detector,
            space: finding.space,
            client: finding.client.talker,
            server: finding.server.map(|server| server.talker),
            port: finding.server.and_then(|server| server.port),
            // A service told when its flow began is the same thing once its protocol is recognised.
            protocol: finding.protocol.filter(|_| !is_new_conversation),
            unit: finding.unit.filter(|_| !is_new_conversation),
            function: finding.bucket.function,
            points: finding.bucket.points,
            code: finding.bucket.code.map(fingerprint),
        }
    }

    /// The same under a work order, where it is under one.
    pub(crate) fn under(self, order: Option<&str>) -> Self {
        let Some(order) = order else { return self };
        Self { code: Some(self.code.unwrap_or(0) ^ fingerprint(order)), ..self }
    }

    fn pair(&self) -> PairKey {
        match self.detector {
            // Strangers without end are one thing: addresses can be made up faster than anyone reads.
            "new-talker" => (self.detector, self.space, None, None),
            // Whoever knocks at many doors is one thing, whichever doors they are.
            // Who was answered counts apart: who was made up must not hide it.
            "new-conversation" if self.code.is_some() => (ANSWERED, self.space, Some(self.client), None),
            "new-conversation" => (self.detector, self.space, Some(self.client), None),
            // Whoever takes the same address, from however many cards, does one thing to its holder.
            address_change::ID => (self.detector, self.space, None, self.server),
            // Whoever tries, reaches or names many is one thing.
            scan::ID | remote_access::ID | public_address::ID => {
                (self.detector, self.space, Some(self.client), None)
            }
            _ => (self.detector, self.space, Some(self.client), self.server),
        }
    }

    /// All strangers together.
    const fn crowd(&self) -> PairKey {
        (self.detector, self.space, None, None)
    }
}

impl Repeats {
    /// The incident of a thing that was told and need not be told again; it is counted there.
    pub(crate) fn repeated(
        &mut self,
        key: &RepeatKey,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<IncidentId> {
        let repeat = self.things.get_mut(key)?;
        let (quiet, longest) = match key.detector {
            "new-talker" => (settings.new_talker.repeat_quiet, settings.new_talker.repeat_quiet * 7),
            // That a password is readable does not become news by being used.
            clear_text_credentials::ID => {
                let quiet = settings.clear_text_credentials.repeat_quiet;
                (quiet, quiet * 7)
            }
            _ => {
                // Each time it is told anew the pause that makes it news doubles.
                let quiet = settings.repeat_quiet.saturating_mul(1 << repeat.anew.min(16));
                (quiet.min(settings.repeat_longest), settings.repeat_longest)
            }
        };
        let anew = now.since(repeat.last) > quiet || now.since(repeat.told) > longest;
        repeat.last = repeat.last.max(now);
        if anew { None } else { Some(repeat.incident.clone()) }
    }

    /// The incident of a pair about which the detector has told enough for now.
    pub(crate) fn too_many(
        &mut self,
        key: &RepeatKey,
        crowded: bool,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<IncidentId> {
        let crowd = settings.new_talker.alerts_per_window;
        let most = if key.detector == "new-talker" { crowd } else { settings.alerts_per_pair };
        let full = |key: PairKey, most: u32| {
            let pair = self.pairs.get(&key)?;
            let full = pair.count >= most && now.since(pair.since) <= settings.pair_window;
            full.then(|| pair.incident.clone())
        };
        full(key.pair(), most).or_else(|| if crowded { full(key.crowd(), crowd) } else { None })
    }

    /// Whether the beginning of a conversation was told, not merely counted.
    pub(crate) fn was_told(&self, answered: &RepeatKey) -> bool {
        let begun = RepeatKey { code: None, ..*answered };
        self.things.get(&begun).is_some_and(|repeat| !repeat.counted)
    }

    /// A thing was told.
    pub(crate) fn told(
        &mut self,
        key: RepeatKey,
        crowded: bool,
        now: Timestamp,
        incident: &IncidentId,
        window: Duration,
    ) {
        let crowd = (crowded && key.pair() != key.crowd()).then(|| key.crowd());
        for key in [Some(key.pair()), crowd].into_iter().flatten() {
            let fresh = Pair { since: now, count: 0, incident: incident.clone() };
            let pair = self.pairs.entry(key).or_insert_with(|| fresh.clone());
            if now.since(pair.since) > window {
                *pair = fresh;
            }
            pair.count += 1;
        }
        self.keep(key, now, incident.clone(), false);
    }

    /// A thing was counted instead of told; its repetitions are counted too.
    pub(crate) fn note(&mut self, key: RepeatKey, now: Timestamp, incident: IncidentId) {
        self.keep(key, now, incident, true);
    }

    fn keep(&mut self, key: RepeatKey, now: Timestamp, incident: IncidentId, counted: bool) {
        let anew = self.things.get(&key).map_or(0, |before| before.anew.saturating_add(1));
        self.things.insert(key, Repeat { told: now, last: now, anew, counted, incident });
        if self.things.len() > MAX_REPEATS {
            self.forget_stalest();
        }
    }

    /// For a checkpoint.
    pub(crate) fn things(&self) -> impl Iterator<Item = (&RepeatKey, &Repeat)> {
        self.things.iter()
    }

    /// From a checkpoint.
    pub(crate) fn restore(&mut self, key: RepeatKey, repeat: Repeat) {
        self.things.insert(key, repeat);
    }

    fn forget_stalest(&mut self) {
        let mut ages: Vec<(Timestamp, RepeatKey)> =
            self.things.iter().map(|(key, repeat)| (repeat.last, *key)).collect();
        ages.sort_unstable();
        for (_, key) in ages.into_iter().take(MAX_REPEATS / 16) {
            self.things.remove(&key);
        }
        let live: std::collections::BTreeSet<PairKey> =
            self.things.keys().flat_map(|key| [key.pair(), key.crowd()]).collect();
        self.pairs.retain(|key, _| live.contains(key));
    }
}

/// FNV-1a over the octets of a text: the same in every process.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
