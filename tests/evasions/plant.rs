//! A small plant whose frames a scene makes one by one: who speaks, in how small pieces, how slowly.
//!
//! Two stations poll two controllers and write set-points within narrow bounds; one of them also speaks TLS with a server, and one
//! server hands out addresses. What a scene adds is the attack.

use std::collections::BTreeMap;

use fieldwarden_engine::{Baseline, Engine, Input, Learner, Output, Seed, Settings, baseline::learn};
use fieldwarden_model::{Alert, FrameRef, LinkType, Site, Timestamp};

use super::{
    common::{frames::Frame, wrap::fragments},
    octets::hex,
    wire::{ACK, Burst, Connection, From, Host, PUSH, Side},
};

pub(crate) type Address = [u8; 4];

/// The operator's station, and a second one.
pub(crate) const STATION: Address = [10, 0, 0, 5];
pub(crate) const SECOND_STATION: Address = [10, 0, 0, 6];
/// The controllers.
pub(crate) const PLC: Address = [10, 0, 0, 20];
pub(crate) const PLC_2: Address = [10, 0, 0, 21];
/// Who speaks TLS, and who hands out addresses.
pub(crate) const PORTAL: Address = [10, 0, 0, 30];
pub(crate) const DHCP: Address = [10, 0, 0, 1];
/// Somebody else, and more of them.
pub(crate) const ROGUE: Address = [10, 0, 0, 66];

/// Another somebody else.
pub(crate) const fn rogue(number: u8) -> Address {
    [10, 0, 0, 66 + number]
}

const MODBUS: u16 = 502;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
/// Midnight of 5 January 2026, UTC.
const BEGIN: u64 = 1_767_571_200 * SECOND;
/// Seconds between two polls.
const POLL: u64 = 5;
/// Seconds of the plant's life that the baseline is learned from.
const LEARNED: u64 = 3_600;

/// What controllers report: a level that rises and falls, and nothing else that moves.
pub(crate) fn process(poll: u64, _: Address, _: Address) -> [u16; 10] {
    let phase = u16::try_from(poll % 400).unwrap();
    let mut registers = [0; 10];
    registers[9] = 400 + phase.min(400 - phase);
    registers
}

/// The plant.
pub(crate) struct Plant {
    now: u64,
    frames: Vec<Frame>,
    talks: BTreeMap<(Address, Address, u16), Connection>,
    transaction: u16,
    next_port: u16,
    /// Octets of a segment, and of a fragment of a datagram, where a scene cuts small.
    pub(crate) pieces: Option<usize>,
    /// Whether connections are heard from the middle on.
    pub(crate) joined_late: bool,
    /// Seconds between two octets of a stream, where a scene drips.
    pub(crate) drips: Option<u64>,
    /// Stations that poll.
    pub(crate) polling: Vec<Address>,
    /// Controllers that answer their polls.
    pub(crate) answering: Vec<Address>,
    /// What a controller answers to a poll: the registers by the poll's number, who asks and who answers.
    pub(crate) reports: fn(u64, Address, Address) -> [u16; 10],
    /// Whether polls and their answers are cut small, too.
    pub(crate) polls_in_pieces: bool,
    polls: u64,
    /// Seconds between two polls.
    pub(crate) poll_secs: u64,
    /// Octets of each poll that are sent at all, and of each answer.
    pub(crate) poll_octets: [usize; 2],
    next_poll: u64,
    written: u64,
    /// Where the deed begins: alerts before it count for nothing.
    deed: u64,
}

impl Plant {
    fn new(begin: u64) -> Self {
        Self {
            now: begin,
            frames: Vec::new(),
            talks: BTreeMap::new(),
            transaction: 0,
            next_port: 49_152,
            pieces: None,
            joined_late: false,
            drips: None,
            polling: vec![STATION, SECOND_STATION],
            answering: vec![PLC, PLC_2],
            reports: process,
            polls_in_pieces: false,
            polls: 0,
            poll_secs: POLL,
            poll_octets: [usize::MAX; 2],
            next_poll: begin,
            written: 0,
            deed: begin,
        }
    }

    /// A plant that has lived for five minutes.
    fn living() -> Self {
        let mut plant = Self::new(BEGIN + 10 * LEARNED * SECOND);
        plant.lives(300);
        plant.deed = plant.now;
        plant
    }

    /// Lets the plant live: polls and answers.
    pub(crate) fn lives(&mut self, seconds: u64) -> &mut Self {
        let until = self.now + seconds * SECOND;
        while self.next_poll.max(self.now) < until {
            self.now = self.next_poll.max(self.now);
            self.poll();
            self.next_poll += self.poll_secs * SECOND;
        }
        self.now = self.now.max(until);
        self
    }

    /// Lets time pass without a frame; the polls go on where it ends.
    pub(crate) fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now += seconds * SECOND;
        self.next_poll = self.next_poll.max(self.now);
        self
    }

    /// Polls each controller from each station.
    fn poll(&mut self) {
        let (pieces, drips) = (self.pieces, self.drips.take());
        self.pieces = pieces.filter(|_| self.polls_in_pieces);
        self.polls += 1;
        for station in self.polling.clone() {
            for controller in [PLC, PLC_2] {
                let asked = self.modbus(1, &hex("03 0000 000a"));
                let [asks, answers] = self.poll_octets;
                self.asks(station, controller, MODBUS, asked.get(..asks).unwrap_or(&asked));
                if self.answering.contains(&controller) {
                    let registers = (self.reports)(self.polls, station, controller);
                    let octets: Vec<u8> = registers.iter().flat_map(|value| value.to_be_bytes()).collect();
                    let answer = framed(self.transaction, 1, &[&[3, 20][..], &octets].concat());
                    self.answers(station, controller, MODBUS, answer.get(..answers).unwrap_or(&answer));
                }
            }
        }
        (self.pieces, self.drips) = (pieces, drips);
    }

    /// A request of Modbus, with the next number.
    pub(crate) fn modbus(&mut self, unit: u8, pdu: &[u8]) -> Vec<u8> {
        self.transaction = self.transaction.wrapping_add(1);
        framed(self.transaction, unit, pdu)
    }

    /// Asks a controller over Modbus and is answered.
    pub(crate) fn does(&mut self, client: Address, server: Address, pdu: &[u8], answer: &[u8]) -> &mut Self {
        let asked = self.modbus(1, pdu);
        self.asks(client, server, MODBUS, &asked);
        let answer = framed(self.transaction, 1, answer);
        self.answers(client, server, MODBUS, &answer)
    }

    /// Writes one register of a controller, which confirms it.
    pub(crate) fn writes(
        &mut self,
        client: Address,
        server: Address,
        register: u16,
        value: u16,
    ) -> &mut Self {
        let pdu = [&[6][..], &register.to_be_bytes(), &value.to_be_bytes()].concat();
        self.does(client, server, &pdu, &pdu)
    }

    /// Asks a controller to read registers, which it does.
    pub(crate) fn reads(&mut self, client: Address, server: Address, register: u16, count: u16) -> &mut Self {
        let pdu = [&[3][..], &register.to_be_bytes(), &count.to_be_bytes()].concat();
        let octets = count * 2;
        let answer = [&[3, u8::try_from(octets).unwrap()][..], &vec![0; octets.into()]].concat();
        self.does(client, server, &pdu, &answer)
    }

    /// Asks a controller for something that it refuses.
    pub(crate) fn is_refused(&mut self, client: Address, server: Address, pdu: &[u8]) -> &mut Self {
        self.does(client, server, pdu, &[pdu[0] | 0x80, 2])
    }

    /// A client sends octets of a stream.
    pub(crate) fn asks(&mut self, client: Address, server: Address, port: u16, octets: &[u8]) -> &mut Self {
        self.stream(From::Client, (client, server, port), octets)
    }

    /// A server sends octets of a stream.
    pub(crate) fn answers(
        &mut self,
        client: Address,
        server: Address,
        port: u16,
        octets: &[u8],
    ) -> &mut Self {
        self.stream(From::Server, (client, server, port), octets)
    }

    /// What is said in turn: lines of a dialogue, a server's marked.
    pub(crate) fn talks(
        &mut self,
        client: Address,
        server: Address,
        port: u16,
        parts: &[(bool, &[u8])],
    ) -> &mut Self {
        for (answers, octets) in parts {
            let from = if *answers { From::Server } else { From::Client };
            self.stream(from, (client, server, port), octets);
        }
        self
    }

    fn stream(&mut self, from: From, talk: (Address, Address, u16), octets: &[u8]) -> &mut Self {
        let (client, server, port) = talk;
        if !self.talks.contains_key(&talk) {
            self.next_port += 1;
            let side = |address, port: u16| Side {
                host: host(address),
                port,
                sequence: u32::from(self.next_port) * 65_537,
                id: port,
                window: 60_000,
            };
            let mut connection =
                Connection { client: side(client, self.next_port), server: side(server, port) };
            if self.joined_late {
                connection.client.sequence += 7;
                connection.server.sequence += 9;
            } else {
                let mut burst = Burst::default();
                self.now = connection.open(&mut burst, self.now, 400_000) + MILLISECOND;
                self.take(burst);
            }
            self.talks.insert(talk, connection);
        }
        let mut connection = self.talks.remove(&talk).unwrap();
        let most = if self.drips.is_some() { 1 } else { self.pieces.unwrap_or(1_400) };
        for piece in octets.chunks(most) {
            let mut burst = Burst::default();
            connection.segment(&mut burst, self.now, from, PUSH | ACK, piece);
            let other = if from == From::Client { From::Server } else { From::Client };
            connection.segment(&mut burst, self.now + MILLISECOND / 2, other, ACK, &[]);
            self.take(burst);
            self.now += self.drips.map_or(MILLISECOND, |seconds| seconds * SECOND);
        }
        self.talks.insert(talk, connection);
        self
    }

    /// A segment of a client, or of its server, that never comes through: the sender goes on as if it had.
    pub(crate) fn loses(&mut self, client: Address, server: Address, octets: u32) -> &mut Self {
        if let Some(connection) = self.talks.get_mut(&(client, server, MODBUS)) {
            connection.client.sequence = connection.client.sequence.wrapping_add(octets);
        }
        self
    }

    /// A client knocks at a port, and nobody answers; in fragments, where a scene cuts small.
    pub(crate) fn knocks(&mut self, client: Address, server: Address, port: u16) -> &mut Self {
        self.next_port += 1;
        let side = |address, port| Side { host: host(address), port, sequence: 7, id: port, window: 1_024 };
        let mut connection = Connection { client: side(client, self.next_port), server: side(server, port) };
        let mut burst = Burst::default();
        connection.segment(&mut burst, self.now, From::Client, super::wire::SYN, &[]);
        self.take_cut(burst);
        self.now += MILLISECOND;
        self
    }

    /// Ends a connection, so that the next one is another.
    pub(crate) fn ends(&mut self, client: Address, server: Address, port: u16) -> &mut Self {
        if let Some(mut connection) = self.talks.remove(&(client, server, port)) {
            let mut burst = Burst::default();
            self.now = connection.close(&mut burst, self.now, 400_000) + MILLISECOND;
            self.take(burst);
        }
        self
    }

    /// A datagram, in fragments where a scene cuts small.
    pub(crate) fn datagram(&mut self, from: (Address, u16), to: (Address, u16), octets: &[u8]) -> &mut Self {
        self.next_port += 1;
        let mut burst = Burst::default();
        burst.udp(self.now, (&host(from.0), from.1), (&host(to.0), to.1), self.next_port, octets);
        self.take_cut(burst);
        self.now += MILLISECOND;
        self
    }

    /// A frame as it is.
    pub(crate) fn frame(&mut self, bytes: Vec<u8>) -> &mut Self {
        self.push(self.now, bytes);
        self.now += MILLISECOND;
        self
    }

    /// An ARP packet of an operation: a card says an address to be its own, to somebody.
    pub(crate) fn arp(
        &mut self,
        operation: u16,
        card: [u8; 6],
        says: Address,
        to: ([u8; 6], Address),
    ) -> &mut Self {
        let head = [0, 1, 8, 0, 6, 4];
        let packet = [&head[..], &operation.to_be_bytes(), &card, &says, &to.0, &to.1].concat();
        let receiver = if to.0 == [0; 6] { [0xff; 6] } else { to.0 };
        let mut bytes = [&receiver[..], &card, &[8, 6], &packet].concat();
        bytes.resize(60, 0);
        self.frame(bytes)
    }

    fn take(&mut self, mut burst: Burst) {
        while let Some((time, octets)) = burst.take() {
            self.push(time, octets.to_vec());
        }
    }

    fn take_cut(&mut self, burst: Burst) {
        let at = self.frames.len();
        self.take(burst);
        let Some(pieces) = self.pieces else { return };
        for frame in self.frames.split_off(at) {
            self.frames.extend(fragments(&frame, pieces.max(8), self.next_port));
        }
    }

    fn push(&mut self, time: u64, bytes: Vec<u8>) {
        let time = Timestamp::from_nanos(i64::try_from(time).unwrap());
        let wire_length = u32::try_from(bytes.len()).unwrap();
        self.frames.push(Frame { time, link_type: LinkType::ETHERNET, wire_length, tag: None, bytes });
    }
}

/// What the plant does while its baseline is learned.
fn life() -> Vec<Frame> {
    let mut plant = Plant::new(BEGIN);
    // A lease that is renewed (RFC 2131 clause 4.4.5).
    plant.datagram((STATION, 68), (DHCP, 67), &super::network::dhcp(3, None));
    plant.datagram((DHCP, 67), (STATION, 68), &super::network::dhcp(5, Some(DHCP)));
    for station in [STATION, SECOND_STATION] {
        plant.asks(station, PORTAL, 443, &super::access::client_hello());
        plant.answers(station, PORTAL, 443, &super::access::server_hello());
    }
    // Cards that say their address themselves.
    for address in [STATION, SECOND_STATION, PLC, PLC_2, PORTAL, DHCP] {
        plant.arp(2, card(address), address, (card(STATION), STATION));
    }
    // Two steps up and one down, from bound to bound, and the same way back.
    let up = (20_u16..=70).step_by(5).flat_map(|value| [value, value + 5, value + 10, value + 5]);
    let up: Vec<u16> = up.collect();
    let mut values = up.iter().chain(up.iter().rev()).cycle();
    while plant.now < BEGIN + LEARNED * SECOND {
        plant.lives(50);
        let value = *values.next().unwrap();
        plant.writes(STATION, PLC, 100, value).writes(SECOND_STATION, PLC, 101, value);
        plant.written += 1;
    }
    plant.frames
}

/// Learned from an hour of the plant.
pub(crate) fn baseline() -> &'static Baseline {
    static LEARNED: std::sync::OnceLock<Baseline> = std::sync::OnceLock::new();
    LEARNED.get_or_init(|| {
        let mut learner = Learner::new(learn::Settings::default());
        for (frame, number) in life().iter().zip(1..) {
            learner.frame(frame.raw(), FrameRef { capture: 0, number });
        }
        learner.finish()
    })
}

/// Alerts about what a scene does, since it began, with the plant's ordinary life before and after it.
pub(crate) fn told(site: Site, scene: fn(&mut Plant)) -> Vec<Alert> {
    let mut plant = Plant::living();
    scene(&mut plant);
    plant.lives(30);
    let deed = Timestamp::from_nanos(i64::try_from(plant.deed).unwrap());
    let settings =
        Settings { site, baseline: Some(baseline().clone()), seed: Seed(11), ..Settings::default() };
    let mut engine = Engine::new(settings);
    let mut alerts = Vec::new();
    let mut take = |output| {
        if let Output::Alert(alert) = output {
            alerts.push(alert);
        }
    };
    for (frame, number) in plant.frames.iter().zip(1..) {
        engine
            .step(Input::Frame { frame: frame.raw(), reference: FrameRef { capture: 0, number } }, &mut take);
    }
    engine.finish(&mut take);
    alerts.retain(|alert| alert.time >= deed);
    alerts
}

/// Modbus over TCP.
fn framed(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).unwrap();
    [&transaction.to_be_bytes()[..], &[0, 0], &length.to_be_bytes(), &[unit], pdu].concat()
}

/// The network card of an address.
pub(crate) const fn card(address: Address) -> [u8; 6] {
    let [a, b, c, d] = address;
    [2, 0, a, b, c, d]
}

const fn host(address: Address) -> Host {
    Host { mac: card(address), address, time_to_live: 64 }
}
