//! What a peer may say, played by a script.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use super::*;

const HELLO_10: &[&str] = &["base:1.0", "capability:candidate:1.0", "capability:confirmed-commit:1.1"];
const HELLO_11: &[&str] = &[
    "base:1.0",
    "base:1.1",
    "capability:candidate:1.0",
    "capability:confirmed-commit:1.1",
    "capability:validate:1.1",
    "capability:rollback-on-error:1.0",
];

/// Says one thing after the other, whatever it is asked, and remembers what that was.
#[derive(Clone, Debug, Default)]
struct Script {
    says: Rc<RefCell<VecDeque<Vec<u8>>>>,
    heard: Rc<RefCell<String>>,
}

impl Connect for Script {
    fn place(&self) -> String {
        "a script".into()
    }

    fn connect(&self, _deadline: Instant) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.clone()))
    }
}

impl Stream for Script {
    fn send(&mut self, octets: &[u8], _deadline: Instant) -> io::Result<()> {
        self.heard.borrow_mut().push_str(&String::from_utf8_lossy(octets));
        Ok(())
    }

    fn receive(&mut self, _deadline: Instant) -> io::Result<Vec<u8>> {
        match self.says.borrow_mut().pop_front() {
            // Nothing within the time there was.
            Some(octets) if octets.is_empty() => Err(io::ErrorKind::TimedOut.into()),
            Some(octets) => Ok(octets),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Script {
    fn greeting(capabilities: &[&str]) -> Self {
        let all = capabilities
            .iter()
            .map(|name| format!("<capability> urn:ietf:params:netconf:{name}?x=y\n</capability>"));
        let hello = format!(
            "<hello xmlns=\"{BASE}\"><capabilities>{}</capabilities><session-id>4</session-id></hello>",
            all.collect::<String>()
        );
        let script = Self::default();
        script.says.borrow_mut().push_back(framed(&hello, false));
        script
    }

    fn open(&self) -> Result<Session, DeviceFault> {
        Session::open(self, "switch cell-1", Duration::from_secs(3))
    }

    fn says(&self, message: &str, in_chunks: bool) {
        self.says.borrow_mut().push_back(framed(message, in_chunks));
    }

    fn replies(&self, id: u64, inner: &str) {
        self.says(&format!("<rpc-reply message-id=\"{id}\" xmlns=\"{BASE}\">{inner}</rpc-reply>"), true);
    }

    fn was_silent(&self) {
        self.says.borrow_mut().push_back(Vec::new());
    }
}

fn why<T>(outcome: Result<T, DeviceFault>) -> String {
    outcome.map(drop).unwrap_err().to_string()
}

#[test]
fn to_one_who_speaks_1_0_alone_messages_end_with_the_mark_and_no_option_is_used_that_was_not_offered() {
    let script = Script::greeting(HELLO_10);
    let mut session = script.open().unwrap();
    script.heard.borrow_mut().clear();
    script.says(&format!("<rpc-reply message-id=\"1\" xmlns=\"{BASE}\"><ok/></rpc-reply>"), false);
    session.edit("<x/>").unwrap();
    let heard = script.heard.borrow().clone();
    assert!(heard.starts_with("<rpc ") && heard.ends_with("</rpc>]]>]]>"), "{heard}");
    assert!(!heard.contains("test-option") && !heard.contains("error-option"), "{heard}");
}

#[test]
fn to_one_who_speaks_1_1_messages_come_in_chunks_and_what_was_offered_is_used() {
    let script = Script::greeting(HELLO_11);
    let mut session = script.open().unwrap();
    assert!(script.heard.borrow().ends_with("</hello>]]>]]>"));
    script.heard.borrow_mut().clear();
    script.replies(1, "<ok/>");
    session.edit("<x/>").unwrap();
    script.replies(2, "<ok/>");
    session.commit(Commit::Confirmed(30, "a&b")).unwrap();
    let heard = script.heard.borrow().clone();
    assert!(heard.starts_with("\n#") && heard.ends_with("</rpc>\n##\n"), "{heard}");
    assert!(heard.contains("test-then-set") && heard.contains("rollback-on-error"), "{heard}");
    assert!(
        heard.contains("<confirmed/><confirm-timeout>30</confirm-timeout><persist>a&amp;b</persist>"),
        "{heard}"
    );
}

#[test]
fn one_who_cannot_undo_by_itself_is_refused_by_what_it_lacks() {
    for lacking in ["candidate:1.0", "confirmed-commit:1.1"] {
        let left: Vec<&str> = HELLO_11.iter().copied().filter(|name| !name.ends_with(lacking)).collect();
        let told = why(Script::greeting(&left).open());
        assert!(told.contains(&format!("it cannot do :{lacking}")), "{told}");
    }
    assert!(why(Script::greeting(&["base:2.0"]).open()).contains("neither NETCONF 1.0 nor 1.1"));
    let odd = Script::default();
    odd.says("<goodbye/>", false);
    assert!(why(odd.open()).contains("greets with `goodbye`"));
    let gone = Script::default();
    assert!(why(gone.open()).contains("it hung up"));
    let silent = Script::default();
    silent.was_silent();
    assert!(why(silent.open()).contains("did not answer within 3000 ms"));
}

#[test]
fn what_is_no_answer_is_passed_over_and_not_for_ever() {
    let script = Script::greeting(HELLO_11);
    let mut session = script.open().unwrap();
    script.says("<notification xmlns=\"urn:ietf:params:xml:ns:netconf:notification:1.0\"/>", true);
    script.replies(0, "<rpc-error/>");
    script.replies(1, "<rpc-error><error-severity>warning</error-severity></rpc-error><ok/>");
    session.discard().unwrap();
    for _ in 0..MAX_MESSAGES {
        script.replies(1, "<ok/>");
    }
    assert!(why(session.discard()).contains("no answer"));
    script.says("<rpc-reply", true);
    assert!(why(session.discard()).contains("is no XML"));
}

#[test]
fn a_refusal_is_told_in_the_peer_s_words_tamed() {
    let script = Script::greeting(HELLO_11);
    let mut session = script.open().unwrap();
    script.replies(
        1,
        "<rpc-error><error-type>protocol</error-type><error-tag>lock-denied</error-tag><error-severity>error</error-severity>\
         <error-message xml:lang=\"en\">in\n use &#x1b;[2J</error-message><error-info><session-id>7</session-id></error-info></rpc-error>\
         <rpc-error><error-tag>other</error-tag></rpc-error>",
    );
    let told = why(session.try_lock(Datastore::Candidate));
    assert!(told.contains("refused to lock its candidate configuration"), "{told}");
    assert!(told.contains("lock-denied: in use \\u{1b}[2J; session 7 holds it; and 1 more"), "{told}");
}

#[test]
fn a_question_that_changes_nothing_is_asked_again_and_a_change_never() {
    let script = Script::greeting(HELLO_11);
    let mut session = script.open().unwrap();
    script.was_silent();
    script.replies(2, "<data><x/></data>");
    let data = session.configuration(Datastore::Running, "<x/>").unwrap();
    assert!(data.is(BASE, "data"));
    assert_eq!(script.heard.borrow().matches("<get-config>").count(), 2);
    script.was_silent();
    assert!(why(session.commit(Commit::Plain)).contains("did not answer"));
    assert_eq!(script.heard.borrow().matches("<commit>").count(), 1);
}
