//! What a detector says: everything an alert needs but names, values before, and the incident.

use fieldwarden_model::{
    AddressSpace, Endpoint, FrameRef, Mac, Operation, PointRange, Severity, Talker, Timestamp, Transport,
    Verb,
};
use fieldwarden_protocols::{Direction, Protocol};

use super::{Blinded, Door, Judged, Matter, Opened};
use crate::{conversation::ConversationKey, history::Shape, track::Heard};

/// A judgement. Its sentence names the two sides `{client}` and `{server}`; their names are filled in later.
#[derive(Clone, Debug)]
pub struct Finding {
    pub(crate) detector: &'static str,
    pub(crate) severity: Severity,
    pub(crate) techniques: &'static [&'static str],
    pub(crate) time: Timestamp,
    pub(crate) space: AddressSpace,
    pub(crate) transport: Transport,
    pub(crate) client: Endpoint,
    pub(crate) client_mac: Option<Mac>,
    pub(crate) server: Option<Endpoint>,
    pub(crate) server_mac: Option<Mac>,
    pub(crate) vlan: Vec<u16>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) unit: Option<u16>,
    pub(crate) verb: Option<Verb>,
    /// The function's code and its name.
    pub(crate) function: Option<(u32, &'static str)>,
    pub(crate) points: Option<PointRange>,
    pub(crate) values: Option<(Shape, Vec<u8>)>,
    pub(crate) frames: Vec<FrameRef>,
    pub(crate) assured: bool,
    pub(crate) sentence: String,
    pub(crate) baseline_entry: Option<String>,
    pub(crate) bucket: Bucket,
    /// Whether it is about a flow that its server seems to have begun, as a frame from a well-known port does.
    pub(crate) backwards: bool,
    /// Whether it may be a button that an operator pressed for the first time: the site takes it for one where nothing else is amiss.
    pub(crate) button: bool,
    /// What the site is to make of it, where it is no judgement yet but a sight.
    pub(crate) matter: Option<Matter>,
}

/// What makes two findings of one detector about one conversation the same thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bucket {
    pub(crate) function: Option<u32>,
    pub(crate) points: Option<PointRange>,
    pub(crate) code: Option<&'static str>,
}

impl Finding {
    /// About a talker alone.
    pub(crate) fn of_talker(detector: &'static str, heard: &Heard) -> Self {
        Self {
            detector,
            severity: Severity::Medium,
            techniques: &[],
            time: heard.time,
            space: heard.space,
            transport: Transport::Link,
            client: Endpoint { talker: heard.talker, port: None },
            client_mac: heard.mac,
            server: None,
            server_mac: None,
            vlan: Vec::new(),
            protocol: None,
            unit: None,
            verb: None,
            function: None,
            points: None,
            values: None,
            frames: vec![heard.frame],
            assured: true,
            sentence: String::new(),
            baseline_entry: None,
            bucket: Bucket::default(),
            backwards: false,
            button: false,
            matter: None,
        }
    }

    /// About a door that was tried.
    pub(crate) fn of_door(detector: &'static str, door: &Door) -> Self {
        let heard = Heard {
            space: door.space,
            talker: door.client.talker,
            mac: door.client_mac,
            arp: None,
            time: door.time,
            frame: door.frame,
        };
        Self {
            transport: door.transport,
            client: door.client,
            server: Some(Endpoint { talker: door.server, port: door.port }),
            protocol: door.protocol,
            ..Self::of_talker(detector, &heard)
        }
    }

    /// About the sensor itself, which has no address: the unspecified one stands for it.
    pub(crate) fn of_sensor(detector: &'static str, blinded: &Blinded) -> Self {
        let nobody = Talker::Ip(core::net::IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED));
        let frame = FrameRef::default();
        let heard = Heard {
            space: AddressSpace::default(),
            talker: nobody,
            mac: None,
            arp: None,
            time: blinded.time,
            frame,
        };
        Self { frames: Vec::new(), ..Self::of_talker(detector, &heard) }
    }

    /// About a conversation in which nothing happens.
    pub(crate) fn of_conversation(
        detector: &'static str,
        conversation: &ConversationKey,
        time: Timestamp,
    ) -> Self {
        let service = &conversation.service;
        let frame = FrameRef::default();
        let heard = Heard { space: service.space, talker: service.client, mac: None, time, frame, arp: None };
        Self {
            transport: service.transport,
            server: Some(Endpoint { talker: service.server, port: service.port }),
            protocol: Some(conversation.protocol),
            unit: conversation.unit,
            frames: Vec::new(),
            ..Self::of_talker(detector, &heard)
        }
    }

    /// About a flow that began.
    pub(crate) fn of_flow(detector: &'static str, opened: &Opened<'_>) -> Self {
        let origin = opened.origin;
        let heard = Heard {
            space: origin.key.space,
            talker: origin.key.client.talker,
            mac: origin.client_mac,
            arp: None,
            time: origin.time,
            frame: origin.frames.last().copied().unwrap_or_default(),
        };
        Self {
            transport: origin.key.transport,
            client: origin.key.client,
            server: Some(origin.key.server),
            server_mac: origin.server_mac,
            vlan: origin.vlan.to_vec(),
            protocol: opened.suggested,
            frames: origin.frames.to_vec(),
            backwards: origin.direction == Direction::ToClient,
            ..Self::of_talker(detector, &heard)
        }
    }

    /// About a message.
    pub(crate) fn of_message(detector: &'static str, judged: &Judged<'_>) -> Self {
        let opened = Opened {
            origin: judged.origin,
            service: &judged.conversation.service,
            suggested: Some(judged.conversation.protocol),
            known: true,
        };
        Self { unit: judged.conversation.unit, backwards: false, ..Self::of_flow(detector, &opened) }
    }

    /// About an operation, with its points and values.
    pub(crate) fn of_operation(
        detector: &'static str,
        judged: &Judged<'_>,
        operation: &Operation<'_>,
    ) -> Self {
        Self {
            verb: Some(operation.verb),
            function: Some((operation.function, operation.name)),
            points: operation.points,
            values: operation.values.map(|values| (Shape::of(&values), values.bytes.to_vec())),
            ..Self::of_message(detector, judged)
        }
    }

    /// Leaves out the values, and keeps how wide they are.
    pub(crate) fn without_values(&mut self) {
        self.values = self.values.take().map(|(shape, _)| (Shape { count: 0, ..shape }, Vec::new()));
    }

    /// The points in the protocol's notation.
    pub(crate) fn points_text(&self) -> Option<String> {
        let notation = fieldwarden_protocols::dissector(self.protocol?.name())?.notation();
        let mut text = String::new();
        notation.write(&self.points?, &mut text).ok()?;
        Some(text)
    }
}
