//! Captures made up for measuring: deterministic by their seed, written frame by frame in the order of time, with the
//! truth of what is in them beside.
//!
//! Sources (a session, a machine of the office, the flood) each prepare a few frames at a time; a heap says whose turn
//! it is. So memory does not grow with the length of a capture.

mod flood;
mod office;
mod plant;
mod random;
mod wire;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, binary_heap::PeekMut},
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use flood::Flood;
use office::Machine;
use plant::{Controller, Plan, Session};
use random::Random;
use wire::Burst;

/// 14 November 2023, in nanoseconds.
const START: u64 = 1_700_000_000_000_000_000;
/// Sessions of a plant open within this of each other.
const OPENING_NANOS: u64 = 500_000_000;
const MACHINES: u32 = 200;
/// Frames of one thing that a machine of the office does, on average.
const FRAMES_PER_DEED: u64 = 22;
/// Before a flood begins, the plant is heard alone for so long.
const QUIET_NANOS: u64 = 2_000_000_000;
/// Frames of a conversation of [`Shape::Conversations`]: the opening and four transactions.
const CONVERSATION_FRAMES: u64 = 15;

/// What a capture holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Every master polls every controller.
    Modbus,
    /// Likewise, and so many frames in a hundred are of the office.
    Mixed(u64),
    /// Every master opens a connection to every controller, polls it four times and leaves it open.
    Conversations,
    /// So many frames of a flood, so many a second, over a plant.
    Flood(u64, u64),
}

/// A capture to be made.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// What it holds.
    pub(crate) shape: Shape,
    /// Frames wanted, of the plant and the office; a few less may come.
    pub(crate) frames: u64,
    /// Controllers.
    pub(crate) controllers: u32,
    /// Masters.
    pub(crate) masters: u32,
    /// The same seed gives the same capture.
    pub(crate) seed: u64,
    /// Whether times are told in microseconds, as older tools do, instead of nanoseconds.
    pub(crate) microseconds: bool,
}

/// What is in a capture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    /// Frames, of whatever kind.
    pub(crate) frames: u64,
    /// Their octets.
    pub(crate) octets: u64,
    /// From the first to the last.
    pub(crate) span_nanos: u64,
    /// Connections of the plant.
    pub(crate) sessions: u64,
    /// Modbus requests that were answered.
    pub(crate) transactions: u64,
    /// Answers that were exceptions.
    pub(crate) exceptions: u64,
    /// Transactions by function code.
    pub(crate) functions: BTreeMap<u8, u64>,
    /// Connections and exchanges of the office.
    pub(crate) http: u64,
    /// Likewise.
    pub(crate) tls: u64,
    /// Likewise.
    pub(crate) dns: u64,
    /// Likewise.
    pub(crate) ntp: u64,
    /// Frames of made-up talkers.
    pub(crate) flood: u64,
}

impl Truth {
    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "frames": self.frames,
            "octets": self.octets,
            "span_nanos": self.span_nanos,
            "modbus_sessions": self.sessions,
            "modbus_transactions": self.transactions,
            "modbus_exceptions": self.exceptions,
            "functions": self.functions,
            "http": self.http,
            "tls": self.tls,
            "dns": self.dns,
            "ntp": self.ntp,
            "flood": self.flood,
        })
    }
}

/// Where the truth about a capture is written.
#[must_use]
pub(crate) fn truth_of(capture: &Path) -> PathBuf {
    let mut name = capture.as_os_str().to_owned();
    name.push(".truth.json");
    name.into()
}

/// Makes a capture, and writes the truth about it beside.
///
/// # Errors
/// What the system says about writing the two files.
pub(crate) fn write(order: &Order, path: &Path) -> io::Result<Truth> {
    let mut world = World::new(order);
    let mut out = Pcap::begin(BufWriter::with_capacity(1 << 20, File::create(path)?), order.microseconds)?;
    while let Some(mut head) = world.turns.peek_mut() {
        let Reverse((due, index)) = &mut *head;
        let Some(source) = world.sources.get_mut(*index) else { break };
        if let Some((time, frame)) = source.burst.take() {
            out.frame(time, frame)?;
            world.truth.frames += 1;
            world.truth.octets += frame.len() as u64;
            world.truth.span_nanos = time - START;
        }
        if source.burst.due().is_none() {
            source.refill(&mut world.plant, &mut world.office, &mut world.random, &mut world.truth);
        }
        match source.burst.due() {
            Some(time) => *due = time,
            None => drop(PeekMut::pop(head)),
        }
    }
    out.out.flush()?;
    std::fs::write(truth_of(path), format!("{}\n", world.truth.json()))?;
    Ok(world.truth)
}

struct World {
    random: Random,
    plant: Vec<Controller>,
    /// Frames that the office may still send.
    office: u64,
    sources: Vec<Source>,
    /// When each source is due, the earliest first.
    turns: BinaryHeap<Reverse<(u64, usize)>>,
    truth: Truth,
}

struct Source {
    what: What,
    burst: Burst,
}

enum What {
    Session(Session),
    Machine(Machine),
    Flood(Flood),
}

impl World {
    fn new(order: &Order) -> Self {
        let mut random = Random::new(order.seed);
        let plant: Vec<Controller> =
            (0..order.controllers).map(|number| Controller::new(number, &mut random)).collect();
        let office =
            if let Shape::Mixed(percent) = order.shape { order.frames * percent.min(100) / 100 } else { 0 };
        let sessions = u64::from(order.controllers) * u64::from(order.masters);
        let each = match order.shape {
            Shape::Conversations => CONVERSATION_FRAMES,
            _ => (order.frames - office) / sessions.max(1),
        };
        let mut world = Self {
            random,
            plant,
            office,
            sources: Vec::new(),
            turns: BinaryHeap::new(),
            truth: Truth::default(),
        };
        world.staff(order, each);
        world.open_office(plant::span(each));
        if let Shape::Flood(frames, per_second) = order.shape {
            let targets = world.plant.iter().map(Controller::host).collect();
            let flood = Flood::new(targets, START + QUIET_NANOS, frames, per_second.clamp(1, 1_000_000_000));
            world.add(flood.started(), What::Flood(flood));
        }
        world
    }

    /// Every master with every controller, each pair with so many frames.
    fn staff(&mut self, order: &Order, frames: u64) {
        let closes = !matches!(order.shape, Shape::Conversations);
        let mut port = 20_000;
        for number in 0..order.masters {
            for index in 0..self.plant.len() {
                let Some(controller) = self.plant.get(index) else { continue };
                port = if port >= 60_000 { 20_000 } else { port + 1 };
                let plan = Plan {
                    master: plant::master(number),
                    controller: index,
                    port,
                    start: START + self.random.between(0, OPENING_NANOS),
                    frames,
                    closes,
                };
                let session = Session::new(&plan, controller, &mut self.random);
                self.add(session.started(), What::Session(session));
            }
        }
    }

    fn open_office(&mut self, span: u64) {
        if self.office == 0 {
            return;
        }
        let deeds = (self.office / FRAMES_PER_DEED / u64::from(MACHINES)).max(1);
        let gap = span / deeds;
        for number in 0..MACHINES {
            let machine = Machine::new(number, START + self.random.between(0, gap), gap);
            self.add(machine.started(), What::Machine(machine));
        }
    }

    fn add(&mut self, due: u64, what: What) {
        self.turns.push(Reverse((due, self.sources.len())));
        self.sources.push(Source { what, burst: Burst::default() });
    }
}

impl Source {
    /// Prepares the frames that come next; none when there are none.
    fn refill(&mut self, plant: &mut [Controller], office: &mut u64, random: &mut Random, truth: &mut Truth) {
        self.burst.clear();
        match &mut self.what {
            What::Session(session) => session.go_on(plant, random, truth, &mut self.burst),
            What::Machine(machine) if *office > 0 => {
                machine.go_on(random, truth, &mut self.burst);
                *office = office.saturating_sub(self.burst.len());
            }
            What::Machine(_) => {}
            What::Flood(flood) => flood.go_on(random, truth, &mut self.burst),
        }
    }
}

/// A pcap file being written (draft-ietf-opsawg-pcap).
struct Pcap<W: Write> {
    out: W,
    nanos_per_unit: u64,
}

impl<W: Write> Pcap<W> {
    fn begin(mut out: W, microseconds: bool) -> io::Result<Self> {
        let magic: u32 = if microseconds { 0xa1b2_c3d4 } else { 0xa1b2_3c4d };
        out.write_all(&magic.to_le_bytes())?;
        out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0])?;
        Ok(Self { out, nanos_per_unit: if microseconds { 1_000 } else { 1 } })
    }

    fn frame(&mut self, time: u64, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        let seconds = u32::try_from(time / 1_000_000_000).map_err(io::Error::other)?;
        let units = u32::try_from(time % 1_000_000_000 / self.nanos_per_unit).map_err(io::Error::other)?;
        for number in [seconds, units, length, length] {
            self.out.write_all(&number.to_le_bytes())?;
        }
        self.out.write_all(frame)
    }
}
