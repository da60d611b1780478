//! Blocks of a `TPACKET_V3` ring (Linux: Documentation/networking/packet_mmap.rst, include/uapi/linux/if_packet.h).
//!
//! ```text
//! block                                   frame
//!  0  version                              0  offset of the next frame, from this one
//!  4  offset to private data               4  seconds
//!  8  status                               8  nanoseconds
//! 12  frames                              12  octets captured
//! 16  offset of the first frame           16  octets on the wire
//! 20  length, 24 sequence, 32 times       20  status
//!                                         24  offset of the octets, 26 of the network layer
//!                                         28  hash, 32 tag control, 36 tag protocol
//! ```
//! All numbers stand in the order of the machine.

use std::ops::Range;

use fieldwarden_model::{frame::VlanTag, time::Timestamp};

use crate::window::ByteOrder;

const ORDER: ByteOrder = if cfg!(target_endian = "little") { ByteOrder::Little } else { ByteOrder::Big };
/// What a tag is where the kernel does not say (IEEE 802.1Q, table 9-1).
const CUSTOMER_TAG: u16 = 0x8100;

/// Where reading a block stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    at: usize,
    left: u32,
}

/// A frame in a block; its octets are counted from the start of the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) time: Timestamp,
    pub(crate) wire_length: u32,
    pub(crate) tag: Option<VlanTag>,
    pub(crate) bytes: Range<usize>,
    /// Whether the time is the network card's.
    pub(crate) by_hardware: bool,
}

/// Whether frames were lost since the counters were asked last, when the kernel closed the block.
pub(crate) fn is_losing(block: &[u8]) -> bool {
    ORDER.u32(block, 8) & libc::TP_STATUS_LOSING != 0
}

impl Cursor {
    pub(crate) fn begin(block: &[u8]) -> Self {
        Self { at: ORDER.u32(block, 16) as usize, left: ORDER.u32(block, 12) }
    }

    /// Frames the block has yet.
    pub(crate) const fn left(&self) -> u32 {
        self.left
    }

    /// The next frame of the block; none at its end, or where the kernel's numbers lead out of it.
    pub(crate) fn next(&mut self, block: &[u8]) -> Option<Packet> {
        if self.left == 0 {
            return None;
        }
        let frame = block.get(self.at..)?;
        let captured = ORDER.u32(frame, 12) as usize;
        let status = ORDER.u32(frame, 20);
        let start = self.at.checked_add(usize::from(ORDER.u16(frame, 24)))?;
        let bytes = start..start.checked_add(captured)?;
        block.get(bytes.clone())?;
        let packet = Packet {
            time: Timestamp::from_nanos(
                i64::from(ORDER.u32(frame, 4)) * 1_000_000_000 + i64::from(ORDER.u32(frame, 8)),
            ),
            wire_length: ORDER.u32(frame, 16),
            tag: (status & libc::TP_STATUS_VLAN_VALID != 0).then(|| VlanTag {
                protocol: match ORDER.u16(frame, 36) {
                    protocol if status & libc::TP_STATUS_VLAN_TPID_VALID != 0 => protocol,
                    _ => CUSTOMER_TAG,
                },
                control: ORDER.u16(frame, 32 + tag_control_offset()),
            }),
            bytes,
            by_hardware: status & libc::TP_STATUS_TS_RAW_HARDWARE != 0,
        };
        self.left -= 1;
        self.at += ORDER.u32(frame, 0) as usize;
        Some(packet)
    }
}

/// The tag control information is the lower half of a 32-bit word.
const fn tag_control_offset() -> usize {
    if cfg!(target_endian = "little") { 0 } else { 2 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_block_leads_out_of_itself(block in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut cursor = Cursor::begin(&block);
            for _ in 0..1_000 {
                let Some(packet) = cursor.next(&block) else { break };
                prop_assert!(packet.bytes.end <= block.len());
            }
        }
    }
}
