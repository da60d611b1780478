//! The controllers: what their registers hold, and how that moves.

use super::{Deed, HOUR, Host, Random, SECOND, write};

/// Controllers of the plant.
pub(crate) const CONTROLLERS: usize = 4;
/// Set-points of each, from register 100.
pub(crate) const SET_POINTS: u16 = 5;
const FIRST_SET_POINT: u16 = 100;
/// Values of a recipe.
const CHOICES: u64 = 5;
const REGISTERS: usize = 256;
/// A meter's registers, of which the historian asks: four real numbers, a count of 32 bits, the seconds of its clock.
pub(crate) const METER: (u16, u16) = (20, 11);
const REALS: u16 = 4;

pub(crate) struct Controller {
    pub(super) host: Host,
    number: usize,
    registers: Vec<u16>,
    /// Sixteen coils.
    coils: u16,
    /// The minute up to which the process moved.
    moved: u64,
}

/// The values that an operator chooses from for a set-point, in ascending order.
pub(crate) fn recipe(set_point: u16) -> [u16; 5] {
    let low = 400 + 150 * set_point;
    [low, low + 20, low + 35, low + 60, low + 90]
}

impl Controller {
    pub(super) fn new(number: usize, random: &mut Random) -> Self {
        let mut registers: Vec<u16> = (0..REGISTERS).map(|_| random.word_between(900, 1_100)).collect();
        for set_point in 0..SET_POINTS {
            if let Some(register) = registers.get_mut(usize::from(FIRST_SET_POINT + set_point)) {
                *register = recipe(set_point)[2];
            }
        }
        let host = Host::new(10, u32::try_from(number).unwrap_or(0), [0x00, 0x80, 0xf4], 64);
        Self { host, number, registers, coils: 0x0055, moved: 0 }
    }

    /// Lets the process move until now: measurements swing with the hour and never stand still.
    pub(super) fn live_until(&mut self, now: u64, deeds: &[Deed], random: &mut Random) {
        let second = now / SECOND;
        if second == self.moved {
            return;
        }
        self.moved = second;
        self.meter(second, random);
        for (n, register) in self.registers.iter_mut().take(10).enumerate() {
            let turn = (now % (3 * HOUR)) as f64 / (3 * HOUR) as f64 * core::f64::consts::TAU;
            let swing = (turn + n as f64).sin() * 80.0;
            let measured = (1_000.0 + swing) as u16 + random.word_between(0, 9);
            let frozen = deeds.iter().any(|deed| match *deed {
                Deed::Freeze(from, of, which) => {
                    now >= from && of == self.number && which.is_none_or(|which| usize::from(which) == n)
                }
                _ => false,
            });
            if !frozen {
                *register = measured;
            }
        }
    }

    /// A meter as there are many: noise of a bell curve, so that the lower halves of its real numbers look like chance, as do those of
    /// a count that goes fast.
    fn meter(&mut self, second: u64, random: &mut Random) {
        let mut octets = Vec::new();
        for real in 0..REALS {
            let noise: f32 = (0..6).map(|_| f32::from(random.word_between(0, 1_000)) / 1_000.0 - 0.5).sum();
            let swing = (second as f32 / 600.0 + f32::from(real)).sin() * 4.0;
            octets.extend((230.0 + swing + noise).to_be_bytes());
        }
        octets.extend((second as u32).wrapping_mul(40_503).to_be_bytes());
        octets.extend((second as u16).to_be_bytes());
        let words = octets.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
        for (register, word) in self.registers.iter_mut().skip(usize::from(METER.0)).zip(words) {
            *register = word;
        }
    }

    /// What an operator chooses the `number`th time: set-points and pumps go round.
    pub(super) fn choice(&self, number: u64) -> Vec<u8> {
        if number.is_multiple_of(4) {
            let coil = number / 4 % 4;
            let on = self.coils >> coil & 1 == 0;
            let [_, _, _, _, _, _, high, low] = coil.to_be_bytes();
            return vec![5, high, low, if on { 0xff } else { 0 }, 0];
        }
        let set_point = u16::try_from(number % u64::from(SET_POINTS)).unwrap_or(0);
        let value =
            recipe(set_point)[usize::try_from(number / u64::from(SET_POINTS) * 2 % CHOICES).unwrap_or(0)];
        write(FIRST_SET_POINT + set_point, value)
    }

    /// The answer to a request, which may change what the registers hold.
    pub(super) fn answer(&mut self, asked: &[u8]) -> Vec<u8> {
        let &[function, a0, a1, b0, b1] = asked else { return vec![0x80, 1] };
        let (address, number) = (usize::from(u16::from_be_bytes([a0, a1])), u16::from_be_bytes([b0, b1]));
        match function {
            1 => [&[1, 2][..], &self.coils.to_le_bytes()].concat(),
            3 | 4 => {
                let held = self.registers.iter().skip(address).take(usize::from(number));
                let octets: Vec<u8> = held.flat_map(|register| register.to_be_bytes()).collect();
                [&[function, u8::try_from(octets.len()).unwrap_or(0)][..], &octets].concat()
            }
            5 => {
                let bit = 1_u16.checked_shl(u32::from(a1)).unwrap_or(0);
                self.coils = if b0 == 0 { self.coils & !bit } else { self.coils | bit };
                asked.to_vec()
            }
            _ => {
                if let Some(register) = self.registers.get_mut(address) {
                    *register = number;
                }
                asked.to_vec()
            }
        }
    }
}
