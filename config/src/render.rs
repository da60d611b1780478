//! Faults as people read them: file, line, column, the line itself, a caret, and the way out.

use std::{borrow::Cow, fmt::Write as _};

use fieldwarden_model::section::{Fault, Span};
use unicode_width::UnicodeWidthChar as _;

use crate::source::Sources;

/// Columns of a cited line that are shown; a longer line is cut around its caret.
const MAX_COLUMNS: usize = 100;
/// Columns shown before the caret of a cut line.
const COLUMNS_BEFORE: usize = 40;
/// What stands where a line was cut.
const CUT: &str = "...";
/// Columns a tab takes in a cited line, wherever it stands.
const TAB: &str = "    ";

/// Every fault in the order given, as
///
/// ```text
/// site.toml:3:12: error: `interface`: expected a text, found a whole number
///   |
/// 3 | interface = 5
///   |             ^
/// help: interface = "eth0"
/// ```
///
/// Lines and columns count from 1; a column is a character, whatever its width. Control characters of the text are
/// shown as `\u{FFFD}`, so that no file can move the reader's cursor.
#[must_use]
pub fn render(faults: &[Fault], sources: &Sources) -> String {
    let mut out = String::new();
    for (n, fault) in faults.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let place = Place::of(fault.at, sources.text(fault.at.file));
        let cited = cite(&place);
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let name = tame(sources.name(fault.at.file));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name}:{number}:{}: error: {}", place.column, tame(&fault.message));
        let _ =
            writeln!(out, "{margin} |\n{number} | {}\n{margin} | {}", cited.line.trim_end(), cited.carets);
        if let Some(help) = &fault.help {
            let _ = writeln!(out, "help: {}", tame(help));
        }
    }
    out
}

/// A span in terms of lines.
struct Place<'a> {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    before: &'a str,
    cited: &'a str,
    after: &'a str,
}

impl<'a> Place<'a> {
    fn of(at: Span, text: &'a str) -> Self {
        let start = boundary(text, at.start);
        let end = boundary(text, at.end).max(start);
        let (head, tail) = text.split_at_checked(start).unwrap_or((text, ""));
        let before = head.rsplit_once('\n').map_or(head, |(_, rest)| rest);
        let line = head.matches('\n').count() + 1;
        let rest = tail.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let (cited, after) = rest.split_at_checked((end - start).min(rest.len())).unwrap_or((rest, ""));
        Self { line, column: before.chars().count() + 1, before, cited, after }
    }
}

/// The nearest character boundary at or before an offset.
fn boundary(text: &str, offset: u32) -> usize {
    let mut at = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

struct Cited {
    line: String,
    carets: String,
}

/// The cited line and its carets, both cut to the same window when the line is long.
fn cite(place: &Place<'_>) -> Cited {
    let before = Cells::of(place.before);
    let cited = Cells::of(place.cited);
    let after = Cells::of(place.after);
    let whole = before.width + cited.width + after.width;
    let (cut_before, room) = if whole <= MAX_COLUMNS {
        (0, MAX_COLUMNS)
    } else {
        (before.width.saturating_sub(COLUMNS_BEFORE), MAX_COLUMNS)
    };
    let mut line = String::new();
    let mut carets = String::new();
    if cut_before > 0 {
        line.push_str(CUT);
        carets.push_str("   ");
    }
    let (shown, before_width) = before.window(cut_before, room);
    line.push_str(&shown);
    carets.push_str(&" ".repeat(before_width));
    let (shown, cited_width) = cited.window(0, room - before_width.min(room));
    line.push_str(&shown);
    carets.push_str(&"^".repeat(cited_width.max(1)));
    let (shown, after_width) = after.window(0, room.saturating_sub(before_width + cited_width));
    line.push_str(&shown);
    if cited_width < cited.width || after_width < after.width {
        line.push_str(CUT);
    }
    Cited { line, carets }
}

/// A text as it is shown: tabs as blanks, control characters made harmless, each piece with its width.
struct Cells {
    pieces: Vec<(char, usize)>,
    width: usize,
}

impl Cells {
    fn of(text: &str) -> Self {
        let mut pieces = Vec::new();
        for c in text.chars() {
            if c == '\t' {
                pieces.extend(TAB.chars().map(|blank| (blank, 1)));
            } else {
                let shown = harmless(c);
                pieces.push((shown, shown.width().unwrap_or(1)));
            }
        }
        let width = pieces.iter().map(|(_, width)| width).sum();
        Self { pieces, width }
    }

    /// What of it lies from column `from` on, no wider than `room`, and how wide that is.
    fn window(&self, from: usize, room: usize) -> (String, usize) {
        let mut at = 0;
        let mut shown = String::new();
        let mut width = 0;
        for (c, columns) in &self.pieces {
            at += columns;
            if at <= from {
                continue;
            }
            if width + columns > room {
                break;
            }
            shown.push(*c);
            width += columns;
        }
        (shown, width)
    }
}

fn harmless(c: char) -> char {
    // The bidirectional controls reorder what a reviewer sees (Unicode Technical Standard 55, 4.1).
    let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || reorders { char::REPLACEMENT_CHARACTER } else { c }
}

fn tame(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| harmless(c) == c) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().map(|c| if c == '\n' { ' ' } else { harmless(c) }).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, start: u32, end: u32) -> String {
        let mut sources = Sources::new();
        let file = sources.add("site.toml", text);
        let fault = Fault { at: Span { file, start, end }, message: "no".into(), help: Some("yes".into()) };
        render(&[fault], &sources)
    }

    #[test]
    fn the_caret_stands_under_the_span() {
        assert_eq!(
            shown("a = 1\nmode = \"loud\"\r\nb = 2\n", 13, 19),
            "site.toml:2:8: error: no\n  |\n2 | mode = \"loud\"\n  |        ^^^^^^\nhelp: yes\n"
        );
    }

    #[test]
    fn tabs_umlauts_and_wide_characters_keep_the_caret_in_place() {
        assert_eq!(
            shown("\tä泵 = 7\n", 9, 10),
            "site.toml:1:7: error: no\n  |\n1 |     ä泵 = 7\n  |           ^\nhelp: yes\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let text = format!("{} HERE {}", "x".repeat(5_000), "y".repeat(5_000));
        let out = shown(&text, 5_001, 5_005);
        let lines: Vec<_> = out.lines().collect();
        assert!(
            lines[2].len() < 120 && lines[2].starts_with("1 | ...x") && lines[2].ends_with("y..."),
            "{out}"
        );
        assert_eq!(lines[2].find("HERE"), lines[3].find("^^^^"), "{out}");
    }

    #[test]
    fn a_file_cannot_move_the_readers_cursor() {
        let out = shown("a = \u{1b}[2J\u{202e}\n", 4, 5);
        assert!(!out.contains('\u{1b}') && !out.contains('\u{202e}'), "{out:?}");
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_is_told(text in "\\PC*|[\\x00-\\x7f]{0,400}", start in 0u32..500, end in 0u32..500) {
            let out = shown(&text, start, end);
            prop_assert!(out.contains('^'));
            prop_assert!(out.lines().count() == 5);
        }
    }
}
