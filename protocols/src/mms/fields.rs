//! The fields of messages, keys as `docs/protocols/mms.md` lists them.

use super::{
    body::{Association, MmsMessage, is_failure},
    data,
    object::{self, Access},
    pdu::kind,
    session::Profile,
};
use crate::{
    ber::{self, Element},
    message::{FieldValue, FieldVisitor},
};

const GET_NAME_LIST: u32 = 1;
const IDENTIFY: u32 = 2;

/// Walks the fields of an MMS message.
pub(super) fn message(message: &MmsMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let pdu = &message.pdu;
    visitor.field("pdu_type", FieldValue::Unsigned(pdu.kind.into()));
    if let Some(invoke) = pdu.invoke {
        let key = match pdu.kind {
            kind::CANCEL_REQUEST | kind::CANCEL_RESPONSE => "cancelled_invoke_id",
            _ => "invoke_id",
        };
        visitor.field(key, FieldValue::Signed(invoke));
    }
    let number = pdu.service.map(|service| FieldValue::Unsigned(service.tag.number.into()));
    let key = match pdu.kind {
        kind::CONFIRMED_REQUEST => Some("confirmed_request"),
        kind::CONFIRMED_RESPONSE => Some("confirmed_response"),
        kind::UNCONFIRMED => Some("unconfirmed_service"),
        _ => None,
    };
    if let Some((key, number)) = key.zip(number) {
        visitor.field(key, number);
    }
    match message.asked {
        Some(asked) => visitor.recalled("service", FieldValue::Text(asked.service.1)),
        None => visitor.field("service", FieldValue::Text(pdu.named().1.1)),
    }
    if let Some(service) = &pdu.service {
        object::each_name(service.content, &mut |name| {
            visitor.item("domain_id", text(name.domain));
            visitor.item("item_id", text(name.item));
        });
        object::each_file(service.content, &mut |file| visitor.item("file_name", text(file)));
        simple_names(message, visitor);
        by_service(pdu.kind, service, visitor);
    }
    values(message, visitor);
    if let Some((class, code)) = pdu.error() {
        visitor.field("error_class", FieldValue::Unsigned(class.into()));
        visitor.field("error_code", FieldValue::Signed(code));
    }
    if matches!(pdu.kind, kind::INITIATE_REQUEST | kind::INITIATE_RESPONSE) {
        initiate(pdu.content, visitor);
    }
    match message.profile {
        Profile::Unknown => {}
        Profile::Iec61850 => visitor.recalled("profile", FieldValue::Text("IEC 61850")),
        Profile::Tase2 => visitor.recalled("profile", FieldValue::Text("TASE.2")),
    }
}

/// Names that have no domain: of the device as a whole, or of the association.
fn simple_names(message: &MmsMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let Some(names) = message.accessed().and_then(|accessed| accessed.names) else { return };
    names.each(&mut |name| {
        if let Some(name) = name.filter(|name| name.domain.is_empty()) {
            visitor.item("name", text(name.item));
        }
    });
    if let Access::List(_) = names {
        visitor.field("named_list", FieldValue::Unsigned(1));
    }
}

/// What single services carry.
fn by_service(pdu_kind: u32, service: &Element<'_>, visitor: &mut dyn FieldVisitor) {
    match (pdu_kind, service.tag.number) {
        (kind::CONFIRMED_REQUEST, GET_NAME_LIST) => {
            let class = service.context(0).and_then(|class| class.inside().next());
            if let Some(class) = class.and_then(|class| class.unsigned()) {
                visitor.field("object_class", FieldValue::Unsigned(class));
            }
            let scope = service.context(1).and_then(|scope| scope.inside().next());
            if let Some(domain) = scope.filter(|scope| scope.tag.is_context(1)) {
                visitor.field("domain", text(domain.content));
            }
            if let Some(after) = service.context(2) {
                visitor.field("continue_after", text(after.content));
            }
        }
        (kind::CONFIRMED_RESPONSE, GET_NAME_LIST) => {
            for name in service.context(0).into_iter().flat_map(|list| list.inside()) {
                visitor.item("identifier", text(name.content));
            }
            let more = service.context(1).is_none_or(|more| more.content != [0]);
            visitor.field("more_follows", FieldValue::Unsigned(more.into()));
        }
        (kind::CONFIRMED_RESPONSE, IDENTIFY) => {
            for (key, number) in [("vendor", 0), ("model", 1), ("revision", 2)] {
                if let Some(part) = service.context(number) {
                    visitor.field(key, text(part.content));
                }
            }
        }
        // Domains, program invocations and the like are named by a plain identifier.
        (kind::CONFIRMED_REQUEST, 26 | 34 | 40..=43) => {
            if let Some(name) = service.context(0) {
                visitor.field("object", text(name.content));
            }
        }
        (kind::CONFIRMED_REQUEST, 27 | 29 | 36 | 37 | 39 | 44 | 45) if !service.tag.constructed => {
            visitor.field("object", text(service.content));
        }
        (kind::CONFIRMED_REQUEST, 30 | 31 | 73 | 74) => {
            if let Some(machine) = service.integer() {
                visitor.field("state_machine", FieldValue::Signed(machine));
            }
        }
        _ => {}
    }
}

/// Data of a write, results of a read or a write, values of a report.
fn values(message: &MmsMessage<'_>, visitor: &mut dyn FieldVisitor) {
    let Some(accessed) = message.accessed() else { return };
    let results = message.pdu.kind != kind::CONFIRMED_REQUEST;
    for data in ber::elements(accessed.list) {
        if results && is_failure(&data) {
            let code = data.unsigned().map_or(FieldValue::Bytes(data.content), FieldValue::Unsigned);
            visitor.item("access_error", code);
        } else if !(results && data.tag.is_context(1) && data.content.is_empty()) {
            data::each_leaf(&data, &mut |leaf| visitor.item("values", leaf));
        }
    }
}

/// What the peers agree on (ISO 9506-2 §8.2).
fn initiate(content: &[u8], visitor: &mut dyn FieldVisitor) {
    for part in ber::elements(content) {
        let key = match part.tag.number {
            0 => "local_detail",
            1 => "outstanding_calling",
            2 => "outstanding_called",
            3 => "nesting_level",
            4 => {
                if let Some(version) = part.context(0).and_then(|version| version.unsigned()) {
                    visitor.field("version", FieldValue::Unsigned(version));
                }
                if let Some(services) = part.context(2) {
                    visitor.field("services_supported", FieldValue::Bytes(services.content));
                }
                continue;
            }
            _ => continue,
        };
        if let Some(number) = part.unsigned() {
            visitor.item(key, FieldValue::Unsigned(number));
        }
    }
}

/// Walks the fields of what opens or ends an association.
pub(super) fn association(association: &Association<'_>, visitor: &mut dyn FieldVisitor) {
    let unit = &association.unit;
    visitor.field("unit", FieldValue::Text(association.name()));
    if let Some(session) = unit.session {
        visitor.field("session_unit", FieldValue::Unsigned(session.into()));
    }
    if let Some(acse) = unit.acse {
        visitor.field("acse_unit", FieldValue::Unsigned(acse.into()));
    }
    for part in ber::elements(unit.association).filter(|_| matches!(unit.acse, Some(0 | 1))) {
        let key = match (unit.acse, part.tag.number) {
            (_, 1) => "application_context",
            (Some(0), 2) => "called_ap_title",
            (Some(0), 6) => "calling_ap_title",
            (_, 4) => "responding_ap_title",
            // The value of an authentication is never told.
            (Some(0), 12) | (Some(1), 10) => {
                visitor.field("authentication", FieldValue::Unsigned(1));
                continue;
            }
            _ => continue,
        };
        if let Some(inner) = part.inside().next() {
            visitor.item(key, FieldValue::Bytes(inner.content));
        }
    }
    if let Some(result) = association.result() {
        visitor.field("result", FieldValue::Unsigned(result));
    }
    if unit.foreign {
        visitor.field("carries_mms", FieldValue::Unsigned(0));
    }
}

/// Text where it is one, else octets.
fn text(octets: &[u8]) -> FieldValue<'_> {
    core::str::from_utf8(octets).map_or(FieldValue::Bytes(octets), FieldValue::Text)
}
