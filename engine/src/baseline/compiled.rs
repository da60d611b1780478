//! The baseline as the engine judges by it: sorted intervals, found once per conversation.

use core::fmt;
use std::collections::BTreeMap;

use fieldwarden_model::{AddressSpace, Mac, Point, PointRange, Talker, operation::Space};
use fieldwarden_protocols::Notation;

use super::{Baseline, Entry, Envelope, Pace, ReadMotion, merge, quiet::Index, reads};
use crate::conversation::{ConversationKey, ServiceKey};

/// A baseline, ready to judge.
#[derive(Debug)]
pub(crate) struct Compiled {
    talkers: BTreeMap<(AddressSpace, Talker), Option<Mac>>,
    entries: Vec<CompiledEntry>,
    /// Positions of entries, in the order of their keys: small, for there may be a hundred thousand.
    by_key: Vec<u32>,
    /// Who writes to whom, sorted: server, then client, and where its entry stands.
    masters: Box<[(AddressSpace, Talker, Talker, u32)]>,
    /// What is told quietly.
    pub(crate) quiet: Index,
}

/// One conversation of the baseline: what judging asks for and no more, since a large plant has a hundred thousand. Names of
/// functions are for people, and stay in the file.
#[derive(Debug)]
pub(crate) struct CompiledEntry {
    /// What it allows.
    pub(crate) key: ConversationKey,
    /// Where a person gave it another name than its key.
    name: Option<Box<str>>,
    /// The usual milliseconds between two polls.
    pub(crate) period_ms: Option<u64>,
    /// The most refusals in one minute that are normal.
    pub(crate) refusals_per_minute: u64,
    /// How lively it is.
    pub(crate) pace: Pace,
    /// Breaks of the protocol that are normal here.
    oddities: Box<[Box<str>]>,
    /// Codes, sorted.
    functions: Box<[u32]>,
    /// Sorted, neighbours merged.
    read: Box<[PointRange]>,
    /// Sorted, neighbours merged.
    written: Box<[PointRange]>,
    /// In the order in which they are searched.
    envelopes: Box<[Envelope]>,
    /// In the order in which they are searched.
    motion: Box<[ReadMotion]>,
}

impl Compiled {
    pub(crate) fn new(baseline: Baseline) -> Self {
        let talkers = baseline.talkers.iter().map(|known| ((known.space, known.talker), known.mac)).collect();
        let mut entries: Vec<_> = baseline.conversations.into_iter().filter_map(CompiledEntry::new).collect();
        entries.shrink_to_fit();
        let mut by_key: Vec<u32> = (0..).take(entries.len()).collect();
        let key = |at: &u32| entries.get(*at as usize).map(|entry| entry.key);
        // Where two entries have one key the later one counts: it comes first.
        by_key.sort_by_key(|at| (key(at), core::cmp::Reverse(*at)));
        let master = |(entry, at): (&CompiledEntry, u32)| {
            let service = &entry.key.service;
            entry.controls().then_some((service.space, service.server, service.client, at))
        };
        let mut masters: Vec<_> = entries.iter().zip(0..).filter_map(master).collect();
        masters.sort_unstable();
        masters.dedup_by_key(|(space, server, client, _)| (*space, *server, *client));
        let quiet = Index::new(baseline.quiet);
        Self { talkers, entries, by_key, masters: masters.into_boxed_slice(), quiet }
    }

    /// Whether this talker belongs here.
    pub(crate) fn knows_talker(&self, space: AddressSpace, talker: Talker) -> bool {
        self.talkers.contains_key(&(space, talker))
    }

    /// The known talker that was heard with this hardware address.
    pub(crate) fn talker_of(&self, mac: Mac) -> Option<Talker> {
        self.talkers.iter().find(|(_, known)| **known == Some(mac)).map(|((_, talker), _)| *talker)
    }

    /// The hardware address a talker was learned with.
    pub(crate) fn mac_of(&self, space: AddressSpace, talker: Talker) -> Option<Mac> {
        self.talkers.get(&(space, talker)).copied().flatten()
    }

    /// How many talkers were learned with this hardware address: a router speaks for many.
    pub(crate) fn spoken_for(&self, space: AddressSpace, mac: Mac) -> usize {
        self.talkers.iter().filter(|((of, _), known)| *of == space && **known == Some(mac)).count()
    }

    /// Whether a talker serves anyone by this protocol.
    pub(crate) fn serves(&self, space: AddressSpace, server: Talker, protocol: &str) -> bool {
        self.entries.iter().any(|entry| {
            let service = &entry.key.service;
            (service.space, service.server) == (space, server) && entry.key.protocol.name() == protocol
        })
    }

    /// Whether anybody serves by this protocol.
    pub(crate) fn serves_any(&self, space: AddressSpace, protocol: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.key.service.space == space && entry.key.protocol.name() == protocol)
    }

    /// Whether a protocol is spoken anywhere within a service.
    pub(crate) fn speaks(&self, service: &ServiceKey, protocol: &str) -> bool {
        let after = self.by_key.partition_point(|at| {
            self.entries.get(*at as usize).is_some_and(|entry| entry.key.service < *service)
        });
        let entries = self.by_key.iter().skip(after).filter_map(|at| self.entries.get(*at as usize));
        let mut own = entries.take_while(|entry| entry.key.service == *service);
        own.any(|entry| entry.key.protocol.name() == protocol)
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

    /// Who controls a server: the first who writes to it.
    pub(crate) fn master_of(&self, space: AddressSpace, server: Talker) -> Option<Talker> {
        self.first_master(space, server).map(|(_, _, client, _)| *client)
    }

    /// The entry by which somebody controls a server, as an alert cites it.
    pub(crate) fn master_entry(&self, space: AddressSpace, server: Talker) -> Option<String> {
        let entry = self.entries.get(self.first_master(space, server)?.3 as usize)?;
        let notation = fieldwarden_protocols::dissector(entry.key.protocol.name()).map(|d| d.notation());
        Some(entry.cite_writes(notation))
    }

    /// Whether a client writes to a server.
    pub(crate) fn controls(&self, space: AddressSpace, client: Talker, server: Talker) -> bool {
        let pair = (space, server, client);
        self.masters
            .binary_search_by_key(&pair, |(space, server, client, _)| (*space, *server, *client))
            .is_ok()
    }

    fn first_master(
        &self,
        space: AddressSpace,
        server: Talker,
    ) -> Option<&(AddressSpace, Talker, Talker, u32)> {
        let at = self.masters.partition_point(|master| (master.0, master.1) < (space, server));
        self.masters.get(at).filter(|master| (master.0, master.1) == (space, server))
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
    pub(super) fn new(entry: Entry) -> Option<Self> {
        let key = entry.key()?;
        let mut functions: Vec<u32> = entry.functions.iter().map(|function| function.code).collect();
        functions.sort_unstable();
        let mut written: Vec<PointRange> = entry.writes.iter().map(|envelope| envelope.points).collect();
        merge(&mut written);
        let mut read = entry.reads;
        merge(&mut read);
        let mut envelopes = entry.writes;
        envelopes.sort_by_key(place);
        Some(Self {
            name: Some(entry.id).filter(|id| !reads(&key, id)).map(String::into_boxed_str),
            key,
            period_ms: entry.period_ms,
            refusals_per_minute: entry.refusals_per_minute,
            pace: entry.pace,
            oddities: entry.oddities.into_iter().map(String::into_boxed_str).collect(),
            functions: functions.into_boxed_slice(),
            read: read.into_boxed_slice(),
            written: written.into_boxed_slice(),
            envelopes: envelopes.into_boxed_slice(),
            motion: reads::sorted(entry.motion),
        })
    }

    /// What the baseline calls the entry.
    pub(crate) fn id(&self) -> String {
        self.name.as_ref().map_or_else(|| self.key.to_string(), ToString::to_string)
    }

    /// All points written here, sorted, neighbours merged.
    pub(super) fn written(&self) -> &[PointRange] {
        &self.written
    }

    /// The envelopes in the order in which they are searched.
    pub(crate) fn envelopes(&self) -> &[Envelope] {
        &self.envelopes
    }

    /// How the values move that are read, in the order in which they are searched.
    pub(super) fn motion(&self) -> &[ReadMotion] {
        &self.motion
    }

    /// How the value moves that is read at a point.
    pub(crate) fn motion_of(&self, point: Point, step: u16) -> Option<&ReadMotion> {
        reads::line_of(&self.motion, point, step)
    }

    /// Whether this break of the protocol is normal here.
    pub(crate) fn knows_oddity(&self, code: &str) -> bool {
        self.oddities.iter().any(|known| **known == *code)
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
        covers(&self.written, points)
    }

    /// Whether all these points are read here. An entry that lists none leaves them open.
    #[inline]
    pub(crate) fn covers_read(&self, points: &PointRange) -> bool {
        self.read.is_empty() || covers(&self.read, points)
    }

    /// Whether all these points are listed as read here.
    pub(crate) fn polls(&self, points: &PointRange) -> bool {
        covers(&self.read, points)
    }

    /// How many points are read here.
    pub(crate) fn points_read(&self) -> u64 {
        let size = |range: &PointRange| range.last.saturating_sub(range.first).saturating_add(1);
        self.read.iter().map(size).fold(0, u64::saturating_add)
    }

    /// Whether the client writes or commands here.
    pub(crate) fn controls(&self) -> bool {
        !self.written.is_empty()
    }

    /// The values normally written to the point at which a value of this step begins.
    pub(crate) fn envelope(&self, point: Point, step: u16) -> Option<&Envelope> {
        let wanted = (point.space, step, phase(point.index, step), point.index);
        let after = self.envelopes.partition_point(|envelope| place(envelope) <= wanted);
        let envelope = self.envelopes.get(after.checked_sub(1)?)?;
        let (space, own_step, own_phase, _) = place(envelope);
        let fits = (space, own_step, own_phase) == (wanted.0, wanted.1, wanted.2)
            && point.index <= envelope.points.last;
        fits.then_some(envelope)
    }

    /// The id with what concerns writes, as an alert cites it.
    pub(crate) fn cite_writes(&self, notation: Option<&dyn Notation>) -> String {
        let mut text = format!("{}: writes ", self.id());
        match (&*self.written, notation) {
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

    /// The id with how often is written, as an alert cites it.
    pub(crate) fn cite_write_rate(&self) -> String {
        let id = self.id();
        self.pace.writes_per_minute.map_or(id.clone(), |most| format!("{id}: at most {most} writes a minute"))
    }

    /// The id with the functions used, as an alert cites it.
    pub(crate) fn cite_functions(&self) -> String {
        let codes: Vec<String> = self.functions.iter().map(|code| super::function_text(*code)).collect();
        format!(
            "{}: functions {}",
            self.id(),
            if codes.is_empty() { "none".into() } else { codes.join(", ") }
        )
    }
}

impl Envelope {
    /// Whether a value may be written, whatever was written before it.
    #[inline]
    pub(crate) fn allows(&self, value: fieldwarden_model::Value) -> bool {
        self.allowed.allows(value)
    }
}

/// Whether something reads like this text, without writing it down.
fn reads(thing: &impl fmt::Display, text: &str) -> bool {
    struct Left<'a>(&'a str);
    impl fmt::Write for Left<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut left = Left(text);
    fmt::Write::write_fmt(&mut left, format_args!("{thing}")).is_ok() && left.0.is_empty()
}

/// Whether one of these ranges, sorted and merged, holds all these points.
#[inline]
fn covers(ranges: &[PointRange], points: &PointRange) -> bool {
    let after = ranges.partition_point(|range| (range.space, range.first) <= (points.space, points.first));
    let before = after.checked_sub(1).and_then(|at| ranges.get(at));
    before.is_some_and(|range| range.contains(points))
}

/// Ranges cited in one alert.
const CITED: usize = 6;

/// Where an envelope stands among those of its conversation.
pub(super) fn place(envelope: &Envelope) -> (Space, u16, u16, u64) {
    place_of(&envelope.points, envelope.step)
}

/// Where points stand whose values span so many of them.
pub(crate) fn place_of(points: &PointRange, step: u16) -> (Space, u16, u16, u64) {
    (points.space, step, phase(points.first, step), points.first)
}

/// At which of the `step` points of a value a point lies, counted from point 0.
fn phase(first: u64, step: u16) -> u16 {
    // A division less for what almost all values are: one point wide.
    if step <= 1 { 0 } else { u16::try_from(first % u64::from(step)).unwrap_or(0) }
}
