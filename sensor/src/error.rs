//! What can go wrong with a source of frames, each naming the capture and the place.

use std::io;

use thiserror::Error;

/// Why there is no next frame.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file could not be opened, or nothing could be read from it.
    #[error("cannot read `{name}`: {cause}")]
    Unreadable {
        /// The path or name given.
        name: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The file is neither pcap nor pcapng, nor one of them compressed.
    #[error("`{name}` is not a capture file (pcap or pcapng, plain, gzip or zstd): {begins}")]
    Foreign {
        /// The path or name given.
        name: String,
        /// How it starts, in hexadecimal.
        begins: String,
    },
    /// The file ends within a block. Every frame before it was handed out.
    #[error("`{name}` is truncated after frame {after}: {got} of {expected} octets of the next {part}")]
    Truncated {
        /// The path or name given.
        name: String,
        /// The last whole frame, 0 for none.
        after: u64,
        /// What was cut.
        part: &'static str,
        /// Octets there.
        got: u64,
        /// Octets it should have.
        expected: u64,
    },
    /// The file contradicts itself; what follows cannot be found. Every frame before it was handed out.
    #[error("`{name}` is damaged after frame {after}, at octet {offset}: {what}")]
    Damaged {
        /// The path or name given.
        name: String,
        /// The last whole frame, 0 for none.
        after: u64,
        /// Where the block at fault begins, counted in the expanded file.
        offset: u64,
        /// What is wrong.
        what: Damage,
    },
    /// Reading failed on the way. Every frame before it was handed out.
    #[error("`{name}` cannot be read past frame {after}: {cause}")]
    Interrupted {
        /// The path or name given.
        name: String,
        /// The last whole frame.
        after: u64,
        /// What the system or the decompressor said.
        cause: io::Error,
    },
    /// The interface was taken down. The capture goes on when it comes up again.
    #[error("interface `{name}` went down: nothing is heard until it is up (`ip link set {name} up`)")]
    InterfaceDown {
        /// The interface.
        name: String,
    },
    /// The interface is gone. The capture ends; it has to be opened anew.
    #[error("interface `{name}` was removed: nothing is heard until the capture is opened anew")]
    InterfaceGone {
        /// The interface.
        name: String,
    },
    /// The kernel refused something that it had granted before.
    #[error("capturing on `{name}` failed at {step}: {cause}")]
    Live {
        /// The interface.
        name: String,
        /// Which step.
        step: &'static str,
        /// What the system said.
        cause: io::Error,
    },
}

impl SourceError {
    /// Whether this is the end of one capture whose frames up to here are good: worth a note, not a failure of the
    /// work.
    #[must_use]
    pub const fn keeps_what_was_read(&self) -> bool {
        match self {
            Self::Truncated { after, .. } | Self::Damaged { after, .. } | Self::Interrupted { after, .. } => {
                *after > 0
            }
            Self::InterfaceDown { .. } | Self::InterfaceGone { .. } => true,
            Self::Unreadable { .. } | Self::Foreign { .. } | Self::Live { .. } => false,
        }
    }
}

/// How a capture file contradicts itself or passes a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Damage {
    /// A frame or block claims more than this reader will hold.
    #[error("{got} octets in one piece, the limit is {limit}")]
    TooLong {
        /// Octets claimed.
        got: u64,
        /// The limit.
        limit: u64,
    },
    /// A block's length cannot hold what its type demands.
    #[error("a block of {got} octets is too short for its kind")]
    TooShort {
        /// Octets claimed.
        got: u64,
    },
    /// A block's length is given twice and the two differ.
    #[error("a block says {first} octets at its start and {second} at its end")]
    Lengths {
        /// At the start.
        first: u32,
        /// At the end.
        second: u32,
    },
    /// A frame claims more octets than its block has room for.
    #[error("a frame of {got} octets in a block with room for {room}")]
    Overfull {
        /// Octets claimed.
        got: u32,
        /// Room.
        room: u64,
    },
    /// A frame cites an interface that was never described.
    #[error("a frame of interface {got}, of which only {known} are described")]
    UnknownInterface {
        /// The interface cited.
        got: u32,
        /// Interfaces described in this section.
        known: u64,
    },
    /// A section describes more interfaces than frames can cite here.
    #[error("more than {limit} interfaces in one section")]
    TooManyInterfaces {
        /// The limit.
        limit: u64,
    },
    /// A section starts with a byte-order magic of neither order.
    #[error("a section of unknown byte order")]
    ByteOrder,
}
