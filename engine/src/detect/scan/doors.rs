//! The doors that clients tried of late.

use std::collections::{BTreeMap, BTreeSet};

use core::time::Duration;

use fieldwarden_model::{AddressSpace, FrameRef, Talker, Timestamp, Transport};

use super::Settings;
use crate::detect::{Door, Tried, sight::Sort};

/// Clients remembered, each with one manner of trying; when full, the sixteenth part with the fewest doors is forgotten.
const MAX_CLIENTS: usize = 1_024;
/// Doors remembered of one client; beyond it one that was answered is forgotten, else the new one is not remembered.
const MAX_DOORS: usize = 128;
/// The same of all strangers together.
const MAX_DOORS_OF_ALL: usize = 512;
/// Doors for each of those that share a scan: addresses made up for a flood have one.
const EACH: usize = 3;
/// Frames an alert cites.
const MAX_FRAMES: usize = 8;
/// A door without an answer for this long is counted. A second: controllers answer within a tenth.
const PATIENCE: Duration = Duration::from_secs(1);

/// How a client tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Manner {
    Addresses,
    Ports,
    Units,
    Selectors,
}

impl Manner {
    const fn of(sort: Sort) -> Self {
        match sort {
            Sort::Address => Self::Addresses,
            Sort::Port => Self::Ports,
            Sort::Unit(_) => Self::Units,
            Sort::Selector(_) => Self::Selectors,
        }
    }

    /// The name under which a series is the same thing as another.
    pub(super) const fn code(self, of_many: bool) -> &'static str {
        match (self, of_many) {
            (Self::Addresses, false) => "addresses",
            (Self::Ports, false) => "ports",
            (Self::Units, false) => "units",
            (Self::Selectors, false) => "selectors",
            (Self::Addresses, true) => "addresses-by-many",
            (Self::Ports, true) => "ports-by-many",
            (Self::Units, true) => "units-by-many",
            (Self::Selectors, true) => "selectors-by-many",
        }
    }
}

/// A series that is worth telling.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) manner: Manner,
    pub(super) vain: usize,
    pub(super) servers: usize,
    pub(super) ports: usize,
    pub(super) clients: usize,
    pub(super) frames: Vec<FrameRef>,
}

/// Who tried what.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    clients: BTreeMap<(AddressSpace, Talker, Manner), Tally>,
    strangers: BTreeMap<(AddressSpace, Manner), Tally>,
}

type DoorKey = (Talker, Transport, Option<u16>, Sort);

#[derive(Debug, Default)]
struct Tally {
    doors: BTreeMap<DoorKey, State>,
    last: Timestamp,
    told: Option<Timestamp>,
    /// When the doors of all strangers were last looked at.
    looked: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct State {
    tried: Tried,
    first: Timestamp,
    frame: FrameRef,
    client: Talker,
}

impl Memory {
    /// Notes a door; the series of its client, and that of all strangers, where they are news.
    pub(super) fn tried(&mut self, door: &Door, settings: &Settings, stranger: bool) -> [Option<Counted>; 2] {
        let manner = Manner::of(door.sort);
        let key = (door.space, door.client.talker, manner);
        let own = self.clients.entry(key).or_default();
        own.note(door, MAX_DOORS, settings.window);
        let counted = own.count(manner, door.time, settings.doors, settings.window, 1);
        if self.clients.len() > MAX_CLIENTS {
            self.forget_least();
        }
        if !stranger {
            return [counted, None];
        }
        let all = self.strangers.entry((door.space, manner)).or_default();
        // A flood knocks without end: once a second is soon enough to look at what all strangers did together.
        let many = all.doors.len() >= settings.doors_of_all as usize;
        let due = !many || door.time.since(all.looked) >= PATIENCE;
        if due || door.tried != Tried::Knocked {
            all.note(door, MAX_DOORS_OF_ALL, settings.window);
        }
        if !due {
            return [counted, None];
        }
        if many {
            all.looked = door.time;
        }
        let of_all = all.count(manner, door.time, settings.doors_of_all, settings.window, EACH);
        [counted, of_all.filter(|all| all.clients > 1)]
    }

    /// A client got an answer from an address it asked for.
    pub(super) fn is_there(&mut self, space: AddressSpace, client: Talker, address: Talker, time: Timestamp) {
        let door: DoorKey = (address, Transport::Link, None, Sort::Address);
        let own = self.clients.get_mut(&(space, client, Manner::Addresses));
        for tally in own.into_iter().chain(self.strangers.get_mut(&(space, Manner::Addresses))) {
            if let Some(state) = tally.doors.get_mut(&door) {
                state.tried = Tried::Answered;
                tally.last = tally.last.max(time);
            }
        }
    }

    fn forget_least(&mut self) {
        // A client made up for one try has one door.
        let mut least: Vec<_> =
            self.clients.iter().map(|(key, tally)| (tally.doors.len(), tally.last, *key)).collect();
        least.sort_unstable();
        for (_, _, key) in least.into_iter().take(MAX_CLIENTS / 16) {
            self.clients.remove(&key);
        }
    }
}

impl Tally {
    fn note(&mut self, door: &Door, most: usize, window: Duration) {
        let key = (door.server, door.transport, door.port, door.sort);
        self.last = door.time;
        if let Some(state) = self.doors.get_mut(&key) {
            // What was answered once is no door to try; what is tried again is no other door.
            if state.tried != Tried::Answered && door.tried != Tried::Knocked {
                state.tried = door.tried;
            }
            return;
        }
        // What becomes of a door is news where somebody was seen to try it.
        if door.tried != Tried::Knocked {
            return;
        }
        // Once a series is told, what follows is no news, and costs nothing.
        let told = self.told.is_some_and(|told| door.time.since(told) <= window);
        if self.doors.len() >= most && (told || !self.makes_room(door.time, window)) {
            return;
        }
        let fresh =
            State { tried: door.tried, first: door.time, frame: door.frame, client: door.client.talker };
        self.doors.insert(key, fresh);
    }

    /// Forgets what was answered first, else what lies before the window, the oldest of it; whether there was any. Doors that
    /// wait are kept, for whoever tries more of them in a second than there is room for must not push out his own.
    fn makes_room(&mut self, now: Timestamp, window: Duration) -> bool {
        let waits = |state: &State| state.tried != Tried::Answered;
        let oldest = self.doors.iter().map(|(key, state)| (waits(state), state.first, *key)).min();
        let spare = oldest.filter(|(waits, first, _)| !waits || now.since(*first) > window);
        spare.is_some_and(|(_, _, key)| self.doors.remove(&key).is_some())
    }

    /// The series, where it is one and was not told within the window.
    fn count(
        &mut self,
        manner: Manner,
        now: Timestamp,
        enough: u32,
        window: Duration,
        each: usize,
    ) -> Option<Counted> {
        let told = self.told.is_some_and(|told| now.since(told) <= window);
        if told || self.doors.len() < enough as usize {
            return None;
        }
        self.doors.retain(|_, state| now.since(state.first) <= window);
        let is_vain = |state: &State| match state.tried {
            Tried::InVain => true,
            Tried::Knocked => now.since(state.first) >= PATIENCE,
            Tried::Answered => false,
        };
        let vain: Vec<(&DoorKey, &State)> = self.doors.iter().filter(|(_, state)| is_vain(state)).collect();
        let answered = self.doors.values().filter(|state| state.tried == Tried::Answered).count();
        let clients = vain.iter().map(|(_, state)| state.client).collect::<BTreeSet<_>>().len();
        if vain.len() < enough as usize || vain.len() <= answered || vain.len() < clients * each {
            return None;
        }
        let mut frames: Vec<FrameRef> = vain.iter().map(|(_, state)| state.frame).collect();
        frames.sort_unstable();
        frames.dedup();
        let older = frames.len().saturating_sub(MAX_FRAMES);
        frames.drain(..older);
        self.told = Some(now);
        Some(Counted {
            manner,
            vain: vain.len(),
            servers: vain.iter().map(|(key, _)| key.0).collect::<BTreeSet<_>>().len(),
            ports: vain.iter().map(|(key, _)| key.2).collect::<BTreeSet<_>>().len(),
            clients,
            frames,
        })
    }
}
