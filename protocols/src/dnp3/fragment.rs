//! The header of an application fragment (IEEE 1815 clause 4.2.2).

use super::object::{Objects, Step};
use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    findings::{Findings, count, place},
    message::Kind,
};

pub(super) const CONFIRM: u8 = 0;
pub(super) const RESPONSE: u8 = 129;
pub(super) const UNSOLICITED: u8 = 130;
pub(super) const AUTHENTICATION_RESPONSE: u8 = 131;

/// Bits of the second octet of the internal indications (IIN2.0 to 2.2, 2.4) that say that a request was refused: function
/// not supported, object unknown, parameter error, already executing.
pub(super) const REFUSING: u16 = 0x0017;

/// One application fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    /// FIR, FIN, CON, UNS and the sequence number.
    pub(super) control: u8,
    /// The function code; absent where the fragment is cut.
    pub(super) function: Option<u8>,
    /// Internal indications of an answer: IIN1 in the upper half, IIN2 in the lower.
    pub(super) indications: Option<u16>,
    /// Everything behind.
    pub(super) objects: &'a [u8],
    /// Octets before the objects.
    pub(super) header: usize,
}

impl<'a> Fragment<'a> {
    /// Reads a fragment.
    pub(super) fn read(octets: &'a [u8], findings: &mut Findings) -> Self {
        let mut cursor = Cursor::new(octets);
        let control = cursor.u8().unwrap_or(0);
        let function = cursor.u8();
        let answers = function.is_some_and(|function| function >= RESPONSE);
        let indications = if answers { cursor.u16() } else { None };
        let least = if answers { 4 } else { 2 };
        if octets.len() < least {
            findings.fault(Anomaly::malformed("fragment-short", 0, count(octets.len()), count(least)));
        }
        let header = cursor.offset();
        let fragment = Self { control, function, indications, objects: cursor.rest(), header };
        fragment.check(findings);
        fragment
    }

    fn check(&self, findings: &mut Findings) {
        let Some(function) = self.function else { return };
        if !super::classify::is_known(function) {
            findings.remark(Anomaly::unsupported("function-unknown", 1, function.into()));
        }
        for step in self.objects() {
            if let Step::Broken(mut anomaly) = step {
                anomaly.offset = anomaly.offset.saturating_add(place(self.header));
                findings.fault(anomaly);
            }
        }
    }

    /// The object headers, one after the other.
    pub(super) fn objects(&self) -> Objects<'a> {
        // What stands behind a function that the standard does not have is not to be known.
        let known = self.function.filter(|function| super::classify::is_known(*function));
        known.map_or(Objects::new(&[], 0), |function| Objects::new(self.objects, function))
    }

    /// Whether it asks, answers or tells.
    pub(super) const fn kind(&self) -> Kind {
        match self.function {
            Some(RESPONSE | AUTHENTICATION_RESPONSE) => Kind::Response,
            Some(UNSOLICITED) => Kind::Report,
            _ => Kind::Request,
        }
    }

    /// The sequence number, 0 to 15.
    pub(super) const fn sequence(&self) -> u8 {
        self.control & 0x0f
    }

    /// The refusing bits among the internal indications.
    pub(super) fn refusal(&self) -> Option<u16> {
        self.indications.map(|indications| indications & REFUSING).filter(|bits| *bits != 0)
    }
}
