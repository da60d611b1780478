//! The suite that every dissector in `DISSECTORS` stands, over what it is found to speak in the captures: the public ones, our
//! own, and the golden cases.
//!
//! However its octets are cut, the same messages come out; every prefix and many mutations are quiet: no panic, points that
//! read back, no more memory than the dissector states; nor does a flood of questions that nobody answers cost more. That whole captures read
//! the same split, swapped and doubled is held in `tests/corpus.rs`, for all dissectors too.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;

use std::{cell::Cell, collections::BTreeMap, path::Path};

use common::{
    frames,
    random::Random,
    samples::{Part, Sample, Told, parse, samples},
    spoken::{Quick, spoken},
};
use fieldwarden_model::Transport;
use fieldwarden_protocols::{DISSECTORS, Direction, Dissector, Ports};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// How much is done for each dissector.
struct Counts {
    /// Flows it is tried on.
    samples: usize,
    /// Prefixes of each part of a flow.
    prefixes: usize,
    /// Mutations in all.
    mutations: usize,
    /// Questions of a flood that nobody answers.
    flood: usize,
}

const QUICK: Counts = Counts { samples: 16, prefixes: 96, mutations: 500, flood: 2_000 };
const FULL: Counts = Counts { samples: 200, prefixes: 2_048, mutations: 10_000, flood: 20_000 };
/// Captures at the quick scale.
const QUICK_CAPTURES: Quick = Quick { per_folder: 4, octets: 1_000_000 };

/// Octets that a conversation may hold beside what its dissector states: the parser's own bookkeeping.
const BOOKKEEPING: usize = 4_096;

#[test]
fn every_dissector_stands_the_suite_on_what_it_speaks() {
    let counts = if common::scale_is_full() { FULL } else { QUICK };
    let mut spoken_by = find();
    let mut silent = Vec::new();
    for dissector in DISSECTORS {
        let name = dissector.protocol().name();
        let found = of_each_kind(spoken_by.remove(name).unwrap_or_default(), counts.samples);
        if found.is_empty() {
            silent.push(name);
            continue;
        }
        let trial = Trial { dissector: *dissector, samples: found, counts: &counts, most: Cell::new(0) };
        let told = trial.cuts();
        trial.prefixes();
        trial.mutations();
        trial.flood();
        let (most, stated) = (trial.most.get(), dissector.max_memory());
        println!(
            "{name}: {} flows, {told} messages, at most {most} octets held of {stated}",
            trial.samples.len()
        );
    }
    assert!(silent.is_empty(), "no capture and no case in which these are spoken: {silent:?}");
}

/// Flows by the dissector that took them.
fn find() -> BTreeMap<&'static str, Vec<Sample>> {
    let mut captures = spoken(QUICK_CAPTURES);
    let cases = std::fs::read_dir(common::root().join("tests/cases")).unwrap().flatten();
    captures.extend(cases.map(|case| case.path().join("capture.pcap")).filter(|path| path.exists()));
    captures.sort();
    let mut found: BTreeMap<&'static str, Vec<Sample>> = BTreeMap::new();
    for path in captures {
        for sample in samples(&path, &frames::read(&path)) {
            found.entry(sample.protocol).or_default().push(sample);
        }
    }
    found
}

/// Some of a list, from all over it.
fn spread<T>(list: Vec<T>, count: usize) -> Vec<T> {
    let stride = list.len().div_ceil(count).max(1);
    list.into_iter().step_by(stride).collect()
}

/// Some flows, first one of each transport and port, then a second, and so on: what is rare is tried too.
fn of_each_kind(flows: Vec<Sample>, count: usize) -> Vec<Sample> {
    let mut met: BTreeMap<(Transport, u16), usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, Sample)> = flows
        .into_iter()
        .map(|flow| {
            let rank = met.entry((flow.transport, flow.ports.server)).or_default();
            *rank += 1;
            (*rank, flow)
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, flow)| flow).take(count).collect()
}

/// A dissector and the flows it is tried on.
struct Trial<'a> {
    dissector: &'static dyn Dissector,
    samples: Vec<Sample>,
    counts: &'a Counts,
    /// The most octets that were held.
    most: Cell<usize>,
}

impl Trial<'_> {
    fn name(&self) -> &'static str {
        self.dissector.protocol().name()
    }

    /// The octets of a stream cut anywhere, and joined to one segment per turn, give the same messages; how many there are.
    fn cuts(&self) -> usize {
        let mut told = 0;
        for sample in &self.samples {
            let whole = self.quiet(&sample.parts, sample, "whole");
            told += whole.len();
            if sample.transport != Transport::Tcp {
                continue;
            }
            let mut random = Random::seeded(&sample.path);
            for most in [1, 2, 3, 7, 64, 4_096] {
                let cut = cut(&sample.parts, &mut random, most);
                let again = self.quiet(&cut, sample, "cut");
                let differs = whole.iter().zip(&again).position(|(one, other)| one != other);
                assert!(
                    whole.len() == again.len() && differs.is_none(),
                    "{} in {}, cut to at most {most} octets: {} messages and {}, differing at {differs:?}",
                    self.name(),
                    sample.path.display(),
                    whole.len(),
                    again.len()
                );
            }
        }
        assert!(told > 0, "{}: nothing is told of what it speaks", self.name());
        told
    }

    /// Each part of a flow ends early, behind those before it.
    fn prefixes(&self) {
        for sample in &self.samples {
            let parts = spread((0..sample.parts.len()).collect(), self.counts.prefixes.div_ceil(4));
            for at in parts {
                let (direction, octets) = &sample.parts[at];
                let before = &sample.parts[at.saturating_sub(2)..at];
                for end in spread((0..octets.len()).collect(), self.counts.prefixes) {
                    let part = (*direction, octets[..end].to_vec());
                    let parts = before.iter().cloned().chain([part]).collect::<Vec<_>>();
                    self.quiet(&parts, sample, "prefix");
                }
            }
        }
    }

    /// Octets changed, left out, put in and repeated.
    fn mutations(&self) {
        for n in 0..self.counts.mutations {
            let sample = &self.samples[n % self.samples.len()];
            let mut random = Random::seeded(Path::new(&format!("{} {n}", self.name())));
            let from = random.below(sample.parts.len());
            let mut parts: Vec<Part> = sample.parts[from..].iter().take(12).cloned().collect();
            for _ in 0..=random.below(6) {
                mutate(&mut parts, &mut random);
            }
            self.quiet(&parts, sample, &format!("mutation {n}"));
        }
    }

    /// Questions that nobody answers, each a little different: what is remembered of them stays under the cap.
    fn flood(&self) {
        let sample = &self.samples[self.samples.len() / 2];
        let asked = sample.parts.iter().find(|(direction, _)| *direction == Direction::ToServer);
        let (direction, octets) = asked.unwrap_or(&sample.parts[0]);
        let mut random = Random::seeded(&sample.path);
        let flood: Vec<Part> = (0..self.counts.flood)
            .map(|_| {
                let mut octets = octets.clone();
                for _ in 0..3 {
                    change(&mut octets, &mut random);
                }
                (*direction, octets)
            })
            .collect();
        self.quiet(&flood, sample, "flood");
    }

    /// Parses, and holds memory to what the dissector states.
    fn quiet(&self, parts: &[Part], sample: &Sample, how: &str) -> Vec<String> {
        for (direction, octets) in parts.iter().take(3) {
            for ports in [sample.ports, Ports { server: 9, client: 40_000 }] {
                let _ = self.dissector.probe(*direction, octets, ports);
            }
        }
        let before = ALLOCATED.current_usage();
        let Told { messages, held } =
            parse(self.dissector, sample.transport, parts, &|| ALLOCATED.current_usage());
        let held = held.saturating_sub(before);
        self.most.set(self.most.get().max(held));
        let cap = self.dissector.max_memory() + BOOKKEEPING;
        assert!(
            held <= cap,
            "{} in {}, {how}: holds {held} octets, states {}",
            self.name(),
            sample.path.display(),
            self.dissector.max_memory()
        );
        messages
    }
}

/// The octets of each turn of a conversation, joined and cut anew into at most so many octets.
fn cut(parts: &[Part], random: &mut Random, most: usize) -> Vec<Part> {
    let mut turns: Vec<Part> = Vec::new();
    for (direction, octets) in parts {
        match turns.last_mut() {
            Some((last, joined)) if last == direction => joined.extend_from_slice(octets),
            _ => turns.push((*direction, octets.clone())),
        }
    }
    let mut pieces = Vec::new();
    for (direction, octets) in turns {
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((1 + random.below(most)).min(rest.len()));
            pieces.push((direction, piece.to_vec()));
            rest = after;
        }
    }
    pieces
}

fn mutate(parts: &mut Vec<Part>, random: &mut Random) {
    let at = random.below(parts.len());
    match random.below(8) {
        0 => {
            let part = parts[at].clone();
            parts.insert(at, part);
        }
        1 if parts.len() > 1 => drop(parts.remove(at)),
        2 => {
            let keep = random.below(parts[at].1.len() + 1);
            parts[at].1.truncate(keep);
        }
        3 => {
            let place = random.below(parts[at].1.len() + 1);
            let octet = u8::try_from(random.below(256)).unwrap();
            parts[at].1.insert(place, octet);
        }
        4 => parts[at].0 = parts[at].0.reversed(),
        _ => change(&mut parts[at].1, random),
    }
}

fn change(octets: &mut [u8], random: &mut Random) {
    if !octets.is_empty() {
        let place = random.below(octets.len());
        octets[place] = match random.below(4) {
            0 => 0,
            1 => 0xff,
            2 => octets[place] ^ (1 << random.below(8)),
            _ => u8::try_from(random.below(256)).unwrap(),
        };
    }
}
