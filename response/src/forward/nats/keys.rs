//! Who we are to a server that knows its users by their keys: nkeys (Ed25519, RFC 8032) and JSON web tokens of NATS.
//!
//! A seed is written in base 32 (RFC 4648 section 6) without padding: two octets that say "seed" and whose, 32 octets of the key, and CRC-16/XMODEM over
//! both, the lower octet first. The public key is written likewise behind one octet, 160 for a user.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::super::ForwardError;

/// Octets of a file of credentials.
const MAX_FILE: u64 = 65_536;
/// The first five bits of a seed, and of what it is the seed of: a user.
const SEED: u8 = 18 << 3;
const USER: u8 = 20 << 3;

/// A user's key.
pub(super) struct Nkey(Ed25519KeyPair);

impl Nkey {
    /// The public key, as servers list it.
    pub(super) fn public(&self) -> String {
        let mut octets = vec![USER];
        octets.extend_from_slice(self.0.public_key().as_ref());
        octets.extend_from_slice(&crc16(&octets).to_le_bytes());
        base32(&octets)
    }

    /// The server's nonce, signed; base 64 for addresses (RFC 4648 section 5), without padding.
    pub(super) fn sign(&self, nonce: &str) -> String {
        base64url(self.0.sign(nonce.as_bytes()).as_ref())
    }
}

/// A key out of a file that holds a seed, alone or behind the line that announces it.
pub(super) fn nkey(file: &Path) -> Result<Nkey, ForwardError> {
    let text = text(file)?;
    let seed = section(&text, "USER NKEY SEED").or_else(|| text.split_ascii_whitespace().next());
    let key = seed.and_then(decode_seed);
    let unusable = || ForwardError::File {
        file: PathBuf::from(file),
        cause: "holds no seed of a user's nkey (`SU` and 56 more characters)".into(),
    };
    key.map(Nkey).ok_or_else(unusable)
}

/// The token of a `.creds` file, and its key.
pub(super) fn credentials(file: &Path) -> Result<(String, Nkey), ForwardError> {
    let text = text(file)?;
    let token = section(&text, "NATS USER JWT").map(str::to_owned);
    let unusable = || ForwardError::File {
        file: PathBuf::from(file),
        cause: "holds no `-----BEGIN NATS USER JWT-----` with a token behind it".into(),
    };
    Ok((token.ok_or_else(unusable)?, nkey(file)?))
}

fn text(file: &Path) -> Result<String, ForwardError> {
    let unusable = |cause: std::io::Error| ForwardError::File { file: file.into(), cause: cause.to_string() };
    let mut text = String::new();
    fs::File::open(file).map_err(unusable)?.take(MAX_FILE).read_to_string(&mut text).map_err(unusable)?;
    Ok(text)
}

/// The line behind the one that begins a section.
fn section<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let begin = format!("BEGIN {name}");
    text.lines()
        .skip_while(|line| !line.contains(&begin))
        .nth(1)
        .map(str::trim)
        .filter(|line| !line.is_empty())
}

fn decode_seed(text: &str) -> Option<Ed25519KeyPair> {
    let octets = from_base32(text)?;
    let (body, sum) = octets.split_last_chunk::<2>()?;
    let [first, second, seed @ ..] = body else { return None };
    let of = (first & 7) << 5 | second >> 3;
    if first & 0xf8 != SEED || of != USER || crc16(body) != u16::from_le_bytes(*sum) {
        return None;
    }
    Ed25519KeyPair::from_seed_unchecked(seed).ok()
}

/// CRC-16/XMODEM: polynomial 0x1021, from 0.
fn crc16(octets: &[u8]) -> u16 {
    octets.iter().fold(0, |sum, octet| {
        (0..8).fold(sum ^ u16::from(*octet) << 8, |sum: u16, _| {
            if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 }
        })
    })
}

fn base32(octets: &[u8]) -> String {
    digits(octets, 5, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
}

fn base64url(octets: &[u8]) -> String {
    digits(octets, 6, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
}

/// Digits of `width` bits each, the last one filled up with zeros.
fn digits(octets: &[u8], width: u32, alphabet: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut bits) = (0u32, 0);
    let mut digit = |value: u32| {
        let at = usize::try_from(value & ((1 << width) - 1)).unwrap_or(0);
        text.extend(alphabet.get(at).map(|octet| char::from(*octet)));
    };
    for octet in octets {
        held = held << 8 | u32::from(*octet);
        bits += 8;
        while bits >= width {
            bits -= width;
            digit(held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        digit(held << (width - bits));
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let (mut octets, mut held, mut bits) = (Vec::new(), 0u16, 0);
    for character in text.trim().bytes() {
        let digit = match character {
            b'A'..=b'Z' => character - b'A',
            b'2'..=b'7' => character - b'2' + 26,
            _ => return None,
        };
        held = held << 5 | u16::from(digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            octets.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_public_key_that_the_tool_of_nats_prints_beside_it() {
        // The example of the page "NKeys" of the NATS documentation.
        let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
        let key = Nkey(decode_seed(seed).unwrap());
        assert_eq!(key.public(), "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4");
        let broken = seed.replace("SUACSSL", "SUACSSM");
        assert!(decode_seed(&broken).is_none(), "the sum does not fit");
        assert!(decode_seed("").is_none() && decode_seed("SU").is_none() && decode_seed("ü").is_none());
    }

    #[test]
    fn digits_are_those_of_rfc_4648() {
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(from_base32("MZXW6YTBOI").unwrap(), b"foobar");
        assert_eq!(base64url(b"foobar"), "Zm9vYmFy");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn a_file_of_credentials_is_taken_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gateway.creds");
        let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
        let text = format!(
            "-----BEGIN NATS USER JWT-----\nab.cd.ef\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        fs::write(&file, text).unwrap();
        let (token, key) = credentials(&file).unwrap();
        assert_eq!((token.as_str(), key.public().get(..4)), ("ab.cd.ef", Some("UDXU")));
        fs::write(&file, seed).unwrap();
        assert!(nkey(&file).is_ok());
        let error = credentials(&file).map(drop).unwrap_err().to_string();
        assert!(error.contains("BEGIN NATS USER JWT") && !error.contains(seed), "{error}");
    }
}
