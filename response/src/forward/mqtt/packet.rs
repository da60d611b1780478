//! Control packets of MQTT 5 (OASIS Standard, 7 March 2019): those a broker sends to a client that only publishes, and those such a client sends.

/// Octets of a packet to us; we say so in our CONNECT, and a broker keeps to it (section 3.1.2.11.4).
pub const MAX_PACKET: u32 = 16_384;

/// What a broker says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet {
    /// Its answer to CONNECT (section 3.2).
    Connack(Answer),
    /// Its answer to a message of QoS 1 (section 3.4), by the message's identifier.
    Puback(u16, Answer),
    /// Its sign of life (section 3.13).
    Pingresp,
    /// It is about to hang up (section 3.14).
    Disconnect(Answer),
}

/// A reason code (section 2.4) and the properties that concern us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Below 128 it was taken.
    pub reason: u8,
    /// A reason in words.
    pub words: Option<String>,
    /// Another server to speak to.
    pub elsewhere: Option<String>,
    /// The highest QoS it takes.
    pub maximum_qos: Option<u8>,
    /// Octets of a packet that it takes.
    pub maximum_packet: Option<u32>,
    /// Seconds after which it takes us for dead.
    pub keep_alive: Option<u16>,
}

/// What no broker sends to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// A packet whose first octet is none of those a broker sends to who only publishes.
    #[error("a packet of type {0}, flags {1}, which no broker sends to who only publishes")]
    Unexpected(u8, u8),
    /// Its length has more than four octets (section 1.5.5).
    #[error("a length of more than four octets")]
    Length,
    /// It is larger than we said we take.
    #[error("a packet of {0} octets, where we said that {MAX_PACKET} are the most")]
    TooLarge(u32),
    /// It ends within a field.
    #[error("a packet of type {0} that ends within a field")]
    Short(u8),
    /// A property that is not known (section 2.2.2.2).
    #[error("property {0}, which is none")]
    Property(u32),
    /// CONNACK of an older version.
    #[error("it speaks an older MQTT than 5 (its answer was {0})")]
    Version(u8),
}

/// The first packet in `octets` and how many it took; nothing while it is not whole.
///
/// # Errors
/// What no broker sends to us.
pub fn read(octets: &[u8]) -> Result<Option<(Packet, usize)>, Malformed> {
    let Some((first, rest)) = octets.split_first() else { return Ok(None) };
    let (kind, flags) = (first >> 4, first & 15);
    if flags != 0 || !matches!(kind, 2 | 4 | 13 | 14) {
        return Err(Malformed::Unexpected(kind, flags));
    }
    let Some((length, width)) = variable(rest)? else { return Ok(None) };
    if length > MAX_PACKET {
        return Err(Malformed::TooLarge(length));
    }
    let whole = 1 + width + usize::try_from(length).unwrap_or(usize::MAX);
    let Some(body) = octets.get(1 + width..whole) else { return Ok(None) };
    let mut fields = Fields { rest: body, kind };
    let packet = match kind {
        2 => Packet::Connack(connack(&mut fields)?),
        4 => {
            let id = fields.two()?;
            Packet::Puback(id, answer(&mut fields)?)
        }
        13 => Packet::Pingresp,
        _ => Packet::Disconnect(answer(&mut fields)?),
    };
    Ok(Some((packet, whole)))
}

fn connack(fields: &mut Fields<'_>) -> Result<Answer, Malformed> {
    fields.one()?;
    let reason = fields.one()?;
    if fields.rest.is_empty() {
        // Before version 5 there were no properties (MQTT 3.1.1 section 3.2).
        return Err(Malformed::Version(reason));
    }
    let mut answer = Answer { reason, ..Answer::default() };
    properties(fields, &mut answer)?;
    Ok(answer)
}

/// A reason that may be left out where it is 0, and properties that may be left out where there are none (sections 3.4.2.1, 3.14.2.1).
fn answer(fields: &mut Fields<'_>) -> Result<Answer, Malformed> {
    let mut answer = Answer::default();
    if !fields.rest.is_empty() {
        answer.reason = fields.one()?;
    }
    if !fields.rest.is_empty() {
        properties(fields, &mut answer)?;
    }
    Ok(answer)
}

/// Section 2.2.2.2, by the form of each.
fn properties(fields: &mut Fields<'_>, answer: &mut Answer) -> Result<(), Malformed> {
    let length = fields.variable()?;
    let mut fields =
        Fields { rest: fields.take(usize::try_from(length).unwrap_or(usize::MAX))?, kind: fields.kind };
    while !fields.rest.is_empty() {
        match fields.variable()? {
            0x24 => answer.maximum_qos = Some(fields.one()?),
            0x01 | 0x17 | 0x19 | 0x25 | 0x28 | 0x29 | 0x2a => drop(fields.one()?),
            0x13 => answer.keep_alive = Some(fields.two()?),
            0x21..=0x23 => drop(fields.two()?),
            0x27 => answer.maximum_packet = Some(fields.four()?),
            0x02 | 0x11 | 0x18 => drop(fields.four()?),
            0x0b => drop(fields.variable()?),
            0x1f => answer.words = Some(fields.text()?),
            0x1c => answer.elsewhere = Some(fields.text()?),
            0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a => drop(fields.text()?),
            0x26 => {
                fields.text()?;
                fields.text()?;
            }
            other => return Err(Malformed::Property(other)),
        }
    }
    Ok(())
}

/// A Variable Byte Integer (section 1.5.5) and its width; nothing while it is not whole.
fn variable(octets: &[u8]) -> Result<Option<(u32, usize)>, Malformed> {
    let mut value = 0;
    for (at, octet) in octets.iter().take(4).enumerate() {
        value |= u32::from(octet & 0x7f) << (7 * at);
        if octet & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if octets.len() >= 4 { Err(Malformed::Length) } else { Ok(None) }
}

struct Fields<'a> {
    rest: &'a [u8],
    kind: u8,
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Short(self.kind))?;
        self.rest = rest;
        Ok(taken)
    }

    fn one(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|octets| octets.first().copied().unwrap_or_default())
    }

    fn two(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes([self.one()?, self.one()?]))
    }

    fn four(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from(self.two()?) << 16 | u32::from(self.two()?))
    }

    fn variable(&mut self) -> Result<u32, Malformed> {
        let (value, width) = variable(self.rest)?.ok_or(Malformed::Short(self.kind))?;
        self.take(width)?;
        Ok(value)
    }

    /// Two octets of length and as many of UTF-8, or of anything (section 1.5.4).
    fn text(&mut self) -> Result<String, Malformed> {
        let length = self.two()?;
        self.take(usize::from(length)).map(|octets| crate::http::tamed(&String::from_utf8_lossy(octets)))
    }
}

/// Who we are.
#[derive(Debug)]
pub(super) struct Connect<'a> {
    pub(super) client_id: &'a str,
    pub(super) user: Option<(&'a str, &'a str)>,
    /// Seconds.
    pub(super) keep_alive: u16,
}

impl Connect<'_> {
    /// Section 3.1. The session begins anew and ends with the connection: what is not acknowledged waits in our own outbox, and the broker has
    /// nothing to remember of us.
    pub(super) fn packet(&self) -> Vec<u8> {
        const CLEAN_START: u8 = 0x02;
        const USER_AND_PASSWORD: u8 = 0xc0;
        let mut body = Vec::new();
        put_text(&mut body, "MQTT");
        body.push(5);
        body.push(if self.user.is_some() { CLEAN_START | USER_AND_PASSWORD } else { CLEAN_START });
        body.extend(self.keep_alive.to_be_bytes());
        let mut properties = vec![0x11];
        properties.extend(0u32.to_be_bytes());
        properties.push(0x27);
        properties.extend(MAX_PACKET.to_be_bytes());
        put_variable(&mut body, properties.len());
        body.extend(properties);
        put_text(&mut body, self.client_id);
        if let Some((user, password)) = self.user {
            put_text(&mut body, user);
            put_text(&mut body, password);
        }
        packet(0x10, &body)
    }
}

/// A message of QoS 1 (section 3.3) that never expires and is not retained.
#[derive(Debug)]
pub(super) struct Publish<'a> {
    pub(super) topic: &'a str,
    /// 1 to 65535.
    pub(super) id: u16,
    /// User properties.
    pub(super) properties: &'a [(&'a str, &'a str)],
    pub(super) body: &'a str,
}

impl Publish<'_> {
    pub(super) fn packet(&self) -> Vec<u8> {
        let mut body = Vec::new();
        put_text(&mut body, self.topic);
        body.extend(self.id.to_be_bytes());
        // Payload Format Indicator: UTF-8.
        let mut properties = vec![0x01, 1, 0x03];
        put_text(&mut properties, "application/json");
        for (name, value) in self.properties {
            properties.push(0x26);
            put_text(&mut properties, name);
            put_text(&mut properties, value);
        }
        put_variable(&mut body, properties.len());
        body.extend(properties);
        body.extend(self.body.as_bytes());
        packet(0x32, &body)
    }
}

/// PINGREQ (section 3.12).
pub(super) const PINGREQ: [u8; 2] = [0xc0, 0];
/// DISCONNECT, Normal disconnection (section 3.14).
pub(super) const DISCONNECT: [u8; 2] = [0xe0, 0];

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    put_variable(&mut packet, body.len());
    packet.extend(body);
    packet
}

fn put_variable(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let octet = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        out.push(if value > 0 { octet | 0x80 } else { octet });
        if value == 0 {
            return;
        }
    }
}

/// Texts of the configuration are bounded when it is read, those of an incident by whoever calls; what is longer is cut.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let text = text.get(..text.floor_char_boundary(usize::from(u16::MAX))).unwrap_or_default();
    out.extend(u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
    out.extend(text.as_bytes());
}

/// What a reason code says (section 2.4, table 2-6).
#[must_use]
pub fn reason(code: u8) -> &'static str {
    match code {
        0x00 => "success",
        0x10 => "no matching subscribers",
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "implementation specific error",
        0x84 => "unsupported protocol version",
        0x85 => "client identifier not valid",
        0x86 => "bad user name or password",
        0x87 => "not authorized",
        0x88 => "server unavailable",
        0x89 => "server busy",
        0x8a => "banned",
        0x8b => "server shutting down",
        0x8c => "bad authentication method",
        0x8d => "keep alive timeout",
        0x8e => "session taken over",
        0x90 => "topic name invalid",
        0x91 => "packet identifier in use",
        0x93 => "receive maximum exceeded",
        0x94 => "topic alias invalid",
        0x95 => "packet too large",
        0x96 => "message rate too high",
        0x97 => "quota exceeded",
        0x98 => "administrative action",
        0x99 => "payload format invalid",
        0x9a => "retain not supported",
        0x9b => "QoS not supported",
        0x9c => "use another server",
        0x9d => "server moved",
        0x9f => "connection rate exceeded",
        0xa0 => "maximum connect time",
        _ => "a reason that MQTT 5 does not know",
    }
}
