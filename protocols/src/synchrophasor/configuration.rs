//! Configuration frames 1, 2 and 3 (IEEE C37.118.2 clauses 6.4 and 6.5): the stations of a stream and how their data lie.

use super::frame::{CONFIGURATION_3, Frame};
use crate::cursor::Cursor;

/// A station (PMU) of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Station<'a> {
    /// Its name, padded with spaces.
    pub(super) name: &'a [u8],
    /// How its data lie.
    pub(super) shape: Shape,
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

    /// Octets of the phasors of a data frame.
    pub(super) fn phasor_octets(&self) -> usize {
        usize::from(self.phasors) * if self.is_float(1) { 8 } else { 4 }
    }

    /// Octets of the frequency and of its rate of change, each.
    pub(super) const fn frequency_octets(&self) -> usize {
        if self.float_frequency() { 4 } else { 2 }
    }

    /// Octets of the analog values.
    pub(super) fn analog_octets(&self) -> usize {
        usize::from(self.analogs) * if self.is_float(2) { 4 } else { 2 }
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
    })
}

/// A station of configuration 1 or 2: names of 16 octets.
fn second<'a>(cursor: &mut Cursor<'a>) -> Option<Station<'a>> {
    let name = cursor.take(16)?;
    let id = cursor.u16()?;
    let shape = shape(cursor, id)?;
    let (phasors, analogs, digitals) =
        (usize::from(shape.phasors), usize::from(shape.analogs), usize::from(shape.digitals));
    cursor.skip(16 * (phasors + analogs + 16 * digitals))?;
    cursor.skip(4 * (phasors + analogs + digitals) + 4)?;
    Some(Station { name, shape })
}

/// A station of configuration 3: names with their length before, a global id, scales, place and class.
fn third<'a>(cursor: &mut Cursor<'a>) -> Option<Station<'a>> {
    let length = cursor.u8()?;
    let name = cursor.take(length.into())?;
    let id = cursor.u16()?;
    cursor.skip(16)?;
    let shape = shape(cursor, id)?;
    let (phasors, analogs, digitals) =
        (usize::from(shape.phasors), usize::from(shape.analogs), usize::from(shape.digitals));
    for _ in 0..phasors + analogs + 16 * digitals {
        let length = cursor.u8()?;
        cursor.skip(length.into())?;
    }
    cursor.skip(12 * phasors + 8 * analogs + 4 * digitals)?;
    // Latitude, longitude, elevation, class, window, delay, nominal frequency, count.
    cursor.skip(25)?;
    Some(Station { name, shape })
}
