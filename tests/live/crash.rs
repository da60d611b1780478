//! kill -9 of the daemon, the enforcer and the parent at random moments of the story: nothing recorded is lost, nothing is
//! doubled, the continuing attack stays one incident, and kernel and journal agree.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::live::{
    PLC1, ROGUE,
    lab::Lab,
    memory::{received_revisions, stored_alert_bodies, stored_alerts, stored_incidents, stored_revisions},
    pause,
    product::{Product, Setup, Victim, is_alive},
    scale_is_full, wait,
};

/// Kills of each program: what the issue states, and what a quick run affords.
const KILLS: [u32; 2] = [50, 3];
/// The longest an orphan may outlive its parent.
const ORPHANS: Duration = Duration::from_secs(15);
/// The sets of the enforcer's table are looked at until they agree with its list: it looks itself every five seconds.
const AGREE: Duration = Duration::from_secs(12);

#[test]
fn kill_9_at_any_moment_loses_and_doubles_nothing() {
    let Some(mut lab) = Lab::up("livecrash") else { return };
    let mut product = Product::install(&lab, &Setup::default());
    product.start(&lab);
    lab.operator(&["start"]);
    lab.wait_for_polls();
    lab.rogue_begins(&["write-setpoint", "--duration", "3600", "--every-ms", "100", "--timeout", "0.2"]);
    lab.rogue_begins(&["s7-write", "--duration", "3600", "--every-ms", "200", "--timeout", "0.5"]);
    let attack = wait("the attack is an incident", Duration::from_secs(10), || the_attack(&product));

    let [full, quick] = KILLS;
    let kills = if scale_is_full() { full } else { quick };
    let mut dice = Dice(0x5eed);
    for round in 0..kills {
        for victim in [Victim::Daemon, Victim::Enforcer, Victim::Parent] {
            one_kill(&lab, &mut product, victim, &mut dice);
            assert_eq!(
                the_attack(&product),
                Some(attack.clone()),
                "round {round}, {victim:?}: the attack goes on as one"
            );
        }
    }

    // With an order in force at the end, there is something to agree on.
    let order = cut(&product, "120").unwrap_or_else(|why| panic!("{why}"));
    product.wait_for_order(&order, "kept", Duration::from_secs(10));
    for victim in [Victim::Enforcer, Victim::Daemon] {
        assert!(product.kill(victim));
        product.wait_until_serving();
        assert_eq!(product.order(&order)["state"], "kept", "{victim:?}");
        kernel_and_journal_agree(&lab, &product, Some(1));
    }
    product.command(&["contain", "release", "--all"]);
    kernel_and_journal_agree(&lab, &product, Some(0));
    lab.rogues_stop();
    let verdict = product.command(&["audit", "verify"]);
    assert_eq!(verdict.status, 0, "{verdict:?}");
    wait("the collector holds what the store holds", Duration::from_secs(40), || {
        (received_revisions(&lab.received()) == stored_revisions(&product.store)).then_some(())
    });
    let incidents = stored_incidents(&product.store);
    assert_eq!(incidents, vec![attack], "one attack, one incident");
    let (mut told, alerts) = (BTreeSet::new(), stored_alert_bodies(&product.store));
    for alert in &alerts {
        let fact = ["detector", "client", "server", "points"].map(|key| alert[key].to_string());
        assert!(told.insert(fact), "told twice, as if a restart had forgotten it: {alert}\nof {alerts:#?}");
    }
    product.stop();
}

/// Lets the story run for a random while, with an order applied or released in it, and kills one program.
fn one_kill(lab: &Lab, product: &mut Product, victim: Victim, dice: &mut Dice) {
    let (alerts, incidents) = (stored_alerts(&product.store), stored_incidents(&product.store));
    let delay = Duration::from_millis(dice.below(1_500));
    let act = dice.below(3);
    let orphans = product.children();
    thread::scope(|story| {
        let running = &*product;
        // Whatever is under way when the program dies may fail; what it leaves behind is what is looked at.
        match act {
            0 => drop(story.spawn(|| cut(running, "0.1"))),
            1 => drop(story.spawn(|| running.command(&["contain", "release", "--all"]))),
            _ => {}
        }
        thread::sleep(delay);
        // The enforcer may be between its end and its restart; then there is nobody to kill this time.
        if victim != Victim::Parent {
            running.kill_child(victim);
        }
    });
    if victim == Victim::Parent {
        product.kill(victim);
        let since = Instant::now();
        wait("orphans end by themselves", ORPHANS, || {
            (!orphans.iter().any(|(pid, _)| is_alive(*pid))).then_some(())
        });
        println!("orphans ended {:?} after their parent", since.elapsed());
        product.spawn(lab);
    }
    // Now and then the daemon dies once more, before it has come up.
    if dice.below(4) == 0 {
        thread::sleep(Duration::from_millis(dice.below(700)));
        product.kill_child(Victim::Daemon);
    }
    product.wait_until_serving();
    let (now_alerts, now_incidents) = (stored_alerts(&product.store), stored_incidents(&product.store));
    let lost = |before: &[String], after: &[String]| -> Vec<String> {
        let after: BTreeSet<&String> = after.iter().collect();
        before.iter().filter(|id| !after.contains(id)).cloned().collect()
    };
    assert_eq!(
        lost(&alerts, &now_alerts),
        Vec::<String>::new(),
        "alerts recorded before the kill are there after it"
    );
    assert_eq!(
        lost(&incidents, &now_incidents),
        Vec::<String>::new(),
        "incidents recorded before the kill are there"
    );
    orders_agree(product);
    kernel_and_journal_agree(lab, product, None);
}

/// The one open incident that names the laptop first; a second one is a double.
fn the_attack(product: &Product) -> Option<String> {
    let rows = product.command(&["incident", "list", "--json"]).rows();
    let ids: Vec<String> = rows
        .iter()
        .filter(|row| row["talkers"][0] == ROGUE && row["open"] == true)
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(ids.len() <= 1, "one attack, several incidents: {rows:#?}");
    ids.into_iter().next()
}

/// Proposes and approves an order against what the laptop does to the dosing controller.
fn cut(product: &Product, lapse_minutes: &str) -> Result<String, String> {
    let propose = [
        "contain", "propose", "--json", "--client", ROGUE, "--server", PLC1, "--port", "502", "--reason",
        "test",
    ];
    let terms = ["--keep-within-seconds", "4", "--lapse-minutes", lapse_minutes];
    let said = product.command(&[&propose[..], &terms].concat());
    if said.status != 0 {
        return Err(said.err);
    }
    let id = said.rows()[0]["order"].as_str().unwrap().to_owned();
    let approved = product.command(&["contain", "approve", &id]);
    if approved.status == 0 { Ok(id) } else { Err(approved.err) }
}

/// What the daemon believes of each order that was ever approved is what the enforcer says of it.
fn orders_agree(product: &Product) {
    wait("daemon and enforcer agree on every order", AGREE, || {
        let said = product.enforcer(&["list", "--json"]);
        let listed: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let believed = product.command(&["contain", "list", "--json"]);
        let believed: Vec<Value> =
            believed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let agrees = |entry: &Value| {
            let id = &entry["order"]["id"];
            believed.iter().any(|row| row["order"] == *id && row["state"] == entry["report"]["state"])
        };
        (said.status == 0 && listed.iter().all(agrees)).then_some(())
    });
}

/// Elements in the kernel's sets are the orders in force by the enforcer's journal.
fn kernel_and_journal_agree(lab: &Lab, product: &Product, expected: Option<usize>) {
    let mut seen = (Vec::new(), Vec::new());
    let since = Instant::now();
    while since.elapsed() < AGREE {
        seen = (in_kernel(lab), in_force(product));
        if seen.0 == seen.1 && expected.is_none_or(|count| seen.0.len() == count) {
            return;
        }
        pause(0.2);
    }
    panic!("kernel and journal differ, or hold other than {expected:?} orders: {seen:?}");
}

/// What the kernel cuts: `client . server . port` of TCP, from the set of services.
fn in_kernel(lab: &Lab) -> Vec<String> {
    let listing: Value =
        serde_json::from_str(&lab.gateway(&["nft", "-j", "list", "table", "inet", "fieldwarden"])).unwrap();
    let sets = listing["nftables"].as_array().unwrap().iter().filter_map(|item| item.get("set"));
    let mut cut = Vec::new();
    for element in sets.filter_map(|set| set["elem"].as_array()).flatten() {
        let key = element.pointer("/elem/val/concat").or_else(|| element.get("concat")).unwrap_or(element);
        let text = |at: usize| key[at].as_str().map_or_else(|| key[at].to_string(), str::to_owned);
        if key[2] == "tcp" {
            cut.push(format!("{} . {} . {}", text(0), text(1), text(3)));
        }
    }
    cut.sort();
    cut
}

/// What the enforcer's journal says is in force, in the same words.
fn in_force(product: &Product) -> Vec<String> {
    let listed = product.enforcer(&["list", "--json"]).rows();
    let states = ["applying", "provisional", "kept", "stuck"];
    let live = listed.iter().filter(|entry| states.iter().any(|state| entry["report"]["state"] == *state));
    let mut cut: Vec<String> = live
        .map(|entry| {
            let target = &entry["order"]["target"];
            let text = |key: &str| target[key].as_str().unwrap().to_owned();
            format!("{} . {} . {}", text("client"), text("server"), target["server_port"])
        })
        .collect();
    cut.sort();
    cut.dedup();
    cut
}

/// Numbers that look random and are the same each time (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
