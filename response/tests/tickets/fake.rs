//! As much of Request Tracker's REST 2 interface as is asked for, as the real one answers it, in no time: what takes a thousand tickets is tried
//! against this one. What people and we do with it is held to the same words as with the real one (`hands.rs`).

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

#[derive(Default)]
struct Books {
    tickets: Vec<Ticket>,
    /// Type, ticket, words; their place is their number.
    transactions: Vec<(&'static str, usize, String)>,
}

struct Ticket {
    subject: String,
    status: String,
    priority: u64,
}

/// The port of a fake that takes this token.
pub(crate) fn serve(token: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let books: Arc<Mutex<Books>> = Arc::default();
    let token = format!("token {token}");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (books, token) = (Arc::clone(&books), token.clone());
            thread::spawn(move || answer(&stream.unwrap(), &books, &token));
        }
    });
    port
}

fn answer(stream: &TcpStream, books: &Mutex<Books>, token: &str) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut length, mut known, mut closes) = (String::new(), 0, false, false);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "authorization" => known = value == token,
                "connection" => closes = value == "close",
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut words = first.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let path = path.strip_prefix("/REST/2.0").unwrap();
        let (status, said) = match known {
            true => books.lock().unwrap().deed(method, path, &body),
            false => ("401 Unauthorized", json!({ "message": "Unauthorized" })),
        };
        let said = said.to_string();
        let reply = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{said}", said.len());
        if (&mut &*stream).write_all(reply.as_bytes()).is_err() || closes {
            return;
        }
    }
}

type Reply = (&'static str, Value);

fn list(items: Vec<Value>) -> Reply {
    ("200 OK", json!({ "items": items }))
}

impl Books {
    fn deed(&mut self, method: &str, path: &str, body: &Value) -> Reply {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["queue", name]) if name.starts_with("OT") => {
                ("200 OK", json!({ "Name": "OT security" }))
            }
            ("GET", ["tickets"]) => self.found(query),
            ("POST", ["ticket"]) => self.create(body),
            ("POST", ["transactions"]) => self.after(body),
            ("GET", ["transaction", number, "attachments"]) => {
                let (_, _, words) = &self.transactions[number.parse::<usize>().unwrap() - 1];
                list(vec![json!({ "Content": words, "ContentType": "text/plain" })])
            }
            (_, ["ticket", number, rest @ ..]) => self.of_ticket(method, number.parse().unwrap(), rest, body),
            _ => ("404 Not Found", json!({ "message": "Not Found" })),
        }
    }

    fn found(&self, query: &str) -> Reply {
        let key = query.split("%27").nth(1).unwrap_or_default().replace("%20", " ");
        let is_it =
            |(_, ticket): &(usize, &Ticket)| ticket.status != "deleted" && ticket.subject.contains(&key);
        let told = |(at, ticket): (usize, &Ticket)| {
            json!({ "id": (at + 1).to_string(), "Subject": ticket.subject, "Status": ticket.status,
                    "Priority": ticket.priority.to_string() })
        };
        // In pages, as the real one.
        let of = |word: &str| {
            let value = query.split('&').find_map(|part| part.strip_prefix(word));
            value.and_then(|value| value.parse::<usize>().ok())
        };
        let (most, page) = (of("per_page=").unwrap_or(20), of("page=").unwrap_or(1));
        let all = self.tickets.iter().enumerate().filter(is_it).map(told);
        list(all.skip(most * (page - 1)).take(most).collect())
    }

    fn create(&mut self, body: &Value) -> Reply {
        self.tickets.push(Ticket {
            subject: body["Subject"].as_str().unwrap().to_owned(),
            status: "new".into(),
            priority: body["Priority"].as_u64().unwrap(),
        });
        let number = self.tickets.len();
        self.transactions.push(("Create", number, body["Content"].as_str().unwrap().to_owned()));
        ("201 Created", json!({ "id": number.to_string(), "type": "ticket" }))
    }

    fn after(&self, body: &Value) -> Reply {
        let (of, after) = (body[1]["value"].as_str().unwrap(), body[2]["value"].as_u64().unwrap());
        let is_it =
            |(at, (_, ticket, _)): &(u64, &(&str, usize, String))| *at > after && ticket.to_string() == of;
        let told = |(at, (kind, ..)): (u64, &(&str, usize, String))| json!({ "id": at.to_string(), "Type": kind, "Creator": { "id": "root" } });
        list((1..).zip(&self.transactions).filter(is_it).map(told).collect())
    }

    fn of_ticket(&mut self, method: &str, number: usize, rest: &[&str], body: &Value) -> Reply {
        let Some(ticket) = self.tickets.get_mut(number - 1) else {
            return ("404 Not Found", json!({ "message": "Not Found" }));
        };
        match (method, rest) {
            ("GET", []) => (
                "200 OK",
                json!({ "id": number, "Subject": ticket.subject, "Status": ticket.status,
                        "Priority": ticket.priority.to_string() }),
            ),
            ("GET", ["attachments"]) => {
                let of = self.transactions.iter().filter(|(_, ticket, _)| *ticket == number);
                list(of.map(|(_, _, words)| json!({ "Content": words })).collect())
            }
            ("DELETE", []) => {
                ticket.status = "deleted".into();
                ("204 No Content", Value::Null)
            }
            ("PUT", []) => {
                // The real one answers likewise where a life cycle does not permit it: 200, and a sentence.
                let permitted = !ticket.subject.contains("a frozen valve");
                if let Some(status) = body["Status"].as_str().filter(|_| permitted) {
                    ticket.status = status.to_owned();
                }
                if let Some(priority) = body["Priority"].as_u64() {
                    ticket.priority = priority;
                }
                ("200 OK", json!(["changed"]))
            }
            ("POST", [how]) => {
                if *how == "correspond" && ticket.status == "new" {
                    ticket.status = "open".into();
                }
                let kind = if *how == "comment" { "Comment" } else { "Correspond" };
                self.transactions.push((kind, number, body["Content"].as_str().unwrap().to_owned()));
                ("201 Created", json!(["added"]))
            }
            _ => ("405 Method Not Allowed", json!({ "message": "no" })),
        }
    }
}
