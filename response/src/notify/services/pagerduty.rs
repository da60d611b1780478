//! PagerDuty, by Events API v2: one alert for each incident, which is triggered, acknowledged and resolved with it. Whom to wake, and when, is decided there.
//!
//! Fields after "Send an event to PagerDuty" (developer.pagerduty.com/docs/send-alert-event): `routing_key`, `event_action`, `dedup_key` (255 characters),
//! `payload` with `summary` (1,024), `source`, `severity` (critical, error, warning, info), `timestamp`, `component`, `class`, `custom_details`; 202 where
//! it was taken, 400 where it never will be, 429 when it is too much.

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

pub(in super::super) const NOTIFIER: Forwarder = Forwarder { id: "pagerduty", configure };

const MAX_SUMMARY: usize = 1_000;

static SERVICE: Service = Service {
    example: "pagerduty",
    url: Url::Usual("https://events.pagerduty.com"),
    secret: Secret::Body,
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

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "info",
    }
}

fn requests(message: &Message, context: &Context<'_>) -> Vec<Request> {
    let key = context.secret.unwrap_or_default();
    let requests = |item: &Item| -> Vec<Request> {
        let ask = |action: &&str| Request::post("/v2/enqueue", &event(message, item, key, action));
        actions(item).iter().map(ask).collect()
    };
    message.items.iter().flat_map(requests).collect()
}

fn actions(item: &Item) -> &'static [&'static str] {
    let is_acknowledged = item.notice.changes.contains(&Change::Acknowledged);
    let is_more = item.notice.changes.iter().any(|change| *change != Change::Acknowledged);
    match (item.briefing.case.status, is_more, is_acknowledged) {
        (Status::Closed, ..) => &["resolve"],
        (_, true, true) => &["trigger", "acknowledge"],
        (_, false, true) => &["acknowledge"],
        _ => &["trigger"],
    }
}

fn event(message: &Message, item: &Item, key: &str, action: &str) -> Value {
    let incident = &item.briefing.case.incident;
    let mut body = json!({
        "routing_key": key,
        "event_action": action,
        "dedup_key": super::slug(&incident.id.0),
    });
    if let ("trigger", Some(object)) = (action, body.as_object_mut()) {
        let payload = json!({
            "summary": cut(&message.subject(), MAX_SUMMARY),
            "source": message.gateway,
            "severity": severity(message.severity),
            "timestamp": incident.last.to_string(),
            "component": item.asset(),
            "class": "ot-incident",
            "custom_details": {
                "news": item.changes(),
                "what was done": item.done(),
                "what is asked": item.asked(),
                "acknowledge": format!("fieldwarden incident status {} acknowledged", item.id()),
            },
        });
        object.insert("payload".into(), payload);
    }
    body
}
