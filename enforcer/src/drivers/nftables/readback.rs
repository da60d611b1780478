//! Our table as the kernel tells it, and how it differs from what [`super::ruleset`] says.
//!
//! Numbers are those of `linux/netfilter/nf_tables.h`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ffi::CString,
    io,
};

use super::{
    expressions::{counted, expression, text},
    rules::Rule,
    ruleset::{SETS, Set},
    tables::{self, FAMILIES},
};
use crate::{
    content::{Content, Match, Until},
    drivers::Observed,
    netlink::{ACKNOWLEDGE, Attribute, DUMP, Kernel, Request, find},
    sys::nft::{Expression, Family, Place},
};

const SUBSYSTEM_NFTABLES: u8 = 10;
const GET_TABLE: u8 = 1;
const GET_CHAIN: u8 = 4;
const GET_RULE: u8 = 7;
const GET_SET: u8 = 10;
const GET_ELEMENTS: u8 = 13;
const GET_GENERATION: u8 = 16;
/// `NF_INET_FORWARD` and `NF_BR_FORWARD`.
const HOOK_FORWARD: u32 = 2;
/// `NF_NETDEV_INGRESS`.
const HOOK_INGRESS: u32 = 0;
/// `NF_ACCEPT`.
const POLICY_ACCEPT: u32 = 1;
/// An element that is in one table and not in another is no difference when it expires within this many
/// milliseconds: the tables are read one after the other.
const ABOUT_TO_END_MS: u64 = 500;

/// Our tables as they were read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// All of them as one.
    pub(super) observed: Observed,
    /// What each holds.
    pub(super) held: BTreeMap<Family, Content>,
    /// The number the kernel gave to the last change that anyone made of any table before the reading began.
    pub(super) generation: u32,
}

/// Reads our tables: those of `families` must be there as made and hold the same, those of other families must not.
/// `uptime_ms` is asked when each set is read, since elements tell how long they still last.
///
/// When nobody changed any table since the one that was `sound`, by the kernel's own count, sets and rules are not
/// asked for again: only chains, which go with their interface and without a change, and elements, which expire.
/// Then nothing is told of what was dropped.
pub(super) fn read(
    table: &str,
    families: &[Family],
    ingress: &[CString],
    uptime_ms: &dyn Fn() -> io::Result<u64>,
    sound: Option<u32>,
) -> io::Result<Reading> {
    let mut kernel = Kernel::open()?;
    let mut reading = Reading { generation: generation(&mut kernel)?, ..Reading::default() };
    let is_known = sound == Some(reading.generation);
    let observed = &mut reading.observed;
    let mut contents = Vec::new();
    for family in FAMILIES {
        let own = Own { table, family };
        let flags = own.flags(&mut kernel)?;
        if !families.contains(&family) {
            if flags.is_some() {
                observed.damage.push(format!("table {own} is there, and `families` does not name it"));
            }
            continue;
        }
        let content = match flags {
            None => {
                observed.damage.push(format!("table {own} is not there"));
                Content::new()
            }
            Some(flags) => {
                if flags != 0 {
                    let damage = format!("table {own} has flags {flags:#x}, so its rules may be asleep");
                    observed.damage.push(damage);
                }
                let expected = tables::chains(family, ingress);
                own.chains(&mut kernel, &expected, &mut observed.damage)?;
                let intact = if is_known {
                    SETS.iter().collect()
                } else {
                    own.structure(&mut kernel, &expected, observed)?
                };
                own.content(&mut kernel, intact, uptime_ms, &mut observed.damage)?
            }
        };
        contents.push((own, content));
    }
    observed.read_ms = uptime_ms()?;
    join(&contents, observed);
    reading.held = contents.into_iter().map(|(own, content)| (own.family, content)).collect();
    Ok(reading)
}

/// Whether there is a table of that name in that family.
pub(super) fn is_there(table: &str, family: Family) -> io::Result<bool> {
    Own { table, family }.flags(&mut Kernel::open()?).map(|flags| flags.is_some())
}

fn generation(kernel: &mut Kernel) -> io::Result<u32> {
    let request = Request::new(SUBSYSTEM_NFTABLES, GET_GENERATION, 0, ACKNOWLEDGE);
    let mut told = None;
    kernel.ask(&request, &mut |attributes| told = find(attributes, 1).and_then(Attribute::number))?;
    told.ok_or_else(|| io::Error::other("the kernel does not tell the generation of its tables"))
}

/// What any table cuts is cut; what not every table cuts is damage besides.
fn join(contents: &[(Own<'_>, Content)], observed: &mut Observed) {
    for (cut, until) in contents.iter().flat_map(|(_, content)| content) {
        let held = observed.content.entry(cut.clone()).or_insert(*until);
        *held = (*held).max(*until);
    }
    let mut partial = BTreeSet::new();
    for (own, content) in contents {
        for (cut, Until(until)) in &observed.content {
            let tolerable = |there: &Until| until.saturating_sub(there.0) <= super::TOLERANCE_MS;
            let is_ending = *until <= observed.read_ms.saturating_add(ABOUT_TO_END_MS);
            if !content.get(cut).is_some_and(tolerable) && !is_ending {
                observed.damage.push(format!("table {own} does not cut {cut} as another of our tables does"));
                partial.insert(cut.clone());
            }
        }
    }
    observed.partial = partial;
}

/// One table of ours.
#[derive(Clone, Copy)]
struct Own<'a> {
    table: &'a str,
    family: Family,
}

impl std::fmt::Display for Own<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{} {}`", self.family.word(), self.table)
    }
}

impl Own<'_> {
    fn about(&self, kind: u8, flags: u16) -> Request {
        Request::new(SUBSYSTEM_NFTABLES, kind, self.family.number(), flags).with_name(1, self.table)
    }

    fn has(&self, attributes: &[u8]) -> bool {
        find(attributes, 1).and_then(Attribute::text) == Some(self.table)
    }

    /// The table's flags; none when there is no such table.
    fn flags(&self, kernel: &mut Kernel) -> io::Result<Option<u32>> {
        let mut flags = 0;
        let there = kernel.ask(&self.about(GET_TABLE, ACKNOWLEDGE), &mut |attributes| {
            flags = find(attributes, 2).and_then(Attribute::number).unwrap_or(flags);
        });
        match there {
            // A kernel without the family has no table of it.
            Err(fault)
                if matches!(
                    fault.raw_os_error(),
                    Some(libc::ENOENT | libc::EAFNOSUPPORT | libc::EOPNOTSUPP)
                ) =>
            {
                Ok(None)
            }
            other => other.map(|()| Some(flags)),
        }
    }

    /// The sets that are as made, where rules, and the sets that hold constants, are looked at as well.
    fn structure(
        &self,
        kernel: &mut Kernel,
        expected: &[Cow<'_, tables::Chain>],
        observed: &mut Observed,
    ) -> io::Result<Vec<&'static Set>> {
        let intact = self.sets(kernel, &mut observed.damage)?;
        let dropped = self.rules(kernel, expected, &mut observed.damage)?;
        observed.dropped.push((self.family.word(), dropped));
        for set in &intact {
            if let Some(constants) = set.constants() {
                self.constants(kernel, set, constants, &mut observed.damage)?;
            }
        }
        Ok(intact)
    }

    fn content(
        &self,
        kernel: &mut Kernel,
        sets: Vec<&'static Set>,
        uptime_ms: &dyn Fn() -> io::Result<u64>,
        damage: &mut Vec<String>,
    ) -> io::Result<Content> {
        let mut content = Content::new();
        for set in sets.into_iter().filter(|set| set.is_filled_by_orders()) {
            self.elements(kernel, set, uptime_ms()?, &mut content, damage)?;
        }
        Ok(content)
    }

    fn chains(
        &self,
        kernel: &mut Kernel,
        expected: &[Cow<'_, tables::Chain>],
        damage: &mut Vec<String>,
    ) -> io::Result<()> {
        let mut expected: Vec<Chain> = expected.iter().map(|chain| Chain::as_made(chain)).collect();
        let request = self.about(GET_CHAIN, DUMP);
        let mut found: Vec<Chain> = kernel.dump(&request, &|found: &mut Vec<Chain>, attributes| {
            if self.has(attributes) {
                found.push(Chain::read(attributes));
            }
        })?;
        expected.sort();
        found.sort();
        let odd = found.iter().find(|chain| !expected.contains(chain));
        let lost = expected.iter().find(|chain| !found.contains(chain));
        if let Some(chain) = odd.or(lost) {
            let why = if odd.is_some() { "not as made" } else { "not there" };
            damage.push(format!("chain `{}` of table {self} is {why}: {chain:?}", chain.name));
        }
        Ok(())
    }

    /// The sets that are as made; the others are damage.
    fn sets(&self, kernel: &mut Kernel, damage: &mut Vec<String>) -> io::Result<Vec<&'static Set>> {
        type Told = Vec<(String, Option<u32>, Option<u32>)>;
        let found: Told = kernel.dump(&self.about(GET_SET, DUMP), &|found: &mut Told, attributes| {
            if self.has(attributes) {
                let number = |kind| find(attributes, kind).and_then(Attribute::number);
                found.push((text(attributes, 2).unwrap_or_default(), number(3), number(5)));
            }
        })?;
        for (name, ..) in found.iter().filter(|(name, ..)| SETS.iter().all(|set| set.text() != name)) {
            damage.push(format!("table {self} has a set `{name}` that is not ours"));
        }
        let (intact, broken): (Vec<&Set>, Vec<&Set>) = SETS.iter().partition(|set| {
            let length = set.parts().iter().map(|part| u32::from(part.next_multiple_of(4))).sum();
            let told = (set.text().to_owned(), Some(set.flags()), Some(length));
            found.contains(&told)
        });
        let lost = |set: &&Set| format!("set `{}` of table {self} is not there as made", set.text());
        damage.extend(broken.iter().map(lost));
        Ok(intact)
    }

    /// Compares every rule and tells how many packets they dropped.
    fn rules(
        &self,
        kernel: &mut Kernel,
        expected: &[Cow<'_, tables::Chain>],
        damage: &mut Vec<String>,
    ) -> io::Result<u64> {
        type Told = (BTreeMap<String, Vec<Option<Rule>>>, u64);
        let (found, dropped): Told =
            kernel.dump(&self.about(GET_RULE, DUMP), &|told: &mut Told, attributes| {
                if self.has(attributes) {
                    let chain = text(attributes, 2).unwrap_or_default();
                    let list = find(attributes, 4).map_or(&[] as &[u8], |list| list.value);
                    let each = || crate::netlink::attributes(list);
                    let rule: Option<Rule> = each().map(expression).collect();
                    // What passes is counted too, by rules that let it.
                    if rule.as_ref().is_some_and(|rule| !rule.contains(&Expression::Accept)) {
                        told.1 = each().filter_map(counted).fold(told.1, u64::saturating_add);
                    }
                    told.0.entry(chain).or_default().push(rule);
                }
            })?;
        for chain in expected {
            let name = chain.name.to_string_lossy();
            let found = found.get(&*name).map_or(&[] as &[Option<Rule>], Vec::as_slice);
            if found.len() != chain.rules.len() {
                let (have, want) = (found.len(), chain.rules.len());
                damage.push(format!("chain `{name}` of table {self} has {have} rules instead of {want}"));
            }
            for (number, (rule, expected)) in (1..).zip(found.iter().zip(&chain.rules)) {
                if rule.as_ref() != Some(expected) {
                    damage.push(format!("rule {number} of chain `{name}` of table {self} is not as made"));
                }
            }
        }
        Ok(dropped)
    }

    fn constants(
        &self,
        kernel: &mut Kernel,
        set: &Set,
        mut keys: Vec<Vec<u8>>,
        damage: &mut Vec<String>,
    ) -> io::Result<()> {
        let request = self.about(GET_ELEMENTS, DUMP).with_name(2, set.text());
        let mut held: Vec<Vec<u8>> = kernel.dump(&request, &|held: &mut Vec<Vec<u8>>, attributes| {
            let list = find(attributes, 3).map_or(&[] as &[u8], |list| list.value);
            let key = |element: Attribute<'_>| Some(find(find(element.value, 1)?.value, 1)?.value.to_vec());
            held.extend(crate::netlink::attributes(list).map(|element| key(element).unwrap_or_default()));
        })?;
        held.sort();
        keys.sort();
        if held != keys {
            damage.push(format!("set `{}` of table {self} does not hold what it was made with", set.text()));
        }
        Ok(())
    }

    fn elements(
        &self,
        kernel: &mut Kernel,
        set: &'static Set,
        uptime_ms: u64,
        content: &mut Content,
        damage: &mut Vec<String>,
    ) -> io::Result<()> {
        type Told = (Content, usize);
        let request = self.about(GET_ELEMENTS, DUMP).with_name(2, set.text());
        let (held, strange): Told = kernel.dump(&request, &|told: &mut Told, attributes| {
            let list = find(attributes, 3).map_or(&[] as &[u8], |list| list.value);
            for element in crate::netlink::attributes(list) {
                match read_element(set, element.value, uptime_ms) {
                    Some((cut, until)) => drop(told.0.insert(cut, until)),
                    None => told.1 += 1,
                }
            }
        })?;
        content.extend(held);
        if strange > 0 {
            damage.push(format!("set `{}` of table {self} holds a key that is not ours", set.text()));
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Chain {
    name: String,
    hook: Option<u32>,
    priority: Option<u32>,
    device: Option<String>,
    policy: Option<u32>,
    kind: Option<String>,
}

impl Chain {
    fn as_made(chain: &tables::Chain) -> Self {
        let (hook, priority, device) = match &chain.place {
            None => (None, None, None),
            Some(Place::Forward { priority }) => (Some(HOOK_FORWARD), Some(*priority), None),
            Some(Place::Ingress { priority, device }) => {
                (Some(HOOK_INGRESS), Some(*priority), Some(device.to_string_lossy().into_owned()))
            }
        };
        Self {
            name: chain.name.to_string_lossy().into_owned(),
            hook,
            priority: priority.map(i32::cast_unsigned),
            device,
            policy: hook.map(|_| POLICY_ACCEPT),
            kind: hook.map(|_| "filter".into()),
        }
    }

    fn read(attributes: &[u8]) -> Self {
        let hook = find(attributes, 4).map_or(&[] as &[u8], |hook| hook.value);
        Self {
            name: text(attributes, 3).unwrap_or_default(),
            hook: find(hook, 1).and_then(Attribute::number),
            priority: find(hook, 2).and_then(Attribute::number),
            device: text(hook, 3),
            policy: find(attributes, 5).and_then(Attribute::number),
            kind: text(attributes, 7),
        }
    }
}

fn read_element(set: &Set, element: &[u8], uptime_ms: u64) -> Option<(Match, Until)> {
    let key = find(find(element, 1)?.value, 1)?.value;
    // An element without an expiry stays for ever: no order of ours, however the key looks.
    let remaining = find(element, 5).and_then(Attribute::long_number).unwrap_or(u64::MAX);
    Some((set.cut(key)?, Until(uptime_ms.saturating_add(remaining))))
}
