//! What is read out of a file table by table, so that the tree of a large file is never whole in memory.

use alloc::vec::Vec;

use crate::section::{Content, Fault, Section};

/// Something put together out of the tables of one file. It takes the repeated tables of the top (`[[key]]`) one by
/// one as they come and then what is left of the file.
pub trait Assemble: Default {
    /// What it becomes.
    type Output;
    /// The keys of the repeated tables it takes one by one.
    const REPEATED: &'static [&'static str];

    /// Takes the next table `[[key]]`; keys come mixed as the file mixes them. Faults are kept for the end.
    fn take(&mut self, key: &str, table: &Section);

    /// Takes the rest of the file. Where a key of [`Self::REPEATED`] stands in it, the tables there were taken already.
    ///
    /// # Errors
    /// Every fault of all tables, each with its place, in the order of the file.
    fn finish(self, top: &Section) -> Result<Self::Output, Vec<Fault>>;
}

/// Puts something together out of a tree that is whole.
///
/// # Errors
/// Those of [`Assemble::finish`].
pub fn assemble<A: Assemble>(top: &Section) -> Result<A::Output, Vec<Fault>> {
    let mut parts = A::default();
    take_repeated(&mut parts, top);
    parts.finish(top)
}

/// Hands on every table of the repeated keys at the top of `section`.
pub fn take_repeated<A: Assemble>(parts: &mut A, section: &Section) {
    for (key, node) in &section.entries {
        let Content::List(tables) = &node.value else { continue };
        if !A::REPEATED.contains(&key.name.as_str()) {
            continue;
        }
        for table in tables {
            if let Content::Table(table) = &table.value {
                parts.take(&key.name, table);
            }
        }
    }
}
