//! One frame: the header and the elements of the APDU.

use fieldwarden_model::{Operation, Outcome, PointRange, Space, Verb};

use super::data;
use crate::{
    anomaly::Anomaly,
    ber::{self, Class, Element, Length},
    cursor::Cursor,
    datagram::{Anomalies, note, number_of},
    message::{Body, FieldValue, FieldVisitor},
};

/// Octets of the header that its length counts as well.
const HEADER: u16 = 8;
/// The bit of reserved 1 that says the frame was simulated (8-1 C.2).
const SIMULATED: u16 = 0x8000;

/// The elements of an APDU by their context tags (8-1 annex A, IECGoosePdu).
mod tag {
    pub(super) const CONTROL_BLOCK: u32 = 0;
    pub(super) const STATE: u32 = 5;
    pub(super) const SEQUENCE: u32 = 6;
    pub(super) const ENTRIES: u32 = 10;
    pub(super) const DATA: u32 = 11;
}

/// A frame as it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    appid: u16,
    simulated: bool,
    /// The content of the APDU, as far as it is there.
    elements: &'a [u8],
}

/// By which frames of a control block follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) block: u32,
    pub(super) state: u64,
    pub(super) sequence: u64,
}

impl<'a> Frame<'a> {
    /// Reads the header; what is wrong goes to `anomalies`. `None` where there is none.
    pub(super) fn read(octets: &'a [u8], anomalies: &mut Anomalies) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let (appid, length, reserved, _) = (cursor.u16()?, cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let captured = cursor.rest().len() as u64;
        let announced = u64::from(length.saturating_sub(HEADER));
        if length < HEADER || announced > captured {
            note(anomalies, Anomaly::malformed("length-beyond-frame", 2, u64::from(length), captured + 8));
        }
        let apdu = cursor.take_up_to(usize::from(length.saturating_sub(HEADER)));
        let elements = Self::apdu(apdu, anomalies);
        let frame = Self { appid, simulated: reserved & SIMULATED != 0, elements };
        frame.check(anomalies);
        Some(frame)
    }

    /// The content of the APDU; of another than the standard's, nothing.
    fn apdu(octets: &'a [u8], anomalies: &mut Anomalies) -> &'a [u8] {
        let mut cursor = Cursor::new(octets);
        let Some((found, length)) = ber::header(&mut cursor) else {
            note(anomalies, Anomaly::malformed("pdu-cut-short", 8, octets.len() as u64, 2));
            return &[];
        };
        if found.class != Class::Application || found.number != 1 {
            note(anomalies, Anomaly::unsupported("unknown-pdu", 8, u64::from(found.number)));
            return &[];
        }
        match length {
            Length::Definite(length) => {
                let there = cursor.rest().len();
                if length > there {
                    note(anomalies, Anomaly::malformed("pdu-cut-short", 8, there as u64, length as u64));
                }
                cursor.take_up_to(length)
            }
            Length::Indefinite => cursor.rest(),
        }
    }

    fn check(&self, anomalies: &mut Anomalies) {
        let Some(announced) = self.element(tag::ENTRIES).and_then(|element| element.unsigned()) else {
            return;
        };
        let entries = self.element(tag::DATA).map_or(0, |all| all.inside().count()) as u64;
        if entries != announced {
            note(anomalies, Anomaly::malformed("entries-disagree", 8, entries, announced));
        }
    }

    fn element(&self, number: u32) -> Option<Element<'a>> {
        ber::elements(self.elements).find(|element| element.tag.is_context(number))
    }

    /// Where it stands among the frames of its control block.
    pub(super) fn place(&self) -> Option<Place> {
        Some(Place {
            block: self.block()?,
            state: self.element(tag::STATE)?.unsigned()?,
            sequence: self.element(tag::SEQUENCE)?.unsigned()?,
        })
    }

    fn block(&self) -> Option<u32> {
        self.element(tag::CONTROL_BLOCK).map(|name| number_of(name.content))
    }
}

fn text<'a>(element: &Element<'a>) -> FieldValue<'a> {
    element.text().map_or(FieldValue::Bytes(element.content), FieldValue::Text)
}

fn number<'a>(element: &Element<'a>) -> FieldValue<'a> {
    element.unsigned().map_or(FieldValue::Bytes(element.content), FieldValue::Unsigned)
}

fn flag<'a>(element: &Element<'a>) -> FieldValue<'a> {
    FieldValue::Unsigned(u64::from(element.content.iter().any(|octet| *octet != 0)))
}

impl Body for Frame<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("appid", FieldValue::Unsigned(u64::from(self.appid)));
        visitor.field("simulated", FieldValue::Unsigned(u64::from(self.simulated)));
        let mut told = 0_u32;
        for element in ber::elements(self.elements).filter(|element| element.tag.class == Class::Context) {
            let bit = 1_u32.checked_shl(element.tag.number).unwrap_or(0);
            if told & bit != 0 {
                continue;
            }
            told |= bit;
            match element.tag.number {
                tag::CONTROL_BLOCK => visitor.field("control_block", text(&element)),
                1 => visitor.field("time_allowed_to_live", number(&element)),
                2 => visitor.field("dataset", text(&element)),
                3 => visitor.field("goose_id", text(&element)),
                4 => visitor.field("event_time", FieldValue::Bytes(element.content)),
                tag::STATE => visitor.field("state_number", number(&element)),
                tag::SEQUENCE => visitor.field("sequence_number", number(&element)),
                7 => visitor.field("test", flag(&element)),
                8 => visitor.field("configuration_revision", number(&element)),
                9 => visitor.field("needs_commissioning", flag(&element)),
                tag::ENTRIES => visitor.field("entries", number(&element)),
                tag::DATA => {
                    data::leaves(element.content, &mut |leaf| visitor.item("values", data::shown(leaf)));
                }
                _ => {}
            }
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (Some(block), Some(all)) = (self.block(), self.element(tag::DATA)) else { return };
        let space = Space { area: self.appid, block };
        let mut index = 0;
        data::leaves(all.content, &mut |leaf| {
            each(&Operation {
                verb: Verb::Read,
                function: 1,
                name: "GOOSE",
                unit: None,
                points: Some(PointRange { space, first: index, last: index }),
                values: data::value(leaf),
                outcome: Outcome::Reported,
            });
            index += 1;
        });
    }
}
