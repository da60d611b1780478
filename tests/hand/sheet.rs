//! Sheets of frames decoded by hand: read from their text, and written as a capture. `README.md` beside it tells the form.

use std::{collections::BTreeMap, fmt, fs, path::Path};

/// What a sheet says.
#[derive(Default)]
pub(crate) struct Sheet {
    pub(crate) protocol: String,
    /// The specification, or honestly what is there instead of one.
    pub(crate) rests_on: String,
    /// Conversations.
    pub(crate) talks: Vec<(Carried, Vec<Frame>)>,
}

/// How the frames of a conversation travel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Carried {
    /// By this protocol of IP (6, 17), to this port of the server.
    Ip(u8, u16),
    /// As whole frames of this link type.
    Link(u32),
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
    let (mut talk, link) = match carried {
        Carried::Ip(..) => (Talk::default(), 1),
        Carried::Link(link) => (Talk::default(), link),
    };
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, link] {
        out.extend(word.to_le_bytes());
    }
    let mut packets = if let Carried::Ip(6, port) = carried { talk.handshake(port) } else { Vec::new() };
    let mut numbers = Vec::new();
    for frame in frames {
        packets.push(match carried {
            Carried::Ip(6, port) => talk.segment(port, frame.answers, PUSH | ACK, &frame.octets),
            Carried::Ip(_, port) => talk.datagram(port, frame.answers, &frame.octets),
            Carried::Link(_) => frame.octets.clone(),
        });
        numbers.push(packets.len() as u64);
    }
    for (packet, second) in packets.iter().zip(1_767_323_045_u32..) {
        let length = u32::try_from(packet.len()).unwrap();
        for word in [second, 0, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(packet);
    }
    (out, numbers)
}

const SYN: u8 = 2;
const PUSH: u8 = 8;
const ACK: u8 = 16;
const CLIENT_PORT: u16 = 49_152;

/// A client and a server on one Ethernet.
#[derive(Default)]
struct Talk {
    /// The next sequence numbers of both.
    next: [u32; 2],
}

impl Talk {
    fn handshake(&mut self, port: u16) -> Vec<Vec<u8>> {
        [(false, SYN), (true, SYN | ACK), (false, ACK)]
            .map(|(answers, flags)| self.segment(port, answers, flags, &[]))
            .into()
    }

    fn segment(&mut self, port: u16, answers: bool, flags: u8, octets: &[u8]) -> Vec<u8> {
        let side = usize::from(answers);
        let mut header = ports(port, answers);
        header.extend(self.next[side].to_be_bytes());
        header.extend(if flags & ACK == 0 { 0 } else { self.next[1 - side] }.to_be_bytes());
        header.extend([5 << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        self.next[side] += u32::try_from(octets.len()).unwrap() + u32::from(flags & SYN != 0);
        internet(6, answers, 16, &mut header, octets)
    }

    fn datagram(&self, port: u16, answers: bool, octets: &[u8]) -> Vec<u8> {
        let _ = self;
        let mut header = ports(port, answers);
        header.extend(u16::try_from(octets.len() + 8).unwrap().to_be_bytes());
        header.extend([0, 0]);
        internet(17, answers, 6, &mut header, octets)
    }
}

fn ports(port: u16, answers: bool) -> Vec<u8> {
    let ports = if answers { [port, CLIENT_PORT] } else { [CLIENT_PORT, port] };
    ports.iter().flat_map(|port| port.to_be_bytes()).collect()
}

/// Ethernet and IPv4 around a header, whose checksum stands at an offset, and what it carries.
fn internet(protocol: u8, answers: bool, check_at: usize, header: &mut Vec<u8>, octets: &[u8]) -> Vec<u8> {
    let (client, server) = ([10, 0, 0, 5], [10, 0, 0, 20]);
    let (from, to) = if answers { (server, client) } else { (client, server) };
    header.extend(octets);
    let length = u16::try_from(header.len()).unwrap();
    let mut summed = [from, to].concat();
    summed.extend([0, protocol]);
    summed.extend(length.to_be_bytes());
    summed.extend(header.iter());
    header[check_at..check_at + 2].copy_from_slice(&checksum(&summed));
    let mut ip = vec![0x45, 0];
    ip.extend((length + 20).to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    ip.extend([from, to].concat());
    let check = checksum(&ip);
    ip[10..12].copy_from_slice(&check);
    let macs =
        if answers { [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2] } else { [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] };
    [&macs[..], &[8, 0], &ip, header].concat()
}

/// RFC 1071.
fn checksum(octets: &[u8]) -> [u8; 2] {
    let words = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(!sum & 0xffff).unwrap().to_be_bytes()
}
