//! What the pages of the forwarders tell people to write is a configuration, with every setting they name.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fieldwarden");

/// What every configuration needs besides.
const REST: &str = "[sensor]\ninterface = \"span0\"\n";

fn check(folder: &Path, text: &str) -> Output {
    let file = folder.join("fieldwarden.toml");
    fs::write(&file, format!("{REST}{text}")).unwrap();
    Command::new(PROGRAM).arg("check").arg(&file).output().unwrap()
}

/// The blocks of `page` that are written in TOML.
fn snippets(page: &str) -> Vec<String> {
    let blocks = page.split("```toml\n").skip(1);
    blocks.filter_map(|block| block.split_once("\n```")).map(|(snippet, _)| snippet.to_owned()).collect()
}

/// Every setting that stands there as a comment, `# key = value`, set.
fn all_set(snippet: &str) -> String {
    let set = |line: &str| match line.strip_prefix("# ") {
        Some(setting) if setting.contains(" = ") => setting.to_owned(),
        _ => line.to_owned(),
    };
    snippet.lines().map(set).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_snippet_of_a_forwarders_page_is_a_good_configuration() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/forwarders");
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for page in fs::read_dir(pages).unwrap() {
        let page = page.unwrap().path();
        for snippet in snippets(&fs::read_to_string(&page).unwrap()) {
            for text in [snippet.clone(), all_set(&snippet)] {
                let output = check(folder.path(), &text);
                assert!(output.status.success(), "{}:\n{text}\n{output:?}", page.display());
                checked += 1;
            }
        }
    }
    assert!(checked >= 4, "{checked} snippets");
}

#[test]
fn a_format_nobody_knows_is_told_with_its_place_and_the_ones_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/forwarders/content.md")).unwrap();
    let wrong = snippets(&page).join("\n").replace("format = \"cef\"", "format = \"xml\"");
    let output = check(folder.path(), &wrong);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let line = format!("{REST}{wrong}").lines().position(|line| line.contains("xml")).unwrap() + 1;
    assert!(said.contains(&format!("fieldwarden.toml:{line}:10")), "{said}");
    assert!(said.contains("`xml` is not known here"), "{said}");
    assert!(said.contains("write one of `structured`, `cef`, `leef`, `json`, `ecs`, `ocsf`"), "{said}");
}
