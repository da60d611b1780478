//! Readers of others: rsyslog's libfastjson for the formats in JSON, its liblognorm for CEF, tshark for the header of all.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use fieldwarden_response::forward::{
    content::Format,
    syslog::{encode, frame},
};
use serde_json::Value;

use crate::{content, formats, hostile, parse};

const BINARY: &str = "/usr/sbin/rsyslogd";

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// rsyslog with `read` as its reader, which writes `OK` and what it understood, or `FAIL` and what it was sent, one line each.
fn start(folder: &Path, read: &str) -> (Running, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = folder.display();
    let configuration = format!(
        r#"global(workDirectory="{at}" maxMessageSize="256k")
main_queue(queue.type="LinkedList" queue.workerThreads="1")
module(load="imtcp")
module(load="mmjsonparse")
module(load="mmnormalize")
input(type="imtcp" port="{port}" address="127.0.0.1")
template(name="OK" type="string" string="OK %$!%\n")
template(name="FAIL" type="string" string="FAIL %rawmsg%\n")
action(type={read})
if $parsesuccess == "OK" then {{
  action(type="omfile" file="{at}/held" template="OK")
}} else {{
  action(type="omfile" file="{at}/held" template="FAIL")
}}
"#
    );
    fs::write(folder.join("rsyslog.conf"), configuration).unwrap();
    let child = Command::new(BINARY)
        .args(["-n", "-f", &format!("{at}/rsyslog.conf"), "-i", &format!("{at}/pid")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Running(child), port)
}

/// What the peer understood of `messages`, in their order.
fn understood(folder: &Path, read: &str, messages: &[String]) -> Vec<String> {
    let (_running, port) = start(folder, read);
    let end = Instant::now() + Duration::from_secs(600);
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < end, "rsyslog does not listen: {error}"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    for message in messages {
        stream.write_all(&frame(message)).unwrap();
    }
    loop {
        let held = fs::read_to_string(folder.join("held")).unwrap_or_default();
        if held.ends_with('\n') && held.lines().count() >= messages.len() {
            let failed = held.lines().find(|line| line.starts_with("FAIL"));
            assert_eq!(failed, None);
            return held.lines().map(str::to_owned).collect();
        }
        assert!(Instant::now() < end, "{} of {} messages", held.lines().count(), messages.len());
        thread::sleep(Duration::from_millis(100));
    }
}

/// As many hostile messages as [`hostile::count`] says, none longer than this peer takes.
fn messages(format: Option<Format>) -> Vec<String> {
    let count = hostile::count(10_000);
    let encoded = |n| {
        let (told, room) = hostile::told(n);
        encode(&told, &content::origin(format, room))
    };
    (0..count).map(encoded).collect()
}

fn installed() -> bool {
    let there = Path::new(BINARY).exists();
    if !there {
        println!("SKIPPED: {BINARY} is missing; install rsyslog");
    }
    there
}

#[test]
fn rsyslog_reads_every_message_in_json_as_we_meant_it() {
    if !installed() {
        return;
    }
    for format in [Format::Json, Format::Ecs, Format::Ocsf] {
        let folder = tempfile::tempdir().unwrap();
        let messages = messages(Some(format));
        let read = understood(folder.path(), r#""mmjsonparse" cookie="""#, &messages);
        assert_eq!(read.len(), messages.len(), "{format:?}: no message is two");
        for (n, (line, message)) in read.iter().zip(&messages).enumerate() {
            let json =
                line.strip_prefix("OK ").unwrap_or_else(|| panic!("{n} {format:?}: {line}\n{message}"));
            let heard: Value =
                serde_json::from_str(json).unwrap_or_else(|error| panic!("{n}: {error}\n{json}"));
            let meant = formats::json(content::payload(message).unwrap()).unwrap();
            assert!(heard == meant, "{n} {format:?}:\n{heard}\n{meant}");
        }
    }
}

/// `messages` as datagrams to the syslog port, in the hexadecimal dump that text2pcap reads.
fn dump(messages: &[String]) -> String {
    let mut dump = String::new();
    for message in messages {
        for (line, octets) in message.as_bytes().chunks(16).enumerate() {
            let _ = write!(dump, "{:06x}", line * 16);
            for octet in octets {
                let _ = write!(dump, " {octet:02x}");
            }
            dump.push('\n');
        }
    }
    dump
}

fn output(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tshark_finds_every_header_in_order_whatever_follows_it() {
    if Command::new("tshark").arg("-v").output().is_err() {
        println!("SKIPPED: tshark is missing; install tshark");
        return;
    }
    const FIELDS: [&str; 7] = ["facility", "level", "version", "hostname", "appname", "procid", "msgid"];
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (text, capture) = (at("messages.txt"), at("messages.pcap"));
    for format in [None].into_iter().chain(Format::ALL.map(|(_, format)| Some(format))) {
        // No datagram of IPv4 carries more.
        let messages: Vec<String> =
            messages(format).into_iter().filter(|message| message.len() <= 65_507).collect();
        fs::write(&text, dump(&messages)).unwrap();
        output("text2pcap", &["-q", "-u", "10000,514", &text, &capture]);
        let fields = FIELDS.map(|field| format!("-esyslog.{field}"));
        let words = ["-r", &capture, "-Tfields"].into_iter().chain(fields.iter().map(String::as_str));
        let read = output("tshark", &words.collect::<Vec<_>>());
        assert_eq!(read.lines().count(), messages.len(), "{format:?}");
        for (line, message) in read.lines().zip(&messages) {
            let level = parse::priority(message).unwrap() % 8;
            // It takes all that follows PROCID for the MSGID.
            let begin = format!("4\t{level}\t1\tgateway7\tfieldwarden\t4711\tINCIDENT ");
            assert!(line.starts_with(&begin), "{format:?}: {line}\n{message}");
        }
    }
}

#[test]
fn rsyslog_normalises_every_message_in_cef_as_we_meant_it() {
    if !installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("cef.rb");
    fs::write(&rules, "version=2\nrule=:%cef:cef%\n").unwrap();
    let messages = messages(Some(Format::Cef));
    let read =
        understood(folder.path(), &format!(r#""mmnormalize" rulebase="{}""#, rules.display()), &messages);
    assert_eq!(read.len(), messages.len(), "no message is two");
    for (n, (line, message)) in read.iter().zip(&messages).enumerate() {
        let json = line.strip_prefix("OK ").unwrap_or_else(|| panic!("{n}: {line}\n{message}"));
        let heard: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{n}: {error}\n{json}"));
        let (header, pairs) = formats::cef(content::payload(message).unwrap()).unwrap();
        assert_eq!(heard["cef"]["Name"], Value::from(header[5].as_str()), "{n}: {message}");
        assert_eq!(heard["cef"]["Severity"], Value::from(header[6].as_str()), "{n}");
        let extension = heard["cef"]["Extensions"].as_object().unwrap();
        assert_eq!(extension.len(), pairs.len(), "{n}: {message}");
        for (key, value) in &pairs {
            // This reader takes the first key to begin one character late, which the specification's own examples do not bear out.
            let key = if key == "externalId" { "xternalId" } else { key };
            let key = if key == "rt" && !extension.contains_key("rt") { "t" } else { key };
            assert_eq!(extension[key], Value::from(value.as_str()), "{n} {key}: {message}");
        }
    }
}
