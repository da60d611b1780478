//! The plain form of TOML read straight into a [`Section`]: the form in which [`write`](crate::write()) writes.
//!
//! A baseline of a large plant holds half a million values, and a general parser passes each through tokens, events and a
//! tree of its own before ours: four times the work of this. So whatever is written plainly is read here:
//!
//! ```text
//! text   = *( [ header / key "=" value ] [ "#" comment ] newline )
//! header = "[[" key "]]"                                          ; a bare key
//! value  = string / number / "true" / "false" / list / table
//! string = no escapes, no control characters, in double quotes on one line
//! number = ["-"] decimal digits [ "." digits ]                    ; no exponent, no underscores
//! list   = "[" values, each with its comma, newlines and comments between "]"
//! table  = "{" key "=" value, with commas between, on one line "}"
//! ```
//!
//! Anything else, right or wrong, is left to the general parser. What is read here is read as that parser
//! reads it, places included; a test holds the two against each other.

use fieldwarden_model::{
    ShortText,
    section::{Content, Key, Node, Section, Span},
};

/// Lists and tables within one another that are read here.
const MAX_DEPTH: usize = 8;
/// Keys of one table that are read here: repetitions are looked for one by one.
const MAX_KEYS: usize = 64;
/// Digits of a whole number that surely fit into 63 bits.
const MAX_DIGITS: usize = 18;

/// The tables of a part of the text numbered `file` that begins at the octet `base`; none where it is not plain, or does
/// not begin with a header.
pub(crate) fn plain(text: &str, file: u16, base: usize) -> Option<Section> {
    let mut reader = Plain { text, at: 0, file, base };
    let mut top = Section { at: reader.span(0, 0), ..Section::default() };
    reader.between_lines()?;
    while reader.at < text.len() {
        reader.table(&mut top)?;
    }
    Some(top)
}

/// The path of a table within another.
fn below(path: &str, key: &str) -> ShortText {
    [path, ".", key].concat().into()
}

/// What an octet may be part of.
mod class {
    pub(super) const BLANK: u8 = 1;
    pub(super) const NEWLINE: u8 = 2;
    pub(super) const DIGIT: u8 = 4;
    pub(super) const KEY: u8 = 8;
    pub(super) const STRING: u8 = 16;
    pub(super) const COMMENT: u8 = 32;

    /// By octet, so that a run of octets is read with one look at each.
    pub(super) static OF: [u8; 256] = {
        let mut classes = [0; 256];
        let mut rest: &mut [u8] = &mut classes;
        let mut octet = 0_u8;
        while let Some((class, after)) = rest.split_first_mut() {
            *class = of(octet);
            octet = octet.wrapping_add(1);
            rest = after;
        }
        classes
    };

    const fn of(octet: u8) -> u8 {
        match octet {
            b' ' => BLANK | STRING | COMMENT,
            b'\t' => BLANK | COMMENT,
            b'\n' => NEWLINE,
            b'0'..=b'9' => DIGIT | KEY | STRING | COMMENT,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' => KEY | STRING | COMMENT,
            b'"' | b'\\' => COMMENT,
            0..=0x1f | 0x7f => 0,
            _ => STRING | COMMENT,
        }
    }
}

struct Plain<'a> {
    text: &'a str,
    at: usize,
    file: u16,
    base: usize,
}

impl<'a> Plain<'a> {
    /// A header and the lines below it, up to the next header.
    fn table(&mut self, top: &mut Section) -> Option<()> {
        let start = self.at;
        self.take("[[")?;
        let key = self.key()?;
        self.take("]]")?;
        let at = self.span(start, self.at);
        self.end_of_line()?;
        let mut section = Section { path: key.name.clone(), at, entries: Vec::with_capacity(12) };
        while self.peek().is_some_and(|octet| octet != b'[') {
            let entry = self.pair(&section, 0)?;
            section.entries.push(entry);
            self.end_of_line()?;
        }
        let table = Node { at, value: Content::Table(section) };
        if let Some((_, list)) = top.entries.iter_mut().find(|(known, _)| known.name == key.name) {
            let Content::List(tables) = &mut list.value else { return None };
            tables.push(table);
        } else {
            top.entries.push((key, Node { at, value: Content::List(vec![table]) }));
        }
        Some(())
    }

    /// `key = value`, for the table it stands in.
    fn pair(&mut self, table: &Section, depth: usize) -> Option<(Key, Node)> {
        let key = self.key()?;
        if table.entries.len() >= MAX_KEYS || table.entries.iter().any(|(known, _)| known.name == key.name) {
            return None;
        }
        self.blanks();
        self.take("=")?;
        self.blanks();
        let value = self.value(&table.path, &key.name, depth)?;
        Some((key, value))
    }

    fn value(&mut self, path: &str, key: &str, depth: usize) -> Option<Node> {
        let start = self.at;
        let value = match self.peek()? {
            b'"' => Content::Text(self.string()?.into()),
            b'[' if depth < MAX_DEPTH => Content::List(self.list(path, key, depth + 1)?),
            b'{' if depth < MAX_DEPTH => Content::Table(self.inline(below(path, key), depth + 1)?),
            b't' => self.take("true").map(|()| Content::Boolean(true))?,
            b'f' => self.take("false").map(|()| Content::Boolean(false))?,
            _ => self.number()?,
        };
        Some(Node { at: self.span(start, self.at), value })
    }

    fn string(&mut self) -> Option<&'a str> {
        self.take("\"")?;
        let text = self.run(class::STRING);
        self.take("\"")?;
        // Three quotes open a text of several lines.
        (!text.is_empty() || self.peek() != Some(b'"')).then_some(text)
    }

    fn number(&mut self) -> Option<Content> {
        let start = self.at;
        let _ = self.take("-");
        let whole = self.digits();
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || whole.len() > MAX_DIGITS || leading_zero {
            return None;
        }
        if self.take(".").is_none() {
            return self.text.get(start..self.at)?.parse().ok().map(Content::Integer);
        }
        if self.digits().is_empty() {
            return None;
        }
        self.text
            .get(start..self.at)?
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Content::Float)
    }

    fn digits(&mut self) -> &'a str {
        self.run(class::DIGIT)
    }

    fn list(&mut self, path: &str, key: &str, depth: usize) -> Option<Vec<Node>> {
        self.take("[")?;
        let mut items = Vec::new();
        // The path of the tables in it, made once for all of them.
        let mut own = None;
        loop {
            self.between_lines()?;
            if self.take("]").is_some() {
                return Some(items);
            }
            items.push(match self.peek()? {
                b'{' if depth < MAX_DEPTH => {
                    let start = self.at;
                    let own = own.get_or_insert_with(|| below(path, key)).clone();
                    let table = Content::Table(self.inline(own, depth + 1)?);
                    Node { at: self.span(start, self.at), value: table }
                }
                _ => self.value(path, key, depth)?,
            });
            self.between_lines()?;
            if self.take(",").is_none() {
                self.take("]")?;
                return Some(items);
            }
        }
    }

    fn inline(&mut self, path: ShortText, depth: usize) -> Option<Section> {
        let start = self.at;
        self.take("{")?;
        self.blanks();
        let mut section = Section { path, at: Span::default(), entries: Vec::with_capacity(4) };
        if self.take("}").is_some() {
            section.at = self.span(start, self.at);
            return Some(section);
        }
        loop {
            self.blanks();
            let entry = self.pair(&section, depth)?;
            section.entries.push(entry);
            self.blanks();
            if self.take("}").is_some() {
                section.at = self.span(start, self.at);
                return Some(section);
            }
            self.take(",")?;
        }
    }

    fn key(&mut self) -> Option<Key> {
        let start = self.at;
        let name = self.run(class::KEY);
        (!name.is_empty()).then(|| Key { name: name.into(), at: self.span(start, self.at) })
    }

    /// The rest of a line behind what it says, and lines that say nothing.
    fn end_of_line(&mut self) -> Option<()> {
        self.blanks();
        self.comment()?;
        if self.at < self.text.len() {
            self.take("\n")?;
        }
        self.between_lines()
    }

    /// Blanks, newlines and comments.
    fn between_lines(&mut self) -> Option<()> {
        loop {
            self.run(class::BLANK | class::NEWLINE);
            if self.peek() != Some(b'#') {
                return Some(());
            }
            self.comment()?;
        }
    }

    /// A comment if there is one, its newline left.
    fn comment(&mut self) -> Option<()> {
        if self.take("#").is_some() {
            self.run(class::COMMENT);
            return (self.at == self.text.len() || self.peek() == Some(b'\n')).then_some(());
        }
        Some(())
    }

    fn blanks(&mut self) {
        self.run(class::BLANK);
    }

    /// The octets from here on that are of a class. All of a character beyond ASCII are, or none.
    fn run(&mut self, class: u8) -> &'a str {
        let start = self.at;
        let octets = self.text.as_bytes();
        let is_of = |octet: &u8| class::OF.get(usize::from(*octet)).is_some_and(|of| of & class != 0);
        while octets.get(self.at).is_some_and(is_of) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn take(&mut self, token: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(token.as_bytes()).then(|| self.at += token.len())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let octet = |offset: usize| u32::try_from(self.base + offset).unwrap_or(u32::MAX);
        Span { file: self.file, start: octet(start), end: octet(end) }
    }
}
