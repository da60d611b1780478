//! pcapng blocks as they are written (draft-ietf-opsawg-pcapng): little-endian, times in nanoseconds.

use fieldwarden_model::{
    frame::{LinkType, RawFrame},
    time::Timestamp,
};

use crate::{
    pcapng::{
        BYTE_ORDER_MAGIC, DROP_COUNT, DROPPED_BY_INTERFACE, ENHANCED_PACKET, INTERFACE_DESCRIPTION,
        INTERFACE_NAME, INTERFACE_STATISTICS, PACKET_ID, SECTION_HEADER, TIME_RESOLUTION,
    },
    tag::Restored,
};

const UNKNOWN_SECTION_LENGTH: u64 = u64::MAX;
const OPTION_END: u16 = 0;
const COMMENT: u16 = 1;
const APPLICATION: u16 = 4;
const NANOSECONDS: u8 = 9;
const FRAMES_RECEIVED: u16 = 4;

/// An interface of a recording; frames cite it by its place in the list, [`RawFrame::interface`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, such as `eth1`.
    pub name: String,
    /// How its frames begin.
    pub link_type: LinkType,
}

/// What is written beside a frame's octets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notes<'a> {
    /// A remark for people; none where empty.
    pub(crate) comment: &'a str,
    /// The frame's number within its capture; none where 0.
    pub(crate) number: u64,
    /// Frames lost before it on the same interface.
    pub(crate) lost: u64,
}

impl Notes<'_> {
    const fn is_empty(&self) -> bool {
        self.comment.is_empty() && self.number == 0 && self.lost == 0
    }
}

/// What an interface received and lost since the section began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statistics<'a> {
    pub(crate) time: Timestamp,
    pub(crate) received: Option<u64>,
    pub(crate) dropped: u64,
    pub(crate) comment: &'a str,
}

/// A section header, with remarks for people.
pub(crate) fn section(out: &mut Vec<u8>, comments: &[String]) {
    let program = concat!("fieldwarden ", env!("CARGO_PKG_VERSION"));
    block(out, SECTION_HEADER, |out| {
        out.extend(BYTE_ORDER_MAGIC.to_le_bytes());
        out.extend(1u16.to_le_bytes());
        out.extend(0u16.to_le_bytes());
        out.extend(UNKNOWN_SECTION_LENGTH.to_le_bytes());
        for comment in comments {
            option(out, COMMENT, comment.as_bytes());
        }
        option(out, APPLICATION, program.as_bytes());
        option(out, OPTION_END, &[]);
    });
}

/// The description of an interface.
pub(crate) fn interface(out: &mut Vec<u8>, interface: &Interface) {
    block(out, INTERFACE_DESCRIPTION, |out| {
        out.extend(interface.link_type.0.to_le_bytes());
        out.extend([0; 2]);
        // No snap length.
        out.extend([0; 4]);
        option(out, INTERFACE_NAME, interface.name.as_bytes());
        option(out, TIME_RESOLUTION, &[NANOSECONDS]);
        option(out, OPTION_END, &[]);
    });
}

/// Octets of the block that a frame takes.
pub(crate) fn packet_octets(restored: &Restored<'_>, notes: &Notes<'_>) -> u64 {
    let comment = if notes.comment.is_empty() { 0 } else { 4 + notes.comment.len().next_multiple_of(4) };
    let numbers = 12 * (usize::from(notes.number > 0) + usize::from(notes.lost > 0));
    let end = if notes.is_empty() { 0 } else { 4 };
    (32 + restored.len().next_multiple_of(4) + comment + numbers + end) as u64
}

/// A frame, under the interface of this number.
pub(crate) fn packet(
    out: &mut Vec<u8>,
    frame: &RawFrame<'_>,
    restored: &Restored<'_>,
    interface: u16,
    notes: &Notes<'_>,
) {
    // A frame is at most as long as the readers and the kernel's ring take, far below 32 bits.
    let captured = u32::try_from(restored.len()).unwrap_or(u32::MAX);
    let tag = u32::try_from(restored.tag_octets()).unwrap_or(0);
    block(out, ENHANCED_PACKET, |out| {
        out.extend(u32::from(interface).to_le_bytes());
        stamp(out, frame.time);
        out.extend(captured.to_le_bytes());
        out.extend(frame.wire_length.saturating_add(tag).to_le_bytes());
        for piece in restored.pieces() {
            out.extend_from_slice(piece);
        }
        if notes.is_empty() {
            return;
        }
        // The block began at four octets, and so do its options.
        out.resize(out.len() + restored.len().next_multiple_of(4) - restored.len(), 0);
        if !notes.comment.is_empty() {
            option(out, COMMENT, notes.comment.as_bytes());
        }
        for (code, number) in [(DROP_COUNT, notes.lost), (PACKET_ID, notes.number)] {
            if number > 0 {
                option(out, code, &number.to_le_bytes());
            }
        }
        option(out, OPTION_END, &[]);
    });
}

/// Octets of the block that [`statistics`] writes.
pub(crate) fn statistics_octets(statistics: &Statistics<'_>) -> u64 {
    let comment =
        if statistics.comment.is_empty() { 0 } else { 4 + statistics.comment.len().next_multiple_of(4) };
    (40 + comment + if statistics.received.is_some() { 12 } else { 0 }) as u64
}

/// What an interface received and lost.
pub(crate) fn statistics(out: &mut Vec<u8>, interface: u16, statistics: &Statistics<'_>) {
    block(out, INTERFACE_STATISTICS, |out| {
        out.extend(u32::from(interface).to_le_bytes());
        stamp(out, statistics.time);
        if !statistics.comment.is_empty() {
            option(out, COMMENT, statistics.comment.as_bytes());
        }
        if let Some(received) = statistics.received {
            option(out, FRAMES_RECEIVED, &received.to_le_bytes());
        }
        option(out, DROPPED_BY_INTERFACE, &statistics.dropped.to_le_bytes());
        option(out, OPTION_END, &[]);
    });
}

/// Octets of the blocks that lie whole within the first `gone` octets.
pub(crate) fn whole_blocks(buffer: &[u8], gone: usize) -> u64 {
    let mut whole = 0;
    while let Some(length) = buffer.get(whole + 4..).and_then(<[u8]>::first_chunk::<4>) {
        let end = whole + u32::from_le_bytes(*length) as usize;
        if end > gone || end < whole + 12 {
            break;
        }
        whole = end;
    }
    whole as u64
}

/// A block: type, length, body padded to four octets, length.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    body(out);
    out.resize(start + (out.len() - start).next_multiple_of(4), 0);
    let length = u32::try_from(out.len() - start + 4).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(first) = out.get_mut(start + 4..start + 8) {
        first.copy_from_slice(&length);
    }
    out.extend(length);
}

/// A time as two halves, the high one first; before 1970 as 1970, which the format cannot pass.
fn stamp(out: &mut Vec<u8>, time: Timestamp) {
    let [a, b, c, d, e, f, g, h] = u64::try_from(time.nanos()).unwrap_or(0).to_le_bytes();
    out.extend([e, f, g, h, a, b, c, d]);
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend(code.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(value.iter().take(length.into()));
    out.resize(out.len() + usize::from(length).next_multiple_of(4) - usize::from(length), 0);
}
