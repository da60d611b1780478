//! Routed packets, bridged frames and what comes in on an interface, cut on one gateway with real Modbus peers.
//!
//! `it` (10.2.0.20, 10.2.0.21) -- `gw` routes -- `ot` (10.1.0.10), and in the same `gw` a bridge with `hmi` (.20),
//! `rogue` (.66) and `plc` (.10) of 10.77.0.0/24.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops here")]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{
    live::{Enforcer, report},
    modbus_of, order, output, real_now, run, talker,
};
use fieldwarden_model::{
    Order, OrderState, Scope, Target, Transport,
    order::{Answer, Ask},
};

const PLACES: [&str; 6] = ["gw", "it", "ot", "hmi", "rogue", "plc"];

struct Plant {
    name: String,
    folder: PathBuf,
    children: Vec<Child>,
}

impl Plant {
    fn up(test: &str) -> Option<Self> {
        let name = format!("fwq{}{test}", std::process::id() % 10_000);
        let folder = std::env::temp_dir().join(format!("fieldwarden-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let plant = Self { name, folder, children: Vec::new() };
        let gw = plant.at("gw");
        if !run("ip", &["netns", "add", &gw]) || !run(&python(), &["-c", "import pymodbus, snap7"]) {
            eprintln!("SKIPPED: {test} needs root, network namespaces, and pymodbus and snap7 in .venv");
            return None;
        }
        for place in PLACES.iter().filter(|place| **place != "gw") {
            let there = plant.at(place);
            plant.ip(&format!("netns add {there}"));
            plant.ip(&format!("-n {gw} link add v-{place} type veth peer name eth0 netns {there}"));
            plant.inside(place, "ethtool", &["-K", "eth0", "tx", "off", "tso", "off", "gso", "off"]);
            plant.inside("gw", "ethtool", &["-K", &format!("v-{place}"), "gro", "off"]);
            plant.ip(&format!("-n {gw} link set v-{place} up"));
            plant.ip(&format!("-n {there} link set eth0 up"));
        }
        for (side, gateway, addresses) in
            [("it", "10.2.0.1", &["10.2.0.20", "10.2.0.21"] as &[&str]), ("ot", "10.1.0.1", &["10.1.0.10"])]
        {
            plant.ip(&format!("-n {gw} addr add {gateway}/24 dev v-{side}"));
            for address in addresses {
                plant.ip(&format!("-n {} addr add {address}/24 dev eth0", plant.at(side)));
            }
            plant.ip(&format!("-n {} route add default via {gateway}", plant.at(side)));
        }
        plant.ip(&format!("-n {gw} link add br0 type bridge"));
        plant.ip(&format!("-n {gw} link set br0 up"));
        for (side, address) in [("hmi", 20), ("rogue", 66), ("plc", 10)] {
            plant.ip(&format!("-n {gw} link set v-{side} master br0"));
            plant.ip(&format!("-n {} addr add 10.77.0.{address}/24 dev eth0", plant.at(side)));
        }
        plant.inside("gw", "sysctl", &["-qw", "net.ipv4.ip_forward=1"]);
        Some(plant.with_servers())
    }

    fn with_servers(mut self) -> Self {
        for place in ["ot", "plc"] {
            for server in ["modbus_server.py", "s7_server.py"] {
                let child = self.script(place, server, &[]).spawn().unwrap();
                self.children.push(child);
            }
        }
        for (client, server) in [("it", "10.1.0.10"), ("hmi", "10.77.0.10")] {
            self.until_up(client, server);
        }
        self
    }

    fn until_up(&self, client: &str, server: &str) {
        let probe = format!(
            "import socket; [socket.create_connection(('{server}', port), 1).close() for port in (502, 102)]"
        );
        let since = Instant::now();
        while !self.inside(client, &python(), &["-c", &probe]) {
            assert!(since.elapsed() < Duration::from_secs(20), "{server} does not serve");
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn configure(&self, nftables: &str) {
        let folder = self.folder.display();
        let text = format!(
            "[site]\n[[site.protected]]\nname = \"safety loop\"\ntalker = \"10.0.0.30\"\n\n[enforcer]\nmode = \
             \"enforce\"\nmax_orders_per_hour = 200\nsocket = \"{folder}/socket\"\njournal = \
             \"{folder}/journal\"\n\n[enforcer.nftables]\n{nftables}\n"
        );
        std::fs::write(self.folder.join("site.toml"), text).unwrap();
    }

    fn enforcer(&self) -> Enforcer {
        Enforcer::start(&self.at("gw"), &self.folder)
    }

    fn at(&self, place: &str) -> String {
        format!("{}-{place}", self.name)
    }

    fn ip(&self, words: &str) {
        assert!(run("ip", &words.split(' ').collect::<Vec<_>>()), "ip {words}");
    }

    fn inside(&self, place: &str, program: &str, arguments: &[&str]) -> bool {
        run("ip", &[&["netns", "exec", &self.at(place), program], arguments].concat())
    }

    fn script(&self, place: &str, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        let file = format!("{}/tests/scripts/{name}", env!("CARGO_MANIFEST_DIR"));
        command.args(["netns", "exec", &self.at(place), &python(), &file]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// How many of so many polls are answered.
    fn polls(&self, place: &str, server: &str, arguments: &[&str]) -> u32 {
        let told = self.script(place, "modbus_poll.py", &[&[server], arguments].concat()).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        told.lines().last().and_then(|line| line.parse().ok()).unwrap_or_else(|| panic!("{told}"))
    }

    fn ruleset(&self) -> String {
        output("ip", &["netns", "exec", &self.at("gw"), "nft", "--stateless", "list", "ruleset"])
    }

    /// Packets dropped, as nft tells the counters of the rules in that family.
    fn dropped(&self, family: &str) -> u64 {
        let table =
            output("ip", &["netns", "exec", &self.at("gw"), "nft", "list", "table", family, "fieldwarden"]);
        let counts = table.split("counter packets ").skip(1);
        counts.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// How many elements that expire each of our tables holds.
    fn held(&self) -> [usize; 3] {
        let place = self.at("gw");
        ["inet", "bridge", "netdev"].map(|family| {
            let words = ["netns", "exec", &place, "nft", "list", "table", family, "fieldwarden"];
            output("ip", &words).matches(" expires ").count()
        })
    }

    fn mac(&self, place: &str) -> String {
        output("ip", &["netns", "exec", &self.at(place), "cat", "/sys/class/net/eth0/address"])
            .trim()
            .to_owned()
    }

    /// What arrives at the PLC of what `place` sends in every wrapping, as the client of these addresses.
    fn arriving(&self, place: &str, v4: &str, v6: &str) -> Vec<String> {
        let mut ear = self.script("plc", "frames_hear.py", &[]).spawn().unwrap();
        let mut lines = BufReader::new(ear.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let words = [&self.mac("plc"), v4, "10.77.0.10", v6, "fd77::10"];
        assert!(self.script(place, "frames_send.py", &words).status().unwrap().success());
        writeln!(ear.stdin.as_ref().unwrap(), "tell").unwrap();
        let line = lines.next().unwrap().unwrap();
        let _ = ear.kill();
        let _ = ear.wait();
        line.split_whitespace().map(str::to_owned).collect()
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for place in PLACES {
            run("ip", &["netns", "del", &self.at(place)]);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn python() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../.venv/bin/python").into()
}

fn scale() -> u32 {
    std::env::var("SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1)
}

const ALL: &str = "families = [\"inet\", \"bridge\", \"netdev\"]\ningress = [\"v-it\", \"v-rogue\"]";

#[test]
fn the_rogue_is_cut_routed_and_bridged_while_no_legitimate_poll_is_lost() {
    let Some(plant) = Plant::up("a") else { return };
    // What somebody else has there stays as it is.
    let site: String = (0..500)
        .map(|n| format!("add rule inet site f ip saddr 10.8.{}.{} counter accept; ", n / 250, n % 250))
        .collect();
    let usual = format!(
        "add table inet site; add chain inet site f {{ type filter hook forward priority 0; }}; {site}"
    );
    assert!(plant.inside("gw", "nft", &[&usual]));
    plant.configure(ALL);
    let mut enforcer = plant.enforcer();
    let before = plant.ruleset();
    let polls = if scale() >= 5 { 10_000 } else { 200 * scale() };
    let count = polls.to_string();
    let legitimate: Vec<Child> = [("hmi", "10.77.0.10", "10.77.0.20"), ("it", "10.1.0.10", "10.2.0.21")]
        .iter()
        .map(|(place, server, own)| {
            plant.script(place, "modbus_poll.py", &[*server, &count, "2", *own]).spawn().unwrap()
        })
        .collect();
    assert_eq!(plant.polls("rogue", "10.77.0.10", &["3", "2"]), 3);
    assert_eq!(plant.polls("it", "10.1.0.10", &["3", "2", "10.2.0.20"]), 3);
    let orders = [("10.77.0.66", "10.77.0.10"), ("10.2.0.20", "10.1.0.10")]
        .map(|(client, server)| order(modbus_of(client, server), 60, 600, real_now().wall));
    for order in &orders {
        enforcer.apply(order);
    }
    for round in 0..3 {
        assert_eq!(plant.polls("rogue", "10.77.0.10", &["3", "0.4"]), 0, "bridged, round {round}");
        assert_eq!(plant.polls("it", "10.1.0.10", &["3", "0.4", "10.2.0.20"]), 0, "routed, round {round}");
    }
    assert!(plant.dropped("netdev") > 0, "it is cut where it comes in");
    for child in legitimate {
        let told = child.wait_with_output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        assert_eq!(told.lines().last(), Some(count.as_str()), "of {count} legitimate polls");
    }
    for order in &orders {
        let release =
            Ask::Release { order: order.id.clone(), by: "jo".into(), reason: "done".into(), degraded: false };
        let answer = enforcer.ask(&release);
        assert_eq!(report(&answer).state, OrderState::Released);
        assert!(report(&answer).cause.contains("packets were dropped"), "{answer:?}");
    }
    assert_eq!(plant.polls("rogue", "10.77.0.10", &["3", "2"]), 3);
    assert_eq!(plant.polls("it", "10.1.0.10", &["3", "2", "10.2.0.20"]), 3);
    assert_eq!(plant.ruleset(), before);
    enforcer.kill();
}

#[test]
fn no_wrapping_slips_past_any_family_and_nothing_else_is_cut() {
    let Some(plant) = Plant::up("b") else { return };
    let everything = plant.arriving("rogue", "10.77.0.66", "fd77::66");
    assert_eq!(everything.len(), 7 * 2 * 3, "all of it arrives while nothing is cut: {everything:?}");
    let to_modbus = |mark: &&String| mark.ends_with("/502");
    for (family, settings) in [
        ("bridge", "families = [\"bridge\"]"),
        ("netdev", "families = [\"netdev\"]\ningress = [\"v-rogue\"]"),
    ] {
        plant.configure(settings);
        let mut enforcer = plant.enforcer();
        for (client, server) in [("10.77.0.66", "10.77.0.10"), ("fd77::66", "fd77::10")] {
            enforcer.apply(&order(modbus_of(client, server), 60, 600, real_now().wall));
        }
        let arriving = plant.arriving("rogue", "10.77.0.66", "fd77::66");
        let slipped: Vec<&String> = arriving.iter().filter(to_modbus).collect();
        assert_eq!(slipped, Vec::<&String>::new(), "past {family}");
        assert_eq!(arriving.len(), 7 * 3, "other services of the same client go on: {arriving:?}");
        let others = plant.arriving("hmi", "10.77.0.20", "fd77::20");
        assert_eq!(others.len(), 7 * 2 * 3, "another client: {others:?}");
        assert_eq!(plant.dropped(family), 7 * 3);
        let Answer::Orders { orders } = enforcer.ask(&Ask::List) else { panic!() };
        for (order, _) in orders.into_iter().filter(|(_, report)| report.state.in_force()) {
            let (by, reason) = ("jo".into(), "next family".into());
            enforcer.ask(&Ask::Release { order: order.id, by, reason, degraded: false });
        }
        enforcer.kill();
    }
}

/// What `client` says to `server` by a script, as lines.
fn said(plant: &Plant, client: &str, script: &str, server: &str) -> Vec<String> {
    let output = plant.script(client, script, &[server]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn quarantine(client: &str, server: &str, port: u16) -> Order {
    let target = Target::Conversation {
        client: talker(client),
        server: talker(server),
        server_port: Some(port),
        transport: Some(Transport::Tcp),
    };
    let mut order = Order { scope: Scope::WriteQuarantine, ..order(target, 60, 600, real_now().wall) };
    order.id = order.identify();
    order
}

#[test]
fn under_write_quarantine_modbus_reads_are_answered_and_nothing_is_written_however_it_is_cut_up() {
    let Some(plant) = Plant::up("d") else { return };
    plant.configure("");
    let mut enforcer = plant.enforcer();
    let before = plant.ruleset();
    // Routed packets are refused with a reset, bridged frames without: there a client waits for its time-out.
    for (client, own, server, refused) in
        [("it", "10.2.0.20", "10.1.0.10", "reset"), ("rogue", "10.77.0.66", "10.77.0.10", "silence")]
    {
        let order = quarantine(own, server, 502);
        let plan = enforcer.apply(&order);
        enforcer.keep(&order, plan);
        for line in said(&plant, client, "modbus_segments.py", server) {
            let (case, outcome) = line.split_once(' ').unwrap();
            // A client that is not reset sends again what was lost of a read, in one whole segment then.
            let is_mended = case == "split-read" && refused == "silence" && outcome == "answered";
            let expected = if ["read", "read-again"].contains(&case) { "answered" } else { refused };
            assert!(outcome == expected || is_mended, "{client}: {case} {outcome} instead of {expected}");
        }
        let session = said(&plant, client, "modbus_session.py", server);
        let read = "read [7, 7, 7, 7]";
        let expected = [read, "write refused", read, "writes refused", read, "coil refused", read];
        assert_eq!(session, expected, "{client}: nothing of what was tried arrived");
        assert_eq!(plant.polls(client, server, &["50", "2"]), 50, "{client} reads on over one connection");
        let (by, reason) = ("jo".into(), "done".into());
        let answer = enforcer.ask(&Ask::Release { order: order.id, by, reason, degraded: false });
        assert_eq!(report(&answer).state, OrderState::Released);
        assert_eq!(said(&plant, client, "modbus_segments.py", server)[1], "single answered", "given back");
    }
    assert_eq!(plant.ruleset(), before);
    enforcer.kill();
}

#[test]
fn under_write_quarantine_s7_reads_are_answered_and_writes_stop_and_download_are_not() {
    let Some(plant) = Plant::up("e") else { return };
    plant.configure(ALL);
    let mut enforcer = plant.enforcer();
    for (client, own, server) in [("it", "10.2.0.20", "10.1.0.10"), ("rogue", "10.77.0.66", "10.77.0.10")] {
        let open = said(&plant, client, "s7_session.py", server);
        assert_eq!(open[..3], ["read 00000000", "read 00000000", "write done"], "{client} before");
        let order = quarantine(own, server, 102);
        let answer = enforcer.ask(&Ask::Rehearse { order: order.clone() });
        let Answer::Planned { plan } = answer else { panic!("{answer:?}") };
        assert!(plan.steps.iter().any(|step| step.contains("overlap")), "{plan:?}");
        enforcer.apply(&order);
        let held = said(&plant, client, "s7_session.py", server);
        let read = open.last().unwrap().as_str();
        let expected = [read, read, "write refused", read, "stop refused", read, "download refused", read];
        assert_eq!(held, expected, "{client}");
        let (by, reason) = ("jo".into(), "done".into());
        enforcer.ask(&Ask::Release { order: order.id, by, reason, degraded: false });
    }
    enforcer.kill();
}

#[test]
fn a_table_that_is_lost_in_one_family_undoes_what_is_provisional_and_keeps_what_is_kept() {
    let Some(plant) = Plant::up("f") else { return };
    plant.configure(ALL);
    let mut enforcer = plant.enforcer();
    let kept = order(modbus_of("10.77.0.66", "10.77.0.10"), 60, 600, real_now().wall);
    let plan = enforcer.apply(&kept);
    enforcer.keep(&kept, plan);
    let provisional = order(modbus_of("10.2.0.20", "10.1.0.10"), 60, 600, real_now().wall);
    enforcer.apply(&provisional);
    assert!(plant.inside("gw", "nft", &["delete", "table", "bridge", "fieldwarden"]));
    thread::sleep(Duration::from_millis(6_500));
    enforcer.kill();
    let mut enforcer = plant.enforcer();
    let Answer::Orders { orders } = enforcer.ask(&Ask::List) else { panic!() };
    let state = |order: &Order| orders.iter().find(|(known, _)| known.id == order.id).unwrap().1.state;
    assert_eq!((state(&kept), state(&provisional)), (OrderState::Kept, OrderState::Reverted));
    assert_eq!(plant.held(), [1, 1, 1], "the kept one is in every family again");
    enforcer.kill();
    let (gw, config) = (plant.at("gw"), plant.folder.join("site.toml"));
    let program = env!("CARGO_BIN_EXE_fieldwarden-enforcer");
    let words = ["netns", "exec", &gw, program, "release", "--all", "--config", config.to_str().unwrap()];
    assert!(run("ip", &words));
    assert_eq!(plant.held(), [0, 0, 0], "and in none after everything was released");
}

#[test]
fn an_interface_that_is_unplugged_keeps_no_order_from_ending_and_is_looked_at_again_when_it_is_back() {
    let Some(plant) = Plant::up("c") else { return };
    plant.configure(ALL);
    let mut enforcer = plant.enforcer();
    let before = plant.ruleset();
    let first = order(modbus_of("10.77.0.66", "10.77.0.10"), 60, 600, real_now().wall);
    enforcer.apply(&first);
    let gw = plant.at("gw");
    plant.ip(&format!("-n {gw} link set v-rogue name v-gone down"));
    let second = order(modbus_of("10.2.0.20", "10.1.0.10"), 60, 600, real_now().wall);
    let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: second }) else { panic!() };
    assert!(plan.not_enforceable.is_some_and(|why| why.contains("v-rogue")), "a plan says what is missing");
    let release = Ask::Release { order: first.id, by: "jo".into(), reason: "done".into(), degraded: false };
    let answer = enforcer.ask(&release);
    assert_eq!(report(&answer).state, OrderState::Released, "{answer:?}");
    plant.ip(&format!("-n {gw} link set v-gone name v-rogue up"));
    thread::sleep(Duration::from_millis(6_500));
    assert_eq!(plant.ruleset(), before);
    enforcer.kill();
}
