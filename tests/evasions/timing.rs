//! What stops, slows down or hides: polls, answers, and the sensor's own sight.

use super::{
    plant::{PLC, PLC_2, Plant, ROGUE, SECOND_STATION, STATION, rogue as other},
    table::{Row, rogue, row, station, to, unseen},
};

pub(crate) fn rows() -> Vec<Row> {
    vec![lost(), silent(), paced(), blind()]
}

fn lost() -> Row {
    row(
        "lost-poll",
        // The station still sends, but no request is ever whole.
        station("polls of which only the first octets are sent", &["lost-poll"], |plant| {
            plant.poll_octets = [0, 0];
            quiet(plant, &[], 300);
        }),
        station(
            "a poll every forty-five seconds in place of five, before the tenth period is over",
            &["period-change"],
            |plant| {
                plant.poll_secs = 45;
                plant.lives(900);
            },
        ),
        to("10.0.0.", "both stations one after the other", &["lost-poll"], |plant| {
            quiet(plant, &[SECOND_STATION], 600);
            quiet(plant, &[], 600);
        }),
    )
}

/// Only some stations poll, while others are heard.
fn quiet(plant: &mut Plant, polling: &[[u8; 4]], seconds: u64) {
    plant.polling = polling.to_vec();
    for _ in 0..seconds / 5 {
        plant.datagram((ROGUE, 40_000), (PLC, 9), &[0; 8]).lives(5);
    }
}

fn silent() -> Row {
    row(
        "silent-controller",
        to("10.0.0.20", "answers of which only the first octets are sent", &["silent-controller"], |plant| {
            plant.poll_octets = [usize::MAX, 5];
            plant.lives(600);
        }),
        unseen("an answer every hundred seconds", "A controller that answers one poll of many", |plant| {
            for _ in 0..6 {
                plant.answering = vec![];
                plant.lives(95);
                plant.answering = vec![PLC, PLC_2];
                plant.lives(5);
            }
        }),
        to("10.0.0.2", "both controllers, one after the other", &["silent-controller"], |plant| {
            plant.answering = vec![PLC_2];
            plant.lives(600);
            plant.answering = vec![];
            plant.lives(600);
        }),
    )
}

fn paced() -> Row {
    row(
        "period-change",
        station("twice the pace, each request in segments", &["period-change"], |plant| {
            plant.pieces = Some(2);
            asks_more(plant, &[STATION], 60, 5);
        }),
        station("one request a minute more each minute", &["period-change"], |plant| {
            for minute in 1..=12_u64 {
                for _ in 0..minute {
                    plant.reads(STATION, PLC, 0, 10).lives(60 / minute);
                }
            }
        }),
        rogue("what is more is asked by six clients", &["new-conversation"], |plant| {
            let clients: Vec<[u8; 4]> = (0..6).map(other).collect();
            asks_more(plant, &clients, 60, 5);
        }),
    )
}

fn asks_more(plant: &mut Plant, clients: &[[u8; 4]], times: usize, pause: u64) {
    for n in 0..times {
        plant.reads(clients[n % clients.len()], PLC, 0, 10).lives(pause);
    }
}

fn blind() -> Row {
    row(
        "sensor-blind",
        to(
            "0.0.0.0",
            "two hundred holes within a minute, of three octets each",
            &["sensor-blind"],
            |plant| {
                holes(plant, &[STATION], 200, 0);
            },
        ),
        unseen("a hole every two seconds", "Blindness below its thresholds", |plant| {
            holes(plant, &[STATION], 150, 2);
        }),
        to("0.0.0.0", "the holes shared out over four conversations", &["sensor-blind"], |plant| {
            holes(plant, &[STATION, SECOND_STATION, ROGUE, other(1)], 200, 0);
        }),
    )
}

/// A client's segments of which each is followed by a hole, and its next one by an acknowledgement of all.
fn holes(plant: &mut Plant, clients: &[[u8; 4]], times: usize, pause: u64) {
    for n in 0..times {
        let client = clients[n % clients.len()];
        plant.reads(client, PLC, 0, 10).loses(client, PLC, 12).wait(pause);
    }
}
