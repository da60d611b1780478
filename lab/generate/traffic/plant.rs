//! The plant: controllers with register maps of their own, polled by masters over Modbus/TCP.
//!
//! Every controller runs one of a few programs, as machines of one maker do. A master polls the blocks of the program in
//! turn, twice a second, and now and then writes: a set-point within its envelope, a coil, several of them. Some reads
//! are refused as a busy controller refuses them.

use super::{
    Truth,
    random::Random,
    wire::{ACK, Burst, Connection, From, Host, PUSH, Side},
};

const PORT: u16 = 502;
/// Between two polls of a session.
const PERIOD_NANOS: u64 = 500_000_000;
/// Frames that closing a session takes.
const CLOSING_FRAMES: u64 = 3;
/// Frames of one transaction: request, response, acknowledgement.
const TRANSACTION_FRAMES: u64 = 3;

/// Programs that differ in what they hold where.
const PROGRAMS: u16 = 8;
const REGISTERS: usize = 256;
const FIRST_SET_POINT: u16 = 160;
const SET_POINTS: u16 = 12;
const COILS: u16 = 32;

/// How often, of a million transactions, something else than a poll is sent.
const WRITES: u64 = 21_000;
const KEEP_ALIVES: u64 = 2_000;
/// How often, of a million, a controller refuses.
const REFUSALS: u64 = 500;
/// Server device failure and server device busy (Modbus application protocol, 7).
const REFUSED: [u8; 2] = [4, 6];

#[derive(Clone, Copy)]
struct Block {
    function: u8,
    address: u16,
    quantity: u16,
}

/// A controller: its host, its program and what its registers hold.
pub(super) struct Controller {
    host: Host,
    program: u16,
    registers: Vec<u16>,
    coils: u64,
}

impl Controller {
    pub(super) fn new(number: u32, random: &mut Random) -> Self {
        let maker = if number.is_multiple_of(3) { [0x00, 0x1d, 0x9c] } else { [0x00, 0x80, 0xf4] };
        let [low, high, ..] = number.to_le_bytes();
        let mut registers: Vec<u16> = (0..REGISTERS).map(|_| random.word_between(500, 4000)).collect();
        for n in 0..SET_POINTS {
            if let Some(register) = registers.get_mut(usize::from(FIRST_SET_POINT + n)) {
                *register = random.word_between(envelope(n).0, envelope(n).1);
            }
        }
        Self {
            host: Host::new(10, number, maker, 64),
            program: u16::from_le_bytes([low, high]) % PROGRAMS,
            registers,
            coils: random.any(),
        }
    }

    pub(super) const fn host(&self) -> Host {
        self.host
    }

    /// What masters poll, in turn.
    const fn blocks(&self) -> [Block; 5] {
        let p = self.program;
        [
            Block { function: 3, address: p, quantity: 40 + 5 * p },
            Block { function: 3, address: FIRST_SET_POINT, quantity: SET_POINTS },
            Block { function: 4, address: 16 * p, quantity: 10 + 3 * p },
            Block { function: 1, address: 0, quantity: COILS },
            Block { function: 2, address: 4 * p, quantity: 24 + p },
        ]
    }

    /// The value of a register; measured values wander a little.
    fn register(&mut self, address: u16, random: &mut Random) -> u16 {
        let is_set_point = (FIRST_SET_POINT..FIRST_SET_POINT + SET_POINTS).contains(&address);
        let Some(register) = self.registers.get_mut(usize::from(address)) else { return 0 };
        if !is_set_point && random.any().is_multiple_of(8) {
            *register = register.saturating_add(random.word_between(0, 4)).saturating_sub(2).clamp(500, 4000);
        }
        *register
    }

    fn set(&mut self, address: u16, value: u16) {
        if let Some(register) = self.registers.get_mut(usize::from(address)) {
            *register = value;
        }
    }

    fn set_coil(&mut self, address: u16, on: bool) {
        let bit = 1 << address;
        self.coils = if on { self.coils | bit } else { self.coils & !bit };
    }
}

/// The least and the greatest value of a set-point.
const fn envelope(set_point: u16) -> (u16, u16) {
    (1_000 + 200 * set_point, 1_150 + 200 * set_point)
}

/// A master at number `number`.
pub(super) const fn master(number: u32) -> Host {
    Host::new(11, number, [0x00, 0x50, 0x56], 128)
}

/// One connection of a master with a controller.
pub(super) struct Session {
    connection: Connection,
    controller: usize,
    unit: u8,
    started: u64,
    /// Frames that it may still send.
    left: u64,
    polls: u64,
    transaction: u16,
    closes: bool,
    stage: Stage,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Closed,
    Open,
    Done,
}

/// How long a session of so many frames takes.
pub(super) const fn span(frames: u64) -> u64 {
    PERIOD_NANOS * (frames / TRANSACTION_FRAMES)
}

/// What a session is to do.
pub(super) struct Plan {
    pub(super) master: Host,
    pub(super) controller: usize,
    pub(super) port: u16,
    pub(super) start: u64,
    pub(super) frames: u64,
    /// Whether it ends with the three segments that close a connection.
    pub(super) closes: bool,
}

impl Session {
    pub(super) fn new(plan: &Plan, controller: &Controller, random: &mut Random) -> Self {
        let mut side =
            |host, port, window| Side { host, port, sequence: random.long(), id: random.word(), window };
        Self {
            connection: Connection {
                client: side(plan.master, plan.port, 64_240),
                server: side(controller.host, PORT, 8_192),
            },
            controller: plan.controller,
            unit: 1,
            started: plan.start,
            left: plan.frames,
            polls: 0,
            transaction: random.word_between(0, 500),
            closes: plan.closes,
            stage: Stage::Closed,
        }
    }

    /// When it sends its first frame.
    pub(super) const fn started(&self) -> u64 {
        self.started
    }

    /// Sends what comes next: the opening, one transaction, or the close.
    pub(super) fn go_on(
        &mut self,
        plant: &mut [Controller],
        random: &mut Random,
        truth: &mut Truth,
        burst: &mut Burst,
    ) {
        let closing = if self.closes { CLOSING_FRAMES } else { 0 };
        let turn = self.started + 2_000_000 + PERIOD_NANOS * self.polls;
        match self.stage {
            Stage::Done => {}
            Stage::Closed => {
                self.connection.open(burst, self.started, random.between(150_000, 400_000));
                self.left = self.left.saturating_sub(3);
                truth.sessions += 1;
                self.stage = Stage::Open;
            }
            Stage::Open if self.left < TRANSACTION_FRAMES + closing => {
                self.stage = Stage::Done;
                if self.closes {
                    self.connection.close(burst, turn, random.between(200_000, 600_000));
                }
            }
            Stage::Open => {
                let Some(controller) = plant.get_mut(self.controller) else { return };
                self.transact(turn, controller, random, truth, burst);
                self.left -= TRANSACTION_FRAMES;
                if self.left >= 2 + closing && random.in_a_million(KEEP_ALIVES) {
                    let probed = turn + PERIOD_NANOS / 2;
                    self.connection.keep_alive(burst, probed, probed + random.between(200_000, 900_000));
                    self.left -= 2;
                }
            }
        }
    }

    fn transact(
        &mut self,
        turn: u64,
        controller: &mut Controller,
        random: &mut Random,
        truth: &mut Truth,
        burst: &mut Burst,
    ) {
        let (request, response) = if random.in_a_million(WRITES) {
            write(controller, random)
        } else {
            let [low, high, ..] = (self.polls % 5).to_le_bytes();
            poll(controller, usize::from(u16::from_le_bytes([low, high])), random)
        };
        self.polls += 1;
        self.transaction = self.transaction.wrapping_add(1);
        let function = request.first().copied().unwrap_or_default();
        truth.transactions += 1;
        *truth.functions.entry(function).or_default() += 1;
        truth.exceptions += u64::from(response.first().is_some_and(|code| code & 0x80 != 0));
        let sent = turn + random.between(0, PERIOD_NANOS / 50);
        let answered = sent + random.between(800_000, 6_000_000);
        let acknowledged = answered + random.between(100_000, 3_000_000);
        self.connection.segment(burst, sent, From::Client, PUSH | ACK, &self.unit_of(&request));
        self.connection.segment(burst, answered, From::Server, PUSH | ACK, &self.unit_of(&response));
        self.connection.segment(burst, acknowledged, From::Client, ACK, &[]);
    }

    /// A message with its header (Modbus messaging on TCP/IP, 3.1.3).
    fn unit_of(&self, message: &[u8]) -> Vec<u8> {
        let length = u16::try_from(message.len() + 1).unwrap_or(u16::MAX);
        let mut unit = Vec::with_capacity(7 + message.len());
        unit.extend(self.transaction.to_be_bytes());
        unit.extend([0, 0]);
        unit.extend(length.to_be_bytes());
        unit.push(self.unit);
        unit.extend(message);
        unit
    }
}

/// A request and its response.
type Exchange = (Vec<u8>, Vec<u8>);

fn poll(controller: &mut Controller, turn: usize, random: &mut Random) -> Exchange {
    let blocks = controller.blocks();
    let [first, ..] = blocks;
    let Block { function, address, quantity } = blocks.get(turn).copied().unwrap_or(first);
    let request = words(function, &[address, quantity]);
    if random.in_a_million(REFUSALS) {
        return (request, refusal(function, random));
    }
    let mut response = vec![function];
    if function >= 3 {
        response.push(octet(2 * quantity));
        for n in 0..quantity {
            response.extend(controller.register(address + n, random).to_be_bytes());
        }
    } else {
        let octets = quantity.div_ceil(8);
        response.push(octet(octets));
        let shown = (controller.coils >> (address % 32)) & ((1 << quantity) - 1);
        response.extend(shown.to_le_bytes().iter().take(usize::from(octets)));
    }
    (request, response)
}

fn write(controller: &mut Controller, random: &mut Random) -> Exchange {
    let n = random.word_between(0, SET_POINTS - 4);
    let set_points = |controller: &mut Controller, count: u16, random: &mut Random| {
        let mut values = Vec::new();
        for n in n..n + count {
            let value = random.word_between(envelope(n).0, envelope(n).1);
            controller.set(FIRST_SET_POINT + n, value);
            values.extend(value.to_be_bytes());
        }
        values
    };
    let address = FIRST_SET_POINT + n;
    match random.between(0, 99) {
        0..50 => {
            let count = random.word_between(2, 4);
            let mut request = words(16, &[address, count]);
            let response = request.clone();
            request.push(octet(2 * count));
            request.extend(set_points(controller, count, random));
            (request, response)
        }
        50..75 => {
            let mut request = words(6, &[address]);
            request.extend(set_points(controller, 1, random));
            let refused = random.in_a_million(10 * REFUSALS);
            let response = if refused { refusal(6, random) } else { request.clone() };
            (request, response)
        }
        75..90 => {
            let (coil, on) = (random.word_between(0, COILS - 1), random.in_a_million(500_000));
            controller.set_coil(coil, on);
            let request = words(5, &[coil, if on { 0xff00 } else { 0 }]);
            (request.clone(), request)
        }
        90..95 => {
            let (first, [pattern, ..]) = (8 * random.word_between(0, 3), random.any().to_le_bytes());
            for bit in 0..8 {
                controller.set_coil(first + bit, pattern & (1 << bit) != 0);
            }
            let mut request = words(15, &[first, 8]);
            let response = request.clone();
            request.extend([1, pattern]);
            (request, response)
        }
        _ => {
            let mut request = words(23, &[FIRST_SET_POINT, SET_POINTS, address, 2]);
            request.push(4);
            request.extend(set_points(controller, 2, random));
            let mut response = vec![23, octet(2 * SET_POINTS)];
            for n in 0..SET_POINTS {
                response.extend(controller.register(FIRST_SET_POINT + n, random).to_be_bytes());
            }
            (request, response)
        }
    }
}

fn refusal(function: u8, random: &mut Random) -> Vec<u8> {
    let [busy, failed] = REFUSED;
    vec![function | 0x80, if random.in_a_million(500_000) { busy } else { failed }]
}

/// A function code and the numbers behind it.
fn words(function: u8, numbers: &[u16]) -> Vec<u8> {
    let mut message = vec![function];
    for number in numbers {
        message.extend(number.to_be_bytes());
    }
    message
}

/// A count of octets; no message of Modbus holds more than 253.
fn octet(count: u16) -> u8 {
    u8::try_from(count).unwrap_or(u8::MAX)
}
