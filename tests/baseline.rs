//! `fieldwarden baseline` as a person uses it: the examples of its page, what becomes of comments, and how long it takes on
//! the baseline of a large plant.
//!
//! `UPDATE_EXPECT=1 cargo test --test baseline` rewrites what the page says is answered; a person reads the difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of its own for a test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fieldwarden-baseline-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Runs `fieldwarden baseline` in the folder.
    fn baseline(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldwarden"));
        command.current_dir(&self.0).arg("baseline").args(words.split(' ')).output().unwrap()
    }

    /// Runs `fieldwarden` in the folder.
    fn run(&self, words: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldwarden"));
        command.current_dir(&self.0).args(words.split(' ')).output().unwrap()
    }

    /// The same, which must end well; what it printed.
    fn said(&self, words: &str) -> String {
        let run = self.baseline(words);
        assert!(run.status.success(), "{words}: {}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Each block `console` of the page is run line by line (`$` begins a command), in one folder that has the shipped baseline
/// as `plant.toml` and the captures; below each command stands what it says.
#[test]
fn the_page_says_what_the_commands_say() {
    let folder = Folder::new("page");
    fs::copy(root().join("config/shipped/baseline.toml"), folder.0.join("plant.toml")).unwrap();
    walk("docs/baseline.md", &folder);
}

/// The same of the page for who tunes for the first time, who has the captures alone.
#[test]
fn the_first_day_of_tuning_goes_as_its_page_says() {
    walk("docs/tuning.md", &Folder::new("tuning"));
    let page = fs::read_to_string(root().join("docs/tuning.md")).unwrap();
    // What the page is about, whatever it says: the stop stays an incident, and nothing else does.
    assert_eq!(page.matches("\ncritical: ").count(), 1);
    let (_, end) = page.split_once("## Review, then see").unwrap();
    let (end, _) = end.split_once("Quiet where it should be").unwrap();
    let loud = |line: &&str| line.starts_with("high ") || line.starts_with("critical ");
    assert!(
        end.lines().filter(loud).all(|line| line.contains("10.1.0.20") || line.contains("Filter line PLC"))
    );
    assert!(end.contains("critical controller-mode") && !end.contains("critical program-transfer"));
}

fn walk(name: &str, folder: &Folder) {
    let path = root().join(name);
    let page = fs::read_to_string(&path).unwrap();
    std::os::unix::fs::symlink(root().join("pcaps"), folder.0.join("pcaps")).unwrap();
    let mut ran = String::new();
    let mut in_block = false;
    for line in page.lines() {
        let command = line.strip_prefix("$ ").filter(|_| in_block);
        match (line, command) {
            ("```console", _) => in_block = true,
            ("```", _) => in_block = false,
            _ => {}
        }
        // What stood below a command is written anew.
        if !in_block || line == "```console" || command.is_some() {
            writeln!(ran, "{line}").unwrap();
        }
        ran.extend(command.map(|command| answer(&folder.0, command)));
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, ran).unwrap();
        return;
    }
    for (n, (says, is)) in page.lines().zip(ran.lines()).enumerate() {
        assert_eq!(says, is, "{name}:{}", n + 1);
    }
    assert_eq!(page.lines().count(), ran.lines().count(), "{name}");
}

fn answer(folder: &Path, command: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_fieldwarden")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let run = Command::new("sh")
        .args(["-c", &format!("{{ {command} ; }} 2>&1")])
        .env("PATH", path)
        .current_dir(folder)
        .output()
        .unwrap();
    String::from_utf8(run.stdout).unwrap()
}

const SMALL: &str = "\
# The dosing cell

mode = \"production\"

# desk 3
[[talker]]
address = \"10.0.0.5\"

[[talker]]
address = \"10.0.0.20\"

# polls and doses
[[conversation]]
client = \"10.0.0.5\"
server = \"10.0.0.20\"
server_port = 502
protocol = \"modbus\"
unit = 1
functions = [3, 6]  # reads and doses
writes = [
    { points = \"40101\", minimum = 0, maximum = 100, seen = 12 },  # dosing pump, percent
    { points = \"40102\", minimum = 0, maximum = 1, seen = 3 },
]
";

/// The text with one part of it exchanged.
fn with(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

#[test]
fn edits_and_comments_of_two_people_are_joined() {
    let folder = Folder::new("merge");
    folder.put("base.toml", SMALL);
    let mine = with(SMALL, "maximum = 100, seen = 12 }", "maximum = 120, seen = 12 }");
    folder.put("mine.toml", &with(&mine, "# desk 3", "# desk 3, since May"));
    let theirs = with(SMALL, "functions = [3, 6]", "# 16 for recipes\nfunctions = [3, 6, 16]");
    folder.put("theirs.toml", &with(&theirs, "seen = 3 },", "seen = 3 },  # valve"));
    folder.said("merge base.toml mine.toml theirs.toml -o out.toml");
    let out = folder.text("out.toml");
    let comments = [
        "# The dosing cell",
        "# desk 3\n",
        "# desk 3, since May",
        "# polls and doses",
        "# 16 for recipes",
        "# reads and doses",
        "# dosing pump, percent",
        "seen = 3 },  # valve",
    ];
    for comment in comments {
        assert!(out.contains(comment), "{comment} is not in\n{out}");
    }
    assert!(out.contains("functions = [3, 6, 16]") && out.contains("maximum = 120"), "{out}");
}

#[test]
fn a_conflict_names_both_places_and_writes_nothing() {
    let folder = Folder::new("conflict");
    folder.put("base.toml", SMALL);
    folder.put("mine.toml", &with(SMALL, "maximum = 100", "maximum = 120"));
    folder.put("theirs.toml", &with(SMALL, "maximum = 100", "maximum = 110"));
    let run = folder.baseline("merge base.toml mine.toml theirs.toml -o out.toml");
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stdout).unwrap();
    for part in
        ["maximum of 40101", "was     100", "mine    120  (mine.toml:13)", "theirs  110  (theirs.toml:13)"]
    {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert!(!folder.0.join("out.toml").exists());
}

#[test]
fn comments_of_what_is_gone_are_told() {
    let folder = Folder::new("lost");
    folder.put("base.toml", SMALL);
    folder.put("mine.toml", SMALL);
    folder.put("theirs.toml", &with(SMALL, "# desk 3\n[[talker]]\naddress = \"10.0.0.5\"\n", ""));
    let said = folder.said("merge base.toml mine.toml theirs.toml -o out.toml");
    assert!(said.contains("Not kept") && said.contains("mine.toml: talker 10.0.0.5: # desk 3"), "{said}");
}

#[test]
fn differences_are_a_status_where_asked_for() {
    let folder = Folder::new("status");
    folder.put("old.toml", SMALL);
    folder.put("new.toml", &with(SMALL, "maximum = 100", "maximum = 120"));
    folder.put("spelled.toml", &with(SMALL, "mode = \"production\"", "mode = 'production'  # as ever"));
    let code = |words: &str| folder.baseline(words).status.code();
    assert_eq!(code("diff old.toml new.toml"), Some(0));
    assert_eq!(code("diff old.toml new.toml --exit-code"), Some(1));
    assert_eq!(code("diff old.toml spelled.toml --exit-code"), Some(0));
    assert_eq!(code("diff old.toml absent.toml --exit-code"), Some(2));
}

/// A line of `replay --json` that tells of a write.
fn alert(detector: &str, client: &str, points: &str, value: i64) -> String {
    format!(
        "{{\"type\":\"alert\",\"id\":\"{detector}\",\"time\":\"2026-01-02T03:04:05Z\",\"detector\":\"{detector}\",\"severity\":\"high\",\
         \"techniques\":[],\"client\":\"{client}\",\"server\":\"10.0.0.20\",\"server_port\":502,\"protocol\":\"modbus\",\"transport\":\"tcp\",\
         \"unit\":1,\"operation\":\"write\",\"function\":\"6\",\"points\":\"{points}\",\"step\":1,\"new\":[{value}],\"assured\":true,\
         \"summary\":\"a write\",\"incident\":\"i\"}}\n"
    )
}

#[test]
fn accepting_leaves_every_other_line_as_it_was() {
    let folder = Folder::new("accept");
    folder.put("plant.toml", SMALL);
    folder.put("alerts.jsonl", &alert("value-out-of-range", "10.0.0.5", "40101", 105));
    let words = "accept value-out-of-range --alerts alerts.jsonl --baseline plant.toml --reason new_recipe";
    let said = folder.said(words);
    assert!(
        said.contains("WIDENS   maximum of 40101: 100 -> 105") && said.contains("Nothing was changed"),
        "{said}"
    );
    assert_eq!(folder.text("plant.toml"), SMALL);
    folder.said(&format!("{words} --write"));
    let text = folder.text("plant.toml");
    let before = SMALL.split("# polls and doses").next().unwrap();
    assert!(text.starts_with(before), "{text}");
    let parts = [
        "# Accepted (value-out-of-range value-out-of-range of 2026-01-02): new_recipe\n# polls and doses\n[[conversation]]\n",
        "# reads and doses",
        "maximum = 105, seen = 13 },  # dosing pump, percent\n",
    ];
    for part in parts {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let again = folder.baseline(words);
    assert_eq!(again.status.code(), Some(1), "it is covered now");
}

#[test]
fn what_cannot_be_accepted_says_why() {
    let folder = Folder::new("refused");
    folder.put("plant.toml", SMALL);
    folder.put("alerts.jsonl", &alert("malformed", "10.0.0.5", "40101", 105));
    let run = folder.baseline("accept malformed --alerts alerts.jsonl --baseline plant.toml --write");
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("never normal"));
    assert_eq!(folder.text("plant.toml"), SMALL);
    let run = folder.baseline("accept other --alerts alerts.jsonl --baseline plant.toml");
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn what_is_quiet_stands_with_its_reason_and_leaves_every_other_line_as_it_was() {
    let folder = Folder::new("quiet");
    folder.put("plant.toml", SMALL);
    folder.put("alerts.jsonl", &alert("value-out-of-range", "10.0.0.5", "40101", 105));
    let words = "quiet value-out-of-range --alerts alerts.jsonl --baseline plant.toml --until 2026-12-24 --reason recipe";
    let said = folder.said(words);
    assert!(said.contains("WIDENS   quiet: until 2026-12-24T00:00:00Z, for recipe added"), "{said}");
    assert!(said.contains("Nothing was changed"), "{said}");
    assert_eq!(folder.text("plant.toml"), SMALL);
    folder.said(&format!("{words} --write"));
    let text = folder.text("plant.toml");
    assert!(text.starts_with(SMALL) && text.contains("[[quiet]]\nclient = \"10.0.0.5\"\n"), "{text}");
    folder.put("open.toml", &text.replace("until = \"2026-12-24T00:00:00Z\"\n", ""));
    let said = folder.said("diff plant.toml open.toml");
    assert!(said.contains("WIDENS   quiet: until 2026-12-24T00:00:00Z -> open-ended"), "{said}");
    let asked = "explain plant.toml --client 10.0.0.5 --server 10.0.0.20 --function 6 --operation write --points 40101 --value 105";
    assert!(folder.said(asked).contains("quiet         what value-out-of-range tells of it is quiet until"));
    let checked = folder.run("check open.toml plant.toml");
    let checked = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.matches("open-ended").count(), 1, "{checked}");
    folder.put("malformed.jsonl", &alert("malformed", "10.0.0.5", "40101", 105));
    let run = folder.baseline("quiet malformed --alerts malformed.jsonl --baseline plant.toml --reason why");
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("never quieted"));
}

#[test]
fn an_entry_that_would_quiet_everything_is_a_fault_with_its_place() {
    let folder = Folder::new("everything");
    folder.put("plant.toml", &format!("{SMALL}\n[[quiet]]\ndetector = \"new-talker\"\nreason = \"peace\"\n"));
    let run = folder.run("check plant.toml");
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("plant.toml:25:") && said.contains("would quiet everything"), "{said}");
}

/// A plant of 2,000 conversations that write 50 points each, no two neighbours alike.
fn large(maximum: u32) -> String {
    let mut text = String::from("mode = \"production\"\n\n[[talker]]\naddress = \"10.0.0.5\"\n");
    for n in 0..2_000 {
        write!(
            text,
            "\n[[conversation]]\nclient = \"10.0.0.5\"\nserver = \"10.1.{}.{}\"\nserver_port = 502\nprotocol = \"modbus\"\nunit = 1\n\
             functions = [3, 16]\nwrites = [\n",
            n / 250,
            n % 250
        )
        .unwrap();
        for point in 0..50 {
            let most = maximum + point % 2;
            writeln!(
                text,
                "    {{ points = \"{}\", minimum = 0, maximum = {most}, seen = 9 }},",
                40_101 + point
            )
            .unwrap();
        }
        text.push_str("]\n");
    }
    text
}

/// What each command may take on 100,000 points. Without optimisation the command itself and the TOML parser behind it are
/// several times slower, so a build for debugging is held to five times as much.
const PATIENCE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 2 });

#[test]
fn a_hundred_thousand_points_are_answered_at_once() {
    let folder = Folder::new("large");
    folder.put("base.toml", &large(100));
    folder.put("mine.toml", &large(120));
    let theirs = large(100).replace("functions = [3, 16]", "functions = [3, 6, 16]  # recipes");
    folder.put("theirs.toml", &theirs.replace("seen = 9", "seen = 10"));
    folder.put("alerts.jsonl", &alert("new-point-write", "10.0.0.5", "40101", 7));
    let commands = [
        "show base.toml",
        "show base.toml --json",
        "show base.toml --conversation 10.1.7.9",
        "diff base.toml mine.toml",
        "diff base.toml theirs.toml --json",
        "merge base.toml mine.toml theirs.toml -o out.toml",
        "accept new-point-write --alerts alerts.jsonl --baseline base.toml --write",
        "explain base.toml --client 10.0.0.5 --server 10.1.7.9 --function 16 --points 40101-40150 --value 101",
    ];
    let mut slow = Vec::new();
    for words in commands {
        let since = Instant::now();
        folder.said(words);
        let took = since.elapsed();
        println!("{took:?}  {words}");
        if took > PATIENCE {
            slow.push(format!("{words}: {took:?}"));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}

/// Each kind of values, read, shown and asked about; and what is wrong with a line that is none.
#[test]
fn each_kind_of_values_is_read_and_explained() {
    let folder = Folder::new("kinds");
    let kinds = [
        ("values = [3, 0, 1, 3], seen = 120", "0, 1 or 3", "3", "2"),
        ("values = [0.5, 2], seen = 12", "0.5 or 2", "2", "1"),
        ("bits = \"0x000f\", seen = 400", "bits 0x000f", "15", "16"),
        ("bits = 3, set = \"0x0400\", seen = 400", "bits 0x0003 with 0x0400 always set", "1027", "3"),
        (
            "counter = 1, minimum = 0, maximum = 255, seen = 4000",
            "0 to 255, counting up by at most 1",
            "9",
            "256",
        ),
        ("minimum = 0, maximum = 100, seen = 12", "0 to 100", "100", "101"),
    ];
    for (line, words, normal, strange) in kinds {
        folder.put("kind.toml", &SMALL.replace("minimum = 0, maximum = 100, seen = 12", line));
        let shown = folder.said("show kind.toml");
        assert!(shown.contains(&format!("40101: {words}, ")), "{line}: {shown}");
        let ask = "explain kind.toml --client 10.0.0.5 --server 10.0.0.20 --points 40101 --value ";
        assert!(folder.said(&format!("{ask}{normal}")).starts_with("Normal"), "{line}: {normal}");
        let told = folder.said(&format!("{ask}{strange}"));
        assert!(told.contains(&format!("{strange} is outside: 40101 takes {words}")), "{line}: {told}");
    }
    let faults = [
        ("values = []", "expected 1 to 64 values, there are 0"),
        ("values = [1], minimum = 0", "`values` and `minimum` or `maximum` do not stand together"),
        ("bits = \"0x3\", counter = 1", "`bits` and `counter` do not stand together"),
        ("bits = \"0x3\", set = \"0x6\"", "0x0002 stands in `bits` as well"),
        ("set = \"0x6\"", "`set` stands beside `bits` alone"),
        ("bits = \"xyz\"", "expected bits"),
        ("bits = -1", "expected bits"),
        ("counter = 1, minimum = 9, maximum = 3", "9 is greater than the maximum 3"),
    ];
    for (line, fault) in faults {
        folder.put("kind.toml", &SMALL.replace("minimum = 0, maximum = 100, seen = 12", line));
        let run = folder.baseline("show kind.toml");
        let told = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.code() == Some(2) && told.contains(fault), "{line}: {told}");
    }
}
