//! One talk with a switch over SNMPv3 (RFC 3412, 3414, 3416), for a few questions within one span of time.
//!
//! Messages, keys, the engine's clock and whatever a hostile peer may send are the business of `async-snmp`, told here to
//! be strict in everything it leaves open. Its world is asynchronous and ours has one thread: a runtime of that thread
//! lives as long as the talk does.

use std::{
    cell::{Cell, RefCell},
    fs,
    future::Future,
    io::{self, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use async_snmp::{
    AuthProtocol, Client, DecodeConfig, EngineCache, Error, MasterKeys, Oid, PrivProtocol,
    ResponseShapePolicy, Retry, UdpHandle, UsmConfig, Value, VarBind, WalkOptions, client::WalkStream,
};
use fieldwarden_model::digest::Digest;
use tokio::runtime::{Builder, Runtime};

use super::tables::{Name, Row};
use crate::drivers::DeviceFault;

/// How often a question is sent again when nothing comes; all together take the patience of one talk.
const RETRIES: u32 = 2;
/// Rows asked for at once. A switch whose answer would not fit tells fewer.
const ROWS_AT_ONCE: u32 = 24;
/// The most objects of one question.
const MAX_OBJECTS: usize = 32;
/// The most octets of one table: that of a switch with 16,384 addresses, twice over.
const MAX_OCTETS: usize = 8 * 1024 * 1024;
/// The longest secret, in octets.
const MAX_SECRET: u64 = 1_024;
/// The shortest password that RFC 3414, 11.2 allows.
const MIN_PASSWORD: usize = 8;
/// How much of a peer's words is told.
const MAX_TOLD: usize = 200;

/// How a switch is spoken to.
pub(super) struct Access {
    pub(super) peer: SocketAddr,
    pub(super) user: String,
    pub(super) auth: AuthProtocol,
    pub(super) auth_file: PathBuf,
    pub(super) privacy: PrivProtocol,
    pub(super) privacy_file: PathBuf,
    pub(super) patience: Duration,
    /// Keys made of the two passwords: RFC 3414, A.2 has a megabyte digested for each.
    pub(super) keys: RefCell<Option<(Of, MasterKeys)>>,
    /// The switch's engine and its clock, as authenticated answers told them.
    pub(super) engines: RefCell<Arc<EngineCache>>,
}

/// The digest of the passwords that keys were made of.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Of(String);

/// A talk.
pub(super) struct Talk<'a> {
    access: &'a Access,
    device: String,
    client: Client,
    runtime: Runtime,
    deadline: Instant,
    /// Whether the switch's engine was known before.
    was_known: bool,
    /// Whether anything authentic has been heard.
    has_answered: Cell<bool>,
}

impl Access {
    /// Begins a talk with the switch that is called `name`. Nothing is sent yet.
    pub(super) fn talk(&self, name: &str) -> Result<Talk<'_>, DeviceFault> {
        let device = format!("switch {name} at `{}`", self.peer);
        let unreachable = |cause| DeviceFault::Unreachable { device: device.clone(), cause };
        let user = self.security().map_err(|why| unreachable(io::Error::other(why)))?;
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(unreachable)?;
        let retry = Retry::fixed(RETRIES, Duration::ZERO)
            .map_err(|fault| unreachable(io::Error::other(fault.to_string())))?;
        let client = runtime.block_on(
            Client::builder(self.peer, user)
                .engine_cache(Arc::clone(&self.engines.borrow()))
                .strict_source(true)
                .decode_config(DecodeConfig::STRICT)
                .response_shape_policy(ResponseShapePolicy::Strict)
                .max_oids_per_request(MAX_OBJECTS)
                .request_timeout(self.patience / (RETRIES + 1))
                .construction_timeout(self.patience)
                .retry(retry)
                .connect(),
        );
        let client = client.map_err(|fault| unreachable(io::Error::other(fault.to_string())))?;
        let deadline = Instant::now() + self.patience;
        let was_known = self.knows_engine();
        Ok(Talk {
            access: self,
            device,
            client,
            runtime,
            deadline,
            was_known,
            has_answered: Cell::new(false),
        })
    }

    fn knows_engine(&self) -> bool {
        self.engines.borrow().get(&self.peer).is_some()
    }

    /// The user with keys of the passwords that the files hold now.
    fn security(&self) -> Result<UsmConfig, String> {
        let (auth, privacy) = (password(&self.auth_file)?, password(&self.privacy_file)?);
        let passwords = Of(Digest::new().with(&auth).with(&privacy).full());
        let mut held = self.keys.borrow_mut();
        let keys = match held.as_ref().filter(|(of, _)| *of == passwords) {
            Some((_, keys)) => keys.clone(),
            None => {
                let keys = MasterKeys::new(self.auth, auth.as_bytes())
                    .and_then(|keys| keys.with_privacy(self.privacy, privacy.as_bytes()))
                    .map_err(|fault| fault.to_string())?;
                *held = Some((passwords, keys.clone()));
                keys
            }
        };
        UsmConfig::new(self.user.clone()).with_master_keys(keys).map_err(|fault| fault.to_string())
    }
}

impl Talk<'_> {
    /// Every row below `column`: what follows it in the name, and the value. An error where there are more than `most`.
    pub(super) fn walk(&self, column: &[u32], most: usize) -> Result<Vec<Row>, DeviceFault> {
        let options =
            WalkOptions { max_repetitions: ROWS_AT_ONCE, result_limit: Some(most), ..WalkOptions::default() };
        let step = "to tell its tables";
        let stream = self.client.walk_with(Oid::from_slice(column), options);
        let stream = stream.map_err(|fault| self.fault(step, &fault))?;
        let rows = self.within(step, bounded(stream))?;
        let rows =
            rows.ok_or_else(|| self.unintelligible(format!("a table of more than {MAX_OCTETS} octets")))?;
        let rest = |arcs: &[u32]| arcs.strip_prefix(column).map(<[u32]>::to_vec);
        Ok(rows.into_iter().filter_map(|row| Some((rest(row.oid.arcs())?, row.value))).collect())
    }

    /// The values of at most [`MAX_OBJECTS`] objects in the order of their names; none for those that the switch does not have.
    pub(super) fn get(&self, names: &[Name]) -> Result<Vec<Option<Value>>, DeviceFault> {
        let names: Vec<Oid> = names.iter().map(|name| Oid::from_slice(name)).collect();
        let answer = self.within("to tell its ports", self.client.get_many(&names))?;
        Ok(answer
            .varbinds
            .into_iter()
            .map(|bind| Some(bind.value).filter(|value| !value.is_exception()))
            .collect())
    }

    /// Sets objects at once: all or none of them, if the switch keeps RFC 3416, 4.2.5.
    pub(super) fn set(&self, objects: &[Row]) -> Result<(), DeviceFault> {
        let objects: Vec<(Oid, Value)> =
            objects.iter().map(|(name, value)| (Oid::from_slice(name), value.clone())).collect();
        self.within("the change of its ports", self.client.set_many(&objects)).map(|_| ())
    }

    pub(super) fn refused(&self, step: &str, why: &str) -> DeviceFault {
        let cause = io::Error::other(why.to_owned());
        DeviceFault::Refused { device: self.device.clone(), step: step.into(), cause }
    }

    pub(super) fn unintelligible(&self, what: String) -> DeviceFault {
        DeviceFault::Unintelligible { device: self.device.clone(), what }
    }

    fn within<T>(
        &self,
        step: &str,
        question: impl Future<Output = Result<T, Box<Error>>>,
    ) -> Result<T, DeviceFault> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // Nothing more is asked of it, and above all nothing changed.
            return Err(self.silent());
        }
        let answer = self.runtime.block_on(async { tokio::time::timeout(left, question).await });
        match answer {
            Ok(Ok(answer)) => {
                self.has_answered.set(true);
                Ok(answer)
            }
            Ok(Err(fault)) => Err(self.fault(step, &fault)),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> DeviceFault {
        // Whoever is not let in is told so by messages that anybody could forge, and that are passed over therefore.
        let told_its_name = !self.was_known && self.access.knows_engine();
        let hint = if told_its_name && !self.has_answered.get() {
            ", but told who it is: look at `user`, `auth`, `privacy` and the files of the passwords"
        } else {
            ""
        };
        // What is known of its engine may be what it does not answer to: the next talk asks anew.
        *self.access.engines.borrow_mut() = Arc::default();
        let cause = format!("it did not answer within {} s{hint}", self.access.patience.as_secs_f32());
        DeviceFault::Unreachable { device: self.device.clone(), cause: io::Error::other(cause) }
    }

    fn fault(&self, step: &str, fault: &Error) -> DeviceFault {
        match fault.exchange_source() {
            Error::Timeout { .. } | Error::ConstructionTimeout { .. } => self.silent(),
            Error::Network { source, .. } => {
                let cause = io::Error::new(source.kind(), source.to_string());
                DeviceFault::Unreachable { device: self.device.clone(), cause }
            }
            Error::Snmp { status, index, oid, .. } => {
                let at = oid.as_ref().map_or_else(|| format!("object {index}"), |oid| oid.to_string());
                self.refused(step, &format!("{status} for {at}"))
            }
            Error::Report { status, .. } => {
                *self.access.engines.borrow_mut() = Arc::default();
                self.refused("to be spoken to", &status.to_string())
            }
            Error::Auth { .. } => {
                *self.access.engines.borrow_mut() = Arc::default();
                self.unintelligible("its answer is not of this time: was its clock set back?".into())
            }
            other => self.unintelligible(told(&other.to_string())),
        }
    }
}

/// All that a walk brings; none where that is more than is kept.
async fn bounded(mut stream: WalkStream<UdpHandle>) -> Result<Option<Vec<VarBind>>, Box<Error>> {
    let (mut rows, mut octets) = (Vec::new(), 0);
    while let Some(row) = stream.next().await {
        let row = row?;
        octets += size_of::<VarBind>() + 4 * row.oid.len() + row.value.as_bytes().map_or(0, <[u8]>::len);
        if octets > MAX_OCTETS {
            return Ok(None);
        }
        rows.push(row);
    }
    Ok(Some(rows))
}

/// A peer's words, short and without anything that moves a cursor.
pub(super) fn told(text: &str) -> String {
    text.chars().take(MAX_TOLD).flat_map(char::escape_debug).collect()
}

/// A password out of its file, without the line end an editor adds.
fn password(file: &Path) -> Result<String, String> {
    let unusable = |why: String| format!("the password in `{}` cannot be used: {why}", file.display());
    let mut text = String::new();
    let opened = fs::File::open(file).map_err(|fault| unusable(fault.to_string()))?;
    opened.take(MAX_SECRET).read_to_string(&mut text).map_err(|fault| unusable(fault.to_string()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.len() < MIN_PASSWORD || text.chars().any(char::is_control) {
        return Err(unusable(format!("it is not one line of {MIN_PASSWORD} octets or more")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use proptest::prelude::*;

    use super::*;

    fn access(peer: SocketAddr, folder: &Path) -> Access {
        let file = |name: &str| {
            let path = folder.join(name);
            fs::write(&path, format!("{name}-password\n")).unwrap();
            path
        };
        Access {
            peer,
            user: "fieldwarden".into(),
            auth: AuthProtocol::Sha256,
            auth_file: file("auth"),
            privacy: PrivProtocol::Aes128,
            privacy_file: file("privacy"),
            patience: Duration::from_millis(300),
            keys: RefCell::default(),
            engines: RefCell::default(),
        }
    }

    /// Answers whatever comes with `octets`, until the socket is told to stop by one octet.
    fn answering(octets: Vec<u8>) -> (SocketAddr, std::thread::JoinHandle<()>) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                if length == 1 {
                    return;
                }
                let _ = socket.send_to(&octets, from);
            }
        });
        (address, thread)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// Whoever answers instead of the switch gets an error told, within the patience of one talk.
        #[test]
        fn no_datagram_makes_it_panic_or_wait(octets in proptest::collection::vec(any::<u8>(), 0..256)) {
            let folder = tempfile::tempdir().unwrap();
            let (address, thread) = answering(octets);
            let access = access(address, folder.path());
            let talk = access.talk("cell-2").unwrap();
            let since = Instant::now();
            let fault = talk.get(&[vec![1, 3, 6, 1, 2, 1, 1, 1, 0]]).unwrap_err().to_string();
            prop_assert!(fault.contains("switch cell-2 at `127.0.0.1:"), "{}", fault);
            prop_assert!(since.elapsed() < Duration::from_secs(10));
            UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&[0], address).unwrap();
            thread.join().unwrap();
        }
    }

    #[test]
    fn a_password_is_one_line_of_a_file_and_is_never_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        for (text, is_good) in [
            ("correct horse battery\n", true),
            ("correct horse battery\r\n", true),
            ("seven77\n", false),
            ("two lines of\nwords\n", false),
            ("", false),
        ] {
            fs::write(&file, text).unwrap();
            match password(&file) {
                Ok(read) => assert!(is_good && read == text.trim_end(), "{text:?}"),
                Err(why) => {
                    assert!(!is_good && why.contains("secret") && !why.contains("seven77"), "{why}");
                }
            }
        }
        assert!(password(Path::new("/nonexistent")).unwrap_err().contains("`/nonexistent`"));
    }
}
