//! Captures built for tests, octet by octet.

use fieldwarden_model::{
    frame::{FrameRef, LinkType, Loss, RawFrame},
    time::Timestamp,
};

use crate::{FrameSource, Next, SourceError, window::ByteOrder};

/// A frame with everything borrowed copied out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) at: FrameRef,
    pub(crate) time: Timestamp,
    pub(crate) link_type: LinkType,
    pub(crate) interface: u16,
    pub(crate) wire_length: u32,
    pub(crate) bytes: Vec<u8>,
}

impl Owned {
    pub(crate) fn of(at: FrameRef, frame: &RawFrame<'_>) -> Self {
        Self {
            at,
            time: frame.time,
            link_type: frame.link_type,
            interface: frame.interface,
            wire_length: frame.wire_length,
            bytes: frame.bytes.to_vec(),
        }
    }
}

/// All frames of a source, and all that went wrong on the way.
pub(crate) fn all(source: &mut dyn FrameSource) -> (Vec<Owned>, Vec<SourceError>) {
    let (frames, errors, _) = all_and_lost(source);
    (frames, errors)
}

/// Likewise, and the losses, each with the number of the last frame before it.
pub(crate) fn all_and_lost(source: &mut dyn FrameSource) -> (Vec<Owned>, Vec<SourceError>, Vec<(u64, Loss)>) {
    let mut losses = Vec::new();
    let mut frames: Vec<Owned> = Vec::new();
    let mut errors = Vec::new();
    loop {
        match source.next_frame() {
            Ok(Next::Frame(at, frame)) => frames.push(Owned::of(at, &frame)),
            Ok(Next::Loss(loss)) => losses.push((frames.len() as u64, loss)),
            Ok(Next::Idle) => panic!("a file is never idle"),
            Ok(Next::End) => return (frames, errors, losses),
            Err(error) => errors.push(error),
        }
    }
}

/// Writes numbers in the order chosen.
pub(crate) struct Builder {
    pub(crate) order: ByteOrder,
    pub(crate) bytes: Vec<u8>,
    /// Where each frame of the capture is whole.
    pub(crate) whole_at: Vec<usize>,
}

impl Builder {
    pub(crate) const fn new(order: ByteOrder) -> Self {
        Self { order, bytes: Vec::new(), whole_at: Vec::new() }
    }

    pub(crate) fn u16(&mut self, number: u16) {
        match self.order {
            ByteOrder::Little => self.bytes.extend(number.to_le_bytes()),
            ByteOrder::Big => self.bytes.extend(number.to_be_bytes()),
        }
    }

    pub(crate) fn u32(&mut self, number: u32) {
        match self.order {
            ByteOrder::Little => self.bytes.extend(number.to_le_bytes()),
            ByteOrder::Big => self.bytes.extend(number.to_be_bytes()),
        }
    }

    pub(crate) fn pcap_header(&mut self, magic: u32, link_type: u32) {
        self.u32(magic);
        self.u16(2);
        self.u16(4);
        self.u32(0);
        self.u32(0);
        self.u32(262_144);
        self.u32(link_type);
    }

    pub(crate) fn pcap_record(
        &mut self,
        seconds: u32,
        units: u32,
        wire_length: u32,
        between: &[u8],
        data: &[u8],
    ) {
        self.u32(seconds);
        self.u32(units);
        self.u32(u32::try_from(data.len()).unwrap());
        self.u32(wire_length);
        self.bytes.extend(between);
        self.bytes.extend(data);
        self.whole_at.push(self.bytes.len());
    }

    /// A pcapng block of any kind.
    pub(crate) fn block(&mut self, kind: u32, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u32(kind);
        self.u32(0);
        body(self);
        self.bytes.resize((self.bytes.len() - start).next_multiple_of(4) + start, 0);
        let length = u32::try_from(self.bytes.len() - start + 4).unwrap();
        self.u32(length);
        let again = self.bytes[self.bytes.len() - 4..].to_vec();
        self.bytes[start + 4..start + 8].copy_from_slice(&again);
        if matches!(kind, 2 | 3 | 6) {
            self.whole_at.push(self.bytes.len());
        }
    }

    pub(crate) fn section(&mut self) {
        self.block(0x0a0d_0d0a, |b| {
            b.u32(0x1a2b_3c4d);
            b.u16(1);
            b.u16(0);
            b.u32(u32::MAX);
            b.u32(u32::MAX);
        });
    }

    pub(crate) fn interface(&mut self, link_type: u16, snap_length: u32, options: &[(u16, &[u8])]) {
        self.block(1, |b| {
            b.u16(link_type);
            b.u16(0);
            b.u32(snap_length);
            for (code, value) in options {
                b.u16(*code);
                b.u16(u16::try_from(value.len()).unwrap());
                b.bytes.extend(*value);
                b.bytes.resize(b.bytes.len().next_multiple_of(4), 0);
            }
        });
    }

    pub(crate) fn enhanced(&mut self, interface: u32, stamp: u64, wire_length: u32, data: &[u8]) {
        self.block(6, |b| {
            b.u32(interface);
            b.u32(u32::try_from(stamp >> 32).unwrap());
            b.u32(u32::try_from(stamp & 0xffff_ffff).unwrap());
            b.u32(u32::try_from(data.len()).unwrap());
            b.u32(wire_length);
            b.bytes.extend(data);
        });
    }
}

/// A small pcap of Ethernet frames at the given microseconds.
pub(crate) fn pcap_at(micros: &[u32]) -> Vec<u8> {
    let mut builder = Builder::new(ByteOrder::Little);
    builder.pcap_header(0xa1b2_c3d4, 1);
    for at in micros {
        builder.pcap_record(0, *at, 60, &[], &[7; 60]);
    }
    builder.bytes
}
