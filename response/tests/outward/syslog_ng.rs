//! A real syslog-ng with mutual TLS: stopped, killed, started again, and asked what it holds.

use std::{fs, path::Path, thread, time::Duration};

use fieldwarden_model::section::Content;
use fieldwarden_response::{outbox::Outbox, store::Store};

use crate::{
    pki,
    rsyslog::{clock, content, expected, held, pace, wait_until_delivered, without_repeats},
    sample,
    server::{Server, free_port, until},
};

/// Where `lab/setup` unpacks it.
const UNPACKED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.lab/syslog-ng/usr");
const LONG: Duration = Duration::from_secs(120);

/// A collector that takes gateways whose certificate bears `permitted`.
fn collector(folder: &Path, permitted: &str) -> Option<Server> {
    if !folder.join("ca.pem").exists() {
        pki::make(folder);
    }
    let (at, port) = (folder.display(), free_port());
    let configuration = format!(
        r#"@version: 3.38
options {{ log-msg-size(262144); keep-hostname(yes); use-dns(no); stats-freq(0); }};
source gateways {{
  syslog(ip("127.0.0.1") port({port}) transport("tls") flags(store-raw-message)
    tls(key-file("{at}/server.key") cert-file("{at}/server.pem") ca-file("{at}/ca.pem")
      peer-verify(required-trusted) trusted-dn("CN={permitted}")));
}};
destination file {{ file("{at}/held" template("${{RAWMSG}}\n")); }};
log {{ source(gateways); destination(file); }};
"#
    );
    fs::write(folder.join("syslog-ng.conf"), configuration).unwrap();
    let libraries = Path::new(UNPACKED).join("lib/syslog-ng");
    let modules = libraries.join("3.38").display().to_string();
    let at = |name: &str| folder.join(name).display().to_string();
    let (file, persist, control, pid) =
        (at("syslog-ng.conf"), at("persist"), at("control"), at("syslog-ng.pid"));
    let arguments = [
        ["-F", "--no-caps"],
        ["--module-path", &modules],
        ["-f", &file],
        ["--persist-file", &persist],
        ["--control", &control],
        ["--pidfile", &pid],
    ];
    let server = Server::new(&format!("{UNPACKED}/sbin/syslog-ng"), &arguments.concat(), port)?;
    Some(server.with_libraries(libraries))
}

#[test]
fn what_syslog_ng_holds_equals_the_store_however_often_it_died() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut collector) = collector(folder.path(), pki::GATEWAY) else { return };
    let store = Store::open(&folder.path().join("store.sqlite")).unwrap();
    let destination = pki::destination(folder.path(), collector.port, &[]);
    let outbox = Outbox::start(&store, &[destination], pace(), clock).unwrap();
    let mut numbers = 0..2_000u32;
    let mut record = |count| {
        for n in numbers.by_ref().take(count) {
            store.record(sample::batch(n % 60, u64::from(n / 60) + 1)).unwrap();
        }
    };
    // What it wrote down and what it lost out of its memory both count: it is ended when there is more of it than the time before.
    let mut before = 0;
    for signal in ["KILL", "TERM", "STOP", "KILL"] {
        record(250);
        collector.start();
        record(200);
        until("it writes more down", LONG, || held(folder.path()).len() > before + 100);
        if signal == "STOP" {
            // It hangs with the connection open, reads nothing for longer than the confirmation takes, and dies.
            collector.signal("STOP");
            thread::sleep(Duration::from_millis(2_500));
        }
        collector.end(if signal == "STOP" { "KILL" } else { signal });
        before = held(folder.path()).len();
    }
    record(200);
    collector.start();
    wait_until_delivered(&outbox, LONG);
    assert_eq!(outbox.stop(Duration::from_secs(5)), Vec::<String>::new());
    collector.end("TERM");
    let all = held(folder.path());
    let repeats = all.len();
    let held = without_repeats(all);
    let expected = expected(&store);
    assert_eq!(expected.len(), 2_000);
    println!("{} messages held, {} repeats", repeats, repeats - held.len());
    assert!(content(&held) == content(&expected), "{} held, {} expected", held.len(), expected.len());
}

#[test]
fn each_mistake_in_the_certificates_is_told_as_what_it_is_by_syslog_ng_too() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut collector) = collector(folder.path(), pki::GATEWAY) else { return };
    collector.start();
    let file = |name: &str| Content::Text(folder.path().join(name).display().to_string().into());
    let told = |port: u16, changes: &[(&str, Content)]| {
        let destination = pki::destination(folder.path(), port, changes);
        destination.test(sample::at(0)).map_err(|error| error.to_string())
    };
    for (changes, words) in [
        (vec![("ca_file", file("rogueca.pem"))], "its certificate was issued by none of the authorities in"),
        (
            vec![("server_name", Content::Text("other.test".into()))],
            "its certificate is not for `other.test`",
        ),
        (
            vec![("certificate_file", file("rogue.pem")), ("key_file", file("rogue.key"))],
            "refuses our certificate",
        ),
    ] {
        let error = told(collector.port, &changes).unwrap_err();
        println!("{error}");
        assert!(error.contains(words), "{changes:?}: {error}");
    }
    let fine = told(collector.port, &[]).unwrap();
    assert!(fine.contains("accepted our certificate over TLS 1.3, read the test message"), "{fine}");
    collector.end("TERM");
    assert_eq!(held(folder.path()).last().map(|message| message.msgid.clone()), Some("TEST".into()));

    let mut strict = self::collector(folder.path(), "gateway8.test").unwrap();
    strict.start();
    let error = told(strict.port, &[]).unwrap_err();
    println!("{error}");
    assert!(error.contains("not trusted"), "{error}");
}
