//! Community ID version 1: the name under which other tools know the same flow.
//!
//! <https://github.com/corelight/community-id-spec>: SHA-1 over seed, both addresses, the IP protocol, a zero octet and
//! both ports, the smaller endpoint first; printed as `1:` and base64.

use std::net::IpAddr;

use fieldwarden_model::{Endpoint, Talker, Transport};
use sha1::{Digest as _, Sha1};

/// The id of a flow; none below IP. The seed is 0.
#[must_use]
pub fn community_id(transport: Transport, client: &Endpoint, server: &Endpoint) -> Option<String> {
    let number = match transport {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        Transport::Link => return None,
    };
    let side = |endpoint: &Endpoint| Some((octets(endpoint.talker)?, endpoint.port?));
    let (a, b) = (side(client)?, side(server)?);
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let mut sha = Sha1::new();
    sha.update([0, 0]);
    sha.update(&first.0);
    sha.update(&second.0);
    sha.update([number, 0]);
    sha.update(first.1.to_be_bytes());
    sha.update(second.1.to_be_bytes());
    Some(format!("1:{}", base64(&sha.finalize())))
}

fn octets(talker: Talker) -> Option<Vec<u8>> {
    match talker {
        Talker::Ip(IpAddr::V4(ip)) => Some(ip.octets().to_vec()),
        Talker::Ip(IpAddr::V6(ip)) => Some(ip.octets().to_vec()),
        Talker::Mac(_) => None,
    }
}

/// Base64 of RFC 4648 section 4, with padding.
fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let at = |n: usize| u32::from(group.get(n).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for n in 0..4 {
            let digit = ALPHABET.get((bits >> (18 - 6 * n) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if n > group.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(ip: &str, port: u16) -> Endpoint {
        Endpoint { talker: ip.parse().unwrap(), port: Some(port) }
    }

    /// The examples of the specification's baseline (`tcp.pcap`, `udp.pcap`), as its README prints them.
    #[test]
    fn the_ids_of_the_specification() {
        let (client, server) = (endpoint("128.232.110.120", 34_855), endpoint("66.35.250.204", 80));
        let id = community_id(Transport::Tcp, &client, &server);
        assert_eq!(id.as_deref(), Some("1:LQU9qZlK+B5F3KDmev6m5PMibrg="));
        assert_eq!(community_id(Transport::Tcp, &server, &client), id, "both ways the same");
    }
}
