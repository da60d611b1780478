//! A packet of the component network: link, network and transport headers (ISO/IEC 14908-1 clauses 6 to 9).

use crate::{
    cursor::Cursor,
    message::{FieldValue, FieldVisitor, Kind},
};

/// What the network header says follows (clause 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pdu {
    /// Transport, with its type.
    Transport(u8),
    /// Session: question and answer, with its type.
    Session(u8),
    /// A challenge or the reply to one, with its type.
    Authentication(u8),
    /// An application message alone.
    Application,
}

/// Types of transport and session PDUs (clauses 8 and 9).
pub(super) mod kind {
    /// To be acknowledged; of a session PDU: a question.
    pub(in super::super) const ASKS: u8 = 0;
    /// Repeated instead of acknowledged.
    pub(in super::super) const REPEATED: u8 = 1;
    /// The acknowledgement; of a session PDU: the answer.
    pub(in super::super) const ANSWERS: u8 = 2;
    /// A reminder of who has answered.
    pub(in super::super) const REMINDER: u8 = 4;
    /// The same, with the message.
    pub(in super::super) const REMINDER_MESSAGE: u8 = 5;
}

/// Whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// Every node of a subnet; 0 is all of the domain.
    Broadcast { subnet: u8 },
    /// A group.
    Group(u8),
    /// One node.
    Node { subnet: u8, node: u8 },
    /// One node that acknowledges for a group, and its place in it.
    Member { subnet: u8, node: u8, group: u8, member: u8 },
    /// A node by its unique identifier.
    Unique { subnet: u8 },
}

/// The packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    priority: bool,
    source: (u8, u8),
    pub(super) destination: Destination,
    unique_id: Option<&'a [u8]>,
    domain: &'a [u8],
    pub(super) pdu: Option<Pdu>,
    transaction: Option<u8>,
    authenticated: bool,
    /// The application message, where there is one.
    pub(super) application: Option<&'a [u8]>,
    /// Whether it ended before it should.
    cut: bool,
}

impl<'a> Packet<'a> {
    /// Reads as much as there is, from the addresses on; `None` without those.
    pub(super) fn read(octets: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(octets);
        let (link, network) = (cursor.u8()?, cursor.u8()?);
        let source_subnet = cursor.u8()?;
        let source_node = cursor.u8()?;
        let subnet = cursor.u8()?;
        let mut unique_id = None;
        let destination = match network >> 2 & 3 {
            0 => Destination::Broadcast { subnet },
            1 => Destination::Group(subnet),
            2 if source_node & 0x80 != 0 => Destination::Node { subnet, node: cursor.u8()? & 0x7f },
            2 => {
                let node = cursor.u8()? & 0x7f;
                Destination::Member { subnet, node, group: cursor.u8()?, member: cursor.u8()? }
            }
            _ => {
                unique_id = Some(cursor.take(6)?);
                Destination::Unique { subnet }
            }
        };
        let domain = cursor.take([0, 1, 3, 6].get(usize::from(network & 3)).copied()?)?;
        let mut packet = Self {
            priority: link & 0x80 != 0,
            source: (source_subnet, source_node & 0x7f),
            destination,
            unique_id,
            domain,
            pdu: None,
            transaction: None,
            authenticated: false,
            application: None,
            cut: false,
        };
        packet.cut = packet.read_pdu(network >> 4 & 3, &mut cursor).is_none();
        Some(packet)
    }

    fn read_pdu(&mut self, format: u8, cursor: &mut Cursor<'a>) -> Option<()> {
        if format == 3 {
            self.pdu = Some(Pdu::Application);
            self.application = Some(cursor.rest());
            return (!cursor.is_empty()).then_some(());
        }
        let first = cursor.u8()?;
        let kind = first >> 4 & 7;
        self.transaction = Some(first & 0x0f);
        if format == 2 {
            self.pdu = Some(Pdu::Authentication(kind & 3));
            return Some(());
        }
        self.authenticated = first & 0x80 != 0;
        self.pdu = Some(if format == 0 { Pdu::Transport(kind) } else { Pdu::Session(kind) });
        if matches!(kind, kind::REMINDER | kind::REMINDER_MESSAGE) {
            let members = cursor.u8()?;
            cursor.skip(usize::from(members))?;
        }
        let carries = match kind {
            kind::ASKS | kind::REMINDER_MESSAGE => true,
            kind::REPEATED => format == 0,
            kind::ANSWERS => format == 1,
            _ => false,
        };
        if !carries {
            return Some(());
        }
        self.application = Some(cursor.rest());
        (!cursor.is_empty()).then_some(())
    }

    /// Whether it ended before it should.
    pub(super) const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Question, answer or report.
    pub(super) fn kind(&self) -> Kind {
        match self.pdu {
            Some(Pdu::Transport(kind::ANSWERS) | Pdu::Session(kind::ANSWERS) | Pdu::Authentication(2)) => {
                Kind::Response
            }
            Some(Pdu::Transport(kind::REPEATED) | Pdu::Application) => Kind::Report,
            _ => Kind::Request,
        }
    }

    /// The node asked, as subnet and node in one number.
    pub(super) fn unit(&self) -> Option<u16> {
        match self.destination {
            Destination::Node { subnet, node } | Destination::Member { subnet, node, .. } => {
                Some(u16::from_be_bytes([subnet, node]))
            }
            _ => None,
        }
    }

    /// Walks its fields.
    pub(super) fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let mut number = |key, value: u8| visitor.field(key, FieldValue::Unsigned(value.into()));
        number("priority", self.priority.into());
        number("source_subnet", self.source.0);
        number("source_node", self.source.1);
        match self.destination {
            Destination::Broadcast { subnet } | Destination::Unique { subnet } => {
                number("destination_subnet", subnet)
            }
            Destination::Group(group) => number("destination_group", group),
            Destination::Node { subnet, node } => {
                number("destination_subnet", subnet);
                number("destination_node", node);
            }
            Destination::Member { subnet, node, group, member } => {
                number("destination_subnet", subnet);
                number("destination_node", node);
                number("group", group);
                number("member", member);
            }
        }
        match self.pdu {
            Some(Pdu::Transport(kind)) => number("transport_type", kind),
            Some(Pdu::Session(kind)) => number("session_type", kind),
            Some(Pdu::Authentication(kind)) => number("authentication_type", kind),
            Some(Pdu::Application) | None => {}
        }
        if let Some(transaction) = self.transaction {
            number("transaction", transaction);
        }
        if self.authenticated {
            number("authenticated", 1);
        }
        if let Some(unique_id) = self.unique_id {
            visitor.field("unique_id", FieldValue::Bytes(unique_id));
        }
        if !self.domain.is_empty() {
            visitor.field("domain", FieldValue::Bytes(self.domain));
        }
        super::application::fields(self, visitor);
    }
}
