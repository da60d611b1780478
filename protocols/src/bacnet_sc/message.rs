//! Messages of the virtual link layer, AB.2 and AB.3.

use fieldwarden_model::{Operation, Outcome, Verb};

use crate::{
    anomaly::Anomaly,
    cursor::Cursor,
    message::{Body, FieldVisitor, Kind},
    telling::{self, Out, Remarks, place, remark},
};

/// Functions (AB.2.2).
pub(super) mod function {
    pub(in super::super) const RESULT: u8 = 0;
    pub(in super::super) const NPDU: u8 = 1;
    pub(in super::super) const RESOLUTION_ACK: u8 = 3;
    pub(in super::super) const ADVERTISEMENT: u8 = 4;
    pub(in super::super) const CONNECT: u8 = 6;
    pub(in super::super) const ACCEPT: u8 = 7;
    pub(in super::super) const PROPRIETARY: u8 = 12;
}

/// Bits of the control octet (AB.2.1.2); the upper four are reserved.
const ORIGIN: u8 = 8;
const DESTINATION: u8 = 4;
const DESTINATION_OPTIONS: u8 = 2;
const DATA_OPTIONS: u8 = 1;

/// Octets of a virtual address (AB.1.5.2).
const ADDRESS: usize = 6;

/// A message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bvlc<'a> {
    pub(super) function: u8,
    control: u8,
    id: u16,
    origin: Option<&'a [u8]>,
    destination: Option<&'a [u8]>,
    options: [Option<&'a [u8]>; 2],
    pub(super) payload: &'a [u8],
    /// Where the payload begins.
    at: usize,
    /// Whether the header is all there.
    pub(super) whole: bool,
}

impl<'a> Bvlc<'a> {
    /// Reads as much as is there.
    pub(super) fn read(octets: &'a [u8]) -> Self {
        let mut cursor = Cursor::new(octets);
        let mut bvlc = Self::default();
        bvlc.whole = bvlc.header(&mut cursor).is_some();
        (bvlc.payload, bvlc.at) = (cursor.rest(), cursor.offset());
        bvlc
    }

    fn header(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        (self.function, self.control, self.id) = (cursor.u8()?, cursor.u8()?, cursor.u16()?);
        if self.control & ORIGIN != 0 {
            self.origin = Some(cursor.take(ADDRESS)?);
        }
        if self.control & DESTINATION != 0 {
            self.destination = Some(cursor.take(ADDRESS)?);
        }
        for (options, bit) in self.options.iter_mut().zip([DESTINATION_OPTIONS, DATA_OPTIONS]) {
            if self.control & bit != 0 {
                let front = cursor.rest();
                let begin = cursor.offset();
                each_option(cursor, &mut |_, _| {})?;
                *options = front.get(..cursor.offset() - begin);
            }
        }
        Some(())
    }

    /// Whether the front of a message may be one: a function and a control octet that exist.
    pub(super) const fn may_begin(octets: &[u8]) -> bool {
        matches!(octets, [0..=function::PROPRIETARY, 0..=0x0f, _, _, ..])
    }

    /// What is wrong with it.
    pub(super) fn faults(&self, length: usize) -> Remarks {
        let mut remarks = Remarks::new();
        if !self.whole {
            remark(
                &mut remarks,
                Anomaly::malformed(
                    "header-cut-short",
                    0,
                    telling::number(length),
                    telling::number(length + 1),
                ),
            );
            return remarks;
        }
        if self.control & 0xf0 != 0 {
            remark(&mut remarks, Anomaly::malformed("reserved-control", 1, self.control.into(), 0x0f));
        }
        let got = telling::number(self.payload.len());
        match self.expected() {
            None => remark(&mut remarks, Anomaly::unsupported("unknown-function", 0, self.function.into())),
            Some((least, most)) if !(least..=most).contains(&self.payload.len()) => {
                let expected = telling::number(if self.payload.len() < least { least } else { most });
                remark(&mut remarks, Anomaly::malformed("payload-length", place(self.at), got, expected));
            }
            Some(_) => {}
        }
        remarks
    }

    /// The least and most octets of the payload (AB.2.4 to AB.2.16).
    fn expected(&self) -> Option<(usize, usize)> {
        let any = usize::MAX;
        Some(match self.function {
            function::RESULT if self.payload.get(1) == Some(&1) => (7, any),
            function::RESULT => (2, 2),
            function::NPDU => (2, any),
            function::RESOLUTION_ACK => (0, any),
            function::ADVERTISEMENT => (6, 6),
            2 | 5 | 8..=11 => (0, 0),
            function::CONNECT | function::ACCEPT => (26, 26),
            function::PROPRIETARY => (3, any),
            _ => return None,
        })
    }

    /// What it does, its name, and whether it asks.
    const fn describe(&self) -> (Verb, &'static str, Kind) {
        match self.function {
            function::RESULT => (Verb::Diagnose, "BVLC-Result", Kind::Response),
            function::NPDU => (Verb::Associate, "Encapsulated-NPDU", Kind::Report),
            2 => (Verb::Discover, "Address-Resolution", Kind::Request),
            function::RESOLUTION_ACK => (Verb::Discover, "Address-Resolution-ACK", Kind::Response),
            function::ADVERTISEMENT => (Verb::Discover, "Advertisement", Kind::Report),
            5 => (Verb::Discover, "Advertisement-Solicitation", Kind::Request),
            function::CONNECT => (Verb::Associate, "Connect-Request", Kind::Request),
            function::ACCEPT => (Verb::Associate, "Connect-Accept", Kind::Response),
            8 => (Verb::Associate, "Disconnect-Request", Kind::Request),
            9 => (Verb::Associate, "Disconnect-ACK", Kind::Response),
            10 => (Verb::Diagnose, "Heartbeat-Request", Kind::Request),
            11 => (Verb::Diagnose, "Heartbeat-ACK", Kind::Response),
            function::PROPRIETARY => (Verb::Unknown, "Proprietary-Message", Kind::Report),
            _ => (Verb::Unknown, "BVLC function", Kind::Report),
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        self.describe().2
    }

    fn payload_fields(&self, out: &mut Out<'_>) -> Option<()> {
        let mut cursor = Cursor::new(self.payload);
        match self.function {
            function::RESULT => {
                out.number("result_for", cursor.u8()?);
                out.number("result", cursor.u8()?);
                if cursor.is_empty() {
                    return None;
                }
                out.number("error_header", cursor.u8()?);
                out.number("error_class", cursor.u16()?);
                out.number("error_code", cursor.u16()?);
                if !cursor.is_empty() {
                    out.text("error_details", cursor.rest());
                }
            }
            function::RESOLUTION_ACK => out.text("uris", cursor.rest()),
            function::ADVERTISEMENT => {
                out.number("hub_connection_status", cursor.u8()?);
                out.number("accepts_direct", cursor.u8()?);
                lengths(&mut cursor, out)?;
            }
            function::CONNECT | function::ACCEPT => {
                out.octets("vmac", cursor.take(ADDRESS)?);
                out.octets("device_uuid", cursor.take(16)?);
                lengths(&mut cursor, out)?;
            }
            function::PROPRIETARY => {
                out.number("vendor", cursor.u16()?);
                out.number("proprietary_function", cursor.u8()?);
                out.octets("data", cursor.rest());
            }
            function::NPDU => {}
            _ => out.octets("data", cursor.rest()),
        }
        Some(())
    }

    /// The error code of a result that refuses.
    fn refusal(&self) -> Option<u32> {
        match (self.function, self.payload) {
            (function::RESULT, [_, 1, _, _, _, high, low, ..]) => {
                Some(u16::from_be_bytes([*high, *low]).into())
            }
            _ => None,
        }
    }
}

/// The longest messages that a node takes: of the virtual link and of the network layer.
fn lengths(cursor: &mut Cursor<'_>, out: &mut Out<'_>) -> Option<()> {
    out.number("max_bvlc_length", cursor.u16()?);
    out.number("max_npdu_length", cursor.u16()?);
    Some(())
}

/// Walks header options: the marker octet (more follow, must be understood, has data, type) and data (AB.2.3).
fn each_option<'a>(cursor: &mut Cursor<'a>, each: &mut dyn FnMut(u8, &'a [u8])) -> Option<()> {
    loop {
        let marker = cursor.u8()?;
        let data = match marker & 0x20 {
            0 => &[],
            _ => {
                let length = cursor.u16()?;
                cursor.take(length.into())?
            }
        };
        each(marker, data);
        if marker & 0x80 == 0 {
            return Some(());
        }
    }
}

impl Body for Bvlc<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut out = Out(visitor);
        out.number("function", self.function);
        out.word("function_name", self.describe().1);
        out.number("message_id", self.id);
        out.octets("origin", self.origin.unwrap_or_default());
        out.octets("destination", self.destination.unwrap_or_default());
        for (options, key) in self.options.iter().zip(["destination_option", "data_option"]) {
            let mut cursor = Cursor::new(options.unwrap_or_default());
            let _ = each_option(&mut cursor, &mut |marker, _| out.item(key, marker & 0x1f));
        }
        if self.whole {
            let _ = self.payload_fields(&mut out);
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        if self.function == function::NPDU || !self.whole {
            // The NPDU says what is done.
            return;
        }
        let (verb, name, kind) = self.describe();
        let outcome = match (self.refusal(), kind) {
            (Some(code), _) => Outcome::Refused(code),
            (None, Kind::Request) => Outcome::Asked,
            (None, Kind::Response) => Outcome::Done,
            (None, Kind::Report | Kind::Anomaly) => Outcome::Reported,
        };
        // Behind those of the network layer and of BACnet/IP.
        let function = 0x400 | u32::from(self.function);
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}
