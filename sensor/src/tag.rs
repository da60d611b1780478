//! VLAN tags that the kernel took out of a frame, and where they belong.

use fieldwarden_model::frame::{LinkType, RawFrame};

/// Destination and source address: the tag stands behind them (IEEE 802.1Q, 9.3).
const ADDRESS_OCTETS: usize = 12;

/// A frame as it was on the wire, in pieces, so that putting the tag back copies nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored<'a> {
    /// What stands before the tag; everything where there is none.
    pub head: &'a [u8],
    /// The tag as it was on the wire: protocol identifier, then control information.
    pub tag: Option<[u8; 4]>,
    /// What stands behind it.
    pub tail: &'a [u8],
}

impl<'a> Restored<'a> {
    /// The pieces of a frame. A tag is put back into an Ethernet frame that holds both its addresses; on any other
    /// link, and in a frame snapped shorter, there is no place for it.
    #[must_use]
    pub fn of(frame: &RawFrame<'a>) -> Self {
        let place = frame.tag.filter(|_| frame.link_type == LinkType::ETHERNET);
        match place.zip(frame.bytes.split_at_checked(ADDRESS_OCTETS)) {
            Some((tag, (head, tail))) => {
                let [a, b] = tag.protocol.to_be_bytes();
                let [c, d] = tag.control.to_be_bytes();
                Self { head, tag: Some([a, b, c, d]), tail }
            }
            None => Self { head: frame.bytes, tag: None, tail: &[] },
        }
    }

    /// The pieces in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        [self.head, self.tag.as_ref().map_or(&[], |tag| tag.as_slice()), self.tail].into_iter()
    }

    /// Octets of all pieces.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.head.len() + self.tag_octets() + self.tail.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// 4 where a tag was put back, else 0: by so much the frame was longer on the wire than the kernel says.
    #[must_use]
    pub const fn tag_octets(&self) -> usize {
        if self.tag.is_some() { 4 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{frame::VlanTag, time::Timestamp};

    use super::*;

    #[test]
    fn a_tag_goes_back_behind_the_addresses_and_nowhere_else() {
        let bytes: Vec<u8> = (0..20).collect();
        let tag = Some(VlanTag { protocol: 0x88a8, control: 0x6014 });
        let frame = RawFrame {
            time: Timestamp::default(),
            link_type: LinkType::ETHERNET,
            interface: 0,
            wire_length: 20,
            tag,
            bytes: &bytes,
        };
        let whole: Vec<u8> = Restored::of(&frame).pieces().flatten().copied().collect();
        assert_eq!(whole[..16], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x88, 0xa8, 0x60, 0x14]);
        assert_eq!((whole.len(), Restored::of(&frame).len()), (24, 24));
        let short = RawFrame { bytes: &bytes[..11], ..frame };
        assert_eq!(Restored::of(&short).len(), 11);
        let raw = RawFrame { link_type: LinkType::RAW, ..frame };
        assert_eq!(Restored::of(&raw).tag, None);
    }
}
