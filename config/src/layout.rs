//! A text cut into its tables, comments and all, so that an edit leaves the rest as people wrote it.
//!
//! The parser hands out values and drops comments; this cuts the same text by its tables and says where each comment
//! stands: above a table, above or behind a key, above or behind an item of a list. [`weave`](crate::weave()) writes a
//! table anew with the comments of old ones. Guarantees: the pieces put together are the text; no text makes it panic; of a
//! text that [`parse`](crate::parse()) takes, every comment is in exactly one remark. Non-goals: texts that are not TOML.

mod scan;

use scan::Scanner;

use crate::write::one_line;

/// A text in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout<'a> {
    /// What stands before the first table.
    pub top: Piece<'a>,
    /// The tables, in the order written. The tables within a table (`[[conversation.writes]]`) belong to it.
    pub tables: Vec<Piece<'a>>,
}

/// A table of a text, with the comments that belong to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The name in its header; empty at the top.
    pub path: String,
    /// Where its header stands: the offset of its first octet, as in the span of its section.
    pub header: u32,
    /// All of it, with the comments above its header and the empty lines below its last.
    pub text: &'a str,
    /// Its comments, in order.
    pub remarks: Vec<Remark>,
}

/// A comment, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remark {
    /// Where.
    pub place: Place,
    /// The comment as written, from its `#`.
    pub text: String,
}

/// Where a comment stands within a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// On lines of its own above the header; at the top, above everything.
    AboveTable,
    /// Behind the header, on its line.
    BehindHeader,
    /// On lines of its own above a key.
    AboveKey(String),
    /// Behind the value of a key, on its last line.
    BehindKey(String),
    /// Within the list of a key, above an item, which is known by its text or, for a table, by its first value; the end of
    /// the list has an empty text.
    AboveItem(String, String),
    /// Within the list of a key, behind an item on its line.
    BehindItem(String, String),
    /// Below the last key.
    End,
}

impl Remark {
    /// A comment of somebody's words, which may be anything: it takes one line.
    #[must_use]
    pub fn new(place: Place, words: &str) -> Self {
        Self { place, text: format!("# {}", one_line(words)) }
    }
}

impl<'a> Layout<'a> {
    /// Cuts a text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let mut cutter = Cutter::new(text);
        cutter.run();
        cutter.finish()
    }
}

/// A comment that waits for what it belongs to.
struct Waiting {
    /// The offset of the line it stands on.
    line: usize,
    text: String,
    /// Whether an empty line stands between it and what comes before.
    apart: bool,
}

struct Cutter<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
    /// What is being read, and where its text began.
    piece: Piece<'a>,
    start: usize,
    waiting: Vec<Waiting>,
    has_keys: bool,
    /// Whether the table read is one within the piece: its comments belong to that key of it.
    within: Option<String>,
    top: Option<Piece<'a>>,
    tables: Vec<Piece<'a>>,
}

impl<'a> Cutter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            scanner: Scanner::new(text),
            piece: Piece::default(),
            start: 0,
            waiting: Vec::new(),
            has_keys: false,
            within: None,
            top: None,
            tables: Vec::new(),
        }
    }

    fn run(&mut self) {
        loop {
            let empty_lines = self.scanner.empty_lines();
            if empty_lines {
                self.settle_top();
            }
            let Some(octet) = self.scanner.peek() else { return };
            let at = self.scanner.at();
            match octet {
                b'#' => {
                    let text = self.scanner.comment().to_owned();
                    let line = self.scanner.line_start(at);
                    self.waiting.push(Waiting { line, text, apart: empty_lines });
                }
                b'[' => self.header(),
                _ => self.key(),
            }
            if self.scanner.at() == at {
                // Not TOML: pass over the octet rather than stay.
                self.scanner.skip();
            }
        }
    }

    /// A comment block at the very top with an empty line below it is about the file.
    fn settle_top(&mut self) {
        if self.top.is_none() && !self.has_keys {
            let block = self.waiting.drain(..);
            self.piece.remarks.extend(block.map(|one| Remark { place: Place::AboveTable, text: one.text }));
        }
    }

    fn header(&mut self) {
        let at = self.scanner.at();
        let path = self.scanner.header();
        let (outer, inner) = path.split_once('.').unwrap_or((&path, ""));
        if !inner.is_empty() && outer == self.piece.path {
            let key = inner.split('.').next().unwrap_or_default().to_owned();
            self.place_waiting(&Place::AboveKey(key.clone()));
            self.behind(Place::AboveKey(key.clone()));
            self.within = Some(key);
            return;
        }
        let above = self.waiting_above();
        let begin = above.first().map_or_else(|| self.scanner.line_start(at), |first| first.line);
        self.close(begin);
        let header = u32::try_from(at).unwrap_or(u32::MAX);
        let remarks =
            above.into_iter().map(|one| Remark { place: Place::AboveTable, text: one.text }).collect();
        self.piece = Piece { path, header, text: "", remarks };
        self.behind(Place::BehindHeader);
    }

    /// Takes the waiting comments that belong to the header that follows; the others stay with the table before: those
    /// right below its last line.
    fn waiting_above(&mut self) -> Vec<Waiting> {
        // Where no empty line divides them, all are about what follows.
        let from = self.waiting.iter().position(|one| one.apart).unwrap_or_default();
        let above = self.waiting.split_off(from);
        self.place_waiting(&Place::End);
        above
    }

    fn key(&mut self) {
        self.has_keys = true;
        let key = self.within.clone();
        let own = self.scanner.key();
        let is_within = key.is_some();
        let key = key.unwrap_or(own);
        self.place_waiting(&Place::AboveKey(key.clone()));
        let inside = self.scanner.value();
        self.piece.remarks.extend(inside.into_iter().map(|(item, is_behind, text)| {
            let place = match (is_within, is_behind) {
                (true, _) => Place::AboveKey(key.clone()),
                (false, true) => Place::BehindItem(key.clone(), item),
                (false, false) => Place::AboveItem(key.clone(), item),
            };
            Remark { place, text }
        }));
        self.behind(if is_within { Place::AboveKey(key) } else { Place::BehindKey(key) });
    }

    /// A comment on the rest of the line.
    fn behind(&mut self, place: Place) {
        self.scanner.blanks();
        if self.scanner.peek() == Some(b'#') {
            let text = self.scanner.comment().to_owned();
            self.piece.remarks.push(Remark { place, text });
        }
    }

    fn place_waiting(&mut self, place: &Place) {
        let waiting = self.waiting.drain(..);
        self.piece.remarks.extend(waiting.map(|one| Remark { place: place.clone(), text: one.text }));
    }

    /// Ends the piece before an offset.
    fn close(&mut self, end: usize) {
        let mut piece = core::mem::take(&mut self.piece);
        piece.text = self.text.get(self.start..end).unwrap_or_default();
        self.start = end;
        self.within = None;
        match self.top {
            None => self.top = Some(piece),
            Some(_) => self.tables.push(piece),
        }
    }

    fn finish(mut self) -> Layout<'a> {
        self.place_waiting(&Place::End);
        self.close(self.text.len());
        Layout { top: self.top.unwrap_or_default(), tables: self.tables }
    }
}

#[cfg(test)]
mod tests;
