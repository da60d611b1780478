//! How a switch is brought to hold what is desired: what is pending is confirmed or cancelled, then what nobody has to keep is
//! committed for good, then what has to be kept so that the switch undoes it by itself.

use std::collections::BTreeSet;

use super::{
    Netconf, Snapshot,
    model::Edit,
    session::{Commit, Datastore, Session},
};
use crate::{
    content::{Content, Until},
    drivers::DeviceFault,
    sys,
};

/// What of ours the switch is about to undo by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// Nothing.
    Nothing,
    /// Nobody knows: this program has just begun, or an answer was lost.
    Unknown,
    /// These ports, moved by one commit.
    Of(BTreeSet<String>),
}

/// What is to be done.
#[derive(Debug, Default)]
struct Edits {
    /// For good.
    plain: Vec<Edit>,
    /// Until it is kept.
    unkept: Vec<Edit>,
    notes: Vec<String>,
    /// Why not all of it can be done.
    refused: Option<String>,
}

impl Edits {
    fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.unkept.is_empty()
    }
}

impl Netconf {
    /// Makes the switch hold `desired`; `snapshot` is what it has.
    pub(super) fn change(
        &mut self,
        session: &mut Session,
        snapshot: Snapshot,
        desired: &Content,
    ) -> Result<(), DeviceFault> {
        if let Some(foreign) = desired.keys().find(|cut| self.port_of(cut).is_none()) {
            return Err(session.refused("the order", &format!("{foreign} is none of its ports")));
        }
        let wanted: BTreeSet<String> =
            desired.keys().filter_map(|cut| self.port_of(cut)).map(str::to_owned).collect();
        let snapshot = self.resolve(session, snapshot, &wanted)?;
        let edits = self.edits(&snapshot, &wanted);
        if edits.is_empty() {
            self.notes.extend(edits.notes);
            return edits.refused.map_or(Ok(()), |why| Err(session.refused("the order", &why)));
        }
        let mut locked = Vec::new();
        let outcome = [Datastore::Running, Datastore::Candidate]
            .into_iter()
            .try_for_each(|what| session.lock(what).map(|()| locked.push(what)))
            .and_then(|()| self.commit(session, &wanted, desired));
        match &outcome {
            Ok(()) => locked.into_iter().rev().try_for_each(|what| session.unlock(what))?,
            // As far as it goes: with the session everything ends that it holds.
            Err(DeviceFault::Refused { .. }) => {
                let _ = (locked.len() == 2).then(|| session.discard());
                for what in locked.into_iter().rev() {
                    let _ = session.unlock(what);
                }
            }
            Err(_) => {}
        }
        outcome
    }

    /// Confirms or cancels what is pending, or leaves it so; tells what the switch has then.
    fn resolve(
        &mut self,
        session: &mut Session,
        snapshot: Snapshot,
        wanted: &BTreeSet<String>,
    ) -> Result<Snapshot, DeviceFault> {
        let was = self.pending.clone();
        let pending: BTreeSet<String> = match &was {
            Pending::Nothing => return Ok(snapshot),
            Pending::Of(ports) => ports.clone(),
            // What is pending bears our mark.
            Pending::Unknown => marked(&snapshot).map(|(name, _)| name.clone()).collect(),
        };
        if pending.is_empty() {
            self.pending = Pending::Nothing;
            return Ok(snapshot);
        }
        let staying: BTreeSet<&String> = pending.intersection(wanted).collect();
        if staying.is_empty() {
            self.pending = Pending::Unknown;
            if_allowed(session.cancel(&self.id()))?;
            self.pending = Pending::Nothing;
            return self.read(session);
        }
        let is_waiting = staying.len() == pending.len()
            && staying.iter().all(|port| self.unkept.contains(*port))
            && self.edits(&snapshot, wanted).is_empty();
        if is_waiting {
            return Ok(snapshot);
        }
        let refusal = self.confirm(session)?;
        let snapshot = self.read(session)?;
        let is_there = |port: &String| snapshot.get(port).is_some_and(|port| port.mark().is_some());
        match refusal {
            // It says no, and has not undone it either.
            Some(fault) if matches!(was, Pending::Of(_)) && staying.iter().all(|port| is_there(port)) => {
                return Err(fault);
            }
            Some(_) => {}
            None => self.notes.extend(staying.into_iter().filter(|port| self.unkept.contains(*port)).map(|port| {
                format!(
                    "port {port} of switch {} was confirmed before anybody kept it, since something else had to be committed \
                     there: from here on the journal undoes it, no longer the switch",
                    self.name
                )
            })),
        }
        Ok(snapshot)
    }

    /// Makes what is pending last. What the switch says where it refuses, since there was nothing pending or for another reason.
    fn confirm(&mut self, session: &mut Session) -> Result<Option<DeviceFault>, DeviceFault> {
        self.pending = Pending::Unknown;
        // Some switches lend no lock while a commit is pending (RFC 6241, 7.5 lets them). What somebody else left in the candidate must
        // not be committed by us either way.
        let is_locked = if_allowed(session.try_lock(Datastore::Candidate))?.is_none();
        let outcome = session.discard().and_then(|()| session.commit(Commit::Confirming(&self.id())));
        let refusal = if_allowed(outcome)?;
        if is_locked {
            session.unlock(Datastore::Candidate)?;
        }
        self.pending = Pending::Nothing;
        Ok(refusal)
    }

    /// Reads once more, now that nobody else can change anything, and commits what is to be done.
    fn commit(
        &mut self,
        session: &mut Session,
        wanted: &BTreeSet<String>,
        desired: &Content,
    ) -> Result<(), DeviceFault> {
        session.discard()?;
        let snapshot = self.read(session)?;
        let edits = self.edits(&snapshot, wanted);
        if !edits.plain.is_empty() {
            session.edit(&self.model.write(&edits.plain))?;
            session.commit(Commit::Plain)?;
        }
        self.notes.extend(edits.notes);
        if let Some(why) = edits.refused {
            return Err(session.refused("the order", &why));
        }
        if !edits.unkept.is_empty() {
            let ports: BTreeSet<String> = edits.unkept.iter().map(|edit| edit.port.clone()).collect();
            let seconds = self.seconds(desired, &ports);
            session.edit(&self.model.write(&edits.unkept))?;
            self.pending = Pending::Unknown;
            session.commit(Commit::Confirmed(seconds, &self.id()))?;
            self.pending = Pending::Of(ports);
        }
        Ok(())
    }

    /// What has to be done for `wanted` ports to be in quarantine and no others of ours.
    fn edits(&self, snapshot: &Snapshot, wanted: &BTreeSet<String>) -> Edits {
        let mut edits = Edits::default();
        self.give_back(snapshot, wanted, &mut edits);
        let mut moves = Vec::new();
        for name in wanted {
            match self.quarantine(snapshot, name) {
                Ok(edit) => moves.extend(edit),
                Err(why) => {
                    edits.refused = Some(why);
                    return edits;
                }
            }
        }
        (edits.unkept, moves) = moves.into_iter().partition(|edit| self.unkept.contains(&edit.port));
        edits.plain.extend(moves);
        edits
    }

    /// What is ours and no longer wanted. What somebody else changed meanwhile is left as it is, without our mark.
    fn give_back(&self, snapshot: &Snapshot, wanted: &BTreeSet<String>, edits: &mut Edits) {
        for (name, (vlan, mark)) in marked(snapshot).filter(|(name, _)| !wanted.contains(*name)) {
            let back = match (vlan == Some(self.vlan), mark.before) {
                (true, Ok(before)) => Some(before),
                (true, Err(words)) => {
                    edits.refused = Some(format!(
                        "port {name} cannot be given back: its description says `{words}`, which is no VLAN; set its VLAN and \
                         its description by hand"
                    ));
                    continue;
                }
                (false, _) => {
                    let vlan = vlan.map_or_else(|| "none".into(), |vlan| vlan.to_string());
                    edits.notes.push(format!(
                        "port {name} of switch {} was left in VLAN {vlan}: somebody else moved it while it was in quarantine",
                        self.name
                    ));
                    None
                }
            };
            edits.plain.push(Edit { port: name.clone(), vlan: back, description: mark.description });
        }
    }

    /// What puts one port into quarantine, where it is not.
    fn quarantine(&self, snapshot: &Snapshot, name: &str) -> Result<Option<Edit>, String> {
        let port = snapshot.get(name).ok_or_else(|| self.no_port(name))?;
        match (port.mark(), port.vlan) {
            (Some(_), Some(vlan)) if vlan == self.vlan => Ok(None),
            (Some(_), vlan) => {
                let vlan = vlan.map_or_else(|| "no VLAN".into(), |vlan| format!("VLAN {vlan}"));
                Err(format!(
                    "port {name} is in {vlan}, where we had put it into {}: somebody else moved it, and it is left",
                    self.vlan
                ))
            }
            (None, vlan) => match (self.refusal(name, port), vlan) {
                (None, Some(before)) => Ok(Some(Edit {
                    port: name.into(),
                    vlan: Some(self.vlan),
                    description: Some(port.marked(before)),
                })),
                (refusal, _) => Err(refusal.unwrap_or_else(|| format!("port {name} has no access VLAN"))),
            },
        }
    }

    /// After how many seconds the switch is to undo the move of `ports`: not before the first of them ends.
    fn seconds(&self, desired: &Content, ports: &BTreeSet<String>) -> u64 {
        let now = sys::uptime().map_or(0, |uptime| u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX));
        let of_them =
            desired.iter().filter(|(cut, _)| self.port_of(cut).is_some_and(|port| ports.contains(port)));
        let first = of_them.map(|(_, Until(until))| until.saturating_sub(now)).min();
        // RFC 6241 counts in seconds, from 1 on. A living enforcer undoes it to the millisecond.
        first.unwrap_or_default().div_ceil(1_000).clamp(1, u64::from(u32::MAX))
    }

    /// The name of what we have pending there: the same after a restart.
    fn id(&self) -> String {
        format!("fieldwarden-{}", self.name)
    }
}

/// Ports that bear our mark, with the VLAN they are in.
fn marked(snapshot: &Snapshot) -> impl Iterator<Item = (&String, (Option<u16>, super::model::Mark))> {
    snapshot.iter().filter_map(|(name, port)| Some((name, (port.vlan, port.mark()?))))
}

/// What a switch says where it refuses; an error where it could not be asked.
fn if_allowed(outcome: Result<(), DeviceFault>) -> Result<Option<DeviceFault>, DeviceFault> {
    match outcome {
        Ok(()) => Ok(None),
        Err(fault @ DeviceFault::Refused { .. }) => Ok(Some(fault)),
        Err(fault) => Err(fault),
    }
}
