//! What a client wrote down, held against what `decode` read: message by message, in order, in both directions.

use std::path::Path;

use serde_json::{Map, Number, Value};

use crate::live::{json_lines, run};

/// The client of `lab/converse`.
const CLIENT: &str = "10.9.0.10:";

/// How a protocol is compared.
pub(crate) struct Protocol {
    /// As `lab/converse` names it.
    pub(crate) name: &'static str,
    /// The protocols of `decode` whose lines are the conversation.
    pub(crate) lines: &'static [&'static str],
    /// Keys that say what was touched, with which value and which result: where a message has one of them, so has the journal.
    pub(crate) carries: &'static [&'static str],
    /// Messages that no operation of the client asked for: links, sessions and subscriptions set up and kept alive.
    pub(crate) upkeep: fn(&Map<String, Value>) -> bool,
    /// How often every kind of exchange is had in a quick test.
    pub(crate) rounds: usize,
}

/// One message, of one side.
struct Heard {
    frame: u64,
    fields: Map<String, Value>,
}

/// What stands in the journal and in the capture.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Operations that the client journaled.
    pub(crate) operations: usize,
    /// Those that ended neither well nor in a refusal.
    pub(crate) unanswered: usize,
    /// Those that the server refused.
    pub(crate) refused: usize,
    /// Functions that were used.
    pub(crate) functions: std::collections::BTreeSet<String>,
    /// Messages held against the journal.
    pub(crate) messages: usize,
    /// Where journal and `decode` differ, in words.
    pub(crate) differences: Vec<String>,
}

/// Holds a capture against the journal of the client in it.
pub(crate) fn verdict(protocol: &Protocol, capture: &Path, journal: &Path) -> Verdict {
    let records = json_lines(journal);
    let mut verdict = Verdict { operations: records.len(), ..Verdict::default() };
    for record in &records {
        verdict.unanswered += usize::from(record["answered"] != true);
        verdict.refused += usize::from(record["result"] == "refused");
        verdict.functions.insert(record["function"].to_string());
    }
    let (asked, got) = heard(protocol, capture, &mut verdict.differences);
    for (side, key, heard) in [("asked", "asked", asked), ("got", "got", got)] {
        let told: Vec<(&Value, &Value)> = records
            .iter()
            .flat_map(|record| record[key].as_array().into_iter().flatten().map(move |told| (record, told)))
            .collect();
        verdict.messages += heard.len();
        compare(protocol, side, &told, &heard, &mut verdict.differences);
    }
    verdict
}

/// The messages that the client sent, and those it received, upkeep left out.
fn heard(protocol: &Protocol, capture: &Path, differences: &mut Vec<String>) -> (Vec<Heard>, Vec<Heard>) {
    let said = run(env!("CARGO_BIN_EXE_fieldwarden"), &["decode", "--json", capture.to_str().unwrap()]);
    let (mut asked, mut got) = (Vec::new(), Vec::new());
    for mut line in said.rows() {
        if line["protocol"] == "arp" {
            continue;
        }
        let frame = line["frame"].as_u64().unwrap();
        let ours = protocol.lines.iter().any(|name| line["protocol"] == *name);
        // What comes again is read by itself, so that a part of a message may miss the others.
        let again =
            line["anomalies"].as_array().is_some_and(|told| told.iter().any(|code| code == "repeated"));
        if !ours || !again && (line["kind"] == "anomaly" || line.get("anomalies").is_some()) {
            differences.push(format!("frame {frame}: decode says {line}"));
        }
        let from_client = line["src"].as_str().unwrap().starts_with(CLIENT);
        let side = if from_client { &mut asked } else { &mut got };
        let Value::Object(fields) = line["fields"].take() else { panic!("{line}") };
        if (protocol.upkeep)(&fields) {
            continue;
        }
        // What TCP sent again, as it does on a busy machine, the peer hears once; it must have been told before as it is.
        match again {
            false => side.push(Heard { frame, fields }),
            true if side.iter().any(|heard| heard.fields == fields) => {}
            true => differences.push(format!("frame {frame}: nobody said before {}", Value::Object(fields))),
        }
    }
    (asked, got)
}

/// The n-th message of a side is the n-th that the journal has of it.
fn compare(
    protocol: &Protocol,
    side: &str,
    told: &[(&Value, &Value)],
    heard: &[Heard],
    differences: &mut Vec<String>,
) {
    if told.len() != heard.len() {
        differences.push(format!("{side}: the journal has {} messages, decode {}", told.len(), heard.len()));
    }
    for ((record, told), heard) in told.iter().zip(heard) {
        let told = told.as_object().unwrap();
        let missing = told.iter().filter(|(key, value)| !same(value, heard.fields.get(*key)));
        let unexplained = protocol
            .carries
            .iter()
            .filter(|key| heard.fields.contains_key(**key) && !told.contains_key(**key));
        let wrong: Vec<&str> = missing.map(|(key, _)| key.as_str()).chain(unexplained.copied()).collect();
        if !wrong.is_empty() {
            let (time, told) = (&record["time"], Value::Object(told.clone()));
            let read = Value::Object(heard.fields.clone());
            differences.push(format!(
                "{side}, {time}, frame {}: {wrong:?}:\n  journal {told}\n  decode  {read}",
                heard.frame
            ));
        }
    }
}

/// Whether a value is what the journal says. Numbers are compared as numbers; an absent list is an empty one.
fn same(told: &Value, read: Option<&Value>) -> bool {
    match (told, read) {
        (Value::Array(told), None) => told.is_empty(),
        (Value::Array(told), Some(Value::Array(read))) => {
            told.len() == read.len() && told.iter().zip(read).all(|(told, read)| same(told, Some(read)))
        }
        // A list of one stands for the number alone, and the other way round.
        (Value::Array(told), Some(read)) => told.len() == 1 && same(&told[0], Some(read)),
        (Value::Number(told), Some(Value::Number(read))) => same_number(told, read),
        (told, read) => Some(told) == read,
    }
}

/// serde_json may read a fraction a unit in the last place off; whole numbers are compared as they are.
fn same_number(told: &Number, read: &Number) -> bool {
    let whole = |number: &Number| number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    match (whole(told), whole(read), told.as_f64(), read.as_f64()) {
        (Some(told), Some(read), ..) => told == read,
        (.., Some(told), Some(read)) => (told - read).abs() <= 2.0 * f64::EPSILON * read.abs(),
        _ => false,
    }
}
