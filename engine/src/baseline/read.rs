//! A baseline out of its text.

use std::collections::BTreeSet;

use fieldwarden_model::{
    AddressSpace, Mac, PointRange, ShortText, Talker, Timestamp, Transport, Value,
    assemble::{Assemble, assemble},
    section::{Content, Fault, FromNode, Node, Reader, Section},
};
use fieldwarden_protocols::Notation;

use super::{Baseline, Entry, Envelope, Function, KnownTalker, Learned, Moves, Pace, ReadMotion, Subject};
use crate::conversation::protocol_named;

/// A baseline in the making: its tables come one by one, since a large plant has hundreds of thousands of values and
/// the tree of its whole file would take many times the memory of what it says.
#[derive(Debug, Default)]
pub struct Reading {
    talkers: Vec<KnownTalker>,
    conversations: Vec<Entry>,
    ids: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Assemble for Reading {
    type Output = Baseline;
    const REPEATED: &'static [&'static str] = &["talker", "conversation"];

    fn take(&mut self, key: &str, table: &Section) {
        let outcome = match key {
            "talker" => read_talker(table).map(|talker| self.talkers.push(talker)),
            _ => read_entry(table).and_then(|entry| self.conversation(entry, table)),
        };
        self.faults.extend(outcome.err().unwrap_or_default());
    }

    fn finish(self, top: &Section) -> Result<Baseline, Vec<Fault>> {
        let mut reader = Reader::new(top);
        let mode = reader.or("mode", String::from("normal"));
        let learned = reader.optional::<Section>("learned");
        let learned = learned.and_then(|section| reader.absorb(read_learned(&section)));
        for key in Self::REPEATED {
            // Their tables were taken; that something else stands there is a fault.
            let _ = reader.tables(key);
        }
        let _ = reader.absorb::<()>(Err(self.faults));
        let mut baseline =
            Baseline { mode, learned, talkers: self.talkers, conversations: self.conversations };
        baseline.sort();
        reader.finish_with(Some(baseline))
    }
}

impl Reading {
    /// How many talkers and conversations were taken without a fault.
    pub(super) const fn counts(&self) -> (usize, usize) {
        (self.talkers.len(), self.conversations.len())
    }

    /// What the talker taken last is about.
    pub(super) fn latest_talker(&self) -> Option<Subject> {
        self.talkers.last().map(KnownTalker::subject)
    }

    /// What the conversation taken last is about.
    pub(super) fn latest_entry(&self) -> Option<Subject> {
        self.conversations.last().map(Entry::subject)
    }

    fn conversation(&mut self, mut entry: Entry, table: &Section) -> Result<(), Vec<Fault>> {
        if !self.ids.insert(entry.id.clone()) {
            let message = format!("the id `{}` stands twice", entry.id);
            let help = Some(String::from("give each conversation an id of its own, or leave the ids out"));
            return Err(vec![Fault { at: table.at, message, help }]);
        }
        entry.writes.shrink_to_fit();
        entry.motion.shrink_to_fit();
        self.conversations.push(entry);
        Ok(())
    }
}

impl Baseline {
    /// Reads a baseline file, whose top is `section`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        assemble::<Reading>(section)
    }

    /// Puts everything into the canonical order.
    pub fn sort(&mut self) {
        self.talkers.sort();
        self.talkers.dedup_by_key(|known| (known.space, known.talker));
        self.conversations.sort_by(|a, b| {
            let rank = |e: &Entry| (e.space, e.server, e.client, e.transport, e.server_port, e.unit);
            (rank(a), &a.protocol).cmp(&(rank(b), &b.protocol))
        });
    }
}

fn read_learned(section: &Section) -> Result<Learned, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let from = reader.required::<Timestamp>("from", "from = \"2026-01-02T03:04:05Z\"");
    let until = reader.required::<Timestamp>("until", "until = \"2026-01-02T03:04:05Z\"");
    let frames = reader.or("frames", 0);
    let learned = from.zip(until).map(|(from, until)| Learned { from, until, frames });
    reader.finish_with(learned)
}

fn read_talker(section: &Section) -> Result<KnownTalker, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let talker = reader.required::<Talker>("address", "address = \"10.0.0.20\"");
    let mac = reader.optional::<Mac>("mac");
    let space = AddressSpace(reader.or("space", 0));
    reader.finish_with(talker.map(|talker| KnownTalker { space, talker, mac }))
}

fn read_entry(section: &Section) -> Result<Entry, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let id = reader.optional::<String>("id");
    let space = AddressSpace(reader.or("space", 0));
    let client = reader.required::<Talker>("client", "client = \"10.0.0.5\"");
    let server = reader.required::<Talker>("server", "server = \"10.0.0.20\"");
    let transports = [("tcp", Transport::Tcp), ("udp", Transport::Udp), ("link", Transport::Link)];
    let transport = reader.one_of("transport", &transports).unwrap_or(Transport::Tcp);
    let server_port = reader.optional("server_port");
    let protocol = reader.required::<ShortText>("protocol", "protocol = \"modbus\"").unwrap_or_default();
    if !protocol.is_empty() && protocol_named(&protocol).is_none() {
        let known: Vec<&str> =
            fieldwarden_protocols::DISSECTORS.iter().map(|dissector| dissector.protocol().name()).collect();
        let help = format!("known are {}, tcp, udp, link", known.join(", "));
        reader.fault_at("protocol", format!("`{protocol}` is not known"), Some(help));
    }
    let notation = fieldwarden_protocols::dissector(&protocol).map(|dissector| dissector.notation());
    let unit = reader.optional("unit");
    let functions = reader.or::<Vec<FunctionText>>("functions", Vec::new());
    let mut functions: Vec<Function> = functions.into_iter().map(|text| text.0).collect();
    functions.sort();
    let reads = reader.or::<Vec<Placed<ShortText>>>("reads", Vec::new());
    let reads = reads.iter().filter_map(|text| range(&mut reader, "reads", notation, text)).collect();
    let writes = reader.tables("writes");
    let writes: Vec<Envelope> =
        writes.into_iter().filter_map(|section| reader.absorb(read_envelope(section, notation))).collect();
    let motion = reader.tables("motion");
    let motion: Vec<ReadMotion> =
        motion.into_iter().filter_map(|section| reader.absorb(read_motion(section, notation))).collect();
    let period_ms = reader.optional("period_ms");
    let refusals_per_minute = reader.or("refusals_per_minute", 0);
    let pace = read_pace(&mut reader);
    let mut oddities = reader.or("oddities", Vec::new());
    oddities.sort();
    let entry = client.zip(server).map(|(client, server)| {
        let mut entry = Entry {
            id: String::new(),
            space,
            client,
            server,
            transport,
            server_port,
            protocol,
            unit,
            functions,
            reads,
            writes,
            motion,
            period_ms,
            refusals_per_minute,
            pace,
            oddities,
        };
        entry.id = id.or_else(|| entry.key().map(|key| key.to_string())).unwrap_or_default();
        entry
    });
    reader.finish_with(entry)
}

fn read_envelope(section: &Section, notation: Option<&dyn Notation>) -> Result<Envelope, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let points = reader.required::<Placed<ShortText>>("points", "points = \"40101-40102\"");
    let points = points.and_then(|text| range(&mut reader, "points", notation, &text));
    let step = u16::try_from(reader.within("step", 1..=64, 1)).unwrap_or(1);
    let minimum = reader.optional::<Number>("minimum").map(|number| number.0);
    let maximum = reader.optional::<Number>("maximum").map(|number| number.0);
    let moves = read_moves(&mut reader);
    let seen = reader.or("seen", 0);
    if let (Some(minimum), Some(maximum)) = (minimum, maximum)
        && super::order(minimum, maximum).is_gt()
    {
        reader.fault_at("minimum", format!("{minimum} is greater than the maximum {maximum}"), None);
    }
    reader.finish_with(points.map(|points| Envelope { points, step, minimum, maximum, seen, moves }))
}

fn read_moves(reader: &mut Reader<'_>) -> Moves {
    let mut most = |key| reader.optional::<Number>(key).map(|number| crate::motion::number(number.0));
    let (step_maximum, run_maximum) = (most("step_maximum"), most("run_maximum"));
    Moves { step_maximum, run_maximum, turns_per_minute: reader.or("turns_per_minute", 0) }
}

fn read_motion(section: &Section, notation: Option<&dyn Notation>) -> Result<ReadMotion, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let points = reader.required::<Placed<ShortText>>("points", "points = \"30001-30010\"");
    let points = points.and_then(|text| range(&mut reader, "points", notation, &text));
    let step = u16::try_from(reader.within("step", 1..=64, 1)).unwrap_or(1);
    let still_ms = reader.optional("still_ms");
    let wobble = reader.optional::<Number>("wobble_per_minute");
    let wobble_per_minute = wobble.map(|number| crate::motion::number(number.0));
    if wobble_per_minute.is_some_and(|most| !most.is_finite() || most < 0.0) {
        let help = Some(String::from("leave it out where the values may move in any way"));
        reader.fault_at("wobble_per_minute", "expected a number from 0 on".into(), help);
    }
    let (random, seen) = (reader.or("random", false), reader.or("seen", 0));
    reader.finish_with(points.map(|points| ReadMotion {
        points,
        step,
        still_ms,
        wobble_per_minute,
        random,
        seen,
    }))
}

fn read_pace(reader: &mut Reader<'_>) -> Pace {
    const REQUESTS: &str = "requests_per_minute";
    let requests = reader.optional::<Vec<u64>>(REQUESTS);
    let requests_per_minute = match requests.as_deref() {
        None => None,
        Some([fewest, most]) if fewest <= most => Some((*fewest, *most)),
        Some(_) => {
            let help = Some(String::from("requests_per_minute = [58, 62]"));
            reader.fault_at(REQUESTS, "expected two numbers, the fewest and the most".into(), help);
            None
        }
    };
    let writes_per_minute = reader.optional("writes_per_minute");
    Pace { requests_per_minute, writes_per_minute, pause_ms: reader.optional("pause_ms") }
}

fn range(
    reader: &mut Reader<'_>,
    key: &'static str,
    notation: Option<&dyn Notation>,
    text: &Placed<ShortText>,
) -> Option<PointRange> {
    let found = notation.and_then(|notation| notation.read(&text.value));
    if found.is_none() {
        let message = match notation {
            Some(_) => format!("`{key}`: `{}` is no point or range of points of this protocol", text.value),
            None => format!("`{key}`: this protocol has no points"),
        };
        let fault: Result<(), _> = Err(vec![Fault { at: text.at, message, help: None }]);
        let _ = reader.absorb(fault);
    }
    found
}

/// A value together with its place.
struct Placed<T> {
    at: fieldwarden_model::section::Span,
    value: T,
}

impl<T: FromNode> FromNode for Placed<T> {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        Ok(Self { at: node.at, value: T::from_node(node)? })
    }
}

/// A whole number or one with a fraction.
struct Number(Value);

impl FromNode for Number {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        match node.value {
            Content::Integer(value) => Ok(Self(Value::Integer(value))),
            Content::Float(value) => Ok(Self(Value::Float(value))),
            _ => Err(Fault { at: node.at, message: "expected a number".into(), help: None }),
        }
    }
}

/// `16`, `"8/1"`, or either with a name behind it: `"16 write multiple registers"`.
struct FunctionText(Function);

impl FromNode for FunctionText {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let text = match &node.value {
            Content::Integer(code) => code.to_string().into(),
            Content::Text(text) => text.clone(),
            _ => ShortText::default(),
        };
        let (code, name) = text.split_once(' ').unwrap_or((&text, ""));
        match super::function_code(code) {
            Some(code) => Ok(Self(Function { code, name: name.trim().into() })),
            None => Err(Fault {
                at: node.at,
                message: format!("`{text}` is no function code"),
                help: Some("write a number such as 16, or \"8/1\" for sub-function 1 of function 8".into()),
            }),
        }
    }
}
