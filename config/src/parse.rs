//! TOML to [`Section`].
//!
//! The parser hands out maps sorted by key; the order written is restored from the keys' places.

use std::{borrow::Cow, ops::Range, path::Path};

use fieldwarden_model::section::{Content, Fault, Key, Node, Section, Span};
use toml::{
    Spanned,
    de::{DeInteger, DeTable, DeValue},
};

use crate::source::{ReadError, Sources, read};

/// Faults of spelling told for one file; the rest of a file that is not TOML says no more than the first lines.
const MAX_SYNTAX_FAULTS: usize = 20;

/// Reads the text numbered `file`.
///
/// Dates and times become texts in RFC 3339, as their meaning is the reader's. Sections know their dotted path;
/// the tables of `[[site.asset]]` each have the path `site.asset`.
///
/// # Errors
/// Every fault of spelling, at most one a line, in the order of the file.
pub fn parse(sources: &Sources, file: u16) -> Result<Section, Vec<Fault>> {
    let (section, faults) = recover(sources, file);
    if faults.is_empty() { Ok(section) } else { Err(faults) }
}

/// Reads the text numbered `file` as far as it can be understood, for a check that tells the faults of spelling and of
/// meaning at once; [`together`] joins the two.
#[must_use]
pub fn recover(sources: &Sources, file: u16) -> (Section, Vec<Fault>) {
    let original = sources.text(file);
    let mut text = Cow::Borrowed(original);
    let mut tree = Tree { file, base: 0, faults: Vec::new() };
    for rounds_left in (0..MAX_SYNTAX_FAULTS).rev() {
        let (table, errors) = DeTable::parse_recoverable(&text);
        tree.faults.extend(errors.iter().map(|error| syntax_fault(error, file, original)));
        let stop = errors.iter().find(|error| stops_the_parser(error)).and_then(toml::de::Error::span);
        let repaired = stop.filter(|_| rounds_left > 0).and_then(|stop| without_line(&text, stop.start));
        let Some(repaired) = repaired else {
            let section = tree.section(String::new(), 0..0, table.get_ref());
            return (section, first_of_each_line(tree.faults, original));
        };
        text = Cow::Owned(repaired);
    }
    (Section::default(), first_of_each_line(tree.faults, original))
}

/// Reads a part of the text numbered `file` that begins at the octet `base`, as if it were a file; none where anything
/// is at fault.
pub(crate) fn piece(text: &str, file: u16, base: usize) -> Option<Section> {
    let mut tree = Tree { file, base, faults: Vec::new() };
    let table = DeTable::parse(text).ok()?;
    let section = tree.section(String::new(), 0..0, table.get_ref());
    tree.faults.is_empty().then_some(section)
}

/// Faults of spelling and of meaning of the same files, in order: what a line means is left out where its spelling is
/// at fault already.
#[must_use]
pub fn together(spelling: Vec<Fault>, meaning: Vec<Fault>, sources: &Sources) -> Vec<Fault> {
    let line = |fault: &Fault| (fault.at.file, line_start(sources.text(fault.at.file), fault.at.start));
    let told: Vec<_> = spelling.iter().map(line).collect();
    let mut all = spelling;
    all.extend(meaning.into_iter().filter(|fault| !told.contains(&line(fault))));
    all.sort_by_key(|fault| fault.at);
    all
}

/// Reads a file and parses it: [`read`], then [`parse`].
///
/// # Errors
/// The file could not be read; or, inside, the faults found in it, for [`render`](crate::render()).
pub fn load(sources: &mut Sources, path: &Path) -> Result<Result<Section, Vec<Fault>>, ReadError> {
    let file = read(sources, path)?;
    Ok(parse(sources, file))
}

fn syntax_fault(error: &toml::de::Error, file: u16, text: &str) -> Fault {
    let message = error.message().trim().replace('\n', ", ");
    let at = error.span().unwrap_or(text.len()..text.len());
    Fault { at: span(file, &at), help: help_for(&message, text, &at), message }
}

/// After a key without `=` the parser reports spelling only and takes in no further key.
fn stops_the_parser(error: &toml::de::Error) -> bool {
    error.message().starts_with("key with no value")
}

/// The text with the line around an offset overwritten with blanks, so that all other places stay where they are.
/// None where the line is blank already.
fn without_line(text: &str, at: usize) -> Option<String> {
    let (head, tail) = text.split_at_checked(line_start(text, u32::try_from(at).ok()?))?;
    let (line, rest) = tail.split_at_checked(tail.find('\n').unwrap_or(tail.len()))?;
    if line.trim().is_empty() { None } else { Some(format!("{head}{}{rest}", " ".repeat(line.len()))) }
}

/// Offset of the first octet of the line around an offset.
fn line_start(text: &str, at: u32) -> usize {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().rposition(|octet| *octet == b'\n').map_or(0, |newline| newline + 1)
}

/// What to write instead, for the slips people make most.
fn help_for(message: &str, text: &str, at: &Range<usize>) -> Option<String> {
    let line_start =
        text.get(..at.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let help = if message.contains("duplicate key") {
        "a key or table stands once; several of a kind are written `[[name]]`"
    } else if message.contains("literal strings")
        || message.contains("unquoted")
        || message.contains("string values")
    {
        "texts are written in quotes: `key = \"value\"`"
    } else if message.contains("invalid basic string") || message.contains("escape") {
        "close the text with `\"` on the same line; a backslash is written `\\\\`"
    } else if message.contains("array") {
        "a list is written `[1, 2]`; is the one before this place closed with `]`?"
    } else if message.contains("unclosed table") {
        "a table header is written `[name]`, one of several `[[name]]`"
    } else if !line.contains('=') && !line.trim_start().starts_with('[') {
        "a line is `key = value`, a table header `[name]`, or a comment after `#`"
    } else {
        return None;
    };
    Some(help.to_owned())
}

/// One slip confuses the rest of its line, and a list left open the rest of the file: only the first fault of a line
/// is told, and only the first comma missed.
fn first_of_each_line(mut faults: Vec<Fault>, text: &str) -> Vec<Fault> {
    faults.sort_by_key(|fault| fault.at);
    let mut position = 0;
    let mut line = 0;
    let mut last_line = None;
    let mut in_open_list = false;
    faults.retain(|fault| {
        let start = usize::try_from(fault.at.start).unwrap_or(usize::MAX).min(text.len());
        line += text
            .as_bytes()
            .get(position..start)
            .map_or(0, |skipped| skipped.iter().filter(|b| **b == b'\n').count());
        position = start;
        let misses_comma = fault.message.starts_with("missing comma between array elements");
        let echo = in_open_list && misses_comma;
        in_open_list |= misses_comma;
        last_line.replace(line) != Some(line) && !echo
    });
    faults.truncate(MAX_SYNTAX_FAULTS);
    faults
}

struct Tree {
    file: u16,
    /// Offset of the text within its file.
    base: usize,
    faults: Vec<Fault>,
}

impl Tree {
    fn span(&self, at: &Range<usize>) -> Span {
        span(self.file, &(at.start + self.base..at.end + self.base))
    }

    fn section(&mut self, path: String, at: Range<usize>, table: &DeTable<'_>) -> Section {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries
            .into_iter()
            .map(|(key, value)| {
                let name: &str = key.get_ref();
                (Key { name: name.into(), at: self.span(&key.span()) }, self.node(&path, name, value))
            })
            .collect();
        Section { path: path.into(), at: self.span(&at), entries }
    }

    /// The value of `key` in the table of this path.
    fn node(&mut self, path: &str, key: &str, value: &Spanned<DeValue<'_>>) -> Node {
        let at = self.span(&value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Content::Text(text.as_ref().into()),
            DeValue::Integer(number) => Content::Integer(self.integer(at, number)),
            DeValue::Float(number) => Content::Float(self.float(at, number.as_str())),
            DeValue::Boolean(value) => Content::Boolean(*value),
            DeValue::Datetime(moment) => {
                let mut moment = *moment;
                // RFC 3339 demands the seconds that TOML 1.1 lets a person leave out.
                if let Some(time) = &mut moment.time {
                    time.second.get_or_insert(0);
                }
                Content::Text(moment.to_string().into())
            }
            DeValue::Array(list) => {
                Content::List(list.iter().map(|item| self.node(path, key, item)).collect())
            }
            DeValue::Table(table) => {
                let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                Content::Table(self.section(path, value.span(), table))
            }
        };
        Node { at, value }
    }

    fn integer(&mut self, at: Span, number: &DeInteger<'_>) -> i64 {
        i64::from_str_radix(number.as_str(), number.radix()).unwrap_or_else(|_| {
            self.faults.push(Fault {
                at,
                message: "the number is too large".into(),
                help: Some(format!("whole numbers reach from {} to {}", i64::MIN, i64::MAX)),
            });
            0
        })
    }

    fn float(&mut self, at: Span, text: &str) -> f64 {
        let value = text.parse().unwrap_or(f64::INFINITY);
        if f64::is_infinite(value) && !text.contains("inf") {
            self.faults.push(Fault {
                at,
                message: "the number is too large".into(),
                help: Some("write `inf`".into()),
            });
        }
        value
    }
}

fn span(file: u16, at: &Range<usize>) -> Span {
    let octet = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { file, start: octet(at.start), end: octet(at.end) }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::section::Reader;

    use super::*;

    fn cited(text: &str, at: Span) -> &str {
        text.get(at.start as usize..at.end as usize).unwrap()
    }

    fn child<'a>(section: &'a Section, key: &str) -> (&'a Key, &'a Node) {
        let (key, node) = section.entries.iter().find(|(k, _)| k.name == key).unwrap();
        (key, node)
    }

    #[test]
    fn every_key_and_value_knows_where_it_stood() {
        let text = "zeta = 0x1F\nalpha = [1, \"zwei\"]\n[site]\nname = 'Kläranlage'\nsince = 2026-01-02T03:04:05+01:00\n\
                    [[site.asset]]\nname = \"PLC\"\nwhere.row = 3\n[[site.asset]]\nname = \"HMI\"\n";
        let mut sources = Sources::new();
        sources.add("other.toml", "");
        let file = sources.add("site.toml", text);
        let top = parse(&sources, file).unwrap();
        let names: Vec<_> = top.entries.iter().map(|(key, _)| key.name.as_str()).collect();
        assert_eq!(names, ["zeta", "alpha", "site"], "the order written");
        assert_eq!(child(&top, "zeta").1.value, Content::Integer(31));
        assert_eq!(cited(text, child(&top, "zeta").1.at), "0x1F");
        let Content::List(items) = &child(&top, "alpha").1.value else { panic!() };
        assert_eq!(cited(text, items[1].at), "\"zwei\"");

        let Content::Table(site) = &child(&top, "site").1.value else { panic!() };
        assert_eq!((site.path.as_str(), cited(text, site.at), site.at.file), ("site", "[site]", 1));
        assert_eq!(child(site, "since").1.value, Content::Text("2026-01-02T03:04:05+01:00".into()));
        assert_eq!(cited(text, child(site, "name").0.at), "name");
        let Content::List(assets) = &child(site, "asset").1.value else { panic!() };
        let Content::Table(asset) = &assets[0].value else { panic!() };
        assert_eq!((asset.path.as_str(), cited(text, asset.at)), ("site.asset", "[[site.asset]]"));
        let Content::Table(place) = &child(asset, "where").1.value else { panic!() };
        assert_eq!(place.path, "site.asset.where");
    }

    /// Line, message and help of each fault.
    fn faults(text: &str) -> Vec<(usize, String, String)> {
        let mut sources = Sources::new();
        let file = sources.add("site.toml", text);
        let line = |fault: &Fault| text.get(..fault.at.start as usize).unwrap().matches('\n').count() + 1;
        let faults = parse(&sources, file).unwrap_err();
        faults.into_iter().map(|f| (line(&f), f.message, f.help.unwrap_or_default())).collect()
    }

    #[test]
    fn each_slip_is_told_with_its_line_and_the_way_out() {
        let told = faults(
            "name = plant\nid = 5\nid = 6\nbig = 9223372036854775808\njust words\nend = \"open\nmode = loud\n[site\n",
        );
        let lines: Vec<_> = told.iter().map(|(line, ..)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 5, 6, 7, 8], "{told:#?}");
        assert!(told.iter().all(|(_, message, help)| !message.is_empty() && !help.is_empty()), "{told:#?}");
    }

    #[test]
    fn spelling_and_meaning_are_told_together() {
        let text = "[sensor]\ninterfce = \"eth0\"\nring_megabytes\nmode = loud\nsnap = 5\n";
        let mut sources = Sources::new();
        let file = sources.add("site.toml", text);
        let (top, spelling) = recover(&sources, file);
        let mut reader = Reader::new(&top);
        let sensor = reader.table("sensor");
        let mut inner = Reader::new(&sensor);
        inner.optional::<String>("interface");
        inner.optional::<u16>("mode");
        let mut meaning = reader.finish();
        meaning.extend(inner.finish());
        let all = together(spelling, meaning, &sources);
        let messages: Vec<_> = all.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(messages.len(), 4, "{messages:#?}");
        assert_eq!((messages[0], messages[3]), ("unknown key `interfce`", "unknown key `snap`"));
        assert!(messages[1].starts_with("key with no value") && messages[2].contains("must be quoted"));
    }

    #[test]
    fn a_file_saved_on_windows_reads_the_same() {
        let text = "\u{feff}name = \"plant\"\r\nsince = 07:32\r\n";
        let mut sources = Sources::new();
        let file = sources.add("site.toml", text);
        let top = parse(&sources, file).unwrap();
        assert_eq!(cited(text, child(&top, "name").1.at), "\"plant\"");
        assert_eq!(child(&top, "since").1.value, Content::Text("07:32:00".into()));
    }

    #[test]
    fn a_list_left_open_is_told_once() {
        let told = faults("cells = [1, 2\n\n[site]\nid = 5\nname = \"plant\"\n");
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].2.contains("closed with `]`"));
    }
}
