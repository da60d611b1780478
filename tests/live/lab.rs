//! The plant: see `lab/README.md`.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::{json_lines, must, root, run, wait};

/// A lab that stands; taken down when dropped.
pub(crate) struct Lab {
    prefix: &'static str,
    /// What it keeps.
    pub(crate) state: PathBuf,
    rogues: Vec<Child>,
    /// Held as long as the lab stands: one at a time.
    _alone: File,
}

impl Lab {
    /// Brings a lab up, its operator not yet at work; none, loudly, where that is not possible.
    pub(crate) fn up(prefix: &'static str) -> Option<Self> {
        if !possible(prefix) {
            return None;
        }
        let alone = alone();
        must(script("down"), &["--prefix", prefix, "--purge"]);
        must(script("up"), &["--prefix", prefix, "--no-operator"]);
        let state = root().join(".lab").join(prefix);
        Some(Self { prefix, state, rogues: Vec::new(), _alone: alone })
    }

    /// The name of a node's namespace.
    pub(crate) fn namespace(&self, node: &str) -> String {
        format!("{}-{node}", self.prefix)
    }

    /// A command within a node.
    pub(crate) fn inside(&self, node: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(node)]).arg(program);
        command
    }

    /// What a command within the gateway prints.
    pub(crate) fn gateway(&self, words: &[&str]) -> String {
        let namespace = self.namespace("gw");
        must("ip", &[&["netns", "exec", &namespace], words].concat())
    }

    /// Every rule of the gateway's packet filter, without counters and remaining times.
    pub(crate) fn ruleset(&self) -> String {
        self.gateway(&["nft", "--stateless", "list", "ruleset"])
    }

    /// The operator begins to poll and to write, or stops.
    pub(crate) fn operator(&self, words: &[&str]) {
        must(script("operator"), &[&["--prefix", self.prefix], words].concat());
    }

    /// The collector starts or stops.
    pub(crate) fn soc(&self, word: &str) {
        must(script("soc").join(word), &["--prefix", self.prefix]);
    }

    /// What the collector holds.
    pub(crate) fn received(&self) -> Vec<Value> {
        json_lines(&self.state.join("soc/received.jsonl"))
    }

    /// The laptop acts, to the end.
    pub(crate) fn rogue(&self, words: &[&str]) {
        must(script("rogue"), &[&["--prefix", self.prefix], words].concat());
    }

    /// The laptop acts meanwhile; it is stopped with the lab, or by [`Lab::rogues_stop`].
    pub(crate) fn rogue_begins(&mut self, words: &[&str]) {
        let mut command = Command::new(script("rogue"));
        command.args(["--prefix", self.prefix]).args(words).stdout(Stdio::null()).stderr(Stdio::null());
        self.rogues.push(command.spawn().unwrap());
    }

    /// The laptop stops whatever it does.
    pub(crate) fn rogues_stop(&mut self) {
        for mut rogue in self.rogues.drain(..) {
            // One that has ended by itself is as good.
            let _ = rogue.kill();
            let _ = rogue.wait();
        }
    }

    /// What the operator's HMI asked, and whether it was answered.
    pub(crate) fn polls(&self) -> Vec<Value> {
        json_lines(&self.state.join("hmi.jsonl"))
    }

    /// What the laptop asked, and whether it was answered.
    pub(crate) fn attempts(&self) -> Vec<Value> {
        json_lines(&self.state.join("rogue.jsonl"))
    }

    /// Waits until both controllers answer the operator.
    pub(crate) fn wait_for_polls(&self) {
        wait("the operator's first answers", Duration::from_secs(20), || {
            let polls = self.polls();
            let from = |server| polls.iter().any(|poll| poll["server"] == server && poll["answered"] == true);
            (from(super::PLC1) && from(super::PLC2)).then_some(())
        });
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.rogues_stop();
        let mut words = vec!["--prefix", self.prefix];
        if !std::thread::panicking() {
            words.push("--purge");
        }
        run(script("down"), &words);
    }
}

/// Waits until no other test has the machine's networks and its rhythm; held as long as the file is.
pub(crate) fn alone() -> File {
    let alone = File::create(target().join("live-lab.lock")).unwrap();
    alone.lock().unwrap();
    alone
}

/// The folder the build writes to; programs stand in it by profile.
pub(crate) fn target() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_fieldwarden"));
    program.ancestors().nth(2).unwrap_or(program).to_path_buf()
}

/// Whether namespaces can be made here; says so, loudly, where not.
pub(crate) fn possible(prefix: &str) -> bool {
    if !is_root() {
        super::skipped(&format!("{prefix} needs root, since the lab makes network namespaces"));
        return false;
    }
    let probe = format!("{prefix}-probe");
    if run("ip", &["netns", "add", &probe]).status != 0 {
        super::skipped(&format!("{prefix} needs network namespaces, which this machine refuses"));
        return false;
    }
    must("ip", &["netns", "delete", &probe]);
    true
}

/// A program of the lab.
pub(crate) fn script(name: &str) -> PathBuf {
    root().join("lab").join(name)
}

pub(crate) fn is_root() -> bool {
    must("id", &["-u"]).trim() == "0"
}
