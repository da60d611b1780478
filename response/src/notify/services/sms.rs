//! Text messages by a gateway that takes them over HTTPS: what it wants in a request is a template, `{to}` and `{text}` in which stand for the number and
//! the words. Values are spelt as JSON (RFC 8259) or as a form (`application/x-www-form-urlencoded`) wants them, so that none of them ends where it should not.

use std::fmt::Write as _;

use super::{Context, Field, JSON, People, Request, Secret, Service, Url};
use crate::{
    forward::{Destination, Forwarder},
    notify::message::{Message, cut},
};

pub(in super::super) const NOTIFIER: Forwarder = Forwarder { id: "sms", configure };

/// Octets of the words: two parts of a text message, or four where it needs UCS-2.
const MAX_TEXT: usize = 300;
const TEMPLATE: &str = "{\"to\": \"{to}\", \"text\": \"{text}\"}";

static SERVICE: Service = Service {
    example: "sms",
    url: Url::Written("https://sms.example/messages"),
    secret: Secret::Header { name: "authorization", prefix: "Bearer ", is_required: false },
    fields: &[
        Field {
            key: "encoding",
            usual: Some("json"),
            help: "encoding = \"json\", or \"form\"",
            check: encoding,
        },
        Field {
            key: "template",
            usual: Some(TEMPLATE),
            help: "template = '{\"to\": \"{to}\", \"text\": \"{text}\"}'",
            check: template,
        },
    ],
    people: People::Named(number),
    requests,
    answered: super::by_status,
};

fn configure(
    section: &fieldwarden_model::Section,
) -> Result<Box<dyn Destination>, Vec<fieldwarden_model::Fault>> {
    super::configure(&SERVICE, section)
}

fn encoding(word: &str) -> Result<(), String> {
    if matches!(word, "json" | "form") { Ok(()) } else { Err(format!("`{word}` is not known here")) }
}

fn template(text: &str) -> Result<(), String> {
    let missing = ["{to}", "{text}"].into_iter().find(|word| !text.contains(word));
    missing.map_or(Ok(()), |word| Err(format!("has no {word}")))
}

/// E.164: a plus, and up to 15 digits.
fn number(text: &str) -> Result<(), String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let is_one = (5..=15).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
    if is_one { Ok(()) } else { Err(format!("`{text}` is no number such as +4930123456")) }
}

fn requests(message: &Message, context: &Context<'_>) -> Vec<Request> {
    let is_form = context.field("encoding") == "form";
    let (kind, spelt): (_, fn(&str) -> String) =
        if is_form { ("application/x-www-form-urlencoded", form) } else { (JSON, json) };
    let words = cut(&message.short(), MAX_TEXT);
    let to = |number: &String| {
        // In one go, lest a name hold a placeholder.
        let parts: Vec<String> = context
            .field("template")
            .split("{text}")
            .map(|part| part.replace("{to}", &spelt(number)))
            .collect();
        Request { is_put: false, path: String::new(), kind, body: parts.join(&spelt(&words)) }
    };
    message.to.iter().map(to).collect()
}

/// As it stands within quotation marks.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// Every octet but letters and digits as `%XX`.
fn form(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, octet| {
        if octet.is_ascii_alphanumeric() {
            out.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{octet:02X}");
        }
        out
    })
}
