//! What a rehearsal says would fall silent is what falls silent: random orders against random plants, rehearsed by the engine's
//! memory and the ways the enforcer knows, then applied by the enforcer to a kernel's packet filter and a switch's ports. Both are
//! read back as text and executed on the captured frames by modules that know of no order; and for a share of the orders the kernel
//! itself is asked, by sending the frames through it.
//!
//! Needs root and network namespaces; skipped loudly without. A failure prints the seed of its pair: `REHEARSAL_SEED` runs that
//! plant alone.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

#[path = "rehearsal/executor.rs"]
mod executor;
#[path = "rehearsal/ground.rs"]
mod ground;
#[path = "live/mod.rs"]
mod live;
#[path = "rehearsal/octets.rs"]
mod octets;
#[path = "rehearsal/orders.rs"]
mod orders;
#[path = "rehearsal/plant.rs"]
mod plant;
#[path = "rehearsal/ports.rs"]
mod ports;

use std::collections::{BTreeMap, BTreeSet};

use executor::{Filter, Passage};
use fieldwarden_engine::{
    Engine, Input, Settings,
    rehearse::{Affected, Effect, Rehearsal},
};
use fieldwarden_model::{
    FrameRef, LinkType, Order, OrderState, RawFrame, Timestamp, Transport,
    order::{Answer, Ask, MAX_ENDS, Plan},
};
use ground::{Enforcer, Ground, Wire};
use plant::{Frame, Name, PORTS, Plant, ROUTED, Random};
use ports::Ports;

const ORDERS_PER_PLANT: usize = 5;
/// Why nothing is planned: the order names a group, or addresses of two versions.
const NO_ORDER: [&str; 2] = ["does not name one machine", "cannot converse"];

/// What becomes of a conversation; of the classes of operations that are stopped, their names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Silent,
    ReadsOn(BTreeSet<String>),
}

type Fates = BTreeMap<Name, Fate>;

#[test]
fn what_is_rehearsed_is_what_falls_silent() {
    let Some(ground) = Ground::up() else { return };
    let plants = if live::scale_is_full() { 50 } else { 8 };
    let alone: Option<u64> = std::env::var("REHEARSAL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = alone.map_or_else(|| (1..=plants).collect(), |seed| vec![seed]);
    let mut wire = ground.wire();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differ = Vec::new();
    for seed in seeds {
        differ.extend(Trial::of(&ground, seed).run(&mut wire, &mut counts));
    }
    println!("{counts:?}");
    assert!(differ.is_empty(), "{} differences:\n{}", differ.len(), differ.join("\n"));
    if alone.is_none() {
        for what in
            ["something fell silent", "reads went on", "went past", "not enforceable", "asked of the kernel"]
        {
            assert!(
                counts.get(what).is_some_and(|count| *count > 0),
                "no order of which is told: {what}; {counts:?}"
            );
        }
    }
}

/// One plant with orders against it.
struct Trial<'a> {
    ground: &'a Ground,
    seed: u64,
    random: Random,
    families: String,
    plant: Plant,
    engine: Engine,
    enforcer: Enforcer,
}

impl<'a> Trial<'a> {
    fn of(ground: &'a Ground, seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let plant = Plant::random(&mut random);
        let ports = ground.furnish(&plant, &mut random);
        let families = families(&mut random);
        let enforcer = ground.enforcer(&families, &ports, usize::try_from(seed).unwrap());
        let engine = heard(&plant.frames, seed);
        Self { ground, seed, random, families, plant, engine, enforcer }
    }

    fn run(mut self, wire: &mut Wire, counts: &mut BTreeMap<&'static str, usize>) -> Vec<String> {
        let mut differ = Vec::new();
        for number in 0..ORDERS_PER_PLANT {
            let order = orders::random(&mut self.random, &self.plant);
            let what =
                format!("seed {} order {number}: {} of {}", self.seed, order.scope.word(), order.target);
            if let Err(why) = self.rehearse(&order, number == 0, wire, counts) {
                differ.push(format!("{what}, {:?}: {why}", self.families));
            }
            *counts.entry("orders").or_default() += 1;
        }
        differ
    }

    fn rehearse(
        &mut self,
        order: &Order,
        ask_kernel: bool,
        wire: &mut Wire,
        counts: &mut BTreeMap<&'static str, usize>,
    ) -> Result<(), String> {
        let mut count = |what: &'static str| *counts.entry(what).or_default() += 1;
        let plan = match self.enforcer.ask(&Ask::Rehearse { order: order.clone() }) {
            Answer::Planned { plan } => plan,
            Answer::Refused { reason, .. } if NO_ORDER.iter().any(|why| reason.contains(why)) => {
                count("refused");
                return Ok(());
            }
            other => return Err(format!("no plan: {other:?}")),
        };
        let rehearsal = self.rehearsal(order, &plan);
        if let Some(why) = &plan.not_enforceable {
            count("not enforceable");
            let answer = self.enforcer.ask(&apply(order, &plan));
            let is_refused =
                matches!(&answer, Answer::Refused { reason, .. } if reason.contains(why.as_str()));
            return if is_refused {
                Ok(())
            } else {
                Err(format!("not enforceable ({why}), and yet: {answer:?}"))
            };
        }
        let answer = self.enforcer.ask(&apply(order, &plan));
        let Answer::Reported { report } = &answer else { return Err(format!("not applied: {answer:?}")) };
        if report.state != OrderState::Provisional {
            return Err(format!("not applied: {report:?}"));
        }
        let passes = self.executed();
        let outcome = self.compare(&rehearsal, &passes, &mut count);
        let asked = if ask_kernel {
            count("asked of the kernel");
            self.ask_kernel(wire)
        } else {
            Ok(())
        };
        let (by, reason) = (String::from("jo"), String::from("next"));
        self.enforcer.ask(&Ask::Release { order: order.id.clone(), by, reason, degraded: false });
        outcome.and(asked)
    }

    /// As the daemon puts it together.
    fn rehearsal(&mut self, order: &Order, plan: &Plan) -> Rehearsal {
        let mut rehearsal = self.engine.rehearse(&order.target, order.scope, &plan.behind);
        let ends: Vec<_> = rehearsal.conversations.iter().map(|line| line.ends.clone()).collect();
        let mut past = Vec::new();
        for ends in ends.chunks(MAX_ENDS) {
            match self.enforcer.ask(&Ask::Reach { order: order.clone(), ends: ends.to_vec() }) {
                Answer::Reach { past: told } => past.extend(told),
                other => panic!("{other:?}"),
            }
        }
        rehearsal.go_on(past);
        rehearsal
    }

    /// For each frame whether it comes through, by the rules and ports as they are now.
    fn executed(&self) -> Vec<bool> {
        let filter = Filter::read(&self.ground.ruleset());
        let machines = self.plant.machines.iter();
        let plugged = machines.filter_map(|machine| Some((machine.mac, machine.port.clone()?)));
        let uplink = [(plant::gateway_mac(plant::CELL), ports::UPLINK.to_owned())];
        let ports = Ports::read(&self.ground.ports(), plugged.chain(uplink).collect());
        let passes = |frame: &Frame| {
            filter.passes(&frame.octets, &frame.passage) && frame.cell.is_none_or(|ends| ports.passes(ends))
        };
        self.plant.frames.iter().map(passes).collect()
    }

    fn compare(
        &self,
        rehearsal: &Rehearsal,
        passes: &[bool],
        count: &mut impl FnMut(&'static str),
    ) -> Result<(), String> {
        let told: Fates = rehearsal.conversations.iter().filter_map(fate_told).collect();
        let fates = self.fates(passes);
        if fates.values().any(|fate| *fate == Fate::Silent) {
            count("something fell silent");
        }
        if fates.values().any(|fate| matches!(fate, Fate::ReadsOn(_))) {
            count("reads went on");
        }
        if rehearsal.conversations.iter().any(|line| matches!(line.effect, Effect::GoesOn { .. })) {
            count("went past");
        }
        if told == fates {
            return Ok(());
        }
        let only = |one: &Fates, other: &Fates| {
            let differs = |(name, fate): &(&Name, &Fate)| other.get(name) != Some(fate);
            one.iter()
                .filter(differs)
                .map(|(name, fate)| format!("\n    {name:?}: {fate:?}"))
                .collect::<String>()
        };
        Err(format!("\n  only rehearsed:{}\n  only in truth:{}", only(&told, &fates), only(&fates, &told)))
    }

    /// What becomes of each conversation whose frames do not all come through.
    fn fates(&self, passes: &[bool]) -> Fates {
        let mut fates = Fates::new();
        for (n, talk) in self.plant.talks.iter().enumerate() {
            let own: Vec<(&Frame, bool)> = self
                .plant
                .frames
                .iter()
                .zip(passes.iter().copied())
                .filter(|(frame, _)| frame.of == n)
                .collect();
            if own.iter().all(|(_, passes)| *passes) {
                continue;
            }
            let lost = |exchange: usize| {
                own.iter().any(|(f, passes)| !passes && f.exchange.is_some_and(|(e, _)| e == exchange))
            };
            let exchanges: BTreeMap<usize, &Frame> =
                own.iter().filter_map(|(frame, _)| Some((frame.exchange?.0, *frame))).collect();
            let opens = own.iter().all(|(frame, passes)| *passes || frame.exchange.is_some());
            // What only opens a session is no operation: a conversation of which nothing else is left is silent.
            let is_whole = opens
                && exchanges.iter().any(|(e, frame)| {
                    !lost(*e) && (talk.name.protocol != "s7comm" || !frame.verbs.is_empty())
                });
            let stopped = exchanges.iter().filter(|(e, _)| lost(**e)).flat_map(|(_, frame)| frame.verbs);
            let fate = if is_whole {
                Fate::ReadsOn(stopped.map(|verb| (*verb).to_owned()).collect())
            } else {
                Fate::Silent
            };
            fates.insert(talk.name.clone(), fate);
        }
        fates
    }

    /// Sends every frame that comes by through the kernel; those that come out must be those that come through by the rules.
    fn ask_kernel(&self, wire: &mut Wire) -> Result<(), String> {
        let filter = Filter::read(&self.ground.ruleset());
        let mut sent = Vec::new();
        for frame in &self.plant.frames {
            let into = match &frame.passage {
                Passage::Beside => continue,
                Passage::Routed(devices) => devices[0].as_str(),
                Passage::Bridged(port, _) => port,
            };
            let hex: String = frame.octets.iter().map(|octet| format!("{octet:02x}")).collect();
            sent.push((into, hex, frame.mark));
        }
        let came: BTreeSet<(String, u16)> = wire.carry(&sent).into_iter().collect();
        for frame in self.plant.frames.iter().filter(|frame| frame.passage != Passage::Beside) {
            let passes = filter.passes(&frame.octets, &frame.passage);
            for out in &frame.leaves {
                let does = came.contains(&((*out).to_owned(), frame.mark));
                if does != passes {
                    let name = &self.plant.talks[frame.of].name;
                    return Err(format!(
                        "the kernel {} what the rules {}: {name:?}, {frame:?} at {out}",
                        if does { "passes" } else { "drops" },
                        if passes { "pass" } else { "drop" },
                    ));
                }
            }
        }
        Ok(())
    }
}

fn apply(order: &Order, plan: &Plan) -> Ask {
    Ask::Apply { order: order.clone(), plan: plan.hash.clone(), approved_by: vec!["jo".into()] }
}

/// Where packets are looked at, in the words of `[enforcer.nftables]`.
fn families(random: &mut Random) -> String {
    let ingress = || {
        let devices: Vec<&str> = ROUTED.into_iter().chain(PORTS).chain([plant::BRIDGE]).collect();
        devices
    };
    let some = |random: &mut Random| {
        let mut all = ingress();
        all.retain(|_| random.percent(40));
        let all = if all.is_empty() { vec!["w1"] } else { all };
        format!("ingress = [{}]", all.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", "))
    };
    match random.below(6) {
        0 => "families = [\"inet\"]".into(),
        1 => "families = [\"bridge\"]".into(),
        2 => format!("families = [\"netdev\"]\n{}", some(random)),
        3 => some(random),
        4 => format!("families = [\"inet\", \"netdev\"]\n{}", some(random)),
        _ => String::new(),
    }
}

/// An engine that has heard all of it.
fn heard(frames: &[Frame], seed: u64) -> Engine {
    let mut engine = Engine::new(Settings { seed: fieldwarden_engine::Seed(seed), ..Settings::default() });
    for (frame, number) in frames.iter().zip(1_u64..) {
        let frame = RawFrame {
            time: Timestamp::from_nanos(
                1_767_571_200_000_000_000 + i64::try_from(number).unwrap() * 3_000_000,
            ),
            link_type: LinkType::ETHERNET,
            interface: 0,
            wire_length: u32::try_from(frame.octets.len()).unwrap(),
            tag: None,
            bytes: &frame.octets,
        };
        engine.step(Input::Frame { frame, reference: FrameRef { capture: 0, number } }, &mut |_| {});
    }
    // What waits for segments that never come is judged.
    engine.step(Input::Idle(Timestamp::from_nanos(1_767_571_260_000_000_000)), &mut |_| {});
    engine
}

/// What a rehearsal says becomes of a conversation; none where it goes on as before.
fn fate_told(line: &Affected) -> Option<(Name, Fate)> {
    let fate = match &line.effect {
        Effect::FallsSilent => Fate::Silent,
        Effect::ReadsOn { stopped } if stopped.is_empty() => return None,
        Effect::ReadsOn { stopped } => Fate::ReadsOn(stopped.iter().map(ToString::to_string).collect()),
        Effect::GoesOn { .. } => return None,
    };
    let name = Name {
        client: line.client.to_string(),
        server: line.server.to_string(),
        transport: match line.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Link => "link",
        },
        port: line.server_port.unwrap_or_default(),
        protocol: line.protocol.clone(),
        unit: line.unit,
    };
    Some((name, fate))
}
