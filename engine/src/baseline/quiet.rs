//! What is told quietly: alerts of a narrow scope, for a reason somebody vouches for, and until a moment.
//!
//! Guarantees: an entry covers an alert only where each part it names is the alert's own; it names a client or a server
//! at least; and what no baseline may hold for normal is never covered, whatever it says.

mod read;
#[cfg(test)]
mod tests;

use core::fmt;
use std::collections::BTreeMap;

use fieldwarden_model::{
    AddressSpace, Alert, PointRange, Talker, Timestamp, Transport, Verb,
    document::{Plain, Table},
};
use fieldwarden_protocols::Protocol;

use super::{
    Subject, accept, function_text,
    text::transport_word,
    write::{integer, line, points},
};
use crate::{conversation::protocol_named, detect::detector_id};

pub(super) use read::read;
pub use read::{until_of, words_of};

/// Which alerts are meant: whatever it names must be so; what it leaves out may be anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// Where both addresses are unique.
    pub space: AddressSpace,
    /// Who asks.
    pub client: Option<Talker>,
    /// Who is asked.
    pub server: Option<Talker>,
    /// TCP, UDP or the link.
    pub transport: Option<Transport>,
    /// The server's port.
    pub server_port: Option<u16>,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// The unit behind the server.
    pub unit: Option<u16>,
    /// What is done.
    pub operation: Option<Verb>,
    /// By which function.
    pub function: Option<u32>,
    /// To points within these.
    pub points: Option<PointRange>,
    /// What tells it.
    pub detector: Option<&'static str>,
}

/// Alerts that are told as information, without an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// Which.
    pub scope: Scope,
    /// Until when; absent where nobody said so.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who vouches for it.
    pub accepted_by: Option<String>,
}

impl Scope {
    /// The scope that holds an alert and as little else as an entry can say; none of an alert about a detector or a protocol
    /// that this build does not know.
    #[must_use]
    pub fn of(alert: &Alert) -> Option<Self> {
        let protocol = alert.protocol.as_deref();
        let notation = protocol.and_then(fieldwarden_protocols::dissector).map(|found| found.notation());
        Some(Self {
            space: alert.space,
            client: Some(alert.client),
            server: alert.server,
            transport: alert.transport,
            server_port: alert.server_port,
            protocol: protocol.map(|name| protocol_named(name).ok_or(())).transpose().ok()?,
            unit: alert.unit,
            operation: alert.operation,
            // A number is nothing without its protocol.
            function: alert.function.filter(|_| protocol.is_some()),
            points: alert.points.as_deref().zip(notation).and_then(|(text, notation)| notation.read(text)),
            detector: Some(detector_id(&alert.detector)?),
        })
    }

    /// Whether something that was told, every part of it named, lies within.
    #[must_use]
    pub fn covers(&self, told: &Self) -> bool {
        fn same<T: PartialEq>(wanted: Option<T>, told: Option<T>) -> bool {
            wanted.is_none() || wanted == told
        }
        let ends = self.space == told.space
            && same(self.client, told.client)
            && same(self.server, told.server)
            && (self.client.is_some() || self.server.is_some());
        let service = same(self.transport, told.transport)
            && same(self.server_port, told.server_port)
            && same(self.protocol, told.protocol)
            && same(self.unit, told.unit);
        let within = |wanted: PointRange| told.points.is_some_and(|points| wanted.contains(&points));
        let deed = same(self.operation, told.operation)
            && same(self.function, told.function)
            && self.points.is_none_or(within);
        let may = told.detector.is_some_and(|detector| accept::never(detector).is_none());
        ends && service && deed && same(self.detector, told.detector) && may
    }

    /// The points in the notation of the protocol.
    fn points_text(&self) -> Option<String> {
        let notation = fieldwarden_protocols::dissector(self.protocol?.name())?.notation();
        let mut text = String::new();
        notation.write(&self.points?, &mut text).ok()?;
        Some(text)
    }
}

impl fmt::Display for Scope {
    /// `10.2.0.66 to 10.1.0.10 port 502 modbus unit 1, write, function 6, points 40101, new-point-write`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |talker: Option<Talker>| talker.map_or_else(|| "anyone".into(), |end| end.to_string());
        write!(f, "{} to {}", end(self.client), end(self.server))?;
        if let Some(transport) = self.transport {
            write!(f, " over {}", transport_word(transport))?;
        }
        if let Some(port) = self.server_port {
            write!(f, " port {port}")?;
        }
        if let Some(protocol) = self.protocol {
            write!(f, " {protocol}")?;
        }
        if let Some(unit) = self.unit {
            write!(f, " unit {unit}")?;
        }
        if self.space.0 != 0 {
            write!(f, " in space {}", self.space.0)?;
        }
        if let Some(verb) = self.operation {
            write!(f, ", {}", verb.word())?;
        }
        if let Some(code) = self.function {
            write!(f, ", function {}", function_text(code))?;
        }
        if let Some(points) = self.points_text() {
            write!(f, ", points {points}")?;
        }
        match self.detector {
            Some(detector) => write!(f, ", {detector}"),
            None => f.write_str(", whatever tells it"),
        }
    }
}

impl Quiet {
    /// What its table is about.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        Subject::Quiet(self.scope)
    }

    /// Whether it holds at a moment.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        self.until.is_none_or(|until| time < until)
    }

    /// `until 2026-12-24T00:00:00Z`, or that nobody said until when.
    #[must_use]
    pub fn until_text(&self) -> String {
        self.until.map_or_else(|| "open-ended".into(), |until| format!("until {}", moment(until)))
    }

    pub(super) fn table(&self) -> Table {
        let scope = &self.scope;
        let text = |key: &str, value: Option<String>| value.map(|value| line(key, Plain::Text(value)));
        let number =
            |key: &str, value: Option<u16>| value.map(|value| line(key, Plain::Integer(value.into())));
        let notation = scope
            .protocol
            .and_then(|protocol| fieldwarden_protocols::dissector(protocol.name()))
            .map(|found| found.notation());
        let function = |code: u32| match code >> 16 {
            0 => integer(code.into()),
            _ => Plain::Text(function_text(code)),
        };
        let entries = [
            text("client", scope.client.map(|client| client.to_string())),
            text("server", scope.server.map(|server| server.to_string())),
            number("space", Some(scope.space.0).filter(|space| *space != 0)),
            text("transport", scope.transport.map(|transport| transport_word(transport).into())),
            number("server_port", scope.server_port),
            text("protocol", scope.protocol.map(|protocol| protocol.name().into())),
            number("unit", scope.unit),
            text("operation", scope.operation.map(|verb| verb.word().into())),
            scope.function.map(|code| line("function", function(code))),
            scope.points.map(|range| line("points", points(&range, notation))),
            text("detector", scope.detector.map(Into::into)),
            text("until", self.until.map(moment)),
            text("reason", Some(self.reason.clone())),
            text("accepted_by", self.accepted_by.clone()),
        ];
        let entries = entries.into_iter().flatten().collect();
        Table { path: "quiet".into(), repeated: true, entries, ..Table::default() }
    }
}

/// A moment without the decimals it does not need.
#[must_use]
pub fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    text.strip_suffix(".000000000Z").map_or_else(|| text.clone(), |whole| format!("{whole}Z"))
}

/// Entries by the end they name, so that a flood of findings is not held against all of them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: Box<[Quiet]>,
    by_client: BTreeMap<(AddressSpace, Talker), Vec<usize>>,
    /// Of those that name no client.
    by_server: BTreeMap<(AddressSpace, Talker), Vec<usize>>,
}

impl Index {
    pub(super) fn new(entries: Vec<Quiet>) -> Self {
        let mut index = Self { entries: entries.into_boxed_slice(), ..Self::default() };
        for (at, Quiet { scope, .. }) in index.entries.iter().enumerate() {
            let (by, end) = match (scope.client, scope.server) {
                (Some(client), _) => (&mut index.by_client, client),
                (None, Some(server)) => (&mut index.by_server, server),
                (None, None) => continue,
            };
            by.entry((scope.space, end)).or_default().push(at);
        }
        index
    }

    /// All of them, in the order of the file.
    pub(crate) fn entries(&self) -> &[Quiet] {
        &self.entries
    }

    /// Those that cover something that was told, held or over.
    pub(crate) fn covering<'a>(&'a self, told: &'a Scope) -> impl Iterator<Item = &'a Quiet> {
        let of = |by: &'a BTreeMap<_, Vec<usize>>, end: Option<Talker>| {
            end.and_then(|end| by.get(&(told.space, end))).map(Vec::as_slice).unwrap_or_default()
        };
        let both = of(&self.by_client, told.client).iter().chain(of(&self.by_server, told.server));
        both.filter_map(|at| self.entries.get(*at)).filter(|quiet| quiet.scope.covers(told))
    }
}
