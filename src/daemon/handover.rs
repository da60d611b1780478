//! Passing an open socket from the parent to the daemon (SCM_RIGHTS, unix(7)).

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

/// The longest sentence sent along, in octets.
const MAX_SENTENCE: usize = 1024;

/// Sends a sentence and, where there is one, a socket.
pub(crate) fn send(to: &UnixStream, socket: Option<BorrowedFd<'_>>, sentence: &str) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let sockets: Vec<BorrowedFd<'_>> = socket.into_iter().collect();
    if !sockets.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&sockets)) {
        return Err(io::Error::other("no room for the socket beside the sentence"));
    }
    let sentence = sentence.as_bytes();
    let sentence = sentence.get(..MAX_SENTENCE).unwrap_or(sentence);
    rustix::net::sendmsg(to, &[IoSlice::new(sentence)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives what [`send`] sent: the sentence, and the socket where there is one.
pub(crate) fn receive(from: &UnixStream) -> io::Result<(String, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut sentence = vec![0; MAX_SENTENCE];
    let received = rustix::net::recvmsg(
        from,
        &mut [IoSliceMut::new(&mut sentence)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if received.bytes == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the parent process is gone"));
    }
    sentence.truncate(received.bytes);
    let socket = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut sockets) => sockets.next(),
        _ => None,
    });
    Ok((String::from_utf8_lossy(&sentence).into_owned(), socket))
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::fd::AsFd as _};

    use super::*;

    #[test]
    fn a_socket_arrives_open_and_a_refusal_without_one() {
        let (parent, daemon) = UnixStream::pair().unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        send(&parent, Some(far.as_fd()), "ready").unwrap();
        drop(far);
        let (sentence, socket) = receive(&daemon).unwrap();
        assert_eq!(sentence, "ready");
        assert!(near.write_all(b"still open").is_ok(), "{socket:?}");
        send(&parent, None, "no interface `span9`").unwrap();
        let (sentence, socket) = receive(&daemon).unwrap();
        assert_eq!((sentence.as_str(), socket.is_none()), ("no interface `span9`", true));
        drop(parent);
        assert!(receive(&daemon).is_err());
    }
}
