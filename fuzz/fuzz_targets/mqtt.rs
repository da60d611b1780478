//! Both directions of a conversation in MQTT.
#![no_main]

use fieldwarden_fuzz::converse;
use fieldwarden_model::Transport;
use fieldwarden_protocols::mqtt::MQTT;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| converse(&MQTT, Transport::Tcp, input, |_, segment| segment.to_vec()));
