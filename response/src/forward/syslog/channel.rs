//! What lies between a message and the socket: TLS, or nothing.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, ProtocolVersion};

use super::{
    super::{ForwardError, tls},
    client::Heard,
    config::{Settings, Tls, Transport},
};

/// Makes channels of one kind.
pub(super) enum Maker {
    Tls(Arc<ClientConfig>, Box<Tls>),
    Plain,
}

/// One channel.
pub(super) enum Channel {
    Tls(Box<ClientConnection>, Box<Tls>),
    /// With what is still to be written.
    Plain(Vec<u8>),
}

impl Maker {
    /// Reads certificates and keys where there are any.
    pub(super) fn new(settings: &Settings) -> Result<Self, ForwardError> {
        match &settings.transport {
            Transport::Tls(names) => {
                Ok(Self::Tls(Arc::new(tls::config(names, &settings.address)?), names.clone()))
            }
            Transport::Tcp | Transport::Udp => Ok(Self::Plain),
        }
    }

    pub(super) fn make(&self, address: &str) -> Result<Channel, ForwardError> {
        match self {
            Self::Tls(config, names) => ClientConnection::new(Arc::clone(config), names.server_name.clone())
                .map(|connection| Channel::Tls(Box::new(connection), names.clone()))
                .map_err(|error| tls::untrusted(names, address, &error)),
            Self::Plain => Ok(Channel::Plain(Vec::new())),
        }
    }
}

impl Channel {
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(self, Self::Tls(tls, _) if tls.is_handshaking())
    }

    pub(super) fn wants_write(&self) -> bool {
        match self {
            Self::Tls(tls, _) => tls.wants_write(),
            Self::Plain(out) => !out.is_empty(),
        }
    }

    /// Takes octets to be written.
    pub(super) fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            // A message fits the buffer: the one before was flushed, and TLS buffers 64 KiB.
            Self::Tls(tls, _) => tls.writer().write_all(octets),
            Self::Plain(out) => {
                out.extend_from_slice(octets);
                Ok(())
            }
        }
    }

    pub(super) fn write_to(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        match self {
            Self::Tls(tls, _) => tls.write_tls(socket).map(drop),
            Self::Plain(out) => {
                let written = socket.write(out)?;
                out.drain(..written.min(out.len()));
                Ok(())
            }
        }
    }

    /// Takes what the other side said. Syslog knows no messages backward: they are read away.
    pub(super) fn take(
        &mut self,
        mut octets: &[u8],
        socket: &mut TcpStream,
        address: &str,
    ) -> Result<Heard, ForwardError> {
        let Self::Tls(tls, names) = self else { return Ok(Heard::Open) };
        while !octets.is_empty() {
            tls.read_tls(&mut octets).map_err(|error| ForwardError::Lost {
                address: address.to_owned(),
                cause: error.to_string(),
            })?;
            let state = match tls.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    // Our own alert tells the collector's log why; whether it still listens does not matter.
                    let _ = tls.write_tls(socket);
                    return Err(tls::untrusted(names, address, &error));
                }
            };
            let mut left = state.plaintext_bytes_to_read();
            let mut scratch = [0; 1024];
            while left > 0 {
                let Ok(length @ 1..) = tls.reader().read(&mut scratch) else { break };
                left = left.saturating_sub(length);
            }
            if state.peer_has_closed() {
                return Ok(Heard::Goodbye);
            }
        }
        Ok(Heard::Open)
    }

    /// Says goodbye; whether the other side has to answer with one of its own before it closes.
    pub(super) fn goodbye(&mut self) -> bool {
        match self {
            Self::Tls(tls, _) => {
                tls.send_close_notify();
                true
            }
            Self::Plain(_) => false,
        }
    }

    /// What a test message came through, and what was proven by that.
    pub(super) fn proof(&self) -> String {
        match self {
            Self::Tls(tls, _) => {
                let version = match tls.protocol_version() {
                    Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
                    _ => "TLS 1.2",
                };
                format!("accepted our certificate over {version}, read the test message and closed the connection in order")
            }
            Self::Plain(_) => "read the test message over plain TCP and closed the connection in order; whoever is on the way could read and change it".into(),
        }
    }
}
