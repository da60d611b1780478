//! A message as a mail (RFC 5322): in the thread of its incident, in plain text, and under a Message-ID that a repeat bears as well.

use std::time::SystemTime;

use lettre::{
    Message as Mail,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

use super::super::message::{Message, plain};

/// Characters of a subject.
const MAX_SUBJECT: usize = 180;

/// The mail, and its Message-ID.
pub(super) fn write(message: &Message, from: &Mailbox, to: &[Mailbox]) -> Result<Vec<u8>, String> {
    let domain = format!("{}.{}", atom(&message.gateway), from.email.domain());
    let (own, thread) = ids(message, &domain);
    let mut headers = Mail::builder()
        .from(from.clone())
        // What looks like an encoded word (RFC 2047) would be read as what it encodes.
        .subject(plain(&message.subject(), MAX_SUBJECT).replace("=?", "= ?"))
        .message_id(Some(own))
        .date(SystemTime::now())
        .header(ContentType::TEXT_PLAIN)
        // RFC 3834 section 5: nobody's absence note answers a machine.
        .raw_header(HeaderValue::new(name("Auto-Submitted")?, "auto-generated".into()));
    if let Some(thread) = thread {
        headers = headers.in_reply_to(thread.clone()).references(thread);
    }
    if message.severity >= fieldwarden_model::Severity::High {
        headers = headers.raw_header(HeaderValue::new(name("Importance")?, "high".into()));
    }
    for mailbox in to {
        headers = headers.to(mailbox.clone());
    }
    headers.body(message.text()).map(|mail| mail.formatted()).map_err(|error| error.to_string())
}

/// A mail that only tests the way.
pub(super) fn write_test(gateway: &str, from: &Mailbox, to: &[Mailbox]) -> Result<Vec<u8>, String> {
    let mut headers = Mail::builder()
        .from(from.clone())
        .subject(format!("[TEST] Fieldwarden {} tests its mail", plain(gateway, 64)))
        .message_id(None)
        .date(SystemTime::now())
        .header(ContentType::TEXT_PLAIN)
        .raw_header(HeaderValue::new(name("Auto-Submitted")?, "auto-generated".into()));
    for mailbox in to {
        headers = headers.to(mailbox.clone());
    }
    let text = "Fieldwarden tests the way to you; there is nothing to do.\n";
    headers.body(text.to_owned()).map(|mail| mail.formatted()).map_err(|error| error.to_string())
}

fn name(name: &'static str) -> Result<HeaderName, String> {
    HeaderName::new_from_ascii(name.into()).map_err(|_| format!("`{name}` is no name of a header"))
}

/// The mail's own id, and that of its incident's first mail where it is not that one. An incident's thread has one id, out of its own, so that
/// nothing has to be remembered for it.
fn ids(message: &Message, domain: &str) -> (String, Option<String>) {
    let key = message.key();
    match message.single() {
        Some(item) => {
            let root = format!("<{}@{domain}>", atom(&item.notice.incident.0));
            if item.notice.known {
                (format!("<{}.{key}@{domain}>", atom(&item.notice.incident.0)), Some(root))
            } else {
                (root, None)
            }
        }
        None => (format!("<digest.{key}@{domain}>"), None),
    }
}

/// What may stand in an id without quotation (RFC 5322 section 3.2.3).
fn atom(text: &str) -> String {
    let text: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    if text.is_empty() { "gateway".into() } else { text }
}
