//! The way to a switch: the subsystem `netconf` over SSH (RFC 6242), at a server whose key is one of those the site file names. Nothing
//! is told to any other, not even who asks.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Instant,
};

use russh::{
    Channel, ChannelMsg, Preferred,
    client::{self, AuthResult, Handle},
    keys::{
        Algorithm, EcdsaCurve, HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key,
    },
};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    time::timeout_at,
};

use super::{
    session::{Connect, Stream},
    xml::told,
};

/// The longest file with a key or a password, in octets.
const MAX_SECRET: u64 = 65_536;
/// Octets the server may send before it hears that they were taken.
const WINDOW: u32 = 262_144;

/// A server, and who asks there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ssh {
    pub(super) address: SocketAddr,
    pub(super) user: String,
    pub(super) secret: Secret,
    /// SHA-256 of the keys that the server may show, as `ssh-keygen -l` prints them.
    pub(super) host_keys: Vec<String>,
}

/// What proves who asks, read anew for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Secret {
    /// A private key without a passphrase.
    Key(PathBuf),
    /// A password on the first line.
    Password(PathBuf),
}

/// Watches over the key exchange.
struct Pinned {
    host_keys: Vec<String>,
    /// What the server showed instead.
    shown: Arc<Mutex<Option<String>>>,
}

struct SshStream {
    // In this order: what lives in the runtime goes before it does.
    channel: Channel<client::Msg>,
    _handle: Handle<Pinned>,
    runtime: Runtime,
}

impl client::Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let is_known = self.host_keys.contains(&fingerprint);
        if let (false, Ok(mut shown)) = (is_known, self.shown.lock()) {
            *shown = Some(format!("{fingerprint} ({})", key.algorithm()));
        }
        Ok(is_known)
    }
}

impl Connect for Ssh {
    fn place(&self) -> String {
        self.address.to_string()
    }

    fn connect(&self, deadline: Instant) -> io::Result<Box<dyn Stream>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, channel) =
            runtime.block_on(async { timeout_at(deadline.into(), self.open()).await })??;
        Ok(Box::new(SshStream { channel, _handle: handle, runtime }))
    }
}

impl Ssh {
    async fn open(&self) -> io::Result<(Handle<Pinned>, Channel<client::Msg>)> {
        let shown = Arc::new(Mutex::new(None));
        let pinned = Pinned { host_keys: self.host_keys.clone(), shown: Arc::clone(&shown) };
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let opened = client::connect_stream(Arc::new(settings()), socket, pinned).await;
        let mut handle =
            opened.map_err(|fault| match shown.lock().ok().and_then(|mut shown| shown.take()) {
                Some(key) => io::Error::other(format!(
                    "its host key is {key}, which is none of `host_keys`: nothing was sent to it"
                )),
                None => io::Error::other(format!("no SSH session comes about: {}", said(&fault))),
            })?;
        self.authenticate(&mut handle).await?;
        let broken = |what: &str| {
            let what = what.to_owned();
            move |fault: russh::Error| io::Error::other(format!("{what}: {}", said(&fault)))
        };
        let mut channel = handle.channel_open_session().await.map_err(broken("it opens no channel"))?;
        channel.request_subsystem(true, "netconf").await.map_err(broken("no subsystem `netconf`"))?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => return Ok((handle, channel)),
                Some(ChannelMsg::Failure) | None => {
                    return Err(io::Error::other("it has no subsystem `netconf`"));
                }
                Some(_) => {}
            }
        }
    }

    async fn authenticate(&self, handle: &mut Handle<Pinned>) -> io::Result<()> {
        let outcome = match &self.secret {
            Secret::Key(path) => {
                let key = decode_secret_key(&secret(path)?, None).map_err(|fault| {
                    named(path, &format!("is no private key without a passphrase: {fault}"))
                })?;
                let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
                handle.authenticate_publickey(self.user.as_str(), key).await
            }
            Secret::Password(path) => {
                let text = secret(path)?;
                let word = text.lines().next().unwrap_or_default();
                handle.authenticate_password(self.user.as_str(), word).await
            }
        };
        match outcome {
            Ok(AuthResult::Success) => Ok(()),
            Ok(AuthResult::Failure { .. }) => {
                Err(io::Error::other(format!("it lets `{}` not in", self.user.escape_debug())))
            }
            Err(fault) => Err(io::Error::other(format!("it lets nobody in: {}", said(&fault)))),
        }
    }
}

/// Ways of today alone; no RSA, whose implementation leaks its keys through time (RUSTSEC-2023-0071).
fn settings() -> client::Config {
    let curves = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];
    let key = std::iter::once(Algorithm::Ed25519).chain(curves.map(|curve| Algorithm::Ecdsa { curve }));
    client::Config {
        window_size: WINDOW,
        channel_buffer_size: 16,
        preferred: Preferred { key: Cow::Owned(key.collect()), ..Preferred::DEFAULT },
        ..client::Config::default()
    }
}

/// What went wrong in words, which may be the server's.
fn said(fault: &russh::Error) -> String {
    told(&fault.to_string())
}

fn named(path: &Path, what: &str) -> io::Error {
    io::Error::other(format!("`{}` {what}", path.display()))
}

/// What a file holds that nobody else may read.
fn secret(path: &Path) -> io::Result<String> {
    let file = File::open(path).map_err(|fault| named(path, &format!("cannot be read: {fault}")))?;
    let metadata = file.metadata()?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(named(path, "may be read by others: take their rights away (chmod 600)"));
    }
    let mut text = String::new();
    file.take(MAX_SECRET)
        .read_to_string(&mut text)
        .map_err(|fault| named(path, &format!("is no text: {fault}")))?;
    Ok(text)
}

impl Stream for SshStream {
    fn send(&mut self, octets: &[u8], deadline: Instant) -> io::Result<()> {
        let Self { channel, runtime, .. } = self;
        let sent = runtime.block_on(async { timeout_at(deadline.into(), channel.data(octets)).await })?;
        sent.map_err(|fault| io::Error::new(io::ErrorKind::BrokenPipe, said(&fault)))
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Vec<u8>> {
        let Self { channel, runtime, .. } = self;
        loop {
            let said = runtime.block_on(async { timeout_at(deadline.into(), channel.wait()).await })?;
            match said {
                Some(ChannelMsg::Data { data }) if !data.is_empty() => return Ok(data.to_vec()),
                Some(ChannelMsg::Eof | ChannelMsg::Close) | None => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
