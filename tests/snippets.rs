//! What the pages tell people to write into a configuration is a configuration.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops here")]

use std::{fs, path::Path, process::Command};

/// Pages with snippets of the daemon's configuration, and how many each has.
const OF_THE_DAEMON: [(&str, usize); 11] = [
    ("docs/upstream.md", 12),
    ("docs/tickets/redmine.md", 1),
    ("docs/tickets/request-tracker.md", 1),
    ("docs/forwarders/syslog.md", 1),
    ("docs/forwarders/content.md", 1),
    ("docs/forwarders/elasticsearch.md", 1),
    ("docs/forwarders/file.md", 1),
    ("docs/forwarders/mqtt.md", 1),
    ("docs/forwarders/nats.md", 1),
    ("docs/forwarders/splunk-hec.md", 1),
    ("docs/forwarders/webhook.md", 1),
];
/// The same of the enforcer's.
const OF_THE_ENFORCER: [(&str, usize); 4] = [
    ("docs/containment.md", 1),
    ("docs/drivers/netconf.md", 2),
    ("docs/drivers/ovsdb.md", 1),
    ("docs/drivers/snmp-qbridge.md", 1),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The `toml` blocks of a page.
fn snippets(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let blocks = text.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// With every line that is commented out written as well: what a page says can be written can be.
fn whole(snippet: &str) -> String {
    let line = |line: &str| {
        let word = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = "));
        match word {
            Some((key, _)) if key.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
                line.trim_start_matches("# ").to_owned()
            }
            _ => line.to_owned(),
        }
    };
    snippet.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn check(page: &str, before: &str, snippet: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    fs::write(&file, format!("{before}\n{snippet}")).unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_fieldwarden")).arg("check").arg(&file).output().unwrap();
    let told = String::from_utf8_lossy(&said.stderr);
    if !said.status.success() {
        panic!("{page}: {told}\n{snippet}");
    }
}

#[test]
fn every_snippet_of_a_page_loads() {
    let daemon = fs::read_to_string(root().join("config/shipped/fieldwarden.toml")).unwrap();
    // Its own destinations stand aside for those of the page.
    let daemon = daemon.split("[[forward.").next().unwrap().to_owned();
    for (page, count) in OF_THE_DAEMON {
        let snippets = snippets(page);
        assert_eq!(snippets.len(), count, "{page}");
        for snippet in snippets {
            check(page, &daemon, &snippet);
            check(page, &daemon, &whole(&snippet));
        }
    }
    let site = "[[site.asset]]\nname = \"Dosing PLC\"\naddresses = [\"10.1.0.10\"]\n[enforcer]\nmode = \"enforce\"\n";
    for (page, count) in OF_THE_ENFORCER {
        let snippets = snippets(page);
        assert_eq!(snippets.len(), count, "{page}");
        snippets.iter().for_each(|snippet| check(page, site, snippet));
    }
}
