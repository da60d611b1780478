//! Random plants: controllers, stations, engineers, historians and safety controllers at the interfaces of one gateway, and what
//! they say to each other.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{
    executor::Passage,
    octets::{self, ACK, Around, End, Mac, PUSH, S7Job, SYN},
};

/// Interfaces that are routed, and ports of the bridge `br0`, which has addresses of its own.
pub(crate) const ROUTED: [&str; 3] = ["w0", "w1", "w2"];
pub(crate) const PORTS: [&str; 3] = ["b0", "b1", "b2"];
pub(crate) const BRIDGE: &str = "br0";
/// The network whose machines are at ports of a switch.
pub(crate) const CELL: &str = "w0";
const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 192, 1, 7));
const GROUP_MAC: Mac = [1, 0, 0x5e, 0x40, 1, 7];

/// Numbers that look random and are the same for every run of a seed (splitmix64).
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound.max(1) as u64).unwrap()
    }

    pub(crate) fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// True so many times of a hundred.
    pub(crate) fn percent(&mut self, times: usize) -> bool {
        self.below(100) < times
    }
}

/// A machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) role: &'static str,
    /// The interface of the gateway it is behind.
    pub(crate) at: &'static str,
    pub(crate) v4: IpAddr,
    pub(crate) v6: IpAddr,
    pub(crate) mac: Mac,
    /// The port of the cell's switch, for those that are there.
    pub(crate) port: Option<String>,
}

/// What a conversation is called, by both the product and the test.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) client: String,
    pub(crate) server: String,
    pub(crate) transport: &'static str,
    pub(crate) port: u16,
    pub(crate) protocol: String,
    pub(crate) unit: Option<u16>,
}

/// A frame that was captured where it came in.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) octets: Vec<u8>,
    /// Of which conversations, by their places.
    pub(crate) of: usize,
    /// The exchange it belongs to, and whether it is the answer; none for what only opens a connection.
    pub(crate) exchange: Option<(usize, bool)>,
    /// What its request does.
    pub(crate) verbs: &'static [&'static str],
    /// Where it passes.
    pub(crate) passage: Passage,
    /// The interfaces it leaves by.
    pub(crate) leaves: Vec<&'static str>,
    /// From whom to whom it goes across the cell's switch, where it does.
    pub(crate) cell: Option<(Mac, Mac)>,
    pub(crate) mark: u16,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) name: Name,
    pub(crate) client: Machine,
    pub(crate) server: Option<Machine>,
    pub(crate) client_port: u16,
    tags: Vec<(u16, u16)>,
    options: usize,
}

/// A plant.
pub(crate) struct Plant {
    pub(crate) machines: Vec<Machine>,
    pub(crate) talks: Vec<Talk>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) shows: Shows,
}

/// Which bridged frames the rules for routed packets are shown (`bridge-nf-call-iptables`, `bridge-nf-filter-vlan-tagged`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shows {
    pub(crate) plain: bool,
    pub(crate) tagged: bool,
}

/// The gateway's own hardware address at an interface.
pub(crate) fn gateway_mac(at: &str) -> Mac {
    let number = ROUTED.iter().position(|name| *name == at).unwrap_or(7);
    [2, 0xfe, 0, 0, 0, u8::try_from(number).unwrap()]
}

fn network(at: &str) -> u8 {
    ROUTED.iter().position(|name| *name == at).map_or(7, |number| u8::try_from(number + 1).unwrap())
}

/// The gateway's own addresses at a network.
pub(crate) fn gateway_addresses(at: &str) -> (Ipv4Addr, Ipv6Addr) {
    let network = network(at);
    (Ipv4Addr::new(10, network, 0, 1), Ipv6Addr::new(0xfd00 + u16::from(network), 0, 0, 0, 0, 0, 0, 1))
}

impl Plant {
    pub(crate) fn random(random: &mut Random) -> Self {
        let roles =
            ["plc", "plc", "plc", "hmi", "hmi", "engineering station", "safety controller", "historian"];
        let count = 12 + random.below(25);
        let places: Vec<&'static str> = ROUTED.into_iter().chain(PORTS).collect();
        let machines: Vec<Machine> = (0..count)
            .map(|n| {
                let at = random.one(&places);
                let (network, host) = (network(at), u8::try_from(10 + n).unwrap());
                Machine {
                    role: random.one(&roles),
                    at,
                    v4: Ipv4Addr::new(10, network, 0, host).into(),
                    v6: Ipv6Addr::new(0xfd00 + u16::from(network), 0, 0, 0, 0, 0, 0, host.into()).into(),
                    mac: [2, 0, 0, 0, network, host],
                    port: (at == CELL).then(|| format!("c{n}")),
                }
            })
            .collect();
        let shows = Shows { plain: random.percent(30), tagged: random.percent(50) };
        let mut plant = Self { machines, talks: Vec::new(), frames: Vec::new(), shows };
        let mut known = BTreeSet::new();
        for _ in 0..25 + random.below(30) {
            plant.converse(random, &mut known);
        }
        plant
    }

    /// Whether a machine sends anything, by both of its addresses where both are used.
    pub(crate) fn speaks(&self, machine: &Machine) -> bool {
        let sends = |address: IpAddr| {
            let named = |talk: &Talk| [&talk.name.client, &talk.name.server].contains(&&address.to_string());
            let sent = |frame: &Frame| frame.octets[6..12] == machine.mac && named(&self.talks[frame.of]);
            !self.talks.iter().any(named) || self.frames.iter().any(sent)
        };
        sends(machine.v4) && sends(machine.v6)
    }

    fn converse(&mut self, random: &mut Random, known: &mut BTreeSet<(String, String, u16)>) {
        let (mut client, mut server) = (random.one(&self.machines), random.one(&self.machines));
        // Controllers are asked more often than they ask.
        if ["plc", "safety controller"].contains(&client.role) && random.percent(70) {
            std::mem::swap(&mut client, &mut server);
        }
        if client.mac == server.mac {
            return;
        }
        let is_group = random.percent(5);
        let v6 = !is_group && random.percent(25);
        let kind = if is_group { Kind::SamePorts } else { Kind::random(random) };
        let address = |machine: &Machine| if v6 { machine.v6 } else { machine.v4 };
        let to = if is_group { GROUP } else { address(&server) };
        let port = match kind {
            Kind::Modbus => 502,
            Kind::S7 => 102,
            _ => 20_000 + u16::try_from(random.below(30)).unwrap(),
        };
        let names = [address(&client).to_string(), to.to_string()];
        // The same two by the same port, and the other way round, would be one conversation.
        let [from, to_name] = names.clone();
        if !known.insert((from.clone(), to_name.clone(), port)) || known.contains(&(to_name, from, port)) {
            return;
        }
        let bridged = PORTS.contains(&client.at) && (PORTS.contains(&server.at) || is_group);
        let is_read_from = matches!(kind, Kind::Modbus | Kind::S7);
        let tags = if bridged {
            let types = [0x8100, 0x88a8];
            (0..random.below(3)).map(|n| (if n == 0 { random.one(&types) } else { 0x8100 }, 10)).collect()
        } else {
            Vec::new()
        };
        let options = if is_read_from || v6 { 0 } else { 4 * random.below(3) };
        let client_port = match kind {
            Kind::SamePorts => port,
            _ => 40_000 + u16::try_from(self.talks.len()).unwrap(),
        };
        let [client_name, server_name] = names;
        let name = Name {
            client: client_name,
            server: server_name,
            transport: if matches!(kind, Kind::SamePorts | Kind::Datagrams) { "udp" } else { "tcp" },
            port,
            protocol: kind.protocol().into(),
            unit: None,
        };
        let server = (!is_group).then_some(server);
        let talk = Talk { name, client, server, client_port, tags, options };
        self.speak(random, talk, kind);
    }

    fn speak(&mut self, random: &mut Random, mut talk: Talk, kind: Kind) {
        if kind == Kind::Modbus {
            talk.name.unit = Some(1 + u16::try_from(random.below(3)).unwrap());
        }
        let answered = talk.server.is_some() && !random.percent(8);
        let mut exchanges = kind.exchanges(random, &talk);
        let style = if matches!(kind, Kind::Modbus | Kind::S7) { random.below(8) } else { 7 };
        if style == 0 {
            exchanges = in_pairs(exchanges);
        }
        let cut = style == 1;
        let of = self.talks.len();
        let mut numbers = [1_000_u32, 5_000];
        let mut said =
            Said { talk: &talk, of, numbers: &mut numbers, frames: &mut self.frames, shows: self.shows, cut };
        if talk.name.transport == "tcp" {
            said.segment(false, SYN, &[], None, &[]);
            said.segment(true, SYN | ACK, &[], None, &[]);
            said.segment(false, ACK, &[], None, &[]);
        }
        for (n, (verbs, [asked, answer])) in exchanges.iter().enumerate() {
            said.say(false, asked, n, verbs);
            if answered {
                said.say(true, answer, n, verbs);
            }
        }
        self.talks.push(talk);
    }
}

/// Reads that follow each other, asked for by two in one segment.
fn in_pairs(exchanges: Vec<Exchange>) -> Vec<Exchange> {
    let mut paired: Vec<Exchange> = Vec::new();
    let mut single = false;
    for (verbs, parts) in exchanges {
        match paired.last_mut() {
            Some((before, said)) if single && verbs == ["read"] && *before == ["read"] => {
                for (said, part) in said.iter_mut().zip(parts) {
                    said.extend(part);
                }
                single = false;
            }
            _ => {
                paired.push((verbs, parts));
                single = true;
            }
        }
    }
    paired
}

/// Frames of one conversation being made.
struct Said<'a> {
    talk: &'a Talk,
    of: usize,
    numbers: &'a mut [u32; 2],
    frames: &'a mut Vec<Frame>,
    shows: Shows,
    /// Whether every request comes in two segments.
    cut: bool,
}

impl Said<'_> {
    fn say(&mut self, answers: bool, data: &[u8], exchange: usize, verbs: &'static [&'static str]) {
        if self.talk.name.transport == "tcp" {
            let cut = if self.cut && !answers { data.len() / 2 } else { 0 };
            for part in [&data[..cut], &data[cut..]].into_iter().filter(|part| !part.is_empty()) {
                self.segment(answers, PUSH | ACK, part, Some((exchange, answers)), verbs);
            }
            return;
        }
        let way = self.way(answers);
        let octets = octets::udp(&way.around, way.ends, data);
        self.put(octets, Some((exchange, answers)), verbs, way);
    }

    fn segment(
        &mut self,
        answers: bool,
        flags: u8,
        data: &[u8],
        exchange: Option<(usize, bool)>,
        verbs: &'static [&'static str],
    ) {
        let way = self.way(answers);
        let (own, other) = (usize::from(answers), usize::from(!answers));
        let acknowledged = if flags & ACK == 0 { 0 } else { self.numbers[other] };
        let octets = octets::tcp(&way.around, way.ends, [self.numbers[own], acknowledged], flags, data);
        self.numbers[own] += u32::try_from(data.len()).unwrap() + u32::from(flags & SYN != 0);
        self.put(octets, exchange, verbs, way);
    }

    fn put(
        &mut self,
        octets: Vec<u8>,
        exchange: Option<(usize, bool)>,
        verbs: &'static [&'static str],
        way: Way,
    ) {
        let Way { around: Around { mark, .. }, passage, leaves, cell, .. } = way;
        self.frames.push(Frame { octets, of: self.of, exchange, verbs, passage, leaves, cell, mark });
    }

    /// Whether the rules for routed packets are shown what is bridged.
    fn shown(&self) -> bool {
        match self.talk.tags.len() {
            0 => self.shows.plain,
            1 => self.shows.plain && self.shows.tagged,
            _ => false,
        }
    }

    /// Who sends what to whom, and which way it goes, as it is seen where it comes in.
    fn way(&self, answers: bool) -> Way {
        let Talk { name, client, server, client_port, tags, options, .. } = self.talk;
        let client_end = End { address: name.client.parse().unwrap(), port: *client_port };
        let server_end = End { address: name.server.parse().unwrap(), port: name.port };
        let (from, to, ends) = if answers {
            (server.as_ref().unwrap(), Some(client), (server_end, client_end))
        } else {
            (client, server.as_ref(), (client_end, server_end))
        };
        let is_port = |at: &str| PORTS.contains(&at);
        let (destination, passage, leaves) = match to {
            None if is_port(from.at) => {
                let others = PORTS.into_iter().filter(|port| *port != from.at).collect();
                (GROUP_MAC, Passage::Bridged(from.at.into(), self.shown()), others)
            }
            None => (GROUP_MAC, Passage::Beside, Vec::new()),
            Some(to) if to.at == from.at => (to.mac, Passage::Beside, Vec::new()),
            Some(to) if is_port(from.at) && is_port(to.at) => {
                (to.mac, Passage::Bridged(from.at.into(), self.shown()), vec![to.at])
            }
            Some(to) => {
                let mut devices = vec![from.at.to_owned()];
                let network = if is_port(from.at) { BRIDGE } else { from.at };
                devices.extend(is_port(from.at).then(|| BRIDGE.to_owned()));
                (gateway_mac(network), Passage::Routed(devices), vec![to.at])
            }
        };
        let around = Around {
            source: from.mac,
            destination,
            tags: tags.clone(),
            options: *options,
            mark: u16::try_from(self.frames.len() + 1).unwrap(),
        };
        let cell = match to {
            Some(to) if from.at != CELL && to.at == CELL => Some((gateway_mac(CELL), to.mac)),
            _ => (from.at == CELL).then_some((from.mac, destination)),
        };
        Way { around, ends, passage, leaves, cell }
    }
}

/// Who sends to whom, and which way it goes.
struct Way {
    around: Around,
    ends: (End, End),
    passage: Passage,
    leaves: Vec<&'static str>,
    cell: Option<(Mac, Mac)>,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Modbus,
    S7,
    /// Nothing known, over TCP and over UDP.
    Stream,
    Datagrams,
    /// Over UDP with the server's port on both sides, as BACnet/IP and many others do.
    SamePorts,
}

type Exchange = (&'static [&'static str], [Vec<u8>; 2]);

impl Kind {
    fn random(random: &mut Random) -> Self {
        random.one(&[
            Self::Modbus,
            Self::Modbus,
            Self::Modbus,
            Self::S7,
            Self::S7,
            Self::Stream,
            Self::Datagrams,
            Self::SamePorts,
        ])
    }

    const fn protocol(self) -> &'static str {
        match self {
            Self::Modbus => "modbus",
            Self::S7 => "s7comm",
            Self::Stream => "tcp",
            Self::Datagrams | Self::SamePorts => "udp",
        }
    }

    fn exchanges(self, random: &mut Random, talk: &Talk) -> Vec<Exchange> {
        let count = 2 + random.below(5);
        // Who only reads, who only writes, and who does everything.
        let reads = random.below(3);
        match self {
            Self::Modbus => (0..count)
                .map(|n| {
                    let read = random.one(&[1_u8, 2, 3, 4]);
                    let other = random.one(&[5_u8, 6, 8, 16, 22, 23, 24, 43]);
                    let function = match reads {
                        0 => read,
                        1 => other,
                        _ => random.one(&[read, other]),
                    };
                    let unit = u8::try_from(talk.name.unit.unwrap()).unwrap();
                    let transaction = u16::try_from(n + 1).unwrap();
                    (octets::modbus_verbs(function), octets::modbus(transaction, unit, function))
                })
                .collect(),
            Self::S7 => {
                let mut all: Vec<Exchange> = vec![];
                let [connect, set_up] = octets::s7_begins();
                all.push((&[], connect));
                all.push((&["associate"], set_up));
                for n in 0..count {
                    let read = S7Job::Read(1 + u8::try_from(random.below(20)).unwrap());
                    let other = random.one(&[S7Job::Write, S7Job::Write, S7Job::Stop]);
                    let job = match reads {
                        0 => read,
                        1 => other,
                        _ => random.one(&[read, other]),
                    };
                    let verbs: &[&str] = match job {
                        S7Job::Read(_) => &["read"],
                        S7Job::Write => &["write"],
                        S7Job::Stop => &["mode"],
                    };
                    all.push((verbs, octets::s7_job(u16::try_from(n + 2).unwrap(), job)));
                }
                all
            }
            Self::Stream | Self::Datagrams | Self::SamePorts => (0..count)
                .map(|_| {
                    let mut noise =
                        || (0..20).map(|_| 0xb0 | u8::try_from(random.below(16)).unwrap()).collect();
                    let exchange: Exchange = (&[], [noise(), noise()]);
                    exchange
                })
                .collect(),
        }
    }
}
