//! What a CIP message tells, together with the request it answers and the connection it came over.

use fieldwarden_model::Operation;

use super::{
    attributes, classify,
    connection::{Close, Open, Opened},
    fields,
    logix::Tag,
    packet::{Packet, class, service},
    path::{Segment, Segments, Target},
    pccc::Pccc,
};
use crate::message::{Body, FieldVisitor};

/// One CIP message.
#[derive(Clone, Copy, Debug)]
pub(super) struct CipMessage<'a> {
    /// The message.
    pub(super) packet: Packet<'a>,
    /// The request that this answers.
    pub(super) asked: Option<Packet<'a>>,
    /// The path of the unconnected send that carried that request.
    pub(super) via: Option<&'a [u8]>,
    /// The path of the connection, where its opening was seen.
    pub(super) connection: Option<&'a [u8]>,
    /// Whether an unconnected send carried it.
    pub(super) sent_on: bool,
}

impl<'a> CipMessage<'a> {
    /// A request, or an answer to nothing that is known.
    pub(super) const fn alone(packet: Packet<'a>, connection: Option<&'a [u8]>) -> Self {
        Self { packet, asked: None, via: None, connection, sent_on: false }
    }

    /// Whether the device asked passes it on to a module behind it.
    pub(super) fn is_routed(&self) -> bool {
        let leaves = |path: &[u8]| matches!(Segments::of(path).next(), Some(Segment::Port(..)));
        self.sent_on || self.via.is_some() || self.connection.is_some_and(leaves)
    }

    /// The request: this one, or the one that this answers.
    pub(super) fn request(&self) -> Option<&Packet<'a>> {
        if self.packet.response { self.asked.as_ref() } else { Some(&self.packet) }
    }

    /// What the request names.
    pub(super) fn target(&self) -> Target {
        self.request().map(Packet::target).unwrap_or_default()
    }

    /// What kind of content it has.
    pub(super) fn sort(&self) -> Sort {
        let target = self.target();
        let service = self.packet.service;
        if service == service::MULTIPLE {
            return Sort::Multiple;
        }
        if service < 0x32 {
            return Sort::Common;
        }
        if target.is(class::CONNECTION_MANAGER) {
            return match service {
                service::FORWARD_OPEN => Sort::Open { large: false },
                service::LARGE_FORWARD_OPEN => Sort::Open { large: true },
                service::FORWARD_CLOSE => Sort::Close,
                service::UNCONNECTED_SEND => Sort::Send,
                _ => Sort::Other,
            };
        }
        if target.is(class::PCCC) && service == service::EXECUTE_PCCC {
            return Sort::Pccc;
        }
        if target.is(class::TEMPLATE) && service == service::READ_TAG {
            return Sort::Template;
        }
        if is_tag(&target) && super::logix::is_tag_service(service) {
            return Sort::Tag;
        }
        if is_tag(&target) && service == service::MODIFY_TAG {
            return Sort::Modify;
        }
        if is_tag(&target) && service == service::LIST_INSTANCES {
            return Sort::Instances;
        }
        Sort::Other
    }

    /// Whether the data are too short for what the service needs.
    pub(super) fn is_cut(&self) -> bool {
        let packet = &self.packet;
        let succeeded = packet.status == 0;
        match (self.sort(), packet.response) {
            (Sort::Open { large }, false) => Open::read(packet.data, large).is_none(),
            (Sort::Open { .. }, true) => succeeded && Opened::read(packet.data).is_none(),
            (Sort::Close, false) => Close::read(packet.data).is_none(),
            (Sort::Close, true) => succeeded && Close::answered(packet.data).is_none(),
            (Sort::Send, false) => packet.embedded().is_none_or(|embedded| embedded.message.is_empty()),
            (Sort::Pccc, false) => Pccc::read(packet.data).is_none(),
            (Sort::Pccc, true) => succeeded && Pccc::read(packet.data).is_none(),
            (Sort::Tag, _) => Tag::read(packet).is_none(),
            _ => false,
        }
    }

    /// Walks the attributes that the data names or carries.
    pub(super) fn attributes(&self, visit: &mut dyn FnMut(attributes::Attribute<'a>)) {
        attributes::each(&self.packet, &self.target(), visit);
    }
}

/// Whether a path leads to a tag: by its name, or by its instance of the symbol class.
pub(super) fn is_tag(target: &Target) -> bool {
    target.symbol.is_some() || target.is(class::SYMBOL)
}

/// What the data of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A service that every object may have.
    Common,
    /// Several messages.
    Multiple,
    /// A message to be sent on.
    Send,
    /// The opening of a connection.
    Open {
        /// Whether its sizes have 32 bits.
        large: bool,
    },
    /// The end of a connection.
    Close,
    /// A PCCC message.
    Pccc,
    /// A tag read or written.
    Tag,
    /// Bits of a tag changed.
    Modify,
    /// A template read.
    Template,
    /// Symbols listed.
    Instances,
    /// Anything else.
    Other,
}

impl Body for CipMessage<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        fields::visit(self, visitor);
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        classify::operations(self, each);
    }
}
