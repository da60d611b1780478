//! One story: a laptop writes a set-point, is seen, told, rehearsed against, cut off and given back, while the operator's
//! polls go on and the collector is away.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use fieldwarden_model::{
    Order, OrderId, Scope, Talker, Target, Timestamp, Transport,
    order::{Answer, Ask, OnDegraded, PlanHash},
};
use serde_json::Value;

use crate::live::{
    HMI, PLC1, PLC2, PROTECTED, ROGUE, Said,
    lab::Lab,
    memory::{received_revisions, stored_revisions},
    now, pause,
    product::{Product, Setup},
    wait,
    wire::{self, Conversation},
};

/// Longer than any pause of operator and laptop between two requests of one conversation.
const LISTEN: f64 = 4.0;
/// The laptop keeps writing to both controllers.
const MODBUS_ATTACK: [&str; 5] = ["write-setpoint", "--duration", "600", "--every-ms", "200"];
const S7_ATTACK: [&str; 5] = ["s7-write", "--duration", "600", "--every-ms", "300"];
/// The conversation an order is against, in the words of the command line.
const ROGUE_TO_PLC1: [&str; 6] = ["--client", ROGUE, "--server", PLC1, "--port", "502"];

#[test]
fn an_intruder_is_seen_told_cut_off_and_given_back_while_the_plant_goes_on() {
    let Some(mut lab) = Lab::up("livestory") else { return };
    let setup = Setup { two_persons: true, switch: true, ..Setup::default() };
    let mut product = Product::install(&lab, &setup);
    lab.soc("stop");
    product.start(&lab);
    lab.operator(&["start"]);
    lab.wait_for_polls();
    pause(2.0);
    let quiet = product.command(&["incident", "list", "--json"]).rows();
    assert_eq!(quiet, Vec::<Value>::new(), "the operator alone raises nothing");

    lab.rogue_begins(&MODBUS_ATTACK);
    lab.rogue_begins(&S7_ATTACK);
    let incident = wait("an incident that names the laptop", Duration::from_secs(10), || {
        product
            .command(&["incident", "list", "--json"])
            .rows()
            .into_iter()
            .find(|row| row["talkers"][0] == ROGUE)
    });
    assert!(incident["title"].as_str().is_some_and(|title| title.contains(ROGUE)), "{incident}");
    let incident = incident["id"].as_str().unwrap();

    what_is_protected_is_refused_in_both_programs(&product);
    a_port_is_rehearsed_by_who_is_behind_it(&product);
    the_least_harmful_candidate_comes_first(&product, incident);
    one_conversation_is_cut_and_released(&lab, &product, incident);
    the_laptop_may_read_and_writes_nothing(&lab, &product);
    a_talker_is_cut_until_the_order_lapses(&lab, &product);

    lab.rogues_stop();
    the_operator_missed_nothing(&lab, "");
    the_collector_learns_everything_it_missed(&lab, &product);

    product.stop();
    product.configure(&Setup { protected: false, ..setup });
    product.start(&lab);
    the_operator_is_cut_as_rehearsed(&lab, &product);
    let kept_log = product.command(&["audit", "verify", "--json"]);
    assert_eq!(kept_log.status, 0, "{kept_log:?}");
    product.stop();
}

fn what_is_protected_is_refused_in_both_programs(product: &Product) {
    for target in [
        vec!["--talker", HMI],
        vec!["--talker", PLC1],
        vec!["--client", HMI, "--server", PLC1],
        vec!["--client", PLC1, "--server", HMI, "--port", "502", "--transport", "tcp"],
        vec!["--client", HMI, "--server", PLC1, "--port", "502", "--scope", "write-quarantine"],
    ] {
        let said = product.command(&[&["contain", "propose", "--reason", "test"], &target[..]].concat());
        assert!(said.status == 1 && said.err.contains(PROTECTED), "{target:?}: {said:?}");
    }
    // Through both programs a port is asked for by name, and who is asked is the enforcer's to know.
    let port = ["--switch", "cell-9", "--port", "eth3"];
    let rows = product.command(&[&["contain", "rehearse", "--json"], &port[..]].concat()).rows();
    let row = rows.iter().find(|row| row["what"] == "enforcement").unwrap();
    let remark = row["remark"].as_str().unwrap();
    assert!(row["possible"] == false && remark.contains("no such switch is configured"), "{rows:?}");
    for odd in [&["--switch", "cell-9"][..], &["--talker", HMI, "--port", "502"]] {
        assert_eq!(product.command(&[&["contain", "rehearse"], odd].concat()).status, 2, "{odd:?}");
    }
    // A taken-over daemon skips its own check, forges an approval and asks the enforcer straight away.
    let hmi: Talker = HMI.parse().unwrap();
    for (scope, target) in [
        (Scope::IsolateTalker, Target::Talker { talker: hmi }),
        (
            Scope::CutConversation,
            Target::Conversation {
                client: hmi,
                server: PLC1.parse().unwrap(),
                server_port: Some(502),
                transport: None,
            },
        ),
        (
            Scope::WriteQuarantine,
            Target::Conversation {
                client: hmi,
                server: PLC1.parse().unwrap(),
                server_port: Some(502),
                transport: Some(Transport::Tcp),
            },
        ),
    ] {
        let proposed: Timestamp = now().parse().unwrap();
        let mut order = Order {
            id: OrderId(String::new()),
            target,
            scope,
            lapse_secs: 600,
            keep_within_secs: 30,
            on_degraded: OnDegraded::HoldAndAsk,
            reason: "forged".into(),
            incident: None,
            author: "root".into(),
            proposed,
        };
        order.id = order.identify();
        let plan = PlanHash("0".repeat(64));
        let forged = Ask::Apply { order, plan, approved_by: vec!["root".into(), "jo".into()] };
        match ask_enforcer(product, &forged) {
            Answer::Refused { reason, .. } => assert!(reason.contains(PROTECTED), "{reason}"),
            other => panic!("a forged order is not refused: {other:?}"),
        }
    }
}

/// The database of a switch, without the switch: enough to look at its ports, and nothing can be moved.
fn a_port_is_rehearsed_by_who_is_behind_it(product: &Product) {
    let (database, socket) = (product.folder.join("switch.db"), product.folder.join("switch.sock"));
    let schema = Path::new("/usr/share/openvswitch/vswitch.ovsschema");
    let ran = |command: &mut Command| command.status().is_ok_and(|status| status.success());
    assert!(
        ran(Command::new("ovsdb-tool").arg("create").args([&database, schema])),
        "openvswitch-switch is missing"
    );
    let server = Command::new("ovsdb-server")
        .arg(&database)
        .arg(format!("--remote=punix:{}", socket.display()))
        .arg(format!("--unixctl={}", product.folder.join("switch.ctl").display()))
        .spawn()
        .unwrap();
    let server = Ended(server);
    wait("the database listens", Duration::from_secs(20), || socket.exists().then_some(()));
    let to = format!("--db=unix:{}", socket.display());
    let vsctl = |words: &str| {
        ran(Command::new("ovs-vsctl").args([&to, "--no-wait", "--timeout=20"]).args(words.split(' ')))
    };
    let ports = "add-port br0 p-rogue tag=10 -- add-port br0 p-plc tag=10 -- add-port br0 p-up";
    assert!(vsctl("init") && vsctl(&format!("add-br br0 -- {ports}")));

    let at = |port: &'static str| ["--switch", "cell-1", "--port", port];
    let by_port = rehearsal(product, &at("p-rogue"));
    assert_eq!(
        by_port,
        rehearsal(product, &["--talker", ROGUE]),
        "what falls silent is what is behind the port"
    );
    assert!(!by_port.is_empty());
    let rows = product.command(&[&["contain", "rehearse", "--json"], &at("p-rogue")[..]].concat()).rows();
    let told = |what: &str, key: &str, part: &str| {
        rows.iter()
            .any(|row| row["what"] == what && row[key].as_str().is_some_and(|text| text.contains(part)))
    };
    assert!(told("behind the port", "client", ROGUE), "{rows:?}");
    assert!(told("enforcement", "remark", "ovsdb at switch cell-1"), "{rows:?}");
    assert!(told("step", "remark", "from VLAN 10 into VLAN 666"), "{rows:?}");
    for (port, why) in [("p-plc", PROTECTED), ("p-up", "uplink"), ("p-none", "no port p-none")] {
        let said = product.command(&[&["contain", "propose", "--reason", "test"], &at(port)[..]].concat());
        assert!(said.status == 1 && said.err.contains(why), "{port}: {said:?}");
    }
    drop(server);
}

/// Whatever the laptop did can be stopped without a loss to the plant, and that is what is recommended.
fn the_least_harmful_candidate_comes_first(product: &Product, incident: &str) {
    let rows = product.command(&["contain", "candidates", incident, "--json"]).rows();
    let first = &rows[0];
    assert!(first["what"] == "recommended" && first["possible"] == true, "{rows:?}");
    let (stopped, all) = first["stops"].as_str().unwrap().split_once(" of ").unwrap();
    assert!(stopped == all && first["normal_silent"] == 0, "{rows:?}");
    let harm =
        |row: &Value| row["normal_silent"].as_u64().unwrap() + row["normal_degraded"].as_u64().unwrap();
    let as_good = rows.iter().filter(|row| row["possible"] == true && row["stops"] == first["stops"]);
    assert!(
        as_good.clone().count() > 0 && as_good.into_iter().all(|row| harm(row) >= harm(first)),
        "{rows:?}"
    );
    let isolated = rows.iter().find(|row| row["scope"] == "isolate-talker").unwrap();
    assert_eq!(isolated["target"], format!("everything of {ROGUE}"));
}

/// A program that ends with the test, however the test ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Rehearsed, refused to its own author, approved, kept, released.
fn one_conversation_is_cut_and_released(lab: &Lab, product: &Product, incident: &str) {
    let before = lab.ruleset();
    let heard_before = wire::answered(lab, LISTEN);
    let rehearsed = rehearsal(product, &ROGUE_TO_PLC1);
    let terms = [
        "--keep-within-seconds",
        "10",
        "--incident",
        incident,
        "--reason",
        "unknown laptop writes set-points",
    ];
    let order = proposed(
        &product.second_operator(&[&["contain", "propose", "--json"], &ROGUE_TO_PLC1[..], &terms].concat()),
    );
    let alone = product.second_operator(&["contain", "approve", &order]);
    assert!(alone.status == 1 && alone.err.contains("approver"), "{alone:?}");
    assert_eq!(lab.ruleset(), before, "nothing is cut before an approver confirmed");

    let approved = product.command(&["contain", "approve", &order, "--json"]).rows();
    let since = now();
    assert_eq!(approved[0]["state"], "provisional", "{approved:?}");
    assert_ne!(lab.ruleset(), before, "the kernel holds the order");
    pause(1.0);
    let silent: BTreeSet<Conversation> = &heard_before - &wire::answered(lab, LISTEN);
    assert_eq!(silent, rehearsed, "what fell silent is what the rehearsal said");
    let kept = product.wait_for_order(&order, "kept", Duration::from_secs(10));
    assert!(kept["approved_by"][0] == "root" && kept["author"] == "jo", "{kept}");
    the_laptop_got_no_answer(lab, &since, &[PLC1]);
    the_operator_missed_nothing(lab, &since);

    product.command(&["contain", "release", &order, "--json"]).rows();
    assert_eq!(product.order(&order)["state"], "released");
    assert_eq!(lab.ruleset(), before, "after the release the packet filter is as it was");
    wait("the laptop is answered again", Duration::from_secs(10), || {
        lab.attempts()
            .iter()
            .rev()
            .take(20)
            .any(|a| a["server"] == PLC1 && a["answered"] == true)
            .then_some(())
    });
}

/// Its writes are what the rehearsal counts, and none of them is answered until it is released.
fn the_laptop_may_read_and_writes_nothing(lab: &Lab, product: &Product) {
    let before = lab.ruleset();
    let target = [&ROGUE_TO_PLC1[..], &["--scope", "write-quarantine"]].concat();
    let rows = product.command(&[&["contain", "rehearse", "--json"], &target[..]].concat()).rows();
    let told = |what: &str| rows.iter().filter(|row| row["what"] == what).collect::<Vec<_>>();
    assert!(!told("reads on").is_empty(), "{rows:?}");
    let silent = told("falls silent");
    assert!(silent.iter().any(|row| row["remark"].as_str().unwrap().starts_with("write: ")), "{rows:?}");
    let terms = ["--keep-within-seconds", "8", "--reason", "it may watch"];
    let order = proposed(
        &product.second_operator(&[&["contain", "propose", "--json"], &target[..], &terms].concat()),
    );
    product.command(&["contain", "approve", &order, "--json"]).rows();
    let since = now();
    let kept = product.wait_for_order(&order, "kept", Duration::from_secs(10));
    assert_eq!(kept["scope"], "write-quarantine", "{kept}");
    the_laptop_got_no_answer(lab, &since, &[PLC1]);
    the_operator_missed_nothing(lab, &since);
    product.command(&["contain", "release", &order, "--json"]).rows();
    assert_eq!(lab.ruleset(), before);
    wait("the laptop is answered again", Duration::from_secs(10), || {
        let attempts = lab.attempts();
        attempts.iter().rev().take(20).any(|a| a["server"] == PLC1 && a["answered"] == true).then_some(())
    });
}

/// Everything the laptop says, for a quarter of a minute; nobody releases it.
fn a_talker_is_cut_until_the_order_lapses(lab: &Lab, product: &Product) {
    let before = lab.ruleset();
    let heard_before = wire::answered(lab, LISTEN);
    let target = ["--talker", ROGUE];
    let rehearsed = rehearsal(product, &target);
    let terms = ["--keep-within-seconds", "8", "--lapse-minutes", "0.25", "--reason", "isolate it"];
    let order = proposed(
        &product.second_operator(&[&["contain", "propose", "--json"], &target[..], &terms].concat()),
    );
    product.command(&["contain", "approve", &order, "--json"]).rows();
    let since = now();
    pause(1.0);
    let silent: BTreeSet<Conversation> = &heard_before - &wire::answered(lab, LISTEN);
    assert_eq!(silent, rehearsed, "what fell silent is what the rehearsal said");
    product.wait_for_order(&order, "kept", Duration::from_secs(8));
    the_laptop_got_no_answer(lab, &since, &[PLC1, PLC2]);
    product.wait_for_order(&order, "lapsed", Duration::from_secs(20));
    assert_eq!(lab.ruleset(), before, "after the lapse the packet filter is as it was");
    the_operator_missed_nothing(lab, &since);
}

/// With the protection gone the operator can be cut off, and exactly what the rehearsal listed falls silent.
fn the_operator_is_cut_as_rehearsed(lab: &Lab, product: &Product) {
    // The controllers still repeat to the laptop what the last order kept from it, until their patience ends.
    let heard_before = wait("the laptop's connections are over", Duration::from_secs(90), || {
        let heard = wire::answered(lab, LISTEN);
        heard.iter().all(|(client, ..)| client != ROGUE).then_some(heard)
    });
    let before = lab.ruleset();
    let target = ["--talker", HMI];
    let rehearsed = rehearsal(product, &target);
    let terms =
        ["--keep-within-seconds", "10", "--hold-and-ask", "--reason", "the workstation is taken over"];
    let order = proposed(
        &product.second_operator(&[&["contain", "propose", "--json"], &target[..], &terms].concat()),
    );
    product.command(&["contain", "approve", &order, "--json"]).rows();
    pause(1.0);
    let silent: BTreeSet<Conversation> = &heard_before - &wire::answered(lab, LISTEN);
    assert_eq!(silent, rehearsed, "what fell silent is what the rehearsal said");
    let rows = product.command(&[&["contain", "rehearse", "--json"], &target[..]].concat()).rows();
    let dosing = rows.iter().find(|row| row["server"] == PLC1).unwrap();
    let told = ["client_role", "server_role", "criticality"].map(|key| dosing[key].clone());
    assert_eq!(told, [Value::from("hmi"), Value::from("plc"), Value::from(3)], "as the site file names them");
    let expected = [(PLC1, 502, "modbus"), (PLC2, 102, "s7comm")];
    let expected =
        expected.map(|(server, port, protocol)| (HMI.into(), server.into(), port, protocol.into()));
    assert_eq!(silent, BTreeSet::from(expected));
    product.command(&["contain", "release", &order, "--json"]).rows();
    assert_eq!(lab.ruleset(), before);
}

fn the_collector_learns_everything_it_missed(lab: &Lab, product: &Product) {
    assert_eq!(lab.received(), Vec::<Value>::new(), "the collector was away");
    lab.soc("start");
    wait("the outbox is empty", Duration::from_secs(60), || {
        let ways = product.command(&["forward", "list", "--json"]).rows();
        (ways[0]["waiting"] == 0).then_some(())
    });
    let stored = stored_revisions(&product.store);
    assert!(!stored.is_empty());
    assert_eq!(
        received_revisions(&lab.received()),
        stored,
        "the collector holds what the store holds, in its order"
    );
}

/// The conversations a rehearsal says would fall silent. It must also say that the order can be enforced.
fn rehearsal(product: &Product, target: &[&str]) -> BTreeSet<Conversation> {
    let rows = product.command(&[&["contain", "rehearse", "--json"], target].concat()).rows();
    let enforcement = rows.iter().find(|row| row["what"] == "enforcement").unwrap();
    assert_eq!(enforcement["possible"], true, "{enforcement}");
    let text =
        |row: &Value, key: &str| row[key].as_str().unwrap_or_else(|| panic!("{key} in {row}")).to_owned();
    let past: Vec<&Value> = rows.iter().filter(|row| row["what"] == "goes on").collect();
    assert!(past.is_empty(), "all that this mirror shows crosses the gateway: {past:?}");
    let silent = rows.iter().filter(|row| row["what"] == "falls silent");
    silent
        .map(|row| {
            (text(row, "client"), text(row, "server"), row["port"].as_u64().unwrap(), text(row, "protocol"))
        })
        .collect()
}

fn proposed(said: &Said) -> String {
    let rows = said.rows();
    assert_eq!(rows[0]["state"], "proposed");
    rows[0]["order"].as_str().unwrap().to_owned()
}

fn the_laptop_got_no_answer(lab: &Lab, since: &str, servers: &[&str]) {
    let attempts = lab.attempts();
    let after = attempts.iter().filter(|a| a["time"].as_str().unwrap() > since);
    let after: Vec<_> = after.filter(|a| servers.iter().any(|server| a["server"] == *server)).collect();
    assert!(!after.is_empty(), "the laptop did not try again");
    let answered: Vec<_> = after.into_iter().filter(|a| a["answered"] == true).collect();
    assert!(answered.is_empty(), "answered after the order took hold at {since}: {answered:?}");
}

fn the_operator_missed_nothing(lab: &Lab, since: &str) {
    let polls = lab.polls();
    let after: Vec<_> = polls.iter().filter(|poll| poll["time"].as_str().unwrap() > since).collect();
    assert!(after.len() > 20, "the operator polls on");
    let missed: Vec<_> = after.into_iter().filter(|poll| poll["answered"] != true).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

fn ask_enforcer(product: &Product, ask: &Ask) -> Answer {
    let mut socket = UnixStream::connect(product.enforcer_socket()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    writeln!(socket, "{}", serde_json::to_string(ask).unwrap()).unwrap();
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}
