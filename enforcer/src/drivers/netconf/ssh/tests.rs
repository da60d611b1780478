//! The way itself, to a server that remembers what it was told.

use std::{fs, io::Write, net::TcpListener, sync::mpsc::channel, thread, time::Duration};

use russh::{
    ChannelId, MethodKind,
    keys::{PrivateKey, ssh_key::private::Ed25519Keypair},
    server::{self, Auth, ChannelOpenHandle, Msg},
};

use super::*;

/// What the server was told.
type Heard = Arc<Mutex<Vec<String>>>;

#[derive(Clone)]
struct Server(Heard);

impl Server {
    fn hears(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl server::Handler for Server {
    type Error = russh::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        self.hears(format!("nothing of {user}"));
        Ok(Auth::reject())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.hears(format!("{password} of {user}"));
        Ok(if password == "s3cret" { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.hears(format!("subsystem {name}"));
        session.channel_success(channel)?;
        session.data(channel, b"hello".to_vec())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        octets: &[u8],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.hears(String::from_utf8_lossy(octets).into_owned());
        session.eof(channel)
    }
}

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn fingerprint(seed: u8) -> String {
    key(seed).public_key().fingerprint(HashAlg::Sha256).to_string()
}

/// A server with the key of seed 1.
fn serve() -> (SocketAddr, Heard) {
    let (tell, told) = channel();
    let heard = Heard::default();
    let server = Server(Arc::clone(&heard));
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let methods = [MethodKind::Password].as_slice().into();
            let config = server::Config {
                keys: vec![key(1)],
                methods,
                auth_rejection_time: Duration::ZERO,
                ..server::Config::default()
            };
            let config = Arc::new(config);
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve_one(Arc::clone(&config), socket, server.clone()));
            }
        });
    });
    (told.recv().unwrap(), heard)
}

async fn serve_one(config: Arc<server::Config>, socket: TcpStream, server: Server) {
    if let Ok(session) = server::run_stream(config, socket, server).await {
        let _ = session.await;
    }
}

/// A way there with `password` and the key of seed `pinned`, and the file that lives as long as it is needed.
fn way(address: SocketAddr, password: &str, pinned: u8) -> (Ssh, tempfile::NamedTempFile) {
    // Made for its owner alone.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{password}\nnot this line").unwrap();
    let secret = Secret::Password(file.path().into());
    (Ssh { address, user: "fw".into(), secret, host_keys: vec![fingerprint(9), fingerprint(pinned)] }, file)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn why(ssh: &Ssh) -> String {
    ssh.connect(soon()).map(drop).unwrap_err().to_string()
}

#[test]
fn the_first_line_of_the_file_is_the_password_and_octets_go_both_ways() {
    let (address, heard) = serve();
    let (ssh, _file) = way(address, "s3cret", 1);
    let mut stream = ssh.connect(soon()).unwrap();
    assert_eq!(stream.receive(soon()).unwrap(), b"hello");
    let late = stream.receive(Instant::now() + Duration::from_millis(50));
    assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
    stream.send(b"good day", soon()).unwrap();
    assert_eq!(stream.receive(soon()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(*heard.lock().unwrap(), ["s3cret of fw", "subsystem netconf", "good day"]);
}

#[test]
fn a_server_with_another_key_hears_neither_user_nor_password() {
    let (address, heard) = serve();
    let (ssh, _file) = way(address, "s3cret", 2);
    let told = why(&ssh);
    assert!(told.contains(&fingerprint(1)) && told.contains("nothing was sent"), "{told}");
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn a_wrong_password_and_a_file_for_everybody_are_told_by_name() {
    let (address, _heard) = serve();
    let (ssh, file) = way(address, "guess", 1);
    assert!(why(&ssh).contains("lets `fw` not in"), "{}", why(&ssh));
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(why(&ssh).contains("may be read by others"), "{}", why(&ssh));
    let gone = Ssh { secret: Secret::Key("/nowhere/key".into()), ..ssh.clone() };
    assert!(why(&gone).contains("`/nowhere/key` cannot be read"), "{}", why(&gone));
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
    let no_key = Ssh { secret: Secret::Key(file.path().into()), ..ssh };
    assert!(why(&no_key).contains("is no private key"), "{}", why(&no_key));
}

#[test]
fn one_who_never_says_anything_is_not_waited_for_beyond_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (ssh, _file) = way(silent.local_addr().unwrap(), "s3cret", 1);
    let outcome = ssh.connect(Instant::now() + Duration::from_millis(100)).map(drop);
    assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
}
