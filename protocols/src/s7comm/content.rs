//! What a message says, by its function.

use super::{
    classify::{self, Function},
    control::{Service, Transfer},
    data::Records,
    item::Items,
    pdu::{Findings, Pdu, Rosctr, count, offset},
    userdata::{Method, Userdata},
};
use crate::{anomaly::Anomaly, cursor::Cursor};

/// The content of a message.
#[derive(Clone, Debug)]
pub(super) enum Content<'a> {
    /// Nothing beyond the header.
    Nothing,
    /// Setup communication.
    Setup(Setup),
    /// A read or write job; records in a write job alone.
    Variables(u8, Items<'a>, Records<'a>),
    /// The answer to a read.
    Values(u8, Records<'a>),
    /// The answer to a write: a return code per item.
    Codes(u8, &'a [u8]),
    /// A job of a program transfer, or the answer to "start upload".
    Transfer(Transfer<'a>),
    /// A piece of a block, in the answer that carries it; the status before it.
    Piece(Option<u8>, &'a [u8]),
    /// A program invocation or PLC stop.
    Service(Service<'a>),
    /// Userdata.
    Userdata(Userdata<'a>),
    /// Parameters behind the function code, and data, of what is not known further.
    Raw(&'a [u8], &'a [u8]),
}

/// What both sides agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setup {
    /// Parallel jobs the asker sends.
    pub(super) calling: u16,
    /// Parallel jobs the asked takes.
    pub(super) called: u16,
    /// Longest message in octets.
    pub(super) pdu_length: u16,
}

impl<'a> Content<'a> {
    /// Reads the parts of a message, and which function they belong to.
    pub(super) fn read(pdu: &Pdu<'a>, findings: &mut Findings) -> (Self, Option<Function>) {
        let Some((&code, parameters)) = pdu.parameters.split_first() else {
            if pdu.rosctr != Rosctr::Acknowledge && !findings.broken() && pdu.refusal().is_none() {
                findings.fault(Anomaly::malformed("parameters-missing", 6, 0, 1));
            }
            return (Self::Nothing, None);
        };
        match pdu.rosctr {
            Rosctr::Job => Self::job(code, parameters, pdu, findings),
            Rosctr::AcknowledgeData => {
                let function = classify::job(code);
                (Self::answer(code, parameters, pdu, findings), Some(function))
            }
            Rosctr::Userdata => Self::userdata(pdu, findings),
            Rosctr::Acknowledge | Rosctr::Unknown(_) => (Self::Raw(pdu.parameters, pdu.data), None),
        }
    }

    fn job(
        code: u8,
        parameters: &'a [u8],
        pdu: &Pdu<'a>,
        findings: &mut Findings,
    ) -> (Self, Option<Function>) {
        let mut function = classify::job(code);
        let content = match code {
            classify::SETUP => Self::setup(parameters, findings),
            classify::READ | classify::WRITE => {
                let (items, rest) = parameters.split_first().map_or((0, parameters), |(n, rest)| (*n, rest));
                if parameters.is_empty() {
                    findings.fault(short_parameters(parameters.len() + 1, 2));
                }
                check_items(items, Items::new(rest, items), pdu.data_offset, findings);
                let carried = if code == classify::WRITE { items } else { 0 };
                check_records(carried, pdu.data, pdu.data_offset, findings);
                Self::Variables(items, Items::new(rest, items), Records::new(pdu.data, carried.into()))
            }
            classify::REQUEST_DOWNLOAD..=classify::END_UPLOAD => Self::Transfer(Transfer::read(parameters)),
            classify::SERVICE | classify::STOP => {
                let stop = code == classify::STOP;
                match if stop { Service::read_stop(parameters) } else { Service::read(parameters) } {
                    Some(service) => {
                        if !stop {
                            function = classify::service(service.name, service.argument);
                        }
                        Self::Service(service)
                    }
                    None => {
                        findings.fault(short_parameters(parameters.len() + 1, if stop { 6 } else { 10 }));
                        Self::Raw(parameters, pdu.data)
                    }
                }
            }
            _ => {
                findings.remark(Anomaly::unsupported("function-unknown", 10, code.into()));
                Self::Raw(parameters, pdu.data)
            }
        };
        (content, Some(function))
    }

    fn answer(code: u8, parameters: &'a [u8], pdu: &Pdu<'a>, findings: &mut Findings) -> Self {
        let first = parameters.first().copied();
        if first.is_none() && matches!(code, classify::READ | classify::WRITE) && pdu.refusal().is_none() {
            findings.fault(short_parameters(parameters.len() + 1, 2));
        }
        match code {
            classify::SETUP => Self::setup(parameters, findings),
            classify::READ => {
                let records = first.unwrap_or(0);
                if pdu.refusal().is_none() {
                    check_records(records, pdu.data, pdu.data_offset, findings);
                }
                Self::Values(records, Records::new(pdu.data, records.into()))
            }
            classify::WRITE => {
                let items = first.unwrap_or(0);
                if pdu.data.len() != usize::from(items) && pdu.refusal().is_none() {
                    findings.fault(Anomaly::malformed(
                        "item-count-disagrees",
                        offset(pdu.data_offset),
                        count(pdu.data.len()),
                        items.into(),
                    ));
                }
                let codes = pdu.data.get(..pdu.data.len().min(items.into())).unwrap_or_default();
                Self::Codes(items, codes)
            }
            classify::START_UPLOAD => Self::Transfer(Transfer::read_started(parameters)),
            classify::UPLOAD | classify::DOWNLOAD_BLOCK => Self::Piece(first, piece(pdu, findings)),
            classify::REQUEST_DOWNLOAD
            | classify::DOWNLOAD_ENDED
            | classify::END_UPLOAD
            | classify::SERVICE
            | classify::STOP => Self::Transfer(Transfer { status: first, ..Transfer::default() }),
            _ => {
                findings.remark(Anomaly::unsupported("function-unknown", 12, code.into()));
                Self::Raw(parameters, pdu.data)
            }
        }
    }

    fn setup(parameters: &'a [u8], findings: &mut Findings) -> Self {
        let mut cursor = Cursor::new(parameters);
        cursor.take(1);
        match (cursor.u16(), cursor.u16(), cursor.u16()) {
            (Some(calling), Some(called), Some(pdu_length)) => {
                Self::Setup(Setup { calling, called, pdu_length })
            }
            _ => {
                findings.fault(short_parameters(parameters.len() + 1, 7));
                Self::Raw(parameters, &[])
            }
        }
    }

    fn userdata(pdu: &Pdu<'a>, findings: &mut Findings) -> (Self, Option<Function>) {
        let Some(userdata) = Userdata::read(pdu.parameters, pdu.data) else {
            findings.fault(short_parameters(pdu.parameters.len(), 8));
            return (Self::Raw(pdu.parameters, pdu.data), None);
        };
        if userdata.method() == Method::Unknown {
            findings.remark(Anomaly::unsupported("userdata-type-unknown", 15, userdata.kind.into()));
        }
        if let Some(payload) = userdata.payload
            && payload.octets.len() < payload.told.into()
        {
            let available = count(payload.octets.len());
            findings.fault(Anomaly::malformed(
                "record-length-disagrees",
                offset(pdu.data_offset + 2),
                payload.told.into(),
                available,
            ));
        }
        if let Some((items, list)) = userdata.subscribed() {
            check_items(items, list, pdu.data_offset, findings);
        }
        if let Some((records, octets)) = userdata.records() {
            check_records(records, octets, pdu.data_offset + 6, findings);
        }
        let function = match userdata.mode {
            Some(mode) => classify::mode_report(mode),
            None => classify::userdata(userdata.group, userdata.subfunction),
        };
        (Self::Userdata(userdata), Some(function))
    }
}

/// A piece of a block: its length, a constant, its octets.
fn piece<'a>(pdu: &Pdu<'a>, findings: &mut Findings) -> &'a [u8] {
    let mut cursor = Cursor::new(pdu.data);
    let Some((told, _constant)) = cursor.u16().zip(cursor.u16()) else { return &[] };
    let octets = cursor.take_up_to(told.into());
    if octets.len() < usize::from(told) {
        findings.fault(Anomaly::malformed(
            "record-length-disagrees",
            offset(pdu.data_offset),
            told.into(),
            count(octets.len()),
        ));
    }
    octets
}

fn check_items(told: u8, mut items: Items<'_>, end: usize, findings: &mut Findings) {
    let found = items.by_ref().count();
    let left = items.remaining();
    if found != usize::from(told) || left > 0 {
        let at = offset(end.saturating_sub(left));
        findings.fault(Anomaly::malformed("item-count-disagrees", at, told.into(), count(found)));
    }
}

fn check_records(told: u8, octets: &[u8], start: usize, findings: &mut Findings) {
    let mut records = Records::new(octets, told.into());
    let mut found = 0u8;
    while let Some(record) = records.next() {
        found += 1;
        let end = start + octets.len() - records.remaining();
        if !record.carries() {
            if record.transport != 0 && record.told > 0 {
                let at = offset(end.saturating_sub(2));
                findings.remark(Anomaly::malformed("refused-item-tells-length", at, count(record.told), 0));
            }
        } else if record.octets.len() < record.told {
            let at = offset(end.saturating_sub(record.octets.len() + 2));
            let (got, there) = (count(record.told), count(record.octets.len()));
            findings.fault(Anomaly::malformed("record-length-disagrees", at, got, there));
        }
    }
    if found != told {
        let at = offset(start + octets.len());
        findings.fault(Anomaly::malformed("item-count-disagrees", at, told.into(), found.into()));
    }
}

fn short_parameters(found: usize, least: u64) -> Anomaly {
    Anomaly::malformed("parameters-short", 6, count(found), least)
}
