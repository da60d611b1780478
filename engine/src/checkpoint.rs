//! A restart goes on where it stopped: incidents, what was told, last values, how lively conversations are.
//!
//! Streams under way are not kept: their octets are lost with the frames nobody captured meanwhile.

use fieldwarden_model::{AddressSpace, IncidentId, PointRange, Talker, Timestamp, Transport};
use serde::{Deserialize, Serialize};

use crate::{
    assets::Trait,
    baseline::compiled::Compiled,
    conversation::{ConversationKey, ServiceKey, protocol_named},
    detect::{Memory, detector_id},
    engine::Switch,
    history::{Device, Image},
    incident::Case,
    shard::{Activity, Conversation, Service, Wire},
    site::{Known, Repeat, RepeatKey, Site, teller},
};

/// Counts up when what is kept changes its meaning.
const VERSION: u32 = 1;

/// Why an engine cannot go on from a checkpoint. It starts without one instead, and says so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreFault {
    /// The octets are no checkpoint; what the reader said, and where.
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// The checkpoint is of another version.
    Version {
        /// The version found.
        found: u32,
        /// The version this program writes.
        expected: u32,
    },
}

impl core::fmt::Display for RestoreFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Damaged { reason } => write!(f, "the checkpoint is damaged: {reason}"),
            Self::Version { found, expected } => {
                write!(f, "the checkpoint is of version {found}, this program reads version {expected}")
            }
        }
    }
}

impl core::error::Error for RestoreFault {}

/// A checkpoint, read.
#[derive(Debug, Deserialize)]
pub(crate) struct Saved {
    version: u32,
    pub(crate) time: Timestamp,
    alerts: u64,
    cases: Vec<Case>,
    told: Vec<SavedRepeat>,
    plant: Vec<SavedDevice>,
    services: Vec<SavedService>,
    #[serde(default)]
    devices: Vec<SavedIdentity>,
    /// The operating mode that somebody demanded.
    #[serde(default)]
    demanded: Option<Switch>,
}

#[derive(Serialize)]
struct Saving<'a> {
    version: u32,
    time: Timestamp,
    alerts: u64,
    cases: &'a [Case],
    told: Vec<SavedRepeat>,
    plant: Vec<SavedDevice>,
    services: Vec<SavedService>,
    devices: Vec<SavedIdentity>,
    demanded: Option<Switch>,
}

/// What a device showed of itself, in the order in which devices were heard of.
#[derive(Debug, Serialize, Deserialize)]
struct SavedIdentity {
    space: AddressSpace,
    talker: Talker,
    told: Vec<(Trait, String, Option<u32>, String)>,
    asks_since: Option<Timestamp>,
    answers_since: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedRepeat {
    detector: String,
    space: AddressSpace,
    client: Talker,
    server: Option<Talker>,
    port: Option<u16>,
    protocol: Option<String>,
    unit: Option<u16>,
    function: Option<u32>,
    points: Option<PointRange>,
    code: Option<u64>,
    told: Timestamp,
    last: Timestamp,
    anew: u32,
    #[serde(default)]
    counted: bool,
    incident: IncidentId,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedDevice {
    space: AddressSpace,
    server: Talker,
    protocol: String,
    unit: Option<u16>,
    #[serde(default)]
    image: Image,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct SavedService {
    space: AddressSpace,
    client: Talker,
    server: Talker,
    transport: Transport,
    port: Option<u16>,
    to_group: bool,
    answered: bool,
    first: Timestamp,
    last: Timestamp,
    flows: u64,
    conversations: Vec<SavedConversation>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct SavedConversation {
    protocol: String,
    unit: Option<u16>,
    activity: Activity,
}

/// Writes a checkpoint; the same state always gives the same octets.
pub(crate) fn write<'a>(
    time: Timestamp,
    demanded: Option<Switch>,
    site: &Site,
    services: impl Iterator<Item = &'a Service>,
) -> Vec<u8> {
    let mut services: Vec<SavedService> = services.map(save_service).collect();
    services.sort();
    let saving = Saving {
        version: VERSION,
        time,
        alerts: site.alerts,
        cases: site.desk.cases(),
        told: site.repeats.things().map(|(key, repeat)| save_repeat(key, repeat)).collect(),
        plant: site.plant.devices().into_iter().map(|(device, image)| save_device(&device, image)).collect(),
        services,
        devices: site.identities.devices().map(save_identity).collect(),
        demanded,
    };
    // Serialising plain data into memory cannot fail; an empty checkpoint would be refused when it is read.
    serde_json::to_vec(&saving).unwrap_or_default()
}

/// Reads a checkpoint.
pub(crate) fn read(octets: &[u8]) -> Result<Saved, RestoreFault> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let damaged = |error: serde_json::Error| RestoreFault::Damaged { reason: error.to_string() };
    let head: Head = serde_json::from_slice(octets).map_err(damaged)?;
    if head.version != VERSION {
        return Err(RestoreFault::Version { found: head.version, expected: VERSION });
    }
    let saved: Saved = serde_json::from_slice(octets).map_err(damaged)?;
    debug_assert_eq!(saved.version, VERSION);
    Ok(saved)
}

impl Saved {
    /// The operating mode that somebody demanded.
    pub(crate) const fn demanded(&self) -> Option<Switch> {
        self.demanded
    }

    /// The services, judged by the baseline at hand.
    pub(crate) fn services(&self, baseline: Option<&Compiled>) -> Vec<Service> {
        self.services.iter().map(|saved| saved.service(baseline)).collect()
    }

    /// Everything that looks across conversations.
    pub(crate) fn into_site(self, site: &mut Site) {
        site.alerts = self.alerts;
        site.desk.restore(self.cases);
        for saved in self.told {
            let Some((key, repeat)) = saved.repeat() else { continue };
            site.repeats.restore(key, repeat);
        }
        for saved in self.devices {
            let (who, known) = saved.identity();
            site.identities.restore(who, known);
        }
        for saved in self.plant {
            let Some(protocol) = protocol_named(&saved.protocol) else { continue };
            let device = Device { space: saved.space, server: saved.server, protocol, unit: saved.unit };
            site.plant.restore(device, saved.image);
        }
    }
}

impl SavedService {
    fn service(&self, baseline: Option<&Compiled>) -> Service {
        let key = ServiceKey {
            space: self.space,
            client: self.client,
            server: self.server,
            transport: self.transport,
            port: self.port,
        };
        let conversation = |saved: &SavedConversation| {
            let protocol = protocol_named(&saved.protocol)?;
            let key = ConversationKey { service: key, protocol, unit: saved.unit };
            Some(Conversation::new(key, baseline, saved.activity.clone()))
        };
        Service {
            key,
            known: baseline.is_some_and(|baseline| baseline.knows_service(&key)),
            to_group: self.to_group,
            answered: self.answered,
            first: self.first,
            last: self.last,
            flows: self.flows,
            tried: self.last,
            blind_at: self.last,
            wire: Wire::default(),
            memory: Memory::default(),
            conversations: self.conversations.iter().filter_map(conversation).collect(),
        }
    }
}

impl SavedIdentity {
    fn identity(self) -> ((AddressSpace, Talker), Known) {
        let told = self.told.into_iter();
        let told = told.filter_map(|(of, protocol, part, text)| Some(((of, teller(&protocol)?, part), text)));
        let known = Known {
            told: told.collect(),
            asks_since: self.asks_since,
            answers_since: self.answers_since,
            ..Known::default()
        };
        ((self.space, self.talker), known)
    }
}

fn save_identity(((space, talker), known): ((AddressSpace, Talker), &Known)) -> SavedIdentity {
    let told = known.told.iter();
    SavedIdentity {
        space,
        talker,
        told: told.map(|((of, by, part), text)| (*of, by.name().to_owned(), *part, text.clone())).collect(),
        asks_since: known.asks_since,
        answers_since: known.answers_since,
    }
}

impl SavedRepeat {
    fn repeat(self) -> Option<(RepeatKey, Repeat)> {
        let key = RepeatKey {
            detector: detector_id(&self.detector)?,
            space: self.space,
            client: self.client,
            server: self.server,
            port: self.port,
            protocol: self.protocol.as_deref().and_then(protocol_named),
            unit: self.unit,
            function: self.function,
            points: self.points,
            code: self.code,
        };
        Some((
            key,
            Repeat {
                told: self.told,
                last: self.last,
                anew: self.anew,
                counted: self.counted,
                incident: self.incident,
            },
        ))
    }
}

fn save_service(service: &Service) -> SavedService {
    let save = |conversation: &Conversation| SavedConversation {
        protocol: conversation.key.protocol.name().to_owned(),
        unit: conversation.key.unit,
        activity: conversation.activity.clone(),
    };
    SavedService {
        space: service.key.space,
        client: service.key.client,
        server: service.key.server,
        transport: service.key.transport,
        port: service.key.port,
        to_group: service.to_group,
        answered: service.answered,
        first: service.first,
        last: service.last,
        flows: service.flows,
        conversations: service.conversations.iter().map(save).collect(),
    }
}

fn save_repeat(key: &RepeatKey, repeat: &Repeat) -> SavedRepeat {
    SavedRepeat {
        detector: key.detector.to_owned(),
        space: key.space,
        client: key.client,
        server: key.server,
        port: key.port,
        protocol: key.protocol.map(|protocol| protocol.name().to_owned()),
        unit: key.unit,
        function: key.function,
        points: key.points,
        code: key.code,
        told: repeat.told,
        last: repeat.last,
        anew: repeat.anew,
        counted: repeat.counted,
        incident: repeat.incident.clone(),
    }
}

fn save_device(device: &Device, image: Image) -> SavedDevice {
    SavedDevice {
        space: device.space,
        server: device.server,
        protocol: device.protocol.name().to_owned(),
        unit: device.unit,
        image,
    }
}
