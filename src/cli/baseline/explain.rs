//! `baseline explain`: why an operation is normal, or is not.

use std::{
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use fieldwarden_engine::baseline::{
    Baseline, ModeName,
    explain::{Answer, Question, explain, is_normal},
    function_code,
};
use fieldwarden_model::{AddressSpace, Talker, Transport, Value, Verb};
use serde_json::json;

use super::{
    super::{Outcome, load, replay},
    LINES_VERSION,
};

#[derive(Debug, Args)]
#[command(
    after_help = "What is left out is not asked about: a client and a server alone ask whether they talk at all."
)]
pub(crate) struct Words {
    /// The baseline
    file: PathBuf,
    /// Who asks
    #[arg(long)]
    client: Talker,
    /// Who is asked
    #[arg(long)]
    server: Talker,
    /// The address space of both, where addresses repeat
    #[arg(long, default_value_t = 0)]
    space: u16,
    /// What carries it
    #[arg(long)]
    transport: Option<TransportWord>,
    /// The server's port
    #[arg(long)]
    port: Option<u16>,
    /// The protocol, such as `modbus`
    #[arg(long)]
    protocol: Option<String>,
    /// The unit behind the server
    #[arg(long)]
    unit: Option<u16>,
    /// The function's code, `16` or `8/1`
    #[arg(long, value_parser = code)]
    function: Option<u32>,
    /// What it does, where that is known: write and operate ask for points that are written
    #[arg(long)]
    operation: Option<Deed>,
    /// Points in the protocol's notation, such as `40101-40102`
    #[arg(long)]
    points: Option<String>,
    /// A value written to them
    #[arg(long, requires = "points", allow_hyphen_values = true, value_parser = number)]
    value: Option<Value>,
    /// How many points one value spans; as the entry has it where left out
    #[arg(long, requires = "value", value_parser = clap::value_parser!(u16).range(1..=64))]
    step: Option<u16>,
    /// In which operating mode; in the usual one where it is left out
    #[arg(long, value_name = "NAME")]
    mode: Option<ModeName>,
    /// JSON Lines: one for each part, one for the whole
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TransportWord {
    Tcp,
    Udp,
    Link,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deed {
    Read,
    Write,
    Operate,
    Program,
    Mode,
    Associate,
}

fn code(text: &str) -> Result<u32, String> {
    function_code(text)
        .ok_or_else(|| "write a number such as 16, or `8/1` for sub-function 1 of function 8".into())
}

fn number(text: &str) -> Result<Value, String> {
    let whole = text.parse().map(Value::Integer).ok();
    whole.or_else(|| text.parse().map(Value::Float).ok()).ok_or_else(|| "expected a number".into())
}

pub(crate) fn run(words: &Words) -> Outcome {
    let baseline = load::baseline(&words.file)?;
    let question = Question {
        space: AddressSpace(words.space),
        client: words.client,
        server: words.server,
        transport: words.transport.map(|word| match word {
            TransportWord::Tcp => Transport::Tcp,
            TransportWord::Udp => Transport::Udp,
            TransportWord::Link => Transport::Link,
        }),
        port: words.port,
        protocol: words.protocol.as_deref().map(Into::into),
        unit: words.unit,
        verb: words.operation.map(|deed| match deed {
            Deed::Read => Verb::Read,
            Deed::Write => Verb::Write,
            Deed::Operate => Verb::Operate,
            Deed::Program => Verb::Program,
            Deed::Mode => Verb::Mode,
            Deed::Associate => Verb::Associate,
        }),
        function: words.function,
        points: words.points.clone(),
        step: words.step,
        value: words.value,
    };
    if let Some(mode) = words.mode {
        replay::known_mode(&baseline, mode)?;
    }
    let mode = words.mode.or_else(|| baseline.usual_mode());
    let mut answers = explain(&baseline.in_mode(mode), &question);
    if !is_normal(&answers) {
        answers.extend(elsewhere(&baseline, mode, &question));
    }
    if words.json { lines(&answers) } else { people(&answers) }
}

/// In which other modes it is normal.
fn elsewhere(baseline: &Baseline, asked: Option<ModeName>, question: &Question) -> Vec<Answer> {
    let others = baseline.modes.iter().map(|mode| mode.name).filter(|name| Some(*name) != asked);
    let normal = others.filter(|name| is_normal(&explain(&baseline.in_mode(Some(*name)), question)));
    let answer = |name: ModeName| Answer {
        entry: None,
        part: "mode",
        normal: None,
        why: format!("normal in {name}"),
        detector: None,
    };
    normal.map(answer).collect()
}

fn people(answers: &[Answer]) -> Outcome {
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}", if is_normal(answers) { "Normal." } else { "Not normal." })?;
    for group in answers.chunk_by(|a, b| a.entry == b.entry) {
        if let Some(entry) = group.first().and_then(|answer| answer.entry.as_ref()) {
            writeln!(out, "{entry}")?;
        }
        for answer in group {
            let mark = match answer.normal {
                Some(true) => "yes",
                Some(false) => "NO",
                None => "-",
            };
            let told = answer.detector.map(|id| format!("; told by {id}")).unwrap_or_default();
            writeln!(out, "  {mark:<4} {:<13} {}{told}", answer.part, answer.why)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn lines(answers: &[Answer]) -> Outcome {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for answer in answers {
        let row = json!({
            "type": "answer",
            "version": LINES_VERSION,
            "entry": answer.entry,
            "part": answer.part,
            "normal": answer.normal,
            "why": answer.why,
            "detector": answer.detector,
        });
        writeln!(out, "{row}")?;
    }
    writeln!(
        out,
        "{}",
        json!({"type": "explained", "version": LINES_VERSION, "normal": is_normal(answers)})
    )?;
    out.flush()?;
    Ok(())
}
