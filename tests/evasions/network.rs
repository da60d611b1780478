//! The network below the protocols of plants: addresses, doors, who hands them out, floods.

use super::{
    octets::{dnp3, hex},
    plant::{PLC, PLC_2, Plant, ROGUE, STATION, card, rogue as other},
    table::{Row, rogue, row, station, to, unseen},
};

const LONG: u64 = 4 * 3_600;
/// Octets of a fragment: no header of TCP fits into it.
const TINY: usize = 8;

pub(crate) fn rows() -> Vec<Row> {
    vec![talkers(), conversations(), addresses(), doors(), leases(), floods()]
}

fn talkers() -> Row {
    let by = &["new-talker"];
    row(
        "new-talker",
        rogue("a datagram in fragments", by, |plant| {
            plant.pieces = Some(TINY);
            plant.datagram((ROGUE, 40_000), (PLC, 9), &[0; 64]);
        }),
        rogue("a packet every four hours", by, |plant| {
            for _ in 0..3 {
                plant.datagram((ROGUE, 40_000), (PLC, 9), &[0; 8]).wait(LONG);
            }
        }),
        rogue("a packet from each of six addresses", by, |plant| {
            for n in 0..6 {
                plant.datagram((other(n), 40_000), (PLC, 9), &[0; 8]);
            }
        }),
    )
}

fn conversations() -> Row {
    let by = &["new-conversation"];
    row(
        "new-conversation",
        station("a service never used, joined in its middle, in segments", by, |plant| {
            (plant.pieces, plant.joined_late) = (Some(1), true);
            plant.asks(STATION, PLC_2, 8_080, &hex("0102030405060708"));
            plant.answers(STATION, PLC_2, 8_080, &hex("0102030405060708"));
        }),
        station("a knock every four hours", by, |plant| {
            for port in [22, 23, 80] {
                plant.knocks(STATION, PLC, port).wait(LONG);
            }
        }),
        rogue("a connection from each of six clients", by, |plant| {
            for n in 0..6 {
                plant.reads(other(n), PLC, 0, 2);
            }
        }),
    )
}

fn addresses() -> Row {
    let by = &["address-change"];
    row(
        "address-change",
        // ARP knows no pieces: a reply to one alone, tagged and padded, is what is least seen.
        to("", "a reply to the station alone, with a tag and padding", by, |plant| {
            let packet =
                [&hex("0001 0800 06 04 0002")[..], &card(ROGUE), &PLC, &card(STATION), &STATION].concat();
            let head = [&card(STATION)[..], &card(ROGUE), &hex("8100 0000 0806")].concat();
            plant.frame([&head[..], &packet, &[0; 90]].concat());
        }),
        to("", "a reply after a day", by, |plant| {
            plant.wait(86_400).arp(2, card(ROGUE), PLC, (card(STATION), STATION));
        }),
        to("", "a card for each of two addresses", by, |plant| {
            plant.arp(2, card(ROGUE), PLC, (card(STATION), STATION));
            plant.arp(2, card(other(1)), PLC_2, (card(STATION), STATION));
        }),
    )
}

fn doors() -> Row {
    row(
        "scan",
        rogue("forty ports, each knock in fragments that cut its header", &["scan"], |plant| {
            plant.pieces = Some(TINY);
            (1..=40).for_each(|port| _ = plant.knocks(ROGUE, PLC, port).wait(1));
        }),
        rogue("a port every ten minutes", &["new-conversation"], |plant| {
            (1..=20).for_each(|port| _ = plant.knocks(ROGUE, PLC, port).wait(600));
        }),
        to("10.0.0.", "four ports from each of thirty clients", &["scan"], |plant| {
            for n in 0..30 {
                let ports = u16::from(n) * 4 + 1..=u16::from(n) * 4 + 4;
                ports.for_each(|port| _ = plant.knocks(other(n), PLC, port).wait(1));
            }
        }),
    )
}

fn leases() -> Row {
    let by = &["rogue-dhcp"];
    row(
        "rogue-dhcp",
        rogue("an offer in fragments", by, |plant| {
            plant.pieces = Some(64);
            offers(plant, ROGUE);
        }),
        rogue("an offer every four hours", by, |plant| {
            for _ in 0..3 {
                offers(plant, ROGUE);
                plant.wait(LONG);
            }
        }),
        rogue("an offer from each of six servers", by, |plant| {
            for n in 0..6 {
                offers(plant, other(n));
            }
        }),
    )
}

fn offers(plant: &mut Plant, server: [u8; 4]) {
    plant.datagram((server, 67), ([255; 4], 68), &dhcp(2, Some(server)));
}

/// A message of DHCP (RFC 2131 clause 2), with the option that names the server where it has one.
pub(crate) fn dhcp(kind: u8, server: Option<[u8; 4]>) -> Vec<u8> {
    let operation = if server.is_some() { 2 } else { 1 };
    let offered = if server.is_some() { [10, 0, 0, 99] } else { [0; 4] };
    let options = match server {
        Some(server) => [&hex("63825363 35 01")[..], &[kind, 54, 4], &server, &[255]].concat(),
        None => [&hex("63825363 35 01")[..], &[kind, 255]].concat(),
    };
    let head = [&[operation, 1, 6, 0][..], &[0, 0, 0, 7, 0, 0, 0, 0], &[0; 4], &offered, &[0; 8]].concat();
    [&head[..], &[2, 0, 0, 0, 0, 9], &[0; 202], &options].concat()
}

fn floods() -> Row {
    row(
        "request-flood",
        rogue(
            "fifteen thousand reads of DNP3 within a minute, each in three segments",
            &["request-flood"],
            |plant| {
                plant.pieces = Some(7);
                let read = dnp3("c0 c0 01 3c02 06");
                (0..15_000).for_each(|_| _ = plant.asks(ROGUE, PLC, 20_000, &read));
            },
        ),
        station("ten times the station's pace, far below the threshold", &["period-change"], |plant| {
            for _ in 0..600 {
                plant.reads(STATION, PLC, 0, 10).lives(1);
            }
        }),
        unseen(
            "fifteen thousand requests, two hundred and forty of each client",
            "A flood of requests shared out",
            |plant| {
                let clients: Vec<[u8; 4]> = (0..63).map(other).collect();
                floods_with(plant, &clients, 15_000);
            },
        ),
    )
}

fn floods_with(plant: &mut Plant, clients: &[[u8; 4]], requests: usize) {
    for n in 0..requests {
        plant.reads(clients[n % clients.len()], PLC, 0, 2);
    }
}
