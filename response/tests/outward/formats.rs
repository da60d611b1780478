//! Lines in formats that others defined: what an incident looks like in each, and that no name an attacker chose breaks one.
//! The readers here are written from the formats' own pages and share nothing with the writers.

use std::collections::BTreeMap;

use fieldwarden_model::{IncidentId, Severity, Technique};
use fieldwarden_response::{
    forward::{
        format::{Format, LEAST_OCTETS},
        syslog::{Origin, encode},
    },
    store::{Status, Told},
};
use proptest::prelude::*;
use serde_json::Value;

use crate::sample;

fn told() -> Told {
    Told { time: sample::at(9), status: Status::InProgress, incident: sample::incident(1, 3) }
}

/// CEF: seven header fields, of which `|` and `\` are escaped, then `key=value` pairs of which `=` and `\` are.
fn cef(line: &str) -> Result<(Vec<String>, BTreeMap<String, String>), String> {
    if line.contains(['\n', '\r']) {
        return Err("more than one line".into());
    }
    let (mut header, mut field, mut characters) = (Vec::new(), String::new(), line.chars());
    while header.len() < 7 {
        match characters.next().ok_or("the header ends early")? {
            '|' => header.push(std::mem::take(&mut field)),
            '\\' => match characters.next() {
                Some(c @ ('|' | '\\')) => field.push(c),
                other => return Err(format!("escape {other:?} in the header")),
            },
            plain => field.push(plain),
        }
    }
    let (mut pairs, mut key, mut word, mut value) =
        (BTreeMap::new(), String::new(), String::new(), String::new());
    let rest: Vec<char> = characters.collect();
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            '\\' => {
                at += 1;
                match rest.get(at) {
                    Some(c @ ('=' | '\\')) => word.push(*c),
                    Some('n' | 'r') => word.push('\n'),
                    other => return Err(format!("escape {other:?} in the extension")),
                }
            }
            '=' => {
                // The word before it is the next key.
                if !word.chars().all(|c| c.is_ascii_alphanumeric()) || word.is_empty() {
                    return Err(format!("`{word}` is no key"));
                }
                if !key.is_empty() {
                    pairs.insert(std::mem::take(&mut key), value.trim_end().to_owned());
                }
                key = std::mem::take(&mut word);
                value.clear();
            }
            ' ' => {
                value.push_str(&std::mem::take(&mut word));
                value.push(' ');
            }
            plain => word.push(plain),
        }
        at += 1;
    }
    value.push_str(&word);
    pairs.insert(key, value.trim_end().to_owned());
    Ok((header, pairs))
}

/// LEEF 2.0 with a tab: six header fields, then `key=value` between tabs.
fn leef(line: &str) -> Result<(Vec<String>, BTreeMap<String, String>), String> {
    if line.contains(['\n', '\r']) {
        return Err("more than one line".into());
    }
    let parts: Vec<&str> = line.splitn(7, '|').collect();
    let [header @ .., fields] = parts.as_slice() else { return Err("no fields".into()) };
    if header.len() != 6 || header[5] != "x09" {
        return Err(format!("header {header:?}"));
    }
    let pairs = fields.split('\t').map(|field| {
        let (key, value) = field.split_once('=').ok_or(format!("`{field}` has no value"))?;
        if !key.chars().all(|c| c.is_ascii_alphanumeric()) || key.is_empty() {
            return Err(format!("`{key}` is no key"));
        }
        Ok((key.to_owned(), value.to_owned()))
    });
    Ok((header.iter().map(|field| (*field).to_owned()).collect(), pairs.collect::<Result<_, String>>()?))
}

fn object(line: &str) -> Result<Value, String> {
    if line.contains(['\n', '\r']) {
        return Err("more than one line".into());
    }
    serde_json::from_str(line).map_err(|error| error.to_string())
}

fn at<'a>(value: &'a Value, pointer: &str) -> Result<&'a Value, String> {
    value.pointer(pointer).ok_or_else(|| format!("{pointer} is missing from {value}"))
}

/// What the class requires (schema.ocsf.io, 1.3.0, `detection_finding`), with its types.
fn ocsf(line: &str) -> Result<Value, String> {
    let value = object(line)?;
    let number =
        |pointer| at(&value, pointer).and_then(|v| v.as_i64().ok_or(format!("{pointer} is no number")));
    let text = |pointer| {
        at(&value, pointer).and_then(|v| v.as_str().map(String::from).ok_or(format!("{pointer} is no text")))
    };
    if number("/class_uid")? != 2_004 || number("/category_uid")? != 2 {
        return Err("another class".into());
    }
    if number("/type_uid")? != 200_400 + number("/activity_id")?
        || !(1..=3).contains(&number("/activity_id")?)
    {
        return Err("type and activity disagree".into());
    }
    if !(1..=5).contains(&number("/severity_id")?) || ![1, 2, 4].contains(&number("/status_id")?) {
        return Err("an id that the class does not know".into());
    }
    number("/time")?;
    for pointer in
        ["/finding_info/uid", "/finding_info/title", "/metadata/version", "/metadata/product/vendor_name"]
    {
        text(pointer)?;
    }
    Ok(value)
}

/// The fields' types of the schema's pages.
fn ecs(line: &str) -> Result<Value, String> {
    let value = object(line)?;
    for (pointer, is) in [
        ("/@timestamp", Value::is_string as fn(&Value) -> bool),
        ("/ecs/version", Value::is_string),
        ("/message", Value::is_string),
        ("/event/kind", Value::is_string),
        ("/event/category", Value::is_array),
        ("/event/type", Value::is_array),
        ("/event/severity", Value::is_u64),
        ("/event/risk_score", Value::is_u64),
        ("/rule/name", Value::is_string),
        ("/threat/technique/id", Value::is_array),
        ("/related/ip", Value::is_array),
        ("/observer/type", Value::is_string),
    ] {
        if !is(at(&value, pointer)?) {
            return Err(format!("{pointer} is of another type"));
        }
    }
    let addresses = at(&value, "/related/ip")?.as_array().into_iter().flatten();
    for address in addresses.chain(value.pointer("/source/ip")) {
        let text = address.as_str().unwrap_or_default();
        text.parse::<std::net::IpAddr>().map_err(|_| format!("`{text}` would fail the type ip"))?;
    }
    Ok(value)
}

/// The id, revision and title that a reader of the format gets.
fn read(format: Format, line: &str) -> Result<(String, String, String), String> {
    let text = |value: &Value, pointer| {
        at(value, pointer).map(|v| v.as_str().map_or_else(|| v.to_string(), String::from))
    };
    Ok(match format {
        Format::Cef => {
            let (header, pairs) = cef(line)?;
            if header[0] != "CEF:0" || header[4] != "incident" {
                return Err(format!("{header:?}"));
            }
            (pairs["externalId"].clone(), pairs["cn1"].clone(), header[5].clone())
        }
        Format::Leef => {
            let (header, pairs) = leef(line)?;
            if header[0] != "LEEF:2.0" || header[4] != "incident" {
                return Err(format!("{header:?}"));
            }
            (pairs["incident"].clone(), pairs["revision"].clone(), pairs["title"].clone())
        }
        Format::Json => {
            let value = object(line)?;
            (text(&value, "/id")?, text(&value, "/revision")?, text(&value, "/title")?)
        }
        Format::Ecs => {
            let value = ecs(line)?;
            let own = "/fieldwarden/incident";
            (
                text(&value, &format!("{own}/id"))?,
                text(&value, &format!("{own}/revision"))?,
                text(&value, "/rule/name")?,
            )
        }
        Format::Ocsf => {
            let value = ocsf(line)?;
            let uid = text(&value, "/metadata/uid")?;
            let revision = uid.rsplit_once(':').map(|(_, revision)| revision.to_owned()).unwrap_or_default();
            (text(&value, "/finding_info/uid")?, revision, text(&value, "/finding_info/title")?)
        }
    })
}

#[test]
fn an_incident_in_common_event_format() {
    let line = Format::Cef.line(&told(), "gateway7", 8_192);
    let expected = format!(
        r#"CEF:0|Fieldwarden|Fieldwarden|{}|incident|Unknown laptop 10.0.0.66 writes set-points of [Dosing PLC] "1" at C:\\plant|8|rt=1767323054000 start=1767323045000 end=1767323048000 externalId=0000000000000001 cnt=3 cat=ics src=10.0.0.66 dvchost=gateway7 cn1=1 cn1Label=revision cn2=87 cn2Label=score cs1=in_progress cs1Label=status cs2=T0836,T0855 cs2Label=techniques cs3=10.0.0.66,10.0.0.20 cs3Label=talkers cs4=1 cs4Label=open msg=Unknown laptop 10.0.0.66 writes set-points of [Dosing PLC] "1" at C:\\plant (score 87 of 100, 3 alerts, in progress)"#,
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(line, expected);
}

#[test]
fn each_format_escapes_its_own_traps_and_no_others() {
    let mut told = told();
    told.incident.title = r"a|b=c\d".into();
    let line = |format: Format| format.line(&told, "g", 8_192);
    let cef = line(Format::Cef);
    assert!(cef.contains(r"|a\|b=c\\d|"), "the header escapes the pipe and not the equals sign: {cef}");
    assert!(cef.contains(r"msg=a|b\=c\\d "), "the extension the other way round: {cef}");
    assert!(line(Format::Leef).contains("title=a|b=c\\d"), "LEEF knows no escapes");
    assert!(line(Format::Json).contains(r#""title":"a|b=c\\d""#));
    told.incident.title = "two\nlines\ttab\u{202e}turned\0".into();
    for (word, format) in Format::ALL {
        let (_, _, title) = read(format, &format.line(&told, "g", 8_192)).unwrap();
        assert_eq!(title.trim_end(), "two lines tab turned", "{word}");
    }
}

#[test]
fn a_finding_is_created_updated_and_closed() {
    let mut told = told();
    let mut activity = |revision, status| {
        (told.incident.revision, told.status) = (revision, status);
        let value = ocsf(&Format::Ocsf.line(&told, "g", 8_192)).unwrap();
        (
            value["activity_id"].as_u64().unwrap(),
            value["type_uid"].as_u64().unwrap(),
            value["status_id"].as_u64().unwrap(),
        )
    };
    assert_eq!(activity(1, Status::New), (1, 200_401, 1));
    assert_eq!(activity(2, Status::Acknowledged), (2, 200_402, 2));
    assert_eq!(activity(3, Status::Closed), (3, 200_403, 4));
}

#[test]
fn over_syslog_a_line_stands_behind_the_header_without_a_mark() {
    let origin = |format| Origin {
        hostname: "g7".into(),
        process: 1,
        facility: 4,
        max_bytes: 8_192,
        format: Some(format),
    };
    for (word, format) in Format::ALL {
        let message = encode(&told(), &origin(format));
        let (header, line) = message.split_once("] ").unwrap();
        assert!(header.starts_with("<35>1 2026-01-02T03:04:14.000000Z g7 fieldwarden 1 INCIDENT [fieldwarden@32473 id=\"0000000000000001\" revision=\"1\""), "{header}");
        read(format, line).unwrap_or_else(|why| panic!("{word}: {why}"));
    }
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => any::<String>(),
        3 => "[\\]\"\\\\ \n\r\t\0=\\[|<>{}:,a-c\u{feff}\u{2028}\u{202e}\u{10ffff}]{0,400}",
        1 => (0usize..65_536, prop_oneof![Just('='), Just('|'), Just('\\'), Just('x'), Just('\u{1f9ea}'), Just('\n')])
            .prop_map(|(count, character)| character.to_string().repeat(count)),
    ]
}

/// Messages of each format: what the issue of 10,000 asks for, and what a quick run affords.
fn cases() -> u32 {
    if std::env::var("SCALE").is_ok_and(|scale| scale == "5") { 10_000 } else { 300 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_read_by_its_format_and_keeps_to_its_size(
        id in hostile(),
        title in hostile(),
        gateway in hostile(),
        techniques in prop::collection::vec(hostile(), 0..4),
        talkers in prop_oneof![0u32..4, 0u32..3_000],
        most in 0usize..20_000,
        severity in prop::sample::select(Severity::ALL.to_vec()),
        nanos in any::<i64>(),
    ) {
        let mut told = told();
        told.time = fieldwarden_model::Timestamp::from_nanos(nanos);
        told.incident.id = IncidentId(id);
        told.incident.title = title.clone();
        told.incident.severity = severity;
        told.incident.techniques = techniques.into_iter().map(Technique).collect();
        told.incident.talkers =
            (0..talkers).map(|n| fieldwarden_model::Talker::Ip(std::net::Ipv4Addr::from(n).into())).collect();
        for (word, format) in Format::ALL {
            let line = format.line(&told, &gateway, most);
            prop_assert!(line.len() <= most.max(LEAST_OCTETS), "{word}: {} octets of {most}", line.len());
            let (_, revision, read) = read(format, &line).map_err(|why| TestCaseError::fail(format!("{word}: {why}: {line}")))?;
            prop_assert_eq!(revision, "1");
            // What is left of the title is its beginning, with blanks for what no line may hold.
            let beginning: String = read.trim_end().chars().take(8).collect();
            let plain = |c: char| if c.is_control() || "\u{2028}\u{2029}\u{200e}\u{200f}".contains(c) || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c) { ' ' } else { c };
            let whole: String = title.chars().map(plain).collect();
            prop_assert!(whole.trim_start().starts_with(beginning.trim_start()), "{word}: {beginning:?} of {whole:?}");
        }
    }
}
