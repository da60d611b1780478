//! The baseline as the engine judges by it: sorted intervals, found once per conversation.

use std::collections::BTreeMap;

use fieldwarden_model::{AddressSpace, Mac, Point, PointRange, Talker, operation::Space};
use fieldwarden_protocols::Notation;

use super::{Baseline, Entry, Envelope, merge, order};
use crate::conversation::{ConversationKey, ServiceKey};

/// A baseline, ready to judge.
#[derive(Debug)]
pub(crate) struct Compiled {
    talkers: BTreeMap<(AddressSpace, Talker), Option<Mac>>,
    entries: Vec<CompiledEntry>,
    /// Positions of entries, in the order of their keys: small, for there may be a hundred thousand.
    by_key: Vec<u32>,
}

/// One conversation of the baseline.
#[derive(Debug)]
pub(crate) struct CompiledEntry {
    /// What it allows.
    pub(crate) key: ConversationKey,
    /// As the person wrote it, but for the order of what is written: a large plant has hundreds of thousands of
    /// envelopes, which are kept once, in the order in which they are searched.
    pub(crate) entry: Entry,
    functions: Vec<u32>,
    written: Vec<PointRange>,
}

impl Compiled {
    pub(crate) fn new(baseline: Baseline) -> Self {
        let talkers = baseline.talkers.iter().map(|known| ((known.space, known.talker), known.mac)).collect();
        let entries: Vec<_> = baseline.conversations.into_iter().filter_map(CompiledEntry::new).collect();
        let mut by_key: Vec<u32> = (0..).take(entries.len()).collect();
        let key = |at: &u32| entries.get(*at as usize).map(|entry| entry.key);
        // Where two entries have one key the later one counts: it comes first.
        by_key.sort_by_key(|at| (key(at), core::cmp::Reverse(*at)));
        Self { talkers, entries, by_key }
    }

    /// Whether this talker belongs here.
    pub(crate) fn knows_talker(&self, space: AddressSpace, talker: Talker) -> bool {
        self.talkers.contains_key(&(space, talker))
    }

    /// The known talker that was heard with this hardware address.
    pub(crate) fn talker_of(&self, mac: Mac) -> Option<Talker> {
        self.talkers.iter().find(|(_, known)| **known == Some(mac)).map(|((_, talker), _)| *talker)
    }

    /// Whether a client normally uses this service, whatever is spoken there.
    pub(crate) fn knows_service(&self, service: &ServiceKey) -> bool {
        self.first_from(|key| key.service < *service).is_some_and(|(_, key)| key.service == *service)
    }

    /// The entry of a conversation, by position.
    pub(crate) fn position(&self, key: &ConversationKey) -> Option<usize> {
        self.first_from(|other| other < key).filter(|(_, other)| *other == *key).map(|(at, _)| at)
    }

    /// The position and the key of the first entry, in the order of keys, that does not come before.
    fn first_from(&self, is_before: impl Fn(&ConversationKey) -> bool) -> Option<(usize, ConversationKey)> {
        let key = |at: u32| self.entries.get(at as usize).map(|entry| entry.key);
        let place = self.by_key.partition_point(|at| key(*at).is_some_and(|key| is_before(&key)));
        let at = *self.by_key.get(place)?;
        Some((at as usize, key(at)?))
    }

    /// The entry at a position.
    pub(crate) fn entry(&self, position: usize) -> Option<&CompiledEntry> {
        self.entries.get(position)
    }

    /// The entry that comes closest to a conversation, for people: the same pair, the same service of another client,
    /// the same server, the same client, in this order.
    pub(crate) fn nearest(&self, key: &ConversationKey) -> Option<&CompiledEntry> {
        let service = &key.service;
        let likeness = |entry: &&CompiledEntry| {
            let other = &entry.key.service;
            let same = |yes: bool, weight: u32| if yes { weight } else { 0 };
            same(other.server == service.server, 8)
                + same(other.client == service.client, 6)
                + same(other.port == service.port && other.transport == service.transport, 3)
                + same(entry.key.protocol == key.protocol, 2)
                + same(entry.key.unit == key.unit, 1)
        };
        let close = |entry: &&CompiledEntry| {
            entry.key.service.server == service.server || entry.key.service.client == service.client
        };
        // The first of equals wins: entries stand in the order of the file, which is canonical.
        self.entries.iter().filter(close).rev().max_by_key(likeness)
    }
}

impl CompiledEntry {
    fn new(mut entry: Entry) -> Option<Self> {
        let mut functions: Vec<u32> = entry.functions.iter().map(|function| function.code).collect();
        functions.sort_unstable();
        let mut written: Vec<PointRange> = entry.writes.iter().map(|envelope| envelope.points).collect();
        merge(&mut written);
        written.shrink_to_fit();
        entry.writes.sort_by_key(place);
        Some(Self { key: entry.key()?, entry, functions, written })
    }

    /// The functions used here whose codes are below 128, one bit each: nearly all there are.
    pub(crate) fn common_functions(&self) -> u128 {
        self.functions.iter().filter(|code| **code < 128).fold(0, |bits, code| bits | 1 << code)
    }

    /// Whether this function is used here.
    pub(crate) fn knows_function(&self, code: u32) -> bool {
        self.functions.binary_search(&code).is_ok()
    }

    /// Whether all these points are written here.
    pub(crate) fn covers_write(&self, points: &PointRange) -> bool {
        let after =
            self.written.partition_point(|range| (range.space, range.first) <= (points.space, points.first));
        let before = after.checked_sub(1).and_then(|at| self.written.get(at));
        before.is_some_and(|range| range.contains(points))
    }

    /// The values normally written to the point at which a value of this step begins.
    pub(crate) fn envelope(&self, point: Point, step: u16) -> Option<&Envelope> {
        let wanted = (point.space, step, phase(point.index, step), point.index);
        let envelopes = &self.entry.writes;
        let after = envelopes.partition_point(|envelope| place(envelope) <= wanted);
        let envelope = envelopes.get(after.checked_sub(1)?)?;
        let (space, own_step, own_phase, _) = place(envelope);
        let fits = (space, own_step, own_phase) == (wanted.0, wanted.1, wanted.2)
            && point.index <= envelope.points.last;
        fits.then_some(envelope)
    }

    /// The id with what concerns writes, as an alert cites it.
    pub(crate) fn cite_writes(&self, notation: Option<&dyn Notation>) -> String {
        let mut text = format!("{}: writes ", self.entry.id);
        match (self.written.as_slice(), notation) {
            ([], _) => text.push_str("nothing"),
            (ranges, Some(notation)) => {
                for (n, range) in ranges.iter().take(CITED).enumerate() {
                    if n > 0 {
                        text.push_str(", ");
                    }
                    // Writing to a String cannot fail.
                    let _ = notation.write(range, &mut text);
                }
                if ranges.len() > CITED {
                    text.push_str(", ..");
                }
            }
            (ranges, None) => text.push_str(&format!("{} ranges", ranges.len())),
        }
        text
    }

    /// The id with the functions used, as an alert cites it.
    pub(crate) fn cite_functions(&self) -> String {
        let names: Vec<String> = self.entry.functions.iter().map(|f| super::function_text(f.code)).collect();
        format!(
            "{}: functions {}",
            self.entry.id,
            if names.is_empty() { "none".into() } else { names.join(", ") }
        )
    }
}

impl Envelope {
    /// Whether a value lies within what was seen. An entry without bounds allows every value.
    pub(crate) fn allows(&self, value: fieldwarden_model::Value) -> bool {
        let least = self.minimum.is_none_or(|minimum| order(minimum, value).is_le());
        least && self.maximum.is_none_or(|maximum| order(value, maximum).is_le())
    }
}

/// Ranges cited in one alert.
const CITED: usize = 6;

/// Where an envelope stands among those of its conversation.
fn place(envelope: &Envelope) -> (Space, u16, u16, u64) {
    let Envelope { points, step, .. } = envelope;
    (points.space, *step, phase(points.first, *step), points.first)
}

/// At which of the `step` points of a value a point lies, counted from point 0.
fn phase(first: u64, step: u16) -> u16 {
    // A division less for what almost all values are: one point wide.
    if step <= 1 { 0 } else { u16::try_from(first % u64::from(step)).unwrap_or(0) }
}
