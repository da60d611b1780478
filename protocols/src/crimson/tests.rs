//! Against frames decoded by hand: the exchange that `cr3-fingerprint` makes with a panel.

use alloc::{format, vec::Vec};

use fieldwarden_model::Transport;

use super::{Crimson, PORT};
use crate::{
    Probe,
    talk::{ANSWER, ASK, Talk, hex, probed, stands, talk, told},
};

fn exchange() -> Talk {
    talk(&[
        (ASK, "0004 012b 1b00"),
        (ANSWER, "0015 012b 0300 526564204c696f6e20436f6e74726f6c7300"),
        (ASK, "0004 012a 1a00"),
        (ANSWER, "000b 012a 0300 47333130433200"),
        (ASK, "0008 0133 0100 00000001"),
    ])
}

#[test]
fn a_panel_is_identified() {
    let wanted = [
        "request register=299 type=6912 | discover 299 read manufacturer (Asked)",
        "response register=299 type=768 manufacturer=Red Lion Controls | discover 299 read manufacturer (Done)",
        "request register=298 type=6656 | discover 298 read model (Asked)",
        "response register=298 type=768 model=G310C2 | discover 298 read model (Done)",
        "request register=307 type=256 data=00000001 | unknown 307 access register (Asked)",
    ];
    assert_eq!(told(&Crimson, Transport::Tcp, &exchange()), wanted);
}

#[test]
fn it_stands_the_trials() {
    stands(&Crimson, Transport::Tcp, &exchange());
}

#[test]
fn a_scan_of_registers_comes_out_whole() {
    let scan: Talk = (0..256).map(|register| (ASK, hex(&format!("0004 {register:04x} 0100")))).collect();
    let lines = told(&Crimson, Transport::Tcp, &scan);
    let wanted: Vec<_> = (0..256).map(|register| format!("request register={register} type=256 ")).collect();
    assert!(lines.len() == 256 && lines.iter().zip(&wanted).all(|(line, start)| line.starts_with(start)));
}

#[test]
fn only_the_questions_of_identity_are_certain() {
    assert_eq!(probed(&Crimson, ASK, &hex("0004 012b 1b00"), 9_999), Probe::Certain);
    assert_eq!(probed(&Crimson, ASK, &hex("0008 0133 0100 00000001"), PORT), Probe::Possible);
    assert_eq!(probed(&Crimson, ASK, b"GET / HTTP/1.1\r\n", PORT), Probe::No);
}
