//! Who takes control of a controller: its mode, its program, its clock, its forces, its names.

use super::{
    octets::{dnp3, ethernet, hex, iso},
    plant::{PLC, PLC_2, Plant, ROGUE, card, rogue as other},
    table::{Row, rogue, row, to},
};

const S7: u16 = 102;
const CIP: u16 = 44_818;
const DNP3: u16 = 20_000;
/// Octets of a segment in the scenes that cut small.
const SMALL: usize = 3;
/// Seconds between two octets of a stream that drips.
const DRIP: u64 = 20;
/// Seconds of a pause that no window of a threshold lasts.
const LONG: u64 = 4 * 3_600;

pub(crate) fn rows() -> Vec<Row> {
    vec![mode(), program(), clock(), protection(), forces(), names(), unselected(), master()]
}

fn mode() -> Row {
    row(
        "controller-mode",
        rogue("the stop in segments of three octets", &["controller-mode"], |plant| {
            plant.pieces = Some(SMALL);
            s7(plant, ROGUE, PLC, STOP);
        }),
        rogue("the stop octet by octet, three a minute", &["controller-mode"], |plant| {
            plant.drips = Some(DRIP);
            s7(plant, ROGUE, PLC, STOP);
        }),
        rogue("three clients, of which each stops another controller", &["controller-mode"], |plant| {
            for (n, server) in [PLC, PLC_2, [10, 0, 0, 22]].into_iter().enumerate() {
                s7(plant, other(u8::try_from(n).unwrap()), server, STOP);
                plant.wait(600);
            }
        }),
    )
}

fn program() -> Row {
    row(
        "program-transfer",
        rogue(
            "a download in segments, of a session that is heard from the middle on",
            &["program-transfer"],
            |plant| {
                (plant.pieces, plant.joined_late) = (Some(SMALL), true);
                s7(plant, ROGUE, PLC, DOWNLOAD);
            },
        ),
        rogue("a step of an upload every four hours", &["program-transfer"], |plant| {
            for step in UPLOAD {
                s7(plant, ROGUE, PLC, step);
                plant.wait(LONG);
            }
        }),
        rogue("each step of an upload by another client", &["program-transfer"], |plant| {
            for (n, step) in UPLOAD.into_iter().enumerate() {
                s7(plant, other(u8::try_from(n).unwrap()), PLC, step);
            }
        }),
    )
}

fn clock() -> Row {
    row(
        "set-time",
        rogue("the clock of a Logix controller, in segments", &["set-time"], |plant| {
            plant.pieces = Some(SMALL);
            cip(plant, ROGUE, PLC, "04 02 208b 2401 0100 0600 c0325cfff3590400");
        }),
        rogue("a minute further every four hours, over S7", &["set-time"], |plant| {
            for _ in 0..3 {
                userdata(plant, ROGUE, "000112 04 11 47 02 00", "ff09 000a 00 19 26 01 05 09 00 00 00 02");
                plant.wait(LONG);
            }
        }),
        rogue("two clients, two controllers", &["set-time"], |plant| {
            cip(plant, ROGUE, PLC, "04 02 208b 2401 0100 0600 c0325cfff3590400");
            cip(plant, other(1), PLC_2, "04 02 208b 2401 0100 0600 c0325cfff3590400");
        }),
    )
}

fn protection() -> Row {
    row(
        "security-change",
        rogue("a password of S7 in segments", &["security-change"], |plant| {
            plant.pieces = Some(SMALL);
            userdata(plant, ROGUE, PASSWORD.0, PASSWORD.1);
        }),
        rogue("a password every four hours", &["security-change"], |plant| {
            for _ in 0..3 {
                userdata(plant, ROGUE, PASSWORD.0, PASSWORD.1);
                plant.wait(LONG);
            }
        }),
        rogue("a password from each of three clients", &["security-change"], |plant| {
            for n in 0..3 {
                userdata(plant, other(n), PASSWORD.0, PASSWORD.1);
            }
        }),
    )
}

fn forces() -> Row {
    row(
        "forced-point",
        rogue("a force in segments", &["forced-point"], |plant| {
            plant.pieces = Some(SMALL);
            userdata(plant, ROGUE, FORCE.0, FORCE.1);
        }),
        rogue("a force octet by octet", &["forced-point"], |plant| {
            plant.drips = Some(DRIP);
            userdata(plant, ROGUE, FORCE.0, FORCE.1);
        }),
        rogue("a force from each of three clients", &["forced-point"], |plant| {
            for n in 0..3 {
                userdata(plant, other(n), FORCE.0, FORCE.1);
                plant.wait(600);
            }
        }),
    )
}

fn names() -> Row {
    let by = &["device-naming"];
    row(
        "device-naming",
        to("02:00:0a:00:00:42", "a name by PROFINET, in a frame with a tag and padding", by, |plant| {
            let frame = naming(card(ROGUE), card(PLC));
            plant.frame([&frame[..12], &[0x81, 0, 0xc0, 0], &frame[12..], &[0; 40]].concat());
        }),
        rogue("an address by EtherNet/IP, octet by octet", by, |plant| {
            plant.drips = Some(DRIP);
            cip(plant, ROGUE, PLC, &format!("10 03 20f5 2401 3005 {ADDRESS}"));
        }),
        rogue("an address by EtherNet/IP and one by BACnet, from two clients", by, |plant| {
            cip(plant, other(0), PLC, &format!("10 03 20f5 2401 3005 {ADDRESS}"));
            // Write property (15) of network port 1: BACnet_IP_Address (400).
            let apdu = "00 04 01 0f 0c 0e000001 1a 0190 3e 64 0a000042 3f";
            let octets = hex(&format!("81 0a 001a 01 04 {apdu}"));
            plant.datagram((other(1), 47_808), (PLC_2, 47_808), &octets);
        }),
    )
}

fn unselected() -> Row {
    row(
        "unselected-operate",
        rogue("an operate in segments, without its select", &["unselected-operate"], |plant| {
            plant.pieces = Some(SMALL);
            operates(plant, ROGUE, 4);
        }),
        rogue("a select, and its operate four hours later", &["unselected-operate"], |plant| {
            operates(plant, ROGUE, 3);
            plant.wait(LONG);
            operates(plant, ROGUE, 4);
        }),
        rogue("a select by another client than the operate", &["unselected-operate"], |plant| {
            operates(plant, other(1), 3);
            operates(plant, ROGUE, 4);
        }),
    )
}

fn master() -> Row {
    row(
        "rogue-master",
        rogue("a write in segments, joined in the middle", &["rogue-master"], |plant| {
            (plant.pieces, plant.joined_late) = (Some(SMALL), true);
            plant.writes(ROGUE, PLC, 100, 40);
        }),
        rogue("a write every four hours", &["rogue-master"], |plant| {
            for value in [40, 45, 50] {
                plant.writes(ROGUE, PLC, 100, value).wait(LONG);
            }
        }),
        rogue("a write from each of six clients", &["rogue-master"], |plant| {
            for n in 0..6 {
                plant.writes(other(n), PLC, 100, 40);
            }
        }),
    )
}

/// PLC stop (29), request download of block OB 1 (1a).
const STOP: &str = "29 0000000000 09 505f50524f4752414d";
const DOWNLOAD: &str = "1a 00 0100 00000000 09 5f30383030303031 50 0d 31303030313030303030303030";
/// Start upload (1d), upload (1e), end upload (1f).
const UPLOAD: [&str; 3] =
    ["1d 00 0000 00000000 09 5f30383030303031 41", "1e 00 0000 00000007", "1f 00 0000 00000007"];
const PASSWORD: (&str, &str) = ("000112 04 11 45 01 00", "ff 09 0008 0102030405060708");
/// Force variable: group 1, function 9.
const FORCE: (&str, &str) = ("000112 08 12 41 09 00 00 00 0000", "ff 09 0004 01020304");
const ADDRESS: &str = "6300000a 00ffffff 00000000 00000000 00000000 0000";

/// A job of S7comm, in a session of its own.
fn s7(plant: &mut Plant, client: [u8; 4], server: [u8; 4], parameters: &str) {
    connect(plant, client, server);
    let parameters = hex(parameters);
    let length = u16::try_from(parameters.len()).unwrap().to_be_bytes();
    let job = [&hex("32 01 0000 0100")[..], &length, &[0, 0], &parameters].concat();
    plant.asks(client, server, S7, &iso(&job));
}

/// A request of S7comm's user data, to the first controller.
fn userdata(plant: &mut Plant, client: [u8; 4], parameters: &str, data: &str) {
    connect(plant, client, PLC);
    let (parameters, data) = (hex(parameters), hex(data));
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
    let lengths = [length(&parameters), length(&data)].concat();
    let unit = [hex("32 07 0000 0200"), lengths, parameters, data].concat();
    plant.asks(client, PLC, S7, &iso(&unit));
}

fn connect(plant: &mut Plant, client: [u8; 4], server: [u8; 4]) {
    if plant.joined_late {
        return;
    }
    plant.asks(client, server, S7, &hex("0300 0016 11 e0 0000 0001 00 c0010a c1020100 c2020102"));
    plant.answers(client, server, S7, &hex("0300 0016 11 d0 0001 0002 00 c0010a c1020100 c2020102"));
    plant.asks(client, server, S7, &hex("0300 0019 02f080 3201 0000 0000 0008 0000 f000 0001 0001 03c0"));
}

/// A message of CIP by itself, in a session of EtherNet/IP.
fn cip(plant: &mut Plant, client: [u8; 4], server: [u8; 4], message: &str) {
    plant.asks(client, server, CIP, &hex(&format!("6500 0400 {} 0100 0000", "00".repeat(20))));
    let session = "07000000 00000000 0000000000000000 00000000 0100 0000";
    plant.answers(client, server, CIP, &hex(&format!("6500 0400 {session}")));
    let message = hex(message);
    let length = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
    let items = [&hex("00000000 0a00 0200 0000 0000 b200")[..], &length(message.len()), &message].concat();
    let head = [&hex("6f00")[..], &length(items.len()), &hex("07000000 00000000 0000000000000000 00000000")];
    plant.asks(client, server, CIP, &[&head.concat(), &items[..]].concat());
}

/// A demand of DNP3 on the output relay of one point: select (3) or operate (4).
fn operates(plant: &mut Plant, client: [u8; 4], function: u8) {
    let relay = "0c01 17 01 00 03 01 64000000 64000000 00";
    plant.asks(client, PLC, DNP3, &dnp3(&format!("c0 c0 {function:02x} {relay}")));
}

/// A device is given the name `pump` by PROFINET DCP.
fn naming(from: [u8; 6], to: [u8; 6]) -> Vec<u8> {
    let mut frame = ethernet(0x8892, &hex("fefd 04 00 00000001 0000 000a 0202 0006 0000 70756d70"));
    frame[..6].copy_from_slice(&to);
    frame[6..12].copy_from_slice(&from);
    frame
}
