//! Whatever an attacker managed to write into a name or a title, the SOC gets a message its parser accepts.

use fieldwarden_model::{IncidentId, Severity, Technique};
use fieldwarden_response::{
    forward::syslog::{Origin, encode, encode_test, frame},
    store::{Status, Told},
};
use proptest::prelude::*;

use crate::{parse, sample};

fn origin(max_bytes: usize) -> Origin {
    Origin { hostname: "gateway7".into(), process: 4711, facility: 4, max_bytes, format: None }
}

fn told() -> Told {
    Told { time: sample::at(9), status: Status::InProgress, incident: sample::incident(1, 3) }
}

#[test]
fn an_incident_can_be_rebuilt_from_its_message() {
    let message = parse::message(encode(&told(), &origin(8_192)).as_bytes()).unwrap();
    assert_eq!(message.priority, 4 * 8 + 3);
    assert_eq!(message.time, "2026-01-02T03:04:14.000000Z");
    assert_eq!((message.hostname.as_str(), message.msgid.as_str()), ("gateway7", "INCIDENT"));
    for (name, value) in [
        ("id", "0000000000000001"),
        ("revision", "1"),
        ("status", "in_progress"),
        ("open", "1"),
        ("severity", "high"),
        ("score", "87"),
        ("first", "2026-01-02T03:04:05.000000000Z"),
        ("last", "2026-01-02T03:04:08.000000000Z"),
        ("alerts", "3"),
        ("title", "Unknown laptop 10.0.0.66 writes set-points of [Dosing PLC] \"1\" at C:\\plant"),
        ("techniques", "T0836,T0855"),
        ("talkers", "10.0.0.66,10.0.0.20"),
        ("truncated", ""),
    ] {
        assert_eq!(message.parameter(name), value, "{name}");
    }
    assert!(message.text.starts_with("High: Unknown laptop 10.0.0.66 writes"), "{}", message.text);
}

#[test]
fn the_test_message_is_marked_and_framed() {
    let text = encode_test(&origin(8_192), sample::at(0));
    let message = parse::message(text.as_bytes()).unwrap();
    assert_eq!((message.msgid.as_str(), message.parameter("test")), ("TEST", "1"));
    assert_eq!(frame("<34>1 x"), b"7 <34>1 x");
    assert_eq!(frame("\u{feff}"), "3 \u{feff}".as_bytes(), "MSG-LEN counts octets, not characters");
}

#[test]
fn severities_keep_their_order() {
    let level = |severity| {
        let mut told = told();
        told.incident.severity = severity;
        parse::message(encode(&told, &origin(8_192)).as_bytes()).unwrap().priority % 8
    };
    let levels: Vec<u16> = Severity::ALL.into_iter().map(level).collect();
    assert_eq!(levels, [6, 5, 4, 3, 2]);
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\\]\"\\\\ \n\r\t\0=\\[<>a-c\u{feff}\u{2028}\u{10ffff}]{0,400}",
        (0usize..65_536, prop_oneof![Just(']'), Just('x'), Just('\u{1f9ea}'), Just('\n')])
            .prop_map(|(count, character)| character.to_string().repeat(count)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_message_parses_and_keeps_to_its_size(
        id in hostile(),
        title in hostile(),
        hostname in hostile(),
        techniques in prop::collection::vec(hostile(), 0..4),
        talkers in 0u32..3_000,
        max_bytes in 0usize..20_000,
        nanos in any::<i64>(),
    ) {
        let mut told = told();
        told.time = fieldwarden_model::Timestamp::from_nanos(nanos);
        told.incident.id = IncidentId(id.clone());
        told.incident.title = title.clone();
        told.incident.techniques = techniques.into_iter().map(Technique).collect();
        told.incident.talkers =
            (0..talkers).map(|n| fieldwarden_model::Talker::Ip(std::net::Ipv4Addr::from(n).into())).collect();
        let text = encode(&told, &Origin { hostname, ..origin(max_bytes) });
        prop_assert!(text.len() <= max_bytes.max(2_048), "{} octets", text.len());
        let message = parse::message(text.as_bytes()).map_err(TestCaseError::fail)?;
        let visible = |text: &str| text.replace(char::is_control, " ");
        prop_assert!(visible(&title).starts_with(message.parameter("title")));
        prop_assert!(visible(&id).starts_with(message.parameter("id")));
        prop_assert_eq!(message.parameter("revision"), "1");
        if message.parameter("truncated").is_empty() {
            prop_assert_eq!(message.parameter("title"), visible(&title));
            let told = message.parameter("talkers").split(',').filter(|talker| !talker.is_empty()).count();
            prop_assert_eq!(told, talkers as usize);
        }
    }
}
