//! A real switch: ovsdb-server and ovs-vswitchd with their datapath in user space, and machines at its ports, each in a
//! network namespace of its own.
#![allow(clippy::panic, reason = "a test that cannot go on stops here")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use super::{output, run};

/// The VLAN of the plant, and the one for what is contained.
pub(crate) const PLANT_VLAN: u16 = 10;
pub(crate) const QUARANTINE: u16 = 666;

/// The switch and what is plugged into it.
pub(crate) struct Switch {
    name: String,
    pub(crate) folder: PathBuf,
    machines: Vec<(&'static str, &'static str)>,
    pub(crate) children: Vec<Child>,
}

impl Switch {
    /// Brings it up with a machine of each name and address at the port `v-NAME`; none, loudly, where that is not possible.
    pub(crate) fn up(test: &str, machines: &[(&'static str, &'static str)]) -> Option<Self> {
        let name = format!("fo{}{test}", std::process::id() % 100_000);
        let folder = std::env::temp_dir().join(&name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let switch = Self { name, folder, machines: machines.to_vec(), children: Vec::new() };
        if !run("ip", &["netns", "add", &switch.at("sw")]) {
            eprintln!("SKIPPED: {test} needs root and network namespaces");
            return None;
        }
        for (machine, address) in machines {
            let (sw, there) = (switch.at("sw"), switch.at(machine));
            switch.ip(&format!("netns add {there}"));
            switch.ip(&format!("-n {sw} link add v-{machine} type veth peer name eth0 netns {there}"));
            switch.ip(&format!("-n {sw} link set v-{machine} up"));
            switch.ip(&format!("-n {there} addr add {address}/24 dev eth0"));
            switch.ip(&format!("-n {there} link set eth0 up"));
            assert!(
                switch.inside(machine, "ethtool", &["-K", "eth0", "tx", "off"]),
                "sums are made in software"
            );
        }
        let schema = "/usr/share/openvswitch/vswitch.ovsschema";
        assert!(
            run("ovsdb-tool", &["create", &switch.path("conf.db"), schema]),
            "openvswitch-switch is missing"
        );
        switch.start_database();
        assert!(switch.vsctl(&["--no-wait", "init"]));
        switch.start_daemon();
        assert!(switch.vsctl(&[
            "add-br",
            "br0",
            "--",
            "set",
            "bridge",
            "br0",
            "datapath_type=netdev",
            "fail-mode=standalone"
        ]));
        for (machine, _) in machines {
            assert!(switch.vsctl(&[
                "add-port",
                "br0",
                &format!("v-{machine}"),
                &format!("tag={PLANT_VLAN}")
            ]));
        }
        Some(switch)
    }

    pub(crate) fn start_database(&self) {
        let words = [
            self.path("conf.db"),
            format!("--remote=punix:{}", self.path("db.sock")),
            format!("--pidfile={}", self.path("ovsdb.pid")),
            format!("--unixctl={}", self.path("ovsdb.ctl")),
            format!("--log-file={}", self.path("ovsdb.log")),
        ];
        self.start("ovsdb-server", &words);
    }

    pub(crate) fn start_daemon(&self) {
        let words = [
            format!("unix:{}", self.path("db.sock")),
            format!("--pidfile={}", self.path("vswitchd.pid")),
            format!("--unixctl={}", self.path("vswitchd.ctl")),
            format!("--log-file={}", self.path("vswitchd.log")),
        ];
        self.start("ovs-vswitchd", &words);
    }

    fn start(&self, program: &str, words: &[String]) {
        let status = Command::new("ip")
            .args(["netns", "exec", &self.at("sw"), program])
            .args(words)
            .args(["--detach", "--no-chdir", "-vconsole:off"])
            .env("OVS_RUNDIR", &self.folder)
            .status();
        assert!(status.unwrap().success(), "{program} does not start");
    }

    pub(crate) fn stop(&self, what: &str) {
        let Ok(id) = fs::read_to_string(self.folder.join(format!("{what}.pid"))) else { return };
        let _ = run("kill", &["-9", id.trim()]);
        let since = Instant::now();
        while Path::new(&format!("/proc/{}", id.trim())).exists() && since.elapsed() < Duration::from_secs(10)
        {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = fs::remove_file(self.folder.join(format!("{what}.pid")));
    }

    pub(crate) fn vsctl(&self, words: &[&str]) -> bool {
        let database = format!("--db=unix:{}", self.path("db.sock"));
        run("ovs-vsctl", &[&[&database, "--timeout=20"], words].concat())
    }

    /// The VLAN of a port and our mark on it, as the switch's own command line tells them.
    pub(crate) fn port(&self, port: &str) -> (String, String) {
        let database = format!("--db=unix:{}", self.path("db.sock"));
        let words = [&database, "--timeout=20", "get", "port", port];
        let tag = output("ovs-vsctl", &[&words[..], &["tag"]].concat());
        let ids = output("ovs-vsctl", &[&words[..], &["external_ids"]].concat());
        (tag.trim().into(), ids.trim().into())
    }

    /// The VLAN of a port that bears no mark of ours.
    pub(crate) fn is_plain(&self, port: &str) -> bool {
        self.port(port) == (PLANT_VLAN.to_string(), "{}".into())
    }

    /// The machines at its ports.
    pub(crate) fn machines(&self) -> &[(&'static str, &'static str)] {
        &self.machines
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub(crate) fn at(&self, place: &str) -> String {
        format!("{}-{place}", self.name)
    }

    fn ip(&self, words: &str) {
        assert!(run("ip", &words.split(' ').collect::<Vec<_>>()), "ip {words}");
    }

    pub(crate) fn inside(&self, place: &str, program: &str, arguments: &[&str]) -> bool {
        run("ip", &[&["netns", "exec", &self.at(place), program], arguments].concat())
    }

    /// Whether one machine answers the other.
    pub(crate) fn reaches(&self, from: &str, address: &str) -> bool {
        self.inside(from, "ping", &["-q", "-c1", "-W1", address])
    }

    /// The lines of a site file for this switch, spoken to at `socket`.
    pub(crate) fn settings(&self, socket: &str) -> String {
        format!(
            "[[enforcer.switch]]\nname = \"cell-1\"\nkind = \"ovsdb\"\naddress = \"unix:{}\"\ncontrol = \"{}\"\n\
             quarantine_vlan = {QUARANTINE}\nuplinks = [\"v-up\"]\n[[enforcer.switch.port]]\nname = \"v-plc\"\nassets = \
             [\"10.78.0.10\"]\n",
            self.path(socket),
            self.path("vswitchd.ctl")
        )
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.stop("vswitchd");
        self.stop("ovsdb");
        for (machine, _) in &self.machines {
            run("ip", &["netns", "del", &self.at(machine)]);
        }
        run("ip", &["netns", "del", &self.at("sw")]);
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
