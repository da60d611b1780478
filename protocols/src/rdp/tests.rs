use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::holds;

#[test]
fn a_client_names_its_user_and_is_refused() {
    let asked = b"\x03\0\0\x29\x24\xe0\0\0\0\0\0Cookie: mstshash=ops\r\n\x01\0\x08\0\x03\0\0\0";
    let refused = b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x03\0\x08\0\x02\0\0\0";
    holds(
        &RDP,
        Transport::Tcp,
        &[(ToServer, asked), (ToClient, refused), (ToServer, b"\x16\x03\x01")],
        &[
            "rdp request user=ops requested_protocols=3 | associate negotiation Asked",
            "rdp response failure=2 | associate negotiation Refused(2)",
        ],
    );
}
