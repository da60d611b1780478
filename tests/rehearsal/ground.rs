//! The gateway under test: a network namespace with routed interfaces and a bridge, the enforcer in it, the database of a
//! switch beside it, and the ends of all its cables in another namespace.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use fieldwarden_model::order::{Answer, Ask};

use super::{
    octets::Mac,
    plant::{BRIDGE, Machine, PORTS, Plant, ROUTED, Random, gateway_addresses, gateway_mac},
    ports::UPLINK,
};
use crate::live::{self, must, run, wait};

/// The VLAN of the cell, and the one for what is contained.
const CELL_VLAN: u16 = 10;
const QUARANTINE: u16 = 666;
pub(crate) const SWITCH: &str = "cell-1";

/// The gateway and everything around it; taken down when dropped.
pub(crate) struct Ground {
    name: String,
    folder: PathBuf,
    children: Vec<Child>,
}

/// An enforcer at work on it.
pub(crate) struct Enforcer {
    child: Child,
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

/// Whoever holds the far ends of the cables.
pub(crate) struct Wire {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Ground {
    /// Brings it up; none, loudly, where that is not possible.
    pub(crate) fn up() -> Option<Self> {
        let name = format!("fwr{}", std::process::id() % 100_000);
        if !live::lab::possible(&name) {
            return None;
        }
        let folder = std::env::temp_dir().join(format!("fieldwarden-{name}"));
        fs::create_dir_all(&folder).unwrap();
        let mut ground = Self { name, folder, children: Vec::new() };
        for place in ["gw", "out"] {
            ground.ip(&format!("netns add {}", ground.at(place)));
        }
        ground.cable();
        ground.address();
        ground.start_switch();
        Some(ground)
    }

    fn cable(&self) {
        let (gw, out) = (self.at("gw"), self.at("out"));
        for place in ["gw", "out"] {
            self.inside(
                place,
                "sysctl",
                &["-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0"],
            );
        }
        for name in ROUTED.into_iter().chain(PORTS) {
            self.ip(&format!("-n {gw} link add {name} type veth peer name {name} netns {out}"));
            self.inside("gw", "ethtool", &["-K", name, "gro", "off", "tso", "off", "gso", "off"]);
            // The far end says nothing of its own.
            self.inside("out", "sysctl", &["-qw", &format!("net.ipv6.conf.{name}.disable_ipv6=1")]);
            self.ip(&format!("-n {out} link set {name} arp off up"));
        }
        self.ip(&format!("-n {gw} link add {BRIDGE} type bridge mcast_snooping 0"));
        for name in PORTS {
            self.ip(&format!("-n {gw} link set {name} master {BRIDGE} up"));
        }
        for name in ROUTED.into_iter().chain([BRIDGE]) {
            self.ip(&format!("-n {gw} link set {name} address {} up", text(gateway_mac(name))));
        }
    }

    fn address(&self) {
        let gw = self.at("gw");
        for name in ROUTED.into_iter().chain([BRIDGE]) {
            let (v4, v6) = gateway_addresses(name);
            self.ip(&format!("-n {gw} addr add {v4}/24 dev {name}"));
            self.ip(&format!("-n {gw} addr add {v6}/64 dev {name} nodad"));
        }
        let settings =
            ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0"];
        for setting in settings {
            self.inside("gw", "sysctl", &["-qw", setting]);
        }
    }

    /// A switch whose ports lead nowhere: what it is told is looked at, not what it forwards.
    fn start_switch(&mut self) {
        must("ovsdb-tool", &["create", &self.path("conf.db"), "/usr/share/openvswitch/vswitch.ovsschema"]);
        let remote = format!("--remote=punix:{}", self.path("db.sock"));
        self.start(
            "ovsdb-server",
            &[self.path("conf.db"), remote, format!("--unixctl={}", self.path("db.ctl"))],
        );
        let socket = PathBuf::from(self.path("db.sock"));
        wait("the database listens", Duration::from_secs(20), || socket.exists().then_some(()));
        self.vsctl(&["--no-wait", "init"]);
        let database = format!("unix:{}", self.path("db.sock"));
        self.start("ovs-vswitchd", &[database, format!("--unixctl={}", self.path("vs.ctl"))]);
    }

    fn start(&mut self, program: &str, words: &[String]) {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.at("out"), program, "-vconsole:off"]).args(words);
        command.env("OVS_RUNDIR", &self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        self.children.push(command.spawn().unwrap());
    }

    fn vsctl(&self, words: &[&str]) -> String {
        let database = format!("--db=unix:{}", self.path("db.sock"));
        must("ovs-vsctl", &[&[database.as_str(), "--timeout=20"], words].concat())
    }

    /// Machines take their places: neighbours, what the bridge learned, the ports of the switch.
    pub(crate) fn furnish(&self, plant: &Plant, random: &mut Random) -> String {
        let gw = self.at("gw");
        for device in ROUTED.into_iter().chain([BRIDGE]) {
            self.ip(&format!("-n {gw} neigh flush nud permanent dev {device}"));
        }
        let (mut neighbours, mut learned) = (String::new(), String::new());
        for machine in &plant.machines {
            let (mac, is_port) = (text(machine.mac), PORTS.contains(&machine.at));
            let device = if is_port { BRIDGE } else { machine.at };
            for address in [machine.v4, machine.v6] {
                neighbours += &format!("neigh replace {address} lladdr {mac} dev {device} nud permanent\n");
            }
            if is_port {
                learned += &format!("fdb replace {mac} dev {} master static\n", machine.at);
            }
        }
        self.batch("ip", &neighbours);
        let number = u8::from;
        for (setting, is_on) in [
            ("call-iptables", plant.shows.plain),
            ("call-ip6tables", plant.shows.plain),
            ("filter-vlan-tagged", plant.shows.tagged),
        ] {
            let word = format!("net.bridge.bridge-nf-{setting}={}", number(is_on));
            self.inside("gw", "sysctl", &["-qw", &word]);
        }
        // What other machines had is forgotten with the port's link to the bridge.
        for port in PORTS {
            self.ip(&format!("-n {gw} link set {port} nomaster"));
            self.ip(&format!("-n {gw} link set {port} master {BRIDGE}"));
        }
        self.batch("bridge", &learned);
        self.plug(plant, random)
    }

    fn batch(&self, program: &str, lines: &str) {
        let file = self.folder.join("batch");
        fs::write(&file, lines).unwrap();
        self.inside("gw", program, &["-batch", file.to_str().unwrap()]);
    }

    /// The ports of the switch; what the site file says of them.
    fn plug(&self, plant: &Plant, random: &mut Random) -> String {
        let mut words: Vec<String> =
            ["--no-wait", "--", "--if-exists", "del-br", "cell", "--", "add-br", "cell"]
                .map(str::to_owned)
                .into();
        words.extend(
            format!("-- set bridge cell datapath_type=netdev -- add-port cell {UPLINK} trunks={CELL_VLAN}")
                .split(' ')
                .map(str::to_owned),
        );
        let mut said = Vec::new();
        for machine in &plant.machines {
            let Machine { port, mac, v4, v6, .. } = machine;
            let Some(port) = port else { continue };
            words.extend(format!("-- add-port cell {port} tag={CELL_VLAN}").split(' ').map(str::to_owned));
            // Who never speaks shows nobody his card.
            let is_listed = random.percent(60) || !plant.speaks(machine);
            if is_listed {
                said.push(format!("{{ name = \"{port}\", assets = [\"{v4}\", \"{v6}\"] }}"));
            }
            if !is_listed || random.percent(40) {
                let mac = text(*mac);
                words.extend(
                    format!("-- set interface {port} external_ids:attached-mac=\"{mac}\"")
                        .split(' ')
                        .map(str::to_owned),
                );
            }
        }
        self.vsctl(&words.iter().map(String::as_str).collect::<Vec<_>>());
        format!("port = [{}]", said.join(", "))
    }

    /// The ports as the switch has them.
    pub(crate) fn ports(&self) -> String {
        self.vsctl(&["--format=json", "--columns=name,tag,trunks", "list", "Port"])
    }

    /// The rules as the kernel has them.
    pub(crate) fn ruleset(&self) -> String {
        must("ip", &["netns", "exec", &self.at("gw"), "nft", "-n", "list", "ruleset"])
    }

    /// Starts an enforcer on `[enforcer.nftables]` and the switch's ports as they are told, with a journal of its own.
    pub(crate) fn enforcer(&self, nftables: &str, ports: &str, number: usize) -> Enforcer {
        let (socket, journal) = (self.folder.join("socket"), self.folder.join(format!("journal{number}")));
        let text = format!(
            "[enforcer]\nmode = \"enforce\"\nmax_orders_per_hour = 200\nsocket = \"{}\"\njournal = \"{}\"\n\n\
             [enforcer.nftables]\n{nftables}\n\n[[enforcer.switch]]\nname = \"{SWITCH}\"\naddress = \"unix:{}\"\n\
             quarantine_vlan = {QUARANTINE}\nuplinks = [\"{UPLINK}\"]\n{ports}\n",
            socket.display(),
            journal.display(),
            self.path("db.sock"),
        );
        fs::write(self.folder.join("site.toml"), text).unwrap();
        let _ = fs::remove_file(&socket);
        let program = live::product::enforcer_program(Path::new(env!("CARGO_BIN_EXE_fieldwarden")));
        let log = fs::File::create(self.folder.join("enforcer.log")).unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.at("gw")]).arg(program).args(["run", "--config"]);
        let child = command.arg(self.folder.join("site.toml")).stderr(log).spawn().unwrap();
        let what = format!("the enforcer listens; see {}", self.path("enforcer.log"));
        let stream = wait(&what, Duration::from_secs(20), || UnixStream::connect(&socket).ok());
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut enforcer = Enforcer { child, lines: BufReader::new(stream.try_clone().unwrap()), stream };
        enforcer.ask(&Ask::List);
        enforcer
    }

    /// Takes hold of the far ends of all cables.
    pub(crate) fn wire(&self) -> Wire {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rehearsal/wire.py");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.at("out"), "python3", script]).args(ROUTED).args(PORTS);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut wire = Wire { child, to, from };
        assert_eq!(wire.line(), "ready\n");
        wire
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn at(&self, place: &str) -> String {
        format!("{}-{place}", self.name)
    }

    fn ip(&self, words: &str) {
        must("ip", &words.split(' ').collect::<Vec<_>>());
    }

    fn inside(&self, place: &str, program: &str, words: &[&str]) {
        must("ip", &[&["netns", "exec", &self.at(place), program], words].concat());
    }
}

impl Enforcer {
    pub(crate) fn ask(&mut self, ask: &Ask) -> Answer {
        writeln!(self.stream, "{}", serde_json::to_string(ask).unwrap()).unwrap();
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Wire {
    /// Sends frames, each into an interface; which marks come out where.
    pub(crate) fn carry(&mut self, frames: &[(&str, String, u16)]) -> Vec<(String, u16)> {
        writeln!(self.to, "{}", serde_json::to_string(frames).unwrap()).unwrap();
        serde_json::from_str(&self.line()).unwrap()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Enforcer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for place in ["gw", "out"] {
            run("ip", &["netns", "delete", &self.at(place)]);
        }
        if std::thread::panicking() {
            eprintln!("what it left is in {}", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

pub(crate) fn text(mac: Mac) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}
