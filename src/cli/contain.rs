//! `contain`: the order. Nothing is cut before a person has seen what would fall silent.

use clap::{Args, Subcommand};
use fieldwarden_model::{IncidentId, OrderId, Scope, Talker, Target, Transport};

use super::{Failure, Outcome, ask::Connection, table::Column};
use crate::daemon::control::Request;

const SILENT: [Column; 11] = [
    ("what", "what"),
    ("client", "client"),
    ("its role", "client_role"),
    ("server", "server"),
    ("port", "port"),
    ("protocol", "protocol"),
    ("criticality", "criticality"),
    ("per minute", "per_minute"),
    ("last seen", "last_seen"),
    ("baseline entry", "baseline_entry"),
    ("remark", "remark"),
];

const CANDIDATES: [Column; 8] = [
    ("what", "what"),
    ("scope", "scope"),
    ("target", "target"),
    ("possible", "possible"),
    ("stops", "stops"),
    ("fall silent", "silent"),
    ("of the baseline", "normal_silent"),
    ("remark", "remark"),
];

const ORDERS: [Column; 8] = [
    ("order", "order"),
    ("state", "state"),
    ("scope", "scope"),
    ("target", "target"),
    ("author", "author"),
    ("approved by", "approved_by"),
    ("lapses", "lapses"),
    ("cause", "cause"),
];

#[derive(Debug, Args)]
pub(crate) struct Words {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// What would fall silent, and can it be enforced here? Changes nothing
    Rehearse {
        #[command(flatten)]
        target: TargetWords,
        #[command(flatten)]
        connection: Connection,
    },
    /// Which orders could answer an incident, what each would cost, and which costs least? Changes nothing
    Candidates {
        /// The incident
        incident: String,
        /// How long the order would stand
        #[arg(long, default_value_t = 30.0)]
        lapse_minutes: f64,
        #[command(flatten)]
        connection: Connection,
    },
    /// Write an order down; it waits for an approver
    Propose {
        #[command(flatten)]
        target: TargetWords,
        /// Why, for the log, the SOC and the next shift
        #[arg(long)]
        reason: String,
        /// The incident it answers
        #[arg(long)]
        incident: Option<String>,
        /// Seconds for which the order is provisional; undone by itself unless the plant stays well
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(2..=3600))]
        keep_within_seconds: u32,
        /// When protected polls degrade meanwhile: hold the order and ask, instead of undoing it
        #[arg(long)]
        hold_and_ask: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Confirm an order; it is applied, read back, watched
    Approve {
        /// The order's id
        order: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Orders, newest last
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// End an order now, or all of them
    Release {
        /// The order's id
        #[arg(required_unless_present = "all")]
        order: Option<String>,
        /// Every order
        #[arg(long, conflicts_with = "order")]
        all: bool,
        /// Why
        #[arg(long, default_value = "released by hand")]
        reason: String,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(Debug, Args)]
struct TargetWords {
    /// Everything this talker says or hears
    #[arg(long, conflicts_with_all = ["client", "server", "switch", "port"],
        required_unless_present_any = ["client", "switch"])]
    talker: Option<Talker>,
    /// The client of one conversation
    #[arg(long, requires = "server")]
    client: Option<Talker>,
    /// Its server
    #[arg(long, requires = "client")]
    server: Option<Talker>,
    /// A switch of the enforcer's configuration: everything behind its `--port` goes into the quarantine VLAN
    #[arg(long, requires = "port", conflicts_with_all = ["client", "server", "transport"])]
    switch: Option<String>,
    /// The server's port, every port where absent; or the name of the switch's port
    #[arg(long)]
    port: Option<String>,
    /// `tcp` or `udp`; both where absent
    #[arg(long, requires = "server", value_parser = transport)]
    transport: Option<Transport>,
    /// What to do: `write-quarantine` stops the client's writes to port 502 (Modbus) or 102 (S7) and lets it read on;
    /// what the target says where absent
    #[arg(long, value_parser = scope)]
    scope: Option<Scope>,
    /// How long the order stands; it always lapses
    #[arg(long, default_value_t = 30.0)]
    lapse_minutes: f64,
}

impl TargetWords {
    fn target(&self) -> Result<Target, Failure> {
        if let (Some(switch), Some(port)) = (&self.switch, &self.port) {
            return Ok(Target::SwitchPort { switch: switch.clone(), port: port.clone() });
        }
        match (self.talker, self.client, self.server) {
            (Some(talker), ..) => Ok(Target::Talker { talker }),
            (None, Some(client), Some(server)) => {
                // Reads are told from writes over TCP alone, so nobody need say so.
                let is_quarantine = self.scope == Some(Scope::WriteQuarantine);
                let transport = self.transport.or_else(|| is_quarantine.then_some(Transport::Tcp));
                let number = |port: &String| {
                    port.parse()
                        .map_err(|_| Failure::Input(format!("`--port {port}` is no port of a server")))
                };
                let server_port = self.port.as_ref().map(number).transpose()?;
                Ok(Target::Conversation { client, server, server_port, transport })
            }
            _ => Err(Failure::Input(
                "say `--talker ADDRESS`, `--client ADDRESS --server ADDRESS` or `--switch NAME --port PORT`"
                    .into(),
            )),
        }
    }
}

/// Minutes as whole seconds.
fn lapse_secs(minutes: f64) -> Result<u32, Failure> {
    let seconds = (minutes * 60.0).round();
    if !(1.0..=f64::from(u32::MAX)).contains(&seconds) {
        return Err(Failure::Input(format!("`--lapse-minutes {minutes}` is not a time an order can stand")));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "its range was checked above"
    )]
    let whole = seconds as u32;
    Ok(whole)
}

fn scope(word: &str) -> Result<Scope, String> {
    let all = Scope::ALL;
    all.into_iter()
        .find(|scope| scope.word() == word)
        .ok_or_else(|| format!("write one of {}", all.map(|scope| format!("`{}`", scope.word())).join(", ")))
}

fn transport(word: &str) -> Result<Transport, String> {
    match word {
        "tcp" => Ok(Transport::Tcp),
        "udp" => Ok(Transport::Udp),
        _ => Err("write `tcp` or `udp`".into()),
    }
}

/// `contain ...`.
pub(crate) fn run(words: &Words) -> Outcome {
    match &words.verb {
        Verb::Rehearse { target, connection } => {
            let request = Request::Rehearse {
                target: target.target()?,
                scope: target.scope,
                lapse_secs: lapse_secs(target.lapse_minutes)?,
            };
            connection.show(&request, &SILENT)
        }
        Verb::Candidates { incident, lapse_minutes, connection } => {
            let incident = IncidentId(incident.clone());
            let request = Request::Candidates { incident, lapse_secs: lapse_secs(*lapse_minutes)? };
            connection.show(&request, &CANDIDATES)
        }
        Verb::Propose { target, reason, incident, keep_within_seconds, hold_and_ask, connection } => {
            let request = Request::Propose {
                target: target.target()?,
                scope: target.scope,
                lapse_secs: lapse_secs(target.lapse_minutes)?,
                keep_within_secs: *keep_within_seconds,
                hold_and_ask: *hold_and_ask,
                reason: reason.clone(),
                incident: incident.clone().map(IncidentId),
            };
            connection.show(&request, &ORDERS)
        }
        Verb::Approve { order, connection } => {
            connection.show(&Request::Approve { order: OrderId(order.clone()) }, &ORDERS)
        }
        Verb::List { connection } => connection.show(&Request::Orders, &ORDERS),
        Verb::Release { order, all: _, reason, connection } => {
            let reason = reason.clone();
            let request = match order {
                Some(order) => Request::Release { order: OrderId(order.clone()), reason },
                None => Request::ReleaseAll { reason },
            };
            connection.show(&request, &ORDERS)
        }
    }
}
