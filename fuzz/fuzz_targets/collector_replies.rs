//! Hostile answers of Splunk and Elasticsearch: a status out of the first two octets, a body out of the rest. What is told of them is short and moves no cursor.
#![no_main]

use fieldwarden_response::{
    forward::{ForwardError, elasticsearch, splunk_hec},
    http::Answer,
};
use libfuzzer_sys::fuzz_target;

fn shown<T>(outcome: Result<T, ForwardError>) {
    if let Err(error) = outcome {
        let text = error.to_string();
        assert!(text.len() < 600 && !text.chars().any(char::is_control), "{text:?}");
    }
}

fuzz_target!(|input: (u16, &str)| {
    let (status, body) = input;
    // Half of the time one that says something.
    let status =
        if status < 32_768 { [200, 400, 409, 413, 429, 503][usize::from(status % 6)] } else { status };
    let answer = || Answer::new("https://siem.example", status, body);
    shown(elasticsearch::judge(answer()));
    shown(splunk_hec::receipt(answer(), true));
    shown(splunk_hec::receipt(answer(), false));
    shown(answer().taken());
    let numbers = splunk_hec::indexed(body).unwrap_or_default();
    assert!(numbers.len() <= body.len());
});
