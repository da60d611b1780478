//! ntfy, ntfy.sh's or one's own: people subscribe to topics.
//!
//! After "Publish as JSON" (docs.ntfy.sh/publish): `POST /` with `topic`, `title`, `message` (4,096 octets, more becomes an attachment), `priority` 1 to 5 and
//! `tags`; `Authorization: Bearer TOKEN`; 429 when it is too much.

use serde_json::json;

use super::{Context, People, Request, Secret, Service, Url};
use crate::{
    forward::{Destination, Forwarder},
    notify::message::{Message, cut},
};

pub(in super::super) const NOTIFIER: Forwarder = Forwarder { id: "ntfy", configure };

const MAX_TITLE: usize = 250;
const MAX_TEXT: usize = 4_000;

static SERVICE: Service = Service {
    example: "ntfy",
    url: Url::Usual("https://ntfy.sh"),
    secret: Secret::Header { name: "authorization", prefix: "Bearer ", is_required: false },
    fields: &[],
    people: People::Named(topic),
    requests,
    answered: super::by_status,
};

fn configure(
    section: &fieldwarden_model::Section,
) -> Result<Box<dyn Destination>, Vec<fieldwarden_model::Fault>> {
    super::configure(&SERVICE, section)
}

fn topic(name: &str) -> Result<(), String> {
    let is_one = (1..=64).contains(&name.len())
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet));
    if is_one { Ok(()) } else { Err(format!("`{name}` is no topic: 1 to 64 letters, digits, `-` and `_`")) }
}

fn requests(message: &Message, _: &Context<'_>) -> Vec<Request> {
    let to = |topic: &String| {
        let body = json!({
            "topic": topic,
            "title": cut(&message.subject(), MAX_TITLE),
            "message": cut(&message.text(), MAX_TEXT),
            "priority": super::of_five(message.severity),
            "tags": [message.severity.word()],
        });
        Request::post("", &body)
    };
    message.to.iter().map(to).collect()
}
