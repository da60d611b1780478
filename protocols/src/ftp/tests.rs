use Direction::{ToClient, ToServer};

use super::*;
use crate::plain::trial::holds;

#[test]
fn a_login_that_fails_and_a_file_that_is_stored() {
    holds(
        &FTP,
        Transport::Tcp,
        &[
            (ToClient, b"220-Welcome\r\n to the FTP of cell 4\r\n220 Ready\r\n"),
            (ToServer, b"USER ops\r\nPASS guess\r\n"),
            (ToClient, b"530 Login incorrect.\r\n"),
            (ToServer, b"stor plc.bin\r\n"),
            (ToClient, b"226 Done\r\n"),
        ],
        &[
            "ftp response status=220 text=Welcome | unknown unknown Done",
            "ftp request command=USER argument=ops | associate USER Asked",
            "ftp request command=PASS argument=guess | associate PASS Asked",
            "ftp response status=530 text=Login incorrect. | associate PASS Refused(530)",
            "ftp request command=stor argument=plc.bin | transfer STOR Asked",
            "ftp response status=226 text=Done | transfer STOR Done",
        ],
    );
}
