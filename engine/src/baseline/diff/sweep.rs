//! Points looked at in order, from one place where something begins or ends to the next: between two such places nothing
//! changes, so a hundred thousand points cost as much as they have lines.

use std::collections::BTreeMap;

use fieldwarden_model::{Point, PointRange, Space};

use super::super::{
    Envelope, Moves,
    compiled::{CompiledEntry, place},
    merge,
};

/// Points whose values lie in step: space, points per value, and at which of them a value begins.
pub(crate) type Class = (Space, u16, u16);

/// Where envelopes begin or end, by class, in order.
pub(crate) fn edges<'a>(envelopes: impl Iterator<Item = &'a Envelope>) -> BTreeMap<Class, Vec<u64>> {
    let mut edges: BTreeMap<Class, Vec<u64>> = BTreeMap::new();
    for envelope in envelopes {
        let (space, step, phase, first) = place(envelope);
        edges.entry((space, step, phase)).or_default().extend([first, behind(envelope)]);
    }
    for places in edges.values_mut() {
        places.sort_unstable();
        places.dedup();
    }
    edges
}

/// Where the first value begins that lies behind an envelope.
pub(crate) fn behind(envelope: &Envelope) -> u64 {
    let step = u64::from(envelope.step.max(1));
    let points = envelope.points.last.saturating_sub(envelope.points.first).saturating_add(1);
    envelope.points.first.saturating_add(points.div_ceil(step).saturating_mul(step))
}

/// Neighbouring values whose bounds differ between two sides in one and the same way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) points: PointRange,
    pub(crate) step: u16,
    pub(crate) old: Option<Envelope>,
    pub(crate) new: Option<Envelope>,
}

/// Where two sides hold different bounds or rest on another number of values, as the engine finds them.
pub(super) fn segments(old: &CompiledEntry, new: &CompiledEntry) -> Vec<Segment> {
    let mut found: Vec<Segment> = Vec::new();
    for ((space, step, _), places) in edges(old.envelopes().iter().chain(new.envelopes())) {
        for (from, until) in places.iter().zip(places.iter().skip(1)) {
            let point = Point { space, index: *from };
            let (old, new) = (old.envelope(point, step), new.envelope(point, step));
            if alike(old, new) {
                continue;
            }
            // The last value of an envelope may be cut short.
            let held = [old, new].into_iter().flatten().map(|envelope| envelope.points.last).max();
            let last = until.saturating_sub(1).min(held.unwrap_or(u64::MAX));
            if let Some(before) = found.last_mut()
                && before.step == step
                && before.points.space == space
                && before.points.last.checked_add(1) == Some(*from)
                && alike(before.old.as_ref(), old)
                && alike(before.new.as_ref(), new)
            {
                before.points.last = last;
                continue;
            }
            let points = PointRange { space, first: *from, last };
            found.push(Segment { points, step, old: old.cloned(), new: new.cloned() });
        }
    }
    found.sort_by_key(|segment| (segment.points, segment.step));
    found
}

/// Whether two envelopes say the same of a value.
fn alike(a: Option<&Envelope>, b: Option<&Envelope>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.allowed.same(&b.allowed) && a.seen == b.seen && same_moves(&a.moves, &b.moves)
        }
        _ => false,
    }
}

/// Whether two say the same of how values move.
pub(crate) fn same_moves(a: &Moves, b: &Moves) -> bool {
    let spelled = |moves: &Moves| {
        let bits = |most: Option<f64>| most.map(f64::to_bits);
        (bits(moves.step_maximum), bits(moves.run_maximum), moves.turns_per_minute)
    };
    spelled(a) == spelled(b)
}

/// Whether two lists of lines say the same in the same order.
pub(crate) fn same_lines(a: &[Envelope], b: &[Envelope]) -> bool {
    let same =
        |(a, b): (&Envelope, &Envelope)| a.points == b.points && a.step == b.step && alike(Some(a), Some(b));
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// The points of `ranges` that are not in `others`.
pub(crate) fn without(ranges: &[PointRange], others: &[PointRange]) -> Vec<PointRange> {
    let (ranges, others) = (merged(ranges), merged(others));
    let mut left = Vec::new();
    for range in ranges {
        let mut first = Some(range.first);
        let from = others.partition_point(|other| (other.space, other.last) < (range.space, range.first));
        let overlapping =
            others.get(from..).unwrap_or_default().iter().take_while(|other| other.overlaps(&range));
        for other in overlapping {
            let Some(start) = first else { break };
            if other.first > start {
                left.push(PointRange { first: start, last: other.first - 1, ..range });
            }
            first = other.last.checked_add(1).filter(|next| *next <= range.last);
        }
        left.extend(first.map(|first| PointRange { first, ..range }));
    }
    left
}

fn merged(ranges: &[PointRange]) -> Vec<PointRange> {
    let mut ranges = ranges.to_vec();
    merge(&mut ranges);
    ranges
}

#[cfg(test)]
mod tests {
    use super::{super::super::Allowed, *};

    #[test]
    fn what_others_hold_is_taken_out() {
        let space = Space { area: 4, block: 0 };
        let range = |first, last| PointRange { space, first, last };
        assert_eq!(without(&[range(1, 10)], &[range(3, 4), range(8, 20)]), [range(1, 2), range(5, 7)]);
        assert_eq!(without(&[range(1, 10)], &[range(0, 10)]), []);
        assert_eq!(without(&[range(1, 4), range(5, 6)], &[]), [range(1, 6)], "neighbours are one");
    }

    #[test]
    fn a_value_cut_short_still_ends_in_step() {
        let points = PointRange { space: Space { area: 4, block: 0 }, first: 0, last: 4 };
        let envelope = Envelope { points, step: 2, allowed: Allowed::ANY, seen: 0, moves: Moves::default() };
        assert_eq!(behind(&envelope), 6);
    }
}
