//! The office beside the plant: people's machines that fetch pages (HTTP), talk to clouds (TLS 1.3), ask for names (DNS)
//! and set their clocks (NTP).

use super::{
    Truth,
    random::Random,
    wire::{ACK, Burst, Connection, From, Host, PUSH, Side},
};

/// The largest segment on Ethernet.
const SEGMENT_OCTETS: usize = 1_460;
const SERVERS: u64 = 20;
/// Shares of what a machine does, in a hundred.
const HTTP: u64 = 25;
const TLS: u64 = 60;
const DNS: u64 = 95;

/// A machine of the office.
pub(super) struct Machine {
    host: Host,
    port: u16,
    next: u64,
    /// Between the starts of two things that it does.
    gap: u64,
}

impl Machine {
    pub(super) const fn new(number: u32, start: u64, gap: u64) -> Self {
        Self { host: Host::new(20, number, [0x3c, 0x52, 0x82], 128), port: 1_024, next: start, gap }
    }

    /// When it sends its first frame.
    pub(super) const fn started(&self) -> u64 {
        self.next
    }

    /// Does one thing from its first frame to the last.
    pub(super) fn go_on(&mut self, random: &mut Random, truth: &mut Truth, burst: &mut Burst) {
        self.port = if self.port >= 64_000 { 1_024 } else { self.port + 1 };
        let [number, ..] = random.between(1, SERVERS).to_le_bytes();
        let mut talk = Talk { burst, random, time: self.next };
        let end = match talk.random.between(0, 99) {
            0..HTTP => {
                truth.http += 1;
                talk.http(self.host, self.port, server(number))
            }
            HTTP..TLS => {
                truth.tls += 1;
                talk.tls(self.host, self.port, server(number))
            }
            TLS..DNS => {
                truth.dns += 1;
                talk.dns(self.host, self.port)
            }
            _ => {
                truth.ntp += 1;
                talk.ntp(self.host)
            }
        };
        self.next = (self.next + self.gap + talk.random.between(0, self.gap / 4)).max(end + 1);
    }
}

fn server(number: u8) -> Host {
    Host::new(30, u32::from(number), [0x00, 0x50, 0x56], 64)
}

/// What is said, and the time at which it is.
struct Talk<'a> {
    burst: &'a mut Burst,
    random: &'a mut Random,
    time: u64,
}

impl Talk<'_> {
    fn wait(&mut self, least_micros: u64, most_micros: u64) -> u64 {
        self.time += self.random.between(least_micros * 1_000, most_micros * 1_000);
        self.time
    }

    fn open(&mut self, client: Host, port: u16, server: Host, server_port: u16) -> Connection {
        let mut side = |host, port| Side {
            host,
            port,
            sequence: self.random.long(),
            id: self.random.word(),
            window: 64_240,
        };
        let mut connection = Connection { client: side(client, port), server: side(server, server_port) };
        let answer = self.random.between(200_000, 900_000);
        self.time = connection.open(self.burst, self.time, answer);
        connection
    }

    fn close(&mut self, connection: &mut Connection) -> u64 {
        let time = self.wait(500, 5_000);
        let answer = self.random.between(100_000, 500_000);
        connection.close(self.burst, time, answer)
    }

    /// Data in segments, every second one and the last acknowledged.
    fn send(&mut self, connection: &mut Connection, sender: From, data: &[u8]) {
        let other = if sender == From::Client { From::Server } else { From::Client };
        let mut pieces = data.chunks(SEGMENT_OCTETS).enumerate().peekable();
        while let Some((n, piece)) = pieces.next() {
            let is_last = pieces.peek().is_none();
            let time = self.wait(10, 40);
            connection.segment(self.burst, time, sender, if is_last { PUSH | ACK } else { ACK }, piece);
            if n % 2 == 1 || is_last {
                let time = self.wait(5, 20);
                connection.segment(self.burst, time, other, ACK, &[]);
            }
        }
    }

    fn http(&mut self, client: Host, port: u16, server: Host) -> u64 {
        let mut connection = self.open(client, port, server, 80);
        for _ in 0..self.random.between(1, 3) {
            let page = self.random.between(1, 9_999);
            let request = format!(
                "GET /static/{}/page{page}.html HTTP/1.1\r\nHost: intranet.plant.example\r\nUser-Agent: Mozilla/5.0 \
                 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: text/html,*/*;q=0.8\r\n\
                 Accept-Encoding: identity\r\nConnection: keep-alive\r\n\r\n",
                page % 97
            );
            self.wait(50, 2_000);
            self.send(&mut connection, From::Client, request.as_bytes());
            let body = usize::from(self.random.word_between(200, 24_000));
            let mut response = format!(
                "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/html; charset=utf-8\r\n\
                 Content-Length: {body}\r\nConnection: keep-alive\r\n\r\n"
            )
            .into_bytes();
            let text = b"<p>the line stood still for want of caps; the shift before had said so</p>\n";
            response.extend(text.iter().cycle().take(body));
            self.wait(500, 9_000);
            self.send(&mut connection, From::Server, &response);
        }
        self.close(&mut connection)
    }

    /// A TLS 1.3 handshake and some records (RFC 8446): their outer shape, with random octets for what is encrypted.
    fn tls(&mut self, client: Host, port: u16, server: Host) -> u64 {
        let mut connection = self.open(client, port, server, 443);
        let mut hello = Vec::new();
        self.hello(1, &mut hello);
        self.send(&mut connection, From::Client, &hello);
        self.wait(300, 2_000);
        let mut answer = Vec::new();
        self.hello(2, &mut answer);
        answer.extend([20, 3, 3, 0, 1, 1]);
        self.record(900, &mut answer);
        self.send(&mut connection, From::Server, &answer);
        self.wait(50, 300);
        let mut finished = vec![20, 3, 3, 0, 1, 1];
        self.record(53, &mut finished);
        self.send(&mut connection, From::Client, &finished);
        for _ in 0..self.random.between(1, 4) {
            self.wait(200, 20_000);
            let mut request = Vec::new();
            let octets = self.random.word_between(80, 700);
            self.record(octets, &mut request);
            self.send(&mut connection, From::Client, &request);
            self.wait(500, 9_000);
            let mut response = Vec::new();
            for _ in 0..self.random.between(0, 11) {
                self.record(1_455, &mut response);
            }
            let octets = self.random.word_between(40, 1_455);
            self.record(octets, &mut response);
            self.send(&mut connection, From::Server, &response);
        }
        self.close(&mut connection)
    }

    /// A client's (1) or server's (2) hello in its record, with the extension that names version 1.3.
    fn hello(&mut self, kind: u8, out: &mut Vec<u8>) {
        let mut body = vec![3, 3];
        self.random.octets(&mut body, 32);
        body.push(32);
        self.random.octets(&mut body, 32);
        if kind == 1 {
            body.extend([0, 6, 0x13, 0x01, 0x13, 0x02, 0xc0, 0x2f, 1, 0]);
            body.extend([0, 7, 0, 43, 0, 3, 2, 3, 4]);
        } else {
            body.extend([0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
        }
        let length = u16::try_from(body.len()).unwrap_or_default();
        out.extend([22, 3, 3]);
        out.extend((length + 4).to_be_bytes());
        out.extend([kind, 0]);
        out.extend(length.to_be_bytes());
        out.extend(body);
    }

    /// A record of application data.
    fn record(&mut self, octets: u16, out: &mut Vec<u8>) {
        out.extend([23, 3, 3]);
        out.extend(octets.to_be_bytes());
        self.random.octets(out, usize::from(octets));
    }

    /// A name asked for and told (RFC 1035, 4).
    fn dns(&mut self, client: Host, port: u16) -> u64 {
        let resolver = server(0);
        let (id, number) = (self.random.word(), self.random.between(1_000, 9_999));
        let mut question = Vec::from(id.to_be_bytes());
        question.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 8]);
        question.extend(format!("host{number}").as_bytes());
        question.extend(b"\x05plant\x07example\0\0\x01\0\x01");
        let mut answer = Vec::from(id.to_be_bytes());
        answer.extend([0x81, 0x80, 0, 1, 0, 1]);
        answer.extend(question.iter().skip(8));
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 10, 1]);
        answer.extend(self.random.word().to_be_bytes());
        self.exchange((client, port), (resolver, 53), &question, &answer)
    }

    /// The time asked for and told (RFC 5905, 7.3).
    fn ntp(&mut self, client: Host) -> u64 {
        let mut request = vec![0x23];
        request.resize(40, 0);
        self.random.octets(&mut request, 8);
        let mut response = vec![0x24, 2, 6, 0xe9];
        response.resize(16, 0);
        self.random.octets(&mut response, 32);
        self.exchange((client, 123), (server(1), 123), &request, &response)
    }

    fn exchange(
        &mut self,
        (client, port): (Host, u16),
        (server, server_port): (Host, u16),
        request: &[u8],
        response: &[u8],
    ) -> u64 {
        let (one, two) = (self.random.word(), self.random.word());
        self.burst.udp(self.time, (&client, port), (&server, server_port), one, request);
        let time = self.wait(200, 4_000);
        self.burst.udp(time, (&server, server_port), (&client, port), two, response);
        time
    }
}
