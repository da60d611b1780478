use alloc::vec;

use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::{holds, said};

#[test]
fn a_client_connects_subscribes_and_publishes() {
    holds(
        &MQTT,
        Transport::Tcp,
        &[
            (ToServer, b"\x10\x18\0\x04MQTT\x04\xc2\0\x3c\0\x02c1\0\x03ops\0\x03pwd"),
            (ToClient, b"\x20\x02\0\x05"),
            (ToServer, b"\x82\x0f\0\x01\0\x03a/b\0\0\x04cell\x01"),
            (ToServer, b"\x31\x08\0\x04cell42\xe0\0"),
        ],
        &[
            "mqtt request message_type=1 version=4 client_id=c1 user=ops | associate connect Asked",
            "mqtt response message_type=2 code=5 | associate connection acknowledged Refused(5)",
            "mqtt request message_type=8 topic=a/b topic=cell | read subscribe Asked",
            "mqtt request message_type=3 topic=cell quality=0 retain=1 | write publish Asked",
            "mqtt request message_type=14 | associate disconnect Asked",
        ],
    );
}

#[test]
fn a_long_publication_is_told_once_and_passed_over() {
    let mut long = b"\x30\x84\x40\0\x02up".to_vec();
    long.extend(vec![0x30; 8_192]);
    long.extend(b"\xe0\0");
    let expected = [
        "mqtt request message_type=3 topic=up quality=0 retain=0 | write publish Asked",
        "mqtt request message_type=14 | associate disconnect Asked",
    ];
    for size in [1, 100, 5_000, usize::MAX] {
        assert_eq!(said(&MQTT, Transport::Tcp, &[(ToServer, &long)], size), expected, "{size}");
    }
}
