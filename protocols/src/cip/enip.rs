//! What an encapsulation packet tells.

use fieldwarden_model::{Operation, Outcome, Verb};

use super::{
    attributes::Identity,
    encap::{self, Header, Item, Items},
    fields::{identity, maybe, number, text},
};
use crate::{
    cursor::Cursor,
    message::{Body, Direction, FieldValue, FieldVisitor},
};

/// One encapsulation packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct EnipPacket<'a> {
    /// Its header.
    pub(super) header: Header,
    /// What follows.
    pub(super) data: &'a [u8],
    /// Which way it goes.
    pub(super) direction: Direction,
}

impl<'a> EnipPacket<'a> {
    /// Its items, where it has some.
    pub(super) fn items(&self) -> Option<Items<'a>> {
        let answers = matches!(
            self.header.command,
            encap::LIST_IDENTITY | encap::LIST_SERVICES | encap::LIST_INTERFACES
        );
        if self.header.carries_data() {
            self.data.get(6..).filter(|items| items.len() >= 2).map(Items::read)
        } else if answers && self.data.len() >= 2 {
            Some(Items::read(self.data))
        } else {
            None
        }
    }
}

impl Body for EnipPacket<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let Header { command, length, session, status, context, options } = self.header;
        number(visitor, "command", command);
        if let Some(name) = encap::command_name(command) {
            visitor.field("command_name", FieldValue::Text(name));
        }
        number(visitor, "length", length);
        number(visitor, "session", session);
        number(visitor, "status", status);
        visitor.field("sender_context", FieldValue::Bytes(&context));
        if options != 0 {
            number(visitor, "options", options);
        }
        let mut cursor = Cursor::new(self.data);
        if command == encap::REGISTER_SESSION {
            maybe(visitor, "protocol_version", cursor.u16_le());
            maybe(visitor, "option_flags", cursor.u16_le());
        } else if self.header.carries_data() {
            maybe(visitor, "interface_handle", cursor.u32_le());
            maybe(visitor, "timeout", cursor.u16_le());
        }
        for item in self.items().into_iter().flatten() {
            visitor.item("item_type", FieldValue::Unsigned(item.kind.into()));
            self::item(&item, visitor);
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let (verb, name) = match self.header.command {
            encap::LIST_IDENTITY => (Verb::Discover, "list identity"),
            encap::LIST_SERVICES | encap::LIST_INTERFACES | 1 => (Verb::Discover, "list services"),
            encap::REGISTER_SESSION => (Verb::Associate, "register session"),
            encap::UNREGISTER_SESSION => (Verb::Associate, "unregister session"),
            encap::SEND_RR_DATA | encap::SEND_UNIT_DATA => return,
            command => (Verb::Unknown, encap::command_name(command).unwrap_or("unknown command")),
        };
        let outcome = match (self.direction, self.header.status) {
            (Direction::ToServer, _) => Outcome::Asked,
            (Direction::ToClient, 0) => Outcome::Done,
            (Direction::ToClient, status) => Outcome::Refused(status),
        };
        let function = u32::from(self.header.command);
        each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
    }
}

fn item(item: &Item<'_>, visitor: &mut dyn FieldVisitor) {
    let mut cursor = Cursor::new(item.data);
    match item.kind {
        encap::CONNECTED_ADDRESS => maybe(visitor, "connection_id", cursor.u32_le()),
        encap::SEQUENCED_ADDRESS => {
            maybe(visitor, "connection_id", cursor.u32_le());
            maybe(visitor, "encapsulation_sequence", cursor.u32_le());
        }
        encap::CONNECTED_DATA => maybe(visitor, "sequence_count", cursor.u16_le()),
        encap::IDENTITY => {
            maybe(visitor, "protocol_version", cursor.u16_le());
            let address = cursor.take_up_to(16);
            if let Some(port) = address.get(2..4) {
                maybe(visitor, "socket_port", Cursor::new(port).u16());
            }
            if let Some(ip) = address.get(4..8) {
                visitor.field("socket_address", FieldValue::Bytes(ip));
            }
            if let Some(device) = Identity::read(&mut cursor) {
                identity(&device, visitor);
                maybe(visitor, "device_state", cursor.u8());
            }
        }
        encap::SERVICES => {
            maybe(visitor, "protocol_version", cursor.u16_le());
            maybe(visitor, "capability_flags", cursor.u16_le());
            let name = cursor.take_up_to(16);
            let end = name.iter().position(|octet| *octet == 0).unwrap_or(name.len());
            visitor.field("service_name", text(name.get(..end).unwrap_or(name)));
        }
        _ => {}
    }
}
