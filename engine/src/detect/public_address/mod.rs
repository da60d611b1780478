//! `public-address`: a talker of the plant converses with an address of the public Internet that the baseline does not know.
//!
//! Technique of ATT&CK for ICS: T0883 Internet Accessible Device; outward also T0869 Standard Application Layer Protocol, by
//! which intruders steer what they left behind. Outward it is told with the first packet, inward once the talker of the plant
//! answered: whoever knocks from outside is no news.

use fieldwarden_model::{
    Severity, Talker,
    section::{Fault, Reader, Section},
};
use fieldwarden_protocols::Direction;

use super::{Bucket, Context, Detector, Finding, Memory, Need, Opened, Subject, nearest, sight::is_public};
use crate::conversation::{ConversationKey, plain};

/// The detector's id.
pub(crate) const ID: &str = "public-address";

/// Judges conversations with the Internet.
pub struct PublicAddress;

/// What `public-address` is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Public addresses that belong to the plant or serve it. None: what the baseline lists as a talker belongs to it anyway.
    pub own: Vec<Talker>,
}

impl Settings {
    /// Reads `[detectors.public_address]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let own = reader.or("own", Vec::new());
        reader.finish_with(Some(Self { own }))
    }
}

impl Detector for PublicAddress {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Talkers]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let (opened, answered) = match subject {
            Subject::Opened(opened) if opened.origin.direction == Direction::ToServer => (opened, false),
            Subject::Accepted(opened) => (opened, true),
            _ => return,
        };
        let Some(baseline) = context.baseline.filter(|_| !opened.known) else { return };
        let key = opened.origin.key;
        let is_foreign = |talker: Talker| {
            is_public(talker)
                && !baseline.knows_talker(key.space, talker)
                && !context.settings.public_address.own.contains(&talker)
        };
        let (inward, outward) = (is_foreign(key.client.talker), is_foreign(key.server.talker));
        // A plant that hears two strangers of the Internet hears somebody else's traffic.
        if inward == outward || (inward && !answered) {
            return;
        }
        findings(told(context, opened, inward, answered));
    }
}

fn told(context: &Context<'_>, opened: &Opened<'_>, inward: bool, answered: bool) -> Finding {
    let mut finding = Finding::of_flow(ID, opened);
    let protocol = opened.suggested.unwrap_or_else(|| plain(opened.service.transport));
    finding.severity = if answered { Severity::High } else { Severity::Medium };
    finding.techniques = if inward { &["T0883"] } else { &["T0869", "T0883"] };
    finding.bucket = Bucket { code: Some(if answered { "answered" } else { "begun" }), ..Bucket::default() };
    finding.baseline_entry =
        nearest(context, &ConversationKey { service: *opened.service, protocol, unit: None });
    let port = opened.service.port.map(|port| format!(" port {port}")).unwrap_or_default();
    finding.sentence = match (inward, answered) {
        (true, _) => {
            format!("{{client}}, an address of the Internet, reached {{server}}{port} and was answered")
        }
        (false, false) => format!("{{client}} turns to {{server}}{port}, an address of the Internet"),
        (false, true) => format!("{{client}} converses with {{server}}{port}, an address of the Internet"),
    };
    finding
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, HMI, PLC, ROGUE};

    const OUTSIDE: &str = "8.8.4.4";

    fn told(bench: &Bench) -> Vec<&str> {
        let own = bench.alerts.iter().filter(|alert| alert.detector == "public-address");
        own.map(|alert| alert.summary.as_str()).collect()
    }

    #[test]
    fn outward_is_told_with_the_first_packet_and_again_with_the_answer() {
        let mut bench = Bench::new();
        bench.connects(PLC, OUTSIDE, 443);
        assert_eq!(
            told(&bench),
            ["Dosing PLC (10.0.0.20) turns to 8.8.4.4 port 443, an address of the Internet"]
        );
        bench.accepts(PLC, OUTSIDE, 443);
        assert_eq!(told(&bench).len(), 2);
    }

    #[test]
    fn inward_is_told_once_answered() {
        let mut bench = Bench::new();
        bench.connects(OUTSIDE, PLC, 502).ends(OUTSIDE, PLC, 502);
        assert!(told(&bench).is_empty());
        bench.connects(OUTSIDE, PLC, 102).accepts(OUTSIDE, PLC, 102);
        assert_eq!(told(&bench).len(), 1);
        assert_eq!(bench.last().techniques[0].0, "T0883");
    }

    #[test]
    fn within_the_plant_and_without_a_baseline_is_quiet() {
        let mut bench = Bench::new();
        bench.connects(ROGUE, PLC, 443).accepts(ROGUE, PLC, 443).connects(HMI, "192.168.7.7", 80);
        bench.connects(OUTSIDE, "9.9.9.9", 443).accepts(OUTSIDE, "9.9.9.9", 443);
        assert!(told(&bench).is_empty());
        let mut unlearned = Bench::with(None);
        unlearned.connects(PLC, OUTSIDE, 443);
        assert!(told(&unlearned).is_empty());
    }

    #[test]
    fn evasions_slowly_in_pieces_and_to_many_are_seen_and_counted() {
        let mut bench = Bench::new();
        for n in 0..100 {
            let outside = format!("8.8.{}.{}", n / 50, n % 50);
            bench.connects(PLC, &outside, 443).wait(1);
        }
        assert_eq!(told(&bench).len(), 16, "who turns to many is one thing");
        bench.wait(90_000).connects(PLC, "9.9.9.9", 53);
        assert_eq!(told(&bench).len(), 17);
    }

    #[test]
    fn a_flood_of_made_up_public_addresses_does_not_multiply() {
        let mut bench = Bench::new();
        for n in 0..500 {
            let outside = format!("8.9.{}.{}", n / 250, n % 250);
            bench.connects(&outside, PLC, 502).accepts(&outside, PLC, 502);
        }
        assert!(told(&bench).len() <= 64, "{}", told(&bench).len());
    }
}
