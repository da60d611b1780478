//! Our table as the kernel tells it, and how it differs from what [`super::ruleset`] says.
//!
//! Numbers are those of `linux/netfilter/nf_tables.h`.

use std::io;

use super::ruleset::{CHAIN, PRIORITY, SETS, Set, rules};
use crate::{
    content::{Content, Match, Until},
    drivers::Observed,
    netlink::{ACKNOWLEDGE, Attribute, DUMP, Request, ask, dump, find},
    sys::nft::Expression,
};

const SUBSYSTEM_NFTABLES: u8 = 10;
const FAMILY_INET: u8 = 1;
const GET_TABLE: u8 = 1;
const GET_CHAIN: u8 = 4;
const GET_RULE: u8 = 7;
const GET_SET: u8 = 10;
const GET_ELEMENTS: u8 = 13;
/// `NF_INET_FORWARD`.
const HOOK_FORWARD: u32 = 2;
/// `NF_ACCEPT`.
const POLICY_ACCEPT: u32 = 1;

/// Reads the table. `uptime_ms` is asked when each set is read, since elements tell how long they still last.
pub(super) fn observe(table: &str, uptime_ms: &dyn Fn() -> io::Result<u64>) -> io::Result<Observed> {
    let mut observed = Observed::default();
    let mut flags = 0;
    let there = ask(&about(GET_TABLE, ACKNOWLEDGE).with_name(1, table), &mut |attributes| {
        flags = find(attributes, 2).and_then(Attribute::number).unwrap_or(flags);
    });
    match there {
        Err(fault) if fault.raw_os_error() == Some(libc::ENOENT) => {
            observed.damage.push(format!("table `inet {table}` is not there"));
            return Ok(observed);
        }
        other => other?,
    }
    if flags != 0 {
        observed
            .damage
            .push(format!("table `inet {table}` has flags {flags:#x}, so its rules may be asleep"));
    }
    chains(table, &mut observed.damage)?;
    let intact = sets(table, &mut observed.damage)?;
    told_rules(table, &mut observed.damage)?;
    for set in intact {
        elements(table, set, uptime_ms()?, &mut observed)?;
    }
    Ok(observed)
}

fn about(kind: u8, flags: u16) -> Request {
    Request::new(SUBSYSTEM_NFTABLES, kind, FAMILY_INET, flags)
}

fn is_of(table: &str, attributes: &[u8]) -> bool {
    find(attributes, 1).and_then(Attribute::text) == Some(table)
}

fn chains(table: &str, damage: &mut Vec<String>) -> io::Result<()> {
    let expected = Chain {
        name: CHAIN.to_string_lossy().into_owned(),
        hook: Some(HOOK_FORWARD),
        priority: Some(PRIORITY.cast_unsigned()),
        policy: Some(POLICY_ACCEPT),
        kind: Some("filter".into()),
    };
    let found: Vec<Chain> = dump(&about(GET_CHAIN, DUMP), &|found: &mut Vec<Chain>, attributes| {
        if is_of(table, attributes) {
            found.push(Chain::read(attributes));
        }
    })?;
    if found != [expected] {
        damage.push(format!("the chains of table `inet {table}` are not as made: {found:?}"));
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Chain {
    name: String,
    hook: Option<u32>,
    priority: Option<u32>,
    policy: Option<u32>,
    kind: Option<String>,
}

impl Chain {
    fn read(attributes: &[u8]) -> Self {
        let hook = find(attributes, 4).map_or(&[] as &[u8], |hook| hook.value);
        Self {
            name: text(attributes, 3).unwrap_or_default(),
            hook: find(hook, 1).and_then(Attribute::number),
            priority: find(hook, 2).and_then(Attribute::number),
            policy: find(attributes, 5).and_then(Attribute::number),
            kind: text(attributes, 7),
        }
    }
}

/// The sets that are as made; the others are damage.
fn sets(table: &str, damage: &mut Vec<String>) -> io::Result<Vec<&'static Set>> {
    type Told = Vec<(String, Option<u32>, Option<u32>)>;
    let request = about(GET_SET, DUMP).with_name(1, table);
    let found: Told = dump(&request, &|found: &mut Told, attributes| {
        if is_of(table, attributes) {
            let number = |kind| find(attributes, kind).and_then(Attribute::number);
            found.push((text(attributes, 2).unwrap_or_default(), number(3), number(5)));
        }
    })?;
    for (name, ..) in found.iter().filter(|(name, ..)| SETS.iter().all(|set| set.text() != name)) {
        damage.push(format!("table `inet {table}` has a set `{name}` that is not ours"));
    }
    let (intact, broken): (Vec<&Set>, Vec<&Set>) = SETS.iter().partition(|set| {
        let length = set.parts().iter().map(|part| u32::from(part.next_multiple_of(4))).sum();
        let told = (set.text().to_owned(), Some(set.flags()), Some(length));
        found.contains(&told)
    });
    damage.extend(broken.iter().map(|set| format!("set `{}` is not there as made", set.text())));
    Ok(intact)
}

fn told_rules(table: &str, damage: &mut Vec<String>) -> io::Result<()> {
    type Told = Vec<(String, Option<Vec<Expression>>)>;
    let request = about(GET_RULE, DUMP).with_name(1, table);
    let found: Told = dump(&request, &|found: &mut Told, attributes| {
        if is_of(table, attributes) {
            let chain = text(attributes, 2).unwrap_or_default();
            let expressions = find(attributes, 4).map(|list| list.nested().map(expression).collect());
            found.push((chain, expressions.unwrap_or_default()));
        }
    })?;
    let chain = CHAIN.to_string_lossy();
    let expected = rules();
    if found.len() != expected.len() {
        damage.push(format!("table `inet {table}` has {} rules instead of {}", found.len(), expected.len()));
    }
    for (number, (rule, expected)) in (1..).zip(found.iter().zip(expected)) {
        if rule.0 != chain || rule.1.as_ref() != Some(&expected) {
            damage.push(format!("rule {number} of table `inet {table}` is not as made"));
        }
    }
    Ok(())
}

/// Takes one expression apart; none for those no rule of ours has.
fn expression(element: Attribute<'_>) -> Option<Expression> {
    let name = find(element.value, 1)?.text()?;
    let data = find(element.value, 2).map_or(&[] as &[u8], |data| data.value);
    let number = |kind| find(data, kind).and_then(Attribute::number);
    match name {
        "meta" => Some(Expression::Meta { key: number(2)?, word: word(number(1)?)? }),
        // Operation 0 is "equal".
        "cmp" if number(2)? == 0 => {
            let value = find(find(data, 3)?.value, 1)?.value.to_vec();
            Some(Expression::Equals { word: word(number(1)?)?, value })
        }
        "payload" => Some(Expression::Payload {
            base: number(2)?,
            offset: number(3)?,
            length: number(4)?,
            word: word(number(1)?)?,
        }),
        // Flag 1 inverts the lookup.
        "lookup" if number(5).unwrap_or(0) == 0 => {
            Some(Expression::Lookup { set: text(data, 1)?, word: word(number(2)?)? })
        }
        "counter" => Some(Expression::Counter),
        // Register 0 is the verdict, verdict 0 is a drop.
        "immediate" if number(1)? == 0 => {
            let verdict = find(find(data, 2)?.value, 2)?;
            (find(verdict.value, 1)?.number()? == 0).then_some(Expression::Drop)
        }
        _ => None,
    }
}

/// A register as the word it begins at: the kernel tells those that begin at a multiple of 16 octets as 1 to 4.
fn word(register: u32) -> Option<u32> {
    match register {
        1..=4 => Some((register - 1) * 4),
        8.. => Some(register - 8),
        _ => None,
    }
}

fn elements(table: &str, set: &'static Set, uptime_ms: u64, observed: &mut Observed) -> io::Result<()> {
    type Told = (Content, Vec<String>);
    let request = about(GET_ELEMENTS, DUMP).with_name(1, table).with_name(2, set.text());
    let (content, damage): Told = dump(&request, &|told: &mut Told, attributes| {
        let list = find(attributes, 3).map_or(&[] as &[u8], |list| list.value);
        for element in crate::netlink::attributes(list) {
            match read_element(set, element.value, uptime_ms) {
                Some((cut, until)) => drop(told.0.insert(cut, until)),
                None => told.1.push(format!("set `{}` holds a key that is not ours", set.text())),
            }
        }
    })?;
    observed.content.extend(content);
    observed.damage.extend(damage);
    Ok(())
}

fn read_element(set: &Set, element: &[u8], uptime_ms: u64) -> Option<(Match, Until)> {
    let key = find(find(element, 1)?.value, 1)?.value;
    // An element without an expiry stays for ever: no order of ours, however the key looks.
    let remaining = find(element, 5).and_then(Attribute::long_number).unwrap_or(u64::MAX);
    Some((set.cut(key)?, Until(uptime_ms.saturating_add(remaining))))
}

fn text(attributes: &[u8], kind: u16) -> Option<String> {
    find(attributes, kind)?.text().map(str::to_owned)
}
