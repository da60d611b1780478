//! `address-change`: an IP address is heard from another hardware address than before.
//!
//! Technique of ATT&CK for ICS: T0830 Adversary-in-the-Middle. Before is what was heard in this run, else what the baseline
//! says. An address counts as one of this link once it was said by ARP, or is known by the baseline with a card of its own; what only
//! comes in IP packets may come by way of routers, and a card that speaks for [`ROUTER`] addresses is one.
//! Hardware addresses that pass from one router to the next by their protocols (VRRP, HSRP, GLBP) take over silently.

mod holders;

use core::{net::IpAddr, time::Duration};

use fieldwarden_model::{
    Endpoint, Mac, Severity, Talker, Timestamp,
    section::{Fault, Reader, Section},
};

pub(crate) use holders::Memory;
use holders::{Holder, ROUTER};

use super::{
    Bucket, Context, Detector, Finding, Memory as OfService, Need, Sight, Subject, Survey, settings::seconds,
};
use crate::{conversation::is_group_or_nobody, track::Heard};

/// The detector's id.
pub(crate) const ID: &str = "address-change";

/// Judges who holds which address.
pub struct AddressChange;

/// What `address-change` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Two cards heard with one address within this time hold it in turn. Ten minutes: devices say their address by ARP every few
    /// minutes, and a card that was exchanged is never heard again.
    pub turn: Duration,
    /// Hardware addresses that may take over any address: the cards of redundant pairs. None, since only the plant knows them.
    pub allowed: Vec<Mac>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { turn: Duration::from_secs(600), allowed: Vec::new() }
    }
}

impl Settings {
    /// Reads `[detectors.address_change]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let turn = seconds(&mut reader, "turn_secs", Self::default().turn);
        let allowed = reader.or("allowed", Vec::new());
        reader.finish_with(Some(Self { turn, allowed }))
    }
}

impl Detector for AddressChange {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Talkers]
    }

    fn judge(&self, _: &Context<'_>, _: &Subject<'_>, _: &mut OfService, _: &mut dyn FnMut(Finding)) {}

    fn survey(
        &self,
        context: &Context<'_>,
        sight: &Sight<'_>,
        memory: &mut Survey,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Sight::Held(heard) = sight else { return };
        let (Talker::Ip(address), Some(mac)) = (heard.talker, heard.mac) else { return };
        if is_group_or_nobody(heard.talker) || is_group_or_nobody(Talker::Mac(mac)) {
            return;
        }
        let memory = &mut memory.addresses;
        let now = Holder::of(heard, mac);
        let learned = memory.holder(heard.space, address).or_else(|| from_baseline(context, heard));
        let Some(before) = learned.filter(|before| before.mac != mac) else {
            memory.hold(heard.space, address, learned.map_or(now, |before| before.again(&now)));
            return;
        };
        if excused(context, memory, heard, &before, mac) {
            // The card of the address itself stays known, whoever forwards its packets.
            if heard.arp.is_some() || !before.by_arp {
                memory.hold(heard.space, address, now);
            }
            return;
        }
        let turn = context.settings.address_change.turn;
        let in_turn = before.before.is_some_and(|(other, last)| {
            other == mac && heard.time.since(last) <= turn && heard.time.since(before.last) <= turn
        });
        memory.hold(
            heard.space,
            address,
            Holder { before: Some((before.mac, before.last)), first: before.first, ..now },
        );
        findings(told(context, memory, heard, address, (mac, &before), in_turn));
    }
}

fn told(
    context: &Context<'_>,
    memory: &Memory,
    heard: &Heard,
    address: IpAddr,
    (mac, before): (Mac, &Holder),
    in_turn: bool,
) -> Finding {
    let mut finding = Finding::of_talker(ID, heard);
    // Where two hold an address in turn, the one that came later is the intruder, whichever is heard now.
    let (intruder, old) = if mac == before.first { (before.mac, mac) } else { (mac, before.mac) };
    let own = memory.other_address(heard.space, intruder, address).map(Talker::Ip);
    finding.client = Endpoint { talker: own.unwrap_or(Talker::Mac(intruder)), port: None };
    finding.server = Some(Endpoint { talker: heard.talker, port: None });
    finding.client_mac = Some(intruder);
    finding.techniques = &["T0830"];
    finding.frames = vec![before.frame, heard.frame];
    finding.frames.retain(|frame| frame.number != 0);
    let known = context.baseline.and_then(|baseline| baseline.mac_of(heard.space, heard.talker));
    let announced = heard.arp.is_some_and(|arp| IpAddr::V4(arp.target) == address);
    finding.severity =
        if in_turn || announced || known.is_some() { Severity::High } else { Severity::Medium };
    finding.baseline_entry = known.map(|known| format!("talker {address} with network card {known}"));
    finding.bucket = Bucket { code: Some(if in_turn { "in-turn" } else { "changed" }), ..Bucket::default() };
    finding.sentence = match (in_turn, announced) {
        (true, _) => format!("{{server}} is held in turn by two network cards, {old} and {intruder}"),
        (false, true) => {
            format!("{{client}} (network card {mac}) announced that {{server}} is its own, which {old} held")
        }
        (false, false) => {
            format!("{{server}} is heard from network card {mac} ({{client}}); before, {old} held it")
        }
    };
    finding
}

/// Whom the baseline knows to hold the address; nothing where it is one of those that a router speaks for.
fn from_baseline(context: &Context<'_>, heard: &Heard) -> Option<Holder> {
    let baseline = context.baseline?;
    let mac = baseline.mac_of(heard.space, heard.talker)?;
    let own = baseline.spoken_for(heard.space, mac) < ROUTER;
    own.then_some(Holder {
        mac,
        last: Timestamp::MIN,
        frame: Default::default(),
        by_arp: true,
        before: None,
        first: mac,
    })
}

/// Whether an address may pass from one card to the other.
fn excused(context: &Context<'_>, memory: &Memory, heard: &Heard, before: &Holder, mac: Mac) -> bool {
    let allowed = &context.settings.address_change.allowed;
    let passes = |mac: Mac| is_virtual(mac) || allowed.contains(&mac);
    if passes(mac) || passes(before.mac) {
        return true;
    }
    let routes = |mac: Mac| {
        memory.spoken_for(heard.space, mac) >= ROUTER
            || context.baseline.is_some_and(|baseline| baseline.spoken_for(heard.space, mac) >= ROUTER)
    };
    // An address that nobody said by ARP to be its own may have come by way of a router so far.
    !before.by_arp || (heard.arp.is_none() && routes(mac))
}

/// Whether a hardware address is one that routers hand to each other: VRRP (RFC 9568 clause 7.3), HSRP of both versions, GLBP.
const fn is_virtual(mac: Mac) -> bool {
    matches!(
        mac.0,
        [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _]
            | [0x00, 0x00, 0x0c, 0x07, 0xac, _]
            | [0x00, 0x00, 0x0c, 0x9f, 0xf0..=0xff, _]
            | [0x00, 0x05, 0x73, 0xa0, _, _]
            | [0x00, 0x07, 0xb4, 0x00, _, _]
    )
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::Severity;

    use crate::bench::{Bench, HMI, PLC, ROGUE};

    const OWN: &str = "02:00:00:00:00:20";
    const OTHER: &str = "02:00:00:00:00:66";

    #[test]
    fn an_address_from_another_card_is_told_with_both() {
        let mut bench = Bench::with(None);
        bench.says(PLC, OWN, Some((2, HMI))).wait(700).says(PLC, OTHER, Some((2, HMI)));
        assert_eq!(bench.detectors(), ["address-change"]);
        assert_eq!(bench.last().severity, Severity::Medium);
        assert_eq!(
            bench.last().summary,
            "Dosing PLC (10.0.0.20) is heard from network card 02:00:00:00:00:66 (02:00:00:00:00:66); before, 02:00:00:00:00:20 held it"
        );
        assert_eq!(bench.incident().title, "Device 02:00:00:00:00:66 took over the address of Dosing PLC");
    }

    #[test]
    fn who_announces_the_address_of_another_is_named_by_his_own() {
        let mut bench = Bench::with(None);
        bench.says(PLC, OWN, Some((2, HMI))).says(ROGUE, OTHER, Some((1, HMI)));
        bench.wait(60).says(PLC, OTHER, Some((1, PLC)));
        assert_eq!(bench.last().client.to_string(), ROGUE);
        assert_eq!(bench.last().severity, Severity::High);
        assert!(bench.last().summary.contains("announced that"), "{}", bench.last().summary);
    }

    #[test]
    fn two_cards_in_turn_are_a_duplicate_address() {
        let mut bench = Bench::with(None);
        for _ in 0..20 {
            bench.says(PLC, OWN, Some((2, HMI))).wait(2).says(PLC, OTHER, Some((2, HMI))).wait(2);
        }
        assert!(bench.alerts.iter().any(|alert| alert.summary.contains("in turn by two network cards")));
        assert!(bench.alerts.len() <= 3, "told once and counted: {}", bench.alerts.len());
    }

    #[test]
    fn the_baseline_knows_the_card() {
        let mut baseline = crate::bench::baseline();
        baseline.talkers[1].mac = Some(OWN.parse().unwrap());
        let mut bench = Bench::with(Some(baseline));
        bench.says(PLC, OTHER, None);
        assert_eq!(bench.detectors(), ["address-change"]);
        assert_eq!(
            bench.last().baseline_entry.as_deref(),
            Some("talker 10.0.0.20 with network card 02:00:00:00:00:20")
        );
    }

    #[test]
    fn routers_and_their_shared_addresses_are_quiet() {
        let mut bench = Bench::with(None);
        // Three networks behind one router, then behind the other.
        for last in 1..=4 {
            bench.says(&format!("10.1.0.{last}"), OWN, None);
        }
        bench.says("10.1.0.1", OTHER, None).says("10.1.0.2", OTHER, None);
        // The gateway's address passes on, as VRRP and HSRP have it.
        for mac in ["00:00:5e:00:01:07", "02:00:00:00:00:01", "00:00:0c:07:ac:0a", "00:00:0c:9f:f0:01"] {
            bench.says("10.0.0.1", mac, Some((1, "10.0.0.1")));
            bench.wait(1);
        }
        // A host that is heard by itself, and by way of the router.
        bench.says("10.0.0.9", "02:00:00:00:00:09", Some((2, HMI))).says("10.0.0.9", OWN, None);
        bench.says("10.0.0.9", "02:00:00:00:00:09", Some((2, HMI)));
        assert!(bench.alerts.is_empty(), "{:?}", bench.alerts);
    }

    #[test]
    fn evasion_slowly_is_seen() {
        let mut bench = Bench::with(None);
        bench.says(PLC, OWN, Some((2, HMI))).wait(80_000).says(PLC, OTHER, Some((2, HMI)));
        assert_eq!(bench.detectors(), ["address-change"]);
    }

    #[test]
    fn evasion_split_over_cards_is_one_thing() {
        let mut bench = Bench::with(None);
        bench.says(PLC, OWN, Some((2, HMI)));
        for n in 0..200 {
            bench.says(PLC, &format!("02:00:00:00:01:{n:02x}"), Some((2, HMI))).wait(1);
        }
        assert_eq!(bench.detectors()[0], "address-change");
        assert!(bench.alerts.len() <= 16, "{}", bench.alerts.len());
    }

    #[test]
    fn evasion_without_arp_is_seen() {
        // In pieces: ARP cannot be cut, so what is left is to send IP packets alone.
        let mut bench = Bench::with(None);
        bench.says(PLC, OWN, Some((2, HMI))).wait(5).says(PLC, OTHER, None);
        assert_eq!(bench.detectors(), ["address-change"]);
    }
}
