//! Why an operation is normal, or is not: the part of an entry that decides, or the nearest entry and what it lacks.
//!
//! Nothing is judged here: the compiled baseline that the detectors ask answers, and what it answered is put into words.

use fieldwarden_model::{AddressSpace, Point, PointRange, ShortText, Talker, Transport, Value, Verb};

use super::{
    Baseline, Entry,
    compiled::{Compiled, CompiledEntry},
    function_text,
    quiet::Scope,
    text::{value_text, width_text},
};
use crate::conversation::{ConversationKey, ServiceKey, plain, protocol_named};

/// An operation somebody asks about. What is left out is not asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Where both addresses are unique.
    pub space: AddressSpace,
    /// Who asks.
    pub client: Talker,
    /// Who is asked.
    pub server: Talker,
    /// TCP, UDP or the link.
    pub transport: Option<Transport>,
    /// The server's port.
    pub port: Option<u16>,
    /// The protocol.
    pub protocol: Option<ShortText>,
    /// The unit behind the server.
    pub unit: Option<u16>,
    /// What is done, where more is known of it than its function.
    pub verb: Option<Verb>,
    /// The function's code.
    pub function: Option<u32>,
    /// Points, in the protocol's notation.
    pub points: Option<String>,
    /// How many points one value spans; as the entry has it where left out.
    pub step: Option<u16>,
    /// A value written to them.
    pub value: Option<Value>,
}

/// What the baseline says of one part of the operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The conversation it is about; none where it is about a talker, or no conversation fits.
    pub entry: Option<String>,
    /// Which part: `client`, `server`, `conversation`, `function`, `points`, `motion`, `value`, `quiet`.
    pub part: &'static str,
    /// Whether it is normal; none where it is not judged.
    pub normal: Option<bool>,
    /// Why, in a sentence.
    pub why: String,
    /// The detector that tells it where it is not normal.
    pub detector: Option<&'static str>,
}

/// Whether the operation as a whole is normal: both talkers belong here, and at least one conversation allows all of it.
#[must_use]
pub fn is_normal(answers: &[Answer]) -> bool {
    let talkers = answers.iter().filter(|answer| matches!(answer.part, "client" | "server"));
    let entries: std::collections::BTreeSet<&String> =
        answers.iter().filter_map(|answer| answer.entry.as_ref()).collect();
    let allows = |entry: &&String| {
        answers
            .iter()
            .filter(|answer| answer.entry.as_ref() == Some(*entry))
            .all(|answer| answer.normal != Some(false))
    };
    talkers.into_iter().all(|answer| answer.normal != Some(false)) && entries.iter().any(allows)
}

/// What a baseline says of an operation, part by part: the talkers, then each conversation that it may belong to.
#[must_use]
pub fn explain(baseline: &Baseline, question: &Question) -> Vec<Answer> {
    let compiled = Compiled::new(baseline.clone());
    let mut answers = vec![
        talker(&compiled, question.space, question.client, "client"),
        talker(&compiled, question.space, question.server, "server"),
    ];
    let mut fits = 0;
    for entry in baseline.conversations.iter().filter(|entry| may_be(entry, question)) {
        let position = entry.key().and_then(|key| compiled.position(&key));
        let Some(judged) = position.and_then(|position| compiled.entry(position)) else { continue };
        // A later table about the same conversation counts instead.
        if judged.id() != entry.id {
            continue;
        }
        fits += 1;
        operation(&mut answers, entry, judged, question);
    }
    if fits == 0 {
        answers.push(stranger(&compiled, question));
    }
    let quiet = quiet(&compiled, baseline, question, &answers);
    answers.extend(quiet);
    answers
}

/// What of it, where it is told at all, is told quietly.
fn quiet(compiled: &Compiled, baseline: &Baseline, question: &Question, answers: &[Answer]) -> Vec<Answer> {
    let mut said = Vec::new();
    for answer in answers {
        let Some(detector) = answer.detector else { continue };
        let entry = answer.entry.as_ref();
        let entry = entry.and_then(|id| baseline.conversations.iter().find(|entry| entry.id == *id));
        let told = told(question, entry, answer, detector);
        for quiet in compiled.quiet.covering(&told) {
            let why = format!(
                "what {detector} tells of it is quiet {}: {} ({})",
                quiet.until_text(),
                quiet.reason,
                quiet.scope
            );
            said.push(Answer { entry: None, part: "quiet", normal: None, why, detector: None });
        }
    }
    said
}

/// What a detector would tell of the operation, as far as it is said and its entry knows more.
fn told(question: &Question, entry: Option<&Entry>, answer: &Answer, detector: &'static str) -> Scope {
    let is_talker = matches!(answer.part, "client" | "server");
    let who = if answer.part == "server" { question.server } else { question.client };
    if is_talker {
        let (space, client) = (question.space, Some(who));
        return Scope { space, client, detector: Some(detector), ..Scope::default() };
    }
    let protocol = question.protocol.clone().or_else(|| entry.map(|entry| entry.protocol.clone()));
    let written = question.value.map(|_| Verb::Write);
    let notation = protocol.as_deref().and_then(fieldwarden_protocols::dissector).map(|d| d.notation());
    Scope {
        space: question.space,
        client: Some(question.client),
        server: Some(question.server),
        transport: question.transport.or_else(|| entry.map(|entry| entry.transport)),
        server_port: question.port.or_else(|| entry.and_then(|entry| entry.server_port)),
        protocol: protocol.as_deref().and_then(protocol_named),
        unit: question.unit.or_else(|| entry.and_then(|entry| entry.unit)),
        operation: question.verb.or(written),
        function: question.function,
        points: question
            .points
            .as_deref()
            .zip(notation)
            .and_then(|(text, notation)| notation.read(text.trim())),
        detector: Some(detector),
    }
}

fn talker(compiled: &Compiled, space: AddressSpace, talker: Talker, part: &'static str) -> Answer {
    let normal = compiled.knows_talker(space, talker) || crate::conversation::is_group_or_nobody(talker);
    let why =
        if normal { format!("{talker} belongs here") } else { format!("{talker} is not among the talkers") };
    Answer { entry: None, part, normal: Some(normal), why, detector: (!normal).then_some("new-talker") }
}

/// Whether an operation may belong to a conversation, by all that is said of it.
fn may_be(entry: &Entry, question: &Question) -> bool {
    entry.space == question.space
        && (entry.client, entry.server) == (question.client, question.server)
        && question.transport.is_none_or(|transport| transport == entry.transport)
        && (question.port.is_none() || question.port == entry.server_port)
        && question.protocol.as_ref().is_none_or(|protocol| *protocol == entry.protocol)
        && (question.unit.is_none() || question.unit == entry.unit)
}

fn stranger(compiled: &Compiled, question: &Question) -> Answer {
    let transport = question.transport.unwrap_or(match question.client {
        Talker::Ip(_) => Transport::Tcp,
        Talker::Mac(_) => Transport::Link,
    });
    let (space, client, server) = (question.space, question.client, question.server);
    let service = ServiceKey { space, client, server, transport, port: question.port };
    let named = question.protocol.as_deref().and_then(protocol_named);
    let key =
        ConversationKey { service, protocol: named.unwrap_or_else(|| plain(transport)), unit: question.unit };
    let near = compiled.nearest(&key).map(|near| (near.id(), near.key));
    let why = match near {
        Some((id, near)) => {
            format!(
                "no conversation is like this; `{id}` comes closest, but has {}",
                lacks(&near, question).join(", ")
            )
        }
        None => String::from("no conversation has this client or this server"),
    };
    Answer { entry: None, part: "conversation", normal: Some(false), why, detector: Some("new-conversation") }
}

/// In what a conversation differs from the operation.
fn lacks(near: &ConversationKey, question: &Question) -> Vec<String> {
    let service = &near.service;
    let mut told = Vec::new();
    if service.space != question.space {
        told.push(format!("address space {}", service.space.0));
    }
    if service.client != question.client {
        told.push(format!("client {}", service.client));
    }
    if service.server != question.server {
        told.push(format!("server {}", service.server));
    }
    if question.port.is_some() && service.port != question.port {
        told.push(service.port.map_or_else(|| "no port".into(), |port| format!("port {port}")));
    }
    if question.transport.is_some_and(|transport| transport != service.transport) {
        told.push(super::text::transport_word(service.transport).into());
    }
    if question.protocol.as_ref().is_some_and(|protocol| *protocol != near.protocol.name()) {
        told.push(format!("protocol {}", near.protocol));
    }
    if question.unit.is_some() && near.unit != question.unit {
        told.push(near.unit.map_or_else(|| "no unit".into(), |unit| format!("unit {unit}")));
    }
    told
}

fn operation(answers: &mut Vec<Answer>, entry: &Entry, judged: &CompiledEntry, question: &Question) {
    let answer = |part, normal, why, detector: &'static str| Answer {
        entry: Some(entry.id.clone()),
        part,
        normal,
        why,
        detector: (normal == Some(false)).then_some(detector),
    };
    let is_listed = format!("listed as {}", judged.key);
    answers.push(answer("conversation", Some(true), is_listed, "new-conversation"));
    if let Some(code) = question.function {
        let (normal, why) = function(judged, code, question.verb);
        answers.push(answer("function", normal, why, told_by(question.verb)));
    }
    let Some(text) = question.points.as_deref() else { return };
    let Some(points) = entry.points_of(text) else {
        let why = format!("`{text}` is no point of {}", entry.protocol);
        answers.push(answer("points", Some(false), why, "new-point-write"));
        return;
    };
    let writes = question.value.is_some() || matches!(question.verb, Some(Verb::Write | Verb::Operate));
    if !writes {
        let listed = entry.reads.iter().find(|range| range.contains(&points));
        let why = match listed {
            Some(range) => format!("`reads` has {}", entry.points_text(range)),
            None => format!("`reads` does not have {text}; points that are read are not judged"),
        };
        answers.push(answer("points", listed.map(|_| true), why, "new-point-write"));
        let moves = entry.motion.iter().filter(|line| line.points.overlaps(&points));
        for line in moves {
            let why = format!("{} {}", entry.points_text(&line.points), line.text());
            answers.push(answer("motion", None, why, "frozen-report"));
        }
        return;
    }
    let (normal, why) = written(entry, judged, points);
    answers.push(answer("points", Some(normal), why, "new-point-write"));
    if let Some(value) = question.value.filter(|_| normal) {
        let (normal, why) = values(entry, judged, points, question.step, value);
        answers.push(answer("value", Some(normal), why, "value-out-of-range"));
    }
}

const fn told_by(verb: Option<Verb>) -> &'static str {
    match verb {
        Some(Verb::Mode) => "controller-mode",
        Some(Verb::Program) => "program-transfer",
        _ => "new-function",
    }
}

fn function(judged: &CompiledEntry, code: u32, verb: Option<Verb>) -> (Option<bool>, String) {
    let text = function_text(code);
    if judged.knows_function(code) {
        return (Some(true), format!("`functions` has {text}"));
    }
    if verb == Some(Verb::Associate) {
        return (None, format!("{text} opens or closes a session, which is not judged"));
    }
    (Some(false), format!("`functions` does not have {text} ({})", judged.cite_functions()))
}

fn written(entry: &Entry, judged: &CompiledEntry, points: PointRange) -> (bool, String) {
    if judged.covers_write(&points) {
        let holds = judged.written().iter().find(|range| range.contains(&points)).unwrap_or(&points);
        return (true, format!("`writes` has {}", entry.points_text(holds)));
    }
    let distance =
        |range: &&PointRange| range.first.abs_diff(points.first).min(range.last.abs_diff(points.first));
    let near = judged.written().iter().filter(|range| range.space == points.space).min_by_key(distance);
    let why = match near {
        Some(near) => format!("`writes` does not have it; {} comes closest", entry.points_text(near)),
        None if judged.written().is_empty() => String::from("nothing is written here"),
        None => String::from("nothing of this kind is written here"),
    };
    (false, why)
}

fn values(
    entry: &Entry,
    judged: &CompiledEntry,
    points: PointRange,
    step: Option<u16>,
    value: Value,
) -> (bool, String) {
    let held = judged.envelopes().iter().filter(|envelope| envelope.points.overlaps(&points));
    let widths: std::collections::BTreeSet<u16> = held.map(|envelope| envelope.step).collect();
    let step = step.or_else(|| widths.first().copied()).unwrap_or(1).max(1);
    let mut why = String::new();
    let mut index = points.first;
    while index <= points.last {
        let here = Point { space: points.space, index };
        let last = index.saturating_add(u64::from(step) - 1).min(points.last);
        let at = entry.points_text(&PointRange { first: index, last, ..points });
        let Some(envelope) = judged.envelope(here, step) else {
            return (false, format!("no value is written to {at} in this width{}", width_text(step)));
        };
        let bounds = format!(
            "{} takes {}{}",
            entry.points_text(&envelope.points),
            envelope.bounds_text(),
            envelope.width_text()
        );
        if !envelope.allows(value) {
            return (false, format!("{} is outside: {bounds}", value_text(value)));
        }
        if why.is_empty() {
            why = bounds;
        }
        // All points up to where another envelope begins answer alike; the next value is looked up anew.
        index = match index.checked_add(u64::from(step)) {
            Some(next) => next,
            None => break,
        };
    }
    (true, why)
}

#[cfg(test)]
mod tests;
