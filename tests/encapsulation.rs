//! Every capture of the protocols decoded by now, and our own, carried in each encapsulation that a mirror or a network
//! may put around it, whole and in fragments: the same messages come out, of the same frames and talkers.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

#[expect(dead_code, reason = "the helpers are shared with tests that need more of them")]
mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use common::{
    decode,
    frames::{self, Frame},
    spoken::{Quick, spoken},
    wrap::{Wrap, fragments, wrap},
};
use fieldwarden_engine::{Engine, Input, Output, Settings};
use fieldwarden_model::FrameRef;
use fieldwarden_protocols::link::{self, Carried, Redundancy, Tunnel};

/// Octets a tracker may hold after any capture.
const MEMORY_CAP: usize = 64 << 20;
/// Captures at the quick scale.
const QUICK_CAPTURES: Quick = Quick { per_folder: 1, octets: 100_000 };
/// Octets of a fragment of a tunnel: even frames of polling are cut.
const FRAGMENT: usize = 80;

/// What comes out of a wrapped frame besides its content.
fn marks(how: Wrap) -> (&'static [Tunnel], bool) {
    match how {
        Wrap::QinQ | Wrap::PppLine | Wrap::HdlcLine => (&[], false),
        Wrap::Mpls | Wrap::PseudowireWithWord | Wrap::Pseudowire => (&[Tunnel::Mpls], false),
        Wrap::Pppoe => (&[Tunnel::Pppoe], false),
        Wrap::Gre | Wrap::GrePlain | Wrap::GreBridged => (&[Tunnel::Gre], false),
        Wrap::Pptp => (&[Tunnel::Pptp], false),
        Wrap::Erspan1 => (&[Tunnel::Erspan1], false),
        Wrap::Erspan2 => (&[Tunnel::Erspan2], false),
        Wrap::Erspan3 => (&[Tunnel::Erspan3], false),
        Wrap::Vxlan | Wrap::VxlanOver6 => (&[Tunnel::Vxlan], false),
        Wrap::Geneve => (&[Tunnel::Geneve], false),
        Wrap::InIpv4 | Wrap::InIpv6 => (&[Tunnel::IpInIp], false),
        Wrap::Hsr | Wrap::Prp => (&[], true),
        Wrap::MirrorInOverlay => (&[Tunnel::Vxlan, Tunnel::Erspan2], false),
    }
}

fn captures() -> Vec<PathBuf> {
    let found = spoken(QUICK_CAPTURES);
    assert!(!found.is_empty());
    found
}

#[test]
fn every_encapsulation_gives_the_same_messages() {
    let mut different = BTreeMap::new();
    let mut opened = BTreeSet::new();
    let mut messages = 0;
    for path in captures() {
        let whole = frames::read(&path);
        let expected = decode::numbered_messages(&whole, MEMORY_CAP);
        messages += expected.values().map(Vec::len).sum::<usize>();
        for (n, how) in Wrap::ALL.into_iter().enumerate() {
            let wrapped: Vec<Frame> = whole.iter().map(|frame| wrap(frame, how)).collect();
            if wrapped.iter().any(|frame| is_marked(frame, how)) {
                opened.insert(n);
            }
            let found = decode::numbered_messages(&wrapped, MEMORY_CAP);
            if let Some(what) = decode::difference(&expected, &found) {
                different.insert(format!("{} {how:?}", path.display()), what);
            }
            if let Some(what) = whole.iter().zip(&wrapped).find_map(|(plain, carried)| worse(plain, carried))
            {
                different.insert(format!("{} {how:?} anomalies", path.display()), what);
            }
        }
    }
    assert!(different.is_empty(), "{} differ:\n{different:#?}", different.len());
    assert!(messages > 1_000, "{messages} messages");
    assert_eq!(opened.len(), Wrap::ALL.len(), "some encapsulation was never seen to be opened: {opened:?}");
}

#[test]
fn a_tunnel_in_fragments_gives_the_same_messages() {
    let mut different = BTreeMap::new();
    let mut cut = 0;
    for path in captures() {
        let whole = frames::read(&path);
        let expected = decode::messages(&whole, MEMORY_CAP);
        for how in [Wrap::Vxlan, Wrap::VxlanOver6, Wrap::Erspan2, Wrap::InIpv4, Wrap::MirrorInOverlay] {
            let mut id = 0_u16;
            let mut in_fragments = Vec::new();
            for frame in &whole {
                id = id.wrapping_add(1);
                let fragments = fragments(&wrap(frame, how), FRAGMENT, id);
                cut += usize::from(fragments.len() > 1);
                in_fragments.extend(fragments);
            }
            let found = decode::messages(&in_fragments, MEMORY_CAP);
            if let Some(what) = decode::difference(&expected, &found) {
                different.insert(format!("{} {how:?}", path.display()), what);
            }
        }
    }
    assert!(different.is_empty(), "{} differ:\n{different:#?}", different.len());
    assert!(cut > 100, "{cut} frames were cut");
}

#[test]
fn the_engine_judges_the_same_in_a_tunnel_in_fragments() {
    for path in captures().into_iter().filter(|path| path.starts_with(common::root().join("pcaps"))) {
        let whole = frames::read(&path);
        let (expected, judged) = judge(&whole);
        assert!(expected.values().sum::<u64>() > 0, "{}", path.display());
        let in_fragments = whole
            .iter()
            .zip(0_u16..)
            .flat_map(|(frame, id)| fragments(&wrap(frame, Wrap::Erspan2), FRAGMENT, id));
        let (found, judged_in_tunnel) = judge(&in_fragments.collect::<Vec<_>>());
        assert_eq!(expected, found, "{}", path.display());
        assert_eq!(judged, judged_in_tunnel, "{}: the mirror's ends are no talkers", path.display());
    }
}

/// Messages by protocol, and what was alerted: detector, client, server.
fn judge(frames: &[Frame]) -> (BTreeMap<&'static str, u64>, Vec<String>) {
    let mut engine = Engine::new(Settings::default());
    let mut alerts = Vec::new();
    let mut note = |output| {
        if let Output::Alert(alert) = output {
            alerts.push(format!("{} {} > {:?}", alert.detector, alert.client, alert.server));
        }
    };
    for (frame, number) in frames.iter().zip(1..) {
        let reference = FrameRef { capture: 0, number };
        engine.step(Input::Frame { frame: frame.raw(), reference }, &mut note);
    }
    engine.finish(&mut note);
    (engine.summary().messages, alerts)
}

#[test]
fn a_line_of_bacnet_stations_reads_whole() {
    let Some(shared) = common::shared() else { return };
    let frames = frames::read(&shared.join("pcaps/bacnet/emre__mstp_20090227094623.pcap"));
    let mut data = 0;
    for (frame, number) in frames.iter().zip(1..) {
        let raw = frame.raw();
        let layers = link::dissect(&raw);
        assert!(layers.anomalies.is_empty(), "frame {number}: {:?}", layers.anomalies);
        let Carried::MsTp { frame_type, .. } = layers.carried else { panic!("frame {number}") };
        if matches!(frame_type, 5 | 6) {
            data += 1;
            // The version of the NPDU (ASHRAE 135 clause 6.2.1).
            assert_eq!(layers.payload.first(), Some(&1), "frame {number}");
        }
    }
    // As many as tshark shows with `-Y bacnet`.
    assert_eq!((frames.len(), data), (666, 403));
}

fn is_marked(frame: &Frame, how: Wrap) -> bool {
    let raw = frame.raw();
    let layers = link::dissect(&raw);
    let (tunnels, redundant) = marks(how);
    let redundancy = match layers.redundancy {
        Some(Redundancy::Hsr { path: 2, sequence: 0x1234 }) => how == Wrap::Hsr,
        Some(Redundancy::Prp { lan: link::Lan::B, sequence: 0x1234 }) => how == Wrap::Prp,
        _ => !redundant,
    };
    let tagged = how != Wrap::QinQ || layers.vlan.get(..3) == Some(&[100, 101, 102]);
    layers.tunnels == tunnels && redundancy && tagged
}

/// What is told of a carried frame that is not told of the plain one.
fn worse(plain: &Frame, carried: &Frame) -> Option<String> {
    let (raw, raw_carried) = (plain.raw(), carried.raw());
    let (plain, carried) = (link::dissect(&raw), link::dissect(&raw_carried));
    // Tags before the frame's own may be more than are kept; what is then told is right.
    let extra = carried.anomalies.iter().find(|anomaly| {
        anomaly.code != "vlan-tags" && !plain.anomalies.iter().any(|known| known.code == anomaly.code)
    });
    extra.map(|anomaly| anomaly.to_string())
}
