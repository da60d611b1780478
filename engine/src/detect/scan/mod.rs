//! `scan`: a client tries one door after the other, and finds most of them shut.
//!
//! Techniques of ATT&CK for ICS: T0846 Remote System Discovery, T0888 Remote System Information Discovery, T0840 Network
//! Connection Enumeration. Doors are addresses asked for by ARP, ports of TCP and UDP, units of Modbus and selectors of ISO
//! transport that the baseline does not know. Counted are distinct doors that were refused, that were left in silence, or
//! that have waited a second for an answer, where they outnumber those that answered. Told besides is who asks everybody to
//! identify himself (PROFINET DCP, EtherNet/IP, BACnet), where there is a baseline that does not know him to.

mod doors;

use core::{net::IpAddr, time::Duration};

use fieldwarden_model::{
    Endpoint, Outcome, Severity, Talker, Transport, Verb,
    section::{Fault, Reader, Section},
};
use fieldwarden_protocols::Message;

pub(crate) use doors::Memory;
use doors::{Counted, Manner};

use super::{
    Bucket, Context, Detector, Door, Finding, Judged, Memory as OfService, Need, Sight, Subject, Survey,
    Tried, nearest, settings::seconds, sight::Sort,
};
use crate::{
    shard::is_to_group,
    track::{Heard, Origin},
};

/// The detector's id.
pub(crate) const ID: &str = "scan";

/// Judges series of doors.
pub struct Scan;

/// What `scan` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Doors tried in vain by one client that make a scan. Sixteen: a station whose cell is switched off asks for a dozen.
    pub doors: u32,
    /// The same by all strangers together, since a scan may be shared out among many addresses. Sixty-four.
    pub doors_of_all: u32,
    /// Within which time. One hour: slower scans take days for a network, and most tools are done in a minute.
    pub window: Duration,
    /// Talkers that may scan: stations that look for devices, and scanners of one's own. None.
    pub allowed: Vec<Talker>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { doors: 16, doors_of_all: 64, window: Duration::from_secs(3_600), allowed: Vec::new() }
    }
}

impl Settings {
    /// Reads `[detectors.scan]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let doors = reader.within("doors", 2..=64, u64::from(usual.doors));
        let all = reader.within("doors_of_all", 2..=256, u64::from(usual.doors_of_all));
        let window = seconds(&mut reader, "window_secs", usual.window);
        let allowed = reader.or("allowed", Vec::new());
        reader.finish_with(Some(Self {
            doors: u32::try_from(doors).unwrap_or(usual.doors),
            doors_of_all: u32::try_from(all).unwrap_or(usual.doors_of_all),
            window,
            allowed,
        }))
    }
}

impl Detector for Scan {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Answers, Need::Time]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut OfService,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        let asks_all = operation.verb == Verb::Discover
            && operation.outcome == Outcome::Asked
            && is_call(judged.conversation.protocol.name(), operation.name)
            && is_to_group(&judged.conversation.service, judged.origin);
        if !asks_all || context.baseline.is_none() || is_allowed(context, judged) {
            return;
        }
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.severity = Severity::Medium;
        finding.techniques = &["T0846", "T0888"];
        finding.bucket = Bucket { code: Some("identify"), ..Bucket::default() };
        finding.baseline_entry = nearest(context, judged.conversation);
        finding.sentence = format!(
            "{{client}} asks all devices to identify themselves by {} ({})",
            judged.conversation.protocol, operation.name
        );
        findings(finding);
    }

    fn survey(
        &self,
        context: &Context<'_>,
        sight: &Sight<'_>,
        memory: &mut Survey,
        findings: &mut dyn FnMut(Finding),
    ) {
        let settings = &context.settings.scan;
        match sight {
            // Who was asked for by ARP is there.
            Sight::Held(heard) => {
                if let (Some(arp), Talker::Ip(address)) =
                    (heard.arp.filter(|arp| arp.operation == 2), heard.talker)
                {
                    memory.doors.is_there(
                        heard.space,
                        Talker::Ip(arp.target.into()),
                        Talker::Ip(address),
                        heard.time,
                    );
                }
            }
            Sight::Door(door) if !settings.allowed.contains(&door.client.talker) => {
                if door.sort == Sort::Address && is_known_address(context, memory, door) {
                    return;
                }
                let known = context.baseline.map(|it| it.knows_talker(door.space, door.client.talker));
                let counted = memory.doors.tried(door, settings, known == Some(false));
                for counted in counted.into_iter().flatten() {
                    findings(told(door, &counted));
                }
            }
            _ => {}
        }
    }
}

fn is_allowed(context: &Context<'_>, judged: &Judged<'_>) -> bool {
    context.settings.scan.allowed.contains(&judged.origin.key.client.talker)
}

/// Whether somebody asks for an address that is in use, or that the baseline knows.
fn is_known_address(context: &Context<'_>, memory: &Survey, door: &Door) -> bool {
    let Talker::Ip(address) = door.server else { return true };
    memory.addresses.is_held(door.space, address)
        || context.baseline.is_some_and(|baseline| baseline.knows_talker(door.space, door.server))
}

/// Names of the operations by which everybody is asked to say who he is.
fn is_call(protocol: &str, name: &str) -> bool {
    match protocol {
        "profinet_dcp" => name == "identify",
        "cip" | "enip" => name == "list identity",
        "bacnet" => matches!(name, "Who is" | "Who has"),
        _ => false,
    }
}

fn told(door: &Door, counted: &Counted) -> Finding {
    let mut finding = Finding::of_door(ID, door);
    let Counted { manner, vain, servers, ports, clients, .. } = *counted;
    finding.severity = Severity::High;
    finding.techniques = match manner {
        Manner::Addresses => &["T0846"],
        Manner::Ports => &["T0840", "T0846"],
        Manner::Units | Manner::Selectors => &["T0846", "T0888"],
    };
    finding.bucket = Bucket { code: Some(manner.code(clients > 1)), ..Bucket::default() };
    finding.frames.clone_from(&counted.frames);
    // What is told is the series, not its last door.
    let port = finding.server.and_then(|server| server.port).filter(|_| ports == 1);
    finding.server = (servers == 1).then_some(Endpoint { talker: door.server, port });
    let at = if servers == 1 { String::from("{server}") } else { format!("{servers} addresses") };
    let who = if clients > 1 {
        format!("{{client}} and others, {clients} in all,")
    } else {
        String::from("{client}")
    };
    finding.sentence = match manner {
        Manner::Addresses => format!("{who} asked by ARP for {vain} addresses that nobody has"),
        Manner::Ports if ports == 1 => {
            let port = door.port.unwrap_or(0);
            format!("{who} tried port {port} on {at} one after the other, {vain} of them in vain")
        }
        Manner::Ports => format!("{who} tried {vain} ports of {at} in vain"),
        Manner::Units => format!("{who} asked for {vain} units behind {at} that do not answer"),
        Manner::Selectors => format!("{who} tried {vain} selectors (TSAP) of {at} in vain"),
    };
    finding
}

/// The address that a talker asks for by ARP; none where it speaks of its own.
pub(crate) fn asked_for(heard: &Heard) -> Option<Door> {
    let arp = heard.arp.filter(|arp| arp.operation == 1 && !arp.target.is_unspecified())?;
    let server = Talker::Ip(IpAddr::V4(arp.target));
    let link_local = arp.target.is_link_local();
    (server != heard.talker && !link_local).then_some(Door {
        space: heard.space,
        client: Endpoint { talker: heard.talker, port: None },
        client_mac: heard.mac,
        server,
        transport: Transport::Link,
        port: None,
        protocol: None,
        sort: Sort::Address,
        tried: Tried::Knocked,
        time: heard.time,
        frame: heard.frame,
    })
}

/// The selector of ISO transport that a client tries, or is let in by (ISO 8073 clause 13.3.4).
pub(crate) fn selector(origin: &Origin<'_>, message: &Message<'_>) -> Option<Door> {
    if message.protocol.name() != "cotp" {
        return None;
    }
    let mut outcome = None;
    message.body.operations(&mut |operation| outcome = Some(operation.outcome));
    let tried = match outcome? {
        Outcome::Asked => Tried::Knocked,
        Outcome::Done => Tried::Answered,
        Outcome::Refused(_) | Outcome::Reported => return None,
    };
    let called = super::sight::octets(message, "called_tsap")?;
    let number = called.iter().take(4).fold(0, |number, octet| number << 8 | u32::from(*octet));
    Some(Door { sort: Sort::Selector(number), ..Door::of_flow(origin, tried) })
}

#[cfg(test)]
mod tests;
