//! Microsoft Teams, by a workflow that posts when a webhook request is received: each message is an Adaptive Card.
//!
//! Shape after "Create incoming webhooks with Workflows for Microsoft Teams" (support.microsoft.com) and "Adaptive Card" 1.4
//! (adaptivecards.io/explorer): `type` `message`, `attachments` of `contentType` `application/vnd.microsoft.card.adaptive`. At most 28 KB; 202 where it
//! was taken. Text stands in runs of a `RichTextBlock`, which knows no markup: a name on the wire makes no link.

use fieldwarden_model::Severity;
use serde_json::{Value, json};

use super::{Context, People, Request, Secret, Service, Url};
use crate::{
    forward::{Destination, Forwarder},
    notify::message::{Message, cut},
};

pub(in super::super) const NOTIFIER: Forwarder = Forwarder { id: "teams", configure };

/// Octets of the text; the card around it is small, and JSON at most doubles what is left in it.
const MAX_TEXT: usize = 10_000;

static SERVICE: Service = Service {
    example: "teams",
    url: Url::Written("https://prod-00.westeurope.logic.azure.com"),
    secret: Secret::Path,
    fields: &[],
    people: People::Some(nobody),
    requests,
    answered: super::by_status,
};

fn configure(
    section: &fieldwarden_model::Section,
) -> Result<Box<dyn Destination>, Vec<fieldwarden_model::Fault>> {
    super::configure(&SERVICE, section)
}

fn nobody(name: &str) -> Result<(), String> {
    Err(format!("`{name}` cannot be mentioned: a workflow posts to a channel, not to people"))
}

const fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Low => "Default",
        Severity::Medium => "Warning",
        Severity::High | Severity::Critical => "Attention",
    }
}

fn requests(message: &Message, _: &Context<'_>) -> Vec<Request> {
    let run = |text: &str, more: Value| {
        let mut run = json!({"type": "TextRun", "text": text});
        if let (Some(run), Value::Object(more)) = (run.as_object_mut(), more) {
            run.extend(more);
        }
        json!({"type": "RichTextBlock", "inlines": [run]})
    };
    let heading = json!({"weight": "Bolder", "size": "Medium", "color": colour(message.severity)});
    let mut blocks = vec![run(&message.subject(), heading)];
    let text = cut(&message.text(), MAX_TEXT);
    blocks.extend(text.lines().filter(|line| !line.is_empty()).map(|line| run(line, json!({}))));
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": blocks,
    });
    let attachment = json!({"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card});
    vec![Request::post("", &json!({"type": "message", "attachments": [attachment]}))]
}
