//! Rules of the house that no compiler checks: what each registered thing owes, who may know what, where unsafe lives.

#![expect(clippy::panic, reason = "a test that cannot go on stops here")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// Names of the folders directly below `path`.
fn folders(path: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(path)) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Every Rust file of the project.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = [
        "src",
        "model",
        "protocols",
        "engine",
        "sensor",
        "enforcer",
        "response",
        "config",
        "tests",
        "fuzz",
        "lab",
    ]
    .map(|folder| root().join(folder))
    .to_vec();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !["target", "corpus", "artifacts"].contains(&entry.file_name().to_string_lossy().as_ref())
                {
                    waiting.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn assert_exist(what: &str, wanted: impl IntoIterator<Item = String>) {
    let missing: Vec<String> = wanted.into_iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{what}: missing {missing:?}");
}

#[test]
fn every_dissector_has_page_fuzz_target_and_case() {
    let cases = folders("tests/cases");
    for dissector in fieldwarden_protocols::DISSECTORS {
        let name = dissector.protocol().name();
        assert_exist(
            name,
            [
                format!("protocols/src/{name}/mod.rs"),
                format!("docs/protocols/{name}.md"),
                format!("fuzz/fuzz_targets/{name}.rs"),
            ],
        );
        assert!(
            cases.iter().any(|case| case.starts_with(&format!("{name}-"))),
            "{name}: no case in tests/cases"
        );
    }
}

/// Whether the line of a protocol stands in a file of such lines.
fn has_line(text: &str, name: &str) -> bool {
    text.lines().any(|line| line.split_whitespace().next() == Some(name))
}

#[test]
fn every_dissector_says_which_fields_identify_its_messages() {
    let core = read("tests/conformance/core.tsv");
    let fuzz = read("fuzz/Cargo.toml");
    for dissector in fieldwarden_protocols::DISSECTORS {
        let name = dissector.protocol().name();
        assert!(has_line(&core, name), "{name}: no line in tests/conformance/core.tsv");
        let listed = fuzz.matches(&format!("\nname = \"{name}\"\n")).count();
        assert_eq!(listed, 1, "{name}: [[bin]]s in fuzz/Cargo.toml");
    }
}

/// Rows of the table of protocols: the page that a row links, and its cells.
fn protocol_rows(readme: &str) -> Vec<(String, Vec<&str>)> {
    let rows = readme.lines().filter(|line| line.starts_with("| ["));
    let linked = |row: &str| Some(row.split_once("](docs/protocols/")?.1.split_once(".md)")?.0.to_owned());
    let cells = |row| str::trim_matches(row, '|').split('|').map(str::trim).collect();
    rows.filter_map(|row| Some((linked(row)?, cells(row)))).collect()
}

/// `UPDATE_EXPECT=1` adds the rows that are missing, by title, for a person to fill in.
#[test]
fn the_table_of_protocols_is_the_list_of_dissectors() {
    let names: BTreeSet<&str> =
        fieldwarden_protocols::DISSECTORS.iter().map(|dissector| dissector.protocol().name()).collect();
    let readme = read("README.md");
    let rows = protocol_rows(&readme);
    let listed: BTreeSet<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let missing = names.difference(&listed).map(|name| {
            let page = read(format!("docs/protocols/{name}.md"));
            let title = page.lines().next().unwrap_or_default().trim_start_matches("# ");
            format!("| [{title}](docs/protocols/{name}.md) | ? | ? | ? |\n")
        });
        let (head, rest) = readme.split_once("|---|---|---|---|\n").unwrap();
        let (old, rest) = rest.split_once("\n\n").unwrap();
        let mut table: Vec<String> = old.lines().map(|line| format!("{line}\n")).chain(missing).collect();
        table.sort_by_key(|row| row.split_once("](").map(|(_, link)| link.to_owned()));
        let text = format!("{head}|---|---|---|---|\n{}\n{rest}", table.concat());
        fs::write(root().join("README.md"), text).unwrap();
        return;
    }
    assert_eq!(listed, names, "README.md: the table of protocols and DISSECTORS");
    for (name, cells) in rows {
        let whole =
            cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty() && *cell != "?" && *cell != "...");
        assert!(whole, "README.md: {name}: a row says protocol, depth, specification, tested against what");
        assert!(["deep", "message", "it"].contains(&cells[1]), "README.md: {name}: depth `{}`", cells[1]);
    }
}

#[test]
fn every_detector_has_a_page() {
    let ids: Vec<&str> = fieldwarden_engine::detect::DETECTORS.iter().map(|detector| detector.id()).collect();
    assert_exist("detectors", ids.iter().map(|id| format!("docs/detectors/{id}.md")));
    assert_exist(
        "detectors",
        ids.iter().map(|id| format!("engine/src/detect/{}/mod.rs", id.replace('-', "_"))),
    );
    assert_eq!(
        folders("engine/src/detect").len(),
        ids.len(),
        "a detector folder without its line in DETECTORS"
    );
}

#[test]
fn every_driver_and_forwarder_has_a_page() {
    assert_exist(
        "drivers",
        folders("enforcer/src/drivers")
            .iter()
            .map(|name| format!("docs/drivers/{}.md", name.replace('_', "-"))),
    );
    assert_exist(
        "forwarders",
        folders("response/src/forward")
            .iter()
            .map(|name| format!("docs/forwarders/{}.md", name.replace('_', "-"))),
    );
}

#[test]
fn unsafe_code_lives_in_two_files() {
    let allowed = [root().join("sensor/src/sys.rs"), root().join("enforcer/src/sys.rs")];
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let own = path == root().join("tests/tidy.rs");
        let uses = text.lines().any(|line| {
            let line = line.trim_start();
            !line.starts_with("//")
                && (line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl"))
        });
        assert!(own || !uses || allowed.contains(&path), "{}: unsafe outside sys.rs", path.display());
    }
    for crate_root in ["model", "protocols", "engine", "response", "config"] {
        assert!(read(format!("{crate_root}/src/lib.rs")).contains("#![forbid(unsafe_code)]"), "{crate_root}");
    }
    assert!(read("src/main.rs").contains("#![forbid(unsafe_code)]"));
}

#[test]
fn dependencies_point_down() {
    let allowed: [(&str, &[&str]); 7] = [
        ("model", &[]),
        ("protocols", &["model"]),
        ("engine", &["model", "protocols"]),
        ("sensor", &["model"]),
        ("config", &["model"]),
        ("enforcer", &["model", "config"]),
        ("response", &["model", "protocols", "engine"]),
    ];
    for (package, may) in allowed {
        let manifest = read(format!("{package}/Cargo.toml"));
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for line in dependencies.lines().filter(|line| line.starts_with("fieldwarden-")) {
            let name =
                line.trim_start_matches("fieldwarden-").split([' ', '.', '=']).next().unwrap_or_default();
            assert!(may.contains(&name), "{package} must not know {name}");
        }
    }
}

#[test]
fn only_config_knows_toml_and_only_the_enforcer_links_libnftnl() {
    for package in ["model", "protocols", "engine", "sensor", "enforcer", "response"] {
        let manifest = read(format!("{package}/Cargo.toml"));
        assert!(!manifest.lines().any(|line| line.starts_with("toml")), "{package} knows TOML");
        let nftnl = manifest.lines().any(|line| line.starts_with("nftnl"));
        assert_eq!(nftnl, package == "enforcer", "{package} and libnftnl");
    }
    let own = read("Cargo.toml");
    // How a package is built for tests is no dependency.
    let mut dependencies = own.lines().filter(|line| !line.contains("opt-level"));
    let links = dependencies.any(|line| line.contains("fieldwarden-enforcer"));
    assert!(!links, "the command must not link the enforcer");
}

#[test]
fn the_engine_bans_clocks_files_and_sockets() {
    let bans = read("engine/clippy.toml");
    for name in ["Instant::now", "SystemTime::now", "fs::File", "TcpStream", "UdpSocket", "HashMap"] {
        assert!(bans.contains(name), "engine/clippy.toml no longer bans {name}");
    }
}

#[test]
fn nothing_is_left_unfinished_or_grown_too_long() {
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("#[ign", "ore"),
        concat!("FIX", "ME"),
    ];
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for mark in marks {
            assert!(!text.contains(mark), "{}: {mark}", path.display());
        }
        let lines = text.lines().count();
        assert!(lines <= 800, "{}: {lines} lines, split it", path.display());
    }
}

#[test]
fn every_capture_of_ours_tells_where_it_comes_from() {
    let provenance = read("pcaps/PROVENANCE.toml");
    let captures: BTreeSet<String> = fs::read_dir(root().join("pcaps"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".pcap").map(str::to_owned))
        .collect();
    assert!(captures.len() >= 5, "{captures:?}");
    for name in captures {
        assert!(provenance.contains(&format!("name = \"{name}\"")), "{name} is not in pcaps/PROVENANCE.toml");
    }
}
