//! One containment demanded, its life, and what the daemon and the enforcer say to each other about it.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    address::{Mac, Talker, Transport},
    alert::IncidentId,
    digest::Digest,
    time::Timestamp,
};

/// An order's name: derived from its content and the moment it was proposed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId(pub String);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of a plan. A keep names it, so that what is kept is what was rehearsed and applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanHash(pub String);

/// Whom an order is against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// Everything one talker says or hears.
    Talker {
        /// Who.
        talker: Talker,
    },
    /// What one client says to one server, and the answers.
    Conversation {
        /// The client.
        client: Talker,
        /// The server.
        server: Talker,
        /// The server's port; every port where absent.
        server_port: Option<u16>,
        /// TCP or UDP; both where absent.
        transport: Option<Transport>,
    },
    /// Whatever is behind one port of a switch. Both names at most [`MAX_PLACE`] octets of printable ASCII.
    SwitchPort {
        /// The switch, as the enforcer's configuration names it (`[[enforcer.switch]]`).
        switch: String,
        /// The port, as the switch names it.
        port: String,
    },
}

/// The longest name of a switch or of a port of one, in octets.
pub const MAX_PLACE: usize = 64;

/// Whether `name` can be the name of a switch or of a port: something, of bounded length, that moves no cursor and ends no
/// quotation.
#[must_use]
pub fn is_place(name: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_graphic() && !b"`\"\\".contains(&octet);
    (1..=MAX_PLACE).contains(&name.len()) && name.bytes().all(is_plain)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Talker { talker } => write!(f, "everything of {talker}"),
            Self::Conversation { client, server, server_port, transport } => {
                write!(f, "{client} to {server}")?;
                if let Some(port) = server_port {
                    write!(f, " port {port}")?;
                }
                match transport {
                    Some(Transport::Tcp) => f.write_str(" TCP"),
                    Some(Transport::Udp) => f.write_str(" UDP"),
                    _ => Ok(()),
                }
            }
            Self::SwitchPort { switch, port } => write!(f, "port {port} of switch {switch}"),
        }
    }
}

/// How far an order reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The conversation named by the target is cut.
    CutConversation,
    /// The talker named by the target is cut off.
    IsolateTalker,
    /// Of the conversation named by the target, a service over TCP, only whole reads of the client pass, and the
    /// answers.
    WriteQuarantine,
    /// The port named by the target is moved into the switch's quarantine VLAN, with everything behind it.
    QuarantineVlan,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] =
        [Self::CutConversation, Self::IsolateTalker, Self::WriteQuarantine, Self::QuarantineVlan];

    /// The word people read and write.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CutConversation => "cut-conversation",
            Self::IsolateTalker => "isolate-talker",
            Self::WriteQuarantine => "write-quarantine",
            Self::QuarantineVlan => "quarantine-vlan",
        }
    }

    /// The scope that goes with `target` where nobody names one.
    #[must_use]
    pub const fn usual(target: &Target) -> Self {
        match target {
            Target::Talker { .. } => Self::IsolateTalker,
            Target::Conversation { .. } => Self::CutConversation,
            Target::SwitchPort { .. } => Self::QuarantineVlan,
        }
    }

    /// Why an order of this scope cannot be against `target`, as a sentence.
    ///
    /// # Errors
    /// The reason.
    pub fn fits(self, target: &Target) -> Result<(), String> {
        match (self, target) {
            (Self::IsolateTalker, Target::Talker { .. })
            | (Self::CutConversation, Target::Conversation { .. })
            | (
                Self::WriteQuarantine,
                Target::Conversation {
                    server_port: Some(MODBUS_PORT | S7_PORT),
                    transport: Some(Transport::Tcp),
                    ..
                },
            ) => Ok(()),
            (Self::QuarantineVlan, Target::SwitchPort { switch, port }) => {
                let odd = [("switch", switch), ("port", port)].into_iter().find(|(_, name)| !is_place(name));
                odd.map_or(Ok(()), |(what, _)| {
                    Err(format!(
                        "the name of its {what} is not 1 to {MAX_PLACE} printable ASCII characters without spaces \
                         and quotation marks"
                    ))
                })
            }
            (Self::QuarantineVlan, _) => {
                Err(format!("a quarantine VLAN is for a port of a switch, not for {target}"))
            }
            (Self::WriteQuarantine, _) => Err(format!(
                "a write quarantine is against one client of port {MODBUS_PORT} (Modbus) or {S7_PORT} (S7) over TCP \
                 of one server, not against {target}"
            )),
            _ => Err(format!("its scope does not fit its target, {target}")),
        }
    }
}

/// The functions of Modbus of which whole requests pass a write quarantine.
pub const MODBUS_READS: core::ops::RangeInclusive<u32> = 1..=4;
/// The functions of S7 of which they do: reading variables, and the set-up that a session begins with.
pub const S7_READS: [u32; 2] = [0x04, 0xf0];
/// The port on which reads of Modbus are told from writes.
pub const MODBUS_PORT: u16 = 502;
/// The port on which reads of S7 are told from everything else.
pub const S7_PORT: u16 = 102;

/// What happens when a protected conversation degrades while an order is provisional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDegraded {
    /// The order is undone at once.
    #[default]
    Revert,
    /// It stays and a person is asked, since an attacker may degrade a poll to lift his containment.
    HoldAndAsk,
}

/// One containment demanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id, see [`Order::identify`].
    pub id: OrderId,
    /// Whom it is against.
    pub target: Target,
    /// How far it reaches.
    pub scope: Scope,
    /// How long it stands, in seconds from the moment it is applied. It always lapses.
    pub lapse_secs: u32,
    /// How long it is provisional, in seconds; without a keep by then it is undone.
    pub keep_within_secs: u32,
    /// What to do when a protected conversation degrades meanwhile.
    pub on_degraded: OnDegraded,
    /// Why, in the words of whoever proposed it.
    pub reason: String,
    /// The incident it answers.
    pub incident: Option<IncidentId>,
    /// The operator or playbook that proposed it.
    pub author: String,
    /// When it was proposed.
    pub proposed: Timestamp,
}

impl Order {
    /// The id that follows from the order's content.
    #[must_use]
    pub fn identify(&self) -> OrderId {
        let incident = self.incident.as_ref().map_or("", |id| id.0.as_str());
        // The two scopes that were there first follow from the target, and their ids stay what they were.
        let order = match self.scope {
            Scope::WriteQuarantine | Scope::QuarantineVlan => Digest::new().with(self.scope.word()),
            Scope::CutConversation | Scope::IsolateTalker => Digest::new(),
        };
        OrderId(
            order
                .with("order")
                .with(self.target.to_string())
                .with(self.lapse_secs.to_be_bytes())
                .with(self.keep_within_secs.to_be_bytes())
                .with(&self.reason)
                .with(incident)
                .with(&self.author)
                .with(self.proposed.nanos().to_be_bytes())
                .short(),
        )
    }
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Written down, rehearsed, waiting for a person.
    Proposed,
    /// A person said no, or an interlock did.
    Refused,
    /// Confirmed, on its way to the device.
    Approved,
    /// The device is being changed.
    Applying,
    /// In force and read back, waiting for its keep.
    Provisional,
    /// In force until it lapses.
    Kept,
    /// Its time ran out.
    Lapsed,
    /// A person ended it.
    Released,
    /// Undone because no keep came, a step failed or a protected conversation degraded.
    Reverted,
    /// Neither done nor undone: the device does not read back as desired. An operator must act.
    Stuck,
}

impl OrderState {
    /// Whether the device may still hold something of the order.
    #[must_use]
    pub const fn in_force(self) -> bool {
        matches!(self, Self::Applying | Self::Provisional | Self::Kept | Self::Stuck)
    }

    /// The word people read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Refused => "refused",
            Self::Approved => "approved",
            Self::Applying => "applying",
            Self::Provisional => "provisional",
            Self::Kept => "kept",
            Self::Lapsed => "lapsed",
            Self::Released => "released",
            Self::Reverted => "reverted",
            Self::Stuck => "stuck",
        }
    }
}

/// What the enforcer says it would do, before anything is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The order planned.
    pub order: OrderId,
    /// The driver that would act.
    pub driver: String,
    /// Each step in words.
    pub steps: Vec<String>,
    /// How many different people must approve it, 1 or 2.
    #[serde(default = "one")]
    pub approvals: u8,
    /// Why nothing can be enforced here; absent when it can.
    pub not_enforceable: Option<String>,
    /// Whoever the enforcer knows behind the port of a switch that the order is against. Not part of the hash: who was
    /// heard there changes from minute to minute.
    #[serde(default)]
    pub behind: Vec<Talker>,
    /// The digest of order, driver and steps.
    pub hash: PlanHash,
}

/// Of a plan that was written down before orders could ask for two.
const fn one() -> u8 {
    1
}

/// The two ends of a conversation, as they were heard on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// Who asks.
    pub client: Talker,
    /// Who is asked, or the group that is told.
    pub server: Talker,
    /// The hardware address on the client's side; absent where the mirror shows none.
    pub client_mac: Option<Mac>,
    /// The hardware address on the server's side.
    pub server_mac: Option<Mac>,
    /// VLAN tags around what was heard last.
    pub tags: u8,
}

/// The most [`Ends`] of one [`Ask::Reach`].
pub const MAX_ENDS: usize = 256;

/// What the enforcer says became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The order.
    pub order: OrderId,
    /// Where it stands now.
    pub state: OrderState,
    /// Since when.
    pub time: Timestamp,
    /// Why, in words.
    pub cause: String,
    /// The plan that was applied; absent before one was.
    pub plan: Option<PlanHash>,
    /// When the order lapses; absent before it is in force.
    pub lapses: Option<Timestamp>,
}

/// What the daemon asks of the enforcer. One JSON object per line on their socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// What would you do? Answered by [`Answer::Planned`] or [`Answer::Refused`].
    Rehearse {
        /// The order.
        order: Order,
    },
    /// Which of these conversations would the order not reach, since they do not come by where it acts? Answered by
    /// [`Answer::Reach`] or [`Answer::Refused`].
    Reach {
        /// The order.
        order: Order,
        /// The conversations, at most [`MAX_ENDS`].
        ends: Vec<Ends>,
    },
    /// Do it. Answered by [`Answer::Reported`] or [`Answer::Refused`].
    Apply {
        /// The order.
        order: Order,
        /// The plan that was rehearsed; another plan is refused.
        plan: PlanHash,
        /// The operators who approved.
        approved_by: Vec<String>,
    },
    /// The protected conversations are well, or the order says to hold it all the same: keep it.
    Keep {
        /// The order.
        order: OrderId,
        /// The plan in force.
        plan: PlanHash,
        /// What the watch over the plant ended with, in words.
        #[serde(default)]
        verdict: String,
        /// Whether a conversation that should go on degraded, and the order is kept since it says `hold_and_ask`.
        #[serde(default)]
        degraded: bool,
    },
    /// End the order, now.
    Release {
        /// The order.
        order: OrderId,
        /// Who ended it.
        by: String,
        /// Why.
        reason: String,
        /// Whether it is undone because a protected conversation degraded (reported as reverted, not released).
        degraded: bool,
    },
    /// Tell every order known, finished ones of the last day included.
    List,
}

/// What the enforcer answers. Besides answers it sends [`Answer::Reported`] whenever an order changes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The plan.
    Planned {
        /// What would be done.
        plan: Plan,
    },
    /// Where conversations go.
    Reach {
        /// For each that was asked for, why the order does not reach it, as a sentence; absent where it does or where
        /// nobody can tell.
        past: Vec<Option<String>>,
    },
    /// An order's state.
    Reported {
        /// What became of it.
        report: Report,
    },
    /// Not done, and nothing changed.
    Refused {
        /// The order.
        order: OrderId,
        /// Why, naming the protected entry or the interlock.
        reason: String,
    },
    /// Every order known, oldest first.
    Orders {
        /// Each order with its last report.
        orders: Vec<(Order, Report)>,
    },
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn order(target: Target, proposed: Timestamp) -> Order {
        let mut order = Order {
            id: OrderId(String::new()),
            target,
            scope: Scope::CutConversation,
            lapse_secs: 600,
            keep_within_secs: 30,
            on_degraded: OnDegraded::Revert,
            reason: "unknown laptop writes set-points".into(),
            incident: None,
            author: "jo".into(),
            proposed,
        };
        order.id = order.identify();
        order
    }

    #[test]
    fn an_id_follows_from_the_content() {
        let target = Target::Talker { talker: "10.0.0.66".parse().unwrap() };
        let first = order(target.clone(), Timestamp::from_seconds(1));
        assert_eq!(first.id, order(target.clone(), Timestamp::from_seconds(1)).id);
        assert_ne!(first.id, order(target, Timestamp::from_seconds(2)).id);
    }

    #[test]
    fn a_quarantine_vlan_is_for_a_port_whose_names_are_bounded_and_plain() {
        let port = |switch: &str, port: &str| Target::SwitchPort { switch: switch.into(), port: port.into() };
        assert_eq!(Scope::usual(&port("cell-1", "eth3")), Scope::QuarantineVlan);
        assert_eq!(Scope::QuarantineVlan.fits(&port("cell-1", "GigabitEthernet1/0/3")), Ok(()));
        let long = "x".repeat(MAX_PLACE + 1);
        for (switch, name) in [
            ("", "eth3"),
            ("cell-1", ""),
            ("cell-1", "a b"),
            ("\u{1b}[2J", "e"),
            ("cell-1", &long),
            ("c", "`"),
        ] {
            assert!(Scope::QuarantineVlan.fits(&port(switch, name)).is_err(), "{switch} {name}");
        }
        let talker = Target::Talker { talker: "10.0.0.66".parse().unwrap() };
        assert!(Scope::QuarantineVlan.fits(&talker).is_err());
        for other in [Scope::CutConversation, Scope::IsolateTalker, Scope::WriteQuarantine] {
            assert!(other.fits(&port("cell-1", "eth3")).is_err(), "{}", other.word());
        }
    }

    #[test]
    fn a_write_quarantine_is_another_order_than_a_cut_and_names_a_service_it_can_read() {
        let target = |server_port, transport| Target::Conversation {
            client: "10.0.0.66".parse().unwrap(),
            server: "10.0.0.10".parse().unwrap(),
            server_port,
            transport,
        };
        let cut = order(target(Some(502), Some(Transport::Tcp)), Timestamp::from_seconds(1));
        let quarantine = Order { scope: Scope::WriteQuarantine, ..cut.clone() };
        assert_ne!(cut.identify(), quarantine.identify());
        for port in [502, 102] {
            assert_eq!(Scope::WriteQuarantine.fits(&target(Some(port), Some(Transport::Tcp))), Ok(()));
        }
        for odd in [
            target(Some(503), Some(Transport::Tcp)),
            target(Some(502), Some(Transport::Udp)),
            target(Some(502), None),
            target(None, Some(Transport::Tcp)),
            Target::Talker { talker: "10.0.0.66".parse().unwrap() },
        ] {
            assert!(Scope::WriteQuarantine.fits(&odd).is_err(), "{odd}");
        }
    }
}
