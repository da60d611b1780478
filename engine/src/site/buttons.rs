//! Buttons that an operator pressed for the first time: information, which opens no incident.
//!
//! Taken for one is what the detector says may be one, where the state before was known from reads, no open incident makes it
//! suspicious, and few came of late from that client to that server. Whatever comes beyond that is told as high, as any other point.

use std::time::Duration;

use fieldwarden_model::{AddressSpace, IncidentId, Severity, Talker, Timestamp};

use super::{Site, repeats::RepeatKey};
use crate::{detect::Finding, engine::Output};

/// Pairs of talkers whose buttons are counted at once; where there are more, theirs are told as high.
const MAX_PAIRS: usize = 256;

/// Within this long few may come.
const HOUR: Duration = Duration::from_secs(3_600);

/// What sets the repetitions of a button apart from those of an attack.
const BUTTON: &str = "button";

/// The buttons of the last hour. A restart counts anew.
#[derive(Debug, Default)]
pub(super) struct Buttons {
    pairs: Vec<Pressed>,
}

#[derive(Debug)]
struct Pressed {
    pair: (AddressSpace, Talker, Option<Talker>),
    since: Timestamp,
    count: u32,
}

impl Buttons {
    /// Counts one, unless there were as many as may be.
    fn take(&mut self, pair: (AddressSpace, Talker, Option<Talker>), now: Timestamp, most: u32) -> bool {
        self.pairs.retain(|pressed| now.since(pressed.since) <= HOUR);
        if let Some(pressed) = self.pairs.iter_mut().find(|pressed| pressed.pair == pair) {
            let fits = pressed.count < most;
            pressed.count += u32::from(fits);
            return fits;
        }
        let fits = most > 0 && self.pairs.len() < MAX_PAIRS;
        if fits {
            self.pairs.push(Pressed { pair, since: now, count: 1 });
        }
        fits
    }
}

impl Site {
    /// Tells a finding as information where it is taken for a button; else gives it back.
    pub(super) fn unless_button(
        &mut self,
        mut finding: Finding,
        key: &RepeatKey,
        out: &mut dyn FnMut(Output),
    ) -> Option<Finding> {
        let server = finding.server.map(|server| server.talker);
        let pair = (finding.space, finding.client.talker, server);
        if !finding.button || self.desk.suspects(pair.0, pair.1, pair.2) {
            return Some(finding);
        }
        let (old, new) = self.values(&finding);
        // Thrown to where it was it changes nothing, whoever may be in the station.
        if old != new && self.desk.struck(pair.0, pair.1) {
            return Some(finding);
        }
        let settings = self.rules.settings.clone();
        let key = key.under(Some(BUTTON));
        // Who pressed it once may press it again.
        if self.repeats.repeated(&key, finding.time, &settings).is_some() {
            return None;
        }
        if old.is_empty() || !self.buttons.take(pair, finding.time, settings.new_point_write.buttons_per_hour)
        {
            return Some(finding);
        }
        finding.severity = Severity::Info;
        finding.sentence.push_str(", as it does beside it");
        let alert = self.alert(finding);
        self.repeats.note(key, alert.time, IncidentId(String::new()));
        self.alerts += 1;
        out(Output::Alert(alert));
        None
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome, PointRange, Severity, Values, Verb, operation::Encoding};

    use crate::{
        baseline::{Allowed, Baseline, Envelope, Function},
        bench::{Bench, HMI, PLC, ROGUE, baseline, operation, points, write},
    };

    /// The station switches coil 3 and polls 1 to 24.
    fn switches() -> Baseline {
        let mut baseline = baseline();
        let entry = &mut baseline.conversations[0];
        entry.functions.push(Function { code: 5, name: "".into() });
        entry.functions.push(Function { code: 1, name: "".into() });
        entry.functions.sort();
        entry.reads.push(points("00001-00024"));
        let line = entry.writes[0].clone();
        entry.writes.push(Envelope { points: points("00003"), allowed: Allowed::between(0, 1), ..line });
        baseline
    }

    fn switch<'a>(text: &str, states: &'a [u8]) -> Operation<'a> {
        let values = Values { bytes: states, encoding: Encoding::BitsLeastFirst, count: 1, stride: 1 };
        Operation { values: Some(values), ..operation(Verb::Write, 5, Some(points(text))) }
    }

    fn shown(bench: &mut Bench) {
        let reads = operation(Verb::Read, 1, Some(points("00001-00024")));
        bench.asks(HMI, PLC, &reads);
        let values = Values { bytes: &[0; 3], encoding: Encoding::BitsLeastFirst, count: 24, stride: 1 };
        bench.answers(HMI, PLC, &Operation { values: Some(values), outcome: Outcome::Done, ..reads });
    }

    /// Severities told, and how many incidents.
    fn told(bench: &Bench) -> (Vec<Severity>, usize) {
        let ids: std::collections::BTreeSet<_> =
            bench.incidents.iter().map(|incident| &incident.id).collect();
        (bench.alerts.iter().map(|alert| alert.severity).collect(), ids.len())
    }

    #[test]
    fn a_button_beside_others_is_information() {
        let mut bench = Bench::with(Some(switches()));
        shown(&mut bench);
        bench.asks(HMI, PLC, &switch("00002", &[1])).asks(HMI, PLC, &switch("00002", &[0]));
        assert_eq!(told(&bench), (vec![Severity::Info], 0));
        assert_eq!(
            bench.last().summary,
            "10.0.0.5 wrote 00002 on Dosing PLC (10.0.0.20), which it never did before, as it does beside it (from 0 to 1)"
        );
        assert_eq!(bench.last().incident.0, "");
        assert_eq!(bench.writes.len(), 2, "every write is remembered");
    }

    #[test]
    fn the_third_within_an_hour_is_told() {
        let mut bench = Bench::with(Some(switches()));
        shown(&mut bench);
        for coil in ["00002", "00004", "00005"] {
            bench.asks(HMI, PLC, &switch(coil, &[1]));
        }
        assert_eq!(told(&bench), (vec![Severity::Info, Severity::Info, Severity::High], 1));
        // While its incident is open nothing of it is harmless.
        bench.asks(HMI, PLC, &switch("00002", &[1]));
        assert_eq!(told(&bench).0.last(), Some(&Severity::High));
    }

    #[test]
    fn what_is_no_switch_among_switches_is_told() {
        let told_of = |baseline: Baseline, operation: &Operation<'_>| {
            let mut bench = Bench::with(Some(baseline));
            shown(&mut bench);
            bench.asks(HMI, PLC, operation);
            let told = bench.alerts.iter().find(|alert| alert.detector == "new-point-write");
            told.map(|alert| alert.severity)
        };
        let high = Some(Severity::High);
        let mut few = switches();
        few.conversations[0].reads[1] = points("00001-00004");
        assert_eq!(told_of(few, &switch("00005", &[1])), high, "not polled");
        assert_eq!(told_of(switches(), &switch("00020", &[1])), high, "too far away");
        assert_eq!(told_of(switches(), &switch("00019", &[1])), Some(Severity::Info));
        assert_eq!(told_of(switches(), &write("40102", &[0, 1])), high, "a number");
        let two = switch("00004-00005", &[3]);
        let both = Values { count: 2, ..two.values.unwrap() };
        assert_eq!(told_of(switches(), &Operation { values: Some(both), ..two }), high, "two at once");
        let octet = Values { bytes: &[1], encoding: Encoding::Unsigned8, count: 1, stride: 8 };
        let points = PointRange { last: points("00011").first, ..points("00004") };
        let wide = Operation { points: Some(points), values: Some(octet), ..switch("00004", &[1]) };
        assert_eq!(told_of(switches(), &wide), high, "an octet");
        assert_eq!(
            told_of(switches(), &Operation { function: 15, ..switch("00002", &[1]) }),
            high,
            "another function"
        );
        let mut off = switches();
        off.conversations[0].writes[1].allowed = Allowed::between(0, 0);
        assert_eq!(told_of(off.clone(), &switch("00002", &[1])), high, "switches are only switched off here");
        assert_eq!(told_of(off, &switch("00002", &[0])), Some(Severity::Info));
    }

    #[test]
    fn what_nobody_showed_or_somebody_else_does_is_told() {
        let mut blind = Bench::with(Some(switches()));
        blind.asks(HMI, PLC, &switch("00002", &[1]));
        assert_eq!(told(&blind), (vec![Severity::High], 1));
        let mut bench = Bench::with(Some(switches()));
        shown(&mut bench);
        bench.heard(ROGUE).asks(ROGUE, PLC, &switch("00003", &[1])).asks(HMI, PLC, &switch("00002", &[1]));
        assert!(bench.alerts.iter().all(|alert| alert.severity > Severity::Info), "{:?}", bench.alerts);
    }

    #[test]
    fn that_somebody_speaks_to_the_station_is_not_yet_that_it_was_taken_over() {
        let mut bench = Bench::with(Some(switches()));
        shown(&mut bench);
        bench.connects(ROGUE, HMI, 139).asks(HMI, PLC, &switch("00002", &[1]));
        let severities: Vec<Severity> = bench.alerts.iter().map(|alert| alert.severity).collect();
        assert!(severities.len() > 1 && severities.last() == Some(&Severity::Info), "{severities:?}");
        // A file share of the station is used: it may have been taken over.
        bench.connects(ROGUE, HMI, 445).accepts(ROGUE, HMI, 445);
        assert!(bench.detectors().contains(&"remote-access"), "{:?}", bench.detectors());
        bench.asks(HMI, PLC, &switch("00004", &[0]));
        assert_eq!(bench.last().severity, Severity::Info, "it stays as it was");
        bench.asks(HMI, PLC, &switch("00005", &[1]));
        assert_eq!(bench.last().severity, Severity::High);
    }

    #[test]
    fn where_somebody_else_is_at_the_controller_nothing_is_harmless() {
        let mut bench = Bench::with(Some(switches()));
        shown(&mut bench);
        bench.connects(ROGUE, PLC, 502).asks(HMI, PLC, &switch("00004", &[0]));
        assert_eq!(bench.last().severity, Severity::High);
    }
}
