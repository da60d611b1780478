//! A real nats-server, the gateway as its user, and another user who makes streams and reads them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fieldwarden_model::section::Content;
use fieldwarden_response::forward::Destination;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use serde_json::{Value, json};

use crate::{
    files::destinations,
    pki,
    server::{Server, free_port},
};

const BINARY: &str = "/usr/sbin/nats-server";
/// Consumers so far.
static READERS: AtomicU64 = AtomicU64::new(0);
/// The user of the gateway: what it may do is what its page asks for.
pub(crate) const USERS: &str = r#"authorization { users = [
  { user: fieldwarden, password: pw, permissions: { publish: ["ot.>", "nobody.>"], subscribe: "_INBOX.>" } },
  { user: soc, password: pw2 }
] }"#;

pub(crate) fn text(text: &str) -> Content {
    Content::Text(text.into())
}

/// A server with users and what else `more` says.
pub(crate) fn server(folder: &Path, users: &str, more: &str) -> Option<Server> {
    pki::make(folder);
    fs::write(folder.join("password"), "pw\n").unwrap();
    let (at, port) = (folder.display(), free_port());
    let configuration = format!(
        r#"listen: "127.0.0.1:{port}"
server_name: soc
tls {{ cert_file: "{at}/server.pem", key_file: "{at}/server.key", ca_file: "{at}/ca.pem", verify: true, timeout: 20 }}
{users}
jetstream {{ store_dir: "{at}/js", max_file_store: 64MB }}
{more}
"#
    );
    fs::write(folder.join("nats.conf"), configuration).unwrap();
    let configuration = folder.join("nats.conf").display().to_string();
    Server::new(BINARY, &["-c", &configuration], port)
}

pub(crate) fn destination(
    folder: &Path,
    port: u16,
    changes: &[(&'static str, Content)],
) -> Arc<dyn Destination> {
    let file = |name: &str| Content::Text(folder.join(name).display().to_string().into());
    let mut entries = vec![
        ("name", text("bus")),
        ("address", text(&format!("127.0.0.1:{port}"))),
        ("server_name", text(pki::COLLECTOR)),
        ("ca_file", file("ca.pem")),
        ("certificate_file", file("client.pem")),
        ("key_file", file("client.key")),
        ("user", text("fieldwarden")),
        ("password_file", file("password")),
        ("subject", text("ot.incidents")),
        ("stream", text("OT")),
        ("timeout_ms", Content::Integer(2_000)),
    ];
    for (key, value) in changes {
        entries.retain(|(known, _)| known != key);
        if !matches!(value, Content::Text(none) if none.is_empty()) {
            entries.push((key, value.clone()));
        }
    }
    destinations("nats", &entries).unwrap().remove(0)
}

/// The other user: makes streams, and reads them.
pub(crate) struct Soc(BufReader<StreamOwned<ClientConnection, TcpStream>>);

/// A message as it was delivered: its headers and what it says.
pub(crate) type Delivered = (String, String);

impl Soc {
    pub(crate) fn new(folder: &Path, port: u16) -> Self {
        Self::known_as(folder, port, &json!({"user": "soc", "pass": "pw2"}), |_| Value::Null)
    }

    /// With what is added to CONNECT, and what `sign` makes of the nonce.
    pub(crate) fn known_as(folder: &Path, port: u16, connect: &Value, sign: impl Fn(&str) -> Value) -> Self {
        let pem = |name: &str| folder.join(name);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(pem("ca.pem")).unwrap()).unwrap();
        let chain = vec![CertificateDer::from_pem_file(pem("client.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(pem("client.key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (mut info, mut octet) = (Vec::new(), [0]);
        while octet != *b"\n" {
            socket.read_exact(&mut octet).unwrap();
            info.push(octet[0]);
        }
        let info: Value = serde_json::from_slice(info.strip_prefix(b"INFO ").unwrap()).unwrap();
        let name = ServerName::try_from(pki::COLLECTOR).unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut soc = Self(BufReader::new(StreamOwned::new(tls, socket)));
        let mut connect = connect.clone();
        connect["verbose"] = json!(false);
        connect["headers"] = json!(true);
        if let Some(nonce) = info["nonce"].as_str() {
            connect["sig"] = sign(nonce);
        }
        soc.say(&format!("CONNECT {connect}\r\nSUB soc.answer 1\r\n"));
        soc
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
        self.0.get_mut().flush().unwrap();
    }

    /// The next message to us: its subject, headers and what it says.
    fn next(&mut self) -> (String, Delivered) {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the server hung up");
            let words: Vec<&str> = line.split_whitespace().collect();
            let length = |back: usize| words[words.len() - back].parse::<usize>().unwrap();
            let (head, whole) = match words[0] {
                "PING" => {
                    self.say("PONG\r\n");
                    continue;
                }
                "MSG" => (0, length(1)),
                "HMSG" => (length(2), length(1)),
                word => {
                    assert_eq!(word, "INFO", "{line}");
                    continue;
                }
            };
            let subject = words[1].to_owned();
            let mut body = vec![0; whole + 2];
            self.0.read_exact(&mut body).unwrap();
            let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
            return (subject, (text(&body[..head]), text(&body[head..whole])));
        }
    }

    fn ask(&mut self, subject: &str, question: &Value) -> Value {
        let question = question.to_string();
        self.say(&format!("PUB $JS.API.{subject} soc.answer {}\r\n{question}\r\n", question.len()));
        let (_, (_, answer)) = self.next();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["error"], Value::Null, "{subject}: {answer}");
        answer
    }

    pub(crate) fn stream(&mut self, verb: &str, more: &Value) {
        let mut config = json!({"name": "OT", "subjects": ["ot.>"], "duplicate_window": 120_000_000_000u64});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask(&format!("STREAM.{verb}.OT"), &config);
    }

    pub(crate) fn held(&mut self) -> u64 {
        self.ask("STREAM.INFO.OT", &json!({}))["state"]["messages"].as_u64().unwrap()
    }

    /// All that is in the stream, in its order, as a consumer of its own gets it.
    pub(crate) fn read(mut self) -> Vec<Delivered> {
        let count = self.held();
        // Nobody else's: a consumer that was there before goes on for a while.
        let subject = format!("soc.read.{}", READERS.fetch_add(1, Ordering::Relaxed));
        let config = json!({"deliver_subject": subject, "ack_policy": "none", "deliver_policy": "all"});
        self.say(&format!("SUB {subject} 2\r\n"));
        let create = json!({"stream_name": "OT", "config": config}).to_string();
        self.say(&format!("PUB $JS.API.CONSUMER.CREATE.OT soc.answer {}\r\n{create}\r\n", create.len()));
        let mut all = Vec::new();
        while (all.len() as u64) < count {
            // The answer may come behind the first of what it brings.
            match self.next() {
                (subject, (_, answer)) if subject == "soc.answer" => {
                    assert!(!answer.contains("\"error\""), "{answer}");
                }
                (_, delivered) => all.push(delivered),
            }
        }
        all
    }
}
