//! Each format of a message, held to its specification: what a SOC's reader takes, with the traps each has.

use std::{env, fs, path::Path};

use fieldwarden_model::{Severity, Technique};
use fieldwarden_response::{
    forward::{
        content::Format,
        syslog::{Origin, encode, encode_test},
    },
    store::{Status, Told},
};
use serde_json::{Value, json};

use crate::{formats, hostile, parse, sample};

const FORMATS: [Format; 5] = [Format::Cef, Format::Leef, Format::Json, Format::Ecs, Format::Ocsf];

pub(crate) fn origin(format: Option<Format>, max_bytes: usize) -> Origin {
    Origin { hostname: "gateway7".into(), process: 4711, facility: 4, max_bytes, format }
}

fn told(title: &str) -> Told {
    let mut incident = sample::incident(1, 3);
    incident.title = title.into();
    Told { time: sample::at(9), status: Status::InProgress, incident }
}

/// The payload of a message in `format`, of a syslog message that RFC 5424 permits.
pub(crate) fn payload(message: &str) -> Result<&str, String> {
    let header = parse::header(message)?;
    header.strip_prefix("- ").ok_or_else(|| "structured data besides the payload".into())
}

fn body(format: Format, told: &Told) -> String {
    payload(&encode(told, &origin(Some(format), 65_536))).unwrap().to_owned()
}

fn cef(title: &str) -> (Vec<String>, formats::Pairs) {
    formats::cef(&body(Format::Cef, &told(title))).unwrap()
}

#[test]
fn every_format_says_what_it_said_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outward/golden");
    let told = told("Unknown laptop 10.0.0.66 writes set-points of [Dosing PLC] \"1\" at C:\\plant");
    let all =
        [("structured", None)].into_iter().chain(Format::ALL.map(|(word, format)| (word, Some(format))));
    for (word, format) in all {
        let now = encode(&told, &origin(format, 8_192))
            + "\n"
            + &encode_test(&origin(format, 8_192), sample::at(0));
        let file = folder.join(format!("{word}.txt"));
        if env::var("UPDATE_EXPECT").is_ok() {
            fs::write(&file, format!("{now}\n")).unwrap();
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{now}\n"), "{}", file.display());
    }
}

#[test]
fn nothing_stands_between_the_syslog_header_and_the_payload() {
    // A byte order mark, right in RFC 5424, would hide the first character that readers of these formats look for.
    for (format, begin) in FORMATS.into_iter().zip(["CEF:0|", "LEEF:2.0|", "{", "{", "{"]) {
        assert!(body(format, &told("x")).starts_with(begin), "{format:?}");
    }
}

#[test]
fn cef_escapes_a_bar_in_the_header_alone_and_an_equals_sign_in_the_extension_alone() {
    let line = body(Format::Cef, &told("a|b=c\\d"));
    assert!(line.contains(r"|a\|b=c\\d|8|"), "{line}");
    assert!(line.contains(r"msg=High: a|b\=c\\d (score"), "{line}");
    let (header, pairs) = cef("a|b=c\\d");
    assert_eq!(header[5], "a|b=c\\d");
    assert!(pairs["msg"].starts_with("High: a|b=c\\d (score"), "{}", pairs["msg"]);
}

#[test]
fn cef_says_a_line_end_in_the_extension_and_a_blank_in_the_header() {
    let (header, pairs) = cef("a\r\nb");
    assert_eq!(header[5], "a  b");
    assert!(pairs["msg"].starts_with("High: a\r\nb (score"), "{:?}", pairs["msg"]);
}

#[test]
fn cef_takes_no_key_from_a_name() {
    let (header, pairs) = cef("x|10| src=1.2.3.4 msg=all is well");
    assert_eq!((header.len(), header[6].as_str(), pairs["src"].as_str()), (7, "8", "10.0.0.66"));
    assert!(pairs["msg"].contains("src=1.2.3.4 msg=all is well"));
}

#[test]
fn cef_keeps_to_the_types_and_lengths_of_its_keys() {
    let mut told = told(&"x".repeat(600));
    told.incident.alerts = u64::MAX;
    told.incident.talkers = (0..2_000u32).map(|n| format!("2001:db8::{n:x}").parse().unwrap()).collect();
    let (header, pairs) = formats::cef(&body(Format::Cef, &told)).unwrap();
    assert_eq!((header[5].len(), pairs["cnt"].as_str()), (512, "2147483647"));
    assert_eq!((pairs["c6a2"].as_str(), pairs["c6a2Label"].as_str()), ("2001:db8::", "Source IPv6 Address"));
    assert!(!pairs.contains_key("src"), "`src` is IPv4 alone in this version");
    assert!(
        pairs["cs3"].len() <= 4_000
            && pairs["cs3"].split(',').all(|ip| ip.parse::<std::net::IpAddr>().is_ok())
    );
    assert_eq!((pairs["cs4"].as_str(), pairs["cs4Label"].as_str()), ("1", "truncated"));
}

#[test]
fn cef_leaves_out_a_key_that_has_no_value() {
    let mut told = told("x");
    told.incident.techniques.clear();
    told.incident.talkers.clear();
    let (_, pairs) = formats::cef(&body(Format::Cef, &told)).unwrap();
    assert!(!pairs.contains_key("cs2") && !pairs.contains_key("cs2Label") && !pairs.contains_key("src"));
}

#[test]
fn leef_lets_no_name_end_its_value() {
    let (event, pairs) = formats::leef(&body(Format::Leef, &told("a^sev=1^title=b|c\td"))).unwrap();
    assert_eq!((event.as_str(), pairs["sev"].as_str()), ("INCIDENT", "8"));
    assert_eq!(pairs["title"], "a\u{fffd}sev=1\u{fffd}title=b|c d");
    assert_eq!(pairs["devTime"], "2026-01-02T03:04:14.000+0000");
}

#[test]
fn json_keeps_every_character_but_nul_and_shows_none_that_deceives() {
    let title = "a\u{202e}b\u{2028}\u{feff}\u{85}\"\\\n\u{1f9ea}\u{1b}\u{e0041}\\u0000";
    for (format, at) in
        [(Format::Json, "/title"), (Format::Ecs, "/fieldwarden/title"), (Format::Ocsf, "/finding_info/title")]
    {
        // The last of the title is six characters that only look like the escape of NUL.
        let line = body(format, &told(title)).replace("\\\\u0000", "\\\\u-0000");
        let value = formats::json(&line).unwrap();
        assert_eq!(value.pointer(at), Some(&json!(title.replace("\\u0000", "\\u-0000"))));
        let value = formats::json(&body(format, &told("a\0b"))).unwrap();
        assert_eq!(value.pointer(at), Some(&json!("a\u{fffd}b")));
    }
}

#[test]
fn json_has_the_keys_of_the_replay() {
    let value = formats::json(&body(Format::Json, &told("x"))).unwrap();
    for key in
        ["type", "id", "first", "last", "severity", "score", "talkers", "alerts", "techniques", "title"]
    {
        assert!(!value[key].is_null(), "{key}");
    }
}

#[test]
fn ecs_names_the_techniques_and_links_only_what_is_one() {
    let mut told = told("x");
    told.incident.techniques.push(Technique("T0836/../evil".into()));
    told.incident.talkers.push("00:11:22:33:44:55".parse().unwrap());
    let value = formats::ecs(&body(Format::Ecs, &told)).unwrap();
    assert_eq!(value["threat"]["technique"]["id"], json!(["T0836", "T0855", "T0836/../evil"]));
    assert_eq!(
        value["threat"]["technique"]["reference"],
        json!([
            "https://attack.mitre.org/versions/v18/techniques/T0836/",
            "https://attack.mitre.org/versions/v18/techniques/T0855/"
        ])
    );
    assert_eq!(value["related"]["ip"], json!(["10.0.0.66", "10.0.0.20"]), "a MAC is no address there");
    assert_eq!(value["event"]["id"], "0000000000000001-1");
}

#[test]
fn ocsf_follows_a_case_from_created_to_resolved() {
    let of = |status, revision| {
        let mut told = told("x");
        (told.status, told.incident.revision) = (status, revision);
        let value = formats::ocsf(&body(Format::Ocsf, &told)).unwrap();
        (value["type_uid"].as_u64().unwrap(), value["status_id"].as_u64().unwrap(), value["status"].clone())
    };
    assert_eq!(of(Status::New, 1), (200_401, 1, json!("New")));
    assert_eq!(of(Status::Acknowledged, 2), (200_402, 99, json!("acknowledged")));
    assert_eq!(of(Status::InProgress, 3), (200_402, 2, json!("In Progress")));
    assert_eq!(of(Status::Closed, 4), (200_403, 4, json!("Resolved")));
    let value = formats::ocsf(&body(Format::Ocsf, &told("x"))).unwrap();
    assert_eq!(value["finding_info"]["attacks"][0]["technique"]["uid"], "T0836");
    assert_eq!(
        value["observables"][0],
        json!({"name": "unmapped.talkers", "type_id": 2, "value": "10.0.0.66"})
    );
}

#[test]
fn severities_keep_their_order_in_every_format() {
    for (format, expected) in [
        (Format::Cef, [1, 3, 5, 8, 10]),
        (Format::Leef, [1, 3, 5, 8, 10]),
        (Format::Ecs, [1, 21, 47, 73, 99]),
        (Format::Ocsf, [1, 2, 3, 4, 5]),
    ] {
        let told = Severity::ALL.map(|severity| {
            let mut told = told("x");
            told.incident.severity = severity;
            let line = body(format, &told);
            match format {
                Format::Cef => formats::cef(&line).unwrap().0[6].parse().unwrap(),
                Format::Leef => formats::leef(&line).unwrap().1["sev"].parse().unwrap(),
                Format::Ecs => formats::ecs(&line).unwrap()["event"]["severity"].as_u64().unwrap(),
                _ => formats::ocsf(&line).unwrap()["severity_id"].as_u64().unwrap(),
            }
        });
        assert_eq!(told, expected, "{format:?}");
    }
}

#[test]
fn a_test_is_an_incident_in_nobodys_books() {
    let test = |format| encode_test(&origin(Some(format), 8_192), sample::at(0));
    let line = |format| payload(&test(format)).unwrap().to_owned();
    assert_eq!(formats::cef(&line(Format::Cef)).unwrap().0[4], "test");
    assert_eq!(formats::leef(&line(Format::Leef)).unwrap().0, "TEST");
    assert_eq!(formats::json(&line(Format::Json)).unwrap()["type"], "test");
    assert_eq!(formats::ecs(&line(Format::Ecs)).unwrap()["event"]["kind"], "event");
    assert_eq!(formats::ocsf(&line(Format::Ocsf)).unwrap()["class_uid"], 0);
}

#[test]
fn a_message_is_cut_to_the_very_octet() {
    for room in 2_048..2_148 {
        for format in [Format::Leef, Format::Json, Format::Ecs, Format::Ocsf] {
            // The sentence gives way, then the title, each by the one octet its last character has.
            for length in [900, 65_536] {
                let message = encode(&told(&"x".repeat(length)), &origin(Some(format), room));
                assert_eq!(message.len(), room, "{format:?}, {length}");
                check(format, &message).unwrap();
            }
        }
        let mut told = told(&"x".repeat(500));
        told.incident.techniques = (0..40).map(|n| Technique(format!("T08{n:02}"))).collect();
        told.incident.talkers = (0..90u8).map(|n| format!("10.0.0.{n}").parse().unwrap()).collect();
        let message = encode(&told, &origin(Some(Format::Cef), room));
        let (_, pairs) = formats::cef(payload(&message).unwrap()).unwrap();
        assert!(message.len() <= room && pairs["cs4"] == "1", "{message}");
    }
}

#[test]
fn a_message_that_just_fits_is_whole() {
    for (format, at) in [
        (Format::Json, "/truncated"),
        (Format::Ecs, "/fieldwarden/truncated"),
        (Format::Ocsf, "/unmapped/truncated"),
    ] {
        let told = told(&"x".repeat(3_000));
        let whole = encode(&told, &origin(Some(format), 65_536)).len();
        for (room, cut) in [(whole, false), (whole - 1, true)] {
            let message = encode(&told, &origin(Some(format), room));
            let value: Value = serde_json::from_str(payload(&message).unwrap()).unwrap();
            assert_eq!(value.pointer(at), Some(&json!(cut)), "{format:?}");
            let sentence = value["message"].as_str().unwrap();
            assert_eq!(sentence.ends_with("08.000000000Z)"), !cut, "{sentence}");
        }
    }
}

/// What the format's reader makes of the title, if the message is one.
pub(crate) fn check(format: Format, message: &str) -> Result<String, String> {
    let line = payload(message)?;
    let at = |value: Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Ok(match format {
        Format::Cef => formats::cef(line)?.0[5].clone(),
        Format::Leef => formats::leef(line)?.1.remove("title").ok_or("no title")?,
        Format::Json => at(formats::json(line)?, "/title"),
        Format::Ecs => at(formats::ecs(line)?, "/fieldwarden/title"),
        Format::Ocsf => at(formats::ocsf(line)?, "/finding_info/title"),
        other => return Err(format!("{other:?} has no reader here")),
    })
}

#[test]
fn whatever_an_attacker_wrote_every_reader_takes_it() {
    let mut cut = 0u64;
    for n in 0..hostile::count(10_000) {
        let (told, room) = hostile::told(n);
        for format in FORMATS {
            let message = encode(&told, &origin(Some(format), room));
            assert!(message.len() <= room.max(2_048), "{n} {format:?}: {} octets", message.len());
            // However long our own name is.
            let named =
                Origin { hostname: "\\".repeat(255), process: u32::MAX, ..origin(Some(format), room) };
            let longest = encode(&told, &named).len();
            assert!(longest <= room.max(2_048), "{n} {format:?}: {longest} octets");
            let title =
                check(format, &message).unwrap_or_else(|error| panic!("{n} {format:?}: {error}\n{message}"));
            // What cannot be said is another character, never none: places stay as they were.
            let written: Vec<char> = told.incident.title.chars().collect();
            for (read, written) in title.chars().zip(&written) {
                let stands_for =
                    read == *written || read == '\u{fffd}' || (read == ' ' && written.is_ascii_control());
                assert!(stands_for, "{n} {format:?}: {read:?} for {written:?}");
            }
            assert!(title.chars().count() <= written.len());
            cut += u64::from(title.chars().count() < written.len());
        }
    }
    assert!(cut > 0, "no example was long enough to be cut");
}
