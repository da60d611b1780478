//! Both directions of a serial Modbus conversation over TCP: segments as they are, or frames with a right CRC.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::modbus_serial::ModbusSerial;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&ModbusSerial, Transport::Tcp, input, frame));

fn frame(control: u8, segment: &[u8]) -> Vec<u8> {
    let mut octets = segment.to_vec();
    if control & 2 != 0 {
        return octets;
    }
    let crc = octets.iter().fold(u16::MAX, |crc, octet| {
        (0..8).fold(crc ^ u16::from(*octet), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xa001 })
    });
    octets.extend_from_slice(&crc.to_le_bytes());
    octets
}
