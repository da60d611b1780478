//! Collectors that misbehave: one that stalls, one that rejects late, one that hangs up in mid-message.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use fieldwarden_model::{Timestamp, section::Content};
use fieldwarden_response::{
    outbox::{Outbox, Pace, State},
    store::Store,
};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

use crate::{
    parse::{self, Message},
    pki, sample,
};

pub(crate) type Tls = StreamOwned<ServerConnection, TcpStream>;

/// Takes connections one by one and hands each, with its number, to `behave`.
pub(crate) fn serve(folder: &Path, behave: impl Fn(usize, Tls) + Send + 'static) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let chain = vec![CertificateDer::from_pem_file(folder.join("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            behave(number, StreamOwned::new(connection, stream.unwrap()));
        }
    });
    port
}

/// Reads octet-counted messages until the connection ends.
fn read_messages(tls: &mut Tls, into: &Mutex<Vec<Message>>) {
    let mut held = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = tls.read(&mut buffer) {
        held.extend_from_slice(&buffer[..length]);
        while let Some(space) = held.iter().position(|byte| *byte == b' ') {
            let count: usize = std::str::from_utf8(&held[..space]).unwrap().parse().expect("MSG-LEN");
            if held.len() < space + 1 + count {
                break;
            }
            into.lock().unwrap().push(parse::message(&held[space + 1..space + 1 + count]).unwrap());
            held.drain(..space + 1 + count);
        }
    }
    // Section 4.4: a goodbye is answered.
    tls.conn.send_close_notify();
    let _ = tls.flush();
}

fn clock() -> Timestamp {
    sample::at(0)
}

fn pace() -> Pace {
    Pace::between(Duration::from_millis(50), Duration::from_millis(400), 7)
}

fn store(folder: &Path, names: &[&str], revisions: u32) -> Store {
    let store = Store::open(&folder.join("store.sqlite")).unwrap();
    store.set_destinations(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    for n in 0..revisions {
        store.record(sample::batch(n, 1)).unwrap();
    }
    store
}

fn until(what: &str, longest: Duration, reached: impl Fn() -> bool) {
    let end = Instant::now() + longest;
    while !reached() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_collector_that_stalls_delays_no_other_and_is_left_alone_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    let stalled = serve(folder.path(), |_, mut tls| {
        // Shakes hands, then never reads again.
        let _ = tls.conn.complete_io(&mut tls.sock);
        std::mem::forget(tls);
    });
    let received: Arc<Mutex<Vec<Message>>> = Arc::default();
    let into = Arc::clone(&received);
    let healthy = serve(folder.path(), move |_, mut tls| read_messages(&mut tls, &into));
    let store = store(folder.path(), &["stalled", "soc"], 300);
    let ways = [
        pki::destination(folder.path(), stalled, &[("name", Content::Text("stalled".into()))]),
        pki::destination(folder.path(), healthy, &[]),
    ];
    let outbox = Outbox::start(&store, &ways, pace(), clock).unwrap();
    until("the healthy one has everything", Duration::from_secs(5), || received.lock().unwrap().len() >= 300);
    let of = |name: &str| {
        outbox.status().unwrap().into_iter().find(|way| way.backlog.destination == name).unwrap()
    };
    until("the healthy one is confirmed", Duration::from_secs(10), || of("soc").backlog.waiting == 0);
    assert_eq!(of("soc").backlog.delivered, 300);
    // Enough to fill what both kernels buffer, so that the stall shows as a write without progress.
    for n in 300..2_500 {
        let mut batch = sample::batch(n, 1);
        batch.incidents[0].title = "x".repeat(6_000);
        store.record(batch).unwrap();
    }
    until("the stall is told", Duration::from_secs(30), || of("stalled").last_error.is_some());
    println!("{:?}", of("stalled").last_error);
    assert!(of("stalled").last_error.unwrap().1.contains(&format!("127.0.0.1:{stalled}")));
    let begun = Instant::now();
    outbox.stop(Duration::from_secs(5));
    assert!(begun.elapsed() < Duration::from_secs(4), "a stalled collector holds up our own end");
}

#[test]
fn what_a_late_rejection_swallowed_is_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    let received: Arc<Mutex<Vec<Message>>> = Arc::default();
    let into = Arc::clone(&received);
    let port = serve(folder.path(), move |number, mut tls| match number {
        // Accepts, reads a while, keeps nothing, and only then objects.
        0 => {
            let _ = tls.sock.set_read_timeout(Some(Duration::from_millis(200)));
            let nowhere = Mutex::default();
            read_messages(&mut tls, &nowhere);
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
        // Hangs up in the middle of a message: the kernel answers what is unread with an RST.
        1 => {
            let mut few = [0; 700];
            let _ = tls.read_exact(&mut few);
        }
        _ => read_messages(&mut tls, &into),
    });
    let store = store(folder.path(), &["soc"], 200);
    let outbox = Outbox::start(&store, &[pki::destination(folder.path(), port, &[])], pace(), clock).unwrap();
    until("everything is confirmed", Duration::from_secs(20), || {
        outbox.status().unwrap().iter().all(|way| way.backlog.waiting == 0)
    });
    let status = outbox.status().unwrap().remove(0);
    assert_eq!((status.backlog.delivered, status.failures, status.state), (200, 0, State::Connected));
    let ids: Vec<String> =
        received.lock().unwrap().iter().map(|message| message.parameter("id").to_owned()).collect();
    let expected: Vec<String> = (0..200).map(|n| sample::incident(n, 1).id.0).collect();
    assert_eq!(ids, expected, "the third connection gets all of it, in order");
    outbox.stop(Duration::from_secs(5));
}

#[test]
fn a_collector_that_reads_nothing_confirms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    let frozen = Arc::new(AtomicBool::new(true));
    let connections = Arc::new(AtomicUsize::new(0));
    let (hold, count) = (Arc::clone(&frozen), Arc::clone(&connections));
    let port = serve(folder.path(), move |number, mut tls| {
        count.store(number + 1, Ordering::SeqCst);
        // Its kernel goes on acknowledging.
        let _ = tls.conn.complete_io(&mut tls.sock);
        while hold.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let store = store(folder.path(), &["soc"], 5);
    let outbox = Outbox::start(&store, &[pki::destination(folder.path(), port, &[])], pace(), clock).unwrap();
    until("it is connected", Duration::from_secs(5), || connections.load(Ordering::SeqCst) > 0);
    thread::sleep(Duration::from_millis(3_500));
    assert_eq!(
        store.backlogs().unwrap()[0].waiting,
        5,
        "acknowledged by a kernel is not read by a collector"
    );
    frozen.store(false, Ordering::SeqCst);
    outbox.stop(Duration::from_secs(5));
}

#[test]
fn a_collector_that_hangs_up_after_the_handshake_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    let port = serve(folder.path(), |_, mut tls| {
        tls.sock.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        while tls.conn.complete_io(&mut tls.sock).is_ok() {}
    });
    let error = pki::destination(folder.path(), port, &[]).test(sample::at(0)).unwrap_err().to_string();
    assert!(error.contains("it may not permit the name in"), "{error}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let changes = [("connect_timeout_ms", Content::Integer(300))];
    let way = pki::destination(folder.path(), silent.local_addr().unwrap().port(), &changes);
    let error = way.test(sample::at(0)).unwrap_err().to_string();
    assert!(error.contains("no TLS handshake within 0.3 s"), "{error}");
}

#[test]
fn a_pause_can_be_ended_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    pki::make(folder.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let store = store(folder.path(), &["soc"], 1);
    let slow = Pace::between(Duration::from_secs(600), Duration::from_secs(600), 7);
    let outbox = Outbox::start(&store, &[pki::destination(folder.path(), port, &[])], slow, clock).unwrap();
    let failures = || outbox.status().unwrap()[0].failures;
    until("the first attempt failed", Duration::from_secs(5), || failures() == 1);
    let (_, error) = outbox.status().unwrap()[0].last_error.clone().unwrap();
    assert!(error.contains("cannot be reached") && error.contains("refused"), "{error}");
    assert!(outbox.retry("soc") && !outbox.retry("nobody"));
    until("it tried again", Duration::from_secs(5), || failures() == 2);
    assert_eq!(outbox.stop(Duration::from_secs(2)), Vec::<String>::new());
}
