//! The product on the lab's gateway: parent, daemon and enforcer, as an operator starts them.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::{HMI, PLC1, PLC2, PROTECTED, ROGUE, Said, lab::Lab, must, root, run, wait};

/// The account the daemon runs under: it owns nothing but its folder and may do nothing.
pub(crate) const DAEMON: u32 = 65_534;
/// A second operator, who may see, respond and propose, and approve where the setup says so.
pub(crate) const SECOND: u32 = 4_321;

/// How this gateway is set up.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Whether the operators' view of the dosing is protected.
    pub(crate) protected: bool,
    /// Whether proposer and approver must be two.
    pub(crate) two_persons: bool,
    /// Where everything read is recorded.
    pub(crate) record: Option<PathBuf>,
    /// The store, where it is not in the product's folder.
    pub(crate) store: Option<PathBuf>,
    /// Whether the enforcer knows a switch `cell-1`, its database at `switch.sock` in the product's folder, with the laptop
    /// and the first controller at its ports.
    pub(crate) switch: bool,
    /// The span interface.
    pub(crate) interface: &'static str,
    /// Further lines of the enforcer's own configuration.
    pub(crate) enforcer: String,
    /// Whether the second operator may approve.
    pub(crate) second_approves: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            protected: true,
            two_persons: false,
            record: None,
            store: None,
            switch: false,
            interface: "span0",
            enforcer: String::new(),
            second_approves: false,
        }
    }
}

/// The product, with a folder of its own. What runs is ended when dropped.
pub(crate) struct Product {
    /// Everything it reads and writes.
    pub(crate) folder: PathBuf,
    /// The store.
    pub(crate) store: PathBuf,
    parent: Option<Child>,
    starts: u32,
}

impl Product {
    /// Puts programs, keys, baseline and configuration in place; nothing runs yet.
    pub(crate) fn install(lab: &Lab, setup: &Setup) -> Self {
        let name = format!("fieldwarden-{}-{}", lab.namespace("gw"), std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let built = Path::new(env!("CARGO_BIN_EXE_fieldwarden"));
        place(built, &folder.join("fieldwarden"));
        place(&enforcer_program(built), &folder.join("fieldwarden-enforcer"));
        for file in ["ca.pem", "client.pem", "client.key"] {
            fs::copy(lab.state.join("pki").join(file), folder.join(file)).unwrap();
        }
        let store = folder.join("fieldwarden.db");
        let mut product = Self { folder, store, parent: None, starts: 0 };
        product.learn();
        product.configure(setup);
        must("chown", &["-R", &DAEMON.to_string(), product.folder.to_str().unwrap()]);
        product
    }

    /// Writes both configurations anew.
    pub(crate) fn configure(&mut self, setup: &Setup) {
        if let Some(store) = &setup.store {
            self.store.clone_from(store);
        }
        fs::write(self.config(), self.daemon_settings(setup)).unwrap();
        fs::write(self.folder.join("enforcer.toml"), self.enforcer_settings(setup)).unwrap();
    }

    /// Starts the parent; returns once the daemon listens and, unless told otherwise, hears the enforcer.
    pub(crate) fn start(&mut self, lab: &Lab) {
        self.spawn(lab);
        self.wait_until_serving();
    }

    /// Starts the parent.
    pub(crate) fn spawn(&mut self, lab: &Lab) {
        assert!(self.parent.is_none(), "it runs already");
        self.starts += 1;
        let mut command = lab.inside("gw", self.program());
        command.args(["run", "--json", "--user", "nobody", "--config"]).arg(self.config());
        command.arg("--enforcer-config").arg(self.folder.join("enforcer.toml"));
        let append = |path: PathBuf| File::options().create(true).append(true).open(path).unwrap();
        command.stdout(append(self.alerts_file())).stderr(append(self.log_file()));
        self.parent = Some(command.spawn().unwrap());
    }

    /// Waits until the daemon answers and hears the enforcer.
    pub(crate) fn wait_until_serving(&self) {
        wait(
            &format!("the daemon serves and hears the enforcer; log: {}", self.log_file().display()),
            Duration::from_secs(40),
            || {
                let said = self.command(&["status", "--json"]);
                let heard = said
                    .out
                    .lines()
                    .any(|line| line.contains("\"enforcer\"") && line.contains("\"reachable\""));
                (said.status == 0 && heard).then_some(())
            },
        );
    }

    /// Stops it in order; every program it started has ended.
    pub(crate) fn stop(&mut self) {
        let Some(mut parent) = self.parent.take() else { return };
        let pid = parent.id();
        let children = children(pid);
        must("kill", &["-TERM", &pid.to_string()]);
        let status =
            wait("the product stops when told to", Duration::from_secs(20), || parent.try_wait().unwrap());
        assert!(status.success(), "{status}; log:\n{}", self.log());
        for (child, what) in children {
            assert!(!is_alive(child), "{what} outlived the parent");
        }
    }

    /// Kills one of its programs, the way a crash does; false where it does not run at the moment. Nobody but the caller
    /// starts a parent again.
    pub(crate) fn kill(&mut self, victim: Victim) -> bool {
        if victim != Victim::Parent {
            return self.kill_child(victim);
        }
        let Some(mut parent) = self.parent.take() else { return false };
        parent.kill().unwrap();
        parent.wait().unwrap();
        true
    }

    /// Kills the daemon or the enforcer.
    pub(crate) fn kill_child(&self, victim: Victim) -> bool {
        let wanted = if victim == Victim::Daemon { "--as-daemon" } else { "fieldwarden-enforcer" };
        let found = self.children().into_iter().find(|(_, words)| words.contains(wanted));
        found.is_some_and(|(pid, _)| run("kill", &["-KILL", &pid.to_string()]).status == 0)
    }

    /// Kills all three at once, as a power cut does. Nobody starts them again but the caller.
    pub(crate) fn kill_all(&mut self) {
        let Some(mut parent) = self.parent.take() else { return };
        let children: Vec<u32> = children(parent.id()).into_iter().map(|(pid, _)| pid).collect();
        let all: Vec<String> =
            std::iter::once(parent.id()).chain(children.iter().copied()).map(|pid| pid.to_string()).collect();
        let words: Vec<&str> = std::iter::once("-KILL").chain(all.iter().map(String::as_str)).collect();
        // A child may be between its end and its next start.
        run("kill", &words);
        parent.wait().unwrap();
        wait("all are dead", Duration::from_secs(20), || {
            (!children.iter().any(|pid| is_alive(*pid))).then_some(())
        });
    }

    /// The enforcer's journal: every line of an order, its state and whether its end is decided.
    pub(crate) fn journal(&self, order: &str) -> Vec<(String, bool)> {
        let text = fs::read_to_string(self.folder.join("enforcer.journal")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lives = lines.filter_map(|line| line.pointer("/entry/order").cloned());
        lives
            .filter(|life| life["order"]["id"] == order)
            .map(|life| (life["report"]["state"].as_str().unwrap().to_owned(), !life["ending"].is_null()))
            .collect()
    }

    /// The programs that run under the parent: pid and command line.
    pub(crate) fn children(&self) -> Vec<(u32, String)> {
        self.parent.as_ref().map(|parent| children(parent.id())).unwrap_or_default()
    }

    /// Whether the parent still runs, and how it ended where it does not.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.parent.as_mut()?.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// The first operator, root, asks the daemon.
    pub(crate) fn command(&self, words: &[&str]) -> Said {
        self.asking(Command::new(self.program()), words)
    }

    /// The second operator asks the daemon.
    pub(crate) fn second_operator(&self, words: &[&str]) -> Said {
        let mut command = Command::new("setpriv");
        command.args([&format!("--reuid={SECOND}"), &format!("--regid={SECOND}"), "--clear-groups", "--"]);
        command.arg(self.program());
        self.asking(command, words)
    }

    /// The command line of the enforcer.
    pub(crate) fn enforcer(&self, words: &[&str]) -> Said {
        let mut command = Command::new(self.folder.join("fieldwarden-enforcer"));
        command.args(words).arg("--config").arg(self.folder.join("enforcer.toml"));
        command.output().unwrap().into()
    }

    /// Where an order stands, as the daemon knows it.
    pub(crate) fn order(&self, id: &str) -> Value {
        let rows = self.command(&["contain", "list", "--json"]).rows();
        rows.into_iter().find(|row| row["order"] == id).unwrap_or_else(|| panic!("no order {id}"))
    }

    /// Waits until an order has come to a state.
    pub(crate) fn wait_for_order(&self, id: &str, state: &str, patience: Duration) -> Value {
        let what = format!("order {id} is {state}; now {}", self.order(id));
        wait(&what, patience, || Some(self.order(id)).filter(|order| order["state"] == state))
    }

    /// What the daemon printed: one alert a line.
    pub(crate) fn alerts_printed(&self) -> String {
        fs::read_to_string(self.alerts_file()).unwrap_or_default()
    }

    /// Everything the three programs logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The daemon's configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("fieldwarden.toml")
    }

    /// The baseline.
    pub(crate) fn baseline(&self) -> PathBuf {
        self.folder.join("baseline.toml")
    }

    /// The enforcer's socket.
    pub(crate) fn enforcer_socket(&self) -> PathBuf {
        self.folder.join("enforcer.sock")
    }

    /// The program under test.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("fieldwarden")
    }

    fn alerts_file(&self) -> PathBuf {
        self.folder.join("alerts.jsonl")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The first operator begins to ask, and may be left without an answer.
    pub(crate) fn begins(&self, words: &[&str]) -> Child {
        let mut command = self.in_place(Command::new(self.program()), words);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn asking(&self, command: Command, words: &[&str]) -> Said {
        self.in_place(command, words).output().unwrap().into()
    }

    fn in_place(&self, mut command: Command, words: &[&str]) -> Command {
        command
            .args(words)
            .env("FIELDWARDEN_SOCKET", self.folder.join("control.sock"))
            .current_dir(&self.folder);
        command
    }

    /// The shipped baseline, or what a normal shift teaches where none is shipped.
    fn learn(&self) {
        let shipped = root().join("config/shipped/baseline.toml");
        if shipped.exists() {
            fs::copy(shipped, self.baseline()).unwrap();
            return;
        }
        let shift = root().join("pcaps/normal-shift.pcap");
        let baseline = self.baseline();
        must(self.program(), &["learn", shift.to_str().unwrap(), "-o", baseline.to_str().unwrap()]);
    }

    fn daemon_settings(&self, setup: &Setup) -> String {
        let folder = self.folder.display();
        let (store, interface, two_persons) = (self.store.display(), setup.interface, setup.two_persons);
        let record = setup
            .record
            .as_ref()
            .map(|path| format!("record = \"{}\"\n", path.display()))
            .unwrap_or_default();
        let site = site(setup);
        let approver = if setup.second_approves { ", \"approver\"" } else { "" };
        format!(
            r#"{site}
[sensor]
interface = "{interface}"
{record}
[baseline]
file = "{folder}/baseline.toml"
draft = "{folder}/draft.toml"

[store]
path = "{store}"

[control]
socket = "{folder}/control.sock"

[containment]
enforcer = "{folder}/enforcer.sock"
two_persons = {two_persons}

[[operator]]
name = "root"
uid = 0
roles = ["viewer", "engineer", "responder", "approver"]

[[operator]]
name = "jo"
uid = {SECOND}
roles = ["viewer", "responder"{approver}]

[[forward.syslog]]
name = "soc"
address = "10.3.0.10:6514"
server_name = "soc.test"
ca_file = "{folder}/ca.pem"
certificate_file = "{folder}/client.pem"
key_file = "{folder}/client.key"
confirm_after_ms = 1000
"#
        )
    }

    fn enforcer_settings(&self, setup: &Setup) -> String {
        let folder = self.folder.display();
        let (site, demands) = (site(setup), &setup.enforcer);
        let switch = if setup.switch { switch(&self.folder) } else { String::new() };
        format!(
            r#"{site}
[enforcer]
mode = "enforce"
socket = "{folder}/enforcer.sock"
journal = "{folder}/enforcer.journal"
daemon_user = "{DAEMON}"
max_orders_per_hour = 200
{demands}
{switch}"#
        )
    }
}

fn switch(folder: &Path) -> String {
    format!(
        r#"[[enforcer.switch]]
name = "cell-1"
address = "unix:{}/switch.sock"
quarantine_vlan = 666
port = [{{ name = "p-rogue", assets = ["{ROGUE}"] }}, {{ name = "p-plc", assets = ["{PLC1}"] }}]
"#,
        folder.display()
    )
}

impl Drop for Product {
    fn drop(&mut self) {
        if let Some(mut parent) = self.parent.take() {
            let children = children(parent.id());
            run("kill", &["-TERM", &parent.id().to_string()]);
            std::thread::sleep(Duration::from_secs(1));
            let _ = parent.kill();
            let _ = parent.wait();
            for (child, _) in children {
                run("kill", &["-KILL", &child.to_string()]);
            }
        }
        if std::thread::panicking() {
            eprintln!(
                "what it left is in {}; its log ends with:\n{}",
                self.folder.display(),
                tail(&self.log())
            );
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Which program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Daemon,
    Enforcer,
    Parent,
}

/// Whether a process exists and is no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// The child processes of a process: pid and command line (proc(5)).
fn children(parent: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let of = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        if of == Some(parent) {
            let words = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            found.push((pid, words.replace('\0', " ")));
        }
    }
    found
}

fn site(setup: &Setup) -> String {
    let protected =
        format!("[[site.protected]]\nname = \"{PROTECTED}\"\ntalker = \"{HMI}\"\npeer = \"{PLC1}\"\n");
    let protected = if setup.protected { protected } else { String::new() };
    format!(
        r#"[site]
name = "Water works"

[[site.asset]]
name = "Chlorine dosing PLC"
addresses = ["{PLC1}"]
role = "plc"
criticality = 3

[[site.asset]]
name = "Filter line PLC"
addresses = ["{PLC2}"]
role = "plc"
criticality = 2

[[site.asset]]
name = "Control room HMI"
addresses = ["{HMI}"]
role = "hmi"
criticality = 2

{protected}"#
    )
}

/// The build folder may be closed to the daemon's account, so the programs are taken out of it.
fn place(built: &Path, to: &Path) {
    fs::copy(built, to).unwrap_or_else(|fault| panic!("{}: {fault}", built.display()));
}

/// The enforcer of the same build; `cargo test -p fieldwarden` alone does not build it.
pub(crate) fn enforcer_program(built: &Path) -> PathBuf {
    let program = built.with_file_name("fieldwarden-enforcer");
    if !program.exists() {
        let mut words = vec!["build", "-p", "fieldwarden-enforcer", "--bins"];
        if built.components().any(|part| part.as_os_str() == "release") {
            words.push("--release");
        }
        must(env!("CARGO"), &words);
    }
    program
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
