//! The head of a message: its first line, and the fields that matter.

use fieldwarden_model::Verb;

use crate::plain::{Line, Text, line};

/// Methods that are known (RFC 9110 clause 9, RFC 5789, RFC 4918, UPnP), their verb. The place is the function code, from 1.
pub(super) const METHODS: &[(&str, Verb)] = &[
    ("GET", Verb::Read),
    ("HEAD", Verb::Read),
    ("POST", Verb::Write),
    ("PUT", Verb::Transfer),
    ("DELETE", Verb::Write),
    ("CONNECT", Verb::Associate),
    ("OPTIONS", Verb::Discover),
    ("TRACE", Verb::Diagnose),
    ("PATCH", Verb::Write),
    ("PROPFIND", Verb::Discover),
    ("PROPPATCH", Verb::Write),
    ("MKCOL", Verb::Transfer),
    ("COPY", Verb::Transfer),
    ("MOVE", Verb::Transfer),
    ("LOCK", Verb::Associate),
    ("UNLOCK", Verb::Associate),
    ("M-SEARCH", Verb::Discover),
    ("NOTIFY", Verb::Discover),
    ("SUBSCRIBE", Verb::Associate),
    ("UNSUBSCRIBE", Verb::Associate),
];

/// The first two octets of first lines: of each method, and of a response. A test holds them to the methods.
const STARTS: [[u8; 2]; 18] = [
    *b"GE", *b"HE", *b"HT", *b"PO", *b"PU", *b"DE", *b"CO", *b"OP", *b"TR", *b"PA", *b"PR", *b"MK", *b"MO",
    *b"LO", *b"UN", *b"M-", *b"NO", *b"SU",
];

/// What the first line says.
#[derive(Clone, Copy)]
pub(super) enum First<'a> {
    /// The place of its method in [`METHODS`], or behind the last of them, the method and the target.
    Request { method: usize, name: &'a str, target: &'a [u8] },
    /// The status.
    Response { status: u16 },
}

/// Reads a first line, RFC 9112 clauses 3 and 4.
pub(super) fn first(text: &[u8]) -> Option<First<'_>> {
    if let Some(rest) = text.strip_prefix(b"HTTP/1.") {
        let digits = core::str::from_utf8(rest.get(2..5)?).ok()?;
        let status = digits.parse().ok().filter(|status| (100..1_000).contains(status))?;
        return Some(First::Response { status });
    }
    let name = token(text)?;
    let method = METHODS.iter().position(|(known, _)| *known == name).unwrap_or(METHODS.len());
    let rest = text.get(name.len() + 1..)?;
    let end = rest.windows(8).rposition(|octets| octets.starts_with(b" HTTP/1."))?;
    Some(First::Request { method, name, target: rest.get(..end)?.trim_ascii() })
}

/// Octets of the longest method; those of RFC 3253, 3744 and 5323 are shorter.
const MAX_METHOD: usize = 24;

/// The method at the front of a line: capital letters, hyphens, then a blank (RFC 9110 clause 9.1 allows more, nobody uses it).
fn token(text: &[u8]) -> Option<&str> {
    let front = text.get(..MAX_METHOD.min(text.len()))?;
    let end = front.iter().position(|octet| *octet == b' ').filter(|end| *end > 0)?;
    let name = front.get(..end).filter(|name| name.iter().all(is_letter))?;
    core::str::from_utf8(name).ok()
}

const fn is_letter(octet: &u8) -> bool {
    octet.is_ascii_uppercase() || *octet == b'-'
}

fn is_method(text: &[u8], name: &str) -> bool {
    text.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' '))
}

/// Whether octets may be the front of a first line.
pub(super) fn begins(bytes: &[u8]) -> bool {
    begins_as_known(bytes) || begins_as_other(bytes)
}

/// Whether octets may be the front of a response, or of a request whose method is known.
fn begins_as_known(bytes: &[u8]) -> bool {
    let Some(&[first, second]) = bytes.first_chunk::<2>() else {
        return bytes.first().is_some_and(|first| STARTS.iter().any(|[letter, _]| letter == first));
    };
    // Asked at every offset of a segment behind a gap: the first two octets decide nearly always.
    if !STARTS.contains(&[first, second]) {
        return false;
    }
    let fits = |whole: &[u8]| whole.starts_with(bytes) || bytes.starts_with(whole);
    let word = |name: &str| is_method(bytes, name) || name.as_bytes().starts_with(bytes);
    fits(b"HTTP/1.") || METHODS.iter().any(|(name, _)| word(name))
}

/// Whether octets are the front of a request whose method nobody defined: its target must be there to tell it from other text.
fn begins_as_other(bytes: &[u8]) -> bool {
    token(bytes).is_some_and(|name| bytes.get(name.len() + 1) == Some(&b'/'))
}

/// Where within octets a first line may begin, the first such place that `fits`. Within a run of capital letters a method that
/// nobody defined begins at the front of the run or, where that is too long for one, nowhere.
pub(super) fn find(bytes: &[u8], fits: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut before = b' ';
    bytes.iter().enumerate().find_map(|(at, octet)| {
        let within = is_letter(&core::mem::replace(&mut before, *octet));
        let rest = bytes.get(at..).filter(|_| octet.is_ascii_uppercase())?;
        let begins = begins_as_known(rest) || (!within && begins_as_other(rest));
        (begins && fits(rest)).then_some(at)
    })
}

/// The head of a message.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) first: First<'a>,
    fields: &'a [u8],
    /// Octets up to and with the empty line.
    pub(super) length: usize,
}

/// How far reading came.
pub(super) enum Read<'a> {
    Whole(Head<'a>),
    Open,
    No,
}

impl<'a> Head<'a> {
    /// Reads the head at the front of `bytes`.
    pub(super) fn read(bytes: &'a [u8]) -> Read<'a> {
        let (text, mut at) = match line(bytes, super::MAX_LINE) {
            Line::Whole(text, length) => (text, length),
            Line::Open if begins(bytes) => return Read::Open,
            _ => return Read::No,
        };
        let Some(first) = first(text) else { return Read::No };
        let begin = at;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            match line(rest, super::MAX_HELD) {
                Line::Whole(text, length) => {
                    at += length;
                    if text.is_empty() {
                        let fields = bytes.get(begin..at).unwrap_or_default();
                        return Read::Whole(Self { first, fields, length: at });
                    }
                }
                Line::Open if at < super::MAX_HELD => return Read::Open,
                _ => return Read::No,
            }
        }
    }

    /// The value of a field, the first of that name (RFC 9112 clause 5). A blank before the colon is let pass, as some servers do.
    pub(super) fn field(&self, name: &str) -> Option<&'a [u8]> {
        let first = name.as_bytes().first().map(u8::to_ascii_lowercase);
        let mut rest = self.fields;
        while let Line::Whole(text, length) = line(rest, rest.len() + 1) {
            if text.first().map(u8::to_ascii_lowercase) == first
                && let Some((own, after)) = text.split_at_checked(name.len())
                && own.eq_ignore_ascii_case(name.as_bytes())
                && let Some(value) = after.trim_ascii_start().strip_prefix(b":")
            {
                return Some(value.trim_ascii());
            }
            rest = rest.get(length..)?;
        }
        None
    }

    /// The body's length, where it is told.
    pub(super) fn content_length(&self) -> Option<u64> {
        core::str::from_utf8(self.field("content-length")?).ok()?.parse().ok()
    }

    /// Whether the body comes in chunks.
    pub(super) fn is_chunked(&self) -> bool {
        self.field("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"))
    }

    /// The user's name of basic credentials (RFC 7617 clause 2).
    pub(super) fn user(&self) -> Option<Text<64>> {
        let value = self.field("authorization")?;
        let (scheme, coded) = value.split_at_checked(6)?;
        scheme.eq_ignore_ascii_case(b"basic ").then(|| user(coded.trim_ascii()))
    }
}

/// What stands before the colon, out of base 64 (RFC 4648 clause 4).
fn user(coded: &[u8]) -> Text<64> {
    let mut text = Text::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for octet in coded {
        let value = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            let decoded = u8::try_from(bits >> held & 0xff).unwrap_or_default();
            if decoded == b':' {
                break;
            }
            text.push_ascii(&[decoded]);
        }
    }
    text
}

/// Where a chunked body ends (RFC 9112 clause 7.1), if it does within `bytes`.
pub(super) fn chunks_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let Line::Whole(text, length) = line(bytes.get(at..)?, super::MAX_LINE) else { return None };
        at += length;
        let digits = text.split(|octet| *octet == b';').next().unwrap_or_default().trim_ascii();
        let size =
            core::str::from_utf8(digits).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok())?;
        if size == 0 {
            return trailer_end(bytes, at);
        }
        at = at.checked_add(size)?.checked_add(2)?;
    }
}

fn trailer_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let Line::Whole(text, length) = line(bytes.get(at..)?, super::MAX_LINE) else { return None };
        at += length;
        if text.is_empty() {
            return Some(at);
        }
    }
}
