//! The gateway's own packet filter: forwarded IP traffic, cut in the kernel.
//!
//! One table of our own holds sets whose elements expire in the kernel and, made once, the rules that drop what the
//! sets name. Orders only ever change elements. See `docs/drivers/nftables.md`.

use std::{collections::BTreeSet, ffi::CString, fs, io, time::Duration};

use fieldwarden_model::{Fault, Order, Section, Talker, section::Reader};

use super::{DeviceFault, Driver, Observed, Registration, closing_steps};
use crate::{
    content::{Content, Match, Until},
    netlink::transact,
    sys::{
        self,
        nft::{SetShape, Transaction},
    },
};

mod conntrack;
mod readback;
mod ruleset;

/// Its line in the registry.
pub const REGISTRATION: Registration = Registration { name: NAME, configure };

const NAME: &str = "nftables";
/// The longest name of a table (`NFT_TABLE_MAXNAMELEN` is 256).
const MAX_NAME: usize = 64;
/// The kernel counts expiries in ticks of up to 10 ms and rounds down; below one tick an element would never expire.
const SHORTEST_TIMEOUT_MS: u64 = 20;
/// What rounding, and the time it takes to read a busy table, may add up to.
const TOLERANCE_MS: u64 = 2_000;

/// The packet filter of the network namespace this program runs in.
#[derive(Debug)]
pub struct Nftables {
    table: String,
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
    reader.finish_with(Some(Box::new(Nftables { table }) as Box<dyn Driver>))
}

impl Nftables {
    /// A driver whose table bears this name, which must be one that [`REGISTRATION`] would accept.
    #[must_use]
    pub fn with_table(name: &str) -> Self {
        Self { table: name.into() }
    }

    fn device(&self) -> String {
        format!("nftables table `inet {}`", self.table)
    }

    fn transaction(&self, anew: Anew, desired: &Content) -> io::Result<(Vec<u8>, std::ops::Range<u32>)> {
        let name = CString::new(self.table.as_str()).map_err(io::Error::other)?;
        let mut transaction = Transaction::new(&name);
        match anew {
            Anew::Everything => lay_out(&mut transaction),
            Anew::Elements => ruleset::SETS.iter().for_each(|set| transaction.flush_set(set.name)),
        }
        let uptime_ms = uptime_ms()?;
        for (cut, Until(until)) in desired {
            let timeout_ms = until.saturating_sub(uptime_ms);
            let (set, key) =
                ruleset::place(cut).ok_or_else(|| io::Error::other(format!("{cut} has no key")))?;
            if timeout_ms >= SHORTEST_TIMEOUT_MS {
                transaction.add_element(set.name, &key, timeout_ms);
            }
        }
        Ok(transaction.finish())
    }
}

/// How much of the table a transaction replaces.
#[derive(Clone, Copy)]
enum Anew {
    /// Table, chain, sets, rules and elements.
    Everything,
    /// Elements only.
    Elements,
}

fn lay_out(transaction: &mut Transaction) {
    transaction.make_table_anew();
    transaction.add_forward_chain(ruleset::CHAIN, ruleset::PRIORITY);
    let mut ids = Vec::new();
    for (id, set) in (1..).zip(ruleset::SETS) {
        let shape =
            SetShape { name: set.name, id, flags: set.flags(), key_type: set.key_type(), parts: set.parts() };
        transaction.add_set(&shape);
        ids.push((set.text(), id));
    }
    for rule in ruleset::rules() {
        transaction.add_rule(ruleset::CHAIN, &rule, &ids);
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
        if settings.iter().any(is_on) {
            return None;
        }
        let [forward, bridge] = settings.map(|setting| setting.replace('/', "."));
        Some(format!(
            "{cut} does not cross this gateway, which forwards no {what} (`{forward}` = 0, `{bridge}` is not 1)"
        ))
    }

    fn steps(&self, order: &Order, already: &BTreeSet<Match>) -> Vec<String> {
        let cut = Match::of(&order.target);
        let mut steps: Vec<String> = cut
            .iter()
            .filter_map(|cut| {
                let (set, _) = ruleset::place(cut)?;
                let remark =
                    if already.contains(cut) { ", where another order has put it already" } else { "" };
                let (set, key) = (set.text(), ruleset::Set::key_text(cut));
                Some(format!(
                    "put `{key}` into set `inet {} {set}`{remark}: forwarded packets of {cut} are dropped",
                    self.table
                ))
            })
            .collect();
        steps.push("forget the live connections among it (conntrack)".into());
        steps.push("traffic that does not cross this gateway is not cut".into());
        steps.extend(closing_steps(order));
        steps
    }

    fn apply(&mut self, desired: &Content) -> Result<(), DeviceFault> {
        let anew = if self.observe()?.damage.is_empty() { Anew::Elements } else { Anew::Everything };
        let refused = |cause| DeviceFault::Refused {
            device: self.device(),
            step: format!("to hold {} cuts", desired.len()),
            cause,
        };
        let (octets, sequence) = self.transaction(anew, desired).map_err(refused)?;
        transact(&octets, sequence).map_err(refused)
    }

    fn observe(&mut self) -> Result<Observed, DeviceFault> {
        readback::observe(&self.table, &uptime_ms)
            .map_err(|cause| DeviceFault::Unreachable { device: self.device(), cause })
    }

    fn forget_established(&mut self, cut: &[Match]) -> Result<usize, DeviceFault> {
        conntrack::forget(cut).map_err(|cause| DeviceFault::Refused {
            device: "conntrack".into(),
            step: "to forget live connections".into(),
            cause,
        })
    }
}

fn uptime_ms() -> io::Result<u64> {
    sys::uptime().map(|uptime: Duration| u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX))
}
