//! A day on which one destination of five is down: the others hear everything in time, and it hears everything when it is back.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Read, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{Timestamp, section::Content};
use fieldwarden_response::{
    forward::Destination,
    outbox::{Outbox, Pace},
    store::Store,
};

use crate::{collector, files::destinations, parse, pki, sample};

/// Incidents of a full run, as the issue of them states, and of a quick one.
const INCIDENTS: [u32; 2] = [10_000, 1_500];
/// What the healthy ones may take.
const P99: Duration = Duration::from_secs(2);
/// What the one that is back must keep to, a second: of a full run, and of a quick one, beside which others run unoptimised on two
/// processors.
const PER_SECOND: [u128; 2] = [500, 100];
/// What the process may grow by meanwhile, in octets: a backlog stays on the disk.
const GROWTH: u64 = 48 * 1024 * 1024;

/// When each incident arrived first, and in which order.
type Arrivals = (HashMap<String, Instant>, Vec<String>);

/// What one destination heard.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Arrivals>>);

impl Heard {
    fn note(&self, id: &str) {
        let (first, order) = &mut *self.0.lock().unwrap();
        if !first.contains_key(id) {
            first.insert(id.to_owned(), Instant::now());
            order.push(id.to_owned());
        }
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().1.len()
    }

    /// Octet-counted messages until the connection ends.
    fn frames(&self, stream: &mut impl Read) {
        let (mut held, mut buffer) = (Vec::new(), [0; 16_384]);
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            held.extend_from_slice(&buffer[..length]);
            while let Some(space) = held.iter().position(|octet| *octet == b' ') {
                let count: usize = std::str::from_utf8(&held[..space]).unwrap().parse().unwrap();
                if held.len() <= space + count {
                    break;
                }
                self.note(parse::message(&held[space + 1..=space + count]).unwrap().parameter("id"));
                held.drain(..=space + count);
            }
        }
    }

    /// Requests until the connection ends.
    fn requests(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut length, mut key) = (0, String::new());
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                let line = line.trim_end().to_lowercase();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                if let Some(value) = line.strip_prefix("idempotency-key: ") {
                    value.split(':').next().unwrap().clone_into(&mut key);
                }
                if line.is_empty() {
                    break;
                }
            }
            if stream.read_exact(&mut vec![0; length]).is_err() {
                return;
            }
            self.note(&key);
            if stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
                return;
            }
        }
    }

    /// Lines as they are written.
    fn follow(&self, path: PathBuf) {
        let heard = self.clone();
        thread::spawn(move || {
            let mut at = 0;
            loop {
                let text = fs::read_to_string(&path).unwrap_or_default();
                while let Some(end) = text.get(at..).and_then(|rest| rest.find('\n')) {
                    let value: serde_json::Value = serde_json::from_str(&text[at..at + end]).unwrap();
                    heard.note(value["id"].as_str().unwrap());
                    at += end + 1;
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
    }
}

fn on(listener: TcpListener, behave: impl Fn(TcpStream) + Send + 'static) {
    thread::spawn(move || listener.incoming().for_each(|stream| behave(stream.unwrap())));
}

fn webhook(name: &str, port: u16, ca: &std::path::Path) -> Arc<dyn Destination> {
    let text = |text: &str| Content::Text(text.into());
    let url = format!("http://127.0.0.1:{port}/");
    let entries = [("name", text(name)), ("url", text(&url)), ("ca_file", text(ca.to_str().unwrap()))];
    destinations("webhook", &entries).unwrap().remove(0)
}

fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

fn clock() -> Timestamp {
    sample::at(0)
}

fn until(what: &str, longest: Duration, reached: impl Fn() -> bool) {
    let end = Instant::now() + longest;
    while !reached() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn four_destinations_hear_all_in_time_while_a_fifth_is_down_and_then_it_hears_all() {
    let [full, quick] = INCIDENTS;
    let is_full = std::env::var("SCALE").is_ok_and(|scale| scale == "5");
    let incidents = if is_full { full } else { quick };
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    let heard: [Heard; 5] = std::array::from_fn(|_| Heard::default());
    let [tls, tcp, hook, file, down] = heard.clone();
    let secure = collector::serve(folder.path(), move |_, mut stream| {
        tls.frames(&mut stream);
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
    let listeners: [TcpListener; 3] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let [plain, posted, away] = listeners.each_ref().map(|listener| listener.local_addr().unwrap().port());
    let [first, second, third] = listeners;
    on(first, move |mut stream| {
        tcp.frames(&mut stream);
        let _ = stream.shutdown(Shutdown::Both);
    });
    on(second, move |stream| hook.requests(stream));
    drop(third);
    let path = folder.path().join("incidents.jsonl");
    file.follow(path.clone());

    let text = |text: &str| Content::Text(text.into());
    let (ca, at) = (folder.path().join("ca.pem"), folder.path());
    let lines = [("name", text("file")), ("path", text(path.to_str().unwrap()))];
    let ways = [
        pki::destination(at, secure, &[("name", text("tls"))]),
        pki::destination(at, plain, &[("name", text("tcp")), ("transport", text("tcp"))]),
        webhook("hook", posted, &ca),
        destinations("file", &lines).unwrap().remove(0),
        webhook("down", away, &ca),
    ];
    let store = Store::open(&at.join("store.sqlite")).unwrap();
    let pace = Pace::between(Duration::from_millis(20), Duration::from_millis(400), 7);
    let outbox = Outbox::start(&store, &ways, pace, clock).unwrap();
    let before = resident();
    let recorded: Vec<Instant> = (0..incidents)
        .map(|n| {
            store.record(sample::batch(n, 1)).unwrap();
            Instant::now()
        })
        .collect();
    let all = usize::try_from(incidents).unwrap();
    for (name, heard) in ["tls", "tcp", "hook", "file"].iter().zip(&heard) {
        until(&format!("{name} hears all"), Duration::from_secs(60), || heard.count() == all);
        let (first, order) = &*heard.0.lock().unwrap();
        assert!(order.is_sorted(), "{name}: in order");
        let mut late: Vec<Duration> = (0..incidents)
            .zip(&recorded)
            .map(|(n, recorded)| first[&format!("{n:016x}")].saturating_duration_since(*recorded))
            .collect();
        late.sort_unstable();
        let (half, most) = (late[all / 2], late[all * 99 / 100]);
        println!("{name}: p50 {half:?}, p99 {most:?}");
        assert!(most < P99, "{name}: p99 {most:?}");
    }
    let status = outbox.status().unwrap();
    let waiting = status.iter().find(|way| way.backlog.destination == "down").unwrap().backlog.waiting;
    assert_eq!(waiting, u64::from(incidents));
    let grown = resident().saturating_sub(before);
    println!("{} MiB more resident with {incidents} waiting", grown / (1024 * 1024));
    assert!(grown < GROWTH, "{grown} octets more");

    let back = down.clone();
    on(TcpListener::bind(("127.0.0.1", away)).unwrap(), move |stream| back.requests(stream));
    until("it is heard of again", Duration::from_secs(10), || down.count() > 0);
    let since = Instant::now();
    until("all is told", Duration::from_secs(60), || down.count() == all);
    let millis = since.elapsed().as_millis().max(1);
    let rate = u128::from(incidents) * 1_000 / millis;
    println!("back again: {rate} a second");
    let [full, quick] = PER_SECOND;
    assert!(rate >= if is_full { full } else { quick }, "{rate} a second");
    assert!(down.0.lock().unwrap().1.is_sorted(), "in order");
    until("nothing waits", Duration::from_secs(30), || {
        outbox.status().unwrap().iter().all(|way| way.backlog.waiting == 0 && way.backlog.dead == 0)
    });
}
