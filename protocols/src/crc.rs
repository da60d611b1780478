//! Cyclic redundancy checks of 16 bits that go least significant bit first, an octet by one look into a table: searches for a
//! frame behind a gap reckon them at every offset, over octets that somebody may have chosen.

/// A polynomial, and what each octet makes of it.
pub(crate) struct Crc16([u16; 256]);

/// x^16 + x^15 + x^2 + 1: Modbus RTU, ROC Plus, Genisys, TriStation.
pub(crate) static ARC: Crc16 = Crc16::of(0xa001);
/// x^16 + x^12 + x^5 + 1: ProConOS.
pub(crate) static CCITT: Crc16 = Crc16::of(0x8408);
/// x^16 + x^13 + x^12 + x^11 + x^10 + x^8 + x^6 + x^5 + x^2 + 1: DNP3 (IEEE 1815 clause 9.2.5).
pub(crate) static DNP: Crc16 = Crc16::of(0xa6bc);

impl Crc16 {
    #[expect(
        clippy::indexing_slicing,
        reason = "the compiler runs it and would refuse an index out of bounds"
    )]
    const fn of(polynomial: u16) -> Self {
        let mut table = [0; 256];
        let mut index = 0;
        let mut value: u16 = 0;
        while index < 256 {
            let mut sum = value;
            let mut bit = 0;
            while bit < 8 {
                sum = if sum & 1 == 1 { sum >> 1 ^ polynomial } else { sum >> 1 };
                bit += 1;
            }
            table[index] = sum;
            index += 1;
            value += 1;
        }
        Self(table)
    }

    /// The sum once another octet has come.
    pub(crate) fn step(&self, sum: u16, octet: u8) -> u16 {
        let [low, high] = sum.to_le_bytes();
        u16::from(high) ^ self.0.get(usize::from(low ^ octet)).copied().unwrap_or(0)
    }

    /// The sum over `octets`, beginning with `first`.
    pub(crate) fn over(&self, first: u16, octets: &[u8]) -> u16 {
        octets.iter().fold(first, |sum, octet| self.step(sum, *octet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_catalogue_come_out() {
        let digits = b"123456789";
        assert_eq!(ARC.over(0, digits), 0xbb3d, "CRC-16/ARC");
        assert_eq!(ARC.over(0xffff, digits), 0x4b37, "CRC-16/MODBUS");
        assert_eq!(CCITT.over(0, digits), 0x2189, "CRC-16/KERMIT");
        assert_eq!(!DNP.over(0, digits), 0xea82, "CRC-16/DNP");
    }
}
