//! A configuration as a tree that knows where each value stood, and the faults found in it.
//!
//! The `config` package makes the tree from TOML. Everyone else reads sections through [`Reader`], which collects
//! every fault with its place instead of stopping at the first, and finally reports keys nobody asked for.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use smol_str::format_smolstr;

use crate::{
    ShortText,
    address::{Mac, Talker},
    time::Timestamp,
};

/// Where something stood: octet offsets into the text of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Which file, as numbered by whoever read it.
    pub file: u16,
    /// First octet.
    pub start: u32,
    /// One past the last octet.
    pub end: u32,
}

/// Something wrong in a configuration, where, and the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub at: Span,
    /// What is wrong, naming the thing.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// A table: its entries in the order written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Dotted path from the top, empty at the top.
    pub path: ShortText,
    /// Where the table stands.
    pub at: Span,
    /// Keys, each with its own place, and their values.
    pub entries: Vec<(Key, Node)>,
}

/// A key and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: ShortText,
    /// Where.
    pub at: Span,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where.
    pub at: Span,
    /// What.
    pub value: Content,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text.
    Text(ShortText),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// Yes or no.
    Boolean(bool),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Section),
}

impl Content {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A type that can stand in a configuration.
pub trait FromNode: Sized {
    /// Reads the value, or says what was expected.
    ///
    /// # Errors
    /// The fault, at the place of the node or of a part of it.
    fn from_node(node: &Node) -> Result<Self, Fault>;
}

fn expected(node: &Node, what: &str) -> Fault {
    Fault { at: node.at, message: format!("expected {what}, found {}", node.value.kind()), help: None }
}

impl FromNode for String {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        match &node.value {
            Content::Text(text) => Ok(text.to_string()),
            _ => Err(expected(node, "a text")),
        }
    }
}

impl FromNode for ShortText {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        match &node.value {
            Content::Text(text) => Ok(text.clone()),
            _ => Err(expected(node, "a text")),
        }
    }
}

impl FromNode for bool {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        match node.value {
            Content::Boolean(value) => Ok(value),
            _ => Err(expected(node, "true or false")),
        }
    }
}

impl FromNode for f64 {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        match node.value {
            Content::Float(value) => Ok(value),
            #[expect(clippy::cast_precision_loss, reason = "a setting past 2^53 loses nothing that matters")]
            Content::Integer(value) => Ok(value as Self),
            _ => Err(expected(node, "a number")),
        }
    }
}

macro_rules! whole_number {
    ($($kind:ty),*) => {$(
        impl FromNode for $kind {
            fn from_node(node: &Node) -> Result<Self, Fault> {
                let Content::Integer(value) = node.value else { return Err(expected(node, "a whole number")) };
                Self::try_from(value).map_err(|_| Fault {
                    at: node.at,
                    message: format!("{value} is outside {} to {}", <$kind>::MIN, <$kind>::MAX),
                    help: None,
                })
            }
        }
    )*};
}
whole_number!(u8, u16, u32, u64, i64, usize);

macro_rules! parsed_text {
    ($($kind:ty),*) => {$(
        impl FromNode for $kind {
            fn from_node(node: &Node) -> Result<Self, Fault> {
                let text = ShortText::from_node(node)?;
                text.parse().map_err(|fault: <$kind as core::str::FromStr>::Err| Fault {
                    at: node.at,
                    message: format!("`{text}` is {}", fault.to_string()),
                    help: None,
                })
            }
        }
    )*};
}
parsed_text!(Talker, Mac, Timestamp);

impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        match &node.value {
            Content::List(nodes) => nodes.iter().map(T::from_node).collect(),
            _ => Err(expected(node, "a list")),
        }
    }
}

impl FromNode for Section {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        as_table(node).cloned()
    }
}

fn as_table(node: &Node) -> Result<&Section, Fault> {
    match &node.value {
        Content::Table(section) => Ok(section),
        _ => Err(expected(node, "a table")),
    }
}

/// Keys that a small table is asked for: a baseline has hundreds of thousands of such tables.
const USUAL_KEYS: usize = 8;

/// Reads one section: asks for keys by name, collects every fault, and at the end reports the keys left over.
#[derive(Debug)]
pub struct Reader<'a> {
    section: &'a Section,
    asked: Vec<&'static str>,
    /// The entries asked for so far, one bit for each of the first 64.
    found: u64,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// Starts reading `section`.
    #[must_use]
    pub fn new(section: &'a Section) -> Self {
        Self { section, asked: Vec::with_capacity(USUAL_KEYS), found: 0, faults: Vec::new() }
    }

    /// The node at `key`, if it is there.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        let at = self.section.entries.iter().position(|(name, _)| name.name == key)?;
        self.found |= bit(at);
        self.section.entries.get(at).map(|(_, node)| node)
    }

    /// The value at `key`, if it is there and right; a wrong one is a fault.
    pub fn optional<T: FromNode>(&mut self, key: &'static str) -> Option<T> {
        let node = self.node(key)?;
        match T::from_node(node) {
            Ok(value) => Some(value),
            Err(mut fault) => {
                fault.message = format!("`{key}`: {}", fault.message);
                self.faults.push(fault);
                None
            }
        }
    }

    /// The value at `key`, or `default` where it is absent or wrong (a wrong one is a fault).
    pub fn or<T: FromNode>(&mut self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// The value at `key`; its absence is a fault, and `help` says what to write.
    pub fn required<T: FromNode>(&mut self, key: &'static str, help: &str) -> Option<T> {
        if self.node(key).is_none() {
            let name = if self.section.path.is_empty() {
                "the file".into()
            } else {
                format!("`[{}]`", self.section.path)
            };
            self.faults.push(Fault {
                at: self.section.at,
                message: format!("`{key}` is missing from {name}"),
                help: Some(help.to_string()),
            });
            return None;
        }
        self.optional(key)
    }

    /// A number of `key` within `range`, or `default`.
    pub fn within(&mut self, key: &'static str, range: core::ops::RangeInclusive<u64>, default: u64) -> u64 {
        let Some(value) = self.optional::<u64>(key) else { return default };
        if range.contains(&value) {
            return value;
        }
        self.fault_at(key, format!("{value} is outside {} to {}", range.start(), range.end()), None);
        default
    }

    /// One of the `allowed` words at `key`, or the first of them where the key is absent.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, allowed: &[(&'static str, T)]) -> Option<T> {
        let Some(text) = self.optional::<ShortText>(key) else {
            return allowed.first().map(|(_, value)| *value);
        };
        if let Some((_, value)) = allowed.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<String> = allowed.iter().map(|(word, _)| format!("`{word}`")).collect();
        self.fault_at(
            key,
            format!("`{text}` is not known here"),
            Some(format!("write one of {}", words.join(", "))),
        );
        None
    }

    /// The table at `key`, or an empty one.
    pub fn table(&mut self, key: &'static str) -> Section {
        self.optional(key).unwrap_or_else(|| Section {
            path: self.path_of(key),
            at: self.section.at,
            entries: Vec::new(),
        })
    }

    /// The tables of the array `[[key]]`, none where it is absent or wrong (a wrong one is a fault).
    pub fn tables(&mut self, key: &'static str) -> Vec<&'a Section> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let tables = match &node.value {
            Content::List(nodes) => nodes.iter().map(as_table).collect(),
            _ => Err(expected(node, "a list")),
        };
        tables.unwrap_or_else(|mut fault: Fault| {
            fault.message = format!("`{key}`: {}", fault.message);
            self.faults.push(fault);
            Vec::new()
        })
    }

    /// Records a fault at the value of `key`, or at the section where `key` is absent.
    pub fn fault_at(&mut self, key: &'static str, message: String, help: Option<String>) {
        let at = self.node(key).map_or(self.section.at, |node| node.at);
        self.faults.push(Fault { at, message: format!("`{key}`: {message}"), help });
    }

    /// Takes over the faults of a part that was read elsewhere.
    pub fn absorb<T>(&mut self, part: Result<T, Vec<Fault>>) -> Option<T> {
        part.map_err(|faults| self.faults.extend(faults)).ok()
    }

    /// Every fault, the keys nobody asked for included, in the order of the file.
    #[must_use]
    pub fn finish(mut self) -> Vec<Fault> {
        for (at, (key, _)) in self.section.entries.iter().enumerate() {
            if self.found & bit(at) != 0 || self.asked.contains(&key.name.as_str()) {
                continue;
            }
            let near = self.asked.iter().find(|known| distance(known, &key.name) <= 2);
            let known: Vec<String> = self.asked.iter().map(|k| format!("`{k}`")).collect();
            self.faults.push(Fault {
                at: key.at,
                message: format!("unknown key `{}`", key.name),
                help: Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", known.join(", ")),
                }),
            });
        }
        self.faults.sort_by_key(|fault| fault.at);
        self.faults
    }

    /// The value, if nothing was at fault: `reader.finish_with(Some(value))`.
    ///
    /// # Errors
    /// All faults, where there are any or where `value` is none.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Vec<Fault>> {
        let at = self.section.at;
        let faults = self.finish();
        match value {
            Some(value) if faults.is_empty() => Ok(value),
            _ if faults.is_empty() => Err([Fault { at, message: "is incomplete".into(), help: None }].into()),
            _ => Err(faults),
        }
    }

    fn path_of(&self, key: &str) -> ShortText {
        if self.section.path.is_empty() { key.into() } else { format_smolstr!("{}.{key}", self.section.path) }
    }
}

/// The bit of an entry, where it has one.
fn bit(at: usize) -> u64 {
    u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or(0)
}

/// Edits between two short words (Levenshtein), for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(entries: &[(&str, Content)]) -> Section {
        let entries = entries
            .iter()
            .zip(0..)
            .map(|((name, value), n)| {
                let at = Span { file: 0, start: n, end: n + 1 };
                (Key { name: (*name).into(), at }, Node { at, value: value.clone() })
            })
            .collect();
        Section { path: "sensor".into(), at: Span::default(), entries }
    }

    #[test]
    fn all_faults_are_reported_in_the_order_of_the_file() {
        let section = section(&[
            ("interfce", Content::Text("eth0".into())),
            ("ring_megabytes", Content::Integer(-1)),
            ("mode", Content::Text("loud".into())),
        ]);
        let mut reader = Reader::new(&section);
        assert_eq!(reader.required::<String>("interface", "interface = \"eth0\""), None);
        assert_eq!(reader.within("ring_megabytes", 1..=64, 8), 8);
        assert_eq!(reader.one_of("mode", &[("quiet", 1), ("normal", 2)]), None);
        let messages: Vec<String> = reader.finish().into_iter().map(|f| f.message).collect();
        assert_eq!(
            messages,
            [
                "`interface` is missing from `[sensor]`",
                "unknown key `interfce`",
                "`ring_megabytes`: -1 is outside 0 to 18446744073709551615",
                "`mode`: `loud` is not known here",
            ]
        );
    }

    #[test]
    fn near_misses_are_guessed() {
        assert_eq!(distance("interface", "interfce"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
