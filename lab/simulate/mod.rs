//! A plant simulated frame by frame, for days: four controllers, an operator's station with its standby, a historian and an
//! engineering station, all over Modbus/TCP. The same seed gives the same frames.
//!
//! What happens in a day is what happens in plants and is no attack: shifts change, and with them who is logged in; a controller
//! restarts; the standby takes over for a while; an engineer comes in his hour; operators choose other set-points of their
//! recipes; the clock of the capture steps.

mod process;

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    random::Random,
    wire::{ACK, Burst, Connection, From, Host, PUSH, Side},
};

use process::METER;
pub(crate) use process::{CONTROLLERS, Controller, SET_POINTS, recipe};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const HOUR: u64 = 3_600 * SECOND;
pub(crate) const DAY: u64 = 24 * HOUR;
/// Midnight of 5 January 2026, UTC.
pub(crate) const BEGIN: u64 = 1_767_571_200 * SECOND;

const RESET: u8 = 0x04;
const PORT: u16 = 502;
/// Between two polls of the operator's station.
const POLL: u64 = 2 * SECOND;
/// Between two polls of the historian.
const ARCHIVE: u64 = 10 * SECOND;
/// How long a controller answers nothing after a restart.
const RESTART: u64 = 40 * SECOND;

/// Something that is done to the plant beside its own life, by whoever is at a station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Deed {
    /// The operator's station writes a register of a controller: when, which controller, which register, which value.
    Write(u64, usize, u16, u16),
    /// Somebody answers the operator's station before a controller does, with values of his own: when, for which controller.
    Spoof(u64, usize),
    /// A controller's measurements stand still from a moment on, all of them or one register: whoever holds the controller holds them.
    Freeze(u64, usize, Option<u16>),
    /// The operator's station is shown the same measurements from a moment on, whatever the controller says.
    Replay(u64, usize),
    /// The controller's answers to the operator's station carry a message, from a moment on.
    Digits(u64, usize, Message),
}

/// A message in the digits of registers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Message {
    /// The first register that carries it.
    pub(crate) first: u16,
    /// How many do.
    pub(crate) registers: u16,
    /// How many digits of each, from the last.
    pub(crate) digits: u32,
}

/// The plant.
pub(crate) struct Plant {
    random: Random,
    controllers: Vec<Controller>,
    sessions: Vec<Session>,
    due: BinaryHeap<Reverse<(u64, usize)>>,
    waiting: BinaryHeap<Reverse<(u64, u64, Vec<u8>)>>,
    deeds: Vec<Deed>,
    number: u64,
    until: u64,
}

/// Which station a session is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Station {
    Operator,
    Standby,
    Historian,
    Engineer,
}

struct Session {
    station: Station,
    controller: usize,
    connection: Option<Connection>,
    transaction: u16,
    polls: u64,
    written: u64,
    shift: u64,
    /// What is shown over and over.
    shown: Vec<u8>,
}

impl Plant {
    /// A plant that lives from `from` to `until`, nanoseconds since 1970.
    pub(crate) fn new(seed: u64, from: u64, until: u64, deeds: Vec<Deed>) -> Self {
        let mut random = Random::new(seed);
        let controllers = (0..CONTROLLERS).map(|number| Controller::new(number, &mut random)).collect();
        let stations = [Station::Operator, Station::Standby, Station::Historian, Station::Engineer];
        let mut plant = Self {
            random,
            controllers,
            sessions: Vec::new(),
            due: BinaryHeap::new(),
            waiting: BinaryHeap::new(),
            deeds,
            number: 0,
            until,
        };
        for station in stations {
            for controller in 0..CONTROLLERS {
                let at = plant.sessions.len();
                plant.sessions.push(Session {
                    station,
                    controller,
                    connection: None,
                    transaction: 0,
                    polls: 0,
                    written: 0,
                    shift: 0,
                    shown: Vec::new(),
                });
                plant.due.push(Reverse((from + at as u64 * SECOND / 10, at)));
            }
        }
        plant
    }

    /// Hands out every frame in the order of time.
    pub(crate) fn live(mut self, take: &mut dyn FnMut(u64, &[u8])) {
        while let Some(Reverse((now, at))) = self.due.pop() {
            if now >= self.until {
                break;
            }
            while let Some(Reverse((time, _, _))) = self.waiting.peek() {
                if *time > now {
                    break;
                }
                let Some(Reverse((time, _, octets))) = self.waiting.pop() else { break };
                take(captured(time), &octets);
            }
            let next = self.step(now, at);
            self.due.push(Reverse((next, at)));
        }
        while let Some(Reverse((time, _, octets))) = self.waiting.pop() {
            take(captured(time), &octets);
        }
    }

    /// What a session does now; when it does something again.
    fn step(&mut self, now: u64, at: usize) -> u64 {
        let mut burst = Burst::default();
        let Some(mut session) = self.sessions.get_mut(at).map(|own| std::mem::replace(own, Session::none()))
        else {
            return u64::MAX;
        };
        let next = self.act(&mut session, now, &mut burst);
        if let Some(own) = self.sessions.get_mut(at) {
            *own = session;
        }
        while let Some((time, octets)) = burst.take() {
            self.number += 1;
            self.waiting.push(Reverse((time, self.number, octets.to_vec())));
        }
        next
    }

    fn act(&mut self, session: &mut Session, now: u64, burst: &mut Burst) -> u64 {
        let Some(controller) = self.controllers.get_mut(session.controller) else { return u64::MAX };
        let of_day = (now - BEGIN) % DAY;
        let restarts = restart_of(session.controller);
        if (restarts..restarts + RESTART).contains(&of_day) {
            // The controller is away: what was open is gone, and nobody answers.
            if let Some(mut connection) = session.connection.take() {
                connection.segment(burst, now, From::Server, RESET | ACK, &[]);
            }
            return now + 5 * SECOND;
        }
        if !is_at_work(session.station, of_day) {
            if let Some(mut connection) = session.connection.take() {
                connection.close(burst, now, 500_000);
            }
            return now + 5 * SECOND;
        }
        let shift = of_day / (8 * HOUR);
        if session.station == Station::Operator && session.shift != shift {
            session.shift = shift;
            if let Some(mut connection) = session.connection.take() {
                connection.close(burst, now, 500_000);
                return now + SECOND;
            }
        }
        if session.connection.is_none() {
            if session.station == Station::Standby {
                // Whoever takes over does what is to be done at that hour, the same each night.
                (session.polls, session.written) = (0, 0);
            }
            let mut connection = session.connect(controller.host, &mut self.random);
            let open = connection.open(burst, now, 400_000);
            session.connection = Some(connection);
            return open + SECOND / 10;
        }
        let asked = session.request(controller, now, &self.deeds);
        controller.live_until(now, &self.deeds, &mut self.random);
        let spoofed = self.deeds.iter().any(|deed| {
            let window = |time: u64| (time..time + session.pause()).contains(&now);
            matches!(*deed, Deed::Spoof(time, of) if of == session.controller && window(time))
        });
        let spoofed = spoofed && session.station == Station::Operator;
        let mut answer = controller.answer(&asked);
        if session.station == Station::Operator {
            session.forge(&self.deeds, now, &asked, &mut answer, &mut self.random);
        }
        session.ask((&asked, &answer), now, burst, spoofed, &mut self.random);
        now + session.pause()
    }
}

impl Session {
    const fn none() -> Self {
        Self {
            station: Station::Historian,
            controller: usize::MAX,
            connection: None,
            transaction: 0,
            polls: 0,
            written: 0,
            shift: 0,
            shown: Vec::new(),
        }
    }

    const fn pause(&self) -> u64 {
        match self.station {
            // Three blocks in turn.
            Station::Operator | Station::Standby => POLL / 3,
            Station::Historian => ARCHIVE,
            Station::Engineer => 20 * SECOND,
        }
    }

    fn connect(&self, server: Host, random: &mut Random) -> Connection {
        let number = match self.station {
            Station::Operator => 0,
            Station::Standby => 1,
            Station::Historian => 2,
            Station::Engineer => 3,
        };
        let host = Host::new(11, number, [0x00, 0x0c, 0x29], 128);
        let side = |host, port, random: &mut Random| Side {
            host,
            port,
            sequence: random.long(),
            id: random.word(),
            window: 8_192,
        };
        Connection {
            client: side(host, random.word_between(49_152, 65_535), random),
            server: side(server, PORT, random),
        }
    }

    /// The next request: a deed that is due, an operator's choice, or the next block of the poll.
    fn request(&mut self, controller: &Controller, now: u64, deeds: &[Deed]) -> Vec<u8> {
        self.polls += 1;
        if self.station == Station::Operator {
            let pause = self.pause();
            let due = deeds.iter().find_map(|deed| match *deed {
                Deed::Write(time, of, register, value)
                    if of == self.controller && (time..time + pause).contains(&now) =>
                {
                    Some((register, value))
                }
                _ => None,
            });
            if let Some((register, value)) = due {
                return write(register, value);
            }
        }
        match self.station {
            // An operator chooses something every few minutes; what, goes round.
            Station::Operator | Station::Standby if self.polls.is_multiple_of(401) => {
                self.written += 1;
                controller.choice(self.written)
            }
            Station::Operator | Station::Standby => match self.polls % 3 {
                0 => read(3, 0, 10),
                1 => read(3, 100, SET_POINTS),
                _ => read(1, 0, 16),
            },
            Station::Historian if self.polls.is_multiple_of(2) => read(4, METER.0, METER.1),
            Station::Historian => read(4, 0, 10),
            Station::Engineer if self.polls.is_multiple_of(5) => write(200, 1),
            Station::Engineer => read(3, 200, 20),
        }
    }

    /// What the operator's station is made to see instead of a controller's answer.
    fn forge(&mut self, deeds: &[Deed], now: u64, asked: &[u8], answer: &mut Vec<u8>, random: &mut Random) {
        let &[3, a0, a1, _, _] = asked else { return };
        let address = u16::from_be_bytes([a0, a1]);
        for deed in deeds {
            match *deed {
                Deed::Replay(from, of) if of == self.controller && address == 0 => {
                    if now >= from && !self.shown.is_empty() {
                        answer.clone_from(&self.shown);
                    }
                    self.shown.clone_from(answer);
                }
                Deed::Digits(from, of, message) if of == self.controller && now >= from => {
                    message.write(address, answer, random);
                }
                _ => {}
            }
        }
    }

    /// Sends a request, and the controller answers it.
    fn ask(
        &mut self,
        (asked, answer): (&[u8], &[u8]),
        now: u64,
        burst: &mut Burst,
        spoofed: bool,
        random: &mut Random,
    ) {
        let Some(connection) = &mut self.connection else { return };
        self.transaction = self.transaction.wrapping_add(1);
        let answered = now + random.between(800_000, 2_500_000);
        connection.segment(burst, now, From::Client, PUSH | ACK, &framed(self.transaction, asked));
        if spoofed {
            let (sequence, id) = (connection.server.sequence, connection.server.id);
            let forged: Vec<u8> =
                answer.iter().enumerate().map(|(n, octet)| if n < 2 { *octet } else { !*octet }).collect();
            connection.segment(
                burst,
                now + 400_000,
                From::Server,
                PUSH | ACK,
                &framed(self.transaction, &forged),
            );
            (connection.server.sequence, connection.server.id) = (sequence, id);
        }
        connection.segment(burst, answered, From::Server, PUSH | ACK, &framed(self.transaction, answer));
        connection.segment(burst, answered + 300_000, From::Client, ACK, &[]);
    }
}

impl Message {
    /// Writes another part of the message into an answer that begins with the register `address`.
    fn write(self, address: u16, answer: &mut [u8], random: &mut Random) {
        let below = 10_u16.pow(self.digits);
        let registers = answer.get_mut(2..).unwrap_or_default().chunks_exact_mut(2);
        for (register, octets) in (address..).zip(registers) {
            if (self.first..self.first + self.registers).contains(&register)
                && let [high, low] = octets
            {
                let value = u16::from_be_bytes([*high, *low]);
                [*high, *low] = (value - value % below + random.word_between(0, below - 1)).to_be_bytes();
            }
        }
    }
}

/// When in a day a controller restarts.
const fn restart_of(controller: usize) -> u64 {
    // An hour that suits the plant; each its own.
    9 * HOUR + controller as u64 * HOUR / 2
}

/// Whether a station is at work at a time of the day: the standby takes over at three for a quarter of an hour, the engineer comes at
/// eleven for twenty minutes.
const fn is_at_work(station: Station, of_day: u64) -> bool {
    let standby = of_day >= 3 * HOUR && of_day < 3 * HOUR + HOUR / 4;
    match station {
        Station::Operator => !standby,
        Station::Standby => standby,
        Station::Historian => true,
        Station::Engineer => of_day >= 11 * HOUR && of_day < 11 * HOUR + HOUR / 3,
    }
}

/// What the capture's clock says: at one it is set back by two seconds, at five forward by five, at midnight right again.
const fn captured(time: u64) -> u64 {
    match (time - BEGIN) % DAY / HOUR {
        0 => time,
        1..=4 => time - 2 * SECOND,
        _ => time + 3 * SECOND,
    }
}

/// A request to read (Modbus application protocol, 6.1 and 6.3).
fn read(function: u8, address: u16, quantity: u16) -> Vec<u8> {
    [&[function][..], &address.to_be_bytes(), &quantity.to_be_bytes()].concat()
}

/// A request to write one register (6.6).
fn write(register: u16, value: u16) -> Vec<u8> {
    read(6, register, value)
}

/// With the header of Modbus/TCP (MODBUS Messaging on TCP/IP, 3.1.3).
fn framed(transaction: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 1).unwrap_or(u16::MAX);
    [&transaction.to_be_bytes()[..], &[0, 0], &length.to_be_bytes(), &[1], body].concat()
}
