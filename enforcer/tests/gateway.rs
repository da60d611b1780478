//! Real traffic through a real gateway of network namespaces: cut, given back, and given back with the enforcer dead.
//!
//! `it` (10.2.0.20) -- `gw` -- `ot` (10.1.0.10, an echo server on port 502).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{
    PLC, ROGUE,
    live::{Enforcer, report},
    modbus_of, order, output, real_now, run, talker,
};
use fieldwarden_model::{
    Order, OrderState, Target,
    order::{Answer, Ask},
};

const SERVER: &str = "
import socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(100):
            self.request.sendall(data)
socketserver.ThreadingTCPServer.allow_reuse_address = True
server = socketserver.ThreadingTCPServer(('10.1.0.10', 502), Echo)
print('ready', flush=True)
server.serve_forever()
";

/// Says one word over one live connection for each line on its input, and tells whether the answer came.
const CLIENT: &str = "
import socket, sys
s = socket.create_connection(('10.1.0.10', 502), timeout=2)
print('ready', flush=True)
for line in sys.stdin:
    try:
        s.settimeout(0.05)
        try:
            while s.recv(100): pass
        except TimeoutError: pass
        s.settimeout(0.6)
        s.sendall(b'x')
        print('answer' if s.recv(100) else 'closed', flush=True)
    except OSError: print('silence', flush=True)
";

const PROBE: &str = "
import socket
s = socket.create_connection(('10.1.0.10', 502), timeout=0.6)
s.sendall(b'x')
assert s.recv(1) == b'x'
";

struct Plant {
    name: String,
    folder: PathBuf,
    children: Vec<Child>,
}

impl Plant {
    /// Brings the plant up; none, loudly, where that is not possible.
    fn up(test: &str) -> Option<Self> {
        let name = format!("fw{}{test}", std::process::id() % 10_000);
        let folder = std::env::temp_dir().join(format!("fieldwarden-{name}"));
        fs::create_dir_all(&folder).unwrap();
        let mut plant = Self { name, folder, children: Vec::new() };
        if !run("ip", &["netns", "add", &plant.at("gw")]) || !run("python3", &["-c", "pass"]) {
            eprintln!("SKIPPED: {test} needs root, network namespaces and python3");
            return None;
        }
        for (side, port, gateway, address) in
            [("it", "g-it", "10.2.0.1", ROGUE), ("ot", "g-ot", "10.1.0.1", PLC)]
        {
            let there = plant.at(side);
            plant.ip(&format!("netns add {there}"));
            plant
                .ip(&format!("-n {} link add {port} type veth peer name eth0 netns {there}", plant.at("gw")));
            plant.ip(&format!("-n {} addr add {gateway}/24 dev {port}", plant.at("gw")));
            plant.ip(&format!("-n {} link set {port} up", plant.at("gw")));
            plant.ip(&format!("-n {there} addr add {address}/24 dev eth0"));
            plant.ip(&format!("-n {there} link set eth0 up"));
            plant.ip(&format!("-n {there} route add default via {gateway}"));
        }
        plant.inside("gw", "sysctl", &["-qw", "net.ipv4.ip_forward=1"]);
        // What sites have: live connections are let through before anything else is looked at.
        let usual = "add table inet site; add chain inet site f { type filter hook forward priority 0; }; \
                     add rule inet site f ct state established,related counter accept";
        plant.inside("gw", "nft", &[usual]);
        let (server, _, mut out) = plant.spawn("ot", SERVER);
        plant.children.push(server);
        out.read_line(&mut String::new()).unwrap();
        plant.configure();
        Some(plant)
    }

    fn configure(&self) {
        let folder = self.folder.display();
        let text = format!(
            "[site]\n[[site.protected]]\nname = \"safety loop\"\ntalker = \"10.0.0.30\"\n\n[enforcer]\nmode = \
             \"enforce\"\nmax_orders_per_hour = 200\nsocket = \"{folder}/socket\"\njournal = \"{folder}/journal\"\n"
        );
        fs::write(self.folder.join("site.toml"), text).unwrap();
    }

    fn at(&self, place: &str) -> String {
        format!("{}-{place}", self.name)
    }

    fn ip(&self, words: &str) {
        assert!(run("ip", &words.split(' ').collect::<Vec<_>>()), "ip {words}");
    }

    fn inside(&self, place: &str, program: &str, arguments: &[&str]) -> bool {
        let place = self.at(place);
        run("ip", &[&["netns", "exec", &place, program], arguments].concat())
    }

    fn spawn(&self, place: &str, script: &str) -> (Child, ChildStdin, BufReader<ChildStdout>) {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.at(place), "python3", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        (child, stdin, stdout)
    }

    fn enforcer(&self) -> Enforcer {
        Enforcer::start(&self.at("gw"), &self.folder)
    }

    fn command(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new("ip")
            .args(["netns", "exec", &self.at("gw"), env!("CARGO_BIN_EXE_fieldwarden-enforcer")])
            .args(arguments)
            .arg("--config")
            .arg(self.folder.join("site.toml"))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
    }

    fn rogue_is_answered(&self) -> bool {
        self.inside("it", "python3", &["-c", PROBE])
    }

    fn ruleset(&self) -> String {
        output("ip", &["netns", "exec", &self.at("gw"), "nft", "--stateless", "list", "ruleset"])
    }

    /// How long it takes until the rogue is answered again.
    fn until_answered(&self, since: Instant) -> Duration {
        while !self.rogue_is_answered() {
            assert!(since.elapsed() < Duration::from_secs(30), "it is never given back");
        }
        since.elapsed()
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for place in ["gw", "it", "ot"] {
            run("ip", &["netns", "del", &self.at(place)]);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn rogue(keep_within_secs: u32, lapse_secs: u32) -> Order {
    order(modbus_of(ROGUE, PLC), keep_within_secs, lapse_secs, real_now().wall)
}

#[test]
fn a_live_connection_is_cut_at_once_and_silence_gives_it_back() {
    let Some(plant) = Plant::up("a") else { return };
    let (mut client, mut say, mut hear) = plant.spawn("it", CLIENT);
    let mut hear_line = || {
        let mut line = String::new();
        hear.read_line(&mut line).unwrap();
        line.trim().to_owned()
    };
    assert_eq!(hear_line(), "ready");
    let mut talk = || {
        writeln!(say, "x").unwrap();
    };
    talk();
    assert_eq!(hear_line(), "answer");
    let mut enforcer = plant.enforcer();
    let before = plant.ruleset();
    enforcer.apply(&rogue(3, 60));
    talk();
    assert_eq!(hear_line(), "silence", "an accept-established rule does not save a live connection");
    let flows = output("ip", &["netns", "exec", &plant.at("gw"), "conntrack", "-L", "-p", "tcp"]);
    assert!(!flows.contains("ESTABLISHED"), "the live connection is forgotten: {flows}");
    assert!(!plant.rogue_is_answered());
    let reverted = enforcer.next();
    assert_eq!(
        report(&reverted).state,
        OrderState::Reverted,
        "it tells by itself that nobody kept the order"
    );
    assert!(report(&reverted).cause.contains("no keep"), "{reverted:?}");
    assert!(plant.rogue_is_answered());
    assert_eq!(plant.ruleset(), before);
    enforcer.kill();
    let _ = client.kill();
    let _ = client.wait();
}

#[test]
fn killed_while_provisional_the_kernel_gives_back_at_the_keep_deadline() {
    let Some(plant) = Plant::up("b") else { return };
    let mut enforcer = plant.enforcer();
    let before = plant.ruleset();
    let begun = Instant::now();
    enforcer.apply(&rogue(4, 600));
    enforcer.kill();
    assert!(!plant.rogue_is_answered());
    let lasted = plant.until_answered(begun);
    assert!((3_500..6_000).contains(&lasted.as_millis()), "given back after {lasted:?}");
    assert_eq!(plant.ruleset(), before);
    let mut enforcer = plant.enforcer();
    let Answer::Orders { orders } = enforcer.ask(&Ask::List) else { panic!() };
    assert_eq!(orders.first().map(|(_, report)| report.state), Some(OrderState::Reverted), "{orders:?}");
    enforcer.kill();
}

#[test]
fn killed_while_kept_it_stays_cut_until_the_lapse_and_no_longer() {
    let Some(plant) = Plant::up("c") else { return };
    let mut enforcer = plant.enforcer();
    let before = plant.ruleset();
    let (order, begun) = (rogue(2, 8), Instant::now());
    let plan = enforcer.apply(&order);
    enforcer.keep(&order, plan);
    enforcer.kill();
    // A restart in between resumes it.
    let mut enforcer = plant.enforcer();
    let Answer::Orders { orders } = enforcer.ask(&Ask::List) else { panic!() };
    assert_eq!(orders.first().map(|(_, report)| report.state), Some(OrderState::Kept), "{orders:?}");
    enforcer.kill();
    thread::sleep(Duration::from_secs(3).saturating_sub(begun.elapsed()));
    assert!(!plant.rogue_is_answered(), "the keep deadline does not end a kept order");
    let lasted = plant.until_answered(begun);
    assert!((7_500..10_500).contains(&lasted.as_millis()), "given back after {lasted:?}");
    assert_eq!(plant.ruleset(), before);
}

#[test]
fn everything_is_released_with_the_enforcer_alive_or_dead() {
    let Some(plant) = Plant::up("d") else { return };
    let mut enforcer = plant.enforcer();
    let before = plant.ruleset();
    let order_alive = rogue(20, 600);
    let plan = enforcer.apply(&order_alive);
    enforcer.keep(&order_alive, plan);
    let (status, text) = plant.command(&["release", "--all"]);
    assert_eq!((status, plant.rogue_is_answered()), (0, true), "{text}");
    assert_eq!(report(&enforcer.next()).state, OrderState::Released, "the running enforcer hears of it");
    let order_dead = rogue(20, 600);
    let plan = enforcer.apply(&order_dead);
    enforcer.keep(&order_dead, plan);
    enforcer.kill();
    assert!(!plant.rogue_is_answered());
    let (status, text) = plant.command(&["release", "--all"]);
    assert_eq!((status, plant.rogue_is_answered()), (0, true), "{text}");
    let mut enforcer = plant.enforcer();
    let Answer::Orders { orders } = enforcer.ask(&Ask::List) else { panic!() };
    assert!(orders.iter().all(|(_, report)| report.state == OrderState::Released), "{orders:?}");
    assert!(plant.rogue_is_answered(), "a restart does not bring back what was released");
    assert_eq!(plant.ruleset(), before);
    enforcer.kill();
}

#[test]
fn the_command_line_lists_and_releases_and_tells_what_was_wrong() {
    let Some(plant) = Plant::up("e") else { return };
    assert_eq!(plant.command(&["list"]).0, 1, "no enforcer answers");
    let mut enforcer = plant.enforcer();
    let isolate = order(Target::Talker { talker: talker(ROGUE) }, 20, 600, real_now().wall);
    enforcer.apply(&isolate);
    assert!(!plant.rogue_is_answered());
    let (status, text) = plant.command(&["list"]);
    assert!(status == 0 && text.contains("provisional") && text.contains(ROGUE), "{text}");
    let (status, text) = plant.command(&["release", &isolate.id.0]);
    assert!(status == 0 && text.contains("released"), "{text}");
    assert!(plant.rogue_is_answered());
    assert_eq!(plant.command(&["release", "unknown"]).0, 1);
    let whole = order(Target::Talker { talker: talker("10.0.0.30") }, 20, 600, real_now().wall);
    let _ = enforcer.next();
    let Answer::Refused { reason, .. } = enforcer.ask(&Ask::Rehearse { order: whole }) else { panic!() };
    assert!(reason.contains("`safety loop`"), "{reason}");
    // A client that sends nonsense is told so, and one that never ends its line is shown out.
    enforcer.stream.write_all(b"nonsense\n").unwrap();
    assert!(matches!(enforcer.next(), Answer::Refused { .. }));
    let mut rude = UnixStream::connect(plant.folder.join("socket")).unwrap();
    while rude.write_all(&[b'x'; 4096]).is_ok() {}
    assert!(matches!(enforcer.ask(&Ask::List), Answer::Orders { .. }), "others are served meanwhile");
    fs::write(plant.folder.join("site.toml"), "[enforcer]\nmode = \"on\"\nmax_order = 3\n").unwrap();
    let (status, text) = plant.command(&["check"]);
    assert!(status == 2 && text.contains("site.toml:2:8") && text.contains("max_order"), "{status} {text}");
    enforcer.kill();
}

/// The parent hands over the daemon's end of a socket pair; the enforcer ends when the daemon is gone and nothing is
/// in force.
const PARENT: &str = "
import json, socket, subprocess, sys
daemon, enforcer = socket.socketpair()
number = enforcer.fileno()
child = subprocess.Popen(sys.argv[1:] + ['--socket-fd', str(number)], pass_fds=[number])
enforcer.close()
daemon.sendall(b'{\"ask\":\"list\"}\\n')
assert json.loads(daemon.makefile().readline()) == {'answer': 'orders', 'orders': []}
daemon.close()
assert child.wait(timeout=5) == 0
";

#[test]
fn a_parent_may_hand_over_the_daemons_socket() {
    let Some(plant) = Plant::up("f") else { return };
    let config = plant.folder.join("site.toml");
    let binary = env!("CARGO_BIN_EXE_fieldwarden-enforcer");
    let words = ["-c", PARENT, binary, "run", "--config", config.to_str().unwrap()];
    assert!(plant.inside("gw", "python3", &words));
}

#[test]
fn a_full_disk_stops_new_orders_and_no_release() {
    let Some(plant) = Plant::up("g") else { return };
    let disk = plant.folder.join("disk");
    fs::create_dir(&disk).unwrap();
    let (place, room) = (disk.to_str().unwrap(), disk.join("filler"));
    if !run("mount", &["-t", "tmpfs", "-o", "size=64k", "none", place]) {
        eprintln!("SKIPPED: a_full_disk_stops_new_orders_and_no_release needs to mount a tmpfs");
        return;
    }
    let config = plant.folder.join("site.toml");
    let text = fs::read_to_string(&config).unwrap().replace("/journal\"", "/disk/journal\"");
    fs::write(&config, text).unwrap();
    let mut enforcer = plant.enforcer();
    let kept = rogue(20, 600);
    let plan = enforcer.apply(&kept);
    enforcer.keep(&kept, plan);
    while fs::OpenOptions::new().create(true).append(true).open(&room).unwrap().write_all(&[0; 512]).is_ok() {
    }
    let other = order(Target::Talker { talker: talker("10.2.0.99") }, 20, 600, real_now().wall);
    let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: other.clone() }) else { panic!() };
    let mut refused = Vec::new();
    // The journal's last page may still have room for a line or two.
    for n in 0..8 {
        let mut other = other.clone();
        other.reason = format!("{n} {}", "x".repeat(900));
        other.id = other.identify();
        let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: other.clone() }) else {
            panic!()
        };
        let apply = Ask::Apply { order: other, plan: plan.hash, approved_by: vec!["jo".into()] };
        if let Answer::Refused { reason, .. } = enforcer.ask(&apply) {
            refused.push(reason);
        }
    }
    assert!(plan.not_enforceable.is_none());
    assert!(refused.iter().any(|reason| reason.contains("journal cannot be written")), "{refused:?}");
    assert!(!plant.rogue_is_answered());
    let release =
        Ask::Release { order: kept.id.clone(), by: "jo".into(), reason: "done".into(), degraded: false };
    let answer = enforcer.ask(&release);
    assert_eq!(report(&answer).state, OrderState::Released, "{answer:?}");
    assert!(plant.rogue_is_answered(), "a full disk keeps nobody from giving back");
    fs::remove_file(&room).unwrap();
    thread::sleep(Duration::from_millis(1_500));
    enforcer.kill();
    let mut enforcer = plant.enforcer();
    let Answer::Orders { orders } = enforcer.ask(&Ask::List) else { panic!() };
    let known = orders.iter().find(|(order, _)| order.id == kept.id);
    assert_eq!(known.map(|(_, report)| report.state), Some(OrderState::Released), "{orders:?}");
    enforcer.kill();
    run("umount", &[place]);
}

#[test]
fn killed_at_any_moment_kernel_and_journal_agree_after_the_next_start() {
    let Some(plant) = Plant::up("h") else { return };
    let before = {
        plant.enforcer().kill();
        plant.ruleset()
    };
    let (mut in_force_somewhere, mut life) = (0, Duration::ZERO);
    for n in 0..rounds() {
        let mut enforcer = plant.enforcer();
        let order = rogue(60, 600 + n);
        let (mut stream, asked) = (enforcer.stream.try_clone().unwrap(), order.clone());
        let Answer::Planned { plan } = enforcer.ask(&Ask::Rehearse { order: order.clone() }) else {
            panic!()
        };
        let apply = Ask::Apply { order: asked, plan: plan.hash.clone(), approved_by: vec!["jo".into()] };
        for ask in [
            apply,
            Ask::Keep { order: order.id.clone(), plan: plan.hash, verdict: String::new(), degraded: false },
        ] {
            let mut line = serde_json::to_vec(&ask).unwrap();
            line.push(b'\n');
            stream.write_all(&line).unwrap();
        }
        // The first time to the end, which tells how long it takes here; then anything up to that, and somewhat beyond.
        let since = Instant::now();
        let is_kept = || fs::read_to_string(plant.folder.join("journal")).unwrap().contains("\"kept\"");
        while n == 0 && !is_kept() {
            assert!(since.elapsed() < Duration::from_secs(30), "it is never kept");
            thread::sleep(Duration::from_millis(1));
        }
        if n == 0 {
            life = since.elapsed();
        } else {
            thread::sleep(life * (n * 4_156 % 12_000) / 10_000);
        }
        enforcer.kill();
        let mut enforcer = plant.enforcer();
        let Answer::Orders { orders } = enforcer.ask(&Ask::List) else { panic!() };
        let in_force = orders.iter().filter(|(_, report)| report.state.in_force()).count();
        let place = plant.at("gw");
        let set =
            ["netns", "exec", &place, "nft", "list", "set", "inet", "fieldwarden", "fieldwarden_service4"];
        let held = output("ip", &set).matches("timeout ").count();
        assert_eq!(held, in_force, "round {n}: {orders:?}");
        in_force_somewhere += in_force;
        for (order, report) in orders.into_iter().filter(|(_, report)| report.state.in_force()) {
            let reason = "next round".into();
            let answer =
                enforcer.ask(&Ask::Release { order: order.id, by: "jo".into(), reason, degraded: false });
            assert!(matches!(answer, Answer::Reported { .. }), "{report:?} then {answer:?}");
        }
        assert_eq!(plant.ruleset(), before, "round {n}");
        enforcer.kill();
    }
    assert!(in_force_somewhere > 0, "some of the kills came after the order was in force");
}

/// `SCALE` multiplies the rounds, as for every test of this repository.
fn rounds() -> u32 {
    let scale: u32 = std::env::var("SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1);
    10 * scale
}
