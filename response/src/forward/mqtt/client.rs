//! The connection to a broker.

use std::time::{Duration, Instant};

use super::{
    super::{ForwardError, Link, Stop, content, wire::Wire},
    config::Settings,
    packet::{self, Answer, Connect, DISCONNECT, PINGREQ, Packet, Publish},
};
use crate::{http, store::Told};

/// Seconds after which a broker may take a silent client for dead (half as much again, section 3.1.2.10).
const KEEP_ALIVE: u16 = 60;
/// Octets of an incident's id that are told.
const MAX_ID: usize = 128;

pub(super) struct Client {
    settings: Settings,
    gateway: String,
    wire: Wire,
    /// Octets of a packet that the broker takes.
    most: usize,
    /// How long nothing may be said.
    quiet: Duration,
    last_id: u16,
    confirmed: u64,
}

impl Client {
    pub(super) fn connect(
        settings: &Settings,
        gateway: &str,
        client_id: &str,
        stop: &Stop,
    ) -> Result<Self, ForwardError> {
        let mut wire = Wire::reach(&settings.endpoint, stop)?;
        wire.secure()?;
        let user = match &settings.user {
            Some((user, file)) => Some((user.clone(), http::secret(file)?)),
            None => None,
        };
        let user = user.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
        wire.say(&Connect { client_id, user, keep_alive: KEEP_ALIVE }.packet())?;
        let deadline = wire.deadline();
        let answer = match wire.next(deadline, packet::read)? {
            Some(Packet::Connack(answer)) if answer.reason == 0 => answer,
            Some(Packet::Connack(answer) | Packet::Disconnect(answer)) => {
                return Err(unwelcome(&wire, &answer));
            }
            Some(_) => return Err(wire.lost("it does not answer as a broker does")),
            None => return Err(wire.silent()),
        };
        if answer.maximum_qos == Some(0) {
            return Err(wire.lost("it acknowledges no messages (its Maximum QoS is 0)"));
        }
        let keep_alive = u64::from(answer.keep_alive.unwrap_or(KEEP_ALIVE).max(2));
        Ok(Self {
            settings: settings.clone(),
            gateway: gateway.to_owned(),
            wire,
            most: answer
                .maximum_packet
                .map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)),
            quiet: Duration::from_secs(keep_alive) / 2,
            last_id: 0,
            confirmed: 0,
        })
    }

    /// Publishes one message and waits until the broker says that it took it; then what it said.
    pub(super) fn publish(
        &mut self,
        body: &str,
        properties: &[(&str, &str)],
    ) -> Result<&'static str, ForwardError> {
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        let id = self.last_id;
        let octets = Publish { topic: &self.settings.topic, id, properties, body }.packet();
        if octets.len() > self.most {
            // It must not be sent (section 3.2.2.3.6).
            let cause = format!("a packet of {} octets, where it takes {}", octets.len(), self.most);
            return Err(ForwardError::Refused { address: self.wire.address(), cause });
        }
        self.wire.say(&octets)?;
        let deadline = self.wire.deadline();
        while let Some(said) = self.heard(deadline)? {
            match said {
                Packet::Puback(of, answer) if of == id => return self.judge(&answer),
                Packet::Disconnect(answer) if is_about_the_message(answer.reason) => {
                    return Err(self.refused(&answer));
                }
                other => self.mind(&other)?,
            }
        }
        Err(self.wire.silent())
    }

    fn judge(&self, answer: &Answer) -> Result<&'static str, ForwardError> {
        let address = self.wire.address();
        match answer.reason {
            0x10 if self.settings.require_subscriber => {
                let topic = &self.settings.topic;
                let cause = format!("nobody subscribes to `{topic}`: what it takes is thrown away");
                Err(ForwardError::Later { address, cause, pause: None })
            }
            0..=0x7f => Ok(packet::reason(answer.reason)),
            code if is_about_the_message(code) => Err(self.refused(answer)),
            // Unspecified, implementation specific, busy, rate, quota: it passes, or somebody makes room.
            0x80 | 0x83 | 0x89 | 0x96 | 0x97 => {
                Err(ForwardError::Later { address, cause: words(answer), pause: None })
            }
            0x87 => {
                let cause =
                    format!("{}: this user may not publish on `{}`", words(answer), self.settings.topic);
                Err(self.wire.lost(&cause))
            }
            _ => Err(self.wire.lost(&words(answer))),
        }
    }

    fn refused(&self, answer: &Answer) -> ForwardError {
        ForwardError::Refused { address: self.wire.address(), cause: words(answer) }
    }

    fn heard(&mut self, deadline: Instant) -> Result<Option<Packet>, ForwardError> {
        if Instant::now() > deadline {
            // A broker that talks without an end keeps nobody waiting.
            return Ok(None);
        }
        self.wire.next(deadline, packet::read)
    }

    /// What may come at any time.
    fn mind(&mut self, said: &Packet) -> Result<(), ForwardError> {
        match said {
            Packet::Pingresp => {
                self.wire.lives();
                Ok(())
            }
            Packet::Disconnect(answer) => Err(self.farewell(answer)),
            Packet::Puback(..) => Err(self.wire.lost("it acknowledges what was not sent")),
            Packet::Connack(_) => Err(self.wire.lost("it greets twice")),
        }
    }

    fn farewell(&self, answer: &Answer) -> ForwardError {
        let address = self.wire.address();
        match answer.reason {
            0x89 | 0x8b | 0x96 | 0x97 => ForwardError::Later { address, cause: words(answer), pause: None },
            0x8e => {
                let cause = format!("{}: who else has this `client_id`?", words(answer));
                self.wire.lost(&cause)
            }
            _ => self.wire.lost(&words(answer)),
        }
    }

    pub(super) fn manner(&self) -> &'static str {
        self.wire.manner()
    }
}

/// Larger than it takes, or of another form: it stays so.
const fn is_about_the_message(code: u8) -> bool {
    matches!(code, 0x95 | 0x99)
}

fn unwelcome(wire: &Wire, answer: &Answer) -> ForwardError {
    let (address, cause) = (wire.address(), words(answer));
    match answer.reason {
        0x85 | 0x86 | 0x87 | 0x8a | 0x8c => ForwardError::Untrusted { address, cause },
        0x80 | 0x83 | 0x88 | 0x89 | 0x97 | 0x9f => ForwardError::Later { address, cause, pause: None },
        _ => ForwardError::Lost { address, cause },
    }
}

fn words(answer: &Answer) -> String {
    let mut text = format!("{} (0x{:02x})", packet::reason(answer.reason), answer.reason);
    for said in [&answer.words, &answer.elsewhere].into_iter().flatten() {
        text.push_str(": ");
        text.push_str(said);
    }
    text
}

impl Link for Client {
    fn send(&mut self, told: &Told) -> Result<(), ForwardError> {
        let settings = &self.settings;
        let id: String = told.incident.id.0.chars().filter(char::is_ascii_graphic).take(MAX_ID).collect();
        let revision = told.incident.revision.to_string();
        let properties = [("incident", id.as_str()), ("revision", revision.as_str())];
        let around =
            Publish { topic: &settings.topic, id: 1, properties: &properties, body: "" }.packet().len();
        // The length of the whole has up to three octets more than that of an empty one.
        let room = settings.max_message_bytes.min(self.most.saturating_sub(around + 3));
        let body = content::encode(settings.format, told, &self.gateway, room);
        self.publish(&body, &properties)?;
        self.confirmed += 1;
        Ok(())
    }

    fn listen(&mut self, wait: Duration) -> Result<(), ForwardError> {
        let until = Instant::now() + wait;
        while let Some(said) = self.heard(until)? {
            self.mind(&said)?;
        }
        self.wire.pulse(self.quiet, &PINGREQ)
    }

    fn confirmed(&mut self) -> u64 {
        self.confirmed
    }

    fn close(self: Box<Self>) {
        self.wire.part(&DISCONNECT);
    }
}
