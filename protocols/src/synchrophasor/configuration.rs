//! Configuration frames 1, 2 and 3 (IEEE C37.118.2 clauses 6.4 and 6.5): the stations of a stream and how their data lie.

use super::frame::{CONFIGURATION_3, Frame};
use crate::cursor::Cursor;

/// A station (PMU) of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Station<'a> {
    /// Its name, padded with spaces.
    pub(super) name: &'a [u8],
    /// How its data lie.
    pub(super) shape: Shape,
    /// Names of phasors, analog values and digital words.
    names: &'a [u8],
    /// Conversion factors of the phasors.
    factors: &'a [u8],
    /// Whether it is of configuration 3, whose names say their length and whose factors are floating point.
    third: bool,
}

impl<'a> Station<'a> {
    /// Walks the names of phasors and analog values; those of digital words, sixteen each, are passed over.
    pub(super) fn channels(&self, mut each: impl FnMut(Channel, &'a [u8])) {
        let mut cursor = Cursor::new(self.names);
        let kinds = [(Channel::Phasor, self.shape.phasors), (Channel::Analog, self.shape.analogs)];
        for (kind, count) in kinds {
            for _ in 0..count {
                let length = if self.third { cursor.u8().map(usize::from) } else { Some(16) };
                let Some(name) = length.and_then(|length| cursor.take(length)) else { return };
                each(kind, name);
            }
        }
    }

    /// Walks what the whole numbers of each phasor are multiplied with, volts or amperes (tables 9 and 11).
    pub(super) fn factors(&self) -> impl Iterator<Item = f64> + use<'a> {
        let third = self.third;
        self.factors.chunks_exact(if third { 12 } else { 4 }).map(move |unit| {
            let mut cursor = Cursor::new(unit);
            if third {
                // Flags, then the factor, then an angle to add.
                cursor.skip(4).and_then(|()| cursor.u32()).map_or(0.0, |bits| f32::from_bits(bits).into())
            } else {
                // Voltage or current, then so many hundred-thousandths.
                let steps = cursor.skip(1).and_then(|()| cursor.u24()).unwrap_or(0);
                f64::from(steps) / 100_000.0
            }
        })
    }
}

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Phasor,
    Analog,
}

/// How the data of a station lie in a data frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Its id code.
    pub(super) id: u16,
    /// FORMAT: bit 3 frequencies, bit 2 analog values, bit 1 phasors are floating point, bit 0 phasors are polar.
    pub(super) format: u16,
    /// Number of phasors.
    pub(super) phasors: u16,
    /// Number of analog values.
    pub(super) analogs: u16,
    /// Number of digital status words.
    pub(super) digitals: u16,
    /// Nominal frequency, Hz.
    pub(super) nominal: u8,
}

impl Shape {
    /// Whether the bit of FORMAT says floating point.
    const fn is_float(&self, bit: u16) -> bool {
        self.format >> bit & 1 == 1
    }

    /// Whether frequencies are floating point.
    pub(super) const fn float_frequency(&self) -> bool {
        self.is_float(3)
    }

    /// Whether phasors are floating point.
    pub(super) const fn float_phasors(&self) -> bool {
        self.is_float(1)
    }

    /// Whether phasors are magnitude and angle, not real and imaginary part.
    pub(super) const fn polar(&self) -> bool {
        self.is_float(0)
    }

    /// Whether analog values are floating point.
    pub(super) const fn float_analogs(&self) -> bool {
        self.is_float(2)
    }

    /// Octets of the phasors of a data frame.
    pub(super) fn phasor_octets(&self) -> usize {
        usize::from(self.phasors) * if self.float_phasors() { 8 } else { 4 }
    }

    /// Octets of the frequency and of its rate of change, each.
    pub(super) const fn frequency_octets(&self) -> usize {
        if self.float_frequency() { 4 } else { 2 }
    }

    /// Octets of the analog values.
    pub(super) fn analog_octets(&self) -> usize {
        usize::from(self.analogs) * if self.float_analogs() { 4 } else { 2 }
    }

    /// Octets of the digital status words.
    pub(super) fn digital_octets(&self) -> usize {
        usize::from(self.digitals) * 2
    }

    /// Octets of a station in a data frame, its status word included.
    pub(super) fn octets(&self) -> usize {
        2 + self.phasor_octets() + 2 * self.frequency_octets() + self.analog_octets() + self.digital_octets()
    }
}

/// What walking a configuration frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walked {
    /// Stations announced.
    pub(super) announced: u16,
    /// Stations that were there whole.
    pub(super) read: u16,
    /// Frames per second, or below 0 seconds per frame; absent where the frame ends before.
    pub(super) rate: Option<u16>,
}

/// Walks the stations of a configuration frame.
pub(super) fn walk<'a>(frame: &Frame<'a>, mut each: impl FnMut(Station<'a>)) -> Walked {
    let mut cursor = Cursor::new(frame.content);
    let named = frame.kind == CONFIGURATION_3;
    let mut walked = Walked { announced: 0, read: 0, rate: None };
    // The third configuration begins with the number of its piece.
    if cursor.skip(if named { 6 } else { 4 }).is_none() {
        return walked;
    }
    walked.announced = cursor.u16().unwrap_or(0);
    for _ in 0..walked.announced {
        let station = if named { third(&mut cursor) } else { second(&mut cursor) };
        let Some(station) = station else { return walked };
        walked.read += 1;
        each(station);
    }
    walked.rate = cursor.u16();
    walked
}

fn shape(cursor: &mut Cursor<'_>, id: u16) -> Option<Shape> {
    Some(Shape {
        id,
        format: cursor.u16()?,
        phasors: cursor.u16()?,
        analogs: cursor.u16()?,
        digitals: cursor.u16()?,
        nominal: 0,
    })
}

/// The nominal frequency (table 9, FNOM): its lowest bit tells 50 Hz from 60.
fn nominal(cursor: &mut Cursor<'_>) -> Option<u8> {
    cursor.u16().map(|word| if word & 1 == 1 { 50 } else { 60 })
}

/// A station of configuration 1 or 2: names of 16 octets.
fn second<'a>(cursor: &mut Cursor<'a>) -> Option<Station<'a>> {
    let name = cursor.take(16)?;
    let id = cursor.u16()?;
    let mut shape = shape(cursor, id)?;
    let (phasors, analogs, digitals) =
        (usize::from(shape.phasors), usize::from(shape.analogs), usize::from(shape.digitals));
    let names = cursor.take(16 * (phasors + analogs + 16 * digitals))?;
    let factors = cursor.take(4 * phasors)?;
    cursor.skip(4 * (analogs + digitals))?;
    shape.nominal = nominal(cursor)?;
    let _count_of_changes = cursor.u16()?;
    Some(Station { name, shape, names, factors, third: false })
}

/// A station of configuration 3: names with their length before, a global id, scales, place and class.
fn third<'a>(cursor: &mut Cursor<'a>) -> Option<Station<'a>> {
    let length = cursor.u8()?;
    let name = cursor.take(length.into())?;
    let id = cursor.u16()?;
    cursor.skip(16)?;
    let mut shape = shape(cursor, id)?;
    let (phasors, analogs, digitals) =
        (usize::from(shape.phasors), usize::from(shape.analogs), usize::from(shape.digitals));
    let names = cursor.rest();
    let begin = cursor.offset();
    for _ in 0..phasors + analogs + 16 * digitals {
        let length = cursor.u8()?;
        cursor.skip(length.into())?;
    }
    let names = names.get(..cursor.offset() - begin)?;
    let factors = cursor.take(12 * phasors)?;
    cursor.skip(8 * analogs + 4 * digitals)?;
    // Latitude, longitude, elevation, class, window, delay.
    cursor.skip(21)?;
    shape.nominal = nominal(cursor)?;
    let _count_of_changes = cursor.u16()?;
    Some(Station { name, shape, names, factors, third: true })
}
