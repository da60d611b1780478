//! Frames as other networks carry them: inside each encapsulation that the link layers open, and in IP fragments.
//!
//! Lengths and IPv4 header checksums are right. A frame that an encapsulation cannot carry (too long, no IP in it, a
//! snapped one where the end matters) is given back as it is.

use fieldwarden_model::LinkType;

use super::frames::Frame;

/// How a frame is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrap {
    /// Two service tags and a customer tag before the frame's own.
    QinQ,
    /// A label stack before the IP packet.
    Mpls,
    /// A label stack and a control word before the whole frame.
    PseudowireWithWord,
    /// A label stack before the whole frame.
    Pseudowire,
    /// A PPP session over Ethernet.
    Pppoe,
    /// GRE with every optional field.
    Gre,
    /// GRE with nothing optional.
    GrePlain,
    /// The whole frame in GRE.
    GreBridged,
    /// The enhanced GRE of PPTP.
    Pptp,
    /// A mirror's GRE, without a header of its own.
    Erspan1,
    /// A mirror's GRE with the header of type II.
    Erspan2,
    /// A mirror's GRE with the header of type III and its subheader.
    Erspan3,
    /// The whole frame over UDP.
    Vxlan,
    /// VXLAN over IPv6.
    VxlanOver6,
    /// The whole frame over UDP, behind options.
    Geneve,
    /// The IP packet in an IPv4 packet.
    InIpv4,
    /// The IP packet in an IPv6 packet.
    InIpv6,
    /// A tag of a redundant ring.
    Hsr,
    /// A trailer of parallel networks.
    Prp,
    /// An ERSPAN session carried by VXLAN, as where a mirror crosses an overlay.
    MirrorInOverlay,
    /// A PPP line.
    PppLine,
    /// A serial line in Cisco's framing.
    HdlcLine,
}

impl Wrap {
    /// All of them.
    pub(crate) const ALL: [Self; 22] = [
        Self::QinQ,
        Self::Mpls,
        Self::PseudowireWithWord,
        Self::Pseudowire,
        Self::Pppoe,
        Self::Gre,
        Self::GrePlain,
        Self::GreBridged,
        Self::Pptp,
        Self::Erspan1,
        Self::Erspan2,
        Self::Erspan3,
        Self::Vxlan,
        Self::VxlanOver6,
        Self::Geneve,
        Self::InIpv4,
        Self::InIpv6,
        Self::Hsr,
        Self::Prp,
        Self::MirrorInOverlay,
        Self::PppLine,
        Self::HdlcLine,
    ];
}

/// Hardware addresses of the tunnel's ends, which belong to nobody in any capture.
const ENDS: [u8; 12] = [2, 0, 0, 0, 0xfe, 1, 2, 0, 0, 0, 0xfe, 2];
const LABELS: [u8; 8] = [0, 0x01, 0x00, 63, 0, 0x02, 0x01, 63];

/// The frame, carried as `how` says.
pub(crate) fn wrap(frame: &Frame, how: Wrap) -> Frame {
    wrapped(frame, how).unwrap_or_else(|| frame.clone())
}

fn wrapped(frame: &Frame, how: Wrap) -> Option<Frame> {
    let plain = on_ethernet(frame)?;
    let missing = frame.wire_length as usize - frame.bytes.len();
    let inner = Inner { frame: &plain, missing };
    let ethernet = LinkType::ETHERNET;
    let (link_type, bytes) = match how {
        Wrap::QinQ => (ethernet, inner.tagged(&[0x88, 0xa8, 0, 100, 0x88, 0xa8, 0, 101, 0x81, 0, 0, 102])),
        Wrap::Mpls => (ethernet, inner.instead_of_ip([0x88, 0x47], &LABELS)?),
        Wrap::PseudowireWithWord => {
            (ethernet, [&ENDS[..], &[0x88, 0x47], &LABELS, &[0, 0, 0, 7], &plain].concat())
        }
        Wrap::Pseudowire => (ethernet, [&ENDS[..], &[0x88, 0x47], &LABELS, &plain].concat()),
        Wrap::Pppoe => {
            let (kind, packet) = inner.packet()?;
            let length = u16::try_from(packet.len() + missing + 2).ok()?.to_be_bytes();
            let header = [&[0x11, 0, 0, 9][..], &length, &ppp_protocol(kind)].concat();
            (ethernet, inner.instead_of_ip([0x88, 0x64], &header)?)
        }
        Wrap::Gre => {
            let (kind, packet) = inner.packet()?;
            let header = [&[0xb0, 0][..], &kind, &[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 8]].concat();
            (ethernet, over_ipv4(47, &[&header, packet].concat(), missing)?)
        }
        Wrap::GrePlain => {
            let (kind, packet) = inner.packet()?;
            (ethernet, over_ipv4(47, &[&[0, 0], &kind[..], packet].concat(), missing)?)
        }
        Wrap::GreBridged => (ethernet, over_ipv4(47, &[&[0, 0, 0x65, 0x58], &plain[..]].concat(), missing)?),
        Wrap::Pptp => {
            let (kind, packet) = inner.packet()?;
            let length = u16::try_from(packet.len() + missing + 4).ok()?.to_be_bytes();
            let header = [&[0x30, 0x81, 0x88, 0x0b][..], &length, &[0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 3]];
            let octets = [&header.concat(), &ppp_protocol(kind)[..], packet].concat();
            (ethernet, over_ipv4(47, &octets, missing)?)
        }
        Wrap::Erspan1 => (ethernet, over_ipv4(47, &[&[0, 0, 0x88, 0xbe], &plain[..]].concat(), missing)?),
        Wrap::Erspan2 => (ethernet, erspan_2(&plain, missing)?),
        Wrap::Erspan3 => {
            let header = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 7, 0, 0, 0, 9, 0, 0, 0x80, 1];
            let octets = [&header[..], &[1, 0, 0, 0, 0, 0, 0, 1], &plain].concat();
            (ethernet, over_ipv4(47, &octets, missing)?)
        }
        Wrap::Vxlan => (ethernet, over_ipv4(17, &vxlan(&plain, missing)?, missing)?),
        Wrap::VxlanOver6 => (ethernet, over_ipv6(17, &vxlan(&plain, missing)?, missing)?),
        Wrap::Geneve => {
            let header = [3, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 1, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8];
            let octets = udp(6_081, &[&header[..], &plain].concat(), missing)?;
            (ethernet, over_ipv4(17, &octets, missing)?)
        }
        Wrap::InIpv4 => (ethernet, over_ipv4(inner.protocol()?, inner.packet()?.1, missing)?),
        Wrap::InIpv6 => (ethernet, over_ipv6(inner.protocol()?, inner.packet()?.1, missing)?),
        Wrap::Hsr => (ethernet, inner.hsr()?),
        Wrap::Prp => (ethernet, inner.prp()?),
        Wrap::MirrorInOverlay => {
            let mirrored = erspan_2(&plain, missing)?;
            (ethernet, over_ipv4(17, &vxlan(&mirrored, missing)?, missing)?)
        }
        Wrap::PppLine => {
            let (kind, packet) = inner.packet()?;
            (LinkType::PPP, [&[0xff, 3], &ppp_protocol(kind)[..], packet].concat())
        }
        Wrap::HdlcLine => {
            let (kind, packet) = inner.packet()?;
            (LinkType::C_HDLC, [&[0x0f, 0], &kind[..], packet].concat())
        }
    };
    let wire_length = u32::try_from(bytes.len() + missing).ok()?;
    Some(Frame { time: frame.time, link_type, wire_length, tag: None, bytes })
}

/// The frame with an Ethernet header and all its tags within.
fn on_ethernet(frame: &Frame) -> Option<Vec<u8>> {
    let bytes = &frame.bytes;
    let start = match frame.link_type {
        LinkType::ETHERNET => {
            let (addresses, rest) = (bytes.get(..12)?, bytes.get(12..)?);
            let tag = frame.tag.map(|tag| [tag.protocol.to_be_bytes(), tag.control.to_be_bytes()].concat());
            return (rest.len() >= 2).then(|| [addresses, &tag.unwrap_or_default(), rest].concat());
        }
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => 0,
        LinkType::NULL | LinkType::LOOP => 4,
        LinkType::LINUX_SLL => 16,
        LinkType::LINUX_SLL2 => 20,
        _ => return None,
    };
    let kind = match bytes.get(start)? >> 4 {
        4 => [0x08, 0x00],
        6 => [0x86, 0xdd],
        _ => return None,
    };
    Some([&ENDS, &kind[..], &bytes[start..]].concat())
}

/// A frame on Ethernet, and how many octets of its end were not captured.
struct Inner<'a> {
    frame: &'a [u8],
    missing: usize,
}

impl<'a> Inner<'a> {
    /// Where the EtherType stands, behind all tags.
    fn kind_at(&self) -> Option<usize> {
        let mut at = 12;
        while matches!(self.frame.get(at..at + 2)?, [0x81, 0] | [0x88, 0xa8] | [0x91, 0]) {
            at += 4;
        }
        self.frame.get(at..at + 2).map(|_| at)
    }

    /// The IP packet without padding, and its EtherType.
    fn packet(&self) -> Option<([u8; 2], &'a [u8])> {
        let at = self.kind_at()?;
        let (kind, rest) = (self.frame[at..].first_chunk::<2>()?, &self.frame[at + 2..]);
        let length = |n: usize| Some(usize::from(u16::from_be_bytes(*rest.get(n..)?.first_chunk::<2>()?)));
        let total = match (kind, rest.first()? >> 4) {
            ([0x08, 0x00], 4) => length(2)?,
            ([0x86, 0xdd], 6) => length(4)? + 40,
            _ => return None,
        };
        // Lengths of 0 and beyond the frame are left as they are.
        let whole = self.missing == 0 && total > 40 && total <= rest.len();
        Some((*kind, if whole { &rest[..total] } else { rest }))
    }

    /// The IP protocol number of the packet's version.
    fn protocol(&self) -> Option<u8> {
        self.packet().map(|(kind, _)| if kind == [0x08, 0x00] { 4 } else { 41 })
    }

    /// The link header with tags in front.
    fn tagged(&self, tags: &[u8]) -> Vec<u8> {
        [&self.frame[..12], tags, &self.frame[12..]].concat()
    }

    /// The link header with another EtherType, then `header`, then the packet.
    fn instead_of_ip(&self, kind: [u8; 2], header: &[u8]) -> Option<Vec<u8>> {
        let (_, packet) = self.packet()?;
        Some([&self.frame[..self.kind_at()?], &kind, header, packet].concat())
    }

    fn hsr(&self) -> Option<Vec<u8>> {
        let at = self.kind_at()?;
        let size =
            u16::try_from(self.frame.len() + self.missing - at - 2 + 6).ok().filter(|size| *size < 4_096)?;
        let tag = [&[0x89, 0x2f][..], &(0x2000 | size).to_be_bytes(), &[0x12, 0x34]].concat();
        Some([&self.frame[..at], &tag, &self.frame[at..]].concat())
    }

    fn prp(&self) -> Option<Vec<u8>> {
        let at = self.kind_at().filter(|_| self.missing == 0)?;
        // A packet without a length was captured before the card cut it: so it never was on a wire, where trailers are put.
        if let [0x08, 0x00, _, _, 0, 0, ..] = self.frame[at..] {
            return None;
        }
        let mut frame = self.frame.to_vec();
        frame.resize(frame.len().max(60), 0);
        let size = u16::try_from(frame.len() - at - 2 + 6).ok().filter(|size| *size < 4_096)?;
        frame.extend_from_slice(&[0x12, 0x34]);
        frame.extend_from_slice(&(0xb000 | size).to_be_bytes());
        frame.extend_from_slice(&[0x88, 0xfb]);
        Some(frame)
    }
}

fn ppp_protocol(kind: [u8; 2]) -> [u8; 2] {
    if kind == [0x08, 0x00] { [0, 0x21] } else { [0, 0x57] }
}

fn erspan_2(frame: &[u8], missing: usize) -> Option<Vec<u8>> {
    let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0x18, 7, 0, 0, 0, 3];
    over_ipv4(47, &[&header[..], frame].concat(), missing)
}

fn vxlan(frame: &[u8], missing: usize) -> Option<Vec<u8>> {
    udp(4_789, &[&[8, 0, 0, 0, 0, 0, 42, 0], frame].concat(), missing)
}

/// A datagram without checksum, as tunnels send them (RFC 7348 clause 5, RFC 6935).
fn udp(port: u16, data: &[u8], missing: usize) -> Option<Vec<u8>> {
    let length = u16::try_from(8 + data.len() + missing).ok()?.to_be_bytes();
    Some([&[0xc0, 0], &port.to_be_bytes()[..], &length, &[0, 0], data].concat())
}

fn over_ipv4(protocol: u8, payload: &[u8], missing: usize) -> Option<Vec<u8>> {
    let [t0, t1] = u16::try_from(20 + payload.len() + missing).ok()?.to_be_bytes();
    let mut header = [0x45, 0, t0, t1, 0x12, 0x34, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    put_checksum(&mut header);
    Some([&ENDS, &[0x08, 0x00][..], &header, payload].concat())
}

fn over_ipv6(next: u8, payload: &[u8], missing: usize) -> Option<Vec<u8>> {
    let [l0, l1] = u16::try_from(payload.len() + missing).ok()?.to_be_bytes();
    let end = |n: u8| [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n];
    let header = [&[0x60, 0, 0, 0, l0, l1, next, 64][..], &end(1), &end(2)].concat();
    Some([&ENDS, &[0x86, 0xdd][..], &header, payload].concat())
}

/// Fills in the checksum of an IPv4 header (RFC 791 clause 3.1).
pub(crate) fn put_checksum(header: &mut [u8]) {
    header[10..12].fill(0);
    let mut sum: u32 = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let sum = !u16::try_from(sum).unwrap();
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// The frame's outermost IP packet in fragments of at most `octets` octets each, a multiple of eight; the frame as it is
/// where it fits, is none on Ethernet with whole IP, or may not be cut.
pub(crate) fn fragments(frame: &Frame, octets: usize, id: u16) -> Vec<Frame> {
    fragmented(frame, octets / 8 * 8, id).unwrap_or_else(|| vec![frame.clone()])
}

fn fragmented(frame: &Frame, octets: usize, id: u16) -> Option<Vec<Frame>> {
    let missing = frame.wire_length as usize - frame.bytes.len();
    if frame.link_type != LinkType::ETHERNET || missing != 0 || octets == 0 {
        return None;
    }
    let inner = Inner { frame: &frame.bytes, missing };
    let link = &frame.bytes[..inner.kind_at()? + 2];
    let (kind, packet) = inner.packet()?;
    let version_4 = kind == [0x08, 0x00];
    let header_length = if version_4 { usize::from(packet[0] & 15) * 4 } else { 40 };
    let whole = !version_4 || u16::from_be_bytes(*packet.get(6..)?.first_chunk()?) & 0x3fff == 0;
    let (header, payload) = packet.split_at_checked(header_length).filter(|_| whole)?;
    if payload.len() <= octets {
        return None;
    }
    let last = (payload.len() - 1) / octets;
    let fragment = |(n, part): (usize, &[u8])| {
        let place = u16::try_from(n * octets).ok()?;
        let more = n < last;
        let bytes = if version_4 {
            let mut header = header.to_vec();
            let total = u16::try_from(header.len() + part.len()).ok()?;
            header[2..4].copy_from_slice(&total.to_be_bytes());
            header[4..6].copy_from_slice(&id.to_be_bytes());
            header[6..8].copy_from_slice(&((place / 8) | if more { 0x2000 } else { 0 }).to_be_bytes());
            put_checksum(&mut header);
            [link, &header, part].concat()
        } else {
            let mut header = header.to_vec();
            header[4..6].copy_from_slice(&u16::try_from(8 + part.len()).ok()?.to_be_bytes());
            let next = core::mem::replace(&mut header[6], 44);
            let [p0, p1] = (place | u16::from(more)).to_be_bytes();
            let [i0, i1] = id.to_be_bytes();
            [link, &header, &[next, 0, p0, p1, 0, 0, i0, i1], part].concat()
        };
        let wire_length = u32::try_from(bytes.len()).ok()?;
        Some(Frame { wire_length, bytes, ..frame.clone() })
    };
    payload.chunks(octets).enumerate().map(fragment).collect()
}
