//! The octets of a TOML text, as far as one must know them to tell comments from what looks like one.

/// Reads on from place to place; never past the end, never back.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// A comment within a value: the item it belongs to, whether it stands behind it, and its text.
pub(super) type Inside = (String, bool, String);

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn skip(&mut self) {
        self.at = (self.at + 1).min(self.text.len());
    }

    /// The offset of the line around an offset.
    pub(super) fn line_start(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        before.iter().rposition(|octet| *octet == b'\n').map_or(0, |newline| newline + 1)
    }

    pub(super) fn blanks(&mut self) {
        self.run(|octet| matches!(octet, b' ' | b'\t'));
    }

    /// Passes over blanks and line ends; whether an empty line was among them.
    pub(super) fn empty_lines(&mut self) -> bool {
        let passed = self.run(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'));
        let ends = passed.bytes().filter(|octet| *octet == b'\n').count();
        let began_line =
            self.at == passed.len() || self.text.as_bytes().get(self.at - passed.len() - 1) == Some(&b'\n');
        ends > usize::from(!began_line)
    }

    /// A comment, from its `#` to the end of its line.
    pub(super) fn comment(&mut self) -> &'a str {
        self.run(|octet| octet != b'\n').trim_end()
    }

    /// A header: the name in it, its quotes taken off.
    pub(super) fn header(&mut self) -> String {
        self.run(|octet| octet == b'[');
        let name = self.until(|octet| octet == b']' || octet == b'\n');
        self.run(|octet| octet == b']');
        bare(name)
    }

    /// A key up to its value: its first part, its quotes taken off.
    pub(super) fn key(&mut self) -> String {
        let name = self.until(|octet| octet == b'=' || octet == b'\n');
        if self.peek() == Some(b'=') {
            self.skip();
        }
        self.blanks();
        bare(name).split('.').next().unwrap_or_default().trim().to_owned()
    }

    /// A value, up to its end; the comments within it.
    pub(super) fn value(&mut self) -> Vec<Inside> {
        let mut inside = Vec::new();
        if self.peek() == Some(b'[') {
            self.skip();
            self.list(&mut inside);
        } else {
            self.plain(&mut inside);
        }
        inside
    }

    /// The items of the list that was opened.
    fn list(&mut self, inside: &mut Vec<Inside>) {
        let mut above: Vec<String> = Vec::new();
        let mut last: Option<String> = None;
        let mut is_on_line = false;
        loop {
            let passed = self.run(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b','));
            is_on_line &= !passed.contains('\n');
            match self.peek() {
                None => break,
                Some(b']') => {
                    self.skip();
                    break;
                }
                Some(b'#') => {
                    let text = self.comment().to_owned();
                    match last.clone().filter(|_| is_on_line) {
                        Some(item) => inside.push((item, true, text)),
                        None => above.push(text),
                    }
                }
                Some(_) => {
                    let start = self.at;
                    let mut within = Vec::new();
                    self.plain(&mut within);
                    let item = identity(self.text.get(start..self.at).unwrap_or_default());
                    above.extend(within.into_iter().map(|(_, _, text)| text));
                    inside.extend(above.drain(..).map(|text| (item.clone(), false, text)));
                    (last, is_on_line) = (Some(item), true);
                    if self.at == start {
                        self.skip();
                    }
                }
            }
        }
        inside.extend(above.into_iter().map(|text| (String::new(), false, text)));
    }

    /// A value that is no list, or an item: up to the comma, bracket, comment or line end behind it.
    fn plain(&mut self, inside: &mut Vec<Inside>) {
        let mut depth = 0_usize;
        while let Some(octet) = self.peek() {
            match octet {
                b'"' | b'\'' => self.string(octet),
                b'[' | b'{' => {
                    depth += 1;
                    self.skip();
                }
                b']' | b'}' if depth > 0 => {
                    depth -= 1;
                    self.skip();
                }
                b'#' if depth > 0 => {
                    let text = self.comment().to_owned();
                    inside.push((String::new(), false, text));
                }
                b']' | b',' | b'#' | b'\n' if depth == 0 => return,
                _ => self.skip(),
            }
        }
    }

    /// A string in the quotes it begins with, one or three of them.
    fn string(&mut self, quote: u8) {
        let octets = self.text.as_bytes();
        let starts =
            |at: usize| octets.get(at..at + 3).is_some_and(|three| three.iter().all(|octet| *octet == quote));
        let is_long = starts(self.at);
        self.at += if is_long { 3 } else { 1 };
        while let Some(octet) = self.peek() {
            if octet == b'\\' && quote == b'"' {
                self.skip();
            } else if octet == quote && (!is_long || starts(self.at)) {
                self.at += if is_long { 3 } else { 1 };
                // A long string may end with quotes of its own.
                if is_long {
                    self.run(|octet| octet == quote);
                }
                return;
            } else if octet == b'\n' && !is_long {
                return;
            }
            self.skip();
        }
    }

    /// Up to an octet outside of strings.
    fn until(&mut self, is_end: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while let Some(octet) = self.peek() {
            match octet {
                b'"' | b'\'' => self.string(octet),
                octet if is_end(octet) => break,
                _ => self.skip(),
            }
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn run(&mut self, is_of: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&is_of) {
            self.at += 1;
        }
        self.text.get(start..self.at).unwrap_or_default()
    }
}

/// A name without quotes and blanks.
fn bare(name: &str) -> String {
    let parts = name.split('.').map(|part| part.trim().trim_matches(['"', '\'']));
    parts.collect::<Vec<_>>().join(".")
}

/// By what an item of a list is known: its text; of a table the first value.
fn identity(item: &str) -> String {
    let item = item.trim();
    let Some(table) = item.strip_prefix('{') else { return item.to_owned() };
    let mut scanner = Scanner::new(table);
    scanner.until(|octet| octet == b'=');
    scanner.skip();
    scanner.until(|octet| octet == b',' || octet == b'}').trim().to_owned()
}
