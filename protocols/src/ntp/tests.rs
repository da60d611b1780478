use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::{holds, said};

#[test]
fn time_asked_and_told() {
    let (mut asked, mut told) = ([0; 48], [0; 48]);
    asked[0] = 0x23;
    told[..2].copy_from_slice(&[0x24, 2]);
    told[12..16].copy_from_slice(&[10, 0, 0, 1]);
    holds(
        &NTP,
        Transport::Udp,
        &[(ToServer, &asked), (ToClient, &told)],
        &[
            "ntp request version=4 mode=3 leap=0 stratum=0 reference_id=00000000 | time time Asked",
            "ntp response version=4 mode=4 leap=0 stratum=2 reference_id=0a000001 | time time Done",
        ],
    );
}

#[test]
fn control_private_and_cut_messages() {
    let talk: [(Direction, &[u8]); 3] = [
        (ToServer, &[0x16, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        (ToServer, &[0x17, 0, 3, 42, 0, 0, 0, 0]),
        (ToServer, &[0x23, 0, 0]),
    ];
    assert_eq!(
        said(&NTP, Transport::Udp, &talk, usize::MAX),
        [
            "ntp request version=2 mode=6 control_operation=3 | configure control write Asked",
            "ntp request version=2 mode=7 request_code=42 | diagnose monitor list Asked",
            "ntp anomaly version=4 mode=3 leap=0 stratum=0 | time time Asked ! message-cut",
        ]
    );
}
