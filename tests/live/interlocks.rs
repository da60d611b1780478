//! What a site demands of an order: two people, a permit, and what happens when the plant is not well while it is provisional.

use std::{fs, time::Duration};

use serde_json::Value;

use crate::live::{
    PLC1, ROGUE, Said,
    lab::Lab,
    pause,
    product::{Product, Setup},
    wait,
};

/// The conversation that orders of these tests are against.
const ROGUE_TO_PLC1: [&str; 6] = ["--client", ROGUE, "--server", PLC1, "--port", "502"];

fn demanding(enforcer: String) -> Setup {
    Setup { enforcer, second_approves: true, ..Setup::default() }
}

fn propose(product: &Product, terms: &[&str]) -> Said {
    let words = [&["contain", "propose", "--json", "--reason", "test"], &ROGUE_TO_PLC1[..], terms].concat();
    product.command(&words)
}

fn proposed(product: &Product, terms: &[&str]) -> String {
    let rows = propose(product, terms).rows();
    assert_eq!(rows[0]["state"], "proposed", "{rows:?}");
    rows[0]["order"].as_str().unwrap().to_owned()
}

fn cause(order: &Value) -> &str {
    order["cause"].as_str().unwrap_or_default()
}

#[test]
fn two_people_and_a_permit_are_asked_for_and_without_them_nothing_is_cut() {
    let Some(lab) = Lab::up("livelocks") else { return };
    let mut product = Product::install(&lab, &Setup::default());
    let permit = product.folder.join("permit");
    let demands = format!(
        "[[enforcer.two_persons]]\ntalker = \"{PLC1}\"\n[enforcer.permit]\nfile = \"{}\"\nsays = \"containment permitted\"\n",
        permit.display()
    );
    product.configure(&demanding(demands));
    product.start(&lab);
    let before = lab.ruleset();

    let refused = propose(&product, &[]);
    assert!(
        refused.status == 1 && refused.err.contains("permit") && refused.err.contains("not there"),
        "{refused:?}"
    );
    fs::write(&permit, "containment permitted\n").unwrap();
    let order = proposed(&product, &["--keep-within-seconds", "4"]);
    let first = product.command(&["contain", "approve", &order, "--json"]).rows();
    assert_eq!(first[0]["state"], "proposed", "{first:?}");
    assert!(cause(&first[0]).contains("approved by 1 of 2"), "{first:?}");
    let again = product.command(&["contain", "approve", &order]);
    assert!(again.status == 1 && again.err.contains("another approver"), "{again:?}");
    assert_eq!(lab.ruleset(), before, "one person cuts nothing");

    let second = product.second_operator(&["contain", "approve", &order, "--json"]).rows();
    assert_eq!(second[0]["state"], "provisional", "{second:?}");
    assert_ne!(lab.ruleset(), before);
    let kept = product.wait_for_order(&order, "kept", Duration::from_secs(10));
    assert_eq!(kept["approved_by"], serde_json::json!(["root", "jo"]), "{kept}");

    // What is withdrawn stops what is not kept yet, and nobody from giving back.
    fs::remove_file(&permit).unwrap();
    product.command(&["contain", "release", &order, "--json"]).rows();
    assert_eq!(lab.ruleset(), before, "a release needs no permit");
    fs::write(&permit, "containment permitted\n").unwrap();
    let order = proposed(&product, &["--keep-within-seconds", "4"]);
    product.command(&["contain", "approve", &order, "--json"]).rows();
    product.second_operator(&["contain", "approve", &order, "--json"]).rows();
    fs::write(&permit, "stop\n").unwrap();
    product.wait_for_order(&order, "reverted", Duration::from_secs(15));
    assert_eq!(lab.ruleset(), before);
    product.stop();
}

#[test]
fn an_order_under_which_a_protected_poll_starves_is_undone_or_held_and_asked_about() {
    let Some(mut lab) = Lab::up("livestarve") else { return };
    let mut product = Product::install(&lab, &Setup::default());
    product.start(&lab);
    lab.operator(&["start"]);
    lab.wait_for_polls();
    lab.rogue_begins(&["write-setpoint", "--duration", "600", "--every-ms", "200", "--timeout", "0.2"]);
    let incident = wait("an incident that names the laptop", Duration::from_secs(10), || {
        let rows = product.command(&["incident", "list", "--json"]).rows();
        rows.into_iter().find(|row| row["talkers"][0] == ROGUE)
    });
    let incident = incident["id"].as_str().unwrap();
    pause(4.0);
    let before = lab.ruleset();

    // The protected polls stop while the order is provisional, whatever stops them.
    let terms = ["--keep-within-seconds", "12", "--incident", incident];
    let order = proposed(&product, &terms);
    product.command(&["contain", "approve", &order, "--json"]).rows();
    lab.operator(&["stop"]);
    let undone = product.wait_for_order(&order, "reverted", Duration::from_secs(14));
    assert!(cause(&undone).contains("answers where about"), "{undone}");
    assert_eq!(lab.ruleset(), before, "within the watch time the packet filter is as it was");
    let told = product.command(&["incident", "show", incident, "--json"]).out;
    assert!(
        told.contains("reverted") && told.contains("answers where about"),
        "the incident says why: {told}"
    );

    lab.operator(&["start"]);
    lab.wait_for_polls();
    pause(4.0);
    let order = proposed(&product, &[&terms[..], &["--hold-and-ask"]].concat());
    product.command(&["contain", "approve", &order, "--json"]).rows();
    lab.operator(&["stop"]);
    let held = product.wait_for_order(&order, "kept", Duration::from_secs(14));
    assert!(
        cause(&held).contains("a person must decide") && cause(&held).contains("answers where"),
        "{held}"
    );
    assert_ne!(lab.ruleset(), before, "it stays");
    let told = product.command(&["incident", "show", incident, "--json"]).out;
    assert!(told.contains("a person must decide"), "and asks: {told}");
    product.command(&["contain", "release", &order, "--json"]).rows();
    assert_eq!(lab.ruleset(), before);
    lab.rogues_stop();
    product.stop();
}
