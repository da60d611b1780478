//! A baseline out of its text.

use std::collections::{BTreeMap, BTreeSet};

use fieldwarden_model::{
    AddressSpace, Mac, PointRange, ShortText, Talker, Timestamp, Transport, Value,
    assemble::{Assemble, assemble},
    section::{Content, Fault, FromNode, Node, Reader, Section},
};
use fieldwarden_protocols::Notation;

use super::{
    Allowed, Baseline, Bits, Counter, Entry, Envelope, Few, Function, InMode, KnownTalker, Learned,
    MAX_LISTED, ModeName, Moves, Pace, Quiet, ReadMotion, Shift, Subject,
    mode::read::{mode_of, shift},
    quiet,
    quiet::Scope,
};
use crate::conversation::protocol_named;

/// A baseline in the making: its tables come one by one, since a large plant has hundreds of thousands of values and
/// the tree of its whole file would take many times the memory of what it says.
#[derive(Debug, Default)]
pub struct Reading {
    talkers: Vec<KnownTalker>,
    conversations: Vec<Entry>,
    modes: BTreeMap<ModeName, (Vec<KnownTalker>, Vec<Entry>)>,
    schedule: Vec<Shift>,
    quiet: Vec<Quiet>,
    latest: Option<Subject>,
    ids: BTreeSet<(Option<ModeName>, String)>,
    scopes: BTreeSet<Scope>,
    faults: Vec<Fault>,
}

impl Assemble for Reading {
    type Output = Baseline;
    const REPEATED: &'static [&'static str] = &["talker", "conversation", "schedule", "quiet"];

    fn take(&mut self, key: &str, table: &Section) {
        let outcome = match key {
            "talker" => read_talker(table).and_then(|talker| self.talker(talker, table)),
            "quiet" => quiet::read(table).and_then(|quiet| self.quiet(quiet, table)),
            "schedule" => shift(table, &self.schedule).map(|shift| {
                self.schedule.push(shift);
                Subject::Shift(shift)
            }),
            _ => read_entry(table).and_then(|entry| self.conversation(entry, table)),
        };
        match outcome {
            Ok(subject) => self.latest = Some(subject),
            Err(faults) => {
                self.latest = None;
                self.faults.extend(faults);
            }
        }
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
        let part = |(name, (talkers, conversations))| InMode { name, talkers, conversations };
        let mut baseline = Baseline {
            mode,
            learned,
            talkers: self.talkers,
            conversations: self.conversations,
            modes: self.modes.into_iter().map(part).collect(),
            schedule: self.schedule,
            quiet: self.quiet,
        };
        baseline.sort();
        reader.finish_with(Some(baseline))
    }
}

impl Reading {
    /// What the table taken last is about; none where it is at fault.
    pub(super) const fn latest(&self) -> Option<Subject> {
        self.latest
    }

    fn talker(&mut self, talker: KnownTalker, table: &Section) -> Result<Subject, Vec<Fault>> {
        let mode = mode_of(table)?;
        let own = mode.map(|mode| &mut self.modes.entry(mode).or_default().0);
        own.unwrap_or(&mut self.talkers).push(talker);
        Ok(talker.subject().in_mode(mode))
    }

    fn quiet(&mut self, quiet: Quiet, table: &Section) -> Result<Subject, Vec<Fault>> {
        if !self.scopes.insert(quiet.scope) {
            let message = format!("`{}` is quieted twice", quiet.scope);
            return Err(vec![Fault { at: table.at, message, help: Some("leave one of the tables".into()) }]);
        }
        let subject = quiet.subject();
        self.quiet.push(quiet);
        Ok(subject)
    }

    fn conversation(&mut self, mut entry: Entry, table: &Section) -> Result<Subject, Vec<Fault>> {
        let mode = mode_of(table)?;
        if !self.ids.insert((mode, entry.id.clone())) {
            let message = format!("the id `{}` stands twice", entry.id);
            let help = Some(String::from("give each conversation an id of its own, or leave the ids out"));
            return Err(vec![Fault { at: table.at, message, help }]);
        }
        entry.writes.shrink_to_fit();
        entry.motion.shrink_to_fit();
        let subject = entry.subject().in_mode(mode);
        let own = mode.map(|mode| &mut self.modes.entry(mode).or_default().1);
        own.unwrap_or(&mut self.conversations).push(entry);
        Ok(subject)
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
        in_order(&mut self.talkers, &mut self.conversations);
        for mode in &mut self.modes {
            in_order(&mut mode.talkers, &mut mode.conversations);
        }
        self.modes.sort_by_key(|mode| mode.name);
        self.schedule.sort_unstable();
        self.quiet.sort_by_key(|quiet| quiet.scope);
    }
}

fn in_order(talkers: &mut Vec<KnownTalker>, conversations: &mut [Entry]) {
    talkers.sort();
    talkers.dedup_by_key(|known| (known.space, known.talker));
    conversations.sort_by(|a, b| {
        let rank = |e: &Entry| (e.space, e.server, e.client, e.transport, e.server_port, e.unit);
        (rank(a), &a.protocol).cmp(&(rank(b), &b.protocol))
    });
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
    // Whoever takes the table asks for it.
    let _ = reader.node("mode");
    let space = AddressSpace(reader.or("space", 0));
    reader.finish_with(talker.map(|talker| KnownTalker { space, talker, mac }))
}

fn read_entry(section: &Section) -> Result<Entry, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let id = reader.optional::<String>("id");
    // Whoever takes the table asks for it.
    let _ = reader.node("mode");
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
    let mut writes: Vec<Envelope> =
        writes.into_iter().filter_map(|section| reader.absorb(read_envelope(section, notation))).collect();
    share_lists(&mut writes);
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

/// Neighbouring lines that list the same values share the list: a large plant has many alike.
fn share_lists(writes: &mut [Envelope]) {
    let mut before: Option<Allowed> = None;
    for envelope in writes.iter_mut().filter(|envelope| matches!(envelope.allowed, Allowed::Values(_))) {
        match &before {
            Some(list) if list.same(&envelope.allowed) => envelope.allowed = list.clone(),
            _ => before = Some(envelope.allowed.clone()),
        }
    }
}

fn read_envelope(section: &Section, notation: Option<&dyn Notation>) -> Result<Envelope, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let points = reader.required::<Placed<ShortText>>("points", "points = \"40101-40102\"");
    let points = points.and_then(|text| range(&mut reader, "points", notation, &text));
    let step = u16::try_from(reader.within("step", 1..=64, 1)).unwrap_or(1);
    let allowed = read_allowed(&mut reader);
    let moves = read_moves(&mut reader);
    let seen = reader.or("seen", 0);
    reader.finish_with(points.map(|points| Envelope { points, step, allowed, seen, moves }))
}

/// The values of a line: of `minimum` and `maximum`, `values`, `bits` and `counter` one kind.
fn read_allowed(reader: &mut Reader<'_>) -> Allowed {
    let minimum = reader.optional::<Number>("minimum").map(|number| number.0);
    let maximum = reader.optional::<Number>("maximum").map(|number| number.0);
    let values = reader.optional::<Vec<Number>>("values");
    let bits = reader.optional::<BitText>("bits");
    let set = reader.optional::<BitText>("set");
    let counter = reader.optional::<u64>("counter");
    if let (Some(minimum), Some(maximum)) = (minimum, maximum)
        && super::order(minimum, maximum).is_gt()
    {
        reader.fault_at("minimum", format!("{minimum} is greater than the maximum {maximum}"), None);
    }
    let kinds = [("values", values.is_some()), ("bits", bits.is_some()), ("counter", counter.is_some())];
    let mut kinds = kinds.iter().filter(|(_, is_there)| *is_there).map(|(kind, _)| *kind);
    let (kind, other) = (kinds.next(), kinds.next());
    let bounds = (minimum.is_some() || maximum.is_some()) && kind != Some("counter");
    let other = other.or(if bounds { Some("minimum` or `maximum") } else { None });
    if let Some((kind, other)) = kind.zip(other) {
        let help = Some(String::from("a line says its values in one way: leave one of them out"));
        reader.fault_at(kind, format!("`{kind}` and `{other}` do not stand together"), help);
    }
    if set.is_some() && bits.is_none() {
        let help = Some(String::from("bits = \"0x000f\", set = \"0x0400\""));
        reader.fault_at("set", "`set` stands beside `bits` alone".into(), help);
    }
    match (values, bits, counter) {
        (Some(values), ..) => listed(reader, values),
        (None, Some(bits), _) => word(reader, bits.0, set.map_or(0, |set| set.0)),
        (None, None, Some(step)) => Allowed::Counter(Box::new(Counter { step, minimum, maximum })),
        (None, None, None) => Allowed::Range { minimum, maximum },
    }
}

fn listed(reader: &mut Reader<'_>, values: Vec<Number>) -> Allowed {
    if values.is_empty() || values.len() > MAX_LISTED {
        let message = format!("expected 1 to {MAX_LISTED} values, there are {}", values.len());
        let help =
            Some(String::from("where every value between two may be written, say minimum and maximum"));
        reader.fault_at("values", message, help);
    }
    Allowed::Values(Few::new(values.into_iter().map(|number| number.0).collect()))
}

fn word(reader: &mut Reader<'_>, changing: u64, set: u64) -> Allowed {
    let bits = Bits::new(changing, set);
    if bits.is_none() {
        let both = super::text::bits_text(changing & set);
        reader.fault_at(
            "set",
            format!("{both} stands in `bits` as well: does it change, or is it always set?"),
            None,
        );
    }
    Allowed::Bits(bits.unwrap_or_default())
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

pub(super) fn range(
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
pub(super) struct Placed<T> {
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

/// Bits as a number to the base of sixteen, as drawings have them, or any whole number.
struct BitText(u64);

impl FromNode for BitText {
    fn from_node(node: &Node) -> Result<Self, Fault> {
        let bits = match &node.value {
            Content::Integer(bits) => u64::try_from(*bits).ok(),
            Content::Text(text) => {
                let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
                digits.and_then(|digits| u64::from_str_radix(digits, 16).ok())
            }
            _ => None,
        };
        let help = Some(String::from("write them like \"0x000f\": the four lowest"));
        bits.map(Self).ok_or_else(|| Fault { at: node.at, message: "expected bits".into(), help })
    }
}

/// `16`, `"8/1"`, or either with a name behind it: `"16 write multiple registers"`.
pub(super) struct FunctionText(pub(super) Function);

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
