//! Against messages decoded by hand, after those that `fox-info` and `foxdissector` show.

use alloc::{format, string::String, vec::Vec};

use fieldwarden_model::Transport;

use super::{Fox, PORTS};
use crate::{
    Probe,
    talk::{ANSWER, ASK, Talk, probed, stands, told},
};

fn said(parts: &[(crate::Direction, &str)]) -> Talk {
    parts.iter().map(|(direction, text)| (*direction, text.as_bytes().to_vec())).collect()
}

const HELLO: &str = "fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n";

fn exchange() -> Talk {
    said(&[
        (ASK, HELLO),
        (
            ANSWER,
            "fox a 0 -1 fox hello\n{\nfox.version=s:1.0.1\nid=i:34\nhostName=s:10.0.0.5\napp.name=s:Station\n\
             sysInfo=o:bog 13[<b>\n};;\n</b>\n]\nstation.name=s:Pumps\n};;\n",
        ),
        (ASK, "fox s 2 -1 station invoke\n{\nord=s:slot:/Pumps/P1\n};;\n"),
        (ANSWER, "fox r 1 2 station invoke\n{\n};;\nfox e 2 3 file get\n{\n};;\n"),
        (ASK, "fox s 3 -1 file get\n{\ndata=b:5[\n};;\n]\n};;\n"),
        (ANSWER, "fox a 3 -1 fox rejected\n{\n};;\n"),
    ])
}

#[test]
fn messages_end_where_they_say_even_if_a_blob_holds_an_end() {
    let lines = told(&Fox, Transport::Tcp, &exchange());
    let wanted = [
        "request frame_type=a sequence=1 reply=-1 channel=fox command=hello fox_version=1.0 | associate 78650 hello (Asked)",
        "report frame_type=a sequence=0 reply=-1 channel=fox command=hello fox_version=1.0.1 host_name=10.0.0.5 \
         application=Station station=Pumps | associate 78650 hello (Reported)",
        "request frame_type=s sequence=2 reply=-1 channel=station command=invoke ord=slot:/Pumps/P1 \
         | operate N invoke action (Asked)",
        "response frame_type=r sequence=1 reply=2 channel=station command=invoke | operate N invoke action (Done)",
        "response frame_type=e sequence=2 reply=3 channel=file command=get | transfer N file (Refused(0))",
        "request frame_type=s sequence=3 reply=-1 channel=file command=get | transfer N file (Asked)",
        "report frame_type=a sequence=3 reply=-1 channel=fox command=rejected | associate N reject session (Refused(0))",
    ];
    let plain = |line: &str| -> String {
        let words = line
            .split(' ')
            .map(|word| if word.len() > 4 && word.parse::<u32>().is_ok() { "N" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    let (got, wanted): (Vec<_>, Vec<_>) =
        (lines.iter().map(|line| plain(line)).collect(), wanted.iter().map(|line| plain(line)).collect());
    assert_eq!(got, wanted);
}

#[test]
fn it_stands_the_trials() {
    stands(&Fox, Transport::Tcp, &exchange());
}

#[test]
fn commands_are_told_apart_by_number() {
    let number = |line: &str| super::command::number("station", line);
    assert_ne!(number("invoke"), number("set"));
    assert!(number("invoke") > 0xffff);
}

#[test]
fn a_blob_longer_than_any_message_is_passed_over() {
    let endless = format!("fox s 1 -1 file put\n{{\ndata=b:{}[\n", 60_000);
    let mut parts = said(&[(ASK, &endless)]);
    parts.extend((0..80).map(|_| (ASK, alloc::vec![b'x'; 1_000])));
    parts.extend(said(&[(ASK, HELLO)]));
    let lines = told(&Fox, Transport::Tcp, &parts);
    assert!(lines.last().is_some_and(|line| line.contains("command=hello")), "{lines:?}");
}

#[test]
fn a_head_line_is_certain_on_any_port() {
    assert_eq!(probed(&Fox, ASK, HELLO.as_bytes(), 9_999), Probe::Certain);
    assert_eq!(probed(&Fox, ASK, b"fo", PORTS[0]), Probe::Need(3));
    assert_eq!(probed(&Fox, ASK, b"fox jumps over", PORTS[0]), Probe::No);
}
