//! Who reaches whom, by what, and who listens: remote access, programs copied, passwords, encryption, zones.

use fieldwarden_model::{Site, site::Asset, zone::Conduit};

use super::{
    octets::hex,
    plant::{PLC, PLC_2, PORTAL, Plant, ROGUE, SECOND_STATION, STATION, rogue as other},
    samples,
    table::{Row, rogue, row, station, to, unseen},
};

const SMALL: usize = 3;
const DRIP: u64 = 20;
const LONG: u64 = 4 * 3_600;
const FTP: u16 = 21;

pub(crate) fn rows() -> Vec<Row> {
    vec![guesses(), passwords(), remote(), tools(), public(), ports(), encryption(), conduits()]
}

fn guesses() -> Row {
    let by = &["password-guessing"];
    row(
        "password-guessing",
        rogue("ten words in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            (0..10).for_each(|_| logs_in(plant, ROGUE, PLC, 5));
        }),
        unseen("a word every twenty minutes", "Passwords guessed slower than six an hour", |plant| {
            (0..10).for_each(|_| logs_in(plant, ROGUE, PLC, 1_200));
        }),
        to("10.0.0.", "a word from each of ten clients", by, |plant| {
            (0..10).for_each(|n| logs_in(plant, other(n), PLC, 5));
        }),
    )
}

/// A login that is refused, in a connection of its own.
fn logs_in(plant: &mut Plant, client: [u8; 4], server: [u8; 4], pause: u64) {
    plant.talks(
        client,
        server,
        FTP,
        &[
            (true, b"220 ready\r\n"),
            (false, b"USER admin\r\n"),
            (true, b"331 password\r\n"),
            (false, b"PASS wrong\r\n"),
            (true, b"530 no\r\n"),
        ],
    );
    plant.ends(client, server, FTP).wait(pause);
}

fn passwords() -> Row {
    let by = &["clear-text-credentials"];
    row(
        "clear-text-credentials",
        rogue("a password of FTP in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            logs_in(plant, ROGUE, PLC, 1);
        }),
        rogue("a password of FTP octet by octet", by, |plant| {
            plant.drips = Some(DRIP);
            logs_in(plant, ROGUE, PLC, 1);
        }),
        rogue("a password from each of three clients", by, |plant| {
            (0..3).for_each(|n| logs_in(plant, other(n), PLC, LONG));
        }),
    )
}

fn remote() -> Row {
    let by = &["remote-access"];
    row(
        "remote-access",
        rogue("SSH on a port of its own, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            ssh(plant, ROGUE, PLC, 8_443);
        }),
        rogue("SSH octet by octet", by, |plant| {
            plant.drips = Some(DRIP);
            ssh(plant, ROGUE, PLC, 22);
        }),
        rogue("a session to each of two controllers, from two clients", by, |plant| {
            ssh(plant, ROGUE, PLC, 22);
            plant.wait(LONG);
            ssh(plant, other(1), PLC_2, 22);
        }),
    )
}

fn ssh(plant: &mut Plant, client: [u8; 4], server: [u8; 4], port: u16) {
    let hello: &[u8] = b"SSH-2.0-OpenSSH_9.6\r\n";
    plant.talks(client, server, port, &[(true, hello), (false, hello)]);
}

fn tools() -> Row {
    let by = &["tool-transfer"];
    row(
        "tool-transfer",
        rogue("a program stored by FTP, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            stores(plant, ROGUE, b"STOR tool.exe\r\n");
        }),
        rogue("its name octet by octet", by, |plant| {
            plant.drips = Some(DRIP);
            stores(plant, ROGUE, b"STOR tool.exe\r\n");
        }),
        rogue("parts of a program stored by three clients", by, |plant| {
            for (n, name) in
                [&b"STOR tool.exe\r\n"[..], b"STOR more.dll\r\n", b"STOR go.bat\r\n"].into_iter().enumerate()
            {
                stores(plant, other(u8::try_from(n).unwrap()), name);
            }
        }),
    )
}

fn stores(plant: &mut Plant, client: [u8; 4], command: &[u8]) {
    let login: &[(bool, &[u8])] = &[(true, b"220 ready\r\n"), (false, b"USER a\r\n"), (true, b"230 in\r\n")];
    plant.talks(client, PLC, FTP, login);
    plant.talks(client, PLC, FTP, &[(false, command), (true, b"150 go on\r\n")]);
}

fn public() -> Row {
    let by = &["public-address"];
    row(
        "public-address",
        station("a datagram to the Internet and its answer, in fragments", by, |plant| {
            plant.pieces = Some(16);
            beacons(plant, [8, 8, 4, 4]);
        }),
        station("a beacon every four hours", by, |plant| {
            for _ in 0..3 {
                beacons(plant, [8, 8, 4, 4]);
                plant.wait(LONG);
            }
        }),
        station("a beacon to each of six addresses", by, |plant| {
            (0..6).for_each(|n| beacons(plant, [8, 8, 4, n]));
        }),
    )
}

fn beacons(plant: &mut Plant, server: [u8; 4]) {
    plant.datagram((STATION, 40_000), (server, 9_999), &[7; 64]);
    plant.datagram((server, 9_999), (STATION, 40_000), &[8; 64]);
}

fn ports() -> Row {
    let by = &["wrong-port"];
    row(
        "wrong-port",
        rogue("Modbus on a port of the web, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            misplaced(plant, ROGUE, PLC);
        }),
        rogue("the same octet by octet", by, |plant| {
            plant.drips = Some(DRIP);
            misplaced(plant, ROGUE, PLC);
        }),
        rogue("two clients, two controllers", by, |plant| {
            misplaced(plant, ROGUE, PLC);
            plant.wait(LONG);
            misplaced(plant, other(1), PLC_2);
        }),
    )
}

fn misplaced(plant: &mut Plant, client: [u8; 4], server: [u8; 4]) {
    for number in 1..=3 {
        let asked = hex(&format!("{number:04x} 0000 0006 01 03 0000 0002"));
        let answer = hex(&format!("{number:04x} 0000 0007 01 03 04 0007 0009"));
        plant.asks(client, server, 8_080, &asked).answers(client, server, 8_080, &answer);
    }
}

fn encryption() -> Row {
    row(
        "lost-encryption",
        station("a page in the clear where TLS is spoken, in segments", &["lost-encryption"], |plant| {
            plant.pieces = Some(SMALL);
            browses(plant, STATION);
        }),
        station("a page octet by octet", &["lost-encryption"], |plant| {
            plant.drips = Some(DRIP);
            browses(plant, STATION);
        }),
        to("10.0.0.", "a page each by both stations and by a stranger", &["lost-encryption"], |plant| {
            for client in [ROGUE, STATION, SECOND_STATION] {
                browses(plant, client);
            }
        }),
    )
}

fn browses(plant: &mut Plant, client: [u8; 4]) {
    for (answers, octets) in said("http") {
        let talk = [(answers, octets.as_slice())];
        plant.talks(client, PORTAL, 443, &talk);
    }
}

/// What a protocol says first, as the test of foreign ports has it.
fn said(protocol: &str) -> Vec<(bool, Vec<u8>)> {
    samples::streams().into_iter().find(|sample| sample.of == [protocol]).unwrap().parts
}

pub(crate) fn client_hello() -> Vec<u8> {
    said("tls").remove(0).1
}

/// A hello of a server of TLS 1.2 (RFC 5246 clause 7.4.1.3).
pub(crate) fn server_hello() -> Vec<u8> {
    [hex("16 0303 002a 02 000026 0303"), vec![0x33; 32], hex("00 c02f 00")].concat()
}

fn conduits() -> Row {
    let by = &["outside-conduit"];
    let mut row = row(
        "outside-conduit",
        rogue("a write through no conduit, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            plant.writes(ROGUE, PLC, 100, 40);
        }),
        rogue("a write through no conduit, octet by octet", by, |plant| {
            plant.drips = Some(DRIP);
            plant.writes(ROGUE, PLC, 100, 40);
        }),
        rogue("a write each by three clients of the office", by, |plant| {
            (0..3).for_each(|n| _ = plant.writes(other(n), PLC, 100, 40).wait(LONG));
        }),
    );
    row.site = zoned;
    row
}

/// The controllers and the stations in a cell, the others in an office from which one may read the history alone.
fn zoned() -> Site {
    let asset = |name: &str, address: [u8; 4], zone: &str| Asset {
        name: name.into(),
        addresses: vec![fieldwarden_model::Talker::Ip(address.into())],
        role: String::new(),
        zone: zone.into(),
        criticality: 1,
        tags: Vec::new(),
    };
    let cell = [("plc", PLC), ("plc 2", PLC_2), ("hmi", STATION), ("hmi 2", SECOND_STATION)];
    let mut assets: Vec<Asset> =
        cell.into_iter().map(|(name, address)| asset(name, address, "cell")).collect();
    assets.extend((0..3).map(|n| asset(&format!("desk {n}"), other(n), "office")));
    let conduit = Conduit {
        name: "history".into(),
        from: "office".into(),
        to: "cell".into(),
        protocols: vec!["opcua".into()],
        operations: vec![fieldwarden_model::Verb::Read],
    };
    Site { assets, conduits: vec![conduit], ..Site::default() }
}
