//! Sheets of frames decoded by hand: read from their text, and written as a capture. `README.md` beside it tells the form.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use super::wire::{self, Carried};

/// What a sheet says.
#[derive(Default)]
pub(crate) struct Sheet {
    pub(crate) protocol: String,
    /// The specification, or honestly what is there instead of one.
    pub(crate) rests_on: String,
    /// Conversations.
    pub(crate) talks: Vec<(Carried, Vec<Frame>)>,
}

/// One frame.
#[derive(Default)]
pub(crate) struct Frame {
    pub(crate) title: String,
    /// Whether the server sends it.
    pub(crate) answers: bool,
    pub(crate) octets: Vec<u8>,
    /// Its messages.
    pub(crate) told: Vec<Told>,
}

/// What must be told of one message.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) kind: String,
    pub(crate) fields: BTreeMap<String, Vec<String>>,
    pub(crate) remarks: Vec<String>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<String> =
            self.fields.iter().map(|(key, values)| format!("{key}={}", values.join(","))).collect();
        write!(f, "{} {} [{}]", self.kind, fields.join("; "), self.remarks.join(" "))
    }
}

/// Reads a sheet; whatever breaks its form ends the test.
pub(crate) fn read(path: &Path) -> Sheet {
    let mut sheet = Sheet::default();
    let mut title = String::new();
    for (line, number) in fs::read_to_string(path).unwrap().lines().zip(1..) {
        let place = || format!("{}:{number}: {line}", path.display());
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" | "#" if !line.contains('|') => {}
            "protocol" => rest.clone_into(&mut sheet.protocol),
            "rests" => {
                sheet.rests_on += rest;
                sheet.rests_on += "\n";
            }
            "carried" => {
                sheet.talks.push((carried(rest).unwrap_or_else(|| panic!("{}", place())), Vec::new()))
            }
            "==" => rest.clone_into(&mut title),
            "ask" | "answer" => {
                let frame = Frame { title: title.clone(), answers: word == "answer", ..Frame::default() };
                let frames = &mut sheet.talks.last_mut().unwrap_or_else(|| panic!("{}", place())).1;
                frames.push(frame);
                told(frames.last_mut().unwrap(), rest);
            }
            "then" => told(last(&mut sheet).unwrap_or_else(|| panic!("{}", place())), rest),
            _ => {
                let fault = last(&mut sheet).ok_or("no frame yet").and_then(|frame| field(frame, line));
                fault.unwrap_or_else(|fault| panic!("{}: {fault}", place()));
            }
        }
    }
    sheet
}

fn last(sheet: &mut Sheet) -> Option<&mut Frame> {
    sheet.talks.last_mut()?.1.last_mut()
}

fn carried(words: &str) -> Option<Carried> {
    Some(match words.split_once(' ') {
        Some(("tcp", port)) => Carried::Ip(6, port.parse().ok()?),
        Some(("udp", port)) => Carried::Ip(17, port.parse().ok()?),
        None if words == "ethernet" => Carried::Link(1),
        None if words == "socketcan" => Carried::Link(227),
        _ => return None,
    })
}

/// `request`, `anomaly check-wrong`, or `nothing`.
fn told(frame: &mut Frame, words: &str) {
    let mut words = words.split_whitespace().map(str::to_owned);
    let kind = words.next().unwrap_or_default();
    if kind != "nothing" {
        frame.told.push(Told { kind, remarks: words.collect(), ..Told::default() });
    }
}

/// `offset | octets | key=value; key=value | meaning and clause`: the offset must be where the octets before end.
fn field(frame: &mut Frame, line: &str) -> Result<(), &'static str> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [offset, octets, fields, meaning] = cells[..] else { return Err("four cells make a line") };
    if offset != "-" {
        let at: usize = offset.parse().map_err(|_| "no offset")?;
        if at != frame.octets.len() {
            return Err("the octets before end elsewhere");
        }
        let digits: Vec<u32> = octets.chars().filter_map(|digit| digit.to_digit(16)).collect();
        if digits.is_empty()
            || !digits.len().is_multiple_of(2)
            || octets.chars().any(|digit| !" 0123456789abcdef".contains(digit))
        {
            return Err("no octets");
        }
        frame.octets.extend(digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()));
    }
    if meaning.is_empty() {
        return Err("what does it mean?");
    }
    for pair in fields.split("; ").filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or("a field is key=value")?;
        let told = frame.told.last_mut().ok_or("a field of nothing")?;
        told.fields.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    Ok(())
}

/// The frames as a capture, and the number that each has in it.
pub(crate) fn capture(carried: Carried, frames: &[Frame]) -> (Vec<u8>, Vec<u64>) {
    let parts = frames.iter().map(|frame| (frame.answers, frame.octets.clone()));
    wire::capture(carried, &parts.collect::<Vec<_>>())
}
