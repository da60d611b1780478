//! What devices told and showed of themselves, so that a change is seen.

use std::collections::BTreeMap;

use fieldwarden_model::{AddressSpace, Talker, Timestamp};
use fieldwarden_protocols::Protocol;

use super::Site;
use crate::{
    assets::{Fact, Trait},
    conversation::{ConversationKey, protocol_named},
    detect::{
        Detector as _, Memory, Settings, Subject,
        asset_changed::{AssetChanged, Changed, How},
    },
    engine::Output,
    track::Heard,
};

/// Devices remembered; the one heard of longest ago is forgotten first.
pub(crate) const MAX_DEVICES: usize = 4_096;
/// Facts remembered of one device; more are not taken for its own.
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
}

/// What is known of a device.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// When it was heard of last, as others were.
    pub(crate) turn: u64,
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
        if let Some((_, who)) = self.turns.pop_first() {
            self.devices.remove(&who);
        }
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
