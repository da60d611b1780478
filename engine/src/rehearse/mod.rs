//! What the plant would lose: the conversations an order would silence, and whether the others stay well while it is
//! provisional.

mod watch;

use fieldwarden_model::{AddressSpace, Talker, Timestamp, Transport, order::Target};
use fieldwarden_protocols::dissector;
use serde::Serialize;

pub use watch::KeepVerdict;
pub(crate) use watch::Watch;

use crate::{
    baseline::compiled::Compiled,
    conversation::{ConversationKey, ServiceKey, plain},
    shard::{Activity, Service},
};

/// What an order against a target would silence, as far as the engine has seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rehearsal {
    /// Whom the order would be against.
    pub target: Target,
    /// As of when.
    pub time: Timestamp,
    /// Every conversation seen that would fall silent: by server, client, port, protocol, unit.
    pub conversations: Vec<Silenced>,
}

/// A conversation that would fall silent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Silenced {
    /// Where both addresses are unique.
    pub space: AddressSpace,
    /// Who asks.
    pub client: Talker,
    /// The client's name in the site file.
    pub client_name: Option<String>,
    /// Who is asked.
    pub server: Talker,
    /// The server's name in the site file.
    pub server_name: Option<String>,
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
}

/// What a service says about itself: one line per conversation, or one for the service where nothing is understood.
pub(crate) fn silenced(
    service: &Service,
    baseline: Option<&Compiled>,
    site: &fieldwarden_model::Site,
    now: Timestamp,
) -> Vec<Silenced> {
    if service.conversations.is_empty() {
        let protocol = plain(service.key.transport);
        let key = ConversationKey { service: service.key, protocol, unit: None };
        return vec![line(&key, service, None, baseline, site, now)];
    }
    let lines = service.conversations.iter().filter(|c| !carries_another(&c.key, service));
    lines.map(|c| line(&c.key, service, Some(&c.activity), baseline, site, now)).collect()
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
    key: &ConversationKey,
    service: &Service,
    activity: Option<&Activity>,
    baseline: Option<&Compiled>,
    site: &fieldwarden_model::Site,
    now: Timestamp,
) -> Silenced {
    let name = |talker| site.asset(talker).map(|asset| asset.name.clone());
    let entry = baseline.and_then(|baseline| baseline.entry(baseline.position(key)?));
    #[expect(clippy::cast_precision_loss, reason = "a rate in thousandths stays far below 2^52")]
    let rate = activity.map(|activity| activity.per_minute_thousandths(now) as f64 / 1_000.0);
    Silenced {
        space: key.service.space,
        client: key.service.client,
        client_name: name(key.service.client),
        server: key.service.server,
        server_name: name(key.service.server),
        transport: key.service.transport,
        server_port: key.service.port,
        protocol: key.protocol.name().to_owned(),
        unit: key.unit,
        operations_per_minute: rate,
        last_seen: activity.map_or(service.last, |activity| activity.last),
        answered: activity.map_or(service.answered, |activity| activity.last_answer.is_some()),
        baseline_entry: entry.map(|entry| entry.id()),
        protected: protected(key, site),
    }
}

/// The name of the protected entry a conversation belongs to.
pub(crate) fn protected(key: &ConversationKey, site: &fieldwarden_model::Site) -> Option<String> {
    let service = &key.service;
    let belongs = |entry: &&fieldwarden_model::Protected| {
        let pair = |a: Talker, b: Talker| entry.talker == a && entry.peer.is_none_or(|peer| peer == b);
        (pair(service.client, service.server) || pair(service.server, service.client))
            && entry.server_port.is_none_or(|port| service.port == Some(port))
            && entry.transport.is_none_or(|transport| service.transport == transport)
    };
    site.protected.iter().find(belongs).map(|entry| entry.name.clone())
}

/// Whether an order against `target` silences a service. It cuts both ways: a service in which the two sides have
/// swapped their parts is reached unless the order names a port, which is then the other side's. `behind` is who is known
/// behind a port of a switch.
pub(crate) fn reaches(target: &Target, behind: &[Talker], key: &ServiceKey) -> bool {
    match target {
        Target::SwitchPort { .. } => behind.contains(&key.client) || behind.contains(&key.server),
        Target::Talker { talker } => key.client == *talker || key.server == *talker,
        Target::Conversation { client, server, server_port, transport } => {
            let straight = key.client == *client && key.server == *server;
            let swapped = key.client == *server && key.server == *client;
            let port = match server_port {
                Some(port) => straight && key.port == Some(*port),
                None => straight || swapped,
            };
            port && transport.is_none_or(|transport| key.transport == transport)
        }
    }
}

/// The order in which silenced conversations are told.
pub(crate) fn rank(line: &Silenced) -> impl Ord + use<'_> {
    (line.space, line.server, line.client, line.transport, line.server_port, &line.protocol, line.unit)
}
