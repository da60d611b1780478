//! An independent ear: tcpdump records, tshark and a few lines of our own understand.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Stdio},
};

use super::{lab::Lab, must, pause};

/// A conversation as an engineer names it: client, server, port, protocol.
pub(crate) type Conversation = (String, String, u64, String);

/// tcpdump at work in the gateway.
pub(crate) struct Ear {
    tcpdump: Child,
    says: BufReader<ChildStderr>,
    path: PathBuf,
}

impl Ear {
    /// Begins to record an interface of the gateway; returns once it listens.
    pub(crate) fn open(lab: &Lab, interface: &str, path: &Path) -> Self {
        let mut command = lab.inside("gw", "tcpdump");
        command.args(["-i", interface, "-n", "-U", "--immediate-mode", "-B", "65536", "-Z", "root"]);
        command.args(["--time-stamp-precision=nano", "-w"]).arg(path);
        let mut tcpdump = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut says = BufReader::new(tcpdump.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert!(says.read_line(&mut line).unwrap() > 0, "tcpdump ended at once");
        }
        Self { tcpdump, says, path: path.to_path_buf() }
    }

    /// Ends the recording. It is worth nothing when the kernel dropped frames.
    pub(crate) fn close(mut self) -> PathBuf {
        must("kill", &["-INT", &self.tcpdump.id().to_string()]);
        let mut rest = String::new();
        self.says.read_to_string(&mut rest).unwrap();
        assert!(self.tcpdump.wait().unwrap().success(), "{rest}");
        assert!(
            rest.contains("\n0 packets dropped by kernel"),
            "the independent capture lost frames: {rest}"
        );
        self.path.clone()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // After `close` it has ended.
        let _ = self.tcpdump.kill();
        let _ = self.tcpdump.wait();
    }
}

/// The conversations that were answered to the control room's clients within so many seconds from now.
pub(crate) fn answered(lab: &Lab, seconds: f64) -> BTreeSet<Conversation> {
    let ear = Ear::open(lab, "control0", &lab.state.join("answered.pcap"));
    pause(seconds);
    let path = ear.close();
    let fields = ["ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "tcp.len", "frame.protocols"];
    let mut words = vec!["-r", path.to_str().unwrap(), "-Y", "tcp", "-T", "fields"];
    words.extend(fields.iter().flat_map(|field| ["-e", field]));
    let mut protocols: BTreeMap<(String, String, u64), &str> = BTreeMap::new();
    let mut heard = BTreeSet::new();
    let lines = must("tshark", &words);
    for line in lines.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [source, destination, from, to, length, layers] = parts[..] else { panic!("{line}") };
        let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
        // Both services of this plant live below 1024, their clients above.
        let is_answer = from < 1024;
        let service = if is_answer {
            (destination.to_owned(), source.to_owned(), from)
        } else {
            (source.to_owned(), destination.to_owned(), to)
        };
        if let Some(known) =
            ["modbus", "s7comm"].into_iter().find(|name| layers.split(':').any(|l| l == *name))
        {
            protocols.insert(service.clone(), known);
        }
        if is_answer && length != "0" {
            heard.insert(service);
        }
    }
    let named = |(client, server, port): (String, String, u64)| {
        let protocol = protocols.get(&(client.clone(), server.clone(), port)).copied().unwrap_or("tcp");
        (client, server, port, protocol.to_owned())
    };
    heard.into_iter().map(named).collect()
}

/// The frames of a capture: time in nanoseconds, length on the wire, octets. tcpdump turns whatever it is into the plain
/// format with nanoseconds (draft-ietf-opsawg-pcap), which is read here.
pub(crate) fn frames(path: &Path) -> Vec<(u64, u32, Vec<u8>)> {
    let plain = path.with_extension("plain.pcap");
    let (from, to) = (path.to_str().unwrap(), plain.to_str().unwrap());
    must("tcpdump", &["-r", from, "--time-stamp-precision=nano", "-Z", "root", "-w", to]);
    let octets = std::fs::read(&plain).unwrap();
    let number = |at: usize| u32::from_ne_bytes(octets[at..at + 4].try_into().unwrap());
    assert_eq!(number(0), 0xa1b2_3c4d, "nanoseconds, in this machine's octet order");
    let mut frames = Vec::new();
    let mut at = 24;
    while at + 16 <= octets.len() {
        let length = number(at + 8) as usize;
        let time = u64::from(number(at)) * 1_000_000_000 + u64::from(number(at + 4));
        frames.push((time, number(at + 12), octets[at + 16..at + 16 + length].to_vec()));
        at += 16 + length;
    }
    assert_eq!(at, octets.len(), "{} ends within a frame", plain.display());
    frames
}
