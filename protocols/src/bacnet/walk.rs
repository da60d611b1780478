//! Walks the parameters of a service by its schema: what each value means.

use crate::{Cursor, anomaly::Anomaly, telling};

use super::schema::{self, Field, Is};
use super::tag::{Content, Element, OBJECT_ID};

/// How deep constructed values may nest; deeper ones are passed over.
pub(super) const MAX_DEPTH: usize = 16;

/// A primitive value and what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) is: Is,
    pub(super) number: u8,
    pub(super) context: bool,
    pub(super) octets: &'a [u8],
}

/// Within what we are: the tag that ends it, and what may stand there.
#[derive(Clone, Copy)]
struct Level {
    number: u8,
    fields: &'static [Field],
    /// Whether anything else that stands here is a value of a property.
    value: bool,
}

/// Walks; what stopped it, if anything did.
pub(super) fn walk<'a>(
    octets: &'a [u8],
    fields: &'static [Field],
    each: &mut dyn FnMut(Found<'a>),
) -> Option<Anomaly> {
    let mut cursor = Cursor::new(octets);
    let mut levels: heapless::Vec<Level, MAX_DEPTH> = heapless::Vec::new();
    let mut level = Level { number: 0, fields, value: false };
    let mut property = 0;
    while !cursor.is_empty() {
        let at = telling::place(cursor.offset());
        let element = match Element::read(&mut cursor) {
            Ok(element) => element,
            Err(cut) => {
                let (got, expected) = (telling::number(cut.present), telling::number(cut.promised));
                return Some(Anomaly::malformed("value-cut-short", at, got, expected));
            }
        };
        match element.content {
            Content::Open => {
                if levels.push(level).is_err() {
                    let cap = telling::number(MAX_DEPTH);
                    return Some(Anomaly::limit("nesting", at, cap + 1, cap));
                }
                level = inner(&level, element.number, property);
            }
            Content::Close => match levels.pop() {
                Some(outer) if level.number == element.number => level = outer,
                _ => {
                    let (got, expected) = (u64::from(element.number), u64::from(level.number));
                    return Some(Anomaly::malformed("closing-tag", at, got, expected));
                }
            },
            Content::Octets(octets) => {
                let found = found(&level, &element, octets);
                if found.is == Is::Property {
                    property = super::tag::unsigned(octets).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
                }
                each(found);
            }
        }
    }
    let open = telling::number(levels.len());
    (open > 0).then(|| Anomaly::malformed("tags-left-open", telling::place(octets.len()), open, 0))
}

fn meaning(level: &Level, number: u8, context: bool) -> Option<Is> {
    level.fields.iter().find(|field| field.number == number && field.context == context).map(|field| field.is)
}

fn inner(level: &Level, number: u8, property: u32) -> Level {
    match meaning(level, number, true) {
        Some(Is::Of(fields)) => Level { number, fields, value: level.value },
        Some(Is::Value) if !level.value => {
            Level { number, fields: schema::of_property(property), value: true }
        }
        _ => Level { number, fields: &[], value: level.value },
    }
}

fn found<'a>(level: &Level, element: &Element<'_>, octets: &'a [u8]) -> Found<'a> {
    let Element { number, context, .. } = *element;
    let is = match meaning(level, number, context) {
        Some(is) => is,
        None if !context && number == OBJECT_ID => Is::Party,
        None => Is::Value,
    };
    Found { is, number, context, octets }
}
