//! Frames as octets: Ethernet, VLAN tags, IPv4 and IPv6, TCP and UDP, with the checksums that routers look at; and what is said
//! in them.

use std::net::IpAddr;

pub(crate) type Mac = [u8; 6];

/// One end of a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
}

/// What is around the transport.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    pub(crate) source: Mac,
    pub(crate) destination: Mac,
    /// VLAN tags, outermost first: type and VLAN.
    pub(crate) tags: Vec<(u16, u16)>,
    /// Octets of IPv4 options, a multiple of four.
    pub(crate) options: usize,
    /// Told again by whatever arrives: the identification of IPv4, the flow label of IPv6.
    pub(crate) mark: u16,
}

pub(crate) const SYN: u8 = 2;
pub(crate) const PUSH: u8 = 8;
pub(crate) const ACK: u8 = 16;

/// A TCP segment (RFC 9293, 3.1) in its frame.
pub(crate) fn tcp(
    around: &Around,
    (from, to): (End, End),
    numbers: [u32; 2],
    flags: u8,
    data: &[u8],
) -> Vec<u8> {
    let mut segment = [from.port.to_be_bytes(), to.port.to_be_bytes()].concat();
    segment.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    segment.extend([5 << 4, flags, 0x20, 0, 0, 0, 0, 0]);
    segment.extend(data);
    internet(around, from.address, to.address, 6, 16, segment)
}

/// A UDP datagram (RFC 768) in its frame.
pub(crate) fn udp(around: &Around, (from, to): (End, End), data: &[u8]) -> Vec<u8> {
    let mut datagram = [from.port.to_be_bytes(), to.port.to_be_bytes()].concat();
    datagram.extend(u16::try_from(8 + data.len()).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(data);
    internet(around, from.address, to.address, 17, 6, datagram)
}

fn internet(
    around: &Around,
    from: IpAddr,
    to: IpAddr,
    carried: u8,
    sum_at: usize,
    mut body: Vec<u8>,
) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let mut summed = Vec::new();
    for address in [from, to] {
        match address {
            IpAddr::V4(address) => summed.extend(address.octets()),
            IpAddr::V6(address) => summed.extend(address.octets()),
        }
    }
    let addresses = summed.clone();
    summed.extend([0, carried]);
    summed.extend(length.to_be_bytes());
    summed.extend(&body);
    body[sum_at..sum_at + 2].copy_from_slice(&checksum(&summed));
    let mut frame = [around.destination, around.source].concat();
    for (kind, vlan) in &around.tags {
        frame.extend([kind.to_be_bytes(), vlan.to_be_bytes()].concat());
    }
    if from.is_ipv4() {
        let words = u8::try_from(5 + around.options / 4).unwrap();
        let mut header = vec![0x40 | words, 0];
        header.extend((u16::from(words) * 4 + length).to_be_bytes());
        header.extend(around.mark.to_be_bytes());
        header.extend([0x40, 0, 64, carried, 0, 0]);
        header.extend(addresses);
        // Options that do nothing (RFC 791, 3.1).
        header.extend(vec![1; around.options]);
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum);
        frame.extend([0x08, 0x00]);
        frame.extend(header);
    } else {
        frame.extend([0x86, 0xdd, 0x60, 0]);
        frame.extend(around.mark.to_be_bytes());
        frame.extend(length.to_be_bytes());
        frame.extend([carried, 64]);
        frame.extend(addresses);
    }
    frame.extend(body);
    frame
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

/// A Modbus request and its answer (MBAP, then a PDU).
pub(crate) fn modbus(transaction: u16, unit: u8, function: u8) -> [Vec<u8>; 2] {
    let (asked, answered): (&[u8], &[u8]) = match function {
        1 | 2 => (&[0, 0, 0, 8], &[1, 5]),
        3 | 4 => (&[0, 0, 0, 2], &[4, 0, 7, 0, 9]),
        5 => (&[0, 1, 0xff, 0], &[0, 1, 0xff, 0]),
        6 => (&[0, 1, 0, 7], &[0, 1, 0, 7]),
        8 => (&[0, 0, 1, 2], &[0, 0, 1, 2]),
        16 => (&[0, 1, 0, 1, 2, 0, 7], &[0, 1, 0, 1]),
        22 => (&[0, 1, 0, 0xf2, 0, 0x25], &[0, 1, 0, 0xf2, 0, 0x25]),
        23 => (&[0, 3, 0, 1, 0, 14, 0, 1, 2, 0, 7], &[2, 0, 9]),
        24 => (&[0, 1], &[0, 4, 0, 1, 0, 7]),
        43 => (&[14, 1, 0], &[14, 1, 1, 0, 0, 1, 0, 1, b'x']),
        _ => panic!("no function {function} here"),
    };
    [asked, answered].map(|data| {
        let mut adu = transaction.to_be_bytes().to_vec();
        adu.extend([0, 0]);
        adu.extend(u16::try_from(2 + data.len()).unwrap().to_be_bytes());
        adu.extend([unit, function]);
        adu.extend(data);
        adu
    })
}

/// What functions are called by the product: one request may do two things.
pub(crate) fn modbus_verbs(function: u8) -> &'static [&'static str] {
    match function {
        1..=4 | 24 => &["read"],
        5 | 6 | 16 | 22 => &["write"],
        8 => &["diagnose"],
        23 => &["read", "write"],
        43 => &["discover"],
        _ => panic!("no function {function} here"),
    }
}

/// What S7 begins with: connection and set-up, each with its answer.
pub(crate) fn s7_begins() -> [[Vec<u8>; 2]; 2] {
    let connect = [
        vec![3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2, 0xc0, 1, 10],
        vec![3, 0, 0, 22, 17, 0xd0, 0, 1, 0, 1, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2],
    ];
    let set_up = [0xf0, 0, 0, 1, 0, 1, 1, 0xe0];
    [connect, [s7(1, 1, &set_up, &[]), s7(3, 1, &set_up, &[])]]
}

/// A job that reads so many items, writes one, or stops the controller; and its answer.
pub(crate) fn s7_job(reference: u16, job: S7Job) -> [Vec<u8>; 2] {
    const ITEM: [u8; 12] = [0x12, 10, 0x10, 2, 0, 1, 0, 1, 0x84, 0, 0, 0];
    match job {
        S7Job::Read(items) => {
            let parameters = [vec![4, items], ITEM.repeat(items.into())].concat();
            let mut data = [0xff, 4, 0, 8, 7, 0].repeat(items.into());
            // The last item is not padded.
            data.pop();
            [s7(1, reference, &parameters, &[]), s7(3, reference, &[4, items], &data)]
        }
        S7Job::Write => {
            let parameters = [vec![5, 1], ITEM.to_vec()].concat();
            [s7(1, reference, &parameters, &[0, 4, 0, 8, 7]), s7(3, reference, &[5, 1], &[0xff])]
        }
        S7Job::Stop => {
            let parameters = [&[0x29, 0, 0, 0, 0, 0, 9][..], b"P_PROGRAM"].concat();
            [s7(1, reference, &parameters, &[]), s7(3, reference, &[0x29], &[])]
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum S7Job {
    Read(u8),
    Write,
    Stop,
}

/// TPKT, COTP data, S7 header: kind 1 asks and 3 answers.
fn s7(kind: u8, reference: u16, parameters: &[u8], data: &[u8]) -> Vec<u8> {
    let word = |number: usize| u16::try_from(number).unwrap().to_be_bytes();
    let error: &[u8] = if kind == 3 { &[0, 0] } else { &[] };
    let mut pdu = vec![2, 0xf0, 0x80, 0x32, kind, 0, 0];
    pdu.extend(reference.to_be_bytes());
    pdu.extend(word(parameters.len()));
    pdu.extend(word(data.len()));
    pdu.extend([error, parameters, data].concat());
    [&[3, 0][..], &word(pdu.len() + 4), &pdu].concat()
}
