//! [`Document`] to TOML.

use std::fmt::Write as _;

use fieldwarden_model::document::{Document, Entry, Plain, Table};

/// Columns a line may take before a list is written one element a line.
const MAX_COLUMNS: usize = 100;
/// Blanks one level of a broken list stands in.
pub(crate) const INDENT: usize = 4;

/// The TOML text of a document, in its order.
///
/// Any key and any text is quoted as it needs; control characters and those that reorder what a reviewer sees are
/// escaped. A dot in a table's path divides its parts. Comments and remarks lose control characters, which TOML
/// forbids there. Keys that stand twice in a table are the caller's fault and are written as they are.
#[must_use]
pub fn write(document: &Document) -> String {
    let mut out = String::new();
    comment(&mut out, &document.preamble);
    if !document.preamble.is_empty() && !document.entries.is_empty() {
        out.push('\n');
    }
    entries(&mut out, &document.entries);
    for table in &document.tables {
        if !out.is_empty() {
            out.push('\n');
        }
        header(&mut out, table);
        entries(&mut out, &table.entries);
    }
    out
}

pub(crate) fn header(out: &mut String, table: &Table) {
    comment(out, &table.comment);
    let path: Vec<String> = table.path.split('.').map(key).collect();
    let path = path.join(".");
    // Writing to a String cannot fail.
    let _ = if table.repeated { writeln!(out, "[[{path}]]") } else { writeln!(out, "[{path}]") };
}

pub(crate) fn entries(out: &mut String, entries: &[Entry]) {
    for entry in entries {
        let start = out.len();
        out.push_str(&key(&entry.key));
        out.push_str(" = ");
        let column = columns(out, start);
        value(out, &entry.value, column, 0);
        if !entry.remark.is_empty() {
            let _ = write!(out, "  # {}", one_line(&entry.remark));
        }
        out.push('\n');
    }
}

fn comment(out: &mut String, lines: &[String]) {
    for line in lines.iter().flat_map(|text| text.split('\n')) {
        let line = one_line(line);
        let line = line.trim_end();
        let _ = if line.is_empty() { writeln!(out, "#") } else { writeln!(out, "# {line}") };
    }
}

/// A text that may stand in a comment, where TOML allows no control character but the tab.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c != '\t' && must_escape(c) { ' ' } else { c }).collect()
}

/// Writes a value that begins at `column`; a list that does not fit is broken, its elements standing in one level
/// deeper than `depth`.
fn value(out: &mut String, plain: &Plain, column: usize, depth: usize) {
    let start = out.len();
    flat(out, plain);
    let Plain::List(items) = plain else { return };
    if items.is_empty() || column + columns(out, start) <= MAX_COLUMNS {
        return;
    }
    out.truncate(start);
    out.push_str("[\n");
    let inner = (depth + 1) * INDENT;
    for item in items {
        out.push_str(&" ".repeat(inner));
        // The comma takes a column.
        value(out, item, inner + 1, depth + 1);
        out.push_str(",\n");
    }
    out.push_str(&" ".repeat(depth * INDENT));
    out.push(']');
}

fn columns(out: &str, start: usize) -> usize {
    out.get(start..).map_or(0, |text| text.chars().count())
}

pub(crate) fn flat(out: &mut String, plain: &Plain) {
    match plain {
        Plain::Text(value) => quoted(out, value),
        Plain::Integer(value) => {
            let _ = write!(out, "{value}");
        }
        Plain::Float(value) if value.is_nan() => out.push_str("nan"),
        // Debug keeps the fraction (`1.0`), which tells a float from a whole number, and reads back to the same bits.
        Plain::Float(value) => {
            let _ = write!(out, "{value:?}");
        }
        Plain::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Plain::List(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                flat(out, item);
            }
            out.push(']');
        }
        Plain::Inline(pairs) => {
            out.push('{');
            for (n, (name, item)) in pairs.iter().enumerate() {
                out.push_str(if n > 0 { ", " } else { " " });
                out.push_str(&key(name));
                out.push_str(" = ");
                flat(out, item);
            }
            out.push_str(if pairs.is_empty() { "}" } else { " }" });
        }
    }
}

/// A key, bare where TOML allows that.
pub(crate) fn key(name: &str) -> String {
    if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return name.to_owned();
    }
    let mut out = String::new();
    quoted(&mut out, name);
    out
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if must_escape(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Control characters, the byte order mark, and the line and direction controls of Unicode: a name heard on the wire
/// must not change what a reviewer sees. All of them have four hexadecimal digits.
fn must_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::section::{Content, Section};
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{Sources, parse};

    #[test]
    fn a_baseline_reads_like_one() {
        let document = Document {
            preamble: vec!["Baseline of the dosing cell".into(), String::new()],
            entries: vec![Entry { key: "version".into(), value: Plain::Integer(1), remark: String::new() }],
            tables: vec![Table {
                comment: vec!["HMI polls the PLC".into()],
                path: "conversation".into(),
                repeated: true,
                entries: vec![
                    Entry {
                        key: "reads".into(),
                        value: Plain::List(vec![
                            Plain::Text("40001-40010".into()),
                            Plain::Text("40020".into()),
                        ]),
                        remark: "every 500 ms".into(),
                    },
                    Entry {
                        key: "scale".into(),
                        value: Plain::Inline(vec![("low limit".into(), Plain::Float(1.0))]),
                        remark: String::new(),
                    },
                ],
            }],
        };
        assert_eq!(
            write(&document),
            "# Baseline of the dosing cell\n#\n\nversion = 1\n\n# HMI polls the PLC\n[[conversation]]\n\
             reads = [\"40001-40010\", \"40020\"]  # every 500 ms\nscale = { \"low limit\" = 1.0 }\n"
        );
    }

    #[test]
    fn a_list_breaks_past_the_hundredth_column() {
        let list = |count| Document {
            entries: vec![Entry {
                key: "k".into(),
                value: Plain::List(vec![Plain::Integer(1_234_567); count]),
                remark: String::new(),
            }],
            ..Document::default()
        };
        // `k = [` and `]` take 6 columns, an element 7, a separator 2.
        assert_eq!(write(&list(10)).lines().next().map(str::len), Some(94));
        assert_eq!(write(&list(11)).lines().nth(1), Some("    1234567,"));
    }

    fn plain() -> impl Strategy<Value = Plain> {
        let leaf = prop_oneof![
            any::<String>().prop_map(Plain::Text),
            "[\\x00-\\x7f\"'\\\\]{0,20}".prop_map(Plain::Text),
            any::<i64>().prop_map(Plain::Integer),
            any::<f64>().prop_filter("equal to itself", |f| !f.is_nan()).prop_map(Plain::Float),
            any::<bool>().prop_map(Plain::Boolean),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Plain::List),
                vec((any::<String>(), inner), 0..4).prop_map(|pairs| Plain::Inline(distinct(pairs))),
            ]
        })
    }

    fn distinct(pairs: Vec<(String, Plain)>) -> Vec<(String, Plain)> {
        let mut seen = std::collections::BTreeSet::new();
        pairs.into_iter().filter(|(name, _)| seen.insert(name.clone())).collect()
    }

    fn same(content: &Content, plain: &Plain) -> bool {
        match (content, plain) {
            (Content::Text(a), Plain::Text(b)) => a == b,
            (Content::Integer(a), Plain::Integer(b)) => a == b,
            (Content::Float(a), Plain::Float(b)) => a.to_bits() == b.to_bits(),
            (Content::Boolean(a), Plain::Boolean(b)) => a == b,
            (Content::List(a), Plain::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.value, b))
            }
            (Content::Table(a), Plain::Inline(b)) => same_pairs(a, b),
            _ => false,
        }
    }

    fn same_pairs(section: &Section, pairs: &[(String, Plain)]) -> bool {
        section.entries.len() == pairs.len()
            && section
                .entries
                .iter()
                .zip(pairs)
                .all(|((key, node), (name, item))| key.name == *name && same(&node.value, item))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            pairs in vec((any::<String>(), plain()), 0..6),
            comment in any::<String>(),
            remark in any::<String>(),
            path in "[a-zäß\"\\\\ ]{1,8}",
        ) {
            let pairs = distinct(pairs);
            let entries: Vec<_> = pairs
                .iter()
                .map(|(key, value)| Entry { key: key.clone(), value: value.clone(), remark: remark.clone() })
                .collect();
            let table = Table { comment: vec![comment.clone()], path: path.clone(), repeated: true, entries };
            let text = write(&Document { preamble: vec![comment], entries: Vec::new(), tables: vec![table.clone(), table] });
            let mut sources = Sources::new();
            let file = sources.add("written", text.clone());
            let top = parse(&sources, file).map_err(|f| TestCaseError::fail(crate::render(&f, &sources)))?;
            let (key, node) = &top.entries[0];
            prop_assert_eq!(&key.name, &path);
            let Content::List(tables) = &node.value else { panic!("{}", text) };
            prop_assert_eq!(tables.len(), 2);
            for table in tables {
                let Content::Table(section) = &table.value else { panic!("{}", text) };
                prop_assert!(same_pairs(section, &pairs), "{}", text);
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\]\\{\\}a=.\"'#,\\n\\\\u0-9 ]{0,200}|\\PC*") {
            let mut sources = Sources::new();
            let file = sources.add("any", text);
            if let Err(faults) = parse(&sources, file) {
                prop_assert!(!crate::render(&faults, &sources).is_empty());
            }
        }
    }
}
