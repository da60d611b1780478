//! What devices told and showed of themselves, so that a change is seen.

use std::collections::BTreeMap;

use fieldwarden_model::{AddressSpace, Mac, Talker, Timestamp};
use fieldwarden_protocols::Protocol;

use super::Site;
use crate::{
    assets::{Fact, Trait},
    conversation::{ConversationKey, is_group_or_nobody, protocol_named},
    detect::{
        Detector as _, Memory, Settings, Subject,
        asset_changed::{AssetChanged, Changed, How},
    },
    engine::Output,
    track::Heard,
};

/// Devices remembered; the one heard of longest ago is forgotten first.
pub(crate) const MAX_DEVICES: usize = 4_096;
/// Network cards remembered of one device, and facts it told; more are not taken for its own.
const MAX_CARDS: usize = 4;
/// See [`MAX_CARDS`].
const MAX_FACTS: usize = 256;

type Who = (AddressSpace, Talker);
type What = (Trait, Protocol, Option<u32>);

/// Every device that is remembered.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    devices: BTreeMap<Who, Known>,
    /// Who was heard of when, oldest first.
    turns: BTreeMap<u64, Who>,
    turn: u64,
    /// Who was first heard from a network card; none where it carries several, as a router's does.
    cards: BTreeMap<(AddressSpace, Mac), Option<Talker>>,
}

/// What is known of a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// When it was heard of last, as others were.
    pub(crate) turn: u64,
    /// Since when it is heard from its first card.
    pub(crate) since: Option<Timestamp>,
    pub(crate) cards: Vec<Mac>,
    pub(crate) told: BTreeMap<What, String>,
    pub(crate) asks_since: Option<Timestamp>,
    pub(crate) answers_since: Option<Timestamp>,
}

impl Identities {
    fn known(&mut self, who: Who) -> &mut Known {
        self.turn += 1;
        if !self.devices.contains_key(&who) && self.devices.len() >= MAX_DEVICES {
            self.forget_stalest();
        }
        let known = self.devices.entry(who).or_default();
        self.turns.remove(&known.turn);
        known.turn = self.turn;
        self.turns.insert(self.turn, who);
        known
    }

    fn forget_stalest(&mut self) {
        let Some((_, who)) = self.turns.pop_first() else { return };
        let Some(known) = self.devices.remove(&who) else { return };
        for mac in known.cards {
            if self.cards.get(&(who.0, mac)) == Some(&Some(who.1)) {
                self.cards.remove(&(who.0, mac));
            }
        }
        // Cards of routers outlive whom they carried; without anybody else left they are forgotten together.
        if self.cards.len() > MAX_DEVICES * MAX_CARDS {
            self.cards.clear();
        }
    }

    /// A device of IPv4 was heard from a network card; what was its card until now, where that is a change. Hosts of IPv6 make
    /// up addresses as they like.
    fn card(&mut self, heard: &Heard, settings: &Settings) -> Option<How> {
        let (Some(new), Talker::Ip(core::net::IpAddr::V4(_))) = (heard.mac, heard.talker) else {
            return None;
        };
        let carried = self.cards.entry((heard.space, new)).or_insert(Some(heard.talker));
        if *carried != Some(heard.talker) {
            *carried = None;
        }
        let own = |cards: &BTreeMap<_, _>, mac| cards.get(&(heard.space, mac)) == Some(&Some(heard.talker));
        let is_own = own(&self.cards, new);
        let known = self.known((heard.space, heard.talker));
        let since = *known.since.get_or_insert(heard.time);
        if known.cards.contains(&new) || known.cards.len() >= MAX_CARDS {
            return None;
        }
        let old = known.cards.last().copied();
        known.cards.push(new);
        let old = old.filter(|old| own(&self.cards, *old) && is_own)?;
        (heard.time.since(since) >= settings.asset_changed.card_settled).then_some(How::Card { old, new })
    }

    /// A device told something of itself; what is another than before.
    fn told(&mut self, who: Who, protocol: Protocol, facts: Vec<Fact>) -> Vec<How> {
        let known = self.known(who);
        let mut changes = Vec::new();
        for Fact { of, part, text } in facts {
            let room = known.told.len() < MAX_FACTS;
            match known.told.get_mut(&(of, protocol, part)) {
                Some(old) if *old == text.as_str() => {}
                Some(old) => {
                    let new = text.to_string();
                    let old = core::mem::replace(old, new.clone());
                    changes.push(How::Told { of, protocol, part, old, new });
                }
                None if room => {
                    known.told.insert((of, protocol, part), text.to_string());
                }
                None => {}
            }
        }
        changes
    }

    /// A client and a server met: each that only did the other before is a change.
    fn met(&mut self, key: &ConversationKey, time: Timestamp, settings: &Settings) -> [Option<How>; 2] {
        let (space, protocol) = (key.service.space, key.protocol);
        let settled = |since: Option<Timestamp>| {
            since.is_some_and(|since| time.since(since) >= settings.asset_changed.role_settled)
        };
        let client = self.known((space, key.service.client));
        let asks = client.asks_since.is_none() && settled(client.answers_since);
        client.asks_since.get_or_insert(time);
        let server = self.known((space, key.service.server));
        let answers = server.answers_since.is_none() && settled(server.asks_since);
        server.answers_since.get_or_insert(time);
        [
            asks.then_some(How::Asks { whom: key.service.server, protocol }),
            answers.then_some(How::Answers { whom: key.service.client, protocol }),
        ]
    }

    /// For a checkpoint: who was heard of longest ago first.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (Who, &Known)> {
        self.turns.values().filter_map(|who| Some((*who, self.devices.get(who)?)))
    }

    /// From a checkpoint, in its order.
    pub(crate) fn restore(&mut self, who: Who, saved: Known) {
        for mac in &saved.cards {
            let carried = self.cards.entry((who.0, *mac)).or_insert(Some(who.1));
            if *carried != Some(who.1) {
                *carried = None;
            }
        }
        let known = self.known(who);
        let turn = known.turn;
        *known = Known { turn, ..saved };
    }
}

/// A fact's protocol by its name, layers beneath others included.
pub(crate) fn teller(name: &str) -> Option<Protocol> {
    const BENEATH: Protocol = Protocol("enip");
    protocol_named(name).or_else(|| (name == BENEATH.name()).then_some(BENEATH))
}

impl Site {
    /// A talker was heard from a network card.
    pub(super) fn hear_card(&mut self, heard: &Heard, out: &mut dyn FnMut(Output)) {
        if !is_group_or_nobody(heard.talker)
            && let Some(how) = self.identities.card(heard, &self.rules.settings)
        {
            self.changed(&Changed { heard: *heard, how }, out);
        }
    }

    /// A talker told something of itself.
    pub(super) fn hear_facts(
        &mut self,
        heard: &Heard,
        protocol: Protocol,
        facts: Vec<Fact>,
        out: &mut dyn FnMut(Output),
    ) {
        for how in self.identities.told((heard.space, heard.talker), protocol, facts) {
            self.changed(&Changed { heard: *heard, how }, out);
        }
    }

    /// Two talkers began a conversation; one that the baseline knows changes nothing.
    pub(super) fn hear_roles(
        &mut self,
        key: &ConversationKey,
        approved: bool,
        heard: &Heard,
        out: &mut dyn FnMut(Output),
    ) {
        let [asks, answers] = self.identities.met(key, heard.time, &self.rules.settings);
        if approved {
            return;
        }
        for (how, talker) in [(asks, key.service.client), (answers, key.service.server)] {
            if let Some(how) = how {
                self.changed(&Changed { heard: Heard { talker, ..*heard }, how }, out);
            }
        }
    }

    fn changed(&mut self, changed: &Changed, out: &mut dyn FnMut(Output)) {
        let rules = self.rules.clone();
        if rules.settings.disabled.iter().any(|id| *id == AssetChanged.id()) {
            return;
        }
        let subject = Subject::Changed(changed);
        let mut memory = Memory::default();
        AssetChanged
            .judge(&rules.context(), &subject, &mut memory, &mut |finding| self.finding(finding, out));
    }
}
