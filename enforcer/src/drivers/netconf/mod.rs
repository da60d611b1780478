//! A switch that is configured by NETCONF (RFC 6241) over SSH: a port is moved into the quarantine VLAN.
//!
//! One commit moves a port and writes down beside it, in the port's own description, which VLAN it had. While nobody has kept the
//! order it is a confirmed commit (RFC 6241, 8.4), which the switch undoes by itself; from the keep on the journal holds the end. See
//! `docs/drivers/netconf.md`.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fieldwarden_model::{Order, Talker};

use super::{DeviceFault, Driver, Observed, SwitchRegistration, closing_steps, ports::Ports};
use crate::content::{Content, Match, Until};

use change::Pending;
use model::{Model, Port};
use session::{Connect, Datastore, Session};

mod change;
pub mod framing;
pub mod model;
pub mod session;
mod settings;
mod ssh;
pub mod xml;

/// Its line in the registry.
pub const REGISTRATION: SwitchRegistration =
    SwitchRegistration { name: NAME, configure: settings::configure };

const NAME: &str = "netconf";

/// One switch.
pub struct Netconf {
    name: String,
    connect: Box<dyn Connect>,
    patience: Duration,
    model: Model,
    vlan: u16,
    ports: Ports,
    /// Left open between two talks: a switch takes its time for the key exchange.
    session: RefCell<Option<Session>>,
    pending: Pending,
    unkept: BTreeSet<String>,
    notes: Vec<String>,
}

/// The ports of a switch by name.
type Snapshot = BTreeMap<String, Port>;

impl Netconf {
    /// The switch called `name`, reached by `connect`, which keeps its VLANs where `model` says, with `vlan` for what is contained.
    #[must_use]
    pub fn new(name: &str, connect: Box<dyn Connect>, model: Model, vlan: u16) -> Self {
        Self {
            name: name.into(),
            connect,
            patience: Duration::from_secs(3),
            model,
            vlan,
            ports: Ports::default(),
            session: RefCell::new(None),
            pending: Pending::Unknown,
            unkept: BTreeSet::new(),
            notes: Vec::new(),
        }
    }

    /// What the switch has now. The session is open afterwards.
    fn snapshot(&self) -> Result<Snapshot, DeviceFault> {
        let mut kept = self.session.borrow_mut();
        if let Some(mut session) = kept.take() {
            session.renew();
            match self.read(&mut session) {
                Ok(snapshot) => {
                    *kept = Some(session);
                    return Ok(snapshot);
                }
                // A switch may end a session that was idle; asking again changes nothing.
                Err(DeviceFault::Unreachable { .. }) if session.has_time() => {}
                Err(fault) => return Err(fault),
            }
        }
        let mut session = Session::open(&*self.connect, &format!("switch {}", self.name), self.patience)?;
        session.renew();
        let snapshot = self.read(&mut session)?;
        *kept = Some(session);
        Ok(snapshot)
    }

    fn read(&self, session: &mut Session) -> Result<Snapshot, DeviceFault> {
        let data = session.configuration(Datastore::Running, &self.model.filter())?;
        self.model.read(&data).map_err(|what| session.unintelligible(what))
    }

    /// Why a port that is not ours yet must not be moved.
    fn refusal(&self, name: &str, port: &Port) -> Option<String> {
        let refusal = self.model.refusal(name, port, &self.ports.uplinks);
        refusal.or_else(|| {
            (port.vlan == Some(self.vlan)).then(|| {
                format!("port {name} is in VLAN {} already, and not by an order of ours: somebody else put it there", self.vlan)
            })
        })
    }

    fn no_port(&self, port: &str) -> String {
        format!("switch {} has no port {port}", self.name)
    }

    fn port_of<'a>(&self, cut: &'a Match) -> Option<&'a str> {
        match cut {
            Match::Port { switch, port } if *switch == self.name => Some(port),
            _ => None,
        }
    }

    /// A port as it is now, and what speaks against moving it.
    fn look(&self, name: &str) -> Result<(Port, Option<String>), DeviceFault> {
        let snapshot = self.snapshot()?;
        let Some(port) = snapshot.get(name) else {
            let cause = std::io::Error::other(self.no_port(name));
            return Err(DeviceFault::Refused {
                device: format!("switch {}", self.name),
                step: "the order".into(),
                cause,
            });
        };
        let against = match (port.mark(), port.vlan) {
            (Some(_), Some(vlan)) if vlan == self.vlan => None,
            (Some(_), _) => {
                Some(format!("port {name} bears our mark and is not where we put it: somebody else moved it"))
            }
            (None, _) => self.refusal(name, port),
        };
        Ok((port.clone(), against))
    }
}

impl Driver for Netconf {
    fn name(&self) -> &'static str {
        NAME
    }

    fn expiry_tolerance_ms(&self) -> u64 {
        // The switch does not tell when it will undo what was not confirmed.
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
                Ok((port, _)) => match port.mark().and_then(|mark| mark.before.ok()).or(port.vlan) {
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
        steps.push(format!(
            "commit it so that the switch undoes it by itself after {} s unless it is confirmed; meanwhile nobody else can \
             commit there",
            order.keep_within_secs
        ));
        steps.push(
            "once kept, confirm it: from then on the switch holds no expiry, and with this enforcer dead the port stays there \
             until it is started again"
                .into(),
        );
        steps.extend(closing_steps(order));
        steps
    }

    fn unkept(&mut self, cuts: &BTreeSet<Match>) {
        self.unkept = cuts.iter().filter_map(|cut| self.port_of(cut)).map(str::to_owned).collect();
    }

    fn apply(&mut self, desired: &Content) -> Result<(), DeviceFault> {
        let snapshot = self.snapshot()?;
        let Some(mut session) = self.session.take() else { return Ok(()) };
        session.renew();
        let outcome = self.change(&mut session, snapshot, desired);
        // With what did not go as it should, its session and whatever it holds locked goes as well.
        match outcome {
            Ok(()) => self.session.replace(Some(session)).map_or((), drop),
            Err(_) => self.pending = Pending::Unknown,
        }
        outcome
    }

    fn observe(&mut self) -> Result<Observed, DeviceFault> {
        let mut observed = Observed::default();
        for (name, port) in self.snapshot()?.into_iter().filter(|(_, port)| port.mark().is_some()) {
            if port.vlan == Some(self.vlan) {
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
        // The switch is not asked who it has heard: the models that say so are the makers' own.
        Ok(self.port_of(cut).map(|name| self.ports.behind(name, [])).unwrap_or_default())
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}
