//! From messages to operations: one per node that is touched.

use fieldwarden_model::{Operation, Outcome, PointRange, Values, Verb};

use crate::message::Direction;

use super::{
    binary::Value,
    content::{self, Said},
    notation,
    service::{self, Service},
    session::{Chunk, Served},
};

/// The bit of a status code that says bad (Part 4, 7.39).
const BAD: u32 = 0x8000_0000;

/// Walks the operations of a chunk; one that others follow has none.
pub(super) fn operations(chunk: &Chunk<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    match &chunk.served {
        Some(served) if served.answer => answered(chunk, served, each),
        Some(served) => asked(served, each),
        None if chunk.front.chunk != b'F' || chunk.front.is_secured() && !chunk.encrypted => {}
        None => {
            let Some((function, verb, name)) = service::transport(&chunk.front.kind) else { return };
            let outcome = match (&chunk.front.kind, chunk.direction) {
                (b"ERR" | b"RHE", _) => Outcome::Reported,
                (_, Direction::ToServer) => Outcome::Asked,
                (_, Direction::ToClient) => Outcome::Done,
            };
            each(&Operation { verb, function, name, unit: None, points: None, values: None, outcome });
        }
    }
}

const UNKNOWN: Service = Service { request: 0, verb: Verb::Unknown, name: "Unknown service" };

/// One operation of a service.
fn one<'a>(
    service: Service,
    points: Option<PointRange>,
    values: Option<Values<'a>>,
    outcome: Outcome,
) -> Operation<'a> {
    let Service { request, verb, name } = service;
    Operation { verb, function: request, name, unit: None, points, values, outcome }
}

fn asked(served: &Served<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let service = served.service.unwrap_or(Service { request: served.identifier, ..UNKNOWN });
    let mut waiting: Option<(PointRange, Option<Values<'_>>)> = None;
    let mut told = false;
    content::walk(service.request, false, served.body, &mut |said| match said {
        Said::Node(node, attribute) => {
            if let Some((points, values)) = waiting.take() {
                each(&one(service, Some(points), values, Outcome::Asked));
            }
            told = true;
            waiting = Some((notation::point(&node, attribute), None));
        }
        Said::Value(Value::Numbers(numbers)) => {
            if let Some((_, values)) = &mut waiting {
                // Of the arguments of a method the first numbers stand for all.
                *values = values.or(Some(numbers));
            }
        }
        _ => {}
    });
    if let Some((points, values)) = waiting {
        each(&one(service, Some(points), values, Outcome::Asked));
    }
    if !told {
        each(&one(service, None, None, Outcome::Asked));
    }
}

fn answered(chunk: &Chunk<'_>, served: &Served<'_>, each: &mut dyn FnMut(&Operation<'_>)) {
    let mut service = served.service.unwrap_or(UNKNOWN);
    if let Some((asked, _)) = chunk.asked.and_then(|asked| service::of(asked.service)) {
        service = asked;
    }
    let points = chunk.asked.map_or(&[][..], |asked| &asked.points);
    let result = content::result(served.body).unwrap_or(0);
    if result & BAD != 0 {
        let outcome = Outcome::Refused(result);
        points.iter().for_each(|points| each(&one(service, Some(*points), None, outcome)));
        if points.is_empty() {
            each(&one(service, None, None, outcome));
        }
        return;
    }
    let (mut n, mut told) = (0, false);
    let mut read = None;
    content::walk(service.request, true, served.body, &mut |said| match said {
        Said::Value(Value::Numbers(numbers)) => read = Some(numbers),
        Said::Status(status) => {
            let outcome = if status & BAD == 0 { Outcome::Done } else { Outcome::Refused(status) };
            each(&one(service, points.get(n).copied(), read.take(), outcome));
            (n, told) = (n + 1, true);
        }
        Said::Item(handle, value, _) => {
            let values = match value {
                Value::Numbers(numbers) => Some(numbers),
                _ => None,
            };
            each(&one(service, chunk.pending.watched(handle), values, Outcome::Reported));
            told = true;
        }
        _ => {}
    });
    if told {
        return;
    }
    points.iter().for_each(|points| each(&one(service, Some(*points), None, Outcome::Done)));
    if points.is_empty() {
        each(&one(service, None, None, Outcome::Done));
    }
}
