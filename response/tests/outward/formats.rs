//! Strict readers, written from the specifications: they take what those allow and nothing else.

use std::collections::BTreeMap;

use serde_json::Value;

/// Keys and values of a line.
pub(crate) type Pairs = BTreeMap<String, String>;

/// A CEF line: its seven header fields and its extension.
pub(crate) fn cef(line: &str) -> Result<(Vec<String>, Pairs), String> {
    one_line(line)?;
    let rest = line.strip_prefix("CEF:").ok_or("no CEF")?;
    let mut header = vec![String::new()];
    let mut characters = rest.char_indices();
    let extension = loop {
        let (at, character) = characters.next().ok_or("the header ends early")?;
        let last = header.len() - 1;
        match character {
            '|' if header.len() == 7 => break &rest[at + 1..],
            '|' => header.push(String::new()),
            '\\' => match characters.next() {
                Some((_, escaped @ ('\\' | '|'))) => header[last].push(escaped),
                other => return Err(format!("escape {other:?} in the header")),
            },
            plain => header[last].push(plain),
        }
    };
    if !matches!(header[0].as_str(), "0" | "1") || header[1..5].iter().any(String::is_empty) {
        return Err(format!("header {header:?}"));
    }
    if !matches!(header[6].parse::<u8>(), Ok(0..=10)) {
        return Err(format!("severity {}", header[6]));
    }
    let pairs = extension_of(extension)?;
    limits(&header, &pairs)?;
    Ok((header, pairs))
}

fn extension_of(text: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    let mut key = None::<String>;
    let mut value = String::new();
    // Where the last word of `value` begins: it turns out to be the next key once a bare `=` follows.
    let mut word = 0;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '=' => {
                let next = value[word..].to_owned();
                if next.is_empty() || !next.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    return Err(format!("key `{next}`"));
                }
                if let Some(key) = key.replace(next) {
                    let value = value[..word].strip_suffix(' ').ok_or("no blank before a key")?;
                    insert(&mut pairs, key, value.into())?;
                }
                value.clear();
                word = 0;
            }
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | '=')) => value.push(escaped),
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                other => return Err(format!("escape {other:?} in the extension")),
            },
            ' ' => {
                value.push(' ');
                word = value.len();
            }
            plain => value.push(plain),
        }
    }
    let key = key.ok_or("no key")?;
    insert(&mut pairs, key, value)?;
    Ok(pairs)
}

/// Types and lengths of the key dictionary, and that custom keys come with their labels.
fn limits(header: &[String], pairs: &Pairs) -> Result<(), String> {
    let long = |text: &str, most: usize| text.chars().count() > most;
    if long(&header[4], 1_023) || long(&header[5], 512) {
        return Err("header too long".into());
    }
    for (key, value) in pairs {
        let fits = match key.as_str() {
            "externalId" => !long(value, 40),
            "dvchost" => !long(value, 100),
            "msg" => !long(value, 1_023),
            "rt" | "start" | "end" => value.parse::<i64>().is_ok(),
            "cnt" => value.parse::<i32>().is_ok(),
            "src" => value.parse::<std::net::Ipv4Addr>().is_ok(),
            "c6a2" => value.parse::<std::net::Ipv6Addr>().is_ok(),
            "smac" => value.parse::<fieldwarden_model::Mac>().is_ok(),
            "cn1" | "cn2" | "cn3" => {
                value.parse::<i64>().is_ok() && pairs.contains_key(&format!("{key}Label"))
            }
            "cs1" | "cs2" | "cs3" | "cs4" => {
                !long(value, 4_000) && pairs.contains_key(&format!("{key}Label"))
            }
            label => {
                let of = label.strip_suffix("Label").ok_or_else(|| format!("unknown key `{label}`"))?;
                pairs.contains_key(of) && !long(value, 1_023)
            }
        };
        if !fits {
            return Err(format!("`{key}={value}`"));
        }
    }
    Ok(())
}

/// A LEEF 2.0 line: its event id and its attributes.
pub(crate) fn leef(line: &str) -> Result<(String, Pairs), String> {
    one_line(line)?;
    let rest = line.strip_prefix("LEEF:2.0|").ok_or("no LEEF")?;
    let fields: Vec<&str> = rest.splitn(6, '|').collect();
    let [vendor, product, version, event, delimiter, attributes] = fields[..] else {
        return Err("the header ends early".into());
    };
    if [vendor, product, version, event].iter().any(|field| field.is_empty())
        || delimiter.chars().count() != 1
    {
        return Err(format!("header {fields:?}"));
    }
    let mut pairs = Pairs::new();
    for attribute in attributes.split(delimiter) {
        let (key, value) = attribute.split_once('=').ok_or_else(|| format!("attribute `{attribute}`"))?;
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!("key `{key}`"));
        }
        insert(&mut pairs, key.into(), value.into())?;
    }
    if !matches!(pairs.get("sev").map(|sev| sev.parse::<u8>()), Some(Ok(1..=10))) {
        return Err("sev".into());
    }
    Ok((event.into(), pairs))
}

/// JSON in one line, with nothing in it that a person would not see.
pub(crate) fn json(line: &str) -> Result<Value, String> {
    one_line(line)?;
    if line.contains("\\u0000") {
        return Err("a NUL, at which readers in C stop".into());
    }
    serde_json::from_str(line).map_err(|error| error.to_string())
}

/// An ECS document: the fields the schema requires, and values only of those it lists.
pub(crate) fn ecs(line: &str) -> Result<Value, String> {
    let value = json(line)?;
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).ok_or(format!("no {pointer}"));
    text("/@timestamp")?.parse::<fieldwarden_model::Timestamp>().map_err(|error| error.to_string())?;
    let version = text("/ecs/version")?;
    let kind = text("/event/kind")?;
    let category = text("/event/category/0")?;
    let expected = ["intrusion_detection", "configuration"].contains(&category);
    if version != "8.17.0"
        || !["alert", "event"].contains(&kind)
        || !expected
        || text("/event/type/0")? != "info"
    {
        return Err(format!("event {:?}", value.get("event")));
    }
    if let Some(addresses) = value.pointer("/related/ip") {
        for address in addresses.as_array().ok_or("related.ip is no list")? {
            let text = address.as_str().ok_or("an address is no text")?;
            text.parse::<std::net::IpAddr>().map_err(|error| error.to_string())?;
        }
    }
    Ok(value)
}

/// A Detection Finding, or a Base Event, of OCSF 1.3.0: what the schema requires, and what must agree.
pub(crate) fn ocsf(line: &str) -> Result<Value, String> {
    let value = json(line)?;
    let number =
        |pointer: &str| value.pointer(pointer).and_then(Value::as_i64).ok_or(format!("no {pointer}"));
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).ok_or(format!("no {pointer}"));
    let (class, activity) = (number("/class_uid")?, number("/activity_id")?);
    number("/time")?;
    if number("/type_uid")? != class * 100 + activity || !(0..=6).contains(&number("/severity_id")?) {
        return Err("type_uid or severity_id".into());
    }
    if text("/metadata/version")? != "1.3.0" || text("/metadata/product/vendor_name")?.is_empty() {
        return Err("metadata".into());
    }
    match (class, number("/category_uid")?) {
        (0, 0) => return Ok(value),
        (2_004, 2) if (1..=3).contains(&activity) => {}
        other => return Err(format!("class and category {other:?}, activity {activity}")),
    }
    text("/finding_info/title")?;
    text("/finding_info/uid")?;
    match (number("/status_id")?, text("/status")?) {
        (1, "New") | (2, "In Progress") | (4, "Resolved") => {}
        (99, word) if !word.is_empty() => {}
        other => return Err(format!("status {other:?}")),
    }
    for observable in value.get("observables").and_then(Value::as_array).into_iter().flatten() {
        if observable["name"] != "unmapped.talkers" || !observable["value"].is_string() {
            return Err(format!("{observable}"));
        }
    }
    for attack in value.pointer("/finding_info/attacks").and_then(Value::as_array).into_iter().flatten() {
        if !attack["technique"]["uid"].is_string() || attack["version"] != "18.1" {
            return Err(format!("{attack}"));
        }
    }
    Ok(value)
}

/// Nothing that ends a line or hides from a person.
fn one_line(line: &str) -> Result<(), String> {
    let hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    match line.chars().find(|character| hidden(*character)) {
        Some(character) => Err(format!("{character:?} stands in the line")),
        None => Ok(()),
    }
}

fn insert(pairs: &mut Pairs, key: String, value: String) -> Result<(), String> {
    match pairs.insert(key.clone(), value) {
        None => Ok(()),
        Some(_) => Err(format!("`{key}` stands twice")),
    }
}
