use fieldwarden_model::Incident;

use crate::bench::{Bench, HMI, PLC, ROGUE, write};

fn sum(incident: &Incident) -> u32 {
    incident.addends.iter().map(|addend| u32::from(addend.points)).sum()
}

#[test]
fn a_score_is_the_sum_of_what_it_shows() {
    let mut bench = Bench::new();
    bench.heard(ROGUE);
    assert_eq!(bench.incident().addends.len(), 2, "{:?}", bench.incident().addends);
    bench.asks(ROGUE, PLC, &write("40101", &[0, 50])).asks(ROGUE, PLC, &write("40001", &[0, 1]));
    assert!(bench.incidents.len() > 3);
    for incident in &bench.incidents {
        assert_eq!(u32::from(incident.score), sum(incident).min(100), "{:?}", incident.addends);
    }
    let why: Vec<&str> = bench.incident().addends.iter().map(|addend| addend.why.as_str()).collect();
    assert!(why.contains(&"Dosing PLC has criticality 3"), "{why:?}");
    assert!(why.contains(&"the attacker is no talker of the baseline"), "{why:?}");
    assert!(why.contains(&"the process or a program was changed"), "{why:?}");
}

#[test]
fn what_an_attacker_did_is_one_story_told_in_order() {
    let mut bench = Bench::new();
    bench.heard(ROGUE).wait(60);
    bench.connects(ROGUE, PLC, 502).wait(60);
    bench.asks(ROGUE, PLC, &write("40101", &[0, 50])).wait(60);
    let story: Vec<&str> = bench.incident().story.iter().map(|step| step.what.as_str()).collect();
    assert_eq!(
        story,
        [
            "appeared on the network",
            "talked to Dosing PLC",
            "wrote set-points on Dosing PLC",
            "took control of Dosing PLC"
        ],
        "what came first is told first, whatever is gravest"
    );
    let times: Vec<_> = bench.incident().story.iter().map(|step| step.time).collect();
    assert!(times.is_sorted());
    let ids: std::collections::BTreeSet<_> = bench.incidents.iter().map(|incident| &incident.id).collect();
    assert_eq!(ids.len(), 1, "one attacker, one incident");
}

#[test]
fn a_known_station_is_no_stranger() {
    let mut bench = Bench::new();
    bench.asks(HMI, PLC, &write("40101", &[0, 101]));
    assert!(bench.incident().addends.iter().all(|addend| !addend.why.contains("no talker")));
    assert_eq!(bench.incident().score, 50 + 15 + 5);
}
