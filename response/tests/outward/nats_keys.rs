//! Users that a nats-server knows by their keys: an nkey of its own configuration, and tokens that an account signed for an operator.

use std::{fs, path::Path};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::{
    nats_peer::{Soc, destination, server, text},
    sample,
};

/// The example of the NATS documentation.
const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
/// What keys are of, in front of them: an operator, an account, a user; and of a seed.
const OPERATOR: u8 = 14 << 3;
const ACCOUNT: u8 = 0;
const USER: u8 = 20 << 3;
const SEEDS: u8 = 18 << 3;

/// Digits of `bits` bits each, as RFC 4648 has them.
fn digits(octets: &[u8], bits: usize, alphabet: &str) -> String {
    let all: Vec<u8> = octets.iter().flat_map(|octet| (0..8).rev().map(move |at| octet >> at & 1)).collect();
    let digit = |piece: &[u8]| {
        let value = piece.iter().fold(0usize, |value, bit| value << 1 | usize::from(*bit));
        char::from(alphabet.as_bytes()[value << (bits - piece.len())])
    };
    all.chunks(bits).map(digit).collect()
}

fn base64(octets: &[u8]) -> String {
    digits(octets, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
}

/// Behind its sum, bit by bit: CRC-16/XMODEM.
fn named(mut octets: Vec<u8>) -> String {
    let mut sum = 0u16;
    for bit in octets.iter().flat_map(|octet| (0..8).rev().map(move |at| u16::from(octet >> at & 1))) {
        let carry = (sum >> 15) ^ bit;
        sum = (sum << 1) ^ (carry * 0x1021);
    }
    octets.extend(sum.to_le_bytes());
    digits(&octets, 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
}

struct Key {
    kind: u8,
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl Key {
    fn new(kind: u8, number: u8) -> Self {
        let seed = [number; 32];
        Self { kind, seed, pair: Ed25519KeyPair::from_seed_unchecked(&seed).unwrap() }
    }

    fn public(&self) -> String {
        named([&[self.kind], self.pair.public_key().as_ref()].concat())
    }

    fn written(&self) -> String {
        named([&[SEEDS | self.kind >> 5, (self.kind & 31) << 3], &self.seed[..]].concat())
    }

    fn sign(&self, text: &str) -> String {
        base64(self.pair.sign(text.as_bytes()).as_ref())
    }

    /// A token about another key.
    fn token(&self, about: &Key, name: &str, claims: &Value) -> String {
        let head = base64(br#"{"typ":"JWT","alg":"ed25519-nkey"}"#);
        let body = json!({
            "jti": name, "iat": 1_700_000_000, "iss": self.public(), "name": name, "sub": about.public(), "nats": claims,
        });
        let text = format!("{head}.{}", base64(body.to_string().as_bytes()));
        format!("{text}.{}", self.sign(&text))
    }
}

fn tested(folder: &Path, port: u16, key: &'static str, file: &str) -> Result<String, String> {
    let file = text(folder.join(file).to_str().unwrap());
    let way = destination(folder, port, &[("user", text("")), ("password_file", text("")), (key, file)]);
    way.test(sample::at(0)).map_err(|error| error.to_string())
}

#[test]
fn a_user_is_known_by_an_nkey() {
    let folder = tempfile::tempdir().unwrap();
    let users = format!(
        "authorization {{ users = [ {{ nkey: {PUBLIC}, permissions: {{ publish: \"ot.>\", subscribe: \"_INBOX.>\" }} }},\n\
         {{ user: soc, password: pw2 }} ] }}"
    );
    let Some(mut server) = server(folder.path(), &users, "") else { return };
    server.start();
    Soc::new(folder.path(), server.port).stream("CREATE", &json!({}));
    fs::write(folder.path().join("seed"), SEED).unwrap();
    let said = tested(folder.path(), server.port, "nkey_file", "seed").unwrap();
    assert!(said.contains("into the stream `OT` as number 1"), "{said}");
    fs::write(folder.path().join("other"), Key::new(USER, 7).written()).unwrap();
    let error = tested(folder.path(), server.port, "nkey_file", "other").unwrap_err();
    assert!(error.contains("it does not know us: Authorization Violation"), "{error}");
    fs::write(folder.path().join("account"), Key::new(ACCOUNT, 7).written()).unwrap();
    let error = tested(folder.path(), server.port, "nkey_file", "account").unwrap_err();
    assert!(error.contains("holds no seed of a user's nkey"), "{error}");
}

#[test]
fn a_user_is_known_by_a_token_and_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let [operator, system, account, user] =
        [(OPERATOR, 1), (ACCOUNT, 2), (ACCOUNT, 3), (USER, 4)].map(|(kind, number)| Key::new(kind, number));
    let kind = |kind: &str| json!({"type": kind, "version": 2});
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let mut of_account = kind("account");
    of_account["limits"] = limits.clone();
    let mut of_system = kind("account");
    of_system["limits"] = limits;
    for key in ["mem_storage", "disk_storage", "streams", "consumer"] {
        of_system["limits"][key] = json!(0);
    }
    let users = format!(
        "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {}\n {}: {} }}",
        operator.token(&operator, "operator", &kind("operator")),
        system.public(),
        system.public(),
        operator.token(&system, "system", &of_system),
        account.public(),
        operator.token(&account, "plant", &of_account),
    );
    let Some(mut server) = server(folder.path(), &users, "") else { return };
    server.start();
    let mut of_user = kind("user");
    of_user.as_object_mut().unwrap().extend(
        json!({"subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}}).as_object().unwrap().clone(),
    );
    let token = account.token(&user, "gateway7", &of_user);
    let creds = |token: &str, seed: &str| {
        format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    };
    fs::write(folder.path().join("creds"), creds(&token, &user.written())).unwrap();
    fs::write(folder.path().join("forged"), creds(&token, &Key::new(USER, 9).written())).unwrap();
    let sign = |nonce: &str| json!(user.sign(nonce));
    Soc::known_as(folder.path(), server.port, &json!({"jwt": token}), sign).stream("CREATE", &json!({}));
    let said = tested(folder.path(), server.port, "credentials_file", "creds").unwrap();
    assert!(said.contains("into the stream `OT` as number 1"), "{said}");
    let error = tested(folder.path(), server.port, "credentials_file", "forged").unwrap_err();
    assert!(error.contains("it does not know us: Authorization Violation"), "{error}");
}
