//! The header of an S7 message, and the two parts behind it.

use crate::{anomaly::Anomaly, cursor::Cursor};

/// The first octet of every S7 message.
pub(super) const PROTOCOL_ID: u8 = 0x32;

/// Remarks kept per message; the first ones say most, what goes beyond is not kept.
pub(super) const MAX_ANOMALIES: usize = 6;

/// What is wrong with a message, and whether its reading broke off.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    list: heapless::Vec<Anomaly, MAX_ANOMALIES>,
    broken: bool,
}

impl Findings {
    /// Something to say about a message that is understood.
    pub(super) fn remark(&mut self, anomaly: Anomaly) {
        // Beyond the cap the first ones say enough.
        let _ = self.list.push(anomaly);
    }

    /// Something that makes the message malformed.
    pub(super) fn fault(&mut self, anomaly: Anomaly) {
        self.broken = true;
        self.remark(anomaly);
    }

    /// All of them.
    pub(super) fn list(&self) -> &[Anomaly] {
        &self.list
    }

    /// Whether the message is malformed.
    pub(super) const fn broken(&self) -> bool {
        self.broken
    }
}

/// "Remote operating service control": what sort of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rosctr {
    /// Asks for a function.
    Job,
    /// Answers without parameters or data.
    Acknowledge,
    /// Answers a job.
    AcknowledgeData,
    /// Carries the functions of programming devices and pushed messages.
    Userdata,
    /// Not assigned.
    Unknown(u8),
}

impl Rosctr {
    /// Reads the octet.
    pub(super) const fn new(octet: u8) -> Self {
        match octet {
            1 => Self::Job,
            2 => Self::Acknowledge,
            3 => Self::AcknowledgeData,
            7 => Self::Userdata,
            other => Self::Unknown(other),
        }
    }

    /// The octet.
    pub(super) const fn octet(self) -> u8 {
        match self {
            Self::Job => 1,
            Self::Acknowledge => 2,
            Self::AcknowledgeData => 3,
            Self::Userdata => 7,
            Self::Unknown(other) => other,
        }
    }

    const fn header_length(self) -> usize {
        match self {
            Self::Acknowledge | Self::AcknowledgeData => 12,
            _ => 10,
        }
    }
}

/// A message cut into its parts.
///
/// ```text
///  | 32 | ROSCTR | redundancy id | PDU reference | parameter length | data length | [error class | error code] |
///  | parameters ... | data ... |
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Pdu<'a> {
    /// What sort of message.
    pub(super) rosctr: Rosctr,
    /// Joins a job and its answer.
    pub(super) reference: Option<u16>,
    /// Error class and code of an answer; both 0 when all is well.
    pub(super) error: Option<(u8, u8)>,
    /// The parameter part, as far as it is there.
    pub(super) parameters: &'a [u8],
    /// The data part, as far as it is there.
    pub(super) data: &'a [u8],
    /// Octet at which the data part begins.
    pub(super) data_offset: usize,
}

impl<'a> Pdu<'a> {
    /// Cuts a transport service data unit that begins with [`PROTOCOL_ID`].
    pub(super) fn read(unit: &'a [u8], findings: &mut Findings) -> Self {
        let mut cursor = Cursor::new(unit);
        cursor.take(1);
        let rosctr = Rosctr::new(cursor.u8().unwrap_or(0));
        if let Rosctr::Unknown(octet) = rosctr {
            findings.fault(Anomaly::malformed("rosctr-unknown", 1, octet.into(), 7));
        }
        cursor.take(2);
        let reference = cursor.u16();
        let lengths = cursor.u16().zip(cursor.u16());
        let error = match rosctr {
            Rosctr::Acknowledge | Rosctr::AcknowledgeData => cursor.u8().zip(cursor.u8()),
            _ => None,
        };
        let least = rosctr.header_length();
        if unit.len() < least {
            findings.fault(Anomaly::malformed("header-short", 0, count(unit.len()), count(least)));
        }
        let (parameter_length, data_length) = lengths.unwrap_or((0, 0));
        let told = usize::from(parameter_length) + usize::from(data_length);
        let there = cursor.remaining();
        if told > there && unit.len() >= least {
            findings.fault(Anomaly::malformed("length-beyond-message", 6, count(told), count(there)));
        } else if told < there && unit.len() >= least {
            findings.fault(Anomaly::malformed(
                "octets-left",
                offset(least + told),
                count(there),
                count(told),
            ));
        }
        let parameters = cursor.take_up_to(parameter_length.into());
        let data_offset = cursor.offset();
        let data = cursor.take_up_to(data_length.into());
        Self { rosctr, reference, error, parameters, data, data_offset }
    }

    /// Error class and code as one number, where the answer tells an error.
    pub(super) fn refusal(&self) -> Option<u16> {
        let (class, code) = self.error?;
        Some(u16::from_be_bytes([class, code])).filter(|error| *error != 0)
    }
}

/// A length as anomalies carry it.
pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A place as anomalies carry it.
pub(super) fn offset(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
