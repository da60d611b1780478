//! Hostile replies of a switch: octets to messages in either framing, messages to trees, trees to ports and their marks.
#![no_main]

use fieldwarden_enforcer::drivers::netconf::{framing::Framer, model::Model, xml::Element};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let models = [Model::openconfig(), Model::ietf("urn:x", "switchport/access-vlan", Some("switchport/mode"))];
    for in_chunks in [false, true] {
        let mut frames = Framer::default();
        if in_chunks {
            frames.expect_chunks();
        }
        for piece in bytes.chunks(7) {
            frames.push(piece);
            while let Ok(Some(message)) = frames.next_message() {
                read(&message, &models);
            }
        }
    }
    read(&String::from_utf8_lossy(bytes), &models);
});

fn read(message: &str, models: &[Model]) {
    let Ok(element) = Element::read(message) else { return };
    for model in models {
        let data = element.children.first().unwrap_or(&element);
        let Ok(ports) = model.read(data) else { continue };
        for (name, port) in &ports {
            let _ = (model.refusal(name, port, &[].into()), port.mark());
        }
    }
}
