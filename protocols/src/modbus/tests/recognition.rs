//! What is taken for Modbus and what is not.

use super::harness::{EXCHANGES, ToClient, ToServer, adu, hex};
use crate::{Direction, Dissector, Ports, Probe, modbus::Modbus};

const PORTS: Ports = Ports { server: 10_502, client: 40_000 };

fn probe(direction: Direction, octets: &[u8]) -> Probe {
    Modbus.probe(direction, octets, PORTS)
}

#[test]
fn reads_and_writes_are_certain_on_any_port() {
    for (question, answer) in EXCHANGES.iter().take(6) {
        assert_eq!(probe(ToServer, &adu(1, 1, question)), Probe::Certain, "{question}");
        assert_eq!(probe(ToClient, &adu(1, 1, answer)), Probe::Certain, "{answer}");
    }
    for (question, _) in EXCHANGES {
        assert!(probe(ToServer, &adu(1, 1, question)) >= Probe::Possible, "{question}");
    }
}

#[test]
fn a_question_is_not_taken_for_an_answer() {
    assert_ne!(probe(ToClient, &adu(1, 1, "03 0000 0001")), Probe::Certain);
    assert_ne!(probe(ToServer, &adu(1, 1, "03 02 0001")), Probe::Certain);
}

#[test]
fn a_transaction_that_looks_like_a_tls_record_is_modbus_and_tls_is_not() {
    for transaction in [0x1603, 0x0103, 0x0300] {
        assert_eq!(probe(ToServer, &adu(transaction, 1, "03 0000 0001")), Probe::Certain);
    }
    for hello in ["160301 0200 010001fc0303", "160300 004a 01000046 0300", "0300 0016 11e00000001200c1"] {
        assert_eq!(probe(ToServer, &hex(hello)), Probe::No, "{hello}");
    }
}

#[test]
fn a_short_beginning_waits_for_the_rest() {
    let octets = adu(1, 1, "10 0001 0002 04 000a 0102");
    for end in 1..octets.len() {
        assert!(matches!(probe(ToServer, &octets[..end]), Probe::Need(n) if n > end), "{end}");
    }
    assert_eq!(probe(ToServer, b"GET / HTTP/1.1\r\n"), Probe::No);
}

#[test]
fn one_fault_leaves_the_port_to_decide() {
    let mut foreign = adu(1, 1, "03 0000 0001");
    foreign[3] = 5;
    assert_eq!(probe(ToServer, &foreign), Probe::Possible);
    assert_eq!(probe(ToServer, &adu(1, 1, "03 0000 ffff")), Probe::Possible);
    assert_eq!(probe(ToServer, &adu(1, 1, "7e 0503")), Probe::Possible);
}
