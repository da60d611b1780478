//! Changing the packet filter by difference leaves what making it from nothing leaves, whatever was there before and
//! whatever somebody else did meanwhile. The kernel's own tool is asked, not our reading.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops here"
)]

mod common;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use common::{output, real_now, run, talker};
use fieldwarden_enforcer::{
    content::{Content, Match, Until},
    drivers::{DeviceFault, Driver, Observed, nftables::Nftables},
    warden::difference,
};
use fieldwarden_model::Transport;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::select,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::Value;

/// Sequences of a full run and of a quick one.
const SEQUENCES: [u32; 2] = [60, 6];
/// Ends in milliseconds from now: some elements go by themselves between two steps.
const ENDS: [u64; 6] = [150, 400, 900, 6_000, 60_000, 600_000];
/// An element that ends within this many seconds may be in one listing and not in the next.
const ENDING_SECS: u64 = 3;

/// What somebody else does with our tables between two steps.
const MEDDLING: [&str; 9] = [
    "flush ruleset",
    "delete table inet fieldwarden",
    "delete table bridge fieldwarden",
    "flush chain netdev fieldwarden fieldwarden_ingress0",
    "add rule inet fieldwarden fieldwarden_forward accept",
    "flush set inet fieldwarden fieldwarden_service4",
    "flush set bridge fieldwarden fieldwarden_talker6",
    "add element inet fieldwarden fieldwarden_talker4 { 192.0.2.9 timeout 1h }",
    "add element netdev fieldwarden fieldwarden_pair4 { 192.0.2.9 . 192.0.2.8 timeout 300ms }",
];

#[derive(Clone, Debug)]
enum Step {
    /// The device is told to hold some of [`kinds`], each until then.
    Hold(Vec<(usize, u64)>),
    /// It is told the same once more, or all but one.
    Again(Option<usize>),
    /// Somebody else does this.
    Meddle(&'static str),
    /// Another program takes over, which knows nothing of what was told.
    Restart,
}

fn kinds() -> Vec<Match> {
    let ends = (0..4).flat_map(|n| {
        [(format!("10.2.0.{}", 20 + n), "10.1.0.10"), (format!("fd00:2::{}", 20 + n), "fd00:1::10")]
    });
    ends.flat_map(|(client, server)| {
        let (client, server) = (talker(&client), talker(server));
        [
            Match::Talker(client),
            Match::Pair { client, server },
            Match::Carried { client, server, transport: Transport::Udp },
            Match::Service { client, server, transport: Transport::Tcp, port: 502 },
            Match::Writes { client, server, port: 102 },
        ]
    })
    .collect()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kinds = kinds().len();
    let step = prop_oneof![
        5 => vec((0..kinds, select(&ENDS[..])), 0..12).prop_map(Step::Hold),
        3 => any::<Option<u8>>().prop_map(|without| Step::Again(without.map(usize::from))),
        2 => select(&MEDDLING[..]).prop_map(Step::Meddle),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..10)
}

fn by_difference() -> Nftables {
    Nftables::with_table("fieldwarden", &["lo"])
}

/// One run through `steps`; at each the tables are compared with tables made from nothing.
fn walk(steps: &[Step]) {
    assert!(run("nft", &["flush", "ruleset"]));
    let (kinds, mut driver, mut desired) = (kinds(), by_difference(), Content::new());
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Hold(cuts) => {
                let now = real_now().uptime_ms;
                desired = cuts.iter().map(|(n, end)| (kinds[*n].clone(), Until(now + end))).collect();
            }
            Step::Again(without) => {
                let cut = without.and_then(|n| desired.keys().nth(n % desired.len().max(1)).cloned());
                cut.and_then(|cut| desired.remove(&cut));
            }
            // Not everything can be done to tables that are not there yet.
            Step::Meddle(words) => drop(run("nft", &words.split(' ').collect::<Vec<_>>())),
            Step::Restart => driver = by_difference(),
        }
        // Whoever holds orders tells no device what has ended.
        let now = real_now().uptime_ms;
        desired.retain(|_, until| until.0 > now);
        driver.apply(&desired).unwrap();
        let observed = driver.observe().unwrap();
        let place = format!("step {number} of {steps:?}");
        assert_eq!(
            difference(&desired, &observed, driver.expiry_tolerance_ms(), real_now()),
            None,
            "{place}"
        );
        let mut anew = Nftables::with_table("anew", &["lo"]);
        for family in ["inet", "bridge", "netdev"] {
            run("nft", &["delete", "table", family, "anew"]);
        }
        anew.apply(&desired).unwrap();
        let since = Instant::now();
        let text = output("nft", &["--json", "list", "ruleset"]);
        let took = since.elapsed().as_secs() + 1;
        let (ours, theirs) = (Listing::of("fieldwarden", &text), Listing::of("anew", &text));
        assert_eq!(ours.rest, theirs.rest, "{place}");
        ours.ends_like(&theirs, took, &place);
    }
}

/// What the kernel's tool tells of the tables of one name.
#[derive(Default)]
struct Listing {
    /// Everything but elements that end, without handles and counts.
    rest: String,
    /// Elements, by family, set and key, with the seconds until they end.
    elements: BTreeMap<String, u64>,
}

impl Listing {
    fn of(table: &str, text: &str) -> Self {
        let Value::Object(mut told) = serde_json::from_str(text).unwrap() else { panic!("{text}") };
        let Some(Value::Array(all)) = told.remove("nftables") else { panic!("{text}") };
        let mut listing = Self::default();
        for mut object in all {
            let Some((kind, inner)) = object.as_object_mut().and_then(|object| object.iter_mut().next())
            else {
                continue;
            };
            let name = if kind == "table" { &inner["name"] } else { &inner["table"] };
            if name != table {
                continue;
            }
            if kind == "set" {
                listing.take_elements(inner);
            }
            plain(inner);
            let line = object.to_string().replace(&format!("\"{table}\""), "\"T\"");
            listing.rest.push_str(&line);
            listing.rest.push('\n');
        }
        assert!(!listing.rest.is_empty(), "{table} is there");
        listing
    }

    fn take_elements(&mut self, set: &mut Value) {
        let place = format!("{} {}", set["family"], set["name"]);
        let Some(Value::Array(elements)) = set.get_mut("elem") else { return };
        elements.retain(|element| {
            let Some(expires) = element["elem"]["expires"].as_u64() else { return true };
            self.elements.insert(format!("{place} {}", element["elem"]["val"]), expires);
            false
        });
        // An order of elements nobody promises.
        elements.sort_by_key(Value::to_string);
        if elements.is_empty() {
            set.as_object_mut().unwrap().remove("elem");
        }
    }

    fn ends_like(&self, other: &Self, took: u64, place: &str) {
        for (one, two) in [(self, other), (other, self)] {
            for (key, secs) in one.elements.iter().filter(|(_, secs)| **secs > ENDING_SECS + took) {
                let there = two.elements.get(key).unwrap_or_else(|| panic!("{key} is in one only, {place}"));
                assert!(secs.abs_diff(*there) <= 1 + took, "{key} ends in {secs} and in {there} s, {place}");
            }
        }
    }
}

/// Takes handles and counts away.
fn plain(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["handle", "packets", "bytes"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

#[test]
fn whatever_was_there_the_packet_filter_becomes_what_it_would_be_from_nothing() {
    let name = "whatever_was_there_the_packet_filter_becomes_what_it_would_be_from_nothing";
    if !common::is_inside() {
        return common::in_namespace(name);
    }
    assert!(run("ip", &["link", "set", "lo", "up"]));
    let [full, quick] = SEQUENCES;
    let cases = if std::env::var("SCALE").is_ok_and(|scale| scale == "5") { full } else { quick };
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 64, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, random);
    runner
        .run(&steps(), |steps| {
            walk(&steps);
            Ok(())
        })
        .unwrap();
}

#[test]
fn an_element_that_stays_is_not_touched() {
    let name = "an_element_that_stays_is_not_touched";
    if !common::is_inside() {
        return common::in_namespace(name);
    }
    let mut driver = Nftables::with_table("fieldwarden", &[]);
    let since = real_now().uptime_ms;
    let until = |secs: u64| Until(since + secs * 1_000);
    let (first, second) = (Match::Talker(talker("10.2.0.1")), Match::Talker(talker("10.2.0.2")));
    let mut desired = Content::from([(first.clone(), until(60))]);
    let told = || {
        let told = output("nft", &["list", "set", "inet", "fieldwarden", "fieldwarden_talker4"]);
        // `10.2.0.1 timeout 1m expires 57s..`: how long it was to last when it was put there.
        told.split(&['{', '}', ','][..])
            .filter_map(|element| element.split_once(" expires "))
            .map(|(told, _)| told.trim().to_owned())
            .collect::<Vec<_>>()
    };
    driver.apply(&desired).unwrap();
    driver.observe().unwrap();
    let before = told();
    desired.insert(second, until(50));
    // Long enough for an element that is put there again to be told another time.
    while real_now().uptime_ms < since + 1_500 {
        thread::sleep(Duration::from_millis(100));
    }
    driver.apply(&desired).unwrap();
    let after = told();
    assert_eq!((before.len(), after.len()), (1, 2), "{before:?} {after:?}");
    assert!(after.contains(&before[0]), "{before:?} {after:?}");
    desired.insert(first, until(40));
    driver.apply(&desired).unwrap();
    assert!(!told().contains(&before[0]), "another end is told");
}

#[test]
fn somebody_who_is_faster_at_our_elements_keeps_no_change_from_being_made() {
    let name = "somebody_who_is_faster_at_our_elements_keeps_no_change_from_being_made";
    if !common::is_inside() {
        return common::in_namespace(name);
    }
    let mut driver = Nftables::with_table("fieldwarden", &[]);
    driver.apply(&Content::new()).unwrap();
    let held = |n: u64| {
        let until = Until(real_now().uptime_ms + 60_000 + n * 1_000);
        (0..8).map(|at| (Match::Talker(talker(&format!("10.2.0.{}", (at + n) % 12))), until)).collect()
    };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let meddling = scope.spawn(|| {
            let mut done = 0;
            while !is_over.load(Ordering::Relaxed) {
                for n in 0..12 {
                    let element = format!("inet fieldwarden fieldwarden_talker4 {{ 10.2.0.{n} }}");
                    let words = |verb| format!("{verb} element {element}");
                    let put = words("add").replace(" }", " timeout 1h }");
                    done += usize::from(run("nft", &[&words("delete")])) + usize::from(run("nft", &[&put]));
                }
            }
            done
        });
        for n in 0..150 {
            match driver.apply(&held(n)) {
                // A reading that changed each time it was tried.
                Ok(()) | Err(DeviceFault::Unreachable { .. }) => {}
                Err(fault) => panic!("{fault}"),
            }
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(meddling.join().unwrap() > 0);
    });
    let desired = held(7);
    driver.apply(&desired).unwrap();
    let observed = driver.observe().unwrap();
    assert_eq!(difference(&desired, &observed, driver.expiry_tolerance_ms(), real_now()), None);
}

#[test]
fn what_ended_while_the_device_was_read_is_no_difference() {
    let cut = Match::Talker(talker("10.2.0.1"));
    let now = real_now();
    let desired = Content::from([(cut, Until(now.uptime_ms + 1_000))]);
    let mut observed = Observed::default();
    assert!(difference(&desired, &observed, 0, now).is_some());
    observed.read_ms = now.uptime_ms + 700;
    assert!(difference(&desired, &observed, 0, now).is_some(), "it should have lasted");
    observed.read_ms = now.uptime_ms + 900;
    assert_eq!(difference(&desired, &observed, 0, now), None);
}
