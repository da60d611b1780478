use fieldwarden_model::{Operation, Outcome, Values, operation::Encoding};
use proptest::prelude::*;

use super::*;
use crate::{
    baseline::arbitrary::{self, POINTS},
    bench::{Bench, HMI, PLC, ROGUE, baseline, talker},
};

fn question() -> Question {
    Question {
        space: AddressSpace(0),
        client: talker(HMI),
        server: talker(PLC),
        transport: None,
        port: None,
        protocol: Some("modbus".into()),
        unit: Some(1),
        verb: None,
        function: Some(6),
        points: Some("40101".into()),
        step: None,
        value: Some(Value::Integer(50)),
    }
}

fn decided(question: &Question) -> (bool, String) {
    let answers = explain(&baseline(), question);
    let decides = answers.iter().find(|answer| answer.normal == Some(false)).or(answers.last());
    (is_normal(&answers), decides.map(|answer| answer.why.clone()).unwrap_or_default())
}

#[test]
fn the_part_that_decides_is_named() {
    let asks = |change: fn(&mut Question)| {
        let mut question = question();
        change(&mut question);
        decided(&question)
    };
    let no = |why: &str| (false, why.to_owned());
    assert_eq!(asks(|_| {}), (true, "40101 takes 0 to 100".into()));
    assert_eq!(asks(|q| q.value = Some(Value::Integer(120))), no("120 is outside: 40101 takes 0 to 100"));
    assert_eq!(
        asks(|q| q.points = Some("40105".into())),
        no("`writes` does not have it; 40101 comes closest")
    );
    assert_eq!(
        asks(|q| q.function = Some(16)),
        no("`functions` does not have 16 (station to dosing: functions 3, 6)")
    );
    assert_eq!(
        asks(|q| q.unit = Some(9)),
        no("no conversation is like this; `station to dosing` comes closest, but has unit 1")
    );
    assert_eq!(asks(|q| q.client = talker(ROGUE)), no("10.0.0.66 is not among the talkers"));
    assert_eq!(asks(|q| q.points = Some("bit".into())), no("`bit` is no point of modbus"));
}

#[test]
fn what_is_left_out_is_not_asked_about() {
    let pair =
        Question { protocol: None, unit: None, function: None, points: None, value: None, ..question() };
    assert!(is_normal(&explain(&baseline(), &pair)));
    let reads = Question { points: Some("40001".into()), value: None, function: Some(3), ..question() };
    assert!(is_normal(&explain(&baseline(), &reads)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The detectors and the explanation are two ways to ask the same compiled baseline.
    #[test]
    fn what_is_told_is_what_is_explained_as_not_normal(
        baseline in arbitrary::baseline(),
        function in prop_oneof![Just(6_u32), Just(16)],
        point in 0..POINTS,
        value in -3_i8..9,
    ) {
        let points = PointRange { space: arbitrary::REGISTERS, first: point, last: point };
        let octets = value.to_be_bytes();
        let values = Values { bytes: &octets, encoding: Encoding::Signed8, count: 1, stride: 1 };
        let operation = Operation {
            verb: Verb::Write,
            function,
            name: "write",
            unit: Some(1),
            points: Some(points),
            values: Some(values),
            outcome: Outcome::Asked,
        };
        let mut bench = Bench::with(Some(baseline.clone()));
        bench.heard(HMI).heard(PLC).asks(HMI, PLC, &operation);
        let asked = Question {
            function: Some(function),
            verb: Some(Verb::Write),
            points: Some(arbitrary::bare_entry().points_text(&points)),
            step: Some(1),
            value: Some(Value::Integer(i64::from(value))),
            ..question()
        };
        let answers = explain(&baseline, &asked);
        prop_assert_eq!(is_normal(&answers), bench.alerts.is_empty(), "{:?} {:#?}", bench.detectors(), answers);
        for answer in answers.iter().filter(|answer| answer.normal == Some(false)) {
            let told = answer.detector.unwrap_or_default();
            prop_assert!(bench.detectors().contains(&told), "{:?} {:#?}", bench.detectors(), answer);
        }
    }
}
