//! Our tables: one for each family that is looked at, all with the same sets.

use std::{
    borrow::Cow,
    ffi::{CStr, CString},
    sync::LazyLock,
};

use super::{
    reading,
    rules::{ETHERTYPE, Rule, TAG, TAGS, View, jump},
    ruleset::Version,
};
use crate::sys::{
    self,
    nft::{Expression, Family, Place},
};

/// Every family there is, in the order in which tables are made and read.
pub(super) const FAMILIES: [Family; 3] = [Family::Inet, Family::Bridge, Family::Netdev];
/// Before the usual filter chains (0), so that an accept-established rule there does not save a live connection, and
/// after address translation of destinations (-100), so that rules see the machines that really converse.
const ROUTED_PRIORITY: i32 = -10;
/// Before the usual filter chains of bridges (-200).
const BRIDGED_PRIORITY: i32 = -210;
/// Before everything that is usual where frames come in.
const INGRESS_PRIORITY: i32 = -510;
const VERSIONS: [Version; 2] = [Version::V4, Version::V6];
const FRAMES: &str = "fieldwarden_frames";

impl Family {
    /// Its word in configuration and in the language of nft.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Bridge => "bridge",
            Self::Netdev => "netdev",
        }
    }

    /// Its number in `linux/netfilter.h`.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Inet => 1,
            Self::Bridge => 7,
            Self::Netdev => 5,
        }
    }
}

/// A chain as it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    /// Its name.
    pub(super) name: CString,
    /// Where it hangs; none when it is jumped to.
    pub(super) place: Option<Place>,
    /// Its rules, in order.
    pub(super) rules: Vec<Rule>,
}

/// Every chain of the table of one family, those that are jumped to first. Interfaces that are not there have none:
/// a chain without its interface cannot be made, and one that is unplugged must not keep an order from ending.
pub(super) fn chains(family: Family, ingress: &[CString]) -> Vec<Cow<'static, Chain>> {
    let fixed = match family {
        Family::Inet => &*ROUTED,
        Family::Bridge => &*BRIDGED,
        Family::Netdev => &*INGRESS,
    };
    let there =
        (0..).zip(ingress).filter(|(_, device)| family == Family::Netdev && sys::has_interface(device));
    let own = there.map(|(number, device)| Cow::Owned(on_ingress(number, device)));
    fixed.iter().map(Cow::Borrowed).chain(own).collect()
}

static ROUTED: LazyLock<Vec<Chain>> = LazyLock::new(|| {
    let (mut all, rules) = both(View::Routed, "fieldwarden");
    all.push(chain("fieldwarden_forward", Some(Place::Forward { priority: ROUTED_PRIORITY }), rules));
    all
});

static BRIDGED: LazyLock<Vec<Chain>> = LazyLock::new(|| {
    let mut all = frames();
    let rules = vec![vec![Expression::Jump { chain: FRAMES.into() }]];
    all.push(chain("fieldwarden_forward", Some(Place::Forward { priority: BRIDGED_PRIORITY }), rules));
    all
});

static INGRESS: LazyLock<Vec<Chain>> = LazyLock::new(frames);

fn on_ingress(number: u32, device: &CStr) -> Chain {
    let place = Place::Ingress { priority: INGRESS_PRIORITY, device: device.into() };
    let rules = vec![vec![Expression::Jump { chain: FRAMES.into() }]];
    chain(&format!("fieldwarden_ingress{number}"), Some(place), rules)
}

/// What is done with frames: IP as the kernel finds it, then what is behind tags that it does not look behind.
fn frames() -> Vec<Chain> {
    const ONE: &str = "fieldwarden_one_tag";
    const TWO: &str = "fieldwarden_two_tags";
    let mut all = Vec::new();
    for (name, tags) in [(TWO, 2), (ONE, 1)] {
        let view = View::Tagged(tags);
        let mut rules = Vec::new();
        for version in VERSIONS {
            let ip = format!("{name}_ip{}", version.digit());
            rules.push(jump(ETHERTYPE + tags * TAG, version.ethertype(), &ip));
            let (chains, rules) = looked_at(view, version, name);
            all.extend(chains);
            all.push(chain(&ip, None, rules));
        }
        if tags == 1 {
            rules.extend(TAGS.iter().map(|tag| jump(ETHERTYPE + TAG, *tag, TWO)));
        }
        all.push(chain(name, None, rules));
    }
    let (chains, mut rules) = both(View::Framed, FRAMES);
    all.extend(chains);
    rules.extend(TAGS.iter().map(|tag| jump(ETHERTYPE, *tag, ONE)));
    all.push(chain(FRAMES, None, rules));
    all
}

/// What is done with IP of both versions, and the chains that this jumps to.
fn both(view: View, prefix: &str) -> (Vec<Chain>, Vec<Rule>) {
    let (mut chains, mut rules) = (Vec::new(), Vec::new());
    for version in VERSIONS {
        let (more, own) = looked_at(view, version, prefix);
        chains.extend(more);
        rules.extend(own);
    }
    (chains, rules)
}

/// What is done with IP of one version: what is cut is dropped first, then writes are told from reads.
fn looked_at(view: View, version: Version, prefix: &str) -> (Vec<Chain>, Vec<Rule>) {
    let chains = reading::chains(view, version, prefix);
    let chains = chains.into_iter().map(|(name, rules)| chain(&name, None, rules)).collect();
    let rules = [view.cuts(version), reading::quarantined(view, version, prefix)].concat();
    (chains, rules)
}

fn chain(name: &str, place: Option<Place>, rules: Vec<Rule>) -> Chain {
    // Names are words above and numbers.
    Chain { name: CString::new(name).unwrap_or_default(), place, rules }
}
