//! From an APDU to operations: one per property that it names, with the values that stand there.

use fieldwarden_model::{Operation, Outcome, PointRange, Values, Verb, operation::Encoding};

use super::{
    apdu::{Apdu, kind},
    notation,
    pending::Asked,
    schema::Is,
    service::Service,
    tag,
    walk::{Found, walk},
};

/// Values kept per operation; further ones of a long list are told by the fields alone.
const MAX_VALUES: usize = 64;

/// The object type of a device.
const DEVICE: u16 = 8;
/// The object type of a network port.
const NETWORK_PORT: u16 = 56;
/// The object type of a program.
const PROGRAM: u16 = 16;
/// The property by which a program is started and stopped (12.22.5).
const PROGRAM_CHANGE: u32 = 90;

/// Walks the operations of an APDU whose whole `parameters` are at hand. `asked` is what an answer belongs to.
pub(super) fn operations(
    apdu: &Apdu<'_>,
    parameters: &[u8],
    asked: Option<&Asked>,
    each: &mut dyn FnMut(&Operation<'_>),
) {
    let service = match asked {
        Some(asked) => Some(asked.service),
        None => Service::of(apdu.kind, apdu.service),
    };
    let outcome = outcome(apdu);
    let Some(service) = service else {
        if let Some(operation) = headless(apdu, outcome) {
            each(&operation);
        }
        return;
    };
    let mut state = asked.and_then(|asked| asked.state);
    let carries = matches!(apdu.kind, kind::CONFIRMED | kind::UNCONFIRMED | kind::COMPLEX_ACK);
    let mut collect = Collect::new(service, outcome, each);
    if carries {
        walk(parameters, apdu.schema(), &mut |found| {
            if service.has_state() && found.context && found.number == state_at(service) {
                state = tag::unsigned(found.octets);
            }
            collect.take(&found);
        });
        collect.flush();
    }
    if collect.told {
        return;
    }
    let (verb, name) = service.describe(state);
    let sub = asked.map_or_else(|| state.unwrap_or(0), |asked| asked.state.unwrap_or(asked.priority.into()));
    let function = function(service, u32::try_from(sub).unwrap_or(0));
    let of = |points| Operation { verb, function, name, unit: None, points, values: None, outcome };
    match asked.filter(|asked| !asked.points.is_empty()) {
        Some(asked) => asked.points.iter().for_each(|points| {
            let verb = refined(verb, Some(points), service);
            let name = if gives_address(points, service) { "set IP address" } else { name };
            each(&Operation { verb, name, ..of(Some(*points)) });
        }),
        None => each(&of(None)),
    }
}

/// The parameter of reinitialize device that says the state is the first, of communication control the second.
fn state_at(service: Service) -> u8 {
    u8::from(service.number == 17)
}

/// What reinitialize device or device communication control ask for.
pub(super) fn state(apdu: &Apdu<'_>, service: Service) -> Option<u64> {
    let mut state = None;
    if service.has_state() {
        walk(apdu.parameters, apdu.schema(), &mut |found| {
            if found.context && found.number == state_at(service) {
                state = tag::unsigned(found.octets);
            }
        });
    }
    state
}

/// A rejection or abortion of something that was not seen; acknowledgements of segments do nothing.
fn headless(apdu: &Apdu<'_>, outcome: Outcome) -> Option<Operation<'static>> {
    let (verb, name) = match apdu.kind {
        kind::REJECT => (Verb::Unknown, "Reject"),
        kind::ABORT => (Verb::Unknown, "Abort"),
        _ => return None,
    };
    Some(Operation {
        verb,
        function: u32::from(u16::MAX),
        name,
        unit: None,
        points: None,
        values: None,
        outcome,
    })
}

fn outcome(apdu: &Apdu<'_>) -> Outcome {
    match apdu.kind {
        kind::CONFIRMED => Outcome::Asked,
        kind::UNCONFIRMED if apdu.message_kind() == crate::Kind::Request => Outcome::Asked,
        kind::UNCONFIRMED => Outcome::Reported,
        kind::ERROR => Outcome::Refused(apdu.error().map_or(0, |(class, code)| class << 16 | code & 0xffff)),
        kind::REJECT | kind::ABORT => Outcome::Refused(apdu.reason.map_or(0, u32::from)),
        _ => Outcome::Done,
    }
}

/// Unconfirmed services count from 256; the priority or state stands in the upper half.
fn function(service: Service, sub: u32) -> u32 {
    let base = if service.confirmed { 0 } else { 256 };
    sub << 16 | base | u32::from(service.number)
}

/// Writing to the device itself is configuration, and a program is started and stopped by a property.
fn refined(verb: Verb, points: Option<&PointRange>, service: Service) -> Verb {
    let Some(space) = points.map(|points| points.space).filter(|_| service.writes()) else { return verb };
    match space.area {
        DEVICE | NETWORK_PORT => Verb::Configure,
        PROGRAM if space.block == PROGRAM_CHANGE => Verb::Mode,
        _ => verb,
    }
}

/// Whether it writes where a network port has its address, mask or gateway, or the way it comes by them: of IPv4 the properties 400
/// to 402, 408 and 411, of IPv6 435 to 437, 439 and 442 (12.56).
fn gives_address(points: &PointRange, service: Service) -> bool {
    service.writes()
        && points.space.area == NETWORK_PORT
        && matches!(points.space.block, 400..=402 | 408 | 411 | 435..=437 | 439 | 442)
}

/// Gathers what belongs to one operation.
struct Collect<'e, 'o> {
    service: Service,
    outcome: Outcome,
    each: &'e mut (dyn FnMut(&Operation<'_>) + 'o),
    object: Option<(u16, u32)>,
    property: Option<u32>,
    element: Option<u32>,
    priority: u32,
    numbers: heapless::Vec<Number, MAX_VALUES>,
    told: bool,
}

#[derive(Clone, Copy)]
enum Number {
    Whole(i64),
    Real(f64),
}

impl<'e, 'o> Collect<'e, 'o> {
    fn new(service: Service, outcome: Outcome, each: &'e mut (dyn FnMut(&Operation<'_>) + 'o)) -> Self {
        Self {
            service,
            outcome,
            each,
            object: None,
            property: None,
            element: None,
            priority: 0,
            numbers: heapless::Vec::new(),
            told: false,
        }
    }

    fn take(&mut self, found: &Found<'_>) {
        match found.is {
            Is::Object => {
                self.flush();
                (self.object, self.property) = (tag::object_id(found.octets), None);
            }
            Is::Property => {
                if self.property.is_some() {
                    self.flush();
                }
                (self.property, self.element) = (number(found.octets), None);
            }
            Is::Index => self.element = number(found.octets),
            Is::Priority => self.priority = number(found.octets).unwrap_or(0),
            Is::Value => {
                if let Some(number) = value(found) {
                    let _ = self.numbers.push(number);
                }
            }
            _ => {}
        }
    }

    /// Tells what was gathered, if an object was named.
    fn flush(&mut self) {
        let priority = core::mem::take(&mut self.priority);
        let numbers = core::mem::take(&mut self.numbers);
        let Some(object) = self.object else { return };
        let points = notation::point(object, self.property.unwrap_or(notation::ALL), self.element);
        self.property = None;
        let (bytes, encoding) = packed(&numbers);
        let count = u32::try_from(numbers.len()).unwrap_or(0);
        let values = (count > 0).then_some(Values { bytes: &bytes, encoding, count, stride: 1 });
        let (verb, name) = self.service.describe(None);
        let verb = refined(verb, Some(&points), self.service);
        let name = if gives_address(&points, self.service) { "set IP address" } else { name };
        let function = function(self.service, priority);
        (self.each)(&Operation {
            verb,
            function,
            name,
            unit: None,
            points: Some(points),
            values,
            outcome: self.outcome,
        });
        self.told = true;
        // A list of properties follows its object; an object alone is told once.
        if self.element.take().is_none() && !self.lists_properties() {
            self.object = None;
        }
    }

    const fn lists_properties(&self) -> bool {
        matches!(self.service.number, 1 | 2 | 10 | 11 | 14 | WRITES_MANY | 30 | 31)
    }
}

const WRITES_MANY: u8 = super::service::WRITE_PROPERTY_MULTIPLE;

fn number(octets: &[u8]) -> Option<u32> {
    tag::unsigned(octets).and_then(|number| u32::try_from(number).ok())
}

/// A number of a property's value (20.2.3 to 20.2.7, 20.2.11).
fn value(found: &Found<'_>) -> Option<Number> {
    if found.context {
        return None;
    }
    match found.number {
        tag::BOOLEAN => found.octets.first().map(|octet| Number::Whole(i64::from(octet & 1))),
        2 | 9 => tag::unsigned(found.octets).map(|n| Number::Whole(i64::try_from(n).unwrap_or(i64::MAX))),
        3 => tag::signed(found.octets).map(Number::Whole),
        4 | 5 => tag::real(found.octets).map(Number::Real),
        _ => None,
    }
}

/// Numbers under one encoding.
fn packed(numbers: &[Number]) -> (heapless::Vec<u8, { MAX_VALUES * 8 }>, Encoding) {
    let mut bytes = heapless::Vec::new();
    let whole = numbers.iter().all(|number| matches!(number, Number::Whole(_)));
    for number in numbers {
        let octets = match *number {
            Number::Whole(number) if whole => number.to_be_bytes(),
            Number::Whole(number) => f64::from(i32::try_from(number).unwrap_or(i32::MAX)).to_be_bytes(),
            Number::Real(number) => number.to_be_bytes(),
        };
        let _ = bytes.extend_from_slice(&octets);
    }
    (bytes, if whole { Encoding::Signed64 } else { Encoding::Float64 })
}
