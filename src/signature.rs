//! Signatures of baselines: a person vouches for every octet of the file, and nobody changed it since.
//!
//! Ed25519 (RFC 8032) over the line [`PURPOSE`] and the octets of the file, so that no signature of anything else passes for one. The
//! signature stands beside the file, in `baseline.toml.sig`, as three lines: what it is, the public key, the signature, both in
//! hexadecimal. Keys are PEM files as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` make them
//! (RFC 8410 clauses 4 and 7).

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject as _};

/// The first line of a signature.
const HEAD: &str = "fieldwarden signature 1";
/// What is signed begins with it.
const PURPOSE: &[u8] = b"fieldwarden baseline\n";
/// What stands before the 32 octets of a public key (RFC 8410 clause 4): a sequence of the algorithm's identifier and a bit string.
const KEY_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// A signature file is this long at most.
const MAX_OCTETS: usize = 1_024;

/// Someone who may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signer {
    /// The name of the file of the public key, without its ending.
    pub(crate) name: String,
    key: [u8; 32],
}

/// Where the signature of a file stands.
pub(crate) fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

impl Signer {
    /// Reads a public key.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let fault =
            |what: &str| format!("`{}` {what}; `openssl pkey -in KEY -pubout` makes one", path.display());
        let key = SubjectPublicKeyInfoDer::from_pem_file(path)
            .map_err(|cause| fault(&format!("is no public key in PEM ({cause})")))?;
        let key = key.strip_prefix(&KEY_PREFIX).and_then(|key| key.try_into().ok());
        let key = key.ok_or_else(|| fault("is no public key of Ed25519"))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, key })
    }
}

/// The signature of a file's octets by a private key.
pub(crate) fn sign(octets: &[u8], key: &Path) -> Result<String, String> {
    let fault =
        |what: &str| format!("`{}` {what}; `openssl genpkey -algorithm ed25519` makes one", key.display());
    let der = PrivatePkcs8KeyDer::from_pem_file(key)
        .map_err(|cause| fault(&format!("is no private key in PEM ({cause})")))?;
    let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der())
        .map_err(|_| fault("is no private key of Ed25519"))?;
    let signature = pair.sign(&message(octets));
    Ok(format!(
        "{HEAD}\nkey {}\nsignature {}\n",
        hexadecimal(pair.public_key().as_ref()),
        hexadecimal(signature.as_ref())
    ))
}

/// Who signed the octets, one of `signers`; or why that cannot be said.
pub(crate) fn verify<'a>(
    octets: &[u8],
    signature: &str,
    signers: &'a [Signer],
) -> Result<&'a Signer, String> {
    let mut lines = signature.lines();
    let is_one = signature.len() <= MAX_OCTETS && lines.next() == Some(HEAD);
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ').and_then(octets_of);
    let (Some(key), Some(signed), true) = (field("key"), field("signature"), is_one) else {
        return Err(format!("the signature is none: it does not read `{HEAD}`, `key ..`, `signature ..`"));
    };
    let Some(signer) = signers.iter().find(|signer| signer.key == *key) else {
        return Err(String::from("it is signed by a key that is not among `signers`"));
    };
    UnparsedPublicKey::new(&ED25519, signer.key)
        .verify(&message(octets), &signed)
        .map(|()| signer)
        .map_err(|_| format!("it was changed after {} signed it", signer.name))
}

fn message(octets: &[u8]) -> Vec<u8> {
    [PURPOSE, octets].concat()
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn octets_of(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8410 clause 10.3, and its public key of clause 10.1.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn keys() -> (tempfile::TempDir, PathBuf, Signer) {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = (folder.path().join("maria.key"), folder.path().join("maria.pem"));
        std::fs::write(&private, PRIVATE).unwrap();
        std::fs::write(&public, PUBLIC).unwrap();
        let signer = Signer::read(&public).unwrap();
        (folder, private, signer)
    }

    #[test]
    fn what_was_signed_is_known_by_its_signer() {
        let (_folder, private, signer) = keys();
        let text = b"mode = \"production\"\n";
        let signature = sign(text, &private).unwrap();
        assert_eq!(verify(text, &signature, &[signer]).unwrap().name, "maria");
    }

    #[test]
    fn one_changed_octet_anywhere_is_told() {
        let (_folder, private, signer) = keys();
        let text = b"mode = \"production\"\n".to_vec();
        let signature = sign(&text, &private).unwrap();
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            let fault = verify(&changed, &signature, std::slice::from_ref(&signer)).unwrap_err();
            assert_eq!(fault, "it was changed after maria signed it");
        }
        for cut in 0..signature.len() - 1 {
            let cut = signature.get(..cut).unwrap();
            assert!(verify(&text, cut, std::slice::from_ref(&signer)).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_stranger_signs_for_nobody() {
        let (_folder, private, _) = keys();
        let signature = sign(b"x", &private).unwrap();
        let fault = verify(b"x", &signature, &[]).unwrap_err();
        assert!(fault.contains("not among `signers`"), "{fault}");
    }

    #[test]
    fn what_is_no_key_is_named_with_the_way_out() {
        let (folder, private, _) = keys();
        let fault = Signer::read(&private).unwrap_err();
        assert!(fault.contains("maria.key") && fault.contains("openssl pkey"), "{fault}");
        let fault = sign(b"x", &folder.path().join("none")).unwrap_err();
        assert!(fault.contains("none") && fault.contains("openssl genpkey"), "{fault}");
    }
}
