//! A switch whose configuration is an OVSDB (RFC 7047), as Open vSwitch's is: a port is moved into the quarantine VLAN.
//!
//! One transaction moves a port and writes down beside it, in the port's own row, which VLAN it had; it goes through only
//! if the port is still as it was read. The device holds no expiry: the journal does. See `docs/drivers/ovsdb.md`.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use fieldwarden_model::{Mac, Order, Talker};
use serde_json::{Value, json};

use super::{DeviceFault, Driver, Observed, SwitchRegistration, closing_steps, ports::Ports};
use crate::content::{Content, Match, Until};

use client::Client;
use rows::{DATABASE, MARK, Port, Snapshot, answers, questions};

mod client;
pub mod rows;
mod settings;
pub mod uplinks;
pub mod wire;

/// Its line in the registry.
pub const REGISTRATION: SwitchRegistration =
    SwitchRegistration { name: NAME, configure: settings::configure };

const NAME: &str = "ovsdb";
/// Between two looks at whether the switch has taken its configuration.
const PAUSE: Duration = Duration::from_millis(50);

/// One switch.
#[derive(Debug)]
pub struct Ovsdb {
    name: String,
    socket: PathBuf,
    control: Option<PathBuf>,
    vlan: u16,
    ports: Ports,
    notes: Vec<String>,
}

/// What one transaction is to do.
#[derive(Default)]
struct Changes {
    operations: Vec<Value>,
    notes: Vec<String>,
}

impl Ovsdb {
    fn connect(&self) -> Result<Client, DeviceFault> {
        Client::connect(&self.socket, &format!("switch {}", self.name))
    }

    /// What the switch has, once it has taken what was demanded of it.
    fn settled(client: &mut Client) -> Result<Snapshot, DeviceFault> {
        let first = Self::read(client)?;
        let demanded = first.next_cfg;
        let mut snapshot = first;
        while snapshot.cur_cfg < demanded {
            if !client.pause(PAUSE) {
                let why = format!(
                    "configuration {demanded} is demanded and {} is what it has: does ovs-vswitchd run?",
                    snapshot.cur_cfg
                );
                return Err(client.refused("to take its configuration", &why));
            }
            snapshot = Self::read(client)?;
        }
        Ok(snapshot)
    }

    fn read(client: &mut Client) -> Result<Snapshot, DeviceFault> {
        let result = client.call("transact", &questions())?;
        Snapshot::read(&result).map_err(|what| client.unintelligible(what))
    }

    /// Addresses known behind a port: none where nothing of this switch tells any.
    fn heard(&self, name: &str, port: &Port) -> Result<Option<BTreeSet<Mac>>, DeviceFault> {
        let mut macs: BTreeSet<Mac> = port.attached.iter().copied().collect();
        let Some(control) = &self.control else { return Ok((!macs.is_empty()).then_some(macs)) };
        let mut client = Client::connect(control, &format!("the MAC table of switch {}", self.name))?;
        let table = client.call("fdb/show", &json!([port.bridge]))?;
        let table =
            table.as_str().ok_or_else(|| client.unintelligible(format!("no table for port {name}")))?;
        macs.extend(
            rows::heard(table).filter(|(number, _)| port.numbers.contains(number)).map(|(_, mac)| mac),
        );
        Ok(Some(macs))
    }

    /// Why a port that is not ours yet must not be moved.
    fn refusal(&self, name: &str, port: &Port) -> Result<Option<String>, DeviceFault> {
        let heard = self.heard(name, port)?;
        let refusal = uplinks::refusal(name, port, heard.as_ref(), &self.ports.uplinks);
        Ok(refusal.or_else(|| {
            (port.tag == Some(self.vlan)).then(|| {
                format!("port {name} is in VLAN {} already, and not by an order of ours: somebody else put it there", self.vlan)
            })
        }))
    }

    /// The operations that move `port`, valid only while it is as it was read.
    fn move_port(&self, port: &Port, to: u16, mark: Option<u16>) -> [Value; 3] {
        let row = json!([["_uuid", "==", ["uuid", port.uuid]]]);
        let tag = json!(port.tag.map_or_else(|| json!(["set", []]), |tag| json!(tag)));
        let mode = port.vlan_mode.as_ref().map_or_else(|| json!(["set", []]), |mode| json!(mode));
        let mut marks = vec![json!(["external_ids", "delete", ["set", [MARK]]])];
        marks.extend(mark.map(|vlan| json!(["external_ids", "insert", ["map", [[MARK, vlan.to_string()]]]])));
        let was = json!([{ "tag": tag, "trunks": ["set", port.trunks], "vlan_mode": mode }]);
        [
            json!({ "op": "wait", "timeout": 0, "table": "Port", "where": row, "columns": ["tag", "trunks", "vlan_mode"],
                    "until": "==", "rows": was }),
            json!({ "op": "update", "table": "Port", "where": row, "row": { "tag": to } }),
            json!({ "op": "mutate", "table": "Port", "where": row, "mutations": marks }),
        ]
    }

    /// Gives back what is ours and no longer desired. What somebody else changed meanwhile is left as it is, without our
    /// mark. An error where a port cannot be given back, since nobody knows where it belongs.
    fn give_back(
        &self,
        snapshot: &Snapshot,
        desired: &BTreeSet<&str>,
        changes: &mut Changes,
    ) -> Result<(), String> {
        let mut lost = Ok(());
        let ours = snapshot.ports.iter().filter(|(name, _)| !desired.contains(name.as_str()));
        for (name, port) in ours {
            let Some(before) = &port.before else { continue };
            match (port.tag == Some(self.vlan), before) {
                (true, Ok(before)) => changes.operations.extend(self.move_port(port, *before, None)),
                (true, Err(mark)) => {
                    lost = Err(format!(
                        "port {name} cannot be given back: its mark {MARK} says `{mark}`, which is no VLAN; set its tag by \
                         hand and remove the mark"
                    ));
                }
                (false, _) => {
                    let tag = port.tag.map_or_else(|| "none".into(), |tag| tag.to_string());
                    changes.notes.push(format!(
                        "port {name} of switch {} was left in VLAN {tag}: somebody else moved it while it was in \
                         quarantine",
                        self.name
                    ));
                    changes.operations.push(json!({
                        "op": "mutate", "table": "Port", "where": [["_uuid", "==", ["uuid", port.uuid]]],
                        "mutations": [["external_ids", "delete", ["set", [MARK]]]],
                    }));
                }
            }
        }
        lost
    }

    /// The operations that put `desired` ports into quarantine, where they are not.
    fn quarantine(&self, snapshot: &Snapshot, desired: &BTreeSet<&str>) -> Result<Vec<Value>, String> {
        let mut operations = Vec::new();
        for name in desired {
            let port = snapshot.ports.get(*name).ok_or_else(|| self.no_port(name))?;
            match (&port.before, port.tag) {
                (Some(_), Some(tag)) if tag == self.vlan => {}
                (Some(_), tag) => {
                    let tag = tag.map_or_else(|| "no VLAN".into(), |tag| format!("VLAN {tag}"));
                    return Err(format!(
                        "port {name} is in {tag}, where we had put it into {}: somebody else moved it, and it is left",
                        self.vlan
                    ));
                }
                (None, tag) => {
                    if let Some(why) = self.refusal(name, port).map_err(|fault| fault.to_string())? {
                        return Err(why);
                    }
                    operations.extend(self.move_port(port, self.vlan, tag));
                }
            }
        }
        Ok(operations)
    }

    fn no_port(&self, port: &str) -> String {
        format!("switch {} has no port {port}", self.name)
    }

    fn change(client: &mut Client, operations: Vec<Value>) -> Result<(), DeviceFault> {
        let count = json!({ "op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [["next_cfg", "+=", 1]] });
        let comment = json!({ "op": "comment", "comment": "fieldwarden: quarantine VLAN" });
        let all: Vec<Value> =
            std::iter::once(json!(DATABASE)).chain(operations).chain([count, comment]).collect();
        let result = client.call("transact", &Value::Array(all))?;
        let refused = |why: String| {
            let hint = if why.starts_with("timed out") { ": a port changed at the same moment" } else { "" };
            client.refused("the change of its ports", &format!("{why}{hint}"))
        };
        answers(&result).map(|_| ()).map_err(refused)
    }

    fn port_of<'a>(&self, cut: &'a Match) -> Option<&'a str> {
        match cut {
            Match::Port { switch, port } if *switch == self.name => Some(port),
            _ => None,
        }
    }

    /// A port as it is now, and what speaks against moving it.
    fn look(&self, name: &str) -> Result<(Port, Option<String>), DeviceFault> {
        let mut client = self.connect()?;
        let snapshot = Self::settled(&mut client)?;
        let port =
            snapshot.ports.get(name).ok_or_else(|| client.refused("the order", &self.no_port(name)))?;
        let against = match (&port.before, port.tag) {
            (Some(_), Some(tag)) if tag == self.vlan => None,
            (Some(_), _) => {
                Some(format!("port {name} bears our mark and is not where we put it: somebody else moved it"))
            }
            (None, _) => self.refusal(name, port)?,
        };
        Ok((port.clone(), against))
    }
}

impl Driver for Ovsdb {
    fn name(&self) -> &'static str {
        NAME
    }

    fn expiry_tolerance_ms(&self) -> u64 {
        // It holds none, so that none can be wrong.
        u64::MAX
    }

    fn not_enforceable(&self, cut: &Match) -> Option<String> {
        let Some(name) = self.port_of(cut) else {
            return Some(format!(
                "{cut} cannot be cut at switch {}, which moves its own ports alone",
                self.name
            ));
        };
        self.look(name).map_or_else(|fault| Some(fault.to_string()), |(_, against)| against)
    }

    fn steps(&self, order: &Order, already: &BTreeSet<Match>) -> Vec<String> {
        let cut = Match::of(order);
        let mut steps = Vec::new();
        for (cut, name) in cut.iter().filter_map(|cut| Some((cut, self.port_of(cut)?))) {
            let from = match self.look(name) {
                Ok((port, _)) => match port.before.and_then(Result::ok).or(port.tag) {
                    Some(vlan) => format!("VLAN {vlan}"),
                    None => "no VLAN".into(),
                },
                Err(_) => "the VLAN it has".into(),
            };
            let remark = if already.contains(cut) { ", where another order has put it already" } else { "" };
            steps.push(format!(
                "move port {name} of switch {} from {from} into VLAN {}{remark}: everything behind it, known or not, \
                 reaches that VLAN alone",
                self.name, self.vlan
            ));
        }
        steps.push("wait until the switch says that it has taken it (cur_cfg)".into());
        steps.push(
            "the switch holds no expiry: with this enforcer dead the port stays there until it is started again".into(),
        );
        steps.extend(closing_steps(order));
        steps
    }

    fn apply(&mut self, desired: &Content) -> Result<(), DeviceFault> {
        let mut client = self.connect()?;
        let snapshot = Self::settled(&mut client)?;
        if let Some(foreign) = desired.keys().find(|cut| self.port_of(cut).is_none()) {
            return Err(client.refused("the order", &format!("{foreign} is none of its ports")));
        }
        let ports: BTreeSet<&str> = desired.keys().filter_map(|cut| self.port_of(cut)).collect();
        let mut changes = Changes::default();
        // What is to be given back is, even where something else is refused.
        let lost = self.give_back(&snapshot, &ports, &mut changes);
        let refused = match self.quarantine(&snapshot, &ports) {
            Ok(operations) => {
                changes.operations.extend(operations);
                lost
            }
            Err(why) => Err(why),
        };
        if !changes.operations.is_empty() {
            Self::change(&mut client, changes.operations)?;
            self.notes.extend(changes.notes);
            Self::settled(&mut client)?;
        }
        refused.map_err(|why| client.refused("the order", &why))
    }

    fn observe(&mut self) -> Result<Observed, DeviceFault> {
        let mut client = self.connect()?;
        let snapshot = Self::settled(&mut client)?;
        let mut observed = Observed::default();
        for (name, port) in snapshot.ports.into_iter().filter(|(_, port)| port.before.is_some()) {
            if port.tag == Some(self.vlan) {
                let cut = Match::Port { switch: self.name.clone(), port: name };
                observed.content.insert(cut, Until(u64::MAX));
            } else {
                observed.damage.push(format!(
                    "port {name} of switch {} is no longer in VLAN {}: somebody else moved it",
                    self.name, self.vlan
                ));
            }
        }
        Ok(observed)
    }

    fn forget_established(&mut self, _cut: &[Match]) -> Result<usize, DeviceFault> {
        // A switch knows no connections.
        Ok(0)
    }

    fn behind(&self, cut: &Match) -> Result<Vec<Talker>, DeviceFault> {
        let Some(name) = self.port_of(cut) else { return Ok(Vec::new()) };
        let (port, _) = self.look(name)?;
        let heard = self.heard(name, &port)?.unwrap_or_default();
        Ok(self.ports.behind(name, heard.into_iter().map(Talker::Mac)))
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}
