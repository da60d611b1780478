//! One connection: messages framed and paired.

use crate::{
    Cursor,
    anomaly::Anomaly,
    framed::{Extent, Framed},
    message::{Direction, Kind, Sink},
    telling::{Remarks, number, remark, tell},
};

use super::{
    DISCOVERY, PROTOCOL, command,
    discovery::Datagram,
    frame::{Ams, Stop, TCP_HEADER},
    pending::{Asked, Pending},
    told::{Content, Found, Told},
};

/// The state of a connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) datagrams: bool,
    pub(super) pending: Pending,
}

impl Framed for Connection {
    fn extent(&self, _: Direction, bytes: &[u8]) -> Extent {
        if self.datagrams {
            return Extent::Whole(bytes.len());
        }
        match Ams::read(bytes) {
            Ok(ams) => Extent::Whole(ams.length + TCP_HEADER),
            Err(Stop::Need(octets)) => Extent::Need(octets),
            Err(Stop::No) => Extent::No,
        }
    }

    fn tell(&mut self, direction: Direction, message: &[u8], sink: &mut dyn Sink) {
        let mut remarks = Remarks::new();
        if self.datagrams
            && let Some(datagram) = Datagram::read(message)
        {
            let (_, _, kind) = datagram.describe();
            return tell(DISCOVERY, kind, direction, &remarks, &Found(datagram), sink);
        }
        let Ok(ams) = Ams::read(message) else { return };
        let length = number(ams.data.len());
        if u64::from(ams.data_length) != length {
            remark(&mut remarks, Anomaly::malformed("data-length", 26, u64::from(ams.data_length), length));
        }
        if ams.command > command::READ_WRITE || ams.command == 0 {
            remark(&mut remarks, Anomaly::unsupported("unknown-command", 22, u64::from(ams.command)));
        }
        let content = Content::read(&ams);
        // An answer that says an error holds its number alone.
        let failed = ams.error != 0 || ams.answers() && content.result.is_some_and(|result| result != 0);
        if !content.whole && !failed {
            remark(&mut remarks, Anomaly::malformed("data-too-short", 38, length, length + 1));
        }
        let asked = self.paired(&ams, &content);
        let kind = match (ams.command, ams.answers()) {
            (command::NOTIFICATION, _) => Kind::Report,
            (_, false) => Kind::Request,
            (_, true) => Kind::Response,
        };
        let told = Told { ams, content, asked, pending: &self.pending };
        tell(PROTOCOL, kind, direction, &remarks, &told, sink);
    }

    fn begins(&self, _: Direction, bytes: &[u8]) -> bool {
        match Ams::read(bytes) {
            Ok(ams) => ams.is_sound(),
            Err(Stop::Need(_)) => bytes.len() > TCP_HEADER,
            Err(Stop::No) => false,
        }
    }
}

impl Connection {
    /// Remembers a question, finds that of an answer.
    fn paired(&mut self, ams: &Ams<'_>, content: &Content<'_>) -> Option<Asked> {
        if ams.command == command::NOTIFICATION {
            return None;
        }
        if ams.answers() {
            let asked = self.pending.answer(ams.invoke_id).filter(|asked| asked.command == ams.command)?;
            if ams.command == command::ADD_NOTIFICATION
                && let (Some(points), Some(handle)) = (asked.points, Cursor::new(content.data).u32_le())
            {
                self.pending.notify(handle, points);
            }
            return Some(asked);
        }
        self.pending.ask(Asked {
            invoke_id: ams.invoke_id,
            command: ams.command,
            group: content.group,
            state: content.state,
            points: content.points(ams),
        });
        None
    }
}
