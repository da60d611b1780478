//! What the plant would lose: the conversations an order would silence, and whether the others stay well while it is
//! provisional.

mod watch;

use fieldwarden_model::{
    AddressSpace, Mac, Scope, Site, Talker, Timestamp, Transport, Verb,
    order::{Ends, MODBUS_PORT, MODBUS_READS, S7_PORT, S7_READS, Target},
};
use fieldwarden_protocols::{Protocol, dissector};
use serde::Serialize;

pub use watch::KeepVerdict;
pub(crate) use watch::Watch;

use crate::{
    baseline::compiled::Compiled,
    conversation::{ConversationKey, ServiceKey, plain},
    shard::{Activity, Service, Wire},
};

/// What an order against a target would silence, as far as the engine has seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rehearsal {
    /// Whom the order would be against.
    pub target: Target,
    /// How far it would reach.
    pub scope: Scope,
    /// As of when.
    pub time: Timestamp,
    /// Every conversation seen that the order names: by server, client, port, protocol, unit.
    pub conversations: Vec<Affected>,
}

impl Rehearsal {
    /// Takes in why conversations go on in spite of the order, in the order in which they are listed: what the enforcer
    /// answered to their [`Affected::ends`]. What it does not speak of stays as it was.
    pub fn go_on(&mut self, past: impl IntoIterator<Item = Option<String>>) {
        for (line, why) in self.conversations.iter_mut().zip(past) {
            if let Some(why) = why {
                line.effect = Effect::GoesOn { why };
            }
        }
    }
}

/// What an order does to a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Nothing of it is answered any more.
    FallsSilent,
    /// The client reads on; operations of these classes, which it was heard to ask for, are refused.
    ReadsOn {
        /// The classes.
        stopped: Vec<Verb>,
    },
    /// It cannot be enforced here.
    GoesOn {
        /// Why, as a sentence.
        why: String,
    },
}

/// A conversation that an order names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Affected {
    /// Where both addresses are unique.
    pub space: AddressSpace,
    /// Who asks.
    pub client: Talker,
    /// The client in the site file.
    pub client_asset: Option<Named>,
    /// Who is asked, or the group that is told.
    pub server: Talker,
    /// The server in the site file.
    pub server_asset: Option<Named>,
    /// TCP, UDP or the link.
    pub transport: Transport,
    /// The server's port.
    pub server_port: Option<u16>,
    /// The protocol; `tcp`, `udp` or `link` where it is not recognised.
    pub protocol: String,
    /// The unit behind the server.
    pub unit: Option<u16>,
    /// Operations asked per minute over the last ten minutes; absent where the protocol is not understood.
    pub operations_per_minute: Option<f64>,
    /// When it was last heard.
    pub last_seen: Timestamp,
    /// Whether the server answers.
    pub answered: bool,
    /// The baseline entry that lists it, by id; absent where the baseline does not.
    pub baseline_entry: Option<String>,
    /// The name of the protected entry it belongs to: an order that silences it is refused.
    pub protected: Option<String>,
    /// What the order does to it.
    #[serde(flatten)]
    pub effect: Effect,
    /// How it came by last, for whoever can tell which way it goes.
    #[serde(skip)]
    pub ends: Ends,
}

impl Affected {
    /// How much the plant depends on its ends: the higher criticality of both, 0 (spare) to 3; absent where the site file names
    /// neither.
    #[must_use]
    pub fn criticality(&self) -> Option<u8> {
        [&self.client_asset, &self.server_asset].into_iter().flatten().map(|named| named.criticality).max()
    }
}

/// A talker as the site file names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What it is for; empty where the file does not say.
    pub role: String,
    /// 0 (spare) to 3 (the process stops or harms without it).
    pub criticality: u8,
}

impl Named {
    fn of(talker: Talker, site: &Site) -> Option<Self> {
        let asset = site.asset(talker)?;
        Some(Self { name: asset.name.clone(), role: asset.role.clone(), criticality: asset.criticality })
    }
}

/// Whether a write quarantine lets pass a request of this function to that port, where it is whole and alone in its segment.
pub(crate) fn is_whole_read(port: Option<u16>, protocol: Protocol, function: u32) -> bool {
    match (port, protocol.name()) {
        (Some(MODBUS_PORT), "modbus") => MODBUS_READS.contains(&function),
        (Some(S7_PORT), "s7comm") => S7_READS.contains(&function),
        _ => false,
    }
}

/// An order as a rehearsal looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    /// Whom it is against.
    pub(crate) target: &'a Target,
    /// How far it reaches.
    pub(crate) scope: Scope,
    /// Who is known behind the port of a switch it is against, see [`by_their_cards`].
    pub(crate) behind: &'a [Talker],
}

/// What a service says about itself: one line per conversation, or one for the service where nothing is understood.
pub(crate) fn affected(
    question: Question<'_>,
    service: &Service,
    baseline: Option<&Compiled>,
    site: &Site,
    now: Timestamp,
) -> Vec<Affected> {
    if service.conversations.is_empty() {
        let protocol = plain(service.key.transport);
        let key = ConversationKey { service: service.key, protocol, unit: None };
        return vec![line(question, &key, service, None, baseline, site, now)];
    }
    let lines = service.conversations.iter().filter(|c| !carries_another(&c.key, service));
    lines.map(|c| line(question, &c.key, service, Some(&c.activity), baseline, site, now)).collect()
}

/// Whether the conversation is the layer below another one of the same service: one falls silent, not two.
fn carries_another(key: &ConversationKey, service: &Service) -> bool {
    let above = |other: &ConversationKey| {
        dissector(other.protocol.name())
            .is_some_and(|d| d.protocol() == other.protocol && d.beneath().contains(&key.protocol))
    };
    service.conversations.iter().any(|other| above(&other.key))
}

fn line(
    question: Question<'_>,
    key: &ConversationKey,
    service: &Service,
    activity: Option<&Activity>,
    baseline: Option<&Compiled>,
    site: &Site,
    now: Timestamp,
) -> Affected {
    let ServiceKey { space, client, server, transport, port } = key.service;
    let entry = baseline.and_then(|baseline| baseline.entry(baseline.position(key)?));
    #[expect(clippy::cast_precision_loss, reason = "a rate in thousandths stays far below 2^52")]
    let rate = activity.map(|activity| activity.per_minute_thousandths(now) as f64 / 1_000.0);
    let Wire { client_mac, server_mac, tags, .. } = service.wire;
    Affected {
        space,
        client,
        client_asset: Named::of(client, site),
        server,
        server_asset: Named::of(server, site),
        transport,
        server_port: port,
        protocol: key.protocol.name().to_owned(),
        unit: key.unit,
        operations_per_minute: rate,
        last_seen: activity.map_or(service.last, |activity| activity.last),
        answered: activity.map_or(service.answered, |activity| activity.last_answer.is_some()),
        baseline_entry: entry.map(|entry| entry.id()),
        protected: protected(key, site),
        effect: effect(question, key, activity),
        ends: Ends { client, server, client_mac, server_mac, tags },
    }
}

/// What the order does to a conversation that comes by where it acts.
fn effect(question: Question<'_>, key: &ConversationKey, activity: Option<&Activity>) -> Effect {
    let asks =
        matches!(question.target, Target::Conversation { client, .. } if key.service.client == *client);
    let Some(activity) = activity.filter(|_| question.scope == Scope::WriteQuarantine && asks) else {
        return Effect::FallsSilent;
    };
    let beyond = activity.beyond_reads;
    if beyond.asked > 0 && beyond.asked >= activity.asked {
        return Effect::FallsSilent;
    }
    Effect::ReadsOn { stopped: beyond.verbs().collect() }
}

/// The name of the protected entry a conversation belongs to.
pub(crate) fn protected(key: &ConversationKey, site: &Site) -> Option<String> {
    let service = &key.service;
    let belongs = |entry: &&fieldwarden_model::Protected| {
        let pair = |a: Talker, b: Talker| entry.talker == a && entry.peer.is_none_or(|peer| peer == b);
        (pair(service.client, service.server) || pair(service.server, service.client))
            && entry.server_port.is_none_or(|port| service.port == Some(port))
            && entry.transport.is_none_or(|transport| service.transport == transport)
    };
    site.protected.iter().find(belongs).map(|entry| entry.name.clone())
}

/// Who is behind a port of a switch, where some of them are known by their cards alone: with them the talkers that were heard to
/// send from these cards.
pub(crate) fn by_their_cards<'a>(
    behind: &[Talker],
    services: impl Iterator<Item = &'a Service>,
) -> Vec<Talker> {
    let is_behind = |mac: Option<Mac>| mac.is_some_and(|mac| behind.contains(&Talker::Mac(mac)));
    let mut all = behind.to_vec();
    for Service { key, wire, answered, .. } in services {
        all.extend(is_behind(wire.client_mac).then_some(key.client));
        // Who never spoke showed no card: what was sent to him may have been sent to a router.
        all.extend((*answered && is_behind(wire.server_mac)).then_some(key.server));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether an order silences a service. It cuts both ways: a service in which the two sides have swapped their parts is
/// reached as well, and where the order names a port, it is if the client of that service uses this port itself.
pub(crate) fn reaches(question: Question<'_>, service: &Service) -> bool {
    let (key, wire) = (&service.key, &service.wire);
    match question.target {
        Target::SwitchPort { .. } => {
            question.behind.contains(&key.client) || question.behind.contains(&key.server)
        }
        Target::Talker { talker } => key.client == *talker || key.server == *talker,
        Target::Conversation { client, server, server_port, transport } => {
            let straight = key.client == *client && key.server == *server;
            let swapped = key.client == *server && key.server == *client;
            let port = match server_port {
                Some(port) => {
                    (straight && key.port == Some(*port)) || (swapped && wire.client_port == Some(*port))
                }
                None => straight || swapped,
            };
            port && transport.is_none_or(|transport| key.transport == transport)
        }
    }
}

/// The order in which conversations are told.
pub(crate) fn rank(line: &Affected) -> impl Ord + use<'_> {
    (line.space, line.server, line.client, line.transport, line.server_port, &line.protocol, line.unit)
}
