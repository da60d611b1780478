use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::{holds, said};

/// Get and response of sysDescr.0 (RFC 1157 clause 4.1).
const GET: &[u8] = b"\x30\x26\x02\x01\x00\x04\x06public\xa0\x19\x02\x01\x07\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0";

#[test]
fn a_get_and_a_refusal() {
    let mut refusal = GET.to_vec();
    refusal[13] = 0xa2;
    refusal[20] = 2;
    holds(
        &SNMP,
        Transport::Udp,
        &[(ToServer, GET), (ToClient, &refusal)],
        &[
            "snmp request version=0 community=public pdu_type=0 object=1.3.6.1.2.1.1.1.0 | read get Asked",
            "snmp response version=0 community=public pdu_type=2 error_status=2 object=1.3.6.1.2.1.1.1.0 | read response Refused(2)",
        ],
    );
}

#[test]
fn a_set_configures_and_an_encrypted_message_names_its_user() {
    let mut set = GET.to_vec();
    set[13] = 0xa3;
    let third = b"\x30\x2d\x02\x01\x03\x30\x0d\x02\x01\x01\x02\x02\x05\xdc\x04\x01\x03\x02\x01\x03\x04\x15\x30\x13\x04\x02\x80\0\x02\x01\0\x02\x01\0\x04\x03ops\x04\0\x04\0\x04\x02\x11\x22";
    let told = said(&SNMP, Transport::Udp, &[(ToServer, &set), (ToServer, third)], usize::MAX);
    assert!(told[0].ends_with("| configure set Asked"), "{told:?}");
    assert_eq!(told[1], "snmp request version=3 user=ops encrypted=1 | unknown encrypted Asked");
}
