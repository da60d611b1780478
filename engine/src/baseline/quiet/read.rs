//! An entry out of its table.

use fieldwarden_model::{
    AddressSpace, ShortText, Talker, Timestamp, Transport, Verb,
    section::{Fault, FromNode, Node, Reader, Section},
};
use fieldwarden_protocols::Protocol;

use super::{
    super::{
        accept,
        read::{FunctionText, Placed, range},
    },
    Quiet, Scope,
};
use crate::{conversation::protocol_named, detect::detector_id};

/// Letters of the longest reason.
const MAX_REASON: usize = 400;

pub(in crate::baseline) fn read(section: &Section) -> Result<Quiet, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let (client, server) = (reader.optional::<Talker>("client"), reader.optional::<Talker>("server"));
    let names_nobody = reader.node("client").is_none() && reader.node("server").is_none();
    let space = AddressSpace(reader.or("space", 0));
    let transports = [("tcp", Transport::Tcp), ("udp", Transport::Udp), ("link", Transport::Link)];
    let transport = reader.node("transport").and_then(|_| reader.one_of("transport", &transports));
    let server_port = reader.optional("server_port");
    let protocol = protocol(&mut reader);
    let unit = reader.optional("unit");
    let operation = operation(&mut reader);
    let function = reader.optional::<FunctionText>("function").map(|text| text.0.code);
    let points = reader.optional::<Placed<ShortText>>("points");
    let points = points.zip(protocol).and_then(|(text, protocol)| {
        let notation = fieldwarden_protocols::dissector(protocol.name()).map(|found| found.notation());
        range(&mut reader, "points", notation, &text)
    });
    for key in ["function", "points"] {
        if reader.node(key).is_some() && reader.node("protocol").is_none() {
            let help = Some(String::from("protocol = \"modbus\""));
            reader.fault_at(key, "says nothing without a `protocol`".into(), help);
        }
    }
    let detector = detector(&mut reader);
    let until = reader.optional::<Until>("until").map(|until| until.0);
    let reason = reader.required::<String>("reason", "reason = \"pump test of CHG-1042, E. Maier\"");
    plain_line(&mut reader, "reason", reason.as_deref());
    let accepted_by = reader.optional::<String>("accepted_by");
    plain_line(&mut reader, "accepted_by", accepted_by.as_deref());
    if names_nobody {
        let message = "a `[[quiet]]` entry without `client` and `server` would quiet everything".into();
        let help = Some(String::from("name at least one of them: client = \"10.2.0.66\""));
        let _ = reader.absorb::<()>(Err(vec![Fault { at: section.at, message, help }]));
    }
    let scope = Scope {
        space,
        client,
        server,
        transport,
        server_port,
        protocol,
        unit,
        operation,
        function,
        points,
        detector,
    };
    reader.finish_with(reason.map(|reason| Quiet { scope, until, reason, accepted_by }))
}

fn protocol(reader: &mut Reader<'_>) -> Option<Protocol> {
    let name = reader.optional::<ShortText>("protocol")?;
    let found = protocol_named(&name);
    if found.is_none() {
        reader.fault_at("protocol", format!("`{name}` is not known"), None);
    }
    found
}

fn operation(reader: &mut Reader<'_>) -> Option<Verb> {
    let word = reader.optional::<ShortText>("operation")?;
    let found = Verb::ALL.into_iter().find(|verb| verb.word() == word);
    if found.is_none() {
        let known: Vec<&str> = Verb::ALL.into_iter().map(Verb::word).collect();
        let help = Some(format!("known are {}", known.join(", ")));
        reader.fault_at("operation", format!("there is no operation `{word}`"), help);
    }
    found
}

fn detector(reader: &mut Reader<'_>) -> Option<&'static str> {
    let id = reader.optional::<ShortText>("detector")?;
    let found = detector_id(&id);
    if found.is_none() {
        reader.fault_at("detector", format!("there is no detector `{id}`"), None);
    }
    if let Some(why) = found.and_then(accept::never) {
        let message = format!("what `{id}` tells is never quieted: {why}");
        reader.fault_at("detector", message, None);
    }
    found
}

/// It stands in the sentence of an alert.
fn plain_line(reader: &mut Reader<'_>, key: &'static str, text: Option<&str>) {
    let Some(text) = text else { return };
    if let Err(why) = words_of(text) {
        reader.fault_at(key, why, None);
    }
}

/// A reason, or a name, as it may stand in an entry: one line that says something.
///
/// # Errors
/// What is wrong with it.
pub fn words_of(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("is empty".into());
    }
    if text.chars().any(char::is_control) || text.chars().count() > MAX_REASON {
        return Err(format!("is no plain line of at most {MAX_REASON} letters"));
    }
    Ok(text.to_owned())
}

/// A day, which stands for its beginning in UTC, or a moment.
struct Until(Timestamp);

impl FromNode for Until {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let text = ShortText::from_node(node)?;
        until_of(&text).map(Self).ok_or_else(|| Fault {
            at: node.at,
            message: format!("`{text}` is no day and no moment in UTC"),
            help: Some("write 2026-12-24 for its first moment, or 2026-12-24T18:00:00Z".into()),
        })
    }
}

/// A moment out of a day, whose beginning in UTC it is, or out of a time: how `until` is written.
#[must_use]
pub fn until_of(text: &str) -> Option<Timestamp> {
    let day = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    day.parse().ok()
}
