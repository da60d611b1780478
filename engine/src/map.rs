//! The one map type of the engine: seeded by the process, its order never seen.

use core::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{HashMap, HashTable};

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

/// Finds where in a list the thing of a key stands. It keeps places alone: the keys stand in the list already, and a large plant
/// has a hundred thousand of them.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    table: HashTable<u32>,
    seed: Seed,
}

impl Places {
    pub(crate) const fn new(seed: Seed) -> Self {
        Self { table: HashTable::new(), seed }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The place of a key; `is` tells whether it is the key of the thing at a place.
    #[inline]
    pub(crate) fn find<K: Hash>(&self, key: &K, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.table.find(self.seed.hash_one(key), |at| is(*at)).copied()
    }

    /// Adds a key that is not there yet; `key_at` tells the keys of the others.
    pub(crate) fn insert<K: Hash>(&mut self, key: &K, at: u32, key_at: impl Fn(u32) -> Option<K>) {
        let seed = self.seed;
        // Every place that is kept has its thing.
        let hash = |at: &u32| key_at(*at).map_or(0, |key| seed.hash_one(key));
        self.table.insert_unique(seed.hash_one(key), at, hash);
    }

    /// Takes a key out, and tells where it stood.
    pub(crate) fn remove<K: Hash>(&mut self, key: &K, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.table.find_entry(self.seed.hash_one(key), |at| is(*at)).ok().map(|entry| entry.remove().0)
    }

    /// Octets held.
    pub(crate) fn memory(&self) -> usize {
        self.table.capacity() * Self::OCTETS_EACH
    }

    /// Octets of one place, with the room that a table keeps free.
    pub(crate) const OCTETS_EACH: usize = (size_of::<u32>() + 1) * 8 / 7 + 1;
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

    /// Two words by one product: long runs of octets at half the price. Both factors hold what is secret, so that nobody
    /// can choose a word that makes the product nothing.
    const fn fold_pair(&mut self, a: u64, b: u64) {
        let product = (self.0 ^ a) as u128 * (self.0.rotate_left(32) ^ b ^ 0xe703_7ed1_a0b4_28db) as u128;
        let [low, high] = halves(product);
        self.0 = low ^ high ^ a.rotate_left(29) ^ b.rotate_left(47);
    }

    /// Long runs of octets in four lanes, whose products do not wait for each other: a payload at a quarter of the price.
    fn fold_blocks(&mut self, blocks: &[[u8; 64]]) {
        const APART: [u64; 4] =
            [0x8bb8_4b93_962e_acc9, 0x4b33_a62e_d433_d4a3, 0x4d5a_2da5_1de1_aa47, 0x9e37_79b9_7f4a_7c15];
        let key = self.0.rotate_left(17) ^ 0xe703_7ed1_a0b4_28db;
        let mut lanes = APART.map(|apart| self.0 ^ apart);
        for block in blocks {
            let (pairs, _) = block.as_chunks::<16>();
            for (lane, pair) in lanes.iter_mut().zip(pairs) {
                let [a, b] = halves(u128::from_le_bytes(*pair));
                // Both factors hold what is secret, as in a pair.
                let [low, high] = halves(u128::from(a ^ key) * u128::from(b ^ *lane));
                *lane = low ^ high;
            }
        }
        let [a, b, c, d] = lanes;
        self.fold_pair(a, b);
        self.fold_pair(c, d);
    }
}

const fn halves(wide: u128) -> [u64; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are taken on purpose")]
    let halves = [wide as u64, (wide >> 64) as u64];
    halves
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        let mut last = *self;
        last.fold(0x2d35_8dcc_aa6c_78a5);
        last.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks::<64>();
        if !blocks.is_empty() {
            self.fold_blocks(blocks);
        }
        let (pairs, mut rest) = rest.as_chunks::<16>();
        for pair in pairs {
            let [low, high] = halves(u128::from_le_bytes(*pair));
            self.fold_pair(low, high);
        }
        if !rest.is_empty()
            && let Some(last) = bytes.last_chunk::<16>()
        {
            // The last octets once more, with those before them: the length tells how many they are.
            let [low, high] = halves(u128::from_le_bytes(*last));
            self.fold_pair(low, high);
            rest = &[];
        }
        let (words, rest) = rest.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            for (slot, byte) in word.iter_mut().zip(rest) {
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

    fn write_u128(&mut self, value: u128) {
        let [low, high] = halves(value);
        // IPv4 addresses in their mapped form have an upper half of zero, and are looked up for every frame.
        if high != 0 {
            self.fold(high);
        }
        self.fold(low);
    }

    fn write_usize(&mut self, value: usize) {
        self.fold(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.fold(value.cast_unsigned() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_spread_and_seeds_differ() {
        let bucket = |seed: u64, value: u32| Seed(seed).hash_one(value) % 64;
        let mut counts = [0_u32; 64];
        for value in 0..6_400 {
            counts[usize::try_from(bucket(7, value)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (50..200).contains(count)), "uneven: {counts:?}");
        assert!((0..64).any(|value| bucket(7, value) != bucket(8, value)));
    }

    #[test]
    fn a_length_is_part_of_the_octets() {
        let hash = |bytes: &[u8]| {
            let mut mixer = Seed(1).build_hasher();
            mixer.write(bytes);
            mixer.finish()
        };
        assert_ne!(hash(&[0; 7]), hash(&[0; 8]));
        assert_ne!(hash(&[]), hash(&[0]));
    }

    #[test]
    fn every_octet_of_a_long_run_counts() {
        let hash = |bytes: &[u8]| {
            let mut mixer = Seed(1).build_hasher();
            mixer.write(bytes);
            mixer.finish()
        };
        let mut run = [0xa5; 213];
        let before = hash(&run);
        for at in 0..run.len() {
            run[at] ^= 1;
            assert_ne!(hash(&run), before, "octet {at}");
            run[at] ^= 1;
        }
        // The same blocks in another order.
        let apart = |one: u8, two: u8| hash(&[[one; 64], [two; 64], [one; 64]].concat());
        assert_ne!(apart(1, 2), apart(2, 1));
    }
}
