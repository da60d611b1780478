//! `request-flood`: far more is asked of a server than it is used to, or it answers no more while it is asked on and on.
//!
//! Technique of ATT&CK for ICS: T0814 Denial of Service. What a server is used to is the busiest minute that it had so far, all
//! clients together, up to the last but one; the first two are held against a stated rate alone. Needs no baseline. Requests below IP are not counted:
//! motion buses ask thousands of times a second.

use std::collections::BTreeMap;

use fieldwarden_model::{
    AddressSpace, Severity, Talker, Timestamp,
    section::{Fault, Reader, Section},
};

use super::{
    Bucket, Context, Detector, Finding, Load, Matter, Memory as OfService, Need, Sight, Subject, Survey,
};

/// The detector's id.
pub(crate) const ID: &str = "request-flood";

/// Requests of one conversation within a minute are counted by so many: less is nothing to a server, and this keeps counting
/// off the way of every request.
pub(crate) const GRAIN: u32 = 250;
/// So many requests in a row without an answer, of a server that answered before, are a backlog.
pub(crate) const BACKLOG: u32 = 100;
/// Clients counted apart for each server within a minute; further ones count for the server alone.
const MAX_CLIENTS: usize = 16;
/// Servers whose load is remembered; when full, the sixteenth part asked longest ago is forgotten.
const MAX_SERVERS: usize = 1_024;

/// Protocols that are not counted: what moves files, screens and names asks as often as the line allows, and motion buses ask
/// thousands of times a second over UDP as well.
const UNCOUNTED: [&str; 17] = [
    "cip_io",
    "dns",
    "egd",
    "ethercat",
    "ftp",
    "openvpn",
    "powerlink",
    "profinet_rt",
    "ptp",
    "rdp",
    "sercos",
    "smb1",
    "smb2",
    "ssh",
    "tftp",
    "tls",
    "vnc",
];
/// Protocols in which every request has its answer: in others what is sent on and on may want none.
const ANSWERED: [&str; 9] =
    ["ads", "fins", "ge_srtp", "melsec", "modbus", "modbus_serial", "s7comm", "snmp", "tristation"];

/// Judges load.
pub struct RequestFlood;

/// What `request-flood` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Requests to one server within a minute that are no flood whatever it is used to. Twelve thousand: two hundred a second,
    /// more than a controller answers to displays and history together.
    pub requests_per_minute: u32,
    /// How many times the busiest minute so far is a flood. Four: a display that starts up reads everything once, which doubles it.
    pub times_busiest: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { requests_per_minute: 12_000, times_busiest: 4 }
    }
}

impl Settings {
    /// Reads `[detectors.request_flood]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let number = |told: u64, usual: u32| u32::try_from(told).unwrap_or(usual);
        let most = reader.within("requests_per_minute", 250..=100_000_000, usual.requests_per_minute.into());
        let times = reader.within("times_busiest", 1..=1_000, usual.times_busiest.into());
        reader.finish_with(Some(Self {
            requests_per_minute: number(most, usual.requests_per_minute),
            times_busiest: number(times, usual.times_busiest),
        }))
    }
}

/// Servers and how much is asked of them.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    servers: BTreeMap<(AddressSpace, Talker), Asked>,
}

#[derive(Clone, Debug, Default)]
struct Asked {
    minute: i64,
    count: u64,
    /// Of the minute before: a flood that began in it must not count as what the server is used to.
    before: u64,
    /// Of all minutes before that.
    busiest: u64,
    last: Timestamp,
    /// Of the running minute, by client.
    clients: Vec<(Talker, u64)>,
}

impl Detector for RequestFlood {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests, Need::Answers, Need::Time]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut OfService,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Loaded(judged, Load { asked, unanswered }) = subject else { return };
        let protocol = judged.conversation.protocol.name();
        if UNCOUNTED.contains(&protocol) {
            return;
        }
        let mut finding = Finding::of_message(self.id(), judged);
        finding.techniques = &["T0814"];
        // What is asked as slowly as ever, of a server that is gone, is for `silent-controller` to tell.
        if *unanswered == BACKLOG && *asked >= BACKLOG && ANSWERED.contains(&protocol) {
            let mut backlog = finding.clone();
            backlog.severity = Severity::Medium;
            backlog.bucket = Bucket { code: Some("backlog"), ..Bucket::default() };
            backlog.sentence = format!(
                "{{server}} left {BACKLOG} requests of {{client}} in a row unanswered, and answered before"
            );
            findings(backlog);
        }
        if asked.is_multiple_of(GRAIN) {
            finding.matter = Some(Matter::Requests(GRAIN));
            findings(finding);
        }
    }

    fn survey(
        &self,
        context: &Context<'_>,
        sight: &Sight<'_>,
        memory: &mut Survey,
        findings: &mut dyn FnMut(Finding),
    ) {
        let (Sight::Matter(seen, Matter::Requests(more)), settings) =
            (sight, &context.settings.request_flood)
        else {
            return;
        };
        let Some(server) = seen.server else { return };
        let client = seen.client.talker;
        let asked = memory.loads.add((seen.space, server.talker), client, seen.time, u64::from(*more));
        let busiest = asked.busiest.saturating_mul(settings.times_busiest.into());
        if asked.count < busiest.max(settings.requests_per_minute.into()) {
            return;
        }
        // Told of who asks most: the display that asks as ever does not flood.
        let most = asked.clients.iter().map(|(_, count)| *count).max();
        let own = asked.clients.iter().find(|(other, _)| *other == client).map(|(_, count)| *count);
        if own.is_some() && own != most {
            return;
        }
        let mut finding = (*seen).clone();
        finding.matter = None;
        finding.severity = Severity::High;
        finding.bucket = Bucket { code: Some("flood"), ..Bucket::default() };
        let used_to = match asked.busiest {
            0 => String::from("soon after it was first heard"),
            busiest => format!("where its busiest minute so far had {busiest}"),
        };
        finding.sentence = format!(
            "{{server}} was asked {} times within a minute, mostly by {{client}}, {used_to}",
            asked.count
        );
        findings(finding);
    }
}

impl Memory {
    fn add(&mut self, server: (AddressSpace, Talker), client: Talker, now: Timestamp, more: u64) -> Asked {
        let minute = now.nanos().div_euclid(60_000_000_000);
        let asked = self.servers.entry(server).or_default();
        if asked.minute != minute {
            asked.busiest = asked.busiest.max(asked.before);
            (asked.minute, asked.before, asked.count) = (minute, asked.count, 0);
            asked.clients.clear();
        }
        asked.count += more;
        asked.last = now;
        if let Some((_, count)) = asked.clients.iter_mut().find(|(other, _)| *other == client) {
            *count += more;
        } else if asked.clients.len() < MAX_CLIENTS {
            asked.clients.push((client, more));
        }
        let asked = asked.clone();
        if self.servers.len() > MAX_SERVERS {
            let mut ages: Vec<_> = self.servers.iter().map(|(key, asked)| (asked.last, *key)).collect();
            ages.sort_unstable();
            for (_, key) in ages.into_iter().take(MAX_SERVERS / 16) {
                self.servers.remove(&key);
            }
        }
        asked
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome};

    use crate::bench::{Bench, HMI, PLC, ROGUE, read};

    fn polls(bench: &mut Bench, client: &str, times: usize, millis: u64) {
        let done = Operation { outcome: Outcome::Done, ..read("40001") };
        for _ in 0..times {
            bench.pass(millis).asks(client, PLC, &read("40001")).pass(0).answers(client, PLC, &done);
        }
    }

    fn floods(bench: &Bench) -> usize {
        bench.alerts.iter().filter(|alert| alert.detector == "request-flood").count()
    }

    #[test]
    fn three_hundred_requests_a_second_are_a_flood() {
        let mut bench = Bench::with(None);
        polls(&mut bench, ROGUE, 20_000, 3);
        assert_eq!(bench.detectors(), ["request-flood"]);
        assert!(bench.last().summary.starts_with("Dosing PLC (10.0.0.20) was asked 12000 times"));
        assert!(bench.incident().title.starts_with("Device 10.0.0.66 flooded Dosing PLC"));
    }

    #[test]
    fn a_server_that_answers_no_more_is_told_once() {
        let mut bench = Bench::with(None);
        polls(&mut bench, HMI, 10, 100);
        for _ in 0..150 {
            bench.asks(HMI, PLC, &read("40001"));
        }
        assert_eq!(bench.detectors(), ["request-flood"]);
        assert!(bench.last().summary.contains("left 100 requests"), "{}", bench.last().summary);
    }

    #[test]
    fn what_a_server_is_used_to_is_no_flood() {
        let mut bench = Bench::with(None);
        // Fifty a second all day, and twice that when another display starts up.
        polls(&mut bench, HMI, 9_000, 20);
        polls(&mut bench, ROGUE, 9_000, 10);
        assert!(bench.alerts.is_empty(), "{:?}", bench.alerts);
    }

    #[test]
    fn evasion_split_over_sources_is_seen() {
        let mut bench = Bench::with(None);
        for n in 0..52_000 {
            // Ten sources in turn, each far below what a flood has.
            bench.pass(1).asks(&format!("10.0.0.{}", 60 + n % 10), PLC, &read("40001"));
            bench.pass(0).answers(
                &format!("10.0.0.{}", 60 + n % 10),
                PLC,
                &Operation { outcome: Outcome::Done, ..read("40001") },
            );
        }
        assert!(floods(&bench) >= 1);
    }

    #[test]
    fn evasion_in_pieces_is_seen() {
        // Many connections, each with few requests: they are one conversation.
        let mut bench = Bench::with(None);
        for _ in 0..200 {
            bench.accepts(ROGUE, PLC, 502);
            polls(&mut bench, ROGUE, 100, 3);
        }
        assert!(floods(&bench) >= 1);
    }
}
