//! Our decoder against the logs that the ICSNPP analyzers publish for captures of protocols that tshark cannot read.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The shared test data, or nothing, said loudly.
fn shared(log: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FIELDWARDEN_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    if folder.join("expected").is_dir() {
        return Some(folder);
    }
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {log}: {} holds no `expected`", folder.display());
    None
}

/// The lines of a log, each cut into its columns.
fn log(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// The messages of a protocol that we tell of a capture.
fn told(capture: &Path, protocol: &str) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_fieldwarden"))
        .args(["decode", "--json"])
        .arg(capture)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let lines = String::from_utf8(run.stdout).unwrap();
    let messages = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    messages.filter(|message| message["protocol"] == protocol).collect()
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts.map(|text| text.as_str().map_or_else(|| text.to_string(), str::to_owned)).collect()
}

#[test]
fn bsap_headers_agree() {
    let Some(shared) = shared("bsap_ip_header.log") else { return };
    let wanted = log(&shared.join("expected/bsap/testing/baseline/analyzer.ip/bsap_ip_header.log"));
    let told = told(&shared.join("pcaps/bsap/icsnpp_bsap__bsap-ip_example.pcap"), "bsap");
    assert_eq!(told.len(), wanted.len());
    for (message, line) in told.iter().zip(&wanted) {
        let fields = &message["fields"];
        let function = match line[12].as_str() {
            "REQUEST" => 6,
            "RESPONSE" => 5,
            "RESPONSECNT" => 1,
            "POLL" => 0,
            other => panic!("{other}"),
        };
        let source = format!("{}:{}", line[7], line[8]);
        assert_eq!(message["src"], source.as_str(), "{message}");
        assert_eq!(fields["messages"].to_string(), line[11], "{message}");
        assert_eq!(fields["function_code"], function, "{message}");
    }
}

#[test]
fn bsap_data_base_functions_agree() {
    let Some(shared) = shared("bsap_ip_rdb.log") else { return };
    let wanted = log(&shared.join("expected/bsap/testing/baseline/analyzer.ip/bsap_ip_rdb.log"));
    let told = told(&shared.join("pcaps/bsap/icsnpp_bsap__bsap-ip_example.pcap"), "bsap");
    let told: Vec<&Value> = told.iter().filter(|message| message["fields"]["messages"] != 0).collect();
    // The log has a line for the first message of each datagram.
    assert!(told.len() >= wanted.len(), "{} {}", told.len(), wanted.len());
    let mut rest = told.iter();
    for line in &wanted {
        // Answers in several pieces have one line.
        let sequence = line[12].parse::<u64>().ok();
        let message = rest.find(|message| message["fields"]["message_sequence"][0].as_u64() == sequence);
        let Some(message) = message else { panic!("no message for {line:?}") };
        let fields = &message["fields"];
        let length = fields["message_length"][0].to_string();
        assert_eq!(length, line[14], "{message}");
        let name = line[18].trim_start_matches("RSP_").to_lowercase().replace('_', " ");
        let asks = line[6] == "T";
        // The log takes two answers that share a datagram, or come in pieces, for other things.
        if asks || line[18].starts_with("RSP_") {
            assert_eq!(texts(&fields["data_base_function"])[0], name, "{message}");
        }
        if asks && name == "read signal by name" {
            assert_eq!(texts(&fields["signal"]).join(","), line[20], "{message}");
        }
    }
}

#[test]
fn genisys_frames_agree() {
    let Some(shared) = shared("genisys.log") else { return };
    let capture = shared.join("pcaps/genisys/icsnpp_genisys__genisys_otherport.pcap");
    let names = |header: u64| match header {
        0xf1 => "Acknowledge Client",
        0xf2 => "Indication Data",
        0xfb => "Poll",
        0xfd => "Recall Header",
        other => panic!("{other:x}"),
    };
    let mut ours: Vec<String> = told(&capture, "genisys")
        .iter()
        .map(|message| {
            let fields = &message["fields"];
            let pairs = texts(&fields["address"]).into_iter().zip(texts(&fields["value"]));
            let pairs: Vec<String> = pairs.map(|(address, value)| format!("{address}={value}")).collect();
            let crc = fields["crc"].as_u64().map_or("-".into(), |crc| format!("{crc:#x}"));
            let pairs = if pairs.is_empty() { "-".into() } else { pairs.join(",") };
            let kind = message["kind"].as_str().unwrap();
            format!("{} {} {kind} {crc} {pairs}", names(fields["header"].as_u64().unwrap()), fields["server"])
        })
        .collect();
    ours.sort();
    // The same log belongs to the usual port and to another one.
    for analyzer in ["analyzer.basic", "analyzer.otherport"] {
        let path = shared.join("expected/genisys/tests/baseline").join(analyzer).join("genisys.log");
        // The reckoned CRC begins from 0 there, and is not that of the frames.
        let mut wanted: Vec<String> = log(&path)
            .iter()
            .map(|line| format!("{} {} {} {} {}", line[7], line[8], line[9], line[10], line[12]))
            .collect();
        wanted.sort();
        assert_eq!(ours, wanted, "{analyzer}");
    }
}

/// Names that the log has for errors.
fn roc_plus_errors(message: &Value) -> String {
    let names: Vec<String> = texts(&message["fields"]["error"]);
    if names.is_empty() { "-".into() } else { names.join(",") }
}

#[test]
fn roc_plus_frames_agree() {
    let Some(shared) = shared("roc_plus.log") else { return };
    let wanted = log(&shared.join("expected/roc-plus/testing/Baseline/tests.roc_plus_tcp/roc_plus.log"));
    let told = told(&shared.join("pcaps/roc_plus/icsnpp_roc-plus__all_opcodes_tcp.pcap"), "roc_plus");
    let ours = told.iter().map(|message| {
        let fields = &message["fields"];
        assert_ne!(message["kind"], "anomaly", "{message}");
        let crc = fields["crc"].as_u64().unwrap();
        let offsets = texts(&fields["error_offset"]);
        let offsets = if offsets.is_empty() { "-".into() } else { offsets.join(",") };
        let addresses = ["destination_unit", "destination_group", "source_unit", "source_group"];
        let addresses = addresses.map(|key| fields[key].to_string()).join(" ");
        let (opcode, length) = (fields["opcode"].as_u64().unwrap(), &fields["data_length"]);
        let errors = roc_plus_errors(message);
        format!("{addresses} ({opcode:03}) {length} {} {} {errors} {offsets}", crc & 255, crc >> 8)
    });
    let theirs = wanted.iter().map(|line| {
        let line = &line[line.iter().position(|column| column == "tcp").unwrap() + 2..];
        let opcode = line[4].rsplit(' ').next().unwrap();
        let errors = line[8].to_lowercase();
        let addresses = line[..4].join(" ");
        format!("{addresses} {opcode} {} {} {} {errors} {}", line[5], line[6], line[7], line[9])
    });
    let (mut ours, mut theirs): (Vec<String>, Vec<String>) = (ours.collect(), theirs.collect());
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn roc_plus_operators_agree() {
    let Some(shared) = shared("roc_plus_login.log") else { return };
    let wanted =
        log(&shared.join("expected/roc-plus/testing/Baseline/tests.roc_plus_tcp/roc_plus_login.log"));
    let told = told(&shared.join("pcaps/roc_plus/icsnpp_roc-plus__all_opcodes_tcp.pcap"), "roc_plus");
    let operators = told.iter().filter_map(|message| message["fields"]["operator"].as_str());
    let ours: Vec<String> =
        operators.map(|operator| operator.bytes().map(|octet| format!("{octet:02X}")).collect()).collect();
    // Padded with spaces in the log.
    let theirs =
        wanted.iter().map(|line| line[line.iter().position(|column| column == "4000").unwrap() + 1].as_str());
    let theirs: Vec<String> =
        theirs.filter(|name| *name != "-").map(|name| name.trim_end_matches("20").to_owned()).collect();
    assert_eq!(ours, theirs);
}
