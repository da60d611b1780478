//! Small baselines of any shape, for property tests: few talkers, units, points and values, so that edits meet.

use fieldwarden_model::{AddressSpace, PointRange, Space, Timestamp, Transport, Value, Verb};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    Allowed, Baseline, Bits, Counter, Entry, Envelope, Few, Function, KnownTalker, Learned, Moves, Pace,
    Quiet, ReadMotion, quiet::Scope,
};
use crate::bench::{HMI, PLC, ROGUE, talker};

/// Holding registers of Modbus.
pub(crate) const REGISTERS: Space = Space { area: 4, block: 0 };
/// Points are numbered below this.
pub(crate) const POINTS: u64 = 12;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (-2_i64..8).prop_map(Value::Integer),
        1 => select(vec![0.5, -0.0, 2.0, f64::NAN, f64::INFINITY]).prop_map(Value::Float),
    ]
}

fn range() -> impl Strategy<Value = PointRange> {
    (0..POINTS, 0_u64..5).prop_map(|(first, more)| PointRange { space: REGISTERS, first, last: first + more })
}

/// Two bounds that do not cross: a file whose minimum lies above its maximum is refused.
fn bounds() -> impl Strategy<Value = (Option<Value>, Option<Value>)> {
    (option::weighted(0.9, value()), option::weighted(0.9, value())).prop_map(|(one, other)| {
        let crossed = one.zip(other).is_some_and(|(one, other)| super::order(one, other).is_gt());
        if crossed { (other, one) } else { (one, other) }
    })
}

/// Values of any kind.
pub(crate) fn allowed() -> impl Strategy<Value = Allowed> {
    let counter = |(step, (minimum, maximum))| Allowed::Counter(Box::new(Counter { step, minimum, maximum }));
    prop_oneof![
        4 => bounds().prop_map(|(minimum, maximum)| Allowed::Range { minimum, maximum }),
        2 => vec(value(), 1..4).prop_map(|values| Allowed::Values(Few::new(values))),
        2 => (0_u64..8, 0_u64..16).prop_map(|(changing, set)| {
            Allowed::Bits(Bits::new(changing, set & !changing).unwrap_or_default())
        }),
        1 => (1_u64..4, bounds()).prop_map(counter),
    ]
}

pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    (range(), 1_u16..=2, allowed(), 0_u64..4).prop_map(|(points, step, allowed, seen)| Envelope {
        points,
        step,
        allowed,
        seen,
        moves: Moves::default(),
    })
}

/// An envelope of values that move as they were seen to, or in any way.
fn moving() -> impl Strategy<Value = Envelope> {
    let moves = (option::weighted(0.3, 1_u8..3), option::weighted(0.2, 1_u8..3), 0_u32..2);
    (envelope(), moves).prop_map(|(envelope, (step, run, turns_per_minute))| {
        let most = |most: Option<u8>| most.map(f64::from);
        let moves = Moves { step_maximum: most(step), run_maximum: most(run), turns_per_minute };
        Envelope { moves, ..envelope }
    })
}

/// How lively a conversation is.
fn pace() -> impl Strategy<Value = Pace> {
    (option::of((1_u64..3, 3_u64..5)), option::of(1_u64..3), option::of(1_u64..3)).prop_map(
        |(requests_per_minute, writes_per_minute, pause_ms)| Pace {
            requests_per_minute,
            writes_per_minute,
            pause_ms,
        },
    )
}

/// How values move that are read.
fn motion() -> impl Strategy<Value = ReadMotion> {
    (range(), 1_u16..=2, option::of(1_u64..4), option::of(1_u8..4), any::<bool>(), 0_u64..3).prop_map(
        |(points, step, still_ms, wobble, random, seen)| {
            let wobble_per_minute = wobble.map(f64::from);
            ReadMotion { points, step, still_ms, wobble_per_minute, random, seen }
        },
    )
}

/// Lines of which no two for values of one width overlap, as learning writes them.
fn tidy(lines: Vec<Envelope>) -> Vec<Envelope> {
    let mut kept: Vec<Envelope> = Vec::new();
    for line in lines {
        if !kept.iter().any(|other| other.step == line.step && other.points.overlaps(&line.points)) {
            kept.push(line);
        }
    }
    kept.sort_by_key(|envelope| (envelope.points, envelope.step));
    kept
}

fn functions() -> impl Strategy<Value = Vec<Function>> {
    vec((select(vec![3_u32, 6, 16, 0x0001_0008]), select(vec!["", "read", "write"])), 0..4).prop_map(
        |named| {
            let named: std::collections::BTreeMap<u32, &str> = named.into_iter().collect();
            named.into_iter().map(|(code, name)| Function { code, name: name.into() }).collect()
        },
    )
}

prop_compose! {
    fn body()(
        functions in functions(),
        reads in vec(range(), 0..3),
        writes in vec(moving(), 0..5),
        period_ms in option::of(1_u64..4),
        refusals_per_minute in 0_u64..3,
        oddities in proptest::collection::btree_set(select(vec!["short", "long"]), 0..3),
        pace in pace(),
        motion in vec(motion(), 0..4),
        named in 0_u8..4,
    ) -> (Entry, u8) {
        let oddities = oddities.into_iter().map(str::to_owned).collect();
        let mut entry = bare_entry();
        (entry.functions, entry.reads, entry.writes, entry.pace) = (functions, reads, writes, pace);
        entry.motion = motion;
        (entry.period_ms, entry.refusals_per_minute, entry.oddities) = (period_ms, refusals_per_minute, oddities);
        (entry, named)
    }
}

/// The station's conversation with the controller, with nothing in it.
pub(crate) fn bare_entry() -> Entry {
    Entry {
        id: String::new(),
        space: AddressSpace(0),
        client: talker(HMI),
        server: talker(PLC),
        transport: Transport::Tcp,
        server_port: Some(502),
        protocol: "modbus".into(),
        unit: Some(1),
        functions: Vec::new(),
        reads: Vec::new(),
        writes: Vec::new(),
        motion: Vec::new(),
        period_ms: None,
        refusals_per_minute: 0,
        pace: Pace::default(),
        oddities: Vec::new(),
    }
}

prop_compose! {
    /// What is told quietly: of few talkers, by few detectors.
    pub(crate) fn quiet()(
        ends in select(vec![(Some(HMI), None), (Some(ROGUE), Some(PLC)), (None, Some(PLC))]),
        operation in option::of(select(vec![Verb::Read, Verb::Write])),
        function in option::of(select(vec![3_u32, 6, 16])),
        points in option::of(range()),
        detector in option::of(select(vec!["new-talker", "new-point-write", "new-function"])),
        until in option::of(0_i64..4),
        words in (select(vec!["pump test", "a scanner"]), option::of(select(vec!["E. Maier"]))),
    ) -> Quiet {
        let modbus = function.is_some() || points.is_some();
        let protocol = modbus.then(|| crate::conversation::protocol_named("modbus").unwrap());
        let (client, server) = (ends.0.map(talker), ends.1.map(talker));
        let scope = Scope { client, server, protocol, operation, function, points, detector, ..Scope::default() };
        let until = until.map(|day| Timestamp::from_seconds(1_000_000 + day * 3));
        Quiet { scope, until, reason: words.0.into(), accepted_by: words.1.map(Into::into) }
    }
}

prop_compose! {
    /// Any baseline; lines may overlap.
    pub(crate) fn baseline()(
        mode in select(vec!["normal", "startup"]),
        learned in option::of(1_u64..3),
        talkers in vec((select(vec![HMI, PLC, ROGUE]), option::of(0_u8..2)), 0..4),
        entries in vec((select(vec![HMI, ROGUE]), option::of(1_u16..3), body()), 0..4),
        quiet in vec(quiet(), 0..3),
        in_startup in any::<bool>(),
        shifts in proptest::collection::btree_set(0_u16..23, 0..3),
    ) -> Baseline {
        let talkers = talkers.into_iter().map(|(address, mac)| KnownTalker {
            space: AddressSpace(0),
            talker: talker(address),
            mac: mac.map(|last| fieldwarden_model::Mac([2, 0, 0, 0, 0, last])),
        });
        let mut known = std::collections::BTreeSet::new();
        let mut conversations: Vec<Entry> = Vec::new();
        for (client, unit, (body, named)) in entries {
            let mut entry = Entry { client: talker(client), unit, ..body };
            if known.insert(entry.key()) {
                entry.id = entry.key().map(|key| key.to_string()).unwrap_or_default();
                if named == 0 {
                    entry.id.push_str(" (dosing)");
                }
                conversations.push(entry);
            }
        }
        let time = Timestamp::from_seconds(1_000_000);
        let learned = learned.map(|frames| Learned { from: time, until: time, frames });
        let scoped: std::collections::BTreeMap<Scope, Quiet> =
            quiet.into_iter().map(|quiet| (quiet.scope, quiet)).collect();
        let (talkers, quiet) = (talkers.collect(), scoped.into_values().collect());
        let mut baseline = Baseline {
            mode: mode.into(),
            learned,
            talkers,
            conversations,
            modes: Vec::new(),
            schedule: Vec::new(),
            quiet,
        };
        baseline.sort();
        if in_startup {
            // Some of it holds in one mode alone.
            let name = "startup".parse().unwrap();
            let talkers = baseline.talkers.split_off(1.min(baseline.talkers.len()));
            let conversations = baseline.conversations.split_off(1.min(baseline.conversations.len()));
            baseline.put_mode(super::InMode { name, talkers, conversations });
            let shift = |from| super::Shift { mode: name, hours: fieldwarden_model::WeeklyHours { days: [true; 7], from, to: from + 60, offset: 0 } };
            baseline.schedule.extend(shifts.into_iter().map(|hour| shift(hour * 60)));
        }
        baseline
    }
}

prop_compose! {
    /// A baseline as learning writes it.
    pub(crate) fn tidy_baseline()(mut baseline in baseline()) -> Baseline {
        let modes = baseline.modes.iter_mut().flat_map(|mode| &mut mode.conversations);
        for entry in baseline.conversations.iter_mut().chain(modes) {
            entry.writes = tidy(core::mem::take(&mut entry.writes));
            super::merge(&mut entry.reads);
        }
        baseline
    }
}

prop_compose! {
    /// A baseline somebody edited: each part is, by chance, taken out of another one.
    pub(crate) fn edit(base: Baseline)(other in tidy_baseline(), mut dice in any::<u64>()) -> Baseline {
        let mut chance = || { dice = dice.rotate_left(7).wrapping_mul(0x9E37_79B9_7F4A_7C15); dice.is_multiple_of(4) };
        let mut edited = base.clone();
        if chance() { edited.mode.clone_from(&other.mode); }
        if chance() { edited.learned = other.learned; }
        edited.talkers.retain(|_| !chance());
        edited.talkers.extend(other.talkers.iter().filter(|_| chance()).filter(|known| {
            !base.talkers.iter().any(|own| own.talker == known.talker)
        }));
        edited.conversations.retain(|_| !chance());
        for entry in &mut edited.conversations {
            let Some(from) = other.conversations.iter().find(|from| from.key() == entry.key()) else { continue };
            if chance() { entry.id.clone_from(&from.id); }
            if chance() { entry.functions.clone_from(&from.functions); }
            if chance() { entry.reads.clone_from(&from.reads); }
            if chance() { entry.writes.clone_from(&from.writes); }
            if chance() { entry.motion.clone_from(&from.motion); }
            if chance() { entry.period_ms = from.period_ms; }
            if chance() { entry.refusals_per_minute = from.refusals_per_minute; }
            if chance() { entry.oddities.clone_from(&from.oddities); }
            if chance() { entry.writes.pop(); }
        }
        edited.schedule.retain(|_| !chance());
        for mode in &mut edited.modes {
            mode.talkers.retain(|_| !chance());
            mode.conversations.retain(|_| !chance());
            for entry in &mut mode.conversations {
                if chance() { entry.writes.pop(); }
                if chance() { entry.functions.pop(); }
            }
        }
        edited.modes.retain(|mode| !mode.talkers.is_empty() || !mode.conversations.is_empty());
        edited.quiet.retain(|_| !chance());
        for quiet in &mut edited.quiet {
            if chance() { quiet.until = quiet.until.map(|until| until.saturating_add(core::time::Duration::from_secs(9))); }
            if chance() { quiet.reason.push('!'); }
        }
        edited.quiet.extend(other.quiet.iter().filter(|_| chance()).filter(|quiet| {
            !base.quiet.iter().any(|own| own.scope == quiet.scope)
        }).cloned());
        let new = other.conversations.iter().filter(|from| !base.conversations.iter().any(|own| own.key() == from.key()));
        edited.conversations.extend(new.filter(|_| chance()).cloned());
        edited.sort();
        edited
    }
}
