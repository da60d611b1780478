use alloc::{vec, vec::Vec};

use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::{holds, said};

fn message(operation: u8, yours: [u8; 4], options: &[u8]) -> Vec<u8> {
    let mut octets = vec![operation, 1, 6, 0, 0, 0, 0, 7];
    octets.resize(16, 0);
    octets.extend(yours);
    octets.resize(HARDWARE, 0);
    octets.extend([2, 0, 0, 0, 0, 5]);
    octets.resize(OPTIONS - 4, 0);
    octets.extend(COOKIE);
    octets.extend(options);
    octets
}

#[test]
fn a_discovery_and_its_offer() {
    let discover = message(1, [0; 4], b"\x35\x01\x01\x3d\x07\x01\x02\0\0\0\0\x05\x0c\x03hmi\xff");
    let offer = message(2, [10, 0, 0, 5], &[53, 1, 2, 0, 54, 4, 10, 0, 0, 1, 255]);
    holds(
        &DHCP,
        Transport::Udp,
        &[(ToServer, &discover), (ToClient, &offer)],
        &[
            "dhcp request operation=1 transaction_id=7 message_type=1 client_mac=02:00:00:00:00:05 \
             client_mac=02:00:00:00:00:05 host_name=hmi | discover discover Asked",
            "dhcp response operation=2 transaction_id=7 message_type=2 client_mac=02:00:00:00:00:05 \
             your_address=10.0.0.5 server=10.0.0.1 | discover offer Done",
        ],
    );
}

#[test]
fn an_option_that_is_cut_short_is_told() {
    let cut = message(1, [0; 4], &[53, 1, 3, 50, 4, 10]);
    let told = said(&DHCP, Transport::Udp, &[(ToServer, &cut)], usize::MAX);
    assert!(told[0].starts_with("dhcp anomaly") && told[0].ends_with("! option-cut"), "{told:?}");
}
