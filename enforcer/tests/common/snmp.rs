//! The real switch of [`super::ovs`], spoken to by SNMPv3: net-snmp's agent in the switch's network, with the tables of
//! `scripts/qbridge_agent.py`.
#![allow(clippy::panic, reason = "a test that cannot go on stops here")]

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    output,
    ovs::{PLANT_VLAN, QUARANTINE, Switch},
    run,
};

/// Bridge ports are counted from here, so that they are no numbers of interfaces and lie in two octets.
const FIRST_PORT: usize = 7;
pub(crate) const ADDRESS: &str = "127.0.0.1:1161";

/// A user of the agent, by the words of the site file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) auth: &'static str,
    pub(crate) privacy: &'static str,
}

/// What every switch of some years has, and the strongest there is.
pub(crate) const YOUNG: User = User { name: "young", auth: "sha-256", privacy: "aes-128" };
pub(crate) const STRONG: User = User { name: "strong", auth: "sha-512", privacy: "aes-256-blumenthal" };
/// The users the agent knows. net-snmp calls the key extension of Blumenthal AES-256 and that of Reeder AES-256-C.
pub(crate) const USERS: [User; 4] = [
    YOUNG,
    STRONG,
    User { name: "old", auth: "sha-1", privacy: "aes-256-blumenthal" },
    User { name: "cisco", auth: "sha-1", privacy: "aes-256-reeder" },
];

/// The switch with an agent.
pub(crate) struct Managed {
    agent: Option<Child>,
    before: Value,
    pub(crate) switch: Switch,
}

impl Managed {
    /// Brings it up with the machines of [`Switch::up`]; none, loudly, where that is not possible.
    pub(crate) fn up(test: &str, machines: &[(&'static str, &'static str)]) -> Option<Self> {
        let switch = Switch::up(test, machines)?;
        assert!(run("ip", &["-n", &switch.at("sw"), "link", "set", "lo", "up"]));
        let ports = || (FIRST_PORT..).zip(machines);
        let all = list(ports().map(|(number, _)| number));
        let by_port = |value: u16| -> Value { ports().map(|(n, _)| (n.to_string(), json!(value))).collect() };
        let names: Value =
            ports().map(|(n, (name, _))| (n.to_string(), json!(format!("v-{name}")))).collect();
        let none = list(std::iter::empty());
        let before = json!({
            "ports": names, "pvid": by_port(PLANT_VLAN), "filtering": by_port(2), "frames": by_port(1),
            "vlans": { "1": { "egress": none, "forbidden": none, "untagged": none },
                       PLANT_VLAN.to_string(): { "egress": all, "forbidden": none, "untagged": all },
                       "20": { "egress": none, "forbidden": none, "untagged": none },
                       QUARANTINE.to_string(): { "egress": none, "forbidden": none, "untagged": none } },
            "root": 0, "lldp": [], "mood": "",
        });
        let mut managed = Self { agent: None, before: before.clone(), switch };
        managed.write(&before);
        fs::write(managed.switch.path("auth"), "correct horse\n").unwrap();
        fs::write(managed.switch.path("privacy"), "battery staple\n").unwrap();
        managed.configure();
        managed.start_agent();
        Some(managed)
    }

    fn configure(&self) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/qbridge_agent.py");
        let mut text = format!("agentAddress udp:{ADDRESS}\nengineID fieldwarden-switch\n");
        for user in USERS {
            let auth = user.auth.to_uppercase().replace("SHA-1", "SHA");
            let privacy = match user.privacy {
                "aes-128" => "AES",
                "aes-256-reeder" => "AES-256-C",
                _ => "AES-256",
            };
            text += &format!(
                "createUser {0} {auth} \"correct horse\" {privacy} \"battery staple\"\nrwuser {0} priv\n",
                user.name
            );
        }
        for root in [".1.3.6.1.2.1.17", ".1.0.8802.1.1.2"] {
            text +=
                &format!("pass_persist {root} /usr/bin/python3 {script} {}\n", self.switch.folder.display());
        }
        fs::write(self.switch.path("snmpd.conf"), text).unwrap();
    }

    /// Starts the agent, or starts it again: each start is one more of its engine's boots.
    pub(crate) fn start_agent(&mut self) {
        self.stop_agent();
        let log = fs::File::create(self.switch.path("snmpd.log")).unwrap();
        let agent = Command::new("ip")
            .args(["netns", "exec", &self.switch.at("sw"), "snmpd", "-f", "-Lo", "-I", "-smux"])
            // What it keeps of itself it reads there too: without it each start would be its first.
            .env(
                "SNMPCONFPATH",
                format!("{}:{}", self.switch.folder.display(), self.switch.path("persistent")),
            )
            .env("SNMP_PERSISTENT_DIR", self.switch.path("persistent"))
            .env("MIBS", "")
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn();
        self.agent = Some(agent.unwrap_or_else(|fault| panic!("snmpd is missing: {fault}")));
        let since = Instant::now();
        while !self.tool("snmpget", &["1.3.6.1.2.1.1.3.0"]) {
            assert!(since.elapsed() < Duration::from_secs(60), "the agent does not answer");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the agent in good order, as when a switch is restarted.
    pub(crate) fn stop_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            run("kill", &["-TERM", &agent.id().to_string()]);
            let _ = agent.wait();
        }
    }

    /// One of net-snmp's own tools, as another manager of the switch would use it.
    pub(crate) fn tool(&self, tool: &str, words: &[&str]) -> bool {
        let all = self.words(tool);
        run("ip", &all.iter().map(String::as_str).chain(words.iter().copied()).collect::<Vec<_>>())
    }

    fn words(&self, tool: &str) -> Vec<String> {
        let place = self.switch.at("sw");
        let fixed =
            ["-v3", "-lauthPriv", "-uyoung", "-aSHA-256", "-Acorrect horse", "-xAES", "-Xbattery staple"];
        let all = [&["netns", "exec", &place, tool][..], &fixed, &["-m", "", "-r0", "-t2", ADDRESS]].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    /// Sets the PVID of a machine's port, as another manager would.
    pub(crate) fn set_pvid(&self, machine: &str, vlan: u16) {
        let name = format!("1.3.6.1.2.1.17.7.1.4.5.1.1.{}", self.number(machine));
        assert!(self.tool("snmpset", &[&name, "u", &vlan.to_string()]));
    }

    /// Takes a machine's port out of a VLAN's ports or puts it there, as another manager would.
    pub(crate) fn set_member(&self, machine: &str, vlan: u16, is_in: bool) {
        let text = self.at(&format!("/vlans/{vlan}/egress"));
        let bits = u16::from_str_radix(text.as_str().unwrap(), 16).unwrap();
        let bit = 0x8000 >> (self.number(machine) - 1);
        let hex = format!("{:04x}", if is_in { bits | bit } else { bits & !bit });
        assert!(self.tool("snmpset", &[&format!("1.3.6.1.2.1.17.7.1.4.3.1.2.{vlan}"), "x", &hex]));
    }

    /// Whether a machine's port is among the ports of a VLAN.
    pub(crate) fn is_member(&self, machine: &str, vlan: u16) -> bool {
        let text = self.at(&format!("/vlans/{vlan}/egress"));
        u16::from_str_radix(text.as_str().unwrap(), 16).unwrap() & (0x8000 >> (self.number(machine) - 1)) != 0
    }

    /// The ingress filtering of a machine's port, as a TruthValue.
    pub(crate) fn filtering(&self, machine: &str) -> u64 {
        self.at(&format!("/filtering/{}", self.number(machine))).as_u64().unwrap()
    }

    /// Sets the switch to what it was at the beginning, as a restart with the saved configuration does.
    pub(crate) fn reset(&self) {
        self.write(&self.before);
        for (machine, _) in self.switch.machines() {
            let port = format!("v-{machine}");
            let tag = format!("tag={PLANT_VLAN}");
            assert!(self.switch.vsctl(&["set", "port", &port, &tag, "trunks=[]", "vlan_mode=access"]));
        }
    }

    /// The bridge port of a machine.
    pub(crate) fn number(&self, machine: &str) -> u32 {
        let ports = self.at("/ports");
        ports
            .as_object()
            .unwrap()
            .iter()
            .find(|(_, name)| **name == json!(format!("v-{machine}")))
            .unwrap()
            .0
            .parse()
            .unwrap()
    }

    /// What the switch is set to.
    pub(crate) fn state(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.switch.path("qbridge.json")).unwrap()).unwrap()
    }

    /// One value of it.
    pub(crate) fn at(&self, place: &str) -> Value {
        self.state().pointer(place).unwrap_or_else(|| panic!("{place}: {}", self.state())).clone()
    }

    /// Changes one value of it behind everybody's back.
    pub(crate) fn alter(&self, place: &str, value: Value) {
        let mut state = self.state();
        *state.pointer_mut(place).unwrap() = value;
        self.write(&state);
    }

    /// Makes the switch misbehave from now on.
    pub(crate) fn mood(&self, mood: &str) {
        self.alter("/mood", json!(mood));
    }

    fn write(&self, state: &Value) {
        fs::write(self.switch.path("qbridge.new"), state.to_string()).unwrap();
        fs::rename(self.switch.path("qbridge.new"), self.switch.path("qbridge.json")).unwrap();
    }

    /// The PVID of a machine's port.
    pub(crate) fn pvid(&self, machine: &str) -> u64 {
        self.at(&format!("/pvid/{}", self.number(machine))).as_u64().unwrap()
    }

    /// Whether every PVID, all three lists of ports of every VLAN and all filtering are as at the beginning, bit for bit, and the
    /// interfaces with them.
    pub(crate) fn is_as_before(&self) -> bool {
        let state = self.state();
        let same = |key: &str| state.get(key) == self.before.get(key);
        let tag = |port: &Value| self.switch.port(port.as_str().unwrap()).0 == PLANT_VLAN.to_string();
        let ports = self.at("/ports");
        ["pvid", "vlans", "filtering"].iter().all(|key| same(key))
            && ports.as_object().unwrap().values().all(tag)
    }

    /// The lines of a site file for this switch.
    pub(crate) fn settings(&self, user: User, more: &str) -> String {
        let path = |name: &str| self.switch.path(name);
        format!(
            "[[enforcer.switch]]\nname = \"cell-2\"\nkind = \"snmp-qbridge\"\naddress = \"udp:{ADDRESS}\"\nuser = \
             \"{}\"\nauth = \"{}\"\nprivacy = \"{}\"\nauth_password_file = \"{}\"\nprivacy_password_file = \
             \"{}\"\nquarantine_vlan = {QUARANTINE}\nuplinks = [\"v-up\"]\nrecord = \"{}\"\n{more}\
             [[enforcer.switch.port]]\nname = \"v-plc\"\nassets = [\"10.78.0.10\"]\n",
            user.name,
            user.auth,
            user.privacy,
            path("auth"),
            path("privacy"),
            path("cell-2.moved"),
        )
    }

    /// Moves the calling thread, and what it begins from now on, into the switch's network, where its agent is.
    pub(crate) fn enter(&self) {
        use std::os::fd::AsFd;
        let network = fs::File::open(format!("/run/netns/{}", self.switch.at("sw"))).unwrap();
        let kind = rustix::thread::LinkNameSpaceType::Network;
        rustix::thread::move_into_link_name_space(network.as_fd(), Some(kind)).unwrap();
    }

    /// How often the agent's engine has been started, as it says (`snmpEngineBoots.0`).
    pub(crate) fn boots(&self) -> u32 {
        let words = [&self.words("snmpget")[..], &["-Oqv".into(), "1.3.6.1.6.3.10.2.1.2.0".into()]].concat();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        output("ip", &words).trim().parse().unwrap()
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        self.stop_agent();
    }
}

/// Ports as a list of bits in two octets.
fn list(ports: impl Iterator<Item = usize>) -> String {
    let bits = ports.fold(0_u16, |bits, port| bits | 0x8000 >> (port - 1));
    format!("{bits:04x}")
}
