//! What makes exactly one ticket of an incident that is told at least once. Every step reads before it writes, so that any of them can be the
//! last one of a connection, or of this program, and the next connection goes on from what is really there.

use std::{
    collections::VecDeque,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fieldwarden_model::{Incident, IncidentId, Timestamp};

use super::{
    Common, Found, Tracker,
    text::{self, Matter},
};
use crate::{
    forward::{self, ForwardError, Link},
    store::{By, Heard, Remark, Said, Status, Store, StoreError, Ticket, Told},
};

/// Tickets that are looked at in one round. All have their turn.
const LOOKED_AT: u32 = 50;
/// How often a new ticket's double is looked for: an attempt that was given up may arrive late.
const LOOKS_FOR_DOUBLES: u8 = 3;

/// A connection to a ticket system.
pub(super) struct Desk {
    common: Common,
    gateway: String,
    store: Store,
    tracker: Box<dyn Tracker>,
    confirmed: u64,
    /// When the next round of looking begins.
    round_at: Instant,
    /// Whose turn is left of this one.
    round: VecDeque<Ticket>,
}

impl Link for Desk {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        self.tell(told)?;
        self.confirmed += 1;
        Ok(())
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        if self.round.is_empty() && Instant::now() >= self.round_at {
            self.round_at = Instant::now() + self.common.poll;
            self.round =
                self.store.tickets_to_look_at(&self.common.name, LOOKED_AT).map_err(unwritten)?.into();
        }
        // One at a time: what there is to tell does not wait for a whole round.
        match self.round.pop_front() {
            Some(ticket) => self.look(&ticket.incident),
            None => {
                thread::sleep(wait);
                Ok(())
            }
        }
    }

    fn confirmed(&mut self) -> u64 {
        self.confirmed
    }

    fn close(self: Box<Self>) {}
}

impl Desk {
    pub(super) fn new(common: Common, store: Store, tracker: Box<dyn Tracker>) -> Self {
        let (gateway, round_at) = (forward::hostname(), Instant::now() + common.poll);
        Self { common, gateway, store, tracker, confirmed: 0, round_at, round: VecDeque::new() }
    }

    /// Brings the ticket of an incident to where the incident stands now.
    fn tell(&self, told: &Told) -> Result<(), ForwardError> {
        let incident = &told.incident;
        let known = self.store.ticket(&self.common.name, &incident.id).map_err(unwritten)?;
        if known.as_ref().is_some_and(|ticket| ticket.said.revision >= incident.revision) {
            return Ok(());
        }
        let known = known.map(|ticket| self.hear(ticket)).transpose()?.flatten();
        let matter = self.matter(&incident.id)?.unwrap_or_else(|| Matter::from(told));
        match known {
            Some(ticket) => self.bring(ticket, &matter),
            None => match self.obtain(&matter, incident)? {
                Some(ticket) => self.bring(ticket, &matter),
                None => Ok(()),
            },
        }
    }

    /// Looks at the ticket of an incident: what people did comes back, what happened to orders is told, doubles are closed.
    fn look(&self, incident: &IncidentId) -> Result<(), ForwardError> {
        let known = self.store.ticket(&self.common.name, incident).map_err(unwritten)?;
        let Some(mut ticket) = known.map(|ticket| self.hear(ticket)).transpose()?.flatten() else {
            return Ok(());
        };
        if ticket.heard.looks < LOOKS_FOR_DOUBLES {
            ticket.heard.looks += 1;
            self.close_doubles(&self.tracker.find(&ticket.key)?, &ticket.number, incident)?;
            self.store.put_ticket(ticket.clone(), self.by()).map_err(unwritten)?;
        }
        let Some(matter) = self.matter(incident)? else { return Ok(()) };
        match self.bring(ticket, &matter) {
            // Told when it was refused for the first time.
            Err(ForwardError::Refused { .. }) => Ok(()),
            result => result,
        }
    }

    /// Takes what people did with a ticket into the case; none where it is gone.
    fn hear(&self, mut ticket: Ticket) -> Result<Option<Ticket>, ForwardError> {
        let standing = match self.tracker.standing(&ticket.number)? {
            // Numbers are given anew by some: after a deletion it may be a stranger's, with neither our key nor our words.
            Some(found)
                if found.subject.contains(&ticket.key) || self.shows(&found.number, &ticket.incident)? =>
            {
                found
            }
            _ => {
                self.store.forget_ticket(ticket, self.by()).map_err(unwritten)?;
                return Ok(None);
            }
        };
        let before = ticket.clone();
        ticket.number = standing.number;
        let mut remarks = Vec::new();
        for written in self.tracker.written(&ticket.number, ticket.heard.latest)? {
            ticket.heard.latest = ticket.heard.latest.max(written.number);
            match text::marked(&written.text) {
                Some((id, state)) if id == ticket.incident.0 => heard_of_ours(&mut ticket, state),
                Some(_) => {}
                None => remarks.push(Remark {
                    operator: text::tamed(&format!("{} ({})", written.author, self.common.name), 100),
                    text: text::tamed_lines(&written.text),
                }),
            }
        }
        // What was on its way and did not arrive is said anew.
        ticket.saying = None;
        remarks.retain(|remark| !remark.text.is_empty());
        let case = self.matter(&ticket.incident)?.map(|matter| matter.status);
        let moved_to = moved(before.heard.status, standing.status, case);
        ticket.heard.status = standing.status;
        if ticket != before {
            let heard = ticket.clone();
            self.store.hear_ticket(heard, remarks, moved_to, self.by()).map_err(unwritten)?;
        }
        Ok(Some(ticket))
    }

    /// The ticket of an incident that none is known for: found, or else made. None where it deserves none.
    fn obtain(&self, matter: &Matter, first: &Incident) -> Result<Option<Ticket>, ForwardError> {
        if matter.incident.severity < self.common.severity || matter.status == Status::Closed {
            return Ok(None);
        }
        let (key, id) = (text::key(&self.common.site, first), &matter.incident.id);
        let number = match self.choose(&self.tracker.find(&key)?, id)? {
            Some(number) => number,
            None => {
                let body = text::body(&self.common.site, &self.gateway, matter);
                let subject = text::subject(&key, matter);
                let made = self.tracker.create(&subject, &body, matter.incident.severity)?;
                // Another gateway may have done the same since we looked: the older of the two is the one.
                let all = self.tracker.find(&key)?;
                let oldest =
                    all.iter().find(|found| found.is_open).map_or(made, |found| found.number.clone());
                self.close_doubles(&all, &oldest, id)?;
                oldest
            }
        };
        let ticket = self.adopted(key, number, matter)?;
        self.store.put_ticket(ticket.clone(), self.by()).map_err(unwritten)?;
        Ok(Some(ticket))
    }

    /// The oldest that is open; else one of this very incident that somebody closed.
    fn choose(&self, found: &[Found], id: &IncidentId) -> Result<Option<String>, ForwardError> {
        if let Some(open) = found.iter().find(|found| found.is_open) {
            return Ok(Some(open.number.clone()));
        }
        for closed in found {
            if self.shows(&closed.number, id)? {
                return Ok(Some(closed.number.clone()));
            }
        }
        Ok(None)
    }

    /// Closes what we made beside `number` for the same incident: an attempt whose answer was lost, or that came late.
    fn close_doubles(&self, found: &[Found], number: &str, id: &IncidentId) -> Result<(), ForwardError> {
        for double in found.iter().filter(|found| found.is_open && found.number != number) {
            if self.shows(&double.number, id)? {
                let text = format!(
                    "Fieldwarden: the same is ticket {number}. This one is its double, and is closed.\n"
                );
                self.tracker.write(&double.number, &text)?;
                self.tracker.move_to(&double.number, Status::Closed)?;
            }
        }
        Ok(())
    }

    /// Whether a ticket has a text of ours about an incident.
    fn shows(&self, number: &str, id: &IncidentId) -> Result<bool, ForwardError> {
        let written = self.tracker.written(number, 0)?;
        Ok(written.iter().any(|written| text::marked(&written.text).is_some_and(|(of, _)| of == id.0)))
    }

    /// What is known of a ticket that was not ours so far. What people wrote before stays there alone.
    fn adopted(&self, key: String, number: String, matter: &Matter) -> Result<Ticket, ForwardError> {
        let id = matter.incident.id.clone();
        let status = self.tracker.standing(&number)?.map_or(Status::New, |standing| standing.status);
        let (said, heard) = (Said::default(), Heard { status, ..Heard::default() });
        let destination = self.common.name.clone();
        let mut ticket =
            Ticket { destination, incident: id, key, number, said, saying: Some(text::said(matter)), heard };
        for written in self.tracker.written(&ticket.number, 0)? {
            ticket.heard.latest = ticket.heard.latest.max(written.number);
            if let Some((id, state)) = text::marked(&written.text)
                && id == ticket.incident.0
            {
                heard_of_ours(&mut ticket, state);
            }
        }
        ticket.saying = None;
        Ok(ticket)
    }

    /// Adds what has changed, and moves the ticket to where the case stands.
    fn bring(&self, mut ticket: Ticket, matter: &Matter) -> Result<(), ForwardError> {
        let (before, known, next) = (ticket.clone(), ticket.said.clone(), text::said(matter));
        let lines = text::changes(&known, matter);
        if !lines.is_empty() {
            // Written down before it is sent, and recognised by its mark: said once, whatever becomes of the answer.
            ticket.saying = Some(next.clone());
            self.store.put_ticket(ticket.clone(), self.by()).map_err(unwritten)?;
            let text = match known.severity {
                Some(_) => text::remark(matter, &lines),
                None => text::body(&self.common.site, &self.gateway, matter),
            };
            self.tracker.write(&ticket.number, &text)?;
        }
        if known.severity.is_some_and(|severity| severity < matter.incident.severity) {
            self.tracker.raise(&ticket.number, matter.incident.severity)?;
        }
        (ticket.said, ticket.saying) = (next, None);
        let refused = self.move_to(&mut ticket, matter.status)?;
        if refused.is_some() {
            // Tried again when a person says so.
            ticket.said.revision = known.revision;
        }
        if ticket != before {
            self.store.put_ticket(ticket, self.by()).map_err(unwritten)?;
        }
        refused.map_or(Ok(()), Err)
    }

    /// Moves a ticket to where its case stands, unless another incident of the same ticket keeps it open; says what did not go.
    fn move_to(&self, ticket: &mut Ticket, case: Status) -> Result<Option<ForwardError>, ForwardError> {
        let Some(aim) = aim(ticket.heard.status, case) else { return Ok(None) };
        if aim == Status::Closed && self.keeps_open(ticket)? {
            return Ok(None);
        }
        self.tracker.move_to(&ticket.number, aim)?;
        let standing = self.tracker.standing(&ticket.number)?.map_or(aim, |standing| standing.status);
        ticket.heard.status = standing;
        let word = |status: Status| status.word().replace('_', " ");
        Ok((standing != aim).then(|| ForwardError::Refused {
            address: self.common.http.url.clone(),
            cause: format!(
                "ticket {} stays {} where {} was asked for: its workflow or our rights forbid it",
                ticket.number,
                word(standing),
                word(aim)
            ),
        }))
    }

    fn keeps_open(&self, ticket: &Ticket) -> Result<bool, ForwardError> {
        for other in self.store.tickets_numbered(&ticket.destination, &ticket.number).map_err(unwritten)? {
            let is_closed = |matter: Matter| matter.status == Status::Closed;
            if other.incident != ticket.incident && !self.matter(&other.incident)?.is_none_or(is_closed) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn matter(&self, id: &IncidentId) -> Result<Option<Matter>, ForwardError> {
        match self.store.incident(id) {
            Ok(shown) => Ok(Some(Matter::from(shown))),
            Err(StoreError::Unknown { .. }) => Ok(None),
            Err(other) => Err(unwritten(other)),
        }
    }

    fn by(&self) -> By {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
        By { operator: format!("ticket system {}", self.common.name), time }
    }
}

/// A text of ours stands there: if it is the one that was on its way, the ticket says what that said.
fn heard_of_ours(ticket: &mut Ticket, state: &str) {
    if let Some(saying) = ticket.saying.take_if(|saying| text::state(saying) == state) {
        ticket.said = saying;
    }
}

/// Where a case goes when its ticket was moved by somebody else.
fn moved(before: Status, now: Status, case: Option<Status>) -> Option<Status> {
    match (before, now) {
        _ if before == now => None,
        (_, Status::Closed) => Some(Status::Closed),
        (Status::Closed, _) => Some(Status::InProgress),
        // Somebody took it, while somebody else closed the case: closed it is.
        _ if case == Some(Status::Closed) => None,
        (_, now) => Some(now),
    }
}

/// Where a ticket goes for its case; none where it may stay.
const fn aim(ticket: Status, case: Status) -> Option<Status> {
    match (ticket, case) {
        (Status::Closed, Status::Closed) => None,
        (_, Status::Closed) => Some(Status::Closed),
        // Further alerts joined, or somebody opened the case again.
        (Status::Closed, _) => Some(Status::InProgress),
        (Status::New, Status::Acknowledged | Status::InProgress) => Some(Status::InProgress),
        // Who works on it already is not sent back.
        _ => None,
    }
}

fn unwritten(error: StoreError) -> ForwardError {
    ForwardError::Store(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_have_the_last_word_and_nobody_is_sent_back() {
        use Status::{Acknowledged, Closed, InProgress, New};
        assert_eq!(moved(New, Closed, Some(New)), Some(Closed));
        assert_eq!(moved(Closed, InProgress, Some(Closed)), Some(InProgress), "opened again by hand");
        assert_eq!(moved(New, InProgress, Some(Closed)), None, "whoever closed the case wins");
        assert_eq!(moved(New, InProgress, Some(New)), Some(InProgress));
        assert_eq!(aim(New, Closed), Some(Closed));
        assert_eq!(aim(Closed, New), Some(InProgress), "further alerts open it again");
        assert_eq!(aim(InProgress, New), None);
        assert_eq!(aim(New, Acknowledged), Some(InProgress));
        assert_eq!((aim(Closed, Closed), aim(New, New)), (None, None));
    }
}
