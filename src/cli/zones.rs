//! `zones`: drift between permitted conduits and what is seen.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use fieldwarden_engine::zones::{Crossing, Crossings};
use fieldwarden_model::{Site, Talker};
use serde_json::{Value, json};

use super::{Failure, Outcome, captures::Captures, learn, load, table};

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// The daemon's configuration: its `[[site.zone]]` and `[[site.conduit]]`
    #[arg(long)]
    config: PathBuf,
    /// JSON Lines: conduits, then what passed outside any, by conversation and operation
    #[arg(long)]
    json: bool,
    /// Captures (pcap or pcapng, also gzip or zstd), merged by time
    #[arg(required = true)]
    captures: Vec<PathBuf>,
}

const CONDUITS: [table::Column; 7] = [
    ("conduit", "conduit"),
    ("from", "from"),
    ("to", "to"),
    ("used", "used"),
    ("conversations", "conversations"),
    ("messages", "messages"),
    ("last", "last"),
];
const OUTSIDE: [table::Column; 8] = [
    ("outside any conduit: client", "client"),
    ("its zone", "from"),
    ("server", "server"),
    ("its zone", "to"),
    ("port", "port"),
    ("protocol", "protocol"),
    ("operation", "operation"),
    ("messages", "messages"),
];

pub(crate) fn run(words: &Words) -> Outcome {
    let configuration = load::configuration(&words.config)?;
    let site = configuration.site;
    if site.zones.is_empty() && site.conduits.is_empty() {
        return Err(Failure::Input(format!(
            "`{}` names no zone\n\nhint: write a `[[site.zone]]` for each, with its networks or assets, and a `[[site.conduit]]` for \
             what may pass",
            words.config.display()
        )));
    }
    let mut crossings = Crossings::new(site.clone(), configuration.engine.limits, learn::seed());
    Captures::open(&words.captures)?.each("listening", |frame, reference| {
        crossings.frame(frame, reference);
        Ok(())
    })?;
    crossings.finish();
    let seen = crossings.crossings();
    table::print(&conduits(&site, &seen), &CONDUITS, words.json)?;
    let outside: Vec<Value> = seen
        .iter()
        .filter(|crossing| crossing.conduit.is_none())
        .map(|crossing| outside(crossing, &site))
        .collect();
    if words.json || !outside.is_empty() {
        table::print(&outside, &OUTSIDE, words.json)?;
    } else {
        println!("Nothing passed outside a conduit.");
    }
    match crossings.left_out() {
        0 => {}
        left => eprintln!("fieldwarden: note: {left} conversations were left out because a table was full"),
    }
    Ok(())
}

fn conduits(site: &Site, seen: &[Crossing]) -> Vec<Value> {
    let mut used: BTreeMap<usize, Vec<&Crossing>> = BTreeMap::new();
    for crossing in seen {
        if let Some(at) = crossing.conduit {
            used.entry(at).or_default().push(crossing);
        }
    }
    let row = |(at, conduit): (usize, &fieldwarden_model::zone::Conduit)| {
        let own = used.get(&at).map(Vec::as_slice).unwrap_or_default();
        let mut conversations: Vec<_> =
            own.iter().map(|crossing| (crossing.service, crossing.protocol)).collect();
        conversations.dedup();
        json!({
            "type": "conduit",
            "conduit": conduit.name,
            "from": conduit.from,
            "to": conduit.to,
            "used": !own.is_empty(),
            "conversations": conversations.len(),
            "messages": own.iter().map(|crossing| crossing.used.count).sum::<u64>(),
            "first": own.iter().map(|crossing| crossing.used.first).min().map(|time| time.to_string()),
            "last": own.iter().map(|crossing| crossing.used.last).max().map(|time| time.to_string()),
        })
    };
    site.conduits.iter().enumerate().map(row).collect()
}

fn outside(crossing: &Crossing, site: &Site) -> Value {
    let name = |talker: Talker| match site.asset(talker) {
        Some(asset) => format!("{} ({talker})", asset.name),
        None => talker.to_string(),
    };
    let service = &crossing.service;
    json!({
        "type": "outside",
        "client": name(service.client),
        "from": site.zone_of(service.client),
        "server": name(service.server),
        "to": site.zone_of(service.server),
        "port": service.port,
        "protocol": crossing.protocol.name(),
        "operation": crossing.verb.map(fieldwarden_model::Verb::word),
        "messages": crossing.used.count,
        "first": crossing.used.first.to_string(),
        "last": crossing.used.last.to_string(),
    })
}
