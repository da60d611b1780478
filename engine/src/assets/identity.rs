//! What a message reveals of the device that sent it, in the words that devices of all protocols share.

use fieldwarden_model::{Operation, Outcome, ShortText, Verb};
use fieldwarden_protocols::{FieldValue, FieldVisitor, Kind, Message, Protocol};
use serde::{Deserialize, Serialize};

/// Facts taken of one message; a message that tells more tells of many objects.
const MAX_FACTS: usize = 16;
/// Characters of one text; a description that goes on is cut.
const MAX_TEXT: usize = 128;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trait {
    /// Who made it.
    Vendor,
    /// Its model or order number.
    Model,
    /// The version of its firmware.
    Firmware,
    /// Its serial number.
    Serial,
    /// What its owners called it.
    Name,
    /// A sentence of its own (`sysDescr`), the version as a rule within.
    Description,
    /// The program that answers at a port.
    Software,
    /// What it says it is for: `bridge`, `router`, `controller`, `supervisor`, `device`.
    Duty,
}

impl Trait {
    /// Whether it stays as it is unless somebody changes the device. Names are given as owners like, and what serves at a port
    /// of an office's server may be another with every answer.
    #[must_use]
    pub(crate) const fn is_steady(self) -> bool {
        matches!(self, Self::Vendor | Self::Model | Self::Firmware | Self::Serial | Self::Description)
    }

    /// The word as JSON and alerts spell it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Model => "model",
            Self::Firmware => "firmware",
            Self::Serial => "serial number",
            Self::Name => "name",
            Self::Description => "description",
            Self::Software => "software",
            Self::Duty => "duty",
        }
    }
}

/// One thing a device told of itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// What.
    pub of: Trait,
    /// Which part of several behind one address: a Modbus unit, a BACnet device, the port of an HTTP server.
    pub part: Option<u32>,
    /// Its text, without blanks at its ends.
    pub text: ShortText,
}

/// Whether a message with this operation may tell an identity. Asked of every operation, so the verb decides nearly always.
pub(crate) fn may_tell(protocol: Protocol, operation: &Operation<'_>) -> bool {
    let speaks = |names: &[&str]| names.contains(&protocol.name());
    match (operation.verb, operation.outcome) {
        (_, Outcome::Asked | Outcome::Refused(_)) => false,
        (Verb::Discover, _) => speaks(&["modbus", "s7comm", "cip", "enip", "bacnet", "profinet_dcp"]),
        (Verb::Read, _) => {
            let of_device = operation.points.is_some_and(|points| points.space.area == BACNET_DEVICE);
            speaks(&["snmp", "http"]) || (of_device && speaks(&["bacnet"]))
        }
        _ => false,
    }
}

/// The object type of a device, which is also its area (ANSI/ASHRAE 135 clause 21).
const BACNET_DEVICE: u16 = 8;

/// What a message tells of its sender. `port` is the server's, by which what serves at several ports is told apart.
pub(crate) fn facts(message: &Message<'_>, part: Option<u16>, port: Option<u16>) -> Vec<Fact> {
    let Some(read) = reader(message.protocol.name()) else { return Vec::new() };
    if matches!(message.kind, Kind::Request | Kind::Anomaly) {
        return Vec::new();
    }
    let part = if message.protocol.name() == "http" { port } else { part };
    let mut taker = Taker { read, facts: Vec::new(), part: part.map(u32::from), state: State::default() };
    message.body.fields(&mut taker);
    taker.end(message.protocol.name())
}

/// Reads one field of a protocol.
type Read = fn(&mut State, &str, &FieldValue<'_>) -> Option<(Trait, ShortText)>;

fn reader(protocol: &str) -> Option<Read> {
    Some(match protocol {
        "modbus" => modbus,
        "s7comm" => s7comm,
        "cip" | "enip" => cip,
        "bacnet" => bacnet,
        "profinet_dcp" => profinet_dcp,
        "lldp" => lldp,
        "http" => http,
        "snmp" => snmp,
        _ => return None,
    })
}

/// What must be known of earlier fields of the message.
#[derive(Debug, Default)]
struct State {
    /// The id that the next value belongs to: an object of Modbus, a property of BACnet.
    id: Option<u64>,
    /// Within an object of BACnet that is a device.
    in_device: bool,
    /// Which device of several the message speaks of.
    part: Option<u32>,
    /// The upper half of a number that comes in two.
    upper: Option<u64>,
    /// CIP: classes named, and whether what is told is another's, reached by a route.
    classes: u32,
    elsewhere: bool,
}

struct Taker {
    read: Read,
    facts: Vec<Fact>,
    part: Option<u32>,
    state: State,
}

impl Taker {
    fn take(&mut self, key: &str, value: &FieldValue<'_>) {
        let told = (self.read)(&mut self.state, key, value);
        let Some((of, text)) = told.filter(|(_, text)| !text.is_empty()) else { return };
        let part = self.state.part.or(self.part);
        // Of redundant controllers that answer as one the first tells: which of them leads is no change of a device.
        let known = self.facts.iter().any(|fact| fact.of == of && fact.part == part);
        if !known && self.facts.len() < MAX_FACTS {
            self.facts.push(Fact { of, part, text });
        }
    }

    fn end(self, protocol: &str) -> Vec<Fact> {
        let routed = self.state.elsewhere || self.state.classes != 1;
        if protocol == "cip" && routed { Vec::new() } else { self.facts }
    }
}

impl FieldVisitor for Taker {
    fn field(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.take(key, &value);
    }

    fn item(&mut self, key: &'static str, value: FieldValue<'_>) {
        self.take(key, &value);
    }
}

/// A value as text: trimmed, without control characters, cut.
fn text(value: &FieldValue<'_>) -> ShortText {
    match value {
        FieldValue::Text(words) => {
            let plain: String = words.chars().filter(|letter| !letter.is_control()).take(MAX_TEXT).collect();
            plain.trim().into()
        }
        FieldValue::Unsigned(number) => number.to_string().into(),
        FieldValue::Signed(number) => number.to_string().into(),
        FieldValue::Float(number) => number.to_string().into(),
        FieldValue::Bytes(_) => ShortText::default(),
    }
}

const fn number(value: &FieldValue<'_>) -> Option<u64> {
    match value {
        FieldValue::Unsigned(number) => Some(*number),
        _ => None,
    }
}

/// Read device identification (MODBUS Application Protocol 6.21): objects 0 to 2 are basic, every device has them.
fn modbus(state: &mut State, key: &str, value: &FieldValue<'_>) -> Option<(Trait, ShortText)> {
    match key {
        "object_ids" => {
            state.id = number(value);
            None
        }
        "object_values" => {
            let of = match state.id? {
                0 => Trait::Vendor,
                1 => Trait::Model,
                2 => Trait::Firmware,
                _ => return None,
            };
            Some((of, text(value)))
        }
        _ => None,
    }
}

/// System status lists 11 (module) and 1C (components).
fn s7comm(_: &mut State, key: &str, value: &FieldValue<'_>) -> Option<(Trait, ShortText)> {
    let of = match key {
        "order_number" => Trait::Model,
        "firmware" => Trait::Firmware,
        "serial_number" => Trait::Serial,
        "system_name" => Trait::Name,
        _ => return None,
    };
    Some((of, text(value)))
}

/// The identity object (CIP Vol. 1, 5-2), asked of the device itself or listed by it. What lies behind a route is another module.
fn cip(state: &mut State, key: &str, value: &FieldValue<'_>) -> Option<(Trait, ShortText)> {
    match key {
        "class" => {
            state.classes += 1;
            None
        }
        "port" | "link_address" | "route" => {
            state.elsewhere = true;
            None
        }
        "vendor" => Some((Trait::Vendor, odva_vendor(number(value)?))),
        "product_name" => Some((Trait::Model, text(value))),
        "serial_number" => Some((Trait::Serial, format!("{:08x}", number(value)?).into())),
        "revision_major" => {
            state.upper = number(value);
            None
        }
        "revision_minor" => {
            let major = state.upper.take()?;
            Some((Trait::Firmware, format!("{major}.{:03}", number(value)?).into()))
        }
        _ => None,
    }
}

/// Vendors met most in plants, by the number ODVA gave them; others keep their number.
fn odva_vendor(id: u64) -> ShortText {
    match id {
        1 => "Rockwell Automation".into(),
        40 => "WAGO".into(),
        47 => "Omron".into(),
        48 => "Turck".into(),
        243 => "Schneider Electric".into(),
        other => format!("ODVA vendor {other}").into(),
    }
}

/// Properties of the device object (ANSI/ASHRAE 135 clause 12.11), and what I-Am says.
fn bacnet(state: &mut State, key: &str, value: &FieldValue<'_>) -> Option<(Trait, ShortText)> {
    match key {
        "object_type" => state.in_device = number(value) == Some(u64::from(BACNET_DEVICE)),
        "object_instance" if state.in_device => {
            state.part = number(value).and_then(|instance| u32::try_from(instance).ok());
        }
        "property" => state.id = number(value),
        // The first number of I-Am is the longest APDU, the second the vendor.
        "max_apdu_and_vendor" if state.upper.is_none() => state.upper = number(value),
        "max_apdu_and_vendor" => {
            return Some((Trait::Vendor, format!("BACnet vendor {}", number(value)?).into()));
        }
        "values" if state.in_device => {
            let of = match state.id? {
                // The name of the vendor stands beside its number: told apart, they are no change of one another.
                70 => Trait::Model,
                44 => Trait::Firmware,
                372 => Trait::Serial,
                77 => Trait::Name,
                121 => Trait::Description,
                _ => return None,
            };
            return Some((of, text(value)));
        }
        _ => {}
    }
    None
}

/// Answers to identify (IEC 61158-6-10 clause 4.3.1.4).
fn profinet_dcp(_: &mut State, key: &str, value: &FieldValue<'_>) -> Option<(Trait, ShortText)> {
    match key {
        "station_type" => Some((Trait::Model, text(value))),
        "name_of_station" => Some((Trait::Name, text(value))),
        "vendor_id" => Some((Trait::Vendor, pi_vendor(number(value)?))),
        "device_role" => {
            let duty = match number(value)? {
                role if role & 2 != 0 => "controller",
                role if role & 8 != 0 => "supervisor",
                role if role & 1 != 0 => "device",
                _ => return None,
            };
            Some((Trait::Duty, duty.into()))
        }
        _ => None,
    }
}

/// Vendors by the number PROFIBUS & PROFINET International gave them; others keep their number.
fn pi_vendor(id: u64) -> ShortText {
    match id {
        0x002a => "Siemens".into(),
        0x00b0 => "Phoenix Contact".into(),
        0x011d => "WAGO".into(),
        other => format!("PI vendor {other:04x}").into(),
    }
}

/// Capabilities of the system (IEEE 802.1AB-2016 clause 8.5.8): bit 2 a bridge, bit 4 a router.
fn lldp(_: &mut State, key: &str, value: &FieldValue<'_>) -> Option<(Trait, ShortText)> {
    match key {
        "system_name" => Some((Trait::Name, text(value))),
        "system_description" => Some((Trait::Description, text(value))),
        "enabled_capabilities" => {
            let enabled = number(value)?;
            let duty = match (enabled & 0x10 != 0, enabled & 0x04 != 0) {
                (true, _) => "router",
                (_, true) => "bridge",
                _ => return None,
            };
            Some((Trait::Duty, duty.into()))
        }
        _ => None,
    }
}

fn http(_: &mut State, key: &str, value: &FieldValue<'_>) -> Option<(Trait, ShortText)> {
    (key == "server_agent").then(|| (Trait::Software, text(value)))
}

fn snmp(_: &mut State, key: &str, value: &FieldValue<'_>) -> Option<(Trait, ShortText)> {
    match key {
        "system_description" => Some((Trait::Description, text(value))),
        "system_name" => Some((Trait::Name, text(value))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(protocol: &str, fields: &[(&'static str, FieldValue<'_>)]) -> Vec<String> {
        let read = reader(protocol).unwrap();
        let mut taker = Taker { read, facts: Vec::new(), part: None, state: State::default() };
        for (key, value) in fields {
            taker.item(key, *value);
        }
        let line = |fact: &Fact| {
            let part = fact.part.map(|part| format!(" of {part}")).unwrap_or_default();
            format!("{}{part}: {}", fact.of.word(), fact.text)
        };
        taker.end(protocol).iter().map(line).collect()
    }

    const fn n(value: u64) -> FieldValue<'static> {
        FieldValue::Unsigned(value)
    }

    const fn t(value: &'static str) -> FieldValue<'static> {
        FieldValue::Text(value)
    }

    #[test]
    fn values_belong_to_the_id_before_them() {
        let fields = [
            ("object_ids", n(0)),
            ("object_values", t("Acme  ")),
            ("object_ids", n(2)),
            ("object_values", t("v2.5")),
        ];
        assert_eq!(told("modbus", &fields), ["vendor: Acme", "firmware: v2.5"]);
        let fields = [
            ("object_type", n(8)),
            ("object_instance", n(260_001)),
            ("property", n(44)),
            ("values", t("1.2")),
            ("object_type", n(0)),
            ("object_instance", n(7)),
            ("property", n(77)),
            ("values", t("Room temperature")),
        ];
        assert_eq!(told("bacnet", &fields), ["firmware of 260001: 1.2"]);
    }

    #[test]
    fn a_module_behind_a_route_is_not_the_device_at_the_address() {
        let identity =
            [("class", n(1)), ("vendor", n(1)), ("revision_major", n(20)), ("revision_minor", n(11))];
        assert_eq!(told("cip", &identity), ["vendor: Rockwell Automation", "firmware: 20.011"]);
        let routed = [&identity[..], &[("port", n(1))]].concat();
        assert!(told("cip", &routed).is_empty());
        let carried = [&[("class", n(6))], &identity[..]].concat();
        assert!(told("cip", &carried).is_empty());
    }

    #[test]
    fn texts_are_cut_and_hold_no_control_characters() {
        let long = "x".repeat(1_000);
        assert_eq!(text(&FieldValue::Text(&long)).len(), MAX_TEXT);
        assert_eq!(text(&FieldValue::Text(" a\u{1b}[31m\n ")), "a[31m");
        assert!(told("http", &[("server_agent", FieldValue::Bytes(b"\xff"))]).is_empty());
    }
}
