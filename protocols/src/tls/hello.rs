//! Hellos: names, versions, and the fingerprint JA4 of a client (FoxIO, "JA4: TLS Client Fingerprinting").

use core::fmt::Write;

use heapless::Vec;
use sha2::{Digest, Sha256};

use crate::{
    FieldValue, FieldVisitor,
    cursor::Cursor,
    plain::{Text, number, words},
};

/// Cipher suites, extensions and signature algorithms looked at in one hello.
const MAX_LISTED: usize = 128;

/// Extensions, RFC 8446 clause 4.2 and RFC 7301.
mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const APPLICATION_PROTOCOLS: u16 = 16;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
}

type List = Vec<u16, MAX_LISTED>;

/// The parts of a hello, RFC 8446 clause 4.1.2.
struct Hello<'a> {
    version: u16,
    /// The client's suites, or the one that the server chose.
    suites: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Hello<'a> {
    fn read(content: &'a [u8], by_client: bool) -> Option<Self> {
        let mut cursor = Cursor::new(content);
        let version = cursor.u16()?;
        cursor.skip(32)?;
        let session = cursor.u8()?;
        cursor.skip(session.into())?;
        let suites = if by_client { sized(&mut cursor)? } else { cursor.take(2)? };
        let methods = if by_client { usize::from(cursor.u8()?) } else { 1 };
        cursor.skip(methods)?;
        let extensions = cursor.u16().map_or(&[][..], |length| cursor.take_up_to(length.into()));
        Some(Self { version, suites, extensions })
    }

    fn extensions(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut cursor = Cursor::new(self.extensions);
        core::iter::from_fn(move || {
            let kind = cursor.u16()?;
            Some((kind, sized(&mut cursor)?))
        })
    }

    fn extension(&self, wanted: u16) -> Option<&'a [u8]> {
        self.extensions().find_map(|(kind, content)| (kind == wanted).then_some(content))
    }

    /// The first protocol offered on top, RFC 7301.
    fn application(&self) -> Option<&'a [u8]> {
        let mut cursor = Cursor::new(self.extension(extension::APPLICATION_PROTOCOLS)?);
        cursor.skip(2)?;
        let length = cursor.u8()?;
        cursor.take(length.into())
    }
}

/// Octets behind their length of two octets.
fn sized<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u16()?;
    cursor.take(length.into())
}

/// Values reserved so that nobody relies on lists being known, RFC 8701.
const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

fn list(octets: &[u8]) -> List {
    octets
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u16::from_be_bytes(*pair))
        .filter(|value| !is_grease(*value))
        .take(MAX_LISTED)
        .collect()
}

/// Whether a server's hello chooses version 1.3.
pub(super) fn is_third(content: &[u8]) -> bool {
    Hello::read(content, false).and_then(|hello| hello.extension(extension::SUPPORTED_VERSIONS))
        == Some(&[3, 4])
}

pub(super) fn server(content: &[u8], visitor: &mut dyn FieldVisitor) {
    let Some(hello) = Hello::read(content, false) else { return };
    let chosen = hello.extension(extension::SUPPORTED_VERSIONS).and_then(|octets| Cursor::new(octets).u16());
    visitor.field("version", number(chosen.unwrap_or(hello.version)));
    for suite in list(hello.suites) {
        visitor.field("cipher_suite", number(suite));
    }
    if let Some(protocol) = hello.application() {
        visitor.field("application_protocol", words(protocol));
    }
}

pub(super) fn client(content: &[u8], visitor: &mut dyn FieldVisitor) {
    let Some(hello) = Hello::read(content, true) else { return };
    visitor.field("version", number(offered(&hello)));
    // RFC 6066 clause 3: a list with its length, then for a host name a zero octet, a length and the name.
    if let Some([_, _, 0, _, _, name @ ..]) = hello.extension(extension::SERVER_NAME) {
        visitor.field("server_name", words(name));
    }
    if let Some(protocol) = hello.application() {
        visitor.field("application_protocol", words(protocol));
    }
    visitor.field("ja4", FieldValue::Text(ja4(&hello).as_str()));
}

/// The highest version that a client offers.
fn offered(hello: &Hello<'_>) -> u16 {
    let versions = hello.extension(extension::SUPPORTED_VERSIONS).and_then(|octets| octets.get(1..));
    versions.and_then(|octets| list(octets).into_iter().max()).unwrap_or(hello.version)
}

/// JA4 of a client over TCP: a readable part, then hashes of sorted suites, and of sorted extensions with signature
/// algorithms in their order.
fn ja4(hello: &Hello<'_>) -> Text<48> {
    let mut suites = list(hello.suites);
    let mut extensions: List =
        hello.extensions().map(|(kind, _)| kind).filter(|kind| !is_grease(*kind)).take(MAX_LISTED).collect();
    let named = extensions.contains(&extension::SERVER_NAME);
    let version = match offered(hello) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        _ => "00",
    };
    let mut text = Text::new();
    // Into a room that is always large enough.
    let _ = write!(
        text,
        "t{version}{}{:02}{:02}",
        if named { 'd' } else { 'i' },
        suites.len().min(99),
        extensions.len().min(99)
    );
    ends(hello.application().unwrap_or_default(), &mut text);
    suites.sort_unstable();
    extensions.retain(|kind| !matches!(*kind, extension::SERVER_NAME | extension::APPLICATION_PROTOCOLS));
    extensions.sort_unstable();
    let algorithms = hello
        .extension(extension::SIGNATURE_ALGORITHMS)
        .and_then(|octets| octets.get(2..))
        .map(list)
        .unwrap_or_default();
    text.push('_');
    hash(&suites, &[], &mut text);
    text.push('_');
    hash(&extensions, &algorithms, &mut text);
    text
}

/// The first and last sign of the first protocol on top; where either is no letter or digit, those of its hexadecimal form.
fn ends(protocol: &[u8], text: &mut Text<48>) {
    let (Some(first), Some(last)) = (protocol.first(), protocol.last()) else {
        text.push_ascii(b"00");
        return;
    };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        text.push_ascii(&[*first, *last]);
    } else {
        let _ = write!(text, "{:x}{:x}", first >> 4, last & 0xf);
    }
}

/// The first twelve signs of the hash over a list, and over another behind it.
fn hash(list: &[u16], behind: &[u16], text: &mut Text<48>) {
    if list.is_empty() {
        text.push_ascii(b"000000000000");
        return;
    }
    let mut hasher = Sha256::new();
    for (values, before) in [(list, ""), (behind, "_")] {
        for (place, value) in values.iter().enumerate() {
            let mut word = Text::<8>::new();
            let _ = write!(word, "{}{value:04x}", if place == 0 { before } else { "," });
            hasher.update(word.as_str().as_bytes());
        }
    }
    for octet in hasher.finalize().iter().take(6) {
        let _ = write!(text, "{octet:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_published_example() {
        let mut suites = [
            0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
            0x009d, 0x002f, 0x0035,
        ];
        suites.sort_unstable();
        let extensions = [
            0x0005, 0x000a, 0x000b, 0x000d, 0x0012, 0x0015, 0x0017, 0x001b, 0x0023, 0x002b, 0x002d, 0x0033,
            0x4469, 0xff01,
        ];
        let algorithms = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        let mut text = Text::new();
        hash(&suites, &[], &mut text);
        hash(&extensions, &algorithms, &mut text);
        assert_eq!(text.as_str(), "8daaf6152771e5627efa2ab1");
    }
}
