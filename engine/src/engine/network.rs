//! What shows across shards, over real frames: the same whoever runs the shards.

use std::time::Duration;

use fieldwarden_model::{Alert, FrameRef, LinkType, Mac, RawFrame, Scope, Talker, Target, Timestamp};

use super::{Engine, Input, Output, Settings};
use crate::map::Seed;

const HMI: Host = Host([10, 0, 0, 5], 0x05);
const PLC: Host = Host([10, 0, 0, 20], 0x20);
const ROGUE: Host = Host([10, 0, 0, 66], 0x66);

/// An address and the last octet of its card.
#[derive(Clone, Copy)]
struct Host([u8; 4], u8);

impl Host {
    const fn mac(self) -> [u8; 6] {
        [2, 0, 0, 0, 0, self.1]
    }
}

/// Milliseconds and octets.
type Sent = (u64, Vec<u8>);

#[test]
fn ports_tried_are_one_scan_however_the_shards_are_run() {
    let mut frames = Vec::new();
    for n in 0..60_u16 {
        let time = u64::from(n) * 100;
        frames.push((time, tcp((ROGUE, 40_000 + n), (PLC, 1_000 + n), 100, 0, SYN)));
        frames.push((time + 1, tcp((PLC, 1_000 + n), (ROGUE, 40_000 + n), 0, 101, RST_ACK)));
    }
    let alerts = everywhere(&frames);
    assert_eq!(detectors(&alerts), ["scan"], "{alerts:?}");
    assert_eq!(alerts[0].summary, "10.0.0.66 tried 16 ports of 10.0.0.20 in vain");
    assert!(alerts[0].time < at(2_000), "with the sixteenth refusal");
}

#[test]
fn one_port_on_many_servers_in_many_shards_is_one_scan() {
    let frames: Vec<Sent> = (0..60_u8)
        .map(|n| {
            let server = Host([10, 0, 0, 100 + n], 100 + n);
            (u64::from(n) * 500, tcp((ROGUE, 40_000), (server, 502), 100, 0, SYN))
        })
        .collect();
    let alerts = everywhere(&frames);
    assert_eq!(detectors(&alerts), ["scan"], "{alerts:?}");
    assert!(alerts[0].summary.contains("tried port 502 on 16 addresses"), "{}", alerts[0].summary);
}

#[test]
fn a_scan_that_is_over_before_anything_could_answer_is_told_when_its_flows_end() {
    let mut frames: Vec<Sent> =
        (0..40_u16).map(|n| (u64::from(n), tcp((ROGUE, 40_000), (PLC, 1_000 + n), 100, 0, SYN))).collect();
    frames.push((300_000, arp(HMI, HMI.0, PLC.0, 1)));
    let alerts = everywhere(&frames);
    assert_eq!(detectors(&alerts), ["scan"], "{alerts:?}");
}

#[test]
fn another_card_within_a_flow_is_seen() {
    let mut frames = vec![(0, arp(PLC, PLC.0, HMI.0, 2)), (1, arp(HMI, HMI.0, PLC.0, 2))];
    let polls = |from: u64, plc: Host| {
        (0..20_u64).flat_map(move |n| {
            let time = from + n * 1_000;
            [(time, udp((HMI, 50_000), (PLC, 502))), (time + 5, udp((plc, 502), (HMI, 50_000)))]
        })
    };
    frames.extend(polls(1_000, PLC));
    assert_eq!(everywhere(&frames), [], "nobody changed");
    // The same flow, whose server's packets come from the card of another now.
    frames.extend(polls(100_000, Host(PLC.0, ROGUE.1)));
    let alerts = everywhere(&frames);
    assert_eq!(detectors(&alerts), ["address-change"], "{alerts:?}");
    assert_eq!(alerts[0].client.to_string(), "02:00:00:00:00:66");
    assert_eq!(alerts[0].time, at(100_005), "with its first packet");
}

#[test]
fn who_answers_for_the_address_of_another_is_seen_at_once() {
    let mut frames = Vec::new();
    for n in 0..30_u64 {
        frames.push((n * 2_000, arp(PLC, PLC.0, HMI.0, 2)));
        frames.push((n * 2_000 + 10, arp(HMI, HMI.0, PLC.0, 1)));
    }
    let honest = everywhere(&frames);
    assert_eq!(honest, []);
    // He said his own address before, and the other's in between.
    frames.insert(0, (0, arp(ROGUE, ROGUE.0, HMI.0, 1)));
    frames.push((61_000, arp(Host(PLC.0, ROGUE.1), PLC.0, HMI.0, 2)));
    let alerts = everywhere(&frames);
    assert_eq!(detectors(&alerts), ["address-change"], "{alerts:?}");
    assert_eq!(alerts[0].client.to_string(), "10.0.0.66");
}

#[test]
fn a_router_whose_networks_come_from_its_other_side_is_quiet() {
    let mut frames = Vec::new();
    for n in 0..40_u8 {
        let far = [10, 1, 0, n % 8];
        frames.push((u64::from(n) * 1_000, udp((Host(far, 0x01), 40_000), (PLC, 502))));
    }
    for n in 0..40_u8 {
        let far = [10, 1, 0, n % 8];
        frames.push((60_000 + u64::from(n) * 1_000, udp((Host(far, 0x02), 40_000), (PLC, 502))));
    }
    let alerts = everywhere(&frames);
    assert!(!detectors(&alerts).contains(&"address-change"), "{alerts:?}");
}

/// What is told, the same one by one, by the batch, with threads and with other seeds.
fn everywhere(frames: &[Sent]) -> Vec<Alert> {
    let numbered: Vec<(FrameRef, RawFrame<'_>)> =
        (1..).zip(frames).map(|(number, sent)| (FrameRef { capture: 0, number }, raw(sent))).collect();
    let mut one_by_one = Vec::new();
    let mut first = engine(1, 1);
    for (reference, frame) in &numbered {
        let input = Input::Frame { frame: *frame, reference: *reference };
        first.step(input, &mut |output| take(output, &mut one_by_one));
    }
    first.finish(&mut |output| take(output, &mut one_by_one));
    for (seed, threads) in [(2, 1), (3, 2)] {
        let mut together = Vec::new();
        let mut engine = engine(seed, threads);
        engine.frames(&numbered, &mut |output| take(output, &mut together));
        engine.finish(&mut |output| take(output, &mut together));
        assert_eq!(one_by_one, together, "{threads} threads");
    }
    one_by_one
}

/// Who falls silent, as `client server`, when an order is against that.
fn silenced(frames: &[Sent], target: Target, behind: &[Talker]) -> Vec<String> {
    let mut engine = engine(1, 1);
    for (sent, number) in frames.iter().zip(1..) {
        let reference = FrameRef { capture: 0, number };
        engine.step(Input::Frame { frame: raw(sent), reference }, &mut |_| {});
    }
    let scope = Scope::usual(&target);
    let lines = engine.rehearse(&target, scope, behind).conversations;
    lines.iter().map(|line| format!("{} {}", line.client, line.server)).collect()
}

/// The rules cut what goes to a port of one end and what comes from it: where both ends use the same port, that is all they
/// say, whoever began.
#[test]
fn an_order_for_a_port_reaches_who_asks_from_that_port() {
    let order = |port| Target::Conversation {
        client: Talker::Ip(PLC.0.into()),
        server: Talker::Ip(HMI.0.into()),
        server_port: Some(port),
        transport: None,
    };
    let frames = |own| [(0, udp((HMI, own), (PLC, 2_222))), (5, udp((PLC, 2_222), (HMI, own)))];
    assert_eq!(silenced(&frames(2_222), order(2_222), &[]), ["10.0.0.5 10.0.0.20"]);
    assert_eq!(silenced(&frames(40_000), order(2_222), &[]), <[&str; 0]>::default());
    assert_eq!(silenced(&frames(40_000), order(40_000), &[]), ["10.0.0.5 10.0.0.20"]);
}

#[test]
fn what_an_isolated_talker_tells_a_group_falls_silent_too() {
    let group = Host([239, 1, 1, 7], 0x07);
    let mut told = udp((PLC, 2_222), (group, 2_222));
    told[..6].copy_from_slice(&[1, 0, 0x5e, 1, 1, 7]);
    let talker = Talker::Ip(PLC.0.into());
    assert_eq!(silenced(&[(0, told)], Target::Talker { talker }, &[]), ["10.0.0.20 239.1.1.7"]);
}

/// What a switch knows of a machine is its hardware address, and what the plant is told of it the address above.
#[test]
fn a_machine_known_behind_a_port_by_its_card_falls_silent_by_its_address() {
    let frames = [
        (0, udp((HMI, 40_000), (PLC, 2_222))),
        (5, udp((PLC, 2_222), (HMI, 40_000))),
        (10, udp((ROGUE, 40_000), (PLC, 2_222))),
    ];
    let port = || Target::SwitchPort { switch: "cell-1".into(), port: "eth3".into() };
    let card = |host: Host| [Talker::Mac(Mac(host.mac()))];
    assert_eq!(silenced(&frames, port(), &card(HMI)), ["10.0.0.5 10.0.0.20"]);
    assert_eq!(silenced(&frames, port(), &card(PLC)), ["10.0.0.5 10.0.0.20", "10.0.0.66 10.0.0.20"]);
}

fn engine(seed: u64, threads: usize) -> Engine {
    Engine::new(Settings { seed: Seed(seed), threads, ..Settings::default() })
}

fn take(output: Output, alerts: &mut Vec<Alert>) {
    if let Output::Alert(alert) = output
        && alert.detector != "sensor-blind"
    {
        alerts.push(alert);
    }
}

fn detectors(alerts: &[Alert]) -> Vec<&str> {
    alerts.iter().map(|alert| alert.detector.as_str()).collect()
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).saturating_add(Duration::from_millis(millis))
}

fn raw(sent: &Sent) -> RawFrame<'_> {
    RawFrame {
        time: at(sent.0),
        link_type: LinkType::ETHERNET,
        interface: 0,
        wire_length: u32::try_from(sent.1.len()).unwrap(),
        tag: None,
        bytes: &sent.1,
    }
}

const SYN: u8 = 0x02;
const RST_ACK: u8 = 0x14;

/// ARP (RFC 826): who sends it, the address it says is its own, the one it speaks of, and the operation.
fn arp(from: Host, own: [u8; 4], other: [u8; 4], operation: u8) -> Vec<u8> {
    let body = [0, 1, 8, 0, 6, 4, 0, operation];
    let target = [&[0; 6][..], &other].concat();
    [&[0xff; 6][..], &from.mac(), &[8, 6], &body, &from.mac(), &own, &target, &[0; 18]].concat()
}

fn tcp(from: (Host, u16), to: (Host, u16), sequence: u32, acknowledged: u32, flags: u8) -> Vec<u8> {
    let mut segment = [
        &from.1.to_be_bytes()[..],
        &to.1.to_be_bytes(),
        &sequence.to_be_bytes(),
        &acknowledged.to_be_bytes(),
        &[0x50, flags, 0x20, 0, 0, 0, 0, 0],
    ]
    .concat();
    let pseudo = [&from.0.0[..], &to.0.0, &[0, 6, 0, 20], &segment].concat();
    segment[16..18].copy_from_slice(&checksum(&pseudo));
    ip(from.0, to.0, 6, &segment)
}

/// Something over UDP, without a checksum.
fn udp(from: (Host, u16), to: (Host, u16)) -> Vec<u8> {
    let datagram = [&from.1.to_be_bytes()[..], &to.1.to_be_bytes(), &[0, 12, 0, 0], b"poll"].concat();
    ip(from.0, to.0, 17, &datagram)
}

fn ip(from: Host, to: Host, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 20).unwrap();
    let [high, low] = length.to_be_bytes();
    let mut header = [&[0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0][..], &from.0, &to.0].concat();
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum);
    [&to.mac()[..], &from.mac(), &[8, 0], &header, payload].concat()
}

/// The Internet checksum (RFC 1071) of an even number of octets.
fn checksum(octets: &[u8]) -> [u8; 2] {
    let sum: u32 = octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    (!u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap()).to_be_bytes()
}
