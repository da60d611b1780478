//! Slack, by `chat.postMessage`: an incident is a thread.
//!
//! Fields after "chat.postMessage method" (docs.slack.dev/reference/methods/chat.postMessage): `channel`, `text` (at most 40,000 characters, 4,000
//! advised), `thread_ts` (the `ts` of the parent), `reply_broadcast`, `unfurl_links`; the answer's `ok`, `error` and `ts`. `&`, `<` and `>` are
//! escaped and people mentioned as "Formatting message text" says.

use serde_json::{Value, json};

use super::{Context, Field, People, Request, Secret, Service, Url};
use crate::{
    forward::{Destination, ForwardError, Forwarder},
    http::Answer,
    notify::{
        desk::Change,
        message::{Message, cut},
    },
};

pub(in super::super) const NOTIFIER: Forwarder = Forwarder { id: "slack", configure };

/// Octets of a text.
const MAX_TEXT: usize = 3_800;
/// What Slack says of a message it will never take; whatever is about tokens and channels a person mends.
const FOR_GOOD: [&str; 3] = ["msg_too_long", "no_text", "invalid_arguments"];
/// What it says when it is the one that is unwell.
const LATER: [&str; 6] = [
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
];

static SERVICE: Service = Service {
    example: "slack",
    url: Url::Usual("https://slack.com/api"),
    secret: Secret::Header { name: "authorization", prefix: "Bearer ", is_required: true },
    fields: &[Field {
        key: "channel",
        usual: None,
        help: "channel = \"C0123456789\"",
        check: super::anything,
    }],
    people: People::Some(member),
    requests,
    answered,
};

fn configure(
    section: &fieldwarden_model::Section,
) -> Result<Box<dyn Destination>, Vec<fieldwarden_model::Fault>> {
    super::configure(&SERVICE, section)
}

/// The id of a member (`U`, `W`) or of a group (`S`).
fn member(id: &str) -> Result<(), String> {
    let is_one = id.starts_with(['U', 'W', 'S'])
        && (2..=32).contains(&id.len())
        && id.bytes().all(|octet| octet.is_ascii_uppercase() || octet.is_ascii_digit());
    if is_one { Ok(()) } else { Err(format!("`{id}` is no id of a member or a group, such as U0123456789")) }
}

fn requests(message: &Message, context: &Context<'_>) -> Vec<Request> {
    let mentions: Vec<String> = message
        .to
        .iter()
        .map(|id| if id.starts_with('S') { format!("<!subteam^{id}>") } else { format!("<@{id}>") })
        .collect();
    let mut text = mentions.join(" ");
    if !text.is_empty() {
        text.push(' ');
    }
    let told = format!("{}\n{}", message.subject(), message.text());
    let told = told.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.push_str(&cut(&told, MAX_TEXT));
    let mut body = json!({"channel": context.field("channel"), "text": text, "unfurl_links": false});
    let single = message.single();
    if let (Some(thread), Some(object)) =
        (single.and_then(|item| item.notice.thread.as_ref()), body.as_object_mut())
    {
        object.insert("thread_ts".into(), json!(thread));
        // What asks for somebody has to be seen by those who do not follow the thread.
        let asks = |change: &Change| {
            matches!(
                change,
                Change::Rose { .. } | Change::Reopened | Change::Unanswered { .. } | Change::Order { .. }
            )
        };
        let is_for_all = single.is_some_and(|item| item.notice.changes.iter().any(asks));
        object.insert("reply_broadcast".into(), json!(is_for_all));
    }
    vec![Request::post("/chat.postMessage", &body)]
}

fn answered(answer: Answer) -> Result<Option<String>, ForwardError> {
    let answer = answer.taken()?;
    let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let error = value.get("error").and_then(Value::as_str).unwrap_or_default();
    match value.get("ok") {
        Some(Value::Bool(true)) => {
            let ts = value.get("ts").and_then(Value::as_str).filter(|ts| ts.len() <= 64);
            Ok(ts.map(str::to_owned))
        }
        _ if FOR_GOOD.contains(&error) => Err(answer.refused()),
        _ if LATER.contains(&error) => Err(answer.later()),
        _ => Err(answer.fault()),
    }
}
