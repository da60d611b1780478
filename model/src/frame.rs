//! A frame as the sensor hands it on: raw bytes, when, from where, and what the capture knows beside the bytes.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A link type of the tcpdump.org registry (LINKTYPE_ values).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback, address family in the byte order of the capturing machine.
    pub const NULL: Self = Self(0);
    /// Ethernet, without the frame check sequence.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without the address and control octets of HDLC framing.
    pub const PPP: Self = Self(9);
    /// A serial line with PPP in HDLC framing, or with Cisco's.
    pub const PPP_HDLC: Self = Self(50);
    /// IPv4 or IPv6 without a link layer.
    pub const RAW: Self = Self(101);
    /// A serial line with Cisco's HDLC framing.
    pub const C_HDLC: Self = Self(104);
    /// Frame relay, without the flags and the check sequence.
    pub const FRELAY: Self = Self(107);
    /// OpenBSD loopback, address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// BACnet MS/TP, preamble included.
    pub const BACNET_MS_TP: Self = Self(165);
    /// CAN frames with the header of Linux SocketCAN, identifier in network byte order.
    pub const CAN_SOCKETCAN: Self = Self(227);
    /// IPv4 without a link layer.
    pub const IPV4: Self = Self(228);
    /// IPv6 without a link layer.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// A VLAN tag that the kernel took out of the frame and reported beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanTag {
    /// Tag protocol identifier, `0x8100` or `0x88a8`.
    pub protocol: u16,
    /// Tag control information: priority, drop eligibility, VLAN id.
    pub control: u16,
}

/// One frame off the wire or out of a file.
#[derive(Clone, Copy, Debug)]
pub struct RawFrame<'a> {
    /// When the frame was captured.
    pub time: Timestamp,
    /// How the bytes begin.
    pub link_type: LinkType,
    /// Which capturing interface, from 0.
    pub interface: u16,
    /// Octets the frame had on the wire; more than `bytes` holds when the capture was snapped.
    pub wire_length: u32,
    /// The outermost tag, where the kernel reports it beside the bytes.
    pub tag: Option<VlanTag>,
    /// The captured octets.
    pub bytes: &'a [u8],
}

/// Frames that the capture itself lost: the kernel or the capturing program had no room for them. What a mirror never
/// delivered is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When the loss was noticed; the frames were lost before. Never taken for the time of the traffic.
    pub time: Timestamp,
    /// Which capturing interface, as in [`RawFrame::interface`].
    pub interface: u16,
    /// How many, 1 at least.
    pub frames: u64,
}

/// Where a frame stands: its number, from 1, within its capture, from 0 in the order given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameRef {
    /// Index of the capture in the order given; 0 for a live capture.
    pub capture: u16,
    /// Frame number within the capture, from 1.
    pub number: u64,
}
