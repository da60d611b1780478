//! Schedules and the key `mode` out of their tables, and back.

use fieldwarden_model::{
    ShortText, WeeklyHours,
    document::{Plain, Table},
    section::{Fault, FromNode, Node, Reader, Section},
};

use super::{super::write::line, ModeName, Shift};

/// Schedules of one file at most.
const MAX_SHIFTS: usize = 64;

impl FromNode for ModeName {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let text = ShortText::from_node(node)?;
        text.parse().map_err(|why| Fault { at: node.at, message: format!("`{text}` is {why}"), help: None })
    }
}

/// In which mode a table holds.
pub(in crate::baseline) fn mode_of(table: &Section) -> Result<Option<ModeName>, Vec<Fault>> {
    let found = table.entries.iter().find(|(key, _)| key.name == "mode");
    found.map(|(_, node)| ModeName::from_node(node).map_err(|fault| vec![fault])).transpose()
}

/// A schedule out of its table.
pub(in crate::baseline) fn shift(section: &Section, known: &[Shift]) -> Result<Shift, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let mode = reader.required::<ModeName>("mode", "mode = \"maintenance\"");
    let hours = WeeklyHours::read(&mut reader);
    let shift = mode.zip(hours).map(|(mode, hours)| Shift { mode, hours });
    if known.len() >= MAX_SHIFTS {
        reader.fault_at("mode", format!("more than {MAX_SHIFTS} schedules"), None);
    }
    let other = shift.and_then(|shift| known.iter().find(|known| known.hours.overlaps(&shift.hours)));
    if let Some(other) = other {
        reader.fault_at(
            "from",
            format!("overlaps with {other}"),
            Some("the plant is in one mode at a time".into()),
        );
    }
    reader.finish_with(shift)
}

impl Shift {
    pub(in crate::baseline) fn table(&self) -> Table {
        let mode = line("mode", Plain::Text(self.mode.to_string()));
        let hours = self.hours.lines().into_iter().map(|(key, value)| line(key, value));
        let entries = core::iter::once(mode).chain(hours).collect();
        Table { path: "schedule".into(), repeated: true, entries, ..Table::default() }
    }
}
