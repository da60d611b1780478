//! The flows a tracker knows: found by one hash, let go by age.
//!
//! Age is the order of the last packet, to the second, kept in linked lists, never the order of the hash. A flow that goes on
//! moves to the young end of its list once a second, not with every packet: its neighbours there lie anywhere in memory.

use core::{
    hash::{Hash, Hasher},
    time::Duration,
};

use fieldwarden_model::{AddressSpace, Timestamp, Transport};

use crate::{
    budget::{ALLOCATION, push_sparingly},
    map::{Places, Seed},
};

/// No slot.
const NONE: u32 = u32::MAX;

/// Both ends of a flow, the lower one first, so that both directions find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    low: u128,
    high: u128,
    /// The port of the lower end above that of the higher one.
    ports: u32,
    /// The transport above the address space.
    place: u32,
}

impl Pair {
    /// The pair of two ends, and whether the first is the lower one.
    pub(super) fn of(
        first: (u128, u16),
        second: (u128, u16),
        space: AddressSpace,
        transport: Transport,
    ) -> (Self, bool) {
        let first_is_low = first <= second;
        let (low, high) = if first_is_low { (first, second) } else { (second, first) };
        let transport: u32 = match transport {
            Transport::Tcp => 0,
            Transport::Udp => 1,
            Transport::Link => 2,
        };
        let ports = u32::from(low.1) << 16 | u32::from(high.1);
        let place = transport << 16 | u32::from(space.0);
        (Self { low: low.0, high: high.0, ports, place }, first_is_low)
    }
}

impl Hash for Pair {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.low);
        state.write_u128(self.high);
        state.write_u64(u64::from(self.place) << 32 | u64::from(self.ports));
    }
}

/// How soon a flow may be let go; the first list goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// Ended; remembered for its stragglers.
    Ended,
    /// Neither answered nor recognised.
    Unsettled,
    /// Answered or recognised.
    Settled,
}

impl Age {
    pub(super) const ALL: [Self; 3] = [Self::Ended, Self::Unsettled, Self::Settled];
}

#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
}

#[derive(Debug)]
struct Slot<T> {
    flow: Option<Box<T>>,
    /// When it came to its place in the list.
    placed: Timestamp,
    older: u32,
    newer: u32,
    age: Age,
    pair: Pair,
}

/// How much younger a flow may be than its place in the list says.
pub(super) const GRAIN: Duration = Duration::from_secs(1);

/// Flows by pair and by age.
#[derive(Debug)]
pub(super) struct Table<T> {
    places: Places,
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    lists: [List; 3],
}

impl<T> Table<T> {
    pub(super) const fn new(seed: Seed) -> Self {
        let list = List { oldest: NONE, newest: NONE };
        Self { places: Places::new(seed), slots: Vec::new(), free: Vec::new(), lists: [list; 3] }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn find(&self, pair: &Pair) -> Option<u32> {
        self.places.find(pair, |at| self.is_of(at, pair))
    }

    fn is_of(&self, index: u32, pair: &Pair) -> bool {
        self.slots.get(index as usize).is_some_and(|slot| slot.pair == *pair)
    }

    /// Whether the flow of a pair sits at an index.
    pub(super) fn is_at(&self, index: u32, pair: &Pair) -> bool {
        self.slots.get(index as usize).is_some_and(|slot| slot.flow.is_some() && slot.pair == *pair)
    }

    /// The flow of a pair, where it sits at an index, is settled, and is not about to move in its list.
    #[inline]
    pub(super) fn at_ease(&mut self, index: u32, pair: &Pair, now: Timestamp) -> Option<&mut T> {
        let slot = self.slots.get_mut(index as usize)?;
        let moves = slot.age != Age::Settled || now.since(slot.placed) >= GRAIN;
        slot.flow.as_deref_mut().filter(|_| !moves && slot.pair == *pair)
    }

    /// The flow at an index.
    pub(super) fn flow(&self, index: u32) -> Option<&T> {
        self.slots.get(index as usize)?.flow.as_deref()
    }

    pub(super) fn insert(&mut self, pair: Pair, flow: Box<T>, now: Timestamp) -> u32 {
        let slot =
            Slot { flow: Some(flow), pair, placed: now, older: NONE, newer: NONE, age: Age::Unsettled };
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(place) = self.slots.get_mut(index as usize) {
                    *place = slot;
                }
                index
            }
            None => {
                push_sparingly(&mut self.slots, slot);
                u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
            }
        };
        let slots = &self.slots;
        self.places.insert(&pair, index, |at| slots.get(at as usize).map(|slot| slot.pair));
        self.link(index, Age::Unsettled);
        index
    }

    /// Takes a flow out to work on it; [`Table::put`] gives it back.
    pub(super) fn take(&mut self, index: u32) -> Option<Box<T>> {
        self.slots.get_mut(index as usize)?.flow.take()
    }

    /// Gives a flow back.
    pub(super) fn put(&mut self, index: u32, flow: Box<T>) {
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.flow = Some(flow);
        }
    }

    /// A packet of the flow was seen: it is among the newest of its list now.
    pub(super) fn touch(&mut self, index: u32, age: Age, now: Timestamp) {
        let Some(slot) = self.slots.get_mut(index as usize) else { return };
        if slot.age != age || now.since(slot.placed) >= GRAIN {
            slot.placed = now;
            self.unlink(index);
            self.link(index, age);
        }
    }

    /// Lets a flow go.
    pub(super) fn remove(&mut self, index: u32) -> Option<Box<T>> {
        self.unlink(index);
        let slot = self.slots.get_mut(index as usize)?;
        let flow = slot.flow.take();
        // Its pair stands in its place until another flow takes it.
        self.places.remove(&slot.pair, |at| at == index);
        self.free.push(index);
        flow
    }

    /// The flow of a list that was heard of longest ago, to the second, and when: at most [`GRAIN`] later than told.
    pub(super) fn oldest(&self, age: Age) -> Option<(u32, Timestamp)> {
        let index = self.list(age).oldest;
        self.slots.get(index as usize).map(|slot| (index, slot.placed))
    }

    /// All flows, list by list, oldest first.
    pub(super) fn indexes(&self) -> Vec<u32> {
        let mut all = Vec::with_capacity(self.len());
        for age in Age::ALL {
            let mut index = self.list(age).oldest;
            while let Some(slot) = self.slots.get(index as usize) {
                all.push(index);
                index = slot.newer;
            }
        }
        all
    }

    /// Octets one flow takes, by the sizes of what is kept of it, without what waits in it.
    pub(super) const fn octets_each() -> usize {
        size_of::<Slot<T>>() + Places::OCTETS_EACH + size_of::<T>() + ALLOCATION
    }

    /// Octets held by the table itself and its flows, without what the flows hold beyond their own size.
    pub(super) fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<T>>() + self.places.memory() + self.len() * size_of::<T>()
    }

    /// Visits every flow, in no particular order: for sums only.
    pub(super) fn flows(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.flow.as_deref())
    }

    /// Visits every flow to change it, in no particular order.
    pub(super) fn flows_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.flow.as_deref_mut())
    }

    fn list(&self, age: Age) -> List {
        let [ended, unsettled, settled] = self.lists;
        match age {
            Age::Ended => ended,
            Age::Unsettled => unsettled,
            Age::Settled => settled,
        }
    }

    fn list_mut(&mut self, age: Age) -> &mut List {
        let [ended, unsettled, settled] = &mut self.lists;
        match age {
            Age::Ended => ended,
            Age::Unsettled => unsettled,
            Age::Settled => settled,
        }
    }

    fn link(&mut self, index: u32, age: Age) {
        let newest = self.list(age).newest;
        if let Some(slot) = self.slots.get_mut(index as usize) {
            (slot.age, slot.older, slot.newer) = (age, newest, NONE);
        }
        match self.slots.get_mut(newest as usize) {
            Some(before) => before.newer = index,
            None => self.list_mut(age).oldest = index,
        }
        self.list_mut(age).newest = index;
    }

    fn unlink(&mut self, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else { return };
        let (age, older, newer) = (slot.age, slot.older, slot.newer);
        (slot.older, slot.newer) = (NONE, NONE);
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.list_mut(age).oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.list_mut(age).newest = older,
        }
    }
}
