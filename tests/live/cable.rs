//! A virtual cable in a namespace of the test's own: a sender at one end (`lab/blast.c`), the daemon at the other.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::{Said, lab, must, product::DAEMON, root, run, skipped, wait};

/// Where the sender runs, and where what is measured does.
pub(crate) const SENDERS_PROCESSOR: &str = "0";
pub(crate) const LISTENERS_PROCESSOR: &str = "1";

/// A cable from `near` to `far`, taken down when dropped.
pub(crate) struct Cable {
    namespace: String,
    /// What belongs to it.
    pub(crate) folder: PathBuf,
    blast: PathBuf,
    _alone: File,
}

/// What the sender says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) frames: u64,
    pub(crate) per_second: f64,
}

impl Cable {
    /// Lays a cable; none, loudly, where that is not possible.
    pub(crate) fn lay(name: &str) -> Option<Self> {
        if !lab::is_root() || run("nproc", &[]).out.trim().parse::<u32>().unwrap_or(1) < 2 {
            skipped(&format!("{name} needs root and two processors"));
            return None;
        }
        let namespace = format!("fw{name}-{}", std::process::id());
        if run("ip", &["netns", "add", &namespace]).status != 0 {
            skipped(&format!("{name} needs network namespaces, which this machine refuses"));
            return None;
        }
        let folder = std::env::temp_dir().join(&namespace);
        fs::create_dir_all(&folder).unwrap();
        let blast = folder.join("blast");
        let source = root().join("lab/blast.c");
        must("cc", &["-O2", "-o", blast.to_str().unwrap(), source.to_str().unwrap()]);
        let cable = Self { namespace, folder, blast, _alone: lab::alone() };
        let quiet = ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"];
        must("ip", &["netns", "exec", &cable.namespace, "sysctl", "-qw", quiet[0], quiet[1]]);
        let ip = |words: &[&str]| must("ip", &[&["-n", &cable.namespace], words].concat());
        ip(&["link", "add", "near", "type", "veth", "peer", "name", "far"]);
        for end in ["near", "far"] {
            ip(&["link", "set", end, "arp", "off", "multicast", "off", "up"]);
        }
        Some(cable)
    }

    /// A command within the namespace, on one processor.
    pub(crate) fn inside(&self, processor: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, "taskset", "-c", processor]).arg(program);
        command
    }

    /// Sends a capture, from memory, on the sender's processor.
    pub(crate) fn send(&self, capture: &Path, words: &[&str]) -> Sent {
        let mut command = self.inside(SENDERS_PROCESSOR, &self.blast);
        let said: Said = command.arg("near").arg(capture).args(words).output().unwrap().into();
        let [row] = &said.rows()[..] else { panic!("{said:?}") };
        Sent { frames: row["sent"].as_u64().unwrap(), per_second: row["rate"].as_f64().unwrap() }
    }

    /// What tcpdump loses of a capture that is sent at this rate, of 1,000 frames: it writes to /dev/null on the processor
    /// that the daemon had, with this buffer in KiB.
    pub(crate) fn tcpdump_loses(&self, capture: &Path, rate: &str, buffer: Option<&str>) -> f64 {
        let mut command = self.inside(LISTENERS_PROCESSOR, "tcpdump");
        command.args(["-i", "far", "-n", "-Z", "root", "-w", "/dev/null"]);
        command.args(buffer.iter().flat_map(|size| ["-B", size]));
        let mut tcpdump = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut says = BufReader::new(tcpdump.stderr.take().unwrap()).lines();
        while !says.next().unwrap().unwrap().contains("listening on") {}
        let sent = self.send(capture, &["--rate", rate]);
        super::pause(1.5);
        must("kill", &["-INT", &tcpdump.id().to_string()]);
        let rest: Vec<String> = says.map(Result::unwrap).collect();
        assert!(tcpdump.wait().unwrap().success(), "{rest:?}");
        let dropped = rest.iter().find_map(|line| line.strip_suffix(" packets dropped by kernel"));
        let (dropped, sent) = (dropped.unwrap().parse::<u32>().unwrap(), u32::try_from(sent.frames).unwrap());
        f64::from(dropped) * 1e3 / f64::from(sent)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        run("ip", &["netns", "delete", &self.namespace]);
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The product at the far end, on its own processor: parent and daemon, without an enforcer.
pub(crate) struct Listener {
    parent: Child,
    program: PathBuf,
    folder: PathBuf,
    /// Alerts as they are printed, each with the wall clock at its arrival, in nanoseconds.
    pub(crate) alerts: Receiver<(i64, Value)>,
}

/// What the daemon says of its capture and its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) received: u64,
    pub(crate) dropped: u64,
    pub(crate) judged: u64,
}

impl Listener {
    /// Starts the product with a baseline; returns once it listens. `sensor` is more of that section.
    pub(crate) fn start(cable: &Cable, baseline: &Path, sensor: &str) -> Self {
        // Each begins anew: what the one before remembered would not be told again.
        let folder = cable.folder.join("listener");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("fieldwarden");
        fs::copy(product(), &program).unwrap();
        must("chown", &["-R", &DAEMON.to_string(), folder.to_str().unwrap()]);
        let config = folder.join("fieldwarden.toml");
        fs::write(&config, settings(&folder, baseline, sensor)).unwrap();
        let mut command = cable.inside(LISTENERS_PROCESSOR, &program);
        command.args(["run", "--json", "--user", "nobody", "--config"]).arg(&config);
        let log = File::create(folder.join("log")).unwrap();
        let mut parent = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let printed = BufReader::new(parent.stdout.take().unwrap());
        let (to_test, alerts) = channel();
        thread::spawn(move || {
            for line in printed.lines().map_while(Result::ok) {
                let arrived = wall_clock();
                let Ok(alert) = serde_json::from_str(&line) else { continue };
                // A test that has heard enough listens no more.
                let _ = to_test.send((arrived, alert));
            }
        });
        let listener = Self { parent, program, folder, alerts };
        wait("the daemon serves", Duration::from_secs(20), || listener.status());
        listener
    }

    /// Waits until everything that was sent is received or dropped, and everything received is judged.
    pub(crate) fn heard(&self, sent: u64) -> Heard {
        wait("what was sent is judged", Duration::from_secs(60), || {
            let heard = self.status()?;
            (heard.received + heard.dropped >= sent && heard.judged >= heard.received).then_some(heard)
        })
    }

    /// Where it stands; none while it does not answer.
    pub(crate) fn status(&self) -> Option<Heard> {
        let mut command = Command::new(&self.program);
        command.args(["status", "--json"]).env("FIELDWARDEN_SOCKET", self.folder.join("control.sock"));
        let said: Said = command.output().unwrap().into();
        let rows = (said.status == 0).then(|| said.rows())?;
        let capture = rows.iter().find(|row| row["received"].is_u64())?;
        let engine = rows.iter().find(|row| row["what"] == "engine")?["detail"].as_str()?;
        Some(Heard {
            received: capture["received"].as_u64()?,
            dropped: capture["dropped"].as_u64()?,
            judged: engine.split(' ').next()?.parse().ok()?,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        run("kill", &["-TERM", &self.parent.id().to_string()]);
        let ended = (0..200).any(|_| {
            thread::sleep(Duration::from_millis(50));
            matches!(self.parent.try_wait(), Ok(Some(_)))
        });
        if !ended {
            let _ = self.parent.kill();
            let _ = self.parent.wait();
        }
        if thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.folder.join("log")).unwrap_or_default());
        }
    }
}

/// The daemon as it is shipped: rates and latency are told of that, and a build for debugging has others.
fn product() -> PathBuf {
    std::env::var_os("FIELDWARDEN_PRODUCT").map_or_else(
        || {
            skipped(
                "FIELDWARDEN_PRODUCT names no release build: the rates are those of a build for debugging",
            );
            PathBuf::from(env!("CARGO_BIN_EXE_fieldwarden"))
        },
        PathBuf::from,
    )
}

/// Makes a baseline of a capture.
pub(crate) fn learn(capture: &Path, baseline: &Path) {
    let (capture, baseline) = (capture.to_str().unwrap(), baseline.to_str().unwrap());
    must(env!("CARGO_BIN_EXE_fieldwarden"), &["learn", capture, "-o", baseline, "--force"]);
}

fn wall_clock() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

fn settings(folder: &Path, baseline: &Path, sensor: &str) -> String {
    let (folder, baseline) = (folder.display(), baseline.display());
    format!(
        r#"[site]
name = "Water works"

[sensor]
interface = "far"
{sensor}

[baseline]
file = "{baseline}"

[store]
path = "{folder}/fieldwarden.db"

[control]
socket = "{folder}/control.sock"

[[operator]]
name = "root"
uid = 0
roles = ["viewer", "engineer"]
"#
    )
}
