//! What one shard notes of talkers.

use std::collections::BTreeMap;

use fieldwarden_model::{AddressSpace, Talker, Timestamp};
use fieldwarden_protocols::{Direction, Message};

use super::{
    facts, may_tell,
    record::{Asset, MAX_PLACES, MAX_PROTOCOLS},
};
use crate::{
    conversation::{is_beneath, is_group_or_nobody},
    track::{Heard, Observer, Origin, TrackEvent},
};

/// Talkers one shard knows; further ones are left out, and counted.
pub(super) const MAX_ASSETS: usize = 4_096;

/// One shard's notes.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) assets: BTreeMap<(AddressSpace, Talker), Asset>,
    pub(super) left_out: u64,
}

impl Notes {
    fn asset(&mut self, space: AddressSpace, talker: Talker, time: Timestamp) -> Option<&mut Asset> {
        let known = self.assets.contains_key(&(space, talker));
        if is_group_or_nobody(talker) || (!known && self.assets.len() >= MAX_ASSETS) {
            self.left_out += u64::from(!is_group_or_nobody(talker));
            return None;
        }
        Some(self.assets.entry((space, talker)).or_insert_with(|| Asset::new(space, talker, time)))
    }

    /// What the sender of a message tells of itself.
    fn tell(&mut self, origin: &Origin<'_>, message: &Message<'_>, part: Option<u16>) {
        let sender = sender(origin, message.direction);
        let told = facts(message, part, origin.key.server.port);
        if told.is_empty() {
            return;
        }
        let Some(asset) = self.asset(origin.key.space, sender, origin.time) else { return };
        let left =
            told.into_iter().filter(|fact| !asset.note(fact.clone(), message.protocol, origin.time)).count();
        self.left_out += left as u64;
    }

    fn place(&mut self, origin: &Origin<'_>) {
        for talker in [origin.key.client.talker, origin.key.server.talker] {
            // Who was never heard is no asset: somebody only asks for it.
            if let Some(asset) = self.assets.get_mut(&(origin.key.space, talker)) {
                let room = MAX_PLACES.saturating_sub(asset.vlans.len());
                asset.vlans.extend(origin.vlan.iter().take(room));
            }
        }
    }

    fn serves(&mut self, origin: &Origin<'_>, message: &Message<'_>, unit: Option<u16>) {
        let server = origin.key.server.talker;
        let Some(asset) = self.asset(origin.key.space, server, origin.time) else { return };
        let known = asset.server_of.contains_key(&message.protocol);
        if known || asset.server_of.len() < MAX_PROTOCOLS {
            let units = asset.server_of.entry(message.protocol).or_default();
            // As many as one protocol's addresses: 247 of Modbus (over Serial Line 2.2).
            if units.len() < usize::from(u8::MAX) {
                units.extend(unit);
            }
        } else {
            self.left_out += 1;
        }
    }
}

/// Who sent a message.
fn sender(origin: &Origin<'_>, direction: Direction) -> Talker {
    match direction {
        Direction::ToServer => origin.key.client.talker,
        Direction::ToClient => origin.key.server.talker,
    }
}

impl Observer for Notes {
    type Flow = ();

    fn message(&mut self, origin: &Origin<'_>, (): &mut (), message: &Message<'_>) {
        let beneath = is_beneath(message.protocol);
        self.place(origin);
        let (mut verb, mut unit, mut tells) = (None, None, false);
        message.body.operations(&mut |operation| {
            verb = verb.or(Some(operation.verb));
            unit = unit.or(operation.unit);
            tells |= may_tell(message.protocol, operation);
        });
        match message.direction {
            // What a layer beneath says is said by what it carries; only whom it identifies is its own.
            _ if beneath => {}
            Direction::ToClient => self.serves(origin, message, unit),
            Direction::ToServer => {
                let client = origin.key.client.talker;
                if let Some(asset) = self.asset(origin.key.space, client, origin.time)
                    && (asset.client_of.len() < MAX_PROTOCOLS
                        || asset.client_of.contains_key(&message.protocol))
                {
                    asset.client_of.entry(message.protocol).or_default().extend(verb);
                }
            }
        }
        if tells {
            self.tell(origin, message, unit);
        }
    }

    fn upkeep(&mut self, origin: &Origin<'_>, message: &Message<'_>) {
        self.place(origin);
        self.tell(origin, message, None);
    }

    fn event(&mut self, _: &Origin<'_>, (): &mut (), _: TrackEvent) {}

    /// Told of every frame, for each is counted.
    fn heard(&mut self, heard: &Heard) -> Timestamp {
        if let Some(asset) = self.asset(heard.space, heard.talker, heard.time) {
            asset.last = asset.last.max(heard.time);
            asset.frames += 1;
            if asset.macs.len() < MAX_PLACES {
                asset.macs.extend(heard.mac);
            }
        }
        Timestamp::MIN
    }
}
