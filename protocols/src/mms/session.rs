//! One flow: service data units of the transport to MMS messages, answers paired with their requests.

use alloc::collections::VecDeque;

use fieldwarden_model::PointRange;

use super::{
    ACSE, MMS,
    body::{Association, MmsMessage},
    pdu::{Fault, Pdu, kind},
    service::Service,
    stack,
};
use crate::{
    anomaly::Anomaly,
    iso::{Upper, tell},
    message::{Direction, Kind, Sink},
};

/// Requests kept per flow. Peers agree on 1 to 10 outstanding ones when they initiate.
pub(super) const MAX_PENDING: usize = 64;
/// Points kept per request; an answer names no more.
pub(super) const MAX_POINTS: usize = 16;
/// Answers that may belong to requests that were not seen.
const PARALLEL: u8 = 10;

/// What a request asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The service.
    pub(super) number: u32,
    /// Its verb and name, one for all that it names.
    pub(super) service: Service,
    /// What it names, in order; none for what has no name.
    pub(super) points: heapless::Vec<(Service, Option<PointRange>), MAX_POINTS>,
    invoke: i64,
    towards: Direction,
}

/// Which standard uses MMS here, as its names tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Profile {
    /// Not told yet.
    #[default]
    Unknown,
    /// IEC 61850-8-1: names of logical nodes with a functional constraint.
    Iec61850,
    /// IEC 60870-6 TASE.2, also called ICCP: names that its clause 8 of part 802 fixes.
    Tase2,
}

/// What is kept of one flow.
#[derive(Debug, Default)]
pub(super) struct MmsSession {
    pending: VecDeque<Asked>,
    profile: Profile,
    /// Answers without request that are no fault, since requests may have been lost.
    forgiven: u8,
    asked_once: bool,
}

impl Upper for MmsSession {
    fn unit(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        let unit = stack::read(octets);
        let cut = (!unit.whole).then(|| Anomaly::malformed("stack-cut", 0, count(octets.len()), 0));
        if unit.session.is_some() || unit.acse.is_some() || cut.is_some() {
            let association = Association { unit };
            let kind = if cut.is_some() { Kind::Anomaly } else { association.kind() };
            tell(ACSE, kind, direction, cut.as_slice(), &association, sink);
        }
        if let Some(mms) = unit.mms.filter(|_| !unit.foreign) {
            self.message(direction, mms, sink);
        }
    }

    /// What was asked stands: an identifier is used again only once its answer came (ISO 9506-2, 5.2), and then replaces it.
    fn gap(&mut self, _: Direction) {
        self.forgiven = PARALLEL;
    }

    fn doubt(&mut self, _: Direction) {
        self.forgiven = PARALLEL;
    }
}

impl MmsSession {
    fn message(&mut self, direction: Direction, octets: &[u8], sink: &mut dyn Sink) {
        if self.profile == Profile::Unknown {
            self.profile = profile(octets);
        }
        let (pdu, fault) = Pdu::read(octets);
        let mut anomalies: heapless::Vec<Anomaly, 2> = heapless::Vec::new();
        let _ = fault.is_some_and(|fault| anomalies.push(anomaly(fault, &pdu, octets)).is_ok());
        let mut message = MmsMessage { pdu, asked: None, profile: self.profile };
        let asked = match pdu.kind {
            kind::CONFIRMED_REQUEST => {
                let cap = self.remember(direction, &message);
                let _ = cap.is_some_and(|cap| anomalies.push(cap).is_ok());
                None
            }
            kind::CONFIRMED_RESPONSE | kind::CONFIRMED_ERROR => {
                let asked = self.answered(direction, &pdu);
                let unmatched = asked.is_none() && self.asked_once && self.forgiven == 0;
                if unmatched && fault.is_none() {
                    let got = pdu.invoke.and_then(|invoke| u64::try_from(invoke).ok()).unwrap_or(0);
                    let _ = anomalies.push(Anomaly::malformed("answer-without-request", 0, got, 0));
                }
                self.forgiven = self.forgiven.saturating_sub(1);
                asked
            }
            _ => None,
        };
        message.asked = asked.as_ref();
        let kind = if fault.is_some() { Kind::Anomaly } else { message.kind() };
        tell(MMS, kind, direction, &anomalies, &message, sink);
    }

    fn remember(&mut self, direction: Direction, message: &MmsMessage<'_>) -> Option<Anomaly> {
        let invoke = message.pdu.invoke?;
        self.asked_once = true;
        let (number, service) = message.pdu.named();
        let mut points = heapless::Vec::new();
        message.each_target(&mut |name, service| {
            let _ = points.push((service, name.map(|name| name.points())));
        });
        self.pending.retain(|asked| asked.invoke != invoke || asked.towards != direction);
        let cap = u64::try_from(MAX_PENDING).unwrap_or(u64::MAX);
        let full = self.pending.len() >= MAX_PENDING;
        if full {
            self.pending.pop_front();
        }
        self.pending.push_back(Asked { number, service, points, invoke, towards: direction });
        full.then(|| Anomaly::limit("pending-requests", 0, cap + 1, cap))
    }

    fn answered(&mut self, direction: Direction, pdu: &Pdu<'_>) -> Option<Asked> {
        let service = pdu.service.filter(|_| pdu.kind == kind::CONFIRMED_RESPONSE);
        let fits = |asked: &Asked| {
            Some(asked.invoke) == pdu.invoke
                && asked.towards == direction.reversed()
                && service.is_none_or(|service| service.tag.number == asked.number)
        };
        let at = self.pending.iter().position(fits)?;
        self.pending.remove(at)
    }

    /// Requests that wait for their answer.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }
}

fn anomaly(fault: Fault, pdu: &Pdu<'_>, octets: &[u8]) -> Anomaly {
    match fault {
        Fault::Cut => Anomaly::malformed("mms-cut", 0, count(octets.len()), 0),
        Fault::NoInvoke => Anomaly::malformed("no-invoke-id", 2, pdu.kind.into(), 0),
        Fault::NoService => Anomaly::malformed("no-service", 2, pdu.kind.into(), 0),
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Which standard these octets name things by.
fn profile(octets: &[u8]) -> Profile {
    const TASE2: [&[u8]; 5] = [
        b"TASE2_Version",
        b"Bilateral_Table_ID",
        b"Next_DSTransfer_Set",
        b"DSConditions_",
        b"Transfer_Set_Name",
    ];
    const CONSTRAINTS: [&[u8; 4]; 12] = [
        b"$ST$", b"$MX$", b"$CO$", b"$CF$", b"$DC$", b"$SP$", b"$RP$", b"$BR$", b"$GO$", b"$LG$", b"$EX$",
        b"$SG$",
    ];
    let has = |part: &[u8]| octets.windows(part.len()).any(|window| window == part);
    if TASE2.iter().any(|name| has(name)) {
        Profile::Tase2
    } else if octets.windows(4).any(|window| CONSTRAINTS.iter().any(|constraint| *constraint == window)) {
        Profile::Iec61850
    } else {
        Profile::Unknown
    }
}
