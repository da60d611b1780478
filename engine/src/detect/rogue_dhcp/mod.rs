//! `rogue-dhcp`: a second server hands out addresses.
//!
//! Technique of ATT&CK for ICS: T0830 Adversary-in-the-Middle: who hands out addresses says which router and which name server
//! a device believes. A server is known by what it says to be (RFC 2132 clause 9.7, the server identifier), so that relays are
//! none; known are those of the baseline, those of the settings and, where there is neither, the first one heard.

use std::collections::BTreeMap;

use fieldwarden_model::{
    AddressSpace, Endpoint, Outcome, Severity, Talker, Timestamp,
    section::{Fault, Reader, Section},
};
use fieldwarden_protocols::Direction;

use super::{Context, Detector, Finding, Matter, Memory as OfService, Need, Sight, Subject, Survey, nearest};

/// The detector's id.
pub(crate) const ID: &str = "rogue-dhcp";

/// Judges who hands out addresses.
pub struct RogueDhcp;

/// Servers remembered; when full, the one heard longest ago is forgotten.
const MAX_SERVERS: usize = 64;

/// What `rogue-dhcp` is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Servers that may hand out addresses, beside those of the baseline. None, since only the plant knows its second one.
    pub servers: Vec<Talker>,
}

impl Settings {
    /// Reads `[detectors.rogue_dhcp]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let servers = reader.or("servers", Vec::new());
        reader.finish_with(Some(Self { servers }))
    }
}

/// Servers heard, and whether they were there first.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    servers: BTreeMap<(AddressSpace, Talker), Server>,
}

#[derive(Clone, Copy, Debug)]
struct Server {
    last: Timestamp,
    known: bool,
}

impl Detector for RogueDhcp {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Answers]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut OfService,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        let answers = matches!(operation.outcome, Outcome::Done | Outcome::Refused(_))
            || judged.direction == Direction::ToClient;
        // 2 offers, 5 acknowledges, 6 refuses: only servers do, also where they say it to all, which looks like a demand. 0 is BOOTP.
        let hands_out = matches!((operation.function, answers), (2 | 5 | 6, _) | (0, true));
        if judged.conversation.protocol.name() != "dhcp" || !hands_out {
            return;
        }
        // Who always offers to all is no client of all, and known.
        let to_all = judged.direction == Direction::ToServer;
        if to_all && judged.entry.is_some_and(|entry| entry.knows_function(operation.function)) {
            return;
        }
        let spoke = match judged.direction {
            Direction::ToClient => judged.origin.key.server.talker,
            Direction::ToServer => judged.origin.key.client.talker,
        };
        let server = judged.text("server").and_then(|server| server.parse().ok()).unwrap_or(spoke);
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        // Who hands out addresses does something to whom they go to.
        if judged.direction == Direction::ToClient {
            core::mem::swap(&mut finding.client_mac, &mut finding.server_mac);
        }
        finding.client = Endpoint { talker: server, port: None };
        finding.server = None;
        finding.baseline_entry = nearest(context, judged.conversation);
        finding.matter = Some(Matter::HandsOut(server));
        findings(finding);
    }

    fn survey(
        &self,
        context: &Context<'_>,
        sight: &Sight<'_>,
        memory: &mut Survey,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Sight::Matter(seen, Matter::HandsOut(server)) = sight else { return };
        let servers = &mut memory.servers.servers;
        let key = (seen.space, *server);
        let known = match servers.get(&key) {
            Some(met) => met.known,
            None => is_known(context, seen, *server, servers),
        };
        servers.insert(key, Server { last: seen.time, known });
        if servers.len() > MAX_SERVERS
            && let Some(oldest) =
                servers.iter().min_by_key(|(key, met)| (met.known, met.last, **key)).map(|(key, _)| *key)
        {
            servers.remove(&oldest);
        }
        if known {
            return;
        }
        let other = servers.iter().find(|((space, _), met)| *space == seen.space && met.known);
        let other = other.map(|((_, other), _)| *other);
        let mut finding = (*seen).clone();
        finding.matter = None;
        finding.severity = Severity::High;
        finding.techniques = &["T0830"];
        finding.server = other.map(|talker| Endpoint { talker, port: None });
        let beside = if other.is_some() { "; so far, {server} did" } else { "" };
        finding.sentence =
            format!("{{client}} hands out addresses by DHCP, which it never did before{beside}");
        findings(finding);
    }
}

fn is_known(
    context: &Context<'_>,
    seen: &Finding,
    server: Talker,
    servers: &BTreeMap<(AddressSpace, Talker), Server>,
) -> bool {
    if context.settings.rogue_dhcp.servers.contains(&server) {
        return true;
    }
    match context.baseline {
        Some(baseline) if baseline.serves(seen.space, server, "dhcp") => true,
        Some(baseline) if baseline.serves_any(seen.space, "dhcp") => false,
        // Nobody knows who it should be: the first one heard is.
        _ => !servers.iter().any(|((space, _), met)| *space == seen.space && met.known),
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome, Verb};

    use crate::bench::{Bench, HMI, operation};

    const SERVER: &str = "10.0.0.1";
    const OTHER: &str = "10.0.0.66";

    fn offers(bench: &mut Bench, server: &'static str) {
        let done = Operation { outcome: Outcome::Done, ..operation(Verb::Discover, 2, None) };
        bench.with_fields(&[("server", server)]).answers(HMI, server, &done);
    }

    #[test]
    fn an_offer_to_all_is_told_that_nobody_was_heard_to_ask_for() {
        let mut bench = bench();
        offers(&mut bench, SERVER);
        bench.speaks("dhcp", 68).with_fields(&[("server", OTHER)]);
        bench.asks(OTHER, "255.255.255.255", &operation(Verb::Discover, 2, None));
        assert_eq!(bench.detectors(), ["rogue-dhcp"]);
    }

    fn bench() -> Bench {
        let mut bench = Bench::with(None);
        bench.speaks("dhcp", 67);
        bench
    }

    #[test]
    fn a_second_server_is_told_and_the_first_is_named() {
        let mut bench = bench();
        offers(&mut bench, SERVER);
        offers(&mut bench, OTHER);
        assert_eq!(bench.detectors(), ["rogue-dhcp"]);
        assert_eq!(bench.last().client.to_string(), OTHER);
        assert!(bench.last().summary.ends_with("so far, 10.0.0.1 did"), "{}", bench.last().summary);
    }

    #[test]
    fn one_server_heard_directly_and_by_a_relay_is_quiet() {
        let mut bench = bench();
        let done = Operation { outcome: Outcome::Done, ..operation(Verb::Configure, 5, None) };
        for by in [SERVER, "10.0.0.254", SERVER] {
            bench.with_fields(&[("server", SERVER)]).answers(HMI, by, &done).wait(3_600);
        }
        assert!(bench.alerts.is_empty());
    }

    #[test]
    fn evasion_slowly_is_seen() {
        let mut bench = bench();
        offers(&mut bench, SERVER);
        bench.wait(500_000);
        offers(&mut bench, OTHER);
        assert_eq!(bench.detectors(), ["rogue-dhcp"]);
    }

    #[test]
    fn evasion_split_over_sources_is_seen_and_counted() {
        let mut bench = bench();
        offers(&mut bench, SERVER);
        for other in ["10.0.0.61", "10.0.0.62", "10.0.0.63"] {
            offers(&mut bench, other);
        }
        assert_eq!(bench.detectors(), ["rogue-dhcp"; 3]);
    }

    #[test]
    fn evasion_in_pieces_without_its_own_word_is_seen() {
        // The options that name the server are left out: it is known by its address then.
        let mut bench = bench();
        offers(&mut bench, SERVER);
        let done = Operation { outcome: Outcome::Done, ..operation(Verb::Discover, 2, None) };
        bench.with_fields(&[]).answers(HMI, OTHER, &done);
        assert_eq!(bench.detectors(), ["rogue-dhcp"]);
    }
}
