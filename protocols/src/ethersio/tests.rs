//! Against telegrams decoded by hand; whole ones, field by field, stand in `tests/hand/ethersio.txt`.

use alloc::vec::Vec;

use fieldwarden_model::Transport;

use super::{EtherSio, PORT};
use crate::{
    Probe,
    datagram::testing::nothing_breaks,
    talk::{ANSWER, ASK, Talk, hex, probed, stands, talk, told},
};

const OUTPUTS: &str = "4553494f 0001 0000 0022 0007 00000018 0000000d 01 00 0000005c 00000001 0002 30ff";
const TWO: &str = "4553494f 0001 0000 002e 0008 00000019 00000001 02 00 00000005 0000000d 0001 80 00000006 0000000d 0003 010203";
const STATUS: &str = "4553494f 0002 0000 0018 0000 0001 000c 0000000d 00 01 01 00";

fn exchange() -> Talk {
    talk(&[(ASK, OUTPUTS), (ANSWER, TWO), (ANSWER, STATUS)])
}

#[test]
fn blocks_are_points_with_values_and_a_lost_telegram_is_told() {
    let lines = told(&EtherSio, Transport::Udp, &exchange());
    assert_eq!(
        lines,
        [
            "report type=1 transaction=7 telegram=24 source_station=13 block_count=1 transfer_flags=0 block=92 destination_station=1 \
             data_length=2 data=30ff | write 1 data transfer unit 1 block 92 octet 0-1 = 48,255 (Reported)",
            "report type=1 transaction=8 telegram=25 source_station=1 block_count=2 transfer_flags=0 block=5 destination_station=13 \
             data_length=1 data=80 block=6 destination_station=13 data_length=3 data=010203 | read 1 data transfer unit 13 block 5 \
             octet 0 = 128 (Reported) | read 1 data transfer unit 13 block 6 octet 0-2 = 1,2,3 (Reported)",
            "report type=2 transaction=0 status_type=1 status_length=12 source_station=13 station_status=0 lost_telegrams=1 \
             diagnostics=1 status_flags=0 | diagnose 2 status of a station (Reported)",
        ]
    );
}

#[test]
fn what_is_cut_or_lies_about_its_length_is_an_anomaly() {
    let long = "4553494f 0001 0000 0022 0007 00000018 0000000d 01 00 0000005c 00000001 0009 30ff";
    let lines = told(
        &EtherSio,
        Transport::Udp,
        &talk(&[
            (ASK, long),
            (ASK, OUTPUTS.strip_suffix("ff").unwrap()),
            (ASK, STATUS.strip_suffix("00").unwrap()),
        ]),
    );
    let codes: Vec<&str> = lines.iter().map(|line| line.rsplit("| ").next().unwrap()).collect();
    assert_eq!(codes, ["telegram-cut-short", "telegram-length", "telegram-length"]);
    assert!(lines.iter().all(|line| line.starts_with("anomaly ")), "{lines:?}");
}

#[test]
fn it_stands_the_trials() {
    stands(&EtherSio, Transport::Udp, &exchange());
    nothing_breaks(&EtherSio, Transport::Udp, &[hex(OUTPUTS), hex(TWO), hex(STATUS)]);
}

#[test]
fn it_is_found_on_any_port_by_its_mark_and_length() {
    assert_eq!(probed(&EtherSio, ASK, &hex(OUTPUTS), 5_000), Probe::Certain);
    assert_eq!(probed(&EtherSio, ASK, &hex("4553494f 0009 0000 0022 0007"), PORT), Probe::Possible);
    assert_eq!(probed(&EtherSio, ASK, b"ESIP\0\x01\0\0\0\x22\0\x07", PORT), Probe::No);
}
