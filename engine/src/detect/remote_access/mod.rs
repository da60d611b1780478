//! `remote-access`: a talker takes over a screen, a command line or a file share of another, where the baseline does not know it.
//!
//! Technique of ATT&CK for ICS: T0886 Remote Services. Told once both sides have spoken, so that whoever only knocks is
//! `new-conversation`'s matter; by what is spoken, or, where that hides itself, by the port it is known for.

use fieldwarden_model::{
    Severity, Talker, Transport,
    section::{Fault, Reader, Section},
};

use super::{Bucket, Context, Detector, Finding, Judged, Memory, Need, Opened, Subject, nearest};
use crate::conversation::{ConversationKey, plain};

/// The detector's id.
pub(crate) const ID: &str = "remote-access";

/// Judges remote access.
pub struct RemoteAccess;

/// What `remote-access` is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Talkers from which remote access is no news: the jump host of the plant. None, since only the plant has one.
    pub allowed: Vec<Talker>,
}

impl Settings {
    /// Reads `[detectors.remote_access]`.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn configure(section: &Section) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(section);
        let allowed = reader.or("allowed", Vec::new());
        reader.finish_with(Some(Self { allowed }))
    }
}

impl Detector for RemoteAccess {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Answers]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        if context.baseline.is_none() {
            return;
        }
        match subject {
            Subject::Accepted(opened) => {
                let port = opened.service.port.unwrap_or(0);
                if let Some(what) = by_port(opened.service.transport, port) {
                    findings(of_service(context, opened, what));
                }
            }
            Subject::Met(judged) | Subject::Answered(judged) if judged.entry.is_none() => {
                if let Some(what) = by_protocol(judged.conversation.protocol.name()) {
                    findings(of_conversation(context, judged, what));
                }
            }
            _ => {}
        }
    }
}

fn of_service(context: &Context<'_>, opened: &Opened<'_>, what: &'static str) -> Finding {
    let protocol = opened.suggested.unwrap_or_else(|| plain(opened.service.transport));
    let key = ConversationKey { service: *opened.service, protocol, unit: None };
    told(context, &key, Finding::of_flow(ID, opened), what)
}

fn of_conversation(context: &Context<'_>, judged: &Judged<'_>, what: &'static str) -> Finding {
    told(context, judged.conversation, Finding::of_message(ID, judged), what)
}

fn told(context: &Context<'_>, key: &ConversationKey, mut finding: Finding, what: &'static str) -> Finding {
    let allowed = context.settings.remote_access.allowed.contains(&finding.client.talker);
    finding.severity = if allowed { Severity::Info } else { Severity::High };
    finding.techniques = &["T0886"];
    // What the port said is the same thing once it is heard to be so.
    (finding.protocol, finding.unit) = (None, None);
    finding.bucket = Bucket { code: Some(what), ..Bucket::default() };
    finding.baseline_entry = nearest(context, key);
    finding.sentence = format!("{{client}} uses {what} on {{server}}, which it never did before");
    finding
}

/// What is reached by a protocol.
fn by_protocol(protocol: &str) -> Option<&'static str> {
    Some(match protocol {
        "rdp" => "a remote screen (RDP)",
        "vnc" => "a remote screen (VNC)",
        "ssh" => "a remote command line (SSH)",
        "telnet" => "a remote command line (Telnet)",
        "smb1" | "smb2" => "a file share (SMB)",
        "ftp" => "file transfer (FTP)",
        "tftp" => "file transfer (TFTP)",
        _ => return None,
    })
}

/// What is reached at a port, by the protocols' registrations and the makers' manuals.
fn by_port(transport: Transport, port: u16) -> Option<&'static str> {
    Some(match (transport, port) {
        (_, 3_389) => "a remote screen (RDP)",
        (Transport::Tcp, 5_900..=5_909) => "a remote screen (VNC)",
        (Transport::Tcp, 6_000..=6_009) => "a remote screen (X11)",
        (_, 5_938) => "a remote screen (TeamViewer)",
        (_, 7_070 | 6_568) => "a remote screen (AnyDesk)",
        (Transport::Tcp, 4_899) => "a remote screen (Radmin)",
        (_, 5_631 | 5_632) => "a remote screen (pcAnywhere)",
        (_, 21_115..=21_119) => "a remote screen (RustDesk)",
        (Transport::Tcp, 22) => "a remote command line (SSH)",
        (Transport::Tcp, 23) => "a remote command line (Telnet)",
        (Transport::Tcp, 512..=514) => "a remote command line (rlogin, rsh)",
        (Transport::Tcp, 5_985 | 5_986) => "a remote command line (WinRM)",
        (Transport::Tcp, 139 | 445) => "a file share (SMB)",
        (_, 2_049) => "a file share (NFS)",
        (Transport::Tcp, 21) => "file transfer (FTP)",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Outcome, Verb};

    use crate::bench::{Bench, HMI, PLC, ROGUE, operation};

    fn reached(bench: &Bench) -> Vec<&str> {
        let own = bench.alerts.iter().filter(|alert| alert.detector == "remote-access");
        own.map(|alert| alert.summary.as_str()).collect()
    }

    #[test]
    fn a_screen_that_was_never_used_is_named_once() {
        let mut bench = Bench::new();
        bench.speaks("rdp", 3_389).connects(ROGUE, PLC, 3_389).accepts(ROGUE, PLC, 3_389);
        let done = Operation { outcome: Outcome::Done, unit: None, ..operation(Verb::Associate, 0, None) };
        bench.answers(ROGUE, PLC, &done);
        assert_eq!(
            reached(&bench),
            ["10.0.0.66 uses a remote screen (RDP) on Dosing PLC (10.0.0.20), which it never did before"]
        );
        assert_eq!(
            bench.incident().title.split(',').next(),
            Some("Unknown device 10.0.0.66 reached Dosing PLC")
        );
    }

    #[test]
    fn who_only_knocks_and_what_is_no_remote_access_is_quiet() {
        let mut bench = Bench::new();
        bench.connects(ROGUE, PLC, 22).ends(ROGUE, PLC, 22);
        bench.connects(HMI, PLC, 8_080).accepts(HMI, PLC, 8_080);
        bench.connects(HMI, PLC, 502).accepts(HMI, PLC, 502);
        assert!(reached(&bench).is_empty());
        let mut unlearned = Bench::with(None);
        unlearned.connects(ROGUE, PLC, 22).accepts(ROGUE, PLC, 22);
        assert!(reached(&unlearned).is_empty(), "without a baseline nothing is new");
    }

    #[test]
    fn evasion_on_another_port_in_pieces_is_seen() {
        // The octets come in pieces on a port that says nothing: the protocol is recognised all the same.
        let mut bench = Bench::new();
        bench.speaks("ssh", 8_022).accepts(ROGUE, PLC, 8_022);
        let done = Operation { outcome: Outcome::Done, unit: None, ..operation(Verb::Associate, 0, None) };
        bench.answers(ROGUE, PLC, &done);
        assert_eq!(reached(&bench).len(), 1);
    }

    #[test]
    fn evasions_slowly_and_split_over_sources_are_seen() {
        let mut bench = Bench::new();
        for n in 0..5 {
            let client = format!("10.0.0.{}", 60 + n);
            bench.connects(&client, PLC, 22).accepts(&client, PLC, 22).wait(40_000);
        }
        assert_eq!(reached(&bench).len(), 5);
    }
}
