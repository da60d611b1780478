//! A program of others that is spoken to: started, stopped, killed, started again.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A program that listens on a port of this machine.
pub(crate) struct Server {
    program: &'static str,
    arguments: Vec<String>,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Server {
    /// None, loudly, where the program is not installed.
    pub(crate) fn new(program: &'static str, arguments: &[&str], port: u16) -> Option<Self> {
        if !Path::new(program).exists() {
            println!("SKIPPED: {program} is missing; TEST_PACKAGES in the Makefile names its package");
            return None;
        }
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Some(Self { program, arguments, port, child: None })
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(&mut self) {
        let child = Command::new(self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        until(&format!("{} listens", self.program), Duration::from_secs(30), || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success());
    }

    /// With `KILL` it has no chance to write down what it holds in memory.
    pub(crate) fn end(&mut self, signal: &str) {
        if self.child.is_none() {
            return;
        }
        self.signal(signal);
        self.child.take().unwrap().wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end("KILL");
    }
}

/// A port that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn until(what: &str, longest: Duration, mut reached: impl FnMut() -> bool) {
    let end = Instant::now() + longest;
    while !reached() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
