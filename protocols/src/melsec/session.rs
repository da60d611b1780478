//! One flow: frames, and what answers what.

use alloc::collections::VecDeque;

use super::{
    MAX_PENDING, MELSEC,
    body::FrameBody,
    command,
    content::{Asked, Content},
    frame::{Form, Found, Head, Likeness, likeness},
};
use crate::{
    anomaly::{Anomaly, Blame},
    framed::{Extent, Framed},
    message::{Direction, Kind, Message, Sink},
};

/// A request as its answer needs it: by serial number of a 4E frame, by number of a MELSOFT request, or in order.
#[derive(Clone, Copy, Debug)]
struct Kept {
    form: Form,
    serial: Option<u16>,
    asked: Asked,
}

/// The parser state of one flow.
#[derive(Debug, Default)]
pub(super) struct MelsecFlow {
    pending: VecDeque<Kept>,
    told_full: bool,
}

impl Framed for MelsecFlow {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        match Head::read(bytes) {
            Found::Whole(head) if head.length > 0 => Extent::Whole(head.total()),
            Found::Whole(_) | Found::No => Extent::No,
            Found::Need(octets) => Extent::Need(octets),
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let Found::Whole(head) = Head::read(message) else { return };
        let mut anomalies = heapless::Vec::<Anomaly, 4>::new();
        let nothing = Content { asked: None, timer: None, end_code: None, data: &[] };
        let content = Content::read(&head, message).unwrap_or_else(|| {
            let got = u64::try_from(head.length).unwrap_or(u64::MAX);
            let expected = if head.response { 2 } else { 6 };
            let _ = anomalies.push(Anomaly::malformed("frame-too-short", 7, got, expected));
            nothing
        });
        let mut asked = content.asked;
        if head.response {
            asked = self.answered(&head, &content).or(asked);
        } else if let Some(asked) = asked {
            let ranged = matches!(asked.command, command::READ | command::WRITE) && asked.subcommand <= 3;
            if ranged && asked.range.is_none() {
                let got = u64::try_from(content.data.len()).unwrap_or(u64::MAX);
                let _ = anomalies.push(Anomaly::malformed("device-unreadable", 15, got, 6));
            }
            if !command::is_known(asked.command) {
                let _ = anomalies.push(Anomaly::unsupported("unknown-command", 11, asked.command.into()));
            }
            if let Some(limit) = self.remember(Kept { form: head.form, serial: head.serial, asked }) {
                let _ = anomalies.push(limit);
            }
        }
        let broken = anomalies.iter().any(|anomaly| anomaly.blame == Blame::Malformed);
        let kind = match head.response {
            _ if broken => Kind::Anomaly,
            true => Kind::Response,
            false => Kind::Request,
        };
        let body = FrameBody { head, content, asked };
        sink.message(&Message { protocol: MELSEC, kind, direction, anomalies: &anomalies, body: &body });
    }

    fn gap(&mut self, _: Direction) {
        // Without serial numbers the order is all there is.
        self.pending.clear();
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        match Head::read(bytes) {
            Found::Whole(head) => {
                let decides = head.body + 6 * (1 + usize::from(head.form.is_ascii()));
                bytes.len() >= decides.min(head.total()) && likeness(&head, bytes) == Likeness::Certain
            }
            _ => false,
        }
    }
}

impl MelsecFlow {
    fn remember(&mut self, kept: Kept) -> Option<Anomaly> {
        let mut limit = None;
        if self.pending.len() >= MAX_PENDING {
            self.pending.pop_front();
            if !core::mem::replace(&mut self.told_full, true) {
                let cap = u64::try_from(MAX_PENDING).unwrap_or(u64::MAX);
                limit = Some(Anomaly::limit("pending-requests", 0, cap + 1, cap));
            }
        }
        self.pending.push_back(kept);
        limit
    }

    fn answered(&mut self, head: &Head, content: &Content<'_>) -> Option<Asked> {
        let at = self.pending.iter().position(|kept| {
            let numbered = content.asked.is_none_or(|own| {
                (own.command, own.subcommand) == (kept.asked.command, kept.asked.subcommand)
            });
            let fits = head.form == Form::Melsoft || content.end_code != Some(0) || kept.fits(content.data);
            kept.form == head.form && kept.serial == head.serial && numbered && fits
        })?;
        self.told_full &= self.pending.len() > MAX_PENDING / 2;
        self.pending.remove(at).map(|kept| kept.asked)
    }
}

impl Kept {
    /// Whether an answer has as many octets as this asks for. A request that nobody answers must not take the answer to the next one.
    fn fits(&self, data: &[u8]) -> bool {
        let Some(range) = self.asked.range else { return true };
        let count = usize::from(range.count);
        let octets = match (self.asked.command, range.by_bit, self.form.is_ascii()) {
            (command::READ, true, true) => count,
            (command::READ, true, false) => count.div_ceil(2),
            (command::READ, false, true) => count * 4,
            (command::READ, false, false) => count * 2,
            _ => 0,
        };
        data.len() == octets
    }
}
