//! Datagrams of PROFINET context management, as they are or below a right header of DCE/RPC.
#![no_main]

use fieldwarden_model::Transport;
use fieldwarden_protocols::{Direction, Dissector, FieldValue, FieldVisitor, Message, Ports, profinet_cm::ProfinetCm};
use libfuzzer_sys::fuzz_target;

/// The interface of an IO device.
const DEVICE: [u8; 16] = [0xde, 0xa0, 0, 1, 0x6c, 0x97, 0x11, 0xd1, 0x82, 0x71, 0, 0xa0, 0x24, 0x42, 0xdf, 0x7d];

struct Nothing;

impl FieldVisitor for Nothing {
    fn field(&mut self, _: &'static str, _: FieldValue<'_>) {}
    fn item(&mut self, _: &'static str, _: FieldValue<'_>) {}
}

fuzz_target!(|input: &[u8]| {
    let mut session = ProfinetCm.session(Transport::Udp);
    let mut rest = input;
    while let [control, length, tail @ ..] = rest {
        let (body, after) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = after;
        let octets = if control & 2 == 0 { packet(*control, body) } else { body.to_vec() };
        let direction = if control & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let _ = ProfinetCm.probe(direction, &octets, Ports { server: 34_964, client: 40_000 });
        if octets.is_empty() {
            continue;
        }
        let _ = session.step(direction, &octets, &mut |message: &Message<'_>| {
            message.body.fields(&mut Nothing);
            message.body.operations(&mut |operation| {
                if let Some(points) = &operation.points {
                    let mut text = String::new();
                    assert!(ProfinetCm.notation().write(points, &mut text).is_ok());
                    assert_eq!(ProfinetCm.notation().read(&text).as_ref(), Some(points));
                }
            });
        });
    }
});

/// A request or a response, whole or a fragment, for the device interface.
fn packet(control: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![4, (control & 1) << 1, control >> 4 & 6, 0, 0, 0, 0, 0];
    octets.extend_from_slice(&[0; 16]);
    octets.extend_from_slice(&DEVICE);
    octets.extend_from_slice(&[0; 28]);
    octets.extend_from_slice(&[0, body.first().copied().unwrap_or(0) % 6, 0, 0, 0, 0]);
    octets.extend_from_slice(&u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
    octets.extend_from_slice(&[0, control >> 6, 0, 0]);
    octets.extend_from_slice(body);
    octets
}
