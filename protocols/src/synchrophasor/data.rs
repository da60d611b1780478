//! The data of one station (IEEE C37.118.2 clause 6.3, tables 5 and 6), in units of the grid.

use fieldwarden_model::{
    Operation, PointRange,
    operation::{Encoding, Values},
};

use super::{configuration::Shape, layout::Layout, notation::SPACE};
use crate::{
    cursor::Cursor,
    message::{FieldValue, FieldVisitor},
};

/// Degrees of a radian.
const DEGREES: f64 = 180.0 / core::f64::consts::PI;

/// The data of one station.
pub(super) struct Data<'a> {
    shape: Shape,
    status: u16,
    phasors: &'a [u8],
    frequency: &'a [u8],
    rate: &'a [u8],
    analogs: &'a [u8],
    digitals: &'a [u8],
    layout: &'a Layout,
    /// Phasors in whole numbers of the stations before.
    before: usize,
}

impl<'a> Data<'a> {
    /// Reads them as the configuration says that they lie.
    pub(super) fn read(
        cursor: &mut Cursor<'a>,
        shape: Shape,
        layout: &'a Layout,
        before: usize,
    ) -> Option<Self> {
        Some(Self {
            shape,
            status: cursor.u16()?,
            phasors: cursor.take(shape.phasor_octets())?,
            frequency: cursor.take(shape.frequency_octets())?,
            rate: cursor.take(shape.frequency_octets())?,
            analogs: cursor.take(shape.analog_octets())?,
            digitals: cursor.take(shape.digital_octets())?,
            layout,
            before,
        })
    }

    pub(super) fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.item("pmu", FieldValue::Unsigned(self.shape.id.into()));
        visitor.item("status", FieldValue::Unsigned(self.status.into()));
        self.phasors(visitor);
        let mut number = |key, value: Option<f64>| {
            if let Some(value) = value {
                visitor.item(key, FieldValue::Float(value));
            }
        };
        number("frequency", self.hertz());
        number("rate_of_change", float(self.rate).or_else(|| whole(self.rate).map(|rate| rate / 100.0)));
        for analog in self.analogs.chunks_exact(if self.shape.float_analogs() { 4 } else { 2 }) {
            number("analog", float(analog).or_else(|| whole(analog)));
        }
        for word in self.digitals.chunks_exact(2) {
            if let Some(word) = Cursor::new(word).u16() {
                visitor.item("digital", FieldValue::Unsigned(word.into()));
            }
        }
    }

    /// Hz; whole numbers are thousandths beside the nominal frequency.
    fn hertz(&self) -> Option<f64> {
        let nominal = f64::from(self.shape.nominal);
        float(self.frequency).or_else(|| whole(self.frequency).map(|beside| nominal + beside / 1_000.0))
    }

    /// Volts or amperes and degrees, or real and imaginary part.
    fn phasors(&self, visitor: &mut dyn FieldVisitor) {
        let keys = if self.shape.polar() {
            ["phasor_magnitude", "phasor_angle"]
        } else {
            ["phasor_real", "phasor_imaginary"]
        };
        let size = if self.shape.float_phasors() { 8 } else { 4 };
        for (phasor, place) in self.phasors.chunks_exact(size).zip(self.before..) {
            let (first, second) = phasor.split_at_checked(size / 2).unwrap_or_default();
            let pair = if self.shape.float_phasors() {
                float(first).zip(float(second))
            } else {
                self.layout.factor(place).and_then(|factor| {
                    let (first, second) = (self.magnitude(first)?, whole(second)?);
                    // Ten-thousandths of a radian.
                    Some((first * factor, second * if self.shape.polar() { 0.000_1 } else { factor }))
                })
            };
            match pair {
                Some((first, second)) => {
                    let second = if self.shape.polar() { second * DEGREES } else { second };
                    visitor.item(keys[0], FieldValue::Float(first));
                    visitor.item(keys[1], FieldValue::Float(second));
                }
                None => visitor.item("phasor", FieldValue::Bytes(phasor)),
            }
        }
    }

    /// A magnitude has no sign, a real part has one.
    fn magnitude(&self, octets: &[u8]) -> Option<f64> {
        if self.shape.polar() { Cursor::new(octets).u16().map(f64::from) } else { whole(octets) }
    }

    /// Read of one station; its value is the frequency.
    pub(super) fn operation<'o>(&'o self, template: &Operation<'o>) -> Operation<'o> {
        let id = u64::from(self.shape.id);
        let encoding = if self.shape.float_frequency() { Encoding::Float32 } else { Encoding::Signed16 };
        Operation {
            points: Some(PointRange { space: SPACE, first: id, last: id }),
            values: Some(Values { bytes: self.frequency, encoding, count: 1, stride: 1 }),
            ..*template
        }
    }
}

fn float(octets: &[u8]) -> Option<f64> {
    <[u8; 4]>::try_from(octets).ok().map(|octets| f32::from_be_bytes(octets).into())
}

fn whole(octets: &[u8]) -> Option<f64> {
    <[u8; 2]>::try_from(octets).ok().map(|octets| i16::from_be_bytes(octets).into())
}
