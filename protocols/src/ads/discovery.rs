//! Discovery over UDP: who is there, and the addition of a route with its user name and password.

use fieldwarden_model::Verb;

use crate::{Cursor, message::Kind, telling::Out};

/// The octets at the front.
const MAGIC: u32 = 0x7114_6603;
/// The bit of a service that says answer.
const RESPONSE: u32 = 0x8000_0000;

/// Whether a datagram is one.
pub(super) fn begins(bytes: &[u8]) -> bool {
    Cursor::new(bytes).u32_le() == Some(MAGIC) && bytes.len() >= 24
}

/// A datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Datagram<'a> {
    invoke_id: u32,
    pub(super) service: u32,
    net_id: &'a [u8],
    port: u16,
    tags: u32,
    body: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads one.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        (cursor.u32_le()? == MAGIC).then_some(())?;
        Some(Self {
            invoke_id: cursor.u32_le()?,
            service: cursor.u32_le()?,
            net_id: cursor.take(6)?,
            port: cursor.u16_le()?,
            tags: cursor.u32_le()?,
            body: cursor.rest(),
        })
    }

    /// What it does, its name, and whether it asks.
    pub(super) const fn describe(&self) -> (Verb, &'static str, Kind) {
        let kind = if self.service & RESPONSE == 0 { Kind::Request } else { Kind::Response };
        match self.service & !RESPONSE {
            1 => (Verb::Discover, "Identify", kind),
            6 => (Verb::Configure, "Add route", kind),
            _ => (Verb::Unknown, "Unknown discovery service", kind),
        }
    }

    /// Writes its fields.
    pub(super) fn fields(&self, out: &mut Out<'_>) {
        out.number("invoke_id", self.invoke_id);
        out.number("service", self.service);
        out.octets("net_id", self.net_id);
        out.number("port", self.port);
        let whole = tags(self.tags, self.body, &mut |tag, octets| match tag {
            2 => out.text_item("password", octets),
            5 => out.text_item("host_name", octets),
            7 => out.0.item("route_net_id", crate::FieldValue::Bytes(octets)),
            12 => out.text_item("route_name", octets),
            13 => out.text_item("user_name", octets),
            _ => {}
        });
        if whole.is_none() {
            out.octets("data", self.body.get(..self.body.len().min(64)).unwrap_or_default());
        }
    }
}

/// Walks the tagged values.
fn tags<'a>(count: u32, body: &'a [u8], each: &mut dyn FnMut(u16, &'a [u8])) -> Option<()> {
    let mut cursor = Cursor::new(body);
    for _ in 0..count {
        let (tag, length) = (cursor.u16_le()?, cursor.u16_le()?);
        each(tag, cursor.take(usize::from(length))?);
    }
    Some(())
}
