//! Names: labels, and pointers to where the rest of a name stands already (RFC 1035 clauses 3.1 and 4.1.4).

use super::{MAX_JUMPS, MAX_NAME};
use crate::plain::Text;

/// One step along a name.
enum Label {
    /// The name ends here.
    End,
    /// This many octets of a label follow.
    Octets(usize),
    /// It goes on there.
    Pointer(usize),
}

fn label(bytes: &[u8], at: usize) -> Option<Label> {
    let first = *bytes.get(at)?;
    match first >> 6 {
        0 if first == 0 => Some(Label::End),
        0 => Some(Label::Octets(first.into())),
        3 => {
            let second = *bytes.get(at.checked_add(1)?)?;
            Some(Label::Pointer(usize::from(first & 0x3f) << 8 | usize::from(second)))
        }
        _ => None,
    }
}

/// Where the name at `at` ends.
pub(super) fn skip(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match label(bytes, at)? {
            Label::End => return Some(at + 1),
            Label::Pointer(_) => return Some(at + 2),
            Label::Octets(count) => at = (at + 1 + count <= bytes.len()).then_some(at + 1 + count)?,
        }
    }
}

/// The name at `at` as text, and where it ends.
pub(super) fn name(bytes: &[u8], begin: usize) -> Option<(Text<MAX_NAME>, usize)> {
    let end = skip(bytes, begin)?;
    let mut text = Text::new();
    let (mut at, mut jumps) = (begin, 0);
    loop {
        match label(bytes, at)? {
            Label::End => break,
            Label::Pointer(to) => {
                jumps += 1;
                if to >= at || jumps > MAX_JUMPS {
                    return None;
                }
                at = to;
            }
            Label::Octets(count) => {
                if !text.is_empty() {
                    text.push('.');
                }
                let octets = bytes.get(at + 1..at + 1 + count)?;
                match core::str::from_utf8(octets) {
                    Ok(label) => label.chars().for_each(|character| text.push(character)),
                    Err(_) => text.push_ascii(octets),
                }
                at += 1 + count;
            }
        }
    }
    if text.is_empty() {
        text.push_ascii(b"<Root>");
    }
    Some((text, end))
}
