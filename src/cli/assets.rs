//! `assets`: who is on the wire and what it is.

use std::path::PathBuf;

use clap::Args;
use fieldwarden_engine::{
    Inventory,
    assets::{Asset, Told, Trait},
    track,
};
use fieldwarden_model::{Site, Talker};
use fieldwarden_protocols::Protocol;
use serde_json::{Value, json};

use super::{Outcome, captures::Captures, learn, load, table};

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// The daemon's configuration: names of assets, VLANs in which addresses repeat
    #[arg(long)]
    config: Option<PathBuf>,
    /// One JSON object per talker and line, with everything it told of itself
    #[arg(long)]
    json: bool,
    /// Captures (pcap or pcapng, also gzip or zstd), merged by time
    #[arg(required = true)]
    captures: Vec<PathBuf>,
}

/// What a person reads: who, where, what for and why, what it told of itself, when.
const COLUMNS: [table::Column; 9] = [
    ("address", "address"),
    ("name", "name"),
    ("network card", "card"),
    ("VLAN", "vlans"),
    ("role", "role"),
    ("because it", "role_reason"),
    ("device", "device"),
    ("last heard", "last"),
    ("frames", "frames"),
];

pub(crate) fn run(words: &Words) -> Outcome {
    let configuration = words.config.as_deref().map(load::configuration).transpose()?;
    let (site, track) = match configuration {
        Some(configuration) => (configuration.site, configuration.engine.limits),
        None => (Site::default(), track::Settings::default()),
    };
    let mut inventory = Inventory::new(site.clone(), track, learn::seed());
    Captures::open(&words.captures)?.each("listening", |frame, reference| {
        inventory.frame(frame, reference);
        Ok(())
    })?;
    inventory.finish();
    let rows: Vec<Value> = inventory.assets().iter().map(|asset| row(asset, &site, words.json)).collect();
    table::print(&rows, &COLUMNS, words.json)?;
    match inventory.left_out() {
        0 => {}
        left => {
            eprintln!("fieldwarden: note: {left} talkers or facts were left out because a table was full")
        }
    }
    Ok(())
}

fn row(asset: &Asset, site: &Site, all: bool) -> Value {
    let role = asset.role();
    let protocols = |own: Vec<&Protocol>| own.into_iter().map(|protocol| protocol.name()).collect::<Vec<_>>();
    let macs: Vec<String> = asset.macs.iter().map(ToString::to_string).collect();
    let named = site.asset(asset.talker);
    let mut row = json!({
        "type": "asset",
        "space": asset.space.0,
        "address": asset.talker.to_string(),
        "name": named.map(|named| named.name.as_str()),
        "macs": macs,
        "card_vendor": asset.card_vendor(),
        "vlans": asset.vlans,
        "role": role.as_ref().map(|role| role.name),
        "role_reason": role.as_ref().map(|role| role.reason.as_str()),
        "client_of": protocols(asset.client_of.keys().collect()),
        "server_of": protocols(asset.server_of.keys().collect()),
        "vendor": asset.tells(Trait::Vendor),
        "model": asset.tells(Trait::Model),
        "firmware": asset.tells(Trait::Firmware),
        "serial": asset.tells(Trait::Serial),
        "first": asset.first.to_string(),
        "last": asset.last.to_string(),
        "frames": asset.frames,
    });
    let Some(object) = row.as_object_mut() else { return row };
    if all {
        object.insert("told".into(), asset.told.iter().map(|(key, told)| fact(key, told)).collect());
    } else {
        let last = asset.last.to_string().get(..19).unwrap_or_default().replace('T', " ");
        for (key, text) in [("card", card(asset)), ("device", device(asset)), ("last", last)] {
            object.insert(key.into(), text.into());
        }
    }
    row
}

fn fact((of, protocol, part): &(Trait, Protocol, Option<u32>), told: &Told) -> Value {
    json!({
        "what": of.word(),
        "value": told.text.as_str(),
        "protocol": protocol.name(),
        "part": part,
        "time": told.time.to_string(),
    })
}

/// The hardware address and who made the card; a talker below IP has the address already.
fn card(asset: &Asset) -> String {
    let vendor = asset.card_vendor();
    match (asset.macs.iter().next(), asset.macs.len(), asset.talker) {
        (Some(_), 1, Talker::Mac(_)) => vendor.unwrap_or_default().to_owned(),
        (Some(mac), 1, _) => match vendor {
            Some(vendor) => format!("{mac} ({vendor})"),
            None => mac.to_string(),
        },
        (_, 0, _) => String::new(),
        (_, several, _) => format!("{several} addresses"),
    }
}

/// What it told of itself, as one line.
fn device(asset: &Asset) -> String {
    let mut parts: Vec<String> = [Trait::Vendor, Trait::Model]
        .into_iter()
        .filter_map(|of| asset.tells(of))
        .map(str::to_owned)
        .collect();
    parts.extend(asset.tells(Trait::Firmware).map(|version| format!("firmware {version}")));
    parts.extend(asset.tells(Trait::Serial).map(|serial| format!("serial {serial}")));
    parts.extend(asset.tells(Trait::Name).map(|name| format!("\"{name}\"")));
    if parts.is_empty() {
        parts.extend(
            asset.tells(Trait::Description).or_else(|| asset.tells(Trait::Software)).map(str::to_owned),
        );
    }
    parts.join(", ")
}
