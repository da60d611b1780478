//! Opsgenie, by its Alert API: one alert for each incident, under its id as alias. Whom to wake, and when, is decided there.
//!
//! After "Alert API" (docs.opsgenie.com/docs/alert-api): `POST /v2/alerts` with `message` (130 characters), `alias` (512), `description` (15,000), `entity`
//! (512), `source` (100), `priority` P1 to P5, `tags`, `details`; `POST /v2/alerts/{alias}/acknowledge`, `/close` and `/notes`, `PUT ../priority`, each with
//! `identifierType=alias`; `Authorization: GenieKey KEY`; 202 where it was taken. A second alert of an open alias only counts, so news of one are notes.

use fieldwarden_model::Severity;
use serde_json::{Value, json};

use super::{Context, People, Request, Secret, Service, Url};
use crate::{
    forward::{Destination, Forwarder},
    notify::{
        desk::Change,
        message::{Item, Message, cut},
    },
    store::Status,
};

pub(in super::super) const NOTIFIER: Forwarder = Forwarder { id: "opsgenie", configure };

const MAX_MESSAGE: usize = 130;
const MAX_TEXT: usize = 15_000;

static SERVICE: Service = Service {
    example: "opsgenie",
    url: Url::Usual("https://api.opsgenie.com"),
    secret: Secret::Header { name: "authorization", prefix: "GenieKey ", is_required: true },
    fields: &[],
    people: People::ItsOwn,
    requests,
    answered: super::by_status,
};

fn configure(
    section: &fieldwarden_model::Section,
) -> Result<Box<dyn Destination>, Vec<fieldwarden_model::Fault>> {
    super::configure(&SERVICE, section)
}

/// P1 is the worst.
fn priority(severity: Severity) -> String {
    format!("P{}", 6 - super::of_five(severity))
}

fn requests(message: &Message, _: &Context<'_>) -> Vec<Request> {
    message.items.iter().flat_map(|item| about(message, item)).collect()
}

fn about(message: &Message, item: &Item) -> Vec<Request> {
    let alias = super::slug(&item.briefing.case.incident.id.0);
    let of_alias = |verb: &str, body: &Value| {
        Request::post(format!("/v2/alerts/{alias}/{verb}?identifierType=alias"), body)
    };
    let said = json!({"source": message.gateway, "note": cut(&message.text(), MAX_TEXT)});
    let changes = &item.notice.changes;
    let has = |wanted: fn(&Change) -> bool| changes.iter().any(wanted);
    if item.briefing.case.status == Status::Closed {
        return vec![of_alias("close", &said)];
    }
    if has(|change| matches!(change, Change::Opened | Change::Reopened | Change::Again | Change::Test)) {
        let body = json!({
            "message": cut(&message.subject(), MAX_MESSAGE),
            "alias": alias,
            "description": cut(&message.text(), MAX_TEXT),
            "entity": item.asset(),
            "source": message.gateway,
            "priority": priority(message.severity),
            "tags": ["ot", "fieldwarden"],
            "details": {"incident": item.id()},
        });
        return vec![Request::post("/v2/alerts", &body)];
    }
    let mut requests = Vec::new();
    if has(|change| *change != Change::Acknowledged) {
        requests.push(of_alias("notes", &said));
    }
    if has(|change| matches!(change, Change::Rose { .. })) {
        let body = json!({"priority": priority(item.briefing.case.incident.severity)});
        requests.push(Request { is_put: true, ..of_alias("priority", &body) });
    }
    if has(|change| *change == Change::Acknowledged) {
        requests.push(of_alias("acknowledge", &said));
    }
    requests
}
