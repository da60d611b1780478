//! Envelopes widened by exactly the values that were written.

use fieldwarden_model::{Point, PointRange, Value};

use super::super::{
    Allowed, Counter, Envelope, Few, MAX_LISTED, Moves,
    compiled::{CompiledEntry, place},
    diff::sweep::behind,
    merge, order,
};
use crate::motion::number;

/// Points written with values that could not be read: learning holds any value for normal there, too.
pub(super) fn unread(writes: &mut Vec<Envelope>, points: PointRange) {
    let mut covered: Vec<PointRange> = writes.iter().map(|envelope| envelope.points).collect();
    merge(&mut covered);
    if covered.iter().any(|range| range.contains(&points)) {
        return;
    }
    writes.push(Envelope { points, step: 1, allowed: Allowed::ANY, seen: 0, moves: Moves::default() });
    writes.sort_by_key(|envelope| (envelope.points, envelope.step));
}

/// Lets each value be written to its points, after the one before it where that is known.
///
/// # Errors
/// Why no line of the kind that is there can let a value through.
pub(super) fn values(
    writes: &mut Vec<Envelope>,
    points: PointRange,
    step: u16,
    values: &[(Option<Value>, Value)],
) -> Result<(), &'static str> {
    let mut fresh: Vec<Envelope> = Vec::new();
    let mut index = points.first;
    for (before, value) in values {
        let last = index.saturating_add(u64::from(step) - 1).min(points.last);
        let here = PointRange { first: index, last, ..points };
        match holding(writes, here, step) {
            Some(at) => widen(writes, at, here, (*before, *value))?,
            None => add(&mut fresh, here, step, *value),
        }
        index = index.saturating_add(u64::from(step));
    }
    writes.append(&mut fresh);
    writes.sort_by_key(|envelope| (envelope.points, envelope.step));
    Ok(())
}

/// Which line holds the values of this width that begin here.
fn holding(writes: &[Envelope], here: PointRange, step: u16) -> Option<usize> {
    let probe = Envelope { points: here, step, allowed: Allowed::ANY, seen: 0, moves: Moves::default() };
    let wanted = place(&probe);
    let class = |envelope: &Envelope| {
        let (space, step, phase, _) = place(envelope);
        (space, step, phase)
    };
    let before =
        |(_, envelope): &(usize, &Envelope)| class(envelope) == class(&probe) && place(envelope) <= wanted;
    let (at, envelope) =
        writes.iter().enumerate().filter(before).max_by_key(|(_, envelope)| place(envelope))?;
    (here.first <= envelope.points.last).then_some(at)
}

/// Widens what a line says of some of its points, and of no others: it is cut in up to three.
fn widen(
    writes: &mut Vec<Envelope>,
    at: usize,
    here: PointRange,
    (before, value): (Option<Value>, Value),
) -> Result<(), &'static str> {
    let Some(line) = writes.get(at).cloned() else { return Ok(()) };
    let is_next = before.is_none_or(|before| line.allowed.follows(number(before), value));
    if line.allows(value) && is_next {
        // The last value of a line may be cut short; all of its points are written now.
        if let Some(line) = writes.get_mut(at) {
            line.points.last = line.points.last.max(here.last);
        }
        return Ok(());
    }
    let until = behind(&Envelope { points: here, ..line.clone() });
    let head = (line.points.first < here.first)
        .then(|| PointRange { last: here.first.saturating_sub(1), ..line.points });
    let tail = (until <= line.points.last).then_some(PointRange { first: until, ..line.points });
    let share = |points: PointRange| share(&line, points);
    let widened = Envelope {
        points: here,
        allowed: wider(&line.allowed, before, value)?,
        seen: share(here).saturating_add(1),
        ..line.clone()
    };
    let rest = [head, tail].into_iter().flatten();
    let rest = rest.map(|points| Envelope { points, seen: share(points), ..line.clone() });
    // In the place of the line, so that of lines that begin at one point the same counts as before.
    let parts: Vec<Envelope> = core::iter::once(widened).chain(rest).collect();
    writes.splice(at..=at, parts);
    Ok(())
}

/// The least of the same kind that allows a value as well.
fn wider(allowed: &Allowed, before: Option<Value>, value: Value) -> Result<Allowed, &'static str> {
    let bound = |held: Option<Value>, beyond: core::cmp::Ordering| match held {
        Some(held) if order(value, held) == beyond => Some(value),
        held => held,
    };
    let low = |held| bound(held, core::cmp::Ordering::Less);
    let high = |held| bound(held, core::cmp::Ordering::Greater);
    match allowed {
        Allowed::Range { minimum, maximum } => {
            Ok(Allowed::Range { minimum: low(*minimum), maximum: high(*maximum) })
        }
        Allowed::Values(few) if few.len() < MAX_LISTED => {
            Ok(Allowed::Values(Few::new(few.iter().chain([value]).collect())))
        }
        Allowed::Values(_) => {
            Err("the line lists as many `values` as it may\n\nhint: say minimum and maximum by hand")
        }
        Allowed::Bits(bits) => match bits.strange(value) {
            Some(strange) => Ok(Allowed::Bits(bits.with(strange))),
            None => Err("a real number has no bits to add\n\nhint: say minimum and maximum by hand"),
        },
        Allowed::Counter(counter) => {
            let Counter { step, minimum, maximum } = **counter;
            let wide = Counter { step, minimum: low(minimum), maximum: high(maximum) };
            count(wide, before, value).map(|counter| Allowed::Counter(Box::new(counter)))
        }
    }
}

/// A counter that also goes on from one value to another.
fn count(counter: Counter, before: Option<Value>, value: Value) -> Result<Counter, &'static str> {
    let Some(before) = before.filter(|before| !counter.follows(number(*before), value)) else {
        return Ok(counter);
    };
    match (before, value) {
        (Value::Integer(before), Value::Integer(value)) if value > before => {
            Ok(Counter { step: value.abs_diff(before), ..counter })
        }
        _ => Err(
            "a count that goes down otherwise than to begin anew is no count\n\nhint: say minimum and maximum in the place of `counter` by hand",
        ),
    }
}

/// How many of the values that a line rests on fall to some of its points, taken as spread evenly.
fn share(line: &Envelope, points: PointRange) -> u64 {
    let length = |points: PointRange| u128::from(points.last.saturating_sub(points.first)) + 1;
    let share = u128::from(line.seen) * length(points) / length(line.points).max(1);
    u64::try_from(share).unwrap_or(u64::MAX).min(line.seen)
}

fn add(fresh: &mut Vec<Envelope>, here: PointRange, step: u16, value: Value) {
    let allowed = Allowed::only(value);
    if let Some(before) = fresh.last_mut()
        && before.points.last.checked_add(1) == Some(here.first)
        && before.allowed.same(&allowed)
    {
        before.points.last = here.last;
        before.seen += 1;
        return;
    }
    fresh.push(Envelope { points: here, step, allowed, seen: 1, moves: Moves::default() });
}

/// Whether each value may be written, as the engine judges.
pub(super) fn allowed(entry: &CompiledEntry, points: PointRange, step: u16, values: &[Value]) -> bool {
    let mut index = points.first;
    values.iter().all(|value| {
        let envelope = entry.envelope(Point { space: points.space, index }, step);
        index = index.saturating_add(u64::from(step));
        envelope.is_some_and(|envelope| envelope.allows(*value))
    })
}
