//! A strict reader of RFC 5424: accepts what the ABNF of section 6 allows and nothing else.

/// SD-PARAMs in order, unescaped.
pub(crate) type Parameters = Vec<(String, String)>;

/// A message taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) priority: u16,
    pub(crate) time: String,
    pub(crate) hostname: String,
    pub(crate) msgid: String,
    pub(crate) parameters: Parameters,
    pub(crate) text: String,
}

impl Message {
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

pub(crate) fn message(bytes: &[u8]) -> Result<Message, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let (mut message, rest) = begin(text)?;
    let (parameters, rest) = element(rest)?;
    let text = match rest {
        "" => "",
        rest => rest.strip_prefix(" \u{feff}").ok_or("no BOM before a UTF-8 MSG")?,
    };
    if text.chars().any(char::is_control) {
        return Err("control character in MSG".into());
    }
    (message.parameters, message.text) = (parameters, text.into());
    Ok(message)
}

/// What follows the header, once that was found in order.
pub(crate) fn header(text: &str) -> Result<&str, String> {
    begin(text).map(|(_, rest)| rest)
}

/// PRI: facility times 8, and level.
pub(crate) fn priority(text: &str) -> Result<u16, String> {
    begin(text).map(|(message, _)| message.priority)
}

fn begin(text: &str) -> Result<(Message, &str), String> {
    let rest = text.strip_prefix('<').ok_or("no PRI")?;
    let (priority, rest) = rest.split_once('>').ok_or("PRI does not end")?;
    if priority.is_empty() || priority.len() > 3 || (priority.len() > 1 && priority.starts_with('0')) {
        return Err(format!("PRI `{priority}`"));
    }
    let priority: u16 = priority.parse().map_err(|_| "PRI is no number")?;
    if priority > 191 {
        return Err("PRI past 191".into());
    }
    let rest = rest.strip_prefix("1 ").ok_or("VERSION")?;
    let (time, rest) = word(rest, 32)?;
    timestamp(&time)?;
    let (hostname, rest) = word(rest, 255)?;
    let (_, rest) = word(rest, 48)?;
    let (_, rest) = word(rest, 128)?;
    let (msgid, rest) = word(rest, 32)?;
    Ok((
        Message { priority, time, hostname, msgid, parameters: Parameters::new(), text: String::new() },
        rest,
    ))
}

fn word(text: &str, most: usize) -> Result<(String, &str), String> {
    let (word, rest) = text.split_once(' ').ok_or("header ends early")?;
    if word.is_empty() || word.len() > most || !word.bytes().all(|byte| (33..=126).contains(&byte)) {
        return Err(format!("header field `{word}`"));
    }
    Ok((word.into(), rest))
}

/// Section 6.2.3, UTC only.
fn timestamp(text: &str) -> Result<(), String> {
    let pattern = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    let fits = text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, like)| match like {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        });
    if fits { Ok(()) } else { Err(format!("TIMESTAMP `{text}`")) }
}

/// Section 6.3: one SD-ELEMENT.
fn element(text: &str) -> Result<(Parameters, &str), String> {
    let mut rest = text.strip_prefix("[fieldwarden@32473").ok_or("SD-ID")?;
    let mut parameters = Parameters::new();
    while let Some(parameter) = rest.strip_prefix(' ') {
        let (name, value) = parameter.split_once("=\"").ok_or("SD-PARAM")?;
        let named = (1..=32).contains(&name.len())
            && name.bytes().all(|byte| (33..=126).contains(&byte) && !b"=]\"".contains(&byte));
        if !named || parameters.iter().any(|(known, _)| known == name) {
            return Err(format!("SD-NAME `{name}`"));
        }
        let (value, after) = value_of(value)?;
        parameters.push((name.into(), value));
        rest = after;
    }
    Ok((parameters, rest.strip_prefix(']').ok_or("SD-ELEMENT does not end")?))
}

fn value_of(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            ']' => return Err("`]` unescaped".into()),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\' | ']'))) => value.push(escaped),
                other => return Err(format!("needless escape {other:?}")),
            },
            control if control.is_control() => return Err(format!("control character {control:?}")),
            plain => value.push(plain),
        }
    }
    Err("PARAM-VALUE does not end".into())
}
