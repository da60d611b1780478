//! Datagrams of TriStation, as they are or with right lengths and check.
#![no_main]

use fieldwarden_model::Transport;
use fieldwarden_protocols::{Direction, Dissector, FieldValue, FieldVisitor, Message, Ports, tristation::TriStation};
use libfuzzer_sys::fuzz_target;

struct Nothing;

impl FieldVisitor for Nothing {
    fn field(&mut self, _: &'static str, _: FieldValue<'_>) {}
    fn item(&mut self, _: &'static str, _: FieldValue<'_>) {}
}

fuzz_target!(|input: &[u8]| {
    let mut session = TriStation.session(Transport::Udp);
    let mut rest = input;
    while let [control, length, tail @ ..] = rest {
        let (content, after) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = after;
        let octets = if control & 2 == 0 { packet(*control, content) } else { content.to_vec() };
        let direction = if control & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let _ = TriStation.probe(direction, &octets, Ports { server: 1_502, client: 40_000 });
        if octets.is_empty() {
            continue;
        }
        let _ = session.step(direction, &octets, &mut |message: &Message<'_>| {
            message.body.fields(&mut Nothing);
            message.body.operations(&mut |_| {});
        });
    }
});

fn packet(control: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_le_bytes();
    let mut octets = vec![control >> 4, 0, length[0], length[1]];
    octets.extend_from_slice(content);
    let check = octets.iter().fold(0_u16, |crc, octet| {
        (0..8).fold(crc ^ u16::from(*octet), |crc, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xa001 })
    });
    octets.extend_from_slice(&check.to_le_bytes());
    octets
}
