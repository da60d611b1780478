//! Traffic of another kind on a port is told as what it is, or as nothing, and never as a broken message of the protocol that
//! is usually found there.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;
#[path = "foreign/samples.rs"]
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use common::{
    trace::traces,
    wire::{self, Carried},
};
use fieldwarden_model::Transport;
use fieldwarden_protocols::{DISSECTORS, Kind};
use samples::{Sample, datagrams, streams};

#[test]
fn foreign_traffic_is_told_as_what_it_is() {
    let mut faults = Faults::default();
    let mut tried = 0;
    for (transport, number, samples) in [(Transport::Tcp, 6, streams()), (Transport::Udp, 17, datagrams())] {
        for (port, home) in ports(transport) {
            for sample in &samples {
                try_one(Carried::Ip(number, port), &home, sample, &mut faults);
                tried += 1;
            }
        }
    }
    let lines: Vec<String> =
        faults.0.iter().map(|(what, ports)| format!("{what}: ports {ports:?}")).collect();
    assert!(lines.is_empty(), "{} kinds of faults:\n{}", lines.len(), lines.join("\n"));
    println!("{tried} conversations on ports of other protocols are told as what they are");
}

/// What is wrong, and on which ports.
#[derive(Default)]
struct Faults(BTreeMap<String, BTreeSet<u16>>);

/// The well-known ports above IP, with the protocols at home there; a port that nobody knows as well.
fn ports(transport: Transport) -> BTreeMap<u16, Vec<&'static str>> {
    let mut ports: BTreeMap<u16, Vec<&'static str>> = BTreeMap::from([(33_333, Vec::new())]);
    for dissector in DISSECTORS.iter().filter(|dissector| dissector.carried_by(transport)) {
        for port in (1..=u16::MAX).filter(|port| dissector.well_known(*port)) {
            let own = [dissector.protocol()];
            let names = own.iter().chain(dissector.beneath()).map(|protocol| protocol.name());
            ports.entry(port).or_default().extend(names);
        }
    }
    ports
}

/// Protocols whose messages have no mark of their own, and what on their ports cannot be told from one of them.
const UNMARKED: &[(&str, &str)] = &[
    ("ntp", "any octet with a version and a mode begins one"),
    ("openvpn", "one octet, then a session of random octets"),
    ("mqtt", "a session joined in the middle begins with any type and length"),
    ("telnet", "what is typed is any text"),
    ("ftp", "an answer is a number and a text, as in other dialogues"),
    ("enip", "zeros are its command that does nothing, and so are those of NTP"),
    ("ge_srtp", "zeros are its first message"),
    ("rdp", "begins with the connection request of ISO transport, as S7comm does"),
];

/// Who takes a session of S7comm on its own port, by the first message: RDP opens with the same one, and to the others its first
/// two octets are the length of a message, for whose rest they wait.
const TAKES_S7: [&str; 3] = ["rdp", "dns", "crimson"];

/// Whether a sample may be told as whole messages of a protocol that is at home on its port.
fn may_be(sample: &Sample, protocol: &str) -> bool {
    let shared = protocol == "rdp" && sample.of.contains(&"s7comm");
    (shared || !sample.sure) && UNMARKED.iter().any(|(name, _)| *name == protocol)
}

fn try_one(carried: Carried, home: &[&str], sample: &Sample, faults: &mut Faults) {
    let Carried::Ip(number, port) = carried else { return };
    let (packets, _) = wire::packets(carried, &sample.parts);
    let told = traces(carried, &packets);
    let mut fault = |what: String| {
        let kind = if number == 6 { "TCP" } else { "UDP" };
        faults.0.entry(format!("{} over {kind}: {what}", sample.what)).or_default().insert(port);
    };
    for trace in told.iter().filter(|trace| !sample.of.contains(&trace.protocol)) {
        if !home.contains(&trace.protocol) || !may_be(sample, trace.protocol) {
            fault(format!("told as {} {:?} {:?}", trace.protocol, trace.kind, trace.anomalies));
        } else if trace.kind == Kind::Anomaly {
            fault(format!("told as broken {}: {:?}", trace.protocol, trace.anomalies));
        }
    }
    let taken = sample.of.contains(&"s7comm") && home.iter().any(|name| TAKES_S7.contains(name));
    if sample.sure && !taken && !told.iter().any(|trace| sample.of.contains(&trace.protocol)) {
        fault("not told".to_owned());
    }
}
