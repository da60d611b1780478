//! `tool-transfer`: a program is copied over the network.
//!
//! Technique of ATT&CK for ICS: T0867 Lateral Tool Transfer. A program is known by the ending of its name (FTP, TFTP, SMB, HTTP) or by
//! the type of its content (HTTP). A share that is used every day does not make a program on it normal: names of files are
//! looked at however well a baseline knows the conversation.

use fieldwarden_model::{Operation, Outcome, Severity, Verb};
use fieldwarden_protocols::Protocol;

use super::{Bucket, Context, Detector, Finding, Memory, Need, Subject, nearest};

/// The detector's id.
pub(crate) const ID: &str = "tool-transfer";

/// Judges names of files.
pub struct ToolTransfer;

/// Endings of programs: of Windows and of Linux, scripts and installers included.
const ENDINGS: [&str; 23] = [
    "exe", "dll", "sys", "scr", "pif", "cpl", "msi", "msp", "bat", "cmd", "ps1", "vbs", "vbe", "jse", "wsf",
    "hta", "jar", "elf", "so", "ko", "sh", "deb", "rpm",
];
/// Types of content that are programs, by their front.
const TYPES: [&str; 8] = [
    "application/x-msdownload",
    "application/x-msdos-program",
    "application/x-dosexec",
    "application/vnd.microsoft.portable-executable",
    "application/x-executable",
    "application/x-elf",
    "application/x-sharedlib",
    "application/x-msi",
];

impl Detector for ToolTransfer {
    fn id(&self) -> &'static str {
        ID
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Requests]
    }

    fn judge(
        &self,
        context: &Context<'_>,
        subject: &Subject<'_>,
        _: &mut Memory,
        findings: &mut dyn FnMut(Finding),
    ) {
        let Subject::Operation(judged, operation) = subject else { return };
        let protocol = judged.conversation.protocol;
        if !names_file(protocol, operation) {
            return;
        }
        let Some(what) = program_in(&|key| judged.text(key)) else { return };
        let mut finding = Finding::of_operation(self.id(), judged, operation);
        finding.severity = Severity::High;
        finding.techniques = &["T0867"];
        finding.bucket = Bucket { code: Some("program"), function: Some(print(&what)), ..Bucket::default() };
        finding.baseline_entry =
            judged.entry.map(|entry| entry.id()).or_else(|| nearest(context, judged.conversation));
        finding.sentence = format!(
            "{{client}} moves a program ({what}) by {protocol} ({}), with {{server}}",
            operation.name
        );
        findings(finding);
    }
}

/// Whether an operation names a file that is moved, by a protocol that moves files.
pub(crate) fn names_file(protocol: Protocol, operation: &Operation<'_>) -> bool {
    // First what costs nothing: nearly everything in a plant reads or writes points.
    match operation.verb {
        Verb::Transfer if operation.outcome == Outcome::Asked => match protocol.name() {
            // RETR, STOR, STOU, APPE, RNTO.
            "ftp" => matches!(operation.function, 13..=16 | 20),
            "tftp" => matches!(operation.function, 1 | 2),
            // Open and create, \[MS-CIFS\] clause 2.2.4; create, \[MS-SMB2\] clause 2.2.13.
            "smb1" => matches!(operation.function, 0x2d | 0xa2),
            "smb2" => operation.function == 5,
            "http" => true,
            _ => false,
        },
        Verb::Read | Verb::Write if protocol.name() == "http" => true,
        _ => false,
    }
}

/// The name or the type of a program among the fields of a message.
fn program_in(text: &dyn Fn(&'static str) -> Option<String>) -> Option<String> {
    let names = ["argument", "file", "destination_file", "uri"].into_iter().filter_map(text);
    let by_name = names.map(|name| last_part(&name).to_owned()).find(|name| is_program(name));
    by_name.or_else(|| {
        let of = text("content_type")?.to_ascii_lowercase();
        TYPES.iter().any(|program| of.starts_with(program)).then_some(of)
    })
}

/// The last part of a path, without what a URI asks behind it.
fn last_part(path: &str) -> &str {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches(['\0', ' ', '.']).rsplit(['/', '\\']).next().unwrap_or_default()
}

fn is_program(name: &str) -> bool {
    let Some((front, ending)) = name.rsplit_once('.') else { return false };
    // A host's name ends like this too, but is never the last part of a path.
    !front.is_empty() && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// A fingerprint of a name: each program is a thing of its own.
fn print(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash: u32, octet| (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use fieldwarden_model::{Operation, Verb};

    use super::is_program;
    use crate::bench::{Bench, HMI, PLC, ROGUE, baseline, operation};

    fn store() -> Operation<'static> {
        Operation { name: "STOR", unit: None, ..operation(Verb::Transfer, 14, None) }
    }

    #[test]
    fn a_program_stored_is_told_with_its_name() {
        let mut bench = Bench::with(None);
        bench.speaks("ftp", 21).with_fields(&[("argument", "/tmp/trilog.EXE")]).asks(ROGUE, PLC, &store());
        assert_eq!(bench.detectors(), ["tool-transfer"]);
        assert_eq!(
            bench.last().summary,
            "10.0.0.66 moves a program (trilog.EXE) by ftp (STOR), with Dosing PLC (10.0.0.20)"
        );
    }

    #[test]
    fn a_share_used_every_day_does_not_make_a_program_normal() {
        let mut known = baseline();
        let entry = &mut known.conversations[0];
        (entry.protocol, entry.server_port, entry.unit) = ("smb2".into(), Some(445), None);
        entry.functions[0].code = 5;
        let mut bench = Bench::with(Some(known));
        let create = Operation { unit: None, ..operation(Verb::Transfer, 5, None) };
        bench.speaks("smb2", 445).with_fields(&[("file", "reports\\monday.csv")]).asks(HMI, PLC, &create);
        assert!(bench.alerts.is_empty());
        bench.with_fields(&[("file", "ADMIN$\\psexesvc.exe")]).asks(HMI, PLC, &create);
        assert_eq!(bench.detectors(), ["tool-transfer"]);
    }

    #[test]
    fn types_of_content_tell_programs_and_pages_are_none() {
        let mut bench = Bench::with(None);
        let get = Operation { unit: None, ..operation(Verb::Read, 1, None) };
        bench
            .speaks("http", 80)
            .with_fields(&[("uri", "/index.html?next=a.exe"), ("content_type", "text/html")]);
        bench.asks(HMI, PLC, &get);
        assert!(bench.alerts.is_empty());
        bench
            .with_fields(&[("content_type", "application/x-msdownload; charset=binary")])
            .asks(HMI, PLC, &get);
        assert_eq!(bench.detectors(), ["tool-transfer"]);
        for (name, program) in
            [("a.sh", true), ("a.csv", false), (".so", false), ("exe", false), ("x.tar.Rpm", true)]
        {
            assert_eq!(is_program(name), program, "{name}");
        }
    }

    #[test]
    fn evasions_in_pieces_slowly_and_from_many_are_seen() {
        let mut bench = Bench::with(None);
        bench.speaks("ftp", 21);
        // Piece by piece: appended to, one part each hour, from another talker each.
        let append = Operation { name: "APPE", unit: None, ..operation(Verb::Transfer, 16, None) };
        for n in 0..3 {
            bench.with_fields(&[("argument", "agent.exe")]);
            bench.asks(&format!("10.0.0.{}", 60 + n), PLC, &append).wait(3_600);
        }
        assert_eq!(bench.detectors(), ["tool-transfer"; 3]);
    }

    #[test]
    fn evasion_by_another_name_is_not_seen() {
        let mut bench = Bench::with(None);
        bench.speaks("ftp", 21).with_fields(&[("argument", "agent.dat")]).asks(ROGUE, PLC, &store());
        assert!(bench.alerts.is_empty(), "docs/known-issues.md says so: content is not looked at");
    }
}
