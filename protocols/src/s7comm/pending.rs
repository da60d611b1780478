//! Jobs that wait for their answer, so that the answer can name what the job asked for.

use alloc::{collections::VecDeque, vec::Vec};

use super::{
    classify::Function,
    item::{Address, Item, Items, db_read_entries},
    pdu::count,
};
use crate::{anomaly::Anomaly, message::Direction};

/// Jobs kept per flow. Controllers agree on 1 to 64 parallel jobs per connection, most on 8 or less.
pub(super) const MAX_PENDING: usize = 64;
/// Addresses kept per flow, over all its pending jobs.
pub(super) const MAX_PENDING_ADDRESSES: usize = 2_048;
/// Jobs under way at once on most connections: the answer to one that was lost may come after those to as many later ones.
const PARALLEL: u8 = 8;
/// Before the first job, answers without one are those of a connection that was there before.
const NOTHING_ASKED: u8 = u8::MAX;
/// Addresses whose buffer is kept for the next job.
const MAX_SPARE: usize = 32;

/// What a job asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// The job's function.
    pub(super) function: Option<Function>,
    /// The addresses of its items, in order; an item that is no plain address has none.
    pub(super) targets: Vec<Target>,
    /// What else it names.
    pub(super) object: Option<Object>,
    reference: u16,
    towards: Option<Direction>,
    /// Whether other jobs may have been lost since.
    old: bool,
}

/// An address and the item, from 0, that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Which item.
    pub(super) item: u16,
    /// Which address of it.
    pub(super) address: Address,
}

/// What a job names that its answer leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// A partial system status list: id and index.
    Status(u16, u16),
    /// A block, or all blocks of a type.
    Block(&'static str, Option<u32>),
}

/// The jobs of one flow that wait.
#[derive(Debug)]
pub(super) struct Pending {
    jobs: VecDeque<Asked>,
    addresses: usize,
    spare: Vec<Target>,
    /// Jobs asked since anything was lost whose answers must yet come before one without job is worth a remark.
    out_of_step: u8,
}

impl Default for Pending {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), addresses: 0, spare: Vec::new(), out_of_step: NOTHING_ASKED }
    }
}

impl Pending {
    /// Remembers a job; the anomaly is told when an older one had to go for it.
    pub(super) fn ask(
        &mut self,
        towards: Direction,
        reference: u16,
        function: Function,
        items: Items<'_>,
        object: Option<Object>,
    ) -> Option<Anomaly> {
        // A reference that comes again before its answer replaces what it meant.
        let _ = self.take(towards, reference);
        if self.out_of_step == NOTHING_ASKED {
            self.out_of_step = 0;
        }
        let mut list = core::mem::take(&mut self.spare);
        list.clear();
        for (item, n) in items.zip(0..) {
            let mut add = |address| list.push(Target { item: n, address });
            match item {
                Item::Any(address) => add(address),
                Item::DbRead(entries) => db_read_entries(entries).for_each(add),
                Item::Raw { .. } => {}
            }
        }
        self.addresses += list.len();
        self.jobs.push_back(Asked {
            function: Some(function),
            targets: list,
            object,
            reference,
            towards: Some(towards),
            old: false,
        });
        let mut limit = None;
        while self.jobs.len() > MAX_PENDING || self.addresses > MAX_PENDING_ADDRESSES {
            let cap = if self.jobs.len() > MAX_PENDING { MAX_PENDING } else { MAX_PENDING_ADDRESSES };
            let held = if cap == MAX_PENDING { self.jobs.len() } else { self.addresses };
            limit = Some(Anomaly::limit("pending-jobs", 4, count(held), count(cap)));
            let Some(oldest) = self.jobs.pop_front() else { break };
            self.addresses -= oldest.targets.len();
        }
        limit
    }

    /// The job that an answer going `towards` the asker belongs to.
    pub(super) fn answer(&mut self, towards: Direction, reference: u16) -> Option<Asked> {
        let asked = self.take(towards.reversed(), reference);
        let matched = self.out_of_step != NOTHING_ASKED && asked.as_ref().is_some_and(|asked| !asked.old);
        self.out_of_step = self.out_of_step.saturating_sub(u8::from(matched));
        asked
    }

    /// Gives the buffer of an answered job back for the next one.
    pub(super) fn recycle(&mut self, asked: Asked) {
        if asked.targets.capacity() <= MAX_SPARE {
            self.spare = asked.targets;
        }
    }

    /// Whether an answer without its job is worth a remark: not before the first job since the start, and not before some
    /// since a gap were answered.
    pub(super) const fn expects_jobs(&self) -> bool {
        self.out_of_step == 0
    }

    /// Octets are missing: jobs among them are not known.
    pub(super) fn gap(&mut self) {
        self.out_of_step = if self.out_of_step == NOTHING_ASKED { 1 } else { PARALLEL };
        self.jobs.iter_mut().for_each(|job| job.old = true);
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    fn take(&mut self, towards: Direction, reference: u16) -> Option<Asked> {
        let at =
            self.jobs.iter().position(|job| job.reference == reference && job.towards == Some(towards))?;
        let job = self.jobs.remove(at)?;
        self.addresses -= job.targets.len();
        Some(job)
    }
}
