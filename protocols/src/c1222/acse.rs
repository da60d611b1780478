//! The ACSE message and the EPSEM in it.

use super::body::MessageBody;
use crate::{
    anomaly::Anomaly,
    ber::{self, Element},
    cursor::Cursor,
    findings::{Findings, count},
};

/// Bits 2 and 3 of the EPSEM flags: 0 clear, 1 clear with authentication, 2 encrypted.
const CLEAR_WITH_AUTHENTICATION: u8 = 1;
/// Octets of the message authentication code.
const MAC: usize = 4;

/// The elements of a message.
fn elements(message: &[u8]) -> Option<Element<'_>> {
    ber::element(&mut Cursor::new(message))
}

/// The EPSEM within user information: `be { 28 { 81 ... } }`.
fn epsem<'a>(message: &Element<'a>) -> Option<&'a [u8]> {
    let external = message.context(30)?.inside().next().filter(|element| element.tag.is_universal(8))?;
    external.context(1).map(|element| element.content)
}

/// Whether a whole message is one of C12.22, and no other use of application tag 0.
pub(super) fn is_sound(octets: &[u8]) -> bool {
    let Some(message) = elements(octets) else { return false };
    let filled: usize = message.inside().map(|element| element.length).sum();
    let known = message.inside().all(|element| matches!(element.tag.number, 1..=12 | 30));
    let flagged = epsem(&message).and_then(<[u8]>::first).is_some_and(|flags| flags & 0x80 != 0);
    filled == message.content.len() && known && flagged && message.context(6).is_some()
}

/// Reads a message.
pub(super) fn read<'a>(octets: &'a [u8], findings: &mut Findings) -> MessageBody<'a> {
    let mut body = MessageBody::default();
    let Some(message) = elements(octets) else {
        findings.fault(Anomaly::malformed("message-broken", 0, 0, count(octets.len())));
        return body;
    };
    let filled: usize = message.inside().map(|element| element.length).sum();
    if filled != message.content.len() {
        findings.fault(Anomaly::malformed("message-broken", 2, count(filled), count(message.content.len())));
    }
    let title = |number| message.context(number).and_then(|element| element.inside().next());
    body.called = title(2);
    body.calling = title(6);
    body.called_invocation = title(4).and_then(|element| element.unsigned());
    body.calling_invocation = title(8).and_then(|element| element.unsigned());
    let Some(epsem) = epsem(&message) else {
        findings.fault(Anomaly::malformed("user-information-missing", 0, 0, 1));
        return body;
    };
    let mut cursor = Cursor::new(epsem);
    body.flags = cursor.u8();
    if body.flags.is_some_and(|flags| flags & 0x10 != 0) {
        body.class = cursor.take_up_to(4);
    }
    body.content = cursor.rest();
    if body.security() == CLEAR_WITH_AUTHENTICATION {
        body.content = body.content.split_last_chunk::<MAC>().map_or(body.content, |(content, _)| content);
    }
    let told: usize = body.services().map(|service| service.length).sum();
    if !body.is_encrypted() && told != body.content.len() {
        let (got, expected) = (count(told), count(body.content.len()));
        findings.fault(Anomaly::malformed("service-beyond-message", 0, got, expected));
    }
    body
}
