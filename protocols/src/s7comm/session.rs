//! One flow: service data units of the transport to S7 messages.

use super::{
    body::S7Message,
    content::Content,
    item::Items,
    pdu::{Findings, Pdu},
    pending::{Asked, Pending},
};
use crate::{
    anomaly::Anomaly,
    iso::{Upper, tell},
    message::{Direction, Kind, Sink},
};

/// What is kept of one flow.
#[derive(Debug, Default)]
pub(super) struct S7Session {
    pending: Pending,
}

impl Upper for S7Session {
    fn unit(&mut self, direction: Direction, unit: &[u8], sink: &mut dyn Sink) {
        self.message(direction, unit, sink);
    }

    fn gap(&mut self, _: Direction) {
        self.pending.gap();
    }

    fn doubt(&mut self, _: Direction) {
        self.pending.gap();
    }
}

impl S7Session {
    fn message(&mut self, direction: Direction, unit: &[u8], sink: &mut dyn Sink) {
        let mut findings = Findings::default();
        let pdu = Pdu::read(unit, &mut findings);
        let (content, function) = Content::read(&pdu, &mut findings);
        let mut message = S7Message { pdu, content, function, asked: None };
        let asked = match message.kind() {
            Kind::Request => {
                self.remember(direction, &message, &mut findings);
                None
            }
            Kind::Response => self.answered(direction, &message, &mut findings),
            Kind::Report | Kind::Anomaly => None,
        };
        message.asked = asked.as_ref();
        message.name_by_job();
        let kind = if findings.broken() { Kind::Anomaly } else { message.kind() };
        tell(super::S7COMM, kind, direction, findings.list(), &message, sink);
        if let Some(asked) = asked {
            self.pending.recycle(asked);
        }
    }

    fn remember(&mut self, direction: Direction, message: &S7Message<'_>, findings: &mut Findings) {
        let Some((reference, function)) = message.pdu.reference.zip(message.function) else { return };
        let items = match &message.content {
            Content::Variables(_, items, _) => items.clone(),
            _ => Items::new(&[], 0),
        };
        if let Some(limit) = self.pending.ask(direction, reference, function, items, message.object()) {
            findings.remark(limit);
        }
    }

    fn answered(
        &mut self,
        direction: Direction,
        message: &S7Message<'_>,
        findings: &mut Findings,
    ) -> Option<Asked> {
        let reference = message.pdu.reference?;
        let asked = self.pending.answer(direction, reference);
        match &asked {
            None if self.pending.expects_jobs() => {
                findings.remark(Anomaly::malformed("answer-without-job", 4, reference.into(), 0));
            }
            Some(asked) if message.contradicts(asked) => {
                let got = message.function.map_or(0, |function| function.number);
                let expected = asked.function.map_or(0, |function| function.number);
                findings.remark(Anomaly::malformed(
                    "answer-to-other-function",
                    12,
                    got.into(),
                    expected.into(),
                ));
            }
            _ => {}
        }
        asked
    }

    /// Jobs that wait for their answer.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }
}
