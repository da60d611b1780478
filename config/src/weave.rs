//! A table written anew, with the comments that people wrote into old versions of it.

use std::collections::BTreeSet;

use fieldwarden_model::document::{Entry, Plain, Table};

use crate::{
    layout::{Place, Remark},
    write::{INDENT, entries, flat, header, key},
};

/// The text of a table with comments of old versions of it, each where it stood. Where the key or the item is gone that a
/// comment belonged to, it stands above the key or the table, and says what it was about: none is dropped.
/// A table without a path is the top of a file.
#[must_use]
pub fn weave(table: &Table, remarks: &[Remark]) -> String {
    let remarks = distinct(remarks);
    let mut out = String::new();
    let at = |place: Place| {
        let own = remarks.iter().filter(move |remark| remark.place == place);
        own.map(|remark| remark.text.as_str())
    };
    lines(&mut out, 0, at(Place::AboveTable));
    for remark in &remarks {
        if let Some(gone) =
            key_of(&remark.place).filter(|name| !table.entries.iter().any(|entry| entry.key == *name))
        {
            lines(&mut out, 0, core::iter::once(moved(gone, &remark.text).as_str()));
        }
    }
    if table.path.is_empty() {
        // Or it would be taken for a comment on the first key.
        if !out.is_empty() {
            out.push('\n');
        }
    } else {
        header(&mut out, table);
        behind(&mut out, 0, at(Place::BehindHeader));
    }
    for entry in &table.entries {
        pair(&mut out, entry, &remarks);
    }
    lines(&mut out, 0, at(Place::End));
    out
}

/// The same comment at the same place stands once, however many versions have it.
fn distinct(remarks: &[Remark]) -> Vec<&Remark> {
    let mut known = BTreeSet::new();
    let text = |remark: &Remark| (format!("{:?}", remark.place), remark.text.clone());
    // Lines that only divide others may repeat.
    remarks.iter().filter(|remark| remark.text.trim() == "#" || known.insert(text(remark))).collect()
}

fn key_of(place: &Place) -> Option<&str> {
    match place {
        Place::AboveKey(key)
        | Place::BehindKey(key)
        | Place::AboveItem(key, _)
        | Place::BehindItem(key, _) => Some(key),
        Place::AboveTable | Place::BehindHeader | Place::End => None,
    }
}

/// A comment that no longer stands beside what it is about.
fn moved(about: &str, text: &str) -> String {
    format!("# {}: {}", about.trim_matches('"'), text.trim_start_matches('#').trim_start())
}

fn lines<'r>(out: &mut String, indent: usize, comments: impl Iterator<Item = &'r str>) {
    for comment in comments {
        out.push_str(&" ".repeat(indent));
        out.push_str(comment);
        out.push('\n');
    }
}

/// Comments behind what was written last: the first on its line, the others below it.
fn behind<'r>(out: &mut String, indent: usize, mut comments: impl Iterator<Item = &'r str>) {
    if let Some(first) = comments.next() {
        out.truncate(out.trim_end_matches('\n').len());
        out.push_str("  ");
        out.push_str(first);
        out.push('\n');
    }
    lines(out, indent, comments);
}

fn pair(out: &mut String, entry: &Entry, remarks: &[&Remark]) {
    let own: Vec<&&Remark> =
        remarks.iter().filter(|remark| key_of(&remark.place) == Some(&entry.key)).collect();
    let is = |of: fn(&Place) -> bool| {
        own.iter().filter(move |remark| of(&remark.place)).map(|remark| remark.text.as_str())
    };
    lines(out, 0, is(|place| matches!(place, Place::AboveKey(_))));
    let items = match &entry.value {
        Plain::List(items) => items.iter().map(identity).collect(),
        _ => Vec::new(),
    };
    let mut has_items = false;
    for remark in &own {
        let (Place::AboveItem(_, item) | Place::BehindItem(_, item)) = &remark.place else { continue };
        if items.contains(item) || (item.is_empty() && !items.is_empty()) {
            has_items = true;
        } else {
            lines(out, 0, core::iter::once(moved(item, &remark.text).as_str()));
        }
    }
    match &entry.value {
        Plain::List(list) if has_items => broken(out, entry, list, &own),
        _ => entries(out, core::slice::from_ref(entry)),
    }
    behind(out, 0, is(|place| matches!(place, Place::BehindKey(_))));
}

/// A list one item a line, since comments stand between them.
fn broken(out: &mut String, entry: &Entry, list: &[Plain], own: &[&&Remark]) {
    out.push_str(&key(&entry.key));
    out.push_str(" = [\n");
    let at = |is_above: bool, wanted: &str| {
        let wanted = wanted.to_owned();
        own.iter()
            .filter(move |remark| match &remark.place {
                Place::AboveItem(_, item) => is_above && *item == wanted,
                Place::BehindItem(_, item) => !is_above && *item == wanted,
                _ => false,
            })
            .map(|remark| remark.text.as_str())
    };
    // Of several items alike the first has the comments.
    let mut known = BTreeSet::new();
    for item in list {
        let name = identity(item);
        let is_first = known.insert(name.clone());
        lines(out, INDENT, at(true, &name).filter(|_| is_first));
        out.push_str(&" ".repeat(INDENT));
        flat(out, item);
        out.push_str(",\n");
        behind(out, INDENT, at(false, &name).filter(|_| is_first));
    }
    lines(out, INDENT, at(true, ""));
    lines(out, INDENT, at(false, ""));
    out.push_str("]\n");
}

/// By what an item is known: its text; of a table the first value.
fn identity(item: &Plain) -> String {
    let mut text = String::new();
    match item {
        Plain::Inline(pairs) => pairs.iter().take(1).for_each(|(_, value)| flat(&mut text, value)),
        other => flat(&mut text, other),
    }
    text
}
