extern crate std;

use std::{string::String, vec, vec::Vec};

use super::*;
use crate::iso::testing::{Flow, Said, hex, withstands};
use Direction::{ToClient, ToServer};

/// A big-endian packet for the device interface (C706 §12.5.2).
fn packet(packet: u8, flags: u8, operation: u8, fragment: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![4, packet, flags, 0, 0, 0, 0, 0];
    octets.extend(hex("dea00000 6c97 11d1 8271 00010003015a"));
    octets.extend(hex("dea00001 6c97 11d1 8271 00a02442df7d"));
    octets.extend(hex("13142f90 0000 1000 a994 d2106890ca5a 00000000 00000001 00000000"));
    octets.extend([0, operation, 0xff, 0xff, 0xff, 0xff]);
    octets.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    octets.extend([0, fragment, 0, 0]);
    octets.extend(body);
    octets
}

fn stub(first: &str, blocks: &str) -> Vec<u8> {
    let blocks = hex(blocks);
    let length = u32::try_from(blocks.len()).unwrap().to_be_bytes();
    [hex(first), length.to_vec(), length.to_vec(), vec![0; 4], length.to_vec(), blocks].concat()
}

/// IODWriteReqHeader for slot 1, subslot 1 and a record of two octets (IEC 61158-6-10 §5.2.3).
fn write(index: &str, data: &str) -> String {
    let length = data.len() / 2;
    std::format!(
        "0008 003c 01 00 0001 7c74224e166c4a58bf6b6c25a75870f0 00000000 0001 0001 0000 {index} {length:08x} {} {data}",
        "00".repeat(24)
    )
}

fn only(told: &[Said]) -> Said {
    let [rpc, own] = told else { panic!("two lines: {told:?}") };
    assert_eq!((rpc.protocol, own.protocol), ("dcerpc", "profinet_cm"));
    own.clone()
}

#[test]
fn a_write_names_its_record_and_the_answer_its_status() {
    let mut flow = Flow::udp(&ProfinetCm);
    let asked = only(&flow.feed(ToServer, &packet(0, 0x20, 3, 0, &stub("00001000", &write("0003", "beef")))));
    assert_eq!((asked.field("operation"), asked.field("block_type")), ("3".into(), "8".into()));
    assert_eq!(asked.field("record_data"), "beef");
    assert_eq!(asked.operations, ["write 3 write record api 0 slot 1 subslot 0x0001 index 0x0003 (Asked)"]);
    let answer = "8008 003c 01 00 0001 7c74224e166c4a58bf6b6c25a75870f0 00000000 0001 0001 0000 0003 00000000 0000 0000
        df80a000 00000000000000000000000000000000";
    let done = only(&flow.feed(ToClient, &packet(2, 0, 3, 0, &stub("00000000", answer))));
    assert_eq!((done.field("error_code"), done.field("record_status")), ("0".into(), "3749748736".into()));
    assert_eq!(
        done.operations,
        ["write 3 write record api 0 slot 1 subslot 0x0001 index 0x0003 (Refused(3749748736))"]
    );
}

#[test]
fn a_connect_tells_who_wants_what() {
    let relation = "0101 003c 01 00 0001 7c74224e166c4a58bf6b6c25a75870f0 0001 00a0456dd343
        dea000006c97 11d18271 0001003c00b0 00000011 0258 8892 0006 706c632d3031";
    let cyclic = "0102 0016 01 00 0001 0001 8892 00000001 0028 c002 0020 0008 0007 0000";
    let told = only(
        &Flow::udp(&ProfinetCm)
            .feed(ToServer, &packet(0, 0x20, 0, 0, &stub("00001000", &std::format!("{relation}{cyclic}")))),
    );
    assert_eq!((told.field("initiator_name"), told.field("frame_id")), ("plc-01".into(), "49154".into()));
    assert_eq!(told.operations, ["associate 0 connect (Asked)"]);
}

#[test]
fn control_is_told_by_its_block() {
    let control = "0110 001c 01 00 0000 7c74224e166c4a58bf6b6c25a75870f0 0001 0000 0001 0000";
    let told = only(&Flow::udp(&ProfinetCm).feed(ToServer, &packet(0, 0, 4, 0, &stub("00001000", control))));
    assert_eq!((told.field("control_command"), told.operations.len()), ("1".into(), 1));
    assert_eq!(told.operations, ["configure 4 end of parameters (Asked)"]);
}

#[test]
fn fragments_of_a_call_are_put_together() {
    let whole = stub("00001000", &write("0003", "beef"));
    let (first, rest) = whole.split_at(40);
    let mut flow = Flow::udp(&ProfinetCm);
    assert_eq!(flow.feed(ToServer, &packet(0, 0x24, 3, 0, first)).len(), 1);
    assert_eq!(flow.feed(ToServer, &packet(0, 0x24, 3, 0, first)).len(), 1, "sent again");
    let told = only(&flow.feed(ToServer, &packet(0, 0x26, 3, 1, rest)));
    assert_eq!(told.field("index"), "3");
    assert_eq!(flow.feed(ToServer, &packet(0, 0x26, 3, 5, rest)).len(), 1, "the rest of nothing");
}

#[test]
fn lengths_that_lie_are_told() {
    let mut flow = Flow::udp(&ProfinetCm);
    let fault = |told: Vec<Said>| told.last().unwrap().anomalies.clone();
    assert_eq!(fault(flow.feed(ToServer, &packet(0, 0, 3, 0, &[0; 5]))), ["arguments-short"]);
    let mut long = stub("00001000", &write("0003", "beef"));
    long[7] = 0xff;
    assert_eq!(fault(flow.feed(ToServer, &packet(0, 0, 3, 0, &long))), ["arguments-length"]);
    assert_eq!(
        fault(flow.feed(ToServer, &packet(0, 0, 3, 0, &stub("00001000", "0008 00ff 0100")))),
        ["block-length"]
    );
    let mut cut = packet(0, 0, 3, 0, &stub("00001000", &write("0003", "beef")));
    cut.truncate(120);
    assert_eq!(flow.feed(ToServer, &cut).first().unwrap().anomalies, ["length-beyond-datagram"]);
}

#[test]
fn an_unanswered_scan_of_operations_comes_out_whole() {
    let mut flow = Flow::udp(&ProfinetCm);
    for operation in 0..=255 {
        let told = only(&flow.feed(ToServer, &packet(0, 0, operation, 0, &stub("00001000", ""))));
        assert_eq!(told.field("operation"), std::format!("{operation}"));
    }
}

#[test]
fn points_are_read_back_and_others_are_not_taken() {
    for text in [
        "api 0 slot 1 subslot 0x8001 index 0xe040",
        "area 7 api 3 slot 0 subslot 0x0000 index 0x0001-0x3ffff",
    ] {
        let mut written = String::new();
        let range = ProfinetCm.notation().read(text).unwrap();
        ProfinetCm.notation().write(&range, &mut written).unwrap();
        assert_eq!(written, text);
    }
    let ports = Ports { server: PORT, client: 1 };
    assert_eq!(ProfinetCm.probe(ToServer, &packet(0, 0, 3, 0, &[]), ports), Probe::Certain);
    assert_eq!(ProfinetCm.probe(ToServer, b"\x05\x00\x0b", ports), Probe::No);
}

#[test]
fn nothing_breaks_it() {
    let whole = stub("00001000", &write("8020", "022a 0004 01 00 0000"));
    let (first, rest) = whole.split_at(40);
    let conversation = vec![
        (ToServer, packet(0, 0x20, 3, 0, &whole)),
        (ToServer, packet(0, 0x24, 3, 0, first)),
        (ToServer, packet(0, 0x26, 3, 1, rest)),
        (ToClient, packet(2, 0, 3, 0, &stub("00000000", "8008 0004 0100 0001"))),
        (ToClient, packet(6, 0, 3, 0, &[0, 0, 0, 5])),
    ];
    withstands(&ProfinetCm, Transport::Udp, &conversation);
}
