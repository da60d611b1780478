//! One NETCONF session (RFC 6241): the greeting, requests and what they answer, and the few operations a port is moved by.

use std::{
    fmt, io,
    time::{Duration, Instant},
};

use super::{
    framing::{Framer, framed},
    model::BASE,
    xml::{Element, escaped, told},
};
use crate::drivers::DeviceFault;

/// The most messages read for one answer; a peer that only ever says other things is given up.
const MAX_MESSAGES: usize = 64;
/// How long a lock that somebody else holds is waited for: whoever locks for a moment does not keep an order from being applied.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// How long the answer to a question that changes nothing is waited for before it is asked again.
const FIRST_PATIENCE: Duration = Duration::from_millis(400);
/// Between two tries to lock.
const PAUSE: Duration = Duration::from_millis(100);

/// Octets to and from one peer.
pub trait Stream {
    /// Sends all of `octets`.
    ///
    /// # Errors
    /// When that is not done by `deadline` ([`io::ErrorKind::TimedOut`]), or the peer is gone.
    fn send(&mut self, octets: &[u8], deadline: Instant) -> io::Result<()>;

    /// Octets that arrived, at least one.
    ///
    /// # Errors
    /// When none arrives by `deadline` ([`io::ErrorKind::TimedOut`]), or the peer hung up ([`io::ErrorKind::UnexpectedEof`]).
    fn receive(&mut self, deadline: Instant) -> io::Result<Vec<u8>>;
}

/// A way to a peer.
pub trait Connect: fmt::Debug {
    /// Where it leads, in words.
    fn place(&self) -> String;

    /// Opens the subsystem `netconf` at the peer, which is the one it must be.
    ///
    /// # Errors
    /// When that is not done by `deadline`.
    fn connect(&self, deadline: Instant) -> io::Result<Box<dyn Stream>>;
}

/// One of a switch's configurations (RFC 6241, clause 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datastore {
    /// What the switch does.
    Running,
    /// What it is to do.
    Candidate,
}

/// How a commit ends (RFC 6241, 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit<'a> {
    /// For good.
    Plain,
    /// Undone by the switch itself after so many seconds, unless it is confirmed under this name.
    Confirmed(u64, &'a str),
    /// Makes the one of this name last.
    Confirming(&'a str),
}

/// A session.
pub(super) struct Session {
    stream: Box<dyn Stream>,
    framer: Framer,
    name: String,
    patience: Duration,
    deadline: Instant,
    in_chunks: bool,
    can_validate: bool,
    rolls_back: bool,
    asked: u64,
}

impl Session {
    /// Connects to the device called `name`, greets it, and holds what it says it can do against what is needed. All of that may take
    /// `patience`, and so may all questions between one [`Session::renew`] and the next.
    pub(super) fn open(connect: &dyn Connect, name: &str, patience: Duration) -> Result<Self, DeviceFault> {
        let name = format!("{name} at `{}`", connect.place());
        let deadline = Instant::now() + patience;
        let stream = connect.connect(deadline).map_err(|cause| DeviceFault::Unreachable {
            device: name.clone(),
            cause: plain(cause, patience),
        })?;
        let mut session = Self {
            stream,
            framer: Framer::default(),
            name,
            patience,
            deadline,
            in_chunks: false,
            can_validate: false,
            rolls_back: false,
            asked: 0,
        };
        session.greet()?;
        Ok(session)
    }

    /// Gives the questions to come their time.
    pub(super) fn renew(&mut self) {
        self.deadline = Instant::now() + self.patience;
    }

    /// Whether something can still be asked.
    pub(super) fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }

    /// RFC 6241, 8.1: each side tells what it can do, at once.
    fn greet(&mut self) -> Result<(), DeviceFault> {
        let ours = ["1.0", "1.1"]
            .map(|version| format!("<capability>urn:ietf:params:netconf:base:{version}</capability>"));
        self.send(&format!(
            "<hello xmlns=\"{BASE}\"><capabilities>{}</capabilities></hello>",
            ours.concat()
        ))?;
        let hello = self.message(self.deadline).map_err(|fault| self.broken(fault))?;
        if !hello.is(BASE, "hello") {
            return Err(self.unintelligible(format!("it greets with `{}`", told(&hello.name))));
        }
        let all: Vec<&str> = hello
            .all(BASE, "capabilities")
            .flat_map(|list| list.all(BASE, "capability"))
            .filter_map(|uri| uri.text.trim().split('?').next())
            .collect();
        let has = |uri: &str| all.iter().any(|one| one.strip_prefix("urn:ietf:params:netconf:") == Some(uri));
        if !has("base:1.0") && !has("base:1.1") {
            return Err(self.unintelligible("it speaks neither NETCONF 1.0 nor 1.1".into()));
        }
        for needed in ["capability:candidate:1.0", "capability:confirmed-commit:1.1"] {
            if !has(needed) {
                return Err(self.refused(
                    "an order that it could undo by itself",
                    &format!("it cannot do {}", needed.trim_start_matches("capability")),
                ));
            }
        }
        self.can_validate = has("capability:validate:1.1") || has("capability:validate:1.0");
        self.rolls_back = has("capability:rollback-on-error:1.0");
        if has("base:1.1") {
            self.in_chunks = true;
            self.framer.expect_chunks();
        }
        Ok(())
    }

    /// The part of a configuration that `filter` asks for.
    pub(super) fn configuration(&mut self, of: Datastore, filter: &str) -> Result<Element, DeviceFault> {
        let source = of.element();
        let request = format!(
            "<get-config><source>{source}</source><filter type=\"subtree\">{filter}</filter></get-config>"
        );
        // A server may leave a request alone that arrived in one piece with our greeting, until it hears more. Asking for the
        // configuration twice changes nothing.
        let first = self.request(&request)?;
        let reply = match self.reply(first, self.deadline.min(Instant::now() + FIRST_PATIENCE)) {
            Err(fault) if fault.kind() == io::ErrorKind::TimedOut && self.has_time() => {
                self.request(&request)?;
                self.reply(first, self.deadline)
            }
            outcome => outcome,
        };
        let reply = self.judged("to tell its configuration", reply)?;
        let data = reply.children.into_iter().find(|child| child.is(BASE, "data"));
        data.ok_or_else(|| self.unintelligible("no data in the reply to `get-config`".into()))
    }

    /// Keeps everybody else from changing a configuration, if need be after waiting a moment for somebody else to end.
    pub(super) fn lock(&mut self, what: Datastore) -> Result<(), DeviceFault> {
        let until = self.deadline.min(Instant::now() + LOCK_PATIENCE);
        loop {
            match self.try_lock(what) {
                Err(DeviceFault::Refused { .. }) if Instant::now() + PAUSE < until => {
                    std::thread::sleep(PAUSE)
                }
                outcome => return outcome,
            }
        }
    }

    /// The same, once.
    pub(super) fn try_lock(&mut self, what: Datastore) -> Result<(), DeviceFault> {
        let step = format!("to lock its {} configuration", what.word());
        self.ask(&step, &format!("<lock><target>{}</target></lock>", what.element())).map(drop)
    }

    /// Lets others change it again.
    pub(super) fn unlock(&mut self, what: Datastore) -> Result<(), DeviceFault> {
        let step = format!("to unlock its {} configuration", what.word());
        self.ask(&step, &format!("<unlock><target>{}</target></unlock>", what.element())).map(drop)
    }

    /// Makes the candidate what the switch does now.
    pub(super) fn discard(&mut self) -> Result<(), DeviceFault> {
        self.ask("to discard what nobody committed", "<discard-changes/>").map(drop)
    }

    /// Puts `content` into the candidate, and has it validated. Nothing is created or removed that does not bear an operation of its own.
    pub(super) fn edit(&mut self, content: &str) -> Result<(), DeviceFault> {
        let test = if self.can_validate { "<test-option>test-then-set</test-option>" } else { "" };
        let error = if self.rolls_back { "<error-option>rollback-on-error</error-option>" } else { "" };
        let edit = format!(
            "<edit-config><target><candidate/></target><default-operation>none</default-operation>{test}{error}\
             <config xmlns:nc=\"{BASE}\">{content}</config></edit-config>"
        );
        self.ask("the change of its ports", &edit).map(drop)
    }

    /// Makes the candidate what the switch does.
    pub(super) fn commit(&mut self, how: Commit<'_>) -> Result<(), DeviceFault> {
        let (step, inner) = match how {
            Commit::Plain => ("to commit the change of its ports", String::new()),
            Commit::Confirmed(seconds, id) => (
                "to commit the change of its ports until it is confirmed",
                format!(
                    "<confirmed/><confirm-timeout>{seconds}</confirm-timeout><persist>{}</persist>",
                    escaped(id)
                ),
            ),
            Commit::Confirming(id) => {
                ("to confirm the change of its ports", format!("<persist-id>{}</persist-id>", escaped(id)))
            }
        };
        self.ask(step, &format!("<commit>{inner}</commit>")).map(drop)
    }

    /// Undoes what was committed and not confirmed under a name.
    pub(super) fn cancel(&mut self, id: &str) -> Result<(), DeviceFault> {
        let cancel = format!("<cancel-commit><persist-id>{}</persist-id></cancel-commit>", escaped(id));
        self.ask("to undo the change of its ports", &cancel).map(drop)
    }

    /// Asks, and waits for the answer; a refusal names `step`.
    fn ask(&mut self, step: &str, request: &str) -> Result<Element, DeviceFault> {
        let id = self.request(request)?;
        let reply = self.reply(id, self.deadline);
        self.judged(step, reply)
    }

    /// Sends a request; tells its number.
    fn request(&mut self, request: &str) -> Result<u64, DeviceFault> {
        self.asked += 1;
        let id = self.asked;
        self.send(&format!("<rpc message-id=\"{id}\" xmlns=\"{BASE}\">{request}</rpc>"))?;
        Ok(id)
    }

    /// The reply to request `id`, or to one after it.
    fn reply(&mut self, id: u64, by: Instant) -> io::Result<Element> {
        for _ in 0..MAX_MESSAGES {
            let reply = self.message(by)?;
            let of = reply.message_id.as_deref().and_then(|of| of.parse::<u64>().ok());
            if reply.is(BASE, "rpc-reply") && of.is_some_and(|of| of >= id) {
                return Ok(reply);
            }
        }
        Err(invalid(format!("{MAX_MESSAGES} messages and among them no answer")))
    }

    fn judged(&self, step: &str, reply: io::Result<Element>) -> Result<Element, DeviceFault> {
        let reply = reply.map_err(|fault| self.broken(fault))?;
        refusal(&reply).map_or(Ok(reply), |why| Err(self.refused(step, &why)))
    }

    fn message(&mut self, by: Instant) -> io::Result<Element> {
        loop {
            let next = self.framer.next_message().map_err(|fault| invalid(fault.to_string()))?;
            if let Some(message) = next {
                return Element::read(&message).map_err(|fault| invalid(fault.to_string()));
            }
            let octets = self.stream.receive(by)?;
            self.framer.push(&octets);
        }
    }

    fn send(&mut self, message: &str) -> Result<(), DeviceFault> {
        let octets = framed(message, self.in_chunks);
        self.stream.send(&octets, self.deadline).map_err(|fault| self.broken(fault))
    }

    pub(super) fn refused(&self, step: &str, why: &str) -> DeviceFault {
        let cause = io::Error::other(why.to_owned());
        DeviceFault::Refused { device: self.name.clone(), step: step.into(), cause }
    }

    pub(super) fn unintelligible(&self, what: String) -> DeviceFault {
        DeviceFault::Unintelligible { device: self.name.clone(), what }
    }

    /// What came of the stream: octets that are no message are held against the peer, all else is a way that broke.
    fn broken(&self, fault: io::Error) -> DeviceFault {
        if fault.kind() == io::ErrorKind::InvalidData {
            return self.unintelligible(fault.to_string());
        }
        DeviceFault::Unreachable { device: self.name.clone(), cause: plain(fault, self.patience) }
    }
}

impl Datastore {
    const fn element(self) -> &'static str {
        match self {
            Self::Running => "<running/>",
            Self::Candidate => "<candidate/>",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Candidate => "candidate",
        }
    }
}

/// Why a reply is a refusal (RFC 6241, 4.3), in the words of the peer; warnings are none.
fn refusal(reply: &Element) -> Option<String> {
    let text = |error: &Element, name: &str| error.child(BASE, name).map(|child| told(&child.text));
    let mut errors = reply
        .all(BASE, "rpc-error")
        .filter(|error| text(error, "error-severity").is_none_or(|severity| severity != "warning"));
    let error = errors.next()?;
    let mut why = text(error, "error-tag").unwrap_or_else(|| "error".into());
    for (before, name) in [(": ", "error-message"), (" at ", "error-path")] {
        if let Some(words) = text(error, name).filter(|words| !words.is_empty()) {
            why.push_str(before);
            why.push_str(&words);
        }
    }
    let holder = error.child(BASE, "error-info").and_then(|info| text(info, "session-id"));
    if let Some(holder) = holder.filter(|_| why.starts_with("lock-denied")) {
        why.push_str(&format!("; session {holder} holds it"));
    }
    let more = errors.count();
    if more > 0 {
        why.push_str(&format!("; and {more} more"));
    }
    Some(why)
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// What came of a stream, in words for people.
fn plain(fault: io::Error, patience: Duration) -> io::Error {
    match fault.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::other(format!("it did not answer within {} ms", patience.as_millis()))
        }
        io::ErrorKind::UnexpectedEof => io::Error::other("it hung up"),
        _ => fault,
    }
}

#[cfg(test)]
mod tests;
