//! The gateway's own packet filter: forwarded IP traffic, cut in the kernel.
//!
//! One table of our own in each family holds sets whose elements expire in the kernel and, made once, the rules that drop what the
//! sets name. Orders only ever change elements. See `docs/drivers/nftables.md`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ffi::CString,
    fs, io,
    time::Duration,
};

use fieldwarden_model::{Fault, Order, Scope, Section, Talker, Target, order::Ends, section::Reader};

use super::{DeviceFault, Driver, Observed, Registration, closing_steps};
use crate::{
    content::{Content, Match},
    netlink::transact,
    sys::{
        self,
        nft::{Family, Own, SetShape, Transaction},
    },
};

use difference::Change;
use readback::Reading;
use tables::FAMILIES;
use ways::{Place, Way, ground::Ground};

mod conntrack;
mod difference;
mod expressions;
mod readback;
mod reading;
mod rules;
mod ruleset;
mod tables;
mod ways;

/// Its line in the registry.
pub const REGISTRATION: Registration = Registration { name: NAME, configure };

const NAME: &str = "nftables";
/// The longest name of a table (`NFT_TABLE_MAXNAMELEN` is 256).
const MAX_NAME: usize = 64;
/// The longest name of an interface (`IFNAMSIZ` is 16).
const MAX_INTERFACE: usize = 15;
/// The most interfaces.
const MAX_INGRESS: usize = 32;
/// The kernel counts expiries in ticks of up to 10 ms and rounds down; below one tick an element would never expire.
const SHORTEST_TIMEOUT_MS: u64 = 20;
/// What rounding, and the time it takes to read a busy table, may add up to.
const TOLERANCE_MS: u64 = 2_000;

/// The packet filter of the network namespace this program runs in.
#[derive(Debug)]
pub struct Nftables {
    table: String,
    families: Vec<Family>,
    ingress: Vec<CString>,
    /// What the tables were made to hold last.
    told: Content,
    /// The generation of the kernel's tables in which ours were last read whole and found as made.
    sound: Option<u32>,
}

fn configure(section: &Section) -> Result<Box<dyn Driver>, Vec<Fault>> {
    let mut reader = Reader::new(section);
    let table = reader.or("table", String::from("fieldwarden"));
    let starts_well = table.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_plain = table.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !starts_well || !is_plain || table.len() > MAX_NAME {
        let help = format!("write a letter, then letters, digits and `_`, at most {MAX_NAME}");
        reader.fault_at("table", format!("`{table}` is no name for a table"), Some(help));
    }
    let (families, ingress) = places(&mut reader);
    reader.finish_with(Some(Box::new(Nftables::new(table, families, ingress)) as Box<dyn Driver>))
}

/// Where packets are looked at: families, and the interfaces of the one that looks at what comes in.
fn places(reader: &mut Reader<'_>) -> (Vec<Family>, Vec<CString>) {
    let ingress: Vec<String> = reader.or("ingress", Vec::new());
    for (at, name) in ingress.iter().enumerate() {
        let is_plain = name.chars().all(|c| c.is_ascii_graphic() && !"/:\"\\".contains(c));
        if name.is_empty() || name.len() > MAX_INTERFACE || !is_plain || name == "." || name == ".." {
            reader.fault_at("ingress", format!("`{}` is no name of an interface", name.escape_debug()), None);
        } else if ingress.iter().take(at).any(|other| other == name) {
            reader.fault_at("ingress", format!("`{name}` is named twice"), None);
        }
    }
    if ingress.len() > MAX_INGRESS {
        reader.fault_at("ingress", format!("more than {MAX_INGRESS} interfaces"), None);
    }
    let usual = |family: &Family| *family != Family::Netdev || !ingress.is_empty();
    let mut families: Vec<Family> = FAMILIES.into_iter().filter(usual).collect();
    if let Some(words) = reader.optional::<Vec<String>>("families") {
        families = FAMILIES.into_iter().filter(|f| words.iter().any(|word| word == f.word())).collect();
        let help = || Some("write some of `inet`, `bridge`, `netdev`".into());
        for word in words.iter().filter(|word| FAMILIES.iter().all(|f| f.word() != *word)) {
            reader.fault_at("families", format!("`{}` is not known here", word.escape_debug()), help());
        }
        if families.is_empty() {
            reader.fault_at("families", "it names none, so nothing could be cut".into(), help());
        }
        match (families.contains(&Family::Netdev), ingress.is_empty()) {
            (true, true) => {
                let help = Some("write `ingress = [\"eth1\"]`, the interfaces to look at".into());
                reader.fault_at("families", "`netdev` needs interfaces".into(), help);
            }
            (false, false) => {
                let help = Some("name `netdev` in `families` as well".into());
                reader.fault_at("ingress", "nothing looks at these interfaces".into(), help);
            }
            _ => {}
        }
    }
    (families, ingress.into_iter().filter_map(|name| CString::new(name).ok()).collect())
}

impl Nftables {
    /// A driver as [`REGISTRATION`] makes it by default, whose table bears this name, which must be one it would
    /// accept. Where interfaces are named, what comes in there is looked at as well.
    #[must_use]
    pub fn with_table(name: &str, ingress: &[&str]) -> Self {
        let usual = |family: &Family| *family != Family::Netdev || !ingress.is_empty();
        let families = FAMILIES.into_iter().filter(usual).collect();
        Self::new(name.into(), families, ingress.iter().filter_map(|name| CString::new(*name).ok()).collect())
    }

    fn new(table: String, families: Vec<Family>, ingress: Vec<CString>) -> Self {
        Self { table, families, ingress, told: Content::new(), sound: None }
    }

    fn device(&self) -> String {
        format!("nftables, {}", self.tables())
    }

    /// Our tables, in words.
    fn tables(&self) -> String {
        let each = |family: &Family| format!("`{} {}`", family.word(), self.table);
        let all: Vec<String> = self.families.iter().map(each).collect();
        format!("table {}", all.join(", "))
    }

    /// Makes `desired` of the tables, in one transaction that happens as a whole or not at all.
    fn make(&self, extent: &Extent, desired: &Content) -> io::Result<()> {
        if let Some(cut) = desired.keys().find(|cut| ruleset::place(cut).is_none()) {
            return Err(io::Error::other(format!("{cut} has no key")));
        }
        let name = CString::new(self.table.as_str()).map_err(io::Error::other)?;
        let mut transaction = Transaction::new();
        let now_ms = uptime_ms()?;
        for family in FAMILIES {
            let own = Own::new(&name, family);
            let is_looked_at = self.families.contains(&family);
            if matches!(extent, Extent::Tables) {
                if is_looked_at {
                    lay_out(&mut transaction, &own, &tables::chains(family, &self.ingress));
                } else if self.is_there(family)? {
                    transaction.remove_table(&own);
                }
            }
            if is_looked_at {
                let changes = match extent {
                    Extent::Difference(held) => {
                        let held = held.get(&family).unwrap_or(&NOTHING);
                        difference::between(held, desired, &self.told, now_ms)
                    }
                    Extent::Sets | Extent::Tables => difference::anew(desired, now_ms),
                };
                put(&mut transaction, &own, &changes);
            }
        }
        let (octets, sequence) = transaction.finish();
        transact(&octets, sequence)
    }

    /// Reads the tables; of those that nobody changed since they were last found as made, only what changes by itself.
    fn read(&self, sound: Option<u32>) -> Result<Reading, DeviceFault> {
        readback::read(&self.table, &self.families, &self.ingress, &uptime_ms, sound)
            .map_err(|cause| DeviceFault::Unreachable { device: self.device(), cause })
    }

    /// What an element does, in words.
    fn effect(&self, cut: &Match) -> String {
        let Match::Writes { .. } = cut else { return format!("forwarded packets of {cut} are dropped") };
        let refused = match (self.families.contains(&Family::Inet), self.families.len()) {
            (true, 1) => "refused with a reset",
            (true, _) => "refused, routed ones with a reset, frames without",
            (false, _) => "dropped without a reset",
        };
        format!(
            "of what the client sends there only empty segments and segments that are one whole read pass; {cut} and \
             everything else are {refused}"
        )
    }

    /// Why no rule of ours sees what goes this way; none where one does.
    fn unseen_on(&self, way: &Way, order: &Order, ends: &Ends, ground: &Ground) -> Option<String> {
        let (client, server, family, verb) = match way {
            Way::Unknown => return None,
            Way::Beside(why) => return Some(format!("does not cross this gateway: {why}")),
            Way::Routed { client, server } => (client, server, Family::Inet, "routed"),
            Way::Bridged { client, server } => (client, server, Family::Bridge, "bridged"),
            Way::Ending(place) => {
                let enters = self.enters_by(place, ground);
                return (!enters).then(|| "ends at this gateway itself, where only `ingress` looks".into());
            }
        };
        let bridged_ip = verb == "bridged" && self.families.contains(&Family::Inet) && shows_bridged(ends);
        if self.families.contains(&family) || bridged_ip {
            return None;
        }
        // Of a write quarantine, what the client says alone is looked at.
        let asks = match &order.target {
            Target::Conversation { client, .. } => ends.client == *client,
            _ => true,
        };
        let enters = match (order.scope, asks) {
            (Scope::WriteQuarantine, true) => self.enters_by(client, ground),
            (Scope::WriteQuarantine, false) => self.enters_by(server, ground),
            _ => self.enters_by(client, ground) || self.enters_by(server, ground),
        };
        (!enters).then(|| {
            format!(
                "is {verb} by this gateway, and no rule looks there: `families` names no `{}`",
                family.word()
            )
        })
    }

    /// Whether what comes from there is looked at as it comes in; where it is not known from where, it may be.
    fn enters_by(&self, place: &Place, ground: &Ground) -> bool {
        self.families.contains(&Family::Netdev)
            && (place.is_empty()
                || self
                    .ingress
                    .iter()
                    .any(|device| place.iter().any(|place| ground.is_upon(place, &device.to_string_lossy()))))
    }

    fn is_there(&self, family: Family) -> io::Result<bool> {
        readback::is_there(&self.table, family)
    }
}

static NOTHING: Content = Content::new();

fn put(transaction: &mut Transaction, own: &Own, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Empty(set) => transaction.flush_set(own, set.name),
            Change::Delete(set, key) => transaction.delete_element(own, set.name, key),
            Change::Add(set, key, timeout_ms) => {
                transaction.add_element(own, set.name, key, Some(*timeout_ms));
            }
        }
    }
}

/// How much of the tables a transaction replaces.
enum Extent {
    /// The elements that differ from what each table was read to hold.
    Difference(BTreeMap<Family, Content>),
    /// All elements.
    Sets,
    /// Everything: tables, chains, sets, rules and elements.
    Tables,
}

impl Extent {
    /// The ways to go, each where the one before was refused: what was read may have changed since.
    fn after(reading: Reading) -> Vec<Self> {
        if reading.observed.damage.is_empty() {
            vec![Self::Difference(reading.held), Self::Sets, Self::Tables]
        } else {
            vec![Self::Tables]
        }
    }
}

fn lay_out(transaction: &mut Transaction, own: &Own, chains: &[Cow<'_, tables::Chain>]) {
    transaction.make_table_anew(own);
    let mut ids = Vec::new();
    for (id, set) in (1..).zip(ruleset::SETS) {
        let shape =
            SetShape { name: set.name, id, flags: set.flags(), key_type: set.key_type(), parts: set.parts() };
        transaction.add_set(own, &shape);
        for key in set.constants().unwrap_or_default() {
            transaction.add_element(own, set.name, &key, None);
        }
        ids.push((set.text(), id));
    }
    for chain in chains {
        transaction.add_chain(own, &chain.name, chain.place.as_ref());
    }
    for chain in chains {
        chain.rules.iter().for_each(|rule| transaction.add_rule(own, &chain.name, rule, &ids));
    }
}

impl Driver for Nftables {
    fn name(&self) -> &'static str {
        NAME
    }

    fn expiry_tolerance_ms(&self) -> u64 {
        TOLERANCE_MS
    }

    fn not_enforceable(&self, cut: &Match) -> Option<String> {
        if ruleset::place(cut).is_none() {
            return Some(format!(
                "{cut} cannot be cut by nftables here: it sees IP packets that cross this gateway"
            ));
        }
        let is_v4 = cut.talkers().any(|talker| matches!(talker, Talker::Ip(address) if address.is_ipv4()));
        let (what, settings) = if is_v4 {
            ("IPv4", ["net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"])
        } else {
            ("IPv6", ["net/ipv6/conf/all/forwarding", "net/bridge/bridge-nf-call-ip6tables"])
        };
        let is_on = |setting: &&str| {
            fs::read_to_string(format!("/proc/sys/{setting}")).is_ok_and(|value| value.trim() != "0")
        };
        let absent = |device: &&CString| !sys::has_interface(device);
        if let Some(device) = self.ingress.iter().find(absent) {
            return Some(format!(
                "{cut} cannot be cut where it comes in: there is no interface `{}` (`ingress`)",
                device.to_string_lossy()
            ));
        }
        let looks_at = |family| self.families.contains(&family);
        let is_routed = looks_at(Family::Inet) && settings.iter().any(is_on);
        if is_routed || looks_at(Family::Netdev) || (looks_at(Family::Bridge) && has_bridge()) {
            return None;
        }
        let [forward, bridge] = settings.map(|setting| setting.replace('/', "."));
        Some(format!(
            "{cut} does not cross this gateway, which forwards no {what} (`{forward}` = 0, `{bridge}` is not 1, and \
             it has no bridge of which `families` would see the frames)"
        ))
    }

    fn steps(&self, order: &Order, already: &BTreeSet<Match>) -> Vec<String> {
        let cut = Match::of(order);
        let mut steps: Vec<String> = cut
            .iter()
            .filter_map(|cut| {
                let (set, _) = ruleset::place(cut)?;
                let remark =
                    if already.contains(cut) { ", where another order has put it already" } else { "" };
                let (set, key) = (set.text(), ruleset::Set::key_text(cut));
                Some(format!(
                    "put `{key}` into set `{set}` of {}{remark}: {}",
                    self.tables(),
                    self.effect(cut)
                ))
            })
            .collect();
        if self.families != [Family::Inet] {
            steps.push(unseen(&cut).into());
        }
        if cut.iter().any(|cut| matches!(cut, Match::Writes { .. })) {
            steps.push(LIMITS_OF_READING.into());
        }
        steps.push("forget the live connections among it (conntrack)".into());
        steps.push("traffic that does not cross this gateway is not cut".into());
        steps.extend(closing_steps(order));
        steps
    }

    fn past(&self, order: &Order, ends: &[Ends]) -> Vec<Option<String>> {
        let ground = Ground::now();
        let past = |ends: &Ends| self.unseen_on(&ways::way(ends, &ground), order, ends, &ground);
        ends.iter().map(past).collect()
    }

    fn apply(&mut self, desired: &Content) -> Result<(), DeviceFault> {
        let reading = self.read(self.sound)?;
        let mut refusal = None;
        for extent in Extent::after(reading) {
            match self.make(&extent, desired) {
                Ok(()) => {
                    self.told.clone_from(desired);
                    return Ok(());
                }
                Err(cause) => refusal = Some(cause),
            }
        }
        let Some(cause) = refusal else { return Ok(()) };
        let step = format!("to hold {} cuts", desired.len());
        Err(DeviceFault::Refused { device: self.device(), step, cause })
    }

    fn observe(&mut self) -> Result<Observed, DeviceFault> {
        let Reading { observed, generation, .. } = self.read(None)?;
        self.sound = observed.damage.is_empty().then_some(generation);
        Ok(observed)
    }

    fn forget_established(&mut self, cut: &[Match]) -> Result<usize, DeviceFault> {
        conntrack::forget(cut).map_err(|cause| DeviceFault::Refused {
            device: "conntrack".into(),
            step: "to forget live connections".into(),
            cause,
        })
    }
}

/// What a write quarantine does not stop, in words.
const LIMITS_OF_READING: &str = "not enforceable by this scope: writes put together from forged segments that overlap, \
                                 and other services of the same controller; cut the conversation where that is to be \
                                 feared. The controller's end of a refused connection stays open until it sends \
                                 something or its own time-out";

/// What frames may carry past the rules, in words.
fn unseen(cut: &[Match]) -> &'static str {
    let is_v6 =
        cut.iter().flat_map(Match::talkers).any(|talker| matches!(talker, Talker::Ip(a) if a.is_ipv6()));
    let is_whole = |cut: &Match| matches!(cut, Match::Talker(_) | Match::Pair { .. });
    if is_v6 && !cut.iter().all(is_whole) {
        "not enforceable in bridged frames: what is behind more than two VLAN tags, and behind two (or one of type \
         9100) IPv6 packets with extension headers"
    } else {
        "not enforceable in bridged frames: what is behind more than two VLAN tags"
    }
}

/// Whether the rules for routed packets are shown bridged ones too; behind a VLAN tag they are only where that is switched on
/// beside.
fn shows_bridged(ends: &Ends) -> bool {
    let is_on = |setting: &str| {
        let path = format!("/proc/sys/net/bridge/bridge-nf-{setting}");
        fs::read_to_string(path).is_ok_and(|value| value.trim() != "0")
    };
    let is_v6 = matches!(ends.client, Talker::Ip(address) if address.is_ipv6());
    is_on(if is_v6 { "call-ip6tables" } else { "call-iptables" })
        && (ends.tags == 0 || (ends.tags == 1 && is_on("filter-vlan-tagged")))
}

/// Whether this machine bridges at all.
fn has_bridge() -> bool {
    let is_bridge = |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|e| e.path().join("bridge").exists());
    fs::read_dir("/sys/class/net").is_ok_and(|mut all| all.any(is_bridge))
}

fn uptime_ms() -> io::Result<u64> {
    sys::uptime().map(|uptime: Duration| u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX))
}
