//! The other side of a request over HTTP, which does what it is told to.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

impl Request {
    pub(crate) fn key(&self) -> &str {
        &self.headers["idempotency-key"]
    }
}

/// What the other side does with a request, given how many there were before.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A status, and headers behind it.
    Status(&'static str),
    /// A status and a body.
    Body(&'static str, String),
    /// Takes it, and cuts the connection before the answer.
    Cut,
    /// Takes it, answers, and cuts within the answer's body.
    Lie,
    /// Takes it and says nothing.
    Stall,
}

/// A peer that answers as `reply` says, given how many requests there were before.
pub(crate) fn serve(
    reply: impl Fn(usize, &Request) -> Reply + Send + 'static,
) -> (u16, Arc<Mutex<Vec<Request>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard: Arc<Mutex<Vec<Request>>> = Arc::default();
    let into = Arc::clone(&heard);
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            while let Some(request) = read(&mut stream) {
                let number = into.lock().unwrap().len();
                into.lock().unwrap().push(request.clone());
                let answer = match reply(number, &request) {
                    Reply::Status(status) => format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok"),
                    Reply::Body(status, body) => {
                        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                    }
                    Reply::Lie => "HTTP/1.1 201 Created\r\ncontent-length: 200\r\n\r\nhalf".into(),
                    Reply::Cut => break,
                    Reply::Stall => {
                        // Held open, so that nothing but time ends it.
                        held.push(stream.get_ref().try_clone().unwrap());
                        break;
                    }
                };
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
                let is_last = request.headers.get("connection").is_some_and(|word| word == "close");
                if is_last || answer.contains("200\r\n\r\nhalf") {
                    break;
                }
            }
        }
    });
    (port, heard)
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body, at: Instant::now() })
}
