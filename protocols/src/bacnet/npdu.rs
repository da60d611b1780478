//! The network layer (clause 6): where an APDU comes from and goes to, and the messages of routers.

use fieldwarden_model::Verb;

use crate::{
    Cursor,
    anomaly::Anomaly,
    message::Kind,
    telling::{self, Out, Remarks, remark},
};

/// The longest address on a network, in octets: an IPv6 address and a port fit (H.7).
const MAX_ADDRESS: u8 = 18;

/// A network and an address on it; an empty address means all stations of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Station<'a> {
    pub(super) network: u16,
    pub(super) address: &'a [u8],
}

/// A network layer PDU, as far as it could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Npdu<'a> {
    pub(super) control: u8,
    pub(super) destination: Option<Station<'a>>,
    pub(super) source: Option<Station<'a>>,
    pub(super) hop_count: Option<u8>,
    /// Of a message of the network layer itself.
    pub(super) message: Option<u8>,
    pub(super) vendor: Option<u16>,
    /// The APDU, or the body of the message.
    pub(super) content: &'a [u8],
    /// Where it begins within the NPDU.
    pub(super) content_at: usize,
}

impl<'a> Npdu<'a> {
    /// Reads one; what is wrong with it goes to `remarks`.
    pub(super) fn read(octets: &'a [u8], remarks: &mut Remarks) -> Self {
        let mut cursor = Cursor::new(octets);
        let mut npdu = Self::default();
        match cursor.u8() {
            Some(1) => {}
            version => {
                let got = version.map_or(0, u64::from);
                remark(remarks, Anomaly::malformed("npdu-version", 0, got, 1));
            }
        }
        if npdu.header(&mut cursor).is_none() {
            let got = telling::number(octets.len());
            remark(
                remarks,
                Anomaly::malformed("npdu-too-short", telling::place(cursor.offset()), got, got + 1),
            );
        }
        npdu.content_at = cursor.offset();
        npdu.content = cursor.rest();
        let long = [npdu.destination, npdu.source].into_iter().flatten().map(|station| station.address.len());
        if let Some(length) = long.max().filter(|length| *length > usize::from(MAX_ADDRESS)) {
            let (got, most) = (telling::number(length), u64::from(MAX_ADDRESS));
            remark(remarks, Anomaly::malformed("npdu-address-length", 4, got, most));
        }
        npdu
    }

    fn header(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        self.control = cursor.u8()?;
        if self.control & 0x20 != 0 {
            self.destination = Some(station(cursor)?);
        }
        if self.control & 8 != 0 {
            self.source = Some(station(cursor)?);
        }
        if self.destination.is_some() {
            self.hop_count = Some(cursor.u8()?);
        }
        if self.control & 0x80 != 0 {
            let message = cursor.u8()?;
            self.message = Some(message);
            if message >= 0x80 {
                self.vendor = Some(cursor.u16()?);
            }
        }
        Some(())
    }

    /// Whether octets look like one whose content is there.
    pub(super) fn is_plausible(octets: &[u8]) -> bool {
        let mut remarks = Remarks::new();
        let npdu = Npdu::read(octets, &mut remarks);
        let kind = npdu.content.first().map(|head| head >> 4);
        let told = match npdu.message {
            None => kind.is_some_and(|kind| kind < 8),
            Some(message) => message <= 0x13 || message >= 0x80,
        };
        remarks.is_empty() && npdu.control & 0x50 == 0 && told
    }

    /// Writes the addressing.
    pub(super) fn fields(&self, out: &mut Out<'_>) {
        if let Some(station) = &self.destination {
            out.number("destination_network", station.network);
            out.octets("destination_address", station.address);
        }
        if let Some(station) = &self.source {
            out.number("source_network", station.network);
            out.octets("source_address", station.address);
        }
        out.maybe("hop_count", self.hop_count);
        if self.control & 3 != 0 {
            out.number("network_priority", self.control & 3);
        }
    }

    /// Writes the message of the network layer.
    pub(super) fn message_fields(&self, out: &mut Out<'_>) {
        out.maybe("message_type", self.message);
        out.maybe("vendor_id", self.vendor);
        let mut cursor = Cursor::new(self.content);
        match self.message {
            Some(0 | 1 | 4 | 5 | 9) => networks(&mut cursor, out),
            Some(2) => {
                out.maybe("network", cursor.u16());
                out.maybe("performance_index", cursor.u8());
            }
            Some(3) => {
                out.maybe("reject_reason", cursor.u8());
                out.maybe("network", cursor.u16());
            }
            Some(6 | 7) => routing_table(&mut cursor, out),
            Some(8) => {
                out.maybe("network", cursor.u16());
                out.maybe("termination_minutes", cursor.u8());
            }
            Some(0x13) => {
                out.maybe("network", cursor.u16());
                out.maybe("network_configured", cursor.u8());
            }
            _ => {}
        }
        out.octets("data", cursor.rest());
    }

    /// What the message does, what the standard calls it, and whether it asks.
    pub(super) const fn describe(&self) -> (Verb, &'static str, Kind) {
        match self.message {
            Some(0) => (Verb::Discover, "Who is router to network", Kind::Request),
            Some(1) => (Verb::Discover, "I am router to network", Kind::Report),
            Some(2) => (Verb::Discover, "I could be router to network", Kind::Report),
            Some(3) => (Verb::Diagnose, "Reject message to network", Kind::Report),
            Some(4) => (Verb::Diagnose, "Router busy to network", Kind::Report),
            Some(5) => (Verb::Diagnose, "Router available to network", Kind::Report),
            Some(6) => (Verb::Configure, "Initialize routing table", Kind::Request),
            Some(7) => (Verb::Configure, "Initialize routing table acknowledgement", Kind::Response),
            Some(8) => (Verb::Configure, "Establish connection to network", Kind::Request),
            Some(9) => (Verb::Configure, "Disconnect connection to network", Kind::Request),
            Some(10) => (Verb::Associate, "Challenge request", Kind::Request),
            Some(11) => (Verb::Unknown, "Security payload", Kind::Report),
            Some(12) => (Verb::Associate, "Security response", Kind::Response),
            Some(13) => (Verb::Configure, "Request key update", Kind::Request),
            Some(14) => (Verb::Configure, "Update key set", Kind::Request),
            Some(15) => (Verb::Configure, "Update distribution key", Kind::Request),
            Some(16) => (Verb::Configure, "Request master key", Kind::Request),
            Some(17) => (Verb::Configure, "Set master key", Kind::Request),
            Some(18) => (Verb::Discover, "What is network number", Kind::Request),
            Some(19) => (Verb::Discover, "Network number is", Kind::Report),
            Some(0x80..) => (Verb::Unknown, "Vendor's network message", Kind::Report),
            _ => (Verb::Unknown, "Unknown network message", Kind::Report),
        }
    }
}

fn station<'a>(cursor: &mut Cursor<'a>) -> Option<Station<'a>> {
    let network = cursor.u16()?;
    let length = cursor.u8()?;
    Some(Station { network, address: cursor.take(usize::from(length))? })
}

fn networks(cursor: &mut Cursor<'_>, out: &mut Out<'_>) {
    while let Some(network) = cursor.u16() {
        out.item("networks", network);
    }
}

fn routing_table(cursor: &mut Cursor<'_>, out: &mut Out<'_>) {
    let Some(ports) = cursor.u8() else { return };
    out.number("routing_ports", ports);
    for _ in 0..ports {
        let Some((network, port)) = cursor.u16().zip(cursor.u8()) else { return };
        out.item("networks", network);
        out.item("port_ids", port);
        let Some(length) = cursor.u8() else { return };
        let _ = cursor.take_up_to(usize::from(length));
    }
}
