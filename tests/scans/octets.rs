//! How the questions of a scan are spelled: hexadecimal, lengths, checksums.

/// Octets out of hexadecimal digits; blanks part them for the eye.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap_or_else(|_| panic!("{text}"))
        })
        .collect()
}

/// The low octet of a code.
pub(crate) fn low(code: u32) -> u8 {
    code.to_le_bytes()[0]
}

/// Sixteen bits, the high octet first.
pub(crate) fn big(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_be_bytes()
}

/// Sixteen bits, the low octet first.
pub(crate) fn little(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_le_bytes()
}

/// Octets behind a tag and a length of BER.
pub(crate) fn ber(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let front = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [&front, content].concat()
}

/// Octets behind a tag of BER that may be a high one.
pub(crate) fn ber_high(class: u8, tag: u32, content: &[u8]) -> Vec<u8> {
    if tag < 31 {
        ber(class | low(tag), content)
    } else {
        [vec![class | 31], ber(low(tag), content)].concat()
    }
}

/// A checksum that takes the low bit first.
pub(crate) fn crc(octets: &[u8], start: u16, polynomial: u16) -> u16 {
    octets.iter().fold(start, |sum, octet| {
        (0..8).fold(
            sum ^ u16::from(*octet),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ polynomial } else { sum >> 1 },
        )
    })
}

/// A checksum that takes the high bit first, of the polynomial 0x1021, from ones on.
pub(crate) fn crc_ccitt(octets: &[u8]) -> u16 {
    octets.iter().fold(0xffff, |sum, octet| {
        let start = sum ^ u16::from(*octet) << 8;
        (0..8).fold(start, |sum, _| if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 })
    })
}

/// Octets and their checksum as Modbus reckons it, the low octet first.
pub(crate) fn checked(octets: Vec<u8>, start: u16) -> Vec<u8> {
    let sum = crc(&octets, start, 0xa001).to_le_bytes();
    [octets, sum.to_vec()].concat()
}

/// A fragment of DNP3 in a frame of the link, of master 3 to outstation 10, sixteen octets and their checksum at a time (IEEE 1815 clause 9.2).
pub(crate) fn dnp3(fragment: &str) -> Vec<u8> {
    let data = hex(fragment);
    let checked = |octets: &[u8]| [octets, &(!crc(octets, 0, 0xa6bc)).to_le_bytes()].concat();
    let header = [vec![5, 0x64, u8::try_from(data.len() + 5).unwrap()], hex("c4 0a00 0300")].concat();
    [checked(&header), data.chunks(16).flat_map(checked).collect()].concat()
}

/// ISO transport on TCP: TPKT and COTP data around a unit (RFC 1006 clause 6, X.224 clause 13.7).
pub(crate) fn iso(unit: &[u8]) -> Vec<u8> {
    [&[3, 0][..], &big(unit.len() + 7), &[2, 0xf0, 0x80], unit].concat()
}

/// An Ethernet frame between two stations.
pub(crate) fn ethernet(kind: u16, octets: &[u8]) -> Vec<u8> {
    let mut frame = [&hex("020000000002 020000000001")[..], &kind.to_be_bytes(), octets].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// A frame on LLC (IEEE 802.3), to and from a service access point.
pub(crate) fn llc(point: u8, octets: &[u8]) -> Vec<u8> {
    ethernet(u16::try_from(octets.len() + 3).unwrap(), &[&[point, point, 3], octets].concat())
}

/// A word of letters for a code: `aab`.
pub(crate) fn word(code: u32) -> String {
    [code / 676, code / 26 % 26, code % 26].iter().map(|digit| char::from(b'a' + low(*digit))).collect()
}
