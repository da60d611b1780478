//! Three versions of one conversation, joined.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{PointRange, ShortText};

use super::{
    super::{
        Entry, Function, ReadMotion,
        diff::{bare, sweep::without},
        function_text, merge as merge_ranges,
    },
    Judge, Three, writes,
};

/// What becomes of a conversation; none where it goes.
pub(super) fn join(judge: &mut Judge, sides: Three<Option<&Entry>>) -> Option<Entry> {
    match (sides.base, sides.mine, sides.theirs) {
        (_, Some(mine), Some(theirs)) => {
            let empty = bare(mine);
            let base = sides.base.unwrap_or(&empty);
            Some(parts(judge, Three { base, mine, theirs }, sides.base.is_some()))
        }
        (None, one, None) | (None, None, one) => one.cloned(),
        (Some(base), Some(left), None) | (Some(base), None, Some(left)) => {
            if same(base, left) {
                return None;
            }
            let text = |entry: Option<&Entry>| entry.map(|_| String::from("there, and changed"));
            let texts = Three { base: Some(String::from("there")), ..sides.map(text) };
            judge.conflict("conversation: one side took it out, the other changed it", texts);
            Some(left.clone())
        }
        (Some(_), None, None) => None,
    }
}

/// Whether two entries are spelled alike.
fn same(a: &Entry, b: &Entry) -> bool {
    // Beside the bounds, where what is not a number equals itself, plain equality serves.
    let rest = |entry: &Entry| Entry { writes: Vec::new(), ..entry.clone() };
    super::super::diff::sweep::same_lines(&a.writes, &b.writes) && rest(a) == rest(b)
}

fn parts(judge: &mut Judge, sides: Three<&Entry>, was_there: bool) -> Entry {
    let ids = sides.map(|side| side.id.clone());
    let id = match was_there {
        true => judge.settle("id", ids, |id| Some(id.clone())),
        // Neither side renamed anything: both named something new.
        false if ids.mine == ids.theirs => ids.mine,
        false => {
            let mine = ids.mine.clone();
            judge.conflict("id", Three { base: None, mine: Some(ids.mine), theirs: Some(ids.theirs) });
            mine
        }
    };
    let functions = functions(judge, sides);
    let reads = reads(sides);
    let writes = writes::join(judge, sides);
    let motion = motion(judge, sides);
    let period = |period: &Option<u64>| period.map(|period| format!("{period} ms"));
    let period_ms = judge.settle("period_ms", sides.map(|side| side.period_ms), period);
    let refusals = sides.map(|side| side.refusals_per_minute);
    let refusals_per_minute = judge.settle("refusals_per_minute", refusals, |most| Some(most.to_string()));
    let pace = judge.settle("pace", sides.map(|side| side.pace), |pace| Some(pace.text()));
    let oddities = oddities(sides);
    Entry {
        id,
        functions,
        reads,
        writes,
        motion,
        period_ms,
        refusals_per_minute,
        pace,
        oddities,
        ..sides.mine.clone()
    }
}

fn functions(judge: &mut Judge, sides: Three<&Entry>) -> Vec<Function> {
    if let Some(functions) = sides.map(|side| side.functions.as_slice()).agreed() {
        return functions.to_vec();
    }
    let named = sides.map(|side| {
        side.functions.iter().map(|function| (function.code, &function.name)).collect::<BTreeMap<_, _>>()
    });
    let codes: BTreeSet<u32> =
        [&named.base, &named.mine, &named.theirs].into_iter().flat_map(|side| side.keys().copied()).collect();
    let mut kept = Vec::new();
    for code in codes {
        let what = format!("function {}", function_text(code));
        let several =
            |side: &Entry| side.functions.iter().filter(|function| function.code == code).count() > 1;
        let here = Three { base: &named.base, mine: &named.mine, theirs: &named.theirs }
            .map(|side| side.get(&code).map(|name| (*name).clone()));
        if [sides.base, sides.mine, sides.theirs].into_iter().any(several) {
            judge.conflict(
                format!("{what} stands more than once: leave one, then merge"),
                here.clone().map(|name| name.map(|name| name.to_string())),
            );
        }
        let name = if here.mine.is_some() && here.theirs.is_some() {
            let names = here.map(Option::unwrap_or_default);
            Some(judge.settle(&format!("name of {what}"), names, |name| Some(name.to_string())))
        } else {
            let text = |name: &Option<ShortText>| {
                name.as_ref().map(|name| Function { code, name: name.clone() }.text())
            };
            judge.settle(&what, here, text)
        };
        kept.extend(name.map(|name| Function { code, name }));
    }
    kept
}

/// Points read: a point stays or goes as the side wants that changed it.
fn reads(sides: Three<&Entry>) -> Vec<PointRange> {
    if let Some(reads) = sides.map(|side| side.reads.as_slice()).agreed() {
        return reads.to_vec();
    }
    let Three { base, mine, theirs } = sides.map(|side| side.reads.as_slice());
    let mut kept = without(mine, &without(mine, theirs));
    kept.extend(without(mine, base));
    kept.extend(without(theirs, base));
    merge_ranges(&mut kept);
    kept
}

/// How values move that are read: line by line, where a line is about the same points on every side.
fn motion(judge: &mut Judge, sides: Three<&Entry>) -> Vec<ReadMotion> {
    if let Some(lines) = sides.map(|side| side.motion.as_slice()).agreed() {
        return lines.to_vec();
    }
    let entry = sides.mine;
    let known = sides.map(|side| {
        let line = |line: &ReadMotion| ((line.points, line.step), *line);
        side.motion.iter().map(line).collect::<BTreeMap<_, _>>()
    });
    let all: BTreeSet<(PointRange, u16)> =
        [&known.base, &known.mine, &known.theirs].into_iter().flat_map(|side| side.keys().copied()).collect();
    let mut kept: Vec<ReadMotion> = Vec::new();
    for key in all {
        let here = Three { base: &known.base, mine: &known.mine, theirs: &known.theirs }
            .map(|side| side.get(&key).copied());
        let what = format!("motion of {}", entry.points_text(&key.0));
        kept.extend(judge.settle(&what, here, |line| line.map(|line| line.text())));
    }
    let overlap = |(a, b): (&ReadMotion, &ReadMotion)| {
        (a.step == b.step && a.points.overlaps(&b.points)).then_some(b.points)
    };
    // One side cut a line that the other changed.
    if let Some(points) = kept.iter().zip(kept.iter().skip(1)).find_map(overlap) {
        let what = format!("motion: lines overlap at {}", entry.points_text(&points));
        judge.conflict(what, sides.map(|side| Some(format!("{} lines", side.motion.len()))));
    }
    kept
}

fn oddities(sides: Three<&Entry>) -> Vec<String> {
    let known = sides.map(|side| side.oddities.iter().collect::<BTreeSet<_>>());
    let all: BTreeSet<&String> =
        [&known.base, &known.mine, &known.theirs].into_iter().flatten().copied().collect();
    // Of three answers yes or no two are always alike.
    let stays = |code: &&String| {
        let here = Three { base: &known.base, mine: &known.mine, theirs: &known.theirs };
        here.map(|side| side.contains(*code)).agreed() == Some(true)
    };
    all.into_iter().filter(stays).cloned().collect()
}
