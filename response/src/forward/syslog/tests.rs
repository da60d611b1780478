//! Every fault of a table is told at once, with its place.

use fieldwarden_model::section::{Content, Key, Node, Span};

use super::*;
use crate::forward;

fn table(entries: &[(&str, Content)]) -> Section {
    let entries = entries
        .iter()
        .zip(1..)
        .map(|((name, value), line)| {
            let at = Span { file: 0, start: line, end: line + 1 };
            (Key { name: (*name).into(), at }, Node { at, value: value.clone() })
        })
        .collect();
    Section { path: "forward.syslog".into(), at: Span::default(), entries }
}

fn text(value: &str) -> Content {
    Content::Text(value.into())
}

fn complete() -> Vec<(&'static str, Content)> {
    vec![
        ("name", text("soc")),
        ("address", text("[2001:db8::5]:6514")),
        ("ca_file", text("ca.pem")),
        ("certificate_file", text("client.pem")),
        ("key_file", text("client.key")),
    ]
}

#[test]
fn a_short_table_is_enough() {
    let settings = Settings::configure(&table(&complete())).unwrap();
    assert_eq!((settings.host.as_str(), settings.port), ("2001:db8::5", 6_514));
    let Transport::Tls(tls) = &settings.transport else { panic!("{:?}", settings.transport) };
    assert_eq!(
        tls.server_name.to_str(),
        "2001:db8::5",
        "without a name the address has to be in the certificate"
    );
    assert_eq!(
        (settings.facility, settings.max_message_bytes, settings.confirm_after.as_secs()),
        (4, 8_192, 10)
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let mut entries = complete();
    entries.retain(|(key, _)| *key != "key_file");
    entries[1].1 = text("soc.example");
    entries.push(("server_name", text("not a name")));
    entries.push(("facility", Content::Integer(24)));
    entries.push(("max_mesage_bytes", Content::Integer(9_000)));
    let faults = Settings::configure(&table(&entries)).unwrap_err();
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`key_file` is missing from `[forward.syslog]`",
            "`address`: `soc.example` is no host with a port",
            "`server_name`: `not a name` is neither a DNS name nor an IP address",
            "`facility`: 24 is outside 0 to 23",
            "unknown key `max_mesage_bytes`",
        ]
    );
    assert_eq!(faults[4].help.as_deref(), Some("did you mean `max_message_bytes`?"));
}

#[test]
fn two_destinations_of_one_name_are_a_fault() {
    let node = || Node { at: Span::default(), value: Content::Table(table(&complete())) };
    let mut section = table(&[("syslog", Content::List(vec![node(), node()]))]);
    section.path = "forward".into();
    let faults = forward::configure(&section).unwrap_err();
    assert_eq!(faults[0].message, "a second destination is called `soc`");
}
