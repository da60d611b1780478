//! Three versions of the values that may be written, joined bound by bound.

use std::collections::BTreeSet;

use fieldwarden_model::{Point, PointRange, Space};

use super::{
    super::{
        Allowed, Entry, Envelope, Moves,
        compiled::{CompiledEntry, place},
        diff::sweep::{edges, same_lines, same_moves},
        text::width_text,
    },
    Judge, Three, kinds,
};

/// What the sides make of the values of neighbouring points.
#[derive(Clone, Debug)]
struct Cell {
    allowed: Allowed,
    seen: u64,
    moves: Moves,
    last: u64,
}

impl Cell {
    fn of(envelope: &Envelope, until: u64) -> Self {
        let Envelope { points, allowed, seen, moves, .. } = envelope;
        let last = points.last.min(until.saturating_sub(1));
        Self { allowed: allowed.clone(), seen: *seen, moves: *moves, last }
    }

    fn text(&self, entry: &Entry, points: PointRange) -> String {
        format!("{}: {}{}", entry.points_text(&points), self.allowed.text(), self.moves.text())
    }
}

impl PartialEq for Cell {
    /// What is not a number equals itself.
    fn eq(&self, other: &Self) -> bool {
        self.allowed.same(&other.allowed)
            && same_moves(&self.moves, &other.moves)
            && (self.seen, self.last) == (other.seen, other.last)
    }
}

/// How values move, compared by its spelling.
#[derive(Clone, Copy, Debug)]
struct SpelledMoves(Moves);

impl PartialEq for SpelledMoves {
    fn eq(&self, other: &Self) -> bool {
        same_moves(&self.0, &other.0)
    }
}

/// What no file says.
const NEVER: Moves =
    Moves { step_maximum: Some(f64::NAN), run_maximum: Some(f64::NAN), turns_per_minute: u32::MAX };

pub(super) fn join(judge: &mut Judge, sides: Three<&Entry>) -> Vec<Envelope> {
    let lines = sides.map(|side| side.writes.as_slice());
    // Where one side left them alone the other's lines stand as they are.
    if same_lines(lines.mine, lines.theirs) || same_lines(lines.theirs, lines.base) {
        return lines.mine.to_vec();
    }
    if same_lines(lines.mine, lines.base) {
        return lines.theirs.to_vec();
    }
    if let Some(points) = [lines.base, lines.mine, lines.theirs].into_iter().find_map(overlap) {
        let what = format!(
            "writes: lines overlap at {}: make them one, then merge",
            sides.mine.points_text(&points)
        );
        judge.conflict(what, lines.map(|lines| Some(format!("{} lines", lines.len()))));
        return lines.mine.to_vec();
    }
    let Three { base: Some(base), mine: Some(mine), theirs: Some(theirs) } =
        sides.map(|side| CompiledEntry::new(side.clone()))
    else {
        judge.conflict("writes", lines.map(|lines| Some(format!("{} lines", lines.len()))));
        return lines.mine.to_vec();
    };
    sweep(judge, sides.mine, Three { base: &base, mine: &mine, theirs: &theirs })
}

/// Points where two lines for values of one width overlap.
fn overlap(lines: &[Envelope]) -> Option<PointRange> {
    let mut sorted: Vec<&Envelope> = lines.iter().collect();
    sorted.sort_by_key(|envelope| place(envelope));
    let class = |envelope: &Envelope| {
        let (space, step, phase, _) = place(envelope);
        (space, step, phase)
    };
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    let mut overlapping = pairs.filter(|(a, b)| class(a) == class(b) && b.points.first <= a.points.last);
    overlapping.next().map(|(_, b)| b.points)
}

fn sweep(judge: &mut Judge, entry: &Entry, sides: Three<&CompiledEntry>) -> Vec<Envelope> {
    let starts = sides.map(|side| side.envelopes().iter().map(place).collect::<BTreeSet<_>>());
    let all = [sides.base, sides.mine, sides.theirs].into_iter().flat_map(CompiledEntry::envelopes);
    let mut kept: Vec<Envelope> = Vec::new();
    for (class @ (space, step, phase), places) in edges(all) {
        for (from, until) in places.iter().zip(places.iter().skip(1)) {
            let point = Point { space, index: *from };
            let cells =
                sides.map(|side| side.envelope(point, step).map(|envelope| Cell::of(envelope, *until)));
            let at = At { entry, space, step, first: *from, until: *until };
            let Some(cell) = settle(judge, &at, cells) else { continue };
            let here = (space, step, phase, *from);
            let begins = Three { base: &starts.base, mine: &starts.mine, theirs: &starts.theirs }
                .map(|starts| starts.contains(&here));
            // A line goes on where no side that had a say begins another one here.
            let goes_on = begins.agreed() == Some(false);
            extend(&mut kept, class, (*from, cell), goes_on);
        }
    }
    kept.sort_by_key(|envelope| (envelope.points, envelope.step));
    kept
}

fn extend(kept: &mut Vec<Envelope>, class: (Space, u16, u16), (first, cell): (u64, Cell), goes_on: bool) {
    let (space, step, phase) = class;
    if let Some(before) = kept.last_mut()
        && goes_on
        && before.points.last.checked_add(1) == Some(first)
        && {
            let (own, width, own_phase, _) = place(before);
            (own, width, own_phase) == (space, step, phase)
        }
        && before.allowed.same(&cell.allowed)
        && before.seen == cell.seen
        && same_moves(&before.moves, &cell.moves)
    {
        before.points.last = cell.last;
        return;
    }
    let points = PointRange { space, first, last: cell.last };
    let Cell { allowed, seen, moves, .. } = cell;
    kept.push(Envelope { points, step, allowed, seen, moves });
}

/// Neighbouring points that each side treats as one.
struct At<'a> {
    entry: &'a Entry,
    space: Space,
    step: u16,
    first: u64,
    until: u64,
}

impl At<'_> {
    fn points(&self, last: u64) -> PointRange {
        PointRange { space: self.space, first: self.first, last: last.min(self.until.saturating_sub(1)) }
    }

    fn place(&self, last: u64) -> String {
        format!("{}{}", self.entry.points_text(&self.points(last)), width_text(self.step))
    }
}

fn settle(judge: &mut Judge, at: &At<'_>, sides: Three<Option<Cell>>) -> Option<Cell> {
    if let Some(agreed) = sides.clone().agreed() {
        return agreed;
    }
    let Three { base, mine: Some(mine), theirs: Some(theirs) } = sides.clone() else {
        let text = |cell: Option<Cell>| cell.map(|cell| cell.text(at.entry, at.points(cell.last)));
        judge.conflict("writes: one side took it out, the other changed it", sides.clone().map(text));
        return sides.mine.or(sides.theirs);
    };
    let is_new = base.is_none();
    let unlike = Cell { allowed: Allowed::ANY, seen: 0, moves: Moves::default(), last: mine.last };
    let place = at.place(mine.last);
    let both = Three { base: base.unwrap_or(unlike), mine, theirs };
    let kinds = both.clone().map(|cell| cell.allowed);
    let allowed = if is_new { kinds::added(judge, &place, kinds) } else { kinds::join(judge, &place, kinds) };
    let moves = {
        let sides = both.clone().map(|cell| SpelledMoves(cell.moves));
        // Both added it: as with values, one side's movement is no leave to drop the other's.
        let sides = if is_new && sides.mine != sides.theirs {
            Three { base: SpelledMoves(NEVER), ..sides }
        } else {
            sides
        };
        judge.settle(&format!("movement of {place}"), sides, |moves| Some(moves.0.text())).0
    };
    let lasts = both.clone().map(|cell| cell.last);
    let last = judge.settle(&format!("end of {place}"), lasts, |last| Some(at.place(*last)));
    Some(Cell { allowed, seen: seen(both.map(|cell| cell.seen)), moves, last })
}

/// Values seen: what each side counted since adds up.
fn seen(sides: Three<u64>) -> u64 {
    sides.agreed().unwrap_or_else(|| {
        let since = |side: u64| i128::from(side) - i128::from(sides.base);
        let sum = i128::from(sides.base) + since(sides.mine) + since(sides.theirs);
        u64::try_from(sum.max(0)).unwrap_or(u64::MAX)
    })
}
