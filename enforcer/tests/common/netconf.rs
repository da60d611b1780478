//! A real switch: netconfd behind an sshd of its own, on loopback, with two models of the VLANs of its ports; and a way to it past SSH,
//! for whoever looks on and for whoever spoils what passes.
#![allow(clippy::panic, reason = "a test that cannot go on stops here")]

use std::{
    cell::{Cell, RefCell},
    fs, io,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use fieldwarden_enforcer::drivers::netconf::{
    framing::{Framer, MAX_MESSAGE, framed},
    model::Model,
    session::{Connect, Stream},
};

use super::{output, run};

/// The VLAN of the plant, and the one for what is contained.
pub(crate) const PLANT_VLAN: u16 = 10;
pub(crate) const QUARANTINE: u16 = 666;
const BASE: &str = "urn:ietf:params:xml:ns:netconf:base:1.0";

/// The models that the switch has.
pub(crate) const MODELS: [&str; 2] = ["openconfig", "ietf-interfaces"];
const NAMESPACE: &str = "urn:fieldwarden:test:switchport";
const VLAN_LEAF: &str = "switchport/access-vlan";
const MODE_LEAF: &str = "switchport/mode";

/// The switch.
pub(crate) struct Switch {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
}

impl Switch {
    /// Brings it up; none, loudly, where that is not possible.
    pub(crate) fn up(test: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("fn{}{test}", std::process::id() % 100_000));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        if output("id", &["-u"]).trim() != "0" {
            eprintln!("SKIPPED: {test} needs root");
            return None;
        }
        assert!(Path::new("/usr/sbin/netconfd").exists(), "netconfd is missing");
        // A port that is free may be somebody else's a moment later.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let switch = Self { folder: folder.clone(), port };
            if switch.is_started("host") {
                return Some(switch);
            }
            switch.stop();
            // The folder is needed once more.
            std::mem::forget(switch);
        }
        panic!("the switch does not start");
    }

    /// Starts it with one of the keys in its folder as its own.
    pub(crate) fn start(&self, host_key: &str) {
        assert!(self.is_started(host_key), "the switch does not start");
    }

    fn is_started(&self, host_key: &str) -> bool {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/netconf_switch.sh");
        let status = Command::new(script)
            .arg(&self.folder)
            .arg(self.port.to_string())
            .env("HOST_KEY", host_key)
            .stdout(Stdio::null())
            .status();
        status.unwrap().success()
    }

    /// Ends every session, as a switch does with those that are idle.
    pub(crate) fn end_sessions(&self) {
        let mut ended = 0;
        let subsystem = format!("--ncxserver-sockname={}@{}", self.port, self.path("ncx.sock"));
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let words = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
            if words.starts_with("/usr/sbin/netconf-subsystem") && words.contains(&subsystem) {
                ended += usize::from(run("kill", &["-9", &process.file_name().to_string_lossy()]));
            }
        }
        assert!(ended > 0, "no session was open");
    }

    pub(crate) fn stop(&self) {
        for what in ["sshd", "netconfd"] {
            let Ok(id) = fs::read_to_string(self.folder.join(format!("{what}.pid"))) else { continue };
            let _ = run("kill", &["-9", id.trim()]);
            let since = Instant::now();
            while Path::new(&format!("/proc/{}", id.trim())).exists()
                && since.elapsed() < Duration::from_secs(10)
            {
                thread::sleep(Duration::from_millis(10));
            }
            let _ = fs::remove_file(self.folder.join(format!("{what}.pid")));
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// The fingerprint of one of the keys in its folder.
    pub(crate) fn fingerprint(&self, key: &str) -> String {
        let told = output("ssh-keygen", &["-l", "-f", &self.path(&format!("{key}.pub"))]);
        told.split(' ').nth(1).unwrap().to_owned()
    }

    /// The lines of a site file for this switch.
    pub(crate) fn settings(&self, model: &str) -> String {
        let model = match model {
            "openconfig" => "model = \"openconfig\"".into(),
            other => format!(
                "model = \"{other}\"\nnamespace = \"{NAMESPACE}\"\nvlan_leaf = \"{VLAN_LEAF}\"\nmode_leaf = \"{MODE_LEAF}\""
            ),
        };
        format!(
            "[[enforcer.switch]]\nname = \"cell-1\"\nkind = \"netconf\"\naddress = \"127.0.0.1:{}\"\nuser = \"root\"\nkey_file = \
             \"{}\"\nhost_keys = [\"{}\"]\n{model}\nquarantine_vlan = {QUARANTINE}\nuplinks = \
             [\"v-pump\"]\n[[enforcer.switch.port]]\nname = \"v-plc\"\nassets = [\"10.78.0.10\"]\n",
            self.port,
            self.path("client"),
            self.fingerprint("host"),
        )
    }

    /// A session past SSH.
    pub(crate) fn session(&self) -> Onlooker {
        let stream = self.local().open().unwrap();
        let mut onlooker = Onlooker { stream, framer: Framer::default(), asked: 0 };
        onlooker.stream.send(&hello(), soon()).unwrap();
        onlooker.message(soon()).unwrap();
        onlooker.framer.expect_chunks();
        // netconfd leaves a request alone that arrived in one piece with the greeting, until it hears more.
        let probe = "<get-config><source><running/></source><filter type=\"subtree\"><nothing/></filter></get-config>";
        onlooker.send(probe);
        while onlooker.message(Instant::now() + Duration::from_secs(1)).is_none() {
            onlooker.send(probe);
        }
        onlooker
    }

    pub(crate) fn local(&self) -> Local {
        Local { port: self.port, socket: self.path("ncx.sock"), way: Rc::new(Cell::new(None)) }
    }

    /// Everything it says of its ports, in its own words.
    pub(crate) fn ports(&self) -> String {
        let text = self.session().ask("<get-config><source><running/></source></get-config>");
        let from = text.find("<interfaces ").unwrap_or_else(|| panic!("{text}"));
        text.get(from..text.rfind("</interfaces>").unwrap()).unwrap().to_owned()
    }

    /// The VLAN of a port, and its description, in one model.
    pub(crate) fn vlan(&self, model: &str, port: &str) -> (u16, Option<String>) {
        let model = self::model(model);
        let request = format!(
            "<get-config><source><running/></source><filter type=\"subtree\">{}</filter></get-config>",
            model.filter()
        );
        let reply = fieldwarden_enforcer::drivers::netconf::xml::Element::read(&self.session().ask(&request))
            .unwrap();
        let port = model.read(reply.child(BASE, "data").unwrap()).unwrap().remove(port).unwrap();
        (port.vlan.unwrap(), port.description)
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop();
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

pub(crate) fn model(name: &str) -> Model {
    if name == "openconfig" {
        Model::openconfig()
    } else {
        Model::ietf(NAMESPACE, VLAN_LEAF, Some(MODE_LEAF))
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn hello() -> Vec<u8> {
    let base = "<capability>urn:ietf:params:netconf:base:1.1</capability>";
    framed(&format!("<hello xmlns=\"{BASE}\"><capabilities>{base}</capabilities></hello>"), false)
}

/// Whoever else speaks to the switch.
pub(crate) struct Onlooker {
    stream: Process,
    framer: Framer,
    asked: u32,
}

impl Onlooker {
    /// Asks, and tells the reply as it came.
    pub(crate) fn ask(&mut self, request: &str) -> String {
        let id = self.send(request);
        loop {
            let reply = self.message(soon()).unwrap();
            if reply.contains(&format!("message-id=\"{id}\"")) {
                return reply;
            }
        }
    }

    fn send(&mut self, request: &str) -> u32 {
        self.asked += 1;
        let rpc = format!("<rpc message-id=\"{}\" xmlns=\"{BASE}\">{request}</rpc>", self.asked);
        self.stream.send(&framed(&rpc, true), soon()).unwrap();
        self.asked
    }

    /// Asks for what must be done.
    pub(crate) fn must(&mut self, request: &str) {
        let reply = self.ask(request);
        assert!(reply.contains("<ok/>"), "{request}: {reply}");
    }

    /// What it says next; none where it says nothing by then.
    fn message(&mut self, by: Instant) -> Option<String> {
        loop {
            if let Some(message) = self.framer.next_message().unwrap() {
                return Some(message);
            }
            match self.stream.receive(by) {
                Ok(octets) => self.framer.push(&octets),
                Err(fault) if fault.kind() == io::ErrorKind::TimedOut => return None,
                Err(fault) => panic!("the switch ended the session: {fault}"),
            }
        }
    }
}

/// What happens on the way at one message to the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The connection breaks before the switch hears of it.
    Lost,
    /// The switch does it, and the connection breaks before it can say so.
    Unsaid,
    /// The switch does it, and an error is what arrives.
    Denied,
    /// The switch never hears of it, and a success is what arrives.
    Pretended,
    /// What arrives is no message.
    Nonsense,
    /// What arrives never ends.
    Endless,
    /// Nothing arrives for longer than the enforcer waits.
    Slow,
}

/// The way past SSH. At the message counted down to, the given thing happens.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    port: u16,
    socket: String,
    pub(crate) way: Rc<Cell<Option<(usize, Way)>>>,
}

impl Local {
    fn open(&self) -> io::Result<Process> {
        let mut child = Command::new("/usr/sbin/netconf-subsystem")
            .arg(format!("--ncxserver-sockname={}@{}", self.port, self.socket))
            .env("SSH_CONNECTION", format!("127.0.0.1 50000 127.0.0.1 {}", self.port))
            .env("USER", "root")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut from = child.stdout.take().unwrap();
        let (tell, told) = channel();
        thread::spawn(move || {
            let mut octets = vec![0; 65_536];
            while let Ok(length) = from.read(&mut octets) {
                let piece = octets.get(..length).unwrap_or_default().to_vec();
                if length == 0 || tell.send(piece).is_err() {
                    return;
                }
            }
        });
        Ok(Process { child, told })
    }
}

impl Connect for Local {
    fn place(&self) -> String {
        self.socket.clone()
    }

    fn connect(&self, _deadline: Instant) -> io::Result<Box<dyn Stream>> {
        let framer = RefCell::new(Framer::default());
        let way = Rc::clone(&self.way);
        Ok(Box::new(Spoiled {
            inner: self.open()?,
            framer,
            way,
            greeted: false,
            answer: Vec::new(),
            fault: None,
        }))
    }
}

/// A session of the switch's own subsystem.
struct Process {
    child: Child,
    told: Receiver<Vec<u8>>,
}

impl Stream for Process {
    fn send(&mut self, octets: &[u8], _deadline: Instant) -> io::Result<()> {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(octets)?;
        input.flush()
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Vec<u8>> {
        match self.told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(octets) => Ok(octets),
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Stands between driver and switch, and spoils the message counted down to.
struct Spoiled {
    inner: Process,
    /// Follows what the switch says, to know when it has answered.
    framer: RefCell<Framer>,
    way: Rc<Cell<Option<(usize, Way)>>>,
    greeted: bool,
    /// What is told instead.
    answer: Vec<u8>,
    fault: Option<io::ErrorKind>,
}

impl Spoiled {
    /// Waits until the switch has done what it was asked for.
    fn done(&mut self) -> io::Result<()> {
        while self.framer.borrow_mut().next_message().ok().flatten().is_none() {
            let octets = self.inner.receive(soon())?;
            self.framer.borrow_mut().push(&octets);
        }
        Ok(())
    }
}

impl Stream for Spoiled {
    fn send(&mut self, octets: &[u8], deadline: Instant) -> io::Result<()> {
        let is_hello = !std::mem::replace(&mut self.greeted, true);
        let left = self.way.get().map(|(left, way)| (left.saturating_sub(1), way));
        self.way.set(left.filter(|(left, _)| *left > 0));
        let Some((0, way)) = left else { return self.inner.send(octets, deadline) };
        let text = String::from_utf8_lossy(octets).into_owned();
        let id = text.split("message-id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("0");
        let reply = |inner: &str| {
            let error =
                "<rpc-error><error-severity>error</error-severity><error-tag>made-up</error-tag></rpc-error>";
            let inner = if inner == "error" { error } else { inner };
            framed(&format!("<rpc-reply message-id=\"{id}\" xmlns=\"{BASE}\">{inner}</rpc-reply>"), !is_hello)
        };
        if matches!(way, Way::Unsaid | Way::Denied | Way::Slow) {
            self.inner.send(octets, deadline)?;
            self.done()?;
        }
        match way {
            Way::Lost => return Err(io::ErrorKind::BrokenPipe.into()),
            Way::Unsaid => self.fault = Some(io::ErrorKind::UnexpectedEof),
            Way::Slow => self.fault = Some(io::ErrorKind::TimedOut),
            Way::Denied => self.answer = reply("error"),
            Way::Pretended => self.answer = reply("<ok/>"),
            Way::Nonsense => self.answer = b"\n#x\n\xff<".repeat(3),
            Way::Endless => self.answer = vec![b'['; MAX_MESSAGE + 9],
        }
        Ok(())
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Vec<u8>> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        if !self.answer.is_empty() {
            return Ok(std::mem::take(&mut self.answer));
        }
        let octets = self.inner.receive(deadline)?;
        let mut framer = self.framer.borrow_mut();
        framer.push(&octets);
        while let Ok(Some(message)) = framer.next_message() {
            if message.contains("<hello") {
                framer.expect_chunks();
            }
        }
        Ok(octets)
    }
}
