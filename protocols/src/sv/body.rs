//! One frame: the header and the ASDUs.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Values, Verb, operation::Encoding};

use crate::{
    anomaly::Anomaly,
    ber::{self, Class, Element, Length},
    cursor::Cursor,
    datagram::{Anomalies, note, number_of},
    message::{Body, FieldValue, FieldVisitor},
};

/// Octets of the header that its length counts as well.
const HEADER: u16 = 8;
/// The bit of reserved 1 that says the frame was simulated (9-2 clause 5.3.3.4.4).
const SIMULATED: u16 = 0x8000;

/// Elements of an ASDU by their context tags (9-2 clause 8.5.2).
pub(super) mod tag {
    pub(in crate::sv) const ID: u32 = 0;
    pub(in crate::sv) const COUNT: u32 = 2;
    pub(in crate::sv) const SAMPLES: u32 = 7;
}

/// A frame as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    appid: u16,
    simulated: bool,
    /// How many ASDUs are announced.
    announced: Option<u64>,
    /// The ASDUs.
    sequence: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads the header; what is wrong goes to `anomalies`. `None` where there is none.
    pub(super) fn read(octets: &'a [u8], anomalies: &mut Anomalies) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let (appid, length, reserved, _) = (cursor.u16()?, cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let captured = cursor.rest().len() as u64;
        if length < HEADER || u64::from(length - HEADER) > captured {
            note(anomalies, Anomaly::malformed("length-beyond-frame", 2, u64::from(length), captured + 8));
        }
        let mut cursor = Cursor::new(cursor.take_up_to(usize::from(length.saturating_sub(HEADER))));
        let mut frame = Self { appid, simulated: reserved & SIMULATED != 0, announced: None, sequence: &[] };
        match content(&mut cursor, anomalies) {
            Some((tag, inside)) if tag.class == Class::Application && tag.number == 0 => {
                frame.apdu(inside, anomalies);
            }
            Some((tag, _)) => note(anomalies, Anomaly::unsupported("unknown-pdu", 8, u64::from(tag.number))),
            None => note(anomalies, Anomaly::malformed("pdu-cut-short", 8, captured, 2)),
        }
        Some(frame)
    }

    fn apdu(&mut self, octets: &'a [u8], anomalies: &mut Anomalies) {
        let mut cursor = Cursor::new(octets);
        while let Some((tag, inside)) = content(&mut cursor, anomalies) {
            match tag.number {
                0 if tag.class == Class::Context => {
                    self.announced = inside.iter().try_fold(0_u64, |sum, octet| {
                        sum.checked_mul(256).map(|sum| sum + u64::from(*octet))
                    });
                }
                2 if tag.class == Class::Context => self.sequence = inside,
                _ => {}
            }
        }
        let there = self.asdus().count() as u64;
        if self.announced != Some(there) {
            let announced = self.announced.unwrap_or(0);
            note(anomalies, Anomaly::malformed("asdus-disagree", 8, there, announced));
        }
    }

    /// The ASDUs; the last one may be cut short.
    pub(super) fn asdus(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.sequence);
        core::iter::from_fn(move || {
            let begin = cursor.offset();
            let (tag, inside) = content(&mut cursor, &mut Anomalies::new())?;
            Some(Element { tag, content: inside, length: cursor.offset() - begin })
        })
    }
}

/// Reads an element, whose end may lack.
fn content<'a>(cursor: &mut Cursor<'a>, anomalies: &mut Anomalies) -> Option<(ber::Tag, &'a [u8])> {
    let (tag, length) = ber::header(cursor)?;
    let Length::Definite(length) = length else { return Some((tag, cursor.rest())) };
    let there = cursor.rest().len();
    if length > there {
        note(anomalies, Anomaly::malformed("pdu-cut-short", 8, there as u64, length as u64));
    }
    Some((tag, cursor.take_up_to(length)))
}

/// The number that an ASDU's stream goes by, and its sample count.
pub(super) fn place(asdu: &Element<'_>) -> Option<(u32, u64)> {
    Some((number_of(asdu.context(tag::ID)?.content), asdu.context(tag::COUNT)?.unsigned()?))
}

impl Body for Frame<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("appid", FieldValue::Unsigned(u64::from(self.appid)));
        visitor.field("simulated", FieldValue::Unsigned(u64::from(self.simulated)));
        if let Some(announced) = self.announced {
            visitor.field("asdu_count", FieldValue::Unsigned(announced));
        }
        for asdu in self.asdus() {
            for element in asdu.inside().filter(|element| element.tag.class == Class::Context) {
                let text = element.text().map_or(FieldValue::Bytes(element.content), FieldValue::Text);
                let number =
                    plain(element.content).map_or(FieldValue::Bytes(element.content), FieldValue::Unsigned);
                match element.tag.number {
                    tag::ID => visitor.item("sv_id", text),
                    1 => visitor.item("dataset", text),
                    tag::COUNT => visitor.item("sample_count", number),
                    3 => visitor.item("configuration_revision", number),
                    4 => visitor.item("refresh_time", FieldValue::Bytes(element.content)),
                    5 => visitor.item("synchronised", number),
                    6 => visitor.item("sample_rate", number),
                    tag::SAMPLES => visitor.item("samples", FieldValue::Bytes(element.content)),
                    8 => visitor.item("sample_mode", number),
                    9 => visitor.item("grandmaster", FieldValue::Bytes(element.content)),
                    _ => {}
                }
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        for asdu in self.asdus() {
            let (Some(id), Some(samples)) = (asdu.context(tag::ID), asdu.context(tag::SAMPLES)) else {
                continue;
            };
            let count = u32::try_from(samples.content.len() / 4).unwrap_or(0);
            let Some(last) = u64::from(count).checked_sub(1) else { continue };
            let space = Space { area: self.appid, block: number_of(id.content) };
            each(&Operation {
                verb: Verb::Read,
                function: 0,
                name: "sampled values",
                unit: None,
                points: Some(PointRange { space, first: 0, last }),
                values: (samples.content.len() == LE_OCTETS).then_some(Values {
                    bytes: samples.content,
                    encoding: Encoding::Signed32,
                    count,
                    stride: 1,
                }),
                outcome: Outcome::Reported,
            });
        }
    }
}

/// Octets of samples in the guideline 9-2LE: four currents, four voltages, with a quality each.
const LE_OCTETS: usize = 64;

/// Up to eight octets as a number without sign.
fn plain(octets: &[u8]) -> Option<u64> {
    (octets.len() <= 8).then(|| octets.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)))
}
