//! How much of an incident is shown, found so that it just fits.

use fieldwarden_model::{Talker, Technique};

use super::told_hostname;
use crate::store::Told;

/// Characters of an id that are told, CEF's `externalId`; ours have 16.
const MAX_ID: usize = 40;

/// What a format itself permits, in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) title: usize,
    pub(super) text: usize,
    /// Of a list once joined by commas.
    pub(super) list: usize,
}

impl Limits {
    pub(super) const NONE: Self = Self { title: usize::MAX, text: usize::MAX, list: usize::MAX };
}

/// The part of an incident that is told.
#[derive(Clone, Debug)]
pub(super) struct Shown<'a> {
    pub(super) told: &'a Told,
    pub(super) hostname: String,
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) techniques: &'a [Technique],
    pub(super) talkers: &'a [Talker],
    /// One sentence for a person.
    pub(super) text: &'a str,
    /// Something of the above is not whole.
    pub(super) truncated: bool,
}

impl<'a> Shown<'a> {
    /// All of it that the format permits.
    pub(super) fn whole(told: &'a Told, sentence: &'a str, hostname: &str, limits: Limits) -> Self {
        let incident = &told.incident;
        let id = prefix(&incident.id.0, MAX_ID);
        let title = prefix(&incident.title, limits.title);
        let text = prefix(sentence, limits.text);
        let lengths = incident.techniques.iter().map(|technique| technique.0.chars().count());
        let techniques = first(&incident.techniques, within(lengths, limits.list));
        let lengths = incident.talkers.iter().map(|talker| talker.to_string().len());
        let talkers = first(&incident.talkers, within(lengths, limits.list));
        let truncated = id.len() < incident.id.0.len()
            || title.len() < incident.title.len()
            || text.len() < sentence.len()
            || techniques.len() < incident.techniques.len()
            || talkers.len() < incident.talkers.len();
        Self { told, hostname: told_hostname(hostname), id, title, techniques, talkers, text, truncated }
    }

    /// The message with as much as fits into `room` octets.
    ///
    /// Each part in turn is taken away wholly; the first whose absence is enough gets back as much as still fits.
    pub(super) fn fit(mut self, room: usize, render: fn(&Self) -> String) -> String {
        // A character takes an octet at least: no more of them can ever fit, and rendering stays cheap.
        self.shorten(room);
        let message = render(&self);
        if message.len() <= room {
            return message;
        }
        self.truncated = true;
        let fits = |shown: &Self| render(shown).len() <= room;
        let (text, talkers, techniques, title) = (self.text, self.talkers, self.techniques, self.title);
        self.text = "";
        if fits(&self) {
            // One at least is gone, lest a message claim to be cut that is whole.
            let longest = text.chars().count().saturating_sub(1);
            let most = most(longest, |n| fits(&Self { text: prefix(text, n), ..self.clone() }));
            self.text = prefix(text, most);
            return render(&self);
        }
        self.talkers = &[];
        if fits(&self) {
            let most = most(talkers.len(), |n| fits(&Self { talkers: first(talkers, n), ..self.clone() }));
            self.talkers = first(talkers, most);
            return render(&self);
        }
        self.techniques = &[];
        if fits(&self) {
            let most =
                most(techniques.len(), |n| fits(&Self { techniques: first(techniques, n), ..self.clone() }));
            self.techniques = first(techniques, most);
            return render(&self);
        }
        let most = most(title.chars().count(), |n| fits(&Self { title: prefix(title, n), ..self.clone() }));
        self.title = prefix(title, most);
        render(&self)
    }

    fn shorten(&mut self, room: usize) {
        let before = (self.title.len(), self.text.len(), self.techniques.len(), self.talkers.len());
        self.title = prefix(self.title, room);
        self.text = prefix(self.text, room);
        let lengths = self.techniques.iter().map(|technique| technique.0.chars().count());
        self.techniques = first(self.techniques, within(lengths, room));
        // No address is shorter than `::`.
        self.talkers = first(self.talkers, room / 2);
        let after = (self.title.len(), self.text.len(), self.techniques.len(), self.talkers.len());
        self.truncated |= before != after;
    }

    /// Comma-separated.
    pub(super) fn joined_techniques(&self) -> String {
        self.techniques.iter().map(|technique| technique.0.as_str()).collect::<Vec<_>>().join(",")
    }

    /// Comma-separated, the attacker's side first.
    pub(super) fn joined_talkers(&self) -> String {
        self.talkers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

/// The largest number up to `most` for which `fits`, which must hold for 0 and, once it fails, for nothing larger.
fn most(most: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// How many items, joined by commas, stay within `most` characters.
fn within(lengths: impl Iterator<Item = usize>, most: usize) -> usize {
    let mut left = most;
    let mut count = 0;
    for length in lengths {
        let Some(rest) = left.checked_sub(length + usize::from(count > 0)) else { break };
        left = rest;
        count += 1;
    }
    count
}

fn prefix(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

fn first<T>(items: &[T], count: usize) -> &[T] {
    items.get(..count).unwrap_or(items)
}
