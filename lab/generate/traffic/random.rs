//! Numbers that look random and are the same for every run of a seed.

/// A small generator (splitmix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Any number.
    pub(super) const fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both among them.
    pub(super) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.any() % (high - low + 1)
    }

    /// Likewise, 16 bits.
    pub(super) const fn word_between(&mut self, low: u16, high: u16) -> u16 {
        let [a, b, ..] = (self.any() % (high as u64 - low as u64 + 1)).to_le_bytes();
        low + u16::from_le_bytes([a, b])
    }

    /// Any 16 bits.
    pub(super) const fn word(&mut self) -> u16 {
        let [a, b, ..] = self.any().to_le_bytes();
        u16::from_le_bytes([a, b])
    }

    /// Any 32 bits.
    pub(super) const fn long(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.any().to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }

    /// True so many times in a million.
    pub(super) const fn in_a_million(&mut self, times: u64) -> bool {
        self.any() % 1_000_000 < times
    }

    /// So many random octets, behind what `out` holds.
    pub(super) fn octets(&mut self, out: &mut Vec<u8>, count: usize) {
        let end = out.len() + count;
        while out.len() < end {
            out.extend(self.any().to_le_bytes());
        }
        out.truncate(end);
    }
}
