//! What is written and read: points, values, functions, and what devices say of themselves.

use super::{
    octets::hex,
    plant::{PLC, PLC_2, Plant, ROGUE, SECOND_STATION, STATION, process, rogue as other},
    table::{Row, rogue, row, station, to, unseen},
};

const MODBUS: u16 = 502;
const SMALL: usize = 2;
const DRIP: u64 = 20;
const LONG: u64 = 4 * 3_600;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        points(),
        values(),
        steps(),
        toggles(),
        bursts(),
        functions(),
        scans(),
        refusals(),
        sweeps(),
        broken(),
        forged(),
        devices(),
        frozen(),
        covert(),
    ]
}

fn points() -> Row {
    let by = &["new-point-write"];
    row(
        "new-point-write",
        station("a write of a register never written, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            plant.writes(STATION, PLC, 300, 1);
        }),
        station("the same write octet by octet", by, |plant| {
            plant.drips = Some(DRIP);
            plant.writes(STATION, PLC, 300, 1);
        }),
        station("a register each from both stations and a stranger", by, |plant| {
            plant.writes(STATION, PLC, 300, 1).writes(SECOND_STATION, PLC, 301, 1).writes(ROGUE, PLC, 302, 1);
        }),
    )
}

fn values() -> Row {
    let by = &["value-out-of-range"];
    row(
        "value-out-of-range",
        station("a value beyond its envelope, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            plant.writes(STATION, PLC, 100, 120);
        }),
        station("one more every four hours, from the bound on", by, |plant| {
            for value in 80..=92 {
                plant.writes(STATION, PLC, 100, value).wait(LONG);
            }
        }),
        station(
            "both stations in turn, each on the register of the other too",
            &["value-out-of-range", "new-point-write"],
            |plant| {
                for value in [85, 90, 95] {
                    plant.writes(STATION, PLC, 101, value).writes(SECOND_STATION, PLC, 100, value);
                }
            },
        ),
    )
}

fn steps() -> Row {
    let by = &["value-step"];
    row(
        "value-step",
        station("a jump within the envelope, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            plant.writes(STATION, PLC, 100, 25).writes(STATION, PLC, 100, 75);
        }),
        station("a drift of five every four hours", by, |plant| {
            for value in (20..=80).step_by(5) {
                plant.writes(STATION, PLC, 100, value).wait(LONG);
            }
        }),
        station("a jump whose halves two stations write", &["value-step", "new-point-write"], |plant| {
            plant.writes(STATION, PLC, 100, 25).writes(SECOND_STATION, PLC, 100, 50);
            plant.writes(STATION, PLC, 100, 75);
        }),
    )
}

fn toggles() -> Row {
    row(
        "point-toggling",
        station("back and forth twice a second, in segments", &["point-toggling"], |plant| {
            plant.pieces = Some(SMALL);
            toggle(plant, &[STATION], 30, 2);
        }),
        // Slower than half the threshold nothing tells it: `docs/known-issues.md` says so.
        station(
            "back and forth seven times a minute, one below the threshold",
            &["point-toggling"],
            |plant| {
                toggle(plant, &[STATION], 70, 8);
            },
        ),
        to(
            "10.0.0.6",
            "two stations, each of which writes one value",
            &["new-point-write", "rogue-master"],
            |plant| {
                toggle(plant, &[STATION, SECOND_STATION], 30, 2);
            },
        ),
    )
}

/// Writes two values within the envelope in turn, while the plant lives.
fn toggle(plant: &mut Plant, clients: &[[u8; 4]], times: usize, pause: u64) {
    for n in 0..times {
        plant.writes(clients[n % clients.len()], PLC, 100, [40, 45][n % 2]).lives(pause);
    }
}

fn bursts() -> Row {
    row(
        "write-burst",
        station("a write every second, in segments", &["write-burst"], |plant| {
            plant.pieces = Some(SMALL);
            bursting(plant, &[STATION], 60, 1);
        }),
        station("fifteen writes a minute, below the threshold", &["write-burst"], |plant| {
            bursting(plant, &[STATION], 150, 4);
        }),
        rogue("sixty writes, ten from each of six clients", &["rogue-master"], |plant| {
            let clients: Vec<[u8; 4]> = (0..6).map(other).collect();
            bursting(plant, &clients, 60, 1);
        }),
    )
}

fn bursting(plant: &mut Plant, clients: &[[u8; 4]], times: usize, pause: u64) {
    for n in 0..times {
        plant.writes(clients[n % clients.len()], PLC, 100, 40).lives(pause);
    }
}

fn functions() -> Row {
    let by = &["new-function"];
    row(
        "new-function",
        station("a masked write, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            masks(plant, STATION);
        }),
        station("a masked write octet by octet", by, |plant| {
            plant.drips = Some(DRIP);
            masks(plant, STATION);
        }),
        station("one function from each of two stations", by, |plant| {
            masks(plant, STATION);
            plant.does(SECOND_STATION, PLC, &hex("17 0000 0001 0064 0001 02 0028"), &hex("17 02 0000"));
        }),
    )
}

fn masks(plant: &mut Plant, client: [u8; 4]) {
    let pdu = hex("16 0064 ffff 0001");
    plant.does(client, PLC, &pdu, &pdu);
}

fn scans() -> Row {
    row(
        "function-scan",
        station("functions refused one after the other, in segments", &["function-scan"], |plant| {
            plant.pieces = Some(SMALL);
            tries(plant, &[STATION], 1);
        }),
        station("a function every quarter of an hour", &["new-function"], |plant| {
            tries(plant, &[STATION], 900);
        }),
        station("the functions shared out over two stations and two strangers", &["new-function"], |plant| {
            tries(plant, &[STATION, SECOND_STATION, ROGUE, other(1)], 1);
        }),
    )
}

/// Tries twelve functions that the controller does not know.
fn tries(plant: &mut Plant, clients: &[[u8; 4]], pause: u64) {
    for (n, function) in (65_u8..77).enumerate() {
        plant.is_refused(clients[n % clients.len()], PLC, &[function, 0]).lives(pause.min(1)).wait(pause);
    }
}

fn refusals() -> Row {
    row(
        "exception-burst",
        station("thirty reads refused within half a minute, in segments", &["exception-burst"], |plant| {
            plant.pieces = Some(SMALL);
            refused(plant, &[STATION], 30, 1);
        }),
        station("a read refused every ten seconds", &["read-sweep"], |plant| {
            refused(plant, &[STATION], 30, 10);
        }),
        rogue("two reads refused of each of fifteen clients", &["new-conversation"], |plant| {
            let clients: Vec<[u8; 4]> = (0..15).map(other).collect();
            refused(plant, &clients, 30, 1);
        }),
    )
}

fn refused(plant: &mut Plant, clients: &[[u8; 4]], times: u16, pause: u64) {
    for n in 0..times {
        let pdu = [&[3][..], &(1_000 + n * 20).to_be_bytes(), &[0, 8]].concat();
        plant.is_refused(clients[usize::from(n) % clients.len()], PLC, &pdu).lives(pause);
    }
}

fn sweeps() -> Row {
    row(
        "read-sweep",
        station("twenty ranges read, in segments", &["read-sweep"], |plant| {
            plant.pieces = Some(SMALL);
            sweep(plant, &[STATION], 20, 1);
        }),
        unseen("a range every ten minutes", "reads of fewer new ranges an hour", |plant| {
            sweep(plant, &[STATION], 20, 600);
        }),
        rogue("two ranges each by ten clients", &["new-conversation"], |plant| {
            let clients: Vec<[u8; 4]> = (0..10).map(other).collect();
            sweep(plant, &clients, 20, 1);
        }),
    )
}

fn sweep(plant: &mut Plant, clients: &[[u8; 4]], times: u16, pause: u64) {
    for n in 0..times {
        plant.reads(clients[usize::from(n) % clients.len()], PLC, 1_000 + n * 3, 2).wait(pause);
    }
}

fn broken() -> Row {
    let by = &["malformed"];
    row(
        "malformed",
        station("a quantity that the standard forbids, in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            breaks(plant, STATION);
        }),
        station("a forbidden quantity every four hours", by, |plant| {
            for _ in 0..3 {
                breaks(plant, STATION);
                plant.wait(LONG);
            }
        }),
        rogue("a forbidden quantity from each of six clients", by, |plant| {
            for n in 0..6 {
                breaks(plant, other(n));
            }
        }),
    )
}

/// More registers than one request may write (clause 6.12 of the Modbus Application Protocol): the count of octets lies.
fn breaks(plant: &mut Plant, client: [u8; 4]) {
    let asked = plant.modbus(1, &hex("10 0064 00ff 02 0001"));
    plant.asks(client, PLC, MODBUS, &asked);
}

fn forged() -> Row {
    let by = &["unasked-answer"];
    row(
        "unasked-answer",
        to("10.0.0.20", "a second answer in segments", by, |plant| {
            plant.pieces = Some(SMALL);
            forges(plant, PLC);
        }),
        to("10.0.0.20", "a second answer every four hours", by, |plant| {
            for _ in 0..3 {
                forges(plant, PLC);
                plant.wait(LONG);
            }
        }),
        to("10.0.0.2", "second answers of both controllers", by, |plant| {
            forges(plant, PLC);
            forges(plant, PLC_2);
        }),
    )
}

/// An answer to the poll, and another one with other values.
fn forges(plant: &mut Plant, server: [u8; 4]) {
    plant.reads(STATION, server, 0, 10);
    let again = plant.modbus(1, &[&[3, 20][..], &[9; 20]].concat());
    plant.answers(STATION, server, MODBUS, &again);
}

fn devices() -> Row {
    let by = &["asset-changed"];
    row(
        "asset-changed",
        to("10.0.0.20", "another firmware, told in segments", by, |plant| {
            identifies(plant, STATION, "3.1");
            plant.pieces = Some(SMALL);
            identifies(plant, STATION, "3.2");
        }),
        to("10.0.0.20", "another firmware after a day", by, |plant| {
            identifies(plant, STATION, "3.1");
            plant.wait(86_400);
            identifies(plant, STATION, "3.2");
        }),
        to("10.0.0.20", "each station is told another firmware", by, |plant| {
            identifies(plant, STATION, "3.1");
            identifies(plant, SECOND_STATION, "3.2");
        }),
    )
}

/// A station asks a controller who it is, and is told a revision (clause 6.21).
fn identifies(plant: &mut Plant, client: [u8; 4], revision: &str) {
    let objects = [(0, "Maker"), (1, "Model"), (2, revision)];
    let told = objects.iter().flat_map(|(number, text)| {
        [&[*number, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
    });
    let answer = hex("2b 0e 01 01 00 00 03").into_iter().chain(told).collect::<Vec<u8>>();
    plant.does(client, PLC, &hex("2b 0e 01 00"), &answer);
}

fn frozen() -> Row {
    let by = &["frozen-report"];
    row(
        "frozen-report",
        to("10.0.0.20", "a level that stands still, its answers in segments", by, |plant| {
            (plant.pieces, plant.polls_in_pieces) = (Some(SMALL), true);
            plant.reports =
                |poll, station, server| process(if server == PLC { 7 } else { poll }, station, server);
            plant.lives(600);
        }),
        to("10.0.0.20", "a level that is let go on once a minute", by, |plant| {
            plant.reports = |poll, station, server| {
                process(if server == PLC { poll / 12 } else { poll }, station, server)
            };
            plant.lives(1_800);
        }),
        to("10.0.0.2", "each station is told an old level of another controller", by, |plant| {
            plant.reports = |poll, station, server| {
                let forged = (station == STATION) == (server == PLC);
                process(if forged { 7 } else { poll }, station, server)
            };
            plant.lives(600);
        }),
    )
}

fn covert() -> Row {
    let by = &["covert-channel"];
    row(
        "covert-channel",
        to("10.0.0.20", "ciphers in six registers, in segments", by, |plant| {
            (plant.pieces, plant.polls_in_pieces) = (Some(SMALL), true);
            plant.reports = |poll, station, server| {
                if server == PLC { ciphers(poll) } else { process(poll, station, server) }
            };
            plant.lives(1_800);
        }),
        unseen(
            "a cipher every quarter of an hour",
            "nor one that is no more lively than the process",
            |plant| {
                plant.reports = |poll, station, server| {
                    if server == PLC { ciphers(poll / 180) } else { process(poll, station, server) }
                };
                plant.lives(4 * 3_600);
            },
        ),
        to("10.0.0.2", "ciphers of both controllers, in turn", by, |plant| {
            plant.reports = |poll, station, server| {
                if (server == PLC) == (poll % 600 < 300) {
                    ciphers(poll)
                } else {
                    process(poll, station, server)
                }
            };
            plant.lives(3_600);
        }),
    )
}

/// Six registers that look like chance, beside the level.
fn ciphers(poll: u64) -> [u16; 10] {
    let mut registers = process(poll, STATION, PLC);
    for (n, register) in (0_u64..6).zip(&mut registers) {
        // SplitMix64: evenly spread, and the same on every run.
        let mut mixed = (poll * 6 + n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        *register = u16::try_from(mixed >> 54).unwrap();
    }
    registers
}
