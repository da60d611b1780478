//! A switch that is changed by SNMPv3 and Q-BRIDGE-MIB (RFC 4363): a port is moved into the quarantine VLAN.
//!
//! Where the port stood is written down beside the journal before the switch hears of anything, and given back exactly: its
//! PVID, its bit in the ports of each VLAN, and its ingress filtering. The device holds no expiry: the journal does. See
//! `docs/drivers/snmp-qbridge.md`.

use std::collections::BTreeSet;

use fieldwarden_model::{Order, Talker};

use super::{DeviceFault, Driver, Observed, SwitchRegistration, closing_steps, ports::Ports};
use crate::content::{Content, Match, Until};

use record::{Moved, Record};
use session::{Access, Talk};
use snapshot::{Port, Snapshot};
use standing::{Found, Standing};
use uplinks::Signs;

mod record;
mod session;
mod settings;
mod snapshot;
pub mod standing;
pub mod tables;
pub mod uplinks;

/// Its line in the registry.
pub const REGISTRATION: SwitchRegistration =
    SwitchRegistration { name: NAME, configure: settings::configure };

const NAME: &str = "snmp-qbridge";

/// One switch.
pub struct SnmpQbridge {
    name: String,
    access: Access,
    vlan: u16,
    /// Whether all of one port is set by one request.
    sets_together: bool,
    record: Record,
    ports: Ports,
    notes: Vec<String>,
}

/// What is at hand while a switch is changed.
struct Work<'a> {
    talk: Talk<'a>,
    names: BTreeSet<String>,
    snapshot: Snapshot,
    moved: Moved,
    notes: Vec<String>,
}

impl SnmpQbridge {
    /// What concerns the record, as a fault of this switch.
    fn unrecorded(&self, why: &str) -> DeviceFault {
        let cause = std::io::Error::other(why.to_owned());
        DeviceFault::Refused { device: format!("switch {}", self.name), step: "to be changed".into(), cause }
    }

    fn port_of<'a>(&self, cut: &'a Match) -> Option<&'a str> {
        match cut {
            Match::Port { switch, port } if *switch == self.name => Some(port),
            _ => None,
        }
    }

    fn port<'s>(&self, talk: &Talk<'_>, snapshot: &'s Snapshot, name: &str) -> Result<&'s Port, DeviceFault> {
        match snapshot.ports.get(name) {
            Some(Ok(port)) => Ok(port),
            Some(Err(why)) => {
                Err(talk.refused("the order", &format!("port {name} of switch {} {why}", self.name)))
            }
            None => {
                Err(talk.refused("the order", &format!("port {name} of switch {} was not read", self.name)))
            }
        }
    }

    /// Why a port that is not ours yet must not be moved.
    fn refusal(&self, name: &str, port: &Port, snapshot: &Snapshot, signs: &Signs) -> Option<String> {
        uplinks::refusal(name, port, (&snapshot.vlans, self.vlan), signs, &self.ports.uplinks)
    }

    /// Gives one port back. What somebody else changed meanwhile is left as it is.
    fn give_back(&self, work: &mut Work<'_>, name: &str) -> Result<(), DeviceFault> {
        let Some(before) = work.moved.get(name).cloned() else { return Ok(()) };
        let now = self.port(&work.talk, &work.snapshot, name)?.standing.clone();
        let quarantine = before.quarantined(self.vlan);
        let left = match now.found(&before, &quarantine) {
            Found::Foreign { how, is_moved: true } => {
                let filters =
                    if now.filters == before.filters { "" } else { "; its ingress filtering was off before" };
                Some(format!(
                    "port {name} of switch {} was left: {how}, and so somebody else moved it{filters}",
                    self.name
                ))
            }
            Found::Foreign { how, is_moved: false } => {
                self.change(work, name, &before, &quarantine)?;
                Some(format!(
                    "port {name} of switch {} was given back, and {how} as somebody else made it",
                    self.name
                ))
            }
            Found::Held | Found::Between => {
                self.change(work, name, &before, &quarantine)?;
                None
            }
            Found::Free => None,
        };
        work.notes.extend(left);
        work.moved.remove(name);
        self.record.write(&work.moved).map_err(|why| self.unrecorded(&why))
    }

    /// Puts one port into quarantine, where it is not.
    fn quarantine(&self, work: &mut Work<'_>, name: &str) -> Result<(), DeviceFault> {
        let port = self.port(&work.talk, &work.snapshot, name)?;
        let now = port.standing.clone();
        let before = work.moved.get(name).cloned().unwrap_or_else(|| now.clone());
        let quarantine = before.quarantined(self.vlan);
        match now.found(&before, &quarantine) {
            Found::Held if work.moved.contains_key(name) => return Ok(()),
            Found::Between => {}
            Found::Foreign { how, .. } => {
                let why = format!(
                    "port {name} was put into VLAN {} by us, and {how}: somebody else changed it",
                    self.vlan
                );
                return Err(work.talk.refused("the order", &why));
            }
            Found::Held | Found::Free => {
                let signs = Signs::take(&work.talk, name, port)?;
                if let Some(why) = self.refusal(name, port, &work.snapshot, &signs) {
                    return Err(work.talk.refused("the order", &why));
                }
                work.moved.insert(name.into(), before.clone());
                self.record.write(&work.moved).map_err(|why| {
                    work.moved.remove(name);
                    self.unrecorded(&format!("{why}; port {name} was not moved"))
                })?;
            }
        }
        self.change(work, name, &quarantine, &before)
    }

    /// Changes one port to stand as `goal` says, and reads it back; VLANs that neither `goal` nor `other` is in are left alone.
    fn change(
        &self,
        work: &mut Work<'_>,
        name: &str,
        goal: &Standing,
        other: &Standing,
    ) -> Result<(), DeviceFault> {
        let port = self.port(&work.talk, &work.snapshot, name)?;
        let changes = port.standing.changes(goal, other);
        let objects = work.snapshot.objects(port.number, &changes);
        let at_once = if self.sets_together { objects.len().max(1) } else { 1 };
        let mut outcome = Ok(());
        for objects in objects.chunks(at_once) {
            outcome = work.talk.set(objects);
            if outcome.is_err() {
                break;
            }
        }
        // An answer may be lost on its way, and one that says yes may lie: what the switch has counts.
        work.snapshot = match (Snapshot::take(&work.talk, work.names.iter()), outcome) {
            (Ok(snapshot), Ok(())) => snapshot,
            (Ok(snapshot), Err(fault)) => {
                let has = snapshot.ports.get(name).and_then(|port| port.as_ref().ok());
                if has.is_none_or(|port| !port.standing.changes(goal, other).is_empty()) {
                    work.snapshot = snapshot;
                    return Err(fault);
                }
                snapshot
            }
            (Err(_), Err(fault)) | (Err(fault), Ok(())) => return Err(fault),
        };
        let has = &self.port(&work.talk, &work.snapshot, name)?.standing;
        if has.changes(goal, other).is_empty() {
            return Ok(());
        }
        let why = format!(
            "it said yes, and port {name} reads back with PVID {}, frames of {:?}, untagged {:?}",
            has.pvid, has.egress, has.untagged
        );
        Err(work.talk.refused("the change of its ports", &why))
    }

    fn work(&self, names: BTreeSet<String>, moved: Moved) -> Result<Work<'_>, DeviceFault> {
        let talk = self.access.talk(&self.name)?;
        let snapshot = Snapshot::take(&talk, names.iter())?;
        Ok(Work { talk, names, snapshot, moved, notes: Vec::new() })
    }

    /// Where a port stands, or stood before we moved it.
    fn before(&self, name: &str) -> Result<Standing, DeviceFault> {
        let moved = self.record.read().map_err(|why| self.unrecorded(&why))?;
        if let Some(before) = moved.get(name) {
            return Ok(before.clone());
        }
        let talk = self.access.talk(&self.name)?;
        let snapshot = Snapshot::take(&talk, std::iter::once(&name.to_owned()))?;
        self.port(&talk, &snapshot, name).map(|port| port.standing.clone())
    }

    /// What is at the other end of a port, and what speaks against moving it.
    fn look(&self, name: &str) -> Result<(Signs, Option<String>), DeviceFault> {
        let moved = self.record.read().map_err(|why| self.unrecorded(&why))?;
        let talk = self.access.talk(&self.name)?;
        let snapshot = Snapshot::take(&talk, std::iter::once(&name.to_owned()))?;
        let port = self.port(&talk, &snapshot, name)?;
        let signs = Signs::take(&talk, name, port)?;
        let now = &port.standing;
        let Some(before) = moved.get(name) else {
            let against = self.refusal(name, port, &snapshot, &signs);
            return Ok((signs, against));
        };
        let against = match now.found(before, &before.quarantined(self.vlan)) {
            Found::Held | Found::Between => None,
            Found::Free => self.refusal(name, port, &snapshot, &signs),
            Found::Foreign { how, .. } => {
                Some(format!("port {name} was moved by us, and {how}: somebody else changed it"))
            }
        };
        Ok((signs, against))
    }
}

impl Driver for SnmpQbridge {
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
            let from = match self.before(name) {
                Ok(before) => format!("VLAN {}", before.pvid),
                Err(_) => "the VLAN it has".into(),
            };
            let remark = if already.contains(cut) { ", where another order has put it already" } else { "" };
            steps.push(format!(
                "move port {name} of switch {} from {from} into VLAN {}{remark}, by its PVID and the ports of both VLANs: \
                 everything behind it, known or not, reaches that VLAN alone",
                self.name, self.vlan
            ));
        }
        steps.push(
            "the switch holds no expiry: with this enforcer dead the port stays there until it is started again".into(),
        );
        steps.extend(closing_steps(order));
        steps
    }

    fn apply(&mut self, desired: &Content) -> Result<(), DeviceFault> {
        if let Some(foreign) = desired.keys().find(|cut| self.port_of(cut).is_none()) {
            return Err(self.unrecorded(&format!("{foreign} is none of its ports")));
        }
        let ports: BTreeSet<String> =
            desired.keys().filter_map(|cut| self.port_of(cut)).map(str::to_owned).collect();
        let _held = self.record.lock().map_err(|why| self.unrecorded(&why))?;
        let moved = self.record.read().map_err(|why| self.unrecorded(&why))?;
        let names: BTreeSet<String> = moved.keys().chain(&ports).cloned().collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut work = self.work(names, moved)?;
        let mut outcome = Ok(());
        // What is to be given back is, even where something else is refused.
        let going: Vec<String> = work.moved.keys().filter(|name| !ports.contains(*name)).cloned().collect();
        for name in going {
            outcome = outcome.and(self.give_back(&mut work, &name));
        }
        for name in &ports {
            outcome = outcome.and(self.quarantine(&mut work, name));
        }
        let notes = work.notes;
        self.notes.extend(notes);
        outcome
    }

    fn observe(&mut self) -> Result<Observed, DeviceFault> {
        let mut observed = Observed::default();
        let moved = self.record.read().map_err(|why| self.unrecorded(&why))?;
        if moved.is_empty() {
            // Nothing of ours can be there, and a switch of the plant is not asked for nothing.
            return Ok(observed);
        }
        let work = self.work(moved.keys().cloned().collect(), moved)?;
        for (name, before) in &work.moved {
            let port = match work.snapshot.ports.get(name) {
                Some(Ok(port)) => port,
                Some(Err(why)) => {
                    observed.damage.push(format!("port {name} of switch {} {why}", self.name));
                    continue;
                }
                None => continue,
            };
            let cut = Match::Port { switch: self.name.clone(), port: name.clone() };
            let damage = match port.standing.found(before, &before.quarantined(self.vlan)) {
                Found::Free => continue,
                Found::Held => None,
                Found::Between => {
                    Some(format!("port {name} of switch {} is half in VLAN {}", self.name, self.vlan))
                }
                Found::Foreign { how, is_moved } => {
                    let damage = format!(
                        "port {name} of switch {} is not as we put it, since somebody else changed it: {how}",
                        self.name
                    );
                    if is_moved {
                        observed.damage.push(damage);
                        continue;
                    }
                    Some(damage)
                }
            };
            if let Some(damage) = damage {
                observed.partial.insert(cut.clone());
                observed.damage.push(damage);
            }
            observed.content.insert(cut, Until(u64::MAX));
        }
        Ok(observed)
    }

    fn forget_established(&mut self, _cut: &[Match]) -> Result<usize, DeviceFault> {
        // A switch knows no connections.
        Ok(0)
    }

    fn behind(&self, cut: &Match) -> Result<Vec<Talker>, DeviceFault> {
        let Some(name) = self.port_of(cut) else { return Ok(Vec::new()) };
        let (signs, _) = self.look(name)?;
        Ok(self.ports.behind(name, signs.macs.unwrap_or_default().into_iter().map(Talker::Mac)))
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}
