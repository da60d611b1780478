//! `password-guessing`: logins at one server are refused one after the other; and one that succeeds after them.
//!
//! Techniques of ATT&CK for ICS: T0812 Default Credentials, T0859 Valid Accounts. Counted are refusals of logins by FTP, Telnet, HTTP,
//! SMB, VNC, Kerberos, OPC UA, MQTT, Fox and S7 passwords; for SNMP, each community after the first that a client tries; for SSH
//! and RDP, which hide theirs, each connection after the first that a client opens, where the baseline does not know it to.
//! A login that succeeds ends the series of its client.

mod guesses;
mod login;

use core::time::Duration;

use fieldwarden_model::{
    Severity,
    section::{Fault, Reader, Section},
};

pub(crate) use guesses::Guesses;
pub(crate) use login::Memory;

use super::{
    Bucket, Context, Detector, Finding, Matter, Memory as OfService, Need, Sight, Subject, Survey,
    settings::seconds,
};
use login::Shows;

/// The detector's id.
pub(crate) const ID: &str = "password-guessing";

/// Judges logins.
pub struct PasswordGuessing;

/// What `password-guessing` is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Logins refused at one server, by whomever, that are a series. Six: who mistypes stops at three, and most systems at five.
    pub failures: u32,
    /// The same for what only looks like a login, since programs open connections too. Twelve.
    pub connections: u32,
    /// Within which time. One hour: what guesses slower has two dozen words a day.
    pub window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { failures: 6, connections: 12, window: Duration::from_secs(3_600) }
    }
}

impl Settings {
    /// Reads `[detectors.password_guessing]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let usual = Self::default();
        let number = |told: u64, usual: u32| u32::try_from(told).unwrap_or(usual);
        let failures = reader.within("failures", 2..=64, usual.failures.into());
        let connections = reader.within("connections", 2..=64, usual.connections.into());
        let window = seconds(&mut reader, "window_secs", usual.window);
        reader.finish_with(Some(Self {
            failures: number(failures, usual.failures),
            connections: number(connections, usual.connections),
            window,
        }))
    }
}

impl Detector for PasswordGuessing {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Answers, Need::Time]
    }

    fn judge(
        &self,
        _: &Context<'_>,
        subject: &Subject<'_>,
        memory: &mut OfService,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        let protocol = judged.conversation.protocol.name();
        let matter = match login::shows(protocol, operation) {
            Shows::Nothing => return,
            Shows::Refusal => {
                memory.logins.watch();
                Matter::LoginFailed
            }
            Shows::Success if memory.logins.watches() => {
                memory.logins.rest();
                Matter::LoggedIn
            }
            Shows::Word(key) => {
                let another = judged.text(key).is_some_and(|word| memory.logins.is_another(&word));
                if !another {
                    return;
                }
                Matter::LoginFailed
            }
            Shows::Connection if judged.entry.is_none() && memory.logins.connects() => Matter::LoginFailed,
            Shows::Success | Shows::Connection => return,
        };
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.matter = Some(matter);
        findings(finding);
    }

    fn survey(
        &self,
        context: &Context<'_>,
        sight: &Sight<'_>,
        memory: &mut Survey,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Sight::Matter(seen, matter @ (Matter::LoginFailed | Matter::LoggedIn)) = sight else { return };
        let (Some(server), Some(protocol)) = (seen.server, seen.protocol) else { return };
        let settings = &context.settings.password_guessing;
        let place = (seen.space, server.talker, protocol);
        let client = seen.client.talker;
        let frame = seen.frames.last().copied().unwrap_or_default();
        let enough = if login::is_hidden(protocol.name()) { settings.connections } else { settings.failures };
        let mut finding = (*seen).clone();
        finding.matter = None;
        if **matter == Matter::LoggedIn {
            let failed = memory.logins.succeeded(&place, client, seen.time, settings.window);
            if failed >= settings.failures as usize {
                finding.severity = Severity::High;
                finding.techniques = &["T0859", "T0812"];
                finding.bucket = Bucket { code: Some("succeeded"), ..Bucket::default() };
                finding.sentence =
                    format!("{{client}} logged in to {{server}} by {protocol} after {failed} logins refused");
                findings(finding);
            }
            return;
        }
        let series = memory.logins.failed(place, client, seen.time, frame, settings.window);
        if series.failures < enough as usize {
            return;
        }
        finding.severity = Severity::Medium;
        finding.techniques = &["T0812", "T0859"];
        finding.bucket = Bucket { code: Some("refused"), ..Bucket::default() };
        finding.frames = series.frames;
        let many = match series.clients {
            0 | 1 => String::from("{client}"),
            more => format!("{{client}} and others, {more} in all,"),
        };
        let what = match protocol.name() {
            "snmp" => "tried communities of",
            name if login::is_hidden(name) => "opened connections that look like logins to",
            _ => "was refused to log in to",
        };
        finding.sentence = format!("{many} {what} {{server}} by {protocol}, {} times", series.failures);
        findings(finding);
    }
}

#[cfg(test)]
mod tests;
