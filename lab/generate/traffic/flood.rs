//! A flood: talkers and ports that are made up for each frame, at a steady rate, over a plant that goes on working. In its
//! middle a talker that is real: it opens a connection to the first controller, reads from it and is answered.

use super::{
    Truth,
    random::Random,
    wire::{ACK, Burst, Connection, From, Host, PUSH, SYN, Side},
};

/// Port numbers from here on are made up.
const FIRST_PORT: u16 = 1_024;
/// The address of the talker that completes an exchange.
const INTRUDER: u32 = 65;

pub(super) struct Flood {
    targets: Vec<Host>,
    next: u64,
    step: u64,
    sent: u64,
    frames: u64,
}

impl Flood {
    /// So many frames, from `start` on, so many in a second.
    pub(super) const fn new(targets: Vec<Host>, start: u64, frames: u64, per_second: u64) -> Self {
        Self { targets, next: start, step: 1_000_000_000 / per_second, sent: 0, frames }
    }

    /// When it sends its first frame.
    pub(super) const fn started(&self) -> u64 {
        self.next
    }

    /// Sends the next frame, in the middle behind the exchange.
    pub(super) fn go_on(&mut self, random: &mut Random, truth: &mut Truth, burst: &mut Burst) {
        let Some(first) = self.targets.first().copied().filter(|_| self.sent < self.frames) else {
            return;
        };
        if self.sent == self.frames / 2 {
            self.next = intrude(first, self.next, random, truth, burst);
        }
        self.spoof(random, burst);
        self.next += self.step;
        self.sent += 1;
        truth.flood += 1;
    }

    fn spoof(&self, random: &mut Random, burst: &mut Burst) {
        let [a, b, c, d, e, f, g, pick] = random.any().to_le_bytes();
        // Locally administered addresses, so that no real maker is named.
        let from = Host { mac: [0x02, a, b, c, d, e], address: [10, 128 | e, f, g], time_to_live: 64 };
        let port = random.word_between(FIRST_PORT, u16::MAX);
        let Some(target) = self.targets.get(usize::from(pick) % self.targets.len()) else { return };
        match self.sent % 3 {
            0 => {
                let side = |host, port| Side { host, port, sequence: 1, id: port, window: 1_024 };
                let mut connection = Connection { client: side(from, port), server: side(*target, 502) };
                connection.segment(burst, self.next, From::Client, SYN, &[]);
            }
            1 => burst.udp(self.next, (&from, port), (target, random.word()), port, &[0; 18]),
            _ => burst.arp_request(self.next, &from, target.address),
        }
    }
}

/// A new talker reads ten registers; when it has the answer.
fn intrude(target: Host, start: u64, random: &mut Random, truth: &mut Truth, burst: &mut Burst) -> u64 {
    let mut side = |host, port| Side { host, port, sequence: random.long(), id: 1, window: 64_240 };
    let intruder = Host::new(11, INTRUDER, [0x00, 0x0c, 0x29], 64);
    let mut connection = Connection { client: side(intruder, 49_152), server: side(target, 502) };
    let open = connection.open(burst, start, 1_000);
    let request = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 10];
    connection.segment(burst, open + 1_000, From::Client, PUSH | ACK, &request);
    let mut response = vec![0, 1, 0, 0, 0, 23, 1, 3, 20];
    response.resize(29, 0);
    connection.segment(burst, open + 2_000, From::Server, PUSH | ACK, &response);
    connection.segment(burst, open + 3_000, From::Client, ACK, &[]);
    truth.sessions += 1;
    truth.transactions += 1;
    *truth.functions.entry(3).or_default() += 1;
    open + 4_000
}
