//! Passing open sockets from the parent to the daemon (SCM_RIGHTS, unix(7)).

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use fieldwarden_sensor::live::RingCount;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

/// Sockets sent at once at most: one for each ring of an interface.
pub(crate) const MAX_SOCKETS: usize = RingCount::MAX as usize;
/// The longest sentence sent along, in octets.
const MAX_SENTENCE: usize = 1024;

/// Sends a sentence and the sockets there are, [`MAX_SOCKETS`] at most.
pub(crate) fn send(to: &UnixStream, sockets: &[BorrowedFd<'_>], sentence: &str) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SOCKETS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !sockets.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(sockets)) {
        return Err(io::Error::other("no room for the sockets beside the sentence"));
    }
    let sentence = sentence.as_bytes();
    let sentence = sentence.get(..MAX_SENTENCE).unwrap_or(sentence);
    rustix::net::sendmsg(to, &[IoSlice::new(sentence)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives what [`send`] sent: the sentence, and the sockets.
pub(crate) fn receive(from: &UnixStream) -> io::Result<(String, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SOCKETS))];
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
    let sockets = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
        _ => None,
    });
    Ok((String::from_utf8_lossy(&sentence).into_owned(), sockets.flatten().collect()))
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::fd::AsFd as _};

    use super::*;

    #[test]
    fn sockets_arrive_open_and_a_refusal_without_any() {
        let (parent, daemon) = UnixStream::pair().unwrap();
        let pairs: Vec<_> = (0..MAX_SOCKETS).map(|_| UnixStream::pair().unwrap()).collect();
        let far: Vec<_> = pairs.iter().map(|(_, far)| far.as_fd()).collect();
        send(&parent, &far, "ready").unwrap();
        let (mut near, far): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        drop(far);
        let (sentence, sockets) = receive(&daemon).unwrap();
        assert_eq!((sentence.as_str(), sockets.len()), ("ready", MAX_SOCKETS));
        assert!(near.iter_mut().all(|near| near.write_all(b"still open").is_ok()), "{sockets:?}");
        send(&parent, &[], "no interface `span9`").unwrap();
        let (sentence, sockets) = receive(&daemon).unwrap();
        assert_eq!((sentence.as_str(), sockets.len()), ("no interface `span9`", 0));
        drop(parent);
        assert!(receive(&daemon).is_err());
    }
}
