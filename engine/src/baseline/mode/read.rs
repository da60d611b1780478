//! Schedules and the key `mode` out of their tables, and back.

use fieldwarden_model::{
    ShortText,
    document::{Plain, Table},
    section::{Fault, FromNode, Node, Reader, Section},
};

use super::{
    super::write::line,
    ModeName, Shift,
    schedule::{DAYS, clock},
};

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
    let from = reader.required::<Clock>("from", "from = \"06:00\"");
    let to = reader.required::<Clock>("to", "to = \"14:00\"");
    let offset = reader.optional::<Offset>("offset").map_or(0, |offset| offset.0);
    let words = reader.optional::<Vec<ShortText>>("days");
    let mut days = [words.is_none(); 7];
    for word in words.into_iter().flatten() {
        let day = DAYS.iter().position(|known| *known == word).and_then(|at| days.get_mut(at));
        match day {
            Some(day) => *day = true,
            None => {
                let help = Some(format!("known are {}", DAYS.join(", ")));
                reader.fault_at("days", format!("there is no day `{word}`"), help);
            }
        }
    }
    if days == [false; 7] {
        reader.fault_at("days", "names no day".into(), Some("leave it out for all days".into()));
    }
    let shift = mode.zip(from.zip(to)).map(|(mode, (from, to))| Shift {
        mode,
        days,
        from: from.0 % 1_440,
        to: to.0,
        offset,
    });
    if known.len() >= MAX_SHIFTS {
        reader.fault_at("mode", format!("more than {MAX_SHIFTS} schedules"), None);
    }
    let other = shift.and_then(|shift| known.iter().find(|known| known.overlaps(&shift)));
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
        let text = |key: &str, text: String| line(key, Plain::Text(text));
        let mut entries = vec![text("mode", self.mode.to_string())];
        if self.days != [true; 7] {
            let days = self.days_words().into_iter().map(|day| Plain::Text(day.to_owned())).collect();
            entries.push(line("days", Plain::List(days)));
        }
        entries.extend([text("from", clock(self.from)), text("to", clock(self.to))]);
        entries.extend((self.offset != 0).then(|| text("offset", self.offset_text())));
        Table { path: "schedule".into(), repeated: true, entries, ..Table::default() }
    }
}

/// Minutes of a day, `00:00` to `24:00`.
struct Clock(u16);

impl FromNode for Clock {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let text = ShortText::from_node(node)?;
        minutes(&text).filter(|minutes| *minutes <= 1_440).map(Self).ok_or_else(|| Fault {
            at: node.at,
            message: format!("`{text}` is no time of the day"),
            help: Some("write 06:00, or 24:00 for its end".into()),
        })
    }
}

/// How far ahead of UTC the plant's time is.
struct Offset(i16);

impl FromNode for Offset {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let text = ShortText::from_node(node)?;
        let (sign, rest) = text.split_at_checked(1).unwrap_or_default();
        let minutes = minutes(rest).filter(|minutes| *minutes <= 14 * 60).and_then(|m| i16::try_from(m).ok());
        match (sign, minutes) {
            ("+", Some(minutes)) => Ok(Self(minutes)),
            ("-", Some(minutes)) => Ok(Self(-minutes)),
            _ => Err(Fault {
                at: node.at,
                message: format!("`{text}` is no distance from UTC"),
                help: Some("write \"+01:00\"; summer time is a schedule of its own".into()),
            }),
        }
    }
}

/// `06:30` in minutes.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok()).flatten();
    let (hours, minutes) = (two(hours)?, two(minutes).filter(|minutes| *minutes < 60)?);
    (hours <= 24).then(|| hours * 60 + minutes)
}
