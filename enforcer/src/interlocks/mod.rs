//! What the enforcer refuses whoever asks: pure functions of the order, the enforcer's own settings and the moment.
//!
//! The daemon judges the same things before it asks. It may have been taken over since, so nothing it says counts.

mod conditions;

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use fieldwarden_model::{
    Order, Protected, Site, Talker, Target, Transport, order::Target::Conversation, protect,
};

pub use conditions::{ForbiddenHours, MAX_PERMIT_OCTETS, Permit, TwoPersons};

use crate::moment::Moment;

/// The longest reason of an order, in octets; longer ones are refused.
pub const MAX_TEXT: usize = 1024;
/// The longest name: of an author, an approver, an incident, in octets.
pub const MAX_NAME: usize = 128;
/// The most approvers an order may name.
pub const MAX_APPROVERS: usize = 8;
/// The longest time an order may be provisional, in seconds.
pub const MAX_KEEP_WITHIN_SECS: u32 = 3_600;
/// How far ahead of our clock the moment of proposal may lie, in seconds.
pub const MAX_CLOCK_SKEW_SECS: u64 = 300;

/// The limits an operator has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interlocks {
    /// What no order may cut.
    pub protected: Vec<Protected>,
    /// The most orders in force at a time.
    pub max_orders: usize,
    /// The longest lapse, in seconds.
    pub max_lapse_secs: u32,
    /// The most orders that may begin within an hour.
    pub max_orders_per_hour: usize,
    /// The oldest an order may be when it is applied, in seconds since it was proposed.
    pub max_order_age_secs: u32,
    /// Whose orders two different people must approve.
    pub two_persons: Vec<TwoPersons>,
    /// When no order begins.
    pub forbidden_hours: Vec<ForbiddenHours>,
    /// What must permit orders; nothing has to where absent.
    pub permit: Option<Permit>,
}

impl Interlocks {
    /// What no order may cut: the protected entries of the site, and the same for every other address of an asset
    /// that one of them names, since whoever protects a machine by one address means the machine.
    #[must_use]
    pub fn protected_of(site: &Site) -> Vec<Protected> {
        let others = |talker: Talker| {
            let asset = site.assets.iter().filter(move |asset| asset.addresses.contains(&talker));
            let addresses: Vec<_> = asset.flat_map(|asset| asset.addresses.iter().copied()).collect();
            if addresses.is_empty() { vec![talker] } else { addresses }
        };
        let mut all = Vec::new();
        for entry in &site.protected {
            let peers = entry.peer.map_or_else(|| vec![None], |p| others(p).into_iter().map(Some).collect());
            for talker in others(entry.talker) {
                all.extend(peers.iter().map(|peer| Protected { talker, peer: *peer, ..entry.clone() }));
            }
        }
        all
    }

    /// Why `order` may not be carried out, whatever the state of the device.
    ///
    /// # Errors
    /// The reason, as a sentence that names the entry or the limit.
    pub fn judge(&self, order: &Order, now: Moment) -> Result<(), String> {
        let names = protect::all_refusals(order, &self.protected);
        if let Some(first) = names.first() {
            let more = match names.iter().filter(|name| *name != first).count() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            return Err(format!("{} would cut the protected `{first}`{more}", order.target));
        }
        well_formed(order)?;
        if order.lapse_secs > self.max_lapse_secs {
            return Err(format!(
                "it would stand {} s, more than `max_lapse_secs` = {}",
                order.lapse_secs, self.max_lapse_secs
            ));
        }
        let age = now.wall.since(order.proposed);
        if age > Duration::from_secs(self.max_order_age_secs.into()) {
            return Err(format!(
                "it was proposed {} s ago, more than `max_order_age_secs` = {}",
                age.as_secs(),
                self.max_order_age_secs
            ));
        }
        if order.proposed.since(now.wall) > Duration::from_secs(MAX_CLOCK_SKEW_SECS) {
            return Err(format!("it was proposed at {}, which is yet to come", order.proposed));
        }
        self.forbidden_hours.iter().try_for_each(|forbidden| forbidden.refuse(now.wall))
    }

    /// The entry because of which two people must approve an order; none where one is enough. `behind` are those known behind the
    /// port of a switch that the order is against.
    #[must_use]
    pub fn asks_for_two(&self, order: &Order, behind: &[Talker]) -> Option<&TwoPersons> {
        self.two_persons.iter().find(|entry| entry.concerns(order, behind))
    }

    /// Whether the permit input permits orders now.
    ///
    /// # Errors
    /// Why it does not, as a sentence.
    pub fn permitted(&self) -> Result<(), String> {
        self.permit.as_ref().map_or(Ok(()), Permit::given)
    }

    /// Why `approved_by` does not confirm `order`. Names that differ in nothing but blanks, marks nobody sees and the size of letters are
    /// one person's.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn approved(&self, order: &Order, behind: &[Talker], approved_by: &[String]) -> Result<(), String> {
        if approved_by.len() > MAX_APPROVERS {
            return Err(format!("it names more than {MAX_APPROVERS} approvers"));
        }
        approved_by.iter().try_for_each(|name| plain("an approver", name, MAX_NAME))?;
        let people: BTreeSet<String> = approved_by.iter().map(|name| person(name)).collect();
        let people = people.iter().filter(|name| !name.is_empty()).count();
        match self.asks_for_two(order, behind) {
            _ if people == 0 => Err("nobody approved it".into()),
            Some(entry) if people < 2 => {
                Err(format!("two different people must approve what concerns `{}`, and one did", entry.name))
            }
            _ => Ok(()),
        }
    }
}

/// What tells one person from another in a name.
fn person(name: &str) -> String {
    let is_unseen = |c: char| {
        c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    name.chars().filter(|c| !is_unseen(*c)).flat_map(char::to_lowercase).collect()
}

/// Text without control characters, which would move the cursor of whoever reads it, cut at [`MAX_TEXT`].
#[must_use]
pub fn tamed(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default().to_owned()
}

fn plain(what: &str, text: &str, at_most: usize) -> Result<(), String> {
    if text.len() > at_most {
        return Err(format!("{what} is longer than {at_most} octets"));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(format!("{what} holds control characters"));
    }
    Ok(())
}

fn well_formed(order: &Order) -> Result<(), String> {
    if order.id != order.identify() {
        return Err("its id does not follow from its content".into());
    }
    plain("its reason", &order.reason, MAX_TEXT)?;
    plain("its author", &order.author, MAX_NAME)?;
    plain("its incident", order.incident.as_ref().map_or("", |incident| &incident.0), MAX_NAME)?;
    if order.lapse_secs == 0 || order.keep_within_secs == 0 {
        return Err("it stands, or is provisional, for 0 s".into());
    }
    if order.keep_within_secs > MAX_KEEP_WITHIN_SECS.min(order.lapse_secs) {
        return Err(format!(
            "it would be provisional for {} s, longer than it stands or than {MAX_KEEP_WITHIN_SECS} s",
            order.keep_within_secs
        ));
    }
    order.scope.fits(&order.target)?;
    addresses_fit(&order.target)
}

fn addresses_fit(target: &Target) -> Result<(), String> {
    let one = |talker: &Talker| match talker {
        Talker::Ip(address) if !names_one_machine(*address) => {
            Err(format!("{address} does not name one machine on the wire"))
        }
        _ => Ok(()),
    };
    match target {
        Target::Talker { talker } => one(talker),
        Target::SwitchPort { .. } => Ok(()),
        Conversation { client, server, transport, server_port } => {
            one(client)?;
            one(server)?;
            let mixed = match (client, server) {
                (Talker::Ip(a), Talker::Ip(b)) => a.is_ipv4() != b.is_ipv4(),
                (Talker::Mac(_), Talker::Mac(_)) => false,
                _ => true,
            };
            if mixed || client == server {
                return Err(format!("{client} and {server} cannot converse"));
            }
            if *transport == Some(Transport::Link) && server_port.is_some() {
                return Err("frames below IP have no port".into());
            }
            Ok(())
        }
    }
}

fn names_one_machine(address: IpAddr) -> bool {
    let mapped = matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(mapped || broadcast || address.is_unspecified() || address.is_multicast() || address.is_loopback())
}

#[cfg(test)]
pub(crate) mod tests {
    use fieldwarden_model::{OrderId, Scope, Timestamp, order::OnDegraded, site::Asset};

    use super::*;

    pub(crate) fn interlocks() -> Interlocks {
        Interlocks {
            protected: vec![Protected {
                name: "safety loop".into(),
                talker: "10.0.0.30".parse().unwrap(),
                peer: None,
                server_port: None,
                transport: None,
            }],
            max_orders: 4,
            max_lapse_secs: 3_600,
            max_orders_per_hour: 100,
            max_order_age_secs: 86_400,
            two_persons: Vec::new(),
            forbidden_hours: Vec::new(),
            permit: None,
        }
    }

    pub(crate) const NOW: Moment = Moment { wall: Timestamp::from_seconds(1_700_000_000), uptime_ms: 60_000 };

    fn order(target: Target) -> Order {
        let scope = match target {
            Target::Talker { .. } => Scope::IsolateTalker,
            Target::SwitchPort { .. } => Scope::QuarantineVlan,
            Conversation { .. } => Scope::CutConversation,
        };
        let mut order = Order {
            id: OrderId(String::new()),
            target,
            scope,
            lapse_secs: 600,
            keep_within_secs: 30,
            on_degraded: OnDegraded::Revert,
            reason: "unknown laptop".into(),
            incident: None,
            author: "jo".into(),
            proposed: NOW.wall,
        };
        order.id = order.identify();
        order
    }

    fn talker(text: &str) -> Target {
        Target::Talker { talker: text.parse().unwrap() }
    }

    #[test]
    fn an_order_is_refused_by_name_whatever_else_is_wrong_with_it() {
        let mut forged = order(talker("10.0.0.30"));
        forged.lapse_secs = u32::MAX;
        assert!(interlocks().judge(&forged, NOW).unwrap_err().contains("`safety loop`"));
    }

    #[test]
    fn protecting_one_address_of_a_machine_protects_the_machine() {
        let site = Site {
            assets: vec![Asset {
                name: "Safety PLC".into(),
                addresses: vec!["10.0.0.30".parse().unwrap(), "10.9.0.30".parse().unwrap()],
                role: String::new(),
                zone: String::new(),
                criticality: 3,
                tags: Vec::new(),
            }],
            protected: interlocks().protected,
            ..Site::default()
        };
        let interlocks = Interlocks { protected: Interlocks::protected_of(&site), ..interlocks() };
        assert!(interlocks.judge(&order(talker("10.9.0.30")), NOW).is_err());
        assert_eq!(interlocks.judge(&order(talker("10.9.0.31")), NOW), Ok(()));
    }

    #[test]
    fn forged_stale_and_boundless_orders_are_refused() {
        let good = order(talker("10.0.0.66"));
        assert_eq!(interlocks().judge(&good, NOW), Ok(()));
        let reworded = Order { reason: "other".into(), ..good.clone() };
        let changes: [fn(&mut Order); 8] = [
            |o| o.reason = "\u{1b}[2J nothing to see".into(),
            |o| o.lapse_secs = 3_601,
            |o| o.keep_within_secs = 0,
            |o| o.keep_within_secs = o.lapse_secs + 1,
            |o| o.proposed = Timestamp::from_seconds(1_699_900_000),
            |o| o.proposed = Timestamp::from_seconds(1_700_000_301),
            |o| o.target = talker("::ffff:10.0.0.66"),
            |o| o.scope = Scope::CutConversation,
        ];
        let changed = changes.iter().map(|change| {
            let mut order = good.clone();
            change(&mut order);
            order.id = order.identify();
            order
        });
        for order in changed.chain([reworded]) {
            assert!(interlocks().judge(&order, NOW).is_err(), "{order:?}");
        }
        let approved = |by: &[&str]| {
            interlocks().approved(&good, &[], &by.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert!(approved(&[]).is_err() && approved(&[" "]).is_err() && approved(&["jo"]).is_ok());
        assert!(approved(&["\u{200b}"]).is_err(), "a name that nobody sees is nobody's");
        for (one, other) in [("jo smith", "Jo  Smith"), ("jo", "j\u{200b}o"), ("jo", "jo\u{feff}")] {
            assert_eq!(person(one), person(other));
        }
        assert_ne!(person("jo"), person("joe"));
    }
}
