//! The devices orders are carried out on, each with four targets: the packet filter of this network namespace, and a switch.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use fieldwarden_enforcer::{
    content::{Content, Match, Until},
    drivers::{Driver, nftables::Nftables},
    moment::Moment,
};
use fieldwarden_model::{Target, Transport};
use serde_json::Value;

use crate::common::{
    PLC,
    live::{Enforcer, PROGRAM},
    modbus_of, output,
    ovs::{PLANT_VLAN, QUARANTINE, Switch},
    run, talker,
};

/// The machines at the switch: the neighbour's, and one for each story.
pub(crate) const MACHINES: [(&str, &str); 4] =
    [("n", "10.78.0.10"), ("a", "10.78.0.11"), ("b", "10.78.0.12"), ("c", "10.78.0.13")];
/// Who the orders of the packet filter are against.
const CLIENTS: [&str; 4] = ["10.2.0.20", "10.2.0.21", "10.2.0.22", "10.2.0.23"];
/// By how much the end of an element may differ from the order's: the kernel's rounding, and the time it takes to look.
const TOLERANCE_MS: u64 = 15_000;

/// A device with an enforcer's folder beside it.
pub(crate) trait Plant {
    fn folder(&self) -> &Path;
    fn target(&self, number: usize) -> Target;
    /// Starts the enforcer; returns once it answers.
    fn start(&self) -> Enforcer;
    /// The program and its words.
    fn command(&self) -> Command;
    /// Makes the device hold these targets until then and nothing else, or, where power was cut, what is left of them.
    fn put(&self, held: &[(usize, Moment)], without_power: bool);
    /// Puts a target on the site's list of what is never cut, or takes all off it.
    fn protect(&self, target: Option<usize>);
    /// Which targets it cuts, as a tool that is not ours tells it, and for how many more milliseconds where it knows.
    fn holds(&self) -> BTreeMap<usize, Option<u64>>;

    /// Asserts that the device holds the end of a cut as ordered.
    fn ends_in(&self, target: usize, owed_ms: u64) {
        let Some(&Some(left_ms)) = self.holds().get(&target) else { return };
        assert!(
            left_ms <= owed_ms + 1_000 && left_ms + TOLERANCE_MS >= owed_ms,
            "target {target}: {left_ms} ms are left, {owed_ms} are owed"
        );
    }

    /// Starts the enforcer and kills it after so long.
    fn start_and_kill(&self, after: Duration) {
        let mut child = self.command().stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(after);
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn settings(folder: &Path, more: &str) {
    let place = folder.display();
    let text = format!(
        "[enforcer]\nmode = \"enforce\"\nmax_orders_per_hour = 200\nsocket = \"{place}/socket\"\njournal = \
         \"{place}/journal\"\n{more}"
    );
    fs::write(folder.join("site.toml"), text).unwrap();
}

/// The packet filter of the namespace this runs in.
pub(crate) struct Filter {
    folder: PathBuf,
}

impl Filter {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("fieldwarden-kill-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let filter = Self { folder };
        filter.protect(None);
        filter
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Plant for Filter {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn target(&self, number: usize) -> Target {
        modbus_of(CLIENTS[number], PLC)
    }

    fn start(&self) -> Enforcer {
        Enforcer::here(&self.folder)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--config"]).arg(self.folder.join("site.toml"));
        command
    }

    fn protect(&self, target: Option<usize>) {
        let entry = |number: usize| {
            format!(
                "[[site.protected]]\nname = \"by now\"\ntalker = \"{}\"\npeer = \"{PLC}\"\n",
                CLIENTS[number]
            )
        };
        settings(&self.folder, &target.map(entry).unwrap_or_default());
    }

    fn put(&self, held: &[(usize, Moment)], without_power: bool) {
        if without_power {
            assert!(run("nft", &["flush", "ruleset"]));
            return;
        }
        let cut = |number: usize| Match::Service {
            client: talker(CLIENTS[number]),
            server: talker(PLC),
            transport: Transport::Tcp,
            port: 502,
        };
        let content: Content =
            held.iter().map(|(number, until)| (cut(*number), Until(until.uptime_ms))).collect();
        Nftables::with_table("fieldwarden", &[]).apply(&content).unwrap();
    }

    fn holds(&self) -> BTreeMap<usize, Option<u64>> {
        let listing: Value = serde_json::from_str(&output("nft", &["-j", "list", "sets"])).unwrap();
        let [inet, bridge] = ["inet", "bridge"].map(|family| elements(&listing, family));
        assert!(inet.keys().eq(bridge.keys()), "an order is in every family or in none: {inet:?} {bridge:?}");
        inet
    }
}

/// Everything that our table of one family cuts for a time.
fn elements(listing: &Value, family: &str) -> BTreeMap<usize, Option<u64>> {
    let sets = listing["nftables"].as_array().unwrap().iter().filter_map(|item| item.get("set"));
    let sets = sets.filter(|set| set["family"] == family);
    let elements = sets.filter_map(|set| set["elem"].as_array()).flatten();
    let timed = elements.filter_map(|element| element.get("elem")).filter(|e| e.get("timeout").is_some());
    let mut held = BTreeMap::new();
    for element in timed {
        let client = element["val"]["concat"][0].as_str().unwrap_or_default();
        let number = CLIENTS.iter().position(|known| *known == client);
        let number = number.unwrap_or_else(|| panic!("nobody ordered {element}"));
        held.insert(number, element["expires"].as_u64().map(|secs| secs * 1_000));
    }
    held
}

/// A switch.
pub(crate) struct Ports {
    pub(crate) switch: Switch,
}

impl Ports {
    pub(crate) fn new(switch: Switch) -> Self {
        let ports = Self { switch };
        ports.protect(None);
        ports
    }

    fn port(number: usize) -> String {
        format!("v-{}", MACHINES[number].0)
    }
}

impl Plant for Ports {
    fn folder(&self) -> &Path {
        &self.switch.folder
    }

    fn target(&self, number: usize) -> Target {
        Target::SwitchPort { switch: "cell-1".into(), port: Self::port(number) }
    }

    fn start(&self) -> Enforcer {
        Enforcer::start(&self.switch.at("sw"), &self.switch.folder)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.switch.at("sw"), PROGRAM]);
        command.args(["run", "--config"]).arg(self.switch.folder.join("site.toml"));
        command
    }

    fn protect(&self, target: Option<usize>) {
        let more = self.switch.settings("db.sock");
        let asset = target.map(|number| format!("\"{}\"", MACHINES[number].1)).unwrap_or_default();
        let port = target.map_or_else(|| "v-plc".into(), Self::port);
        let more = more.replace("\"10.78.0.10\"", &asset).replace("v-plc", &port);
        let entry = |number: usize| {
            format!("[[site.protected]]\nname = \"by now\"\ntalker = \"{}\"\n", MACHINES[number].1)
        };
        let entry = target.map(entry).unwrap_or_default();
        settings(&self.switch.folder, &format!("driver = \"dry-run\"\n{more}{entry}"));
    }

    /// Its database outlives power.
    fn put(&self, held: &[(usize, Moment)], _without_power: bool) {
        let mut words = Vec::new();
        for number in 0..MACHINES.len() {
            let port = Self::port(number);
            let is_held = held.iter().any(|(one, _)| *one == number);
            let (tag, mark) = if is_held {
                (QUARANTINE, format!("external_ids:fieldwarden_vlan_before={PLANT_VLAN}"))
            } else {
                (PLANT_VLAN, "external_ids={}".into())
            };
            words.extend(["--".into(), "set".into(), "port".into(), port, format!("tag={tag}"), mark]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert!(self.switch.vsctl(&words));
    }

    fn holds(&self) -> BTreeMap<usize, Option<u64>> {
        let database = format!("--db=unix:{}", self.switch.path("db.sock"));
        let words = [&database, "--format=json", "--columns=name,tag,external_ids", "list", "port"];
        let listing: Value = serde_json::from_str(&output("ovs-vsctl", &words)).unwrap();
        let mut held = BTreeMap::new();
        for row in listing["data"].as_array().unwrap() {
            let Some(number) = (0..MACHINES.len()).find(|number| row[0] == Self::port(*number)) else {
                continue;
            };
            let is_marked = row[2].to_string().contains("fieldwarden_vlan_before");
            let is_moved = row[1] == QUARANTINE;
            assert_eq!(is_moved, is_marked, "{row}");
            if is_moved {
                held.insert(number, None);
            }
        }
        held
    }
}
