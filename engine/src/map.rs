//! The one map type of the engine: seeded by the process, its order never seen.

use core::hash::{BuildHasher, Hasher};

use hashbrown::HashMap;

/// Hashes with a seed that the process draws at random, so that no peer can aim at one bucket. Two seeds must give the
/// same output: nothing in the engine may iterate over a [`Map`] into an output without sorting first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seed(pub u64);

/// A map whose order is never seen.
pub type Map<K, V> = HashMap<K, V, Seed>;

/// An empty map with this seed.
#[must_use]
pub const fn map<K, V>(seed: Seed) -> Map<K, V> {
    HashMap::with_hasher(seed)
}

impl BuildHasher for Seed {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer(self.0 ^ 0x9e37_79b9_7f4a_7c15)
    }
}

/// A keyed multiply-and-fold hash over 64-bit words. The key is secret to the process and every word is folded through
/// a 128-bit product, which is enough against a peer who sees no timing of single look-ups.
#[derive(Clone, Copy, Debug)]
pub struct Mixer(u64);

impl Mixer {
    const fn fold(&mut self, word: u64) {
        let product = (self.0 ^ word) as u128 * 0xa076_1d64_78bd_642f_u128;
        let [low, high] = halves(product);
        self.0 = low ^ high ^ word.rotate_left(29);
    }
}

const fn halves(product: u128) -> [u64; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are taken on purpose")]
    let halves = [product as u64, (product >> 64) as u64];
    halves
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        let mut last = *self;
        last.fold(0x2d35_8dcc_aa6c_78a5);
        last.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (slot, byte) in word.iter_mut().zip(chunk) {
                *slot = *byte;
            }
            self.fold(u64::from_le_bytes(word));
        }
        self.fold(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.fold(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.fold(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.fold(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.fold(value);
    }
}
