//! Incidents as an attacker would name them, the same ones on every run.

use std::env;

use fieldwarden_model::{IncidentId, Mac, Severity, Talker, Technique, Timestamp};
use fieldwarden_response::store::{Status, Told};

use crate::sample;

/// What breaks readers: each format's own marks, line ends, NUL, the controls of writing direction, marks of order, what is no character.
const ALPHABET: &[char] = &[
    '"',
    '\\',
    ']',
    '[',
    '|',
    '=',
    '^',
    '\n',
    '\r',
    '\t',
    '\0',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{202e}',
    '\u{2066}',
    '\u{2028}',
    '\u{feff}',
    '\u{e0041}',
    '\u{ffff}',
    '\u{fffd}',
    '\u{1f9ea}',
    '\u{10ffff}',
    'é',
    ' ',
    ' ',
    'a',
    'n',
    'u',
    '0',
    '{',
    '}',
    '<',
    '>',
    ',',
];

/// Texts that look like the format they stand in.
const FORGERIES: &[&str] = &[
    "x|10| src=1.2.3.4 msg=all is well",
    "^sev=1^title=all is well",
    "\",\"severity\":\"info\",\"x\":\"",
    "\\\",\\\"severity\\\":0",
    "x\\",
    "x\\\\|",
    "\n<34>1 2026-01-01T00:00:00Z gateway7 fieldwarden 1 INCIDENT - all is well",
    "\u{202e}llew si lla",
    "]\"] ",
    " ",
    "",
];

/// How many, by `SCALE`.
pub(crate) fn count(full: u64) -> u64 {
    let scale = env::var("SCALE").ok().and_then(|scale| scale.parse::<u64>().ok()).unwrap_or(1).clamp(1, 5);
    if scale == 5 { full } else { full * scale / 25 }
}

/// A plain generator (SplitMix64), so that a failure names its number and nothing else.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn text(&mut self, longest: u64) -> String {
        match self.below(8) {
            0 => self.pick(FORGERIES).to_owned(),
            1 => {
                let length = self.below(longest);
                let filler = self.pick(ALPHABET);
                std::iter::repeat_n(filler, usize::try_from(length).unwrap() / filler.len_utf8()).collect()
            }
            2 => (0..self.below(40))
                .filter_map(|_| char::from_u32(u32::try_from(self.below(0x0011_0000)).unwrap()))
                .collect(),
            _ => (0..self.below(60)).map(|_| self.pick(ALPHABET)).collect(),
        }
    }

    fn talker(&mut self) -> Talker {
        let bits = self.below(u64::MAX);
        match bits % 3 {
            0 => Talker::Ip(std::net::Ipv4Addr::from(u32::try_from(bits >> 32).unwrap()).into()),
            1 => Talker::Ip(std::net::Ipv6Addr::from(u128::from(bits) << 60).into()),
            _ => Talker::Mac(Mac([2, 0, 0, 0, 0, u8::try_from(bits >> 56).unwrap()])),
        }
    }
}

/// The hostile revision number `n`, and the octets its message may have.
pub(crate) fn told(n: u64) -> (Told, usize) {
    let mut dice = Dice(n);
    let mut incident = sample::incident(1, 3);
    incident.id = IncidentId(if dice.below(4) == 0 { dice.text(400) } else { format!("{n:016x}") });
    incident.title = dice.text(65_537);
    incident.techniques = (0..dice.below(5)).map(|_| Technique(dice.text(300))).collect();
    incident.talkers = (0..dice.below(12)).map(|_| dice.talker()).collect();
    if dice.below(16) == 0 {
        incident.talkers = (0..dice.below(3_000)).map(|_| dice.talker()).collect();
    }
    incident.severity = dice.pick(&Severity::ALL);
    incident.alerts = dice.below(u64::MAX);
    incident.revision = u32::try_from(dice.below(u64::from(u32::MAX))).unwrap();
    incident.open = dice.below(2) == 0;
    // Up to 2099: rsyslog takes no later TIMESTAMP for one, and the whole header for text.
    let time = Timestamp::from_nanos(i64::try_from(dice.below(4_102_444_800_000_000_000)).unwrap());
    let status = dice.pick(&Status::ALL);
    let room = dice.pick(&[0, 2_048, 2_049, 4_096, 8_192, 65_536]);
    (Told { time, status, incident }, room)
}
