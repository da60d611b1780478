//! Frames: Ethernet, ARP, IPv4, TCP and UDP with the checksums and identifications that real stacks send.

/// Who speaks.
#[derive(Clone, Copy)]
pub(super) struct Host {
    pub(super) mac: [u8; 6],
    pub(super) address: [u8; 4],
    pub(super) time_to_live: u8,
}

impl Host {
    /// The `number`th host of a network `10.network.x.y`, by a maker of network cards.
    pub(super) const fn new(network: u8, number: u32, maker: [u8; 3], time_to_live: u8) -> Self {
        let [_, _, high, low] = (number / 250 * 256 + number % 250 + 1).to_be_bytes();
        let [_, a, b, c] = (number + 1).to_be_bytes();
        let [m, n, o] = maker;
        Self { mac: [m, n, o, a, b, c], address: [10, network, high, low], time_to_live }
    }
}

/// Frames of one talker or conversation that wait for their turn, in the order of time.
#[derive(Default)]
pub(super) struct Burst {
    octets: Vec<u8>,
    /// When each was sent, and where it ends.
    frames: Vec<(u64, usize)>,
    next: usize,
    start: usize,
}

/// The shortest Ethernet frame, without its check sequence (IEEE 802.3, 4A.4.2).
const MIN_FRAME_OCTETS: usize = 60;

impl Burst {
    /// When the next frame was sent.
    pub(super) fn due(&self) -> Option<u64> {
        self.frames.get(self.next).map(|(time, _)| *time)
    }

    /// Frames prepared since it was cleared.
    pub(super) const fn len(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Takes the next frame out.
    pub(super) fn take(&mut self) -> Option<(u64, &[u8])> {
        let (time, end) = *self.frames.get(self.next)?;
        self.next += 1;
        let start = std::mem::replace(&mut self.start, end);
        Some((time, self.octets.get(start..end)?))
    }

    /// Forgets what was taken.
    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.frames.clear();
        (self.next, self.start) = (0, 0);
    }

    fn begin(&self) -> usize {
        self.frames.last().map_or(0, |(_, end)| *end)
    }

    fn ethernet(&mut self, from: &Host, to: [u8; 6], kind: u16) {
        self.octets.extend(to);
        self.octets.extend(from.mac);
        self.octets.extend(kind.to_be_bytes());
    }

    fn end(&mut self, time: u64) {
        let shortest = self.begin() + MIN_FRAME_OCTETS;
        if self.octets.len() < shortest {
            self.octets.resize(shortest, 0);
        }
        self.frames.push((time, self.octets.len()));
    }

    /// An IPv4 header without options (RFC 791, 3.1), not to be fragmented.
    fn ipv4(&mut self, from: &Host, to: &Host, id: u16, protocol: u8, payload: usize) {
        let total = length(20 + payload);
        let mut sum = Sum::default();
        sum.words(&[0x4500, total, id, 0x4000, u16::from_be_bytes([from.time_to_live, protocol])]);
        sum.octets(&from.address);
        sum.octets(&to.address);
        let checksum = sum.finish();
        for word in [0x4500, total, id, 0x4000, u16::from_be_bytes([from.time_to_live, protocol]), checksum] {
            self.octets.extend(word.to_be_bytes());
        }
        self.octets.extend(from.address);
        self.octets.extend(to.address);
    }

    /// A UDP datagram (RFC 768).
    pub(super) fn udp(
        &mut self,
        time: u64,
        (from, from_port): (&Host, u16),
        (to, to_port): (&Host, u16),
        id: u16,
        data: &[u8],
    ) {
        self.ethernet(from, to.mac, 0x0800);
        self.ipv4(from, to, id, 17, 8 + data.len());
        let octets = length(8 + data.len());
        let mut sum = Sum::pseudo_header(from, to, 17, octets);
        sum.words(&[from_port, to_port, octets]);
        sum.octets(data);
        // A sum of zero is sent as all ones: zero says that there is none.
        let checksum = Some(sum.finish()).filter(|sum| *sum != 0).unwrap_or(u16::MAX);
        for word in [from_port, to_port, octets, checksum] {
            self.octets.extend(word.to_be_bytes());
        }
        self.octets.extend(data);
        self.end(time);
    }

    /// A request for the hardware address of `wanted` (RFC 826).
    pub(super) fn arp_request(&mut self, time: u64, from: &Host, wanted: [u8; 4]) {
        self.ethernet(from, [0xff; 6], 0x0806);
        self.octets.extend([0, 1, 8, 0, 6, 4, 0, 1]);
        self.octets.extend(from.mac);
        self.octets.extend(from.address);
        self.octets.extend([0; 6]);
        self.octets.extend(wanted);
        self.end(time);
    }
}

/// One side of a TCP connection.
#[derive(Clone, Copy)]
pub(super) struct Side {
    pub(super) host: Host,
    pub(super) port: u16,
    /// The next octet it sends.
    pub(super) sequence: u32,
    /// Counted per connection, as Linux does.
    pub(super) id: u16,
    pub(super) window: u16,
}

/// A TCP connection as both ends keep it.
pub(super) struct Connection {
    pub(super) client: Side,
    pub(super) server: Side,
}

/// Who sends a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Client,
    Server,
}

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const PUSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

/// Maximum segment size 1,460 (RFC 9293, 3.7.1), selective acknowledgements permitted (RFC 2018).
const SYN_OPTIONS: [u8; 8] = [2, 4, 0x05, 0xb4, 4, 2, 1, 1];

impl Connection {
    /// A segment (RFC 9293, 3.1), with the next sequence number and everything heard acknowledged.
    pub(super) fn segment(&mut self, burst: &mut Burst, time: u64, sender: From, flags: u8, data: &[u8]) {
        let (from, to) = match sender {
            From::Client => (&mut self.client, &mut self.server),
            From::Server => (&mut self.server, &mut self.client),
        };
        let acknowledged = if flags & ACK == 0 { 0 } else { to.sequence };
        put(burst, time, from, to, acknowledged, flags, data);
        let control = u32::from(flags & (SYN | FIN) != 0);
        from.sequence = from.sequence.wrapping_add(u32::from(length(data.len())) + control);
    }

    /// A keep-alive of the client and its answer (RFC 9293, 3.8.4): the octet before the next, empty.
    pub(super) fn keep_alive(&mut self, burst: &mut Burst, time: u64, answered: u64) {
        let mut before = self.client;
        before.sequence = before.sequence.wrapping_sub(1);
        put(burst, time, &mut before, &self.server, self.server.sequence, ACK, &[]);
        self.client.id = before.id;
        self.segment(burst, answered, From::Server, ACK, &[]);
    }

    /// The three segments that open it; when it is open.
    pub(super) fn open(&mut self, burst: &mut Burst, time: u64, answer: u64) -> u64 {
        self.segment(burst, time, From::Client, SYN, &[]);
        self.segment(burst, time + answer, From::Server, SYN | ACK, &[]);
        let open = time + answer + 50_000;
        self.segment(burst, open, From::Client, ACK, &[]);
        open
    }

    /// The three segments that close it; when it is closed.
    pub(super) fn close(&mut self, burst: &mut Burst, time: u64, answer: u64) -> u64 {
        self.segment(burst, time, From::Client, FIN | ACK, &[]);
        self.segment(burst, time + answer, From::Server, FIN | ACK, &[]);
        let closed = time + answer + 50_000;
        self.segment(burst, closed, From::Client, ACK, &[]);
        closed
    }
}

fn put(burst: &mut Burst, time: u64, from: &mut Side, to: &Side, acknowledged: u32, flags: u8, data: &[u8]) {
    let options: &[u8] = if flags & SYN == 0 { &[] } else { &SYN_OPTIONS };
    let octets = 20 + options.len() + data.len();
    from.id = from.id.wrapping_add(1);
    burst.ethernet(&from.host, to.host.mac, 0x0800);
    burst.ipv4(&from.host, &to.host, from.id, 6, octets);
    let [s1, s2, s3, s4] = from.sequence.to_be_bytes();
    let [a1, a2, a3, a4] = acknowledged.to_be_bytes();
    let header_words: u8 = if options.is_empty() { 5 } else { 7 };
    let words = [
        from.port,
        to.port,
        u16::from_be_bytes([s1, s2]),
        u16::from_be_bytes([s3, s4]),
        u16::from_be_bytes([a1, a2]),
        u16::from_be_bytes([a3, a4]),
        u16::from_be_bytes([header_words << 4, flags]),
        from.window,
    ];
    let mut sum = Sum::pseudo_header(&from.host, &to.host, 6, length(octets));
    sum.words(&words);
    sum.octets(options);
    sum.octets(data);
    for word in words {
        burst.octets.extend(word.to_be_bytes());
    }
    burst.octets.extend(sum.finish().to_be_bytes());
    burst.octets.extend([0, 0]);
    burst.octets.extend(options);
    burst.octets.extend(data);
    burst.end(time);
}

/// The checksum of RFC 1071, being made. Pieces but the last have an even number of octets.
#[derive(Default)]
struct Sum(u64);

impl Sum {
    fn pseudo_header(from: &Host, to: &Host, protocol: u8, octets: u16) -> Self {
        let mut sum = Self::default();
        sum.octets(&from.address);
        sum.octets(&to.address);
        sum.words(&[u16::from(protocol), octets]);
        sum
    }

    fn words(&mut self, words: &[u16]) {
        self.0 += words.iter().copied().map(u64::from).sum::<u64>();
    }

    fn octets(&mut self, octets: &[u8]) {
        let (words, odd) = octets.as_chunks();
        self.0 += words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
        self.0 += odd.first().map_or(0, |octet| u64::from(*octet) << 8);
    }

    fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let [low, high, ..] = sum.to_le_bytes();
        !u16::from_le_bytes([low, high])
    }
}

/// A length as headers carry it; nothing generated here is longer.
fn length(octets: usize) -> u16 {
    u16::try_from(octets).unwrap_or(u16::MAX)
}
