//! What two entries about one conversation say otherwise.

use std::collections::BTreeMap;

use fieldwarden_model::{PointRange, ShortText, Value};

use super::{
    super::{
        Allowed, Baseline, Entry, Envelope, Few, Function, Moves, Pace, ReadMotion,
        allowed::same_bound,
        compiled::CompiledEntry,
        function_text, order, reads,
        text::{value_text, width_text},
    },
    Bound, Effect, Part, Teller,
    sweep::{Segment, same_lines, same_moves, segments, without},
};

/// An entry that was not there.
pub(super) fn added(told: &mut Teller, new: &Entry) {
    let meaning = "no longer told as a new conversation; what it may do follows";
    told.tell((Part::Conversation, Effect::Widens), "conversation", (None, Some(new.id.clone())), meaning);
    compare(told, &bare(new), new);
}

/// An entry that is there no longer.
pub(super) fn removed(told: &mut Teller, old: &Entry) {
    let meaning = "told as a new conversation, and every write in it";
    told.tell((Part::Conversation, Effect::Narrows), "conversation", (Some(old.id.clone()), None), meaning);
    compare(told, old, &bare(old));
}

/// The entry that allows the same conversation and nothing in it.
pub(crate) fn bare(entry: &Entry) -> Entry {
    Entry {
        functions: Vec::new(),
        reads: Vec::new(),
        writes: Vec::new(),
        motion: Vec::new(),
        period_ms: None,
        refusals_per_minute: 0,
        pace: Pace::default(),
        oddities: Vec::new(),
        ..entry.clone()
    }
}

pub(super) fn compare(told: &mut Teller, old: &Entry, new: &Entry) {
    let id = |entry: &Entry| Some(entry.id.clone());
    told.scalar(Part::Id, "id", id(old), id(new), "alerts cite the new name");
    functions(told, old, new);
    reads(told, old, new);
    writes(told, old, new);
    motion(told, old, new);
    let period = |entry: &Entry| entry.period_ms.map(|period| format!("{period} ms"));
    let meaning = "how long a containment waits for the next poll; raises no alert by itself";
    told.scalar(Part::Period, "polls every", period(old), period(new), meaning);
    refusals(told, old, new);
    pace(told, old, new);
    oddities(told, old, new);
}

fn pace(told: &mut Teller, old: &Entry, new: &Entry) {
    if old.pace == new.pace {
        return;
    }
    let limits = |pace: &Pace| {
        let (fewest, most) = pace.requests_per_minute.unzip();
        // As numbers of which less is stricter.
        [fewest.map(core::ops::Not::not), most, pace.writes_per_minute, pace.pause_ms]
    };
    let effect = moved(limits(&old.pace).into_iter().zip(limits(&new.pace)));
    let both = (Some(old.pace.text()), Some(new.pace.text()));
    told.tell((Part::Pace, effect), "pace", both, "bursts, pauses and other rates than these are told");
}

/// What limits do that became others, none being no limit: a wider one among them widens.
fn moved<T: PartialOrd>(limits: impl Iterator<Item = (Option<T>, Option<T>)>) -> Effect {
    let (mut wider, mut narrower) = (false, false);
    for limit in limits {
        match limit {
            (Some(old), Some(new)) => (wider, narrower) = (wider | (new > old), narrower | (new < old)),
            (Some(_), None) => wider = true,
            (None, Some(_)) => narrower = true,
            (None, None) => {}
        }
    }
    match (wider, narrower) {
        (true, _) => Effect::Widens,
        (false, true) => Effect::Narrows,
        (false, false) => Effect::Same,
    }
}

fn functions(told: &mut Teller, old: &Entry, new: &Entry) {
    type Names<'a> = Vec<&'a ShortText>;
    let mut codes: BTreeMap<u32, (Names<'_>, Names<'_>)> = BTreeMap::new();
    for Function { code, name } in &old.functions {
        codes.entry(*code).or_default().0.push(name);
    }
    for Function { code, name } in &new.functions {
        codes.entry(*code).or_default().1.push(name);
    }
    for (code, (old, new)) in codes {
        let text = |names: &Names<'_>| {
            let one = |name: &&ShortText| Function { code, name: (*name).clone() }.text();
            (!names.is_empty()).then(|| names.iter().map(one).collect::<Vec<_>>().join(", "))
        };
        let both = (text(&old), text(&new));
        let (part, effect, meaning) = match (old.is_empty(), new.is_empty()) {
            (true, false) => (Part::Function(code), Effect::Widens, "its use is no longer told here"),
            (false, true) => (Part::Function(code), Effect::Narrows, "its use is told"),
            _ if old == new => continue,
            _ => (Part::FunctionName(code), Effect::Same, "a name for people; the code alone is judged"),
        };
        told.tell((part, effect), format!("function {}", function_text(code)), both, meaning);
    }
}

fn reads(told: &mut Teller, old: &Entry, new: &Entry) {
    let before = told.changes.len();
    let meaning = "for people: points that are read are not judged";
    for range in without(&new.reads, &old.reads) {
        let text = new.points_text(&range);
        told.tell((Part::Reads(range), Effect::Same), "reads", (None, Some(text)), meaning);
    }
    for range in without(&old.reads, &new.reads) {
        let text = old.points_text(&range);
        told.tell((Part::Reads(range), Effect::Same), "reads", (Some(text), None), meaning);
    }
    if told.changes.len() == before && old.reads != new.reads {
        let list = |entry: &Entry| {
            let texts: Vec<String> = entry.reads.iter().map(|range| entry.points_text(range)).collect();
            Some(texts.join(", "))
        };
        told.tell((Part::Lines, Effect::Same), "reads", (list(old), list(new)), "the same points");
    }
}

fn writes(told: &mut Teller, old: &Entry, new: &Entry) {
    if same_lines(&old.writes, &new.writes) {
        return;
    }
    let before = told.changes.len();
    if let (Some(compiled_old), Some(compiled_new)) =
        (CompiledEntry::new(old.clone()), CompiledEntry::new(new.clone()))
    {
        for segment in segments(&compiled_old, &compiled_new) {
            values(told, new, &segment);
        }
        for range in without(compiled_new.written(), compiled_old.written()) {
            written(told, new, range, true);
        }
        for range in without(compiled_old.written(), compiled_new.written()) {
            written(told, new, range, false);
        }
    }
    if told.changes.len() == before {
        let lines = |entry: &Entry| Some(spelled_writes(entry));
        told.tell(
            (Part::Lines, Effect::Same),
            "writes",
            (lines(old), lines(new)),
            "the same points and values",
        );
    }
}

fn written(told: &mut Teller, entry: &Entry, range: PointRange, is_new: bool) {
    let text = Some(entry.points_text(&range));
    let (effect, both, meaning) = if is_new {
        (Effect::Widens, (None, text), "may be written, alone or together with neighbours that may")
    } else {
        (Effect::Narrows, (text, None), "every write that touches these is told")
    };
    told.tell((Part::Written(range), effect), "written points", both, meaning);
}

fn values(told: &mut Teller, entry: &Entry, segment: &Segment) {
    let (points, step) = (segment.points, segment.step);
    let place = format!("{}{}", entry.points_text(&points), width_text(step));
    match (&segment.old, &segment.new) {
        (Some(old), Some(new)) if !apart(&old.allowed, &new.allowed) => {
            kind(told, &place, (points, step), &old.allowed, &new.allowed);
            movement(told, &place, segment, &old.moves, &new.moves);
            if old.seen != new.seen {
                let both = (Some(old.seen.to_string()), Some(new.seen.to_string()));
                let meaning = "how many values the bounds rest on; not judged";
                told.tell(
                    (Part::Seen(points, step), Effect::Same),
                    format!("values seen at {place}"),
                    both,
                    meaning,
                );
            }
        }
        (old, new) => {
            for (envelope, effect) in [(old, Effect::Narrows), (new, Effect::Widens)] {
                let Some(Envelope { allowed, .. }) = envelope else { continue };
                let text = Some(allowed.text());
                let (both, meaning) = match effect {
                    Effect::Widens => ((None, text), "these values may be written"),
                    _ => ((text, None), "writing these values is told"),
                };
                let part = Part::Values { points, step, allowed: allowed.clone() };
                told.tell((part, effect), format!("values of {place}"), both, meaning);
            }
        }
    }
}

fn movement(told: &mut Teller, place: &str, segment: &Segment, old: &Moves, new: &Moves) {
    if same_moves(old, new) {
        return;
    }
    let limits = |moves: &Moves| [moves.step_maximum, moves.run_maximum, Some(moves.turns_per_minute.into())];
    let effect = moved(limits(old).into_iter().zip(limits(new)));
    let part = (Part::Moves(segment.points, segment.step), effect);
    let meaning = "values that move otherwise within their bounds are told";
    told.tell(part, format!("movement of {place}"), (Some(old.text()), Some(new.text())), meaning);
}

fn motion(told: &mut Teller, old: &Entry, new: &Entry) {
    let (before, after) = (reads::sorted(old.motion.clone()), reads::sorted(new.motion.clone()));
    let pieces = reads::pieces(&before, &after);
    let spelled = |entry: &Entry| {
        let one = |line: &ReadMotion| {
            format!("{}{}: {}", entry.points_text(&line.points), width_text(line.step), line.text())
        };
        Some(entry.motion.iter().map(one).collect::<Vec<_>>().join(", "))
    };
    if pieces.is_empty() {
        told.scalar(Part::Lines, "motion", spelled(old), spelled(new), "the same points and limits");
    }
    for piece in pieces {
        let place = format!("{}{}", new.points_text(&piece.points), width_text(piece.step));
        let text = |line: Option<&ReadMotion>| line.map(ReadMotion::text);
        let (texts, part) = ((text(piece.old), text(piece.new)), Part::Motion(piece.points, piece.step));
        let limits = |line: Option<&ReadMotion>| {
            let [still, wobble, random] = match line {
                #[expect(clippy::cast_precision_loss, reason = "limits are compared, not kept")]
                Some(line) => {
                    let random = if line.random { None } else { Some(0.0) };
                    [line.still_ms.map(|most| most as f64), line.wobble_per_minute, random]
                }
                None => [None, None, Some(0.0)],
            };
            [still, wobble, random]
        };
        let effect = moved(limits(piece.old).into_iter().zip(limits(piece.new)));
        let meaning = match effect {
            Effect::Same => "how many answers that rests on, or what judges nothing",
            _ => "values that are read and stand still longer, or wobble more, are told",
        };
        told.tell((part, effect), format!("motion of {place}"), texts, meaning);
    }
}

/// Whether two of one kind have no value in common: then the one goes and the other comes.
fn apart(a: &Allowed, b: &Allowed) -> bool {
    let above = |low: Option<Value>, high: Option<Value>| {
        low.zip(high).is_some_and(|(low, high)| order(low, high).is_gt())
    };
    match (a, b) {
        (Allowed::Values(old), Allowed::Values(new)) => !new.iter().any(|value| old.spells(value)),
        _ if !a.is_like(b) => false,
        _ => a.bounds().zip(b.bounds()).is_some_and(|((low, high), (other_low, other_high))| {
            above(low, other_high) || above(other_low, high)
        }),
    }
}

/// What two envelopes say otherwise.
fn kind(told: &mut Teller, place: &str, at: (PointRange, u16), old: &Allowed, new: &Allowed) {
    match (old, new) {
        (Allowed::Values(old), Allowed::Values(new)) => listed(told, place, at, old, new),
        (Allowed::Counter(old), Allowed::Counter(new)) => counter(told, place, at, old.step, new.step),
        (Allowed::Range { .. }, Allowed::Range { .. }) => {}
        _ => return replaced(told, place, at, old, new),
    }
    let ends = |allowed: &Allowed| allowed.bounds().unwrap_or_default();
    let ((low, high), (new_low, new_high)) = (ends(old), ends(new));
    bound(told, place, Bound { old: low, new: new_low }, false, at);
    bound(told, place, Bound { old: high, new: new_high }, true, at);
}

fn listed(told: &mut Teller, place: &str, (points, step): (PointRange, u16), old: &Few, new: &Few) {
    let beyond = |list: &Few, other: &Few| {
        let values: Vec<Value> = list.iter().filter(|value| !other.spells(*value)).collect();
        // What is there already in another spelling changes nothing.
        let held = |value: &Value| Allowed::Values(other.clone()).allows(*value);
        values.into_iter().partition::<Vec<Value>, _>(held)
    };
    let ((spelled, added), (was_spelled, removed)) = (beyond(new, old), beyond(old, new));
    let mut tell = |effect, values: Vec<Value>, meaning: &str| {
        if values.is_empty() {
            return;
        }
        let few = Few::new(values);
        let text = Some(few.text());
        let both = if effect == Effect::Narrows { (text, None) } else { (None, text) };
        let part = Part::Values { points, step, allowed: Allowed::Values(few) };
        told.tell((part, effect), format!("values of {place}"), both, meaning);
    };
    tell(Effect::Narrows, removed, "writing these values is told");
    tell(Effect::Widens, added, "these values may be written");
    if !spelled.is_empty() || !was_spelled.is_empty() {
        let texts = (Some(old.text()), Some(new.text()));
        let meaning = "the same values, spelled otherwise";
        told.tell((Part::Lines, Effect::Same), format!("values of {place}"), texts, meaning);
    }
}

/// Bits that became others, or values of another kind.
fn replaced(told: &mut Teller, place: &str, (points, step): (PointRange, u16), old: &Allowed, new: &Allowed) {
    let narrows = !new.covers(old);
    let widens = !old.covers(new);
    let less = "what is not among the latter is told when written";
    let more = "what is not among the former may be written";
    for (effect, happens, meaning) in [(Effect::Narrows, narrows, less), (Effect::Widens, widens, more)] {
        if happens {
            let part = Part::Replaced { points, step, old: old.clone(), new: new.clone() };
            let both = (Some(old.text()), Some(new.text()));
            told.tell((part, effect), format!("values of {place}"), both, meaning);
        }
    }
    if !narrows && !widens && !old.same(new) {
        let both = (Some(old.text()), Some(new.text()));
        told.tell((Part::Lines, Effect::Same), format!("values of {place}"), both, "the same values");
    }
}

fn counter(told: &mut Teller, place: &str, (points, step): (PointRange, u16), old: u64, new: u64) {
    let (effect, meaning) = match old.cmp(&new) {
        core::cmp::Ordering::Equal => return,
        core::cmp::Ordering::Less => (Effect::Widens, "larger steps may be written"),
        core::cmp::Ordering::Greater => (Effect::Narrows, "larger steps are told when written"),
    };
    let both = (Some(old.to_string()), Some(new.to_string()));
    told.tell((Part::Counter(points, step, old, new), effect), format!("count of {place}"), both, meaning);
}

fn bound(told: &mut Teller, place: &str, moved: Bound, is_maximum: bool, at: (PointRange, u16)) {
    if same_bound(moved.old, moved.new) {
        return;
    }
    let text = |value: Option<Value>| Some(value.map_or_else(|| "none".into(), value_text));
    let towards = match (moved.old, moved.new) {
        (Some(old), Some(new)) => {
            if is_maximum {
                order(new, old)
            } else {
                order(old, new)
            }
        }
        (Some(_), None) => core::cmp::Ordering::Greater,
        _ => core::cmp::Ordering::Less,
    };
    let effect = match towards {
        core::cmp::Ordering::Greater => Effect::Widens,
        core::cmp::Ordering::Less => Effect::Narrows,
        core::cmp::Ordering::Equal => Effect::Same,
    };
    let meaning = match (effect, is_maximum) {
        (Effect::Same, _) => String::from("the same value, spelled otherwise"),
        (effect, is_maximum) => {
            let (inner, outer) =
                if effect == Effect::Widens { (moved.old, moved.new) } else { (moved.new, moved.old) };
            let passes = if effect == Effect::Widens { "may be written" } else { "are told when written" };
            format!("values {} {passes}", between(inner, outer, is_maximum))
        }
    };
    let (name, part) = if is_maximum {
        ("maximum", Part::Maximum(at.0, at.1, moved))
    } else {
        ("minimum", Part::Minimum(at.0, at.1, moved))
    };
    told.tell((part, effect), format!("{name} of {place}"), (text(moved.old), text(moved.new)), meaning);
}

/// The values beyond one bound, up to another.
fn between(inner: Option<Value>, outer: Option<Value>, upwards: bool) -> String {
    let (beyond, until) = if upwards { ("above", "up to") } else { ("below", "down to") };
    let inner = inner.map(value_text).unwrap_or_default();
    match outer {
        Some(outer) => format!("{beyond} {inner} {until} {}", value_text(outer)),
        None => format!("{beyond} {inner}, however far,"),
    }
}

fn refusals(told: &mut Teller, old: &Entry, new: &Entry) {
    let (before, after) = (old.refusals_per_minute, new.refusals_per_minute);
    let (effect, meaning) = match before.cmp(&after) {
        core::cmp::Ordering::Equal => return,
        core::cmp::Ordering::Less => (Effect::Widens, "more refusals pass before a burst of them is told"),
        core::cmp::Ordering::Greater => (Effect::Narrows, "a burst of refusals is told earlier"),
    };
    let both = (Some(before.to_string()), Some(after.to_string()));
    told.tell((Part::Refusals, effect), "refusals a minute", both, meaning);
}

fn oddities(told: &mut Teller, old: &Entry, new: &Entry) {
    for code in new.oddities.iter().filter(|code| !old.oddities.contains(code)) {
        let meaning = "this break of the protocol is no longer told here";
        told.tell(
            (Part::Oddity(code.clone()), Effect::Widens),
            "oddity",
            (None, Some(code.clone())),
            meaning,
        );
    }
    for code in old.oddities.iter().filter(|code| !new.oddities.contains(code)) {
        let meaning = "this break of the protocol is told";
        told.tell(
            (Part::Oddity(code.clone()), Effect::Narrows),
            "oddity",
            (Some(code.clone()), None),
            meaning,
        );
    }
    let distinct = |entry: &Entry| entry.oddities.iter().collect::<std::collections::BTreeSet<_>>().len();
    if distinct(old) == distinct(new) && old.oddities.len() != new.oddities.len() {
        let list = |entry: &Entry| Some(entry.oddities.join(", "));
        told.tell((Part::Lines, Effect::Same), "oddities", (list(old), list(new)), "the same breaks");
    }
}

fn spelled_writes(entry: &Entry) -> String {
    let one = |envelope: &Envelope| {
        format!(
            "{}: {}{}{}",
            entry.points_text(&envelope.points),
            envelope.bounds_text(),
            envelope.width_text(),
            envelope.moves.text()
        )
    };
    entry.writes.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Whole tables, spelled out so that two texts of them differ where the tables do.
pub(super) fn spelled(entries: &[&Entry]) -> String {
    let conversations = entries.iter().map(|&entry| entry.clone()).collect();
    let document = Baseline { conversations, ..Baseline::default() }.document();
    document.tables.iter().map(|table| format!("{:?}", table.entries)).collect::<Vec<_>>().join("; ")
}
