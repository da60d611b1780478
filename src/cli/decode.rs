//! `decode`: every message, nothing judged.

use std::{
    fmt::Write as _,
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use clap::Args;
use fieldwarden_engine::{
    map::Seed,
    track::{self, Heard, Observer, Origin, Packet, SHARDS, TrackEvent, Tracker, Unreceived},
};
use fieldwarden_model::{AddressSpace, FrameRef, RawFrame, Timestamp};
use fieldwarden_protocols::{Direction, Kind, Message, link};

use super::{Failure, Outcome, captures::Captures, json_fields::JsonFields};

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// One JSON object per message and line
    #[arg(long)]
    json: bool,
    /// Captures (pcap or pcapng, also gzip or zstd), merged by time
    #[arg(required = true)]
    captures: Vec<PathBuf>,
}

pub(crate) fn run(words: &Words) -> Outcome {
    let mut captures = Captures::open(&words.captures)?;
    let several = words.captures.len() > 1;
    let names = several.then(|| captures.names());
    let mut printer = Printer {
        out: BufWriter::new(std::io::stdout().lock()),
        json: words.json,
        names,
        fields: JsonFields::default(),
        line: String::new(),
        fault: None,
    };
    let mut trackers: Vec<Tracker<Printer<_>>> =
        (0..SHARDS).map(|_| Tracker::new(track::Settings::default(), Seed::default())).collect();
    let mut clock = Timestamp::MIN;
    captures.each("decoding", |frame, reference| {
        clock = clock.max(frame.time);
        packet(&frame, reference, clock, &mut trackers, &mut printer);
        printer.fault.take().map_or(Ok(()), |fault| Err(Failure::from(fault)))
    })?;
    for tracker in &mut trackers {
        tracker.finish(&mut printer);
    }
    printer.out.flush()?;
    printer.fault.map_or(Ok(()), |fault| Err(fault.into()))
}

fn packet<W: std::io::Write>(
    frame: &RawFrame<'_>,
    reference: FrameRef,
    time: Timestamp,
    trackers: &mut [Tracker<Printer<W>>],
    printer: &mut Printer<W>,
) {
    let layers = &link::dissect(frame);
    let space = AddressSpace::default();
    let shard = usize::from(track::shard_of(layers, space));
    let packet = Packet { time, frame: reference, space, layers };
    let opened = trackers.get_mut(shard).and_then(|tracker| tracker.packet(&packet, printer));
    if let Some(opened) = opened {
        opened.distribute(&packet, &|_| space, &mut |shard, packet, frames| {
            trackers.get_mut(usize::from(shard))?.carried(packet, frames, printer)
        });
    }
}

struct Printer<W: std::io::Write> {
    out: BufWriter<W>,
    json: bool,
    names: Option<Vec<String>>,
    fields: JsonFields,
    line: String,
    fault: Option<std::io::Error>,
}

impl<W: std::io::Write> Observer for Printer<W> {
    type Flow = ();

    const SHOWS_UNRECEIVED: bool = true;

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        self.tell(origin, message, None);
    }

    fn unreceived(&mut self, origin: &Origin<'_>, why: Unreceived, message: &Message<'_>) {
        self.tell(origin, message, Some(why));
    }

    fn event(&mut self, _: &Origin<'_>, (): &mut (), _: TrackEvent) {}

    fn heard(&mut self, _: &Heard) -> Timestamp {
        Timestamp::MAX
    }
}

impl<W: std::io::Write> Printer<W> {
    fn tell(&mut self, origin: &Origin<'_>, message: &Message<'_>, why: Option<Unreceived>) {
        self.fields.clear();
        message.body.fields(&mut self.fields);
        self.line.clear();
        let frame = origin.frames.last().copied().unwrap_or_default();
        if self.json {
            self.json_line(origin, frame, message, why);
        } else {
            self.plain_line(origin, frame, message, why);
        }
        self.line.push('\n');
        if let Err(fault) = self.out.write_all(self.line.as_bytes()) {
            self.fault = Some(fault);
        }
    }

    fn json_line(
        &mut self,
        origin: &Origin<'_>,
        frame: FrameRef,
        message: &Message<'_>,
        why: Option<Unreceived>,
    ) {
        let (source, destination) = ends(origin);
        let line = &mut self.line;
        // Writing to a String cannot fail.
        let _ = write!(line, "{{\"frame\":{},", frame.number);
        if let Some(name) = self.names.as_ref().and_then(|names| names.get(usize::from(frame.capture))) {
            let _ = write!(line, "\"capture\":{},", serde_json::Value::from(name.as_str()));
        }
        let vlan: Vec<String> = origin.vlan.iter().map(u16::to_string).collect();
        let _ = write!(
            line,
            "\"time\":\"{}\",\"vlan\":[{}],\"src\":\"{source}\",\"dst\":\"{destination}\",\"protocol\":\"{}\",\"kind\":\"{}\",\"fields\":",
            origin.time,
            vlan.join(","),
            message.protocol,
            kind(message, why).word()
        );
        self.fields.write(line);
        let remarks: Vec<String> = remarks(message, why).map(|remark| format!("\"{remark}\"")).collect();
        if !remarks.is_empty() {
            let _ = write!(line, ",\"anomalies\":[{}]", remarks.join(","));
        }
        line.push('}');
    }

    fn plain_line(
        &mut self,
        origin: &Origin<'_>,
        frame: FrameRef,
        message: &Message<'_>,
        why: Option<Unreceived>,
    ) {
        let (source, destination) = ends(origin);
        let line = &mut self.line;
        let _ = write!(
            line,
            "{:>6} {} {source} > {destination} {} {}",
            frame.number,
            origin.time,
            message.protocol,
            kind(message, why).word()
        );
        self.fields.write_plain(line);
        for remark in remarks(message, why) {
            let _ = write!(line, " [{remark}]");
        }
    }
}

/// What nobody receives is no message of its sender: it stands beside them, like what could not be understood.
fn kind(message: &Message<'_>, why: Option<Unreceived>) -> Kind {
    if why.is_some() { Kind::Anomaly } else { message.kind }
}

fn remarks(message: &Message<'_>, why: Option<Unreceived>) -> impl Iterator<Item = String> {
    let why = why.map(|why| why.code().to_owned());
    why.into_iter().chain(message.anomalies.iter().map(ToString::to_string))
}

fn ends(origin: &Origin<'_>) -> (fieldwarden_model::Endpoint, fieldwarden_model::Endpoint) {
    match origin.direction {
        Direction::ToServer => (origin.key.client, origin.key.server),
        Direction::ToClient => (origin.key.server, origin.key.client),
    }
}
