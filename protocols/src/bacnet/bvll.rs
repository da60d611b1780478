//! BACnet virtual link layer: over IPv4 (Annex J) and over IPv6 (Annex U).

use fieldwarden_model::Verb;

use crate::{
    Cursor,
    anomaly::Anomaly,
    message::Kind,
    telling::{self, Out, Remarks, remark},
};

/// The type octet over IPv4 (J.2).
pub(super) const IPV4: u8 = 0x81;
/// The type octet over IPv6 (U.2).
pub(super) const IPV6: u8 = 0x82;
/// The octets of type, function and length.
const HEADER: usize = 4;

/// A message of the virtual link layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bvll<'a> {
    pub(super) kind: u8,
    pub(super) function: u8,
    pub(super) length: u16,
    /// The station that a forwarded NPDU comes from: address and port.
    pub(super) origin: &'a [u8],
    /// The NPDU, if it carries one.
    pub(super) npdu: Option<&'a [u8]>,
    /// What it carries otherwise.
    pub(super) content: &'a [u8],
    /// Where the NPDU or content begins.
    pub(super) content_at: usize,
}

impl<'a> Bvll<'a> {
    /// Reads one; `None` where the octets are none.
    pub(super) fn read(octets: &'a [u8], remarks: &mut Remarks) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let (kind, function) = (cursor.u8()?, cursor.u8()?);
        if !matches!(kind, IPV4 | IPV6) {
            return None;
        }
        let length = cursor.u16()?;
        let mut bvll = Self { kind, function, length, ..Self::default() };
        if usize::from(length) != octets.len() {
            let present = telling::number(octets.len());
            remark(remarks, Anomaly::malformed("bvll-length", 2, u64::from(length), present));
        }
        let (addresses, origin, npdu) = bvll.shape();
        let whole = cursor.skip(addresses).and_then(|()| cursor.take(origin));
        match whole {
            Some(origin) => bvll.origin = origin,
            None => {
                let got = telling::number(octets.len());
                let expected = telling::number(HEADER + addresses + origin);
                remark(remarks, Anomaly::malformed("bvll-too-short", 4, got, expected));
            }
        }
        bvll.content_at = cursor.offset();
        bvll.content = cursor.rest();
        bvll.npdu = (npdu && whole.is_some()).then_some(bvll.content);
        Some(bvll)
    }

    /// Octets of virtual addresses, octets of the origin, whether an NPDU follows.
    const fn shape(&self) -> (usize, usize, bool) {
        match (self.kind, self.function) {
            (IPV4, 4) => (0, 6, true),
            (IPV4, 9..=11) => (0, 0, true),
            (IPV6, 1) => (6, 0, true),
            (IPV6, 2 | 12) => (3, 0, true),
            (IPV6, 8) => (3, 18, true),
            _ => (0, 0, false),
        }
    }

    /// Writes the fields that a message with an NPDU has, too.
    pub(super) fn fields(&self, out: &mut Out<'_>) {
        out.number("bvll_function", self.function);
        out.octets("origin", self.origin);
    }

    /// Writes the content of a message without an NPDU.
    pub(super) fn content_fields(&self, out: &mut Out<'_>) {
        let mut cursor = Cursor::new(self.content);
        match (self.kind, self.function) {
            (IPV4, 0) => out.maybe("result", cursor.u16()),
            (IPV4, 1 | 3) => {
                while let Some(entry) = cursor.take(10) {
                    entries("entry", entry, out);
                }
            }
            (IPV4, 5) => out.maybe("time_to_live", cursor.u16()),
            (IPV4, 7) => {
                while let Some(entry) = cursor.take(10) {
                    entries("entry", entry, out);
                }
            }
            (IPV4, 8) => {
                if let Some(entry) = cursor.take(6) {
                    entries("entry", entry, out);
                }
            }
            _ => {}
        }
        out.octets("data", cursor.rest());
    }

    /// What it does, what the standard calls it, and whether it asks.
    pub(super) const fn describe(&self) -> (Verb, &'static str, Kind) {
        match (self.kind, self.function) {
            (_, 0) => (Verb::Diagnose, "BVLC result", Kind::Response),
            (IPV4, 1) => (Verb::Configure, "Write broadcast distribution table", Kind::Request),
            (IPV4, 2) => (Verb::Discover, "Read broadcast distribution table", Kind::Request),
            (IPV4, 3) => {
                (Verb::Discover, "Read broadcast distribution table acknowledgement", Kind::Response)
            }
            (IPV4, 5) | (IPV6, 9) => (Verb::Associate, "Register foreign device", Kind::Request),
            (IPV4, 6) => (Verb::Discover, "Read foreign device table", Kind::Request),
            (IPV4, 7) => (Verb::Discover, "Read foreign device table acknowledgement", Kind::Response),
            (IPV4, 8) | (IPV6, 10) => (Verb::Configure, "Delete foreign device table entry", Kind::Request),
            (IPV4, 12) | (IPV6, 11) => (Verb::Unknown, "Secured BVLL", Kind::Report),
            (IPV6, 3 | 4) => (Verb::Discover, "Address resolution", Kind::Request),
            (IPV6, 5) => (Verb::Discover, "Address resolution acknowledgement", Kind::Response),
            (IPV6, 6) => (Verb::Discover, "Virtual address resolution", Kind::Request),
            (IPV6, 7) => (Verb::Discover, "Virtual address resolution acknowledgement", Kind::Response),
            _ => (Verb::Unknown, "BVLL function", Kind::Report),
        }
    }

    /// Whether the function is one of the standard.
    pub(super) const fn is_known(&self) -> bool {
        self.function <= 12
    }

    /// Whether the length of a message without an NPDU is one that its function allows.
    pub(super) fn fits(&self) -> bool {
        let octets = self.content.len();
        match (self.kind, self.function) {
            (IPV4, 0 | 5) => octets == 2,
            (IPV4, 1 | 3 | 7) => octets.is_multiple_of(10),
            (IPV4, 2 | 6) => octets == 0,
            (IPV4, 8) => octets == 6,
            _ => octets >= 3,
        }
    }
}

/// An entry of a table: address and port, then a mask, or two times.
fn entries(key: &'static str, entry: &[u8], out: &mut Out<'_>) {
    out.0.item(key, crate::FieldValue::Bytes(entry));
}
