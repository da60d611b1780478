//! A packet as others see it.

use fieldwarden_model::{Operation, Outcome, Verb};

use super::{
    header::{self, Connectionless, Fragment, kind},
    interface,
    uuid::Uuid,
};
use crate::{
    message::{Body, FieldValue, FieldVisitor, Kind},
    profinet_cm,
};

/// What a request calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// The interface, where its binding was seen.
    pub(super) interface: Option<Uuid>,
    /// The operation.
    pub(super) operation: u16,
}

/// One packet.
pub(super) enum Packet<'a> {
    /// A connection-oriented fragment, with the call that it makes or answers.
    Fragment(Fragment<'a>, Option<Call>),
    /// A connectionless packet.
    Connectionless(Connectionless<'a>),
}

impl Packet<'_> {
    const fn packet(&self) -> u8 {
        match self {
            Self::Fragment(fragment, _) => fragment.packet,
            Self::Connectionless(packet) => packet.packet,
        }
    }

    /// Request, response or report.
    pub(super) const fn kind(&self) -> Kind {
        match self.packet() {
            kind::REQUEST | kind::BIND | kind::ALTER | kind::PING | kind::AUTH3 => Kind::Request,
            kind::CANCEL | kind::CANCEL_STREAM | kind::ORPHANED | kind::SHUTDOWN => Kind::Report,
            _ => Kind::Response,
        }
    }

    fn call(&self) -> Option<Call> {
        match self {
            Self::Fragment(_, call) => *call,
            Self::Connectionless(packet) => {
                Some(Call { interface: Some(packet.interface), operation: packet.operation })
            }
        }
    }

    fn status(&self) -> Option<u32> {
        match self {
            Self::Fragment(fragment, _) if fragment.packet == kind::FAULT => fragment.response()?.1,
            Self::Fragment(fragment, _) if fragment.packet == kind::BIND_NAK => Some(0),
            Self::Fragment(..) => None,
            Self::Connectionless(packet) => packet.status(),
        }
    }
}

impl Body for Packet<'_> {
    fn fields(&self, visitor: &mut dyn FieldVisitor) {
        let packet = self.packet();
        let version = if matches!(self, Self::Fragment(..)) { 5 } else { 4 };
        visitor.field("version", FieldValue::Unsigned(version));
        visitor.field("packet_type", FieldValue::Unsigned(packet.into()));
        visitor.field("packet", FieldValue::Text(header::name(packet)));
        match self {
            Self::Fragment(fragment, _) => fragment_fields(fragment, visitor),
            Self::Connectionless(packet) => {
                visitor.field("sequence", FieldValue::Unsigned(packet.sequence.into()));
                visitor.field("object", FieldValue::Text(&packet.object.text()));
                visitor.field("activity", FieldValue::Text(&packet.activity.text()));
                if packet.fragmented().is_some() {
                    visitor.field("fragment", FieldValue::Unsigned(packet.fragment.into()));
                }
            }
        }
        if let Some(call) = self.call() {
            let operation = FieldValue::Unsigned(call.operation.into());
            // Over TCP an answer names neither, and a request its interface by the number that it was bound to.
            let connected = matches!(self, Self::Fragment(..));
            if connected && matches!(packet, kind::RESPONSE | kind::FAULT) {
                visitor.recalled("operation", operation);
            } else {
                visitor.field("operation", operation);
            }
            let mut tell = |key, text: &str| match connected {
                true => visitor.recalled(key, FieldValue::Text(text)),
                false => visitor.field(key, FieldValue::Text(text)),
            };
            if let Some(interface) = call.interface {
                tell("interface", &interface.text());
                if let Some(name) = interface::name(interface) {
                    tell("interface_name", name);
                }
            }
        }
        if let Some(status) = self.status() {
            visitor.field("status", FieldValue::Unsigned(status.into()));
        }
    }

    fn operations(&self, each: &mut dyn FnMut(&Operation<'_>)) {
        let packet = self.packet();
        if let Self::Connectionless(header) = self
            && profinet_cm::is_interface(header.interface)
            && matches!(packet, kind::REQUEST | kind::RESPONSE)
        {
            // What the call does is said by the message that it carries.
            return;
        }
        let (verb, name) = match (packet, self.call()) {
            (kind::REQUEST | kind::RESPONSE | kind::FAULT, Some(call)) => {
                interface::call(call.interface, call.operation)
            }
            (kind::REQUEST | kind::RESPONSE | kind::FAULT, None) => (Verb::Unknown, "remote procedure call"),
            _ => (Verb::Associate, header::name(packet)),
        };
        let outcome = match (self.kind(), self.status()) {
            (Kind::Request, _) => Outcome::Asked,
            (Kind::Report, _) => Outcome::Reported,
            (_, Some(status)) => Outcome::Refused(status),
            _ => Outcome::Done,
        };
        // A response repeats the type of its request, so that both are one function.
        let function = match packet {
            kind::RESPONSE | kind::FAULT => kind::REQUEST,
            kind::BIND_ACK | kind::BIND_NAK => kind::BIND,
            kind::ALTER_RESPONSE => kind::ALTER,
            other => other,
        };
        let operation = self.call().map_or(0, |call| u32::from(call.operation));
        each(&Operation {
            verb,
            function: operation << 16 | u32::from(function),
            name,
            unit: None,
            points: None,
            values: None,
            outcome,
        });
    }
}

fn fragment_fields(fragment: &Fragment<'_>, visitor: &mut dyn FieldVisitor) {
    visitor.field("call_id", FieldValue::Unsigned(fragment.call.into()));
    visitor.field("fragment_length", FieldValue::Unsigned(fragment.length.into()));
    match fragment.packet {
        kind::BIND | kind::ALTER => fragment.interfaces(&mut |_, interface, version| {
            visitor.item("bind_interface", FieldValue::Text(&interface.text()));
            visitor.item("bind_version", FieldValue::Unsigned((version & 0xffff).into()));
            visitor.item("bind_name", FieldValue::Text(interface::name(interface).unwrap_or("unknown")));
        }),
        kind::BIND_ACK | kind::ALTER_RESPONSE => {
            fragment.results(&mut |result| visitor.item("bind_result", FieldValue::Unsigned(result.into())));
        }
        kind::REQUEST => {
            if let Some((context, _, object, stub)) = fragment.request() {
                visitor.field("context", FieldValue::Unsigned(context.into()));
                if let Some(object) = object {
                    visitor.field("object", FieldValue::Text(&object.text()));
                }
                let length = u64::try_from(stub.len()).unwrap_or(u64::MAX);
                visitor.field("stub_length", FieldValue::Unsigned(length));
            }
        }
        kind::RESPONSE | kind::FAULT => {
            if let Some((context, _)) = fragment.response() {
                visitor.field("context", FieldValue::Unsigned(context.into()));
            }
        }
        _ => {}
    }
    if let Some((kind, level)) = fragment.auth {
        visitor.field("auth_type", FieldValue::Unsigned(kind.into()));
        visitor.field("auth_level", FieldValue::Unsigned(level.into()));
        visitor.field("auth_length", FieldValue::Unsigned(fragment.auth_length.into()));
    }
}
