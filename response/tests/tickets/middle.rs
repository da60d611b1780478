//! The way to a ticket system, which does one wrong thing at one request.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Longer than anybody waits for an answer, see the destination's `timeout_ms`.
const LATE: Duration = Duration::from_millis(3_600);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request does not arrive.
    RequestLost,
    /// It arrives when nobody waits for its answer any more.
    RequestLate,
    /// It arrives twice.
    RequestDoubled,
    /// The answer does not arrive: the deed is done.
    ReplyLost,
    /// The answer comes when nobody waits for it any more.
    ReplyLate,
    /// The answer comes twice.
    ReplyDoubled,
    /// Whoever asked dies before the request arrives.
    AskerDiesBefore,
    /// Whoever asked dies when it has arrived.
    AskerDiesAfter,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::RequestLost,
        Self::RequestLate,
        Self::RequestDoubled,
        Self::ReplyLost,
        Self::ReplyLate,
        Self::ReplyDoubled,
        Self::AskerDiesBefore,
        Self::AskerDiesAfter,
    ];

    pub(crate) fn kills(self) -> bool {
        matches!(self, Self::AskerDiesBefore | Self::AskerDiesAfter)
    }
}

/// Kills whoever asks, and returns once it is dead.
pub(crate) type Killer = Arc<Mutex<dyn FnMut() + Send>>;

#[derive(Clone)]
struct Plan {
    to: u16,
    at: usize,
    fault: Option<Fault>,
    kill: Option<Killer>,
    count: Arc<AtomicUsize>,
    /// Requests that are still to arrive.
    late: Arc<AtomicUsize>,
}

pub(crate) struct Middle {
    pub(crate) port: u16,
    count: Arc<AtomicUsize>,
    late: Arc<AtomicUsize>,
}

impl Middle {
    /// A way to port `to` on which `fault` happens to the request numbered `at`, from 0.
    pub(crate) fn open(to: u16, at: usize, fault: Option<Fault>, kill: Option<Killer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicUsize::new(0));
        let late = Arc::new(AtomicUsize::new(0));
        let plan = Plan { to, at, fault, kill, count: Arc::clone(&count), late: Arc::clone(&late) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let plan = plan.clone();
                thread::spawn(move || carry(&stream.unwrap(), &plan));
            }
        });
        Self { port, count, late }
    }

    /// Whether nothing is still to arrive.
    pub(crate) fn is_quiet(&self) -> bool {
        self.late.load(Ordering::SeqCst) == 0
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

fn carry(client: &TcpStream, plan: &Plan) {
    let mut reader = BufReader::new(client);
    while let Some(request) = request(&mut reader) {
        let number = plan.count.fetch_add(1, Ordering::Relaxed);
        let fault = plan.fault.filter(|_| number == plan.at);
        let Some(reply) = pass(&request, fault, plan) else {
            let _ = client.shutdown(Shutdown::Both);
            return;
        };
        if (&mut &*client).write_all(&reply).is_err() {
            return;
        }
    }
}

/// What comes back; nothing where the connection is to end.
fn pass(request: &[u8], fault: Option<Fault>, plan: &Plan) -> Option<Vec<u8>> {
    let die = || {
        let killer = plan.kill.as_ref().unwrap();
        (killer.lock().unwrap())();
    };
    match fault {
        None => Some(forward(request, plan.to)),
        Some(Fault::RequestLost) => None,
        Some(Fault::RequestLate) => {
            plan.late.fetch_add(1, Ordering::SeqCst);
            thread::sleep(LATE);
            forward(request, plan.to);
            plan.late.fetch_sub(1, Ordering::SeqCst);
            None
        }
        Some(Fault::RequestDoubled) => {
            forward(request, plan.to);
            Some(forward(request, plan.to))
        }
        Some(Fault::ReplyLost) => {
            forward(request, plan.to);
            None
        }
        Some(Fault::ReplyLate) => {
            let reply = forward(request, plan.to);
            thread::sleep(LATE);
            Some(reply)
        }
        Some(Fault::ReplyDoubled) => {
            let reply = forward(request, plan.to);
            Some([&reply[..], &reply[..]].concat())
        }
        Some(Fault::AskerDiesBefore) => {
            die();
            None
        }
        Some(Fault::AskerDiesAfter) => {
            forward(request, plan.to);
            die();
            None
        }
    }
}

/// A whole request, head and body.
fn request(reader: &mut BufReader<&TcpStream>) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let is_last = line == "\r\n";
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if is_last {
            all.extend_from_slice(b"connection: close\r\n\r\n");
            break;
        }
        all.extend_from_slice(line.as_bytes());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    all.extend(body);
    Some(all)
}

/// Asks the system itself. What comes back no longer says that the connection ends, so that it is used again.
fn forward(request: &[u8], to: u16) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", to)).unwrap();
    stream.write_all(request).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8_lossy(&reply[..end]).into_owned();
    let kept =
        head.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let says_its_length = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.starts_with("content-length:") || line.starts_with("transfer-encoding:")
    };
    let mut whole: String = kept.collect();
    let has_none = head.starts_with("HTTP/1.1 204") || head.starts_with("HTTP/1.0 204");
    if !head.split_inclusive("\r\n").any(says_its_length) && !has_none {
        whole = whole.replacen("\r\n\r\n", &format!("\r\nContent-Length: {}\r\n\r\n", reply.len() - end), 1);
    }
    // One that answers as of HTTP/1.0 is not asked again on the same connection otherwise.
    let whole = whole.replacen("HTTP/1.0", "HTTP/1.1", 1);
    [whole.as_bytes(), &reply[end..]].concat()
}
