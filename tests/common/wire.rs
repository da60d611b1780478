//! Conversations written as captures: octets in TCP, UDP or nothing, between one client and one server.

/// How the frames of a conversation travel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Carried {
    /// By this protocol of IP (6, 17), to this port of the server.
    Ip(u8, u16),
    /// As whole frames of this link type.
    Link(u32),
}

/// What is said, and whether the server says it, as a capture; and the number that each has in it.
pub(crate) fn capture(carried: Carried, parts: &[(bool, Vec<u8>)]) -> (Vec<u8>, Vec<u64>) {
    let (packets, numbers) = packets(carried, parts);
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, link(carried)] {
        out.extend(word.to_le_bytes());
    }
    for (packet, second) in packets.iter().zip(START..) {
        let length = u32::try_from(packet.len()).unwrap();
        for word in [second, 0, length, length] {
            out.extend(word.to_le_bytes());
        }
        out.extend(packet);
    }
    (out, numbers)
}

/// The second of the first packet; one a second follows.
pub(crate) const START: u32 = 1_767_323_045;

/// The link type of the packets.
pub(crate) const fn link(carried: Carried) -> u32 {
    if let Carried::Link(link) = carried { link } else { 1 }
}

/// The same as packets.
pub(crate) fn packets(carried: Carried, parts: &[(bool, Vec<u8>)]) -> (Vec<Vec<u8>>, Vec<u64>) {
    let mut talk = Talk::default();
    let mut packets = if let Carried::Ip(6, port) = carried { talk.handshake(port) } else { Vec::new() };
    let mut numbers = Vec::new();
    for (answers, octets) in parts {
        packets.push(match carried {
            Carried::Ip(6, port) => talk.segment(port, *answers, PUSH | ACK, octets),
            Carried::Ip(_, port) => talk.datagram(port, *answers, octets),
            Carried::Link(_) => octets.clone(),
        });
        numbers.push(packets.len() as u64);
    }
    (packets, numbers)
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
