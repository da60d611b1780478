//! A large file read piece by piece: a baseline of 2,000 conversations is 6 MB of text, whose tree would take thirty times
//! that.
//!
//! The text is cut before lines that open a repeated table, `[[key]]`, and each piece is parsed as a file of its own.
//! That needs no knowledge of strings or lists that reach over several lines: where a cut falls into one, the piece
//! before it does not end well and its parser says so. As long as every piece is without fault, and those behind
//! the first hold nothing but the repeated tables, the pieces say what the whole says. Otherwise the file is read
//! again as a whole, so that its faults are told as they always are.

use fieldwarden_model::{
    assemble::{Assemble, assemble, take_repeated},
    section::{Content, Fault, Node, Section},
};

use crate::{
    parse::{piece, recover},
    plain::plain,
    source::Sources,
};

/// Octets a piece has at least; tables of a few lines are parsed together.
const PIECE_OCTETS: usize = 16 * 1024;

/// Puts something together out of the text numbered `file`; with it, the faults of spelling, which
/// [`together`](crate::together()) joins to those of meaning.
pub fn read_tables<A: Assemble>(sources: &Sources, file: u16) -> (Result<A::Output, Vec<Fault>>, Vec<Fault>) {
    if let Some((parts, top)) = by_piece::<A>(sources.text(file), file) {
        return (parts.finish(&top), Vec::new());
    }
    let (top, spelling) = recover(sources, file);
    (assemble::<A>(&top), spelling)
}

/// What was taken out of the pieces, and what stood before the first of them; none where the file must be read whole.
fn by_piece<A: Assemble>(text: &str, file: u16) -> Option<(A, Section)> {
    let repeats = |key: &str| A::REPEATED.contains(&key);
    let mut start = next_piece(text, 0, 0, repeats);
    let top = piece(text.get(..start)?, file, 0)?;
    if top.entries.iter().any(|(key, _)| repeats(&key.name)) {
        return None;
    }
    let mut parts = A::default();
    while start < text.len() {
        let end = next_piece(text, start, PIECE_OCTETS, repeats);
        let part = text.get(start..end)?;
        let section = plain(part, file, start).or_else(|| piece(part, file, start))?;
        if !section.entries.iter().all(|(key, node)| repeats(&key.name) && is_list(node)) {
            return None;
        }
        take_repeated(&mut parts, &section);
        start = end;
    }
    Some((parts, top))
}

const fn is_list(node: &Node) -> bool {
    matches!(node.value, Content::List(_))
}

/// Where the first repeated table opens that lies at least so many octets behind `start`; the end of the text where none
/// does.
fn next_piece(text: &str, start: usize, octets: usize, repeats: impl Fn(&str) -> bool) -> usize {
    // A line that lies far enough behind begins after a newline no nearer than this.
    let near = (start + octets).saturating_sub(1);
    let newline = |rest: &[u8]| rest.iter().position(|octet| *octet == b'\n');
    let mut at = match octets {
        0 => start,
        _ => text.as_bytes().get(near..).and_then(newline).map_or(text.len(), |newline| near + newline + 1),
    };
    for line in text.get(at..).unwrap_or_default().split_inclusive('\n') {
        let opens = line.strip_prefix("[[").and_then(|header| header.split(']').next());
        if opens.is_some_and(|key| repeats(key.trim())) {
            break;
        }
        at += line.len();
    }
    at
}

#[cfg(test)]
mod tests;
