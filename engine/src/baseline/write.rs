//! A baseline as a text that an OT engineer reads without a manual.

use fieldwarden_model::{
    PointRange, Transport, Value,
    document::{Document, Entry as Line, Plain, Table},
};
use fieldwarden_protocols::Notation;

use super::{
    Allowed, Baseline, Entry, Envelope, Function, KnownTalker, Pace, function_text, text::bits_text,
};

const PREAMBLE: &[&str] = &[
    "Fieldwarden baseline: what is normal in this plant. Everything else is told.",
    "",
    "Review it like a drawing: each [[talker]] belongs here; each [[conversation]] is one client using one service",
    "of one server. `functions` are the protocol's own codes (names are for people and may be left out), `reads` and",
    "`writes` the points in the protocol's notation, `minimum` and `maximum` the values allowed (both included), `seen`",
    "how many values that rests on. In their place: `values` are the only ones; `bits` are those of a word that change (`set` always",
    "is); `counter` is the most a count goes up by at once. `step_maximum` and `run_maximum` say how far values move at once and one",
    "way, `turns_per_minute` how often they turn back. `period_ms` is the usual time between two polls, `pause_ms` the longest between",
    "two requests, `requests_per_minute` the fewest and the most, `writes_per_minute` the most writes. Delete what does not belong,",
    "widen what is too narrow.",
];

impl Baseline {
    /// The text of this baseline, in canonical order: the same baseline always gives the same text.
    #[must_use]
    pub fn document(&self) -> Document {
        let mut tables = Vec::new();
        if let Some(learned) = self.learned {
            let entries = vec![
                line("from", Plain::Text(learned.from.to_string())),
                line("until", Plain::Text(learned.until.to_string())),
                line("frames", integer(learned.frames)),
            ];
            tables.push(Table { path: "learned".into(), entries, ..Table::default() });
        }
        tables.extend(self.talkers.iter().map(talker));
        tables.extend(self.conversations.iter().map(conversation));
        Document {
            preamble: PREAMBLE.iter().map(|&text| text.to_owned()).collect(),
            entries: vec![line("mode", Plain::Text(self.mode.clone()))],
            tables,
        }
    }
}

fn talker(known: &KnownTalker) -> Table {
    let mut entries = vec![line("address", Plain::Text(known.talker.to_string()))];
    entries.extend(known.mac.map(|mac| line("mac", Plain::Text(mac.to_string()))));
    entries.extend((known.space.0 != 0).then(|| line("space", Plain::Integer(known.space.0.into()))));
    Table { path: "talker".into(), repeated: true, entries, ..Table::default() }
}

fn conversation(entry: &Entry) -> Table {
    let transport = match entry.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Link => "link",
    };
    let notation = fieldwarden_protocols::dissector(&entry.protocol).map(|dissector| dissector.notation());
    let text = |key: &str, value: &str| line(key, Plain::Text(value.to_owned()));
    let mut entries = vec![
        text("id", &entry.id),
        text("client", &entry.client.to_string()),
        text("server", &entry.server.to_string()),
        text("transport", transport),
    ];
    entries.extend((entry.space.0 != 0).then(|| line("space", Plain::Integer(entry.space.0.into()))));
    entries.extend(entry.server_port.map(|port| line("server_port", Plain::Integer(port.into()))));
    entries.push(text("protocol", &entry.protocol));
    entries.extend(entry.unit.map(|unit| line("unit", Plain::Integer(unit.into()))));
    if !entry.functions.is_empty() {
        entries.push(functions(entry));
    }
    if !entry.reads.is_empty() {
        let reads = entry.reads.iter().map(|range| points(range, notation)).collect();
        entries.push(line("reads", Plain::List(reads)));
    }
    if !entry.writes.is_empty() {
        let writes = entry.writes.iter().map(|envelope| writes(envelope, notation)).collect();
        entries.push(line("writes", Plain::List(writes)));
    }
    entries.extend(entry.period_ms.map(|period| line("period_ms", integer(period))));
    if entry.refusals_per_minute > 0 {
        entries.push(line("refusals_per_minute", integer(entry.refusals_per_minute)));
    }
    entries.extend(pace(&entry.pace));
    if !entry.oddities.is_empty() {
        let oddities = entry.oddities.iter().map(|code| Plain::Text(code.clone())).collect();
        entries.push(line("oddities", Plain::List(oddities)));
    }
    Table { path: "conversation".into(), repeated: true, entries, ..Table::default() }
}

fn pace(pace: &Pace) -> impl Iterator<Item = Line> {
    let requests = pace
        .requests_per_minute
        .map(|(fewest, most)| line("requests_per_minute", Plain::List(vec![integer(fewest), integer(most)])));
    let writes = pace.writes_per_minute.map(|most| line("writes_per_minute", integer(most)));
    let pause = pace.pause_ms.map(|pause| line("pause_ms", integer(pause)));
    [requests, writes, pause].into_iter().flatten()
}

fn functions(entry: &Entry) -> Line {
    let one = |function: &Function| match (function.code >> 16, function.name.as_str()) {
        (0, "") => Plain::Integer(function.code.into()),
        (_, "") => Plain::Text(function_text(function.code)),
        (_, name) => Plain::Text(format!("{} {name}", function_text(function.code))),
    };
    line("functions", Plain::List(entry.functions.iter().map(one).collect()))
}

fn writes(envelope: &Envelope, notation: Option<&dyn Notation>) -> Plain {
    let mut pairs = vec![(String::from("points"), points(&envelope.points, notation))];
    if envelope.step != 1 {
        pairs.push(("step".into(), Plain::Integer(envelope.step.into())));
    }
    pairs.extend(allowed(&envelope.allowed));
    let moves = &envelope.moves;
    let most = |name: &str, value: Option<f64>| value.map(|value| (name.to_owned(), Plain::Float(value)));
    pairs.extend(most("step_maximum", moves.step_maximum));
    pairs.extend(most("run_maximum", moves.run_maximum));
    if moves.turns_per_minute > 0 {
        pairs.push(("turns_per_minute".into(), Plain::Integer(moves.turns_per_minute.into())));
    }
    pairs.push(("seen".into(), integer(envelope.seen)));
    Plain::Inline(pairs)
}

fn allowed(allowed: &Allowed) -> Vec<(String, Plain)> {
    let mut pairs = Vec::new();
    match allowed {
        Allowed::Range { .. } => {}
        Allowed::Values(few) => pairs.push(("values".into(), Plain::List(few.iter().map(number).collect()))),
        Allowed::Bits(bits) => {
            let text = |bits| Plain::Text(bits_text(bits));
            pairs.push(("bits".into(), text(bits.changing())));
            pairs.extend((bits.set() != 0).then(|| ("set".into(), text(bits.set()))));
        }
        Allowed::Counter(counter) => pairs.push(("counter".into(), integer(counter.step))),
    }
    let (minimum, maximum) = allowed.bounds().unwrap_or_default();
    let bound = |name: &str, value: Option<Value>| value.map(|value| (name.to_owned(), number(value)));
    pairs.extend(bound("minimum", minimum));
    pairs.extend(bound("maximum", maximum));
    pairs
}

fn points(range: &PointRange, notation: Option<&dyn Notation>) -> Plain {
    let mut text = String::new();
    if let Some(notation) = notation {
        // Writing to a String cannot fail.
        let _ = notation.write(range, &mut text);
    }
    Plain::Text(text)
}

const fn number(value: Value) -> Plain {
    match value {
        Value::Integer(value) => Plain::Integer(value),
        Value::Float(value) => Plain::Float(value),
    }
}

fn integer(value: u64) -> Plain {
    Plain::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn line(key: &str, value: Plain) -> Line {
    Line { key: key.to_owned(), value, remark: String::new() }
}
