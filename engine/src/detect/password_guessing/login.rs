//! Which operations show that somebody logs in.

use fieldwarden_model::{Operation, Outcome, Verb};

/// What an operation shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    Nothing,
    /// A login was refused.
    Refusal,
    /// A login was accepted.
    Success,
    /// A word that opens the server is sent in this field, and its refusal is silence.
    Word(&'static str),
    /// A connection was opened in which a login follows that nobody can read.
    Connection,
}

/// Words of SNMP remembered of one client; who knows more guesses for certain.
const MAX_WORDS: usize = 16;

/// What is remembered of one client's logins at one server.
#[derive(Debug, Default)]
pub(crate) struct Memory(Option<Box<Local>>);

#[derive(Debug, Default)]
struct Local {
    failed: bool,
    connected: bool,
    words: Vec<u64>,
}

impl Memory {
    /// Whether a login was refused, and none succeeded since: until then nothing of this service is usual.
    pub(crate) fn watches(&self) -> bool {
        self.0.as_ref().is_some_and(|local| local.failed)
    }

    pub(super) fn watch(&mut self) {
        self.local().failed = true;
    }

    pub(super) fn rest(&mut self) {
        self.local().failed = false;
    }

    /// Whether a word is another one than those known, and not the first.
    pub(super) fn is_another(&mut self, word: &str) -> bool {
        let words = &mut self.local().words;
        let print = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        if words.contains(&print) {
            return false;
        }
        if words.len() < MAX_WORDS {
            words.push(print);
        }
        words.len() > 1
    }

    /// Notes a connection; whether it is not the first.
    pub(super) fn connects(&mut self) -> bool {
        core::mem::replace(&mut self.local().connected, true)
    }

    fn local(&mut self) -> &mut Local {
        self.0.get_or_insert_default()
    }
}

/// Protocols whose logins nobody can read.
pub(super) fn is_hidden(protocol: &str) -> bool {
    matches!(protocol, "ssh" | "rdp")
}

/// What an operation of a protocol shows.
pub(super) fn shows(protocol: &str, operation: &Operation<'_>) -> Shows {
    match (protocol, operation.outcome) {
        ("ssh" | "rdp", Outcome::Asked) if operation.function == 0 => Shows::Connection,
        ("snmp", Outcome::Asked) if operation.function < 8 => Shows::Word("community"),
        ("telnet", Outcome::Asked) if operation.function == 3 => Shows::Success,
        ("telnet", Outcome::Done) => Shows::Nothing,
        (_, Outcome::Refused(code)) if is_login(protocol, operation, Some(code)) => Shows::Refusal,
        (_, Outcome::Done) if is_login(protocol, operation, None) => Shows::Success,
        _ => Shows::Nothing,
    }
}

/// Whether an operation is a login, and its refusal one of a login.
fn is_login(protocol: &str, operation: &Operation<'_>, refused: Option<u32>) -> bool {
    let function = operation.function;
    match protocol {
        // PASS, answered 530 (RFC 959 clause 5.4); a name that is refused outright counts as well.
        "ftp" => matches!((function, refused), (2, None) | (1 | 2, Some(530 | 430 | 332))),
        "telnet" => refused.is_some(),
        // Unauthorized (RFC 9110 clause 15.5.2); whatever is not refused so was let in.
        "http" => refused.is_none_or(|code| code == 401),
        "smb1" => function == 0x73,
        "smb2" => function == 1,
        "vnc" => function == 3,
        // Pre-authentication failed (RFC 4120 clause 7.5.9).
        "kerberos" => matches!((function, refused), (11, None) | (_, Some(24))),
        "opcua" => operation.verb == Verb::Associate && function == 467,
        "mqtt" | "fox" => operation.verb == Verb::Associate,
        "s7comm" => operation.name == "PLC password",
        _ => false,
    }
}
